/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first part of a round: looking at the namespaces, on workers, and at no more than can be there. */
#include "round.h"

#include "manager_internal.h"
#include "netns.h"
#include "reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SURVEYS_A_JOB  16
#define HOST_LINKS_MAX 64 /* by name; for more of them all are asked for at once */

/* Classes of objects that the files ask for. */
unsigned round_declared_classes(const struct netns *n)
{
	unsigned classes = ACTUAL_LINKS | ACTUAL_ADDRESSES;

	if (n->n_routes)
		classes |= ACTUAL_ROUTES;
	if (n->n_rules)
		classes |= ACTUAL_RULES;
	if (n->n_neighbors)
		classes |= ACTUAL_NEIGHBORS;
	if (strv_length(n->dns) || strv_length(n->domains))
		classes |= SURVEY_RESOLV;
	return classes;
}

static unsigned found_classes(const struct actual *a)
{
	return (a->n_routes ? ACTUAL_ROUTES : 0u) | (a->n_rules ? ACTUAL_RULES : 0u) |
	       (a->n_neighbors ? ACTUAL_NEIGHBORS : 0u) | (a->resolv_ours ? SURVEY_RESOLV : 0u);
}

/* Addresses of far ends are declared by others than the namespace that they are in. */
static bool has_peer_addresses(const struct netns *n)
{
	const struct link *l;

	DL_FOREACH (n->links, l)
		if (l->is_peer && l->n_addresses)
			return true;
	return false;
}

/* Nobody but us makes objects with our mark, so what was never asked for need not be looked for:
 * the neighbour table above all, which is one for the whole machine, so that each dump costs as much as
 * there are namespaces. */
static unsigned classes_to_look_at(const struct round_item *i)
{
	const struct unit *u = i->unit;

	if (!i->act)
		return ACTUAL_LINKS | (i->netns && has_peer_addresses(i->netns) ? ACTUAL_ADDRESSES : 0);
	if (!u || !u->classes_known || !i->netns)
		return SURVEY_ALL;
	return u->classes | round_declared_classes(i->netns);
}

/* What a survey found out about the namespace itself belongs to the unit, unless nothing may change. */
static void keep_identity(struct round_item *i)
{
	struct survey *s = &i->survey;
	struct unit *u = i->unit;
	int fd;

	if (!u || i->round->plan_only || s->error.code != 0)
		return;
	if (i->act && s->actual) {
		u->classes |= found_classes(s->actual) | (i->netns ? round_declared_classes(i->netns) : 0);
		u->classes_known = u->classes_known || (s->what & SURVEY_ALL) == SURVEY_ALL;
	}
	if (s->actual)
		watch_learn_links(u, s->actual);
	/* Nobody holds those that are only looked at: they may have been taken down meanwhile, and a
	 * descriptor would keep them from going. */
	if (s->host || s->fd < 0 || !i->act)
		return;
	watch_set_nsid(u, s->nsid);
	u->cookie = s->cookie;
	u->device = s->device;
	u->inode = s->inode;
	if (u->fd >= 0 || (s->nsid < NSID_CREATED_FIRST && !(i->netns && i->netns->adopt)))
		return;
	fd = netns_dup(s->fd);
	if (fd < 0)
		error_set(&s->error, fd, "could not take hold of the namespace: %s", strerror(-fd));
	else
		u->fd = fd;
}

static void survey_done(struct job *job)
{
	struct round *r = ((struct round_item *)((struct survey *)job)->owner)->round;

	for (struct survey *s = (struct survey *)job; s; s = s->next) {
		struct round_item *i = s->owner;

		i->unit = manager_find_unit(r->manager, i->name);
		keep_identity(i);
	}
	if (--r->surveys == 0)
		round_reconcile(r);
}

static int add_host_link(char ***names, const char *name)
{
	return name[0] && !strv_contains(*names, name) ? strv_push(names, name) : 0;
}

/* What the links of a namespace stand on in the host's. */
static int add_host_links(char ***names, const struct netns *n)
{
	const struct link *l;
	int r = 0;

	DL_FOREACH (n->links, l) {
		if (r == 0 && l->parent_on_host)
			r = add_host_link(names, l->parent);
		if (r == 0 && l->peer && l->peer->netns->host)
			r = add_host_link(names, l->peer->name);
		if (r == 0 && l->peer && l->peer->netns->host)
			r = add_host_link(names, l->peer->master);
	}
	return r;
}

/* The host's links that a round without the host is about; NULL for all of them. With a configuration that
 * was before, others may matter. */
static int host_links(const struct round_item *host, char ***ret)
{
	const struct round *r = host->round;
	char **names = calloc(1, sizeof(*names));
	struct round_item *i, *tmp;
	int e = names ? 0 : -ENOMEM;

	HASH_ITER (hh, r->items, i, tmp)
		if (e == 0 && i->act && i->netns && strv_length(names) <= HOST_LINKS_MAX)
			e = add_host_links(&names, i->netns);
	if (e < 0 || strv_length(names) > HOST_LINKS_MAX || host->act || r->before || r->exact || r->atomic) {
		strv_free(names);
		names = NULL;
	}
	*ret = names;
	return e;
}

static int prepare_survey(struct round_item *i)
{
	struct survey *s = &i->survey;
	const struct unit *u = i->unit;

	survey_clear(s);
	i->marks = u ? u->marks : 0;
	*s = (struct survey){.name = i->name, .fd = -1, .nsid = -1, .known_nsid = -1, .owner = i};
	s->host = i->netns ? i->netns->host : u && u->netns && u->netns->host;
	s->job.run = survey_run;
	s->job.done = survey_done;
	s->what = classes_to_look_at(i);
	s->holders_wanted = i->act && !i->wanted;
	if (s->host && !i->act) {
		int r = host_links(i, &s->links);

		if (r < 0)
			return r;
	}
	if (u && u->fd >= 0) {
		int fd = netns_dup(u->fd);

		if (fd < 0)
			return fd;
		s->fd = fd;
		s->known_nsid = u->nsid;
		s->known_inode = u->inode;
		s->known_device = u->device;
		s->known_cookie = u->cookie;
	}
	return i->act && i->netns ? netns_sysctls(i->netns, &s->sysctls, &s->n_sysctls) : 0;
}

/* Units we act on are held by the operation; the others may come and go while workers look. */
void round_find_units(struct round *r)
{
	struct round_item *i, *tmp;

	HASH_ITER (hh, r->items, i, tmp)
		i->unit = manager_find_unit(r->manager, i->name);
}

static void submit_surveys(struct round *r, struct survey *first)
{
	if (!first)
		return;
	r->surveys++;
	worker_pool_submit(r->manager->workers, &first->job);
}

/* A few namespaces a job, so that the loop is not woken for each of hundreds. */
void round_look(struct round *r)
{
	struct survey *first = NULL;
	struct round_item *i, *tmp;
	unsigned length = 0;

	r->surveys = 1; /* ours, so that the last one done is known */
	round_find_units(r);
	HASH_ITER (hh, r->items, i, tmp) {
		int ret;

		i->looked = i->look;
		i->look = false;
		if (!i->looked)
			continue;
		ret = prepare_survey(i);
		if (ret < 0) {
			error_set(&i->survey.error, ret, "%s", strerror(-ret));
			continue;
		}
		i->survey.next = first;
		first = &i->survey;
		if (++length == SURVEYS_A_JOB) {
			submit_surveys(r, first);
			first = NULL;
			length = 0;
		}
	}
	submit_surveys(r, first);
	if (--r->surveys == 0)
		round_reconcile(r);
}
