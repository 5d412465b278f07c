/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a container: every event in every state, whole stories, and random ones that must never get to
 * where nothing should be. */
#include "parse.h"
#include "supervise.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS     UINT64_C(1000)
#define SECOND UINT64_C(1000000)

#define K EFFECT_KILL
#define T EFFECT_SIGTERM
#define I EFFECT_SIGINT
#define L EFFECT_CLEAN
#define P EFFECT_PREPARE
#define G EFFECT_LAUNCH
#define C EFFECT_CHANGED

/* --- a container on the table --------------------------------------------------------------------- */
struct bench {
	struct supervision s;
	struct restart_policy restart;
	struct supervise_policy policy;
	uint64_t now;
};

static struct bench bench(enum restart_when when)
{
	struct bench b = {.now = 1000 * SECOND};

	b.restart = restart_policy_default;
	b.restart.when = when;
	b.policy = (struct supervise_policy){
		.timeout_start = 90 * SECOND, .timeout_stop = 60 * SECOND, .health_restarts = true};
	return b;
}

static unsigned step(struct bench *b, struct supervise_input in)
{
	in.now = b->now;
	b->policy.restart = &b->restart;
	return supervise_step(&b->s, &b->policy, &in);
}

static unsigned tell(struct bench *b, enum supervise_event event)
{
	return step(b, (struct supervise_input){.event = event});
}

static unsigned ends(struct bench *b, int code, int status)
{
	return step(b, (struct supervise_input){.event = SUPERVISE_EXITED, .code = code, .status = status});
}

static unsigned not_prepared(struct bench *b, enum run_result result)
{
	return step(b, (struct supervise_input){.event = SUPERVISE_NOT_PREPARED, .result = result});
}

static void is_at(const struct bench *b, enum container_state state, const char *file, int line)
{
	if (b->s.state != state)
		print_error("in %s, expected %s (%s)\n", container_state_to_string(b->s.state),
			    container_state_to_string(state), b->s.reason);
	_assert_true(b->s.state == state, "state", file, line);
}
#define assert_state(b, state) is_at((b), (state), __FILE__, __LINE__)
#define assert_reason(b, part)                                                                               \
	do {                                                                                                 \
		if (!strstr((b)->s.reason, part))                                                            \
			fail_msg("reason \"%s\", expected \"%s\" in it", (b)->s.reason, part);               \
	} while (0)

static void to_start(struct bench *b)
{
	assert_int_equal(tell(b, SUPERVISE_START), P | C);
	assert_state(b, CONTAINER_START_PRE);
	assert_int_equal(tell(b, SUPERVISE_PREPARED), G | C);
	assert_state(b, CONTAINER_START);
}

static void to_running(struct bench *b)
{
	to_start(b);
	assert_int_equal(tell(b, SUPERVISE_LEADER), 0);
	assert_int_equal(tell(b, SUPERVISE_READY), C);
	assert_state(b, CONTAINER_RUNNING);
}

/* From auto-restart or start-pre to running. */
static void again_to_running(struct bench *b)
{
	if (b->s.state == CONTAINER_AUTO_RESTART) {
		b->now = b->s.deadline;
		assert_int_equal(tell(b, SUPERVISE_TIMER), P | C);
	}
	assert_state(b, CONTAINER_START_PRE);
	tell(b, SUPERVISE_PREPARED);
	tell(b, SUPERVISE_LEADER);
	tell(b, SUPERVISE_READY);
	assert_state(b, CONTAINER_RUNNING);
}

/* --- every state and every event ------------------------------------------------------------------ */
static struct bench at_dead(void)
{
	return bench(RESTART_ALWAYS);
}

static struct bench at_start_pre(void)
{
	struct bench b = at_dead();

	tell(&b, SUPERVISE_START);
	return b;
}

static struct bench at_start(void)
{
	struct bench b = at_dead();

	to_start(&b);
	return b;
}

static struct bench at_start_leader(void)
{
	struct bench b = at_start();

	tell(&b, SUPERVISE_LEADER);
	return b;
}

static struct bench at_running(void)
{
	struct bench b = at_dead();

	to_running(&b);
	return b;
}

static struct bench at_running_unwell_stops(void)
{
	struct bench b = at_running();

	b.policy.health_restarts = false;
	return b;
}

static struct bench at_sigterm(void)
{
	struct bench b = at_running();

	tell(&b, SUPERVISE_STOP);
	return b;
}

static struct bench at_sigterm_twice(void)
{
	struct bench b = at_sigterm();

	tell(&b, SUPERVISE_TIMER);
	return b;
}

static struct bench at_sigterm_again(void)
{
	struct bench b = at_running();

	tell(&b, SUPERVISE_RESTART);
	return b;
}

static struct bench at_sigint(void)
{
	struct bench b = at_start();

	tell(&b, SUPERVISE_STOP);
	return b;
}

static struct bench at_sigkill(void)
{
	struct bench b = at_running();

	tell(&b, SUPERVISE_WATCHDOG);
	return b;
}

static struct bench at_post_stopped(void)
{
	struct bench b = at_sigterm();

	ends(&b, CLD_EXITED, 0);
	return b;
}

static struct bench at_post_timeout(void)
{
	struct bench b = at_sigterm_twice();

	ends(&b, CLD_EXITED, 1);
	return b;
}

static struct bench at_post_again(void)
{
	struct bench b = at_sigterm_again();

	ends(&b, CLD_EXITED, 0);
	return b;
}

static struct bench at_post_crashed(void)
{
	struct bench b = at_running();

