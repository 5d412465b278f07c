/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of namespaces in /run/netns: what stands under one, publish, withdraw, list.
 *
 * iproute2's lock is not taken for each name: iproute2 itself holds it only while it prepares the
 * directory (it protects from stacked mounts there), and neither `ip netns add` nor `del` takes it
 * for the name. Between two that add, O_EXCL decides, and that is enough. What no lock can tell
 * is a crashed `ip netns add` from one at work: both show an empty file without a mount. So such
 * a file is taken only when it is older than GRACE_MS.
 */
#include "cleanup.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/stat.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#define GRACE_MS      1000
#define GRACE_STEP_MS 20
#define LAYERS_MAX    16

static int check_name(const char *name, struct error *err)
{
	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return error_set(err, -EINVAL,
				 "\"%s\" cannot be the name of a namespace: expected 1 to %d bytes without /",
				 name, NAME_MAX);
	return 0;
}

static int open_directory(struct error *err)
{
	int fd = open(NETNS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return error_set(err, -errno, "Cannot open %s: %s", NETNS_DIRECTORY, strerror(errno));
}

/* What an O_PATH descriptor that is no network namespace refers to. `*ret_what` is set for
 * foreign things. */
static enum netns_name_state classify(int fd, const struct statfs *fs, const char **ret_what)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &st) < 0)
		*ret_what = "something that cannot be looked at";
	else if (S_ISLNK(st.stx_mode))
		*ret_what = "a symbolic link";
	else if (fs->f_type == NSFS_MAGIC)
		*ret_what = "a namespace of another type";
	else if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		*ret_what = "a mount that is no namespace";
	else if (S_ISDIR(st.stx_mode))
		*ret_what = "a directory";
	else if (!S_ISREG(st.stx_mode))
		*ret_what = "a special file";
	else if (st.stx_size > 0)
		*ret_what = "a file with content";
	else
		return NETNS_NAME_LEFTOVER;
	return NETNS_NAME_FOREIGN;
}

/* -errno, or 0 with all of *ret_state, *ret_fd (-1 unless a namespace) and *ret_what set. */
static int probe_at(int directory, const char *name, enum netns_name_state *ret_state, int *ret_fd,
		    const char **ret_what, struct error *err)
{
	_cleanup_close_ int path = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
	struct statfs fs;
	int type;

	*ret_fd = -1;
	*ret_what = "a network namespace";
	if (path < 0 && errno == ENOENT) {
		*ret_state = NETNS_NAME_ABSENT;
		return 0;
	}
	if (path < 0 || fstatfs(path, &fs) < 0)
		return error_set(err, -errno, "Cannot look at %s/%s: %s", NETNS_DIRECTORY, name,
				 strerror(errno));
	if (fs.f_type == NSFS_MAGIC) {
		/* Never opened before it is known to be on nsfs: opening a device or a pipe has effects. */
		fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, -errno, "Cannot open %s/%s: %s", NETNS_DIRECTORY, name,
					 strerror(errno));
		type = ioctl(fd, NS_GET_NSTYPE);
		if (type < 0) /* not "no": whoever cannot be told apart from a stranger would be disowned */
			return error_set(err, -errno, "Cannot ask what %s/%s is: %s", NETNS_DIRECTORY, name,
					 strerror(errno));
		if (type == CLONE_NEWNET) {
			*ret_state = NETNS_NAME_NAMESPACE;
			*ret_fd = steal_fd(fd);
			return 0;
		}
	}
	*ret_state = classify(path, &fs, ret_what);
	return 0;
}

