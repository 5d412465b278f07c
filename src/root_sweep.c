/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is left of a run, whatever killed it. All that root_prepare() makes is mounted below one mount of the
 * container's own, so taking that off takes off everything. The directory it is mounted at is made first and
 * removed last: as long as it is there, so is the right to sweep what nspawn left under that name; a machine
 * of the same name that somebody else started is left alone.
 */
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define NSPAWN_DIRECTORY "/run/systemd/nspawn"

static int open_below(const char *path, int *ret)
{
	const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				     .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

int root_open_containers(int *ret, struct error *err)
{
	static const struct create_directory d = {.path = (char *)(uintptr_t)CONTAINERS_DIRECTORY,
						  .mode = 0700};
	int e = open_below(CONTAINERS_DIRECTORY, ret);

	if (e == -ENOENT) {
		e = root_create_directory(&d, err);
		if (e == 0)
			e = open_below(CONTAINERS_DIRECTORY, ret);
	}
	if (e < 0)
		return error_set(err, e, "cannot open %s: %s", CONTAINERS_DIRECTORY, strerrordesc_np(-e));
	return 0;
}

/* 256 and later refuse to start where it is still mounted. */
int root_check_foreign(const char *name, struct error *err)
{
	char path[sizeof(NSPAWN_DIRECTORY) + CONTAINER_NAME_MAX + 16];
	struct statx st;

	(void)snprintf(path, sizeof(path), NSPAWN_DIRECTORY "/unix-export/%s", name);
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) < 0 ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	return error_set(err, -EBUSY,
			 "something is mounted at %s: a machine of that name runs that netnsd did not start, "
			 "or was killed; stop it, or unmount that",
			 path);
}

static int sweep_nspawn_directory(const char *what, const char *name, struct error *err)
{
	_cleanup_close_ int dir = -1;
	char path[sizeof(NSPAWN_DIRECTORY) + 32];
	int e;

	(void)snprintf(path, sizeof(path), NSPAWN_DIRECTORY "/%s", what);
	e = open_below(path, &dir);
	if (e < 0)
		return e == -ENOENT ? 0 : error_set(err, e, "cannot open %s: %s", path, strerrordesc_np(-e));
	e = root_unmount(dir, name, err);
	if (e == 0)
		e = root_remove_tree(dir, name, err);
	return e < 0 ? error_prefix(err, e, "left by nspawn in %s", path) : 0;
}

/* --- the locks of nspawn ---------------------------------------------------------------------- */
/* As systemd lets go of one itself: removed while it is held, so that whoever opened it meanwhile looks
 * again. By both kinds of lock, as versions differ; one that somebody holds stays. */
static void remove_lock(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0)
		(void)unlink(path);
}

/* Beside the root, and by the number of its inode. They hold up nobody, but nobody else would remove them. */
static void sweep_locks_of(const char *root)
{
	const char *name = strrchr(root, '/');
	char path[PATH_MAX];
	struct stat st;

	if (!name || name[1] == '\0')
		return;
	if ((size_t)snprintf(path, sizeof(path), "%.*s/.#%s.lck", (int)(name - root), root, name + 1) <
	    sizeof(path))
		remove_lock(path);
	if (stat(root, &st) < 0)
		return;
	if (S_ISBLK(st.st_mode))
		(void)snprintf(path, sizeof(path), NSPAWN_DIRECTORY "/locks/block-%u:%u", major(st.st_rdev),
			       minor(st.st_rdev));
	else
		(void)snprintf(path, sizeof(path), NSPAWN_DIRECTORY "/locks/inode-%lu:%lu",
			       (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	remove_lock(path);
}

/* "root" is the root itself, or a link to where it is. */
static void sweep_locks(const char *name)
{
	char path[sizeof(CONTAINERS_DIRECTORY) + CONTAINER_NAME_MAX + 8], *root;

	(void)snprintf(path, sizeof(path), CONTAINERS_DIRECTORY "/%s/root", name);
	root = realpath(path, NULL);
	if (root)
		sweep_locks_of(root);
	free(root);
}

static bool name_is_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') && strlen(name) <= CONTAINER_NAME_MAX;
}

int root_remove(const char *name, struct error *err)
{
	_cleanup_close_ int containers = -1;
	struct stat st;
	int e;

	if (!name_is_valid(name))
		return error_set(err, -EINVAL, "\"%s\" is no name of a container", name);
	e = open_below(CONTAINERS_DIRECTORY, &containers);
	if (e == -ENOENT ||
	    (e == 0 && fstatat(containers, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT))
		return 0;
	if (e < 0)
		return error_set(err, e, "cannot open %s: %s", CONTAINERS_DIRECTORY, strerrordesc_np(-e));
	sweep_locks(name);
	e = sweep_nspawn_directory("unix-export", name, err);
	if (e == 0)
		e = sweep_nspawn_directory("propagate", name, err);
	if (e == 0)
		e = root_unmount(containers, name, err);
	if (e == 0 && unlinkat(containers, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		e = error_set(err, -errno, "cannot remove %s/%s: %s", CONTAINERS_DIRECTORY, name,
			      strerrordesc_np(errno));
	return e < 0 ? error_prefix(err, e, "what is left of container %s", name) : 0;
}
