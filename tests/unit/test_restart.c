/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The restart policy against the table of systemd.service(5), cell by cell; delays by brute force. */
#include "parse.h"
#include "restart.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS     UINT64_C(1000)
#define SECOND UINT64_C(1000000)

/* --- names ---------------------------------------------------------------------------------------- */
static void test_names(void **state)
{
	static const char *const when[] = {"no",	  "on-success", "on-failure", "on-abnormal",
					   "on-watchdog", "on-abort",	"always"};
	static const char *const result[] = {"success",	  "resources",	     "protocol",  "timeout",
					     "exit-code", "signal",	     "core-dump", "watchdog",
					     "health",	  "start-limit-hit", "dependency"};
	enum restart_when w = RESTART_ALWAYS;
	enum run_result r = RESULT_DEPENDENCY;

	(void)state;
	assert_int_equal(sizeof(when) / sizeof(when[0]), RESTART_WHEN_COUNT);
	assert_int_equal(sizeof(result) / sizeof(result[0]), RESULT_COUNT);
	for (int i = 0; i < RESTART_WHEN_COUNT; i++) {
		assert_string_equal(restart_when_to_string((enum restart_when)i), when[i]);
		assert_int_equal(restart_when_from_string(when[i], &w), 0);
		assert_int_equal(w, i);
	}
	for (int i = 0; i < RESULT_COUNT; i++) {
		assert_string_equal(run_result_to_string((enum run_result)i), result[i]);
		assert_int_equal(run_result_from_string(result[i], &r), 0);
		assert_int_equal(r, i);
	}
	w = RESTART_ON_ABORT;
	assert_int_equal(restart_when_from_string("on-Failure", &w), -22);
	assert_int_equal(restart_when_from_string("", &w), -22);
	assert_int_equal(restart_when_from_string("unknown", &w), -22);
	assert_int_equal(w, RESTART_ON_ABORT);
	assert_int_equal(run_result_from_string("failed", &r), -22);
	assert_int_equal(r, RESULT_DEPENDENCY);
	assert_string_equal(restart_when_to_string((enum restart_when)99), "unknown");
	assert_string_equal(run_result_to_string((enum run_result)99), "unknown");
}

/* --- sets ------------------------------------------------------------------------------------------- */
static void test_set_words(void **state)
{
	static const struct {
		const char *word;
		int code, status; /* code 0: refused */
	} rows[] = {
		{"0", CLD_EXITED, 0},
		{"1", CLD_EXITED, 1},
		{"63", CLD_EXITED, 63},
		{"64", CLD_EXITED, 64},
		{"133", CLD_EXITED, 133},
		{"255", CLD_EXITED, 255},
		{"0x10", CLD_EXITED, 16},
		{"SUCCESS", CLD_EXITED, 0},
		{"NOTRUNNING", CLD_EXITED, 7},
		{"USAGE", CLD_EXITED, 64},
		{"EX_USAGE", CLD_EXITED, 64},
		{"TEMPFAIL", CLD_EXITED, 75},
		{"EX_CONFIG", CLD_EXITED, 78},
		{"TERM", CLD_KILLED, SIGTERM},
		{"SIGTERM", CLD_KILLED, SIGTERM},
		{"SIGHUP", CLD_KILLED, SIGHUP},
		{"KILL", CLD_DUMPED, SIGKILL},
		{"SIGSYS", CLD_KILLED, 31},
		{"RTMIN+3", CLD_KILLED, 37},
		{"SIGRTMAX", CLD_KILLED, 64},
		{"RTMAX-1", CLD_KILLED, 63},
		{"256", 0, 0},
		{"-1", 0, 0},
		{"", 0, 0},
		{"SIG", 0, 0},
		{"term", 0, 0},
		{"SIGSIGTERM", 0, 0},
		{"RTMIN+31", 0, 0},
		{"RTMIN-1", 0, 0},
		{"RTMAX+1", 0, 0},
		{"RTMIN+", 0, 0},
		{"EX_", 0, 0},
		{"133 134", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exit_set set = {.signals = 0};
		int r = exit_set_add(&set, rows[i].word), n = 0;

		if (r != (rows[i].code ? 0 : -22))
			fail_msg("\"%s\": %d", rows[i].word, r);
		for (int s = -1; s < 300; s++)
			n += exit_set_has(&set, CLD_EXITED, s) + exit_set_has(&set, CLD_KILLED, s);
		assert_int_equal(n, rows[i].code ? 1 : 0); /* that one and no other */
		if (rows[i].code && !exit_set_has(&set, rows[i].code, rows[i].status))
			fail_msg("\"%s\" is not %d", rows[i].word, rows[i].status);
		assert_false(exit_set_has(&set, 0, rows[i].status));
	}
}

static void test_signal_names(void **state)
{
	char text[FORMAT_MAX];
	int n, all = 0;

	(void)state;
	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		format_signal(signal, text);
		if (strncmp(text, "SIG", 3) != 0)
			continue; /* 32, 33: libc's own */
		all++;
		assert_int_equal(parse_signal(text, &n), 0);
		assert_int_equal(n, signal);
		assert_int_equal(parse_signal(text + 3, &n), 0);
		assert_int_equal(n, signal);
	}
	assert_int_equal(all, 62);
	assert_string_equal(format_signal(SIGTERM, text), "SIGTERM");
	assert_string_equal(format_signal(SIGRTMIN + 3, text), "SIGRTMIN+3");
	assert_string_equal(format_signal(1000, text), "1000");
	assert_int_equal(parse_signal("9", &n), 0);
	assert_int_equal(n, SIGKILL);
	assert_int_equal(parse_signal("0", &n), -34);
	assert_int_equal(parse_signal("65", &n), -34);
	assert_int_equal(parse_signal("KIL", &n), -22);
	assert_int_equal(parse_signal("IOT", &n), 0);
	assert_int_equal(n, SIGABRT);
}

