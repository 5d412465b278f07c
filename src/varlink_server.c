/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listening side: binding, accepting, and the limits that keep one user, or one thousand silent
 * clients, from taking the daemon's descriptors away from its work. */
#include "cleanup.h"
#include "log.h"
#include "varlink_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

/* --- who is it ------------------------------------------------------------------------------- */

/* SO_PEERGROUPS leaves the primary group out: the caller has looked at that one. */
static int peer_has_group(int fd, gid_t group, bool *ret)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
		return 0; /* in no group at all */
	if (errno != ERANGE)
		return -errno;
	groups = malloc(size);
	if (groups == NULL)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return -errno;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == group)
			*ret = true;
	return 0;
}

int varlink_peer_read(int fd, gid_t operator_gid, struct varlink_peer *ret)
{
	struct varlink_peer peer = {0};
	socklen_t size;
	struct ucred cred;

	size = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	peer.pid = cred.pid;
	if (operator_gid != (gid_t)-1) {
		int r = 0;

		peer.in_operator_group = cred.gid == operator_gid;
		if (!peer.in_operator_group)
			r = peer_has_group(fd, operator_gid, &peer.in_operator_group);
		if (r < 0) /* without the list it is not in the group */
			log_debug("Cannot read the groups of process %d: %s", (int)peer.pid, strerror(-r));
	}
	*ret = peer;
	return 0;
}

/* --- accepting ------------------------------------------------------------------------------- */

