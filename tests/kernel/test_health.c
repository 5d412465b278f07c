/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HealthTcp= and HealthCmd= against real listeners in a namespace of their own and commands in a box: what is
 * told, when, how often, and that nothing is left when it is freed in the middle. All rows of a table are
 * asked at the same time.
 */
#include "enter.h"
#include "health.h"
#include "lib_box.h"
#include "lib_kernel.h"
#include "survey.h"
#include "transaction.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MS	 UINT64_C(1000)
#define INTERVAL (100 * MS)
#define PATIENT	 (60000 * MS) /* for what shall not time out, with sanitizers on a busy machine */
#define ROWS	 12

static struct ev_loop *loop;
static struct worker_pool *workers;

/* --- what is told ----------------------------------------------------------------------------- */

struct told {
	struct health *health;
	enum health_state state; /* the last one */
	char text[160];
	unsigned times;
	bool frees; /* at once */
};
static struct told told[ROWS];
static size_t n_told;

static void changed(enum health_state state, const char *text, void *data)
{
	struct told *t = data;

	t->state = state;
	t->times++;
	(void)snprintf(t->text, sizeof(t->text), "%s", text);
	if (t->frees) {
		health_free(t->health);
		t->health = NULL;
	}
}

static void ask_for(const struct health_spec *spec)
{
	struct told *t = &told[n_told++];

	assert_true(n_told <= ROWS);
	*t = (struct told){.state = HEALTH_UNKNOWN};
	assert_int_equal(health_new(loop, workers, spec, changed, t, &t->health), 0);
	assert_int_equal(t->times, 0);
}

static bool some_not_told(void)
{
	for (size_t i = 0; i < n_told; i++)
		if (told[i].times == 0)
			return true;
	return false;
}

static void free_all(void)
{
	for (size_t i = 0; i < n_told; i++)
		health_free(told[i].health);
	n_told = 0;
}

static int setup(void **state)
{
	const struct worker_setup threads = {
		.threads = 2, .start = worker_thread_start, .stop = worker_thread_stop};

	(void)state;
	n_told = 0;
	loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	return loop && worker_pool_new(loop, &threads, &workers) == 0 ? 0 : -1;
}

static bool children_left(void)
{
	siginfo_t info = {0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; /* there are some, ended or not */
}

static int teardown(void **state)
{
	(void)state;
	free_all();
	box_stop_all();
	run_while(loop, children_left); /* commands that were killed */
	worker_pool_free(workers);
	ev_loop_destroy(loop);
	return 0;
}

/* --- tcp -------------------------------------------------------------------------------------- */

/* What listens in the namespace, by the thread that is in it. */
static int listener(int family, int backlog, int *ret_port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t size = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, address, size), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, address, &size), 0);
	*ret_port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

/* Nobody accepts, and one connection is all that waits: the next is not answered. */
static int fill(int port)
{
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons((in_port_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&four, sizeof(four)), 0);
	return fd;
}

enum { LISTENS, LISTENS_SIX, REFUSES, FULL, PORTS };
struct net {
	struct space space;
	int sockets[PORTS + 1], ports[PORTS];
};

static struct net net_new(void)
{
	struct net n;
	int home = -1;

	assert_int_equal(netns_open_self(&home, NULL), 0);
	n.space = space_new();
	link_up(&n.space, 1);
	n.sockets[LISTENS] = listener(AF_INET, 16, &n.ports[LISTENS]);
	n.sockets[LISTENS_SIX] = listener(AF_INET6, 16, &n.ports[LISTENS_SIX]);
	n.sockets[REFUSES] = listener(AF_INET, -1, &n.ports[REFUSES]);
	n.sockets[FULL] = listener(AF_INET, 0, &n.ports[FULL]);
	n.sockets[PORTS] = fill(n.ports[FULL]);
	assert_int_equal(netns_enter(home, NULL), 0);
	(void)close(home);
	return n;
}

static void net_free(struct net *n)
{
	for (size_t i = 0; i <= PORTS; i++)
		(void)close(n->sockets[i]);
	space_close(&n->space);
}

