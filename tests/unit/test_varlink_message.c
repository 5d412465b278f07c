/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes are a call, which are a reply, and which close the connection. */
#include "varlink_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ECHO "\"method\":\"test.Echo\""

static const struct accepted {
	const char *text, *method;
	bool has_parameters, oneway, more, upgrade;
} accepted[] = {
	{"{" ECHO "}", "test.Echo", false, false, false, false},
	{"  {\n" ECHO "\t}\r\n", "test.Echo", false, false, false, false},
	{"{" ECHO ",\"parameters\":{}}", "test.Echo", true, false, false, false},
	{"{" ECHO ",\"parameters\":null}", "test.Echo", false, false, false, false},
	{"{\"more\":true," ECHO "}", "test.Echo", false, false, true, false},
	{"{" ECHO ",\"oneway\":true,\"more\":false}", "test.Echo", false, true, false, false},
	{"{" ECHO ",\"upgrade\":true,\"more\":null}", "test.Echo", false, false, false, true},
	{"{" ECHO ",\"org.example.trace\":{\"id\":1}}", "test.Echo", false, false, false, false},
	{"{\"method\":\"\"}", "", false, false, false, false},
	{"{\"method\":\"\\u00e4\\ud83d\\ude00\"}", "\xc3\xa4\xf0\x9f\x98\x80", false, false, false, false},
	{"{" ECHO ",\"parameters\":{\"n\":9223372036854775807}}", "test.Echo", true, false, false, false},
	{"{" ECHO ",\"parameters\":{\"s\":\"[[[\\\"[[[\"}}", "test.Echo", true, false, false, false},
};

static const struct refused {
	const char *text, *why; /* part of the reason */
} refused[] = {
	{"", "no JSON"},
	{" ", "no JSON"},
	{"{", "no JSON"},
	{"[]", "no JSON object"},
	{"1", "no JSON"},
	{"null", "no JSON"},
	{"{}", "no member 'method'"},
	{"{" ECHO "} {}", "no JSON"},
	{"{" ECHO "}x", "no JSON"},
	{"{'method':'test.Echo'}", "no JSON"},
	{"{" ECHO ",}", "no JSON"},
	{"{" ECHO "," ECHO "}", "no JSON: duplicate"},
	{"{" ECHO ",\"parameters\":{\"a\":1,\"a\":2}}", "duplicate"},
	{"{\"method\":null}", "'method'"},
	{"{\"method\":1}", "'method'"},
	{"{\"method\":[\"a\"]}", "'method'"},
	{"{" ECHO ",\"parameters\":[]}", "'parameters'"},
	{"{" ECHO ",\"parameters\":\"a\"}", "'parameters'"},
	{"{" ECHO ",\"more\":1}", "'more'"},
	{"{" ECHO ",\"oneway\":\"true\"}", "'oneway'"},
	{"{" ECHO ",\"upgrade\":{}}", "'upgrade'"},
	{"{" ECHO ",\"more\":true,\"oneway\":true}", "more than one"},
	{"{" ECHO ",\"more\":true,\"upgrade\":true}", "more than one"},
	{"{" ECHO ",\"parameter\":{}}", "unknown member 'parameter'"},
	{"{" ECHO ",\"Method\":\"a\"}", "unknown member 'Method'"},
	{"{" ECHO ",\"parameters\":{\"n\":NaN}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"n\":Infinity}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"n\":1e999}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"n\":9223372036854775808}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"n\":01}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"s\":\"\\u0000\"}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"s\":\"\\ud800\"}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"s\":\"\xff\"}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"s\":\"\xc0\xaf\"}}", "no JSON"},	   /* overlong */
	{"{" ECHO ",\"parameters\":{\"s\":\"\xed\xa0\x80\"}}", "no JSON"}, /* a surrogate */
	{"{" ECHO ",\"parameters\":{\"s\":\"\xf4\x90\x80\x80\"}}", "no JSON"},
	{"{" ECHO ",\"parameters\":{\"s\":\"\xc3\"}}", "no JSON"}, /* cut off */
	{"{" ECHO ",\"parameters\":{\"s\":\"a\nb\"}}", "no JSON"},
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
		const struct accepted *a = &accepted[i];
		struct varlink_message m;
		struct error err = {0};

		if (varlink_message_parse(a->text, strlen(a->text), &m, &err) != 0)
			fail_msg("%s: %s", a->text, err.text);
		assert_string_equal(m.method, a->method);
		assert_int_equal(m.parameters != NULL, a->has_parameters);
		assert_int_equal(m.oneway, a->oneway);
		assert_int_equal(m.more, a->more);
		assert_int_equal(m.upgrade, a->upgrade);
		varlink_message_clear(&m);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct varlink_message m = {.method = "untouched"};
		struct error err = {0};

		if (varlink_message_parse(refused[i].text, strlen(refused[i].text), &m, &err) != -EBADMSG)
			fail_msg("taken: %s", refused[i].text);
		assert_string_equal(m.method, "untouched");
		if (strstr(err.text, refused[i].why) == NULL)
			fail_msg("%s: expected '%s' in: %s", refused[i].text, refused[i].why, err.text);
	}
}

static void test_nul_inside(void **state)
{
	static const char text[] = "{" ECHO "}\0{}";
	struct varlink_message m;
	struct error err = {0};

	(void)state;
	assert_int_equal(varlink_message_parse(text, sizeof(text) - 1, &m, &err), -EBADMSG);
}

static size_t put(char *text, size_t at, const char *what)
{
	memcpy(text + at, what, strlen(what));
	return at + strlen(what);
}

