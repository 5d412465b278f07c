/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compare, do, and look again until nothing is left to do; see round.h. Looking is in round_look.c. */
#include "round.h"

#include "log.h"
#include "manager_internal.h"
#include "netns.h"
#include "reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A change can take other things with it (routes with an address, ports with a bridge): what is
 * there afterwards is looked at again, this often at most. */
#define TURNS_MAX 4

/* Removing a link by request costs 20 ms and more, for the kernel waits for RCU each time; left to
 * the end of its namespace it costs less than one, for those are torn down in batches (Linux 6.18).
 * So a few namespaces are emptied by request, and are gone when we answer; many are let go. */
#define FLUSH_MAX 4

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

/* --- results ---------------------------------------------------------------------------------- */

void result_drop_lines(struct operation_result *result)
{
	for (size_t i = 0; i < result->n_lines; i++) {
		free(result->lines[i].netns);
		free(result->lines[i].text);
		free(result->lines[i].reason);
	}
	free(result->lines);
	result->lines = NULL;
	result->n_lines = 0;
}

void result_clear(struct operation_result *result)
{
	result_drop_lines(result);
	for (size_t i = 0; i < result->n_failed; i++) {
		free(result->failed[i].netns);
		free(result->failed[i].action);
	}
	free(result->failed);
	free(result->holders);
	free(result->name);
	actual_free(result->actual);
	diags_free(&result->diags);
	*result = (struct operation_result){0};
}

/* Lines are for people: without memory for one, the work goes on without it. */
static void add_line(struct operation_result *result, const struct action *a)
{
	struct operation_line *grown = reallocarray(result->lines, result->n_lines + 1, sizeof(*grown));

	if (!grown)
		return;
	result->lines = grown;
	grown[result->n_lines] = (struct operation_line){.sign = a->sign,
							 .netns = strdup(a->place),
							 .text = strdup(a->text),
							 .reason = a->reason ? strdup(a->reason) : NULL};
	if (grown[result->n_lines].netns && grown[result->n_lines].text)
		result->n_lines++;
}

static void add_failed(struct round_item *i, const char *action, const struct error *err)
{
	struct operation_result *result = i->round->result;
	struct operation_failed *grown = reallocarray(result->failed, result->n_failed + 1, sizeof(*grown));

	i->failed = true;
	i->error = *err;
	if (action) {
		struct error told = {0};

		error_set(&told, err->code, "%s: %s", action, err->text);
		i->error = told;
	}
	/* Another try that fails as the one before is no news. */
	log_write(i->unit && str_equal(i->unit->told_failure.text, i->error.text) ? LOG_DEBUG : LOG_ERR,
		  i->name, "%s", i->error.text);
	result->failure = FAILURE_APPLY;
	if (!grown)
		return;
	result->failed = grown;
	grown[result->n_failed++] = (struct operation_failed){
		.netns = strdup(i->name), .action = action ? strdup(action) : NULL, .error = *err};
}

static void round_finish(struct round *r);

/* --- comparing -------------------------------------------------------------------------------- */

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

static void item_plan(struct round_item *i)
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
		add_failed(i, NULL, &err);
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
			add_line(r->result, &p->actions[k]);
	r->plans[r->n_plans++] = p;
}

/* --- doing ------------------------------------------------------------------------------------ */

static int open_place(const char *name, void *data)
{
	struct round *r = data;
	const struct unit *u = manager_find_unit(r->manager, name);

	return u && u->fd >= 0 ? netns_dup(u->fd) : -1;
}

static void unit_after_success(struct round_item *i, struct transaction *t)
{
	struct unit *u = i->unit;

	i->changed = true;
	for (char **s = t->waits_for; s && *s; s++)
		(void)strv_push(&i->waits_for, *s);
	if (!u)
		return;
	if (t->created) {
		if (u->fd >= 0)
			(void)close(u->fd);
		u->fd = t->places[0].fd;
		t->places[0].fd = -1;
		watch_set_nsid(u, t->nsid);
		u->cookie = t->cookie;
		u->device = t->device;
		u->inode = t->inode;
		u->classes = i->netns ? round_declared_classes(i->netns) : 0;
		u->classes_known = true;
	} else if (u->fd < 0 && t->places[0].fd >= 0) { /* adopted */
		u->fd = t->places[0].fd;
		t->places[0].fd = -1;
	}
}

static void entry_over(struct batch_entry *e, void *data)
{
	struct round *r = data;
	struct round_item *i = round_find(r, e->name);
	struct transaction *t = e->transaction;

	r->done++;
	if (r->progress)
		r->progress(r->done, r->total, r->data);
	if (t->error.code == 0) {
		unit_after_success(i, t);
		if (i->drifted)
			round_repaired(i, t->plan);
		return;
	}
	if (i->unit && i->unit->fd < 0) /* the number is not used again */
		watch_set_nsid(i->unit, -1);
	i->destroyed = t->destroyed;
	add_failed(i, t->failed ? t->failed->text : NULL, &t->error);
}

