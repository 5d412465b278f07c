/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces and their names against the real kernel: published in one piece, never stolen, nothing
 * left behind when it fails, and iproute2 at home beside us.
 */
#include "lib_kernel.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int forked(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int check_without_ptrace(void)
{
	const cap_value_t drop[] = {CAP_SYS_PTRACE};
	cap_t caps = cap_get_proc();
	struct error err = {0};
	int e;

	if (!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, drop, CAP_CLEAR) < 0 ||
	    cap_set_flag(caps, CAP_PERMITTED, 1, drop, CAP_CLEAR) < 0 || cap_set_proc(caps) < 0)
		return 3;
	cap_free(caps);
	e = netns_check_mount_namespace(&err);
	if (e == -EACCES || e == -EPERM)
		return strstr(err.text, "CAP_SYS_PTRACE") ? 0 : 1;
	return 2;
}

static int check_in_private_mounts(void)
{
	struct error err = {0};

	if (unshare(CLONE_NEWNS) < 0)
		return 3;
	if (netns_check_mount_namespace(&err) != -EXDEV)
		return 1;
	return strstr(err.text, "PrivateTmp=") ? 0 : 2;
}

/* PID 1 of a PID namespace of our own: whatever the machine's PID 1 lets us look at. */
static int check_as_first(void)
{
	struct error err = {0};

	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		return 10;
	if (netns_check_mount_namespace(&err) != 0)
		return 11;
	if (forked(check_in_private_mounts) != 0)
		return 12;
	return forked(check_without_ptrace) == 0 ? 0 : 13;
}

static int enter_pid_namespace(void)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		return 20;
	return forked(check_as_first);
}

static void test_mount_namespace(void **state)
{
	(void)state;
	assert_int_equal(forked(enter_pid_namespace), 0);
}

static void *prepare_in_thread(void *data)
{
	struct error err = {0};

	(void)data;
	return (void *)(intptr_t)netns_prepare_directory(&err);
}

