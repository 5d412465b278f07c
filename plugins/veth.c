/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * veth: a pair of Ethernet links, each the other's wire. The core knows about the second end
 * (NETNSD_KIND_PAIR) and reads the Peer... keys; all that is left is the nest that creates it.
 *
 * The peer is created in its own namespace at once: creating it here and moving it costs 25 to 30
 * times as much and shows it under the wrong name in between. IFF_UP has no place in the nest, the
 * kernel opens the peer before it has one itself and answers ENOTCONN.
 */
#include <netnsd/plugin.h>

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

static int put_peer(const struct netnsd_peer *peer, struct nl_msg *msg)
{
	struct ifinfomsg info = {.ifi_family = 0};
	int r;

	/* The header sits in front of the peer's attributes, as in a message of its own. */
	r = nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	if (r == 0)
		r = nla_put_string(msg, IFLA_IFNAME, peer->ifname);
	if (r == 0)
		r = nla_put_u32(msg, IFLA_GROUP, peer->group);
	if (r == 0 && peer->mtu > 0)
		r = nla_put_u32(msg, IFLA_MTU, peer->mtu);
	if (r == 0 && peer->mac)
		r = nla_put(msg, IFLA_ADDRESS, sizeof(peer->mac->bytes), peer->mac->bytes);
	if (r == 0 && peer->netns_fd >= 0)
		r = nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)peer->netns_fd);
	return r == 0 ? 0 : -EMSGSIZE;
}

static int veth_fill(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	struct nlattr *nest;
	int r;

	if (change || !link->peer)
		return 0; /* each end is changed like any other link */
	nest = nla_nest_start(msg, VETH_INFO_PEER);
	if (!nest)
		return -EMSGSIZE;
	r = put_peer(link->peer, msg);
	if (r < 0) {
		nla_nest_cancel(msg, nest);
		return r;
	}
	nla_nest_end(msg, nest);
	return 0;
}

static const struct link_kind veth_kind = {
	.name = "veth",
	.section = "Veth",
	.flags = NETNSD_KIND_PAIR,
	.fill = veth_fill,
};

static const struct link_kind *const kinds[] = {&veth_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "veth",
	.kinds = kinds,
};
