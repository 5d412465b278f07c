/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests, attribute by attribute. Whether the kernel takes them is for tests/kernel.
 */
#include "netns.h"
#include "parse.h"
#include "request.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- looking into messages --- */

static const struct nlattr *find(struct nl_msg *msg, size_t header, int type)
{
	return nlmsg_find_attr(nlmsg_hdr(msg), (int)header, type);
}

static const struct nlattr *nested(const struct nlattr *a, int type)
{
	assert_non_null(a);
	return nla_find(nla_data(a), nla_len(a), type);
}

static void assert_u32(const struct nlattr *a, uint32_t value)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), 4);
	assert_int_equal(nla_get_u32((struct nlattr *)(uintptr_t)a), value);
}

static void assert_u8(const struct nlattr *a, uint8_t value)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), 1);
	assert_int_equal(nla_get_u8((struct nlattr *)(uintptr_t)a), value);
}

static void assert_text(const struct nlattr *a, const char *text)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), strlen(text) + 1);
	assert_string_equal(nla_data(a), text);
}

static void assert_bytes(const struct nlattr *a, const void *bytes, size_t length)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), length);
	assert_memory_equal(nla_data(a), bytes, length);
}

static void assert_ip(const struct nlattr *a, const char *text)
{
	struct netnsd_ip ip;

	assert_int_equal(parse_ip(text, &ip), 0);
	assert_bytes(a, ip.bytes, ip_length(ip.family));
}

static struct netnsd_ip ip(const char *text)
{
	struct netnsd_ip ret;

	assert_int_equal(parse_ip(text, &ret), 0);
	return ret;
}

static struct netnsd_prefix prefix(const char *text)
{
	struct netnsd_prefix ret;

	assert_int_equal(parse_prefix(text, &ret), 0);
	return ret;
}

/* --- kinds to try with --- */

struct veth_config {
	uint32_t unused;
};

static int fill_veth(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	const struct netnsd_peer *p = link->peer;
	struct nlattr *nest;

	if (change)
		return 0;
	assert_non_null(p);
	nest = nla_nest_start(msg, VETH_INFO_PEER);
	if (!nest || nlmsg_append(msg, (void *)(uintptr_t)&ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, IFLA_IFNAME, p->ifname) < 0 || nla_put_u32(msg, IFLA_GROUP, p->group) < 0)
		return -EMSGSIZE;
	if (p->netns_fd >= 0)
		(void)nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)p->netns_fd);
	if (p->mtu > 0)
		(void)nla_put_u32(msg, IFLA_MTU, p->mtu);
	if (p->mac)
		(void)nla_put(msg, IFLA_ADDRESS, sizeof(p->mac->bytes), p->mac->bytes);
	nla_nest_end(msg, nest);
	return 0;
}

static const struct link_kind veth = {
	.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR, .fill = fill_veth, .config_size = 4};

struct thing_config {
	uint32_t speed, color;
};
static const struct conf_key thing_keys[] = {{.name = "Speed",
					      .type = NETNSD_KEY_UINT,
					      .wire = NETNSD_WIRE_U32,
					      .attr = 5,
					      .offset = offsetof(struct thing_config, speed)},
					     {.name = "Color",
					      .type = NETNSD_KEY_UINT,
					      .wire = NETNSD_WIRE_U32,
					      .attr = 6,
					      .flags = NETNSD_KEY_FIXED,
					      .offset = offsetof(struct thing_config, color)},
					     {0}};
static const struct link_kind thing = {
	.name = "thing", .section = "Thing", .config_size = sizeof(struct thing_config), .keys = thing_keys};
static const struct link_kind plain = {.name = "plain", .section = "Plain"};

static int fill_fails(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	(void)link;
	(void)change;
	(void)msg;
	return -ENOKEY;
}

static int fill_floods(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	(void)link;
	(void)change;
	for (;;) {
		int e = nla_put_u32(msg, 1, 1); /* libnl's own error number comes back */

		if (e < 0)
			return e;
	}
}

/* --- links --- */

static const size_t IFI = sizeof(struct ifinfomsg);

