/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages to values: what comes out, in the normal form that actual.h promises, and that broken
 * messages are refused. Requests serve as messages where they have the same form: what we ask for
 * must come back as what we asked for.
 */
#include "actual.h"
#include "lib_message.h"
#include "netns.h"
#include "parse.h"
#include "request.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

/* --- links --- */

static struct nl_msg *link_message(uint8_t family)
{
	const struct ifinfomsg ifi = {
		.ifi_family = family, .ifi_index = 7, .ifi_flags = IFF_UP | IFF_BROADCAST};

	return rtnl_message(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
}

static struct nl_msg *full_link_message(void)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 1};
	const struct rtnl_link_stats64 stats = {
		.rx_packets = 1, .tx_packets = 2, .rx_bytes = 3, .tx_bytes = 4};
	struct nl_msg *msg = link_message(AF_UNSPEC);
	struct nlattr *nest, *inner;

	nla_put_string(msg, IFLA_IFNAME, "eth0");
	nla_put_u32(msg, IFLA_MTU, 1400);
	nla_put_u32(msg, IFLA_GROUP, LINK_GROUP);
	nla_put_u8(msg, IFLA_OPERSTATE, 6);
	nla_put(msg, IFLA_ADDRESS, sizeof(mac), mac);
	nla_put(msg, IFLA_PERM_ADDRESS, sizeof(mac), mac);
	nla_put_u32(msg, IFLA_MASTER, 3);
	nla_put_u32(msg, IFLA_LINK, 9);
	nla_put_s32(msg, IFLA_LINK_NETNSID, 0);
	nla_put_string(msg, IFLA_PARENT_DEV_NAME, "0000:00:03.0");
	nla_put_string(msg, IFLA_IFALIAS, "an alias");
	nest = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "vlan");
	inner = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u16(msg, IFLA_VLAN_ID, 42);
	nla_nest_end(msg, inner);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, IFLA_PROP_LIST);
	nla_put_string(msg, IFLA_ALT_IFNAME, "a-long-alternative-name");
	nla_put_string(msg, IFLA_ALT_IFNAME, "another");
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, IFLA_AF_SPEC);
	inner = nla_nest_start(msg, AF_INET6);
	nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(msg, inner);
	nla_nest_end(msg, nest);
	nla_put(msg, IFLA_STATS64, sizeof(stats), &stats);
	nla_put_u32(msg, 3000, 1); /* of a kernel to come */
	return msg;
}

static void test_link(void **state)
{
	struct nl_msg *msg = full_link_message();
	struct actual_link l;
	const struct nlattr *id;

	(void)state;
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), 0);
	nlmsg_free(msg); /* nothing may point into the message */
	assert_int_equal(l.ifindex, 7);
	assert_string_equal(l.name, "eth0");
	assert_true(l.flags & IFF_UP);
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(l.group, LINK_GROUP);
	assert_int_equal(l.operstate, 6);
	assert_int_equal(l.mac_length, 6);
	assert_int_equal(l.mac[5], 1);
	assert_int_equal(l.perm_mac_length, 6);
	assert_int_equal(l.master, 3);
	assert_int_equal(l.parent, 9);
	assert_int_equal(l.link_nsid, 0);
	assert_true(l.has_device);
	assert_true(l.has_kind);
	assert_string_equal(l.kind, "vlan");
	assert_string_equal(l.alias, "an alias");
	assert_int_equal(strv_length(l.altnames), 2);
	assert_string_equal(l.altnames[0], "a-long-alternative-name");
	assert_int_equal(l.addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	assert_int_equal(l.rx_packets, 1);
	assert_int_equal(l.tx_packets, 2);
	assert_int_equal(l.rx_bytes, 3);
	assert_int_equal(l.tx_bytes, 4);
	id = nla_find(nla_data(l.info_data), nla_len(l.info_data), IFLA_VLAN_ID);
	assert_non_null(id);
	assert_int_equal(nla_get_u16((struct nlattr *)(uintptr_t)id), 42);
	actual_link_clear(&l);
	assert_null(l.info_data);
	actual_link_clear(&l); /* twice is harmless */
}

