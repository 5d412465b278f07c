/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What containers need of the machine: systemd's scopes where it is PID 1, else cgroups of our own. Looked
 * for when the first container starts, so that a daemon without containers leaves both alone. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"
#include "nspawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int container_host_get(struct manager *m, struct container_host **ret, struct error *err)
{
	struct container_host *h = m->p->container_host;
	int r;

	if (h) {
		*ret = h;
		return 0;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return error_set(err, -ENOMEM, "out of memory");
	r = cgroup_find_layout(&h->cgroups, err);
	if (r == 0 && scope_available()) {
		r = scope_bus_new(m->loop, &h->bus);
		if (r < 0)
			error_set(err, r, "cannot reach systemd by D-Bus: %s", strerror(-r));
	} else if (r == 0) {
		r = cgroup_prepare(&h->cgroups, err);
	}
	if (r < 0) {
		free(h);
		return r;
	}
	m->p->container_host = *ret = h;
	return 0;
}

static struct container *find_by_unit(struct manager *m, const char *unit)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		_cleanup_free_ char *name = NULL;

		if (scope_unit_name(c->name, &name) == 0 && str_equal(name, unit))
			return c;
	}
	return NULL;
}

/* systemctl stop of its scope, machinectl terminate: as if we were asked. Those whose payload is no init have
 * got SIGTERM from systemd already; a second one to nspawn would kill it. */
static void scope_is_stopped(const char *unit, void *data)
{
	struct container *c = find_by_unit(data, unit);
	const struct container_settings *s = c ? container_current(c) : NULL;

	if (!s || c->s.stop_asked || (c->s.state != CONTAINER_START && c->s.state != CONTAINER_RUNNING))
		return;
	container_log(c, LOG_INFO, "systemd stops its scope %s", unit);
	c->wanted = c->p->resume = c->p->again = false;
	if (nspawn_is_init(s))
		container_stop_ordered(c, false);
	else
		c->s.stop_asked = true;
}

void container_host_watch(struct manager *m)
{
	struct container_host *h;
	struct error err;

	if (container_host_get(m, &h, &err) == 0 && h->bus)
		scope_watch(h->bus, scope_is_stopped, m);
}

void container_host_free(struct manager *m)
{
	struct container_host *h = m->p->container_host;

	if (!h)
		return;
	scope_bus_free(h->bus);
	free(h);
	m->p->container_host = NULL;
}

/* systemd makes "a.slice/a-b.slice" of the slice "a-b.slice". */
static int slice_path(const char *slice, struct strbuf *path)
{
	for (const char *dash = strchr(slice, '-'); dash; dash = strchr(dash + 1, '-'))
		strbuf_printf(path, "/%.*s.slice", (int)(dash - slice), slice);
	strbuf_printf(path, "/%s", slice);
	return path->failed ? -ENOMEM : 0;
}

static int path_of(const struct cgroup_layout *layout, bool scope, const struct container_settings *s,
		   char **ret)
{
	_cleanup_(strbuf_free) struct strbuf path = {0};
	_cleanup_free_ char *unit = NULL;
	int r;

	if (!scope)
		return cgroup_path(layout, s->name, ret);
	r = scope_unit_name(s->name, &unit);
	if (r < 0)
		return r;
	strbuf_puts(&path, layout->mount);
	r = slice_path(s->slice ? s->slice : "machine.slice", &path);
	strbuf_printf(&path, "/%s", unit);
	if (r < 0 || path.failed)
		return -ENOMEM;
	*ret = steal_pointer(path.data);
	return 0;
}

int container_host_cgroup(const struct container_host *h, const struct container_settings *s, char **ret)
{
	return path_of(&h->cgroups, h->bus != NULL, s, ret);
}

int container_host_look(const struct container_settings *s, char **ret)
{
	struct cgroup_layout layout;
	int r = cgroup_find_layout(&layout, NULL);

	return r < 0 ? r : path_of(&layout, scope_available(), s, ret);
}
