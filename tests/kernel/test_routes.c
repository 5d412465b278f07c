/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses, routes, rules and neighbours: declared, asked for, done by the real kernel, dumped,
 * and the same again. That is what an empty second plan rests on.
 */
#include "lib_kernel.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

static struct space peer, s;
static int eth0, eth1;

/* A namespace with two links that have carrier and addresses. */
static int set_up(void **state)
{
	const struct address a4 = {.prefix = prefix("192.0.2.2/24"), .preferred = UINT32_MAX};
	const struct address a6 = {
		.prefix = prefix("2001:db8::2/64"), .no_dad = true, .preferred = UINT32_MAX};
	struct link a, b;
	struct error err;

	(void)state;
	peer = space_new();
	s = space_new();
	pair_init(&a, "eth0", &b, "p0");
	pair_create(&s, &a, peer.fd);
	pair_init(&a, "eth1", &b, "p1");
	pair_create(&s, &a, peer.fd);
	eth0 = index_of(&s, "eth0");
	eth1 = index_of(&s, "eth1");
	link_up(&s, 1);
	link_up(&peer, index_of(&peer, "p0"));
	link_up(&peer, index_of(&peer, "p1"));
	link_up(&s, eth0);
	link_up(&s, eth1);
	assert_ok(ASK(&s, &err, request_address, &a4, eth0, true, false), &err);
	assert_ok(ASK(&s, &err, request_address, &a6, eth0, true, false), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	space_close(&s);
	space_close(&peer);
	return 0;
}

/* --- addresses --- */

static const struct actual_address *find_address(const struct actual *a, const struct address *wanted)
{
	for (size_t i = 0; i < a->n_addresses; i++)
		if (prefix_equal(&a->addresses[i].address.prefix, &wanted->prefix) &&
		    a->addresses[i].ifindex == eth1)
			return &a->addresses[i];
	return NULL;
}

static void check_address(const struct address *wanted)
{
	const struct actual_address *found;
	struct actual *a;
	struct error err;

	assert_ok(ASK(&s, &err, request_address, wanted, eth1, true, false), &err);
	a = look(&s, ACTUAL_LINKS | ACTUAL_ADDRESSES);
	found = find_address(a, wanted);
	assert_non_null(found);
	assert_int_equal(found->protocol, ROUTE_PROTOCOL);
	if (!address_equal(wanted, &found->address)) {
		char *x = address_to_string(wanted), *y = address_to_string(&found->address);

		fail_msg("declared %s, found %s (scope %d %d)", x, y, wanted->scope, found->address.scope);
	}
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_address, wanted, eth1, true, false), -EEXIST);
	assert_ok(ASK(&s, &err, request_address, wanted, eth1, false, false), &err);
	a = look(&s, ACTUAL_LINKS | ACTUAL_ADDRESSES);
	assert_null(find_address(a, wanted));
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_address, wanted, eth1, false, false), -EADDRNOTAVAIL);
}

static void test_addresses(void **state)
{
	const struct address table[] = {
		{.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX},
		{.prefix = prefix("10.0.0.2/32"), .peer = ip("10.0.0.3"), .preferred = UINT32_MAX},
		{.prefix = prefix("10.0.0.2/31"), .preferred = UINT32_MAX},
		{.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX, .metric = 77, .label = "eth1:a"},
		{.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX, .scope = RT_SCOPE_LINK},
		{.prefix = prefix("fd00::2/64"), .preferred = UINT32_MAX},
		{.prefix = prefix("fd00::2/64"), .preferred = UINT32_MAX, .no_dad = true, .metric = 77},
		{.prefix = prefix("fd00::2/64"), .preferred = 0, .no_dad = true},
		{.prefix = prefix("fd00::2/128"), .peer = ip("fd00::3"), .preferred = UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_address(&table[i]);
}

static void test_address_replace(void **state)
{
	struct address a = {.prefix = prefix("fd00::2/64"), .no_dad = true, .preferred = UINT32_MAX};
	struct actual *seen;
	struct error err;

	(void)state;
	assert_ok(ASK(&s, &err, request_address, &a, eth1, true, false), &err);
	a.preferred = 0;
	assert_ok(ASK(&s, &err, request_address, &a, eth1, true, true), &err);
	seen = look(&s, ACTUAL_ADDRESSES);
	assert_true(find_address(seen, &a)->flags & IFA_F_DEPRECATED);
	actual_free(seen);
	a.preferred = UINT32_MAX;
	assert_ok(ASK(&s, &err, request_address, &a, eth1, true, true), &err);
	seen = look(&s, ACTUAL_ADDRESSES);
	assert_false(find_address(seen, &a)->flags & IFA_F_DEPRECATED);
	assert_int_equal(find_address(seen, &a)->address.preferred, UINT32_MAX);
	actual_free(seen);
}

/* --- routes --- */

static const struct actual_route *only_route(const struct actual *a)
{
	assert_int_equal(a->n_routes, 1);
	return &a->routes[0];
}

static void check_route(struct route wanted, int ifindex)
{
	const int hops[] = {eth0, eth0};
	const struct actual_route *found;
	struct actual *a;
	struct error err;

	assert_ok(ASK(&s, &err, request_route, &wanted, ifindex, hops, true, false), &err);
	a = look(&s, ACTUAL_LINKS | ACTUAL_ROUTES);
	found = only_route(a);
	assert_int_equal(found->protocol, ROUTE_PROTOCOL);
	/* What a declaration leaves to the kernel; reconcile knows the same. */
	if (wanted.family == AF_INET6 && wanted.metric == 0)
		wanted.metric = 1024;
	wanted.set |= wanted.family == AF_INET ? ROUTE_SET_SCOPE : ROUTE_SET_PREFERENCE;
	if (!route_equal(&wanted, &found->route)) {
		char *x = route_to_string(&wanted), *y = route_to_string(&found->route);

		fail_msg("declared %s (set %x), found %s (set %x)", x, wanted.set, y, found->route.set);
	}
	assert_int_equal(found->ifindex, ifindex);
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_route, &wanted, ifindex, hops, true, false), -EEXIST);
	assert_ok(ASK(&s, &err, request_route, &wanted, ifindex, hops, false, false), &err);
	a = look(&s, ACTUAL_ROUTES);
	assert_int_equal(a->n_routes, 0);
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_route, &wanted, ifindex, hops, false, false), -ESRCH);
}

