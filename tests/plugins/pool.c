/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pool: the same address for the same names, none twice, none that is taken. */
#include "lib_plugin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct netnsd_prefix pool_of(const char *text)
{
	struct netnsd_error err = {""};
	struct netnsd_prefix p = {.length = 0};

	if (plugin_source("pool")->parse(text, &p, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	return p;
}

static struct netnsd_ip ip_of(const char *text)
{
	struct netnsd_ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	assert_int_equal(inet_pton(ip.family, text, ip.bytes), 1);
	return ip;
}

static struct netnsd_address_request request_of(const char *netns, const char *ifname, const char *pool,
						const char *before)
{
	struct netnsd_address_request r = {.netns = netns, .ifname = ifname, .pool = pool_of(pool)};

	if (before)
		r.before = (struct netnsd_prefix){.ip = ip_of(before), .length = r.pool.length};
	return r;
}

static int assign(struct netnsd_address_request *r, size_t n, const struct netnsd_ip *taken, size_t n_taken,
		  struct netnsd_error *err)
{
	return plugin_source("pool")->assign(r, n, taken, n_taken, err);
}

static void assigns(struct netnsd_address_request *r, size_t n, const struct netnsd_ip *taken, size_t n_taken)
{
	struct netnsd_error err = {""};

	if (assign(r, n, taken, n_taken, &err) != 0)
		fail_msg("refused: %s", err.text);
}

static void result_is(const struct netnsd_address_request *r, const char *address)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(r->result.ip.family, r->result.ip.bytes, text, sizeof(text)), address);
	assert_int_equal(r->result.length, r->pool.length);
}

