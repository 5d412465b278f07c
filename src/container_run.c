/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process of a container and what it tells: nspawn by its notify socket and its end, the payload's init
 * by a pidfd, a watchdog on nspawn, a health check of what is inside. */
#include "container_internal.h"

#include "cleanup.h"
#include "container_record.h"
#include "fdstore.h"
#include "log.h"
#include "nspawn.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHILDREN_MAX 64	   /* of nspawn; it has a handful */
#define EXEC_DELAY   0.002 /* s between two looks whether the payload was executed: it takes a few ms */
#define LEADER_DELAY 1.	   /* s */
#define RESOLV_CONF  "/etc/netns/%s/resolv.conf"

bool container_log_is_journal(void)
{
	return access("/run/systemd/journal/stdout", W_OK) == 0;
}

/* --- health ------------------------------------------------------------------------------------- */

static void health_changed(enum health_state state, const char *text, void *data)
{
	struct container *c = data;

	c->health = state;
	(void)str_format(c->health_text, sizeof(c->health_text), "%s", text);
	container_log(c, state == HEALTH_UNHEALTHY ? LOG_WARNING : LOG_INFO, "%s%s%s",
		      health_state_to_string(state), *text ? ": " : "", text);
	if (state == HEALTH_UNHEALTHY && c->running->health_action != HEALTH_REPORT)
		container_event(c, SUPERVISE_UNHEALTHY);
}

static void start_health(struct container *c)
{
	const struct container_settings *s = c->running;
	struct health_spec spec;
	int r;

	if (c->p->health || !s || (!s->health_cmd && !s->health_tcp))
		return;
	spec = (struct health_spec){.command = s->health_cmd,
				    .tcp = s->health_tcp,
				    .interval = s->health_interval,
				    .retries = s->health_retries,
				    .leader = c->leader,
				    .leader_pidfd = c->p->leader_pidfd,
				    .netns_fd = c->p->netns_fd};
	r = health_new(c->manager->loop, c->manager->workers, &spec, health_changed, c, &c->p->health);
	if (r < 0)
		container_log(c, LOG_WARNING, "its health is not looked at: %s", strerror(-r));
	else
		c->health = HEALTH_UNKNOWN;
}

/* --- watchdog: nspawn pings at half of it ------------------------------------------------------- */

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	container_event(w->data, SUPERVISE_WATCHDOG);
}

static void feed_watchdog(struct container *c)
{
	ev_timer *w = &c->p->watchdog;

	ev_timer_stop(c->manager->loop, w);
	if (!c->running || c->running->watchdog == 0 || c->running->watchdog == USEC_INFINITY ||
	    c->s.state != CONTAINER_RUNNING)
		return;
	ev_timer_init(w, on_silence, (double)c->running->watchdog / 1e6, 0.);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

void container_running(struct container *c)
{
	c->p->slot = false;
	container_host_watch(c->manager);
	feed_watchdog(c);
	start_health(c);
}

/* --- what nspawn tells -------------------------------------------------------------------------- */

/* The child of nspawn that is PID 1 in a namespace of its own: what X_NSPAWN_LEADER_PID= said, or would have
 * said, to a daemon that was not there. 0: there is none. */
static pid_t find_leader(pid_t nspawn)
{
	pid_t children[CHILDREN_MAX];
	int n = process_children(nspawn, children, CHILDREN_MAX);

	for (int i = 0; i < n; i++) {
		_cleanup_fclose_ FILE *status = NULL;
		char path[64], text[1024];

		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)children[i]);
		status = fopen(path, "re");
		while (status && fgets(text, sizeof(text), status))
			if (str_starts_with(text, "NSpid:") && str_ends_with(text, "\t1\n"))
				return children[i];
	}
	return 0;
}

static void take_leader(struct container *c, pid_t leader);

static void on_leader(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;
	pid_t leader = c->leader ? 0 : find_leader(c->pid);

	(void)events;
	if (leader > 0)
		take_leader(c, leader);
	if (!c->leader)
		return;
	ev_timer_stop(loop, w);
	if (c->s.state == CONTAINER_RUNNING)
		container_running(c);
}

