/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses, routes, rules and neighbours to messages. All of them carry ROUTE_PROTOCOL: that is
 * how what is ours is known again without a state file, and a removal that carries it cannot hit
 * what is somebody else's.
 */
#include "netns.h"
#include "parse.h"
#include "request.h"
#include "request_internal.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

static int put_ip(struct nl_msg *msg, int attr, const struct netnsd_ip *ip)
{
	return request_put(nla_put(msg, attr, (int)ip_length(ip->family), ip->bytes));
}

static int put_ip_if(struct nl_msg *msg, int attr, const struct netnsd_ip *ip)
{
	return ip->family == AF_UNSPEC ? 0 : put_ip(msg, attr, ip);
}

static int put_u32_if(struct nl_msg *msg, int attr, uint32_t value)
{
	return value == 0 ? 0 : request_put(nla_put_u32(msg, attr, value));
}

/* --- addresses --- */

/* As networkd does: the last address of the network, where there is one. The kernel makes the route to
 * it either way; without the attribute only `ip address` shows no "brd". */
static int put_broadcast(struct nl_msg *msg, const struct address *a)
{
	struct netnsd_ip broadcast = a->prefix.ip;

	if (broadcast.family != AF_INET || a->prefix.length > 30 || a->prefix.length == 0 ||
	    a->peer.family != AF_UNSPEC || a->scope == RT_SCOPE_HOST)
		return 0;
	for (unsigned bit = a->prefix.length; bit < 32; bit++)
		broadcast.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return put_ip(msg, IFA_BROADCAST, &broadcast);
}

static int put_new_address(struct nl_msg *msg, const struct address *a)
{
	int e = put_broadcast(msg, a);

	if (e == 0 && a->label[0])
		e = request_put(nla_put_string(msg, IFA_LABEL, a->label));
	if (e == 0)
		e = put_u32_if(msg, IFA_FLAGS, a->no_dad ? IFA_F_NODAD : 0);
	if (e == 0)
		e = put_u32_if(msg, IFA_RT_PRIORITY, a->metric);
	if (e == 0)
		e = request_put(nla_put_u8(msg, IFA_PROTO, ROUTE_PROTOCOL));
	if (e == 0 && a->preferred != UINT32_MAX) {
		const struct ifa_cacheinfo cache = {.ifa_prefered = a->preferred, .ifa_valid = UINT32_MAX};

		e = request_put(nla_put(msg, IFA_CACHEINFO, sizeof(cache), &cache));
	}
	return e;
}

int request_address(const struct address *a, int ifindex, bool add, bool replace, struct nl_msg **ret)
{
	const struct ifaddrmsg ifa = {.ifa_family = a->prefix.ip.family,
				      .ifa_prefixlen = a->prefix.length,
				      .ifa_scope = a->scope,
				      .ifa_index = (unsigned)ifindex};
	const uint16_t flags = !add ? 0 : NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
	struct nl_msg *msg = request_new(add ? RTM_NEWADDR : RTM_DELADDR, flags, &ifa, sizeof(ifa));
	int e;

	if (!msg)
		return -ENOMEM;
	e = put_ip(msg, IFA_LOCAL, &a->prefix.ip);
	if (e == 0)
		e = put_ip(msg, IFA_ADDRESS, a->peer.family != AF_UNSPEC ? &a->peer : &a->prefix.ip);
	if (e == 0 && add)
		e = put_new_address(msg, a);
	return request_finish(msg, e, ret);
}

/* --- routes --- */

static int put_gateway(struct nl_msg *msg, uint8_t family, const struct netnsd_ip *gateway)
{
	struct {
		uint16_t family;
		uint8_t bytes[16];
	} via;

	if (gateway->family == AF_UNSPEC || gateway->family == family)
		return put_ip_if(msg, RTA_GATEWAY, gateway);
	via.family = gateway->family;
	memcpy(via.bytes, gateway->bytes, sizeof(via.bytes));
	return request_put(
		nla_put(msg, RTA_VIA, (int)(sizeof(via.family) + ip_length(gateway->family)), &via));
}

