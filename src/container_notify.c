/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What nspawn tells by its notify socket, and by its end: who its leader is, that the payload runs, how it
 * was. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"
#include "nspawn.h"
#include "parse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define CHILDREN_MAX 64	   /* of nspawn; it has a handful */
#define EXEC_DELAY   0.002 /* s between two looks whether the payload was executed: it takes a few ms */
#define LEADER_DELAY 1.	   /* s */

/* The child of nspawn that is PID 1 in a namespace of its own: what X_NSPAWN_LEADER_PID= said, or would have
 * said, to a daemon that was not there. 0: there is none. */
static pid_t find_leader(pid_t nspawn)
{
	pid_t children[CHILDREN_MAX];
	int n = process_children(nspawn, children, CHILDREN_MAX);

	for (int i = 0; i < n; i++) {
		_cleanup_fclose_ FILE *status = NULL;
		char path[64], text[1024];

		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)children[i]);
		status = fopen(path, "re");
		while (status && fgets(text, sizeof(text), status))
			if (str_starts_with(text, "NSpid:") && str_ends_with(text, "\t1\n"))
				return children[i];
	}
	return 0;
}

static void take_leader(struct container *c, pid_t leader);

static void on_leader(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;
	pid_t leader = c->leader ? 0 : find_leader(c->pid);

	(void)events;
	if (leader > 0)
		take_leader(c, leader);
	if (!c->leader)
		return;
	ev_timer_stop(loop, w);
	if (c->s.state == CONTAINER_RUNNING)
		container_running(c);
}

/* There is no descriptor to be had: it is told only once, so it is looked for later. */
static void take_leader_later(struct container *c)
{
	ev_timer *w = &c->p->late_leader;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, on_leader, LEADER_DELAY, LEADER_DELAY);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

static void take_leader(struct container *c, pid_t leader)
{
	int fd = c->leader ? -1 : pidfd_open(leader, 0);

	if (!c->leader && fd < 0 && errno == ESRCH)
		c->p->leader_gone = true; /* nspawn's end comes */
	if (c->leader || c->p->leader_gone)
		return;
	if (fd >= 0) {
		c->p->leader_pidfd = fd;
		c->leader = leader;
	} else {
		take_leader_later(c);
	}
	container_event(c, SUPERVISE_LEADER);
	container_record_save(c);
}

/* Whose exec makes it the payload: the leader's, or with ProcessTwo= that of its first child, as it stays
 * nspawn's stub itself. 0: not there yet, or no longer; -1: cannot be told. */
static pid_t payload_of(const struct container *c)
{
	pid_t pid = 0;
	int n;

	if (!nspawn_has_stub(c->running))
		return c->leader;
	n = process_children(c->leader, &pid, 1);
	return n < 0 ? -1 : pid;
}

/* READY=1 without NotifyReady= comes before nspawn's child has become the payload (252, 257). */
static bool is_payload(const struct container *c)
{
	char path[64], nspawn[512], payload[512];
	pid_t pid = payload_of(c);
	ssize_t n, l;

	if (pid <= 0)
		return pid < 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)c->pid);
	n = readlink(path, nspawn, sizeof(nspawn));
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	l = readlink(path, payload, sizeof(payload));
	if (l < 0) /* it has ended: nspawn's end comes */
		return false;
	return n != l || memcmp(nspawn, payload, (size_t)n) != 0;
}

/* Then it would run, and stop being one that could not even be executed, a moment too early. */
static void on_exec(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;

	(void)events;
	if (c->leader && !is_payload(c))
		return;
	ev_timer_stop(loop, w);
	container_event(c, SUPERVISE_READY);
}

static void take_ready(struct container *c)
{
	ev_timer *w = &c->p->exec;

	if (ev_is_active(w))
		return;
	if (!c->running || c->running->notify_ready || (!c->leader && !c->p->leader_gone) || is_payload(c)) {
		container_event(c, SUPERVISE_READY);
		return;
	}
	c->p->told_ready = true;
	if (c->p->leader_gone)
		return;
	ev_timer_init(w, on_exec, EXEC_DELAY, EXEC_DELAY);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

void container_heard(const struct notify_message *message, void *data)
{
	struct container *c = data;

	if (message->has_status)
		(void)str_format(c->status_text, sizeof(c->status_text), "%s", message->status);
	if (message->error)
		c->p->told_error = message->error;
	if (message->leader > 0)
		take_leader(c, message->leader);
	if (message->watchdog)
		container_watchdog_feed(c);
	if (message->ready)
		take_ready(c);
}

/* How one ended whose status nobody can tell any more: nspawn says before (252, 257). */
static void infer_end(const struct container *c, struct supervise_input *in)
{
	if (c->p->told_error)
		return;
	if (str_equal(c->status_text, "Restarting..."))
		in->status = EXIT_REBOOT;
	else if (!str_equal(c->status_text, "Terminating..."))
		return;
	in->code = CLD_EXITED;
}

/* Executed, done and gone before anybody could see it run: that was no failure to start. (A status that is
 * one may as well be nspawn's own, who could not execute it.) */
static bool was_ready(const struct container *c, const struct supervise_input *in)
{
	return c->p->told_ready && c->s.state == CONTAINER_START && c->running &&
	       restart_classify(&c->running->restart, in->code, in->status) == RESULT_SUCCESS;
}

void container_ended(struct process *process, int code, int status, void *data)
{
	struct container *c = data;
	struct supervise_input in = {.event = SUPERVISE_EXITED, .code = code, .status = status};
	char text[64];

	in.failure = process_failure(process);
	if (c->p->notify) /* what it said before its end comes first */
		notify_socket_drain(c->p->notify);
	if (c->p->taken && container_never_began(c, code, status)) {
		container_begin_anew(c);
		return;
	}
	in.own_error = c->p->told_error != 0;
	if (in.code == 0)
		infer_end(c, &in);
	if (was_ready(c, &in))
		container_event(c, SUPERVISE_READY);
	if (in.code == 0)
		container_log(c, LOG_NOTICE,
			      "nspawn has ended; how is not known, as another netnsd started it: taken for a "
			      "failure");
	container_log(c, LOG_DEBUG, "nspawn has %s", exit_code_to_string(code, status, text, sizeof(text)));
	container_event_full(c, &in);
}

/* Ready is who executes the payload; with NotifyReady= it says so, once, and nobody may have heard it. */
void container_look_for_ready(struct container *c, bool heard)
{
	pid_t leader = c->leader ? c->leader : find_leader(c->pid);

	if (leader > 0)
		take_leader(c, leader);
	if (!c->running || c->running->notify_ready) {
		c->p->unheard = !heard;
		if (!heard)
			container_log(
				c, LOG_NOTICE,
				"whether it said that it is ready while netnsd did not run is not known; "
				"it is waited for, and taken for ready at the end of TimeoutStartSec=");
	} else if (c->leader) {
		take_ready(c);
	}
}
