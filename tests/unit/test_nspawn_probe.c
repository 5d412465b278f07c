/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that claim to be nspawn: what netnsd makes of them, and that none holds it up. */
#include "cleanup.h"
#include "nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define GOOD                                                                                                 \
	"case $1 in --version) echo 'systemd 252 (252.39)';; --help) echo '  -M --machine=NAME  x';"         \
	"echo '     --bind=X';; esac\n"

static char directory[] = "/tmp/netnsd-probe-XXXXXX";
static char program[64], trace[64];

/* Writes a script as `program`; NULL: only removes it. The old file is replaced, never written over. */
static void script(const char *body, mode_t mode)
{
	int fd;

	(void)unlink(program);
	(void)unlink(trace);
	if (!body)
		return;
	fd = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "#!/bin/sh\necho \"$1\" >>%s\n%s", trace, body) > 0);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static unsigned runs(void)
{
	FILE *f = fopen(trace, "re");
	unsigned n = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		(void)fclose(f);
	return n;
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(program, sizeof(program), "%s/nspawn", directory);
	(void)snprintf(trace, sizeof(trace), "%s/trace", directory);
	return setenv("NETNSD_NSPAWN", program, 1);
}

static int teardown(void **state)
{
	(void)state;
	script(NULL, 0);
	(void)rmdir(directory);
	nspawn_probe_forget();
	return 0;
}

static int forget(void **state)
{
	(void)state;
	nspawn_probe_forget();
	return 0;
}

static void test_kept(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};

	(void)state;
	script(GOOD, 0700);
	for (unsigned i = 0; i < 3; i++) {
		f = NULL;
		if (nspawn_probe(&f, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(f->version, 252);
		assert_string_equal(f->path, program);
		assert_true(nspawn_knows(f, "--bind"));
		assert_int_equal(runs(), 2);
	}
	/* An upgrade: another file of the same name. */
	script("case $1 in --version) echo 'systemd 257.8 (257)';; *) echo ' --machine';; esac\n", 0700);
	assert_int_equal(nspawn_probe(&f, &err), 0);
	assert_int_equal(f->version, 257);
	assert_false(nspawn_knows(f, "--bind"));
	assert_int_equal(runs(), 2);
}

/* As a worker's job has it: nothing waits but the second step. */
static void test_asked_by_another(void **state)
{
	const struct nspawn_features *f = NULL;
	struct nspawn_question q;
	struct error err = {0};

	(void)state;
	script(GOOD, 0700);
	assert_int_equal(nspawn_kept(&f, &err), -EAGAIN);
	assert_int_equal(runs(), 0);
	assert_int_equal(nspawn_question_new(&q, &err), 0);
	nspawn_question_ask(&q);
	assert_int_equal(nspawn_kept(&f, &err), -EAGAIN);
	nspawn_question_keep(&q);
	assert_int_equal(nspawn_kept(&f, &err), 0);
	assert_int_equal(f->version, 252);
	/* Replaced meanwhile. */
	assert_int_equal(nspawn_question_new(&q, &err), 0);
	nspawn_question_ask(&q);
	script("exit 3\n", 0700);
	nspawn_question_keep(&q);
	assert_int_equal(nspawn_kept(&f, &err), -EAGAIN);
	assert_int_equal(nspawn_probe(&f, &err), -EINVAL);
	assert_int_equal(nspawn_kept(&f, &err), -EINVAL);
	script(NULL, 0);
	assert_int_equal(nspawn_kept(&f, &err), -ENOENT);
}

static void test_bad(void **state)
{
	static const struct {
		const char *body; /* NULL: no file */
		mode_t mode;
		int error;
		const char *text;
	} rows[] = {
		{NULL, 0, -ENOENT, "$NETNSD_NSPAWN is "},
		{GOOD, 0600, -EACCES, "it cannot be executed: Permission denied"},
		{"exit 3\n", 0700, -EINVAL, "--version exited with status 3"},
		{"kill -SEGV $$\n", 0700, -EINVAL, "--version was killed by SIGSEGV"},
		{"echo 'systemd 252'; [ $1 = --version ]\n", 0700, -EINVAL, "--help exited with status 1"},
		{"echo 'systemd 252'\n", 0700, -EINVAL, "its --help does not list --machine but begins with"},
		{"printf '\\377\\001\\033[31m'\n", 0700, -EINVAL, "its --version does not begin with"},
		{"echo 'systemd 12x'\n", 0700, -EINVAL, "with \"systemd 12x?\""},
		{"true\n", 0700, -EINVAL, "its --version does not begin with"},
		/* A GiB is what it would print: it is killed long before. */
		{"exec head -c 1073741824 /dev/zero\n", 0700, -EINVAL, "--version printed more than 64 KiB"},
		{"yes 'systemd 252'\n", 0700, -EINVAL, "--version printed more than 64 KiB"},
	};
	size_t fds = count_fds();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nspawn_features *f = NULL;
		struct error err = {0};

		nspawn_probe_forget();
		script(rows[i].body, rows[i].mode);
		assert_int_equal(nspawn_probe(&f, &err), rows[i].error);
		assert_null(f);
		if (!strstr(err.text, rows[i].text) || !strstr(err.text, program))
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
	}
	assert_int_equal(count_fds(), fds);
}

