/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The API over a manager that is played by the test: what becomes of requests, results, failures,
 * progress and hang-ups; the table of methods against the interface texts. */
#include "fake_manager.h"

static void finish(const struct operation_result *result)
{
	played.done(result, played.data);
}

/* --- operations ----------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
	static const struct operation_result fine;
	static const struct {
		const char *call;
		enum operation_type type;
		const char *name, *settings;
	} rows[] = {
		{"io.netnsd.Manager.Plan\"", OPERATION_PLAN, NULL, NULL},
		{"io.netnsd.Manager.Apply\"", OPERATION_APPLY, NULL, NULL},
		{"io.systemd.service.Reload\"", OPERATION_APPLY, NULL, NULL},
		{"io.netnsd.Namespace.Up\",\"parameters\":{\"name\":\"a\",\"allowInteractiveAuthentication\":"
		 "true}",
		 OPERATION_UP, "a", NULL},
		{"io.netnsd.Namespace.Down\",\"parameters\":{\"name\":\"a\"}", OPERATION_DOWN, "a", NULL},
		{"io.netnsd.Namespace.Down\",\"parameters\":{\"all\":true}", OPERATION_DOWN, NULL, NULL},
		{"io.netnsd.Namespace.Down\",\"parameters\":{\"name\":\"a\",\"all\":false}", OPERATION_DOWN,
		 "a", NULL},
		{"io.netnsd.Namespace.Delete\",\"parameters\":{\"name\":\"a\"}", OPERATION_DELETE, "a", NULL},
		{"io.netnsd.Namespace.Add\",\"parameters\":{\"name\":\"a\",\"settings\":[\"x.y=1\",\"z=\"]}",
		 OPERATION_ADD, "a", "x.y=1|z="},
		{"io.netnsd.Namespace.Wait\"", OPERATION_WAIT, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[300];

		snprintf(text, sizeof(text), "{\"method\":\"%s}", rows[i].call);
		say(text);
		assert_int_equal(played.started, i + 1);
		assert_int_equal(played.request.type, rows[i].type);
		assert_true(str_equal(played.name, rows[i].name));
		assert_true(str_equal(played.settings, rows[i].settings));
		assert_null(played.progress); /* nobody asked for more */
		finish(&fine);
		expect(rows[i].type == OPERATION_PLAN || i == 1
			       ? "{\"parameters\":{\"actions\":[],\"diagnostics\":[]}}"
			       : "{}");
	}
}

static void test_apply_parameters(void **state)
{
	static const struct operation_result fine = {.waiting = true};
	struct operation_failed failed = {.netns = (char *)"one", .error = {.code = -EEXIST, .text = "x"}};
	struct operation_result back = {.failure = FAILURE_APPLY,
					.failed = &failed,
					.n_failed = 1,
					.error = {.code = -ECANCELED, .text = "All was put back"}};
	static const char *const refused[] = {"0", "999999", "-1", "86400000001"};

	(void)state;
	say("{\"method\":\"io.netnsd.Manager.Apply\",\"parameters\":{\"atomic\":true,\"confirmUsec\":"
	    "86400000000}}");
	assert_true(played.request.atomic);
	assert_int_equal(played.request.confirm, CHECKPOINT_SPAN_MAX);
	assert_false(played.request.restart);
	finish(&fine);
	expect("{\"parameters\":{\"actions\":[],\"diagnostics\":[],\"waiting\":true}}");
	say("{\"method\":\"io.netnsd.Manager.Apply\",\"parameters\":{\"atomic\":false,\"confirmUsec\":null}"
	    "}");
	assert_false(played.request.atomic || played.request.confirm);
	finish(&back);
	expect("{\"error\":\"io.netnsd.Manager.ApplyFailed\",\"parameters\":{\"failures\":[{\"namespace\":"
	       "\"one\","
	       "\"errnoName\":\"EEXIST\",\"message\":\"x\"}],\"actions\":[],\"diagnostics\":[],"
	       "\"message\":\"All was put back\"}}");
	say("{\"method\":\"io.netnsd.Manager.Apply\",\"parameters\":{\"restart\":true}}");
	assert_true(played.request.restart);
	finish(&fine);
	expect("{\"parameters\":{\"actions\":[],\"diagnostics\":[],\"waiting\":true}}");
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "{\"method\":\"io.netnsd.Manager.Apply\",\"parameters\":{\"confirmUsec\":%s}}",
			 refused[i]);
		say(text);
		expect("{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
		       "\"confirmUsec\"}}");
	}
}

