/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl monitor: what happens in the namespaces, one line a change, until it is interrupted. */
#include "ctl.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PID_LIMIT (4 * 1024 * 1024) /* the kernel's own; larger netlink ports are no process */

/* Whether the process lives in the namespace: only then its name says who did it. A port is a number of
 * the sender's PID namespace, and here it may be somebody else. */
static bool is_inside(json_int_t pid, const char *netns)
{
	struct stat process, name;
	char path[512];

	if (strchr(netns, '/'))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat(path, &process) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
	return stat(path, &name) == 0 && process.st_dev == name.st_dev && process.st_ino == name.st_ino;
}

static void print_process(json_int_t pid, const char *netns)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *safe = NULL;
	char path[32], comm[64] = "";

	if (pid <= 0 || pid > PID_LIMIT)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (is_inside(pid, netns))
		f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	safe = comm[0] ? text_safe(comm, false) : NULL;
	printf(" (%s%spid %d)", safe ? safe : "", safe ? ", " : "", (int)pid);
}

static void print_time(json_int_t usec)
{
	time_t t = (time_t)(usec / 1000000);
	char text[16];
	struct tm tm;

	if (usec <= 0 || !localtime_r(&t, &tm) || strftime(text, sizeof(text), "%H:%M:%S", &tm) == 0)
		printf("%-15s", "");
	else
		printf("%s.%06d", text, (int)(usec % 1000000));
}

static enum color change_color(const char *change, const char *object)
{
	if (strcmp(object, "drift") == 0)
		return COLOR_YELLOW;
	if (strcmp(change, "removed") == 0)
		return COLOR_RED;
	return strcmp(change, "set") == 0 ? COLOR_GREEN : COLOR_NONE;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void print_event(const struct ctl *c, const json_t *e)
{
	const char *object = or_empty(json_text(e, "object")), *change = or_empty(json_text(e, "change"));
	const char *netns = or_empty(json_text(e, "namespace")), *cause = json_text(e, "cause");
	_cleanup_free_ char *text = text_safe(or_empty(json_text(e, "text")), false);
	const char *container = json_text(e, "container");
	const enum color color = change_color(change, object);
	const char sign = strcmp(change, "removed") == 0 ? '-' : strcmp(change, "set") == 0 ? '+' : ' ';

	print_time(json_number(e, "time"));
	printf(" %-15s %s%c ", netns, color_on(c, color), sign);
	/* Most texts begin with the word themselves. */
	if (text && !str_starts_with(text, object))
		printf("%s ", object);
	if (container)
		printf("%s ", container);
	printf("%s%s", text ? text : "", color_off(c));
	if (cause) {
		printf("   %s%s", color_on(c, COLOR_GREY), cause);
		if (strcmp(cause, "foreign") == 0)
			print_process(json_number(e, "pid"), netns);
		(void)fputs(color_off(c), stdout);
	}
	(void)fputc('\n', stdout);
}

static void print_reply(const struct ctl *c, json_t *reply)
{
	if (json_truth(reply, "resync"))
		printf("%s-- changes were lost in the kernel's queue: %s --%s\n", color_on(c, COLOR_YELLOW),
		       c->state ? "the whole state follows" : "'netnsctl status' shows how things are now",
		       color_off(c));
	else if (!json_truth(reply, "ready"))
		print_event(c, reply);
	else if (c->state && !c->no_legend)
		printf("%s-- this was the state; changes follow --%s\n", color_on(c, COLOR_GREY),
		       color_off(c));
}

/* Whoever reads a pipe wants each line when it happens. */
static void take_reply(json_t *parameters, void *data)
{
	const struct ctl *c = data;

	if (c->json != JSON_MODE_OFF)
		(void)output_json(c, json_incref(parameters));
	else
		print_reply(c, parameters);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_error("cannot write: %m");
		_exit(CTL_FAILED);
	}
}

static void on_interrupt(int number)
{
	(void)number;
	_exit(CTL_DONE); /* all that was received has been written */
}

int verb_monitor(struct ctl *c, char **args, int n)
{
	struct request q = {
		.what = "follow changes",
		.lost = "netnsd has gone, or has closed the connection because this was not read fast "
			"enough; "
			"start 'netnsctl monitor' again",
		.method = MANAGER_INTERFACE ".Subscribe",
		.parameters = json_pack("{s:b}", "state", c->state),
		.more = true,
		.partial = take_reply,
		.data = c,
	};
	json_t *names = n > 0 ? json_array() : NULL;
	struct reply reply = {0};
	int r = 0;

	for (int i = 0; i < n; i++)
		r |= json_array_append_new(names, json_string(args[i]));
	if (n > 0)
		r |= json_object_set_new(q.parameters, "names", names);
	if (r < 0) {
		json_decref(q.parameters);
		ctl_error("a name is no UTF-8, or there is no memory for it");
		return CTL_FAILED;
	}
	(void)signal(SIGINT, on_interrupt);
	(void)signal(SIGTERM, on_interrupt);
	r = client_request(c, &q, &reply);
	if (!r)
		r = reply.error ? client_report(q.what, &reply) : CTL_FAILED;
	reply_done(&reply);
	return r;
}