	ends(&b, CLD_EXITED, 7);
	return b;
}

static struct bench at_post_for_good(void)
{
	struct bench b = at_post_crashed();

	b.restart.when = RESTART_NO;
	return b;
}

static struct bench at_post_skipped(void)
{
	struct bench b = at_start_pre();

	tell(&b, SUPERVISE_CONDITION);
	return b;
}

static struct bench at_auto_restart(void)
{
	struct bench b = at_post_crashed();

	tell(&b, SUPERVISE_CLEANED);
	return b;
}

static struct bench at_failed(void)
{
	struct bench b = at_post_for_good();

	tell(&b, SUPERVISE_CLEANED);
	return b;
}

static struct bench at_skipped(void)
{
	struct bench b = at_post_skipped();

	tell(&b, SUPERVISE_CLEANED);
	return b;
}

/* Effects in lower 7 bits, state + 1 above; 0: nothing at all happens. */
#define TO(state, effects) ((((unsigned)(CONTAINER_##state) + 1) << 7) | (effects))
#define BEGIN		   TO(START_PRE, P | C)
#define CLEAN		   TO(STOP_POST, L | C)
#define STAY(state, e)	   TO(state, e) /* something is noted, or a signal sent, in the same state */

/* clang-format off */
static const struct row {
	const char *name;
	struct bench (*at)(void);
	enum container_state state;
	unsigned expect[SUPERVISE_EVENT_COUNT];
} rows[] = {
#define R [SUPERVISE_RESET_FAILED]
#define ASKED(start, stop, restart) [SUPERVISE_START] = start, [SUPERVISE_STOP] = stop, [SUPERVISE_RESTART] = restart
	{"dead", at_dead, CONTAINER_DEAD, {ASKED(BEGIN, 0, BEGIN)}},
	{"failed", at_failed, CONTAINER_FAILED, {ASKED(BEGIN, 0, BEGIN), R = TO(DEAD, C)}},
	{"skipped", at_skipped, CONTAINER_SKIPPED, {ASKED(BEGIN, 0, BEGIN), R = STAY(SKIPPED, 0)}},
	{"start-pre", at_start_pre, CONTAINER_START_PRE, {ASKED(0, CLEAN, CLEAN),
		[SUPERVISE_PREPARED] = TO(START, G | C), [SUPERVISE_NOT_PREPARED] = CLEAN,
		[SUPERVISE_CONDITION] = CLEAN, R = STAY(START_PRE, 0)}},
	{"start", at_start, CONTAINER_START, {ASKED(0, TO(STOP_SIGTERM, I | C), TO(STOP_SIGTERM, I | C)),
		[SUPERVISE_NOT_PREPARED] = CLEAN, [SUPERVISE_LEADER] = STAY(START, 0),
		[SUPERVISE_READY] = TO(RUNNING, C), [SUPERVISE_EXITED] = CLEAN,
		[SUPERVISE_TIMER] = TO(STOP_SIGTERM, I | C), [SUPERVISE_WATCHDOG] = TO(STOP_SIGKILL, K | C),
		R = STAY(START, 0)}},
	{"start, leader", at_start_leader, CONTAINER_START,
		{ASKED(0, TO(STOP_SIGTERM, T | C), TO(STOP_SIGTERM, T | C)),
		[SUPERVISE_NOT_PREPARED] = CLEAN, [SUPERVISE_READY] = TO(RUNNING, C),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = TO(STOP_SIGTERM, T | C),
		[SUPERVISE_WATCHDOG] = TO(STOP_SIGKILL, K | C), R = STAY(START, 0)}},
	{"running", at_running, CONTAINER_RUNNING, {ASKED(0, TO(STOP_SIGTERM, T | C), TO(STOP_SIGTERM, T | C)),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_WATCHDOG] = TO(STOP_SIGKILL, K | C),
		[SUPERVISE_UNHEALTHY] = TO(STOP_SIGTERM, T | C), R = STAY(RUNNING, 0)}},
	{"running, HealthAction=stop", at_running_unwell_stops, CONTAINER_RUNNING,
		{ASKED(0, TO(STOP_SIGTERM, T | C), TO(STOP_SIGTERM, T | C)),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_WATCHDOG] = TO(STOP_SIGKILL, K | C),
		[SUPERVISE_UNHEALTHY] = TO(STOP_SIGTERM, T | C), R = STAY(RUNNING, 0)}},
	{"stop-sigterm", at_sigterm, CONTAINER_STOP_SIGTERM,
		{ASKED(STAY(STOP_SIGTERM, 0), 0, STAY(STOP_SIGTERM, 0)),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = STAY(STOP_SIGTERM, T), R = STAY(STOP_SIGTERM, 0)}},
	{"stop-sigterm, twice", at_sigterm_twice, CONTAINER_STOP_SIGTERM,
		{ASKED(STAY(STOP_SIGTERM, 0), STAY(STOP_SIGTERM, 0), STAY(STOP_SIGTERM, 0)),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = TO(STOP_SIGKILL, K | C), R = STAY(STOP_SIGTERM, 0)}},
	{"stop-sigterm, again", at_sigterm_again, CONTAINER_STOP_SIGTERM,
		{ASKED(0, STAY(STOP_SIGTERM, 0), 0),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = STAY(STOP_SIGTERM, T), R = STAY(STOP_SIGTERM, 0)}},
	{"stop-sigterm, no leader", at_sigint, CONTAINER_STOP_SIGTERM,
		{ASKED(STAY(STOP_SIGTERM, 0), 0, STAY(STOP_SIGTERM, 0)), [SUPERVISE_LEADER] = STAY(STOP_SIGTERM, 0),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = STAY(STOP_SIGTERM, T), R = STAY(STOP_SIGTERM, 0)}},
	{"stop-sigkill", at_sigkill, CONTAINER_STOP_SIGKILL,
		{ASKED(STAY(STOP_SIGKILL, 0), STAY(STOP_SIGKILL, 0), STAY(STOP_SIGKILL, 0)),
		[SUPERVISE_EXITED] = CLEAN, [SUPERVISE_TIMER] = STAY(STOP_SIGKILL, K), R = STAY(STOP_SIGKILL, 0)}},
	{"stop-post, stopped", at_post_stopped, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = TO(DEAD, C), R = STAY(STOP_POST, 0)}},
	{"stop-post, stopped late", at_post_timeout, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = TO(FAILED, C), R = STAY(STOP_POST, 0)}},
	{"stop-post, again", at_post_again, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = BEGIN, R = STAY(STOP_POST, 0)}},
	{"stop-post, crashed", at_post_crashed, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = TO(AUTO_RESTART, C), R = STAY(STOP_POST, 0)}},
	{"stop-post, crashed, Restart=no", at_post_for_good, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = TO(FAILED, C), R = STAY(STOP_POST, 0)}},
	{"stop-post, skipped", at_post_skipped, CONTAINER_STOP_POST,
		{ASKED(STAY(STOP_POST, 0), STAY(STOP_POST, 0), STAY(STOP_POST, 0)),
		[SUPERVISE_CLEANED] = TO(SKIPPED, C), R = STAY(STOP_POST, 0)}},
	{"auto-restart", at_auto_restart, CONTAINER_AUTO_RESTART,
		{ASKED(BEGIN, TO(DEAD, C), BEGIN), [SUPERVISE_TIMER] = BEGIN, R = STAY(AUTO_RESTART, 0)}},
};
/* clang-format on */

