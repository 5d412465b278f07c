/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vlan: the fixed number, and four switches in one attribute. */
#include "lib_plugin.h"

#include "key.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("vlan");

	(void)state;
	assert_string_equal(k->name, "vlan");
	assert_string_equal(k->section, "VLAN");
	assert_true(k->flags & NETNSD_KIND_NEEDS_PARENT);
	assert_string_equal(key_table_missing(k->keys, 0)->name, "Id");
}

static void has_flags(const struct data *d, uint32_t flags, uint32_t mask)
{
	const struct ifla_vlan_flags f = {.flags = flags, .mask = mask};

	data_has_bytes(d, IFLA_VLAN_FLAGS, &f, sizeof(f));
}

static void test_message(void **state)
{
	struct sample *s = sample_new(plugin_kind("vlan"));
	struct data d;

	(void)state;
	sample_set(s, "Id", "4094");
	sample_verifies(s);
	d = sample_data(s, false);
	assert_int_equal(data_count(&d), 1); /* no switch declared, no flags */
	data_has_u16(&d, IFLA_VLAN_ID, 4094);
	data_free(&d);
	sample_set(s, "Protocol", "802.1ad");
	sample_set(s, "GVRP", "yes");
	sample_set(s, "ReorderHeader", "no");
	d = sample_data(s, false);
	data_has_u16(&d, IFLA_VLAN_PROTOCOL, htons(0x88a8));
	has_flags(&d, VLAN_FLAG_GVRP, VLAN_FLAG_GVRP | VLAN_FLAG_REORDER_HDR);
	data_free(&d);
	sample_set(s, "MVRP", "yes");
	sample_set(s, "LooseBinding", "yes");
	d = sample_data(s, true); /* number and protocol are fixed, the switches are not */
	assert_int_equal(data_count(&d), 1);
	has_flags(&d, VLAN_FLAG_GVRP | VLAN_FLAG_MVRP | VLAN_FLAG_LOOSE_BINDING,
		  VLAN_FLAG_GVRP | VLAN_FLAG_MVRP | VLAN_FLAG_LOOSE_BINDING | VLAN_FLAG_REORDER_HDR);
	data_free(&d);
	sample_is_stable(s);
	sample_free(s);
}

static struct data actual(uint16_t id, uint16_t protocol, uint32_t flags)
{
	const struct ifla_vlan_flags f = {.flags = flags, .mask = UINT32_MAX}; /* as the kernel fills it */
	struct nl_msg *msg = data_begin();

	nla_put_u16(msg, IFLA_VLAN_ID, id);
	nla_put_u16(msg, IFLA_VLAN_PROTOCOL, htons(protocol));
	nla_put(msg, IFLA_VLAN_FLAGS, sizeof(f), &f);
	return data_end(msg);
}

static void test_verdicts(void **state)
{
	struct sample *s = sample_new(plugin_kind("vlan"));

	(void)state;
	sample_set(s, "Id", "7");
	sample_compares(s, actual(7, 0x8100, VLAN_FLAG_REORDER_HDR | VLAN_FLAG_BRIDGE_BINDING), VERDICT_SAME,
			NULL);
	sample_compares(s, actual(8, 0x8100, 1), VERDICT_RECREATE, "Id 8, declared 7");
	sample_set(s, "Protocol", "802.1q");
	sample_compares(s, actual(7, 0x8100, 1), VERDICT_SAME, NULL);
	sample_compares(s, actual(7, 0x88a8, 1), VERDICT_RECREATE, "Protocol 802.1ad, declared 802.1q");
	sample_set(s, "LooseBinding", "yes");
	sample_compares(s, actual(7, 0x8100, VLAN_FLAG_LOOSE_BINDING), VERDICT_SAME, NULL);
	sample_compares(s, actual(7, 0x8100, VLAN_FLAG_GVRP), VERDICT_CHANGE,
			"LooseBinding no, declared yes");
	sample_compares(s, actual(8, 0x8100, VLAN_FLAG_GVRP), VERDICT_RECREATE, "Id 8");
	sample_set(s, "LooseBinding", "no");
	sample_compares(s, actual(7, 0x8100, VLAN_FLAG_LOOSE_BINDING), VERDICT_CHANGE,
			"LooseBinding yes, declared no");
	sample_compares_nothing(s, VERDICT_RECREATE);
	sample_free(s);
}

/* The kernel says nothing when none is set. */
static void test_no_flags(void **state)
{
	struct sample *s = sample_new(plugin_kind("vlan"));
	struct nl_msg *msg = data_begin(), *again = data_begin();

	(void)state;
	sample_set(s, "ReorderHeader", "no");
	nla_put_u16(msg, IFLA_VLAN_ID, 7);
	sample_compares(s, data_end(msg), VERDICT_SAME, NULL);
	sample_set(s, "GVRP", "yes");
	nla_put_u16(again, IFLA_VLAN_ID, 7);
	sample_compares(s, data_end(again), VERDICT_CHANGE, "GVRP no, declared yes");
	sample_free(s);
}

/* Too short to be flags: nothing is known, so every declared switch differs. */
static void test_short(void **state)
{
	static const char *const values[] = {"yes", "no"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sample *s = sample_new(plugin_kind("vlan"));
		struct nl_msg *msg = data_begin();

		nla_put_u32(msg, IFLA_VLAN_FLAGS, 0);
		sample_set(s, "MVRP", values[i]);
		sample_compares(s, data_end(msg), VERDICT_CHANGE, "MVRP");
		sample_free(s);
	}
}

static void test_refused(void **state)
{
	struct sample *s = sample_new(plugin_kind("vlan"));

	(void)state;
	sample_refuses(s, "Id", "4095", "0 to 4094");
	sample_refuses(s, "Id", "x", "0 to 4094");
	sample_refuses(s, "Protocol", "802.1Q", "802.1q or 802.1ad");
	sample_refuses(s, "GVRP", "2", "yes or no");
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),	 cmocka_unit_test(test_message),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_no_flags),
		cmocka_unit_test(test_short),	 cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("vlan", tests, NULL, NULL);
}
