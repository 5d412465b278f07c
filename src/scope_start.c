/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name and the properties of a scope, as StartTransientUnit() wants them, and what comes of it.
 */
#include "cleanup.h"
#include "scope_internal.h"
#include "str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_NAME_LENGTH 255
#define DEFAULT_SLICE	 "machine.slice"

/* systemd.unit(5), "String escaping": '-' would be '/'. */
int scope_unit_name(const char *container, char **ret)
{
	struct strbuf b = {0};
	char *name;

	if (!*container)
		return -EINVAL;
	strbuf_puts(&b, "netnsd-");
	for (const char *p = container; *p; p++) {
		if (*p == '/')
			strbuf_puts(&b, "-");
		else if ((isascii(*p) && isalnum(*p)) || strchr(":_", *p) || (*p == '.' && p != container))
			strbuf_append(&b, p, 1);
		else
			strbuf_printf(&b, "\\x%02x", (unsigned char)*p);
	}
	strbuf_puts(&b, ".scope");
	name = strbuf_finish(&b);
	if (!name)
		return -ENOMEM;
	if (strlen(name) > UNIT_NAME_LENGTH) {
		free(name);
		return -ENAMETOOLONG;
	}
	*ret = name;
	return 0;
}

static int copy_text(const char *text, const char **ret)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int scope_copy_spec(struct scope_call *c, const struct scope_spec *spec)
{
	char **allow = NULL;

	c->spec = *spec;
	c->spec.name = c->spec.description = c->spec.slice = c->spec.device_policy = NULL;
	c->spec.device_allow = NULL;
	if (copy_text(spec->description, &c->spec.description) < 0 ||
	    copy_text(spec->slice ? spec->slice : DEFAULT_SLICE, &c->spec.slice) < 0 ||
	    copy_text(spec->device_policy, &c->spec.device_policy) < 0 ||
	    strv_copy(spec->device_allow, &allow) < 0)
		return -ENOMEM;
	c->spec.device_allow = allow;
	return 0;
}

void scope_clear_spec(struct scope_call *c)
{
	free((char *)(uintptr_t)c->spec.description);
	free((char *)(uintptr_t)c->spec.slice);
	free((char *)(uintptr_t)c->spec.device_policy);
	strv_free((char **)(uintptr_t)c->spec.device_allow);
}

/* "/dev/net/tun rwm" to a path and letters; without letters all. */
static int append_device(sd_bus_message *m, const char *text)
{
	size_t length = strcspn(text, " \t");
	const char *letters = text + length + strspn(text + length, " \t");
	char *path = strndup(text, length);
	int r = path ? sd_bus_message_append(m, "(ss)", path, *letters ? letters : "rwm") : -ENOMEM;

	free(path);
	return r;
}

static int append_devices(sd_bus_message *m, char *const *allow)
{
	int r;

	if (strv_length(allow) == 0)
		return 0;
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "DeviceAllow");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a(ss)");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(ss)");
	for (size_t i = 0; r >= 0 && allow[i]; i++)
		r = append_device(m, allow[i]);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_text(sd_bus_message *m, const char *name, const char *value)
{
	return value ? sd_bus_message_append(m, "(sv)", name, "s", value) : 0;
}

static int append_number(sd_bus_message *m, const char *name, uint64_t value)
{
	return value ? sd_bus_message_append(m, "(sv)", name, "t", value) : 0;
}

