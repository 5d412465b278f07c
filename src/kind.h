/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registry of link kinds and address sources. Layer 2; pure. */
#ifndef NETNSD_KIND_H
#define NETNSD_KIND_H

#include "error.h"
#include "netnsd/plugin.h"

struct registry {
	const struct link_kind **kinds; /* by section name, sorted */
	size_t n_kinds;
	const struct address_source **sources;
	size_t n_sources;
	const struct netnsd_plugin **plugins;
	size_t n_plugins;
};

/* Checks the whole plugin (names, tables, callbacks in pairs, no section or key that the core or
 * another plugin has) and adds all of it, or nothing. -EPROTO (api), -EEXIST (duplicate; err names
 * both), -EINVAL, -ENOMEM. */
int registry_add(struct registry *r, const struct netnsd_plugin *plugin, const char *file, struct error *err);
const struct link_kind *registry_kind(const struct registry *r, const char *section);
const struct link_kind *registry_kind_by_name(const struct registry *r, const char *kernel_name);
const struct address_source *registry_source(const struct registry *r, const char *key);
/* The kernel's values of the `wanted` keys into a config of this kind; the bits of those that it tells.
 * What strings own belongs to the config. `data` is IFLA_INFO_DATA; NULL: none. */
uint64_t kind_read(const struct link_kind *kind, uint64_t wanted, const struct nlattr *data, void *config);
void registry_free(struct registry *r); /* contents only */

#endif
