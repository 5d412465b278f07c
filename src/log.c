/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes log lines. One write(2) a line, shorter than PIPE_BUF, so that lines of several threads
 * never mix, and no lock, no allocation and no buffer that a crash could lose. */
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
#include <unistd.h>

#define LOG_LINE_MAX 2048 /* below PIPE_BUF */

static _Atomic int log_level = LOG_INFO;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static bool log_journal;

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
 * that socket does somebody read the "<N>" in front; after `2>file` the variable is still there. */
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
	log_journal = fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_write(int level, const char *netns, const char *format, ...)
{
	int saved_errno = errno;
	char line[LOG_LINE_MAX];
	size_t length = 0;
	ssize_t written;
	va_list args;

	if (level > log_get_level())
		return;
	(void)pthread_once(&log_once, log_probe_journal);
	if (log_journal)
		length = (size_t)snprintf(line, sizeof(line), "<%d>", level & LOG_PRIMASK);
	if (netns)
		length += str_format(line + length, 256, "%s: ", netns);
	errno = saved_errno; /* for %m */
	va_start(args, format);
	length += str_vformat(line + length, sizeof(line) - 1 - length, format, args);
	va_end(args);
	line[length++] = '\n';
	do
		written = write(STDERR_FILENO, line, length);
	while (written < 0 && errno == EINTR);
	errno = saved_errno;
}
