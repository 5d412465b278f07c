/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Desired objects as people read them in plans and in `netnsctl show`: close to what ip(8) prints,
 * so that a line can be compared with the kernel's.
 */
#include "desired.h"
#include "parse.h"

#include <linux/fib_rules.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct number_name {
	unsigned number;
	const char *name;
};

static const struct number_name scope_names[] = {
	{RT_SCOPE_UNIVERSE, "global"}, {RT_SCOPE_SITE, "site"},	      {RT_SCOPE_LINK, "link"},
	{RT_SCOPE_HOST, "host"},       {RT_SCOPE_NOWHERE, "nowhere"}, {0, NULL},
};

static const struct number_name type_names[] = {
	{RTN_UNICAST, "unicast"},     {RTN_LOCAL, "local"},
	{RTN_BROADCAST, "broadcast"}, {RTN_ANYCAST, "anycast"},
	{RTN_MULTICAST, "multicast"}, {RTN_BLACKHOLE, "blackhole"},
	{RTN_PROHIBIT, "prohibit"},   {RTN_UNREACHABLE, "unreachable"},
	{RTN_THROW, "throw"},	      {RTN_NAT, "nat"},
	{RTN_XRESOLVE, "xresolve"},   {0, NULL},
};

static const struct number_name table_names[] = {
	{RT_TABLE_DEFAULT, "default"}, {RT_TABLE_MAIN, "main"}, {RT_TABLE_LOCAL, "local"}, {0, NULL}};

static const struct number_name action_names[] = {
	{FR_ACT_BLACKHOLE, "blackhole"},
	{FR_ACT_UNREACHABLE, "unreachable"},
	{FR_ACT_PROHIBIT, "prohibit"},
	{0, NULL},
};

static void put_named(struct strbuf *out, const struct number_name *names, unsigned number)
{
	for (; names->name; names++)
		if (names->number == number) {
			strbuf_puts(out, names->name);
			return;
		}
	strbuf_printf(out, "%u", number);
}

static void put_ip(struct strbuf *out, const char *before, const struct netnsd_ip *ip)
{
	char text[FORMAT_MAX];

	if (ip->family != 0)
		strbuf_printf(out, "%s%s", before, format_ip(ip, text));
}

static void put_prefix(struct strbuf *out, const struct netnsd_prefix *p)
{
	char text[FORMAT_MAX];

	/* As ip(8): a single host without its /32 or /128. */
	if (p->length == 8 * ip_length(p->ip.family))
		strbuf_puts(out, format_ip(&p->ip, text));
	else
		strbuf_puts(out, format_prefix(p, text));
}

static uint8_t address_default_scope(const struct address *a)
{
	const uint8_t *b = a->prefix.ip.bytes;

	if (a->prefix.ip.family == AF_INET)
		return b[0] == 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return RT_SCOPE_LINK;
	for (unsigned i = 0; i < 15; i++)
		if (b[i] != 0)
			return RT_SCOPE_UNIVERSE;
	return b[15] == 1 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
}

char *address_to_string(const struct address *a)
{
	struct strbuf out = {0};
	char text[FORMAT_MAX];

	strbuf_puts(&out, format_prefix(&a->prefix, text));
	put_ip(&out, " peer ", &a->peer);
	if (a->scope != address_default_scope(a)) {
		strbuf_puts(&out, " scope ");
		put_named(&out, scope_names, a->scope);
	}
	if (a->label[0])
		strbuf_printf(&out, " label %s", a->label);
	if (a->metric)
		strbuf_printf(&out, " metric %u", a->metric);
	if (a->no_dad)
		strbuf_puts(&out, " nodad");
	if (a->preferred != UINT32_MAX)
		strbuf_printf(&out, " preferred_lft %us", a->preferred);
	return strbuf_finish(&out);
}

static void put_gateway(struct strbuf *out, uint8_t family, const struct netnsd_ip *gateway)
{
	const char *before = " via ";

	if (gateway->family != AF_UNSPEC && gateway->family != family)
		before = gateway->family == AF_INET6 ? " via inet6 " : " via inet ";
	put_ip(out, before, gateway);
}

static void put_route_metrics(struct strbuf *out, const struct route *r)
{
	static const char *const preferences[] = {"medium", "high", "invalid", "low"};

	if (r->set & ROUTE_SET_MTU)
		strbuf_printf(out, " mtu %u", r->mtu);
	if (r->set & ROUTE_SET_ADVMSS)
		strbuf_printf(out, " advmss %u", r->advmss);
	if (r->set & ROUTE_SET_INITCWND)
		strbuf_printf(out, " initcwnd %u", r->initcwnd);
	if (r->set & ROUTE_SET_INITRWND)
		strbuf_printf(out, " initrwnd %u", r->initrwnd);
	if (r->set & ROUTE_SET_QUICKACK)
		strbuf_printf(out, " quickack %u", r->quickack);
	if (r->set & ROUTE_SET_FASTOPEN)
		strbuf_printf(out, " fastopen_no_cookie %u", r->fastopen_no_cookie);
	if (r->set & ROUTE_SET_TTL_PROPAGATE)
		strbuf_printf(out, " ttl-propagate %s", r->ttl_propagate ? "enabled" : "disabled");
	if (r->set & ROUTE_SET_PREFERENCE)
		strbuf_printf(out, " pref %s", preferences[r->preference & 3]);
}

