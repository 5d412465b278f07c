/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which transaction may run which stages when; see apply.h. */
#include "apply.h"

#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct batch_entry *batch_find(const struct batch *b, const char *name)
{
	struct batch_entry *e;

	HASH_FIND_STR(b->by_name, name, e);
	return e;
}

static size_t index_of(const struct batch *b, const struct batch_entry *e)
{
	return (size_t)(e - b->entries);
}

static int add_index(size_t **list, size_t *n, size_t index)
{
	size_t *grown;

	for (size_t i = 0; i < *n; i++)
		if ((*list)[i] == index)
			return 0;
	grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*n)++] = index;
	return 0;
}

static int add_peer(struct batch *b, struct batch_entry *e, const char *name)
{
	struct batch_entry *other = batch_find(b, name);
	int r;

	if (!other || other == e)
		return 0;
	r = add_index(&e->peers, &e->n_peers, index_of(b, other));
	return r < 0 ? r : add_index(&other->placers, &other->n_placers, index_of(b, e));
}

static int entry_prepare(struct batch *b, struct batch_entry *e, const char *host_name)
{
	const struct plan *p = e->transaction->plan;
	const struct link *l;
	int r = transaction_place(e->transaction, host_name, true);

	for (size_t i = 0; r >= 0 && i < p->n_actions; i++)
		r = transaction_place(e->transaction, p->actions[i].place, false);
	for (size_t i = 0; r >= 0 && i < p->n_actions; i++)
		if (p->actions[i].link && p->actions[i].link->peer)
			r = transaction_place(e->transaction, p->actions[i].link->peer->netns->name, false);
	if (r < 0 || !p->netns)
		return r;
	DL_FOREACH (p->netns->links, l) {
		const struct netns *other = l->peer ? (l->is_peer ? NULL : l->peer->netns) : NULL;

		if (l->parent_on_host || (other && other->host))
			e->waits_for_host = !p->netns->host;
		if (other && !other->host)
			r = add_peer(b, e, other->name);
		if (r < 0)
			return r;
	}
	return 0;
}

int batch_new(struct worker_pool *workers, unsigned width, struct plan **plans, size_t n,
	      const char *host_name, struct batch **ret)
{
	struct batch *b = calloc(1, sizeof(*b));
	int r = b ? 0 : -ENOMEM;
	size_t taken = 0;

	if (b) {
		b->workers = workers;
		b->width = width;
		b->entries = calloc(n ? n : 1, sizeof(*b->entries));
		r = b->entries ? 0 : -ENOMEM;
	}
	for (; r == 0 && taken < n; taken++) {
		struct batch_entry *e = &b->entries[taken];

		r = transaction_new(plans[taken], &e->transaction);
		if (r < 0)
			break;
		e->name = plans[taken]->name;
		e->batch = b;
		e->shared_fd = -1;
		b->n++;
		HASH_ADD_KEYPTR(hh, b->by_name, e->name, strlen(e->name), e);
		if (!e->hh.tbl)
			r = -ENOMEM;
	}
	for (size_t i = taken; i < n; i++)
		plan_free(plans[i]);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = entry_prepare(b, &b->entries[i], host_name);
	if (r < 0) {
		batch_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	HASH_CLEAR(hh, b->by_name);
	for (size_t i = 0; b->entries && i < b->n; i++) {
		transaction_free(b->entries[i].transaction);
		if (b->entries[i].shared_fd >= 0)
			(void)close(b->entries[i].shared_fd);
		free(b->entries[i].peers);
		free(b->entries[i].placers);
	}
	free(b->entries);
	free(b);
}

/* --- order ------------------------------------------------------------------------------------ */

static bool has_passed(const struct batch_entry *e, enum plan_stage stage)
{
	return e->over || (!e->running && e->transaction->stage > stage);
}

static bool all_passed(const struct batch *b, const size_t *list, size_t n, enum plan_stage stage)
{
	for (size_t i = 0; i < n; i++)
		if (!has_passed(&b->entries[list[i]], stage))
			return false;
	return true;
}

static const struct batch_entry *host_entry(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->entries[i].transaction->places[0].host)
			return &b->entries[i];
	return NULL;
}

static bool is_removal(const struct batch_entry *e)
{
	return !e->transaction->plan->netns;
}

/* Whether all that stays (or all that goes) has passed the stage. */
static bool others_passed(const struct batch *b, bool removals, enum plan_stage stage)
{
	for (size_t i = 0; i < b->n; i++)
		if (is_removal(&b->entries[i]) == removals && !has_passed(&b->entries[i], stage))
			return false;
	return true;
}

