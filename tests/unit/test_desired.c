/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The desired tree: who owns what, what is found by which name, and what counts as the same. */
#include "desired.h"

#include "parse.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct pair_config {
	uint32_t mode;
	char *word;
};

static const struct conf_key pair_keys[] = {
	{.name = "Mode", .type = NETNSD_KEY_UINT, .offset = offsetof(struct pair_config, mode)},
	{.name = "Word", .type = NETNSD_KEY_STRING, .offset = offsetof(struct pair_config, word)},
	{.name = NULL},
};

static int n_done;

static int pair_init(void *config)
{
	((struct pair_config *)config)->mode = 3;
	return 0;
}

static void pair_done(void *config)
{
	(void)config;
	n_done++;
}

static int refuse_init(void *config)
{
	(void)config;
	return -ENOMEM;
}

static const struct link_kind veth = {.name = "veth",
				      .section = "Veth",
				      .flags = NETNSD_KIND_PAIR,
				      .config_size = sizeof(struct pair_config),
				      .keys = pair_keys,
				      .init = pair_init,
				      .done = pair_done};
static const struct link_kind bad = {.name = "bad", .section = "Bad", .config_size = 4, .init = refuse_init};

static int setup(void **state)
{
	n_done = 0;
	return desired_new((struct desired **)state);
}

static int teardown(void **state)
{
	desired_unref(*state);
	return 0;
}

static struct netns *add(struct desired *d, const char *name)
{
	struct netns *n;

	assert_int_equal(desired_add(d, name, &n), 0);
	return n;
}

static struct link *make(struct netns *n, const char *name)
{
	struct link *l;

	assert_int_equal(link_new(n, n, &veth, name, &l), 0);
	return l;
}

static struct link *make_peer(struct link *l, struct netns *where, const char *name)
{
	struct link *peer;

	assert_int_equal(link_new_peer(l, where, name, &peer), 0);
	return peer;
}

static void test_order(void **state)
{
	static const char *const names[] = {"m", "b", "z", "a"}, *const sorted[] = {"a", "b", "m", "z"};
	struct netns *n, *again = (void *)1;
	size_t i = 0;

	for (; i < 4; i++)
		n = add(*state, names[i]);
	assert_true(n->autostart && n->loopback && !n->adopt && !n->host);
	assert_int_equal(desired_add(*state, "b", &again), -EEXIST);
	assert_ptr_equal(again, (void *)1);
	i = 0;
	for (n = ((struct desired *)*state)->namespaces; n; n = n->hh.next)
		assert_string_equal(n->name, sorted[i++]);
	assert_int_equal(i, 4);
	assert_null(desired_find(*state, "nix"));
	desired_remove(*state, desired_find(*state, "m"));
	assert_null(desired_find(*state, "m"));
}

static void test_intern(void **state)
{
	char text[] = "/etc/x";
	const char *a = desired_intern(*state, text);

	assert_ptr_not_equal(a, text);
	assert_ptr_equal(a, desired_intern(*state, "/etc/x"));
	assert_ptr_not_equal(a, desired_intern(*state, "/etc/y"));
	assert_string_equal(a, "/etc/x");
}

static void test_references(void **state)
{
	struct desired *d = desired_ref(*state);

	add(d, "a");
	desired_unref(d);
	assert_non_null(desired_find(*state, "a"));
	desired_unref(NULL);
	link_free(NULL);
}

static void test_links(void **state)
{
	struct netns *n = add(*state, "a");
	struct link *l = make(n, "eth0"), *other = (void *)1;

	make(n, "eth1");
	assert_int_equal(n->n_links, 2);
	assert_ptr_equal(n->links, l);
	assert_ptr_equal(netns_find_link(n, "eth0"), l);
	assert_null(netns_find_link(n, "eth"));
	assert_int_equal(((struct pair_config *)l->config)->mode, 3);
	assert_int_equal(link_new(n, n, &bad, "bad0", &other), -ENOMEM);
	assert_ptr_equal(other, (void *)1);
	assert_int_equal(n->n_links, 2);
	/* A second link of the name is there, the first is found. */
	other = make(n, "eth0");
	assert_ptr_equal(netns_find_link(n, "eth0"), l);
	link_free(other);
	link_free(l);
	assert_int_equal(n->n_links, 1);
	assert_null(netns_find_link(n, "eth0"));
	assert_int_equal(n_done, 2);
}

