/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sections and keys of *.netns files to the desired tree: what good files mean. */
#include "config_load.h"

#include "cleanup.h"
#include "lib_config.h"
#include "parse.h"

#include <linux/fib_rules.h>
#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define HOST   "[Namespace]\nHost=yes\n[Bridge br-lan]\nAddress=10.30.0.1/24\nSTP=yes\n"
#define MARKED "[Namespace]\nDescription=x\n"

static void expect_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_empty(void **state)
{
	struct scene *s = *state;

	scene_load_good(s);
	assert_true(s->desired->host->implicit);
	assert_true(s->desired->host->host);
	assert_string_equal(s->desired->host->name, HOST_DEFAULT_NAME);
	assert_int_equal(HASH_COUNT(s->desired->namespaces), 1);
}

static void test_upstream(void **state)
{
	struct scene *s = *state;
	struct netns *n;
	struct link *l;

	scene_write(s, "etc/host.netns", HOST);
	scene_write(s, "etc/upstream.netns",
		    "[Namespace]\nDescription=Way out for the mirror\nDNS=10.30.0.1 fd00:30::1\n"
		    "Domains=lan.example\nSysctl=net.ipv4.ip_forward=1\n\n"
		    "[Veth eth0]\nPeerName=ns-upstream\nPeerBridge=br-lan\nMACAddress=02:00:00:00:00:02\n"
		    "MTUBytes=1400\nAddress=10.30.0.2/24\nAddress=fd00:30::2/64\nGateway=10.30.0.1\n\n"
		    "[Route mirrors]\nDestination=198.51.100.0/24\nGateway=10.30.0.254\nMetric=50\n");
	scene_load_good(s);
	assert_int_equal(s->diags.count, 0);
	n = scene_netns(s, "upstream");
	assert_string_equal(n->description, "Way out for the mirror");
	assert_string_equal(n->dns[1], "fd00:30::1");
	assert_string_equal(n->domains[0], "lan.example");
	assert_int_equal(n->n_sysctls, 1);
	assert_string_equal(n->sysctls[0].path, "net/ipv4/ip_forward");
	assert_true(n->autostart && n->loopback && !n->adopt && !n->host && !n->transient);
	l = scene_find_link(s, "upstream", "eth0");
	assert_true(l->mac_set && l->mtu_set && l->mtu == 1400 && l->n_addresses == 2);
	assert_ptr_equal(l->peer->netns, s->desired->host);
	assert_ptr_equal(l->peer->owner, n);
	assert_ptr_equal(l->peer->peer, l);
	assert_true(l->peer->is_peer);
	assert_string_equal(l->peer->name, "ns-upstream");
	assert_string_equal(l->peer->master, "br-lan");
	assert_string_equal(l->peer->master_key, "PeerBridge");
	assert_int_equal(l->peer->link_local, LINK_LOCAL_NO);
	assert_int_equal(n->n_routes, 2);
	expect_text(route_to_string(&n->routes[0]), "default via 10.30.0.1 dev eth0");
	assert_string_equal(n->routes[0].label, "Veth eth0 Gateway");
	expect_text(route_to_string(&n->routes[1]), "198.51.100.0/24 via 10.30.0.254 metric 50");
	assert_int_equal(n->routes[1].origin.line, 16);
	assert_non_null(strstr(n->routes[1].origin.file, "/etc/upstream.netns"));
	/* The host: not implicit, with its own link and the peer of the other file. */
	assert_false(s->desired->host->implicit);
	assert_int_equal(s->desired->host->n_links, 2);
	assert_true(scene_find_link(s, "host", "br-lan")->kind_set == 1);
}

