/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Route messages to values, in the normal form that actual.h describes.
 */
#include "actual.h"
#include "actual_attr.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define NEXTHOPS_MAX 4096

static int parse_via(const struct nlattr *a, struct netnsd_ip *ret)
{
	const struct rtvia *via = nla_data(a);
	const size_t head = offsetof(struct rtvia, rtvia_addr);
	size_t length;

	if ((size_t)nla_len(a) < head)
		return -EINVAL;
	length = ip_length((uint8_t)via->rtvia_family);
	if (length == 0)
		return 0; /* a family that is not ours */
	if (via->rtvia_family > UINT8_MAX || (size_t)nla_len(a) != head + length)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->family = (uint8_t)via->rtvia_family;
	memcpy(ret->bytes, via->rtvia_addr, length);
	return 0;
}

static int parse_metric(const struct nlattr *a, struct route *r)
{
	const struct {
		int type;
		uint32_t bit;
		uint32_t *field;
	} table[] = {
		{RTAX_MTU, ROUTE_SET_MTU, &r->mtu},
		{RTAX_ADVMSS, ROUTE_SET_ADVMSS, &r->advmss},
		{RTAX_INITCWND, ROUTE_SET_INITCWND, &r->initcwnd},
		{RTAX_INITRWND, ROUTE_SET_INITRWND, &r->initrwnd},
		{RTAX_QUICKACK, ROUTE_SET_QUICKACK, &r->quickack},
		{RTAX_FASTOPEN_NO_COOKIE, ROUTE_SET_FASTOPEN, &r->fastopen_no_cookie},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (nla_type(a) != table[i].type)
			continue;
		r->set |= table[i].bit;
		return attr_u32(a, table[i].field);
	}
	return 0;
}

static int parse_metrics(const struct nlattr *metrics, struct route *r)
{
	const struct nlattr *a;
	int rest, e;

	attr_for_each(a, nla_data(metrics), nla_len(metrics), rest)
	{
		e = parse_metric(a, r);
		if (e < 0)
			return e;
	}
	return attr_end(rest);
}

static int parse_nexthop(const struct rtnexthop *nh, uint8_t family, struct nexthop *ret, int *ret_ifindex)
{
	const char *start = (const char *)nh + NLA_ALIGN(sizeof(*nh));
	const struct nlattr *a;
	int rest, e;

	*ret = (struct nexthop){.weight = (uint32_t)nh->rtnh_hops + 1};
	*ret_ifindex = nh->rtnh_ifindex > 0 ? nh->rtnh_ifindex : 0;
	attr_for_each(a, start, (int)(nh->rtnh_len - NLA_ALIGN(sizeof(*nh))), rest)
	{
		e = nla_type(a) == RTA_GATEWAY ? attr_ip(a, family, &ret->gateway)
		    : nla_type(a) == RTA_VIA   ? parse_via(a, &ret->gateway)
					       : 0;
		if (e < 0)
			return e;
	}
	return attr_end(rest);
}

/* The next hop at *p, or NULL at the end or when it does not fit in what is left. */
static const struct rtnexthop *next_nexthop(const char **p, int *left)
{
	const struct rtnexthop *nh = (const struct rtnexthop *)*p;
	int step;

	if (*left < (int)sizeof(*nh) || nh->rtnh_len < sizeof(*nh) || nh->rtnh_len > *left)
		return NULL;
	step = NLA_ALIGN(nh->rtnh_len);
	*p += step < *left ? step : *left;
	*left -= step < *left ? step : *left;
	return nh;
}

static int parse_multipath(const struct nlattr *a, struct actual_route *r)
{
	const char *p = nla_data(a);
	int left = nla_len(a);
	size_t n = 0;
	int e;

	while (next_nexthop(&p, &left))
		n++;
	if (n == 0 || left > 0 || n > NEXTHOPS_MAX || r->route.nexthops)
		return -EINVAL;
	r->route.nexthops = calloc(n, sizeof(*r->route.nexthops));
	r->nexthop_ifindex = calloc(n, sizeof(*r->nexthop_ifindex));
	if (!r->route.nexthops || !r->nexthop_ifindex)
		return -ENOMEM;
	p = nla_data(a);
	left = nla_len(a);
	for (size_t i = 0; i < n; i++) {
		const struct rtnexthop *nh = next_nexthop(&p, &left);

		e = parse_nexthop(nh, r->route.family, &r->route.nexthops[i], &r->nexthop_ifindex[i]);
		if (e < 0)
			return e;
		r->route.onlink |= (nh->rtnh_flags & RTNH_F_ONLINK) != 0;
	}
	r->route.n_nexthops = n;
	return 0;
}

