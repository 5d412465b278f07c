/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children against the real kernel: what they get and what they do not, how their end is told, and that they
 * end with a daemon that dies before it let them go.
 */
#include "lib_kernel.h"
#include "process.h"

#include <dirent.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct ev_loop *loop;
static unsigned ended; /* how many exited() calls */

struct end {
	int code, status;
	unsigned calls;
	char failure[128];
};

static void exited(struct process *p, int code, int status, void *data)
{
	struct end *e = data;

	assert_int_equal(process_signal(p, 0), -ESRCH);
	*e = (struct end){code, status, e->calls + 1, ""};
	if (process_failure(p))
		(void)snprintf(e->failure, sizeof(e->failure), "%s", process_failure(p));
	ended++;
	ev_break(loop, EVBREAK_ONE);
}

static char **words(const char *first, ...)
{
	static char *v[8];
	va_list args;
	size_t n = 0;

	va_start(args, first);
	for (const char *w = first; w; w = va_arg(args, const char *))
		v[n++] = (char *)(uintptr_t)w;
	va_end(args);
	v[n] = NULL;
	return v;
}

static int output_file(void)
{
	int fd = open("/run/output", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static const char *read_all(int fd)
{
	static char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static char *const no_environment[] = {NULL};

static struct process *spawn(struct process_spec *spec, struct end *end)
{
	struct process *p = NULL;
	struct error err = {0};

	*end = (struct end){0};
	if (!spec->environment)
		spec->environment = no_environment;
	assert_ok(process_spawn(loop, spec, exited, end, &p, &err), &err);
	return p;
}

/* Starts, lets go, waits, frees. */
static struct end run(struct process_spec *spec)
{
	struct end end;
	struct process *p;
	int r;

	ended = 0;
	p = spawn(spec, &end);
	r = process_release(p);
	assert_true(r == 0 || r == -ESRCH); /* one that cannot even begin may have ended already */
	assert_int_equal(process_release(p), -EALREADY);
	run_until(loop, &ended, 1);
	assert_int_equal(end.calls, 1);
	process_free(p);
	return end;
}

static struct end run_shell(const char *script, int output)
{
	return run(&(struct process_spec){.argv = words("/bin/sh", "-c", script, NULL), .output = output});
}

static int setup(void **state)
{
	(void)state;
	ended = 0;
	loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ev_loop_destroy(loop);
	/* No child is left, not even a zombie. */
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static void test_environment_and_output(void **state)
{
	char *const environment[] = {"A=1", "B=two words", NULL};
	int fd = output_file();
	struct end end;

	(void)state;
	(void)setenv("LEAKED", "yes", 1);
	end = run(&(struct process_spec){
		.argv = words("/usr/bin/env", NULL), .environment = environment, .output = fd});
	assert_int_equal(end.code, CLD_EXITED);
	assert_int_equal(end.status, 0);
	assert_string_equal(read_all(fd), "A=1\nB=two words\n");
	assert_int_equal(run_shell("echo out; echo err >&2; read x || echo no input; exit 7", fd).status, 7);
	assert_string_equal(read_all(fd) + strlen("A=1\nB=two words\n"), "out\nerr\nno input\n");
	close(fd);
	assert_int_equal(run_shell("echo nobody reads this", -1).status, 0);
}

static void test_ends(void **state)
{
	static const struct {
		const char *script;
		int code, status;
		const char *text;
	} rows[] = {
		{"exit 0", CLD_EXITED, 0, "exited, status=0"},
		{"exit 133", CLD_EXITED, 133, "exited, status=133"},
		{"exit 255", CLD_EXITED, 255, "exited, status=255"},
		{"kill -TERM $$", CLD_KILLED, SIGTERM, "killed, signal=TERM"},
		{"ulimit -c 0; kill -SEGV $$", 0, SIGSEGV, NULL}, /* dumped or not: as the machine has it */
		{"kill -36 $$", CLD_KILLED, 36, "killed, signal=36"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct end end = run_shell(rows[i].script, -1);

		if (rows[i].text) {
			assert_int_equal(end.code, rows[i].code);
			assert_string_equal(exit_code_to_string(end.code, end.status, text, sizeof(text)),
					    rows[i].text);
		}
		assert_int_equal(end.status, rows[i].status);
	}
	assert_string_equal(exit_code_to_string(CLD_DUMPED, SIGABRT, text, sizeof(text)),
			    "dumped, signal=ABRT");
	assert_string_equal(exit_code_to_string(0, 0, text, sizeof(text)), "ended, status unknown");
}

static void test_cannot_exec(void **state)
{
	int fd = output_file(), plain = open("/run/plain", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct end end;

	(void)state;
	close(plain);
	end = run(&(struct process_spec){.argv = words("/run/missing", NULL), .output = fd});
	assert_int_equal(end.code, CLD_EXITED);
	assert_int_equal(end.status, 203);
	assert_string_equal(end.failure, "cannot execute /run/missing: No such file or directory");
	end = run(&(struct process_spec){.argv = words("/run/plain", "x", NULL), .output = fd});
	assert_int_equal(end.status, 203);
	assert_string_equal(end.failure, "cannot execute /run/plain: Permission denied");
	assert_string_equal(read_all(fd), "netnsd: cannot execute /run/missing: No such file or directory\n"
					  "netnsd: cannot execute /run/plain: Permission denied\n");
	close(fd);
	(void)unlink("/run/plain");
}

static void test_bad_specification(void **state)
{
	struct process_spec spec = {
		.argv = words("/bin/true", NULL), .environment = no_environment, .output = -1};
	struct process *p = NULL;
	struct error err = {0};
	struct end end;

	(void)state;
	spec.n_keep = 9;
	assert_int_equal(process_spawn(loop, &spec, exited, &end, &p, &err), -EINVAL);
	spec.n_keep = 0;
	spec.journal_identifier = "netnsd/x\n6";
	assert_int_equal(process_spawn(loop, &spec, exited, &end, &p, &err), -EINVAL);
	assert_null(p);
	/* A descriptor that is not open. */
	spec = (struct process_spec){
		.argv = words("/bin/true", NULL), .output = -1, .keep = {999}, .n_keep = 1};
	end = run(&spec);
	assert_int_equal(end.status, 202);
	assert_string_equal(end.failure, "cannot duplicate a descriptor it is to have: Bad file descriptor");
	spec = (struct process_spec){.argv = words("/bin/true", NULL), .output = 999};
	end = run(&spec);
	assert_int_equal(end.status, 202);
	assert_string_equal(end.failure, "cannot duplicate its output: Bad file descriptor");
	/* It is the program's own status. */
	assert_string_equal(run_shell("exit 203", -1).failure, "");
}

/* The line of /proc/PID/status that begins with this word. */
static unsigned long long status_of(pid_t pid, const char *word)
{
	char path[64], line[256];
	unsigned long long value = ~0ULL;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, word, strlen(word)) == 0)
			value = strtoull(line + strlen(word), NULL, 16);
	(void)fclose(f);
	return value;
}

/* The shell keeps descriptors of its own until it has executed it. */
static void await_program(pid_t pid, const char *program)
{
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	for (unsigned i = 0; i < 10000 && strcmp(name, program) != 0; i++) {
		f = fopen(path, "re");
		assert_non_null(f);
		assert_non_null(fgets(name, sizeof(name), f));
		name[strcspn(name, "\n")] = '\0';
		(void)fclose(f);
		(void)usleep(1000);
	}
	assert_string_equal(name, program);
}

static void check_descriptors(pid_t pid, int highest)
{
	char path[64], target[64] = "";
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			assert_in_range(atoi(e->d_name), 0, highest);
	(void)closedir(d);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/null");
}

static int moved(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	assert_true(high >= 100);
	close(fd);
	return high;
}

#define PLACES 8

/* Eight files with low numbers, the last of them a pipe's end: in reverse order, so that each is to go where
 * another one still is. */
static void open_places(int places[PLACES], int write_end)
{
	char path[32];

	for (int i = 0; i < PLACES - 1; i++) {
		(void)snprintf(path, sizeof(path), "/run/place-%d", i);
		places[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_true(places[i] >= 0);
	}
	places[PLACES - 1] = dup(write_end);
	assert_in_range(places[0], 3, 3 + PLACES - 1); /* else it tests nothing */
}

static void check_places(pid_t pid)
{
	char path[64], target[64], expected[32];

	for (int i = 1; i < PLACES; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, 3 + i);
		(void)snprintf(expected, sizeof(expected), "/run/place-%d", PLACES - 1 - i);
		memset(target, 0, sizeof(target));
		assert_true(readlink(path, target, sizeof(target) - 1) > 0);
		assert_string_equal(target, expected);
		assert_int_equal(unlink(expected), 0);
	}
}

/* As a daemon has them: signals ignored and blocked, the limit raised, a stray descriptor without CLOEXEC. */
static struct process *spawn_from_a_mess(struct process_spec *spec, struct end *end)
{
	struct rlimit limit = {0}, raised;
	int stray = dup(0);
	struct process *p;
	sigset_t set;

	(void)signal(SIGUSR1, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &raised), 0);
	p = spawn(spec, end);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(stray);
	return p;
}

static void test_what_it_inherits(void **state)
{
	struct process_spec spec = {
		.argv = words("/bin/sh", "-c",
			      "ulimit -Sn >&4; umask >&4; pwd >&4; echo ready >&3; exec sleep 1000", NULL),
		.output = -1,
		.n_keep = PLACES};
	int pipe_fds[2], places[PLACES];
	char text[16] = "";
	struct process *p;
	struct end end;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++)
		pipe_fds[i] = moved(pipe_fds[i]);
	open_places(places, pipe_fds[1]);
	for (int i = 0; i < PLACES; i++)
		spec.keep[i] = places[PLACES - 1 - i];
	p = spawn_from_a_mess(&spec, &end);
	pid = process_pid(p);
	assert_int_equal(process_release(p), 0);
	assert_true(read(pipe_fds[0], text, sizeof(text)) == 6);
	assert_string_equal(read_all(places[PLACES - 2]), "1024\n0022\n/\n");
	await_program(pid, "sleep");
	check_descriptors(pid, 3 + PLACES - 1);
	check_places(pid);
	assert_int_equal(status_of(pid, "SigIgn:"), 0);
	assert_int_equal(status_of(pid, "SigBlk:"), 0);
	assert_int_equal(getsid(pid), pid);
	assert_int_equal(process_signal(p, SIGTERM), 0);
	run_until(loop, &ended, 1);
	assert_int_equal(end.code, CLD_KILLED);
	assert_int_equal(end.status, SIGTERM);
	process_free(p);
	for (int i = 0; i < PLACES; i++)
		close(places[i]);
	for (int i = 0; i < 2; i++)
		close(pipe_fds[i]);
}

static void test_hundred_at_once(void **state)
{
	struct process *p[100];
	struct end ends[100];
	char scripts[100][32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(scripts[i], sizeof(scripts[i]), "exit %d", i);
		p[i] = spawn(&(struct process_spec){.argv = words("/bin/sh", "-c", scripts[i], NULL),
						    .output = -1},
			     &ends[i]);
	}
	assert_int_equal(ended, 0);
	for (int i = 99; i >= 0; i--)
		assert_int_equal(process_release(p[i]), 0);
	run_until(loop, &ended, 100);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ends[i].calls, 1);
		assert_int_equal(ends[i].code, CLD_EXITED);
		assert_int_equal(ends[i].status, i);
		process_free(p[i]);
	}
}

