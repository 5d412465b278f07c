/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Manager: the daemon as a whole. */
#include "api_internal.h"
#include "clock.h"

#include <errno.h>
#include <unistd.h>

static const struct varlink_parameter no_parameters[] = {{0}};
static const struct varlink_parameter interactive[] = {
	{"allowInteractiveAuthentication", VARLINK_BOOL, false}, {0}};
static const struct varlink_parameter apply_parameters[] = {
	{"atomic", VARLINK_BOOL, false},
	{"confirmUsec", VARLINK_INT, false},
	{"restart", VARLINK_BOOL, false},
	{"allowInteractiveAuthentication", VARLINK_BOOL, false},
	{0}};

/* --- Describe ----------------------------------------------------------------------------------- */

static int put_counts(json_t *o, struct manager *m)
{
	json_int_t count[NETNS_STATE_COUNT] = {0}, total = 0;
	struct unit *u, *next;
	int r = 0;

	HASH_ITER (hh, m->units, u, next) {
		if (u->netns != NULL && u->netns->implicit)
			continue; /* the host that no file declares */
		count[u->state]++;
		total++;
	}
	r |= api_put_int(o, "total", total);
	for (int s = 0; s < NETNS_STATE_COUNT; s++)
		r |= api_put_int(o, netns_state_to_string((enum netns_state)s), count[s]);
	return r;
}

static int put_registry(json_t *o, const struct registry *registry)
{
	json_t *plugins = json_array(), *kinds = json_array();
	int r = 0;

	for (size_t i = 0; i < registry->n_plugins; i++)
		r |= json_array_append_new(plugins, api_text(registry->plugins[i]->name));
	for (size_t i = 0; i < registry->n_kinds; i++)
		r |= json_array_append_new(kinds, api_text(registry->kinds[i]->section));
	r |= api_put(o, "plugins", plugins);
	return r | api_put(o, "kinds", kinds);
}

static int put_checkpoint(json_t *o, const struct checkpoint *c)
{
	static const char *const states[] = {NULL, "applying", "waiting", "rolledBack"};
	uint64_t now = clock_boottime();
	json_t *checkpoint;
	int r = 0;

	if (c->state == CHECKPOINT_NONE)
		return 0;
	checkpoint = json_object();
	r |= api_put_text(checkpoint, "state", states[c->state]);
	if (c->state == CHECKPOINT_WAITING)
		r |= api_put_int(checkpoint, "leftUsec",
				 c->deadline > now ? (json_int_t)(c->deadline - now) : 0);
	if (c->reason[0])
		r |= api_put_text(checkpoint, "reason", c->reason);
	return r | api_put(o, "checkpoint", checkpoint);
}

void api_manager_describe(struct varlink_call *call, json_t *parameters, void *data)
{
	struct api *a = data;
	json_t *o;
	int r = 0;

	if (!varlink_check_parameters(call, parameters, no_parameters))
		return;
	o = json_object();
	r |= api_put_text(o, "version", NETNSD_VERSION);
	r |= api_put_text(o, "state", manager_state_to_string(a->manager->state));
	r |= api_put_int(o, "startedAt", (json_int_t)a->started_at);
	r |= api_put_int(o, "pid", getpid());
	r |= put_counts(o, a->manager);
	r |= api_put_container_counts(o, a->manager);
	r |= put_registry(o, &a->manager->registry);
	r |= api_put(o, "diagnostics", api_diagnostics(&a->manager->start_diags));
	r |= put_checkpoint(o, &a->manager->checkpoint);
	api_reply(call, api_built(o, r));
}

/* --- Plan, Apply ---------------------------------------------------------------------------------- */