static void test_bare_link(void **state)
{
	struct nl_msg *msg = link_message(AF_UNSPEC);
	struct actual_link l;

	(void)state;
	nla_put_string(msg, IFLA_IFNAME, "lo");
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), 0);
	assert_int_equal(l.link_nsid, -1);
	assert_int_equal(l.addr_gen_mode, 255);
	assert_false(l.has_kind);
	assert_false(l.has_device);
	assert_null(l.alias);
	assert_null(l.altnames);
	assert_null(l.info_data);
	actual_link_clear(&l);
	nlmsg_free(msg);
}

static void test_links_that_are_refused(void **state)
{
	struct actual_link l = {.ifindex = 99};
	struct nl_msg *msg;

	(void)state;
	msg = link_message(AF_BRIDGE);
	nla_put_string(msg, IFLA_IFNAME, "eth0");
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), -ENOMSG);
	nlmsg_free(msg);
	msg = link_message(AF_UNSPEC); /* no name */
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), -EINVAL);
	nla_put_string(msg, IFLA_IFNAME, "sixteen-byte-nam");
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), -EINVAL);
	nlmsg_free(msg);
	msg = link_message(AF_UNSPEC);
	nla_put(msg, IFLA_IFNAME, 4, "eth0"); /* no NUL */
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), -EINVAL);
	nlmsg_free(msg);
	msg = full_link_message();
	nla_put_u16(msg, IFLA_MTU, 1); /* too short, behind much that was allocated */
	assert_int_equal(actual_parse_link(nlmsg_hdr(msg), &l), -EINVAL);
	nlmsg_free(msg);
	assert_int_equal(l.ifindex, 99); /* untouched */
}

/* --- addresses --- */

static void round_trip_address(const struct address *a)
{
	struct actual_address back;
	struct nl_msg *msg;

	assert_int_equal(request_address(a, 5, true, false, &msg), 0);
	assert_int_equal(actual_parse_address(nlmsg_hdr(msg), &back), 0);
	assert_true(address_equal(a, &back.address));
	assert_int_equal(back.ifindex, 5);
	assert_int_equal(back.protocol, ROUTE_PROTOCOL);
	nlmsg_free(msg);
}

