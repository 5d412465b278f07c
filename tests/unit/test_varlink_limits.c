/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Varlink server and clients that are broken, greedy or hostile: each loses its own connection
 * at most, and the others are served as before. */
#include "lib_varlink.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ECHO "{\"method\":\"test.Echo\"}"

static struct fixture *f;
static char directory[] = "/tmp/test_varlink.XXXXXX", path[64];

static int setup(void **state)
{
	(void)state;
	f = fixture_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_free(f);
	return 0;
}

/* --- bad messages ---------------------------------------------------------------------------- */

static void test_bad_messages_close(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"{",
		"[]",
		"{\"method\":1}",
		"{\"parameters\":{}}",
		ECHO ECHO,
		"{\"method\":\"test.Echo\",\"what\":1}",
		"{\"method\":\"test.Echo\",\"more\":\"yes\"}",
		"{\"method\":\"test.Echo\",\"more\":true,\"oneway\":true}",
		"{\"method\":\"test.Echo\",\"parameters\":{\"s\":\"\xff\xfe\"}}",
		"{\"method\":\"test.Echo\",\"parameters\":{\"a\":1,\"a\":1}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int fd = fixture_connect(f);

		say(fd, ECHO);
		say(fd, bad[i]);
		say(fd, ECHO); /* is not looked at any more */
		expect(f, fd, "{\"parameters\":{}}");
		expect_closed(f, fd);
		assert_int_equal(f->calls, i + 1);
		assert_int_equal(varlink_server_connections(f->server), 0);
		close(fd);
	}
	expect_alive(f);
}

static void say_of_length(int fd, size_t length)
{
	static char text[VARLINK_MESSAGE_MAX + 2];
	static const char head[] = "{\"method\":\"test.Nothing\",\"parameters\":{\"s\":\"", tail[] = "\"}}";

	memset(text, 'x', length);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + length - (sizeof(tail) - 1), tail, sizeof(tail));
	say_bytes(fd, text, length + 1);
}

static void test_longest_message(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say_of_length(fd, VARLINK_MESSAGE_MAX);
	expect(f, fd,
	       "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"test."
	       "Nothing\"}}");
	say_of_length(fd, VARLINK_MESSAGE_MAX + 1);
	expect_closed(f, fd);
	close(fd);
}

static void test_a_mebibyte_without_nul(void **state)
{
	static char spaces[4096];
	int fd = fixture_connect(f);
	size_t sent = 0;
	ssize_t n;

	(void)state;
	memset(spaces, ' ', sizeof(spaces));
	while (sent < 1024 * 1024) {
		n = send(fd, spaces, sizeof(spaces), MSG_NOSIGNAL);
		if (n < 0)
			break;
		sent += (size_t)n;
		pump(f);
		if (varlink_server_connections(f->server) > 0)
			assert_in_range(f->server->connections->in.length, 0, VARLINK_MESSAGE_MAX + 1);
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, EPIPE);
	assert_in_range(sent, VARLINK_MESSAGE_MAX, VARLINK_MESSAGE_MAX + 65536);
	expect_alive(f);
	close(fd);
}

/* --- readers that do not read ---------------------------------------------------------------- */

static void test_flood_without_reading(void **state)
{
	static const char call[] = "{\"method\":\"test.Echo\",\"parameters\":{\"s\":\"0123456789\"}}";
	int fd = fixture_connect(f);
	unsigned sent = 0;

	(void)state;
	for (unsigned idle = 0; idle < 5;) {
		if (send(fd, call, sizeof(call), MSG_NOSIGNAL) == (ssize_t)sizeof(call)) {
			sent++;
			idle = 0;
		} else {
			assert_int_equal(errno, EAGAIN);
			pump(f);
			idle++;
		}
	}
	/* It is stopped by its own unread replies, not cut off, and others do not notice. */
	assert_true(f->calls < sent);
	assert_int_equal(varlink_server_connections(f->server), 1);
	assert_in_range(f->server->connections->out.length, 1, VARLINK_OUTPUT_HIGH + 1024);
	assert_in_range(f->server->connections->in.length, 1, VARLINK_MESSAGE_MAX + 1);
	expect_alive(f);
	close(fd);
	for (unsigned i = 0; i < 100; i++) /* what it had sent is still done, turn by turn */
		pump(f);
	assert_int_equal(varlink_server_connections(f->server), 0);
	assert_int_equal(f->calls, sent + 1);
}

