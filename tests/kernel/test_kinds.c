/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Link kinds against the real kernel: what is declared is what comes back, also where the kernel
 * rounds or leaves out; a change in place is one the kernel takes. Each scenario is created,
 * compared (SAME: a second plan would be empty), declared anew, compared, changed or made again as
 * the verdict says, and compared once more. In a network namespace of its own. */
#include "actual.h"
#include "desired.h"
#include "key.h"
#include "netns.h"
#include "plugin.h"
#include "request.h"
#include "rtnl.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Keys as words "KEY=VALUE KEY=VALUE"; `then` NULL: nothing is declared anew. */
struct scenario {
	const char *section, *parent, *keys, *then;
	enum verdict expected;
};

static const struct scenario scenarios[] = {
	{"Bridge", NULL, "", NULL, VERDICT_SAME},
	{"Bridge", NULL, "HelloTimeSec=1s MaxAgeSec=6s ForwardDelaySec=0 AgeingTimeSec=0",
	 "HelloTimeSec=10s MaxAgeSec=40s ForwardDelaySec=1h AgeingTimeSec=497d", VERDICT_CHANGE},
	/* values that are no whole number of jiffies */
	{"Bridge", NULL, "HelloTimeSec=1330ms MaxAgeSec=6010ms ForwardDelaySec=30ms AgeingTimeSec=10ms",
	 "HelloTimeSec=1370ms MaxAgeSec=39990ms ForwardDelaySec=70ms AgeingTimeSec=30010ms", VERDICT_CHANGE},
	{"Bridge", NULL, "STP=yes ForwardDelaySec=2s Priority=0",
	 "STP=yes ForwardDelaySec=30s Priority=65535", VERDICT_CHANGE},
	{"Bridge", NULL, "STP=yes ForwardDelaySec=2s", "STP=no ForwardDelaySec=1s", VERDICT_RECREATE},
	{"Bridge", NULL, "STP=yes", "STP=no", VERDICT_CHANGE},
	{"Bridge", NULL, "GroupForwardMask=8", "GroupForwardMask=65528", VERDICT_CHANGE},
	{"Bridge", NULL, "MulticastQuerier=yes MulticastSnooping=no MulticastIGMPVersion=3",
	 "MulticastQuerier=no MulticastSnooping=yes MulticastIGMPVersion=2", VERDICT_CHANGE},
	{"Bridge", NULL, "VLANFiltering=yes VLANProtocol=802.1ad DefaultPVID=none",
	 "VLANFiltering=no VLANProtocol=802.1q DefaultPVID=4094", VERDICT_CHANGE},
	{"IFB", NULL, "", NULL, VERDICT_SAME},
	{"Dummy", NULL, "", NULL, VERDICT_SAME},
	{"MACVLAN", "base0", "", NULL, VERDICT_SAME},
	{"MACVLAN", "base0", "Mode=private", "Mode=vepa", VERDICT_CHANGE},
	{"MACVLAN", "base0", "Mode=bridge BroadcastMulticastQueueLength=77",
	 "Mode=bridge BroadcastMulticastQueueLength=4000000000", VERDICT_CHANGE},
	{"MACVLAN", "base0", "Mode=passthru", "Mode=bridge", VERDICT_RECREATE},
	{"MACVLAN", "base0", "Mode=bridge", "Mode=passthru", VERDICT_RECREATE},
	{"MACVTAP", "base0", "Mode=bridge", "Mode=private", VERDICT_CHANGE},
	{"MACVTAP", "base0", "Mode=passthru", "Mode=bridge", VERDICT_RECREATE},
	{"VLAN", "base0", "Id=7", "Id=8", VERDICT_RECREATE},
	/* no flag at all */
	{"VLAN", "base0", "Id=7 ReorderHeader=no", "Id=7 ReorderHeader=yes", VERDICT_CHANGE},
	{"VLAN", "base0", "Id=4094 Protocol=802.1ad LooseBinding=yes ReorderHeader=no",
	 "Id=4094 Protocol=802.1ad LooseBinding=no ReorderHeader=yes", VERDICT_CHANGE},
	{"VLAN", "base0", "Id=0 Protocol=802.1q", "Id=0 Protocol=802.1ad", VERDICT_RECREATE},
	{"IPVLAN", "base0", "Mode=L2 Flags=bridge", "Mode=L3 Flags=vepa", VERDICT_CHANGE},
	{"VRF", NULL, "Table=77", "Table=78", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1", "VNI=16777215", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 DestinationPort=4789", "VNI=1 DestinationPort=8472", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 Remote=10.0.0.2 Local=10.0.0.1 TTL=5 TOS=4 MacLearning=no FDBAgeingSec=20",
	 "VNI=1 Remote=10.0.0.3 Local=10.0.0.4 TTL=255 TOS=1 MacLearning=yes FDBAgeingSec=1", VERDICT_CHANGE},
	{"VXLAN", NULL, "VNI=1", "VNI=1 Remote=10.0.0.2 Local=10.0.0.1", VERDICT_CHANGE},
	{"VXLAN", NULL, "VNI=1", "VNI=1 Remote=fd00::2", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 Remote=10.0.0.2", "VNI=1 Remote=fd00::2", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 Remote=fd00::2 FlowLabel=5",
	 "VNI=1 Remote=fd00::3 Local=fd00::1 FlowLabel=0xfffff", VERDICT_CHANGE},
	{"VXLAN", NULL, "VNI=1 TTL=inherit", "VNI=1 TTL=7", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 TTL=7", "VNI=1 TTL=inherit", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 GroupPolicyExtension=yes", "VNI=1 GroupPolicyExtension=no", VERDICT_RECREATE},
	{"VXLAN", NULL, "VNI=1 PortRange=5-9", "VNI=1 PortRange=49152-65535", VERDICT_RECREATE},
	/* a change beside fixed keys that stay: they must not be sent again */
	{"VXLAN", NULL,
	 "VNI=1 ReduceARPProxy=yes UDPChecksum=no MaximumFDBEntries=5 DestinationPort=1 PortRange=5-9 "
	 "GroupPolicyExtension=yes RouteShortCircuit=yes TTL=1",
	 "VNI=1 ReduceARPProxy=yes UDPChecksum=no MaximumFDBEntries=5 DestinationPort=1 PortRange=5-9 "
	 "GroupPolicyExtension=yes RouteShortCircuit=yes TTL=2",
	 VERDICT_CHANGE},
	{"VXLAN", NULL, "VNI=1 L2MissNotification=yes L3MissNotification=yes", "VNI=1 L2MissNotification=no",
	 VERDICT_RECREATE},
	{"VXLAN", NULL,
	 "VNI=1 UDP6ZeroChecksumTx=yes UDP6ZeroChecksumRx=yes RemoteChecksumTx=yes RemoteChecksumRx=yes",
	 "VNI=1 UDP6ZeroChecksumTx=no", VERDICT_RECREATE},
	{"VXLAN", "base0", "VNI=1 Group=239.1.1.1", "VNI=1 Group=239.1.1.2", VERDICT_RECREATE},
	{"VXLAN", "base0", "VNI=1 Group=239.1.1.1", "VNI=1 Remote=10.0.0.2", VERDICT_RECREATE},
	{"VXLAN", "base0", "VNI=1 Group=ff02::5", "VNI=1 Group=ff02::5 TTL=3", VERDICT_CHANGE},
	{"VXLAN", "base0", "VNI=1", NULL, VERDICT_SAME},
};
#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static struct registry registry;
static struct rtnl *rtnl;
static struct desired *desired;
static struct netns *netns;

