/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What concerns several containers: After=, Requires=, how many start at once, who stops before whom. Each
 * change of one makes all be looked at once, a moment later: there are tens or hundreds of them, not
 * millions. */
#include "container_internal.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- starting ----------------------------------------------------------------------------------- */

/* Started as if somebody had asked, as Requires= does. */
static int pull_requirements(struct container *c, struct error *err)
{
	for (size_t i = 0; i < strv_length(c->running->requires); i++) {
		struct container *other = manager_find_container(c->manager, c->running->requires[i]);

		if (!other || !other->settings) {
			c->p->result = RESULT_DEPENDENCY;
			return error_set(err, -ENOENT, "%s.container, which it requires, is not declared",
					 c->running->requires[i]);
		}
		if (!container_is_active(other)) {
			other->wanted = true;
			container_event(other, SUPERVISE_START);
		}
	}
	c->p->pulled = true;
	containers_settle_soon(c->manager);
	return STAGE_LATER; /* all that begin together are known by then */
}

/* Stopped with what it needs, which is there again. */
static bool is_due_back(const struct container *c)
{
	return c->settings && !container_netns_is_going(c) &&
	       (c->p->again || (c->p->resume && container_netns_is_up(c)));
}

/* Also one that is just ending, or about to: it may start again, or fail. */
static bool is_undecided(const struct container *c)
{
	return c->p->again || is_due_back(c) ||
	       (container_is_active(c) && (c->s.state != CONTAINER_RUNNING || c->p->stop_wanted));
}

static const struct container *who_is_undecided(const struct container *c)
{
	for (size_t i = 0; i < strv_length(c->running->after); i++) {
		const struct container *other = manager_find_container(c->manager, c->running->after[i]);

		if (other && other != c && is_undecided(other))
			return other;
	}
	return NULL;
}

/* Only of those it comes after: the others' end is not waited for. */
static const struct container *who_failed(const struct container *c)
{
	for (size_t i = 0; i < strv_length(c->running->requires); i++) {
		const struct container *other = manager_find_container(c->manager, c->running->requires[i]);

		if (strv_contains(c->running->after, c->running->requires[i]) &&
		    (!other || other->s.state == CONTAINER_FAILED || other->s.state == CONTAINER_DEAD ||
		     other->s.state == CONTAINER_AUTO_RESTART))
			return other ? other : c;
	}
	return NULL;
}

int container_stage_order(struct container *c, struct error *err)
{
	const struct container *other;

	if (!c->p->pulled)
		return pull_requirements(c, err);
	if (who_is_undecided(c))
		return STAGE_LATER;
	other = who_failed(c);
	if (!other)
		return STAGE_DONE;
	c->p->result = RESULT_DEPENDENCY;
	return error_set(err, -ECANCELED, "%s.container, which it requires, could not be started",
			 other->name);
}

int container_stage_slot(struct container *c, struct error *err)
{
	struct container *other, *tmp;
	unsigned n = 0;

	(void)err;
	HASH_ITER (hh, c->manager->containers, other, tmp)
		n += other->p->slot;
	if (n >= c->manager->settings.parallel_starts)
		return STAGE_LATER;
	c->p->slot = true;
	return STAGE_DONE;
}

/* --- stopping ----------------------------------------------------------------------------------- */

static bool requires(const struct container *c, const char *name)
{
	const struct container_settings *s = container_current(c);

	return s && strv_contains(s->requires, name);
}

static bool comes_after(const struct container *c, const char *name)
{
	const struct container_settings *s = container_current(c);

	return s && strv_contains(s->after, name);
}

static bool is_stopping(const struct container *c)
{
	return container_is_active(c) &&
	       (c->p->stop_wanted || c->s.state == CONTAINER_STOP_SIGTERM ||
		c->s.state == CONTAINER_STOP_SIGKILL || c->s.state == CONTAINER_STOP_POST);
}

/* A restart takes along all that require it, and what requires those, and so on; a stop that is asked for
 * later also calls off that they come back. */
static void stop_with_those_that_require_it(struct container *c, bool restart, bool come_back)
{
	struct container *other, *tmp;

	if (!container_is_active(c) ||
	    (c->p->stop_wanted && (come_back || (!c->p->restart_wanted && !c->p->again))))
		return;
	c->p->stop_wanted = true;
	c->p->restart_wanted = restart;
	c->p->again = come_back && !restart;
	HASH_ITER (hh, c->manager->containers, other, tmp)
		if (other != c && requires(other, c->name))
			stop_with_those_that_require_it(other, false, come_back);
}

void container_stop_ordered(struct container *c, bool come_back)
{
	stop_with_those_that_require_it(c, come_back, come_back);
	containers_settle_soon(c->manager);
}

