/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a transaction's stages on a worker thread: places, sockets, ifindexes, undo. What single
 * actions do is in transaction_execute.c, transaction_link.c and transaction_undo.c. */
#include "transaction.h"

#include "cleanup.h"
#include "log.h"
#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOME_TRIES 3

/* --- threads ---------------------------------------------------------------------------------- */

void worker_thread_stop(void *p)
{
	struct worker_thread *t = p;

	if (!t)
		return;
	rtnl_close(t->host);
	if (t->home_fd >= 0)
		(void)close(t->home_fd);
	free(t);
}

int worker_thread_start(void *data, void **ret)
{
	struct worker_thread *t = calloc(1, sizeof(*t));
	int r;

	(void)data;
	if (!t)
		return -ENOMEM;
	t->home_fd = -1;
	r = netns_open_self(&t->home_fd, NULL);
	if (r == 0)
		r = rtnl_open(&t->host);
	if (r < 0) {
		worker_thread_stop(t);
		return r;
	}
	*ret = t;
	return 0;
}

int worker_thread_home(struct worker_thread *t)
{
	int r = netns_enter(t->home_fd, NULL);

	for (int i = 0; i < HOME_TRIES && r < 0; i++)
		r = netns_enter(t->home_fd, NULL);
	if (r < 0 && !t->lost)
		log_error("a worker cannot go back to the daemon's namespace: %s; it keeps trying",
			  strerror(-r));
	t->lost = r < 0;
	return r;
}

/* --- the object ------------------------------------------------------------------------------- */

