/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vxlan: the plain keys, and what the table cannot say: addresses, range, TTL, flags, parent. */
#include "lib_plugin.h"

#include "kind.h"

#include "key.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <string.h>

static struct sample *declared(const char *key, const char *value)
{
	struct sample *s = sample_new(plugin_kind("vxlan"));

	sample_set(s, "VNI", "5");
	if (key)
		sample_set(s, key, value);
	return s;
}

static void test_kind(void **state)
{
	const struct link_kind *k = plugin_kind("vxlan");

	(void)state;
	assert_string_equal(k->name, "vxlan");
	assert_string_equal(k->section, "VXLAN");
	assert_int_equal(k->flags, NETNSD_KIND_PARENT | NETNSD_KIND_PARENT_IN_DATA);
	assert_string_equal(key_table_missing(k->keys, 0)->name, "VNI");
}

static const struct {
	const char *key, *value;
	int type;
	uint32_t expected;
	int width;
	bool fixed;
} plain[] = {
	{"TOS", "255", IFLA_VXLAN_TOS, 255, 1, false},
	{"TTL", "64", IFLA_VXLAN_TTL, 64, 1, false},
	{"FDBAgeingSec", "5min", IFLA_VXLAN_AGEING, 300, 4, false},
	{"MaximumFDBEntries", "1000", IFLA_VXLAN_LIMIT, 1000, 4, true},
	{"MacLearning", "no", IFLA_VXLAN_LEARNING, 0, 1, false},
	{"ReduceARPProxy", "yes", IFLA_VXLAN_PROXY, 1, 1, true},
	{"L2MissNotification", "yes", IFLA_VXLAN_L2MISS, 1, 1, true},
	{"L3MissNotification", "yes", IFLA_VXLAN_L3MISS, 1, 1, true},
	{"RouteShortCircuit", "yes", IFLA_VXLAN_RSC, 1, 1, true},
	{"UDPChecksum", "no", IFLA_VXLAN_UDP_CSUM, 0, 1, true},
	{"UDP6ZeroChecksumTx", "yes", IFLA_VXLAN_UDP_ZERO_CSUM6_TX, 1, 1, true},
	{"UDP6ZeroChecksumRx", "yes", IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1, 1, true},
	{"RemoteChecksumTx", "yes", IFLA_VXLAN_REMCSUM_TX, 1, 1, true},
	{"RemoteChecksumRx", "yes", IFLA_VXLAN_REMCSUM_RX, 1, 1, true},
};

/* The kernel refuses a change that names a fixed flag, even with the value it has. */
static void test_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct sample *s = declared(plain[i].key, plain[i].value);
		struct data d = sample_data(s, false);

		assert_int_equal(data_count(&d), 2);
		data_has_u32(&d, IFLA_VXLAN_ID, 5);
		if (plain[i].width == 1)
			data_has_u8(&d, plain[i].type, (uint8_t)plain[i].expected);
		else
			data_has_u32(&d, plain[i].type, plain[i].expected);
		data_free(&d);
		d = sample_data(s, true);
		assert_null(data_find(&d, IFLA_VXLAN_ID));
		assert_int_equal(data_find(&d, plain[i].type) == NULL, plain[i].fixed);
		data_free(&d);
		sample_verifies(s);
		sample_is_stable(s);
		sample_free(s);
	}
}

static void test_wide(void **state)
{
	struct sample *s = declared("DestinationPort", "4789");
	struct ifla_vxlan_port_range range = {htons(49152), htons(65535)};
	struct data d;

	(void)state;
	sample_set(s, "FlowLabel", "0xfffff");
	sample_set(s, "Remote", "fd00::1");
	sample_set(s, "PortRange", "49152-65535");
	sample_set(s, "GroupPolicyExtension", "yes");
	sample_verifies(s);
	d = sample_data(s, false);
	data_has_u16(&d, IFLA_VXLAN_PORT, htons(4789));
	data_has_u32(&d, IFLA_VXLAN_LABEL, htonl(0xfffff));
	data_has_bytes(&d, IFLA_VXLAN_PORT_RANGE, &range, sizeof(range));
	data_has_bytes(&d, IFLA_VXLAN_GBP, NULL, 0);
	data_free(&d);
	d = sample_data(s, true);
	assert_int_equal(data_count(&d), 2); /* label and remote */
	data_free(&d);
	sample_is_stable(s);
	sample_set(s, "GroupPolicyExtension", "no"); /* a flag: absence is "no" */
	d = sample_data(s, false);
	assert_null(data_find(&d, IFLA_VXLAN_GBP));
	data_free(&d);
	sample_is_stable(s);
	sample_free(s);
}

