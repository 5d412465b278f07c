/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What request_link.c and request_route.c share. Layer 2; pure. Not rtnl_message(): whoever builds
 * requests shall not see sockets. */
#ifndef NETNSD_REQUEST_INTERNAL_H
#define NETNSD_REQUEST_INTERNAL_H

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>

/* NULL: no memory. */
static inline struct nl_msg *request_new(uint16_t type, uint16_t flags, const void *header, size_t length)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, (void *)(uintptr_t)header, length, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* libnl's errors are not errnos; that of a full message is -NLE_NOMEM. */
static inline int request_put(int libnl_result)
{
	return libnl_result < 0 ? -EMSGSIZE : 0;
}

/* Hands the message on when all went well, else frees it. */
static inline int request_finish(struct nl_msg *msg, int e, struct nl_msg **ret)
{
	if (e < 0) {
		nlmsg_free(msg);
		return e;
	}
	*ret = msg;
	return 0;
}

#endif
