/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that outlive the daemon, by name: those that systemd keeps meanwhile (its file descriptor
 * store), or gives to begin with (socket activation), and those that a program hands to the one that takes
 * its place by execve(), with some bytes each. Layer 1. Loop thread only. */
#ifndef NETNSD_FDSTORE_H
#define NETNSD_FDSTORE_H

#include "error.h"

#include <stddef.h>

#define FDSTORE_NAME_MAX 255		     /* of systemd */
#define FDSTORE_SIZE_MAX (256 * 1024 * 1024) /* of all that is handed over in one execve() */

/* Takes what was handed over ($LISTEN_FDS, $NETNSD_HANDOVER, which go from the environment). Once, before
 * anything else opens descriptors. 0 or -errno; then nothing was. */
int fdstore_begin(void);
int fdstore_take(const char *name); /* the caller's from now on; -1: there is none */
int fdstore_take_listener(void);    /* the first UNIX stream socket that listens, whatever its name; -1 */
/* The next entry whose name begins like this: 0, or -ENOENT. fd -1: bytes alone. The bytes are owned, and
 * have a NUL behind them. */
int fdstore_take_next(const char *prefix, int *ret_fd, char **ret_data, size_t *ret_length);
void fdstore_end(void); /* what nobody took is closed, and systemd forgets it */

/* Asks systemd to keep a duplicate, also when it hangs up (FDPOLL=0: a pidfd of a process that ended still
 * tells how). Nothing where nobody listens, or FileDescriptorStoreMax= is 0. A name once at a time. */
void fdstore_keep(const char *name, int fd);
void fdstore_drop(const char *name);

/* --- a program that takes our place -------------------------------------------------------------- */
struct handover;
int handover_new(struct handover **ret);
/* Borrows fd (-1: bytes alone), copies the bytes. -ENOMEM, -E2BIG. */
int handover_add(struct handover *h, const char *name, int fd, const void *data, size_t length);
/* Executes it, with SIGTERM, SIGINT, SIGHUP blocked until it has its own handlers. Returns only on failure:
 * then everything is as it was. */
int handover_exec(struct handover *h, const char *program, char **argv, struct error *err);
void handover_free(struct handover *h); /* NULL is fine */

#endif
