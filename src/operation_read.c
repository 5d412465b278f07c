/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations that change nothing: describe, wait. */
#include "manager_internal.h"

#include "log.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- describe, wait ---------------------------------------------------------------------------- */

static void describe_done(struct job *job)
{
	struct survey *s = (struct survey *)job;
	struct operation *op = s->owner;

	if (s->error.code < 0) {
		operation_fail(op, FAILURE_APPLY, s->error.code, s->error.text);
		return;
	}
	op->result.actual = s->actual;
	op->result.take = &op->result.actual;
	s->actual = NULL;
	op->result.holders = s->n_holders ? calloc(s->n_holders, sizeof(pid_t)) : NULL;
	if (op->result.holders) {
		memcpy(op->result.holders, s->holders, s->n_holders * sizeof(pid_t));
		op->result.n_holders = s->n_holders;
	}
	operation_end(op);
}

void operation_run_describe(struct operation *op)
{
	struct unit *u = manager_find_unit(op->manager, op->name);
	struct survey *s = &op->survey;

	if (!u && !is_foreign_name(op->name)) {
		operation_fail(op, FAILURE_NO_SUCH_NAMESPACE, -ENOENT, "no such namespace");
		return;
	}
	op->result.name = strdup(op->name);
	*s = (struct survey){.name = op->name,
			     .fd = -1,
			     .nsid = -1,
			     .known_nsid = -1,
			     .owner = op,
			     .holders_wanted = !op->quick};
	s->host = u && u->netns && u->netns->host;
	s->what = ACTUAL_ALL | ACTUAL_FOREIGN_TOO | (op->quick ? 0 : ACTUAL_STATISTICS);
	if (u && u->fd >= 0)
		s->fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 3);
	if (u && u->fd < 0 && !s->host) { /* declared, but not there */
		operation_end(op);
		return;
	}
	s->job.run = survey_run;
	s->job.done = describe_done;
	/* Somebody waits for the answer; an apply that is under way has hundreds of jobs. */
	worker_pool_submit_urgent(op->manager->workers, &s->job);
}

static bool is_settled(const struct unit *u)
{
	return (u->state != NETNS_PENDING && u->state != NETNS_CONFIGURING) || !u->wanted;
}

static bool wait_is_over(const struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u, *tmp;

	if (m->state == MANAGER_STARTING)
		return false;
	for (char **s = op->names; s && *s; s++) {
		u = manager_find_unit(m, *s);
		if (u && !is_settled(u))
			return false;
	}
	if (!op->names)
		HASH_ITER (hh, m->units, u, tmp)
			if (!is_settled(u))
				return false;
	return true;
}

static bool wait_names_exist(struct operation *op)
{
	for (char **s = op->names; s && *s; s++) {
		const struct unit *u = manager_find_unit(op->manager, *s);

		if (!u || !u->netns) {
			(void)str_replace(&op->result.name, *s);
			return false;
		}
	}
	return true;
}

void operation_run_wait(struct operation *op)
{
	if (!wait_names_exist(op))
		operation_fail(op, FAILURE_NO_SUCH_NAMESPACE, -ENOENT, "no such namespace");
	else if (wait_is_over(op))
		operation_end(op);
}

static void waiters_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct operation *op, *tmp;

	(void)loop;
	(void)events;
	DL_FOREACH_SAFE (m->operations, op, tmp)
		if (op->type == OPERATION_WAIT && op->running && wait_is_over(op)) {
			operation_end(op); /* may change the list */
			ev_timer_set(w, 0., 0.);
			ev_timer_start(m->loop, w);
			return;
		}
}

/* From the loop, not from under whoever changed a state. */
void operations_check_waiters(struct manager *m)
{
	ev_timer *w = &m->p->waiters;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, waiters_timer, 0., 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}
