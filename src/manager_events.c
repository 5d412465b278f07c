/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel tells of the daemon's own namespace: links that pending namespaces may wait for,
 * and namespaces that have gone at last. */
#include "manager_internal.h"

#include "log.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

static struct unit *find_removing(struct manager *m, int nsid)
{
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->nsid == nsid && u->state == NETNS_REMOVING && u->fd < 0)
			return u;
	return NULL;
}

static void nsid_gone(struct manager *m, const struct nlmsghdr *h)
{
	struct nlattr *attr;
	struct unit *u;

	attr = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct rtgenmsg), NETNSA_NSID);
	if (!attr || nla_len(attr) < (int)sizeof(int32_t))
		return;
	u = find_removing(m, nla_get_s32(attr));
	if (u)
		manager_unit_gone(u);
}

static void host_event(const struct nlmsghdr *h, void *data)
{
	struct manager *m = data;

	if (h->nlmsg_type == RTM_DELNSID)
		nsid_gone(m, h);
	else if (h->nlmsg_type == RTM_NEWLINK)
		manager_retry_soon(m);
}

/* After lost events: those that are going may have gone. */
static void check_gone(int nsid, void *data)
{
	struct unit *u = find_removing(data, nsid);

	if (u)
		u->recheck = true;
}

static void host_overrun(void *data)
{
	struct manager *m = data;
	struct unit *u, *tmp;
	struct rtnl *rtnl;

	log_warning("kernel events were lost; looking again");
	if (rtnl_open(&rtnl) == 0) {
		if (rtnl_nsid_dump(rtnl, check_gone, m, NULL) == 0)
			HASH_ITER (hh, m->units, u, tmp)
				if (u->state == NETNS_REMOVING && u->fd < 0 && !u->recheck)
					manager_unit_gone(u);
		rtnl_close(rtnl);
	}
	manager_retry_soon(m);
}

int manager_events_start(struct manager *m, struct error *err)
{
	uint32_t groups = 1u << (RTNLGRP_LINK - 1) | 1u << (RTNLGRP_NSID - 1);
	int r = rtnl_monitor_start(&m->p->monitor, m->loop, groups, host_event, host_overrun, m);

	if (r < 0)
		return error_set(err, r, "could not listen to kernel events: %s", strerror(-r));
	m->p->monitoring = true;
	return 0;
}

void manager_events_stop(struct manager *m)
{
	if (m->p->monitoring)
		rtnl_monitor_stop(&m->p->monitor);
	m->p->monitoring = false;
	ev_timer_stop(m->loop, &m->p->retry);
	ev_timer_stop(m->loop, &m->p->waiters);
	ev_timer_stop(m->loop, &m->p->status);
	ev_timer_stop(m->loop, &m->p->start_timeout);
}
