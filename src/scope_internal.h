/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What scope.c (what is asked) and scope_bus.c (the connection) know of each other. */
#ifndef NETNSD_SCOPE_INTERNAL_H
#define NETNSD_SCOPE_INTERNAL_H

#include "scope.h"

#include <systemd/sd-bus.h>
#include <utlist.h>

#define SYSTEMD_NAME	"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define MACHINE_NAME	"org.freedesktop.machine1"
#define MACHINE_PATH	"/org/freedesktop/machine1"
#define MACHINE_MANAGER "org.freedesktop.machine1.Manager"

struct scope_bus {
	struct ev_loop *loop;
	sd_bus *bus; /* NULL: not connected */
	ev_io io;
	ev_timer timer; /* what sd-bus wants to be woken for */
	ev_timer idle;	/* closes it */
	bool ready;	/* what was sent before may have reached nobody */
	struct scope_call *calls;
	scope_stopping_fn *stopping; /* NULL: nobody watches */
	void *stopping_data;
	sd_bus_slot *jobs; /* ListJobs() under way */
	bool jobs_again;   /* something happened since */
	ev_timer reconnect;
};

enum scope_kind { SCOPE_START, SCOPE_CLEAR, SCOPE_GONE, SCOPE_MACHINE, SCOPE_ACTIVE };

/* What is asked, and goes on until the answer is final. A handler of sd-bus never calls done(): it sets the
 * result, and the timer delivers it. */
struct scope_call {
	struct scope_bus *bus;
	enum scope_kind kind;
	char *name;	     /* of the unit or machine */
	scope_done_fn *done; /* NULL: fire and forget */
	void *data;
	sd_bus_slot *request; /* under way; NULL: none */
	bool again;	      /* something happened since it was sent */
	bool sent;	      /* the unit may have been made */
	bool terminated;      /* SCOPE_MACHINE: it was told to */
	ev_tstamp since;
	ev_timer deadline;
	ev_timer look;		/* to ask again, or, when finished, to tell */
	char *path;		/* of an object: the job, the unit, the machine */
	char *unit;		/* of a machine */
	struct scope_spec spec; /* SCOPE_START: a copy that is ours; its name is not set */
	/* when finished */
	bool finished, told;
	int result;
	char *cgroup;
	struct error err;
	struct scope_call *prev, *next;
};

/* Connects if need be; then scope_bus_touch() after whatever was sent. -errno. */
int scope_bus_get(struct scope_bus *b, sd_bus **ret);
void scope_bus_touch(struct scope_bus *b);

/* scope.c, for the handlers of answers. All return 0. */
int scope_finish(struct scope_call *c, int r); /* the last word */
int scope_look_later(struct scope_call *c);    /* it is not: again soon if something happened meanwhile */
bool scope_answered(struct scope_call *c, sd_bus_message *m); /* first of all; false: no answer, leave it */
bool scope_no_answer(sd_bus_message *m);		      /* in time */
int scope_get_property(struct scope_call *c, const char *destination, const char *path, const char *interface,
		       const char *property, sd_bus_message_handler_t handler);

/* Send a request, whose handler goes on. */
int scope_send_start(struct scope_call *c, sd_bus *bus);
int scope_send_unit(struct scope_call *c, sd_bus *bus); /* clear, gone */
int scope_send_machine(struct scope_call *c, sd_bus *bus);
int scope_send_active(struct scope_call *c, sd_bus *bus);

/* scope_watch.c */
void scope_watch_look(struct scope_bus *b);
void scope_watch_lost(struct scope_bus *b); /* the connection */
void scope_watch_stop(struct scope_bus *b);
int scope_on_job_new(sd_bus_message *m, void *data, sd_bus_error *unused);

/* scope_start.c */
int scope_copy_spec(struct scope_call *c, const struct scope_spec *spec);
void scope_clear_spec(struct scope_call *c);
int scope_find_cgroup(struct scope_call *c); /* sets it, or err */
int scope_job_removed(struct scope_call *c, const char *job, const char *result);

/* For scope_bus.c: a signal that concerns calls, the end of the connection, of all. */
int scope_on_job_removed(sd_bus_message *m, void *data, sd_bus_error *unused);
int scope_on_removed(sd_bus_message *m, void *data, sd_bus_error *unused);
void scope_calls_lost(struct scope_bus *b, int r);

#endif
