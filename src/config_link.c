/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sections of links: the keys that all kinds share, those of pairs, those of the kind itself, and
 * the addresses.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MIN	  68
#define MTU_MAX	  65535
#define ALIAS_MAX 255 /* IFALIASZ - 1 */

static const struct netnsd_enum_name activation_names[] = {
	{"up", ACTIVATION_UP},	       {"always-up", ACTIVATION_ALWAYS_UP},
	{"manual", ACTIVATION_MANUAL}, {"always-down", ACTIVATION_ALWAYS_DOWN},
	{"down", ACTIVATION_DOWN},     {NULL, 0},
};

#define AT(field) offsetof(struct link_values, field)
const struct conf_key conf_link_keys[] = {
	{.name = "MACAddress", .type = NETNSD_KEY_MAC, .offset = AT(mac)},
	{.name = "MTUBytes", .type = NETNSD_KEY_SIZE, .offset = AT(mtu), .min = MTU_MIN, .max = MTU_MAX},
	{.name = "Bridge", .type = NETNSD_KEY_STRING, .offset = AT(bridge)},
	{.name = "VRF", .type = NETNSD_KEY_STRING, .offset = AT(vrf)},
	{.name = "Alias", .type = NETNSD_KEY_STRING, .offset = AT(alias)},
	{.name = "AlternativeName", .type = NETNSD_KEY_STRV, .offset = AT(altnames)},
	{.name = "ActivationPolicy",
	 .type = NETNSD_KEY_ENUM,
	 .offset = AT(activation),
	 .names = activation_names},
	{.name = "IPv6AcceptRA", .type = NETNSD_KEY_BOOL, .offset = AT(accept_ra)},
	{.name = NULL},
};

const struct conf_key conf_parent_keys[] = {
	{.name = "Parent", .type = NETNSD_KEY_STRING, .offset = AT(parent)},
	{.name = NULL},
};

const struct conf_key conf_peer_keys[] = {
	{.name = "PeerName", .type = NETNSD_KEY_STRING, .offset = AT(peer_name)},
	{.name = "PeerNamespace", .type = NETNSD_KEY_STRING, .offset = AT(peer_namespace)},
	{.name = "PeerBridge", .type = NETNSD_KEY_STRING, .offset = AT(peer_bridge)},
	{.name = "PeerMACAddress", .type = NETNSD_KEY_MAC, .offset = AT(peer_mac)},
	{.name = "PeerMTUBytes",
	 .type = NETNSD_KEY_SIZE,
	 .offset = AT(peer_mtu),
	 .min = MTU_MIN,
	 .max = MTU_MAX},
	{.name = NULL},
};
#undef AT

/* Order of conf_reader.tables. */
enum { TABLE_LINK, TABLE_KIND, TABLE_PARENT, TABLE_PEER };

/* A gateway waits until the link is known to be good. */
struct gateway {
	struct gateway *next;
	struct netnsd_ip ip;
	const struct conf_assign *assign;
};

struct link_reading {
	struct conf_link *link;
	struct gateway *gateways, **last_gateway;
	struct conf_address **last_peer_address;
	/* Of the sources, in order; static ones have no source. */
	struct pending {
		struct pending *next;
		const struct address_source *source;
		struct netnsd_prefix prefix;
		const struct conf_assign *assign;
	} * addresses, **last_address;
};

/* --- keys of their own -------------------------------------------------------------------------------- */

static int set_gateway(struct conf_reader *r, const struct conf_assign *a)
{
	struct link_reading *l = r->data;
	struct gateway *g;
	struct netnsd_ip ip;

	if (!a->value[0]) {
		l->gateways = NULL;
		l->last_gateway = &l->gateways;
		return 0;
	}
	if (a->value[0] == '_') {
		conf_error(
			r->c, r->o, r->s, a,
			"expected an IP address: DHCP and router advertisements as a source of the gateway "
			"(\"%.32s\") are not part of this build",
			a->value);
		return 0;
	}
	if (!conf_ip(r, a, a->value, &ip))
		return 0;
	g = arena_alloc(&r->o->arena, sizeof(*g));
	if (!g)
		return -ENOMEM;
	*g = (struct gateway){.ip = ip, .assign = a};
	*l->last_gateway = g;
	l->last_gateway = &g->next;
	return 0;
}

