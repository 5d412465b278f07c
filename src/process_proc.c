/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc tells of a process's children. */
#include "cleanup.h"
#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int process_children(pid_t pid, pid_t *children, size_t max)
{
	char path[64], text[4096], *at = text, *end;
	_cleanup_fclose_ FILE *f = NULL;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	for (; n < max; at = end) {
		long child = strtol(at, &end, 10);

		if (end == at || child <= 0)
			break;
		children[n++] = (pid_t)child;
	}
	return (int)n;
}