static const char *const event_names[SUPERVISE_EVENT_COUNT] = {
	"START", "STOP",   "RESTART", "PREPARED", "NOT_PREPARED", "CONDITION", "LEADER",
	"READY", "EXITED", "CLEANED", "TIMER",	  "WATCHDOG",	  "UNHEALTHY", "RESET_FAILED"};

static void check_cell(const struct row *row, enum supervise_event event)
{
	struct bench b = row->at();
	struct supervision before = b.s;
	unsigned expect = row->expect[event], effects;
	enum container_state state = expect ? (enum container_state)((expect >> 7) - 1) : row->state;

	b.now += SECOND;
	effects = step(&b,
		       (struct supervise_input){
			       .event = event, .code = CLD_EXITED, .status = 3, .result = RESULT_RESOURCES});
	if (b.s.state != state || effects != (expect & 127))
		fail_msg("%s, %s: %s and effects %#x, expected %s and %#x", row->name, event_names[event],
			 container_state_to_string(b.s.state), effects, container_state_to_string(state),
			 expect & 127);
	if (!expect && memcmp(&before.result, &b.s.result,
			      offsetof(struct supervision, reason) - offsetof(struct supervision, result)))
		fail_msg("%s, %s: changes something", row->name, event_names[event]);
	assert_true(b.s.since == (effects & C ? b.now : before.since));
	if (effects & C)
		assert_true(b.s.reason[0]);
}

static void test_table(void **state)
{
	bool seen[CONTAINER_STATE_COUNT] = {false};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b = rows[i].at();

		if (b.s.state != rows[i].state)
			fail_msg("%s: is %s", rows[i].name, container_state_to_string(b.s.state));
		seen[rows[i].state] = true;
		for (int e = 0; e < SUPERVISE_EVENT_COUNT; e++)
			check_cell(&rows[i], (enum supervise_event)e);
	}
	for (int s = 0; s < CONTAINER_STATE_COUNT; s++)
		assert_true(seen[s]);
}

static void test_names(void **state)
{
	static const char *const words[] = {"dead",	    "start-pre",    "start",	 "running",
					    "stop-sigterm", "stop-sigkill", "stop-post", "auto-restart",
					    "failed",	    "skipped"};
	enum container_state s = CONTAINER_FAILED;

	(void)state;
	assert_int_equal(sizeof(words) / sizeof(*words), CONTAINER_STATE_COUNT);
	for (int i = 0; i < CONTAINER_STATE_COUNT; i++) {
		assert_string_equal(container_state_to_string((enum container_state)i), words[i]);
		assert_int_equal(container_state_from_string(words[i], &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(container_state_from_string("Running", &s), -22);
	assert_int_equal(container_state_from_string("unknown", &s), -22);
	assert_int_equal(s, CONTAINER_SKIPPED);
	assert_string_equal(container_state_to_string((enum container_state)77), "unknown");
}

/* --- stories: stop -------------------------------------------------------------------------------- */
static void test_a_whole_life(void **state)
{
	struct bench b = bench(RESTART_NO);

	(void)state;
	to_start(&b);
	assert_true(supervise_is_active(&b.s));
	assert_int_equal(b.s.deadline, b.now + 90 * SECOND);
	assert_int_equal(b.s.running_since, 0);
	b.now += SECOND;
	tell(&b, SUPERVISE_LEADER);
	tell(&b, SUPERVISE_READY);
	assert_int_equal(b.s.deadline, 0);
	assert_int_equal(b.s.running_since, b.now);
	b.now += 100 * SECOND;
	assert_int_equal(tell(&b, SUPERVISE_STOP), T | C);
	assert_int_equal(b.s.deadline, b.now + 60 * SECOND);
	assert_int_equal(b.s.running_since, 0);
	assert_int_equal(ends(&b, CLD_EXITED, 0), L | C);
	assert_int_equal(b.s.deadline, 0);
	assert_int_equal(tell(&b, SUPERVISE_CLEANED), C);
	assert_state(&b, CONTAINER_DEAD);
	assert_false(supervise_is_active(&b.s));
	assert_int_equal(b.s.result, RESULT_SUCCESS);
	assert_int_equal(b.s.exit_code, CLD_EXITED);
	assert_reason(&b, "stopped");
}

static void test_timeout_ladder(void **state)
{
	struct bench b = at_sigterm();

	(void)state;
	b.now = b.s.deadline;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), T);
	assert_reason(&b, "1min (TimeoutStopSec=)");
	assert_int_equal(b.s.signals, 2);
	assert_int_equal(b.s.deadline, b.now + 5 * SECOND);
	b.now = b.s.deadline;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), K | C);
	assert_state(&b, CONTAINER_STOP_SIGKILL);
	assert_reason(&b, "killed");
	b.now = b.s.deadline;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), K); /* never gives up, never more often */
	assert_int_equal(b.s.deadline, b.now + 5 * SECOND);
	assert_int_equal(ends(&b, CLD_KILLED, SIGKILL), L | C);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED); /* not as it should be, though asked for: as systemd */
	assert_int_equal(b.s.result, RESULT_TIMEOUT);
}

