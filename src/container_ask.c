/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of a container, and the answer when it is done. */
#include "container_internal.h"

#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

struct container_waiter {
	struct container_waiter *prev, *next; /* container_private.waiters */
	struct container *container;
	enum container_verb verb;
	struct container_waiter **slot; /* set to NULL when it goes; NULL: nobody holds it yet, or any more */
	bool deferred;			/* until the daemon knows what runs */
	bool begun;			/* RESTART: the old run has ended, or there was none */
	container_done_fn *done;
	container_changed_fn *changed;
	void *data;
};

static struct container_outcome outcome(enum container_failure failure, int code, const char *text)
{
	struct container_outcome o = {.failure = failure};

	if (code)
		error_set(&o.error, code, "%s", text);
	return o;
}

void container_waiter_forget(struct container_waiter *w)
{
	if (!w)
		return;
	if (w->slot)
		*w->slot = NULL;
	DL_DELETE(w->container->p->waiters, w);
	free(w);
}

/* The waiter is gone before it is told: done() may do anything, also ask again. */
static void answer(struct container_waiter *w, const struct container_outcome *o)
{
	container_done_fn *done = w->done;
	void *data = w->data;

	container_waiter_forget(w);
	done(o, data);
}

void container_waiters_free(struct container *c)
{
	struct container_outcome o = outcome(CONTAINER_BAD_STATE, -ESHUTDOWN, "the daemon is stopping");

	while (c->p->waiters)
		answer(c->p->waiters, &o);
}

bool container_restart_is_awaited(const struct container *c)
{
	const struct container_waiter *w;

	DL_FOREACH (c->p->waiters, w)
		if (w->verb == CONTAINER_VERB_RESTART)
			return true;
	return false;
}

/* --- when it is done ---------------------------------------------------------------------------- */

static struct container_outcome started(const struct container *c)
{
	struct container_outcome o = {.result = c->s.result};

	switch (c->s.state) {
	case CONTAINER_RUNNING: return o;
	case CONTAINER_SKIPPED: o.failure = CONTAINER_WAS_SKIPPED; break;
	case CONTAINER_DEAD:
		/* Ended well before anybody looked, as `true` does; or somebody stopped it. */
		if (c->s.result == RESULT_SUCCESS && !c->s.stop_asked)
			return o;
		o.failure = c->s.stop_asked ? CONTAINER_BAD_STATE : CONTAINER_START_FAILED;
		break;
	default: o.failure = CONTAINER_START_FAILED; break;
	}
	error_set(&o.error, -ECANCELED, "%s",
		  o.failure == CONTAINER_BAD_STATE ? "somebody stopped it meanwhile" : container_reason(c));
	return o;
}

/* Whether this waiter's time has come. A start that is tried again by itself is still one. */
static bool is_over(struct container_waiter *w)
{
	const struct container *c = w->container;

	if (w->deferred)
		return false;
	if (w->verb == CONTAINER_VERB_STOP)
		return !container_is_active(c);
	if (!w->begun)
		w->begun = c->s.state == CONTAINER_START_PRE || !container_is_active(c);
	return w->begun && (c->s.state == CONTAINER_RUNNING || !container_is_active(c));
}

static void tell_progress(struct container *c)
{
	struct container_waiter *w, *tmp;

	DL_FOREACH_SAFE (c->p->waiters, w, tmp)
		if (w->changed)
			w->changed(c->s.state, container_reason(c), w->data);
}

void container_answer(struct container *c)
{
	struct container_waiter *w, *tmp;
	struct container_outcome o;

	tell_progress(c);
	do {
		DL_FOREACH_SAFE (c->p->waiters, w, tmp)
			if (is_over(w))
				break;
		if (!w)
			return;
		o = w->verb == CONTAINER_VERB_STOP ? outcome(CONTAINER_DONE, 0, NULL) : started(c);
		answer(w, &o);
	} while (c->p->waiters);
}

/* --- what is asked ------------------------------------------------------------------------------ */