static int set_link_local(struct conf_reader *r, const struct conf_assign *a)
{
	struct link_values *v = ((struct link_reading *)r->data)->link->values;
	bool on;

	if (!a->value[0])
		v->link_local = LINK_LOCAL_DEFAULT;
	else if (str_equal(a->value, "ipv6"))
		v->link_local = LINK_LOCAL_IPV6;
	else if (parse_bool(a->value, &on) == 0 && !on)
		v->link_local = LINK_LOCAL_NO;
	else
		conf_error(r->c, r->o, r->s, a,
			   "expected ipv6 or no, not \"%.32s\": IPv4 link-local addressing is not part of "
			   "this build",
			   a->value);
	return 0;
}

static int set_peer_address(struct conf_reader *r, const struct conf_assign *a)
{
	struct link_reading *l = r->data;
	struct netnsd_prefix prefix;
	struct conf_address *p;

	if (!a->value[0]) {
		l->link->peer_addresses = NULL;
		l->last_peer_address = &l->link->peer_addresses;
		return 0;
	}
	if (!conf_address(r, a, &prefix))
		return 0;
	p = arena_alloc(&r->o->arena, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct conf_address){.prefix = prefix, .assign = a};
	*l->last_peer_address = p;
	l->last_peer_address = &p->next;
	return 0;
}

static const struct conf_special link_specials[] = {
	{"Gateway", set_gateway}, {"LinkLocalAddressing", set_link_local}, {NULL, NULL}};
static const struct conf_special pair_specials[] = {{"PeerAddress", set_peer_address}, {NULL, NULL}};

static const struct conf_refusal link_refusals[] = {
	{"Group", "Group= is not taken: the group marks the links that are netnsd's"},
	{"DHCP", "DHCP= is not part of this build"},
	{"PeerName", "only a kind with two ends, such as Veth, has a peer"},
	{"PeerNamespace", "only a kind with two ends, such as Veth, has a peer"},
	{"PeerBridge", "only a kind with two ends, such as Veth, has a peer"},
	{"PeerAddress", "only a kind with two ends, such as Veth, has a peer"},
	{"PeerMACAddress", "only a kind with two ends, such as Veth, has a peer"},
	{"PeerMTUBytes", "only a kind with two ends, such as Veth, has a peer"},
	{"Parent", "a link of this kind stands on its own and takes no parent"},
	{"DNS", "DNS= belongs into [Namespace]"},
	{"Domains", "Domains= belongs into [Namespace]"},
	{"Destination", "Destination= belongs into a [Route]"},
	{"Kind", "the kind is the name of the section"},
	{"Name", "the name is the title of the section, such as [Veth eth0]"},
	{NULL, NULL},
};

static int set_source(struct conf_reader *r, const struct conf_assign *a, const struct address_source *source)
{
	struct link_reading *l = r->data;
	struct netnsd_error err = {""};
	struct netnsd_prefix prefix;
	struct pending *p;

	if (!a->value[0]) { /* resets what this key said */
		for (struct pending **at = &l->addresses; *at;)
			if ((*at)->source == source)
				*at = (*at)->next;
			else
				at = &(*at)->next;
		for (l->last_address = &l->addresses; *l->last_address;)
			l->last_address = &(*l->last_address)->next;
		return 0;
	}
	if (source->parse(a->value, &prefix, &err) < 0) {
		err.text[sizeof(err.text) - 1] = '\0';
		conf_error(r->c, r->o, r->s, a, "%s", err.text[0] ? err.text : "the value is refused");
		return 0;
	}
	p = arena_alloc(&r->o->arena, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct pending){.source = source, .prefix = prefix, .assign = a};
	*l->last_address = p;
	l->last_address = &p->next;
	return 0;
}

/* --- from values to the link ------------------------------------------------------------------------------
 */

