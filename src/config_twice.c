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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where one of a pair was written. */
struct claim {
	struct conf_object *object;
	struct origin origin;
	const char *section, *key; /* in the loader's arena */
};

struct seen {
	struct claim claim;
	UT_hash_handle hh;
	size_t length;
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
	r = strcmp(a->object->name, b->object->name);
	if (r == 0 && a->origin.file != b->origin.file)
		r = strcmp(a->origin.file, b->origin.file);
	return r > 0 || (r == 0 && a->origin.line >= b->origin.line);
}

static void tell_twice(struct twice *t, const struct claim *a, const struct claim *b, const char *what)
{
	const struct claim *later = is_later(a, b) ? a : b, *first = later == a ? b : a;

	conf_error_at(t->c, later->object, later->origin.file, later->origin.line, later->section, later->key,
		      "%s, see %s:%u%s%s%s", what, first->origin.file, first->origin.line,
		      first->section ? " [" : "", first->section ?: "", first->section ? "]" : "");
}

/* One more; tells when the key was there already. */
static int claim(struct twice *t, const void *key, size_t length, const struct claim *by, const char *what)
{
	struct seen *s = NULL;

	HASH_FIND(hh, t->seen, key, length, s);
	if (s) {
		tell_twice(t, by, &s->claim, what);
		return 0;
	}
	s = arena_alloc(&t->arena, sizeof(*s) + length);
	if (!s)
		return -ENOMEM;
	s->claim = *by;
	s->length = length;
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

static const char *link_label(struct twice *t, const struct link *l)
{
	const struct link *declared = l->is_peer ? l->peer : l;
	_cleanup_free_ char *label = NULL;

	if (asprintf(&label, "%s %s", declared->kind->section, declared->full_name ?: declared->name) < 0) {
		label = NULL;
		return NULL;
	}
	return arena_strdup(&t->arena, label);
}

static int claim_names(struct twice *t, const struct netns *n)
{
	int r = 0;

	for (const struct link *l = n->links; r == 0 && l; l = l->next) {
		struct claim by = {conf_object_of(t->c, l->owner), l->origin, link_label(t, l),
				   l->is_peer ? "PeerName" : NULL};
		char what[320];

		if (!by.section)
			return -ENOMEM;
		snprintf(what, sizeof(what), "the name '%s' is taken twice in namespace %s", l->name,
			 n->name);
		r = claim(t, l->name, strlen(l->name), &by, what);
		by.key = l->is_peer ? "PeerName" : "AlternativeName";
		for (char **a = l->altnames; r == 0 && a && *a; a++) {
			/* The long form of a name that clashes is not worth a second line. */
			if (str_equal(*a, l->full_name) && netns_find_link(n, l->name) != l)
				continue;
			snprintf(what, sizeof(what), "the name '%s' is taken twice in namespace %s", *a,
				 n->name);
			r = claim(t, *a, strlen(*a), &by, what);
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

static int claim_addresses_of(struct twice *t, const struct link *l)
{
	struct claim by = {conf_object_of(t->c, l->owner), l->origin, link_label(t, l), NULL};
	int r = 0;

	if (!by.section)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < l->n_addresses; i++) {
		const struct address *a = &l->addresses[i];
		struct {
			struct netnsd_ip ip;
			char ifname[IFNAMSIZ];
		} key = {.ip = clean_ip(&a->prefix.ip)};
		char what[320], text[FORMAT_MAX];

		/* A link-local address is one of its link. */
		if (ip_is_link_local(&a->prefix.ip))
			memcpy(key.ifname, l->name, sizeof(key.ifname));
		by.origin = a->origin;
		by.key = l->is_peer ? "PeerAddress" : "Address";
		snprintf(what, sizeof(what), "the address %s is there twice in namespace %s",
			 format_ip(&a->prefix.ip, text), l->netns->name);
		r = claim(t, &key, sizeof(key), &by, what);
	}
	return r;
}

static int claim_addresses(struct twice *t, const struct netns *n)
{
	int r = 0;

	for (const struct link *l = n->links; r == 0 && l; l = l->next)
		r = claim_addresses_of(t, l);
	next_sort(t);
	return r;
}

/* --- routes, rules, neighbours
 * ------------------------------------------------------------------------------ */

static int claim_routes(struct twice *t, struct conf_object *o)
{
	const struct netns *n = o->netns;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_routes; i++) {
		const struct route *route = &n->routes[i];
		const struct claim by = {o, route->origin, route->label, NULL};
		/* What the kernel tells routes apart by; all bytes set, so memcmp() will do. */
		struct {
			struct netnsd_prefix destination, source;
			uint32_t table, metric;
		} key;
		char what[256], text[FORMAT_MAX];

		memset(&key, 0, sizeof(key));
		key.destination = route->destination;
		if (route->source.length > 0)
			key.source = route->source;
		key.table = route->table;
		key.metric = route->metric;
		if (route->family == AF_INET6 && key.metric == 0)
			key.metric = 1024;
		snprintf(
			what, sizeof(what),
			"two routes to %s in one table and with one metric; give one another Metric=, or use "
			"MultiPathRoute=",
			format_prefix(&route->destination, text));
		r = claim(t, &key, sizeof(key), &by, what);
	}
	next_sort(t);
	return r;
}

static int claim_rules(struct twice *t, struct conf_object *o)
{
	const struct netns *n = o->netns;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_rules; i++) {
		const struct claim by = {o, n->rules[i].origin, n->rules[i].label, NULL};
		_cleanup_free_ char *text = rule_to_string(&n->rules[i]);

		if (!text)
			return -ENOMEM;
		r = claim(t, text, strlen(text), &by, "the same rule is there twice");
	}
	next_sort(t);
	return r;
}

static int claim_neighbors(struct twice *t, struct conf_object *o)
{
	const struct netns *n = o->netns;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n_neighbors; i++) {
		const struct claim by = {o, n->neighbors[i].origin, n->neighbors[i].label, "Address"};
		struct {
			struct netnsd_ip ip;
			char ifname[IFNAMSIZ];
		} key = {.ip = clean_ip(&n->neighbors[i].address)};

		snprintf(key.ifname, sizeof(key.ifname), "%s", n->neighbors[i].ifname);
		r = claim(t, &key, sizeof(key), &by, "the same neighbour is there twice on this link");
	}
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
	for (size_t i = 0; r == 0 && i < c->n_objects; i++) {
		if (!c->objects[i]->netns)
			continue;
		r = claim_routes(&t, c->objects[i]);
		if (r == 0)
			r = claim_rules(&t, c->objects[i]);
		if (r == 0)
			r = claim_neighbors(&t, c->objects[i]);
	}
	next_sort(&t);
	return r;
}
