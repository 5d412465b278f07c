/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon is asked to do, in a queue: operations on different namespaces go side by side,
 * those on the same one, and a reload of everything, one after the other. */
#include "manager_internal.h"

#include "log.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	result_clear(&op->result);
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

static int operation_new(struct manager *m, const struct operation_request *request, struct operation **ret)
{
	struct operation *op = calloc(1, sizeof(*op));
	int r;

	if (!op)
		return -ENOMEM;
	op->manager = m;
	op->type = request->type;
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

static void operation_end(struct operation *op)
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

static void operation_fail(struct operation *op, enum operation_failure failure, int code, const char *text)
{
	op->result.failure = failure;
	error_set(&op->result.error, code, "%s", text);
	operation_end(op);
}

/* --- the end of a round ------------------------------------------------------------------------ */

static void release_units(struct manager *m, const struct operation *op)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->busy == op) {
			u->busy = NULL;
			if (!u->netns && u->fd < 0 && u->state != NETNS_REMOVING && !u->config_failed)
				manager_unit_free(u);
		}
}

static void collect_holders(struct operation *op)
{
	struct round_item *i, *tmp;

	HASH_ITER (hh, op->round->items, i, tmp) {
		size_t n = i->act && !i->wanted ? i->survey.n_holders : 0;
		pid_t *grown =
			n ? reallocarray(op->result.holders, op->result.n_holders + n, sizeof(pid_t)) : NULL;

		if (!grown)
			continue;
		op->result.holders = grown;
		memcpy(grown + op->result.n_holders, i->survey.holders, n * sizeof(pid_t));
		op->result.n_holders += n;
	}
}

/* A failure after something was removed: the worker's undo cannot make that again, but comparing
 * the kernel with the configuration that ran before can. */
static void recover_destroyed(struct operation *op)
{
	struct round *r = op->round;
	struct round_item *i, *tmp;
	struct operation_request request = {.type = OPERATION_APPLY};
	struct operation *again;

	if (op->recover || !r->before)
		return;
	HASH_ITER (hh, r->items, i, tmp) {
		if (!i->failed || !i->destroyed || !desired_find(r->before, i->name))
			continue;
		request.name = i->name;
		if (operation_new(op->manager, &request, &again) < 0)
			continue;
		again->recover = true;
		again->before = desired_ref(r->before);
		(void)operation_submit(op->manager, again);
	}
}

static bool stands_on(const struct netns *n, const char *name)
{
	const struct link *l;

	DL_FOREACH (n->links, l)
		if (l->peer && strcmp(l->peer->netns->name, name) == 0)
			return true;
	return false;
}

/* Who had an end in a namespace that went has lost the link and has to be looked at. */
static void mark_dependents(struct operation *op)
{
	struct round_item *i, *itmp;
	struct unit *u, *utmp;

	HASH_ITER (hh, op->round->items, i, itmp) {
		if (!i->act || i->wanted)
			continue;
		HASH_ITER (hh, op->manager->units, u, utmp)
			if (u->netns && u->wanted && !u->netns->host && stands_on(u->netns, i->name))
				u->recheck = true;
	}
}

static void round_over(struct round *r, void *data)
{
	struct operation *op = data;
	struct manager *m = op->manager;

	if (op->type != OPERATION_PLAN) {
		collect_holders(op);
		recover_destroyed(op);
		mark_dependents(op);
	}
	op->round = NULL;
	release_units(m, op);
	round_free(r);
	if (op->type != OPERATION_PLAN) {
		manager_save(m);
		if (m->state == MANAGER_RELOADING)
			m->state = MANAGER_RUNNING;
		if (!op->retry)
			manager_retry_soon(m);
	}
	operation_end(op);
}

static void round_progress(size_t done, size_t total, void *data)
{
	struct operation *op = data;

	if (op->progress)
		op->progress(done, total, op->data);
}

static int add_unit(struct operation *op, struct unit *u, bool wanted)
{
	int r = round_add(op->round, u->name, true, wanted);

	if (r == 0 && op->type != OPERATION_PLAN)
		u->busy = op;
	return r;
}

