/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox and the short words of the tests against the real kernel.
 */
#include "lib_kernel.h"

#include <dirent.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

void skip_all(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("");
	exit(77);
}

void sandbox_enter(void)
{
	if (geteuid() != 0)
		skip_all("needs root");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		skip_all("cannot unshare: %s", strerror(errno));
	if (mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, "mode=0755") < 0 ||
	    mount("etc", "/etc", "tmpfs", 0, "mode=0755") < 0)
		skip_all("cannot mount: %s", strerror(errno));
}

struct netnsd_ip ip(const char *text)
{
	struct netnsd_ip ret;

	assert_int_equal(parse_ip(text, &ret), 0);
	return ret;
}

struct netnsd_prefix prefix(const char *text)
{
	struct netnsd_prefix ret;

	assert_int_equal(parse_prefix(text, &ret), 0);
	return ret;
}

struct space space_new(void)
{
	struct space s = {.fd = -1};
	struct error err;

	assert_ok(netns_create(&s.fd, &err), &err);
	assert_int_equal(rtnl_open(&s.rtnl), 0);
	return s;
}

void space_close(struct space *s)
{
	rtnl_close(s->rtnl);
	(void)close(s->fd);
}

int ask(struct space *s, int made, struct nl_msg *msg, struct error *err)
{
	int e;

	if (made < 0)
		return error_set(err, made, "the request could not be made");
	e = rtnl_talk(s->rtnl, msg, err);
	nlmsg_free(msg);
	return e;
}

struct actual *look(struct space *s, unsigned what)
{
	struct actual *a = NULL;
	struct error err;

	assert_ok(actual_dump(s->rtnl, what, &a, &err), &err);
	return a;
}

int index_of(struct space *s, const char *name)
{
	int index = 0;

	return rtnl_ifindex(s->rtnl, name, &index) < 0 ? 0 : index;
}

static int fill_veth(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	const struct netnsd_peer *p = link->peer;
	struct nlattr *nest;

	if (change)
		return 0;
	nest = nla_nest_start(msg, VETH_INFO_PEER);
	if (!nest || nlmsg_append(msg, (void *)(uintptr_t)&ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, IFLA_IFNAME, p->ifname) < 0 || nla_put_u32(msg, IFLA_GROUP, p->group) < 0 ||
	    (p->netns_fd >= 0 && nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)p->netns_fd) < 0) ||
	    (p->mtu && nla_put_u32(msg, IFLA_MTU, p->mtu) < 0) ||
	    (p->mac && nla_put(msg, IFLA_ADDRESS, sizeof(p->mac->bytes), p->mac->bytes) < 0))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

const struct link_kind kernel_veth = {
	.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR, .fill = fill_veth};
const struct link_kind kernel_bridge = {.name = "bridge", .section = "Bridge", .flags = NETNSD_KIND_MASTER};

void pair_init(struct link *a, const char *name, struct link *b, const char *peer_name)
{
	*a = (struct link){.kind = &kernel_veth, .peer = b};
	*b = (struct link){.kind = &kernel_veth, .peer = a, .is_peer = true};
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	(void)snprintf(b->name, sizeof(b->name), "%s", peer_name);
}

void pair_create(struct space *here, const struct link *l, int peer_fd)
{
	struct error err;

	assert_ok(ASK(here, &err, request_link_create, l, -1, 0, 0, peer_fd, false), &err);
}

void bridge_create(struct space *s, const char *name)
{
	struct link l = {.kind = &kernel_bridge};
	struct error err;

	(void)snprintf(l.name, sizeof(l.name), "%s", name);
	assert_ok(ASK(s, &err, request_link_create, &l, -1, 0, 0, -1, true), &err);
}

void link_up(struct space *s, int ifindex)
{
	const struct link_values up = {.change = LINK_CHANGE_UP};
	struct error err;

	assert_ok(ASK(s, &err, request_link_set, ifindex, &up), &err);
}

static void too_late(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l;
	(void)w;
	(void)events;
	fail_msg("nothing happened for %.0f s", DEADLINE);
}

static void set_deadline(struct ev_loop *loop, ev_timer *w)
{
	ev_timer_init(w, too_late, DEADLINE, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, w);
}

void run_until(struct ev_loop *loop, const unsigned *count, unsigned wanted)
{
	ev_timer deadline;

	set_deadline(loop, &deadline);
	while (*count < wanted)
		(void)ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
}

void run_while(struct ev_loop *loop, bool (*go_on)(void))
{
	ev_timer deadline;

	set_deadline(loop, &deadline);
	while (go_on())
		(void)ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
}

size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

size_t count_mounts(const char *a, const char *b)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, a) && strstr(line, b);
	(void)fclose(f);
	return n;
}

double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
