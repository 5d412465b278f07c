/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When two desired objects are the same, apart from where they were written.
 *
 * Field by field and not by memcmp(): padding is nobody's, and pointers differ between two trees
 * that were read from the same files.
 */
#include "desired.h"

#include "key.h"
#include "parse.h"

#include <string.h>

bool address_equal(const struct address *a, const struct address *b)
{
	return prefix_equal(&a->prefix, &b->prefix) && ip_equal(&a->peer, &b->peer) && a->scope == b->scope &&
	       a->no_dad == b->no_dad && a->preferred == b->preferred && a->metric == b->metric &&
	       str_equal(a->label, b->label);
}

static bool nexthops_equal(const struct route *a, const struct route *b)
{
	if (a->n_nexthops != b->n_nexthops)
		return false;
	for (size_t i = 0; i < a->n_nexthops; i++) {
		const struct nexthop *x = &a->nexthops[i], *y = &b->nexthops[i];

		if (!ip_equal(&x->gateway, &y->gateway) || !str_equal(x->ifname, y->ifname) ||
		    x->weight != y->weight)
			return false;
	}
	return true;
}

static bool route_metrics_equal(const struct route *a, const struct route *b)
{
	return a->set == b->set && a->mtu == b->mtu && a->advmss == b->advmss && a->initcwnd == b->initcwnd &&
	       a->initrwnd == b->initrwnd && a->quickack == b->quickack &&
	       a->fastopen_no_cookie == b->fastopen_no_cookie && a->ttl_propagate == b->ttl_propagate &&
	       a->preference == b->preference;
}

bool route_equal(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->type == b->type && a->scope == b->scope && a->table == b->table &&
	       a->metric == b->metric && prefix_equal(&a->destination, &b->destination) &&
	       prefix_equal(&a->source, &b->source) && ip_equal(&a->gateway, &b->gateway) &&
	       ip_equal(&a->prefsrc, &b->prefsrc) && a->onlink == b->onlink && route_metrics_equal(a, b) &&
	       str_equal(a->ifname, b->ifname) && nexthops_equal(a, b);
}

static bool rule_selectors_equal(const struct rule *a, const struct rule *b)
{
	return prefix_equal(&a->from, &b->from) && prefix_equal(&a->to, &b->to) && a->fwmark == b->fwmark &&
	       a->fwmask == b->fwmask && str_equal(a->iif, b->iif) && str_equal(a->oif, b->oif) &&
	       a->sport[0] == b->sport[0] && a->sport[1] == b->sport[1] && a->dport[0] == b->dport[0] &&
	       a->dport[1] == b->dport[1] && a->has_uid == b->has_uid &&
	       (!a->has_uid || (a->uid[0] == b->uid[0] && a->uid[1] == b->uid[1]));
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->table == b->table &&
	       a->action == b->action && a->invert == b->invert && a->tos == b->tos &&
	       a->ip_protocol == b->ip_protocol && rule_selectors_equal(a, b) &&
	       a->suppress_prefixlength == b->suppress_prefixlength &&
	       a->suppress_ifgroup == b->suppress_ifgroup;
}

bool neighbor_equal(const struct neighbor *a, const struct neighbor *b)
{
	return ip_equal(&a->address, &b->address) && memcmp(&a->lladdr, &b->lladdr, sizeof(a->lladdr)) == 0 &&
	       str_equal(a->ifname, b->ifname);
}

static bool link_config_equal(const struct link *a, const struct link *b)
{
	if (a->kind != b->kind || a->kind_set != b->kind_set || !a->config != !b->config)
		return false;
	if (!a->config || !a->kind->keys)
		return true;
	for (unsigned i = 0; a->kind->keys[i].name; i++)
		if ((a->kind_set & (UINT64_C(1) << i)) && !key_equal(&a->kind->keys[i], a->config, b->config))
			return false;
	return true;
}

static bool link_addresses_equal(const struct link *a, const struct link *b)
{
	if (a->n_addresses != b->n_addresses)
		return false;
	for (size_t i = 0; i < a->n_addresses; i++)
		if (!address_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

static bool link_settings_equal(const struct link *a, const struct link *b)
{
	return a->mac_set == b->mac_set && (!a->mac_set || memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0) &&
	       a->mtu_set == b->mtu_set && (!a->mtu_set || a->mtu == b->mtu) &&
	       a->accept_ra_set == b->accept_ra_set && (!a->accept_ra_set || a->accept_ra == b->accept_ra) &&
	       str_equal(a->master, b->master) && str_equal(a->parent, b->parent) &&
	       a->parent_on_host == b->parent_on_host && str_equal(a->alias, b->alias) &&
	       strv_equal(a->altnames, b->altnames) && a->activation == b->activation &&
	       a->link_local == b->link_local;
}

bool link_equal(const struct link *a, const struct link *b)
{
	return str_equal(a->name, b->name) && str_equal(a->full_name, b->full_name) &&
	       str_equal(a->owner->name, b->owner->name) && a->is_peer == b->is_peer &&
	       link_settings_equal(a, b) && link_config_equal(a, b) && link_addresses_equal(a, b);
}

/* Where the other end is, and what it is called. */
static bool link_peer_equal(const struct link *a, const struct link *b)
{
	if (!a->peer || !b->peer)
		return a->peer == b->peer;
	return str_equal(a->peer->netns->name, b->peer->netns->name) && link_equal(a->peer, b->peer);
}

bool netns_equal(const struct netns *a, const struct netns *b)
{
	const struct link *x, *y;

	if (!str_equal(a->name, b->name) || !str_equal(a->text, b->text) || a->host != b->host ||
	    a->implicit != b->implicit || a->n_links != b->n_links)
		return false;
	/* The text does not say what a pool gave, nor what others place here. */
	for (x = a->links, y = b->links; x && y; x = x->next, y = y->next)
		if (!link_equal(x, y) || !link_peer_equal(x, y))
			return false;
	return !x && !y;
}
