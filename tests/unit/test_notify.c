/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notify messages: what is read from them, and from whom; a flood is read to its end. */
#include "cleanup.h"
#include "notify.h"
#include "str.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_notify.XXXXXX", path[64];

/* --- messages ----------------------------------------------------------------------------------- */

static int parse(const char *text, struct notify_message *ret)
{
	return notify_parse(text, strlen(text), ret);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		struct notify_message expected;
	} rows[] = {
		{"", {.leader = 0}},
		{"READY=1", {.ready = true}},
		{"READY=1\n", {.ready = true}},
		{"READY=0\nREADY=yes\nREADY=", {.leader = 0}},
		{"XREADY=1\nready=1", {.leader = 0}},
		{"STOPPING=1\nSTATUS=Terminating...",
		 {.stopping = true, .has_status = true, .status = "Terminating..."}},
		{"WATCHDOG=1", {.watchdog = true}},
		{"WATCHDOG=trigger", {.leader = 0}},
		{"STATUS=Container running.\nX_NSPAWN_LEADER_PID=4711",
		 {.leader = 4711, .has_status = true, .status = "Container running."}},
		{"X_NSPAWN_LEADER_PID=1\nX_NSPAWN_LEADER_PID=0", {.leader = 0}},
		{"X_NSPAWN_LEADER_PID=-5\nX_NSPAWN_LEADER_PID=99999999999\nX_NSPAWN_LEADER_PID=a",
		 {.leader = 0}},
		{"ERRNO=5\nSTATUS=", {.error = 5, .has_status = true}},
		{"STATUS=one=two=three", {.has_status = true, .status = "one=two=three"}},
		{"STATUS=\x1b[2Jred\a", {.has_status = true, .status = "?[2Jred?"}},
		{"STATUS=a\xff\xfe"
		 "b\xc3\xa4",
		 {.has_status = true, .status = "a??b\xc3\xa4"}},
		{"no assignment\nREADY=1\nMAINPID=7", {.ready = true}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct notify_message *e = &rows[i].expected;
		struct notify_message m;

		assert_int_equal(parse(rows[i].text, &m), 0);
		assert_int_equal(m.ready, e->ready);
		assert_int_equal(m.stopping, e->stopping);
		assert_int_equal(m.watchdog, e->watchdog);
		assert_int_equal(m.leader, e->leader);
		assert_int_equal(m.error, e->error);
		assert_int_equal(m.has_status, e->has_status);
		assert_string_equal(m.status, e->status);
	}
}

static void test_refused(void **state)
{
	struct notify_message m = {.leader = 42};
	char *large = calloc(1, NOTIFY_MESSAGE_MAX + 1);

	(void)state;
	memset(large, 'x', NOTIFY_MESSAGE_MAX + 1);
	assert_int_equal(notify_parse(large, NOTIFY_MESSAGE_MAX + 1, &m), -EMSGSIZE);
	assert_int_equal(notify_parse("READY=1\0STATUS=x", 16, &m), -EBADMSG);
	assert_int_equal(m.leader, 42);
	memcpy(large, "STATUS=", 7);
	assert_int_equal(notify_parse(large, NOTIFY_MESSAGE_MAX, &m), 0);
	assert_int_equal(strlen(m.status), sizeof(m.status) - 1);
	assert_true(str_ends_with(m.status, "..."));
	free(large);
}

/* --- the socket --------------------------------------------------------------------------------- */

struct heard {
	unsigned n, ready;
	char status[256];
	struct notify_socket **free_it; /* at the first message */
};

static void hear(const struct notify_message *m, void *data)
{
	struct heard *h = data;

	h->n++;
	h->ready += m->ready;
	(void)snprintf(h->status, sizeof(h->status), "%s", m->status);
	if (h->free_it) {
		notify_socket_free(*h->free_it);
		*h->free_it = NULL;
	}
}