static void test_no_timeouts(void **state)
{
	struct bench b = bench(RESTART_NO);

	(void)state;
	b.policy.timeout_start = b.policy.timeout_stop = USEC_INFINITY;
	to_start(&b);
	assert_int_equal(b.s.deadline, 0);
	tell(&b, SUPERVISE_STOP);
	assert_state(&b, CONTAINER_STOP_SIGTERM);
	assert_int_equal(b.s.deadline, 0);
	b = bench(RESTART_NO);
	b.policy.timeout_start = USEC_INFINITY - 2; /* does not wrap round */
	to_start(&b);
	assert_true(b.s.deadline > b.now);
	b = bench(RESTART_NO);
	b.now = 0;
	b.policy.timeout_start = 0; /* at once is not never */
	to_start(&b);
	assert_int_equal(b.s.deadline, 1);
}

static void test_stop_while_starting(void **state)
{
	struct bench b = at_start();

	(void)state;
	assert_int_equal(tell(&b, SUPERVISE_STOP), I | C);
	assert_int_equal(tell(&b, SUPERVISE_READY), 0); /* too late */
	assert_state(&b, CONTAINER_STOP_SIGTERM);
	ends(&b, CLD_EXITED, 1); /* what nspawn says when it was interrupted */
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_DEAD);
	assert_int_equal(b.s.result, RESULT_SUCCESS);

	b = at_start_leader();
	assert_int_equal(tell(&b, SUPERVISE_STOP), T | C);
	ends(&b, CLD_EXITED, 0); /* not "protocol": it was asked to */
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_DEAD);

	/* The leader came after SIGINT was sent: nspawn takes it as the first of two. */
	b = at_sigint();
	tell(&b, SUPERVISE_LEADER);
	ends(&b, CLD_EXITED, 1);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED);
	b = at_sigint();
	assert_int_equal(tell(&b, SUPERVISE_TIMER), T);
	assert_int_equal(tell(&b, SUPERVISE_TIMER), K | C);
}

static void test_stop_before_there_is_anything(void **state)
{
	struct bench b = at_start_pre();

	(void)state;
	assert_int_equal(tell(&b, SUPERVISE_STOP), L | C);
	assert_int_equal(tell(&b, SUPERVISE_PREPARED), 0); /* was on its way */
	assert_state(&b, CONTAINER_STOP_POST);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_DEAD);
	assert_int_equal(b.s.exit_code, 0);
}

static void test_stopped_by_its_signal(void **state)
{
	static const struct {
		int code, status;
		enum container_state end;
	} cases[] = {
		{CLD_EXITED, 0, CONTAINER_DEAD},
		{CLD_KILLED, SIGTERM, CONTAINER_DEAD},
		{CLD_EXITED, 255, CONTAINER_DEAD}, /* --as-pid2 */
		{CLD_EXITED, 133, CONTAINER_DEAD}, /* rebooted instead, but is to be down */
		{CLD_EXITED, 1, CONTAINER_FAILED},
		{CLD_EXITED, 143, CONTAINER_FAILED},
		{CLD_KILLED, SIGKILL, CONTAINER_FAILED},
		{CLD_DUMPED, SIGSEGV, CONTAINER_FAILED},
		{0, 0, CONTAINER_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bench b = at_sigterm();

		ends(&b, cases[i].code, cases[i].status);
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, cases[i].end);
	}
}

/* By systemd, with its scope: nspawn fails over a child that was ended along with the payload. */
static void test_stopped_with_its_scope(void **state)
{
	static const struct {
		bool asked, own_error;
		enum container_state end;
	} cases[] = {
		{true, true, CONTAINER_DEAD},
		{true, false, CONTAINER_FAILED}, /* the payload's own status */
		{false, true, CONTAINER_FAILED},
		{false, false, CONTAINER_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bench b = bench(RESTART_NO);

		to_running(&b);
		b.s.stop_asked = cases[i].asked;
		(void)step(&b, (struct supervise_input){.event = SUPERVISE_EXITED,
							.code = CLD_EXITED,
							.status = 1,
							.own_error = cases[i].own_error});
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, cases[i].end);
	}
}