static void test_classify(void **state)
{
	struct restart_policy p = restart_policy_default;
	static const struct {
		int code, status;
		enum run_result result;
	} rows[] = {
		{CLD_EXITED, 0, RESULT_SUCCESS},
		{CLD_EXITED, 1, RESULT_EXIT_CODE},
		{CLD_EXITED, 7, RESULT_SUCCESS}, /* by SuccessExitStatus= */
		{CLD_EXITED, 133, RESULT_SUCCESS},
		{CLD_EXITED, 255, RESULT_EXIT_CODE},
		{CLD_KILLED, SIGTERM, RESULT_SUCCESS},
		{CLD_KILLED, SIGINT, RESULT_SUCCESS},
		{CLD_KILLED, SIGHUP, RESULT_SUCCESS},
		{CLD_KILLED, SIGPIPE, RESULT_SUCCESS},
		{CLD_KILLED, SIGKILL, RESULT_SIGNAL},
		{CLD_KILLED, SIGUSR1, RESULT_SUCCESS}, /* by SuccessExitStatus= */
		{CLD_DUMPED, SIGSEGV, RESULT_CORE_DUMP},
		{CLD_DUMPED, SIGUSR1, RESULT_CORE_DUMP},
		{0, 0, RESULT_EXIT_CODE}, /* unknown */
	};

	(void)state;
	assert_int_equal(exit_set_add(&p.success, "7"), 0);
	assert_int_equal(exit_set_add(&p.success, "USR1"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum run_result r = restart_classify(&p, rows[i].code, rows[i].status);

		if (r != rows[i].result)
			fail_msg("%d/%d: %s", rows[i].code, rows[i].status, run_result_to_string(r));
	}
}

/* --- whether ---------------------------------------------------------------------------------------- */
/* systemd.service(5), "Exit causes and the effect of the Restart= settings", and the results below it
 * that the page has only in words. One letter a column: no always on-success on-failure on-abnormal
 * on-abort on-watchdog. */
static const enum restart_when columns[] = {RESTART_NO,		RESTART_ALWAYS,	     RESTART_ON_SUCCESS,
					    RESTART_ON_FAILURE, RESTART_ON_ABNORMAL, RESTART_ON_ABORT,
					    RESTART_ON_WATCHDOG};
static const struct {
	const char *cause;
	struct run_exit e;
	const char *cells;
} causes[] = {
	{"clean exit code", {RESULT_SUCCESS, CLD_EXITED, 0}, ".XX...."},
	{"clean signal", {RESULT_SUCCESS, CLD_KILLED, SIGTERM}, ".XX...."},
	{"unclean exit code", {RESULT_EXIT_CODE, CLD_EXITED, 1}, ".X.X..."},
	{"unclean signal", {RESULT_SIGNAL, CLD_KILLED, SIGKILL}, ".X.XXX."},
	{"core dump", {RESULT_CORE_DUMP, CLD_DUMPED, SIGSEGV}, ".X.XXX."},
	{"timeout", {RESULT_TIMEOUT, CLD_KILLED, SIGKILL}, ".X.XX.."},
	{"timeout, clean exit", {RESULT_TIMEOUT, CLD_EXITED, 0}, ".X.XX.."},
	{"watchdog", {RESULT_WATCHDOG, CLD_KILLED, SIGABRT}, ".X.XX.X"},
	{"health", {RESULT_HEALTH, CLD_EXITED, 0}, ".X.XX.X"},
	{"resources", {RESULT_RESOURCES, 0, 0}, ".X.XX.."},
	{"protocol", {RESULT_PROTOCOL, CLD_EXITED, 0}, ".X.XX.."},
	{"start limit", {RESULT_START_LIMIT, 0, 0}, "......."},
	{"dependency", {RESULT_DEPENDENCY, 0, 0}, "......."},
};

static void test_table(void **state)
{
	struct restart_policy p = restart_policy_default;
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		seen |= 1u << causes[i].e.result;
		for (size_t j = 0; j < RESTART_WHEN_COUNT; j++) {
			struct restart_decision d;

			p.when = columns[j];
			d = restart_decide(&p, &causes[i].e, 0, 0);
			if (d.restart != (causes[i].cells[j] == 'X'))
				fail_msg("Restart=%s, %s: %d", restart_when_to_string(p.when),
					 causes[i].cause, d.restart);
			if (d.reason[0] == '\0' || (!d.restart && d.delay != 0))
				fail_msg("%s: \"%s\"", causes[i].cause, d.reason);
		}
	}
	assert_int_equal(seen, (1u << RESULT_COUNT) - 1);
}

