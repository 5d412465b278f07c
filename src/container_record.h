/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written down of a container, so that the next daemon takes it over as it is: one file each,
 * replaced as a whole. A hint: without it, or with a damaged one, the container is ended and started anew.
 * Layer 3; the text is pure. */
#ifndef NETNSD_CONTAINER_RECORD_H
#define NETNSD_CONTAINER_RECORD_H

#include "supervise.h"

#include <stddef.h>
#include <sys/types.h>

#define CONTAINER_RECORD_DIRECTORY "/run/netnsd/state" /* 0700; NAME.record */
#define CONTAINER_RECORD_SUFFIX	   ".record"
#define CONTAINER_RECORD_MAX	   16384 /* bytes of one file */

struct container_record {
	char boot_id[40];
	struct supervision s;
	uint64_t changed_at;	    /* CLOCK_REALTIME usec of the last change of state */
	bool wanted, resume, again; /* see struct container and its private part */
	unsigned sent;		    /* signals of s.signals that were sent: the last may not have been */
	/* Of the process; pid 0: there is none. Both are compared: numbers are used again. */
	pid_t pid, leader;
	uint64_t pid_started, leader_started; /* starttime of /proc/PID/stat */
	char cgroup[1280];		      /* full path; "": none */
	char netns[256];		      /* name of the namespace */
	uint64_t settings;		      /* hash of the text it was started with */
	char status[256];		      /* what nspawn said last */
	char why[480];			      /* what could not be done, or it waits for; "": nothing */
};

/* -EINVAL: not such a file, or of another version; any bytes may come in (fuzzed). Unknown keys are a later
 * version's remarks. */
int container_record_parse(const char *text, size_t length, struct container_record *ret);
char *container_record_print(const struct container_record *r); /* owned; NULL: no memory */

/* starttime of a process, in clock ticks since the boot; 0: there is none. */
uint64_t process_started(pid_t pid);
/* A pidfd of just that process. -ESRCH: it has gone; else it cannot be had now, which says nothing of it. */
int process_open(pid_t pid, uint64_t started);

#endif
