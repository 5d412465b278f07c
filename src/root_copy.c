/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Template=: a tree copied once. Everything that makes up a system goes along: owners, modes, times, extended
 * attributes (capabilities, ACLs), hard links, holes, device nodes; data as a reflink where the filesystem
 * can. The copy is made aside and renamed, so that a kill leaves no half of a system that looks like a whole
 * one.
 */
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>
#include <uthash.h>

#define COPY_DEPTH_MAX	128	/* directories inside each other; two descriptors each */
#define COPY_LINKS_MAX	1000000 /* files with several names that are remembered; more are copied twice */
#define COPY_XATTRS_MAX 65536	/* the kernel's own bounds */

struct hardlink {
	UT_hash_handle hh;
	ino_t inode;
	char path[]; /* of the first copy, below the top */
};

struct copy {
	int top;
	dev_t device; /* of the source: what is mounted in it is not copied */
	struct hardlink *links;
	char path[PATH_MAX]; /* where we are, below the top: for messages and links */
	size_t length;
	struct error *err;
};

static int copy_failed(const struct copy *c, int code, const char *what)
{
	return error_set(c->err, code, "cannot %s %s: %s", what, c->path[0] ? c->path : ".",
			 strerrordesc_np(-code));
}

/* --- what is beside the data ------------------------------------------------------------------ */
static int copy_xattr(const struct copy *c, int from, int to, const char *name, char *value)
{
	ssize_t n = fgetxattr(from, name, value, COPY_XATTRS_MAX);

	if (n < 0)
		return errno == ENODATA ? 0 : copy_failed(c, -errno, "read an attribute of");
	/* A target that does not have this class (of SELinux, say) is no reason to have no copy. */
	if (fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != EOPNOTSUPP)
		return copy_failed(c, -errno, "set an attribute of");
	return 0;
}

static int copy_xattrs(const struct copy *c, int from, int to)
{
	_cleanup_free_ char *names = NULL, *value = NULL;
	ssize_t n = flistxattr(from, NULL, 0);
	int e = 0;

	if (n <= 0)
		return 0;
	names = malloc(COPY_XATTRS_MAX);
	value = malloc(COPY_XATTRS_MAX);
	if (!names || !value)
		return copy_failed(c, -ENOMEM, "copy the attributes of");
	n = flistxattr(from, names, COPY_XATTRS_MAX);
	if (n < 0)
		return copy_failed(c, -errno, "list the attributes of");
	for (const char *p = names; e == 0 && p < names + n; p += strlen(p) + 1)
		e = copy_xattr(c, from, to, p, value);
	return e;
}

/* The owner first: to change it takes set-uid bits and capabilities away. */
static int copy_metadata(const struct copy *c, int from, int to, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	int e;

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return copy_failed(c, -errno, "set owner and mode of");
	e = copy_xattrs(c, from, to);
	if (e < 0)
		return e;
	return futimens(to, times) < 0 ? copy_failed(c, -errno, "set the times of") : 0;
}

/* --- files ------------------------------------------------------------------------------------ */
static int copy_range(const struct copy *c, int from, int to, off_t at, off_t end)
{
	_cleanup_free_ char *buffer = NULL;
	off_t out = at;
	ssize_t n;

	while (at < end) {
		n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);
		if (n > 0)
			continue;
		if (n == 0)
			return 0; /* it became shorter */
		if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
			return copy_failed(c, -errno, "copy");
		break;
	}
	if (at >= end)
		return 0;
	buffer = malloc(COPY_XATTRS_MAX);
	if (!buffer)
		return copy_failed(c, -ENOMEM, "copy");
	while (at < end) {
		n = pread(from, buffer, end - at < COPY_XATTRS_MAX ? (size_t)(end - at) : COPY_XATTRS_MAX,
			  at);
		if (n == 0)
			return 0;
		if (n > 0)
			n = pwrite(to, buffer, (size_t)n, at);
		if (n < 0)
			return copy_failed(c, -errno, "copy");
		at += n;
	}
	return 0;
}