static void start_round(struct operation *op, int r)
{
	if (r == 0) {
		op->round->over = round_over;
		op->round->progress = round_progress;
		op->round->data = op;
		r = round_start(op->round);
	}
	if (r < 0)
		operation_fail(op, FAILURE_APPLY, r, strerror(-r));
}

/* --- plan, apply ------------------------------------------------------------------------------- */

static int add_planned(struct operation *op, struct desired *d)
{
	struct manager *m = op->manager;
	struct netns *n, *ntmp;
	struct unit *u, *utmp;
	int r = 0;

	HASH_ITER (hh, d->namespaces, n, ntmp) {
		u = manager_find_unit(m, n->name);
		if (r == 0 && (u && u->netns ? u->wanted : n->autostart || n->host))
			r = round_add(op->round, n->name, true, true);
	}
	HASH_ITER (hh, m->units, u, utmp)
		if (r == 0 && u->fd >= 0 && !desired_find(d, u->name))
			r = round_add(op->round, u->name, true, false);
	return r;
}

static void run_plan(struct operation *op)
{
	struct desired *d;
	int r = manager_load(op->manager, true, &op->result.diags, &d);

	if (r == -EBADMSG) {
		operation_fail(op, FAILURE_BAD_CONFIGURATION, r, "the configuration has errors");
		return;
	}
	if (r == 0) {
		r = round_new(op->manager, d, op->manager->desired, &op->result, &op->round);
		desired_unref(d);
	}
	if (r == 0) {
		op->round->plan_only = true;
		r = add_planned(op, op->round->desired);
	}
	start_round(op, r);
}

static int add_all(struct operation *op)
{
	struct unit *u, *tmp;
	int r = 0;

	HASH_ITER (hh, op->manager->units, u, tmp) {
		if (u->config_failed &&
		    !u->netns) /* a bad file without a last good copy: nothing is touched */
			continue;
		if (u->fd < 0 && !(u->netns && u->wanted))
			continue;
		if (r == 0)
			r = add_unit(op, u, u->netns && u->wanted);
	}
	return r;
}

static void run_apply(struct operation *op)
{
	struct manager *m = op->manager;
	struct desired *d, *before;
	struct unit *u, *tmp;
	int r = manager_load(m, true, &op->result.diags, &d);

	if (r == -EBADMSG) {
		operation_fail(op, FAILURE_BAD_CONFIGURATION, r,
			       "the configuration has errors; nothing was changed");
		return;
	}
	if (r < 0) {
		operation_fail(op, FAILURE_APPLY, r, strerror(-r));
		return;
	}
	if (m->state == MANAGER_RUNNING)
		m->state = MANAGER_RELOADING;
	before = desired_ref(m->desired);
	HASH_ITER (hh, m->units, u, tmp)
		u->config_failed = false;
	manager_swap(m, d);
	r = round_new(m, m->desired, before, &op->result, &op->round);
	desired_unref(before);
	if (r == 0)
		r = add_all(op);
	start_round(op, r);
}

static void run_start(struct operation *op)
{
	struct manager *m = op->manager;
	int r = round_new(m, m->desired, NULL, &op->result, &op->round);

	if (r == 0)
		r = add_all(op);
	start_round(op, r);
}

static bool needs_retry(const struct unit *u)
{
	return u->netns && u->wanted && !u->busy && (u->recheck || u->state == NETNS_PENDING);
}

/* Internal: one namespace back to what ran before, or everything that waits once more. */
static void run_internal(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u, *tmp;
	int r = round_new(m, op->recover ? op->before : m->desired, NULL, &op->result, &op->round);

	HASH_ITER (hh, m->units, u, tmp) {
		if (op->recover ? !str_equal(u->name, op->name) || u->busy : !needs_retry(u))
			continue;
		u->recheck = false;
		if (r == 0)
			r = add_unit(op, u, true);
	}
	start_round(op, r);
}

/* --- up, down, add, delete --------------------------------------------------------------------- */