static int connect_to(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(const char *text, size_t length)
{
	_cleanup_close_ int fd = connect_to();

	assert_int_equal(send(fd, text, length, 0), length);
}

static struct notify_socket *open_it(struct ev_loop *loop, struct heard *h)
{
	struct notify_socket *s = NULL;
	struct error err = {0};

	assert_int_equal(notify_socket_new(loop, path, hear, h, &s, &err), 0);
	return s;
}

/* From a process of its own, which has ended when this returns; it is reaped, so its number is free again. */
static void stranger_says(const char *text)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = connect_to();

		_exit(send(fd, text, strlen(text), 0) < 0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_sender(void **state)
{
	struct ev_loop *loop = *state;
	struct heard h = {0};
	struct notify_socket *s = open_it(loop, &h);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	say("READY=1", 7); /* nobody is expected yet */
	notify_socket_drain(s);
	assert_int_equal(h.n, 0);
	notify_socket_expect(s, getpid());
	stranger_says("READY=1");
	say("STATUS=mine", 11);
	notify_socket_drain(s);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.ready, 0);
	assert_string_equal(h.status, "mine");
	notify_socket_free(s);
	assert_int_equal(access(path, F_OK), -1);
}

/* What is too long, or no text, is passed over, and what comes behind it is read. */
static void test_bad_messages(void **state)
{
	struct heard h = {0};
	struct notify_socket *s = open_it(*state, &h);
	char *large = calloc(1, NOTIFY_MESSAGE_MAX + 100);

	notify_socket_expect(s, getpid());
	memset(large, 'x', NOTIFY_MESSAGE_MAX + 100);
	say(large, NOTIFY_MESSAGE_MAX + 100);
	say("READY=1\0", 8);
	say("", 0);
	say("READY=1", 7);
	notify_socket_drain(s);
	assert_int_equal(h.ready, 1);
	notify_socket_free(s);
	free(large);
}

/* A descriptor that comes along does not stay open with us. */
static void test_descriptors(void **state)
{
	struct heard h = {0};
	struct notify_socket *s = open_it(*state, &h);
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	char text[] = "READY=1";
	struct iovec v = {text, 7};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int pair[2], fd = connect_to();
	char byte;

	notify_socket_expect(s, getpid());
	assert_int_equal(pipe(pair), 0);
	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), &pair[1], sizeof(int));
	assert_int_equal(sendmsg(fd, &m, 0), 7);
	notify_socket_drain(s);
	assert_int_equal(h.ready, 1);
	(void)close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 0); /* the end: nobody has the other side */
	(void)close(pair[0]);
	(void)close(fd);
	notify_socket_free(s);
}

/* A flooder that never waits is read by the loop until it ends, and all else on the loop has its turn. */
static void test_flood(void **state)
{
	struct ev_loop *loop = *state;
	struct heard h = {0};
	struct notify_socket *s = open_it(loop, &h);
	pid_t pid = fork();
	unsigned turns = 0;

	if (pid == 0) {
		int fd = connect_to();

		for (int i = 0; i < 10000; i++)
			if (send(fd, i == 9999 ? "READY=1" : "STATUS=x", i == 9999 ? 7 : 8, 0) < 0)
				_exit(1);
		_exit(0);
	}
	notify_socket_expect(s, pid);
	while (!h.ready) {
		ev_run(loop, EVRUN_ONCE);
		turns++;
	}
	assert_int_equal(h.n, 10000);
	assert_true(turns >= 10000 / 64);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	notify_socket_free(s);
}

static void test_freed_by_whom_it_tells(void **state)
{
	struct heard h = {0};
	struct notify_socket *s = open_it(*state, &h);

	h.free_it = &s;
	notify_socket_expect(s, getpid());
	say("READY=1", 7);
	say("READY=1", 7);
	notify_socket_drain(s);
	assert_null(s);
	assert_int_equal(h.n, 1);
}

static void test_path(void **state)
{
	struct notify_socket *s = NULL;
	struct error err = {0};
	char text[200];

	(void)snprintf(text, sizeof(text), "%s/%0150d", directory, 0);
	assert_int_equal(notify_socket_new(*state, text, hear, NULL, &s, &err), -ENAMETOOLONG);
	(void)snprintf(text, sizeof(text), "%s/nowhere/x", directory);
	assert_int_equal(notify_socket_new(*state, text, hear, NULL, &s, &err), -ENOENT);
	assert_non_null(strstr(err.text, "nowhere/x"));
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	*state = ev_loop_new(0);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	ev_loop_destroy(*state);
	return rmdir(directory); /* nothing is left in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sender),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_freed_by_whom_it_tells),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
