/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses of links: those of the link's own section, and [Address], for what needs more than one
 * line. The latter wait until all links are placed.
 */
#include "config_internal.h"

#include "key.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static int add_address(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		       const struct conf_assign *a, struct link *l, const struct address *address)
{
	struct address *grown;

	if (l->n_addresses >= CONF_ADDRESSES_MAX) {
		conf_error(c, o, s, a, "a link has at most %d addresses", CONF_ADDRESSES_MAX);
		return 0;
	}
	grown = conf_grow(l->addresses, l->n_addresses, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->addresses = grown;
	grown[l->n_addresses] = *address;
	return conf_origin(c, a->file, a->line, &grown[l->n_addresses++].origin);
}

int conf_add_address(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		     const struct conf_assign *a, struct link *l, const struct netnsd_prefix *prefix)
{
	struct address address = address_from_prefix(prefix);

	return add_address(c, o, s, a, l, &address);
}

struct address_values {
	char *link;
	struct netnsd_prefix peer;
	char *label;
	uint32_t metric, no_dad;
	struct address address; /* what the specials found */
	bool scope_set;
};

/* IPv4 conflict detection is a daemon's work that nobody here does. */
static const struct netnsd_enum_name dad_names[] = {{"ipv6", 0}, {"none", 1}, {NULL, 0}};

#define AT(field) offsetof(struct address_values, field)
static const struct conf_key address_keys[] = {
	{.name = "Link",
	 .type = NETNSD_KEY_STRING,
	 .offset = AT(link),
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "the link in this namespace that has the address"},
	{.name = "Peer", .type = NETNSD_KEY_PREFIX, .offset = AT(peer)},
	{.name = "Label", .type = NETNSD_KEY_STRING, .offset = AT(label)},
	{.name = "RouteMetric", .type = NETNSD_KEY_UINT, .offset = AT(metric)},
	{.name = "DuplicateAddressDetection",
	 .type = NETNSD_KEY_ENUM,
	 .offset = AT(no_dad),
	 .names = dad_names},
	{.name = NULL},
};
#undef AT

static int set_address(struct conf_reader *r, const struct conf_assign *a)
{
	struct address_values *v = r->data;

	if (a->value[0])
		(void)conf_address(r, a, &v->address.prefix);
	return 0;
}

static int set_address_scope(struct conf_reader *r, const struct conf_assign *a)
{
	struct address_values *v = r->data;

	v->scope_set = a->value[0] && conf_scope(r, a, &v->address.scope);
	return 0;
}

static int set_lifetime(struct conf_reader *r, const struct conf_assign *a)
{
	struct address_values *v = r->data;

	if (!a->value[0] || str_equal(a->value, "forever") || str_equal(a->value, "infinity"))
		v->address.preferred = UINT32_MAX;
	else if (str_equal(a->value, "0"))
		v->address.preferred = 0;
	else
		conf_error(r->c, r->o, r->s, a, "expected forever, infinity or 0, not \"%.32s\"", a->value);
	return 0;
}

static const struct conf_special address_specials[] = {{"Address", set_address},
						       {"Scope", set_address_scope},
						       {"PreferredLifetime", set_lifetime},
						       {NULL, NULL}};

static const struct conf_refusal address_refusals[] = {
	{"Broadcast", "Broadcast= is not part of this build; the kernel needs no broadcast address"},
	{"HomeAddress", "HomeAddress= is not part of this build"},
	{"ManageTemporaryAddress", "ManageTemporaryAddress= is not part of this build"},
	{"AddPrefixRoute", "AddPrefixRoute= is not part of this build"},
	{"AutoJoin", "AutoJoin= is not part of this build"},
	{NULL, NULL},
};

static void check_address(struct conf_reader *r, const struct address_values *v)
{
	const struct conf_assign *address = conf_find_assign(r->s, "Address");
	uint8_t family = v->address.prefix.ip.family;

	if (!address || !address->value[0])
		conf_error(r->c, r->o, r->s, NULL, "Address= is required: such as 10.0.0.2/24");
	if (family == AF_UNSPEC)
		return;
	if (v->peer.ip.family != AF_UNSPEC && v->peer.ip.family != family)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Peer"),
			   "Peer= and Address= must be of one family, both IPv4 or both IPv6");
	if (v->label && (strlen(v->label) >= IFNAMSIZ || strpbrk(v->label, " \t")))
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Label"),
			   "expected 1 to %d characters without blanks, not \"%.32s\"", IFNAMSIZ - 1,
			   v->label);
	else if (v->label && family != AF_INET)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Label"),
			   "only IPv4 addresses have labels");
	if (v->scope_set && family != AF_INET)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Scope"),
			   "the kernel chooses the scope of IPv6 addresses; remove the line");
}

static int add_loose(struct conf_reader *r, const struct address_values *v, const char *ifname)
{
	struct conf_loose_address *l = arena_alloc(&r->o->arena, sizeof(*l));
	struct address a = address_from_prefix(&v->address.prefix);

	if (!l)
		return -ENOMEM;
	if (v->scope_set)
		a.scope = v->address.scope;
	a.preferred = v->address.preferred;
	a.no_dad = v->no_dad;
	a.metric = v->metric;
	if (v->label)
		memcpy(a.label, v->label, strlen(v->label) + 1);
	/* The prefix length belongs to the peer's side: "Address=10.0.0.1/32, Peer=10.0.0.2/32". */
	if (v->peer.ip.family != AF_UNSPEC) {
		a.peer = v->peer.ip;
		a.prefix.length = v->peer.length;
	}
	*l = (struct conf_loose_address){.address = a, .section = r->s};
	memcpy(l->ifname, ifname, IFNAMSIZ);
	if (r->o->last_loose)
		r->o->last_loose->next = l;
	else
		r->o->loose = l;
	r->o->last_loose = l;
	return 0;
}

int conf_build_address(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	struct address_values v = {.address = {.preferred = UINT32_MAX}};
	struct conf_reader r = {.c = c,
				.o = o,
				.s = s,
				.tables = {{.keys = address_keys, .values = &v}},
				.n_tables = 1,
				.specials = address_specials,
				.refusals = address_refusals,
				.data = &v};
	size_t before = o->errors;
	char ifname[IFNAMSIZ] = "";
	int e = conf_read_section(&r);

	if (e == 0)
		check_address(&r, &v);
	if (v.link)
		(void)conf_ifname(&r, conf_find_assign(s, "Link"), v.link, ifname);
	if (e == 0 && o->errors == before)
		e = add_loose(&r, &v, ifname);
	key_table_free(address_keys, &v);
	return e;
}

int conf_place_loose(struct conf_loader *c)
{
	for (size_t i = 0; i < c->n_objects; i++) {
		struct conf_object *o = c->objects[i];

		for (const struct conf_loose_address *a = o->loose; a; a = a->next) {
			const struct conf_assign *where = conf_find_assign(a->section, "Link");
			struct link *l = netns_find_link(o->netns, a->ifname);
			int r;

			if (!l && o->tainted)
				continue;
			if (!l) {
				conf_error(c, o, a->section, where,
					   "no link '%s' is declared in this namespace; an [Address] needs a "
					   "link "
					   "that netnsd makes",
					   where->value);
				continue;
			}
			r = add_address(c, o, a->section, conf_find_assign(a->section, "Address"), l,
					&a->address);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
