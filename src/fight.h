/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop putting one thing back again and again: somebody else wants it otherwise, and two
 * that undo each other at full speed help nobody. Layer 2; pure. */
#ifndef NETNSD_FIGHT_H
#define NETNSD_FIGHT_H

#include "plan.h"

#define FIGHT_INTERVAL ((uint64_t)10 * 1000000) /* usec */
#define FIGHT_BURST    10u			/* repairs of one object in an interval */
#define FIGHT_HOLD     ((uint64_t)30 * 1000000) /* usec until it is tried again */
#define FIGHT_OBJECTS  16u			/* looked after at a time; the oldest makes room */

struct fight {
	struct fight_object {
		uint64_t key, since; /* since 0: unused */
		unsigned count;
	} objects[FIGHT_OBJECTS];
};

/* Notes that the object is to be put back, at `now` (usec, monotonic, not 0). False: too often, do not;
 * its count starts again after FIGHT_HOLD. */
bool fight_note(struct fight *f, uint64_t object, uint64_t now);

/* What an action is about, whatever the value it has to overcome: the same for each time that the same
 * MTU is set again, or the same address put back. */
uint64_t fight_object(const struct action *a);

#endif
