/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of one container as a state machine. Each state has a function that says what the events mean in
 * it; all of them end in enter(), which alone changes the state. Why something was decided goes to `reason`
 * where it is decided (supervise_text.c has the words).
 */
#include "parse.h"
#include "str.h"
#include "supervise_internal.h"

#include <signal.h>
#include <string.h>

#define STATUS_STUB_KILLED 255 /* of nspawn, when --as-pid2's payload was ended by a signal */

static uint64_t after(uint64_t now, uint64_t span)
{
	if (span == USEC_INFINITY)
		return 0;
	if (span > USEC_INFINITY - 1 - now)
		return USEC_INFINITY - 1;
	return now + span > 0 ? now + span : 1;
}

/* A run that was long enough makes what went before it forgotten. */
static void leave_running(const struct step *x)
{
	struct supervision *s = x->s;

	if (x->in->now > s->running_since && restart_forgets(x->p->restart, x->in->now - s->running_since))
		s->restarts = 0;
	s->running_since = 0;
}

static unsigned enter(const struct step *x, enum container_state state, uint64_t deadline)
{
	struct supervision *s = x->s;

	if (s->state == CONTAINER_RUNNING && state != CONTAINER_RUNNING)
		leave_running(x);
	if (state == CONTAINER_RUNNING)
		s->running_since = x->in->now;
	s->state = state;
	s->since = x->in->now;
	s->deadline = deadline;
	return EFFECT_CHANGED;
}

/* --- starting ------------------------------------------------------------------------------------- */
static unsigned begin(const struct step *x)
{
	struct supervision *s = x->s;

	s->stop_asked = s->again = s->skip = s->leader = s->ready = false;
	s->cause = RESULT_SUCCESS;
	s->signals = 0;
	if (start_limit_take(&s->starts, x->p->restart, x->in->now))
		return enter(x, CONTAINER_START_PRE, 0) | EFFECT_PREPARE;
	s->result = RESULT_START_LIMIT;
	supervise_say_limit(x);
	memcpy(s->decision, s->reason, sizeof(s->decision)); /* instead of "starts again in" */
	return enter(x, CONTAINER_FAILED, 0);
}

/* Somebody wants it: what it did by itself before does not count any more, but for the start limit. */
static unsigned begin_asked(const struct step *x)
{
	x->s->restarts = x->s->total_restarts = 0;
	x->s->decision[0] = '\0';
	SAY(x, "start asked for");
	return begin(x);
}

/* A reboot is no failure: it does not make the next delay longer. */
static bool was_reboot(const struct supervision *s)
{
	return s->cause == RESULT_SUCCESS && s->exit_code == CLD_EXITED && s->exit_status == EXIT_REBOOT;
}

static unsigned begin_automatic(const struct step *x)
{
	struct supervision *s = x->s;

	if (!was_reboot(s) && s->restarts < UINT_MAX)
		s->restarts++;
	if (s->total_restarts < UINT_MAX)
		s->total_restarts++;
	SAY(x, "automatic restart, number %u since it was started", s->total_restarts);
	return begin(x);
}

/* --- ending --------------------------------------------------------------------------------------- */
static unsigned clean(const struct step *x, enum run_result result, int code, int status)
{
	x->s->result = result;
	x->s->exit_code = code;
	x->s->exit_status = status;
	return enter(x, CONTAINER_STOP_POST, 0) | EFFECT_CLEAN;
}

/* nspawn that is still starting dies of SIGTERM and leaves its copy of the root behind; SIGINT it takes. */
static unsigned terminate(const struct step *x)
{
	struct supervision *s = x->s;
	unsigned effect = s->leader ? EFFECT_SIGTERM : EFFECT_SIGINT;

	s->signals++;
	return effect | enter(x, CONTAINER_STOP_SIGTERM, after(x->in->now, x->p->timeout_stop));
}

static unsigned stop_for(const struct step *x, enum run_result cause)
{
	x->s->cause = cause;
	return terminate(x);
}

static unsigned kill_now(const struct step *x, enum run_result cause)
{
	if (x->s->cause == RESULT_SUCCESS)
		x->s->cause = cause;
	return EFFECT_KILL | enter(x, CONTAINER_STOP_SIGKILL, after(x->in->now, SUPERVISE_KILL_DELAY));
}

/* Ended in time by the one signal that asked it to, with a status that only says so: 1 of an nspawn that was
 * still starting, 255 of one whose payload is not PID 1. */
static bool ended_as_asked(const struct supervision *s, const struct supervise_input *in)
{
	/* systemctl stop of the scope ends all in it at once, also a child that nspawn (252, 257) has just
	 * forked to clean up behind its payload: it takes that for a failure of its own. */
	if (s->state == CONTAINER_RUNNING && s->stop_asked && in->own_error)
		return true;
	if (s->state != CONTAINER_STOP_SIGTERM || s->signals != 1 || in->code != CLD_EXITED)
		return false;
	return !s->leader || in->status == STATUS_STUB_KILLED;
}

