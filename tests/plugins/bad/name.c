/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls itself otherwise than its file. */
#include <netnsd/plugin.h>

static const struct link_kind kind = {.name = "named", .section = "Named"};
static const struct link_kind *const kinds[] = {&kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "other", .kinds = kinds};
