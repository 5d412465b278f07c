/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes log lines: to the journal, or one write(2) a line, shorter than PIPE_BUF, so that lines of several
 * threads never mix, and no lock, no allocation and no buffer that a crash could lose. */
#include "log.h"

#include "parse.h"
#include "str.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048 /* below PIPE_BUF */

static _Atomic int log_level = LOG_INFO;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static bool log_stream, log_journal; /* stderr is the journal's; and that listens for entries with fields */

static const struct {
	const char *name;
	int level;
} log_names[] = {
	/* The first name of a level is the one that is printed. */
	{"emerg", LOG_EMERG},	  {"alert", LOG_ALERT},	  {"crit", LOG_CRIT},	{"err", LOG_ERR},
	{"warning", LOG_WARNING}, {"notice", LOG_NOTICE}, {"info", LOG_INFO},	{"debug", LOG_DEBUG},
	{"error", LOG_ERR},	  {"warn", LOG_WARNING},  {"panic", LOG_EMERG},
};

void log_set_level(int level)
{
	atomic_store(&log_level, level);
}

int log_get_level(void)
{
	return atomic_load(&log_level);
}

int log_level_from_string(const char *text, int *ret_level)
{
	if (text[0] >= '0' && text[0] <= '7' && !text[1]) {
		*ret_level = text[0] - '0';
		return 0;
	}
	for (size_t i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++)
		if (!strcasecmp(text, log_names[i].name)) {
			*ret_level = log_names[i].level;
			return 0;
		}
	return -EINVAL;
}

const char *log_level_to_string(int level)
{
	for (size_t i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++)
		if (log_names[i].level == level)
			return log_names[i].name;
	return NULL;
}

/* systemd sets JOURNAL_STREAM to "DEVICE:INODE" of the stderr it made. Only when stderr still is
 * that socket is it the journal's; after `2>file` the variable is still there. */
static void log_probe_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	const char *colon = stream ? strchr(stream, ':') : NULL;
	char device[32];
	uint64_t dev, ino;
	struct stat st;

	if (!colon || (size_t)(colon - stream) >= sizeof(device))
		return;
	memcpy(device, stream, (size_t)(colon - stream));
	device[colon - stream] = '\0';
	if (parse_u64(device, &dev) < 0 || parse_u64(colon + 1, &ino) < 0)
		return;
	log_stream = fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
	/* sd_journal_sendv() takes no notice of a journal that is not there. */
	log_journal = log_stream && access("/run/systemd/journal/socket", W_OK) == 0;
}

/* One field of an entry, in `buffer`; 0: none. */
static size_t field(struct iovec *v, char *buffer, size_t size, const char *name, const char *value)
{
	if (!value || !*value)
		return 0;
	v->iov_base = buffer;
	v->iov_len = str_format(buffer, size, "%s=%s", name, value);
	return 1;
}

/* With fields, so that `journalctl NETNS=x` finds it. */
static bool send_to_journal(int level, const char *netns, const char *container, const char *message,
			    size_t length)
{
	char priority[16], netns_field[300], container_field[100];
	struct iovec v[5] = {{.iov_base = (char *)(uintptr_t)message, .iov_len = length}};
	size_t n = 1;

	v[n].iov_base = priority;
	v[n++].iov_len = str_format(priority, sizeof(priority), "PRIORITY=%d", level & LOG_PRIMASK);
	n += field(&v[n], netns_field, sizeof(netns_field), "NETNS", netns);
	n += field(&v[n], container_field, sizeof(container_field), "CONTAINER", container);
	v[n].iov_base = (char *)(uintptr_t) "SYSLOG_IDENTIFIER=netnsd";
	v[n].iov_len = strlen(v[n].iov_base);
	return sd_journal_sendv(v, (int)n + 1) == 0;
}

/* With the "<N>" that the journal reads from a stream, when it is one. */
static void write_line(int level, char *line, size_t length)
{
	char prefix[8];
	struct iovec v[] = {{.iov_base = prefix}, {.iov_base = line, .iov_len = length}};
	ssize_t written;

	if (log_stream)
		v[0].iov_len = str_format(prefix, sizeof(prefix), "<%d>", level & LOG_PRIMASK);
	do
		written = writev(STDERR_FILENO, v, 2);
	while (written < 0 && errno == EINTR);
}

#define MESSAGE	       "MESSAGE="
#define MESSAGE_LENGTH (sizeof(MESSAGE) - 1)
#define PREFIX_LENGTH  3 /* "<6>" */

__attribute__((format(printf, 4, 0))) static void
log_vwrite(int level, const char *netns, const char *container, const char *format, va_list args)
{
	char line[MESSAGE_LENGTH + LOG_LINE_MAX - PREFIX_LENGTH] = MESSAGE;
	int saved_errno = errno;
	size_t length = MESSAGE_LENGTH;

	(void)pthread_once(&log_once, log_probe_journal);
	if (container)
		length += str_format(line + length, 256, "%s.container: ", container);
	else if (netns)
		length += str_format(line + length, 256, "%s: ", netns);
	errno = saved_errno; /* for %m */
	length += str_vformat(line + length, sizeof(line) - 1 - length, format, args);
	if (!log_journal || !send_to_journal(level, netns, container, line, length)) {
		line[length++] = '\n';
		write_line(level, line + MESSAGE_LENGTH, length - MESSAGE_LENGTH);
	}
	errno = saved_errno;
}

void log_write(int level, const char *netns, const char *format, ...)
{
	va_list args;

	if (level > log_get_level())
		return;
	va_start(args, format);
	log_vwrite(level, netns, NULL, format, args);
	va_end(args);
}

void log_write_container(int level, const char *netns, const char *container, const char *format, ...)
{
	va_list args;

	if (level > log_get_level())
		return;
	va_start(args, format);
	log_vwrite(level, netns, container, format, args);
	va_end(args);
}