/* --- the kernel's side --- */

static int talk(struct nl_msg *msg, struct error *err)
{
	int r = rtnl_talk(rtnl, msg, err);

	nlmsg_free(msg);
	return r;
}

static int create(const struct link *l, int parent, struct error *err)
{
	struct nl_msg *msg;

	assert_int_equal(request_link_create(l, -1, parent, 0, -1, false, &msg), 0);
	return talk(msg, err);
}

static void must(int r, const struct error *err, const struct scenario *s, const char *what)
{
	if (r < 0)
		fail_msg("[%s] %s: cannot %s: %s", s->section, s->keys, what, err->text);
}

/* --- the declared side --- */

static void declare(struct link *l, const char *keys)
{
	char *copy = strdup(keys), *rest = NULL;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(word, '=');
		struct error err = {.code = 0};
		int i;

		assert_non_null(value);
		*value++ = '\0';
		i = key_find(l->kind->keys, word);
		if (i < 0 || key_parse(&l->kind->keys[i], l->config, value, &err) != 0)
			fail_msg("[%s] %s=%s: %s", l->kind->section, word, value,
				 i < 0 ? "unknown" : err.text);
		l->kind_set |= UINT64_C(1) << i;
	}
	free(copy);
}

static struct link *link_declare(const struct scenario *s, const char *keys)
{
	struct link *l;

