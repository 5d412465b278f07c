/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an event means for what is declared: whose file has to be compared again, and whether it is
 * the work of a plan that is being executed. Layer 2; pure. Both only save work and name causes: what
 * is put back is decided by reconcile() from a fresh look at the kernel, never from an event. */
#ifndef NETNSD_DRIFT_H
#define NETNSD_DRIFT_H

#include "event.h"
#include "plan.h"

#define DRIFT_OWNERS 2

/* The namespaces whose files declare something that the event in `place` may have changed: of the file
 * that declares the link, which owns both ends of a pair, and of the place itself, whose routes go
 * with a link or an address without any event of their own (IPv4, Linux 6.18). ifname: of the event's
 * link, "" when unknown; before: the name it had until now, "" when it is new or the same. Returns how
 * many of `owners` were set. */
unsigned drift_owners(const struct netns *place, const struct event *e, const char *ifname,
		      const char *before, const struct netns *owners[DRIFT_OWNERS]);

/* Whether the plan does such a thing in `place`, so that the event is ours while it runs. */
bool drift_explained(const struct plan *p, const char *place, const struct event *e, const char *ifname);

/* Changes when anything does that is compared with a file: not with carrier, counters or state. */
uint64_t drift_link_digest(const struct actual_link *l);

#endif