/* Those that come after it go first, until they have ended. Requires= alone is no order: together with an
 * After= the other way round it would be a circle that nobody refused. */
static bool somebody_goes_first(const struct container *c)
{
	struct container *other, *tmp;

	HASH_ITER (hh, c->manager->containers, other, tmp)
		if (other != c && is_stopping(other) && comes_after(other, c->name))
			return true;
	return false;
}

static void stop_those_whose_turn_it_is(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		bool again = c->p->restart_wanted;

		if (!c->p->stop_wanted || somebody_goes_first(c))
			continue;
		c->p->stop_wanted = c->p->restart_wanted = false;
		if (container_is_active(c))
			container_event(c, again ? SUPERVISE_RESTART : SUPERVISE_STOP);
	}
}

/* --- groups ------------------------------------------------------------------------------------- */

static bool is_in_group(const struct container *c, const struct stop_group *g)
{
	if (!container_is_active(c) || c->p->resetting)
		return false;
	if (g->lost)
		return !c->settings;
	return !g->netns || str_equal(container_netns(c), g->netns);
}

bool container_netns_is_going(const struct container *c)
{
	const struct stop_group *g;

	DL_FOREACH (c->manager->p->stop_groups, g)
		if (!g->lost && (!g->netns || (c->settings && str_equal(c->settings->netns, g->netns))))
			return true;
	return false;
}

static bool group_is_done(struct manager *m, const struct stop_group *g)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (is_in_group(c, g))
			return false;
	return true;
}

static int group_begin(struct manager *m, const char *netns, bool lost, containers_stopped_fn *done,
		       void *data)
{
	struct stop_group *g = calloc(1, sizeof(*g));
	struct container *c, *tmp;

	if (!g)
		return -ENOMEM;
	*g = (struct stop_group){.lost = lost, .done = done, .data = data};
	if (str_replace(&g->netns, netns) < 0) {
		free(g);
		return -ENOMEM;
	}
	if (group_is_done(m, g)) {
		free(g->netns);
		free(g);
		return 0;
	}
	HASH_ITER (hh, m->containers, c, tmp)
		if (is_in_group(c, g)) {
			/* One that ends anyway, because somebody asked for it, does not come back. */
			c->p->resume = !lost && c->wanted;
			container_stop_ordered(c, false);
		} else if (c->p->again && !lost && (!netns || str_equal(container_netns(c), netns))) {
			c->p->again = false; /* not before its namespace */
			c->p->resume = true;
		}
	DL_APPEND(m->p->stop_groups, g);
	containers_settle_soon(m);
	return 1;
}

int containers_stop_in(struct manager *m, const char *netns, containers_stopped_fn *done, void *data)
{
	return group_begin(m, netns, false, done, data);
}

int containers_stop_lost(struct manager *m, containers_stopped_fn *done, void *data)
{
	return group_begin(m, NULL, true, done, data);
}

/* One at a time: done() may do anything. */
static void end_groups(struct manager *m)
{
	struct stop_group *g;

	do {
		DL_FOREACH (m->p->stop_groups, g)
			if (group_is_done(m, g))
				break;
		if (!g)
			return;
		DL_DELETE(m->p->stop_groups, g);
		g->done(g->data);
		free(g->netns);
		free(g);
	} while (m->state != MANAGER_STOPPING);
}

void containers_groups_free(struct manager *m)
{
	struct stop_group *g, *tmp;

	DL_FOREACH_SAFE (m->p->stop_groups, g, tmp) {
		DL_DELETE(m->p->stop_groups, g);
		free(g->netns);
		free(g);
	}
}

/* --- all of it ---------------------------------------------------------------------------------- */

static void advance_those_that_wait(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		container_advance(c);
}

bool container_comes_back(const struct container *c)
{
	return c->p->again && !container_is_active(c);
}

static void bring_back(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		if (container_is_active(c) || !is_due_back(c))
			continue;
		c->p->again = c->p->resume = false;
		c->wanted = true;
		container_event(c, SUPERVISE_START);
	}
}

static void settle(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;

	(void)loop;
	(void)events;
	if (m->state == MANAGER_STOPPING)
		return;
	stop_those_whose_turn_it_is(m);
	advance_those_that_wait(m);
	end_groups(m);
	bring_back(m);
	containers_auto_delete(m);
	containers_reap(m);
}

void containers_settle_soon(struct manager *m)
{
	ev_timer *w = &m->p->settle;

	if (!m->containers || ev_is_active(w) || m->state == MANAGER_STOPPING)
		return;
	ev_timer_init(w, settle, 0., 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}