static void test_stop_during_auto_restart(void **state)
{
	struct bench b = at_auto_restart();

	(void)state;
	assert_int_not_equal(b.s.deadline, 0);
	assert_non_null(strstr(b.s.decision, "starts again in"));
	assert_int_equal(tell(&b, SUPERVISE_STOP), C);
	assert_state(&b, CONTAINER_DEAD);
	assert_string_equal(b.s.decision, "");
	assert_int_equal(b.s.deadline, 0);
	assert_int_equal(b.s.result, RESULT_EXIT_CODE); /* of the last run: still true */
	assert_int_equal(tell(&b, SUPERVISE_TIMER), 0);
}

/* --- stories: again ------------------------------------------------------------------------------- */
static void test_restart(void **state)
{
	struct bench b = at_running();

	(void)state;
	assert_int_equal(tell(&b, SUPERVISE_RESTART), T | C);
	ends(&b, CLD_EXITED, 0);
	assert_int_equal(tell(&b, SUPERVISE_CLEANED), P | C);
	assert_false(b.s.again);
	assert_int_equal(b.s.signals, 0);
	again_to_running(&b);
	assert_int_equal(b.s.total_restarts, 0);

	/* start after stop: when it has ended; a stop after that takes it back */
	b = at_sigterm();
	tell(&b, SUPERVISE_START);
	ends(&b, CLD_EXITED, 9); /* how it ended does not matter */
	assert_int_equal(tell(&b, SUPERVISE_CLEANED), P | C);
	b = at_sigterm_again();
	tell(&b, SUPERVISE_STOP);
	ends(&b, CLD_EXITED, 0);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_DEAD);

	/* before there is anything: with what its file says now */
	b = at_start_pre();
	assert_int_equal(tell(&b, SUPERVISE_RESTART), L | C);
	assert_int_equal(tell(&b, SUPERVISE_CLEANED), P | C);
}

static void test_asked_in_stop_post(void **state)
{
	struct bench b = at_post_crashed();

	(void)state;
	tell(&b, SUPERVISE_STOP);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED); /* Restart=always, but it was stopped */
	b = at_post_for_good();
	tell(&b, SUPERVISE_START);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_START_PRE);
	b = at_post_skipped();
	tell(&b, SUPERVISE_STOP);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_DEAD);
}

static void test_crash_loop_with_backoff(void **state)
{
	struct bench b = bench(RESTART_ON_FAILURE);
	static const uint64_t delays[] = {1, 2, 4, 8, 16, 16};

	(void)state;
	b.restart.delay = SECOND;
	b.restart.steps = 4;
	b.restart.max_delay = 16 * SECOND;
	to_running(&b);
	for (unsigned i = 0; i < 6; i++) {
		ends(&b, CLD_EXITED, 7);
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, CONTAINER_AUTO_RESTART);
		assert_int_equal(b.s.restarts, i);
		assert_in_range(b.s.deadline - b.now, delays[i] * SECOND - 2, delays[i] * SECOND);
		assert_reason(&b, "Restart=on-failure");
		again_to_running(&b);
		assert_int_equal(b.s.restarts, i + 1);
	}
	assert_int_equal(b.s.total_restarts, 6);
	/* Ran for long: begins anew. */
	b.now += 17 * SECOND;
	ends(&b, CLD_KILLED, SIGSEGV);
	assert_int_equal(b.s.restarts, 0);
	tell(&b, SUPERVISE_CLEANED);
	assert_in_range(b.s.deadline - b.now, SECOND - 2, SECOND);
	assert_int_equal(b.s.total_restarts, 6);
	/* Somebody starts it by hand. */
	assert_int_equal(tell(&b, SUPERVISE_START), P | C);
	assert_int_equal(b.s.total_restarts, 0);
}

static void test_start_limit(void **state)
{
	struct bench b = bench(RESTART_ALWAYS);

	(void)state;
	b.restart.delay = 100 * MS;
	to_running(&b);
	for (unsigned i = 0; i < 4; i++) {
		ends(&b, CLD_EXITED, 1);
		tell(&b, SUPERVISE_CLEANED);
		again_to_running(&b);
	}
	ends(&b, CLD_EXITED, 1);
	tell(&b, SUPERVISE_CLEANED);
	b.now = b.s.deadline;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), C);
	assert_state(&b, CONTAINER_FAILED);
	assert_int_equal(b.s.result, RESULT_START_LIMIT);
	assert_int_equal(b.s.deadline, 0);
	assert_reason(&b, "more than 5 starts within 10s");
	assert_string_equal(b.s.decision, b.s.reason); /* not "starts again in 100ms" */
	/* By hand it is the same: the one who asks must hear of it. */
	assert_int_equal(tell(&b, SUPERVISE_START), C);
	assert_state(&b, CONTAINER_FAILED);
	assert_int_equal(b.s.since, b.now);
	assert_int_equal(tell(&b, SUPERVISE_RESET_FAILED), C);
	assert_state(&b, CONTAINER_DEAD);
	assert_int_equal(b.s.result, RESULT_SUCCESS);
	assert_int_equal(tell(&b, SUPERVISE_START), P | C);
	/* or time helps */
	b.s.state = CONTAINER_FAILED;
	b.s.starts = (struct start_limit){.begin = b.now, .count = 5};
	b.now += 11 * SECOND;
	assert_int_equal(tell(&b, SUPERVISE_START), P | C);
}

