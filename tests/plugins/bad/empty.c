/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings nothing. */
#include <netnsd/plugin.h>

const struct netnsd_plugin netnsd_plugin = {.api = NETNSD_PLUGIN_API, .name = "empty"};
