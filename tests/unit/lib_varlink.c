/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lib_varlink.h. */
#include "lib_varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- methods --------------------------------------------------------------------------------- */

static void echo(struct varlink_call *call, json_t *parameters, void *data)
{
	struct fixture *f = data;

	f->calls++;
	varlink_reply(call, json_incref(parameters));
}

static void mark(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"text", VARLINK_STRING, true}, {0}};
	struct fixture *f = data;

	f->calls++;
	if (!varlink_check_parameters(call, parameters, spec))
		return;
	strncat(f->order, json_string_value(json_object_get(parameters, "text")),
		sizeof(f->order) - strlen(f->order) - 1);
	varlink_reply(call, NULL);
}

static void hold_gone(struct varlink_call *call)
{
	struct fixture *f = varlink_call_userdata(call);

	f->gone++;
}

static void hold(struct varlink_call *call, json_t *parameters, void *data)
{
	struct fixture *f = data;

	(void)parameters;
	f->calls++;
	f->held = call;
	varlink_call_set_userdata(call, f, hold_gone);
}

static void count_to(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"to", VARLINK_INT, true}, {0}};
	json_int_t to;

	(void)data;
	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (!varlink_call_wants_more(call)) {
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
		return;
	}
	to = json_integer_value(json_object_get(parameters, "to"));
	for (json_int_t i = 1; i < to; i++)
		varlink_notify(call, json_pack("{s:I}", "n", i));
	varlink_reply(call, json_pack("{s:I}", "n", to));
}

struct stream {
	struct fixture *fixture;
	json_int_t next, to;
};

static void stream_gone(struct varlink_call *call)
{
	struct stream *s = varlink_call_userdata(call);

	s->fixture->gone++;
	free(s);
	varlink_reply(call, NULL); /* lets go of the call */
}

static void stream_some(struct varlink_call *call)
{
	struct stream *s = varlink_call_userdata(call);
	static char filler[1001];

	memset(filler, 'x', sizeof(filler) - 1);
	for (unsigned i = 0; i < 8 && s->next < s->to; i++, s->fixture->streamed++)
		varlink_notify(call, json_pack("{s:I, s:s}", "n", s->next++, "filler", filler));
	if (s->next < s->to)
		return;
	varlink_reply(call, json_pack("{s:I}", "n", s->next));
	free(s);
}

static void stream(struct varlink_call *call, json_t *parameters, void *data)
{
	struct stream *s = malloc(sizeof(*s));

	assert_non_null(s);
	*s = (struct stream){
		.fixture = data, .next = 1, .to = json_integer_value(json_object_get(parameters, "to"))};
	varlink_call_set_userdata(call, s, stream_gone);
	varlink_call_set_writable(call, stream_some);
}

static bool allow(const struct varlink_peer *peer, unsigned privilege, void *data)
{
	(void)data;
	return privilege == 0 || peer->uid == 0 || (privilege == 1 && peer->in_operator_group);
}

/* --- fixture --------------------------------------------------------------------------------- */

struct fixture *fixture_new(void)
{
	static const struct varlink_interface interfaces[] = {{"test", "interface test\n"}, {0}};
	static const struct varlink_method methods[] = {
		{"test.Echo", echo, 0},	    {"test.Mark", mark, 0},
		{"test.Hold", hold, 0},	    {"test.Count", count_to, 0},
		{"test.Stream", stream, 0}, {"test.Operate", echo, 1},
		{"test.Admin", echo, 2},    {0},
	};
	struct fixture *f = calloc(1, sizeof(*f));
	struct varlink_options options = {
		.vendor = "v",
		.product = "p",
		.version = "1",
		.url = "u",
		.interfaces = interfaces,
		.methods = methods,
		.allow = allow,
		.data = f,
		.operator_gid = (gid_t)-1,
		.connections_per_user = 4,
		.connections_max = 10,
	};

	assert_non_null(f);
	f->loop = ev_loop_new(0);
	assert_non_null(f->loop);
	assert_int_equal(varlink_server_new(f->loop, &options, &f->server), 0);
	return f;
}

void fixture_free(struct fixture *f)
{
	varlink_server_free(f->server);
	if (f->held)
		varlink_reply(f->held, NULL);
	ev_run(f->loop, EVRUN_NOWAIT); /* nothing that was freed is called any more */
	ev_loop_destroy(f->loop);
	free(f);
}

void pump(struct fixture *f)
{
	for (unsigned i = 0; i < 20; i++)
		ev_run(f->loop, EVRUN_NOWAIT);
}

int fixture_connect_as(struct fixture *f, const struct varlink_peer *peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(varlink_connection_new(f->server, fds[0], peer), 0);
	return fds[1];
}

int fixture_connect(struct fixture *f)
{
	return fixture_connect_as(f, &(struct varlink_peer){.uid = 1000, .gid = 1000, .pid = 1});
}

void say_bytes(int fd, const char *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
}

void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text) + 1);
}

/* Reads to the first NUL and no further. -1: nothing there; 0: closed. */
static ssize_t receive(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size) {
		n = recv(fd, buffer + length, 1, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			return -1;
		if (buffer[length++] == '\0')
			break;
	}
	return (ssize_t)length;
}

void expect(struct fixture *f, int fd, const char *text)
{
	char buffer[4096] = "";
	ssize_t n;

	pump(f);
	n = receive(fd, buffer, sizeof(buffer) - 1);
	if (n < 0)
		fail_msg("expected %s, got no reply", text);
	if (n == 0)
		fail_msg("expected %s, the connection was closed", text);
	assert_string_equal(buffer, text);
}

void expect_silence(struct fixture *f, int fd)
{
	char c;

	pump(f);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

void expect_closed(struct fixture *f, int fd)
{
	char buffer[4096] = "";
	ssize_t n;

	pump(f);
	n = receive(fd, buffer, sizeof(buffer) - 1);
	if (n > 0)
		fail_msg("expected the connection to be closed, got %s", buffer);
	assert_int_equal(n, 0);
}

void expect_alive(struct fixture *f)
{
	int fd = fixture_connect(f);

	say(fd, "{\"method\":\"test.Echo\",\"parameters\":{\"alive\":true}}");
	expect(f, fd, "{\"parameters\":{\"alive\":true}}");
	close(fd);
	pump(f);
}