static void fail_configuration(struct varlink_call *call, const struct operation_result *result)
{
	const struct diag *d = NULL;
	json_t *o = json_object();
	int r = 0;

	for (size_t i = 0; d == NULL && i < result->diags.count; i++)
		if (result->diags.items[i].severity == DIAG_ERROR)
			d = &result->diags.items[i];
	if (d != NULL) {
		r |= api_put_text(o, "file", d->file);
		if (d->line > 0)
			r |= api_put_int(o, "line", d->line);
		r |= api_put_text(o, "key", d->key);
	}
	r |= api_put_text(o, "message", d != NULL && d->message != NULL ? d->message : result->error.text);
	r |= api_put(o, "diagnostics", api_diagnostics(&result->diags));
	api_fail(call, "io.netnsd.Manager.BadConfiguration", api_built(o, r));
}

static void fail_state(struct api *a, struct varlink_call *call, const struct operation_result *result)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "state", manager_state_to_string(a->manager->state));
	if (result->error.text[0] != '\0')
		r |= api_put_text(o, "message", result->error.text);
	api_fail(call, "io.netnsd.Manager.BadState", api_built(o, r));
}

void api_manager_fail(struct api *a, struct varlink_call *call, const struct operation_result *result)
{
	json_t *o;
	int r = 0;

	if (result->failure == FAILURE_BAD_CONFIGURATION) {
		fail_configuration(call, result);
		return;
	}
	if (result->failure == FAILURE_BAD_STATE) {
		fail_state(a, call, result);
		return;
	}
	o = json_object();
	r |= api_put(o, "failures", api_failures(result));
	r |= api_put(o, "actions", api_actions(result));
	r |= api_put(o, "diagnostics", api_diagnostics(&result->diags));
	if (result->n_failed > 0 && result->error.text[0]) /* without one the text is the failure's */
		r |= api_put_text(o, "message", result->error.text);
	api_fail(call, "io.netnsd.Manager.ApplyFailed", api_built(o, r));
}

static void answer_actions(struct api *a, struct varlink_call *call, const char *name,
			   const struct operation_result *result)
{
	json_t *o;
	int r = 0;

	(void)name;
	if (result->failure != FAILURE_NONE) {
		api_manager_fail(a, call, result);
		return;
	}
	o = json_object();
	r |= api_put(o, "actions", api_actions(result));
	r |= api_put(o, "diagnostics", api_diagnostics(&result->diags));
	if (result->waiting)
		r |= api_put_bool(o, "waiting", true);
	api_reply(call, api_built(o, r));
}

void api_manager_plan(struct varlink_call *call, json_t *parameters, void *data)
{
	if (varlink_check_parameters(call, parameters, no_parameters))
		api_operate(data, call, &(struct operation_request){.type = OPERATION_PLAN}, answer_actions);
}

void api_manager_apply(struct varlink_call *call, json_t *parameters, void *data)
{
	struct operation_request request = {.type = OPERATION_APPLY};
	json_t *span = json_object_get(parameters, "confirmUsec");
	json_int_t usec;

	if (!varlink_check_parameters(call, parameters, apply_parameters))
		return;
	request.atomic = json_is_true(json_object_get(parameters, "atomic"));
	request.restart = json_is_true(json_object_get(parameters, "restart"));
	if (json_is_integer(span)) {
		usec = json_integer_value(span);
		if (usec < (json_int_t)CHECKPOINT_SPAN_MIN || usec > (json_int_t)CHECKPOINT_SPAN_MAX) {
			varlink_error_invalid_parameter(call, "confirmUsec");
			return;
		}
		request.confirm = (uint64_t)usec;
	}
	api_operate(data, call, &request, answer_actions);
}

void api_manager_confirm(struct varlink_call *call, json_t *parameters, void *data)
{
	struct operation_result result = {.failure = FAILURE_BAD_STATE};
	struct api *a = data;
	json_t *o;
	int r;

	if (!varlink_check_parameters(call, parameters, interactive))
		return;
	r = manager_confirm(a->manager, &result.error);
	if (r == 0) {
		varlink_reply(call, NULL);
	} else if (r == -EBUSY) {
		fail_state(a, call, &result);
	} else {
		o = json_object();
		r = api_put_text(o, "message", result.error.text);
		api_fail(call, "io.netnsd.Manager.NothingToConfirm", api_built(o, r));
	}
}
