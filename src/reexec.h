/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another program takes the place of this one, in the same process: children, namespaces, sockets and clients
 * stay. Layer 4. */
#ifndef NETNSD_REEXEC_H
#define NETNSD_REEXEC_H

#include "api.h"
#include "manager.h"

/* The program that runs, as it was called; before anything else. */
void reexec_remember(char **argv);
/* With m->reexec, when the loop has stopped for it. Returns only when it failed; then all goes on as it was,
 * the asker has been told, and the loop is to be run again. */
void reexec(struct manager *m, struct api *api);

#endif