static void test_peer_names(void **state)
{
	struct scene *s = *state;
	const struct link *l;

	scene_write(s, "etc/lab.netns", "[Veth eth0]\n[Veth eth1]\n");
	scene_write(s, "etc/a-very-long-name.netns", "[Veth eth0]\n[Veth a-link-with-a-long-name]\n");
	scene_write(s, "etc/x:y.netns", "[Veth eth0]\n");
	scene_load_good(s);
	assert_string_equal(scene_find_link(s, "lab", "eth0")->peer->name, "ns-lab");
	assert_string_equal(scene_find_link(s, "lab", "eth1")->peer->name, "ns-lab-eth1");
	l = scene_find_link(s, "a-very-long-name", "eth0")->peer;
	assert_string_equal(l->full_name, "ns-a-very-long-name");
	assert_true(strv_contains(l->altnames, "ns-a-very-long-name"));
	assert_true(strlen(l->name) < IFNAMSIZ);
	l = scene_find_link(s, "a-very-long-name", "a-link-with-a-long-name");
	assert_true(strlen(l->name) < IFNAMSIZ);
	assert_ptr_equal(netns_find_link(l->netns, l->name), l);
	assert_true(ifname_is_valid(scene_find_link(s, "x:y", "eth0")->peer->name));
}

static void test_namespace_to_namespace(void **state)
{
	struct scene *s = *state;
	const struct link *l;

	scene_write(s, "etc/a.netns",
		    "[Veth to-b]\nPeerNamespace=b\nPeerName=to-a\nPeerAddress=10.9.0.2/30\n"
		    "PeerMACAddress=02:00:00:00:00:09\nPeerMTUBytes=1300\nAddress=10.9.0.1/30\n");
	scene_write(s, "etc/b.netns",
		    "[Namespace]\nLoopback=no\nAutoStart=no\n[Route x]\n"
		    "Destination=10.0.0.0/8\nGateway=10.9.0.1\nLink=to-a\n");
	scene_load_good(s);
	l = scene_find_link(s, "b", "to-a");
	assert_true(l->is_peer && l->mac_set && l->mtu == 1300 && l->n_addresses == 1);
	assert_string_equal(l->owner->name, "a");
	assert_ptr_equal(l->config, NULL);
	assert_false(scene_netns(s, "b")->loopback || scene_netns(s, "b")->autostart);
	assert_int_equal(s->desired->host->n_links, 0);
}

static void test_host_by_name(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/machine.netns", "[Namespace]\nHost=yes\n");
	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\nPeerNamespace=host\n[Veth eth1]\nPeerNamespace=machine\n");
	scene_load_good(s);
	assert_int_equal(scene_netns(s, "machine")->n_links, 2);
	assert_ptr_equal(s->desired->host, scene_netns(s, "machine"));
}

static void test_masters_and_parents(void **state)
{
	struct scene *s = *state;
	const struct link *l;

	scene_write(s, "etc/a.netns",
		    "[Bridge br0]\n[Veth eth0]\nBridge=br0\n[MACVLAN mv0]\nParent=eth0\nMode=bridge\n"
		    "[MACVLAN up0]\nParent=enp1s0\nMode=private\n[MACVLAN eth9]\nParent=eth9\nMode=bridge\n"
		    "[VRF red]\n[Veth eth1]\nVRF=red\nLinkLocalAddressing=ipv6\n"
		    "[Bridge a-bridge-of-long-name]\n[Veth eth2]\nBridge=a-bridge-of-long-name\n");
	scene_load_good(s);
	l = scene_find_link(s, "a", "eth0");
	assert_string_equal(l->master, "br0");
	assert_int_equal(l->link_local, LINK_LOCAL_NO);
	l = scene_find_link(s, "a", "mv0");
	assert_string_equal(l->parent, "eth0");
	assert_false(l->parent_on_host);
	assert_true(scene_find_link(s, "a", "up0")->parent_on_host);
	/* Its own name means the host's link of that name. */
	assert_true(scene_find_link(s, "a", "eth9")->parent_on_host);
	assert_int_equal(scene_find_link(s, "a", "eth1")->link_local, LINK_LOCAL_IPV6);
	assert_string_equal(scene_find_link(s, "a", "eth2")->master,
			    scene_find_link(s, "a", "a-bridge-of-long-name")->name);
	scene_expect(s, DIAG_WARNING, "a.netns:8", "MACVLAN up0", "Parent", "'enp1s0' is not declared",
		     "on the host", NULL);
}

