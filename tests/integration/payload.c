/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off */
/* PID 1 of most containers in the tests: one static program that does what its words say, one after the
 * other. All signals are blocked from the first instruction on, so that none is lost: whoever waits tells
 * each.
 *
 *   log FILE        from here on events are appended to FILE, one a line: "begin PID", "at MILLISECONDS" (boottime)
 *   lock FILE       locks it for its life; somebody else who has it is an event ("locked already")
 *   event TEXT      one such line, of our own
 *   say TEXT        to the console
 *   ready           READY=1 to $NOTIFY_SOCKET;    notify TEXT: anything else
 *   pause MS        does nothing for so long
 *   sleep           waits; SIGTERM, SIGINT, SIGRTMIN+3 end it with 0, SIGUSR1 reboots
 *   stubborn        waits; nothing ends it
 *   obey FILE       as sleep; and as soon as FILE is there it is removed, and the words in it are done, one a
 *                   line; a child does them when the first is "&", for two seconds at most
 *   deaf FILE       takes signals as if it had no code for them, until FILE is there
 *   first FILE A... -- B...   A the first time (FILE is made), B each time after that
 *   await FILE      until FILE is there
 *   exit N, crash, reboot, poweroff
 *   fork N          N children that left the session and sleep for ever, deaf to all signals
 *   flood, flood-notify   as much as goes, to the console, to $NOTIFY_SOCKET, for ever
 *   lines N         N numbered lines to the console; long N: one of N bytes; escapes: one that a terminal obeys
 *   memory N        takes N MiB and touches them
 *   listen PORT     a TCP port of all addresses, connections are left waiting;  connect PORT: of 127.0.0.1
 *   sh TEXT         /bin/sh -c TEXT, waits for it, its status is an event
 *   exec FILE ARG...
 *   receive PORT    one connection: numbers from 0 on, 8 bytes each, until it ends: "received N in order", or
 *                   "lost at N";  send ADDRESS PORT FILE: such a stream, some thousand a second, until FILE is
 *                   there: "sent N" */
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;

static void __attribute__((format(printf, 1, 2))) event(const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (log_fd >= 0 && write(log_fd, line, (size_t)n) < 0)
		_exit(99);
}

static void __attribute__((noreturn)) give_up(const char *what)
{
	event("failed %s: %s", what, strerror(errno));
	fprintf(stderr, "payload: %s: %s\n", what, strerror(errno));
	_exit(98);
}

static void print(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

static void nap(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		continue;
}

static const char *signal_name(int signal, char *buffer, size_t size)
{
	const char *abbreviation = sigabbrev_np(signal);
	if (abbreviation)
		snprintf(buffer, size, "SIG%s", abbreviation);
	else
		snprintf(buffer, size, "SIGRTMIN+%d", signal - SIGRTMIN);
	return buffer;
}

/* Tells every signal. Those that end a service or an init end it when told to. */
static void await_signal(bool stubborn, const struct timespec *timeout)
{
	char name[32];
	siginfo_t info;
	sigset_t all;

	sigfillset(&all);
	int signal = sigtimedwait(&all, &info, timeout);
	if (signal < 0)
		return;
	if (signal == SIGCHLD) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		return;
	}
	event("signal %s", signal_name(signal, name, sizeof(name)));
	if (!stubborn && signal == SIGUSR1)
		reboot(RB_AUTOBOOT);
	if (!stubborn && (signal == SIGTERM || signal == SIGINT || signal == SIGRTMIN + 3))
		_exit(0);
}

static void await_signals(bool stubborn)
{
	for (;;)
		await_signal(stubborn, NULL);
}

static int notify_connect(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || strlen(path) >= sizeof(address.sun_path)) {
		errno = ENOENT;
		give_up("NOTIFY_SOCKET");
	}
	strcpy(address.sun_path, path);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		give_up("connect to the notify socket");
	return fd;
}

static void notify(const char *text)
{
	int fd = notify_connect();
	if (write(fd, text, strlen(text)) < 0)
		give_up("notify");
	close(fd);
	event("notified %s", text);
}

