/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots of containers against the real kernel: what is made, what is refused and with which words, and that
 * nothing stays, wherever it was killed.
 */
#include "lib_root.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* --- the skeleton ----------------------------------------------------------------------------- */
static void test_skeleton(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
	} rows[] = {
		{"", S_IFDIR | 0755},
		{"/etc", S_IFDIR | 0755},
		{"/var", S_IFDIR | 0755},
		{"/var/lib", S_IFDIR | 0755},
		{"/usr", S_IFDIR | 0755},
		{"/usr/bin", S_IFDIR | 0755},
		{"/root", S_IFDIR | 0700},
		{"/var/lib/private", S_IFDIR | 0700},
		{"/etc/os-release", S_IFREG | 0644},
		{"/etc/machine-id", S_IFREG | 0644},
	};
	mode_t mask = umask(0177);
	struct root r = prepare(&plain);
	struct statvfs v;

	(void)state;
	(void)umask(mask);
	assert_string_equal(r.path, ROOT);
	assert_null(r.credentials);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[128];
		struct stat st;

		(void)snprintf(path, sizeof(path), ROOT "%s", rows[i].path);
		st = look_at(path);
		if (st.st_mode != rows[i].mode || st.st_uid != 0 || st.st_gid != 0 ||
		    (S_ISREG(st.st_mode) && st.st_size != 0))
			fail_msg("%s has mode %o", path, st.st_mode);
	}
	assert_int_equal(look_at(CONTAINERS_DIRECTORY).st_mode, S_IFDIR | 0700);
	assert_int_equal(look_at("/run/netnsd").st_mode, S_IFDIR | 0755);
	assert_int_equal(look_at(BASE).st_mode, S_IFDIR | 0700);
	/* A su(1) and a device in a chroot work in there. */
	assert_int_equal(statvfs(ROOT, &v), 0);
	assert_int_equal(v.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY), 0);
	finish(&r, "c");
}

/* Writes until there is no more room; how much that was. */
static size_t fill(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	static char block[65536];
	size_t total = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = write(fd, block, sizeof(block))) > 0 && total < 64 * MIB)
		total += (size_t)n;
	assert_int_equal(n, -1);
	assert_int_equal(errno, ENOSPC);
	(void)close(fd);
	return total;
}

static void test_size(void **state)
{
	struct container_settings c = plain;
	struct root r;
	size_t n = 0;
	char path[64];

	(void)state;
	c.root_size_max = 8 * MIB;
	r = prepare(&c);
	n = fill(ROOT "/big");
	assert_true(n <= 8 * MIB && n > 7 * MIB);
	write_file("/run/there-is-room", "x", 0600);
	finish(&r, "c");
	/* Empty files take memory too. */
	r = prepare(&c);
	for (n = 0; n < 10000; n++) {
		(void)snprintf(path, sizeof(path), ROOT "/%zu", n);
		if (mknod(path, S_IFREG | 0600, 0) < 0)
			break;
	}
	assert_int_equal(errno, ENOSPC);
	assert_true(n > 1000 && n < 2100);
	finish(&r, "c");
}

/* --- the overlay ------------------------------------------------------------------------------ */
static void test_overlay(void **state)
{
	static const char odd[] = "/run/a:b,c\\d e";
	const char *const lowers[] = {LOWER, odd};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct container_settings c = plain, other = plain;
		struct root r, s;

		make_lower(lowers[i]);
		assert_int_equal(chown(lowers[i], 7, 8), 0);
		assert_int_equal(chmod(lowers[i], 01751), 0);
		c.ephemeral = other.ephemeral = true;
		c.directory = other.template = writable(lowers[i]);
		c.root_size_max = 4 * MIB;
		other.name = writable("d");
		r = prepare(&c);
		s = prepare(&other);
		assert_string_equal(r.path, ROOT);
		assert_int_equal(look_at(ROOT).st_mode, S_IFDIR | 01751);
		assert_int_equal(look_at(ROOT).st_uid, 7);
		assert_int_equal(look_at(ROOT).st_gid, 8);
		assert_string_equal(read_file(ROOT "/file"), "below");
		write_file(ROOT "/file", "above", 0644);
		assert_string_equal(read_file(CONTAINERS_DIRECTORY "/d/root/file"), "below");
		assert_int_equal(unlink(CONTAINERS_DIRECTORY "/d/root/file"), 0);
		assert_string_equal(read_file(ROOT "/file"), "above");
		assert_true(fill(ROOT "/big") <= 4 * MIB);
		finish(&s, "d");
		finish(&r, "c");
		/* Nothing of the run before. */
		r = prepare(&c);
		assert_string_equal(read_file(ROOT "/file"), "below");
		assert_false(is_there(ROOT "/big"));
		finish(&r, "c");
		(void)chdir(lowers[i]);
		assert_string_equal(read_file("file"), "below");
		assert_false(is_there("big"));
		(void)chdir("/");
	}
}

