/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between fdstore.c and fdstore_handover.c. Layer 1. */
#ifndef NETNSD_FDSTORE_INTERNAL_H
#define NETNSD_FDSTORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_VARIABLE "NETNSD_HANDOVER"
#define HANDOVER_VERSION  1

struct handed {
	char *name; /* NULL: was taken */
	int fd;	    /* -1: bytes alone */
	char *data; /* NULL: none */
	size_t length;
	bool stored; /* systemd has it in its store */
};

/* Gives each entry to add(), which takes name and data over when it returns 0. 0 also when there is no
 * handover. */
int handover_read(int (*add)(const struct handed *h));

#endif
