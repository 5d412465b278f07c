/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that outlive the daemon: handed over by systemd, which keeps them meanwhile (its file
 * descriptor store), or gives a socket to begin with. Layer 1. Loop thread only. */
#ifndef NETNSD_FDSTORE_H
#define NETNSD_FDSTORE_H

#define FDSTORE_NAME_MAX 255 /* of systemd */

/* Takes what was handed over ($LISTEN_FDS, which goes from the environment). Once, before anything else opens
 * descriptors. 0 or -errno; then nothing was. */
int fdstore_begin(void);
int fdstore_take(const char *name); /* the caller's from now on; -1: there is none */
int fdstore_take_listener(void);    /* the first UNIX stream socket that listens, whatever its name; -1 */
void fdstore_end(void);		    /* what nobody took is closed, and systemd forgets it */

/* Asks systemd to keep a duplicate, also when it hangs up (FDPOLL=0: a pidfd of a process that ended still
 * tells how). Nothing where nobody listens, or FileDescriptorStoreMax= is 0. A name once at a time. */
void fdstore_keep(const char *name, int fd);
void fdstore_drop(const char *name);

#endif
