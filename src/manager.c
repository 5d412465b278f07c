/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's objects: units and their states. How it starts is in manager_start.c, what it is
 * asked to do in operation.c. */
#include "manager_internal.h"

#include "clock.h"
#include "container.h"
#include "log.h"
#include "netns.h"
#include "plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static const char *const netns_states[NETNS_STATE_COUNT] = {
	[NETNS_PENDING] = "pending",   [NETNS_CONFIGURING] = "configuring", [NETNS_CONFIGURED] = "configured",
	[NETNS_DEGRADED] = "degraded", [NETNS_FAILED] = "failed",	    [NETNS_REMOVING] = "removing",
	[NETNS_DOWN] = "down",
};

const char *netns_state_to_string(enum netns_state s)
{
	return s < NETNS_STATE_COUNT ? netns_states[s] : "unknown";
}

const char *manager_state_to_string(enum manager_state s)
{
	static const char *const names[] = {"starting", "running", "reloading", "stopping"};

	return names[s];
}

/* --- units ------------------------------------------------------------------------------------ */

struct unit *manager_find_unit(struct manager *m, const char *name)
{
	struct unit *u;

	HASH_FIND_STR(m->units, name, u);
	return u;
}

static void tell(struct unit *u, enum event_change change)
{
	char text[UNIT_STATE_TEXT_SIZE] = "removed";
	struct notice n = {.netns = u->name,
			   .object = EVENT_NAMESPACE,
			   .change = change,
			   .cause = CAUSE_OURS,
			   .ifname = "",
			   .text = text};

	if (change != EVENT_REMOVED && notice_wanted(&u->manager->notices))
		unit_state_text(u, text, sizeof(text));
	notice_publish(&u->manager->notices, &n);
}

void unit_set_state(struct unit *u, enum netns_state state, const struct error *reason)
{
	bool same = u->state == state, passing = state == NETNS_CONFIGURING || state == u->told;

	u->reason = reason ? *reason : (struct error){0};
	if (same)
		return;
	u->state = state;
	u->since = clock_realtime();
	/* A repair, or a failure that repeats itself, is no news. */
	log_write(passing ? LOG_DEBUG : LOG_INFO, u->name, "%s", netns_state_to_string(state));
	if (state != NETNS_CONFIGURING)
		u->told = state;
	tell(u, EVENT_SET);
	manager_notify_status(u->manager);
	operations_check_waiters(u->manager);
	containers_netns_changed(u->manager);
}

static int unit_new(struct manager *m, const char *name, struct unit **ret)
{
	struct unit *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->name = strdup(name);
	if (!u->name) {
		free(u);
		return -ENOMEM;
	}
	u->manager = m;
	u->state = u->told = NETNS_DOWN;
	u->fd = u->nsid = -1;
	u->since = clock_realtime();
	HASH_ADD_KEYPTR(hh, m->units, u->name, strlen(u->name), u);
	if (!u->hh.tbl) {
		free(u->name);
		free(u);
		return -ENOMEM;
	}
	*ret = u;
	return 0;
}

void manager_unit_free(struct unit *u)
{
	if (!u)
		return;
	tell(u, EVENT_REMOVED);
	HASH_DEL(u->manager->units, u);
	watch_forget(u);
	if (u->fd >= 0)
		(void)close(u->fd);
	desired_unref(u->applied);
	strv_free(u->waits_for);
	free(u->fight);
	desired_unref(u->before);
	free(u->name);
	free(u);
}

void unit_set_applied(struct unit *u, struct desired *d)
{
	struct desired *old = u->applied;

	u->applied = d ? desired_ref(d) : NULL;
	desired_unref(old);
}

static bool says_the_same(const struct desired *a, const struct desired *b, const char *name)
{
	const struct netns *x = desired_find(a, name), *y = desired_find(b, name);

	return x && y && netns_equal(x, y);
}

/* Where nothing changed, the new tree says the same: old ones are not kept for it. */
static void forget_old_trees(struct manager *m)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->applied && u->applied != m->desired && says_the_same(u->applied, m->desired, u->name))
			unit_set_applied(u, m->desired);
}

int manager_ensure_unit(struct manager *m, const char *name, struct unit **ret)
{
	*ret = manager_find_unit(m, name);
	return *ret ? 0 : unit_new(m, name, ret);
}

/* After a failure nobody knows, unless the name is somebody else's. */
bool unit_may_be_there(const struct unit *u)
{
	return u->fd >= 0 || (u->state == NETNS_FAILED && u->reason.code != -EEXIST);
}

