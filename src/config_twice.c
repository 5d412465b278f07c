/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may be there only once in a namespace: names of links, addresses, routes, rules and
 * neighbours. The later one is told, with the place of the first; a last good configuration
 * counts as later than what the files say now.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where one of a pair was written. What is only needed for a message is worked out then: nearly
 * all claims are the only ones. */
struct claim {
	struct conf_object *object;
	struct origin origin;
	const struct link *link; /* whose section it is; NULL: `section` says */
	const char *section, *key;
};

struct seen {
	struct claim claim;
	UT_hash_handle hh;
	char key[];
};

struct twice {
	struct conf_loader *c;
	struct arena arena;
	struct seen *seen; /* of one namespace and one sort */
};

static bool is_later(const struct claim *a, const struct claim *b)
{
	int r;

	if ((a->object->state == CONF_FALLBACK) != (b->object->state == CONF_FALLBACK))
		return a->object->state == CONF_FALLBACK;
	if ((a->object->state == CONF_RUNNING) != (b->object->state == CONF_RUNNING))
		return a->object->state == CONF_FILES;
	r = strcmp(a->object->name, b->object->name);
	if (r == 0 && a->origin.file != b->origin.file)
		r = strcmp(a->origin.file, b->origin.file);
	return r > 0 || (r == 0 && a->origin.line >= b->origin.line);
}

static const char *section_of(const struct claim *c, char *text, size_t size)
{
	const struct link *l = c->link;

	if (!l)
		return c->section;
	l = l->is_peer ? l->peer : l;
	(void)snprintf(text, size, "%s %s", l->kind->section, l->full_name ?: l->name);
	return text;
}

__attribute__((format(printf, 4, 5))) static void tell_twice(struct twice *t, const struct claim *a,
							     const struct claim *b, const char *format, ...)
{
	const struct claim *later = is_later(a, b) ? a : b, *first = later == a ? b : a;
	char what[320], section[192], other[192], place[512];
	const char *named = section_of(first, other, sizeof(other));
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	conf_error_at(t->c, later->object, later->origin.file, later->origin.line,
		      section_of(later, section, sizeof(section)), later->key, "%s, see %s%s%s%s", what,
		      conf_origin_to_string(&first->origin, place, sizeof(place)), named ? " [" : "",
		      named ?: "", named ? "]" : "");
}

/* One more; *ret_other is who was there first, or NULL. */
static int claim(struct twice *t, const void *key, size_t length, const struct claim *by,
		 const struct claim **ret_other)
{
	struct seen *s = NULL;

	HASH_FIND(hh, t->seen, key, length, s);
	*ret_other = s ? &s->claim : NULL;
	if (s)
		return 0;
	s = arena_alloc(&t->arena, sizeof(*s) + length);
	if (!s)
		return -ENOMEM;
	s->claim = *by;
	memcpy(s->key, key, length);
	HASH_ADD_KEYPTR(hh, t->seen, s->key, length, s);
	return s->hh.tbl ? 0 : -ENOMEM;
}

static void next_sort(struct twice *t)
{
	HASH_CLEAR(hh, t->seen);
	arena_free(&t->arena);
}

/* --- links and addresses ------------------------------------------------------------------------------- */

static int claim_name(struct twice *t, const struct link *l, const char *name, const char *key)
{
	const struct claim by = {.object = conf_object_of(t->c, l->owner),
				 .origin = l->origin,
				 .link = l,
				 .key = l->is_peer ? "PeerName" : key};
	const struct claim *other;
	int r = claim(t, name, strlen(name), &by, &other);

	if (r == 0 && other)
		tell_twice(t, &by, other, "the name '%s' is taken twice in namespace %s", name,
			   l->netns->name);
	return r;
}

static int claim_names(struct twice *t, const struct netns *n)
{
	int r = 0;

	for (const struct link *l = n->links; r == 0 && l; l = l->next) {
		r = claim_name(t, l, l->name, NULL);
		for (char **a = l->altnames; r == 0 && a && *a; a++) {
			/* The long form of a name that clashes is not worth a second line. */
			if (str_equal(*a, l->full_name) && netns_find_link(n, l->name) != l)
				continue;
			r = claim_name(t, l, *a, "AlternativeName");
		}
	}
	next_sort(t);
	return r;
}

/* A plugin may leave anything behind the four bytes of an IPv4 address. */
static struct netnsd_ip clean_ip(const struct netnsd_ip *ip)
{
	struct netnsd_ip clean = {.family = ip->family};

	memcpy(clean.bytes, ip->bytes, ip_length(ip->family));
	return clean;
}

