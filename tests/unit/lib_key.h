/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table with a row of every type and width, for the tests of key.h. */
#ifndef NETNSD_TEST_LIB_KEY_H
#define NETNSD_TEST_LIB_KEY_H

#include "key.h"

#include <stddef.h>

struct sample {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	uint16_t be16;
	uint32_t be32;
	int8_t i8;
	int32_t i32;
	int64_t i64;
	uint32_t flag; /* BOOL without wire form */
	uint8_t flag8;
	uint32_t flag32;
	uint32_t size;
	uint64_t size64;
	uint32_t sec;
	uint64_t sec64;
	uint32_t sec_bound;
	uint32_t csec;
	uint32_t mode;
	uint16_t vlan;
	int32_t ttl;
	char *string;
	char *text;
	char ifname[IFNAMSIZ];
	struct netnsd_mac mac;
	struct netnsd_ip ip, ip4, ip6;
	struct netnsd_prefix prefix, prefix4;
	char **words;
	char **lines;
};

static const struct netnsd_enum_name sample_modes[] = {
	{"private", 1}, {"vepa", 2}, {"bridge", 4}, {"passthru", 8}, {"source", 16}, {NULL, 0},
};
static const struct netnsd_enum_name sample_none[] = {{"none", 0}, {NULL, 0}};
static const struct netnsd_enum_name sample_inherit[] = {{"inherit", -1}, {"auto", -2}, {NULL, 0}};

/* In the order of the enum below: the number of a row is its netlink attribute, too. */
#define ROW(id, field, kind, form, ...)                                                                      \
	{                                                                                                    \
		.name = #id, .type = NETNSD_KEY_##kind, .wire = NETNSD_WIRE_##form,                          \
		.attr = NETNSD_WIRE_##form == NETNSD_WIRE_NONE ? 0 : KEY_##id,                               \
		.offset = offsetof(struct sample, field), __VA_ARGS__                                        \
	}

enum {
	KEY_U8 = 1,
	KEY_U16,
	KEY_U32,
	KEY_U64,
	KEY_BE16,
	KEY_BE32,
	KEY_I8,
	KEY_I32,
	KEY_I64,
	KEY_Flag,
	KEY_Flag8,
	KEY_Flag32,
	KEY_Size,
	KEY_Size64,
	KEY_Sec,
	KEY_Sec64,
	KEY_SecBound,
	KEY_CSec,
	KEY_Mode,
	KEY_VLAN,
	KEY_TTL,
	KEY_String,
	KEY_Text,
	KEY_IfName,
	KEY_MAC,
	KEY_IP,
	KEY_IP4,
	KEY_IP6,
	KEY_Prefix,
	KEY_Prefix4,
	KEY_Words,
	KEY_Lines,
	KEY_END,
};

static const struct conf_key sample_keys[] = {
	ROW(U8, u8, UINT, U8, .flags = NETNSD_KEY_REQUIRED),
	ROW(U16, u16, UINT, U16, .min = 1, .max = 4094),
	ROW(U32, u32, UINT, U32, .flags = NETNSD_KEY_FIXED),
	ROW(U64, u64, UINT, U64, .doc = NULL),
	ROW(BE16, be16, UINT, BE16, .doc = NULL),
	ROW(BE32, be32, UINT, BE32, .doc = NULL),
	ROW(I8, i8, INT, U8, .doc = NULL),
	ROW(I32, i32, INT, NONE, .min = -20, .max = 19),
	ROW(I64, i64, INT, U64, .doc = NULL),
	ROW(Flag, flag, BOOL, NONE, .doc = NULL),
	ROW(Flag8, flag8, BOOL, U8, .doc = NULL),
	ROW(Flag32, flag32, BOOL, U32, .doc = NULL),
	ROW(Size, size, SIZE, U32, .min = 1024, .max = 1048576),
	ROW(Size64, size64, SIZE, U64, .doc = NULL),
	ROW(Sec, sec, SEC, U32, .doc = NULL),
	ROW(Sec64, sec64, SEC, U64, .doc = NULL),
	ROW(SecBound, sec_bound, SEC, NONE, .min = 1, .max = 3600),
	ROW(CSec, csec, CSEC, U32, .doc = NULL),
	ROW(Mode, mode, ENUM, U32, .names = sample_modes),
	ROW(VLAN, vlan, UINT, U16, .min = 1, .max = 4094, .names = sample_none),
	ROW(TTL, ttl, INT, U32, .min = 1, .max = 255, .names = sample_inherit),
	ROW(String, string, STRING, STRING, .doc = NULL),
	ROW(Text, text, STRING, NONE, .doc = NULL),
	ROW(IfName, ifname, IFNAME, STRING, .doc = NULL),
	ROW(MAC, mac, MAC, BYTES, .doc = NULL),
	ROW(IP, ip, IP, BYTES, .doc = NULL),
	ROW(IP4, ip4, IP, BYTES, .flags = NETNSD_KEY_IPV4_ONLY),
	ROW(IP6, ip6, IP, BYTES, .flags = NETNSD_KEY_IPV6_ONLY),
	ROW(Prefix, prefix, PREFIX, NONE, .doc = NULL),
	ROW(Prefix4, prefix4, PREFIX, NONE, .flags = NETNSD_KEY_IPV4_ONLY),
	ROW(Words, words, STRV, NONE, .doc = NULL),
	ROW(Lines, lines, LINES, NONE, .doc = NULL),
	{.name = NULL},
};

#undef ROW

#endif
