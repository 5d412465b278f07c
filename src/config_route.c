/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * [Route] and the default routes of Gateway=, with the defaults that networkd and iproute2 give
 * to what is not written, since the kernel gives them back.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct route_values {
	uint32_t onlink, metric, preference, type;
	struct netnsd_prefix source;
	struct netnsd_ip prefsrc;
	uint32_t mtu, advmss, initcwnd, initrwnd, quickack, fastopen_no_cookie, ttl_propagate;
	char *link;
	/* What the specials found. */
	struct netnsd_prefix destination;
	bool has_destination, any_destination; /* the latter: "default", of either family */
	struct netnsd_ip gateway;
	uint32_t table; /* 0: not set */
	uint8_t scope;
	bool scope_set;
	struct nexthop *nexthops;
	size_t n_nexthops;
};

static const struct netnsd_enum_name type_names[] = {
	{"unicast", RTN_UNICAST},	  {"local", RTN_LOCAL},
	{"broadcast", RTN_BROADCAST},	  {"anycast", RTN_ANYCAST},
	{"multicast", RTN_MULTICAST},	  {"blackhole", RTN_BLACKHOLE},
	{"prohibit", RTN_PROHIBIT},	  {"throw", RTN_THROW},
	{"unreachable", RTN_UNREACHABLE}, {NULL, 0},
};

static const struct netnsd_enum_name preference_names[] = {
	{"low", ICMPV6_ROUTER_PREF_LOW},
	{"medium", ICMPV6_ROUTER_PREF_MEDIUM},
	{"high", ICMPV6_ROUTER_PREF_HIGH},
	{NULL, 0},
};

#define AT(field) offsetof(struct route_values, field)
#define NUMBER(key, f, lo, hi)                                                                               \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_UINT, .offset = AT(f), .min = lo, .max = hi                  \
	}
#define BOOLEAN(key, f)                                                                                      \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_BOOL, .offset = AT(f)                                        \
	}
static const struct conf_key route_keys[] = {
	BOOLEAN("GatewayOnLink", onlink),
	{.name = "Metric", .type = NETNSD_KEY_UINT, .offset = AT(metric)},
	{.name = "IPv6Preference",
	 .type = NETNSD_KEY_ENUM,
	 .offset = AT(preference),
	 .names = preference_names},
	{.name = "Type", .type = NETNSD_KEY_ENUM, .offset = AT(type), .names = type_names},
	{.name = "Source", .type = NETNSD_KEY_PREFIX, .offset = AT(source), .flags = NETNSD_KEY_IPV6_ONLY},
	{.name = "PreferredSource", .type = NETNSD_KEY_IP, .offset = AT(prefsrc)},
	{.name = "MTUBytes", .type = NETNSD_KEY_SIZE, .offset = AT(mtu), .min = 68, .max = 65535},
	{.name = "TCPAdvertisedMaximumSegmentSize",
	 .type = NETNSD_KEY_SIZE,
	 .offset = AT(advmss),
	 .min = 1,
	 .max = 65495},
	NUMBER("InitialCongestionWindow", initcwnd, 1, 1023),
	NUMBER("InitialAdvertisedReceiveWindow", initrwnd, 1, 1023),
	BOOLEAN("QuickAck", quickack),
	BOOLEAN("FastOpenNoCookie", fastopen_no_cookie),
	BOOLEAN("TTLPropagate", ttl_propagate),
	{.name = "Link", .type = NETNSD_KEY_STRING, .offset = AT(link)},
	{.name = NULL},
};
#undef AT

static const struct {
	const char *key;
	enum route_set bit;
} set_bits[] = {
	{"MTUBytes", ROUTE_SET_MTU},
	{"TCPAdvertisedMaximumSegmentSize", ROUTE_SET_ADVMSS},
	{"InitialCongestionWindow", ROUTE_SET_INITCWND},
	{"InitialAdvertisedReceiveWindow", ROUTE_SET_INITRWND},
	{"QuickAck", ROUTE_SET_QUICKACK},
	{"IPv6Preference", ROUTE_SET_PREFERENCE},
	{"TTLPropagate", ROUTE_SET_TTL_PROPAGATE},
	{"FastOpenNoCookie", ROUTE_SET_FASTOPEN},
};

/* --- keys of their own --------------------------------------------------------------------------------- */

