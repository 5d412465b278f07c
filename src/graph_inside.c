/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout of one namespace of a drawing, whose own corner is 0, 0: ports stand below their bridge, and a
 * MACVLAN below what it stands on; containers come last. */
#include "graph_layout.h"

#define LINK_GAP       8
#define BOX_WIDTH_MIN  130
#define NESTING_MAX    8
#define BIG_CHARACTER  9 /* width; of monospace fonts, rounded up */
#define TINY_CHARACTER 7

static int characters(const char *text)
{
	int n = 0;

	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static struct graph_box link_size(const struct graph_link *l)
{
	const int n = (int)strv_length(l->addresses);
	char detail[GRAPH_DETAIL_SIZE];
	struct graph_box box = {.height = 10 + GRAPH_LINE * (1 + smaller(n, GRAPH_ADDRESSES_MAX + 1))};

	box.width = BIG_CHARACTER * characters(l->name) +
		    TINY_CHARACTER * (characters(graph_link_detail(l, detail)) + 1);
	for (int i = 0; i < smaller(n, GRAPH_ADDRESSES_MAX); i++)
		box.width = larger(box.width, TINY_CHARACTER * characters(l->addresses[i]));
	box.width += 20;
	return box;
}

/* The link and what hangs below it. `y` goes on. */
static void place_link(const struct graph *g, struct graph_layout *l, size_t i, int depth, int *y)
{
	struct graph_box *box = &l->links[i], *outer = &l->netns[g->links[i].netns];

	*box = link_size(&g->links[i]);
	box->x = GRAPH_PADDING + depth * GRAPH_INDENT;
	box->y = *y;
	*y += box->height + LINK_GAP;
	outer->width = larger(outer->width, box->x + box->width + GRAPH_PADDING);
	for (size_t k = 0; k < g->n_links; k++)
		if (l->parents[k] == i)
			place_link(g, l, k, depth + 1, y);
}

static void place_containers(const struct graph *g, struct graph_layout *l, size_t netns, int *y)
{
	struct graph_box *outer = &l->netns[netns];

	for (size_t i = 0; i < g->n_containers; i++) {
		const struct graph_container *c = &g->containers[i];
		struct graph_box *box = &l->containers[i];

		if (!graph_is_inside(g, c, netns))
			continue;
		box->x = GRAPH_PADDING;
		box->y = *y;
		box->height = 10 + GRAPH_LINE;
		box->width = 44 + BIG_CHARACTER * characters(c->name) + TINY_CHARACTER * characters(c->state);
		*y += box->height + LINK_GAP;
		outer->width = larger(outer->width, box->width + 2 * GRAPH_PADDING);
	}
}

/* What is inside ends at the same right edge, where the lines begin. */
void graph_stretch(const struct graph *g, struct graph_layout *l, size_t netns, int width)
{
	l->netns[netns].width = width;
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].netns == netns)
			l->links[i].width = width - GRAPH_PADDING - l->links[i].x;
	for (size_t i = 0; i < g->n_containers; i++)
		if (graph_is_inside(g, &g->containers[i], netns))
			l->containers[i].width = width - 2 * GRAPH_PADDING;
}

void graph_place_inside(const struct graph *g, struct graph_layout *l, size_t netns)
{
	const struct graph_netns *n = &g->netns[netns];
	struct graph_box *outer = &l->netns[netns];
	int title = 40 + BIG_CHARACTER * characters(n->name) + TINY_CHARACTER * characters(n->state);
	int y = GRAPH_TITLE + 4;

	outer->width = larger(BOX_WIDTH_MIN, title);
	if (n->description) {
		y += GRAPH_LINE;
		outer->width = larger(outer->width, 20 + TINY_CHARACTER * smaller(characters(n->description),
										  GRAPH_DESCRIPTION_MAX));
	}
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].netns == netns && g->links[i].shown && l->parents[i] == GRAPH_NONE)
			place_link(g, l, i, 0, &y);
	place_containers(g, l, netns, &y);
	outer->height = larger(y, GRAPH_TITLE + 8);
	graph_stretch(g, l, netns, outer->width);
}

static bool hangs_below(const struct graph_layout *l, size_t i, size_t ancestor)
{
	for (int n = 0; i != GRAPH_NONE; i = l->parents[i])
		if (i == ancestor || ++n > NESTING_MAX)
			return true;
	return false;
}

/* Its master comes before what it stands on; circles and what is nested too deep stay side by side. */
void graph_find_parents(const struct graph *g, struct graph_layout *l)
{
	for (size_t i = 0; i < g->n_links; i++)
		l->parents[i] = GRAPH_NONE;
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct graph_edge *e = &g->edges[i];

		if (e->type != GRAPH_PAIR && l->parents[e->from] == GRAPH_NONE && g->links[e->from].shown &&
		    g->links[e->to].shown && g->links[e->from].netns == g->links[e->to].netns &&
		    !hangs_below(l, e->to, e->from))
			l->parents[e->from] = e->to;
	}
}