static void test_create_plain(void **state)
{
	struct link l = {.kind = &plain, .name = "p0"};
	struct nl_msg *msg;
	const struct nlattr *info;

	(void)state;
	assert_int_equal(request_link_create(&l, -1, 0, 0, -1, true, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_true(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_flags & IFF_UP);
	assert_text(find(msg, IFI, IFLA_IFNAME), "p0");
	assert_u32(find(msg, IFI, IFLA_GROUP), LINK_GROUP);
	info = find(msg, IFI, IFLA_LINKINFO);
	assert_text(nested(info, IFLA_INFO_KIND), "plain");
	assert_null(find(msg, IFI, IFLA_MTU));
	assert_null(find(msg, IFI, IFLA_ADDRESS));
	assert_null(find(msg, IFI, IFLA_NET_NS_FD));
	assert_null(find(msg, IFI, IFLA_LINK));
	assert_null(find(msg, IFI, IFLA_MASTER));
	nlmsg_free(msg);
}

static void test_create_with_all(void **state)
{
	struct thing_config config = {.speed = 10, .color = 3};
	struct link l = {.kind = &thing,
			 .name = "t0",
			 .config = &config,
			 .kind_set = 3,
			 .mtu_set = true,
			 .mtu = 1400,
			 .mac_set = true,
			 .mac = {{2, 0, 0, 0, 0, 1}}};
	const struct nlattr *data;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_create(&l, 33, 4, 5, -1, false, &msg), 0);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_change, 0);
	assert_u32(find(msg, IFI, IFLA_MTU), 1400);
	assert_bytes(find(msg, IFI, IFLA_ADDRESS), l.mac.bytes, 6);
	assert_u32(find(msg, IFI, IFLA_NET_NS_FD), 33);
	assert_u32(find(msg, IFI, IFLA_LINK), 4);
	assert_u32(find(msg, IFI, IFLA_MASTER), 5);
	data = nested(find(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA);
	assert_u32(nested(data, 5), 10);
	assert_u32(nested(data, 6), 3);
	nlmsg_free(msg);
}

/* A pair, whichever end the message is about. */
static void check_pair(const struct link *l, const struct link *other, int peer_fd)
{
	const struct nlattr *peer;
	struct nl_msg *msg;

	assert_int_equal(request_link_create(l, -1, 0, 0, peer_fd, false, &msg), 0);
	assert_text(find(msg, IFI, IFLA_IFNAME), l->name);
	assert_u32(find(msg, IFI, IFLA_GROUP), LINK_GROUP);
	peer = nested(nested(find(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA), VETH_INFO_PEER);
	assert_non_null(peer);
	peer = nla_find((struct nlattr *)((char *)nla_data(peer) + IFI), nla_len(peer) - (int)IFI,
			IFLA_IFNAME);
	assert_text(peer, other->name);
	nlmsg_free(msg);
}

static const struct nlattr *peer_attr(struct nl_msg *msg, int type)
{
	const struct nlattr *peer =
		nested(nested(find(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA), VETH_INFO_PEER);

	assert_non_null(peer);
	return nla_find((struct nlattr *)((char *)nla_data(peer) + IFI), nla_len(peer) - (int)IFI, type);
}

static void test_create_pair(void **state)
{
	struct veth_config config = {0};
	struct link a = {.kind = &veth, .name = "eth0", .config = &config, .mtu_set = true, .mtu = 1400};
	struct link b = {
		.kind = &veth, .name = "ns-x", .is_peer = true, .mac_set = true, .mac = {{2, 0, 0, 0, 0, 9}}};
	struct nl_msg *msg;

	(void)state;
	a.peer = &b;
	b.peer = &a;
	check_pair(&a, &b, -1);
	check_pair(&b, &a, 7);
	/* Sent on the host: the message is about the peer end, "the other end" is the declaring one. */
	assert_int_equal(request_link_create(&b, -1, 0, 12, 7, true, &msg), 0);
	assert_u32(find(msg, IFI, IFLA_MASTER), 12);
	assert_bytes(find(msg, IFI, IFLA_ADDRESS), b.mac.bytes, 6);
	assert_null(find(msg, IFI, IFLA_MTU));
	assert_u32(peer_attr(msg, IFLA_MTU), 1400);
	assert_u32(peer_attr(msg, IFLA_NET_NS_FD), 7);
	assert_u32(peer_attr(msg, IFLA_GROUP), LINK_GROUP);
	assert_null(peer_attr(msg, IFLA_ADDRESS));
	nlmsg_free(msg);
	assert_int_equal(request_link_create(&a, -1, 0, 0, -1, true, &msg), 0);
	assert_bytes(peer_attr(msg, IFLA_ADDRESS), b.mac.bytes, 6);
	assert_null(peer_attr(msg, IFLA_NET_NS_FD));
	assert_null(peer_attr(msg, IFLA_MTU));
	nlmsg_free(msg);
}

static void test_create_fails(void **state)
{
	const struct link_kind bad = {.name = "bad", .section = "Bad", .fill = fill_fails};
	const struct link_kind flood = {.name = "flood", .section = "Flood", .fill = fill_floods};
	struct link lonely = {.kind = &veth, .name = "a"}, refused = {.kind = &bad, .name = "b"},
		    full = {.kind = &flood, .name = "c"};
	struct nl_msg *msg = NULL;

	(void)state;
	assert_int_equal(request_link_create(&lonely, -1, 0, 0, -1, false, &msg), -EINVAL);
	assert_int_equal(request_link_create(&refused, -1, 0, 0, -1, false, &msg), -ENOKEY);
	assert_int_equal(request_link_create(&full, -1, 0, 0, -1, false, &msg), -EMSGSIZE);
	assert_null(msg);
}

static void test_set(void **state)
{
	const struct link_values v = {.change = LINK_CHANGE_MTU | LINK_CHANGE_MASTER | LINK_CHANGE_ALIAS |
						LINK_CHANGE_ADDRGEN | LINK_CHANGE_UP | LINK_CHANGE_NAME |
						LINK_CHANGE_GROUP | LINK_CHANGE_MAC,
				      .mtu = 9000,
				      .alias = "an alias",
				      .addr_gen_mode = IN6_ADDR_GEN_MODE_NONE,
				      .name = "new",
				      .group = 7,
				      .mac = {{2, 1, 2, 3, 4, 5}}};
	const struct ifinfomsg *ifi;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_set(9, &v, &msg), 0);
	ifi = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_flags, NLM_F_REQUEST); /* never creates */
	assert_int_equal(ifi->ifi_index, 9);
	assert_true(ifi->ifi_flags & IFF_UP);
	assert_int_equal(ifi->ifi_change, IFF_UP);
	assert_u32(find(msg, IFI, IFLA_MTU), 9000);
	assert_u32(find(msg, IFI, IFLA_MASTER), 0);		   /* releases */
	assert_bytes(find(msg, IFI, IFLA_IFALIAS), "an alias", 8); /* no NUL */
	assert_u8(nested(nested(find(msg, IFI, IFLA_AF_SPEC), AF_INET6), IFLA_INET6_ADDR_GEN_MODE),
		  IN6_ADDR_GEN_MODE_NONE);
	assert_text(find(msg, IFI, IFLA_IFNAME), "new");
	assert_u32(find(msg, IFI, IFLA_GROUP), 7);
	assert_bytes(find(msg, IFI, IFLA_ADDRESS), v.mac.bytes, 6);
	nlmsg_free(msg);
}

static void test_set_only_what_is_asked(void **state)
{
	struct link_values v = {
		.change = LINK_CHANGE_DOWN, .mtu = 9000, .alias = "x", .name = "y", .group = 4};
	const struct ifinfomsg *ifi;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_set(9, &v, &msg), 0);
	ifi = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(ifi->ifi_flags, 0);
	assert_int_equal(ifi->ifi_change, IFF_UP);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_len, NLMSG_LENGTH(IFI)); /* no attribute at all */
	nlmsg_free(msg);
	v.change = LINK_CHANGE_ALIAS;
	v.alias = "";
	assert_int_equal(request_link_set(9, &v, &msg), 0);
	assert_bytes(find(msg, IFI, IFLA_IFALIAS), "", 0); /* an empty attribute removes */
	ifi = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(ifi->ifi_change, 0);
	nlmsg_free(msg);
}

