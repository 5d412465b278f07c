/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the kernel what exists in one namespace: one socket, a dump for each table, and as much
 * filtering as possible in the kernel (our protocol, no statistics), because this runs for every
 * namespace at every apply.
 */
#include "actual.h"
#include "cleanup.h"
#include "netns.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

/* Nobody has a million links; a full routing table of the Internet is near to a million routes. */
#define OBJECTS_MAX ((size_t)1 << 20)

/* What a dump in progress knows. */
struct dump {
	struct actual *actual;
	unsigned what;
	char *const *links; /* names of those wanted; NULL: all */
};

/* Makes room for one more in a table. */
static int grow(void **items, size_t n, size_t size)
{
	size_t capacity;
	void *p;

	if (n > 0 && (n < 8 || (n & (n - 1)) != 0))
		return 0; /* capacity is 8, or the next power of two */
	if (n >= OBJECTS_MAX)
		return -E2BIG;
	capacity = n < 8 ? 8 : 2 * n;
	p = reallocarray(*items, capacity, size);
	if (!p)
		return -ENOMEM;
	*items = p;
	return 0;
}

#define GROW(items, n) grow((void **)&(items), (n), sizeof(*(items)))

/* Parsers say -ENOMSG for messages that are of no interest. */
static int skip(int e)
{
	return e == -ENOMSG ? 0 : e;
}

/* --- links --- */

static void begin_links(void *data)
{
	struct actual *a = ((struct dump *)data)->actual;

	for (size_t i = 0; i < a->n_links; i++)
		actual_link_clear(&a->links[i]);
	a->n_links = 0;
}

static int take_link(const struct nlmsghdr *h, void *data)
{
	struct actual *a = ((struct dump *)data)->actual;
	int e = GROW(a->links, a->n_links);

	if (e < 0)
		return e;
	e = actual_parse_link(h, &a->links[a->n_links]);
	a->n_links += e == 0;
	return skip(e);
}

static int compare_links(const void *a, const void *b)
{
	const struct actual_link *l = a, *r = b;

	return (l->ifindex > r->ifindex) - (l->ifindex < r->ifindex);
}

static void sort_links(struct actual *a)
{
	for (size_t i = 1; i < a->n_links; i++)
		if (a->links[i - 1].ifindex > a->links[i].ifindex) {
			/* Kernels before 6.9 dump in the order of a hash table. */
			qsort(a->links, a->n_links, sizeof(*a->links), compare_links);
			return;
		}
}

/* --- the rest --- */

static void begin_addresses(void *data)
{
	((struct dump *)data)->actual->n_addresses = 0;
}

static int take_address(const struct nlmsghdr *h, void *data)
{
	struct actual *a = ((struct dump *)data)->actual;
	int e = GROW(a->addresses, a->n_addresses);

	if (e < 0)
		return e;
	e = actual_parse_address(h, &a->addresses[a->n_addresses]);
	a->n_addresses += e == 0;
	return skip(e);
}

static void begin_routes(void *data)
{
	struct actual *a = ((struct dump *)data)->actual;

	for (size_t i = 0; i < a->n_routes; i++)
		actual_route_clear(&a->routes[i]);
	a->n_routes = 0;
}

static int take_route(const struct nlmsghdr *h, void *data)
{
	const struct dump *d = data;
	struct actual *a = d->actual;
	int e = GROW(a->routes, a->n_routes);

	if (e < 0)
		return e;
	e = actual_parse_route(h, &a->routes[a->n_routes]);
	if (e < 0)
		return skip(e);
	if (a->routes[a->n_routes].protocol != ROUTE_PROTOCOL && !(d->what & ACTUAL_FOREIGN_TOO))
		actual_route_clear(&a->routes[a->n_routes]); /* a kernel that does not filter */
	else
		a->n_routes++;
	return 0;
}

static void begin_rules(void *data)
{
	((struct dump *)data)->actual->n_rules = 0;
}

