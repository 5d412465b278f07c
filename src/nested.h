/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An epoll with one descriptor in it, for libev to watch in place of that. What others have a copy of, as
 * systemd's store has, stays in an epoll when it is closed here, and the kernel goes on telling of its
 * number, which may be a worker's by then; libev (4.33) takes it out only when that has happened, or makes
 * its whole epoll anew. With the one in between, all of it goes. Layer 0. */
#ifndef NETNSD_NESTED_H
#define NETNSD_NESTED_H

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Readable when fd is; CLOEXEC; -errno. */
static inline int nested_epoll(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int outer = epoll_create1(EPOLL_CLOEXEC), e;

	if (outer >= 0 && epoll_ctl(outer, EPOLL_CTL_ADD, fd, &event) == 0)
		return outer;
	e = errno;
	if (outer >= 0)
		(void)close(outer);
	return -e;
}

#endif
