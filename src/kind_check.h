/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a plugin is sound and brings nothing that is there already. Layer 2; pure. */
#ifndef NETNSD_KIND_CHECK_H
#define NETNSD_KIND_CHECK_H

#include "kind.h"

/* The errors of registry_add() apart from -ENOMEM; counts what the plugin brings. */
int kind_check_plugin(const struct registry *registry, const struct netnsd_plugin *plugin, const char *file,
		      size_t *ret_kinds, size_t *ret_sources, struct error *err);

#endif
