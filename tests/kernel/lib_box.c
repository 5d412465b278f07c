/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The busybox in a box.
 */
#include "lib_box.h"
#include "lib_kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BUSYBOX	    "/bin/busybox"
#define DEADLINE_MS 30000

static pid_t running[8];

void box_prepare(void)
{
	if (access(BUSYBOX, X_OK) < 0)
		skip_all("needs " BUSYBOX ", statically linked");
	if (mkdir("/run/root", 0755) < 0)
		skip_all("cannot make /run/root: %s", strerror(errno));
}

/* Its init. */
static void be_box(unsigned traits, int mapped, int ready) __attribute__((noreturn));
static void be_box(unsigned traits, int mapped, int ready)
{
	char *const argv[] = {"sleep", "10000", NULL};
	char *const environment[] = {"PATH=/applets", "container=test", "SECRET=of-init", "LANG=C.UTF-8",
				     NULL};
	char byte;

	INSIDE(read(mapped, &byte, 1) == 0); /* the map of its users is there */
	INSIDE(!(traits & BOX_OWN_USERS) || (setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0));
	INSIDE(mount("root", "/run/root", "tmpfs", 0, "mode=0755") == 0);
	INSIDE(chdir("/run/root") == 0 && mkdir("applets", 0755) == 0 && mkdir("proc", 0755) == 0 &&
	       mkdir("bin", 0755) == 0 && mkdir("root", 0700) == 0);
	INSIDE(close(open("bin/busybox", O_CREAT | O_WRONLY | O_CLOEXEC, 0755)) == 0);
	INSIDE(close(open("applets/not-executable", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0);
	INSIDE(mount(BUSYBOX, "bin/busybox", NULL, MS_BIND, NULL) == 0);
	INSIDE(mkdir("dev", 0755) == 0 && close(open("dev/null", O_CREAT | O_WRONLY | O_CLOEXEC, 0666)) == 0);
	INSIDE(mount("/dev/null", "dev/null", NULL, MS_BIND, NULL) == 0);
	INSIDE(mount("proc", "proc", "proc", 0, NULL) == 0);
	INSIDE(chroot(".") == 0 && sethostname("inside", 6) == 0);
	for (size_t i = 0; i < 16; i++) {
		static const char *const applets[] = {"sh",   "sleep", "cat",	"ls",	 "id",	 "hostname",
						      "grep", "kill",  "touch", "env",	 "sort", "readlink",
						      "pwd",  "seq",   "true",	"printf"};
		char path[64];

		(void)snprintf(path, sizeof(path), "/applets/%s", applets[i]);
		INSIDE(symlink("/bin/busybox", path) == 0);
	}
	INSIDE(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME) == 0 && prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE) == 0);
	INSIDE(!(traits & BOX_NO_NEW_PRIVS) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	INSIDE(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); /* when a test fails */
	(void)ready;				       /* closed by the exec */
	(void)execve("/bin/busybox", argv, environment);
	_exit(1);
}

static void map_users(pid_t pid)
{
	static const char *const files[] = {"uid_map", "gid_map"};
	char path[64], line[64];

	for (size_t i = 0; i < 2; i++) {
		int fd, n;

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		n = snprintf(line, sizeof(line), "0 %d 65536\n", BOX_USERS_FIRST);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, line, (size_t)n), n);
		(void)close(fd);
	}
}

static void remember(pid_t in_place_of, pid_t pid)
{
	for (size_t i = 0; i < sizeof(running) / sizeof(*running); i++)
		if (running[i] == in_place_of) {
			running[i] = pid;
			return;
		}
}

void box_stop_all(void)
{
	for (size_t i = 0; i < sizeof(running) / sizeof(*running); i++)
		if (running[i] > 0 && kill(running[i], SIGKILL) == 0) {
			(void)waitpid(running[i], NULL, 0);
			running[i] = 0;
		}
}

struct box box_start(unsigned traits)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC |
			      CLONE_NEWCGROUP | (traits & BOX_OWN_USERS ? CLONE_NEWUSER : 0);
	struct pollfd poll_for = {.events = POLLIN};
	int mapped[2], ready[2];
	struct box c;

	assert_int_equal(pipe2(mapped, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	c.pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		(void)close(mapped[1]);
		(void)close(ready[0]);
		be_box(traits, mapped[0], ready[1]);
	}
	(void)close(mapped[0]);
	(void)close(ready[1]);
	if (traits & BOX_OWN_USERS)
		map_users(c.pid);
	(void)close(mapped[1]);
	poll_for.fd = ready[0];
	assert_int_equal(poll(&poll_for, 1, DEADLINE_MS), 1);
	(void)close(ready[0]);
	c.pidfd = pidfd_open(c.pid, 0);
	assert_true(c.pidfd >= 0);
	assert_int_equal(waitpid(c.pid, NULL, WNOHANG), 0); /* it has not failed */
	remember(0, c.pid);
	return c;
}

void box_stop(struct box *c)
{
	remember(c->pid, 0);
	(void)kill(c->pid, SIGKILL);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	(void)close(c->pidfd);
}
