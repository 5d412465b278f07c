/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root of a container: made before a start, removed after the end. Runs on a worker (it may block), in
 * the daemon's mount namespace. Layer 2; effects. Below /run/netnsd/containers/NAME (0700): root (what nspawn
 * gets), overlay (a tmpfs with upper and work), credentials (a ramfs or tmpfs file each, 0400). */
#ifndef NETNSD_ROOT_H
#define NETNSD_ROOT_H

#include "desired_container.h"
#include "error.h"

#define CONTAINERS_DIRECTORY "/run/netnsd/containers"

struct root {
	char *path;	       /* for nspawn_run.root; NULL with Image= */
	char *credentials;     /* directory with a file for each, named by its ID; NULL: there are none */
	char **credential_ids; /* for nspawn_run.credential_ids: declared, and inherited from ours */
};
/* Sweeps what an earlier run left, then: Directory= (checked: exists, is a directory, no link out of it is
 * followed, has /usr with Boot=), overlay with Ephemeral= and RootSizeMax=, or the skeleton (0755 etc var/lib
 * usr/bin, 0700 var/lib/private root; etc/os-release, etc/machine-id empty) on a tmpfs of RootSizeMax=;
 * CreateDirectory=; credentials (each opened O_NOFOLLOW|O_NONBLOCK, a regular file of at most 1 MiB and 1 MiB
 * + 64 KiB; also those that $CREDENTIALS_DIRECTORY has as CONTAINER.ID). Half-made: undone. -errno with err,
 * a sentence. */
int root_prepare(const struct container_settings *c, struct root *ret, struct error *err);
/* Everything that root_prepare() made or a killed nspawn left (mounts below, unix-export, ".#machine.NAME*"
 * of ours); only once nothing runs in it. Nothing there: 0. */
int root_remove(const char *name, struct error *err);
void root_clear(struct root *r);

#endif
