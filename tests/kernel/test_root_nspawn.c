/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real nspawn in a root that netnsd made: it runs, it has as much room as it was given, and what it
 * leaves when it is killed is swept.
 */
#include "lib_root.h"
#include "nspawn.h"

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

static void remove_cgroup(void)
{
	static const char *const groups[] = {"/payload", "/supervisor", ""};
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", cgroup, groups[i]);
		(void)rmdir(path);
	}
}

static void nspawn_sandbox_end(void)
{
	cgroup_kill();
	remove_cgroup();
	assert_false(is_there(cgroup));
	assert_int_equal(umount("/sys/fs/cgroup"), 0);
	assert_int_equal(umount2("/sys", MNT_DETACH), 0);
}

/* After a test that failed half-way: the machine must not keep it. */
static int group_end(void **state)
{
	(void)state;
	if (cgroup[0] && is_there(cgroup)) {
		cgroup_kill();
		remove_cgroup();
	}
	nspawn_probe_forget();
	return 0;
}

/* As the daemon does: the settings' own command line, the namespace as descriptor 3, in its cgroup. */
static pid_t nspawn(struct container_settings *c, const struct root *r, int netns, const char *script)
{
	char *parameters[] = {writable("/bin/sh"), writable("-c"), writable(script), NULL};
	struct nspawn_run run = {.root = r->path,
				 .netns_path = netns >= 0 ? "/proc/self/fd/3" : NULL,
				 .resolv_conf = netns >= 0 ? "/run/resolv.conf" : NULL,
				 .credentials_directory = r->credentials,
				 .credential_ids = r->credential_ids};
	char **argv = NULL, **environment = NULL, procs[128];
	struct error err = {0};
	pid_t pid;

	c->parameters = parameters;
	assert_ok(nspawn_probe(&run.features, &err), &err);
	assert_ok(nspawn_argv(c, &run, &argv, &err), &err);
	assert_int_equal(nspawn_environment(c, "/run/notify", &environment), 0);
	c->parameters = NULL;
	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(procs, O_WRONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1 || dup2(null, 0) < 0)
			_exit(99);
		if (netns >= 0 && (netns == 3 ? fcntl(3, F_SETFD, 0) : dup2(netns, 3)) < 0)
			_exit(97);
		(void)execve(argv[0], argv, environment);
		_exit(98);
	}
	strv_free(argv);
	strv_free(environment);
	return pid;
}

static void wait_for(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
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
	struct nspawn_argument shared = {.argument = writable("--bind=/run/shared"), .option = "--bind"};
	struct container_settings c = plain;
	struct root r;

	(void)state;
	nspawn_sandbox();
	make_lower(LOWER);
	add_busybox();
	c.ephemeral = true;
	c.directory = writable(LOWER);
	c.root_size_max = 8 * MIB;
	c.arguments = &shared;
	c.n_arguments = 1;
	r = prepare(&c);
	wait_for(nspawn(&c, &r, -1,
			"echo above >/file; dd if=/dev/zero of=/big bs=1M count=64 2>/run/shared/dd;"
			"echo $? >/run/shared/status; cat /file >/run/shared/file"));
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

/* A2: both options together, by descriptor: names, sysctls, capability and resolv.conf are the namespace's.
 * A7: all credentials. S60: the machine ID. Nothing of our environment. */
static void test_nspawn_inside(void **state)
{
	struct nspawn_argument shared = {.argument = writable("--bind=/run/shared"), .option = "--bind"};
	struct credential credentials[] = {
		{.id = writable("a b\\c"), .value = writable("one"), .length = 3},
		{.id = writable("two"), .value = writable("t\0wo"), .length = 4},
		{.id = writable("big"), .path = writable("/run/big")},
	};
	struct container_settings c = plain;
	char expected[64];
	const char *const lines[] = {
		"inside0 lo\n1\nnameserver 192.0.2.1\n", expected, "CapEff:\t00000000fcecbfff\n",
		"a b\\c 400 3\nbig 400 1048576\ntwo 400 4\n", "\n01234567-89ab-cdef-0123-456789abcdef\n"};
	struct space inside;
	struct stat st;
	const char *out;
	struct root r;

	(void)state;
	nspawn_sandbox();
	inside = space_new();
	bridge_create(&inside, "inside0");
	make_lower(LOWER);
	add_busybox();
	write_file("/run/resolv.conf", "nameserver 192.0.2.1\n", 0644);
	write_file("/run/big", "", 0600);
	assert_int_equal(truncate("/run/big", (off_t)MIB), 0);
	c.directory = writable(LOWER);
	c.ephemeral = true;
	c.machine_id = writable("0123456789abcdef0123456789abcdef");
	c.credentials = credentials;
	c.n_credentials = 3;
	c.arguments = &shared;
	c.n_arguments = 1;
	r = prepare(&c);
	assert_int_equal(setenv("LEAKS", "yes", 1), 0);
	wait_for(nspawn(
		&c, &r, inside.fd,
		"exec >/run/shared/out 2>&1; cd /sys/class/net; echo *; echo 1 "
		">/proc/sys/net/ipv4/ip_forward;"
		"cat /proc/sys/net/ipv4/ip_forward /etc/resolv.conf; busybox readlink /proc/self/ns/net;"
		"busybox grep CapEff /proc/self/status; cd $CREDENTIALS_DIRECTORY; busybox stat -c '%n %a "
		"%s' *;"
		"echo $container_uuid $LEAKS; busybox test -e /sys/fs/cgroup/cgroup.procs"));
	assert_int_equal(unsetenv("LEAKS"), 0);
	assert_int_equal(fstat(inside.fd, &st), 0);
	(void)snprintf(expected, sizeof(expected), "net:[%lu]\n", (unsigned long)st.st_ino);
	out = read_file("/run/shared/out");
	assert_non_null(out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(out, lines[i]))
			fail_msg("\"%s\" is not in: %s", lines[i], out);
	finish(&r, "c");
	space_close(&inside);
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
	struct nspawn_argument shared = {.argument = writable("--bind=/run/shared"), .option = "--bind"};
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
	c.arguments = &shared;
	c.n_arguments = 1;
	for (unsigned ephemeral = 0; ephemeral < 2; ephemeral++) {
		c.ephemeral = ephemeral;
		r = prepare(&c);
		(void)unlink("/run/shared/up");
		pid = nspawn(&c, &r, -1, "echo up >/run/shared/up; sleep 1000");
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
		root_test(test_nspawn_inside),
		root_test(test_nspawn_killed),
	};

	root_sandbox();
	return cmocka_run_group_tests(tests, NULL, group_end);
}
