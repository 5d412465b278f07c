/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket that a container's nspawn tells its state to (sd_notify(3)): ours, one for each container,
 * always read to the end, since nspawn blocks in sendmsg(), deaf to SIGTERM, when it is full (nspawn 252).
 * Everything that comes is hostile until it is parsed. Layer 1. Loop thread only. */
#ifndef NETNSD_NOTIFY_H
#define NETNSD_NOTIFY_H

#include "error.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTIFY_DIRECTORY   "/run/netnsd/notify" /* 0700; the socket is NOTIFY_DIRECTORY "/NAME" */
#define NOTIFY_MESSAGE_MAX 65536		/* a longer one is cut, and refused */

struct notify_message {
	bool ready, stopping, watchdog; /* READY=1, STOPPING=1, WATCHDOG=1 */
	pid_t leader;			/* X_NSPAWN_LEADER_PID=; 0: not told */
	int error;			/* ERRNO=; 0: none */
	bool has_status;
	char status[256]; /* STATUS=, cut at a character, control characters replaced, valid UTF-8 */
};
/* Unknown assignments are ignored, bad values too. -EMSGSIZE: too long; -EBADMSG: has NUL bytes. Pure. */
int notify_parse(const char *data, size_t length, struct notify_message *ret);

struct notify_socket;
typedef void notify_received_fn(const struct notify_message *message, void *data);
/* Binds `path` (removing what is there), mode 0600, SO_PASSCRED, a large receive buffer. */
int notify_socket_new(struct ev_loop *loop, const char *path, notify_received_fn *received, void *data,
		      struct notify_socket **ret, struct error *err);
/* One that an earlier daemon bound to `path`, with what is queued in it. Takes fd, also on failure. */
int notify_socket_adopt(struct ev_loop *loop, int fd, const char *path, notify_received_fn *received,
			void *data, struct notify_socket **ret, struct error *err);
int notify_socket_fd(const struct notify_socket *s);
/* Messages count only from this process (SCM_CREDENTIALS); 0: from nobody. Those of others are dropped, and
 * told at most once each 10 s at level debug. */
void notify_socket_expect(struct notify_socket *s, pid_t sender);
/* Reads what is queued now, before the end of the sender is acted on. */
void notify_socket_drain(struct notify_socket *s);
void notify_socket_free(struct notify_socket *s); /* unlinks the path; NULL is fine */
void notify_socket_leave(
	struct notify_socket *s); /* frees, and leaves the path to the next daemon; NULL is fine */

#endif
