/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rtnetlink says exists in one namespace. Layer 2. Parsing is pure; actual_dump() asks. */
#ifndef NETNSD_ACTUAL_H
#define NETNSD_ACTUAL_H

#include "desired.h"
#include "error.h"
#include "rtnl.h"

#include <linux/netlink.h>

struct actual_link {
	int ifindex;
	char name[IFNAMSIZ];
	uint32_t flags; /* IFF_* */
	uint32_t mtu, group;
	uint8_t operstate;
	uint8_t mac_length; /* 6 for what we manage; at most 32 */
	uint8_t mac[32];
	uint8_t perm_mac_length; /* of physical links */
	int master;		 /* ifindex; 0: none */
	int parent;		 /* IFLA_LINK; 0: none */
	int link_nsid;		 /* IFLA_LINK_NETNSID: where parent or peer live; -1: this namespace */
	bool has_kind;
	char kind[32];	       /* IFLA_INFO_KIND; "": none (physical, lo) */
	bool has_device;       /* IFLA_PARENT_DEV_NAME: backed by a bus device, i.e. physical */
	uint8_t addr_gen_mode; /* IN6_ADDR_GEN_MODE_*; 255: no IPv6 */
	char *alias;	       /* NULL: none */
	char **altnames;
	struct nlattr *info_data;			     /* owned copy of IFLA_INFO_DATA; NULL: none */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* for status */
};

/* Normal form: prefix.ip is the local address, peer AF_UNSPEC unless it differs; label "" when it is the
 * link's name; preferred is what is left now, UINT32_MAX forever. */
struct actual_address {
	struct address address; /* origin empty */
	int ifindex;
	uint32_t flags;	  /* IFA_F_* */
	uint8_t protocol; /* IFA_PROTO; 0: none */
};

/*
 * The normal form in which a route comes from the kernel, so that comparing with a declared one
 * takes few rules:
 *   destination.ip.family is always route.family, also of a default route; host bits are clear
 *   source is all zero unless the route (IPv6) has one; gateway and prefsrc AF_UNSPEC: none
 *   one next hop is in gateway, ifname, onlink; more are in nexthops, and gateway is AF_UNSPEC then
 *   (so MultiPathRoute= with one element comes back as a gateway), weights from 1
 *   unreachable, blackhole, prohibit and throw have no link (IPv6 reports lo; left out)
 *   scope is 0 for IPv6; metric is the kernel's (IPv6: 1024 when none was given; IPv4: 0)
 *   set has a bit for each metric the kernel reports; SCOPE always for IPv4, PREFERENCE always for IPv6
 *   label is NULL, origin empty
 */
struct actual_route {
	struct route route;   /* ifname filled from ifindex where it is known; nexthops are owned */
	int ifindex;	      /* 0: none, or see nexthop_ifindex */
	int *nexthop_ifindex; /* route.n_nexthops of them; owned */
	uint8_t protocol;
};

/* Normal form: from and to masked, all zero when absent; suppress_* -1 when absent. */
struct actual_rule {
	struct rule rule;
	uint8_t protocol;
};

struct actual_neighbor {
	struct neighbor neighbor;
	int ifindex;
	uint16_t state; /* NUD_* */
	uint8_t protocol;
	bool has_lladdr; /* false only from actual_parse_any_neighbor() */
};

struct actual {
	struct actual_link *links; /* sorted by ifindex */
	size_t n_links;
	struct actual_address *addresses;
	size_t n_addresses;
	struct actual_route *routes; /* ours (protocol ROUTE_PROTOCOL) only, or all: actual_dump */
	size_t n_routes;
	struct actual_rule *rules; /* likewise */
	size_t n_rules;
	struct actual_neighbor *neighbors; /* permanent ones with our protocol */
	size_t n_neighbors;
	/* Values of the sysctls the desired namespace declares, in its order; NULL entry: unreadable.
	 * Length desired->n_sysctls when they were asked for, else 0. */
	char **sysctls;
	size_t n_sysctls;
	char *resolv; /* content of /etc/netns/NAME/resolv.conf, NULL: none */
	bool resolv_ours;
};

/* The messages; 0, -EINVAL (malformed, too short; *ret untouched), -ENOMEM. Unknown attributes are
 * ignored; every length is checked: the input may be hostile (fuzzed). -ENOMSG for messages that
 * are well-formed but not of interest (AF_BRIDGE links, cached routes ...). */
int actual_parse_link(const struct nlmsghdr *h, struct actual_link *ret);
int actual_parse_address(const struct nlmsghdr *h, struct actual_address *ret);
int actual_parse_route(const struct nlmsghdr *h, struct actual_route *ret);
int actual_parse_rule(const struct nlmsghdr *h, struct actual_rule *ret);
int actual_parse_neighbor(const struct nlmsghdr *h, struct actual_neighbor *ret);
/* Also one without an address on the link, as it is in RTM_DELNEIGH. */
int actual_parse_any_neighbor(const struct nlmsghdr *h, struct actual_neighbor *ret);
/* Free what the objects own, not the objects. */
void actual_link_clear(struct actual_link *l);
void actual_route_clear(struct actual_route *r);

enum actual_what {
	ACTUAL_LINKS = 1 << 0,
	ACTUAL_ADDRESSES = 1 << 1,
	ACTUAL_ROUTES = 1 << 2,
	ACTUAL_RULES = 1 << 3,
	ACTUAL_NEIGHBORS = 1 << 4,
	ACTUAL_ALL = 31,
	ACTUAL_FOREIGN_TOO = 1 << 5, /* also routes and rules that are not ours (show, status) */
	ACTUAL_STATISTICS = 1 << 6
};

/* Dumps r's namespace. 0 or -errno with err. */
int actual_dump(struct rtnl *r, unsigned what, struct actual **ret, struct error *err);
/* As actual_dump(), but of links only those of these names, ordinary or alternative, as far as they exist,
 * and what they are ports of. NULL: all. */
int actual_dump_some(struct rtnl *r, unsigned what, char *const *links, struct actual **ret,
		     struct error *err);
void actual_free(struct actual *a); /* NULL is fine */

const struct actual_link *actual_find_link(const struct actual *a, const char *name); /* or altname */
const struct actual_link *actual_link_by_index(const struct actual *a, int ifindex);

#endif
