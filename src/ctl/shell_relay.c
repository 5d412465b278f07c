/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl shell: bytes between the caller's terminal and that of the command inside. Two terminals, so that
 * a container never holds the caller's, into whose input it could type (TIOCSTI). */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

static const int heeded[] = {SIGWINCH, SIGCONT, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

int relay_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heeded) / sizeof(heeded[0]); i++)
		(void)sigaddset(&set, heeded[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the caller's terminal ----------------------------------------------------------------------------- */

static struct termios saved;
static bool raw;

static void restore(void)
{
	if (raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	raw = false;
}

static void make_raw(void)
{
	struct termios t;

	if (!raw && tcgetattr(STDIN_FILENO, &saved) < 0)
		return;
	if (!raw)
		(void)atexit(restore);
	t = saved;
	cfmakeraw(&t);
	raw = true;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

static void copy_size(const struct relay *r)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(r->terminal, TIOCSWINSZ, &size);
}

/* --- channels ------------------------------------------------------------------------------------------ */

static void channel_read(struct relay_channel *k)
{
	ssize_t n = read(k->from, k->data, sizeof(k->data));

	if (n > 0) {
		k->begin = 0;
		k->end = (size_t)n;
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		k->closed = true; /* EIO: nobody has the other side of the pty */
	}
}

static void channel_write(struct relay_channel *k)
{
	ssize_t n = write(k->to, k->data + k->begin, k->end - k->begin);

	if (n > 0)
		k->begin += (size_t)n;
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		k->begin = k->end; /* nobody reads it any more */
}

static bool is_full(const struct relay_channel *k)
{
	return k->begin < k->end;
}

/* What is to be waited for: first that what is there can be written. */
static struct pollfd channel_poll(const struct relay_channel *k)
{
	if (is_full(k))
		return (struct pollfd){.fd = k->to, .events = POLLOUT};
	return (struct pollfd){.fd = k->closed ? -1 : k->from, .events = POLLIN};
}

static void channel_step(struct relay_channel *k)
{
	if (is_full(k))
		channel_write(k);
	else
		channel_read(k);
}

/* The command has ended: what it had written before is still on its way. What keeps the terminal open in the
 * background is not waited for. */
static void drain(struct relay *r)
{
	for (size_t i = 0; i < RELAY_CHANNELS; i++) {
		struct relay_channel *k = &r->channels[i];
		struct pollfd p;

		if (k->from < 0 || k->from == STDIN_FILENO)
			continue;
		while (is_full(k) || (!k->closed && (p = channel_poll(k), poll(&p, 1, 0)) > 0))
			channel_step(k);
	}
}

/* 0, or the signal that is the end. */
static int take_signals(const struct relay *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT) {
			if (r->terminal >= 0 && info.ssi_signo == SIGCONT)
				make_raw(); /* whoever was in the foreground meanwhile set it as it liked */
			if (r->terminal >= 0)
				copy_size(r);
			continue;
		}
		return (int)info.ssi_signo;
	}
	return 0;
}

int relay_run(struct relay *r)
{
	struct pollfd fds[RELAY_CHANNELS + 2];
	int end = 0;

	if (r->terminal >= 0) {
		copy_size(r);
		make_raw();
	}
	while (!end) {
		for (size_t i = 0; i < RELAY_CHANNELS; i++)
			fds[i] = channel_poll(&r->channels[i]);
		fds[RELAY_CHANNELS] = (struct pollfd){.fd = r->signals, .events = POLLIN};
		fds[RELAY_CHANNELS + 1] = (struct pollfd){.fd = r->child, .events = POLLIN};
		if (poll(fds, RELAY_CHANNELS + 2, -1) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < RELAY_CHANNELS; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				channel_step(&r->channels[i]);
		end = take_signals(r);
		/* The caller's terminal is gone, and with it whoever could type "exit". */
		if (!end && r->terminal >= 0 && r->channels[0].closed && !is_full(&r->channels[0]))
			end = SIGHUP;
		if (fds[RELAY_CHANNELS + 1].revents) {
			end = 0;
			break;
		}
	}
	drain(r);
	restore();
	return end;
}