static void run_one(struct operation *op, struct unit *u, bool wanted)
{
	int r = round_new(op->manager, op->manager->desired, NULL, &op->result, &op->round);

	u->wanted = wanted;
	if (r == 0)
		r = add_unit(op, u, wanted);
	start_round(op, r);
}

static bool is_foreign_name(const char *name)
{
	enum netns_name_state state;

	return netns_name_is_valid(name) && netns_probe(name, &state, NULL, NULL) == 0 &&
	       (state == NETNS_NAME_NAMESPACE || state == NETNS_NAME_FOREIGN);
}

static void fail_unknown(struct operation *op)
{
	if (is_foreign_name(op->name))
		operation_fail(op, FAILURE_NOT_OURS, -EPERM,
			       "the namespace is not netnsd's; a file with Adopt=yes takes it over");
	else
		operation_fail(op, FAILURE_NO_SUCH_NAMESPACE, -ENOENT, "no such namespace");
}

/* Reads everything again so that one more object is known; errors of other files keep what runs. */
static int load_one(struct operation *op)
{
	struct manager *m = op->manager;
	char object[256];
	struct desired *d;
	int r;

	(void)snprintf(object, sizeof(object), "%s.netns", op->name);
	r = manager_load(m, false, &op->result.diags, &d);
	if (r < 0)
		return r;
	if (diags_object_failed(&op->result.diags, object) || !desired_find(d, op->name)) {
		desired_unref(d);
		return -EBADMSG;
	}
	manager_swap(m, d);
	return 0;
}

static void run_up(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);

	if ((!u || !u->netns) && strchr(op->name, '@') && netns_name_is_valid(op->name)) {
		size_t n = strv_length(m->p->instances);

		if (!strv_contains(m->p->instances, op->name) && strv_push(&m->p->instances, op->name) == 0 &&
		    load_one(op) < 0) {
			free(m->p->instances[n]);
			m->p->instances[n] = NULL;
		}
		diags_free(&op->result.diags);
		op->result.diags = (struct diags){0};
		u = manager_find_unit(m, op->name);
	}
	if (!u || !u->netns)
		fail_unknown(op);
	else
		run_one(op, u, true);
}

static void run_add(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};
	int r;

	if (u && (u->netns || u->fd >= 0)) {
		operation_fail(op, FAILURE_EXISTS, -EEXIST,
			       "a namespace of this name is declared or present already");
		return;
	}
	if (is_foreign_name(op->name)) {
		operation_fail(op, FAILURE_EXISTS, -EEXIST,
			       "the name is in use in /run/netns by somebody else; choose another one");
		return;
	}
	r = transient_write(op->name, op->settings, &err);
	if (r == 0)
		r = load_one(op);
	u = r == 0 ? manager_find_unit(m, op->name) : NULL;
	if (!u) {
		(void)transient_remove(op->name, NULL);
		if (r == -EINVAL || r == -EBADMSG)
			operation_fail(op, FAILURE_BAD_CONFIGURATION, r,
				       err.code ? err.text : "a setting is wrong");
		else
			operation_fail(op, FAILURE_APPLY, r ? r : -ENOMEM,
				       err.code ? err.text : strerror(-r));
		return;
	}
	run_one(op, u, true);
}

static void run_down(struct operation *op, bool forget)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};

	if (!u || (u->netns && u->netns->implicit)) {
		fail_unknown(op);
		return;
	}
	if (u->netns && u->netns->host) {
		operation_fail(op, FAILURE_BAD_STATE, -EBUSY,
			       "this is the daemon's own namespace, which is never taken down");
		return;
	}
	if (forget && u->netns && u->netns->transient) {
		struct desired *d;
		int r = transient_remove(op->name, &err);

		u->busy = op; /* the swap leaves it alone */
		if (r == 0)
			r = manager_load(m, false, &op->result.diags, &d);
		if (r < 0) {
			u->busy = NULL;
			operation_fail(op, FAILURE_APPLY, r, err.code ? err.text : strerror(-r));
			return;
		}
		diags_free(&op->result.diags);
		op->result.diags = (struct diags){0};
		manager_swap(m, d);
	}
	run_one(op, u, false);
}

