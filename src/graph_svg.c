/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drawing as SVG, with a layout of our own, so that nothing else need be installed. Only what every viewer
 * knows: shapes, text, plain styles; a title, which is shown under the pointer, for each line and box. */
#include "graph_layout.h"

#include <stdlib.h>
#include <string.h>

#define BEND 60 /* of a line, in pixels */

/* XML 1.0 has no way to write most control characters, U+FFFE and U+FFFF. At most `max` characters. */
static void put_some(struct strbuf *b, const char *text, int max)
{
	size_t length = strlen(text), n;
	uint32_t c = 0;

	for (; length > 0; text += n, length -= n) {
		n = utf8_decode(text, length, &c);
		if (max-- == 0) {
			strbuf_puts(b, "\342\200\246"); /* ... */
			return;
		}
		if (n == 0 || c < 0x20 || c == 0x7f || c == 0xfffe || c == 0xffff)
			strbuf_puts(b, "?");
		else if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
			strbuf_printf(b, "&#%u;", (unsigned)c);
		else
			strbuf_append(b, text, n);
		n = n ? n : 1;
	}
}

static void put(struct strbuf *b, const char *text)
{
	put_some(b, text, -1);
}

static const char *color_of(const char *state)
{
	static const char *const colors[] = {"#2e7d32", "#b26a00", "#c62828", "#757575"};

	return colors[graph_mood(state)];
}

/* --- boxes -------------------------------------------------------------------------------------------------
 */

static void put_rect(struct strbuf *b, const struct graph_box *at, int dx, int dy, const char *style)
{
	strbuf_printf(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" %s/>\n", at->x + dx, at->y + dy,
		      at->width, at->height, style);
}

static void put_netns(struct strbuf *b, const struct graph *g, const struct graph_layout *l, size_t i)
{
	const struct graph_netns *n = &g->netns[i];
	const struct graph_box *box = &l->netns[i];
	char style[128];

	/* What was not asked for is drawn only in part. */
	(void)str_format(style, sizeof(style), "rx=\"8\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"%s",
			 n->selected ? "#f5f7fa" : "#ffffff", n->selected ? color_of(n->state) : "#9e9e9e",
			 n->selected ? "" : " stroke-dasharray=\"5 4\"");
	put_rect(b, box, 0, 0, style);
	strbuf_printf(b, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n", box->x + 16, box->y + 16,
		      color_of(n->state));
	strbuf_printf(b, "<text x=\"%d\" y=\"%d\" class=\"big\">", box->x + 28, box->y + 21);
	put(b, n->name);
	strbuf_printf(b, "<tspan class=\"small\" dx=\"8\" fill=\"%s\">", color_of(n->state));
	put(b, n->state);
	strbuf_puts(b, "</tspan></text>\n");
	if (!n->description)
		return;
	strbuf_printf(b, "<text x=\"%d\" y=\"%d\" class=\"small\" fill=\"#616161\">", box->x + GRAPH_PADDING,
		      box->y + GRAPH_TITLE + 10);
	put_some(b, n->description, GRAPH_DESCRIPTION_MAX);
	strbuf_puts(b, "</text>\n");
}

static void put_addresses(struct strbuf *b, const struct graph_link *link, int x, int y)
{
	const size_t n = strv_length(link->addresses);

	for (size_t i = 0; i < n && i <= GRAPH_ADDRESSES_MAX; i++) {
		y += GRAPH_LINE;
		strbuf_printf(b, "<text x=\"%d\" y=\"%d\" class=\"small\">", x, y);
		if (i == GRAPH_ADDRESSES_MAX)
			strbuf_printf(b, "and %zu more", n - i);
		else
			put(b, link->addresses[i]);
		strbuf_puts(b, "</text>\n");
	}
}

static void put_link(struct strbuf *b, const struct graph *g, const struct graph_layout *l, size_t i)
{
	const struct graph_link *link = &g->links[i];
	const struct graph_box *outer = &l->netns[link->netns], *box = &l->links[i];
	const bool physical = str_equal(link->kind, "physical");
	char detail[GRAPH_DETAIL_SIZE], style[128];
	int x = outer->x + box->x + 10, y = outer->y + box->y + 17;

	(void)str_format(style, sizeof(style), "rx=\"4\" fill=\"%s\" stroke=\"%s\"%s%s",
			 link->missing || link->down ? "#fafafa" : "#ffffff",
			 link->missing ? "#c62828"
			 : link->down  ? "#bdbdbd"
				       : "#546e7a",
			 physical ? " stroke-width=\"2.5\"" : "",
			 link->missing ? " stroke-dasharray=\"4 3\"" : "");
	put_rect(b, box, outer->x, outer->y, style);
	strbuf_printf(b, "<text x=\"%d\" y=\"%d\" class=\"big\"%s>", x, y,
		      link->down ? " fill=\"#757575\"" : "");
	put(b, link->name);
	strbuf_printf(b, "<tspan class=\"small\" dx=\"7\" fill=\"%s\">",
		      link->missing ? "#c62828" : "#757575");
	put(b, graph_link_detail(link, detail));
	strbuf_puts(b, "</tspan></text>\n");
	put_addresses(b, link, x, y);
}