static void __attribute__((noreturn)) flood_notify(void)
{
	int fd = notify_connect();
	for (unsigned n = 0;; n++) {
		char text[256];
		int length = snprintf(text, sizeof(text),
				      "STATUS=flood %u \033[31m\001\nX_NSPAWN_LEADER_PID=1\n", n);
		if (write(fd, text, (size_t)length) < 0 && errno != EAGAIN && errno != ENOBUFS)
			give_up("flood-notify");
	}
}

static void __attribute__((noreturn)) flood(void)
{
	char block[8192];
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % 128 == 127 ? '\n' : (char)('a' + i % 26);
	for (;;) {
		if (write(STDOUT_FILENO, block, sizeof(block)) < 0 && errno != EAGAIN)
			give_up("flood");
	}
}

static void fork_children(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			give_up("fork");
		if (pid)
			continue;
		setsid();
		for (;;)
			pause();
	}
	event("forked %ld", n);
}

static void take_memory(long mib)
{
	size_t size = (size_t)mib << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		give_up("memory");
	memset(p, 1, size);
	event("took %ld MiB", mib);
}

static void open_port(long port, bool connecting)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((unsigned short)port),
				      .sin_addr.s_addr = htonl(connecting ? INADDR_LOOPBACK : INADDR_ANY)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		give_up("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	int r = connecting ? connect(fd, (struct sockaddr *)&address, sizeof(address))
		: bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1
									     : listen(fd, 8);
	event("%s %ld: %s", connecting ? "connect" : "listen", port, r < 0 ? strerror(errno) : "ok");
}