static enum run_result result_of(const struct step *x)
{
	const struct supervision *s = x->s;
	enum run_result r = restart_classify(x->p->restart, x->in->code, x->in->status);
	bool reboot = x->in->code == CLD_EXITED && x->in->status == EXIT_REBOOT;

	if (s->cause != RESULT_SUCCESS)
		return s->cause;
	if (ended_as_asked(s, x->in))
		return RESULT_SUCCESS;
	if (s->state == CONTAINER_START && r == RESULT_SUCCESS && !reboot)
		return RESULT_PROTOCOL;
	return r;
}

static unsigned exited(const struct step *x)
{
	enum run_result result = result_of(x);

	supervise_say_exit(x, result);
	return clean(x, result, x->in->code, x->in->status);
}

static unsigned not_prepared(const struct step *x)
{
	enum run_result r = x->in->result;

	if (r == RESULT_SUCCESS)
		r = RESULT_RESOURCES;
	SAY(x, "could not be started: %s", run_result_to_string(r));
	return clean(x, r, 0, 0);
}

static void ask_stop(const struct step *x)
{
	x->s->stop_asked = true;
	x->s->again = false;
	x->s->decision[0] = '\0'; /* of an earlier run: of this one nothing will be decided */
	SAY(x, "stop asked for");
}

static void ask_again(const struct step *x)
{
	x->s->again = true;
	SAY(x, "to be started again as soon as it has ended");
}

/* --- what happens in each state ------------------------------------------------------------------- */
static unsigned in_rest(const struct step *x)
{
	struct supervision *s = x->s;

	switch (x->in->event) {
	case SUPERVISE_START:
	case SUPERVISE_RESTART: return begin_asked(x);
	case SUPERVISE_RESET_FAILED:
		if (s->state != CONTAINER_FAILED)
			return 0;
		SAY(x, "reset");
		return enter(x, CONTAINER_DEAD, 0);
	default: return 0;
	}
}

static unsigned in_start_pre(const struct step *x)
{
	switch (x->in->event) {
	case SUPERVISE_STOP: ask_stop(x); return clean(x, RESULT_SUCCESS, 0, 0);
	case SUPERVISE_RESTART: ask_again(x); return clean(x, RESULT_SUCCESS, 0, 0);
	case SUPERVISE_PREPARED:
		return enter(x, CONTAINER_START, after(x->in->now, x->p->timeout_start)) | EFFECT_LAUNCH;
	case SUPERVISE_NOT_PREPARED: return not_prepared(x);
	case SUPERVISE_CONDITION:
		x->s->skip = true;
		SAY(x, "a condition is not met");
		return clean(x, RESULT_SUCCESS, 0, 0);
	default: return 0;
	}
}

static unsigned in_start(const struct step *x)
{
	switch (x->in->event) {
	case SUPERVISE_STOP: ask_stop(x); return terminate(x);
	case SUPERVISE_RESTART: ask_again(x); return terminate(x);
	case SUPERVISE_NOT_PREPARED: return not_prepared(x);
	case SUPERVISE_LEADER: x->s->leader = true; return 0;
	case SUPERVISE_READY:
		x->s->leader = x->s->ready = true;
		SAY(x, "ready");
		return enter(x, CONTAINER_RUNNING, 0);
	case SUPERVISE_EXITED: return exited(x);
	case SUPERVISE_TIMER: supervise_say_late(x); return stop_for(x, RESULT_TIMEOUT);
	case SUPERVISE_WATCHDOG: supervise_say_silent(x); return kill_now(x, RESULT_WATCHDOG);
	default: return 0;
	}
}

static unsigned in_running(const struct step *x)
{
	switch (x->in->event) {
	case SUPERVISE_STOP: ask_stop(x); return terminate(x);
	case SUPERVISE_RESTART: ask_again(x); return terminate(x);
	case SUPERVISE_EXITED: return exited(x);
	/* One that is hung does not handle SIGTERM either. */
	case SUPERVISE_WATCHDOG: supervise_say_silent(x); return kill_now(x, RESULT_WATCHDOG);
	case SUPERVISE_UNHEALTHY:
		x->s->stop_asked = !x->p->health_restarts;
		SAY(x, "its health check fails");
		return stop_for(x, RESULT_HEALTH);
	default: return 0;
	}
}

/* nspawn answers the second SIGTERM by killing its payload. */
static unsigned stop_overdue(const struct step *x)
{
	struct supervision *s = x->s;

	supervise_say_overdue(x);
	if (s->signals > 1)
		return kill_now(x, RESULT_TIMEOUT);
	if (s->cause == RESULT_SUCCESS)
		s->cause = RESULT_TIMEOUT;
	s->signals++;
	s->deadline = after(x->in->now, SUPERVISE_KILL_DELAY);
	return EFFECT_SIGTERM;
}

