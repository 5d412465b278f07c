/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon tells those who follow it (Subscribe, netnsctl monitor): every change in our
 * namespaces, numbered, in order, each to all of them or to nobody. Layer 3; loop thread only. */
#ifndef NETNSD_NOTICE_H
#define NETNSD_NOTICE_H

#include "event.h"

#include <utlist.h>

/* Everything is borrowed during the call. */
struct notice {
	uint64_t sequence;     /* from 1, without a gap; set by notice_publish() */
	uint64_t time;	       /* CLOCK_REALTIME, usec; set by notice_publish() */
	const char *netns;     /* name of the object; for EVENT_NAME also a foreign name, escaped */
	const char *container; /* EVENT_CONTAINER: its name; netns is the namespace it lives in. NULL: none */
	enum event_object object;
	enum event_change change;
	enum event_cause cause;
	const char *ifname; /* "": not about one link */
	const char *text;   /* a line for people */
	uint32_t pid;	    /* of whoever did it, as far as known; 0: unknown */
};

struct subscriber {
	struct subscriber *prev, *next;
	void (*notice)(const struct notice *n, void *data);
	/* Events were lost (the kernel's queue overran): what comes after is not the whole story. */
	void (*resync)(uint64_t sequence, void *data);
	void *data;
};

struct notice_board {	   /* in struct manager: m->notices */
	uint64_t sequence; /* of the last notice */
	struct subscriber *subscribers;
	struct subscriber *next; /* notice.c's own: who is told next, while they are told */
	bool telling;
};

/* Numbers and hands it on. Callbacks may remove any subscriber, themselves too, and add some (who are told
 * of what comes after), but must not publish. Cheap without
 * subscribers: whoever builds a text asks notice_wanted() first, and publishes without text otherwise. */
void notice_publish(struct notice_board *b, struct notice *n);
void notice_resync(struct notice_board *b); /* takes a number as well */
static inline bool notice_wanted(const struct notice_board *b)
{
	return b->subscribers != NULL;
}
void notice_subscribe(struct notice_board *b, struct subscriber *s); /* s is the caller's memory */
void notice_unsubscribe(struct notice_board *b, struct subscriber *s);

#endif
