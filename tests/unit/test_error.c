/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors with a sentence: set, prefixed, cut, cleaned, and without anybody who listens. */
#include "error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_set(void **state)
{
	struct error e = {0};

	(void)state;
	assert_int_equal(error_set(&e, -ENOENT, "no %s", "bridge"), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_string_equal(e.text, "no bridge");
	assert_int_equal(error_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(error_prefix(NULL, -EIO, "x"), -EIO);
}

static void test_prefix(void **state)
{
	struct error e = {0};

	(void)state;
	error_set(&e, -EINVAL, "no such word");
	errno = 77;
	assert_int_equal(error_prefix(&e, -EPERM, "%s.netns", "up"), -EPERM);
	assert_int_equal(e.code, -EPERM);
	assert_string_equal(e.text, "up.netns: no such word");
	e = (struct error){0};
	error_prefix(&e, -ENOENT, "open /x");
	assert_string_equal(e.text, "open /x: No such file or directory");
	assert_int_equal(errno, 77);
}

/* The arguments may come from the error itself. */
static void test_itself(void **state)
{
	struct error e = {0};

	(void)state;
	error_set(&e, -EINVAL, "first");
	error_set(&e, -EINVAL, "%s, then %s", e.text, e.text);
	assert_string_equal(e.text, "first, then first");
	error_prefix(&e, -EINVAL, "%s", e.text);
	assert_string_equal(e.text, "first, then first: first, then first");
}

static void test_cut(void **state)
{
	char text[600];
	struct error e;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[479] = '\0';
	error_set(&e, -EINVAL, "%s", text);
	assert_string_equal(e.text, text);
	text[479] = 'x';
	text[480] = '\0';
	error_set(&e, -EINVAL, "%s", text);
	assert_int_equal(strlen(e.text), 479);
	assert_string_equal(e.text + 475, "x...");
	error_prefix(&e, -EINVAL, "longer");
	assert_int_equal(strlen(e.text), 479);
	assert_memory_equal(e.text, "longer: xxx", 11);
	assert_string_equal(e.text + 475, "x...");
}

static void test_clean(void **state)
{
	struct error e;

	(void)state;
	error_set(&e, -EINVAL, "a\nb\x1b[31m \xc3\xa4");
	assert_string_equal(e.text, "a?b?[31m \xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set), cmocka_unit_test(test_prefix), cmocka_unit_test(test_itself),
		cmocka_unit_test(test_cut), cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
