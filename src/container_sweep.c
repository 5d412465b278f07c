/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an earlier daemon left of containers that it wrote nothing down of, or nothing that can be read: ended
 * and cleaned at the start, since nobody knows what it is, and two inits never share a root. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_known(const struct container *c)
{
	return c->p->ran || container_is_active(c);
}

static void sweep(struct manager *m, const char *name, const char *cgroup)
{
	struct container *c;

	if (!container_name_is_valid(name) || container_ensure(m, name, &c) < 0 || is_known(c))
		return;
	if (cgroup && str_replace(&c->cgroup, cgroup) < 0)
		return;
	container_log(c, LOG_WARNING,
		      "something runs, or was left, under its name that nothing is known of: it is ended");
	c->s = (struct supervision){
		.state = CONTAINER_STOP_POST, .stop_asked = !c->wanted, .again = c->wanted};
	(void)str_format(c->s.reason, sizeof(c->s.reason), "what ran under its name is ended");
	container_sequence_start(c, container_clean_stages);
}

/* With systemd the rest is its own, and listed by it. */
static void sweep_declared(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		_cleanup_free_ char *cgroup = NULL;

		if (c->settings && !is_known(c) && container_host_look(c->settings, &cgroup) == 0 &&
		    !cgroup_is_empty(cgroup))
			sweep(m, c->name, cgroup);
	}
}

/* Whatever is called so in there. */
static void sweep_directory(struct manager *m, const char *path, bool is_cgroup)
{
	DIR *directory = opendir(path);
	const struct dirent *d;

	while (directory && (d = readdir(directory))) {
		_cleanup_free_ char *cgroup = NULL;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		if (is_cgroup && asprintf(&cgroup, "%s/%s", path, d->d_name) < 0)
			cgroup = NULL;
		/* cgroup_path() puts a '_' before some. */
		sweep(m, d->d_name + (d->d_name[0] == '_'), cgroup);
	}
	if (directory)
		(void)closedir(directory);
}

static void sweep_cgroups(struct manager *m)
{
	_cleanup_free_ char *path = NULL;
	struct cgroup_layout layout;

	if (scope_available() || cgroup_find_layout(&layout, NULL) < 0 ||
	    cgroup_path(&layout, "x", &path) < 0)
		return;
	*strrchr(path, '/') = '\0';
	sweep_directory(m, path, true);
}

void containers_sweep(struct manager *m)
{
	sweep_cgroups(m);
	sweep_declared(m);
	sweep_directory(m, CONTAINERS_DIRECTORY, false);
}
