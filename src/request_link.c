/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links to messages: create, change, remove, move. What is put when was found by experiment; the
 * facts are in request.h.
 */
#include "key.h"
#include "netns.h"
#include "request.h"
#include "request_internal.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

static int link_message(uint16_t type, uint16_t flags, int ifindex, bool up, bool down, struct nl_msg **ret)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC,
				      .ifi_index = ifindex,
				      .ifi_flags = up ? IFF_UP : 0,
				      .ifi_change = up || down ? IFF_UP : 0};

	*ret = request_new(type, flags, &ifi, sizeof(ifi));
	return *ret ? 0 : -ENOMEM;
}

/* --- create --- */

/* The keys that may be sent to a link that exists: kernels refuse the fixed ones by name. */
static uint64_t changeable(const struct link_kind *kind, uint64_t set)
{
	for (size_t i = 0; kind->keys && kind->keys[i].name && i < 64; i++)
		if (kind->keys[i].flags & NETNSD_KEY_FIXED)
			set &= ~(UINT64_C(1) << i);
	return set;
}

static int put_linkinfo(struct nl_msg *msg, const struct netnsd_link *link, const struct link_kind *kind,
			bool change)
{
	const uint64_t set = change ? changeable(kind, link->set) : link->set;
	struct nlattr *info, *data;
	int e;

	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, kind->name) < 0)
		return -EMSGSIZE;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data)
		return -EMSGSIZE;
	e = request_put(key_table_put(kind->keys, link->config, set, msg));
	if (e == 0 && kind->fill) {
		e = kind->fill(link, change, msg);
		if (e == -NLE_NOMEM)
			e = -EMSGSIZE;
	}
	if (e < 0)
		return e;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

static int put_common(struct nl_msg *msg, const struct link *l)
{
	if (nla_put_string(msg, IFLA_IFNAME, l->name) < 0 || nla_put_u32(msg, IFLA_GROUP, LINK_GROUP) < 0)
		return -EMSGSIZE;
	if (l->mtu_set && nla_put_u32(msg, IFLA_MTU, l->mtu) < 0)
		return -EMSGSIZE;
	if (l->mac_set && nla_put(msg, IFLA_ADDRESS, sizeof(l->mac.bytes), l->mac.bytes) < 0)
		return -EMSGSIZE;
	return 0;
}

static int put_places(struct nl_msg *msg, int netns_fd, int parent_ifindex, int master_ifindex)
{
	if (netns_fd >= 0 && nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd) < 0)
		return -EMSGSIZE;
	if (parent_ifindex > 0 && nla_put_u32(msg, IFLA_LINK, (uint32_t)parent_ifindex) < 0)
		return -EMSGSIZE;
	if (master_ifindex > 0 && nla_put_u32(msg, IFLA_MASTER, (uint32_t)master_ifindex) < 0)
		return -EMSGSIZE;
	return 0;
}

int request_link_create(const struct link *l, int netns_fd, int parent_ifindex, int master_ifindex,
			int peer_netns_fd, bool up, struct nl_msg **ret)
{
	const struct link *declared = l->is_peer ? l->peer : l; /* only that end has the kind's config */
	const bool in_data = l->kind->flags & NETNSD_KIND_PARENT_IN_DATA;
	struct netnsd_peer peer = {.netns_fd = peer_netns_fd, .group = LINK_GROUP};
	struct netnsd_link view = {.ifname = l->name, .parent_ifindex = in_data ? parent_ifindex : 0};
	struct nl_msg *msg;
	int e;

	if (!declared || (l->kind->flags & NETNSD_KIND_PAIR && !l->peer))
		return -EINVAL;
	view.config = declared->config;
	view.set = declared->kind_set;
	if (l->peer) {
		peer.ifname = l->peer->name;
		peer.mtu = l->peer->mtu_set ? l->peer->mtu : 0;
		peer.mac = l->peer->mac_set ? &l->peer->mac : NULL;
		view.peer = &peer;
	}
	e = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, up, false, &msg);
	if (e < 0)
		return e;
	e = put_common(msg, l);
	if (e == 0)
		e = put_places(msg, netns_fd, in_data ? 0 : parent_ifindex, master_ifindex);
	if (e == 0)
		e = put_linkinfo(msg, &view, l->kind, false);
	return request_finish(msg, e, ret);
}

/* --- change --- */

