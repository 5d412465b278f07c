/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints as text: the state, and what the kernel had where a file says nothing. Pure. */
#include "checkpoint.h"

#include "ini.h"
#include "key.h"
#include "netns.h"
#include "parse.h"
#include "reconcile.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MIN 68 /* of MTUBytes= */
#define MTU_MAX 65535

static const char *const states[] = {"none", "applying", "waiting", "rolled-back"};

const char *checkpoint_state_to_string(enum checkpoint_state s)
{
	return s <= CHECKPOINT_ROLLED_BACK ? states[s] : "none";
}

/* --- the state --------------------------------------------------------------------------------- */

struct reading {
	struct checkpoint c;
	bool version, bad;
};

static bool take_text(char *field, size_t size, const char *value)
{
	if (strlen(value) >= size || !text_is_clean(value, strlen(value)))
		return false;
	strcpy(field, value);
	return true;
}

static bool take_state(struct checkpoint *c, const char *value)
{
	for (int s = CHECKPOINT_APPLYING; s <= CHECKPOINT_ROLLED_BACK; s++)
		if (strcmp(states[s], value) == 0)
			c->state = (enum checkpoint_state)s;
	return c->state != CHECKPOINT_NONE;
}

/* Keys that are not known are a later version's remarks. */
static void on_assign(const char *key, const char *value, unsigned line, void *data)
{
	struct reading *r = data;
	bool good = true;

	(void)line;
	if (strcmp(key, "Version") == 0)
		r->version = good = strcmp(value, "1") == 0;
	else if (strcmp(key, "State") == 0)
		good = take_state(&r->c, value);
	else if (strcmp(key, "Atomic") == 0)
		good = parse_bool(value, &r->c.atomic) == 0;
	else if (strcmp(key, "SpanUSec") == 0)
		good = parse_u64(value, &r->c.span) == 0 && r->c.span <= CHECKPOINT_SPAN_MAX;
	else if (strcmp(key, "DeadlineUSec") == 0)
		good = parse_u64(value, &r->c.deadline) == 0;
	else if (strcmp(key, "BootID") == 0)
		good = take_text(r->c.boot_id, sizeof(r->c.boot_id), value);
	else if (strcmp(key, "Reason") == 0)
		good = take_text(r->c.reason, sizeof(r->c.reason), value);
	r->bad = r->bad || !good;
}

static void on_section(const char *section, const char *title, unsigned line, void *data)
{
	struct reading *r = data;

	(void)line;
	r->bad = r->bad || title || strcmp(section, "Checkpoint") != 0;
}

static void on_error(unsigned line, const char *message, void *data)
{
	(void)line;
	(void)message;
	((struct reading *)data)->bad = true;
}

int checkpoint_parse(const char *text, size_t length, struct checkpoint *ret)
{
	static const struct ini_callbacks callbacks = {on_section, on_assign, on_error};
	struct reading r = {.bad = false};
	int e = ini_parse(text, length, &callbacks, &r);

	if (e < 0)
		return e;
	if (r.bad || !r.version || r.c.state == CHECKPOINT_NONE ||
	    (r.c.state == CHECKPOINT_WAITING && (!r.c.deadline || !r.c.boot_id[0])))
		return -EINVAL;
	*ret = r.c;
	return 0;
}

char *checkpoint_print(const struct checkpoint *c)
{
	struct strbuf out = {0};

	strbuf_printf(&out, "[Checkpoint]\nVersion=1\nState=%s\nAtomic=%s\n",
		      checkpoint_state_to_string(c->state), c->atomic ? "yes" : "no");
	strbuf_printf(&out, "SpanUSec=%" PRIu64 "\nDeadlineUSec=%" PRIu64 "\nBootID=%s\n", c->span,
		      c->deadline, c->boot_id);
	if (c->reason[0])
		strbuf_printf(&out, "Reason=%s\n", c->reason);
	return strbuf_finish(&out);
}

/* --- what the kernel had ------------------------------------------------------------------------ */

/* As a value it has to come back as it is: one line without blanks at its ends and without a backslash that
 * would continue it; '%' begins a specifier. */
static void put_value(struct strbuf *out, const char *key, const char *value)
{
	size_t length = strlen(value);

	if (length == 0 || !text_is_clean(value, length) || strchr(" \t", value[0]) ||
	    strchr(" \t\\", value[length - 1]))
		return;
	strbuf_printf(out, "%s=", key);
	for (; *value; value++)
		strbuf_append(out, *value == '%' ? "%%" : value, *value == '%' ? 2 : 1);
	strbuf_puts(out, "\n");
}

