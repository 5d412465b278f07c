/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of systemd.syntax(7). What the callbacks get is written down as one text, a line a
 * call: "1 [Veth|eth0]", "2 KEY=VALUE", "3 ! message". */
#include "ini.h"
#include "str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void on_section(const char *section, const char *title, unsigned line, void *data)
{
	strbuf_printf(data, "%u [%s%s%s]\n", line, section, title ? "|" : "", title ? title : "");
}

static void on_assign(const char *key, const char *value, unsigned line, void *data)
{
	strbuf_printf(data, "%u %s=%s\n", line, key, value);
}

static void on_error(unsigned line, const char *message, void *data)
{
	strbuf_printf(data, "%u ! %s\n", line, message);
}

static const struct ini_callbacks callbacks = {on_section, on_assign, on_error};

/* From a copy of the exact size, so that a sanitizer sees one byte too far. */
static char *read_bytes(const char *text, size_t length)
{
	struct strbuf out = {0};
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	assert_int_equal(ini_parse(copy, length, &callbacks, &out), 0);
	free(copy);
	return strbuf_finish(&out);
}

struct row {
	const char *text, *events;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *events = read_bytes(rows[i].text, strlen(rows[i].text));

		assert_string_equal(events, rows[i].events);
		free(events);
	}
}

#define NO_END	"a section header must end with ']'"
#define BEHIND	"nothing may follow the ']' of a section header"
#define BRACKET "a section header has one '[' and one ']', at its ends"
#define NO_NAME "a section header needs a name, such as [Namespace]"
#define NO_KEY	"there is no key before '='"
#define STRAY	"an assignment must stand below a section header, such as [Namespace]"
#define NOTHING "expected KEY=VALUE, a [Section], or a comment that begins with '#' or ';'"
#define BYTES	"the line contains control characters or bytes that are not UTF-8"
#define NUL	"the line contains a NUL byte: this is no text file"
#define LONG	"the line is longer than 65536 bytes"

