/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of containers share. Layer 3.
 *
 * An event goes to supervise_step(), which answers with effects. Two of them take their time, and are
 * sequences of stages: prepare (container_prepare.c) and clean (container_clean.c), of which one at most is
 * under way. What depends on other containers (order, slots, who stops first, who may go) is looked at in one
 * place, containers_settle(), a moment after anything changed. */
#ifndef NETNSD_CONTAINER_INTERNAL_H
#define NETNSD_CONTAINER_INTERNAL_H

#include "cgroup.h"
#include "console.h"
#include "container.h"
#include "health.h"
#include "manager_internal.h"
#include "notify.h"
#include "root.h"
#include "scope.h"
#include "worker.h"

/* What a stage answers. */
enum stage_answer {
	STAGE_DONE,
	STAGE_ASYNC, /* container_stage_wait() was called, container_stage_done() comes or came */
	STAGE_LATER  /* to be asked again by containers_settle() */
};
struct stage {
	const char *waits_for; /* for `reason` while it does; NULL: nothing to say */
	int (*enter)(struct container *c, struct error *err); /* enum stage_answer, or -errno with err */
};
/* Ends with enter NULL. */
extern const struct stage container_prepare_stages[], container_clean_stages[];

#define EVENTS_MAX 8 /* that wait while one is handled: far more than can come at once */

struct container_job;
struct container_record;

struct container_private {
	ev_timer deadline, watchdog, exec, deaf, sweep, late_leader;
	struct container_waiter *waiters;
	struct supervise_input events[EVENTS_MAX];
	unsigned n_events;
	bool handling;

	const struct stage *sequence, *stage; /* NULL: none under way */
	bool waiting, advancing;
	unsigned unclean;	/* how often it could not be cleaned; 0: nothing is left of the run before */
	struct error failure;	/* of the stage that failed */
	enum run_result result; /* of prepare, when it is not RESULT_RESOURCES */
	bool skip;		/* a condition is not met */

	bool pulled;	/* what it requires was started */
	bool slot;	/* counts among those that start */
	bool ran;	/* had a run before, in the namespace as it is */
	bool resetting; /* ResetOnRestart=: its namespace is made anew under it */

	bool stop_wanted;    /* is to stop as soon as its turn has come */
	bool restart_wanted; /* and to start again */
	bool resume;	     /* was stopped with its namespace, and is to come back with it */
	bool again;	     /* was stopped with what it requires, and is to come back */

	struct operation *operation;
	struct container_job *job;
	struct scope_call *call;
	struct cgroup_watch *emptying;

	struct root root;
	int netns_fd;
	struct process *process;
	int leader_pidfd;
	struct notify_socket *notify;
	struct console_guard *guard;
	struct health *health;
	int told_error;	  /* ERRNO= of nspawn; 0: none */
	bool told_ready;  /* READY=1 of nspawn, whose payload was not executed yet as far as one could see */
	bool leader_gone; /* it ended before anybody could look at it */
	/* --- for the next daemon */
	bool unrecorded;		      /* its record could not be written: tried again */
	pid_t recorded_pid;		      /* of the run that its record is of */
	uint64_t pid_started, leader_started; /* see container_record.h; 0: not known, or there is none */
	uint64_t started_with; /* hash of the text of its run's settings, or of some that are as good */
	bool guessed;	       /* `running` is not what the run was started with, which only the hash knows */
	unsigned sent;	       /* of s.signals, those that were sent */
	bool taken;	       /* the process was started by an earlier daemon */
	bool unheard;	       /* and may have said READY=1 to nobody */
	struct container_record *record; /* while it is taken over */
};

/* What all containers have in common; made with the first one. */
struct container_host {
	struct scope_bus *bus; /* NULL: cgroups of our own */
	struct cgroup_layout cgroups;
};
/* Somebody waits until containers have ended. */
struct stop_group {
	struct stop_group *prev, *next; /* manager_private.stop_groups */
	char *netns;			/* those in this namespace; NULL: see lost, else all */
	bool lost;			/* those that no file declares any more */
	containers_stopped_fn *done;
	void *data;
};
/* -errno with err: containers cannot run here. */
int container_host_get(struct manager *m, struct container_host **ret, struct error *err);
void container_host_free(struct manager *m);
void container_host_watch(struct manager *m); /* for scopes that somebody else stops */
/* Where it is, or would be: the scope's or our own. */
int container_host_cgroup(const struct container_host *h, const struct container_settings *s, char **ret);
int container_host_look(const struct container_settings *s, char **ret); /* the same, and prepares nothing */

