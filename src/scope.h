/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transient scopes through systemd where it is PID 1: org.freedesktop.systemd1 over sd-bus, on our loop.
 * Layer 1. Loop thread only. */
#ifndef NETNSD_SCOPE_H
#define NETNSD_SCOPE_H

#include "cgroup.h"
#include "error.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

/* systemd is PID 1 (sd_booted()), and there is a system bus, or will be: early in a boot it is not there yet.
 */
bool scope_available(void);
bool scope_bus_is_there(void);

/* The connection: made when there is something to ask, without blocking, made anew when it breaks (then a
 * start that was under way fails with -ECONNRESET, what only waits goes on waiting), closed when idle. */
struct scope_bus;
int scope_bus_new(struct ev_loop *loop, struct scope_bus **ret);
void scope_bus_free(struct scope_bus *b); /* calls under way are cancelled; not from a done() */

struct scope_spec {
	const char *name; /* "netnsd-NAME.scope", escaped */
	const char *description;
	const char *slice; /* NULL: machine.slice */
	pid_t pid;	   /* moves into it */
	struct cgroup_limits limits;
	const char *device_policy; /* NULL: systemd's default */
	char *const *device_allow;
	uint64_t timeout_stop; /* TimeoutStopUSec */
	/* The payload is an init: SIGTERM to all of its processes at once is no stop for it (systemd 252 and
	 * 257, executing itself anew, wait for a bus that has just been killed until they are killed
	 * themselves). systemctl stop signals nothing then; scope_watch() tells, and whoever watches has to
	 * end it. */
	bool watched;
};
/* Done when systemd's job is: r 0 and the cgroup's path (full, below the v2 mount; borrowed), or -errno with
 * err. -EEXIST: a unit of that name is still there; -ETIMEDOUT after 20 s. The scope has Delegate=yes,
 * CollectMode=inactive-or-failed, KillMode=control-group: with mixed, `systemctl stop` kills at once.
 * What `spec` points to is not kept. */
struct scope_call;
/* Called exactly once, from the loop, never from the function that was asked, unless scope_cancel() came
 * first; the call is freed afterwards. May start and cancel others. cgroup: of scope_start() alone. */
typedef void scope_done_fn(int r, const char *cgroup, const struct error *err, void *data);
int scope_start(struct scope_bus *b, const struct scope_spec *spec, scope_done_fn *done, void *data,
		struct scope_call **ret);
void scope_cancel(struct scope_call *c); /* NULL is fine */
/* From now on stopping() is called whenever systemd begins to stop one of our scopes, perhaps more than once;
 * for those it is stopping now, too. It must not touch the bus. The connection is kept open. */
typedef void scope_stopping_fn(const char *unit, void *data);
void scope_watch(struct scope_bus *b, scope_stopping_fn *stopping, void *data);
/* Fire and forget: a unit that is there and failed or empty is stopped and reset; one with processes is left
 * alone. scope_wait_gone() tells when it has gone. */
void scope_clear(struct scope_bus *b, const char *name);
/* The unit has gone (or was never there): calls done(0); -ETIMEDOUT after 30 s. For a restart: systemd and
 * machined lag behind. */
int scope_wait_gone(struct scope_bus *b, const char *name, scope_done_fn *done, void *data,
		    struct scope_call **ret);
/* unit_name_escape() of a container's name: "netnsd-NAME.scope". */
int scope_unit_name(const char *container, char **ret);
/* machined still knows a machine of this name: calls done(0) when it does not any more, or cannot be asked
 * (not installed, masked); -ETIMEDOUT after 10 s, with err that names its unit. After 3 s it is told once to
 * terminate it, if its unit is one of ours: a stranger's machine is not touched. */
int scope_wait_machine_gone(struct scope_bus *b, const char *machine, scope_done_fn *done, void *data,
			    struct scope_call **ret);
/* Calls done(0) once the unit is active, e.g. "network.target", or when nothing is queued that would start
 * it: as After= has it, so that a machine without it does not wait for ever. -ENOENT: there is none such, or
 * it is masked. No time limit. */
int scope_wait_active(struct scope_bus *b, const char *unit, scope_done_fn *done, void *data,
		      struct scope_call **ret);

#endif
