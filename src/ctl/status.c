/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blocks that `netnsctl status` prints: the daemon, or one namespace, laid out as systemctl does; and
 * what those are made of. */
#include "ctl.h"
#include "parse.h"

#include <errno.h>
#include <string.h>

void status_label(const char *text)
{
	printf("%*s%s ", STATUS_LABEL_WIDTH, text, *text ? ":" : " ");
}

void status_dot(const struct ctl *c, const char *state)
{
	bool empty = str_equal(state, "down") || str_equal(state, "foreign") || str_equal(state, "stopped") ||
		     str_equal(state, "dead") || str_equal(state, "skipped");
	const char *dot = str_equal(state, "failed") ? "x" : "*";

	if (c->utf8)
		dot = str_equal(state, "failed") ? "\303\227" : empty ? "\342\227\213" : "\342\227\217";
	printf("%s%s%s ", color_on(c, state_color(state)), dot, color_off(c));
}

void status_field(const char *name, const char *text)
{
	if (!text || !*text)
		return;
	status_label(name);
	(void)fputs(text, stdout);
	putchar('\n');
}

/* What the kernel makes in every namespace by itself; `show` has it. */
static bool is_noise(const char *text)
{
	static const char *const rules[] = {
		"0: from all lookup local",	     "32766: from all lookup main",
		"32767: from all lookup default",    "0: inet6 from all lookup local",
		"32766: inet6 from all lookup main",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i], text) == 0)
			return true;
	return strstr(text, " table local") != NULL;
}

/* One value a line under one label. */
static void field_lines(const char *name, const json_t *array)
{
	bool first = true;

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text || is_noise(text))
			continue;
		status_label(first ? name : "");
		printf("%s\n", text);
		first = false;
	}
}

static void field_words(const char *name, const json_t *array)
{
	json_t *item;
	size_t i;

	if (json_array_size(array) == 0)
		return;
	status_label(name);
	json_array_foreach(array, i, item)
	{
		if (i > 0)
			putchar(' ');
		(void)fputs(json_string_value(item) ? json_string_value(item) : "?", stdout);
	}
	putchar('\n');
}

void status_state(const struct ctl *c, const char *state, const json_t *object, const char *since_key)
{
	uint64_t since = (uint64_t)json_number(object, since_key);

	status_label("State");
	printf("%s%s%s", color_on(c, state_color(state)), state, color_off(c));
	if (since > 0) {
		printf(" since ");
		print_since(since);
	}
	putchar('\n');
}

/* --- one namespace --------------------------------------------------------------------------- */

static void print_loaded(const json_t *context, const json_t *runtime)
{
	const char *file = json_text(context, "file");
	const char *autostart = json_is_false(json_object_get(context, "autoStart")) ? "AutoStart=no" : NULL;

	if (!file)
		return;
	status_label("Loaded");
	(void)fputs(file, stdout);
	if (json_truth(context, "transient"))
		printf(" (transient)");
	if (autostart)
		printf(" (%s)", autostart);
	if (json_truth(runtime, "rolledBack"))
		printf("; not in effect, for the last apply was taken back");
	if (json_truth(runtime, "configurationFailed"))
		printf("; the file has errors, the last good configuration is in use");
	putchar('\n');
}

static void print_kernel(const json_t *runtime)
{
	json_int_t inode = json_number(runtime, "inode");

	if (inode <= 0)
		return;
	status_label("Inode");
	printf("%lld", (long long)inode);
	if (json_number(runtime, "cookie") > 0)
		printf(", cookie %lld", (long long)json_number(runtime, "cookie"));
	if (json_is_integer(json_object_get(runtime, "nsid")))
		printf(", nsid %lld", (long long)json_number(runtime, "nsid"));
	putchar('\n');
}

static void print_part(const char *before, const char *text)
{
	if (!text || !*text)
		return;
	printf(", %s", before);
	(void)fputs(text, stdout);
}

