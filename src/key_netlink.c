/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as netlink attributes: into a request, and back from what the kernel reports. Lengths are
 * checked before anything is read; the attributes may come from a fuzzer. */
#include "key.h"

#include "key_field.h"
#include "parse.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int put(struct nl_msg *msg, int attr, size_t length, const void *data)
{
	return nla_put(msg, attr, (int)length, data) < 0 ? -EMSGSIZE : 0;
}

static int put_number(const struct conf_key *key, const void *field, struct nl_msg *msg)
{
	uint64_t u64 = field_load(key, field);
	uint32_t u32 = (uint32_t)u64;
	uint16_t u16 = (uint16_t)u64;
	uint8_t u8 = (uint8_t)u64;

	if (key->wire == NETNSD_WIRE_BE16)
		u16 = htobe16(u16);
	if (key->wire == NETNSD_WIRE_BE32)
		u32 = htobe32(u32);
	switch (field_size(key)) {
	case 1: return put(msg, key->attr, 1, &u8);
	case 2: return put(msg, key->attr, 2, &u16);
	case 4: return put(msg, key->attr, 4, &u32);
	default: return put(msg, key->attr, 8, &u64);
	}
}

static int put_field(const struct conf_key *key, const void *field, struct nl_msg *msg)
{
	struct netnsd_ip ip;
	const char *string;

	switch (key->type) {
	case NETNSD_KEY_STRING:
		memcpy(&string, field, sizeof(string));
		return string ? put(msg, key->attr, strlen(string) + 1, string) : 0;
	case NETNSD_KEY_IFNAME: return put(msg, key->attr, strnlen(field, IFNAMSIZ - 1) + 1, field);
	case NETNSD_KEY_MAC: return put(msg, key->attr, sizeof(struct netnsd_mac), field);
	case NETNSD_KEY_IP:
		memcpy(&ip, field, sizeof(ip));
		return ip_length(ip.family) ? put(msg, key->attr, ip_length(ip.family), ip.bytes) : 0;
	default: return put_number(key, field, msg);
	}
}

int key_table_put(const struct conf_key *table, const void *config, uint64_t set, struct nl_msg *msg)
{
	for (unsigned i = 0; table && table[i].name && i < 64; i++) {
		int r;

		if (!(set >> i & 1) || table[i].wire == NETNSD_WIRE_NONE)
			continue;
		r = put_field(&table[i], (const char *)config + table[i].offset, msg);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_number(const struct conf_key *key, const struct nlattr *attr, void *field)
{
	size_t width = field_size(key);
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	if ((size_t)nla_len(attr) != width)
		return -EINVAL;
	switch (width) {
	case 1: u64 = *(const uint8_t *)nla_data(attr); break;
	case 2:
		memcpy(&u16, nla_data(attr), 2);
		u64 = key->wire == NETNSD_WIRE_BE16 ? be16toh(u16) : u16;
		break;
	case 4:
		memcpy(&u32, nla_data(attr), 4);
		u64 = key->wire == NETNSD_WIRE_BE32 ? be32toh(u32) : u32;
		break;
	default: memcpy(&u64, nla_data(attr), 8);
	}
	if (key->type == NETNSD_KEY_BOOL)
		u64 = u64 != 0;
	field_store(key, field, u64);
	return 0;
}

static int get_string(const struct conf_key *key, const struct nlattr *attr, void *field)
{
	size_t length = strnlen(nla_data(attr), (size_t)nla_len(attr));
	char *copy;

	if (key->type == NETNSD_KEY_IFNAME) {
		if (length >= IFNAMSIZ)
			return -EINVAL;
		memset(field, 0, IFNAMSIZ);
		memcpy(field, nla_data(attr), length);
		return 0;
	}
	copy = strndup(nla_data(attr), length);
	if (!copy)
		return -ENOMEM;
	field_free(key, field);
	memcpy(field, &copy, sizeof(copy));
	return 0;
}

static int get_bytes(const struct conf_key *key, const struct nlattr *attr, void *field)
{
	size_t length = (size_t)nla_len(attr);
	struct netnsd_ip ip = {.family = length == 4 ? 2 : 10};

	if (key->type == NETNSD_KEY_MAC) {
		if (length != sizeof(struct netnsd_mac))
			return -EINVAL;
		memcpy(field, nla_data(attr), length);
		return 0;
	}
	if (length != 4 && length != 16)
		return -EINVAL;
	memcpy(ip.bytes, nla_data(attr), length);
	memcpy(field, &ip, sizeof(ip));
	return 0;
}

static int get_field(const struct conf_key *key, const struct nlattr *data, void *field)
{
	const struct nlattr *attr = NULL;

	if (data && key->wire != NETNSD_WIRE_NONE)
		attr = nla_find(nla_data(data), nla_len(data), key->attr);
	if (!attr)
		return -ENOENT;
	switch (key->wire) {
	case NETNSD_WIRE_STRING: return get_string(key, attr, field);
	case NETNSD_WIRE_BYTES: return get_bytes(key, attr, field);
	default: return get_number(key, attr, field);
	}
}

int key_from_attr(const struct conf_key *key, void *config, const struct nlattr *data)
{
	return get_field(key, data, (char *)config + key->offset);
}

/* "Mode bridge, declared private" */
static void describe(const struct conf_key *key, const void *actual, const void *declared,
		     struct error *reason)
{
	struct strbuf is = {0}, should = {0};

	if (actual)
		field_print(key, actual, &is);
	else
		strbuf_puts(&is, "not reported");
	field_print(key, declared, &should);
	/* No code: a difference is no error. */
	(void)error_set(reason, 0, "%s %s, declared %s", key->name, is.data && !is.failed ? is.data : "?",
			should.data && !should.failed ? should.data : "?");
	strbuf_free(&is);
	strbuf_free(&should);
}

enum verdict key_table_compare(const struct conf_key *table, const void *config, uint64_t set,
			       const struct nlattr *data, struct error *reason)
{
	enum verdict worst = VERDICT_SAME;

	for (unsigned i = 0; table && table[i].name && i < 64; i++) {
		const struct conf_key *key = &table[i];
		const void *declared = (const char *)config + key->offset;
		enum verdict verdict = key->flags & NETNSD_KEY_FIXED ? VERDICT_RECREATE : VERDICT_CHANGE;
		union key_value actual = {0};
		bool known;

		if (!(set >> i & 1) || key->wire == NETNSD_WIRE_NONE || verdict <= worst)
			continue;
		known = get_field(key, data, &actual) == 0;
		if (!known || !field_equal(key, &actual, declared)) {
			describe(key, known ? &actual : NULL, declared, reason);
			worst = verdict;
		}
		field_free(key, &actual);
	}
	return worst;
}
