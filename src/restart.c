/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The restart policy of systemd.service(5), so that who knows that page knows ours: service_shall_restart()
 * and the table in it, the delays of RestartSteps= (systemd 254), its rate limit. Ours are the spread of what
 * fails together (systemd has that since 262, off by default), the results "health" and "dependency", and
 * that every answer comes with its reason.
 */
#include "restart.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>

static const char *const when_names[RESTART_WHEN_COUNT] = {
	[RESTART_NO] = "no",
	[RESTART_ON_SUCCESS] = "on-success",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ON_ABNORMAL] = "on-abnormal",
	[RESTART_ON_WATCHDOG] = "on-watchdog",
	[RESTART_ON_ABORT] = "on-abort",
	[RESTART_ALWAYS] = "always",
};

static const char *const result_names[RESULT_COUNT] = {
	[RESULT_SUCCESS] = "success",	    [RESULT_RESOURCES] = "resources",
	[RESULT_PROTOCOL] = "protocol",	    [RESULT_TIMEOUT] = "timeout",
	[RESULT_EXIT_CODE] = "exit-code",   [RESULT_SIGNAL] = "signal",
	[RESULT_CORE_DUMP] = "core-dump",   [RESULT_WATCHDOG] = "watchdog",
	[RESULT_HEALTH] = "health",	    [RESULT_START_LIMIT] = "start-limit-hit",
	[RESULT_DEPENDENCY] = "dependency",
};

const struct restart_policy restart_policy_default = {
	.when = RESTART_NO,
	.delay = 100 * UINT64_C(1000),
	.max_delay = USEC_INFINITY,
	.force.status[EXIT_REBOOT / 64] = UINT64_C(1) << EXIT_REBOOT % 64,
	.success.status[EXIT_REBOOT / 64] = UINT64_C(1) << EXIT_REBOOT % 64,
	.limit_interval = 10 * UINT64_C(1000000),
	.limit_burst = 5,
};

static int find_name(const char *const *names, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (str_equal(names[i], text))
			return i;
	return -EINVAL;
}

const char *restart_when_to_string(enum restart_when w)
{
	return (unsigned)w < RESTART_WHEN_COUNT ? when_names[w] : "unknown";
}

int restart_when_from_string(const char *text, enum restart_when *ret)
{
	int n = find_name(when_names, RESTART_WHEN_COUNT, text);

	if (n < 0)
		return n;
	*ret = (enum restart_when)n;
	return 0;
}

const char *run_result_to_string(enum run_result r)
{
	return (unsigned)r < RESULT_COUNT ? result_names[r] : "unknown";
}

int run_result_from_string(const char *text, enum run_result *ret)
{
	int n = find_name(result_names, RESULT_COUNT, text);

	if (n < 0)
		return n;
	*ret = (enum run_result)n;
	return 0;
}

bool start_limit_take(struct start_limit *l, const struct restart_policy *p, uint64_t now)
{
	if (p->limit_interval == 0 || p->limit_burst == 0)
		return true;
	if (l->count == 0 || now - l->begin > p->limit_interval) {
		l->begin = now;
		l->count = 1;
		return true;
	}
	if (l->count >= p->limit_burst)
		return false;
	l->count++;
	return true;
}

/* --- whether
 * ------------------------------------------------------------------------------------------------ */
static bool when_allows(enum restart_when when, enum run_result result)
{
	switch (when) {
	case RESTART_ON_SUCCESS: return result == RESULT_SUCCESS;
	case RESTART_ON_FAILURE: return result != RESULT_SUCCESS;
	case RESTART_ON_ABNORMAL: return result != RESULT_SUCCESS && result != RESULT_EXIT_CODE;
	case RESTART_ON_WATCHDOG: /* a failed health check is a watchdog that asks the payload */
		return result == RESULT_WATCHDOG || result == RESULT_HEALTH;
	case RESTART_ON_ABORT: return result == RESULT_SIGNAL || result == RESULT_CORE_DUMP;
	case RESTART_ALWAYS: return true;
	default: return false;
	}
}

