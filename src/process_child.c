/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a child does between fork and exec. The daemon has threads, so another one may have held any lock
 * (of malloc, of stdio) when this one was copied: only calls that are safe in a signal handler are made here,
 * and everything they need was made before.
 */
#include "process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define JOURNAL_TIMEOUT	   5		     /* s, for connecting: a journal that hangs holds up no start */
#define JOURNAL_SNDBUF	   (8 * 1024 * 1024) /* as sd_journal_stream_fd() has it */
#define SIGNALS		   64
#define SELECT_DESCRIPTORS 1024 /* what select() can take */

/* strerrordesc_np() is safe here, strerror() is not. The output goes where the program's would have gone, and
 * the sentence alone to the daemon. */
static void child_fail(const struct process_child *c, int status, const char *what, const char *name)
	__attribute__((noreturn));
static void child_fail(const struct process_child *c, int status, const char *what, const char *name)
{
	const char *words[] = {"netnsd: ", what, name, ": ", strerrordesc_np(errno), "\n"};
	struct iovec parts[sizeof(words) / sizeof(*words)];
	const struct msghdr sentence = {.msg_iov = parts + 1,
					.msg_iovlen = sizeof(words) / sizeof(*words) - 2};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		parts[i] = (struct iovec){(void *)(uintptr_t)words[i], words[i] ? strlen(words[i]) : 0};
	(void)!writev(STDERR_FILENO, parts, sizeof(words) / sizeof(*words));
	(void)sendmsg(c->go, &sentence, MSG_NOSIGNAL);
	_exit(status);
}

/* A signal that is ignored stays so over an exec, and handlers of ours must not run in the child: libev's
 * would write into a pipe that is the daemon's too. That is why all are blocked from before the fork. */
static void child_signals(const struct process_child *c)
{
	const unsigned long standard[8] = {0}; /* the kernel's own struct, whatever its order: SIG_DFL is 0 */
	sigset_t none;

	/* Not sigaction(), which leaves out two that glibc uses: whoever started us may have ignored them. */
	for (long i = 1; i <= SIGNALS; i++)
		(void)syscall(SYS_rt_sigaction, i, standard, NULL, SIGNALS / 8);
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		child_fail(c, PROCESS_EXIT_SIGNAL_MASK, "cannot unblock ", "signals");
}

/* The daemon raises its soft limit for its own use; programs that select() would write beyond their sets. */
static void child_limits(const struct process_child *c)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		child_fail(c, PROCESS_EXIT_LIMITS, "cannot read ", "the limit of its descriptors");
	if (limit.rlim_cur <= SELECT_DESCRIPTORS)
		return;
	limit.rlim_cur = SELECT_DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		child_fail(c, PROCESS_EXIT_LIMITS, "cannot set ", "the limit of its descriptors");
}

/* First out of the way, then to their places: source and place may be any numbers. The copies are closed
 * with all the rest, also the ends of other children's pipes: else one that waits would not see the daemon
 * die. */
static void child_descriptors(struct process_child *c)
{
	const struct process_spec *s = c->spec;
	int n = (int)s->n_keep, above = 3 + n + 1, keep[8] = {-1}, go, null, output;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		child_fail(c, PROCESS_EXIT_STDIN, "cannot open ", "/dev/null");
	null = fcntl(null, F_DUPFD, above);
	output = s->output >= 0 ? fcntl(s->output, F_DUPFD, above) : null;
	go = fcntl(c->go, F_DUPFD, above);
	if (null < 0 || output < 0 || go < 0)
		child_fail(c, PROCESS_EXIT_FDS, "cannot duplicate ", "its output");
	c->go = go; /* the old number may be one of those places */
	for (int i = 0; i < n; i++) {
		keep[i] = fcntl(s->keep[i], F_DUPFD, above);
		if (keep[i] < 0)
			child_fail(c, PROCESS_EXIT_FDS, "cannot duplicate ", "a descriptor it is to have");
	}
	if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		child_fail(c, PROCESS_EXIT_FDS, "cannot set ", "stdin and output");
	for (int i = 0; i < n; i++)
		if (dup2(keep[i], 3 + i) < 0)
			child_fail(c, PROCESS_EXIT_FDS, "cannot set ", "a descriptor it is to have");
	if (dup3(go, 3 + n, O_CLOEXEC) < 0 || close_range((unsigned)above, ~0U, 0) < 0)
		child_fail(c, PROCESS_EXIT_FDS, "cannot close ", "the daemon's descriptors");
	c->go = 3 + n;
}

static void child_wait(const struct process_child *c)
{
	char byte;
	ssize_t n;

	do
		n = read(c->go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		child_fail(c, PROCESS_EXIT_FDS, "cannot wait for ", "the daemon");
	if (n == 0)
		_exit(0);
}

/* By itself and only now, in its cgroup: the journal looks there for the unit its lines belong to. Without a
 * journal the output stays /dev/null. */
static void child_journal(const struct process_child *c)
{
	struct timeval timeout = {.tv_sec = JOURNAL_TIMEOUT};
	const int size = JOURNAL_SNDBUF;
	int fd;

	if (c->header_length == 0)
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (connect(fd, (const struct sockaddr *)&c->journal, sizeof(c->journal)) == 0 &&
	    send(fd, c->header, c->header_length, MSG_NOSIGNAL) == (ssize_t)c->header_length) {
		timeout.tv_sec = 0;
		(void)shutdown(fd, SHUT_RD);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
	(void)close(fd);
}

void process_child_run(struct process_child *c)
{
	child_signals(c);
	if (setsid() < 0)
		child_fail(c, PROCESS_EXIT_SETSID, "cannot make ", "a session of its own");
	(void)umask(022);
	if (chdir("/") < 0)
		child_fail(c, PROCESS_EXIT_CHDIR, "cannot change to ", "/");
	child_descriptors(c);
	child_limits(c);
	child_wait(c);
	child_journal(c);
	(void)execve(c->spec->argv[0], c->spec->argv, c->spec->environment);
	child_fail(c, PROCESS_EXIT_EXEC, "cannot execute ", c->spec->argv[0]);
}