static int add_pool(struct conf_object *o, const struct conf_section *s, struct link *l,
		    const struct pending *p)
{
	struct conf_pool *pool = arena_alloc(&o->arena, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	*pool = (struct conf_pool){
		.link = l, .source = p->source, .prefix = p->prefix, .section = s, .assign = p->assign};
	if (o->last_pool)
		o->last_pool->next = pool;
	else
		o->pools = pool;
	o->last_pool = pool;
	return 0;
}

static int take_addresses(struct conf_reader *r, struct link *l)
{
	const struct link_reading *reading = r->data;
	int e = 0;

	for (const struct pending *p = reading->addresses; e == 0 && p; p = p->next)
		if (p->source->assign)
			e = add_pool(r->o, r->s, l, p);
		else
			e = conf_add_address(r->c, r->o, r->s, p->assign, l, &p->prefix);
	for (const struct gateway *g = reading->gateways; e == 0 && g; g = g->next)
		e = conf_build_gateway(r->c, r->o, r->s, g->assign, &g->ip, l);
	return e;
}

static void take_master(struct conf_reader *r, struct link *l, const struct link_values *v)
{
	const struct conf_assign *bridge = conf_find_assign(r->s, "Bridge");
	const struct conf_assign *vrf = conf_find_assign(r->s, "VRF");

	if (v->bridge && v->vrf) {
		conf_error(r->c, r->o, r->s, vrf, "a link has one master: set Bridge= or VRF=, not both");
		return;
	}
	if (v->bridge && conf_ifname(r, bridge, v->bridge, l->master))
		l->master_key = "Bridge";
	if (v->vrf && conf_ifname(r, vrf, v->vrf, l->master))
		l->master_key = "VRF";
}

static int take_altnames(struct conf_reader *r, struct link *l, const struct link_values *v)
{
	const struct conf_assign *a = conf_find_assign(r->s, "AlternativeName");

	for (char **name = v->altnames; name && *name; name++) {
		int e;

		if (!conf_link_name_is_valid(*name) || str_equal(*name, l->name)) {
			conf_error(r->c, r->o, r->s, a,
				   "expected names of 1 to %d characters without '/', ':', '%%' and blanks, "
				   "other than the link's own, not \"%.48s\"",
				   CONF_NAME_MAX, *name);
			continue;
		}
		if (strv_contains(l->altnames, *name))
			continue;
		e = strv_push(&l->altnames, *name);
		if (e < 0)
			return e;
	}
	return 0;
}

static void take_alias(struct conf_reader *r, struct link *l, struct link_values *v)
{
	if (v->alias && strlen(v->alias) > ALIAS_MAX)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Alias"),
			   "expected at most %d bytes, not %zu", ALIAS_MAX, strlen(v->alias));
	l->alias = steal_pointer(v->alias);
}

static int take_values(struct conf_reader *r, struct link *l, struct link_values *v)
{
	const struct conf_table *t = &r->tables[TABLE_LINK];
	const struct conf_assign *parent = conf_find_assign(r->s, "Parent");

	l->mac_set = conf_has(t, "MACAddress");
	l->mac = v->mac;
	l->mtu_set = conf_has(t, "MTUBytes");
	l->mtu = v->mtu;
	l->accept_ra_set = conf_has(t, "IPv6AcceptRA");
	l->accept_ra = v->accept_ra;
	l->activation = v->activation;
	l->kind_set = r->tables[TABLE_KIND].set;
	take_alias(r, l, v);
	take_master(r, l, v);
	l->link_local = v->link_local;
	if (l->link_local == LINK_LOCAL_DEFAULT && str_equal(l->master_key, "Bridge"))
		l->link_local = LINK_LOCAL_NO;
	if (v->parent)
		(void)conf_ifname(r, parent, v->parent, l->parent);
	else if ((l->kind->flags & NETNSD_KIND_NEEDS_PARENT) && !parent)
		conf_error(r->c, r->o, r->s, NULL, "Parent= is required: the link that this %s is made on",
			   l->kind->name);
	return take_altnames(r, l, v);
}

