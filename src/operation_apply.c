/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on everything: plan, apply, the start, another try for what waits; and what all rounds
 * have in common at their end. */
#include "manager_internal.h"

#include "container.h"
#include "log.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the end of a round ------------------------------------------------------------------------ */

static void release_units(struct manager *m, const struct operation *op)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->busy == op) {
			u->busy = NULL;
			if (u->recheck) /* something came while it was busy */
				manager_retry_in(m, MARK_DELAY);
			if (!u->netns && u->fd < 0 && u->state != NETNS_REMOVING && !u->config_failed)
				manager_unit_free(u);
		}
	watch_names_soon(m); /* names of those that were held were not looked at */
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

	if (op->recover || r->atomic || r->exact)
		return;
	HASH_ITER (hh, r->items, i, tmp) {
		struct desired *before = r->before ? r->before : i->unit ? i->unit->before : NULL;

		if (!i->failed || !i->destroyed || !before || !desired_find(before, i->name))
			continue;
		request.name = i->name;
		if (operation_new(op->manager, &request, &again) < 0)
			continue;
		again->recover = true;
		again->before = desired_ref(before);
		again->failed = desired_ref(r->desired);
		if (i->unit && i->unit->before != before) { /* also for what is tried by itself later */
			desired_unref(i->unit->before);
			i->unit->before = desired_ref(before);
		}
		(void)operation_submit(op->manager, again);
	}
}

bool netns_stands_on(const struct netns *n, const char *name)
{
	const struct link *l;

	DL_FOREACH (n->links, l)
		if (l->peer && strcmp(l->peer->netns->name, name) == 0)
			return true;
	return false;
}

int operation_add_dependents(struct operation *op, const char *name)
{
	struct unit *u, *tmp;
	int r = 0;

	HASH_ITER (hh, op->manager->units, u, tmp)
		if (r == 0 && u->netns && u->wanted && !u->busy && netns_stands_on(u->netns, name))
			r = operation_add_unit(op, u, true);
	return r;
}

/* Removed, or made and not finished. */
static bool has_gone(const struct round_item *i)
{
	return i->act && (!i->wanted || (i->failed && i->unit && i->unit->fd < 0));
}

/* Who had an end in a namespace that went has lost the link and has to be looked at. */
static void mark_dependents(struct operation *op)
{
	struct round_item *i, *itmp;
	struct unit *u, *utmp;

	HASH_ITER (hh, op->round->items, i, itmp) {
		if (!has_gone(i))
			continue;
		HASH_ITER (hh, op->manager->units, u, utmp)
			if (u->netns && u->wanted && !u->netns->host && netns_stands_on(u->netns, i->name))
				u->recheck = true;
	}
}

static void round_over(struct round *r, void *data)
{
	struct operation *op = data;
	struct manager *m = op->manager;
	bool started = r->started;

	if (op->type != OPERATION_PLAN) {
		collect_holders(op);
		recover_destroyed(op);
		mark_dependents(op);
	}
	op->round = NULL;
	release_units(m, op);
	round_free(r);
	if (operation_after_round(op, started))
		return;
	if (op->type == OPERATION_ADD && op->result.failure != FAILURE_NONE)
		operation_end_add(op);
	if (op->type != OPERATION_PLAN) {
		manager_save(m);
		if (m->state == MANAGER_RELOADING)
			m->state = MANAGER_RUNNING;
		if (!op->retry)
			manager_retry_soon(m);
	}
	if (op->type == OPERATION_APPLY && !op->start && m->state == MANAGER_RUNNING) {
		containers_start_wanted(m);
		if (op->restart)
			containers_restart_changed(m);
	}
	operation_end(op);
}

static void round_progress(size_t done, size_t total, void *data)
{
	struct operation *op = data;

	if (op->progress)
		op->progress(done, total, op->data);
}

int operation_add_unit(struct operation *op, struct unit *u, bool wanted)
{
	int r = round_add(op->round, u->name, true, wanted);

	if (r == 0 && op->type != OPERATION_PLAN) {
		u->busy = op;
		u->recheck = false; /* it is looked at now */
		ev_timer_stop(op->manager->loop, &u->later);
	}
	return r;
}

void operation_start_round(struct operation *op, int r)
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

