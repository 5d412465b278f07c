/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker does for a container: make its root, after a look whether its namespace still has its name,
 * and remove it. A container has one such job at a time; one that is called off is waited for. */
#include "container_internal.h"

#include "cleanup.h"
#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct container_job {
	struct job job; /* first */
	struct manager *manager;
	struct container *container; /* NULL: it has gone */
	struct desired *tree;	     /* a reference: what `settings` is in */
	const struct container_settings *settings;
	char *name;
	int netns_fd; /* -1: the host's */
	bool prepare, called_off;
	struct root root;
	struct error error;
	int result;
};

static void job_free(struct container_job *j)
{
	root_clear(&j->root);
	desired_unref(j->tree);
	if (j->netns_fd >= 0)
		(void)close(j->netns_fd);
	free(j->name);
	free(j);
}

/* The descriptor pins the namespace, so device and inode say the same as a cookie would. A name that has gone
 * is put back by the watch; one that means another namespace would let people look into the wrong one. */
static int verify_netns(struct container_job *j)
{
	_cleanup_close_ int fd = -1;
	enum netns_name_state state;
	const char *name = j->settings->netns;
	int r = netns_probe(name, &state, &fd, &j->error);

	if (r < 0)
		return r;
	if (state == NETNS_NAME_ABSENT || (state == NETNS_NAME_NAMESPACE && netns_same(fd, j->netns_fd)))
		return 0;
	return error_set(&j->error, -ESTALE,
			 "/run/netns/%s is %s, not the namespace that netnsd made; remove it and start again",
			 name, state == NETNS_NAME_NAMESPACE ? "another namespace" : "not a namespace");
}

static void job_run(struct job *job, void *thread)
{
	struct container_job *j = (struct container_job *)job;

	(void)thread;
	if (!j->prepare) {
		j->result = root_remove(j->name, &j->error);
		return;
	}
	if (j->netns_fd >= 0)
		j->result = verify_netns(j);
	if (j->result == 0)
		j->result = root_prepare(j->settings, &j->root, &j->error);
}

static void job_done(struct job *job)
{
	struct container_job *j = (struct container_job *)job;
	struct container *c = j->container;

	if (!c) {
		job_free(j);
		return;
	}
	c->p->job = NULL;
	if (j->prepare && j->result == 0 && !j->called_off) {
		root_clear(&c->p->root);
		c->p->root = j->root;
		j->root = (struct root){0};
	}
	if (j->called_off)
		container_advance(c); /* another sequence waits for its end */
	else
		container_stage_done(c, j->result, &j->error);
	job_free(j);
}

int container_job_submit(struct container *c, bool prepare, struct error *err)
{
	struct container_job *j = calloc(1, sizeof(*j));

	if (!j)
		return error_set(err, -ENOMEM, "out of memory");
	*j = (struct container_job){.job = {.run = job_run, .done = job_done},
				    .manager = c->manager,
				    .container = c,
				    .settings = c->running,
				    .prepare = prepare,
				    .netns_fd = -1,
				    .name = strdup(c->name)};
	if (c->tree)
		j->tree = desired_ref(c->tree);
	if (prepare && c->p->netns_fd >= 0)
		j->netns_fd = netns_dup(c->p->netns_fd);
	if (!j->name || (prepare && c->p->netns_fd >= 0 && j->netns_fd < 0)) {
		job_free(j);
		return error_set(err, -ENOMEM, "out of memory or descriptors");
	}
	c->p->job = j;
	worker_pool_submit(c->manager->workers, &j->job);
	return 0;
}

void container_job_call_off(struct container *c)
{
	if (c->p->job)
		c->p->job->called_off = true;
}

void container_job_orphan(struct container *c)
{
	if (c->p->job)
		c->p->job->container = NULL;
	c->p->job = NULL;
}
