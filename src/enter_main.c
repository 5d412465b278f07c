/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's program as a helper: runs one command in a container. Two processes, since only a child is in
 * the PID namespace: this one stays outside, waits, and ends as the command does. Neither outlives the other.
 */
#include "enter.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* As env(1), chroot(1) and others have them. */
#define EXIT_OWN_FAILURE 125
#define EXIT_CANNOT_RUN	 126
#define EXIT_NOT_FOUND	 127

static void run_command(char **command, int parent, int report, const sigset_t *mask)
	__attribute__((noreturn));
static void run_command(char **command, int parent, int report, const sigset_t *mask)
{
	struct pollfd gone = {.fd = parent, .events = POLLIN};
	int e;

	/* Whether it had died before that cannot be seen by getppid(), which is 0 in here at all times. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&gone, 1, 0) != 0)
		_exit(EXIT_OWN_FAILURE);
	(void)setsid();
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 || write(report, "", 1) != 1)
		_exit(EXIT_OWN_FAILURE);
	(void)execvp(command[0], command);
	e = errno;
	(void)dprintf(STDERR_FILENO, "netnsd: cannot execute %s: %s\n", command[0], strerror(e));
	_exit(e == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

/* As the command did. All signals are still blocked. */
static int end_by(int signal_number)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal_number);
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number); /* this process is not dumpable, so without a core */
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + signal_number;
}

/* Who asks this one to end means the command, and what that has started, as far as it is still in its
 * session. */
static int wait_for(pid_t pid)
{
	static const int awaited[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	int status = 0;
	sigset_t set;
	pid_t ended;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(awaited) / sizeof(*awaited); i++)
		(void)sigaddset(&set, awaited[i]);
	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		int signal_number = sigwaitinfo(&set, NULL);

		if (signal_number > 0 && signal_number != SIGCHLD) {
			(void)kill(-pid, SIGKILL);
			(void)kill(pid, SIGKILL);
		}
	}
	if (ended < 0)
		return EXIT_OWN_FAILURE;
	return WIFSIGNALED(status) ? end_by(WTERMSIG(status)) : WEXITSTATUS(status);
}

static int run(char **command, int report, struct error *err)
{
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	sigset_t all, mask;
	pid_t pid;

	if (self < 0)
		return error_set(err, -errno, "cannot watch itself: %s", strerror(errno));
	(void)sigfillset(&all);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &all, &mask); /* none comes before it is awaited */
	pid = fork();
	if (pid == 0)
		run_command(command, self, report, &mask);
	if (pid < 0)
		return error_set(err, -errno, "cannot fork: %s", strerror(errno));
	return wait_for(pid);
}

static int parse_number(const char *text, int minimum, int *ret)
{
	uint64_t value;

	if (parse_u64(text, &value) < 0 || value < (uint64_t)minimum || value > INT_MAX)
		return -EINVAL;
	*ret = (int)value;
	return 0;
}

int enter_main(int argc, char **argv)
{
	struct error err = {0};
	int pidfd, pid, report, r;

	if (argc < 6 || parse_number(argv[2], 3, &pidfd) < 0 || parse_number(argv[3], 1, &pid) < 0 ||
	    parse_number(argv[4], 3, &report) < 0) {
		(void)dprintf(STDERR_FILENO,
			      "netnsd: expected " ENTER_OPTION " PIDFD PID REPORT COMMAND...\n");
		return EXIT_OWN_FAILURE;
	}
	r = enter_seal(argv, &err);
	(void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	if (r == 0)
		r = enter_container(pidfd, pid, &err);
	if (r == 0)
		r = run(argv + 5, report, &err);
	if (r < 0) {
		(void)dprintf(report, "%s", err.text);
		r = EXIT_OWN_FAILURE;
	}
	/* No exit handlers: what sanitizers look for at the end, they cannot look for in there. */
	_exit(r);
}