static void test_addresses(void **state)
{
	static const uint8_t local[16] = {0xfd, [15] = 2}, group[4] = {239, 1, 1, 1},
			     remote[4] = {10, 0, 0, 1};
	struct sample *s = declared("Remote", "10.0.0.1");
	struct data d = sample_data(s, false);

	(void)state;
	data_has_bytes(&d, IFLA_VXLAN_GROUP, remote, 4);
	assert_null(data_find(&d, IFLA_VXLAN_GROUP6));
	data_free(&d);
	sample_free(s);
	s = declared("Local", "fd00::2");
	d = sample_data(s, true);
	data_has_bytes(&d, IFLA_VXLAN_LOCAL6, local, 16);
	assert_null(data_find(&d, IFLA_VXLAN_LOCAL));
	data_free(&d);
	sample_free(s);
	s = declared("Group", "239.1.1.1");
	s->link.parent_ifindex = 3;
	d = sample_data(s, false);
	data_has_bytes(&d, IFLA_VXLAN_GROUP, group, 4);
	data_has_u32(&d, IFLA_VXLAN_LINK, 3);
	data_free(&d);
	sample_is_stable(s);
	d = sample_data(s, true);
	assert_int_equal(data_count(&d), 0);
	data_free(&d);
	sample_free(s);
}

static struct data addresses(const char *far, const char *local)
{
	struct nl_msg *msg = data_begin();
	uint8_t bytes[16];

	nla_put_u32(msg, IFLA_VXLAN_ID, 5);
	if (far && inet_pton(AF_INET, far, bytes) == 1)
		nla_put(msg, IFLA_VXLAN_GROUP, 4, bytes);
	else if (far && inet_pton(AF_INET6, far, bytes) == 1)
		nla_put(msg, IFLA_VXLAN_GROUP6, 16, bytes);
	if (local && inet_pton(AF_INET, local, bytes) == 1)
		nla_put(msg, IFLA_VXLAN_LOCAL, 4, bytes);
	else if (local && inet_pton(AF_INET6, local, bytes) == 1)
		nla_put(msg, IFLA_VXLAN_LOCAL6, 16, bytes);
	return data_end(msg);
}

/* An address changes in place, its family does not. */
static void test_address_verdicts(void **state)
{
	struct sample *s = declared("Remote", "10.0.0.1");

	(void)state;
	sample_compares(s, addresses("10.0.0.1", NULL), VERDICT_SAME, NULL);
	sample_compares(s, addresses("10.0.0.2", NULL), VERDICT_CHANGE, "Remote 10.0.0.2, declared 10.0.0.1");
	sample_compares(s, addresses(NULL, NULL), VERDICT_CHANGE, "Remote none, declared 10.0.0.1");
	sample_compares(s, addresses("fd00::1", NULL), VERDICT_RECREATE, "Remote fd00::1");
	sample_compares(s, addresses(NULL, "fd00::1"), VERDICT_RECREATE, "Remote none");
	sample_compares(s, addresses("239.1.1.1", NULL), VERDICT_RECREATE, "239.1.1.1");
	sample_free(s);
	s = declared("Remote", "fd00::1");
	sample_compares(s, addresses("fd00::1", NULL), VERDICT_SAME, NULL);
	sample_compares(s, addresses("fd00::2", NULL), VERDICT_CHANGE, "Remote fd00::2");
	sample_compares(s, addresses(NULL, NULL), VERDICT_RECREATE, "declared fd00::1"); /* counts as IPv4 */
	sample_compares(s, addresses(NULL, "fd00::9"), VERDICT_CHANGE, "Remote none");
	sample_free(s);
	s = declared("Group", "239.1.1.1");
	sample_compares(s, addresses("239.1.1.1", "10.0.0.1"), VERDICT_SAME, NULL);
	sample_compares(s, addresses("239.1.1.2", NULL), VERDICT_RECREATE, "Group 239.1.1.2");
	sample_free(s);
	s = declared("Local", "10.0.0.1");
	sample_compares(s, addresses("10.9.9.9", "10.0.0.1"), VERDICT_SAME, NULL);
	sample_compares(s, addresses(NULL, "10.0.0.3"), VERDICT_CHANGE, "Local 10.0.0.3, declared 10.0.0.1");
	sample_compares(s, addresses("fd00::1", NULL), VERDICT_RECREATE, "Local none");
	sample_free(s);
}

