/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of all our namespaces from one socket.
 *
 * One socket, because each rtnetlink broadcast on the whole machine walks all sockets that listen:
 * with one a namespace, 2000 namespaces make every address change anywhere 20 times as slow. An event
 * only marks who has to be compared again; what it says is told to followers and otherwise not
 * believed, since IPv4 routes that go with a link send none, and since some may have been lost.
 */
#include "watch.h"

#include "drift.h"
#include "log.h"
#include "manager_internal.h"
#include "netns.h"
#include "transaction.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#define GROUP(name) (UINT32_C(1) << (RTNLGRP_##name - 1))
#define GROUPS                                                                                               \
	(GROUP(LINK) | GROUP(NEIGH) | GROUP(IPV4_IFADDR) | GROUP(IPV4_ROUTE) | GROUP(IPV4_RULE) |            \
	 GROUP(IPV6_IFADDR) | GROUP(IPV6_ROUTE) | GROUP(IPV6_RULE) | GROUP(IPV4_NETCONF) |                   \
	 GROUP(IPV6_NETCONF) | GROUP(NSID))

/* Seconds between two looks at everything because events were lost. */
#define OVERRUN_DELAY_MIN 0.2
#define OVERRUN_DELAY_MAX 5.

/* --- which unit --------------------------------------------------------------------------------- */

void watch_set_nsid(struct unit *u, int nsid)
{
	struct manager *m = u->manager;
	struct unit *other;

	if (u->nsid == nsid)
		return;
	if (u->nsid >= 0) {
		HASH_FIND(by_nsid, m->p->by_nsid, &u->nsid, sizeof(u->nsid), other);
		if (other == u)
			HASH_DELETE(by_nsid, m->p->by_nsid, u);
	}
	u->nsid = nsid;
	if (nsid < 0)
		return;
	HASH_FIND(by_nsid, m->p->by_nsid, &nsid, sizeof(nsid), other);
	if (!other) /* one namespace with two names: the first one is told */
		HASH_ADD(by_nsid, m->p->by_nsid, nsid, sizeof(u->nsid), u);
}

static struct unit *find_place(struct manager *m, int nsid)
{
	struct unit *u;

	if (nsid == RTNL_OWN_NAMESPACE)
		return m->desired ? manager_find_unit(m, m->desired->host->name) : NULL;
	HASH_FIND(by_nsid, m->p->by_nsid, &nsid, sizeof(nsid), u);
	return u;
}

/* --- names of links ----------------------------------------------------------------------------- */

static struct watch_link *find_watch_link(const struct unit *u, int ifindex)
{
	struct watch_link *l;

	HASH_FIND_INT(u->links, &ifindex, l);
	return l;
}

static void set_link_name(struct unit *u, int ifindex, const char *name, bool ours)
{
	struct watch_link *l = find_watch_link(u, ifindex);

	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return; /* its addresses are told without a name */
		l->ifindex = ifindex;
		HASH_ADD_INT(u->links, ifindex, l);
		if (!l->hh.tbl) {
			free(l);
			return;
		}
	}
	l->ours = ours;
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
}

static void forget_link(struct unit *u, int ifindex)
{
	struct watch_link *l = find_watch_link(u, ifindex);

	if (!l)
		return;
	HASH_DEL(u->links, l);
	free(l);
}

static void forget_links(struct unit *u)
{
	struct watch_link *l, *tmp;

	HASH_ITER (hh, u->links, l, tmp) {
		HASH_DEL(u->links, l);
		free(l);
	}
}

void watch_learn_links(struct unit *u, const struct actual *a)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (!find_watch_link(u, a->links[i].ifindex)) /* events know better than an older look */
			set_link_name(u, a->links[i].ifindex, a->links[i].name,
				      a->links[i].group == LINK_GROUP);
}

void watch_forget(struct unit *u)
{
	watch_set_nsid(u, -1);
	forget_links(u);
	ev_timer_stop(u->manager->loop, &u->later);
}

/* --- what is in flight -------------------------------------------------------------------------- */

void watch_flight_begins(struct manager *m, struct watch_flight *f, const struct transaction *t)
{
	f->transaction = t;
	DL_APPEND(m->p->flights, f);
}

void watch_flight_ends(struct manager *m, struct watch_flight *f)
{
	if (!f->transaction)
		return;
	watch_drain(m);
	watch_names_drain(m);
	DL_DELETE(m->p->flights, f);
	f->transaction = NULL;
}

static bool has_wanted_owner(struct manager *m, const struct unit *place, const char *ifname)
{
	const struct link *l = place->netns ? netns_find_link(place->netns, ifname) : NULL;
	const struct unit *owner = l ? manager_find_unit(m, l->owner->name) : NULL;

	return owner && owner->wanted;
}

