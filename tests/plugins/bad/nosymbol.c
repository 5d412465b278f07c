/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exports something, but not netnsd_plugin. */
extern const int netnsd_plugins;
const int netnsd_plugins = 1;
