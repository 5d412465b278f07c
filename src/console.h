/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a container's console goes without a journal: a file that is bounded while nspawn holds it open, for
 * which it can only be shortened in place. Never a pipe or pty: nspawn would die, or hang, with its reader.
 * Layer 1. Loop thread only. */
#ifndef NETNSD_CONSOLE_H
#define NETNSD_CONSOLE_H

#include "error.h"

#include <ev.h>
#include <stddef.h>

#define CONSOLE_DIRECTORY "/var/log/netnsd" /* 0755; the file is CONSOLE_DIRECTORY "/NAME.log", 0640 */
#define CONSOLE_MAX	  (4 * 1024 * 1024) /* bytes; a flood may pass it for a second, then the oldest go */
#define CONSOLE_KEEP	  (1024 * 1024)	    /* what is left when it was passed: the newest */

int console_path(const char *name, char *buffer, size_t size);
/* Makes the directory and the file; nothing is followed that is a link. O_APPEND, CLOEXEC. */
int console_open(const char *name, int *ret_fd, struct error *err);

/* Keeps the file within its bound: by inotify, no wakeup while nothing is written; under a flood at most one
 * look a second, which never holds up the loop for longer than it takes to move CONSOLE_KEEP bytes. */
struct console_guard;
int console_guard_new(struct ev_loop *loop, const char *path, struct console_guard **ret);
void console_guard_free(struct console_guard *g); /* NULL is fine */

#endif
