/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written down of containers, at each change and before what it says is done; container_adopt.c reads
 * it back. */
#include "container_internal.h"

#include "checkpoint.h"
#include "cleanup.h"
#include "container_record.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGAIN_DELAY 5. /* s, until what could not be written is tried again */

/* comm may hold blanks and brackets: from the last one on. */
uint64_t process_started(pid_t pid)
{
	char path[64], text[1024], *at;
	_cleanup_fclose_ FILE *f = NULL;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

void container_record_path(const char *name, char path[CONTAINER_RECORD_PATH_SIZE])
{
	(void)snprintf(path, CONTAINER_RECORD_PATH_SIZE, "%s/%.*s%s", CONTAINER_RECORD_DIRECTORY,
		       CONTAINER_NAME_MAX, name, CONTAINER_RECORD_SUFFIX);
}

/* Kept, since it may be asked for when there is no descriptor to be had. */
static uint64_t started(pid_t pid, uint64_t *known)
{
	if (pid <= 0)
		return 0;
	if (*known == 0)
		*known = process_started(pid);
	return *known;
}

/* Also of one that is still being taken over. */
static void fill_processes(struct container *c, struct container_record *r)
{
	const struct container_record *old = c->p->record;

	r->pid = c->pid || !old ? c->pid : old->pid;
	r->pid_started = c->pid || !old ? started(c->pid, &c->p->pid_started) : old->pid_started;
	r->leader = c->leader || !old ? c->leader : old->leader;
	r->leader_started =
		c->leader || !old ? started(c->leader, &c->p->leader_started) : old->leader_started;
}

static void fill_record(struct container *c, struct container_record *r)
{
	*r = (struct container_record){.s = c->s,
				       .changed_at = c->since,
				       .wanted = c->wanted,
				       .resume = c->p->resume,
				       .again = c->p->again,
				       .sent = c->p->sent,
				       .settings = c->p->started_with};
	fill_processes(c, r);
	(void)checkpoint_boot_id(r->boot_id);
	(void)str_format(r->why, sizeof(r->why), "%s", c->reason.code ? c->reason.text : "");
	(void)str_format(r->cgroup, sizeof(r->cgroup), "%s", c->cgroup ? c->cgroup : "");
	(void)str_format(r->netns, sizeof(r->netns), "%s", container_netns(c));
	(void)str_format(r->status, sizeof(r->status), "%s", c->status_text);
}

static int write_record(struct container *c)
{
	struct container_record record;
	_cleanup_free_ char *text = NULL;
	char path[CONTAINER_RECORD_PATH_SIZE];
	int r;

	if (mkdir(CONTAINER_RECORD_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return -errno;
	fill_record(c, &record);
	if (record.pid > 0 && record.pid_started == 0) /* the next daemon would not know it by that */
		return -EAGAIN;
	text = container_record_print(&record);
	container_record_path(c->name, path);
	r = text ? file_write_atomically(path, text) : -ENOMEM;
	if (r == 0)
		c->p->recorded_pid = record.pid;
	return r;
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events);

static void try_again(struct manager *m)
{
	ev_timer *w = &m->p->records;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, on_again, AGAIN_DELAY, 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}

/* With little room some can be written and some cannot: good again is when for a while none failed. */
static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct container *c, *tmp;
	bool failed = m->p->records_failed;

	(void)loop;
	(void)events;
	m->p->records_failed = false;
	HASH_ITER (hh, m->containers, c, tmp)
		if (c->p->unrecorded)
			container_record_save(c);
	containers_settle_soon(m); /* those that are to go with their record */
	if (failed || m->p->records_failed) {
		try_again(m);
		return;
	}
	m->p->records_told = false;
	log_notice("the state of containers is written to %s again", CONTAINER_RECORD_DIRECTORY);
}

static void tell(struct manager *m, int e)
{
	m->p->records_failed = true;
	try_again(m);
	if (m->p->records_told)
		return;
	m->p->records_told = true;
	log_warning(
		"the state of containers cannot be written to %s: %s; they run on, but a netnsd that starts "
		"now may end them and start them anew; tried again every %.0f s",
		CONTAINER_RECORD_DIRECTORY, strerror(-e), AGAIN_DELAY);
}

/* A /run that is full costs what is known after a restart, never a container. Of one run an old record is
 * better than none, of another run it would be a lie; without it there is room for a new one. */
void container_record_save(struct container *c)
{
	int r = write_record(c);

	if (r < 0 && !c->p->record && c->p->recorded_pid != c->pid) {
		(void)container_record_forget(c);
		c->p->recorded_pid = 0;
		r = write_record(c);
	}
	c->p->unrecorded = r < 0;
	if (r < 0)
		tell(c->manager, r);
}

int container_record_forget(const struct container *c)
{
	char path[CONTAINER_RECORD_PATH_SIZE];
	int r;

	container_record_path(c->name, path);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR) {
		(void)rmdir(path);
		return 0;
	}
	r = -errno;
	tell(c->manager, r);
	return r;
}
