/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables: an event to the files that it concerns, and to whether a plan explains it. */
#include "drift.h"

#include "lib_config.h"
#include "netns.h"
#include "parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct scene *s;
	int r = scene_setup(state);

	if (r != 0)
		return r;
	s = *state;
	scene_write(s, "etc/a.netns",
		    "[Namespace]\nSysctl=net.ipv4.ip_forward=1\n"
		    "[Veth eth0]\nPeerName=ns-a\nAddress=10.0.0.2/24\nPeerAddress=10.0.0.1/24\n"
		    "[Veth side]\nPeerNamespace=b\nPeerName=from-a\n"
		    "[Route r]\nDestination=198.51.100.0/24\nGateway=10.0.0.1\n"
		    "[Neighbor n]\nAddress=10.0.0.9\nLinkLayerAddress=02:00:00:00:00:09\nLink=eth0\n");
	scene_write(s, "etc/b.netns", "[Namespace]\n[Veth own]\nPeerName=ns-b\n");
	scene_load_good(s);
	return 0;
}

static struct event link_event(const char *name, uint32_t group)
{
	struct event e = {.object = EVENT_LINK, .change = EVENT_SET, .link = {.group = group}};

	strcpy(e.link.name, name);
	return e;
}

static struct event address_event(const char *text, uint8_t protocol)
{
	struct event e = {.object = EVENT_ADDRESS, .change = EVENT_REMOVED};

	assert_int_equal(parse_prefix(text, &e.address.address.prefix), 0);
	e.address.protocol = protocol;
	return e;
}

static struct event route_event(const char *text, uint8_t protocol)
{
	struct event e = {.object = EVENT_ROUTE, .change = EVENT_REMOVED};

	assert_int_equal(parse_prefix(text, &e.route.route.destination), 0);
	e.route.route.family = e.route.route.destination.ip.family;
	e.route.route.table = 254;
	e.route.protocol = protocol;
	return e;
}

/* "a b": the names, in order. */
static void expect(struct scene *s, const char *place, const struct event *e, const char *ifname,
		   const char *before, const char *expected)
{
	const struct netns *owners[DRIFT_OWNERS];
	unsigned n = drift_owners(scene_netns(s, place), e, ifname, before, owners);
	char text[64] = "";

	for (unsigned i = 0; i < n; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, owners[i]->name);
	}
	assert_string_equal(text, expected);
}

static void test_links(void **state)
{
	struct scene *s = *state;
	struct event e = link_event("x", LINK_GROUP), foreign = link_event("x", 0);

	expect(s, "a", &e, "eth0", "", "a");
	expect(s, "host", &e, "ns-a", "", "a"); /* far ends belong to the file that declares them */
	expect(s, "b", &e, "from-a", "", "a");
	expect(s, "b", &e, "own", "", "b");
	expect(s, "a", &foreign, "eth0", "", "a"); /* in the way of ours, or no longer */
	expect(s, "a", &foreign, "other", "eth0", "a");
	expect(s, "a", &e, "other", "eth0", "a");
	expect(s, "b", &e, "other", "from-a", "a");
	expect(s, "a", &foreign, "other", "", "");
	expect(s, "a", &e, "left", "", "a"); /* our mark, and nobody declares it */
	expect(s, "b", &foreign, "lo", "", "b");
	expect(s, "a", &foreign, "", "", "");
}

static void test_addresses(void **state)
{
	struct scene *s = *state;
	struct event ours = address_event("10.0.0.2/24", ROUTE_PROTOCOL),
		     same = address_event("10.0.0.2/16", 0), local = address_event("fe80::1/64", 3),
		     peer = address_event("10.0.0.1/24", ROUTE_PROTOCOL);

	expect(s, "a", &ours, "eth0", "", "a");
	expect(s, "a", &same, "eth0", "", "a");
	expect(s, "a", &local, "eth0", "", "");
	expect(s, "host", &peer, "ns-a", "", "a");
	expect(s, "host", &local, "ns-a", "", "");
	expect(s, "a", &same, "other", "", "");
	expect(s, "a", &ours, "", "", "a"); /* the link is not known */
}

