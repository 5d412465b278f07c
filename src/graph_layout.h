/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the boxes of a drawing are, in pixels. Layer 2; pure. */
#ifndef NETNSD_GRAPH_LAYOUT_H
#define NETNSD_GRAPH_LAYOUT_H

#include "graph.h"

struct graph_box {
	int x, y, width, height;
};

/* Boxes by the indexes of the graph; what is not shown has none. */
struct graph_layout {
	struct graph_box *netns, *links, *containers;
	int *column;	 /* of a namespace, from the left; -1: none, it is connected to no other */
	size_t *parents; /* of a link, in the same namespace: its box hangs below that one's; GRAPH_NONE: none
			  */
	int width, height;
};

#define GRAPH_MARGIN	      16
#define GRAPH_LINE	      16 /* height of a line of text */
#define GRAPH_TITLE	      28
#define GRAPH_PADDING	      10
#define GRAPH_INDENT	      18
#define GRAPH_ADDRESSES_MAX   8	 /* a line each; the rest is counted */
#define GRAPH_DESCRIPTION_MAX 44 /* characters */

static inline int larger(int a, int b)
{
	return a > b ? a : b;
}

/* graph_inside.c: which box hangs below which; the boxes of a namespace's inside; all of them as wide as
 * that. */
void graph_find_parents(const struct graph *g, struct graph_layout *l);
void graph_place_inside(const struct graph *g, struct graph_layout *l, size_t netns);
void graph_stretch(const struct graph *g, struct graph_layout *l, size_t netns, int width);

/* 0 or -ENOMEM. */
int graph_layout(const struct graph *g, struct graph_layout *ret);
void graph_layout_done(struct graph_layout *l);

#endif