static void test_link_keys(void **state)
{
	struct scene *s = *state;
	const struct link *l;

	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\nAlias=a link\nAlternativeName=one two\nAlternativeName=three\n"
		    "ActivationPolicy=always-down\nIPv6AcceptRA=no\nLinkLocalAddressing=no\nMTUBytes=1K\n"
		    "MTUBytes=2K\nAddress=10.0.0.1/24\nAddress=\nAddress=10.0.1.1/24\n");
	scene_load_good(s);
	l = scene_find_link(s, "a", "eth0");
	assert_string_equal(l->alias, "a link");
	assert_int_equal(strv_length(l->altnames), 3);
	assert_int_equal(l->activation, ACTIVATION_ALWAYS_DOWN);
	assert_true(l->accept_ra_set && !l->accept_ra);
	assert_int_equal(l->link_local, LINK_LOCAL_NO);
	assert_int_equal(l->mtu, 2048);	     /* the last one wins */
	assert_int_equal(l->n_addresses, 1); /* the empty one reset the list */
	assert_int_equal(l->addresses[0].prefix.ip.bytes[2], 1);
	assert_int_equal(l->addresses[0].preferred, UINT32_MAX);
	assert_int_equal(l->addresses[0].origin.line, 12);
}

static void test_address_sections(void **state)
{
	struct scene *s = *state;
	const struct link *l;

	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\n[Address one]\nLink=eth0\nAddress=10.0.0.1/32\nPeer=10.0.0.2/30\n"
		    "Label=eth0:1\nRouteMetric=7\nScope=link\n[Address two]\nLink=eth0\nAddress=fe80::5/64\n"
		    "DuplicateAddressDetection=none\nPreferredLifetime=0\n"
		    "[Address three]\nLink=eth0\nAddress=127.1.2.3/8\n");
	scene_load_good(s);
	l = scene_find_link(s, "a", "eth0");
	assert_int_equal(l->n_addresses, 3);
	expect_text(address_to_string(&l->addresses[0]),
		    "10.0.0.1/30 peer 10.0.0.2 scope link label eth0:1 metric 7");
	expect_text(address_to_string(&l->addresses[1]), "fe80::5/64 nodad preferred_lft 0s");
	assert_int_equal(l->addresses[1].scope, RT_SCOPE_LINK);
	assert_int_equal(l->addresses[2].scope, RT_SCOPE_HOST);
}

struct route_case {
	const char *keys, *expected;
};

