/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bridge: a switch in software. Keys, values and units are those of [Bridge] in systemd.netdev(5).
 *
 * The four timers are no plain attributes, although they look like it, for two reasons:
 *   - the kernel keeps them in jiffies, so that at 250 Hz it gives back 1.32 s for 1.33 s, and
 *     5.99 s as 5.98 s: a value is the same when it is at most 1/100 s less;
 *   - with STP a bridge that is not the root shows the root's HelloTime, MaxAge and ForwardDelay
 *     instead of its own.
 * Compared attribute by attribute, both would be a difference that no repair can remove.
 */
#include <netnsd/plugin.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

struct bridge_config {
	uint32_t timers[4]; /* 1/100 s, in the order of `timers` */
	uint32_t stp;
	uint16_t priority;
	uint16_t group_forward_mask;
	uint16_t default_pvid;
	uint16_t vlan_protocol;
	uint8_t vlan_filtering;
	uint8_t multicast_querier;
	uint8_t multicast_snooping;
	uint8_t igmp_version;
};

enum { HELLO_TIME, MAX_AGE, FORWARD_DELAY, AGEING_TIME, N_TIMERS };
enum { KEY_STP = N_TIMERS, KEY_GROUP_FORWARD_MASK };

static const struct netnsd_enum_name vlan_protocols[] = {
	{"802.1q", ETH_P_8021Q},
	{"802.1ad", ETH_P_8021AD},
	{NULL, 0},
};

static const struct netnsd_enum_name pvid_words[] = {{"none", 0}, {NULL, 0}};

#define AT(field) offsetof(struct bridge_config, field)
#define TIMER(key, index, low, high, text)                                                                   \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_CSEC, .wire = NETNSD_WIRE_NONE, .offset = AT(timers[index]), \
		.min = low, .max = high, .doc = text                                                         \
	}

/* The first rows in the order of the two enums above: `set` bits are row numbers. */
static const struct conf_key bridge_keys[] = {
	TIMER("HelloTimeSec", HELLO_TIME, 100, 1000, "time between two STP hello packets"),
	TIMER("MaxAgeSec", MAX_AGE, 600, 4000, "age at which STP forgets what it heard"),
	TIMER("ForwardDelaySec", FORWARD_DELAY, 0, UINT32_MAX, "time in the listening and learning states"),
	TIMER("AgeingTimeSec", AGEING_TIME, 0, UINT32_MAX, "age at which a learned MAC address goes"),
	{.name = "STP",
	 .type = NETNSD_KEY_BOOL,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_BR_STP_STATE,
	 .offset = AT(stp),
	 .doc = "run the spanning tree protocol"},
	{.name = "GroupForwardMask",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_BR_GROUP_FWD_MASK,
	 .offset = AT(group_forward_mask),
	 .doc = "link-local groups 01-80-C2-00-00-0X to forward, a bit each"},
	{.name = "Priority",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_BR_PRIORITY,
	 .offset = AT(priority),
	 .doc = "STP priority; the lowest becomes root"},
	{.name = "VLANFiltering",
	 .type = NETNSD_KEY_BOOL,
	 .wire = NETNSD_WIRE_U8,
	 .attr = IFLA_BR_VLAN_FILTERING,
	 .offset = AT(vlan_filtering),
	 .doc = "filter by VLAN"},
	{.name = "VLANProtocol",
	 .type = NETNSD_KEY_ENUM,
	 .wire = NETNSD_WIRE_BE16,
	 .attr = IFLA_BR_VLAN_PROTOCOL,
	 .offset = AT(vlan_protocol),
	 .names = vlan_protocols,
	 .doc = "the tag that VLAN filtering looks at"},
	{.name = "DefaultPVID",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_BR_VLAN_DEFAULT_PVID,
	 .offset = AT(default_pvid),
	 .min = 1,
	 .max = 4094,
	 .names = pvid_words,
	 .doc = "VLAN of a port's untagged packets"},
	{.name = "MulticastQuerier",
	 .type = NETNSD_KEY_BOOL,
	 .wire = NETNSD_WIRE_U8,
	 .attr = IFLA_BR_MCAST_QUERIER,
	 .offset = AT(multicast_querier),
	 .doc = "send IGMP and MLD queries"},
	{.name = "MulticastSnooping",
	 .type = NETNSD_KEY_BOOL,
	 .wire = NETNSD_WIRE_U8,
	 .attr = IFLA_BR_MCAST_SNOOPING,
	 .offset = AT(multicast_snooping),
	 .doc = "send multicast only to ports that want it"},
	{.name = "MulticastIGMPVersion",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U8,
	 .attr = IFLA_BR_MCAST_IGMP_VERSION,
	 .offset = AT(igmp_version),
	 .min = 2,
	 .max = 3,
	 .doc = "IGMP version to query with"},
	{.name = NULL},
};

static const uint16_t timer_attrs[N_TIMERS] = {
	[HELLO_TIME] = IFLA_BR_HELLO_TIME,
	[MAX_AGE] = IFLA_BR_MAX_AGE,
	[FORWARD_DELAY] = IFLA_BR_FORWARD_DELAY,
	[AGEING_TIME] = IFLA_BR_AGEING_TIME,
};

