/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root of everything the daemon owns: namespaces that run, operations under way, workers,
 * plugins, settings, the state seen from outside. Layer 3. Loop thread only. */
#ifndef NETNSD_MANAGER_H
#define NETNSD_MANAGER_H

#include "actual.h"
#include "checkpoint.h"
#include "config_load.h"
#include "desired.h"
#include "diag.h"
#include "error.h"
#include "notice.h"
#include "plan.h"
#include "str.h"
#include "watch.h"

#include <ev.h>

enum manager_state { MANAGER_STARTING, MANAGER_RUNNING, MANAGER_RELOADING, MANAGER_STOPPING };

/* networkd's words, and "down" for what is declared but not wanted now. */
enum netns_state {
	NETNS_PENDING,	   /* waits: for its turn at the start, or for what `waits_for` names */
	NETNS_CONFIGURING, /* a worker has it */
	NETNS_CONFIGURED,  /* as declared */
	NETNS_DEGRADED,	   /* there, but not as declared; `reason` says why */
	NETNS_FAILED,	   /* could not be made or changed; `reason` says which action and why */
	NETNS_REMOVING,	   /* unpublished; goes when the last holder lets go */
	NETNS_DOWN,	   /* AutoStart=no, or taken down */
	NETNS_STATE_COUNT
};
const char *netns_state_to_string(enum netns_state s);
const char *manager_state_to_string(enum manager_state s);

/* A namespace that is declared, exists, or is going: the running counterpart of struct netns. */
struct unit {
	char *name;
	struct manager *manager;
	struct netns *netns;	 /* in manager->desired; NULL: no longer declared, or adopted and let go */
	struct desired *applied; /* a reference: the tree that was last in force here, not only asked for;
				    NULL: unknown. What it declared and `netns` does not is taken back */
	enum netns_state state;
	struct error reason; /* code 0: none */
	char **waits_for;
	bool wanted;		/* up is wanted: AutoStart=, up, add; false after down, del */
	int fd;			/* pins the namespace; -1: does not exist (or is the host) */
	int nsid;		/* as seen from the host; -1: none */
	uint64_t cookie;	/* SO_NETNS_COOKIE; 0: unknown */
	uint64_t device, inode; /* of the nsfs file */
	unsigned classes;	/* of objects that may be in it: enum actual_what, SURVEY_RESOLV */
	bool classes_known;	/* false: nobody has looked yet */
	uint64_t since;		/* CLOCK_REALTIME usec of the last change of state */
	bool config_failed;	/* its file is bad, the last good configuration runs */
	bool recheck;		/* to be compared with its file again, soon */
	bool clean;		/* was found as declared, and nothing has happened to it since */
	bool unnamed;		/* its name was found missing: told once */
	unsigned marks;		/* how often something happened to it */
	uint32_t drifter;	/* netlink port, mostly the pid, of who changed it last; 0: unknown */
	unsigned failures;	/* in a row */
	enum netns_state told;	/* the state that was logged last */
	struct error told_failure;
	struct desired *before;	  /* a reference: what ran before a change that failed; NULL: none */
	struct fight *fight;	  /* NULL: nothing was ever put back */
	ev_timer later;		  /* another try after a failure, or the end of a hold */
	struct watch_link *links; /* hash by ifindex */
	uint64_t saved;		  /* hash of the text in /run/netnsd/last-good; 0: none */
	struct operation *busy;	  /* whose worker jobs hold it; NULL: free */
	UT_hash_handle hh;	  /* manager->units, by name */
	UT_hash_handle by_nsid;	  /* manager->p->by_nsid; while nsid >= 0 */
};

/* The state as a line for people: "configured", "failed: why". At most `size` bytes with its NUL. */
#define UNIT_STATE_TEXT_SIZE 512
static inline void unit_state_text(const struct unit *u, char *buffer, size_t size)
{
	(void)str_format(buffer, size, "%s%s%s", netns_state_to_string(u->state), u->reason.code ? ": " : "",
			 u->reason.code ? u->reason.text : "");
}

/* --- operations: everything that takes time ------------------------------------------------- */
enum operation_type {
	OPERATION_PLAN,	 /* read the files, print what apply would do */
	OPERATION_APPLY, /* read the files and do it; also what reload does */
	OPERATION_ADD,	 /* settings become /run/netnsd/transient/NAME.netns, then up */
	OPERATION_DELETE,
	OPERATION_UP,
	OPERATION_DOWN,	   /* name NULL: all */
	OPERATION_WAIT,	   /* until the named (or all wanted) have left pending and configuring */
	OPERATION_DESCRIBE /* dump the namespace: result->actual */
};