static int append_properties(sd_bus_message *m, const struct scope_spec *s)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{"Description", s->description},       {"Slice", s->slice},
		{"CollectMode", "inactive-or-failed"}, /* else one that failed keeps the name */
		{"KillMode", "control-group"},	       /* with "mixed" a stop of the scope kills at once */
		{"DevicePolicy", s->device_policy},
	};
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"TimeoutStopUSec", s->timeout_stop},
		{"MemoryMax", s->limits.memory_max},
		{"TasksMax", s->limits.tasks_max},
		{"CPUQuotaPerSecUSec", s->limits.cpu_quota},
	};
	int r = sd_bus_message_append(m, "(sv)(sv)", "PIDs", "au", 1, (uint32_t)s->pid, "Delegate", "b", 1);

	if (r >= 0) /* it stops us first, in order, when the machine shuts down */
		r = sd_bus_message_append(m, "(sv)", "Before", "as", 1, "netnsd-shutdown.service");
	if (r >= 0 && s->watched)
		r = sd_bus_message_append(m, "(sv)", "KillSignal", "i", SIGCONT);
	for (size_t i = 0; r >= 0 && i < sizeof(texts) / sizeof(*texts); i++)
		r = append_text(m, texts[i].name, texts[i].value);
	for (size_t i = 0; r >= 0 && i < sizeof(numbers) / sizeof(*numbers); i++)
		r = append_number(m, numbers[i].name, numbers[i].value);
	return r < 0 ? r : append_devices(m, s->device_allow);
}

/* --- the answer -------------------------------------------------------------------------------- */

/* The kernel says where the process is: no further question is needed. */
int scope_find_cgroup(struct scope_call *c)
{
	_cleanup_free_ char *path = NULL;
	struct cgroup_layout layout;
	const char *last;
	int r = cgroup_of_pid(c->spec.pid, &path);

	if (r < 0)
		return error_set(&c->err, r, "the process %d for the scope %s has ended", (int)c->spec.pid,
				 c->name);
	last = strrchr(path, '/');
	if (!last || !str_equal(last + 1, c->name))
		return error_set(&c->err, -EIO, "the process %d is in %s and not in the scope %s",
				 (int)c->spec.pid, path, c->name);
	r = cgroup_find_layout(&layout, &c->err);
	if (r < 0)
		return r;
	if (asprintf(&c->cgroup, "%s%s", layout.mount, path) < 0) {
		c->cgroup = NULL;
		return error_set(&c->err, -ENOMEM, "the scope %s: out of memory", c->name);
	}
	return 0;
}

static int start_error(struct scope_call *c, const sd_bus_error *e)
{
	int r = -sd_bus_error_get_errno(e);

	if (sd_bus_error_has_name(e, "org.freedesktop.systemd1.UnitExists"))
		r = -EEXIST;
	return error_set(&c->err, r, "systemd does not start the scope %s: %s%s", c->name,
			 e->message ? e->message : e->name,
			 r == -EEXIST ? " (is it still running? netnsctl list, systemctl status)" : "");
}

static int on_started(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;
	const char *job;
	int r;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (sd_bus_message_is_method_error(m, NULL))
		return scope_finish(c, start_error(c, sd_bus_message_get_error(m)));
	r = sd_bus_message_read(m, "o", &job);
	if (r >= 0)
		r = str_replace(&c->path, job); /* then JobRemoved comes */
	if (r < 0)
		return scope_finish(c, error_set(&c->err, r,
						 "systemd's answer about the scope %s cannot be "
						 "read",
						 c->name));
	return 0;
}

int scope_job_removed(struct scope_call *c, const char *job, const char *result)
{
	if (!str_equal(c->path, job))
		return 0;
	if (str_equal(result, "done"))
		return scope_finish(c, scope_find_cgroup(c));
	return scope_finish(c, error_set(&c->err, -EIO,
					 "systemd did not start the scope %s: its job ended "
					 "with \"%s\" (systemctl status, journalctl)",
					 c->name, result));
}

int scope_send_start(struct scope_call *c, sd_bus *bus)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
					       "StartTransientUnit");

	if (r >= 0)
		r = sd_bus_message_append(m, "ss", c->name, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = append_properties(m, &c->spec);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r >= 0)
		r = sd_bus_call_async(bus, &c->request, m, on_started, c, 0);
	sd_bus_message_unref(m);
	return r;
}