#define METRICS                                                                                              \
	.set = ROUTE_SET_MTU | ROUTE_SET_ADVMSS | ROUTE_SET_INITCWND | ROUTE_SET_INITRWND |                  \
	       ROUTE_SET_QUICKACK,                                                                           \
	.mtu = 1300, .advmss = 1200, .initcwnd = 20, .initrwnd = 30, .quickack = 1

static void test_routes(void **state)
{
	const struct netnsd_prefix any4 = {.ip.family = AF_INET}, any6 = {.ip.family = AF_INET6};
	struct nexthop hops4[] = {{.gateway = ip("192.0.2.1"), .ifname = "eth0", .weight = 1},
				  {.gateway = ip("192.0.2.7"), .ifname = "eth0", .weight = 20}};
	struct nexthop hops6[] = {{.gateway = ip("2001:db8::1"), .ifname = "eth0", .weight = 1},
				  {.gateway = ip("2001:db8::7"), .ifname = "eth0", .weight = 2}};
	struct nexthop mixed[] = {{.gateway = ip("192.0.2.1"), .ifname = "eth0", .weight = 1},
				  {.gateway = ip("2001:db8::7"), .ifname = "eth0", .weight = 256}};
	const struct {
		struct route route;
		int ifindex;
	} table[] = {
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = any4,
		  .gateway = ip("192.0.2.1"),
		  .ifname = "eth0"},
		 eth0},
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 100000,
		  .destination = prefix("198.51.100.0/24"),
		  .gateway = ip("2001:db8::1"),
		  .metric = 50,
		  .prefsrc = ip("192.0.2.2"),
		  .ifname = "eth0",
		  METRICS},
		 eth0},
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = prefix("198.51.100.0/24"),
		  .gateway = ip("203.0.113.1"),
		  .onlink = true,
		  .ifname = "eth1"},
		 eth1},
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = prefix("198.51.100.0/24"),
		  .scope = RT_SCOPE_LINK,
		  .ifname = "eth1"},
		 eth1},
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = any4,
		  .nexthops = hops4,
		  .n_nexthops = 2},
		 0},
		{{.family = AF_INET,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = any4,
		  .nexthops = mixed,
		  .n_nexthops = 2,
		  .metric = 4},
		 0},
		{{.family = AF_INET,
		  .type = RTN_BLACKHOLE,
		  .table = 254,
		  .destination = prefix("10.9.0.0/16")},
		 0},
		{{.family = AF_INET,
		  .type = RTN_UNREACHABLE,
		  .table = 7,
		  .destination = any4,
		  .metric = 9999},
		 0},
		{{.family = AF_INET,
		  .type = RTN_PROHIBIT,
		  .table = 254,
		  .destination = prefix("10.9.0.0/16")},
		 0},
		{{.family = AF_INET, .type = RTN_THROW, .table = 7, .destination = prefix("10.9.0.0/16")}, 0},
		{{.family = AF_INET6,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = any6,
		  .gateway = ip("2001:db8::1"),
		  .ifname = "eth0"},
		 eth0},
		{{.family = AF_INET6,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = any6,
		  .gateway = ip("2001:db8::1"),
		  .ifname = "eth0",
		  .set = ROUTE_SET_PREFERENCE,
		  .preference = 1,
		  .metric = 5},
		 eth0},
		{{.family = AF_INET6,
		  .type = RTN_UNICAST,
		  .table = 1000,
		  .destination = prefix("2001:db8:9::/48"),
		  .ifname = "eth1",
		  METRICS},
		 eth1},
		{{.family = AF_INET6,
		  .type = RTN_UNICAST,
		  .table = 254,
		  .destination = prefix("2001:db8:9::/48"),
		  .nexthops = hops6,
		  .n_nexthops = 2},
		 0},
		{{.family = AF_INET6,
		  .type = RTN_BLACKHOLE,
		  .table = 254,
		  .destination = prefix("2001:db8:9::/48")},
		 0},
		{{.family = AF_INET6,
		  .type = RTN_UNREACHABLE,
		  .table = 254,
		  .destination = any6,
		  .metric = 99999},
		 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_route(table[i].route, table[i].ifindex);
}

