/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon is asked to do, in a queue: operations on different namespaces go side by side,
 * those on the same one, and a reload of everything, one after the other. What the single ones do is in
 * operation_apply.c, operation_one.c and operation_read.c. */
#include "manager_internal.h"

#include "log.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_DELAY 0.02 /* s */

/* --- the object ------------------------------------------------------------------------------- */

static int copy_strings(const char *const *from, char ***ret)
{
	return from ? strv_copy((char *const *)from, ret) : 0;
}

static void operation_free(struct operation *op)
{
	if (!op)
		return;
	if (op->slot)
		*op->slot = NULL;
	round_free(op->round);
	survey_clear(&op->survey);
	desired_unref(op->before);
	desired_unref(op->failed);
	result_clear(&op->result);
	result_clear(&op->undo);
	free(op->name);
	strv_free(op->names);
	strv_free(op->settings);
	free(op);
}

void operations_free(struct manager *m)
{
	struct operation *op, *tmp;

	DL_FOREACH_SAFE (m->operations, op, tmp) {
		DL_DELETE(m->operations, op);
		operation_free(op);
	}
}

int operation_new(struct manager *m, const struct operation_request *request, struct operation **ret)
{
	struct operation *op = calloc(1, sizeof(*op));
	int r;

	if (!op)
		return -ENOMEM;
	op->manager = m;
	op->type = request->type;
	op->quick = request->quick;
	op->atomic = request->atomic;
	op->restart = request->restart;
	op->confirm = request->confirm;
	op->survey.fd = -1;
	r = copy_strings(request->names, &op->names);
	if (r == 0)
		r = copy_strings(request->settings, &op->settings);
	if (r == 0)
		r = str_replace(&op->name, request->name);
	if (r < 0) {
		operation_free(op);
		return r;
	}
	*ret = op;
	return 0;
}

void operation_forget(struct operation *op)
{
	if (!op)
		return;
	op->done = NULL;
	op->progress = NULL;
	if (op->type == OPERATION_WAIT) { /* there is nothing else to it */
		DL_DELETE(op->manager->operations, op);
		operation_free(op);
	}
}

void operation_end(struct operation *op)
{
	struct manager *m = op->manager;

	DL_DELETE(m->operations, op);
	if (op->start)
		manager_start_over(m);
	if (op->done)
		op->done(&op->result, op->data);
	operation_free(op);
	operations_run(m);
}

void operation_fail(struct operation *op, enum operation_failure failure, int code, const char *text)
{
	op->result.failure = failure;
	error_set(&op->result.error, code, "%s", text);
	operation_end(op);
}

/* --- the queue --------------------------------------------------------------------------------- */

static bool is_reader(const struct operation *op)
{
	return op->type == OPERATION_PLAN || op->type == OPERATION_WAIT || op->type == OPERATION_DESCRIBE;
}

static bool is_exclusive(const struct operation *op)
{
	return !op->retry && !op->name;
}

/* Of containers as well, and what nspawn has to know for them. */
static bool reads_files(const struct operation *op)
{
	return (op->type == OPERATION_PLAN || op->type == OPERATION_APPLY) && !op->start && !op->retry &&
	       !op->recover && !op->expired;
}

static bool conflict(const struct operation *a, const struct operation *b)
{
	if (is_reader(a) || is_reader(b))
		return false;
	if (is_exclusive(a) || is_exclusive(b))
		return true;
	return !a->retry && !b->retry && strcmp(a->name, b->name) == 0;
}

/* Whoever has an end of a pair in it would be left out, and what goes through that link fails. */
static bool dependents_are_busy(struct manager *m, const char *name)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->busy && u->netns && netns_stands_on(u->netns, name))
			return true;
	return false;
}

static bool may_start(struct manager *m, const struct operation *op)
{
	const struct unit *u = op->name && !is_reader(op) ? manager_find_unit(m, op->name) : NULL;
	const struct operation *earlier;

	if (m->state == MANAGER_STARTING && !op->start && op->type != OPERATION_WAIT &&
	    op->type != OPERATION_DESCRIBE)
		return false;
	if (m->p->asks_nspawn && reads_files(op))
		return false;
	if (u && (u->busy || dependents_are_busy(m, op->name)))
		return false;
	DL_FOREACH (m->operations, earlier) {
		if (earlier == op)
			return true;
		if (conflict(earlier, op))
			return false;
	}
	return true;
}

