/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests about addresses, routes, rules and neighbours, attribute by attribute.
 */
#include "lib_message.h"
#include "netns.h"
#include "parse.h"
#include "request.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

/* --- addresses --- */

static void test_address(void **state)
{
	struct address a = {.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX};
	const struct ifaddrmsg *ifa;
	const size_t head = sizeof(*ifa);
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_address(&a, 3, true, false, &msg), 0);
	ifa = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(ifa->ifa_family, AF_INET);
	assert_int_equal(ifa->ifa_prefixlen, 24);
	assert_int_equal(ifa->ifa_index, 3);
	assert_ip(message_attr(msg, head, IFA_LOCAL), "10.0.0.2");
	assert_ip(message_attr(msg, head, IFA_ADDRESS), "10.0.0.2");
	assert_ip(message_attr(msg, head, IFA_BROADCAST), "10.0.0.255");
	assert_u8(message_attr(msg, head, IFA_PROTO), ROUTE_PROTOCOL);
	assert_null(message_attr(msg, head, IFA_CACHEINFO));
	assert_null(message_attr(msg, head, IFA_LABEL));
	assert_null(message_attr(msg, head, IFA_FLAGS));
	assert_null(message_attr(msg, head, IFA_RT_PRIORITY));
	nlmsg_free(msg);
	assert_int_equal(request_address(&a, 3, true, true, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
	nlmsg_free(msg);
}

static void test_address_options(void **state)
{
	struct address a = {.prefix = prefix("10.0.0.2/32"),
			    .peer = ip("10.0.0.3"),
			    .scope = RT_SCOPE_LINK,
			    .no_dad = true,
			    .preferred = 0,
			    .metric = 50,
			    .label = "eth0:a"};
	const size_t head = sizeof(struct ifaddrmsg);
	const struct ifa_cacheinfo *cache;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_address(&a, 3, true, false, &msg), 0);
	assert_int_equal(((struct ifaddrmsg *)nlmsg_data(nlmsg_hdr(msg)))->ifa_scope, RT_SCOPE_LINK);
	assert_ip(message_attr(msg, head, IFA_LOCAL), "10.0.0.2");
	assert_ip(message_attr(msg, head, IFA_ADDRESS), "10.0.0.3");
	assert_null(message_attr(msg, head, IFA_BROADCAST));
	assert_text(message_attr(msg, head, IFA_LABEL), "eth0:a");
	assert_u32(message_attr(msg, head, IFA_FLAGS), IFA_F_NODAD);
	assert_u32(message_attr(msg, head, IFA_RT_PRIORITY), 50);
	cache = nla_data(message_attr(msg, head, IFA_CACHEINFO));
	assert_int_equal(cache->ifa_prefered, 0);
	assert_int_equal(cache->ifa_valid, UINT32_MAX);
	nlmsg_free(msg);
	/* A removal names the address and nothing that could keep it from being found. */
	assert_int_equal(request_address(&a, 3, false, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELADDR);
	assert_null(message_attr(msg, head, IFA_LABEL));
	assert_null(message_attr(msg, head, IFA_CACHEINFO));
	assert_ip(message_attr(msg, head, IFA_LOCAL), "10.0.0.2");
	nlmsg_free(msg);
}

static void test_broadcast(void **state)
{
	static const struct {
		const char *address, *broadcast; /* NULL: none */
	} table[] = {
		{"10.0.0.2/24", "10.0.0.255"}, {"10.0.0.1/30", "10.0.0.3"},	    {"10.0.0.1/31", NULL},
		{"10.0.0.1/32", NULL},	       {"172.16.5.9/12", "172.31.255.255"}, {"fd00::1/64", NULL}};
	struct nl_msg *msg;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct address a = {.prefix = prefix(table[i].address), .preferred = UINT32_MAX};
		const struct nlattr *brd;

		assert_int_equal(request_address(&a, 3, true, false, &msg), 0);
		brd = message_attr(msg, sizeof(struct ifaddrmsg), IFA_BROADCAST);
		if (table[i].broadcast)
			assert_ip(brd, table[i].broadcast);
		else
			assert_null(brd);
		nlmsg_free(msg);
	}
}

/* --- routes --- */

static const size_t RTM = sizeof(struct rtmsg);

static void test_route(void **state)
{
	struct route r = {.family = AF_INET,
			  .type = RTN_UNICAST,
			  .table = RT_TABLE_MAIN,
			  .gateway = ip("10.0.0.1"),
			  .scope = RT_SCOPE_UNIVERSE};
	const struct rtmsg *rtm;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_route(&r, 4, NULL, true, false, &msg), 0);
	rtm = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_NEWROUTE);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(rtm->rtm_protocol, ROUTE_PROTOCOL);
	assert_int_equal(rtm->rtm_table, RT_TABLE_MAIN);
	assert_int_equal(rtm->rtm_dst_len, 0);
	assert_null(message_attr(msg, RTM, RTA_DST));
	assert_ip(message_attr(msg, RTM, RTA_GATEWAY), "10.0.0.1");
	assert_u32(message_attr(msg, RTM, RTA_OIF), 4);
	assert_u32(message_attr(msg, RTM, RTA_TABLE), RT_TABLE_MAIN);
	assert_null(message_attr(msg, RTM, RTA_PRIORITY));
	assert_null(message_attr(msg, RTM, RTA_METRICS));
	nlmsg_free(msg);
}

