/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A foreign hand and a stopwatch, for `make bench`: deletes things in random namespaces and measures,
 * from the kernel's own events, for how long they were gone.
 *
 * One process deletes, another one listens to the events of all namespaces (and by inotify to
 * /run/netns), so that nobody has to be believed: the clock runs from the event that says "deleted" to
 * the last one of those that say that everything is there again.
 *
 * foreign COUNT SAMPLES SEED KIND...: namespaces b0 ..., KIND: link address route name. Prints a line a
 * sample: KIND, microseconds from the event, microseconds from before the call that deleted; or "KIND -"
 * when it was not back after TIMEOUT. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/magic.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "/run/netns"
#define TIMEOUT	  3000000 /* us */
#define PAUSE	  30000	  /* us between two samples: one thing at a time */

enum kind { LINK, ADDRESS, ROUTE, NAME, KINDS };
static const char *const kind_names[KINDS] = {"link", "address", "route", "name"};

struct order {
	int kind, index;
};

struct request {
	struct nlmsghdr header;
	char bytes[512];
};

struct sample {
	struct order order;
	int64_t called, gone, back;
	bool link, address, route; /* what is missing */
};

static int *namespaces, *nsids;
static int count, home, monitor, names;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- requests --------------------------------------------------------------------------------- */

static int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		err(1, "netlink");
	return fd;
}

static void *request_begin(struct request *r, int type, int flags, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->header.nlmsg_type = (uint16_t)type;
	r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	r->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	return NLMSG_DATA(&r->header);
}

static void put(struct request *r, int type, const void *data, size_t size)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	r->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* 0, or the kernel's -errno. */
static int request_send(int fd, struct request *r)
{
	char answer[4096];
	const struct nlmsghdr *h = (const void *)answer;

	if (send(fd, r, r->header.nlmsg_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		return -errno;
	return h->nlmsg_type == NLMSG_ERROR ? ((const struct nlmsgerr *)NLMSG_DATA(h))->error : 0;
}

static void delete_link(struct request *r)
{
	(void)request_begin(r, RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	put(r, IFLA_IFNAME, "eth0", 5);
}

static void delete_address(struct request *r, int index)
{
	const unsigned char ip[4] = {10, 64, (unsigned char)(index / 250), (unsigned char)(index % 250 + 2)};
	struct ifaddrmsg *m = request_begin(r, RTM_DELADDR, NLM_F_ACK, sizeof(*m));

	m->ifa_family = AF_INET;
	m->ifa_prefixlen = 16;
	m->ifa_index = if_nametoindex("eth0");
	put(r, IFA_LOCAL, ip, sizeof(ip));
}

static void delete_route(struct request *r)
{
	struct rtmsg *m = request_begin(r, RTM_DELROUTE, NLM_F_ACK, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_scope = RT_SCOPE_NOWHERE;
}

static void delete_name(int index)
{
	char path[64];

	(void)snprintf(path, sizeof(path), DIRECTORY "/b%d", index);
	/* EBUSY: it was put back between the two calls. `ip netns delete` gives up then; we want it gone. */
	do
		if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
			warn("%s", path);
	while (unlink(path) < 0 && errno == EBUSY);
}

/* The process that deletes: tells when it began. */
static _Noreturn void hand(int fd)
{
	struct order o;

	while (read(fd, &o, sizeof(o)) == sizeof(o)) {
		struct request r;
		int64_t before;
		int rtnl, e;

		if (setns(namespaces[o.index], CLONE_NEWNET) < 0)
			err(1, "setns");
		rtnl = netlink_open();
		switch (o.kind) {
		case LINK: delete_link(&r); break;
		case ADDRESS: delete_address(&r, o.index); break;
		case ROUTE: delete_route(&r); break;
		}
		before = now();
		if (o.kind == NAME)
			delete_name(o.index);
		else if ((e = request_send(rtnl, &r)) < 0)
			warnx("b%d: deleting the %s: %s", o.index, kind_names[o.kind], strerror(-e));
		if (write(fd, &before, sizeof(before)) < 0)
			_exit(1);
		(void)close(rtnl);
		if (setns(home, CLONE_NEWNET) < 0)
			err(1, "setns");
	}
	_exit(0);
}

/* --- what is there ---------------------------------------------------------------------------- */

static int nsid_of(int rtnl, int fd)
{
	const uint32_t value = (uint32_t)fd;
	char answer[4096];
	const struct nlmsghdr *h = (const void *)answer;
	struct request r;

	(void)request_begin(&r, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	put(&r, NETNSA_FD, &value, sizeof(value));
	if (send(rtnl, &r, r.header.nlmsg_len, 0) < 0 || recv(rtnl, answer, sizeof(answer), 0) < 0 ||
	    h->nlmsg_type != RTM_NEWNSID)
		errx(1, "no nsid");
	for (size_t at = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(struct rtgenmsg))); at + 8 <= h->nlmsg_len;) {
		const struct rtattr *a = (const void *)(answer + at);

		if (a->rta_type == NETNSA_NSID)
			return *(const int *)RTA_DATA(a);
		at += RTA_ALIGN(a->rta_len);
	}
	errx(1, "no nsid");
}

static void open_namespaces(void)
{
	int rtnl = netlink_open();

	namespaces = calloc((size_t)count, sizeof(int));
	nsids = calloc((size_t)count, sizeof(int));
	if (!namespaces || !nsids)
		err(1, NULL);
	for (int i = 0; i < count; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), DIRECTORY "/b%d", i);
		namespaces[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (namespaces[i] < 0)
			err(1, "%s", path);
		nsids[i] = nsid_of(rtnl, namespaces[i]);
	}
	(void)close(rtnl);
}

static void open_monitor(void)
{
	const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE};
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	const int on = 1, size = 64 << 20;

	monitor = netlink_open();
	if (bind(monitor, (const void *)&any, sizeof(any)) < 0) /* without, the kernel's own events pass by */
		err(1, "netlink");
	(void)setsockopt(monitor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(monitor, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) < 0)
		err(1, "NETLINK_LISTEN_ALL_NSID");
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (setsockopt(monitor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)) < 0)
			err(1, "netlink group");
	names = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (names < 0 || inotify_add_watch(names, DIRECTORY, IN_DELETE) < 0)
		err(1, "inotify");
}