int manager_sync_units(struct manager *m)
{
	struct netns *n, *ntmp;
	struct unit *u, *utmp;
	int r;

	HASH_ITER (hh, m->units, u, utmp) {
		n = desired_find(m->desired, u->name);
		if (n && !u->netns) /* declared anew: what it was told before is over */
			u->wanted = n->autostart || n->host;
		u->netns = n;
		if (!u->netns && !unit_may_be_there(u) && !u->busy && u->state != NETNS_REMOVING &&
		    !u->config_failed)
			manager_unit_free(u);
	}
	HASH_ITER (hh, m->desired->namespaces, n, ntmp) {
		if (manager_find_unit(m, n->name))
			continue;
		r = unit_new(m, n->name, &u);
		if (r < 0)
			return r;
		u->netns = n;
		u->wanted = n->autostart || n->host;
		u->state = u->wanted ? NETNS_PENDING : NETNS_DOWN;
		tell(u, EVENT_SET);
	}
	return 0;
}

void manager_swap(struct manager *m, struct desired *d)
{
	desired_unref(m->desired);
	m->desired = d;
	(void)manager_sync_units(m); /* without memory a new namespace waits for the next reload */
	(void)containers_sync(m);
	forget_old_trees(m);
}

void manager_unit_unnamed(struct unit *u)
{
	bool existed = u->fd >= 0;

	if (u->fd >= 0)
		(void)close(u->fd);
	u->fd = -1;
	if (existed && nsid_is_created(u->nsid))
		unit_set_state(u, NETNS_REMOVING, NULL);
	else
		manager_unit_gone(u);
}

void unit_forget_namespace(struct unit *u)
{
	if (u->fd >= 0)
		(void)close(u->fd);
	u->fd = -1;
	watch_set_nsid(u, -1);
	u->cookie = u->device = u->inode = 0;
	unit_set_applied(u, NULL);
	u->classes = 0;
	u->classes_known = false;
}

void manager_unit_gone(struct unit *u)
{
	struct manager *m = u->manager;

	unit_forget_namespace(u);
	if (u->netns) {
		unit_set_state(u, NETNS_DOWN, NULL);
		return;
	}
	log_write(LOG_INFO, u->name, "removed");
	u->state = NETNS_DOWN; /* the operation that holds it frees it */
	if (!u->busy) {
		manager_unit_free(u);
		operations_check_waiters(m);
	}
}

int manager_next_nsid(struct manager *m, bool adopted)
{
	return adopted ? m->p->next_adopted++ : m->p->next_created++;
}

/* --- what systemctl status shows --------------------------------------------------------------- */

void manager_send_status(struct manager *m, const char *first)
{
	unsigned count[NETNS_STATE_COUNT] = {0};
	struct strbuf text = {0};
	struct unit *u, *tmp;
	char *status;

	HASH_ITER (hh, m->units, u, tmp)
		if (!(u->netns && u->netns->implicit))
			count[u->state]++;
	strbuf_printf(&text, "%sSTATUS=%u configured", first, count[NETNS_CONFIGURED]);
	for (int s = 0; s < NETNS_STATE_COUNT; s++)
		if (count[s] && s != NETNS_CONFIGURED)
			strbuf_printf(&text, ", %u %s", count[s], netns_state_to_string(s));
	status = strbuf_finish(&text);
	if (status)
		(void)sd_notify(0, status);
	free(status);
}

static void status_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	manager_send_status(w->data, "");
}

/* Hundreds of changes come at once: one line for all of them, and sd_notify() blocks when nobody reads. */
void manager_notify_status(struct manager *m)
{
	ev_timer *w = &m->p->status;

	if (!m->p->ready || ev_is_active(w))
		return;
	ev_timer_init(w, status_timer, 0.1, 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}

/* --- the manager ------------------------------------------------------------------------------ */

int manager_new(struct ev_loop *loop, struct manager **ret)
{
	struct manager *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->p = calloc(1, sizeof(*m->p));
	if (!m->p) {
		free(m);
		return -ENOMEM;
	}
	m->loop = loop;
	m->p->lock_fd = -1;
	m->p->started_at = clock_realtime();
	*ret = m;
	return 0;
}

void manager_free(struct manager *m)
{
	struct unit *u, *tmp;

	if (!m)
		return;
	worker_pool_free(m->workers); /* lets what is under way come to its end */
	watch_stop(m);
	manager_checkpoint_stop(m);
	containers_free(m);
	operations_free(m);
	HASH_ITER (hh, m->units, u, tmp)
		manager_unit_free(u);
	desired_unref(m->desired);
	desired_unref(m->p->ran);
	desired_unref(m->p->taken_back);
	diags_free(&m->start_diags);
	daemon_settings_free(&m->settings);
	registry_free(&m->registry);
	scan_clear(&m->p->scan);
	manager_memory_free(m);
	if (m->p->lock_fd >= 0)
		(void)close(m->p->lock_fd);
	ev_timer_stop(m->loop, &m->p->reexec);
	ev_timer_stop(m->loop, &m->p->watchdog);
	free(m->program);
	free(m->p);
	free(m);
}
