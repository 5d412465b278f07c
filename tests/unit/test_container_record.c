/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of containers: what is written is read back, and nothing else is taken for one. */
#include "container_record.h"
#include "parse.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BOOT "4d2c4e6a-0000-4000-8000-123456789abc"

static struct container_record example(void)
{
	struct container_record r = {
		.boot_id = BOOT,
		.s = {.state = CONTAINER_RUNNING,
		      .result = RESULT_EXIT_CODE,
		      .cause = RESULT_HEALTH,
		      .exit_code = CLD_EXITED,
		      .exit_status = 133,
		      .stop_asked = true,
		      .again = true,
		      .leader = true,
		      .ready = true,
		      .skip = true,
		      .restarts = 3,
		      .total_restarts = UINT32_MAX,
		      .since = 1,
		      .running_since = UINT64_MAX,
		      .deadline = 12345678901234,
		      .signals = 2,
		      .starts = {.begin = 7, .count = 4},
		      .reason = "starts again in 100ms: Restart=always, \"quoted\" # no comment"},
		.changed_at = 1796062333318146,
		.wanted = true,
		.resume = true,
		.pid = 4194304,
		.leader = 2,
		.pid_started = 223909,
		.leader_started = 223911,
		.cgroup = "/sys/fs/cgroup/machine.slice/netnsd-a\xc3\xa4.scope",
		.netns = "up-stream",
		.again = true,
		.sent = 1,
		.why = "waits for its namespace",
		.settings = 0xfedcba9876543210,
		.status = "Container running: Ready.",
	};

	return r;
}

/* Field by field the text says it all: two records with the same text are the same. */
static void assert_same(const struct container_record *a, const struct container_record *b)
{
	char *x = container_record_print(a), *y = container_record_print(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

static int parse(const char *text, struct container_record *ret)
{
	return container_record_parse(text, strlen(text), ret);
}

static void test_round_trip(void **state)
{
	struct container_record r = example(), back;
	char *text = container_record_print(&r);

	(void)state;
	assert_int_equal(parse(text, &back), 0);
	assert_same(&r, &back);
	assert_memory_equal(&r.s.starts, &back.s.starts, sizeof(r.s.starts));
	assert_string_equal(r.s.reason, back.s.reason);
	assert_string_equal(r.cgroup, back.cgroup);
	assert_true(back.s.running_since == UINT64_MAX && back.settings == r.settings);
	free(text);
}

static void test_each_state(void **state)
{
	(void)state;
	for (int s = 0; s < CONTAINER_STATE_COUNT; s++) {
		struct container_record r = example(), back;
		char *text;

		r.s.state = (enum container_state)s;
		text = container_record_print(&r);
		assert_int_equal(parse(text, &back), 0);
		assert_int_equal(back.s.state, s);
		free(text);
	}
}

/* What says more than one line, or would continue its line, is left out; the rest stays. */
static void test_texts_that_cannot_be_written(void **state)
{
	static const char *const bad[] = {"two\nlines", "ends in \\", "\xff", "bell \a"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct container_record r = example(), back;
		char *text;

		strcpy(r.status, bad[i]);
		text = container_record_print(&r);
		assert_int_equal(parse(text, &back), 0);
		assert_string_equal(back.status, "");
		assert_int_equal(back.pid, r.pid);
		free(text);
	}
}

#define HEAD "[Record]\nVersion=1\nBootID=" BOOT "\n"

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"rubbish",
		"[Record]\nBootID=" BOOT "\nState=dead\n",	      /* no version */
		"[Record]\nVersion=2\nBootID=" BOOT "\nState=dead\n", /* another one */
		HEAD,						      /* no state */
		"[Record]\nVersion=1\nState=dead\n",		      /* no boot */
		HEAD "State=sleeping\n",
		HEAD "State=running\n",			     /* without a process */
		HEAD "State=running\nPID=1\nPIDStarted=5\n", /* that of PID 1 */
		HEAD "State=start\nPID=77\n",		     /* nobody knows since when */
		HEAD "State=dead\nPID=-4\n",
		HEAD "State=dead\nPID=99999999999\n",
		HEAD "State=dead\nRestarts=4294967296\n",
		HEAD "State=dead\nExitCode=9\n",
		HEAD "State=dead\nControlGroup=relative/path\n",
		HEAD "State=dead\nControlGroup=/sys/fs/cgroup/../../etc\n",
		HEAD "State=dead\nResult=fine\n",
		HEAD "State=dead\nWanted=perhaps\n",
		HEAD "[Other]\nState=dead\n",
		HEAD "State=dead\nno assignment\n",
	};
	struct container_record r = {.pid = 42};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse(texts[i], &r), -EINVAL);
		assert_int_equal(r.pid, 42); /* untouched */
	}
	assert_int_equal(parse(HEAD "State=dead\n", &r), 0);
	assert_int_equal(parse(HEAD "State=dead\nOfTheFuture=yes\n", &r), 0);
}

/* A write that was cut anywhere is a whole record, or none: never one in which something else stands. */
static void test_truncated(void **state)
{
	struct container_record r = example(), back;
	char *text = container_record_print(&r);

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		if (container_record_parse(text, n, &back) == 0)
			assert_int_equal(back.s.state, r.s.state);
	free(text);
}

static void test_started(void **state)
{
	uint64_t own = process_started(getpid());

	(void)state;
	assert_true(own > 0);
	assert_true(process_started(1) > 0 && process_started(1) <= own);
	assert_true(process_started(0x7fffffff) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_each_state),
		cmocka_unit_test(test_texts_that_cannot_be_written),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
