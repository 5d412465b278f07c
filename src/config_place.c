/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one file puts into the namespace of another: peer ends of pairs, and addresses out of pools
 * that all files share.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- peers ---------------------------------------------------------------------------------------------- */

/* "ns-lab" for its eth0, "ns-lab-eth1" for others. */
static char *default_peer_name(const struct link *l)
{
	const char *wanted = l->full_name ?: l->name;
	char *name;
	int r;

	if (str_equal(wanted, "eth0"))
		r = asprintf(&name, "ns-%s", l->netns->name);
	else
		r = asprintf(&name, "ns-%s-%s", l->netns->name, wanted);
	return r < 0 ? NULL : name;
}

struct netns *conf_named_netns(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
			       const struct conf_assign *a, const char *name)
{
	struct netns *n = name ? desired_find(c->desired, name) : c->desired->host;
	const struct conf_object *other;
	const char *names[200] = {NULL};
	char hint[280];
	size_t k = 0;

	if (n)
		return n;
	if (str_equal(name, HOST_DEFAULT_NAME))
		return c->desired->host;
	other = conf_find_object(c, CONF_NETNS, name);
	if (conf_is_out(other)) {
		conf_error(c, o, s, a, "the namespace '%s' cannot be used: %s", name, conf_why_out(other));
		return NULL;
	}
	for (size_t i = 0; i < c->n_objects && k < 199; i++)
		if (c->objects[i]->type == CONF_NETNS)
			names[k++] = c->objects[i]->name;
	conf_error(c, o, s, a, "nobody declares the namespace '%s'%s", name,
		   conf_hint(name, names, hint, sizeof(hint)));
	return NULL;
}

static int fill_peer(struct conf_loader *c, struct conf_object *o, const struct conf_link *l,
		     struct link *peer)
{
	struct conf_reader r = {.c = c, .o = o, .s = l->section};
	const struct conf_table set = {.keys = conf_peer_keys, .set = l->peer_set};
	const struct link_values *v = l->values;
	int e = 0;

	peer->origin = l->link->origin;
	peer->mac_set = conf_has(&set, "PeerMACAddress");
	peer->mac = v->peer_mac;
	peer->mtu_set = conf_has(&set, "PeerMTUBytes");
	peer->mtu = v->peer_mtu;
	peer->activation = l->link->activation;
	if (v->peer_bridge &&
	    conf_ifname(&r, conf_find_assign(l->section, "PeerBridge"), v->peer_bridge, peer->master)) {
		peer->master_key = "PeerBridge";
		peer->link_local = LINK_LOCAL_NO;
	}
	for (const struct conf_address *a = l->peer_addresses; e == 0 && a; a = a->next)
		e = conf_add_address(c, o, l->section, a->assign, peer, &a->prefix);
	return e;
}

static int place_peer(struct conf_loader *c, struct conf_object *o, const struct conf_link *l)
{
	_cleanup_free_ char *generated = NULL;
	const char *name = l->values->peer_name;
	struct netns *where = conf_named_netns(
		c, o, l->section, conf_find_assign(l->section, "PeerNamespace"), l->values->peer_namespace);
	struct link *peer;
	int r;

	if (!where)
		return 0;
	if (name && (!conf_link_name_is_valid(name) || str_equal(name, "lo"))) {
		conf_error(
			c, o, l->section, conf_find_assign(l->section, "PeerName"),
			"expected a name for a link, 1 to %d characters without '/', ':', '%%' and blanks, "
			"not \"%.48s\"",
			CONF_NAME_MAX, name);
		return 0;
	}
	if (!name) {
		name = generated = default_peer_name(l->link);
		if (!name)
			return -ENOMEM;
	}
	r = link_new_peer(l->link, where, name, &peer);
	return r < 0 ? r : fill_peer(c, o, l, peer);
}

int conf_place_peers(struct conf_loader *c)
{
	for (size_t i = 0; i < c->n_objects; i++)
		for (const struct conf_link *l = c->objects[i]->links; l; l = l->next) {
			int r;

			if (!(l->link->kind->flags & NETNSD_KIND_PAIR))
				continue;
			r = place_peer(c, c->objects[i], l);
			if (r < 0)
				return r;
		}
	return 0;
}

/* --- pools ------------------------------------------------------------------------------------------------
 */

struct wish {
	struct conf_object *object;
	const struct conf_pool *pool;
};

struct pools {
	struct conf_loader *c;
	struct wish *wishes; /* by namespace, then link, then line */
	struct netnsd_address_request *requests;
	size_t n;
	struct netnsd_ip *taken;
	size_t n_taken;
};

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	int r = strcmp(x->object->name, y->object->name);

	if (r == 0)
		r = strcmp(x->pool->link->name, y->pool->link->name);
	if (r == 0)
		r = (x->pool->assign->line > y->pool->assign->line) -
		    (x->pool->assign->line < y->pool->assign->line);
	return r;
}

