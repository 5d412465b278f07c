/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts for a root. By descriptors all the way: no path is walked twice, and no option needs escapes.
 */
#include "cleanup.h"
#include "root_internal.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#define STACKED_MAX 256 /* mounts taken off one place; more is not a leftover but somebody mounting */
#define BUSY_TRIES  100 /* in one second */

/* With the kernel's own words, if it has any: "e overlay: ...". */
static int mount_failed(int context, const char *type, const char *what, int code, struct error *err)
{
	char text[256];
	ssize_t n = context >= 0 ? read(context, text, sizeof(text) - 1) : -1;
	const char *more = text;

	if (n <= 0)
		return error_set(err, code, "cannot mount a %s (%s): %s", type, what, strerrordesc_np(-code));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strlen(text) > 2 && text[1] == ' ')
		more = text + 2;
	return error_set(err, code, "cannot mount a %s (%s): %s (%s)", type, what, strerrordesc_np(-code),
			 more);
}

int root_mount(const char *type, const struct root_option *options, unsigned attributes, int dir,
	       const char *name, int *ret, struct error *err)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC), mount = -1;
	int e;

	if (context < 0)
		return mount_failed(-1, type, "fsopen", -errno, err);
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", "netnsd", 0) < 0)
		return mount_failed(context, type, "source", -errno, err);
	for (; options->key; options++) {
		e = options->value ? fsconfig(context, FSCONFIG_SET_STRING, options->key, options->value, 0)
				   : fsconfig(context, FSCONFIG_SET_FLAG, options->key, NULL, 0);
		if (e < 0)
			return mount_failed(context, type, options->key, -errno, err);
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mount_failed(context, type, "create", -errno, err);
	mount = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	if (mount < 0)
		return mount_failed(context, type, "fsmount", -errno, err);
	if (move_mount(mount, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return mount_failed(-1, type, name, -errno, err);
	if (ret)
		*ret = steal_fd(mount);
	return 0;
}

int root_mount_private(int mount, struct error *err)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};

	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return error_set(err, -errno, "cannot make a mount private: %s", strerrordesc_np(errno));
	return 0;
}

/* A child of ours that is just being born has our descriptors until its exec, with what was written just now.
 */
int root_mount_read_only(int mount, struct error *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	const struct timespec nap = {.tv_nsec = 1000000000 / BUSY_TRIES};
	int r;

	for (int i = 0; i < BUSY_TRIES; i++) {
		r = mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr));
		if (r == 0 || errno != EBUSY)
			break;
		(void)nanosleep(&nap, NULL);
	}
	if (r < 0)
		return error_set(err, -errno, "cannot make a mount read-only: %s", strerrordesc_np(errno));
	return 0;
}

/* Lazily: whoever still looks into it holds up nobody, and the mounts below go with it at once. */
int root_unmount(int dir, const char *name, struct error *err)
{
	char path[320];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	for (unsigned i = 0; i < STACKED_MAX; i++) {
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			continue;
		/* EINVAL: not a mount point, or a link. */
		if (errno == EINVAL || errno == ENOENT)
			return 0;
		return error_set(err, -errno, "cannot unmount %s: %s", name, strerrordesc_np(errno));
	}
	return error_set(err, -EBUSY, "cannot unmount %s: more than %d mounts are stacked there", name,
			 STACKED_MAX);
}
