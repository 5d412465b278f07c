/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container as JSON: what its file declares (context) and what it is now (runtime). */
#include "api_internal.h"
#include "cgroup.h"

#include <signal.h>
#include <time.h>

static json_t *context(const struct container_settings *s, bool with_text)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "namespace", s->netns);
	r |= api_put_text(o, "description", s->description);
	r |= api_put_text(o, "directory", s->directory);
	r |= api_put_text(o, "image", s->image);
	r |= api_put_text(o, "template", s->template);
	r |= api_put_bool(o, "autoStart", s->autostart);
	r |= api_put_bool(o, "boot", s->boot);
	r |= api_put_bool(o, "ephemeral", s->ephemeral);
	r |= api_put_bool(o, "notifyReady", s->notify_ready);
	r |= api_put_text(o, "restart", restart_when_to_string(s->restart.when));
	r |= api_put_texts(o, "after", s->after);
	r |= api_put_texts(o, "requires", s->requires);
	r |= api_put_text(o, "file", s->origin.file);
	if (with_text)
		r |= api_put_text(o, "text", s->text);
	return api_built(o, r);
}

static const char *exit_code_word(int code)
{
	switch (code) {
	case CLD_EXITED: return "exited";
	case CLD_KILLED: return "killed";
	case CLD_DUMPED: return "dumped";
	default: return NULL;
	}
}

static uint64_t usec_of(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Deadlines are of a clock that means nothing elsewhere. */
static json_int_t to_realtime(uint64_t boottime)
{
	return (json_int_t)(usec_of(CLOCK_REALTIME) + boottime - usec_of(CLOCK_BOOTTIME));
}

static int put_result(json_t *o, const struct supervision *s)
{
	const char *code = exit_code_word(s->exit_code);
	int r = 0;

	/* Of one that never ran nothing is known. */
	if (s->result != RESULT_SUCCESS || code != NULL)
		r |= api_put_text(o, "result", run_result_to_string(s->result));
	if (code != NULL) {
		r |= api_put_text(o, "exitCode", code);
		r |= api_put_int(o, "exitStatus", s->exit_status);
	}
	if (s->decision[0] != '\0')
		r |= api_put_text(o, "restartReason", s->decision);
	r |= api_put_int(o, "restarts", s->restarts);
	r |= api_put_int(o, "totalRestarts", s->total_restarts);
	if (s->state == CONTAINER_AUTO_RESTART && s->deadline != 0)
		r |= api_put_int(o, "nextRestartAt", to_realtime(s->deadline));
	return r;
}

static int put_process(json_t *o, const struct container *c, bool with_memory)
{
	uint64_t bytes;
	int r = 0;

	if (c->pid > 0)
		r |= api_put_int(o, "pid", c->pid);
	if (c->leader > 0)
		r |= api_put_int(o, "leader", c->leader);
	if (c->health != HEALTH_NONE) {
		r |= api_put_text(o, "health", health_state_to_string(c->health));
		if (c->health_text[0] != '\0')
			r |= api_put_text(o, "healthText", c->health_text);
	}
	if (c->status_text[0] != '\0')
		r |= api_put_text(o, "statusText", c->status_text);
	r |= api_put_text(o, "cgroup", c->cgroup);
	if (with_memory && c->cgroup != NULL && cgroup_memory_current(c->cgroup, &bytes) == 0)
		r |= api_put_int(o, "memoryCurrent", (json_int_t)bytes);
	return r;
}

static json_t *runtime(const struct container *c, bool with_memory)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "state", container_state_to_string(c->s.state));
	if (c->reason.code != 0)
		r |= api_put_text(o, "reason", c->reason.text);
	r |= api_put_int(o, "since", (json_int_t)c->since);
	r |= put_result(o, &c->s);
	r |= put_process(o, c, with_memory);
	if (c->needs_restart)
		r |= api_put_bool(o, "needsRestart", true);
	if (container_comes_back(c))
		r |= api_put_bool(o, "comesBack", true);
	if (c->config_failed)
		r |= api_put_bool(o, "configurationFailed", true);
	if (c->settings == NULL)
		r |= api_put_bool(o, "undeclared", true);
	return api_built(o, r);
}

/* What it runs with, when no file declares it any more. */
const struct container_settings *api_container_settings(const struct container *c)
{
	return c->settings != NULL ? c->settings : c->running;
}

json_t *api_container_entry(const struct container *c, bool with_text, bool with_memory)
{
	const struct container_settings *s = api_container_settings(c);
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "name", c->name);
	if (s != NULL)
		r |= api_put(o, "context", context(s, with_text));
	r |= api_put(o, "runtime", runtime(c, with_memory));
	return api_built(o, r);
}

/* --- counts -------------------------------------------------------------------------------------- */

int api_put_container_counts(json_t *o, struct manager *m)
{
	static const char *const words[CONTAINER_STATE_COUNT] = {
		[CONTAINER_DEAD] = "dead",
		[CONTAINER_START_PRE] = "starting",
		[CONTAINER_START] = "starting",
		[CONTAINER_RUNNING] = "running",
		[CONTAINER_STOP_SIGTERM] = "stopping",
		[CONTAINER_STOP_SIGKILL] = "stopping",
		[CONTAINER_STOP_POST] = "stopping",
		[CONTAINER_AUTO_RESTART] = "restarting",
		[CONTAINER_FAILED] = "failed",
		[CONTAINER_SKIPPED] = "skipped",
	};
	json_t *counts = json_object();
	struct container *c, *next;
	json_int_t total = 0;
	int r = 0;

	for (int s = 0; s < CONTAINER_STATE_COUNT; s++)
		r |= api_put_int(counts, words[s], 0);
	HASH_ITER (hh, m->containers, c, next) {
		const char *word = words[c->s.state];

		r |= api_put_int(counts, word, json_integer_value(json_object_get(counts, word)) + 1);
		total++;
	}
	r |= api_put_int(counts, "total", total);
	return r | api_put(o, "containers", counts);
}
