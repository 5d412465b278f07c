/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Link requests against the real kernel, and the facts that request.h states: what the program
 * rests on is asserted, what merely costs it a request more is printed where a kernel differs.
 */
#include "lib_kernel.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>

static const struct actual_link *find(const struct actual *a, const char *name)
{
	const struct actual_link *l = actual_find_link(a, name);

	assert_non_null(l);
	return l;
}

static size_t count_link_local(const struct actual *a, int ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_addresses; i++)
		n += a->addresses[i].ifindex == ifindex &&
		     a->addresses[i].address.prefix.ip.family == AF_INET6;
	return n;
}

/* --- creation --- */

static void check_end(struct space *s, const char *name, uint32_t mtu, const char *mac)
{
	struct actual *a = look(s, ACTUAL_LINKS);
	const struct actual_link *l = find(a, name);
	struct netnsd_mac expected;

	assert_int_equal(l->group, LINK_GROUP);
	assert_string_equal(l->kind, "veth");
	assert_true(l->link_nsid >= 0);
	assert_int_equal(l->mtu, mtu);
	assert_int_equal(l->mac_length, 6);
	if (mac) {
		assert_int_equal(parse_mac(mac, &expected), 0);
		assert_memory_equal(l->mac, expected.bytes, 6);
	}
	actual_free(a);
}

/* Both ends carry what they were declared with, whichever end the message is about. */
static void test_pair_from_either_side(void **state)
{
	struct link a, b;

	(void)state;
	for (int from_peer = 0; from_peer < 2; from_peer++) {
		struct space inside = space_new(), outside = space_new();

		pair_init(&a, "eth0", &b, "ns-x");
		a.mtu_set = true;
		a.mtu = 1400;
		b.mac_set = true;
		assert_int_equal(parse_mac("02:00:00:00:00:09", &b.mac), 0);
		if (from_peer)
			pair_create(&outside, &b, inside.fd); /* on the host, about the host's end */
		else
			pair_create(&inside, &a, outside.fd);
		check_end(&inside, "eth0", 1400, NULL);
		check_end(&outside, "ns-x", 1500, "02:00:00:00:00:09");
		assert_int_equal(index_of(&outside, "eth0"), 0);
		space_close(&inside);
		space_close(&outside);
	}
}

static void test_creation_in_another_namespace(void **state)
{
	struct space there = space_new(), here = space_new();
	const struct actual_link *l;
	struct link a, b, br = {.kind = &kernel_bridge, .name = "br9"};
	struct actual *seen;
	struct error err;

	(void)state;
	bridge_create(&there, "br0");
	pair_init(&a, "eth0", &b, "ns-x");
	/* IFF_UP and IFLA_MASTER go along, and the master is looked up where the link goes. */
	assert_ok(ASK(&here, &err, request_link_create, &a, there.fd, 0, index_of(&there, "br0"), here.fd,
		      true),
		  &err);
	assert_ok(ASK(&here, &err, request_link_create, &br, there.fd, 0, 0, -1, true), &err);
	seen = look(&there, ACTUAL_LINKS);
	l = find(seen, "eth0");
	assert_true(l->flags & IFF_UP);
	assert_int_equal(l->master, find(seen, "br0")->ifindex);
	assert_true(find(seen, "br9")->flags & IFF_UP);
	actual_free(seen);
	assert_int_not_equal(index_of(&here, "ns-x"), 0);
	space_close(&there);
	space_close(&here);
}

static void test_creation_fails_by_name(void **state)
{
	struct space s = space_new();
	struct link a, b;
	struct error err;

	(void)state;
	pair_init(&a, "eth0", &b, "eth1");
	pair_create(&s, &a, -1);
	assert_int_equal(ASK(&s, &err, request_link_create, &a, -1, 0, 0, -1, false), -EEXIST);
	assert_string_equal(err.text, "File exists (EEXIST)");
	pair_init(&a, "other", &b, "eth1"); /* the peer's name is taken: nothing is made */
	assert_int_equal(ASK(&s, &err, request_link_create, &a, -1, 0, 0, -1, false), -EEXIST);
	assert_int_equal(index_of(&s, "other"), 0);
	assert_int_equal(ASK(&s, &err, request_link_create, &a, 9999, 0, 0, -1, false), -EBADF);
	space_close(&s);
}

/* --- change --- */

