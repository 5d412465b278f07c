/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes to a whole Varlink server over a socketpair: it must neither crash nor leak nor spin, and
 * all it ever says must be well-formed replies. The bytes also go to the client's parser. */
#include "varlink_internal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			abort();                                                                             \
	} while (0)

static struct varlink_call *held;

static void echo(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"s", VARLINK_STRING, false},
		{"i", VARLINK_INT, false},
		{"b", VARLINK_BOOL, false},
		{"ss", VARLINK_STRINGS, false},
		{"oo", VARLINK_OBJECTS, false},
		{"o", VARLINK_OBJECT, false},
		{0},
	};

	(void)data;
	if (varlink_check_parameters(call, parameters, spec))
		varlink_reply(call, json_incref(parameters));
}

static void held_gone(struct varlink_call *call)
{
	held = NULL;
	varlink_reply(call, NULL);
}

static void hold(struct varlink_call *call, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	if (varlink_call_wants_more(call))
		(void)varlink_notify(call, json_object());
	if (held) { /* of another connection */
		varlink_reply(call, NULL);
		return;
	}
	held = call;
	varlink_call_set_userdata(call, NULL, held_gone);
}

static void writable(struct varlink_call *call)
{
	(void)varlink_notify(call, json_object());
	varlink_reply(call, json_object());
}

static void stream(struct varlink_call *call, json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	varlink_call_set_writable(call, writable);
}

static bool allow(const struct varlink_peer *peer, unsigned privilege, void *data)
{
	(void)peer;
	(void)data;
	return privilege == 0;
}

static struct varlink_server *server_new(struct ev_loop *loop)
{
	static const struct varlink_interface interfaces[] = {{"a", "interface a\n"}, {0}};
	static const struct varlink_method methods[] = {
		{"a.E", echo, 0}, {"a.H", hold, 0}, {"a.S", stream, 0}, {"a.P", echo, 1}, {0}};
	const struct varlink_options options = {
		.vendor = "",
		.product = "",
		.version = "",
		.url = "",
		.interfaces = interfaces,
		.methods = methods,
		.allow = allow,
		.operator_gid = (gid_t)-1,
	};
	struct varlink_server *s;

	check(varlink_server_new(loop, &options, &s) == 0);
	return s;
}

/* Takes what has been said; complete messages must be replies. */
static void listen_to(int fd, struct varlink_buffer *in)
{
	ssize_t n;
	char *nul;

	check(varlink_buffer_reserve(in, 65536) == 0);
	n = recv(fd, in->data + in->start + in->length, 65536, MSG_DONTWAIT);
	if (n > 0)
		in->length += (size_t)n;
	while (in->length > 0 && (nul = memchr(in->data + in->start, 0, in->length)) != NULL) {
		size_t length = (size_t)(nul - in->data) - in->start;
		struct varlink_answer a;

		check(varlink_answer_parse(in->data + in->start, length, &a, NULL) == 0);
		json_decref(a.root);
		varlink_buffer_consume(in, length + 1);
	}
}

static void turn(struct ev_loop *loop)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void converse(struct ev_loop *loop, struct varlink_server *s, const uint8_t *data, size_t size)
{
	struct varlink_buffer in = {0};
	size_t sent = 0;
	int fds[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	check(varlink_connection_new(s, fds[0], &(struct varlink_peer){.uid = 1}) == 0);
	while (sent < size && varlink_server_connections(s) > 0) {
		/* Pieces of a length that depends on the input. */
		size_t piece = 1 + data[sent] * 16U;
		ssize_t n =
			send(fds[1], data + sent, piece < size - sent ? piece : size - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		turn(loop);
		listen_to(fds[1], &in);
		if (held && (data[sent % size] & 1)) {
			struct varlink_call *call = held;

			held = NULL;
			varlink_reply(call, NULL);
		}
	}
	if (size > 0 && (data[0] & 1))
		shutdown(fds[1], SHUT_WR);
	for (unsigned i = 0; i < 5; i++) {
		turn(loop);
		listen_to(fds[1], &in);
	}
	close(fds[1]);
	/* It ends, whatever was said: bounded by what the socket can hold. Only a timer notices a client
	 * that has gone while a call is open and the input is full: this does not wait for it. */
	for (unsigned i = 0; i < 100000 && varlink_server_connections(s) > 0; i++) {
		turn(loop);
		if (held && s->connections && ev_is_active(&s->connections->absence))
			ev_feed_event(loop, &s->connections->absence, EV_TIMER);
	}
	check(varlink_server_connections(s) == 0);
	check(held == NULL);
	varlink_buffer_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ev_loop *loop;
	static struct varlink_server *s;
	struct varlink_answer a;

	if (!loop) {
		check((loop = ev_loop_new(0)) != NULL);
		s = server_new(loop);
	}
	converse(loop, s, data, size);
	if (varlink_answer_parse((const char *)data, size, &a, NULL) == 0)
		json_decref(a.root);
	return 0;
}
