/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container needs before its nspawn may run, in order: those it comes after, a slot, its namespace, no
 * remains of the run before, a root, and a process that waits in a cgroup of its own. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"
#include "netns.h"
#include "nspawn.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the settings ------------------------------------------------------------------------------- */

/* The tree of now is what this run has, whatever is read meanwhile. */
static int stage_settings(struct container *c, struct error *err)
{
	struct manager *m = c->manager;
	struct desired *old = c->tree;

	if (!c->settings)
		return error_set(err, -ENOENT, "%s",
				 c->config_failed ? c->reason.text : "no file declares it any more");
	c->tree = desired_ref(m->desired);
	c->running = c->settings;
	c->p->started_with = str_hash(c->running->text);
	c->p->guessed = c->p->taken = c->p->unheard = c->needs_restart = false;
	c->p->sent = 0;
	desired_unref(old);
	return STAGE_DONE;
}

/* ConditionCapability=, of the bounding set: what nspawn can pass on. */
static int stage_condition(struct container *c, struct error *err)
{
	const struct container_settings *s = c->running;

	for (int cap = 0; cap < 64; cap++) {
		uint64_t bit = UINT64_C(1) << cap;
		bool has;
		char *name;

		if (!((s->capabilities | s->capabilities_not) & bit))
			continue;
		has = cap_get_bound(cap) > 0;
		if ((s->capabilities & bit) ? has : !has)
			continue;
		name = cap_to_name(cap); /* in lower case; people write it in upper */
		for (char *at = name; at && *at; at++)
			*at = (char)toupper((unsigned char)*at);
		c->p->skip = true;
		error_set(err, -EPERM,
			  "ConditionCapability= is not met: %s is %s the bounding set of the daemon",
			  name ? name : "a capability", has ? "in" : "missing in");
		cap_free(name);
		return -EPERM;
	}
	return STAGE_DONE;
}

static int wait_for_unit(struct container *c, struct container_host *h, const char *unit, struct error *err)
{
	int r;

	error_set(&c->reason, -EAGAIN, "waits for %s", unit);
	container_stage_wait(c);
	r = scope_wait_active(h->bus, unit, container_stage_done_scope, c, &c->p->call);
	return r < 0 ? error_set(err, r, "cannot ask systemd for %s: %s", unit, strerror(-r)) : STAGE_ASYNC;
}

/* The daemon is earlier in a boot than the bus, which may take as long as somebody needs to type the
 * passphrase of a disk. */
static int stage_bus(struct container *c, struct error *err)
{
	struct container_host *h;
	int r = container_host_get(c->manager, &h, err);

	if (r < 0 || !h->bus || scope_bus_is_there())
		return r < 0 ? r : STAGE_DONE;
	return wait_for_unit(c, h, "dbus.socket", err);
}

/* AfterNetwork=: where systemd runs, which alone knows of it. */
static int stage_network(struct container *c, struct error *err)
{
	struct container_host *h;
	int r;

	if (!c->running->after_network)
		return STAGE_DONE;
	r = container_host_get(c->manager, &h, err);
	if (r < 0 || !h->bus)
		return r < 0 ? r : STAGE_DONE;
	return wait_for_unit(c, h, "network.target", err);
}

/* --- the run before ----------------------------------------------------------------------------- */

static void old_is_empty(struct cgroup_watch *w, void *data)
{
	struct container *c = data;

	c->p->emptying = NULL;
	cgroup_watch_free(w);
	container_stage_done(c, 0, NULL);
}

/* Kills what is in a cgroup and waits until it is empty; also used at the end of a run. */
int container_stage_empty(struct container *c, struct error *err)
{
	int r;

	if (!c->cgroup || cgroup_is_empty(c->cgroup))
		return STAGE_DONE;
	container_stage_wait(c);
	r = cgroup_watch_new(c->manager->loop, c->cgroup, old_is_empty, c, &c->p->emptying);
	if (r < 0)
		return error_set(err, r, "cannot watch its cgroup %s: %s", c->cgroup, strerror(-r));
	r = cgroup_kill(c->cgroup);
	if (r < 0) {
		cgroup_watch_free(steal_pointer(c->p->emptying));
		return error_set(err, r, "cannot kill what is left in its cgroup %s: %s", c->cgroup,
				 strerror(-r));
	}
	return STAGE_ASYNC;
}