static const char *one_switch(const char *path)
{
	return strcmp(path, "net/ipv4/conf/all/forwarding") == 0 ? "net/ipv4/ip_forward" : path;
}

static bool declares(const struct sysctl *list, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(one_switch(list[i].path), one_switch(path)) == 0)
			return true;
	return false;
}

static int put_sysctls(struct strbuf *out, const struct netns *was, const struct netns *new,
		       const struct actual *own)
{
	struct sysctl *before = NULL, *after = NULL;
	size_t n_before = 0, n_after = 0;
	int r = netns_sysctls(was, &before, &n_before);

	if (r == 0)
		r = netns_sysctls(new, &after, &n_after);
	for (size_t i = 0; r == 0 && i < n_after && i < own->n_sysctls; i++) {
		struct strbuf value = {0};
		char *text;

		if (!own->sysctls[i] || !own->sysctls[i][0] || declares(before, n_before, after[i].path))
			continue;
		strbuf_printf(&value, "%s=%s", after[i].path, own->sysctls[i]);
		text = strbuf_finish(&value);
		if (text)
			put_value(out, "Sysctl", text);
		else
			r = -ENOMEM;
		free(text);
	}
	netns_sysctls_free(before, n_before);
	netns_sysctls_free(after, n_after);
	return r;
}

/* Some kinds lend their address from the link they stand on. */
static bool has_own_mac(const struct actual *place, const struct actual_link *a)
{
	static const uint8_t zero[6];
	const struct actual_link *parent =
		a->parent && a->link_nsid < 0 ? actual_link_by_index(place, a->parent) : NULL;

	return a->mac_length == 6 && !(a->mac[0] & 1) && memcmp(a->mac, zero, 6) != 0 &&
	       !(parent && parent->mac_length == 6 && memcmp(parent->mac, a->mac, 6) == 0) &&
	       strcmp(a->kind, "ipvlan") != 0;
}

/* A link that has to be made again would get another address. */
static void put_end(struct strbuf *out, const char *prefix, const struct link *l, const struct actual *place,
		    const struct actual_link *a)
{
	char text[FORMAT_MAX];
	struct netnsd_mac mac;

	if (!l->mac_set && has_own_mac(place, a)) {
		memcpy(mac.bytes, a->mac, sizeof(mac.bytes));
		strbuf_printf(out, "%sMACAddress=%s\n", prefix, format_mac(&mac, text));
	}
	if (!l->mtu_set && a->mtu >= MTU_MIN && a->mtu <= MTU_MAX)
		strbuf_printf(out, "%sMTUBytes=%u\n", prefix, a->mtu);
}

static bool is_no_address(const struct conf_key *key, const void *config)
{
	static const uint8_t zero[16];
	const struct netnsd_ip *ip = (const void *)((const char *)config + key->offset);

	return key->type == NETNSD_KEY_IP && memcmp(ip->bytes, zero, sizeof(zero)) == 0;
}

static int put_kind(struct strbuf *out, const struct link *l, const struct link *new,
		    const struct actual_link *a)
{
	const struct link_kind *kind = l->kind;
	uint64_t wanted = new->kind_set & ~l->kind_set, set;
	void *config = wanted && kind->keys ? calloc(1, kind->config_size) : NULL;

	if (!config)
		return wanted && kind->keys ? -ENOMEM : 0;
	if (kind->init && kind->init(config) < 0) {
		free(config);
		return -ENOMEM;
	}
	set = kind_read(kind, wanted, a->info_data, config);
	for (unsigned i = 0; kind->keys[i].name && i < 64; i++) {
		if (!(set >> i & 1) || is_no_address(&kind->keys[i], config))
			continue;
		strbuf_printf(out, "%s=", kind->keys[i].name);
		key_print(&kind->keys[i], config, out);
		strbuf_puts(out, "\n");
	}
	key_table_free(kind->keys, config);
	if (kind->done)
		kind->done(config);
	free(config);
	return 0;
}

