/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks a program that should be systemd-nspawn what it knows. By a spawn of its own, as process.c needs a
 * loop and `check` has none, nor has a worker: it waits, but no longer than NSPAWN_ASK_TIMEOUT for each
 * question, and reads no more than NSPAWN_OUTPUT_MAX.
 */
#include "cleanup.h"
#include "clock.h"
#include "nspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define NSPAWN_ASK_TIMEOUT  5000000 /* us for each of the two */
#define NSPAWN_KILL_TIMEOUT 1000    /* ms from SIGKILL to its end; it may hang in the kernel */
#define NSPAWN_OUTPUT_MAX   65536   /* 257's --help has 10 KiB */

struct child {
	pid_t pid;
	int pidfd, output;
};

/* Signals at their defaults, a session of its own (so that all of it can be killed), no descriptors but
 * output. */
static int child_attributes(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files, int output)
{
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (posix_spawnattr_setsigdefault(attributes, &all) != 0 ||
	    posix_spawnattr_setsigmask(attributes, &none) != 0 ||
	    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
							 POSIX_SPAWN_SETSID) != 0)
		return -EINVAL;
	if (posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO) != 0 ||
	    posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) != 0 ||
	    posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1) != 0)
		return -ENOMEM;
	return 0;
}

static int child_spawn(const char *path, const char *argument, int output, pid_t *ret)
{
	char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)argument, NULL};
	static char *const environment[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
					    (char *)(uintptr_t) "LANG=C.UTF-8",
					    (char *)(uintptr_t) "SYSTEMD_COLORS=0", NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int e;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	e = child_attributes(&attributes, &files, output);
	if (e == 0)
		e = -posix_spawn(ret, path, &files, &attributes, argv, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return e;
}

/* With what it started: it leads a session of its own, and only those that left it escape. */
static void child_kill(const struct child *c)
{
	(void)kill(-c->pid, SIGKILL);
	(void)kill(c->pid, SIGKILL);
}

/* Its wait status; -ETIMEDOUT when it does not end even so: then it is left to be a zombie of ours. */
static int child_reap(const struct child *c, int *ret)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	for (int i = 0; i < EINTR_TRIES && poll(&p, 1, NSPAWN_KILL_TIMEOUT) < 0 && errno == EINTR; i++)
		;
	return waitpid(c->pid, ret, WNOHANG) == c->pid ? 0 : -ETIMEDOUT;
}

/* One turn: something to read, or its end. 1: it has ended. */
static int child_turn(struct child *c, struct strbuf *text, uint64_t deadline)
{
	struct pollfd p[] = {{.fd = c->output, .events = POLLIN}, {.fd = c->pidfd, .events = POLLIN}};
	char buffer[4096];
	uint64_t now = clock_boottime();
	ssize_t n;

	if (now >= deadline)
		return -ETIMEDOUT;
	if (poll(p, 2, (int)((deadline - now) / 1000) + 1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (!p[0].revents)
		return p[1].revents ? 1 : 0;
	n = read(c->output, buffer, sizeof(buffer));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		(void)close(c->output);
		c->output = -1; /* poll() passes over it */
		return 0;
	}
	strbuf_append(text, buffer, (size_t)n);
	if (text->failed)
		return -ENOMEM;
	return text->length > NSPAWN_OUTPUT_MAX ? -E2BIG : 0;
}

static int child_listen(struct child *c, struct strbuf *text, const char *what, struct error *err)
{
	uint64_t deadline = clock_boottime() + NSPAWN_ASK_TIMEOUT;
	int e, status = 0;

	do
		e = child_turn(c, text, deadline);
	while (e == 0);
	child_kill(c);
	if (child_reap(c, &status) < 0 && e == 1)
		e = -ETIMEDOUT;
	if (e == -ETIMEDOUT)
		return error_set(err, e, "%s did not end within %d s and was killed", what,
				 NSPAWN_ASK_TIMEOUT / 1000000);
	if (e == -E2BIG)
		return error_set(err, -EINVAL, "%s printed more than %d KiB", what, NSPAWN_OUTPUT_MAX / 1024);
	if (e < 0)
		return error_set(err, e, "%s could not be read: %s", what, strerrordesc_np(-e));
	if (WIFSIGNALED(status))
		return error_set(err, -EINVAL, "%s was killed by SIG%s", what,
				 sigabbrev_np(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, -EINVAL, "%s exited with status %d", what, WEXITSTATUS(status));
	return 0;
}

/* What the program prints with one argument, owned; a NUL byte ends it. */
static int ask_one(const char *path, const char *argument, char **ret, struct error *err)
{
	struct child c = {.pidfd = -1, .output = -1};
	struct strbuf text = {0};
	int pipes[2], e;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_set(err, -errno, "no pipe for %s: %s", argument, strerrordesc_np(errno));
	e = child_spawn(path, argument, pipes[1], &c.pid);
	(void)close(pipes[1]);
	c.output = pipes[0];
	if (e < 0) {
		(void)close(c.output);
		return error_set(err, e, "it cannot be executed: %s", strerrordesc_np(-e));
	}
	c.pidfd = pidfd_open(c.pid, 0);
	if (c.pidfd < 0) {
		e = error_set(err, -errno, "no descriptor for %s: %s", argument, strerrordesc_np(errno));
		child_kill(&c);
		(void)waitpid(c.pid, NULL, 0);
	} else {
		e = child_listen(&c, &text, argument, err);
		(void)close(c.pidfd);
	}
	if (c.output >= 0)
		(void)close(c.output);
	if (e == 0) {
		*ret = strbuf_finish(&text);
		return *ret ? 0 : error_set(err, -ENOMEM, "no memory for what %s prints", argument);
	}
	strbuf_free(&text);
	return e;
}

int nspawn_ask(const char *path, struct nspawn_features *ret, struct error *err)
{
	_cleanup_free_ char *version = NULL, *help = NULL;
	struct nspawn_features f = {0};
	int e;

	e = ask_one(path, "--version", &version, err);
	if (e == 0)
		e = ask_one(path, "--help", &help, err);
	if (e == 0)
		e = nspawn_parse_features(version, help, &f, err);
	if (e < 0)
		return error_prefix(err, e, "%s is no systemd-nspawn that netnsd can use", path);
	f.path = strdup(path);
	if (!f.path) {
		nspawn_features_clear(&f);
		return error_set(err, -ENOMEM, "no memory for what %s knows", path);
	}
	*ret = f;
	return 0;
}
