/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has a worker ask the installed nspawn what it knows: one that is mute takes 10 s, for which nothing else
 * waits but those who need the answer. */
#include "manager_internal.h"

#include "container.h"
#include "nspawn.h"

#include <errno.h>
#include <stdlib.h>

struct nspawn_job {
	struct job job; /* first */
	struct manager *manager;
	struct nspawn_question question;
};

static void job_run(struct job *job, void *thread)
{
	(void)thread;
	nspawn_question_ask(&((struct nspawn_job *)job)->question);
}

static void job_done(struct job *job)
{
	struct nspawn_job *j = (struct nspawn_job *)job;
	struct manager *m = j->manager;

	nspawn_question_keep(&j->question);
	free(j);
	m->p->asks_nspawn = false;
	operations_run(m);
	containers_settle_soon(m);
}

int manager_ask_nspawn(struct manager *m)
{
	struct error err = {0};
	struct nspawn_job *j;

	if (m->p->asks_nspawn)
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	if (nspawn_question_new(&j->question, &err) < 0) {
		free(j);
		return err.code;
	}
	j->job = (struct job){.run = job_run, .done = job_done};
	j->manager = m;
	m->p->asks_nspawn = true;
	worker_pool_submit(m->workers, &j->job);
	return 0;
}
