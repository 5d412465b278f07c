/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The links of a namespace as JSON: what the kernel has, side by side with what is declared. */
#include "api_internal.h"
#include "cleanup.h"
#include "key.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

/* IFLA_OPERSTATE, as ip-link(8) spells it. */
static const char *operstate_to_string(uint8_t state)
{
	static const char *const names[] = {"unknown", "notpresent", "down", "lowerlayerdown",
					    "testing", "dormant",    "up"};

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

/* --- what is declared -------------------------------------------------------------------------------- */

static json_t *settings(const struct link *l)
{
	json_t *array = json_array();
	int r = 0;

	for (size_t i = 0; l->kind->keys != NULL && i < 64 && l->kind->keys[i].name != NULL; i++) {
		const struct conf_key *key = &l->kind->keys[i];
		struct strbuf b = {0};
		char *text;

		if ((l->kind_set & (UINT64_C(1) << i)) == 0)
			continue;
		strbuf_printf(&b, "%s=", key->name);
		key_print(key, l->config, &b);
		text = strbuf_finish(&b);
		r |= text != NULL ? json_array_append_new(array, api_text(text)) : -1;
		free(text);
	}
	return api_built(array, r);
}

static int put_parent(json_t *o, const struct link *l, const char *host)
{
	char parent[256 + IFNAMSIZ];
	bool elsewhere = l->parent_on_host && !l->netns->host && host != NULL;

	if (l->parent[0] == '\0')
		return 0;
	(void)snprintf(parent, sizeof(parent), "%s%s%s", l->parent, elsewhere ? " at " : "",
		       elsewhere ? host : "");
	return api_put_text(o, "parent", parent);
}

static int put_declared(json_t *o, const struct link *l, const char *host)
{
	char peer[256 + IFNAMSIZ];
	int r = 0;

	r |= api_put_text(o, "declaredBy", l->owner == l->netns ? "yes" : l->owner->name);
	if (l->peer != NULL) {
		(void)snprintf(peer, sizeof(peer), "%s at %s", l->peer->name, l->peer->netns->name);
		r |= api_put_text(o, "peer", peer);
	}
	r |= put_parent(o, l, host);
	if (l->config != NULL)
		r |= api_put(o, "settings", settings(l));
	return r;
}

/* --- what there is ------------------------------------------------------------------------------------- */

static const char *kind_of(const struct actual_link *l)
{
	if (l->has_kind && l->kind[0] != '\0')
		return l->kind;
	if (l->flags & IFF_LOOPBACK)
		return "loopback";
	return l->has_device ? "physical" : NULL;
}

static int put_mac(json_t *o, const struct actual_link *l)
{
	char text[3 * sizeof(l->mac)];

	if (l->mac_length == 0 || l->mac_length > sizeof(l->mac))
		return 0;
	for (size_t i = 0; i < l->mac_length; i++)
		(void)snprintf(text + 3 * i, 4, "%02x:", l->mac[i]);
	text[3 * l->mac_length - 1] = '\0';
	return api_put_text(o, "macAddress", text);
}

static json_t *addresses(const struct actual *a, int ifindex)
{
	json_t *array = json_array();
	int r = 0;

	for (size_t i = 0; i < a->n_addresses; i++) {
		_cleanup_free_ char *text = NULL;

		if (a->addresses[i].ifindex != ifindex)
			continue;
		text = address_to_string(&a->addresses[i].address);
		r |= text != NULL ? json_array_append_new(array, api_text(text)) : -1;
	}
	return api_built(array, r);
}

/* IFLA_LINK is the other end of a pair, else what the link stands on. */
static const char *parent_of(const struct actual *a, const struct actual_link *l)
{
	const struct actual_link *parent;

	if (l->parent == 0 || l->parent == l->ifindex || l->link_nsid >= 0 ||
	    (l->has_kind && (str_equal(l->kind, "veth") || str_equal(l->kind, "vxcan"))))
		return NULL;
	parent = actual_link_by_index(a, l->parent);
	return parent != NULL ? parent->name : NULL;
}

static int put_actual(json_t *o, const struct actual *a, const struct actual_link *l)
{
	const struct actual_link *master = l->master != 0 ? actual_link_by_index(a, l->master) : NULL;
	int r = 0;

	r |= api_put_text(o, "kind", kind_of(l));
	r |= api_put_int(o, "index", l->ifindex);
	r |= api_put_text(o, "operationalState", operstate_to_string(l->operstate));
	r |= api_put_bool(o, "up", (l->flags & IFF_UP) != 0);
	r |= api_put_int(o, "mtu", l->mtu);
	r |= put_mac(o, l);
	r |= api_put_text(o, "master", master != NULL ? master->name : NULL);
	r |= api_put_text(o, "parent", parent_of(a, l));
	r |= api_put_text(o, "alias", l->alias);
	r |= api_put_texts(o, "alternativeNames", l->altnames);
	r |= api_put(o, "addresses", addresses(a, l->ifindex));
	r |= api_put_int(o, "rxBytes", (json_int_t)l->rx_bytes);
	r |= api_put_int(o, "txBytes", (json_int_t)l->tx_bytes);
	return r;
}

json_t *api_links(const struct netns *declared, const struct actual *actual, const char *host)
{
	json_t *array = json_array(), *o;
	const struct link *l;
	int r = 0;

	for (size_t i = 0; actual != NULL && i < actual->n_links; i++) {
		o = json_object();
		r |= api_put_text(o, "name", actual->links[i].name);
		r |= put_actual(o, actual, &actual->links[i]);
		l = declared != NULL ? netns_find_link(declared, actual->links[i].name) : NULL;
		if (l != NULL)
			r |= put_declared(o, l, host);
		r |= json_array_append_new(array, o);
	}
	if (declared != NULL)
		DL_FOREACH (declared->links, l) {
			if (actual != NULL && actual_find_link(actual, l->name) != NULL)
				continue;
			o = json_object();
			r |= api_put_text(o, "name", l->name);
			r |= api_put_text(o, "kind", l->kind->name);
			r |= put_declared(o, l, host);
			r |= json_array_append_new(array, o);
		}
	return api_built(array, r);
}
