/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawings: from what a daemon says to text, against files that somebody has looked at (data/graph*.*; with
 * NETNSD_GOLDEN=write they are written anew), and what is drawn of it. */
#include "cleanup.h"
#include "graph.h"
#include "graph_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *model;

static const char *data_path(const char *name)
{
	static char path[4096];
	const char *top = getenv("NETNSD_SRCDIR");

	(void)snprintf(path, sizeof(path), "%s/tests/unit/data/%s", top ? top : ".", name);
	return path;
}

static int load_model(void **state)
{
	json_error_t error;

	(void)state;
	model = json_load_file(data_path("graph.json"), 0, &error);
	if (!model)
		print_error("%s:%d: %s\n", data_path("graph.json"), error.line, error.text);
	return model ? 0 : -1;
}

static int free_model(void **state)
{
	(void)state;
	json_decref(model);
	return 0;
}

static void build(struct graph *g, const json_t *from, char *const *only)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(from, "namespaces"), i, o)
		assert_int_equal(graph_add_netns(g, o), 0);
	json_array_foreach(json_object_get(from, "containers"), i, o)
		assert_int_equal(graph_add_container(g, o), 0);
	assert_int_equal(graph_finish(g, only), 0);
}

/* --- golden texts ------------------------------------------------------------------------------------------
 */

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	struct strbuf b = {0};
	char chunk[4096];
	size_t n;

	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		strbuf_append(&b, chunk, n);
	return strbuf_finish(&b);
}

static void compare(const char *name, const char *text)
{
	_cleanup_free_ char *expected = NULL;
	const char *wish = getenv("NETNSD_GOLDEN");

	if (wish && strcmp(wish, "write") == 0) {
		_cleanup_fclose_ FILE *f = fopen(data_path(name), "we");

		assert_non_null(f);
		assert_true(fputs(text, f) >= 0);
	}
	expected = read_file(data_path(name));
	assert_non_null(expected);
	for (size_t i = 0, line = 1; text[i] || expected[i]; line += text[i++] == '\n')
		if (text[i] != expected[i])
			fail_msg("%s:%zu: expected '%.60s', got '%.60s'", name, line, expected + i, text + i);
}

static void test_golden(void **state)
{
	static const struct {
		const char *name;
		char *only[2];
		char *(*write)(const struct graph *g);
	} rows[] = {
		{"graph.dot", {NULL}, graph_to_dot},
		{"graph.mermaid", {NULL}, graph_to_mermaid},
		{"graph.svg", {NULL}, graph_to_svg},
		{"graph-one.dot", {(char *)"red", NULL}, graph_to_dot},
		{"graph-one.svg", {(char *)"red", NULL}, graph_to_svg},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_free_ char *text = NULL;
		struct graph g = {0};

		build(&g, model, rows[i].only);
		text = rows[i].write(&g);
		assert_non_null(text);
		compare(rows[i].name, text);
		graph_free(&g);
	}
}

/* --- what is drawn -------------------------------------------------------------------------------------- */

static char *shown_links(const struct graph *g)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < g->n_links; i++)
		if (g->links[i].shown)
			strbuf_printf(&b, "%s@%s ", g->links[i].name, g->netns[g->links[i].netns].name);
	return strbuf_finish(&b);
}

static void test_shown(void **state)
{
	static const struct {
		char *only[3];
		const char *links;
	} rows[] = {
		/* Not lo without an address of its own, not what nobody asked for on the host. */
		{{NULL},
		 "eth0@blue eth0@down enp1s0@host br-lan@host ns-router@host tap7@host lo@red eth0@red "
		 "a&\"<\\l@red "
		 "b@red mv0@red d0@red d0.5@red blue@router red@router down@router eth0@router "},
		{{(char *)"lonely", NULL}, ""},
		{{(char *)"blue", NULL}, "eth0@blue blue@router "},
		/* The other end, and what that is a port of. */
		{{(char *)"router", (char *)"blue", NULL},
		 "eth0@blue eth0@down br-lan@host ns-router@host eth0@red blue@router red@router down@router "
		 "eth0@router "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_free_ char *links = NULL;
		struct graph g = {0};

		build(&g, model, rows[i].only);
		links = shown_links(&g);
		assert_string_equal(links, rows[i].links);
		graph_free(&g);
	}
}

/* Anything may be missing, or be something else. */
static void test_junk(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"namespaces\":[3,null,{},{\"name\":3},{\"name\":\"\",\"links\":{}},{\"name\":\"a\","
		"\"links\":[3,{},"
		"{\"name\":\"\"},{\"name\":\"x\",\"peer\":\"x at a\",\"master\":\"x\",\"parent\":\" at "
		"\"}]}],"
		"\"containers\":[3,{},{\"name\":\"c\"},{\"name\":\"d\",\"context\":[]}]}",
		/* Circles */
		"{\"namespaces\":[{\"name\":\"a\",\"links\":[{\"name\":\"x\",\"master\":\"y\"},{\"name\":"
		"\"y\",\"master\":"
		"\"z\"},{\"name\":\"z\",\"master\":\"x\"},{\"name\":\"z\",\"parent\":\"x\"}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_cleanup_free_ char *dot = NULL, *svg = NULL, *mermaid = NULL;
		json_t *o = json_loads(texts[i], 0, NULL);
		struct graph g = {0};

		assert_non_null(o);
		build(&g, o, NULL);
		dot = graph_to_dot(&g);
		svg = graph_to_svg(&g);
		mermaid = graph_to_mermaid(&g);
		assert_true(dot && svg && mermaid);
		graph_free(&g);
		json_decref(o);
	}
}

