/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Varlink server as a well-behaved client sees it: framing, order, one-way calls, streams,
 * half a close, hang-up, parameters, privilege, org.varlink.service. */
#include "lib_varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture *f;

static int setup(void **state)
{
	(void)state;
	f = fixture_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_free(f);
	return 0;
}

/* --- framing and order ----------------------------------------------------------------------- */

static void test_call_and_reply(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Echo\",\"parameters\":{\"a\":[1,\"\xc3\xa4\",null]}}");
	expect(f, fd, "{\"parameters\":{\"a\":[1,\"\xc3\xa4\",null]}}");
	say(fd, "{\"method\":\"test.Echo\"}"); /* absent, null and {} are the same */
	expect(f, fd, "{\"parameters\":{}}");
	say(fd, "{\"method\":\"test.Echo\",\"parameters\":null}");
	expect(f, fd, "{\"parameters\":{}}");
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"x\"}}");
	expect(f, fd, "{}"); /* no parameters: omitted, as the specification asks */
	expect_silence(f, fd);
	close(fd);
}

static void test_byte_by_byte(void **state)
{
	static const char text[] = "{\"method\":\"test.Echo\",\"parameters\":{\"a\":1}}";
	int fd = fixture_connect(f);

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		say_bytes(fd, text + i, 1);
		expect_silence(f, fd);
	}
	expect_alive(f); /* half a message holds nobody up */
	say_bytes(fd, "", 1);
	expect(f, fd, "{\"parameters\":{\"a\":1}}");
	close(fd);
}

static void test_pipelining_keeps_order(void **state)
{
	char all[8192] = "", one[80];
	size_t length = 0;
	int fd = fixture_connect(f);

	(void)state;
	for (int i = 0; i < 100; i++) { /* more than one turn's worth */
		int n = snprintf(one, sizeof(one), "{\"method\":\"test.Echo\",\"parameters\":{\"i\":%d}}", i);

		memcpy(all + length, one, (size_t)n + 1);
		length += (size_t)n + 1;
	}
	say_bytes(fd, all, length);
	for (int i = 0; i < 100; i++) {
		snprintf(one, sizeof(one), "{\"parameters\":{\"i\":%d}}", i);
		expect(f, fd, one);
	}
	close(fd);
}

static void test_turns_are_bounded(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	for (int i = 0; i < 100; i++)
		say(fd, "{\"method\":\"test.Echo\",\"oneway\":true}");
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(f->calls, VARLINK_TURN_MESSAGES);
	pump(f);
	assert_int_equal(f->calls, 100);
	close(fd);
}

static void test_next_call_waits_for_the_open_one(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Hold\"}");
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"b\"}}");
	expect_silence(f, fd);
	assert_int_equal(f->calls, 1);
	expect_alive(f); /* others go on */
	varlink_reply(f->held, json_pack("{s:s}", "at", "last"));
	f->held = NULL;
	assert_string_equal(f->order, ""); /* never from within an answer */
	expect(f, fd, "{\"parameters\":{\"at\":\"last\"}}");
	expect(f, fd, "{}");
	assert_string_equal(f->order, "b");
	close(fd);
}

static void test_oneway(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"a\"},\"oneway\":true}");
	say(fd, "{\"method\":\"test.Nothing\",\"oneway\":true}"); /* no error either */
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"b\"}}");
	expect(f, fd, "{}");
	expect_silence(f, fd);
	assert_string_equal(f->order, "ab");
	say(fd, "{\"method\":\"test.Hold\",\"oneway\":true}");
	say(fd, "{\"method\":\"test.Echo\"}");
	expect_silence(f, fd); /* order holds for one-way calls too */
	varlink_reply(f->held, json_object());
	f->held = NULL;
	expect(f, fd, "{\"parameters\":{}}");
	close(fd);
}

/* --- streams --------------------------------------------------------------------------------- */