static void test_long_names(void **state)
{
	struct netns *n = add(*state, "a");
	struct link *l = make(n, "a-link-with-a-long-name");

	assert_true(strlen(l->name) < IFNAMSIZ);
	assert_string_equal(l->full_name, "a-link-with-a-long-name");
	assert_true(strv_contains(l->altnames, l->full_name));
	assert_ptr_equal(netns_find_link(n, "a-link-with-a-long-name"), l);
	assert_ptr_equal(netns_find_link(n, l->name), l);
	assert_null(netns_find_link(n, "a-link-with-a-long-nam"));
	assert_null(make(n, "exactly15chars_")->full_name);
}

static void test_peers(void **state)
{
	struct netns *a = add(*state, "a"), *host = add(*state, "host");
	struct link *l = make(a, "eth0"), *peer = make_peer(l, host, "ns-a");

	assert_true(peer->is_peer && peer->peer == l && l->peer == peer);
	assert_ptr_equal(peer->owner, a);
	assert_ptr_equal(peer->netns, host);
	assert_null(peer->config);
	/* The end that is placed elsewhere goes with the one that declares it. */
	link_free(l);
	assert_int_equal(host->n_links, 0);
	assert_int_equal(n_done, 1);
	l = make(a, "eth0");
	peer = make_peer(l, host, "ns-a");
	link_free(peer);
	assert_null(l->peer);
	(void)make_peer(l, host, "ns-a");
	desired_remove(*state, a);
	assert_int_equal(host->n_links, 0);
}

static struct netnsd_prefix prefix(const char *text)
{
	struct netnsd_prefix p;

	assert_int_equal(parse_prefix(text, &p), 0);
	return p;
}

static struct netnsd_ip ip(const char *text)
{
	struct netnsd_ip i;

	assert_int_equal(parse_ip(text, &i), 0);
	return i;
}

/* Each change of one field is a difference, and origin is not one. */
static void test_address_equal(void **state)
{
	const struct address a = {
		.prefix = prefix("10.0.0.1/24"), .preferred = UINT32_MAX, .origin = {"x", 1}};
	struct address b = a;

	(void)state;
	b.origin = (struct origin){"y", 2};
	assert_true(address_equal(&a, &b));
#define DIFFERS(field, value) b = a, b.field = value, assert_false(address_equal(&a, &b))
	DIFFERS(prefix, prefix("10.0.0.2/24"));
	DIFFERS(prefix, prefix("10.0.0.1/25"));
	DIFFERS(peer, ip("10.0.0.9"));
	DIFFERS(scope, RT_SCOPE_LINK);
	DIFFERS(no_dad, true);
	DIFFERS(preferred, 0);
	DIFFERS(metric, 5);
	DIFFERS(label[0], 'x');
#undef DIFFERS
}

static void test_route_equal(void **state)
{
	struct nexthop hop = {.weight = 1}, other_hop = {.weight = 2};
	const struct route a = {.family = AF_INET,
				.type = RTN_UNICAST,
				.table = RT_TABLE_MAIN,
				.destination = prefix("10.0.0.0/8"),
				.nexthops = &hop,
				.n_nexthops = 1,
				.label = "Route x"};
	struct route b = a;

	(void)state;
	b.label = "Route y";
	b.origin.line = 7;
	assert_true(route_equal(&a, &b));
#define DIFFERS(field, value) b = a, b.field = value, assert_false(route_equal(&a, &b))
	DIFFERS(family, AF_INET6);
	DIFFERS(type, RTN_LOCAL);
	DIFFERS(scope, RT_SCOPE_LINK);
	DIFFERS(table, 7);
	DIFFERS(metric, 7);
	DIFFERS(destination, prefix("10.0.0.0/9"));
	DIFFERS(gateway, ip("10.0.0.1"));
	DIFFERS(prefsrc, ip("10.0.0.1"));
	DIFFERS(onlink, true);
	DIFFERS(set, ROUTE_SET_MTU);
	DIFFERS(mtu, 1400);
	DIFFERS(preference, 1);
	DIFFERS(ifname[0], 'x');
	DIFFERS(nexthops, &other_hop);
	DIFFERS(n_nexthops, 0);
#undef DIFFERS
}