static void put_nexthops(struct strbuf *out, const struct route *r)
{
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct nexthop *h = &r->nexthops[i];

		strbuf_puts(out, " nexthop");
		put_gateway(out, r->family, &h->gateway);
		if (h->ifname[0])
			strbuf_printf(out, " dev %s", h->ifname);
		strbuf_printf(out, " weight %u", h->weight);
	}
}

static void put_route_destination(struct strbuf *out, const struct route *r)
{
	if (r->type != RTN_UNICAST) {
		put_named(out, type_names, r->type);
		strbuf_puts(out, " ");
	}
	/* ip(8) says "default" for both families; here the line must tell them apart. */
	if (r->destination.length > 0)
		put_prefix(out, &r->destination);
	else
		strbuf_puts(out, r->family == AF_INET6 && r->gateway.family != AF_INET6 ? "::/0" : "default");
	if (r->source.length > 0) {
		strbuf_puts(out, " from ");
		put_prefix(out, &r->source);
	}
}

char *route_to_string(const struct route *r)
{
	struct strbuf out = {0};

	put_route_destination(&out, r);
	put_gateway(&out, r->family, &r->gateway);
	if (r->ifname[0])
		strbuf_printf(&out, " dev %s", r->ifname);
	if (r->table != RT_TABLE_MAIN) {
		strbuf_puts(&out, " table ");
		put_named(&out, table_names, r->table);
	}
	if (r->family == AF_INET && r->scope != RT_SCOPE_UNIVERSE) {
		strbuf_puts(&out, " scope ");
		put_named(&out, scope_names, r->scope);
	}
	put_ip(&out, " src ", &r->prefsrc);
	if (r->metric)
		strbuf_printf(&out, " metric %u", r->metric);
	put_route_metrics(&out, r);
	if (r->onlink)
		strbuf_puts(&out, " onlink");
	put_nexthops(&out, r);
	return strbuf_finish(&out);
}

static void put_ports(struct strbuf *out, const char *what, const uint16_t range[2])
{
	if (range[0] == 0 && range[1] == 0)
		return;
	strbuf_printf(out, " %s %u", what, range[0]);
	if (range[1] != range[0])
		strbuf_printf(out, "-%u", range[1]);
}

static void put_rule_selectors(struct strbuf *out, const struct rule *r)
{
	strbuf_puts(out, "from ");
	if (r->from.length > 0)
		put_prefix(out, &r->from);
	else
		strbuf_puts(out, "all");
	if (r->to.length > 0) {
		strbuf_puts(out, " to ");
		put_prefix(out, &r->to);
	}
	if (r->tos)
		strbuf_printf(out, " tos 0x%02x", r->tos);
	if (r->fwmask) {
		strbuf_printf(out, " fwmark 0x%x", r->fwmark);
		if (r->fwmask != UINT32_MAX)
			strbuf_printf(out, "/0x%x", r->fwmask);
	}
	if (r->iif[0])
		strbuf_printf(out, " iif %s", r->iif);
	if (r->oif[0])
		strbuf_printf(out, " oif %s", r->oif);
	if (r->has_uid)
		strbuf_printf(out, " uidrange %u-%u", r->uid[0], r->uid[1]);
	if (r->ip_protocol)
		strbuf_printf(out, " ipproto %u", r->ip_protocol);
	put_ports(out, "sport", r->sport);
	put_ports(out, "dport", r->dport);
}

char *rule_to_string(const struct rule *r)
{
	struct strbuf out = {0};

	strbuf_printf(&out, "%u: %s%s", r->priority, r->family == AF_INET6 ? "inet6 " : "",
		      r->invert ? "not " : "");
	put_rule_selectors(&out, r);
	if (r->action == FR_ACT_TO_TBL) {
		strbuf_puts(&out, " lookup ");
		put_named(&out, table_names, r->table);
	} else {
		strbuf_puts(&out, " ");
		put_named(&out, action_names, r->action);
	}
	if (r->suppress_prefixlength >= 0)
		strbuf_printf(&out, " suppress_prefixlength %d", r->suppress_prefixlength);
	if (r->suppress_ifgroup >= 0)
		strbuf_printf(&out, " suppress_ifgroup %d", r->suppress_ifgroup);
	return strbuf_finish(&out);
}

char *neighbor_to_string(const struct neighbor *n)
{
	struct strbuf out = {0};
	char ip[FORMAT_MAX], mac[FORMAT_MAX];

	strbuf_printf(&out, "%s dev %s lladdr %s", format_ip(&n->address, ip), n->ifname,
		      format_mac(&n->lladdr, mac));
	return strbuf_finish(&out);
}

const char *on_drift_to_string(enum on_drift d)
{
	static const char *const names[] = {"repair", "report", "ignore"};

	return d <= ON_DRIFT_IGNORE ? names[d] : "?";
}
