/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The containers of `netnsctl list`: one line each. */
#include "ctl.h"

#include <libsmartcols.h>
#include <string.h>

bool is_container(char *arg)
{
	size_t length = strlen(arg), suffix = strlen(CONTAINER_SUFFIX);

	if (length <= suffix || !str_ends_with(arg, CONTAINER_SUFFIX))
		return false;
	arg[length - suffix] = '\0';
	return true;
}

char *container_reason(const json_t *runtime)
{
	const char *reason = json_text(runtime, "reason"), *health = json_text(runtime, "health");
	const char *result = json_text(runtime, "result"), *text = json_text(runtime, "healthText");
	struct strbuf b = {0};

	if (reason && *reason)
		strbuf_puts(&b, reason);
	else if (str_equal(json_text(runtime, "state"), "failed") && result)
		strbuf_puts(&b, result);
	if (str_equal(health, "unhealthy"))
		strbuf_printf(&b, "%sunhealthy%s%s", b.length ? "; " : "", text ? ": " : "",
			      text ? text : "");
	if (json_truth(runtime, "configurationFailed"))
		strbuf_printf(&b, "%sits file has errors", b.length ? "; " : "");
	else if (json_truth(runtime, "undeclared"))
		strbuf_printf(&b, "%sno longer declared", b.length ? "; " : "");
	else if (json_truth(runtime, "needsRestart"))
		strbuf_printf(&b, "%sneeds restart: its settings have changed", b.length ? "; " : "");
	return strbuf_finish(&b);
}

static int add_line(const struct ctl *c, struct libscols_table *table, const json_t *entry)
{
	const json_t *context = json_object_get(entry, "context"),
		     *runtime = json_object_get(entry, "runtime");
	_cleanup_free_ char *reason = container_reason(runtime);
	const char *state = json_text(runtime, "state"), *netns = json_text(context, "namespace");
	const char *text = reason && *reason ? reason : json_text(context, "description");
	struct libscols_line *line = table_row(table, json_text(entry, "name"));
	char restarts[24];

	(void)snprintf(restarts, sizeof(restarts), "%lld", (long long)json_number(runtime, "totalRestarts"));
	if (!line || scols_line_set_data(line, 1, netns && *netns ? netns : "-") < 0 ||
	    scols_line_set_data(line, 2, state ? state : "-") < 0 ||
	    scols_line_set_data(line, 3, restarts) < 0 ||
	    scols_line_set_data(line, 4, text && *text ? text : "-") < 0)
		return -1;
	if (str_equal(json_text(runtime, "health"), "unhealthy"))
		return table_color(c, line, 2, COLOR_RED);
	return table_color(c, line, 2, state_color(state));
}

int print_containers(struct ctl *c, json_t *entries)
{
	static const struct table_column columns[] = {
		{"CONTAINER", 0.1, false, false},  {"NAMESPACE", 0.1, false, false},
		{"STATE", 0.1, false, false},	   {"RESTARTS", 0.05, true, false},
		{"DESCRIPTION", 0.5, false, true}, {NULL, 0, false, false}};
	size_t n = json_array_size(entries);
	int r;

	if (n == 0)
		return CTL_DONE;
	r = table_print(c, columns, entries, add_line);
	if (r == CTL_DONE && !c->no_legend)
		printf("\n%zu container%s listed.\n", n, n == 1 ? "" : "s");
	return r;
}