static enum event_cause cause_of(struct manager *m, const struct unit *place, const struct event *e,
				 const char *ifname, bool marked)
{
	const struct watch_flight *f;

	DL_FOREACH (m->p->flights, f)
		if (drift_explained(f->transaction->plan, place->name, e, ifname))
			return CAUSE_OURS;
	/* The kernel takes the far end of a pair down and away a while after we let go of a namespace. */
	if (marked && !has_wanted_owner(m, place, ifname))
		return CAUSE_OURS;
	return CAUSE_FOREIGN;
}

/* --- marking ------------------------------------------------------------------------------------ */

/* Somebody who fights us is answered when the hold is over, not at each blow. */
static bool is_held(const struct unit *u)
{
	return u->state == NETNS_DEGRADED && ev_is_active(&u->later);
}

static bool is_ignored(const struct unit *u)
{
	return u->netns->on_drift == ON_DRIFT_IGNORE &&
	       (u->state == NETNS_CONFIGURED || u->state == NETNS_DEGRADED);
}

void unit_mark(struct unit *u, uint32_t sender)
{
	u->marks++;
	u->clean = false;
	if (sender)
		u->drifter = sender;
	if (!u->netns || !u->wanted || is_ignored(u) || is_held(u))
		return;
	u->recheck = true;
	manager_retry_in(u->manager, MARK_DELAY);
}

static void later_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct unit *u = w->data;

	(void)loop;
	(void)events;
	u->recheck = true;
	manager_retry_in(u->manager, 0.);
}

void unit_mark_later(struct unit *u, double seconds)
{
	ev_timer_stop(u->manager->loop, &u->later);
	ev_timer_init(&u->later, later_timer, seconds, 0.);
	u->later.data = u;
	ev_timer_start(u->manager->loop, &u->later);
}

static void mark_owners(struct manager *m, const struct unit *place, const struct event *e,
			const char *ifname, const char *before)
{
	const struct netns *owners[DRIFT_OWNERS];
	unsigned n = place->netns ? drift_owners(place->netns, e, ifname, before, owners) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct unit *u = manager_find_unit(m, owners[i]->name);

		if (u)
			unit_mark(u, e->sender);
	}
}

/* --- events ------------------------------------------------------------------------------------- */

static void tell(struct manager *m, const struct unit *place, const struct event *e, const char *ifname,
		 enum event_cause cause)
{
	char *text = notice_wanted(&m->notices) ? event_to_string(e, ifname) : NULL;
	struct notice n = {.netns = place->name,
			   .object = e->object,
			   .change = e->change,
			   .cause = cause,
			   .ifname = ifname,
			   .text = text ? text : "",
			   .pid = e->sender};

	notice_publish(&m->notices, &n);
	free(text);
}

/* What follows from the event for what is known of links. */
struct followed {
	char ifname[IFNAMSIZ]; /* of the event's link; "" unknown */
	char before[IFNAMSIZ]; /* the name it had until now, when that is another one */
	bool marked;	       /* it has our mark */
	bool same;	       /* nothing that counts has changed */
};

static void follow_link(struct unit *place, const struct event *e, struct followed *f)
{
	struct watch_link *l = find_watch_link(place, e->ifindex);
	uint64_t digest = drift_link_digest(&e->link);

	memcpy(f->ifname, e->link.name, IFNAMSIZ);
	f->marked = e->link.group == LINK_GROUP;
	if (l && strcmp(l->name, f->ifname) != 0)
		memcpy(f->before, l->name, IFNAMSIZ);
	if (e->change == EVENT_REMOVED) {
		forget_link(place, e->ifindex);
		return;
	}
	f->same = l && l->digest == digest;
	set_link_name(place, e->ifindex, f->ifname, f->marked);
	l = find_watch_link(place, e->ifindex);
	if (l)
		l->digest = digest;
}

static void follow(struct unit *place, const struct event *e, struct followed *f)
{
	const struct watch_link *l;

	*f = (struct followed){0};
	if (e->object == EVENT_LINK) {
		follow_link(place, e, f);
		return;
	}
	l = e->ifindex ? find_watch_link(place, e->ifindex) : NULL;
	if (!l)
		return;
	memcpy(f->ifname, l->name, IFNAMSIZ);
	f->marked = l->ours;
}

static void place_event(struct manager *m, struct unit *place, const struct event *e)
{
	struct followed f;
	enum event_cause cause;

	follow(place, e, &f);
	cause = cause_of(m, place, e, f.ifname, f.marked);
	tell(m, place, e, f.ifname, cause);
	if (cause == CAUSE_FOREIGN && !f.same)
		mark_owners(m, place, e, f.ifname, f.before);
	if (e->object == EVENT_LINK && e->change == EVENT_SET)
		manager_retry_soon(m); /* somebody may wait for it */
}