static void test_lists(void **state)
{
	struct restart_policy p = restart_policy_default;
	struct run_exit reboot = {RESULT_SUCCESS, CLD_EXITED, EXIT_REBOOT},
			seven = {RESULT_EXIT_CODE, CLD_EXITED, 7},
			killed = {RESULT_SIGNAL, CLD_KILLED, SIGKILL},
			late = {RESULT_TIMEOUT, CLD_KILLED, SIGKILL};
	struct restart_decision d;

	(void)state;
	d = restart_decide(&p, &reboot, 3, 0);
	assert_true(d.restart);
	assert_string_equal(d.reason, "exit status 133 is in RestartForceExitStatus=");
	exit_set_add(&p.prevent, "133"); /* prevent is stronger, as systemd has it */
	d = restart_decide(&p, &reboot, 0, 0);
	assert_false(d.restart);
	assert_string_equal(d.reason, "exit status 133 is in RestartPreventExitStatus=");

	p = restart_policy_default;
	p.when = RESTART_ALWAYS;
	exit_set_add(&p.prevent, "7");
	exit_set_add(&p.prevent, "SIGKILL");
	assert_false(restart_decide(&p, &seven, 0, 0).restart);
	d = restart_decide(&p, &killed, 0, 0);
	assert_false(d.restart);
	assert_string_equal(d.reason, "signal SIGKILL is in RestartPreventExitStatus=");
	assert_false(restart_decide(&p, &late, 0, 0).restart); /* by how it ended, whatever the result */

	memset(&p.force, 0, sizeof(p.force)); /* RestartForceExitStatus= emptied: a reboot is a success */
	p.when = RESTART_ON_FAILURE;
	assert_false(restart_decide(&p, &reboot, 0, 0).restart);
	p.when = RESTART_ON_SUCCESS;
	assert_true(restart_decide(&p, &reboot, 0, 0).restart);

	memset(&p.prevent, 0, sizeof(p.prevent));
	exit_set_add(&p.force, "SIGKILL");
	d = restart_decide(&p, &killed, 0, 0);
	assert_true(d.restart);
	assert_string_equal(d.reason, "signal SIGKILL is in RestartForceExitStatus=");
	d = restart_decide(&p, &(struct run_exit){RESULT_START_LIMIT, CLD_KILLED, SIGKILL}, 0, 0);
	assert_false(d.restart); /* nothing forces past the limit */
}

