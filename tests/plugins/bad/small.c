/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The right number, and nothing behind it. */
#define netnsd_plugin netnsd_plugin_of_the_header
#include <netnsd/plugin.h>
#undef netnsd_plugin

extern const uint32_t netnsd_plugin;
const uint32_t netnsd_plugin = NETNSD_PLUGIN_API;