static void test_more(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Count\",\"parameters\":{\"to\":3},\"more\":true}");
	expect(f, fd, "{\"parameters\":{\"n\":1},\"continues\":true}");
	expect(f, fd, "{\"parameters\":{\"n\":2},\"continues\":true}");
	expect(f, fd, "{\"parameters\":{\"n\":3}}");
	say(fd, "{\"method\":\"test.Count\",\"parameters\":{\"to\":3}}");
	expect(f, fd, "{\"error\":\"org.varlink.service.ExpectedMore\"}");
	/* A method that knows no streams answers once. */
	say(fd, "{\"method\":\"test.Echo\",\"more\":true}");
	expect(f, fd, "{\"parameters\":{}}");
	say(fd, "{\"method\":\"test.Hold\"}");
	pump(f);
	assert_int_equal(varlink_notify(f->held, NULL), -EINVAL); /* nobody asked for more */
	varlink_error(f->held, "test.Failed", json_pack("{s:i}", "why", 1));
	f->held = NULL;
	expect(f, fd, "{\"error\":\"test.Failed\",\"parameters\":{\"why\":1}}");
	close(fd);
}

/* All of a stream that is much longer than the buffers, and in order; nothing piles up. */
static void test_stream_follows_its_reader(void **state)
{
	static char buffer[65536];
	struct varlink_buffer in = {0};
	int fd = fixture_connect(f), expected = 1;
	ssize_t n;

	(void)state;
	say(fd, "{\"method\":\"test.Stream\",\"parameters\":{\"to\":3000},\"more\":true}");
	for (int i = 0; i < 200; i++)
		pump(f);
	assert_in_range(f->streamed, 100, 1500); /* the socket's buffer and VARLINK_OUTPUT_HIGH, no more */
	assert_in_range(f->server->connections->out.length, 1, VARLINK_OUTPUT_HIGH + 16384);
	while (expected <= 3000) {
		pump(f);
		n = recv(fd, buffer, sizeof(buffer), 0);
		assert_true(n > 0);
		assert_int_equal(varlink_buffer_reserve(&in, (size_t)n), 0);
		memcpy(in.data + in.start + in.length, buffer, (size_t)n);
		in.length += (size_t)n;
		for (char *nul; in.length > 0 && (nul = memchr(in.data + in.start, 0, in.length));) {
			struct varlink_answer a;
			size_t length = (size_t)(nul - in.data) - in.start;

			assert_int_equal(varlink_answer_parse(in.data + in.start, length, &a, NULL), 0);
			assert_int_equal(json_integer_value(json_object_get(a.parameters, "n")), expected);
			assert_int_equal(a.continues, expected < 3000);
			expected++;
			json_decref(a.root);
			varlink_buffer_consume(&in, length + 1);
		}
	}
	varlink_buffer_free(&in);
	say(fd, "{\"method\":\"test.Echo\"}");
	expect(f, fd, "{\"parameters\":{}}");
	close(fd);
}

static void test_stream_ends_with_its_reader(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Stream\",\"parameters\":{\"to\":100000},\"more\":true}");
	pump(f);
	close(fd);
	pump(f);
	assert_int_equal(f->gone, 1);
	assert_int_equal(varlink_server_connections(f->server), 0);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void test_half_close_gets_its_answers(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Hold\"}");
	say(fd, "{\"method\":\"test.Echo\",\"parameters\":{\"a\":1}}");
	say_bytes(fd, "{\"meth", 6); /* never to be finished */
	shutdown(fd, SHUT_WR);
	expect_silence(f, fd);
	assert_int_equal(f->gone, 0);
	assert_false(ev_is_active(&f->server->connections->io)); /* or the loop would spin */
	varlink_reply(f->held, NULL);
	f->held = NULL;
	expect(f, fd, "{}");
	expect(f, fd, "{\"parameters\":{\"a\":1}}");
	expect_closed(f, fd);
	assert_int_equal(varlink_server_connections(f->server), 0);
	close(fd);
}

