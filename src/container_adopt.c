/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written down of containers at each change, and taken over by the next daemon. Those that run are
 * watched on, never touched: an nspawn that is not our child tells its end by its pidfd all the same. */
#include "container_internal.h"

#include "checkpoint.h"
#include "cleanup.h"
#include "container_record.h"
#include "file.h"
#include "log.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_SUFFIX ".record" /* "x.record.new": a write that was the last thing a daemon did */

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

/* --- writing ------------------------------------------------------------------------------------ */

static void record_path(const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s" RECORD_SUFFIX, CONTAINER_RECORD_DIRECTORY, name);
}

static void fill_record(const struct container *c, struct container_record *r)
{
	struct unit *u = manager_find_unit(c->manager, container_netns(c));

	*r = (struct container_record){.s = c->s,
				       .changed_at = c->since,
				       .wanted = c->wanted,
				       .resume = c->p->resume,
				       .pid = c->pid,
				       .leader = c->leader,
				       .pid_started = c->pid ? process_started(c->pid) : 0,
				       .leader_started = c->leader ? process_started(c->leader) : 0,
				       .netns_cookie = u && c->p->netns_fd >= 0 ? u->cookie : 0,
				       .settings = c->running ? str_hash(c->running->text) : 0};
	checkpoint_boot_id(r->boot_id);
	(void)str_format(r->cgroup, sizeof(r->cgroup), "%s", c->cgroup ? c->cgroup : "");
	(void)str_format(r->netns, sizeof(r->netns), "%s", container_netns(c));
	(void)str_format(r->status, sizeof(r->status), "%s", c->status_text);
}

/* Before what it says is done. A /run that is full costs what is told after a restart, not the container. */
void container_record_save(struct container *c)
{
	struct container_record record;
	_cleanup_free_ char *text = NULL;
	char path[160];
	int r;

	fill_record(c, &record);
	text = container_record_print(&record);
	record_path(c->name, path, sizeof(path));
	if (mkdir(CONTAINER_RECORD_DIRECTORY, 0700) < 0 && errno != EEXIST)
		r = -errno;
	else
		r = text ? file_write_atomically(path, text) : -ENOMEM;
	if (r < 0 && !c->p->unrecorded)
		container_log(c, LOG_WARNING,
			      "its state cannot be written to %s: %s; a daemon that starts now would end it "
			      "and start it anew",
			      path, strerror(-r));
	c->p->unrecorded = r < 0;
}

void container_record_forget(const struct container *c)
{
	char path[160];

	record_path(c->name, path, sizeof(path));
	(void)unlink(path);
}

/* --- taking over -------------------------------------------------------------------------------- */

/* It has ended while nobody looked, and its status went to whoever reaped it. */
static void ended_unseen(struct container *c)
{
	container_log(c, LOG_NOTICE, "has ended while netnsd did not run; how is not known");
	container_event_full(c, &(struct supervise_input){.event = SUPERVISE_EXITED});
}

int process_open(pid_t pid, uint64_t started)
{
	int fd = pid > 1 ? pidfd_open(pid, 0) : -1;

	/* Looked at after it was opened: what has the number now is what the descriptor is of. */
	if (fd >= 0 && process_started(pid) != started) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void pin_netns(struct container *c, const struct container_record *r)
{
	const struct unit *u = manager_find_unit(c->manager, r->netns);

	if (!u || u->fd < 0 || !r->netns_cookie)
		return;
	if (u->cookie && u->cookie != r->netns_cookie) {
		container_log(c, LOG_WARNING, "lives in another namespace than the one that is now called %s",
			      r->netns);
		c->needs_restart = true;
		return;
	}
	c->p->netns_fd = netns_dup(u->fd);
}

static void take_run(struct container *c, const struct container_record *r)
{
	struct manager *m = c->manager;

	if (c->settings) {
		c->tree = desired_ref(m->desired);
		c->running = c->settings;
		c->needs_restart = str_hash(c->settings->text) != r->settings;
	}
	pin_netns(c, r);
	(void)str_format(c->status_text, sizeof(c->status_text), "%s", r->status);
}

static void take_process(struct container *c, const struct container_record *r)
{
	struct error err = {0};

	take_run(c, r);
	if (container_process_take(c, r->pid, r->pid_started, &err) < 0) {
		if (err.code)
			container_log(c, LOG_WARNING, "%s", err.text);
		ended_unseen(c);
		return;
	}
	c->p->leader_pidfd = process_open(r->leader, r->leader_started);
	c->leader = c->p->leader_pidfd >= 0 ? r->leader : 0;
	container_log(c, LOG_INFO, "goes on: %s", container_state_to_string(c->s.state));
	if (c->s.state == CONTAINER_RUNNING)
		container_running(c);
}

static void take_state(struct container *c, const struct container_record *r)
{
	c->s = r->s;
	c->since = r->changed_at;
	c->wanted = r->wanted && c->settings;
	c->p->resume = r->resume;
	c->p->ran = true;
	if (r->cgroup[0])
		(void)str_replace(&c->cgroup, r->cgroup);
	switch (c->s.state) {
	case CONTAINER_START:
	case CONTAINER_RUNNING:
	case CONTAINER_STOP_SIGTERM:
	case CONTAINER_STOP_SIGKILL: take_process(c, r); break;
	case CONTAINER_START_PRE: /* what was prepared went with the daemon */
		c->s.state = CONTAINER_DEAD;
		if (c->wanted)
			container_event(c, SUPERVISE_START);
		return;
	case CONTAINER_STOP_POST: container_sequence_start(c, container_clean_stages); break;
	default: break;
	}
	container_deadline_set(c);
	if (!c->settings && container_is_active(c))
		c->p->stop_wanted = true;
}

static int read_record(const char *name, struct container_record *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[400], boot_id[40];
	size_t length;
	int r;

	record_path(name, path, sizeof(path));
	r = file_read(path, CONTAINER_RECORD_MAX, &text, &length);
	if (r == 0)
		r = container_record_parse(text, length, ret);
	if (r < 0)
		return r;
	checkpoint_boot_id(boot_id);
	return strcmp(boot_id, ret->boot_id) == 0 ? 0 : -ESTALE;
}

static void take_over(struct manager *m, const char *name)
{
	struct container_record record;
	struct container *c;
	char path[400];
	int r = read_record(name, &record);

	if (r == 0)
		r = container_ensure(m, name, &c);
	if (r == 0) {
		take_state(c, &record);
		return;
	}
	if (r == -EINVAL)
		log_write_container(
			LOG_WARNING, NULL, name,
			"what was written down of it is damaged, or another version's: if it runs, it is "
			"ended before it is started");
	record_path(name, path, sizeof(path));
	(void)unlink(path);
}

static void take_entry(struct manager *m, const struct dirent *d)
{
	size_t length = strlen(d->d_name);
	char name[CONTAINER_NAME_MAX + 1];

	if (!str_ends_with(d->d_name, RECORD_SUFFIX) || length - strlen(RECORD_SUFFIX) > CONTAINER_NAME_MAX)
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(length - strlen(RECORD_SUFFIX)), d->d_name);
	take_over(m, name);
}

void containers_adopt(struct manager *m)
{
	DIR *directory = opendir(CONTAINER_RECORD_DIRECTORY);
	struct dirent *d;

	while (directory && (d = readdir(directory)))
		take_entry(m, d);
	if (directory)
		(void)closedir(directory);
	containers_settle_soon(m);
}