/* What a bind mount of the directory would not allow, the overlay does not either. */
static void test_overlay_attributes(void **state)
{
	struct container_settings c = plain;
	struct statvfs v;
	struct root r;

	(void)state;
	make_directory("/run/mnt", 0755);
	assert_int_equal(mount("m", "/run/mnt", "tmpfs", MS_NOSUID | MS_NODEV, NULL), 0);
	make_lower("/run/mnt/lower");
	c.ephemeral = true;
	c.directory = writable("/run/mnt/lower");
	r = prepare(&c);
	assert_int_equal(statvfs(ROOT, &v), 0);
	assert_int_equal(v.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC), ST_NOSUID | ST_NODEV);
	finish(&r, "c");
	assert_int_equal(umount("/run/mnt"), 0);
}

/* On a host /run is shared: what we mount must not stay in somebody else's mount namespace. */
static void test_private(void **state)
{
	struct container_settings c = plain;
	char line[4096];
	unsigned n = 0;
	struct root r;
	FILE *f;

	(void)state;
	make_lower(LOWER);
	c.ephemeral = true;
	c.directory = writable(LOWER);
	assert_int_equal(mount("", "/run", NULL, MS_SHARED, NULL), 0);
	r = prepare(&c);
	f = fopen("/proc/self/mountinfo", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, " " BASE)) {
			n++;
			assert_null(strstr(line, "shared:"));
		}
	(void)fclose(f);
	assert_int_equal(n, 3);
	finish(&r, "c");
	assert_int_equal(mount("", "/run", NULL, MS_PRIVATE, NULL), 0);
}

/* --- a directory as it is --------------------------------------------------------------------- */
static void test_directory(void **state)
{
	struct container_settings c = plain;
	struct root r;

	(void)state;
	make_lower(LOWER);
	c.directory = writable(LOWER "//");
	r = prepare(&c);
	assert_string_equal(r.path, LOWER "//");
	write_file(LOWER "/kept", "kept", 0600);
	/* A lock of an nspawn that was killed is no more; one that somebody holds is. */
	write_file("/run/.#lower.lck", "", 0600);
	finish(&r, "c");
	assert_string_equal(read_file(LOWER "/kept"), "kept");
	assert_false(is_there("/run/.#lower.lck"));
}

static void test_lock_in_use(void **state)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct container_settings c = plain;
	struct root r;
	int fd;

	(void)state;
	make_lower(LOWER);
	c.directory = writable(LOWER);
	r = prepare(&c);
	fd = open("/run/.#lower.lck", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
	finish(&r, "c");
	assert_true(is_there("/run/.#lower.lck"));
	(void)close(fd);
}

