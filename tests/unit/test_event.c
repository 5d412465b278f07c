/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of a real kernel (Linux 6.18; they are the fuzz target's corpus) and events made up: what is
 * decoded, and the line that people read.
 */
#include "event.h"
#include "lib_message.h"

#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

static union {
	struct nlmsghdr h;
	char bytes[65536];
} input;

static void read_event(const char *name)
{
	const char *source = getenv("NETNSD_SRCDIR");
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/event/%s", source ? source : ".", name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s cannot be opened", path);
	n = fread(&input, 1, sizeof(input), f);
	fclose(f);
	assert_true(n >= NLMSG_HDRLEN && n == input.h.nlmsg_len);
}

/* --- of the kernel --------------------------------------------------------------------------------- */

static void test_kernel(void **state)
{
	static const struct {
		const char *file, *text;
		enum event_object object;
		enum event_change change;
		int ifindex;
		uint32_t sender;
		bool replaced;
	} table[] = {
		{"link-veth", "link ve1 (veth, mtu 1500, down, mac 02:00:00:00:00:02)", EVENT_LINK, EVENT_SET,
		 2, 0, false},
		{"link-up", "link ve1 (veth, mtu 1500, up, mac 02:00:00:00:00:02)", EVENT_LINK, EVENT_SET, 2,
		 0, false},
		{"link-master", "link ve1 (veth, mtu 1500, up, mac 02:00:00:00:00:02, master if4)",
		 EVENT_LINK, EVENT_SET, 2, 0, false},
		{"link-gone", "link ve1 (veth)", EVENT_LINK, EVENT_REMOVED, 2, 0, false},
		{"address4", "address 10.0.0.2/24 on ve0", EVENT_ADDRESS, EVENT_SET, 3, 55, false},
		{"address4-peer", "address 10.9.0.1/32 peer 10.9.0.2 on ve0", EVENT_ADDRESS, EVENT_SET, 3, 57,
		 false},
		{"address6-tentative", "address 2001:db8::2/64 on ve0 (tentative)", EVENT_ADDRESS, EVENT_SET,
		 3, 0, false},
		{"address4-gone", "address 10.0.0.2/24 on ve0", EVENT_ADDRESS, EVENT_REMOVED, 3, 105, false},
		{"address6-gone", "address 2001:db8::2/64 on ve0", EVENT_ADDRESS, EVENT_REMOVED, 3, 0, false},
		{"route4", "route 10.1.0.0/16 via 10.0.0.1 dev ve0 metric 5", EVENT_ROUTE, EVENT_SET, 3, 63,
		 false},
		{"route4-replaced", "route 10.1.0.0/16 via 10.0.0.3 dev ve0 metric 5", EVENT_ROUTE, EVENT_SET,
		 3, 65, true},
		{"route4-blackhole", "route blackhole 10.66.0.0/16", EVENT_ROUTE, EVENT_SET, 0, 67, false},
		{"route4-multipath",
		 "route 10.2.0.0/16 nexthop via 10.0.0.1 weight 2 nexthop via 10.0.0.3 weight 1", EVENT_ROUTE,
		 EVENT_SET, 0, 69, false},
		{"route6-multipath",
		 "route 2001:db8:2::/48 metric 1024 pref medium nexthop via 2001:db8::1 weight 1"
		 " nexthop via 2001:db8::9 weight 1",
		 EVENT_ROUTE, EVENT_SET, 0, 73, false},
		{"route4-gone", "route 10.1.0.0/16 via 10.0.0.3 dev ve0 metric 5", EVENT_ROUTE, EVENT_REMOVED,
		 3, 97, false},
		{"route6-multipath-gone",
		 "route 2001:db8:2::/48 metric 1024 pref medium nexthop via 2001:db8::1 weight 1"
		 " nexthop via 2001:db8::9 weight 1",
		 EVENT_ROUTE, EVENT_REMOVED, 0, 101, false},
		{"route4-local", "route local 10.0.0.2 dev ve0 table local scope host src 10.0.0.2",
		 EVENT_ROUTE, EVENT_SET, 3, 0, false},
		{"rule4", "rule 1000: from 10.0.0.0/24 lookup 100", EVENT_RULE, EVENT_SET, 0, 75, false},
		{"rule6", "rule 1000: inet6 from all fwmark 0x5 lookup 100", EVENT_RULE, EVENT_SET, 0, 77,
		 false},
		{"rule4-gone", "rule 1000: from 10.0.0.0/24 lookup 100", EVENT_RULE, EVENT_REMOVED, 0, 93,
		 false},
		{"neighbor4", "neighbor 10.0.0.9 on ve0 lladdr 02:00:00:00:00:09 (permanent)", EVENT_NEIGHBOR,
		 EVENT_SET, 3, 79, false},
		{"neighbor6", "neighbor 2001:db8::9 on ve0 lladdr 02:00:00:00:00:09 (permanent)",
		 EVENT_NEIGHBOR, EVENT_SET, 3, 81, false},
		/* Somebody deletes it: first this, which tells who, then that it is gone. */
		{"neighbor4-failed", "neighbor 10.0.0.9 on ve0 (failed)", EVENT_NEIGHBOR, EVENT_SET, 3, 89,
		 false},
		{"neighbor4-gone", "neighbor 10.0.0.9 on ve0", EVENT_NEIGHBOR, EVENT_REMOVED, 3, 0, false},
		{"sysctl-forwarding", "sysctl net.ipv4.conf.ve0 forwarding=1", EVENT_SYSCTL, EVENT_SET, 3, 0,
		 false},
		{"sysctl-all6", "sysctl net.ipv6.conf.default forwarding=1", EVENT_SYSCTL, EVENT_SET, 0, 0,
		 false},
		{"sysctl-new-link",
		 "sysctl net.ipv4.conf.ve1 forwarding=0 rp_filter=0 mc_forwarding=0 proxy_arp=0"
		 " ignore_routes_with_linkdown=0 bc_forwarding=0",
		 EVENT_SYSCTL, EVENT_SET, 2, 0, false},
		{"sysctl-gone", "sysctl net.ipv4.conf.ve1", EVENT_SYSCTL, EVENT_REMOVED, 2, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct event e;
		char *text;

		read_event(table[i].file);
		if (event_decode(&input.h, &e) != 0)
			fail_msg("%s is not decoded", table[i].file);
		text = event_to_string(&e, e.ifindex == 2 ? "ve1" : "ve0");
		if (!text || strcmp(text, table[i].text) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", table[i].file, text ? text : "",
				 table[i].text);
		free(text);
		assert_int_equal(e.object, table[i].object);
		assert_int_equal(e.change, table[i].change);
		if (e.ifindex != table[i].ifindex || e.sender != table[i].sender)
			fail_msg("%s: ifindex %d, sender %u", table[i].file, e.ifindex, e.sender);
		assert_int_equal(e.replaced, table[i].replaced);
		event_clear(&e);
	}
}

static void test_of_no_interest(void **state)
{
	static const char *const files[] = {"link-bridge-port", "link-bridge-port-gone", "neighbor-fdb"};
	static const uint16_t types[] = {RTM_NEWNSID,  RTM_DELNSID, RTM_NEWPREFIX, RTM_NEWNEXTHOP,
					 RTM_NEWQDISC, RTM_GETLINK, NLMSG_DONE};
	struct event e;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		read_event(files[i]);
		assert_int_equal(event_decode(&input.h, &e), -ENOMSG);
	}
	read_event("route4");
	((struct rtmsg *)nlmsg_data(&input.h))->rtm_flags |= RTM_F_CLONED;
	assert_int_equal(event_decode(&input.h, &e), -ENOMSG);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		read_event("route4");
		input.h.nlmsg_type = types[i];
		assert_int_equal(event_decode(&input.h, &e), -ENOMSG);
	}
}