static struct data ttl(uint8_t value, int inherit)
{
	struct nl_msg *msg = data_begin();

	nla_put_u32(msg, IFLA_VXLAN_ID, 5);
	nla_put_u8(msg, IFLA_VXLAN_TTL, value);
	if (inherit >= 0)
		nla_put_u8(msg, IFLA_VXLAN_TTL_INHERIT, (uint8_t)inherit); /* as the kernel reports it */
	return data_end(msg);
}

static void test_ttl(void **state)
{
	struct sample *s = declared("TTL", "0");
	struct data d;

	(void)state;
	sample_compares(s, ttl(0, 0), VERDICT_SAME, NULL);
	sample_compares(s, ttl(9, -1), VERDICT_CHANGE, "TTL 9, declared 0");
	sample_compares(s, ttl(0, 1), VERDICT_RECREATE, "TTL inherit, declared 0");
	sample_compares_nothing(s, VERDICT_RECREATE); /* the VNI */
	sample_set(s, "TTL", "inherit");
	sample_compares(s, ttl(0, 1), VERDICT_SAME, NULL);
	sample_compares(s, ttl(0, 0), VERDICT_RECREATE, "TTL 0, declared inherit");
	d = sample_data(s, false);
	data_has_bytes(&d, IFLA_VXLAN_TTL_INHERIT, NULL, 0);
	assert_null(data_find(&d, IFLA_VXLAN_TTL));
	data_free(&d);
	d = sample_data(s, true);
	assert_int_equal(data_count(&d), 0);
	data_free(&d);
	sample_refuses(s, "TTL", "256", "inherit");
	sample_free(s);
}

static struct data fixed(uint32_t parent, uint16_t low, bool gbp)
{
	struct ifla_vxlan_port_range range = {htons(low), htons(9)};
	struct nl_msg *msg = data_begin();

	nla_put_u32(msg, IFLA_VXLAN_ID, 5);
	if (parent)
		nla_put_u32(msg, IFLA_VXLAN_LINK, parent);
	nla_put(msg, IFLA_VXLAN_PORT_RANGE, sizeof(range), &range);
	if (gbp)
		nla_put_flag(msg, IFLA_VXLAN_GBP);
	return data_end(msg);
}

static void test_fixed_verdicts(void **state)
{
	struct sample *s = declared("PortRange", "5-9");

	(void)state;
	sample_compares(s, fixed(7, 5, true), VERDICT_SAME, NULL); /* no parent known: not compared */
	sample_compares(s, fixed(0, 6, false), VERDICT_RECREATE, "PortRange");
	s->link.parent_ifindex = 7;
	sample_compares(s, fixed(7, 5, false), VERDICT_SAME, NULL);
	sample_compares(s, fixed(8, 5, false), VERDICT_RECREATE, "Parent");
	sample_compares(s, fixed(0, 5, false), VERDICT_RECREATE, "Parent");
	sample_set(s, "GroupPolicyExtension", "no");
	sample_compares(s, fixed(7, 5, false), VERDICT_SAME, NULL);
	sample_compares(s, fixed(7, 5, true), VERDICT_RECREATE, "GroupPolicyExtension");
	sample_free(s);
}

