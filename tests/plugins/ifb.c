/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ifb: nothing but a name. */
#include "lib_plugin.h"

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("ifb");

	(void)state;
	assert_string_equal(k->name, "ifb");
	assert_string_equal(k->section, "IFB");
	assert_int_equal(k->flags, 0);
	assert_null(k->keys);
	assert_null(plugin_open("ifb")->address_sources);
}

static void test_message(void **state)
{
	struct sample *s = sample_new(plugin_kind("ifb"));
	struct data d = sample_data(s, false);

	(void)state;
	assert_int_equal(data_count(&d), 0);
	data_free(&d);
	sample_is_stable(s);
	sample_compares_nothing(s, VERDICT_SAME);
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kind), cmocka_unit_test(test_message)};

	return cmocka_run_group_tests_name("ifb", tests, NULL, NULL);
}
