/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who stops one of our scopes: `systemctl stop`, machinectl, the machine when it shuts down. To processes of
 * an init systemd sends nothing that matters then (see scope_start.c): whoever watches ends them. Jobs are
 * looked at as a whole, when a new one concerns us and on each new connection, so that none is missed.
 */
#include "scope_internal.h"
#include "str.h"

#define RECONNECT_DELAY 1. /* s */

static bool is_ours(const char *unit)
{
	return str_starts_with(unit, "netnsd-") && str_ends_with(unit, ".scope");
}

static int read_jobs(struct scope_bus *b, sd_bus_message *m)
{
	const char *unit, *type, *state, *job, *object;
	uint32_t id;
	int r = sd_bus_message_enter_container(m, 'a', "(usssoo)");

	while (r >= 0) {
		r = sd_bus_message_read(m, "(usssoo)", &id, &unit, &type, &state, &job, &object);
		if (r <= 0)
			break;
		if (str_equal(type, "stop") && is_ours(unit))
			b->stopping(unit, b->stopping_data);
	}
	return r;
}

static int on_jobs(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_bus *b = data;
	bool again = b->jobs_again;

	(void)unused;
	b->jobs = sd_bus_slot_unref(b->jobs);
	b->jobs_again = false;
	if (!sd_bus_message_is_method_error(m, NULL))
		(void)read_jobs(b, m);
	if (again)
		scope_watch_look(b);
	return 0;
}

void scope_watch_look(struct scope_bus *b)
{
	if (!b->stopping || !b->bus)
		return;
	if (b->jobs) {
		b->jobs_again = true;
		return;
	}
	(void)sd_bus_call_method_async(b->bus, &b->jobs, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
				       "ListJobs", on_jobs, b, NULL);
}

int scope_on_job_new(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	const char *job, *unit;
	uint32_t id;

	(void)unused;
	if (sd_bus_message_read(m, "uos", &id, &job, &unit) >= 0 && is_ours(unit))
		scope_watch_look(data);
	return 0;
}

static void on_reconnect(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scope_bus *b = w->data;
	sd_bus *bus;

	(void)loop;
	(void)events;
	if (scope_bus_get(b, &bus) < 0)
		scope_watch_lost(b);
	else
		scope_bus_touch(b);
}

/* The connection has gone: another one, soon. */
void scope_watch_lost(struct scope_bus *b)
{
	b->jobs = sd_bus_slot_unref(b->jobs);
	b->jobs_again = false;
	if (!b->stopping || ev_is_active(&b->reconnect))
		return;
	ev_timer_init(&b->reconnect, on_reconnect, RECONNECT_DELAY, 0.);
	b->reconnect.data = b;
	ev_timer_start(b->loop, &b->reconnect);
}

void scope_watch_stop(struct scope_bus *b)
{
	b->jobs = sd_bus_slot_unref(b->jobs);
	ev_timer_stop(b->loop, &b->reconnect);
}

void scope_watch(struct scope_bus *b, scope_stopping_fn *stopping, void *data)
{
	bool connected = b->bus != NULL;
	sd_bus *bus;

	if (b->stopping)
		return;
	b->stopping = stopping;
	b->stopping_data = data;
	if (scope_bus_get(b, &bus) < 0) {
		scope_watch_lost(b);
		return;
	}
	if (connected) /* else it was looked at with the new connection */
		scope_watch_look(b);
	scope_bus_touch(b);
}
