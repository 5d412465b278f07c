/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loader: what is refused is refused by name, and everything else is loaded. Plugins come from
 * tests/plugins/bad, built beside this test; each test copies some of them to a directory of its own. */
#include "plugin.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What one load said. */
struct outcome {
	struct registry registry;
	int result;
	struct error errors[32];
	size_t n_errors;
};

struct fixture {
	char directory[PATH_MAX];
	struct outcome o;
};

static const char *built(void)
{
	const char *b = getenv("NETNSD_BUILDDIR");

	return b && *b ? b : ".";
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->directory, sizeof(f->directory), "%s/netnsd-plugin.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	*state = f;
	return mkdtemp(f->directory) ? 0 : -1;
}

static void in_directory(const struct fixture *f, const char *name, char ret[PATH_MAX])
{
	if ((size_t)snprintf(ret, PATH_MAX, "%.3000s/%.900s", f->directory, name) >= PATH_MAX)
		fail_msg("too long");
}

static void clear(const struct fixture *f)
{
	DIR *d = opendir(f->directory);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			(void)unlinkat(dirfd(d), e->d_name,
				       strcmp(e->d_name, "directory.so") ? 0 : AT_REMOVEDIR);
	if (d)
		closedir(d);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clear(f);
	(void)rmdir(f->directory);
	registry_free(&f->o.registry);
	free(f);
	return 0;
}

static void write_file(const char *path, const char *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	assert_int_equal(close(fd), 0);
}