/* There is no descriptor to be had: it is told only once, so it is looked for later. */
static void take_leader_later(struct container *c)
{
	ev_timer *w = &c->p->late_leader;

	if (ev_is_active(w))
		return;
	ev_timer_init(w, on_leader, LEADER_DELAY, LEADER_DELAY);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

static void take_leader(struct container *c, pid_t leader)
{
	int fd = c->leader ? -1 : pidfd_open(leader, 0);

	if (!c->leader && fd < 0 && errno == ESRCH)
		c->p->leader_gone = true; /* nspawn's end comes */
	if (c->leader || c->p->leader_gone)
		return;
	if (fd >= 0) {
		c->p->leader_pidfd = fd;
		c->leader = leader;
	} else {
		take_leader_later(c);
	}
	container_event(c, SUPERVISE_LEADER);
	container_record_save(c);
}

/* Whose exec makes it the payload: the leader's, or with ProcessTwo= that of its first child, as it stays
 * nspawn's stub itself. 0: not there yet, or no longer; -1: cannot be told. */
static pid_t payload_of(const struct container *c)
{
	pid_t pid = 0;
	int n;

	if (!nspawn_has_stub(c->running))
		return c->leader;
	n = process_children(c->leader, &pid, 1);
	return n < 0 ? -1 : pid;
}

/* READY=1 without NotifyReady= comes before nspawn's child has become the payload (252, 257). */
static bool is_payload(const struct container *c)
{
	char path[64], nspawn[512], payload[512];
	pid_t pid = payload_of(c);
	ssize_t n, l;

	if (pid <= 0)
		return pid < 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)c->pid);
	n = readlink(path, nspawn, sizeof(nspawn));
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	l = readlink(path, payload, sizeof(payload));
	if (l < 0) /* it has ended: nspawn's end comes */
		return false;
	return n != l || memcmp(nspawn, payload, (size_t)n) != 0;
}

/* Then it would run, and stop being one that could not even be executed, a moment too early. */
static void on_exec(struct ev_loop *loop, ev_timer *w, int events)
{
	struct container *c = w->data;

	(void)events;
	if (c->leader && !is_payload(c))
		return;
	ev_timer_stop(loop, w);
	container_event(c, SUPERVISE_READY);
}

static void take_ready(struct container *c)
{
	ev_timer *w = &c->p->exec;

	if (ev_is_active(w))
		return;
	if (!c->running || c->running->notify_ready || (!c->leader && !c->p->leader_gone) || is_payload(c)) {
		container_event(c, SUPERVISE_READY);
		return;
	}
	c->p->told_ready = true;
	if (c->p->leader_gone)
		return;
	ev_timer_init(w, on_exec, EXEC_DELAY, EXEC_DELAY);
	w->data = c;
	ev_timer_start(c->manager->loop, w);
}

static void received(const struct notify_message *message, void *data)
{
	struct container *c = data;

	if (message->has_status)
		(void)str_format(c->status_text, sizeof(c->status_text), "%s", message->status);
	if (message->error)
		c->p->told_error = message->error;
	if (message->leader > 0)
		take_leader(c, message->leader);
	if (message->watchdog)
		feed_watchdog(c);
	if (message->ready)
		take_ready(c);
}

/* How one ended whose status nobody can tell any more: nspawn says before (252, 257). */
static void infer_end(const struct container *c, struct supervise_input *in)
{
	if (c->p->told_error)
		return;
	if (str_equal(c->status_text, "Restarting..."))
		in->status = EXIT_REBOOT;
	else if (!str_equal(c->status_text, "Terminating..."))
		return;
	in->code = CLD_EXITED;
}

/* Executed, done and gone before anybody could see it run: that was no failure to start. (A status that is
 * one may as well be nspawn's own, who could not execute it.) */
static bool was_ready(const struct container *c, const struct supervise_input *in)
{
	return c->p->told_ready && c->s.state == CONTAINER_START && c->running &&
	       restart_classify(&c->running->restart, in->code, in->status) == RESULT_SUCCESS;
}

static void ended(struct process *process, int code, int status, void *data)
{
	struct container *c = data;
	struct supervise_input in = {.event = SUPERVISE_EXITED, .code = code, .status = status};
	char text[64];

	in.failure = process_failure(process);
	if (c->p->notify) /* what it said before its end comes first */
		notify_socket_drain(c->p->notify);
	if (c->p->taken && container_never_began(c, code, status)) {
		container_begin_anew(c);
		return;
	}
	in.own_error = c->p->told_error != 0;
	if (in.code == 0)
		infer_end(c, &in);
	if (was_ready(c, &in))
		container_event(c, SUPERVISE_READY);
	if (in.code == 0)
		container_log(c, LOG_NOTICE,
			      "nspawn has ended; how is not known, as another netnsd started it: taken for a "
			      "failure");
	container_log(c, LOG_DEBUG, "nspawn has %s", exit_code_to_string(code, status, text, sizeof(text)));
	container_event_full(c, &in);
}

/* Of its descriptors in systemd's store. */
static void store_name(const struct container *c, const char *what, char name[FDSTORE_NAME_MAX + 1])
{
	(void)snprintf(name, FDSTORE_NAME_MAX + 1, "%s-%s", what, c->name);
}

