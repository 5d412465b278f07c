/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small Varlink client that waits: for netnsctl and the tests. What the server sends is bounded
 * and checked like everything else that comes from outside. */
#include "cleanup.h"
#include "clock.h"
#include "varlink_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT_REPLY_MAX    (64 * 1024 * 1024)
#define CLIENT_CONNECT_SEC  10 /* for a server whose queue of new connections is full */
#define CLIENT_SEND_TIMEOUT 45 /* seconds in which the server must take a call; varlinkctl's number */

struct varlink_client {
	int fd;
	char *path;
	struct varlink_buffer in;
	size_t scanned;
};

/* --- connect --------------------------------------------------------------------------------- */

static int connect_failed(const char *path, int code, struct error *err)
{
	if (code == -ENOENT || code == -ECONNREFUSED)
		return error_set(err, code,
				 "Cannot connect to %s: nobody listens there; is the service started?", path);
	if (code == -EACCES)
		return error_set(err, code, "Cannot connect to %s: you are not allowed to use the socket",
				 path);
	return error_set(err, code, "Cannot connect to %s: %s", path, strerror(-code));
}

static int connect_path(const char *path, int *ret, struct error *err)
{
	struct timeval timeout = {.tv_sec = CLIENT_CONNECT_SEC};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return connect_failed(path, -ENAMETOOLONG, err);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, -errno, "Cannot create a socket: %m");
	/* Bounds connect() too; the descriptor stays blocking, each call says MSG_DONTWAIT itself. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_failed(path, errno == EAGAIN ? -ETIMEDOUT : -errno, err);
	*ret = steal_fd(fd);
	return 0;
}

int varlink_client_connect(const char *path, struct varlink_client **ret, struct error *err)
{
	struct varlink_client *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return error_set(err, -ENOMEM, "No memory for a connection");
	c->fd = -1;
	c->path = strdup(path);
	r = c->path ? connect_path(path, &c->fd, err) : error_set(err, -ENOMEM, "No memory for a connection");
	if (r < 0) {
		varlink_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void varlink_client_free(struct varlink_client *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void)close(c->fd);
	varlink_buffer_free(&c->in);
	free(c->path);
	free(c);
}

/* --- waiting --------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	return (int64_t)(clock_monotonic() / 1000);
}

/* deadline -1: none. */
static int client_wait(struct varlink_client *c, short events, int64_t deadline, struct error *err)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	int64_t left = -1;
	int n;

	do {
		if (deadline >= 0) {
			left = deadline - now_ms();
			left = left < 0 ? 0 : left;
		}
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, -errno, "Cannot wait for %s: %m", c->path);
	if (n == 0)
		return error_set(err, -ETIMEDOUT, "%s did not answer in time", c->path);
	return 0;
}

/* --- send ------------------------------------------------------------------------------------ */

static int send_all(struct varlink_client *c, const char *bytes, size_t length, struct error *err)
{
	int64_t deadline = now_ms() + (int64_t)CLIENT_SEND_TIMEOUT * 1000;
	ssize_t n;
	int r;

	while (length > 0) {
		n = send(c->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			bytes += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			r = client_wait(c, POLLOUT, deadline, err);
			if (r < 0)
				return r;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return error_set(err, -ECONNRESET, "%s closed the connection", c->path);
		} else if (errno != EINTR) {
			return error_set(err, -errno, "Cannot send to %s: %m", c->path);
		}
	}
	return 0;
}

int varlink_client_send(struct varlink_client *c, const char *method, json_t *parameters, bool more,
			struct error *err)
{
	json_t *message = json_pack("{s:s, s:o*}", "method", method, "parameters", parameters);
	struct varlink_buffer out = {0};
	int r = 0;

	if (message == NULL || (more && json_object_set_new(message, "more", json_true()) < 0) ||
	    varlink_buffer_append_json(&out, message) < 0)
		r = error_set(err, -ENOMEM, "No memory for a call of %s", method);
	json_decref(message);
	if (r == 0 && out.length > VARLINK_MESSAGE_MAX + 1)
		r = error_set(err, -EMSGSIZE, "The call of %s is longer than %d KiB", method,
			      VARLINK_MESSAGE_MAX / 1024);
	if (r == 0)
		r = send_all(c, out.data + out.start, out.length, err);
	varlink_buffer_free(&out);
	return r;
}

/* --- receive --------------------------------------------------------------------------------- */

/* Length of the first message with its NUL, or 0. */
static size_t client_complete(struct varlink_client *c)
{
	const char *begin, *nul;

	if (c->scanned == c->in.length)
		return 0;
	begin = c->in.data + c->in.start;
	nul = memchr(begin + c->scanned, '\0', c->in.length - c->scanned);
	c->scanned = c->in.length;
	return nul ? (size_t)(nul - begin) + 1 : 0;
}

static int client_read(struct varlink_client *c, int64_t deadline, struct error *err)
{
	ssize_t n;
	int r;

	if (c->in.length >= CLIENT_REPLY_MAX)
		return error_set(err, -EBADMSG, "%s sent a reply longer than %d MiB", c->path,
				 CLIENT_REPLY_MAX / 1024 / 1024);
	if (varlink_buffer_reserve(&c->in, 65536) < 0)
		return error_set(err, -ENOMEM, "No memory for a reply of %s", c->path);
	r = client_wait(c, POLLIN, deadline, err);
	if (r < 0)
		return r;
	n = recv(c->fd, c->in.data + c->in.start + c->in.length, 65536, MSG_DONTWAIT);
	if (n > 0)
		c->in.length += (size_t)n;
	else if (n == 0 || errno == ECONNRESET)
		return error_set(err, -ECONNRESET, "%s closed the connection", c->path);
	else if (errno != EAGAIN && errno != EINTR)
		return error_set(err, -errno, "Cannot read from %s: %m", c->path);
	return 0;
}

static int client_take(struct varlink_client *c, size_t length, struct varlink_answer *ret, struct error *err)
{
	int r = varlink_answer_parse(c->in.data + c->in.start, length - 1, ret, err);

	varlink_buffer_consume(&c->in, length);
	c->scanned = 0;
	return r < 0 ? error_prefix(err, r, "%s sent something that is no Varlink reply", c->path) : 0;
}

int varlink_client_receive(struct varlink_client *c, int timeout_ms, json_t **ret_parameters,
			   char **ret_error, bool *ret_continues, struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	struct varlink_answer a;
	json_t *parameters;
	char *error = NULL;
	size_t length;
	int r;

	while ((length = client_complete(c)) == 0) {
		r = client_read(c, deadline, err);
		if (r < 0)
			return r;
	}
	r = client_take(c, length, &a, err);
	if (r < 0)
		return r;
	parameters = a.parameters ? json_incref(a.parameters) : json_object();
	if (a.error != NULL)
		error = strdup(a.error);
	if (parameters == NULL || (a.error != NULL && error == NULL)) {
		json_decref(parameters);
		free(error);
		json_decref(a.root);
		return error_set(err, -ENOMEM, "No memory for a reply of %s", c->path);
	}
	*ret_continues = a.continues;
	json_decref(a.root);
	*ret_parameters = parameters;
	*ret_error = error;
	return 0;
}
