/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files are read: search path, masks, drop-ins, templates, and what is no good file at all. */
#include "config_load.h"

#include "cleanup.h"
#include "desired_container.h"
#include "lib_config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void write_description(struct scene *s, const char *path, const char *description)
{
	char text[256];

	snprintf(text, sizeof(text), "[Namespace]\nDescription=%s\n", description);
	scene_write(s, path, text);
}

static void expect_description(struct scene *s, const char *name, const char *description)
{
	assert_string_equal(scene_netns(s, name)->description, description);
}

static void test_first_hit_wins(void **state)
{
	struct scene *s = *state;

	write_description(s, "lib/a.netns", "lib");
	write_description(s, "local/a.netns", "local");
	write_description(s, "lib/b.netns", "lib");
	write_description(s, "run/transient/b.netns", "transient");
	write_description(s, "lib/c.netns", "lib");
	write_description(s, "etc/c.netns", "etc");
	write_description(s, "lib/d.netns", "lib");
	scene_load_good(s);
	expect_description(s, "a", "local");
	expect_description(s, "b", "transient");
	expect_description(s, "c", "etc");
	expect_description(s, "d", "lib");
	assert_true(scene_netns(s, "b")->transient);
	assert_false(scene_netns(s, "a")->transient || scene_netns(s, "c")->transient);
}

static void test_ignored_names(void **state)
{
	struct scene *s = *state;

	write_description(s, "etc/a.netns", "a");
	scene_write(s, "etc/.hidden.netns", "nonsense");
	scene_write(s, "etc/.a.netns.swp", "nonsense");
	scene_write(s, "etc/a.netns~", "nonsense");
	scene_write(s, "etc/README", "nonsense");
	scene_write(s, "etc/netnsd.conf", "nonsense");
	scene_write(s, "etc/a.netns.d/README", "nonsense");
	scene_write(s, "etc/a.netns.d/.x.conf", "nonsense");
	scene_load_good(s);
	assert_int_equal(s->diags.count, 0);
	assert_int_equal(HASH_COUNT(s->desired->namespaces), 2);
}

static void test_bad_names(void **state)
{
	struct scene *s = *state;
	char path[256];

	write_description(s, "etc/-a.netns", "x");
	write_description(s, "etc/a b.netns", "x");
	write_description(s, "etc/a\nb.netns", "x");
	snprintf(path, sizeof(path), "etc/%0201d.netns", 0);
	write_description(s, path, "x");
	write_description(s, "etc/good+@:-_.1.netns", "x");
	scene_load(s);
	scene_expect_count(s, 4);
	scene_expect(s, DIAG_ERROR, "a\\nb.netns", "gives no name for a namespace", NULL);
	assert_non_null(desired_find(s->desired, "good+@:-_.1"));
}

static void test_masks(void **state)
{
	struct scene *s = *state;

	write_description(s, "lib/a.netns", "lib");
	write_description(s, "lib/a.netns.d/x.conf", "dropin");
	scene_link(s, "/dev/null", "etc/a.netns");
	write_description(s, "lib/b.netns", "lib");
	scene_link(s, "/dev/null", "local/b.netns");
	write_description(s, "etc/b.netns", "etc");
	/* An empty file is a namespace with all defaults. */
	write_description(s, "lib/c.netns", "lib");
	scene_write(s, "etc/c.netns", "");
	scene_link(s, "/dev/null", "etc/d.container");
	scene_load_good(s);
	assert_null(desired_find(s->desired, "a"));
	expect_description(s, "b", "etc");
	assert_null(scene_netns(s, "c")->description);
}

static void test_dropins(void **state)
{
	struct scene *s = *state;
	struct netns *n;

	write_description(s, "lib/a.netns", "main");
	scene_write(s, "lib/a.netns.d/10-x.conf", "[Namespace]\nDescription=ten\nDNS=10.0.0.1\n");
	scene_write(s, "etc/a.netns.d/30-x.conf", "[Namespace]\nDNS=10.0.0.3\n[Veth eth0]\nMTUBytes=1400\n");
	/* In order of file name, whatever the directory. */
	scene_write(s, "local/a.netns.d/20-x.conf", "[Namespace]\nDescription=twenty\nDNS=10.0.0.2\n");
	/* The same name: the strongest directory wins, or masks. */
	scene_write(s, "lib/a.netns.d/30-x.conf", "[Namespace]\nDNS=10.9.9.9\n");
	scene_write(s, "lib/a.netns.d/40-x.conf", "[Namespace]\nDNS=10.9.9.8\n");
	scene_link(s, "/dev/null", "etc/a.netns.d/40-x.conf");
	scene_write(s, "lib/a.netns.d/50-x.conf", "[Veth eth0]\nAlias=merged\n");
	scene_load_good(s);
	n = scene_netns(s, "a");
	expect_description(s, "a", "twenty");
	assert_int_equal(strv_length(n->dns), 3);
	assert_string_equal(n->dns[0], "10.0.0.1");
	assert_string_equal(n->dns[2], "10.0.0.3");
	assert_string_equal(scene_find_link(s, "a", "eth0")->alias, "merged");
	assert_int_equal(scene_find_link(s, "a", "eth0")->mtu, 1400);
}