static int set_destination(struct conf_reader *r, const struct conf_assign *a)
{
	struct route_values *v = r->data;

	v->any_destination = str_equal(a->value, "default");
	v->has_destination = v->any_destination;
	if (a->value[0] && !v->any_destination)
		v->has_destination = conf_prefix(r, a, a->value, &v->destination);
	return 0;
}

static int set_gateway(struct conf_reader *r, const struct conf_assign *a)
{
	struct route_values *v = r->data;

	if (!a->value[0])
		v->gateway.family = AF_UNSPEC;
	else if (a->value[0] == '_')
		conf_error(
			r->c, r->o, r->s, a,
			"expected an IP address: DHCP and router advertisements as a source of the gateway "
			"(\"%.32s\") are not part of this build",
			a->value);
	else
		(void)conf_ip(r, a, a->value, &v->gateway);
	return 0;
}

static int set_table(struct conf_reader *r, const struct conf_assign *a)
{
	struct route_values *v = r->data;

	v->table = 0;
	if (a->value[0])
		(void)conf_table_number(r, a, &v->table);
	return 0;
}

static int set_scope(struct conf_reader *r, const struct conf_assign *a)
{
	struct route_values *v = r->data;

	v->scope_set = a->value[0] && conf_scope(r, a, &v->scope);
	return 0;
}

static bool parse_nexthop(struct conf_reader *r, const struct conf_assign *a, char *const *words,
			  struct nexthop *ret)
{
	size_t n = strv_length(words);
	uint64_t weight = 1;
	char *at;

	if (n < 1 || n > 2 || (n == 2 && (parse_u64(words[1], &weight) < 0 || weight < 1 || weight > 256))) {
		conf_error(r->c, r->o, r->s, a,
			   "expected ADDRESS[@LINK] [WEIGHT] with a weight from 1 to 256, not \"%.64s\"",
			   a->value);
		return false;
	}
	*ret = (struct nexthop){.weight = (uint32_t)weight};
	at = strchr(words[0], '@');
	if (at) {
		*at = '\0';
		if (!conf_ifname(r, a, at + 1, ret->ifname))
			return false;
	}
	return conf_ip(r, a, words[0], &ret->gateway);
}