static void store(const struct container *c)
{
	char name[FDSTORE_NAME_MAX + 1];

	store_name(c, "pidfd", name);
	fdstore_keep(name, process_pidfd(c->p->process));
	if (!c->p->notify)
		return;
	store_name(c, "notify", name);
	fdstore_keep(name, notify_socket_fd(c->p->notify));
}

static void unstore(const struct container *c)
{
	char name[FDSTORE_NAME_MAX + 1];

	store_name(c, "pidfd", name);
	fdstore_drop(name);
	store_name(c, "notify", name);
	fdstore_drop(name);
}

int container_run_hand_over(const struct container *c, struct handover *h)
{
	char name[FDSTORE_NAME_MAX + 1];
	int r;

	if (!c->p->process || !c->p->notify)
		return 0;
	store_name(c, "pidfd", name);
	r = handover_add(h, name, process_pidfd(c->p->process), "", 0);
	store_name(c, "notify", name);
	return r < 0 ? r : handover_add(h, name, notify_socket_fd(c->p->notify), "", 0);
}

static void socket_path(const struct container *c, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", NOTIFY_DIRECTORY, c->name);
}

static void let_go(struct container *c)
{
	struct container_private *p = c->p;

	ev_timer_stop(c->manager->loop, &p->watchdog);
	ev_timer_stop(c->manager->loop, &p->exec);
	ev_timer_stop(c->manager->loop, &p->deaf);
	ev_timer_stop(c->manager->loop, &p->late_leader);
	health_free(steal_pointer(p->health));
	process_free(steal_pointer(p->process));
	console_guard_free(steal_pointer(p->guard));
	if (p->leader_pidfd >= 0)
		(void)close(steal_fd(p->leader_pidfd));
	c->pid = c->leader = 0;
	p->pid_started = p->leader_started = 0;
	p->told_error = 0;
	p->told_ready = p->leader_gone = false;
	c->health = HEALTH_NONE;
	c->health_text[0] = c->status_text[0] = '\0';
}

void container_run_ended(struct container *c)
{
	char path[128];

	if (c->p->process)
		unstore(c);
	notify_socket_free(steal_pointer(c->p->notify));
	socket_path(c, path, sizeof(path)); /* left by one that ended while nobody looked */
	(void)unlink(path);
	let_go(c);
}

void container_run_leave(struct container *c)
{
	notify_socket_leave(steal_pointer(c->p->notify));
	let_go(c);
}

/* --- its start ---------------------------------------------------------------------------------- */