static int claim_address(struct twice *t, const struct link *l, const struct address *a)
{
	const struct claim by = {.object = conf_object_of(t->c, l->owner),
				 .origin = a->origin,
				 .link = l,
				 .key = l->is_peer ? "PeerAddress" : "Address"};
	struct {
		struct netnsd_ip ip;
		char ifname[IFNAMSIZ];
	} key = {.ip = clean_ip(&a->prefix.ip)};
	const struct claim *other;
	char text[FORMAT_MAX];
	int r;

	/* A link-local address is one of its link. */
	if (ip_is_link_local(&a->prefix.ip))
		(void)snprintf(key.ifname, sizeof(key.ifname), "%s", l->name);
	r = claim(t, &key, sizeof(key), &by, &other);
	if (r == 0 && other)
		tell_twice(t, &by, other, "the address %s is there twice in namespace %s",
			   format_ip(&a->prefix.ip, text), l->netns->name);
	return r;
}

static int claim_addresses(struct twice *t, const struct netns *n)
{
	int r = 0;

	for (const struct link *l = n->links; r == 0 && l; l = l->next)
		for (size_t i = 0; r == 0 && i < l->n_addresses; i++)
			r = claim_address(t, l, &l->addresses[i]);
	next_sort(t);
	return r;
}

/* --- routes, rules, neighbours
 * ------------------------------------------------------------------------------ */

/* What the kernel tells routes apart by. */
struct route_key {
	struct netnsd_prefix destination, source;
	uint32_t table, metric;
};

static int claim_route(struct twice *t, struct conf_object *o, const struct route *route)
{
	const struct claim by = {.object = o, .origin = route->origin, .section = route->label}, *other;
	struct route_key key;
	char text[FORMAT_MAX];
	int r;

	memset(&key, 0, sizeof(key)); /* the padding too: it is hashed */
	key.destination = route->destination;
	if (route->source.length > 0)
		key.source = route->source;
	key.table = route->table;
	key.metric = route->metric;
	if (route->family == AF_INET6 && key.metric == 0)
		key.metric = 1024;
	r = claim(t, &key, sizeof(key), &by, &other);
	if (r == 0 && other)
		tell_twice(
			t, &by, other,
			"two routes to %s in one table and with one metric; give one another Metric=, or use "
			"MultiPathRoute=",
			format_prefix(&route->destination, text));
	return r;
}

static int claim_rule(struct twice *t, struct conf_object *o, const struct rule *rule)
{
	const struct claim by = {.object = o, .origin = rule->origin, .section = rule->label}, *other;
	_cleanup_free_ char *text = rule_to_string(rule);
	int r;

	if (!text)
		return -ENOMEM;
	r = claim(t, text, strlen(text), &by, &other);
	if (r == 0 && other)
		tell_twice(t, &by, other, "the same rule is there twice");
	return r;
}

static int claim_neighbor(struct twice *t, struct conf_object *o, const struct neighbor *n)
{
	const struct claim by = {.object = o, .origin = n->origin, .section = n->label, .key = "Address"},
			   *other;
	struct {
		struct netnsd_ip ip;
		char ifname[IFNAMSIZ];
	} key = {.ip = clean_ip(&n->address)};
	int r;

	(void)snprintf(key.ifname, sizeof(key.ifname), "%s", n->ifname);
	r = claim(t, &key, sizeof(key), &by, &other);
	if (r == 0 && other)
		tell_twice(t, &by, other, "the same neighbour is there twice on this link");
	return r;
}

static int claim_rest(struct twice *t, struct conf_object *o)
{
	const struct netns *n = o->netns;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_routes; i++)
		r = claim_route(t, o, &n->routes[i]);
	next_sort(t);
	for (size_t i = 0; r == 0 && i < n->n_rules; i++)
		r = claim_rule(t, o, &n->rules[i]);
	next_sort(t);
	for (size_t i = 0; r == 0 && i < n->n_neighbors; i++)
		r = claim_neighbor(t, o, &n->neighbors[i]);
	next_sort(t);
	return r;
}

int conf_verify_twice(struct conf_loader *c)
{
	struct twice t = {.c = c};
	int r = 0;

	for (const struct netns *n = c->desired->namespaces; r == 0 && n; n = n->hh.next) {
		r = claim_names(&t, n);
		if (r == 0)
			r = claim_addresses(&t, n);
	}
	for (size_t i = 0; r == 0 && i < c->n_objects; i++)
		if (c->objects[i]->netns)
			r = claim_rest(&t, c->objects[i]);
	next_sort(&t);
	return r;
}
