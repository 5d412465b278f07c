/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client: bytes in, messages one after the other, bytes out; nothing here waits.
 *
 * connection_step() is the one place that takes messages from the input. It stops while a call is
 * open (replies go out in the order of the calls), while replies pile up unread, and after a number
 * of messages, to let others have their turn; the idle watcher `resume` calls it again. A client
 * that stops sending (half a close) still gets its answers; one that hangs up while a call is open
 * makes the call's `gone` run. */
#include "error.h"
#include "log.h"
#include "varlink_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

/* --- input ----------------------------------------------------------------------------------- */

/* The whole buffer: the longest message and its NUL. */
#define INPUT_MAX (VARLINK_MESSAGE_MAX + 1)

#define ABSENCE_INTERVAL 1. /* seconds */

static void connection_refuse(struct varlink_connection *c, const char *why)
{
	log_debug("Connection of process %d (uid %u) is closed: %s", (int)c->peer.pid, (unsigned)c->peer.uid,
		  why);
	c->dead = true;
}

/* Looks for the end of the first message, at new bytes only. */
void varlink_connection_scan(struct varlink_connection *c)
{
	const char *begin, *nul;

	if (c->complete > 0 || c->scanned == c->in.length)
		return;
	begin = c->in.data + c->in.start;
	nul = memchr(begin + c->scanned, '\0', c->in.length - c->scanned);
	c->scanned = c->in.length;
	if (nul != NULL)
		c->complete = (size_t)(nul - begin) + 1;
	else if (c->in.length >= INPUT_MAX)
		connection_refuse(c, "a message is longer than 64 KiB");
}

static void connection_hangup(struct varlink_connection *c)
{
	c->deaf = true;
	varlink_buffer_consume(&c->out, c->out.length);
}

/* Whether the client still listens only poll() tells: libev has no word for it. */
static void connection_look_for_hangup(struct varlink_connection *c)
{
	struct pollfd p = {.fd = c->io.fd};

	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0)
		connection_hangup(c);
}

static void connection_read(struct varlink_connection *c)
{
	size_t room = c->in.length < INPUT_MAX ? INPUT_MAX - c->in.length : 0; /* an heir may have more */
	ssize_t n;

	if (c->eof || room == 0)
		return;
	if (room > 16384)
		room = 16384;
	if (varlink_buffer_reserve(&c->in, room) < 0) {
		c->dead = true;
		return;
	}
	n = recv(c->io.fd, c->in.data + c->in.start + c->in.length, room, MSG_DONTWAIT);
	if (n > 0) {
		c->in.length += (size_t)n;
		varlink_connection_scan(c);
	} else if (n == 0) {
		c->eof = true;
		connection_look_for_hangup(c);
	} else if (errno != EAGAIN && errno != EINTR) { /* ECONNRESET: it left replies unread */
		c->eof = true;
		connection_hangup(c);
	}
}

static void connection_next_message(struct varlink_connection *c)
{
	struct varlink_message m;
	struct error err = {0};
	int r;

	r = varlink_message_parse(c->in.data + c->in.start, c->complete - 1, &m, &err);
	varlink_buffer_consume(&c->open, c->open.length);
	if (r == 0 && varlink_buffer_append(&c->open, c->in.data + c->in.start, c->complete) < 0) {
		varlink_message_clear(&m);
		r = error_set(&err, -ENOMEM, "no memory for a call");
	}
	varlink_buffer_consume(&c->in, c->complete);
	c->complete = c->scanned = 0;
	varlink_connection_scan(c);
	if (r < 0) {
		connection_refuse(c, err.text);
		return;
	}
	varlink_dispatch(c, &m);
	varlink_message_clear(&m);
}

/* --- output ---------------------------------------------------------------------------------- */

/* "Done" from the program before is told by the one after it, once that knows what it took over. */
static bool connection_may_send(const struct varlink_connection *c)
{
	return c->out.length > 0 && (c->call != NULL || !c->server->holding);
}

