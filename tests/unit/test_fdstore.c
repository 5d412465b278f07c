/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one program hands to the one that takes its place: this test executes itself with it. */
#include "cleanup.h"
#include "fdstore.h"
#include "fdstore_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES "a\0b\xff\n"

/* --- the heir: its exit status is the number of the first thing that is not right ------------------ */

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static int heir(void)
{
	_cleanup_free_ char *data = NULL;
	sigset_t blocked;
	size_t length = 0;
	char byte = 0;
	int fd, none;

	if (fdstore_begin() < 0)
		return 10;
	if (getenv(HANDOVER_VARIABLE))
		return 11;
	fd = fdstore_take("pipe");
	if (fd < 0 || !is_cloexec(fd) || read(fd, &byte, 1) != 1 || byte != 'x')
		return 12;
	if (fdstore_take("pipe") >= 0)
		return 13;
	if (fdstore_take_next("by", &none, &data, &length) < 0 || none != -1 || length != sizeof(BYTES) - 1 ||
	    memcmp(data, BYTES, length) != 0)
		return 14;
	if (fdstore_take_next("by", &none, &data, &length) != -ENOENT)
		return 15;
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGHUP))
		return 16;
	fdstore_end(); /* "unwanted" goes */
	return 0;
}

/* --- the program before it ------------------------------------------------------------------------- */

static void fill(struct handover *h, int fd)
{
	assert_int_equal(handover_add(h, "pipe", fd, "", 0), 0);
	assert_int_equal(handover_add(h, "bytes", -1, BYTES, sizeof(BYTES) - 1), 0);
	assert_int_equal(handover_add(h, "unwanted", -1, "y", 1), 0);
}

static void test_exec(void **state)
{
	char self[] = "/proc/self/exe", word[] = "heir", *argv[] = {self, word, NULL};
	int pair[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	pid = fork();
	if (pid == 0) {
		struct handover *h = NULL;
		struct error err = {0};

		if (handover_new(&h) < 0)
			_exit(2);
		fill(h, pair[0]);
		(void)handover_exec(h, self, argv, &err);
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* Then everything is as it was. */
static void test_exec_that_fails(void **state)
{
	char nothing[] = "/nowhere/at/all", *argv[] = {nothing, NULL};
	struct handover *h = NULL;
	struct error err = {0};
	sigset_t blocked;
	int pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(handover_new(&h), 0);
	fill(h, pair[0]);
	assert_int_equal(handover_exec(h, nothing, argv, &err), -ENOENT);
	assert_non_null(strstr(err.text, nothing));
	assert_true(is_cloexec(pair[0]));
	assert_null(getenv(HANDOVER_VARIABLE));
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	assert_false(sigismember(&blocked, SIGTERM));
	handover_free(h);
	handover_free(NULL);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* --- what is no handover --------------------------------------------------------------------------- */

static int read_text(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC), client = dup(STDIN_FILENO), r;
	char number[16];

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)snprintf(number, sizeof(number), "%d", fd);
	assert_int_equal(setenv(HANDOVER_VARIABLE, number, 1), 0);
	r = fdstore_begin();
	fdstore_end();
	assert_null(getenv(HANDOVER_VARIABLE));
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken, and closed */
	/* What else was handed over is nobody's now: who waits at its other end must see that. */
	assert_int_equal(fcntl(client, F_GETFD), r < 0 ? -1 : 0);
	if (r == 0)
		(void)close(client);
	return r;
}

static void test_rubbish(void **state)
{
	static const char *const texts[] = {
		"",
		"rubbish",
		"[]",
		"{\"version\":2,\"entries\":[]}",
		"{\"version\":1}",
		"{\"version\":1,\"entries\":[7]}",
		"{\"version\":1,\"entries\":[{\"name\":\"a\",\"data\":\"\"}]}",
		"{\"version\":1,\"entries\":[{\"name\":\"a\",\"fd\":9999,\"data\":\"\"}]}",
		"{\"version\":1,\"entries\":[{\"name\":\"a\",\"fd\":1,\"data\":\"\"}]}",
		"{\"version\":1,\"entries\":[{\"name\":\"a\",\"fd\":-1,\"data\":\"0g\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(read_text(texts[i]) < 0);
	assert_int_equal(read_text("{\"version\":1,\"entries\":[]}"), 0);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0); /* nobody closed what was not theirs */
	assert_int_equal(setenv(HANDOVER_VARIABLE, "2", 1), 0);
	assert_true(fdstore_begin() < 0);
	fdstore_end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_that_fails),
		cmocka_unit_test(test_rubbish),
	};

	if (argc > 1 && strcmp(argv[1], "heir") == 0)
		return heir();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
