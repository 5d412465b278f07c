/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vlan: one 802.1Q or 802.1ad VLAN of its parent, as a link. Keys and values are those of [VLAN] in
 * systemd.netdev(5).
 *
 * The four switches share one attribute, a pair of values and mask: fill() puts those that were
 * declared under the mask, compare() looks at the same. Id and Protocol are fixed; the kernel takes
 * a change of them without a word and does nothing.
 */
#include <netnsd/plugin.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

struct vlan_config {
	uint16_t id;
	uint16_t protocol;
	uint32_t switches[4]; /* in the order of flag_bits */
};

/* Rows of the table: the switches come first, so that their `set` bits are 0 to 3. */
enum { GVRP, MVRP, LOOSE_BINDING, REORDER_HEADER, N_SWITCHES };

static const uint32_t flag_bits[N_SWITCHES] = {
	[GVRP] = VLAN_FLAG_GVRP,
	[MVRP] = VLAN_FLAG_MVRP,
	[LOOSE_BINDING] = VLAN_FLAG_LOOSE_BINDING,
	[REORDER_HEADER] = VLAN_FLAG_REORDER_HDR,
};

static const struct netnsd_enum_name protocols[] = {
	{"802.1q", ETH_P_8021Q},
	{"802.1ad", ETH_P_8021AD},
	{NULL, 0},
};

#define SWITCH(index, key, text)                                                                             \
	[index] = {.name = key,                                                                              \
		   .type = NETNSD_KEY_BOOL,                                                                  \
		   .wire = NETNSD_WIRE_NONE,                                                                 \
		   .offset = offsetof(struct vlan_config, switches[index]),                                  \
		   .doc = text}

static const struct conf_key vlan_keys[] = {
	SWITCH(GVRP, "GVRP", "announce the VLAN with GVRP"),
	SWITCH(MVRP, "MVRP", "announce the VLAN with MVRP"),
	SWITCH(LOOSE_BINDING, "LooseBinding", "do not follow the parent's state"),
	SWITCH(REORDER_HEADER, "ReorderHeader", "show packets without their tag"),
	{.name = "Id",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_VLAN_ID,
	 .flags = NETNSD_KEY_REQUIRED | NETNSD_KEY_FIXED,
	 .offset = offsetof(struct vlan_config, id),
	 .min = 0,
	 .max = 4094,
	 .doc = "VLAN number"},
	{.name = "Protocol",
	 .type = NETNSD_KEY_ENUM,
	 .wire = NETNSD_WIRE_BE16,
	 .attr = IFLA_VLAN_PROTOCOL,
	 .flags = NETNSD_KEY_FIXED,
	 .offset = offsetof(struct vlan_config, protocol),
	 .names = protocols,
	 .doc = "kind of tag"},
	{.name = NULL},
};

static struct ifla_vlan_flags declared_flags(const struct netnsd_link *link)
{
	const struct vlan_config *c = link->config;
	struct ifla_vlan_flags f = {.flags = 0};

	for (unsigned i = 0; i < N_SWITCHES; i++) {
		if (!(link->set & UINT64_C(1) << i))
			continue;
		f.mask |= flag_bits[i];
		if (c->switches[i])
			f.flags |= flag_bits[i];
	}
	return f;
}

static int vlan_fill(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	struct ifla_vlan_flags f = declared_flags(link);

	(void)change;
	return f.mask && nla_put(msg, IFLA_VLAN_FLAGS, sizeof(f), &f) < 0 ? -EMSGSIZE : 0;
}

static enum verdict vlan_compare(const struct netnsd_link *link, const struct nlattr *data,
				 struct netnsd_error *err)
{
	const struct nlattr *a = data ? nla_find(nla_data(data), nla_len(data), IFLA_VLAN_FLAGS) : NULL;
	struct ifla_vlan_flags declared = declared_flags(link), actual = {.flags = 0};

	/* The kernel leaves them out when none is set. */
	if (!data || (a && nla_len(a) != (int)sizeof(actual)))
		actual.flags = ~declared.flags; /* nothing known: all differ */
	else if (a)
		memcpy(&actual, nla_data(a), sizeof(actual));
	for (unsigned i = 0; i < N_SWITCHES; i++) {
		if (!((declared.flags ^ actual.flags) & declared.mask & flag_bits[i]))
			continue;
		snprintf(err->text, sizeof(err->text), "%s %s, declared %s", vlan_keys[i].name,
			 actual.flags & flag_bits[i] ? "yes" : "no",
			 declared.flags & flag_bits[i] ? "yes" : "no");
		return VERDICT_CHANGE;
	}
	return VERDICT_SAME;
}

static const struct link_kind vlan_kind = {
	.name = "vlan",
	.section = "VLAN",
	.flags = NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT,
	.config_size = sizeof(struct vlan_config),
	.keys = vlan_keys,
	.fill = vlan_fill,
	.compare = vlan_compare,
};

static const struct link_kind *const kinds[] = {&vlan_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "vlan",
	.kinds = kinds,
};
