/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at one namespace on a worker: whether it exists, whose it is, and all that is in it.
 * Layer 3; an effect, but it changes nothing. */
#ifndef NETNSD_SURVEY_H
#define NETNSD_SURVEY_H

#include "actual.h"
#include "desired.h"
#include "error.h"
#include "worker.h"

#include <sys/types.h>

#define SURVEY_HOLDERS_MAX 64
#define SURVEY_RESOLV	   (1u << 16) /* beside enum actual_what: /etc/netns/NAME/resolv.conf */
#define SURVEY_ALL	   (ACTUAL_ALL | SURVEY_RESOLV)

struct survey {
	struct job job;	     /* first; run and done are those of the first of a chain */
	struct survey *next; /* others that the same job looks at; NULL: none */
	/* in */
	const char *name;
	bool host;
	int fd;		/* a descriptor of its own, closed by survey_clear(); -1: look the name up */
	unsigned what;	/* enum actual_what, SURVEY_RESOLV */
	char **links;	/* names of the only links that matter; owned; NULL: all of them do */
	int known_nsid; /* with fd: as an earlier survey found; -1: ask */
	uint64_t known_inode, known_device, known_cookie; /* likewise; 0: ask */
	bool holders_wanted;
	struct sysctl *sysctls; /* owned; see netns_sysctls() */
	size_t n_sysctls;
	/* out */
	struct error error;
	bool found;    /* the name was looked up and is a namespace: fd is it */
	bool named;    /* /run/netns/NAME is this very namespace */
	bool leftover; /* the name is a file without a namespace */
	int nsid;      /* -1: none */
	uint64_t cookie, device, inode;
	struct actual *actual; /* NULL: does not exist */
	pid_t holders[SURVEY_HOLDERS_MAX];
	size_t n_holders;
	void *owner;
};

void survey_run(struct job *job, void *thread);
void survey_clear(struct survey *s); /* contents; the struct is the caller's */

/* Every name in /run/netns with what is known of it, for the start. */
struct scan {
	struct job job;	       /* first */
	const char *last_good; /* in: the directory of last good copies */
	struct scan_entry {
		char *name;
		int fd, nsid;
	} * entries; /* those with an nsid of ours, or a last good copy */
	size_t n;
	struct error error;
	int last_created, last_adopted; /* highest nsid in use in each range; below the first: none */
	void *owner;
};
void scan_run(struct job *job, void *thread);
void scan_clear(struct scan *s);

uint64_t netns_cookie_here(void); /* SO_NETNS_COOKIE of the calling thread's namespace; 0: none */

#endif
