/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * machined keeps a machine for as long as its unit is there, and nspawn refuses a name that it has: so a new
 * start waits until it has let go.
 */
#include "scope_internal.h"
#include "str.h"

#define PATIENCE 3. /* s, before machined is told to let go */
#define OURS	 "netnsd-"

static int on_machine_unit(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;
	const char *unit;
	sd_bus *bus;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "v", "s", &unit) < 0 ||
	    str_replace(&c->unit, unit) < 0)
		return scope_look_later(c);
	if (str_starts_with(unit, OURS) && ev_now(c->bus->loop) - c->since >= PATIENCE &&
	    scope_bus_get(c->bus, &bus) == 0) {
		c->terminated = true;
		(void)sd_bus_call_method_async(bus, NULL, MACHINE_NAME, MACHINE_PATH, MACHINE_MANAGER,
					       "TerminateMachine", NULL, NULL, "s", c->name);
	}
	return scope_look_later(c);
}

/* It is there. Any other answer but "none such" comes from a bus without machined: then none is registered.
 */
static int on_machine(sd_bus_message *m, void *data, sd_bus_error *unused)
{
	struct scope_call *c = data;
	const char *path;

	(void)unused;
	if (!scope_answered(c, m))
		return 0;
	if (scope_no_answer(m))
		return scope_look_later(c);
	if (sd_bus_message_is_method_error(m, NULL))
		return scope_finish(c, 0);
	if (!c->terminated && sd_bus_message_read(m, "o", &path) >= 0 &&
	    scope_get_property(c, MACHINE_NAME, path, "org.freedesktop.machine1.Machine", "Unit",
			       on_machine_unit) >= 0)
		return 0;
	return scope_look_later(c);
}

int scope_send_machine(struct scope_call *c, sd_bus *bus)
{
	return sd_bus_call_method_async(bus, &c->request, MACHINE_NAME, MACHINE_PATH, MACHINE_MANAGER,
					"GetMachine", on_machine, c, "s", c->name);
}
