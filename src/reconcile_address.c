/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired against actual: the addresses of one link end. */
#include "reconcile_internal.h"

#include "parse.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

static bool is_ours(const struct actual_address *a, int ifindex)
{
	return a->ifindex == ifindex && a->protocol == ROUTE_PROTOCOL;
}

/* The kernel tells addresses of one link apart by address and prefix length. */
static const struct actual_address *find_actual(const struct actual *place, int ifindex,
						const struct address *wanted)
{
	for (size_t i = 0; i < place->n_addresses; i++)
		if (place->addresses[i].ifindex == ifindex &&
		    prefix_equal(&place->addresses[i].address.prefix, &wanted->prefix))
			return &place->addresses[i];
	return NULL;
}

static const struct address *find_desired(const struct link *l, const struct address *now)
{
	for (size_t i = 0; i < l->n_addresses; i++)
		if (prefix_equal(&l->addresses[i].prefix, &now->prefix))
			return &l->addresses[i];
	return NULL;
}

static struct action *plan_address(struct reconcile *r, enum action_type type, const struct link *l,
				   const struct address *address, int ifindex)
{
	enum plan_stage stage = type == ACTION_ADDRESS_REMOVE ? STAGE_REMOVE : STAGE_CONFIGURE;
	enum operation_sign sign = type == ACTION_ADDRESS_ADD	   ? SIGN_CREATE
				   : type == ACTION_ADDRESS_CHANGE ? SIGN_CHANGE
								   : SIGN_REMOVE;
	struct action *a = plan_add(r->plan, type, stage, sign, l->netns->name);
	char *text;

	if (!a)
		return NULL;
	strcpy(a->ifname, l->name);
	a->ifindex = ifindex;
	a->address = address;
	text = address_to_string(address);
	a->text = text ? plan_printf(r->plan, "%s: address %s", l->name, text) : NULL;
	free(text);
	return a->text ? a : NULL;
}

static int plan_missing(struct reconcile *r, const struct link *l, const struct address *wanted, int ifindex,
			const char *reason)
{
	struct action *a = plan_address(r, ACTION_ADDRESS_ADD, l, wanted, ifindex);

	if (!a)
		return -ENOMEM;
	a->reason = reason;
	return 0;
}

/* Without one, an address is labelled with the name of its link. */
static bool same_label(const struct link *l, const struct address *wanted, const struct address *now)
{
	const char *label = strcmp(wanted->label, l->name) == 0 ? "" : wanted->label;

	return wanted->prefix.ip.family != AF_INET || strcmp(label, now->label) == 0;
}

/* What NLM_F_REPLACE cannot change: scope and label of IPv4 (Linux 6.18), peers. Then the address is
 * removed and added again, next to each other. */
static bool needs_new(const struct link *l, const struct address *wanted, const struct address *now)
{
	return wanted->scope != now->scope || !ip_equal(&wanted->peer, &now->peer) ||
	       !same_label(l, wanted, now) || wanted->no_dad != now->no_dad;
}

static bool needs_change(const struct address *wanted, const struct address *now)
{
	return (wanted->preferred == 0) != (now->preferred == 0) ||
	       (wanted->metric && wanted->metric != now->metric) || (!wanted->metric && now->metric);
}

static bool same_subnet(const struct address *a, const struct address *b)
{
	struct netnsd_prefix x = prefix_masked(&a->prefix), y = prefix_masked(&b->prefix);

	return prefix_equal(&x, &y);
}

/* The kernel keeps IPv4 addresses of a subnet by age, and takes the first for what leaves: an undo has to
 * put the removed one before the others again. */
static int keep_younger(struct reconcile *r, struct action *a, const struct actual *place,
			const struct actual_address *now)
{
	for (const struct actual_address *x = now + 1; x < place->addresses + place->n_addresses; x++) {
		const struct address **grown;

		if (!is_ours(x, now->ifindex) || !same_subnet(&x->address, &now->address))
			continue;
		grown = plan_younger(r->plan, a);
		if (!grown)
			return -ENOMEM;
		*grown = &x->address;
	}
	return 0;
}

