/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether nspawn will take a Directory=, Template= or Image=: it would end with status 1 and its own words in
 * a log; here the key is named, and what to do. Inside a root every link is resolved as if that were "/": the
 * payload owns what is in there.
 */
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

int root_check_image(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set(err, -errno, "Image=%s: %s", path, strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, -EINVAL, "Image=%s is neither a file nor a block device%s", path,
				 S_ISDIR(st.st_mode) ? "; Directory= is for directories" : "");
	return 0;
}

static int open_in_root(int root, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC,
				     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static bool exists(int root, const char *path, bool directory)
{
	_cleanup_close_ int fd = open_in_root(root, path);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) == directory;
}

static bool is_empty(int root)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	unsigned n = 0;

	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while (n <= 2 && readdir(d))
		n++;
	(void)closedir(d);
	return n <= 2;
}

/* The root that the payload gets is another one, of which nothing is known here. */
static bool root_is_elsewhere(const struct container_settings *c)
{
	static const char *const mounts[] = {"--bind", "--bind-ro", "--overlay", "--overlay-ro", "--tmpfs"};

	for (size_t i = 0; i < c->n_arguments; i++) {
		const struct nspawn_argument *a = &c->arguments[i];

		if (str_equal(a->option, "--pivot-root"))
			return true;
		for (size_t k = 0; k < sizeof(mounts) / sizeof(mounts[0]); k++)
			if (str_equal(a->option, mounts[k]) &&
			    (str_ends_with(a->argument, ":/") || str_ends_with(a->argument, "=/") ||
			     strstr(a->argument, ":/:") || strstr(a->argument, "=/:")))
				return true;
	}
	return false;
}

/* What nspawn asks of a root: /usr, and with --boot an os-release, unless --volatile makes its own /etc. */
static int check_system(const struct container_settings *c, const char *key, const char *path, int root,
			struct error *err)
{
	if (root_is_elsewhere(c))
		return 0;
	if (!exists(root, "usr", true))
		return error_set(err, -ENOENT,
				 is_empty(root) ? "%s=%s is empty: install a system there, or leave %s= out"
						: "%s=%s has no directory usr, so it is no root of a "
						  "system; check %s=",
				 key, path, key);
	if (!c->boot || exists(root, "etc/os-release", false) || exists(root, "usr/lib/os-release", false))
		return 0;
	return error_set(err, -ENOENT,
			 "%s=%s has neither etc/os-release nor usr/lib/os-release, which Boot=yes needs: "
			 "it is no root of a system",
			 key, path);
}

/* A link is refused: whoever can change it, could have the container run in another tree. */
static int check_type(const char *key, const char *path, int root, struct error *err)
{
	char target[256];
	struct stat st;
	ssize_t n;

	if (fstat(root, &st) < 0)
		return error_set(err, -errno, "%s=%s: %s", key, path, strerrordesc_np(errno));
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(root, "", target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		return error_set(err, -ELOOP,
				 "%s=%s is a symbolic link (to %s), which is not followed: write where it "
				 "leads",
				 key, path, target);
	}
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "%s=%s is not a directory%s", key, path,
				 S_ISREG(st.st_mode) ? "; Image= is for files" : "");
	return 0;
}

/* Without its slashes at the end: they would have a link followed. */
static int open_path(const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				     .resolve = RESOLVE_NO_MAGICLINKS};
	_cleanup_free_ char *copy = strdup(path);
	size_t n = strlen(path);
	int fd;

	if (!copy)
		return -ENOMEM;
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	fd = (int)syscall(SYS_openat2, AT_FDCWD, copy, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int root_open_source(const struct container_settings *c, const char *key, const char *path, int *ret,
		     struct error *err)
{
	_cleanup_close_ int fd = open_path(path);
	int e;

	if (fd == -ENOENT)
		return error_set(err, fd, "%s=%s: %s; install a system there, or correct the path", key, path,
				 strerrordesc_np(ENOENT));
	if (fd < 0)
		return error_set(err, fd, "%s=%s: %s", key, path, strerrordesc_np(-fd));
	e = check_type(key, path, fd, err);
	if (e == 0)
		e = check_system(c, key, path, fd, err);
	if (e == 0)
		*ret = steal_fd(fd);
	return e;
}
