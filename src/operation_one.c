/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on one namespace: up, down, add, delete. */
#include "manager_internal.h"

#include "container.h"
#include "log.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- up, down, add, delete --------------------------------------------------------------------- */

static void run_one(struct operation *op, struct unit *u, bool wanted)
{
	int r = round_new(op->manager, op->manager->desired, NULL, &op->result, &op->round);

	u->wanted = wanted;
	if (r == 0)
		r = operation_add_unit(op, u, wanted);
	/* Links that others place here have to be there before routes that go through them. */
	if (r == 0 && wanted)
		r = operation_add_dependents(op, u->name);
	operation_start_round(op, r);
}

bool is_foreign_name(const char *name)
{
	enum netns_name_state state;

	return netns_name_is_valid(name) && netns_probe(name, &state, NULL, NULL) == 0 &&
	       (state == NETNS_NAME_NAMESPACE || state == NETNS_NAME_FOREIGN);
}

static void fail_unknown(struct operation *op)
{
	if (is_foreign_name(op->name))
		operation_fail(op, FAILURE_NOT_OURS, -EPERM,
			       "the namespace is not netnsd's; a file with Adopt=yes takes it over");
	else
		operation_fail(op, FAILURE_NO_SUCH_NAMESPACE, -ENOENT, "no such namespace");
}

/* One more object is known. */
static int load_one(struct operation *op)
{
	struct diags *diags = &op->result.diags;
	char object[256];
	const struct netns *n;
	struct desired *d;
	int r = manager_load_one(op->manager, op->name, diags, &d);

	if (r < 0)
		return r;
	(void)snprintf(object, sizeof(object), "%s.netns", op->name);
	n = desired_find(d, op->name);
	if (!n)
		diags_add(diags, DIAG_ERROR, object, NULL, 0, NULL, NULL,
			  "its file is masked (a link to /dev/null)");
	else if (op->type == OPERATION_ADD && !n->transient)
		diags_add(diags, DIAG_ERROR, object, n->origin.file, 0, NULL, NULL,
			  "declares it already, and has not been applied yet; use netnsctl apply");
	else {
		manager_swap(op->manager, d);
		return 0;
	}
	desired_unref(d);
	return -EBADMSG;
}

/* A file in /run/netnsd/transient, and the object of it. */
static int make_transient(struct operation *op, struct error *err)
{
	int r = transient_write(op->name, op->settings, err);

	if (r == 0)
		r = load_one(op);
	if (r < 0)
		(void)transient_remove(op->name, NULL);
	return r;
}

static void fail_making(struct operation *op, int r, const struct error *err)
{
	if (r == -EINVAL || r == -EBADMSG)
		operation_fail(op, FAILURE_BAD_CONFIGURATION, r,
			       err->code ? err->text : "a setting is wrong");
	else
		operation_fail(op, FAILURE_APPLY, r, err->code ? err->text : strerror(-r));
}

void operation_run_up(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};
	int r = 0;

	if ((!u || !u->netns) && netns_name_is_valid(op->name) && transient_has_template(op->name)) {
		if (manager_checkpoint_refuses(m, false, &err)) {
			operation_fail(op, FAILURE_BAD_STATE, err.code, err.text);
			return;
		}
		r = make_transient(op, &err);
		u = manager_find_unit(m, op->name);
	}
	if (r < 0)
		fail_making(op, r, &err);
	else if (!u || !u->netns)
		fail_unknown(op);
	else
		run_one(op, u, true);
}

void operation_run_add(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};
	int r;

	if (manager_checkpoint_refuses(m, false, &err)) {
		operation_fail(op, FAILURE_BAD_STATE, err.code, err.text);
		return;
	}
	if (u && (u->netns || u->fd >= 0)) {
		operation_fail(op, FAILURE_EXISTS, -EEXIST,
			       "a namespace of this name is declared or present already");
		return;
	}
	if (is_foreign_name(op->name)) {
		operation_fail(op, FAILURE_EXISTS, -EEXIST,
			       "the name is in use in /run/netns by somebody else; choose another one");
		return;
	}
	r = make_transient(op, &err);
	u = r == 0 ? manager_find_unit(m, op->name) : NULL;
	if (u)
		run_one(op, u, true);
	else
		fail_making(op, r ? r : -ENOMEM, &err);
}

/* The file goes, and with it the object from the tree. */
static int forget_transient(struct operation *op, struct error *err)
{
	struct diags ignored = {0};
	struct desired *d;
	int r = transient_remove(op->name, err);

	if (r == 0)
		r = manager_load_one(op->manager, op->name, &ignored, &d);
	diags_free(&ignored);
	if (r == 0)
		manager_swap(op->manager, d);
	return r;
}

