/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contradictions between objects that are each good on their own: masters and parents that are
 * not there or run in a circle, bridges with too many ports, sizes that do not fit.
 *
 * A file that has errors already is not told what it lacks: the missing link may be the one whose
 * section was bad.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which section a link came from ----------------------------------------------------------------------
 */

struct spot {
	struct conf_object *object;
	const struct conf_section *section;
};

/* The object and section that declare a link, be it the one end or the other. */
static struct spot spot_of(const struct conf_loader *c, const struct link *l)
{
	const struct link *declared = l->is_peer ? l->peer : l;
	struct conf_object *o = conf_object_of(c, l->owner);
	struct conf_section *s = NULL;
	_cleanup_free_ char *label = NULL;

	if (o &&
	    asprintf(&label, "%s %s", declared->kind->section, declared->full_name ?: declared->name) < 0)
		label = NULL;
	if (label)
		HASH_FIND_STR(o->by_label, label, s);
	return (struct spot){o, s};
}

static void tell(struct conf_loader *c, const struct link *l, const char *key, bool warning,
		 const char *message)
{
	struct spot at = spot_of(c, l);
	const struct conf_assign *a = at.section && key ? conf_find_assign(at.section, key) : NULL;

	if (!at.object)
		return;
	if (warning)
		conf_warning(c, at.object, at.section, a, "%s", message);
	else
		conf_error(c, at.object, at.section, a, "%s", message);
}

static bool is_tainted(const struct conf_loader *c, const struct netns *n)
{
	const struct conf_object *o = conf_object_of(c, n);

	return o && o->tainted;
}

/* --- masters and parents
 * -------------------------------------------------------------------------------------- */

static void hint_link(const struct netns *n, const char *name, char *text, size_t size)
{
	const char *names[200] = {NULL};
	size_t i = 0;

	for (const struct link *l = n->links; l && i < 199; l = l->next)
		names[i++] = l->name;
	(void)conf_hint(name, names, text, size);
}

static void missing_master(struct conf_loader *c, const struct link *l)
{
	char message[512], hint[160];

	if (is_tainted(c, l->netns) || is_tainted(c, l->owner))
		return;
	if (l->netns->host || l->netns->adopt) {
		snprintf(message, sizeof(message), "the link '%s' is not declared; expected to exist %s%s",
			 l->master, l->netns->host ? "on the host" : "in the adopted namespace ",
			 l->netns->host ? "" : l->netns->name);
		tell(c, l, l->master_key, true, message);
		return;
	}
	hint_link(l->netns, l->master, hint, sizeof(hint));
	snprintf(message, sizeof(message), "no link '%s' is declared in namespace %s%s", l->master,
		 l->netns->name, hint);
	tell(c, l, l->master_key, false, message);
}

static void check_master(struct conf_loader *c, const struct link *l)
{
	const struct link *master = netns_find_link(l->netns, l->master);
	char message[512];

	if (!master) {
		missing_master(c, l);
		return;
	}
	if (master->is_peer || !(master->kind->flags & NETNSD_KIND_MASTER))
		snprintf(message, sizeof(message), "'%s' is a %s, which takes no ports", l->master,
			 master->kind->name);
	else if (str_equal(l->master_key, "VRF") && !str_equal(master->kind->name, "vrf"))
		snprintf(message, sizeof(message), "'%s' is a %s, not a VRF", l->master, master->kind->name);
	else if (!str_equal(l->master_key, "VRF") && str_equal(master->kind->name, "vrf"))
		snprintf(message, sizeof(message), "'%s' is a VRF; write VRF=%s", l->master, l->master);
	else if (!l->is_peer && master != l && master->kind == l->kind)
		snprintf(message, sizeof(message), "a %s cannot be a port of a %s", l->kind->name,
			 l->kind->name);
	else
		return;
	tell(c, l, l->master_key, false, message);
}

/* A link of the same file wins over one of the host. Not itself: [MACVLAN eth0] on the host's eth0. */
static const struct link *own_parent(const struct link *l)
{
	const struct link *parent = netns_find_link(l->netns, l->parent);

	if (!parent || parent->owner != l->owner || (parent == l && !l->netns->host))
		return NULL;
	return parent;
}

static void check_parent(struct conf_loader *c, struct link *l)
{
	const struct netns *host = c->desired->host;
	char message[256];

	if (own_parent(l))
		return;
	l->parent_on_host = !l->netns->host;
	if (netns_find_link(host, l->parent) || str_equal(l->parent, "lo") || is_tainted(c, host) ||
	    is_tainted(c, l->owner))
		return;
	snprintf(message, sizeof(message), "the link '%s' is not declared; expected to exist on the host",
		 l->parent);
	tell(c, l, "Parent", true, message);
}

