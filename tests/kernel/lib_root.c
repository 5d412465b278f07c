/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of roots share: files in few words, a root made and undone, and a leak check around each. */
#include "lib_root.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mount.h>

char *writable(const char *text)
{
	return (char *)(uintptr_t)text;
}

const struct container_settings plain = {.name = (char *)(uintptr_t) "c"};

void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

const char *read_file(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

void make_directory(const char *path, mode_t mode)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remove_all(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

struct stat look_at(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void make_lower(const char *path)
{
	char name[256];

	make_directory(path, 0755);
	for (const char *const *d = (const char *const[]){"usr", "bin", "etc", NULL}; *d; d++) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, *d);
		make_directory(name, 0755);
	}
	(void)snprintf(name, sizeof(name), "%s/etc/os-release", path);
	write_file(name, "ID=test\n", 0644);
	(void)snprintf(name, sizeof(name), "%s/file", path);
	write_file(name, "below", 0644);
}

struct root prepare(const struct container_settings *c)
{
	struct root r = {0};
	struct error err = {0};
	int e = root_prepare(c, &r, &err);

	if (e == -ENODEV && c->ephemeral) {
		print_message("no overlayfs: %s\n", err.text);
		skip();
	}
	assert_ok(e, &err);
	return r;
}

void finish(struct root *r, const char *name)
{
	struct error err = {0};
	char path[128];

	root_clear(r);
	assert_ok(root_remove(name, &err), &err);
	assert_ok(root_remove(name, &err), &err);
	(void)snprintf(path, sizeof(path), CONTAINERS_DIRECTORY "/%s", name);
	assert_false(is_there(path));
	assert_int_equal(count_mounts(path, ""), 0);
}

void refused(const struct container_settings *c, int error, const char *text)
{
	struct root r = {0};
	struct error err = {0};
	int e = root_prepare(c, &r, &err);

	if (e != error || !strstr(err.text, text) || strncmp(err.text, "container ", 10) != 0)
		fail_msg("%d: \"%s\", expected %d: \"%s\"", e, err.text, error, text);
	assert_null(r.path);
	assert_false(is_there(BASE));
	assert_int_equal(count_mounts(BASE, ""), 0);
}

static size_t fds_before, mounts_before;

int root_begin(void **state)
{
	(void)state;
	remove_all("/run");
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	fds_before = count_fds();
	mounts_before = count_mounts("", "");
	return 0;
}

int root_end(void **state)
{
	size_t fds = count_fds(), mounts = count_mounts("", "");

	(void)state;
	if (fds == fds_before && mounts == mounts_before)
		return 0;
	print_error("descriptors %zu, %zu before; mounts %zu, %zu before\n", fds, fds_before, mounts,
		    mounts_before);
	return -1;
}

void root_sandbox(void)
{
	sandbox_enter();
	if (mount("v", "/var/lib", "tmpfs", 0, "mode=0755") < 0)
		skip_all("cannot mount: %s", strerror(errno));
}