/* As PID 1 before its first instructions: signals without a handler do not exist for it. */
static void be_deaf(const char *file)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	event("deaf");
	while (access(file, F_OK) < 0)
		nap(20);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static bool whole(int fd, bool sending, uint64_t *number)
{
	for (size_t done = 0; done < sizeof(*number);) {
		char *at = (char *)number + done;
		ssize_t n = sending ? send(fd, at, sizeof(*number) - done, MSG_NOSIGNAL)
				    : read(fd, at, sizeof(*number) - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void receive_stream(long port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, stream;
	uint64_t expected = 0, number;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		give_up("listen");
	event("listening");
	stream = accept(fd, NULL, NULL);
	if (stream < 0)
		give_up("accept");
	event("connected");
	for (; whole(stream, false, &number) && number == expected; expected++)
		if (expected == 1000)
			event("flows");
	if (read(stream, &one, sizeof(one)) != 0)
		event("lost at %llu", (unsigned long long)expected);
	else
		event("received %llu in order", (unsigned long long)expected);
	close(stream);
	close(fd);
}

static void send_stream(const char *host, long port, const char *until)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t number = 0;
	inet_pton(AF_INET, host, &address.sin_addr);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		nap(50);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	for (; access(until, F_OK) < 0; nap(1))
		for (int i = 0; i < 8; i++, number++)
			if (!whole(fd, true, &(uint64_t){number}))
				give_up("send");
	shutdown(fd, SHUT_WR);
	event("sent %llu", (unsigned long long)number);
	close(fd);
}

static void shell(const char *command)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (!pid) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		continue;
	event("sh %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Whether FILE was there before; if not it is made. */
static bool happened(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		give_up(file);
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static char **after_dashes(char **words)
{
	for (; *words; words++) {
		if (!strcmp(*words, "--"))
			return words + 1;
	}
	return words;
}

static void open_log(const char *file)
{
	log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log_fd < 0)
		give_up(file);
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	event("begin %d", getpid());
	event("at %lld", now.tv_sec * 1000LL + now.tv_nsec / 1000000);
}

static void lock_file(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		give_up(file);
	event("%s", flock(fd, LOCK_EX | LOCK_NB) < 0 ? "locked already" : "locked");
}

static void obey(const char *file);

/* Words without an argument. */
static bool do_word(const char *word)
{
	if (!strcmp(word, "ready"))
		notify("READY=1");
	else if (!strcmp(word, "sleep") || !strcmp(word, "stubborn"))
		await_signals(word[1] == 't');
	else if (!strcmp(word, "flood"))
		flood();
	else if (!strcmp(word, "flood-notify"))
		flood_notify();
	else if (!strcmp(word, "crash"))
		abort();
	else if (!strcmp(word, "escapes"))
		print("a\033[31mred\007\n");
	else if (!strcmp(word, "reboot") || !strcmp(word, "poweroff")) {
		event("%s", word);
		reboot(word[0] == 'r' ? RB_AUTOBOOT : RB_POWER_OFF);
		give_up("reboot(2)");
	} else {
		return false;
	}
	return true;
}

/* Words with one. */
static bool do_argument(const char *word, const char *argument)
{
	long number = strtol(argument, NULL, 10);
	if (!strcmp(word, "log"))
		open_log(argument);
	else if (!strcmp(word, "lock"))
		lock_file(argument);
	else if (!strcmp(word, "event"))
		event("%s", argument);
	else if (!strcmp(word, "say")) {
		print(argument);
		print("\n");
	} else if (!strcmp(word, "long")) {
		for (long i = 0; i < number; i++)
			putchar('x');
		print("\n");
	} else if (!strcmp(word, "notify"))
		notify(argument);
	else if (!strcmp(word, "pause"))
		nap(number);
	else if (!strcmp(word, "exit"))
		_exit((int)number);
	else if (!strcmp(word, "fork"))
		fork_children(number);
	else if (!strcmp(word, "memory"))
		take_memory(number);
	else if (!strcmp(word, "listen") || !strcmp(word, "connect"))
		open_port(number, word[0] == 'c');
	else if (!strcmp(word, "receive"))
		receive_stream(number);
	else if (!strcmp(word, "sh"))
		shell(argument);
	else if (!strcmp(word, "deaf"))
		be_deaf(argument);
	else if (!strcmp(word, "obey"))
		obey(argument);
	else if (!strcmp(word, "await")) {
		while (access(argument, F_OK) < 0)
			nap(20);
	} else if (!strcmp(word, "lines")) {
		for (long i = 1; i <= number; i++)
			printf("line %ld of the console\n", i);
		fflush(stdout);
	} else
		return false;
	return true;
}

static int do_words(char **word)
{
	for (; *word; word++) {
		if (!strcmp(*word, "--"))
			break;
		if (do_word(*word))
			continue;
		if (!strcmp(*word, "exec")) {
			execv(word[1], word + 1);
			give_up(word[1]);
		}
		if (!strcmp(*word, "first") && word[1]) {
			if (happened(word[1]))
				word = after_dashes(word + 2) - 1;
			else
				word++;
			continue;
		}
		if (!strcmp(*word, "send") && word[1] && word[2] && word[3]) {
			send_stream(word[1], strtol(word[2], NULL, 10), word[3]);
			word += 3;
			continue;
		}
		if (!word[1] || !do_argument(*word, word[1])) {
			fprintf(stderr, "payload: what is '%s'?\n", *word);
			return 97;
		}
		word++;
	}
	return 0;
}

static void do_in_child(char **words)
{
	sigset_t none;

	if (fork())
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(2);
	_exit(do_words(words));
}

static void obey_text(char *text)
{
	char *words[32] = {NULL}, *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(text, "\n", &rest); w && n < 31; w = strtok_r(NULL, "\n", &rest))
		words[n++] = w;
	if (words[0] && !strcmp(words[0], "&"))
		do_in_child(words + 1);
	else
		(void)do_words(words);
}

static void obey(const char *file)
{
	const struct timespec soon = {.tv_nsec = 20 * 1000 * 1000};

	for (;;) {
		char text[1024];
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

		if (fd >= 0) {
			close(fd);
			unlink(file);
		}
		if (n > 0) {
			text[n] = 0;
			obey_text(text);
		}
		await_signal(false, &soon);
	}
}

int main(int argc, char **argv)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)argc;
	return do_words(argv + 1);
}
