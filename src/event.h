/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one rtnetlink event tells: which object is how now, or gone. Layer 2; pure. The input is a
 * message of a multicast group, of any namespace; it may be malformed (fuzzed). */
#ifndef NETNSD_EVENT_H
#define NETNSD_EVENT_H

#include "actual.h"

enum event_object {
	EVENT_LINK,
	EVENT_ADDRESS,
	EVENT_ROUTE,
	EVENT_RULE,
	EVENT_NEIGHBOR,
	EVENT_SYSCTL,	 /* RTM_NEWNETCONF: forwarding, rp_filter and the like; others send none */
	EVENT_NAME,	 /* in /run/netns: from inotify and mountinfo, never decoded here */
	EVENT_NAMESPACE, /* netnsd's own: a state of a namespace; text is the state */
	EVENT_DRIFT,	 /* netnsd's own: found to differ from its file, and not by our doing */
	EVENT_REPAIR,	 /* netnsd's own: put back, or (text says) not */
	EVENT_CONTAINER, /* netnsd's own: a state of a container; text is the state */
	EVENT_OBJECT_COUNT
};

/* RTM_NEW* tells that an object is there now as told, be it new or changed. */
enum event_change { EVENT_PRESENT /* state, not a change */, EVENT_SET, EVENT_REMOVED };

/* Ours: matches what a worker of ours is doing just then. Foreign: everything else. */
enum event_cause { CAUSE_OURS, CAUSE_FOREIGN };

/* What RTM_NEWNETCONF tells: mostly one value, all of them for a new link. */
enum event_sysctl_value {
	SYSCTL_FORWARDING,
	SYSCTL_RP_FILTER,
	SYSCTL_MC_FORWARDING,
	SYSCTL_PROXY_NEIGH, /* proxy_arp, proxy_ndp */
	SYSCTL_IGNORE_LINKDOWN,
	SYSCTL_BC_FORWARDING,
	SYSCTL_VALUE_COUNT
};

struct event_sysctl {
	uint8_t family;
	bool of_all, of_default; /* neither: of the link ifindex */
	uint8_t set;		 /* bits of values that are told */
	int32_t value[SYSCTL_VALUE_COUNT];
};

struct event {
	enum event_object object; /* LINK .. SYSCTL */
	enum event_change change; /* SET or REMOVED */
	uint32_t sender; /* nlmsg_pid: netlink port of whose request it was, mostly its pid; 0: not told
			    (links never tell) */
	int ifindex;	 /* 0: none */
	bool replaced;	 /* NLM_F_REPLACE: took the place of another route */
	union {		 /* by object. Owned: event_clear() */
		struct actual_link link;
		struct actual_address address;
		struct actual_route route;
		struct actual_rule rule;
		struct actual_neighbor neighbor; /* of any state; has_lladdr may be false */
		struct event_sysctl sysctl;
	};
};

/* 0; -ENOMSG: well-formed, but not of interest (AF_BRIDGE links, cached routes, NSIDs ...);
 * -EINVAL: malformed; -ENOMEM. *ret untouched unless 0. */
int event_decode(const struct nlmsghdr *h, struct event *ret);
void event_clear(struct event *e);

/* "link eth0 (veth, mtu 1500, up, mac ...)", "address 10.0.0.2/24 on eth0", "route default via ...": what
 * people read, in one line without control characters. ifname: of e->ifindex, "" when unknown. Owned;
 * NULL: no memory. */
char *event_to_string(const struct event *e, const char *ifname);

const char *event_object_to_string(enum event_object o); /* "link" ...; also the words of the IDL */
const char *event_change_to_string(enum event_change c); /* "present", "set", "removed" */
const char *event_cause_to_string(enum event_cause c);	 /* "ours", "foreign" */

#endif
