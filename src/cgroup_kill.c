/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a cgroup: killed with all below, waited for, removed. All watches of a loop share one inotify
 * descriptor, for a user can have few of them (128, shared by all daemons of root). The kernel says when a
 * cgroup becomes empty at cgroup.events, but not when it is removed, and it forgets the former when the
 * latter follows soon: so the directory that holds it is watched as well.
 */
#include "cgroup_internal.h"
#include "cleanup.h"
#include "parse.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <utlist.h>

#define REMOVE_MAX	  8192 /* cgroups of one tree; see CGROUP_DESCENDANTS */
#define TREE_DEPTH	  40   /* see CGROUP_DEPTH */
#define KILL_PASSES	  16   /* without cgroup.kill: while new processes are found */
#define KILL_PIDS_MAX	  65536
#define EVENTS_PER_TURN	  16  /* buffers */
#define POLL_DELAY	  0.1 /* s; where others have taken all inotify instances or watches */
#define WATCHES_MAX	  65536
#define CGROUP_EVENTS_MAX 256

/* --- empty? --------------------------------------------------------------------------------- */

/* 1: has processes, also below; 0: has none, or is not there; -errno: cannot be told. */
static int is_populated(const char *path)
{
	char text[CGROUP_EVENTS_MAX];
	ssize_t n = cgroup_read(path, "cgroup.events", text, sizeof(text));
	struct stat st;

	if (n == -ENOENT) /* the root has no such file: it is never empty */
		return stat(path, &st) == 0 ? 1 : 0;
	if (n < 0)
		return (int)n;
	return !strstr(text, "populated 0");
}

bool cgroup_is_empty(const char *path)
{
	return is_populated(path) == 0;
}

/* --- watch ---------------------------------------------------------------------------------- */

struct hub {
	struct ev_loop *loop;
	ev_io readable;
	int fd; /* -1: none is to be had */
	struct cgroup_watch *watches;
	struct hub *next;
};

struct cgroup_watch {
	struct hub *hub;
	ev_timer check; /* at once: a callback may free any watch, so none is called while events are read */
	char *path;
	const char *name;   /* in path */
	int events, parent; /* watch descriptors; -1: it is not there */
	bool polled;	    /* could not be watched */
	cgroup_empty_fn *empty;
	void *data;
	struct cgroup_watch *prev, *next;
};

/* One a loop, there as long as something is watched. */
static struct hub *hubs;

static void watch_look(struct cgroup_watch *w)
{
	ev_timer_set(&w->check, 0., 0.);
	ev_timer_start(w->hub->loop, &w->check);
}

static void hub_event(struct hub *h, const struct inotify_event *e)
{
	struct cgroup_watch *w;

	DL_FOREACH (h->watches, w) {
		if ((e->mask & IN_Q_OVERFLOW) || e->wd == w->events ||
		    (e->wd == w->parent && (!e->len || str_equal(e->name, w->name))))
			if (!ev_is_active(&w->check))
				watch_look(w);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	struct hub *h = io->data;
	ssize_t n;

	(void)loop;
	(void)events;
	for (int i = 0; i < EVENTS_PER_TURN && (n = read(h->fd, buffer, sizeof(buffer))) > 0; i++)
		for (const char *p = buffer; p < buffer + n; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)p;
			hub_event(h, e);
		}
}

