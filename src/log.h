/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines with a level and, where one is meant, the namespace or container they are about. Layer 0.
 * Written to stderr, or, where that goes to the journal (JOURNAL_STREAM), to the journal itself with the
 * fields NETNS= and CONTAINER=. One line for one event, at the level that decides (DESIGN 1.7). Thread-safe.
 */
#ifndef NETNSD_LOG_H
#define NETNSD_LOG_H

#include <stdbool.h>
#include <syslog.h> /* LOG_ERR ... LOG_DEBUG */

void log_set_level(int level); /* LOG_ERR..LOG_DEBUG; default LOG_INFO */
int log_get_level(void);

/* "err", "warning", "notice", "info", "debug", a number 0..7 or networkd's aliases; -EINVAL. */
int log_level_from_string(const char *text, int *ret_level);
const char *log_level_to_string(int level);

/* `netns` may be NULL: a line about the daemon itself. */
void log_write(int level, const char *netns, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* About a container; `netns` is the namespace it lives in, or NULL. */
void log_write_container(int level, const char *netns, const char *container, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(...)	 log_write(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_DEBUG, NULL, __VA_ARGS__)

#endif
