/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One namespace of a round, as it was found, against what is to be: its plan. */
#include "round.h"

#include "manager_internal.h"
#include "netns.h"
#include "reconcile.h"

#include <errno.h>
#include <string.h>

/* Removing a link by request costs 20 ms and more, for the kernel waits for RCU each time; left to
 * the end of its namespace it costs less than one, for those are torn down in batches (Linux 6.18).
 * So a few namespaces are emptied by request, and are gone when we answer; many are let go. */
#define FLUSH_MAX 4

/* Others may be taking it away just now. */
static bool is_going(const struct round_item *i)
{
	return !i->act && !i->round->plan_only && i->unit && i->unit->busy && !i->unit->wanted;
}

static struct world_place world(const char *name, void *data)
{
	const struct round *r = data;
	const struct round_item *i = round_find(r, name);
	struct world_place place = {0};

	if (!i || (i->act && !i->wanted) || is_going(i))
		return place;
	place.actual = i->survey.actual;
	place.coming = !place.actual && i->act && i->wanted && !i->failed;
	return place;
}

static int check_place(const struct round_item *i, const char *name, const char *link, struct error *err)
{
	const struct round_item *place = round_find(i->round, name);

	if (!place || place == i || place->survey.error.code == 0)
		return 0;
	if (place->survey.error.code == -EEXIST) /* somebody else's name: ours is yet to come */
		return 0;
	return error_set(err, place->survey.error.code, "%s cannot be looked at, where %s is: %s", name, link,
			 place->survey.error.text);
}

/* A place that nobody could look at must not be taken for one where nothing is. */
static int check_places(const struct round_item *i, struct error *err)
{
	const struct link *l;
	int r = 0;

	DL_FOREACH (i->netns->links, l) {
		if (r == 0 && l->peer)
			r = check_place(i, l->peer->netns->name, l->peer->name, err);
		if (r == 0 && l->parent_on_host)
			r = check_place(i, i->round->desired->host->name, l->parent, err);
	}
	return r;
}

/* What may have to be taken back: what was in force, or, on the way back, what was begun. */
static const struct desired *tree_before(const struct round_item *i)
{
	if (i->round->exact && i->round->before)
		return i->round->before;
	return i->unit ? i->unit->applied : NULL;
}

static int item_reconcile(struct round_item *i, struct plan **ret, struct error *err)
{
	const struct survey *s = &i->survey;
	struct reconcile_input in = {
		.desired = i->round->desired,
		.netns = i->netns,
		.before = tree_before(i) ? desired_find(tree_before(i), i->name) : NULL,
		.own = s->actual,
		.named = s->named,
		/* An adopted one may have had a number of the kernel's before, which cannot be changed; and
		 * one of ours stays when its file goes, but the namespace is somebody else's again. */
		.ours = nsid_is_created(s->nsid) || (i->netns && i->netns->adopt && s->nsid >= 0),
		.place = world,
		.data = i->round,
		.exact = i->round->exact,
	};
	int r;

	if (s->error.code < 0) {
		*err = s->error;
		return s->error.code;
	}
	if (i->wanted && i->netns && (r = check_places(i, err)) < 0)
		return r;
	if (i->wanted && i->netns)
		return reconcile(&in, ret, err);
	if (!s->actual && !s->named)
		return plan_new(i->name, NULL, ret);
	if (s->host || (!nsid_is_created(s->nsid) && !(i->unit && i->unit->fd >= 0)))
		return plan_new(i->name, NULL, ret);
	return reconcile_removal(i->name, s->actual, !nsid_is_created(s->nsid), s->named,
				 s->n_holders > 0 || i->round->n_removals <= FLUSH_MAX, ret);
}

void round_plan_item(struct round_item *i)
{
	struct round *r = i->round;
	struct error err = {0};
	struct plan *p;
	int ret;

	if (!i->act || !i->looked || i->failed)
		return;
	ret = item_reconcile(i, &p, &err);
	if (ret < 0) {
		if (err.code == 0)
			error_set(&err, ret, "%s", strerror(-ret));
		round_add_failed(i, NULL, &err);
		return;
	}
	strv_free(i->waits_for);
	i->waits_for = p->waits_for;
	p->waits_for = NULL;
	i->is_as_declared = p->n_actions == 0;
	if (p->n_actions == 0) {
		plan_free(p);
		return;
	}
	if (r->unasked && !round_may_repair(i, p)) {
		plan_free(p);
		return;
	}
	for (size_t k = 0; k < p->n_actions; k++)
		if (!p->actions[k].quiet)
			result_add_line(r->result, &p->actions[k]);
	r->plans[r->n_plans++] = p;
}
