/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cgroups against the real kernel, below one of this test's own: made with what an earlier run left, killed
 * whatever runs in it, reported empty exactly once, removed; devices as a program of ours allows them.
 */
#include "../lib/deny_inotify.h"
#include "cgroup.h"
#include "lib_kernel.h"
#include "str.h"

#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static struct cgroup_layout layout;
static struct ev_loop *loop;
static char base[2048];

/* The same text for the same name, for as long as the test runs. */
static char *in_base(const char *name)
{
	static char *paths[64];
	char *path;
	size_t i;

	assert_true(asprintf(&path, "%s/%s", base, name) > 0);
	for (i = 0; i < 64 && paths[i] && strcmp(paths[i], path) != 0; i++)
		;
	assert_true(i < 64);
	if (paths[i])
		free(path);
	else
		paths[i] = path;
	return paths[i];
}

static void make(const char *path)
{
	struct error err = {0};
	char missing[64];

	assert_ok(cgroup_make(path, NULL, missing, sizeof(missing), &err), &err);
	assert_string_equal(missing, "");
}

static char *content(const char *path, const char *file)
{
	static char text[4096];
	char name[4200];
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "%s/%s", path, file);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void put(const char *path, const char *file, const char *text)
{
	char name[4200];
	int fd;

	(void)snprintf(name, sizeof(name), "%s/%s", path, file);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A child in this cgroup that sleeps until it is killed. */
static pid_t sleeper(const char *path)
{
	struct error err = {0};
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	assert_ok(cgroup_attach(path, pid, &err), &err);
	return pid;
}

static void reap_killed(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* --- the loop ------------------------------------------------------------------------------- */

struct seen {
	unsigned calls;
	const char *path; /* was empty then */
	struct cgroup_watch *free[2];
};
static unsigned fired;

static void on_empty(struct cgroup_watch *w, void *data)
{
	struct seen *s = data;

	(void)w;
	s->calls++;
	fired++;
	assert_true(cgroup_is_empty(s->path));
	for (size_t i = 0; i < 2; i++) {
		cgroup_watch_free(s->free[i]);
		s->free[i] = NULL;
	}
}

/* Whatever is there to be done now; nothing is waited for. */
static void run_some(void)
{
	for (int i = 0; i < 10; i++)
		(void)ev_run(loop, EVRUN_NOWAIT);
}

static struct cgroup_watch *watch(struct seen *s, const char *path)
{
	struct cgroup_watch *w = NULL;

	*s = (struct seen){.path = path};
	assert_int_equal(cgroup_watch_new(loop, path, on_empty, s, &w), 0);
	assert_int_equal(s->calls, 0);
	return w;
}

/* Reaped is not yet out of it: that may come a little later. */
static void wait_empty(const char *path)
{
	unsigned before = fired;
	struct seen s;
	struct cgroup_watch *w = watch(&s, path);

	run_until(loop, &fired, before + 1);
	cgroup_watch_free(w);
}

static int setup(void **state)
{
	(void)state;
	fired = 0;
	return 0;
}

/* --- layout and names ----------------------------------------------------------------------- */

static void test_layout(void **state)
{
	char line[2048];
	char *own = NULL;

	(void)state;
	assert_int_equal(cgroup_of_pid(0, &own), 0);
	(void)snprintf(line, sizeof(line), "0::%s\n", own);
	assert_non_null(strstr(content("/proc/self", "cgroup"), line));
	free(own);
	own = NULL;
	assert_int_equal(cgroup_of_pid(getpid(), &own), 0);
	assert_string_equal(own, layout.own);
	free(own);
	assert_int_equal(cgroup_of_pid(-1, &own), -ESRCH);
	assert_int_equal(cgroup_of_pid(0x3fffffff, &own), -ESRCH);
	assert_non_null(content(layout.mount, "cgroup.procs"));
}

/* A zombie stays in a cgroup that was removed. */
static void test_of_pid_removed(void **state)
{
	char *path = in_base("gone"), *own = NULL;
	siginfo_t info;
	pid_t pid;

	(void)state;
	make(path);
	pid = sleeper(path);
	assert_int_equal(cgroup_of_pid(pid, &own), 0);
	assert_true(str_ends_with(own, "/gone"));
	free(own);
	assert_int_equal(cgroup_kill(path), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	wait_empty(path);
	assert_int_equal(cgroup_remove(path), 0);
	own = NULL;
	assert_int_equal(cgroup_of_pid(pid, &own), -ENOENT);
	assert_null(own);
	reap_killed(pid);
}

static void test_path(void **state)
{
	static const struct {
		const char *own, *name, *path;
	} rows[] = {
		{"/", "web", "/sys/fs/cgroup/containers/web"},
		{"/a.slice/b", "web-1", "/sys/fs/cgroup/a.slice/b/containers/web-1"},
		{"/", "memory.max", "/sys/fs/cgroup/containers/_memory.max"},
		{"/", "cgroup.procs", "/sys/fs/cgroup/containers/_cgroup.procs"},
		{"/", "_memory.max", "/sys/fs/cgroup/containers/__memory.max"},
		{"/", "A b", "/sys/fs/cgroup/containers/A b"},
		{"/", "", NULL},
		{"/", ".", NULL},
		{"/", "..", NULL},
		{"/", "a/b", NULL},
		{"/", "/", NULL},
	};
	char longest[300];
	char *path = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cgroup_layout l = {.mount = "/sys/fs/cgroup"};

		(void)snprintf(l.own, sizeof(l.own), "%s", rows[i].own);
		path = NULL;
		assert_int_equal(cgroup_path(&l, rows[i].name, &path), rows[i].path ? 0 : -EINVAL);
		if (rows[i].path)
			assert_string_equal(path, rows[i].path);
		free(path);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(cgroup_path(&layout, longest, &path), -EINVAL);
}

/* In a child, whose cgroup is one of ours. */
static int prepare_in_child(void)
{
	struct cgroup_layout l, again;
	struct error err = {0};
	char *path, *own;
	char leaf[1100];

	if (cgroup_find_layout(&l, &err) < 0 || cgroup_prepare(&l, &err) < 0 ||
	    cgroup_path(&l, "memory.max", &path) < 0)
		return 1;
	if (!str_starts_with(path, base) || !str_ends_with(path, "/daemons/containers/_memory.max"))
		return 2;
	if (cgroup_make(path, NULL, NULL, 0, &err) < 0)
		return 3;
	/* Again, as a daemon does that is executed anew: from the leaf, where it is in one. */
	if (cgroup_find_layout(&again, &err) < 0 || cgroup_prepare(&again, &err) < 0 ||
	    !str_equal(again.own, l.own))
		return 4;
	(void)snprintf(leaf, sizeof(leaf), "%s/daemon", l.own);
	if (cgroup_of_pid(0, &own) < 0 || !(str_equal(own, l.own) || str_equal(own, leaf)))
		return 5;
	/* By hand, where nothing made it move. */
	(void)mkdir(in_base("daemons/daemon"), 0755);
	if (cgroup_attach(in_base("daemons/daemon"), getpid(), &err) < 0 ||
	    cgroup_find_layout(&again, &err) < 0 || !str_equal(again.own, l.own))
		return 6;
	free(path);
	free(own);
	return 0;
}

static void test_prepare(void **state)
{
	char *path = in_base("daemons");
	struct error err = {0};
	int go[2], status;
	char byte;
	pid_t pid;

	(void)state;
	make(path);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(read(go[0], &byte, 1) == 1 ? prepare_in_child() : 100);
	assert_ok(cgroup_attach(path, pid, &err), &err);
	assert_true(write(go[1], "", 1) == 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(go[0]);
	close(go[1]);
	wait_empty(path);
	assert_int_equal(cgroup_remove(path), 0);
}

/* --- make, remove --------------------------------------------------------------------------- */

static void test_make_and_remove(void **state)
{
	char *path = in_base("a"), *deep = in_base("a/payload/system.slice/x.service");
	struct error err = {0};
	char missing[64];
	pid_t pid;

	(void)state;
	make(path);
	assert_true(cgroup_is_empty(path));
	assert_string_equal(content(path, "cgroup.max.descendants"), "4096\n");
	assert_string_equal(content(path, "cgroup.max.depth"), "32\n");
	(void)mkdir(in_base("a/payload"), 0755);
	(void)mkdir(in_base("a/payload/system.slice"), 0755);
	assert_int_equal(mkdir(deep, 0755), 0);
	assert_int_equal(mkdir(in_base("a/supervisor"), 0755), 0);
	pid = sleeper(deep);
	assert_false(cgroup_is_empty(path));
	assert_int_equal(cgroup_remove(path), -EBUSY);
	assert_int_equal(access(in_base("a/supervisor"), F_OK), 0); /* nothing was removed */
	assert_int_equal(cgroup_make(path, NULL, missing, sizeof(missing), &err), -EBUSY);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(cgroup_kill(path), 0);
	reap_killed(pid);
	wait_empty(path);
	make(path); /* what was left is swept */
	assert_int_equal(access(in_base("a/payload"), F_OK), -1);
	assert_int_equal(cgroup_remove(path), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(cgroup_remove(path), 0);
	assert_true(cgroup_is_empty(path));
}

/* As many as a payload may have. */
static void test_remove_many(void **state)
{
	char *path = in_base("many"), name[4096];
	double before;
	int n = 0;

	(void)state;
	make(path);
	for (;; n++) {
		(void)snprintf(name, sizeof(name), "%s/%d", path, n);
		if (mkdir(name, 0755) < 0)
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(n, 4096);
	before = now_us();
	assert_int_equal(cgroup_remove(path), 0);
	print_message("%d cgroups removed in %.0f ms\n", n, (now_us() - before) / 1e3);
}

static void test_limits(void **state)
{
	static const struct {
		struct cgroup_limits limits;
		const char *memory, *pids, *cpu;
	} rows[] = {
		{{.memory_max = 64 << 20, .tasks_max = 100, .cpu_quota = 500000},
		 "67108864\n",
		 "100\n",
		 "50000 100000\n"},
		{{.memory_max = UINT64_MAX, .tasks_max = UINT64_MAX, .cpu_quota = UINT64_MAX},
		 "max\n",
		 "max\n",
		 "max 100000\n"},
		{{.memory_max = 8192, .tasks_max = 1, .cpu_quota = 5000}, "8192\n", "1\n", "5000 1000000\n"},
		{{.memory_max = 8192, .tasks_max = 1, .cpu_quota = 1}, "8192\n", "1\n", "1000 1000000\n"},
		{{.cpu_quota = 3000000}, NULL, NULL, "300000 100000\n"},
		{{.memory_max = 4096}, "4096\n", NULL, NULL},
	};
	char *path = in_base("limits");
	struct error err = {0};
	uint64_t current;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *files[] = {"memory.max", "pids.max", "cpu.max"},
			   *names[] = {"memory", "pids", "cpu"},
			   *texts[] = {rows[i].memory, rows[i].pids, rows[i].cpu};
		char missing[64] = "?", expected[64] = "";

		assert_ok(cgroup_make(path, &rows[i].limits, missing, sizeof(missing), &err), &err);
		for (size_t k = 0; k < 3; k++) {
			const char *text = content(path, files[k]);

			if (texts[k] && text)
				assert_string_equal(text, texts[k]);
			else if (texts[k])
				(void)snprintf(expected + strlen(expected),
					       sizeof(expected) - strlen(expected), "%s%s",
					       *expected ? ", " : "", names[k]);
		}
		assert_string_equal(missing, expected);
		if (*expected)
			print_message("not here: %s\n", expected);
		assert_int_equal(cgroup_memory_current(path, &current),
				 content(path, "memory.current") ? 0 : -ENOENT);
	}
	assert_int_equal(cgroup_remove(path), 0);
}

/* Its directory has gone meanwhile: it is made again. */
static void test_parent_is_made(void **state)
{
	struct error err = {0};

	(void)state;
	make(in_base("up/child"));
	assert_int_equal(cgroup_remove(in_base("up")), 0);
	assert_int_equal(cgroup_make(in_base("x/y/z"), NULL, NULL, 0, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/x/y"));
	assert_int_equal(cgroup_make("x", NULL, NULL, 0, &err), -EINVAL);
}

static void test_attach_errors(void **state)
{
	char *path = in_base("attach");
	struct error err = {0};
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	make(path);
	assert_int_equal(cgroup_attach(path, pid, &err), -ESRCH);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(cgroup_remove(path), 0);
	assert_int_equal(cgroup_attach(path, getpid(), &err), -ENOENT);
}

/* --- watch ---------------------------------------------------------------------------------- */

static void test_watch_empty_at_once(void **state)
{
	char *path = in_base("w");
	struct cgroup_watch *w[3];
	struct seen s[3];

	(void)state;
	make(path);
	w[0] = watch(&s[0], path);
	w[1] = watch(&s[1], in_base("missing"));
	w[2] = watch(&s[2], in_base("missing/below"));
	run_until(loop, &fired, 3);
	run_some();
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(s[i].calls, 1);
		cgroup_watch_free(w[i]);
	}
	assert_int_equal(cgroup_remove(path), 0);
	assert_int_equal(cgroup_watch_new(loop, "x", on_empty, &s[0], &w[0]), -EINVAL);
	cgroup_watch_free(NULL);
}

static void test_watch_nested(void **state)
{
	char *path = in_base("n");
	struct cgroup_watch *w[2];
	struct seen s[2];
	pid_t pids[3];

	(void)state;
	make(path);
	assert_int_equal(mkdir(in_base("n/payload"), 0755), 0);
	assert_int_equal(mkdir(in_base("n/payload/x"), 0755), 0);
	assert_int_equal(mkdir(in_base("n/supervisor"), 0755), 0);
	pids[0] = sleeper(in_base("n/payload/x"));
	pids[1] = sleeper(in_base("n/supervisor"));
	pids[2] = sleeper(path);
	w[0] = watch(&s[0], path); /* two of the same */
	w[1] = watch(&s[1], path);
	run_some();
	assert_int_equal(kill(pids[0], SIGKILL), 0);
	reap_killed(pids[0]);
	run_some();
	assert_int_equal(fired, 0);
	assert_int_equal(cgroup_kill(path), 0);
	assert_int_equal(fired, 0);
	run_until(loop, &fired, 2);
	run_some();
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(s[i].calls, 1);
		cgroup_watch_free(w[i]);
	}
	for (size_t i = 1; i < 3; i++)
		reap_killed(pids[i]);
	assert_int_equal(cgroup_remove(path), 0);
}

/* Removed at the very moment when it is empty: the kernel then forgets to say that it was. */
static void test_watch_removed(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		char *path = in_base("r");
		struct cgroup_watch *w;
		struct seen s;
		pid_t pid;

		fired = 0;
		make(path);
		pid = sleeper(path);
		w = watch(&s, path);
		run_some();
		assert_int_equal(fired, 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		reap_killed(pid);
		while (!cgroup_is_empty(path))
			(void)sched_yield();
		assert_int_equal(cgroup_remove(path), 0);
		run_until(loop, &fired, 1);
		run_some();
		assert_int_equal(s.calls, 1);
		cgroup_watch_free(w);
	}
}

static void test_watch_freed(void **state)
{
	char *path = in_base("f");
	struct cgroup_watch *w;
	struct seen s[3];
	pid_t pid;

	(void)state;
	make(path);
	w = watch(&s[0], path);
	cgroup_watch_free(w); /* before its turn */
	run_some();
	assert_int_equal(s[0].calls, 0);
	/* Whoever comes first frees itself and the next, the third comes all the same. */
	pid = sleeper(path);
	w = watch(&s[0], path);
	s[0].free[0] = w;
	s[0].free[1] = watch(&s[1], path);
	w = watch(&s[2], path);
	assert_int_equal(cgroup_kill(path), 0);
	run_until(loop, &fired, 2);
	run_some();
	assert_int_equal(s[0].calls, 1);
	assert_int_equal(s[1].calls, 0);
	assert_int_equal(s[2].calls, 1);
	cgroup_watch_free(w);
	reap_killed(pid);
	assert_int_equal(cgroup_remove(path), 0);
}

#define MANY 300

/* More than a user may have inotify descriptors. */
static void test_watch_many(void **state)
{
	static struct cgroup_watch *w[MANY];
	static struct seen s[MANY];
	static char paths[MANY][2100];
	static pid_t pids[MANY];
	size_t before = count_fds();

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/m%zu", base, i);
		make(paths[i]);
		pids[i] = sleeper(paths[i]);
		w[i] = watch(&s[i], paths[i]);
	}
	assert_int_equal(count_fds(), before + 1);
	run_some();
	assert_int_equal(fired, 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(cgroup_kill(paths[i]), 0);
	run_until(loop, &fired, MANY);
	run_some();
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(s[i].calls, 1);
		cgroup_watch_free(w[i]);
		reap_killed(pids[i]);
		assert_int_equal(cgroup_remove(paths[i]), 0);
	}
	assert_int_equal(count_fds(), before);
}

/* --- kill ----------------------------------------------------------------------------------- */

/* Each is replaced by its child as fast as it can: who is killed one by one is never all of them. */
static void storm(int fd)
{
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			break;
	for (;;) {
		if (write(fd, "", 1) < 0 && errno != EAGAIN)
			_exit(1);
		(void)setsid();
		if (fork() > 0)
			_exit(0);
	}
}

static void test_kill_storm(void **state)
{
	char *path = in_base("storm");
	struct cgroup_watch *w;
	struct error err = {0};
	int fds[2], go[2];
	struct seen s;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	(void)signal(SIGCHLD, SIG_IGN); /* reaped by the kernel */
	make(path);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)alarm(60);
		if (read(go[0], &byte, 1) == 1)
			storm(fds[1]);
		_exit(1);
	}
	assert_ok(cgroup_attach(path, pid, &err), &err);
	assert_true(write(go[1], "", 1) == 1);
	for (unsigned n = 0; n < 500;) {
		struct pollfd poll_for = {.fd = fds[0], .events = POLLIN};
		char bytes[64];

		assert_int_equal(poll(&poll_for, 1, (int)(DEADLINE * 1000)), 1);
		n += (unsigned)read(fds[0], bytes, sizeof(bytes));
	}
	w = watch(&s, path);
	run_some();
	assert_int_equal(fired, 0);
	assert_int_equal(cgroup_kill(path), 0);
	run_until(loop, &fired, 1);
	run_some();
	assert_int_equal(s.calls, 1);
	assert_int_equal(cgroup_remove(path), 0);
	cgroup_watch_free(w);
	(void)signal(SIGCHLD, SIG_DFL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(go[i]);
	}
}

/* 77: cannot be had here. */
static int poll_for_end(const char *path, pid_t victim)
{
	struct cgroup_watch *w = NULL;
	struct seen s = {.path = path};

	if (!deny_inotify())
		return 77;
	loop = ev_loop_new(0);
	fired = 0;
	if (!loop || cgroup_watch_new(loop, path, on_empty, &s, &w) < 0)
		return 1;
	run_some();
	if (s.calls != 0 || kill(victim, SIGKILL) < 0)
		return 2;
	run_until(loop, &fired, 1);
	cgroup_watch_free(w);
	return s.calls == 1 ? 0 : 3;
}

static int without_inotify(const char *path)
{
	struct error err = {0};
	pid_t victim;
	int result;

	(void)alarm(60);
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
	victim = fork();
	if (victim == 0)
		for (;;)
			(void)pause();
	result = cgroup_attach(path, victim, &err) < 0 ? 4 : poll_for_end(path, victim);
	(void)kill(victim, SIGKILL);
	return result;
}

static void test_watch_without_inotify(void **state)
{
	char *path = in_base("polled");
	pid_t pid;
	int status;

	(void)state;
	make(path);
	pid = fork();
	if (pid == 0)
		_exit(without_inotify(path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	wait_empty(path);
	assert_int_equal(cgroup_remove(path), 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message(NO_DENIAL "\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void wait_frozen(const char *path)
{
	char name[4200], text[256];
	int fd;

	(void)snprintf(name, sizeof(name), "%s/cgroup.events", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (;;) {
		struct pollfd poll_for = {.fd = fd, .events = POLLPRI};
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

		assert_true(n > 0);
		text[n] = '\0';
		if (strstr(text, "frozen 1"))
			break;
		assert_int_equal(poll(&poll_for, 1, (int)(DEADLINE * 1000)), 1);
	}
	close(fd);
}

static void test_kill_frozen(void **state)
{
	char *path = in_base("frozen");
	struct cgroup_watch *w;
	struct seen s;
	pid_t pids[2];

	(void)state;
	make(path);
	assert_int_equal(mkdir(in_base("frozen/below"), 0755), 0);
	pids[0] = sleeper(path);
	pids[1] = sleeper(in_base("frozen/below"));
	put(path, "cgroup.freeze", "1");
	wait_frozen(path);
	w = watch(&s, path);
	assert_int_equal(cgroup_kill(path), 0);
	run_until(loop, &fired, 1);
	for (size_t i = 0; i < 2; i++)
		reap_killed(pids[i]);
	cgroup_watch_free(w);
	assert_int_equal(cgroup_remove(path), 0);
}

static void test_kill_refused(void **state)
{
	char own[2048];

	(void)state;
	assert_int_equal(cgroup_kill(in_base("missing")), 0);
	(void)snprintf(own, sizeof(own), "%s%s", layout.mount, layout.own);
	assert_int_equal(cgroup_kill(own), -EPERM);
	assert_int_equal(cgroup_kill(layout.mount), -EPERM);
	(void)strcat(own, "/");
	assert_int_equal(cgroup_kill(own), -EPERM);
	assert_false(cgroup_is_empty(layout.mount));
	assert_int_equal(cgroup_remove(layout.mount), -EBUSY);
}

/* A kernel without cgroup.kill: files that look like a cgroup's. */
static void test_kill_without_file(void **state)
{
	pid_t pids[2];

	(void)state;
	assert_int_equal(mkdir("/run/cg", 0755), 0);
	assert_int_equal(mkdir("/run/cg/below", 0755), 0);
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(i ? "/run/cg/below/cgroup.procs" : "/run/cg/cgroup.procs", "we");

		assert_non_null(f);
		pids[i] = fork();
		if (pids[i] == 0)
			for (;;)
				(void)pause();
		(void)fprintf(f, "%d\n%d\n0\n-1\n", (int)getpid(), (int)pids[i]);
		assert_int_equal(fclose(f), 0);
	}
	(void)signal(SIGCHLD, SIG_DFL);
	assert_int_equal(cgroup_kill("/run/cg"), 0);
	for (size_t i = 0; i < 2; i++)
		reap_killed(pids[i]);
	assert_int_equal(unlink("/run/cg/cgroup.procs"), 0);
	assert_int_equal(unlink("/run/cg/below/cgroup.procs"), 0);
	assert_int_equal(rmdir("/run/cg/below"), 0);
	assert_int_equal(rmdir("/run/cg"), 0);
}

/* --- devices -------------------------------------------------------------------------------- */

struct access {
	mode_t type;
	unsigned major, minor;
	int flags; /* for open(); -1: mknod alone */
};
static const struct access null_rw = {S_IFCHR, 1, 3, O_RDWR}, kmsg_r = {S_IFCHR, 1, 11, O_RDONLY},
			   kmsg_m = {S_IFCHR, 1, 11, -1}, tun_rw = {S_IFCHR, 10, 200, O_RDWR},
			   tty_m = {S_IFCHR, 5, 0, -1}, pts_m = {S_IFCHR, 136, 99, -1},
			   loop_m = {S_IFBLK, 7, 0, -1}, loop_r = {S_IFBLK, 7, 0, O_RDONLY},
			   zero_r = {S_IFCHR, 1, 5, O_RDONLY}, zero_w = {S_IFCHR, 1, 5, O_WRONLY},
			   zero_rw = {S_IFCHR, 1, 5, O_RDWR}, zero_m = {S_IFCHR, 1, 5, -1},
			   full_r = {S_IFCHR, 1, 7, O_RDONLY};

/* The errno of mknod() or open(); 0: was allowed. */
static int try_access(const struct access *a)
{
	dev_t device = makedev(a->major, a->minor);
	int fd;

	(void)unlink("/run/node-made");
	if (a->flags < 0)
		return mknod("/run/node-made", a->type | 0600, device) < 0 ? errno : 0;
	fd = open("/run/node", a->flags | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENXIO || errno == ENODEV || errno == ENOENT ? 0 : errno; /* no such driver */
	(void)close(fd);
	return 0;
}

/* In a child that is in this cgroup. */
static int access_from(const char *path, const struct access *a)
{
	int go[2], status = 0;
	struct error err;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(mknod("/run/node", a->type | 0600, makedev(a->major, a->minor)), 0);
	pid = fork();
	if (pid == 0)
		_exit(read(go[0], &byte, 1) == 1 ? try_access(a) : 255);
	assert_ok(cgroup_attach(path, pid, &err), &err);
	assert_true(write(go[1], "", 1) == 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	close(go[0]);
	close(go[1]);
	assert_int_equal(unlink("/run/node"), 0);
	wait_empty(path);
	return WEXITSTATUS(status);
}

static void test_devices(void **state)
{
	static const struct {
		const char *policy, *allow[4];
		struct {
			const struct access *access;
			bool allowed;
		} then[8];
	} rows[] = {
		{"closed",
		 {NULL},
		 {{&null_rw, true},
		  {&tty_m, true},
		  {&kmsg_r, false},
		  {&kmsg_m, false},
		  {&tun_rw, false},
		  {&pts_m, false},
		  {&loop_m, false}}},
		{"closed",
		 {"/dev/kmsg r", "char-10", NULL},
		 {{&null_rw, true}, {&kmsg_r, true}, {&kmsg_m, false}, {&tun_rw, true}, {&loop_m, false}}},
		{"strict", {NULL}, {{&null_rw, false}, {&tty_m, false}}},
		{"strict",
		 {"/dev/null", NULL},
		 {{&null_rw, true}, {&zero_r, false}, {&tty_m, false}, {&loop_r, false}}},
		{"strict",
		 {"/dev/zero r", "/dev/full w", NULL},
		 {{&zero_r, true}, {&zero_w, false}, {&zero_rw, false}, {&zero_m, false}, {&full_r, false}}},
		{"strict",
		 {"/dev/zero r", "/dev/zero w", NULL},
		 {{&zero_r, true}, {&zero_w, true}, {&zero_rw, true}, {&zero_m, false}}},
		{"strict",
		 {"block-* m", "char-pts m", NULL},
		 {{&loop_m, true}, {&loop_r, false}, {&pts_m, true}, {&null_rw, false}}},
		{"closed", {"char-*", NULL}, {{&kmsg_r, true}, {&tun_rw, true}, {&loop_m, false}}},
		{"closed", {"char-mem rw", NULL}, {{&kmsg_r, true}, {&kmsg_m, false}, {&tun_rw, false}}},
		{"auto", {NULL}, {{&kmsg_r, true}, {&kmsg_m, true}, {&loop_m, true}}},
		{NULL, {NULL}, {{&kmsg_m, true}}},
		{"auto",
		 {"/dev/kmsg rwm", NULL},
		 {{&kmsg_r, true}, {&kmsg_m, true}, {&null_rw, true}, {&loop_m, false}}},
	};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *path = in_base("devices");

		make(path);
		assert_int_equal(mkdir(in_base("devices/payload"), 0755), 0);
		assert_ok(cgroup_devices(path, rows[i].policy, (char *const *)(uintptr_t)rows[i].allow, &err),
			  &err);
		for (size_t k = 0; k < 8 && rows[i].then[k].access; k++) {
			int e = access_from(k % 2 ? in_base("devices/payload") : path,
					    rows[i].then[k].access);

			if (e != (rows[i].then[k].allowed ? 0 : EPERM))
				fail_msg("row %zu, access %zu: %s", i, k, strerror(e));
		}
		assert_int_equal(cgroup_remove(path), 0);
	}
}

static void test_device_words(void **state)
{
	static const struct {
		const char *policy, *allow;
		int result;
		const char *text;
	} rows[] = {
		{"open", NULL, -EINVAL, "auto, closed or strict"},
		{"closed", "/dev/null rwx", -EINVAL, "/dev/null rwx"},
		{"closed", "/dev/null r w", -EINVAL, "/dev/null r w"},
		{"closed", "", -EINVAL, "DeviceAllow="},
		{"closed", "null rw", -EINVAL, "below /dev/"},
		{"closed", "/etc/passwd rw", -EINVAL, "below /dev/"},
		{"closed", "/dev/netnsd-none rw", 1, "No such file"},
		{"strict", "/dev/. rw", 1, "not a device node"},
		{"strict", "char-netnsd-none rw", 1, "module"},
		{"auto", "block-netnsd-*", 1, "module"},
		{"auto", "/dev/null", 0, NULL},
	};
	char *path = in_base("words");

	(void)state;
	make(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *allow[] = {(char *)(uintptr_t)rows[i].allow, NULL};
		struct error err = {0};

		assert_int_equal(cgroup_devices(path, rows[i].policy, allow, &err), rows[i].result);
		if (rows[i].text && !strstr(err.text, rows[i].text))
			fail_msg("row %zu: %s", i, err.text);
	}
	assert_int_equal(cgroup_remove(path), 0);
	assert_int_equal(cgroup_devices(path, "closed", NULL, &(struct error){0}), -ENOENT);
}

/* Beside the one of somebody below, and the kernel's bound of instructions. */
static void test_devices_many(void **state)
{
	char words[600][16], *allow[601] = {NULL}, *path = in_base("many-devices");
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < 600; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "char-%zu r", 1000 + i);
		allow[i] = words[i];
	}
	make(path);
	assert_int_equal(cgroup_devices(path, "closed", allow, &err), -E2BIG);
	assert_non_null(strstr(err.text, "512"));
	allow[480] = NULL;
	assert_ok(cgroup_devices(path, "closed", allow, &err), &err);
	assert_int_equal(access_from(path, &null_rw), 0);
	assert_int_equal(access_from(path, &kmsg_r), EPERM);
	assert_int_equal(cgroup_remove(path), 0);
}

/* --- all ------------------------------------------------------------------------------------ */

static bool device_programs_work(void)
{
	struct error err = {0};
	int e;

	make(in_base("probe"));
	e = cgroup_devices(in_base("probe"), "strict", NULL, &err);
	(void)cgroup_remove(in_base("probe"));
	if (e == -EOPNOTSUPP)
		print_message("devices are not tested: %s\n", err.text);
	return e != -EOPNOTSUPP;
}

static int finish(int failed, size_t fds)
{
	if (failed) {
		(void)cgroup_kill(base);
		while (!cgroup_is_empty(base))
			(void)sched_yield();
	}
	if (cgroup_remove(base) < 0) {
		printf("%s cannot be removed: it is still in use\n", base);
		failed++;
	}
	if (count_fds() != fds) {
		printf("%zu descriptors, expected %zu\n", count_fds(), fds);
		failed++;
	}
	return failed;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_layout, setup),
		cmocka_unit_test_setup(test_of_pid_removed, setup),
		cmocka_unit_test_setup(test_path, setup),
		cmocka_unit_test_setup(test_prepare, setup),
		cmocka_unit_test_setup(test_make_and_remove, setup),
		cmocka_unit_test_setup(test_remove_many, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_parent_is_made, setup),
		cmocka_unit_test_setup(test_attach_errors, setup),
		cmocka_unit_test_setup(test_watch_empty_at_once, setup),
		cmocka_unit_test_setup(test_watch_nested, setup),
		cmocka_unit_test_setup(test_watch_removed, setup),
		cmocka_unit_test_setup(test_watch_freed, setup),
		cmocka_unit_test_setup(test_watch_many, setup),
		cmocka_unit_test_setup(test_watch_without_inotify, setup),
		cmocka_unit_test_setup(test_kill_storm, setup),
		cmocka_unit_test_setup(test_kill_frozen, setup),
		cmocka_unit_test_setup(test_kill_refused, setup),
		cmocka_unit_test_setup(test_kill_without_file, setup),
	};
	const struct CMUnitTest device_tests[] = {
		cmocka_unit_test_setup(test_devices, setup),
		cmocka_unit_test_setup(test_device_words, setup),
		cmocka_unit_test_setup(test_devices_many, setup),
	};
	struct error err = {0};
	size_t before;
	int failed;

	sandbox_enter();
	if (cgroup_find_layout(&layout, &err) < 0)
		skip_all("%s", err.text);
	(void)snprintf(base, sizeof(base), "%s%s/netnsd-test-cgroup-%d", layout.mount,
		       strcmp(layout.own, "/") == 0 ? "" : layout.own, (int)getpid());
	if (cgroup_make(base, NULL, NULL, 0, &err) < 0)
		skip_all("%s", err.text);
	put(base, "cgroup.max.descendants", "max");
	(void)alarm(300); /* what waits for a child waits without a deadline */
	before = count_fds();
	loop = ev_loop_new(EVFLAG_AUTO);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (device_programs_work())
		failed += cmocka_run_group_tests(device_tests, NULL, NULL);
	ev_loop_destroy(loop);
	return finish(failed, before);
}
