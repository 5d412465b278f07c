/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One turn of the main wheel, for any set of namespaces: look (survey), compare (reconcile), do
 * (batch), look again until nothing is left to do. Layer 3. */
#ifndef NETNSD_ROUND_H
#define NETNSD_ROUND_H

#include "apply.h"
#include "manager.h"
#include "survey.h"
#include "watch.h"

struct round;

struct round_item {
	char *name;
	struct round *round;
	struct unit *unit;	   /* NULL: none yet (a plan of a new namespace) */
	const struct netns *netns; /* in round->desired; NULL: nobody declares it */
	bool act;		   /* false: only looked at, because others refer to it */
	bool wanted;		   /* false with act: is to be removed */
	bool look;		   /* survey it in the next turn */
	bool looked;		   /* surveyed in this turn */
	bool changed;		   /* a transaction of this round changed it */
	bool drifted;		   /* was configured, and is no longer as declared */
	bool told_only;		   /* and is left so: `error` says what and why */
	unsigned marks;		   /* of the unit, when the last look began */
	bool is_as_declared;	   /* the last look found nothing to do */
	bool failed;
	bool destroyed; /* failed after something went that only `before` can bring back */
	struct error error;
	char **waits_for;
	struct survey survey;
	UT_hash_handle hh;
};

struct round {
	struct manager *manager;
	struct desired *desired;  /* a reference: what is to be */
	struct desired *before;	  /* a reference, or NULL: what ran until now */
	struct round_item *items; /* uthash by name */
	unsigned surveys;	  /* under way */
	unsigned n_removals;	  /* namespaces to be removed */
	unsigned turn;
	bool plan_only;
	bool recovery; /* back to what ran before a failure, which stays one */
	bool unasked;  /* nobody asked: what differs has drifted */
	bool atomic;   /* after a failure nothing more is done, and nothing is settled */
	bool exact;    /* back to what ran: also what only `before` tells is taken back */
	bool started;  /* something may have been changed */
	/* Called once, before the first change. 0: goes on; 1: round_resume() will be called; < 0: nothing is
	 * done, for this reason. NULL: none. */
	int (*prepare)(struct round *r, struct error *err);
	struct plan **plans; /* of this turn, while reconciling */
	size_t n_plans;
	struct batch *batch;
	size_t done, total;		 /* transactions of this turn */
	struct operation_result *result; /* lines and failures go here */
	operation_progress_fn *progress;
	void (*over)(struct round *r, void *data); /* may free the round */
	void *data;
};

int round_new(struct manager *m, struct desired *desired, struct desired *before,
	      struct operation_result *result, struct round **ret);
/* Adds a namespace to act on; again: no effect but act and wanted. */
int round_add(struct round *r, const char *name, bool act, bool wanted);
/* Adds everything the acting ones refer to, then starts. over() is called in any case, later. */
int round_start(struct round *r);
void round_resume(struct round *r, const struct error *err); /* code 0: the first change may come */
void round_free(struct round *r);

/* Between the files of it */
struct round_item *round_find(const struct round *r, const char *name);
void round_find_units(struct round *r); /* those not acted on may come and go meanwhile */
void round_look(struct round *r);	/* ends in round_reconcile() */
void round_reconcile(struct round *r);
/* round_compare.c: adds the plan of one that was looked at, or its failure */
void round_plan_item(struct round_item *i);
/* round_apply.c: does what is planned; then another look, or round_finish() */
int round_apply(struct round *r);
void round_unname(struct round *r); /* those that were to go, and have */
void round_finish(struct round *r);
/* round_result.c: action, NULL: none, is what failed */
void round_add_failed(struct round_item *i, const char *action, const struct error *err);
/* round_settle.c: what the unit is, now that the round is over */
void round_settle(struct round_item *i);
/* A warning for whoever asked: what is not there yet is done when it comes. */
void round_tell_waiting(const struct round_item *i);
/* Classes of objects (enum actual_what, SURVEY_RESOLV) that the files ask for. */
unsigned round_declared_classes(const struct netns *n);

void result_clear(struct operation_result *result);
void result_drop_lines(struct operation_result *result);
void result_add_line(struct operation_result *result, const struct action *a);

#endif