void varlink_connection_flush(struct varlink_connection *c)
{
	int interrupted = 0;
	ssize_t n;

	while (connection_may_send(c)) {
		n = send(c->io.fd, c->out.data + c->out.start, c->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			varlink_buffer_consume(&c->out, (size_t)n);
		else if (n < 0 && errno == EINTR && ++interrupted < EINTR_TRIES)
			continue;
		else if (n < 0 && errno == EAGAIN)
			return;
		else {
			/* What a client that left had sent before is still done; one that listens must not
			 * wait for what never comes. */
			c->eof = c->eof || (errno != EPIPE && errno != ECONNRESET);
			connection_hangup(c);
		}
	}
}

/* --- the step -------------------------------------------------------------------------------- */

static bool connection_can_go_on(const struct varlink_connection *c)
{
	if (c->dead || c->out.length >= VARLINK_OUTPUT_HIGH)
		return false;
	return c->call != NULL ? c->call->writable != NULL : c->complete > 0 && !c->server->holding;
}

static void connection_work(struct varlink_connection *c)
{
	for (unsigned i = 0; i < VARLINK_TURN_MESSAGES && connection_can_go_on(c); i++) {
		if (c->call == NULL) {
			connection_next_message(c);
			continue;
		}
		c->call->writable(c->call); /* a handful of a stream; the rest next turn */
		return;
	}
}

/* Whether nothing more can come of this connection. */
static bool connection_is_over(const struct varlink_connection *c)
{
	if (c->dead)
		return true;
	if (c->call != NULL)
		/* Nobody to answer; or a subscriber without an end, which is cancelled like this. */
		return c->deaf ||
		       (c->eof && c->out.length == 0 && c->call->more && c->call->writable == NULL);
	return c->eof && c->complete == 0 && c->out.length == 0;
}

static void connection_watch(struct varlink_connection *c)
{
	struct ev_loop *loop = c->server->loop;
	int events = 0;

	if (!c->eof && c->in.length < INPUT_MAX)
		events |= EV_READ;
	if (connection_may_send(c))
		events |= EV_WRITE;
	if (events == (c->io.events & (EV_READ | EV_WRITE)) && (ev_is_active(&c->io) || events == 0))
		return;
	ev_io_stop(loop, &c->io);
	ev_io_set(&c->io, c->io.fd, events);
	if (events != 0) {
		ev_io_start(loop, &c->io);
		ev_timer_stop(loop, &c->absence);
	} else {
		ev_timer_again(loop, &c->absence);
	}
}

/* May free the connection. */
static void connection_step(struct varlink_connection *c)
{
	ev_idle_stop(c->server->loop, &c->resume);
	c->in_step = true;
	connection_work(c);
	varlink_connection_flush(c); /* dead or not: earlier calls have their answers */
	c->in_step = false;
	if (connection_is_over(c)) {
		varlink_connection_free(c);
		return;
	}
	connection_watch(c);
	if (connection_can_go_on(c))
		varlink_connection_schedule(c);
}

void varlink_connection_schedule(struct varlink_connection *c)
{
	if (!c->in_step)
		ev_idle_start(c->server->loop, &c->resume);
}

static void on_resume(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop;
	(void)revents;
	connection_step(w->data);
}

static void on_absence(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	connection_look_for_hangup(w->data);
	connection_step(w->data);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct varlink_connection *c = w->data;

	(void)loop;
	if (revents & EV_READ)
		connection_read(c);
	connection_step(c);
}

/* --- birth and death ------------------------------------------------------------------------- */

int varlink_connection_new(struct varlink_server *s, int fd, const struct varlink_peer *peer)
{
	struct varlink_connection *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->server = s;
	c->peer = *peer;
	ev_io_init(&c->io, on_io, fd, EV_READ);
	c->io.data = c;
	ev_idle_init(&c->resume, on_resume);
	c->resume.data = c;
	/* Above the others, or a loop that always has something to do would never get to it. */
	ev_set_priority(&c->resume, 1);
	ev_init(&c->absence, on_absence);
	c->absence.repeat = ABSENCE_INTERVAL;
	c->absence.data = c;
	DL_APPEND(s->connections, c);
	s->n_connections++;
	ev_io_start(s->loop, &c->io);
	return 0;
}

void varlink_connection_free(struct varlink_connection *c)
{
	struct varlink_server *s = c->server;
	struct varlink_call *call = c->call;

	ev_io_stop(s->loop, &c->io);
	ev_idle_stop(s->loop, &c->resume);
	ev_timer_stop(s->loop, &c->absence);
	DL_DELETE(s->connections, c);
	s->n_connections--;
	(void)close(c->io.fd);
	varlink_buffer_free(&c->in);
	varlink_buffer_free(&c->out);
	varlink_buffer_free(&c->open);
	free(c);
	if (call == NULL)
		return;
	call->connection = NULL;
	call->writable = NULL;
	if (call->gone != NULL)
		call->gone(call);
}
