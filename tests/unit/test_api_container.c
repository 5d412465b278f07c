/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Container over containers that are played by the test: what is asked for, answered, told on the
 * way, and what becomes of it when somebody hangs up. */
#include "fake_manager.h"

#include <signal.h>
#include <time.h>

#define CALL(method, parameters)                                                                             \
	"{\"method\":\"io.netnsd.Container." method "\",\"parameters\":{" parameters "}}"
#define MORE(method, parameters)                                                                             \
	"{\"method\":\"io.netnsd.Container." method "\",\"more\":true,\"parameters\":{" parameters "}}"
#define ERROR(name, parameters) "{\"error\":\"io.netnsd.Container." name "\",\"parameters\":{" parameters "}}"
#define INVALID(name)                                                                                        \
	"{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"" name "\"}}"
#define WEB "\"name\":\"web\""

static const struct container_outcome fine;

static void finish(const struct container_outcome *outcome)
{
	asked.done(outcome, asked.data);
}

static void expect_nothing(void)
{
	char byte;

	pump();
	assert_int_equal(recv(client, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

/* --- what is asked --------------------------------------------------------------------------------- */

static void test_requests(void **state)
{
	static const struct {
		const char *call;
		enum container_verb verb;
		int signal;
		enum container_whom whom;
		const char *reply;
	} rows[] = {
		{CALL("Start", WEB), CONTAINER_VERB_START, 0, WHOM_LEADER,
		 "{\"parameters\":{\"state\":\"running\"}}"},
		{CALL("Stop", WEB ",\"allowInteractiveAuthentication\":true"), CONTAINER_VERB_STOP, 0,
		 WHOM_LEADER, "{\"parameters\":{\"state\":\"running\"}}"},
		{CALL("Restart", WEB), CONTAINER_VERB_RESTART, 0, WHOM_LEADER,
		 "{\"parameters\":{\"state\":\"running\"}}"},
		{CALL("ResetFailed", WEB), CONTAINER_VERB_RESET_FAILED, 0, WHOM_LEADER, "{}"},
		{CALL("Kill", WEB), CONTAINER_VERB_KILL, SIGTERM, WHOM_ALL, "{}"},
		{CALL("Kill", WEB ",\"signal\":\"HUP\",\"whom\":\"leader\""), CONTAINER_VERB_KILL, SIGHUP,
		 WHOM_LEADER, "{}"},
		{CALL("Kill", WEB ",\"signal\":\"9\",\"whom\":\"supervisor\""), CONTAINER_VERB_KILL, SIGKILL,
		 WHOM_SUPERVISOR, "{}"},
		{CALL("Kill", WEB ",\"signal\":null,\"whom\":\"all\""), CONTAINER_VERB_KILL, SIGTERM,
		 WHOM_ALL, "{}"},
	};

	(void)state;
	add_container("web", CONTAINER_RUNNING);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		asked.at_once = i % 2 ? &fine : NULL; /* both ways */
		say(rows[i].call);
		assert_int_equal(asked.started, i + 1);
		assert_string_equal(asked.name, "web");
		assert_int_equal(asked.request.verb, rows[i].verb);
		assert_int_equal(asked.request.signal, rows[i].signal);
		assert_int_equal(asked.request.whom, rows[i].whom);
		assert_null(asked.changed); /* nobody asked for more */
		if (!asked.at_once) {
			expect_nothing();
			finish(&fine);
		}
		expect(rows[i].reply);
	}
}

static void test_refusals(void **state)
{
	static const char *const rows[][2] = {
		{CALL("Start", ""), INVALID("name")},
		{CALL("Stop", "\"name\":3"), INVALID("name")},
		{CALL("Restart", WEB ",\"x\":1"), INVALID("x")},
		{CALL("Kill", WEB ",\"signal\":9"), INVALID("signal")},
		{CALL("Kill", WEB ",\"signal\":\"SIGNONE\""), INVALID("signal")},
		{CALL("Kill", WEB ",\"signal\":\"0\""), INVALID("signal")},
		{CALL("Kill", WEB ",\"signal\":\"65\""), INVALID("signal")},
		{CALL("Kill", WEB ",\"whom\":\"main\""), INVALID("whom")},
		{CALL("Kill", WEB ",\"whom\":\"\""), INVALID("whom")},
		{CALL("Describe", ""), INVALID("name")},
		{CALL("Wait", "\"names\":[]"), INVALID("names")},
		{CALL("List", ""), "{\"error\":\"org.varlink.service.ExpectedMore\"}"},
		{CALL("List", "\"name\":\"no\""), ERROR("NoSuchContainer", "\"name\":\"no\"")},
		{CALL("Describe", "\"name\":\"no\""), ERROR("NoSuchContainer", "\"name\":\"no\"")},
		{CALL("Wait", "\"name\":\"no\""), ERROR("NoSuchContainer", "\"name\":\"no\"")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		say(rows[i][0]);
		expect(rows[i][1]);
	}
	assert_int_equal(asked.started, 0);
}

static void test_failures(void **state)
{
	struct container_settings settings = {.origin = {.file = "/etc/netnsd/web.container"}};
	const struct {
		struct container_outcome outcome;
		const char *reply;
	} rows[] = {
		{{.failure = CONTAINER_NO_SUCH}, ERROR("NoSuchContainer", WEB)},
		{{.failure = CONTAINER_BAD_STATE, .error = {.code = -ESRCH, .text = "It does not run"}},
		 ERROR("BadState", WEB ",\"state\":\"auto-restart\",\"message\":\"It does not run\"")},
		{{.failure = CONTAINER_BAD_STATE}, ERROR("BadState", WEB ",\"state\":\"auto-restart\"")},
		{{.failure = CONTAINER_START_FAILED,
		  .error = {.code = -ENOENT, .text = "no root"},
		  .result = RESULT_RESOURCES},
		 ERROR("StartFailed", WEB ",\"result\":\"resources\",\"message\":\"no root\"")},
		{{.failure = CONTAINER_START_FAILED,
		  .error = {.code = -ECANCELED, .text = "too often"},
		  .result = RESULT_START_LIMIT},
		 ERROR("StartFailed", WEB ",\"result\":\"start-limit-hit\",\"message\":\"too often\"")},
		{{.failure = CONTAINER_BAD_CONFIGURATION, .error = {.code = -EBADMSG, .text = "bad key"}},
		 ERROR("BadConfiguration", "\"file\":\"/etc/netnsd/web.container\",\"message\":\"bad key\"")},
		{{.failure = CONTAINER_WAS_SKIPPED,
		  .error = {.code = -EPERM, .text = "ConditionCapability=x"}},
		 "{\"parameters\":{\"state\":\"auto-restart\",\"text\":\"in 1s\",\"skipped\":"
		 "\"ConditionCapability=x\"}}"},
	};
	struct container *c = add_container("web", CONTAINER_AUTO_RESTART);
	const struct container_outcome stopping = {.failure = CONTAINER_BAD_STATE};

	(void)state;
	c->settings = &settings;
	c->reason = (struct error){.code = -EAGAIN, .text = "in 1s"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		asked.at_once = i % 2 ? &rows[i].outcome : NULL;
		say(CALL("Start", WEB));
		if (!asked.at_once)
			finish(&rows[i].outcome);
		expect(rows[i].reply);
	}
	m.state = MANAGER_STOPPING;
	asked.at_once = &stopping;
	say(CALL("Start", WEB));
	expect(ERROR("BadState", WEB ",\"state\":\"stopping\""));
	remove_container(c);
	m.state = MANAGER_RUNNING;
	asked.at_once = &fine;
	say(CALL("Stop", WEB)); /* it was no longer declared, and went with its run */
	expect("{\"parameters\":{}}");
}

static void test_progress(void **state)
{
	struct container *c = add_container("web", CONTAINER_RUNNING);

	(void)state;
	say(MORE("Restart", WEB));
	assert_non_null(asked.changed);
	asked.changed(CONTAINER_STOP_SIGTERM, NULL, asked.data);
	asked.changed(CONTAINER_START_PRE, "waits for namespace 'web'", asked.data);
	expect("{\"parameters\":{\"state\":\"stop-sigterm\"},\"continues\":true}");
	expect("{\"parameters\":{\"state\":\"start-pre\",\"text\":\"waits for namespace 'web'\"},"
	       "\"continues\":true}");
	expect_nothing();
	finish(&fine);
	expect("{\"parameters\":{\"state\":\"running\"}}");
	c->s.state = CONTAINER_DEAD;
	say(MORE("Kill", WEB)); /* nothing comes before the answer */
	finish(&fine);
	expect("{}");
}

static void test_hangup_forgets(void **state)
{
	(void)state;
	say(CALL("Start", WEB));
	assert_int_equal(asked.forgotten, 0);
	close(client);
	pump();
	assert_int_equal(asked.forgotten, 1);
	client = connect_as(&root);
	say(MORE("Stop", WEB)); /* teardown frees the API under it */
	assert_int_equal(asked.started, 2);
}

static void test_privilege(void **state)
{
	static const struct varlink_peer operator= {.uid = 1000, .in_operator_group = true};
	static const char *const operate[] = {CALL("Start", WEB), CALL("Stop", WEB), CALL("Restart", WEB),
					      CALL("Kill", WEB), CALL("ResetFailed", WEB)};

	(void)state;
	add_container("web", CONTAINER_RUNNING);
	asked.at_once = &(struct container_outcome){.failure = CONTAINER_NO_SUCH};
	close(client);
	client = connect_as(&user);
	for (size_t i = 0; i < sizeof(operate) / sizeof(*operate); i++) {
		say(operate[i]);
		expect("{\"error\":\"org.varlink.service.PermissionDenied\"}");
	}
	assert_int_equal(asked.started, 0);
	say(CALL("Wait", WEB));
	expect("{\"parameters\":{\"state\":\"running\"}}");
	close(client);
	client = connect_as(&operator);
	for (size_t i = 0; i < sizeof(operate) / sizeof(*operate); i++) {
		say(operate[i]);
		expect(ERROR("NoSuchContainer", WEB));
	}
	assert_int_equal(asked.started, sizeof(operate) / sizeof(*operate));
}

/* --- Wait ------------------------------------------------------------------------------------------ */

static void publish(const char *container, enum event_object object, enum event_change change)
{
	struct notice n = {.netns = "web",
			   .container = container,
			   .object = object,
			   .change = change,
			   .cause = CAUSE_OURS,
			   .ifname = "",
			   .text = ""};

	notice_publish(&m.notices, &n);
}

static void test_wait(void **state)
{
	struct container *c = add_container("web", CONTAINER_DEAD);
	static const enum container_state waits[] = {CONTAINER_START_PRE, CONTAINER_START,
						     CONTAINER_AUTO_RESTART, CONTAINER_STOP_POST};

	(void)state;
	say(CALL("Wait", WEB));
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		c->s.state = waits[i];
		publish("web", EVENT_CONTAINER, EVENT_SET);
		expect_nothing();
	}
	c->s.state = CONTAINER_RUNNING;
	publish("other", EVENT_CONTAINER, EVENT_SET);
	publish(NULL, EVENT_NAMESPACE, EVENT_SET);
	expect_nothing();
	publish("web", EVENT_CONTAINER, EVENT_SET);
	expect("{\"parameters\":{\"state\":\"running\"}}");
	assert_null(m.notices.subscribers);
	c->s.state = CONTAINER_FAILED;
	c->reason = (struct error){.code = -EIO, .text = "why"};
	say(CALL("Wait", WEB));
	expect("{\"parameters\":{\"state\":\"failed\",\"text\":\"why\"}}");
	c->s.state = CONTAINER_DEAD;
	say(CALL("Wait", WEB));
	publish("web", EVENT_CONTAINER, EVENT_REMOVED);
	expect(ERROR("NoSuchContainer", WEB));
	say(CALL("Wait", WEB));
	close(client);
	pump();
	assert_null(m.notices.subscribers);
	client = connect_as(&root);
	say(CALL("Wait", WEB)); /* teardown frees the API under it */
	assert_non_null(m.notices.subscribers);
}

/* --- what there is ----------------------------------------------------------------------------------- */

static void test_bare_entry(void **state)
{
	(void)state;
	add_container("web", CONTAINER_DEAD)->since = 5;
	say(CALL("Describe", WEB));
	expect("{\"parameters\":{\"name\":\"web\",\"runtime\":{\"state\":\"dead\",\"since\":5,\"restarts\":0,"
	       "\"totalRestarts\":0,\"undeclared\":true}}}");
}

static const char *const full_context =
	"{\"namespace\":\"lan\",\"description\":\"A web server\",\"directory\":\"/srv/web\","
	"\"autoStart\":true,\"boot\":true,\"ephemeral\":false,\"notifyReady\":true,\"restart\":\"on-failure\""
	",\"after\":[\"db\"],\"requires\":[\"db\"],\"file\":\"/etc/netnsd/web.container\"";

static struct container *full(struct container_settings *s)
{
	static char *db[] = {(char *)"db", NULL};
	struct container *c = add_container("web", CONTAINER_RUNNING);

	*s = (struct container_settings){.netns = (char *)"lan",
					 .description = (char *)"A web server",
					 .directory = (char *)"/srv/web",
					 .autostart = true,
					 .boot = true,
					 .notify_ready = true,
					 .restart.when = RESTART_ON_FAILURE,
					 .after = db,
					 .requires = db,
					 .text = (char *)"[Container]\n",
					 .origin.file = "/etc/netnsd/web.container"};
	c->settings = s;
	c->since = 1700000000000000;
	c->s.result = RESULT_EXIT_CODE;
	c->s.exit_code = CLD_EXITED;
	c->s.exit_status = 7;
	c->s.restarts = 1;
	c->s.total_restarts = 3;
	strcpy(c->s.decision, "Restart=on-failure");
	c->pid = 41;
	c->leader = 42;
	c->health = HEALTH_UNHEALTHY;
	strcpy(c->health_text, "exited, status=1");
	strcpy(c->status_text, "Container running.");
	c->cgroup = (char *)"/counted";
	c->needs_restart = c->config_failed = true;
	comes_back = c;
	return c;
}

static void test_full_entry(void **state)
{
	static const char runtime[] =
		"\"runtime\":{\"state\":\"running\",\"since\":1700000000000000,\"result\":\"exit-code\","
		"\"exitCode\":\"exited\",\"exitStatus\":7,\"restartReason\":\"Restart=on-failure\","
		"\"restarts\":1,\"totalRestarts\":3,\"pid\":41,\"leader\":42,\"health\":\"unhealthy\","
		"\"healthText\":\"exited, status=1\",\"statusText\":\"Container running.\","
		"\"cgroup\":\"/counted\"";
	struct container_settings settings;
	struct container *c = full(&settings);
	char text[2048];

	(void)state;
	say(CALL("Describe", WEB));
	snprintf(text, sizeof(text),
		 "{\"parameters\":{\"name\":\"web\",\"context\":%s,\"text\":\"[Container]\\n\"},%s,"
		 "\"memoryCurrent\":4096,\"needsRestart\":true,\"comesBack\":true,\"configurationFailed\":"
		 "true}}}",
		 full_context, runtime);
	expect(text);
	say(CALL("List", WEB));
	snprintf(text, sizeof(text),
		 "{\"parameters\":{\"name\":\"web\",\"context\":%s,\"text\":\"[Container]\\n\"},%s,"
		 "\"needsRestart\":true,\"comesBack\":true,\"configurationFailed\":true}}}",
		 full_context, runtime);
	expect(text);
	close(client); /* the text is root's */
	client = connect_as(&user);
	c->cgroup = (char *)"/elsewhere"; /* where it is not counted, it is left out */
	c->needs_restart = c->config_failed = false;
	comes_back = NULL;
	say(CALL("Describe", WEB));
	snprintf(text, sizeof(text), "{\"parameters\":{\"name\":\"web\",\"context\":%s},%.*s/elsewhere\"}}}",
		 full_context, (int)(sizeof(runtime) - 1 - strlen("/counted\"")), runtime);
	expect(text);
	c->settings = NULL; /* no longer declared: what it runs with */
	c->running = &settings;
	say(CALL("Describe", WEB));
	snprintf(text, sizeof(text),
		 "{\"parameters\":{\"name\":\"web\",\"context\":%s},%.*s/elsewhere\",\"undeclared\":true}}}",
		 full_context, (int)(sizeof(runtime) - 1 - strlen("/counted\"")), runtime);
	expect(text);
}

static json_t *describe(void)
{
	char buffer[4096] = "";
	json_t *o;

	say(CALL("Describe", WEB));
	assert_true(recv(client, buffer, sizeof(buffer) - 1, 0) > 0);
	o = json_loads(buffer, 0, NULL);
	assert_non_null(o);
	return o;
}

static void test_next_restart(void **state)
{
	struct container *c = add_container("web", CONTAINER_AUTO_RESTART);
	struct timespec now, boot;
	json_t *o, *runtime;
	json_int_t in;

	(void)state;
	c->s.exit_code = CLD_KILLED;
	c->s.exit_status = SIGKILL;
	c->s.result = RESULT_SIGNAL;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	c->s.deadline = ((uint64_t)boot.tv_sec + 1000) * 1000000;
	o = describe();
	clock_gettime(CLOCK_REALTIME, &now);
	runtime = json_object_get(json_object_get(o, "parameters"), "runtime");
	in = json_integer_value(json_object_get(runtime, "nextRestartAt")) / 1000000 - now.tv_sec;
	assert_in_range(in, 900, 1001);
	assert_string_equal(json_string_value(json_object_get(runtime, "exitCode")), "killed");
	assert_int_equal(json_integer_value(json_object_get(runtime, "exitStatus")), SIGKILL);
	json_decref(o);
	c->s.state = CONTAINER_RUNNING; /* a deadline of something else */
	o = describe();
	runtime = json_object_get(json_object_get(o, "parameters"), "runtime");
	assert_null(json_object_get(runtime, "nextRestartAt"));
	json_decref(o);
}

static void test_list(void **state)
{
#define ENTRY(name)                                                                                          \
	"{\"parameters\":{\"name\":\"" name "\",\"runtime\":{\"state\":\"dead\",\"since\":0,"                \
	"\"restarts\":0,\"totalRestarts\":0,\"undeclared\":true}}"
	(void)state;
	say(MORE("List", ""));
	expect(ERROR("NoSuchContainer", "\"name\":\"\""));
	add_container("web", CONTAINER_DEAD);
	add_container("db", CONTAINER_DEAD);
	say(MORE("List", ""));
	expect(ENTRY("db") ",\"continues\":true}");
	expect(ENTRY("web") "}");
}

static void test_counts(void **state)
{
	static const enum container_state states[] = {
		CONTAINER_RUNNING,	CONTAINER_START_PRE, CONTAINER_START,	     CONTAINER_STOP_SIGTERM,
		CONTAINER_STOP_SIGKILL, CONTAINER_STOP_POST, CONTAINER_AUTO_RESTART, CONTAINER_FAILED,
		CONTAINER_SKIPPED,	CONTAINER_DEAD,	     CONTAINER_RUNNING};
	char buffer[4096] = "", name[4] = "a";
	json_t *o;

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++, name[0]++)
		add_container(name, states[i]);
	say("{\"method\":\"io.netnsd.Manager.Describe\"}");
	assert_true(recv(client, buffer, sizeof(buffer) - 1, 0) > 0);
	o = json_loads(buffer, 0, NULL);
	assert_non_null(o);
	char *text = json_dumps(json_object_get(json_object_get(o, "parameters"), "containers"),
				JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"dead\":1,\"failed\":1,\"restarting\":1,\"running\":2,\"skipped\":1,"
				  "\"starting\":2,\"stopping\":3,\"total\":11}");
	free(text);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests),	 TEST(test_refusals),	    TEST(test_failures),
		TEST(test_progress),	 TEST(test_hangup_forgets), TEST(test_privilege),
		TEST(test_wait),	 TEST(test_bare_entry),	    TEST(test_full_entry),
		TEST(test_next_restart), TEST(test_list),	    TEST(test_counts),
	};

	return cmocka_run_group_tests_name("api_container", tests, make_directory, remove_directory);
}
