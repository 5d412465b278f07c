/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When another program takes the server's place: connections are given away as they are. What a client sent
 * and nobody has answered is read again by the heir, which runs it anew; what the client has not read is sent
 * by it. */
#include "varlink_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

void varlink_server_hold(struct varlink_server *s, bool hold)
{
	struct varlink_connection *c;

	s->holding = hold;
	if (s->listener.fd < 0)
		return;
	if (hold) {
		ev_io_stop(s->loop, &s->listener);
		return;
	}
	ev_io_start(s->loop, &s->listener);
	DL_FOREACH (s->connections, c)
		varlink_connection_schedule(c);
}

int varlink_server_own(struct varlink_server *s, const char *path, struct error *err)
{
	char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return error_set(err, -ENOMEM, "No memory for a socket");
	if (lstat(path, &st) == 0) {
		s->device = st.st_dev;
		s->inode = st.st_ino;
	}
	free(s->path);
	s->path = copy;
	return 0;
}

int varlink_server_fd(const struct varlink_server *s)
{
	return s->listener.fd;
}

void varlink_call_leave_reply(struct varlink_call *call, const char *reply)
{
	call->heir_reply = reply;
}

static int save_one(struct varlink_connection *c, varlink_save_fn *save, void *data)
{
	struct varlink_buffer in = {0}, out = {0};
	const char *reply = c->call ? c->call->heir_reply : NULL;
	int r = 0;

	if (c->call && !reply)
		r = varlink_buffer_append(&in, c->open.data + c->open.start, c->open.length);
	if (r == 0 && c->in.length)
		r = varlink_buffer_append(&in, c->in.data + c->in.start, c->in.length);
	if (r == 0 && c->out.length)
		r = varlink_buffer_append(&out, c->out.data + c->out.start, c->out.length);
	if (r == 0 && reply)
		r = varlink_buffer_append(&out, reply, strlen(reply) + 1);
	if (r == 0)
		r = save(c->io.fd, in.data, in.length, out.data, out.length, data);
	varlink_buffer_free(&in);
	varlink_buffer_free(&out);
	return r;
}

/* One that has sent its last call and got its last answer has nothing more to come. */
static bool is_over(const struct varlink_connection *c)
{
	return c->dead || c->deaf || (c->eof && !c->call && !c->in.length && !c->out.length);
}

int varlink_server_save(struct varlink_server *s, varlink_save_fn *save, void *data)
{
	struct varlink_connection *c;

	DL_FOREACH (s->connections, c) {
		int r;

		varlink_connection_flush(c);
		r = is_over(c) ? 0 : save_one(c, save, data);
		if (r != 0)
			return r;
	}
	return 0;
}

static struct varlink_connection *find_by_fd(const struct varlink_server *s, int fd)
{
	struct varlink_connection *c;

	DL_FOREACH (s->connections, c)
		if (c->io.fd == fd)
			return c;
	return NULL;
}

int varlink_server_restore(struct varlink_server *s, int fd, const char *in, size_t in_length,
			   const char *out, size_t out_length)
{
	struct varlink_connection *c;
	struct varlink_peer peer;
	int flags = fcntl(fd, F_GETFL), r;

	if (in_length > 2 * (VARLINK_MESSAGE_MAX + 1) || out_length > 2 * VARLINK_OUTPUT_MAX || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    varlink_peer_read(fd, s->options.operator_gid, &peer) < 0) {
		(void)close(fd);
		return -EINVAL;
	}
	r = varlink_connection_new(s, fd, &peer);
	c = r < 0 ? NULL : find_by_fd(s, fd);
	if (!c)
		return r < 0 ? r : -ENOENT;
	if (varlink_buffer_append(&c->in, in, in_length) < 0 ||
	    varlink_buffer_append(&c->out, out, out_length) < 0)
		c->dead = true;
	varlink_connection_scan(c);
	varlink_connection_schedule(c);
	return 0;
}
