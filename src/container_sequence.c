/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sequence of stages, one after the other, each of which may take its time; ends in an event. What is under
 * way when another sequence begins is called off, but for a worker's job, which is waited for. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <limits.h>

#define SWEEP_DELAY 0.5 /* s until what could not be removed is tried again; twice as long each time */
#define SWEEP_STEPS 7	/* up to some minutes */

void container_sequence_cancel(struct container *c)
{
	struct container_private *p = c->p;

	operation_forget(steal_pointer(p->operation));
	scope_cancel(steal_pointer(p->call));
	cgroup_watch_free(steal_pointer(p->emptying));
	container_job_call_off(c);
	if (ev_is_active(&p->sweep))
		ev_timer_stop(c->manager->loop, &p->sweep);
	p->sequence = p->stage = NULL;
	p->waiting = false;
	p->failure = (struct error){0};
	p->result = RESULT_RESOURCES;
	p->skip = p->pulled = p->resetting = false;
}

void container_sequence_start(struct container *c, const struct stage *sequence)
{
	container_sequence_cancel(c);
	c->p->sequence = c->p->stage = sequence;
	container_advance(c);
}

static void end_prepare(struct container *c)
{
	struct supervise_input in = {.event = SUPERVISE_PREPARED};

	if (c->p->failure.code) {
		c->reason = c->p->failure;
		in.event = c->p->skip ? SUPERVISE_CONDITION : SUPERVISE_NOT_PREPARED;
		in.result = c->p->result;
		if (!c->p->skip)
			container_log(c, LOG_ERR, "%s", c->reason.text);
	} else {
		c->reason = (struct error){0};
		c->p->unclean = 0;
	}
	container_event_full(c, &in);
}

static void on_sweep(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;

	(void)loop;
	(void)events;
	if (!supervise_is_active(&c->s) && !c->p->sequence)
		container_sequence_start(c, container_clean_stages);
}

/* What could not be cleaned is swept before the next start, or fails that with a reason. There need not be
 * one. */
static void sweep_later(struct container *c)
{
	ev_timer *w = &c->p->sweep;
	unsigned exponent = c->p->unclean < SWEEP_STEPS ? c->p->unclean : SWEEP_STEPS;

	container_log(c, c->p->unclean == 0 ? LOG_WARNING : LOG_DEBUG, "%s; this is tried again",
		      c->p->failure.text);
	if (c->p->unclean < UINT_MAX)
		c->p->unclean++;
	ev_timer_init(w, on_sweep, SWEEP_DELAY * (double)(1U << exponent), 0.);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

static void end_clean(struct container *c)
{
	if (c->p->failure.code)
		sweep_later(c);
	else
		c->p->unclean = 0;
	if (c->s.state == CONTAINER_STOP_POST)
		container_event(c, SUPERVISE_CLEANED);
	else
		containers_settle_soon(c->manager); /* its file may have gone meanwhile */
}

static void end_sequence(struct container *c)
{
	bool prepare = c->p->sequence == container_prepare_stages;

	c->p->sequence = c->p->stage = NULL;
	if (prepare)
		end_prepare(c);
	else
		end_clean(c);
}

/* An answer of one stage. Cleaning goes on after a failure, preparing does not. */
static bool take_answer(struct container *c, int r, const struct error *err)
{
	struct container_private *p = c->p;

	if (r == STAGE_DONE) {
		p->stage++;
		return true;
	}
	if (r < 0) {
		p->waiting = false;
		if (!p->failure.code) {
			p->failure = *err;
			p->failure.code = r;
		}
		if (p->sequence == container_clean_stages)
			p->stage++;
		return true;
	}
	if (p->stage->waits_for && r == STAGE_LATER)
		error_set(&c->reason, -EAGAIN, "waits for %s", p->stage->waits_for);
	return r == STAGE_ASYNC && !p->waiting; /* it has come already, and the next stage is in `stage` */
}

void container_advance(struct container *c)
{
	struct container_private *p = c->p;
	bool on = true;

	/* A daemon on its way out begins nothing more, one that starts first looks at all namespaces. */
	if (p->advancing || p->waiting || !p->sequence || c->manager->state == MANAGER_STOPPING ||
	    (c->manager->state == MANAGER_STARTING && p->sequence == container_prepare_stages))
		return;
	p->advancing = true;
	while (on && p->stage->enter && !(p->failure.code && p->sequence == container_prepare_stages)) {
		struct error err = {0};
		int r = p->stage->enter(c, &err);

		on = take_answer(c, r, &err);
	}
	p->advancing = false;
	if (on)
		end_sequence(c);
}

void container_stage_wait(struct container *c)
{
	c->p->waiting = true;
}

void container_stage_done(struct container *c, int r, const struct error *err)
{
	if (!c->p->waiting)
		return;
	c->p->waiting = false;
	(void)take_answer(c, r < 0 ? r : STAGE_DONE, err);
	container_advance(c);
}

void container_stage_done_scope(int r, const char *cgroup, const struct error *err, void *data)
{
	struct container *c = data;

	(void)cgroup;
	c->p->call = NULL;
	container_stage_done(c, r, err);
}
