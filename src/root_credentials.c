/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials to files that nspawn is told of by name: what is on a command line everybody can read. In
 * memory that is never swapped out where the kernel can (tmpfs since 6.4; ramfs, which has no limit of its
 * own, before that: the limits here are what bounds it), readable for root alone, and read-only once they are
 * in.
 */
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define CREDENTIAL_MAX	     ((size_t)1024 * 1024)		  /* systemd's bound for one */
#define CREDENTIALS_MAX	     (CREDENTIAL_MAX + (size_t)64 * 1024) /* all of a container */
#define CREDENTIALS_COUNT    256
#define CREDENTIALS_TMPFS    "4M" /* what they take at most, in whole pages */
#define CREDENTIALS_INODES   "300"
#define CREDENTIAL_ATTRIBUTE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct store {
	int base, mount, directory; /* the latter two -1: not yet */
	size_t total;
	char **ids;
	const char *path; /* of the one that is read, for messages; NULL: it is in the configuration */
	struct error *err;
};

/* nspawn's rule: a file name of printable ASCII without ":". */
static bool id_is_valid(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n > 255 || str_equal(id, ".") || str_equal(id, ".."))
		return false;
	for (; *id; id++)
		if (*id < ' ' || *id > '~' || *id == ':' || *id == '/')
			return false;
	return true;
}

static int too_large(struct store *s, const char *id)
{
	return error_set(
		s->err, -E2BIG,
		"the credential %s%s%s is too large: one has at most 1 MiB, all of a container 1 MiB "
		"and 64 KiB",
		id, s->path ? " from " : "", s->path ? s->path : "");
}

/* Only once there is one. */
static int store_mount(struct store *s)
{
	static const struct root_option tmpfs[] = {{"mode", "0700"},
						   {"size", CREDENTIALS_TMPFS},
						   {"nr_inodes", CREDENTIALS_INODES},
						   {"noswap", NULL},
						   {NULL, NULL}};
	static const struct root_option ramfs[] = {{"mode", "0700"}, {NULL, NULL}};
	int e;

	if (s->mount >= 0)
		return 0;
	e = root_mkdir(s->base, "credentials", 0700, s->err);
	if (e == 0)
		e = root_mount("tmpfs", tmpfs, CREDENTIAL_ATTRIBUTE, s->base, "credentials", &s->mount,
			       s->err);
	if (e == -EINVAL)
		e = root_mount("ramfs", ramfs, CREDENTIAL_ATTRIBUTE, s->base, "credentials", &s->mount,
			       s->err);
	return e < 0 ? e : root_open_directory(s->mount, ".", &s->directory, s->err);
}

