/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Health: what answers mean in a row, and the words of HealthTcp=. */
#include "health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(health_state_to_string(HEALTH_NONE), "");
	assert_string_equal(health_state_to_string(HEALTH_UNKNOWN), "unknown");
	assert_string_equal(health_state_to_string(HEALTH_HEALTHY), "healthy");
	assert_string_equal(health_state_to_string(HEALTH_UNHEALTHY), "unhealthy");
	assert_string_equal(health_state_to_string((enum health_state)9), "unknown");
}

/* Answers: w well, i ill, u unasked. States after each: what changed() would be called with, or '.'. */
static void test_rows_of_answers(void **state)
{
	static const struct {
		unsigned retries;
		const char *answers, *changes;
	} rows[] = {
		{3, "w", "H"},
		{3, "www", "H.."},
		{1, "i", "U"},
		{1, "iii", "U.."}, /* told once */
		{3, "ii", ".."},
		{3, "iii", "..U"},
		{3, "iiiiii", "..U..."},
		{3, "iiiw", "..UH"},
		{3, "iiw", "..H"},
		{3, "iiwiiwiiw", "..H......"}, /* only in a row */
		{3, "wiiiwiii", "H..UH..U"},
		{2, "wiwiwii", "H.....U"},
		{3, "uuuuuu", "......"}, /* it is unknown already */
		{3, "wuuu", "H..?"},
		{3, "wuuuu", "H..?."},
		{3, "wuuuw", "H..?H"},
		{3, "wuuwuu", "H....."},
		{3, "iiui", "...U"}, /* neither adds to the failures nor ends their row */
		{3, "wiuiui", "H....U"},
		{3, "wuuiuu", "H....."},
		{3, "wuuuiii", "H..?..U"},
		{3, "iiiuuuuu", "..U....."}, /* as long as it is not well again */
		{3, "iiiuuuiii", "..U......"},
		{3, "iiiuuuw", "..U...H"},
	};
	static const char states[] = {
		[HEALTH_UNKNOWN] = '?', [HEALTH_HEALTHY] = 'H', [HEALTH_UNHEALTHY] = 'U'};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct health_count c = {.state = HEALTH_UNKNOWN};
		char changes[16] = "";

		for (size_t n = 0; rows[i].answers[n]; n++) {
			char a = rows[i].answers[n];
			enum health_outcome o = a == 'w'   ? HEALTH_WELL
						: a == 'i' ? HEALTH_ILL
							   : HEALTH_UNASKED;

			changes[n] = health_take(&c, rows[i].retries, o) ? states[c.state] : '.';
		}
		if (strcmp(changes, rows[i].changes) != 0)
			fail_msg("%s with %u: %s, expected %s", rows[i].answers, rows[i].retries, changes,
				 rows[i].changes);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *address; /* NULL: refused */
		int port;
	} rows[] = {
		{"80", "127.0.0.1", 80},
		{"1", "127.0.0.1", 1},
		{"65535", "127.0.0.1", 65535},
		{"10.0.0.1:8080", "10.0.0.1", 8080},
		{"[::1]:443", "::1", 443},
		{"[fd00:30::2]:65535", "fd00:30::2", 65535},
		{"[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80},
		{"", NULL, 0},
		{"0", NULL, 0},
		{"65536", NULL, 0},
		{"99999999999999999999", NULL, 0},
		{"-1", NULL, 0},
		{"+80", NULL, 0},
		{" 80", NULL, 0},
		{"80 ", NULL, 0},
		{"0x50", NULL, 0},
		{"080", NULL, 0},
		{"http", NULL, 0},
		{":", NULL, 0},
		{":80", NULL, 0},
		{"10.0.0.1", NULL, 0},
		{"10.0.0.1:", NULL, 0},
		{"10.0.0:80", NULL, 0},
		{"10.0.0.1:80:80", NULL, 0},
		{"localhost:80", NULL, 0},
		{"::1:80", NULL, 0}, /* which one is the port? */
		{"::1", NULL, 0},
		{"[::1]", NULL, 0},
		{"[::1]80", NULL, 0},
		{"[::1:80", NULL, 0},
		{"::1]:80", NULL, 0},
		{"[]:80", NULL, 0},
		{"[:80", NULL, 0},
		{"[", NULL, 0},
		{"[10.0.0.1]:80", NULL, 0},
		{"[fe80::1%eth0]:80", NULL, 0},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sockaddr_storage s;
		const struct sockaddr_in *four = (const struct sockaddr_in *)&s;
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&s;
		char address[INET6_ADDRSTRLEN];
		int r;

		memset(&s, 0xee, sizeof(s));
		r = health_parse_tcp(rows[i].text, &s);
		if (r != (rows[i].address ? 0 : -EINVAL))
			fail_msg("%s: %d", rows[i].text, r);
		if (r < 0) {
			assert_int_equal(s.ss_family, 0xeeee); /* untouched */
			continue;
		}
		assert_non_null(inet_ntop(s.ss_family,
					  s.ss_family == AF_INET ? (const void *)&four->sin_addr
								 : (const void *)&six->sin6_addr,
					  address, sizeof(address)));
		assert_string_equal(address, rows[i].address);
		assert_int_equal(ntohs(s.ss_family == AF_INET ? four->sin_port : six->sin6_port),
				 rows[i].port);
	}
}

static void never(enum health_state state, const char *text, void *data)
{
	(void)state;
	(void)data;
	fail_msg("told at once: %s", text);
}

/* What the configuration has verified already, but a mistake must not divide or wait for nothing. */
static void test_bad_specs(void **state)
{
	char *const nothing[] = {NULL}, *const words[] = {"true", NULL};
	const struct health_spec rows[] = {
		{.retries = 3, .interval = 1000000},
		{.retries = 3, .interval = 1000000, .command = nothing},
		{.retries = 0, .interval = 1000000, .command = words},
		{.retries = 3, .interval = 1000000, .tcp = "nonsense"},
	};
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
	struct health *h = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(health_new(loop, NULL, &rows[i], never, NULL, &h), -EINVAL);
	/* Descriptors that are none. */
	assert_int_equal(health_new(loop, NULL,
				    &(struct health_spec){.retries = 1, .command = words, .leader_pidfd = -1},
				    never, NULL, &h),
			 -EBADF);
	assert_int_equal(health_new(loop, NULL,
				    &(struct health_spec){.retries = 1, .tcp = "80", .netns_fd = -1}, never,
				    NULL, &h),
			 -EBADF);
	assert_null(h);
	health_free(NULL);
	ev_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rows_of_answers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_bad_specs),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