static void test_starts_by_hand_count(void **state)
{
	struct bench b = bench(RESTART_NO);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		to_running(&b);
		tell(&b, SUPERVISE_STOP);
		ends(&b, CLD_EXITED, 0);
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, CONTAINER_DEAD);
	}
	assert_int_equal(tell(&b, SUPERVISE_START), C);
	assert_state(&b, CONTAINER_FAILED);
	assert_reason(&b, "StartLimitBurst=");
}

static void test_reboot(void **state)
{
	struct bench b = bench(RESTART_NO); /* RestartForceExitStatus=133 */

	(void)state;
	b.restart.delay = SECOND;
	b.restart.steps = 4;
	b.restart.max_delay = 16 * SECOND;
	to_running(&b);
	for (unsigned i = 0; i < 3; i++) {
		ends(&b, CLD_EXITED, EXIT_REBOOT);
		assert_int_equal(b.s.result, RESULT_SUCCESS);
		assert_reason(&b, "rebooted");
		tell(&b, SUPERVISE_CLEANED);
		assert_int_equal(b.s.deadline - b.now, SECOND);
		again_to_running(&b);
		assert_int_equal(b.s.restarts, 0); /* is no failure */
		assert_int_equal(b.s.total_restarts, i + 1);
	}
	/* before it was ready: a reboot too */
	tell(&b, SUPERVISE_RESET_FAILED);
	b = at_start_leader();
	b.restart.when = RESTART_NO;
	ends(&b, CLD_EXITED, EXIT_REBOOT);
	assert_int_equal(b.s.result, RESULT_SUCCESS);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_AUTO_RESTART);
}

static void test_reboot_storm(void **state)
{
	struct bench b = bench(RESTART_NO);
	unsigned starts = 1;

	(void)state;
	to_running(&b);
	for (unsigned i = 0; i < 20 && b.s.state == CONTAINER_RUNNING; i++) {
		ends(&b, CLD_EXITED, EXIT_REBOOT);
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, CONTAINER_AUTO_RESTART);
		b.now = b.s.deadline;
		if (tell(&b, SUPERVISE_TIMER) & P) {
			starts++;
			again_to_running(&b);
		}
	}
	assert_state(&b, CONTAINER_FAILED);
	assert_int_equal(b.s.result, RESULT_START_LIMIT);
	assert_int_equal(starts, 5);
}

/* --- stories: what goes wrong --------------------------------------------------------------------- */
static void test_start_timeout(void **state)
{
	struct bench b = bench(RESTART_ON_FAILURE);

	(void)state;
	to_start(&b);
	tell(&b, SUPERVISE_LEADER);
	b.now = b.s.deadline;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), T | C);
	assert_reason(&b, "1min 30s (TimeoutStartSec=)");
	assert_int_equal(b.s.deadline, b.now + 60 * SECOND);
	ends(&b, CLD_EXITED, 0); /* even so */
	assert_int_equal(b.s.result, RESULT_TIMEOUT);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_AUTO_RESTART);

	b = at_start();
	b.restart.when = RESTART_NO;
	assert_int_equal(tell(&b, SUPERVISE_TIMER), I | C);
	ends(&b, CLD_EXITED, 1);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED);
	assert_int_equal(b.s.result, RESULT_TIMEOUT);
	assert_reason(&b, "Restart=no");
}

static void test_ends_before_ready(void **state)
{
	struct bench b = at_start_leader();

	(void)state;
	ends(&b, CLD_EXITED, 0);
	assert_int_equal(b.s.result, RESULT_PROTOCOL);
	assert_reason(&b, "before it was ready");
	b = at_start();
	ends(&b, CLD_EXITED, 1);
	assert_int_equal(b.s.result, RESULT_EXIT_CODE);
	b = at_start();
	ends(&b, CLD_KILLED, SIGKILL);
	assert_int_equal(b.s.result, RESULT_SIGNAL);
	assert_reason(&b, "SIGKILL");
	b = at_start();
	step(&b, (struct supervise_input){.event = SUPERVISE_EXITED,
					  .code = CLD_EXITED,
					  .status = 203,
					  .failure = "cannot execute /usr/bin/x: Permission denied"});
	assert_int_equal(b.s.result, RESULT_EXIT_CODE);
	assert_reason(&b, "nspawn could not be executed: cannot execute /usr/bin/x: Permission denied");
	b = at_start();
	ends(&b, 0, 0);
	assert_int_equal(b.s.result, RESULT_EXIT_CODE);
	b = at_running();
	ends(&b, CLD_EXITED, 0);
	assert_int_equal(b.s.result, RESULT_SUCCESS);
}

static void test_watchdog(void **state)
{
	struct bench b = bench(RESTART_ON_WATCHDOG);

	(void)state;
	to_running(&b);
	assert_int_equal(tell(&b, SUPERVISE_WATCHDOG), K | C);
	assert_reason(&b, "WatchdogSec=");
	ends(&b, CLD_KILLED, SIGKILL);
	assert_int_equal(b.s.result, RESULT_WATCHDOG);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_AUTO_RESTART);
}

