/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the daemon starts: lock, checks, plugins, files, what is there already, the first round, READY;
 * and how it stops. */
#include "manager_internal.h"

#include "clock.h"
#include "container.h"
#include "fdstore.h"
#include "log.h"
#include "netns.h"
#include "parse.h"
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* --- checks ----------------------------------------------------------------------------------- */

static int check_capabilities(struct error *err)
{
	static const struct {
		cap_value_t cap;
		const char *why;
	} needed[] = {
		{CAP_SYS_ADMIN, "to make and name namespaces"},
		{CAP_NET_ADMIN, "to make links and addresses"},
		{CAP_NET_BROADCAST, "to hear what happens in namespaces"},
	};
	cap_t caps = cap_get_proc();
	int r = 0;

	for (size_t i = 0; caps && r == 0 && i < sizeof(needed) / sizeof(*needed); i++) {
		cap_flag_value_t set = CAP_CLEAR;
		char *name = cap_to_name(needed[i].cap);

		(void)cap_get_flag(caps, needed[i].cap, CAP_EFFECTIVE, &set);
		if (set != CAP_SET)
			r = error_set(err, -EPERM, "%s is missing, which is needed %s; run netnsd as root",
				      name ? name : "a capability", needed[i].why);
		cap_free(name);
	}
	cap_free(caps);
	return r;
}

static int make_directory(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return error_set(err, -errno, "could not make %s: %s", path, strerror(errno));
	return 0;
}

#define LOCK_TRIES 50 /* in one second */

/* A child that the daemon before was forking when it was killed holds the lock as well, until its exec. */
static int lock_patiently(int fd)
{
	const struct timespec nap = {.tv_nsec = 1000000000 / LOCK_TRIES};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&nap, NULL);
	}
	return -EBUSY;
}

static int take_lock(struct manager *m, struct error *err)
{
	int r = make_directory(RUN_DIRECTORY, 0755, err);

	if (r == 0)
		r = make_directory(LAST_GOOD_DIRECTORY, 0700, err);
	if (r == 0)
		r = make_directory(CONFIG_TRANSIENT_DIRECTORY, 0755, err);
	if (r < 0)
		return r;
	m->p->lock_fd = fdstore_take("lock"); /* of the program before this one */
	if (m->p->lock_fd >= 0)
		return 0;
	m->p->lock_fd = open(RUN_DIRECTORY "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->p->lock_fd < 0)
		return error_set(err, -errno, "could not open %s/lock: %s", RUN_DIRECTORY, strerror(errno));
	if (lock_patiently(m->p->lock_fd) < 0)
		return error_set(err, -EBUSY, "another netnsd runs already (it holds %s/lock); stop it first",
				 RUN_DIRECTORY);
	return 0;
}

/* One descriptor a namespace, and whatever clients bring. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("could not raise the limit of open files: %s", strerror(errno));
}

/* --- plugins and files ------------------------------------------------------------------------- */

static void plugin_report(const struct error *err, void *data)
{
	(void)data;
	log_error("%s", err->text);
}

static int load_plugins(struct manager *m, struct error *err)
{
	const char *directory = getenv("NETNSD_PLUGIN_PATH");
	int r;

	if (!directory || !*directory)
		directory = m->settings.plugin_directory ? m->settings.plugin_directory : NETNSD_PLUGIN_DIR;
	r = plugins_load(&m->registry, directory, false, plugin_report, NULL);
	if (r < 0)
		return error_set(err, r, "could not load plugins from %s: %s", directory, strerror(-r));
	if (m->registry.n_kinds == 0)
		log_warning("there is no plugin in %s; no kind of link is known", directory);
	return 0;
}

static void log_diags(const struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		char *text = diag_to_string(&diags->items[i]);

		log_write(diags->items[i].severity == DIAG_ERROR ? LOG_ERR : LOG_WARNING, NULL, "%s",
			  text ? text : "out of memory");
		free(text);
	}
	if (diags->dropped)
		log_error("%zu more messages about files are not shown", diags->dropped);
}

/* A bad setting keeps its default: the machine cannot be walked up to. */
static int load_settings(struct manager *m, struct error *err)
{
	struct diags diags = {0};
	int r = daemon_settings_load(config_directories(), &m->settings, &diags);

	log_diags(&diags);
	diags_free(&diags);
	if (r < 0)
		return error_set(err, r, "could not read netnsd.conf: %s", strerror(-r));
	log_set_level(m->settings.log_level);
	return 0;
}

