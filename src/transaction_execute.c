/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One action of a plan, done: the namespace, its name, addresses, sysctls, files. */
#include "transaction.h"

#include "netns.h"
#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROMOTE "net/ipv4/conf/all/promote_secondaries"

int execution_gone_is_fine(struct execution *x, int r)
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
		x->current = PLACE_LOST; /* also when only its descriptor could not be had */
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
	/* Without it the name could be somebody else's by now. */
	if (x->t->places[0].fd < -1)
		return place_missing(&x->t->places[0], x->err);
	return execution_gone_is_fine(x, netns_unname(x->t->plan->name, x->t->places[0].fd, x->err));
}

int execute_sysctl(struct execution *x, int place, const char *path, const char *value)
{
	int r = execution_enter(x, place);

	return r < 0 ? r : netns_sysctl_write(path, value, x->err);
}

/* -1: was set already, or cannot be read; else what to write again afterwards. */
static int promote_for_now(struct execution *x, int place)
{
	char value[16];

	if (execution_enter(x, place) < 0 || netns_sysctl_read(PROMOTE, value, sizeof(value), NULL) < 0 ||
	    strcmp(value, "0") != 0)
		return -1;
	return netns_sysctl_write(PROMOTE, "1", NULL) < 0 ? -1 : 0;
}

int execute_address(struct execution *x, int place, const struct action *a)
{
	struct nl_msg *msg;
	int ifindex = a->ifindex, promote, r = 0;

	if (!ifindex)
		r = execution_ifindex(x, place, a->ifname, &ifindex);
	if (r == 0)
		r = request_address(a->address, ifindex, a->type != ACTION_ADDRESS_REMOVE,
				    a->type == ACTION_ADDRESS_CHANGE, &msg);
	if (r < 0)
		return r;
	if (a->type != ACTION_ADDRESS_REMOVE)
		return execution_talk(x, place, msg);
	promote = a->promote ? promote_for_now(x, place) : -1;
	r = execution_gone_is_fine(x, execution_talk(x, place, msg));
	if (promote == 0 && execution_enter(x, place) == 0)
		(void)netns_sysctl_write(PROMOTE, "0", NULL);
	return r;
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
	case ACTION_ADDRESS_REMOVE: return execute_address(x, place, a);
	case ACTION_SYSCTL_SET: return execute_sysctl(x, place, a->name, a->value);
	case ACTION_RESOLV_WRITE: return netns_resolv_write(x->t->plan->name, a->name, x->err);
	case ACTION_RESOLV_REMOVE:
		return execution_gone_is_fine(x, netns_resolv_remove(x->t->plan->name, x->err));
	case ACTION_ROUTE_ADD:
	case ACTION_ROUTE_CHANGE:
	case ACTION_NEIGHBOR_ADD:
	case ACTION_RULE_ADD: return execute_route(x, a);
	case ACTION_ROUTE_REMOVE:
	case ACTION_NEIGHBOR_REMOVE:
	case ACTION_RULE_REMOVE: return execution_gone_is_fine(x, execute_route(x, a));
	case ACTION_LINK_REMOVE:
	case ACTION_LINKS_FLUSH:
	case ACTION_ALTNAME_REMOVE: return execution_gone_is_fine(x, execute_link(x, a));
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

/* What the kernel removes with it no undo of this action brings back: the links themselves; routes with the
 * last address of a link and with a link that goes down or changes its master; all of IPv6 with an MTU
 * below 1280. Comparing with what ran before does. */
static bool takes_along(const struct action *a)
{
	switch (a->type) {
	case ACTION_LINK_REMOVE:
	case ACTION_LINKS_FLUSH:
	case ACTION_LINK_TO_HOST:
	case ACTION_ADDRESS_REMOVE: return true;
	case ACTION_LINK_SET:
		return a->undo_in_part || (a->values.change & (LINK_CHANGE_DOWN | LINK_CHANGE_MASTER)) ||
		       ((a->values.change & LINK_CHANGE_MTU) && a->values.mtu < 1280);
	default: return false;
	}
}

int execute_action(struct execution *x, const struct action *a)
{
	int place = execution_place(x, a->place);
	int r = place < 0 ? place : do_action(x, a, place);

	if (r < 0 && has_to_wait(x, a, r)) {
		x->err->code = 0;
		return 0;
	}

	if (r == 0 && takes_along(a))
		x->t->destroyed = true;
	return r;
}
