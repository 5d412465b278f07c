/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the system bus, on our loop. Nothing here blocks: connecting, the handshake and the
 * subscriptions are messages like all others. Handlers that sd-bus calls only note things down (see scope.c):
 * so the connection is never closed from within itself.
 */
#include "clock.h"
#include "scope_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BUS_SOCKET  "/run/dbus/system_bus_socket"
#define BUS_BUDGET  32	/* messages a turn of the loop */
#define BUS_IDLE    10. /* s without a call */
#define USEC_PER_MS 1000

bool scope_bus_is_there(void)
{
	return access(BUS_SOCKET, F_OK) == 0;
}

/* While the machine boots we are earlier than the bus, which is known by its unit then. */
bool scope_available(void)
{
	static const char *const units[] = {"/usr/lib/systemd/system/dbus.socket",
					    "/lib/systemd/system/dbus.socket",
					    "/etc/systemd/system/dbus.socket"};

	if (sd_booted() <= 0)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (access(units[i], F_OK) == 0)
			return true;
	return scope_bus_is_there();
}

static void bus_disarm(struct scope_bus *b)
{
	ev_io_stop(b->loop, &b->io);
	ev_timer_stop(b->loop, &b->timer);
}

/* By a timer, since who found that it is broken may be a handler of it. */
static void bus_wake(struct scope_bus *b, double after)
{
	ev_timer_stop(b->loop, &b->timer);
	ev_timer_set(&b->timer, after, 0.);
	ev_timer_start(b->loop, &b->timer);
}

/* What sd-bus waits for now. It changes whenever something was sent or processed. */
static void bus_arm(struct scope_bus *b)
{
	int events = sd_bus_get_events(b->bus), fd = sd_bus_get_fd(b->bus);
	uint64_t until = UINT64_MAX, now = clock_monotonic();

	bus_disarm(b);
	if (events < 0 || fd < 0 || sd_bus_get_timeout(b->bus, &until) < 0) {
		bus_wake(b, 0.); /* to be told that it is broken */
		return;
	}
	ev_io_set(&b->io, fd, (events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
	if (events & (POLLIN | POLLOUT))
		ev_io_start(b->loop, &b->io);
	if (until != UINT64_MAX)
		bus_wake(b, until <= now ? 0. : (double)(until - now + USEC_PER_MS) / 1e6);
}

static void bus_drop(struct scope_bus *b, int r)
{
	bus_disarm(b);
	scope_calls_lost(b, r); /* their slots first */
	scope_watch_lost(b);
	b->ready = false;
	b->bus = sd_bus_close_unref(b->bus);
}

static void bus_idle(struct scope_bus *b)
{
	if (b->calls || b->stopping)
		ev_timer_stop(b->loop, &b->idle);
	else if (!ev_is_active(&b->idle)) {
		ev_timer_set(&b->idle, BUS_IDLE, 0.);
		ev_timer_start(b->loop, &b->idle);
	}
}

static void bus_process(struct scope_bus *b)
{
	int r = 1;

	if (!b->bus)
		return;
	for (int i = 0; i < BUS_BUDGET && r > 0; i++) {
		r = sd_bus_process(b->bus, NULL);
		if (sd_bus_is_ready(b->bus) > 0)
			b->ready = true;
	}
	if (r < 0 || sd_bus_is_open(b->bus) <= 0) {
		bus_drop(b, r < 0 ? r : -ECONNRESET);
		return;
	}
	bus_arm(b);
	if (r > 0)
		bus_wake(b, 0.);
	bus_idle(b);
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	bus_process(w->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	bus_process(w->data);
}

static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	struct scope_bus *b = w->data;

	(void)loop;
	(void)events;
	if (b->bus && !b->calls)
		bus_drop(b, 0);
}

/* Before anything is asked: then no answer can come before its signal is heard. systemd sends signals to the
 * bus only when somebody wants them. */
static int bus_subscribe(struct scope_bus *b)
{
	static const struct {
		const char *sender, *path, *interface, *member;
		sd_bus_message_handler_t handler;
	} rows[] = {
		{SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobNew", scope_on_job_new},
		{SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", scope_on_job_removed},
		{SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "UnitRemoved", scope_on_removed},
		{MACHINE_NAME, MACHINE_PATH, MACHINE_MANAGER, "MachineRemoved", scope_on_removed},
	};
	int r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		r = sd_bus_match_signal_async(b->bus, NULL, rows[i].sender, rows[i].path, rows[i].interface,
					      rows[i].member, rows[i].handler, NULL, b);
		if (r < 0)
			return r;
	}
	return sd_bus_call_method_async(b->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
					"Subscribe", NULL, NULL, NULL);
}

static int bus_open(struct scope_bus *b)
{
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r = sd_bus_new(&b->bus);

	if (r >= 0)
		r = sd_bus_set_address(b->bus, address ? address : "unix:path=" BUS_SOCKET);
	if (r >= 0)
		r = sd_bus_set_bus_client(b->bus, 1);
	if (r >= 0)
		r = sd_bus_start(b->bus);
	return r >= 0 ? bus_subscribe(b) : r;
}

int scope_bus_get(struct scope_bus *b, sd_bus **ret)
{
	int r = 0;

	if (!b->bus) {
		r = bus_open(b);
		if (r < 0) {
			b->bus = sd_bus_close_unref(b->bus);
			return r;
		}
		scope_watch_look(b);
		bus_arm(b);
	} else if (sd_bus_is_open(b->bus) <= 0) {
		bus_wake(b, 0.);
		return -ECONNRESET;
	}
	*ret = b->bus;
	return 0;
}

void scope_bus_touch(struct scope_bus *b)
{
	if (b->bus)
		bus_arm(b);
	bus_idle(b);
}

int scope_bus_new(struct ev_loop *loop, struct scope_bus **ret)
{
	struct scope_bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->loop = loop;
	ev_init(&b->io, on_io);
	ev_init(&b->timer, on_timer);
	ev_init(&b->idle, on_idle);
	b->io.data = b->timer.data = b->idle.data = b;
	*ret = b;
	return 0;
}

void scope_bus_free(struct scope_bus *b)
{
	struct scope_call *c, *next;

	if (!b)
		return;
	DL_FOREACH_SAFE (b->calls, c, next)
		scope_cancel(c);
	bus_disarm(b);
	ev_timer_stop(b->loop, &b->idle);
	scope_watch_stop(b);
	(void)sd_bus_close_unref(b->bus);
	free(b);
}