static void test_prepare(void **state)
{
	pthread_t threads[8];
	struct error err;
	struct stat st;
	void *result;

	(void)state;
	/* Eight at once must not stack mounts: that is what the lock is for. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, prepare_in_thread, NULL), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal((intptr_t)result, 0);
	}
	assert_int_equal(count_mounts(" /run/netns ", "tmpfs"), 1);
	assert_int_equal(count_mounts(" /run/netns ", "shared:"), 1);
	assert_ok(netns_prepare_directory(&err), &err);
	assert_int_equal(count_mounts(" /run/netns ", ""), 1);
	assert_int_equal(stat("/run/netns", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void *hold_lock(void *data)
{
	int fd = *(int *)data;

	usleep(150000);
	(void)flock(fd, LOCK_UN);
	return NULL;
}

static void test_prepare_waits_for_the_lock(void **state)
{
	struct error err;
	pthread_t thread;
	double start;
	int fd;

	(void)state;
	/* A directory that is a mount point already needs no lock, whoever sits on it. */
	fd = open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	start = now_us();
	assert_ok(netns_prepare_directory(&err), &err);
	assert_true(now_us() - start < 100000);
	close(fd);
	assert_int_equal(umount2("/run/netns", MNT_DETACH), 0);
	fd = open("/run/netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_lock, &fd), 0);
	start = now_us();
	assert_ok(netns_prepare_directory(&err), &err);
	assert_true(now_us() - start > 100000);
	pthread_join(thread, NULL);
	close(fd);
	assert_int_equal(count_mounts(" /run/netns ", ""), 1);
}

static int new_fd(void)
{
	struct error err;
	int fd;

	assert_ok(netns_create(&fd, &err), &err);
	return fd;
}

static enum netns_name_state probe(const char *name)
{
	enum netns_name_state s = NETNS_NAME_FOREIGN;
	struct error err;

	assert_ok(netns_probe(name, &s, NULL, &err), &err);
	return s;
}

static int remember_name(const char *name, void *data)
{
	char *names = data;

	strcat(names, name);
	strcat(names, " ");
	return 0;
}

static void test_name_and_unname(void **state)
{
	enum netns_name_state s;
	char names[256] = "";
	int fd = new_fd(), found = -1;
	uint64_t dev, ino;
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(probe("one"), NETNS_NAME_ABSENT);
	assert_ok(netns_name(fd, "one", &err), &err);
	assert_int_equal(count_mounts(" /run/netns/one ", "nsfs"), 1);
	assert_ok(netns_probe("one", &s, &found, &err), &err);
	assert_int_equal(s, NETNS_NAME_NAMESPACE);
	assert_true(netns_same(fd, found));
	assert_int_equal(fcntl(found, F_GETFD), FD_CLOEXEC);
	assert_int_equal(netns_stat(found, &dev, &ino), 0);
	assert_int_equal(stat("/run/netns/one", &st), 0);
	assert_int_equal(st.st_ino, ino);
	assert_int_equal(st.st_dev, dev);
	assert_ok(netns_enter(found, &err), &err);
	close(found);
	assert_ok(netns_list(remember_name, names, &err), &err);
	assert_string_equal(names, "one ");
	/* Named twice: never replaces. */
	found = new_fd();
	assert_int_equal(netns_name(found, "one", &err), -EEXIST);
	assert_non_null(strstr(err.text, "Adopt=yes"));
	assert_int_equal(stat("/run/netns/one", &st), 0);
	assert_int_equal(st.st_ino, ino);
	/* Withdrawn only when it is still the one. */
	assert_int_equal(netns_unname("one", found, &err), -ESTALE);
	assert_int_equal(probe("one"), NETNS_NAME_NAMESPACE);
	assert_ok(netns_unname("one", fd, &err), &err);
	assert_int_equal(probe("one"), NETNS_NAME_ABSENT);
	assert_int_equal(count_mounts("/run/netns/one", ""), 0);
	assert_ok(netns_unname("one", fd, &err), &err); /* gone is gone */
	close(fd);
	close(found);
}

static void put_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static void check_foreign(const char *name, const char *what)
{
	int fd = new_fd();
	struct error err;
	struct stat before, after;
	char path[64];

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(probe(name), NETNS_NAME_FOREIGN);
	assert_int_equal(netns_name(fd, name, &err), -EEXIST);
	assert_non_null(strstr(err.text, what));
	assert_int_equal(netns_unname(name, -1, &err), -EINVAL);
	assert_non_null(strstr(err.text, what));
	assert_int_equal(lstat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_dev, after.st_dev);
	close(fd);
}

static void test_foreign_things_are_left_alone(void **state)
{
	(void)state;
	assert_int_equal(mkdir("/run/netns/dir", 0700), 0);
	check_foreign("dir", "a directory");
	assert_int_equal(symlink("/dev/null", "/run/netns/link"), 0);
	check_foreign("link", "a symbolic link");
	put_file("/run/netns/full", "x");
	check_foreign("full", "a file with content");
	assert_int_equal(mkfifo("/run/netns/fifo", 0600), 0);
	check_foreign("fifo", "a special file"); /* and it is not opened: that would hang */
	put_file("/run/empty", "");
	put_file("/run/netns/bound", "");
	assert_int_equal(mount("/run/empty", "/run/netns/bound", NULL, MS_BIND, NULL), 0);
	check_foreign("bound", "a mount that is no namespace");
	put_file("/run/netns/uts", "");
	assert_int_equal(mount("/proc/self/ns/uts", "/run/netns/uts", NULL, MS_BIND, NULL), 0);
	check_foreign("uts", "a namespace of another type");
	assert_int_equal(umount2("/run/netns/uts", 0), 0);
	assert_int_equal(umount2("/run/netns/bound", 0), 0);
	unlink("/run/netns/uts");
	unlink("/run/netns/bound");
	unlink("/run/netns/fifo");
	unlink("/run/netns/full");
	unlink("/run/netns/link");
	rmdir("/run/netns/dir");
}

static void test_bad_names(void **state)
{
	static const char *const names[] = {"", ".", "..", "a/b", "/", "../x"};
	int fd = new_fd(), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char longest[257];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(netns_name(fd, names[i], &err), -EINVAL);
		assert_int_equal(netns_unname(names[i], -1, &err), -EINVAL);
		assert_int_equal(netns_probe(names[i], NULL, NULL, &err), -EINVAL);
	}
	memset(longest, 'x', 256);
	longest[256] = '\0';
	assert_int_equal(netns_name(fd, longest, &err), -EINVAL);
	longest[255] = '\0';
	assert_ok(netns_name(fd, longest, &err), &err);
	assert_ok(netns_unname(longest, fd, &err), &err);
	assert_int_equal(netns_name(null, "null", &err), -EINVAL); /* no namespace */
	assert_int_equal(probe("null"), NETNS_NAME_ABSENT);
	close(null);
	close(fd);
}

