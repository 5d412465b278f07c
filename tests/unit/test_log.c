/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines: level, namespace, one line whatever is in it, the journal's prefix only for the
 * journal, and whole lines from several threads. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char output[65536];

/* Runs `fn` in a child (the probe for the journal is once a process) whose stderr is a pipe, with
 * JOURNAL_STREAM naming that pipe, something else, or nothing. */
static const char *capture(void (*fn)(void), bool journal, const char *stream)
{
	size_t length = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char text[64];
		struct stat st;

		dup2(fds[1], STDERR_FILENO);
		if (fstat(STDERR_FILENO, &st) < 0)
			_exit(1);
		snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
		unsetenv("JOURNAL_STREAM");
		if (journal || stream)
			setenv("JOURNAL_STREAM", stream ? stream : text, 1);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], output + length, sizeof(output) - 1 - length)) > 0)
		length += (size_t)n;
	output[length] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return output;
}

static void write_some(void)
{
	log_info("plain %d", 1);
	log_write(LOG_WARNING, "up", "text");
	log_debug("not at this level");
	log_write(LOG_ERR, "a\nb", "two\nlines \x1b[2J");
	errno = ENOENT;
	log_error("open: %m");
	if (errno != ENOENT)
		log_error("errno was changed");
}

#define PLAIN "plain 1\nup: text\na?b: two?lines ?[2J\nopen: No such file or directory\n"

static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(capture(write_some, false, NULL), PLAIN);
}

static void test_journal(void **state)
{
	(void)state;
	assert_string_equal(
		capture(write_some, true, NULL),
		"<6>plain 1\n<4>up: text\n<3>a?b: two?lines ?[2J\n<3>open: No such file or directory\n");
	/* stderr was redirected since, or the variable is rubbish. */
	assert_string_equal(capture(write_some, false, "1:1"), PLAIN);
	assert_string_equal(capture(write_some, false, "::"), PLAIN);
	assert_string_equal(capture(write_some, false, "rubbish"), PLAIN);
}

static void write_long(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_write(LOG_INFO, text, "%s", text);
}

static void test_long(void **state)
{
	const char *line = capture(write_long, true, NULL);
	size_t length = strlen(line);

	(void)state;
	assert_int_equal(length, 2047);
	assert_string_equal(line + length - 5, "x...\n");
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
}

static void *write_many(void *data)
{
	for (int i = 0; i < 100; i++)
		log_write(LOG_INFO, data, "0123456789");
	return NULL;
}

static void write_threads(void)
{
	static char names[4][2] = {"a", "b", "c", "d"};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, write_many, names[i]))
			_exit(1);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void test_threads(void **state)
{
	const char *p = capture(write_threads, false, NULL);
	int lines = 0;

	(void)state;
	for (; *p; p += 14, lines++) {
		assert_in_range(*p, 'a', 'd');
		assert_memory_equal(p + 1, ": 0123456789\n", 13);
	}
	assert_int_equal(lines, 400);
}

static void test_level(void **state)
{
	int level = 99;

	(void)state;
	assert_int_equal(log_get_level(), LOG_INFO);
	for (int i = LOG_EMERG; i <= LOG_DEBUG; i++) {
		char digit[] = {(char)('0' + i), '\0'};

		assert_int_equal(log_level_from_string(log_level_to_string(i), &level), 0);
		assert_int_equal(level, i);
		level = 99;
		assert_int_equal(log_level_from_string(digit, &level), 0);
		assert_int_equal(level, i);
	}
	assert_string_equal(log_level_to_string(LOG_ERR), "err");
	assert_null(log_level_to_string(8));
	assert_int_equal(log_level_from_string("error", &level), 0);
	assert_int_equal(level, LOG_ERR);
	for (const char *const *bad = (const char *const[]){"", "8", "-1", "07", "loud", NULL}; *bad; bad++)
		assert_int_equal(log_level_from_string(*bad, &level), -EINVAL);
	assert_int_equal(level, LOG_ERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_journal), cmocka_unit_test(test_long),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