/* An IPv4 address that goes takes the younger ones of its subnet with it unless the namespace
 * promotes them. In a namespace of our own we let it; elsewhere the next look finds and adds them. */
static struct action *plan_remove(struct reconcile *r, const struct link *l, const struct actual *place,
				  const struct actual_address *now)
{
	struct action *a = plan_address(r, ACTION_ADDRESS_REMOVE, l, &now->address, now->ifindex);

	if (!a || now->address.prefix.ip.family != AF_INET)
		return a;
	a->promote = !l->netns->host && !l->netns->adopt;
	return keep_younger(r, a, place, now) < 0 ? NULL : a;
}

static int plan_differing(struct reconcile *r, const struct link *l, const struct actual *place,
			  const struct address *wanted, const struct actual_address *now)
{
	struct action *a;

	if (needs_new(l, wanted, &now->address)) {
		a = plan_remove(r, l, place, now);
		if (!a)
			return -ENOMEM;
		a->quiet = true;
		a->stage = STAGE_CONFIGURE;
		a = plan_address(r, ACTION_ADDRESS_ADD, l, wanted, now->ifindex);
		if (!a)
			return -ENOMEM;
		a->sign = SIGN_CHANGE;
	} else {
		a = plan_address(r, ACTION_ADDRESS_CHANGE, l, wanted, now->ifindex);
		if (!a)
			return -ENOMEM;
	}
	a->old_address = &now->address;
	a->reason = "differs";
	return 0;
}

/* The one before it is missing and is about to be made behind it; the first of a subnet is what leaves. */
static bool comes_too_early(const struct reconcile *r, const struct link *l, size_t index,
			    const struct actual *place, int ifindex)
{
	for (size_t i = 0; r->in->exact && i < index; i++)
		if (l->addresses[i].prefix.ip.family == AF_INET &&
		    same_subnet(&l->addresses[i], &l->addresses[index]) &&
		    !find_actual(place, ifindex, &l->addresses[i]))
			return true;
	return false;
}

static int plan_again(struct reconcile *r, const struct link *l, const struct actual *place,
		      const struct address *wanted, const struct actual_address *now)
{
	struct action *a = plan_remove(r, l, place, now);

	if (!a)
		return -ENOMEM;
	a->quiet = true;
	a->stage = STAGE_CONFIGURE;
	return plan_missing(r, l, wanted, now->ifindex, "comes after others");
}

/* `a` NULL: the link is made by this plan, everything is missing. */
int reconcile_addresses(struct reconcile *r, const struct link *l, const struct actual *place,
			const struct actual_link *a)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < l->n_addresses; i++) {
		const struct address *wanted = &l->addresses[i];
		const struct actual_address *now = a ? find_actual(place, a->ifindex, wanted) : NULL;

		if (!now)
			ret = plan_missing(r, l, wanted, a ? a->ifindex : 0, "not there");
		else if (now->protocol == ROUTE_PROTOCOL &&
			 (needs_new(l, wanted, &now->address) || needs_change(wanted, &now->address)))
			ret = plan_differing(r, l, place, wanted, now);
		else if (now->protocol == ROUTE_PROTOCOL && comes_too_early(r, l, i, place, a->ifindex))
			ret = plan_again(r, l, place, wanted, now);
	}
	for (size_t i = 0; ret == 0 && a && i < place->n_addresses; i++)
		if (is_ours(&place->addresses[i], a->ifindex) &&
		    !find_desired(l, &place->addresses[i].address)) {
			struct action *gone = plan_remove(r, l, place, &place->addresses[i]);

			ret = gone ? 0 : -ENOMEM;
			if (gone)
				gone->reason = "no longer declared";
		}
	return ret;
}
