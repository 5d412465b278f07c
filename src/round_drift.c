/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a round does about differences that nobody asked it to mend: OnDrift=, and fights. */
#include "round.h"

#include "clock.h"
#include "fight.h"
#include "log.h"
#include "manager_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an action is about, without its sign, and without the namespace when it is the unit's own. */
static char *words_of(const struct round_item *i, const struct action *a)
{
	bool elsewhere = strcmp(a->place, i->name) != 0;
	char *text;

	return asprintf(&text, "%s%s%s%s%s%s", elsewhere ? a->place : "", elsewhere ? ": " : "", a->text,
			a->reason ? " (" : "", a->reason ? a->reason : "", a->reason ? ")" : "") < 0
		       ? NULL
		       : text;
}

static void publish(const struct round_item *i, const struct action *a, enum event_object object)
{
	struct notice_board *board = &i->round->manager->notices;
	char *text = notice_wanted(board) ? words_of(i, a) : NULL;
	struct notice n = {.netns = i->name,
			   .object = object,
			   .change = EVENT_SET,
			   .cause = object == EVENT_DRIFT ? CAUSE_FOREIGN : CAUSE_OURS,
			   .ifname = a->ifname,
			   .text = text ? text : "",
			   .pid = object == EVENT_DRIFT ? i->unit->drifter : 0};

	notice_publish(board, &n);
	free(text);
}

/* " by NAME (pid N)", or nothing. The number is a netlink port: a pid only if a process of that number
 * is in that very namespace. */
static void name_drifter(const struct unit *u, char *ret, size_t size)
{
	char path[64], name[32];
	struct stat st;
	ssize_t n;
	int fd;

	ret[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%u/ns/net", (unsigned)u->drifter);
	if (!u->drifter || stat(path, &st) < 0 || st.st_ino != u->inode)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%u/comm", (unsigned)u->drifter);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof(name));
	if (fd >= 0)
		(void)close(fd);
	if (n > 1)
		(void)snprintf(ret, size, " by %.*s (pid %u)", (int)n - 1, name, (unsigned)u->drifter);
}

static const struct action *first_shown(const struct plan *p, size_t *ret_n)
{
	const struct action *first = NULL;

	*ret_n = 0;
	for (size_t k = 0; k < p->n_actions; k++)
		if (!p->actions[k].quiet && (*ret_n)++ == 0)
			first = &p->actions[k];
	return first ? first : &p->actions[0];
}

/* OnDrift=report: said once, and in the status. */
static bool only_report(struct round_item *i, const struct plan *p)
{
	struct unit *u = i->unit;
	size_t n;
	const struct action *first = first_shown(p, &n);
	char *text = words_of(i, first);
	bool news;

	i->told_only = true;
	if (n > 1)
		error_set(&i->error, -ESTALE,
			  "is not as declared: %s (and %zu more); netnsctl apply puts it back",
			  text ? text : first->text, n - 1);
	else
		error_set(&i->error, -ESTALE, "is not as declared: %s; netnsctl apply puts it back",
			  text ? text : first->text);
	free(text);
	news = u->state != NETNS_DEGRADED || strcmp(u->reason.text, i->error.text) != 0;
	for (size_t k = 0; news && k < p->n_actions; k++)
		if (!p->actions[k].quiet)
			publish(i, &p->actions[k], EVENT_DRIFT);
	if (news)
		log_write(LOG_WARNING, i->name, "%s", i->error.text);
	return false;
}

static bool is_fought_over(struct round_item *i, const struct action *a)
{
	struct unit *u = i->unit;
	char by[96];

	if (!u->fight)
		u->fight = calloc(1, sizeof(*u->fight));
	if (!u->fight || fight_note(u->fight, fight_object(a), clock_monotonic() + 1))
		return false;
	name_drifter(u, by, sizeof(by));
	i->told_only = true;
	error_set(
		&i->error, -ESTALE,
		"%s%s%s: changed again and again%s, and was put back %u times within %u s; it is left so for "
		"%u s. Find out who changes it, or say OnDrift=report",
		a->text, a->reason ? ", " : "", a->reason ? a->reason : "", by, FIGHT_BURST,
		(unsigned)(FIGHT_INTERVAL / 1000000), (unsigned)(FIGHT_HOLD / 1000000));
	log_write(LOG_WARNING, i->name, "%s", i->error.text);
	unit_mark_later(u, (double)FIGHT_HOLD / 1e6 + 0.1);
	return true;
}

bool round_may_repair(struct round_item *i, const struct plan *p)
{
	struct unit *u = i->unit;

	if (!u || i->round->turn > 0 || (u->state != NETNS_CONFIGURED && u->state != NETNS_DEGRADED))
		return true; /* on its way, not astray */
	if (u->netns && u->netns->on_drift == ON_DRIFT_REPORT)
		return only_report(i, p);
	for (size_t k = 0; k < p->n_actions; k++) {
		if (p->actions[k].quiet)
			continue;
		publish(i, &p->actions[k], EVENT_DRIFT);
		if (is_fought_over(i, &p->actions[k]))
			return false;
	}
	i->drifted = true;
	return true;
}

void round_repaired(struct round_item *i, const struct plan *p)
{
	char by[96] = "";

	if (i->unit)
		name_drifter(i->unit, by, sizeof(by));
	for (size_t k = 0; k < p->n_actions; k++) {
		const struct action *a = &p->actions[k];

		if (a->quiet)
			continue;
		if (i->unit)
			publish(i, a, EVENT_REPAIR);
		log_write(LOG_NOTICE, i->name, "repaired: %s%s%s%s%s", a->text, a->reason ? ", " : "",
			  a->reason ? a->reason : "", by[0] ? "; changed" : "", by);
	}
	if (i->unit)
		i->unit->drifter = 0;
}
