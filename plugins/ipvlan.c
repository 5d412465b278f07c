/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipvlan: a link that shares its parent's MAC address and takes what is sent to its IP addresses.
 * Keys and values are those of [IPVLAN] in systemd.netdev(5). The kernel keeps mode and flags for
 * the parent: all ipvlan links of one parent change together.
 */
#include <netnsd/plugin.h>

#include <linux/if_link.h>

struct ipvlan_config {
	uint16_t mode;
	uint16_t flags;
};

static const struct netnsd_enum_name modes[] = {
	{"L2", IPVLAN_MODE_L2},
	{"L3", IPVLAN_MODE_L3},
	{"L3S", IPVLAN_MODE_L3S},
	{NULL, 0},
};

static const struct netnsd_enum_name flags[] = {
	{"bridge", 0},
	{"private", IPVLAN_F_PRIVATE},
	{"vepa", IPVLAN_F_VEPA},
	{NULL, 0},
};

static const struct conf_key ipvlan_keys[] = {
	{.name = "Mode",
	 .type = NETNSD_KEY_ENUM,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_IPVLAN_MODE,
	 .offset = offsetof(struct ipvlan_config, mode),
	 .names = modes,
	 .doc = "the layer at which packets are told apart"},
	{.name = "Flags",
	 .type = NETNSD_KEY_ENUM,
	 .wire = NETNSD_WIRE_U16,
	 .attr = IFLA_IPVLAN_FLAGS,
	 .offset = offsetof(struct ipvlan_config, flags),
	 .names = flags,
	 .doc = "whom the link can talk to"},
	{.name = NULL},
};

static const struct link_kind ipvlan_kind = {
	.name = "ipvlan",
	.section = "IPVLAN",
	.flags = NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT,
	.config_size = sizeof(struct ipvlan_config),
	.keys = ipvlan_keys,
};

static const struct link_kind *const kinds[] = {&ipvlan_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "ipvlan",
	.kinds = kinds,
};
