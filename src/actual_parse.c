/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Address, rule and neighbour messages to values. Links and routes have files of their own.
 *
 * The kernel is trusted, the code is not: every length is checked, and the fuzzer feeds it noise.
 */
#include "actual.h"
#include "actual_attr.h"
#include "parse.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* --- addresses --- */

struct address_parts {
	struct netnsd_ip local, address;
};

static int parse_address_attr(const struct nlattr *a, uint8_t family, struct actual_address *r,
			      struct address_parts *parts)
{
	struct ifa_cacheinfo cache;

	switch (nla_type(a)) {
	case IFA_LOCAL: return attr_ip(a, family, &parts->local);
	case IFA_ADDRESS: return attr_ip(a, family, &parts->address);
	case IFA_LABEL: return attr_string(a, r->address.label, sizeof(r->address.label));
	case IFA_FLAGS: return attr_u32(a, &r->flags);
	case IFA_RT_PRIORITY: return attr_u32(a, &r->address.metric);
	case IFA_PROTO: return attr_u8(a, &r->protocol);
	case IFA_CACHEINFO:
		if (attr_fixed(a, &cache, sizeof(cache)) < 0)
			return -EINVAL;
		r->address.preferred = cache.ifa_prefered;
		return 0;
	default: return 0;
	}
}

int actual_parse_address(const struct nlmsghdr *h, struct actual_address *ret)
{
	struct actual_address r = {.address.preferred = UINT32_MAX};
	struct address_parts parts = {0};
	const struct nlattr *a;
	struct ifaddrmsg ifa;
	int rest, e;

	e = attr_header(h, &ifa, sizeof(ifa));
	if (e < 0)
		return e;
	if (ifa.ifa_family != AF_INET && ifa.ifa_family != AF_INET6)
		return -ENOMSG;
	r.flags = ifa.ifa_flags;
	attr_for_each(a, nlmsg_attrdata(h, sizeof(ifa)), nlmsg_attrlen(h, sizeof(ifa)), rest)
	{
		e = parse_address_attr(a, ifa.ifa_family, &r, &parts);
		if (e < 0)
			return e;
	}
	/* IFA_ADDRESS is the peer's where there is a peer, else the same as IFA_LOCAL, which IPv6 leaves
	 * out then. */
	if (parts.local.family == AF_UNSPEC)
		parts.local = parts.address;
	else if (parts.address.family != AF_UNSPEC && !ip_equal(&parts.local, &parts.address))
		r.address.peer = parts.address;
	if (attr_end(rest) < 0 || parts.local.family == AF_UNSPEC || ifa.ifa_index == 0 ||
	    ifa.ifa_index > INT32_MAX || ifa.ifa_prefixlen > 8 * ip_length(ifa.ifa_family))
		return -EINVAL;
	/* An IPv4 address that is valid for ever is reported as preferred for ever even when it is not
	 * preferred at all; the flag tells (Linux 6.18). */
	if (r.flags & IFA_F_DEPRECATED)
		r.address.preferred = 0;
	r.address.prefix = (struct netnsd_prefix){.ip = parts.local, .length = ifa.ifa_prefixlen};
	r.address.scope = ifa.ifa_scope;
	r.address.no_dad = r.flags & IFA_F_NODAD;
	r.ifindex = (int)ifa.ifa_index;
	*ret = r;
	return 0;
}

/* --- rules --- */

static int parse_range(const struct nlattr *a, uint16_t range[2])
{
	struct fib_rule_port_range ports;

	if (attr_fixed(a, &ports, sizeof(ports)) < 0)
		return -EINVAL;
	range[0] = ports.start;
	range[1] = ports.end;
	return 0;
}

static int parse_uid_range(const struct nlattr *a, struct rule *r)
{
	struct fib_rule_uid_range uids;

	if (attr_fixed(a, &uids, sizeof(uids)) < 0)
		return -EINVAL;
	r->has_uid = true;
	r->uid[0] = uids.start;
	r->uid[1] = uids.end;
	return 0;
}