static void test_leftover_is_reused(void **state)
{
	int fd = new_fd();
	struct error err;
	struct stat before, after;

	(void)state;
	put_file("/run/netns/left", "");
	assert_int_equal(stat("/run/netns/left", &before), 0);
	assert_int_equal(probe("left"), NETNS_NAME_LEFTOVER);
	assert_ok(netns_name(fd, "left", &err), &err);
	assert_int_equal(probe("left"), NETNS_NAME_NAMESPACE);
	assert_int_equal(umount2("/run/netns/left", MNT_DETACH), 0);
	assert_int_equal(stat("/run/netns/left", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* the same file, not a new one */
	assert_ok(netns_unname("left", -1, &err), &err);
	assert_int_equal(probe("left"), NETNS_NAME_ABSENT);
	close(fd);
}

/* `ip netns add` between its open() and its mount(). */
static pthread_barrier_t add_at_work;

static void *finish_add(void *data)
{
	bool unshared = unshare(CLONE_NEWNET) == 0;

	(void)pthread_barrier_wait(&add_at_work);
	(void)pthread_barrier_wait(&add_at_work); /* the file is young */
	usleep(20000); /* so that the other side gets to see the file; the outcome does not depend on it */
	assert_true(unshared);
	assert_int_equal(mount("/proc/thread-self/ns/net", data, "none", MS_BIND, NULL), 0);
	return NULL;
}

static void test_add_at_work_is_no_leftover(void **state)
{
	int fd = new_fd(), found;
	pthread_t thread;
	struct error err;

	(void)state;
	put_file("/run/netns/busy", "");
	assert_int_equal(pthread_barrier_init(&add_at_work, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, finish_add, (char[]){"/run/netns/busy"}), 0);
	(void)pthread_barrier_wait(&add_at_work);
	assert_int_equal(chmod("/run/netns/busy", 0), 0); /* now, however long the thread took */
	(void)pthread_barrier_wait(&add_at_work);
	assert_int_equal(netns_name(fd, "busy", &err), -EEXIST);
	pthread_join(thread, NULL);
	assert_int_equal(count_mounts(" /run/netns/busy ", "nsfs"), 1);
	assert_ok(netns_probe("busy", NULL, &found, &err), &err);
	assert_false(netns_same(fd, found));
	assert_ok(netns_unname("busy", found, &err), &err);
	close(found);
	close(fd);
}

static void test_stacked_mounts(void **state)
{
	int fd = new_fd();
	struct error err;

	(void)state;
	assert_ok(netns_name(fd, "stack", &err), &err);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mount("/proc/thread-self/ns/net", "/run/netns/stack", "none", MS_BIND, NULL),
				 0);
	assert_int_equal(count_mounts(" /run/netns/stack ", "nsfs"), 4);
	assert_ok(netns_unname("stack", fd, &err), &err);
	assert_int_equal(probe("stack"), NETNS_NAME_ABSENT);
	/* Another namespace beneath is somebody else's. */
	assert_ok(netns_name(fd, "stack", &err), &err);
	close(fd);
	fd = new_fd();
	assert_int_equal(mount("/proc/thread-self/ns/net", "/run/netns/stack", "none", MS_BIND, NULL), 0);
	assert_int_equal(netns_unname("stack", fd, &err), -ESTALE);
	assert_int_equal(count_mounts(" /run/netns/stack ", "nsfs"), 1);
	assert_ok(netns_unname("stack", -1, &err), &err);
	close(fd);
}

static int ro_and_full(void)
{
	struct error err = {0};
	int fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) < 0)
		return 1;
	if (netns_create(&fd, &err) < 0)
		return 2;
	/* Full: one inode for the root, none for the name. */
	if (mount("t", "/run/netns", "tmpfs", 0, "nr_inodes=1") < 0)
		return 3;
	if (netns_name(fd, "x", &err) != -ENOSPC || !strstr(err.text, "/run/netns/x"))
		return 4;
	if (mount("t", "/run/netns", "tmpfs", MS_RDONLY, "") < 0)
		return 5;
	if (netns_name(fd, "x", &err) != -EROFS)
		return 6;
	if (umount2("/run/netns", MNT_DETACH) < 0 || umount2("/run/netns", MNT_DETACH) < 0)
		return 7;
	return 0;
}

