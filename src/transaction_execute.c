/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One action of a plan, done: the namespace, its name, addresses, sysctls, files. */
#include "transaction.h"

#include "netns.h"
#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Deleting what is gone already is success: somebody, or the kernel, was faster. */
static int gone_is_fine(struct execution *x, int r)
{
	if (r == -ENODEV || r == -ESRCH || r == -ENOENT || r == -EADDRNOTAVAIL) {
		x->err->code = 0;
		return 0;
	}
	return r;
}

static int create_namespace(struct execution *x)
{
	struct transaction *t = x->t;
	int fd, r = 0;

	if (!x->thread->prepared) /* at the first creation, not before */
		r = netns_prepare_directory(x->err);
	if (r == 0) {
		x->thread->prepared = true;
		r = netns_create(&fd, x->err);
	}
	if (r < 0)
		return r;
	t->places[0].fd = fd;
	t->created = true;
	x->current = 0;
	t->cookie = netns_cookie_here();
	(void)netns_stat(fd, &t->device, &t->inode);
	/* Marked before the first link: a veth would make the kernel choose an nsid of its own. */
	return rtnl_nsid_set(x->thread->host, fd, t->nsid, x->err);
}

static int adopt_namespace(struct execution *x)
{
	int r = rtnl_nsid_set(x->thread->host, x->t->places[0].fd, x->t->nsid, x->err);

	if (r == -EEXIST) { /* it has one already: fine, the file says that it is adopted */
		x->err->code = 0;
		return 0;
	}
	return r;
}

static int unname(struct execution *x)
{
	return gone_is_fine(x, netns_unname(x->t->plan->name, x->t->places[0].fd, x->err));
}

static int set_sysctl(struct execution *x, int place, const char *path, const char *value)
{
	int r = execution_enter(x, place);

	return r < 0 ? r : netns_sysctl_write(path, value, x->err);
}

static int do_address(struct execution *x, int place, const struct action *a)
{
	struct nl_msg *msg;
	int ifindex = a->ifindex, r = 0;

	if (!ifindex)
		r = execution_ifindex(x, place, a->ifname, &ifindex);
	if (r == 0)
		r = request_address(a->address, ifindex, a->type != ACTION_ADDRESS_REMOVE,
				    a->type == ACTION_ADDRESS_CHANGE, &msg);
	if (r < 0)
		return r;
	r = execution_talk(x, place, msg);
	return a->type == ACTION_ADDRESS_REMOVE ? gone_is_fine(x, r) : r;
}

static int do_action(struct execution *x, const struct action *a, int place)
{
	switch (a->type) {
	case ACTION_NETNS_CREATE: return create_namespace(x);
	case ACTION_NETNS_ADOPT: return adopt_namespace(x);
	case ACTION_NETNS_NAME: return netns_name(x->t->places[0].fd, x->t->plan->name, x->err);
	case ACTION_NETNS_UNNAME: return unname(x);
	case ACTION_ADDRESS_ADD:
	case ACTION_ADDRESS_CHANGE:
	case ACTION_ADDRESS_REMOVE: return do_address(x, place, a);
	case ACTION_SYSCTL_SET: return set_sysctl(x, place, a->name, a->value);
	case ACTION_RESOLV_WRITE: return netns_resolv_write(x->t->plan->name, a->name, x->err);
	case ACTION_RESOLV_REMOVE: return gone_is_fine(x, netns_resolv_remove(x->t->plan->name, x->err));
	case ACTION_ROUTE_ADD:
	case ACTION_ROUTE_CHANGE:
	case ACTION_NEIGHBOR_ADD:
	case ACTION_RULE_ADD: return execute_route(x, a);
	case ACTION_ROUTE_REMOVE:
	case ACTION_NEIGHBOR_REMOVE:
	case ACTION_RULE_REMOVE: return gone_is_fine(x, execute_route(x, a));
	case ACTION_LINK_REMOVE:
	case ACTION_LINKS_FLUSH:
	case ACTION_ALTNAME_REMOVE: return gone_is_fine(x, execute_link(x, a));
	default: return execute_link(x, a);
	}
}

