/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a container and stays with it until it has ended for good, as the main process of
 * netns-container@.service. The daemon may come and go meanwhile: the container does not depend on it. */
#include "ctl.h"
#include "varlink.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define WHAT_MAX  300
#define NAP_MS	  200
#define LOST_NAPS (60 * 1000 / NAP_MS) /* for another daemon to come, before a start fails */
#define GOES_ON	  (-EINPROGRESS)
#define NO_DAEMON (-ENOTCONN)

struct attendance {
	const char *socket, *name;
	struct varlink_client *events;
	char *netns; /* whose events are heard */
	bool told;   /* that there is no daemon */
};

static void nap(void)
{
	const struct timespec t = {.tv_nsec = NAP_MS * 1000000L};

	(void)nanosleep(&t, NULL);
}

/* The next reply of a stream: 0 or NO_DAEMON. */
static int receive(struct varlink_client *client, struct reply *ret)
{
	bool continues;
	int r = varlink_client_receive(client, -1, &ret->parameters, &ret->error, &continues, NULL);

	return r < 0 ? NO_DAEMON : 0;
}

/* On a connection of its own. 0, also when the reply is an error, or NO_DAEMON. */
static int ask(const char *socket, const char *method, json_t *parameters, struct varlink_client **ret_client,
	       struct reply *ret)
{
	struct varlink_client *client = NULL;
	int r = varlink_client_connect(socket, &client, NULL);

	if (r < 0) {
		json_decref(parameters);
		return NO_DAEMON;
	}
	r = varlink_client_send(client, method, parameters, ret_client != NULL, NULL);
	if (r >= 0)
		r = receive(client, ret);
	if (r == 0 && ret_client)
		*ret_client = client;
	else
		varlink_client_free(client);
	return r < 0 ? NO_DAEMON : 0;
}

/* --- the start ---------------------------------------------------------------------------------- */

/* A call says what is to be, so it can be said again to the next daemon, but to one that was never there. */
static int ask_start(const char *socket, const char *name, struct reply *ret)
{
	struct varlink_client *client = NULL;
	int r = varlink_client_connect(socket, &client, NULL);

	varlink_client_free(client);
	if (r < 0)
		return NO_DAEMON;
	for (int i = 0; i < LOST_NAPS; i++) {
		r = ask(socket, CONTAINER_INTERFACE ".Start", json_pack("{s:s}", "name", name), NULL, ret);
		if (r == 0)
			return 0;
		nap();
	}
	return NO_DAEMON;
}

static int start(const char *socket, const char *name, bool *ret_skipped)
{
	struct reply reply = {0};
	char what[WHAT_MAX];
	const char *skipped;
	int r = ask_start(socket, name, &reply);

	(void)snprintf(what, sizeof(what), "start '%s'", name);
	if (r < 0) {
		ctl_error("cannot %s: netnsd is not running; start it with 'systemctl start netnsd'", what);
		return CTL_FAILED;
	}
	if (reply.error)
		r = client_report(what, &reply);
	skipped = r ? NULL : json_text(reply.parameters, "skipped");
	if (skipped)
		ctl_warning("'%s' was not started, but skipped: %s", name, skipped);
	*ret_skipped = skipped != NULL;
	reply_done(&reply);
	return r;
}

/* --- and then ----------------------------------------------------------------------------------- */

static bool is_down(const char *state)
{
	return str_equal(state, "dead") || str_equal(state, "failed") || str_equal(state, "skipped");
}

static void tell(const json_t *runtime)
{
	const char *state = json_text(runtime, "state"), *reason = json_text(runtime, "reason");
	_cleanup_free_ char *safe = reason && *reason ? text_safe(reason, false) : NULL;

	(void)sd_notifyf(0, "STATUS=%s%s%s", state ? state : "", safe ? ": " : "", safe ? safe : "");
}

/* GOES_ON, or what to exit with. */
static int judge(const struct attendance *a, const json_t *runtime)
{
	const char *state = json_text(runtime, "state"), *result = json_text(runtime, "result");

	tell(runtime);
	if (!is_down(state) || json_truth(runtime, "comesBack"))
		return GOES_ON;
	if (!str_equal(state, "failed"))
		return CTL_DONE;
	ctl_error("'%s' has failed: %s", a->name, result ? result : "how is not known");
	return CTL_FAILED;
}

/* Some other error tells of the daemon (no memory, say), not of the container. */
static bool is_gone(const struct reply *r)
{
	return str_equal(r->error, CONTAINER_INTERFACE ".NoSuchContainer");
}

/* How it is now. 0 with what to exit with, or GOES_ON; or NO_DAEMON. */
static int look(struct attendance *a, int *ret)
{
	struct reply reply = {0};
	const char *netns;
	int r = ask(a->socket, CONTAINER_INTERFACE ".List", json_pack("{s:s}", "name", a->name), NULL,
		    &reply);

	if (r == 0 && reply.error && !is_gone(&reply)) {
		reply_done(&reply);
		r = NO_DAEMON;
	}
	if (r < 0)
		return r;
	netns = json_text(json_object_get(reply.parameters, "context"), "namespace");
	*ret = reply.error ? CTL_DONE : judge(a, json_object_get(reply.parameters, "runtime"));
	if (netns && !str_equal(netns, a->netns)) { /* others are to be heard */
		varlink_client_free(steal_pointer(a->events));
		r = str_replace(&a->netns, netns) < 0 ? -ENOMEM : 0;
	}
	reply_done(&reply);
	return r;
}

/* Its first reply says that nothing is missed from now on. */
static int follow(struct attendance *a)
{
	struct reply reply = {0};
	int r = ask(a->socket, MANAGER_INTERFACE ".Subscribe",
		    json_pack("{s:b, s:[s]}", "state", 0, "names", a->netns), &a->events, &reply);

	if (r == 0 && reply.error) /* no event would ever come */
		r = NO_DAEMON;
	reply_done(&reply);
	return r;
}

static int next_event(struct attendance *a)
{
	bool matters;
	int r;

	do {
		struct reply reply = {0};

		r = receive(a->events, &reply);
		matters = r == 0 && (reply.error || json_truth(reply.parameters, "resync") ||
				     str_equal(json_text(reply.parameters, "container"), a->name));
		reply_done(&reply);
	} while (r == 0 && !matters);
	return r;
}

static int go_on(struct attendance *a, int *ret)
{
	int r = 0;

	if (!a->netns)
		r = look(a, ret); /* where it lives */
	else if (!a->events)
		r = follow(a);
	else
		r = next_event(a);
	return r < 0 || *ret != GOES_ON ? r : look(a, ret);
}

static int attend(struct attendance *a)
{
	int result = GOES_ON, r;

	while (result == GOES_ON) {
		r = go_on(a, &result);
		if (r == -ENOMEM)
			return ctl_no_memory();
		if (r == 0) {
			a->told = false;
			continue;
		}
		varlink_client_free(steal_pointer(a->events));
		if (!a->told)
			(void)sd_notify(0, "STATUS=netnsd does not run; the container goes on without it");
		a->told = true;
		nap();
	}
	return result;
}

int container_attend(const struct ctl *c, const char *name)
{
	struct attendance a = {.socket = c->socket, .name = name};
	bool skipped = false;
	int r = start(c->socket, name, &skipped);

	if (r)
		return r;
	(void)sd_notify(0, "READY=1");
	r = skipped ? CTL_DONE : attend(&a);
	varlink_client_free(a.events);
	free(a.netns);
	return r;
}