static void test_dropin_errors(void **state)
{
	struct scene *s = *state;

	write_description(s, "lib/a.netns", "main");
	scene_write(s, "etc/a.netns.d/x.conf", "[Namespace]\nXyzzy=1\n");
	scene_write(s, "etc/alone.netns.d/x.conf", "[Namespace]\nXyzzy=1\n");
	scene_write(s, "etc/b.netns", "");
	scene_write(s, "etc/b.netns.d", "a file");
	scene_write(s, "etc/c.netns", "");
	scene_write(s, "etc/c.netns.d/\xff.conf", "");
	scene_load(s);
	scene_expect_count(s, 3);
	scene_expect(s, DIAG_ERROR, "c.netns.d: a drop-in has a name", "UTF-8", NULL);
	scene_expect(s, DIAG_ERROR, "a.netns.d/x.conf:2: [Namespace] Xyzzy:", NULL);
	scene_expect(s, DIAG_ERROR, "b.netns.d: the directory cannot be read", NULL);
	scene_expect(s, DIAG_WARNING, "alone.netns.d/x.conf", "no effect", NULL);
	assert_null(desired_find(s->desired, "alone"));
}

static void test_templates(void **state)
{
	struct scene *s = *state;

	scene_write(s, "lib/lab@.netns", "[Namespace]\nDescription=%n is %i, 100%%\n[Veth eth-%i]\n");
	scene_link(s, "lab@.netns", "lib/lab@one.netns");
	scene_link(s, "../lib/lab@.netns", "etc/lab@two.netns");
	write_description(s, "etc/lab@own.netns", "of its own");
	scene_write(s, "etc/lab@three.netns.d/x.conf", "[Veth eth-%i]\nMTUBytes=1300\n");
	scene_link(s, "/dev/null", "etc/lab@gone.netns");
	scene_write(s, "lib/lab@gone.netns.d/x.conf", "");
	/* Drop-ins of the template reach all instances; those of the instance win. */
	scene_write(s, "etc/lab@.netns.d/10.conf", "[Namespace]\nDomains=all.example\n");
	scene_write(s, "etc/lab@.netns.d/20.conf", "[Namespace]\nDomains=template.example\n");
	scene_write(s, "lib/lab@two.netns.d/20.conf", "[Namespace]\nDomains=two.example\n");
	scene_write(s, "etc/lab@asked.netns.d/instance.conf", "");
	/* Without a template there is none, as if its file had been removed. */
	scene_write(s, "etc/nix@x.netns.d/instance.conf", "");
	scene_load(s);
	expect_description(s, "lab@one", "lab@one is one, 100%");
	expect_description(s, "lab@asked", "lab@asked is asked, 100%");
	expect_description(s, "lab@three", "lab@three is three, 100%");
	expect_description(s, "lab@own", "of its own");
	assert_int_equal(scene_find_link(s, "lab@three", "eth-three")->mtu, 1300);
	assert_string_equal(scene_netns(s, "lab@one")->domains[1], "template.example");
	assert_string_equal(scene_netns(s, "lab@two")->domains[0], "all.example");
	assert_string_equal(scene_netns(s, "lab@two")->domains[1], "two.example");
	assert_string_equal(scene_netns(s, "lab@own")->domains[0], "all.example");
	assert_null(desired_find(s->desired, "lab@"));
	assert_null(desired_find(s->desired, "lab@gone"));
	assert_null(desired_find(s->desired, "nix@x"));
}

#define SLEEP "[Exec]\nParameters=/bin/sleep inf\n"

/* A namespace and a container of one name: the same directories, the same rules, and neither disturbs the
 * other. */