static void test_subscriber_that_never_reads(void **state)
{
	static char filler[16384];
	int slow = fixture_connect(f), fast;
	struct varlink_call *slow_call;
	unsigned sent = 0;
	int r;

	(void)state;
	memset(filler, 'x', sizeof(filler) - 1);
	say(slow, "{\"method\":\"test.Hold\",\"more\":true}");
	pump(f);
	slow_call = f->held;
	fast = fixture_connect(f);
	say(fast, "{\"method\":\"test.Hold\",\"more\":true}");
	pump(f);
	do { /* without a turn of the loop in between: the bound holds all the same */
		r = varlink_notify(slow_call, json_pack("{s:s}", "filler", filler));
		sent++;
	} while (r == 0 && sent < 10000);
	assert_int_equal(r, -EPIPE);
	assert_in_range(sent, VARLINK_OUTPUT_MAX / sizeof(filler),
			(VARLINK_OUTPUT_MAX + 1024 * 1024) / sizeof(filler));
	assert_int_equal(f->gone, 0); /* never from within an answer */
	assert_int_equal(varlink_notify(slow_call, json_object()), -EPIPE);
	pump(f);
	assert_int_equal(f->gone, 1);
	assert_int_equal(varlink_server_connections(f->server), 1);
	varlink_reply(slow_call, NULL);

	varlink_notify(f->held, json_pack("{s:i}", "event", 1));
	expect(f, fast, "{\"parameters\":{\"event\":1},\"continues\":true}");
	close(slow);
	close(fast);
}

/* There is nothing to be read (the input is full) nor written: only a look from time to time shows that
 * the client has gone. */
static void test_hangup_behind_a_full_input(void **state)
{
	static const char call[] = "{\"method\":\"test.Echo\",\"parameters\":{\"s\":\"0123456789\"}}";
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Hold\"}");
	for (unsigned i = 0; i < 3000; i++) {
		(void)send(fd, call, sizeof(call), MSG_NOSIGNAL);
		ev_run(f->loop, EVRUN_NOWAIT);
	}
	assert_int_equal(f->server->connections->in.length, VARLINK_MESSAGE_MAX + 1);
	assert_false(ev_is_active(&f->server->connections->io)); /* no spinning */
	assert_true(ev_is_active(&f->server->connections->absence));
	ev_feed_event(f->loop, &f->server->connections->absence, EV_TIMER);
	pump(f);
	assert_int_equal(f->gone, 0); /* still there */
	close(fd);
	pump(f);
	ev_feed_event(f->loop, &f->server->connections->absence, EV_TIMER);
	pump(f);
	assert_int_equal(f->gone, 1);
	assert_int_equal(varlink_server_connections(f->server), 0);
}

/* One large answer is no flood: whoever reads gets it whole. */
static void test_one_large_reply(void **state)
{
	static char filler[6 * 1024 * 1024], buffer[65536];
	int fd = fixture_connect(f);
	size_t received = 0;
	ssize_t n;

	(void)state;
	memset(filler, 'x', sizeof(filler) - 1);
	say(fd, "{\"method\":\"test.Hold\"}");
	pump(f);
	assert_int_equal(varlink_reply(f->held, json_pack("{s:s}", "filler", filler)), 0);
	f->held = NULL;
	for (unsigned i = 0; i < 100000 && received < sizeof(filler); i++) {
		ev_run(f->loop, EVRUN_NOWAIT);
		n = recv(fd, buffer, sizeof(buffer), 0);
		assert_int_not_equal(n, 0);
		received += n > 0 ? (size_t)n : 0;
	}
	assert_true(received > sizeof(filler));
	assert_int_equal(buffer[n - 1], 0);
	close(fd);
}

/* --- listening ------------------------------------------------------------------------------- */