static void test_confirm(void **state)
{
	(void)state;
	say("{\"method\":\"io.netnsd.Manager.Confirm\"}");
	expect("{}");
	confirm_result = -ENOENT;
	say("{\"method\":\"io.netnsd.Manager.Confirm\"}");
	expect("{\"error\":\"io.netnsd.Manager.NothingToConfirm\",\"parameters\":{\"message\":\"not now\"}}");
	confirm_result = -EBUSY;
	say("{\"method\":\"io.netnsd.Manager.Confirm\"}");
	expect("{\"error\":\"io.netnsd.Manager.BadState\",\"parameters\":{\"state\":\"running\",\"message\":"
	       "\"not now\"}}");
	confirm_result = 0;
}

/* Who asks for another program is answered by that, or told later why there is none; meanwhile no call is
 * taken. */
static void test_reexec(void **state)
{
	struct error late = {.code = -EBUSY, .text = "too slow"};
	char byte;

	(void)state;
	reexec_result = -ENOENT;
	say("{\"method\":\"io.netnsd.Manager.Reexec\"}");
	expect("{\"error\":\"io.netnsd.Manager.ReexecFailed\",\"parameters\":{\"message\":\"not "
	       "executed\"}}");
	reexec_result = 0;
	say("{\"method\":\"io.netnsd.Manager.Reexec\"}");
	pump();
	assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1); /* not yet */
	reexec_refused(&late, reexec_data);
	expect("{\"error\":\"io.netnsd.Manager.ReexecFailed\",\"parameters\":{\"message\":\"too slow\"}}");
	say("{\"method\":\"io.systemd.service.Ping\"}");
	expect("{}");
}

static void test_wait_names(void **state)
{
	static const struct operation_result fine;

	(void)state;
	say("{\"method\":\"io.netnsd.Namespace.Wait\",\"parameters\":{\"names\":[]}}");
	assert_non_null(played.request.names); /* none is not all */
	finish(&fine);
	expect("{}");
	say("{\"method\":\"io.netnsd.Namespace.Wait\",\"parameters\":{\"names\":null}}");
	assert_null(played.request.names);
	finish(&fine);
	expect("{}");
}

static void test_apply_result(void **state)
{
	struct operation_line lines[] = {
		{SIGN_CREATE, (char *)"one", (char *)"veth eth0", (char *)"not there"},
		{SIGN_REMOVE, (char *)"two", (char *)"namespace", NULL}};
	struct diag warning = {
		.severity = DIAG_WARNING, .object = (char *)"one.netns", .message = (char *)"m"};
	struct operation_result result = {
		.lines = lines, .n_lines = 2, .diags = {.items = &warning, .count = 1, .dropped = 3}};

	(void)state;
	say("{\"method\":\"io.netnsd.Manager.Apply\",\"more\":true}");
	played.progress(1, 7, played.data);
	played.progress(2, 7, played.data); /* too soon after the first */
	finish(&result);
	expect("{\"parameters\":{\"done\":1,\"total\":7},\"continues\":true}");
	expect("{\"parameters\":{\"actions\":["
	       "{\"operation\":\"create\",\"namespace\":\"one\",\"text\":\"veth eth0\",\"reason\":\"not "
	       "there\"},"
	       "{\"operation\":\"remove\",\"namespace\":\"two\",\"text\":\"namespace\"}],"
	       "\"diagnostics\":[{\"severity\":\"warning\",\"object\":\"one.netns\",\"message\":\"m\"},"
	       "{\"severity\":\"error\",\"message\":\"There are 3 more errors and warnings\"}]}}");
}

