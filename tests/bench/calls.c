/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls the daemon at a fixed beat and prints how long each answer took, for `make bench`.
 *
 * An answer that takes longer than the beat keeps others from being asked for: for each of those the
 * time that it would have waited is printed too, so that a long pause is not told as a single slow call.
 *
 * calls SOCKET BEAT-MS LABEL METHOD PARAMETERS: until SIGTERM; lines "LABEL MICROSECONDS". With beat 0: once.
 */
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void on_term(int signal)
{
	(void)signal;
	ended = 1;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int dial(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
	return fd;
}

/* One message ends with a NUL. An error is an answer of the wrong kind. */
static void call(int fd, const char *text, size_t size)
{
	static char answer[1 << 20];
	size_t n = 0;

	if (send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		err(1, "send");
	do {
		ssize_t got = recv(fd, answer + n, sizeof(answer) - n, 0);

		if (got <= 0)
			err(1, "the daemon hung up");
		n += (size_t)got;
	} while (answer[n - 1] != 0);
	if (strncmp(answer, "{\"error\"", 8) == 0)
		errx(1, "%s", answer);
}

int main(int argc, char **argv)
{
	struct sigaction term = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	int64_t due, beat;
	char text[1024];
	int fd, size;

	if (argc != 6)
		errx(2, "Usage: calls SOCKET BEAT-MS LABEL METHOD PARAMETERS");
	(void)sigaction(SIGTERM, &term, NULL);
	fd = dial(argv[1]);
	beat = (int64_t)(atof(argv[2]) * 1000);
	size = snprintf(text, sizeof(text), "{\"method\":\"%s\",\"parameters\":%s}", argv[4], argv[5]);
	for (due = now(); !ended; due += beat) {
		int64_t rest = due - now(), began;
		struct timespec nap = {rest / 1000000, rest % 1000000 * 1000};

		if (rest > 0)
			(void)nanosleep(&nap, NULL);
		began = now();
		call(fd, text, (size_t)size + 1);
		for (int64_t took = now() - began; took > 0; took -= beat ? beat : took)
			printf("%s %lld\n", argv[3], (long long)took);
		if (beat == 0)
			return 0;
		while (due + beat < now())
			due += beat;
	}
	return 0;
}
