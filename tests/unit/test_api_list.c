/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the API says of namespaces and of the daemon, and the stream of List, over a manager that is
 * played by the test. */
#include "fake_manager.h"

#define ENTRY_CONFIGURED ",\"runtime\":{\"state\":\"configured\",\"since\":0}"

/* --- what there is ------------------------------------------------------------------------------------ */

static void test_one_entry(void **state)
{
	static const char *const names[] = {"known", "od\xff", "a\\b", NULL};
	struct unit *u = add_unit("known", NETNS_PENDING);
	char *waits[] = {(char *)"bridge br0 on the host", NULL}, *dns[] = {(char *)"10.0.0.1", NULL};
	struct netns n = {.name = (char *)"known",
			  .autostart = true,
			  .loopback = true,
			  .dns = dns,
			  .n_links = 2,
			  .text = (char *)"[Namespace]\n",
			  .origin = {.file = "/etc/netnsd/known.netns"}};

	(void)state;
	foreign = names;
	u->netns = &n;
	u->waits_for = waits;
	u->reason = (struct error){.code = -ENODEV, .text = "waits"};
	u->inode = 4026531840;
	u->cookie = 7;
	u->nsid = 2000000000;
	u->since = 1700000000000000;
	u->config_failed = true;
	say("{\"method\":\"io.netnsd.Namespace.List\",\"parameters\":{\"name\":\"known\"}}");
	expect("{\"parameters\":{\"name\":\"known\",\"context\":{\"host\":false,\"adopt\":false,"
	       "\"autoStart\":true,"
	       "\"loopback\":true,\"dns\":[\"10.0.0.1\"],"
	       "\"transient\":false,\"file\":\"/etc/netnsd/known.netns\",\"text\":\"[Namespace]\\n\"},"
	       "\"runtime\":{\"state\":\"pending\",\"reason\":\"waits\",\"waitsFor\":[\"bridge br0 on the "
	       "host\"],"
	       "\"since\":1700000000000000,\"inode\":4026531840,\"cookie\":7,\"nsid\":2000000000,\"links\":2,"
	       "\"configurationFailed\":true}}}");
	say("{\"method\":\"io.netnsd.Namespace.List\",\"parameters\":{\"name\":\"od\\\\xff\"}}");
	expect("{\"parameters\":{\"name\":\"od\\\\xff\",\"runtime\":{\"state\":\"foreign\"}}}");
	say("{\"method\":\"io.netnsd.Namespace.List\",\"parameters\":{\"name\":\"none\"}}");
	expect("{\"error\":\"io.netnsd.Namespace.NoSuchNamespace\",\"parameters\":{\"name\":\"none\"}}");
	u->waits_for = NULL;
	u->netns = NULL;
}

static void test_list(void **state)
{
	static const char *const names[] = {"zeta", "b", "outside", NULL};

	(void)state;
	say("{\"method\":\"io.netnsd.Namespace.List\",\"more\":true}");
	expect("{\"error\":\"io.netnsd.Namespace.NoSuchNamespace\",\"parameters\":{\"name\":\"\"}}");
	add_unit("b", NETNS_CONFIGURED);
	add_unit("a", NETNS_CONFIGURED);
	foreign = names; /* b is one of ours */
	say("{\"method\":\"io.netnsd.Namespace.List\",\"more\":true}");
	expect("{\"parameters\":{\"name\":\"a\"" ENTRY_CONFIGURED "},\"continues\":true}");
	expect("{\"parameters\":{\"name\":\"b\"" ENTRY_CONFIGURED "},\"continues\":true}");
	expect("{\"parameters\":{\"name\":\"outside\",\"runtime\":{\"state\":\"foreign\"}},\"continues\":"
	       "true}");
	expect("{\"parameters\":{\"name\":\"zeta\",\"runtime\":{\"state\":\"foreign\"}}}");
}

/* Some go while the list is on its way; the last reply is the last one all the same. */
static void test_long_list(void **state)
{
	struct varlink_buffer *out = &api->server->connections->out;
	char name[16], buffer[65536];
	struct unit *u, *next;
	unsigned replies = 0, finals = 0;
	ssize_t n;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%05u", i);
		add_unit(name, NETNS_CONFIGURED);
	}
	say("{\"method\":\"io.netnsd.Namespace.List\",\"more\":true}");
	for (unsigned i = 0; i < 100; i++)
		pump();
	assert_in_range(out->length, 1, VARLINK_OUTPUT_HIGH + 65536); /* waits for its reader */
	HASH_ITER (hh, m.units, u, next)
		if (strcmp(u->name, "n19000") >= 0) {
			HASH_DEL(m.units, u);
			free(u->name);
			free(u);
		}
	for (unsigned idle = 0; idle < 10;) {
		pump();
		n = recv(client, buffer, sizeof(buffer), 0);
		idle = n > 0 ? 0 : idle + 1;
		for (ssize_t i = 0; i < n; i++) {
			replies += buffer[i] == '\0';
			finals += buffer[i] == '\0' && i >= 2 && memcmp(buffer + i - 2, "}}", 2) == 0;
		}
	}
	assert_int_equal(replies, 19000);
	assert_int_equal(finals, 1); /* the others end in "continues":true} */
}

static void test_list_is_not_read(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%05u", i);
		add_unit(name, NETNS_CONFIGURED);
	}
	say("{\"method\":\"io.netnsd.Namespace.List\",\"more\":true}");
	close(client); /* what was under way is freed: the address sanitizer sees to it */
	pump();
	client = connect_as(&root);
	say("{\"method\":\"io.systemd.service.Ping\"}");
	expect("{}");
}

static void test_manager_describe(void **state)
{
	struct netns implicit = {.implicit = true};
	json_t *o;
	char buffer[4096] = "";

	(void)state;
	add_unit("host", NETNS_CONFIGURED)->netns = &implicit;
	add_unit("a", NETNS_CONFIGURED);
	add_unit("b", NETNS_FAILED);
	say("{\"method\":\"io.netnsd.Manager.Describe\"}");
	assert_true(recv(client, buffer, sizeof(buffer) - 1, 0) > 0);
	o = json_loads(buffer, 0, NULL);
	assert_non_null(o);
	json_t *p = json_object_get(o, "parameters");
	assert_int_equal(json_integer_value(json_object_get(p, "total")), 2);
	assert_int_equal(json_integer_value(json_object_get(p, "configured")), 1);
	assert_int_equal(json_integer_value(json_object_get(p, "failed")), 1);
	assert_int_equal(json_integer_value(json_object_get(p, "down")), 0);
	assert_string_equal(json_string_value(json_object_get(p, "state")), "running");
	assert_int_equal(json_integer_value(json_object_get(p, "pid")), getpid());
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_entry),	     TEST(test_list),
		TEST(test_long_list),	     TEST(test_list_is_not_read),
		TEST(test_manager_describe),
	};

	return cmocka_run_group_tests_name("api_list", tests, make_directory, remove_directory);
}
