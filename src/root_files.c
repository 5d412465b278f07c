/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files and directories with exact modes: the umask belongs to the whole process, so each mode is set once
 * more on the descriptor. No link is followed anywhere: a payload is root and may have put one there.
 */
#include "cleanup.h"
#include "parse.h"
#include "root_internal.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>

#define TREE_DEPTH_MAX 128 /* directories inside each other; one descriptor each */
#define NSS_BUFFER     16384

int root_open_directory(int dir, const char *name, int *ret, struct error *err)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, -errno, "cannot open the directory %s: %s", name,
				 strerrordesc_np(errno));
	*ret = fd;
	return 0;
}

int root_mkdir(int dir, const char *name, mode_t mode, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int e;

	if (mkdirat(dir, name, 0700) < 0) {
		if (errno == EEXIST)
			return -EEXIST;
		return error_set(err, -errno, "cannot make the directory %s: %s", name,
				 strerrordesc_np(errno));
	}
	e = root_open_directory(dir, name, &fd, err);
	if (e < 0)
		return e;
	if (fchmod(fd, mode) < 0)
		return error_set(err, -errno, "cannot set the mode of %s: %s", name, strerrordesc_np(errno));
	return 0;
}

int root_touch(int dir, const char *name, mode_t mode, struct error *err)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, mode) < 0)
		return error_set(err, -errno, "cannot create %s: %s", name, strerrordesc_np(errno));
	return 0;
}

/* --- removal ---------------------------------------------------------------------------------- */
static int remove_directory(int dir, const char *name, dev_t device, unsigned depth, struct error *err);

static int remove_entry(int dir, const char *name, dev_t device, unsigned depth, struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "cannot look at %s: %s", name,
						   strerrordesc_np(errno));
	if (S_ISDIR(st.st_mode)) {
		if (st.st_dev != device)
			return error_set(err, -EBUSY, "something is mounted at %s: unmount it", name);
		return remove_directory(dir, name, device, depth, err);
	}
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return error_set(err, -errno, "cannot remove %s: %s", name, strerrordesc_np(errno));
	return 0;
}

static int remove_directory(int dir, const char *name, dev_t device, unsigned depth, struct error *err)
{
	int fd = -1, e;
	const struct dirent *entry;
	DIR *d;

	if (depth == 0)
		return error_set(err, -ELOOP, "cannot remove %s: more than %d directories inside each other",
				 name, TREE_DEPTH_MAX);
	e = root_open_directory(dir, name, &fd, err);
	if (e < 0)
		return e;
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return error_set(err, -ENOMEM, "cannot read the directory %s", name);
	}
	while (e == 0 && (entry = readdir(d)) != NULL)
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			e = remove_entry(dirfd(d), entry->d_name, device, depth - 1, err);
	(void)closedir(d);
	if (e == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		e = error_set(err, -errno, "cannot remove %s: %s", name, strerrordesc_np(errno));
	return e;
}

int root_remove_tree(int dir, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "cannot look at %s: %s", name,
						   strerrordesc_np(errno));
	return remove_entry(dir, name, st.st_dev, TREE_DEPTH_MAX, err);
}

/* --- CreateDirectory= ------------------------------------------------------------------------- */
static int find_user(const char *name, uid_t *ret, struct error *err)
{
	_cleanup_free_ char *buffer = malloc(NSS_BUFFER);
	struct passwd entry, *found = NULL;
	uint64_t number;
	int e;

	if (!name || (parse_u64(name, &number) == 0 && number < UINT32_MAX)) {
		*ret = name ? (uid_t)number : 0;
		return 0;
	}
	if (!buffer)
		return error_set(err, -ENOMEM, "no memory for the user %s", name);
	e = getpwnam_r(name, &entry, buffer, NSS_BUFFER, &found);
	if (!found)
		return error_set(err, e ? -e : -ENOENT, "there is no user %s%s%s", name, e ? ": " : "",
				 e ? strerrordesc_np(e) : "");
	*ret = found->pw_uid;
	return 0;
}

static int find_group(const char *name, gid_t *ret, struct error *err)
{
	_cleanup_free_ char *buffer = malloc(NSS_BUFFER);
	struct group entry, *found = NULL;
	uint64_t number;
	int e;

	if (!name || (parse_u64(name, &number) == 0 && number < UINT32_MAX)) {
		*ret = name ? (gid_t)number : 0;
		return 0;
	}
	if (!buffer)
		return error_set(err, -ENOMEM, "no memory for the group %s", name);
	e = getgrnam_r(name, &entry, buffer, NSS_BUFFER, &found);
	if (!found)
		return error_set(err, e ? -e : -ENOENT, "there is no group %s%s%s", name, e ? ": " : "",
				 e ? strerrordesc_np(e) : "");
	*ret = found->gr_gid;
	return 0;
}

/* Made aside and renamed, so that it never exists with another mode or owner, also after a kill. Another
 * container's start may be making the same one: then whose it is does not matter, as long as it is there. */
static int create_leaf(int dir, const char *name, const struct create_directory *d, uid_t uid, gid_t gid,
		       struct error *err)
{
	char aside[32];
	_cleanup_close_ int fd = -1;
	struct stat st;
	int e;

	(void)str_format(aside, sizeof(aside), ".#netnsd-%016" PRIx64, str_hash(name));
	if (mkdirat(dir, aside, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "%s", strerrordesc_np(errno));
	fd = openat(dir, aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fchown(fd, uid, gid) == 0 && fchmod(fd, d->mode) == 0 &&
	    renameat2(dir, aside, dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	e = -errno;
	(void)unlinkat(dir, aside, AT_REMOVEDIR);
	if ((e == -EEXIST || e == -ENOENT) && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return error_set(err, e, "%s", strerrordesc_np(-e));
}

/* One step down: an existing directory is left as it is, whoever owns it; a missing one is made. */
static int create_step(int *dir, const char *name, bool last, const struct create_directory *d, uid_t uid,
		       gid_t gid, struct error *err)
{
	struct stat st;
	int fd, e;

	if (fstatat(*dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		const struct create_directory parent = {.mode = 0755};

		e = last ? create_leaf(*dir, name, d, uid, gid, err)
			 : create_leaf(*dir, name, &parent, 0, 0, err);
		if (e < 0)
			return e;
	}
	fd = openat(*dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, -errno, "\"%s\" in it is not a directory (links are not followed)",
				 name);
	(void)close(*dir);
	*dir = fd;
	return 0;
}

int root_create_directory(const struct create_directory *d, struct error *err)
{
	_cleanup_close_ int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *path = strdup(d->path);
	char *rest = path, *part;
	uid_t uid = 0;
	gid_t gid = 0;
	int e;

	if (!path)
		return error_set(err, -ENOMEM, "no memory for the path of CreateDirectory=");
	e = dir < 0 ? error_set(err, -errno, "%s", strerrordesc_np(errno)) : find_user(d->user, &uid, err);
	if (e == 0)
		e = find_group(d->group, &gid, err);
	while (e == 0 && (part = strsep(&rest, "/")) != NULL) {
		if (part[0] == '\0' || str_equal(part, "."))
			continue;
		if (str_equal(part, ".."))
			e = error_set(err, -EINVAL, "\"..\" is not allowed in it");
		else
			e = create_step(&dir, part, !rest || rest[strspn(rest, "/.")] == '\0', d, uid, gid,
					err);
	}
	return e < 0 ? error_prefix(err, e, "CreateDirectory=%s", d->path) : 0;
}
