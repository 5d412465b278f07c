/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vrf: a table, by number or by name, for good. */
#include "lib_plugin.h"

#include "key.h"

#include <linux/if_link.h>

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("vrf");

	(void)state;
	assert_string_equal(k->name, "vrf");
	assert_string_equal(k->section, "VRF");
	assert_int_equal(k->flags, NETNSD_KIND_MASTER);
	assert_string_equal(key_table_missing(k->keys, 0)->name, "Table");
}

static struct data with(uint32_t table)
{
	struct nl_msg *msg = data_begin();

	nla_put_u32(msg, IFLA_VRF_TABLE, table);
	return data_end(msg);
}

static void test_table(void **state)
{
	static const struct {
		const char *text;
		uint32_t table;
	} all[] = {{"1", 1}, {"4294967295", 4294967295}, {"default", 253}, {"main", 254}, {"local", 255}};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sample *s = sample_new(plugin_kind("vrf"));
		struct data d;

		sample_set(s, "Table", all[i].text);
		d = sample_data(s, false);
		data_has_u32(&d, IFLA_VRF_TABLE, all[i].table);
		data_free(&d);
		d = sample_data(s, true);
		assert_int_equal(data_count(&d), 0);
		data_free(&d);
		sample_compares(s, with(all[i].table), VERDICT_SAME, NULL);
		sample_compares(s, with(77), VERDICT_RECREATE, "Table 77, declared");
		sample_free(s);
	}
}

static void test_refused(void **state)
{
	struct sample *s = sample_new(plugin_kind("vrf"));

	(void)state;
	sample_refuses(s, "Table", "0", "1 to 4294967295");
	sample_refuses(s, "Table", "4294967296", "1 to 4294967295");
	sample_refuses(s, "Table", "mian", "main");
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("vrf", tests, NULL, NULL);
}
