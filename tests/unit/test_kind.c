/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry: what it finds, and every plugin that it refuses. */
#include "kind.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KINDS(...)   ((const struct link_kind *const[]){__VA_ARGS__, NULL})
#define SOURCES(...) ((const struct address_source *const[]){__VA_ARGS__, NULL})
#define KEYS(...)    ((const struct conf_key[]){__VA_ARGS__, {.name = NULL}})
#define NUMBER(key)                                                                                          \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_UINT, .wire = NETNSD_WIRE_U32, .attr = 1                     \
	}
#define LOOSE(key)                                                                                           \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_UINT                                                         \
	}

static int fill(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	(void)link;
	(void)change;
	(void)msg;
	return 0;
}

static enum verdict compare(const struct netnsd_link *link, const struct nlattr *data,
			    struct netnsd_error *err)
{
	(void)link;
	(void)data;
	(void)err;
	return VERDICT_SAME;
}

static int create(const struct netnsd_link *link, struct netnsd_error *err)
{
	(void)link;
	(void)err;
	return 0;
}

static int parse(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err)
{
	(void)value;
	(void)ret;
	(void)err;
	return 0;
}

static const struct link_kind zebra = {
	.name = "zebra",
	.section = "Zebra",
	.config_size = 4,
	.keys = (const struct conf_key[]){NUMBER("Stripes"), {.name = NULL}},
};
static const struct link_kind ant = {.name = "ant", .section = "ANT"};
static const struct link_kind mule = {
	.name = "mule-2", .section = "Mule", .flags = NETNSD_KIND_PAIR, .fill = fill};
static const struct address_source well = {.name = "well", .key = "Well", .parse = parse};
static const struct address_source fixed = {.name = "fixed", .key = "Address", .parse = parse};
static const struct netnsd_plugin first = {
	.api = NETNSD_PLUGIN_API,
	.name = "first",
	.kinds = (const struct link_kind *const[]){&zebra, &ant, NULL},
	.address_sources = (const struct address_source *const[]){&fixed, NULL},
};
static const struct netnsd_plugin second = {
	.api = NETNSD_PLUGIN_API,
	.name = "second",
	.kinds = (const struct link_kind *const[]){&mule, NULL},
	.address_sources = (const struct address_source *const[]){&well, NULL},
};

static void registry_fill(struct registry *r)
{
	struct error err = {.code = 0};

	if (registry_add(r, &first, "first.so", &err) != 0 ||
	    registry_add(r, &second, "second.so", &err) != 0)
		fail_msg("%s", err.text);
}

static void test_find(void **state)
{
	struct registry r = {.kinds = NULL};

	(void)state;
	assert_null(registry_kind(&r, "Zebra"));
	assert_null(registry_source(&r, "Address"));
	registry_fill(&r);
	assert_int_equal(r.n_kinds, 3);
	for (size_t i = 1; i < r.n_kinds; i++)
		assert_true(strcmp(r.kinds[i - 1]->section, r.kinds[i]->section) < 0);
	assert_ptr_equal(registry_kind(&r, "ANT"), &ant);
	assert_ptr_equal(registry_kind(&r, "Mule"), &mule);
	assert_ptr_equal(registry_kind(&r, "Zebra"), &zebra);
	assert_null(registry_kind(&r, "Ant"));
	assert_null(registry_kind(&r, "zebra"));
	assert_null(registry_kind(&r, ""));
	assert_ptr_equal(registry_kind_by_name(&r, "zebra"), &zebra);
	assert_ptr_equal(registry_kind_by_name(&r, "mule-2"), &mule);
	assert_null(registry_kind_by_name(&r, "Zebra"));
	assert_ptr_equal(registry_source(&r, "Well"), &well);
	assert_ptr_equal(registry_source(&r, "Address"), &fixed);
	assert_null(registry_source(&r, "AddressPool"));
	assert_int_equal(r.n_plugins, 2);
	registry_free(&r);
	assert_int_equal(r.n_kinds, 0);
	registry_free(&r);
}

