/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad input: what is told, where, and that the others go on. */
#include "config_load.h"

#include "cleanup.h"
#include "lib_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bad {
	const char *text;     /* of a.netns */
	const char *where;    /* "a.netns:LINE" */
	const char *words[3]; /* what the message holds */
};

/* One error each, told at the line that is wrong. */
static const struct bad cases[] = {
	/* sections */
	{"[Veth]\n", "a.netns:1: [Veth]:", {"needs the link's name", "[Veth eth0]"}},
	{"[Namespace x]\n", "a.netns:1: [Namespace x]:", {"no title"}},
	{"[Veth eth0]\n[Bridge b]\n[Veth eth0]\n", "a.netns:3: [Veth eth0]:", {"twice", "line 1"}},
	{"[Namespace]\n[Veht eth0]\n",
	 "a.netns:2:",
	 {"unknown section or link kind 'Veht'", "did you mean 'Veth'?"}},
	{"[veth eth0]\n", "a.netns:1:", {"did you mean 'Veth'?"}},
	{"[Frobnicator x]\n", "a.netns:1:", {"unknown section", "Bridge", "Route"}},
	{"[Container]\n", "a.netns:1:", {"no section [Container] in *.netns files", "NAME.container"}},
	{"[Network]\n", "a.netns:1:", {"section of the link"}},
	{"[Route]\nDestination=10.0.0.0/8\nGateway=10.0.0.1\n[Veth eth0]\nAddress=10.0.0.2/8\n",
	 "a.netns:1: [Route]:",
	 {"needs a title"}},
	{"DNS=10.0.0.1\n", "a.netns:1:", {"below a section header"}},
	{"[Namespace]\nnonsense\n", "a.netns:2:", {"expected KEY=VALUE"}},
	/* keys */
	{"[Veth eth0]\nAdress=10.0.0.1/24\n",
	 "a.netns:2: [Veth eth0] Adress:",
	 {"unknown key 'Adress' in [Veth]", "did you mean 'Address'?"}},
	{"[Veth eth0]\nXyzzy=1\n", "a.netns:2: [Veth eth0] Xyzzy:", {"unknown key 'Xyzzy'"}},
	{"[Namespace]\nOnDrift=mend\n",
	 "a.netns:2: [Namespace] OnDrift:",
	 {"expected repair, report or ignore"}},
	{"[Namespace]\nAutoDelete=perhaps\n", "a.netns:2: [Namespace] AutoDelete:", {"expected"}},
	{"[Namespace]\nRuleset=x\n", "a.netns:2:", {"not part of this build"}},
	{"[Bridge b]\nPeerName=x\n", "a.netns:2:", {"two ends"}},
	{"[Bridge b]\nParent=x\n", "a.netns:2:", {"no parent"}},
	{"[Veth e]\nGroup=1\n", "a.netns:2:", {"marks the links"}},
	{"[Veth e]\nDNS=1.1.1.1\n", "a.netns:2:", {"belongs into [Namespace]"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nProtocol=static\n",
	 "a.netns:4: [Route r] Protocol:",
	 {"marks the routes"}},
	/* values */
	{"[Veth eth0]\nAddress=10.0.0.300/24\n", "a.netns:2: [Veth eth0] Address:", {"expected an address"}},
	{"[Veth eth0]\nMTUBytes=67\n", "a.netns:2:", {"from 68 to", "67"}},
	{"[Veth eth0]\nMTUBytes=1500x\n", "a.netns:2:", {"expected a size"}},
	{"[Veth eth0]\nMACAddress=01:00:00:00:00:00\n", "a.netns:2:", {"multicast"}},
	{"[Veth eth0]\nActivationPolicy=bound\n", "a.netns:2:", {"always-up", "bound"}},
	{"[Veth eth0]\nLinkLocalAddressing=yes\n", "a.netns:2:", {"expected ipv6 or no"}},
	{"[Veth eth0]\nGateway=_dhcp4\n", "a.netns:2:", {"not part of this build"}},
	{"[Veth eth0]\nGateway=10.0.0\n", "a.netns:2: [Veth eth0] Gateway:", {"expected an IP address"}},
	{"[Namespace]\nHost=maybe\n", "a.netns:2: [Namespace] Host:", {"yes or no"}},
	{"[Namespace]\nDNS=10.0.0.1 bad\n", "a.netns:2: [Namespace] DNS:", {"bad"}},
	{"[Namespace]\nDNS=\\xff\n", "a.netns:2: [Namespace] DNS:", {"not \"?\""}},
	{"[Namespace]\nHost=no\n[Route r]\nDestination=10.0.0.0/8\nMultiPathRoute=10.0.0.1@\\xff\n",
	 "a.netns:5:",
	 {"expected the name of a link"}},
	{"[Namespace]\nDomains=~lan\n", "a.netns:2: [Namespace] Domains:", {"routing domain"}},
	{"[Namespace]\nSysctl=kernel.panic=1\n", "a.netns:2: [Namespace] Sysctl:", {"below net"}},
	{"[Namespace]\nSysctl=net.ipv4.ip_forward\n", "a.netns:2:", {"KEY=VALUE"}},
	{"[Namespace]\nSysctl=net/../kernel/panic=1\n", "a.netns:2:", {"below net"}},
	{"[Namespace]\nSysctl=net//ipv4=1\n", "a.netns:2:", {"below net"}},
	{"[Namespace]\nSysctl=net.ipv4.conf.*.rp_filter=1\n", "a.netns:2:", {"below net"}},
	{"[Namespace]\nSysctl=net=1\n", "a.netns:2:", {"below net"}},
	{"[Namespace]\nIPv4Forwarding=yes\nSysctl=net.ipv4.ip_forward=0\n",
	 "a.netns:3: [Namespace] Sysctl:",
	 {"contradicts IPv4Forwarding=yes", "a.netns:2"}},
	{"[Namespace]\nIPv4Forwarding=no\nSysctl=net.ipv4.conf.all.forwarding=1\n",
	 "a.netns:3:",
	 {"contradicts"}},
	{"[Namespace]\nDescription=%x\n", "a.netns:2: [Namespace] Description:", {"unknown specifier '%x'"}},
	{"[Namespace]\nDescription=100%\n", "a.netns:2:", {"unknown specifier"}},
	{"[Namespace]\nDescription=x\\ \n", "a.netns:2:", {"single backslash"}},
	{"[Namespace]\nDescription=\xff\n", "a.netns:2:", {"UTF-8"}},
	/* links */
	{"[Veth lo]\n", "a.netns:1:", {"has its lo already"}},
	{"[Veth all]\n", "a.netns:1:", {"is no name for a link"}},
	{"[Veth a/b]\n", "a.netns:1:", {"is no name for a link"}},
	{"[Veth ..]\n", "a.netns:1:", {"is no name for a link"}},
	{"[Veth a-name-of-sixteen/]\n", "a.netns:1:", {"is no name for a link"}},
	{"[Veth e]\nPeerName=a/b\n", "a.netns:2: [Veth e] PeerName:", {"expected a name"}},
	{"[Veth e]\nBridge=b\nVRF=r\n[Bridge b]\n[VRF r]\n", "a.netns:3:", {"not both"}},
	{"[Veth e]\nBridge=bro\n[Bridge br0]\n",
	 "a.netns:2: [Veth e] Bridge:",
	 {"no link 'bro'", "did you mean 'br0'?"}},
	{"[Veth e]\nBridge=f\n[Veth f]\n", "a.netns:2:", {"'f' is a veth, which takes no ports"}},
	{"[Veth e]\nBridge=r\n[VRF r]\n", "a.netns:2:", {"write VRF=r"}},
	{"[Veth e]\nVRF=b\n[Bridge b]\n", "a.netns:2:", {"not a VRF"}},
	{"[Bridge b]\n[Bridge c]\nBridge=b\n", "a.netns:3:", {"cannot be a port of a bridge"}},
	{"[MACVLAN m]\nParent=eth0\n", "a.netns:1: [MACVLAN m]:", {"Mode= is required"}},
	{"[MACVLAN m]\nMode=bridge\n", "a.netns:1: [MACVLAN m]:", {"Parent= is required"}},
	{"[MACVLAN m]\nMode=brige\nParent=eth0\n",
	 "a.netns:2: [MACVLAN m] Mode:",
	 {"private or bridge", "did you mean bridge?"}},
	{"[MACVLAN m]\nMode=bridge\nParent=eth0\nNote=refuse\n",
	 "a.netns:1: [MACVLAN m]:",
	 {"refuses its keys"}},
	{"[Veth e]\nMTUBytes=1000\nAddress=fd00::1/64\n", "a.netns:2: [Veth e] MTUBytes:", {"1280"}},
	{"[Veth e]\nPeerMTUBytes=1000\nPeerAddress=fd00::1/64\n",
	 "a.netns:2: [Veth e] PeerMTUBytes:",
	 {"1280"}},
	{"[Veth e]\nPeerNamespace=b\n",
	 "a.netns:2: [Veth e] PeerNamespace:",
	 {"nobody declares the namespace 'b'"}},
	/* [Address] */
	{"[Address x]\nAddress=10.0.0.1/24\n", "a.netns:1: [Address x]:", {"Link= is required"}},
	{"[Veth e]\n[Address x]\nLink=e\n", "a.netns:2: [Address x]:", {"Address= is required"}},
	{"[Veth e]\n[Address x]\nLink=f\nAddress=10.0.0.1/24\n",
	 "a.netns:3: [Address x] Link:",
	 {"no link 'f'"}},
	{"[Veth e]\n[Address x]\nLink=e\nAddress=10.0.0.1/24\nPeer=fd00::1\n", "a.netns:5:", {"one family"}},
	{"[Veth e]\n[Address x]\nLink=e\nAddress=fd00::1/64\nLabel=x\n", "a.netns:5:", {"only IPv4"}},
	{"[Veth e]\n[Address x]\nLink=e\nAddress=fd00::1/64\nDuplicateAddressDetection=both\n",
	 "a.netns:5:",
	 {"ipv6 or none"}},
	{"[Veth e]\n[Address x]\nLink=e\nAddress=fd00::1/64\nPreferredLifetime=5\n",
	 "a.netns:5:",
	 {"forever, infinity or 0"}},
	/* routes */
	{"[Route r]\nMetric=5\n", "a.netns:1: [Route r]:", {"needs Gateway=, Link="}},
	{"[Route r]\nDestination=default\nLink=lo\n", "a.netns:2:", {"which family"}},
	{"[Route r]\nDestination=10.0.0.0/33\nLink=lo\n", "a.netns:2:", {"at most 32"}},
	{"[Route r]\nDestination=fd00::/64\nGateway=10.0.0.1\n",
	 "a.netns:3: [Route r] Gateway:",
	 {"cannot have an IPv4 gateway"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=nix\n", "a.netns:1: [Route r] Link:", {"no link 'nix'"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nType=blackhole\n", "a.netns:4:", {"leads nowhere"}},
	{"[Route r]\nDestination=fd00::/8\nGateway=fe80::1\n",
	 "a.netns:3:",
	 {"link-local gateway needs Link="}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nTable=0\n", "a.netns:4:", {"from 1 to 4294967295"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nTable=man\n", "a.netns:4:", {"default, main, local"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nScope=near\n", "a.netns:4:", {"global, site, link"}},
	{"[Route r]\nDestination=10.0.0.0/8\nMultiPathRoute=10.0.0.1 0\n",
	 "a.netns:3:",
	 {"weight from 1 to 256"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nSource=10.0.0.0/8\n", "a.netns:4:", {"IPv6"}},
	{"[Route r]\nDestination=10.0.0.0/8\nLink=lo\nPreferredSource=10.0.0.7\n",
	 "a.netns:4: [Route r] PreferredSource:",
	 {"10.0.0.7 is no address of this namespace"}},
	{"[Veth e]\nAddress=10.0.0.2/24\nGateway=10.0.1.1\n",
	 "a.netns:3: [Veth e] Gateway:",
	 {"10.0.1.1 is in no network of link e", "GatewayOnLink=yes"}},
	{"[Veth e]\nAddress=10.0.0.2/24\nGateway=10.0.0.2\n",
	 "a.netns:3:",
	 {"an address of this namespace itself"}},
	{"[Veth e]\nAddress=10.0.0.2/24\n[Route r]\nDestination=10.8.0.0/16\nGateway=10.0.1.1\n",
	 "a.netns:5: [Route r] Gateway:",
	 {"in no network"}},
	{"[Veth e]\nAddress=10.0.0.2/24\nGateway=10.0.0.1\n[Route r]\nGateway=10.0.0.3\n",
	 "a.netns:4: [Route r]:",
	 {"two routes to 0.0.0.0/0", "a.netns:3"}},
	{"[Veth e]\nAddress=10.0.0.2/24\nGateway=10.0.0.1\nActivationPolicy=manual\n",
	 "a.netns:3: [Veth e] Gateway:",
	 {"a link that is up"}},
	{"[Veth e]\nActivationPolicy=down\n[Route r]\nDestination=10.0.0.0/8\nLink=e\n",
	 "a.netns:5: [Route r] Link:",
	 {"leaves it down"}},
	/* rules and neighbours */
	{"[RoutingPolicyRule r]\nTable=5\n", "a.netns:1: [RoutingPolicyRule r]:", {"Priority= is required"}},
	{"[RoutingPolicyRule r]\nPriority=0\n", "a.netns:2:", {"above 0"}},
	{"[RoutingPolicyRule r]\nPriority=5\nFrom=10.0.0.0/8\nTo=fd00::/8\n", "a.netns:4:", {"one family"}},
	{"[RoutingPolicyRule r]\nPriority=5\nFrom=10.0.0.0/8\nFamily=ipv6\n", "a.netns:4:", {"contradicts"}},
	{"[RoutingPolicyRule r]\nPriority=5\nSourcePort=90-80\nIPProtocol=tcp\n", "a.netns:3:", {"range"}},
	{"[RoutingPolicyRule r]\nPriority=5\nSourcePort=80-65535\nIPProtocol=tcp\n", "a.netns:3:", {"65534"}},
	{"[RoutingPolicyRule r]\nPriority=5\nSourcePort=80\n", "a.netns:1:", {"ports need IPProtocol="}},
	{"[RoutingPolicyRule r]\nPriority=5\nFirewallMark=1/0\n", "a.netns:3:", {"MARK/MASK"}},
	{"[RoutingPolicyRule r]\nPriority=5\nGoTo=7\n", "a.netns:3:", {"not part of this build"}},
	{"[RoutingPolicyRule r]\nPriority=5\n[RoutingPolicyRule s]\nPriority=5\n",
	 "a.netns:3: [RoutingPolicyRule s]:",
	 {"the same rule", "a.netns:1"}},
	{"[Neighbor n]\nAddress=10.0.0.1\nLink=lo\n",
	 "a.netns:1: [Neighbor n]:",
	 {"LinkLayerAddress= is required"}},
	/* twice */
	{"[Veth e]\n[Bridge e]\n", "a.netns:2: [Bridge e]:", {"'e' is taken twice", "a.netns:1 [Veth e]"}},
	{"[Veth e]\nAlternativeName=f\n[Veth f]\n", "a.netns:3: [Veth f]:", {"'f' is taken twice"}},
	{"[Veth e]\nAddress=10.0.0.1/24\n[Veth f]\nAddress=10.0.0.1/25\n",
	 "a.netns:4: [Veth f] Address:",
	 {"10.0.0.1 is there twice", "a.netns:2 [Veth e]"}},
	/* circles */
	{"[MACVLAN m]\nParent=n\nMode=bridge\n[MACVLAN n]\nParent=m\nMode=bridge\n",
	 "a.netns:",
	 {"in a circle", "m on n on m"}},
};

static void test_one_error_each(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/good.netns", "[Veth eth0]\nAddress=10.99.0.1/24\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bad *b = &cases[i];

		scene_write(s, "etc/a.netns", b->text);
		scene_load(s);
		if (s->diags.errors != 1)
			print_message("case %zu: %s\n", i, b->text);
		scene_expect_count(s, 1);
		scene_expect(s, DIAG_ERROR, b->where, b->words[0], b->words[1], b->words[2], NULL);
		/* It fails its own object and no other. */
		assert_true(diags_object_failed(&s->diags, "a.netns"));
		assert_null(desired_find(s->desired, "a"));
		assert_non_null(desired_find(s->desired, "good"));
	}
}

static void test_all_in_one_run(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Namespace]\nDNS=bad\nXyzzy=1\n[Veth eth0]\nMTUBytes=1\nAdress=1\n");
	scene_write(s, "etc/b.netns", "[Veth eth0]\nAddress=x\nPeerName=same\n");
	scene_write(s, "etc/c.netns", "[Veth eth0]\nPeerName=same\nPeerNamespace=nix\n");
	scene_write(s, "etc/d.netns", "[Bridge b]\nSTP=maybe\n");
	scene_load(s);
	scene_expect_count(s, 7);
	assert_int_equal(HASH_COUNT(s->desired->namespaces), 1);
}

/* A file with errors is not told what it lacks because of them. */
static void test_no_errors_of_errors(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns",
		    "[Veth eth0]\nAddress=10.0.0.2.4/24\nGateway=10.0.0.1\nBridge=br0\n[Bridge br0/]\n"
		    "[Route r]\nDestination=10.1.0.0/16\nLink=br0\n");
	scene_load(s);
	scene_expect_count(s, 2);
}

static void test_dependants(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nPeerNamespace=b\n");
	scene_write(s, "etc/b.netns", "[Veth eth1]\nPeerNamespace=c\n");
	scene_write(s, "etc/c.netns", "[Namespace]\nXyzzy=1\n");
	scene_write(s, "etc/d.netns", "[Namespace]\nDescription=alone\n");
	scene_load(s);
	scene_expect_count(s, 3);
	scene_expect(s, DIAG_ERROR, "b.netns:2: [Veth eth1] PeerNamespace:", "'c' cannot be used", NULL);
	scene_expect(s, DIAG_ERROR, "a.netns:2", "'b' cannot be used", NULL);
	assert_int_equal(HASH_COUNT(s->desired->namespaces), 2);
	assert_non_null(desired_find(s->desired, "d"));
}

static void test_between_files(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nPeerName=same\nPeerAddress=10.0.0.1/24\n");
	scene_write(s, "etc/b.netns", "[Veth eth0]\nPeerName=same\n");
	scene_write(s, "etc/c.netns", "[Veth eth0]\nPeerAddress=10.0.0.1/24\n");
	/* Each names the other as where its end is: two links of one name in both. */
	scene_write(s, "etc/x.netns", "[Veth eth5]\nPeerNamespace=y\nPeerName=eth6\n");
	scene_write(s, "etc/y.netns", "[Veth eth6]\nPeerNamespace=x\nPeerName=eth5\n");
	scene_load(s);
	scene_expect(s, DIAG_ERROR,
		     "b.netns:1: [Veth eth0] PeerName:", "'same' is taken twice in namespace host",
		     "a.netns:1 [Veth eth0]", NULL);
	scene_expect(s, DIAG_ERROR, "c.netns:2: [Veth eth0] PeerAddress:", "10.0.0.1 is there twice",
		     "a.netns:3", NULL);
	scene_expect(s, DIAG_ERROR, "y.netns:1", "'eth5' is taken twice in namespace x", NULL);
	assert_non_null(desired_find(s->desired, "a"));
	assert_null(desired_find(s->desired, "b"));
	assert_null(desired_find(s->desired, "y"));
}

static void test_host_errors(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/host.netns", "[Namespace]\nHost=yes\nDNS=10.0.0.1\nAdopt=yes\nAutoStart=no\n");
	scene_load(s);
	scene_expect_count(s, 3);
	assert_true(s->desired->host->implicit);
	scene_write(s, "etc/host.netns", "[Namespace]\nDescription=x\n");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "host.netns", "Host=yes", NULL);
	scene_write(s, "etc/host.netns", "[Namespace]\nHost=yes\n");
	scene_write(s, "etc/other.netns", "[Namespace]\nHost=yes\n");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "other.netns:2: [Namespace] Host:", "one host", "host.netns:1", NULL);
	assert_string_equal(s->desired->host->name, "host");
	assert_false(s->desired->host->implicit);
}

/* What depends on the host is a warning. */
static void test_warnings(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth eth0]\nPeerBridge=br-lan\n");
	scene_write(s, "etc/b.netns",
		    "[Namespace]\nAdopt=yes\n[Veth eth0]\nBridge=theirs\n"
		    "Address=10.0.0.1/24\nGateway=10.9.9.9\n");
	scene_load_good(s);
	assert_int_equal(s->diags.count, 2);
	scene_expect(s, DIAG_WARNING, "a.netns:2: [Veth eth0] PeerBridge:", "'br-lan' is not declared",
		     "on the host", NULL);
	scene_expect(s, DIAG_WARNING, "b.netns:4", "in the adopted namespace", NULL);
}

