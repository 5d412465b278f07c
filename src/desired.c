/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The desired tree: who owns what, and when two objects are the same.
 *
 * Everything here is plain memory. Lookups by name are hashed because a host of a thousand
 * namespaces has a thousand peer ends in one list.
 */
#include "desired.h"

#include "cleanup.h"
#include "desired_container.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct desired_string {
	UT_hash_handle hh;
	char text[];
};

int desired_new(struct desired **ret)
{
	struct desired *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->references = 1;
	*ret = d;
	return 0;
}

struct desired *desired_ref(struct desired *d)
{
	d->references++;
	return d;
}

static void netns_free(struct netns *n)
{
	if (!n)
		return;
	while (n->links)
		link_free(n->links);
	for (size_t i = 0; i < n->n_routes; i++)
		free(n->routes[i].nexthops);
	for (size_t i = 0; i < n->n_sysctls; i++) {
		free(n->sysctls[i].path);
		free(n->sysctls[i].value);
	}
	free(n->routes);
	free(n->rules);
	free(n->neighbors);
	free(n->sysctls);
	strv_free(n->dns);
	strv_free(n->domains);
	free(n->description);
	free(n->text);
	free(n->name);
	free(n);
}

void desired_unref(struct desired *d)
{
	struct desired_string *s, *next;

	if (!d || --d->references > 0)
		return;
	while (d->namespaces)
		desired_remove(d, d->namespaces);
	while (d->containers)
		desired_remove_container(d, d->containers);
	HASH_ITER (hh, d->strings, s, next) {
		HASH_DEL(d->strings, s);
		free(s);
	}
	free(d);
}

static int netns_compare(const struct netns *a, const struct netns *b)
{
	return strcmp(a->name, b->name);
}

/* The table iterates in order of insertion, which has to be the order of names. */
static void desired_keep_order(struct desired *d, const struct netns *added)
{
	const struct netns *before = added->hh.prev;

	if (before && strcmp(before->name, added->name) > 0)
		HASH_SRT(hh, d->namespaces, netns_compare);
}

int desired_add(struct desired *d, const char *name, struct netns **ret)
{
	struct netns *n;

	if (desired_find(d, name))
		return -EEXIST;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->name = strdup(name);
	if (!n->name) {
		free(n);
		return -ENOMEM;
	}
	n->autostart = n->loopback = true;
	HASH_ADD_KEYPTR(hh, d->namespaces, n->name, strlen(n->name), n);
	if (!n->hh.tbl) {
		netns_free(n);
		return -ENOMEM;
	}
	desired_keep_order(d, n);
	*ret = n;
	return 0;
}

struct netns *desired_find(const struct desired *d, const char *name)
{
	struct netns *n = NULL;

	HASH_FIND_STR(d->namespaces, name, n);
	return n;
}

void desired_remove(struct desired *d, struct netns *n)
{
	HASH_DEL(d->namespaces, n);
	if (d->host == n)
		d->host = NULL;
	netns_free(n);
}

const char *desired_intern(struct desired *d, const char *text)
{
	struct desired_string *s = NULL;
	size_t length = strlen(text);

	HASH_FIND(hh, d->strings, text, length, s);
	if (s)
		return s->text;
	s = calloc(1, sizeof(*s) + length + 1);
	if (!s)
		return NULL;
	memcpy(s->text, text, length + 1);
	HASH_ADD_KEYPTR(hh, d->strings, s->text, length, s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	return s->text;
}

/* --- links -------------------------------------------------------------------------------- */

static int link_set_name(struct link *l, const char *wanted)
{
	int r;

	ifname_shorten(wanted, l->name);
	if (str_equal(wanted, l->name))
		return 0;
	l->full_name = strdup(wanted);
	if (!l->full_name)
		return -ENOMEM;
	r = strv_push(&l->altnames, wanted);
	return r;
}

static int link_init_config(struct link *l)
{
	int r;

	l->config = calloc(1, l->kind->config_size ?: 1);
	if (!l->config)
		return -ENOMEM;
	if (!l->kind->init)
		return 0;
	r = l->kind->init(l->config);
	if (r < 0) {
		/* What a failed init() left behind is the plugin's to clean up. */
		free(l->config);
		l->config = NULL;
	}
	return r;
}

static int link_place(struct link *l)
{
	struct netns *n = l->netns;
	struct link *taken = NULL;

	HASH_FIND_STR(n->links_by_name, l->name, taken);
	if (!taken) {
		HASH_ADD_KEYPTR(hh, n->links_by_name, l->name, strlen(l->name), l);
		if (!l->hh.tbl)
			return -ENOMEM;
	}
	DL_APPEND(n->links, l);
	n->n_links++;
	return 0;
}

static int link_make(struct netns *placed, struct netns *owner, const struct link_kind *kind,
		     const char *wanted_name, bool peer, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->owner = owner;
	l->kind = kind;
	l->is_peer = peer;
	r = link_set_name(l, wanted_name);
	if (r == 0 && !peer)
		r = link_init_config(l);
	if (r == 0) {
		l->netns = placed;
		r = link_place(l);
		if (r < 0)
			l->netns = NULL;
	}
	if (r < 0) {
		link_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

int link_new(struct netns *placed, struct netns *owner, const struct link_kind *kind, const char *wanted_name,
	     struct link **ret)
{
	return link_make(placed, owner, kind, wanted_name, false, ret);
}

int link_new_peer(struct link *declaring, struct netns *placed, const char *wanted_name, struct link **ret)
{
	struct link *peer;
	int r;

	r = link_make(placed, declaring->owner, declaring->kind, wanted_name, true, &peer);
	if (r < 0)
		return r;
	peer->peer = declaring;
	declaring->peer = peer;
	*ret = peer;
	return 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	if (l->netns) {
		if (l->hh.tbl)
			HASH_DEL(l->netns->links_by_name, l);
		DL_DELETE(l->netns->links, l);
		l->netns->n_links--;
	}
	if (l->peer) {
		l->peer->peer = NULL;
		if (!l->is_peer)
			link_free(l->peer);
	}
	if (l->config) {
		key_table_free(l->kind->keys, l->config);
		if (l->kind->done)
			l->kind->done(l->config);
		free(l->config);
	}
	free(l->full_name);
	free(l->alias);
	strv_free(l->altnames);
	free(l->addresses);
	free(l);
}

struct link *netns_find_link(const struct netns *n, const char *name)
{
	char kernel_name[IFNAMSIZ];
	struct link *l = NULL;

	ifname_shorten(name, kernel_name);
	HASH_FIND_STR(n->links_by_name, kernel_name, l);
	if (l && (str_equal(l->name, name) || str_equal(l->full_name, name)))
		return l;
	return NULL;
}
