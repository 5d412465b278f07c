/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* veth: the nest that makes the other end. */
#include "lib_plugin.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

static const struct netnsd_mac mac = {{2, 0, 0, 0, 0, 7}};

static void peer_parse(const struct data *d, struct nlattr **tb)
{
	const struct nlattr *nest = data_find(d, VETH_INFO_PEER);
	const struct ifinfomsg *info;

	assert_non_null(nest);
	assert_true(nla_len(nest) >= (int)sizeof(*info));
	info = nla_data(nest);
	/* IFF_UP in the peer's header is ENOTCONN. */
	assert_int_equal(info->ifi_flags, 0);
	assert_int_equal(info->ifi_change, 0);
	assert_int_equal(info->ifi_index, 0);
	assert_int_equal(nla_parse(tb, IFLA_MAX, (struct nlattr *)(uintptr_t)(info + 1),
				   nla_len(nest) - (int)sizeof(*info), NULL),
			 0);
}

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("veth");

	(void)state;
	assert_string_equal(k->name, "veth");
	assert_string_equal(k->section, "Veth");
	assert_int_equal(k->flags, NETNSD_KIND_PAIR);
	assert_null(k->keys);
}

static void test_peer_full(void **state)
{
	struct netnsd_peer peer = {
		.ifname = "ns-up", .netns_fd = 9, .group = 0x6e657473, .mtu = 1400, .mac = &mac};
	struct sample *s = sample_new(plugin_kind("veth"));
	struct nlattr *tb[IFLA_MAX + 1];
	struct data d;

	(void)state;
	s->link.peer = &peer;
	d = sample_data(s, false);
	assert_int_equal(data_count(&d), 1);
	peer_parse(&d, tb);
	assert_string_equal(nla_get_string(tb[IFLA_IFNAME]), "ns-up");
	assert_int_equal(nla_get_u32(tb[IFLA_GROUP]), 0x6e657473);
	assert_int_equal(nla_get_u32(tb[IFLA_MTU]), 1400);
	assert_int_equal(nla_get_u32(tb[IFLA_NET_NS_FD]), 9);
	assert_int_equal(nla_len(tb[IFLA_ADDRESS]), 6);
	assert_memory_equal(nla_data(tb[IFLA_ADDRESS]), mac.bytes, 6);
	data_free(&d);
	sample_free(s);
}

static void test_peer_plain(void **state)
{
	struct netnsd_peer peer = {.ifname = "b", .netns_fd = -1, .group = 1};
	struct sample *s = sample_new(plugin_kind("veth"));
	struct nlattr *tb[IFLA_MAX + 1];
	struct data d;

	(void)state;
	s->link.peer = &peer;
	d = sample_data(s, false);
	peer_parse(&d, tb);
	assert_string_equal(nla_get_string(tb[IFLA_IFNAME]), "b");
	assert_non_null(tb[IFLA_GROUP]);
	assert_null(tb[IFLA_MTU]);
	assert_null(tb[IFLA_ADDRESS]);
	assert_null(tb[IFLA_NET_NS_FD]); /* the namespace of the request */
	data_free(&d);
	peer.netns_fd = 0; /* a descriptor like any other */
	d = sample_data(s, false);
	peer_parse(&d, tb);
	assert_int_equal(nla_get_u32(tb[IFLA_NET_NS_FD]), 0);
	data_free(&d);
	sample_free(s);
}

/* On a living link there is nothing to say, and nothing that could differ. */
static void test_change(void **state)
{
	struct netnsd_peer peer = {.ifname = "b", .netns_fd = -1};
	struct sample *s = sample_new(plugin_kind("veth"));
	struct data d;

	(void)state;
	s->link.peer = &peer;
	d = sample_data(s, true);
	assert_int_equal(data_count(&d), 0);
	sample_compares(s, d, VERDICT_SAME, NULL);
	sample_compares_nothing(s, VERDICT_SAME);
	sample_free(s);
}

static void test_full_message(void **state)
{
	struct netnsd_peer peer = {.ifname = "ns-up", .netns_fd = 9, .group = 1, .mtu = 1400, .mac = &mac};
	const struct link_kind *k = plugin_kind("veth");
	struct netnsd_link link = {.ifname = "a", .peer = &peer};

	(void)state;
	for (size_t size = NLMSG_HDRLEN; size < NLMSG_HDRLEN + 64; size += 4) {
		struct nl_msg *msg = nlmsg_alloc_size(size);

		assert_non_null(msg);
		assert_int_equal(k->fill(&link, false, msg), -EMSGSIZE);
		nlmsg_free(msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),	     cmocka_unit_test(test_peer_full),
		cmocka_unit_test(test_peer_plain),   cmocka_unit_test(test_change),
		cmocka_unit_test(test_full_message),
	};

	return cmocka_run_group_tests_name("veth", tests, NULL, NULL);
}