static struct unit *find_removing(struct manager *m, int nsid)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->nsid == nsid && u->state == NETNS_REMOVING && u->fd < 0)
			return u;
	return NULL;
}

static void nsid_event(struct manager *m, const struct nlmsghdr *h)
{
	struct nlattr *attr;
	struct unit *u;

	if (h->nlmsg_type != RTM_DELNSID)
		return;
	attr = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct rtgenmsg), NETNSA_NSID);
	if (!attr || nla_len(attr) < (int)sizeof(int32_t))
		return;
	u = find_removing(m, nla_get_s32(attr));
	if (u)
		manager_unit_gone(u);
}

static void on_event(const struct nlmsghdr *h, int nsid, void *data)
{
	struct manager *m = data;
	struct unit *place;
	struct event e;

	if (h->nlmsg_type == RTM_NEWNSID || h->nlmsg_type == RTM_DELNSID) {
		if (nsid == RTNL_OWN_NAMESPACE) /* others have numbers of their own */
			nsid_event(m, h);
		return;
	}
	place = find_place(m, nsid);
	if (!place || event_decode(h, &e) < 0)
		return;
	place_event(m, place, &e);
	event_clear(&e);
}

/* --- lost events -------------------------------------------------------------------------------- */

/* After lost events: those that are going may have gone. */
static void still_there(int nsid, void *data)
{
	struct unit *u = find_removing(data, nsid);

	if (u)
		u->recheck = true;
}

static void find_gone(struct manager *m)
{
	struct unit *u, *tmp;
	struct rtnl *rtnl;

	if (rtnl_open(&rtnl) < 0)
		return;
	if (rtnl_nsid_dump(rtnl, still_there, m, NULL) == 0)
		HASH_ITER (hh, m->units, u, tmp)
			if (u->state == NETNS_REMOVING && u->fd < 0 && !u->recheck)
				manager_unit_gone(u);
	rtnl_close(rtnl);
}

static void look_at_everything(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct unit *u, *tmp;

	(void)loop;
	(void)events;
	find_gone(m);
	HASH_ITER (hh, m->units, u, tmp)
		unit_mark(u, 0);
	manager_retry_soon(m);
}

/* The queue is empty and in order again; a storm that goes on is answered more and more rarely. */
static void on_overrun(void *data)
{
	struct manager *m = data;
	ev_timer *w = &m->p->overrun;
	double *delay = &m->p->overrun_delay;
	struct unit *u, *tmp;

	notice_resync(&m->notices);
	HASH_ITER (hh, m->units, u, tmp) {
		u->clean = false;
		forget_links(u);
	}
	if (ev_is_active(w))
		return;
	log_warning("kernel events were lost (the receive buffer overran); looking at everything again");
	*delay = ev_now(m->loop) - m->p->overrun_at > 10 * OVERRUN_DELAY_MAX ? OVERRUN_DELAY_MIN : *delay * 2;
	if (*delay > OVERRUN_DELAY_MAX)
		*delay = OVERRUN_DELAY_MAX;
	m->p->overrun_at = ev_now(m->loop);
	ev_timer_init(w, look_at_everything, *delay, 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}

/* --- start and stop ----------------------------------------------------------------------------- */

void watch_drain(struct manager *m)
{
	if (m->p->monitoring)
		rtnl_monitor_drain(&m->p->monitor);
}

int watch_start(struct manager *m, struct error *err)
{
	const struct rtnl_monitor_setup setup = {.groups = GROUPS,
						 .all_namespaces = true,
						 .receive_buffer = m->settings.receive_buffer,
						 .event = on_event,
						 .overrun = on_overrun,
						 .data = m};
	int r = rtnl_monitor_start(&m->p->monitor, m->loop, &setup);

	if (r < 0)
		return error_set(err, r, "could not listen to kernel events: %s", strerror(-r));
	m->p->monitoring = true;
	return watch_names_start(m, err);
}

void watch_stop(struct manager *m)
{
	if (m->p->monitoring)
		rtnl_monitor_stop(&m->p->monitor);
	m->p->monitoring = false;
	watch_names_stop(m);
	watch_audit_stop(m);
	ev_timer_stop(m->loop, &m->p->retry);
	ev_timer_stop(m->loop, &m->p->overrun);
	ev_timer_stop(m->loop, &m->p->waiters);
	ev_timer_stop(m->loop, &m->p->status);
	ev_timer_stop(m->loop, &m->p->start_timeout);
}