static void test_manager_failures(void **state)
{
	struct diag diags[] = {{.severity = DIAG_WARNING, .message = (char *)"w"},
			       {.severity = DIAG_ERROR,
				.file = (char *)"/etc/netnsd/a.netns",
				.line = 3,
				.section = (char *)"Veth eth0",
				.key = (char *)"Colour",
				.message = (char *)"unknown"}};
	struct operation_failed failed = {.netns = (char *)"one",
					  .action = (char *)"veth eth0",
					  .error = {.code = -EEXIST, .text = "File exists"}};
	struct operation_result bad = {.failure = FAILURE_BAD_CONFIGURATION,
				       .diags = {.items = diags, .count = 2, .errors = 1}},
				apply = {.failure = FAILURE_APPLY, .failed = &failed, .n_failed = 1},
				early = {.failure = FAILURE_APPLY,
					 .error = {.code = -ENOMEM, .text = "No memory"}};

	(void)state;
	say("{\"method\":\"io.netnsd.Manager.Apply\"}");
	finish(&bad);
	expect("{\"error\":\"io.netnsd.Manager.BadConfiguration\",\"parameters\":{\"file\":\"/etc/netnsd/"
	       "a.netns\","
	       "\"line\":3,\"key\":\"Colour\",\"message\":\"unknown\",\"diagnostics\":["
	       "{\"severity\":\"warning\",\"message\":\"w\"},"
	       "{\"severity\":\"error\",\"file\":\"/etc/netnsd/a.netns\",\"line\":3,\"section\":\"Veth "
	       "eth0\","
	       "\"key\":\"Colour\",\"message\":\"unknown\"}]}}");
	say("{\"method\":\"io.systemd.service.Reload\"}");
	finish(&apply);
	expect("{\"error\":\"io.netnsd.Manager.ApplyFailed\",\"parameters\":{\"failures\":[{\"namespace\":"
	       "\"one\","
	       "\"action\":\"veth eth0\",\"errnoName\":\"EEXIST\",\"message\":\"File exists\"}],"
	       "\"actions\":[],\"diagnostics\":[]}}");
	say("{\"method\":\"io.netnsd.Manager.Plan\"}");
	finish(&early);
	expect("{\"error\":\"io.netnsd.Manager.ApplyFailed\",\"parameters\":{\"failures\":[{\"namespace\":"
	       "\"\","
	       "\"errnoName\":\"ENOMEM\",\"message\":\"No memory\"}],\"actions\":[],\"diagnostics\":[]}}");
	played.refuse = -ESHUTDOWN;
	m.state = MANAGER_STOPPING;
	say("{\"method\":\"io.netnsd.Manager.Apply\"}");
	expect("{\"error\":\"io.netnsd.Manager.BadState\",\"parameters\":{\"state\":\"stopping\","
	       "\"message\":\"The daemon is stopping\"}}");
	played.refuse = -ENOMEM;
	say("{\"method\":\"io.netnsd.Manager.Apply\"}");
	expect("{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\",\"errnoName\":"
	       "\"ENOMEM\","
	       "\"errno\":12}}");
}

