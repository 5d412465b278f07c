/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired against actual: what is set on one end of a link: MTU, MAC, master, names, up, addresses. */
#include "reconcile_internal.h"

#include "parse.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

/* --- setting ---------------------------------------------------------------------------------- */

/* A LINK_SET for one attribute; of a link that is just being made it is no line of its own. */
static struct action *plan_set(struct reconcile *r, const struct end *e, unsigned change)
{
	struct action *a =
		plan_add(r->plan, ACTION_LINK_SET, STAGE_CONFIGURE, SIGN_CHANGE, e->link->netns->name);

	if (!a)
		return NULL;
	a->link = e->link;
	a->quiet = !e->actual;
	strcpy(a->ifname, e->link->name);
	a->ifindex = e->actual ? e->actual->ifindex : 0;
	a->values.change = a->old_values.change = change;
	a->text = e->link->name;
	return a;
}

static int set_mtu_and_mac(struct reconcile *r, const struct end *e)
{
	const struct link *l = e->link;
	char now[FORMAT_MAX], then[FORMAT_MAX];
	struct netnsd_mac mac;
	struct action *a;

	if (!e->actual) /* both went into its creation */
		return 0;
	if (l->mtu_set && e->actual->mtu != l->mtu) {
		a = plan_set(r, e, LINK_CHANGE_MTU);
		if (!a)
			return -ENOMEM;
		a->stage = STAGE_LINKS; /* before links are made on it: none may have a larger MTU */
		a->values.mtu = l->mtu;
		a->old_values.mtu = e->actual->mtu;
		a->text =
			plan_printf(r->plan, "%s: MTUBytes %u, declared %u", l->name, e->actual->mtu, l->mtu);
	}
	if (l->mac_set && (e->actual->mac_length != 6 || memcmp(e->actual->mac, l->mac.bytes, 6) != 0)) {
		a = plan_set(r, e, LINK_CHANGE_MAC);
		if (!a)
			return -ENOMEM;
		memcpy(mac.bytes, e->actual->mac, 6);
		a->values.mac = l->mac;
		a->old_values.mac = mac;
		a->text = plan_printf(r->plan, "%s: MACAddress %s, declared %s", l->name,
				      format_mac(&mac, now), format_mac(&l->mac, then));
	}
	return 0;
}

static const char *master_name(const struct end *e)
{
	const struct actual_link *m =
		e->actual && e->actual->master ? actual_link_by_index(e->place, e->actual->master) : NULL;

	return m ? m->name : "none";
}

static const struct link *link_before(const struct reconcile *r, const struct link *l)
{
	const struct link *b;

	if (!r->in->before)
		return NULL;
	if (!l->is_peer)
		return netns_find_link(r->in->before, l->name);
	b = netns_find_link(r->in->before, l->peer->name);
	return b && b->peer && strcmp(b->peer->name, l->name) == 0 ? b->peer : NULL;
}

static int plan_master(struct reconcile *r, const struct end *e, const char *master)
{
	struct action *a = plan_set(r, e, LINK_CHANGE_MASTER);

	if (!a)
		return -ENOMEM;
	if (!master[0])
		a->stage = STAGE_LINKS; /* before links are made on it: on a port there can be none */
	strcpy(a->master, master);
	a->old_values.master_ifindex = e->actual ? e->actual->master : 0;
	a->text = plan_printf(r->plan, "%s: master %s, declared %s", e->link->name, master_name(e),
			      master[0] ? master : "none");
	return a->text ? 0 : -ENOMEM;
}

static int set_master(struct reconcile *r, const struct end *e)
{
	const struct link *l = e->link, *declared, *before = link_before(r, l);
	const struct actual_link *master = NULL;

	if (!l->master[0]) /* not declared: only what we set before is taken back */
		return e->actual && e->actual->master && before && before->master[0] ? plan_master(r, e, "")
										     : 0;
	declared = netns_find_link(l->netns, l->master);
	if (e->place)
		master = actual_find_link(e->place, l->master);
	if (!master && (!declared || reconcile_is_held(r, declared)))
		return reconcile_wait(r, l->master_key, l->master, l->netns->name);
	if (e->actual && master && e->actual->master == master->ifindex &&
	    !(declared && reconcile_is_made(r, declared)))
		return 0;
	return plan_master(r, e, l->master);
}

static int set_alias(struct reconcile *r, const struct end *e)
{
	const struct link *before = link_before(r, e->link);
	const char *now = e->actual && e->actual->alias ? e->actual->alias : "";
	const char *wanted = e->link->alias;
	struct action *a;

	if (!wanted && before && before->alias)
		wanted = "";
	if (!wanted || strcmp(now, wanted) == 0)
		return 0;
	a = plan_set(r, e, LINK_CHANGE_ALIAS);
	if (!a)
		return -ENOMEM;
	a->values.alias = wanted;
	a->old_values.alias = now;
	a->text = plan_printf(r->plan, "%s: Alias \"%s\", declared \"%s\"", e->link->name, now, wanted);
	return a->text ? 0 : -ENOMEM;
}