static void write_ports(struct scene *s, unsigned n, bool declared)
{
	struct strbuf text = {0};

	if (declared)
		strbuf_puts(&text, "[Bridge br0]\n");
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(&text, "[Veth e%u]\n%sBridge=br0\n", i, declared ? "" : "Peer");
	scene_write(s, "etc/a.netns", text.data);
	strbuf_free(&text);
}

static void test_ports(void **state)
{
	struct scene *s = *state;

	for (unsigned declared = 0; declared < 2; declared++) {
		write_ports(s, 1023, declared);
		scene_load_good(s);
		write_ports(s, 1024, declared);
		scene_load(s);
		scene_expect_count(s, 1);
		scene_expect(s, DIAG_ERROR, "a bridge takes at most 1,023 ports", "number 1024 of 'br0'",
			     NULL);
	}
}

static void test_limits(void **state)
{
	struct scene *s = *state;
	struct strbuf text = {0};

	for (unsigned i = 0; i < 4097; i++)
		strbuf_printf(&text, "[Bridge b%u]\n", i);
	scene_write(s, "etc/a.netns", text.data);
	strbuf_free(&text);
	text = (struct strbuf){0};
	strbuf_puts(&text, "[Veth eth0]\n");
	for (unsigned i = 0; i < 1025; i++)
		strbuf_printf(&text, "Address=10.0.%u.%u/24\n", i / 250, i % 250 + 1);
	scene_write(s, "etc/b.netns", text.data);
	strbuf_free(&text);
	scene_load(s);
	scene_expect_count(s, 2);
	scene_expect(s, DIAG_ERROR, "a.netns:4097", "at most 4096 links", NULL);
	scene_expect(s, DIAG_ERROR, "b.netns:1026", "at most 1024 addresses", NULL);
}

