/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nspawn's process: its arguments, its notify socket, where its output goes. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"
#include "nspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/netns/%s/resolv.conf"

/* A file, when there is no journal: a console that cannot be written is no reason not to start. */
static int open_console(struct container *c, struct process_spec *spec, char *identifier, size_t size)
{
	struct error err = {0};
	char path[160];
	int r;

	spec->output = -1;
	if (container_log_is_journal()) {
		(void)snprintf(identifier, size, "netnsd/%s", c->name);
		spec->journal_identifier = identifier;
		return -1;
	}
	r = console_open(c->name, &spec->output, &err);
	if (r == 0 && console_path(c->name, path, sizeof(path)) >= 0)
		r = console_guard_new(c->manager->loop, path, &c->p->guard);
	if (r == 0)
		return spec->output;
	container_log(c, LOG_WARNING, "its console is not kept: %s", err.code ? err.text : strerror(-r));
	if (spec->output >= 0) /* it could grow without a bound */
		(void)close(spec->output);
	return spec->output = -1;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int make_arguments(struct container *c, const char *notify, char ***argv, char ***environment,
			  struct error *err)
{
	const struct container_settings *s = c->running;
	struct container_host *h;
	struct nspawn_run run = {.root = c->p->root.path,
				 .credentials_directory = c->p->root.credentials,
				 .credential_ids = c->p->root.credential_ids,
				 .exists = exists};
	char resolv[sizeof(RESOLV_CONF) + 256];
	int r = nspawn_kept(&run.features, err);

	if (r == 0)
		r = container_host_get(c->manager, &h, err);
	if (r < 0)
		return r;
	run.registered = s->registration != REGISTER_NO && h->bus;
	if (c->p->netns_fd >= 0) {
		run.netns_path = "/proc/self/fd/3";
		(void)snprintf(resolv, sizeof(resolv), RESOLV_CONF, s->netns);
		if (access(resolv, F_OK) == 0)
			run.resolv_conf = resolv;
	}
	r = nspawn_argv(s, &run, argv, err);
	return r < 0 ? r : nspawn_environment(s, notify, environment);
}

int container_spawn(struct container *c, struct error *err)
{
	_cleanup_(strv_freep) char **argv = NULL, **environment = NULL;
	_cleanup_close_ int console = -1, cgroup = -1;
	struct process_spec spec = {0};
	char notify[128], identifier[96];
	int r = container_socket_make(c, notify, sizeof(notify), err);

	if (r == 0)
		r = make_arguments(c, notify, &argv, &environment, err);
	if (r < 0)
		return err->code ? r : error_set(err, r, "cannot prepare its nspawn: %s", strerror(-r));
	spec.argv = argv;
	spec.environment = environment;
	if (c->p->netns_fd >= 0)
		spec.keep[spec.n_keep++] = c->p->netns_fd;
	cgroup = open(c->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cgroup >= 0)
		spec.cgroup = cgroup;
	else if (errno != ENOENT || !c->manager->p->container_host->bus) /* a scope is not there yet */
		return error_set(err, -errno, "cannot open its cgroup %s: %m", c->cgroup);
	console = open_console(c, &spec, identifier, sizeof(identifier));
	r = process_spawn(c->manager->loop, &spec, container_ended, c, &c->p->process, err);
	if (r < 0)
		return r;
	c->pid = process_pid(c->p->process);
	notify_socket_expect(c->p->notify, c->pid);
	return 0;
}