/* One that an earlier daemon left, or that a killed nspawn did: two inits never share a root. */
static int stage_old_cgroup(struct container *c, struct error *err)
{
	struct container_host *h;
	int r = container_host_get(c->manager, &h, err);

	if (r < 0)
		return r;
	free(c->cgroup);
	c->cgroup = NULL;
	r = container_host_cgroup(h, c->running, &c->cgroup);
	return r < 0 ? error_set(err, r, "cannot tell its cgroup: %s", strerror(-r)) : STAGE_DONE;
}

static int stage_old_removed(struct container *c, struct error *err)
{
	struct container_host *h;
	int r = container_host_get(c->manager, &h, err);

	if (r < 0)
		return r;
	if (h->bus) /* systemd's, who removes it with the scope */
		return STAGE_DONE;
	r = cgroup_remove(c->cgroup);
	return r < 0 ? error_set(err, r, "cannot remove the old cgroup %s: %s", c->cgroup, strerror(-r))
		     : STAGE_DONE;
}

/* 1: systemd runs, and the container's scope is *unit there, to be freed; 0: there are no scopes. */
static int host_of_scope(struct container *c, struct container_host **h, char **unit, struct error *err)
{
	int r = container_host_get(c->manager, h, err);

	if (r < 0 || !(*h)->bus)
		return r < 0 ? r : 0;
	r = scope_unit_name(c->name, unit);
	return r < 0 ? error_set(err, r, "cannot name its scope: %s", strerror(-r)) : 1;
}

int container_stage_unit_gone(struct container *c, struct error *err)
{
	_cleanup_free_ char *unit = NULL;
	struct container_host *h;
	int r = host_of_scope(c, &h, &unit, err);

	if (r <= 0)
		return r < 0 ? r : STAGE_DONE;
	scope_clear(h->bus, unit);
	container_stage_wait(c);
	r = scope_wait_gone(h->bus, unit, container_stage_done_scope, c, &c->p->call);
	return r < 0 ? error_set(err, r, "cannot ask systemd for %s: %s", unit, strerror(-r)) : STAGE_ASYNC;
}

static bool is_registered(const struct container *c, const struct container_host *h)
{
	return h->bus && c->running->registration != REGISTER_NO;
}

/* machined forgets a machine a moment after it ended: "already exists" otherwise. */
static int stage_machine_gone(struct container *c, struct error *err)
{
	struct container_host *h;
	int r = container_host_get(c->manager, &h, err);

	if (r == 0 && !h->bus && c->running->registration == REGISTER_YES)
		return error_set(err, -EOPNOTSUPP,
				 "Register=yes: there is no machined, as systemd does not run here; use "
				 "Register=auto");
	if (r < 0 || !is_registered(c, h))
		return r < 0 ? r : STAGE_DONE;
	container_stage_wait(c);
	r = scope_wait_machine_gone(h->bus, c->name, container_stage_done_scope, c, &c->p->call);
	return r < 0 ? error_set(err, r, "cannot ask machined for %s: %s", c->name, strerror(-r))
		     : STAGE_ASYNC;
}

/* --- root and process --------------------------------------------------------------------------- */

static int stage_root(struct container *c, struct error *err)
{
	if (c->p->job) /* of the run before, which was called off */
		return STAGE_LATER;
	container_stage_wait(c);
	return container_job_submit(c, true, err) < 0 ? err->code : STAGE_ASYNC;
}

/* It may have been replaced since, by an upgrade. */
static int stage_nspawn(struct container *c, struct error *err)
{
	const struct nspawn_features *f;
	int r = nspawn_kept(&f, err);

	if (r == -EAGAIN)
		return manager_ask_nspawn(c->manager) == 0 ? STAGE_LATER : r;
	return r < 0 ? r : STAGE_DONE;
}

static int stage_spawn(struct container *c, struct error *err)
{
	int r = container_spawn(c, err);

	return r < 0 ? r : STAGE_DONE;
}

static void warn_of_limits(const struct container *c, const char *missing)
{
	if (missing[0])
		container_log(c, LOG_WARNING,
			      "limits are not in force: this machine's cgroups have no controller for %s",
			      missing);
}

static struct cgroup_limits limits_of(const struct container_settings *s)
{
	return (struct cgroup_limits){
		.memory_max = s->memory_max, .tasks_max = s->tasks_max, .cpu_quota = s->cpu_quota};
}

