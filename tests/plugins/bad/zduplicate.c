/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings a kind of its own, and one that good.so has (a file of a later name). */
#include <netnsd/plugin.h>

static const struct link_kind fine_kind = {.name = "fine", .section = "Fine"};
static const struct link_kind good_kind = {.name = "good", .section = "Better"};
static const struct link_kind *const kinds[] = {&fine_kind, &good_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "zduplicate", .kinds = kinds};
