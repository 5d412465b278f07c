/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has no name at all. */
#include <netnsd/plugin.h>

static const struct link_kind kind = {.name = "noname", .section = "Noname"};
static const struct link_kind *const kinds[] = {&kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .kinds = kinds};
