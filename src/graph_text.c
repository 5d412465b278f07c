/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawings that another program lays out: graphviz's dot and Mermaid. A name or description may hold
 * anything; what it means to the other program is taken from it. */
#include "graph.h"

#include <string.h>

/* How a format writes text: what stands for a character, and for the end of a line. */
struct dialect {
	const char *escapes[8][2]; /* character, what is written; ends with NULL */
	const char *newline;
};

/* dot(1): a quoted string has one escape of its own, but labels have more, \N and \l for example, and HTML's
 * entities. */
static const struct dialect dot = {
	{{"\"", "\\\""}, {"\\", "\\\\"}, {"&", "&amp;"}, {NULL, NULL}},
	"\\n",
};

/* Mermaid: entities with # in place of &; labels are HTML, and Markdown when they begin with `. */
static const struct dialect mermaid = {
	{{"\"", "#quot;"},
	 {"#", "#35;"},
	 {"&", "#amp;"},
	 {"<", "#lt;"},
	 {">", "#gt;"},
	 {"`", "#96;"},
	 {"\\", "#92;"},
	 {NULL, NULL}},
	"<br/>",
};

static void put(struct strbuf *b, const struct dialect *d, const char *text)
{
	for (; *text; text++) {
		const char *written = NULL;

		for (size_t i = 0; d->escapes[i][0] && !written; i++)
			if (d->escapes[i][0][0] == *text)
				written = d->escapes[i][1];
		if (written)
			strbuf_puts(b, written);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			strbuf_puts(b, "?");
		else
			strbuf_append(b, text, 1);
	}
}

static void put_line(struct strbuf *b, const struct dialect *d, const char *text)
{
	if (!text || !*text)
		return;
	strbuf_puts(b, d->newline);
	put(b, d, text);
}

static void put_netns_label(struct strbuf *b, const struct dialect *d, const struct graph_netns *n)
{
	put(b, d, n->name);
	strbuf_puts(b, ": ");
	put(b, d, n->state);
	put_line(b, d, n->description);
}

static void put_link_label(struct strbuf *b, const struct dialect *d, const struct graph_link *l)
{
	char detail[GRAPH_DETAIL_SIZE];

	put(b, d, l->name);
	put_line(b, d, graph_link_detail(l, detail));
	for (size_t i = 0; l->addresses && l->addresses[i]; i++)
		put_line(b, d, l->addresses[i]);
}

static void put_container_label(struct strbuf *b, const struct dialect *d, const struct graph_container *c)
{
	put(b, d, c->name);
	put_line(b, d, c->state);
}

/* A cluster without anything in it is not drawn. */
static bool is_empty(const struct graph *g, size_t netns)
{
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].shown && g->links[i].netns == netns)
			return false;
	for (size_t i = 0; i < g->n_containers; i++)
		if (graph_is_inside(g, &g->containers[i], netns))
			return false;
	return true;
}

static bool is_drawn(const struct graph *g, const struct graph_edge *e)
{
	return g->links[e->from].shown && g->links[e->to].shown;
}

/* --- dot ------------------------------------------------------------------------------------------------ */

static const char *dot_color(enum graph_mood mood)
{
	static const char *const colors[] = {"#2e7d32", "#b26a00", "#c62828", "#757575"};

	return colors[mood];
}

static void dot_link(struct strbuf *b, size_t i, const struct graph_link *l)
{
	strbuf_printf(b, "\t\tn%zu [label=\"", i);
	put_link_label(b, &dot, l);
	strbuf_printf(b, "\"%s];\n",
		      l->missing ? ", style=\"rounded,filled,dashed\", color=\"#c62828\""
		      : l->down	 ? ", color=\"#757575\", fontcolor=\"#757575\""
				 : "");
}

static void dot_netns(struct strbuf *b, const struct graph *g, size_t i)
{
	const struct graph_netns *n = &g->netns[i];

	strbuf_printf(b, "\tsubgraph cluster_%zu {\n\t\tlabel=\"", i);
	put_netns_label(b, &dot, n);
	strbuf_printf(b, "\";\n\t\tcolor=\"%s\";\n", dot_color(graph_mood(n->state)));
	if (is_empty(g, i))
		strbuf_printf(b, "\t\te%zu [style=invis, label=\"\"];\n", i);
	for (size_t k = 0; k < g->n_links; k++)
		if (g->links[k].netns == i && g->links[k].shown)
			dot_link(b, k, &g->links[k]);
	for (size_t k = 0; k < g->n_containers; k++) {
		if (!graph_is_inside(g, &g->containers[k], i))
			continue;
		strbuf_printf(b, "\t\tc%zu [shape=box3d, style=filled, label=\"", k);
		put_container_label(b, &dot, &g->containers[k]);
		strbuf_printf(b, "\", color=\"%s\"];\n", dot_color(graph_mood(g->containers[k].state)));
	}
	strbuf_puts(b, "\t}\n");
}