static void test_containers(void **state)
{
	struct scene *s = *state;
	struct container_settings *c;

	write_description(s, "lib/web.netns", "the namespace");
	scene_write(s, "lib/web.container", "[Container]\nDescription=lib\n" SLEEP);
	scene_write(s, "run/transient/web.container", "[Container]\nDescription=transient\n" SLEEP);
	scene_write(s, "etc/web.container.d/10.conf",
		    "[Container]\nDescription=ten\n[Files]\nReadOnly=yes\n");
	scene_write(s, "lib/web.container.d/20.conf", "[Container]\nDescription=twenty\n");
	scene_link(s, "/dev/null", "etc/web.container.d/20.conf");
	scene_write(s, "lib/gone.container", "nonsense");
	scene_link(s, "/dev/null", "etc/gone.container");
	write_description(s, "etc/masked.netns", "x");
	scene_link(s, "/dev/null", "etc/masked.container");
	scene_write(s, "etc/alone.container.d/x.conf", "nonsense");
	scene_load_good(s);
	scene_expect(s, DIAG_WARNING, "alone.container", "has no effect: there is no alone.container", NULL);
	assert_int_equal(HASH_COUNT(s->desired->containers), 1);
	c = desired_find_container(s->desired, "web");
	assert_string_equal(c->description, "ten");
	assert_string_equal(c->netns, "web");
	assert_non_null(strstr(c->origin.file, "etc/web.container.d/10.conf"));
	assert_string_equal(c->arguments[0].argument, "--read-only");
	expect_description(s, "web", "the namespace");
	assert_non_null(desired_find(s->desired, "masked"));
}

static void test_container_names(void **state)
{
	static const char *const bad[] = {"-a", "a-", "a..b", "a_b", "a+b", "a:b", "a.", "a b"};
	static const char *const good[] = {"a", "0", "web-1.lan", "A.b-c.9"};
	struct scene *s = *state;
	char path[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(path, sizeof(path), "etc/%s.container", bad[i]);
		scene_write(s, path, SLEEP);
	}
	snprintf(path, sizeof(path), "etc/%065d.container", 0);
	scene_write(s, path, SLEEP);
	scene_write(s, "etc/lab@.container", SLEEP);
	scene_write(s, "etc/lab@x.container.d/x.conf", SLEEP);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(path, sizeof(path), "etc/%s.container", good[i]);
		scene_write(s, path, "[Container]\nNamespace=host\n" SLEEP);
	}
	snprintf(path, sizeof(path), "etc/%064d.container", 0);
	scene_write(s, path, "[Container]\nNamespace=host\n" SLEEP);
	scene_load(s);
	scene_expect_count(s, sizeof(bad) / sizeof(bad[0]) + 3);
	scene_expect(s, DIAG_ERROR, "a_b.container", "gives no name for a container", "as in a host name",
		     NULL);
	scene_expect(s, DIAG_ERROR, "lab@.container", "no templates of containers", NULL);
	scene_expect(s, DIAG_ERROR, "lab@x.container.d", "no templates of containers", NULL);
	assert_int_equal(HASH_COUNT(s->desired->containers), sizeof(good) / sizeof(good[0]) + 1);
}

static void make_big(const struct scene *s, const char *path)
{
	int fd = open(scene_path(s, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 10 * 1024 * 1024), 0);
	close(fd);
}

static void test_no_good_file(void **state)
{
	struct scene *s = *state;
	int fd;

	write_description(s, "etc/good.netns", "x");
	assert_int_equal(mkdir(scene_path(s, "etc/dir.netns"), 0755), 0);
	assert_int_equal(mkfifo(scene_path(s, "etc/fifo.netns"), 0644), 0);
	make_big(s, "etc/big.netns");
	scene_link(s, "nowhere", "etc/dangling.netns");
	scene_link(s, "loop.netns", "etc/loop.netns");
	scene_link(s, "/dev/zero", "etc/zero.netns");
	scene_write(s, "etc/binary.netns", "[Namespace]\n");
	fd = open(scene_path(s, "etc/binary.netns"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "\0\1\2", 3), 3);
	close(fd);
	scene_load(s);
	scene_expect_count(s, 7);
	scene_expect(s, DIAG_ERROR, "dir.netns", "is a directory", NULL);
	scene_expect(s, DIAG_ERROR, "fifo.netns", "is a named pipe", NULL);
	scene_expect(s, DIAG_ERROR, "big.netns", "10485760 bytes", "1048576", NULL);
	scene_expect(s, DIAG_ERROR, "dangling.netns", "cannot be opened", "No such file", NULL);
	scene_expect(s, DIAG_ERROR, "loop.netns", "cannot be opened", NULL);
	scene_expect(s, DIAG_ERROR, "zero.netns", "is a device", NULL);
	scene_expect(s, DIAG_ERROR, "binary.netns:2", "binary", NULL);
	assert_int_equal(HASH_COUNT(s->desired->namespaces), 2);
}

/* A long binary file is one error or few, not a thousand. */
static void test_garbage(void **state)
{
	struct scene *s = *state;
	struct strbuf text = {0};

	for (unsigned i = 0; i < 20000; i++)
		strbuf_puts(&text, "\x01\x02garbage\n");
	scene_write(s, "etc/a.netns", text.data);
	strbuf_free(&text);
	scene_write(s, "etc/b.netns", "[Namespace]\nXyzzy=1\n");
	scene_load(s);
	assert_true(s->diags.count <= 2 * DIAG_OBJECT_MAX);
	scene_expect(s, DIAG_ERROR, "b.netns:2", "Xyzzy", NULL);
}