/* With `settled` only what sends no events has to be looked at. */
static int add_planned(struct operation *op, struct desired *d)
{
	struct manager *m = op->manager;
	bool settled = manager_is_settled(m, d);
	struct netns *n, *ntmp;
	struct unit *u, *utmp;
	int r = 0;

	HASH_ITER (hh, d->namespaces, n, ntmp) {
		u = manager_find_unit(m, n->name);
		if (settled && !netns_can_change_silently(n))
			continue;
		if (r == 0 && (u && u->netns ? u->wanted : n->autostart || n->host))
			r = round_add(op->round, n->name, true, true);
	}
	HASH_ITER (hh, m->units, u, utmp)
		if (r == 0 && u->fd >= 0 && !desired_find(d, u->name))
			r = round_add(op->round, u->name, true, false);
	return r;
}

void operation_run_plan(struct operation *op)
{
	struct desired *d;
	int r = manager_load(op->manager, true, &op->result.diags, &d);

	if (r == -EAGAIN) {
		op->running = false;
		return;
	}
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
	operation_start_round(op, r);
}

static int add_all(struct operation *op, bool settled)
{
	struct unit *u, *tmp;
	int r = 0;

	HASH_ITER (hh, op->manager->units, u, tmp) {
		if (u->config_failed &&
		    !u->netns) /* a bad file without a last good copy: nothing is touched */
			continue;
		if (!unit_may_be_there(u) && !(u->netns && u->wanted))
			continue;
		if (settled && u->netns && !netns_can_change_silently(u->netns))
			continue;
		if (r == 0)
			r = operation_add_unit(op, u, u->netns && u->wanted);
	}
	return r;
}

static void begin_apply(void *data)
{
	struct operation *op = data;
	int r = round_new(op->manager, op->manager->desired, op->before, &op->result, &op->round);

	if (r == 0) {
		operation_keep_checkpoint(op);
		r = add_all(op, op->settled);
	}
	operation_start_round(op, r);
}

void operation_run_apply(struct operation *op)
{
	struct manager *m = op->manager;
	struct error err = {0};
	struct unit *u, *tmp;
	struct desired *d;
	int r;

	if (manager_checkpoint_refuses(m, true, &err)) {
		operation_fail(op, FAILURE_BAD_STATE, err.code, err.text);
		return;
	}
	r = manager_load(m, true, &op->result.diags, &d);
	if (r == -EAGAIN) {
		op->running = false;
		return;
	}
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
	op->settled = manager_is_settled(m, d);
	op->before = desired_ref(m->desired);
	HASH_ITER (hh, m->units, u, tmp)
		u->config_failed = false;
	containers_forget_failed(m);
	if (!op->atomic && !op->confirm && m->checkpoint.state == CHECKPOINT_ROLLED_BACK)
		manager_checkpoint_forget(m); /* the files are in effect again */
	manager_swap(m, d);
	/* Containers that no file declares any more end before what they live in. */
	r = containers_stop_lost(m, begin_apply, op);
	if (r < 0)
		operation_fail(op, FAILURE_APPLY, r, strerror(-r));
	else if (r == 0)
		begin_apply(op);
}

void operation_run_start(struct operation *op)
{
	struct manager *m = op->manager;
	int r = round_new(m, m->desired, NULL, &op->result, &op->round);

	if (r == 0)
		r = operation_start_rollback(op, op->round);
	if (r == 0)
		r = add_all(op, false);
	operation_start_round(op, r);
}

/* Also one that is to go, and whose removal failed. */
bool unit_needs_retry(const struct unit *u)
{
	bool up = u->netns && u->wanted, going = u->fd >= 0 && !(u->config_failed && !u->netns);

	return !u->busy && ((u->recheck && (up || going)) || (up && u->state == NETNS_PENDING));
}

/* Not when another configuration was applied meanwhile: that one has seen to it. */
static bool may_recover(const struct operation *op, const struct unit *u)
{
	return str_equal(u->name, op->name) && !u->busy && u->netns && u->wanted &&
	       op->manager->desired == op->failed;
}

/* Internal: one namespace back to what ran before, or everything that waits once more. */
void operation_run_internal(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u, *tmp;
	int r = round_new(m, op->recover ? op->before : m->desired, NULL, &op->result, &op->round);

	HASH_ITER (hh, m->units, u, tmp) {
		if (op->recover ? !may_recover(op, u) : !unit_needs_retry(u))
			continue;
		if (r == 0)
			r = operation_add_unit(op, u, op->recover || (u->netns && u->wanted));
	}
	if (op->round)
		op->round->unasked = op->retry;
	if (op->round)
		op->round->recovery = op->recover;
	operation_start_round(op, r);
}