static int mark_unit_failed(struct manager *m, const struct diag *d, const char *name)
{
	struct error reason = {0};
	struct unit *u;
	char *text;

	if (manager_ensure_unit(m, name, &u) < 0)
		return -ENOMEM;
	if (u->config_failed)
		return 0; /* the first one is told */
	u->config_failed = true;
	text = diag_to_string(d);
	error_set(&reason, -EINVAL, "%s", text ? text : "its file has errors");
	free(text);
	if (!u->netns)
		unit_set_state(u, NETNS_FAILED, &reason);
	return 0;
}

/* "NAME.netns" without its suffix. */
static bool is_object(const struct diag *d, const char *suffix, char *name, size_t size)
{
	if (!d->object || !str_ends_with(d->object, suffix))
		return false;
	(void)snprintf(name, size, "%.*s", (int)(strlen(d->object) - strlen(suffix)), d->object);
	return true;
}

int manager_mark_failed(struct manager *m, const struct diags *diags)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		char name[256];

		if (d->severity != DIAG_ERROR)
			continue;
		if (is_object(d, ".netns", name, sizeof(name)))
			r = mark_unit_failed(m, d, name);
		else if (is_object(d, ".container", name, sizeof(name)))
			r = containers_mark_failed(m, d, name);
	}
	return r;
}

static int load_files(struct manager *m, struct error *err)
{
	int r;

	(void)manager_memory_read(m);
	r = manager_checkpoint_start(m, &m->desired);
	if (r == 0)
		r = manager_load(m, false, &m->start_diags, &m->desired);
	else
		r = 0;
	if (r == 0)
		r = manager_sync_units(m);
	if (r == 0)
		r = containers_sync(m);
	if (r == 0)
		r = manager_mark_failed(m, &m->start_diags);
	log_diags(&m->start_diags);
	return r < 0 ? error_set(err, r, "could not read the configuration: %s", strerror(-r)) : 0;
}

/* --- the first round --------------------------------------------------------------------------- */

static void tell_ready(struct manager *m)
{
	if (m->p->ready)
		return;
	m->p->ready = true;
	ev_timer_stop(m->loop, &m->p->start_timeout);
	manager_send_status(m, "READY=1\n");
}

/* The first operation is over: everything has been tried once. */
void manager_start_over(struct manager *m)
{
	if (m->state == MANAGER_STOPPING) /* it came to its end on the way out */
		return;
	m->state = MANAGER_RUNNING;
	tell_ready(m);
	log_info("ready");
	operations_check_waiters(m);
	watch_audit_start(m);
	manager_retry_soon(m);
	containers_start_wanted(m);
	containers_begin_deferred(m);
}

static void start_timeout(struct ev_loop *loop, ev_timer *w, int events)
{
	struct manager *m = w->data;

	(void)loop;
	(void)events;
	log_warning("not every namespace is configured after TimeoutStartSec=; ready nevertheless, the rest "
		    "goes on");
	tell_ready(m);
}

/* What exists and is ours: declared or not, it has a unit from now on. */
static int take_entry(struct manager *m, struct scan_entry *e)
{
	struct unit *u;
	int r = manager_ensure_unit(m, e->name, &u);

	if (r < 0)
		return r;
	u->fd = e->fd;
	e->fd = -1;
	watch_set_nsid(u, e->nsid);
	u->wanted = u->netns != NULL; /* also with AutoStart=no: somebody took it up */
	return 0;
}

static void scan_done(struct job *job)
{
	struct scan *s = (struct scan *)job;
	struct manager *m = s->owner;
	int r = s->error.code;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = take_entry(m, &s->entries[i]);
	manager_load_applied(m);
	m->p->next_created = s->last_created + 1;
	m->p->next_adopted = s->last_adopted + 1;
	if (r == 0)
		r = containers_adopt(m, &s->error);
	if (r < 0) { /* not to know what is ours is no ground to go on */
		log_error("could not look at what exists: %s", s->error.code ? s->error.text : strerror(-r));
		m->failed = true;
		manager_stop(m);
	} else {
		if (m->taken_over)
			containers_take_strangers(m);
		fdstore_end();
		m->looking = false;
		if (m->looked)
			m->looked(m->looked_data);
		if (operation_submit_start(m) < 0) {
			m->failed = true;
			manager_stop(m);
		}
	}
	scan_clear(s);
}

