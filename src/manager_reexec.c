/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Before another program takes over: what cannot be done twice comes to its end, workers have nothing left to
 * do. */
#include "manager_internal.h"

#include "clock.h"
#include "container.h"
#include "fdstore.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_INTERVAL 0.01		       /* s between two looks whether all is quiet */
#define WAIT_USEC     (90 * UINT64_C(1000000)) /* then it is refused */

/* The path it was started by; the file may be another one by now, which is the point of it. */
int manager_remember_program(struct manager *m)
{
	static const char deleted[] = " (deleted)";
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	if (str_ends_with(path, deleted))
		path[strlen(path) - strlen(deleted)] = '\0';
	return str_replace(&m->program, path);
}

bool manager_program_was_replaced(const struct manager *m)
{
	struct stat running, there;

	return m->program && stat("/proc/self/exe", &running) == 0 && stat(m->program, &there) == 0 &&
	       (running.st_ino != there.st_ino || running.st_dev != there.st_dev);
}

/* Looking, waiting and following are run anew by whoever takes over. */
static bool is_quiet(struct manager *m)
{
	const struct operation *op;

	if (m->state == MANAGER_STARTING)
		return false;
	DL_FOREACH (m->operations, op)
		if (op->running && op->type != OPERATION_WAIT && op->type != OPERATION_DESCRIBE)
			return false;
	return worker_pool_pending(m->workers) == 0 && m->p->saves == 0 && containers_are_quiet(m);
}

static void look(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;
	struct error err = {0};

	(void)events;
	if (m->state != MANAGER_STOPPING && is_quiet(m)) {
		ev_timer_stop(loop, w);
		m->reexec = true;
		ev_break(loop, EVBREAK_ALL);
	} else if (m->state == MANAGER_STOPPING || clock_boottime() > m->p->reexec_until) {
		ev_timer_stop(loop, w);
		error_set(&err, -EBUSY, "%s",
			  m->state == MANAGER_STOPPING ? "the daemon is stopping"
						       : "operations are under way that have not ended "
							 "within 90 s; try again later");
		log_error("no other program takes over: %s", err.text);
		m->p->reexec_refused(&err, m->p->reexec_data);
	}
}

int manager_reexec(struct manager *m, void (*refused)(const struct error *err, void *data), void *data,
		   struct error *err)
{
	ev_timer *w = &m->p->reexec;

	if (m->state == MANAGER_STOPPING)
		return error_set(err, -EBUSY, "the daemon is %s", manager_state_to_string(m->state));
	if (ev_is_active(w))
		return error_set(err, -EALREADY, "another program is about to take over already");
	if (access(m->program, X_OK) < 0)
		return error_set(err, -errno, "cannot execute %s: %m", m->program);
	m->p->reexec_refused = refused;
	m->p->reexec_data = data;
	m->p->reexec_until = clock_boottime() + WAIT_USEC;
	ev_timer_init(w, look, 0., LOOK_INTERVAL);
	w->data = m;
	ev_timer_start(m->loop, w);
	return 0;
}

int manager_hand_over(struct manager *m, struct handover *h)
{
	char number[32];
	int n = snprintf(number, sizeof(number), "%" PRIu64, m->notices.sequence);
	int r = handover_add(h, "sequence", -1, number, (size_t)n);

	return r < 0 ? r : handover_add(h, "lock", m->p->lock_fd, "", 0);
}

/* Numbers of what followers are told go on where they were. */
void manager_take_over(struct manager *m)
{
	char *text;
	size_t length;
	int fd;

	if (fdstore_take_next("sequence", &fd, &text, &length) < 0)
		return;
	m->notices.sequence = text ? strtoull(text, NULL, 10) : 0;
	m->taken_over = true;
	free(text);
}