static void test_set_kind_leaves_fixed_keys_out(void **state)
{
	struct thing_config config = {.speed = 10, .color = 3};
	struct link l = {.kind = &thing, .name = "t0", .config = &config, .kind_set = 3};
	const struct link_values v = {.change = LINK_CHANGE_KIND, .kind_of = &l};
	const struct nlattr *info;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_set(9, &v, &msg), 0);
	info = find(msg, IFI, IFLA_LINKINFO);
	assert_text(nested(info, IFLA_INFO_KIND), "thing");
	assert_u32(nested(nested(info, IFLA_INFO_DATA), 5), 10);
	assert_null(nested(nested(info, IFLA_INFO_DATA), 6));
	nlmsg_free(msg);
}

static void test_delete_never_takes_everything(void **state)
{
	struct nl_msg *msg = NULL;

	(void)state;
	assert_int_equal(request_link_delete(0, &msg), -EINVAL);
	assert_int_equal(request_link_delete_group(0, &msg), -EINVAL);
	assert_null(msg);
	assert_int_equal(request_link_delete(5, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELLINK);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index, 5);
	assert_null(find(msg, IFI, IFLA_GROUP));
	nlmsg_free(msg);
	assert_int_equal(request_link_delete_group(LINK_GROUP, &msg), 0);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index, 0);
	assert_u32(find(msg, IFI, IFLA_GROUP), LINK_GROUP);
	nlmsg_free(msg);
}

