/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing wrong with it: what is refused around it must not keep it out. */
#include <netnsd/plugin.h>

static const struct link_kind good_kind = {.name = "good", .section = "Good"};
static const struct link_kind *const kinds[] = {&good_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "good", .kinds = kinds};
