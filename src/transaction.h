/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Executes one plan on a worker, stage by stage, and undoes it when an action fails. Layer 3; an
 * effect, through rtnl.c and netns.c. */
#ifndef NETNSD_TRANSACTION_H
#define NETNSD_TRANSACTION_H

#include "error.h"
#include "plan.h"
#include "rtnl.h"
#include "worker.h"

/* What each worker thread owns: a socket in the daemon's namespace, and the way back to it. */
struct worker_thread {
	struct rtnl *host;
	int home_fd;
	bool prepared; /* /run/netns is as it should be */
	bool lost;     /* it could not get home: nobody knows where it is */
};
int worker_thread_start(void *data, void **ret);
void worker_thread_stop(void *thread);
/* Back into the daemon's namespace. Where that fails (setns() needs a little memory) the thread is lost,
 * and whatever depends on where it is has to enter a namespace first. */
int worker_thread_home(struct worker_thread *t);

/* A namespace that actions of this plan touch. */
struct place {
	const char *name;
	bool host;
	int fd;		   /* of the transaction; -1: not there (for place 0: not yet); or -errno */
	struct rtnl *rtnl; /* open during a job only */
	struct place_index {
		char name[IFNAMSIZ];
		int ifindex;
	} * known; /* ifindexes found so far */
	size_t n_known;
};

struct transaction {
	struct job job; /* first: the queue's view */
	struct plan *plan;
	struct place *places; /* [0] own; the host is always among them */
	size_t n_places;
	enum plan_stage stage; /* first one not yet run */
	enum plan_stage until; /* this job runs stages before this one */
	size_t next;	       /* actions executed so far */
	int nsid;	       /* in: the number to mark a new namespace with */
	bool created;	       /* out: places[0].fd is a new namespace; take it (and leave -1) to keep it */
	uint64_t cookie, device, inode; /* out, when created */
	char **waits_for;		/* out: links that have to come up before the rest can be done */
	bool destroyed;			/* something that undo cannot put back was removed */
	struct error error;		/* code 0: no failure */
	const struct action *failed;
	void *owner; /* apply.c's */
	void (*finished)(struct transaction *t);
};

int transaction_new(struct plan *plan, struct transaction **ret); /* takes the plan over */
void transaction_free(struct transaction *t);
/* Index of the place, added when it is new; -ENOMEM. */
int transaction_place(struct transaction *t, const char *name, bool host);

/* job->run: runs the stages from `stage` to before `until`, then sets `stage`. On failure undoes
 * everything this transaction did and sets `error`. */
void transaction_run(struct job *job, void *thread);

/* What transaction.c and its parts share. */
struct execution {
	struct transaction *t;
	struct worker_thread *thread;
	int current; /* place the thread is in; or one of these */
#define PLACE_HOME -1
#define PLACE_LOST -2
	struct error *err;
};
int place_missing(const struct place *p, struct error *err); /* why it has no descriptor */
int execution_enter(struct execution *x, int place);
int execution_rtnl(struct execution *x, int place, struct rtnl **ret);
int execution_talk(struct execution *x, int place, struct nl_msg *msg); /* frees msg */
int execution_ifindex(struct execution *x, int place, const char *name, int *ret);
void execution_forget(struct execution *x, int place, const char *name);
int execution_place(struct execution *x, const char *name);

/* Deleting what is gone already is success: somebody, or the kernel, was faster. */
int execution_gone_is_fine(struct execution *x, int r);
int execute_sysctl(struct execution *x, int place, const char *path, const char *value);
int execute_address(struct execution *x, int place, const struct action *a);

int execute_action(struct execution *x, const struct action *a);
int execute_link(struct execution *x, const struct action *a);
int execute_route(struct execution *x, const struct action *a);
/* The opposite of one action, as far as there is one. */
int undo_action(struct execution *x, const struct action *a);

#endif
