/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup (v2 hierarchy: unified, or /sys/fs/cgroup/unified of a hybrid) for each container where systemd
 * does not manage them; killing and waiting for one in either case. Layer 1. */
#ifndef NETNSD_CGROUP_H
#define NETNSD_CGROUP_H

#include "error.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Mount point of the v2 hierarchy and the daemon's own cgroup in it. -ENOENT with err: there is none. */
struct cgroup_layout {
	char mount[256]; /* "/sys/fs/cgroup" or "/sys/fs/cgroup/unified" */
	char own[1024];	 /* of this process, "/" or "/system.slice/netnsd.service" */
	bool hybrid;	 /* controllers may be in v1 */
};
int cgroup_find_layout(struct cgroup_layout *ret, struct error *err);
/* The v2 cgroup of a process, relative to the mount ("/machine.slice/..."). Owned. */
int cgroup_of_pid(pid_t pid, char **ret);

/* Limits that could not be put in force (controller not there) are named in *missing ("memory, pids"), at
 * most `size` bytes: a warning. */
struct cgroup_limits {
	uint64_t memory_max, tasks_max; /* 0: not set; UINT64_MAX: "max" */
	uint64_t cpu_quota;		/* usec a second; 0: not set */
};
/* Moves the daemon itself into a leaf ("OWN/daemon") when its cgroup is to have children with controllers,
 * makes the parent OWN/containers, enables controllers as far as possible. Idempotent. Where that cannot be
 * (not allowed, v1 owns the controllers) children are made all the same. */
int cgroup_prepare(struct cgroup_layout *layout, struct error *err);
/* Full path of a container's: where it is or would be. */
int cgroup_path(const struct cgroup_layout *layout, const char *name, char **ret);
/* Makes it, empty; one that is there and populated is -EBUSY. */
int cgroup_make(const char *path, const struct cgroup_limits *limits, char *missing, size_t size,
		struct error *err);
int cgroup_attach(const char *path, pid_t pid, struct error *err);
/* DeviceAllow=, DevicePolicy= by a BPF program on the cgroup (as systemd does it for a scope). policy
 * "closed" or "strict"; allow: "/dev/net/tun rwm", "char-pts rw", "block-* r". -EOPNOTSUPP with err where the
 * kernel cannot. */
int cgroup_devices(const char *path, const char *policy, char *const *allow, struct error *err);
int cgroup_memory_current(const char *path, uint64_t *ret); /* -ENOENT where it is not counted */

/* Kills everything in it and below (cgroup.kill, 5.14; else signal by signal until none is left) and reports
 * when nothing is left: by inotify on cgroup.events, not by polling. A path that does not exist is empty. */
struct cgroup_watch;
typedef void cgroup_empty_fn(struct cgroup_watch *w,
			     void *data); /* at most once; may be called from cgroup_kill() */
int cgroup_watch_new(struct ev_loop *loop, const char *path, cgroup_empty_fn *empty, void *data,
		     struct cgroup_watch **ret);
void cgroup_watch_free(struct cgroup_watch *w);
int cgroup_kill(const char *path);	/* asks; the watch tells when it is done */
bool cgroup_is_empty(const char *path); /* also: does not exist */
int cgroup_remove(const char *path);	/* the tree below and itself; -EBUSY: populated; 0: was not there */

#endif
