/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired against actual: routes, policy rules and permanent neighbours of one namespace. */
#include "reconcile_internal.h"

#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define IPV6_DEFAULT_METRIC 1024 /* what the kernel makes of no metric */

static uint32_t effective_metric(const struct route *r)
{
	return r->family == AF_INET6 && r->metric == 0 ? IPV6_DEFAULT_METRIC : r->metric;
}

/* What the kernel tells routes of one namespace apart by. */
static bool same_route(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->table == b->table && effective_metric(a) == effective_metric(b) &&
	       prefix_equal(&a->destination, &b->destination) &&
	       (a->family != AF_INET6 || a->source.length == b->source.length) &&
	       (a->source.length == 0 || prefix_equal(&a->source, &b->source));
}

static bool same_nexthop(const struct nexthop *wanted, const struct nexthop *now)
{
	return ip_equal(&wanted->gateway, &now->gateway) && wanted->weight == now->weight &&
	       (!wanted->ifname[0] || strcmp(wanted->ifname, now->ifname) == 0);
}

static bool same_way(const struct route *wanted, const struct route *now)
{
	if (wanted->type != now->type || wanted->n_nexthops != now->n_nexthops)
		return false;
	for (size_t i = 0; i < wanted->n_nexthops; i++)
		if (!same_nexthop(&wanted->nexthops[i], &now->nexthops[i]))
			return false;
	if (wanted->n_nexthops == 0 &&
	    (!ip_equal(&wanted->gateway, &now->gateway) || wanted->onlink != now->onlink ||
	     (wanted->ifname[0] && strcmp(wanted->ifname, now->ifname) != 0)))
		return false;
	return wanted->prefsrc.family == AF_UNSPEC ? now->prefsrc.family == AF_UNSPEC
						   : ip_equal(&wanted->prefsrc, &now->prefsrc);
}

#define METRICS                                                                                              \
	(ROUTE_SET_MTU | ROUTE_SET_ADVMSS | ROUTE_SET_INITCWND | ROUTE_SET_INITRWND | ROUTE_SET_QUICKACK |   \
	 ROUTE_SET_FASTOPEN)

/* The kernel gives a route no metrics by itself: those that nobody declares any more go. */
static bool same_metrics(const struct route *w, const struct route *n)
{
	return !(n->set & ~w->set & METRICS) &&
	       ((w->set & ROUTE_SET_PREFERENCE) || !(n->set & ROUTE_SET_PREFERENCE) || n->preference == 0) &&
	       (!(w->set & ROUTE_SET_MTU) || w->mtu == n->mtu) &&
	       (!(w->set & ROUTE_SET_ADVMSS) || w->advmss == n->advmss) &&
	       (!(w->set & ROUTE_SET_INITCWND) || w->initcwnd == n->initcwnd) &&
	       (!(w->set & ROUTE_SET_INITRWND) || w->initrwnd == n->initrwnd) &&
	       (!(w->set & ROUTE_SET_QUICKACK) || w->quickack == n->quickack) &&
	       (!(w->set & ROUTE_SET_FASTOPEN) || w->fastopen_no_cookie == n->fastopen_no_cookie) &&
	       (!(w->set & ROUTE_SET_TTL_PROPAGATE) || w->ttl_propagate == n->ttl_propagate) &&
	       (!(w->set & ROUTE_SET_PREFERENCE) || w->preference == n->preference) &&
	       (!(w->set & ROUTE_SET_SCOPE) || w->family != AF_INET || w->scope == n->scope);
}

static struct action *plan_route(struct reconcile *r, enum action_type type, const struct route *route,
				 const char *reason)
{
	enum plan_stage stage = type == ACTION_ROUTE_REMOVE ? STAGE_REMOVE : STAGE_ROUTES;
	enum operation_sign sign = type == ACTION_ROUTE_ADD	 ? SIGN_CREATE
				   : type == ACTION_ROUTE_CHANGE ? SIGN_CHANGE
								 : SIGN_REMOVE;
	struct action *a = plan_add(r->plan, type, stage, sign, r->in->netns->name);
	char *text;

	if (!a)
		return NULL;
	a->route = route;
	a->reason = reason;
	text = route_to_string(route);
	a->text = text ? plan_printf(r->plan, "route %s", text) : NULL;
	free(text);
	return a->text ? a : NULL;
}

