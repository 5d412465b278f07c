/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl graph: asks the daemon for everything, and prints it as a drawing. */
#include "ctl.h"
#include "graph.h"

#include <errno.h>
#include <string.h>

/* With all that is in it; as List had it when it is somebody else's, or went meanwhile. */
static int describe(struct ctl *c, json_t *entry, json_t **ret)
{
	const char *name = json_text(entry, "name");
	char what[300];
	struct request q = {.what = what, .method = NAMESPACE_INTERFACE ".Describe"};
	struct reply reply = {0};
	int r;

	*ret = json_incref(entry);
	if (str_equal(json_text(json_object_get(entry, "runtime"), "state"), "foreign"))
		return 0;
	(void)snprintf(what, sizeof(what), "show '%s'", name);
	q.parameters = json_pack("{s:s}", "name", name);
	r = client_request(c, &q, &reply);
	if (!r && reply.error && !str_equal(reply.error, NAMESPACE_INTERFACE ".NoSuchNamespace"))
		r = client_report(what, &reply);
	else if (!r && !reply.error) {
		json_decref(*ret);
		*ret = steal_pointer(reply.parameters);
	}
	reply_done(&reply);
	return r;
}

static int describe_all(struct ctl *c, json_t **ret)
{
	json_t *entries = NULL, *entry, *array, *d;
	int r = list_fetch_all(c, &entries);
	size_t i;

	if (r)
		return r;
	array = json_array();
	json_array_foreach(entries, i, entry)
	{
		d = NULL;
		r = r ? r : describe(c, entry, &d);
		if (json_array_append_new(array, d) < 0 && !r)
			r = ctl_no_memory();
	}
	json_decref(entries);
	*ret = array;
	return r;
}

static int check_names(const json_t *namespaces, char **args, int n)
{
	int result = CTL_DONE;

	for (int i = 0; i < n; i++) {
		bool found = false;
		json_t *d;
		size_t k;

		json_array_foreach(namespaces, k, d) found =
			found || str_equal(json_text(d, "name"), args[i]);
		if (found)
			continue;
		ctl_error("there is no namespace '%s'; 'netnsctl list' shows all", args[i]);
		result = CTL_FAILED;
	}
	return result;
}

static int build(struct graph *g, const json_t *namespaces, const json_t *containers, char **only)
{
	json_t *o;
	size_t i;
	int r = 0;

	json_array_foreach(namespaces, i, o) r = r < 0 ? r : graph_add_netns(g, o);
	json_array_foreach(containers, i, o) r = r < 0 ? r : graph_add_container(g, o);
	return r < 0 ? r : graph_finish(g, only);
}

static int draw(struct ctl *c, const json_t *namespaces, const json_t *containers, char **only)
{
	char *(*const writers[])(const struct graph *g) = {graph_to_dot, graph_to_mermaid, graph_to_svg};
	_cleanup_free_ char *text = NULL;
	struct graph g = {0};

	if (build(&g, namespaces, containers, only) == 0)
		text = writers[c->format](&g);
	graph_free(&g);
	if (!text)
		return ctl_no_memory();
	(void)fputs(text, stdout);
	return CTL_DONE;
}

/* args ends with NULL, as argv does. */
int verb_graph(struct ctl *c, char **args, int n)
{
	json_t *namespaces = NULL, *containers = NULL;
	int r = describe_all(c, &namespaces);

	if (!r)
		r = check_names(namespaces, args, n);
	if (!r)
		r = list_containers(c, NULL, &containers);
	if (r == -EOPNOTSUPP) { /* a daemon that does not know of containers has none */
		containers = json_array();
		r = 0;
	}
	if (!r && c->json != JSON_MODE_OFF)
		r = output_json(c,
				json_pack("{s:O, s:O}", "namespaces", namespaces, "containers", containers));
	else if (!r)
		r = draw(c, namespaces, containers, args);
	json_decref(namespaces);
	json_decref(containers);
	return r;
}