/* tests/plugins/bad/NAME.so as AS in the directory. */
static void put_as(const struct fixture *f, const char *name, const char *as)
{
	static char data[4 * 1024 * 1024]; /* with sanitizers they are large */
	char from[PATH_MAX], to[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(from, sizeof(from), "%.3000s/tests/plugins/bad/%.900s.so", built(), name);
	in_directory(f, as, to);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s; NETNSD_BUILDDIR says where the tests were built", from, strerror(errno));
	n = read(fd, data, sizeof(data));
	assert_true(n > 0 && (size_t)n < sizeof(data));
	assert_int_equal(close(fd), 0);
	write_file(to, data, (size_t)n);
}

static void put(const struct fixture *f, const char *name)
{
	char as[NAME_MAX];

	snprintf(as, sizeof(as), "%s.so", name);
	put_as(f, name, as);
}

static void note(const struct error *err, void *data)
{
	struct outcome *o = data;

	assert_true(o->n_errors < 32);
	o->errors[o->n_errors++] = *err;
}

static void load_from(struct fixture *f, const char *directory, bool trust_caller)
{
	registry_free(&f->o.registry);
	memset(&f->o, 0, sizeof(f->o));
	f->o.result = plugins_load(&f->o.registry, directory, trust_caller, note, &f->o);
}

static void load(struct fixture *f)
{
	load_from(f, f->directory, true);
}

/* One refusal that names the file and says `part`. */
static void refused(const struct fixture *f, const char *file, int code, const char *part)
{
	char path[PATH_MAX];

	in_directory(f, file, path);
	for (size_t i = 0; i < f->o.n_errors; i++)
		if (str_starts_with(f->o.errors[i].text, path)) {
			if (f->o.errors[i].code != code || !strstr(f->o.errors[i].text, part))
				fail_msg("expected %d and '%s', got %d and '%s'", code, part,
					 f->o.errors[i].code, f->o.errors[i].text);
			return;
		}
	fail_msg("%s was not refused", file);
}

/* good.so and nothing else was loaded, and that many others were refused. */
static void only_good(const struct fixture *f, size_t n_refused)
{
	for (size_t i = 0; f->o.n_errors != n_refused && i < f->o.n_errors; i++)
		print_message("refused: %s\n", f->o.errors[i].text);
	assert_int_equal(f->o.n_errors, n_refused);
	assert_int_equal(f->o.result, 0);
	assert_int_equal(f->o.registry.n_plugins, 1);
	assert_non_null(registry_kind(&f->o.registry, "Good"));
}

static void test_bad_plugins(void **state)
{
	static const struct {
		const char *name;
		int code;
		const char *part;
	} bad[] = {
		{"api", -EPROTO, "plugin API 3, this netnsd has 2"},
		{"nosymbol", -ENOENT, "does not export the symbol netnsd_plugin"},
		{"function", -EINVAL, "not a struct netnsd_plugin"},
		{"zduplicate", -EEXIST, "plugin good has the kind good already"},
		{"name", -EINVAL, "calls itself other; expected the name of the file, name"},
		{"noname", -EINVAL, "no name"},
		{"table", -EINVAL, "[Table]: key Far"},
		{"empty", -EINVAL, "neither a link kind nor an address source"},
	};
	struct fixture *f = *state;
	char file[NAME_MAX];

	put(f, "good");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		put(f, bad[i].name);
	load(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(file, sizeof(file), "%s.so", bad[i].name);
		refused(f, file, bad[i].code, bad[i].part);
	}
	only_good(f, sizeof(bad) / sizeof(bad[0]));
	assert_null(registry_kind(&f->o.registry, "Fine")); /* nothing of a refused plugin stays */
}

/* A symbol too small to be what it says; sanitizers pad it, so that the size does not tell there. */
static void test_small(void **state)
{
	struct fixture *f = *state;

#if defined(__SANITIZE_ADDRESS__)
	print_message("skipped: the address sanitizer enlarges data symbols\n");
	skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	print_message("skipped: the address sanitizer enlarges data symbols\n");
	skip();
#endif
#endif
	put(f, "good");
	put(f, "small");
	load(f);
	refused(f, "small.so", -EINVAL, "not a struct netnsd_plugin");
	only_good(f, 1);
}

static void test_bad_files(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], target[PATH_MAX];

	put(f, "good");
	put_as(f, "good", "hidden");
	in_directory(f, "hidden", target);
	in_directory(f, "link.so", path);
	assert_int_equal(symlink(target, path), 0);
	in_directory(f, "directory.so", path);
	assert_int_equal(mkdir(path, 0755), 0);
	in_directory(f, "fifo.so", path); /* opening it must not wait for a writer */
	assert_int_equal(mkfifo(path, 0644), 0);
	in_directory(f, "text.so", path);
	write_file(path, "no object\n", 10);
	in_directory(f, "nothing.so", path);
	write_file(path, "", 0);
	in_directory(f, ".hidden.so", path);
	write_file(path, "x", 1);
	in_directory(f, "README", path);
	write_file(path, "x", 1);
	load(f);
	refused(f, "link.so", -ELOOP, "symbolic link");
	refused(f, "directory.so", -EINVAL, "not a regular file");
	refused(f, "fifo.so", -EINVAL, "not a regular file");
	refused(f, "text.so", -ELIBBAD, "cannot be loaded");
	refused(f, "nothing.so", -ELIBBAD, "cannot be loaded");
	only_good(f, 5);
}

static void test_writable_file(void **state)
{
	static const mode_t modes[] = {0666, 0664, 0646, 0777};
	struct fixture *f = *state;
	char path[PATH_MAX];

	put(f, "good");
	put_as(f, "name", "other.so");
	in_directory(f, "other.so", path);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		load(f);
		refused(f, "other.so", -EPERM, "writable by its group or by everybody");
		only_good(f, 1);
	}
	assert_int_equal(chmod(path, 0755), 0);
	load(f);
	assert_int_equal(f->o.n_errors, 0);
	assert_int_equal(f->o.registry.n_plugins, 2);
	assert_string_equal(f->o.registry.plugins[0]->name, "good"); /* in order of name */
	assert_string_equal(f->o.registry.plugins[1]->name, "other");
}