static void test_tcp(void **state)
{
	static const struct {
		const char *address;
		int port;
		enum health_state state;
		const char *text; /* behind the address */
		bool times_out;	  /* by the interval */
	} rows[] = {
		{"", LISTENS, HEALTH_HEALTHY, NULL, false},
		{"127.0.0.1:", LISTENS, HEALTH_HEALTHY, NULL, false},
		{"[::1]:", LISTENS_SIX, HEALTH_HEALTHY, NULL, false},
		{"", REFUSES, HEALTH_UNHEALTHY, "Connection refused", false},
		{"[::1]:", LISTENS, HEALTH_UNHEALTHY, "Connection refused", false},
		{"127.0.0.1:", FULL, HEALTH_UNHEALTHY, "timed out after 1s", true},
		{"192.0.2.1:", LISTENS, HEALTH_UNHEALTHY, "Network is unreachable", false},
	};
	const size_t n = sizeof(rows) / sizeof(*rows);
	size_t fds = count_fds();
	struct net net = net_new();
	char text[ROWS][64], expected[1024];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%s%d", rows[i].address, net.ports[rows[i].port]);
		ask_for(&(struct health_spec){.tcp = text[i],
					      .interval = INTERVAL,
					      .timeout = rows[i].times_out ? 0 : PATIENT,
					      .retries = 2,
					      .netns_fd = net.space.fd});
	}
	run_while(loop, some_not_told);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(expected, sizeof(expected), "%s: %s", text[i],
			       rows[i].text ? rows[i].text : "");
		if (told[i].state != rows[i].state || told[i].times != 1 ||
		    strcmp(told[i].text, rows[i].text ? expected : "") != 0)
			fail_msg("%s: %s, %s, %u times", text[i], health_state_to_string(told[i].state),
				 told[i].text, told[i].times);
	}
	free_all();
	worker_pool_drain(workers);
	net_free(&net);
	assert_int_equal(count_fds(), fds);
}

static bool first_is(enum health_state state)
{
	return told[0].state == state;
}
static bool not_healthy(void)
{
	return !first_is(HEALTH_HEALTHY);
}
static bool still_healthy(void)
{
	return first_is(HEALTH_HEALTHY);
}
static bool not_unhealthy(void)
{
	return !first_is(HEALTH_UNHEALTHY);
}

static void test_tcp_comes_and_goes(void **state)
{
	struct net net = net_new();
	char text[32];

	(void)state;
	(void)snprintf(text, sizeof(text), "%d", net.ports[REFUSES]);
	ask_for(&(struct health_spec){.tcp = text,
				      .interval = 20 * MS,
				      .timeout = PATIENT,
				      .retries = 3,
				      .netns_fd = net.space.fd});
	run_while(loop, not_unhealthy);
	assert_int_equal(listen(net.sockets[REFUSES], 16), 0);
	run_while(loop, not_healthy);
	assert_string_equal(told[0].text, "");
	assert_int_equal(shutdown(net.sockets[REFUSES], SHUT_RDWR), 0); /* it listens no more */
	run_while(loop, not_unhealthy);
	assert_int_equal(told[0].times, 3);
	free_all();
	net_free(&net);
}

/* Whichever step it is in: waiting, at a worker, connecting, answered and not yet taken. */
static void test_tcp_freed_in_the_middle(void **state)
{
	struct net net = net_new();
	size_t fds = count_fds();
	char text[PORTS][32];

	(void)state;
	for (int port = 0; port < PORTS; port++)
		(void)snprintf(text[port], sizeof(text[port]), "%s%d", port == LISTENS_SIX ? "[::1]:" : "",
			       net.ports[port]);
	for (unsigned turns = 0; turns < 60; turns++) {
		for (int port = 0; port < PORTS; port++)
			ask_for(&(struct health_spec){.tcp = text[port],
						      .interval = 10 * MS,
						      .retries = 1000000,
						      .netns_fd = net.space.fd});
		for (unsigned i = 0; i < turns % 20; i++)
			(void)ev_run(loop, EVRUN_ONCE);
		free_all();
	}
	worker_pool_drain(workers);
	assert_int_equal(count_fds(), fds);
	net_free(&net);
}

/* A worker goes home again: what follows on it is about the daemon's own namespace. */
struct where {
	struct job job;
	uint64_t cookie;
};
static void where_run(struct job *job, void *thread)
{
	(void)thread;
	((struct where *)job)->cookie = netns_cookie_here();
}
static void where_done(struct job *job)
{
	(void)job;
}

static void test_workers_come_home(void **state)
{
	struct where where[8];
	struct net net = net_new();
	char text[32];

	(void)state;
	(void)snprintf(text, sizeof(text), "%d", net.ports[LISTENS]);
	for (unsigned i = 0; i < 4; i++)
		ask_for(&(struct health_spec){
			.tcp = text, .interval = 10 * MS, .retries = 1, .netns_fd = net.space.fd});
	run_while(loop, some_not_told);
	for (unsigned i = 0; i < 8; i++) {
		where[i] = (struct where){.job = {.run = where_run, .done = where_done}};
		worker_pool_submit(workers, &where[i].job);
	}
	worker_pool_drain(workers);
	for (unsigned i = 0; i < 8; i++)
		assert_true(where[i].cookie == netns_cookie_here());
	free_all();
	net_free(&net);
}