static void test_health(void **state)
{
	struct bench b = bench(RESTART_NO);

	(void)state;
	to_running(&b);
	assert_int_equal(tell(&b, SUPERVISE_UNHEALTHY), T | C);
	ends(&b, CLD_EXITED, 0);
	assert_int_equal(b.s.result, RESULT_HEALTH);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_AUTO_RESTART); /* Restart=no, but HealthAction= asks for it */
	assert_reason(&b, "HealthAction=restart");
	again_to_running(&b);
	assert_int_equal(b.s.restarts, 1);

	b.policy.health_restarts = false;
	b.restart.when = RESTART_ALWAYS;
	tell(&b, SUPERVISE_UNHEALTHY);
	ends(&b, CLD_EXITED, 0);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED);
	assert_int_equal(b.s.result, RESULT_HEALTH);
	assert_reason(&b, "health");

	/* It does not even end: still the health check's fault, and the ladder as ever. */
	b = at_running();
	tell(&b, SUPERVISE_UNHEALTHY);
	assert_int_equal(tell(&b, SUPERVISE_TIMER), T);
	assert_int_equal(tell(&b, SUPERVISE_TIMER), K | C);
	ends(&b, CLD_KILLED, SIGKILL);
	assert_int_equal(b.s.result, RESULT_HEALTH);

	b = at_running();
	b.restart.delay = USEC_INFINITY;
	tell(&b, SUPERVISE_UNHEALTHY);
	ends(&b, CLD_EXITED, 0);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_FAILED);
	assert_reason(&b, "RestartSec=infinity");
}

static void test_not_prepared(void **state)
{
	static const struct {
		enum run_result told, result;
		enum container_state end;
	} cases[] = {
		{RESULT_RESOURCES, RESULT_RESOURCES, CONTAINER_AUTO_RESTART},
		{RESULT_SUCCESS, RESULT_RESOURCES, CONTAINER_AUTO_RESTART}, /* a caller that forgot it */
		{RESULT_TIMEOUT, RESULT_TIMEOUT, CONTAINER_AUTO_RESTART},
		{RESULT_DEPENDENCY, RESULT_DEPENDENCY, CONTAINER_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		struct bench b = i % 2 ? at_start() : at_start_pre();

		b.restart.when = RESTART_ON_FAILURE;
		assert_int_equal(not_prepared(&b, cases[i / 2].told), L | C);
		assert_reason(&b, run_result_to_string(cases[i / 2].result));
		tell(&b, SUPERVISE_CLEANED);
		assert_state(&b, cases[i / 2].end);
		assert_int_equal(b.s.result, cases[i / 2].result);
		assert_int_equal(b.s.exit_code, 0);
	}
}

static void test_condition(void **state)
{
	struct bench b = at_start_pre();

	(void)state;
	tell(&b, SUPERVISE_CONDITION);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_SKIPPED); /* Restart=always, but there is nothing to wait for */
	assert_int_equal(b.s.result, RESULT_SUCCESS);
	assert_int_equal(b.s.deadline, 0);
	assert_reason(&b, "condition");
	again_to_running((tell(&b, SUPERVISE_START), &b));
	assert_false(b.s.skip);
}

static void test_reset_keeps_what_is_pending(void **state)
{
	struct bench b = at_post_crashed();

	(void)state;
	b.restart.when = RESTART_ON_FAILURE;
	tell(&b, SUPERVISE_RESET_FAILED);
	tell(&b, SUPERVISE_CLEANED);
	assert_state(&b, CONTAINER_AUTO_RESTART);
	again_to_running(&b);
	assert_int_equal(b.s.starts.count, 1);
	tell(&b, SUPERVISE_RESET_FAILED);
	assert_state(&b, CONTAINER_RUNNING);
	assert_int_equal(b.s.starts.count, 0);
	assert_int_equal(b.s.restarts, 0);
	assert_int_equal(b.s.result, RESULT_SUCCESS);
}

static void test_damaged_state(void **state)
{
	struct bench b = bench(RESTART_ALWAYS);

	(void)state;
	b.s.state = (enum container_state)99; /* it may have been read from a file */
	for (int e = 0; e < SUPERVISE_EVENT_COUNT; e++)
		assert_int_equal(tell(&b, (enum supervise_event)e), 0);
	b = at_running();
	assert_int_equal(tell(&b, SUPERVISE_EVENT_COUNT), 0);
	assert_state(&b, CONTAINER_RUNNING);
	b.now = 0; /* a clock that goes back */
	ends(&b, CLD_EXITED, 1);
	assert_state(&b, CONTAINER_STOP_POST);
}

/* --- never ---------------------------------------------------------------------------------------- */
struct world { /* what a caller has who does all that the effects say */
	bool process, dirty, preparing, cleaning;
	uint64_t now;
};

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void obey(struct world *w, unsigned effects)
{
	if (effects & (K | T | I))
		assert_true(w->process);
	assert_false(effects & T && effects & I);
	if (effects & P) {
		assert_false(w->process || w->dirty || w->preparing || w->cleaning);
		w->preparing = w->dirty = true;
	}
	if (effects & G) {
		assert_false(w->process || w->cleaning || w->preparing);
		assert_true(w->dirty);
		w->process = true;
	}
	if (effects & L) {
		assert_false(w->cleaning || w->process);
		assert_true(w->dirty);
		w->cleaning = true;
		w->preparing = false;
	}
}

