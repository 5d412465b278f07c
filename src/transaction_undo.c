/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The opposite of one action, as exact as the kernel lets it be. */
#include "transaction.h"

#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int undo_route(struct execution *x, const struct action *a, enum action_type type)
{
	struct action opposite = *a;

	opposite.type = type;
	if (type == ACTION_ROUTE_CHANGE)
		opposite.route = a->old_route;
	if (type == ACTION_NEIGHBOR_ADD && a->old_neighbor)
		opposite.neighbor = a->old_neighbor;
	return execution_gone_is_fine(x, execute_route(x, &opposite));
}

/* Behind the one that is there again, in the order of their age. */
static int make_younger(struct execution *x, const struct action *a, int place)
{
	struct action again = *a;
	int r = 0;

	again.n_younger = 0;
	for (size_t i = 0; r == 0 && i < a->n_younger; i++) {
		again.address = a->younger[i];
		again.type = ACTION_ADDRESS_REMOVE;
		r = execute_address(x, place, &again);
		again.type = ACTION_ADDRESS_ADD;
		if (r == 0)
			r = execute_address(x, place, &again);
	}
	return r;
}

static int undo_address(struct execution *x, const struct action *a, int place)
{
	struct action opposite = *a;
	int r;

	opposite.type = a->type == ACTION_ADDRESS_ADD	   ? ACTION_ADDRESS_REMOVE
			: a->type == ACTION_ADDRESS_REMOVE ? ACTION_ADDRESS_ADD
							   : ACTION_ADDRESS_CHANGE;
	if (a->type == ACTION_ADDRESS_CHANGE)
		opposite.address = a->old_address;
	r = execution_gone_is_fine(x, execute_address(x, place, &opposite));
	if (r == -EEXIST && a->type == ACTION_ADDRESS_REMOVE) { /* it was not even removed */
		x->err->code = 0;
		return 0;
	}
	return r == 0 && a->n_younger ? make_younger(x, a, place) : r;
}

/* Where it came from, if it is still called so on the host. Its addresses went with the move. */
static int undo_to_host(struct execution *x, const struct action *a, int place)
{
	struct nl_msg *msg;
	int ifindex, r = rtnl_ifindex(x->thread->host, a->ifname, &ifindex);

	if (r == 0)
		r = request_link_move(ifindex, x->t->places[place].fd, a->ifname, &msg);
	if (r < 0)
		return error_set(x->err, r, "the link %s is not found on the host", a->ifname);
	r = rtnl_talk(x->thread->host, msg, x->err);
	nlmsg_free(msg);
	return r;
}

static int undo_link(struct execution *x, const struct action *a, int place)
{
	struct action opposite = *a;

	switch (a->type) {
	case ACTION_LINK_CREATE: opposite.type = ACTION_LINK_REMOVE; break;
	case ACTION_ALTNAME_ADD: opposite.type = ACTION_ALTNAME_REMOVE; break;
	case ACTION_ALTNAME_REMOVE: opposite.type = ACTION_ALTNAME_ADD; break;
	case ACTION_LINK_SET:
		if (a->ifindex == 0) /* made by this plan, and goes again */
			return 0;
		opposite.values = a->old_values;
		opposite.master[0] = '\0'; /* the index says it: a master that was there still is */
		break;
	case ACTION_LINK_TO_HOST: return undo_to_host(x, a, place);
	default: return 0;
	}
	(void)place;
	return execution_gone_is_fine(x, execute_link(x, &opposite));
}

static int undo_sysctl(struct execution *x, const struct action *a, int place)
{
	return a->old_value ? execute_sysctl(x, place, a->name, a->old_value) : 0;
}

static int undo_create(struct execution *x)
{
	struct transaction *t = x->t;

	rtnl_close(t->places[0].rtnl);
	t->places[0].rtnl = NULL;
	/* Where a thread is does not end. */
	x->current = worker_thread_home(x->thread) < 0 ? PLACE_LOST : PLACE_HOME;
	(void)close(t->places[0].fd);
	t->places[0].fd = -1;
	t->created = false;
	return 0;
}

static int undo_resolv(struct execution *x, const struct action *a)
{
	if (a->old_value)
		return netns_resolv_write(x->t->plan->name, a->old_value, x->err);
	return netns_resolv_remove(x->t->plan->name, x->err);
}

int undo_action(struct execution *x, const struct action *a)
{
	int place = execution_place(x, a->place);

	if (place < 0)
		return place;
	switch (a->type) {
	case ACTION_NETNS_CREATE: return undo_create(x);
	case ACTION_NETNS_NAME: return netns_unname(x->t->plan->name, x->t->places[0].fd, x->err);
	case ACTION_NETNS_UNNAME: return netns_name(x->t->places[0].fd, x->t->plan->name, x->err);
	case ACTION_LINK_CREATE: return undo_link(x, a, place);
	case ACTION_RESOLV_WRITE:
	case ACTION_RESOLV_REMOVE: return undo_resolv(x, a);
	default: break;
	}
	if (place == 0 && x->t->created) /* goes as a whole */
		return 0;
	switch (a->type) {
	case ACTION_ADDRESS_ADD:
	case ACTION_ADDRESS_CHANGE:
	case ACTION_ADDRESS_REMOVE: return undo_address(x, a, place);
	case ACTION_SYSCTL_SET: return undo_sysctl(x, a, place);
	case ACTION_ROUTE_ADD: return undo_route(x, a, ACTION_ROUTE_REMOVE);
	case ACTION_ROUTE_CHANGE: return undo_route(x, a, ACTION_ROUTE_CHANGE);
	case ACTION_ROUTE_REMOVE: return undo_route(x, a, ACTION_ROUTE_ADD);
	case ACTION_RULE_ADD: return undo_route(x, a, ACTION_RULE_REMOVE);
	case ACTION_RULE_REMOVE: return undo_route(x, a, ACTION_RULE_ADD);
	case ACTION_NEIGHBOR_ADD:
		return undo_route(x, a, a->old_neighbor ? ACTION_NEIGHBOR_ADD : ACTION_NEIGHBOR_REMOVE);
	case ACTION_NEIGHBOR_REMOVE: return undo_route(x, a, ACTION_NEIGHBOR_ADD);
	default: return undo_link(x, a, place);
	}
}