/* --- commands --------------------------------------------------------------------------------- */

static const char *in_box(const struct box *b, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/root/root/%s", (int)b->pid, name);
	return path;
}

static off_t size_in_box(const struct box *b, const char *name)
{
	struct stat st;

	return stat(in_box(b, name), &st) < 0 ? 0 : st.st_size;
}

static void test_commands(void **state)
{
	static const struct {
		char *words[4];
		unsigned retries;
		enum health_state state;
		const char *text;
		uint64_t timeout; /* 0: PATIENT */
	} rows[] = {
		{{"sh", "-c", "exit 0"}, 2, HEALTH_HEALTHY, "", 0},
		{{"/applets/id"}, 2, HEALTH_HEALTHY, "", 0},
		{{"sh", "-c", "[ $(hostname) = inside ] && [ $(id -u) = 0 ]"}, 2, HEALTH_HEALTHY, "", 0},
		{{"sh", "-c", "printf x >>/root/runs; exit 3"}, 3, HEALTH_UNHEALTHY, "exited, status=3", 0},
		{{"sh", "-c", "kill -11 $$"}, 1, HEALTH_UNHEALTHY, "killed, signal=SEGV", 0},
		{{"sh", "-c", "exit 125"}, 1, HEALTH_UNHEALTHY, "exited, status=125", 0},
		{{"nothing-like-it"}, 1, HEALTH_UNHEALTHY, "exited, status=127 (as when it is not found)", 0},
		{{"/applets/not-executable"},
		 1,
		 HEALTH_UNHEALTHY,
		 "exited, status=126 (as when it cannot be executed)",
		 0},
		{{"sleep", "10000"}, 1, HEALTH_UNHEALTHY, "timed out after 3s", 3000 * MS},
		{{"sh", "-c", "sleep 10000 & sleep 10000"},
		 1,
		 HEALTH_UNHEALTHY,
		 "timed out after 3s",
		 3000 * MS},
		/* Its output goes nowhere, and never stops it. */
		{{"sh", "-c", "seq 100000; seq 100000 >&2"}, 1, HEALTH_HEALTHY, "", 0},
	};
	const size_t n = sizeof(rows) / sizeof(*rows);
	size_t fds = count_fds();
	struct box b = box_start(BOX_PLAIN);

	(void)state;
	for (size_t i = 0; i < n; i++)
		ask_for(&(struct health_spec){.command = rows[i].words,
					      .interval = INTERVAL,
					      .timeout = rows[i].timeout ? rows[i].timeout : PATIENT,
					      .retries = rows[i].retries,
					      .leader = b.pid,
					      .leader_pidfd = b.pidfd});
	run_while(loop, some_not_told);
	for (size_t i = 0; i < n; i++)
		if (told[i].state != rows[i].state || told[i].times != 1 ||
		    strcmp(told[i].text, rows[i].text) != 0)
			fail_msg("%s %s: %s, %s, %u times", rows[i].words[0],
				 rows[i].words[2] ? rows[i].words[2] : "",
				 health_state_to_string(told[i].state), told[i].text, told[i].times);
	assert_true(size_in_box(&b, "runs") >= 3); /* not with the first failure */
	free_all();
	box_stop(&b);
	run_while(loop, children_left);
	assert_int_equal(count_fds(), fds);
}