static void test_reasons(void **state)
{
	static const struct {
		enum restart_when when;
		struct run_exit e;
		const char *reason;
	} rows[] = {
		{RESTART_NO, {RESULT_EXIT_CODE, CLD_EXITED, 7}, "Restart=no"},
		{RESTART_ALWAYS, {RESULT_SUCCESS, CLD_EXITED, 0}, "Restart=always"},
		{RESTART_ON_FAILURE,
		 {RESULT_SUCCESS, CLD_EXITED, 0},
		 "Restart=on-failure, and the result is success"},
		{RESTART_ON_FAILURE,
		 {RESULT_EXIT_CODE, CLD_EXITED, 7},
		 "Restart=on-failure, and the result is exit-code (exit status 7)"},
		{RESTART_ON_ABORT,
		 {RESULT_CORE_DUMP, CLD_DUMPED, SIGSEGV},
		 "Restart=on-abort, and the result is core-dump (signal SIGSEGV)"},
		{RESTART_ON_FAILURE,
		 {RESULT_EXIT_CODE, 0, 0},
		 "Restart=on-failure, and the result is exit-code (no exit status)"},
		{RESTART_ON_WATCHDOG,
		 {RESULT_TIMEOUT, CLD_KILLED, SIGKILL},
		 "Restart=on-watchdog, and the result is timeout"},
		{RESTART_ALWAYS,
		 {RESULT_START_LIMIT, 0, 0},
		 "more than 5 starts within 10s (StartLimitBurst=, StartLimitIntervalSec=)"},
		{RESTART_ALWAYS, {RESULT_DEPENDENCY, 0, 0}, "what it requires could not be started"},
	};
	struct restart_policy p = restart_policy_default;
	struct restart_decision d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p.when = rows[i].when;
		assert_string_equal(restart_decide(&p, &rows[i].e, 0, 0).reason, rows[i].reason);
	}
	p.when = RESTART_ALWAYS;
	p.delay = USEC_INFINITY;
	d = restart_decide(&p, &rows[0].e, 0, 0);
	assert_false(d.restart);
	assert_string_equal(d.reason, "RestartSec=infinity");
}

/* --- when ------------------------------------------------------------------------------------------- */
static const struct run_exit failed = {RESULT_EXIT_CODE, CLD_EXITED, 1};

static struct restart_policy growing(uint64_t delay, unsigned steps, uint64_t max_delay)
{
	struct restart_policy p = restart_policy_default;

	p.when = RESTART_ALWAYS;
	p.delay = delay;
	p.steps = steps;
	p.max_delay = max_delay;
	return p;
}

