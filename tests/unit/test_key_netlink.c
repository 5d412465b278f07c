/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys on the wire: the bytes that are put, what comes back, what differs and how much, attributes
 * of a wrong length, and tables that are not sound. */
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
#define BIT(id)	 (1ULL << ((id)-1))

static const struct conf_key *row(int id)
{
	return &sample_keys[id - 1];
}

/* IFLA_INFO_DATA (here attribute 2) with what key_table_put() writes for these settings. */
static struct nl_msg *message(const struct sample *s, uint64_t set, struct nlattr **ret_data)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(msg);
	assert_non_null(nlmsg_put(msg, 0, 0, 16, 0, 0));
	*ret_data = nla_nest_start(msg, 2);
	assert_int_equal(key_table_put(sample_keys, s, set, msg), 0);
	nla_nest_end(msg, *ret_data);
	return msg;
}

static uint64_t set_all(struct sample *s)
{
	static const struct {
		int id;
		const char *value;
	} values[] = {
		{KEY_U8, "200"},
		{KEY_U16, "4094"},
		{KEY_U32, "0x01020304"},
		{KEY_U64, "0x0102030405060708"},
		{KEY_BE16, "0x0102"},
		{KEY_BE32, "0x01020304"},
		{KEY_I8, "-2"},
		{KEY_I32, "-3"},
		{KEY_I64, "-4"},
		{KEY_Flag, "yes"},
		{KEY_Flag8, "yes"},
		{KEY_Flag32, "yes"},
		{KEY_Size, "64K"},
		{KEY_Size64, "1T"},
		{KEY_Sec, "infinity"},
		{KEY_Sec64, "1h"},
		{KEY_SecBound, "5"},
		{KEY_CSec, "2.5"},
		{KEY_Mode, "bridge"},
		{KEY_VLAN, "none"},
		{KEY_TTL, "inherit"},
		{KEY_String, "text"},
		{KEY_Text, "more"},
		{KEY_IfName, "eth0"},
		{KEY_MAC, "02:00:00:00:00:01"},
		{KEY_IP, "10.0.0.1"},
		{KEY_IP4, "10.0.0.2"},
		{KEY_IP6, "fd00::1"},
		{KEY_Prefix, "10.0.0.1/8"},
		{KEY_Words, "a b"},
	};
	uint64_t set = 0;

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < COUNT(values); i++) {
		assert_int_equal(key_parse(row(values[i].id), s, values[i].value, NULL), 0);
		set |= BIT(values[i].id);
	}
	return set;
}

static void check_attr(const struct nlattr *data, int id, const void *bytes, size_t length)
{
	const struct nlattr *attr = nla_find(nla_data(data), nla_len(data), id);

	assert_non_null(attr);
	assert_int_equal(nla_len(attr), length);
	assert_memory_equal(nla_data(attr), bytes, length);
}

