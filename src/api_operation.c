/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that take time: a `struct pending` ties a call to its operation until one of the two ends.
 * When the client hangs up first, the operation goes on and its result is for nobody. */
#include "api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_INTERVAL 0.1 /* seconds between two progress replies */

struct pending {
	struct api *api;
	struct varlink_call *call;
	struct operation *operation; /* NULL while it is being started */
	api_answer_fn *answer;
	char *name;
	ev_tstamp last_progress;
	bool starting, finished; /* done() may come before manager_start_operation() returns */
};

/* --- answers ------------------------------------------------------------------------------------ */

void api_no_memory(struct varlink_call *call)
{
	/* systemd's carrier of an errno; without memory even for this the connection is closed. */
	varlink_error(
		call, "io.systemd.System",
		json_pack("{s:s, s:s, s:i}", "origin", "linux", "errnoName", "ENOMEM", "errno", ENOMEM));
}

void api_reply(struct varlink_call *call, json_t *built)
{
	if (built == NULL)
		api_no_memory(call);
	else
		varlink_reply(call, built);
}

void api_fail(struct varlink_call *call, const char *error, json_t *built)
{
	if (built == NULL)
		api_no_memory(call);
	else
		varlink_error(call, error, built);
}

/* --- operations ---------------------------------------------------------------------------------- */

static void pending_free(struct pending *p)
{
	free(p->name);
	free(p);
}

static void pending_gone(struct varlink_call *call)
{
	struct pending *p = varlink_call_userdata(call);

	operation_forget(p->operation);
	pending_free(p);
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

static void pending_done(const struct operation_result *result, void *data)
{
	struct pending *p = data;

	p->finished = true;
	p->answer(p->api, p->call, p->name, result);
	if (!p->starting)
		pending_free(p);
}

static void pending_progress(size_t done, size_t total, void *data)
{
	struct pending *p = data;
	ev_tstamp now = ev_now(p->api->manager->loop);

	if (now - p->last_progress < PROGRESS_INTERVAL)
		return;
	p->last_progress = now;
	(void)varlink_notify(p->call,
			     json_pack("{s:I, s:I}", "done", (json_int_t)done, "total", (json_int_t)total));
}

/* The operation could not even be started. */
static void pending_refuse(struct pending *p, int code)
{
	struct operation_result result = {.failure = FAILURE_APPLY};

	if (code == -ENOMEM) {
		api_no_memory(p->call);
		return;
	}
	if (code == -ESHUTDOWN) {
		result.failure = FAILURE_BAD_STATE;
		error_set(&result.error, code, "The daemon is stopping");
	} else {
		error_set(&result.error, code, "%s", strerror(-code));
	}
	p->answer(p->api, p->call, p->name, &result);
}

void api_operate(struct api *a, struct varlink_call *call, const struct operation_request *request,
		 api_answer_fn *answer)
{
	struct pending *p = calloc(1, sizeof(*p));
	struct operation *operation = NULL;
	int r;

	if (p == NULL || (request->name != NULL && (p->name = strdup(request->name)) == NULL)) {
		free(p);
		api_no_memory(call);
		return;
	}
	p->api = a;
	p->call = call;
	p->answer = answer;
	p->starting = true;
	varlink_call_set_userdata(call, p, pending_gone);
	r = manager_start_operation(a->manager, request, pending_done,
				    varlink_call_wants_more(call) ? pending_progress : NULL, p, &operation);
	p->starting = false;
	if (r < 0 && !p->finished)
		pending_refuse(p, r);
	if (r < 0 || p->finished)
		pending_free(p);
	else
		p->operation = operation;
}