static int take_rule(const struct nlmsghdr *h, void *data)
{
	const struct dump *d = data;
	struct actual *a = d->actual;
	int e = GROW(a->rules, a->n_rules);

	if (e < 0)
		return e;
	e = actual_parse_rule(h, &a->rules[a->n_rules]);
	if (e == 0 && (a->rules[a->n_rules].protocol == ROUTE_PROTOCOL || d->what & ACTUAL_FOREIGN_TOO))
		a->n_rules++;
	return skip(e);
}

static void begin_neighbors(void *data)
{
	((struct dump *)data)->actual->n_neighbors = 0;
}

static int take_neighbor(const struct nlmsghdr *h, void *data)
{
	struct actual *a = ((struct dump *)data)->actual;
	int e = GROW(a->neighbors, a->n_neighbors);

	if (e < 0)
		return e;
	e = actual_parse_neighbor(h, &a->neighbors[a->n_neighbors]);
	if (e == 0 && a->neighbors[a->n_neighbors].protocol == ROUTE_PROTOCOL &&
	    a->neighbors[a->n_neighbors].state & NUD_PERMANENT)
		a->n_neighbors++;
	return skip(e);
}

/* --- names --- */

static void name_of(const struct actual *a, int ifindex, char ret[IFNAMSIZ])
{
	const struct actual_link *l = ifindex > 0 ? actual_link_by_index(a, ifindex) : NULL;

	if (l)
		memcpy(ret, l->name, IFNAMSIZ);
}

/* Puts names where messages have indices. */
static void resolve_names(struct actual *a)
{
	for (size_t i = 0; i < a->n_addresses; i++) {
		struct actual_address *address = &a->addresses[i];
		char name[IFNAMSIZ] = "";

		name_of(a, address->ifindex, name);
		if (strcmp(address->address.label, name) == 0)
			address->address.label[0] = '\0';
	}
	for (size_t i = 0; i < a->n_routes; i++) {
		struct actual_route *r = &a->routes[i];

		name_of(a, r->ifindex, r->route.ifname);
		for (size_t k = 0; k < r->route.n_nexthops; k++)
			name_of(a, r->nexthop_ifindex[k], r->route.nexthops[k].ifname);
	}
	for (size_t i = 0; i < a->n_neighbors; i++)
		name_of(a, a->neighbors[i].ifindex, a->neighbors[i].neighbor.ifname);
}

/* --- requests --- */

static int dump(struct rtnl *r, struct nl_msg *msg, void (*begin)(void *), rtnl_message_fn *fn,
		struct dump *d, const char *object, struct error *err)
{
	int e;

	if (!msg)
		return error_set(err, -ENOMEM, "Out of memory");
	e = rtnl_dump(r, msg, begin, fn, d, err);
	nlmsg_free(msg);
	return e < 0 ? error_prefix(err, e, "Cannot list %s", object) : 0;
}

static bool has_index(const struct actual *a, int ifindex)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (a->links[i].ifindex == ifindex)
			return true;
	return false;
}

/* One that was found by another of its names already is not taken twice. */
static int take_one_link(const struct nlmsghdr *h, void *data)
{
	struct actual *a = ((struct dump *)data)->actual;
	const int ifindex = nlmsg_datalen(h) < (int)sizeof(struct ifinfomsg)
				    ? 0
				    : ((const struct ifinfomsg *)nlmsg_data(h))->ifi_index;

	return has_index(a, ifindex) ? 0 : take_link(h, data);
}

/* By name, ordinary or alternative, or by index with name NULL. None there: nothing is added. */
static int get_link(struct rtnl *r, struct dump *d, const char *name, int ifindex, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	int e;

	if (!msg || (name && nla_put_string(msg, IFLA_ALT_IFNAME, name) < 0) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0) {
		nlmsg_free(msg);
		return error_set(err, -ENOMEM, "Out of memory");
	}
	e = rtnl_get(r, msg, take_one_link, d, err);
	nlmsg_free(msg);
	if (e == -ENODEV)
		return 0;
	return e < 0 ? error_prefix(err, e, "Cannot look at link %s", name ? name : "") : 0;
}

