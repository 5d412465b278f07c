/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What belongs to the process of a container: its descriptors, here and in systemd's store, which the next
 * daemon takes over. */
#include "container_internal.h"

#include "cleanup.h"
#include "container_record.h"
#include "fdstore.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

bool container_log_is_journal(void)
{
	return access("/run/systemd/journal/stdout", W_OK) == 0;
}

/* Of its descriptors in systemd's store. */
static void store_name(const struct container *c, const char *what, char name[FDSTORE_NAME_MAX + 1])
{
	(void)snprintf(name, FDSTORE_NAME_MAX + 1, "%s-%s", what, c->name);
}

static void store(const struct container *c)
{
	char name[FDSTORE_NAME_MAX + 1];

	store_name(c, "pidfd", name);
	fdstore_keep(name, process_pidfd(c->p->process));
	if (!c->p->notify)
		return;
	store_name(c, "notify", name);
	fdstore_keep(name, notify_socket_fd(c->p->notify));
}

static void unstore(const struct container *c)
{
	char name[FDSTORE_NAME_MAX + 1];

	store_name(c, "pidfd", name);
	fdstore_drop(name);
	store_name(c, "notify", name);
	fdstore_drop(name);
}

int container_run_hand_over(const struct container *c, struct handover *h)
{
	char name[FDSTORE_NAME_MAX + 1];
	int r;

	if (!c->p->process || !c->p->notify)
		return 0;
	store_name(c, "pidfd", name);
	r = handover_add(h, name, process_pidfd(c->p->process), "", 0);
	store_name(c, "notify", name);
	return r < 0 ? r : handover_add(h, name, notify_socket_fd(c->p->notify), "", 0);
}

static void socket_path(const struct container *c, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", NOTIFY_DIRECTORY, c->name);
}

int container_socket_make(struct container *c, char *path, size_t size, struct error *err)
{
	if (mkdir(NOTIFY_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make %s: %m", NOTIFY_DIRECTORY);
	socket_path(c, path, size);
	return notify_socket_new(c->manager->loop, path, container_heard, c, &c->p->notify, err);
}

static void let_go(struct container *c)
{
	struct container_private *p = c->p;

	ev_timer_stop(c->manager->loop, &p->watchdog);
	ev_timer_stop(c->manager->loop, &p->exec);
	ev_timer_stop(c->manager->loop, &p->deaf);
	ev_timer_stop(c->manager->loop, &p->late_leader);
	health_free(steal_pointer(p->health));
	process_free(steal_pointer(p->process));
	console_guard_free(steal_pointer(p->guard));
	if (p->leader_pidfd >= 0)
		(void)close(steal_fd(p->leader_pidfd));
	c->pid = c->leader = 0;
	p->pid_started = p->leader_started = 0;
	p->told_error = 0;
	p->told_ready = p->leader_gone = false;
	c->health = HEALTH_NONE;
	c->health_text[0] = c->status_text[0] = '\0';
}

void container_run_ended(struct container *c)
{
	char path[128];

	if (c->p->process)
		unstore(c);
	notify_socket_free(steal_pointer(c->p->notify));
	socket_path(c, path, sizeof(path)); /* left by one that ended while nobody looked */
	(void)unlink(path);
	let_go(c);
}

void container_run_leave(struct container *c)
{
	notify_socket_leave(steal_pointer(c->p->notify));
	let_go(c);
}

/* --- taking over one that an earlier daemon started ------------------------------------------------ */

/* From the store with what was said meanwhile, else a new one, which nspawn finds by its path. 1: from the
 * store. Without one it still runs, only nobody hears what it says. */
static int take_socket(struct container *c)
{
	char path[128], name[FDSTORE_NAME_MAX + 1];
	struct error err = {0};
	int r, fd;

	store_name(c, "notify", name);
	fd = fdstore_take(name);
	socket_path(c, path, sizeof(path));
	r = fd < 0 ? container_socket_make(c, path, sizeof(path), &err)
		   : notify_socket_adopt(c->manager->loop, fd, path, container_heard, c, &c->p->notify, &err);
	if (r < 0)
		container_log(c, LOG_WARNING, "what it says from now on is not heard: %s", err.text);
	return r == 0 && fd >= 0;
}

int container_process_take(struct container *c, pid_t pid, uint64_t started)
{
	char path[160], name[FDSTORE_NAME_MAX + 1];
	_cleanup_close_ int pidfd = -1;
	int r;

	store_name(c, "pidfd", name);
	pidfd = fdstore_take(name); /* it was opened before the end, so it can tell how that was */
	if (pidfd < 0)
		pidfd = process_open(pid, started);
	if (pidfd < 0)
		return pidfd;
	r = process_adopt(c->manager->loop, pidfd, pid, container_ended, c, &c->p->process);
	if (r < 0)
		return r;
	c->pid = pid;
	c->p->pid_started = started;
	c->p->taken = true;
	r = take_socket(c);
	if (c->p->notify)
		notify_socket_expect(c->p->notify, pid);
	store(c);
	if (!container_log_is_journal() && console_path(c->name, path, sizeof(path)) >= 0)
		(void)console_guard_new(c->manager->loop, path, &c->p->guard);
	return r;
}

/* Written down when it was due, and that it was sent was not: to the payload itself, since a second one to
 * nspawn would kill that. */
void container_signal_again(struct container *c)
{
	if (c->p->sent >= c->s.signals)
		return;
	if (c->s.signals == 1 && c->p->leader_pidfd >= 0 && c->running)
		(void)pidfd_send_signal(c->p->leader_pidfd, container_stop_signal(c), NULL, 0);
	else if (c->p->process)
		(void)process_signal(c->p->process, c->s.leader ? SIGTERM : SIGINT);
	c->p->sent = c->s.signals;
	container_record_save(c);
}

/* What goes wrong in the child is told by its end. */
void container_launch(struct container *c)
{
	c->p->ran = true;
	if (!c->p->process)
		return;
	store(c);
	(void)process_release(c->p->process);
}
