/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dummy: a link that swallows what is sent to it; a place for an address that is always up.
 *
 * The plugin to copy for a new kind: netnsd-plugin(3) walks through it. The kernel's dummy driver
 * has no settings of its own, so there is no key table, no config and no callback; bridge.c shows
 * a table, veth.c a fill() callback, vlan.c both directions.
 */
#include <netnsd/plugin.h>

static const struct link_kind dummy_kind = {
	.name = "dummy",    /* what the kernel calls it: IFLA_INFO_KIND */
	.section = "Dummy", /* what people write: [Dummy NAME] */
};

static const struct link_kind *const kinds[] = {&dummy_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "dummy", /* this file, as dummy.so */
	.kinds = kinds,
};
