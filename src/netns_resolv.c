/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/netns/NAME/resolv.conf, which `ip netns exec` and `netnsctl exec` mount over the host's.
 * Ours only by its first line: an administrator keeps a file by deleting that line.
 */
#include "cleanup.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define NETNS_FILES "/etc/netns"
#define RESOLV	    "resolv.conf"
#define RESOLV_TEMP ".resolv.conf.netnsd"
#define RESOLV_MAX  ((size_t)64 * 1024)

/* fd of /etc/netns/NAME, made when `make`. -ENOENT without text when it is not there. */
static int open_files(const char *name, bool make, struct error *err)
{
	char path[sizeof(NETNS_FILES) + NAME_MAX + 1];
	int fd, e;

	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return error_set(err, -EINVAL, "\"%s\" cannot be the name of a namespace", name);
	(void)snprintf(path, sizeof(path), "%s/%s", NETNS_FILES, name);
	if (make &&
	    ((mkdir(NETNS_FILES, 0755) < 0 && errno != EEXIST) || (mkdir(path, 0755) < 0 && errno != EEXIST)))
		return error_set(err, -errno, "Cannot create %s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return -ENOENT;
	e = error_set(err, -errno, "Cannot open %s: %s", path, strerror(errno));
	if (make)
		(void)rmdir(path); /* only if it is empty: it may be the one we made */
	return e;
}

static bool is_marked(const char *content)
{
	const size_t length = strlen(NETNS_FILE_MARK);

	return strncmp(content, NETNS_FILE_MARK, length) == 0 &&
	       (content[length] == '\n' || content[length] == '\0');
}

/* At most RESOLV_MAX bytes into `text`, which holds zeros and has room for one more; what is longer is not
 * ours and counts as empty. -1 with errno. */
static int read_text(int fd, char *text)
{
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && length < RESOLV_MAX) {
		n = read(fd, text + length, RESOLV_MAX - length);
		if (n < 0)
			return -1;
		length += (size_t)n;
	}
	if (length == RESOLV_MAX)
		text[0] = '\0';
	return 0;
}

/* Reads NAME's resolv.conf. Anything but a regular file, or too large a one, is somebody else's:
 * *ret is "" then. */
static int read_resolv(int directory, const char *name, char **ret, struct error *err)
{
	_cleanup_close_ int fd = openat(directory, RESOLV, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 && errno != ELOOP)
		return error_set(err, -errno, "Cannot open %s/%s/%s: %s", NETNS_FILES, name, RESOLV,
				 strerror(errno));
	text = calloc(1, RESOLV_MAX + 1);
	if (!text)
		return error_set(err, -ENOMEM, "Out of memory");
	if (fd >= 0 && (fstat(fd, &st) < 0 || (S_ISREG(st.st_mode) && read_text(fd, text) < 0)))
		return error_set(err, -errno, "Cannot read %s/%s/%s: %s", NETNS_FILES, name, RESOLV,
				 strerror(errno));
	*ret = steal_pointer(text);
	return 0;
}

int netns_resolv_read(const char *name, char **ret, bool *ret_ours, struct error *err)
{
	_cleanup_close_ int directory = open_files(name, false, err);
	char *text;
	int e;

	if (directory < 0)
		return directory;
	e = read_resolv(directory, name, &text, err);
	if (e < 0)
		return e;
	if (ret_ours)
		*ret_ours = is_marked(text);
	if (ret)
		*ret = text;
	else
		free(text);
	return 0;
}

static int write_temp(int directory, const char *content)
{
	_cleanup_close_ int fd = -1;
	size_t length = strlen(content);
	int interrupted = 0;

	if (unlinkat(directory, RESOLV_TEMP, 0) < 0 && errno != ENOENT) /* of a crash */
		return -errno;
	fd = openat(directory, RESOLV_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0) /* readable whatever our umask is */
		return -errno;
	while (length > 0) {
		ssize_t n = write(fd, content, length);

		if (n < 0 && errno == EINTR && ++interrupted < EINTR_TRIES)
			continue;
		if (n < 0)
			return -errno;
		content += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Puts the new file in place: over one of ours, never over one that appeared meanwhile. */
static int write_resolv(int directory, const char *content, bool replace)
{
	int e = write_temp(directory, content);

	if (e == 0 &&
	    renameat2(directory, RESOLV_TEMP, directory, RESOLV, replace ? 0 : RENAME_NOREPLACE) < 0)
		e = -errno;
	if (e < 0)
		(void)unlinkat(directory, RESOLV_TEMP, 0);
	return e;
}

static int remove_empty_directory(const char *name)
{
	char path[sizeof(NETNS_FILES) + NAME_MAX + 1];

	(void)snprintf(path, sizeof(path), "%s/%s", NETNS_FILES, name);
	if (rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT)
		return 0; /* other files may be there */
	return -errno;
}

int netns_resolv_write(const char *name, const char *content, struct error *err)
{
	_cleanup_close_ int directory = -1;
	_cleanup_free_ char *there = NULL;
	int e, found;

	if (!is_marked(content))
		return error_set(err, -EINVAL, "The text for %s/%s/%s does not begin with our mark",
				 NETNS_FILES, name, RESOLV);
	directory = open_files(name, true, err);
	if (directory < 0)
		return directory;
	found = read_resolv(directory, name, &there, err);
	if (found < 0 && found != -ENOENT)
		return found;
	if (found == 0 && !is_marked(there))
		return error_set(err, -EEXIST,
				 "%s/%s/%s exists and is not ours; remove it, or DNS= and Domains=",
				 NETNS_FILES, name, RESOLV);
	e = write_resolv(directory, content, found == 0);
	if (e < 0) {
		(void)remove_empty_directory(name);
		return error_set(err, e, "Cannot write %s/%s/%s: %s", NETNS_FILES, name, RESOLV,
				 strerror(-e));
	}
	return 0;
}

int netns_resolv_remove(const char *name, struct error *err)
{
	_cleanup_close_ int directory = open_files(name, false, err);
	_cleanup_free_ char *there = NULL;
	int e;

	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	e = read_resolv(directory, name, &there, err);
	if (e < 0 && e != -ENOENT)
		return e;
	if (e == 0 && !is_marked(there))
		return 0; /* somebody took it over by removing the mark */
	if (e == 0 && unlinkat(directory, RESOLV, 0) < 0 && errno != ENOENT)
		return error_set(err, -errno, "Cannot remove %s/%s/%s: %s", NETNS_FILES, name, RESOLV,
				 strerror(errno));
	e = remove_empty_directory(name);
	if (e == 0)
		return 0;
	if (there) /* or nobody would look for it again */
		(void)write_resolv(directory, there, false);
	return error_set(err, e, "Cannot remove %s/%s: %s", NETNS_FILES, name, strerror(-e));
}

int netns_resolv_list(int (*fn)(const char *name, void *data), void *data)
{
	DIR *d = opendir(NETNS_FILES);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(d)) != NULL) {
		bool ours = false;

		if (netns_name_is_valid(e->d_name) && netns_resolv_read(e->d_name, NULL, &ours, NULL) == 0 &&
		    ours)
			r = fn(e->d_name, data);
	}
	(void)closedir(d);
	return r;
}