static bool may_destroy(const struct batch *b, const struct batch_entry *e, enum plan_stage stage)
{
	if (is_removal(e))
		return others_passed(b, false, STAGE_REMOVE) &&
		       (stage < STAGE_CONFIGURE || others_passed(b, true, STAGE_LINKS));
	/* The entry itself: what it has done in this very job it has passed. */
	return stage < STAGE_REMOVE ||
	       (e->transaction->stage == STAGE_REMOVE && others_passed(b, false, STAGE_ROUTES));
}

static bool may_run(const struct batch *b, const struct batch_entry *e, enum plan_stage stage,
		    const struct batch_entry *host)
{
	if (b->atomic && !may_destroy(b, e, stage))
		return false;
	switch (stage) {
	case STAGE_LINKS:
		return all_passed(b, e->peers, e->n_peers, STAGE_CREATE) &&
		       (!e->waits_for_host || !host || has_passed(host, STAGE_LINKS));
	case STAGE_CONFIGURE:
		return all_passed(b, e->peers, e->n_peers, STAGE_LINKS) &&
		       (!e->waits_for_host || !host || has_passed(host, STAGE_LINKS));
	case STAGE_ROUTES: return all_passed(b, e->placers, e->n_placers, STAGE_CONFIGURE);
	default: return true;
	}
}

/* --- running ---------------------------------------------------------------------------------- */

static void close_borrowed(struct transaction *t)
{
	for (size_t i = 1; i < t->n_places; i++)
		if (!t->places[i].host && t->places[i].fd >= 0) {
			(void)close(t->places[i].fd);
			t->places[i].fd = -1;
		}
}

/* A namespace may be deleted by somebody else while the job runs: each job has descriptors of its own. */
static void open_borrowed(struct batch *b, struct transaction *t)
{
	for (size_t i = 1; i < t->n_places; i++) {
		const struct batch_entry *other;

		if (t->places[i].host || t->places[i].fd >= 0)
			continue;
		other = batch_find(b, t->places[i].name);
		if (other && other->shared_fd >= 0)
			t->places[i].fd = netns_dup(other->shared_fd);
		else if (other && other->shared_fd < -1)
			t->places[i].fd = other->shared_fd;
		else if (!other && b->open_place)
			t->places[i].fd = b->open_place(t->places[i].name, b->data);
	}
}

/* The transaction's own descriptor is closed by undo, on a worker: others never read that one. */
static void share_fd(struct batch_entry *e)
{
	const struct transaction *t = e->transaction;

	if (t->error.code != 0 && e->shared_fd >= 0) {
		(void)close(e->shared_fd);
		e->shared_fd = -1;
	} else if (t->error.code == 0 && e->shared_fd < 0 && e->n_placers > 0 && t->places[0].fd >= 0) {
		e->shared_fd = netns_dup(t->places[0].fd);
	}
}

static void batch_step(struct batch *b);

static void transaction_done(struct job *job)
{
	struct transaction *t = (struct transaction *)job;
	struct batch_entry *e = t->owner;
	struct batch *b = e->batch;

	e->running = false;
	b->n_running--;
	if (b->entry_flies)
		b->entry_flies(e, false, b->data);
	b->failed = b->failed || t->error.code != 0;
	close_borrowed(t);
	share_fd(e);
	if (t->error.code != 0 || t->next >= t->plan->n_actions) {
		t->stage = STAGE_COUNT;
		e->over = true;
		b->n_over++;
		b->entry_over(e, b->data);
	}
	batch_step(b);
}

static bool entry_start(struct batch *b, struct batch_entry *e, const struct batch_entry *host)
{
	struct transaction *t = e->transaction;
	enum plan_stage until = t->stage;

	while (until < STAGE_COUNT && may_run(b, e, until, host))
		until++;
	if (until == t->stage)
		return false;
	t->until = until;
	t->owner = e;
	t->job.done = transaction_done;
	e->running = true;
	b->n_running++;
	open_borrowed(b, t);
	if (b->entry_flies)
		b->entry_flies(e, true, b->data);
	worker_pool_submit(b->workers, &t->job);
	return true;
}

/* Starts what may start. Entries run whole where they can: creating and wiring one namespace in one
 * go on one thread is what makes two threads twice as fast as one. */
static void batch_step(struct batch *b)
{
	const struct batch_entry *host = host_entry(b);

	while (b->first < b->n && b->entries[b->first].over)
		b->first++;
	if (b->atomic && b->failed) {
		if (b->n_running == 0)
			b->over(b, b->data);
		return;
	}
	for (size_t i = b->first; i < b->n && b->n_running < b->width; i++)
		if (!b->entries[i].over && !b->entries[i].running)
			(void)entry_start(b, &b->entries[i], host);
	if (b->n_over == b->n)
		b->over(b, b->data);
}

void batch_run(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		share_fd(&b->entries[i]);
	batch_step(b);
}
