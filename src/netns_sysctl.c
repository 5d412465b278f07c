/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sysctls of a namespace. /proc/sys/net shows those of the thread that looks, so the caller is
 * inside already.
 */
#include "cleanup.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PATH_LENGTH_MAX 511

/* "net/..." without empty, "." or ".." parts: the rest of /proc/sys is not the namespace's. */
static bool sysctl_path_is_valid(const char *path)
{
	if (strncmp(path, "net/", 4) != 0)
		return false;
	for (const char *p = path; p; p = strchr(p, '/')) {
		size_t length;

		p += *p == '/';
		length = strcspn(p, "/");
		if (length == 0 || (length == 1 && p[0] == '.') ||
		    (length == 2 && p[0] == '.' && p[1] == '.'))
			return false;
	}
	return true;
}

static int open_sysctl(const char *path, int flags, struct error *err)
{
	char full[sizeof("/proc/sys/") + PATH_LENGTH_MAX];
	int fd;

	if (!sysctl_path_is_valid(path) || strlen(path) > PATH_LENGTH_MAX)
		return error_set(err, -EINVAL,
				 "\"%s\" is not a sysctl of a network namespace: expected net/...", path);
	(void)snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(err, -errno, "There is no sysctl %s in this namespace", path);
	return error_set(err, -errno, "Cannot open sysctl %s: %s", path, strerror(errno));
}

int netns_sysctl_write(const char *path, const char *value, struct error *err)
{
	_cleanup_close_ int fd = open_sysctl(path, O_WRONLY, err);
	const size_t length = strlen(value);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, value, length);
	if (n < 0)
		return error_set(err, -errno, "Cannot set sysctl %s to \"%s\": %s", path, value,
				 strerror(errno));
	if ((size_t)n != length)
		return error_set(err, -EINVAL, "The kernel took only a part of the value \"%s\" of sysctl %s",
				 value, path);
	return 0;
}

int netns_sysctl_read(const char *path, char *ret, size_t size, struct error *err)
{
	_cleanup_close_ int fd = open_sysctl(path, O_RDONLY, err);
	char value[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, sizeof(value));
	if (n < 0)
		return error_set(err, -errno, "Cannot read sysctl %s: %s", path, strerror(errno));
	while (n > 0 && value[n - 1] == '\n')
		n--;
	if ((size_t)n >= size)
		return error_set(err, -ENOBUFS, "The value of sysctl %s is too long", path);
	memcpy(ret, value, (size_t)n);
	ret[n] = '\0';
	return 0;
}
