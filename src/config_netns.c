/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One object's sections to its part of the desired tree: [Namespace] itself, and who reads which
 * of the others.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOT_BUILT " is not part of this build; remove the line"
#define DNS_MAX	  32

#define CONTAINER_FILE "a container has a file of its own, NAME.container"

struct netns_values {
	char *description;
	uint32_t host, adopt, autostart, autodelete, loopback, ipv4_forwarding, ipv6_forwarding;
	char **dns, **domains;
	enum on_drift on_drift;
};

#define AT(field) offsetof(struct netns_values, field)
const struct conf_key conf_netns_keys[] = {
	{.name = "Description", .type = NETNSD_KEY_STRING, .offset = AT(description)},
	{.name = "Host", .type = NETNSD_KEY_BOOL, .offset = AT(host)},
	{.name = "Adopt", .type = NETNSD_KEY_BOOL, .offset = AT(adopt)},
	{.name = "AutoStart", .type = NETNSD_KEY_BOOL, .offset = AT(autostart)},
	{.name = "AutoDelete", .type = NETNSD_KEY_BOOL, .offset = AT(autodelete)},
	{.name = "Loopback", .type = NETNSD_KEY_BOOL, .offset = AT(loopback)},
	{.name = "IPv4Forwarding", .type = NETNSD_KEY_BOOL, .offset = AT(ipv4_forwarding)},
	{.name = "IPv6Forwarding", .type = NETNSD_KEY_BOOL, .offset = AT(ipv6_forwarding)},
	{.name = NULL},
};
#undef AT

static const struct conf_refusal netns_refusals[] = {
	{"Ruleset", "Ruleset=" NOT_BUILT},
	{NULL, NULL},
};

/* --- [Namespace] -------------------------------------------------------------------------------------- */

static int set_dns(struct conf_reader *r, const struct conf_assign *a)
{
	_cleanup_(strv_freep) char **words = NULL;
	struct netns_values *v = r->data;
	int e = parse_words(a->value, &words);

	if (e == -ENOMEM)
		return e;
	if (!a->value[0]) {
		strv_free(v->dns);
		v->dns = NULL;
	}
	if (e < 0)
		conf_error(r->c, r->o, r->s, a, "expected IP addresses, not \"%.64s\"", a->value);
	for (char **w = words; e == 0 && w && *w; w++) {
		char text[FORMAT_MAX];
		struct netnsd_ip ip;

		if (!conf_ip(r, a, *w, &ip))
			continue;
		format_ip(&ip, text);
		if (strv_length(v->dns) >= DNS_MAX) {
			conf_error(r->c, r->o, r->s, a, "more than %d name servers", DNS_MAX);
			return 0;
		}
		if (!strv_contains(v->dns, text))
			e = strv_push(&v->dns, text);
	}
	return e == -ENOMEM ? e : 0;
}

/* What resolv.conf(5) takes behind "search". */
static bool domain_is_valid(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 253 || text[0] == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length &&
	       !strstr(text, "..") && (text[0] != '.' || length == 1);
}

static int set_domains(struct conf_reader *r, const struct conf_assign *a)
{
	_cleanup_(strv_freep) char **words = NULL;
	struct netns_values *v = r->data;
	int e = parse_words(a->value, &words);

	if (e == -ENOMEM)
		return e;
	if (!a->value[0]) {
		strv_free(v->domains);
		v->domains = NULL;
	}
	if (e < 0)
		conf_error(r->c, r->o, r->s, a, "expected domain names, not \"%.64s\"", a->value);
	for (char **w = words; e == 0 && w && *w; w++) {
		if (!domain_is_valid(*w) || strv_length(v->domains) >= DNS_MAX)
			conf_error(r->c, r->o, r->s, a,
				   "expected at most %d domain names such as lan.example, not \"%.64s\"%s",
				   DNS_MAX, *w,
				   (*w)[0] == '~' ? "; a routing domain (~) needs a resolver that knows them"
						  : "");
		else if (!strv_contains(v->domains, *w))
			e = strv_push(&v->domains, *w);
	}
	return e == -ENOMEM ? e : 0;
}

/* Sysctl= is read afterwards, when it is known what the forwarding keys say. */
static int set_sysctl(struct conf_reader *r, const struct conf_assign *a)
{
	(void)r;
	(void)a;
	return 0;
}

