/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vrf: a routing table of its own for the links it is master of (VRF= in their sections). The key
 * and its words are those of [VRF] in systemd.netdev(5). The driver cannot change the table of a
 * living link.
 */
#include <netnsd/plugin.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

struct vrf_config {
	uint32_t table;
};

static const struct netnsd_enum_name tables[] = {
	{"default", RT_TABLE_DEFAULT},
	{"main", RT_TABLE_MAIN},
	{"local", RT_TABLE_LOCAL},
	{NULL, 0},
};

static const struct conf_key vrf_keys[] = {
	{.name = "Table",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_VRF_TABLE,
	 .flags = NETNSD_KEY_REQUIRED | NETNSD_KEY_FIXED,
	 .offset = offsetof(struct vrf_config, table),
	 .min = 1,
	 .max = UINT32_MAX,
	 .names = tables,
	 .doc = "routing table of its links"},
	{.name = NULL},
};

static const struct link_kind vrf_kind = {
	.name = "vrf",
	.section = "VRF",
	.flags = NETNSD_KIND_MASTER,
	.config_size = sizeof(struct vrf_config),
	.keys = vrf_keys,
};

static const struct link_kind *const kinds[] = {&vrf_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "vrf",
	.kinds = kinds,
};
