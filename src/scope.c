/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is asked of systemd and machined. Each call asks, and as long as the answer is not final it asks
 * again: when a signal says that something happened, after a while, or on a new connection. Handlers of
 * sd-bus only note the result; done() is called from a timer, so that it may do whatever it likes.
 */
#include "scope_internal.h"

#include "str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX   1024
#define RETRY_DELAY 0.5 /* s, for a new connection */

static const struct {
	double deadline, poll; /* s; 0: none. Signals tell sooner; polling heals those that were lost */
	const char *noun, *what;
} kinds[] = {
	[SCOPE_START] = {20., 0., "scope", "was not started"},
	[SCOPE_CLEAR] = {20., 0., "unit", "was not cleared"},
	[SCOPE_GONE] = {30., 1., "unit", "is still there"},
	[SCOPE_MACHINE] = {10., 1., "machine", "is still registered"},
	[SCOPE_ACTIVE] = {0., 5., "unit", "is not active"},
};

/* --- a call --------------------------------------------------------------------------------- */

static void call_look(struct scope_call *c, double after)
{
	ev_timer_stop(c->bus->loop, &c->look);
	ev_timer_set(&c->look, after, 0.);
	ev_timer_start(c->bus->loop, &c->look);
}

int scope_finish(struct scope_call *c, int r)
{
	if (c->finished)
		return 0;
	c->finished = true;
	c->result = r;
	ev_timer_stop(c->bus->loop, &c->deadline);
	call_look(c, 0.);
	return 0;
}

static void call_free(struct scope_call *c)
{
	ev_timer_stop(c->bus->loop, &c->deadline);
	ev_timer_stop(c->bus->loop, &c->look);
	sd_bus_slot_unref(c->request);
	free(c->name);
	free(c->path);
	free(c->unit);
	free(c->cgroup);
	scope_clear_spec(c);
	free(c);
}

void scope_cancel(struct scope_call *c)
{
	struct scope_bus *b;

	if (!c || c->told) /* from its own done(): it is freed after that */
		return;
	b = c->bus;
	DL_DELETE(b->calls, c);
	call_free(c);
	scope_bus_touch(b);
}

static void call_tell(struct scope_call *c)
{
	struct scope_bus *b = c->bus;

	DL_DELETE(b->calls, c); /* done() may cancel all the others, and ask anew */
	c->told = true;
	if (c->done)
		c->done(c->result, c->cgroup, &c->err, c->data);
	call_free(c);
	scope_bus_touch(b);
}

/* The slot of the request is let go of, which its handler may do. While the connection breaks there are
 * errors that are no answers: then scope_calls_lost() comes. */
bool scope_answered(struct scope_call *c, sd_bus_message *m)
{
	if (sd_bus_is_open(sd_bus_message_get_bus(m)) <= 0)
		return false;
	c->request = sd_bus_slot_unref(c->request);
	return true;
}

bool scope_no_answer(sd_bus_message *m)
{
	return sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) ||
	       sd_bus_message_is_method_error(m, SD_BUS_ERROR_TIMEOUT);
}

/* Not the last word: again soon if something happened meanwhile, else after a while. */
int scope_look_later(struct scope_call *c)
{
	call_look(c, c->again ? 0. : kinds[c->kind].poll);
	c->again = false;
	return 0;
}

int scope_get_property(struct scope_call *c, const char *destination, const char *path, const char *interface,
		       const char *property, sd_bus_message_handler_t handler)
{
	sd_bus *bus;
	int r = scope_bus_get(c->bus, &bus);

	if (r < 0)
		return r;
	return sd_bus_call_method_async(bus, &c->request, destination, path,
					"org.freedesktop.DBus.Properties", "Get", handler, c, "ss", interface,
					property);
}

/* --- all of them ---------------------------------------------------------------------------- */

static int call_send(struct scope_call *c, sd_bus *bus)
{
	switch (c->kind) {
	case SCOPE_START: return scope_send_start(c, bus);
	case SCOPE_CLEAR:
	case SCOPE_GONE: return scope_send_unit(c, bus);
	case SCOPE_MACHINE: return scope_send_machine(c, bus);
	case SCOPE_ACTIVE: return scope_send_active(c, bus);
	}
	return -EINVAL;
}

static bool is_transient(int r)
{
	static const int errors[] = {ECONNRESET, ENOTCONN, ECONNREFUSED, ENOENT,
				     EAGAIN,	 EPIPE,	   ESHUTDOWN,	 ENOBUFS};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (r == -errors[i])
			return true;
	return false;
}

static void call_ask(struct scope_call *c)
{
	sd_bus *bus;
	int r;

	if (c->request) {
		c->again = true;
		return;
	}
	if (c->sent) /* a start: the answer was there, the signal is not */
		return;
	r = scope_bus_get(c->bus, &bus);
	if (r >= 0)
		r = call_send(c, bus);
	if (r >= 0) {
		c->sent = c->kind == SCOPE_START;
		scope_bus_touch(c->bus);
	} else if (is_transient(r)) {
		(void)error_set(&c->err, r, "the system bus cannot be reached: %s", strerror(-r));
		call_look(c, RETRY_DELAY);
	} else {
		(void)scope_finish(
			c, error_set(&c->err, r, "cannot ask systemd about %s: %s", c->name, strerror(-r)));
	}
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scope_call *c = w->data;

	(void)loop;
	(void)events;
	if (c->finished)
		call_tell(c);
	else
		call_ask(c);
}

