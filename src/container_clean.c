/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of a container when its nspawn has ended, in order: processes, cgroup, scope, root. What fails
 * is told, and tried again by and by, and before the next start. */
#include "container_internal.h"

#include "cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A process that was never let go has to end before its cgroup can. */
static int stage_process(struct container *c, struct error *err)
{
	char path[sizeof(NOTIFY_DIRECTORY) + CONTAINER_NAME_MAX + 1];

	(void)err;
	container_run_ended(c);
	/* Of one that an earlier daemon was about to start. */
	(void)snprintf(path, sizeof(path), "%s/%s", NOTIFY_DIRECTORY, c->name);
	return unlink(path) < 0 && errno != ENOENT ? error_set(err, -errno, "cannot remove %s: %m", path)
						   : STAGE_DONE;
}

static int stage_removed(struct container *c, struct error *err)
{
	struct container_host *h;
	int r = container_host_get(c->manager, &h, err);

	if (r < 0 || h->bus || !c->cgroup)
		return r < 0 ? r : STAGE_DONE;
	r = cgroup_remove(c->cgroup);
	return r < 0 ? error_set(err, r, "cannot remove its cgroup %s: %s", c->cgroup, strerror(-r))
		     : STAGE_DONE;
}

/* Removing waits for a job that still prepares. */
static int stage_root(struct container *c, struct error *err)
{
	if (c->p->job)
		return STAGE_LATER;
	container_stage_wait(c);
	return container_job_submit(c, false, err) < 0 ? err->code : STAGE_ASYNC;
}

static int stage_forget(struct container *c, struct error *err)
{
	struct container_private *p = c->p;

	(void)err;
	if (!p->failure.code) { /* else it is not, and is to be tried again */
		free(c->cgroup);
		c->cgroup = NULL;
	}
	root_clear(&p->root);
	if (p->netns_fd >= 0)
		(void)close(steal_fd(p->netns_fd));
	p->slot = false;
	return STAGE_DONE;
}

/* Last, so that who looks at it meanwhile still sees what it was. */
static int stage_settings(struct container *c, struct error *err)
{
	(void)err;
	c->running = NULL;
	desired_unref(steal_pointer(c->tree));
	c->p->guessed = c->needs_restart = false;
	return STAGE_DONE;
}

const struct stage container_clean_stages[] = {
	{NULL, stage_process},	{NULL, container_stage_empty},
	{NULL, stage_removed},	{NULL, container_stage_unit_gone},
	{NULL, stage_root},	{NULL, stage_forget},
	{NULL, stage_settings}, {NULL, NULL},
};
