/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One action of a plan, done: links, routes, rules, neighbours. */
#include "transaction.h"

#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- links ------------------------------------------------------------------------------------ */

static int escape_error(struct execution *x, int r, const struct netnsd_error *text)
{
	return error_set(x->err, r, "%s", text->text[0] ? text->text : strerror(-r));
}

/* Kinds that rtnetlink cannot create do it themselves, inside the namespace. */
static int create_by_plugin(struct execution *x, const struct link *l, int place)
{
	struct netnsd_link view = {.ifname = l->name, .config = l->config, .set = l->kind_set};
	struct netnsd_error text = {""};
	struct link_values mark = {.change = LINK_CHANGE_GROUP, .group = LINK_GROUP};
	struct nl_msg *msg;
	int ifindex, r = execution_enter(x, place);

	if (r < 0)
		return r;
	r = l->kind->create(&view, &text);
	if (r < 0)
		return escape_error(x, r, &text);
	r = execution_ifindex(x, place, l->name, &ifindex);
	if (r == 0)
		r = request_link_set(ifindex, &mark, &msg);
	if (r == 0)
		r = execution_talk(x, place, msg);
	if (r < 0 && execution_enter(x, place) == 0) /* without its mark nobody would know it again */
		(void)l->kind->remove(&view, &text);
	return r;
}

/* The host is a place of every transaction (apply.c adds it). */
static int host_place(const struct execution *x)
{
	for (size_t i = 0; i < x->t->n_places; i++)
		if (x->t->places[i].host)
			return (int)i;
	return 0;
}

/* Sends the request where the link needs no detour: beside its parent; for a pair with one end on
 * the host from there (the other end is made directly in its namespace: moving one costs 30 times
 * as much, for the kernel waits for RCU then); else in the namespace itself. */
static int create_link(struct execution *x, const struct action *a, int place)
{
	const struct link *l = a->link, *outer = l;
	int sender = place, parent = 0, netns_fd = -1, peer_fd = -1, peer_place, r;
	struct nl_msg *msg;

	if (l->kind->create)
		return create_by_plugin(x, l, place);
	/* Without a descriptor the kernel would make it where the request comes from. */
	if (x->t->places[place].fd < 0 && !x->t->places[place].host)
		return place_missing(&x->t->places[place], x->err);
	if (l->parent[0]) {
		sender = l->parent_on_host ? host_place(x) : place;
		r = execution_ifindex(x, sender, l->parent, &parent);
		if (r < 0)
			return r;
	}
	if (l->peer) {
		peer_place = execution_place(x, l->peer->netns->name);
		if (peer_place < 0)
			return peer_place;
		if (x->t->places[peer_place].host && !x->t->places[place].host) {
			outer = l->peer;
			sender = peer_place;
			peer_fd = x->t->places[place].fd;
		} else if (peer_place != place) {
			peer_fd = x->t->places[peer_place].fd;
			if (peer_fd < 0 && !x->t->places[peer_place].host)
				return place_missing(&x->t->places[peer_place], x->err);
			if (x->t->places[peer_place].host)
				peer_fd = x->thread->home_fd;
		}
	}
	if (sender != place && outer == l)
		netns_fd = x->t->places[place].fd;
	r = request_link_create(outer, netns_fd, parent, 0, peer_fd, false, &msg);
	return r < 0 ? r : execution_talk(x, sender, msg);
}

static int set_link(struct execution *x, const struct action *a, int place)
{
	struct link_values values = a->values;
	struct nl_msg *msg;
	int ifindex = a->ifindex, r = 0;

	/* A link that this plan makes anew has another index than the one that was there. */
	if (!ifindex)
		r = execution_ifindex(x, place, a->ifname, &ifindex);
	if (r == 0 && (values.change & LINK_CHANGE_MASTER) && a->master[0])
		r = execution_ifindex(x, place, a->master, &values.master_ifindex);
	if (r == 0)
		r = request_link_set(ifindex, &values, &msg);
	return r < 0 ? r : execution_talk(x, place, msg);
}

static int remove_link(struct execution *x, const struct action *a, int place)
{
	struct nl_msg *msg;
	int ifindex = a->ifindex, r = 0;

	if (a->link && a->link->kind->remove) {
		struct netnsd_link view = {
			.ifname = a->ifname, .config = a->link->config, .set = a->link->kind_set};
		struct netnsd_error text = {""};

		r = execution_enter(x, place);
		if (r == 0 && (r = a->link->kind->remove(&view, &text)) < 0)
			r = escape_error(x, r, &text);
		return r;
	}
	if (!ifindex)
		r = execution_ifindex(x, place, a->ifname, &ifindex);
	if (r == 0)
		r = request_link_delete(ifindex, &msg);
	if (r < 0)
		return r;
	execution_forget(x, place, a->ifname);
	return execution_talk(x, place, msg);
}

