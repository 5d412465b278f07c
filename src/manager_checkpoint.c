/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manager's side of the checkpoint: what the start finds, the deadline, confirming, and what is
 * refused meanwhile. Taking back is in operation_rollback.c. */
#include "manager_internal.h"

#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define USEC_PER_SEC 1000000ULL
#define RETRY_SPAN   USEC_PER_SEC

/* --- the deadline ------------------------------------------------------------------------------ */

static void on_deadline(struct ev_loop *loop, ev_io *w, int events)
{
	struct manager *m = w->data;
	uint64_t times;

	(void)loop;
	(void)events;
	if (read(w->fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
		return;
	manager_checkpoint_stop(m);
	if (m->checkpoint.state != CHECKPOINT_WAITING || m->p->rolling_back)
		return;
	log_warning("nobody has confirmed what was applied; what ran before comes back");
	m->p->rolling_back = true;
	if (operation_submit_expired(m) < 0) { /* no memory: try again soon */
		m->p->rolling_back = false;
		m->checkpoint.deadline = clock_boottime() + RETRY_SPAN;
		manager_checkpoint_wait(m, m->p->ran);
	}
}

void manager_checkpoint_stop(struct manager *m)
{
	ev_io *w = &m->p->deadline;

	if (!ev_is_active(w))
		return;
	ev_io_stop(m->loop, w);
	(void)close(w->fd);
}

/* A timerfd and not the loop's timer: that one stands still while the machine sleeps. */
static int start_deadline(struct manager *m)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(m->checkpoint.deadline / USEC_PER_SEC),
			     .tv_nsec = (long)(m->checkpoint.deadline % USEC_PER_SEC * 1000)}};
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	ev_io_init(&m->p->deadline, on_deadline, fd, EV_READ);
	m->p->deadline.data = m;
	ev_io_start(m->loop, &m->p->deadline);
	return 0;
}

void manager_checkpoint_wait(struct manager *m, struct desired *ran)
{
	struct desired *old = m->p->ran;
	int r;

	m->p->ran = ran ? desired_ref(ran) : NULL;
	desired_unref(old);
	manager_checkpoint_stop(m);
	r = start_deadline(m);
	if (r < 0) {
		log_error("the time to confirm cannot be watched: %s; what ran before comes back at once",
			  strerror(-r));
		m->p->rolling_back = operation_submit_expired(m) == 0;
	}
}

int manager_confirm(struct manager *m, struct error *err)
{
	if (m->p->rolling_back)
		return error_set(err, -EBUSY, "It is too late: what ran before is coming back already");
	if (m->checkpoint.state == CHECKPOINT_APPLYING)
		return error_set(err, -EBUSY, "It is still being applied; confirm when that is done");
	if (m->checkpoint.state != CHECKPOINT_WAITING)
		return error_set(err, -ENOENT, "Nothing waits to be confirmed");
	manager_checkpoint_forget(m);
	log_info("what was applied is confirmed");
	return 0;
}

void manager_checkpoint_forget(struct manager *m)
{
	int r = checkpoint_remove();

	if (r < 0)
		log_warning("could not remove %s: %s", CHECKPOINT_DIRECTORY, strerror(-r));
	manager_checkpoint_stop(m);
	desired_unref(m->p->ran);
	m->p->ran = NULL;
	m->checkpoint = (struct checkpoint){0};
	manager_notify_status(m);
}

void manager_checkpoint_rolled_back(struct manager *m, const char *reason)
{
	struct error err = {0};

	manager_checkpoint_stop(m);
	desired_unref(m->p->ran);
	m->p->ran = NULL;
	m->p->rolling_back = false;
	m->checkpoint.state = CHECKPOINT_ROLLED_BACK;
	m->checkpoint.deadline = 0;
	(void)str_format(m->checkpoint.reason, sizeof(m->checkpoint.reason), "%s", reason);
	if (checkpoint_write_state(&m->checkpoint, &err) < 0)
		log_warning("%s; the next start rolls back once more", err.text);
	log_warning(
		"%s: what ran before runs again; the files on disk are not in effect until the next apply",
		reason);
	manager_notify_status(m);
}

/* --- what is refused meanwhile ------------------------------------------------------------------- */