static void test_sections(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"\n\n  \n", ""},
		{"[Namespace]\n", "1 [Namespace]\n"},
		{"[Namespace]", "1 [Namespace]\n"},
		{"  [Namespace]\t\n", "1 [Namespace]\n"},
		{"[Veth eth0]\n", "1 [Veth|eth0]\n"},
		{"[ Veth \t eth0  ]\n", "1 [Veth|eth0]\n"},
		{"[Address a label  of words]\n", "1 [Address|a label  of words]\n"},
		{"[Veth\teth0]\n", "1 [Veth|eth0]\n"},
		{"[Veth \xc3\xa4]\n", "1 [Veth|\xc3\xa4]\n"},
		{"[]\n", "1 ! " NO_NAME "\n"},
		{"[  ]\n", "1 ! " NO_NAME "\n"},
		{"[Veth\n", "1 ! " NO_END "\n"},
		{"[\n", "1 ! " NO_END "\n"},
		{"[Veth] x\n", "1 ! " BEHIND "\n"},
		{"[Veth] # x\n", "1 ! " BEHIND "\n"},
		{"[Veth]]\n", "1 ! " BRACKET "\n"},
		{"[[Veth]\n", "1 ! " BRACKET "\n"},
		{"[A] [B]\n", "1 ! " BRACKET "\n"},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_assignments(void **state)
{
	static const struct row rows[] = {
		{"[S]\nA=b\n", "1 [S]\n2 A=b\n"},
		{"[S]\nA=b", "1 [S]\n2 A=b\n"},
		{"[S]\n \t A \t=\t b c \t\n", "1 [S]\n2 A=b c\n"},
		{"[S]\nA=\n", "1 [S]\n2 A=\n"},
		{"[S]\nA= \t\n", "1 [S]\n2 A=\n"},
		{"[S]\nA=b=c\n", "1 [S]\n2 A=b=c\n"},
		{"[S]\nA=\"b  c\" 'd'\n", "1 [S]\n2 A=\"b  c\" 'd'\n"},
		{"[S]\nA=b # no comment\n", "1 [S]\n2 A=b # no comment\n"},
		{"[S]\nA=[x]\n", "1 [S]\n2 A=[x]\n"},
		{"[S]\nA b=c\n", "1 [S]\n2 A b=c\n"},
		{"[S]\nA=\xe2\x82\xac\tb\n", "1 [S]\n2 A=\xe2\x82\xac\tb\n"},
		{"[S]\n=b\n", "1 [S]\n2 ! " NO_KEY "\n"},
		{"[S]\n  = b\n", "1 [S]\n2 ! " NO_KEY "\n"},
		{"[S]\nnothing\nA=b\n", "1 [S]\n2 ! " NOTHING "\n3 A=b\n"},
		{"A=b\n[S]\nA=c\n", "1 ! " STRAY "\n2 [S]\n3 A=c\n"},
		/* Behind a bad header keys are nobody's; other errors are still said. */
		{"[S]\nA=b\n[T\nB=c\nx\n[U]\nC=d\n",
		 "1 [S]\n2 A=b\n3 ! " NO_END "\n5 ! " NOTHING "\n6 [U]\n7 C=d\n"},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_comments(void **state)
{
	static const struct row rows[] = {
		{"# A=b\n; A=b\n  # x\n\t;[S]\n", ""},
		{"[S]\n#A=b\nA=b\n", "1 [S]\n3 A=b\n"},
		{"[S]\n# no continuation \\\nA=b\n", "1 [S]\n3 A=b\n"},
		{"# latin-1: \xe4 \x01\n[S]\n", "2 [S]\n"}, /* nobody reads comments */
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_continuation(void **state)
{
	static const struct row rows[] = {
		/* The two examples of systemd.syntax(7). */
		{"[Section A]\nKeyOne=value 1\nKeyTwo=value 2\n\n# a comment\n\n[Section B]\n"
		 "Setting=\"something\" \"some thing\" \"…\"\nKeyTwo=value 2 \\\n       value 2 "
		 "continued\n\n[Section C]\n"
		 "KeyThree=value 3\\\n# this line is ignored\n; this line is ignored too\n       value 3 "
		 "continued\n",
		 "1 [Section|A]\n2 KeyOne=value 1\n3 KeyTwo=value 2\n7 [Section|B]\n"
		 "8 Setting=\"something\" \"some thing\" \"…\"\n9 KeyTwo=value 2  value 2 continued\n"
		 "12 [Section|C]\n13 KeyThree=value 3 value 3 continued\n"},
		{"[S]\nA=b\\\nc\nB=d\n", "1 [S]\n2 A=b c\n4 B=d\n"},
		{"[S]\nA=b\\\n\\\n\\\nc\n", "1 [S]\n2 A=b   c\n"},
		{"[S]\nA=\\\nb\n", "1 [S]\n2 A=b\n"},
		{"[S]\nA\\\n=b\n", "1 [S]\n2 A=b\n"},
		{"[S]\nA=b\\\n\nB=c\n", "1 [S]\n2 A=b\n4 B=c\n"}, /* an empty line ends it */
		{"[S]\nA=b\\\n   \nB=c\n", "1 [S]\n2 A=b\n4 B=c\n"},
		{"[S]\nA=b\\\n[T]\n", "1 [S]\n2 A=b [T]\n"},
		{"[S]\nA=b\\\\\nB=c\n", "1 [S]\n2 A=b\\\\\n3 B=c\n"}, /* an escaped backslash */
		{"[S]\nA=b\\\\\\\nc\n", "1 [S]\n2 A=b\\\\ c\n"},
		{"[S]\nA=b\\ \nB=c\n", "1 [S]\n2 A=b\\\n3 B=c\n"}, /* not the last character */
		{"[S]\nA=b\\", "1 [S]\n2 A=b\n"},
		{"[S]\nA=b\\\n", "1 [S]\n2 A=b\n"},
		{"[S]\nA=b\\\n# c", "1 [S]\n2 A=b\n"},
		{"\\", ""},
		/* An error names the line where the logical line began. */
		{"[S]\n\nx\\\ny\\\nz\nA=b\n", "1 [S]\n3 ! " NOTHING "\n6 A=b\n"},
		{"[S]\nA=b\\\n\x01\nB=c\n", "1 [S]\n2 ! " BYTES "\n4 B=c\n"},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_bytes(void **state)
{
	static const struct row rows[] = {
		{"\xef\xbb\xbf[S]\r\nA=b\r\n\r\nB=c\\\r\n d\r\n", "1 [S]\n2 A=b\n4 B=c d\n"},
		{"[S]\n\xef\xbb\xbf"
		 "A=b\n",
		 "1 [S]\n2 \xef\xbb\xbf"
		 "A=b\n"}, /* only at the start */
		{"[S]\nA=b\rB=c\n", "1 [S]\n2 ! " BYTES "\n"},
		{"[S]\nA=\xff\nB=c\n", "1 [S]\n2 ! " BYTES "\n3 B=c\n"},
		{"[S]\nA=\xc3\n", "1 [S]\n2 ! " BYTES "\n"},
		{"[S]\nA=\xed\xa0\x80\n", "1 [S]\n2 ! " BYTES "\n"},
		{"[S]\nA=\x1b[2J\n", "1 [S]\n2 ! " BYTES "\n"},
		{"[S]\nA=\x7f\n", "1 [S]\n2 ! " BYTES "\n"},
		{"[S\x01]\n", "1 ! " BYTES "\n"},
	};
	char *events;

	(void)state;
	check(rows, COUNT(rows));
	events = read_bytes("[S]\nA=b\0c\nB=d\n", 14);
	assert_string_equal(events, "1 [S]\n2 ! " NUL "\n3 B=d\n");
	free(events);
	events = read_bytes("\0\0\0", 3);
	assert_string_equal(events, "1 ! " NUL "\n");
	free(events);
}

/* [S], then a logical line of `length` bytes in pieces, then B=c. */
static char *read_long(size_t length, size_t piece)
{
	struct strbuf text = {0};
	char *events;

	strbuf_puts(&text, "[S]\nA=");
	for (size_t i = 2; i < length; i++)
		if (piece && i % piece == 0)
			strbuf_puts(&text, "\\\n");
		else
			strbuf_puts(&text, "x");
	strbuf_puts(&text, "\nB=c\n");
	assert_false(text.failed);
	events = read_bytes(text.data, text.length);
	strbuf_free(&text);
	return events;
}

static void test_long_lines(void **state)
{
	char *events;

	(void)state;
	events = read_long(INI_LINE_MAX, 0);
	assert_int_equal(strlen(events), strlen("1 [S]\n2 \n3 B=c\n") + INI_LINE_MAX);
	free(events);
	events = read_long(INI_LINE_MAX + 1, 0);
	assert_string_equal(events, "1 [S]\n2 ! " LONG "\n3 B=c\n");
	free(events);
	events = read_long(INI_LINE_MAX, 1024);
	assert_non_null(strstr(events, "\n2 A=xxx"));
	free(events);
	/* Said once, and all of it is skipped. */
	events = read_long(10 * INI_LINE_MAX, 1024);
	assert_memory_equal(events, "1 [S]\n2 ! " LONG "\n", strlen("1 [S]\n2 ! " LONG "\n"));
	assert_string_equal(strchr(events, '!') + strlen("! " LONG "\n"), "642 B=c\n");
	free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections), cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_comments), cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_long_lines),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
