/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to stop putting something back, and what counts as the same thing. */
#include "fight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((uint64_t)1000000)

static void test_burst_then_hold(void **state)
{
	struct fight f = {0};
	uint64_t now = 5 * SECOND;

	(void)state;
	for (unsigned i = 0; i < FIGHT_BURST; i++)
		assert_true(fight_note(&f, 1, now + i));
	assert_false(fight_note(&f, 1, now + FIGHT_BURST));
	assert_false(fight_note(&f, 1, now + FIGHT_INTERVAL)); /* the hold is longer */
	assert_true(fight_note(&f, 1, now + FIGHT_BURST + FIGHT_HOLD));
}

static void test_slow_is_no_fight(void **state)
{
	struct fight f = {0};

	(void)state;
	for (unsigned i = 1; i < 100; i++)
		assert_true(fight_note(&f, 1, i * 2 * SECOND));
}

static void test_objects_are_apart(void **state)
{
	struct fight f = {0};

	(void)state;
	for (unsigned i = 0; i < FIGHT_BURST; i++)
		for (uint64_t object = 1; object <= FIGHT_OBJECTS; object++)
			assert_true(fight_note(&f, object, SECOND + i));
	for (uint64_t object = 1; object <= FIGHT_OBJECTS; object++)
		assert_false(fight_note(&f, object, SECOND + FIGHT_BURST));
}

/* More objects than there is room for: the oldest is forgotten, nothing else. */
static void test_oldest_makes_room(void **state)
{
	struct fight f = {0};

	(void)state;
	for (uint64_t object = 1; object <= FIGHT_OBJECTS; object++)
		for (unsigned i = 0; i < FIGHT_BURST; i++)
			assert_true(fight_note(&f, object, SECOND + object));
	assert_true(fight_note(&f, 1000, 2 * SECOND));
	assert_false(fight_note(&f, FIGHT_OBJECTS, 2 * SECOND));
	assert_true(fight_note(&f, 1, 2 * SECOND));
}

static struct action set_mtu(const char *place, const char *ifname, uint32_t mtu)
{
	struct action a = {.type = ACTION_LINK_SET, .place = place, .text = "whatever it says"};

	strcpy(a.ifname, ifname);
	a.values.change = LINK_CHANGE_MTU;
	a.values.mtu = mtu;
	return a;
}

static void test_same_object(void **state)
{
	struct action a = set_mtu("one", "eth0", 1400), b = set_mtu("one", "eth0", 1500),
		      other = set_mtu("two", "eth0", 1400), link = set_mtu("one", "eth1", 1400);
	struct address address = {.prefix = {.ip = {.family = 2, .bytes = {10, 0, 0, 1}}, .length = 24}};
	struct address second = {.prefix = {.ip = {.family = 2, .bytes = {10, 0, 0, 2}}, .length = 24}};
	struct action add = {.type = ACTION_ADDRESS_ADD, .place = "one", .address = &address};
	struct action change = {.type = ACTION_ADDRESS_CHANGE, .place = "one", .address = &address};
	struct action another = {.type = ACTION_ADDRESS_ADD, .place = "one", .address = &second};

	(void)state;
	assert_true(fight_object(&a) == fight_object(&b));
	assert_true(fight_object(&a) != fight_object(&other));
	assert_true(fight_object(&a) != fight_object(&link));
	assert_true(fight_object(&add) == fight_object(&change));
	assert_true(fight_object(&add) != fight_object(&another));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_hold),	  cmocka_unit_test(test_slow_is_no_fight),
		cmocka_unit_test(test_objects_are_apart), cmocka_unit_test(test_oldest_makes_room),
		cmocka_unit_test(test_same_object),
	};

	return cmocka_run_group_tests_name("fight", tests, NULL, NULL);
}