static void test_routes(void **state)
{
	static const struct route_case cases[] = {
		{"Gateway=10.0.0.9", "default via 10.0.0.9"},
		{"Destination=default\nGateway=10.0.0.9\nLink=eth0", "default via 10.0.0.9 dev eth0"},
		{"Destination=0.0.0.0/0\nLink=eth0", "default dev eth0 scope link"},
		{"Destination=::/0\nLink=eth0", "::/0 dev eth0"},
		{"Gateway=fd00::9", "default via fd00::9"},
		{"Gateway=fe80::1\nLink=eth0", "default via fe80::1 dev eth0"},
		{"Destination=10.1.2.3/16\nGateway=10.0.0.9", "10.1.0.0/16 via 10.0.0.9"},
		{"Destination=192.0.2.1\nLink=eth0", "192.0.2.1 dev eth0 scope link"},
		{"Destination=10.1.0.0/16\nGateway=fd00::9\nLink=eth0",
		 "10.1.0.0/16 via inet6 fd00::9 dev eth0"},
		{"Destination=10.1.0.0/16\nType=blackhole", "blackhole 10.1.0.0/16"},
		{"Destination=10.1.0.0/16\nType=unreachable\nMetric=4000",
		 "unreachable 10.1.0.0/16 metric 4000"},
		{"Destination=10.1.0.1/32\nType=local\nLink=lo",
		 "local 10.1.0.1 dev lo table local scope host"},
		{"Destination=10.1.0.0/16\nGateway=1.2.3.4\nGatewayOnLink=yes\nLink=eth0",
		 "10.1.0.0/16 via 1.2.3.4 dev eth0 onlink"},
		{"Destination=10.1.0.0/16\nGateway=10.0.0.9\nTable=100\nPreferredSource=10.0.0.1",
		 "10.1.0.0/16 via 10.0.0.9 table 100 src 10.0.0.1"},
		{"Destination=10.1.0.0/16\nGateway=10.0.0.9\nTable=local\nMTUBytes=1280\n"
		 "TCPAdvertisedMaximumSegmentSize=1000\nInitialCongestionWindow=20\n"
		 "InitialAdvertisedReceiveWindow=30\nQuickAck=yes\nFastOpenNoCookie=yes\nTTLPropagate=no",
		 "10.1.0.0/16 via 10.0.0.9 table local mtu 1280 advmss 1000 initcwnd 20 initrwnd 30 quickack "
		 "1 "
		 "fastopen_no_cookie 1 ttl-propagate disabled"},
		{"Destination=fd01::/64\nGateway=fd00::9\nIPv6Preference=high\nSource=fd00::/64",
		 "fd01::/64 from fd00::/64 via fd00::9 pref high"},
		{"Destination=10.1.0.0/16\nMultiPathRoute=10.0.0.9@eth0 10\nMultiPathRoute=10.0.0.8",
		 "10.1.0.0/16 nexthop via 10.0.0.9 dev eth0 weight 10 nexthop via 10.0.0.8 weight 1"},
		{"Destination=10.1.0.0/16\nLink=eth0\nScope=host", "10.1.0.0/16 dev eth0 scope host"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text),
			 "[Veth eth0]\nAddress=10.0.0.1/24\nAddress=fd00::1/64\n[Route r]\n%s\n",
			 cases[i].keys);
		scene_write(s, "etc/a.netns", text);
		scene_load_good(s);
		assert_int_equal(scene_netns(s, "a")->n_routes, 1);
		expect_text(route_to_string(&scene_netns(s, "a")->routes[0]), cases[i].expected);
	}
}

/* A gateway may be reached by another route, which then has to be made first. */
static void test_route_order(void **state)
{
	struct scene *s = *state;
	const struct netns *n;

	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\n[Route b]\nGateway=192.0.2.1\nLink=eth0\n"
		    "[Route a]\nDestination=192.0.2.1/32\nLink=eth0\n");
	scene_load_good(s);
	n = scene_netns(s, "a");
	expect_text(route_to_string(&n->routes[0]), "192.0.2.1 dev eth0 scope link");
	expect_text(route_to_string(&n->routes[1]), "default via 192.0.2.1 dev eth0");
}

static void test_rules(void **state)
{
	static const struct route_case cases[] = {
		{"Priority=100\nFrom=10.0.0.5/8\nTable=100", "100: from 10.0.0.0/8 lookup 100"},
		{"Priority=100\nTo=fd00::1", "100: inet6 from all to fd00::1 lookup main"},
		{"Priority=7\nFirewallMark=0x10\nType=blackhole", "7: from all fwmark 0x10 blackhole"},
		{"Priority=7\nFirewallMark=16/0xf0\nTable=default\nInvertRule=yes",
		 "7: not from all fwmark 0x10/0xf0 lookup default"},
		{"Priority=7\nIncomingInterface=eth0\nOutgoingInterface=eth1\nTypeOfService=16\nUser=1000-"
		 "1999\n"
		 "IPProtocol=tcp\nSourcePort=1024-2048\nDestinationPort=80",
		 "7: from all tos 0x10 iif eth0 oif eth1 uidrange 1000-1999 ipproto 6 sport 1024-2048 dport "
		 "80 "
		 "lookup main"},
		{"Priority=7\nTable=main\nSuppressPrefixLength=0\nSuppressInterfaceGroup=5",
		 "7: from all lookup main suppress_prefixlength 0 suppress_ifgroup 5"},
		{"Priority=7\nType=prohibit\nFamily=ipv6", "7: inet6 from all prohibit"},
	};
	struct scene *s = *state;
	const struct netns *n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "[RoutingPolicyRule r]\n%s\n", cases[i].keys);
		scene_write(s, "etc/a.netns", text);
		scene_load_good(s);
		assert_int_equal(scene_netns(s, "a")->n_rules, 1);
		expect_text(rule_to_string(&scene_netns(s, "a")->rules[0]), cases[i].expected);
	}
	scene_write(s, "etc/a.netns", "[RoutingPolicyRule r]\nPriority=5\nFamily=both\nTable=9\n");
	scene_load_good(s);
	n = scene_netns(s, "a");
	assert_int_equal(n->n_rules, 2);
	assert_int_equal(n->rules[0].family, AF_INET);
	assert_int_equal(n->rules[1].family, AF_INET6);
}

