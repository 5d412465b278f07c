/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stop that came too early: nspawn passes the signal on to the init of the container, and the kernel drops
 * it while that has not begun to listen (PID 1 has no default actions), as in the moments between its fork
 * and its first instructions. Nobody would ask it again before TimeoutStopSec=. So it is, once, as soon as it
 * listens; one that never does is left to the timeout. */
#include "container_internal.h"

#include "cleanup.h"
#include "file.h"
#include "log.h"
#include "nspawn.h"
#include "parse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>

#define LOOKS	   5
#define LOOK_FIRST 0.02 /* s; it takes a moment only, as a rule */
#define LOOK_LAST  1.	/* s; each look is twice as late as the one before */

int container_stop_signal(const struct container *c)
{
	int signal;

	return parse_signal(nspawn_kill_signal(c->running), &signal) < 0 ? SIGTERM : signal;
}

static bool has_signal(const char *status, const char *field, int signal)
{
	const char *at = strstr(status, field);

	return at && (strtoull(at + strlen(field), NULL, 16) >> (signal - 1)) & 1;
}

static void read_proc(const struct container *c, const char *file, char *buffer, size_t size)
{
	char path[64];
	_cleanup_fclose_ FILE *f = NULL;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)c->leader, file);
	f = fopen(path, "re");
	n = f ? fread(buffer, 1, size - 1, f) : 0;
	buffer[n] = '\0';
}

/* Caught, or blocked: then it is kept for whoever asks for it. */
static bool keeps(const struct container *c, int signal)
{
	char status[4096];

	read_proc(c, "status", status, sizeof(status));
	return has_signal(status, "\nSigCgt:\t", signal) || has_signal(status, "\nSigBlk:\t", signal);
}

static bool waits_for_signals(const struct container *c)
{
	char call[256];

	read_proc(c, "syscall", call, sizeof(call));
	return call[0] >= '0' && call[0] <= '9' && strtol(call, NULL, 10) == SYS_rt_sigtimedwait;
}

/* Within sigwaitinfo() the kernel shows what is waited for as not blocked, so both are looked at; and more
 * than once, since one that is woken in between, by this very signal, is seen in neither. */
static bool listens(const struct container *c, int signal)
{
	for (unsigned i = 0; i < LOOKS; i++)
		if (keeps(c, signal) || waits_for_signals(c))
			return true;
	return false;
}

static void look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;
	int signal = container_stop_signal(c);

	(void)events;
	if (c->s.state != CONTAINER_STOP_SIGTERM || c->s.signals > 1) {
		ev_timer_stop(loop, w);
		return;
	}
	if (c->p->leader_pidfd < 0 || !listens(c, signal)) {
		w->repeat = w->repeat * 2 < LOOK_LAST ? w->repeat * 2 : LOOK_LAST;
		ev_timer_again(loop, w);
		return;
	}
	ev_timer_stop(loop, w);
	container_log(c, LOG_DEBUG, "its init listens now; it is asked once more to stop");
	(void)pidfd_send_signal(c->p->leader_pidfd, signal, NULL, 0);
}

void container_deaf_stop(struct container *c)
{
	ev_timer *w = &c->p->deaf;

	if (!c->running || ev_is_active(w) || (c->leader && listens(c, container_stop_signal(c))))
		return;
	ev_timer_init(w, look, LOOK_FIRST, LOOK_FIRST);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}
