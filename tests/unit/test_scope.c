/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of scopes, as systemd-escape has them.
 */
#include "scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *container, *unit;
	} rows[] = {
		{"web", "netnsd-web.scope"},
		{"web-1", "netnsd-web\\x2d1.scope"},
		{"a.b", "netnsd-a.b.scope"},
		{".a", "netnsd-\\x2ea.scope"},
		{"A9_z:", "netnsd-A9_z:.scope"},
		{"a@b+c", "netnsd-a\\x40b\\x2bc.scope"},
		{"a b\\c", "netnsd-a\\x20b\\x5cc.scope"},
		{"a/b", "netnsd-a-b.scope"},
		{"\xc3\xa4", "netnsd-\\xc3\\xa4.scope"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *name = NULL;

		assert_int_equal(scope_unit_name(rows[i].container, &name), 0);
		assert_string_equal(name, rows[i].unit);
		free(name);
	}
}

/* systemd's bound is 255 bytes; "netnsd-" and ".scope" are 13. */
static void test_lengths(void **state)
{
	char *name = NULL, text[300];

	(void)state;
	assert_int_equal(scope_unit_name("", &name), -EINVAL);
	memset(text, 'x', sizeof(text));
	text[242] = '\0';
	assert_int_equal(scope_unit_name(text, &name), 0);
	assert_int_equal(strlen(name), 255);
	free(name);
	name = NULL;
	text[242] = 'x';
	text[243] = '\0';
	assert_int_equal(scope_unit_name(text, &name), -ENAMETOOLONG);
	memset(text, '-', 61);
	text[61] = '\0';
	assert_int_equal(scope_unit_name(text, &name), -ENAMETOOLONG);
	assert_null(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