static void test_neighbors(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\n[Neighbor gw]\nAddress=10.0.0.1\n"
		    "LinkLayerAddress=02:00:00:00:00:aa\nLink=eth0\n");
	scene_load_good(s);
	expect_text(neighbor_to_string(&scene_netns(s, "a")->neighbors[0]),
		    "10.0.0.1 dev eth0 lladdr 02:00:00:00:00:aa");
}

static void test_sysctls(void **state)
{
	static const char *const expected[][2] = {{"net/ipv4/ip_forward", "1"},
						  {"net/ipv6/conf/all/forwarding", "0"},
						  {"net/ipv4/conf/eth0.100/rp_filter", "2"},
						  {"net/ipv4/conf/eth0.7/rp_filter", "0"},
						  {"net/core/somaxconn", "4096"},
						  {"net/ipv4/ping_group_range", "0 1000"}};
	struct scene *s = *state;
	const struct netns *n;

	scene_write(s, "etc/a.netns",
		    "[Namespace]\nSysctl=net.core.xfrm_larval_drop=0\nSysctl=\n"
		    "Sysctl=net.ipv4.conf.eth0/100.rp_filter=2\nSysctl=net/ipv4/conf/eth0.7/rp_filter = 0\n"
		    "Sysctl=net.core.somaxconn=128\nSysctl=net.core.somaxconn=4096\n"
		    "Sysctl=net.ipv4.ping_group_range=0 1000\n"
		    "IPv4Forwarding=yes\nIPv6Forwarding=no\n");
	scene_load_good(s);
	n = scene_netns(s, "a");
	assert_int_equal(n->n_sysctls, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(n->sysctls[i].path, expected[i][0]);
		assert_string_equal(n->sysctls[i].value, expected[i][1]);
	}
}

/* --- pools ---------------------------------------------------------------------------------------- */

static bool keep_before(const char *netns, const char *ifname, const struct netnsd_prefix *pool,
			struct netnsd_prefix *ret, void *data)
{
	(void)pool;
	(void)data;
	if (strcmp(netns, "c") != 0 || strcmp(ifname, "eth0") != 0)
		return false;
	assert_int_equal(parse_prefix("10.5.0.77/24", ret), 0);
	return true;
}

static void test_pool(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nAddressPool=10.5.0.0/24\nGateway=10.5.0.1\n");
	scene_write(s, "etc/b.netns", "[Veth eth0]\nAddressPool=10.5.0.0/24\n");
	scene_write(s, "etc/c.netns", "[Veth eth0]\nAddressPool=10.5.0.0/24\n");
	scene_write(s, "etc/d.netns", "[Veth eth0]\nAddress=10.5.0.2/24\n");
	s->request.before = keep_before;
	scene_load_good(s);
	/* .2 is declared elsewhere, .77 is what c had. */
	expect_text(address_to_string(&scene_find_link(s, "a", "eth0")->addresses[0]), "10.5.0.3/24");
	expect_text(address_to_string(&scene_find_link(s, "b", "eth0")->addresses[0]), "10.5.0.4/24");
	expect_text(address_to_string(&scene_find_link(s, "c", "eth0")->addresses[0]), "10.5.0.77/24");
}

