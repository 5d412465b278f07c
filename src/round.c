/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compare, do, and look again until nothing is left to do; see round.h. The steps are in round_look.c,
 * round_compare.c, round_apply.c and round_settle.c. */
#include "round.h"

#include "manager_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the object ------------------------------------------------------------------------------- */

int round_new(struct manager *m, struct desired *desired, struct desired *before,
	      struct operation_result *result, struct round **ret)
{
	struct round *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->manager = m;
	r->desired = desired_ref(desired);
	r->before = before ? desired_ref(before) : NULL;
	r->result = result;
	*ret = r;
	return 0;
}

static void item_free(struct round_item *i)
{
	survey_clear(&i->survey);
	strv_free(i->waits_for);
	free(i->name);
	free(i);
}

void round_free(struct round *r)
{
	struct round_item *i, *tmp;

	if (!r)
		return;
	batch_free(r->batch);
	for (size_t k = 0; k < r->n_plans; k++)
		plan_free(r->plans[k]);
	free(r->plans);
	HASH_ITER (hh, r->items, i, tmp) {
		HASH_DEL(r->items, i);
		item_free(i);
	}
	desired_unref(r->desired);
	desired_unref(r->before);
	free(r);
}

struct round_item *round_find(const struct round *r, const char *name)
{
	struct round_item *i;

	HASH_FIND_STR(r->items, name, i);
	return i;
}

int round_add(struct round *r, const char *name, bool act, bool wanted)
{
	struct round_item *i = round_find(r, name);

	if (i) {
		i->act = i->act || act;
		i->wanted = act ? wanted : i->wanted;
		return 0;
	}
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->name = strdup(name);
	if (!i->name) {
		free(i);
		return -ENOMEM;
	}
	i->round = r;
	i->unit = manager_find_unit(r->manager, name);
	i->netns = desired_find(r->desired, name);
	i->act = act;
	i->wanted = wanted;
	i->look = true;
	i->survey.fd = -1;
	HASH_ADD_KEYPTR(hh, r->items, i->name, strlen(i->name), i);
	if (!i->hh.tbl) {
		item_free(i);
		return -ENOMEM;
	}
	if (act && !wanted)
		r->n_removals++;
	return 0;
}

/* Others only appear as places of peers, masters and parents. */
static int add_referred(struct round *r, const struct netns *n)
{
	const struct link *l;
	int ret = 0;

	DL_FOREACH (n->links, l)
		if (ret == 0 && l->peer)
			ret = round_add(r, l->peer->netns->name, false, true);
	return ret;
}

static int add_all_referred(struct round *r)
{
	struct round_item *i, *tmp;
	int ret = round_add(r, r->desired->host->name, false, true);

	HASH_ITER (hh, r->items, i, tmp) /* items added meanwhile are not acted on: harmless */
		if (ret == 0 && i->act && i->netns)
			ret = add_referred(r, i->netns);
	return ret;
}

/* --- comparing and doing ------------------------------------------------------------------------ */

static bool any_failed(const struct round *r)
{
	const struct round_item *i, *tmp;

	HASH_ITER (hh, r->items, i, tmp)
		if (i->failed)
			return true;
	return false;
}

static void fail_all(struct round *r, const struct error *reason)
{
	struct round_item *i, *tmp;
	struct error err = *reason;

	if (!err.text[0])
		error_set(&err, reason->code, "%s", strerror(-reason->code));
	HASH_ITER (hh, r->items, i, tmp)
		if (i->act && !i->failed)
			round_add_failed(i, NULL, &err);
}

void round_reconcile(struct round *r)
{
	const char *host = r->desired->host->name;
	struct round_item *i, *tmp;
	struct error err = {0};
	int ret;

	round_find_units(r);
	free(r->plans);
	r->n_plans = 0;
	r->plans = calloc(HASH_COUNT(r->items) + 1, sizeof(*r->plans));
	if (!r->plans) {
		fail_all(r, &(struct error){.code = -ENOMEM});
		round_finish(r);
		return;
	}
	if ((i = round_find(r, host))) /* first: the others stand on it */
		round_plan_item(i);
	HASH_ITER (hh, r->items, i, tmp)
		if (strcmp(i->name, host) != 0)
			round_plan_item(i);
	if (r->plan_only || r->n_plans == 0 || (r->atomic && any_failed(r))) {
		round_finish(r);
		return;
	}
	ret = r->prepare && !r->started ? r->prepare(r, &err) : 0;
	if (ret <= 0)
		round_resume(r, &err);
}

void round_resume(struct round *r, const struct error *err)
{
	int ret = err->code;

	if (ret < 0)
		fail_all(r, err);
	else if ((ret = round_apply(r)) < 0)
		fail_all(r, &(struct error){.code = ret});
	if (ret < 0)
		round_finish(r);
}

/* --- the end ---------------------------------------------------------------------------------- */

void round_finish(struct round *r)
{
	struct round_item *i, *tmp;

	HASH_ITER (hh, r->items, i, tmp)
		if (i->act && i->wanted && !r->unasked && !r->recovery)
			round_tell_waiting(i);
	if (!r->plan_only && !(r->atomic && any_failed(r))) {
		round_unname(r);
		HASH_ITER (hh, r->items, i, tmp)
			if (i->act && i->unit && (i->wanted || i->failed))
				round_settle(i);
	}
	r->over(r, r->data);
}

int round_start(struct round *r)
{
	int ret = add_all_referred(r);

	if (ret == 0)
		round_look(r);
	return ret;
}
