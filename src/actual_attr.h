/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checked reading of netlink attributes, private to actual_parse*.c. Layer 2; pure.
 * Each getter returns 0, or -EINVAL when the payload has not the size its type has. Payloads are
 * copied: they are aligned to 4 bytes only, and the input may be hostile. */
#ifndef NETNSD_ACTUAL_ATTR_H
#define NETNSD_ACTUAL_ATTR_H

#include "netnsd/plugin.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <string.h>

/* Walks the attributes of a message behind its fixed header, or those inside an attribute. Length
 * left over in `rest` afterwards means that the chain is broken. */
#define attr_for_each(a, start, length, rest)                                                                \
	for ((a) = (const struct nlattr *)(start), (rest) = (length); nla_ok((a), (rest));                   \
	     (a) = nla_next((a), &(rest)))

/* Copies a message's fixed header. -EINVAL when the message is shorter than that. */
static inline int attr_header(const struct nlmsghdr *h, void *ret, size_t size)
{
	if (h->nlmsg_len < NLMSG_LENGTH(size))
		return -EINVAL;
	memcpy(ret, nlmsg_data(h), size);
	return 0;
}

/* Up to 3 bytes of padding are no attribute, more are a broken one. */
static inline int attr_end(int rest)
{
	return rest >= NLA_HDRLEN ? -EINVAL : 0;
}

static inline int attr_fixed(const struct nlattr *a, void *ret, size_t size)
{
	if ((size_t)nla_len(a) != size)
		return -EINVAL;
	memcpy(ret, nla_data(a), size);
	return 0;
}

static inline int attr_u8(const struct nlattr *a, uint8_t *ret)
{
	return attr_fixed(a, ret, sizeof(*ret));
}

static inline int attr_u32(const struct nlattr *a, uint32_t *ret)
{
	return attr_fixed(a, ret, sizeof(*ret));
}

/* An index: the kernel's are positive. */
static inline int attr_ifindex(const struct nlattr *a, int *ret)
{
	int value;

	if (attr_fixed(a, &value, sizeof(value)) < 0 || value < 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* A NUL-terminated string that fits, NUL included. */
static inline int attr_string(const struct nlattr *a, char *ret, size_t size)
{
	const size_t length = strnlen(nla_data(a), (size_t)nla_len(a));

	if (length == (size_t)nla_len(a) || length >= size)
		return -EINVAL;
	memcpy(ret, nla_data(a), length + 1);
	return 0;
}

/* An address whose family its length tells; `family` AF_UNSPEC takes both. */
static inline int attr_ip(const struct nlattr *a, uint8_t family, struct netnsd_ip *ret)
{
	const int length = nla_len(a);
	const uint8_t found = length == 4 ? AF_INET : length == 16 ? AF_INET6 : AF_UNSPEC;

	if (found == AF_UNSPEC || (family != AF_UNSPEC && family != found))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->family = found;
	memcpy(ret->bytes, nla_data(a), (size_t)length);
	return 0;
}

#endif
