/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One message of sd_notify(3): assignments, one a line. Pure; whatever comes, what is told is clean. */
#include "notify.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static bool take_number(const char *value, int *ret)
{
	uint64_t number;

	if (parse_u64(value, &number) < 0 || number > INT_MAX)
		return false;
	*ret = (int)number;
	return true;
}

/* What is not UTF-8 becomes '?' byte by byte; str_format() sees to control characters and the length. */
static void make_clean(char *value)
{
	for (size_t n; *value; value += n) {
		n = utf8_decode(value, strlen(value), NULL);
		if (n == 0) {
			*value = '?';
			n = 1;
		}
	}
}

static void take_line(struct notify_message *m, char *line)
{
	char *value = strchr(line, '=');
	int number;

	if (!value)
		return;
	*value++ = '\0';
	if (str_equal(line, "STATUS")) {
		make_clean(value);
		(void)str_format(m->status, sizeof(m->status), "%s", value);
		m->has_status = true;
	} else if (str_equal(line, "X_NSPAWN_LEADER_PID")) {
		if (take_number(value, &number) && number > 1)
			m->leader = number;
	} else if (str_equal(line, "ERRNO")) {
		if (take_number(value, &number))
			m->error = number;
	} else if (str_equal(value, "1")) {
		m->ready = m->ready || str_equal(line, "READY");
		m->stopping = m->stopping || str_equal(line, "STOPPING");
		m->watchdog = m->watchdog || str_equal(line, "WATCHDOG");
	}
}

int notify_parse(const char *data, size_t length, struct notify_message *ret)
{
	char text[NOTIFY_MESSAGE_MAX + 1], *rest = text;
	struct notify_message m = {.leader = 0};

	if (length > NOTIFY_MESSAGE_MAX)
		return -EMSGSIZE;
	if (memchr(data, '\0', length))
		return -EBADMSG;
	memcpy(text, data, length);
	text[length] = '\0';
	while (rest)
		take_line(&m, strsep(&rest, "\n"));
	*ret = m;
	return 0;
}