	assert_int_equal(link_new(netns, netns, registry_kind(&registry, s->section), "test0", &l), 0);
	declare(l, keys);
	if (l->kind->verify) {
		struct netnsd_link view = {.ifname = l->name, .config = l->config, .set = l->kind_set};
		struct netnsd_error err = {""};

		if (l->kind->verify(&view, &err) != 0)
			fail_msg("[%s] %s: %s", s->section, keys, err.text);
	}
	return l;
}

/* As reconcile does it. */
static enum verdict compare(const struct link *l, int parent, struct error *reason, int *ret_ifindex)
{
	struct netnsd_link view = {
		.ifname = l->name, .config = l->config, .set = l->kind_set, .parent_ifindex = parent};
	const struct actual_link *found;
	struct netnsd_error text = {""};
	struct error err = {.code = 0};
	struct actual *actual = NULL;
	enum verdict v, own = VERDICT_SAME;

	if (actual_dump(rtnl, ACTUAL_LINKS, &actual, &err) != 0)
		fail_msg("%s", err.text);
	found = actual_find_link(actual, l->name);
	assert_non_null(found);
	assert_string_equal(found->kind, l->kind->name);
	assert_int_equal(found->group, LINK_GROUP);
	*ret_ifindex = found->ifindex;
	v = key_table_compare(l->kind->keys, l->config, l->kind_set, found->info_data, reason);
	if (l->kind->compare)
		own = l->kind->compare(&view, found->info_data, &text);
	if (own > v)
		error_set(reason, 0, "%s", text.text);
	actual_free(actual);
	return own > v ? own : v;
}

static void is_same(const struct scenario *s, const struct link *l, int parent, const char *when)
{
	struct error reason = {.code = 0};
	int ifindex;

	if (compare(l, parent, &reason, &ifindex) != VERDICT_SAME)
		fail_msg("[%s] %s -> %s: %s: an endless difference: %s", s->section, s->keys,
			 s->then ? s->then : "", when, reason.text);
}

/* --- one scenario --- */

static void change(const struct scenario *s, const struct link *l, int parent)
{
	struct error reason = {.code = 0}, err = {.code = 0};
	struct link_values values = {.change = LINK_CHANGE_KIND, .kind_of = l};
	struct nl_msg *msg;
	int ifindex;
	enum verdict v = compare(l, parent, &reason, &ifindex);

	if (v != s->expected || !reason.text[0])
		fail_msg("[%s] %s -> %s: expected verdict %d, got %d: %s", s->section, s->keys, s->then,
			 s->expected, v, reason.text);
	if (v == VERDICT_CHANGE) {
		assert_int_equal(request_link_set(ifindex, &values, &msg), 0);
		must(talk(msg, &err), &err, s, "change it");
		return;
	}
	assert_int_equal(request_link_delete(ifindex, &msg), 0);
	must(talk(msg, &err), &err, s, "delete it");
	must(create(l, parent, &err), &err, s, "make it again");
}

/* Why this kernel cannot do it at all; NULL: it can. */
static const char *missing(const struct scenario *s, const struct error *err)
{
	if (err->code != -EOPNOTSUPP)
		return NULL;
	if (strstr(err->text, "nknown device type"))
		return "kind";
	return strstr(s->keys, "VLANFiltering") ? "VLAN filtering" : NULL; /* CONFIG_BRIDGE_VLAN_FILTERING */
}

/* What an earlier scenario left when it failed. */
static int clear(void **state)
{
	struct error err = {.code = 0};
	struct nl_msg *msg;
	int ifindex;

	(void)state;
	if (rtnl_ifindex(rtnl, "test0", &ifindex) < 0)
		return 0;
	return request_link_delete(ifindex, &msg) < 0 ? -1 : talk(msg, &err);
}

