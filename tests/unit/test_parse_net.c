/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MAC addresses, IP addresses, prefixes. */
#include "parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define CHECK(condition, what)                                                                               \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			fail_msg("\"%s\": %s", what, #condition);                                            \
	} while (0)

static void test_mac(void **state)
{
	static const char *const same[] = {"02:00:00:00:0a:0F", "02-00-00-00-0A-0f", "0200.0000.0a0f",
					   "2:0:0:0:a:f"};
	static const char *const bad[] = {
		"",
		"02",
		"02:00:00:00:00",
		"02:00:00:00:00:00:00",
		"02:00:00:00:00:0g",
		"02:00:00:00:00:",
		":02:00:00:00:00",
		"02:00-00:00:00:00",
		"002:00:00:00:00:00",
		"020000000000",
		"0200.0000",
		"0200.0000.000",
		"0200.0000.00000",
		"02.00.00.00.00.00",
		"02:00:00:00:00:00 ",
		"02::00:00:00:00",
	};
	struct netnsd_mac mac;
	char text[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		memset(&mac, 0x55, sizeof(mac));
		CHECK(parse_mac(same[i], &mac) == 0, same[i]);
		assert_string_equal(format_mac(&mac, text), "02:00:00:00:0a:0f");
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		memset(&mac, 0x55, sizeof(mac));
		CHECK(parse_mac(bad[i], &mac) == -EINVAL, bad[i]);
		CHECK(mac.bytes[0] == 0x55 && mac.bytes[5] == 0x55, bad[i]);
	}
}

static void test_ip(void **state)
{
	static const struct {
		const char *text, *printed; /* printed NULL: refused */
	} rows[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"FD00:0:0::1", "fd00::1"},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
		{"", NULL},
		{"10.1", NULL},
		{"10.0.0.01", NULL},
		{"010.0.0.1", NULL},
		{"256.0.0.1", NULL},
		{"1.2.3.4.5", NULL},
		{"0x7f.0.0.1", NULL},
		{"167772161", NULL},
		{" 10.0.0.1", NULL},
		{"10.0.0.1 ", NULL},
		{"10.0.0.1/24", NULL},
		{"fe80::1%lo", NULL},
		{"[::1]", NULL},
		{"1::2::3", NULL},
		{":", NULL},
		{"localhost", NULL},
	};
	char text[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct netnsd_ip ip = {.family = 99};
		int r = parse_ip(rows[i].text, &ip);

		CHECK(r == (rows[i].printed ? 0 : -EINVAL), rows[i].text);
		if (rows[i].printed)
			assert_string_equal(format_ip(&ip, text), rows[i].printed);
		else
			CHECK(ip.family == 99, rows[i].text);
	}
	assert_string_equal(format_ip(&(struct netnsd_ip){0}, text), "");
}

static void test_prefix(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *printed, *masked;
	} rows[] = {
		{"10.30.0.2/24", 0, "10.30.0.2/24", "10.30.0.0/24"},
		{"10.30.0.2", 0, "10.30.0.2/32", "10.30.0.2/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0", "0.0.0.0/0"},
		{"10.255.255.255/9", 0, "10.255.255.255/9", "10.128.0.0/9"},
		{"10.0.0.3/31", 0, "10.0.0.3/31", "10.0.0.2/31"},
		{"fd00:30::2/64", 0, "fd00:30::2/64", "fd00:30::/64"},
		{"fd00::1", 0, "fd00::1/128", "fd00::1/128"},
		{"ffff::/1", 0, "ffff::/1", "8000::/1"},
		{"::/0", 0, "::/0", "::/0"},
		{"10.0.0.1/33", -ERANGE, NULL, NULL},
		{"::1/129", -ERANGE, NULL, NULL},
		{"10.0.0.1/4294967320", -ERANGE, NULL, NULL}, /* 24 + 2^32 */
		{"10.0.0.1/", -EINVAL, NULL, NULL},
		{"10.0.0.1/-1", -EINVAL, NULL, NULL},
		{"10.0.0.1/+8", -EINVAL, NULL, NULL},
		{"10.0.0.1/08", -EINVAL, NULL, NULL},
		{"10.0.0.1/8 ", -EINVAL, NULL, NULL},
		{"10.0.0.1/8/8", -EINVAL, NULL, NULL},
		{"10.0.0.1/255.0.0.0", -EINVAL, NULL, NULL},
		{"/24", -EINVAL, NULL, NULL},
		{"", -EINVAL, NULL, NULL},
		{"default", -EINVAL, NULL, NULL},
		{"00000000000000000000000000000000000000000000000000:1/8", -EINVAL, NULL, NULL},
	};
	char text[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct netnsd_prefix p = {.length = 99}, masked;

		CHECK(parse_prefix(rows[i].text, &p) == rows[i].r, rows[i].text);
		if (rows[i].r < 0) {
			CHECK(p.length == 99, rows[i].text);
			continue;
		}
		assert_string_equal(format_prefix(&p, text), rows[i].printed);
		masked = prefix_masked(&p);
		assert_string_equal(format_prefix(&masked, text), rows[i].masked);
		assert_true(prefix_contains(&p, &p.ip));
		assert_true(prefix_contains(&masked, &p.ip));
	}
	assert_string_equal(format_prefix(&(struct netnsd_prefix){0}, text), "");
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix, *ip;
		bool inside;
	} rows[] = {
		{"10.0.0.0/8", "10.255.0.1", true}, {"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.7/30", "10.0.0.4", true},  {"10.0.0.7/30", "10.0.0.3", false},
		{"0.0.0.0/0", "1.2.3.4", true},	    {"0.0.0.0/0", "::", false},
		{"::/0", "fd00::1", true},	    {"::/0", "1.2.3.4", false},
		{"fd00::/127", "fd00::1", true},    {"fd00::/127", "fd00::2", false},
		{"10.0.0.1/32", "10.0.0.1", true},  {"10.0.0.1/32", "10.0.0.0", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct netnsd_prefix p;
		struct netnsd_ip ip;

		assert_int_equal(parse_prefix(rows[i].prefix, &p), 0);
		assert_int_equal(parse_ip(rows[i].ip, &ip), 0);
		CHECK(prefix_contains(&p, &ip) == rows[i].inside, rows[i].ip);
	}
	assert_false(prefix_contains(&(struct netnsd_prefix){0}, &(struct netnsd_ip){0}));
}

static void test_equal(void **state)
{
	struct netnsd_prefix a, b;

	(void)state;
	assert_int_equal(parse_prefix("10.0.0.1/24", &a), 0);
	b = a;
	b.ip.bytes[15] = 7; /* not part of an IPv4 address */
	assert_true(prefix_equal(&a, &b));
	b.length = 25;
	assert_false(prefix_equal(&a, &b));
	assert_true(ip_equal(&a.ip, &b.ip));
	b.ip.bytes[3] = 2;
	assert_false(ip_equal(&a.ip, &b.ip));
	assert_int_equal(parse_ip("a00:1::", &b.ip), 0); /* the same first bytes */
	assert_false(ip_equal(&a.ip, &b.ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac),	 cmocka_unit_test(test_ip),    cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_contains), cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests_name("parse_net", tests, NULL, NULL);
}
