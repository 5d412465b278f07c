/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Container: Start, Stop, Restart, Kill, ResetFailed and Wait. A `struct asking` ties a call to
 * what was asked of a container until one of the two ends; when the client hangs up first, what it asked for
 * is done all the same, and nobody is told. */
#include "api_internal.h"
#include "parse.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACE "io.netnsd.Container."

struct asking {
	struct api *api;
	struct varlink_call *call;
	struct container_waiter *waiter; /* NULL while it is being started */
	struct subscriber subscriber;	 /* Wait */
	enum container_verb verb;
	char *name;
	bool starting, finished; /* done() may come before container_ask() returns */
};

static struct asking *asking_new(struct api *a, struct varlink_call *call, const char *name)
{
	struct asking *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->name = strdup(name)) == NULL) {
		free(k);
		api_no_memory(call);
		return NULL;
	}
	k->api = a;
	k->call = call;
	return k;
}

static void asking_free(struct asking *k)
{
	free(k->name);
	free(k);
}

/* --- failures -------------------------------------------------------------------------------------- */

void api_container_no_such(struct varlink_call *call, const char *name)
{
	json_t *o = json_object();
	int r = api_put_text(o, "name", name);

	api_fail(call, INTERFACE "NoSuchContainer", api_built(o, r));
}

static int put_message(json_t *o, const struct error *e)
{
	return e->text[0] != '\0' ? api_put_text(o, "message", e->text) : 0;
}

static void fail_state(struct asking *k, const struct container_outcome *outcome)
{
	struct manager *m = k->api->manager;
	const struct container *c = manager_find_container(m, k->name);
	const bool running = m->state == MANAGER_RUNNING || m->state == MANAGER_RELOADING;
	json_t *o = json_object();
	int r = api_put_text(o, "name", k->name);

	r |= api_put_text(o, "state",
			  c != NULL && running ? container_state_to_string(c->s.state)
					       : manager_state_to_string(m->state));
	r |= put_message(o, &outcome->error);
	api_fail(k->call, INTERFACE "BadState", api_built(o, r));
}

static void fail_start(struct asking *k, const struct container_outcome *outcome)
{
	json_t *o = json_object();
	int r = api_put_text(o, "name", k->name);

	r |= api_put_text(o, "result", run_result_to_string(outcome->result));
	r |= api_put_text(o, "message", outcome->error.text);
	api_fail(k->call, INTERFACE "StartFailed", api_built(o, r));
}

static void fail_configuration(struct asking *k, const struct container_outcome *outcome)
{
	const struct container *c = manager_find_container(k->api->manager, k->name);
	json_t *o = json_object();
	int r = 0;

	if (c != NULL && c->settings != NULL)
		r |= api_put_text(o, "file", c->settings->origin.file);
	r |= api_put_text(o, "message", outcome->error.text);
	api_fail(k->call, INTERFACE "BadConfiguration", api_built(o, r));
}

/* --- answers --------------------------------------------------------------------------------------- */

/* The state it is in now, for whoever follows; a container may have gone with its last run. */
static void answer_state(struct asking *k, const char *skipped)
{
	const struct container *c = manager_find_container(k->api->manager, k->name);
	json_t *o = json_object();
	int r = 0;

	if (c != NULL) {
		r |= api_put_text(o, "state", container_state_to_string(c->s.state));
		if (c->reason.code != 0)
			r |= api_put_text(o, "text", c->reason.text);
	}
	r |= api_put_text(o, "skipped", skipped);
	api_reply(k->call, api_built(o, r));
}

static void answer(struct asking *k, const struct container_outcome *outcome)
{
	const bool states = k->verb != CONTAINER_VERB_KILL && k->verb != CONTAINER_VERB_RESET_FAILED;

	switch (outcome->failure) {
	case CONTAINER_NO_SUCH: api_container_no_such(k->call, k->name); break;
	case CONTAINER_BAD_CONFIGURATION: fail_configuration(k, outcome); break;
	case CONTAINER_BAD_STATE: fail_state(k, outcome); break;
	case CONTAINER_START_FAILED: fail_start(k, outcome); break;
	case CONTAINER_WAS_SKIPPED: answer_state(k, outcome->error.text); break;
	case CONTAINER_DONE:
		if (states)
			answer_state(k, NULL);
		else
			varlink_reply(k->call, NULL);
		break;
	}
}

static void asking_done(const struct container_outcome *outcome, void *data)
{
	struct asking *k = data;

	k->finished = true;
	k->waiter = NULL;
	answer(k, outcome);
	if (!k->starting)
		asking_free(k);
}

static void asking_changed(enum container_state state, const char *text, void *data)
{
	struct asking *k = data;
	json_t *o = json_object();
	int r = api_put_text(o, "state", container_state_to_string(state));

	if (text != NULL && text[0] != '\0')
		r |= api_put_text(o, "text", text);
	/* What cannot be told for want of memory is one line of progress less. */
	o = api_built(o, r);
	if (o != NULL)
		(void)varlink_notify(k->call, o);
}

