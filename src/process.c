/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Child processes and processes that somebody else started, by pidfd. Nothing here looks at SIGCHLD, and
 * nothing waits for "any" child: each process is waited for by its own descriptor, so that parts which know
 * nothing of each other can have children.
 */
#include "cleanup.h"
#include "nested.h"
#include "process_internal.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_DELAY    1.0  /* s; for others to reap their child, or until we try again with ours */
#define FAILURE_MAX   256  /* of the child's sentence, with its path */
#define UNRELEASED_MS 1000 /* for a killed child that has not even exec'd to go */

struct process {
	struct ev_loop *loop;
	ev_io ended;	  /* poll: it is dead; then, see process_lost(), it is reaped */
	ev_timer overdue; /* nobody reaps it */
	ev_io said;	  /* go: what failed in the child, or its exec */
	int pidfd, go;
	int poll; /* around the pidfd, see nested.h */
	pid_t pid;
	bool over, released, lost;
	char failure[FAILURE_MAX];
	process_exited_fn *exited;
	void *data;
};

static void process_stop(struct process *p)
{
	ev_io_stop(p->loop, &p->ended);
	ev_timer_stop(p->loop, &p->overdue);
	ev_io_stop(p->loop, &p->said);
}

static void process_hear(struct process *p)
{
	ssize_t n = p->go < 0 ? -1 : recv(p->go, p->failure, sizeof(p->failure) - 1, MSG_DONTWAIT);

	if (n > 0)
		p->failure[n] = '\0';
}

static void process_finish(struct process *p, int code, int status)
{
	process_hear(p); /* its end may be seen first */
	process_stop(p);
	p->over = true;
	p->exited(p, code, status, p->data); /* may free it */
}

/* struct pidfd_info of Linux 6.15, which Debian 12's headers do not have. */
struct exit_info {
	uint64_t mask, cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};
#define EXIT_INFO_MASK (UINT64_C(1) << 3)		 /* PIDFD_INFO_EXIT */
#define EXIT_INFO_GET  _IOWR(0xFF, 11, struct exit_info) /* PIDFD_GET_INFO */

/* How a process ended that is not our child: the kernel tells since 6.15, once it is reaped. */
static bool process_ask(const struct process *p, int *ret_code, int *ret_status)
{
	struct exit_info info = {.mask = EXIT_INFO_MASK};
	int s;

	if (ioctl(p->pidfd, EXIT_INFO_GET, &info) < 0 || !(info.mask & EXIT_INFO_MASK))
		return false;
	s = info.exit_code;
	*ret_code = WIFEXITED(s) ? CLD_EXITED : WCOREDUMP(s) ? CLD_DUMPED : CLD_KILLED;
	*ret_status = WIFEXITED(s) ? WEXITSTATUS(s) : WTERMSIG(s);
	return true;
}

static void process_told(struct process *p)
{
	int code = 0, status = 0;

	if (!process_ask(p, &code, &status))
		code = 0;
	process_finish(p, code, status);
}

static void on_reaped(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	process_told(w->data);
}

static void on_overdue(struct ev_loop *loop, ev_timer *w, int events)
{
	struct process *p = w->data;

	(void)events;
	if (p->lost)
		process_told(p);
	else
		ev_io_start(loop, &p->ended);
}

/* Dead, but not ours to reap. Who polls a pidfd is woken by its hang-up (6.9) when it is reaped; input is
 * there already, and not asked for any more. */
static void process_lost(struct process *p)
{
	struct epoll_event event = {.events = 0};
	int code, status;

	if (process_ask(p, &code, &status)) {
		process_finish(p, code, status);
		return;
	}
	p->lost = true;
	ev_io_stop(p->loop, &p->ended);
	if (epoll_ctl(p->poll, EPOLL_CTL_MOD, p->pidfd, &event) == 0) {
		ev_set_cb(&p->ended, on_reaped);
		ev_io_start(p->loop, &p->ended);
	}
	ev_timer_set(&p->overdue, REAP_DELAY, 0.);
	ev_timer_start(p->loop, &p->overdue);
}