static void check_invariants(const struct bench *b, const struct world *w, const struct supervision *before,
			     unsigned effects)
{
	const struct supervision *s = &b->s;
	bool timed = s->state == CONTAINER_START || s->state == CONTAINER_STOP_SIGTERM ||
		     s->state == CONTAINER_STOP_SIGKILL || s->state == CONTAINER_AUTO_RESTART;

	assert_int_equal(s->deadline != 0, timed);
	assert_int_equal(supervise_is_active(s), w->process || w->dirty || w->cleaning);
	assert_int_equal(w->preparing, s->state == CONTAINER_START_PRE);
	assert_int_equal(w->cleaning, s->state == CONTAINER_STOP_POST);
	assert_int_equal(s->running_since != 0, s->state == CONTAINER_RUNNING);
	assert_true(s->state != CONTAINER_RUNNING || (s->ready && s->leader && !s->stop_asked && !s->again));
	assert_true(s->state != CONTAINER_FAILED || s->result != RESULT_SUCCESS);
	assert_true(s->state == before->state || effects & C);
	assert_true(s->reason[0] || s->since == 0);
	assert_true(s->starts.count <= b->restart.limit_burst);
	assert_true(s->restarts <= s->total_restarts);
}

/* An event that can come: nobody tells of the end of a process that is not there. */
static bool is_possible(const struct bench *b, const struct world *w, enum supervise_event e)
{
	switch (e) {
	case SUPERVISE_PREPARED:
	case SUPERVISE_CONDITION: return w->preparing;
	case SUPERVISE_NOT_PREPARED: return w->preparing || b->s.state == CONTAINER_START;
	case SUPERVISE_EXITED: return w->process;
	case SUPERVISE_CLEANED: return w->cleaning;
	case SUPERVISE_TIMER: return b->s.deadline != 0;
	default: return true;
	}
}

static void happen(struct bench *b, struct world *w, enum supervise_event e, uint64_t *seed)
{
	static const int codes[] = {0, CLD_EXITED, CLD_EXITED, CLD_KILLED, CLD_DUMPED};
	static const int statuses[] = {0, 1, 7, 133, 255, SIGTERM, SIGKILL};
	struct supervision before = b->s;
	unsigned effects;

	if (e == SUPERVISE_TIMER)
		b->now = b->s.deadline > b->now ? b->s.deadline : b->now;
	if (e == SUPERVISE_PREPARED || e == SUPERVISE_CONDITION)
		w->preparing = false;
	if (e == SUPERVISE_NOT_PREPARED)
		w->preparing = w->process = false;
	if (e == SUPERVISE_EXITED)
		w->process = false;
	if (e == SUPERVISE_CLEANED)
		w->cleaning = w->dirty = false;
	effects = step(b, (struct supervise_input){.event = e,
						   .random = draw(seed),
						   .code = codes[draw(seed) % 5],
						   .status = statuses[draw(seed) % 7],
						   .result = (enum run_result)(draw(seed) % RESULT_COUNT)});
	obey(w, effects);
	check_invariants(b, w, &before, effects);
}

static void test_random_lives(void **state)
{
	bool reached[CONTAINER_STATE_COUNT] = {false};
	uint64_t seed = UINT64_C(0x6e65747364);

	(void)state;
	for (unsigned life = 0; life < 2000; life++) {
		struct bench b = bench((enum restart_when)(draw(&seed) % RESTART_WHEN_COUNT));
		struct world w = {.now = b.now};

		b.policy.health_restarts = draw(&seed) % 2;
		b.restart.steps = (unsigned)(draw(&seed) % 4);
		b.restart.max_delay = draw(&seed) % 2 ? 10 * SECOND : USEC_INFINITY;
		for (unsigned i = 0; i < 100; i++) {
			enum supervise_event e = (enum supervise_event)(draw(&seed) % SUPERVISE_EVENT_COUNT);

			b.now += draw(&seed) % (2 * SECOND);
			if (is_possible(&b, &w, e))
				happen(&b, &w, e, &seed);
			reached[b.s.state] = true;
		}
	}
	for (int s = 0; s < CONTAINER_STATE_COUNT; s++)
		assert_true(reached[s]);
}

/* And at rest it comes by itself, once nobody asks for anything: no state from which nothing leads out. */
static void test_nothing_gets_stuck(void **state)
{
	static const enum supervise_event ways[] = {SUPERVISE_EXITED, SUPERVISE_CLEANED, SUPERVISE_PREPARED};
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b = rows[i].at();
		unsigned n = 0;

		b.restart.when = RESTART_NO;
		b.restart.force = (struct exit_set){.signals = 0};
		tell(&b, SUPERVISE_STOP);
		while (supervise_is_active(&b.s) && n++ < 10)
			step(&b, (struct supervise_input){.event = ways[draw(&seed) % 2],
							  .code = CLD_KILLED,
							  .status = SIGKILL});
		if (supervise_is_active(&b.s) || b.s.state == CONTAINER_AUTO_RESTART)
			fail_msg("%s: cannot be stopped", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_a_whole_life),
		cmocka_unit_test(test_timeout_ladder),
		cmocka_unit_test(test_no_timeouts),
		cmocka_unit_test(test_stop_while_starting),
		cmocka_unit_test(test_stop_before_there_is_anything),
		cmocka_unit_test(test_stopped_by_its_signal),
		cmocka_unit_test(test_stopped_with_its_scope),
		cmocka_unit_test(test_stop_during_auto_restart),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_asked_in_stop_post),
		cmocka_unit_test(test_crash_loop_with_backoff),
		cmocka_unit_test(test_start_limit),
		cmocka_unit_test(test_starts_by_hand_count),
		cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_reboot_storm),
		cmocka_unit_test(test_start_timeout),
		cmocka_unit_test(test_ends_before_ready),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_not_prepared),
		cmocka_unit_test(test_condition),
		cmocka_unit_test(test_reset_keeps_what_is_pending),
		cmocka_unit_test(test_damaged_state),
		cmocka_unit_test(test_random_lives),
		cmocka_unit_test(test_nothing_gets_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