/* A dump of the host costs the square of the number of namespaces: for each far end of a pair the kernel
 * searches the list of their numbers. So whoever wants two links of a thousand asks for two. */
static int get_links(struct rtnl *r, struct dump *d, struct error *err)
{
	struct error ignored = {0}; /* "No such device" is an answer */
	int e = 0;

	for (char *const *s = d->links; *s && e == 0; s++)
		e = get_link(r, d, *s, 0, &ignored);
	for (size_t i = 0, n = d->actual->n_links; i < n && e == 0; i++) {
		int master = d->actual->links[i].master;

		if (master > 0 && !has_index(d->actual, master))
			e = get_link(r, d, NULL, master, &ignored);
	}
	if (e < 0 && err)
		*err = ignored;
	return e;
}

static int dump_links(struct rtnl *r, struct dump *d, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	const uint32_t mask = d->what & ACTUAL_STATISTICS ? 0 : RTEXT_FILTER_SKIP_STATS;

	if (msg && nla_put_u32(msg, IFLA_EXT_MASK, mask) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return dump(r, msg, begin_links, take_link, d, "links", err);
}

static int dump_addresses(struct rtnl *r, struct dump *d, struct error *err)
{
	const struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};

	return dump(r, rtnl_message(RTM_GETADDR, 0, &ifa, sizeof(ifa)), begin_addresses, take_address, d,
		    "addresses", err);
}

static int dump_routes(struct rtnl *r, struct dump *d, struct error *err)
{
	/* Table 0 is all of them. */
	const struct rtmsg rtm = {.rtm_family = AF_UNSPEC,
				  .rtm_protocol =
					  d->what & ACTUAL_FOREIGN_TOO ? RTPROT_UNSPEC : ROUTE_PROTOCOL};

	return dump(r, rtnl_message(RTM_GETROUTE, 0, &rtm, sizeof(rtm)), begin_routes, take_route, d,
		    "routes", err);
}

static int dump_rules(struct rtnl *r, struct dump *d, struct error *err)
{
	const struct fib_rule_hdr frh = {.family = AF_UNSPEC};
	int e = dump(r, rtnl_message(RTM_GETRULE, 0, &frh, sizeof(frh)), begin_rules, take_rule, d, "rules",
		     err);

	if (e == -EOPNOTSUPP) { /* a kernel without policy routing has none */
		begin_rules(d);
		return 0;
	}
	return e;
}

static int dump_neighbors(struct rtnl *r, struct dump *d, struct error *err)
{
	const struct ndmsg ndm = {.ndm_family = AF_UNSPEC};

	return dump(r, rtnl_message(RTM_GETNEIGH, 0, &ndm, sizeof(ndm)), begin_neighbors, take_neighbor, d,
		    "neighbours", err);
}

static int links_of(struct rtnl *r, struct dump *d, struct error *err)
{
	return d->links ? get_links(r, d, err) : dump_links(r, d, err);
}

int actual_dump(struct rtnl *r, unsigned what, struct actual **ret, struct error *err)
{
	return actual_dump_some(r, what, NULL, ret, err);
}

int actual_dump_some(struct rtnl *r, unsigned what, char *const *links, struct actual **ret,
		     struct error *err)
{
	static const struct {
		unsigned what;
		int (*dump)(struct rtnl *r, struct dump *d, struct error *err);
	} tables[] = {{ACTUAL_LINKS, links_of},
		      {ACTUAL_ADDRESSES, dump_addresses},
		      {ACTUAL_ROUTES, dump_routes},
		      {ACTUAL_RULES, dump_rules},
		      {ACTUAL_NEIGHBORS, dump_neighbors}};
	struct dump d = {.actual = calloc(1, sizeof(*d.actual)), .what = what, .links = links};

	if (!d.actual)
		return error_set(err, -ENOMEM, "Out of memory");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		int e = what & tables[i].what ? tables[i].dump(r, &d, err) : 0;

		if (e < 0) {
			actual_free(d.actual);
			return e;
		}
	}
	sort_links(d.actual);
	resolve_names(d.actual);
	*ret = d.actual;
	return 0;
}