static void on_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct process *p = w->data;
	siginfo_t info = {0};

	(void)events;
	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid != 0)
			process_finish(p, info.si_code, info.si_status);
	} else if (errno == ECHILD) {
		process_lost(p);
	} else { /* ours, so nobody else reaps it: again in a while */
		ev_io_stop(loop, w);
		ev_timer_set(&p->overdue, REAP_DELAY, 0.);
		ev_timer_start(loop, &p->overdue);
	}
}

/* The end of file is its exec: there is nothing more to be heard. */
static void on_said(struct ev_loop *loop, ev_io *w, int events)
{
	struct process *p = w->data;

	(void)events;
	process_hear(p);
	ev_io_stop(loop, w);
	(void)close(steal_fd(p->go));
}

static struct process *process_new(struct ev_loop *loop, process_exited_fn *exited, void *data)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct process){
		.loop = loop, .pidfd = -1, .go = -1, .poll = -1, .exited = exited, .data = data};
	ev_init(&p->ended, on_ended);
	ev_init(&p->overdue, on_overdue);
	ev_init(&p->said, on_said);
	p->ended.data = p->overdue.data = p->said.data = p;
	return p;
}

static int process_watch(struct process *p, pid_t pid, int pidfd)
{
	p->pid = pid;
	p->pidfd = pidfd;
	p->poll = nested_epoll(pidfd);
	if (p->poll < 0)
		return p->poll;
	ev_io_set(&p->ended, p->poll, EV_READ);
	ev_io_start(p->loop, &p->ended);
	return 0;
}

/* The header of the journal's stream protocol: identifier, unit (it finds that itself), priority, no "<N>"
 * prefixes, forwarded nowhere. */
static int child_prepare(const struct process_spec *spec, int go, struct process_child *c)
{
	int n;

	*c = (struct process_child){.spec = spec, .go = go, .journal.sun_family = AF_UNIX};
	if (spec->n_keep > sizeof(spec->keep) / sizeof(*spec->keep) || !spec->argv[0])
		return -EINVAL;
	if (spec->output >= 0 || !spec->journal_identifier)
		return 0;
	if (strchr(spec->journal_identifier, '\n')) /* would be taken for the next line */
		return -EINVAL;
	(void)snprintf(c->journal.sun_path, sizeof(c->journal.sun_path), "%s", PROCESS_JOURNAL_SOCKET);
	n = snprintf(c->header, sizeof(c->header), "%s\n\n6\n0\n0\n0\n0\n", spec->journal_identifier);
	if (n < 0 || (size_t)n >= sizeof(c->header))
		return -E2BIG;
	c->header_length = (size_t)n;
	return 0;
}

/* As fork() does it, but into a cgroup (5.7). glibc has no way to say so; that it prepares nothing for a
 * child which is about to allocate is fine: ours does not. */
static pid_t fork_into(int cgroup)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)(unsigned)cgroup};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* With all signals blocked, until the child has its own handlers: see child_signals(). */
static pid_t child_fork(struct process_child *c)
{
	sigset_t all, before;
	pid_t pid;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = c->spec->cgroup > 0 ? fork_into(c->spec->cgroup) : fork();
	if (pid == 0)
		process_child_run(c);
	e = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = e;
	return pid;
}

/* Without a descriptor it could not be watched: it is not released, so it ends by itself. */
static int child_abandon(pid_t pid, int e)
{
	(void)kill(pid, SIGKILL); /* ours, and not reaped: the number is still its own */
	for (int i = 0; i < EINTR_TRIES && waitpid(pid, NULL, 0) < 0 && errno == EINTR; i++)
		;
	return e;
}