/* A vlan cannot go up while its parent is down (ENETDOWN), nor can routes be made through it. At boot
 * cards are down for a while: that is to wait for, not to fail of; the kernel tells when they come up. */
static bool has_to_wait(struct execution *x, const struct action *a, int r)
{
	char **waits = x->t->waits_for;
	char text[IFNAMSIZ + 32];

	if (a->type == ACTION_ROUTE_ADD || a->type == ACTION_ROUTE_CHANGE || a->type == ACTION_NEIGHBOR_ADD)
		return waits && (r == -ENETDOWN || r == -ENETUNREACH || r == -EHOSTUNREACH);
	if (r != -ENETDOWN || a->type != ACTION_LINK_SET || !a->link || !a->link->parent[0])
		return false;
	(void)snprintf(text, sizeof(text), "link %s to come up", a->link->parent);
	return strv_contains(waits, text) || strv_push(&x->t->waits_for, text) == 0;
}

int execute_action(struct execution *x, const struct action *a)
{
	int place = execution_place(x, a->place);
	int r = place < 0 ? place : do_action(x, a, place);

	if (r < 0 && has_to_wait(x, a, r)) {
		x->err->code = 0;
		return 0;
	}

	if (r == 0 && (a->type == ACTION_LINK_REMOVE || a->type == ACTION_LINKS_FLUSH))
		x->t->destroyed = true;
	return r;
}

/* --- undo ------------------------------------------------------------------------------------- */

static int undo_route(struct execution *x, const struct action *a, enum action_type type)
{
	struct action opposite = *a;

	opposite.type = type;
	if (type == ACTION_ROUTE_CHANGE)
		opposite.route = a->old_route;
	if (type == ACTION_NEIGHBOR_ADD && a->old_neighbor)
		opposite.neighbor = a->old_neighbor;
	return gone_is_fine(x, execute_route(x, &opposite));
}

static int undo_address(struct execution *x, const struct action *a, int place)
{
	struct action opposite = *a;

	opposite.type = a->type == ACTION_ADDRESS_ADD	   ? ACTION_ADDRESS_REMOVE
			: a->type == ACTION_ADDRESS_REMOVE ? ACTION_ADDRESS_ADD
							   : ACTION_ADDRESS_CHANGE;
	if (a->type == ACTION_ADDRESS_CHANGE)
		opposite.address = a->old_address;
	return gone_is_fine(x, do_address(x, place, &opposite));
}

static int undo_link(struct execution *x, const struct action *a, int place)
{
	struct action opposite = *a;

	switch (a->type) {
	case ACTION_LINK_CREATE: opposite.type = ACTION_LINK_REMOVE; break;
	case ACTION_ALTNAME_ADD: opposite.type = ACTION_ALTNAME_REMOVE; break;
	case ACTION_ALTNAME_REMOVE: opposite.type = ACTION_ALTNAME_ADD; break;
	case ACTION_LINK_SET:
		if (a->values.change & LINK_CHANGE_KIND) /* the manager reconciles with what ran before */
			x->t->destroyed = true;
		if ((a->values.change & LINK_CHANGE_KIND) || a->ifindex == 0)
			return 0;
		opposite.values = a->old_values;
		break;
	default: return 0;
	}
	(void)place;
	return gone_is_fine(x, execute_link(x, &opposite));
}

static int undo_sysctl(struct execution *x, const struct action *a, int place)
{
	return a->old_value ? set_sysctl(x, place, a->name, a->old_value) : 0;
}

static int undo_create(struct execution *x)
{
	struct transaction *t = x->t;

	rtnl_close(t->places[0].rtnl);
	t->places[0].rtnl = NULL;
	if (x->current == 0 && netns_enter(x->thread->home_fd, NULL) < 0)
		abort();
	x->current = -1;
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