static int set_on_drift(struct conf_reader *r, const struct conf_assign *a)
{
	struct netns_values *v = r->data;

	if (!a->value[0] || str_equal(a->value, "repair"))
		v->on_drift = ON_DRIFT_REPAIR;
	else if (str_equal(a->value, "report"))
		v->on_drift = ON_DRIFT_REPORT;
	else if (str_equal(a->value, "ignore"))
		v->on_drift = ON_DRIFT_IGNORE;
	else
		conf_error(r->c, r->o, r->s, a, "expected repair, report or ignore, not \"%.32s\"", a->value);
	return 0;
}

static const struct conf_special netns_specials[] = {
	{"OnDrift", set_on_drift}, {"DNS", set_dns}, {"Domains", set_domains},
	{"Sysctl", set_sysctl},	   {NULL, NULL},
};

/* Keys that say what becomes of the namespace: the host's is not ours to make. */
static void refuse_host_keys(struct conf_reader *r)
{
	static const char *const keys[] = {"Adopt", "AutoStart", "AutoDelete", "Loopback",
					   "DNS",   "Domains",	 NULL};

	for (const char *const *k = keys; *k; k++) {
		const struct conf_assign *a = conf_find_assign(r->s, *k);

		if (a && a->value[0])
			conf_error(
				r->c, r->o, r->s, a,
				"%s= has no meaning in the file of the host (Host=yes), whose namespace is "
				"neither made nor removed",
				*k);
	}
}

static void set_host(struct conf_reader *r, struct netns *n)
{
	const struct netns *other = r->c->desired->host;
	char place[512];

	refuse_host_keys(r);
	if (other) {
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Host"),
			   "there is one host, and %s declares it already",
			   conf_origin_to_string(&other->origin, place, sizeof(place)));
		return;
	}
	n->host = true;
	r->c->desired->host = n;
}

static int set_forwarding(struct conf_reader *r, const char *key, const char *path, uint32_t value)
{
	return conf_build_sysctl(r->c, r->o, r->s, conf_find_assign(r->s, key), path, value ? "1" : "0");
}

static int build_sysctls(struct conf_reader *r, const struct netns_values *v)
{
	const struct conf_assign *first = r->s->assigns;
	int e = 0;

	/* An empty one resets the list. */
	for (const struct conf_assign *a = first; a; a = a->next)
		if (str_equal(a->key, "Sysctl") && !a->value[0])
			first = a->next;
	/* Forwarding first: writing it resets other settings of the namespace. */
	if (conf_has(&r->tables[0], "IPv4Forwarding"))
		e = set_forwarding(r, "IPv4Forwarding", "net/ipv4/ip_forward", v->ipv4_forwarding);
	if (e == 0 && conf_has(&r->tables[0], "IPv6Forwarding"))
		e = set_forwarding(r, "IPv6Forwarding", "net/ipv6/conf/all/forwarding", v->ipv6_forwarding);
	for (const struct conf_assign *a = first; e == 0 && a; a = a->next)
		if (str_equal(a->key, "Sysctl"))
			e = conf_read_sysctl(r->c, r->o, r->s, a);
	return e;
}

static int build_namespace(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	struct netns_values v = {.autostart = 1, .loopback = 1};
	struct conf_reader r = {.c = c,
				.o = o,
				.s = s,
				.tables = {{.keys = conf_netns_keys, .values = &v}},
				.n_tables = 1,
				.specials = netns_specials,
				.refusals = netns_refusals,
				.data = &v};
	struct netns *n = o->netns;
	int e;

	/* And there may be one without title beside it. */
	if (s->title) {
		conf_error(c, o, s, NULL, "[Namespace] takes no title: a file declares one namespace");
		return 0;
	}
	e = conf_read_section(&r);
	if (e == 0)
		e = conf_origin(c, s->file, s->line, &n->origin);
	if (e == 0)
		e = build_sysctls(&r, &v);
	n->adopt = v.adopt;
	n->autostart = !conf_has(&r.tables[0], "AutoStart") || v.autostart;
	n->autodelete = v.autodelete;
	n->on_drift = v.on_drift;
	n->loopback = !conf_has(&r.tables[0], "Loopback") || v.loopback;
	n->description = steal_pointer(v.description);
	n->dns = steal_pointer(v.dns);
	n->domains = steal_pointer(v.domains);
	if (v.host)
		set_host(&r, n);
	key_table_free(conf_netns_keys, &v);
	return e;
}

/* --- sections ------------------------------------------------------------------------------------------- */

struct section_type {
	const char *name;
	int (*build)(struct conf_loader *c, struct conf_object *o, const struct conf_section *s);
	bool titled;
};