static void test_pool_exhausted(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nAddressPool=10.6.0.0/30\n");
	scene_write(s, "etc/b.netns", "[Veth eth0]\nAddressPool=10.6.0.0/30\n");
	scene_write(s, "etc/c.netns", "[Veth eth0]\nAddressPool=10.7.0.0/30\n");
	scene_load(s);
	scene_expect_count(s, 2);
	scene_expect(s, DIAG_ERROR, "b.netns:2", "[Veth eth0] AddressPool", "exhausted", NULL);
	assert_null(desired_find(s->desired, "a"));
	assert_non_null(desired_find(s->desired, "c"));
}

/* --- the text --------------------------------------------------------------------------------------- */

static char *give_text(const char *object, void *data)
{
	const struct desired *d = data;
	char name[256];
	const struct netns *n;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(object) - strlen(".netns")), object);
	n = desired_find(d, name);
	return n && n->text ? strdup(n->text) : NULL;
}

static void break_file(struct scene *s, const char *path)
{
	scene_write(s, path, "[Namespace\n");
}

/* What is kept as the last good configuration is read back as the same. */
static void test_text_reads_back(void **state)
{
	struct scene *s = *state;
	struct desired *first;

	scene_write(s, "lib/lab@.netns",
		    "[Namespace]\nDescription=100%% of %i\n[Veth eth0]\nAddress=10.0.%i.1/24\\\n\n"
		    "Alias=a \\\n  b\nPeerName=%n\n");
	scene_write(s, "etc/lab@7.netns.d/a.conf",
		    "[Veth eth0]\nMTUBytes=1400\n[Route x]\nGateway=10.0.%i.9\n");
	scene_write(s, "etc/host.netns", HOST);
	scene_load_good(s);
	first = desired_ref(s->desired);
	assert_non_null(strstr(scene_netns(s, "lab@7")->text, "Address=10.0.%i.1/24\n"));
	assert_non_null(strstr(scene_netns(s, "lab@7")->text, "Alias=a  b\n"));
	assert_string_equal(scene_netns(s, "lab@7")->description, "100% of 7");
	break_file(s, "lib/lab@.netns");
	break_file(s, "etc/host.netns");
	s->request.fallback = give_text;
	s->request.fallback_data = first;
	scene_load(s);
	scene_expect_count(s, 2);
	assert_true(diags_object_failed(&s->diags, "lab@7.netns"));
	for (struct netns *n = first->namespaces; n; n = n->hh.next)
		assert_true(netns_equal(n, scene_netns(s, n->name)));
	desired_unref(first);
}

/* 500 namespaces on one bridge: what a file costs must not depend on how many there are. */
static void test_many(void **state)
{
	struct scene *s = *state;
	struct timespec from, to;
	long usec;

	scene_write(s, "etc/host.netns", HOST);
	for (unsigned i = 0; i < 500; i++) {
		char path[64], text[512];

		snprintf(path, sizeof(path), "etc/n%u.netns", i);
		snprintf(text, sizeof(text),
			 "[Namespace]\nDescription=number %u\n[Veth eth0]\nPeerBridge=br-lan\n"
			 "Address=10.%u.%u.2/24\nAddress=fd00:%x::2/64\nGateway=10.%u.%u.1\n",
			 i, i / 200, i % 200, i, i / 200, i % 200);
		scene_write(s, path, text);
	}
	scene_load_good(s);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	scene_load_good(s);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	usec = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	print_message("500 files in %ld us\n", usec);
	assert_int_equal(s->desired->host->n_links, 501);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),	   TEST(test_upstream),
		TEST(test_peer_names),	   TEST(test_namespace_to_namespace),
		TEST(test_host_by_name),   TEST(test_masters_and_parents),
		TEST(test_link_keys),	   TEST(test_address_sections),
		TEST(test_routes),	   TEST(test_route_order),
		TEST(test_rules),	   TEST(test_neighbors),
		TEST(test_sysctls),	   TEST(test_pool),
		TEST(test_pool_exhausted), TEST(test_text_reads_back),
		TEST(test_many),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
