/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Routes that the kernel would refuse: a gateway that is on no link, or that is one's own address,
 * a preferred source that nobody has. Also the order of routes: what reaches a gateway goes
 * before what uses it.
 *
 * Only where the files know all there is: on the host, and in an adopted namespace, others put
 * addresses too.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_address(const struct netns *n, const struct netnsd_ip *ip)
{
	for (const struct link *l = n->links; l; l = l->next)
		for (size_t i = 0; i < l->n_addresses; i++)
			if (ip_equal(&l->addresses[i].prefix.ip, ip))
				return true;
	return false;
}

static bool link_reaches(const struct link *l, const struct netnsd_ip *gateway)
{
	for (size_t i = 0; i < l->n_addresses; i++) {
		const struct address *a = &l->addresses[i];
		struct netnsd_prefix near = a->prefix;

		/* The network of a point-to-point address is on the peer's side. */
		if (a->peer.family != AF_UNSPEC)
			near.ip = a->peer;
		if (prefix_contains(&near, gateway))
			return true;
	}
	/* A prefix may come with a router advertisement. */
	return gateway->family == AF_INET6 && l->accept_ra_set && l->accept_ra;
}

static bool is_direct(const struct route *r)
{
	return r->type == RTN_UNICAST && r->gateway.family == AF_UNSPEC && r->n_nexthops == 0;
}

/* A direct route to the gateway, such as Destination=192.0.2.1/32 with Link=eth0. */
static bool route_reaches(const struct netns *n, const struct netnsd_ip *gateway, const char *ifname)
{
	for (size_t i = 0; i < n->n_routes; i++) {
		const struct route *r = &n->routes[i];

		if (is_direct(r) && r->destination.length > 0 && prefix_contains(&r->destination, gateway) &&
		    (!ifname[0] || str_equal(ifname, r->ifname)))
			return true;
	}
	return false;
}

static bool is_reachable(const struct netns *n, const struct netnsd_ip *gateway, const char *ifname)
{
	const struct link *l = ifname[0] ? netns_find_link(n, ifname) : NULL;

	if (ip_is_link_local(gateway))
		return true;
	if (ifname[0] && !l) /* lo, or told elsewhere */
		return true;
	if (l && link_reaches(l, gateway))
		return true;
	for (l = ifname[0] ? NULL : n->links; l; l = l->next)
		if (link_reaches(l, gateway))
			return true;
	return route_reaches(n, gateway, ifname);
}

static bool is_gateway_key(const struct route *r)
{
	return !str_starts_with(r->label, "Route ") && str_ends_with(r->label, " Gateway");
}

static void tell(struct conf_loader *c, struct conf_object *o, const struct route *r, const char *key,
		 const char *message)
{
	_cleanup_free_ char *section = strdup(r->label);
	unsigned line = r->origin.line;
	const char *file = r->origin.file;
	struct conf_section *s = NULL;

	if (section && is_gateway_key(r))
		section[strlen(section) - strlen(" Gateway")] = '\0';
	else if (section)
		HASH_FIND_STR(o->by_label, section, s);
	if (s && conf_find_assign(s, key)) {
		line = conf_find_assign(s, key)->line;
		file = conf_find_assign(s, key)->file;
	}
	conf_error_at(c, o, file, line, section, key, "%s", message);
}

static void check_gateway(struct conf_loader *c, struct conf_object *o, const struct route *r,
			  const struct netnsd_ip *gateway, const char *ifname)
{
	const char *key = r->n_nexthops > 0 ? "MultiPathRoute" : "Gateway";
	char message[512], text[FORMAT_MAX];

	if (gateway->family == AF_UNSPEC)
		return;
	format_ip(gateway, text);
	if (has_address(o->netns, gateway))
		snprintf(message, sizeof(message), "the gateway %s is an address of this namespace itself",
			 text);
	else if (r->onlink || is_reachable(o->netns, gateway, ifname))
		return;
	else
		snprintf(message, sizeof(message),
			 "the gateway %s is in no network of %s%s; correct the prefix length of an address, "
			 "or "
			 "%s GatewayOnLink=yes%s",
			 text, ifname[0] ? "link " : "this namespace's links", ifname,
			 is_gateway_key(r) ? "use a [Route] with" : "set",
			 ifname[0] && !is_gateway_key(r) ? "" : " and Link=");
	tell(c, o, r, key, message);
}

/* The kernel takes no route over a link that is down. */
static void check_active(struct conf_loader *c, struct conf_object *o, const struct route *r,
			 const char *ifname, const char *key)
{
	const struct link *l = ifname[0] ? netns_find_link(o->netns, ifname) : NULL;
	char message[256];

	if (!l || l->activation == ACTIVATION_UP || l->activation == ACTIVATION_ALWAYS_UP)
		return;
	snprintf(message, sizeof(message),
		 "a route needs a link that is up, and ActivationPolicy= of '%s' leaves it down", l->name);
	tell(c, o, r, key, message);
}

static void check_links(struct conf_loader *c, struct conf_object *o, const struct route *r)
{
	check_active(c, o, r, r->ifname, is_gateway_key(r) ? "Gateway" : "Link");
	for (size_t i = 0; i < r->n_nexthops; i++)
		check_active(c, o, r, r->nexthops[i].ifname, "MultiPathRoute");
}

static void check_route(struct conf_loader *c, struct conf_object *o, const struct route *r)
{
	char message[256], text[FORMAT_MAX];

	check_gateway(c, o, r, &r->gateway, r->ifname);
	for (size_t i = 0; i < r->n_nexthops; i++)
		check_gateway(c, o, r, &r->nexthops[i].gateway, r->nexthops[i].ifname);
	if (r->prefsrc.family == AF_UNSPEC || has_address(o->netns, &r->prefsrc) ||
	    (r->prefsrc.family == AF_INET && r->prefsrc.bytes[0] == 127))
		return;
	snprintf(message, sizeof(message), "%s is no address of this namespace",
		 format_ip(&r->prefsrc, text));
	tell(c, o, r, "PreferredSource", message);
}

/* Direct routes first, else in the order they were written. */
static int order_routes(struct netns *n)
{
	struct route *sorted;
	size_t k = 0;

	if (n->n_routes < 2)
		return 0;
	sorted = calloc(n->n_routes, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n->n_routes; i++)
		if (is_direct(&n->routes[i]))
			sorted[k++] = n->routes[i];
	for (size_t i = 0; i < n->n_routes; i++)
		if (!is_direct(&n->routes[i]))
			sorted[k++] = n->routes[i];
	free(n->routes);
	n->routes = sorted;
	return 0;
}

int conf_verify_routes(struct conf_loader *c)
{
	for (size_t i = 0; i < c->n_objects; i++) {
		struct conf_object *o = c->objects[i];
		struct netns *n = o->netns;
		int r;

		if (!n)
			continue;
		r = order_routes(n);
		if (r < 0)
			return r;
		if (o->tainted || o->errors > 0)
			continue;
		for (size_t k = 0; k < n->n_routes; k++)
			check_links(c, o, &n->routes[k]);
		if (n->host || n->adopt)
			continue;
		for (size_t k = 0; k < n->n_routes; k++)
			check_route(c, o, &n->routes[k]);
	}
	return 0;
}