/* --- the layout
 * --------------------------------------------------------------------------------------------- */

static bool overlap(const struct graph_box *a, const struct graph_box *b)
{
	return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
	       b->y < a->y + a->height;
}

static bool contains(const struct graph_box *outer, const struct graph_box *inner)
{
	return inner->x > 0 && inner->y > 0 && inner->width > 0 && inner->x + inner->width < outer->width &&
	       inner->y + inner->height < outer->height;
}

static void check_layout(const struct graph *g, const struct graph_layout *l)
{
	for (size_t i = 0; i < g->n_netns; i++) {
		const struct graph_box *box = &l->netns[i];

		if (!g->netns[i].shown)
			continue;
		assert_true(box->x > 0 && box->y > 0 && box->x + box->width < l->width &&
			    box->y + box->height < l->height);
		for (size_t k = 0; k < i; k++)
			assert_false(g->netns[k].shown && overlap(box, &l->netns[k]));
	}
	for (size_t i = 0; i < g->n_links; i++) {
		if (!g->links[i].shown)
			continue;
		assert_true(contains(&l->netns[g->links[i].netns], &l->links[i]));
		for (size_t k = 0; k < i; k++)
			assert_false(g->links[k].shown && g->links[k].netns == g->links[i].netns &&
				     overlap(&l->links[i], &l->links[k]));
	}
	/* What lines rely on. */
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct graph_link *a = &g->links[g->edges[i].from], *b = &g->links[g->edges[i].to];

		if (a->shown && b->shown)
			assert_true(abs(l->column[a->netns] - l->column[b->netns]) <= 1);
	}
}

static void test_layout(void **state)
{
	struct graph_layout l = {0};
	struct graph g = {0};

	(void)state;
	build(&g, model, NULL);
	assert_int_equal(graph_layout(&g, &l), 0);
	check_layout(&g, &l);
	graph_layout_done(&l);
	graph_free(&g);
}

/* A ring of routers, every one of them with hosts of its own, and some that are alone. */
static void test_layout_large(void **state)
{
	struct graph_layout l = {0};
	struct graph g = {0};

	(void)state;
	for (int i = 0; i < 60; i++) {
		json_t *d =
			i >= 50 ? json_pack("{s:o}", "name", json_sprintf("alone%d", i))
			: i >= 10
				? json_pack("{s:o, s:[{s:s, s:o}]}", "name", json_sprintf("n%d", i), "links",
					    "name", "up", "peer", json_sprintf("d%d at n%d", i, i % 10))
				: json_pack("{s:o, s:[{s:s, s:o}, {s:s}, {s:o}, {s:o}]}", "name",
					    json_sprintf("n%d", i), "links", "name", "right", "peer",
					    json_sprintf("left at n%d", (i + 1) % 10), "name", "left", "name",
					    json_sprintf("d%d", i + 10), "name", json_sprintf("d%d", i + 20));

		assert_non_null(d);
		assert_int_equal(graph_add_netns(&g, d), 0);
		json_decref(d);
	}
	assert_int_equal(graph_finish(&g, NULL), 0);
	assert_int_equal(g.n_edges, 10 + 20);
	assert_int_equal(graph_layout(&g, &l), 0);
	check_layout(&g, &l);
	graph_layout_done(&l);
	graph_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	     cmocka_unit_test(test_shown),
		cmocka_unit_test(test_junk),	     cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_large),
	};

	return cmocka_run_group_tests(tests, load_model, free_model);
}