static void test_parse(void **state)
{
	static const char *const good[] = {"10.0.0.0/24", "10.0.0.0/8", "192.0.2.4/30",	   "223.255.255.0/24",
					   "fd00::/64",	  "fd00::/8",	"2001:db8::4/126", "fe80::/10"};
	static const char *const bad[][2] = {
		{"10.0.0.0", "expected one such as"},
		{"10.0.0.1/24", "expected 10.0.0.0/24"},
		{"10.0.0.0/7", "8 to 30"},
		{"10.0.0.0/31", "8 to 30"},
		{"10.0.0.0/032", "8 to 30"},
		{"10.0.0.0/", "8 to 30"},
		{"10.0.0.0/2x", "8 to 30"},
		{"fd00::/127", "8 to 126"},
		{"fd00::/7", "8 to 126"},
		{"fd00::1/64", "expected fd00::/64"},
		{"x/24", "expected one such as"},
		{"", "expected one such as"},
		{"10.0.0.0000000000000000000000000000000000000000000000000/24", "expected one such as"},
		{"224.0.0.0/24", "unicast"},
		{"127.0.0.0/8", "unicast"},
		{"0.0.0.0/8", "unicast"},
		{"ff00::/8", "unicast"},
		{"::/64", "unicast"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		(void)pool_of(good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct netnsd_error err = {""};
		struct netnsd_prefix p = {.length = 77};

		assert_int_equal(plugin_source("pool")->parse(bad[i][0], &p, &err), -EINVAL);
		if (!strstr(err.text, bad[i][1]))
			fail_msg("'%s': expected '%s' in '%s'", bad[i][0], bad[i][1], err.text);
		assert_int_equal(p.length, 77);
	}
}

/* These figures are a promise: they must never change between versions. */
static void test_stable(void **state)
{
	struct netnsd_address_request r[] = {
		request_of("upstream", "eth0", "10.30.0.0/24", NULL),
		request_of("lab", "eth0", "10.30.0.0/24", NULL),
		request_of("upstream", "eth0", "fd00:30::/64", NULL),
	};

	(void)state;
	assigns(r, 3, NULL, 0);
	result_is(&r[0], "10.30.0.78");
	result_is(&r[1], "10.30.0.143");
	result_is(&r[2], "fd00:30::877a:a697:594:c0ee");
}

/* Neither the order in the files nor who else is there matters, as long as no place is wanted twice. */
static void test_order(void **state)
{
	struct netnsd_address_request a[] = {request_of("a", "x", "10.0.0.0/16", NULL),
					     request_of("b", "x", "10.0.0.0/16", NULL),
					     request_of("b", "y", "10.0.0.0/16", NULL)};
	struct netnsd_address_request b[] = {a[2], a[0], a[1]}, alone[] = {a[1]};

	(void)state;
	assigns(a, 3, NULL, 0);
	assigns(b, 3, NULL, 0);
	assigns(alone, 1, NULL, 0);
	assert_memory_equal(&a[2].result, &b[0].result, sizeof(a[0].result));
	assert_memory_equal(&a[0].result, &b[1].result, sizeof(a[0].result));
	assert_memory_equal(&a[1].result, &b[2].result, sizeof(a[0].result));
	assert_memory_equal(&a[1].result, &alone[0].result, sizeof(a[0].result));
}

static int by_address(const void *x, const void *y)
{
	const struct netnsd_address_request *a = x, *b = y;

	return memcmp(a->result.ip.bytes, b->result.ip.bytes, 16);
}

static void all_distinct(struct netnsd_address_request *r, size_t n)
{
	qsort(r, n, sizeof(*r), by_address);
	for (size_t i = 1; i < n; i++)
		assert_memory_not_equal(r[i - 1].result.ip.bytes, r[i].result.ip.bytes, 16);
}

/* A pool filled to its last place: all but network, gateway and broadcast. */
static void test_full(void **state)
{
	static const struct {
		const char *pool;
		size_t places;
		const char *first, *last;
	} pools[] = {
		{"192.0.2.4/30", 1, "192.0.2.6", "192.0.2.6"},
		{"192.0.2.0/29", 5, "192.0.2.2", "192.0.2.6"},
		{"10.0.0.0/24", 253, "10.0.0.2", "10.0.0.254"},
		{"2001:db8::4/126", 2, "2001:db8::6", "2001:db8::7"},
		{"2001:db8::/120", 254, "2001:db8::2", "2001:db8::ff"},
	};

	(void)state;
	for (size_t p = 0; p < sizeof(pools) / sizeof(pools[0]); p++) {
		struct netnsd_address_request r[300];
		struct netnsd_error err = {""};
		size_t n = pools[p].places;
		char names[300][8];
		char asked[32];

		for (size_t i = 0; i <= n; i++) {
			snprintf(names[i], sizeof(names[i]), "ns%zu", i);
			r[i] = request_of(names[i], "eth0", pools[p].pool, NULL);
		}
		snprintf(asked, sizeof(asked), "%zu asked for", n + 1);
		assert_int_equal(assign(r, n + 1, NULL, 0, &err), -ENOSPC);
		if (!strstr(err.text, pools[p].pool) || !strstr(err.text, asked))
			fail_msg("expected '%s' and '%s' in '%s'", pools[p].pool, asked, err.text);
		assigns(r, n, NULL, 0);
		all_distinct(r, n);
		result_is(&r[0], pools[p].first);
		result_is(&r[n - 1], pools[p].last);
	}
}

static void test_before(void **state)
{
	struct netnsd_address_request r[] = {
		request_of("c", "e", "10.0.0.0/24", "10.0.0.9"),   /* as it was */
		request_of("b", "e", "10.0.0.0/24", "10.0.0.9"),   /* claims the same: b comes first */
		request_of("d", "e", "10.0.0.0/24", "10.0.0.77"),  /* taken by now */
		request_of("e", "e", "10.0.0.0/24", "10.0.1.5"),   /* of a pool it had once */
		request_of("f", "e", "10.0.0.0/24", "10.0.0.1"),   /* the gateway's */
		request_of("g", "e", "10.0.0.0/24", "10.0.0.0"),   /* the network's */
		request_of("h", "e", "10.0.0.0/24", "10.0.0.255"), /* broadcast */
		request_of("i", "e", "10.0.0.0/24", "fd00::2"),	   /* of another family */
		request_of("j", "e", "10.0.0.0/24", "10.0.0.254"),
	};
	struct netnsd_ip taken[] = {ip_of("10.0.0.77"), ip_of("fd00::77")};
	const size_t n = sizeof(r) / sizeof(r[0]);

	(void)state;
	assigns(r, n, taken, 2);
	result_is(&r[1], "10.0.0.9");
	result_is(&r[8], "10.0.0.254");
	for (size_t i = 0; i < n; i++) {
		uint8_t last = r[i].result.ip.bytes[3];

		assert_memory_equal(r[i].result.ip.bytes, "\x0a\0\0", 3);
		assert_true(last > 1 && last < 255 && last != 77);
		assert_int_equal(i == 1, last == 9);
	}
	all_distinct(r, n);
}

/* A newcomer does not move those who were there, whatever its name. */
static void test_newcomer(void **state)
{
	struct netnsd_address_request r[252], all[253];
	char names[253][8];

	(void)state;
	for (size_t i = 0; i < 252; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		r[i] = request_of(names[i], "eth0", "10.0.0.0/24", NULL);
	}
	assigns(r, 252, NULL, 0);
	all[0] = request_of("a", "eth0", "10.0.0.0/24", NULL); /* first by name */
	for (size_t i = 0; i < 252; i++) {
		all[i + 1] = r[i];
		all[i + 1].before = r[i].result;
		memset(&all[i + 1].result, 0, sizeof(all[i + 1].result));
	}
	assigns(all, 253, NULL, 0);
	for (size_t i = 0; i < 252; i++)
		assert_memory_equal(&all[i + 1].result, &r[i].result, sizeof(r[i].result));
	all_distinct(all, 253);
}

/* Two pools that overlap, and one link that asks twice. */
static void test_overlap(void **state)
{
	struct netnsd_address_request r[] = {
		request_of("a", "e", "192.0.2.0/29", NULL), request_of("a", "e", "192.0.2.0/29", NULL),
		request_of("a", "e", "192.0.2.0/28", NULL), request_of("b", "e", "192.0.2.0/28", NULL),
		request_of("c", "e", "192.0.2.0/29", NULL),
	};

	(void)state;
	assigns(r, 5, NULL, 0);
	all_distinct(r, 5);
}

static void test_taken_fills(void **state)
{
	struct netnsd_address_request r = request_of("a", "e", "192.0.2.4/30", NULL);
	struct netnsd_ip taken[] = {ip_of("192.0.2.6"), {.family = AF_UNSPEC}};
	struct netnsd_error err = {""};

	(void)state;
	assert_int_equal(assign(&r, 1, taken, 2, &err), -ENOSPC);
	assert_int_equal(assign(NULL, 0, taken, 2, &err), 0);
	taken[0] = ip_of("192.0.2.5");
	assigns(&r, 1, taken, 2);
	result_is(&r, "192.0.2.6");
}

/* More than 2^64 addresses: the low 64 bits are used, and what was there is recognised. */
static void test_wide(void **state)
{
	struct netnsd_address_request r = request_of("a", "e", "fd00::/8", NULL), again;

	(void)state;
	assigns(&r, 1, NULL, 0);
	assert_memory_equal(r.result.ip.bytes, "\xfd\0\0\0\0\0\0\0", 8);
	again = request_of("z", "e", "fd00::/8", NULL);
	again.before = r.result;
	assigns(&again, 1, NULL, 0);
	assert_memory_equal(&again.result, &r.result, sizeof(r.result));
	again.before.ip.bytes[3] = 1; /* inside the pool, but not one that is ever given */
	assigns(&again, 1, NULL, 0);
	assert_int_equal(again.result.ip.bytes[3], 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 65,533 requests fill a /16 to the last place. A scan for each would take minutes. */
static void test_many(void **state)
{
	const size_t n = 65533;
	struct netnsd_address_request *r = calloc(n, sizeof(*r));
	char(*names)[8] = calloc(n, sizeof(*names));
	struct netnsd_prefix pool = pool_of("10.1.0.0/16");
	double start;

	(void)state;
	assert_non_null(r);
	assert_non_null(names);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		r[i] = (struct netnsd_address_request){.netns = "netns", .ifname = names[i], .pool = pool};
	}
	start = seconds();
	assigns(r, n, NULL, 0);
	print_message("%zu addresses of a /16 in %.3f s\n", n, seconds() - start);
	assert_true(seconds() - start < 30);
	all_distinct(r, n);
	free(r);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_stable),
		cmocka_unit_test(test_order),	cmocka_unit_test(test_full),
		cmocka_unit_test(test_before),	cmocka_unit_test(test_newcomer),
		cmocka_unit_test(test_overlap), cmocka_unit_test(test_taken_fills),
		cmocka_unit_test(test_wide),	cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