static unsigned in_stop(const struct step *x)
{
	struct supervision *s = x->s;

	switch (x->in->event) {
	case SUPERVISE_START:
	case SUPERVISE_RESTART: ask_again(x); return 0;
	case SUPERVISE_STOP: ask_stop(x); return 0;
	case SUPERVISE_LEADER: s->leader = true; return 0;
	case SUPERVISE_EXITED: return exited(x);
	case SUPERVISE_TIMER:
		if (s->state == CONTAINER_STOP_SIGTERM)
			return stop_overdue(x);
		s->deadline = after(x->in->now, SUPERVISE_KILL_DELAY);
		return EFFECT_KILL;
	default: return 0;
	}
}

/* HealthAction=restart asks for it, so Restart= is not asked; the delay is its. */
static struct restart_decision decide(const struct step *x)
{
	const struct supervision *s = x->s;
	struct run_exit e = {s->result, s->exit_code, s->exit_status};
	struct restart_policy policy = *x->p->restart;
	struct restart_decision d;

	if (s->result != RESULT_HEALTH || !x->p->health_restarts)
		return restart_decide(&policy, &e, s->restarts, x->in->random);
	policy.when = RESTART_ALWAYS;
	policy.prevent = policy.force = (struct exit_set){.signals = 0};
	d = restart_decide(&policy, &e, s->restarts, x->in->random);
	if (d.restart)
		(void)str_format(d.reason, sizeof(d.reason), "HealthAction=restart");
	return d;
}

static unsigned cleaned(const struct step *x)
{
	struct supervision *s = x->s;
	enum container_state end = s->result == RESULT_SUCCESS ? CONTAINER_DEAD : CONTAINER_FAILED;
	struct restart_decision d;

	if (s->again)
		return begin_asked(x);
	if (s->skip && !s->stop_asked)
		return enter(x, CONTAINER_SKIPPED, 0);
	if (s->stop_asked) {
		supervise_say_stopped(x);
		return enter(x, end, 0);
	}
	d = decide(x);
	supervise_say_decision(x, &d);
	memcpy(s->decision, s->reason, sizeof(s->decision));
	if (!d.restart)
		return enter(x, end, 0);
	return enter(x, CONTAINER_AUTO_RESTART, after(x->in->now, d.delay));
}

static unsigned in_stop_post(const struct step *x)
{
	switch (x->in->event) {
	case SUPERVISE_START:
	case SUPERVISE_RESTART: ask_again(x); return 0;
	case SUPERVISE_STOP: ask_stop(x); return 0;
	case SUPERVISE_CLEANED: return cleaned(x);
	default: return 0;
	}
}

static unsigned in_auto_restart(const struct step *x)
{
	switch (x->in->event) {
	case SUPERVISE_START:
	case SUPERVISE_RESTART: return begin_asked(x);
	case SUPERVISE_STOP: ask_stop(x); return enter(x, CONTAINER_DEAD, 0);
	case SUPERVISE_TIMER: return begin_automatic(x);
	default: return 0;
	}
}

typedef unsigned state_fn(const struct step *x);

static state_fn *const states[CONTAINER_STATE_COUNT] = {
	[CONTAINER_DEAD] = in_rest,	      [CONTAINER_START_PRE] = in_start_pre,
	[CONTAINER_START] = in_start,	      [CONTAINER_RUNNING] = in_running,
	[CONTAINER_STOP_SIGTERM] = in_stop,   [CONTAINER_STOP_SIGKILL] = in_stop,
	[CONTAINER_STOP_POST] = in_stop_post, [CONTAINER_AUTO_RESTART] = in_auto_restart,
	[CONTAINER_FAILED] = in_rest,	      [CONTAINER_SKIPPED] = in_rest,
};

/* Counters go in every state, as with systemctl; the result only where no decision waits for it. */
static void reset(struct supervision *s)
{
	s->restarts = s->total_restarts = 0;
	s->starts = (struct start_limit){.count = 0};
	if (s->state != CONTAINER_STOP_POST) {
		s->result = RESULT_SUCCESS;
		s->exit_code = s->exit_status = 0;
	}
	s->decision[0] = '\0';
}

unsigned supervise_step(struct supervision *s, const struct supervise_policy *p,
			const struct supervise_input *in)
{
	struct step x = {s, p, in};

	if ((unsigned)s->state >= CONTAINER_STATE_COUNT)
		return 0;
	if (in->event == SUPERVISE_RESET_FAILED)
		reset(s);
	return states[s->state](&x);
}

bool supervise_is_active(const struct supervision *s)
{
	return s->state >= CONTAINER_START_PRE && s->state <= CONTAINER_STOP_POST;
}
