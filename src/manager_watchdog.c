/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WatchdogSec= of our own unit: the loop tells systemd that it turns. What workers wait for does not count,
 * as the kernel can hold them up for long. */
#include "manager_internal.h"

#include <systemd/sd-daemon.h>

static void on_ping(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	(void)sd_notify(0, "WATCHDOG=1");
}

void manager_watchdog_start(struct manager *m)
{
	ev_timer *w = &m->p->watchdog;
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	/* Twice as often as is needed, sd_watchdog_enabled(3). The program before this one may have been
	 * late. */
	ev_timer_init(w, on_ping, 0., (double)usec / 2e6);
	ev_timer_start(m->loop, w);
}
