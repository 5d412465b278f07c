/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a root is made from besides a directory: templates, CreateDirectory=, credentials.
 */
#include "lib_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

/* --- a template ------------------------------------------------------------------------------- */
#define TREE ROOT_TREES_DIRECTORY "/c"

static void make_template(void)
{
	const struct timespec times[] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 7}};
	int fd;

	make_lower(LOWER);
	write_file(LOWER "/bin/su", "suid", 0);
	assert_int_equal(chown(LOWER "/bin/su", 3, 4), 0);
	assert_int_equal(chmod(LOWER "/bin/su", 04755), 0);
	assert_int_equal(setxattr(LOWER "/bin/su", "trusted.test", "value", 5, 0), 0);
	assert_int_equal(link(LOWER "/bin/su", LOWER "/usr/su"), 0);
	assert_int_equal(symlink("../nowhere", LOWER "/etc/link"), 0);
	assert_int_equal(lchown(LOWER "/etc/link", 5, 6), 0);
	assert_int_equal(mkfifo(LOWER "/fifo", 0640), 0);
	assert_int_equal(mknod(LOWER "/device", S_IFCHR | 0600, makedev(1, 3)), 0);
	fd = open(LOWER "/sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "end", 3, (off_t)(64 * MIB)), 3);
	(void)close(fd);
	write_file(LOWER "/hole", "", 0600);
	assert_int_equal(truncate(LOWER "/hole", (off_t)(64 * MIB)), 0);
	make_directory(LOWER "/mnt", 0700);
	assert_int_equal(mount("m", LOWER "/mnt", "tmpfs", 0, NULL), 0);
	write_file(LOWER "/mnt/not-copied", "x", 0600);
	assert_int_equal(utimensat(AT_FDCWD, LOWER "/usr", times, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, LOWER "/file", times, 0), 0);
	assert_int_equal(chmod(LOWER, 0711), 0);
}

static void test_template(void **state)
{
	struct container_settings c = plain;
	char value[16] = "";
	struct root r;

	(void)state;
	remove_all("/var/lib/netnsd");
	make_template();
	c.template = writable(LOWER);
	r = prepare(&c);
	assert_string_equal(r.path, TREE);
	assert_int_equal(look_at(ROOT_TREES_DIRECTORY).st_mode, S_IFDIR | 0700);
	assert_int_equal(look_at(TREE).st_mode, S_IFDIR | 0711);
	assert_string_equal(read_file(TREE "/file"), "below");
	assert_int_equal(look_at(TREE "/bin/su").st_mode, S_IFREG | 04755);
	assert_int_equal(look_at(TREE "/bin/su").st_uid, 3);
	assert_int_equal(look_at(TREE "/bin/su").st_gid, 4);
	assert_int_equal(getxattr(TREE "/bin/su", "trusted.test", value, sizeof(value)), 5);
	assert_string_equal(value, "value");
	assert_int_equal(look_at(TREE "/bin/su").st_ino, look_at(TREE "/usr/su").st_ino);
	assert_int_equal(readlink(TREE "/etc/link", value, sizeof(value)), 10);
	assert_int_equal(look_at(TREE "/etc/link").st_uid, 5);
	assert_int_equal(look_at(TREE "/fifo").st_mode, S_IFIFO | 0640);
	assert_int_equal(look_at(TREE "/device").st_rdev, makedev(1, 3));
	assert_int_equal(look_at(TREE "/sparse").st_size, 64 * MIB + 3);
	assert_true(look_at(TREE "/sparse").st_blocks < 1000);
	assert_int_equal(look_at(TREE "/hole").st_size, 64 * MIB);
	assert_true(look_at(TREE "/hole").st_blocks < 1000);
	assert_int_equal(look_at(TREE "/usr").st_mtim.tv_sec, 2000);
	assert_int_equal(look_at(TREE "/file").st_mtim.tv_nsec, 7);
	assert_true(is_there(TREE "/mnt"));
	assert_false(is_there(TREE "/mnt/not-copied"));
	/* It is the container's own, and stays. */
	write_file(TREE "/file", "mine", 0600);
	write_file(LOWER "/new", "new", 0600);
	finish(&r, "c");
	r = prepare(&c);
	assert_string_equal(read_file(TREE "/file"), "mine");
	assert_false(is_there(TREE "/new"));
	assert_string_equal(read_file(LOWER "/file"), "below");
	finish(&r, "c");
	assert_int_equal(umount(LOWER "/mnt"), 0);
}

