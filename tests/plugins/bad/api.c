/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made for another API: nothing but the number may be looked at, so the rest is nonsense. */
#include <netnsd/plugin.h>

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API + 1,
	.name = (const char *)1,
	.kinds = (const struct link_kind *const *)1,
};