static void put_container(struct strbuf *b, const struct graph_container *c, const struct graph_box *outer,
			  const struct graph_box *box)
{
	int x = outer->x + box->x, y = outer->y + box->y;

	put_rect(b, box, outer->x, outer->y, "rx=\"13\" fill=\"#e8eaf6\" stroke=\"#3949ab\"");
	strbuf_printf(b, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"%s\"/>\n", x + 14, y + 13,
		      color_of(c->state));
	strbuf_printf(b, "<text x=\"%d\" y=\"%d\" class=\"big\">", x + 25, y + 17);
	put(b, c->name);
	strbuf_puts(b, "<tspan class=\"small\" dx=\"7\" fill=\"#5c6bc0\">");
	put(b, c->state);
	strbuf_puts(b, "</tspan></text>\n");
}

/* --- lines -------------------------------------------------------------------------------------------------
 */

static void put_title(struct strbuf *b, const struct graph *g, const struct graph_edge *e)
{
	static const char *const between[] = {" - ", " in ", " on "};
	const struct graph_link *ends[] = {&g->links[e->from], &g->links[e->to]};

	strbuf_puts(b, "<title>");
	for (int i = 0; i < 2; i++) {
		strbuf_puts(b, i ? between[e->type] : "");
		put(b, ends[i]->name);
		strbuf_puts(b, " at ");
		put(b, g->netns[ends[i]->netns].name);
	}
	strbuf_puts(b, "</title>");
}

/* From the left edge of what it hangs below, down and to the right. */
static void put_elbow(struct strbuf *b, const struct graph *g, const struct graph_layout *l,
		      const struct graph_edge *e)
{
	const struct graph_box *outer = &l->netns[g->links[e->from].netns], *from = &l->links[e->from],
			       *to = &l->links[e->to];
	int x = outer->x + to->x + 8;

	strbuf_printf(b, "<path d=\"M%d %dV%dH%d\" class=\"line\"%s>", x, outer->y + to->y + to->height,
		      outer->y + from->y + from->height / 2, outer->x + from->x,
		      e->type == GRAPH_PARENT ? " stroke-dasharray=\"5 4\"" : "");
	put_title(b, g, e);
	strbuf_puts(b, "</path>\n");
}

struct end {
	int x, y;
	int column;
};

static struct end end_of(const struct graph *g, const struct graph_layout *l, size_t link, bool right)
{
	const struct graph_box *outer = &l->netns[g->links[link].netns], *box = &l->links[link];

	return (struct end){.x = outer->x + box->x + (right ? box->width : 0),
			    .y = outer->y + box->y + box->height / 2,
			    .column = l->column[g->links[link].netns]};
}

/* Between two columns from right to left; else out to the right and back. */
static void put_curve(struct strbuf *b, const struct graph *g, const struct graph_layout *l,
		      const struct graph_edge *e)
{
	size_t left = e->from, right = e->to, swap;
	struct end a, z;
	int bend = BEND;

	if (l->column[g->links[left].netns] > l->column[g->links[right].netns]) {
		swap = left;
		left = right;
		right = swap;
	}
	a = end_of(g, l, left, true);
	z = end_of(g, l, right, l->column[g->links[left].netns] == l->column[g->links[right].netns]);
	if (a.column == z.column) /* the farther, the more outside; but not as far as the next column */
		bend = BEND / 2 + (abs(a.y - z.y) < 400 ? abs(a.y - z.y) / 6 : 66);
	strbuf_printf(b, "<path d=\"M%d %dC%d %d %d %d %d %d\" class=\"line\"%s>", a.x, a.y, a.x + bend, a.y,
		      a.column == z.column ? z.x + bend : z.x - bend, z.y, z.x, z.y,
		      e->type == GRAPH_PARENT ? " stroke-dasharray=\"5 4\"" : "");
	put_title(b, g, e);
	strbuf_printf(b,
		      "</path>\n<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"#37474f\"/>"
		      "<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"#37474f\"/>\n",
		      a.x, a.y, z.x, z.y);
}

static void put_edges(struct strbuf *b, const struct graph *g, const struct graph_layout *l)
{
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct graph_edge *e = &g->edges[i];

		if (!g->links[e->from].shown || !g->links[e->to].shown)
			continue;
		if (l->parents[e->from] == e->to)
			put_elbow(b, g, l, e);
		else
			put_curve(b, g, l, e);
	}
}

static void put_all(struct strbuf *b, const struct graph *g, const struct graph_layout *l)
{
	strbuf_printf(
		b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
		"%d\">\n"
		"<title>Network namespaces</title>\n"
		"<style>text{font-family:\"DejaVu Sans Mono\",\"Liberation Mono\",Menlo,Consolas,monospace}"
		".big{font-size:13px;font-weight:bold}.small{font-size:11px;font-weight:normal}"
		".line{fill:none;stroke:#37474f;stroke-width:1.5}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
		l->width, l->height, l->width, l->height);
	for (size_t i = 0; i < g->n_netns; i++)
		if (g->netns[i].shown)
			put_netns(b, g, l, i);
	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].shown)
			put_link(b, g, l, i);
	for (size_t i = 0; i < g->n_containers; i++)
		for (size_t k = 0; k < g->n_netns; k++)
			if (graph_is_inside(g, &g->containers[i], k))
				put_container(b, &g->containers[i], &l->netns[k], &l->containers[i]);
	put_edges(b, g, l); /* last: on top */
	strbuf_puts(b, "</svg>\n");
}

char *graph_to_svg(const struct graph *g)
{
	struct graph_layout l = {0};
	struct strbuf b = {0};

	if (graph_layout(g, &l) < 0)
		return NULL;
	put_all(&b, g, &l);
	graph_layout_done(&l);
	return strbuf_finish(&b);
}