static int put_nexthop(struct nl_msg *msg, const struct route *r, const struct nexthop *n, int ifindex)
{
	struct rtnexthop *nh = nlmsg_reserve(msg, sizeof(*nh), NLMSG_ALIGNTO);
	int e;

	if (!nh)
		return -EMSGSIZE;
	memset(nh, 0, sizeof(*nh));
	nh->rtnh_ifindex = ifindex;
	nh->rtnh_hops = (uint8_t)(n->weight > 0 ? n->weight - 1 : 0);
	nh->rtnh_flags = r->onlink ? RTNH_F_ONLINK : 0;
	e = put_gateway(msg, r->family, &n->gateway);
	nh->rtnh_len = (uint16_t)((const char *)nlmsg_tail(nlmsg_hdr(msg)) - (const char *)nh);
	return e;
}

static int put_multipath(struct nl_msg *msg, const struct route *r, const int *ifindex)
{
	struct nlattr *nest = nla_nest_start(msg, RTA_MULTIPATH);
	int e = nest ? 0 : -EMSGSIZE;

	for (size_t i = 0; e == 0 && i < r->n_nexthops; i++)
		e = put_nexthop(msg, r, &r->nexthops[i], ifindex ? ifindex[i] : 0);
	if (e == 0)
		nla_nest_end(msg, nest);
	return e;
}

static int put_metrics(struct nl_msg *msg, const struct route *r)
{
	const struct {
		uint32_t bit;
		int type;
		uint32_t value;
	} table[] = {{ROUTE_SET_MTU, RTAX_MTU, r->mtu},
		     {ROUTE_SET_ADVMSS, RTAX_ADVMSS, r->advmss},
		     {ROUTE_SET_INITCWND, RTAX_INITCWND, r->initcwnd},
		     {ROUTE_SET_INITRWND, RTAX_INITRWND, r->initrwnd},
		     {ROUTE_SET_QUICKACK, RTAX_QUICKACK, r->quickack},
		     {ROUTE_SET_FASTOPEN, RTAX_FASTOPEN_NO_COOKIE, r->fastopen_no_cookie}};
	struct nlattr *nest = nla_nest_start(msg, RTA_METRICS);

	if (!nest)
		return -EMSGSIZE;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (r->set & table[i].bit && nla_put_u32(msg, table[i].type, table[i].value) < 0)
			return -EMSGSIZE;
	nla_nest_end(msg, nest); /* takes an empty nest away again */
	return 0;
}

/* What a removal must leave out: the kernel would compare it, and the route is known without. */
static int put_route_values(struct nl_msg *msg, const struct route *r)
{
	int e = put_ip_if(msg, RTA_PREFSRC, &r->prefsrc);

	if (e == 0)
		e = put_metrics(msg, r);
	if (e == 0 && r->set & ROUTE_SET_PREFERENCE)
		e = request_put(nla_put_u8(msg, RTA_PREF, r->preference));
	if (e == 0 && r->set & ROUTE_SET_TTL_PROPAGATE)
		e = request_put(nla_put_u8(msg, RTA_TTL_PROPAGATE, (uint8_t)r->ttl_propagate));
	return e;
}

static int put_destinations(struct nl_msg *msg, const struct route *r)
{
	int e = r->destination.length > 0 ? put_ip(msg, RTA_DST, &r->destination.ip) : 0;

	if (e == 0 && r->source.length > 0)
		e = put_ip(msg, RTA_SRC, &r->source.ip);
	if (e == 0)
		e = request_put(nla_put_u32(msg, RTA_TABLE, r->table));
	return e < 0 ? e : put_u32_if(msg, RTA_PRIORITY, r->metric);
}

int request_route(const struct route *r, int ifindex, const int *nexthop_ifindex, bool add, bool replace,
		  struct nl_msg **ret)
{
	/* IPv4 compares the scope on removal, unless it is NOWHERE. */
	const uint8_t scope = r->family != AF_INET ? RT_SCOPE_UNIVERSE : add ? r->scope : RT_SCOPE_NOWHERE;
	const struct rtmsg rtm = {.rtm_family = r->family,
				  .rtm_dst_len = r->destination.length,
				  .rtm_src_len = r->source.length,
				  .rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
				  .rtm_protocol = ROUTE_PROTOCOL,
				  .rtm_scope = scope,
				  .rtm_type = r->type,
				  .rtm_flags = r->onlink && r->n_nexthops == 0 ? RTNH_F_ONLINK : 0};
	const uint16_t flags = !add ? 0 : NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
	struct nl_msg *msg = request_new(add ? RTM_NEWROUTE : RTM_DELROUTE, flags, &rtm, sizeof(rtm));
	int e;

