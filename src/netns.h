/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network namespaces as the kernel and /run/netns have them: create, pin, open, verify, name,
 * unname, list, holders. Layer 2; an effect. All calls may block: workers, or the daemon's start. */
#ifndef NETNSD_NETNS_H
#define NETNSD_NETNS_H

#include "error.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NETNS_DIRECTORY "/run/netns"

/* What is ours is marked by its nsid in the daemon's namespace (DESIGN 6). */
#define NSID_CREATED_FIRST 2000000000 /* namespaces netnsd made */
#define NSID_ADOPTED_FIRST 2100000000 /* namespaces it adopted: never deleted, only our links are */
#define NSID_LAST	   2147483647
/* IFLA_GROUP of every link netnsd makes; "nets". */
#define LINK_GROUP 0x6e657473
/* RTA_PROTOCOL, FRA_PROTOCOL, NDA_PROTOCOL, IFA_PROTO of what netnsd makes; conf/rt_protos.d names it. */
#define ROUTE_PROTOCOL 78

static inline bool nsid_is_created(int nsid)
{
	return nsid >= NSID_CREATED_FIRST && nsid < NSID_ADOPTED_FIRST;
}
static inline bool nsid_is_adopted(int nsid)
{
	return nsid >= NSID_ADOPTED_FIRST;
}

/* Makes /run/netns as `ip netns add` does: 0755, its flock, recursive shared bind; idempotent. */
int netns_prepare_directory(struct error *err);

/* Refuses when /proc/self/ns/mnt is not /proc/1/ns/mnt: names made in a private mount namespace are
 * invisible to everybody else (SEED A1). -EXDEV with what to do. */
int netns_check_mount_namespace(struct error *err);

/* fd of the calling thread's network namespace. */
int netns_open_self(int *ret_fd, struct error *err);
/* Moves the calling *thread* to a new, empty namespace and returns its fd. */
int netns_create(int *ret_fd, struct error *err);
int netns_enter(int ns_fd, struct error *err); /* setns() of the calling thread */

enum netns_name_state {
	NETNS_NAME_ABSENT,
	NETNS_NAME_NAMESPACE, /* a live network namespace */
	NETNS_NAME_LEFTOVER,  /* empty plain file without mount: a crashed `ip netns add`, or a name
				 whose mount is elsewhere */
	NETNS_NAME_FOREIGN    /* directory, other mount, link, file with content */
};
/* What stands under the name; *ret_fd is an open ns fd for NAMESPACE, else -1. NULL is allowed. */
int netns_probe(const char *name, enum netns_name_state *ret, int *ret_fd, struct error *err);

/* Publishes the namespace under the name, and verifies (same device and inode). Never replaces:
 * -EEXIST with what is there; a LEFTOVER is reused as mount target. Needs netns_prepare_directory()
 * once before. Leaves nothing behind on failure. */
int netns_name(int ns_fd, const char *name, struct error *err);
/* umount and unlink. -ENOENT is success. -EINVAL when it is neither namespace nor leftover, -EBUSY when
 * another mount lies beneath. `ns_fd` >= 0: only when the name still is that namespace (-ESTALE else). */
int netns_unname(const char *name, int ns_fd, struct error *err);

bool netns_same(int fd_a, int fd_b); /* by device and inode of open fds */
int netns_dup(int ns_fd);	     /* CLOEXEC; -errno */
int netns_stat(int ns_fd, uint64_t *ret_dev, uint64_t *ret_ino);

/* Calls fn for each name in /run/netns, unsorted, any bytes. Missing directory: none. */
int netns_list(int (*fn)(const char *name, void *data), void *data, struct error *err);

/* Processes whose network namespace this is (by /proc/PID/ns/net); at most `max`. */
int netns_holders(int ns_fd, pid_t *pids, size_t max, size_t *ret_n);

/* Writes /proc/sys/PATH in the calling thread's namespace. PATH begins with "net/". */
int netns_sysctl_write(const char *path, const char *value, struct error *err);
int netns_sysctl_read(const char *path, char *ret, size_t size, struct error *err);

/* /etc/netns/NAME/resolv.conf, ours only when its first line is NETNS_FILE_MARK. Written
 * atomically. `content` is the whole file and begins with that line (-EINVAL else), as does what
 * netns_resolv_read() returns of ours. -EEXIST when somebody else's file is there. */
#define NETNS_FILE_MARK "# Managed by netnsd; changes are lost. Remove this line to keep the file."
int netns_resolv_write(const char *name, const char *content, struct error *err);
int netns_resolv_read(const char *name, char **ret, bool *ret_ours, struct error *err); /* -ENOENT */
int netns_resolv_remove(const char *name, struct error *err); /* only ours; empty directory too */
/* Calls fn for each name whose file is ours. */
int netns_resolv_list(int (*fn)(const char *name, void *data), void *data);

#endif