static int copy_data(const struct copy *c, int from, int to, off_t size)
{
	off_t data = 0, hole;
	int e = 0;

	if (ftruncate(to, size) < 0)
		return copy_failed(c, -errno, "copy");
	while (e == 0 && data < size) {
		data = lseek(from, data, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : copy_failed(c, -errno, "read");
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return copy_failed(c, -errno, "read");
		e = copy_range(c, from, to, data, hole < size ? hole : size);
		data = hole;
	}
	return e;
}

static int copy_file(const struct copy *c, int from_dir, int to_dir, const char *name)
{
	_cleanup_close_ int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int to = -1;
	struct stat st;
	int e;

	if (from < 0 || fstat(from, &st) < 0)
		return copy_failed(c, -errno, "open");
	if (!S_ISREG(st.st_mode))
		return copy_failed(c, -ESTALE, "copy");
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return copy_failed(c, -errno, "create");
	e = copy_data(c, from, to, st.st_size);
	return e < 0 ? e : copy_metadata(c, from, to, &st);
}

static int copy_link(const struct copy *c, int from_dir, int to_dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return copy_failed(c, -errno, "read the link");
	target[n] = '\0';
	return symlinkat(target, to_dir, name) < 0 ? copy_failed(c, -errno, "create") : 0;
}

static int copy_by_name(const struct copy *c, int from_dir, int to_dir, const char *name,
			const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	int e = 0;

	if (S_ISLNK(st->st_mode))
		e = copy_link(c, from_dir, to_dir, name);
	else if (mknodat(to_dir, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0)
		e = copy_failed(c, -errno, "create");
	if (e < 0)
		return e;
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0) ||
	    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_failed(c, -errno, "set owner and mode of");
	return 0;
}

/* --- files with several names ----------------------------------------------------------------- */
/* 1: linked to the copy there is. */
static int hardlink_known(const struct copy *c, int to_dir, const char *name, const struct stat *st)
{
	struct hardlink *l;

	HASH_FIND(hh, c->links, &st->st_ino, sizeof(st->st_ino), l);
	return l && linkat(c->top, l->path, to_dir, name, 0) == 0;
}

/* Without memory it is only copied twice. */
static void hardlink_remember(struct copy *c, const struct stat *st)
{
	struct hardlink *l;

	if (HASH_COUNT(c->links) >= COPY_LINKS_MAX)
		return;
	l = malloc(sizeof(*l) + c->length + 1);
	if (!l)
		return;
	l->inode = st->st_ino;
	memcpy(l->path, c->path, c->length + 1);
	HASH_ADD(hh, c->links, inode, sizeof(l->inode), l);
	if (!l->hh.tbl)
		free(l);
}

static void hardlinks_free(struct copy *c)
{
	struct hardlink *l, *next;

	HASH_ITER (hh, c->links, l, next) {
		HASH_DEL(c->links, l);
		free(l);
	}
}

/* --- the tree --------------------------------------------------------------------------------- */
static int copy_directory(struct copy *c, int from, int to, unsigned depth);

static int copy_subdirectory(struct copy *c, int from_dir, int to_dir, const char *name,
			     const struct stat *st, unsigned depth)
{
	_cleanup_close_ int from = -1, to = -1;
	int e;

	if (depth == 0)
		return copy_failed(c, -ELOOP, "go so deep as");
	e = root_mkdir(to_dir, name, 0700, c->err);
	if (e == -EEXIST)
		return copy_failed(c, e, "create");
	if (e == 0)
		e = root_open_directory(from_dir, name, &from, c->err);
	if (e == 0)
		e = root_open_directory(to_dir, name, &to, c->err);
	if (e == 0 && st->st_dev == c->device)
		e = copy_directory(c, from, to, depth - 1);
	return e < 0 ? e : copy_metadata(c, from, to, st);
}

static int copy_entry(struct copy *c, int from_dir, int to_dir, const char *name, unsigned depth)
{
	size_t length = c->length, more = strlen(name);
	struct stat st;
	int e;

	if (length + more + 2 > sizeof(c->path))
		return copy_failed(c, -ENAMETOOLONG, "copy what is below");
	if (length > 0)
		c->path[c->length++] = '/';
	memcpy(c->path + c->length, name, more + 1);
	c->length += more;
	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		e = copy_failed(c, -errno, "look at");
	else if (S_ISDIR(st.st_mode))
		e = copy_subdirectory(c, from_dir, to_dir, name, &st, depth);
	else if (st.st_nlink > 1 && hardlink_known(c, to_dir, name, &st))
		e = 0;
	else {
		e = S_ISREG(st.st_mode) ? copy_file(c, from_dir, to_dir, name)
					: copy_by_name(c, from_dir, to_dir, name, &st);
		if (e == 0 && st.st_nlink > 1)
			hardlink_remember(c, &st);
	}
	c->length = length;
	c->path[length] = '\0';
	return e;
}

static int copy_directory(struct copy *c, int from, int to, unsigned depth)
{
	const struct dirent *entry;
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d) {
		e = copy_failed(c, fd >= 0 ? -ENOMEM : -errno, "read the directory");
		if (fd >= 0)
			(void)close(fd);
		return e;
	}
	for (errno = 0; e == 0 && (entry = readdir(d)) != NULL; errno = 0)
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			e = copy_entry(c, from, to, entry->d_name, depth);
	if (e == 0 && errno != 0)
		e = copy_failed(c, -errno, "read the directory");
	(void)closedir(d);
	return e;
}

