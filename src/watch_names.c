/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names in /run/netns: who took ours away, or put something else there.
 *
 * inotify tells of the files, but not of mounts on them; for those the kernel wakes whoever polls
 * /proc/self/mountinfo. It does so with EPOLLERR and EPOLLPRI, and EPOLLIN is always set: a watcher for
 * writing, which the file never is ready for, is called at changes alone.
 */
#include "watch.h"

#include "log.h"
#include "manager_internal.h"
#include "netns.h"
#include "transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_DELAY 0.002 /* s; many mounts come at once */

static bool still_named(const struct unit *u)
{
	char path[sizeof(NETNS_DIRECTORY) + 256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", NETNS_DIRECTORY, u->name);
	return stat(path, &st) == 0 && st.st_ino == u->inode && st.st_dev == u->device;
}

/* The directory is made at the first creation, and somebody may mount another one over it. */
static void follow_directory(struct manager *m)
{
	struct manager_private *p = m->p;
	struct stat st;

	if (stat(NETNS_DIRECTORY, &st) < 0 || (st.st_ino == p->names_inode && st.st_dev == p->names_device))
		return;
	if (inotify_add_watch(p->names.fd, NETNS_DIRECTORY,
			      IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR) < 0)
		return;
	p->names_inode = st.st_ino;
	p->names_device = st.st_dev;
}

static void check_names(struct manager *m)
{
	struct unit *u, *tmp;

	follow_directory(m);
	HASH_ITER (hh, m->units, u, tmp) {
		bool named;

		if (u->fd < 0 || u->busy || !u->inode || !u->wanted)
			continue;
		named = still_named(u);
		if (!named && !u->unnamed)
			unit_mark(u, 0);
		u->unnamed = !named;
	}
}

static void names_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	check_names(w->data);
}

void watch_settle(struct manager *m)
{
	watch_drain(m);
	check_names(m);
}

void watch_names_soon(struct manager *m)
{
	ev_timer *w = &m->p->names_timer;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, names_timer, NAMES_DELAY, 0.);
	w->data = m;
	ev_timer_start(m->loop, w);
}

static void on_mounts(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	watch_names_soon(w->data);
}

static bool plan_names(const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].type == ACTION_NETNS_NAME || p->actions[i].type == ACTION_NETNS_UNNAME)
			return true;
	return false;
}

/* While a worker publishes it, or takes it away, it is our doing. */
static enum event_cause cause_of_name(struct manager *m, const char *name)
{
	const struct watch_flight *f;

	DL_FOREACH (m->p->flights, f)
		if (strcmp(f->transaction->plan->name, name) == 0 && plan_names(f->transaction->plan))
			return CAUSE_OURS;
	return CAUSE_FOREIGN;
}

static void tell_name(struct manager *m, const char *name, uint32_t mask)
{
	char *shown = str_escape(name, strlen(name));
	struct notice n = {.netns = shown ? shown : "",
			   .object = EVENT_NAME,
			   .change = mask & (IN_CREATE | IN_MOVED_TO) ? EVENT_SET : EVENT_REMOVED,
			   .cause = cause_of_name(m, name),
			   .ifname = "",
			   .text = "name in " NETNS_DIRECTORY};

	notice_publish(&m->notices, &n);
	free(shown);
}

static bool read_files(struct manager *m)
{
	union {
		struct inotify_event align;
		char bytes[16384];
	} buffer;
	ssize_t n = read(m->p->names.fd, &buffer, sizeof(buffer));

	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buffer.bytes + at);

		at += (ssize_t)(sizeof(*e) + e->len);
		if (e->mask & IN_Q_OVERFLOW)
			notice_resync(&m->notices);
		else if (e->mask & IN_IGNORED) /* the directory has gone; another one may come */
			m->p->names_inode = m->p->names_device = 0;
		else if (e->len && e->name[0] != '.')
			tell_name(m, e->name, e->mask);
	}
	return n > 0;
}

void watch_names_drain(struct manager *m)
{
	while (ev_is_active(&m->p->names) && read_files(m))
		watch_names_soon(m);
}

static void on_files(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	watch_names_drain(w->data);
}

static int open_files(struct error *err, int *ret_files, int *ret_mounts)
{
	*ret_files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (*ret_files < 0)
		return error_set(err, -errno, "could not watch %s: %s%s", NETNS_DIRECTORY, strerror(errno),
				 errno == EMFILE ? "; raise the sysctl fs.inotify.max_user_instances" : "");
	*ret_mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (*ret_mounts < 0) {
		int r = error_set(err, -errno, "could not open /proc/self/mountinfo: %s", strerror(errno));

		(void)close(*ret_files);
		return r;
	}
	return 0;
}

int watch_names_start(struct manager *m, struct error *err)
{
	int files, mounts, r = open_files(err, &files, &mounts);

	if (r < 0)
		return r;
	ev_io_init(&m->p->names, on_files, files, EV_READ);
	ev_io_init(&m->p->mounts, on_mounts, mounts, EV_WRITE);
	m->p->names.data = m->p->mounts.data = m;
	ev_io_start(m->loop, &m->p->names);
	ev_io_start(m->loop, &m->p->mounts);
	follow_directory(m);
	return 0;
}

void watch_names_stop(struct manager *m)
{
	if (!ev_is_active(&m->p->names))
		return;
	ev_timer_stop(m->loop, &m->p->names_timer);
	ev_io_stop(m->loop, &m->p->names);
	ev_io_stop(m->loop, &m->p->mounts);
	(void)close(m->p->names.fd);
	(void)close(m->p->mounts.fd);
}
