/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces by descriptor: make, enter, compare; and the directory that holds the names,
 * laid out as `ip netns add` does it, so that both work beside each other.
 */
#include "netns.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_PATIENCE_MS 10000
#define LOCK_STEP_MS	 10

/* flock() on the directory, as iproute2 takes it. Anybody may open the directory and sit on the
 * lock, so it is not waited for without end. */
static int lock_directory(int fd, struct error *err)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	for (int waited = 0;; waited += LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set(err, -errno, "Cannot lock %s: %s", NETNS_DIRECTORY, strerror(errno));
		if (waited >= LOCK_PATIENCE_MS)
			return error_set(
				err, -EBUSY,
				"Another process has held the lock on %s for %d seconds; see `lslocks`",
				NETNS_DIRECTORY, LOCK_PATIENCE_MS / 1000);
		(void)nanosleep(&step, NULL);
	}
}

static int share(void)
{
	return mount("", NETNS_DIRECTORY, "none", MS_SHARED | MS_REC, NULL) < 0 ? -errno : 0;
}

int netns_prepare_directory(struct error *err)
{
	_cleanup_close_ int fd = -1;
	int e;

	if (mkdir(NETNS_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return error_set(err, -errno, "Cannot create %s: %s", NETNS_DIRECTORY, strerror(errno));
	/* Harmless to repeat, so no lock as long as it is a mount point already. */
	e = share();
	if (e == -EINVAL) {
		fd = open(NETNS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, -errno, "Cannot open %s: %s", NETNS_DIRECTORY, strerror(errno));
		e = lock_directory(fd, err);
		if (e < 0)
			return e;
		e = share(); /* somebody else may have been first */
	}
	if (e == -EINVAL) {
		if (mount(NETNS_DIRECTORY, NETNS_DIRECTORY, "none", MS_BIND | MS_REC, NULL) < 0)
			return error_set(err, -errno, "Cannot mount %s on itself: %s", NETNS_DIRECTORY,
					 strerror(errno));
		e = share();
	}
	if (e < 0)
		return error_set(err, e, "Cannot make the mounts of %s shared: %s", NETNS_DIRECTORY,
				 strerror(-e));
	return 0;
}

int netns_check_mount_namespace(struct error *err)
{
	struct stat own, first;

	if (stat("/proc/self/ns/mnt", &own) < 0)
		return error_set(err, -errno, "Cannot look at /proc/self/ns/mnt: %s; /proc must be mounted",
				 strerror(errno));
	if (stat("/proc/1/ns/mnt", &first) < 0) {
		if (errno == EACCES || errno == EPERM)
			return error_set(
				err, -errno,
				"Cannot look at /proc/1/ns/mnt: %s; start as root with CAP_SYS_PTRACE",
				strerror(errno));
		return error_set(err, -errno, "Cannot look at /proc/1/ns/mnt: %s", strerror(errno));
	}
	if (own.st_dev != first.st_dev || own.st_ino != first.st_ino)
		return error_set(
			err, -EXDEV,
			"This process is in a mount namespace of its own, so names made in %s would be "
			"invisible to everybody else; remove PrivateTmp=, ProtectSystem=, "
			"PrivateNetwork= and the like from its unit",
			NETNS_DIRECTORY);
	return 0;
}

int netns_open_self(int *ret_fd, struct error *err)
{
	/* The thread's, not the process's: workers differ from the loop. */
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set(err, -errno, "Cannot open /proc/thread-self/ns/net: %s", strerror(errno));
	*ret_fd = fd;
	return 0;
}

int netns_create(int *ret_fd, struct error *err)
{
	if (unshare(CLONE_NEWNET) < 0)
		return error_set(err, -errno, "Cannot create a network namespace: %s", strerror(errno));
	return netns_open_self(ret_fd, err);
}

int netns_enter(int ns_fd, struct error *err)
{
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		return error_set(err, -errno, "Cannot enter the network namespace: %s", strerror(errno));
	return 0;
}

int netns_dup(int ns_fd)
{
	int fd = fcntl(ns_fd, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

int netns_stat(int ns_fd, uint64_t *ret_dev, uint64_t *ret_ino)
{
	struct stat st;

	if (fstat(ns_fd, &st) < 0)
		return -errno;
	*ret_dev = st.st_dev;
	*ret_ino = st.st_ino;
	return 0;
}

bool netns_same(int fd_a, int fd_b)
{
	struct stat a, b;

	return fstat(fd_a, &a) == 0 && fstat(fd_b, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