static void test_half_close_of_a_stream(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	/* One that comes to its end does so ... */
	say(fd, "{\"method\":\"test.Count\",\"parameters\":{\"to\":2},\"more\":true}");
	shutdown(fd, SHUT_WR);
	expect(f, fd, "{\"parameters\":{\"n\":1},\"continues\":true}");
	expect(f, fd, "{\"parameters\":{\"n\":2}}");
	expect_closed(f, fd);
	close(fd);
	/* ... a subscription without an end is cancelled by it. */
	fd = fixture_connect(f);
	say(fd, "{\"method\":\"test.Hold\",\"more\":true}");
	expect_silence(f, fd);
	shutdown(fd, SHUT_WR);
	expect_closed(f, fd);
	assert_int_equal(f->gone, 1);
	close(fd);
}

static void test_hangup_during_a_call(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Hold\"}");
	pump(f);
	assert_int_equal(varlink_server_connections(f->server), 1);
	close(fd);
	pump(f);
	assert_int_equal(f->gone, 1);
	assert_int_equal(varlink_server_connections(f->server), 0);
	/* Whoever works on it may answer all the same. */
	assert_string_equal(varlink_call_method(f->held), "test.Hold");
	assert_int_equal(varlink_reply(f->held, json_object()), -EPIPE);
	f->held = NULL;
}

static void test_calls_before_a_hangup_are_done(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"a\"},\"oneway\":true}");
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"b\"}}"); /* its reply goes nowhere */
	say(fd, "{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"c\"},\"oneway\":true}");
	close(fd);
	pump(f);
	assert_string_equal(f->order, "abc");
	assert_int_equal(varlink_server_connections(f->server), 0);
}

static void test_server_free_with_open_calls(void **state)
{
	int held = fixture_connect(f), streaming = fixture_connect(f);
	char c;

	(void)state;
	say(held, "{\"method\":\"test.Hold\"}");
	say(streaming, "{\"method\":\"test.Stream\",\"parameters\":{\"to\":100000},\"more\":true}");
	pump(f);
	varlink_server_free(f->server);
	f->server = NULL;
	assert_int_equal(f->gone, 2);
	assert_int_equal(recv(held, &c, 1, 0), 0);
	close(held);
	close(streaming);
}

/* --- names, parameters, privilege ------------------------------------------------------------ */