enum operation_failure {
	FAILURE_NONE,
	FAILURE_BAD_CONFIGURATION, /* diags say what; nothing was changed */
	FAILURE_NO_SUCH_NAMESPACE,
	FAILURE_EXISTS,	   /* add: declared or present already */
	FAILURE_NOT_OURS,  /* the name is somebody else's */
	FAILURE_BAD_STATE, /* e.g. the daemon is stopping; error text says */
	FAILURE_APPLY	   /* failures[] say which namespaces */
};

struct operation_request {
	enum operation_type type;
	bool atomic;		     /* APPLY: all or nothing */
	bool restart;		     /* APPLY: containers whose settings changed are started anew */
	uint64_t confirm;	     /* APPLY: usec after which it is taken back unless confirmed; 0: never */
	const char *name;	     /* ADD, DELETE, UP, DOWN, DESCRIBE */
	const char *const *names;    /* WAIT; NULL: all */
	const char *const *settings; /* ADD: "Section.KEY=VALUE" ("Veth eth0.Address=..."; Section alone:
					Namespace), NULL-terminated; may be NULL */
	bool quick; /* DESCRIBE: without counters and without a search for processes inside */
};

struct operation_line {
	enum operation_sign sign;
	char *netns, *text, *reason;
};
struct operation_failed {
	char *netns, *action; /* action NULL: none (e.g. could not be opened) */
	struct error error;
};
struct operation_result {
	enum operation_failure failure;
	struct error error;
	struct diags diags;	      /* warnings too */
	bool waiting;		      /* APPLY: what was done waits to be confirmed */
	struct operation_line *lines; /* what was (PLAN: would be) done */
	size_t n_lines;
	struct operation_failed *failed;
	size_t n_failed;
	struct actual *actual; /* DESCRIBE; NULL: does not exist */
	struct actual **take; /* where it is kept: done() may take it, and leaves NULL; NULL: there is none */
	pid_t *holders;	      /* DELETE, DOWN, DESCRIBE: processes inside; at most 64 */
	size_t n_holders;
	char *name; /* DESCRIBE: of the unit (look it up anew: it may have gone) */
};

/* done() is called exactly once, possibly before manager_start_operation() returns; the result is
 * borrowed. progress() may be NULL. */
typedef void operation_done_fn(const struct operation_result *result, void *data);
typedef void operation_progress_fn(size_t done, size_t total, void *data);
struct operation;
int manager_start_operation(struct manager *m, const struct operation_request *request,
			    operation_done_fn *done, operation_progress_fn *progress, void *data,
			    struct operation **ret);
/* The asker has gone: its callbacks are no longer called; the work goes on. NULL is fine. */
void operation_forget(struct operation *op);

/* The apply that waits stays. -ENOENT: none waits; -EBUSY: it is being taken back. */
int manager_confirm(struct manager *m, struct error *err);

/* --- the manager --------------------------------------------------------------------------- */
struct manager {
	struct ev_loop *loop;
	enum manager_state state;
	bool failed;	 /* stopped because it could not go on: exit code 1 */
	bool reexec;	 /* the loop has stopped so that another program takes over, see reexec.h */
	bool taken_over; /* from a program that was executed before this one, in the same process */
	bool looking;	 /* at what exists and runs: who asks now would be told that nothing does */
	void (*looked)(void *data); /* called when that is over; NULL: nobody waits */
	void *looked_data;
	char *program; /* the path of the daemon's program */
	struct daemon_settings settings;
	struct registry registry;
	struct desired *desired;      /* what is to be, as last read and verified */
	struct checkpoint checkpoint; /* of an apply that may be, or was, taken back */
	struct diags start_diags;     /* what was wrong with files at the start */
	struct unit *units;	      /* uthash by name; the host's is in it */
	struct container *containers; /* uthash by name */
	struct worker_pool *workers;
	struct operation *operations;
	struct notice_board notices; /* for those who follow what happens */
	struct manager_private *p;   /* manager.c's own */
};

int manager_new(struct ev_loop *loop, struct manager **ret);
/* Lock, checks, plugins, files, scan of what exists, first reconcile. -errno with err. */
int manager_start(struct manager *m, struct error *err);
void manager_stop(struct manager *m); /* leaves namespaces as they are; breaks the loop when idle */
void manager_free(struct manager *m);
/* Lets what is under way come to its end, then stops the loop with m->reexec. Refused at once: -EBUSY,
 * -EALREADY, -ENOENT and the like; later: refused() is called. */
int manager_reexec(struct manager *m, void (*refused)(const struct error *err, void *data), void *data,
		   struct error *err);
struct handover;
int manager_hand_over(struct manager *m, struct handover *h);
struct unit *manager_find_unit(struct manager *m, const char *name);

#endif
