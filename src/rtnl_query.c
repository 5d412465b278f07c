/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few questions that every part asks: which index has a name, which nsid has a namespace.
 */
#include "cleanup.h"
#include "rtnl.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>

static void message_freep(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

static int take_ifindex(const struct nlmsghdr *h, void *data)
{
	struct ifinfomsg ifi;

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(ifi)))
		return -EBADMSG;
	memcpy(&ifi, nlmsg_data(h), sizeof(ifi));
	*(int *)data = ifi.ifi_index;
	return 0;
}

int rtnl_ifindex(struct rtnl *r, const char *name, int *ret)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	_cleanup_(message_freep) struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	int index = 0, e;

	if (!msg)
		return -ENOMEM;
	/* Under this attribute the kernel finds the name itself as well as the alternative ones. */
	if (nla_put_string(msg, IFLA_ALT_IFNAME, name) < 0 ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENODEV; /* longer than a message, so nobody's name */
	e = rtnl_get(r, msg, take_ifindex, &index, NULL);
	if (e < 0)
		return e;
	*ret = index;
	return 0;
}

static struct nl_msg *nsid_message(uint16_t type, int ns_fd)
{
	const struct rtgenmsg gen = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *msg = rtnl_message(type, 0, &gen, sizeof(gen));

	if (msg && ns_fd >= 0 && nla_put_u32(msg, NETNSA_FD, (uint32_t)ns_fd) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int parse_nsid(const struct nlmsghdr *h, int *ret)
{
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWNSID || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtgenmsg)))
		return -EBADMSG;
	a = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)h, sizeof(struct rtgenmsg), NETNSA_NSID);
	if (!a || nla_len(a) < (int)sizeof(int))
		return -EBADMSG;
	memcpy(ret, nla_data(a), sizeof(int));
	return 0;
}

static int take_nsid(const struct nlmsghdr *h, void *data)
{
	return parse_nsid(h, data);
}

int rtnl_nsid_get(struct rtnl *r, int ns_fd, int *ret, struct error *err)
{
	_cleanup_(message_freep) struct nl_msg *msg = nsid_message(RTM_GETNSID, ns_fd);
	int nsid = NETNSA_NSID_NOT_ASSIGNED, e;

	if (!msg)
		return error_set(err, -ENOMEM, "Out of memory");
	e = rtnl_get(r, msg, take_nsid, &nsid, err);
	if (e < 0)
		return e;
	*ret = nsid;
	return 0;
}

int rtnl_nsid_set(struct rtnl *r, int ns_fd, int nsid, struct error *err)
{
	_cleanup_(message_freep) struct nl_msg *msg = nsid_message(RTM_NEWNSID, ns_fd);

	if (!msg || nla_put_s32(msg, NETNSA_NSID, nsid) < 0)
		return error_set(err, -ENOMEM, "Out of memory");
	return rtnl_talk(r, msg, err);
}

struct nsid_list {
	int *ids;
	size_t count, capacity;
};

static void nsid_list_begin(void *data)
{
	struct nsid_list *list = data;

	list->count = 0; /* a try that was interrupted counts for nothing */
}

static int nsid_list_add(const struct nlmsghdr *h, void *data)
{
	struct nsid_list *list = data;
	int nsid, e;

	e = parse_nsid(h, &nsid);
	if (e < 0)
		return e;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		int *ids = reallocarray(list->ids, capacity, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		list->ids = ids;
		list->capacity = capacity;
	}
	list->ids[list->count++] = nsid;
	return 0;
}

int rtnl_nsid_dump(struct rtnl *r, void (*fn)(int nsid, void *data), void *data, struct error *err)
{
	_cleanup_(message_freep) struct nl_msg *msg = nsid_message(RTM_GETNSID, -1);
	struct nsid_list list = {0};
	int e;

	if (!msg)
		return error_set(err, -ENOMEM, "Out of memory");
	e = rtnl_dump(r, msg, nsid_list_begin, nsid_list_add, &list, err);
	for (size_t i = 0; e == 0 && i < list.count; i++)
		fn(list.ids[i], data);
	free(list.ids);
	return e;
}