/* A route over a link that waits, or that may lie behind one, waits with it. */
static bool route_waits(const struct reconcile *r, const struct route *route)
{
	if (r->n_held == 0)
		return false;
	for (size_t i = 0; i < r->n_held; i++)
		if (route->ifname[0] && strcmp(route->ifname, r->held[i]->name) == 0 &&
		    reconcile_is_own(r, r->held[i]->netns))
			return true;
	return !route->ifname[0] && (route->gateway.family != AF_UNSPEC || route->n_nexthops > 0);
}

/* The kernel drops routes with the link they leave by. */
static bool link_is_made_again(const struct reconcile *r, const char *ifname)
{
	for (size_t i = 0; i < r->n_made; i++)
		if (reconcile_is_own(r, r->made[i]->netns) && strcmp(r->made[i]->name, ifname) == 0)
			return true;
	return false;
}

static bool goes_with_link(const struct reconcile *r, const struct route *now)
{
	if (now->ifname[0] && link_is_made_again(r, now->ifname))
		return true;
	for (size_t i = 0; i < now->n_nexthops; i++)
		if (link_is_made_again(r, now->nexthops[i].ifname))
			return true;
	return false;
}

static int reconcile_route(struct reconcile *r, const struct route *wanted)
{
	const struct actual *own = r->in->own;
	const struct route *now = NULL;
	struct action *a;

	if (route_waits(r, wanted))
		return 0;
	for (size_t i = 0; own && i < own->n_routes && !now; i++)
		if (own->routes[i].protocol == ROUTE_PROTOCOL && same_route(wanted, &own->routes[i].route) &&
		    !goes_with_link(r, &own->routes[i].route))
			now = &own->routes[i].route;
	if (!now)
		return plan_route(r, ACTION_ROUTE_ADD, wanted, "not there") ? 0 : -ENOMEM;
	if (same_way(wanted, now) && same_metrics(wanted, now))
		return 0;
	a = plan_route(r, ACTION_ROUTE_CHANGE, wanted, "differs");
	if (!a)
		return -ENOMEM;
	a->old_route = now;
	return 0;
}

static bool is_declared(const struct netns *n, const struct route *now)
{
	for (size_t i = 0; i < n->n_routes; i++)
		if (same_route(&n->routes[i], now))
			return true;
	return false;
}

int reconcile_routes(struct reconcile *r)
{
	const struct actual *own = r->in->own;
	const struct netns *n = r->in->netns;

	/* On-link routes first: gateways of the others may lie behind them. */
	for (int with_gateway = 0; with_gateway <= 1; with_gateway++)
		for (size_t i = 0; i < n->n_routes; i++) {
			bool has = n->routes[i].gateway.family != AF_UNSPEC || n->routes[i].n_nexthops > 0;
			int ret = has == (with_gateway == 1) ? reconcile_route(r, &n->routes[i]) : 0;

			if (ret < 0)
				return ret;
		}
	for (size_t i = 0; own && i < own->n_routes; i++)
		if (own->routes[i].protocol == ROUTE_PROTOCOL && !is_declared(n, &own->routes[i].route) &&
		    !goes_with_link(r, &own->routes[i].route) &&
		    !plan_route(r, ACTION_ROUTE_REMOVE, &own->routes[i].route, "no longer declared"))
			return -ENOMEM;
	return 0;
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->action == b->action &&
	       (a->action != 1 || a->table == b->table) && a->invert == b->invert && a->tos == b->tos &&
	       a->ip_protocol == b->ip_protocol && a->from.length == b->from.length &&
	       a->to.length == b->to.length && (a->from.length == 0 || prefix_equal(&a->from, &b->from)) &&
	       (a->to.length == 0 || prefix_equal(&a->to, &b->to)) && a->fwmark == b->fwmark &&
	       a->fwmask == b->fwmask && strcmp(a->iif, b->iif) == 0 && strcmp(a->oif, b->oif) == 0 &&
	       memcmp(a->sport, b->sport, sizeof(a->sport)) == 0 &&
	       memcmp(a->dport, b->dport, sizeof(a->dport)) == 0 && a->has_uid == b->has_uid &&
	       (!a->has_uid || memcmp(a->uid, b->uid, sizeof(a->uid)) == 0) &&
	       a->suppress_prefixlength == b->suppress_prefixlength &&
	       a->suppress_ifgroup == b->suppress_ifgroup;
}