static void test_set_changes_all(void **state)
{
	struct space peer = space_new(), s = space_new();
	const struct actual_link *l;
	struct link_values v = {.change = LINK_CHANGE_MTU | LINK_CHANGE_MAC | LINK_CHANGE_ALIAS |
					  LINK_CHANGE_NAME | LINK_CHANGE_ADDRGEN | LINK_CHANGE_GROUP,
				.mtu = 1300,
				.alias = "an alias",
				.name = "renamed",
				.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE,
				.group = 55};
	struct actual *seen;
	struct link a, b;
	struct error err;
	int index;

	(void)state;
	pair_init(&a, "eth0", &b, "eth0");
	pair_create(&s, &a, peer.fd);
	bridge_create(&s, "br0");
	index = index_of(&s, "eth0");
	assert_int_equal(parse_mac("02:00:00:00:00:07", &v.mac), 0);
	assert_ok(ASK(&s, &err, request_link_set, index, &v), &err);
	v = (struct link_values){.change = LINK_CHANGE_MASTER | LINK_CHANGE_UP,
				 .master_ifindex = index_of(&s, "br0")};
	assert_ok(ASK(&s, &err, request_link_set, index, &v), &err);
	seen = look(&s, ACTUAL_LINKS);
	l = find(seen, "renamed");
	assert_int_equal(l->ifindex, index);
	assert_int_equal(l->mtu, 1300);
	assert_int_equal(l->mac[5], 7);
	assert_string_equal(l->alias, "an alias");
	assert_int_equal(l->addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	assert_int_equal(l->group, 55);
	assert_int_equal(l->master, v.master_ifindex);
	assert_true(l->flags & IFF_UP);
	actual_free(seen);
	/* And back: no alias, no master, down. */
	v = (struct link_values){.change = LINK_CHANGE_MASTER | LINK_CHANGE_DOWN | LINK_CHANGE_ALIAS};
	assert_ok(ASK(&s, &err, request_link_set, index, &v), &err);
	seen = look(&s, ACTUAL_LINKS);
	l = find(seen, "renamed");
	assert_null(l->alias);
	assert_int_equal(l->master, 0);
	assert_false(l->flags & IFF_UP);
	actual_free(seen);
	space_close(&peer);
	space_close(&s);
}

static void test_altnames(void **state)
{
	const char *const name = "a-name-longer-than-fifteen-bytes";
	struct space s = space_new();
	struct actual *seen;
	struct error err;
	int index;

	(void)state;
	bridge_create(&s, "br0");
	index = index_of(&s, "br0");
	assert_ok(ASK(&s, &err, request_altname, index, name, true), &err);
	assert_ok(ASK(&s, &err, request_altname, index, "short", true), &err);
	assert_int_equal(index_of(&s, name), index);
	assert_int_equal(index_of(&s, "short"), index);
	seen = look(&s, ACTUAL_LINKS);
	assert_int_equal(strv_length(find(seen, "br0")->altnames), 2);
	assert_ptr_equal(find(seen, name), find(seen, "br0"));
	actual_free(seen);
	assert_int_equal(ASK(&s, &err, request_altname, index, name, true), -EEXIST);
	assert_ok(ASK(&s, &err, request_altname, index, name, false), &err);
	assert_int_equal(index_of(&s, name), 0);
	space_close(&s);
}

static void test_move_and_delete(void **state)
{
	struct space there = space_new(), s = space_new();
	struct error err;
	struct link a, b;

	(void)state;
	pair_init(&a, "eth0", &b, "eth1");
	pair_create(&s, &a, -1);
	assert_ok(ASK(&s, &err, request_link_move, index_of(&s, "eth1"), there.fd, "moved"), &err);
	assert_int_equal(index_of(&s, "eth1"), 0);
	assert_int_not_equal(index_of(&there, "moved"), 0);
	assert_ok(ASK(&s, &err, request_link_delete, index_of(&s, "eth0")), &err);
	assert_int_equal(index_of(&there, "moved"), 0); /* the other end goes too */
	assert_int_equal(ASK(&s, &err, request_link_delete, 4711), -ENODEV);
	space_close(&there);
	space_close(&s);
}

static void test_delete_group_spares_others(void **state)
{
	const struct link_values theirs = {.change = LINK_CHANGE_GROUP, .group = 0};
	struct space s = space_new();
	struct error err;
	char name[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "br%d", i);
		bridge_create(&s, name);
	}
	assert_ok(ASK(&s, &err, request_link_set, index_of(&s, "br3"), &theirs), &err);
	assert_ok(ASK(&s, &err, request_link_delete_group, LINK_GROUP), &err);
	assert_int_equal(index_of(&s, "br0"), 0);
	assert_int_equal(index_of(&s, "br4"), 0);
	assert_int_not_equal(index_of(&s, "br3"), 0);
	assert_int_not_equal(index_of(&s, "lo"), 0);
	space_close(&s);
}

/* --- the facts of request.h --- */