static int parse_u8_as_u32(const struct nlattr *a, uint32_t *ret)
{
	uint8_t value;

	if (attr_u8(a, &value) < 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_attr(const struct nlattr *a, struct actual_route *actual)
{
	struct route *r = &actual->route;

	switch (nla_type(a)) {
	case RTA_DST: return attr_ip(a, r->family, &r->destination.ip);
	case RTA_SRC: return attr_ip(a, r->family, &r->source.ip);
	case RTA_OIF: return attr_ifindex(a, &actual->ifindex);
	case RTA_GATEWAY: return attr_ip(a, r->family, &r->gateway);
	case RTA_VIA: return parse_via(a, &r->gateway);
	case RTA_PREFSRC: return attr_ip(a, r->family, &r->prefsrc);
	case RTA_PRIORITY: return attr_u32(a, &r->metric);
	case RTA_TABLE: return attr_u32(a, &r->table);
	case RTA_METRICS: return parse_metrics(a, r);
	case RTA_MULTIPATH: return parse_multipath(a, actual);
	case RTA_PREF: r->set |= ROUTE_SET_PREFERENCE; return attr_u8(a, &r->preference);
	case RTA_TTL_PROPAGATE:
		r->set |= ROUTE_SET_TTL_PROPAGATE;
		return parse_u8_as_u32(a, &r->ttl_propagate);
	default: return 0;
	}
}

static int parse_attrs(const struct nlmsghdr *h, struct actual_route *actual)
{
	const struct nlattr *a;
	int rest, e;

	attr_for_each(a, nlmsg_attrdata(h, sizeof(struct rtmsg)), nlmsg_attrlen(h, sizeof(struct rtmsg)),
		      rest)
	{
		e = parse_attr(a, actual);
		if (e < 0)
			return e;
	}
	return attr_end(rest);
}

static int normalise(const struct rtmsg *rtm, struct actual_route *actual)
{
	struct route *r = &actual->route;
	const unsigned bits = 8 * ip_length(r->family);

	if (rtm->rtm_dst_len > bits || rtm->rtm_src_len > bits ||
	    (rtm->rtm_dst_len > 0 && r->destination.ip.family == AF_UNSPEC) ||
	    (rtm->rtm_src_len > 0 && r->source.ip.family == AF_UNSPEC))
		return -EINVAL;
	r->destination.ip.family = r->family;
	r->destination.length = rtm->rtm_dst_len;
	r->destination = prefix_masked(&r->destination);
	r->source.length = rtm->rtm_src_len;
	r->source = rtm->rtm_src_len > 0 ? prefix_masked(&r->source) : (struct netnsd_prefix){0};
	if (r->family == AF_INET)
		r->set |= ROUTE_SET_SCOPE;
	else
		r->scope = 0;
	r->onlink |= (rtm->rtm_flags & RTNH_F_ONLINK) != 0;
	if (r->type == RTN_UNREACHABLE || r->type == RTN_BLACKHOLE || r->type == RTN_PROHIBIT ||
	    r->type == RTN_THROW)
		actual->ifindex = 0;
	if (r->n_nexthops > 0) {
		r->gateway = (struct netnsd_ip){0};
		actual->ifindex = 0;
	}
	return 0;
}

int actual_parse_route(const struct nlmsghdr *h, struct actual_route *ret)
{
	struct actual_route r = {0};
	struct rtmsg rtm;
	int e;

	e = attr_header(h, &rtm, sizeof(rtm));
	if (e < 0)
		return e;
	if ((rtm.rtm_family != AF_INET && rtm.rtm_family != AF_INET6) || rtm.rtm_flags & RTM_F_CLONED)
		return -ENOMSG;
	r.protocol = rtm.rtm_protocol;
	r.route.family = rtm.rtm_family;
	r.route.type = rtm.rtm_type;
	r.route.scope = rtm.rtm_scope;
	r.route.table = rtm.rtm_table;
	e = parse_attrs(h, &r);
	if (e == 0)
		e = normalise(&rtm, &r);
	if (e < 0) {
		actual_route_clear(&r);
		return e;
	}
	*ret = r;
	return 0;
}

void actual_route_clear(struct actual_route *r)
{
	free(r->route.nexthops);
	free(r->nexthop_ifindex);
	r->route.nexthops = NULL;
	r->route.n_nexthops = 0;
	r->nexthop_ifindex = NULL;
}
