/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose business an event is; see drift.h. */
#include "drift.h"

#include "netns.h"
#include "str.h"

#include <string.h>

/* --- whose file ------------------------------------------------------------------------------- */

static unsigned add_owner(const struct netns *owners[DRIFT_OWNERS], unsigned n, const struct netns *owner)
{
	for (unsigned i = 0; i < n; i++)
		if (owners[i] == owner)
			return n;
	if (n < DRIFT_OWNERS)
		owners[n++] = owner;
	return n;
}

static const struct link *find_link(const struct netns *place, const char *ifname)
{
	return ifname[0] ? netns_find_link(place, ifname) : NULL;
}

static bool ip_equal(const struct netnsd_ip *a, const struct netnsd_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static bool declares_address(const struct link *l, const struct actual_address *a)
{
	for (size_t i = 0; i < l->n_addresses; i++)
		if (ip_equal(&l->addresses[i].prefix.ip, &a->address.prefix.ip))
			return true;
	return false;
}

static bool same_destination(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->table == b->table &&
	       a->destination.length == b->destination.length &&
	       (a->destination.length == 0 || ip_equal(&a->destination.ip, &b->destination.ip));
}

static bool declares_route(const struct netns *n, const struct route *r)
{
	for (size_t i = 0; i < n->n_routes; i++)
		if (same_destination(&n->routes[i], r))
			return true;
	return false;
}

static bool declares_neighbor(const struct netns *n, const struct neighbor *wanted)
{
	for (size_t i = 0; i < n->n_neighbors; i++)
		if (ip_equal(&n->neighbors[i].address, &wanted->address))
			return true;
	return false;
}

/* Routes, neighbours and the sysctls of a link can go with it, silently. */
static bool stands_on_links(const struct netns *n)
{
	return n->n_routes || n->n_neighbors || n->n_sysctls;
}

static unsigned link_owners(const struct netns *place, const struct event *e, const char *ifname,
			    const char *before, const struct netns *owners[DRIFT_OWNERS])
{
	const struct link *l = find_link(place, ifname), *old = find_link(place, before);
	unsigned n = 0;

	if (old)
		n = add_owner(owners, n, old->owner);
	if (l)
		n = add_owner(owners, n, l->owner);
	if (n == 0 && e->link.group != LINK_GROUP && strcmp(ifname, "lo") != 0)
		return 0;
	/* With our mark and undeclared, or lo: the namespace's own. */
	return n == 0 || stands_on_links(place) ? add_owner(owners, n, place) : n;
}

static unsigned address_owners(const struct netns *place, const struct actual_address *a, const char *ifname,
			       const struct netns *owners[DRIFT_OWNERS])
{
	const struct link *l = find_link(place, ifname);
	unsigned n = 0;

	if (l && (a->protocol == ROUTE_PROTOCOL || declares_address(l, a)))
		n = add_owner(owners, n, l->owner);
	else if (a->protocol == ROUTE_PROTOCOL)
		n = add_owner(owners, n, place);
	return n && stands_on_links(place) ? add_owner(owners, n, place) : n;
}

unsigned drift_owners(const struct netns *place, const struct event *e, const char *ifname,
		      const char *before, const struct netns *owners[DRIFT_OWNERS])
{
	bool concerned = false;

	switch (e->object) {
	case EVENT_LINK: return link_owners(place, e, ifname, before, owners);
	case EVENT_ADDRESS: return address_owners(place, &e->address, ifname, owners);
	case EVENT_ROUTE:
		concerned = e->route.protocol == ROUTE_PROTOCOL || declares_route(place, &e->route.route);
		break;
	case EVENT_RULE: concerned = e->rule.protocol == ROUTE_PROTOCOL || place->n_rules; break;
	case EVENT_NEIGHBOR: concerned = declares_neighbor(place, &e->neighbor.neighbor); break;
	case EVENT_SYSCTL: concerned = place->n_sysctls > 0; break;
	default: break;
	}
	return concerned ? add_owner(owners, 0, place) : 0;
}

/* --- whose doing ------------------------------------------------------------------------------ */

static bool is_end(const struct link *l, const char *place, const char *ifname)
{
	return l && strcmp(l->netns->name, place) == 0 && (!ifname || strcmp(l->name, ifname) == 0);
}

/* ifname NULL: any */
static bool makes_end_here(const struct action *a, const char *place, const char *ifname)
{
	const struct link *l = a->type == ACTION_LINK_CREATE ? a->link : NULL;

	return l && (is_end(l, place, ifname) || is_end(l->peer, place, ifname));
}

static bool removes_links(const struct action *a)
{
	return a->type == ACTION_LINK_REMOVE || a->type == ACTION_LINKS_FLUSH ||
	       a->type == ACTION_NETNS_UNNAME || a->type == ACTION_LINK_TO_HOST ||
	       a->type == ACTION_LINK_CREATE; /* made again */
}

static bool same_link(const struct action *a, const char *ifname)
{
	return ifname[0] &&
	       (strncmp(a->ifname, ifname, IFNAMSIZ) == 0 || strncmp(a->master, ifname, IFNAMSIZ) == 0);
}

/* What the kernel does by itself to a link follows from what we do to that link. */
static bool action_explains(const struct action *a, const char *place, const struct event *e,
			    const char *ifname)
{
	if (makes_end_here(a, place, ifname))
		return true;
	/* The other end of a pair goes as well, wherever it is, and its event no longer says whose it was. */
	if (e->object == EVENT_LINK && e->change == EVENT_REMOVED && e->link.group == LINK_GROUP &&
	    removes_links(a))
		return true;
	/* The settings of a new link are told before its name. */
	if (e->object == EVENT_SYSCTL && !ifname[0] && makes_end_here(a, place, NULL))
		return true;
	if (strcmp(a->place, place) != 0)
		return false;
	switch (a->type) {
	case ACTION_NETNS_CREATE:
	case ACTION_NETNS_UNNAME: return true;
	case ACTION_LINKS_FLUSH: return e->object != EVENT_RULE;
	case ACTION_ROUTE_ADD:
	case ACTION_ROUTE_CHANGE:
	case ACTION_ROUTE_REMOVE:
		return e->object == EVENT_ROUTE && same_destination(a->route, &e->route.route);
	case ACTION_RULE_ADD:
	case ACTION_RULE_REMOVE: return e->object == EVENT_RULE && a->rule->priority == e->rule.rule.priority;
	case ACTION_NEIGHBOR_ADD:
	case ACTION_NEIGHBOR_REMOVE:
		return e->object == EVENT_NEIGHBOR &&
		       ip_equal(&a->neighbor->address, &e->neighbor.neighbor.address);
	case ACTION_SYSCTL_SET: return e->object == EVENT_SYSCTL;
	default: return same_link(a, ifname);
	}
}

bool drift_explained(const struct plan *p, const char *place, const struct event *e, const char *ifname)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (action_explains(&p->actions[i], place, e, ifname))
			return true;
	return false;
}

/* --- what counts ------------------------------------------------------------------------------ */

static uint64_t digest_text(uint64_t hash, const char *text)
{
	return hash_more(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

uint64_t drift_link_digest(const struct actual_link *l)
{
	const uint32_t numbers[] = {l->flags & (IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP),
				    l->mtu,
				    l->group,
				    (uint32_t)l->master,
				    (uint32_t)l->parent,
				    (uint32_t)l->link_nsid,
				    l->addr_gen_mode};
	uint64_t hash = hash_more(HASH_START, numbers, sizeof(numbers));

	hash = hash_more(hash, l->mac, l->mac_length);
	hash = digest_text(digest_text(digest_text(hash, l->name), l->kind), l->alias);
	for (char **s = l->altnames; s && *s; s++)
		hash = digest_text(hash, *s);
	return l->info_data ? hash_more(hash, l->info_data, l->info_data->nla_len) : hash;
}
