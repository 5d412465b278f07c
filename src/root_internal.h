/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of root*.c. Layer 2. All of it runs on a worker thread: no chdir, no umask, descriptors
 * and names relative to them. */
#ifndef NETNSD_ROOT_INTERNAL_H
#define NETNSD_ROOT_INTERNAL_H

#include "root.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* root_mount.c */
struct root_option {
	const char *key, *value; /* value NULL: a flag */
};
/* A new filesystem of its own at `name` in `dir`, which is a directory. Options end with key NULL; attributes
 * are MOUNT_ATTR_*. *ret (may be NULL): a descriptor of its root. -errno with err. */
int root_mount(const char *type, const struct root_option *options, unsigned attributes, int dir,
	       const char *name, int *ret, struct error *err);
int root_mount_private(int mount, struct error *err); /* what is mounted below is seen by nobody else */
int root_mount_read_only(int mount, struct error *err);
/* Takes off all that is stacked there, with what is below. Nothing there: 0. */
int root_unmount(int dir, const char *name, struct error *err);

/* root_files.c: files and directories, modes exact whatever the umask. */
int root_mkdir(int dir, const char *name, mode_t mode, struct error *err); /* -EEXIST without err */
int root_open_directory(int dir, const char *name, int *ret,
			struct error *err); /* follows no link at `name` */
int root_touch(int dir, const char *name, mode_t mode, struct error *err);
/* A tree on one filesystem; what is mounted in it is left alone (-EBUSY). Nothing there: 0. */
int root_remove_tree(int dir, const char *name, struct error *err);
int root_create_directory(const struct create_directory *d, struct error *err);

/* root_source.c */
int root_check_image(const char *path, struct error *err);
/* Opens a Directory= or Template= (`key`) and sees to it that nspawn will take it. *ret: O_PATH. */
int root_open_source(const struct container_settings *c, const char *key, const char *path, int *ret,
		     struct error *err);

/* root_copy.c: the persistent root of a container with Template=, made if it is not there; its path, owned.
 */
int root_copy_template(const struct container_settings *c, int source, char **ret, struct error *err);
/* Into the empty directory `to`: all of `from` that is on its filesystem. */
int root_copy_tree(int from, int to, struct error *err);

/* root_credentials.c: `base` is the container's own directory. */
int root_credentials(const struct container_settings *c, int base, struct root *r, struct error *err);

/* root_sweep.c */
int root_open_containers(int *ret, struct error *err); /* CONTAINERS_DIRECTORY, made if need be */
int root_check_foreign(const char *name, struct error *err);

#endif