static void test_others(void **state)
{
	struct scene *s = *state;
	struct event ours = route_event("203.0.113.0/24", ROUTE_PROTOCOL),
		     same = route_event("198.51.100.0/24", 3), other = route_event("203.0.113.0/24", 3),
		     sysctl = {.object = EVENT_SYSCTL},
		     rule = {.object = EVENT_RULE, .rule = {.protocol = ROUTE_PROTOCOL}},
		     neighbor = {.object = EVENT_NEIGHBOR};

	expect(s, "a", &ours, "", "", "a");
	expect(s, "a", &same, "eth0", "", "a");
	expect(s, "a", &other, "eth0", "", "");
	expect(s, "b", &same, "own", "", "");
	expect(s, "a", &sysctl, "", "", "a");
	expect(s, "b", &sysctl, "", "", "");
	expect(s, "b", &rule, "", "", "b");
	rule.rule.protocol = 0;
	expect(s, "b", &rule, "", "", "");
	assert_int_equal(parse_ip("10.0.0.9", &neighbor.neighbor.neighbor.address), 0);
	expect(s, "a", &neighbor, "eth0", "", "a");
	assert_int_equal(parse_ip("10.0.0.8", &neighbor.neighbor.neighbor.address), 0);
	expect(s, "a", &neighbor, "eth0", "", "");
}

static struct plan *plan_of(struct scene *s, enum action_type type, const char *ifname)
{
	struct plan *p;
	struct action *a;

	assert_int_equal(plan_new("a", scene_netns(s, "a"), &p), 0);
	a = plan_add(p, type, STAGE_LINKS, SIGN_CHANGE, "a");
	assert_non_null(a);
	strcpy(a->ifname, ifname);
	return p;
}

static void test_explained_by_a_change(void **state)
{
	struct scene *s = *state;
	struct plan *p = plan_of(s, ACTION_LINK_SET, "eth0");
	struct event e = link_event("eth0", LINK_GROUP), address = address_event("fe80::1/64", 3),
		     route = route_event("198.51.100.0/24", ROUTE_PROTOCOL);

	assert_true(drift_explained(p, "a", &e, "eth0"));
	assert_true(drift_explained(p, "a", &address, "eth0")); /* the kernel's, because of ours */
	assert_true(drift_explained(p, "a", &route, "eth0"));
	assert_false(drift_explained(p, "a", &e, "side"));
	assert_false(drift_explained(p, "b", &e, "eth0"));
	assert_false(drift_explained(p, "a", &route, ""));
	strcpy(p->actions[0].master, "br0");
	assert_true(drift_explained(p, "a", &e, "br0"));
	plan_free(p);
}

static void test_explained_by_making(void **state)
{
	struct scene *s = *state;
	struct plan *p = plan_of(s, ACTION_LINK_CREATE, "eth0");
	struct event e = link_event("eth0", LINK_GROUP), gone = e, foreign = link_event("x", 0);

	p->actions[0].link = scene_find_link(s, "a", "eth0");
	gone.change = foreign.change = EVENT_REMOVED;
	assert_true(drift_explained(p, "a", &e, "eth0"));
	assert_true(drift_explained(p, "host", &e, "ns-a"));
	assert_false(drift_explained(p, "host", &e, "ns-b"));
	assert_true(drift_explained(p, "host", &gone, "any")); /* the old pair */
	e = (struct event){.object = EVENT_SYSCTL};
	assert_true(drift_explained(p, "host", &e, "")); /* comes before the name */
	assert_false(drift_explained(p, "b", &e, ""));
	assert_false(drift_explained(p, "host", &foreign, "any"));
	plan_free(p);
}

static void test_explained_by_a_new_namespace(void **state)
{
	struct scene *s = *state;
	struct plan *p = plan_of(s, ACTION_NETNS_CREATE, "");
	struct event rule = {.object = EVENT_RULE};

	assert_true(drift_explained(p, "a", &rule, ""));
	assert_false(drift_explained(p, "b", &rule, ""));
	plan_free(p);
}

/* Carrier comes and goes, counters count: nobody has to look. All that a file can declare counts. */
static void test_digest(void **state)
{
	struct actual_link l = {.flags = IFF_UP, .mtu = 1500, .mac_length = 6, .name = "eth0"}, x = l;
	char *altnames[] = {"a", NULL};
	uint64_t d = drift_link_digest(&l);

	(void)state;
	x.flags |= IFF_RUNNING | 1 << 16; /* IFF_LOWER_UP */
	x.operstate = 6;
	x.rx_bytes = 7;
	assert_true(drift_link_digest(&x) == d);
#define COUNTS(change)                                                                                       \
	do {                                                                                                 \
		x = l;                                                                                       \
		change;                                                                                      \
		assert_true(drift_link_digest(&x) != d);                                                     \
	} while (0)
	COUNTS(x.flags = 0);
	COUNTS(x.mtu = 1400);
	COUNTS(x.mac[5] = 1);
	COUNTS(x.master = 3);
	COUNTS(x.parent = 3);
	COUNTS(x.group = LINK_GROUP);
	COUNTS(strcpy(x.name, "eth1"));
	COUNTS(x.alias = "a");
	COUNTS(x.altnames = altnames);
	COUNTS(x.addr_gen_mode = 1);
#undef COUNTS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_links, setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_explained_by_a_change, setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_explained_by_making, setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_explained_by_a_new_namespace, setup, scene_teardown),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