int netns_probe(const char *name, enum netns_name_state *ret, int *ret_fd, struct error *err)
{
	_cleanup_close_ int directory = -1, fd = -1;
	enum netns_name_state state = NETNS_NAME_ABSENT;
	const char *what;
	int e;

	e = check_name(name, err);
	if (e < 0)
		return e;
	directory = open(NETNS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 && errno != ENOENT)
		return error_set(err, -errno, "Cannot open %s: %s", NETNS_DIRECTORY, strerror(errno));
	if (directory >= 0) {
		e = probe_at(directory, name, &state, &fd, &what, err);
		if (e < 0)
			return e;
	}
	if (ret)
		*ret = state;
	if (ret_fd)
		*ret_fd = steal_fd(fd);
	return 0;
}

static int refuse(const char *name, enum netns_name_state state, const char *what, struct error *err)
{
	if (state == NETNS_NAME_NAMESPACE)
		return error_set(err, -EEXIST,
				 "%s/%s exists already and is not ours; Adopt=yes takes it over as it is",
				 NETNS_DIRECTORY, name);
	return error_set(err, -EEXIST, "%s/%s exists already and is %s; remove it or choose another name",
			 NETNS_DIRECTORY, name, what);
}

static int64_t age_ms(int fd)
{
	struct timespec now;
	struct stat st;

	if (fstat(fd, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return GRACE_MS;
	return (now.tv_sec - st.st_ctim.tv_sec) * 1000LL + (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000;
}

/* Waits until a leftover is old enough to be one, or has become something else. */
static int open_leftover(int directory, const char *name, struct error *err)
{
	const struct timespec step = {.tv_nsec = GRACE_STEP_MS * 1000000L};

	for (;;) {
		_cleanup_close_ int fd = -1, ns_fd = -1;
		enum netns_name_state state;
		const char *what;
		int64_t age;
		int e;

		e = probe_at(directory, name, &state, &ns_fd, &what, err);
		if (e < 0)
			return e;
		if (state == NETNS_NAME_ABSENT)
			return -EAGAIN; /* removed just now; no text, the caller tries again */
		if (state != NETNS_NAME_LEFTOVER)
			return refuse(name, state, what, err);
		fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT ? -EAGAIN
					       : error_set(err, -errno, "Cannot open %s/%s: %s",
							   NETNS_DIRECTORY, name, strerror(errno));
		age = age_ms(fd);
		if (age < 0 || age >= GRACE_MS) /* below 0: the clock was set back */
			return steal_fd(fd);
		(void)nanosleep(&step, NULL);
	}
}

/* A descriptor of the file to mount on. */
static int open_target(int directory, const char *name, bool *ret_made, struct error *err)
{
	int fd = -EAGAIN;

	for (int i = 0; i < 8 && fd == -EAGAIN; i++) {
		/* Mode 0 like iproute2's: nobody mistakes it for the namespace while nothing is mounted. */
		fd = openat(directory, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
		*ret_made = fd >= 0;
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return error_set(err, -errno, "Cannot create %s/%s: %s", NETNS_DIRECTORY, name,
					 strerror(errno));
		fd = open_leftover(directory, name, err);
	}
	if (fd == -EAGAIN)
		return error_set(err, -EBUSY, "%s/%s is being created and removed by somebody else",
				 NETNS_DIRECTORY, name);
	return fd;
}

/* Whether the name shows this very namespace now. */
static bool shows(int directory, const char *name, int ns_fd)
{
	struct stat ns, found;

	return fstat(ns_fd, &ns) == 0 && fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ns.st_dev == found.st_dev && ns.st_ino == found.st_ino;
}

/* Takes away exactly this mount, whatever may have been mounted above it. */
static void detach(int tree)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", tree);
	(void)umount2(path, MNT_DETACH);
}

static int mount_on(int ns_fd, int directory, int target, const char *name, struct error *err)
{
	_cleanup_close_ int tree = open_tree(ns_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return error_set(err, -errno, "Cannot clone the mount of namespace %s: %s", name,
				 strerror(errno));
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, -errno, "Cannot mount namespace %s on %s/%s: %s", name, NETNS_DIRECTORY,
				 name, strerror(errno));
	if (shows(directory, name, ns_fd))
		return 0;
	detach(tree);
	return error_set(err, -EBUSY, "%s/%s does not show the namespace that was mounted there a moment ago",
			 NETNS_DIRECTORY, name);
}

int netns_name(int ns_fd, const char *name, struct error *err)
{
	_cleanup_close_ int directory = -1, target = -1;
	bool made = false;
	int e;

	e = check_name(name, err);
	if (e < 0)
		return e;
	/* Any file could be mounted, and would be shown as well. */
	if (ioctl(ns_fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return error_set(err, -EINVAL, "Descriptor %d is no network namespace", ns_fd);
	directory = open_directory(err);
	if (directory < 0)
		return directory;
	target = open_target(directory, name, &made, err);
	if (target < 0)
		return target;
	e = mount_on(ns_fd, directory, target, name, err);
	if (e < 0 && made)
		(void)unlinkat(directory, name, 0);
	return e;
}

/* Whether what stands there may be withdrawn. 1: nothing to do, 0: yes. */
static int may_withdraw(int directory, const char *name, int ns_fd, bool *ret_mounted, struct error *err)
{
	_cleanup_close_ int fd = -1;
	enum netns_name_state state;
	const char *what;
	int e;

	e = probe_at(directory, name, &state, &fd, &what, err);
	if (e < 0)
		return e;
	*ret_mounted = state == NETNS_NAME_NAMESPACE;
	switch (state) {
	case NETNS_NAME_ABSENT: return 1;
	case NETNS_NAME_FOREIGN:
		return error_set(err, -EINVAL, "%s/%s is %s and is left alone", NETNS_DIRECTORY, name, what);
	case NETNS_NAME_LEFTOVER: break;
	case NETNS_NAME_NAMESPACE:
		if (ns_fd >= 0 && !netns_same(fd, ns_fd))
			return error_set(err, -ESTALE, "%s/%s is another namespace by now and is left alone",
					 NETNS_DIRECTORY, name);
		break;
	}
	return 0;
}

static int withdraw_layer(int directory, const char *name, bool mounted)
{
	char path[sizeof(NETNS_DIRECTORY) + NAME_MAX + 1];

	(void)snprintf(path, sizeof(path), "%s/%s", NETNS_DIRECTORY, name);
	/* EINVAL: somebody else was faster. */
	if (mounted && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return -errno;
	if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int netns_unname(const char *name, int ns_fd, struct error *err)
{
	_cleanup_close_ int directory = -1;
	int e;

	e = check_name(name, err);
	if (e < 0)
		return e;
	directory = open_directory(err);
	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	/* More than one layer: mounts were stacked on the name. */
	for (int i = 0; i < LAYERS_MAX; i++) {
		bool mounted = false;

		e = may_withdraw(directory, name, ns_fd, &mounted, err);
		if (e != 0)
			return e < 0 ? e : 0;
		e = withdraw_layer(directory, name, mounted);
		if (e == 0)
			return 0;
		if (e != -EBUSY)
			return error_set(err, e, "Cannot remove %s/%s: %s", NETNS_DIRECTORY, name,
					 strerror(-e));
	}
	return error_set(err, -EBUSY, "Cannot remove %s/%s: more than %d mounts lie on it", NETNS_DIRECTORY,
			 name, LAYERS_MAX);
}

int netns_list(int (*fn)(const char *name, void *data), void *data, struct error *err)
{
	DIR *d = opendir(NETNS_DIRECTORY);
	struct dirent *entry;
	int e = 0;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return error_set(err, -errno, "Cannot open %s: %s", NETNS_DIRECTORY, strerror(errno));
	for (;;) {
		errno = 0;
		entry = readdir(d);
		if (!entry)
			break;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		e = fn(entry->d_name, data);
		if (e != 0)
			break;
	}
	if (!entry && errno != 0)
		e = error_set(err, -errno, "Cannot read %s: %s", NETNS_DIRECTORY, strerror(errno));
	(void)closedir(d);
	return e;
}
