/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scopes by a real systemd as PID 1, with a real bus: the system test runs this inside a booted Debian. All
 * units have names of this test's own. The bus is reached through a relay that can be stopped and killed, so
 * that nobody else's connection breaks. Two words on the command line make it the daemon of
 * test_daemon_killed().
 */
#include "lib_kernel.h"
#include "scope.h"
#include "str.h"

#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define BUS_SOCKET  "/run/dbus/system_bus_socket"
#define CONNECTIONS 4

static struct ev_loop *loop;
static struct scope_bus *bus;
static struct cgroup_layout layout;
static char directory[64];
static unsigned told;

/* --- helpers -------------------------------------------------------------------------------- */

struct seen {
	unsigned calls;
	int result;
	char cgroup[512];
	struct error err;
};

static void done(int r, const char *cgroup, const struct error *err, void *data)
{
	struct seen *s = data;

	s->calls++;
	s->result = r;
	s->err = *err;
	(void)snprintf(s->cgroup, sizeof(s->cgroup), "%s", cgroup ? cgroup : "");
	told++;
}

static void at_time(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)events;
	(*(unsigned *)w->data)++;
}

/* For showing that nothing happens; not for waiting until it does. */
static void run_for(double seconds)
{
	unsigned over = 0;
	ev_timer t;

	ev_timer_init(&t, at_time, seconds, 0.);
	t.data = &over;
	ev_now_update(loop);
	ev_timer_start(loop, &t);
	run_until(loop, &over, 1);
}

static char *unit(const char *name)
{
	static char *units[32];
	char text[64];
	char *u = NULL;
	size_t i;

	(void)snprintf(text, sizeof(text), "test-%d-%s", (int)getpid(), name);
	assert_int_equal(scope_unit_name(text, &u), 0);
	for (i = 0; i < 32 && units[i] && strcmp(units[i], u) != 0; i++)
		;
	assert_true(i < 32);
	if (units[i])
		free(u);
	else
		units[i] = u;
	return units[i];
}

/* What systemctl and the like print; the exit status. */
static int shell(char *output, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int shell(char *output, size_t size, const char *format, ...)
{
	char command[1024];
	size_t length;
	va_list args;
	FILE *f;

	va_start(args, format);
	length = (size_t)snprintf(command, sizeof(command), "unset DBUS_SYSTEM_BUS_ADDRESS; ");
	(void)vsnprintf(command + length, sizeof(command) - length, format, args);
	va_end(args);
	f = popen(command, "re"); /* NOLINT(cert-env33-c): a test's */
	assert_non_null(f);
	length = fread(output, 1, size - 1, f);
	output[length] = '\0';
	return pclose(f);
}

/* Sleeps until it is killed; on SIGTERM it writes to `fd` and exits 0. */
static int term_fd;
static void on_term(int signal)
{
	(void)signal;
	if (write(term_fd, "T", 1) < 0)
		_exit(1);
	_exit(0);
}

static pid_t sleeper(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		term_fd = fd;
		if (fd >= 0)
			(void)signal(SIGTERM, on_term);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct scope_call *start(struct seen *s, const char *name, pid_t pid)
{
	const struct scope_spec spec = {.name = name, .description = "a test of netnsd", .pid = pid};
	struct scope_call *c = NULL;

	*s = (struct seen){0};
	assert_int_equal(scope_start(bus, &spec, done, s, &c), 0);
	assert_int_equal(s->calls, 0);
	return c;
}

static void start_now(const char *name, pid_t pid)
{
	struct seen s;

	(void)start(&s, name, pid);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
}

static struct seen wait_for(int (*what)(struct scope_bus *, const char *, scope_done_fn *, void *,
					struct scope_call **),
			    const char *name)
{
	struct scope_call *c = NULL;
	struct seen s = {0};

	assert_int_equal(what(bus, name, done, &s, &c), 0);
	assert_int_equal(s.calls, 0);
	run_until(loop, &s.calls, 1);
	return s;
}

static void gone(const char *name)
{
	struct seen s = wait_for(scope_wait_gone, name);

	assert_ok(s.result, &s.err);
}

/* --- the relay ------------------------------------------------------------------------------ */

static pid_t relay_pid = -1;

static bool relay_some(int from, int to)
{
	char buffer[16384];
	ssize_t n = read(from, buffer, sizeof(buffer));

	for (ssize_t at = 0, w; at < n; at += w) {
		w = write(to, buffer + at, (size_t)(n - at));
		if (w <= 0)
			return false;
	}
	return n > 0;
}

static void relay_connect(int listener, struct pollfd *pair)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = BUS_SOCKET};

	pair[0] = (struct pollfd){.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), .events = POLLIN};
	pair[1] = (struct pollfd){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .events = POLLIN};
	if (connect(pair[1].fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
}

static void relay_run(int listener) __attribute__((noreturn));
static void relay_run(int listener)
{
	struct pollfd fds[1 + 2 * CONNECTIONS];
	size_t n = 1;

	fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(fds, n, -1) < 0)
			_exit(1);
		for (size_t i = 1; i < n; i += 2)
			for (size_t k = 0; k < 2; k++)
				if (fds[i].fd >= 0 && fds[i + k].revents &&
				    !relay_some(fds[i + k].fd, fds[i + 1 - k].fd)) {
					close(fds[i].fd);
					close(fds[i + 1].fd);
					fds[i].fd = fds[i + 1].fd = -1;
				}
		if (fds[0].revents && n + 1 < sizeof(fds) / sizeof(*fds)) {
			relay_connect(listener, fds + n);
			fds[n].revents = fds[n + 1].revents = 0;
			n += 2;
		}
	}
}

