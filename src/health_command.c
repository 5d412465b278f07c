/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HealthCmd=: a command in the container, by a child of our own program (enter.h). Of it /proc/self/exe is
 * the path: in the child, too, that is the program which runs here, also when its file was replaced
 * meanwhile. What does not end in time is killed, and what does not end then either is not left alone: a
 * zombie or a process that hangs in the kernel is kept until it has gone.
 */
#include "enter.h"
#include "health_internal.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define OWN_PROGRAM "/proc/self/exe"
#define KILL_DELAY  1. /* s, for the helper to end what it started */

struct health_command {
	struct ev_loop *loop;
	struct process *process;
	ev_timer overdue; /* then, once it was asked to end, to kill it */
	uint64_t timeout;
	int report; /* of the helper */
	bool told;
	health_told_fn *tell;
	void *data;
	struct health_command **owner;	    /* NULL: nobody's */
	struct health_command *prev, *next; /* of those */
};

/* Those that end and belong to nobody any more. */
static struct health_command *orphans;

static void command_destroy(struct health_command *c)
{
	if (c->owner)
		*c->owner = NULL;
	else
		DL_DELETE(orphans, c);
	ev_timer_stop(c->loop, &c->overdue);
	process_free(c->process);
	(void)close(c->report);
	free(c);
}

/* Else it says nothing about the container; why is then the helper's own word, or "". */
static bool was_asked(const struct health_command *c, char *why, size_t size)
{
	ssize_t n = read(c->report, why, size - 1);

	why[n > 0 ? n : 0] = '\0';
	return n > 0 && why[0] == '\0';
}

static void on_kill(struct ev_loop *loop, ev_timer *w, int events)
{
	const struct health_command *c = w->data;

	(void)loop;
	(void)events;
	(void)process_signal(c->process, SIGKILL);
}

/* The helper ends the whole session; killed, it takes only the command itself along. */
static void command_end(struct health_command *c)
{
	c->told = true;
	(void)process_signal(c->process, SIGTERM);
	ev_timer_stop(c->loop, &c->overdue);
	ev_timer_init(&c->overdue, on_kill, KILL_DELAY, 0.);
	ev_timer_start(c->loop, &c->overdue);
}

static void on_overdue(struct ev_loop *loop, ev_timer *w, int events)
{
	struct health_command *c = w->data;
	char text[HEALTH_TEXT_MAX], span[FORMAT_MAX];
	bool asked = was_asked(c, text, sizeof(text));

	(void)loop;
	(void)events;
	(void)str_format(text, sizeof(text), "timed out after %s", format_usec(c->timeout, span));
	command_end(c);
	c->tell(asked ? HEALTH_ILL : HEALTH_UNASKED, text, c->data);
}

/* Those of env(1) are the helper's as well. */
static const char *remark(int code, int status)
{
	if (code != CLD_EXITED)
		return "";
	switch (status) {
	case 126: return " (as when it cannot be executed)";
	case 127: return " (as when it is not found)";
	default: return "";
	}
}

static void on_exited(struct process *p, int code, int status, void *data)
{
	struct health_command *c = data;
	char text[HEALTH_TEXT_MAX] = "", how[64];
	bool told = c->told, well = code == CLD_EXITED && status == 0;
	bool asked = was_asked(c, text, sizeof(text));
	health_told_fn *tell = c->tell;
	void *owner = c->data;

	if (process_failure(p))
		(void)str_format(text, sizeof(text), "%s", process_failure(p));
	else if (!well && !*text)
		(void)str_format(text, sizeof(text), "%s%s",
				 exit_code_to_string(code, status, how, sizeof(how)), remark(code, status));
	command_destroy(c);
	if (!told)
		tell(well ? HEALTH_WELL : asked ? HEALTH_ILL : HEALTH_UNASKED, text, owner);
}

static int spawn_helper(struct health_command *c, const struct health_spec *spec, int report,
			struct error *err)
{
	size_t n = strv_length(spec->command), head = 5;
	char **argv = calloc(head + n + 1, sizeof(*argv)), *environment[] = {NULL};
	char pid[16];
	struct process_spec process = {.argv = argv,
				       .environment = environment,
				       .keep = {spec->leader_pidfd, report},
				       .n_keep = 2,
				       .output = -1};
	int r;

	if (!argv)
		return error_set(err, -ENOMEM, "cannot run HealthCmd=: out of memory");
	(void)snprintf(pid, sizeof(pid), "%d", (int)spec->leader);
	argv[0] = (char *)(uintptr_t)OWN_PROGRAM;
	argv[1] = (char *)(uintptr_t)ENTER_OPTION;
	argv[2] = (char *)(uintptr_t) "3"; /* where process.h puts the first one it keeps */
	argv[3] = pid;
	argv[4] = (char *)(uintptr_t) "4";
	for (size_t i = 0; i < n; i++)
		argv[head + i] = spec->command[i];
	r = process_spawn(c->loop, &process, on_exited, c, &c->process, err);
	/* The helper goes into the container's cgroup by itself: each such move waits for a grace period of
	 * the kernel, 20 ms in which the loop would stand still. */
	if (r == 0)
		(void)process_release(c->process); /* has ended: on_exited() comes */
	free(argv);
	return r;
}

static int spawn(struct health_command *c, const struct health_spec *spec, struct error *err)
{
	int r, report[2];

	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(err, -errno, "cannot run HealthCmd=: %s", strerror(errno));
	c->report = report[0];
	r = spawn_helper(c, spec, report[1], err);
	(void)close(report[1]);
	if (r < 0)
		(void)close(report[0]);
	return r;
}

int health_command_start(struct ev_loop *loop, const struct health_spec *spec, uint64_t timeout,
			 health_told_fn *told, void *data, struct health_command **ret, struct error *err)
{
	struct health_command *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_set(err, -ENOMEM, "cannot run HealthCmd=: out of memory");
	*c = (struct health_command){
		.loop = loop, .timeout = timeout, .tell = told, .data = data, .owner = ret};
	r = spawn(c, spec, err);
	if (r < 0) {
		free(c);
		return r;
	}
	ev_timer_init(&c->overdue, on_overdue, (double)timeout / 1e6, 0.);
	c->overdue.data = c;
	ev_now_update(loop);
	ev_timer_start(loop, &c->overdue);
	*ret = c;
	return 0;
}

void health_command_free(struct health_command *c)
{
	if (!c)
		return;
	if (!c->told)
		command_end(c);
	*c->owner = NULL;
	c->owner = NULL;
	DL_APPEND(orphans, c);
}
