/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A namespace as JSON: what its file declares (context), what it is now (runtime), and, for
 * Describe, what is in it. */
#include "api_internal.h"
#include "cleanup.h"

#include <stdio.h>
#include <stdlib.h>

/* Lines of one list in an answer: a namespace may hold a full routing table. */
#define LINES_MAX 4096

static json_t *context(const struct netns *n, bool with_text)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "description", n->description);
	r |= api_put_bool(o, "host", n->host);
	r |= api_put_bool(o, "adopt", n->adopt);
	r |= api_put_bool(o, "autoStart", n->autostart);
	r |= api_put_bool(o, "loopback", n->loopback);
	r |= api_put_texts(o, "dns", n->dns);
	r |= api_put_texts(o, "domains", n->domains);
	r |= api_put_bool(o, "transient", n->transient);
	r |= api_put_text(o, "file", n->origin.file);
	if (with_text)
		r |= api_put_text(o, "text", n->text);
	return api_built(o, r);
}

static json_t *runtime(const struct unit *u)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "state", netns_state_to_string(u->state));
	if (u->reason.code != 0)
		r |= api_put_text(o, "reason", u->reason.text);
	if (u->waits_for != NULL && u->waits_for[0] != NULL)
		r |= api_put_texts(o, "waitsFor", u->waits_for);
	r |= api_put_int(o, "since", (json_int_t)u->since);
	if (u->inode != 0)
		r |= api_put_int(o, "inode", (json_int_t)u->inode);
	if (u->cookie != 0)
		r |= api_put_int(o, "cookie", (json_int_t)u->cookie);
	if (u->nsid >= 0)
		r |= api_put_int(o, "nsid", u->nsid);
	if (u->netns != NULL)
		r |= api_put_int(o, "links", (json_int_t)u->netns->n_links);
	if (u->config_failed)
		r |= api_put_bool(o, "configurationFailed", true);
	if (u->manager && u->manager->checkpoint.state == CHECKPOINT_ROLLED_BACK)
		r |= api_put_bool(o, "rolledBack", true);
	return api_built(o, r);
}

json_t *api_unit_entry(const struct unit *u, const char *name, bool with_text)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "name", name);
	if (u != NULL && u->netns != NULL)
		r |= api_put(o, "context", context(u->netns, with_text));
	r |= api_put(o, "runtime", u != NULL ? runtime(u) : json_pack("{s:s}", "state", "foreign"));
	return api_built(o, r);
}

/* --- what is in it -------------------------------------------------------------------------------- */

static char *route_line(const struct actual *a, size_t i)
{
	return route_to_string(&a->routes[i].route);
}

static char *rule_line(const struct actual *a, size_t i)
{
	return rule_to_string(&a->rules[i].rule);
}

static char *neighbor_line(const struct actual *a, size_t i)
{
	return neighbor_to_string(&a->neighbors[i].neighbor);
}

static json_t *lines(const struct actual *a, size_t n, char *(*line)(const struct actual *a, size_t i))
{
	json_t *array = json_array();
	char more[64];
	int r = 0;

	for (size_t i = 0; i < n && i < LINES_MAX; i++) {
		_cleanup_free_ char *text = line(a, i);

		r |= text != NULL ? json_array_append_new(array, api_text(text)) : -1;
	}
	if (n > LINES_MAX) {
		(void)snprintf(more, sizeof(more), "... and %zu more", n - LINES_MAX);
		r |= json_array_append_new(array, json_string(more));
	}
	return api_built(array, r);
}

json_t *api_unit_description(const struct unit *u, const char *name, const struct operation_result *result,
			     bool with_text)
{
	const struct actual *a = result->actual;
	const struct desired *tree = u != NULL && u->manager != NULL ? u->manager->desired : NULL;
	const char *host = tree != NULL && tree->host != NULL ? tree->host->name : NULL;
	json_t *o = api_unit_entry(u, name, with_text);
	int r = 0;

	r |= api_put(o, "links", api_links(u != NULL ? u->netns : NULL, a, host));
	if (a != NULL) {
		r |= api_put(o, "routes", lines(a, a->n_routes, route_line));
		r |= api_put(o, "rules", lines(a, a->n_rules, rule_line));
		r |= api_put(o, "neighbors", lines(a, a->n_neighbors, neighbor_line));
		r |= api_put(o, "holders", api_holders(result));
	}
	return api_built(o, r);
}
