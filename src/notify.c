/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notify socket of one container. */
#include "notify.h"

#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "nested.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BUDGET	       64		  /* messages a turn of the loop; what is left makes it turn again */
#define DRAIN_MAX      4096		  /* messages of one drain: more than the kernel queues */
#define RECEIVE_BUFFER (1024 * 1024)	  /* so that nspawn does not wait for us */
#define STRANGER_USEC  (10 * 1000 * 1000) /* between two remarks about others' messages */

struct notify_socket {
	struct ev_loop *loop;
	int fd;
	ev_io readable; /* the epoll around it, see nested.h */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	pid_t sender;
	uint64_t stranger_at; /* of the last remark; 0: none */
	bool reading, gone;   /* it is freed after the read under way, when whom it tells frees it */
	notify_received_fn *received;
	void *data;
};

static void tell_stranger(struct notify_socket *s, pid_t pid)
{
	uint64_t now = clock_boottime();

	if (s->stranger_at && now - s->stranger_at < STRANGER_USEC)
		return;
	s->stranger_at = now;
	log_debug("%s: a message of process %d, which is not nspawn's, was dropped", s->path, (int)pid);
}

static pid_t sender_of(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct ucred credentials;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
		    c->cmsg_len < CMSG_LEN(sizeof(credentials)))
			continue;
		memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
		return credentials.pid;
	}
	return 0;
}

/* Descriptors that come along are closed by the kernel: there is no room for them. */
static ssize_t receive(struct notify_socket *s, char *buffer, size_t size, pid_t *ret_sender)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control = {.space = {0}};
	struct iovec v = {.iov_base = buffer, .iov_len = size};
	struct msghdr header = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(s->fd, &header, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	*ret_sender = sender_of(&header);
	return n;
}

/* 0: nothing more to read. */
static int read_one(struct notify_socket *s, char *buffer)
{
	struct notify_message message;
	pid_t sender = 0;
	ssize_t n = receive(s, buffer, NOTIFY_MESSAGE_MAX, &sender);
	int r;

	if (n == -EINTR)
		return 1;
	if (n < 0)
		return 0;
	if (sender == 0 || sender != s->sender) {
		tell_stranger(s, sender);
		return 1;
	}
	r = notify_parse(buffer, (size_t)n, &message);
	if (r < 0)
		log_debug("%s: a message of %zd bytes was dropped: %s", s->path, n, strerror(-r));
	else
		s->received(&message, s->data);
	return 1;
}

static void read_some(struct notify_socket *s, unsigned most)
{
	static char buffer[NOTIFY_MESSAGE_MAX]; /* the loop's thread only; not used by whom it tells */

	s->reading = true;
	for (unsigned i = 0; i < most && !s->gone; i++)
		if (!read_one(s, buffer))
			break;
	s->reading = false;
	if (s->gone)
		free(s);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	read_some(w->data, BUDGET);
}

static int open_socket(const char *path, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int one = 1, size = RECEIVE_BUFFER;

	if (fd < 0)
		return error_set(err, -errno, "cannot make a notify socket: %m");
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, -ENAMETOOLONG, "cannot make %s: the path is too long for a socket",
				 path);
	strcpy(address.sun_path, path);
	/* Who sends is known from the first message on; the mode is there from the first moment on. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0 || fchmod(fd, 0600) < 0)
		return error_set(err, -errno, "cannot prepare %s: %m", path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, -errno, "cannot remove the old %s: %m", path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, -errno, "cannot make %s: %m", path);
	return steal_fd(fd);
}

int notify_socket_adopt(struct ev_loop *loop, int fd, const char *path, notify_received_fn *received,
			void *data, struct notify_socket **ret, struct error *err)
{
	struct notify_socket *s = calloc(1, sizeof(*s));
	int nested = s ? nested_epoll(fd) : -ENOMEM;

	if (nested < 0) {
		(void)close(fd);
		free(s);
		return error_set(err, nested, "cannot watch %s: %s", path, strerror(-nested));
	}
	s->loop = loop;
	s->fd = fd;
	s->received = received;
	s->data = data;
	(void)snprintf(s->path, sizeof(s->path), "%s", path); /* it was bound to it, so it fits */
	ev_io_init(&s->readable, on_readable, nested, EV_READ);
	s->readable.data = s;
	ev_io_start(loop, &s->readable);
	*ret = s;
	return 0;
}

int notify_socket_new(struct ev_loop *loop, const char *path, notify_received_fn *received, void *data,
		      struct notify_socket **ret, struct error *err)
{
	int fd = open_socket(path, err);

	return fd < 0 ? fd : notify_socket_adopt(loop, fd, path, received, data, ret, err);
}

int notify_socket_fd(const struct notify_socket *s)
{
	return s->fd;
}

void notify_socket_expect(struct notify_socket *s, pid_t sender)
{
	s->sender = sender;
}

void notify_socket_drain(struct notify_socket *s)
{
	read_some(s, DRAIN_MAX);
}

void notify_socket_leave(struct notify_socket *s)
{
	if (!s)
		return;
	ev_io_stop(s->loop, &s->readable);
	(void)close(s->readable.fd);
	(void)close(s->fd);
	s->gone = true;
	if (!s->reading)
		free(s);
}

void notify_socket_free(struct notify_socket *s)
{
	if (s)
		(void)unlink(s->path);
	notify_socket_leave(s);
}
