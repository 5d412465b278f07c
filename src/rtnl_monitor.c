/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event socket on the loop.
 *
 * A socket that overran drops every further event, without another ENOBUFS, until it has been read
 * empty; and ENOBUFS overtakes the older messages in the queue. So the one order that works is:
 * read to EAGAIN and throw away, then tell the owner to dump.
 */
#include "rtnl.h"

#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A limit, not a reservation; the kernel doubles it. 2000 namespaces made in one burst need 44 to
 * 91 MB of it. */
#define RECEIVE_BUFFER (64 * 1024 * 1024)
#define MESSAGE_SIZE   ((size_t)64 * 1024)
#define BUDGET	       512 /* datagrams a loop turn */
#define PAUSE_SECONDS  0.1
#define DRAIN_BUDGET   (1 << 20) /* more than the buffer can hold */

/* The namespace an event is from; no such control message: our own. */
static int nsid_of(struct msghdr *h)
{
	int nsid = RTNL_OWN_NAMESPACE;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID &&
		    c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
	return nsid;
}

static void deliver(struct rtnl_monitor *m, ssize_t length, int nsid)
{
	int rest = (int)length;

	for (struct nlmsghdr *h = (struct nlmsghdr *)m->buffer; nlmsg_ok(h, rest); h = nlmsg_next(h, &rest)) {
		if (h->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		m->setup.event(h, nsid, m->setup.data);
		if (m->fd < 0)
			return; /* stopped by the callback */
	}
}

static void resume(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct rtnl_monitor *m = w->data;

	(void)revents;
	ev_io_start(loop, &m->io);
}

/* Something in the queue that cannot be read, for want of memory perhaps, would keep the loop busy: it
 * is left alone for a while. */
static bool keeps_failing(struct rtnl_monitor *m)
{
	if (++m->errors < EINTR_TRIES)
		return false;
	m->errors = 0;
	ev_io_stop(m->loop, &m->io);
	ev_timer_set(&m->pause, PAUSE_SECONDS, 0.);
	ev_timer_start(m->loop, &m->pause);
	return true;
}

/* Reads one datagram. False when the queue is empty. */
static bool monitor_step(struct rtnl_monitor *m)
{
	struct sockaddr_nl from = {0};
	struct iovec iov = {.iov_base = m->buffer, .iov_len = MESSAGE_SIZE};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr h = {.msg_name = &from,
			   .msg_namelen = sizeof(from),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(m->fd, &h, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0) {
		if (errno != EINTR)
			m->lost = true; /* ENOBUFS; any other error loses events just so */
		return !keeps_failing(m);
	}
	m->errors = 0;
	if (from.nl_pid != 0)
		return true; /* another process, not the kernel */
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		m->lost = true;
	if (!m->lost)
		deliver(m, n, nsid_of(&h));
	return true;
}

static void read_events(struct rtnl_monitor *m, int budget)
{
	for (int i = 0; i < budget && m->fd >= 0; i++) {
		if (monitor_step(m))
			continue;
		if (m->lost) {
			m->lost = false;
			m->setup.overrun(m->setup.data);
		}
		return;
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	read_events(w->data, BUDGET);
}

void rtnl_monitor_drain(struct rtnl_monitor *m)
{
	read_events(m, DRAIN_BUDGET);
}

static int set_receive_buffer(int fd, size_t wanted)
{
	const int size = wanted && wanted <= INT_MAX / 2 ? (int)wanted : RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0)
		return 0;
	/* Without CAP_NET_ADMIN the kernel cuts the wish to rmem_max. */
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0 ? -errno : 0;
}

static int join_groups(int fd, uint32_t groups)
{
	for (int group = 1; group <= 32; group++)
		if (groups & (UINT32_C(1) << (group - 1)) &&
		    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	return 0;
}

static int hear_all_namespaces(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) < 0 ? -errno : 0;
}

int rtnl_monitor_start(struct rtnl_monitor *m, struct ev_loop *loop, const struct rtnl_monitor_setup *setup)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	int fd, e;

	*m = (struct rtnl_monitor){.loop = loop, .fd = -1, .setup = *setup};
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	e = set_receive_buffer(fd, setup->receive_buffer);
	if (e == 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		e = -errno;
	if (e == 0 && setup->all_namespaces)
		e = hear_all_namespaces(fd);
	if (e == 0)
		e = join_groups(fd, setup->groups);
	if (e == 0) {
		m->buffer = malloc(MESSAGE_SIZE);
		e = m->buffer ? 0 : -ENOMEM;
	}
	if (e < 0) {
		(void)close(fd);
		return e;
	}
	m->fd = fd;
	ev_io_init(&m->io, on_readable, fd, EV_READ);
	m->io.data = m;
	ev_io_start(loop, &m->io);
	ev_init(&m->pause, resume);
	m->pause.data = m;
	return 0;
}

void rtnl_monitor_stop(struct rtnl_monitor *m)
{
	if (m->fd < 0 || !m->loop)
		return; /* never started, or stopped before */
	ev_io_stop(m->loop, &m->io);
	ev_timer_stop(m->loop, &m->pause);
	(void)close(m->fd);
	m->fd = -1;
	free(m->buffer);
	m->buffer = NULL;
}
