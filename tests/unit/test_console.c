/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of a console stays within its bound while somebody else writes, and keeps the newest lines. */
#include "../lib/deny_inotify.h"
#include "cleanup.h"
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_console.XXXXXX", path[64];

static off_t size_of(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static int open_file(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	return fd;
}

/* Numbered lines of 64 bytes. */
static void write_lines(int fd, unsigned from, unsigned n)
{
	char block[64 * 64];

	for (unsigned i = 0; i < n; i += 64) {
		for (unsigned k = 0; k < 64; k++) {
			int length = snprintf(block + (size_t)k * 64, 64, "%010u %052d", from + i + k, 0);

			assert_int_equal(length, 63);
			block[(size_t)k * 64 + 63] = '\n';
		}
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	}
}

static bool ends_with_line(unsigned number)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[65] = "";

	return pread(fd, text, 64, size_of() - 64) == 64 && strtoul(text, NULL, 10) == number;
}

static void stop(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)events;
	*(bool *)w->data = true;
	ev_break(loop, EVBREAK_ALL);
}

static void stop_when_short(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	if (size_of() <= CONSOLE_MAX)
		ev_break(loop, EVBREAK_ALL);
}

/* Runs the loop until the file is within its bound; false: it never was. */
static bool becomes_short(struct ev_loop *loop)
{
	bool late = false;
	ev_timer end, poll;

	ev_timer_init(&end, stop, 20., 0.);
	ev_timer_init(&poll, stop_when_short, 0.01, 0.01);
	end.data = &late;
	ev_timer_start(loop, &end);
	ev_timer_start(loop, &poll);
	ev_run(loop, 0);
	ev_timer_stop(loop, &end);
	ev_timer_stop(loop, &poll);
	return !late;
}

#define LINES (3 * CONSOLE_MAX / 64)

static void test_bound(void **state)
{
	struct console_guard *g = NULL;
	int fd = open_file();

	assert_int_equal(console_guard_new(*state, path, &g), 0);
	for (unsigned round = 0; round < 2; round++) {
		write_lines(fd, round * LINES, LINES);
		assert_true(size_of() > CONSOLE_MAX);
		assert_true(becomes_short(*state));
		assert_true(size_of() >= CONSOLE_KEEP / 2);
		assert_true(ends_with_line((round + 1) * LINES - 1));
	}
	/* Who has it open goes on behind what was kept: no hole, no overwriting. */
	write_lines(fd, 7000000, 64);
	assert_true(ends_with_line(7000063));
	assert_true(size_of() < CONSOLE_MAX);
	console_guard_free(g);
	(void)close(fd);
	(void)unlink(path);
}

static void test_left_too_large(void **state)
{
	struct console_guard *g = NULL;
	int fd = open_file();

	write_lines(fd, 0, LINES);
	(void)close(fd);
	assert_int_equal(console_guard_new(*state, path, &g), 0);
	assert_true(size_of() <= CONSOLE_MAX);
	assert_true(ends_with_line(LINES - 1));
	console_guard_free(g);
	(void)unlink(path);
}

/* Nothing is written: the loop is never woken but by our own timer. */
static void test_idle(void **state)
{
	struct ev_loop *loop = *state;
	struct console_guard *g = NULL;
	bool over = false;
	unsigned before;
	ev_timer end;
	int fd = open_file();

	assert_int_equal(console_guard_new(loop, path, &g), 0);
	ev_timer_init(&end, stop, 0.3, 0.);
	end.data = &over;
	ev_timer_start(loop, &end);
	before = ev_iteration(loop);
	ev_run(loop, 0);
	assert_true(over);
	assert_true(ev_iteration(loop) - before <= 2);
	console_guard_free(g);
	(void)close(fd);
	(void)unlink(path);
}

/* 77: cannot be had here. */
static int without_inotify(void)
{
	struct console_guard *g = NULL;
	struct ev_loop *loop;
	bool good;
	int file;

	if (!deny_inotify())
		return 77;
	loop = ev_loop_new(0);
	file = open_file();
	good = loop && console_guard_new(loop, path, &g) == 0;
	if (good)
		write_lines(file, 0, LINES);
	good = good && becomes_short(loop) && ends_with_line(LINES - 1);
	console_guard_free(g);
	ev_loop_destroy(loop);
	(void)close(file);
	return good ? 0 : 1;
}

static void test_no_inotify(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(without_inotify());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)unlink(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message(NO_DENIAL "\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_path(void **state)
{
	char text[300], name[300];

	(void)state;
	assert_int_equal(console_path("web", text, sizeof(text)), 0);
	assert_string_equal(text, CONSOLE_DIRECTORY "/web.log");
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(console_path(name, text, sizeof(text)), -ENAMETOOLONG);
}

static void test_no_file(void **state)
{
	struct console_guard *g = NULL;

	assert_int_equal(console_guard_new(*state, "/nowhere/at/all", &g), -ENOENT);
	assert_null(g);
	console_guard_free(NULL);
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/a.log", directory);
	*state = ev_loop_new(0);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	ev_loop_destroy(*state);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),	cmocka_unit_test(test_left_too_large),
		cmocka_unit_test(test_idle),	cmocka_unit_test(test_path),
		cmocka_unit_test(test_no_file), cmocka_unit_test(test_no_inotify),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