static void test_route_options(void **state)
{
	struct route r = {.family = AF_INET,
			  .type = RTN_UNICAST,
			  .table = 100000,
			  .metric = 50,
			  .destination = prefix("198.51.100.0/24"),
			  .gateway = ip("fd00::1"),
			  .prefsrc = ip("10.0.0.2"),
			  .onlink = true,
			  .set = ROUTE_SET_MTU | ROUTE_SET_QUICKACK | ROUTE_SET_TTL_PROPAGATE,
			  .mtu = 1300,
			  .quickack = 1,
			  .ttl_propagate = 1,
			  .scope = RT_SCOPE_LINK};
	const struct rtmsg *rtm;
	const struct nlattr *metrics, *via;
	struct nl_msg *msg;
	uint16_t family;

	(void)state;
	assert_int_equal(request_route(&r, 0, NULL, true, true, &msg), 0);
	rtm = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
	assert_int_equal(rtm->rtm_table, RT_TABLE_UNSPEC);
	assert_int_equal(rtm->rtm_scope, RT_SCOPE_LINK);
	assert_true(rtm->rtm_flags & RTNH_F_ONLINK);
	assert_u32(message_attr(msg, RTM, RTA_TABLE), 100000);
	assert_u32(message_attr(msg, RTM, RTA_PRIORITY), 50);
	assert_ip(message_attr(msg, RTM, RTA_DST), "198.51.100.0");
	assert_ip(message_attr(msg, RTM, RTA_PREFSRC), "10.0.0.2");
	assert_null(message_attr(msg, RTM, RTA_OIF));
	assert_null(message_attr(msg, RTM, RTA_GATEWAY));
	via = message_attr(msg, RTM, RTA_VIA);
	assert_non_null(via);
	assert_int_equal(nla_len(via), 18);
	memcpy(&family, nla_data(via), sizeof(family));
	assert_int_equal(family, AF_INET6);
	metrics = message_attr(msg, RTM, RTA_METRICS);
	assert_u32(nested_attr(metrics, RTAX_MTU), 1300);
	assert_u32(nested_attr(metrics, RTAX_QUICKACK), 1);
	assert_null(nested_attr(metrics, RTAX_ADVMSS));
	assert_u8(message_attr(msg, RTM, RTA_TTL_PROPAGATE), 1);
	nlmsg_free(msg);
	assert_int_equal(request_route(&r, 0, NULL, false, false, &msg), 0);
	rtm = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELROUTE);
	assert_int_equal(rtm->rtm_scope, RT_SCOPE_NOWHERE);  /* any */
	assert_int_equal(rtm->rtm_protocol, ROUTE_PROTOCOL); /* only ours */
	assert_null(message_attr(msg, RTM, RTA_METRICS));
	assert_null(message_attr(msg, RTM, RTA_PREFSRC));
	assert_u32(message_attr(msg, RTM, RTA_PRIORITY), 50);
	nlmsg_free(msg);
}

static void test_multipath(void **state)
{
	struct nexthop hops[] = {{.gateway = ip("10.0.0.1"), .weight = 1},
				 {.gateway = ip("fd00::1"), .weight = 256}};
	struct route r = {.family = AF_INET,
			  .type = RTN_UNICAST,
			  .table = RT_TABLE_MAIN,
			  .nexthops = hops,
			  .n_nexthops = 2};
	const int index[] = {4, 0};
	const struct rtnexthop *nh;
	const struct nlattr *mp;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_route(&r, 0, index, true, false, &msg), 0);
	mp = message_attr(msg, RTM, RTA_MULTIPATH);
	assert_non_null(mp);
	nh = nla_data(mp);
	assert_int_equal(nh->rtnh_len, 8 + 8);
	assert_int_equal(nh->rtnh_ifindex, 4);
	assert_int_equal(nh->rtnh_hops, 0);
	assert_ip((const struct nlattr *)(nh + 1), "10.0.0.1");
	nh = (const struct rtnexthop *)((const char *)nh + nh->rtnh_len);
	assert_int_equal(nh->rtnh_len, 8 + 24);
	assert_int_equal(nh->rtnh_hops, 255);
	assert_int_equal(nla_type((const struct nlattr *)(nh + 1)), RTA_VIA);
	assert_int_equal(nla_len(mp), 16 + 32);
	nlmsg_free(msg);
	/* IPv6 removes the whole group when no next hop is named. */
	r.family = AF_INET6;
	r.n_nexthops = 1;
	assert_int_equal(request_route(&r, 0, index, false, false, &msg), 0);
	assert_null(message_attr(msg, RTM, RTA_MULTIPATH));
	nlmsg_free(msg);
}