char *graph_to_dot(const struct graph *g)
{
	static const char *const styles[] = {"", " [style=bold]", " [style=dashed]"};
	struct strbuf b = {0};

	strbuf_puts(&b,
		    "graph netnsd {\n"
		    "\tgraph [rankdir=LR, fontname=\"sans-serif\", style=rounded, penwidth=1.5];\n"
		    "\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"monospace\", "
		    "fontsize=10];\n");
	for (size_t i = 0; i < g->n_netns; i++)
		if (g->netns[i].shown)
			dot_netns(&b, g, i);
	for (size_t i = 0; i < g->n_edges; i++)
		if (is_drawn(g, &g->edges[i]))
			strbuf_printf(&b, "\tn%zu -- n%zu%s;\n", g->edges[i].from, g->edges[i].to,
				      styles[g->edges[i].type]);
	strbuf_puts(&b, "}\n");
	return strbuf_finish(&b);
}

/* --- Mermaid -------------------------------------------------------------------------------------------- */

static const char *const moods[] = {"good", "changing", "bad", "idle"};

static void mermaid_netns(struct strbuf *b, const struct graph *g, size_t i)
{
	const bool empty = is_empty(g, i);

	strbuf_printf(b, empty ? "  s%zu[\"" : "  subgraph s%zu[\"", i);
	put_netns_label(b, &mermaid, &g->netns[i]);
	strbuf_puts(b, "\"]\n");
	for (size_t k = 0; k < g->n_links; k++) {
		if (g->links[k].netns != i || !g->links[k].shown)
			continue;
		strbuf_printf(b, "    n%zu[\"", k);
		put_link_label(b, &mermaid, &g->links[k]);
		strbuf_puts(b, "\"]\n");
	}
	for (size_t k = 0; k < g->n_containers; k++) {
		if (!graph_is_inside(g, &g->containers[k], i))
			continue;
		strbuf_printf(b, "    c%zu([\"", k);
		put_container_label(b, &mermaid, &g->containers[k]);
		strbuf_puts(b, "\"])\n");
	}
	if (!empty)
		strbuf_puts(b, "  end\n");
}

static void mermaid_classes(struct strbuf *b, const struct graph *g)
{
	for (size_t i = 0; i < g->n_netns; i++)
		if (g->netns[i].shown)
			strbuf_printf(b, "  class s%zu %s\n", i, moods[graph_mood(g->netns[i].state)]);
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].shown && (g->links[i].missing || g->links[i].down))
			strbuf_printf(b, "  class n%zu %s\n", i, g->links[i].missing ? "bad" : "idle");
	for (size_t k = 0; k < g->n_containers; k++)
		for (size_t i = 0; i < g->n_netns; i++)
			if (graph_is_inside(g, &g->containers[k], i))
				strbuf_printf(b, "  class c%zu %s\n", k,
					      moods[graph_mood(g->containers[k].state)]);
}

char *graph_to_mermaid(const struct graph *g)
{
	static const char *const lines[] = {"---", "===", "-.-"};
	struct strbuf b = {0};

	strbuf_puts(&b, "flowchart LR\n");
	for (size_t i = 0; i < g->n_netns; i++)
		if (g->netns[i].shown)
			mermaid_netns(&b, g, i);
	for (size_t i = 0; i < g->n_edges; i++)
		if (is_drawn(g, &g->edges[i]))
			strbuf_printf(&b, "  n%zu %s n%zu\n", g->edges[i].from, lines[g->edges[i].type],
				      g->edges[i].to);
	strbuf_puts(&b, "  classDef good stroke:#2e7d32\n  classDef changing stroke:#b26a00\n"
			"  classDef bad stroke:#c62828\n  classDef idle stroke:#757575\n");
	mermaid_classes(&b, g);
	return strbuf_finish(&b);
}