static int without_sys_admin(void)
{
	const cap_value_t drop[] = {CAP_SYS_ADMIN};
	struct error err = {0};
	int fd = -1;
	cap_t caps;

	if (netns_create(&fd, &err) < 0)
		return 1;
	caps = cap_get_proc();
	if (!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, drop, CAP_CLEAR) < 0 || cap_set_proc(caps) < 0)
		return 2;
	cap_free(caps);
	/* The file can be made, the mount cannot: the file must go again. */
	if (netns_name(fd, "denied", &err) != -EPERM)
		return 3;
	return access("/run/netns/denied", F_OK) == 0 ? 4 : 0;
}

static void test_failures_leave_nothing(void **state)
{
	(void)state;
	assert_int_equal(forked(ro_and_full), 0);
	assert_int_equal(forked(without_sys_admin), 0);
	assert_int_equal(probe("denied"), NETNS_NAME_ABSENT);
}

/* --- many at once --- */

#define BURST 100

static void *burst(void *data)
{
	const int first = *(const int *)data;
	struct error err = {0};
	char name[16];

	for (int i = 0; i < BURST; i++) {
		int fd = -1;

		(void)snprintf(name, sizeof(name), "b%d", first + i);
		if (netns_create(&fd, &err) < 0 || netns_name(fd, name, &err) < 0)
			return (void *)1;
		close(fd);
	}
	return NULL;
}

static void test_burst(void **state)
{
	int first[] = {0, BURST};
	char names[8192] = "";
	pthread_t threads[2];
	struct error err;
	double start, t;
	void *result;

	(void)state;
	start = now_us();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, burst, &first[i]), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	t = now_us() - start;
	assert_int_equal(count_mounts(" /run/netns/b", "nsfs"), 2 * BURST);
	for (int i = 0; i < 2 * BURST; i++) {
		(void)snprintf(names, sizeof(names), "b%d", i);
		assert_ok(netns_unname(names, -1, &err), &err);
	}
	print_message("%d namespaces made and named by two threads: %.0f us each\n", 2 * BURST,
		      t / (2 * BURST));
	names[0] = '\0';
	assert_ok(netns_list(remember_name, names, &err), &err);
	assert_string_equal(names, "");
}

static void test_name_is_cheap(void **state)
{
	int fd = new_fd();
	struct error err;
	double best = 1e9;

	(void)state;
	for (int i = 0; i < 200; i++) {
		double start = now_us(), t;

		assert_ok(netns_name(fd, "cheap", &err), &err);
		t = now_us() - start;
		best = t < best ? t : best;
		assert_ok(netns_unname("cheap", fd, &err), &err);
	}
	print_message("netns_name: %.1f us at best\n", best);
	close(fd);
}

/* --- iproute2 --- */

