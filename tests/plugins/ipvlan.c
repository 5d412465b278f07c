/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ipvlan: modes and flags, both changed in place. */
#include "lib_plugin.h"

#include <linux/if_link.h>

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("ipvlan");

	(void)state;
	assert_string_equal(k->name, "ipvlan");
	assert_string_equal(k->section, "IPVLAN");
	assert_true(k->flags & NETNSD_KIND_NEEDS_PARENT);
}

static struct data with(uint16_t mode, uint16_t flags)
{
	struct nl_msg *msg = data_begin();

	nla_put_u16(msg, IFLA_IPVLAN_MODE, mode);
	nla_put_u16(msg, IFLA_IPVLAN_FLAGS, flags);
	return data_end(msg);
}

static void test_message(void **state)
{
	static const struct {
		const char *mode, *flags;
		uint16_t mode_value, flags_value;
	} all[] = {
		{"L2", "bridge", IPVLAN_MODE_L2, 0},
		{"L3", "private", IPVLAN_MODE_L3, IPVLAN_F_PRIVATE},
		{"L3S", "vepa", IPVLAN_MODE_L3S, IPVLAN_F_VEPA},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sample *s = sample_new(plugin_kind("ipvlan"));
		struct data d;

		sample_set(s, "Mode", all[i].mode);
		sample_set(s, "Flags", all[i].flags);
		d = sample_data(s, true);
		assert_int_equal(data_count(&d), 2);
		data_has_u16(&d, IFLA_IPVLAN_MODE, all[i].mode_value);
		data_has_u16(&d, IFLA_IPVLAN_FLAGS, all[i].flags_value);
		data_free(&d);
		sample_compares(s, with(all[i].mode_value, all[i].flags_value), VERDICT_SAME, NULL);
		sample_compares(s, with(all[i].mode_value, all[i].flags_value + 1), VERDICT_CHANGE, "Flags");
		sample_compares(s, with(all[i].mode_value + 1, all[i].flags_value), VERDICT_CHANGE,
				all[i].mode);
		sample_free(s);
	}
}

static void test_refused(void **state)
{
	struct sample *s = sample_new(plugin_kind("ipvlan"));

	(void)state;
	sample_refuses(s, "Mode", "L4", "L2, L3 or L3S");
	sample_refuses(s, "Flags", "source", "bridge, private or vepa");
	sample_compares(s, with(0, 0), VERDICT_SAME, NULL);
	sample_compares_nothing(s, VERDICT_SAME);
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("ipvlan", tests, NULL, NULL);
}