/* Every cut of every message is malformed, or of no interest; whole attributes that are missing may leave
 * less of an object, never something unset. */
static void test_cut_short(void **state)
{
	static const char *const files[] = {"link-gone", "address4-gone",  "route4-multipath",
					    "rule6",	 "neighbor4-gone", "sysctl-new-link"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		uint32_t length;

		read_event(files[i]);
		length = input.h.nlmsg_len;
		for (uint32_t cut = 0; cut < length; cut++) {
			struct nlmsghdr *copy = malloc(cut < sizeof(*copy) ? sizeof(*copy) : cut);
			struct event e = {.object = EVENT_OBJECT_COUNT};
			int r;

			assert_non_null(copy);
			memcpy(copy, &input, cut < sizeof(*copy) ? sizeof(*copy) : cut);
			copy->nlmsg_len = cut;
			r = event_decode(copy, &e);
			free(copy);
			if (r == 0)
				event_clear(&e);
			else
				assert_int_equal(e.object, EVENT_OBJECT_COUNT);
			if (cut < NLMSG_HDRLEN + 4)
				assert_int_equal(r, -EINVAL);
			assert_true(r == 0 || r == -EINVAL);
		}
	}
}

/* --- made up --------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const struct {
		const char *name, *text;
	} table[] = {
		{"eth0", "link eth0 (physical, mtu 0, down)"},
		{"\xc3\xa4", "link \xc3\xa4 (physical, mtu 0, down)"},
		{"a\x01"
		 "b",
		 "link a\\x01b (physical, mtu 0, down)"},
		{"\xff", "link \\xff (physical, mtu 0, down)"},
		{"a\x1b[1m", "link a\\x1b[1m (physical, mtu 0, down)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct event e = {.object = EVENT_LINK, .change = EVENT_SET, .ifindex = 3};
		char *text;

		snprintf(e.link.name, sizeof(e.link.name), "%s", table[i].name);
		text = event_to_string(&e, "");
		assert_string_equal(text, table[i].text);
		free(text);
	}
}

static void assert_event_text(const struct event *e, const char *ifname, const char *expected)
{
	char *text = event_to_string(e, ifname);

	assert_string_equal(text, expected);
	free(text);
}

static void test_texts(void **state)
{
	struct event e = {.object = EVENT_LINK, .change = EVENT_SET};

	(void)state;
	snprintf(e.link.name, sizeof(e.link.name), "lo");
	e.link.flags = IFF_LOOPBACK | IFF_UP;
	assert_event_text(&e, "", "link lo (loopback, mtu 0, up, no carrier)");

	e = (struct event){.object = EVENT_ADDRESS, .change = EVENT_SET, .ifindex = 9};
	e.address.address = (struct address){.prefix = prefix("10.0.0.1/8"), .preferred = UINT32_MAX};
	snprintf(e.address.address.label, sizeof(e.address.address.label), "eth0");
	assert_event_text(&e, "eth0", "address 10.0.0.1/8 on eth0");
	assert_event_text(&e, "eth1", "address 10.0.0.1/8 label eth0 on eth1");
	assert_event_text(&e, "", "address 10.0.0.1/8 label eth0 on if9");
	e.address.flags = 0x08 | 0x40; /* duplicate, tentative */
	assert_event_text(&e, "eth0", "address 10.0.0.1/8 on eth0 (duplicate)");
	e.change = EVENT_REMOVED;
	assert_event_text(&e, "eth0", "address 10.0.0.1/8 on eth0");

	e = (struct event){.object = EVENT_NEIGHBOR, .change = EVENT_SET, .ifindex = 9};
	e.neighbor.neighbor.address = ip("10.0.0.1");
	assert_event_text(&e, "", "neighbor 10.0.0.1 on if9 (none)");

	e = (struct event){.object = EVENT_SYSCTL, .change = EVENT_SET};
	e.sysctl = (struct event_sysctl){.family = AF_INET6, .of_all = true, .set = 8, .value = {[3] = 1}};
	assert_event_text(&e, "", "sysctl net.ipv6.conf.all proxy_ndp=1");
	e.sysctl.of_all = false;
	e.ifindex = 9;
	assert_event_text(&e, "", "sysctl net.ipv6.conf.if9 proxy_ndp=1");
}

