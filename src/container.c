/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The containers: which there are, and which of them are what the files declare. What happens to one is in
 * container_event.c, what it takes to start and to end one in container_prepare.c and container_clean.c, what
 * concerns several in container_order.c. */
#include "container_internal.h"

#include "cleanup.h"
#include "clock.h"
#include "container_record.h"
#include "log.h"
#include "nspawn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct container *manager_find_container(struct manager *m, const char *name)
{
	struct container *c;

	HASH_FIND_STR(m->containers, name, c);
	return c;
}

const struct container_settings *container_current(const struct container *c)
{
	return c->running ? c->running : c->settings;
}

const char *container_netns(const struct container *c)
{
	const struct container_settings *s = container_current(c);

	return s ? s->netns : "";
}

bool container_is_active(const struct container *c)
{
	return supervise_is_active(&c->s) || c->s.state == CONTAINER_AUTO_RESTART;
}

void container_log(const struct container *c, int level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)str_vformat(text, sizeof(text), format, args);
	va_end(args);
	log_write_container(level, container_netns(c), c->name, "%s", text);
}

/* --- one of them -------------------------------------------------------------------------------- */

int container_ensure(struct manager *m, const char *name, struct container **ret)
{
	struct container *c = manager_find_container(m, name);

	if (c) {
		*ret = c;
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->p = calloc(1, sizeof(*c->p));
	c->name = strdup(name);
	c->manager = m;
	if (c->p && c->name)
		HASH_ADD_KEYPTR(hh, m->containers, c->name, strlen(c->name), c);
	if (!c->hh.tbl) {
		free(c->p);
		free(c->name);
		free(c);
		return -ENOMEM;
	}
	c->p->netns_fd = c->p->leader_pidfd = -1;
	c->since = clock_realtime();
	*ret = c;
	return 0;
}

static void container_free(struct container *c)
{
	container_waiters_free(c);
	container_sequence_cancel(c);
	container_job_orphan(c);
	if (c->pid && c->s.state >= CONTAINER_START && c->s.state <= CONTAINER_STOP_SIGKILL)
		container_run_leave(c);
	else
		container_run_ended(c);
	ev_timer_stop(c->manager->loop, &c->p->deadline);
	root_clear(&c->p->root);
	if (c->p->netns_fd >= 0)
		(void)close(c->p->netns_fd);
	desired_unref(c->tree);
	HASH_DEL(c->manager->containers, c);
	free(c->p->record);
	free(c->cgroup);
	free(c->name);
	free(c->p);
	free(c);
}

void containers_free(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp) {
		if (c->p->ran)
			container_record_save(c);
		container_free(c);
	}
	containers_groups_free(m);
	desired_unref(steal_pointer(m->p->was_applied));
	ev_timer_stop(m->loop, &m->p->settle);
	ev_timer_stop(m->loop, &m->p->records);
	container_host_free(m);
	nspawn_probe_forget();
}

/* --- the files ---------------------------------------------------------------------------------- */

static void tell_removed(struct container *c)
{
	struct notice n = {.netns = container_netns(c),
			   .container = c->name,
			   .object = EVENT_CONTAINER,
			   .change = EVENT_REMOVED,
			   .cause = CAUSE_OURS,
			   .ifname = "",
			   .text = "removed"};

	notice_publish(&c->manager->notices, &n);
}

/* Those that no file declares any more, once they have ended. */
void containers_reap(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (!c->settings && !c->config_failed && !container_is_active(c) && !c->p->job &&
		    c->p->unclean == 0 && container_record_forget(c) == 0) {
			tell_removed(c);
			container_free(c);
		}
}

bool container_needs_restart(const struct container *c, const struct container_settings *s)
{
	if (c->p->guessed)
		return c->p->started_with != str_hash(s->text);
	return !container_settings_same_run(c->running, s);
}

static void take_settings(struct container *c, const struct container_settings *s)
{
	bool declared = c->settings != NULL;

	c->settings = s;
	if (!s) {
		c->wanted = false;
		if (container_is_active(c)) {
			c->p->stop_wanted = true;
			c->p->resume = false;
		}
		return;
	}
	if (!declared)
		c->wanted = s->autostart;
	if (!c->running && !c->p->guessed)
		return;
	c->needs_restart = container_needs_restart(c, s);
	if (c->needs_restart || c->p->started_with == str_hash(s->text))
		return;
	c->p->started_with = str_hash(s->text); /* as good, and what the last good file will be */
	container_record_save(c);
}

int containers_sync(struct manager *m)
{
	struct container_settings *s, *stmp;
	struct container *c, *tmp;
	int r = 0;

	HASH_ITER (hh, m->containers, c, tmp)
		take_settings(c, desired_find_container(m->desired, c->name));
	HASH_ITER (hh, m->desired->containers, s, stmp) {
		if (manager_find_container(m, s->name))
			continue;
		r = container_ensure(m, s->name, &c);
		if (r < 0)
			break;
		take_settings(c, s);
	}
	containers_settle_soon(m);
	return r;
}

int containers_mark_failed(struct manager *m, const struct diag *d, const char *name)
{
	struct container *c;
	char *text;

	if (container_ensure(m, name, &c) < 0)
		return -ENOMEM;
	if (c->config_failed)
		return 0; /* the first one is told */
	c->config_failed = true;
	text = diag_to_string(d);
	error_set(&c->reason, -EINVAL, "%s", text ? text : "its file has errors");
	free(text);
	if (!c->settings && !container_is_active(c))
		c->s.state = CONTAINER_FAILED;
	return 0;
}

void containers_forget_failed(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->config_failed) {
			c->config_failed = false;
			c->reason = (struct error){0};
			if (c->s.state == CONTAINER_FAILED && !c->s.exit_code &&
			    c->s.result == RESULT_SUCCESS)
				c->s.state = CONTAINER_DEAD;
		}
}

void containers_start_wanted(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->wanted && c->settings && c->s.state == CONTAINER_DEAD && !c->p->ran)
			container_event(c, SUPERVISE_START);
	/* Those whose preparation waits for the first round. */
	containers_settle_soon(m);
}

void containers_restart_changed(struct manager *m)
{
	struct container *c, *tmp;

	HASH_ITER (hh, m->containers, c, tmp)
		if (c->settings && c->needs_restart && container_is_active(c))
			container_stop_ordered(c, true);
}
