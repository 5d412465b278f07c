/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a daemon with a NOTIFY_SOCKET of its own and prints, in milliseconds, how long it took from
 * fork() to READY=1, and its process id. The daemon runs on. Part of `make bench`.
 *
 * notify SECONDS LOG COMMAND [ARGUMENT ...] */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int socket_make(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* autobind: the kernel invents an abstract name, nothing to clean up */
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address.sun_family)) < 0)
		err(125, "notify socket");
	return fd;
}

static void environment_set(int fd)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, (void *)&address, &size) < 0)
		err(125, "notify socket");
	address.sun_path[0] = '@';
	address.sun_path[size - offsetof(struct sockaddr_un, sun_path)] = 0;
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static _Noreturn void run(const char *log, char **command)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		err(126, "%s", log);
	if (setsid() < 0)
		err(126, "setsid");
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

static int is_ready(const char *text)
{
	return strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1") != NULL;
}

int main(int argc, char **argv)
{
	char text[4096];
	double start, end;
	int fd, status;
	pid_t pid;

	if (argc < 4)
		errx(2, "Usage: notify SECONDS LOG COMMAND [ARGUMENT ...]");
	fd = socket_make();
	environment_set(fd);
	start = now();
	end = start + atof(argv[1]) * 1e3;
	pid = fork();
	if (pid < 0)
		err(125, "fork");
	if (pid == 0)
		run(argv[2], argv + 3);
	while (now() < end) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n = poll(&p, 1, 50) > 0 ? recv(fd, text, sizeof(text) - 1, 0) : 0;

		text[n > 0 ? n : 0] = 0;
		if (is_ready(text)) {
			printf("%.3f %d\n", now() - start, (int)pid);
			return 0;
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			errx(1, "%s ended before READY=1 (status %#x), see %s", argv[3], (unsigned)status,
			     argv[2]);
	}
	errx(1, "no READY=1 within %s s", argv[1]);
}
