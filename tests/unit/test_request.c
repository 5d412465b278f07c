/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests about links, attribute by attribute. Whether the kernel takes them is for tests/kernel.
 */
#include "lib_message.h"
#include "netns.h"
#include "request.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

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
	assert_text(message_attr(msg, IFI, IFLA_IFNAME), "p0");
	assert_u32(message_attr(msg, IFI, IFLA_GROUP), LINK_GROUP);
	info = message_attr(msg, IFI, IFLA_LINKINFO);
	assert_text(nested_attr(info, IFLA_INFO_KIND), "plain");
	assert_null(message_attr(msg, IFI, IFLA_MTU));
	assert_null(message_attr(msg, IFI, IFLA_ADDRESS));
	assert_null(message_attr(msg, IFI, IFLA_NET_NS_FD));
	assert_null(message_attr(msg, IFI, IFLA_LINK));
	assert_null(message_attr(msg, IFI, IFLA_MASTER));
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
	assert_u32(message_attr(msg, IFI, IFLA_MTU), 1400);
	assert_bytes(message_attr(msg, IFI, IFLA_ADDRESS), l.mac.bytes, 6);
	assert_u32(message_attr(msg, IFI, IFLA_NET_NS_FD), 33);
	assert_u32(message_attr(msg, IFI, IFLA_LINK), 4);
	assert_u32(message_attr(msg, IFI, IFLA_MASTER), 5);
	data = nested_attr(message_attr(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA);
	assert_u32(nested_attr(data, 5), 10);
	assert_u32(nested_attr(data, 6), 3);
	nlmsg_free(msg);
}

/* A pair, whichever end the message is about. */
static void check_pair(const struct link *l, const struct link *other, int peer_fd)
{
	const struct nlattr *peer;
	struct nl_msg *msg;

	assert_int_equal(request_link_create(l, -1, 0, 0, peer_fd, false, &msg), 0);
	assert_text(message_attr(msg, IFI, IFLA_IFNAME), l->name);
	assert_u32(message_attr(msg, IFI, IFLA_GROUP), LINK_GROUP);
	peer = nested_attr(nested_attr(message_attr(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA),
			   VETH_INFO_PEER);
	assert_non_null(peer);
	peer = nla_find((struct nlattr *)((char *)nla_data(peer) + IFI), nla_len(peer) - (int)IFI,
			IFLA_IFNAME);
	assert_text(peer, other->name);
	nlmsg_free(msg);
}

static const struct nlattr *peer_attr(struct nl_msg *msg, int type)
{
	const struct nlattr *peer = nested_attr(
		nested_attr(message_attr(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA), VETH_INFO_PEER);

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
	assert_u32(message_attr(msg, IFI, IFLA_MASTER), 12);
	assert_bytes(message_attr(msg, IFI, IFLA_ADDRESS), b.mac.bytes, 6);
	assert_null(message_attr(msg, IFI, IFLA_MTU));
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

/* Only the declaring end has the kind's settings; the other end's message carries them too. */
static void test_create_pair_takes_settings_of_the_declaring_end(void **state)
{
	const struct link_kind pair = {.name = "thing",
				       .section = "Thing",
				       .flags = NETNSD_KIND_PAIR,
				       .config_size = sizeof(struct thing_config),
				       .keys = thing_keys};
	struct thing_config config = {.speed = 10};
	struct link b = {.kind = &pair, .name = "b", .is_peer = true};
	struct link a = {.kind = &pair, .name = "a", .config = &config, .kind_set = 1, .peer = &b};
	struct nl_msg *msg;

	(void)state;
	b.peer = &a;
	assert_int_equal(request_link_create(&b, -1, 0, 0, -1, false, &msg), 0);
	assert_u32(nested_attr(nested_attr(message_attr(msg, IFI, IFLA_LINKINFO), IFLA_INFO_DATA), 5), 10);
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
	assert_u32(message_attr(msg, IFI, IFLA_MTU), 9000);
	assert_u32(message_attr(msg, IFI, IFLA_MASTER), 0);		   /* releases */
	assert_bytes(message_attr(msg, IFI, IFLA_IFALIAS), "an alias", 8); /* no NUL */
	assert_u8(nested_attr(nested_attr(message_attr(msg, IFI, IFLA_AF_SPEC), AF_INET6),
			      IFLA_INET6_ADDR_GEN_MODE),
		  IN6_ADDR_GEN_MODE_NONE);
	assert_text(message_attr(msg, IFI, IFLA_IFNAME), "new");
	assert_u32(message_attr(msg, IFI, IFLA_GROUP), 7);
	assert_bytes(message_attr(msg, IFI, IFLA_ADDRESS), v.mac.bytes, 6);
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
	assert_bytes(message_attr(msg, IFI, IFLA_IFALIAS), "", 0); /* an empty attribute removes */
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
	info = message_attr(msg, IFI, IFLA_LINKINFO);
	assert_text(nested_attr(info, IFLA_INFO_KIND), "thing");
	assert_u32(nested_attr(nested_attr(info, IFLA_INFO_DATA), 5), 10);
	assert_null(nested_attr(nested_attr(info, IFLA_INFO_DATA), 6));
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
	assert_null(message_attr(msg, IFI, IFLA_GROUP));
	nlmsg_free(msg);
	assert_int_equal(request_link_delete_group(LINK_GROUP, &msg), 0);
	assert_int_equal(((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index, 0);
	assert_u32(message_attr(msg, IFI, IFLA_GROUP), LINK_GROUP);
	nlmsg_free(msg);
}

static void test_move_and_altname(void **state)
{
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(request_link_move(5, 44, NULL, &msg), 0);
	assert_u32(message_attr(msg, IFI, IFLA_NET_NS_FD), 44);
	assert_null(message_attr(msg, IFI, IFLA_IFNAME));
	nlmsg_free(msg);
	assert_int_equal(request_link_move(5, 44, "dev%d", &msg), 0);
	assert_text(message_attr(msg, IFI, IFLA_IFNAME), "dev%d");
	nlmsg_free(msg);
	assert_int_equal(request_altname(5, "a-name-longer-than-fifteen", true, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_NEWLINKPROP);
	assert_text(nested_attr(message_attr(msg, IFI, IFLA_PROP_LIST), IFLA_ALT_IFNAME),
		    "a-name-longer-than-fifteen");
	nlmsg_free(msg);
	assert_int_equal(request_altname(5, "x", false, &msg), 0);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELLINKPROP);
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_plain),
		cmocka_unit_test(test_create_with_all),
		cmocka_unit_test(test_create_pair),
		cmocka_unit_test(test_create_pair_takes_settings_of_the_declaring_end),
		cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_only_what_is_asked),
		cmocka_unit_test(test_set_kind_leaves_fixed_keys_out),
		cmocka_unit_test(test_delete_never_takes_everything),
		cmocka_unit_test(test_move_and_altname),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