static void asking_gone(struct varlink_call *call)
{
	struct asking *k = varlink_call_userdata(call);

	container_waiter_forget(k->waiter);
	asking_free(k);
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

static void ask(struct api *a, struct varlink_call *call, const struct container_request *request)
{
	struct asking *k = asking_new(a, call, request->name);
	struct container_waiter *waiter = NULL;

	if (k == NULL)
		return;
	k->verb = request->verb;
	k->starting = true;
	varlink_call_set_userdata(call, k, asking_gone);
	container_ask(a->manager, request, asking_done, varlink_call_wants_more(call) ? asking_changed : NULL,
		      k, &waiter);
	k->starting = false;
	if (k->finished)
		asking_free(k);
	else
		k->waiter = waiter;
}

/* --- methods --------------------------------------------------------------------------------------- */

static const struct varlink_parameter one_name[] = {
	{"name", VARLINK_STRING, true},
	{"allowInteractiveAuthentication", VARLINK_BOOL, false},
	{0},
};

static void ask_by_name(struct api *a, struct varlink_call *call, json_t *parameters,
			enum container_verb verb)
{
	struct container_request request = {.verb = verb};

	if (!varlink_check_parameters(call, parameters, one_name))
		return;
	request.name = json_string_value(json_object_get(parameters, "name"));
	ask(a, call, &request);
}

void api_container_start(struct varlink_call *call, json_t *parameters, void *data)
{
	ask_by_name(data, call, parameters, CONTAINER_VERB_START);
}

void api_container_stop(struct varlink_call *call, json_t *parameters, void *data)
{
	ask_by_name(data, call, parameters, CONTAINER_VERB_STOP);
}

void api_container_restart(struct varlink_call *call, json_t *parameters, void *data)
{
	ask_by_name(data, call, parameters, CONTAINER_VERB_RESTART);
}

void api_container_reset_failed(struct varlink_call *call, json_t *parameters, void *data)
{
	ask_by_name(data, call, parameters, CONTAINER_VERB_RESET_FAILED);
}

static int whom_from_string(const char *text, enum container_whom *ret)
{
	static const char *const words[] = {
		[WHOM_LEADER] = "leader", [WHOM_SUPERVISOR] = "supervisor", [WHOM_ALL] = "all"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], text) == 0) {
			*ret = (enum container_whom)i;
			return 0;
		}
	return -EINVAL;
}

void api_container_kill(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"name", VARLINK_STRING, true},
		{"signal", VARLINK_STRING, false},
		{"whom", VARLINK_STRING, false},
		{"allowInteractiveAuthentication", VARLINK_BOOL, false},
		{0},
	};
	struct container_request request = {.verb = CONTAINER_VERB_KILL, .signal = SIGTERM, .whom = WHOM_ALL};
	const char *signal = json_string_value(json_object_get(parameters, "signal"));
	const char *whom = json_string_value(json_object_get(parameters, "whom"));

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	request.name = json_string_value(json_object_get(parameters, "name"));
	if (signal != NULL && parse_signal(signal, &request.signal) < 0)
		varlink_error_invalid_parameter(call, "signal");
	else if (whom != NULL && whom_from_string(whom, &request.whom) < 0)
		varlink_error_invalid_parameter(call, "whom");
	else
		ask(data, call, &request);
}

/* --- Wait ------------------------------------------------------------------------------------------ */

static bool is_awaited(enum container_state s)
{
	return s != CONTAINER_RUNNING && s != CONTAINER_FAILED && s != CONTAINER_SKIPPED;
}

static void wait_end(struct asking *k, bool there)
{
	notice_unsubscribe(&k->api->manager->notices, &k->subscriber);
	if (there)
		answer_state(k, NULL);
	else
		api_container_no_such(k->call, k->name);
	asking_free(k);
}

static void wait_notice(const struct notice *n, void *data)
{
	struct asking *k = data;
	const struct container *c;

	if (n->object != EVENT_CONTAINER || n->container == NULL || strcmp(n->container, k->name) != 0)
		return;
	c = manager_find_container(k->api->manager, k->name);
	if (c == NULL || n->change == EVENT_REMOVED || !is_awaited(c->s.state))
		wait_end(k, c != NULL && n->change != EVENT_REMOVED);
}

/* The kernel's events are lost then, and those of containers are not among them. */
static void wait_resync(uint64_t sequence, void *data)
{
	(void)sequence;
	(void)data;
}

static void wait_gone(struct varlink_call *call)
{
	struct asking *k = varlink_call_userdata(call);

	notice_unsubscribe(&k->api->manager->notices, &k->subscriber);
	asking_free(k);
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

void api_container_wait(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"name", VARLINK_STRING, true}, {0}};
	const struct container *c;
	struct api *a = data;
	struct asking *k;

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	k = asking_new(a, call, json_string_value(json_object_get(parameters, "name")));
	if (k == NULL)
		return;
	k->subscriber = (struct subscriber){.notice = wait_notice, .resync = wait_resync, .data = k};
	notice_subscribe(&a->manager->notices, &k->subscriber);
	varlink_call_set_userdata(call, k, wait_gone);
	c = manager_find_container(a->manager, k->name);
	if (c == NULL || !is_awaited(c->s.state))
		wait_end(k, c != NULL);
}