static void test_address_round_trip(void **state)
{
	const struct address table[] = {
		{.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX},
		{.prefix = prefix("10.0.0.2/32"), .peer = ip("10.0.0.3"), .preferred = UINT32_MAX},
		{.prefix = prefix("10.0.0.2/24"),
		 .preferred = 0,
		 .metric = 7,
		 .label = "eth0:a",
		 .scope = 253},
		{.prefix = prefix("fd00::2/64"), .no_dad = true, .preferred = 1000},
		{.prefix = prefix("fd00::2/128"), .peer = ip("fd00::3"), .preferred = UINT32_MAX},
		{.prefix = prefix("0.0.0.0/0"), .preferred = UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		round_trip_address(&table[i]);
}

static struct nl_msg *address_message(uint8_t family, uint8_t length, unsigned index)
{
	const struct ifaddrmsg ifa = {.ifa_family = family, .ifa_prefixlen = length, .ifa_index = index};

	return rtnl_message(RTM_NEWADDR, 0, &ifa, sizeof(ifa));
}

static int parse_address_with(struct nl_msg *msg, int attr, const char *address, struct actual_address *ret)
{
	const struct netnsd_ip value = ip(address);
	int e;

	nla_put(msg, attr, (int)ip_length(value.family), value.bytes);
	e = actual_parse_address(nlmsg_hdr(msg), ret);
	nlmsg_free(msg);
	return e;
}

static void test_addresses_that_are_odd(void **state)
{
	struct actual_address a = {.ifindex = 99};
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(parse_address_with(address_message(AF_UNSPEC, 24, 1), IFA_LOCAL, "10.0.0.1", &a),
			 -ENOMSG);
	assert_int_equal(parse_address_with(address_message(AF_INET, 33, 1), IFA_LOCAL, "10.0.0.1", &a),
			 -EINVAL);
	assert_int_equal(parse_address_with(address_message(AF_INET, 24, 0), IFA_LOCAL, "10.0.0.1", &a),
			 -EINVAL);
	assert_int_equal(parse_address_with(address_message(AF_INET, 24, 1), IFA_LOCAL, "fd00::1", &a),
			 -EINVAL);
	assert_int_equal(parse_address_with(address_message(AF_INET, 24, 1), IFA_BROADCAST, "10.0.0.1", &a),
			 -EINVAL);
	assert_int_equal(a.ifindex, 99);
	/* IPv6 has IFA_ADDRESS alone when there is no peer. */
	assert_int_equal(parse_address_with(address_message(AF_INET6, 64, 1), IFA_ADDRESS, "fd00::1", &a), 0);
	assert_int_equal(a.address.peer.family, AF_UNSPEC);
	assert_int_equal(a.address.preferred, UINT32_MAX);
	/* Deprecated and valid for ever is reported as preferred for ever. */
	msg = address_message(AF_INET, 24, 1);
	nla_put_u32(msg, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_DEPRECATED);
	assert_int_equal(parse_address_with(msg, IFA_LOCAL, "10.0.0.1", &a), 0);
	assert_int_equal(a.address.preferred, 0);
	/* The 32-bit flags win over the old eight bits. */
	msg = address_message(AF_INET6, 64, 1);
	nla_put_u32(msg, IFA_FLAGS, IFA_F_NOPREFIXROUTE | IFA_F_NODAD);
	assert_int_equal(parse_address_with(msg, IFA_ADDRESS, "fd00::1", &a), 0);
	assert_int_equal(a.flags, IFA_F_NOPREFIXROUTE | IFA_F_NODAD);
	assert_true(a.address.no_dad);
}

/* --- rules, neighbours --- */

static void test_rule_round_trip(void **state)
{
	const struct rule table[] = {
		{.family = AF_INET,
		 .priority = 100,
		 .table = 1000,
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
		 .dport = {1, 2},
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
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct actual_rule back;
		struct rule expected = table[i];
		struct nl_msg *msg;

		assert_int_equal(request_rule(&table[i], true, &msg), 0);
		assert_int_equal(actual_parse_rule(nlmsg_hdr(msg), &back), 0);
		nlmsg_free(msg);
		assert_int_equal(back.protocol, ROUTE_PROTOCOL);
		assert_memory_equal(&back.rule.from, &expected.from, sizeof(expected.from));
		assert_memory_equal(&back.rule.to, &expected.to, sizeof(expected.to));
		assert_memory_equal(back.rule.iif, expected.iif, IFNAMSIZ);
		assert_memory_equal(back.rule.oif, expected.oif, IFNAMSIZ);
		assert_memory_equal(back.rule.sport, expected.sport, sizeof(expected.sport));
		assert_memory_equal(back.rule.dport, expected.dport, sizeof(expected.dport));
		assert_memory_equal(back.rule.uid, expected.uid, sizeof(expected.uid));
		assert_int_equal(back.rule.has_uid, expected.has_uid);
		assert_int_equal(back.rule.family, expected.family);
		assert_int_equal(back.rule.priority, expected.priority);
		assert_int_equal(back.rule.table, expected.table);
		assert_int_equal(back.rule.action, expected.action);
		assert_int_equal(back.rule.invert, expected.invert);
		assert_int_equal(back.rule.tos, expected.tos);
		assert_int_equal(back.rule.ip_protocol, expected.ip_protocol);
		assert_int_equal(back.rule.fwmark, expected.fwmark);
		assert_int_equal(back.rule.fwmask, expected.fwmask);
		assert_int_equal(back.rule.suppress_prefixlength, expected.suppress_prefixlength);
		assert_int_equal(back.rule.suppress_ifgroup, expected.suppress_ifgroup);
	}
}

static void test_rules_that_are_refused(void **state)
{
	const struct fib_rule_hdr multicast = {.family = 128}, bare = {.family = AF_INET, .src_len = 8};
	struct actual_rule r = {.protocol = 99};
	struct nl_msg *msg;

	(void)state;
	msg = rtnl_message(RTM_NEWRULE, 0, &multicast, sizeof(multicast));
	assert_int_equal(actual_parse_rule(nlmsg_hdr(msg), &r), -ENOMSG);
	nlmsg_free(msg);
	msg = rtnl_message(RTM_NEWRULE, 0, &bare, sizeof(bare));
	assert_int_equal(actual_parse_rule(nlmsg_hdr(msg), &r), -EINVAL);
	nlmsg_free(msg);
	assert_int_equal(r.protocol, 99);
}

static struct nl_msg *neighbor_message(uint8_t family, uint8_t flags)
{
	const struct ndmsg ndm = {
		.ndm_family = family, .ndm_ifindex = 4, .ndm_flags = flags, .ndm_state = NUD_PERMANENT};

	return rtnl_message(RTM_NEWNEIGH, 0, &ndm, sizeof(ndm));
}

static void test_neighbor(void **state)
{
	const struct neighbor wanted = {.address = ip("fd00::9"), .lladdr = {{2, 0, 0, 0, 0, 9}}};
	struct actual_neighbor n;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_neighbor(&wanted, 4, true, &msg), 0);
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), 0);
	nlmsg_free(msg);
	assert_memory_equal(&n.neighbor.address, &wanted.address, sizeof(wanted.address));
	assert_memory_equal(&n.neighbor.lladdr, &wanted.lladdr, sizeof(wanted.lladdr));
	assert_int_equal(n.ifindex, 4);
	assert_int_equal(n.state, NUD_PERMANENT);
	assert_int_equal(n.protocol, ROUTE_PROTOCOL);
}