static int parse_rule_attr(const struct nlattr *a, struct actual_rule *actual)
{
	struct rule *r = &actual->rule;

	switch (nla_type(a)) {
	case FRA_SRC: return attr_ip(a, r->family, &r->from.ip);
	case FRA_DST: return attr_ip(a, r->family, &r->to.ip);
	case FRA_IIFNAME: return attr_string(a, r->iif, sizeof(r->iif));
	case FRA_OIFNAME: return attr_string(a, r->oif, sizeof(r->oif));
	case FRA_PRIORITY: return attr_u32(a, &r->priority);
	case FRA_TABLE: return attr_u32(a, &r->table);
	case FRA_FWMARK: return attr_u32(a, &r->fwmark);
	case FRA_FWMASK: return attr_u32(a, &r->fwmask);
	case FRA_SUPPRESS_PREFIXLEN: return attr_fixed(a, &r->suppress_prefixlength, sizeof(int));
	case FRA_SUPPRESS_IFGROUP: return attr_fixed(a, &r->suppress_ifgroup, sizeof(int));
	case FRA_PROTOCOL: return attr_u8(a, &actual->protocol);
	case FRA_IP_PROTO: return attr_u8(a, &r->ip_protocol);
	case FRA_SPORT_RANGE: return parse_range(a, r->sport);
	case FRA_DPORT_RANGE: return parse_range(a, r->dport);
	case FRA_UID_RANGE: return parse_uid_range(a, r);
	default: return 0;
	}
}

/* A length without an address, or one beyond the family's, is nonsense. */
static int finish_prefix(struct netnsd_prefix *p, uint8_t length, uint8_t family)
{
	if (length > 8 * ip_length(family) || (length > 0 && p->ip.family == AF_UNSPEC))
		return -EINVAL;
	p->length = length;
	*p = length > 0 ? prefix_masked(p) : (struct netnsd_prefix){0};
	return 0;
}

int actual_parse_rule(const struct nlmsghdr *h, struct actual_rule *ret)
{
	struct actual_rule r = {.rule = {.suppress_prefixlength = -1, .suppress_ifgroup = -1}};
	const struct nlattr *a;
	struct fib_rule_hdr frh;
	int rest, e;

	e = attr_header(h, &frh, sizeof(frh));
	if (e < 0)
		return e;
	if (frh.family != AF_INET && frh.family != AF_INET6)
		return -ENOMSG; /* multicast routing's */
	r.rule.family = frh.family;
	r.rule.table = frh.table;
	r.rule.action = frh.action;
	r.rule.tos = frh.tos;
	r.rule.invert = frh.flags & FIB_RULE_INVERT;
	attr_for_each(a, nlmsg_attrdata(h, sizeof(frh)), nlmsg_attrlen(h, sizeof(frh)), rest)
	{
		e = parse_rule_attr(a, &r);
		if (e < 0)
			return e;
	}
	if (attr_end(rest) < 0 || finish_prefix(&r.rule.from, frh.src_len, frh.family) < 0 ||
	    finish_prefix(&r.rule.to, frh.dst_len, frh.family) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

/* --- neighbours --- */

static int parse_neighbor_attr(const struct nlattr *a, uint8_t family, struct actual_neighbor *n)
{
	switch (nla_type(a)) {
	case NDA_DST: return attr_ip(a, family, &n->neighbor.address);
	case NDA_PROTOCOL: return attr_u8(a, &n->protocol);
	case NDA_LLADDR:
		n->has_lladdr = nla_len(a) == sizeof(n->neighbor.lladdr.bytes);
		if (n->has_lladdr)
			memcpy(n->neighbor.lladdr.bytes, nla_data(a), sizeof(n->neighbor.lladdr.bytes));
		return 0;
	default: return 0;
	}
}

int actual_parse_any_neighbor(const struct nlmsghdr *h, struct actual_neighbor *ret)
{
	struct actual_neighbor n = {0};
	const struct nlattr *a;
	struct ndmsg ndm;
	int rest, e;

	e = attr_header(h, &ndm, sizeof(ndm));
	if (e < 0)
		return e;
	if ((ndm.ndm_family != AF_INET && ndm.ndm_family != AF_INET6) || ndm.ndm_flags & NTF_PROXY)
		return -ENOMSG; /* forwarding table of a bridge, proxy entries */
	n.ifindex = ndm.ndm_ifindex;
	n.state = ndm.ndm_state;
	attr_for_each(a, nlmsg_attrdata(h, sizeof(ndm)), nlmsg_attrlen(h, sizeof(ndm)), rest)
	{
		e = parse_neighbor_attr(a, ndm.ndm_family, &n);
		if (e < 0)
			return e;
	}
	if (attr_end(rest) < 0 || n.neighbor.address.family == AF_UNSPEC || n.ifindex <= 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

int actual_parse_neighbor(const struct nlmsghdr *h, struct actual_neighbor *ret)
{
	struct actual_neighbor n;
	int e = actual_parse_any_neighbor(h, &n);

	if (e < 0)
		return e;
	if (!n.has_lladdr)
		return -ENOMSG; /* incomplete, or of a link with other addresses than ours */
	*ret = n;
	return 0;
}
