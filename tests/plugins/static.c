/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* static: what is an address, and what is said when it is none. */
#include "lib_plugin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void test_source(void **state)
{
	const struct address_source *s = plugin_source("static");

	(void)state;
	assert_string_equal(s->name, "static");
	assert_string_equal(s->key, "Address");
	assert_null(s->assign);
	assert_null(plugin_open("static")->kinds);
}

static void test_taken(void **state)
{
	static const struct {
		const char *value, *address;
		int family;
		uint8_t length;
	} good[] = {
		{"10.0.0.2/24", "10.0.0.2", AF_INET, 24},
		{"10.0.0.0/31", "10.0.0.0", AF_INET, 31},
		{"10.0.0.1/32", "10.0.0.1", AF_INET, 32},
		{"10.0.0.1/1", "10.0.0.1", AF_INET, 1},
		{"127.0.0.2/8", "127.0.0.2", AF_INET, 8},
		{"fd00:30::2/64", "fd00:30::2", AF_INET6, 64},
		{"fe80::1/10", "fe80::1", AF_INET6, 10},
		{"FD00::A/128", "fd00::a", AF_INET6, 128},
		{"::ffff:10.0.0.1/128", "::ffff:10.0.0.1", AF_INET6, 128},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct netnsd_error err = {""};
		struct netnsd_prefix p;
		uint8_t bytes[16] = {0};

		memset(&p, 0xaa, sizeof(p));
		if (plugin_source("static")->parse(good[i].value, &p, &err) != 0)
			fail_msg("%s: %s", good[i].value, err.text);
		assert_int_equal(inet_pton(good[i].family, good[i].address, bytes), 1);
		assert_int_equal(p.ip.family, good[i].family);
		assert_memory_equal(p.ip.bytes, bytes, 16);
		assert_int_equal(p.length, good[i].length);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{"10.0.0.1", "10.0.0.1/32 for a single host or 10.0.0.1/24"},
		{"fd00::1", "fd00::1/128 for a single host or fd00::1/64"},
		{"10.0.0.1/33", "1 to 32"},
		{"fd00::1/129", "1 to 128"},
		{"10.0.0.1/0", "from 1 to 32"},
		{"10.0.0.1/", "1 to 32"},
		{"10.0.0.1/+8", "1 to 32"},
		{"10.0.0.1/08", "1 to 32"},
		{"10.0.0.1/24/24", "1 to 32"},
		{"10.0.0.1/0000000000024", "1 to 32"},
		{"10.0.0.1 /24", "no address"},
		{"10.0.0/24", "no address"},
		{"10.0.0.256/24", "no address"},
		{"010.0.0.1/24", "no address"},
		{"fd00:::1/64", "no address"},
		{"fd00::1%eth0/64", "no address"},
		{"/24", "no address"},
		{"", "no address"},
		{"dhcp", "no address"},
		{"0.0.0.0/24", "unspecified"},
		{"::/64", "unspecified"},
		{"224.0.0.1/24", "multicast"},
		{"239.255.255.255/32", "multicast"},
		{"ff02::1/64", "multicast"},
		{"255.255.255.255/32", "broadcast"},
		{"10.0.0.1111111111111111111111111111111111111111111111111111111111111111/24", "no address"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct netnsd_error err = {""};
		struct netnsd_prefix p, before;
		int r;

		memset(&p, 0xaa, sizeof(p));
		before = p;
		r = plugin_source("static")->parse(bad[i][0], &p, &err);
		if (r != -EINVAL || !strstr(err.text, bad[i][1]))
			fail_msg("'%s': expected '%s', got %d '%s'", bad[i][0], bad[i][1], r, err.text);
		assert_memory_equal(&p, &before, sizeof(p)); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("static", tests, NULL, NULL);
}