/* What weighs more is what is said, wherever it was found. */
static void test_heaviest(void **state)
{
	struct sample *s = declared("Remote", "10.0.0.1");

	(void)state;
	sample_set(s, "PortRange", "5-9");
	sample_compares(s, fixed(0, 6, false), VERDICT_RECREATE, "PortRange");
	sample_compares(s, fixed(0, 5, false), VERDICT_CHANGE, "Remote");
	sample_free(s);
}

static void test_refused(void **state)
{
	static const char *const bad[][3] = {
		{"VNI", "0", "1 to 16777215"},
		{"VNI", "16777216", "1 to 16777215"},
		{"DestinationPort", "0", "1 to 65535"},
		{"DestinationPort", "65536", "1 to 65535"},
		{"FlowLabel", "1048576", "0 to 1048575"},
		{"TOS", "256", "0 to 255"},
		{"FDBAgeingSec", "0", "1s to"},
		{"Remote", "10.0.0.1/24", "IP address"},
		{"Local", "dhcp", "IP address"},
	};
	static const struct {
		const char *key[3], *value[3], *part;
	} together[] = {
		{{"Remote", "Group"}, {"10.0.0.1", "239.0.0.1"}, "exclude each other"},
		{{"Remote"}, {"239.0.0.1"}, "Group="},
		{{"Remote"}, {"0.0.0.0"}, "unspecified"},
		{{"Remote"}, {"::"}, "unspecified"},
		{{"Group"}, {"10.0.0.1"}, "Remote="},
		{{"Local"}, {"ff02::1"}, "Local="},
		{{"Local"}, {"::"}, "Local="},
		{{"Local", "Remote"}, {"10.0.0.1", "fd00::1"}, "families"},
		{{"Remote"}, {"fe80::1"}, "link-local Local="},
		{{"Remote", "Local"}, {"fd00::1", "fe80::1"}, "link-local Remote="},
		{{"FlowLabel"}, {"5"}, "IPv6"},
		{{"FlowLabel", "Remote"}, {"5", "10.0.0.1"}, "IPv6"},
		{{"PortRange"}, {"5"}, "LOW-HIGH"},
		{{"PortRange"}, {"9-5"}, "LOW-HIGH"},
		{{"PortRange"}, {"0-5"}, "LOW-HIGH"},
		{{"PortRange"}, {"5-65536"}, "LOW-HIGH"},
		{{"PortRange"}, {"5-9x"}, "LOW-HIGH"},
		{{"PortRange"}, {"+5-9"}, "LOW-HIGH"},
		{{"PortRange"}, {"0000005-9"}, "LOW-HIGH"},
	};
	struct sample *s = declared(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		sample_refuses(s, bad[i][0], bad[i][1], bad[i][2]);
	sample_free(s);
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++) {
		s = declared(together[i].key[0], together[i].value[0]);
		if (together[i].key[1])
			sample_set(s, together[i].key[1], together[i].value[1]);
		sample_verify_refuses(s, together[i].part);
		sample_free(s);
	}
}

/* What a change that fails sets again: also that there was no address. */
static void test_read(void **state)
{
	struct sample *s = declared("Remote", "192.0.2.1"), *old = sample_new(s->kind);
	struct nl_msg *msg = data_begin();
	struct data was, sent;

	(void)state;
	sample_set(s, "TTL", "9");
	nla_put_u8(msg, IFLA_VXLAN_TTL, 64);
	was = data_end(msg);
	old->link.set = kind_read(s->kind, s->link.set, was.nest, old->config);
	sent = sample_data(old, true);
	data_has_u8(&sent, IFLA_VXLAN_TTL, 64);
	data_has_bytes(&sent, IFLA_VXLAN_GROUP, "\0\0\0", 4);
	assert_int_equal(data_count(&sent), 2);
	data_free(&sent);
	data_free(&was);
	sample_free(s);
	sample_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_verdicts),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_fixed_verdicts),
		cmocka_unit_test(test_heaviest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests_name("vxlan", tests, NULL, NULL);
}
