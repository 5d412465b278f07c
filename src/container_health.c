/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who looks after a container that runs: a watchdog on nspawn, a health check of what is inside. */
#include "container_internal.h"

#include "log.h"
#include "parse.h"
#include "str.h"

#include <string.h>

static void health_changed(enum health_state state, const char *text, void *data)
{
	struct container *c = data;

	c->health = state;
	(void)str_format(c->health_text, sizeof(c->health_text), "%s", text);
	container_log(c, state == HEALTH_UNHEALTHY ? LOG_WARNING : LOG_INFO, "%s%s%s",
		      health_state_to_string(state), *text ? ": " : "", text);
	if (state == HEALTH_UNHEALTHY && c->running->health_action != HEALTH_REPORT)
		container_event(c, SUPERVISE_UNHEALTHY);
}

static void start_health(struct container *c)
{
	const struct container_settings *s = c->running;
	struct health_spec spec;
	int r;

	if (c->p->health || !s || (!s->health_cmd && !s->health_tcp))
		return;
	spec = (struct health_spec){.command = s->health_cmd,
				    .tcp = s->health_tcp,
				    .interval = s->health_interval,
				    .timeout = s->health_timeout,
				    .retries = s->health_retries,
				    .leader = c->leader,
				    .leader_pidfd = c->p->leader_pidfd,
				    .netns_fd = c->p->netns_fd};
	r = health_new(c->manager->loop, c->manager->workers, &spec, health_changed, c, &c->p->health);
	if (r < 0)
		container_log(c, LOG_WARNING, "its health is not looked at: %s", strerror(-r));
	else
		c->health = HEALTH_UNKNOWN;
}

/* --- watchdog: nspawn pings at half of it ------------------------------------------------------- */

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	container_event(w->data, SUPERVISE_WATCHDOG);
}

void container_watchdog_feed(struct container *c)
{
	ev_timer *w = &c->p->watchdog;

	ev_timer_stop(c->manager->loop, w);
	if (!c->running || c->running->watchdog == 0 || c->running->watchdog == USEC_INFINITY ||
	    c->s.state != CONTAINER_RUNNING)
		return;
	ev_timer_init(w, on_silence, (double)c->running->watchdog / 1e6, 0.);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

void container_running(struct container *c)
{
	c->p->slot = false;
	container_host_watch(c->manager);
	container_watchdog_feed(c);
	start_health(c);
}
