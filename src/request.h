/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired objects to rtnetlink messages. Layer 2; pure. Every function returns 0 and an owned
 * message (nlmsg_free()), or -EMSGSIZE / -ENOMEM / what a plugin's fill() returned. */
#ifndef NETNSD_REQUEST_H
#define NETNSD_REQUEST_H

#include "desired.h"

#include <netlink/msg.h>

/* RTM_NEWLINK that creates `l`. The message is to be sent in the namespace of its parent, or else
 * where l itself goes.
 *   netns_fd        where l goes if that is not the namespace the message is sent in; else -1
 *   parent_ifindex  IFLA_LINK, in the namespace the message is sent in; 0: none
 *   master_ifindex  IFLA_MASTER in l's namespace; 0: none
 *   peer_netns_fd   pair kinds: where l->peer goes if elsewhere than the message; else -1
 *   up              IFF_UP at creation
 * Carries name, group, MAC, MTU of both ends and the kind's config, whichever end of the pair l is.
 *
 * Tried on 6.18, what one creating message does for the end it is about, and for the peer:
 *   IFLA_GROUP, IFLA_IFNAME, IFLA_NET_NS_FD     both ends
 *   IFF_UP, also together with IFLA_NET_NS_FD   yes; peer: ENOTCONN
 *   IFLA_MASTER, also together with NET_NS_FD   yes (looked up where the link goes); peer: ignored
 *   IFLA_IFALIAS, IFLA_PROP_LIST                ignored without an error: request_link_set(), _altname()
 *   IFLA_AF_SPEC (address generation mode)      EAFNOSUPPORT, also inside VETH_INFO_PEER. A link that
 *                                               must not get a link-local address is therefore created
 *                                               down and raised by request_link_set()
 *   ifi_index (not used here)                   honoured; the peer's only when l's is given too (ignored
 *                                               else). EEXIST when l's is taken, EBUSY when the peer's is
 *   NLM_F_ECHO                                  the new link's RTM_NEWLINK comes before the ack, also before
 *                                               one that says the creation failed after all */
int request_link_create(const struct link *l, int netns_fd, int parent_ifindex, int master_ifindex,
			int peer_netns_fd, bool up, struct nl_msg **ret);

/* What request_link_set() changes, all in one RTM_SETLINK-style RTM_NEWLINK. Tried on 6.18:
 *   - It is no transaction: with a valid MTU and alias and a master that does not exist the message
 *     fails, and MTU and alias are changed.
 *   - MASTER + UP in one message is well. ADDRGEN + UP is not: the flags are done before IFLA_AF_SPEC. A
 *     bridge has a link-local address then, for ever; a veth has none (200 of 200), only because
 *     its carrier comes later. So ADDRGEN goes in a message before the one with UP. */
enum link_change {
	LINK_CHANGE_MTU = 1 << 0,
	LINK_CHANGE_MAC = 1 << 1,
	LINK_CHANGE_MASTER = 1 << 2, /* to master_ifindex, 0 releases */
	LINK_CHANGE_ALIAS = 1 << 3,
	LINK_CHANGE_ADDRGEN = 1 << 4,
	LINK_CHANGE_UP = 1 << 5,
	LINK_CHANGE_DOWN = 1 << 6,
	LINK_CHANGE_KIND = 1 << 7, /* IFLA_LINKINFO with the kind's set keys */
	LINK_CHANGE_NAME = 1 << 8,
	LINK_CHANGE_GROUP = 1 << 9
};
struct link_values {
	unsigned change; /* enum link_change */
	uint32_t mtu;
	struct netnsd_mac mac;
	int master_ifindex;
	const char *alias;     /* "" or NULL removes */
	uint8_t addr_gen_mode; /* IN6_ADDR_GEN_MODE_* */
	const char *name;
	uint32_t group;
	const struct link *kind_of; /* LINK_CHANGE_KIND: whose config */
};
int request_link_set(int ifindex, const struct link_values *values, struct nl_msg **ret);
int request_link_delete(int ifindex, struct nl_msg **ret);
int request_link_delete_group(uint32_t group, struct nl_msg **ret);
/* Moves a link to another namespace, with a new name unless NULL. */
int request_link_move(int ifindex, int netns_fd, const char *name, struct nl_msg **ret);
int request_altname(int ifindex, const char *name, bool add, struct nl_msg **ret);

int request_address(const struct address *a, int ifindex, bool add, bool replace, struct nl_msg **ret);
/* ifindex of r->ifname and of each nexthop's (0: none); exclusive: NLM_F_EXCL, else replace. */
int request_route(const struct route *r, int ifindex, const int *nexthop_ifindex, bool add, bool replace,
		  struct nl_msg **ret);
int request_rule(const struct rule *r, bool add, struct nl_msg **ret);
int request_neighbor(const struct neighbor *n, int ifindex, bool add, struct nl_msg **ret);

#endif