	if (!msg)
		return -ENOMEM;
	e = put_destinations(msg, r);
	if (e == 0 && r->n_nexthops == 0)
		e = put_gateway(msg, r->family, &r->gateway);
	if (e == 0)
		e = put_u32_if(msg, RTA_OIF, (uint32_t)ifindex);
	/* IPv6 removes a whole group of next hops when none is named. */
	if (e == 0 && r->n_nexthops > 0 && (add || r->family == AF_INET))
		e = put_multipath(msg, r, nexthop_ifindex);
	if (e == 0 && add)
		e = put_route_values(msg, r);
	return request_finish(msg, e, ret);
}

/* --- rules --- */

static int put_range(struct nl_msg *msg, int attr, const uint16_t range[2])
{
	const struct fib_rule_port_range ports = {.start = range[0], .end = range[1]};

	if (range[0] == 0 && range[1] == 0)
		return 0;
	return request_put(nla_put(msg, attr, sizeof(ports), &ports));
}

static int put_selectors(struct nl_msg *msg, const struct rule *r)
{
	const struct fib_rule_uid_range uids = {.start = r->uid[0], .end = r->uid[1]};
	int e = 0;

	if (r->from.length > 0)
		e = put_ip(msg, FRA_SRC, &r->from.ip);
	if (e == 0 && r->to.length > 0)
		e = put_ip(msg, FRA_DST, &r->to.ip);
	if (e == 0 && r->iif[0])
		e = request_put(nla_put_string(msg, FRA_IIFNAME, r->iif));
	if (e == 0 && r->oif[0])
		e = request_put(nla_put_string(msg, FRA_OIFNAME, r->oif));
	if (e == 0 && r->fwmask != 0)
		e = request_put(nla_put_u32(msg, FRA_FWMARK, r->fwmark)) |
		    request_put(nla_put_u32(msg, FRA_FWMASK, r->fwmask));
	if (e == 0 && r->ip_protocol != 0)
		e = request_put(nla_put_u8(msg, FRA_IP_PROTO, r->ip_protocol));
	if (e == 0)
		e = put_range(msg, FRA_SPORT_RANGE, r->sport);
	if (e == 0)
		e = put_range(msg, FRA_DPORT_RANGE, r->dport);
	if (e == 0 && r->has_uid)
		e = request_put(nla_put(msg, FRA_UID_RANGE, sizeof(uids), &uids));
	return e;
}

static int put_rule(struct nl_msg *msg, const struct rule *r)
{
	int e = request_put(nla_put_u32(msg, FRA_PRIORITY, r->priority));

	if (e == 0)
		e = request_put(nla_put_u8(msg, FRA_PROTOCOL, ROUTE_PROTOCOL));
	if (e == 0)
		e = put_u32_if(msg, FRA_TABLE, r->table);
	if (e == 0 && r->suppress_prefixlength >= 0)
		e = request_put(nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, (uint32_t)r->suppress_prefixlength));
	if (e == 0 && r->suppress_ifgroup >= 0)
		e = request_put(nla_put_u32(msg, FRA_SUPPRESS_IFGROUP, (uint32_t)r->suppress_ifgroup));
	return e == 0 ? put_selectors(msg, r) : e;
}

int request_rule(const struct rule *r, bool add, struct nl_msg **ret)
{
	const struct fib_rule_hdr frh = {.family = r->family,
					 .dst_len = r->to.length,
					 .src_len = r->from.length,
					 .tos = r->tos,
					 .table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
					 .action = r->action,
					 .flags = r->invert ? FIB_RULE_INVERT : 0};
	struct nl_msg *msg;

	msg = request_new(add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0, &frh,
			  sizeof(frh));
	return msg ? request_finish(msg, put_rule(msg, r), ret) : -ENOMEM;
}

/* --- neighbours --- */

int request_neighbor(const struct neighbor *n, int ifindex, bool add, struct nl_msg **ret)
{
	const struct ndmsg ndm = {.ndm_family = n->address.family,
				  .ndm_ifindex = ifindex,
				  .ndm_state = add ? NUD_PERMANENT : NUD_NONE};
	struct nl_msg *msg;
	int e;

	msg = request_new(add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &ndm,
			  sizeof(ndm));
	if (!msg)
		return -ENOMEM;
	e = put_ip(msg, NDA_DST, &n->address);
	if (e == 0 && add)
		e = request_put(nla_put(msg, NDA_LLADDR, sizeof(n->lladdr.bytes), n->lladdr.bytes)) |
		    request_put(nla_put_u8(msg, NDA_PROTOCOL, ROUTE_PROTOCOL));
	return request_finish(msg, e, ret);
}