static void test_namespace_failures(void **state)
{
	static const struct {
		enum operation_failure failure;
		const char *reply;
	} rows[] = {
		{FAILURE_NO_SUCH_NAMESPACE, "NoSuchNamespace\",\"parameters\":{\"name\":\"a\"}}"},
		{FAILURE_EXISTS, "NamespaceExists\",\"parameters\":{\"name\":\"a\",\"message\":\"why\"}}"},
		{FAILURE_NOT_OURS, "NotOurs\",\"parameters\":{\"name\":\"a\",\"message\":\"why\"}}"},
		{FAILURE_BAD_STATE,
		 "BadState\",\"parameters\":{\"name\":\"a\",\"state\":\"removing\",\"message\":\"why\"}}"},
		{FAILURE_BAD_CONFIGURATION, "BadConfiguration\",\"parameters\":{\"message\":\"why\"}}"},
		{FAILURE_APPLY, "ActionFailed\",\"parameters\":{\"name\":\"a\",\"errnoName\":\"EBUSY\","
				"\"message\":\"why\"}}"},
	};
	struct operation_failed failed = {
		.netns = (char *)"b", .action = (char *)"+ x", .error = {.code = -EPERM, .text = "denied"}};
	struct operation_result several = {.failure = FAILURE_APPLY, .failed = &failed, .n_failed = 1};

	(void)state;
	add_unit("a", NETNS_REMOVING);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct operation_result result = {.failure = rows[i].failure,
						  .error = {.code = -EBUSY, .text = "why"}};
		char text[200];

		played.at_once = i % 2 ? &result : NULL; /* both ways */
		say("{\"method\":\"io.netnsd.Namespace.Up\",\"parameters\":{\"name\":\"a\"}}");
		if (!played.at_once)
			finish(&result);
		snprintf(text, sizeof(text), "{\"error\":\"io.netnsd.Namespace.%s", rows[i].reply);
		expect(text);
	}
	played.at_once = NULL;
	say("{\"method\":\"io.netnsd.Namespace.Down\",\"parameters\":{\"all\":true}}");
	finish(&several);
	expect("{\"error\":\"io.netnsd.Namespace.ActionFailed\",\"parameters\":{\"name\":\"b\",\"action\":\"+"
	       " x\","
	       "\"errnoName\":\"EPERM\",\"message\":\"denied\"}}");
}

static void test_holders(void **state)
{
	pid_t holders[] = {2147483647}; /* has gone */
	struct operation_result result = {.holders = holders, .n_holders = 1};

	(void)state;
	say("{\"method\":\"io.netnsd.Namespace.Delete\",\"parameters\":{\"name\":\"a\"}}");
	finish(&result);
	expect("{\"parameters\":{\"holders\":[{\"pid\":2147483647}]}}");
}

static void test_hangup_forgets(void **state)
{
	(void)state;
	say("{\"method\":\"io.netnsd.Namespace.Wait\"}");
	assert_int_equal(played.forgotten, 0);
	close(client);
	pump();
	assert_int_equal(played.forgotten, 1);
	client = connect_as(&root);
	say("{\"method\":\"io.netnsd.Namespace.Wait\"}"); /* teardown frees the API under it */
	assert_int_equal(played.started, 2);
}

