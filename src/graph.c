/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model of a drawing: from the daemon's replies to namespaces, links and the edges between them, and what
 * of all that is worth drawing. Anything may be missing from a reply, or be of another type. */
#include "graph.h"
#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void graph_free(struct graph *g)
{
	for (size_t i = 0; i < g->n_netns; i++) {
		free(g->netns[i].name);
		free(g->netns[i].state);
		free(g->netns[i].description);
	}
	for (size_t i = 0; i < g->n_links; i++) {
		struct graph_link *l = &g->links[i];

		free(l->name);
		free(l->kind);
		free(l->peer);
		free(l->master);
		free(l->parent);
		strv_free(l->addresses);
	}
	for (size_t i = 0; i < g->n_containers; i++) {
		free(g->containers[i].name);
		free(g->containers[i].state);
		free(g->containers[i].netns);
	}
	free(g->netns);
	free(g->links);
	free(g->containers);
	free(g->edges);
	*g = (struct graph){0};
}

/* --- from JSON --------------------------------------------------------------------------------------- */

/* Room for one more, zeroed; it counts once the caller says so. */
void *graph_grown(void *array, size_t n, size_t size)
{
	char *a;

	if (n & (n - 1))
		return array; /* it doubles at powers of two */
	a = reallocarray(array, n ? 2 * n : 1, size);
	if (a)
		memset(a + n * size, 0, (n ? n : 1) * size);
	return a;
}

static int take(char **field, const json_t *o, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!text || !*text)
		text = otherwise;
	if (text && !(*field = strdup(text)))
		return -ENOMEM;
	return 0;
}

/* Every link has one of the kernel's own, lo has two: they say nothing. */
static bool is_noise(const char *address, bool loopback)
{
	return str_starts_with(address, "fe80:") ||
	       (loopback && (str_equal(address, "127.0.0.1/8") || str_equal(address, "::1/128")));
}

static int take_addresses(struct graph_link *l, const json_t *o, bool loopback)
{
	const json_t *array = json_object_get(o, "addresses");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (text && !is_noise(text, loopback))
			r = strv_push(&l->addresses, text);
	}
	return r;
}

/* In a namespace that is down nothing is missing. */
static int fill_link(struct graph_link *l, const json_t *o, const struct graph_netns *n)
{
	const char *state = json_string_value(json_object_get(o, "operationalState"));
	bool loopback, physical, declared = json_is_string(json_object_get(o, "declaredBy"));

	if (take(&l->name, o, "name", NULL) < 0 || take(&l->kind, o, "kind", NULL) < 0 ||
	    take(&l->peer, o, "peer", NULL) < 0 || take(&l->master, o, "master", NULL) < 0 ||
	    take(&l->parent, o, "parent", NULL) < 0)
		return -ENOMEM;
	loopback = str_equal(l->kind, "loopback");
	physical = str_equal(l->kind, "physical");
	l->missing = !json_is_integer(json_object_get(o, "index")) && !str_equal(n->state, "down");
	l->down = json_is_false(json_object_get(o, "up")) || str_equal(state, "down") ||
		  str_equal(state, "lowerlayerdown") || str_equal(n->state, "down");
	if (take_addresses(l, o, loopback) < 0)
		return -ENOMEM;
	/* The host is full of what is nobody's business here. */
	l->seed = loopback ? l->addresses && !n->host : declared || physical || !n->host;
	return 0;
}

static int add_link(struct graph *g, const json_t *o, size_t netns)
{
	struct graph_link *l;
	int r;

	if (!json_is_string(json_object_get(o, "name")))
		return 0;
	l = graph_grown(g->links, g->n_links, sizeof(*l));
	if (!l)
		return -ENOMEM;
	g->links = l;
	l += g->n_links++; /* so that graph_free() knows it, also a half of it */
	l->netns = netns;
	r = fill_link(l, o, &g->netns[netns]);
	if (r == 0 && !l->name) /* "" */
		l->name = strdup("?");
	return r == 0 && l->name ? 0 : -ENOMEM;
}

int graph_add_netns(struct graph *g, const json_t *d)
{
	const json_t *context = json_object_get(d, "context"), *links = json_object_get(d, "links");
	bool host = json_is_true(json_object_get(context, "host"));
	struct graph_netns *n;
	int r = 0;

	if (!json_is_string(json_object_get(d, "name")))
		return 0;
	n = graph_grown(g->netns, g->n_netns, sizeof(*n));
	if (!n)
		return -ENOMEM;
	g->netns = n;
	n += g->n_netns++;
	n->host = host;
	n->declared = json_is_string(json_object_get(context, "file"));
	if (take(&n->name, d, "name", "?") < 0 ||
	    take(&n->state, json_object_get(d, "runtime"), "state", "unknown") < 0 ||
	    take(&n->description, context, "description", NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < json_array_size(links); i++)
		r = add_link(g, json_array_get(links, i), g->n_netns - 1);
	return r;
}

int graph_add_container(struct graph *g, const json_t *entry)
{
	struct graph_container *c;

	if (!json_is_string(json_object_get(entry, "name")))
		return 0;
	c = graph_grown(g->containers, g->n_containers, sizeof(*c));
	if (!c)
		return -ENOMEM;
	g->containers = c;
	c += g->n_containers++;
	return take(&c->name, entry, "name", "?") < 0 ||
			       take(&c->state, json_object_get(entry, "runtime"), "state", "unknown") < 0 ||
			       take(&c->netns, json_object_get(entry, "context"), "namespace", "") < 0
		       ? -ENOMEM
		       : 0;
}

/* --- words ---------------------------------------------------------------------------------------------- */

const char *graph_link_detail(const struct graph_link *l, char ret[GRAPH_DETAIL_SIZE])
{
	const char *state = l->missing ? "missing" : l->down ? "down" : "";

	(void)str_format(ret, GRAPH_DETAIL_SIZE, "%s%s%s", l->kind ? l->kind : "",
			 l->kind && *state ? ", " : "", state);
	return ret;
}

enum graph_mood graph_mood(const char *state)
{
	static const char *const good[] = {"configured", "running", NULL}, *const bad[] = {"failed", NULL},
				 *const idle[] = {"down", "foreign", "dead", "skipped", "unknown", NULL};

	if (strv_contains((char *const *)good, state))
		return GRAPH_GOOD;
	if (strv_contains((char *const *)bad, state))
		return GRAPH_BAD;
	return strv_contains((char *const *)idle, state) ? GRAPH_IDLE : GRAPH_CHANGING;
}
