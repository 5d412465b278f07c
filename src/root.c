/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root of a container, made before each start: the directory as it is, an overlay over it, a copy of a
 * template, or a skeleton with nothing but what nspawn and a systemd look for.
 */
#include "root.h"
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#define BASE_SIZE      "64k" /* mount points and nspawn's lock */
#define BASE_INODES    "64"
#define BYTES_AN_INODE 4096 /* of a root with RootSizeMax=: empty files cost memory too */
#define INODES_MIN     1024
#define OPTION_LENGTH  64

void root_clear(struct root *r)
{
	free(r->path);
	free(r->credentials);
	strv_free(r->credential_ids);
	*r = (struct root){0};
}

static int set_path(const char *name, const char *what, char **ret, struct error *err)
{
	struct strbuf path = {0};

	strbuf_printf(&path, "%s/%s/%s", CONTAINERS_DIRECTORY, name, what);
	*ret = strbuf_finish(&path);
	return *ret ? 0 : error_set(err, -ENOMEM, "no memory for a path");
}

/* The mount that all others are below. Private: what is mounted in it then is not copied into the mount
 * namespaces of services on the host, where it would live on. */
static int make_base(const char *name, int *ret, struct error *err)
{
	static const struct root_option options[] = {
		{"mode", "0700"}, {"size", BASE_SIZE}, {"nr_inodes", BASE_INODES}, {NULL, NULL}};
	_cleanup_close_ int containers = -1, mount = -1;
	int e = root_open_containers(&containers, err);

	if (e == 0) {
		e = root_mkdir(containers, name, 0700, err);
		if (e == -EEXIST)
			e = error_set(err, e, "%s/%s exists", CONTAINERS_DIRECTORY, name);
	}
	if (e == 0)
		e = root_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, containers, name,
			       &mount, err);
	if (e == 0)
		e = root_mount_private(mount, err);
	return e < 0 ? e : root_open_directory(mount, ".", ret, err);
}

