/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key whose field lies behind the config. */
#include <netnsd/plugin.h>

static const struct conf_key keys[] = {
	{.name = "Far", .type = NETNSD_KEY_UINT, .wire = NETNSD_WIRE_U32, .attr = 1, .offset = 4},
	{.name = NULL},
};
static const struct link_kind kind = {.name = "table", .section = "Table", .config_size = 4, .keys = keys};
static const struct link_kind *const kinds[] = {&kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "table", .kinds = kinds};