static void verify_kind(struct conf_reader *r, const struct link *l)
{
	const struct netnsd_link view = {.ifname = l->name, .config = l->config, .set = l->kind_set};
	struct netnsd_error err = {""};

	if (!l->kind->verify || l->kind->verify(&view, &err) == 0)
		return;
	err.text[sizeof(err.text) - 1] = '\0';
	conf_error(r->c, r->o, r->s, NULL, "%s", err.text[0] ? err.text : "the keys do not go together");
}

/* --- the section
 * -------------------------------------------------------------------------------------------- */

static bool title_is_good(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	if (!s->title)
		conf_error(c, o, s, NULL, "the section of a link needs the link's name, such as [%s eth0]",
			   s->name);
	else if (!conf_link_name_is_valid(s->title))
		conf_error(
			c, o, s, NULL,
			"'%.64s' is no name for a link: expected 1 to %d characters without '/', ':', '%%' "
			"and blanks, and not \"all\" or \"default\"",
			s->title, CONF_NAME_MAX);
	else if (str_equal(s->title, "lo"))
		conf_error(c, o, s, NULL, "every namespace has its lo already; choose another name");
	else if (o->n_links >= CONF_LINKS_MAX)
		conf_error(c, o, s, NULL, "a file declares at most %d links", CONF_LINKS_MAX);
	else
		return true;
	return false;
}

static int new_link(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		    const struct link_kind *kind, struct conf_link **ret)
{
	struct conf_link *l = arena_alloc(&o->arena, sizeof(*l));
	int r;

	if (l)
		l->values = arena_alloc(&o->arena, sizeof(*l->values));
	if (!l || !l->values)
		return -ENOMEM;
	l->section = s;
	r = link_new(o->netns, o->netns, kind, s->title, &l->link);
	if (r < 0)
		return r;
	if (o->last_link)
		o->last_link->next = l;
	else
		o->links = l;
	o->last_link = l;
	o->n_links++;
	*ret = l;
	return conf_origin(c, s->file, s->line, &l->link->origin);
}

static void set_tables(struct conf_reader *r, const struct conf_link *l)
{
	const struct link_kind *kind = l->link->kind;
	bool parent = kind->flags & (NETNSD_KIND_PARENT | NETNSD_KIND_NEEDS_PARENT);
	bool pair = kind->flags & NETNSD_KIND_PAIR;

	r->tables[TABLE_LINK] = (struct conf_table){.keys = conf_link_keys, .values = l->values};
	r->tables[TABLE_KIND] = (struct conf_table){.keys = kind->keys, .values = l->link->config};
	r->tables[TABLE_PARENT].keys = parent ? conf_parent_keys : NULL;
	r->tables[TABLE_PARENT].values = l->values;
	r->tables[TABLE_PEER].keys = pair ? conf_peer_keys : NULL;
	r->tables[TABLE_PEER].values = l->values;
	r->n_tables = 4;
	r->specials = link_specials;
	r->more_specials = pair ? pair_specials : NULL;
}

int conf_build_link(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		    const struct link_kind *kind)
{
	struct conf_reader r = {.c = c, .o = o, .s = s, .refusals = link_refusals, .source = set_source};
	struct link_reading reading = {.last_gateway = &reading.gateways, .last_address = &reading.addresses};
	size_t before = o->errors;
	struct conf_link *l;
	int e;

	if (!title_is_good(c, o, s))
		return 0;
	e = new_link(c, o, s, kind, &l);
	if (e < 0)
		return e;
	reading.link = l;
	reading.last_peer_address = &l->peer_addresses;
	r.data = &reading;
	set_tables(&r, l);
	e = conf_read_section(&r);
	if (e == 0)
		e = take_values(&r, l->link, l->values);
	if (e == 0)
		e = take_addresses(&r, l->link);
	l->common_set = r.tables[TABLE_LINK].set;
	l->peer_set = r.tables[TABLE_PEER].set;
	if (e == 0 && o->errors == before)
		verify_kind(&r, l->link);
	return e;
}