static void test_neighbors_that_are_refused(void **state)
{
	const struct netnsd_ip address = ip("10.0.0.9");
	struct actual_neighbor n;
	struct nl_msg *msg;

	(void)state;
	msg = neighbor_message(AF_BRIDGE, 0);
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), -ENOMSG);
	nlmsg_free(msg);
	msg = neighbor_message(AF_INET, NTF_PROXY);
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), -ENOMSG);
	nlmsg_free(msg);
	msg = neighbor_message(AF_INET, 0);
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), -EINVAL); /* no address */
	nla_put(msg, NDA_DST, 4, address.bytes);
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), -ENOMSG); /* incomplete */
	nla_put(msg, NDA_LLADDR, 6, "\2\0\0\0\0\1");
	assert_int_equal(actual_parse_neighbor(nlmsg_hdr(msg), &n), 0);
	nlmsg_free(msg);
}

/* --- hostile input --- */

static int parse_any(const struct nlmsghdr *h)
{
	struct actual_neighbor neighbor;
	struct actual_address address;
	struct actual_route route;
	struct actual_rule rule;
	struct actual_link link;
	int e;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
		e = actual_parse_link(h, &link);
		if (e == 0)
			actual_link_clear(&link);
		return e;
	case RTM_NEWADDR: return actual_parse_address(h, &address);
	case RTM_NEWROUTE:
		e = actual_parse_route(h, &route);
		if (e == 0)
			actual_route_clear(&route);
		return e;
	case RTM_NEWRULE: return actual_parse_rule(h, &rule);
	default: return actual_parse_neighbor(h, &neighbor);
	}
}

/* Cut off at every length, in memory of exactly that size: the address sanitizer watches. A cut
 * in the middle of an attribute must be refused. */
static void cut_everywhere(const struct nlmsghdr *whole)
{
	bool refused = false;

	for (uint32_t length = NLMSG_HDRLEN; length < whole->nlmsg_len; length++) {
		struct nlmsghdr *h = malloc(length);
		int e;

		assert_non_null(h);
		memcpy(h, whole, length);
		h->nlmsg_len = length;
		e = parse_any(h);
		assert_true(e == 0 || e == -EINVAL || e == -ENOMSG);
		refused |= e == -EINVAL;
		free(h);
	}
	assert_true(refused);
	assert_int_equal(parse_any(whole), 0);
}