static void relay_start(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", directory);
	assert_true(fd >= 0);
	(void)unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	relay_pid = fork();
	if (relay_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		relay_run(fd);
	}
	assert_true(relay_pid > 0);
	close(fd);
}

static void relay_stop(void)
{
	if (relay_pid > 0)
		end(relay_pid);
	relay_pid = -1;
}

static int setup(void **state)
{
	(void)state;
	relay_start();
	assert_int_equal(scope_bus_new(loop, &bus), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scope_bus_free(bus);
	bus = NULL;
	relay_stop();
	return 0;
}

/* --- start ---------------------------------------------------------------------------------- */

static void check_file(const char *cgroup, const char *file, const char *expected)
{
	char path[600], text[64] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		print_message("%s is not here: no such controller\n", file);
		return;
	}
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, expected);
	close(fd);
}

static void test_start(void **state)
{
	char *allow[] = {(char *)(uintptr_t) "/dev/net/tun rwm", (char *)(uintptr_t) "char-pts", NULL};
	char text[2048], *name = unit("start"), *path = NULL;
	pid_t pid = sleeper(-1);
	const struct scope_spec spec = {.name = name,
					.description = "netnsd's \"web\"",
					.slice = "netnsd-test.slice",
					.pid = pid,
					.limits = {64 << 20, 100, 500000},
					.device_policy = "closed",
					.device_allow = allow,
					.timeout_stop = 7000000,
					.watched = true};
	struct scope_call *c;
	struct seen s = {0};

	(void)state;
	assert_int_equal(scope_start(bus, &spec, done, &s, &c), 0);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
	assert_true(str_starts_with(s.cgroup, layout.mount));
	assert_int_equal(cgroup_of_pid(pid, &path), 0);
	assert_string_equal(s.cgroup + strlen(layout.mount), path);
	free(path);
	assert_non_null(strstr(s.cgroup, "/netnsd-test.slice/"));
	check_file(s.cgroup, "memory.max", "67108864\n");
	check_file(s.cgroup, "pids.max", "100\n");
	check_file(s.cgroup, "cpu.max", "50000 100000\n");
	assert_int_equal(
		shell(text, sizeof(text),
		      "systemctl show '%s' -p Description,Delegate,CollectMode,KillMode,"
		      "KillSignal,Before,TimeoutStopUSec,DevicePolicy,DeviceAllow,MemoryMax,TasksMax",
		      name),
		0);
	for (const char **p = (const char *[]){"Description=netnsd's \"web\"\n", "Delegate=yes\n",
					       "CollectMode=inactive-or-failed\n", "KillMode=control-group\n",
					       "KillSignal=18\n", "netnsd-shutdown.service",
					       "TimeoutStopUSec=7s\n", "DevicePolicy=closed\n",
					       "DeviceAllow=/dev/net/tun rwm\n", "DeviceAllow=char-pts rwm\n",
					       "MemoryMax=67108864\n", "TasksMax=100\n", NULL};
	     *p; p++)
		if (!strstr(text, *p))
			fail_msg("no %s in:\n%s", *p, text);
	assert_false(cgroup_is_empty(s.cgroup));
	end(pid);
	gone(name);
	assert_int_equal(access(s.cgroup, F_OK), -1);
}