static int make_socket(struct container *c, char *path, size_t size, struct error *err)
{
	if (mkdir(NOTIFY_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make %s: %m", NOTIFY_DIRECTORY);
	socket_path(c, path, size);
	return notify_socket_new(c->manager->loop, path, received, c, &c->p->notify, err);
}

/* A file, when there is no journal: a console that cannot be written is no reason not to start. */
static int open_console(struct container *c, struct process_spec *spec, char *identifier, size_t size)
{
	struct error err = {0};
	char path[160];
	int r;

	spec->output = -1;
	if (container_log_is_journal()) {
		(void)snprintf(identifier, size, "netnsd/%s", c->name);
		spec->journal_identifier = identifier;
		return -1;
	}
	r = console_open(c->name, &spec->output, &err);
	if (r == 0 && console_path(c->name, path, sizeof(path)) >= 0)
		r = console_guard_new(c->manager->loop, path, &c->p->guard);
	if (r == 0)
		return spec->output;
	container_log(c, LOG_WARNING, "its console is not kept: %s", err.code ? err.text : strerror(-r));
	if (spec->output >= 0) /* it could grow without a bound */
		(void)close(spec->output);
	return spec->output = -1;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int make_arguments(struct container *c, const char *notify, char ***argv, char ***environment,
			  struct error *err)
{
	const struct container_settings *s = c->running;
	struct container_host *h;
	struct nspawn_run run = {.root = c->p->root.path,
				 .credentials_directory = c->p->root.credentials,
				 .credential_ids = c->p->root.credential_ids,
				 .exists = exists};
	char resolv[sizeof(RESOLV_CONF) + 256];
	int r = nspawn_kept(&run.features, err);

	if (r == 0)
		r = container_host_get(c->manager, &h, err);
	if (r < 0)
		return r;
	run.registered = s->registration != REGISTER_NO && h->bus;
	if (c->p->netns_fd >= 0) {
		run.netns_path = "/proc/self/fd/3";
		(void)snprintf(resolv, sizeof(resolv), RESOLV_CONF, s->netns);
		if (access(resolv, F_OK) == 0)
			run.resolv_conf = resolv;
	}
	r = nspawn_argv(s, &run, argv, err);
	return r < 0 ? r : nspawn_environment(s, notify, environment);
}

int container_spawn(struct container *c, struct error *err)
{
	_cleanup_(strv_freep) char **argv = NULL, **environment = NULL;
	_cleanup_close_ int console = -1, cgroup = -1;
	struct process_spec spec = {0};
	char notify[128], identifier[96];
	int r = make_socket(c, notify, sizeof(notify), err);

	if (r == 0)
		r = make_arguments(c, notify, &argv, &environment, err);
	if (r < 0)
		return err->code ? r : error_set(err, r, "cannot prepare its nspawn: %s", strerror(-r));
	spec.argv = argv;
	spec.environment = environment;
	if (c->p->netns_fd >= 0)
		spec.keep[spec.n_keep++] = c->p->netns_fd;
	cgroup = open(c->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cgroup >= 0)
		spec.cgroup = cgroup;
	else if (errno != ENOENT || !c->manager->p->container_host->bus) /* a scope is not there yet */
		return error_set(err, -errno, "cannot open its cgroup %s: %m", c->cgroup);
	console = open_console(c, &spec, identifier, sizeof(identifier));
	r = process_spawn(c->manager->loop, &spec, ended, c, &c->p->process, err);
	if (r < 0)
		return r;
	c->pid = process_pid(c->p->process);
	notify_socket_expect(c->p->notify, c->pid);
	return 0;
}

/* --- taking over one that an earlier daemon started ------------------------------------------------ */

/* From the store with what was said meanwhile, else a new one, which nspawn finds by its path. 1: from the
 * store. Without one it still runs, only nobody hears what it says. */
static int take_socket(struct container *c)
{
	char path[128], name[FDSTORE_NAME_MAX + 1];
	struct error err = {0};
	int r, fd;

	store_name(c, "notify", name);
	fd = fdstore_take(name);
	socket_path(c, path, sizeof(path));
	r = fd < 0 ? make_socket(c, path, sizeof(path), &err)
		   : notify_socket_adopt(c->manager->loop, fd, path, received, c, &c->p->notify, &err);
	if (r < 0)
		container_log(c, LOG_WARNING, "what it says from now on is not heard: %s", err.text);
	return r == 0 && fd >= 0;
}

int container_process_take(struct container *c, pid_t pid, uint64_t started)
{
	char path[160], name[FDSTORE_NAME_MAX + 1];
	_cleanup_close_ int pidfd = -1;
	int r;

	store_name(c, "pidfd", name);
	pidfd = fdstore_take(name); /* it was opened before the end, so it can tell how that was */
	if (pidfd < 0)
		pidfd = process_open(pid, started);
	if (pidfd < 0)
		return pidfd;
	r = process_adopt(c->manager->loop, pidfd, pid, ended, c, &c->p->process);
	if (r < 0)
		return r;
	c->pid = pid;
	c->p->pid_started = started;
	c->p->taken = true;
	r = take_socket(c);
	if (c->p->notify)
		notify_socket_expect(c->p->notify, pid);
	store(c);
	if (!container_log_is_journal() && console_path(c->name, path, sizeof(path)) >= 0)
		(void)console_guard_new(c->manager->loop, path, &c->p->guard);
	return r;
}

/* Ready is who executes the payload; with NotifyReady= it says so, once, and nobody may have heard it. */
void container_look_for_ready(struct container *c, bool heard)
{
	pid_t leader = c->leader ? c->leader : find_leader(c->pid);

	if (leader > 0)
		take_leader(c, leader);
	if (!c->running || c->running->notify_ready) {
		c->p->unheard = !heard;
		if (!heard)
			container_log(
				c, LOG_NOTICE,
				"whether it said that it is ready while netnsd did not run is not known; "
				"it is waited for, and taken for ready at the end of TimeoutStartSec=");
	} else if (c->leader) {
		take_ready(c);
	}
}

/* Written down when it was due, and that it was sent was not: to the payload itself, since a second one to
 * nspawn would kill that. */
void container_signal_again(struct container *c)
{
	if (c->p->sent >= c->s.signals)
		return;
	if (c->s.signals == 1 && c->p->leader_pidfd >= 0 && c->running)
		(void)pidfd_send_signal(c->p->leader_pidfd, container_stop_signal(c), NULL, 0);
	else if (c->p->process)
		(void)process_signal(c->p->process, c->s.leader ? SIGTERM : SIGINT);
	c->p->sent = c->s.signals;
	container_record_save(c);
}

/* What goes wrong in the child is told by its end. */
void container_launch(struct container *c)
{
	c->p->ran = true;
	if (!c->p->process)
		return;
	store(c);
	(void)process_release(c->p->process);
}