static void test_a_directory_and_a_relative_path(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(setenv("NETNSD_NSPAWN", directory, 1), 0);
	assert_int_equal(nspawn_probe(&f, &err), -EACCES);
	assert_int_equal(setenv("NETNSD_NSPAWN", "systemd-nspawn", 1), 0);
	assert_int_equal(nspawn_probe(&f, &err), -EINVAL);
	assert_non_null(strstr(err.text, "expected an absolute path"));
	assert_int_equal(setenv("NETNSD_NSPAWN", program, 1), 0);
}

/* One that hangs is killed with what it started, once: the failure is kept. */
static void test_hangs(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};
	double start = seconds(), took;
	int pid = 0;
	FILE *file;

	(void)state;
	script("trap '' TERM INT HUP\nsleep 1000 &\necho $! >>$0.pid\nwait\nsleep 1000\n", 0700);
	assert_int_equal(nspawn_probe(&f, &err), -ETIMEDOUT);
	took = seconds() - start;
	assert_true(took > 4.5 && took < 9.);
	assert_non_null(strstr(err.text, "--version did not end within 5 s and was killed"));
	start = seconds();
	assert_int_equal(nspawn_probe(&f, &err), -ETIMEDOUT);
	assert_true(seconds() - start < 1.);
	assert_int_equal(runs(), 1);
	strcat(program, ".pid");
	file = fopen(program, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	(void)fclose(file);
	(void)unlink(program);
	program[strlen(program) - strlen(".pid")] = '\0';
	/* Its grandchild: a zombie that init has not yet reaped, or gone. */
	for (unsigned i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
		char name[64], text[64] = "";
		struct timespec t = {.tv_nsec = 1000000};

		(void)snprintf(name, sizeof(name), "/proc/%d/stat", pid);
		file = fopen(name, "re");
		if (!file || !fgets(text, sizeof(text), file) || strstr(text, ") Z "))
			pid = 0;
		if (file)
			(void)fclose(file);
		if (pid == 0)
			break;
		(void)nanosleep(&t, NULL);
	}
	assert_true(pid == 0 || kill(pid, 0) < 0);
}

/* It has answered, but something of it keeps the pipe open. */
static void test_leaves_a_child(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};
	double start = seconds();

	(void)state;
	script("sleep 1000 &\n" GOOD, 0700);
	if (nspawn_probe(&f, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(f->version, 252);
	assert_true(seconds() - start < 4.);
}

/* What the daemon has does not leak into it: variables, descriptors, ignored signals. */
static void test_inherits_nothing(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1), 0);
	assert_int_equal(dup2(STDOUT_FILENO, 99), 99);
	assert_ptr_not_equal(signal(SIGTERM, SIG_IGN), SIG_ERR);
	script("[ -z \"$NOTIFY_SOCKET\" ] || exit 9\n"
	       "[ ! -e /proc/$$/fd/99 ] || exit 8\n"
	       "grep -q '^SigIgn:.*0000$' /proc/self/status || exit 7\n" GOOD,
	       0700);
	if (nspawn_probe(&f, &err) < 0)
		fail_msg("%s", err.text);
	(void)signal(SIGTERM, SIG_DFL);
	(void)close(99);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

/* The installed one, where there is one. */
static void test_real(void **state)
{
	const struct nspawn_features *f = NULL;
	struct error err = {0};
	int e;

	(void)state;
	assert_int_equal(unsetenv("NETNSD_NSPAWN"), 0);
	e = nspawn_probe(&f, &err);
	assert_int_equal(setenv("NETNSD_NSPAWN", program, 1), 0);
	if (e == -ENOENT)
		skip();
	if (e < 0)
		fail_msg("%s", err.text);
	assert_true(f->version >= 200);
	assert_true(nspawn_knows(f, "--network-namespace-path"));
	assert_true(nspawn_knows(f, "--keep-unit"));
	assert_true(strv_length(f->options) > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_kept, forget),
		cmocka_unit_test_setup(test_asked_by_another, forget),
		cmocka_unit_test_setup(test_bad, forget),
		cmocka_unit_test_setup(test_a_directory_and_a_relative_path, forget),
		cmocka_unit_test_setup(test_hangs, forget),
		cmocka_unit_test_setup(test_leaves_a_child, forget),
		cmocka_unit_test_setup(test_inherits_nothing, forget),
		cmocka_unit_test_setup(test_real, forget),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