static void test_start_errors(void **state)
{
	char *name = unit("errors");
	pid_t pids[2] = {sleeper(-1), sleeper(-1)};
	struct seen s;

	(void)state;
	start_now(name, pids[0]);
	(void)start(&s, name, pids[1]);
	run_until(loop, &s.calls, 1);
	assert_int_equal(s.result, -EEXIST);
	assert_non_null(strstr(s.err.text, name));
	end(pids[1]);
	(void)start(&s, unit("dead"), pids[1]);
	run_until(loop, &s.calls, 1);
	assert_true(s.result < 0);
	print_message("of a process that has ended: %d: %s\n", s.result, s.err.text);
	(void)start(&s, "netnsd-no-suffix", pids[0]);
	run_until(loop, &s.calls, 1);
	assert_int_equal(s.result, -EINVAL);
	end(pids[0]);
	gone(name);
}

static void test_many_and_cancel(void **state)
{
	struct scope_call *calls[20];
	char names[20][128];
	pid_t pids[20];
	struct seen s[20];

	(void)state;
	told = 0;
	for (size_t i = 0; i < 20; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "netnsd-test-%d-many-%zu.scope", (int)getpid(), i);
		pids[i] = sleeper(-1);
		calls[i] = start(&s[i], names[i], pids[i]);
	}
	scope_cancel(calls[0]); /* before it was sent */
	for (int i = 0; i < 3; i++)
		(void)ev_run(loop, EVRUN_ONCE);
	if (!s[1].calls)
		scope_cancel(calls[1]); /* somewhere on the way */
	scope_cancel(NULL);
	run_until(loop, &told, 18);
	run_for(0.2);
	assert_int_equal(s[0].calls, 0);
	for (size_t i = 0; i < 20; i++) {
		if (i > 1) {
			assert_int_equal(s[i].calls, 1);
			assert_ok(s[i].result, &s[i].err);
		}
		end(pids[i]);
		gone(names[i]);
	}
}

/* --- clear, gone ---------------------------------------------------------------------------- */

static void test_clear(void **state)
{
	char *name = unit("clear"), text[256], failed[64];
	pid_t pid = sleeper(-1);
	struct seen s = {0};
	struct scope_call *c;

	(void)state;
	gone(unit("never"));
	start_now(name, pid);
	scope_clear(bus, name); /* runs: is left alone */
	scope_clear(bus, unit("never"));
	assert_int_equal(scope_wait_gone(bus, name, done, &s, &c), 0);
	run_for(0.5);
	assert_int_equal(s.calls, 0);
	assert_int_equal(kill(pid, 0), 0);
	end(pid);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
	/* One that failed keeps its name. */
	(void)snprintf(failed, sizeof(failed), "netnsd-test-%d-failed.scope", (int)getpid());
	(void)shell(text, sizeof(text),
		    "systemd-run --scope --unit=%s -p RuntimeMaxSec=100ms /bin/sleep 1000 2>&1", failed);
	while (shell(text, sizeof(text), "systemctl is-failed %s", failed) != 0)
		run_for(0.05);
	scope_clear(bus, failed);
	gone(failed);
}

/* --- active --------------------------------------------------------------------------------- */

