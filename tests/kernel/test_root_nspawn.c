/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real nspawn in a root that netnsd made: it runs, it has as much room as it was given, and what it
 * leaves when it is killed is swept.
 */
#include "lib_root.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

/* --- the real nspawn -------------------------------------------------------------------------- */
static char cgroup[64];

static void nspawn_sandbox(void)
{
	if (access("/usr/bin/systemd-nspawn", X_OK) < 0 || access("/bin/busybox", X_OK) < 0) {
		print_message("needs systemd-nspawn and busybox-static\n");
		skip();
	}
	if (mount("s", "/sys", "sysfs", 0, NULL) < 0 ||
	    mount("c", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0) {
		print_message("no cgroup v2: %s\n", strerror(errno));
		skip();
	}
	(void)snprintf(cgroup, sizeof(cgroup), "/sys/fs/cgroup/netnsd-test-root-%d", getpid());
	assert_int_equal(mkdir(cgroup, 0755), 0);
}

/* Until nothing runs in it. */
static void cgroup_kill(void)
{
	const struct timespec t = {.tv_nsec = 1000000};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup);
	write_file(path, "1", 0200);
	(void)snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	for (unsigned i = 0; i < 10000 && !strstr(read_file(path), "populated 0"); i++)
		(void)nanosleep(&t, NULL);
	assert_non_null(strstr(read_file(path), "populated 0"));
}

static void nspawn_sandbox_end(void)
{
	static const char *const groups[] = {"/payload", "/supervisor", ""};
	char path[128];

	cgroup_kill();
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", cgroup, groups[i]);
		(void)rmdir(path);
	}
	assert_false(is_there(cgroup));
	assert_int_equal(umount("/sys/fs/cgroup"), 0);
	assert_int_equal(umount2("/sys", MNT_DETACH), 0);
}

static pid_t nspawn(const char *root, const char *script)
{
	char directory[128], procs[128];
	char *const argv[] = {writable("/usr/bin/systemd-nspawn"),
			      writable("--quiet"),
			      writable("--keep-unit"),
			      writable("--register=no"),
			      writable("--settings=no"),
			      writable("--console=read-only"),
			      writable("--link-journal=no"),
			      writable("--resolv-conf=off"),
			      writable("--kill-signal=SIGTERM"),
			      writable("--machine=c"),
			      writable("--bind=/run/shared"),
			      directory,
			      writable("--"),
			      writable("/bin/sh"),
			      writable("-c"),
			      writable(script),
			      NULL};
	char *const environment[] = {writable("PATH=/usr/bin:/bin"),
				     writable("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1"), NULL};
	pid_t pid;

	(void)snprintf(directory, sizeof(directory), "--directory=%s", root);
	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(procs, O_WRONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1 || dup2(null, 0) < 0)
			_exit(99);
		(void)execve(argv[0], argv, environment);
		_exit(98);
	}
	return pid;
}

static void add_busybox(void)
{
	static const char *const names[] = {"sh", "dd", "cat", "sleep"};
	char path[64];

	assert_int_equal(system("cp /bin/busybox " LOWER "/bin/busybox"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), LOWER "/bin/%s", names[i]);
		assert_int_equal(symlink("busybox", path), 0);
	}
	make_directory("/run/shared", 0755);
}

static void test_nspawn(void **state)
{
	struct container_settings c = plain;
	int status = -1;
	struct root r;
	pid_t pid;

	(void)state;
	nspawn_sandbox();
	make_lower(LOWER);
	add_busybox();
	c.ephemeral = true;
	c.directory = writable(LOWER);
	c.root_size_max = 8 * MIB;
	r = prepare(&c);
	pid = nspawn(r.path, "echo above >/file; dd if=/dev/zero of=/big bs=1M count=64 2>/run/shared/dd;"
			     "echo $? >/run/shared/status; cat /file >/run/shared/file");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(read_file("/run/shared/status"), "1\n");
	assert_non_null(strstr(read_file("/run/shared/dd"), "No space left on device"));
	assert_string_equal(read_file("/run/shared/file"), "above\n");
	assert_string_equal(read_file(ROOT "/file"), "above\n");
	assert_true(look_at(ROOT "/big").st_size <= (off_t)(8 * MIB));
	finish(&r, "c");
	assert_string_equal(read_file(LOWER "/file"), "below");
	assert_false(is_there(LOWER "/big"));
	nspawn_sandbox_end();
}

/* Names of what nspawn keeps while it runs. */
static size_t count_leftovers(void)
{
	FILE *f = popen("find /run/systemd/nspawn /run -maxdepth 2 \\( -path '*/locks/inode*' -o -name '.#*' "
			"-o -path '*/propagate/*' -o -path '*/unix-export/*' \\) -print | sort -u | wc -l",
			"re");
	size_t n = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &n), 1);
	(void)pclose(f);
	return n;
}

static void test_nspawn_killed(void **state)
{
	struct container_settings c = plain;
	const struct timespec t = {.tv_nsec = 1000000};
	struct root r;
	int status;
	pid_t pid;

	(void)state;
	nspawn_sandbox();
	make_lower(LOWER);
	add_busybox();
	c.directory = writable(LOWER);
	for (unsigned ephemeral = 0; ephemeral < 2; ephemeral++) {
		c.ephemeral = ephemeral;
		r = prepare(&c);
		(void)unlink("/run/shared/up");
		pid = nspawn(r.path, "echo up >/run/shared/up; sleep 1000");
		for (unsigned i = 0; i < 30000 && !is_there("/run/shared/up"); i++)
			(void)nanosleep(&t, NULL);
		assert_true(is_there("/run/shared/up"));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		cgroup_kill();
		assert_true(count_leftovers() >= 2); /* else the test has nothing to see */
		finish(&r, "c");
		assert_int_equal(count_leftovers(), 0);
	}
	nspawn_sandbox_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		root_test(test_nspawn),
		root_test(test_nspawn_killed),
	};

	root_sandbox();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