static void test_delays(void **state)
{
	static const struct {
		uint64_t delay, max_delay;
		unsigned steps;
		uint64_t expected[7];
	} rows[] = {
		/* systemd's own example of the formula: 2 s, 3 steps, 16 s */
		{2 * SECOND, 16 * SECOND, 3, {2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 16 * SECOND}},
		{SECOND, 16 * SECOND, 1, {SECOND, 16 * SECOND, 16 * SECOND}},
		{SECOND, 16 * SECOND, 2, {SECOND, 4 * SECOND, 16 * SECOND, 16 * SECOND}},
		/* constant: no steps, no maximum, maximum not above, no delay */
		{SECOND, 16 * SECOND, 0, {SECOND, SECOND, SECOND, SECOND}},
		{SECOND, USEC_INFINITY, 4, {SECOND, SECOND, SECOND, SECOND}},
		{SECOND, SECOND, 4, {SECOND, SECOND, SECOND, SECOND}},
		{2 * SECOND, SECOND, 4, {2 * SECOND, 2 * SECOND, 2 * SECOND}},
		{0, SECOND, 4, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct restart_policy p = growing(rows[i].delay, rows[i].steps, rows[i].max_delay);

		for (unsigned n = 0; n < 7 && (n == 0 || rows[i].expected[n] != 0); n++) {
			uint64_t delay = restart_decide(&p, &failed, n, 0).delay, want = rows[i].expected[n];

			if (delay > want || want - delay > 1) /* the root is cut to whole microseconds */
				fail_msg("row %zu, restart %u: %llu", i, n, (unsigned long long)delay);
		}
	}
}

/* Any policy: the first waits RestartSec=, none waits less than the one before, none longer than the maximum,
 * and chance adds at most a tenth. */
static void test_delays_by_force(void **state)
{
	static const uint64_t delays[] = {
		0, 1, 100 * MS, SECOND, 7 * SECOND, 3600 * SECOND, USEC_INFINITY - 1};
	static const uint64_t maxima[] = {
		0, 1, 2, 100 * MS, 60 * SECOND, 86400 * SECOND, USEC_INFINITY - 1, USEC_INFINITY};
	static const uint64_t randoms[] = {0, 1, 12345678901, UINT64_MAX};
	static const unsigned numbers[] = {0, 1, 2, 3, 10, 100, 1000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < 7 * 8 * 8; i++) {
		struct restart_policy p = growing(delays[i % 7], numbers[i / 7 % 8], maxima[i / 56]);
		uint64_t before = p.delay,
			 last = p.max_delay > p.delay && p.max_delay != USEC_INFINITY && p.steps && p.delay
					? p.max_delay
					: p.delay;

		assert_int_equal(restart_decide(&p, &failed, 0, 0).delay, p.delay);
		for (unsigned n = 0; n < 130; n++) {
			uint64_t delay = restart_decide(&p, &failed, n, 0).delay;

			if (delay < before || delay > last)
				fail_msg("policy %zu, restart %u: %llu after %llu", i, n,
					 (unsigned long long)delay, (unsigned long long)before);
			before = delay;
			for (size_t k = 0; k < 4; k++) {
				uint64_t spread = restart_decide(&p, &failed, n, randoms[k]).delay;

				assert_true(spread >= delay && spread - delay <= delay / 10);
			}
		}
		assert_int_equal(restart_decide(&p, &failed, UINT32_MAX, 0).delay, last);
	}
}

static void test_reboot_waits_no_longer(void **state)
{
	struct restart_policy p = growing(SECOND, 4, 60 * SECOND);
	struct run_exit reboot = {RESULT_SUCCESS, CLD_EXITED, EXIT_REBOOT};

	(void)state;
	for (unsigned n = 0; n < 10; n++)
		assert_int_equal(restart_decide(&p, &reboot, n, UINT64_MAX - n).delay, SECOND);
}

static void test_spread_differs(void **state)
{
	struct restart_policy p = growing(SECOND, 0, USEC_INFINITY);
	bool above = false;

	(void)state;
	for (uint64_t random = 0; random < 200000; random += 997)
		above |= restart_decide(&p, &failed, 0, random).delay > SECOND + SECOND / 11;
	assert_true(above);
}

/* --- start limit ------------------------------------------------------------------------------------ */
static void test_start_limit(void **state)
{
	struct restart_policy p = restart_policy_default; /* 5 in 10 s */
	struct start_limit l = {0};
	uint64_t now = 1000 * SECOND;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_true(start_limit_take(&l, &p, now + i * SECOND));
	assert_false(start_limit_take(&l, &p, now + 5 * SECOND));
	assert_false(start_limit_take(&l, &p, now + 10 * SECOND)); /* the window is the first one's */
	assert_true(start_limit_take(&l, &p, now + 10 * SECOND + 1));
	for (unsigned i = 0; i < 4; i++)
		assert_true(start_limit_take(&l, &p, now + 11 * SECOND));
	assert_false(start_limit_take(&l, &p, now + 11 * SECOND));
	l = (struct start_limit){0}; /* reset-failed */
	assert_true(start_limit_take(&l, &p, now + 11 * SECOND));
}

static void test_no_start_limit(void **state)
{
	struct restart_policy a = restart_policy_default, b = a, c = a;
	struct start_limit la = {0}, lb = {0}, lc = {0};

	(void)state;
	a.limit_interval = 0;
	b.limit_burst = 0;
	c.limit_interval = USEC_INFINITY;
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(start_limit_take(&la, &a, i));
		assert_true(start_limit_take(&lb, &b, i));
		assert_int_equal(start_limit_take(&lc, &c, i * SECOND), i < 5);
	}
}

static void test_forgets(void **state)
{
	struct restart_policy p = restart_policy_default;

	(void)state;
	assert_false(restart_forgets(&p, 10 * SECOND));
	assert_true(restart_forgets(&p, 10 * SECOND + 1));
	p.limit_burst = 0;
	assert_false(restart_forgets(&p, 100 * MS));
	assert_true(restart_forgets(&p, 101 * MS));
	p = growing(SECOND, 5, 60 * SECOND);
	assert_false(restart_forgets(&p, 60 * SECOND));
	assert_true(restart_forgets(&p, 61 * SECOND));
	p.steps = 0;
	assert_true(restart_forgets(&p, 11 * SECOND));
	p.limit_interval = USEC_INFINITY;
	assert_false(restart_forgets(&p, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),		cmocka_unit_test(test_set_words),
		cmocka_unit_test(test_signal_names),	cmocka_unit_test(test_classify),
		cmocka_unit_test(test_table),		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_reasons),		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_delays_by_force), cmocka_unit_test(test_reboot_waits_no_longer),
		cmocka_unit_test(test_spread_differs),	cmocka_unit_test(test_start_limit),
		cmocka_unit_test(test_no_start_limit),	cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
