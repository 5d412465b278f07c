/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounded file that somebody else writes to. */
#include "console.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_DELAY 1.0 /* s from the first line on; a flood is looked at once a second */

int console_path(const char *name, char *buffer, size_t size)
{
	int n = snprintf(buffer, size, "%s/%s.log", CONSOLE_DIRECTORY, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int console_open(const char *name, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	char path[256];

	if (console_path(name, path, sizeof(path)) < 0)
		return error_set(err, -ENAMETOOLONG, "the name of the console's file is too long");
	if (mkdir(CONSOLE_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make %s: %m", CONSOLE_DIRECTORY);
	/* O_NONBLOCK: not to wait for the reader of a FIFO that somebody put there. */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, -errno, "cannot open %s: %m", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is not a regular file; remove it", path);
	if (fcntl(fd, F_SETFL, O_APPEND) < 0)
		return error_set(err, -errno, "cannot prepare %s: %m", path);
	*ret_fd = steal_fd(fd);
	return 0;
}

/* --- its bound ---------------------------------------------------------------------------------- */

struct console_guard {
	struct ev_loop *loop;
	ev_io changed;
	ev_timer look;
	int fd; /* of the file itself: what is watched is what is shortened */
	char *path;
};

/* The oldest blocks go, in place, where the file system can (ext4, xfs): who writes goes on behind. */
static bool collapse(int fd, off_t size, off_t block)
{
	off_t cut = (size - CONSOLE_KEEP) / block * block;

	return cut > 0 && fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, cut) == 0;
}

/* Elsewhere the newest are read, and written again at the front. A line that comes in between is in front of
 * them. */
static void rewrite(int fd, off_t size)
{
	_cleanup_free_ char *newest = malloc(CONSOLE_KEEP);
	ssize_t n = newest ? pread(fd, newest, CONSOLE_KEEP, size - CONSOLE_KEEP) : -1;
	char *line;

	if (ftruncate(fd, 0) < 0 || n <= 0)
		return;
	line = memchr(newest, '\n', (size_t)n); /* not to begin with half a line */
	line = line ? line + 1 : newest;
	if (write(fd, line, (size_t)(newest + n - line)) < 0)
		return; /* a full disk: then they are gone */
}

static void shorten(const struct console_guard *g)
{
	struct stat st;

	if (fstat(g->fd, &st) < 0 || st.st_size <= CONSOLE_MAX)
		return;
	if (!collapse(g->fd, st.st_size, st.st_blksize > 0 ? st.st_blksize : 4096))
		rewrite(g->fd, st.st_size);
}

/* Armed for one event: under a flood each line would wake us. */
static int arm(const struct console_guard *g)
{
	if (g->changed.fd < 0)
		return -EMFILE;
	return inotify_add_watch(g->changed.fd, g->path, IN_MODIFY | IN_ONESHOT) < 0 ? -errno : 0;
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	const struct console_guard *g = w->data;

	(void)events;
	shorten(g);
	/* Afterwards, so that our own change is not told. */
	if (arm(g) < 0) {
		ev_timer_set(w, LOOK_DELAY, 0.);
		ev_timer_start(loop, w);
	}
}

static void on_change(struct ev_loop *loop, ev_io *w, int events)
{
	struct console_guard *g = w->data;
	_Alignas(struct inotify_event) char buffer[4096];
	bool modified = false;
	ssize_t n;

	(void)events;
	while ((n = read(w->fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(buffer + at);

			modified = modified || (e->mask & IN_MODIFY);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	if (modified && !ev_is_active(&g->look)) {
		ev_timer_set(&g->look, LOOK_DELAY, 0.);
		ev_timer_start(loop, &g->look);
	}
}

/* Where others have taken all of inotify it is looked at each second. */
static void watch(struct console_guard *g)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	ev_io_init(&g->changed, on_change, fd, EV_READ);
	g->changed.data = g;
	if (fd >= 0)
		ev_io_start(g->loop, &g->changed);
	if (fd >= 0 && arm(g) == 0)
		return;
	ev_timer_set(&g->look, LOOK_DELAY, 0.);
	ev_timer_start(g->loop, &g->look);
}

int console_guard_new(struct ev_loop *loop, const char *path, struct console_guard **ret)
{
	struct console_guard *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	*g = (struct console_guard){.loop = loop, .path = strdup(path)};
	ev_io_init(&g->changed, on_change, -1, EV_READ);
	ev_init(&g->look, on_look);
	g->look.data = g;
	g->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	r = !g->path ? -ENOMEM : g->fd < 0 ? -errno : 0;
	if (r < 0) {
		console_guard_free(g);
		return r;
	}
	shorten(g); /* what an earlier run left */
	watch(g);
	*ret = g;
	return 0;
}

void console_guard_free(struct console_guard *g)
{
	if (!g)
		return;
	if (g->fd >= 0)
		shorten(g); /* nobody looks any more */
	ev_io_stop(g->loop, &g->changed);
	ev_timer_stop(g->loop, &g->look);
	if (g->changed.fd >= 0)
		(void)close(g->changed.fd);
	if (g->fd >= 0)
		(void)close(g->fd);
	free(g->path);
	free(g);
}