/* A tmpfs for what the payload writes. RootSizeMax=0: the kernel's default, half of the memory. */
static int make_tmpfs(const struct container_settings *c, int base, const char *name, const char *mode,
		      unsigned attributes, int *ret, struct error *err)
{
	char size[OPTION_LENGTH], inodes[OPTION_LENGTH];
	uint64_t n = c->root_size_max / BYTES_AN_INODE;
	struct root_option options[] = {{"mode", mode}, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
	_cleanup_close_ int mount = -1;
	int e = root_mkdir(base, name, 0700, err);

	if (e < 0)
		return e;
	if (c->root_size_max > 0) {
		(void)snprintf(size, sizeof(size), "%" PRIu64, c->root_size_max);
		(void)snprintf(inodes, sizeof(inodes), "%" PRIu64, n < INODES_MIN ? INODES_MIN : n);
		options[1] = (struct root_option){"size", size};
		options[2] = (struct root_option){"nr_inodes", inodes};
	}
	e = root_mount("tmpfs", options, attributes, base, name, &mount, err);
	return e < 0 ? e : root_open_directory(mount, ".", ret, err);
}

/* --- none of the three: the seed's skeleton (S57 to S61) -------------------------------------- */
static int fill_skeleton(int root, struct error *err)
{
	static const struct {
		const char *path;
		mode_t mode;
		bool directory;
	} rows[] = {
		{"etc", 0755, true},
		{"root", 0700, true},
		{"usr", 0755, true},
		{"usr/bin", 0755, true},
		{"var", 0755, true},
		{"var/lib", 0755, true},
		{"var/lib/private", 0700, true},
		{"etc/os-release", 0644, false},
		{"etc/machine-id", 0644, false},
	};
	int e = 0;

	for (size_t i = 0; e == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		e = rows[i].directory ? root_mkdir(root, rows[i].path, rows[i].mode, err)
				      : root_touch(root, rows[i].path, rows[i].mode, err);
	return e;
}

/* Neither nosuid nor nodev: it is the root of a system, with a su(1) and chroots that have devices of their
 * own; which devices work is DevicePolicy='s business, and nobody else can walk to it. */
static int make_skeleton(const struct container_settings *c, int base, struct root *r, struct error *err)
{
	_cleanup_close_ int root = -1;
	int e = make_tmpfs(c, base, "root", "0755", 0, &root, err);

	if (e == 0)
		e = fill_skeleton(root, err);
	return e < 0 ? e : set_path(c->name, "root", &r->path, err);
}

/* --- Ephemeral= ------------------------------------------------------------------------------- */
/* The overlay shows the upper directory's owner and mode as those of the root. */
static int make_upper(int tmpfs, int lower, struct error *err)
{
	_cleanup_close_ int upper = -1;
	struct stat st;
	int e = root_mkdir(tmpfs, "work", 0700, err);

	if (e == 0)
		e = root_mkdir(tmpfs, "upper", 0700, err);
	if (e == 0)
		e = root_open_directory(tmpfs, "upper", &upper, err);
	if (e < 0)
		return e;
	if (fstat(lower, &st) < 0 || fchown(upper, st.st_uid, st.st_gid) < 0 ||
	    fchmod(upper, st.st_mode & 07777) < 0)
		return error_set(err, -errno, "cannot give the overlay the root's owner and mode: %s",
				 strerrordesc_np(errno));
	return 0;
}

/* A bind mount of the lower directory would have them; the overlay is a filesystem of its own. */
static unsigned attributes_of(int lower)
{
	struct statvfs v;
	unsigned a = 0;

	if (fstatvfs(lower, &v) < 0)
		return 0;
	a |= v.f_flag & ST_NOSUID ? MOUNT_ATTR_NOSUID : 0;
	a |= v.f_flag & ST_NODEV ? MOUNT_ATTR_NODEV : 0;
	a |= v.f_flag & ST_NOEXEC ? MOUNT_ATTR_NOEXEC : 0;
	return a;
}

/* The directories by descriptor: no ":" or "," in a path can change what is mounted, and what was checked is
 * what is used. */
static int make_overlay(const struct container_settings *c, int base, int lower, struct root *r,
			struct error *err)
{
	char lower_path[OPTION_LENGTH], upper_path[OPTION_LENGTH], work_path[OPTION_LENGTH];
	const struct root_option options[] = {
		{"lowerdir", lower_path}, {"upperdir", upper_path}, {"workdir", work_path}, {NULL, NULL}};
	_cleanup_close_ int tmpfs = -1;
	int e = make_tmpfs(c, base, "overlay", "0700", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &tmpfs, err);

	if (e == 0)
		e = make_upper(tmpfs, lower, err);
	if (e == 0)
		e = root_mkdir(base, "root", 0700, err);
	if (e < 0)
		return e;
	(void)snprintf(lower_path, sizeof(lower_path), "/proc/self/fd/%d", lower);
	(void)snprintf(upper_path, sizeof(upper_path), "/proc/self/fd/%d/upper", tmpfs);
	(void)snprintf(work_path, sizeof(work_path), "/proc/self/fd/%d/work", tmpfs);
	e = root_mount("overlay", options, attributes_of(lower), base, "root", NULL, err);
	return e < 0 ? e : set_path(c->name, "root", &r->path, err);
}

/* --- all of it -------------------------------------------------------------------------------- */
/* A link to a root that is elsewhere: root_remove() has nothing but the name to go by. */
static int make_link(const char *path, int base, struct error *err)
{
	if (symlinkat(path, base, "root") < 0)
		return error_set(err, -errno, "cannot make a link to %s: %s", path, strerrordesc_np(errno));
	return 0;
}

static int make_from(const struct container_settings *c, const char *key, const char *path, int base,
		     struct root *r, struct error *err)
{
	_cleanup_close_ int source = -1;
	int e = root_open_source(c, key, path, &source, err);

	if (e < 0)
		return e;
	if (c->ephemeral)
		return make_overlay(c, base, source, r, err);
	if (!c->directory)
		e = root_copy_template(c, source, &r->path, err);
	else if (!(r->path = strdup(path)))
		e = error_set(err, -ENOMEM, "no memory for a path");
	return e < 0 ? e : make_link(r->path, base, err);
}

static int make_root(const struct container_settings *c, int base, struct root *r, struct error *err)
{
	int e;

	if (c->directory)
		return make_from(c, "Directory", c->directory, base, r, err);
	if (c->template)
		return make_from(c, "Template", c->template, base, r, err);
	if (!c->image)
		return make_skeleton(c, base, r, err);
	e = root_check_image(c->image, err);
	return e < 0 ? e : make_link(c->image, base, err);
}

static int make_all(const struct container_settings *c, struct root *r, struct error *err)
{
	_cleanup_close_ int base = -1;
	int e = root_check_foreign(c->name, err);

	if (e == 0)
		e = make_base(c->name, &base, err);
	if (e == 0)
		e = make_root(c, base, r, err);
	for (size_t i = 0; e == 0 && i < c->n_directories; i++)
		e = root_create_directory(&c->directories[i], err);
	if (e == 0)
		e = root_credentials(c, base, r, err);
	return e;
}

int root_prepare(const struct container_settings *c, struct root *ret, struct error *err)
{
	struct root r = {0};
	int e = root_remove(c->name, err);

	if (e < 0)
		return e;
	e = make_all(c, &r, err);
	if (e < 0) {
		root_clear(&r);
		(void)root_remove(c->name, NULL);
		return error_prefix(err, e, "container %s", c->name);
	}
	*ret = r;
	return 0;
}