static void refused_whole(const struct fixture *f, int code, const char *part)
{
	assert_int_equal(f->o.result, code);
	assert_int_equal(f->o.n_errors, 1);
	assert_int_equal(f->o.errors[0].code, code);
	if (!strstr(f->o.errors[0].text, part))
		fail_msg("expected '%s' in '%s'", part, f->o.errors[0].text);
	assert_int_equal(f->o.registry.n_plugins, 0);
}

static void test_directory(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	put(f, "good");
	assert_int_equal(chmod(f->directory, 0777), 0);
	load(f);
	refused_whole(f, -EPERM, "writable by its group or by everybody");
	assert_int_equal(chmod(f->directory, 01777), 0); /* others could add a file here */
	load(f);
	refused_whole(f, -EPERM, "writable by its group or by everybody");
	assert_int_equal(chmod(f->directory, 0755), 0);
	in_directory(f, "good.so", path);
	load_from(f, path, true);
	refused_whole(f, -ENOTDIR, "good.so");
	in_directory(f, "missing", path);
	load_from(f, path, true);
	refused_whole(f, -ENOENT, "missing");
	assert_int_equal(plugins_load(&f->o.registry, path, true, NULL, NULL), -ENOENT);
}

static void test_owner(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	if (geteuid() != 0) {
		print_message("only root can give a file away\n");
		skip();
	}
	put(f, "good");
	put_as(f, "name", "other.so");
	in_directory(f, "other.so", path);
	assert_int_equal(chown(path, 65534, 65534), 0);
	load(f);
	refused(f, "other.so", -EPERM, "belongs to user 65534");
	only_good(f, 1);
	load_from(f, f->directory, false);
	refused(f, "other.so", -EPERM, "belongs to user 65534");
	only_good(f, 1);
	assert_int_equal(chown(f->directory, 65534, 65534), 0);
	load(f);
	refused_whole(f, -EPERM, "belongs to user 65534");
}

/* Root's plugins for the daemon: whoever can write above the directory can replace it. */
static void test_parents(void **state)
{
	struct fixture *f = *state;
	char parent[PATH_MAX], inner[PATH_MAX], path[PATH_MAX];

	if (geteuid() != 0) {
		print_message("without root, the directories above are the caller's\n");
		skip();
	}
	put(f, "good");
	in_directory(f, "directory.so", inner); /* a name that clear() removes */
	assert_int_equal(mkdir(inner, 0755), 0);
	load_from(f, inner, false);
	assert_int_equal(f->o.result, 0);
	assert_int_equal(chmod(f->directory, 0775), 0);
	load_from(f, inner, false);
	refused_whole(f, -EPERM, "writable by its group");
	snprintf(parent, sizeof(parent), "%.4000s: is writable", f->directory);
	assert_non_null(strstr(f->o.errors[0].text, parent));
	load_from(f, inner, true); /* tests in a build directory */
	assert_int_equal(f->o.result, 0);
	assert_int_equal(chmod(f->directory, 0755), 0);
	in_directory(f, "link", path);
	assert_int_equal(symlink(inner, path), 0);
	load_from(f, path, false); /* a link to the directory is root's own doing */
	assert_int_equal(f->o.result, 0);
}

/* Loading again, as a second registry does, takes the same objects. */
static void test_again(void **state)
{
	struct fixture *f = *state;
	const struct netnsd_plugin *p;

	put(f, "good");
	load(f);
	only_good(f, 0);
	p = f->o.registry.plugins[0];
	assert_int_equal(plugins_load(&f->o.registry, f->directory, true, note, &f->o), 0);
	refused(f, "good.so", -EEXIST, "plugin good");
	assert_int_equal(f->o.registry.n_plugins, 1);
	load(f);
	only_good(f, 0);
	assert_ptr_equal(f->o.registry.plugins[0], p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_plugins), TEST(test_small), TEST(test_bad_files), TEST(test_writable_file),
		TEST(test_directory),	TEST(test_owner), TEST(test_parents),	TEST(test_again),
	};

	umask(022);
	return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
