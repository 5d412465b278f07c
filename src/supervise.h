/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a supervised container does next: one state, events that come in, effects to be carried out. Layer 2;
 * pure: no clock, no process, no log. Times are CLOCK_BOOTTIME microseconds; 0: none.
 *
 *   dead -> start-pre -> start -> running -> stop-sigterm -> stop-sigkill -> stop-post
 *        -> dead | failed | skipped | auto-restart
 *
 * start-pre: waits for its turn, its namespace, its root (no time limit of its own: what it waits for may be
 * another's start); start: nspawn runs, not ready; stop-post: nspawn has ended, cgroup and root are cleaned.
 * The words are systemd's substates. Every start counts for StartLimitBurst=, also one that was asked for, as
 * with systemd. */
#ifndef NETNSD_SUPERVISE_H
#define NETNSD_SUPERVISE_H

#include "restart.h"

#include <stdbool.h>
#include <stdint.h>

enum container_state {
	CONTAINER_DEAD,
	CONTAINER_START_PRE,
	CONTAINER_START,
	CONTAINER_RUNNING,
	CONTAINER_STOP_SIGTERM,
	CONTAINER_STOP_SIGKILL,
	CONTAINER_STOP_POST,
	CONTAINER_AUTO_RESTART,
	CONTAINER_FAILED,
	CONTAINER_SKIPPED, /* a condition is not met; not a failure */
	CONTAINER_STATE_COUNT
};
const char *container_state_to_string(enum container_state s);
int container_state_from_string(const char *text, enum container_state *ret);

enum supervise_event {
	SUPERVISE_START, /* somebody asks for it */
	SUPERVISE_STOP,
	SUPERVISE_RESTART,	/* ends, then starts, or just starts */
	SUPERVISE_PREPARED,	/* all that nspawn needs is there */
	SUPERVISE_NOT_PREPARED, /* it cannot be had, or nspawn cannot be launched: result in `result` */
	SUPERVISE_CONDITION,	/* a condition is not met */
	SUPERVISE_LEADER,	/* nspawn has told its payload's PID: it handles SIGTERM from now on */
	SUPERVISE_READY,
	SUPERVISE_EXITED,   /* nspawn has ended: code, status */
	SUPERVISE_CLEANED,  /* cgroup empty, root removed */
	SUPERVISE_TIMER,    /* the deadline has come */
	SUPERVISE_WATCHDOG, /* nspawn is silent for WatchdogSec= */
	SUPERVISE_UNHEALTHY,
	SUPERVISE_RESET_FAILED,
	SUPERVISE_EVENT_COUNT
};
struct supervise_input {
	enum supervise_event event;
	uint64_t now, random;
	int code, status;    /* EXITED; code 0: unknown, which counts as a failure */
	const char *failure; /* EXITED: why it never became nspawn, or NULL */
	bool own_error; /* EXITED: nspawn said that it failed itself, so the status is not the payload's */
	enum run_result result; /* NOT_PREPARED */
};

/* What the caller has to do, in this order. */
enum supervise_effect {
	EFFECT_KILL = 1 << 0,	 /* cgroup.kill */
	EFFECT_SIGTERM = 1 << 1, /* to nspawn */
	EFFECT_SIGINT = 1 << 2,	 /* to nspawn, while it is still starting */
	EFFECT_CLEAN = 1 << 3,	 /* end a preparation that is under way (its answer counts for nothing), kill
				    what   is left, wait until empty, remove cgroup and root; then CLEANED */
	EFFECT_PREPARE = 1 << 4, /* sweep what an earlier run left, prepare; then PREPARED, NOT_PREPARED or
				    CONDITION */
	EFFECT_LAUNCH = 1 << 5,	 /* then LEADER, READY, EXITED */
	EFFECT_CHANGED = 1 << 6	 /* a state was entered; it can be the same again: failed once more */
};

struct supervise_policy {
	const struct restart_policy *restart;
	uint64_t timeout_start, timeout_stop; /* USEC_INFINITY: none */
	bool health_restarts; /* HealthAction=restart, whatever Restart= says; else UNHEALTHY stops it */
};

struct supervision { /* plain data: can be written down and read back */
	enum container_state state;
	enum run_result result;	    /* of the run that ended last, or why it could not begin */
	int exit_code, exit_status; /* of the last nspawn; code 0: none, or unknown */
	bool stop_asked;	    /* no restart */
	bool again;		    /* starts at once when it has ended */
	bool leader, ready;
	bool skip;		 /* a condition is not met */
	enum run_result cause;	 /* why we end this run; success: not for a failure */
	unsigned restarts;	 /* automatic ones in a row */
	unsigned total_restarts; /* since it was started by somebody */
	uint64_t since;		 /* of this state */
	uint64_t running_since;	 /* 0: is not */
	uint64_t deadline;	 /* when TIMER is due; 0: none */
	unsigned signals;	 /* SIGTERMs and SIGINTs sent to this nspawn */
	struct start_limit starts;
	char reason[320];   /* why it is in this state, or "" */
	char decision[320]; /* why it was, or was not, started anew after the run that ended last, or "" */
};

/* Returns effects (bits). An event that means nothing in this state changes nothing. A supervision of zeros
 * is one that was never started. After each step the caller's one timer is due at `deadline`. */
unsigned supervise_step(struct supervision *s, const struct supervise_policy *p,
			const struct supervise_input *in);
/* Whether a process or its remains may exist: neither dead, failed, skipped nor waiting to be restarted. */
bool supervise_is_active(const struct supervision *s);

/* So long after the second SIGTERM the cgroup is killed, and again each time it has passed. */
#define SUPERVISE_KILL_DELAY (5 * UINT64_C(1000000))

#endif