static void test_active(void **state)
{
	char name[64], fifo[128], text[256];
	struct scope_call *c;
	struct seen s;
	int fd;

	(void)state;
	s = wait_for(scope_wait_active, "basic.target");
	assert_ok(s.result, &s.err);
	s = wait_for(scope_wait_active, "rescue.target"); /* nobody starts it */
	assert_ok(s.result, &s.err);
	s = wait_for(scope_wait_active, "netnsd-test-none.service");
	assert_int_equal(s.result, -ENOENT);
	assert_non_null(strstr(s.err.text, "netnsd-test-none.service"));
	/* One that takes its time. */
	(void)snprintf(name, sizeof(name), "netnsd-test-%d-slow.service", (int)getpid());
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(shell(text, sizeof(text),
			       "systemd-run --quiet --no-block --service-type=oneshot --remain-after-exit "
			       "--unit=%s /bin/sh -c 'read x <%s' 2>&1",
			       name, fifo),
			 0);
	s = (struct seen){0};
	assert_int_equal(scope_wait_active(bus, name, done, &s, &c), 0);
	run_for(0.5);
	assert_int_equal(s.calls, 0);
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(write(fd, "x\n", 2) == 2);
	close(fd);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
	assert_int_equal(shell(text, sizeof(text), "systemctl stop %s 2>&1", name), 0);
	gone(name);
	assert_int_equal(unlink(fifo), 0);
}

/* --- machined ------------------------------------------------------------------------------- */

static bool register_machine(const char *machine, pid_t leader)
{
	char text[512];
	int r = shell(
		text, sizeof(text),
		"busctl call org.freedesktop.machine1 /org/freedesktop/machine1 "
		"org.freedesktop.machine1.Manager RegisterMachine sayssus '%s' 0 test container %d '' 2>&1",
		machine, (int)leader);

	if (r != 0)
		print_message("%s", text);
	return r == 0;
}

static void test_machine(void **state)
{
	char *name = unit("machine"), other[64], machine[64], text[256];
	pid_t pid = sleeper(-1);
	struct scope_call *c;
	struct seen s;
	double before;

	(void)state;
	(void)snprintf(machine, sizeof(machine), "test-%d", (int)getpid());
	s = wait_for(scope_wait_machine_gone, machine);
	assert_ok(s.result, &s.err);
	if (shell(text, sizeof(text), "systemctl cat systemd-machined.service") != 0) {
		print_message("no machined: the rest is not tested\n");
		end(pid);
		return;
	}
	/* It goes by itself. */
	start_now(name, pid);
	assert_true(register_machine(machine, pid));
	s = (struct seen){0};
	assert_int_equal(scope_wait_machine_gone(bus, machine, done, &s, &c), 0);
	run_for(0.3);
	assert_int_equal(s.calls, 0);
	end(pid);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
	gone(name);
	/* It does not, and is ours. */
	pid = sleeper(-1);
	start_now(name, pid);
	assert_true(register_machine(machine, pid));
	before = now_us();
	s = wait_for(scope_wait_machine_gone, machine);
	assert_ok(s.result, &s.err);
	assert_true(now_us() - before >= 2.9e6);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	gone(name);
	/* A stranger's. */
	pid = sleeper(-1);
	(void)snprintf(other, sizeof(other), "stranger-test-%d.scope", (int)getpid());
	start_now(other, pid);
	assert_true(register_machine(machine, pid));
	s = wait_for(scope_wait_machine_gone, machine);
	assert_int_equal(s.result, -ETIMEDOUT);
	assert_non_null(strstr(s.err.text, machine));
	assert_non_null(strstr(s.err.text, other));
	assert_int_equal(kill(pid, 0), 0);
	end(pid);
	gone(other);
}

/* --- the bus breaks ------------------------------------------------------------------------- */

