/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed keys: what every type takes, what it answers to what it does not take, and that a printed
 * value reads back as the same. */
#include "lib_key.h"

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

static const struct conf_key *row(int id)
{
	return &sample_keys[id - 1];
}

static char *print(int id, const struct sample *s)
{
	struct strbuf out = {0};

	key_print(row(id), s, &out);
	return strbuf_finish(&out);
}

static void test_find(void **state)
{
	(void)state;
	for (int i = KEY_U8; i < KEY_END; i++)
		assert_int_equal(key_find(sample_keys, row(i)->name), i - 1);
	assert_int_equal(key_find(sample_keys, "u8"), -ENOENT);
	assert_int_equal(key_find(sample_keys, ""), -ENOENT);
	assert_int_equal(key_find(NULL, "U8"), -ENOENT);
}

/* Text, what is printed for it (NULL: the same). The value goes round: print, parse, equal, print. */
static const struct good {
	int id;
	const char *text, *printed;
} good[] = {
	{KEY_U8, "255", NULL},
	{KEY_U8, "0xff", "255"},
	{KEY_U8, "0", NULL},
	{KEY_U16, "1", NULL},
	{KEY_U16, "4094", NULL},
	{KEY_U32, "4294967295", NULL},
	{KEY_U64, "18446744073709551615", NULL},
	{KEY_BE16, "4789", NULL},
	{KEY_BE32, "16909060", NULL},
	{KEY_I8, "-128", NULL},
	{KEY_I8, "127", NULL},
	{KEY_I32, "-20", NULL},
	{KEY_I32, "+19", "19"},
	{KEY_I64, "-9223372036854775808", NULL},
	{KEY_I64, "9223372036854775807", NULL},
	{KEY_Flag, "on", "yes"},
	{KEY_Flag, "no", NULL},
	{KEY_Flag8, "True", "yes"},
	{KEY_Flag32, "1", "yes"},
	{KEY_Size, "64K", NULL},
	{KEY_Size, "1.5K", "1536"},
	{KEY_Size, "1M", NULL},
	{KEY_Size64, "15E", NULL},
	{KEY_Size64, "0", NULL},
	{KEY_Sec, "90", "1min 30s"},
	{KEY_Sec, "0", NULL},
	{KEY_Sec, "infinity", NULL},
	{KEY_Sec, "4294967294", "136y 1month 5d 19h 58min 14s"},
	{KEY_Sec64, "1h", NULL},
	{KEY_Sec64, "infinity", NULL},
	{KEY_Sec64, "18446744073709s", "584542y 2w 2d 20h 1min 49s"},
	{KEY_SecBound, "1h", NULL},
	{KEY_CSec, "10ms", NULL},
	{KEY_CSec, "2.5", "2s 500ms"},
	{KEY_Mode, "private", NULL},
	{KEY_Mode, "source", NULL},
	{KEY_VLAN, "none", NULL},
	{KEY_VLAN, "1", NULL},
	{KEY_TTL, "inherit", NULL},
	{KEY_TTL, "auto", NULL},
	{KEY_TTL, "255", NULL},
	{KEY_String, "some text with \"quotes\" and 'more'", NULL},
	{KEY_String, "ends in two \\\\", NULL},
	{KEY_Text, "\xc3\xa4\tb", NULL},
	{KEY_IfName, "eth0", NULL},
	{KEY_IfName, "123456789012345", NULL},
	{KEY_MAC, "02-00-00-00-00-0A", "02:00:00:00:00:0a"},
	{KEY_IP, "10.0.0.1", NULL},
	{KEY_IP, "FD00::1", "fd00::1"},
	{KEY_IP4, "0.0.0.0", NULL},
	{KEY_IP6, "::", NULL},
	{KEY_Prefix, "10.0.0.2/24", NULL},
	{KEY_Prefix, "10.0.0.2", "10.0.0.2/32"},
	{KEY_Prefix, "fd00::2", "fd00::2/128"},
	{KEY_Prefix4, "0.0.0.0/0", NULL},
	{KEY_Words, "a b  c", "a b c"},
	{KEY_Words, "\"a b\" '' \"it's\" 'say \"x\"'", "\"a b\" \"\" \"it's\" \"say \\\"x\\\"\""},
	{KEY_Words, "\\x01\\n\\t\\\\ \xc3\xa4", "\\x01\\x0a\\x09\\\\ \xc3\xa4"},
	{KEY_Words, "\\u0085 x\\x7f", "\\xc2\\x85 x\\x7f"},
	{KEY_Lines, "one line \"as it is\"", NULL},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct conf_key *key = row(good[i].id);
		struct sample a, b;
		struct error err = {0};
		char *text, *again;

		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		if (key_parse(key, &a, good[i].text, &err) != 0)
			fail_msg("%s=%s: %s", key->name, good[i].text, err.text);
		assert_string_equal(err.text, "");
		text = print(good[i].id, &a);
		assert_string_equal(text, good[i].printed ? good[i].printed : good[i].text);
		assert_int_equal(key_parse(key, &b, text, &err), 0);
		if (!key_equal(key, &a, &b))
			fail_msg("%s=%s: %s does not read back", key->name, good[i].text, text);
		again = print(good[i].id, &b);
		assert_string_equal(text, again);
		free(text);
		free(again);
		/* An empty value resets. */
		assert_int_equal(key_parse(key, &a, "", &err), 1);
		key_table_free(sample_keys, &b);
		memset(&b, 0, sizeof(b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

#define NUMBER16 "expected a number from 1 to 4094"

/* What is refused, and the whole sentence. */
static const struct bad {
	int id;
	const char *text, *message;
} bad[] = {
	{KEY_U8, "256", "expected a number from 0 to 255, not \"256\""},
	{KEY_U8, "-1", "expected a number from 0 to 255, not \"-1\""},
	{KEY_U16, "0", NUMBER16 ", not \"0\""},
	{KEY_U16, "4095", NUMBER16 ", not \"4095\""},
	{KEY_U16, "ten", NUMBER16 ", not \"ten\""},
	{KEY_U16, "99999999999999999999", NUMBER16 ", not \"99999999999999999999\""},
	{KEY_U64, "18446744073709551616",
	 "expected a number from 0 to 18446744073709551615, not \"18446744073709551616\""},
	{KEY_BE16, "65536", "expected a number from 0 to 65535, not \"65536\""},
	{KEY_I8, "-129", "expected a number from -128 to 127, not \"-129\""},
	{KEY_I8, "128", "expected a number from -128 to 127, not \"128\""},
	{KEY_I32, "-21", "expected a number from -20 to 19, not \"-21\""},
	{KEY_Flag, "maybe", "expected yes or no, not \"maybe\""},
	{KEY_Size, "1023", "expected a size from 1K to 1M, not \"1023\""},
	{KEY_Size, "1T", "expected a size from 1K to 1M, not \"1T\""},
	{KEY_Size, "64k", "expected a size in bytes such as 4096, 64K or 1.5M, not \"64k\""},
	{KEY_Size64, "16E", "expected a size from 0 to 18446744073709551615, not \"16E\""},
	{KEY_SecBound, "infinity", "expected a time span from 1s to 1h, not \"infinity\""},
	{KEY_SecBound, "0", "expected a time span from 1s to 1h, not \"0\""},
	{KEY_SecBound, "61min", "expected a time span from 1s to 1h, not \"61min\""},
	{KEY_SecBound, "5 apples", "expected a time span such as 30, 90s or 1min 30s, not \"5 apples\""},
	{KEY_Sec, "4294967296", "expected a time span from 0 to infinity, not \"4294967296\""},
	{KEY_Sec, "1500ms", "expected a whole number of seconds, not \"1500ms\""},
	{KEY_CSec, "1ms", "expected a whole number of 1/100 seconds, not \"1ms\""},
	{KEY_CSec, "infinity",
	 "expected a time span from 0 to 1y 4month 1w 3d 2h 27min 52s 950ms, not \"infinity\""},
	{KEY_Mode, "brigde",
	 "expected private, vepa, bridge, passthru or source, not \"brigde\"; did you mean bridge?"},
	{KEY_Mode, "4", "expected private, vepa, bridge, passthru or source, not \"4\""},
	{KEY_VLAN, "0", NUMBER16 ", or none, not \"0\""},
	{KEY_VLAN, "non", NUMBER16 ", or none, not \"non\"; did you mean none?"},
	{KEY_TTL, "0", "expected a number from 1 to 255, or inherit or auto, not \"0\""},
	{KEY_String, "a\nb", "expected UTF-8 text without control characters, not \"a?b\""},
	{KEY_String, "a\\", "expected text that does not end in a single backslash, not \"a\\\""},
	{KEY_Lines, "a\xff", "expected UTF-8 text without control characters, not \"a\xff\""},
	{KEY_IfName, "1234567890123456",
	 "expected an interface name of 1 to 15 characters without '/', ':', '%' and blanks, not "
	 "\"1234567890123456\""},
	{KEY_IfName, "a\xff",
	 "expected an interface name of 1 to 15 characters without '/', ':', '%' and blanks, not \"a\xff\""},
	{KEY_MAC, "02:00", "expected a MAC address such as 02:00:00:00:00:01, not \"02:00\""},
	{KEY_MAC, "01:00:5e:00:00:01",
	 "expected the MAC address of one station (no multicast, not all zero), not \"01:00:5e:00:00:01\""},
	{KEY_MAC, "0:0:0:0:0:0",
	 "expected the MAC address of one station (no multicast, not all zero), not \"0:0:0:0:0:0\""},
	{KEY_IP, "10.1", "expected an IP address such as 10.0.0.1 or fd00::1, not \"10.1\""},
	{KEY_IP, "10.0.0.0/8", "expected an IP address such as 10.0.0.1 or fd00::1, not \"10.0.0.0/8\""},
	{KEY_IP4, "::1", "expected an IPv4 address, not \"::1\""},
	{KEY_IP6, "1.2.3.4", "expected an IPv6 address, not \"1.2.3.4\""},
	{KEY_Prefix, "10.0.0.1/33",
	 "expected a prefix length of at most 32 (IPv4) or 128 (IPv6), not \"10.0.0.1/33\""},
	{KEY_Prefix, "x",
	 "expected an IP address with prefix length such as 10.0.0.1/24 or fd00::1/64, not \"x\""},
	{KEY_Prefix4, "fd00::/8", "expected an IPv4 address, not \"fd00::/8\""},
	{KEY_Words, "\"a", "expected words with balanced quotes and known escapes, not \"\"a\""},
	{KEY_Words, "ok \\xff", "expected words that are UTF-8 text, not \"ok \\xff\""},
	{KEY_Flag, "a value that is much longer than anybody would like to read in a message",
	 "expected yes or no, not \"a value that is much longer than anybody...\""},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sample before, s;
		struct error err = {0};

		memset(&s, 0x55, sizeof(s));
		s.string = s.text = NULL;
		s.words = s.lines = NULL;
		memcpy(&before, &s, sizeof(s));
		if (key_parse(row(bad[i].id), &s, bad[i].text, &err) != -EINVAL)
			fail_msg("%s=%s was taken", row(bad[i].id)->name, bad[i].text);
		assert_string_equal(err.text, bad[i].message);
		assert_int_equal(err.code, -EINVAL);
		assert_memory_equal(&s, &before, sizeof(s));
		assert_int_equal(key_parse(row(bad[i].id), &s, bad[i].text, NULL), -EINVAL);
	}
}

/* Neighbours of a field stay as they are. */
static void test_width(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct conf_key *key = row(good[i].id), *next = NULL;
		size_t end = sizeof(struct sample);
		struct sample s;
		uint8_t *bytes = (uint8_t *)&s;

		for (int k = KEY_U8; k < KEY_END; k++)
			if (row(k)->offset > key->offset && (!next || row(k)->offset < next->offset))
				next = row(k);
		if (next)
			end = next->offset;
		memset(&s, 0, sizeof(s));
		assert_int_equal(key_parse(key, &s, good[i].text, NULL), 0);
		for (size_t k = 0; k < sizeof(s); k++)
			if (k < key->offset || k >= end)
				assert_int_equal(bytes[k], 0);
		key_table_free(sample_keys, &s);
	}
}

static void test_lists(void **state)
{
	struct error err = {0};
	struct sample s = {0};
	char *text;

	(void)state;
	assert_int_equal(key_parse(row(KEY_Words), &s, "a b", &err), 0);
	assert_int_equal(key_parse(row(KEY_Words), &s, "c", &err), 0);
	assert_int_equal(key_parse(row(KEY_Words), &s, "d 'e", &err), -EINVAL);
	text = print(KEY_Words, &s);
	assert_string_equal(text, "a b c");
	free(text);
	assert_int_equal(key_parse(row(KEY_Words), &s, "", &err), 1);
	assert_null(s.words);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(key_parse(row(KEY_Lines), &s, "x y", &err), 0);
	assert_int_equal(strv_length(s.lines), 1024);
	assert_int_equal(key_parse(row(KEY_Lines), &s, "z", &err), -EINVAL);
	assert_string_equal(err.text, "Lines has more than 1024 elements");
	assert_int_equal(strv_length(s.lines), 1024);
	assert_string_equal(s.lines[1023], "x y");
	key_table_free(sample_keys, &s);
	assert_null(s.lines);
}

/* Random words of all characters, printed and read again. */
static void test_random_words(void **state)
{
	static const char *const pieces[] = {
		"a",	    " ", "\"", "'", "\\", "\t",	 "\n", "\x01", "\x7f", "\xc3\xa4",
		"\xc2\x85", "#", ";",  "=", "[",  "x41", "s",  "%",    "\r",   "\xf0\x9f\x98\x80"};
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct sample a = {0}, b = {0};
		char *text;

		for (unsigned w = round % 4; w > 0; w--) {
			struct strbuf word = {0};
			char *done;

			for (unsigned i = (seed >> 16) % 8; i > 0; i--) {
				seed = seed * 1103515245 + 12345;
				strbuf_puts(&word, pieces[(seed >> 16) % COUNT(pieces)]);
			}
			seed = seed * 1103515245 + 12345;
			done = strbuf_finish(&word);
			assert_int_equal(strv_push(&a.words, done), 0);
			free(done);
		}
		text = print(KEY_Words, &a);
		assert_true(text_is_clean(text, strlen(text)));
		assert_true(key_parse(row(KEY_Words), &b, text, NULL) >= 0);
		if (!key_equal(row(KEY_Words), &a, &b))
			fail_msg("%s does not read back", text);
		free(text);
		key_table_free(sample_keys, &a);
		key_table_free(sample_keys, &b);
	}
}