static int set_link_local(struct reconcile *r, const struct end *e)
{
	uint8_t wanted =
		e->link->link_local == LINK_LOCAL_NO ? IN6_ADDR_GEN_MODE_NONE : IN6_ADDR_GEN_MODE_EUI64;
	const struct link *before = link_before(r, e->link);
	struct action *a;

	if (e->link->link_local == LINK_LOCAL_DEFAULT &&
	    !(r->in->exact && before && before->link_local != LINK_LOCAL_DEFAULT))
		return 0;
	if (e->actual ? e->actual->addr_gen_mode == wanted || e->actual->addr_gen_mode == 255
		      : wanted == IN6_ADDR_GEN_MODE_EUI64)
		return 0;
	a = plan_set(r, e, LINK_CHANGE_ADDRGEN);
	if (!a)
		return -ENOMEM;
	a->values.addr_gen_mode = wanted;
	a->old_values.addr_gen_mode = e->actual ? e->actual->addr_gen_mode : 0;
	a->text = plan_printf(r->plan, "%s: LinkLocalAddressing, declared %s", e->link->name,
			      wanted == IN6_ADDR_GEN_MODE_NONE ? "no" : "ipv6");
	return a->text ? 0 : -ENOMEM;
}

static int set_up(struct reconcile *r, const struct end *e)
{
	bool up = e->actual && (e->actual->flags & IFF_UP), wanted;
	struct action *a;

	switch (e->link->activation) {
	case ACTIVATION_UP:
	case ACTIVATION_ALWAYS_UP: wanted = true; break;
	case ACTIVATION_DOWN:
	case ACTIVATION_ALWAYS_DOWN: wanted = false; break;
	default: return 0;
	}
	if (up == wanted)
		return 0;
	a = plan_set(r, e, wanted ? LINK_CHANGE_UP : LINK_CHANGE_DOWN);
	if (!a)
		return -ENOMEM;
	a->old_values.change = wanted ? LINK_CHANGE_DOWN : LINK_CHANGE_UP;
	a->text = plan_printf(r->plan, "%s: %s", e->link->name, wanted ? "up" : "down");
	a->reason = wanted ? "is down" : "is up";
	return a->text ? 0 : -ENOMEM;
}

static int plan_altname(struct reconcile *r, const struct end *e, const char *name, bool add)
{
	struct action *a = plan_add(r->plan, add ? ACTION_ALTNAME_ADD : ACTION_ALTNAME_REMOVE,
				    STAGE_CONFIGURE, add ? SIGN_CREATE : SIGN_REMOVE, e->link->netns->name);

	if (!a)
		return -ENOMEM;
	a->link = e->link;
	a->quiet = !e->actual;
	strcpy(a->ifname, e->link->name);
	a->ifindex = e->actual ? e->actual->ifindex : 0;
	a->name = name;
	a->text = plan_printf(r->plan, "%s: alternative name %s", e->link->name, name);
	a->reason = add ? "not there" : "no longer declared";
	return a->text ? 0 : -ENOMEM;
}

static int set_altnames(struct reconcile *r, const struct end *e)
{
	const struct link *before = link_before(r, e->link);
	int ret = 0;

	for (char **s = e->link->altnames; ret == 0 && s && *s; s++)
		if (!e->actual || !strv_contains(e->actual->altnames, *s))
			ret = plan_altname(r, e, *s, true);
	for (char **s = before && e->actual ? before->altnames : NULL; ret == 0 && s && *s; s++)
		if (!strv_contains(e->link->altnames, *s) && strv_contains(e->actual->altnames, *s)) {
			const char *name = plan_own(r->plan, strdup(*s)); /* `before` may go first */

			ret = name ? plan_altname(r, e, name, false) : -ENOMEM;
		}
	return ret;
}

int reconcile_end(struct reconcile *r, struct end e)
{
	int ret;

	if (!e.link)
		return 0;
	if (reconcile_is_made(r, e.link))
		e.actual = NULL; /* the one that is there goes */
	(void)((ret = set_mtu_and_mac(r, &e)) < 0 || (ret = set_link_local(r, &e)) < 0 ||
	       (ret = set_master(r, &e)) < 0 || (ret = set_alias(r, &e)) < 0 ||
	       (ret = set_altnames(r, &e)) < 0 || (ret = set_up(r, &e)) < 0 ||
	       (ret = reconcile_addresses(r, e.link, e.place, e.actual)) < 0);
	return ret;
}