/* container.c */
int container_ensure(struct manager *m, const char *name, struct container **ret);
bool container_is_active(const struct container *c);
/* Being started: what is After= it waits. */
const struct container_settings *
container_current(const struct container *c);		/* running, else declared; may be NULL */
const char *container_netns(const struct container *c); /* "" when unknown */
/* With these settings declared, while it runs. */
bool container_needs_restart(const struct container *c, const struct container_settings *s);
void containers_reap(struct manager *m);
void container_log(const struct container *c, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* container_event.c: may come from anywhere; what comes while one is handled is handled next. */
void container_event(struct container *c, enum supervise_event event);
void container_event_full(struct container *c, const struct supervise_input *in);
void container_deadline_set(struct container *c);

/* container_sequence.c */
void container_sequence_start(struct container *c, const struct stage *sequence);
void container_sequence_cancel(struct container *c);
void container_advance(struct container *c);
void container_stage_wait(struct container *c);
void container_stage_done(struct container *c, int r, const struct error *err);
void container_stage_done_scope(int r, const char *cgroup, const struct error *err,
				void *data); /* scope_done_fn */

/* container_job.c */
int container_job_submit(struct container *c, bool prepare, struct error *err);
void container_job_call_off(struct container *c); /* its end still has to be waited for */
void container_job_orphan(struct container *c);

/* container_spawn.c */
int container_spawn(struct container *c, struct error *err);

/* container_run.c */
int container_socket_make(struct container *c, char *path, size_t size,
			  struct error *err); /* where nspawn tells */
void container_launch(struct container *c);
/* One that an earlier daemon started. 1: with what it said meanwhile. -ESRCH: it has ended, and nobody can
 * tell how; else it cannot be watched now. */
int container_process_take(struct container *c, pid_t pid, uint64_t started);
void container_signal_again(struct container *c); /* in state stop-sigterm */
void container_run_ended(struct container *c);	  /* lets go of all that belongs to the process */
int container_run_hand_over(const struct container *c, struct handover *h);
void container_run_leave(struct container *c); /* likewise of one that runs on without us */

/* container_notify.c: what nspawn tells, by its socket and its end */
void container_heard(const struct notify_message *message, void *data);		 /* notify_received_fn */
void container_ended(struct process *process, int code, int status, void *data); /* process_exited_fn */
void container_look_for_ready(struct container *c, bool heard); /* in state start; heard: all that it said */

/* container_health.c */
void container_running(struct container *c); /* it is: watchdog and health begin */
void container_watchdog_feed(struct container *c);

/* container_deaf.c: nspawn was just told to stop its payload */
void container_deaf_stop(struct container *c);
int container_stop_signal(const struct container *c); /* what makes its init end; it runs */

/* container_prepare.c, also used by container_clean.c */
int container_stage_empty(struct container *c, struct error *err);
int container_stage_unit_gone(struct container *c, struct error *err);

/* container_ask.c */
void container_answer(struct container *c); /* its state has changed */
void container_waiters_free(struct container *c);
bool container_restart_is_awaited(const struct container *c);

/* container_order.c */
int container_stage_order(struct container *c, struct error *err);
int container_stage_slot(struct container *c, struct error *err);
/* This one and those that require it, in order. */
void container_stop_ordered(struct container *c, bool come_back);
bool container_netns_is_going(const struct container *c);
void containers_groups_free(struct manager *m);

/* container_save.c */
#define CONTAINER_RECORD_PATH_SIZE 160
void container_record_path(const char *name, char path[CONTAINER_RECORD_PATH_SIZE]);
void container_record_save(struct container *c);
/* -errno: told, and containers_settle() comes again. */
int container_record_forget(const struct container *c);

/* container_sweep.c */
void containers_sweep(struct manager *m); /* what runs, or was left, without a record */

/* container_adopt.c */
/* The daemon that was to let this process run ended before, so that it did as well. */
bool container_never_began(const struct container *c, int code, int status);
void container_begin_anew(struct container *c);

/* container_netns.c */
int container_stage_netns(struct container *c, struct error *err); /* makes it, where it is not there */
int container_stage_pin(struct container *c, struct error *err);   /* holds on to it */
bool container_netns_is_up(const struct container *c);
void containers_auto_delete(struct manager *m);

#endif