/* --- Link= of routes and neighbours
 * ---------------------------------------------------------------------------- */

/* Where a route or neighbour was written; "Veth eth0 Gateway" is a key of the link's own section. */
static void tell_label(struct conf_loader *c, struct conf_object *o, const struct origin *origin,
		       const char *label, const char *key, const char *message)
{
	_cleanup_free_ char *section = strdup(label);

	if (section && !str_starts_with(label, "Route ") && str_ends_with(label, " Gateway")) {
		section[strlen(label) - strlen(" Gateway")] = '\0';
		key = "Gateway";
	}
	conf_error_at(c, o, origin->file, origin->line, section, key, "%s", message);
}

static void check_link_name(struct conf_loader *c, struct conf_object *o, const char *ifname,
			    const struct origin *origin, const char *label, const char *key)
{
	const struct netns *n = o->netns;
	char message[512], hint[160];

	if (!ifname[0] || n->host || n->adopt || o->tainted || str_equal(ifname, "lo") ||
	    netns_find_link(n, ifname))
		return;
	hint_link(n, ifname, hint, sizeof(hint));
	snprintf(message, sizeof(message), "no link '%s' is declared in namespace %s%s", ifname, n->name,
		 hint);
	tell_label(c, o, origin, label, key, message);
}

static void check_link_names(struct conf_loader *c, struct conf_object *o)
{
	const struct netns *n = o->netns;

	for (size_t i = 0; i < n->n_routes; i++) {
		const struct route *r = &n->routes[i];

		check_link_name(c, o, r->ifname, &r->origin, r->label, "Link");
		for (size_t k = 0; k < r->n_nexthops; k++)
			check_link_name(c, o, r->nexthops[k].ifname, &r->origin, r->label, "MultiPathRoute");
	}
	for (size_t i = 0; i < n->n_neighbors; i++)
		check_link_name(c, o, n->neighbors[i].ifname, &n->neighbors[i].origin, n->neighbors[i].label,
				"Link");
}

int conf_verify_references(struct conf_loader *c)
{
	for (struct netns *n = c->desired->namespaces; n; n = n->hh.next)
		for (struct link *l = n->links; l; l = l->next) {
			if (l->master[0])
				check_master(c, l);
			if (l->parent[0])
				check_parent(c, l);
		}
	for (size_t i = 0; i < c->n_objects; i++)
		if (c->objects[i]->netns)
			check_link_names(c, c->objects[i]);
	return 0;
}

/* --- circles
 * ------------------------------------------------------------------------------------------------------- */

/* What a link stands on: its master and its parent, where they are declared. */
static const struct link *below(const struct conf_loader *c, const struct link *l, unsigned which)
{
	if (which == 0)
		return l->master[0] ? netns_find_link(l->netns, l->master) : NULL;
	if (!l->parent[0])
		return NULL;
	return l->parent_on_host ? netns_find_link(c->desired->host, l->parent) : own_parent(l);
}

struct mark {
	const struct link *link;
	enum { MARK_OPEN = 1, MARK_DONE } state;
	UT_hash_handle hh;
};

struct circles {
	struct conf_loader *c;
	struct mark *marks, *by_link;
	size_t n;
	/* The way down from where the search began; a chain cannot be longer than there are links. */
	struct step {
		struct mark *mark;
		unsigned next;
	} * stack;
	size_t depth;
};

static void tell_circle(struct circles *s, const struct link *first)
{
	struct strbuf way = {0};
	char message[480];
	size_t i = s->depth;

	while (i > 0 && s->stack[i - 1].mark->link != first)
		i--;
	for (i = i ? i - 1 : 0; i < s->depth; i++)
		strbuf_printf(&way, "%s on ", s->stack[i].mark->link->name);
	strbuf_puts(&way, first->name);
	snprintf(message, sizeof(message), "masters and parents run in a circle: %.400s", way.data ?: "");
	tell(s->c, first, first->parent[0] ? "Parent" : first->master_key, false, message);
	strbuf_free(&way);
}

static void walk(struct circles *s, struct mark *start)
{
	s->depth = 0;
	start->state = MARK_OPEN;
	s->stack[s->depth++] = (struct step){start, 0};
	while (s->depth > 0) {
		struct step *top = &s->stack[s->depth - 1];
		const struct link *l;
		struct mark *m = NULL;

		if (top->next == 2) {
			top->mark->state = MARK_DONE;
			s->depth--;
			continue;
		}
		l = below(s->c, top->mark->link, top->next++);
		if (l)
			HASH_FIND_PTR(s->by_link, &l, m);
		if (m && m->state == MARK_OPEN)
			tell_circle(s, l);
		else if (m && m->state == 0) {
			m->state = MARK_OPEN;
			s->stack[s->depth++] = (struct step){m, 0};
		}
	}
}