static void test_put(void **state)
{
	const uint32_t one = 1, csec = 250, bridge = 4, infinity = UINT32_MAX, inherit = UINT32_MAX;
	const uint64_t u64 = 0x0102030405060708ULL;
	const uint16_t u16 = 4094, none = 0;
	struct nlattr *data;
	struct nl_msg *msg;
	struct sample s;

	(void)state;
	msg = message(&s, set_all(&s), &data);
	check_attr(data, KEY_U8, "\xc8", 1);
	check_attr(data, KEY_U16, &u16, 2);
	check_attr(data, KEY_U64, &u64, 8);
	check_attr(data, KEY_BE16, "\1\2", 2);
	check_attr(data, KEY_BE32, "\1\2\3\4", 4);
	check_attr(data, KEY_I8, "\xfe", 1);
	check_attr(data, KEY_Flag8, "\1", 1);
	check_attr(data, KEY_Flag32, &one, 4);
	check_attr(data, KEY_Sec, &infinity, 4);
	check_attr(data, KEY_CSec, &csec, 4);
	check_attr(data, KEY_Mode, &bridge, 4);
	check_attr(data, KEY_VLAN, &none, 2);
	check_attr(data, KEY_TTL, &inherit, 4);
	check_attr(data, KEY_String, "text", 5);
	check_attr(data, KEY_IfName, "eth0", 5);
	check_attr(data, KEY_MAC, "\2\0\0\0\0\1", 6);
	check_attr(data, KEY_IP, "\12\0\0\1", 4);
	check_attr(data, KEY_IP6, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_null(nla_find(nla_data(data), nla_len(data), KEY_I32));
	assert_null(nla_find(nla_data(data), nla_len(data), KEY_Prefix));
	nlmsg_free(msg);
	/* Only what was set. */
	msg = message(&s, BIT(KEY_U16), &data);
	assert_int_equal(nla_len(data), 8);
	nlmsg_free(msg);
	key_table_free(sample_keys, &s);
}

static void test_put_full(void **state)
{
	struct nl_msg *msg = nlmsg_alloc_size(NLMSG_HDRLEN + 8);
	struct sample s = {0};

	(void)state;
	assert_non_null(nlmsg_put(msg, 0, 0, 16, 0, 0));
	assert_int_equal(key_table_put(sample_keys, &s, BIT(KEY_U8), msg), 0);
	assert_int_equal(key_table_put(sample_keys, &s, BIT(KEY_U64), msg), -EMSGSIZE);
	assert_int_equal(key_table_put(NULL, NULL, ~0ULL, msg), 0);
	nlmsg_free(msg);
}

/* What was put comes back as the same value, and compares as the same. */
static void test_round_trip(void **state)
{
	struct sample a, b = {0};
	struct error reason = {0};
	struct nlattr *data;
	struct nl_msg *msg;
	uint64_t set;

	(void)state;
	set = set_all(&a);
	msg = message(&a, set, &data);
	for (int i = KEY_U8; i < KEY_END; i++)
		if (row(i)->wire != NETNSD_WIRE_NONE) {
			assert_int_equal(key_from_attr(row(i), &b, data), 0);
			assert_true(key_equal(row(i), &a, &b));
		} else {
			assert_int_equal(key_from_attr(row(i), &b, data), -ENOENT);
		}
	assert_int_equal(key_table_compare(sample_keys, &a, set, data, &reason), VERDICT_SAME);
	assert_string_equal(reason.text, "");
	assert_int_equal(key_table_compare(NULL, NULL, ~0ULL, data, &reason), VERDICT_SAME);
	nlmsg_free(msg);
	key_table_free(sample_keys, &a);
	key_table_free(sample_keys, &b);
}

static void test_compare(void **state)
{
	static const struct {
		int id;
		const char *value;
		enum verdict verdict;
		const char *reason;
	} rows[] = {
		{KEY_U16, "7", VERDICT_CHANGE, "U16 4094, declared 7"},
		{KEY_U32, "1", VERDICT_RECREATE, "U32 16909060, declared 1"},
		{KEY_BE16, "1", VERDICT_CHANGE, "BE16 258, declared 1"},
		{KEY_Flag32, "no", VERDICT_CHANGE, "Flag32 yes, declared no"},
		{KEY_Sec, "90", VERDICT_CHANGE, "Sec infinity, declared 1min 30s"},
		{KEY_CSec, "1s", VERDICT_CHANGE, "CSec 2s 500ms, declared 1s"},
		{KEY_Mode, "private", VERDICT_CHANGE, "Mode bridge, declared private"},
		{KEY_VLAN, "5", VERDICT_CHANGE, "VLAN none, declared 5"},
		{KEY_String, "other", VERDICT_CHANGE, "String text, declared other"},
		{KEY_IfName, "eth1", VERDICT_CHANGE, "IfName eth0, declared eth1"},
		{KEY_MAC, "02:00:00:00:00:02", VERDICT_CHANGE,
		 "MAC 02:00:00:00:00:01, declared 02:00:00:00:00:02"},
		{KEY_IP, "fd00::1", VERDICT_CHANGE, "IP 10.0.0.1, declared fd00::1"},
	};
	struct nlattr *data;
	struct nl_msg *msg;
	struct sample a;
	uint64_t set;

	(void)state;
	set = set_all(&a);
	msg = message(&a, set, &data);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error reason = {0};

		assert_int_equal(key_parse(row(rows[i].id), &a, rows[i].value, NULL), 0);
		assert_int_equal(key_table_compare(sample_keys, &a, BIT(rows[i].id), data, &reason),
				 rows[i].verdict);
		assert_string_equal(reason.text, rows[i].reason);
		/* Not set by the administrator: nobody cares. */
		assert_int_equal(key_table_compare(sample_keys, &a, 0, data, &reason), VERDICT_SAME);
	}
	nlmsg_free(msg);
	key_table_free(sample_keys, &a);
}