static int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void test_iproute2(void **state)
{
	int fd = new_fd();
	struct error err;

	(void)state;
	if (shell("command -v ip >/dev/null") != 0) {
		print_message("skipped: iproute2 is not installed\n");
		close(fd);
		skip();
	}
	assert_ok(netns_name(fd, "ours", &err), &err);
	assert_int_equal(shell("ip netns list | grep -q '^ours'"), 0);
	assert_int_equal(shell("ip netns exec ours true"), 0);
	assert_int_equal(shell("test \"$(ip netns identify $$)\" = ours"), 0); /* children are inside */
	assert_int_equal(shell("ip netns add ours 2>/dev/null"), 1);	       /* EEXIST for it too */
	assert_int_equal(shell("ip netns del ours"), 0);
	assert_int_equal(probe("ours"), NETNS_NAME_ABSENT);
	assert_int_equal(shell("ip netns add theirs"), 0);
	assert_int_equal(probe("theirs"), NETNS_NAME_NAMESPACE);
	assert_int_equal(netns_name(fd, "theirs", &err), -EEXIST);
	assert_ok(netns_unname("theirs", -1, &err), &err);
	assert_int_equal(count_mounts(" /run/netns ", ""), 1);
	close(fd);
}

/* --- who is inside --- */

static void test_holders(void **state)
{
	int fd = new_fd(), empty;
	pid_t pids[4] = {0}, child;
	size_t n = 99;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	empty = new_fd(); /* we ourselves are elsewhere from now on */
	assert_int_equal(netns_holders(fd, pids, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], child);
	assert_int_equal(netns_holders(fd, pids, 0, &n), 0);
	assert_int_equal(n, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(netns_holders(fd, pids, 4, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(netns_holders(empty, pids, 4, &n), 0);
	assert_int_equal(n, 1); /* this process */
	assert_int_equal(netns_holders(-1, pids, 4, &n), -EBADF);
	close(fd);
	close(empty);
}

/* --- sysctls --- */

static void test_sysctl(void **state)
{
	static const char *const bad[] = {"kernel/hostname",
					  "net",
					  "net/",
					  "net//ipv4",
					  "net/../kernel/hostname",
					  "/net/ipv4/ip_forward",
					  "net/ipv4/./ip_forward"};
	char value[32];
	struct error err;
	int a = new_fd(), b;

	(void)state;
	assert_ok(netns_sysctl_write("net/ipv4/ip_forward", "1", &err), &err);
	assert_ok(netns_sysctl_read("net/ipv4/ip_forward", value, sizeof(value), &err), &err);
	assert_string_equal(value, "1"); /* without the newline */
	b = new_fd();
	assert_ok(netns_sysctl_read("net/ipv4/ip_forward", value, sizeof(value), &err), &err);
	assert_string_equal(value, "0"); /* the other namespace's own */
	assert_ok(netns_enter(a, &err), &err);
	assert_ok(netns_sysctl_read("net/ipv4/ip_forward", value, sizeof(value), &err), &err);
	assert_string_equal(value, "1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(netns_sysctl_write(bad[i], "1", &err), -EINVAL);
		assert_int_equal(netns_sysctl_read(bad[i], value, sizeof(value), &err), -EINVAL);
	}
	assert_int_equal(netns_sysctl_write("net/ipv4/no_such", "1", &err), -ENOENT);
	assert_string_equal(err.text, "There is no sysctl net/ipv4/no_such in this namespace");
	assert_int_equal(netns_sysctl_write("net/ipv4/ip_default_ttl", "many", &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"many\""));
	assert_int_equal(netns_sysctl_read("net/ipv4/ip_forward", value, 1, &err), -ENOBUFS);
	close(a);
	close(b);
}

/* --- resolv.conf --- */

#define RESOLV_CONF NETNS_FILE_MARK "\nnameserver 10.0.0.1\n"

static void check_resolv(const char *expected, bool expected_ours)
{
	char *text = NULL;
	struct error err;
	bool ours = !expected_ours;

	assert_ok(netns_resolv_read("r", &text, &ours, &err), &err);
	assert_string_equal(text, expected);
	assert_int_equal(ours, expected_ours);
	free(text);
}

static void test_resolv(void **state)
{
	struct error err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(netns_resolv_read("r", NULL, NULL, &err), -ENOENT);
	assert_ok(netns_resolv_remove("r", &err), &err);
	assert_int_equal(netns_resolv_write("r", "nameserver 10.0.0.1\n", &err), -EINVAL); /* no mark */
	umask(077);
	assert_ok(netns_resolv_write("r", RESOLV_CONF, &err), &err);
	umask(022);
	assert_int_equal(stat("/etc/netns/r/resolv.conf", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	check_resolv(RESOLV_CONF, true);
	/* Replaced atomically: a new inode. */
	assert_ok(netns_resolv_write("r", NETNS_FILE_MARK "\n", &err), &err);
	check_resolv(NETNS_FILE_MARK "\n", true);
	assert_ok(netns_resolv_remove("r", &err), &err);
	assert_int_equal(access("/etc/netns/r", F_OK), -1); /* the empty directory too */
	assert_int_equal(netns_resolv_write("../r", RESOLV_CONF, &err), -EINVAL);
}

static void test_resolv_of_somebody_else(void **state)
{
	struct error err;

	(void)state;
	assert_ok(netns_resolv_write("r", RESOLV_CONF, &err), &err);
	put_file("/etc/netns/r/hosts", "");
	assert_int_equal(unlink("/etc/netns/r/resolv.conf"), 0);
	put_file("/etc/netns/r/resolv.conf", "nameserver 10.0.0.9\n");
	assert_int_equal(netns_resolv_write("r", RESOLV_CONF, &err), -EEXIST);
	check_resolv("nameserver 10.0.0.9\n", false);
	assert_ok(netns_resolv_remove("r", &err), &err); /* left alone */
	check_resolv("nameserver 10.0.0.9\n", false);
	/* The mark must be the whole line. */
	assert_int_equal(unlink("/etc/netns/r/resolv.conf"), 0);
	put_file("/etc/netns/r/resolv.conf", NETNS_FILE_MARK "!\n");
	assert_int_equal(netns_resolv_write("r", RESOLV_CONF, &err), -EEXIST);
	/* A link is never followed. */
	assert_int_equal(unlink("/etc/netns/r/resolv.conf"), 0);
	put_file("/run/target", NETNS_FILE_MARK "\n");
	assert_int_equal(symlink("/run/target", "/etc/netns/r/resolv.conf"), 0);
	assert_int_equal(netns_resolv_write("r", RESOLV_CONF, &err), -EEXIST);
	check_resolv("", false);
	assert_int_equal(unlink("/etc/netns/r/resolv.conf"), 0);
	/* The remains of a crash are in nobody's way. */
	put_file("/etc/netns/r/.resolv.conf.netnsd", "half a fi");
	assert_ok(netns_resolv_write("r", RESOLV_CONF, &err), &err);
	assert_ok(netns_resolv_remove("r", &err), &err);
	assert_int_equal(access("/etc/netns/r/hosts", F_OK), 0);
}

static size_t fds_before;

static void test_no_descriptor_is_lost(void **state)
{
	(void)state;
	assert_int_equal(count_fds(), fds_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mount_namespace),
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_prepare_waits_for_the_lock),
		cmocka_unit_test(test_name_and_unname),
		cmocka_unit_test(test_foreign_things_are_left_alone),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_leftover_is_reused),
		cmocka_unit_test(test_add_at_work_is_no_leftover),
		cmocka_unit_test(test_stacked_mounts),
		cmocka_unit_test(test_failures_leave_nothing),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_name_is_cheap),
		cmocka_unit_test(test_iproute2),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_resolv),
		cmocka_unit_test(test_resolv_of_somebody_else),
		cmocka_unit_test(test_no_descriptor_is_lost),
	};

	sandbox_enter();
	fds_before = count_fds();
	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