static bool is_set(const struct netnsd_link *link, unsigned key)
{
	return link->set & UINT64_C(1) << key;
}

static bool delay_fits_stp(uint32_t delay)
{
	return delay >= 200 && delay <= 3000;
}

static int bridge_verify(const struct netnsd_link *link, struct netnsd_error *err)
{
	const struct bridge_config *c = link->config;

	if (is_set(link, KEY_GROUP_FORWARD_MASK) && c->group_forward_mask & 7) {
		snprintf(err->text, sizeof(err->text),
			 "GroupForwardMask=%#x has one of the bits 0 to 2, which a bridge never forwards; "
			 "expected a multiple of 8",
			 c->group_forward_mask);
		return -EINVAL;
	}
	/* Without STP the kernel takes any delay; with it, it silently corrects what is out of range
	 * when STP starts, and refuses it later. */
	if (is_set(link, KEY_STP) && c->stp && is_set(link, FORWARD_DELAY) &&
	    !delay_fits_stp(c->timers[FORWARD_DELAY])) {
		snprintf(err->text, sizeof(err->text),
			 "ForwardDelaySec= is out of range; expected 2s to 30s because STP= is on");
		return -EINVAL;
	}
	return 0;
}

static int bridge_fill(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	const struct bridge_config *c = link->config;

	(void)change;
	for (unsigned i = 0; i < N_TIMERS; i++)
		if (is_set(link, i) && nla_put_u32(msg, timer_attrs[i], c->timers[i]) < 0)
			return -EMSGSIZE;
	return 0;
}

static void format_timer(uint32_t csec, char *ret, size_t size)
{
	snprintf(ret, size, "%u.%02us", csec / 100, csec % 100);
}

/* Whether the bridge follows another one, whose timers it then shows in place of its own. */
static bool follows_root(const struct nlattr *data)
{
	const struct nlattr *root = nla_find(nla_data(data), nla_len(data), IFLA_BR_ROOT_ID);
	const struct nlattr *own = nla_find(nla_data(data), nla_len(data), IFLA_BR_BRIDGE_ID);
	int length = sizeof(struct ifla_bridge_id);

	return root && own && nla_len(root) == length && nla_len(own) == length &&
	       memcmp(nla_data(root), nla_data(own), (size_t)length) != 0;
}

static bool timer_is_same(uint32_t declared, const struct nlattr *a)
{
	uint32_t actual = a && nla_len(a) == sizeof(actual) ? nla_get_u32(a) : UINT32_MAX;

	return actual <= declared && declared - actual <= 1;
}

/* A delay that STP does not allow is refused as long as STP is on, and a request that turns it off
 * sets the delay first. */
static bool delay_needs_stp_off(unsigned timer, uint32_t declared, const struct nlattr *data)
{
	const struct nlattr *stp = nla_find(nla_data(data), nla_len(data), IFLA_BR_STP_STATE);

	return timer == FORWARD_DELAY && !delay_fits_stp(declared) && stp &&
	       nla_len(stp) == sizeof(uint32_t) && nla_get_u32(stp) != 0;
}

static enum verdict bridge_compare(const struct netnsd_link *link, const struct nlattr *data,
				   struct netnsd_error *err)
{
	const struct bridge_config *c = link->config;
	bool follows = data && follows_root(data);

	for (unsigned i = 0; i < N_TIMERS; i++) {
		const struct nlattr *a =
			data ? nla_find(nla_data(data), nla_len(data), timer_attrs[i]) : NULL;
		char actual[32] = "unknown", declared[32];

		if (!is_set(link, i) || (follows && i != AGEING_TIME) || timer_is_same(c->timers[i], a))
			continue;
		if (a && nla_len(a) == sizeof(uint32_t))
			format_timer(nla_get_u32(a), actual, sizeof(actual));
		format_timer(c->timers[i], declared, sizeof(declared));
		snprintf(err->text, sizeof(err->text), "%s %s, declared %s", bridge_keys[i].name, actual,
			 declared);
		return data && delay_needs_stp_off(i, c->timers[i], data) ? VERDICT_RECREATE : VERDICT_CHANGE;
	}
	return VERDICT_SAME;
}

static uint64_t bridge_read(const struct nlattr *data, void *config)
{
	struct bridge_config *c = config;
	bool follows = follows_root(data); /* what is reported then is the root's */
	uint64_t set = 0;

	for (unsigned i = 0; i < N_TIMERS; i++) {
		const struct nlattr *a = nla_find(nla_data(data), nla_len(data), timer_attrs[i]);

		if (!a || nla_len(a) != sizeof(uint32_t) || (follows && i != AGEING_TIME))
			continue;
		c->timers[i] = nla_get_u32(a);
		set |= UINT64_C(1) << i;
	}
	return set;
}

static const struct link_kind bridge_kind = {
	.name = "bridge",
	.section = "Bridge",
	.flags = NETNSD_KIND_MASTER,
	.max_ports = 1023, /* port numbers have ten bits, and 0 is none */
	.config_size = sizeof(struct bridge_config),
	.keys = bridge_keys,
	.verify = bridge_verify,
	.fill = bridge_fill,
	.compare = bridge_compare,
	.read = bridge_read,
};

static const struct link_kind *const kinds[] = {&bridge_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "bridge",
	.kinds = kinds,
};
