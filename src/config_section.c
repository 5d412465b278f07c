/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads one section by its tables, and says of a key that is in none of them which one was
 * probably meant. Also the values that several sections share.
 */
#include "config_internal.h"

#include "key.h"
#include "parse.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#define CANDIDATES_MAX 200

const char *conf_hint(const char *word, const char *const *candidates, char *text, size_t size)
{
	const char *nearest = str_nearest(word, candidates);

	text[0] = '\0';
	if (nearest)
		snprintf(text, size, ", did you mean '%s'?", nearest);
	return text;
}

bool conf_has(const struct conf_table *t, const char *name)
{
	int i = key_find(t->keys, name);

	return i >= 0 && (t->set >> i & 1);
}

/* --- keys ------------------------------------------------------------------------------------------ */

static const struct conf_special *find_special(const struct conf_special *list, const char *name)
{
	for (; list && list->name; list++)
		if (str_equal(list->name, name))
			return list;
	return NULL;
}

static int set_row(struct conf_reader *r, struct conf_table *t, int row, const struct conf_assign *a)
{
	struct error err = {0};
	int e = key_parse(&t->keys[row], t->values, a->value, &err);

	if (e == -ENOMEM)
		return e;
	t->tried |= UINT64_C(1) << row;
	if (e == 0)
		t->set |= UINT64_C(1) << row;
	else if (e > 0) /* empty: as if it had never been there */
		t->set &= ~(UINT64_C(1) << row);
	if (e > 0)
		t->tried &= ~(UINT64_C(1) << row);
	if (e < 0)
		conf_error(r->c, r->o, r->s, a, "%s", err.text);
	return 0;
}

static size_t add_specials(const struct conf_special *list, const char **names, size_t n)
{
	for (; list && list->name && n < CANDIDATES_MAX; list++)
		names[n++] = list->name;
	return n;
}

static void refuse_unknown(struct conf_reader *r, const struct conf_assign *a)
{
	const char *names[CANDIDATES_MAX + 1] = {NULL};
	char hint[160];
	size_t n = 0;

	for (const struct conf_refusal *x = r->refusals; x && x->name; x++)
		if (str_equal(x->name, a->key)) {
			conf_error(r->c, r->o, r->s, a, "%s", x->why);
			return;
		}
	n = add_specials(r->specials, names, n);
	n = add_specials(r->more_specials, names, n);
	for (size_t i = 0; i < r->n_tables; i++)
		for (const struct conf_key *k = r->tables[i].keys; k && k->name && n < CANDIDATES_MAX; k++)
			names[n++] = k->name;
	for (size_t i = 0; r->source && i < r->c->registry->n_sources && n < CANDIDATES_MAX; i++)
		names[n++] = r->c->registry->sources[i]->key;
	conf_error(r->c, r->o, r->s, a, "unknown key '%s' in [%s]%s", a->key, r->s->name,
		   conf_hint(a->key, names, hint, sizeof(hint)));
}

static int set_key(struct conf_reader *r, const struct conf_assign *a)
{
	const struct conf_special *special = find_special(r->specials, a->key);
	const struct address_source *source;

	if (!special)
		special = find_special(r->more_specials, a->key);
	if (special)
		return special->set(r, a);
	for (size_t i = 0; i < r->n_tables; i++) {
		int row = key_find(r->tables[i].keys, a->key);

		if (row >= 0)
			return set_row(r, &r->tables[i], row, a);
	}
	source = r->source ? registry_source(r->c->registry, a->key) : NULL;
	if (source)
		return r->source(r, a, source);
	refuse_unknown(r, a);
	return 0;
}

int conf_read_section(struct conf_reader *r)
{
	for (const struct conf_assign *a = r->s->assigns; a; a = a->next) {
		int e = set_key(r, a);

		if (e < 0)
			return e;
	}
	for (size_t i = 0; i < r->n_tables; i++)
		for (unsigned k = 0; r->tables[i].keys && r->tables[i].keys[k].name; k++) {
			const struct conf_key *key = &r->tables[i].keys[k];
			uint64_t bit = UINT64_C(1) << k;

			if ((key->flags & NETNSD_KEY_REQUIRED) && !(r->tables[i].tried & bit))
				conf_error(r->c, r->o, r->s, NULL, "%s= is required: %s", key->name,
					   key->doc ?: "it has no default");
		}
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------ */

bool conf_link_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	/* The kernel would take any bytes; JSON does not. */
	if (!text_is_clean(name, length))
		return false;
	if (length < IFNAMSIZ)
		return ifname_is_valid(name);
	if (length > CONF_NAME_MAX)
		return false;
	/* Longer ones become alternative names: the same characters piece by piece. */
	for (size_t i = 0; i < length; i++) {
		char one[3] = {'x', name[i], '\0'};

		if (!ifname_is_valid(one))
			return false;
	}
	return true;
}