static int take(struct pools *p, const struct netnsd_ip *ip)
{
	struct netnsd_ip *grown;

	if (ip->family == AF_UNSPEC)
		return 0;
	grown = conf_grow(p->taken, p->n_taken, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->taken = grown;
	grown[p->n_taken++] = *ip;
	return 0;
}

/* Besides declared addresses those of gateways and name servers: somebody has them. */
static int take_namespace(struct pools *p, const struct netns *n)
{
	struct netnsd_ip ip;
	int r = 0;

	for (const struct link *l = n->links; l; l = l->next)
		for (size_t i = 0; r == 0 && i < l->n_addresses; i++) {
			r = take(p, &l->addresses[i].prefix.ip);
			if (r == 0)
				r = take(p, &l->addresses[i].peer);
		}
	for (size_t i = 0; r == 0 && i < n->n_routes; i++) {
		r = take(p, &n->routes[i].gateway);
		for (size_t k = 0; r == 0 && k < n->routes[i].n_nexthops; k++)
			r = take(p, &n->routes[i].nexthops[k].gateway);
	}
	for (char **d = n->dns; r == 0 && d && *d; d++)
		if (parse_ip(*d, &ip) == 0)
			r = take(p, &ip);
	return r;
}

static int collect_wishes(struct pools *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->c->n_objects; i++)
		for (const struct conf_pool *w = p->c->objects[i]->pools; w; w = w->next)
			n++;
	if (n == 0)
		return 0;
	p->wishes = calloc(n, sizeof(*p->wishes));
	p->requests = calloc(n, sizeof(*p->requests));
	if (!p->wishes || !p->requests)
		return -ENOMEM;
	for (size_t i = 0; i < p->c->n_objects; i++)
		for (const struct conf_pool *w = p->c->objects[i]->pools; w; w = w->next)
			p->wishes[p->n++] = (struct wish){p->c->objects[i], w};
	qsort(p->wishes, p->n, sizeof(*p->wishes), compare_wishes);
	return 0;
}

static void make_request(const struct pools *p, const struct wish *w, struct netnsd_address_request *ret)
{
	const struct config_request *request = p->c->request;

	*ret = (struct netnsd_address_request){
		.netns = w->object->name, .ifname = w->pool->link->name, .pool = w->pool->prefix};
	if (!request->before ||
	    !request->before(ret->netns, ret->ifname, &ret->pool, &ret->before, request->before_data))
		ret->before = (struct netnsd_prefix){.length = 0};
}

/* The wishes of one source, and of one pool unless NULL, into p->requests. */
static size_t select_wishes(struct pools *p, const struct address_source *source,
			    const struct netnsd_prefix *pool, const struct wish **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct conf_pool *w = p->wishes[i].pool;

		if (w->source != source || (pool && !prefix_equal(&w->prefix, pool)))
			continue;
		make_request(p, &p->wishes[i], &p->requests[n]);
		ret[n++] = &p->wishes[i];
	}
	return n;
}

static int run_source(const struct pools *p, const struct address_source *source, size_t n,
		      struct netnsd_error *err)
{
	return source->assign(p->requests, n, p->taken, p->n_taken, err);
}

static void complain(struct pools *p, const struct wish *w, struct netnsd_error *err)
{
	char text[FORMAT_MAX];

	err->text[sizeof(err->text) - 1] = '\0';
	conf_error(p->c, w->object, w->pool->section, w->pool->assign,
		   "no address for the link '%s' in %s: %s", w->pool->link->name,
		   format_prefix(&w->pool->prefix, text), err->text[0] ? err->text : "the pool is exhausted");
}

/* The source refused the whole; find out which pool is to blame by asking for one at a time. */
static void blame_pools(struct pools *p, const struct address_source *source, struct netnsd_error *err,
			const struct wish **chosen)
{
	bool found = false;

	for (size_t i = 0; i < p->n; i++) {
		const struct netnsd_prefix *pool = &p->wishes[i].pool->prefix;
		struct netnsd_error one = {""};
		bool seen = p->wishes[i].pool->source != source;
		size_t n;

		for (size_t k = 0; k < i && !seen; k++)
			seen = p->wishes[k].pool->source == source &&
			       prefix_equal(&p->wishes[k].pool->prefix, pool);
		if (seen)
			continue;
		n = select_wishes(p, source, pool, chosen);
		if (run_source(p, source, n, &one) == 0)
			continue;
		found = true;
		for (size_t k = 0; k < n; k++)
			complain(p, chosen[k], &one);
	}
	for (size_t i = 0; !found && i < p->n; i++) /* pools that overlap */
		if (p->wishes[i].pool->source == source)
			complain(p, &p->wishes[i], err);
}

static int assign_source(struct pools *p, const struct address_source *source)
{
	_cleanup_free_ const struct wish **chosen = calloc(p->n, sizeof(*chosen));
	struct netnsd_error err = {""};
	size_t n;
	int r;

	if (!chosen)
		return -ENOMEM;
	n = select_wishes(p, source, NULL, chosen);
	if (n == 0)
		return 0;
	r = run_source(p, source, n, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		blame_pools(p, source, &err, chosen);
		return 0;
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct conf_pool *w = chosen[i]->pool;
		const struct netnsd_prefix *result = &p->requests[i].result;

		if (result->ip.family == AF_UNSPEC)
			complain(p, chosen[i], &err);
		else
			r = conf_add_address(p->c, chosen[i]->object, w->section, w->assign, w->link, result);
		if (r == 0)
			r = take(p, &result->ip); /* not for the next source either */
	}
	return r;
}

int conf_assign_pools(struct conf_loader *c)
{
	struct pools p = {.c = c};
	int r = collect_wishes(&p);

	for (const struct netns *n = c->desired->namespaces; r == 0 && p.n > 0 && n; n = n->hh.next)
		r = take_namespace(&p, n);
	for (size_t i = 0; r == 0 && p.n > 0 && i < c->registry->n_sources; i++)
		if (c->registry->sources[i]->assign)
			r = assign_source(&p, c->registry->sources[i]);
	free(p.wishes);
	free(p.requests);
	free(p.taken);
	return r;
}
