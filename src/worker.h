/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few threads that run jobs which may block. Knows nothing of the jobs. Layer 1.
 * The loop and the workers share two queues and nothing else; a job's memory belongs to the side
 * that has it. */
#ifndef NETNSD_WORKER_H
#define NETNSD_WORKER_H

#include <ev.h>
#include <stdbool.h>

struct job {
	struct job *next; /* queue's own */
	void (*run)(struct job *job, void *thread_data);
	void (*done)(struct job *job); /* on the loop, in order of completion */
};

struct worker_pool;

struct worker_setup {
	unsigned threads; /* 1..16 */
	/* Called on each thread at its start and end; what start returns is run()'s thread_data.
	 * start failing (-errno) makes worker_pool_new() fail. Both may be NULL. */
	int (*start)(void *data, void **ret_thread_data);
	void (*stop)(void *thread_data);
	void *data;
};

int worker_pool_new(struct ev_loop *loop, const struct worker_setup *setup, struct worker_pool **ret);
/* Takes the job over until done() is called. Loop thread only. */
void worker_pool_submit(struct worker_pool *p, struct job *job);
/* As worker_pool_submit(), past what waits: every other job may be one of these, so that nothing starves. */
void worker_pool_submit_urgent(struct worker_pool *p, struct job *job);
unsigned worker_pool_pending(const struct worker_pool *p); /* submitted, done() not yet called */
/* Blocks until every submitted job has run and its done() was called. */
void worker_pool_drain(struct worker_pool *p);
void worker_pool_free(struct worker_pool *p); /* drains; NULL is fine */

#endif