/* --- the last good configuration -------------------------------------------------------------------- */

struct stand_in {
	const char *object, *text;
};

static char *give(const char *object, void *data)
{
	for (const struct stand_in *i = data; i->object; i++)
		if (str_equal(i->object, object))
			return strdup(i->text);
	return NULL;
}

static void test_fallback(void **state)
{
	static const struct stand_in texts[] = {
		{"a.netns", "[Veth eth0]\nAddress=10.0.0.1/24\nPeerName=taken\n"},
		{"b.netns", "[Veth eth0]\nMTUBytes=what\n"},
		{"c.netns", "[Namespace]\nDescription=old\n"},
		{NULL, NULL},
	};
	struct scene *s = *state;

	scene_write(s, "etc/a.netns", "[Veth\n");
	scene_write(s, "etc/b.netns", "[Veth eth0]\nMTUBytes=1\n");
	scene_write(s, "etc/c.netns", "[Namespace]\nDescription=new\nXyzzy=1\n");
	scene_write(s, "etc/d.netns", "[Veth eth0]\nPeerNamespace=c\n");
	scene_write(s, "etc/e.netns", "[Veth eth0]\nPeerNamespace=b\n");
	s->request.fallback = give;
	s->request.fallback_data = (void *)texts;
	scene_load(s);
	/* The files' own errors, and e, which needs what has no good text at all. */
	scene_expect_count(s, 4);
	scene_expect(s, DIAG_WARNING, "last good configuration cannot be used", "a size", NULL);
	assert_int_equal(scene_find_link(s, "a", "eth0")->n_addresses, 1);
	assert_string_equal(scene_netns(s, "c")->description, "old");
	assert_ptr_equal(scene_find_link(s, "d", "eth0")->peer->netns, scene_netns(s, "c"));
	assert_null(desired_find(s->desired, "b"));
	assert_null(desired_find(s->desired, "e"));
	/* What the files say now is right, the stand-in is in the way: it goes. */
	scene_write(s, "etc/z.netns", "[Veth eth0]\nPeerName=taken\n");
	scene_load(s);
	scene_expect_count(s, 4);
	assert_non_null(desired_find(s->desired, "z"));
	assert_null(desired_find(s->desired, "a"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_error_each), TEST(test_all_in_one_run), TEST(test_no_errors_of_errors),
		TEST(test_dependants),	   TEST(test_between_files),  TEST(test_host_errors),
		TEST(test_warnings),	   TEST(test_ports),	      TEST(test_limits),
		TEST(test_fallback),
	};

	return cmocka_run_group_tests_name("config_errors", tests, NULL, NULL);
}
