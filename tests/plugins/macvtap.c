/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* macvtap: modes, and which of them change in place. */
#include "lib_plugin.h"

#include <linux/if_link.h>

static const struct {
	const char *name;
	uint32_t value;
} modes[] = {
	{"private", MACVLAN_MODE_PRIVATE},
	{"vepa", MACVLAN_MODE_VEPA},
	{"bridge", MACVLAN_MODE_BRIDGE},
	{"passthru", MACVLAN_MODE_PASSTHRU},
};
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("macvtap");

	(void)state;
	assert_string_equal(k->name, "macvtap");
	assert_string_equal(k->section, "MACVTAP");
	assert_true(k->flags & NETNSD_KIND_NEEDS_PARENT);
	assert_false(k->flags & (NETNSD_KIND_PAIR | NETNSD_KIND_MASTER));
}

static void test_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MODES; i++) {
		struct sample *s = sample_new(plugin_kind("macvtap"));
		struct data d;

		sample_set(s, "Mode", modes[i].name);
		sample_set(s, "BroadcastMulticastQueueLength", "77");
		sample_verifies(s);
		d = sample_data(s, false);
		assert_int_equal(data_count(&d), 2);
		data_has_u32(&d, IFLA_MACVLAN_MODE, modes[i].value);
		data_has_u32(&d, IFLA_MACVLAN_BC_QUEUE_LEN, 77);
		data_free(&d);
		sample_is_stable(s);
		sample_free(s);
	}
}

static struct data with_mode(uint32_t mode)
{
	struct nl_msg *msg = data_begin();

	nla_put_u32(msg, IFLA_MACVLAN_MODE, mode);
	nla_put_u32(msg, IFLA_MACVLAN_BC_QUEUE_LEN, 1000);
	return data_end(msg);
}

/* Every mode against every other: only to and from passthru is the link made again. */
static void test_verdicts(void **state)
{
	(void)state;
	for (size_t declared = 0; declared < N_MODES; declared++) {
		struct sample *s = sample_new(plugin_kind("macvtap"));

		sample_set(s, "Mode", modes[declared].name);
		for (size_t actual = 0; actual < N_MODES; actual++) {
			bool passthru = modes[declared].value == MACVLAN_MODE_PASSTHRU ||
					modes[actual].value == MACVLAN_MODE_PASSTHRU;

			sample_compares(s, with_mode(modes[actual].value),
					declared == actual ? VERDICT_SAME
					: passthru	   ? VERDICT_RECREATE
							   : VERDICT_CHANGE,
					declared == actual ? NULL : modes[declared].name);
		}
		sample_compares(s, with_mode(MACVLAN_MODE_SOURCE),
				modes[declared].value == MACVLAN_MODE_PASSTHRU ? VERDICT_RECREATE
									       : VERDICT_CHANGE,
				NULL);
		sample_compares_nothing(s, VERDICT_CHANGE);
		sample_free(s);
	}
}

static void test_undeclared(void **state)
{
	struct sample *s = sample_new(plugin_kind("macvtap"));

	(void)state;
	sample_compares(s, with_mode(MACVLAN_MODE_PASSTHRU), VERDICT_SAME, NULL);
	sample_set(s, "BroadcastMulticastQueueLength", "1000");
	sample_compares(s, with_mode(MACVLAN_MODE_PASSTHRU), VERDICT_SAME, NULL);
	sample_set(s, "BroadcastMulticastQueueLength", "5");
	sample_compares(s, with_mode(MACVLAN_MODE_VEPA), VERDICT_CHANGE, "1000, declared 5");
	sample_free(s);
}

static void test_refused(void **state)
{
	struct sample *s = sample_new(plugin_kind("macvtap"));

	(void)state;
	sample_refuses(s, "Mode", "source", "private, vepa, bridge or passthru");
	sample_refuses(s, "Mode", "Bridge", "bridge");
	sample_refuses(s, "BroadcastMulticastQueueLength", "-1", "0 to 4294967295");
	sample_refuses(s, "BroadcastMulticastQueueLength", "4294967296", "0 to 4294967295");
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),	 cmocka_unit_test(test_message),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_undeclared),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("macvtap", tests, NULL, NULL);
}
