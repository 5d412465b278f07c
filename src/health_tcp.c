/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HealthTcp=: connects from inside the namespace. A worker goes there, makes the socket and asks for the
 * connection; the loop waits for it, with a socket that knows its namespace by itself. The time counts from
 * the connect on: that workers are busy elsewhere is no illness of the container.
 */
#include "cleanup.h"
#include "health_internal.h"
#include "netns.h"
#include "parse.h"
#include "str.h"
#include "transaction.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct health_tcp {
	struct job job; /* first */
	struct health_tcp_spec spec;
	struct ev_loop *loop;
	ev_io connected;
	ev_timer overdue;
	int socket;
	int result; /* of connect(): 0, -errno; with socket -1: of what comes before */
	bool under_way, orphan;
	health_told_fn *told;
	void *data;
	struct health_tcp **owner;
};

static void tcp_destroy(struct health_tcp *t)
{
	if (t->owner)
		*t->owner = NULL;
	ev_io_stop(t->loop, &t->connected);
	ev_timer_stop(t->loop, &t->overdue);
	if (t->socket >= 0)
		(void)close(t->socket);
	if (t->spec.netns_fd >= 0)
		(void)close(t->spec.netns_fd);
	free(t);
}

static void tcp_tell(struct health_tcp *t, enum health_outcome outcome, const char *what)
{
	char text[HEALTH_TEXT_MAX] = "";
	health_told_fn *told = t->told;
	void *data = t->data;

	if (outcome != HEALTH_WELL)
		(void)str_format(text, sizeof(text), "%s: %s", t->spec.text, what);
	tcp_destroy(t);
	told(outcome, text, data);
}

static void tcp_answer(struct health_tcp *t, int result)
{
	bool ours = result == -ENOMEM || result == -ENOBUFS;

	tcp_tell(t, result == 0 ? HEALTH_WELL : ours ? HEALTH_UNASKED : HEALTH_ILL, strerror(-result));
}

static void on_connected(struct ev_loop *loop, ev_io *w, int events)
{
	struct health_tcp *t = w->data;
	socklen_t size = sizeof(int);
	int e;

	(void)loop;
	(void)events;
	if (getsockopt(t->socket, SOL_SOCKET, SO_ERROR, &e, &size) < 0)
		e = errno;
	tcp_answer(t, -e);
}

static void on_overdue(struct ev_loop *loop, ev_timer *w, int events)
{
	struct health_tcp *t = w->data;
	char text[HEALTH_TEXT_MAX], span[FORMAT_MAX];

	(void)loop;
	(void)events;
	(void)str_format(text, sizeof(text), "timed out after %s", format_usec(t->spec.timeout, span));
	tcp_tell(t, HEALTH_ILL, text);
}

/* On a worker. */
static void tcp_run(struct job *job, void *thread)
{
	struct health_tcp *t = (struct health_tcp *)job;
	const struct sockaddr *address = (const struct sockaddr *)&t->spec.address;

	t->result = netns_enter(t->spec.netns_fd, NULL);
	if (t->result == 0) {
		t->socket = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (t->socket < 0)
			t->result = -errno;
		else if (connect(t->socket, address,
				 address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							       : sizeof(struct sockaddr_in6)) < 0)
			t->result = -errno;
	}
	(void)worker_thread_home(thread);
}

static void tcp_asked(struct job *job)
{
	struct health_tcp *t = (struct health_tcp *)job;

	t->under_way = false;
	if (t->orphan) {
		tcp_destroy(t);
	} else if (t->socket < 0) {
		tcp_tell(t, HEALTH_UNASKED, strerror(-t->result));
	} else if (t->result != -EINPROGRESS) {
		tcp_answer(t, t->result);
	} else {
		ev_io_set(&t->connected, t->socket, EV_WRITE);
		ev_io_start(t->loop, &t->connected);
		ev_now_update(
			t->loop); /* it counts from now, whatever this turn of the loop has done before */
		ev_timer_start(t->loop, &t->overdue);
	}
}

int health_tcp_start(struct ev_loop *loop, struct worker_pool *workers, const struct health_tcp_spec *spec,
		     health_told_fn *told, void *data, struct health_tcp **ret)
{
	struct health_tcp *t = calloc(1, sizeof(*t));
	int fd = netns_dup(spec->netns_fd);

	if (!t || fd < 0) {
		if (fd >= 0)
			(void)close(fd);
		free(t);
		return t ? fd : -ENOMEM;
	}
	*t = (struct health_tcp){.job = {.run = tcp_run, .done = tcp_asked},
				 .spec = *spec,
				 .loop = loop,
				 .socket = -1,
				 .under_way = true,
				 .told = told,
				 .data = data,
				 .owner = ret};
	t->spec.netns_fd = fd;
	ev_init(&t->connected, on_connected);
	ev_timer_init(&t->overdue, on_overdue, (double)spec->timeout / 1e6, 0.);
	t->connected.data = t->overdue.data = t;
	*ret = t;
	worker_pool_submit_urgent(workers, &t->job);
	return 0;
}

void health_tcp_free(struct health_tcp *t)
{
	if (!t)
		return;
	if (t->owner)
		*t->owner = NULL;
	t->owner = NULL;
	t->orphan = true;
	if (!t->under_way)
		tcp_destroy(t);
}