static int set_nexthop(struct conf_reader *r, const struct conf_assign *a)
{
	_cleanup_(strv_freep) char **words = NULL;
	struct route_values *v = r->data;
	struct nexthop hop, *grown;

	if (!a->value[0]) {
		free(v->nexthops);
		v->nexthops = NULL;
		v->n_nexthops = 0;
		return 0;
	}
	if (parse_words(a->value, &words) == -ENOMEM)
		return -ENOMEM;
	if (!parse_nexthop(r, a, words, &hop))
		return 0;
	if (v->n_nexthops >= CONF_NEXTHOPS_MAX) {
		conf_error(r->c, r->o, r->s, a, "a route has at most %d next hops", CONF_NEXTHOPS_MAX);
		return 0;
	}
	grown = conf_grow(v->nexthops, v->n_nexthops, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	v->nexthops = grown;
	grown[v->n_nexthops++] = hop;
	return 0;
}

static const struct conf_special route_specials[] = {
	{"Destination", set_destination},
	{"Gateway", set_gateway},
	{"Table", set_table},
	{"Scope", set_scope},
	{"MultiPathRoute", set_nexthop},
	{NULL, NULL},
};

static const struct conf_refusal route_refusals[] = {
	{"Protocol", "Protocol= is not taken: the protocol number marks the routes that are netnsd's"},
	{"NextHop", "NextHop= is not part of this build; use Gateway= or MultiPathRoute="},
	{"HopLimit", "HopLimit= is not part of this build"},
	{"TCPCongestionControlAlgorithm", "TCPCongestionControlAlgorithm= is not part of this build"},
	{"TCPRetransmissionTimeoutSec", "TCPRetransmissionTimeoutSec= is not part of this build"},
	{NULL, NULL},
};

/* --- what the values make ----------------------------------------------------------------------------------
 */

static bool type_has_no_way(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT || type == RTN_THROW;
}

/* The family is nowhere written: it is that of the addresses. */
static uint8_t find_family(const struct route_values *v)
{
	const struct netnsd_ip *ips[] = {&v->destination.ip, &v->source.ip, &v->prefsrc, &v->gateway};

	for (size_t i = v->has_destination && !v->any_destination ? 0 : 1; i < 4; i++)
		if (ips[i]->family != AF_UNSPEC)
			return ips[i]->family;
	return v->n_nexthops > 0 ? v->nexthops[0].gateway.family : AF_UNSPEC;
}

/* As iproute2 chooses; the kernel knows scopes for IPv4 only. */
static uint8_t default_scope(const struct route *r)
{
	if (r->family != AF_INET)
		return RT_SCOPE_UNIVERSE;
	switch (r->type) {
	case RTN_LOCAL:
	case RTN_NAT: return RT_SCOPE_HOST;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
	case RTN_ANYCAST: return RT_SCOPE_LINK;
	case RTN_UNICAST:
		return r->gateway.family == AF_UNSPEC && r->n_nexthops == 0 ? RT_SCOPE_LINK
									    : RT_SCOPE_UNIVERSE;
	default: return RT_SCOPE_UNIVERSE;
	}
}

static uint32_t default_table(uint8_t type)
{
	return type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST || type == RTN_NAT
		       ? RT_TABLE_LOCAL
		       : RT_TABLE_MAIN;
}

static void complain(struct conf_reader *r, const char *key, const char *message)
{
	conf_error(r->c, r->o, r->s, conf_find_assign(r->s, key), "%s", message);
}

static void check_ways(struct conf_reader *r, const struct route_values *v, const struct route *route)
{
	bool way = v->gateway.family != AF_UNSPEC || v->n_nexthops > 0;

	if (type_has_no_way(route->type)) {
		if (way || v->link)
			complain(r, "Type",
				 "a route of this type leads nowhere: remove Gateway=, Link= and "
				 "MultiPathRoute=");
		return;
	}
	if (v->gateway.family != AF_UNSPEC && v->n_nexthops > 0)
		complain(r, "MultiPathRoute", "a route has Gateway= or MultiPathRoute=, not both");
	if (v->link && v->n_nexthops > 0)
		complain(r, "Link", "with MultiPathRoute= the link is written as ADDRESS@LINK");
	if (!way && !v->link)
		complain(r, NULL, "a route needs Gateway=, Link= or MultiPathRoute=");
	if (ip_is_link_local(&v->gateway) && !v->link)
		complain(r, "Gateway", "a link-local gateway needs Link=");
	if (v->onlink && (v->gateway.family == AF_UNSPEC || !v->link))
		complain(r, "GatewayOnLink", "GatewayOnLink=yes needs Gateway= and Link=");
	if (way && !v->has_destination && route->type != RTN_UNICAST)
		complain(r, NULL, "Destination= is required for a route of this type");
}

static void check_families(struct conf_reader *r, const struct route_values *v, uint8_t family)
{
	if (v->source.ip.family != AF_UNSPEC && v->source.ip.family != family)
		complain(r, "Source", "Source= must be of the family of Destination=");
	if (v->prefsrc.family != AF_UNSPEC && v->prefsrc.family != family)
		complain(r, "PreferredSource", "PreferredSource= must be of the family of Destination=");
	if (family == AF_INET6 && v->gateway.family == AF_INET)
		complain(r, "Gateway", "an IPv6 route cannot have an IPv4 gateway");
	if (conf_has(&r->tables[0], "IPv6Preference") && family != AF_INET6)
		complain(r, "IPv6Preference", "IPv6Preference= is for IPv6 routes");
	if (conf_has(&r->tables[0], "MTUBytes") && family == AF_INET6 && v->mtu < 1280)
		complain(r, "MTUBytes", "IPv6 needs at least 1280 bytes");
	for (size_t i = 0; i < v->n_nexthops; i++)
		if (v->nexthops[i].gateway.family != family)
			complain(r, "MultiPathRoute", "all next hops must be of the family of Destination=");
}

static int append_route(struct conf_reader *r, const struct route *route)
{
	struct netns *n = r->o->netns;
	struct route *grown;

	if (n->n_routes >= CONF_ROUTES_MAX) {
		conf_error(r->c, r->o, r->s, NULL, "a file declares at most %d routes", CONF_ROUTES_MAX);
		return -E2BIG;
	}
	grown = conf_grow(n->routes, n->n_routes, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->routes = grown;
	grown[n->n_routes++] = *route;
	return 0;
}

static void fill_attributes(struct conf_reader *r, const struct route_values *v, struct route *route)
{
	route->mtu = v->mtu;
	route->advmss = v->advmss;
	route->initcwnd = v->initcwnd;
	route->initrwnd = v->initrwnd;
	route->quickack = v->quickack;
	route->fastopen_no_cookie = v->fastopen_no_cookie;
	route->ttl_propagate = v->ttl_propagate;
	route->preference = (uint8_t)v->preference;
	for (size_t i = 0; i < sizeof(set_bits) / sizeof(set_bits[0]); i++)
		if (conf_has(&r->tables[0], set_bits[i].key))
			route->set |= set_bits[i].bit;
	if (v->scope_set)
		route->set |= ROUTE_SET_SCOPE;
}

static void fill_route(struct conf_reader *r, const struct route_values *v, struct route *route)
{
	route->type = conf_has(&r->tables[0], "Type") ? (uint8_t)v->type : RTN_UNICAST;
	route->family = find_family(v);
	route->table = v->table ?: default_table(route->type);
	route->metric = v->metric;
	route->destination.ip.family = route->family;
	if (v->has_destination && !v->any_destination)
		route->destination = prefix_masked(&v->destination);
	if (v->source.ip.family != AF_UNSPEC)
		route->source = prefix_masked(&v->source);
	route->gateway = v->gateway;
	route->prefsrc = v->prefsrc;
	route->onlink = v->onlink;
	fill_attributes(r, v, route);
	if (v->link)
		(void)conf_ifname(r, conf_find_assign(r->s, "Link"), v->link, route->ifname);
	route->n_nexthops = v->n_nexthops;
	route->scope = v->scope_set ? v->scope : default_scope(route);
}

static int add_route(struct conf_reader *r, struct route_values *v)
{
	size_t before = r->o->errors;
	struct route route = {.set = 0};
	int e;

	fill_route(r, v, &route);
	check_ways(r, v, &route);
	if (!v->has_destination && v->gateway.family == AF_UNSPEC && v->n_nexthops == 0) {
		if (r->o->errors == before)
			complain(r, NULL, "Destination= is required for a route without gateway");
	} else if (route.family == AF_UNSPEC) {
		complain(r, "Destination",
			 "which family is meant? write 0.0.0.0/0 or ::/0 instead of \"default\"");
	} else {
		check_families(r, v, route.family);
	}
	if (v->scope_set && route.family == AF_INET6)
		complain(r, "Scope", "IPv6 routes have no scope; remove the line");
	route.label = desired_intern(r->c->desired, r->s->label);
	if (!route.label)
		return -ENOMEM;
	e = conf_origin(r->c, r->s->file, r->s->line, &route.origin);
	if (e < 0 || r->o->errors > before)
		return e;
	route.nexthops = v->nexthops;
	e = append_route(r, &route);
	if (e == 0)
		v->nexthops = NULL; /* the tree's now */
	return e == -E2BIG ? 0 : e;
}

int conf_build_route(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	struct route_values v = {.mtu = 0};
	struct conf_reader r = {.c = c,
				.o = o,
				.s = s,
				.tables = {{.keys = route_keys, .values = &v}},
				.n_tables = 1,
				.specials = route_specials,
				.refusals = route_refusals,
				.data = &v};
	size_t before = o->errors;
	int e = conf_read_section(&r);

	if (e == 0 && o->errors == before)
		e = add_route(&r, &v);
	free(v.nexthops);
	key_table_free(route_keys, &v);
	return e;
}

int conf_build_gateway(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		       const struct conf_assign *a, const struct netnsd_ip *gateway, const struct link *l)
{
	struct conf_reader r = {.c = c, .o = o, .s = s};
	struct route route = {.family = gateway->family,
			      .type = RTN_UNICAST,
			      .scope = RT_SCOPE_UNIVERSE,
			      .table = RT_TABLE_MAIN,
			      .destination = {.ip = {.family = gateway->family}},
			      .gateway = *gateway};
	_cleanup_free_ char *label = NULL;
	int e;

	memcpy(route.ifname, l->name, sizeof(route.ifname));
	if (asprintf(&label, "%s Gateway", s->label) < 0) {
		label = NULL;
		return -ENOMEM;
	}
	route.label = desired_intern(c->desired, label);
	if (!route.label)
		return -ENOMEM;
	e = conf_origin(c, a->file, a->line, &route.origin);
	if (e == 0)
		e = append_route(&r, &route);
	return e == -E2BIG ? 0 : e;
}
