/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events to values. A message of a multicast group looks as in a dump, so actual_parse_*() reads it;
 * one that something is gone may lack what no longer holds (a neighbour its address on the link).
 */
#include "event.h"
#include "actual_attr.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

/* --- sysctls that send events ------------------------------------------------------------------ */

static int decode_value(const struct nlattr *a, enum event_sysctl_value v, struct event_sysctl *s)
{
	uint32_t value;

	if (attr_u32(a, &value) < 0)
		return -EINVAL;
	s->value[v] = (int32_t)value;
	s->set |= (uint8_t)(1U << v);
	return 0;
}

/* -1: of all links, -2: of links to come. */
static int decode_ifindex(const struct nlattr *a, struct event *e, bool *ret_has)
{
	int ifindex;

	if (attr_fixed(a, &ifindex, sizeof(ifindex)) < 0 || ifindex == 0 ||
	    ifindex < NETCONFA_IFINDEX_DEFAULT)
		return -EINVAL;
	e->ifindex = ifindex > 0 ? ifindex : 0;
	e->sysctl.of_all = ifindex == NETCONFA_IFINDEX_ALL;
	e->sysctl.of_default = ifindex == NETCONFA_IFINDEX_DEFAULT;
	*ret_has = true;
	return 0;
}

static int decode_sysctl_attr(const struct nlattr *a, struct event *e, bool *has_ifindex)
{
	switch (nla_type(a)) {
	case NETCONFA_IFINDEX: return decode_ifindex(a, e, has_ifindex);
	case NETCONFA_FORWARDING: return decode_value(a, SYSCTL_FORWARDING, &e->sysctl);
	case NETCONFA_RP_FILTER: return decode_value(a, SYSCTL_RP_FILTER, &e->sysctl);
	case NETCONFA_MC_FORWARDING: return decode_value(a, SYSCTL_MC_FORWARDING, &e->sysctl);
	case NETCONFA_PROXY_NEIGH: return decode_value(a, SYSCTL_PROXY_NEIGH, &e->sysctl);
	case NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN: return decode_value(a, SYSCTL_IGNORE_LINKDOWN, &e->sysctl);
	case NETCONFA_BC_FORWARDING: return decode_value(a, SYSCTL_BC_FORWARDING, &e->sysctl);
	default: return 0;
	}
}

static int decode_sysctl(const struct nlmsghdr *h, struct event *e)
{
	const struct nlattr *a;
	struct netconfmsg ncm;
	bool has_ifindex = false;
	int rest, r;

	r = attr_header(h, &ncm, sizeof(ncm));
	if (r < 0)
		return r;
	if (ncm.ncm_family != AF_INET && ncm.ncm_family != AF_INET6)
		return -ENOMSG;
	e->sysctl = (struct event_sysctl){.family = ncm.ncm_family};
	attr_for_each(a, nlmsg_attrdata(h, sizeof(ncm)), nlmsg_attrlen(h, sizeof(ncm)), rest)
	{
		r = decode_sysctl_attr(a, e, &has_ifindex);
		if (r < 0)
			return r;
	}
	return attr_end(rest) < 0 || !has_ifindex ? -EINVAL : 0;
}

/* --- all others ---------------------------------------------------------------------------------- */

static int decode_link(const struct nlmsghdr *h, struct event *e)
{
	int r = actual_parse_link(h, &e->link);

	e->ifindex = r == 0 ? e->link.ifindex : 0;
	return r;
}

static int decode_address(const struct nlmsghdr *h, struct event *e)
{
	int r = actual_parse_address(h, &e->address);

	e->ifindex = r == 0 ? e->address.ifindex : 0;
	return r;
}

static int decode_route(const struct nlmsghdr *h, struct event *e)
{
	int r = actual_parse_route(h, &e->route);

	e->ifindex = r == 0 ? e->route.ifindex : 0;
	e->replaced = h->nlmsg_type == RTM_NEWROUTE && h->nlmsg_flags & NLM_F_REPLACE;
	return r;
}

static int decode_rule(const struct nlmsghdr *h, struct event *e)
{
	return actual_parse_rule(h, &e->rule);
}

static int decode_neighbor(const struct nlmsghdr *h, struct event *e)
{
	int r = actual_parse_any_neighbor(h, &e->neighbor);

	e->ifindex = r == 0 ? e->neighbor.ifindex : 0;
	return r;
}

static const struct decoder {
	uint16_t set, removed;
	enum event_object object;
	int (*decode)(const struct nlmsghdr *h, struct event *e);
} decoders[] = {
	{RTM_NEWLINK, RTM_DELLINK, EVENT_LINK, decode_link},
	{RTM_NEWADDR, RTM_DELADDR, EVENT_ADDRESS, decode_address},
	{RTM_NEWROUTE, RTM_DELROUTE, EVENT_ROUTE, decode_route},
	{RTM_NEWRULE, RTM_DELRULE, EVENT_RULE, decode_rule},
	{RTM_NEWNEIGH, RTM_DELNEIGH, EVENT_NEIGHBOR, decode_neighbor},
	{RTM_NEWNETCONF, RTM_DELNETCONF, EVENT_SYSCTL, decode_sysctl},
};

int event_decode(const struct nlmsghdr *h, struct event *ret)
{
	struct event e = {0};
	int r;

	if (h->nlmsg_len < NLMSG_HDRLEN)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		const struct decoder *d = &decoders[i];

		if (h->nlmsg_type != d->set && h->nlmsg_type != d->removed)
			continue;
		r = d->decode(h, &e);
		if (r < 0)
			return r;
		e.object = d->object;
		e.change = h->nlmsg_type == d->set ? EVENT_SET : EVENT_REMOVED;
		e.sender = h->nlmsg_pid;
		*ret = e;
		return 0;
	}
	return -ENOMSG;
}

void event_clear(struct event *e)
{
	if (e->object == EVENT_LINK)
		actual_link_clear(&e->link);
	else if (e->object == EVENT_ROUTE)
		actual_route_clear(&e->route);
}
