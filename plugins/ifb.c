/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ifb: intermediate functional block, a link that traffic shaping redirects received packets to.
 * The driver has no settings of its own; what is redirected to it is tc's business.
 */
#include <netnsd/plugin.h>

static const struct link_kind ifb_kind = {
	.name = "ifb",
	.section = "IFB",
};

static const struct link_kind *const kinds[] = {&ifb_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "ifb",
	.kinds = kinds,
};
