/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnl against the real kernel: nsids, dumps that fail, and the event socket in a flood.
 */
#include "lib_kernel.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/socket.h>

/* --- nsids --- */

static int seen[8];
static size_t n_seen;

static void remember_nsid(int nsid, void *data)
{
	(void)data;
	if (n_seen < 8)
		seen[n_seen] = nsid;
	n_seen++;
}

static void test_nsid(void **state)
{
	struct space other = space_new(), third = space_new(), s = space_new();
	struct error err;
	int nsid = 7;

	(void)state;
	assert_ok(rtnl_nsid_get(s.rtnl, other.fd, &nsid, &err), &err);
	assert_int_equal(nsid, NETNSA_NSID_NOT_ASSIGNED);
	assert_ok(rtnl_nsid_set(s.rtnl, other.fd, NSID_CREATED_FIRST, &err), &err);
	assert_ok(rtnl_nsid_get(s.rtnl, other.fd, &nsid, &err), &err);
	assert_int_equal(nsid, NSID_CREATED_FIRST);
	assert_int_equal(rtnl_nsid_set(s.rtnl, other.fd, NSID_CREATED_FIRST + 1, &err), -EEXIST);
	assert_string_equal(err.text, "Peer netns already has a nsid assigned (EEXIST)");
	assert_int_equal(rtnl_nsid_set(s.rtnl, third.fd, NSID_CREATED_FIRST, &err), -EEXIST);
	assert_string_equal(err.text, "The specified nsid is already used (EEXIST)");
	assert_ok(rtnl_nsid_set(s.rtnl, third.fd, NSID_LAST, &err), &err);
	n_seen = 0;
	assert_ok(rtnl_nsid_dump(s.rtnl, remember_nsid, NULL, &err), &err);
	assert_int_equal(n_seen, 2);
	assert_int_equal((int64_t)seen[0] + seen[1], (int64_t)NSID_CREATED_FIRST + NSID_LAST);
	/* Seen from elsewhere nothing is assigned. */
	assert_ok(rtnl_nsid_get(third.rtnl, other.fd, &nsid, &err), &err);
	assert_int_equal(nsid, NETNSA_NSID_NOT_ASSIGNED);
	assert_true(rtnl_nsid_get(s.rtnl, 4711, &nsid, &err) < 0);
	space_close(&other);
	space_close(&third);
	space_close(&s);
}

/* --- names, errors, dumps --- */