/* Only links that stand on another can be part of one. */
static int check_circles(struct conf_loader *c)
{
	struct circles s = {.c = c};
	size_t n = 0;
	int r = 0;

	for (const struct netns *ns = c->desired->namespaces; ns; ns = ns->hh.next)
		n += ns->n_links;
	s.marks = calloc(n + 1, sizeof(*s.marks));
	s.stack = calloc(n + 1, sizeof(*s.stack));
	if (!s.marks || !s.stack)
		r = -ENOMEM;
	for (const struct netns *ns = c->desired->namespaces; r == 0 && ns; ns = ns->hh.next)
		for (const struct link *l = ns->links; r == 0 && l; l = l->next) {
			struct mark *m = &s.marks[s.n];

			if (!l->master[0] && !l->parent[0])
				continue;
			m->link = l;
			HASH_ADD_PTR(s.by_link, link, m);
			r = m->hh.tbl ? 0 : -ENOMEM;
			s.n += r == 0;
		}
	for (size_t i = 0; r == 0 && i < s.n; i++)
		if (s.marks[i].state == 0)
			walk(&s, &s.marks[i]);
	HASH_CLEAR(hh, s.by_link);
	free(s.marks);
	free(s.stack);
	return r;
}

/* --- sizes
 * ------------------------------------------------------------------------------------------------------------
 */

/* "1,023" */
static const char *group_digits(uint32_t number, char text[16])
{
	if (number < 1000)
		snprintf(text, 16, "%u", number);
	else
		snprintf(text, 16, "%u,%03u", number / 1000, number % 1000);
	return text;
}

struct port_count {
	char master[IFNAMSIZ];
	uint32_t ports;
	UT_hash_handle hh;
};

/* Also of a bridge that nobody declares: that it is one says the key. */
static uint32_t port_limit(const struct conf_loader *c, const struct link *l, const char **ret_kind)
{
	const struct link *master = netns_find_link(l->netns, l->master);
	const struct link_kind *kind = master ? master->kind : NULL;

	if (!master && !str_equal(l->master_key, "VRF"))
		kind = registry_kind_by_name(c->registry, "bridge");
	*ret_kind = kind ? kind->name : "";
	return kind && kind->max_ports ? kind->max_ports : UINT32_MAX;
}

static int count_port(struct conf_loader *c, const struct link *l, struct port_count **counts)
{
	struct port_count *p = NULL;
	char message[256], number[16];
	const char *kind;
	uint32_t limit = port_limit(c, l, &kind);

	HASH_FIND_STR(*counts, l->master, p);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		memcpy(p->master, l->master, sizeof(p->master));
		HASH_ADD_STR(*counts, master, p);
		if (!p->hh.tbl) {
			free(p);
			return -ENOMEM;
		}
	}
	if (++p->ports <= limit)
		return 0;
	snprintf(message, sizeof(message), "a %s takes at most %s ports, and this is number %u of '%s'", kind,
		 group_digits(limit, number), p->ports, l->master);
	tell(c, l, l->master_key, false, message);
	return 0;
}

static int check_ports(struct conf_loader *c, const struct netns *n)
{
	struct port_count *counts = NULL, *p, *next;
	int r = 0;

	for (const struct link *l = n->links; r == 0 && l; l = l->next)
		if (l->master[0])
			r = count_port(c, l, &counts);
	HASH_ITER (hh, counts, p, next) {
		HASH_DEL(counts, p);
		free(p);
	}
	return r;
}

static void check_mtu(struct conf_loader *c, const struct netns *n)
{
	for (const struct link *l = n->links; l; l = l->next) {
		if (!l->mtu_set || l->mtu >= 1280)
			continue;
		for (size_t i = 0; i < l->n_addresses; i++)
			if (l->addresses[i].prefix.ip.family == AF_INET6) {
				tell(c, l, l->is_peer ? "PeerMTUBytes" : "MTUBytes", false,
				     "a link with IPv6 addresses needs an MTU of at least 1280 bytes");
				break;
			}
	}
}

int conf_verify(struct conf_loader *c)
{
	int r = conf_verify_references(c);

	if (r == 0)
		r = check_circles(c);
	for (const struct netns *n = c->desired->namespaces; r == 0 && n; n = n->hh.next) {
		r = check_ports(c, n);
		check_mtu(c, n);
	}
	if (r == 0)
		r = conf_verify_twice(c);
	if (r == 0)
		r = conf_verify_routes(c);
	return r < 0 ? r : conf_verify_containers(c);
}
