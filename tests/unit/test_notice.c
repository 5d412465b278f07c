/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is told what, in which order, and that those who are told may come and go meanwhile.
 */
#include "notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MANY 4

static struct notice_board board;
static char told[256];

static struct listener {
	struct subscriber subscriber;
	const char *leave, *join; /* listeners, by letter, who go or come when it is told */
} listeners[MANY];

static void act(const struct listener *l)
{
	for (const char *c = l->leave; c && *c; c++)
		notice_unsubscribe(&board, &listeners[*c - 'a'].subscriber);
	for (const char *c = l->join; c && *c; c++)
		notice_subscribe(&board, &listeners[*c - 'a'].subscriber);
}

static void on_notice(const struct notice *n, void *data)
{
	const size_t length = strlen(told);

	assert_string_equal(n->text, "text");
	assert_true(n->time > 0);
	snprintf(told + length, sizeof(told) - length, "%c%u ",
		 (char)('a' + ((struct listener *)data - listeners)), (unsigned)n->sequence);
	act(data);
}

static void on_resync(uint64_t sequence, void *data)
{
	const size_t length = strlen(told);

	snprintf(told + length, sizeof(told) - length, "%c!%u ",
		 (char)('a' + ((struct listener *)data - listeners)), (unsigned)sequence);
	act(data);
}

static int setup(void **state)
{
	(void)state;
	board = (struct notice_board){0};
	told[0] = '\0';
	for (unsigned i = 0; i < MANY; i++)
		listeners[i] = (struct listener){
			.subscriber = {.notice = on_notice, .resync = on_resync, .data = &listeners[i]}};
	return 0;
}

static void publish(const char *expected)
{
	struct notice n = {.text = "text"};

	told[0] = '\0';
	notice_publish(&board, &n);
	assert_int_equal(n.sequence, board.sequence);
	assert_string_equal(told, expected);
}

static void resync(const char *expected)
{
	told[0] = '\0';
	notice_resync(&board);
	assert_string_equal(told, expected);
}

static void subscribe(const char *letters)
{
	for (const char *c = letters; *c; c++)
		notice_subscribe(&board, &listeners[*c - 'a'].subscriber);
}

/* The last one who came is told first; nothing else is promised of the order of listeners. */
static void test_numbers(void **state)
{
	(void)state;
	assert_false(notice_wanted(&board));
	publish("");
	resync("");
	subscribe("ab");
	assert_true(notice_wanted(&board));
	publish("b3 a3 ");
	resync("b!4 a!4 ");
	publish("b5 a5 ");
	notice_unsubscribe(&board, &listeners[0].subscriber);
	notice_unsubscribe(&board, &listeners[1].subscriber);
	assert_false(notice_wanted(&board));
	publish("");
	assert_int_equal(board.sequence, 6);
}

static void test_leave(void **state)
{
	static const struct {
		const char *leave; /* when c, the second of d c b a, is told */
		const char *first, *second;
	} table[] = {
		{"", "d1 c1 b1 a1 ", "d2 c2 b2 a2 "},
		{"c", "d1 c1 b1 a1 ", "d2 b2 a2 "},
		{"b", "d1 c1 a1 ", "d2 c2 a2 "},
		{"d", "d1 c1 b1 a1 ", "c2 b2 a2 "},
		{"ba", "d1 c1 ", "d2 c2 "},
		{"ab", "d1 c1 ", "d2 c2 "},
		{"cb", "d1 c1 a1 ", "d2 a2 "},
		{"bc", "d1 c1 a1 ", "d2 a2 "},
		{"abcd", "d1 c1 ", ""},
		{"dcba", "d1 c1 ", ""},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (unsigned way = 0; way < 2; way++) {
			char expected[64];

			setup(state);
			subscribe("abcd");
			listeners[2].leave = table[i].leave;
			if (way == 0) {
				publish(table[i].first);
			} else {
				size_t n = 0;

				for (const char *c = table[i].first; *c; c++) {
					if (*c == '1')
						expected[n++] = '!';
					expected[n++] = *c;
				}
				expected[n] = '\0';
				resync(expected);
			}
			listeners[2].leave = NULL;
			publish(table[i].second);
		}
}

static void test_join(void **state)
{
	setup(state);
	subscribe("ab");
	listeners[1].join = "cd";
	publish("b1 a1 "); /* what is under way is not for those who come */
	listeners[1].join = NULL;
	publish("d2 c2 b2 a2 ");
	listeners[2].leave = listeners[2].join = "c"; /* goes and comes back: told once */
	publish("d3 c3 b3 a3 ");
	listeners[2].leave = listeners[2].join = NULL;
	publish("c4 d4 b4 a4 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_numbers, setup),
		cmocka_unit_test_setup(test_leave, setup),
		cmocka_unit_test_setup(test_join, setup),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
