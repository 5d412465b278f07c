/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl reexec, and a SIGHUP after the program's file was replaced. What runs is written down in records
 * already (container_adopt.c); what has no name anywhere is handed over as descriptors: the lock, the control
 * socket with its clients, pidfds and notify sockets. Everything else is found again as after any start. */
#include "reexec.h"

#include "container.h"
#include "fdstore.h"
#include "log.h"

#include <errno.h>
#include <string.h>

static char **arguments;

void reexec_remember(char **argv)
{
	arguments = argv;
}

static int hand_over(struct manager *m, struct api *api, struct handover *h)
{
	int r = manager_hand_over(m, h);

	if (r == 0)
		r = containers_hand_over(m, h);
	return r < 0 ? r : api_hand_over(api, h);
}

void reexec(struct manager *m, struct api *api)
{
	struct handover *h = NULL;
	struct error err = {0};
	int r = handover_new(&h);

	m->reexec = false;
	containers_interrupt(m);
	if (r == 0)
		r = hand_over(m, api, h);
	if (r < 0) {
		error_set(&err, r, "cannot hand over what runs: %s; this program goes on", strerror(-r));
	} else {
		log_info("another program takes over: %s", m->program);
		(void)handover_exec(h, m->program, arguments, &err);
	}
	handover_free(h);
	log_error("%s", err.text);
	containers_go_on(m);
	api_reexec_failed(api, &err);
}