/* `levels` brackets in all, the header's own object is the first. */
static int parse_nested(unsigned levels, char open, char close)
{
	static char text[VARLINK_MESSAGE_MAX];
	struct varlink_message m;
	struct error err = {0};
	size_t n = 0;
	int r;

	n = put(text, n, "{" ECHO ",\"parameters\":{\"a\":");
	for (unsigned i = 2; i < levels; i++)
		n = put(text, n, open == '{' ? "{\"a\":" : "[");
	n = put(text, n, "1");
	for (unsigned i = 0; i < levels; i++)
		text[n++] = i < levels - 2 ? close : '}';
	r = varlink_message_parse(text, n, &m, &err);
	if (r == 0)
		varlink_message_clear(&m);
	else if (strstr(err.text, "nests too deep") == NULL)
		fail_msg("%s", err.text);
	return r;
}

static void test_depth(void **state)
{
	static char brackets[VARLINK_MESSAGE_MAX];
	struct varlink_message m;
	struct error err = {0};

	(void)state;
	assert_int_equal(parse_nested(VARLINK_DEPTH_MAX, '[', ']'), 0);
	assert_int_equal(parse_nested(VARLINK_DEPTH_MAX + 1, '[', ']'), -EBADMSG);
	assert_int_equal(parse_nested(VARLINK_DEPTH_MAX, '{', '}'), 0);
	assert_int_equal(parse_nested(VARLINK_DEPTH_MAX + 1, '{', '}'), -EBADMSG);
	assert_int_equal(parse_nested(2000, '[', ']'), -EBADMSG);
	memset(brackets, '[', sizeof(brackets));
	assert_int_equal(varlink_message_parse(brackets, sizeof(brackets), &m, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "nests too deep"));
}

/* `n` empty objects in an array, in parameters, in a message. */
static int parse_containers(unsigned n)
{
	static char text[VARLINK_MESSAGE_MAX];
	struct varlink_message m;
	struct error err = {0};
	size_t at = put(text, 0, "{" ECHO ",\"parameters\":{\"a\":[1");
	int r;

	for (unsigned i = 0; i < n; i++)
		at = put(text, at, ",{}");
	at = put(text, at, "]}}");
	r = varlink_message_parse(text, at, &m, &err);
	if (r == 0)
		varlink_message_clear(&m);
	else if (strstr(err.text, "too many") == NULL)
		fail_msg("%s", err.text);
	return r;
}

static void test_containers(void **state)
{
	(void)state;
	assert_int_equal(parse_containers(VARLINK_PARTS_MAX - 6), 0);
	assert_int_equal(parse_containers(VARLINK_PARTS_MAX - 5), -EBADMSG);
	assert_int_equal(parse_containers(21000), -EBADMSG);
}

/* What a server says may be long: it is the client's own. */
static void test_answer_has_no_such_limit(void **state)
{
	static char text[VARLINK_MESSAGE_MAX];
	struct varlink_answer a;
	size_t at = put(text, 0, "{\"parameters\":{\"a\":[{}");

	(void)state;
	for (unsigned i = 0; i < 2 * VARLINK_PARTS_MAX; i++)
		at = put(text, at, ",{}");
	at = put(text, at, "]}}");
	assert_int_equal(varlink_answer_parse(text, at, &a, NULL), 0);
	json_decref(a.root);
}

static void test_answers(void **state)
{
	static const char *const bad[] = {"[]",
					  "{\"continues\":1}",
					  "{\"error\":1}",
					  "{\"error\":\"a.B\",\"continues\":true}",
					  "{\"parameters\":[]}",
					  "{\"what\":1}"};
	struct varlink_answer a;
	struct error err = {0};

	(void)state;
	assert_int_equal(varlink_answer_parse("{}", 2, &a, &err), 0);
	assert_null(a.parameters);
	assert_null(a.error);
	assert_false(a.continues);
	json_decref(a.root);

	assert_int_equal(varlink_answer_parse("{\"error\":\"a.B\",\"parameters\":{\"x\":1}}", 36, &a, &err),
			 0);
	assert_string_equal(a.error, "a.B");
	assert_int_equal(json_integer_value(json_object_get(a.parameters, "x")), 1);
	json_decref(a.root);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (varlink_answer_parse(bad[i], strlen(bad[i]), &a, &err) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

static void test_buffer(void **state)
{
	struct varlink_buffer b = {0};
	json_t *value = json_pack("{s:s, s:i}", "a", "\xc3\xa4", "b", 1);

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(varlink_buffer_append_json(&b, value), 0);
	assert_int_equal(b.length, 1000 * sizeof("{\"a\":\"\xc3\xa4\",\"b\":1}"));
	for (unsigned i = 0; i < 999; i++) {
		assert_string_equal(b.data + b.start, "{\"a\":\"\xc3\xa4\",\"b\":1}");
		varlink_buffer_consume(&b, strlen(b.data + b.start) + 1);
	}
	/* The room in front is used again before more is asked for. */
	size_t before = b.capacity;
	assert_int_equal(varlink_buffer_reserve(&b, before - b.length), 0);
	assert_int_equal(b.capacity, before);
	assert_string_equal(b.data + b.start, "{\"a\":\"\xc3\xa4\",\"b\":1}");
	varlink_buffer_consume(&b, b.length);
	assert_int_equal(b.capacity, 0); /* a large buffer is given back when it is empty */
	json_decref(value);
	varlink_buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul_inside), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_answers),	   cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_containers), cmocka_unit_test(test_answer_has_no_such_limit),
	};

	return cmocka_run_group_tests_name("varlink_message", tests, NULL, NULL);
}