/* --- events ----------------------------------------------------------------------------------- */

static bool is_default_route(const struct rtmsg *m)
{
	return m->rtm_family == AF_INET && m->rtm_dst_len == 0 && m->rtm_table == RT_TABLE_MAIN;
}

static bool is_eth0(const struct nlmsghdr *h)
{
	const struct rtattr *a = IFLA_RTA((struct ifinfomsg *)NLMSG_DATA(h));
	int rest = (int)IFLA_PAYLOAD(h);

	for (; RTA_OK(a, rest); a = RTA_NEXT(a, rest))
		if (a->rta_type == IFLA_IFNAME)
			return strcmp(RTA_DATA(a), "eth0") == 0;
	return false;
}

/* A link takes its address and the routes along, and the last address the routes; of these routes the
 * kernel tells nothing. */
static void event(struct sample *s, const struct nlmsghdr *h, int64_t at)
{
	const int kind = s->order.kind;

	switch (h->nlmsg_type) {
	case RTM_DELLINK:
		if (kind == LINK && !s->gone && is_eth0(h))
			*s = (struct sample){s->order, s->called, at, 0, true, true, true};
		break;
	case RTM_DELADDR:
		if (kind == ADDRESS && !s->gone)
			*s = (struct sample){s->order, s->called, at, 0, false, true, true};
		break;
	case RTM_DELROUTE:
		if (kind == ROUTE && !s->gone && is_default_route(NLMSG_DATA(h)))
			*s = (struct sample){s->order, s->called, at, 0, false, false, true};
		break;
	case RTM_NEWLINK:
		if (s->gone && is_eth0(h))
			s->link = false;
		break;
	case RTM_NEWADDR:
		if (s->gone && ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_family == AF_INET)
			s->address = false;
		break;
	case RTM_NEWROUTE:
		if (s->gone && is_default_route(NLMSG_DATA(h)))
			s->route = false;
		break;
	}
	if (s->gone && !s->back && kind != NAME && !s->link && !s->address && !s->route)
		s->back = at;
}

