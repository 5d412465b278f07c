/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscribe over a manager that is played by the test: in which order state, ready and changes go out, what
 * is held back while a worker looks, and who is cut off. */
#include "fake_manager.h"

#define SUBSCRIBE     "{\"method\":\"io.netnsd.Manager.Subscribe\",\"more\":true}"
#define SUBSCRIBE_(p) "{\"method\":\"io.netnsd.Manager.Subscribe\",\"more\":true,\"parameters\":{" p "}}"
#define MORE(p)	      "{\"parameters\":{" p "},\"continues\":true}"
#define READY(n)      MORE("\"ready\":true,\"sequence\":" n)
#define RESYNC(n)     MORE("\"resync\":true,\"sequence\":" n)
#define STATE(name, text)                                                                                    \
	MORE("\"namespace\":\"" name "\",\"object\":\"namespace\",\"change\":\"present\",\"text\":\"" text   \
	     "\"")
#define LINK_STATE(name)                                                                                     \
	MORE("\"namespace\":\"" name "\",\"object\":\"link\",\"change\":\"present\",\"interface\":\"eth0\"," \
	     "\"text\":\"link eth0 (veth, mtu 1400, up, no carrier)\"")

static const struct actual_link eth0 = {
	.ifindex = 1, .name = "eth0", .flags = IFF_UP, .mtu = 1400, .has_kind = true, .kind = "veth"};

/* What a look found, to be taken once. */
static const struct operation_result *found_links(size_t n)
{
	static struct operation_result result;

	result = (struct operation_result){.actual = calloc(1, sizeof(*result.actual)),
					   .take = &result.actual};
	result.actual->links = calloc(n, sizeof(*result.actual->links));
	result.actual->n_links = n;
	for (size_t i = 0; i < n; i++) {
		result.actual->links[i] = eth0;
		result.actual->links[i].ifindex = (int)i + 1;
	}
	return &result;
}

static const struct operation_result *found(void)
{
	return found_links(1);
}

/* --- helpers ---------------------------------------------------------------------------------------- */

static void publish(const char *netns, const char *text)
{
	struct notice n = {.netns = netns,
			   .object = EVENT_LINK,
			   .change = EVENT_SET,
			   .cause = CAUSE_FOREIGN,
			   .ifname = "eth0",
			   .text = text,
			   .pid = 7};

	notice_publish(&m.notices, &n);
}

/* Without its time, which is the only part that the test cannot know. */
static void expect_from(int fd, const char *text)
{
	char buffer[8192] = "", *time, *end;
	size_t n = 0;

	pump();
	while (n < sizeof(buffer) - 1 && recv(fd, buffer + n, 1, 0) == 1 && buffer[n] != '\0')
		n++;
	time = strstr(buffer, "\"time\":");
	end = time ? strchr(time, ',') : NULL;
	if (end)
		memmove(time, end + 1, strlen(end));
	assert_string_equal(buffer, text);
}

static void expect_change(int fd, const char *sequence, const char *netns, const char *text)
{
	char expected[512];

	snprintf(expected, sizeof(expected),
		 MORE("\"sequence\":%s,\"namespace\":\"%s\",\"object\":\"link\",\"change\":\"set\","
		      "\"cause\":\"foreign\",\"interface\":\"eth0\",\"text\":\"%s\",\"pid\":7"),
		 sequence, netns, text);
	expect_from(fd, expected);
}

