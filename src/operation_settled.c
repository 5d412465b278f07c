/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When an apply or a plan has nothing to look at: every namespace was found as declared, is declared as
 * it was, and the watch has heard nothing since. At 500 namespaces that saves 500 looks. */
#include "manager_internal.h"

#include <string.h>

/* What can change without an event that would have marked the unit. */
bool netns_can_change_silently(const struct netns *n)
{
	const struct link *l;

	if (n->n_sysctls || strv_length(n->dns) || strv_length(n->domains))
		return true;
	DL_FOREACH (n->links, l) {
		const struct link *end = l->is_peer ? l->peer : l;

		if (l->accept_ra_set || (end->peer && end->peer->accept_ra_set))
			return true;
		/* Somebody else's link, known by its name alone. */
		if (l->parent[0] && (l->parent_on_host || !netns_find_link(n, l->parent)))
			return true;
		if (l->master[0] && !netns_find_link(n, l->master))
			return true;
	}
	return false;
}

static bool unit_is_settled(const struct unit *u, const struct netns *next)
{
	const struct netns *applied;

	if (!u || !u->netns || u->busy || u->config_failed || u->recheck)
		return false;
	if (!u->wanted)
		return u->state == NETNS_DOWN && u->fd < 0;
	applied = u->applied ? desired_find(u->applied, u->name) : NULL;
	return applied && netns_equal(applied, next) && u->state == NETNS_CONFIGURED && u->clean;
}

bool manager_is_settled(struct manager *m, const struct desired *next)
{
	struct netns *n, *ntmp;
	struct unit *u, *utmp;

	watch_settle(m);
	HASH_ITER (hh, next->namespaces, n, ntmp)
		if (!unit_is_settled(manager_find_unit(m, n->name), n))
			return false;
	HASH_ITER (hh, m->units, u, utmp)
		if (!desired_find(next, u->name))
			return false;
	return true;
}