static void run_operation(struct operation *op)
{
	op->running = true;
	if (op->start) {
		operation_run_start(op);
		return;
	}
	if (op->expired) {
		operation_run_expired(op);
		return;
	}
	if (op->retry || op->recover) {
		operation_run_internal(op);
		return;
	}
	switch (op->type) {
	case OPERATION_PLAN: operation_run_plan(op); break;
	case OPERATION_APPLY: operation_run_apply(op); break;
	case OPERATION_ADD: operation_run_add(op); break;
	case OPERATION_DELETE: operation_run_down(op); break;
	case OPERATION_UP: operation_run_up(op); break;
	case OPERATION_DOWN: op->name ? operation_run_down(op) : operation_run_down_all(op); break;
	case OPERATION_WAIT: operation_run_wait(op); break;
	case OPERATION_DESCRIBE: operation_run_describe(op); break;
	}
}

/* An operation that ends at once changes the list: look from the front again after each start. */
void operations_run(struct manager *m)
{
	struct operation *op;
	bool started = true;

	if (m->p->running_operations || m->state == MANAGER_STOPPING)
		return;
	m->p->running_operations = true;
	while (started) {
		started = false;
		DL_FOREACH (m->operations, op)
			if (!op->running && may_start(m, op)) {
				run_operation(op);
				started = true;
				break;
			}
	}
	m->p->running_operations = false;
}

/* The first one: everything that is declared or ours, before anything else may run. */
int operation_submit_start(struct manager *m)
{
	struct operation_request request = {.type = OPERATION_APPLY};
	struct operation *op;
	int r = operation_new(m, &request, &op);

	if (r < 0)
		return r;
	op->start = true;
	return operation_submit(m, op);
}

int operation_submit(struct manager *m, struct operation *op)
{
	DL_APPEND(m->operations, op);
	operations_run(m);
	return 0;
}

int manager_start_operation(struct manager *m, const struct operation_request *request,
			    operation_done_fn *done, operation_progress_fn *progress, void *data,
			    struct operation **ret)
{
	struct operation *op;
	int r;

	if (m->state == MANAGER_STOPPING)
		return -ESHUTDOWN;
	r = operation_new(m, request, &op);
	if (r < 0)
		return r;
	op->done = done;
	op->progress = progress;
	op->data = data;
	op->slot = &op; /* NULL when it is over before this returns */
	(void)operation_submit(m, op);
	if (op)
		op->slot = NULL;
	if (ret)
		*ret = op;
	return 0;
}

/* --- trying again ------------------------------------------------------------------------------ */

static bool anybody_needs_retry(struct manager *m)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (unit_needs_retry(u))
			return true;
	return false;
}

/* One that has not begun takes along whoever is marked until then. */
static bool retry_is_queued(struct manager *m)
{
	const struct operation *op;

	DL_FOREACH (m->operations, op)
		if (op->retry && !op->running)
			return true;
	return false;
}

static void retry_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct operation_request request = {.type = OPERATION_UP};
	struct operation *op;

	(void)loop;
	(void)events;
	if (m->state == MANAGER_STOPPING || !anybody_needs_retry(m) || retry_is_queued(m) ||
	    operation_new(m, &request, &op) < 0)
		return;
	op->retry = true;
	(void)operation_submit(m, op);
}

void manager_retry_in(struct manager *m, double seconds)
{
	ev_timer *w = &m->p->retry;

	if (ev_is_active(w) && ev_timer_remaining(m->loop, w) <= seconds)
		return;
	ev_timer_stop(m->loop, w);
	ev_timer_init(w, retry_timer, seconds, 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}

void manager_retry_soon(struct manager *m)
{
	manager_retry_in(m, RETRY_DELAY);
}