/* Needs CONFIG_IPV6_SUBTREES. */
static void test_source_route(void **state)
{
	const struct route r = {.family = AF_INET6,
				.type = RTN_UNICAST,
				.table = 254,
				.destination = prefix("2001:db8:9::/48"),
				.source = prefix("2001:db8:8::/48"),
				.ifname = "eth1"};
	struct error err;
	int e;

	(void)state;
	e = ASK(&s, &err, request_route, &r, eth1, NULL, true, false);
	if (e == -EINVAL) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_ok(e, &err);
	assert_ok(ASK(&s, &err, request_route, &r, eth1, NULL, false, false), &err);
	check_route(r, eth1);
}

/* IPv6 ones come by themselves, with the end of duplicate address detection. */
static size_t count_ipv4_routes(void)
{
	struct actual *a = look(&s, ACTUAL_ROUTES | ACTUAL_FOREIGN_TOO);
	size_t n = 0;

	for (size_t i = 0; i < a->n_routes; i++)
		n += a->routes[i].route.family == AF_INET;
	actual_free(a);
	return n;
}

static void test_foreign_route_is_not_removed(void **state)
{
	const struct route r = {.family = AF_INET,
				.type = RTN_UNICAST,
				.table = 254,
				.scope = RT_SCOPE_LINK,
				.destination = prefix("192.0.2.0/24")};
	struct error err;
	size_t before;

	(void)state;
	/* The connected route of eth0 is the kernel's: a removal carries our protocol and misses it. */
	before = count_ipv4_routes();
	assert_true(before > 0);
	assert_int_equal(ASK(&s, &err, request_route, &r, eth0, NULL, false, false), -ESRCH);
	assert_int_equal(count_ipv4_routes(), before);
}

static void test_route_replace(void **state)
{
	struct route r = {.family = AF_INET, .type = RTN_UNICAST, .table = 254, .gateway = ip("192.0.2.1")};
	struct actual *a;
	struct error err;

	(void)state;
	assert_ok(ASK(&s, &err, request_route, &r, eth0, NULL, true, false), &err);
	r.gateway = ip("192.0.2.9");
	r.set = ROUTE_SET_MTU;
	r.mtu = 1300;
	assert_ok(ASK(&s, &err, request_route, &r, eth0, NULL, true, true), &err);
	a = look(&s, ACTUAL_ROUTES);
	assert_true(ip_equal(&only_route(a)->route.gateway, &r.gateway));
	assert_int_equal(only_route(a)->route.mtu, 1300);
	actual_free(a);
}

static void test_route_errors_have_text(void **state)
{
	const struct route r = {
		.family = AF_INET, .type = RTN_UNICAST, .table = 254, .gateway = ip("203.0.113.1")};
	struct error err;

	(void)state;
	assert_int_equal(ASK(&s, &err, request_route, &r, eth0, NULL, true, false), -ENETUNREACH);
	assert_string_equal(err.text, "Nexthop has invalid gateway (ENETUNREACH)");
}

/* --- rules --- */

static void check_rule(const struct rule *wanted)
{
	struct actual *a;
	struct error err;
	char *x, *y;

	assert_ok(ASK(&s, &err, request_rule, wanted, true), &err);
	a = look(&s, ACTUAL_RULES);
	assert_int_equal(a->n_rules, 1); /* the kernel's own three are not ours */
	x = rule_to_string(wanted);
	y = rule_to_string(&a->rules[0].rule);
	assert_string_equal(x, y);
	free(x);
	free(y);
	assert_int_equal(a->rules[0].rule.suppress_prefixlength, wanted->suppress_prefixlength);
	assert_int_equal(a->rules[0].rule.suppress_ifgroup, wanted->suppress_ifgroup);
	assert_memory_equal(&a->rules[0].rule.from, &wanted->from, sizeof(wanted->from));
	assert_memory_equal(&a->rules[0].rule.to, &wanted->to, sizeof(wanted->to));
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_rule, wanted, true), -EEXIST);
	assert_ok(ASK(&s, &err, request_rule, wanted, false), &err);
	a = look(&s, ACTUAL_RULES);
	assert_int_equal(a->n_rules, 0);
	actual_free(a);
	assert_int_equal(ASK(&s, &err, request_rule, wanted, false), -ENOENT);
}