static const struct section_type section_types[] = {
	{"Namespace", build_namespace, false},	 {"Address", conf_build_address, true},
	{"Route", conf_build_route, true},	 {"RoutingPolicyRule", conf_build_rule, true},
	{"Neighbor", conf_build_neighbor, true},
};

/* Sections people know from elsewhere. */
static const struct conf_refusal foreign_sections[] = {
	{"Container", CONTAINER_FILE},
	{"Exec", CONTAINER_FILE},
	{"Files", CONTAINER_FILE},
	{"Service", CONTAINER_FILE},
	{"Match", "a link is declared here, not matched; its section is its kind with its name, such as "
		  "[Veth eth0]"},
	{"NetDev", "a link's section is its kind with its name, such as [Bridge br0]"},
	{"Network", "these keys belong into the section of the link, such as [Veth eth0]"},
	{"Link", "these keys belong into the section of the link, such as [Veth eth0]"},
	{NULL, NULL},
};

static void refuse_section(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	const char *names[96] = {NULL};
	struct strbuf known = {0};
	char hint[160];
	size_t n = 0;

	for (const struct conf_refusal *f = foreign_sections; f->name; f++)
		if (str_equal(f->name, s->name)) {
			conf_error(c, o, s, NULL, "no section [%s] in *.netns files: %s", s->name, f->why);
			return;
		}
	for (size_t i = 0; i < sizeof(section_types) / sizeof(section_types[0]); i++)
		names[n++] = section_types[i].name;
	for (size_t i = 0; i < c->registry->n_kinds && n < 95; i++)
		names[n++] = c->registry->kinds[i]->section;
	if (str_nearest(s->name, names)) {
		conf_error(c, o, s, NULL, "unknown section or link kind '%s'%s", s->name,
			   conf_hint(s->name, names, hint, sizeof(hint)));
		return;
	}
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&known, "%s%s", i ? ", " : "", names[i]);
	conf_error(c, o, s, NULL,
		   "unknown section or link kind '%s'; with the plugins installed there are %s", s->name,
		   known.data ?: "none");
	strbuf_free(&known);
}

static int build_section(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	const struct link_kind *kind;

	for (size_t i = 0; i < sizeof(section_types) / sizeof(section_types[0]); i++) {
		const struct section_type *t = &section_types[i];

		if (!str_equal(t->name, s->name))
			continue;
		if (t->titled && !s->title)
			conf_error(c, o, s, NULL,
				   "the section needs a title of your choice, such as [%s first]", s->name);
		return t->build(c, o, s);
	}
	kind = registry_kind(c->registry, s->name);
	if (kind)
		return conf_build_link(c, o, s, kind);
	refuse_section(c, o, s);
	return 0;
}

static int build_netns(struct conf_loader *c, struct conf_object *o)
{
	int r = desired_add(c->desired, o->name, &o->netns);

	if (r < 0)
		return r;
	o->netns->transient = o->transient;
	r = conf_origin(c, o->path ?: "(last good configuration)", 1, &o->netns->origin);
	/* [Namespace] may stand anywhere, and the others ask it whether this is the host. */
	for (const struct conf_section *s = o->sections; r == 0 && s; s = s->next)
		if (str_equal(s->name, "Namespace"))
			r = build_section(c, o, s);
	for (const struct conf_section *s = o->sections; r == 0 && s; s = s->next)
		if (!str_equal(s->name, "Namespace"))
			r = build_section(c, o, s);
	if (r == 0 && str_equal(o->name, HOST_DEFAULT_NAME) && !o->netns->host && o->errors == 0)
		conf_error(c, o, NULL, NULL,
			   "the name '" HOST_DEFAULT_NAME "' stands for the daemon's own namespace; set "
			   "Host=yes in [Namespace] or rename the file");
	if (r < 0)
		return r;
	o->netns->text = conf_sections_to_text(o);
	return o->netns->text ? 0 : -ENOMEM;
}

int conf_build(struct conf_loader *c, struct conf_object *o)
{
	return o->type == CONF_CONTAINER ? conf_build_container(c, o) : build_netns(c, o);
}

void conf_unbuild(struct conf_object *o)
{
	for (struct conf_link *l = o->links; l; l = l->next) {
		key_table_free(conf_link_keys, l->values);
		key_table_free(conf_parent_keys, l->values);
		key_table_free(conf_peer_keys, l->values);
	}
	o->netns = NULL;
	o->container = NULL;
	o->links = o->last_link = NULL;
	o->n_links = 0;
	o->pools = o->last_pool = NULL;
	o->loose = o->last_loose = NULL;
}