/* The heaviest difference gives the verdict and the reason; what is not reported differs. */
static void test_compare_weight(void **state)
{
	struct sample s = {.u16 = 1, .u32 = 2, .mode = 1};
	struct error reason = {0};
	struct nlattr *data;
	struct nl_msg *msg = message(&s, BIT(KEY_U16), &data);

	(void)state;
	s.u16 = 5;
	assert_int_equal(key_table_compare(sample_keys, &s, BIT(KEY_U16) | BIT(KEY_Mode), data, &reason),
			 VERDICT_CHANGE);
	assert_string_equal(reason.text, "U16 1, declared 5");
	assert_int_equal(reason.code, 0);
	assert_int_equal(key_table_compare(sample_keys, &s, BIT(KEY_U16) | BIT(KEY_U32), data, &reason),
			 VERDICT_RECREATE);
	assert_string_equal(reason.text, "U32 not reported, declared 2");
	assert_int_equal(key_table_compare(sample_keys, &s, BIT(KEY_Mode), NULL, &reason), VERDICT_CHANGE);
	assert_string_equal(reason.text, "Mode not reported, declared private");
	/* No wire form: the kind's compare() looks at it. */
	assert_int_equal(key_table_compare(sample_keys, &s, BIT(KEY_I32), NULL, &reason), VERDICT_SAME);
	nlmsg_free(msg);
}

/* Every length that is not the right one, for every wire form. */
static void test_lengths(void **state)
{
	uint8_t bytes[40];

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	for (int id = KEY_U8; id < KEY_END; id++)
		for (int length = 0; length <= (int)sizeof(bytes); length++) {
			struct sample s = {0}, zero = {0};
			struct nlattr *data;
			struct nl_msg *msg;
			bool right;
			int r;

			if (row(id)->wire == NETNSD_WIRE_NONE)
				break;
			switch (row(id)->type) {
			case NETNSD_KEY_STRING: right = true; break;
			case NETNSD_KEY_IFNAME: right = length < IFNAMSIZ; break;
			case NETNSD_KEY_MAC: right = length == 6; break;
			case NETNSD_KEY_IP: right = length == 4 || length == 16; break;
			default: {
				static const int widths[] = {0, 1, 2, 4, 8, 2, 4};

				right = length == widths[row(id)->wire];
			}
			}
			msg = nlmsg_alloc();
			assert_non_null(nlmsg_put(msg, 0, 0, 16, 0, 0));
			data = nla_nest_start(msg, 2);
			assert_int_equal(nla_put(msg, id, length, bytes), 0);
			nla_nest_end(msg, data);
			r = key_from_attr(row(id), &s, data);
			if (r != (right ? 0 : -EINVAL))
				fail_msg("%s of %d bytes: %d", row(id)->name, length, r);
			if (!right)
				assert_memory_equal(&s, &zero, sizeof(s));
			key_table_free(sample_keys, &s);
			nlmsg_free(msg);
		}
}

/* A nest whose inner length lies, and one that is too short to be an attribute. */
static void test_hostile(void **state)
{
	struct {
		struct nlattr data, inner;
		uint8_t payload[2];
	} nest = {{sizeof(nest), 2}, {60, KEY_U16}, {1, 1}};
	struct nlattr empty = {NLA_HDRLEN, 2}, tiny = {1, 2};
	struct sample s = {0};

	(void)state;
	nest.data.nla_len = 2 * NLA_HDRLEN + 2;
	assert_int_equal(key_from_attr(row(KEY_U16), &s, &nest.data), -ENOENT);
	nest.inner.nla_len = 2;
	assert_int_equal(key_from_attr(row(KEY_U16), &s, &nest.data), -ENOENT);
	nest.inner.nla_len = NLA_HDRLEN + 2;
	assert_int_equal(key_from_attr(row(KEY_U16), &s, &nest.data), 0);
	assert_int_equal(s.u16, 0x0101);
	assert_int_equal(key_from_attr(row(KEY_U16), &s, &empty), -ENOENT);
	assert_int_equal(key_from_attr(row(KEY_U16), &s, &tiny), -ENOENT);
}

