/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Route messages to values, in the normal form that actual.h promises.
 */
#include "actual.h"
#include "lib_message.h"
#include "netns.h"
#include "parse.h"
#include "request.h"

#include <linux/rtnetlink.h>

static bool is_zero(const void *p, size_t length)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

static void round_trip_route(const struct route *r, int ifindex, const int *nexthop_ifindex)
{
	struct actual_route back;
	struct nl_msg *msg;

	assert_int_equal(request_route(r, ifindex, nexthop_ifindex, true, false, &msg), 0);
	assert_int_equal(actual_parse_route(nlmsg_hdr(msg), &back), 0);
	nlmsg_free(msg);
	assert_true(route_equal(r, &back.route));
	assert_int_equal(back.ifindex, ifindex);
	assert_int_equal(back.protocol, ROUTE_PROTOCOL);
	assert_null(back.route.label);
	for (size_t i = 0; i < r->n_nexthops; i++)
		assert_int_equal(back.nexthop_ifindex[i], nexthop_ifindex[i]);
	actual_route_clear(&back);
	assert_null(back.route.nexthops);
}

/* Declared routes in the normal form come back as they are. */
static void test_route_round_trip(void **state)
{
	const struct netnsd_prefix any4 = {.ip.family = AF_INET}, any6 = {.ip.family = AF_INET6};
	struct nexthop hops[] = {{.gateway = ip("10.0.0.1"), .weight = 1},
				 {.gateway = ip("fd00::1"), .weight = 256}};
	const int indices[] = {3, 0};
	const uint32_t metrics = ROUTE_SET_MTU | ROUTE_SET_ADVMSS | ROUTE_SET_INITCWND | ROUTE_SET_INITRWND |
				 ROUTE_SET_QUICKACK | ROUTE_SET_FASTOPEN | ROUTE_SET_TTL_PROPAGATE |
				 ROUTE_SET_SCOPE;
	const struct route table[] = {
		{.family = AF_INET,
		 .type = RTN_UNICAST,
		 .table = 254,
		 .destination = any4,
		 .gateway = ip("10.0.0.1"),
		 .set = ROUTE_SET_SCOPE},
		{.family = AF_INET,
		 .type = RTN_UNICAST,
		 .table = 100000,
		 .destination = prefix("198.51.100.0/24"),
		 .gateway = ip("fd00::1"),
		 .metric = 50,
		 .prefsrc = ip("10.0.0.2"),
		 .onlink = true,
		 .set = metrics,
		 .mtu = 1,
		 .advmss = 2,
		 .initcwnd = 3,
		 .initrwnd = 4,
		 .quickack = 1,
		 .fastopen_no_cookie = 1,
		 .ttl_propagate = 1,
		 .scope = RT_SCOPE_LINK},
		{.family = AF_INET,
		 .type = RTN_UNICAST,
		 .table = 254,
		 .destination = any4,
		 .nexthops = hops,
		 .n_nexthops = 2,
		 .set = ROUTE_SET_SCOPE},
		{.family = AF_INET,
		 .type = RTN_BLACKHOLE,
		 .table = 254,
		 .destination = prefix("10.9.0.0/16"),
		 .set = ROUTE_SET_SCOPE},
		{.family = AF_INET6,
		 .type = RTN_UNICAST,
		 .table = 254,
		 .destination = any6,
		 .gateway = ip("fd00::1"),
		 .set = ROUTE_SET_PREFERENCE,
		 .preference = 1,
		 .metric = 1024},
		{.family = AF_INET6,
		 .type = RTN_UNICAST,
		 .table = 254,
		 .destination = prefix("fd01::/48"),
		 .source = prefix("fd02::/48"),
		 .metric = 1024},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		round_trip_route(&table[i], table[i].gateway.family ? 4 : 0, indices);
}

static struct nl_msg *route_message(struct rtmsg rtm)
{
	return rtnl_message(RTM_NEWROUTE, 0, &rtm, sizeof(rtm));
}

static int parse_route_and_free(struct nl_msg *msg, struct actual_route *ret)
{
	int e = actual_parse_route(nlmsg_hdr(msg), ret);

	nlmsg_free(msg);
	return e;
}

static void test_route_normal_form(void **state)
{
	struct netnsd_ip dirty = ip("10.1.2.3");
	struct actual_route r;
	struct nl_msg *msg;

	(void)state;
	/* A default route has the family all the same; what is absent is all zero. */
	assert_int_equal(parse_route_and_free(
				 route_message((struct rtmsg){.rtm_family = AF_INET6, .rtm_scope = 9}), &r),
			 0);
	assert_int_equal(r.route.destination.ip.family, AF_INET6);
	assert_true(is_zero(&r.route.source, sizeof(r.route.source)));
	assert_true(is_zero(&r.route.gateway, sizeof(r.route.gateway)));
	assert_int_equal(r.route.scope, 0);
	/* Host bits are cleared. */
	msg = route_message((struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 8});
	nla_put(msg, RTA_DST, 4, dirty.bytes);
	assert_int_equal(parse_route_and_free(msg, &r), 0);
	assert_int_equal(r.route.destination.ip.bytes[0], 10);
	assert_true(is_zero(r.route.destination.ip.bytes + 1, 15));
	/* IPv6 gives unreachable routes lo. */
	msg = route_message((struct rtmsg){.rtm_family = AF_INET6, .rtm_type = RTN_UNREACHABLE});
	nla_put_u32(msg, RTA_OIF, 1);
	assert_int_equal(parse_route_and_free(msg, &r), 0);
	assert_int_equal(r.ifindex, 0);
	/* The table attribute wins over the eight bits. */
	msg = route_message((struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_COMPAT});
	nla_put_u32(msg, RTA_TABLE, 1000);
	assert_int_equal(parse_route_and_free(msg, &r), 0);
	assert_int_equal(r.route.table, 1000);
}

static void test_routes_that_are_refused(void **state)
{
	const struct rtmsg v4 = {.rtm_family = AF_INET};
	struct actual_route r = {.ifindex = 99};
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(parse_route_and_free(route_message((struct rtmsg){.rtm_family = 28}), &r), -ENOMSG);
	assert_int_equal(
		parse_route_and_free(
			route_message((struct rtmsg){.rtm_family = AF_INET, .rtm_flags = RTM_F_CLONED}), &r),
		-ENOMSG);
	assert_int_equal(parse_route_and_free(
				 route_message((struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 33}), &r),
			 -EINVAL);
	/* A length without an address. */
	assert_int_equal(parse_route_and_free(
				 route_message((struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 8}), &r),
			 -EINVAL);
	msg = route_message(v4);
	nla_put(msg, RTA_VIA, 1, "x");
	assert_int_equal(parse_route_and_free(msg, &r), -EINVAL);
	msg = route_message(v4);
	nla_put(msg, RTA_MULTIPATH, 0, "");
	assert_int_equal(parse_route_and_free(msg, &r), -EINVAL);
	msg = route_message(v4);
	nla_put_s32(msg, RTA_OIF, -1);
	assert_int_equal(parse_route_and_free(msg, &r), -EINVAL);
	assert_int_equal(r.ifindex, 99);
}

static void test_broken_multipath(void **state)
{
	static const struct rtnexthop table[][2] = {
		{{.rtnh_len = 8}, {.rtnh_len = 0}}, /* would never end */
		{{.rtnh_len = 8}, {.rtnh_len = 7}}, /* shorter than itself */
		{{.rtnh_len = 8}, {.rtnh_len = 9}}, /* longer than what is there */
		{{.rtnh_len = 17}, {.rtnh_len = 8}},
		{{.rtnh_len = 13}, {.rtnh_len = 8}}, /* padding into the next */
	};
	struct actual_route r;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct nl_msg *msg = route_message((struct rtmsg){.rtm_family = AF_INET});

		nla_put(msg, RTA_MULTIPATH, sizeof(table[i]), table[i]);
		assert_int_equal(parse_route_and_free(msg, &r), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_round_trip),
		cmocka_unit_test(test_route_normal_form),
		cmocka_unit_test(test_routes_that_are_refused),
		cmocka_unit_test(test_broken_multipath),
	};

	return cmocka_run_group_tests_name("actual_route", tests, NULL, NULL);
}
