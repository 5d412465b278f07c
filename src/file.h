/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files as a whole. Layer 0; blocks as long as the file system does (/run: not). */
#ifndef NETNSD_FILE_H
#define NETNSD_FILE_H

#include <stddef.h>

/* A regular file of at most `max` bytes, no link; owned, with a NUL behind it. -EINVAL: something else. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_length);
/* Beside it, then renamed: mode 0600. Whoever reads sees the old or the new one, never a part. */
int file_write_atomically(const char *path, const char *text);

#endif