static void test_rule_equal(void **state)
{
	const struct rule a = {.family = AF_INET,
			       .priority = 5,
			       .table = 9,
			       .action = FR_ACT_TO_TBL,
			       .suppress_ifgroup = -1,
			       .suppress_prefixlength = -1};
	struct rule b = a;

	(void)state;
	b.uid[0] = 7; /* without has_uid nobody looks at it */
	assert_true(rule_equal(&a, &b));
#define DIFFERS(field, value) b = a, b.field = value, assert_false(rule_equal(&a, &b))
	DIFFERS(priority, 6);
	DIFFERS(table, 6);
	DIFFERS(action, FR_ACT_BLACKHOLE);
	DIFFERS(invert, true);
	DIFFERS(tos, 16);
	DIFFERS(from, prefix("10.0.0.0/8"));
	DIFFERS(to, prefix("10.0.0.0/8"));
	DIFFERS(fwmask, 1);
	DIFFERS(iif[0], 'x');
	DIFFERS(oif[0], 'x');
	DIFFERS(sport[1], 1);
	DIFFERS(dport[0], 1);
	DIFFERS(has_uid, true);
	DIFFERS(ip_protocol, 6);
	DIFFERS(suppress_prefixlength, 0);
#undef DIFFERS
}

/* Two trees with a namespace "a" and the peer of its link on the host. */
static struct desired *make_tree(struct link **ret)
{
	struct desired *d;
	struct netns *a, *host;

	assert_int_equal(desired_new(&d), 0);
	a = add(d, "a");
	host = add(d, "host");
	a->text = strdup("[Veth eth0]\n");
	*ret = make(a, "eth0");
	(*ret)->kind_set = 1;
	(void)make_peer(*ret, host, "ns-a");
	return d;
}

static bool trees_equal(const struct desired *a, const struct desired *b, const char *name)
{
	return netns_equal(desired_find(a, name), desired_find(b, name));
}

static void test_netns_equal(void **state)
{
	struct link *l, *k;
	struct desired *a = make_tree(&l), *b = make_tree(&k);

	(void)state;
	assert_true(trees_equal(a, b, "a") && trees_equal(a, b, "host"));
	k->peer->mtu_set = true;
	k->peer->mtu = 1400;
	/* What others place in it counts, and where one's own peer is. */
	assert_false(trees_equal(a, b, "host"));
	assert_false(trees_equal(a, b, "a"));
	k->peer->mtu_set = false;
	assert_true(trees_equal(a, b, "host")); /* without mtu_set the number is nobody's */
	((struct pair_config *)k->config)->word = strdup("x");
	assert_true(trees_equal(a, b, "a")); /* not set by the administrator */
	k->kind_set = 3;
	assert_false(trees_equal(a, b, "a"));
	k->kind_set = 1;
	/* What a pool gave is in no text. */
	k->addresses = calloc(1, sizeof(*k->addresses));
	k->n_addresses = 1;
	assert_false(trees_equal(a, b, "a"));
	k->n_addresses = 0;
	free(desired_find(b, "a")->text);
	desired_find(b, "a")->text = strdup("[Veth eth0]\nAlias=x\n");
	assert_false(trees_equal(a, b, "a"));
	desired_unref(a);
	desired_unref(b);
}

static void expect_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_texts(void **state)
{
	struct address a = {.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX};
	struct route r = {.family = AF_INET,
			  .type = RTN_UNICAST,
			  .table = RT_TABLE_MAIN,
			  .destination = {.ip = {.family = AF_INET}},
			  .gateway = ip("10.0.0.1"),
			  .ifname = "eth0",
			  .metric = 50};

	(void)state;
	expect_text(address_to_string(&a), "10.0.0.2/24");
	expect_text(route_to_string(&r), "default via 10.0.0.1 dev eth0 metric 50");
	assert_string_equal(on_drift_to_string(ON_DRIFT_REPORT), "report");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_intern),
		TEST(test_references),
		TEST(test_links),
		TEST(test_long_names),
		TEST(test_peers),
		cmocka_unit_test(test_address_equal),
		cmocka_unit_test(test_route_equal),
		cmocka_unit_test(test_rule_equal),
		cmocka_unit_test(test_netns_equal),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("desired", tests, NULL, NULL);
}