static int put_link(struct strbuf *out, const struct link *l, const struct netns *new,
		    checkpoint_view_fn *view, void *data)
{
	const struct actual *place = view(l->netns->name, data),
			    *other = l->peer ? view(l->peer->netns->name, data) : NULL;
	const struct actual_link *a = place ? actual_find_link(place, l->name) : NULL;
	const struct actual_link *b = other ? actual_find_link(other, l->peer->name) : NULL;
	const struct link *n = new ? netns_find_link(new, l->full_name ? l->full_name : l->name) : NULL;
	int r = 0;

	if (!a || a->group != LINK_GROUP || strcmp(a->kind, l->kind->name) != 0)
		return 0;
	if (n && (n->is_peer || n->kind != l->kind))
		n = NULL;
	strbuf_printf(out, "[%s %s]\n", l->kind->section, l->full_name ? l->full_name : l->name);
	put_end(out, "", l, place, a);
	if (b && b->group == LINK_GROUP)
		put_end(out, "Peer", l->peer, other, b);
	if (l->activation == ACTIVATION_MANUAL && (!n || n->activation != ACTIVATION_MANUAL))
		strbuf_printf(out, "ActivationPolicy=%s\n", a->flags & IFF_UP ? "up" : "down");
	if (l->link_local == LINK_LOCAL_DEFAULT && a->addr_gen_mode == IN6_ADDR_GEN_MODE_NONE)
		strbuf_puts(out, "LinkLocalAddressing=no\n");
	if (!l->alias && a->alias)
		put_value(out, "Alias", a->alias);
	if (n)
		r = put_kind(out, l, n, a);
	return r;
}

int checkpoint_restore_text(const struct netns *was, const struct netns *new, checkpoint_view_fn *view,
			    void *data, char **ret)
{
	const struct actual *own = view(was->name, data);
	struct strbuf out = {0};
	const struct link *l;
	char *text;
	int r = 0;

	if (own) {
		strbuf_puts(&out, "[Namespace]\n");
		if (was->implicit)
			strbuf_puts(&out, "Host=yes\n");
		if (new)
			r = put_sysctls(&out, was, new, own);
		DL_FOREACH (was->links, l)
			if (r == 0 && !l->is_peer)
				r = put_link(&out, l, new, view, data);
	}
	text = strbuf_finish(&out);
	if (r < 0 || !text) {
		free(text);
		return r < 0 ? r : -ENOMEM;
	}
	*ret = text;
	return 0;
}

/* --- addresses ------------------------------------------------------------------------------------ */

static size_t place_of(const struct actual *place, int ifindex, const struct address *a)
{
	size_t i = 0;

	while (place && i < place->n_addresses &&
	       (place->addresses[i].ifindex != ifindex ||
		!prefix_equal(&place->addresses[i].address.prefix, &a->prefix)))
		i++;
	return place ? i : 0;
}

/* By selection, each time the oldest that is left: at most 1024. */
static void put_addresses(struct strbuf *out, const struct link *l, const struct actual *place)
{
	const struct actual_link *a = place ? actual_find_link(place, l->name) : NULL;
	size_t *places = calloc(l->n_addresses + 1, sizeof(*places));
	char buffer[FORMAT_MAX];

	for (size_t i = 0; places && i < l->n_addresses; i++)
		places[i] = place_of(place, a ? a->ifindex : 0, &l->addresses[i]);
	for (size_t n = 0; places && n < l->n_addresses; n++) {
		size_t best = 0;

		for (size_t i = 1; i < l->n_addresses; i++)
			if (places[i] < places[best])
				best = i;
		places[best] = SIZE_MAX;
		strbuf_printf(out, "%s/%s %s\n", l->netns->name, l->name,
			      format_prefix(&l->addresses[best].prefix, buffer));
	}
	out->failed = out->failed || !places;
	free(places);
}

char *checkpoint_addresses_text(const struct desired *d, checkpoint_view_fn *view, void *data)
{
	struct strbuf out = {0};
	const struct netns *n, *tmp;
	const struct link *l;

	HASH_ITER (hh, d->namespaces, n, tmp)
		DL_FOREACH (n->links, l)
			put_addresses(&out, l, view(n->name, data));
	return strbuf_finish(&out);
}

/* The next of this link's addresses in the order of the text; those it does not name stay behind. */
static void move_next(struct link *l, size_t *next, const struct netnsd_prefix *prefix)
{
	for (size_t i = *next; i < l->n_addresses; i++) {
		struct address a = l->addresses[i];

		if (!prefix_equal(&a.prefix, prefix))
			continue;
		memmove(&l->addresses[*next + 1], &l->addresses[*next], (i - *next) * sizeof(a));
		l->addresses[(*next)++] = a;
		return;
	}
}

void checkpoint_order_addresses(struct desired *d, char *text)
{
	struct link *l = NULL, *current = NULL;
	size_t next = 0;

	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		char *slash = strchr(line, '/'), *space = slash ? strchr(slash, ' ') : NULL;
		struct netnsd_prefix prefix;
		struct netns *n;

		if (!space || parse_prefix(space + 1, &prefix) < 0)
			continue;
		*slash = *space = '\0';
		n = desired_find(d, line);
		l = n ? netns_find_link(n, slash + 1) : NULL;
		if (!l)
			continue;
		next = l == current ? next : 0;
		current = l;
		move_next(l, &next, &prefix);
	}
}