static void test_bus_breaks(void **state)
{
	char *names[] = {unit("b0"), unit("b1"), unit("b2")};
	pid_t pids[] = {sleeper(-1), sleeper(-1), sleeper(-1)};
	struct seen waits = {0}, s;
	struct scope_call *c;

	(void)state;
	start_now(names[0], pids[0]);
	assert_int_equal(scope_wait_gone(bus, names[0], done, &waits, &c), 0);
	run_for(0.1);
	/* Whether systemd got it cannot be known. */
	assert_int_equal(kill(relay_pid, SIGSTOP), 0);
	(void)start(&s, names[1], pids[1]);
	run_for(0.1);
	relay_stop();
	run_until(loop, &s.calls, 1);
	assert_int_equal(s.result, -ECONNRESET);
	/* Nobody answers: it is asked once somebody does. What waits goes on. */
	(void)start(&s, names[2], pids[2]);
	run_for(1.2);
	assert_int_equal(s.calls, 0);
	assert_int_equal(waits.calls, 0);
	end(pids[0]);
	relay_start();
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
	run_until(loop, &waits.calls, 1);
	assert_ok(waits.result, &waits.err);
	for (int i = 1; i < 3; i++) {
		end(pids[i]);
		gone(names[i]);
	}
	/* Freed with all kinds under way, stopped and not. */
	(void)start(&s, names[0], pids[0]);
	scope_clear(bus, names[0]);
	assert_int_equal(scope_wait_machine_gone(bus, "none", done, &waits, &c), 0);
	assert_int_equal(scope_wait_active(bus, "rescue.target", done, &waits, &c), 0);
	waits.calls = 0;
	(void)ev_run(loop, EVRUN_ONCE);
	scope_bus_free(bus);
	run_for(0.1);
	assert_int_equal(s.calls + waits.calls, 0);
	assert_int_equal(scope_bus_new(loop, &bus), 0);
}

static void test_bus_never(void **state)
{
	struct seen s;

	(void)state;
	relay_stop();
	told = 0;
	(void)start(&s, unit("nobus"), getpid());
	run_until(loop, &s.calls, 1);
	assert_int_equal(s.result, -ETIMEDOUT);
	assert_non_null(strstr(s.err.text, "bus cannot be reached"));
}

/* The connection is closed when nobody wants anything. */
static void test_idle(void **state)
{
	size_t before = count_fds();

	(void)state;
	gone(unit("never"));
	assert_true(count_fds() > before); /* sd-bus may keep more than the socket */
	run_for(10.5);
	assert_int_equal(count_fds(), before);
	gone(unit("never"));
}

/* --- what a scope is for -------------------------------------------------------------------- */

static void test_stop_is_clean(void **state)
{
	char *name = unit("stop"), text[256], byte = 0;
	int fds[2], status;
	double before;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = sleeper(fds[1]);
	start_now(name, pid);
	before = now_us();
	assert_int_equal(shell(text, sizeof(text), "systemctl stop '%s' 2>&1", name), 0);
	print_message("systemctl stop: %.0f ms\n", (now_us() - before) / 1e3);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(read(fds[0], &byte, 1) == 1 && byte == 'T');
	gone(name);
	close(fds[0]);
	close(fds[1]);
}

struct stops {
	const char *name;
	unsigned calls;
};

static void stopping(const char *name, void *data)
{
	struct stops *stops = data;

	if (str_equal(name, stops->name))
		stops->calls++;
}

static void start_watched(const char *name, pid_t pid)
{
	const struct scope_spec spec = {.name = name, .pid = pid, .watched = true};
	struct scope_call *c = NULL;
	struct seen s = {0};

	assert_int_equal(scope_start(bus, &spec, done, &s, &c), 0);
	run_until(loop, &s.calls, 1);
	assert_ok(s.result, &s.err);
}