static void test_equal(void **state)
{
	struct sample a = {0}, b = {0};

	(void)state;
	for (int i = KEY_U8; i < KEY_END; i++)
		assert_true(key_equal(row(i), &a, &b));
	a.flag8 = 1;
	b.flag8 = 2; /* both are true */
	assert_true(key_equal(row(KEY_Flag8), &a, &b));
	b.flag8 = 0;
	assert_false(key_equal(row(KEY_Flag8), &a, &b));
	a.string = strdup("");
	assert_false(key_equal(row(KEY_String), &a, &b));
	a.ip.family = 2;
	assert_false(key_equal(row(KEY_IP), &a, &b));
	a.u64 = 1ULL << 40;
	assert_false(key_equal(row(KEY_U64), &a, &b));
	key_table_free(sample_keys, &a);
}

/* Values no table has a word for, as a newer kernel may report them. */
static void test_print_unknown(void **state)
{
	struct sample s = {.mode = 77, .sec64 = UINT64_MAX - 1};
	char *text = print(KEY_Mode, &s);

	(void)state;
	assert_string_equal(text, "77");
	free(text);
	text = print(KEY_Sec64, &s);
	assert_string_equal(text, "18446744073709551614s");
	free(text);
	text = print(KEY_IP, &s);
	assert_string_equal(text, "");
	free(text);
}

static void test_missing(void **state)
{
	(void)state;
	assert_ptr_equal(key_table_missing(sample_keys, 0), row(KEY_U8));
	assert_ptr_equal(key_table_missing(sample_keys, ~1ULL), row(KEY_U8));
	assert_null(key_table_missing(sample_keys, 1));
	assert_null(key_table_missing(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),	cmocka_unit_test(test_width),
		cmocka_unit_test(test_lists),	cmocka_unit_test(test_random_words),
		cmocka_unit_test(test_equal),	cmocka_unit_test(test_print_unknown),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