/* A pair of its file ends there; that of a file there may end in it, which goes with that one. */
static bool places_end_in(const struct netns *n, const char *name)
{
	const struct link *l;

	DL_FOREACH (n->links, l)
		if (l->peer && !l->is_peer && str_equal(l->peer->netns->name, name))
			return true;
	return false;
}

/* Files that would have an error without it. */
static bool is_needed(const struct manager *m, const char *name, struct error *err)
{
	const struct container_settings *c, *ctmp;
	const struct netns *n, *ntmp;

	HASH_ITER (hh, m->desired->namespaces, n, ntmp)
		if (!str_equal(n->name, name) && places_end_in(n, name)) {
			error_set(err, -EBUSY,
				  "%s has an end of a pair in it; netnsctl down takes it down all the same",
				  n->origin.file);
			return true;
		}
	HASH_ITER (hh, m->desired->containers, c, ctmp)
		if (str_equal(c->netns, name)) {
			error_set(err, -EBUSY,
				  "the container of %s lives in it; netnsctl down takes both down",
				  c->origin.file);
			return true;
		}
	return false;
}

/* Others were looked at along with it: what they failed of is theirs, and their states tell. */
static bool failed_itself(const struct operation *op)
{
	for (size_t i = 0; i < op->result.n_failed; i++)
		if (str_equal(op->result.failed[i].netns, op->name))
			return true;
	return op->result.n_failed == 0;
}

void operation_end_add(struct operation *op)
{
	struct error err = {0};
	int r;

	if (!failed_itself(op)) {
		op->result.failure = FAILURE_NONE;
		return;
	}
	r = forget_transient(op, &err);

	if (r < 0)
		log_write(LOG_WARNING, op->name, "could not be forgotten: %s",
			  err.code ? err.text : strerror(-r));
}

static bool forgets(const struct operation *op, const struct unit *u)
{
	return op->type == OPERATION_DELETE && u->netns && u->netns->transient;
}

static bool forget_is_refused(const struct operation *op, const struct unit *u, struct error *err)
{
	return forgets(op, u) &&
	       (manager_checkpoint_refuses(op->manager, false, err) || is_needed(op->manager, op->name, err));
}

/* The containers in it have ended; the unit is looked up anew, for that took its time, and others may need it
 * by now. */
static void run_down(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};
	int r;

	if (!u) {
		fail_unknown(op);
		return;
	}
	if (forget_is_refused(op, u, &err)) {
		operation_fail(op, FAILURE_BAD_STATE, err.code, err.text);
		return;
	}
	if (forgets(op, u)) {
		u->busy = op; /* the swap leaves it alone */
		r = forget_transient(op, &err);
		if (r < 0) {
			u->busy = NULL;
			operation_fail(op, FAILURE_APPLY, r, err.code ? err.text : strerror(-r));
			return;
		}
	}
	run_one(op, u, false);
}

static void down_is_empty(void *data)
{
	run_down(data);
}

void operation_run_down(struct operation *op)
{
	struct manager *m = op->manager;
	struct unit *u = manager_find_unit(m, op->name);
	struct error err = {0};
	int r;

	if (!u || (u->netns && u->netns->implicit)) {
		fail_unknown(op);
		return;
	}
	if (u->netns && u->netns->host) {
		operation_fail(op, FAILURE_BAD_STATE, -EBUSY,
			       "this is the daemon's own namespace, which is never taken down");
		return;
	}
	if (forget_is_refused(op, u, &err)) {
		operation_fail(op, FAILURE_BAD_STATE, err.code, err.text);
		return;
	}
	r = containers_stop_in(m, op->name, down_is_empty, op);
	if (r < 0)
		operation_fail(op, FAILURE_APPLY, r, strerror(-r));
	else if (r == 0)
		run_down(op);
}

static void run_down_all(void *data)
{
	struct operation *op = data;
	struct manager *m = op->manager;
	struct unit *u, *tmp;
	int r = round_new(m, m->desired, NULL, &op->result, &op->round);

	HASH_ITER (hh, m->units, u, tmp) {
		if (u->netns && u->netns->host)
			continue;
		u->wanted = false;
		if (r == 0)
			r = operation_add_unit(op, u, false);
	}
	operation_start_round(op, r);
}

void operation_run_down_all(struct operation *op)
{
	int r = containers_stop_in(op->manager, NULL, run_down_all, op);

	if (r < 0)
		operation_fail(op, FAILURE_APPLY, r, strerror(-r));
	else if (r == 0)
		run_down_all(op);
}