static int restrict_devices(struct container *c, const char *cgroup, struct error *err)
{
	int r = cgroup_devices(cgroup, c->running->device_policy, c->running->device_allow, err);

	if (r > 0) /* systemd passes over devices that are not there as well */
		container_log(c, LOG_WARNING, "%s", err->text);
	return r < 0 ? r : 0;
}

/* Ours, made before the process that is born in it. */
static int stage_own_cgroup(struct container *c, struct error *err)
{
	const struct container_settings *s = c->running;
	struct cgroup_limits limits = limits_of(s);
	struct container_host *h;
	char missing[64] = "";
	int r = container_host_get(c->manager, &h, err);

	if (r < 0 || h->bus)
		return r < 0 ? r : STAGE_DONE;
	r = cgroup_make(c->cgroup, &limits, missing, sizeof(missing), err);
	if (r == 0 && !s->image)
		r = restrict_devices(c, c->cgroup, err);
	if (r < 0)
		return r;
	warn_of_limits(c, missing);
	return STAGE_DONE;
}

static void scope_started(int r, const char *cgroup, const struct error *err, void *data)
{
	struct container *c = data;

	c->p->call = NULL;
	if (r == 0) {
		free(c->cgroup);
		c->cgroup = strdup(cgroup);
		if (!c->cgroup)
			r = -ENOMEM;
	}
	container_stage_done(c, r, err);
}

/* systemd makes one, and moves the process that waits. */
static int stage_scope(struct container *c, struct error *err)
{
	const struct container_settings *s = c->running;
	struct scope_spec spec = {.description = s->description,
				  .slice = s->slice,
				  .pid = process_pid(c->p->process),
				  .limits = limits_of(s),
				  .device_policy = s->image ? NULL : s->device_policy,
				  .device_allow = s->image ? NULL : s->device_allow,
				  .timeout_stop = s->timeout_stop,
				  .watched = nspawn_is_init(s)};
	_cleanup_free_ char *unit = NULL;
	struct container_host *h;
	int r = host_of_scope(c, &h, &unit, err);

	if (r <= 0)
		return r < 0 ? r : STAGE_DONE;
	spec.name = unit;
	/* Its stop is ours then: systemd kills only when we did not. */
	if (spec.watched && s->timeout_stop < UINT64_MAX - 2 * SUPERVISE_KILL_DELAY)
		spec.timeout_stop += 2 * SUPERVISE_KILL_DELAY;
	container_stage_wait(c);
	r = scope_start(h->bus, &spec, scope_started, c, &c->p->call);
	return r < 0 ? error_set(err, r, "cannot ask systemd for %s: %s", unit, strerror(-r)) : STAGE_ASYNC;
}

/* Of nspawn too, unless it has an image to open, by devices that are nothing for the payload: loop devices
 * and their partitions, whose major number disks have as well. Then of the cgroup that nspawn is going to put
 * the payload into (tried with 252). */
static int stage_payload_devices(struct container *c, struct error *err)
{
	_cleanup_free_ char *payload = NULL;
	int r;

	if (!c->running->image)
		return STAGE_DONE;
	if (asprintf(&payload, "%s/" CGROUP_PAYLOAD, c->cgroup) < 0) {
		payload = NULL;
		return error_set(err, -ENOMEM, "cannot restrict its devices: out of memory");
	}
	if (mkdir(payload, 0755) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make the cgroup %s: %m", payload);
	r = restrict_devices(c, payload, err);
	return r < 0 ? r : STAGE_DONE;
}

const struct stage container_prepare_stages[] = {
	{NULL, stage_settings},
	{NULL, stage_condition},
	/* Before a slot: whoever waits for the machine to come up holds up nobody. */
	{NULL, stage_bus},
	{NULL, stage_network},
	{"those it comes after", container_stage_order},
	{"others that start", container_stage_slot},
	{"its namespace", container_stage_netns},
	{NULL, container_stage_pin},
	{NULL, stage_old_cgroup},
	{NULL, container_stage_empty},
	{NULL, stage_old_removed},
	{NULL, container_stage_unit_gone},
	{NULL, stage_machine_gone},
	{"the end of the run before", stage_root},
	{"what systemd-nspawn says of itself", stage_nspawn},
	{NULL, stage_own_cgroup},
	{NULL, stage_spawn},
	{NULL, stage_scope},
	{NULL, stage_payload_devices},
	{NULL, NULL},
};
