/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control interfaces, io.netnsd.* and io.systemd.service, over a Varlink server. Only translates
 * between messages and manager.h. Layer 4. Loop thread only. */
#ifndef NETNSD_API_H
#define NETNSD_API_H

#include "error.h"
#include "manager.h"

#include <sys/types.h>

struct api;

/* Serves on socket_path (its directory must exist), or on fd when fd >= 0 (socket activation). Group and
 * limits are those of m->settings, so the manager must have read them. -errno with err. */
int api_start(struct manager *m, const char *socket_path, mode_t mode, int fd, struct error *err,
	      struct api **ret);
/* Another program takes over: the socket and its clients; and when it does not. */
struct handover;
int api_hand_over(struct api *a, struct handover *h);
void api_reexec_failed(struct api *a, const struct error *err);
/* Before manager_free(): calls that wait for an operation let go of it. NULL is fine. */
void api_free(struct api *a);

#endif
