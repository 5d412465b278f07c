/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values: what is read, what is refused and with which errno, and that what is printed reads back. */
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED 0x5555555555555555ULL

/* Which row failed is what one wants to know of a table. */
#define CHECK(condition, what)                                                                               \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			fail_msg("\"%s\": %s", what, #condition);                                            \
	} while (0)

struct number_row {
	const char *text;
	int r;
	uint64_t value;
};

static void check_numbers(const struct number_row *rows, size_t n, int (*parse)(const char *, uint64_t *))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;

		CHECK(parse(rows[i].text, &value) == rows[i].r, rows[i].text);
		CHECK(value == (rows[i].r < 0 ? UNTOUCHED : rows[i].value), rows[i].text);
	}
}

static void test_bool(void **state)
{
	static const char *const yes[] = {"1", "yes", "y", "true", "t", "on", "YES", "True", "oN"};
	static const char *const no[] = {"0", "no", "n", "false", "f", "off", "No", "OFF"};
	static const char *const bad[] = {"", "2", "ye", "yess", " yes", "-1", "enable"};
	bool value;

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		value = false;
		CHECK(parse_bool(yes[i], &value) == 0 && value, yes[i]);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		value = true;
		CHECK(parse_bool(no[i], &value) == 0 && !value, no[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(parse_bool(bad[i], &value) == -EINVAL, bad[i]);
}

static void test_u64(void **state)
{
	static const struct number_row rows[] = {
		{"0", 0, 0},
		{"10", 0, 10},
		{"0x1F", 0, 31},
		{"0XfF", 0, 255},
		{"017", 0, 15},
		{"00", 0, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"99999999999999999999999x", -EINVAL, 0},
		{"0xffffffffffffffff", 0, UINT64_MAX},
		{"0x10000000000000000", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"08", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1a", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
	};

	(void)state;
	check_numbers(rows, COUNT(rows), parse_u64);
}

static int parse_signed(const char *text, uint64_t *ret)
{
	int64_t value = 0;
	int r = parse_s64(text, &value);

	if (r == 0)
		*ret = (uint64_t)value;
	return r;
}

static void test_s64(void **state)
{
	static const struct number_row rows[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"-1", 0, UINT64_MAX},
		{"+7", 0, 7},
		{"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775808", 0, (uint64_t)INT64_MIN},
		{"-9223372036854775809", -ERANGE, 0},
		{"--1", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"- 1", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	check_numbers(rows, COUNT(rows), parse_signed);
}

static void test_size(void **state)
{
	static const struct number_row rows[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"4096B", 0, 4096},
		{"64K", 0, 65536},
		{"64 K", 0, 65536},
		{"1.5M", 0, 1572864},
		{".5K", 0, 512},
		{"1G 512M", 0, 1610612736},
		{"1G512M", 0, 1610612736},
		{"1K 1", 0, 1025},
		{"2T", 0, 2199023255552},
		{"3P", 0, 3377699720527872},
		{"15E", 0, 15ULL << 60},
		{"0.3K", 0, 307}, /* cut, not rounded */
		{"15.9999999999999999999999E", 0, (16ULL << 60) - 1},
		{"16E", -ERANGE, 0},
		{"15E 1025P", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"512M 1G", -EINVAL, 0}, /* units only fall */
		{"1K 2K", -EINVAL, 0},
		{"1 2", -EINVAL, 0},
		{"1k", -EINVAL, 0},
		{"1KB", -EINVAL, 0},
		{"1KiB", -EINVAL, 0},
		{"K", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{".", -EINVAL, 0},
		{"1.5.2M", -EINVAL, 0},
		{"-1K", -EINVAL, 0},
		{"+1K", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" ", -EINVAL, 0},
		{"infinity", -EINVAL, 0},
	};

	(void)state;
	check_numbers(rows, COUNT(rows), parse_size);
}

#define SEC 1000000ULL

static void test_usec(void **state)
{
	static const struct number_row rows[] = {
		{"5", 0, 5 * SEC},
		{"0", 0, 0},
		{"1usec", 0, 1},
		{"1us", 0, 1},
		{"1\xc2\xb5s", 0, 1},
		{"1\xce\xbcs", 0, 1},
		{"1msec", 0, 1000},
		{"1ms", 0, 1000},
		{"1seconds", 0, SEC},
		{"1second", 0, SEC},
		{"1sec", 0, SEC},
		{"1s", 0, SEC},
		{"1minutes", 0, 60 * SEC},
		{"1minute", 0, 60 * SEC},
		{"1min", 0, 60 * SEC},
		{"1m", 0, 60 * SEC},
		{"1hours", 0, 3600 * SEC},
		{"1hour", 0, 3600 * SEC},
		{"1hr", 0, 3600 * SEC},
		{"1h", 0, 3600 * SEC},
		{"1days", 0, 86400 * SEC},
		{"1day", 0, 86400 * SEC},
		{"1d", 0, 86400 * SEC},
		{"1weeks", 0, 604800 * SEC},
		{"1week", 0, 604800 * SEC},
		{"1w", 0, 604800 * SEC},
		{"1months", 0, 2629800 * SEC},
		{"1month", 0, 2629800 * SEC},
		{"1M", 0, 2629800 * SEC},
		{"1years", 0, 31557600 * SEC},
		{"1year", 0, 31557600 * SEC},
		{"1y", 0, 31557600 * SEC},
		{"2 h", 0, 7200 * SEC},
		{"1min 30s", 0, 90 * SEC},
		{"1min30", 0, 90 * SEC},
		{"48hr", 0, 172800 * SEC},
		{"1y 12month", 0, 63115200 * SEC},
		{"55s500ms", 0, 55500000},
		{"300ms20s 5day", 0, 432020300000},
		{"  5\t", 0, 5 * SEC},
		{"5 5", 0, 10 * SEC},
		{"0.5", 0, SEC / 2},
		{".5s", 0, SEC / 2},
		{"2.5min", 0, 150 * SEC},
		{"12.34 .56", 0, 12900000},
		{"12.34s.56", 0, 12900000},
		{"0.000001", 0, 1},
		{"0.0000019", 0, 1},
		{"3.3333333333333333333333333333s", 0, 3333333},
		{"infinity", 0, USEC_INFINITY},
		{" infinity ", 0, USEC_INFINITY},
		{"18446744073709551614us", 0, USEC_INFINITY - 1},
		{"18446744073709551615us", -ERANGE, 0},
		{"584543y", -ERANGE, 0},
		{"18446744073709551614us 1us", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"99999999999999999999999x", -EINVAL, 0},
		{"12.34.56", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"3.s", -EINVAL, 0},
		{"3. 1", -EINVAL, 0},
		{"3.+1", -EINVAL, 0},
		{"0.-0", -EINVAL, 0},
		{"-5", -EINVAL, 0},
		{"+5", -EINVAL, 0},
		{"5 sekunden", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5ss", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"  ", -EINVAL, 0},
		{"infinity 5", -EINVAL, 0},
		{"infinit", -EINVAL, 0},
		{"5 infinity", -EINVAL, 0},
	};

	(void)state;
	check_numbers(rows, COUNT(rows), parse_usec);
}

static void test_format_usec(void **state)
{
	static const struct {
		uint64_t usec;
		const char *text;
	} rows[] = {
		{0, "0"},
		{1, "1us"},
		{1500000, "1s 500ms"},
		{90 * SEC, "1min 30s"},
		{86400 * SEC, "1d"},
		{30 * 86400 * SEC, "4w 2d"},
		{31557600 * SEC, "1y"},
		{USEC_INFINITY, "infinity"},
	};
	char text[FORMAT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(format_usec(rows[i].usec, text), rows[i].text);
}

/* A small generator: the same numbers in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void test_round_trip(void **state)
{
	uint64_t seed = 88172645463325252ULL, edges[] = {0, 1, 999, 1000, 1023, 1024, 1025, UINT64_MAX - 1};

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		uint64_t n = i < COUNT(edges) ? edges[i] : next_random(&seed) >> (i % 64), back = UNTOUCHED;
		char text[FORMAT_MAX];

		CHECK(parse_usec(format_usec(n, text), &back) == 0 && back == n, text);
		back = UNTOUCHED;
		CHECK(parse_size(format_size(n, text), &back) == 0 && back == n, text);
	}
	for (size_t i = 0; i < 64; i++) { /* exact units */
		uint64_t n = 1ULL << i, back = UNTOUCHED;
		char text[FORMAT_MAX];

		CHECK(parse_size(format_size(n, text), &back) == 0 && back == n, text);
		CHECK(strlen(text) <= 4, text);
	}
}

/* --- words ---------------------------------------------------------------------------------- */

static void test_words(void **state)
{
	/* Words are joined by '|' for comparison. */
	static const struct {
		const char *text;
		int n; /* or -errno */
		const char *words;
	} rows[] = {
		{"", 0, ""},
		{"  \t ", 0, ""},
		{"a", 1, "a"},
		{" a  b\tc\n", 3, "a|b|c"},
		{"\"a b\" c", 2, "a b|c"},
		{"'a b' c", 2, "a b|c"},
		{"\"\" ''", 2, "|"},
		{"a\"b c\"d", 1, "ab cd"},
		{"a'b'\"c\"", 1, "abc"},
		{"\"it's\" 'say \"x\"'", 2, "it's|say \"x\""},
		{"\\a\\b\\f\\n\\r\\t\\v", 1, "\a\b\f\n\r\t\v"},
		{"\\\\ \\\" \\' \\s", 4, "\\|\"|'| "},
		{"a\\sb", 1, "a b"},
		{"\\x41\\101", 1, "AA"},
		{"\\xff\\377", 1, "\xff\xff"},
		{"\\u00e4 \\U0001F600", 2, "\xc3\xa4|\xf0\x9f\x98\x80"},
		{"\\u20ac", 1, "\xe2\x82\xac"},
		{"'\\x41'", 1, "A"}, /* escapes in single quotes too, as in systemd */
		{"a=b;c #d", 2, "a=b;c|#d"},
		{"\xc3\xa4 x", 2, "\xc3\xa4|x"},
		{"\"a", -EINVAL, NULL},
		{"a'", -EINVAL, NULL},
		{"a\"b'", -EINVAL, NULL},
		{"a\\", -EINVAL, NULL},
		{"\\q", -EINVAL, NULL},
		{"a\\ b", -EINVAL, NULL},
		{"\\x4", -EINVAL, NULL},
		{"\\xg1", -EINVAL, NULL},
		{"\\x00", -EINVAL, NULL},
		{"\\000", -EINVAL, NULL},
		{"\\u0000", -EINVAL, NULL},
		{"\\400", -EINVAL, NULL},
		{"\\18", -EINVAL, NULL},
		{"\\ud800", -EINVAL, NULL},
		{"\\U00110000", -EINVAL, NULL},
		{"\\u12", -EINVAL, NULL},
		{"good \"bad", -EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char **words = NULL, *joined;
		int r = parse_words(rows[i].text, &words);

		CHECK(r == (rows[i].n < 0 ? rows[i].n : 0), rows[i].text);
		CHECK((int)strv_length(words) == (rows[i].n < 0 ? 0 : rows[i].n), rows[i].text);
		joined = strv_join(words, "|");
		CHECK(!strcmp(joined, rows[i].words ? rows[i].words : ""), rows[i].text);
		free(joined);
		strv_free(words);
	}
}

/* Words are added behind those that are there, or, on an error, none is. */
static void test_words_append(void **state)
{
	char **words = NULL;

	(void)state;
	assert_int_equal(parse_words("a b", &words), 0);
	assert_int_equal(parse_words("c \"", &words), -EINVAL);
	assert_int_equal(strv_length(words), 2);
	assert_int_equal(parse_words("c d e f g h i", &words), 0);
	assert_int_equal(strv_length(words), 9);
	assert_string_equal(words[0], "a");
	assert_string_equal(words[2], "c");
	assert_string_equal(words[8], "i");
	strv_free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bool),	     cmocka_unit_test(test_u64),
		cmocka_unit_test(test_s64),	     cmocka_unit_test(test_size),
		cmocka_unit_test(test_usec),	     cmocka_unit_test(test_format_usec),
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_append),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
