/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers and the namespaces they live in: made before a start, made anew with ResetOnRestart=, taken down
 * with the last one with AutoDelete=. */
#include "container_internal.h"

#include "log.h"
#include "netns.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool unit_is_up(const struct unit *u)
{
	return u && u->wanted && (u->fd >= 0 || (u->netns && u->netns->host)) &&
	       (u->state == NETNS_CONFIGURED || u->state == NETNS_DEGRADED);
}

bool container_netns_is_up(const struct container *c)
{
	return c->settings && unit_is_up(manager_find_unit(c->manager, c->settings->netns));
}

static bool is_alone(const struct container *c)
{
	struct container *other, *tmp;

	HASH_ITER (hh, c->manager->containers, other, tmp)
		if (other != c && container_is_active(other) &&
		    str_equal(container_netns(other), container_netns(c)))
			return false;
	return true;
}

static void came_up(const struct operation_result *result, void *data)
{
	struct container *c = data;
	struct error err = result->error;

	c->p->operation = NULL;
	c->p->resetting = false;
	if (result->failure == FAILURE_NONE) {
		container_stage_done(c, 0, NULL);
		return;
	}
	if (!err.code && result->n_failed)
		err = result->failed[0].error;
	error_prefix(&err, err.code ? err.code : -EIO, "its namespace %s could not be made",
		     c->running->netns);
	container_stage_done(c, err.code, &err);
}

static int begin(struct container *c, enum operation_type type, operation_done_fn *done, struct error *err)
{
	struct operation_request request = {.type = type, .name = c->running->netns};
	struct operation *op = NULL;
	int r = manager_start_operation(c->manager, &request, done, NULL, c, &op);

	if (r < 0)
		return error_set(err, r, "its namespace %s cannot be made now: %s", c->running->netns,
				 strerror(-r));
	if (op) /* NULL: it is over, and done() may have begun another one */
		c->p->operation = op;
	return STAGE_ASYNC;
}

/* ResetOnRestart=: what the run before left in there goes with the namespace. */
static void went_down(const struct operation_result *result, void *data)
{
	struct container *c = data;
	struct error err = {0};

	c->p->operation = NULL;
	if (result->failure != FAILURE_NONE)
		container_log(c, LOG_WARNING, "its namespace could not be made anew: %s", result->error.text);
	if (begin(c, OPERATION_UP, came_up, &err) < 0)
		container_stage_done(c, err.code, &err);
}

static bool wants_reset(const struct container *c)
{
	if (!c->running->reset_on_restart || !c->p->ran)
		return false;
	if (is_alone(c))
		return true;
	container_log(c, LOG_WARNING, "ResetOnRestart=: others live in namespace %s, which stays as it is",
		      c->running->netns);
	return false;
}

/* Here and not from a name: this very namespace, whatever happens to its name until the exec. */
static int pin(struct container *c, const struct unit *u, struct error *err)
{
	if (c->p->netns_fd >= 0)
		(void)close(c->p->netns_fd);
	c->p->netns_fd = -1;
	if (u->netns->host)
		return STAGE_DONE;
	c->p->netns_fd = netns_dup(u->fd);
	return c->p->netns_fd < 0 ? error_set(err, c->p->netns_fd, "cannot hold on to namespace %s: %s",
					      u->name, strerror(-c->p->netns_fd))
				  : STAGE_DONE;
}

int container_stage_netns(struct container *c, struct error *err)
{
	struct unit *u = manager_find_unit(c->manager, c->running->netns);

	if (!u || !u->netns)
		return error_set(err, -ENOENT, "its namespace %s is not declared", c->running->netns);
	if (container_netns_is_going(c))
		return error_set(err, -EBUSY, "its namespace %s is being removed", c->running->netns);
	if (c->p->ran && wants_reset(c)) {
		c->p->ran = false;
		c->p->resetting = true;
		container_stage_wait(c);
		return begin(c, OPERATION_DOWN, went_down, err);
	}
	if (unit_is_up(u))
		return STAGE_DONE;
	container_stage_wait(c);
	return begin(c, OPERATION_UP, came_up, err);
}

int container_stage_pin(struct container *c, struct error *err)
{
	struct unit *u = manager_find_unit(c->manager, c->running->netns);

	if (!unit_is_up(u))
		return error_set(err, -ENOENT, "its namespace %s is not up%s%s", c->running->netns,
				 u && u->reason.code ? ": " : "", u ? u->reason.text : "");
	return pin(c, u, err);
}

/* --- AutoDelete= -------------------------------------------------------------------------------- */

static bool lives_in(struct manager *m, const char *netns)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if ((container_is_active(c) || c->p->again) && str_equal(container_netns(c), netns))
			return true;
	return false;
}

void containers_auto_delete(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		struct operation_request request = {.type = OPERATION_DOWN};
		struct unit *u;

		if (!c->p->ran || container_is_active(c) || !c->settings)
			continue;
		u = manager_find_unit(m, c->settings->netns);
		if (!u || !u->netns || !u->netns->autodelete || u->busy || u->fd < 0 || !u->wanted ||
		    lives_in(m, u->name))
			continue;
		log_write(LOG_INFO, u->name, "its last container has ended: AutoDelete=");
		request.name = u->name;
		(void)manager_start_operation(m, &request, NULL, NULL, NULL, NULL);
		return; /* containers and units may have changed; the next change looks again */
	}
}

void containers_netns_changed(struct manager *m)
{
	containers_settle_soon(m);
}