static void test_verify(void **state)
{
	static const struct netnsd_enum_name big[] = {{"big", 256}, {NULL, 0}},
					     negative[] = {{"no", -1}, {NULL, 0}},
					     blank[] = {{"", 1}, {NULL, 0}}, empty[] = {{NULL, 0}};
	static const struct {
		struct conf_key key;
		const char *message; /* NULL: sound */
	} rows[] = {
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 15, 0, 0, NULL, NULL}, NULL},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 16, 0, 0, NULL, NULL},
		 "the field lies outside the config"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U64, 1, 0, 9, 0, 0, NULL, NULL},
		 "the field lies outside the config"},
		{{"A", NETNSD_KEY_IP, NETNSD_WIRE_BYTES, 1, 0, 0, 0, 0, NULL, NULL},
		 "the field lies outside the config"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, SIZE_MAX, 0, 0, NULL, NULL},
		 "the field lies outside the config"},
		{{"", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, NULL, NULL},
		 "a name is 1 to 64 letters and digits"},
		{{"A=", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, NULL, NULL},
		 "a name is 1 to 64 letters and digits"},
		{{"A", (enum netnsd_key_type)99, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, NULL, NULL}, "unknown type"},
		{{"A", NETNSD_KEY_UINT, (enum netnsd_wire)99, 1, 0, 0, 0, 0, NULL, NULL},
		 "the wire form does not fit the type"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_STRING, 1, 0, 0, 0, 0, NULL, NULL},
		 "the wire form does not fit the type"},
		{{"A", NETNSD_KEY_STRING, NETNSD_WIRE_U32, 1, 0, 0, 0, 0, NULL, NULL},
		 "the wire form does not fit the type"},
		{{"A", NETNSD_KEY_MAC, NETNSD_WIRE_STRING, 1, 0, 0, 0, 0, NULL, NULL},
		 "the wire form does not fit the type"},
		{{"A", NETNSD_KEY_STRV, NETNSD_WIRE_STRING, 1, 0, 0, 0, 0, NULL, NULL},
		 "the wire form does not fit the type"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 0, 0, 0, 0, 0, NULL, NULL},
		 "a wire form needs an attribute, and the other way round"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_NONE, 1, 0, 0, 0, 0, NULL, NULL},
		 "a wire form needs an attribute, and the other way round"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 16, 0, 0, 0, NULL, NULL}, "unknown flag"},
		{{"A", NETNSD_KEY_MAC, NETNSD_WIRE_BYTES, 1, 4, 0, 0, 0, NULL, NULL},
		 "IPV4_ONLY and IPV6_ONLY are for addresses"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, 2, 1, NULL, NULL},
		 "min is greater than max"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, 0, 256, NULL, NULL},
		 "min or max does not fit the field"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, -1, 1, NULL, NULL},
		 "min or max does not fit the field"},
		{{"A", NETNSD_KEY_INT, NETNSD_WIRE_U8, 1, 0, 0, -128, 127, NULL, NULL}, NULL},
		{{"A", NETNSD_KEY_INT, NETNSD_WIRE_U8, 1, 0, 0, -129, 0, NULL, NULL},
		 "min or max does not fit the field"},
		{{"A", NETNSD_KEY_ENUM, NETNSD_WIRE_U16, 1, 0, 0, 0, 0, big, NULL}, NULL},
		{{"A", NETNSD_KEY_ENUM, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, NULL, NULL}, "an enum needs names"},
		{{"A", NETNSD_KEY_ENUM, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, empty, NULL}, "an enum needs names"},
		{{"A", NETNSD_KEY_ENUM, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, big, NULL},
		 "the value of a name does not fit the field"},
		{{"A", NETNSD_KEY_UINT, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, negative, NULL},
		 "the value of a name does not fit the field"},
		{{"A", NETNSD_KEY_ENUM, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, blank, NULL},
		 "one of the names is empty"},
		{{"A", NETNSD_KEY_BOOL, NETNSD_WIRE_U8, 1, 0, 0, 0, 0, negative, NULL},
		 "only numbers have names"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf_key table[] = {rows[i].key, {.name = NULL}};
		struct error err = {0};
		char message[160];

		assert_int_equal(key_table_verify(table, 16, &err), rows[i].message ? -EINVAL : 0);
		snprintf(message, sizeof(message), "key %s (row 1): %s", rows[i].key.name,
			 rows[i].message ? rows[i].message : "");
		assert_string_equal(err.text, rows[i].message ? message : "");
	}
}

static void test_verify_table(void **state)
{
	struct conf_key table[66];
	struct error err = {0};
	char names[66][16];

	(void)state;
	assert_int_equal(key_table_verify(sample_keys, sizeof(struct sample), &err), 0);
	assert_int_equal(key_table_verify(NULL, 0, &err), 0);
	memset(table, 0, sizeof(table));
	for (int i = 0; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "K%d", i);
		table[i] = (struct conf_key){.name = names[i], .type = NETNSD_KEY_UINT};
	}
	assert_int_equal(key_table_verify(table, 16, &err), -EINVAL);
	assert_string_equal(err.text, "key K64 (row 65): a table has at most 64 rows");
	table[64].name = NULL;
	assert_int_equal(key_table_verify(table, 16, &err), 0);
	table[63].name = "K1";
	assert_int_equal(key_table_verify(table, 16, &err), -EINVAL);
	assert_string_equal(err.text, "key K1 (row 64): the name is there twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_full),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_weight),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_verify_table),
	};

	return cmocka_run_group_tests_name("key_netlink", tests, NULL, NULL);
}
