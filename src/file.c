/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files as a whole. */
#include "file.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t max, char **ret, size_t *ret_length)
{
	/* Not to wait for the writer of a FIFO that somebody put there. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max)
		return -EINVAL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = read(fd, text, (size_t)st.st_size);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	*ret_length = (size_t)n;
	*ret = steal_pointer(text);
	return 0;
}

int file_write_atomically(const char *path, const char *text)
{
	size_t length = strlen(text);
	_cleanup_close_ int fd = -1;
	char temporary[600];
	ssize_t n;
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n == (ssize_t)length && rename(temporary, path) == 0)
		return 0;
	r = n >= 0 && n < (ssize_t)length ? -ENOSPC : -errno;
	(void)unlink(temporary);
	return r;
}