static void test_bad_roots(void **state)
{
	struct nspawn_argument pivot = {.argument = writable("--pivot-root=/x"), .option = "--pivot-root"};
	struct nspawn_argument bind = {.argument = writable("--bind=/x:/"), .option = "--bind"};
	static const struct {
		const char *path;
		bool boot;
		int error;
		const char *text;
	} rows[] = {
		{"/run/missing", false, -ENOENT,
		 "Directory=/run/missing: No such file or directory; install"},
		{"/run/empty", false, -ENOENT, "Directory=/run/empty is empty: install a system there"},
		{"/run/file", false, -ENOTDIR, "Directory=/run/file is not a directory; Image= is for files"},
		{"/run/file/x", false, -ENOTDIR, "Directory=/run/file/x: Not a directory"},
		{"/run/fifo", false, -ENOTDIR, "Directory=/run/fifo is not a directory"},
		{"/run/link", false, -ELOOP, "Directory=/run/link is a symbolic link (to /run/lower)"},
		{"/run/link/", false, -ELOOP, "Directory=/run/link/ is a symbolic link (to /run/lower)"},
		{"/run/away", false, -ELOOP, "Directory=/run/away is a symbolic link (to /nowhere)"},
		{"/proc/self/root", false, -ELOOP, "Directory=/proc/self/root is a symbolic link (to /)"},
		{"/proc/self/root/run/lower", false, -ELOOP, "Too many levels of symbolic links"},
		{"/run/no-usr", false, -ENOENT, "Directory=/run/no-usr has no directory usr"},
		/* Its usr leads to the host's, as seen from outside: inside there is none. */
		{"/run/out", false, -ENOENT, "Directory=/run/out has no directory usr"},
		{"/run/no-release", true, -ENOENT,
		 "Directory=/run/no-release has neither etc/os-release nor"},
		{"/run/no-release", false, 0, NULL},
		{"/run/lower", true, 0, NULL},
	};
	struct container_settings c = plain;
	struct root r;

	(void)state;
	make_lower(LOWER);
	make_directory("/run/empty", 0755);
	write_file("/run/file", "x", 0644);
	assert_int_equal(mkfifo("/run/fifo", 0600), 0);
	assert_int_equal(symlink(LOWER, "/run/link"), 0);
	assert_int_equal(symlink("/nowhere", "/run/away"), 0);
	make_directory("/run/no-usr", 0755);
	make_directory("/run/no-usr/etc", 0755);
	make_directory("/run/out", 0755);
	assert_int_equal(symlink("../../../run/lower", "/run/out/usr"), 0);
	make_directory("/run/no-release", 0755);
	make_directory("/run/no-release/usr", 0755);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c.directory = writable(rows[i].path);
		c.boot = rows[i].boot;
		for (unsigned ephemeral = 0; ephemeral < 2; ephemeral++) {
			c.ephemeral = ephemeral;
			if (rows[i].error) {
				refused(&c, rows[i].error, rows[i].text);
				continue;
			}
			r = prepare(&c);
			finish(&r, "c");
		}
	}
	/* The payload's root is another one. */
	c = plain;
	c.directory = writable("/run/empty");
	c.n_arguments = 1;
	for (unsigned i = 0; i < 2; i++) {
		c.arguments = i ? &bind : &pivot;
		r = prepare(&c);
		finish(&r, "c");
	}
	c = plain;
	c.template = writable("/run/link");
	refused(&c, -ELOOP, "Template=/run/link is a symbolic link (to /run/lower)");
}

static void test_image(void **state)
{
	struct container_settings c = plain;
	struct root r;

	(void)state;
	write_file("/run/i.raw", "x", 0600);
	c.image = writable("/run/i.raw");
	r = prepare(&c);
	assert_null(r.path);
	write_file("/run/.#i.raw.lck", "", 0600);
	finish(&r, "c");
	assert_false(is_there("/run/.#i.raw.lck"));
	c.image = writable("/run");
	refused(&c, -EINVAL,
		"Image=/run is neither a file nor a block device; Directory= is for directories");
	c.image = writable("/dev/null");
	refused(&c, -EINVAL, "Image=/dev/null is neither a file nor a block device");
	c.image = writable("/run/none");
	refused(&c, -ENOENT, "Image=/run/none: No such file or directory");
}

/* --- what is left ----------------------------------------------------------------------------- */
static void test_remove(void **state)
{
	static const char *const bad[] = {"", ".", "..", "../c", "a/b", "/", ".hidden"};
	struct error err = {0};
	struct root r;
	int fd;

	(void)state;
	assert_ok(root_remove("c", &err), &err);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(root_remove(bad[i], &err), -EINVAL);
	/* Stacked, below, and with somebody who looks into it. */
	r = prepare(&plain);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(mount("m", ROOT, "tmpfs", 0, NULL), 0);
		assert_int_equal(mount("m", BASE, "tmpfs", 0, NULL), 0);
		make_directory(ROOT, 0755);
	}
	fd = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	finish(&r, "c");
	(void)close(fd);
	/* Made, but not mounted yet when it was killed. */
	make_directory(BASE, 0700);
	assert_ok(root_remove("c", &err), &err);
	assert_false(is_there(BASE));
	/* The next start sweeps as well. */
	r = prepare(&plain);
	write_file(ROOT "/old", "x", 0600);
	root_clear(&r);
	r = prepare(&plain);
	assert_false(is_there(ROOT "/old"));
	finish(&r, "c");
}

