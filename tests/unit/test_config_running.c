/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object read from its files while all others stay as they run, whatever their files say by now. */
#include "config_load.h"

#include "desired_container.h"
#include "lib_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What runs: a pair from `a` to `b`, an instance of a template with a drop-in, a container in `a`. */
static struct desired *run_some(struct scene *s)
{
	struct desired *running;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nMTUBytes=1400\nPeerNamespace=b\nPeerName=to-a\n");
	scene_write(s, "run/transient/b.netns", "[Namespace]\nDescription=as it runs\n");
	scene_write(s, "etc/lab@.netns", "[Namespace]\nDescription=lab %i\n");
	scene_write(s, "etc/lab@1.netns.d/more.conf", "[Bridge br-%i]\n");
	scene_link(s, "lab@.netns", "etc/lab@1.netns");
	scene_write(s, "etc/a.container", "[Exec]\nParameters=/bin/true\n");
	scene_load_good(s);
	running = s->desired;
	s->desired = NULL;
	s->request.running = running;
	return running;
}

/* Everything that can be done to files that run, and some new ones. */
static void edit_all(struct scene *s)
{
	scene_write(s, "etc/a.netns", "[Veth eth0]\nMTUBytes=1300\n");
	assert_int_equal(unlink(scene_path(s, "run/transient/b.netns")), 0);
	scene_write(s, "etc/lab@.netns", "[Namespace]\nDescription=another lab\n");
	scene_write(s, "etc/lab@1.netns.d/zz.conf", "[Namespac]\n");
	scene_write(s, "etc/a.container", "[Exec\n");
	scene_write(s, "etc/later.netns", "[Bridge br0]\n");
	scene_write(s, "etc/wrong.netns", "[Bridg br0]\n");
	scene_write(s, "etc/later.container", "[Exec]\nParameters=/bin/true\n");
}

static void assert_as_it_ran(struct scene *s, const struct desired *running)
{
	static const char *const names[] = {"a", "b", "lab@1"};

	for (size_t i = 0; i < 3; i++) {
		const struct netns *was = desired_find(running, names[i]), *n = scene_netns(s, names[i]);

		assert_string_equal(n->text, was->text);
		assert_string_equal(n->origin.file, was->origin.file);
		assert_int_equal(n->transient, was->transient);
	}
	assert_string_equal(desired_find_container(s->desired, "a")->text,
			    desired_find_container(running, "a")->text);
	assert_null(desired_find(s->desired, "later"));
	assert_null(desired_find(s->desired, "wrong"));
	assert_null(desired_find_container(s->desired, "later"));
}

static void test_a_new_one(void **state)
{
	struct scene *s = *state;
	struct desired *running = run_some(s);

	edit_all(s);
	scene_write(s, "etc/new.netns", "[Veth eth0]\nPeerNamespace=b\nPeerName=to-new\n");
	s->request.only = "new.netns";
	scene_load_good(s);
	assert_as_it_ran(s, running);
	assert_string_equal(scene_find_link(s, "b", "to-new")->owner->name, "new");
	assert_int_equal(s->diags.count, 0);
	desired_unref(running);
}

static void test_an_edited_one(void **state)
{
	struct scene *s = *state;
	struct desired *running = run_some(s);

	scene_write(s, "run/transient/b.netns", "[Namespace]\nDescription=edited\n");
	scene_write(s, "etc/a.netns", "[Namespac]\n");
	s->request.only = "b.netns";
	scene_load_good(s);
	assert_string_equal(scene_netns(s, "b")->description, "edited");
	assert_true(netns_equal(desired_find(running, "a"), scene_netns(s, "a")));
	assert_true(netns_equal(desired_find(running, "lab@1"), scene_netns(s, "lab@1")));
	desired_unref(running);
}

static void test_one_that_goes(void **state)
{
	struct scene *s = *state;
	struct desired *running = run_some(s);

	s->request.only = "lab@1.netns";
	assert_int_equal(unlink(scene_path(s, "etc/lab@1.netns.d/more.conf")), 0);
	assert_int_equal(unlink(scene_path(s, "etc/lab@1.netns")), 0);
	assert_int_equal(unlink(scene_path(s, "etc/lab@.netns")), 0);
	scene_load_good(s);
	assert_null(desired_find(s->desired, "lab@1"));
	assert_non_null(desired_find(s->desired, "a"));
	/* What others need cannot go: they are missing, with an error. */
	s->request.only = "b.netns";
	assert_int_equal(unlink(scene_path(s, "run/transient/b.netns")), 0);
	scene_load(s);
	assert_null(desired_find(s->desired, "a"));
	scene_expect(s, DIAG_ERROR, "/etc/a.netns: [Veth eth0] PeerNamespace", "'b'", NULL);
	desired_unref(running);
}

static void test_errors(void **state)
{
	struct scene *s = *state;
	struct desired *running = run_some(s);

	edit_all(s);
	s->request.only = "new.netns";
	scene_write(s, "etc/new.netns", "[Veth eth0]\nPeerNamespace=later\n");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "/etc/new.netns:2: [Veth eth0] PeerNamespace",
		     "'later' cannot be used: its file has not been applied yet", NULL);
	assert_as_it_ran(s, running);
	/* The new one is to blame, by its name and place; lines of what runs are not known. */
	scene_write(s, "etc/new.netns", "[Veth eth0]\nPeerNamespace=b\nPeerName=to-a\n");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "/etc/new.netns:1: [Veth eth0]", "taken twice",
		     "/etc/a.netns [Veth eth0]", NULL);
	assert_as_it_ran(s, running);
	scene_write(s, "etc/0.netns", "[Veth eth0]\nPeerNamespace=b\nPeerName=to-a\n");
	s->request.only = "0.netns";
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "/etc/0.netns:1: [Veth eth0]", NULL);
	assert_as_it_ran(s, running);
	desired_unref(running);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_one),
		TEST(test_an_edited_one),
		TEST(test_one_that_goes),
		TEST(test_errors),
	};

	return cmocka_run_group_tests_name("config_running", tests, NULL, NULL);
}
