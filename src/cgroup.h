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
	char own[1024];	 /* of this process, "/" or "/system.slice/netnsd.service"; without the leaf that
			    cgroup_prepare() made */
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
/* Full path of a container's: where it is or would be. -EINVAL: '/', ".." and the like. Below it nspawn
 * makes "payload" and "supervisor", and once it did, only those can have processes where controllers are. */
int cgroup_path(const struct cgroup_layout *layout, const char *name, char **ret);
#define CGROUP_PAYLOAD "payload"
/* Makes it, empty, with those above it as far as ours; what an earlier run left is removed; one that is
 * populated is -EBUSY. With bounds for number and depth of cgroups below. */
int cgroup_make(const char *path, const struct cgroup_limits *limits, char *missing, size_t size,
		struct error *err);
int cgroup_attach(const char *path, pid_t pid, struct error *err);
/* DeviceAllow=, DevicePolicy= by a BPF program on the cgroup (as systemd does it for a scope). policy
 * "closed" (as systemd has it), "strict" (only what is allowed), "auto" or NULL (no program without `allow`,
 * else closed); allow: "/dev/net/tun rwm", "char-pts rw", "block-* r". -EOPNOTSUPP with err where the
 * kernel cannot. More than 0: done, but so many entries name nothing that is there (systemd passes over them
 * as well); err says which, for a warning. */
int cgroup_devices(const char *path, const char *policy, char *const *allow, struct error *err);
int cgroup_memory_current(const char *path, uint64_t *ret); /* -ENOENT where it is not counted */

/* Kills everything in it and below (cgroup.kill, 5.14; else signal by signal until none is left) and reports
 * when nothing is left: by inotify on cgroup.events; by looking, where none is to be had. A path that does
 * not exist is empty. */
struct cgroup_watch;
/* Exactly once, from the loop, never from cgroup_watch_new() or cgroup_kill(); at once when it is empty
 * already. May free the watch, and others. */
typedef void cgroup_empty_fn(struct cgroup_watch *w, void *data);
int cgroup_watch_new(struct ev_loop *loop, const char *path, cgroup_empty_fn *empty, void *data,
		     struct cgroup_watch **ret);
void cgroup_watch_free(struct cgroup_watch *w);
/* Asks; the watch tells when it is done. 0 also when it does not exist; -EPERM: this process is in it. */
int cgroup_kill(const char *path);
bool cgroup_is_empty(const char *path); /* also: does not exist */
/* The tree below and itself; 0: was not there; -EBUSY: populated, nothing was removed; -EAGAIN: more than
 * 8192 cgroups, which cgroup_make() does not allow (4096; some 50 us each): call again from a later turn of
 * the loop. May be called by a worker, too. */
int cgroup_remove(const char *path);

#endif
