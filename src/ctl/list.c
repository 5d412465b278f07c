/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl list: one line a namespace or container, as networkctl and machinectl do. */
#include "ctl.h"

#include <errno.h>
#include <libsmartcols.h>
#include <string.h>

enum color state_color(const char *state)
{
	static const struct {
		const char *state;
		enum color color;
	} colors[] = {
		{"configured", COLOR_GREEN},	{"running", COLOR_GREEN},	{"degraded", COLOR_YELLOW},
		{"pending", COLOR_YELLOW},	{"configuring", COLOR_YELLOW},	{"removing", COLOR_YELLOW},
		{"starting", COLOR_YELLOW},	{"reloading", COLOR_YELLOW},	{"failed", COLOR_RED},
		{"down", COLOR_GREY},		{"foreign", COLOR_GREY},	{"dead", COLOR_GREY},
		{"skipped", COLOR_GREY},	{"start-pre", COLOR_YELLOW},	{"start", COLOR_YELLOW},
		{"stop-sigterm", COLOR_YELLOW}, {"stop-sigkill", COLOR_YELLOW}, {"stop-post", COLOR_YELLOW},
		{"auto-restart", COLOR_YELLOW}, {"stopping", COLOR_YELLOW},	{"restarting", COLOR_YELLOW},
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

static void take_any(json_t *parameters, void *data)
{
	if (json_text(parameters, "name"))
		(void)json_array_append(data, parameters);
}

/* The daemon is older than this client. */
static bool is_unknown(const char *error)
{
	return str_equal(error, "org.varlink.service.InterfaceNotFound") ||
	       str_equal(error, "org.varlink.service.MethodNotFound");
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

static int fetch(struct ctl *c, struct request *q, const char *none, json_t **ret)
{
	json_t *array = json_array(), *result;
	struct reply reply = {0};
	int r;

	if (!array)
		return ctl_no_memory();
	q->more = true;
	q->data = array;
	r = client_request(c, q, &reply);
	/* A stream without elements cannot be told otherwise. */
	if (!r && reply.error && is_unknown(reply.error))
		r = -EOPNOTSUPP;
	else if (!r && reply.error && strcmp(reply.error, none) != 0)
		r = client_report(q->what, &reply);
	else if (!r && !reply.error)
		q->partial(reply.parameters, array);
	reply_done(&reply);
	result = r ? NULL : sorted(array);
	json_decref(array);
	if (!result)
		return r ? r : ctl_no_memory();
	*ret = result;
	return 0;
}

static int fetch_namespaces(struct ctl *c, void (*partial)(json_t *parameters, void *data), json_t **ret)
{
	struct request q = {
		.what = "list namespaces", .method = NAMESPACE_INTERFACE ".List", .partial = partial};
	int r = fetch(c, &q, NAMESPACE_INTERFACE ".NoSuchNamespace", ret);

	if (r != -EOPNOTSUPP)
		return r;
	ctl_error("cannot list namespaces: the netnsd that is running does not know how; restart it after an "
		  "upgrade");
	return CTL_FAILED;
}

int list_fetch(struct ctl *c, json_t **ret)
{
	return fetch_namespaces(c, take_entry, ret);
}

int list_fetch_all(struct ctl *c, json_t **ret)
{
	return fetch_namespaces(c, take_any, ret);
}

int list_containers(struct ctl *c, const char *netns, json_t **ret)
{
	struct request q = {
		.what = "list containers", .method = CONTAINER_INTERFACE ".List", .partial = take_any};
	int r = fetch(c, &q, CONTAINER_INTERFACE ".NoSuchContainer", ret);

	for (size_t i = r || !netns ? 0 : json_array_size(*ret); i-- > 0;) {
		const json_t *context = json_object_get(json_array_get(*ret, i), "context");

		if (!str_equal(json_text(context, "namespace"), netns))
			(void)json_array_remove(*ret, i);
	}
	return r;
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

static int add_line(const struct ctl *c, struct libscols_table *table, const json_t *entry)
{
	const json_t *context = json_object_get(entry, "context"),
		     *runtime = json_object_get(entry, "runtime");
	_cleanup_free_ char *reason = state_reason(runtime);
	const char *state = json_text(runtime, "state");
	const char *text = reason && *reason ? reason : json_text(context, "description");
	struct libscols_line *line = table_row(table, json_text(entry, "name"));
	char links[24] = "-";

	if (!line)
		return -1;
	if (json_is_integer(json_object_get(runtime, "links")))
		(void)snprintf(links, sizeof(links), "%lld", (long long)json_number(runtime, "links"));
	if (scols_line_set_data(line, 1, state ? state : "-") < 0 ||
	    scols_line_set_data(line, 2, links) < 0 ||
	    scols_line_set_data(line, 3, text && *text ? text : "-") < 0)
		return -1;
	return table_color(c, line, 1, state_color(state));
}

static int print_namespaces(struct ctl *c, json_t *entries)
{
	static const struct table_column columns[] = {{"NAME", 0.1, false, false},
						      {"STATE", 0.1, false, false},
						      {"LINKS", 0.05, true, false},
						      {"DESCRIPTION", 0.5, false, true},
						      {NULL, 0, false, false}};
	size_t n = json_array_size(entries);
	int r;

	if (n == 0) {
		if (!c->no_legend)
			printf("No namespaces.\n");
		return CTL_DONE;
	}
	r = table_print(c, columns, entries, add_line);
	if (r == CTL_DONE && !c->no_legend)
		printf("\n%zu namespace%s listed.\n", n, n == 1 ? "" : "s");
	return r;
}

/* Those of a daemon that does not know containers are none. */
static int print_all_containers(struct ctl *c, bool only)
{
	json_t *entries = NULL;
	int r = list_containers(c, NULL, &entries);

	if (r == -EOPNOTSUPP)
		entries = json_array();
	else if (r)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, entries);
	r = CTL_DONE;
	if (json_array_size(entries) > 0) {
		if (!only)
			putchar('\n');
		r = print_containers(c, entries);
	} else if (only && !c->no_legend) {
		printf("No containers.\n");
	}
	json_decref(entries);
	return r;
}

/* Lines of two kinds are for people: without a heading they could not be told apart. */
int verb_list(struct ctl *c, char **args, int n)
{
	json_t *entries = NULL;
	int r;

	(void)args;
	(void)n;
	if (c->containers)
		return print_all_containers(c, true);
	r = list_fetch(c, &entries);
	if (r)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, entries);
	r = print_namespaces(c, entries);
	json_decref(entries);
	if (r == CTL_DONE && !c->no_legend)
		r = print_all_containers(c, false);
	return r;
}
