/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout of a drawing. Namespaces that are connected stand in columns, by their distance from the one
 * that most others are connected to, or from the host: so a line joins neighbouring columns, or two boxes of
 * the same, and crosses no box. In a column they are sorted by where their lines come from. Those that are
 * connected to none follow in rows. */
#include "graph_layout.h"
#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GUTTER	      110 /* between columns, for the lines */
#define GAP	      22  /* between boxes of a column */
#define ROW_WIDTH_MIN 900

void graph_layout_done(struct graph_layout *l)
{
	free(l->netns);
	free(l->links);
	free(l->containers);
	free(l->column);
	free(l->parents);
	*l = (struct graph_layout){0};
}

/* --- columns -------------------------------------------------------------------------------------------- */

/* The namespaces that an edge joins, in both directions: way 0 and 1. */
static bool joins(const struct graph *g, size_t edge, int way, size_t *from, size_t *to)
{
	const struct graph_link *a = &g->links[g->edges[edge].from], *b = &g->links[g->edges[edge].to];

	*from = way ? b->netns : a->netns;
	*to = way ? a->netns : b->netns;
	return a->shown && b->shown && *from != *to;
}

/* Of those that are in no column yet, the one to begin with; GRAPH_NONE: no two of them are connected. */
static size_t find_root(const struct graph *g, const struct graph_layout *l)
{
	size_t best = GRAPH_NONE, best_degree = 0, from, to;

	for (size_t i = 0; i < g->n_netns; i++) {
		size_t degree = 0;

		for (size_t e = 0; l->column[i] < 0 && e < g->n_edges; e++)
			for (int way = 0; way < 2; way++)
				degree += joins(g, e, way, &from, &to) && from == i;
		if (degree > 0 && g->netns[i].host)
			return i;
		if (degree > best_degree) {
			best = i;
			best_degree = degree;
		}
	}
	return best;
}

/* Gives all that hangs together with the root a column; returns their number. */
static int fill_columns(const struct graph *g, struct graph_layout *l, size_t *component, size_t root)
{
	bool again = true;
	int n = 0;

	l->column[root] = 0;
	component[root] = root;
	for (; again; n++) {
		again = false;
		for (size_t e = 0; e < 2 * g->n_edges; e++) {
			size_t from, to;

			if (!joins(g, e / 2, e % 2, &from, &to) || l->column[from] != n ||
			    component[from] != root || l->column[to] >= 0)
				continue;
			l->column[to] = n + 1;
			component[to] = root;
			again = true;
		}
	}
	return n;
}

struct member {
	size_t netns;
	double from; /* where its lines come from, on average */
};

static int by_origin(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->netns < y->netns ? -1 : 1;
}

static double origin_of(const struct graph *g, const struct graph_layout *l, size_t netns)
{
	double sum = 0;
	size_t n = 0;

	for (size_t e = 0; e < 2 * g->n_edges; e++) {
		const struct graph_edge *edge = &g->edges[e / 2];
		size_t there = e % 2 ? edge->to : edge->from, from, to;

		if (!joins(g, e / 2, e % 2, &from, &to) || to != netns ||
		    l->column[from] != l->column[netns] - 1)
			continue;
		sum += l->netns[from].y + l->links[there].y;
		n++;
	}
	return n ? sum / (double)n : 0;
}

static void move_to(struct graph_layout *l, size_t netns, int x, int y)
{
	l->netns[netns].x = x;
	l->netns[netns].y = y;
	l->width = larger(l->width, x + l->netns[netns].width);
	l->height = larger(l->height, y + l->netns[netns].height);
}

struct component {
	const size_t *of; /* by namespace */
	size_t root;
	int top, height;
};

static int column_height(const struct graph *g, const struct graph_layout *l, const struct component *c,
			 int column)
{
	int height = -GAP;

	for (size_t i = 0; i < g->n_netns; i++)
		if (c->of[i] == c->root && l->column[i] == column)
			height += l->netns[i].height + GAP;
	return height;
}

/* Returns its width. */
static int place_column(const struct graph *g, struct graph_layout *l, const struct component *c, int column,
			int x, struct member *members)
{
	int y = c->top + (c->height - column_height(g, l, c, column)) / 2, width = 0;
	size_t n = 0;

	for (size_t i = 0; i < g->n_netns; i++)
		if (c->of[i] == c->root && l->column[i] == column)
			members[n++] = (struct member){.netns = i, .from = origin_of(g, l, i)};
	qsort(members, n, sizeof(*members), by_origin);
	for (size_t i = 0; i < n; i++)
		width = larger(width, l->netns[members[i].netns].width);
	for (size_t i = 0; i < n; i++) {
		/* As wide as the others: a line between two of a column passes by those between them. */
		graph_stretch(g, l, members[i].netns, width);
		move_to(l, members[i].netns, x, y);
		y += l->netns[members[i].netns].height + GAP;
	}
	return width;
}

static int place_components(const struct graph *g, struct graph_layout *l, size_t *component)
{
	_cleanup_free_ struct member *members = calloc(g->n_netns + 1, sizeof(*members));
	struct component c = {.of = component, .top = GRAPH_MARGIN};

	if (!members)
		return -ENOMEM;
	while ((c.root = find_root(g, l)) != GRAPH_NONE) {
		int n = fill_columns(g, l, component, c.root), x = GRAPH_MARGIN;

		c.height = 0;
		for (int i = 0; i < n; i++)
			c.height = larger(c.height, column_height(g, l, &c, i));
		for (int i = 0; i < n; i++)
			x += place_column(g, l, &c, i, x, members) + GUTTER;
		c.top += c.height + GAP;
	}
	return 0;
}

/* What is connected to nothing, in rows below. */
static void place_rest(const struct graph *g, struct graph_layout *l)
{
	int x = GRAPH_MARGIN, y = l->height > 0 ? l->height + GAP : GRAPH_MARGIN, row = 0;
	const int limit = larger(l->width, ROW_WIDTH_MIN);

	for (size_t i = 0; i < g->n_netns; i++) {
		if (!g->netns[i].shown || l->column[i] >= 0)
			continue;
		if (x > GRAPH_MARGIN && x + l->netns[i].width > limit) {
			x = GRAPH_MARGIN;
			y += row + GAP;
			row = 0;
		}
		move_to(l, i, x, y);
		x += l->netns[i].width + GAP;
		row = larger(row, l->netns[i].height);
	}
}

int graph_layout(const struct graph *g, struct graph_layout *ret)
{
	_cleanup_free_ size_t *component = calloc(g->n_netns + 1, sizeof(*component));
	struct graph_layout l = {
		.netns = calloc(g->n_netns + 1, sizeof(*l.netns)),
		.links = calloc(g->n_links + 1, sizeof(*l.links)),
		.containers = calloc(g->n_containers + 1, sizeof(*l.containers)),
		.column = calloc(g->n_netns + 1, sizeof(*l.column)),
		.parents = calloc(g->n_links + 1, sizeof(*l.parents)),
	};
	int r = -ENOMEM;

	if (component && l.netns && l.links && l.containers && l.column && l.parents) {
		graph_find_parents(g, &l);
		for (size_t i = 0; i < g->n_netns; i++) {
			l.column[i] = -1;
			component[i] = GRAPH_NONE;
			if (g->netns[i].shown)
				graph_place_inside(g, &l, i);
		}
		r = place_components(g, &l, component);
	}
	if (r < 0) {
		graph_layout_done(&l);
		return r;
	}
	place_rest(g, &l);
	l.width += GRAPH_MARGIN;
	l.height += GRAPH_MARGIN;
	*ret = l;
	return 0;
}
