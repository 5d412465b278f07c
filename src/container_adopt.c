/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers that an earlier daemon had, taken over as it wrote them down (container_save.c). Those that run
 * are watched on, never touched: an nspawn that is not our child tells its end by its pidfd all the same.
 * First all are read, then all go on, since they may wait for each other. */
#include "container_internal.h"

#include "checkpoint.h"
#include "cleanup.h"
#include "container_record.h"
#include "file.h"
#include "log.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define WATCH_DELAY	 1. /* s, until one that cannot be watched is tried again */
#define BAD_RECORDS_TOLD 20

static bool has_process(const struct supervision *s)
{
	return s->state >= CONTAINER_START && s->state <= CONTAINER_STOP_SIGKILL;
}

/* --- one that runs ------------------------------------------------------------------------------ */

/* Looked at after it was opened: what has the number now is what the descriptor is of. */
int process_open(pid_t pid, uint64_t started)
{
	int fd = pid > 1 ? pidfd_open(pid, 0) : -1;
	uint64_t now;

	if (fd < 0)
		return pid > 1 ? -errno : -ESRCH;
	now = process_started(pid);
	if (now == started)
		return fd;
	/* Or its stat could not be read, for want of something. */
	if (now == 0 && pidfd_send_signal(fd, 0, NULL, 0) == 0) {
		(void)close(fd);
		return -EAGAIN;
	}
	(void)close(fd);
	return -ESRCH;
}

/* Where the payload lives, whatever is called so now. */
static void pin_netns(struct container *c, const char *name)
{
	const struct unit *u = manager_find_unit(c->manager, name);
	_cleanup_close_ int fd = -1;
	char path[64];

	if (u && u->netns && u->netns->host)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->leader);
	fd = c->leader ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || (u && u->fd >= 0 && netns_same(fd, u->fd))) {
		c->p->netns_fd = u && u->fd >= 0 ? netns_dup(u->fd) : -1;
		return;
	}
	container_log(c, LOG_WARNING, "lives in another namespace than the one that is now called %s", name);
	c->needs_restart = true;
	c->p->netns_fd = steal_fd(fd);
}

static int take_leader(struct container *c, const struct container_record *r)
{
	int fd = process_open(r->leader, r->leader_started);

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	c->p->leader_pidfd = fd;
	c->leader = r->leader;
	c->p->leader_started = r->leader_started;
	return 0;
}

bool container_never_began(const struct container *c, int code, int status)
{
	return c->s.state == CONTAINER_START && !c->s.leader &&
	       (code == 0 || (code == CLD_EXITED && status == 0));
}

void container_begin_anew(struct container *c)
{
	container_log(c, LOG_INFO, "its start is begun anew: netnsd ended in the middle of it");
	container_run_ended(c);
	c->s.state = CONTAINER_START_PRE;
	c->s.deadline = 0;
	container_deadline_set(c);
	container_record_save(c);
	container_sequence_start(c, container_prepare_stages);
}

/* It has ended, and its status went to whoever reaped it. */
static void ended_unseen(struct container *c)
{
	if (container_never_began(c, 0, 0)) {
		container_begin_anew(c);
		return;
	}
	container_log(c, LOG_NOTICE,
		      "has ended while netnsd did not run; how is not known: taken for a failure");
	container_event_full(c, &(struct supervise_input){.event = SUPERVISE_EXITED});
}

static void goes_on(struct container *c, bool heard)
{
	container_log(c, LOG_INFO, "goes on: %s", container_state_to_string(c->s.state));
	container_record_save(c);
	container_deadline_set(c);
	switch (c->s.state) {
	case CONTAINER_START: container_look_for_ready(c, heard); break;
	case CONTAINER_RUNNING: container_running(c); break;
	case CONTAINER_STOP_SIGTERM: container_signal_again(c); break;
	case CONTAINER_STOP_SIGKILL:
		if (c->cgroup)
			(void)cgroup_kill(c->cgroup);
		break;
	default: break;
	}
}

