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

/* systemd is PID 1 (sd_booted()) and there is a system bus. */
bool scope_available(void);

struct scope_bus; /* the connection; made anew by itself when it breaks */
int scope_bus_new(struct ev_loop *loop, struct scope_bus **ret);
void scope_bus_free(struct scope_bus *b);

struct scope_spec {
	const char *name; /* "netnsd-NAME.scope", escaped */
	const char *description;
	const char *slice; /* NULL: machine.slice */
	pid_t pid;	   /* moves into it */
	struct cgroup_limits limits;
	const char *device_policy; /* NULL: systemd's default */
	char *const *device_allow;
	uint64_t timeout_stop; /* TimeoutStopUSec */
};
/* Done when systemd's job is: r 0 and the cgroup's path (full, below the v2 mount; borrowed), or -errno with
 * err. -EEXIST: a unit of that name is still there. Called exactly once, never from scope_start() itself,
 * unless scope_cancel() came first. The scope has Delegate=yes, CollectMode=inactive-or-failed,
 * KillMode=mixed is not used: control-group lets `systemctl stop` end it cleanly. */
struct scope_call;
typedef void scope_done_fn(int r, const char *cgroup, const struct error *err, void *data);
int scope_start(struct scope_bus *b, const struct scope_spec *spec, scope_done_fn *done, void *data,
		struct scope_call **ret);
void scope_cancel(struct scope_call *c); /* NULL is fine */
/* Fire and forget: a unit that is there and failed or empty is stopped and reset. */
void scope_clear(struct scope_bus *b, const char *name);
/* The unit has gone (or was never there): calls done(0). For a restart: systemd and machined lag behind. */
int scope_wait_gone(struct scope_bus *b, const char *name, scope_done_fn *done, void *data,
		    struct scope_call **ret);
/* unit_name_escape() of a container's name: "netnsd-NAME.scope". */
int scope_unit_name(const char *container, char **ret);
/* machined still knows a machine of this name: calls done(0) when it does not any more; -ETIMEDOUT after 10 s
 * (then it was told to terminate it once). */
int scope_wait_machine_gone(struct scope_bus *b, const char *machine, scope_done_fn *done, void *data,
			    struct scope_call **ret);
/* Calls done(0) once the unit is active, e.g. "network.target". */
int scope_wait_active(struct scope_bus *b, const char *unit, scope_done_fn *done, void *data,
		      struct scope_call **ret);

#endif
