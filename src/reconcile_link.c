/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired against actual: links, both ends of pairs, and what they are made of; what is set on them is
 * in reconcile_set.c. */
#include "reconcile_internal.h"

#include "key.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

static struct end end_of(const struct reconcile *r, const struct link *l)
{
	struct end e = {.link = l};

	if (!l)
		return e;
	e.place = reconcile_actual(r, l->netns);
	if (e.place)
		e.actual = actual_find_link(e.place, l->name);
	return e;
}

/* --- verdict ---------------------------------------------------------------------------------- */

static enum verdict worse(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

static const struct actual_link *find_parent(const struct reconcile *r, const struct link *l)
{
	const struct netns *n = l->parent_on_host ? r->in->desired->host : l->netns;
	const struct actual *place = reconcile_actual(r, n);

	return place ? actual_find_link(place, l->parent) : NULL;
}

static const struct link *declared_parent(const struct reconcile *r, const struct link *l)
{
	return netns_find_link(l->parent_on_host ? r->in->desired->host : l->netns, l->parent);
}

static enum verdict parent_verdict(const struct reconcile *r, const struct end *e, struct error *reason)
{
	const struct link *declared;
	const struct actual_link *parent;

	if (!e->link->parent[0])
		return VERDICT_SAME;
	declared = declared_parent(r, e->link);
	parent = find_parent(r, e->link);
	if (declared && reconcile_is_made(r, declared)) {
		error_set(reason, 0, "its parent %s is made again", e->link->parent);
		return VERDICT_RECREATE;
	}
	if (e->link->kind->flags & NETNSD_KIND_PARENT_IN_DATA) /* its compare() sees to it */
		return VERDICT_SAME;
	if (parent && e->actual->parent == parent->ifindex)
		return VERDICT_SAME;
	error_set(reason, 0, "its parent is not %s", e->link->parent);
	return VERDICT_RECREATE;
}

static enum verdict pair_verdict(const struct end *a, const struct end *b, struct error *reason)
{
	if (!b->link)
		return VERDICT_SAME;
	if (b->actual && a->actual->parent == b->actual->ifindex && b->actual->parent == a->actual->ifindex)
		return VERDICT_SAME;
	error_set(reason, 0, "its peer is not %s on %s", b->link->name, b->link->netns->name);
	return VERDICT_RECREATE;
}

static enum verdict kind_verdict(const struct reconcile *r, const struct end *e, struct error *reason)
{
	const struct link_kind *kind = e->link->kind;
	const struct actual_link *parent = (kind->flags & NETNSD_KIND_PARENT_IN_DATA) && e->link->parent[0]
						   ? find_parent(r, e->link)
						   : NULL;
	struct netnsd_link view = {.ifname = e->link->name,
				   .config = e->link->config,
				   .set = e->link->kind_set,
				   .parent_ifindex = parent ? parent->ifindex : 0};
	struct netnsd_error text = {""};
	enum verdict v = key_table_compare(kind->keys, e->link->config, e->link->kind_set,
					   e->actual->info_data, reason);

	if (kind->compare) {
		enum verdict own = kind->compare(&view, e->actual->info_data, &text);

		if (own > v)
			error_set(reason, 0, "%s", text.text);
		v = worse(v, own);
	}
	return v;
}

/* Keys that `before` set, that nothing says the old value of, and that are in force. */
static bool keeps_other_keys(const struct reconcile *r, const struct end *e)
{
	const struct link *b =
		r->in->exact && r->in->before ? netns_find_link(r->in->before, e->link->name) : NULL;
	struct end end = *e;
	struct error ignored;

	if (!b || b->is_peer || b->kind != e->link->kind || !(b->kind_set & ~e->link->kind_set))
		return false;
	end.link = b;
	return kind_verdict(r, &end, &ignored) == VERDICT_SAME;
}

static bool is_foreign(const struct end *e)
{
	return e->actual && e->actual->group != LINK_GROUP;
}

static enum verdict link_verdict(const struct reconcile *r, const struct end *a, const struct end *b,
				 struct error *reason)
{
	enum verdict v;

	if (is_foreign(a) || is_foreign(b))
		return VERDICT_FOREIGN;
	if (!a->actual)
		return VERDICT_MISSING;
	if (strcmp(a->actual->name, a->link->name) != 0) {
		error_set(reason, 0, "is named %s", a->actual->name);
		return VERDICT_RECREATE;
	}
	if (strcmp(a->actual->kind, a->link->kind->name) != 0) {
		error_set(reason, 0, "is of kind %s", a->actual->kind[0] ? a->actual->kind : "none");
		return VERDICT_RECREATE;
	}
	v = pair_verdict(a, b, reason);
	if (v == VERDICT_SAME)
		v = parent_verdict(r, a, reason);
	if (v == VERDICT_SAME)
		v = kind_verdict(r, a, reason);
	if (v != VERDICT_RECREATE && keeps_other_keys(r, a)) {
		error_set(reason, 0, "keeps what is taken back");
		v = VERDICT_RECREATE;
	}
	return v;
}

/* --- what a link waits for -------------------------------------------------------------------- */

static bool place_is_there(const struct reconcile *r, const struct netns *n)
{
	struct world_place place;

	if (reconcile_is_own(r, n))
		return true;
	place = r->in->place(n->name, r->in->data);
	return place.actual || place.coming;
}

/* 1: held back, and the plan says for what. */
static int hold_link(struct reconcile *r, const struct link *l)
{
	const struct link *declared;
	int ret = 0;

	if (l->peer && !place_is_there(r, l->peer->netns)) {
		ret = reconcile_wait(r, "namespace", l->peer->netns->name, NULL);
	} else if (l->parent[0] && !find_parent(r, l)) {
		declared = declared_parent(r, l);
		if (declared && !reconcile_is_held(r, declared))
			return 0;
		ret = reconcile_wait(r, "link", l->parent,
				     (l->parent_on_host ? r->in->desired->host : l->netns)->name);
	} else {
		return 0;
	}
	r->held[r->n_held++] = l;
	if (l->peer)
		r->held[r->n_held++] = l->peer;
	return ret < 0 ? ret : 1;
}

/* --- making ----------------------------------------------------------------------------------- */

static const char *link_text(struct plan *p, const struct link *l)
{
	const char *kind = l->kind->name;

	if (l->peer)
		return plan_printf(p, "%s %s, peer %s on %s", kind, l->name, l->peer->name,
				   l->peer->netns->name);
	if (l->parent[0])
		return plan_printf(p, "%s %s on %s", kind, l->name, l->parent);
	return plan_printf(p, "%s %s", kind, l->name);
}

static int plan_remove_end(struct reconcile *r, const struct end *e)
{
	struct action *a;

	if (!e->actual)
		return 0;
	a = plan_add(r->plan, ACTION_LINK_REMOVE, STAGE_LINKS, SIGN_REMOVE, e->link->netns->name);
	if (!a)
		return -ENOMEM;
	a->quiet = true;
	strcpy(a->ifname, e->actual->name);
	a->ifindex = e->actual->ifindex;
	a->text = plan_printf(r->plan, "%s %s", e->actual->kind, e->actual->name);
	return a->text ? 0 : -ENOMEM;
}

static int plan_create(struct reconcile *r, const struct end *a, const struct end *b,
		       const struct error *reason)
{
	struct action *action;
	int ret = plan_remove_end(r, a);

	/* The other end of a proper pair goes with the first; a stray one does not. */
	if (ret == 0 && b->actual && (!a->actual || a->actual->parent != b->actual->ifindex))
		ret = plan_remove_end(r, b);
	if (ret < 0)
		return ret;
	action = plan_add(r->plan, ACTION_LINK_CREATE, STAGE_LINKS, a->actual ? SIGN_CHANGE : SIGN_CREATE,
			  a->link->netns->name);
	if (!action)
		return -ENOMEM;
	action->link = a->link;
	strcpy(action->ifname, a->link->name);
	action->text = link_text(r->plan, a->link);
	action->reason = a->actual ? plan_printf(r->plan, "made again: %s", reason->text) : "not there";
	r->made[r->n_made++] = a->link;
	if (b->link)
		r->made[r->n_made++] = b->link;
	return action->text && action->reason ? 0 : -ENOMEM;
}

/* What undo sets again: the kernel's values of the keys that are declared. */
static int keep_old_kind(struct reconcile *r, const struct end *e, struct action *a)
{
	const struct link_kind *kind = e->link->kind;
	struct link *old = plan_old_link(r->plan, e->link);

	if (!old)
		return -ENOMEM;
	old->kind_set = kind_read(kind, e->link->kind_set, e->actual->info_data, old->config);
	for (unsigned i = 0; kind->keys && kind->keys[i].name && i < 64; i++)
		if ((e->link->kind_set & ~old->kind_set & UINT64_C(1) << i) &&
		    !(kind->keys[i].flags & NETNSD_KEY_FIXED))
			a->undo_in_part = true;
	a->old_values.kind_of = old;
	a->old_values.change = old->kind_set ? LINK_CHANGE_KIND : 0;
	return 0;
}

static int plan_kind_change(struct reconcile *r, const struct end *e, const struct error *reason)
{
	struct action *a =
		plan_add(r->plan, ACTION_LINK_SET, STAGE_CONFIGURE, SIGN_CHANGE, e->link->netns->name);

	if (!a)
		return -ENOMEM;
	a->link = e->link;
	strcpy(a->ifname, e->link->name);
	a->ifindex = e->actual->ifindex;
	a->values.change = LINK_CHANGE_KIND;
	a->values.kind_of = e->link;
	a->text = plan_printf(r->plan, "%s: %s", e->link->name, reason->text);
	return a->text ? keep_old_kind(r, e, a) : -ENOMEM;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int foreign_error(const struct reconcile *r, const struct end *a, const struct end *b)
{
	const struct end *e = is_foreign(a) ? a : b;

	return error_set(
		r->err, -EEXIST,
		"a link %s exists already in %s and is not netnsd's; choose another name or remove it",
		e->link->name, e->link->netns->name);
}

static int reconcile_link(struct reconcile *r, const struct link *l)
{
	struct end a = end_of(r, l), b = end_of(r, l->peer);
	struct error reason = {0};
	int ret = hold_link(r, l);

	if (ret != 0)
		return ret < 0 ? ret : 0;
	switch (link_verdict(r, &a, &b, &reason)) {
	case VERDICT_FOREIGN: return foreign_error(r, &a, &b);
	case VERDICT_MISSING:
	case VERDICT_RECREATE: ret = plan_create(r, &a, &b, &reason); break;
	case VERDICT_CHANGE: ret = plan_kind_change(r, &a, &reason); break;
	case VERDICT_SAME: break;
	}
	if (ret == 0)
		ret = reconcile_end(r, a);
	return ret == 0 ? reconcile_end(r, b) : ret;
}

/* Masters and parents first: how deep a link stands on others of the same namespace. Cycles were
 * refused when the files were read; the bound is for a tree that was not. */
static unsigned link_depth(const struct link *l)
{
	unsigned depth = 0;

	while (l && (l->parent[0] && !l->parent_on_host) && depth < 64) {
		l = netns_find_link(l->netns, l->parent);
		depth++;
	}
	return depth;
}

int reconcile_links(struct reconcile *r)
{
	const struct netns *n = r->in->netns;
	const struct link *l;
	bool deeper = true;
	int ret = 0;

	for (unsigned depth = 0; deeper && depth <= 64; depth++) {
		deeper = false;
		DL_FOREACH (n->links, l) {
			unsigned d;

			if (l->is_peer)
				continue;
			d = link_depth(l);
			deeper = deeper || d > depth;
			if (d == depth && ret == 0)
				ret = reconcile_link(r, l);
		}
	}
	return ret;
}

/* Whether the plan of the namespace where its other end lives removes this one too. Of two ends that
 * nobody declares, the host's leaves it to the other; between others the name decides. */
static bool goes_with_peer(const struct reconcile *r, const struct actual_link *a)
{
	const struct netns *n, *tmp;

	if (a->link_nsid < 0 || a->parent == 0)
		return false;
	HASH_ITER (hh, r->in->desired->namespaces, n, tmp) {
		bool theirs = !n->host && (r->in->netns->host || strcmp(n->name, r->in->netns->name) < 0);
		const struct actual *other = theirs ? reconcile_actual(r, n) : NULL;
		const struct actual_link *p = other ? actual_link_by_index(other, a->parent) : NULL;

		if (p && p->parent == a->ifindex && p->group == LINK_GROUP && strcmp(p->kind, a->kind) == 0 &&
		    !netns_find_link(n, p->name))
			return true;
	}
	return false;
}

/* Alternative names are found as well. */
static bool has_a_name_of(const struct actual *place, const struct actual_link *a, const struct link *l)
{
	for (size_t i = 0; l->altnames && l->altnames[i]; i++)
		if (actual_find_link(place, l->altnames[i]) == a)
			return true;
	return false;
}

/* Whether a link that nobody declares has to go before the others can be as declared. Of some kinds the
 * kernel has no second (a VXLAN of that VNI: perhaps this is it, renamed by somebody), and what has links
 * made on it does not become a port. */
static bool is_in_the_way(const struct reconcile *r, const struct actual_link *a)
{
	const struct actual *own = r->in->own;
	const struct link *l;

	DL_FOREACH (r->in->netns->links, l) {
		const struct actual_link *now = actual_find_link(own, l->name);
		bool single = !l->is_peer && !l->peer;

		if (now && l->master[0] && !now->master && a->parent == now->ifindex && a->link_nsid < 0)
			return true;
		if (!now && single && strcmp(l->kind->name, a->kind) == 0)
			return true;
		if (has_a_name_of(own, a, l))
			return true;
	}
	return false;
}

int reconcile_undeclared_links(struct reconcile *r, bool in_the_way)
{
	const struct actual *own = r->in->own;

	for (size_t i = 0; own && i < own->n_links; i++) {
		const struct actual_link *l = &own->links[i];
		struct action *a;

		if (l->group != LINK_GROUP || netns_find_link(r->in->netns, l->name) ||
		    goes_with_peer(r, l) || is_in_the_way(r, l) != in_the_way)
			continue;
		a = plan_add(r->plan, ACTION_LINK_REMOVE, in_the_way ? STAGE_LINKS : STAGE_REMOVE,
			     SIGN_REMOVE, r->in->netns->name);
		if (!a)
			return -ENOMEM;
		strcpy(a->ifname, l->name);
		a->ifindex = l->ifindex;
		a->text = plan_printf(r->plan, "%s %s", l->kind, l->name);
		a->reason = "no longer declared";
		if (!a->text)
			return -ENOMEM;
	}
	return 0;
}
