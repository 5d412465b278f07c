/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit: one namespace after the other is compared with its file though nothing was heard of it.
 * It finds what sends no event (most sysctls, files), what changed while we made it, and what no one
 * has thought of. */
#include "watch.h"

#include "manager_internal.h"

#include <stdlib.h>
#include <string.h>

/* What was just made, in a hurry and without a second look, gets it soon. */
#define FRESH_INTERVAL 0.05
#define FRESH_BATCH    8

static bool may_audit(const struct unit *u)
{
	return u->netns && u->wanted && !u->busy &&
	       (u->state == NETNS_CONFIGURED || u->state == NETNS_DEGRADED) &&
	       u->netns->on_drift != ON_DRIFT_IGNORE && !ev_is_active(&u->later);
}

static struct unit *next_unit(struct manager *m)
{
	struct unit *u = m->p->audited ? manager_find_unit(m, m->p->audited) : NULL, *first;
	unsigned n = HASH_COUNT(m->units);

	u = u && u->hh.next ? u->hh.next : m->units;
	for (first = u; u && n > 0; n--) {
		if (may_audit(u))
			return u;
		u = u->hh.next ? u->hh.next : m->units;
		if (u == first)
			break;
	}
	return NULL;
}

static unsigned mark_fresh(struct manager *m)
{
	struct unit *u, *tmp;
	unsigned n = 0;

	if (!m->p->fresh)
		return 0;
	HASH_ITER (hh, m->units, u, tmp)
		if (!u->clean && !u->recheck && may_audit(u) && n < FRESH_BATCH) {
			u->recheck = true;
			n++;
		}
	m->p->fresh = n > 0;
	return n;
}

static void on_audit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct unit *u;
	bool fresh;

	(void)events;
	fresh = m->state == MANAGER_RUNNING && mark_fresh(m) > 0;
	u = fresh || m->state != MANAGER_RUNNING ? NULL : next_unit(m);
	if (u) {
		free(m->p->audited);
		m->p->audited = strdup(u->name); /* NULL: from the front again */
		u->recheck = true;
	}
	if (u || fresh)
		manager_retry_in(m, 0.);
	w->repeat = fresh ? FRESH_INTERVAL : (double)m->settings.audit / 1e6;
	ev_timer_again(loop, w);
}

void watch_audit_start(struct manager *m)
{
	ev_timer *w = &m->p->audit;

	if (m->settings.audit == 0 || ev_is_active(w))
		return;
	m->p->fresh = true;
	ev_timer_init(w, on_audit, 0., (double)m->settings.audit / 1e6);
	w->data = m;
	ev_timer_again(m->loop, w);
}

void watch_audit_stop(struct manager *m)
{
	ev_timer_stop(m->loop, &m->p->audit);
	free(m->p->audited);
	m->p->audited = NULL;
}