bool manager_checkpoint_refuses(struct manager *m, bool apply, struct error *err)
{
	char text[FORMAT_MAX];
	uint64_t now = clock_boottime(), left;

	switch (m->checkpoint.state) {
	case CHECKPOINT_WAITING:
		left = m->checkpoint.deadline > now ? m->checkpoint.deadline - now : 0;
		error_set(err, -EBUSY,
			  "What was applied last waits to be confirmed: run 'netnsctl confirm', or wait %s "
			  "until "
			  "what ran before is back",
			  format_usec((left + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC, text));
		return true;
	case CHECKPOINT_ROLLED_BACK:
		if (apply)
			return false;
		error_set(err, -EBUSY,
			  "The files on disk are not in effect, for the last apply was taken back: mend them "
			  "and "
			  "run 'netnsctl apply' first");
		return true;
	default: return false;
	}
}

/* --- reading it ---------------------------------------------------------------------------------- */

static const char *const with_restore[] = {CHECKPOINT_DIRECTORY "/restore", CHECKPOINT_DIRECTORY "/transient",
					   CHECKPOINT_DIRECTORY "/old", NULL};
static const char *const new_tree[] = {CHECKPOINT_DIRECTORY "/new", NULL};

static int load(struct manager *m, const char *const *directories, struct desired **ret, struct error *err)
{
	struct diags diags = {0};
	int r = manager_load_from(m, directories, CHECKPOINT_DIRECTORY "/addresses", &diags, ret);

	for (size_t i = 0; r == -EBADMSG && i < diags.count; i++) {
		char *text = diags.items[i].severity == DIAG_ERROR ? diag_to_string(&diags.items[i]) : NULL;

		if (!text)
			continue;
		(void)error_set(err, r, "%s", text);
		free(text);
		break;
	}
	diags_free(&diags);
	return r == -EBADMSG ? r : r < 0 ? error_set(err, r, "%s", strerror(-r)) : 0;
}

/* A value that the kernel had and the files may not have (there is none known) shall not be what prevents it.
 */
int manager_checkpoint_load(struct manager *m, bool restore, struct desired **ret, struct error *err)
{
	_cleanup_free_ char *addresses = restore ? checkpoint_read_file("addresses") : NULL;
	int r = restore ? load(m, with_restore, ret, err) : load(m, with_restore + 1, ret, err);

	if (r == -EBADMSG && restore) {
		log_warning("what the kernel had cannot all be put back: %s", err->text);
		r = load(m, with_restore + 1, ret, err);
	}
	if (r == 0 && addresses)
		checkpoint_order_addresses(*ret, addresses);
	return r;
}

static bool line_is(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, name, length) == 0 && (text[length] == '\n' || !text[length]))
			return true;
	}
	return false;
}

void manager_checkpoint_wanted(struct manager *m)
{
	_cleanup_free_ char *wanted = checkpoint_read_file("wanted");
	struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (wanted && u->netns && !u->netns->host)
			u->wanted = line_is(wanted, u->name);
}

/* --- the start ----------------------------------------------------------------------------------- */

static bool is_of_this_boot(const struct checkpoint *c)
{
	char boot_id[40];

	checkpoint_boot_id(boot_id);
	return strcmp(c->boot_id, boot_id) == 0;
}

/* Whether what is there has to be taken back now, or has been. */
static bool runs_old(const struct checkpoint *c, bool damaged)
{
	if (damaged || c->state == CHECKPOINT_APPLYING || c->state == CHECKPOINT_ROLLED_BACK)
		return true;
	return c->state == CHECKPOINT_WAITING && c->deadline <= clock_boottime();
}

static void give_up(struct manager *m, const char *why)
{
	log_error("%s: %s; the files on disk are used", CHECKPOINT_DIRECTORY, why);
	manager_checkpoint_forget(m);
}

/* These two are always written: without them the texts may be missing too, which would be as if nothing had
 * run. */
static bool is_whole(void)
{
	_cleanup_free_ char *wanted = checkpoint_read_file("wanted"),
			    *addresses = checkpoint_read_file("addresses");

	return wanted && addresses;
}

int manager_checkpoint_start(struct manager *m, struct desired **ret)
{
	struct checkpoint *c = &m->checkpoint;
	struct error err = {0}, ignored = {0};
	bool damaged = checkpoint_read(c, &err) < 0, done;

	if (damaged)
		log_warning("%s; what ran before it comes back", err.text);
	if (!damaged && c->state == CHECKPOINT_NONE)
		return 0;
	if (!damaged && !is_of_this_boot(c)) { /* a /run that outlives the machine */
		give_up(m, "it is from before a reboot");
		return 0;
	}
	if (!runs_old(c, damaged)) {
		manager_checkpoint_wait(m, NULL);
		return 0;
	}
	done = !damaged && c->state == CHECKPOINT_ROLLED_BACK;
	if (damaged && !is_whole()) {
		give_up(m, "it is not whole");
		return 0;
	}
	if (manager_checkpoint_load(m, !done, ret, &err) < 0) {
		give_up(m, err.text);
		return 0;
	}
	if (!done) {
		m->p->roll_back_at_start = true;
		if (load(m, new_tree, &m->p->taken_back, &ignored) < 0)
			m->p->taken_back = NULL;
	}
	if (damaged)
		checkpoint_boot_id(c->boot_id);
	return 1;
}
