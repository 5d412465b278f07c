/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the transactions of many namespaces on the workers, in order of dependency. Layer 3.
 *
 * A stage of one transaction waits for:
 *   LINKS      CREATE of every namespace it places a peer end in; LINKS of the host when its links
 *              stand on the host's
 *   CONFIGURE  LINKS of every namespace where its peer ends may have their master
 *   ROUTES     CONFIGURE of every transaction that places a peer end here
 * so that namespaces may refer to each other in circles: no stage waits for a later one.
 *
 * An atomic batch goes through four phases, and starts nothing more after a failure:
 *   - everything but what destroys;
 *   - REMOVE of what stays;
 *   - what nobody declares loses its name (which comes back for the same namespace);
 *   - and then what is in it. */
#ifndef NETNSD_APPLY_H
#define NETNSD_APPLY_H

#include "transaction.h"
#include "watch.h"

#include <uthash.h>

struct batch;

struct batch_entry {
	const char *name; /* borrowed from the plan */
	struct transaction *transaction;
	struct batch *batch;
	bool running, over;
	struct watch_flight flight; /* whoever runs the batch uses it */
	int shared_fd;		    /* the loop's own descriptor for those that place ends here; -1: none */
	bool waits_for_host;	    /* its links stand on the host's, or their peers live there */
	size_t *peers, n_peers;	    /* entries it places peer ends in */
	size_t *placers, n_placers; /* entries that place peer ends here */
	void *owner;
	UT_hash_handle hh;
};

struct batch {
	struct worker_pool *workers;
	struct batch_entry *entries;	    /* array */
	size_t n, n_over, n_running, first; /* first: none before it is left to start */
	struct batch_entry *by_name;
	bool atomic, failed;
	unsigned width; /* jobs under way at once */
	/* fd of a namespace that has no transaction in the batch, as a new descriptor, or -1 */
	int (*open_place)(const char *name, void *data);
	/* A worker gets it, or gives it back. NULL: nobody wants to know. */
	void (*entry_flies)(struct batch_entry *e, bool begins, void *data);
	void (*entry_over)(struct batch_entry *e, void *data);
	void (*over)(struct batch *b, void *data); /* may free the batch */
	void *data;
};

/* Takes the plans over (also on failure). `host_name`: how plans call the host. */
int batch_new(struct worker_pool *workers, unsigned width, struct plan **plans, size_t n,
	      const char *host_name, struct batch **ret);
void batch_run(struct batch *b);
void batch_free(struct batch *b);

#endif