static void test_fact_addr_gen_mode_before_up(void **state)
{
	struct link_values v = {.change = LINK_CHANGE_ADDRGEN, .addr_gen_mode = IN6_ADDR_GEN_MODE_NONE};
	struct link l = {.kind = &kernel_bridge, .name = "br0"};
	struct space s = space_new();
	struct actual *seen;
	struct error err;

	(void)state;
	assert_ok(ASK(&s, &err, request_link_create, &l, -1, 0, 0, -1, false), &err);
	assert_ok(ASK(&s, &err, request_link_set, index_of(&s, "br0"), &v), &err);
	link_up(&s, index_of(&s, "br0"));
	seen = look(&s, ACTUAL_ADDRESSES);
	assert_int_equal(count_link_local(seen, index_of(&s, "br0")), 0);
	actual_free(seen);
	/* In one message the mode comes too late. */
	memcpy(l.name, "br1", 4);
	assert_ok(ASK(&s, &err, request_link_create, &l, -1, 0, 0, -1, false), &err);
	v.change |= LINK_CHANGE_UP;
	assert_ok(ASK(&s, &err, request_link_set, index_of(&s, "br1"), &v), &err);
	seen = look(&s, ACTUAL_ADDRESSES);
	if (count_link_local(seen, index_of(&s, "br1")) == 0)
		print_message("this kernel sets the address generation mode before IFF_UP\n");
	actual_free(seen);
	space_close(&s);
}

static struct nl_msg *bridge_message(const char *name)
{
	struct link l = {.kind = &kernel_bridge};
	struct nl_msg *msg;

	(void)snprintf(l.name, sizeof(l.name), "%s", name);
	assert_int_equal(request_link_create(&l, -1, 0, 0, -1, false, &msg), 0);
	return msg;
}

static void test_fact_what_creation_ignores(void **state)
{
	struct space s = space_new();
	struct nl_msg *msg = bridge_message("br0");
	struct nlattr *nest, *inner;
	struct actual *seen;
	struct error err;

	(void)state;
	nla_put(msg, IFLA_IFALIAS, 1, "x");
	nest = nla_nest_start(msg, IFLA_PROP_LIST);
	nla_put_string(msg, IFLA_ALT_IFNAME, "other");
	nla_nest_end(msg, nest);
	assert_ok(ask(&s, 0, msg, &err), &err);
	seen = look(&s, ACTUAL_LINKS);
	if (find(seen, "br0")->alias || find(seen, "br0")->altnames)
		print_message("this kernel takes an alias or alternative names at creation\n");
	actual_free(seen);
	msg = bridge_message("br1");
	nest = nla_nest_start(msg, IFLA_AF_SPEC);
	inner = nla_nest_start(msg, AF_INET6);
	nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(msg, inner);
	nla_nest_end(msg, nest);
	if (ask(&s, 0, msg, &err) != -EAFNOSUPPORT)
		print_message("this kernel takes IFLA_AF_SPEC at creation\n");
	space_close(&s);
}

/* --- the whole view, and what it costs --- */

static void prepare_typical(struct space *peer, struct space *s)
{
	const struct address a4 = {.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX};
	const struct address a6 = {.prefix = prefix("fd00::2/64"), .no_dad = true, .preferred = UINT32_MAX};
	const struct route routes[] = {
		{.family = AF_INET, .type = RTN_UNICAST, .table = 254, .gateway = ip("10.0.0.1")},
		{.family = AF_INET,
		 .type = RTN_UNICAST,
		 .table = 254,
		 .gateway = ip("10.0.0.254"),
		 .metric = 50,
		 .destination = prefix("198.51.100.0/24")},
		{.family = AF_INET6, .type = RTN_UNICAST, .table = 254, .gateway = ip("fd00::1")},
	};
	struct link a, b;
	struct error err;
	int index;

	pair_init(&a, "eth0", &b, "ns-x");
	pair_create(s, &a, peer->fd);
	index = index_of(s, "eth0");
	link_up(s, 1);
	link_up(peer, index_of(peer, "ns-x"));
	link_up(s, index);
	assert_ok(ASK(s, &err, request_address, &a4, index, true, false), &err);
	assert_ok(ASK(s, &err, request_address, &a6, index, true, false), &err);
	for (size_t i = 0; i < 3; i++)
		assert_ok(ASK(s, &err, request_route, &routes[i], index, NULL, true, false), &err);
}

static void send_to_itself(void)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
	close(fd);
}