/* One bad kind or source, in a plugin whose first kind is fine: nothing of it may stay. */
static const struct refused_kind {
	struct link_kind kind;
	int code;
	const char *part;
} refused_kinds[] = {
	{{.name = NULL, .section = "X"}, -EINVAL, "IFLA_INFO_KIND"},
	{{.name = "", .section = "X"}, -EINVAL, "IFLA_INFO_KIND"},
	{{.name = "x y", .section = "X"}, -EINVAL, "IFLA_INFO_KIND"},
	{{.name = "abcdefghijklmnopqrstuvwxyz123456", .section = "X"}, -EINVAL, "1 to 31"},
	{{.name = "x", .section = NULL}, -EINVAL, "section name"},
	{{.name = "x", .section = "X-1"}, -EINVAL, "section name"},
	{{.name = "x", .section = "1X"}, -EINVAL, "section name"},
	{{.name = "x", .section = "Namespace"}, -EEXIST, "[Namespace] is netnsd's own"},
	{{.name = "x", .section = "Address"}, -EEXIST, "[Address] is netnsd's own"},
	{{.name = "x", .section = "Route"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "RoutingPolicyRule"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Neighbor"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Container"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Exec"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Files"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Service"}, -EEXIST, "netnsd's own"},
	{{.name = "x", .section = "Zebra"}, -EEXIST, "plugin first has the section [Zebra]"},
	{{.name = "zebra", .section = "X"}, -EEXIST, "plugin first has the kind zebra already, as [Zebra]"},
	{{.name = "fine", .section = "X"}, -EEXIST, "twice"},
	{{.name = "x", .section = "Fine"}, -EEXIST, "twice"},
	{{.name = "x", .section = "X", .create = create}, -EINVAL, "only one of create() and remove()"},
	{{.name = "x", .section = "X", .remove = create}, -EINVAL, "only one of create() and remove()"},
	{{.name = "x", .section = "X", .flags = NETNSD_KIND_PAIR}, -EINVAL, "needs fill()"},
	{{.name = "x", .section = "X", .flags = NETNSD_KIND_PARENT_IN_DATA}, -EINVAL, "fill()"},
	{{.name = "x", .section = "X", .flags = 1U << 31}, -EINVAL, "flags"},
	{{.name = "x", .section = "X", .config_size = 65537}, -EINVAL, "64 KiB"},
	{{.name = "x", .section = "X", .keys = KEYS(NUMBER("Far"))}, -EINVAL, "[X]: key Far"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(NUMBER("Alias"))},
	 -EEXIST,
	 "key Alias"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(NUMBER("MTUBytes"))},
	 -EEXIST,
	 "key MTUBytes"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(NUMBER("AddressPool"))},
	 -EEXIST,
	 "AddressPool"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(NUMBER("PeerName"))},
	 -EEXIST,
	 "PeerName"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(NUMBER("Well"))},
	 -EEXIST,
	 "plugin second adds"},
	{{.name = "x",
	  .section = "X",
	  .flags = NETNSD_KIND_PAIR,
	  .fill = fill,
	  .config_size = 4,
	  .keys = KEYS(NUMBER("PeerColour"))},
	 -EEXIST,
	 "PeerColour"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(LOOSE("Odd"))},
	 -EINVAL,
	 "without a wire form"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(LOOSE("Odd")), .fill = fill},
	 -EINVAL,
	 "without a wire form"},
	{{.name = "x", .section = "X", .config_size = 4, .keys = KEYS(LOOSE("Odd")), .compare = compare},
	 -EINVAL,
	 "without a wire form"},
};

static void is_refused(const struct netnsd_plugin *p, int code, const char *part)
{
	struct registry r = {.kinds = NULL};
	struct error err = {.code = 0};
	int e;

	registry_fill(&r);
	e = registry_add(&r, p, "/plugins/bad.so", &err);
	if (e != code || !strstr(err.text, part) || !strstr(err.text, "/plugins/bad.so"))
		fail_msg("expected %d and '%s', got %d and '%s'", code, part, e, err.text);
	assert_int_equal(err.code, code);
	assert_int_equal(r.n_kinds, 3);
	assert_int_equal(r.n_sources, 2);
	assert_int_equal(r.n_plugins, 2);
	assert_null(registry_kind(&r, "Fine"));
	registry_free(&r);
}