static int sender_of(struct msghdr *m)
{
	int nsid = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
	return nsid;
}

static void read_events(struct sample *s)
{
	static char buffer[65536];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {buffer, sizeof(buffer)};
	struct msghdr m;
	ssize_t n;

	for (;;) {
		int64_t at;
		int rest;

		m = (struct msghdr){.msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control)};
		n = recvmsg(monitor, &m, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			err(1, "events");
		if (n < 0)
			return;
		at = now();
		rest = (int)n;
		if (!s || sender_of(&m) != nsids[s->order.index])
			continue;
		for (const struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, rest); h = NLMSG_NEXT(h, rest))
			event(s, h, at);
	}
}

/* No event tells that a namespace was mounted on the name; it is looked at until it is so. */
static void read_names(struct sample *s)
{
	char buffer[4096], path[64];
	struct statfs fs;

	if (read(names, buffer, sizeof(buffer)) > 0 && s && !s->gone)
		s->gone = now();
	if (!s || !s->gone)
		return;
	(void)snprintf(path, sizeof(path), DIRECTORY "/b%d", s->order.index);
	if (statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC)
		s->back = now();
}

static void wait_events(struct sample *s, int64_t until)
{
	const bool name = s && s->order.kind == NAME;
	const struct timespec nap = {0, 50000};

	while (now() < until && !(s && s->back)) {
		struct pollfd p[] = {{.fd = monitor, .events = POLLIN}, {.fd = names, .events = POLLIN}};
		struct timespec rest = {(until - now()) / 1000000, (until - now()) % 1000000 * 1000};

		if (rest.tv_sec < 0 || rest.tv_nsec < 0)
			return;
		(void)ppoll(p, 2, name && s->gone ? &nap : &rest, NULL);
		read_events(name ? NULL : s);
		read_names(name ? s : NULL);
	}
}

static void take_sample(int fd, int kind, int index)
{
	struct sample s = {.order = {kind, index}};

	wait_events(NULL, now() + PAUSE);
	if (write(fd, &s.order, sizeof(s.order)) < 0)
		err(1, "the process that deletes");
	wait_events(&s, now() + TIMEOUT);
	if (read(fd, &s.called, sizeof(s.called)) != sizeof(s.called))
		errx(1, "the process that deletes has ended");
	if (s.back)
		printf("%s %lld %lld\n", kind_names[kind], (long long)(s.back - s.gone),
		       (long long)(s.back - s.called));
	else
		printf("%s -\n", kind_names[kind]);
}

/* --- */

static int kind_of(const char *name)
{
	for (int i = 0; i < KINDS; i++)
		if (strcmp(name, kind_names[i]) == 0)
			return i;
	errx(2, "'%s' is none of: link address route name", name);
}

/* Every namespace once before one comes again: nobody is to be taken for one who fights. */
static void shuffle(int *order)
{
	for (int i = 0; i < count; i++)
		order[i] = i;
	for (int i = count - 1; i > 0; i--) {
		int k = rand() % (i + 1), kept = order[i];

		order[i] = order[k];
		order[k] = kept;
	}
}

static void all_samples(int fd, int samples, char **kinds, int n_kinds)
{
	int *order = calloc((size_t)count, sizeof(int));

	if (!order)
		err(1, NULL);
	for (int i = 0; i < samples * n_kinds; i++) {
		if (i % count == 0)
			shuffle(order);
		take_sample(fd, kind_of(kinds[i % n_kinds]), order[i % count]);
	}
	free(order);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	int pair[2];
	pid_t pid;

	if (argc < 5)
		errx(2, "Usage: foreign COUNT SAMPLES SEED KIND...");
	count = atoi(argv[1]);
	srand((unsigned)atoi(argv[3]));
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	open_namespaces();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || (pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0) {
		(void)close(pair[0]);
		hand(pair[1]);
	}
	(void)close(pair[1]);
	open_monitor();
	all_samples(pair[0], atoi(argv[2]), argv + 4, argc - 4);
	return 0;
}