static void test_dump(void **state)
{
	struct space peer = space_new(), s = space_new();
	struct actual *a;

	(void)state;
	prepare_typical(&peer, &s);
	a = look(&s, ACTUAL_ALL);
	assert_true(a->n_links >= 2);
	assert_string_equal(a->links[0].name, "lo");
	assert_int_equal(a->n_routes, 3); /* ours only: not the kernel's connected ones */
	for (size_t i = 0; i < a->n_routes; i++)
		assert_string_equal(a->routes[i].route.ifname, "eth0");
	assert_int_equal(a->n_rules, 0);
	assert_int_equal(a->n_neighbors, 0);
	for (size_t i = 0; i < a->n_addresses; i++)
		assert_string_equal(a->addresses[i].address.label,
				    ""); /* the kernel's label is the link's name */
	actual_free(a);
	a = look(&s, ACTUAL_ROUTES | ACTUAL_RULES | ACTUAL_FOREIGN_TOO);
	assert_true(a->n_routes > 3);
	assert_true(a->n_rules >= 3); /* local, main, default */
	assert_int_equal(a->n_links, 0);
	actual_free(a);
	send_to_itself();
	a = look(&s, ACTUAL_LINKS | ACTUAL_STATISTICS);
	assert_true(find(a, "lo")->tx_packets > 0);
	assert_true(find(a, "lo")->rx_bytes > 0);
	actual_free(a);
	space_close(&peer);
	space_close(&s);
}

/* Those asked for, once each, whatever they are called; what they are ports of; and nobody else. */
static void test_dump_of_some(void **state)
{
	char *names[] = {(char *)"other-name", (char *)"nobody", (char *)"eth0", NULL}, *none[] = {NULL};
	struct space peer = space_new(), s = space_new();
	struct link_values v = {.change = LINK_CHANGE_MASTER};
	struct actual *all, *a;
	struct error err;
	struct link x, y;

	(void)state;
	pair_init(&x, "eth0", &y, "ns-x");
	pair_create(&s, &x, peer.fd);
	bridge_create(&s, "br0");
	bridge_create(&s, "br1");
	assert_ok(ASK(&s, &err, request_altname, index_of(&s, "eth0"), "other-name", true), &err);
	v.master_ifindex = index_of(&s, "br0");
	assert_ok(ASK(&s, &err, request_link_set, index_of(&s, "eth0"), &v), &err);
	all = look(&s, ACTUAL_LINKS);
	assert_ok(actual_dump_some(s.rtnl, ACTUAL_LINKS | ACTUAL_RULES | ACTUAL_FOREIGN_TOO, names, &a, &err),
		  &err);
	assert_int_equal(a->n_links, 2);
	assert_true(a->n_rules >= 3); /* of the rest all, and the socket is free for it */
	assert_true(a->links[0].ifindex < a->links[1].ifindex);
	assert_int_equal(find(a, "eth0")->ifindex, find(all, "eth0")->ifindex);
	assert_int_equal(find(a, "eth0")->parent, find(all, "eth0")->parent);
	assert_ptr_equal(find(a, "other-name"), find(a, "eth0"));
	assert_string_equal(actual_link_by_index(a, find(a, "eth0")->master)->name, "br0");
	actual_free(a);
	assert_ok(actual_dump_some(s.rtnl, ACTUAL_LINKS, none, &a, &err), &err);
	assert_int_equal(a->n_links, 0);
	actual_free(a);
	actual_free(all);
	space_close(&peer);
	space_close(&s);
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void test_dump_is_fast(void **state)
{
	struct space peer = space_new(), s = space_new();
	static double t[1000];

	(void)state;
	prepare_typical(&peer, &s);
	for (size_t i = 0; i < 1000; i++) {
		struct actual *a = NULL;
		struct error err;

		t[i] = now_us();
		assert_ok(actual_dump(s.rtnl, ACTUAL_ALL, &a, &err), &err);
		actual_free(a);
		t[i] = now_us() - t[i];
	}
	qsort(t, 1000, sizeof(*t), compare_doubles);
	print_message(
		"dump of lo + veth, 2 addresses, 3 routes: %.0f us at best, %.0f us median (goal: 80)\n",
		t[0], t[500]);
	space_close(&peer);
	space_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_from_either_side),
		cmocka_unit_test(test_creation_in_another_namespace),
		cmocka_unit_test(test_creation_fails_by_name),
		cmocka_unit_test(test_set_changes_all),
		cmocka_unit_test(test_altnames),
		cmocka_unit_test(test_move_and_delete),
		cmocka_unit_test(test_delete_group_spares_others),
		cmocka_unit_test(test_fact_addr_gen_mode_before_up),
		cmocka_unit_test(test_fact_what_creation_ignores),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_of_some),
		cmocka_unit_test(test_dump_is_fast),
	};

	sandbox_enter();
	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
