/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between health.c and the two ways to ask. Layer 3. */
#ifndef NETNSD_HEALTH_INTERNAL_H
#define NETNSD_HEALTH_INTERNAL_H

#include "health.h"

#include <sys/socket.h>

#define HEALTH_TEXT_MAX 160

/* Told exactly once, never from the call that began it; the last thing that is done: may free anything. */
typedef void health_told_fn(enum health_outcome outcome, const char *text, void *data);

/* health_tcp.c. *ret is NULL again when it has told. */
struct health_tcp;
struct health_tcp_spec {
	const char *text; /* the address as it was written; borrowed until it has told */
	struct sockaddr_storage address;
	int netns_fd; /* duplicated */
	uint64_t timeout;
};
int health_tcp_start(struct ev_loop *loop, struct worker_pool *workers, const struct health_tcp_spec *spec,
		     health_told_fn *told, void *data, struct health_tcp **ret);
void health_tcp_free(struct health_tcp *t); /* it does not tell any more; NULL is fine */

/* health_command.c. *ret is NULL again when the process has ended, which may be later than it has told:
 * nothing ends at once only because it has been killed. */
struct health_command;
int health_command_start(struct ev_loop *loop, const struct health_spec *spec, uint64_t timeout,
			 health_told_fn *told, void *data, struct health_command **ret, struct error *err);
void health_command_free(struct health_command *c); /* ends it, without waiting for that; NULL is fine */

#endif
