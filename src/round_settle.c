/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a round for one namespace: its state, and when a failure is tried again. */
#include "round.h"

#include "cleanup.h"
#include "manager_internal.h"
#include "netns.h"
#include "str.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* After a failure it is tried again in 1, 2, 4 ... 64 seconds, unless an event says earlier that
 * something has changed. */
#define RETRY_SHIFT_MAX 6u

/* What the kernel will say again as long as the file says the same. */
static bool is_lasting(int code)
{
	return code == -EINVAL || code == -EOPNOTSUPP || code == -ERANGE || code == -EAFNOSUPPORT ||
	       code == -EEXIST;
}

static void try_again(struct unit *u)
{
	double seconds = (double)(1u << u->failures);

	if (u->failures < RETRY_SHIFT_MAX)
		u->failures++;
	unit_mark_later(u, seconds);
}

/* Somebody else's namespace: held while Adopt= was tried, or was still in the file. A descriptor would keep
 * it alive when its owner removes the name, and it would be in the way of ours for good. */
static bool is_not_to_be_held(const struct round_item *i)
{
	const struct unit *u = i->unit;

	if (!i->netns || u->fd < 0 || nsid_is_created(u->nsid))
		return false;
	return !u->applied || (!i->netns->adopt && !i->survey.named);
}

/* A try that takes links down, fails, and puts them back costs traffic: only when there is hope. */
static void settle_failed(struct round_item *i)
{
	struct unit *u = i->unit;

	unit_set_state(u, NETNS_FAILED, &i->error);
	u->told_failure = i->error;
	u->clean = false;
	if (is_not_to_be_held(i))
		unit_forget_namespace(u);
	if (!i->destroyed || !is_lasting(i->error.code))
		try_again(u);
}

static void settle_done(struct round_item *i)
{
	struct unit *u = i->unit;

	u->failures = 0;
	u->unnamed = false; /* taken away again is told again */
	u->told_failure = (struct error){0};
	desired_unref(u->before);
	u->before = NULL;
	if (i->wanted && !i->told_only)
		unit_set_applied(u, i->round->desired);
	if (i->told_only) { /* the end of a hold is still to come */
		unit_set_state(u, NETNS_DEGRADED, &i->error);
	} else {
		ev_timer_stop(u->manager->loop, &u->later);
		unit_set_state(u, strv_length(u->waits_for) ? NETNS_PENDING : NETNS_CONFIGURED, NULL);
	}
	u->clean = i->is_as_declared && u->marks == i->marks && u->state == NETNS_CONFIGURED;
	if (!u->clean)
		u->manager->p->fresh = true;
}

void round_tell_waiting(const struct round_item *i)
{
	_cleanup_free_ char *waits = strv_join(i->waits_for, ", ");
	char object[NAME_MAX + 1];

	if (!waits || !*waits)
		return;
	(void)snprintf(object, sizeof(object), "%s.netns", i->name);
	diags_add(&i->round->result->diags, DIAG_WARNING, object, NULL, 0, NULL, NULL, "waits for %s", waits);
}

void round_settle(struct round_item *i)
{
	struct unit *u = i->unit;

	strv_free(u->waits_for);
	u->waits_for = i->waits_for;
	i->waits_for = NULL;
	if (i->failed) {
		settle_failed(i);
	} else if (i->round->recovery) { /* what runs is not what the file says */
		unit_set_applied(u, i->round->desired);
		unit_set_state(u, NETNS_FAILED, &u->told_failure);
	} else {
		settle_done(i);
	}
}