static void test_never_released(void **state)
{
	int fd = output_file();
	struct process *p;
	struct end end;
	pid_t pid;

	(void)state;
	p = spawn(&(struct process_spec){.argv = words("/bin/echo", "ran", NULL), .output = fd}, &end);
	pid = process_pid(p);
	process_free(p);
	assert_int_equal(kill(pid, 0), -1); /* gone and reaped */
	assert_int_equal(errno, ESRCH);
	assert_string_equal(read_all(fd), "");
	assert_int_equal(end.calls, 0);
	/* One that somebody kills while it waits. */
	p = spawn(&(struct process_spec){.argv = words("/bin/echo", "ran", NULL), .output = fd}, &end);
	assert_int_equal(process_signal(p, SIGKILL), 0);
	run_until(loop, &ended, 1);
	assert_int_equal(end.code, CLD_KILLED);
	assert_int_equal(end.status, SIGKILL);
	assert_int_equal(process_release(p), -ESRCH);
	process_free(p);
	close(fd);
}

/* The daemon dies with two that wait: neither may hold the other's pipe open. */
static void test_daemon_dies(void **state)
{
	int pipe_fds[2], fd = output_file(), pidfds[2];
	pid_t pids[2] = {0, 0}, daemon_pid;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		struct process_spec spec = {
			.argv = words("/bin/echo", "ran", NULL), .environment = no_environment, .output = fd};
		struct process *p;
		struct end end;

		for (int i = 0; i < 2; i++) {
			if (process_spawn(loop, &spec, exited, &end, &p, NULL) < 0)
				_exit(1);
			pids[i] = process_pid(p);
		}
		if (write(pipe_fds[1], pids, sizeof(pids)) != sizeof(pids))
			_exit(1);
		(void)pause();
		_exit(1);
	}
	assert_true(read(pipe_fds[0], pids, sizeof(pids)) == sizeof(pids));
	for (int i = 0; i < 2; i++) {
		pidfds[i] = pidfd_open(pids[i], 0);
		assert_true(pidfds[i] >= 0); /* they wait */
	}
	assert_int_equal(kill(daemon_pid, SIGKILL), 0);
	assert_int_equal(waitpid(daemon_pid, NULL, 0), daemon_pid);
	for (int i = 0; i < 2; i++) {
		struct pollfd poll_for = {.fd = pidfds[i], .events = POLLIN};

		assert_int_equal(poll(&poll_for, 1, (int)(DEADLINE * 1000)), 1);
		close(pidfds[i]);
	}
	assert_string_equal(read_all(fd), "");
	close(fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Somebody else's child: its parent reaps it, or does not. */
static pid_t others_child(bool reap, int *ret_go, pid_t *ret_parent)
{
	int go[2], tell[2];
	pid_t pid = 0;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	*ret_parent = fork();
	if (*ret_parent == 0) {
		char byte;

		(void)close(go[1]);
		pid = fork();
		if (pid == 0)
			_exit(read(go[0], &byte, 1) == 1 ? 7 : 8);
		if (write(tell[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		if (reap)
			(void)waitpid(pid, NULL, 0);
		(void)pause();
		_exit(0);
	}
	assert_true(read(tell[0], &pid, sizeof(pid)) == sizeof(pid));
	close(tell[0]);
	close(tell[1]);
	close(go[0]);
	*ret_go = go[1];
	return pid;
}

static void adopt_one(bool reap)
{
	struct end end = {0};
	struct process *p = NULL;
	pid_t parent, pid;
	int go, pidfd;

	ended = 0;
	pid = others_child(reap, &go, &parent);
	pidfd = pidfd_open(pid, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(process_adopt(loop, pidfd, pid, exited, &end, &p), 0);
	close(pidfd);
	assert_int_equal(process_pid(p), pid);
	assert_int_equal(process_signal(p, 0), 0);
	assert_true(write(go, "", 1) == 1);
	run_until(loop, &ended, 1);
	if (reap && end.code != 0) { /* Linux 6.15 */
		assert_int_equal(end.code, CLD_EXITED);
		assert_int_equal(end.status, 7);
	} else {
		assert_int_equal(end.code, 0);
	}
	process_free(p);
	close(go);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
}

static void test_adopt(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		adopt_one(true);
	adopt_one(false);
}

static int journal_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/stdout"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)mkdir("/run/systemd", 0755);
	(void)mkdir("/run/systemd/journal", 0755);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void test_journal(void **state)
{
	struct process_spec spec = {.argv = words("/bin/sh", "-c", "echo hello; echo there >&2", NULL),
				    .output = -1,
				    .journal_identifier = "netnsd/web"};
	char text[256] = "";
	struct process *p;
	struct end end;
	struct ucred from;
	socklen_t size = sizeof(from);
	size_t length = 0;
	ssize_t n;
	int fd, s;

	(void)state;
	assert_int_equal(run(&spec).status, 0); /* there is none: it runs all the same */
	ended = 0;
	fd = journal_listen();
	p = spawn(&spec, &end);
	assert_int_equal(process_release(p), 0);
	run_until(loop, &ended, 1);
	assert_int_equal(end.status, 0);
	s = accept(fd, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &from, &size), 0);
	assert_int_equal(from.pid, process_pid(p)); /* not us: the unit is looked up by it */
	while ((n = read(s, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	assert_string_equal(text, "netnsd/web\n\n6\n0\n0\n0\n0\nhello\nthere\n");
	process_free(p);
	close(s);
	close(fd); /* a socket that nobody answers at */
	assert_int_equal(run(&spec).status, 0);
	(void)unlink("/run/systemd/journal/stdout");
}

/* Other threads hold every lock there is at the moment of the fork. */
static bool stop_threads;

static void *busy(void *data)
{
	(void)data;
	while (!__atomic_load_n(&stop_threads, __ATOMIC_RELAXED)) {
		FILE *f = fopen("/dev/null", "we");

		free(malloc(1000));
		if (f) {
			(void)fprintf(f, "%d", 1);
			(void)fclose(f);
		}
	}
	return NULL;
}

static void test_with_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	stop_threads = false;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, busy, NULL), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(
			run(&(struct process_spec){.argv = words("/bin/true", NULL), .output = -1}).status,
			0);
	__atomic_store_n(&stop_threads, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* Neither descriptors nor processes are left when it cannot be done. */
static void test_no_descriptors(void **state)
{
	struct process_spec spec = {
		.argv = words("/bin/true", NULL), .environment = no_environment, .output = -1};
	struct rlimit limit, low;
	struct error err = {0};
	struct process *p = NULL;
	size_t before = count_fds();
	struct end end;
	int spare = dup(0), e;

	(void)state;
	assert_true(spare >= 0);
	close(spare);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int room = 0; room < 4; room++) {
		low = (struct rlimit){(rlim_t)(spare + room), limit.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		e = process_spawn(loop, &spec, exited, &end, &p, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		assert_int_equal(e, -EMFILE);
		assert_non_null(strstr(err.text, "/bin/true"));
		assert_int_equal(count_fds(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_environment_and_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_specification, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_it_inherits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hundred_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_released, setup, teardown),
		cmocka_unit_test_setup_teardown(test_daemon_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_with_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
	};
	size_t before;
	int failed;

	sandbox_enter();
	before = count_fds();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (count_fds() != before) {
		printf("%zu descriptors, expected %zu\n", count_fds(), before);
		failed++;
	}
	return failed;
}
