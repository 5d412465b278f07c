/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plans of a round, handed to the workers, what becomes of the units by them, and who has to be looked at
 * again afterwards. */
#include "round.h"

#include "manager_internal.h"
#include "netns.h"

#include <unistd.h>

/* A change can take other things with it (routes with an address, ports with a bridge): what is
 * there afterwards is looked at again, this often at most. */
#define TURNS_MAX 4

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
	round_add_failed(i, t->failed ? t->failed->text : NULL, &t->error);
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

void round_unname(struct round *r)
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
			round_unname(r);
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

int round_apply(struct round *r)
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