static void test_command_comes_and_goes(void **state)
{
	char *words[] = {"sh", "-c", "[ -e /root/well ]", NULL};
	struct box b = box_start(BOX_PLAIN);

	(void)state;
	ask_for(&(struct health_spec){.command = words,
				      .interval = INTERVAL,
				      .timeout = PATIENT,
				      .retries = 2,
				      .leader = b.pid,
				      .leader_pidfd = b.pidfd});
	run_while(loop, not_unhealthy);
	assert_int_equal(close(open(in_box(&b, "well"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), 0);
	run_while(loop, not_healthy);
	assert_int_equal(told[0].times, 2);
	free_all();
	box_stop(&b);
}

/* That it has gone others tell. */
static void test_what_cannot_be_asked_is_no_illness(void **state)
{
	char *words[] = {"true", NULL};
	struct box b = box_start(BOX_PLAIN);
	char text[128];

	(void)state;
	(void)snprintf(text, sizeof(text), "process %d, the container's init, has ended", (int)b.pid);
	ask_for(&(struct health_spec){.command = words,
				      .interval = INTERVAL,
				      .timeout = PATIENT,
				      .retries = 1,
				      .leader = b.pid,
				      .leader_pidfd = b.pidfd});
	run_while(loop, not_healthy);
	box_stop(&b); /* it has a descriptor of its own */
	run_while(loop, still_healthy);
	assert_int_equal(told[0].state, HEALTH_UNKNOWN);
	assert_string_equal(told[0].text, text);
}

/* The reading end sees the end of all who could write: the command and what it has started. */
static int open_pipe(const struct box *b)
{
	int fd;

	assert_int_equal(mkfifo(in_box(b, "pipe"), 0600), 0);
	fd = open(in_box(b, "pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int pipe_fd;
static bool pipe_said;

static bool nothing_said(void)
{
	return !pipe_said;
}

static void on_pipe(struct ev_loop *l, ev_io *w, int events)
{
	(void)events;
	ev_io_stop(l, w);
	pipe_said = true;
}

static void run_until_pipe_says(void)
{
	ev_io readable;

	pipe_said = false;
	ev_io_init(&readable, on_pipe, pipe_fd, EV_READ);
	ev_io_start(loop, &readable);
	run_while(loop, nothing_said);
	ev_io_stop(loop, &readable);
}

static void assert_all_gone(void)
{
	char text[16];
	struct pollfd poll_for = {.fd = pipe_fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(read(pipe_fd, text, sizeof(text)), 6);
	do {
		assert_int_equal(poll(&poll_for, 1, (int)(DEADLINE * 1000)), 1);
		n = read(pipe_fd, text, sizeof(text));
	} while (n > 0);
	assert_int_equal(n, 0);
}

static char *const begins[] = {"sh", "-c", "exec >/root/pipe; echo begun; sleep 10000 & sleep 10000", NULL};

static void test_timeout_ends_all_of_it(void **state)
{
	struct box b = box_start(BOX_PLAIN);

	(void)state;
	pipe_fd = open_pipe(&b);
	ask_for(&(struct health_spec){.command = begins,
				      .interval = INTERVAL,
				      .timeout = 5000 * MS, /* it has begun by then */
				      .retries = 1,
				      .leader = b.pid,
				      .leader_pidfd = b.pidfd});
	told[0].frees = true; /* from within changed() */
	run_while(loop, some_not_told);
	assert_string_equal(told[0].text, "timed out after 5s");
	assert_null(told[0].health);
	n_told = 0;
	assert_all_gone();
	(void)close(pipe_fd);
	box_stop(&b);
}

static void test_command_freed_in_the_middle(void **state)
{
	size_t fds = count_fds();
	struct box b = box_start(BOX_PLAIN);

	(void)state;
	pipe_fd = open_pipe(&b);
	ask_for(&(struct health_spec){.command = begins,
				      .interval = INTERVAL,
				      .timeout = PATIENT,
				      .retries = 1,
				      .leader = b.pid,
				      .leader_pidfd = b.pidfd});
	run_until_pipe_says();
	free_all();
	assert_int_equal(told[0].times, 0);
	assert_all_gone();
	box_stop(&b);
	run_while(loop, children_left);
	(void)close(pipe_fd);
	assert_int_equal(count_fds(), fds);
}

/* The port is asked first, and the command only where that answers. */
static void test_both(void **state)
{
	char *words[] = {"sh", "-c", "printf x >>/root/runs; exit 4", NULL};
	struct box b = box_start(BOX_PLAIN);
	struct net net = net_new();
	char text[2][32];

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%d", net.ports[i == 0 ? REFUSES : LISTENS]);
		ask_for(&(struct health_spec){.command = words,
					      .tcp = text[i],
					      .interval = INTERVAL,
					      .timeout = PATIENT,
					      .retries = i == 0 ? 2 : 1,
					      .leader = b.pid,
					      .leader_pidfd = b.pidfd,
					      .netns_fd = net.space.fd});
	}
	told[1].frees = true;
	run_while(loop, some_not_told);
	assert_non_null(strstr(told[0].text, "Connection refused"));
	assert_string_equal(told[1].text, "exited, status=4");
	assert_int_equal(size_in_box(&b, "runs"), 1);
	health_free(told[0].health);
	n_told = 0;
	box_stop(&b);
	net_free(&net);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tcp),
		TEST(test_tcp_comes_and_goes),
		TEST(test_tcp_freed_in_the_middle),
		TEST(test_workers_come_home),
		TEST(test_commands),
		TEST(test_command_comes_and_goes),
		TEST(test_what_cannot_be_asked_is_no_illness),
		TEST(test_timeout_ends_all_of_it),
		TEST(test_command_freed_in_the_middle),
		TEST(test_both),
	};

	if (argc > 1 && strcmp(argv[1], ENTER_OPTION) == 0)
		return enter_main(argc, argv);
	sandbox_enter();
	box_prepare();
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
