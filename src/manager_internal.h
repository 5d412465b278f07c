/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the manager share. Layer 3. */
#ifndef NETNSD_MANAGER_INTERNAL_H
#define NETNSD_MANAGER_INTERNAL_H

#include "manager.h"
#include "round.h"
#include "rtnl.h"
#include "survey.h"
#include "watch.h"
#include "worker.h"

#define MARK_DELAY 0.002 /* s from an event to the look; events come in groups */

#define RUN_DIRECTORY	    "/run/netnsd"
#define LAST_GOOD_DIRECTORY RUN_DIRECTORY "/last-good"
#define ADDRESSES_FILE	    RUN_DIRECTORY "/addresses"

struct manager_private {
	struct rtnl_monitor monitor; /* events of all our namespaces */
	bool monitoring;
	struct unit *by_nsid;	      /* uthash */
	struct watch_flight *flights; /* transactions that workers have now */
	ev_timer overrun;	      /* events were lost: everything is looked at when it fires */
	double overrun_at, overrun_delay;
	ev_io names, mounts; /* /run/netns, /proc/self/mountinfo */
	ev_timer names_timer;
	uint64_t names_inode, names_device; /* of the directory that is watched */
	ev_timer audit;
	char *audited;	  /* name of the last one; NULL: from the front */
	bool fresh;	  /* some were made and not looked at since */
	ev_timer retry;	  /* some namespaces are to be compared again */
	ev_timer waiters; /* states changed: WAIT operations may be over */
	ev_timer status;  /* STATUS= for systemd is out of date */
	ev_timer start_timeout;
	bool running_operations;
	bool asks_nspawn; /* a worker does: who needs the answer waits */
	ev_signal sigterm, sigint, sighup;
	int lock_fd;
	int next_created, next_adopted; /* nsids */
	struct scan scan;
	bool ready;		    /* READY=1 was sent */
	unsigned saves;		    /* jobs under way that write the last good files */
	struct pool_memory *memory; /* where pool addresses were, from the file; hash */
	uint64_t started_at;	    /* CLOCK_REALTIME, usec */
	struct ev_io deadline;	    /* a timerfd: until when the apply can be confirmed */
	struct desired *ran;	    /* while one waits: what ran before it; NULL after a restart */
	struct desired *taken_back; /* the start rolls back: what had been applied, or NULL */
	bool roll_back_at_start, rolling_back;
	struct container_host *container_host; /* NULL: no container was started yet */
	struct stop_group *stop_groups;
	ev_timer settle;		   /* of containers that depend on others */
	ev_timer records;		   /* of containers that could not be written are tried again */
	bool records_told, records_failed; /* that they could not; and again since it was tried last */
	struct desired *was_applied;	   /* until containers are taken over: manager_load_applied()'s */
	ev_timer reexec;		   /* looks whether all is quiet */
	uint64_t reexec_until;
	void (*reexec_refused)(const struct error *err, void *data);
	void *reexec_data;
	ev_timer watchdog; /* of systemd on us */
};

struct operation {
	struct operation *prev, *next; /* manager->operations */
	struct manager *manager;
	enum operation_type type;
	bool retry;   /* internal: compare again those that are marked or pending */
	bool recover; /* internal: bring back what ran before a failure */
	bool start;   /* internal: the first one */
	bool expired; /* internal: nobody has confirmed */
	bool atomic;  /* APPLY */
	bool restart; /* APPLY */
	bool settled; /* APPLY: only what sends no events has to be looked at */
	bool rolling_back;
	uint64_t confirm; /* APPLY */
	bool running;
	bool quick;
	struct operation **slot; /* set to NULL when the operation goes; may be NULL */
	char *name;
	char **names, **settings;
	struct round *round;
	struct survey survey;	      /* DESCRIBE */
	struct desired *failed;	      /* recover: a reference to what could not be made */
	struct desired *before;	      /* recover, APPLY: what ran; a reference */
	struct operation_result undo; /* of the rollback */
	struct operation_result result;
	operation_done_fn *done;
	operation_progress_fn *progress;
	void *data;
};

/* manager.c */
void unit_set_state(struct unit *u, enum netns_state state, const struct error *reason);
/* Takes units from the tree that is current now: new ones, lost ones. */
int manager_ensure_unit(struct manager *m, const char *name, struct unit **ret);
int manager_sync_units(struct manager *m);
bool unit_may_be_there(const struct unit *u);
void manager_unit_free(struct unit *u);
void unit_set_applied(struct unit *u, struct desired *d); /* NULL: nothing of ours is there */
/* The name has gone and our descriptor goes; the rest is the kernel's, until RTM_DELNSID. */
void manager_unit_unnamed(struct unit *u);
/* Holds nothing, and knows nothing of what it held. */
void unit_forget_namespace(struct unit *u);
/* The last holder let go. */
void manager_unit_gone(struct unit *u);
int manager_next_nsid(struct manager *m, bool adopted);
void manager_notify_status(struct manager *m);			/* soon */
void manager_send_status(struct manager *m, const char *first); /* at once, after this line */
void manager_swap(struct manager *m, struct desired *d);	/* takes the reference */

/* manager_reexec.c */
int manager_remember_program(struct manager *m);
bool manager_program_was_replaced(const struct manager *m);
void manager_take_over(struct manager *m);