static void take_process(struct container *c);

static void on_watch(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	take_process(w->data);
}

static void take_process(struct container *c)
{
	const struct container_record *r = c->p->record;
	ev_timer *w = &c->p->exec;
	int e;

	e = c->leader ? 0 : take_leader(c, r);
	if (e == 0)
		e = container_process_take(c, r->pid, r->pid_started);
	if (e == -ESRCH) {
		ended_unseen(c);
	} else if (e < 0) {
		container_log(c, LOG_WARNING, "cannot be watched: %s; tried again in a second", strerror(-e));
		ev_timer_init(w, on_watch, WATCH_DELAY, 0.);
		w->data = c;
		ev_timer_start(c->manager->loop, w);
		return;
	} else {
		pin_netns(c, r->netns);
		goes_on(c, e > 0);
	}
	free(steal_pointer(c->p->record));
}

/* --- all of them -------------------------------------------------------------------------------- */

/* What its run was started with: the last good file, when it is what the hash says, else only the hash. */
static void take_settings(struct container *c, const struct container_record *r)
{
	struct desired *applied = c->manager->p->was_applied;
	const struct container_settings *was = applied ? desired_find_container(applied, c->name) : NULL;

	c->p->started_with = r->settings;
	if (was && str_hash(was->text) == r->settings) {
		c->tree = desired_ref(applied);
		c->running = was;
	} else {
		c->p->guessed = true;
		if (c->settings) {
			c->tree = desired_ref(c->manager->desired);
			c->running = c->settings;
		}
	}
	c->needs_restart = c->settings && container_needs_restart(c, c->settings);
	if (c->settings && !c->needs_restart)
		c->p->started_with = str_hash(c->settings->text); /* as the last good file will be */
}

static void take_state(struct container *c, const struct container_record *r)
{
	c->s = r->s;
	c->since = r->changed_at;
	c->wanted = r->wanted && c->settings;
	c->p->resume = r->resume;
	c->p->again = r->again;
	c->p->sent = r->sent;
	c->p->ran = true;
	c->p->recorded_pid = r->pid;
	if (r->why[0])
		error_set(&c->reason, -ECANCELED, "%s", r->why);
	if (r->cgroup[0])
		(void)str_replace(&c->cgroup, r->cgroup);
	(void)str_format(c->status_text, sizeof(c->status_text), "%s", r->status);
	if (has_process(&c->s) || c->s.state == CONTAINER_STOP_POST)
		take_settings(c, r);
	/* Conditions are the daemon's, so this one looks for itself. */
	if (c->s.state == CONTAINER_SKIPPED && c->wanted) {
		c->s.state = CONTAINER_DEAD;
		c->p->ran = false;
	}
	if (!c->settings && !c->config_failed && container_is_active(c))
		c->p->stop_wanted = true;
}

static void go_on(struct container *c)
{
	if (has_process(&c->s)) {
		take_process(c);
		return;
	}
	free(steal_pointer(c->p->record));
	container_deadline_set(c);
	if (c->s.state == CONTAINER_START_PRE) /* what was prepared went with the daemon */
		container_sequence_start(c, container_prepare_stages);
	else if (c->s.state == CONTAINER_STOP_POST)
		container_sequence_start(c, container_clean_stages);
}

static int read_record(const char *path, struct container_record *ret)
{
	_cleanup_free_ char *text = NULL;
	char boot_id[40];
	size_t length;
	int r = file_read(path, CONTAINER_RECORD_MAX, &text, &length);

	if (r == 0)
		r = container_record_parse(text, length, ret);
	if (r < 0)
		return r;
	if (!checkpoint_boot_id(boot_id))
		return -EAGAIN;
	return strcmp(boot_id, ret->boot_id) == 0 ? 0 : -ESTALE;
}

static void remove_record(const char *path)
{
	if (unlink(path) < 0 && (errno != EISDIR || rmdir(path) < 0) && errno != ENOENT)
		log_warning("cannot remove %s: %s", path, strerror(errno));
}