static void print_link_state(const struct ctl *c, const json_t *link)
{
	const char *state = json_text(link, "operationalState");
	const char *text = json_truth(link, "up") ? "up" : "down";
	enum color color;

	if (!json_is_integer(json_object_get(link, "index")))
		text = "missing";
	else if (state && !str_equal(state, "unknown"))
		text = state;
	color = str_equal(text, "up")	     ? COLOR_GREEN
		: str_equal(text, "missing") ? COLOR_RED
		: str_equal(text, "down")    ? COLOR_GREY
					     : COLOR_YELLOW;
	printf(", %s", color_on(c, color));
	(void)fputs(text, stdout);
	printf("%s", color_off(c));
}

static void print_link_head(const struct ctl *c, const json_t *link)
{
	const char *owner = json_text(link, "declaredBy");
	bool here = str_equal(owner, "yes"), loopback = str_equal(json_text(link, "kind"), "loopback");

	printf("%s", color_on(c, COLOR_BOLD));
	(void)fputs(json_text(link, "name") ? json_text(link, "name") : "?", stdout);
	printf("%s: ", color_off(c));
	(void)fputs(json_text(link, "kind") ? json_text(link, "kind") : "link", stdout);
	print_link_state(c, link);
	if (json_number(link, "mtu") > 0)
		printf(", mtu %lld", (long long)json_number(link, "mtu"));
	if (!loopback)
		print_part("", json_text(link, "macAddress"));
	print_part("in ", json_text(link, "master"));
	print_part("peer ", json_text(link, "peer"));
	print_part("on ", json_text(link, "parent"));
	if (owner && !here)
		print_part("declared by ", owner);
	else if (!owner && !loopback)
		printf(", %snot declared%s", color_on(c, COLOR_GREY), color_off(c));
	putchar('\n');
}

static void print_links(const struct ctl *c, const json_t *links)
{
	json_t *link, *address;
	size_t i, k;

	json_array_foreach(links, i, link)
	{
		status_label(i == 0 ? "Links" : "");
		print_link_head(c, link);
		json_array_foreach(json_object_get(link, "addresses"), k, address)
		{
			status_label("");
			printf("  ");
			(void)fputs(json_string_value(address) ? json_string_value(address) : "?", stdout);
			putchar('\n');
		}
	}
}

static void print_holders(const json_t *holders)
{
	json_t *holder;
	size_t i;

	json_array_foreach(holders, i, holder)
	{
		const char *command = json_text(holder, "command");

		status_label(i == 0 ? "Processes" : "");
		printf("%lld", (long long)json_number(holder, "pid"));
		if (command) {
			printf(" (");
			(void)fputs(command, stdout);
			putchar(')');
		}
		putchar('\n');
	}
}

static void print_containers_inside(const struct ctl *c, const json_t *containers)
{
	json_t *entry;
	size_t i;

	json_array_foreach(containers, i, entry)
	{
		const json_t *runtime = json_object_get(entry, "runtime");
		const char *state = json_text(runtime, "state") ? json_text(runtime, "state") : "unknown";
		_cleanup_free_ char *reason = container_reason(runtime);

		status_label(i == 0 ? "Containers" : "");
		status_dot(c, state);
		(void)fputs(json_text(entry, "name"), stdout);
		printf(", %s", color_on(c, state_color(state)));
		(void)fputs(state, stdout);
		printf("%s", color_off(c));
		if (reason && *reason) {
			printf(": ");
			(void)fputs(reason, stdout);
		}
		putchar('\n');
	}
}

int status_netns(struct ctl *c, json_t *d, const json_t *containers)
{
	const json_t *context = json_object_get(d, "context"), *runtime = json_object_get(d, "runtime");
	const char *state = json_text(runtime, "state"), *description = json_text(context, "description");

	state = state ? state : "unknown";
	block_begin(c);
	status_dot(c, state);
	(void)fputs(json_text(d, "name") ? json_text(d, "name") : "?", stdout);
	if (description && *description) {
		printf(" - ");
		(void)fputs(description, stdout);
	}
	putchar('\n');
	print_loaded(context, runtime);
	status_state(c, state, runtime, "since");
	status_field("Reason", json_text(runtime, "reason"));
	field_lines("Waits for", json_object_get(runtime, "waitsFor"));
	print_kernel(runtime);
	field_words("DNS", json_object_get(context, "dns"));
	field_words("Domains", json_object_get(context, "domains"));
	print_links(c, json_object_get(d, "links"));
	field_lines("Routes", json_object_get(d, "routes"));
	field_lines("Rules", json_object_get(d, "rules"));
	field_lines("Neighbors", json_object_get(d, "neighbors"));
	print_containers_inside(c, containers);
	print_holders(json_object_get(d, "holders"));
	block_end(c);
	return str_equal(state, "down") || str_equal(state, "failed") ? CTL_NOT_RUNNING : CTL_DONE;
}