int transaction_place(struct transaction *t, const char *name, bool host)
{
	struct place *grown;

	for (size_t i = 0; i < t->n_places; i++)
		if (t->places[i].name == name || strcmp(t->places[i].name, name) == 0)
			return (int)i;
	grown = reallocarray(t->places, t->n_places + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->places = grown;
	t->places[t->n_places] = (struct place){.name = name, .host = host, .fd = -1};
	return (int)t->n_places++;
}

int transaction_new(struct plan *plan, struct transaction **ret)
{
	struct transaction *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->plan = plan;
	t->nsid = -1;
	t->job.run = transaction_run;
	if (transaction_place(t, plan->name, plan->netns && plan->netns->host) < 0) {
		free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	if (t->n_places > 0 && t->places[0].fd >= 0)
		(void)close(t->places[0].fd);
	for (size_t i = 0; i < t->n_places; i++)
		free(t->places[i].known);
	free(t->places);
	strv_free(t->waits_for);
	plan_free(t->plan);
	free(t);
}

/* --- execution -------------------------------------------------------------------------------- */

int execution_place(struct execution *x, const char *name)
{
	for (size_t i = 0; i < x->t->n_places; i++)
		if (x->t->places[i].name == name || strcmp(x->t->places[i].name, name) == 0)
			return (int)i;
	return error_set(x->err, -ENOENT, "namespace %s is not known to this plan", name);
}

int place_missing(const struct place *p, struct error *err)
{
	if (p->fd < -1)
		return error_set(err, p->fd, "could not take hold of namespace %s: %s", p->name,
				 strerror(-p->fd));
	return error_set(err, -ENOENT, "namespace %s does not exist", p->name);
}

int execution_enter(struct execution *x, int place)
{
	const struct place *p = &x->t->places[place];
	int r;

	if (x->current == place || (p->host && x->current == PLACE_HOME))
		return 0;
	if (!p->host && p->fd < 0)
		return place_missing(p, x->err);
	r = netns_enter(p->host ? x->thread->home_fd : p->fd, x->err);
	if (r == 0)
		x->current = p->host ? PLACE_HOME : place;
	return r;
}

int execution_rtnl(struct execution *x, int place, struct rtnl **ret)
{
	struct place *p = &x->t->places[place];
	int r;

	if (p->host) {
		*ret = x->thread->host;
		return 0;
	}
	if (!p->rtnl) {
		r = execution_enter(x, place);
		if (r < 0)
			return r;
		r = rtnl_open(&p->rtnl);
		if (r < 0)
			return error_set(x->err, r, "could not open a netlink socket in %s: %s", p->name,
					 strerror(-r));
	}
	*ret = p->rtnl;
	return 0;
}

int execution_talk(struct execution *x, int place, struct nl_msg *msg)
{
	struct rtnl *rtnl;
	int r = execution_rtnl(x, place, &rtnl);

	if (r == 0)
		r = rtnl_talk(rtnl, msg, x->err);
	nlmsg_free(msg);
	return r;
}

int execution_ifindex(struct execution *x, int place, const char *name, int *ret)
{
	struct place *p = &x->t->places[place];
	struct place_index *grown;
	struct rtnl *rtnl;
	int r;

	for (size_t i = 0; i < p->n_known; i++)
		if (strcmp(p->known[i].name, name) == 0) {
			*ret = p->known[i].ifindex;
			return 0;
		}
	r = execution_rtnl(x, place, &rtnl);
	if (r < 0)
		return r;
	r = rtnl_ifindex(rtnl, name, ret);
	if (r < 0)
		return error_set(x->err, r, "there is no link %s in %s", name, p->name);
	grown = reallocarray(p->known, p->n_known + 1, sizeof(*grown));
	if (!grown)
		return 0; /* merely asked again */
	p->known = grown;
	strncpy(grown[p->n_known].name, name, IFNAMSIZ - 1);
	grown[p->n_known].name[IFNAMSIZ - 1] = '\0';
	grown[p->n_known++].ifindex = *ret;
	return 0;
}

void execution_forget(struct execution *x, int place, const char *name)
{
	struct place *p = &x->t->places[place];

	for (size_t i = 0; i < p->n_known; i++)
		if (strcmp(p->known[i].name, name) == 0)
			p->known[i--] = p->known[--p->n_known];
}

/* --- running ---------------------------------------------------------------------------------- */

/* Settings of a link that is being made travel in as few requests as the kernel allows:
 * do_setlink() takes the master before the flags, but IFLA_AF_SPEC after them (Linux 6.18), so the
 * address generation mode cannot share a request with "up". */
static bool can_merge(const struct action *a, const struct action *b)
{
	return a->type == ACTION_LINK_SET && b->type == ACTION_LINK_SET && a->quiet && b->quiet &&
	       a->stage == b->stage && !((a->values.change | b->values.change) & LINK_CHANGE_ADDRGEN) &&
	       strcmp(a->place, b->place) == 0 && strcmp(a->ifname, b->ifname) == 0;
}

static void merge(struct action *into, const struct action *a)
{
	into->values.change |= a->values.change;
	if (a->values.change & LINK_CHANGE_MASTER)
		strcpy(into->master, a->master);
	if (a->values.change & LINK_CHANGE_ALIAS)
		into->values.alias = a->values.alias;
	if (a->values.change & LINK_CHANGE_MTU)
		into->values.mtu = a->values.mtu;
	if (a->values.change & LINK_CHANGE_MAC)
		into->values.mac = a->values.mac;
}

static int run_actions(struct execution *x)
{
	struct transaction *t = x->t;
	const struct plan *p = t->plan;

	while (t->next < p->n_actions && p->actions[t->next].stage < t->until) {
		struct action merged = p->actions[t->next];
		size_t n = 1;
		int r;

		while (t->next + n < p->n_actions && can_merge(&merged, &p->actions[t->next + n]))
			merge(&merged, &p->actions[t->next + n++]);
		r = execute_action(x, &merged);
		if (r < 0) {
			t->failed = &p->actions[t->next];
			return r;
		}
		t->next += n;
	}
	return 0;
}

/* Latest first. What cannot be undone is told with the error, for the log and the client. */
static void undo_all(struct execution *x)
{
	struct transaction *t = x->t;
	struct error err = {0}, *kept = x->err;

	x->err = &err;
	/* A request that sets several attributes may have set some of them before it failed. */
	if (t->failed && t->failed->type == ACTION_LINK_SET)
		(void)undo_action(x, t->failed);
	while (t->next > 0) {
		const struct action *a = &t->plan->actions[--t->next];

		err.code = 0;
		if (undo_action(x, a) < 0) {
			struct error told = *kept;

			error_set(kept, told.code, "%s; \"%s\" could not be undone: %s", told.text, a->text,
				  err.text);
		}
	}
	x->err = kept;
}

static void close_places(struct execution *x)
{
	for (size_t i = 0; i < x->t->n_places; i++) {
		rtnl_close(x->t->places[i].rtnl);
		x->t->places[i].rtnl = NULL;
	}
	/* A thread that stays in a namespace keeps it alive. */
	if (x->current != PLACE_HOME || x->thread->lost)
		(void)worker_thread_home(x->thread);
}

void transaction_run(struct job *job, void *thread)
{
	struct transaction *t = (struct transaction *)job;
	struct execution x = {.t = t, .thread = thread, .current = PLACE_HOME, .err = &t->error};
	int r;

	if (x.thread->lost)
		x.current = PLACE_LOST;
	r = run_actions(&x);
	if (r < 0) {
		if (t->error.code == 0)
			error_set(&t->error, r, "%s", strerror(-r));
		undo_all(&x);
	}
	t->stage = t->until;
	close_places(&x);
}
