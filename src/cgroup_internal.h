/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of cgroup.c share: files of a cgroup by name. */
#ifndef NETNSD_CGROUP_INTERNAL_H
#define NETNSD_CGROUP_INTERNAL_H

#include "cgroup.h"

#include <stddef.h>

/* Opens a file of the cgroup `path`; O_CLOEXEC is added. */
int cgroup_open(const char *path, const char *file, int flags);
/* NUL-terminated, cut to `size`; the length. -ENOENT: the cgroup or the file is not there, or has gone. */
ssize_t cgroup_read(const char *path, const char *file, char *buffer, size_t size);
int cgroup_write(const char *path, const char *file, const char *text);

#endif