bool conf_ifname(struct conf_reader *r, const struct conf_assign *a, const char *value, char ret[IFNAMSIZ])
{
	if (!conf_link_name_is_valid(value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected the name of a link, 1 to %d characters without '/', ':', '%%' and "
			   "blanks, not \"%.48s\"",
			   CONF_NAME_MAX, value);
		return false;
	}
	ifname_shorten(value, ret);
	return true;
}

bool conf_ip(struct conf_reader *r, const struct conf_assign *a, const char *value, struct netnsd_ip *ret)
{
	if (parse_ip(value, ret) == 0)
		return true;
	conf_error(r->c, r->o, r->s, a, "expected an IP address such as 10.0.0.1 or fd00::1, not \"%.64s\"",
		   value);
	return false;
}

bool conf_prefix(struct conf_reader *r, const struct conf_assign *a, const char *value,
		 struct netnsd_prefix *ret)
{
	int e = parse_prefix(value, ret);

	if (e == 0)
		return true;
	if (e == -ERANGE)
		conf_error(r->c, r->o, r->s, a,
			   "expected a prefix length of at most 32 (IPv4) or 128 (IPv6), not \"%.64s\"",
			   value);
	else
		conf_error(r->c, r->o, r->s, a,
			   "expected an IP address with prefix length such as 10.0.0.0/24 or fd00::/64, not "
			   "\"%.64s\"",
			   value);
	return false;
}

bool conf_address(struct conf_reader *r, const struct conf_assign *a, struct netnsd_prefix *ret)
{
	const struct address_source *source = registry_source(r->c->registry, "Address");
	struct netnsd_error err = {""};

	if (!source || source->assign)
		return conf_prefix(r, a, a->value, ret);
	if (source->parse(a->value, ret, &err) == 0)
		return true;
	err.text[sizeof(err.text) - 1] = '\0';
	conf_error(r->c, r->o, r->s, a, "%s", err.text[0] ? err.text : "the value is refused");
	return false;
}

struct named_number {
	const char *name;
	uint32_t number;
};

static bool find_number(const struct named_number *names, const char *value, uint64_t max, uint32_t *ret)
{
	uint64_t number;

	for (; names->name; names++)
		if (str_equal(names->name, value)) {
			*ret = names->number;
			return true;
		}
	if (parse_u64(value, &number) < 0 || number > max)
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool conf_table_number(struct conf_reader *r, const struct conf_assign *a, uint32_t *ret)
{
	static const struct named_number names[] = {
		{"default", RT_TABLE_DEFAULT}, {"main", RT_TABLE_MAIN}, {"local", RT_TABLE_LOCAL}, {NULL, 0}};
	uint32_t number;

	if (find_number(names, a->value, UINT32_MAX, &number) && number > 0) {
		*ret = number;
		return true;
	}
	conf_error(r->c, r->o, r->s, a,
		   "expected default, main, local or a number from 1 to 4294967295, not \"%.48s\"", a->value);
	return false;
}

bool conf_scope(struct conf_reader *r, const struct conf_assign *a, uint8_t *ret)
{
	static const struct named_number names[] = {{"global", RT_SCOPE_UNIVERSE}, {"site", RT_SCOPE_SITE},
						    {"link", RT_SCOPE_LINK},	   {"host", RT_SCOPE_HOST},
						    {"nowhere", RT_SCOPE_NOWHERE}, {NULL, 0}};
	uint32_t number;

	if (find_number(names, a->value, 255, &number)) {
		*ret = (uint8_t)number;
		return true;
	}
	conf_error(r->c, r->o, r->s, a,
		   "expected global, site, link, host, nowhere or a number from 0 to 255, not \"%.48s\"",
		   a->value);
	return false;
}

bool ip_is_link_local(const struct netnsd_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool ip_is_loopback(const struct netnsd_ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	return ip->family == AF_INET ? ip->bytes[0] == 127 : memcmp(ip->bytes, one, sizeof(one)) == 0;
}

struct address address_from_prefix(const struct netnsd_prefix *p)
{
	struct address a = {.prefix = *p, .preferred = UINT32_MAX, .scope = RT_SCOPE_UNIVERSE};

	if (ip_is_loopback(&p->ip))
		a.scope = RT_SCOPE_HOST;
	else if (ip_is_link_local(&p->ip))
		a.scope = RT_SCOPE_LINK;
	return a;
}
