/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether what ended is started again, when, and why: systemd.service(5)'s policy as pure functions.
 * Layer 2; pure. Times are CLOCK_BOOTTIME microseconds. */
#ifndef NETNSD_RESTART_H
#define NETNSD_RESTART_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* Restart= */
enum restart_when {
	RESTART_NO,
	RESTART_ON_SUCCESS,
	RESTART_ON_FAILURE,
	RESTART_ON_ABNORMAL,
	RESTART_ON_WATCHDOG,
	RESTART_ON_ABORT,
	RESTART_ALWAYS,
	RESTART_WHEN_COUNT
};
const char *restart_when_to_string(enum restart_when w); /* "on-failure" */
int restart_when_from_string(const char *text, enum restart_when *ret);

/* Why a run ended; systemd's words where it has one. */
enum run_result {
	RESULT_SUCCESS,
	RESULT_RESOURCES, /* could not even be started: namespace, root, credential, cgroup */
	RESULT_PROTOCOL,  /* ended well before it was ready */
	RESULT_TIMEOUT,
	RESULT_EXIT_CODE,
	RESULT_SIGNAL,
	RESULT_CORE_DUMP,
	RESULT_WATCHDOG,
	RESULT_HEALTH, /* ours: HealthCmd=, HealthTcp= */
	RESULT_START_LIMIT,
	RESULT_DEPENDENCY, /* what it requires could not be started */
	RESULT_COUNT
};
const char *run_result_to_string(enum run_result r); /* "exit-code", "start-limit-hit" */
int run_result_from_string(const char *text, enum run_result *ret);

/* RestartForceExitStatus=, RestartPreventExitStatus=, SuccessExitStatus=: numbers 0 to 255 and signals. */
struct exit_set {
	uint64_t status[4];
	uint64_t signals; /* bit n - 1: signal n, 1..64 */
};
/* "133", "SIGTERM", "TERM", "RTMIN+3", "EX_USAGE" or "USAGE" (sysexits.h and the LSB's, without EX_ as
 * systemd has them). Adds to the set. -EINVAL. */
int exit_set_add(struct exit_set *set, const char *word);
bool exit_set_has(const struct exit_set *set, int code,
		  int status); /* code: CLD_EXITED, CLD_KILLED, CLD_DUMPED */

struct restart_policy {
	enum restart_when when;
	uint64_t delay;	    /* RestartSec=, usec; default 100 ms */
	unsigned steps;	    /* RestartSteps=; 0: constant delay */
	uint64_t max_delay; /* RestartMaxDelaySec=; USEC_INFINITY: constant delay */
	struct exit_set force, prevent, success;
	uint64_t limit_interval; /* StartLimitIntervalSec=, default 10 s; 0: no limit */
	unsigned limit_burst;	 /* StartLimitBurst=, default 5; 0: no limit */
};
extern const struct restart_policy restart_policy_default; /* with 133 in force and success */

/* How a run ended. code 0: there was no process (could not be started). */
struct run_exit {
	enum run_result result;
	int code, status;
};
/* What an exit of nspawn means by itself: success (0, SIGTERM, SIGINT, SIGHUP, SIGPIPE as systemd has
 * it, SuccessExitStatus=), exit-code, signal, core-dump. */
enum run_result restart_classify(const struct restart_policy *p, int code, int status);
/* nspawn's way to say that the machine inside rebooted (with --keep-unit). */
#define EXIT_REBOOT 133

/* Like systemd's: a window that begins with the first start in it. */
struct start_limit {
	uint64_t begin;
	unsigned count;
};
/* Counts one start; false when there were too many. */
bool start_limit_take(struct start_limit *l, const struct restart_policy *p, uint64_t now);

struct restart_decision {
	bool restart;
	uint64_t delay;	  /* usec */
	char reason[160]; /* for the log, also of a no: "Restart=no", "exit status 133 is in
			     RestartForceExitStatus=" */
};
/* `restarts`: how many automatic ones went before this, in a row (restart_forgets()); `random`: any number,
 * spreads what fails together: the delay grows by up to a tenth of it. Reboots (status 133) are not spread
 * and always wait RestartSec= alone. */
struct restart_decision restart_decide(const struct restart_policy *p, const struct run_exit *e,
				       unsigned restarts, uint64_t random);
/* It ran well for so long (longer than the longest delay and the limit's interval) that counting begins anew.
 */
bool restart_forgets(const struct restart_policy *p, uint64_t ran_for);

#endif
