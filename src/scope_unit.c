/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is asked about units: has it gone, is it active; and clearing one that an earlier run left.
 */
#include "cleanup.h"
#include "scope_internal.h"
#include "str.h"

#include <errno.h>
#include <inttypes.h>

static int on_gone_unit(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
		return scope_finish(c, 0);
	return scope_look_later(c);
}

static void send_clear(struct scope_call *c)
{
	sd_bus *bus;

	if (scope_bus_get(c->bus, &bus) < 0)
		return;
	(void)sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit",
				       NULL, NULL, "ss", c->name, "replace");
	(void)sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
				       "ResetFailedUnit", NULL, NULL, "s", c->name);
}

/* In "" there is nothing. */
static bool unit_is_empty(const char *cgroup)
{
	_cleanup_free_ char *path = NULL;
	struct cgroup_layout layout;

	if (!*cgroup)
		return true;
	if (cgroup_find_layout(&layout, NULL) < 0)
		return false;
	if (asprintf(&path, "%s%s", layout.mount, cgroup) < 0) {
		path = NULL;
		return false;
	}
	return cgroup_is_empty(path);
}

static int on_clear_cgroup(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;
	const char *cgroup;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "v", "s", &cgroup) >= 0 &&
	    unit_is_empty(cgroup))
		send_clear(c);
	return scope_finish(c, 0);
}

static int on_clear_unit(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;
	const char *path;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "o", &path) < 0 ||
	    scope_get_property(c, SYSTEMD_NAME, path, "org.freedesktop.systemd1.Scope", "ControlGroup",
			       on_clear_cgroup) < 0)
		return scope_finish(c, 0);
	return 0;
}

int scope_send_unit(struct scope_call *c, sd_bus *bus)
{
	return sd_bus_call_method_async(bus, &c->request, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
					"GetUnit", c->kind == SCOPE_CLEAR ? on_clear_unit : on_gone_unit, c,
					"s", c->name);
}

/* Of a start that is waited for, as After= does; "verify-active" and the like are none. */
static bool job_starts(uint32_t job, const char *type)
{
	return job != 0 && (str_equal(type, "start") || str_equal(type, "restart"));
}

static int active_judge(struct scope_call *c, const char *load, const char *active, bool starts)
{
	if (str_equal(load, "not-found") || str_equal(load, "masked"))
		return scope_finish(
			c, error_set(&c->err, -ENOENT, "there is no unit %s to wait for: %s", c->name, load));
	if (str_equal(active, "active") || str_equal(active, "reloading"))
		return scope_finish(c, 0);
	if (!starts && !str_equal(active, "activating"))
		return scope_finish(c, 0);
	return scope_look_later(c);
}

static int on_units(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	const char *name, *description, *load, *active, *sub, *follows, *path, *type, *job_path;
	struct scope_call *c = data;
	uint32_t job;
	int r;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (scope_no_answer(m))
		return scope_look_later(c);
	if (sd_bus_message_is_method_error(m, NULL)) {
		const sd_bus_error *e = sd_bus_message_get_error(m);

		return scope_finish(c, error_set(&c->err, -sd_bus_error_get_errno(e),
						 "systemd does not say whether %s is active: %s", c->name,
						 e->message ? e->message : e->name));
	}
	r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");
	if (r >= 0)
		r = sd_bus_message_read(m, "(ssssssouso)", &name, &description, &load, &active, &sub,
					&follows, &path, &job, &type, &job_path);
	if (r <= 0)
		return scope_finish(c,
				    error_set(&c->err, -ENOENT, "there is no unit %s to wait for", c->name));
	return active_judge(c, load, active, job_starts(job, type));
}

int scope_send_active(struct scope_call *c, sd_bus *bus)
{
	return sd_bus_call_method_async(bus, &c->request, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
					"ListUnitsByNames", on_units, c, "as", 1, c->name);
}