static int store_create(struct store *s, const char *id, int *ret)
{
	int e;

	if (!id_is_valid(id))
		return error_set(s->err, -EINVAL,
				 "\"%s\" is no name of a credential: expected printable ASCII without \":\" "
				 "and \"/\"",
				 id);
	if (strv_length(s->ids) >= CREDENTIALS_COUNT)
		return error_set(s->err, -E2BIG, "the credential %s is one too many: at most %d", id,
				 CREDENTIALS_COUNT);
	e = store_mount(s);
	if (e < 0)
		return e;
	*ret = openat(s->directory, id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (*ret < 0 || fchmod(*ret, 0400) < 0)
		e = -errno;
	else
		e = strv_push(&s->ids, id);
	return e < 0 ? error_set(s->err, e, "the credential %s could not be stored: %s", id,
				 strerrordesc_np(-e))
		     : 0;
}

static int store_write(struct store *s, int fd, const char *id, const char *data, size_t length)
{
	ssize_t n;

	s->total += length;
	if (length > CREDENTIAL_MAX || s->total > CREDENTIALS_MAX)
		return too_large(s, id);
	for (; length > 0; data += n, length -= (size_t)n) {
		n = write(fd, data, length);
		if (n < 0)
			return error_set(s->err, -errno, "the credential %s could not be stored: %s", id,
					 strerrordesc_np(errno));
	}
	return 0;
}

/* A file that grows meanwhile is cut off by the bound, not by its size of before. */
static int store_copy(struct store *s, const char *id, int from)
{
	_cleanup_close_ int to = -1;
	char buffer[16384];
	size_t total = 0;
	ssize_t n = 0;
	int e = store_create(s, id, &to);

	while (e == 0 && (n = read(from, buffer, sizeof(buffer))) > 0) {
		total += (size_t)n;
		e = total > CREDENTIAL_MAX ? too_large(s, id) : store_write(s, to, id, buffer, (size_t)n);
	}
	if (e == 0 && n < 0)
		e = error_set(s->err, -errno, "the credential %s cannot be read from %s: %s", id, s->path,
			      strerrordesc_np(errno));
	explicit_bzero(buffer, sizeof(buffer));
	return e;
}

/* A FIFO or a device must not hold us up, nor a link lead elsewhere. `path` is for the message. */
static int store_file(struct store *s, const char *id, int dir, const char *name, const char *path)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	s->path = path;
	if (fd < 0 && errno == ELOOP)
		return error_set(s->err, -ELOOP,
				 "the credential %s is at %s, a symbolic link, which is not followed: write "
				 "where it leads",
				 id, path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(s->err, -errno, "the credential %s cannot be read from %s: %s", id, path,
				 strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(s->err, -EINVAL, "the credential %s is at %s, which is not a file%s", id,
				 path,
				 S_ISFIFO(st.st_mode)  ? " but a FIFO"
				 : S_ISDIR(st.st_mode) ? " but a directory"
						       : "");
	if ((size_t)st.st_size > CREDENTIAL_MAX)
		return too_large(s, id);
	return store_copy(s, id, fd);
}

static int store_declared(struct store *s, const struct credential *c)
{
	_cleanup_close_ int fd = -1;
	int e;

	if (strv_contains(s->ids, c->id))
		return error_set(s->err, -EEXIST, "the credential %s is declared twice", c->id);
	if (c->path)
		return store_file(s, c->id, AT_FDCWD, c->path, c->path);
	s->path = NULL;
	e = store_create(s, c->id, &fd);
	return e < 0 ? e : store_write(s, fd, c->id, c->value, c->length);
}

/* What our own service was given for this container: a file "CONTAINER.ID". Declared ones go first. */
static int store_inherited(struct store *s, DIR *d, const char *directory, const char *container)
{
	const struct dirent *entry;
	size_t n = strlen(container);
	char path[512];
	int e = 0;

	while (e == 0 && (entry = readdir(d)) != NULL) {
		const char *id = entry->d_name + n + 1;

		if (strncmp(entry->d_name, container, n) != 0 || entry->d_name[n] != '.' ||
		    strv_contains(s->ids, id))
			continue;
		(void)str_format(path, sizeof(path), "%s/%s", directory, entry->d_name);
		e = store_file(s, id, dirfd(d), entry->d_name, path);
	}
	return e;
}

static int store_all(struct store *s, const struct container_settings *c)
{
	const char *from = secure_getenv("CREDENTIALS_DIRECTORY");
	DIR *d;
	int e = 0;

	for (size_t i = 0; e == 0 && i < c->n_credentials; i++)
		e = store_declared(s, &c->credentials[i]);
	if (e < 0 || !from || from[0] != '/')
		return e;
	d = opendir(from);
	if (!d)
		return errno == ENOENT
			       ? 0
			       : error_set(s->err, -errno, "cannot open $CREDENTIALS_DIRECTORY, %s: %s", from,
					   strerrordesc_np(errno));
	e = store_inherited(s, d, from, c->name);
	(void)closedir(d);
	return e;
}

/* Read-only from now on. */
static int store_close(const struct store *s, const struct container_settings *c, struct root *r)
{
	struct strbuf path = {0};

	if (s->mount < 0)
		return 0;
	if (fchmod(s->directory, 0500) < 0)
		return error_set(s->err, -errno, "cannot set the mode of the credentials: %s",
				 strerrordesc_np(errno));
	strbuf_printf(&path, "%s/%s/credentials", CONTAINERS_DIRECTORY, c->name);
	r->credentials = strbuf_finish(&path);
	if (!r->credentials)
		return error_set(s->err, -ENOMEM, "no memory for the credentials");
	return root_mount_read_only(s->mount, s->err);
}

int root_credentials(const struct container_settings *c, int base, struct root *r, struct error *err)
{
	struct store s = {.base = base, .mount = -1, .directory = -1, .err = err};
	int e = store_all(&s, c);

	if (e == 0)
		e = store_close(&s, c, r);
	cleanup_close(&s.directory);
	cleanup_close(&s.mount);
	if (e == 0)
		r->credential_ids = steal_pointer(s.ids);
	strv_free(s.ids);
	return e;
}
