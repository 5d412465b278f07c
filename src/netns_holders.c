/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who keeps a namespace alive: the processes inside it, so that a delete that takes its time can
 * name them. Descriptors and mounts elsewhere hold a namespace too, but reading every fd table of
 * the machine costs too much for an answer that is mostly "none".
 */
#include "cleanup.h"
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Kernel threads live in the initial namespace and hold nothing; they alone have no executable. */
static bool is_kernel_thread(int proc, pid_t pid)
{
	char path[sizeof("/exe") + 3 * sizeof(pid_t)], target[1];

	(void)snprintf(path, sizeof(path), "%d/exe", (int)pid);
	return readlinkat(proc, path, target, sizeof(target)) < 0 && errno == ENOENT;
}

int netns_holders(int ns_fd, pid_t *pids, size_t max, size_t *ret_n)
{
	struct stat ns, st;
	struct dirent *entry;
	size_t n = 0;
	DIR *proc;

	if (fstat(ns_fd, &ns) < 0)
		return -errno;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	/* By process: a worker thread of ours that is in there right now is no holder. */
	while (n < max && (entry = readdir(proc))) {
		char path[sizeof("/ns/net") + 3 * sizeof(pid_t)];
		const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		(void)snprintf(path, sizeof(path), "%d/ns/net", (int)pid);
		if (fstatat(dirfd(proc), path, &st, 0) < 0 || st.st_dev != ns.st_dev ||
		    st.st_ino != ns.st_ino)
			continue; /* gone meanwhile, or elsewhere */
		if (!is_kernel_thread(dirfd(proc), pid))
			pids[n++] = pid;
	}
	(void)closedir(proc);
	*ret_n = n;
	return 0;
}
