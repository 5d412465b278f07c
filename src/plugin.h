/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds, checks and opens plugins. Layer 2; an effect (dlopen). Not to be confused with
 * <netnsd/plugin.h>, the API they are written against. */
#ifndef NETNSD_PLUGIN_LOADER_H
#define NETNSD_PLUGIN_LOADER_H

#include "kind.h"

#include <stdbool.h>

/* Where plugins lie when neither the environment nor netnsd.conf says otherwise: PKGLIBDIR. */

/* Opens every *.so of `directory`, sorted by name, and registers it. Directory and files must be
 * owned by root (or by the caller's uid when `trust_caller`: tests and `check` as a user) and
 * writable by nobody else; without `trust_caller` so must be every directory above (sticky ones are
 * fine). A bad plugin is passed to `report` (may be NULL) and skipped. -errno only when the directory
 * itself cannot be used, and then too `report` gets the sentence. Plugins are never closed. */
int plugins_load(struct registry *r, const char *directory, bool trust_caller,
		 void (*report)(const struct error *err, void *data), void *data);

#endif