static void test_move_and_altname(void **state)
{
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_move(5, 44, NULL, &msg), 0);
	assert_u32(find(msg, IFI, IFLA_NET_NS_FD), 44);
	assert_null(find(msg, IFI, IFLA_IFNAME));
	nlmsg_free(msg);
	assert_int_equal(request_link_move(5, 44, "dev%d", &msg), 0);
	assert_text(find(msg, IFI, IFLA_IFNAME), "dev%d");
	nlmsg_free(msg);
	assert_int_equal(request_altname(5, "a-name-longer-than-fifteen", true, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_NEWLINKPROP);
	assert_text(nested(find(msg, IFI, IFLA_PROP_LIST), IFLA_ALT_IFNAME), "a-name-longer-than-fifteen");
	nlmsg_free(msg);
	assert_int_equal(request_altname(5, "x", false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELLINKPROP);
	nlmsg_free(msg);
}

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
	assert_ip(find(msg, head, IFA_LOCAL), "10.0.0.2");
	assert_ip(find(msg, head, IFA_ADDRESS), "10.0.0.2");
	assert_ip(find(msg, head, IFA_BROADCAST), "10.0.0.255");
	assert_u8(find(msg, head, IFA_PROTO), ROUTE_PROTOCOL);
	assert_null(find(msg, head, IFA_CACHEINFO));
	assert_null(find(msg, head, IFA_LABEL));
	assert_null(find(msg, head, IFA_FLAGS));
	assert_null(find(msg, head, IFA_RT_PRIORITY));
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
	assert_ip(find(msg, head, IFA_LOCAL), "10.0.0.2");
	assert_ip(find(msg, head, IFA_ADDRESS), "10.0.0.3");
	assert_null(find(msg, head, IFA_BROADCAST));
	assert_text(find(msg, head, IFA_LABEL), "eth0:a");
	assert_u32(find(msg, head, IFA_FLAGS), IFA_F_NODAD);
	assert_u32(find(msg, head, IFA_RT_PRIORITY), 50);
	cache = nla_data(find(msg, head, IFA_CACHEINFO));
	assert_int_equal(cache->ifa_prefered, 0);
	assert_int_equal(cache->ifa_valid, UINT32_MAX);
	nlmsg_free(msg);
	/* A removal names the address and nothing that could keep it from being found. */
	assert_int_equal(request_address(&a, 3, false, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELADDR);
	assert_null(find(msg, head, IFA_LABEL));
	assert_null(find(msg, head, IFA_CACHEINFO));
	assert_ip(find(msg, head, IFA_LOCAL), "10.0.0.2");
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
		brd = find(msg, sizeof(struct ifaddrmsg), IFA_BROADCAST);
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
	assert_null(find(msg, RTM, RTA_DST));
	assert_ip(find(msg, RTM, RTA_GATEWAY), "10.0.0.1");
	assert_u32(find(msg, RTM, RTA_OIF), 4);
	assert_u32(find(msg, RTM, RTA_TABLE), RT_TABLE_MAIN);
	assert_null(find(msg, RTM, RTA_PRIORITY));
	assert_null(find(msg, RTM, RTA_METRICS));
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
	assert_u32(find(msg, RTM, RTA_TABLE), 100000);
	assert_u32(find(msg, RTM, RTA_PRIORITY), 50);
	assert_ip(find(msg, RTM, RTA_DST), "198.51.100.0");
	assert_ip(find(msg, RTM, RTA_PREFSRC), "10.0.0.2");
	assert_null(find(msg, RTM, RTA_OIF));
	assert_null(find(msg, RTM, RTA_GATEWAY));
	via = find(msg, RTM, RTA_VIA);
	assert_non_null(via);
	assert_int_equal(nla_len(via), 18);
	memcpy(&family, nla_data(via), sizeof(family));
	assert_int_equal(family, AF_INET6);
	metrics = find(msg, RTM, RTA_METRICS);
	assert_u32(nested(metrics, RTAX_MTU), 1300);
	assert_u32(nested(metrics, RTAX_QUICKACK), 1);
	assert_null(nested(metrics, RTAX_ADVMSS));
	assert_u8(find(msg, RTM, RTA_TTL_PROPAGATE), 1);
	nlmsg_free(msg);
	assert_int_equal(request_route(&r, 0, NULL, false, false, &msg), 0);
	rtm = nlmsg_data(nlmsg_hdr(msg));
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELROUTE);
	assert_int_equal(rtm->rtm_scope, RT_SCOPE_NOWHERE);  /* any */
	assert_int_equal(rtm->rtm_protocol, ROUTE_PROTOCOL); /* only ours */
	assert_null(find(msg, RTM, RTA_METRICS));
	assert_null(find(msg, RTM, RTA_PREFSRC));
	assert_u32(find(msg, RTM, RTA_PRIORITY), 50);
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
	mp = find(msg, RTM, RTA_MULTIPATH);
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
	assert_null(find(msg, RTM, RTA_MULTIPATH));
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
	assert_int_equal(nla_len(find(msg, RTM, RTA_MULTIPATH)), 64 * 28);
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
	assert_u32(find(msg, head, FRA_PRIORITY), 100);
	assert_u32(find(msg, head, FRA_TABLE), 1000);
	assert_u8(find(msg, head, FRA_PROTOCOL), ROUTE_PROTOCOL);
	assert_ip(find(msg, head, FRA_SRC), "10.0.0.0");
	assert_null(find(msg, head, FRA_DST));
	assert_u32(find(msg, head, FRA_FWMARK), 1);
	assert_u32(find(msg, head, FRA_FWMASK), 0xff);
	assert_text(find(msg, head, FRA_IIFNAME), "eth0");
	assert_null(find(msg, head, FRA_OIFNAME));
	assert_bytes(find(msg, head, FRA_SPORT_RANGE), ((uint16_t[]){80, 90}), 4);
	assert_null(find(msg, head, FRA_DPORT_RANGE));
	assert_bytes(find(msg, head, FRA_UID_RANGE), ((uint32_t[]){0, 0}), 8); /* root alone is a range */
	assert_u32(find(msg, head, FRA_SUPPRESS_PREFIXLEN), 0);
	assert_null(find(msg, head, FRA_SUPPRESS_IFGROUP));
	nlmsg_free(msg);
	assert_int_equal(request_rule(&r, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELRULE);
	assert_u8(find(msg, head, FRA_PROTOCOL), ROUTE_PROTOCOL);
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
	assert_ip(find(msg, head, NDA_DST), "fd00::9");
	assert_bytes(find(msg, head, NDA_LLADDR), n.lladdr.bytes, 6);
	assert_u8(find(msg, head, NDA_PROTOCOL), ROUTE_PROTOCOL);
	nlmsg_free(msg);
	assert_int_equal(request_neighbor(&n, 6, false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELNEIGH);
	assert_null(find(msg, head, NDA_LLADDR));
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_plain),
		cmocka_unit_test(test_create_with_all),
		cmocka_unit_test(test_create_pair),
		cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_only_what_is_asked),
		cmocka_unit_test(test_set_kind_leaves_fixed_keys_out),
		cmocka_unit_test(test_delete_never_takes_everything),
		cmocka_unit_test(test_move_and_altname),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_address_options),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_options),
		cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_64_nexthops_fit),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_neighbor),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
