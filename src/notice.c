/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of those who are told. While it is walked the board knows who is next, so that whoever is
 * told may take anybody off it. New ones come in at the front, where the walk has been: they are told
 * of what comes after.
 */
#include "notice.h"

#include "clock.h"

#include <assert.h>

static struct subscriber *first(struct notice_board *b)
{
	assert(!b->telling); /* a notice made by a notice would overtake it */
	b->telling = true;
	b->next = b->subscribers ? b->subscribers->next : NULL;
	return b->subscribers;
}

static struct subscriber *next(struct notice_board *b)
{
	struct subscriber *s = b->next;

	b->next = s ? s->next : NULL;
	b->telling = s != NULL;
	return s;
}

void notice_publish(struct notice_board *b, struct notice *n)
{
	n->sequence = ++b->sequence;
	if (!b->subscribers)
		return;
	n->time = clock_realtime();
	for (struct subscriber *s = first(b); s; s = next(b))
		s->notice(n, s->data);
}

void notice_resync(struct notice_board *b)
{
	const uint64_t sequence = ++b->sequence;

	if (!b->subscribers)
		return;
	for (struct subscriber *s = first(b); s; s = next(b))
		s->resync(sequence, s->data);
}

void notice_subscribe(struct notice_board *b, struct subscriber *s)
{
	DL_PREPEND(b->subscribers, s);
}

void notice_unsubscribe(struct notice_board *b, struct subscriber *s)
{
	if (b->next == s)
		b->next = s->next;
	DL_DELETE(b->subscribers, s);
	s->prev = s->next = NULL;
}
