/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl list: one line a namespace, as networkctl and machinectl do. */
#include "ctl.h"

#include <libsmartcols.h>
#include <string.h>

enum color state_color(const char *state)
{
	static const struct {
		const char *state;
		enum color color;
	} colors[] = {
		{"configured", COLOR_GREEN}, {"running", COLOR_GREEN},	    {"degraded", COLOR_YELLOW},
		{"pending", COLOR_YELLOW},   {"configuring", COLOR_YELLOW}, {"removing", COLOR_YELLOW},
		{"starting", COLOR_YELLOW},  {"reloading", COLOR_YELLOW},   {"failed", COLOR_RED},
		{"down", COLOR_GREY},	     {"foreign", COLOR_GREY},
	};

	for (size_t i = 0; state && i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(colors[i].state, state) == 0)
			return colors[i].color;
	return COLOR_NONE;
}

/* The daemon's own namespace is always there; only when a file declares it, it is worth a line. */
static bool is_shown(const json_t *entry)
{
	const json_t *context = json_object_get(entry, "context");

	return json_text(entry, "name") && !(json_truth(context, "host") && !json_text(context, "file"));
}

static void take_entry(json_t *parameters, void *data)
{
	if (is_shown(parameters))
		(void)json_array_append(data, parameters);
}

static int by_name(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;

	return strcmp(json_text(*x, "name"), json_text(*y, "name"));
}

static json_t *sorted(json_t *array)
{
	size_t n = json_array_size(array), i;
	_cleanup_free_ json_t **items = calloc(n + 1, sizeof(*items));
	json_t *result = items ? json_array() : NULL, *item;

	if (!result)
		return NULL;
	json_array_foreach(array, i, item) items[i] = item;
	qsort(items, n, sizeof(*items), by_name);
	for (i = 0; i < n; i++)
		if (json_array_append(result, items[i]) < 0) {
			json_decref(result);
			return NULL;
		}
	return result;
}

int list_fetch(struct ctl *c, json_t **ret)
{
	json_t *array = json_array(), *result;
	struct request q = {
		.what = "list namespaces",
		.method = NAMESPACE_INTERFACE ".List",
		.more = true,
		.partial = take_entry,
		.data = array,
	};
	struct reply reply = {0};
	int r;

	if (!array)
		return ctl_no_memory();
	r = client_request(c, &q, &reply);
	/* A stream without elements cannot be told otherwise. */
	if (!r && reply.error && strcmp(reply.error, NAMESPACE_INTERFACE ".NoSuchNamespace") != 0)
		r = client_report(q.what, &reply);
	else if (!r && !reply.error)
		take_entry(reply.parameters, array);
	reply_done(&reply);
	result = r ? NULL : sorted(array);
	json_decref(array);
	if (!result)
		return r ? CTL_FAILED : ctl_no_memory();
	*ret = result;
	return 0;
}

char *state_reason(const json_t *runtime)
{
	const char *reason = json_text(runtime, "reason");
	struct strbuf b = {0};
	json_t *item;
	size_t i;

	if (reason && *reason) {
		strbuf_puts(&b, reason);
		return strbuf_finish(&b);
	}
	json_array_foreach(json_object_get(runtime, "waitsFor"), i, item)
	{
		strbuf_puts(&b, i == 0 ? "waits for " : ", ");
		strbuf_puts(&b, json_string_value(item) ? json_string_value(item) : "?");
	}
	return strbuf_finish(&b);
}

/* Foreign names may have blanks, and the first word of a line is to be the name. */
static int set_name(struct libscols_line *line, const char *name)
{
	struct strbuf b = {0};

	for (; *name; name++) {
		if (*name == ' ')
			strbuf_puts(&b, "\\x20");
		else
			strbuf_append(&b, name, 1);
	}
	if (b.failed || scols_line_set_data(line, 0, b.data ? b.data : "") < 0) {
		strbuf_free(&b);
		return -1;
	}
	strbuf_free(&b);
	return 0;
}

static int add_line(const struct ctl *c, struct libscols_table *table, const json_t *entry)
{
	const json_t *context = json_object_get(entry, "context"),
		     *runtime = json_object_get(entry, "runtime");
	_cleanup_free_ char *reason = state_reason(runtime);
	const char *state = json_text(runtime, "state");
	const char *text = reason && *reason ? reason : json_text(context, "description");
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char links[24] = "-";

	if (!line)
		return -1;
	if (json_is_integer(json_object_get(runtime, "links")))
		(void)snprintf(links, sizeof(links), "%lld", (long long)json_number(runtime, "links"));
	if (set_name(line, json_text(entry, "name")) < 0 ||
	    scols_line_set_data(line, 1, state ? state : "-") < 0 ||
	    scols_line_set_data(line, 2, links) < 0 ||
	    scols_line_set_data(line, 3, text && *text ? text : "-") < 0)
		return -1;
	if (c->colors && state_color(state) != COLOR_NONE)
		return scols_cell_set_color(scols_line_get_cell(line, 1), color_sequence(state_color(state)));
	return 0;
}

static int fill_table(const struct ctl *c, struct libscols_table *table, json_t *entries)
{
	size_t i;
	json_t *entry;

	if (!scols_table_new_column(table, "NAME", 0.1, 0) ||
	    !scols_table_new_column(table, "STATE", 0.1, 0) ||
	    !scols_table_new_column(table, "LINKS", 0.05, SCOLS_FL_RIGHT) ||
	    !scols_table_new_column(table, "DESCRIPTION", 0.5, SCOLS_FL_TRUNC))
		return -1;
	scols_table_enable_noheadings(table, c->no_legend);
	scols_table_enable_colors(table, c->colors);
	if (c->terminal) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, terminal_width());
	} else {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	}
	json_array_foreach(entries, i, entry) if (add_line(c, table, entry) < 0) return -1;
	return 0;
}

/* libsmartcols escapes the backslashes of our escapes once more. The first word of a line is the name
 * and is padded to where it was; what follows it in the last column needs no padding. */
static void print_text(const char *text)
{
	static const char escaped[] = "\\x5cx";
	size_t missing = 0;
	bool name = true;

	for (const char *p = text; *p; p++) {
		if (str_starts_with(p, escaped)) {
			missing += name ? strlen(escaped) - 2 : 0;
			p += strlen(escaped) - 1; /* at its last byte */
			(void)fputs("\\x", stdout);
			continue;
		}
		if (*p == ' ' && name) {
			printf("%*s", (int)missing, "");
			name = false;
		}
		if (*p == '\n') {
			name = true;
			missing = 0;
		}
		putchar(*p);
	}
}

static int print_table(struct ctl *c, json_t *entries)
{
	struct libscols_table *table = scols_new_table();
	size_t n = json_array_size(entries);
	_cleanup_free_ char *text = NULL;
	int r = CTL_DONE;

	if (!table || fill_table(c, table, entries) < 0 || scols_print_table_to_string(table, &text) < 0)
		r = ctl_no_memory();
	if (r == CTL_DONE) {
		pager_open(c);
		print_text(text);
		putchar('\n');
		if (!c->no_legend)
			printf("\n%zu namespace%s listed.\n", n, n == 1 ? "" : "s");
	}
	scols_unref_table(table);
	return r;
}

int verb_list(struct ctl *c, char **args, int n)
{
	json_t *entries = NULL;
	int r;

	(void)args;
	(void)n;
	r = list_fetch(c, &entries);
	if (r)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, entries);
	if (json_array_size(entries) > 0)
		r = print_table(c, entries);
	else if (!c->no_legend)
		printf("No namespaces.\n");
	json_decref(entries);
	return r;
}