static const struct exchange {
	const char *call, *reply;
} exchanges[] = {
	{"{\"method\":\"org.varlink.service.GetInfo\"}",
	 "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\","
	 "\"interfaces\":[\"org.varlink.service\",\"test\"]}}"},
	{"{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{\"a\":1}}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"a\"}}"},
	{"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"test\"}"
	 "}",
	 "{\"parameters\":{\"description\":\"interface test\\n\"}}"},
	{"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"none\"}"
	 "}",
	 "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"none\"}}"},
	{"{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"interface\"}}"},
	{"{\"method\":\"test.Nothing\"}",
	 "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"test.Nothing\"}}"},
	{"{\"method\":\"org.varlink.service.Nothing\"}",
	 "{\"error\":\"org.varlink.service.MethodNotFound\","
	 "\"parameters\":{\"method\":\"org.varlink.service.Nothing\"}}"},
	{"{\"method\":\"tes.Echo\"}",
	 "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"tes\"}}"},
	{"{\"method\":\"test.Echo.Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
					    "\"parameters\":{\"interface\":\"test.Echo\"}}"},
	{"{\"method\":\"Echo\"}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"method\"}}"},
	{"{\"method\":\"\"}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"method\"}}"},
	{"{\"method\":\"test.Echo\",\"upgrade\":true}",
	 "{\"error\":\"org.varlink.service.MethodNotImplemented\",\"parameters\":{\"method\":\"test.Echo\"}"
	 "}"},
	{"{\"method\":\"test.Echo\",\"org.example.x\":{}}", "{\"parameters\":{}}"},
	{"{\"method\":\"test.Operate\"}", "{\"error\":\"org.varlink.service.PermissionDenied\"}"},
	{"{\"method\":\"test.Admin\"}", "{\"error\":\"org.varlink.service.PermissionDenied\"}"},
	{"{\"method\":\"test.Mark\"}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
	{"{\"method\":\"test.Mark\",\"parameters\":{\"text\":null}}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
	{"{\"method\":\"test.Mark\",\"parameters\":{\"text\":1}}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
	{"{\"method\":\"test.Mark\",\"parameters\":{\"text\":\"\",\"colour\":null}}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"colour\"}}"},
};

static void test_exchanges(void **state)
{
	int fd = fixture_connect(f);

	(void)state;
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(*exchanges); i++) {
		say(fd, exchanges[i].call);
		expect(f, fd, exchanges[i].reply);
	}
	close(fd);
}

static void test_privilege(void **state)
{
	static const struct varlink_peer root = {.uid = 0}, operator= {.uid = 1, .in_operator_group = true};
	int fd = fixture_connect_as(f, &root);

	(void)state;
	say(fd, "{\"method\":\"test.Admin\"}");
	expect(f, fd, "{\"parameters\":{}}");
	close(fd);
	fd = fixture_connect_as(f, &operator);
	say(fd, "{\"method\":\"test.Operate\"}");
	expect(f, fd, "{\"parameters\":{}}");
	say(fd, "{\"method\":\"test.Admin\"}");
	expect(f, fd, "{\"error\":\"org.varlink.service.PermissionDenied\"}");
	close(fd);
}

static void test_parameter_types(void **state)
{
	static const struct varlink_parameter spec[] = {
		{"s", VARLINK_STRING, false},
		{"b", VARLINK_BOOL, false},
		{"i", VARLINK_INT, false},
		{"o", VARLINK_OBJECT, false},
		{"ss", VARLINK_STRINGS, false},
		{"oo", VARLINK_OBJECTS, false},
		{0},
	};
	static const struct {
		const char *parameters;
		const char *wrong; /* NULL: fine */
	} rows[] = {
		{"{}", NULL},
		{"{\"s\":null,\"b\":null,\"ss\":null}", NULL},
		{"{\"s\":\"\",\"b\":false,\"i\":-1,\"o\":{},\"ss\":[],\"oo\":[{},{}]}", NULL},
		{"{\"ss\":[\"a\",\"b\"]}", NULL},
		{"{\"s\":[]}", "s"},
		{"{\"b\":0}", "b"},
		{"{\"b\":\"true\"}", "b"},
		{"{\"i\":1.0}", "i"},
		{"{\"i\":\"1\"}", "i"},
		{"{\"o\":[]}", "o"},
		{"{\"ss\":\"a\"}", "ss"},
		{"{\"ss\":[\"a\",null]}", "ss"},
		{"{\"ss\":[\"a\",1]}", "ss"},
		{"{\"oo\":{}}", "oo"},
		{"{\"oo\":[1]}", "oo"},
		{"{\"S\":\"\"}", "S"},
	};
	int fd = fixture_connect(f);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *parameters = json_loads(rows[i].parameters, 0, NULL);
		char wrong[200];

		say(fd, "{\"method\":\"test.Hold\"}");
		pump(f);
		if (varlink_check_parameters(f->held, parameters, spec)) {
			varlink_reply(f->held, json_pack("{s:s}", "parameter", "-"));
			snprintf(wrong, sizeof(wrong), "{\"parameters\":{\"parameter\":\"%s\"}}",
				 rows[i].wrong ? rows[i].wrong : "-");
		} else {
			snprintf(wrong, sizeof(wrong),
				 "{\"error\":\"org.varlink.service.InvalidParameter\","
				 "\"parameters\":{\"parameter\":\"%s\"}}",
				 rows[i].wrong ? rows[i].wrong : "-");
		}
		f->held = NULL;
		expect(f, fd, wrong);
		json_decref(parameters);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call_and_reply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pipelining_keeps_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_call_waits_for_the_open_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oneway, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_follows_its_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_ends_with_its_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close_gets_its_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close_of_a_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangup_during_a_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_before_a_hangup_are_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_free_with_open_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exchanges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_privilege, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parameter_types, setup, teardown),
	};

	return cmocka_run_group_tests_name("varlink", tests, NULL, NULL);
}
