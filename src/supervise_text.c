/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* States by name, and the sentences in which supervise.c gives its reasons. */
#include "parse.h"
#include "supervise_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const char *const names[CONTAINER_STATE_COUNT] = {
	[CONTAINER_DEAD] = "dead",
	[CONTAINER_START_PRE] = "start-pre",
	[CONTAINER_START] = "start",
	[CONTAINER_RUNNING] = "running",
	[CONTAINER_STOP_SIGTERM] = "stop-sigterm",
	[CONTAINER_STOP_SIGKILL] = "stop-sigkill",
	[CONTAINER_STOP_POST] = "stop-post",
	[CONTAINER_AUTO_RESTART] = "auto-restart",
	[CONTAINER_FAILED] = "failed",
	[CONTAINER_SKIPPED] = "skipped",
};

const char *container_state_to_string(enum container_state s)
{
	return (unsigned)s < CONTAINER_STATE_COUNT ? names[s] : "unknown";
}

int container_state_from_string(const char *text, enum container_state *ret)
{
	for (int i = 0; i < CONTAINER_STATE_COUNT; i++)
		if (str_equal(names[i], text)) {
			*ret = (enum container_state)i;
			return 0;
		}
	return -EINVAL;
}

static const char *exit_text(int code, int status, char *buffer, size_t size)
{
	char name[FORMAT_MAX];

	if (code == CLD_EXITED && status == EXIT_REBOOT)
		(void)str_format(buffer, size, "rebooted (exit status %d)", status);
	else if (code == CLD_EXITED)
		(void)str_format(buffer, size, "ended with exit status %d", status);
	else if (code == CLD_KILLED || code == CLD_DUMPED)
		(void)str_format(buffer, size, "ended by %s%s", format_signal(status, name),
				 code == CLD_DUMPED ? " with a core dump" : "");
	else
		(void)str_format(buffer, size, "ended, nobody knows how");
	return buffer;
}

void supervise_say_exit(const struct step *x, enum run_result result)
{
	char text[64];

	(void)exit_text(x->in->code, x->in->status, text, sizeof(text));
	if (x->in->failure)
		SAY(x, "nspawn could not be executed: %s", x->in->failure);
	else if (result == RESULT_PROTOCOL)
		SAY(x, "%s before it was ready: protocol", text);
	else if (result == RESULT_SUCCESS)
		SAY(x, "%s", text);
	else
		SAY(x, "%s: %s", text, run_result_to_string(result));
}

void supervise_say_late(const struct step *x)
{
	char span[FORMAT_MAX];

	SAY(x, "not ready within %s (TimeoutStartSec=)", format_usec(x->p->timeout_start, span));
}

void supervise_say_overdue(const struct step *x)
{
	char span[FORMAT_MAX];

	if (x->s->signals > 1)
		SAY(x, "did not end within %s of a second SIGTERM, is killed",
		    format_usec(SUPERVISE_KILL_DELAY, span));
	else
		SAY(x, "did not end within %s (TimeoutStopSec=), gets a second signal",
		    format_usec(x->p->timeout_stop, span));
}

void supervise_say_silent(const struct step *x)
{
	SAY(x, "nspawn has not said that it is alive for WatchdogSec=, is killed");
}

void supervise_say_stopped(const struct step *x)
{
	if (x->s->result == RESULT_SUCCESS)
		SAY(x, "stopped");
	else
		SAY(x, "stopped, and the result is %s", run_result_to_string(x->s->result));
}

void supervise_say_limit(const struct step *x)
{
	struct run_exit e = {.result = RESULT_START_LIMIT};
	struct restart_decision d = restart_decide(x->p->restart, &e, 0, 0);

	SAY(x, "not started: %s", d.reason);
}

/* With what was said of the end before: "exited, status=7; stays as it is: Restart=no". */
void supervise_say_decision(const struct step *x, const struct restart_decision *d)
{
	char delay[FORMAT_MAX], before[sizeof(x->s->reason)];

	memcpy(before, x->s->reason, sizeof(before));
	if (d->restart)
		SAY(x, "%s%sstarts again in %s: %s", before, before[0] ? "; " : "",
		    format_usec(d->delay / 1000 * 1000, delay), d->reason);
	else
		SAY(x, "%s%sstays as it is: %s", before, before[0] ? "; " : "", d->reason);
}