/* "exit status 7", "signal SIGKILL": what the exit lists of a configuration speak of. */
static const char *describe_exit(const struct run_exit *e, char *buffer, size_t size)
{
	char name[FORMAT_MAX];

	if (e->code == CLD_EXITED)
		str_format(buffer, size, "exit status %d", e->status);
	else if (e->code == CLD_KILLED || e->code == CLD_DUMPED)
		str_format(buffer, size, "signal %s", format_signal(e->status, name));
	else
		str_format(buffer, size, "no exit status");
	return buffer;
}

#define SAY(d, ...) ((void)str_format((d)->reason, sizeof((d)->reason), __VA_ARGS__))

static void decide_by_result(struct restart_decision *d, const struct restart_policy *p,
			     const struct run_exit *e, const char *exit)
{
	const char *when = restart_when_to_string(p->when), *result = run_result_to_string(e->result);

	d->restart = when_allows(p->when, e->result);
	if (p->when == RESTART_NO || p->when == RESTART_ALWAYS)
		SAY(d, "Restart=%s", when);
	else if (e->result == RESULT_EXIT_CODE || e->result == RESULT_SIGNAL || e->result == RESULT_CORE_DUMP)
		SAY(d, "Restart=%s, and the result is %s (%s)", when, result, exit);
	else
		SAY(d, "Restart=%s, and the result is %s", when, result);
}

static void decide(struct restart_decision *d, const struct restart_policy *p, const struct run_exit *e)
{
	char exit[64], interval[FORMAT_MAX];

	describe_exit(e, exit, sizeof(exit));
	if (e->result == RESULT_START_LIMIT)
		SAY(d, "more than %u starts within %s (StartLimitBurst=, StartLimitIntervalSec=)",
		    p->limit_burst, format_usec(p->limit_interval, interval));
	else if (e->result == RESULT_DEPENDENCY)
		SAY(d, "what it requires could not be started");
	else if (exit_set_has(&p->prevent, e->code, e->status))
		SAY(d, "%s is in RestartPreventExitStatus=", exit);
	else if (exit_set_has(&p->force, e->code, e->status)) {
		d->restart = true;
		SAY(d, "%s is in RestartForceExitStatus=", exit);
	} else
		decide_by_result(d, p, e, exit);
	if (d->restart && p->delay == USEC_INFINITY) {
		d->restart = false;
		SAY(d, "RestartSec=infinity");
	}
}

/* --- when
 * --------------------------------------------------------------------------------------------------- */
static bool delay_grows(const struct restart_policy *p)
{
	return p->steps > 0 && p->delay > 0 && p->max_delay != USEC_INFINITY && p->max_delay > p->delay;
}

/* Restart number i (from 0) of n steps waits delay * (max_delay / delay) ^ (i / n): equal ratios. */
static uint64_t delay_of(const struct restart_policy *p, unsigned restarts)
{
	long double ratio, delay;

	if (!delay_grows(p) || restarts == 0)
		return p->delay;
	if (restarts >= p->steps)
		return p->max_delay;
	ratio = (long double)p->max_delay / (long double)p->delay;
	delay = (long double)p->delay * powl(ratio, (long double)restarts / (long double)p->steps);
	return delay < (long double)p->max_delay ? (uint64_t)delay : p->max_delay;
}

static uint64_t spread(uint64_t delay, uint64_t random)
{
	uint64_t more = random % (delay / 10 + 1);

	return delay > USEC_INFINITY - 1 - more ? USEC_INFINITY - 1 : delay + more;
}

struct restart_decision restart_decide(const struct restart_policy *p, const struct run_exit *e,
				       unsigned restarts, uint64_t random)
{
	struct restart_decision d = {.restart = false};

	decide(&d, p, e);
	if (!d.restart)
		return d;
	if (e->code == CLD_EXITED && e->status == EXIT_REBOOT)
		d.delay = p->delay;
	else
		d.delay = spread(delay_of(p, restarts), random);
	return d;
}

bool restart_forgets(const struct restart_policy *p, uint64_t ran_for)
{
	uint64_t longest = delay_grows(p) ? p->max_delay : p->delay;

	return ran_for > longest && (p->limit_burst == 0 || ran_for > p->limit_interval);
}
