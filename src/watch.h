/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sees what happens in all our namespaces: one rtnetlink socket for all of them, names in /run/netns,
 * and a slow audit for what sends no event. It marks units, tells followers, and decides nothing.
 * Layer 3; loop thread only. */
#ifndef NETNSD_WATCH_H
#define NETNSD_WATCH_H

#include "error.h"

#include <ev.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct actual;
struct manager;
struct transaction;
struct unit;

/* Names of links by ifindex: events about addresses carry the index only. */
struct watch_link {
	int ifindex;
	char name[IFNAMSIZ];
	bool ours;	 /* has our mark */
	uint64_t digest; /* of what counts in it; 0: not known */
	UT_hash_handle hh;
};

/* A transaction that a worker has just now: what it does is our doing. */
struct watch_flight {
	struct watch_flight *prev, *next;
	const struct transaction *transaction;
};

int watch_start(struct manager *m, struct error *err);
void watch_stop(struct manager *m);

/* Handles events that are in the queue by now. Before anything is concluded from there having been none. */
void watch_drain(struct manager *m);
/* And whatever happened to names: afterwards u->clean can be believed. */
void watch_settle(struct manager *m);

/* Sets u->nsid, by which events find the unit; -1: none. */
void watch_set_nsid(struct unit *u, int nsid);
/* Names of links as a survey found them. */
void watch_learn_links(struct unit *u, const struct actual *a);
void watch_forget(struct unit *u); /* everything of a unit that is being freed */

/* Between these two, events that the transaction explains are ours. The end handles what is in the queue. */
void watch_flight_begins(struct manager *m, struct watch_flight *f, const struct transaction *t);
void watch_flight_ends(struct manager *m, struct watch_flight *f);

/* Has to be compared with its file again. sender: netlink port of who gave cause; 0: unknown. */
void unit_mark(struct unit *u, uint32_t sender);
/* As unit_mark(), in so many seconds, unless something else comes first. */
void unit_mark_later(struct unit *u, double seconds);

/* watch_names.c: inotify on /run/netns, /proc/self/mountinfo */
/* What inotify has by now; as watch_drain(). */
void watch_names_drain(struct manager *m);
/* Looks at all names in a moment. */
void watch_names_soon(struct manager *m);
int watch_names_start(struct manager *m, struct error *err);
void watch_names_stop(struct manager *m);

/* watch_audit.c */
void watch_audit_start(struct manager *m);
void watch_audit_stop(struct manager *m);

#endif
