/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short words for values and netlink messages, for the tests of request and actual. */
#ifndef NETNSD_LIB_MESSAGE_H
#define NETNSD_LIB_MESSAGE_H

#include "netnsd/plugin.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct netnsd_ip ip(const char *text);
struct netnsd_prefix prefix(const char *text);

/* An attribute behind the fixed header, or inside another one; NULL: there is none. */
const struct nlattr *message_attr(struct nl_msg *msg, size_t header, int type);
const struct nlattr *nested_attr(const struct nlattr *a, int type);

/* The attribute is there, has the size of its type, and this value. */
void assert_u32(const struct nlattr *a, uint32_t value);
void assert_u8(const struct nlattr *a, uint8_t value);
void assert_text(const struct nlattr *a, const char *text);
void assert_bytes(const struct nlattr *a, const void *bytes, size_t length);
void assert_ip(const struct nlattr *a, const char *text);

#endif
