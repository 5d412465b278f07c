/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks at intervals: the port first, then the command, each for itself in time. Only what the container
 * answered, or did not, counts against it; what the daemon could not even ask (no descriptors, no memory)
 * makes its health unknown.
 */
#include "health.h"

#include "cleanup.h"
#include "health_internal.h"
#include "netns.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define USEC_PER_SEC UINT64_C(1000000)
#define TIMEOUT_MIN  USEC_PER_SEC /* a command has to be started first, on a busy machine */
#define TIMEOUT_MAX  (30 * USEC_PER_SEC)
#define INTERVAL_MIN (USEC_PER_SEC / 100) /* whatever is asked for: the daemon has more to do */

struct health {
	struct ev_loop *loop;
	struct worker_pool *workers;
	struct health_spec spec; /* all that it points to is this object's */
	struct health_tcp_spec port;
	struct health_count count;
	ev_timer next;
	struct health_tcp *tcp;		/* under way; NULL: not */
	struct health_command *command; /* likewise, or killed and not yet gone */
	health_changed_fn *changed;
	void *data;
};

static uint64_t timeout_of(const struct health *h)
{
	uint64_t t = h->spec.interval;

	if (h->spec.timeout > 0)
		return h->spec.timeout;
	return t < TIMEOUT_MIN ? TIMEOUT_MIN : t > TIMEOUT_MAX ? TIMEOUT_MAX : t;
}

static void health_answer(struct health *h, enum health_outcome outcome, const char *text)
{
	ev_now_update(h->loop);
	ev_timer_again(h->loop, &h->next);
	if (health_take(&h->count, h->spec.retries, outcome))
		h->changed(h->count.state, text, h->data); /* may free it */
}

static void on_command_told(enum health_outcome outcome, const char *text, void *data)
{
	health_answer(data, outcome, text);
}

static void ask_command(struct health *h)
{
	struct error err = {0};

	if (h->command) /* of the last time */
		health_answer(h, HEALTH_ILL, "HealthCmd= was killed and does not end");
	else if (health_command_start(h->loop, &h->spec, timeout_of(h), on_command_told, h, &h->command,
				      &err) < 0)
		health_answer(h, HEALTH_UNASKED, err.text);
}

static void on_tcp_told(enum health_outcome outcome, const char *text, void *data)
{
	struct health *h = data;

	if (outcome == HEALTH_WELL && h->spec.command)
		ask_command(h);
	else
		health_answer(h, outcome, text);
}

static void on_next(struct ev_loop *loop, ev_timer *w, int events)
{
	struct health *h = w->data;
	int r;

	(void)events;
	ev_timer_stop(loop, &h->next); /* from the end on, not from here */
	if (!h->spec.tcp) {
		ask_command(h);
		return;
	}
	r = health_tcp_start(loop, h->workers, &h->port, on_tcp_told, h, &h->tcp);
	if (r < 0)
		health_answer(h, HEALTH_UNASKED, strerror(-r));
}

/* Copies what the caller keeps. On failure health_free() takes what is there. */
static int take_spec(struct health *h, const struct health_spec *spec)
{
	int r = 0;

	h->spec = (struct health_spec){.interval =
					       spec->interval < INTERVAL_MIN ? INTERVAL_MIN : spec->interval,
				       .timeout = spec->timeout,
				       .retries = spec->retries,
				       .leader = spec->leader,
				       .leader_pidfd = -1,
				       .netns_fd = -1};
	if (spec->command)
		r = strv_copy(spec->command, (char ***)(uintptr_t)&h->spec.command);
	if (r == 0 && spec->tcp)
		r = health_parse_tcp(spec->tcp, &h->port.address);
	if (r == 0 && spec->tcp && !(h->spec.tcp = strdup(spec->tcp)))
		r = -ENOMEM;
	if (r == 0 && spec->command &&
	    (h->spec.leader_pidfd = fcntl(spec->leader_pidfd, F_DUPFD_CLOEXEC, 3)) < 0)
		r = -errno;
	if (r == 0 && spec->tcp) {
		h->spec.netns_fd = netns_dup(spec->netns_fd);
		r = h->spec.netns_fd < 0 ? h->spec.netns_fd : 0;
	}
	h->port.text = h->spec.tcp;
	h->port.netns_fd = h->spec.netns_fd;
	h->port.timeout = timeout_of(h);
	return r;
}

int health_new(struct ev_loop *loop, struct worker_pool *workers, const struct health_spec *spec,
	       health_changed_fn *changed, void *data, struct health **ret)
{
	struct health *h;
	int r;

	if (spec->retries < 1 || (!spec->tcp && (!spec->command || !spec->command[0])))
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->loop = loop;
	h->workers = workers;
	h->changed = changed;
	h->data = data;
	h->count.state = HEALTH_UNKNOWN;
	ev_init(&h->next, on_next);
	h->next.data = h;
	r = take_spec(h, spec);
	if (r < 0) {
		health_free(h);
		return r;
	}
	h->next.repeat = (double)h->spec.interval / 1e6;
	ev_now_update(loop);
	ev_timer_again(loop, &h->next);
	*ret = h;
	return 0;
}

void health_free(struct health *h)
{
	if (!h)
		return;
	ev_timer_stop(h->loop, &h->next);
	health_tcp_free(h->tcp);
	health_command_free(h->command);
	strv_free((char **)(uintptr_t)h->spec.command);
	free((char *)(uintptr_t)h->spec.tcp);
	if (h->spec.leader_pidfd >= 0)
		(void)close(h->spec.leader_pidfd);
	if (h->spec.netns_fd >= 0)
		(void)close(h->spec.netns_fd);
	free(h);
}