/* Told, now and after the connection broke; and nobody got a signal that means anything. */
static void test_watch(void **state)
{
	char *name = unit("watched"), *other = unit("other"), text[256];
	pid_t pids[] = {sleeper(-1), sleeper(-1), sleeper(-1)};
	struct stops stops = {.name = name};

	(void)state;
	start_watched(name, pids[0]);
	scope_watch(bus, stopping, &stops);
	start_now(other, pids[1]);
	assert_int_equal(shell(text, sizeof(text), "systemctl stop '%s' 2>&1", other), 0);
	assert_int_equal(waitpid(pids[1], NULL, 0), pids[1]);
	run_for(0.1);
	assert_int_equal(stops.calls, 0);
	assert_int_equal(shell(text, sizeof(text), "systemctl stop --no-block '%s' 2>&1", name), 0);
	run_until(loop, &stops.calls, 1);
	run_for(0.1);
	assert_int_equal(waitpid(pids[0], NULL, WNOHANG), 0);
	end(pids[0]);
	gone(name);

	start_watched(name, pids[2]);
	relay_stop();
	run_for(0.1);
	assert_int_equal(shell(text, sizeof(text), "systemctl stop --no-block '%s' 2>&1", name), 0);
	stops.calls = 0;
	relay_start();
	run_until(loop, &stops.calls, 1);
	assert_int_equal(waitpid(pids[2], NULL, WNOHANG), 0);
	end(pids[2]);
	gone(name);
}

/* Makes a scope, tells its process, sleeps. */
static int be_daemon(const char *name, const char *file)
{
	pid_t pid = fork();
	FILE *f;

	if (pid == 0)
		for (;;)
			(void)pause();
	loop = ev_loop_new(EVFLAG_AUTO);
	if (scope_bus_new(loop, &bus) < 0)
		return 1;
	start_now(name, pid);
	f = fopen(file, "we");
	if (!f || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f) != 0)
		return 1;
	for (;;)
		(void)pause();
}

static void test_daemon_killed(void **state)
{
	char *name = unit("survivor"), text[1024], fifo[128], service[64], self[256] = "", line[64] = "";
	char *path = NULL;
	FILE *f;
	pid_t pid;

	(void)state;
	(void)snprintf(service, sizeof(service), "netnsd-test-%d-daemon.service", (int)getpid());
	(void)snprintf(fifo, sizeof(fifo), "%s/told", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(
		shell(text, sizeof(text),
		      "systemd-run --quiet --collect --unit=%s -E LD_LIBRARY_PATH -E ASAN_OPTIONS %s "
		      "'%s' %s 2>&1",
		      service, self, name, fifo),
		0);
	f = fopen(fifo, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	pid = (pid_t)strtol(line, NULL, 10);
	assert_true(pid > 1);
	(void)fclose(f);
	assert_int_equal(shell(text, sizeof(text), "systemctl kill -s KILL %s 2>&1", service), 0);
	gone(service);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(cgroup_of_pid(pid, &path), 0);
	assert_true(str_ends_with(path, name));
	free(path);
	/* A daemon that comes back finds the name taken, and can end it. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	gone(name);
	assert_int_equal(unlink(fifo), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_and_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clear, setup, teardown),
		cmocka_unit_test_setup_teardown(test_active, setup, teardown),
		cmocka_unit_test_setup_teardown(test_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bus_breaks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bus_never, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_is_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_daemon_killed, setup, teardown),
	};
	struct error err = {0};
	char address[128];
	size_t before;
	int failed;

	if (geteuid() != 0)
		skip_all("needs root");
	if (!scope_available())
		skip_all("systemd is not PID 1 here, or there is no system bus");
	if (argc == 3)
		return be_daemon(argv[1], argv[2]);
	if (cgroup_find_layout(&layout, &err) < 0)
		skip_all("%s", err.text);
	(void)alarm(600);
	(void)snprintf(directory, sizeof(directory), "/run/netnsd-test-XXXXXX");
	if (!mkdtemp(directory))
		skip_all("cannot make %s: %s", directory, strerror(errno));
	(void)snprintf(address, sizeof(address), "unix:path=%s/bus", directory);
	(void)setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	loop = ev_loop_new(EVFLAG_AUTO);
	before = count_fds();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (count_fds() != before) {
		printf("%zu descriptors, expected %zu\n", count_fds(), before);
		failed++;
	}
	ev_loop_destroy(loop);
	(void)snprintf(address, sizeof(address), "%s/bus", directory);
	(void)unlink(address);
	(void)rmdir(directory);
	return failed;
}
