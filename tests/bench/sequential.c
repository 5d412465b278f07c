/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The yardstick of `make bench`: one thread that makes, for each namespace, the system calls and
 * rtnetlink requests netnsd makes, one after the other, and nothing else: no files to read, no plan,
 * no comparison, no undo, no messages of failure worth reading. What netnsd costs beyond this is the
 * price of deciding; what it gains is its second thread.
 *
 * sequential COUNT BRIDGE: namespaces seq0 ..., 10.64.0.1/16 on the bridge, 10.64.X.Y/16 in each. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/mount.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NSID_FIRST 2000000000
#define GROUP	   0x6e657473
#define PROTOCOL   78
#define DIRECTORY  "/run/netns"
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

union request {
	struct nlmsghdr header;
	char bytes[2048];
};

static void request_begin(union request *r, int type, int flags, const void *head, size_t size)
{
	memset(r, 0, sizeof(r->header));
	r->header.nlmsg_type = (uint16_t)type;
	r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	r->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	memcpy(NLMSG_DATA(&r->header), head, size);
}

static struct rtattr *put(union request *r, int type, const void *data, size_t size)
{
	struct rtattr *a = (void *)(r->bytes + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size > 0)
		memcpy(RTA_DATA(a), data, size);
	r->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void put_u32(union request *r, int type, uint32_t v)
{
	put(r, type, &v, sizeof(v));
}

static void put_string(union request *r, int type, const char *s)
{
	put(r, type, s, strlen(s) + 1);
}

static void nest_end(union request *r, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)(r->bytes + r->header.nlmsg_len - (char *)nest);
}

static int netlink_open(void)
{
	const int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		err(1, "netlink socket");
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return fd;
}

/* Sends and reads one answer into the request's own memory; the answer's type, or exit. */
static int talk(int fd, union request *r, const char *what)
{
	static uint32_t sequence;
	const struct nlmsgerr *e = NLMSG_DATA(&r->header);
	ssize_t n;

	r->header.nlmsg_seq = ++sequence;
	if (send(fd, r, r->header.nlmsg_len, 0) < 0)
		err(1, "%s", what);
	n = recv(fd, r, sizeof(*r), 0);
	if (n < (ssize_t)NLMSG_HDRLEN)
		err(1, "%s", what);
	if (r->header.nlmsg_type == NLMSG_ERROR && e->error)
		errx(1, "%s: %s", what, strerror(-e->error));
	return r->header.nlmsg_type;
}

static int link_index(int fd, const char *name)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	union request r;

	request_begin(&r, RTM_GETLINK, 0, &head, sizeof(head));
	put_string(&r, IFLA_ALT_IFNAME, name);
	put_u32(&r, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (talk(fd, &r, name) != RTM_NEWLINK)
		errx(1, "%s: no answer", name);
	return ((struct ifinfomsg *)NLMSG_DATA(&r.header))->ifi_index;
}