/* --- parameters and privilege ----------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	static const char *const rows[][2] = {
		{"io.netnsd.Namespace.Down\"", "name"},
		{"io.netnsd.Namespace.Down\",\"parameters\":{\"name\":\"a\",\"all\":true}", "all"},
		{"io.netnsd.Namespace.Up\"", "name"},
		{"io.netnsd.Namespace.Up\",\"parameters\":{\"name\":\"a\",\"x\":1}", "x"},
		{"io.netnsd.Namespace.Add\",\"parameters\":{\"name\":\"a\",\"settings\":\"x\"}", "settings"},
		{"io.netnsd.Namespace.Describe\",\"parameters\":{\"name\":null}", "name"},
		{"io.netnsd.Namespace.Wait\",\"parameters\":{\"names\":[1]}", "names"},
		{"io.netnsd.Namespace.List\",\"parameters\":{\"names\":\"a\"}", "names"},
		{"io.netnsd.Manager.Describe\",\"parameters\":{\"a\":1}", "a"},
		{"io.netnsd.Manager.Plan\",\"parameters\":{\"a\":1}", "a"},
		{"io.netnsd.Manager.Apply\",\"parameters\":{\"allowInteractiveAuthentication\":1}",
		 "allowInteractiveAuthentication"},
		{"io.systemd.service.SetLogLevel\",\"parameters\":{\"level\":8}", "level"},
		{"io.systemd.service.SetLogLevel\",\"parameters\":{\"level\":-1}", "level"},
		{"io.systemd.service.SetLogLevel\",\"parameters\":{\"level\":\"debug\"}", "level"},
		{"io.systemd.service.Ping\",\"parameters\":{\"a\":null}", "a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[300];

		snprintf(text, sizeof(text), "{\"method\":\"%s}", rows[i][0]);
		say(text);
		snprintf(text, sizeof(text),
			 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
			 "\"%s\"}}",
			 rows[i][1]);
		expect(text);
	}
	say("{\"method\":\"io.netnsd.Namespace.List\"}");
	expect("{\"error\":\"org.varlink.service.ExpectedMore\"}");
	assert_int_equal(played.started, 0);
}

static void test_bad_names(void **state)
{
	(void)state;
	say("{\"method\":\"io.netnsd.Namespace.Add\",\"parameters\":{\"name\":\"../x\"}}");
	expect("{\"error\":\"io.netnsd.Namespace.BadConfiguration\",\"parameters\":{\"message\":"
	       "\"'../x' cannot be the name of a namespace: expected 1 to 200 letters, digits and -_.:+@, "
	       "the "
	       "first of them neither . nor -\"}}");
	assert_int_equal(played.started, 0);
}

/* The table of methods is that of the interface texts; what changes something is root's. */
static void check_method(const char *interface, const char *name, size_t length)
{
	static const char *const everybody[] = {
		"io.netnsd.Manager.Describe",	 "io.netnsd.Manager.Subscribe",	 "io.netnsd.Namespace.List",
		"io.netnsd.Namespace.Describe",	 "io.netnsd.Namespace.Wait",	 "io.systemd.service.Ping",
		"io.netnsd.Container.List",	 "io.netnsd.Container.Describe", "io.netnsd.Container.Wait",
		"io.systemd.service.GetLogLevel"};
	static const char *const operators[] = {"io.netnsd.Container.Start", "io.netnsd.Container.Stop",
						"io.netnsd.Container.Restart", "io.netnsd.Container.Kill",
						"io.netnsd.Container.ResetFailed"};
	const struct varlink_method *method = api->server->options.methods;
	char full[100];
	unsigned privilege = PRIVILEGE_ADMIN;

	snprintf(full, sizeof(full), "%s.%.*s", interface, (int)length, name);
	while (method->name && strcmp(method->name, full) != 0)
		method++;
	if (!method->name)
		fail_msg("%s is in the text, but not in the table", full);
	for (size_t i = 0; i < sizeof(everybody) / sizeof(*everybody); i++)
		if (strcmp(full, everybody[i]) == 0)
			privilege = PRIVILEGE_READ;
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (strcmp(full, operators[i]) == 0)
			privilege = PRIVILEGE_OPERATE;
	assert_int_equal(method->privilege, privilege);
}

static void test_table_is_the_text(void **state)
{
	const struct varlink_interface *i = api->server->options.interfaces;
	unsigned in_texts = 0, in_table = 0;

	(void)state;
	for (; i->name; i++) {
		assert_non_null(strstr(i->description, i->name));
		for (const char *p = i->description; (p = strstr(p, "\nmethod ")) != NULL; in_texts++) {
			p += strlen("\nmethod ");
			check_method(i->name, p, strcspn(p, "("));
		}
	}
	for (const struct varlink_method *method = api->server->options.methods; method->name; method++)
		in_table++;
	assert_int_equal(in_texts, in_table);
}

static void test_privilege(void **state)
{
	(void)state;
	close(client);
	client = connect_as(&user);
	say("{\"method\":\"io.netnsd.Namespace.Down\",\"parameters\":{\"all\":true}}");
	expect("{\"error\":\"org.varlink.service.PermissionDenied\"}");
	say("{\"method\":\"io.netnsd.Namespace.Down\",\"parameters\":{\"nonsense\":true}}"); /* says no more
											      */
	expect("{\"error\":\"org.varlink.service.PermissionDenied\"}");
	say("{\"method\":\"io.systemd.service.Ping\"}");
	expect("{}");
	assert_int_equal(played.started, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_wait_names),
		TEST(test_apply_parameters),
		TEST(test_confirm),
		TEST(test_reexec),
		TEST(test_apply_result),
		TEST(test_manager_failures),
		TEST(test_namespace_failures),
		TEST(test_holders),
		TEST(test_hangup_forgets),
		TEST(test_refusals),
		TEST(test_bad_names),
		TEST(test_table_is_the_text),
		TEST(test_privilege),
	};

	return cmocka_run_group_tests_name("api", tests, make_directory, remove_directory);
}