/* Whoever is compared again needs a fresh view of the places of its peers, and they are compared too. */
static bool look_at_peers(struct round *r, const struct round_item *i)
{
	const struct link *l;
	bool more = false;

	DL_FOREACH (i->netns->links, l) {
		struct round_item *peer = l->peer ? round_find(r, l->peer->netns->name) : NULL;

		if (peer && !peer->look) {
			peer->look = true;
			more = true;
		}
	}
	return more;
}

/* Who has to be looked at again: what was changed and did exist before (the acks of a namespace
 * made from nothing are proof enough), and with the host everybody who stands on it. */
static bool round_look_again(struct round *r)
{
	struct round_item *i, *tmp, *host = round_find(r, r->desired->host->name);
	bool host_changed = host && host->changed, any = false, more = true;

	HASH_ITER (hh, r->items, i, tmp) {
		i->look =
			i->act && i->wanted && !i->failed && i->survey.actual && (i->changed || host_changed);
		i->changed = false;
		any = any || i->look;
	}
	while (any && more) {
		more = false;
		HASH_ITER (hh, r->items, i, tmp)
			if (i->look && i->netns && !i->netns->host && look_at_peers(r, i))
				more = true;
	}
	if (host) /* names and indexes there may be new */
		host->look = any;
	return any;
}

static void items_unnamed(struct round *r)
{
	struct round_item *i, *tmp;

	HASH_ITER (hh, r->items, i, tmp)
		if (i->act && (i->looked || r->atomic) && i->unit && !i->wanted && !i->failed)
			manager_unit_unnamed(i->unit);
}

static void batch_over(struct batch *b, void *data)
{
	struct round *r = data;
	bool stop = r->atomic && b->failed;

	for (size_t k = 0; stop && k < b->n; k++) {
		struct round_item *i = round_find(r, b->entries[k].name);

		if (i->unit && i->unit->fd < 0) /* was not made to its end, and goes with the batch */
			watch_set_nsid(i->unit, -1);
	}
	r->batch = NULL;
	batch_free(b);
	if (!stop && ++r->turn < TURNS_MAX && round_look_again(r)) {
		if (!r->atomic) /* the end may still bring them back */
			items_unnamed(r);
		round_look(r);
	} else {
		round_finish(r);
	}
}

static void prepare_entry(struct round *r, struct batch_entry *e)
{
	struct round_item *i = round_find(r, e->name);
	struct transaction *t = e->transaction;
	const struct action *first = &t->plan->actions[0];

	if (i->survey.fd >= 0)
		t->places[0].fd = netns_dup(i->survey.fd); /* or -errno, which is told when it is needed */
	if (first->type == ACTION_NETNS_CREATE)
		t->nsid = manager_next_nsid(r->manager, false);
	if (first->type == ACTION_NETNS_ADOPT)
		t->nsid = manager_next_nsid(r->manager, true);
	if (i->unit &&
	    first->type == ACTION_NETNS_CREATE) /* its first events come before we know that it is there */
		watch_set_nsid(i->unit, t->nsid);
	if (i->unit)
		unit_set_state(i->unit, i->wanted ? NETNS_CONFIGURING : NETNS_REMOVING, NULL);
}

static void entry_flies(struct batch_entry *e, bool begins, void *data)
{
	struct round *r = data;

	if (begins)
		watch_flight_begins(r->manager, &e->flight, e->transaction);
	else
		watch_flight_ends(r->manager, &e->flight);
}

static int round_apply(struct round *r)
{
	struct batch *b;
	int ret = batch_new(r->manager->workers, 2 * r->manager->settings.workers + 2, r->plans, r->n_plans,
			    r->desired->host->name, &b);

	r->total = r->n_plans;
	r->done = 0;
	r->n_plans = 0; /* taken over */
	if (ret < 0)
		return ret;
	for (size_t k = 0; k < b->n; k++)
		prepare_entry(r, &b->entries[k]);
	b->open_place = open_place;
	b->entry_over = entry_over;
	b->entry_flies = entry_flies;
	b->over = batch_over;
	b->data = r;
	b->atomic = r->atomic;
	r->started = true;
	r->batch = b;
	batch_run(b);
	return 0;
}

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
			add_failed(i, NULL, &err);
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
		item_plan(i);
	HASH_ITER (hh, r->items, i, tmp)
		if (strcmp(i->name, host) != 0)
			item_plan(i);
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

static void round_finish(struct round *r)
{
	struct round_item *i, *tmp;

	HASH_ITER (hh, r->items, i, tmp)
		if (i->act && i->wanted && !r->unasked && !r->recovery)
			round_tell_waiting(i);
	if (!r->plan_only && !(r->atomic && any_failed(r))) {
		items_unnamed(r);
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
