/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between process.c and what runs in the child before its exec. Layer 1. */
#ifndef NETNSD_PROCESS_INTERNAL_H
#define NETNSD_PROCESS_INTERNAL_H

#include "process.h"

#include <sys/un.h>

/* The exit statuses of systemd.exec(5) for what fails before the program runs. */
#define PROCESS_EXIT_CHDIR	 200
#define PROCESS_EXIT_FDS	 202
#define PROCESS_EXIT_EXEC	 203
#define PROCESS_EXIT_LIMITS	 205
#define PROCESS_EXIT_SIGNAL_MASK 207
#define PROCESS_EXIT_STDIN	 208
#define PROCESS_EXIT_SETSID	 220

#define PROCESS_JOURNAL_SOCKET "/run/systemd/journal/stdout"

/* All that the child needs, made before the fork: afterwards nothing can be allocated. */
struct process_child {
	const struct process_spec *spec;
	int go; /* a byte comes: exec; end of file: the daemon is gone. Back goes what failed */
	struct sockaddr_un journal;
	char header[512]; /* of the journal's stream protocol; length 0: no journal */
	size_t header_length;
};

/* process_child.c */
void process_child_run(struct process_child *c) __attribute__((noreturn));

#endif
