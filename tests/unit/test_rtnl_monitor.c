/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event socket against a scripted recvmsg(): what is delivered, what an overrun throws away,
 * and that one turn of the loop has a budget. The real flood is in tests/kernel.
 */
#include "rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum step {
	EVENT,	  /* a datagram with one event */
	EVENTS,	  /* with two */
	NOOP,	  /* with a control message */
	STRANGER, /* from another process */
	INTERRUPT,
	OVERRUN,
	CUT,	  /* longer than the buffer */
	ELSEWHERE /* an event of namespace 7 */
};

static enum step steps[1300];
static size_t n_steps, next_step;

static size_t fill(unsigned char *data, enum step step)
{
	const struct nlmsghdr h = {.nlmsg_len = NLMSG_HDRLEN,
				   .nlmsg_type = step == NOOP ? NLMSG_NOOP : RTM_NEWLINK};

	memcpy(data, &h, sizeof(h));
	memcpy(data + sizeof(h), &h, sizeof(h));
	return step == EVENTS ? 2 * sizeof(h) : sizeof(h);
}

static void fill_control(struct msghdr *m, enum step step)
{
	const int nsid = 7;
	struct cmsghdr *c;

	if (step != ELSEWHERE) {
		m->msg_controllen = 0;
		return;
	}
	assert_true(m->msg_controllen >= CMSG_SPACE(sizeof(nsid)));
	c = m->msg_control;
	*c = (struct cmsghdr){.cmsg_level = SOL_NETLINK,
			      .cmsg_type = NETLINK_LISTEN_ALL_NSID,
			      .cmsg_len = CMSG_LEN(sizeof(nsid))};
	memcpy(CMSG_DATA(c), &nsid, sizeof(nsid));
	m->msg_controllen = CMSG_SPACE(sizeof(nsid));
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct sockaddr_nl *from = m->msg_name;
	enum step step;

	(void)fd;
	assert_true(flags & MSG_DONTWAIT); /* the loop must never hang here */
	if (next_step++ >= n_steps) {
		errno = EAGAIN;
		return -1;
	}
	step = steps[next_step - 1];
	if (step == INTERRUPT || step == OVERRUN) {
		errno = step == INTERRUPT ? EINTR : ENOBUFS;
		return -1;
	}
	from->nl_pid = step == STRANGER ? 99 : 0;
	fill_control(m, step);
	m->msg_flags = step == CUT ? MSG_TRUNC : 0;
	return (ssize_t)fill(m->msg_iov->iov_base, step);
}

static void script(size_t n, const enum step *what)
{
	assert_true(n <= sizeof(steps) / sizeof(steps[0]));
	memcpy(steps, what, n * sizeof(*what));
	n_steps = n;
	next_step = 0;
}
#define SCRIPT(...) script(sizeof((enum step[]){__VA_ARGS__}) / sizeof(enum step), (enum step[]){__VA_ARGS__})

/* `first`, then n events. */
static void script_flood(enum step first, size_t n)
{
	static enum step flood[1300];

	assert_true(n < sizeof(flood) / sizeof(flood[0]));
	flood[0] = first;
	for (size_t i = 1; i <= n; i++)
		flood[i] = EVENT;
	script(n + 1, flood);
}

struct heard {
	struct rtnl_monitor m;
	struct ev_loop *loop;
	unsigned events, overruns;
	int nsid;
	bool stop;
};

static void on_event(const struct nlmsghdr *h, int nsid, void *data)
{
	struct heard *heard = data;

	assert_true(h->nlmsg_type >= NLMSG_MIN_TYPE);
	heard->events++;
	heard->nsid = nsid;
	if (heard->stop)
		rtnl_monitor_stop(&heard->m);
}

static void on_overrun(void *data)
{
	struct heard *heard = data;

	heard->overruns++;
	assert_int_equal(next_step, n_steps + 1); /* the queue had been read empty before */
	if (heard->stop)
		rtnl_monitor_stop(&heard->m);
}

static struct heard heard;

