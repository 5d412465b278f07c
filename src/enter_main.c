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

static const int endings[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
static volatile sig_atomic_t command_pid;

/* The command and what it started, as far as that is still in its session. */
static void on_ending(int signal)
{
	(void)signal;
	(void)kill(-(pid_t)command_pid, SIGKILL);
	(void)kill((pid_t)command_pid, SIGKILL);
}

static void run_command(char **command, int parent, const sigset_t *mask) __attribute__((noreturn));
static void run_command(char **command, int parent, const sigset_t *mask)
{
	struct pollfd gone = {.fd = parent, .events = POLLIN};

	/* Whether it had died before that cannot be seen by getppid(), which is 0 in here at all times. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&gone, 1, 0) != 0)
		_exit(EXIT_OWN_FAILURE);
	(void)setsid();
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(EXIT_OWN_FAILURE);
	(void)execvp(command[0], command);
	(void)dprintf(STDERR_FILENO, "netnsd: cannot execute %s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static int wait_for(pid_t pid, const sigset_t *mask)
{
	const struct sigaction end = {.sa_handler = on_ending, .sa_flags = SA_RESTART};
	int status;

	command_pid = pid;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		(void)sigaction(endings[i], &end, NULL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_OWN_FAILURE;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)raise(WTERMSIG(status)); /* not dumpable, so without a core */
	return 128 + WTERMSIG(status);
}

static int run(char **command, struct error *err)
{
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	sigset_t all, mask;
	pid_t pid;

	if (self < 0)
		return error_set(err, -errno, "cannot watch itself: %s", strerror(errno));
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &mask); /* an end must not come before there is what to end */
	pid = fork();
	if (pid == 0)
		run_command(command, self, &mask);
	if (pid < 0)
		return error_set(err, -errno, "cannot fork: %s", strerror(errno));
	return wait_for(pid, &mask);
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
	int pidfd, pid, r;

	if (argc < 5 || parse_number(argv[2], 3, &pidfd) < 0 || parse_number(argv[3], 1, &pid) < 0) {
		(void)dprintf(STDERR_FILENO, "netnsd: expected " ENTER_OPTION " PIDFD PID COMMAND...\n");
		return EXIT_OWN_FAILURE;
	}
	r = enter_seal(argv, &err);
	(void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	if (r == 0)
		r = enter_container(pidfd, pid, &err);
	if (r == 0)
		r = run(argv + 4, &err);
	if (r < 0) {
		(void)dprintf(STDERR_FILENO, "netnsd: %s\n", err.text);
		r = EXIT_OWN_FAILURE;
	}
	/* No exit handlers: what sanitizers look for at the end, they cannot look for in there. */
	_exit(r);
}