static void nspawn_leaves(const char *name)
{
	char path[128];

	(void)mkdir("/run/systemd", 0755);
	(void)mkdir("/run/systemd/nspawn", 0755);
	(void)mkdir("/run/systemd/nspawn/unix-export", 0755);
	(void)mkdir("/run/systemd/nspawn/propagate", 0755);
	(void)snprintf(path, sizeof(path), "/run/systemd/nspawn/unix-export/%s", name);
	make_directory(path, 0755);
	assert_int_equal(mount("m", path, "tmpfs", 0, NULL), 0);
	(void)snprintf(path, sizeof(path), "/run/systemd/nspawn/propagate/%s", name);
	make_directory(path, 0600);
	(void)snprintf(path, sizeof(path), "/run/systemd/nspawn/propagate/%s/x", name);
	make_directory(path, 0755);
}

static void test_nspawn_leftovers(void **state)
{
	struct error err = {0};
	struct root r;

	(void)state;
	r = prepare(&plain);
	nspawn_leaves("c");
	nspawn_leaves("cc");
	finish(&r, "c");
	assert_false(is_there("/run/systemd/nspawn/unix-export/c"));
	assert_false(is_there("/run/systemd/nspawn/propagate/c"));
	assert_int_equal(count_mounts("/run/systemd/nspawn/unix-export/c ", ""), 0);
	assert_int_equal(count_mounts("/run/systemd/nspawn/unix-export/cc ", ""), 1);
	assert_true(is_there("/run/systemd/nspawn/propagate/cc/x"));
	/* No run of ours: a machine of the same name is somebody else's. */
	assert_ok(root_remove("cc", &err), &err);
	assert_int_equal(count_mounts("/run/systemd/nspawn/unix-export/cc ", ""), 1);
	{
		struct container_settings c = plain;

		c.name = writable("cc");
		refused(&c, -EBUSY, "a machine of that name runs that netnsd did not start");
	}
	assert_int_equal(count_mounts("/run/systemd/nspawn/unix-export/cc ", ""), 1);
	assert_true(is_there("/run/systemd/nspawn/propagate/cc/x"));
	assert_int_equal(umount("/run/systemd/nspawn/unix-export/cc"), 0);
}

/* Killed after ever more of it: what comes next finds its way, and nothing stays. */
static void test_killed_anywhere(void **state)
{
	struct credential credential = {.id = writable("x"), .value = writable("y"), .length = 1};
	struct create_directory d = {.path = writable("/run/made/here"), .mode = 0700};
	struct container_settings c = plain;
	int begun = eventfd(0, EFD_CLOEXEC);
	struct error err = {0};
	unsigned killed = 0;

	(void)state;
	make_lower(LOWER);
	c.ephemeral = true;
	c.directory = writable(LOWER);
	c.credentials = &credential;
	c.n_credentials = 1;
	c.directories = &d;
	c.n_directories = 1;
	assert_true(begun >= 0);
	/* A busy machine may not let the child run for that long: then more often. */
	for (unsigned i = 0; i < 60 || (killed == 0 && i < 2000); i++) {
		eventfd_t value;
		double until;
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct root r;

			for ((void)eventfd_write(begun, 1);;)
				if (root_prepare(&c, &r, NULL) < 0 || root_remove("c", NULL) < 0)
					_exit(1);
		}
		assert_int_equal(eventfd_read(begun, &value), 0);
		for (until = now_us() + 500. + 37. * (i % 60); now_us() < until;)
			;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		killed += is_there(BASE);
		assert_ok(root_remove("c", &err), &err);
		assert_false(is_there(BASE));
		assert_int_equal(count_mounts(BASE, ""), 0);
	}
	print_message("%u kills left something\n", killed);
	assert_true(killed > 0);
	close(begun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		root_test(test_skeleton),
		root_test(test_size),
		root_test(test_overlay),
		root_test(test_overlay_attributes),
		root_test(test_private),
		root_test(test_directory),
		root_test(test_lock_in_use),
		root_test(test_bad_roots),
		root_test(test_image),
		root_test(test_remove),
		root_test(test_nspawn_leftovers),
		root_test(test_killed_anywhere),
	};

	root_sandbox();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