static int put_addr_gen_mode(struct nl_msg *msg, uint8_t mode)
{
	struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC), *inet6;

	if (!spec)
		return -EMSGSIZE;
	inet6 = nla_nest_start(msg, AF_INET6);
	if (!inet6 || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, mode) < 0)
		return -EMSGSIZE;
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, spec);
	return 0;
}

static int put_change(struct nl_msg *msg, const struct link_values *v, enum link_change bit)
{
	const char *alias = v->alias ? v->alias : "";

	switch (bit) {
	case LINK_CHANGE_MTU: return request_put(nla_put_u32(msg, IFLA_MTU, v->mtu));
	case LINK_CHANGE_MAC:
		return request_put(nla_put(msg, IFLA_ADDRESS, sizeof(v->mac.bytes), v->mac.bytes));
	case LINK_CHANGE_MASTER:
		return request_put(nla_put_u32(msg, IFLA_MASTER, (uint32_t)v->master_ifindex));
	case LINK_CHANGE_ALIAS:
		/* Without the NUL: an empty attribute removes the alias, a NUL would be an alias of nothing.
		 */
		return request_put(nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias));
	case LINK_CHANGE_ADDRGEN: return put_addr_gen_mode(msg, v->addr_gen_mode);
	case LINK_CHANGE_NAME: return request_put(nla_put_string(msg, IFLA_IFNAME, v->name));
	case LINK_CHANGE_GROUP: return request_put(nla_put_u32(msg, IFLA_GROUP, v->group));
	case LINK_CHANGE_KIND: {
		const struct link *l = v->kind_of;
		const struct link *declared = l->is_peer ? l->peer : l;
		const struct netnsd_link view = {
			.ifname = l->name, .config = declared->config, .set = declared->kind_set};

		return put_linkinfo(msg, &view, l->kind, true);
	}
	case LINK_CHANGE_UP:
	case LINK_CHANGE_DOWN: break; /* in the header */
	}
	return 0;
}

int request_link_set(int ifindex, const struct link_values *values, struct nl_msg **ret)
{
	const unsigned change = values->change;
	struct nl_msg *msg;
	int e;

	e = link_message(RTM_NEWLINK, 0, ifindex, change & LINK_CHANGE_UP, change & LINK_CHANGE_DOWN, &msg);
	for (unsigned bit = 1; e == 0 && bit <= LINK_CHANGE_GROUP; bit <<= 1)
		if (change & bit)
			e = put_change(msg, values, (enum link_change)bit);
	return request_finish(msg, e, ret);
}

/* --- remove, move, alternative names --- */

int request_link_delete(int ifindex, struct nl_msg **ret)
{
	struct nl_msg *msg;
	int e;

	if (ifindex <= 0)
		return -EINVAL; /* 0 would go by the other attributes */
	e = link_message(RTM_DELLINK, 0, ifindex, false, false, &msg);
	return request_finish(msg, e, ret);
}

int request_link_delete_group(uint32_t group, struct nl_msg **ret)
{
	struct nl_msg *msg;
	int e;

	if (group == 0)
		return -EINVAL; /* the default group: every link there is */
	e = link_message(RTM_DELLINK, 0, 0, false, false, &msg);
	if (e == 0)
		e = request_put(nla_put_u32(msg, IFLA_GROUP, group));
	return request_finish(msg, e, ret);
}

int request_link_move(int ifindex, int netns_fd, const char *name, struct nl_msg **ret)
{
	struct nl_msg *msg;
	int e;

	e = link_message(RTM_NEWLINK, 0, ifindex, false, false, &msg);
	if (e == 0)
		e = request_put(nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd));
	if (e == 0 && name)
		e = request_put(nla_put_string(msg, IFLA_IFNAME, name));
	return request_finish(msg, e, ret);
}

int request_altname(int ifindex, const char *name, bool add, struct nl_msg **ret)
{
	const uint16_t flags = add ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND : 0;
	struct nlattr *list;
	struct nl_msg *msg;
	int e;

	e = link_message(add ? RTM_NEWLINKPROP : RTM_DELLINKPROP, flags, ifindex, false, false, &msg);
	if (e < 0)
		return e;
	list = nla_nest_start(msg, IFLA_PROP_LIST);
	if (!list || nla_put_string(msg, IFLA_ALT_IFNAME, name) < 0)
		return request_finish(msg, -EMSGSIZE, ret);
	nla_nest_end(msg, list);
	return request_finish(msg, 0, ret);
}