static int kill_leader(const struct container *c, int signal)
{
	if (c->p->leader_pidfd < 0)
		return -ESRCH;
	return pidfd_send_signal(c->p->leader_pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

static int kill_all(const struct container *c, int signal)
{
	int r;

	if (signal == SIGKILL && c->cgroup)
		return cgroup_kill(c->cgroup);
	r = process_signal(c->p->process, signal);
	(void)kill_leader(c, signal);
	return r;
}

static struct container_outcome do_kill(struct container *c, const struct container_request *request)
{
	int r = -ESRCH;

	if (!c->p->process || !c->pid)
		return outcome(CONTAINER_BAD_STATE, -ESRCH, "it does not run");
	switch (request->whom) {
	case WHOM_LEADER: r = kill_leader(c, request->signal); break;
	case WHOM_SUPERVISOR: r = process_signal(c->p->process, request->signal); break;
	case WHOM_ALL: r = kill_all(c, request->signal); break;
	}
	return r < 0 ? outcome(CONTAINER_BAD_STATE, r, r == -ESRCH ? "it has just ended" : strerror(-r))
		     : outcome(CONTAINER_DONE, 0, NULL);
}

static struct container_outcome may_start(const struct container *c)
{
	if (!c->settings)
		return outcome(c->config_failed ? CONTAINER_BAD_CONFIGURATION : CONTAINER_NO_SUCH, -EINVAL,
			       c->config_failed ? c->reason.text : "no file declares it");
	if (container_netns_is_going(c))
		return outcome(CONTAINER_BAD_STATE, -EBUSY, "its namespace is being removed");
	if (c->p->stop_wanted)
		return outcome(CONTAINER_BAD_STATE, -EBUSY, "it is being stopped");
	return outcome(CONTAINER_DONE, 0, NULL);
}

/* That it is not is written down at once: it may be all that changes, as of one that was to come back with
 * its namespace. A start has a state of its own. */
static void want(struct container *c, bool wanted)
{
	bool changed = c->wanted != wanted || c->p->resume || c->p->again;

	c->wanted = wanted;
	c->p->resume = c->p->again = false;
	if (changed && !wanted)
		container_record_save(c);
}

/* Whether there is anything to wait for. */
static bool begin(struct container *c, enum container_verb verb)
{
	want(c, verb != CONTAINER_VERB_STOP);
	switch (verb) {
	case CONTAINER_VERB_START:
		if (c->s.state == CONTAINER_RUNNING)
			return false;
		container_event(c, SUPERVISE_START);
		return true;
	case CONTAINER_VERB_RESTART:
		if (container_is_active(c))
			container_stop_ordered(c, true);
		else
			container_event(c, SUPERVISE_START);
		return true;
	default:
		if (!container_is_active(c))
			return false;
		container_stop_ordered(c, false);
		return true;
	}
}

static struct container_outcome ask_at_once(struct container *c, const struct container_request *request,
					    bool *ret_over)
{
	struct container_outcome o = outcome(CONTAINER_DONE, 0, NULL);

	*ret_over = true;
	if (c->manager->state == MANAGER_STOPPING)
		return outcome(CONTAINER_BAD_STATE, -ESHUTDOWN, "the daemon is stopping");
	switch (request->verb) {
	case CONTAINER_VERB_KILL: return do_kill(c, request);
	case CONTAINER_VERB_RESET_FAILED: container_event(c, SUPERVISE_RESET_FAILED); return o;
	case CONTAINER_VERB_START:
	case CONTAINER_VERB_RESTART:
		o = may_start(c);
		if (o.failure != CONTAINER_DONE)
			return o;
		break;
	case CONTAINER_VERB_STOP: break;
	}
	*ret_over = false;
	return o;
}

/* Answers at once when there is nothing to wait for. */
static void begin_waiter(struct container_waiter *w)
{
	struct container *c = w->container;
	enum container_verb verb = w->verb;
	struct container_outcome o;

	w->deferred = false;
	w->begun = verb != CONTAINER_VERB_RESTART || !container_is_active(c);
	if (!begin(c, verb)) { /* else it may have been answered already */
		o = verb == CONTAINER_VERB_STOP ? outcome(CONTAINER_DONE, 0, NULL) : started(c);
		answer(w, &o);
	}
}

void container_ask(struct manager *m, const struct container_request *request, container_done_fn *done,
		   container_changed_fn *changed, void *data, struct container_waiter **ret)
{
	struct container *c = manager_find_container(m, request->name);
	struct container_outcome o = outcome(CONTAINER_NO_SUCH, -ENOENT, "no such container");
	struct container_waiter *w;
	bool over = true;

	*ret = NULL;
	if (c)
		o = ask_at_once(c, request, &over);
	if (over) {
		done(&o, data);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		o = outcome(CONTAINER_BAD_STATE, -ENOMEM, "out of memory");
		done(&o, data);
		return;
	}
	*w = (struct container_waiter){
		.container = c, .verb = request->verb, .done = done, .changed = changed, .data = data};
	DL_APPEND(c->p->waiters, w);
	*ret = w;
	w->slot = ret;
	w->deferred = m->state == MANAGER_STARTING;
	if (!w->deferred)
		begin_waiter(w);
	if (*ret)
		w->slot = NULL;
}

static struct container_waiter *first_deferred(const struct container *c)
{
	struct container_waiter *w;

	DL_FOREACH (c->p->waiters, w)
		if (w->deferred)
			return w;
	return NULL;
}

void containers_begin_deferred(struct manager *m)
{
	struct container_waiter *w;
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		while ((w = first_deferred(c)))
			begin_waiter(w);
}