static int hub_get(struct ev_loop *loop, struct hub **ret)
{
	struct hub *h;
	int fd;

	LL_SEARCH_SCALAR(hubs, h, loop, loop);
	if (h) {
		*ret = h;
		return 0;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	*h = (struct hub){.loop = loop, .fd = fd};
	ev_io_init(&h->readable, on_readable, fd, EV_READ);
	h->readable.data = h;
	if (fd >= 0)
		ev_io_start(loop, &h->readable);
	LL_PREPEND(hubs, h);
	*ret = h;
	return 0;
}

static void hub_put(struct hub *h)
{
	if (h->watches)
		return;
	ev_io_stop(h->loop, &h->readable);
	if (h->fd >= 0)
		(void)close(h->fd);
	LL_DELETE(hubs, h);
	free(h);
}

/* The kernel gives each file one descriptor, however many watch it. */
static void hub_forget(struct hub *h, int wd)
{
	struct cgroup_watch *w;

	if (wd < 0)
		return;
	DL_FOREACH (h->watches, w)
		if (w->events == wd || w->parent == wd)
			return;
	(void)inotify_rm_watch(h->fd, wd); /* EINVAL: the file has gone, and it with it */
}

static void watch_stop(struct cgroup_watch *w)
{
	struct hub *h = w->hub;

	if (!h)
		return;
	ev_timer_stop(h->loop, &w->check);
	DL_DELETE(h->watches, w);
	hub_forget(h, w->events);
	hub_forget(h, w->parent);
	w->hub = NULL;
	hub_put(h);
}

static void on_check(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct cgroup_watch *w = timer->data;
	int populated = is_populated(w->path);

	(void)loop;
	(void)events;
	if (populated == 0) {
		watch_stop(w);
		w->empty(w, w->data);		 /* may free it */
	} else if (populated < 0 || w->polled) { /* no descriptor to be had, it seems: soon again */
		ev_timer_set(&w->check, w->polled ? POLL_DELAY : 1., 0.);
		ev_timer_start(w->hub->loop, &w->check);
	}
}

/* 0, or -errno; what is not there is no error. */
static int add_watch(struct hub *h, const char *path, uint32_t mask, int *ret)
{
	int wd = inotify_add_watch(h->fd, path, mask);

	if (wd < 0 && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	*ret = wd;
	return 0;
}

static int watch_start(struct cgroup_watch *w, struct hub *h)
{
	_cleanup_free_ char *events = NULL, *parent = strdup(w->path);
	int e;

	if (!parent || asprintf(&events, "%s/cgroup.events", w->path) < 0) {
		events = NULL;
		return -ENOMEM;
	}
	parent[w->name - w->path] = '\0';
	e = add_watch(h, parent, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR, &w->parent);
	if (e < 0)
		return e;
	return add_watch(h, events, IN_MODIFY, &w->events);
}

int cgroup_watch_new(struct ev_loop *loop, const char *path, cgroup_empty_fn *empty, void *data,
		     struct cgroup_watch **ret)
{
	const char *slash = strrchr(path, '/');
	struct cgroup_watch *w;
	struct hub *h = NULL;
	int e;

	if (!slash || !slash[1])
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct cgroup_watch){
		.events = -1, .parent = -1, .empty = empty, .data = data, .path = strdup(path)};
	ev_init(&w->check, on_check);
	w->check.data = w;
	e = w->path ? hub_get(loop, &h) : -ENOMEM;
	if (e < 0) {
		cgroup_watch_free(w);
		return e;
	}
	w->name = w->path + (slash + 1 - path);
	w->hub = h;
	DL_APPEND(h->watches, w);
	w->polled = h->fd < 0 || watch_start(w, h) < 0;
	watch_look(w); /* what is empty already tells nothing any more */
	*ret = w;
	return 0;
}

void cgroup_watch_free(struct cgroup_watch *w)
{
	if (!w)
		return;
	watch_stop(w);
	free(w->path);
	free(w);
}

/* --- trees ---------------------------------------------------------------------------------- */

/* Calls do_one(directory, name, data) for each cgroup below and then for this one, until one fails.
 * Takes `fd`, the directory that holds `name`, by value. */
typedef int tree_fn(int fd, const char *name, void *data);

static int tree_walk(int at, const char *name, unsigned depth, tree_fn *do_one, void *data)
{
	struct dirent *d;
	DIR *dir;
	int fd, e = 0;

	if (depth > TREE_DEPTH)
		return -ELOOP;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		e = -errno;
		(void)close(fd);
		return e;
	}
	while (e == 0 && (d = readdir(dir)))
		if (d->d_type == DT_DIR && !str_equal(d->d_name, ".") && !str_equal(d->d_name, ".."))
			e = tree_walk(fd, d->d_name, depth + 1, do_one, data);
	(void)closedir(dir);
	return e < 0 ? e : do_one(at, name, data);
}

static int remove_one(int at, const char *name, void *data)
{
	unsigned *count = data;

	if (++*count > REMOVE_MAX)
		return -EAGAIN;
	if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENODEV)
		return -errno;
	return 0;
}

int cgroup_remove(const char *path)
{
	unsigned count = 0;

	/* First of all, for the empty ones of a tree that is in use are none of our business. */
	if (is_populated(path) > 0)
		return -EBUSY;
	return tree_walk(AT_FDCWD, path, 0, remove_one, &count);
}

/* --- kill ----------------------------------------------------------------------------------- */

static int kill_pids(FILE *f)
{
	char line[32];
	int killed = 0;

	while (killed < KILL_PIDS_MAX && fgets(line, sizeof(line), f)) {
		long pid = strtol(line, NULL, 10);

		if (pid > 0 && pid != getpid() && kill((pid_t)pid, SIGKILL) == 0)
			killed++;
	}
	return killed;
}

static int kill_one(int at, const char *name, void *data)
{
	_cleanup_free_ char *file = NULL;
	int *killed = data, fd;
	FILE *f;

	if (asprintf(&file, "%s/cgroup.procs", name) < 0) {
		file = NULL;
		return -ENOMEM;
	}
	fd = openat(at, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		(void)close(fd);
		return -ENOMEM;
	}
	*killed += kill_pids(f);
	(void)fclose(f);
	return 0;
}

/* Before Linux 5.14. Frozen they cannot fork while they are counted (5.2), and die all the same; a pass that
 * still kills some has killed those again that are not gone yet: then the next one, but not for ever. */
static int kill_each(const char *path)
{
	int e = 0;

	(void)cgroup_write(path, "cgroup.freeze", "1");
	for (int i = 0; i < KILL_PASSES; i++) {
		int killed = 0;

		e = tree_walk(AT_FDCWD, path, 0, kill_one, &killed);
		if (e < 0 || killed == 0)
			break;
	}
	(void)cgroup_write(path, "cgroup.freeze", "0");
	return e;
}

/* A path that went wrong must not end the daemon, nor the machine. */
static bool has_us(const char *path)
{
	_cleanup_free_ char *own = NULL;
	struct cgroup_layout l;
	size_t length;

	if (cgroup_find_layout(&l, NULL) < 0 || !str_starts_with(path, l.mount) || cgroup_of_pid(0, &own) < 0)
		return false;
	path += strlen(l.mount);
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	return strncmp(own, path, length) == 0 && (length == 0 || !own[length] || own[length] == '/');
}

int cgroup_kill(const char *path)
{
	struct stat st;
	int e;

	if (has_us(path))
		return -EPERM;
	e = cgroup_write(path, "cgroup.kill", "1");
	if (e != -ENOENT)
		return e;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return kill_each(path);
}
