/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that the console of a container goes to where there is no journal. The daemon bounds it by
 * moving its newest part to its front while others read and write, so whoever follows it looks whether what
 * was printed last is still in its place, and else looks for where it is now: no line comes twice, or is
 * left out, unless it is gone. */
#include "console.h"
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define BLOCK	   65536
#define RECENT	   4096
#define RECENT_MIN 64 /* less may be found anywhere */
#define SEARCH_MAX (4 * CONSOLE_MAX)

struct reader {
	struct log_sink *sink;
	const char *path, *file; /* the whole, and its last part */
	int fd;
	off_t offset;	     /* of what comes next */
	char recent[RECENT]; /* what came before it */
	size_t n_recent;
};

static int reader_open(struct reader *r, struct error *err)
{
	_cleanup_close_ int fd = open(r->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_set(err, -errno, "%s: %s%s", r->path, strerror(errno),
				 errno == EACCES || errno == EPERM ? "; run it as root" : "");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is no plain file", r->path);
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = steal_fd(fd);
	r->offset = 0;
	r->n_recent = 0;
	return 0;
}

/* --- the last lines --------------------------------------------------------------------------------- */

/* Where the last `lines` lines begin; the end of the last one does not count. */
static off_t find_tail(int fd, off_t size, uint64_t lines)
{
	off_t at = size;
	char block[BLOCK];

	if (lines == 0)
		return size;
	while (at > 0) {
		size_t n = at < BLOCK ? (size_t)at : BLOCK;
		ssize_t got = pread(fd, block, n, at - (off_t)n);

		if (got != (ssize_t)n)
			return at; /* it was shortened just now */
		at -= (off_t)n;
		for (size_t i = n; i-- > 0;)
			if (block[i] == '\n' && at + (off_t)i + 1 != size && --lines == 0)
				return at + (off_t)i + 1;
	}
	return 0;
}

static void remember(struct reader *r, const char *data, size_t n)
{
	if (n >= RECENT) {
		memcpy(r->recent, data + n - RECENT, RECENT);
		r->n_recent = RECENT;
		return;
	}
	if (r->n_recent + n > RECENT) {
		size_t drop = r->n_recent + n - RECENT;

		memmove(r->recent, r->recent + drop, r->n_recent - drop);
		r->n_recent -= drop;
	}
	memcpy(r->recent + r->n_recent, data, n);
	r->n_recent += n;
}

static void skip_to(struct reader *r, off_t offset)
{
	char before[RECENT];
	size_t n = offset < RECENT ? (size_t)offset : RECENT;
	ssize_t got = pread(r->fd, before, n, offset - (off_t)n);

	r->offset = offset;
	r->n_recent = 0;
	if (got == (ssize_t)n)
		remember(r, before, n);
}

/* --- what is new ------------------------------------------------------------------------------------- */

static bool in_place(const struct reader *r)
{
	char before[RECENT];
	ssize_t got = pread(r->fd, before, r->n_recent, r->offset - (off_t)r->n_recent);
	struct stat st;

	return got == (ssize_t)r->n_recent && memcmp(before, r->recent, r->n_recent) == 0 &&
	       fstat(r->fd, &st) == 0 && st.st_size >= r->offset;
}

/* Behind what was printed last, or as much of its end as is still there; -1: nowhere. Of several places the
 * first: rather a line twice than one left out. */
static off_t find_recent(const struct reader *r, const char *all, size_t length)
{
	for (size_t n = r->n_recent; n > 0; n = n > RECENT_MIN ? n / 2 : 0) {
		const char *found = memmem(all, length, r->recent + r->n_recent - n, n);

		if (found)
			return found - all + (off_t)n;
	}
	return -1;
}

/* The file was shortened. */
static void find_place(struct reader *r)
{
	_cleanup_free_ char *all = NULL;
	off_t place = -1;
	ssize_t got = -1;
	struct stat st;

	if (fstat(r->fd, &st) == 0 && st.st_size <= SEARCH_MAX && (all = malloc((size_t)st.st_size + 1)))
		got = pread(r->fd, all, (size_t)st.st_size, 0);
	if (got > 0)
		place = find_recent(r, all, (size_t)got);
	if (place >= 0) {
		r->offset = place;
		return;
	}
	if (r->sink->c->json == JSON_MODE_OFF)
		ctl_warning("-- %s was shortened; lines may be missing here --", r->path);
	r->offset = 0;
	r->n_recent = 0;
}

static int read_new(struct reader *r, struct error *err)
{
	char block[BLOCK];
	ssize_t n;

	if (!in_place(r))
		find_place(r);
	while ((n = pread(r->fd, block, sizeof(block), r->offset)) > 0) {
		log_sink_bytes(r->sink, block, (size_t)n);
		remember(r, block, (size_t)n);
		r->offset += n;
	}
	return n < 0 ? error_set(err, -errno, "cannot read %s: %s", r->path, strerror(errno)) : 0;
}

/* --- following ----------------------------------------------------------------------------------------- */

static bool was_replaced(const struct reader *r)
{
	struct stat ours, its;

	return fstat(r->fd, &ours) == 0 && stat(r->path, &its) == 0 &&
	       (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev);
}

/* Sleeps until something happened to the file. The directory is watched, for the file may come and go. */
static int wait_for_event(int inotify, const char *file)
{
	union {
		struct inotify_event first;
		char bytes[sizeof(struct inotify_event) + NAME_MAX + 1];
	} buffer;
	const struct inotify_event *e;

	for (;;) {
		ssize_t n = read(inotify, &buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(buffer.bytes + at);
			if (e->mask & IN_IGNORED)
				return -ENOENT;
			if ((e->mask & IN_Q_OVERFLOW) || (e->len > 0 && strcmp(e->name, file) == 0))
				return 0;
		}
	}
}

static int follow_file(struct reader *r, int inotify, struct error *err)
{
	for (;;) {
		int code = 0;

		if (r->fd >= 0)
			code = read_new(r, err);
		/* What was written to the old one last has just been read. */
		if (code == 0 && (r->fd < 0 || was_replaced(r))) {
			code = reader_open(r, err);
			if (code == 0)
				continue;
			code = code == -ENOENT ? 0 : code;
		}
		if (code < 0)
			return code;
		log_sink_flush(r->sink);
		code = wait_for_event(inotify, r->file);
		if (code < 0)
			return error_set(err, code, "cannot watch " CONSOLE_DIRECTORY ": %s",
					 strerror(-code));
	}
}

static int watch_directory(struct error *err)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd >= 0 &&
	    inotify_add_watch(fd, CONSOLE_DIRECTORY, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
		return fd;
	(void)error_set(err, -errno, "cannot watch " CONSOLE_DIRECTORY ": %s", strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int log_file(struct log_sink *s, const char *name, uint64_t lines, bool follow, struct error *err)
{
	_cleanup_close_ int inotify = -1;
	struct reader r = {.sink = s, .fd = -1};
	char path[PATH_MAX];
	struct stat st;
	int code;

	code = console_path(name, path, sizeof(path));
	if (code < 0)
		return error_set(err, code, "cannot find the output of '%s': %s", name, strerror(-code));
	r.path = path;
	r.file = strrchr(path, '/') + 1;
	/* Before the first look: what is written after it is told. */
	inotify = follow ? watch_directory(err) : -1;
	if (follow && inotify < 0)
		return err->code;
	code = reader_open(&r, err);
	if (code == 0 && lines != UINT64_MAX && fstat(r.fd, &st) == 0)
		skip_to(&r, find_tail(r.fd, st.st_size, lines));
	if (code == 0) {
		code = follow ? follow_file(&r, inotify, err) : read_new(&r, err);
	} else if (code == -ENOENT && follow) {
		ctl_warning("there is no output of '%s' yet", name);
		code = follow_file(&r, inotify, err);
	}
	if (r.fd >= 0)
		(void)close(r.fd);
	return code;
}