/* Half a copy never has the name of a whole one. */
static void test_template_killed(void **state)
{
	struct container_settings c = plain;
	struct root r;

	(void)state;
	remove_all("/var/lib/netnsd");
	make_lower(LOWER);
	c.template = writable(LOWER);
	r = prepare(&c);
	finish(&r, "c");
	assert_int_equal(rename(TREE, ROOT_TREES_DIRECTORY "/.new-c"), 0);
	assert_int_equal(unlink(ROOT_TREES_DIRECTORY "/.new-c/file"), 0);
	write_file(ROOT_TREES_DIRECTORY "/.new-c/old", "old", 0600);
	r = prepare(&c);
	assert_string_equal(read_file(TREE "/file"), "below");
	assert_false(is_there(TREE "/old"));
	assert_false(is_there(ROOT_TREES_DIRECTORY "/.new-c"));
	finish(&r, "c");
	remove_all("/var/lib/netnsd");
}

/* No room for the copy: nothing of it stays. */
static void test_template_no_room(void **state)
{
	static char block[256 * 1024];
	struct container_settings c = plain;
	int fd;

	(void)state;
	make_lower(LOWER);
	remove_all("/var/lib/netnsd");
	make_directory("/var/lib/netnsd", 0755);
	assert_int_equal(mount("m", "/var/lib/netnsd", "tmpfs", 0, "size=64k"), 0);
	fd = open(LOWER "/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	(void)close(fd);
	c.template = writable(LOWER);
	refused(&c, -ENOSPC, "Template=" LOWER " to " TREE ": cannot copy big: No space left on device");
	assert_true(is_there(ROOT_TREES_DIRECTORY));
	assert_false(is_there(TREE));
	assert_false(is_there(ROOT_TREES_DIRECTORY "/.new-c"));
	assert_int_equal(umount("/var/lib/netnsd"), 0);
	remove_all("/var/lib/netnsd");
}

/* --- CreateDirectory= ------------------------------------------------------------------------- */
static void test_create_directory(void **state)
{
	struct create_directory directories[] = {
		{.path = writable("/run/a/b/c"),
		 .mode = 02770,
		 .user = writable("7"),
		 .group = writable("8")},
		{.path = writable("/run//old/./"), .mode = 0755},
		{.path = writable("/run/old/new/"), .mode = 01777},
	};
	struct container_settings c = plain;
	mode_t mask = umask(077);
	char aside[64];
	struct root r;

	(void)state;
	make_directory("/run/old", 0701);
	/* Of a run that was killed. */
	(void)snprintf(aside, sizeof(aside), "/run/old/.#netnsd-%016llx",
		       (unsigned long long)str_hash("new"));
	make_directory(aside, 0000);
	c.directories = directories;
	c.n_directories = 3;
	r = prepare(&c);
	(void)umask(mask);
	assert_int_equal(look_at("/run/a").st_mode, S_IFDIR | 0755);
	assert_int_equal(look_at("/run/a/b").st_mode, S_IFDIR | 0755);
	assert_int_equal(look_at("/run/a/b").st_uid, 0);
	assert_int_equal(look_at("/run/a/b/c").st_mode, S_IFDIR | 02770);
	assert_int_equal(look_at("/run/a/b/c").st_uid, 7);
	assert_int_equal(look_at("/run/a/b/c").st_gid, 8);
	assert_int_equal(look_at("/run/old").st_mode, S_IFDIR | 0701);
	assert_int_equal(look_at("/run/old/new").st_mode, S_IFDIR | 01777);
	assert_false(is_there(aside));
	finish(&r, "c");
	assert_true(is_there("/run/a/b/c"));
	/* Once more, with what is there. */
	write_file("/run/a/b/c/file", "kept", 0600);
	r = prepare(&c);
	assert_string_equal(read_file("/run/a/b/c/file"), "kept");
	finish(&r, "c");
}

#define ROUNDS 200

/* 0: all of them were made. */
static int create_many(const char *name)
{
	char path[64];
	struct create_directory d = {.path = path, .mode = 0750};
	struct container_settings c = plain;
	struct root r;

	c.name = writable(name);
	c.directories = &d;
	c.n_directories = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		(void)snprintf(path, sizeof(path), "/run/made/%u/leaf", i);
		if (root_prepare(&c, &r, NULL) < 0)
			return 1;
		root_clear(&r);
		if (root_remove(name, NULL) < 0 || look_at(path).st_mode != (S_IFDIR | 0750))
			return 1;
	}
	return 0;
}