static int socket_path(struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, strlen(path) + 1);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int connect_to_path(void)
{
	struct sockaddr_un address;
	int fd = socket_path(&address);

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static void test_listen_mode(void **state)
{
	static const mode_t modes[] = {0666, 0600, 0640};
	mode_t old = umask(077);

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct error err = {0};
		struct stat st;

		if (varlink_server_listen(f->server, path, modes[i], -1, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(varlink_server_listen(f->server, path, 0600, -1, &err), -EALREADY);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
		fixture_free(f);
		assert_int_equal(stat(path, &st), -1); /* taken away again */
		f = fixture_new();
	}
	umask(old);
}

static void test_listen_on_what_is_there(void **state)
{
	struct sockaddr_un address;
	struct error err = {0};
	struct stat st;
	int fd = socket_path(&address), client;

	(void)state;
	/* Alive: refused, and left alone. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(varlink_server_listen(f->server, path, 0600, -1, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, path));
	client = connect_to_path();
	assert_true(client >= 0);
	close(client);
	/* Dead: replaced. */
	close(fd);
	assert_int_equal(varlink_server_listen(f->server, path, 0600, -1, &err), 0);
	client = connect_to_path();
	assert_true(client >= 0);
	send(client, ECHO, sizeof(ECHO), MSG_NOSIGNAL);
	expect(f, client, "{\"parameters\":{}}");
	close(client);
	/* Somebody took the name meanwhile: it is not ours to remove. */
	assert_int_equal(unlink(path), 0);
	fd = socket_path(&address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fixture_free(f);
	f = fixture_new();
	assert_int_equal(stat(path, &st), 0);
	close(fd);
	unlink(path);
	/* No socket at all. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(varlink_server_listen(f->server, path, 0600, -1, &err), -EEXIST);
	assert_int_equal(rmdir(path), 0);
}

static void test_listen_elsewhere(void **state)
{
	char long_path[200];
	struct sockaddr_un address;
	struct error err = {0};
	int fd = socket_path(&address), client;

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(varlink_server_listen(f->server, long_path, 0600, -1, &err), -ENAMETOOLONG);
	assert_int_equal(varlink_server_listen(f->server, "/nonexistent/x", 0600, -1, &err), -ENOENT);
	/* Handed over by somebody else. */
	assert_int_equal(varlink_server_listen(f->server, NULL, 0, 0, &err), -EINVAL);
	assert_int_equal(varlink_server_listen(f->server, NULL, 0, fd, &err), -EINVAL); /* does not listen */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(varlink_server_listen(f->server, NULL, 0, fd, &err), 0);
	client = connect_to_path();
	send(client, ECHO, sizeof(ECHO), MSG_NOSIGNAL);
	expect(f, client, "{\"parameters\":{}}");
	close(client);
	unlink(path);
}

/* --- many connections ------------------------------------------------------------------------ */

/* What a child counts of its connections: the others were closed by the server without an answer. */
static int count_served(unsigned n, bool drop_privilege)
{
	int fds[100], served = 0;
	char c;

	if (drop_privilege && getuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 255;
	for (unsigned i = 0; i < n; i++) {
		fds[i] = connect_to_path();
		if (fds[i] < 0)
			return 254;
	}
	for (unsigned i = 0; i < n; i++) {
		send(fds[i], ECHO, sizeof(ECHO), MSG_NOSIGNAL);
		served += recv(fds[i], &c, 1, 0) == 1;
	}
	return served;
}

/* In a child without cmocka's ways out; the parent runs the loop until it has ended. */
static int served_of(unsigned n, bool drop_privilege)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(count_served(n, drop_privilege));
	for (unsigned i = 0; i < 10000; i++) {
		ev_run(f->loop, EVRUN_NOWAIT);
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -2; /* some were neither served nor closed */
}

static void test_connections_of_a_user(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(varlink_server_listen(f->server, path, 0666, -1, &err), 0);
	assert_int_equal(served_of(20, true), 4);
	pump(f);
	assert_int_equal(varlink_server_connections(f->server), 0);
	assert_int_equal(served_of(3, true), 3); /* those that went are not counted any more */
	if (getuid() == 0)
		assert_int_equal(served_of(50, false), 50); /* root is exempt */
}

static void test_connections_of_all_users(void **state)
{
	struct error err = {0};
	int fds[10];

	(void)state;
	assert_int_equal(varlink_server_listen(f->server, path, 0666, -1, &err), 0);
	for (unsigned i = 0; i < 8; i++)
		fds[i] = fixture_connect_as(f, &(struct varlink_peer){.uid = 5000 + i});
	assert_int_equal(served_of(4, true), 2);
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	pump(f);
	assert_int_equal(served_of(4, true), 4);
}

/* Every connection is served or closed, none is left waiting, the loop does not spin, and all is well
 * afterwards. Without privilege it is the headroom kept for the daemon's work that is tested. */
static void test_no_descriptors(void **state)
{
	struct error err = {0};
	struct rlimit old, few;
	unsigned turns;
	int served;

	(void)state;
	assert_int_equal(varlink_server_listen(f->server, path, 0666, -1, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)dup(0) + 8;
	close((int)few.rlim_cur - 8);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned round = 0; round < 2; round++) {
		/* The child needs more than that itself. */
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			setrlimit(RLIMIT_NOFILE, &old);
			_exit(count_served(60, round == 1));
		}
		for (turns = 0; waitpid(pid, &status, WNOHANG) == 0 && turns < 10000; turns++) {
			ev_run(f->loop, EVRUN_NOWAIT);
			usleep(1000);
		}
		assert_true(turns < 10000);
		served = WEXITSTATUS(status);
		assert_in_range(served, 1, 8);
		pump(f);
		assert_int_equal(varlink_server_connections(f->server), 0);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(served_of(2, false), 2);
}

/* Not even the reserve helps: accepting rests instead of spinning, and goes on by itself. */
static void test_accepting_rests(void **state)
{
	struct error err = {0};
	struct rlimit old, none;
	unsigned before;
	int fd;

	(void)state;
	assert_int_equal(varlink_server_listen(f->server, path, 0666, -1, &err), 0);
	fd = connect_to_path();
	assert_true(fd >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	before = ev_iteration(f->loop);
	pump(f);
	assert_false(ev_is_active(&f->server->listener));
	assert_true(ev_is_active(&f->server->pause));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	ev_run(f->loop, EVRUN_ONCE); /* waits for the timer */
	assert_true(ev_iteration(f->loop) - before < 30);
	assert_true(ev_is_active(&f->server->listener));
	send(fd, ECHO, sizeof(ECHO), MSG_NOSIGNAL);
	expect(f, fd, "{\"parameters\":{}}");
	close(fd);
}

static void test_peer(void **state)
{
	struct varlink_peer peer;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(varlink_peer_read(fds[0], (gid_t)-1, &peer), 0);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	assert_false(peer.in_operator_group);
	assert_int_equal(varlink_peer_read(fds[0], getgid(), &peer), 0);
	assert_true(peer.in_operator_group);
	assert_int_equal(varlink_peer_read(fds[0], 123454321, &peer), 0);
	assert_false(peer.in_operator_group);
	close(fds[0]);
	close(fds[1]);
}

/* SO_PEERGROUPS: needs root to be given supplementary groups. */
static void test_peer_supplementary_group(void **state)
{
	const gid_t groups[] = {4711, 4712};
	struct varlink_peer peer;
	int status;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fds[2], ok = setgroups(2, groups) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0;

		ok = ok && varlink_peer_read(fds[0], 4712, &peer) == 0 && peer.in_operator_group;
		ok = ok && varlink_peer_read(fds[0], 4713, &peer) == 0 && !peer.in_operator_group;
		_exit(ok ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL || chmod(directory, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory); /* nothing is left in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad_messages_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_mebibyte_without_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_without_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subscriber_that_never_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangup_behind_a_full_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_large_reply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listen_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listen_on_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listen_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections_of_a_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections_of_all_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accepting_rests, setup, teardown),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_supplementary_group),
	};

	return cmocka_run_group_tests_name("varlink_limits", tests, make_directory, remove_directory);
}
