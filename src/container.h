/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running counterpart of struct container_settings: one supervised nspawn. supervise.h decides,
 * container*.c carries out. Layer 3. Loop thread only. */
#ifndef NETNSD_CONTAINER_H
#define NETNSD_CONTAINER_H

#include "desired_container.h"
#include "error.h"
#include "health.h"
#include "process.h"
#include "supervise.h"

#include <ev.h>
#include <utlist.h>

struct manager;

struct container {
	char *name;
	struct manager *manager;
	const struct container_settings *settings; /* in manager->desired; NULL: no longer declared */
	struct desired *tree; /* a reference: the tree whose settings the present run was started with; NULL:
				 does not run */
	const struct container_settings *running; /* in `tree` */
	struct supervision s;
	struct error reason;   /* of what could not be done, or what it waits for; code 0: none */
	bool wanted;	       /* AutoStart=, start; false after stop */
	bool needs_restart;    /* runs with settings that are no longer declared */
	bool config_failed;    /* its file is bad, the last good configuration runs */
	pid_t pid, leader;     /* nspawn, and the payload's init in our PID namespace; 0: none */
	char status_text[256]; /* what nspawn says (STATUS=), without control characters */
	uint64_t since;	       /* CLOCK_REALTIME usec of the last change of state */
	enum health_state health;
	char health_text[160];
	char *cgroup;		     /* full path; NULL: none */
	uint64_t saved;		     /* hash of the text in /run/netnsd/last-good; 0: none */
	struct container_private *p; /* container.c's own */
	UT_hash_handle hh;	     /* manager->containers, by name */
};

/* --- what is asked
 * ------------------------------------------------------------------------------------------ */
enum container_verb {
	CONTAINER_VERB_START,
	CONTAINER_VERB_STOP,
	CONTAINER_VERB_RESTART,
	CONTAINER_VERB_KILL,
	CONTAINER_VERB_RESET_FAILED
};
enum container_whom { WHOM_LEADER, WHOM_SUPERVISOR, WHOM_ALL };

enum container_failure {
	CONTAINER_DONE,
	CONTAINER_NO_SUCH,
	CONTAINER_BAD_CONFIGURATION, /* its file has errors; error says which */
	CONTAINER_BAD_STATE,	     /* kill: does not run; the daemon is stopping; a stop came in between */
	CONTAINER_START_FAILED,	     /* error says why; container->s.result */
	CONTAINER_WAS_SKIPPED	     /* a condition is not met; error says which: a success with a remark */
};
struct container_outcome {
	enum container_failure failure;
	struct error error;
	enum run_result result;
};
struct container_request {
	enum container_verb verb;
	const char *name;
	int signal;		  /* KILL */
	enum container_whom whom; /* KILL */
};
/* done(): exactly once, possibly before container_ask() returns: when it is running (START, RESTART), has
 * ended and is cleaned (STOP), or at once. changed(): each change of state on the way; may be NULL. */
struct container_waiter;
typedef void container_done_fn(const struct container_outcome *outcome, void *data);
typedef void container_changed_fn(enum container_state state, const char *text, void *data);
void container_ask(struct manager *m, const struct container_request *request, container_done_fn *done,
		   container_changed_fn *changed, void *data, struct container_waiter **ret);
void container_waiter_forget(struct container_waiter *w); /* the asker has gone; NULL is fine */

/* --- for the manager
 * ------------------------------------------------------------------------------------------ */
/* Takes containers from the tree that is current now: new ones (dead), lost ones (stopped, then freed),
 * changed ones. */
int containers_sync(struct manager *m);
/* Those that an earlier daemon ran; once it is known which namespaces there are. -errno with err: it cannot
 * be told now which there are, and nothing was done. */
int containers_adopt(struct manager *m, struct error *err);
/* After the first round and the readiness of the daemon: those with AutoStart=. */
void containers_start_wanted(struct manager *m);
void containers_begin_deferred(struct manager *m); /* what was asked for before that */
/* Those in this namespace are stopped (NULL: in all), in order, and remembered: they start again when it
 * comes back. 1: done(data) will be called when they have ended; 0: none runs; -ENOMEM. */
typedef void containers_stopped_fn(void *data);
int containers_stop_in(struct manager *m, const char *netns, containers_stopped_fn *done, void *data);
/* Likewise those that no file declares any more, which do not come back. */
int containers_stop_lost(struct manager *m, containers_stopped_fn *done, void *data);
/* The namespace is as declared (again): those that were stopped with it are started. */
void containers_netns_changed(struct manager *m);
void containers_settle_soon(struct manager *m); /* what waits is looked at again */
struct diag;
int containers_mark_failed(struct manager *m, const struct diag *d, const char *name); /* its file is bad */
void containers_forget_failed(struct manager *m);   /* files are read anew */
void containers_restart_changed(struct manager *m); /* those that need it */
/* Another program takes over: whether all may be interrupted, doing so, what it gets, and back if it does
 * not. */
struct handover;
bool containers_are_quiet(struct manager *m);
void containers_interrupt(struct manager *m);
int containers_hand_over(struct manager *m, struct handover *h);
void containers_go_on(struct manager *m);
void containers_take_strangers(struct manager *m); /* by the one that took over */
struct container *manager_find_container(struct manager *m, const char *name);
void containers_free(struct manager *m); /* leaves what runs as it is */

/* The state as a line for people: "running", "failed: why". */
#define CONTAINER_STATE_TEXT_SIZE 768
void container_state_text(const struct container *c, char *buffer, size_t size);
const char *container_reason(const struct container *c); /* why it is in this state; "": nothing to say */

/* Is down until something that it requires was restarted. */
bool container_comes_back(const struct container *c);

/* Where its console goes: the journal with identifier "netnsd/NAME", else console.h's file. */
bool container_log_is_journal(void);

#endif