static void test_access(void **state)
{
	struct scene *s = *state;

	write_description(s, "etc/group.netns", "x");
	write_description(s, "etc/world.netns", "x");
	write_description(s, "etc/good.netns", "x");
	assert_int_equal(chmod(scene_path(s, "etc/group.netns"), 0664), 0);
	assert_int_equal(chmod(scene_path(s, "etc/world.netns"), 0646), 0);
	scene_load(s);
	scene_expect_count(s, 2);
	scene_expect(s, DIAG_ERROR, "world.netns", "may be written by others", "0646", NULL);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(scene_path(s, "etc/group.netns"), 0600), 0);
	assert_int_equal(chmod(scene_path(s, "etc/world.netns"), 0600), 0);
	assert_int_equal(chown(scene_path(s, "etc/world.netns"), 65534, 65534), 0);
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "world.netns", "belongs to user 65534", NULL);
}

static void test_unreadable_directory(void **state)
{
	struct scene *s = *state;

	write_description(s, "lib/a.netns", "x");
	scene_write(s, "etc", "a file where a directory should be");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "/etc: the directory cannot be read", NULL);
	assert_non_null(desired_find(s->desired, "a"));
}

/* check FILE...: these and no others, wherever they lie and whoever owns them. */
static void test_given_files(void **state)
{
	struct scene *s = *state;
	char paths[5][256];
	const char *files[6] = {NULL};
	static const char *const names[] = {"x/a.netns", "y/a.netns", "x/lab@.netns", "x/c.conf",
					    "x/d.container"};

	for (size_t i = 0; i < 5; i++) {
		scene_write(s, names[i], "[Namespace]\nDescription=%i\n");
		snprintf(paths[i], sizeof(paths[i]), "%s", scene_path(s, names[i]));
		files[i] = paths[i];
	}
	write_description(s, "etc/other.netns", "x");
	assert_int_equal(chmod(paths[0], 0666), 0);
	s->request.files = files;
	scene_load(s);
	scene_expect_count(s, 3);
	scene_expect(s, DIAG_ERROR, "y/a.netns", "is also in", "x/a.netns", NULL);
	scene_expect(s, DIAG_ERROR, "c.conf", "ends in .netns or .container", NULL);
	scene_expect(s, DIAG_ERROR, "d.container:1", "[Namespace]", NULL);
	assert_null(desired_find(s->desired, "other"));
	expect_description(s, "lab@1", "1");
}

static void test_environment(void **state)
{
	const char *const *d;

	(void)state;
	assert_int_equal(unsetenv("NETNSD_CONFIG_PATH"), 0);
	assert_string_equal(config_directories()[0], "/etc/netnsd");
	assert_string_equal(config_directories()[1], "/run/netnsd/transient");
	assert_int_equal(setenv("NETNSD_CONFIG_PATH", "/a:/b::/c", 1), 0);
	d = config_directories();
	assert_string_equal(d[0], "/a");
	assert_string_equal(d[2], "/c");
	assert_null(d[3]);
	assert_int_equal(unsetenv("NETNSD_CONFIG_PATH"), 0);
}

/* Every example that is shipped, together. (The plugins themselves see them in `netnsctl check`.) */
static void test_examples(void **state)
{
	const char *source = getenv("NETNSD_SRCDIR");
	struct scene *s = *state;
	static const char *const suffixes[] = {"netns", "container"};
	char pattern[512];
	glob_t found = {0};

	if (!source)
		skip();
	for (size_t i = 0; i < 2; i++) {
		snprintf(pattern, sizeof(pattern), "%s/conf/examples/*.%s", source, suffixes[i]);
		assert_int_equal(glob(pattern, i ? GLOB_APPEND : 0, NULL, &found), 0);
	}
	assert_true(found.gl_pathc >= 12);
	s->request.files = (const char *const *)found.gl_pathv;
	scene_load_good(s);
	globfree(&found);
	assert_string_equal(scene_netns(s, "upstream")->description, "Way out for the mirror");
	assert_string_equal(scene_find_link(s, "db", "to-web")->owner->name, "web");
	scene_expect(s, DIAG_WARNING, "nic.netns", "'eth0' is not declared", NULL);
	assert_int_equal(s->diags.count, 1);
	assert_int_equal(HASH_COUNT(s->desired->containers), 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_hit_wins),
		TEST(test_ignored_names),
		TEST(test_bad_names),
		TEST(test_masks),
		TEST(test_dropins),
		TEST(test_dropin_errors),
		TEST(test_templates),
		TEST(test_containers),
		TEST(test_container_names),
		TEST(test_no_good_file),
		TEST(test_garbage),
		TEST(test_access),
		TEST(test_unreadable_directory),
		TEST(test_given_files),
		TEST(test_examples),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests_name("config_files", tests, NULL, NULL);
}