/* manager_nspawn.c */
/* 0: a worker asks, and when it has the answer (nspawn_kept()) what waits is looked at again. */
int manager_ask_nspawn(struct manager *m);

/* manager_watchdog.c */
void manager_watchdog_start(struct manager *m);

/* manager_load.c */
/* Reads the files. strict: any error refuses the whole (-EBADMSG with diags); else, at the start, objects in
 * error have their last good copy. -EAGAIN, only with strict: a worker asks nspawn what it knows, and
 * operations_run() follows. */
int manager_load(struct manager *m, bool strict, struct diags *diags, struct desired **ret);
/* Reads the files of this namespace alone; it is not in the tree when there are none. All others are as they
 * run. -EBADMSG with diags when that does not fit together, -EIO when it could not be read. */
int manager_load_one(struct manager *m, const char *name, struct diags *diags, struct desired **ret);
/* Strictly, and only these directories; pools give what the file says they gave. */
int manager_load_from(struct manager *m, const char *const *directories, const char *addresses,
		      struct diags *diags, struct desired **ret);
int manager_memory_read(struct manager *m);
/* What the last good files say was in force when the daemon before this one ended; kept as `was_applied`. */
void manager_load_applied(struct manager *m);
void manager_memory_free(struct manager *m);
/* Writes what is good now for the next start, on a worker. */
void manager_save(struct manager *m);
bool transient_has_template(const char *name);
int transient_write(const char *name, char *const *settings, struct error *err);
int transient_remove(const char *name, struct error *err);

/* operation.c */
void operations_run(struct manager *m); /* starts what may start */
int operation_submit_start(struct manager *m);
int operation_submit(struct manager *m, struct operation *op);
void operations_free(struct manager *m);
void operations_check_waiters(struct manager *m);
void manager_retry_soon(struct manager *m); /* what comes in a burst is handled once */
void manager_retry_in(struct manager *m, double seconds);

int operation_new(struct manager *m, const struct operation_request *request, struct operation **ret);
void operation_end(struct operation *op); /* answers and frees */
void operation_fail(struct operation *op, enum operation_failure failure, int code, const char *text);

/* operation_apply.c */
int operation_add_unit(struct operation *op, struct unit *u, bool wanted);
bool netns_stands_on(const struct netns *n, const char *name); /* has an end of a pair there */
/* Also all that have an end of a pair in the namespace of this name. */
int operation_add_dependents(struct operation *op, const char *name);
void operation_start_round(struct operation *op, int r); /* r < 0: what failed before it */
void operation_run_plan(struct operation *op);
void operation_run_apply(struct operation *op);
void operation_run_start(struct operation *op);
void operation_run_internal(struct operation *op);
bool unit_needs_retry(const struct unit *u);

/* operation_one.c */
bool is_foreign_name(const char *name); /* in /run/netns, and not a leftover */
void operation_run_up(struct operation *op);
void operation_run_add(struct operation *op);
void operation_end_add(struct operation *op);  /* if it failed itself: as if it had never been asked for */
void operation_run_down(struct operation *op); /* also OPERATION_DELETE */
void operation_run_down_all(struct operation *op);

/* operation_read.c */
void operation_run_describe(struct operation *op);
void operation_run_wait(struct operation *op);

/* operation_rollback.c */
/* Before an apply that may be taken back: the checkpoint is written when its first change is due. */
void operation_keep_checkpoint(struct operation *op);
/* The round is over. True: a rollback has begun, and this is called again at its end. */
bool operation_after_round(struct operation *op, bool started);
void operation_run_expired(struct operation *op);
int operation_submit_expired(struct manager *m);
int operation_start_rollback(struct operation *op, struct round *r); /* the first operation */

/* manager_checkpoint.c */
/* What there is at the start. 1: *ret is the tree to start with; 0: the files are. */
int manager_checkpoint_start(struct manager *m, struct desired **ret);
/* restore: with what the kernel had where the files say nothing. */
int manager_checkpoint_load(struct manager *m, bool restore, struct desired **ret, struct error *err);
void manager_checkpoint_wanted(struct manager *m); /* units are wanted as they were */
void manager_checkpoint_forget(struct manager *m);
void manager_checkpoint_wait(struct manager *m, struct desired *ran); /* the deadline begins */
void manager_checkpoint_rolled_back(struct manager *m, const char *reason);
void manager_checkpoint_stop(struct manager *m);
/* A sentence why nothing may be changed now, in err; false: it may. */
bool manager_checkpoint_refuses(struct manager *m, bool apply, struct error *err);

/* manager_start.c */
void manager_start_over(struct manager *m);
/* Objects whose files have errors: kept as they run, or failed with the reason. */
int manager_mark_failed(struct manager *m, const struct diags *diags);

/* operation_settled.c */
/* Nothing that the daemon would not have heard of can differ from `next`, and it has heard of nothing. */
bool manager_is_settled(struct manager *m, const struct desired *next);
bool netns_can_change_silently(const struct netns *n); /* sysctls, files, links of others */

/* round_drift.c */
/* A plan that nobody asked for: false when it is only to be told, for OnDrift= or a fight. */
bool round_may_repair(struct round_item *i, const struct plan *p);
/* What was put back. */
void round_repaired(struct round_item *i, const struct plan *p);

#endif