static int plan_rule(struct reconcile *r, const struct rule *rule, bool add)
{
	struct action *a = plan_add(r->plan, add ? ACTION_RULE_ADD : ACTION_RULE_REMOVE,
				    add ? STAGE_ROUTES : STAGE_REMOVE, add ? SIGN_CREATE : SIGN_REMOVE,
				    r->in->netns->name);
	char *text;

	if (!a)
		return -ENOMEM;
	a->rule = rule;
	a->reason = add ? "not there" : "no longer declared";
	text = rule_to_string(rule);
	a->text = text ? plan_printf(r->plan, "rule %s", text) : NULL;
	free(text);
	return a->text ? 0 : -ENOMEM;
}

int reconcile_rules(struct reconcile *r)
{
	const struct actual *own = r->in->own;
	const struct netns *n = r->in->netns;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < n->n_rules; i++) {
		bool found = false;

		for (size_t j = 0; own && j < own->n_rules && !found; j++)
			found = own->rules[j].protocol == ROUTE_PROTOCOL &&
				same_rule(&n->rules[i], &own->rules[j].rule);
		if (!found)
			ret = plan_rule(r, &n->rules[i], true);
	}
	for (size_t j = 0; ret == 0 && own && j < own->n_rules; j++) {
		bool found = own->rules[j].protocol != ROUTE_PROTOCOL;

		for (size_t i = 0; i < n->n_rules && !found; i++)
			found = same_rule(&n->rules[i], &own->rules[j].rule);
		if (!found)
			ret = plan_rule(r, &own->rules[j].rule, false);
	}
	return ret;
}

/* --- neighbours ------------------------------------------------------------------------------- */

static bool same_neighbor(const struct neighbor *a, const struct neighbor *b)
{
	return ip_equal(&a->address, &b->address) && strcmp(a->ifname, b->ifname) == 0;
}

static int plan_neighbor(struct reconcile *r, const struct neighbor *n, const struct neighbor *old, bool add)
{
	enum operation_sign sign = !add ? SIGN_REMOVE : old ? SIGN_CHANGE : SIGN_CREATE;
	struct action *a = plan_add(r->plan, add ? ACTION_NEIGHBOR_ADD : ACTION_NEIGHBOR_REMOVE,
				    add ? STAGE_ROUTES : STAGE_REMOVE, sign, r->in->netns->name);
	char *text;

	if (!a)
		return -ENOMEM;
	a->neighbor = n;
	a->old_neighbor = old;
	strcpy(a->ifname, n->ifname);
	a->reason = !add ? "no longer declared" : old ? "differs" : "not there";
	text = neighbor_to_string(n);
	a->text = text ? plan_printf(r->plan, "neighbor %s", text) : NULL;
	free(text);
	return a->text ? 0 : -ENOMEM;
}

static int reconcile_neighbor(struct reconcile *r, const struct neighbor *wanted)
{
	const struct actual *own = r->in->own;
	const struct neighbor *now = NULL;

	for (size_t i = 0; i < r->n_held; i++)
		if (reconcile_is_own(r, r->held[i]->netns) && strcmp(r->held[i]->name, wanted->ifname) == 0)
			return 0;
	for (size_t i = 0; own && i < own->n_neighbors && !now; i++)
		if (own->neighbors[i].protocol == ROUTE_PROTOCOL &&
		    same_neighbor(wanted, &own->neighbors[i].neighbor))
			now = &own->neighbors[i].neighbor;
	if (now && memcmp(&now->lladdr, &wanted->lladdr, sizeof(now->lladdr)) == 0 &&
	    !link_is_made_again(r, wanted->ifname))
		return 0;
	return plan_neighbor(r, wanted, now, true);
}

int reconcile_neighbors(struct reconcile *r)
{
	const struct actual *own = r->in->own;
	const struct netns *n = r->in->netns;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < n->n_neighbors; i++)
		ret = reconcile_neighbor(r, &n->neighbors[i]);
	for (size_t j = 0; ret == 0 && own && j < own->n_neighbors; j++) {
		bool found = own->neighbors[j].protocol != ROUTE_PROTOCOL;

		for (size_t i = 0; i < n->n_neighbors && !found; i++)
			found = same_neighbor(&n->neighbors[i], &own->neighbors[j].neighbor);
		if (!found && !link_is_made_again(r, own->neighbors[j].neighbor.ifname))
			ret = plan_neighbor(r, &own->neighbors[j].neighbor, NULL, false);
	}
	return ret;
}