/* --- the daemon ------------------------------------------------------------------------------ */

/* "3 (2 configured, 1 failed)": all, then what is not 0. */
static void print_counts(const struct ctl *c, const char *name, const json_t *counts,
			 const char *const *words)
{
	const char *before = " (";

	status_label(name);
	printf("%lld", (long long)json_number(counts, "total"));
	for (; *words; words++) {
		if (json_number(counts, *words) == 0)
			continue;
		printf("%s%s%lld %s%s", before, color_on(c, state_color(*words)),
		       (long long)json_number(counts, *words), *words, color_off(c));
		before = ", ";
	}
	printf("%s\n", before[0] == ',' ? ")" : "");
}

static void print_checkpoint(const json_t *checkpoint)
{
	const char *state = json_text(checkpoint, "state"), *reason = json_text(checkpoint, "reason");
	char span[FORMAT_MAX];

	if (str_equal(state, "waiting")) {
		status_label("Waiting");
		printf("what was applied is taken back in %s, unless you run: netnsctl confirm\n",
		       format_usec((uint64_t)json_number(checkpoint, "leftUsec") / 1000000 * 1000000, span));
	} else if (str_equal(state, "rolledBack")) {
		status_label("Taken back");
		(void)fputs(reason ? reason : "The last apply was taken back", stdout);
		printf("; the files are not in effect until the next apply\n");
	}
}

static void print_daemon(const struct ctl *c, const json_t *d)
{
	static const char *const states[] = {"configured", "pending",  "configuring", "degraded",
					     "failed",	   "removing", "down",	      NULL};
	static const char *const doings[] = {"running", "starting", "stopping", "restarting",
					     "failed",	"skipped",  "dead",	NULL};
	const char *state = json_text(d, "state") ? json_text(d, "state") : "unknown";
	const json_t *containers = json_object_get(d, "containers");
	json_t *diagnostics = json_object_get(d, "diagnostics");
	bool troubled;

	troubled = json_number(d, "failed") > 0 || json_number(containers, "failed") > 0;
	status_dot(c, troubled && str_equal(state, "running") ? "degraded" : state);
	printf("netnsd - network namespace manager\n");
	status_field("Version", json_text(d, "version"));
	status_state(c, state, d, "startedAt");
	status_label("PID");
	printf("%lld\n", (long long)json_number(d, "pid"));
	print_counts(c, "Namespaces", d, states);
	if (json_number(containers, "total") > 0)
		print_counts(c, "Containers", containers, doings);
	print_checkpoint(json_object_get(d, "checkpoint"));
	field_words("Plugins", json_object_get(d, "plugins"));
	field_words("Kinds", json_object_get(d, "kinds"));
	if (json_array_size(diagnostics) > 0) {
		printf("\nWrong with the files when netnsd started:\n");
		diagnostics_print(stdout, diagnostics);
	}
}

static int status_stopped(const struct ctl *c, int code)
{
	if (c->json != JSON_MODE_OFF)
		return output_json(c, json_pack("{s:s}", "state", "stopped")) ? CTL_FAILED : CTL_NOT_RUNNING;
	block_begin(c);
	status_dot(c, "stopped");
	printf("netnsd is not running (%s: %s); start it with 'systemctl start netnsd'\n", c->socket,
	       strerror(code));
	block_end(c);
	return CTL_NOT_RUNNING;
}

int status_daemon(struct ctl *c)
{
	struct reply reply = {0};
	int r;

	r = client_probe(c);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return status_stopped(c, -r);
	r = client_call(c, "show the daemon", MANAGER_INTERFACE ".Describe", NULL, &reply);
	if (r)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, reply.parameters);
	pager_open(c);
	block_begin(c);
	print_daemon(c, reply.parameters);
	block_end(c);
	reply_done(&reply);
	return CTL_DONE;
}