int process_spawn(struct ev_loop *loop, const struct process_spec *spec, process_exited_fn *exited,
		  void *data, struct process **ret, struct error *err)
{
	_cleanup_close_ int child_end = -1;
	struct process_child child;
	struct process *p;
	int pair[2], pidfd, r;
	pid_t pid;

	/* A socket, for writing to a dead child must not raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, -errno, "cannot start %s: cannot make a pair of sockets: %m",
				 spec->argv[0]);
	child_end = pair[1];
	p = process_new(loop, exited, data);
	if (!p) {
		(void)close(pair[0]);
		return error_set(err, -ENOMEM, "cannot start %s: out of memory", spec->argv[0]);
	}
	p->go = pair[0];
	r = child_prepare(spec, child_end, &child);
	if (r < 0) {
		process_free(p);
		return error_set(err, r, "cannot start a process: what it is to be is not valid");
	}
	pid = child_fork(&child);
	pidfd = pid < 0 ? -1 : pidfd_open(pid, 0); /* CLOEXEC by itself */
	r = pidfd < 0 ? -errno : process_watch(p, pid, pidfd);
	if (r < 0) {
		r = pid < 0 ? r : child_abandon(pid, r);
		process_free(p);
		errno = -r;
		return error_set(err, r, "cannot start %s: %s: %m", spec->argv[0],
				 pid < 0 ? "cannot fork" : "cannot watch it");
	}
	*ret = p;
	return 0;
}

int process_release(struct process *p)
{
	ssize_t n;

	if (p->go < 0 || p->released)
		return -EALREADY;
	p->released = true;
	n = send(p->go, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (p->over)
		return -ESRCH;
	ev_io_set(&p->said, p->go, EV_READ);
	ev_io_start(p->loop, &p->said);
	return n == 1 ? 0 : -ESRCH;
}

const char *process_failure(const struct process *p)
{
	return p->failure[0] ? p->failure : NULL;
}

int process_adopt(struct ev_loop *loop, int pidfd, pid_t pid, process_exited_fn *exited, void *data,
		  struct process **ret)
{
	struct process *p;
	int fd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3), r;

	if (fd < 0)
		return -errno;
	p = process_new(loop, exited, data);
	if (!p) {
		(void)close(fd);
		return -ENOMEM;
	}
	r = process_watch(p, pid, fd);
	if (r < 0) {
		process_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

pid_t process_pid(const struct process *p)
{
	return p->pid;
}

int process_pidfd(const struct process *p)
{
	return p->pidfd;
}

int process_signal(const struct process *p, int signal)
{
	if (p->over)
		return -ESRCH;
	return pidfd_send_signal(p->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

/* It is ours, and nobody will hear of it: killed and reaped here, so that no zombie stays. */
static void process_discard(struct process *p)
{
	struct pollfd poll_for = {.fd = p->pidfd, .events = POLLIN};
	siginfo_t info = {0};

	(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
	for (int i = 0; i < EINTR_TRIES && poll(&poll_for, 1, UNRELEASED_MS) < 0 && errno == EINTR; i++)
		;
	(void)waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
}

void process_free(struct process *p)
{
	if (!p)
		return;
	process_stop(p);
	if (p->go >= 0 && !p->released && p->pidfd >= 0 && !p->over)
		process_discard(p);
	for (size_t i = 0; i < 3; i++) {
		int fd = (const int[]){p->go, p->poll, p->pidfd}[i];

		if (fd >= 0)
			(void)close(fd);
	}
	free(p);
}

const char *exit_code_to_string(int code, int status, char *buffer, size_t size)
{
	const char *name = code == CLD_EXITED ? NULL : sigabbrev_np(status);

	if (code == CLD_EXITED)
		(void)str_format(buffer, size, "exited, status=%d", status);
	else if (code != CLD_KILLED && code != CLD_DUMPED)
		(void)str_format(buffer, size, "ended, status unknown");
	else if (name)
		(void)str_format(buffer, size, "%s, signal=%s", code == CLD_DUMPED ? "dumped" : "killed",
				 name);
	else
		(void)str_format(buffer, size, "%s, signal=%d", code == CLD_DUMPED ? "dumped" : "killed",
				 status);
	return buffer;
}