static void test_rules(void **state)
{
	const struct rule table[] = {
		{.family = AF_INET,
		 .priority = 100,
		 .table = 1000,
		 .action = FR_ACT_TO_TBL,
		 .from = prefix("10.0.0.0/8"),
		 .suppress_prefixlength = -1,
		 .suppress_ifgroup = -1},
		{.family = AF_INET,
		 .priority = 100,
		 .table = 254,
		 .action = FR_ACT_TO_TBL,
		 .invert = true,
		 .tos = 8,
		 .ip_protocol = 6,
		 .from = prefix("10.0.0.0/8"),
		 .to = prefix("10.1.0.0/16"),
		 .fwmark = 1,
		 .fwmask = 0xff,
		 .iif = "eth0",
		 .oif = "eth1",
		 .sport = {80, 90},
		 .dport = {443, 443},
		 .has_uid = true,
		 .uid = {0, 1000},
		 .suppress_prefixlength = 0,
		 .suppress_ifgroup = 7},
		{.family = AF_INET6,
		 .priority = 1,
		 .action = FR_ACT_BLACKHOLE,
		 .from = prefix("fd00::/8"),
		 .suppress_prefixlength = -1,
		 .suppress_ifgroup = -1},
		{.family = AF_INET6,
		 .priority = 2,
		 .action = FR_ACT_PROHIBIT,
		 .to = prefix("fd00::1/128"),
		 .suppress_prefixlength = -1,
		 .suppress_ifgroup = -1},
		{.family = AF_INET,
		 .priority = 3,
		 .action = FR_ACT_UNREACHABLE,
		 .fwmark = 0,
		 .fwmask = 1,
		 .suppress_prefixlength = -1,
		 .suppress_ifgroup = -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_rule(&table[i]);
}

/* --- neighbours --- */

static void test_neighbors(void **state)
{
	const struct neighbor table[] = {{.address = ip("192.0.2.9"), .lladdr = {{2, 0, 0, 0, 0, 9}}},
					 {.address = ip("2001:db8::9"), .lladdr = {{2, 0, 0, 0, 0, 10}}}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct neighbor n = table[i];
		struct actual *a;
		struct error err;

		assert_ok(ASK(&s, &err, request_neighbor, &n, eth0, true), &err);
		n.lladdr.bytes[4] = 1;
		assert_ok(ASK(&s, &err, request_neighbor, &n, eth0, true), &err); /* replaces */
		a = look(&s, ACTUAL_LINKS | ACTUAL_NEIGHBORS);
		assert_int_equal(a->n_neighbors, 1);
		assert_true(ip_equal(&a->neighbors[0].neighbor.address, &n.address));
		assert_memory_equal(&a->neighbors[0].neighbor.lladdr, &n.lladdr, 6);
		assert_string_equal(a->neighbors[0].neighbor.ifname, "eth0");
		assert_int_equal(a->neighbors[0].protocol, ROUTE_PROTOCOL);
		actual_free(a);
		assert_ok(ASK(&s, &err, request_neighbor, &n, eth0, false), &err);
		a = look(&s, ACTUAL_NEIGHBORS);
		assert_int_equal(a->n_neighbors, 0);
		actual_free(a);
	}
}

static void test_foreign_neighbor_is_not_listed(void **state)
{
	const struct neighbor n = {.address = ip("192.0.2.9"), .lladdr = {{2, 0, 0, 0, 0, 9}}};
	const struct nlattr *protocol;
	struct actual *a;
	struct nl_msg *msg;
	struct error err;

	(void)state;
	assert_int_equal(request_neighbor(&n, eth0, true, &msg), 0);
	protocol = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct ndmsg), NDA_PROTOCOL);
	*(uint8_t *)nla_data(protocol) = 4; /* as `ip neighbour add ... protocol static` does */
	assert_ok(ask(&s, 0, msg, &err), &err);
	a = look(&s, ACTUAL_NEIGHBORS);
	assert_int_equal(a->n_neighbors, 0);
	actual_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_address_replace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_routes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_source_route, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_foreign_route_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_route_replace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_route_errors_have_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_neighbors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_foreign_neighbor_is_not_listed, set_up, tear_down),
	};

	sandbox_enter();
	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