static int decode_netconf(uint8_t family, int type, const void *data, int length)
{
	const struct netconfmsg ncm = {.ncm_family = family};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNETCONF, 0);
	const int ifindex = 3;
	struct event e;
	int r;

	assert_non_null(msg);
	assert_int_equal(nlmsg_append(msg, (void *)(uintptr_t)&ncm, sizeof(ncm), NLMSG_ALIGNTO), 0);
	assert_int_equal(nla_put(msg, type, length, data), 0);
	if (type != NETCONFA_IFINDEX)
		assert_int_equal(nla_put(msg, NETCONFA_IFINDEX, sizeof(ifindex), &ifindex), 0);
	r = event_decode(nlmsg_hdr(msg), &e);
	nlmsg_free(msg);
	return r;
}

static void test_netconf(void **state)
{
	const int value = 1, zero = 0, too_low = -3;

	(void)state;
	assert_int_equal(decode_netconf(AF_INET, NETCONFA_FORWARDING, &value, 4), 0);
	assert_int_equal(decode_netconf(AF_INET, NETCONFA_FORWARDING, &value, 3), -EINVAL);
	assert_int_equal(decode_netconf(AF_INET, 99, &value, 3), 0); /* of a newer kernel */
	assert_int_equal(decode_netconf(28 /* AF_MPLS */, NETCONFA_FORWARDING, &value, 4), -ENOMSG);
	assert_int_equal(decode_netconf(AF_INET, NETCONFA_IFINDEX, &zero, 4), -EINVAL);
	assert_int_equal(decode_netconf(AF_INET, NETCONFA_IFINDEX, &too_low, 4), -EINVAL);
}

static void test_words(void **state)
{
	static const char *const objects[] = {"link", "address",   "route", "rule",   "neighbor", "sysctl",
					      "name", "namespace", "drift", "repair", "container"};

	(void)state;
	for (int i = 0; i < EVENT_OBJECT_COUNT; i++)
		assert_string_equal(event_object_to_string((enum event_object)i), objects[i]);
	assert_string_equal(event_change_to_string(EVENT_PRESENT), "present");
	assert_string_equal(event_change_to_string(EVENT_SET), "set");
	assert_string_equal(event_change_to_string(EVENT_REMOVED), "removed");
	assert_string_equal(event_cause_to_string(CAUSE_OURS), "ours");
	assert_string_equal(event_cause_to_string(CAUSE_FOREIGN), "foreign");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),	  cmocka_unit_test(test_of_no_interest),
		cmocka_unit_test(test_cut_short), cmocka_unit_test(test_names),
		cmocka_unit_test(test_texts),	  cmocka_unit_test(test_netconf),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