/* Starts of two containers that want the same one. */
static void test_create_directory_together(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(create_many("d"));
	assert_int_equal(create_many("c"), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(system("! find /run/made -name '.#*' | grep ."), 0);
}

static void test_bad_create_directory(void **state)
{
	static const struct {
		const char *path, *user;
		int error;
		const char *text;
	} rows[] = {
		{"/run/file/x", NULL, -ENOTDIR,
		 "CreateDirectory=/run/file/x: \"file\" in it is not a directory"},
		{"/run/file", NULL, -ENOTDIR, "CreateDirectory=/run/file: \"file\" in it is not a directory"},
		{"/run/link/x", NULL, -ENOTDIR, "\"link\" in it is not a directory (links are not followed)"},
		{"/run/link", NULL, -ENOTDIR, "\"link\" in it is not a directory"},
		{"/run/d/../e", NULL, -EINVAL, "CreateDirectory=/run/d/../e: \"..\" is not allowed in it"},
		{"/run/u", "no-such-user", -ENOENT, "CreateDirectory=/run/u: there is no user no-such-user"},
	};
	struct create_directory d = {.mode = 0755};
	struct container_settings c = plain;

	(void)state;
	make_directory("/run/d", 0755);
	make_directory("/run/target", 0755);
	write_file("/run/file", "x", 0600);
	assert_int_equal(symlink("/run/target", "/run/link"), 0);
	c.directories = &d;
	c.n_directories = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		d.path = writable(rows[i].path);
		d.user = writable(rows[i].user);
		refused(&c, rows[i].error, rows[i].text);
	}
	assert_false(is_there("/run/target/x"));
	assert_false(is_there("/run/e"));
	assert_false(is_there("/run/u"));
}

/* --- credentials ------------------------------------------------------------------------------ */
#define CREDENTIALS BASE "/credentials"