/* With the reason known last: the bus that could not be reached, the unit of the machine. */
static int call_timed_out(struct scope_call *c)
{
	char why[300] = "";

	if (c->unit && *c->unit)
		(void)str_format(why, sizeof(why), "; machined has it in the unit %s", c->unit);
	else if (c->err.code < 0)
		(void)str_format(why, sizeof(why), ": %s", c->err.text);
	return error_set(&c->err, -ETIMEDOUT, "the %s %s %s after %.0f s%s", kinds[c->kind].noun, c->name,
			 kinds[c->kind].what, kinds[c->kind].deadline, why);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scope_call *c = w->data;

	(void)loop;
	(void)events;
	/* Only the signal may be missing. */
	if (c->kind == SCOPE_START && c->sent && scope_find_cgroup(c) == 0)
		(void)scope_finish(c, 0);
	else
		(void)scope_finish(c, call_timed_out(c));
}

void scope_calls_lost(struct scope_bus *b, int r)
{
	struct scope_call *c;

	DL_FOREACH (b->calls, c) {
		c->request = sd_bus_slot_unref(c->request);
		if (c->finished)
			continue;
		if (c->sent && b->ready) {
			(void)scope_finish(c,
					   error_set(&c->err, -ECONNRESET,
						     "the connection to the system bus broke while the scope "
						     "%s was being started: %s",
						     c->name, strerror(-r)));
			continue;
		}
		c->sent = false;
		(void)error_set(&c->err, r, "the system bus cannot be reached: %s", strerror(-r));
		call_look(c, RETRY_DELAY);
	}
}

int scope_on_job_removed(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	const char *job, *unit, *result;
	struct scope_bus *b = data;
	struct scope_call *c;
	uint32_t id;

	(void)unused;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	DL_FOREACH (b->calls, c) {
		if (c->finished || !str_equal(c->name, unit))
			continue;
		if (c->kind == SCOPE_START)
			(void)scope_job_removed(c, job, result);
		else if (c->kind == SCOPE_ACTIVE)
			call_ask(c);
	}
	return 0;
}

int scope_on_removed(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_bus *b = data;
	struct scope_call *c;
	const char *name;
	enum scope_kind kind;

	(void)unused;
	if (sd_bus_message_read(m, "s", &name) < 0)
		return 0;
	kind = str_equal(sd_bus_message_get_member(m), "MachineRemoved") ? SCOPE_MACHINE : SCOPE_GONE;
	DL_FOREACH (b->calls, c)
		if (!c->finished && c->kind == kind && str_equal(c->name, name))
			call_ask(c);
	return 0;
}

static int call_new(struct scope_bus *b, enum scope_kind kind, const char *name, scope_done_fn *done,
		    void *data, struct scope_call **ret)
{
	struct scope_call *c;
	int count;

	DL_COUNT(b->calls, c, count);
	if (count >= CALLS_MAX)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct scope_call){.bus = b, .kind = kind, .done = done, .data = data, .name = strdup(name)};
	ev_init(&c->deadline, on_deadline);
	ev_init(&c->look, on_look);
	c->deadline.data = c->look.data = c;
	if (!c->name) {
		call_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

/* Asked from the loop: so what cannot be asked is told from there as well. */
static void call_begin(struct scope_call *c)
{
	struct ev_loop *loop = c->bus->loop;

	ev_now_update(loop);
	c->since = ev_now(loop);
	if (kinds[c->kind].deadline > 0) {
		ev_timer_set(&c->deadline, kinds[c->kind].deadline, 0.);
		ev_timer_start(loop, &c->deadline);
	}
	DL_APPEND(c->bus->calls, c);
	call_look(c, 0.);
	scope_bus_touch(c->bus);
}

static int call_simple(struct scope_bus *b, enum scope_kind kind, const char *name, scope_done_fn *done,
		       void *data, struct scope_call **ret)
{
	struct scope_call *c = NULL;
	int r = call_new(b, kind, name, done, data, &c);

	if (r < 0)
		return r;
	call_begin(c);
	if (ret)
		*ret = c;
	return 0;
}

int scope_start(struct scope_bus *b, const struct scope_spec *spec, scope_done_fn *done, void *data,
		struct scope_call **ret)
{
	struct scope_call *c = NULL;
	int r = call_new(b, SCOPE_START, spec->name, done, data, &c);

	if (r < 0)
		return r;
	r = scope_copy_spec(c, spec);
	if (r < 0) {
		call_free(c);
		return r;
	}
	call_begin(c);
	*ret = c;
	return 0;
}

void scope_clear(struct scope_bus *b, const char *name)
{
	(void)call_simple(b, SCOPE_CLEAR, name, NULL, NULL, NULL);
}

int scope_wait_gone(struct scope_bus *b, const char *name, scope_done_fn *done, void *data,
		    struct scope_call **ret)
{
	return call_simple(b, SCOPE_GONE, name, done, data, ret);
}

int scope_wait_machine_gone(struct scope_bus *b, const char *machine, scope_done_fn *done, void *data,
			    struct scope_call **ret)
{
	return call_simple(b, SCOPE_MACHINE, machine, done, data, ret);
}

int scope_wait_active(struct scope_bus *b, const char *unit, scope_done_fn *done, void *data,
		      struct scope_call **ret)
{
	return call_simple(b, SCOPE_ACTIVE, unit, done, data, ret);
}