static void expect_nothing(int fd)
{
	char byte;

	pump();
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void expect_end(int fd)
{
	char buffer[65536];
	ssize_t n;

	do {
		pump();
		n = recv(fd, buffer, sizeof(buffer), 0);
	} while (n > 0);
	assert_int_equal(n, 0);
}

static void say_to(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
	pump();
}

/* The worker has looked. */
static void looked(const struct operation_result *result)
{
	played.done(result, played.data);
	if (result->take)
		actual_free(*result->take); /* not taken */
	pump();
}

static struct unit *find(const char *name)
{
	return manager_find_unit(&m, name);
}

/* --- the tests ---------------------------------------------------------------------------------------- */

static void test_wrong_calls(void **state)
{
	(void)state;
	say("{\"method\":\"io.netnsd.Manager.Subscribe\"}");
	expect("{\"error\":\"org.varlink.service.ExpectedMore\"}");
	say(SUBSCRIBE_("\"name\":\"a\""));
	expect("{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"name\"}"
	       "}");
	say(SUBSCRIBE_("\"names\":\"a\""));
	expect("{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"names\"}"
	       "}");
	assert_null(m.notices.subscribers);
}

static void test_order(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	add_unit("b", NETNS_DOWN)->fd = -1;
	publish("a", "before");
	say(SUBSCRIBE);
	assert_int_equal(played.started, 1);
	assert_int_equal(played.request.type, OPERATION_DESCRIBE);
	assert_true(played.request.quick);
	assert_string_equal(played.name, "a");
	publish("a", "while it is looked at");
	publish("b", "of another");
	expect_nothing(client);
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	expect_change(client, "2", "a", "while it is looked at");
	expect_change(client, "3", "b", "of another");
	expect(STATE("b", "down"));
	expect(READY("3"));
	expect_nothing(client);
	publish("a", "after");
	expect_change(client, "4", "a", "after");
	assert_int_equal(played.started, 1);
}

/* A state of many replies goes out over many turns; a change between them keeps its place. */
static void test_long_state(void **state)
{
	char *const buffer = malloc(1 << 20), *p;
	size_t length = 0;
	ssize_t n;
	unsigned replies = 0;

	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	say(SUBSCRIBE);
	played.done(found_links(200), played.data);
	ev_run(m.loop, EVRUN_NOWAIT);
	publish("a", "between");
	for (unsigned idle = 0; idle < 10;) {
		pump();
		n = recv(client, buffer + length, (1 << 20) - length, 0);
		idle = n > 0 ? 0 : idle + 1;
		length += n > 0 ? (size_t)n : 0;
	}
	for (p = buffer; p < buffer + length; p += strlen(p) + 1) {
		replies++;
		if (replies == 202)
			assert_non_null(strstr(p, "between"));
		else if (replies == 203)
			assert_string_equal(p, READY("1"));
		else
			assert_non_null(strstr(p, "present"));
	}
	assert_int_equal(replies, 203);
	assert_int_equal(api->queued, 0);
	free(buffer);
}

static void test_container(void **state)
{
	struct notice n = {.netns = "lab",
			   .container = "web",
			   .object = EVENT_CONTAINER,
			   .change = EVENT_SET,
			   .text = "running"};

	(void)state;
	say(SUBSCRIBE_("\"state\":false, \"names\":[\"lab\"]"));
	expect(READY("0"));
	notice_publish(&m.notices, &n);
	expect_from(client, MORE("\"sequence\":1,\"namespace\":\"lab\",\"object\":\"container\","
				 "\"change\":\"set\",\"cause\":\"ours\",\"text\":\"running\","
				 "\"container\":\"web\""));
}

static void test_without_state(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	say(SUBSCRIBE_("\"state\":false"));
	expect(READY("0"));
	publish("a", "text");
	expect_change(client, "1", "a", "text");
	notice_resync(&m.notices);
	expect(RESYNC("2"));
	expect(READY("2"));
	assert_int_equal(played.started, 0);
}

static void test_names(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	add_unit("b", NETNS_CONFIGURED);
	add_unit("c", NETNS_CONFIGURED);
	say(SUBSCRIBE_("\"names\":[\"to come\",\"c\",\"a\"]"));
	looked(found());
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	expect(STATE("c", "configured"));
	expect(LINK_STATE("c"));
	expect(READY("0"));
	publish("b", "not wanted");
	publish("to come", "wanted");
	publish("c", "also");
	expect_change(client, "2", "to come", "wanted");
	expect_change(client, "3", "c", "also");
	expect_nothing(client);
}

static void test_reason(void **state)
{
	struct unit *u = add_unit("a", NETNS_FAILED);

	(void)state;
	u->fd = -1;
	(void)error_set(&u->reason, -ENODEV, "no \"eth7\"");
	say(SUBSCRIBE);
	expect(STATE("a", "failed: no \\\"eth7\\\""));
	expect(READY("0"));
}

static void test_resync(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	say(SUBSCRIBE);
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	expect(READY("0"));
	publish("a", "one");
	notice_resync(&m.notices);
	publish("a", "three");
	expect_change(client, "1", "a", "one");
	expect(RESYNC("2"));
	expect_change(client, "3", "a", "three");
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	expect(READY("3"));
}

/* The look that is under way may be older than what was lost: it is done again. */
static void test_resync_while_looking(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	add_unit("b", NETNS_CONFIGURED);
	say(SUBSCRIBE);
	notice_resync(&m.notices);
	expect_nothing(client);
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	expect(RESYNC("1"));
	assert_int_equal(played.started, 2);
	assert_string_equal(played.name, "a");
	looked(found());
	expect(STATE("a", "configured"));
	expect(LINK_STATE("a"));
	assert_string_equal(played.name, "b");
	looked(found());
	expect(STATE("b", "configured"));
	expect(LINK_STATE("b"));
	expect(READY("1"));
	assert_int_equal(played.started, 3);
}

static void test_it_vanishes(void **state)
{
	static const struct operation_result none = {.failure = FAILURE_NO_SUCH_NAMESPACE};
	struct unit *a = add_unit("a", NETNS_CONFIGURED);

	(void)state;
	add_unit("b", NETNS_REMOVING);
	say(SUBSCRIBE);
	HASH_DEL(m.units, a);
	free(a->name);
	free(a);
	looked(found());
	assert_string_equal(played.name, "b");
	looked(&none); /* known, but no longer there */
	expect(STATE("b", "removing"));
	expect(READY("0"));
}

static void test_failures(void **state)
{
	struct operation_result failed = {.failure = FAILURE_APPLY,
					  .error = {.code = -EMFILE, .text = "no descriptor"}};

	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	for (unsigned at_once = 0; at_once < 2; at_once++) {
		played.at_once = at_once ? &failed : NULL;
		say(SUBSCRIBE);
		if (!at_once)
			looked(&failed);
		expect("{\"error\":\"io.netnsd.Manager.StateUnknown\",\"parameters\":{\"name\":\"a\","
		       "\"message\":\"no descriptor\"}}");
		assert_null(m.notices.subscribers);
		assert_int_equal(api->looks, 0);
	}
	played.refuse = -ESHUTDOWN;
	say(SUBSCRIBE);
	expect("{\"error\":\"io.netnsd.Manager.StateUnknown\",\"parameters\":{\"name\":\"a\","
	       "\"message\":\"The daemon is stopping\"}}");
	assert_null(m.notices.subscribers);
	say("{\"method\":\"io.systemd.service.Ping\"}"); /* the connection goes on */
	expect("{}");
}

static void hang_up(int *fd)
{
	close(*fd);
	*fd = connect_as(&root);
	pump();
}

static void test_hang_up(void **state)
{
	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	say(SUBSCRIBE);
	publish("a", "behind the look");
	hang_up(&client);
	assert_null(m.notices.subscribers);
	assert_int_equal(played.forgotten, 1);
	assert_int_equal(api->looks, 0);
	assert_int_equal(api->queued, 0);
	say(SUBSCRIBE);
	looked(found());
	hang_up(&client); /* in the stream */
	assert_null(m.notices.subscribers);
	publish("a", "to nobody");
	say(SUBSCRIBE);
	assert_int_equal(api->looks, 1); /* teardown hangs up */
}

/* Each look is a worker's time: the fifth waits its turn. */
static void test_looks_are_few(void **state)
{
	struct played kept[4];
	int fds[6];

	(void)state;
	add_unit("a", NETNS_CONFIGURED);
	for (unsigned i = 0; i < 6; i++) {
		fds[i] = connect_as(&root);
		say_to(fds[i], SUBSCRIBE);
		if (i < 4)
			kept[i] = played;
	}
	assert_int_equal(played.started, 4);
	publish("a", "text");
	close(fds[4]); /* while it waits */
	pump();
	assert_int_equal(played.started, 4);
	kept[0].done(found(), kept[0].data);
	pump();
	assert_int_equal(played.started, 5);
	close(fds[1]); /* while it looks */
	pump();
	kept[2].done(found(), kept[2].data);
	kept[3].done(found(), kept[3].data);
	looked(found());
	for (unsigned i = 0; i < 6; i++) {
		if (i == 1 || i == 4)
			continue;
		if (i == 5) /* it had not begun to look: the order is the other way round, and as good */
			expect_change(fds[i], "1", "a", "text");
		expect_from(fds[i], STATE("a", "configured"));
		expect_from(fds[i], LINK_STATE("a"));
		if (i != 5)
			expect_change(fds[i], "1", "a", "text");
		expect_from(fds[i], READY("1"));
		close(fds[i]);
	}
	pump();
	assert_int_equal(api->looks, 0);
	assert_null(api->waiting);
	assert_null(m.notices.subscribers);
}

/* One subscriber reads, the other does not: the first gets everything, the other the end of the stream. */
static void test_slow_reader(void **state)
{
	char text[1024], number[16];
	int slow = connect_as(&user);

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	say(SUBSCRIBE_("\"state\":false"));
	say_to(slow, SUBSCRIBE_("\"state\":false"));
	expect(READY("0"));
	for (unsigned i = 1; i <= 6000; i++) {
		char expected[2048];

		publish("a", text);
		snprintf(number, sizeof(number), "%u", i);
		snprintf(expected, sizeof(expected),
			 MORE("\"sequence\":%s,\"namespace\":\"a\",\"object\":\"link\",\"change\":\"set\","
			      "\"cause\":\"foreign\",\"interface\":\"eth0\",\"text\":\"%s\",\"pid\":7"),
			 number, text);
		expect_from(client, expected);
	}
	assert_int_equal(varlink_server_connections(api->server), 1);
	expect_end(slow);
	close(slow);
}

/* What waits behind a look that takes long is bounded as well. */
static void test_behind(void **state)
{
	char *const text = malloc(65536);

	(void)state;
	memset(text, 'x', 65535);
	text[65535] = '\0';
	add_unit("a", NETNS_CONFIGURED);
	say(SUBSCRIBE);
	for (unsigned i = 0; i < 63; i++)
		publish("a", text);
	assert_non_null(m.notices.subscribers);
	publish("a", text);
	assert_null(m.notices.subscribers);
	free(text);
	expect_end(client);
	assert_int_equal(played.forgotten, 1);
	assert_int_equal(api->looks, 0);
	assert_int_equal(api->queued, 0);
	assert_non_null(find("a"));
}

/* After all namespaces, before ready; only those that live in what was asked for. */
static void test_containers_present(void **state)
{
#define CONTAINER(netns, name, text)                                                                         \
	MORE("\"namespace\":\"" netns "\",\"object\":\"container\",\"change\":\"present\",\"text\":\"" text  \
	     "\",\"container\":\"" name "\"")
	struct container_settings in_a = {.netns = (char *)"a"}, in_b = {.netns = (char *)"b"};
	struct container *web, *db;

	(void)state;
	add_unit("a", NETNS_DOWN)->fd = -1;
	web = add_container("web", CONTAINER_RUNNING);
	web->settings = &in_a;
	db = add_container("db", CONTAINER_FAILED);
	db->running = &in_b;
	db->reason = (struct error){.code = -EIO, .text = "exited, status=7"};
	add_container("lost", CONTAINER_DEAD); /* lives nowhere */
	say(SUBSCRIBE);
	expect(STATE("a", "down"));
	expect(CONTAINER("a", "web", "running"));
	expect(CONTAINER("b", "db", "failed: exited, status=7"));
	expect(READY("0"));
	publish("a", "x");
	expect_change(client, "1", "a", "x"); /* goes out as it comes */
	assert_int_equal(api->queued, 0);
	close(client);
	client = connect_as(&root);
	say(SUBSCRIBE_("\"names\":[\"b\"]"));
	expect(CONTAINER("b", "db", "failed: exited, status=7"));
	expect(READY("1"));
	close(client);
	client = connect_as(&root);
	say(SUBSCRIBE_("\"state\":false"));
	expect(READY("1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_calls),
		TEST(test_order),
		TEST(test_long_state),
		TEST(test_without_state),
		TEST(test_long_state),
		TEST(test_container),
		TEST(test_names),
		TEST(test_reason),
		TEST(test_resync),
		TEST(test_resync_while_looking),
		TEST(test_it_vanishes),
		TEST(test_failures),
		TEST(test_hang_up),
		TEST(test_looks_are_few),
		TEST(test_slow_reader),
		TEST(test_behind),
		TEST(test_containers_present),
	};

	return cmocka_run_group_tests_name("api_subscribe", tests, make_directory, remove_directory);
}
