/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is connected with what in a drawing, and what of all that there is is worth drawing. */
#include "graph.h"

#include <errno.h>
#include <string.h>

static size_t find_netns(const struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->n_netns; i++)
		if (strcmp(g->netns[i].name, name) == 0)
			return i;
	return GRAPH_NONE;
}

static size_t find_link(const struct graph *g, size_t netns, const char *name, size_t length)
{
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].netns == netns && strlen(g->links[i].name) == length &&
		    memcmp(g->links[i].name, name, length) == 0)
			return i;
	return GRAPH_NONE;
}

/* "eth0", in the same namespace, or "eth0 at NAMESPACE". Neither name can have a blank. */
static size_t find_end(const struct graph *g, size_t netns, const char *text)
{
	const char *at = strstr(text, " at ");

	if (at)
		netns = find_netns(g, at + strlen(" at "));
	return netns == GRAPH_NONE ? GRAPH_NONE
				   : find_link(g, netns, text, at ? (size_t)(at - text) : strlen(text));
}

/* A pair is told by both of its ends. */
static bool is_known_pair(const struct graph *g, size_t a, size_t b)
{
	for (size_t i = 0; i < g->n_edges; i++)
		if (g->edges[i].type == GRAPH_PAIR && g->edges[i].from == b && g->edges[i].to == a)
			return true;
	return false;
}

static int connect_one(struct graph *g, enum graph_edge_type type, size_t from, const char *text)
{
	size_t to = text ? find_end(g, g->links[from].netns, text) : GRAPH_NONE;
	struct graph_edge *e;

	if (to == GRAPH_NONE || to == from || (type == GRAPH_PAIR && is_known_pair(g, from, to)))
		return 0;
	e = graph_grown(g->edges, g->n_edges, sizeof(*e));
	if (!e)
		return -ENOMEM;
	g->edges = e;
	e[g->n_edges++] = (struct graph_edge){.type = type, .from = from, .to = to};
	return 0;
}

static int connect_all(struct graph *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_links; i++) {
		r = connect_one(g, GRAPH_PAIR, i, g->links[i].peer);
		if (r == 0)
			r = connect_one(g, GRAPH_PORT, i, g->links[i].master);
		if (r == 0)
			r = connect_one(g, GRAPH_PARENT, i, g->links[i].parent);
	}
	return r;
}

/* --- what is drawn ------------------------------------------------------------------------------------ */

static bool is_selected(const struct graph *g, size_t link)
{
	return g->netns[g->links[link].netns].selected;
}

/* In what is asked for: all that hangs together with something worth drawing. */
static void show_connected(struct graph *g)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < g->n_edges; i++) {
			struct graph_link *a = &g->links[g->edges[i].from], *b = &g->links[g->edges[i].to];

			if (a->shown == b->shown || !is_selected(g, g->edges[i].from) ||
			    !is_selected(g, g->edges[i].to))
				continue;
			a->shown = b->shown = again = true;
		}
	}
}

/* Elsewhere: the other ends, and what they are ports of. */
static void show_outside(struct graph *g)
{
	for (size_t i = 0; i < g->n_edges; i++) {
		struct graph_link *a = &g->links[g->edges[i].from], *b = &g->links[g->edges[i].to];

		if (is_selected(g, g->edges[i].from) != is_selected(g, g->edges[i].to) &&
		    (is_selected(g, g->edges[i].from) ? a : b)->shown)
			a->shown = b->shown = true;
	}
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct graph_link *port = &g->links[g->edges[i].from];

		if (port->shown && g->edges[i].type == GRAPH_PORT)
			g->links[g->edges[i].to].shown = true;
	}
}

bool graph_is_inside(const struct graph *g, const struct graph_container *c, size_t i)
{
	return g->netns[i].selected && strcmp(c->netns, g->netns[i].name) == 0;
}

int graph_finish(struct graph *g, char *const *only)
{
	int r = connect_all(g);

	for (size_t i = 0; i < g->n_netns; i++) {
		g->netns[i].selected = !only || !*only || strv_contains(only, g->netns[i].name);
		/* The daemon's own one is always there. */
		g->netns[i].shown = g->netns[i].selected && (!g->netns[i].host || g->netns[i].declared);
	}
	for (size_t i = 0; i < g->n_links; i++)
		g->links[i].shown = g->links[i].seed && is_selected(g, i);
	show_connected(g);
	show_outside(g);
	for (size_t i = 0; i < g->n_links; i++)
		g->netns[g->links[i].netns].shown |= g->links[i].shown;
	for (size_t i = 0; i < g->n_containers; i++)
		for (size_t k = 0; k < g->n_netns; k++)
			g->netns[k].shown |= graph_is_inside(g, &g->containers[i], k);
	return r;
}
