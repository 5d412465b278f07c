/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For a forked child that is to find no inotify, as on a machine where others have taken all of it: a user
 * namespace of its own, which allows none. */
#ifndef NETNSD_TEST_DENY_INOTIFY_H
#define NETNSD_TEST_DENY_INOTIFY_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <unistd.h>

/* What the parent says when deny_inotify() said no. The kernel makes a user namespace only for a process
 * with one thread, and a child under the thread sanitizer may have that one's own besides. */
#define NO_DENIAL "skipped: no user namespace for this child, or none that limits inotify"

static inline bool deny_inotify(void)
{
	int fd = unshare(CLONE_NEWUSER) < 0
			 ? -1
			 : open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	return write(fd, "0", 1) == 1 && close(fd) == 0 && inotify_init1(IN_CLOEXEC) < 0;
}

#endif
