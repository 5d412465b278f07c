/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings: builder, vectors, names, UTF-8, escapes, the nearest word. */
#include "str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_strbuf(void **state)
{
	struct strbuf b = {0};
	char *text;

	(void)state;
	text = strbuf_finish(&b);
	assert_string_equal(text, "");
	free(text);
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&b, "%03d", i);
	strbuf_puts(&b, "x");
	strbuf_append(&b, "yzzz", 1);
	assert_int_equal(b.length, 3002);
	text = strbuf_finish(&b);
	assert_int_equal(strlen(text), 3002);
	assert_memory_equal(text + 2997, "999xy", 6);
	assert_null(b.data);
	free(text);
}

/* A failure stays until the end, and nothing is added behind the gap. */
static void test_strbuf_failed(void **state)
{
	struct strbuf b = {0};

	(void)state;
	strbuf_puts(&b, "a");
	strbuf_append(&b, "b", SIZE_MAX / 2);
	assert_true(b.failed);
	strbuf_puts(&b, "c");
	assert_string_equal(b.data, "a");
	assert_null(strbuf_finish(&b));
	assert_false(b.failed);
	strbuf_free(&b);
}

static void test_strv(void **state)
{
	char **v = NULL, **copy = NULL;
	char *text;

	(void)state;
	assert_int_equal(strv_length(NULL), 0);
	assert_false(strv_contains(NULL, "a"));
	assert_true(strv_equal(NULL, NULL));
	assert_int_equal(strv_copy(NULL, &copy), 0);
	assert_null(copy);
	text = strv_join(NULL, ",");
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(strv_push(&v, "one"), 0);
	assert_int_equal(strv_push(&v, ""), 0);
	assert_int_equal(strv_push(&v, "three"), 0);
	assert_int_equal(strv_length(v), 3);
	assert_true(strv_contains(v, "three"));
	assert_false(strv_contains(v, "thre"));
	assert_int_equal(strv_copy(v, &copy), 0);
	assert_true(strv_equal(v, copy));
	assert_int_equal(strv_push(&copy, "four"), 0);
	assert_false(strv_equal(v, copy));
	assert_false(strv_equal(v, NULL));
	text = strv_join(v, ", ");
	assert_string_equal(text, "one, , three");
	free(text);
	strv_free(v);
	strv_freep(&copy);
	strv_free(NULL);
}

static void test_compare(void **state)
{
	char *field = NULL;

	(void)state;
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
	assert_true(str_equal("a", "a"));
	assert_true(str_starts_with("eth0", "eth"));
	assert_false(str_starts_with("et", "eth"));
	assert_true(str_ends_with("a.netns", ".netns"));
	assert_false(str_ends_with("netns", ".netns"));
	assert_int_equal(str_replace(&field, "a"), 0);
	assert_int_equal(str_replace(&field, field), 0); /* its own value */
	assert_string_equal(field, "a");
	assert_int_equal(str_replace(&field, NULL), 0);
	assert_null(field);
}

