/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HealthCmd=, HealthTcp=: asks a running container at intervals whether it is well. Layer 3. Loop thread
 * only. */
#ifndef NETNSD_HEALTH_H
#define NETNSD_HEALTH_H

#include "process.h"
#include "worker.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum health_state { HEALTH_NONE, HEALTH_UNKNOWN, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
const char *health_state_to_string(enum health_state h); /* "", "unknown", "healthy", "unhealthy" */

struct health_spec {
	char *const *command; /* HealthCmd= in words, run inside as root; NULL: none */
	const char *tcp; /* HealthTcp=, "[ADDRESS:]PORT": connected to from inside the namespace; NULL: none.
			    Default address: 127.0.0.1 */
	uint64_t interval; /* usec from the end of one to the next, and from health_new() to the first */
	uint64_t timeout;  /* usec; one that takes longer has failed. 0: the interval, but at least 1 s and at
			      most 30 s. With both, the command comes after the connection, each with its own
			      time */
	unsigned retries;  /* so many failures in a row make it unhealthy; from 1 */
	pid_t leader;	   /* the container's init, and a pidfd of it (duplicated) */
	int leader_pidfd;
	int netns_fd; /* duplicated; for HealthTcp= alone */
};
/* Called at each change of state (it begins as HEALTH_UNKNOWN), and with HEALTH_UNHEALTHY only once until it
 * was well again; text: why ("exited, status=1", "127.0.0.1:80: Connection refused"), or "". With
 * HEALTH_UNKNOWN the daemon could not ask, `retries` times in a row; that is never held against the
 * container. May free the health. Never called from health_new(). */
typedef void health_changed_fn(enum health_state state, const char *text, void *data);

struct health;
int health_new(struct ev_loop *loop, struct worker_pool *workers, const struct health_spec *spec,
	       health_changed_fn *changed, void *data, struct health **ret);
void health_free(struct health *h); /* ends what is under way; NULL is fine */

/* One answer more, to a state. Pure. */
enum health_outcome { HEALTH_WELL, HEALTH_ILL, HEALTH_UNASKED };
struct health_count {
	enum health_state state;
	unsigned ill, unasked; /* in a row, up to retries */
};
bool health_take(struct health_count *c, unsigned retries, enum health_outcome outcome); /* another state */

/* "[ADDRESS:]PORT", "[ADDRESS6]:PORT" to a socket address; default address 127.0.0.1. -EINVAL. Pure. */
struct sockaddr_storage;
int health_parse_tcp(const char *text, struct sockaddr_storage *ret);

#endif