/* Of another boot: nothing of it runs. Somebody may have put many there: the first ones are told. */
static void tell_bad(const char *name, const char *path, int e, unsigned *bad)
{
	if (e == -ESTALE || (*bad)++ >= BAD_RECORDS_TOLD)
		return;
	log_write_container(
		LOG_WARNING, NULL, name,
		"what was written down of it (%s) cannot be used: %s; if it runs, it is ended before "
		"it is started",
		path, e == -EINVAL ? "damaged, or another version's" : strerror(-e));
}

/* Nothing is wrong with the file, so that this is no ground to end what runs. */
static bool is_want(int e)
{
	static const int wants[] = {ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC, EINTR, EAGAIN, EIO, EPERM};

	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++)
		if (e == -wants[i])
			return true;
	return false;
}

static int take_record(struct manager *m, const char *name, unsigned *bad, struct error *err)
{
	_cleanup_free_ struct container_record *record = malloc(sizeof(*record));
	char path[CONTAINER_RECORD_PATH_SIZE];
	struct container *c = NULL;
	int r = -ENOMEM;

	container_record_path(name, path);
	if (record)
		r = read_record(path, record);
	if (record && is_want(r))
		r = read_record(path, record);
	if (r == 0)
		r = container_ensure(m, name, &c);
	if (r == 0) {
		c->p->record = steal_pointer(record);
		take_state(c, c->p->record);
		return 0;
	}
	if (is_want(r))
		return error_set(err, r,
				 "cannot read %s: %s; without it container %s could not be taken over (when "
				 "that file is removed it is ended, and started anew)",
				 path, strerror(-r), name);
	tell_bad(name, path, r, bad);
	remove_record(path);
	return 0;
}

static int take_entry(struct manager *m, const struct dirent *d, unsigned *bad, struct error *err)
{
	size_t length = strlen(d->d_name), suffix = strlen(CONTAINER_RECORD_SUFFIX);
	char name[CONTAINER_NAME_MAX + 1], path[sizeof(CONTAINER_RECORD_DIRECTORY) + NAME_MAX + 2];

	if (str_ends_with(d->d_name, CONTAINER_RECORD_SUFFIX ".new")) { /* the last thing a daemon did */
		(void)snprintf(path, sizeof(path), "%s/%s", CONTAINER_RECORD_DIRECTORY, d->d_name);
		(void)unlink(path);
	}
	if (!str_ends_with(d->d_name, CONTAINER_RECORD_SUFFIX) || length - suffix > CONTAINER_NAME_MAX)
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(length - suffix), d->d_name);
	return container_name_is_valid(name) ? take_record(m, name, bad, err) : 0;
}

static int take_records(struct manager *m, struct error *err)
{
	DIR *directory = opendir(CONTAINER_RECORD_DIRECTORY);
	const struct dirent *d;
	unsigned bad = 0;
	int r = 0;

	if (!directory && errno == ENOENT)
		return 0;
	while (directory && r == 0 && (errno = 0, d = readdir(directory)))
		r = take_entry(m, d, &bad, err);
	if (r == 0 && errno != 0)
		r = error_set(err, -errno, "cannot read %s: %m", CONTAINER_RECORD_DIRECTORY);
	if (bad > BAD_RECORDS_TOLD)
		log_warning("%u more files in %s cannot be used", bad - BAD_RECORDS_TOLD,
			    CONTAINER_RECORD_DIRECTORY);
	if (directory)
		(void)closedir(directory);
	return r;
}

int containers_adopt(struct manager *m, struct error *err)
{
	struct container *c, *tmp;
	int r = take_records(m, err);

	if (r < 0)
		return r;
	HASH_ITER (hh, m->containers, c, tmp)
		if (c->p->record)
			go_on(c);
	containers_sweep(m);
	desired_unref(steal_pointer(m->p->was_applied));
	containers_settle_soon(m);
	return 0;
}
