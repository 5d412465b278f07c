/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start, stop, restart, kill, reset-failed: all that are named at a time, each on a connection of its own,
 * since stopping one may take minutes; and waiting until they run. */
#include "clock.h"
#include "ctl.h"
#include "parse.h"
#include "varlink.h"

#include <errno.h>
#include <string.h>

#define AT_ONCE	 32 /* connections */
#define WHAT_MAX 300

struct asked {
	struct request request;
	struct varlink_client *client;
	char what[WHAT_MAX];
	const char *name;
};

/* For these, unlike for all other changes, root is not the only one. */
static int report(const struct asked *a, const struct reply *reply)
{
	if (!str_equal(reply->error, "org.varlink.service.PermissionDenied"))
		return client_report(a->what, reply);
	ctl_error("cannot %s: only root and the members of SocketGroup= in netnsd.conf(5) may do that",
		  a->what);
	return CTL_FAILED;
}

static json_t *parameters_of(const struct ctl *c, const char *name)
{
	json_t *p = json_pack("{s:s}", "name", name);

	if (p && c->signal && json_object_set_new(p, "signal", json_string(c->signal)) < 0)
		goto fail;
	if (p && c->kill_whom && json_object_set_new(p, "whom", json_string(c->kill_whom)) < 0)
		goto fail;
	return p;
fail:
	json_decref(p);
	return NULL;
}

/* Nobody would hear that the name is wrong once the call is one-way, so that is asked before. */
static int send_oneway(struct ctl *c, struct asked *a)
{
	json_t *parameters = a->request.parameters;
	int r;

	a->request.parameters = NULL;
	r = client_call(c, a->what, CONTAINER_INTERFACE ".List", json_pack("{s:s}", "name", a->name), NULL);
	if (r == 0)
		return client_send_oneway(c, a->what, a->request.method, parameters);
	json_decref(parameters);
	return r;
}

static int begin(struct ctl *c, struct asked *a, const char *verb, const char *method, char *arg)
{
	int r;

	(void)is_container(arg);
	a->name = arg;
	(void)snprintf(a->what, sizeof(a->what), "%s '%s'", verb, arg);
	a->request = (struct request){.what = a->what, .method = method, .parameters = parameters_of(c, arg)};
	a->request.more = true;
	if (!a->request.parameters) {
		ctl_error("cannot %s: the name is not UTF-8", a->what);
		return CTL_FAILED;
	}
	if (c->no_block)
		return send_oneway(c, a);
	r = client_begin(c, &a->request);
	a->client = steal_pointer(c->client);
	return r;
}

static int finish(struct ctl *c, struct asked *a)
{
	struct reply reply = {0};
	const char *skipped;
	int r;

	c->client = steal_pointer(a->client);
	r = client_finish(c, &a->request, &reply);
	client_done(c);
	if (!r && reply.error)
		r = report(a, &reply);
	else if (!r && c->json != JSON_MODE_OFF)
		return output_json(c, reply.parameters);
	skipped = r ? NULL : json_text(reply.parameters, "skipped");
	if (skipped)
		ctl_warning("'%s' was not started, but skipped: %s", a->name,
			    *skipped ? skipped : "a condition is not met");
	reply_done(&reply);
	return r;
}

static int ask_some(struct ctl *c, const char *verb, const char *method, char **args, int n)
{
	struct asked asked[AT_ONCE] = {0};
	int result = CTL_DONE, begun = 0, r = 0;

	while (begun < n) {
		r = begin(c, &asked[begun], verb, method, args[begun]);
		if (r)
			result = r;
		if (r && !asked[begun].client && !c->client && !c->no_block)
			break; /* nobody is there, and that was said */
		begun++;
	}
	for (int i = 0; i < begun; i++) {
		r = asked[i].client ? finish(c, &asked[i]) : 0;
		if (r)
			result = r;
	}
	return result;
}

static int ask(struct ctl *c, const char *verb, const char *method, char **args, int n)
{
	int result = CTL_DONE;

	if (c->no_block && geteuid() != 0) {
		ctl_error(
			"cannot %s with --no-block: nobody would hear that it is refused, so that only root "
			"may; leave it out",
			verb);
		return CTL_FAILED;
	}
	for (int i = 0; i < n; i += AT_ONCE) {
		int r = ask_some(c, verb, method, args + i, n - i < AT_ONCE ? n - i : AT_ONCE);

		if (r)
			result = r;
	}
	return result;
}