static void test_credentials(void **state)
{
	static char big[MIB];
	struct credential credentials[] = {
		{.id = writable("tls"), .path = writable("/run/given file")},
		{.id = writable("with space"), .value = writable("a\0b"), .length = 3},
		{.id = writable("o'd\\d\"$,=~"), .value = writable("odd"), .length = 3},
		{.id = writable("big"), .path = writable("/run/big")},
		{.id = writable("empty"), .value = writable(""), .length = 0},
	};
	struct container_settings c = plain;
	struct root r;
	int fd;

	(void)state;
	write_file("/run/given file", "secret\n", 0600);
	fd = open("/run/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	memset(big, 'b', sizeof(big));
	assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
	(void)close(fd);
	/* What the daemon's own service was given: for this container, for others, and one that a key has. */
	make_directory("/run/own", 0700);
	write_file("/run/own/c.inherited", "mine", 0400);
	write_file("/run/own/c.tls", "not this one", 0400);
	write_file("/run/own/cc.x", "not mine", 0400);
	write_file("/run/own/c", "not mine", 0400);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/own", 1), 0);
	c.credentials = credentials;
	c.n_credentials = 5;
	r = prepare(&c);
	assert_string_equal(r.credentials, CREDENTIALS);
	assert_int_equal(strv_length(r.credential_ids), 6);
	assert_string_equal(r.credential_ids[5], "inherited");
	assert_string_equal(read_file(CREDENTIALS "/tls"), "secret\n");
	assert_string_equal(read_file(CREDENTIALS "/inherited"), "mine");
	assert_string_equal(read_file(CREDENTIALS "/o'd\\d\"$,=~"), "odd");
	assert_int_equal(look_at(CREDENTIALS "/with space").st_size, 3);
	assert_memory_equal(read_file(CREDENTIALS "/with space"), "a\0b", 3);
	assert_int_equal(look_at(CREDENTIALS "/big").st_size, MIB);
	assert_int_equal(look_at(CREDENTIALS "/empty").st_size, 0);
	assert_int_equal(look_at(CREDENTIALS).st_mode, S_IFDIR | 0500);
	for (char **id = r.credential_ids; *id; id++) {
		char path[128];

		(void)snprintf(path, sizeof(path), CREDENTIALS "/%s", *id);
		assert_int_equal(look_at(path).st_mode, S_IFREG | 0400);
	}
	assert_int_equal(open(CREDENTIALS "/tls", O_WRONLY | O_CLOEXEC), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(mkdir(CREDENTIALS "/x", 0700), -1);
	finish(&r, "c");
	/* Only inherited ones. */
	c.n_credentials = 0;
	r = prepare(&c);
	assert_int_equal(strv_length(r.credential_ids), 2);
	assert_string_equal(read_file(CREDENTIALS "/tls"), "not this one");
	finish(&r, "c");
	/* None: no filesystem for them. */
	c.name = writable("ccc");
	r = prepare(&c);
	assert_null(r.credentials);
	assert_null(r.credential_ids);
	assert_false(is_there(CONTAINERS_DIRECTORY "/ccc/credentials"));
	finish(&r, "ccc");
}

static void test_bad_credentials(void **state)
{
	static const struct {
		const char *path;
		int error;
		const char *text;
	} rows[] = {
		{"/run/missing", -ENOENT,
		 "the credential key cannot be read from /run/missing: No such file"},
		{"/run/fifo", -EINVAL, "the credential key is at /run/fifo, which is not a file but a FIFO"},
		{"/run/d", -EINVAL, "the credential key is at /run/d, which is not a file but a directory"},
		{"/dev/zero", -EINVAL, "the credential key is at /dev/zero, which is not a file"},
		{"/run/link", -ELOOP, "the credential key is at /run/link, a symbolic link, which is not"},
		{"/run/big", -E2BIG, "the credential key from /run/big is too large: one has at most 1 MiB"},
	};
	struct credential key = {.id = writable("key")};
	struct credential many[2];
	struct container_settings c = plain;

	(void)state;
	assert_int_equal(mkfifo("/run/fifo", 0600), 0);
	make_directory("/run/d", 0700);
	assert_int_equal(symlink("/etc/passwd", "/run/link"), 0);
	write_file("/run/big", "", 0600);
	assert_int_equal(truncate("/run/big", (off_t)MIB + 1), 0);
	c.credentials = &key;
	c.n_credentials = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		key.path = writable(rows[i].path);
		refused(&c, rows[i].error, rows[i].text);
	}
	/* Together. */
	assert_int_equal(truncate("/run/big", (off_t)(MIB / 2) + 40000), 0);
	many[0] = (struct credential){.id = writable("one"), .path = writable("/run/big")};
	many[1] = (struct credential){.id = writable("two"), .path = writable("/run/big")};
	c.credentials = many;
	c.n_credentials = 2;
	refused(&c, -E2BIG, "the credential two from /run/big is too large");
	assert_int_equal(truncate("/run/big", (off_t)(MIB / 2)), 0);
	{
		struct root r = prepare(&c);

		finish(&r, "c");
	}
	many[1].id = writable("one");
	refused(&c, -EEXIST, "the credential one is declared twice");
	many[1].id = writable("../x");
	refused(&c, -EINVAL, "\"../x\" is no name of a credential");
	many[1].id = writable("a:b");
	refused(&c, -EINVAL, "\"a:b\" is no name of a credential");
	/* An inherited one. */
	c = plain;
	make_directory("/run/own", 0700);
	assert_int_equal(mkfifo("/run/own/c.pipe", 0600), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/own", 1), 0);
	refused(&c, -EINVAL, "the credential pipe is at /run/own/c.pipe, which is not a file but a FIFO");
	assert_int_equal(unlink("/run/own/c.pipe"), 0);
	for (unsigned i = 0; i < 257; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/run/own/c.%u", i);
		write_file(path, "x", 0400);
	}
	refused(&c, -E2BIG, "is one too many: at most 256");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/big", 1), 0);
	refused(&c, -ENOTDIR, "cannot open $CREDENTIALS_DIRECTORY, /run/big: Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		root_test(test_template),
		root_test(test_template_killed),
		root_test(test_template_no_room),
		root_test(test_create_directory),
		root_test(test_create_directory_together),
		root_test(test_bad_create_directory),
		root_test(test_credentials),
		root_test(test_bad_credentials),
	};

	root_sandbox();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