/* Why a client who is not root is turned away, or NULL. */
static const char *limit_reached(const struct varlink_server *s, int fd, uid_t uid)
{
	const struct varlink_connection *c;
	unsigned all = 0, of_user = 0;
	struct rlimit limit;

	DL_FOREACH (s->connections, c) {
		all += c->peer.uid != 0;
		of_user += c->peer.uid == uid;
	}
	if (of_user >= s->options.connections_per_user)
		return "the user has too many connections";
	if (all >= s->options.connections_max)
		return "there are too many connections";
	/* The lowest free number is taken: a high one means that few are left. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd >= limit.rlim_cur - limit.rlim_cur / 8)
		return "few descriptors are left";
	return NULL;
}

static void server_admit(struct varlink_server *s, int fd)
{
	struct varlink_peer peer;
	const char *why = NULL;

	if (varlink_peer_read(fd, s->options.operator_gid, &peer) < 0) {
		(void)close(fd);
		return;
	}
	if (peer.uid != 0)
		why = limit_reached(s, fd, peer.uid);
	if (why != NULL) {
		log_debug("Process %d (uid %u) is turned away: %s", (int)peer.pid, (unsigned)peer.uid, why);
		(void)close(fd);
		return;
	}
	(void)varlink_connection_new(s, fd, &peer);
}

static int reserve_open(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

/* Without a descriptor the connection stays in the queue and the loop would spin: the reserve is
 * given up to accept and close it. Where even that fails, accepting rests for a moment. */
static void server_shed(struct varlink_server *s)
{
	int fd = -1;

	if (s->reserve >= 0) {
		(void)close(s->reserve);
		fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			(void)close(fd);
	}
	s->reserve = reserve_open();
	if (fd >= 0)
		return;
	ev_io_stop(s->loop, &s->listener);
	ev_timer_set(&s->pause, 0.5, 0.);
	ev_timer_start(s->loop, &s->pause);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct varlink_server *s = w->data;
	int fd;

	(void)loop;
	(void)revents;
	for (unsigned i = 0; i < VARLINK_TURN_ACCEPTS; i++) {
		fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			server_admit(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			server_shed(s);
		return;
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct varlink_server *s = w->data;

	(void)revents;
	if (s->reserve < 0)
		s->reserve = reserve_open();
	ev_io_start(loop, &s->listener);
}

/* --- binding --------------------------------------------------------------------------------- */

/* A child that was forked just before the process was killed holds the socket until its exec. */
static bool listener_is_dead(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 &&
	       kill(peer.pid, 0) < 0 && errno == ESRCH;
}

/* 0: something that is no living socket was removed (or went by itself); -EADDRINUSE: somebody answers. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "Cannot look at %s: %m", address->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "%s exists and is no socket; remove it", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, -errno, "Cannot create a socket: %m");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0) {
		if (!listener_is_dead(fd))
			return error_set(err, -EADDRINUSE, "Another process answers on %s",
					 address->sun_path);
	} else if (errno == EAGAIN) {
		return error_set(err, -EADDRINUSE, "Another process answers on %s", address->sun_path);
	} else if (errno != ECONNREFUSED && errno != ENOENT) {
		return error_set(err, -errno, "Cannot find out whether %s is in use: %m", address->sun_path);
	}
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return error_set(err, -errno, "Cannot remove the stale socket %s: %m", address->sun_path);
	return 0;
}

/* The inode is made with the socket's own mode minus the umask, so never wider than asked for; the
 * chmod() afterwards gives back what the umask took. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode, gid_t gid,
			  struct error *err)
{
	int r;

	if (fchmod(fd, mode) < 0)
		return error_set(err, -errno, "Cannot set the mode of a socket: %m");
	r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	if (r < 0 && errno == EADDRINUSE) {
		r = remove_stale(address, err);
		if (r < 0)
			return r;
		r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	}
	if (r < 0)
		return error_set(err, -errno, "Cannot bind the socket %s: %m", address->sun_path);
	/* The group first, for chown() may take bits of the mode; (gid_t)-1 leaves it. */
	if (chown(address->sun_path, (uid_t)-1, gid) < 0 || chmod(address->sun_path, mode) < 0) {
		r = error_set(err, -errno, "Cannot set group and mode of %s: %m", address->sun_path);
		(void)unlink(address->sun_path);
		return r;
	}
	return 0;
}

static int listen_on_path(struct varlink_server *s, const char *path, mode_t mode, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *copy = NULL;
	struct stat st;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, -ENAMETOOLONG, "The socket's path %s is longer than %zu bytes", path,
				 sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	copy = strdup(path);
	if (copy == NULL)
		return error_set(err, -ENOMEM, "No memory for a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, -errno, "Cannot create a socket: %m");
	r = bind_with_mode(fd, &address, mode, s->options.operator_gid, err);
	if (r < 0)
		return r;
	if (stat(path, &st) < 0 || listen(fd, SOMAXCONN) < 0) {
		r = error_set(err, -errno, "Cannot listen on %s: %m", address.sun_path);
		(void)unlink(path);
		return r;
	}
	s->path = steal_pointer(copy);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return steal_fd(fd);
}

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* A socket that somebody else has bound, such as systemd. */
static int listen_on_fd(int fd, struct error *err)
{
	int flags;

	if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
	    socket_option(fd, SO_ACCEPTCONN) != 1)
		return error_set(err, -EINVAL, "Descriptor %d is no listening UNIX stream socket", fd);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_set(err, -errno, "Cannot use descriptor %d: %m", fd);
	return fd;
}

int varlink_server_listen(struct varlink_server *s, const char *path, mode_t mode, int fd, struct error *err)
{
	if (s->listener.fd >= 0)
		return error_set(err, -EALREADY, "The server listens already");
	fd = fd >= 0 ? listen_on_fd(fd, err) : listen_on_path(s, path, mode, err);
	if (fd < 0)
		return fd;
	ev_io_set(&s->listener, fd, EV_READ);
	ev_io_start(s->loop, &s->listener);
	return 0;
}

/* --- birth and death ------------------------------------------------------------------------- */

int varlink_server_new(struct ev_loop *loop, const struct varlink_options *options,
		       struct varlink_server **ret)
{
	struct varlink_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->reserve = reserve_open();
	if (s->reserve < 0) {
		free(s);
		return -errno;
	}
	s->loop = loop;
	s->options = *options;
	ev_io_init(&s->listener, on_accept, -1, EV_READ);
	s->listener.data = s;
	ev_init(&s->pause, on_pause_over);
	s->pause.data = s;
	*ret = s;
	return 0;
}

static void server_unlink(const struct varlink_server *s)
{
	struct stat st;

	if (s->path != NULL && lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
		(void)unlink(s->path);
}

void varlink_server_free(struct varlink_server *s)
{
	struct varlink_connection *c, *next;

	if (s == NULL)
		return;
	ev_io_stop(s->loop, &s->listener);
	ev_timer_stop(s->loop, &s->pause);
	server_unlink(s);
	if (s->listener.fd >= 0)
		(void)close(s->listener.fd);
	DL_FOREACH_SAFE (s->connections, c, next) {
		varlink_connection_flush(c);
		varlink_connection_free(c);
	}
	(void)close(s->reserve);
	free(s->path);
	free(s);
}

unsigned varlink_server_connections(const struct varlink_server *s)
{
	return s->n_connections;
}
