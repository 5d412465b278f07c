/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container printed, and what netnsd said of it, out of the journal. */
#include "ctl.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#define ENTRY_MAX (1024 * 1024) /* bytes of a message; what is beyond is left out */

/* Only root's: anybody can write lines with such a field into the journal. */
static int add_match(sd_journal *j, const char *field, const char *value)
{
	char match[300];
	int r;

	(void)snprintf(match, sizeof(match), "%s=%s", field, value);
	r = sd_journal_add_match(j, match, 0);
	return r < 0 ? r : sd_journal_add_match(j, "_UID=0", 0);
}

static int match_container(sd_journal *j, const char *name)
{
	char identifier[200];
	int r;

	(void)snprintf(identifier, sizeof(identifier), "netnsd/%s", name);
	r = add_match(j, "SYSLOG_IDENTIFIER", identifier);
	if (r >= 0)
		r = sd_journal_add_disjunction(j);
	return r < 0 ? r : add_match(j, "CONTAINER", name);
}

/* To before the first one that is to be printed. */
static int seek(sd_journal *j, uint64_t lines)
{
	int r;

	if (lines == UINT64_MAX)
		return sd_journal_seek_head(j);
	r = sd_journal_seek_tail(j);
	/* One more than wanted, since each is gone to before it is printed; at the front there is none. */
	if (r >= 0)
		r = sd_journal_previous_skip(j, lines + 1);
	if (r >= 0 && (uint64_t)r < lines + 1)
		r = sd_journal_seek_head(j);
	return r;
}

static bool is_console(sd_journal *j)
{
	static const char begin[] = "SYSLOG_IDENTIFIER=netnsd/";
	const void *data;
	size_t length;

	return sd_journal_get_data(j, "SYSLOG_IDENTIFIER", &data, &length) >= 0 && length > strlen(begin) &&
	       memcmp(data, begin, strlen(begin)) == 0;
}

static int print_entry(struct log_sink *s, sd_journal *j)
{
	static const char field[] = "MESSAGE=";
	const char *from = is_console(j) ? NULL : "netnsd";
	uint64_t usec = 0;
	const void *data;
	size_t length;
	int r;

	(void)sd_journal_get_realtime_usec(j, &usec);
	r = sd_journal_get_data(j, "MESSAGE", &data, &length);
	if (r == -ENOENT || r == -EBADMSG || r == -E2BIG)
		return 0;
	if (r < 0)
		return r;
	log_sink_entry(s, usec, from, (const char *)data + strlen(field), length - strlen(field));
	return 0;
}

static int print_all(struct log_sink *s, sd_journal *j, bool follow)
{
	for (;;) {
		int r = sd_journal_next(j);

		if (r > 0)
			r = print_entry(s, j);
		else if (r == 0 && !follow)
			return 0;
		else if (r == 0) {
			log_sink_flush(s);
			r = sd_journal_wait(j, (uint64_t)-1);
		}
		if (r < 0)
			return r;
	}
}

int log_journal(struct log_sink *s, const char *name, uint64_t lines, bool follow, struct error *err)
{
	sd_journal *j = NULL;
	int r;

	r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
	if (r >= 0)
		r = sd_journal_set_data_threshold(j, ENTRY_MAX);
	if (r >= 0)
		r = match_container(j, name);
	/* Without it what comes between the look and the wait is not told. */
	if (r >= 0 && follow)
		r = sd_journal_get_fd(j);
	if (r >= 0)
		r = seek(j, lines);
	if (r >= 0)
		r = print_all(s, j, follow);
	sd_journal_close(j);
	if (r < 0)
		return error_set(err, r, "cannot read the journal: %s", strerror(-r));
	return 0;
}