int verb_start(struct ctl *c, char **args, int n)
{
	return ask(c, "start", CONTAINER_INTERFACE ".Start", args, n);
}

/* At a time: the daemon knows in which order they stop. */
static int stop_all(struct ctl *c)
{
	_cleanup_(strv_freep) char **names = NULL;
	json_t *entries = NULL, *entry;
	size_t i;
	int r = list_containers(c, NULL, &entries), missing = 0;

	if (r)
		return r == -EOPNOTSUPP ? CTL_DONE
					: r; /* a daemon that does not know of containers has none */
	json_array_foreach(entries, i, entry) if (missing == 0) missing =
		strv_push(&names, json_text(entry, "name"));
	json_decref(entries);
	if (missing < 0)
		return ctl_no_memory();
	return ask(c, "stop", CONTAINER_INTERFACE ".Stop", names, (int)strv_length(names));
}

int verb_stop(struct ctl *c, char **args, int n)
{
	if (c->all && n > 0)
		return ctl_usage_error(c, "expected names or --all, not both");
	if (!c->all && n == 0)
		return ctl_usage_error(c, "expected the name of a container, or --all");
	return c->all ? stop_all(c) : ask(c, "stop", CONTAINER_INTERFACE ".Stop", args, n);
}

int verb_restart(struct ctl *c, char **args, int n)
{
	return ask(c, "restart", CONTAINER_INTERFACE ".Restart", args, n);
}

int verb_kill(struct ctl *c, char **args, int n)
{
	return ask(c, "kill", CONTAINER_INTERFACE ".Kill", args, n);
}

int verb_reset_failed(struct ctl *c, char **args, int n)
{
	return ask(c, "reset", CONTAINER_INTERFACE ".ResetFailed", args, n);
}

/* --- wait -------------------------------------------------------------------------------------- */

static int report_timeout(struct ctl *c, const char *name)
{
	struct reply reply = {0};
	const char *state = NULL;
	char what[WHAT_MAX];

	/* The call is still open on this connection: ask on a new one, and without the limit. */
	client_done(c);
	c->timeout = USEC_INFINITY;
	(void)snprintf(what, sizeof(what), "show '%s'", name);
	if (client_call(c, what, CONTAINER_INTERFACE ".Describe", json_pack("{s:s}", "name", name), &reply) ==
	    0)
		state = json_text(json_object_get(reply.parameters, "runtime"), "state");
	ctl_error("'%s' does not run in time%s%s", name, state ? ": it is " : "", state ? state : "");
	reply_done(&reply);
	return CTL_FAILED;
}

static int wait_for_one(struct ctl *c, const char *name)
{
	char what[WHAT_MAX];
	struct request q = {.what = what, .method = CONTAINER_INTERFACE ".Wait"};
	struct reply reply = {0};
	const char *state, *text;
	int r;

	(void)snprintf(what, sizeof(what), "wait for '%s'", name);
	q.parameters = json_pack("{s:s}", "name", name);
	r = client_request(c, &q, &reply);
	if (r == -ETIMEDOUT)
		return report_timeout(c, name);
	if (!r && reply.error)
		r = client_report(what, &reply);
	state = json_text(reply.parameters, "state");
	text = json_text(reply.parameters, "text");
	if (!r && !str_equal(state, "running")) {
		ctl_error("'%s' is %s%s%s", name, state ? state : "in no state", text ? ": " : "",
			  text ? text : "");
		r = CTL_FAILED;
	}
	reply_done(&reply);
	return r;
}

/* One after the other is not longer than all at a time; the limit is for all together. */
int wait_for_containers(struct ctl *c, char **names, int n)
{
	uint64_t begin = clock_monotonic(), limit = c->timeout, elapsed;
	int result = CTL_DONE;

	for (int i = 0; i < n; i++) {
		int r;

		elapsed = clock_monotonic() - begin;
		if (limit != USEC_INFINITY)
			c->timeout = limit > elapsed ? limit - elapsed : 0;
		r = wait_for_one(c, names[i]);
		if (r)
			result = r;
		if (r && !c->client && limit == USEC_INFINITY)
			break;
	}
	return result;
}
