/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * macvtap: a macvlan whose inner side is a character device, /dev/tapN, for a virtual machine.
 * Keys and values are those of [MACVTAP] in systemd.netdev(5). Mode=source is left out: it needs a
 * list of MAC addresses to be of use.
 *
 * The mode changes in place, but for passthru: it takes the parent for itself alone, and the kernel
 * neither sets nor clears it on a living link. A table cannot say that, so compare() does.
 */
#include <netnsd/plugin.h>

#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>

struct macvtap_config {
	uint32_t mode;
	uint32_t queue_length;
};

enum { KEY_MODE };

static const struct netnsd_enum_name modes[] = {
	{"private", MACVLAN_MODE_PRIVATE},
	{"vepa", MACVLAN_MODE_VEPA},
	{"bridge", MACVLAN_MODE_BRIDGE},
	{"passthru", MACVLAN_MODE_PASSTHRU},
	{NULL, 0},
};

static const struct conf_key macvtap_keys[] = {
	[KEY_MODE] = {.name = "Mode",
		      .type = NETNSD_KEY_ENUM,
		      .wire = NETNSD_WIRE_U32,
		      .attr = IFLA_MACVLAN_MODE,
		      .offset = offsetof(struct macvtap_config, mode),
		      .names = modes,
		      .doc = "whom the link can talk to"},
	{.name = "BroadcastMulticastQueueLength",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_MACVLAN_BC_QUEUE_LEN,
	 .offset = offsetof(struct macvtap_config, queue_length),
	 .doc = "packets that wait for broadcast and multicast"},
	{.name = NULL},
};

static const char *mode_name(uint32_t mode)
{
	for (const struct netnsd_enum_name *n = modes; n->name; n++)
		if (n->value == mode)
			return n->name;
	return mode == MACVLAN_MODE_SOURCE ? "source" : "unknown";
}

static enum verdict macvtap_compare(const struct netnsd_link *link, const struct nlattr *data,
				    struct netnsd_error *err)
{
	const struct macvtap_config *c = link->config;
	const struct nlattr *a = data ? nla_find(nla_data(data), nla_len(data), IFLA_MACVLAN_MODE) : NULL;

	if (!a || nla_len(a) != sizeof(uint32_t) || !(link->set & UINT64_C(1) << KEY_MODE) ||
	    (nla_get_u32(a) == MACVLAN_MODE_PASSTHRU) == (c->mode == MACVLAN_MODE_PASSTHRU))
		return VERDICT_SAME; /* what else differs in the mode the table finds */
	snprintf(err->text, sizeof(err->text), "Mode %s, declared %s", mode_name(nla_get_u32(a)),
		 mode_name(c->mode));
	return VERDICT_RECREATE;
}

static const struct link_kind macvtap_kind = {
	.name = "macvtap",
	.section = "MACVTAP",
	.flags = NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT,
	.config_size = sizeof(struct macvtap_config),
	.keys = macvtap_keys,
	.compare = macvtap_compare,
};

static const struct link_kind *const kinds[] = {&macvtap_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "macvtap",
	.kinds = kinds,
};
