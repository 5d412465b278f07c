/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Short words for values and netlink messages.
 */
#include "lib_message.h"

#include "parse.h"

const struct nlattr *message_attr(struct nl_msg *msg, size_t header, int type)
{
	return nlmsg_find_attr(nlmsg_hdr(msg), (int)header, type);
}

const struct nlattr *nested_attr(const struct nlattr *a, int type)
{
	assert_non_null(a);
	return nla_find(nla_data(a), nla_len(a), type);
}

void assert_u32(const struct nlattr *a, uint32_t value)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), 4);
	assert_int_equal(nla_get_u32((struct nlattr *)(uintptr_t)a), value);
}

void assert_u8(const struct nlattr *a, uint8_t value)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), 1);
	assert_int_equal(nla_get_u8((struct nlattr *)(uintptr_t)a), value);
}

void assert_text(const struct nlattr *a, const char *text)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), strlen(text) + 1);
	assert_string_equal(nla_data(a), text);
}

void assert_bytes(const struct nlattr *a, const void *bytes, size_t length)
{
	assert_non_null(a);
	assert_int_equal(nla_len(a), length);
	assert_memory_equal(nla_data(a), bytes, length);
}

void assert_ip(const struct nlattr *a, const char *text)
{
	struct netnsd_ip ip;

	assert_int_equal(parse_ip(text, &ip), 0);
	assert_bytes(a, ip.bytes, ip_length(ip.family));
}

struct netnsd_ip ip(const char *text)
{
	struct netnsd_ip ret;

	assert_int_equal(parse_ip(text, &ret), 0);
	return ret;
}

struct netnsd_prefix prefix(const char *text)
{
	struct netnsd_prefix ret;

	assert_int_equal(parse_prefix(text, &ret), 0);
	return ret;
}