static void test_refused_kinds(void **state)
{
	static const struct link_kind fine = {.name = "fine", .section = "Fine"};

	(void)state;
	for (size_t i = 0; i < sizeof(refused_kinds) / sizeof(refused_kinds[0]); i++) {
		struct netnsd_plugin p = {.api = NETNSD_PLUGIN_API,
					  .name = "bad",
					  .kinds = KINDS(&fine, &refused_kinds[i].kind)};

		is_refused(&p, refused_kinds[i].code, refused_kinds[i].part);
	}
}

static void test_refused_sources(void **state)
{
	static const struct {
		struct address_source source;
		int code;
		const char *part;
	} bad[] = {
		{{.name = NULL, .key = "X", .parse = parse}, -EINVAL, "lacks"},
		{{.name = "x", .key = NULL, .parse = parse}, -EINVAL, "lacks"},
		{{.name = "x", .key = "X"}, -EINVAL, "lacks"},
		{{.name = "x", .key = "Gateway", .parse = parse}, -EEXIST, "netnsd's own"},
		{{.name = "x", .key = "Address", .parse = parse},
		 -EEXIST,
		 "plugin first has the key Address"},
		{{.name = "x", .key = "Well", .parse = parse}, -EEXIST, "plugin second has the key Well"},
		{{.name = "x", .key = "Stripes", .parse = parse}, -EEXIST, "[Zebra] of plugin first"},
		{{.name = "x", .key = "AddressPool", .parse = parse}, -EEXIST, "twice"},
	};
	static const struct address_source fine = {.name = "fine", .key = "AddressPool", .parse = parse};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct netnsd_plugin p = {.api = NETNSD_PLUGIN_API,
					  .name = "bad",
					  .address_sources = SOURCES(&fine, &bad[i].source)};

		is_refused(&p, bad[i].code, bad[i].part);
	}
}

static void test_refused_plugins(void **state)
{
	struct netnsd_plugin p = {.api = NETNSD_PLUGIN_API + 1, .name = (const char *)1};

	(void)state;
	is_refused(&p, -EPROTO, "API 3, this netnsd has 2"); /* nothing else was looked at */
	p = (struct netnsd_plugin){.api = 0};
	is_refused(&p, -EPROTO, "API 0");
	p = (struct netnsd_plugin){.api = NETNSD_PLUGIN_API, .kinds = KINDS(&ant)};
	is_refused(&p, -EINVAL, "no name");
	p = (struct netnsd_plugin){.api = NETNSD_PLUGIN_API, .name = "../x", .kinds = KINDS(&ant)};
	is_refused(&p, -EINVAL, "no name");
	p = (struct netnsd_plugin){.api = NETNSD_PLUGIN_API, .name = "bad"};
	is_refused(&p, -EINVAL, "neither");
	is_refused(&first, -EEXIST, "plugin first");
}

/* A kind that may have loose keys, and one whose keys only look like a pair's. */
static void test_taken(void **state)
{
	static const struct conf_key odd_keys[] = {LOOSE("PeerColour"), {.name = NULL}};
	static const struct conf_key made_keys[] = {LOOSE("Group"), {.name = NULL}};
	static const struct link_kind odd = {.name = "odd",
					     .section = "Odd",
					     .config_size = 4,
					     .keys = odd_keys,
					     .fill = fill,
					     .compare = compare};
	static const struct link_kind made = {.name = "made",
					      .section = "Made",
					      .config_size = 4,
					      .keys = made_keys,
					      .create = create,
					      .remove = create};
	struct netnsd_plugin p = {.api = NETNSD_PLUGIN_API, .name = "third", .kinds = KINDS(&odd, &made)};
	struct registry r = {.kinds = NULL};
	struct error err = {.code = 0};

	(void)state;
	registry_fill(&r);
	if (registry_add(&r, &p, "third.so", &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.n_kinds, 5);
	registry_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_refused_kinds),
		cmocka_unit_test(test_refused_sources),
		cmocka_unit_test(test_refused_plugins),
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests_name("kind", tests, NULL, NULL);
}
