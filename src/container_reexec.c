/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers when another program takes the daemon's place. */
#include "container_internal.h"

#include "cleanup.h"
#include "fdstore.h"
#include "log.h"

#include <sys/pidfd.h>
#include <unistd.h>

#define STRANGERS_MAX 1024

/* A restart that has come half-way would be begun anew by whoever takes over. */
bool containers_are_quiet(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->p->job || c->p->restart_wanted || container_restart_is_awaited(c))
			return false;
	return true;
}

/* What is only prepared is done again: its process must not be left to a program that does not know it. */
void containers_interrupt(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		if (c->s.state == CONTAINER_START_PRE) {
			container_sequence_cancel(c);
			container_run_ended(c);
		}
		container_record_save(c);
	}
}

void containers_go_on(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->s.state == CONTAINER_START_PRE && !c->p->sequence)
			container_sequence_start(c, container_prepare_stages);
}

int containers_hand_over(struct manager *m, struct handover *h)
{
	struct container *c, *tmp;
	int r = 0;

	HASH_ITER (hh, m->containers, c, tmp)
		if (r == 0)
			r = container_run_hand_over(c, h);
	return r;
}

/* --- children that nobody of us knows: questions of a health check that was under way ------------- */

static void stranger_ended(struct process *p, int code, int status, void *data)
{
	(void)code;
	(void)status;
	(void)data;
	process_free(p);
}

static bool is_known(struct manager *m, pid_t pid)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->pid == pid)
			return true;
	return false;
}

/* They are waited for, so that none stays a zombie. Threads of ours have no children but by the main one. */
void containers_take_strangers(struct manager *m)
{
	pid_t children[STRANGERS_MAX];
	int n = process_children(getpid(), children, STRANGERS_MAX);

	for (int i = 0; i < n; i++) {
		_cleanup_close_ int fd = is_known(m, children[i]) ? -1 : pidfd_open(children[i], 0);
		struct process *p;

		if (fd >= 0 && process_adopt(m->loop, fd, children[i], stranger_ended, NULL, &p) < 0)
			log_debug("process %d of the program before this one is not waited for",
				  (int)children[i]);
	}
}