static void run(const struct scenario *s)
{
	struct link *l = link_declare(s, s->keys);
	struct error err = {.code = 0};
	struct nl_msg *msg;
	int parent = 0, ifindex;

	if (s->parent)
		assert_int_equal(rtnl_ifindex(rtnl, s->parent, &parent), 0);
	if (create(l, parent, &err) < 0) {
		if (!missing(s, &err))
			fail_msg("[%s] %s: cannot create it: %s", s->section, s->keys, err.text);
		print_message("skipped: this kernel has no %s %s\n", l->kind->name, missing(s, &err));
		link_free(l);
		skip();
	}
	is_same(s, l, parent, "created");
	if (s->then) {
		link_free(l);
		l = link_declare(s, s->then);
		change(s, l, parent);
		is_same(s, l, parent, "changed");
	}
	assert_int_equal(rtnl_ifindex(rtnl, "test0", &ifindex), 0);
	assert_int_equal(request_link_delete(ifindex, &msg), 0);
	must(talk(msg, &err), &err, s, "delete it");
	link_free(l);
}

static void test_scenario(void **state)
{
	run(*state);
}

/* Another parent of the same vxlan is seen, though IFLA_LINK does not tell. */
static void test_vxlan_parent(void **state)
{
	static const struct scenario s = {"VXLAN", "base0", "VNI=1", NULL, 0};
	struct link *l = link_declare(&s, s.keys);
	struct error err = {.code = 0};
	int base, other, ifindex;
	struct nl_msg *msg;

	(void)state;
	assert_int_equal(rtnl_ifindex(rtnl, "base0", &base), 0);
	assert_int_equal(rtnl_ifindex(rtnl, "base1", &other), 0);
	must(create(l, base, &err), &err, &s, "create it");
	assert_int_equal(compare(l, base, &err, &ifindex), VERDICT_SAME);
	assert_int_equal(compare(l, other, &err, &ifindex), VERDICT_RECREATE);
	assert_int_equal(request_link_delete(ifindex, &msg), 0);
	must(talk(msg, &err), &err, &s, "delete it");
	link_free(l);
}

/* --- the place --- */

static void report(const struct error *err, void *data)
{
	(void)data;
	print_error("%s\n", err->text);
}

/* A pair whose ends serve as parents; [Veth] itself is tried on the way. */
static int make_parents(void)
{
	struct error err = {.code = 0};
	struct link *a, *b;
	int r;

	if (link_new(netns, netns, registry_kind(&registry, "Veth"), "base0", &a) < 0 ||
	    link_new(netns, netns, registry_kind(&registry, "Veth"), "base1", &b) < 0)
		return -1;
	a->peer = b;
	b->peer = a;
	b->is_peer = true;
	r = create(a, 0, &err);
	if (r < 0)
		print_error("veth: %s\n", err.text);
	return r;
}

static int setup(void **state)
{
	const char *directory = getenv("NETNSD_PLUGIN_PATH");

	(void)state;
	if (!directory || plugins_load(&registry, directory, true, report, NULL) < 0 ||
	    rtnl_open(&rtnl) < 0 || desired_new(&desired) < 0 || desired_add(desired, "test", &netns) < 0)
		return -1;
	return make_parents();
}

static int teardown(void **state)
{
	(void)state;
	desired_unref(desired);
	rtnl_close(rtnl);
	registry_free(&registry);
	return 0;
}

int main(void)
{
	static char names[N_SCENARIOS][160];
	struct CMUnitTest tests[N_SCENARIOS + 1] = {{.name = NULL}};

	if (unshare(CLONE_NEWNET) < 0) {
		printf("needs root: a network namespace cannot be made here\n");
		return 77;
	}
	for (size_t i = 0; i < N_SCENARIOS; i++) {
		const struct scenario *s = &scenarios[i];

		snprintf(names[i], sizeof(names[i]), "[%s] %s -> %s", s->section, s->keys,
			 s->then ? s->then : "");
		tests[i] = (struct CMUnitTest){.name = names[i],
					       .test_func = test_scenario,
					       .setup_func = clear,
					       .initial_state = (void *)(uintptr_t)s};
	}
	tests[N_SCENARIOS] = (struct CMUnitTest)cmocka_unit_test_setup(test_vxlan_parent, clear);
	return cmocka_run_group_tests_name("kinds", tests, setup, teardown);
}