static void test_ifindex(void **state)
{
	struct space s = space_new();
	char longest[5000];
	int index = 99;

	(void)state;
	assert_int_equal(rtnl_ifindex(s.rtnl, "lo", &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(rtnl_ifindex(s.rtnl, "no-such-link", &index), -ENODEV);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_true(rtnl_ifindex(s.rtnl, longest, &index) < 0);
	longest[200] = '\0';
	assert_true(rtnl_ifindex(s.rtnl, longest, &index) < 0);
	assert_int_equal(index, 1); /* untouched */
	space_close(&s);
}

static int count_message(const struct nlmsghdr *h, void *data)
{
	(void)h;
	++*(unsigned *)data;
	return 0;
}

static int stop_at_once(const struct nlmsghdr *h, void *data)
{
	(void)h;
	++*(unsigned *)data;
	return 1;
}

/* The kernel reports both in NLMSG_DONE, where libnl does not look. */
static void test_dump_errors_are_errors(void **state)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	const struct rtmsg rtm = {.rtm_family = AF_INET, .rtm_dst_len = 8};
	struct nl_msg *msg = rtnl_message(RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	struct space s = space_new();
	unsigned n = 0;
	struct error err;

	(void)state;
	assert_int_equal(rtnl_dump(s.rtnl, msg, NULL, count_message, &n, &err), -EINVAL);
	assert_non_null(strstr(err.text, "(EINVAL)"));
	nlmsg_free(msg);
	msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nla_put_u32(msg, IFLA_TARGET_NETNSID, 4711); /* nobody has it */
	assert_true(rtnl_dump(s.rtnl, msg, NULL, count_message, &n, &err) < 0);
	assert_int_equal(n, 0);
	nlmsg_free(msg);
	space_close(&s);
}

static void test_stopped_dump_frees_the_socket(void **state)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct space s = space_new();
	unsigned n = 0;
	char name[16];
	struct error err;

	(void)state;
	for (int i = 0; i < 60; i++) { /* more than one piece of 32 KiB with statistics */
		(void)snprintf(name, sizeof(name), "br%d", i);
		bridge_create(&s, name);
	}
	assert_int_equal(rtnl_dump(s.rtnl, msg, NULL, stop_at_once, &n, &err), 1);
	assert_int_equal(n, 1);
	n = 0;
	assert_ok(rtnl_dump(s.rtnl, msg, NULL, count_message, &n, &err), &err); /* not EBUSY */
	assert_true(n >= 61);
	nlmsg_free(msg);
	space_close(&s);
}

/* --- the monitor --- */

struct heard {
	struct rtnl_monitor m;
	unsigned links, addresses, overruns;
};

static void on_event(const struct nlmsghdr *h, int nsid, void *data)
{
	struct heard *heard = data;

	(void)nsid;
	heard->links += h->nlmsg_type == RTM_NEWLINK;
	heard->addresses += h->nlmsg_type == RTM_NEWADDR;
}

static void on_overrun(void *data)
{
	((struct heard *)data)->overruns++;
}

static void drain(struct ev_loop *loop)
{
	for (int i = 0; i < 50; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void make_bridges(struct space *s, int count, const char *head)
{
	char name[16];

	for (int i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s%d", head, i);
		bridge_create(s, name);
	}
}

static void test_monitor(void **state)
{
	const struct address a = {.prefix = prefix("10.0.0.2/24"), .preferred = UINT32_MAX};
	struct ev_loop *loop = ev_loop_new(0);
	struct space s = space_new(), elsewhere;
	struct heard heard = {0};
	struct error err;

	(void)state;
	assert_int_equal(
		rtnl_monitor_start(&heard.m, loop,
				   &(struct rtnl_monitor_setup){.groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR,
								.event = on_event,
								.overrun = on_overrun,
								.data = &heard}),
		0);
	elsewhere = space_new(); /* of which nothing may be heard */
	make_bridges(&elsewhere, 3, "x");
	drain(loop);
	assert_int_equal(heard.links, 0);
	make_bridges(&s, 3, "br");
	assert_ok(ASK(&s, &err, request_address, &a, index_of(&s, "br0"), true, false), &err);
	drain(loop);
	assert_true(heard.links >= 3);
	assert_int_equal(heard.addresses, 1);
	assert_int_equal(heard.overruns, 0);
	rtnl_monitor_stop(&heard.m);
	ev_loop_destroy(loop);
	space_close(&elsewhere);
	space_close(&s);
}

/* With the default buffer some 48 link events fit. Ours takes a burst of many namespaces. */
static void test_monitor_has_room(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct space s = space_new();
	struct heard heard = {0};

	(void)state;
	assert_int_equal(rtnl_monitor_start(&heard.m, loop,
					    &(struct rtnl_monitor_setup){.groups = RTMGRP_LINK,
									 .event = on_event,
									 .overrun = on_overrun,
									 .data = &heard}),
			 0);
	make_bridges(&s, 100, "br");
	drain(loop);
	assert_true(heard.links >= 100);
	assert_int_equal(heard.overruns, 0);
	rtnl_monitor_stop(&heard.m);
	ev_loop_destroy(loop);
	space_close(&s);
}

static void test_monitor_overrun(void **state)
{
	const int tiny = 1;
	struct ev_loop *loop = ev_loop_new(0);
	struct space s = space_new();
	struct heard heard = {0};

	(void)state;
	assert_int_equal(rtnl_monitor_start(&heard.m, loop,
					    &(struct rtnl_monitor_setup){.groups = RTMGRP_LINK,
									 .event = on_event,
									 .overrun = on_overrun,
									 .data = &heard}),
			 0);
	assert_int_equal(setsockopt(heard.m.fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)), 0);
	make_bridges(&s, 20, "br");
	drain(loop);
	assert_int_equal(heard.overruns, 1); /* once, however many were lost */
	assert_int_equal(heard.links, 0);    /* nothing stale is delivered */
	/* It hears again afterwards. */
	assert_int_equal(setsockopt(heard.m.fd, SOL_SOCKET, SO_RCVBUF, &(int){200000}, sizeof(int)), 0);
	make_bridges(&s, 1, "again");
	drain(loop);
	assert_true(heard.links >= 1);
	assert_int_equal(heard.overruns, 1);
	rtnl_monitor_stop(&heard.m);
	ev_loop_destroy(loop);
	space_close(&s);
}

static size_t fds_before;

static void test_no_descriptor_is_lost(void **state)
{
	(void)state;
	assert_int_equal(count_fds(), fds_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nsid),
		cmocka_unit_test(test_ifindex),
		cmocka_unit_test(test_dump_errors_are_errors),
		cmocka_unit_test(test_stopped_dump_frees_the_socket),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_monitor_has_room),
		cmocka_unit_test(test_monitor_overrun),
		cmocka_unit_test(test_no_descriptor_is_lost),
	};

	sandbox_enter();
	fds_before = count_fds();
	return cmocka_run_group_tests_name("rtnl on the kernel", tests, NULL, NULL);
}