static int start(void **state)
{
	(void)state;
	heard = (struct heard){.loop = ev_loop_new(0)};
	assert_int_equal(rtnl_monitor_start(&heard.m, heard.loop,
					    &(struct rtnl_monitor_setup){.groups = RTMGRP_LINK,
									 .event = on_event,
									 .overrun = on_overrun,
									 .data = &heard}),
			 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rtnl_monitor_stop(&heard.m);
	rtnl_monitor_stop(&heard.m); /* twice is harmless */
	assert_int_equal(heard.m.fd, -1);
	ev_loop_destroy(heard.loop);
	return 0;
}

/* One turn of the loop in which the socket is readable. */
static void turn(void)
{
	ev_invoke(heard.loop, &heard.m.io, EV_READ);
}

static void test_delivers(void **state)
{
	(void)state;
	SCRIPT(EVENTS, INTERRUPT, STRANGER, NOOP, EVENT);
	turn();
	assert_int_equal(heard.events, 3);
	assert_int_equal(heard.overruns, 0);
}

/* While the socket is congested everything is stale: nothing of it is delivered, and the one call
 * comes after the queue is empty. */
static void test_overrun(void **state)
{
	(void)state;
	SCRIPT(EVENT, OVERRUN, EVENT, OVERRUN, EVENTS, INTERRUPT, EVENT);
	turn();
	assert_int_equal(heard.events, 1);
	assert_int_equal(heard.overruns, 1);
	SCRIPT(EVENT); /* and it hears again */
	turn();
	assert_int_equal(heard.events, 2);
	assert_int_equal(heard.overruns, 1);
}

static void test_event_cut_off_is_an_overrun(void **state)
{
	(void)state;
	SCRIPT(CUT, EVENT);
	turn();
	assert_int_equal(heard.events, 0);
	assert_int_equal(heard.overruns, 1);
}

static void test_tells_the_namespace(void **state)
{
	(void)state;
	SCRIPT(EVENT);
	turn();
	assert_int_equal(heard.nsid, RTNL_OWN_NAMESPACE);
	SCRIPT(ELSEWHERE);
	turn();
	assert_int_equal(heard.nsid, 7);
	SCRIPT(EVENT); /* not that of the one before */
	turn();
	assert_int_equal(heard.nsid, RTNL_OWN_NAMESPACE);
}

/* However much there is: afterwards nothing is left, in one call. */
static void test_drain(void **state)
{
	(void)state;
	script_flood(EVENT, 1200);
	rtnl_monitor_drain(&heard.m);
	assert_int_equal(heard.events, 1201);
	assert_int_equal(next_step, n_steps + 1);
}

static void test_budget(void **state)
{
	(void)state;
	script_flood(EVENT, 599);
	turn();
	assert_int_equal(heard.events, 512);
	turn();
	assert_int_equal(heard.events, 600);
}

static void test_overrun_takes_more_than_one_turn(void **state)
{
	(void)state;
	script_flood(OVERRUN, 600);
	turn();
	assert_int_equal(heard.overruns, 0);
	turn();
	assert_int_equal(heard.overruns, 1);
	assert_int_equal(heard.events, 0);
}

static void test_stopped_by_its_callback(void **state)
{
	(void)state;
	heard.stop = true;
	SCRIPT(EVENTS, EVENT);
	turn();
	assert_int_equal(heard.events, 1);
	assert_int_equal(heard.m.fd, -1);
}

static void test_stopped_by_overrun(void **state)
{
	(void)state;
	heard.stop = true;
	SCRIPT(OVERRUN);
	turn();
	assert_int_equal(heard.overruns, 1);
	assert_int_equal(heard.m.fd, -1);
}

static void test_never_started(void **state)
{
	struct rtnl_monitor m = {0};

	(void)state;
	rtnl_monitor_stop(&m); /* must not close descriptor 0 */
	assert_int_equal(m.fd, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_delivers, start, stop),
		cmocka_unit_test_setup_teardown(test_overrun, start, stop),
		cmocka_unit_test_setup_teardown(test_event_cut_off_is_an_overrun, start, stop),
		cmocka_unit_test_setup_teardown(test_tells_the_namespace, start, stop),
		cmocka_unit_test_setup_teardown(test_drain, start, stop),
		cmocka_unit_test_setup_teardown(test_budget, start, stop),
		cmocka_unit_test_setup_teardown(test_overrun_takes_more_than_one_turn, start, stop),
		cmocka_unit_test_setup_teardown(test_stopped_by_its_callback, start, stop),
		cmocka_unit_test_setup_teardown(test_stopped_by_overrun, start, stop),
		cmocka_unit_test(test_never_started),
	};

	return cmocka_run_group_tests_name("rtnl_monitor", tests, NULL, NULL);
}