static void run_down_all(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u, *tmp;
	int r = round_new(m, m->desired, NULL, &op->result, &op->round);

	HASH_ITER (hh, m->units, u, tmp) {
		if (u->netns && u->netns->host)
			continue;
		u->wanted = false;
		if (r == 0)
			r = add_unit(op, u, false);
	}
	start_round(op, r);
}

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
	s->actual = NULL;
	op->result.holders = s->n_holders ? calloc(s->n_holders, sizeof(pid_t)) : NULL;
	if (op->result.holders) {
		memcpy(op->result.holders, s->holders, s->n_holders * sizeof(pid_t));
		op->result.n_holders = s->n_holders;
	}
	operation_end(op);
}

static void run_describe(struct operation *op)
{
	struct unit *u = manager_find_unit(op->manager, op->name);
	struct survey *s = &op->survey;

	if (!u && !is_foreign_name(op->name)) {
		operation_fail(op, FAILURE_NO_SUCH_NAMESPACE, -ENOENT, "no such namespace");
		return;
	}
	op->result.name = strdup(op->name);
	*s = (struct survey){.name = op->name, .fd = -1, .nsid = -1, .owner = op, .holders_wanted = true};
	s->host = u && u->netns && u->netns->host;
	s->what = ACTUAL_ALL | ACTUAL_FOREIGN_TOO | ACTUAL_STATISTICS;
	if (u && u->fd >= 0)
		s->fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 3);
	if (u && u->fd < 0 && !s->host) { /* declared, but not there */
		operation_end(op);
		return;
	}
	s->job.run = survey_run;
	s->job.done = describe_done;
	worker_pool_submit(op->manager->workers, &s->job);
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

static void run_wait(struct operation *op)
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

/* --- the queue --------------------------------------------------------------------------------- */

static bool is_reader(const struct operation *op)
{
	return op->type == OPERATION_PLAN || op->type == OPERATION_WAIT || op->type == OPERATION_DESCRIBE;
}

static bool is_exclusive(const struct operation *op)
{
	return !op->retry && !op->name;
}

static bool conflict(const struct operation *a, const struct operation *b)
{
	if (is_reader(a) || is_reader(b))
		return false;
	if (is_exclusive(a) || is_exclusive(b))
		return true;
	return !a->retry && !b->retry && strcmp(a->name, b->name) == 0;
}

static bool may_start(struct manager *m, const struct operation *op)
{
	const struct unit *u = op->name && !is_reader(op) ? manager_find_unit(m, op->name) : NULL;
	const struct operation *earlier;

	if (m->state == MANAGER_STARTING && !op->start && op->type != OPERATION_WAIT &&
	    op->type != OPERATION_DESCRIBE)
		return false;
	if (u && u->busy)
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
		run_start(op);
		return;
	}
	if (op->retry || op->recover) {
		run_internal(op);
		return;
	}
	switch (op->type) {
	case OPERATION_PLAN: run_plan(op); break;
	case OPERATION_APPLY: run_apply(op); break;
	case OPERATION_ADD: run_add(op); break;
	case OPERATION_DELETE: run_down(op, true); break;
	case OPERATION_UP: run_up(op); break;
	case OPERATION_DOWN: op->name ? run_down(op, false) : run_down_all(op); break;
	case OPERATION_WAIT: run_wait(op); break;
	case OPERATION_DESCRIBE: run_describe(op); break;
	}
}

/* An operation that ends at once changes the list: look from the front again after each start. */
void operations_run(struct manager *m)
{
	struct operation *op;
	bool started = true;

	if (m->p->running_operations)
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
		if (needs_retry(u))
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
	if (m->state == MANAGER_STOPPING || !anybody_needs_retry(m) || operation_new(m, &request, &op) < 0)
		return;
	op->retry = true;
	(void)operation_submit(m, op);
}

void manager_retry_soon(struct manager *m)
{
	ev_timer *w = &m->p->retry;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, retry_timer, 0.02, 0.); /* what comes in a burst is handled once */
	w->data = m;
	ev_timer_start(m->loop, w);
}
