/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of what is wrong: its text, its bounds, and that a bad object is known as bad even when
 * its entry was dropped. */
#include "diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_text(void **state)
{
	static const struct {
		struct diag diag;
		const char *text;
	} rows[] = {
		{{DIAG_ERROR, (char *)"a.netns", (char *)"/etc/a.netns", 3, (char *)"Veth eth0",
		  (char *)"MTUBytes", (char *)"bad"},
		 "/etc/a.netns:3: [Veth eth0] MTUBytes: bad"},
		{{DIAG_ERROR, (char *)"a.netns", (char *)"/etc/a.netns", 3, (char *)"Veth eth0", NULL,
		  (char *)"bad"},
		 "/etc/a.netns:3: [Veth eth0]: bad"},
		{{DIAG_ERROR, NULL, (char *)"/etc/a.netns", 3, NULL, (char *)"Key", (char *)"bad"},
		 "/etc/a.netns:3: Key: bad"},
		{{DIAG_ERROR, NULL, (char *)"/etc/a.netns", 0, NULL, NULL, (char *)"bad"},
		 "/etc/a.netns: bad"},
		{{DIAG_ERROR, (char *)"a.netns", NULL, 0, NULL, NULL, (char *)"bad"}, "a.netns: bad"},
		{{DIAG_WARNING, NULL, NULL, 7, NULL, NULL, (char *)"bad"}, "bad"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = diag_to_string(&rows[i].diag);

		assert_string_equal(text, rows[i].text);
		free(text);
	}
}

static void test_add(void **state)
{
	struct diags d = {0};
	char file[] = "/etc/a.netns";

	(void)state;
	assert_false(diags_object_failed(&d, "a.netns"));
	diags_add(&d, DIAG_WARNING, "a.netns", file, 1, NULL, NULL, "%d", 1);
	assert_false(diags_object_failed(&d, "a.netns"));
	diags_add(&d, DIAG_ERROR, "a.netns", file, 2, "S", "K", "two\n%d", 2);
	file[1] = 'X'; /* copies were taken */
	diags_add(&d, DIAG_ERROR, NULL, NULL, 0, NULL, NULL, "three");
	assert_true(diags_object_failed(&d, "a.netns"));
	assert_false(diags_object_failed(&d, "b.netns"));
	assert_int_equal(d.count, 3);
	assert_int_equal(d.errors, 2);
	assert_int_equal(d.dropped, 0);
	assert_string_equal(d.items[1].file, "/etc/a.netns");
	assert_string_equal(d.items[1].message, "two?2");
	assert_int_equal(d.items[1].line, 2);
	assert_null(d.items[2].object);
	diags_free(&d);
	assert_int_equal(d.count, 0);
	diags_free(&d);
}

/* One file full of errors leaves room for those of others. */
static void test_object_bound(void **state)
{
	struct diags d = {0};

	(void)state;
	for (unsigned i = 0; i < 5 * DIAG_MAX; i++)
		diags_add(&d, DIAG_ERROR, "binary.netns", "/binary", i, NULL, NULL, "no text");
	diags_add(&d, DIAG_ERROR, "other.netns", "/other", 1, NULL, NULL, "wrong");
	assert_int_equal(d.count, DIAG_OBJECT_MAX + 1);
	assert_int_equal(d.errors, 5 * DIAG_MAX + 1);
	assert_int_equal(d.dropped, 5 * DIAG_MAX - DIAG_OBJECT_MAX);
	assert_string_equal(d.items[DIAG_OBJECT_MAX].object, "other.netns");
	diags_free(&d);
}

static void test_bound(void **state)
{
	struct diags d = {0};
	char object[32];

	(void)state;
	for (unsigned i = 0; i < 3 * DIAG_MAX; i++) {
		snprintf(object, sizeof(object), "n%u.netns", i);
		diags_add(&d, i % 2 ? DIAG_ERROR : DIAG_WARNING, object, NULL, 0, NULL, NULL, "wrong");
	}
	assert_int_equal(d.count, DIAG_MAX);
	assert_int_equal(d.errors, 3 * DIAG_MAX / 2);
	assert_int_equal(d.dropped, 2 * DIAG_MAX);
	/* Also of those that were dropped it is known whether they failed. */
	assert_true(diags_object_failed(&d, "n2999.netns"));
	assert_false(diags_object_failed(&d, "n2998.netns"));
	diags_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_object_bound),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