static int flush_links(struct execution *x, int place)
{
	struct nl_msg *msg;
	int r = request_link_delete_group(LINK_GROUP, &msg);

	return r < 0 ? r : execution_talk(x, place, msg);
}

/* To the host under its own name, or, when that is taken, under the one the kernel would give it. */
static int move_to_host(struct execution *x, const struct action *a, int place)
{
	struct nl_msg *msg;
	int r = request_link_move(a->ifindex, x->thread->home_fd, a->ifname, &msg);

	if (r == 0)
		r = execution_talk(x, place, msg);
	if (r != -EEXIST)
		return r;
	x->err->code = 0;
	r = request_link_move(a->ifindex, x->thread->home_fd, "dev%d", &msg);
	return r < 0 ? r : execution_talk(x, place, msg);
}

static int do_altname(struct execution *x, const struct action *a, int place)
{
	struct nl_msg *msg;
	int ifindex = a->ifindex, r = 0;

	if (!ifindex)
		r = execution_ifindex(x, place, a->ifname, &ifindex);
	if (r == 0)
		r = request_altname(ifindex, a->name, a->type == ACTION_ALTNAME_ADD, &msg);
	return r < 0 ? r : execution_talk(x, place, msg);
}

int execute_link(struct execution *x, const struct action *a)
{
	int place = execution_place(x, a->place);

	if (place < 0)
		return place;
	switch (a->type) {
	case ACTION_LINK_CREATE: return create_link(x, a, place);
	case ACTION_LINK_SET: return set_link(x, a, place);
	case ACTION_LINK_REMOVE: return remove_link(x, a, place);
	case ACTION_LINKS_FLUSH: return flush_links(x, place);
	case ACTION_LINK_TO_HOST: return move_to_host(x, a, place);
	case ACTION_ALTNAME_ADD:
	case ACTION_ALTNAME_REMOVE: return do_altname(x, a, place);
	default: return error_set(x->err, -EINVAL, "action %d is not about a link", a->type);
	}
}

/* --- routes ----------------------------------------------------------------------------------- */

static int optional_ifindex(struct execution *x, int place, const char *name, int *ret)
{
	*ret = 0;
	return name[0] ? execution_ifindex(x, place, name, ret) : 0;
}

static int do_route(struct execution *x, const struct action *a, int place)
{
	const struct route *route = a->route;
	int nexthops[64], ifindex, r = optional_ifindex(x, place, route->ifname, &ifindex);
	struct nl_msg *msg;

	for (size_t i = 0; r == 0 && i < route->n_nexthops && i < 64; i++)
		r = optional_ifindex(x, place, route->nexthops[i].ifname, &nexthops[i]);
	if (r == 0)
		r = request_route(route, ifindex, nexthops, a->type != ACTION_ROUTE_REMOVE,
				  a->type == ACTION_ROUTE_CHANGE, &msg);
	return r < 0 ? r : execution_talk(x, place, msg);
}

static int do_neighbor(struct execution *x, const struct action *a, int place)
{
	struct nl_msg *msg;
	int ifindex, r = execution_ifindex(x, place, a->neighbor->ifname, &ifindex);

	if (r == 0)
		r = request_neighbor(a->neighbor, ifindex, a->type == ACTION_NEIGHBOR_ADD, &msg);
	return r < 0 ? r : execution_talk(x, place, msg);
}

int execute_route(struct execution *x, const struct action *a)
{
	int place = execution_place(x, a->place), r;
	struct nl_msg *msg;

	if (place < 0)
		return place;
	switch (a->type) {
	case ACTION_ROUTE_ADD:
	case ACTION_ROUTE_CHANGE:
	case ACTION_ROUTE_REMOVE: return do_route(x, a, place);
	case ACTION_NEIGHBOR_ADD:
	case ACTION_NEIGHBOR_REMOVE: return do_neighbor(x, a, place);
	default:
		r = request_rule(a->rule, a->type == ACTION_RULE_ADD, &msg);
		return r < 0 ? r : execution_talk(x, place, msg);
	}
}
