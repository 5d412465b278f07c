/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root of a container: made before a start, removed after the end. Runs on a worker (it may block), in
 * the daemon's mount namespace. Layer 2; effects.
 *
 * All of a run is below one mount, private, at /run/netnsd/containers/NAME (0700), and goes with it: root
 * (what nspawn gets), overlay (a tmpfs with upper and work), credentials (a tmpfs or ramfs, a 0400 file
 * each). What the keys say (for the manual too):
 *
 * Directory=, Ephemeral=no   the directory itself. Not removed, not limited.
 * Directory=, Ephemeral=yes  an overlay over it whose upper layer is in memory, RootSizeMax= of it, else half
 *			      of the memory. Nothing is copied; filesystems mounted below it are not seen; it
 *			      must not be changed meanwhile. Several containers can be over one directory.
 * Template=, Ephemeral=no    a tree of the container's own, /var/lib/netnsd/containers/NAME, copied from the
 *			      template (as reflinks where the filesystem can) at the first start and kept:
 *			      a template that is changed later changes nothing; remove the tree to have it
 *			      copied anew. A missing Directory=, however, is an error: nothing is made of it.
 * Template=, Ephemeral=yes   as Directory= with it.
 * none of them		      a skeleton in memory, of RootSizeMax=, always fresh.
 * Image=		      looked at only; nspawn mounts it, with Ephemeral= under an overlay of its own of
 *			      a quarter of the memory. RootSizeMax= has no effect.
 *
 * The last part of Directory= and Template= must not be a symbolic link, no part of CreateDirectory= may be
 * one: a payload is root and could turn it elsewhere. */
#ifndef NETNSD_ROOT_H
#define NETNSD_ROOT_H

#include "desired_container.h"
#include "error.h"

#define CONTAINERS_DIRECTORY "/run/netnsd/containers"
#define ROOT_TREES_DIRECTORY "/var/lib/netnsd/containers" /* a tree for each with Template=, 0700 */

struct root {
	char *path;	       /* for nspawn_run.root; NULL with Image= */
	char *credentials;     /* directory with a file for each, named by its ID; NULL: there are none */
	char **credential_ids; /* for nspawn_run.credential_ids: declared, and inherited from ours */
};
/* Sweeps what an earlier run left, then makes the root: a skeleton has 0755 etc var/lib usr/bin, 0700
 * var/lib/private root, empty etc/os-release and etc/machine-id. A directory or template must have what
 * nspawn asks for: usr, and with Boot= an os-release. Then CreateDirectory= (one that exists is left as it
 * is), and credentials: each opened O_NOFOLLOW|O_NONBLOCK, a regular file of at most 1 MiB, all of them 1 MiB
 * + 64 KiB and 256; also those that $CREDENTIALS_DIRECTORY has as CONTAINER.ID, where no key has that ID. (A
 * container called "a.b" and one called "a": a credential "a.b.c" is both.) Half-made: undone. -EBUSY: a
 * machine of that name runs that is not ours. -errno with err, a sentence that names the container. */
int root_prepare(const struct container_settings *c, struct root *ret, struct error *err);
/* Everything that root_prepare() made but the copy of a template, and what a killed nspawn left under that
 * name (unix-export, propagate, locks of ours; there is no ".#machine.*", as nspawn never copies for us);
 * only once nothing runs in it. Idempotent, also after a kill anywhere. Nothing there, or not ours: 0. */
int root_remove(const char *name, struct error *err);
void root_clear(struct root *r);

#endif