static void test_netns_name(void **state)
{
	static const char *const good[] = {"a", "lab@x", "a.b", "A_9-z:+", "0"};
	static const char *const bad[] = {"",	 ".",	"..",	    ".a", "-a", "a/b",
					  "a b", "a\n", "\xc3\xa4", "a%", "a\\"};
	char name[202];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(netns_name_is_valid(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(netns_name_is_valid(bad[i]));
	memset(name, 'a', 201);
	name[201] = '\0';
	assert_false(netns_name_is_valid(name));
	name[200] = '\0';
	assert_true(netns_name_is_valid(name));
}

static void test_ifname(void **state)
{
	static const char *const good[] = {"lo",  "eth0",    "br-lan", "a@b", "123456789012345",
					   "...", "\xc3\xa4"};
	static const char *const bad[] = {"",	     ".",   "..",    "a/b", "a:b",     "a b",
					  "a\tb",    "a%d", "a\x7f", "all", "default", "1234567890123456",
					  "\xc3\xa0" /* ends in 0xa0, white space to the kernel */};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(ifname_is_valid(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(ifname_is_valid(bad[i]));
}

/* These names are in people's kernels: a change here renames their links. */
static void test_shorten(void **state)
{
	static const struct {
		const char *wanted, *name;
	} table[] = {
		{"eth0", "eth0"},
		{"ns-upstream", "ns-upstream"},
		{"123456789012345", "123456789012345"},
		{"1234567890123456", "1234567-au7uzko"},
		{"ns-a-rather-long-name", "ns-a-ra-qq755o6"},
		{"ns-a-rather-long-namf", "ns-a-ra-fg555o6"},
		{"ns-a:b", "ns-a_b-fora4bv"},
		{"", "barn3nl"},
	};
	char name[IFNAMSIZ];

	(void)state;
	assert_true(str_hash("") == 0xcbf29ce484222325ULL);
	assert_true(str_hash("a") == 0xaf63dc4c8601ec8cULL);
	assert_true(str_hash("foobar") == 0x85944171f73967e8ULL);
	for (size_t i = 0; i < COUNT(table); i++) {
		ifname_shorten(table[i].wanted, name);
		assert_string_equal(name, table[i].name);
		assert_true(ifname_is_valid(name));
	}
	/* Halved characters do not stay. */
	ifname_shorten("abcdef\xc3\xa4ghijklmnop", name);
	assert_memory_equal(name, "abcdef_-", 8);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t c;
	} table[] = {
		{"a", 1, 'a'},
		{"\xc2\x80", 2, 0x80},
		{"\xdf\xbf", 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 0x800},
		{"\xef\xbf\xbf", 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
		{"\x80", 0, 0},
		{"\xc0\x80", 0, 0},	    /* overlong */
		{"\xc1\xbf", 0, 0},	    /* overlong */
		{"\xe0\x9f\xbf", 0, 0},	    /* overlong */
		{"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
		{"\xed\xa0\x80", 0, 0},	    /* surrogate */
		{"\xed\xbf\xbf", 0, 0},	    /* surrogate */
		{"\xf4\x90\x80\x80", 0, 0}, /* beyond Unicode */
		{"\xf8\x88\x80\x80\x80", 0, 0},
		{"\xff", 0, 0},
		{"\xc3", 0, 0}, /* cut off */
		{"\xe2\x82", 0, 0},
		{"\xc3"
		 "a",
		 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t c = 0;

		assert_int_equal(utf8_decode(table[i].text, strlen(table[i].text), &c), table[i].length);
		assert_int_equal(c, table[i].c);
	}
	assert_int_equal(utf8_decode("", 0, NULL), 0);
	assert_int_equal(utf8_decode("", 1, NULL), 1); /* NUL is a character */
}

static void test_clean(void **state)
{
	(void)state;
	assert_true(text_is_clean("", 0));
	assert_true(text_is_clean("a\tb \xc3\xa4\xf0\x9f\x98\x80", 10));
	assert_false(text_is_clean("a\0b", 3));
	assert_false(text_is_clean("a\nb", 3));
	assert_false(text_is_clean("a\x1b[2J", 5));
	assert_false(text_is_clean("\x7f", 1));
	assert_false(text_is_clean("\xc2\x9b", 2)); /* a terminal's CSI */
	assert_false(text_is_clean("\xc3", 1));
}

static void test_format(void **state)
{
	char buffer[10];

	(void)state;
	assert_int_equal(str_format(buffer, sizeof(buffer), "%s", "123456789"), 9);
	assert_string_equal(buffer, "123456789");
	assert_int_equal(str_format(buffer, sizeof(buffer), "%s", "1234567890"), 9);
	assert_string_equal(buffer, "123456...");
	/* The cut would fall into the character: it goes as a whole. */
	assert_int_equal(str_format(buffer, sizeof(buffer), "12345\xc3\xa4%s", "890"), 8);
	assert_string_equal(buffer, "12345...");
	assert_int_equal(str_format(buffer, sizeof(buffer), "1234\xc3\xa4%s", "890"), 9);
	assert_string_equal(buffer, "1234\xc3\xa4"
				    "890");
	str_format(buffer, sizeof(buffer), "a\n=\x1b=\x7f\xc2\x9b");
	assert_string_equal(buffer, "a?=?=???");
}

static void test_escape(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *escaped;
	} table[] = {
		{"plain text", 10, "plain text"},
		{"\a\b\f\n\r\t\v\\", 8, "\\a\\b\\f\\n\\r\\t\\v\\\\"},
		{"a\0b", 3, "a\\x00b"},
		{"\xc3\xa4\x1b\x7f", 4, "\\xc3\\xa4\\x1b\\x7f"},
		{"", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *escaped = str_escape(table[i].text, table[i].length);

		assert_string_equal(escaped, table[i].escaped);
		free(escaped);
	}
}

/* As systemd-escape(1) makes them, and as people write them. */
static void test_instance(void **state)
{
	static const struct {
		const char *instance, *name; /* NULL: none */
	} table[] = {
		{"lab", "lab"},	    {"a-b", "a-b"}, /* not a/b */
		{"a\\x2db", "a-b"}, {"a\\x2Db\\x2bc", "a-b+c"},
		{"\\x40", "@"},	    {"", ""},
		{"a\\x00b", NULL},  {"a\\x2", NULL},
		{"a\\x", NULL},	    {"a\\", NULL},
		{"a\\n", NULL},	    {"a\\xgg", NULL},
		{"a\\x2g", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *name = NULL;
		int r = unit_instance_unescape(table[i].instance, &name);

		assert_int_equal(r, table[i].name ? 0 : -EINVAL);
		if (table[i].name)
			assert_string_equal(name, table[i].name);
		else
			assert_null(name);
		free(name);
	}
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"Address",	"AddressPool", "Gateway", "MACAddress",
					    "MTUBytes", "no",	       NULL};
	static const struct {
		const char *word, *nearest;
	} table[] = {
		{"Adress", "Address"},
		{"address", "Address"}, /* case is ignored */
		{"GATEWAY", "Gateway"},
		{"Gatewya", "Gateway"}, /* neighbours swapped: one mistake */
		{"MTUBtyes", "MTUBytes"},
		{"AdressPol", "AddressPool"},
		{"Gtwy", NULL}, /* 3 of at most 1 */
		{"on", "no"},
		{"xy", NULL},
		{"n", NULL},
		{"q", NULL},
		{"", NULL},
		{"PreferredLifetime", NULL},
		{"Address", "Address"},
	};
	char longer[66];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *nearest = str_nearest(table[i].word, words);

		if (table[i].nearest)
			assert_string_equal(nearest ? nearest : "(none)", table[i].nearest);
		else
			assert_null(nearest);
	}
	memset(longer, 'a', 65);
	longer[65] = '\0';
	assert_null(str_nearest(longer, (const char *[]){longer, NULL}));
	longer[64] = '\0';
	assert_non_null(str_nearest(longer, (const char *[]){longer, NULL}));
	assert_null(str_nearest("a", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strbuf),	   cmocka_unit_test(test_strbuf_failed),
		cmocka_unit_test(test_strv),	   cmocka_unit_test(test_compare),
		cmocka_unit_test(test_netns_name), cmocka_unit_test(test_ifname),
		cmocka_unit_test(test_shorten),	   cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_clean),	   cmocka_unit_test(test_format),
		cmocka_unit_test(test_escape),	   cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_instance),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
