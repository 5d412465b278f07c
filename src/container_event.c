/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One event of one container: supervise_step() decides, this carries out. */
#include "container_internal.h"

#include "clock.h"
#include "log.h"
#include "parse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct supervise_policy policy_of(const struct container *c)
{
	/* What is declared now holds for decisions, also of a run that began with other settings. */
	const struct container_settings *s = c->settings ? c->settings : c->running;
	struct container_settings defaults;

	if (!s) { /* taken over, its file has gone, and nobody knows what that said */
		container_settings_defaults(&defaults);
		return (struct supervise_policy){.restart = &restart_policy_default,
						 .timeout_start = defaults.timeout_start,
						 .timeout_stop = defaults.timeout_stop};
	}
	return (struct supervise_policy){
		.restart = &s->restart,
		.timeout_start = s->timeout_start,
		.timeout_stop = s->timeout_stop,
		.health_restarts = s->health_action == HEALTH_RESTART,
	};
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;
	bool runs = c->s.state == CONTAINER_START && c->p->unheard && c->leader;

	(void)loop;
	(void)events;
	/* Nobody heard whether it is: that is no reason to end one that runs. */
	c->p->unheard = false;
	container_event(c, runs ? SUPERVISE_READY : SUPERVISE_TIMER);
}

/* The deadline is CLOCK_BOOTTIME's, libev's timers are not: one that fires early is asked for again. */
void container_deadline_set(struct container *c)
{
	struct ev_loop *loop = c->manager->loop;
	uint64_t now = clock_boottime(), at = c->s.deadline;

	ev_timer_stop(loop, &c->p->deadline);
	if (at == 0 || at == USEC_INFINITY)
		return;
	ev_timer_init(&c->p->deadline, on_deadline, at > now ? (double)(at - now) / 1e6 : 0., 0.);
	c->p->deadline.data = c;
	/* Within one turn of the loop many may begin: not from when it began. */
	ev_now_update(loop);
	ev_timer_start(loop, &c->p->deadline);
}

static void publish(struct container *c)
{
	char text[CONTAINER_STATE_TEXT_SIZE] = "";
	struct notice n = {.netns = container_netns(c),
			   .container = c->name,
			   .object = EVENT_CONTAINER,
			   .change = EVENT_SET,
			   .cause = CAUSE_OURS,
			   .ifname = "",
			   .text = text};

	if (notice_wanted(&c->manager->notices))
		container_state_text(c, text, sizeof(text));
	notice_publish(&c->manager->notices, &n);
}

/* What people want to know of, and what only who looks for a fault. */
static int level_of(const struct supervision *s)
{
	switch (s->state) {
	case CONTAINER_FAILED: return LOG_ERR;
	case CONTAINER_STOP_SIGTERM:
	case CONTAINER_STOP_SIGKILL: return s->cause != RESULT_SUCCESS ? LOG_WARNING : LOG_DEBUG;
	case CONTAINER_RUNNING:
	case CONTAINER_DEAD:
	case CONTAINER_SKIPPED:
	case CONTAINER_AUTO_RESTART: return LOG_INFO;
	default: return LOG_DEBUG;
	}
}

static void changed(struct container *c)
{
	char text[CONTAINER_STATE_TEXT_SIZE];

	/* However its start came about: else it would come back once more, whenever it ends. */
	if (c->s.state == CONTAINER_START_PRE && !c->p->stop_wanted)
		c->p->again = c->p->resume = false;
	c->since = clock_realtime();
	container_state_text(c, text, sizeof(text));
	container_log(c, level_of(&c->s), "%s", text);
	container_record_save(c);
	publish(c);
	if (c->s.state == CONTAINER_RUNNING)
		container_running(c);
	container_answer(c);
	containers_settle_soon(c->manager);
}

static void signal_nspawn(struct container *c, int signal)
{
	if (c->p->process)
		(void)process_signal(c->p->process, signal);
}

static void carry_out(struct container *c, unsigned effects)
{
	if (effects & EFFECT_CHANGED)
		changed(c);
	if (effects & EFFECT_KILL) {
		if (c->cgroup)
			(void)cgroup_kill(c->cgroup);
		signal_nspawn(c, SIGKILL); /* it is in there; but not before it was moved */
	}
	if (effects & EFFECT_SIGTERM)
		signal_nspawn(c, SIGTERM);
	if (effects & EFFECT_SIGINT)
		signal_nspawn(c, SIGINT);
	if (effects & (EFFECT_SIGTERM | EFFECT_SIGINT)) {
		container_deaf_stop(c);
		/* That it is to be sent was written down before: see container_signal_again(). */
		c->p->sent = c->s.signals;
		container_record_save(c);
	}
	if (effects & EFFECT_CLEAN)
		container_sequence_start(c, container_clean_stages);
	if (effects & EFFECT_PREPARE)
		container_sequence_start(c, container_prepare_stages);
	if (effects & EFFECT_LAUNCH)
		container_launch(c);
}

static void step(struct container *c, const struct supervise_input *in)
{
	struct supervise_policy policy = policy_of(c);
	enum container_state before = c->s.state;
	unsigned effects;

	if (in->event == SUPERVISE_START || in->event == SUPERVISE_RESET_FAILED)
		c->reason = (struct error){0};
	effects = supervise_step(&c->s, &policy, in);
	container_deadline_set(c);
	if (before == CONTAINER_AUTO_RESTART || c->s.state == CONTAINER_RUNNING)
		c->reason = (struct error){0};
	carry_out(c, effects);
}

void container_event_full(struct container *c, const struct supervise_input *in)
{
	struct container_private *p = c->p;

	if (p->n_events == EVENTS_MAX) { /* cannot be: each comes from something there is one of */
		container_log(c, LOG_ERR, "too many things happen at once; one was lost");
		return;
	}
	p->events[p->n_events] = *in;
	p->events[p->n_events].now = clock_boottime();
	if (getrandom(&p->events[p->n_events].random, sizeof(in->random), GRND_NONBLOCK) < 0)
		p->events[p->n_events].random = p->events[p->n_events].now * 2654435761;
	p->n_events++;
	if (p->handling)
		return;
	p->handling = true;
	while (p->n_events > 0) {
		const struct supervise_input one = p->events[0];

		p->n_events--;
		memmove(p->events, p->events + 1, p->n_events * sizeof(one));
		step(c, &one);
	}
	p->handling = false;
}

void container_event(struct container *c, enum supervise_event event)
{
	container_event_full(c, &(struct supervise_input){.event = event});
}