/* Every byte set to several values: any verdict will do, but nothing may be read beyond the end. */
static void spoil_everywhere(const struct nlmsghdr *whole)
{
	static const uint8_t values[] = {0, 1, 4, 5, 0x7f, 0x80, 0xff};
	struct nlmsghdr *h = malloc(whole->nlmsg_len);

	assert_non_null(h);
	for (uint32_t at = NLMSG_HDRLEN; at < whole->nlmsg_len; at++)
		for (size_t i = 0; i < sizeof(values); i++) {
			int e;

			memcpy(h, whole, whole->nlmsg_len);
			((uint8_t *)h)[at] = values[i];
			e = parse_any(h);
			assert_true(e == 0 || e == -EINVAL || e == -ENOMSG);
		}
	free(h);
}

static void test_hostile_input(void **state)
{
	struct nexthop hops[] = {{.gateway = ip("10.0.0.1"), .weight = 1},
				 {.gateway = ip("fd00::1"), .weight = 9}};
	const struct address address = {.prefix = prefix("10.0.0.2/24"), .label = "eth0:a", .preferred = 5};
	const struct route route = {.family = AF_INET,
				    .type = RTN_UNICAST,
				    .table = 254,
				    .destination = prefix("10.9.0.0/16"),
				    .nexthops = hops,
				    .n_nexthops = 2,
				    .set = ROUTE_SET_MTU,
				    .mtu = 1300};
	const struct rule rule = {
		.family = AF_INET, .from = prefix("10.0.0.0/8"), .iif = "eth0", .sport = {1, 2}};
	const struct neighbor neighbor = {.address = ip("fd00::9"), .lladdr = {{2, 0, 0, 0, 0, 9}}};
	struct nl_msg *msgs[5];

	(void)state;
	msgs[0] = full_link_message();
	assert_int_equal(request_address(&address, 5, true, false, &msgs[1]), 0);
	assert_int_equal(request_route(&route, 0, NULL, true, false, &msgs[2]), 0);
	assert_int_equal(request_rule(&rule, true, &msgs[3]), 0);
	assert_int_equal(request_neighbor(&neighbor, 4, true, &msgs[4]), 0);
	for (size_t i = 0; i < 5; i++) {
		cut_everywhere(nlmsg_hdr(msgs[i]));
		spoil_everywhere(nlmsg_hdr(msgs[i]));
		nlmsg_free(msgs[i]);
	}
}

/* --- looking up --- */

static void test_find(void **state)
{
	char *altnames[] = {(char[]){"a-long-name"}, NULL};
	struct actual_link links[] = {{.ifindex = 1, .name = "lo"},
				      {.ifindex = 5, .name = "eth0", .altnames = altnames},
				      {.ifindex = 700, .name = "eth1"}};
	const struct actual a = {.links = links, .n_links = 3}, none = {0};

	(void)state;
	assert_ptr_equal(actual_find_link(&a, "eth1"), &links[2]);
	assert_ptr_equal(actual_find_link(&a, "a-long-name"), &links[1]);
	assert_null(actual_find_link(&a, "eth"));
	assert_ptr_equal(actual_link_by_index(&a, 1), &links[0]);
	assert_ptr_equal(actual_link_by_index(&a, 5), &links[1]);
	assert_ptr_equal(actual_link_by_index(&a, 700), &links[2]);
	assert_null(actual_link_by_index(&a, 6));
	assert_null(actual_link_by_index(&none, 1));
	assert_null(actual_find_link(&none, "lo"));
	actual_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_bare_link),
		cmocka_unit_test(test_links_that_are_refused),
		cmocka_unit_test(test_address_round_trip),
		cmocka_unit_test(test_addresses_that_are_odd),
		cmocka_unit_test(test_rule_round_trip),
		cmocka_unit_test(test_rules_that_are_refused),
		cmocka_unit_test(test_neighbor),
		cmocka_unit_test(test_neighbors_that_are_refused),
		cmocka_unit_test(test_hostile_input),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests_name("actual", tests, NULL, NULL);
}
