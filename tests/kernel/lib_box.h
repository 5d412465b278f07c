/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container for tests without nspawn: a process in namespaces of its own, with busybox for a root
 * directory, its applets in /applets. CAP_SYS_TIME and CAP_SYS_MODULE are not in its bounding set. */
#ifndef NETNSD_LIB_BOX_H
#define NETNSD_LIB_BOX_H

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define BOX_USERS_FIRST 100000 /* what is root inside of BOX_OWN_USERS */

enum box_trait { BOX_PLAIN = 0, BOX_OWN_USERS = 1 << 0, BOX_NO_NEW_PRIVS = 1 << 1 };

struct box {
	pid_t pid;
	int pidfd;
};

void box_prepare(void); /* once, in the sandbox; ends the program with 77 where there is no busybox */
struct box box_start(unsigned traits);
void box_stop(struct box *b);
void box_stop_all(void); /* after a test that failed */

/* For children, which have nobody to tell. */
#define INSIDE(condition)                                                                                    \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			perror(#condition);                                                                  \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

#endif