static void test_64_nexthops_fit(void **state)
{
	struct nexthop hops[64];
	struct route r = {.family = AF_INET6,
			  .type = RTN_UNICAST,
			  .table = RT_TABLE_MAIN,
			  .nexthops = hops,
			  .n_nexthops = 64};
	struct nl_msg *msg;

	(void)state;
	for (int i = 0; i < 64; i++)
		hops[i] = (struct nexthop){.gateway = ip("fd00::1"), .weight = 1};
	assert_int_equal(request_route(&r, 0, NULL, true, false, &msg), 0);
	assert_int_equal(nla_len(message_attr(msg, RTM, RTA_MULTIPATH)), 64 * 28);
	nlmsg_free(msg);
}

/* --- rules, neighbours --- */

static void test_rule(void **state)
{
	struct rule r = {.family = AF_INET,
			 .priority = 100,
			 .table = 1000,
			 .action = FR_ACT_TO_TBL,
			 .invert = true,
			 .from = prefix("10.0.0.0/8"),
			 .fwmark = 1,
			 .fwmask = 0xff,
			 .iif = "eth0",
			 .sport = {80, 90},
			 .has_uid = true,
			 .uid = {0, 0},
			 .suppress_prefixlength = 0,
			 .suppress_ifgroup = -1};
	const size_t head = sizeof(struct fib_rule_hdr);
	const struct fib_rule_hdr *frh;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_rule(&r, true, &msg), 0);
	frh = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(frh->family, AF_INET);
	assert_int_equal(frh->src_len, 8);
	assert_int_equal(frh->dst_len, 0);
	assert_int_equal(frh->table, RT_TABLE_UNSPEC);
	assert_int_equal(frh->flags, FIB_RULE_INVERT);
	assert_u32(message_attr(msg, head, FRA_PRIORITY), 100);
	assert_u32(message_attr(msg, head, FRA_TABLE), 1000);
	assert_u8(message_attr(msg, head, FRA_PROTOCOL), ROUTE_PROTOCOL);
	assert_ip(message_attr(msg, head, FRA_SRC), "10.0.0.0");
	assert_null(message_attr(msg, head, FRA_DST));
	assert_u32(message_attr(msg, head, FRA_FWMARK), 1);
	assert_u32(message_attr(msg, head, FRA_FWMASK), 0xff);
	assert_text(message_attr(msg, head, FRA_IIFNAME), "eth0");
	assert_null(message_attr(msg, head, FRA_OIFNAME));
	assert_bytes(message_attr(msg, head, FRA_SPORT_RANGE), ((uint16_t[]){80, 90}), 4);
	assert_null(message_attr(msg, head, FRA_DPORT_RANGE));
	assert_bytes(message_attr(msg, head, FRA_UID_RANGE), ((uint32_t[]){0, 0}),
		     8); /* root alone is a range */
	assert_u32(message_attr(msg, head, FRA_SUPPRESS_PREFIXLEN), 0);
	assert_null(message_attr(msg, head, FRA_SUPPRESS_IFGROUP));
	nlmsg_free(msg);
	assert_int_equal(request_rule(&r, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELRULE);
	assert_u8(message_attr(msg, head, FRA_PROTOCOL), ROUTE_PROTOCOL);
	nlmsg_free(msg);
}

static void test_neighbor(void **state)
{
	const struct neighbor n = {.address = ip("fd00::9"), .lladdr = {{2, 0, 0, 0, 0, 9}}};
	const size_t head = sizeof(struct ndmsg);
	const struct ndmsg *ndm;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_neighbor(&n, 6, true, &msg), 0);
	ndm = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(ndm->ndm_family, AF_INET6);
	assert_int_equal(ndm->ndm_ifindex, 6);
	assert_int_equal(ndm->ndm_state, NUD_PERMANENT);
	assert_ip(message_attr(msg, head, NDA_DST), "fd00::9");
	assert_bytes(message_attr(msg, head, NDA_LLADDR), n.lladdr.bytes, 6);
	assert_u8(message_attr(msg, head, NDA_PROTOCOL), ROUTE_PROTOCOL);
	nlmsg_free(msg);
	assert_int_equal(request_neighbor(&n, 6, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELNEIGH);
	assert_null(message_attr(msg, head, NDA_LLADDR));
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),		cmocka_unit_test(test_address_options),
		cmocka_unit_test(test_broadcast),	cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_options),	cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_64_nexthops_fit), cmocka_unit_test(test_rule),
		cmocka_unit_test(test_neighbor),
	};

	return cmocka_run_group_tests_name("request_route", tests, NULL, NULL);
}
