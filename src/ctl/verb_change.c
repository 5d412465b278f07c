/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* add, del, up, down: one call each; and wait. */
#include "clock.h"
#include "ctl.h"
#include "parse.h"

#include <errno.h>
#include <string.h>

#define WHAT_MAX 300

static json_t *strings_to_json(char **words, int n)
{
	json_t *array = json_array();

	for (int i = 0; array && i < n; i++)
		if (json_array_append_new(array, json_string(words[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static int bad_bytes(const char *what)
{
	ctl_error("cannot %s: the name or a setting is not UTF-8", what);
	return CTL_FAILED;
}

static void print_holders(const char *name, const json_t *holders)
{
	struct strbuf list = {0};
	json_t *holder;
	size_t i;

	if (json_array_size(holders) == 0)
		return;
	json_array_foreach(holders, i, holder)
	{
		const char *command = json_text(holder, "command");

		strbuf_printf(&list, "%s%lld", i ? ", " : "", (long long)json_number(holder, "pid"));
		if (command)
			strbuf_printf(&list, " (%s)", command);
	}
	if (!list.failed)
		ctl_warning("%s: the name is gone; the namespace itself goes when these processes end: %s",
			    name ? name : "some namespaces", list.data);
	strbuf_free(&list);
}

/* Nobody would hear that the name is wrong once the call is one-way, so that is asked before. */
static int send_oneway(struct ctl *c, const char *what, const char *method, const char *name,
		       json_t *parameters)
{
	int r = 0;

	if (name)
		r = client_call(c, what, NAMESPACE_INTERFACE ".List", json_pack("{s:s}", "name", name), NULL);
	if (r) {
		json_decref(parameters);
		return r;
	}
	return client_send_oneway(c, what, method, parameters);
}

static int change_one(struct ctl *c, const char *verb, const char *method, const char *name)
{
	struct reply reply = {0};
	json_t *parameters = json_pack("{s:s}", "name", name);
	char what[WHAT_MAX];
	int r;

	(void)snprintf(what, sizeof(what), "%s '%s'", verb, name);
	if (!parameters)
		return bad_bytes(what);
	if (c->no_block)
		return send_oneway(c, what, method, name, parameters);
	r = client_call(c, what, method, parameters, &reply);
	if (!r && c->json != JSON_MODE_OFF)
		return output_json(c, reply.parameters);
	if (!r)
		print_holders(name, json_object_get(reply.parameters, "holders"));
	reply_done(&reply);
	return r;
}

static int change_each(struct ctl *c, const char *verb, const char *method, char **args, int n)
{
	int result = CTL_DONE;

	for (int i = 0; i < n; i++) {
		int r = change_one(c, verb, method, args[i]);

		if (r)
			result = r;
		if (r && !c->client && !c->no_block)
			break;
	}
	return result;
}

int verb_add(struct ctl *c, char **args, int n)
{
	char what[WHAT_MAX];
	json_t *settings, *parameters;

	(void)snprintf(what, sizeof(what), "add '%s'", args[0]);
	for (int i = 1; i < n; i++) {
		const char *equal = strchr(args[i], '=');

		if (!equal || equal == args[i])
			return ctl_usage_error(c,
					       "'%s' is no setting; expected SECTION.KEY=VALUE, for example "
					       "\"Veth eth0.Address=10.0.0.2/24\"",
					       args[i]);
	}
	settings = strings_to_json(args + 1, n - 1);
	parameters = settings ? json_pack("{s:s, s:o}", "name", args[0], "settings", settings) : NULL;
	if (!parameters)
		return bad_bytes(what);
	if (c->no_block)
		return send_oneway(c, what, NAMESPACE_INTERFACE ".Add", NULL, parameters);
	return client_call(c, what, NAMESPACE_INTERFACE ".Add", parameters, NULL);
}

int verb_del(struct ctl *c, char **args, int n)
{
	return change_each(c, "delete", NAMESPACE_INTERFACE ".Delete", args, n);
}

int verb_up(struct ctl *c, char **args, int n)
{
	return change_each(c, "bring up", NAMESPACE_INTERFACE ".Up", args, n);
}

int verb_down(struct ctl *c, char **args, int n)
{
	static const char what[] = "take all namespaces down", method[] = NAMESPACE_INTERFACE ".Down";
	struct reply reply = {0};
	int r;

	if (c->all && n > 0)
		return ctl_usage_error(c, "expected names or --all, not both");
	if (!c->all && n == 0)
		return ctl_usage_error(c, "expected the name of a namespace, or --all");
	if (!c->all)
		return change_each(c, "take down", method, args, n);
	if (c->no_block)
		return send_oneway(c, what, method, NULL, json_pack("{s:b}", "all", 1));
	r = client_call(c, what, method, json_pack("{s:b}", "all", 1), &reply);
	if (!r && c->json != JSON_MODE_OFF)
		return output_json(c, reply.parameters);
	if (!r)
		print_holders(NULL, json_object_get(reply.parameters, "holders"));
	reply_done(&reply);
	return r;
}

/* --- wait ------------------------------------------------------------------------------------ */

static bool is_named(char **args, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(args[i], name) == 0)
			return true;
	return n == 0;
}

/* Says which of the namespaces are in one of the two states. Returns CTL_FAILED when there are some. */
static int report_states(struct ctl *c, char **args, int n, const char *a, const char *b)
{
	json_t *entries = NULL, *entry;
	int r = list_fetch(c, &entries);
	size_t i;

	if (r)
		return r;
	json_array_foreach(entries, i, entry)
	{
		const json_t *runtime = json_object_get(entry, "runtime");
		_cleanup_free_ char *reason = state_reason(runtime);
		const char *state = json_text(runtime, "state");
		const char *name = json_text(entry, "name");

		if ((!str_equal(state, a) && !str_equal(state, b)) || !is_named(args, n, name))
			continue;
		ctl_error("'%s' is %s%s%s", name, state, reason && *reason ? ": " : "", reason ? reason : "");
		r = CTL_FAILED;
	}
	json_decref(entries);
	return r;
}

static int report_timeout(struct ctl *c, char **args, int n)
{
	char span[FORMAT_MAX];

	/* The call is still open on this connection: ask on a new one, and without the limit. */
	client_done(c);
	ctl_error("not all is set up after %s", format_usec(c->timeout, span));
	c->timeout = USEC_INFINITY;
	(void)report_states(c, args, n, "pending", "configuring");
	return CTL_FAILED;
}

static int wait_for_namespaces(struct ctl *c, char **args, int n)
{
	struct request q = {.what = "wait", .method = NAMESPACE_INTERFACE ".Wait"};
	struct reply reply = {0};
	json_t *names = n > 0 ? strings_to_json(args, n) : json_null();
	int r;

	if (!names)
		return bad_bytes("wait");
	q.parameters = n > 0 ? json_pack("{s:o}", "names", names) : json_object();
	r = client_request(c, &q, &reply);
	if (!r && reply.error)
		r = client_report("wait", &reply);
	reply_done(&reply);
	if (r == -ETIMEDOUT)
		return report_timeout(c, args, n);
	c->timeout = USEC_INFINITY;
	return r ? r : report_states(c, args, n, "failed", NULL);
}

/* Containers come after the namespaces; the limit is for all together. */
int verb_wait(struct ctl *c, char **args, int n)
{
	_cleanup_free_ char **containers = calloc((size_t)n + 1, sizeof(*containers));
	const uint64_t begin = clock_monotonic(), limit = c->timeout;
	int n_netns = 0, n_containers = 0, r = 0, result;
	uint64_t elapsed;

	if (!containers)
		return ctl_no_memory();
	for (int i = 0; i < n; i++) {
		if (is_container(args[i]))
			containers[n_containers++] = args[i];
		else
			args[n_netns++] = args[i];
	}
	if (n_netns > 0 || n == 0)
		r = wait_for_namespaces(c, args, n_netns);
	elapsed = clock_monotonic() - begin;
	c->timeout = limit == USEC_INFINITY ? limit : limit > elapsed ? limit - elapsed : 0;
	result = wait_for_containers(c, containers, n_containers);
	return r ? r : result;
}