int root_copy_tree(int from, int to, struct error *err)
{
	struct copy *c = calloc(1, sizeof(*c));
	_cleanup_close_ int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int e;

	if (!c)
		return error_set(err, -ENOMEM, "no memory to copy");
	c->top = to;
	c->err = err;
	if (source < 0 || fstat(source, &st) < 0) {
		e = copy_failed(c, -errno, "open");
	} else {
		c->device = st.st_dev;
		e = copy_directory(c, source, to, COPY_DEPTH_MAX);
		if (e == 0)
			e = copy_metadata(c, source, to, &st);
	}
	hardlinks_free(c);
	free(c);
	return e;
}

/* --- Template= -------------------------------------------------------------------------------- */
static int open_trees(int *ret, struct error *err)
{
	static const struct create_directory d = {.path = (char *)(uintptr_t)ROOT_TREES_DIRECTORY,
						  .mode = 0700};
	int e = root_create_directory(&d, err);

	if (e < 0)
		return e;
	return root_open_directory(AT_FDCWD, ROOT_TREES_DIRECTORY, ret, err);
}

static int copy_aside(int trees, const char *aside, int source, struct error *err)
{
	_cleanup_close_ int to = -1;
	int e = root_remove_tree(trees, aside, err); /* of a copy that was killed */

	if (e == 0) {
		e = root_mkdir(trees, aside, 0700, err);
		if (e == -EEXIST)
			e = error_set(err, e, "%s exists", aside);
	}
	if (e == 0)
		e = root_open_directory(trees, aside, &to, err);
	if (e == 0)
		e = root_copy_tree(source, to, err);
	/* The name must not be older than the data when the power fails. */
	if (e == 0 && syncfs(to) < 0)
		e = error_set(err, -errno, "cannot sync the copy: %s", strerrordesc_np(errno));
	return e;
}

int root_copy_template(const struct container_settings *c, int source, char **ret, struct error *err)
{
	_cleanup_close_ int trees = -1;
	struct strbuf path = {0};
	char aside[CONTAINER_NAME_MAX + 8];
	struct stat st;
	int e = open_trees(&trees, err);

	if (e < 0)
		return e;
	(void)str_format(aside, sizeof(aside), ".new-%s", c->name);
	if (fstatat(trees, c->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		e = errno == ENOENT ? copy_aside(trees, aside, source, err)
				    : error_set(err, -errno, "%s", strerrordesc_np(errno));
		if (e == 0 && renameat2(trees, aside, trees, c->name, RENAME_NOREPLACE) < 0)
			e = error_set(err, -errno, "cannot name the copy: %s", strerrordesc_np(errno));
		if (e < 0) {
			(void)root_remove_tree(trees, aside, NULL);
			return error_prefix(err, e, "Template=%s to %s/%s", c->template, ROOT_TREES_DIRECTORY,
					    c->name);
		}
	} else if (!S_ISDIR(st.st_mode)) {
		return error_set(err, -ENOTDIR, "%s/%s, the copy of Template=, is not a directory: remove it",
				 ROOT_TREES_DIRECTORY, c->name);
	}
	strbuf_printf(&path, "%s/%s", ROOT_TREES_DIRECTORY, c->name);
	*ret = strbuf_finish(&path);
	return *ret ? 0 : error_set(err, -ENOMEM, "no memory for a path");
}