static void start_scan(struct manager *m)
{
	m->p->scan.job.run = scan_run;
	m->p->scan.job.done = scan_done;
	m->p->scan.owner = m;
	m->p->scan.last_good = LAST_GOOD_DIRECTORY;
	m->looking = true;
	worker_pool_submit(m->workers, &m->p->scan.job);
	ev_timer_init(&m->p->start_timeout, start_timeout, (double)m->settings.timeout_start / 1e6, 0.);
	m->p->start_timeout.data = m;
	if (m->settings.timeout_start != USEC_INFINITY)
		ev_timer_start(m->loop, &m->p->start_timeout);
}

/* --- signals ----------------------------------------------------------------------------------- */

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)loop;
	(void)events;
	manager_stop(w->data);
}

static void reload_done(const struct operation_result *result, void *data)
{
	struct manager *m = data;

	log_diags(&result->diags);
	if (result->failure != FAILURE_NONE)
		log_error("reload: %s", result->error.code ? result->error.text : "some namespaces failed");
	manager_send_status(m, "READY=1\n");
}

static void reexec_refused(const struct error *err, void *data)
{
	(void)err;
	manager_send_status(data, "READY=1\n");
}

static void on_reload(struct ev_loop *loop, ev_signal *w, int events)
{
	struct error err = {0};
	struct operation_request request = {.type = OPERATION_APPLY};
	struct manager *m = w->data;

	(void)loop;
	(void)events;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic());
	/* The new program reads the files when it starts, and says READY=1. */
	if (manager_program_was_replaced(m) && manager_reexec(m, reexec_refused, m, &err) == 0)
		return;
	if (manager_start_operation(m, &request, reload_done, NULL, m, NULL) < 0)
		(void)sd_notify(0, "READY=1");
}

static void start_signals(struct manager *m)
{
	sigset_t set;

	ev_signal_init(&m->p->sigterm, on_stop, SIGTERM);
	ev_signal_init(&m->p->sigint, on_stop, SIGINT);
	ev_signal_init(&m->p->sighup, on_reload, SIGHUP);
	m->p->sigterm.data = m->p->sigint.data = m->p->sighup.data = m;
	ev_signal_start(m->loop, &m->p->sigterm);
	ev_signal_start(m->loop, &m->p->sigint);
	ev_signal_start(m->loop, &m->p->sighup);
	/* The program before this one blocked them (fdstore.h), and libev 4.33 leaves that so. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* --- start and stop ---------------------------------------------------------------------------- */

static int start_workers(struct manager *m, struct error *err)
{
	struct worker_setup setup = {
		.threads = m->settings.workers, .start = worker_thread_start, .stop = worker_thread_stop};
	int r = worker_pool_new(m->loop, &setup, &m->workers);

	return r < 0 ? error_set(err, r, "could not start workers: %s", strerror(-r)) : 0;
}

int manager_start(struct manager *m, struct error *err)
{
	int r;

	manager_take_over(m);
	r = manager_remember_program(m);
	if (r < 0)
		return error_set(err, r, "cannot tell the path of this program: %s", strerror(-r));
	(void)((r = load_settings(m, err)) < 0 || (r = check_capabilities(err)) < 0 ||
	       (r = netns_check_mount_namespace(err)) < 0 || (r = take_lock(m, err)) < 0 ||
	       (r = load_plugins(m, err)) < 0 || (r = load_files(m, err)) < 0);
	if (r < 0)
		return r;
	raise_descriptor_limit();
	r = watch_start(m, err);
	if (r == 0)
		r = start_workers(m, err);
	if (r < 0)
		return r;
	start_signals(m);
	manager_watchdog_start(m);
	start_scan(m);
	return 0;
}

void manager_stop(struct manager *m)
{
	if (m->state == MANAGER_STOPPING)
		return;
	m->state = MANAGER_STOPPING;
	(void)sd_notify(0, "STOPPING=1");
	log_info("stopping; namespaces stay as they are");
	ev_break(m->loop, EVBREAK_ALL);
}