/* Up, and into the bridge `master` unless it is 0. */
static void link_up(int fd, int ifindex, int master)
{
	const struct ifinfomsg head = {.ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	union request r;

	request_begin(&r, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
	if (master)
		put_u32(&r, IFLA_MASTER, (uint32_t)master);
	talk(fd, &r, "up");
}

static void nsid_set(int fd, int ns, int nsid)
{
	const struct rtgenmsg head = {.rtgen_family = AF_UNSPEC};
	union request r;

	request_begin(&r, RTM_NEWNSID, NLM_F_ACK, &(struct {
		struct rtgenmsg g;
		char pad[3];
	}){.g = head},
		      4);
	put_u32(&r, NETNSA_FD, (uint32_t)ns);
	put_u32(&r, NETNSA_NSID, (uint32_t)nsid);
	talk(fd, &r, "nsid");
}

/* Bridge, or (peer set) a veth whose other end is born in namespace `ns`. */
static void link_create(int fd, const char *name, const char *kind, const char *peer, int ns)
{
	const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct rtattr *info, *data, *end;
	union request r;

	request_begin(&r, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	put_string(&r, IFLA_IFNAME, name);
	put_u32(&r, IFLA_GROUP, GROUP);
	info = put(&r, IFLA_LINKINFO, NULL, 0);
	put_string(&r, IFLA_INFO_KIND, kind);
	if (peer) {
		data = put(&r, IFLA_INFO_DATA, NULL, 0);
		end = put(&r, VETH_INFO_PEER, &head, sizeof(head));
		put_string(&r, IFLA_IFNAME, peer);
		put_u32(&r, IFLA_GROUP, GROUP);
		put_u32(&r, IFLA_NET_NS_FD, (uint32_t)ns);
		nest_end(&r, end);
		nest_end(&r, data);
	}
	nest_end(&r, info);
	talk(fd, &r, name);
}

/* No IPv6 link-local address on a port of a bridge. The kernel reads this attribute after the flags,
 * so that "up" in the same request would come first. */
static void link_addrgen_none(int fd, int ifindex)
{
	const struct ifinfomsg head = {.ifi_index = ifindex};
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct rtattr *af, *inet6;
	union request r;

	request_begin(&r, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
	af = put(&r, IFLA_AF_SPEC, NULL, 0);
	inet6 = put(&r, AF_INET6, NULL, 0);
	put(&r, IFLA_INET6_ADDR_GEN_MODE, &none, 1);
	nest_end(&r, inet6);
	nest_end(&r, af);
	talk(fd, &r, "addrgen");
}

static void address_add(int fd, int ifindex, uint32_t address)
{
	const struct ifaddrmsg head = {
		.ifa_family = AF_INET, .ifa_prefixlen = 16, .ifa_index = (uint32_t)ifindex};
	const uint32_t wire = htonl(address), broadcast = htonl(address | 0xffff);
	const uint8_t protocol = PROTOCOL;
	union request r;

	request_begin(&r, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	put(&r, IFA_LOCAL, &wire, 4);
	put(&r, IFA_ADDRESS, &wire, 4);
	put(&r, IFA_BROADCAST, &broadcast, 4);
	put(&r, IFA_PROTO, &protocol, 1);
	talk(fd, &r, "address");
}

static void route_add(int fd, int ifindex, uint32_t gateway)
{
	const struct rtmsg head = {.rtm_family = AF_INET,
				   .rtm_table = RT_TABLE_MAIN,
				   .rtm_protocol = PROTOCOL,
				   .rtm_scope = RT_SCOPE_UNIVERSE,
				   .rtm_type = RTN_UNICAST};
	const uint32_t wire = htonl(gateway);
	union request r;

	request_begin(&r, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	put(&r, RTA_GATEWAY, &wire, 4);
	put_u32(&r, RTA_OIF, (uint32_t)ifindex);
	talk(fd, &r, "route");
}

static void publish(int ns, const char *name)
{
	int directory = open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file, tree;
	struct stat there, here;

	file = openat(directory, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	tree = (int)syscall(SYS_open_tree, ns, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (file < 0 || tree < 0 ||
	    syscall(SYS_move_mount, tree, "", file, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
		    0)
		err(1, "%s", name);
	if (fstat(ns, &here) < 0 || fstatat(directory, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    here.st_ino != there.st_ino || here.st_dev != there.st_dev)
		err(1, "%s is another namespace", name);
	close(tree);
	close(file);
	close(directory);
}

/* What a daemon knows its namespaces by. */
static void identify(int ns)
{
	socklen_t length = sizeof(uint64_t);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	struct stat s;

	(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
	close(fd);
	if (fstat(ns, &s) < 0)
		err(1, "namespace");
}

static void namespace_add(int host, const char *bridge, unsigned i)
{
	char name[32], port[32];
	int ns, inside, ifindex;

	snprintf(name, sizeof(name), "seq%u", i);
	snprintf(port, sizeof(port), "ns-seq%u", i);
	if (unshare(CLONE_NEWNET) < 0)
		err(1, "unshare");
	ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); /* stays open, as in netnsd */
	if (ns < 0)
		err(1, "namespace");
	identify(ns);
	nsid_set(host, ns, NSID_FIRST + (int)i);
	inside = netlink_open();
	link_up(inside, link_index(inside, "lo"), 0);
	link_create(host, port, "veth", "eth0", ns);
	ifindex = link_index(host, port);
	link_addrgen_none(host, ifindex);
	link_up(host, ifindex, link_index(host, bridge));
	ifindex = link_index(inside, "eth0");
	link_up(inside, ifindex, 0);
	address_add(inside, ifindex, 0x0a400002U + (i / 250 << 8) + i % 250);
	route_add(inside, ifindex, 0x0a400001U);
	publish(ns, name);
	close(inside);
}

static void bridge_add(int host, const char *name)
{
	int ifindex;

	link_create(host, name, "bridge", NULL, -1);
	ifindex = link_index(host, name);
	address_add(host, ifindex, 0x0a400001U);
	link_up(host, ifindex, 0);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)atoi(argv[1]) : 0;
	struct rlimit limit;
	int host;

	if (count == 0)
		errx(2, "Usage: sequential COUNT BRIDGE");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if ((mkdir(DIRECTORY, 0755) < 0 && errno != EEXIST) ||
	    mount(DIRECTORY, DIRECTORY, "none", MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", DIRECTORY, "none", MS_SHARED | MS_REC, NULL) < 0)
		err(1, DIRECTORY);
	host = netlink_open();
	bridge_add(host, argv[2]);
	for (unsigned i = 0; i < count; i++)
		namespace_add(host, argv[2], i);
	return 0;
}
