/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl log: what a container printed. Where there is a journal that is there, else in a file; netnsd
 * itself is not asked, so that the last words of what ended can be read when it does not run either. */
#include "ctl.h"
#include "desired_container.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define FOLLOW_LINES   10 /* as journalctl and tail have it */

static void on_interrupt(int number)
{
	(void)number;
	_exit(CTL_DONE); /* all that was read has been written */
}

int log_print(struct ctl *c, const char *name, uint64_t lines, bool follow, bool quiet)
{
	const bool journal = access(JOURNAL_SOCKET, F_OK) == 0;
	struct log_sink sink = {.c = c, .heading = quiet};
	struct error err = {0};
	int r;

	r = journal ? log_journal(&sink, name, lines, follow, &err)
		    : log_file(&sink, name, lines, follow, &err);
	log_sink_done(&sink);
	if (r == -ENOENT && !journal && !quiet)
		ctl_error("there is no output of '%s' (%s); 'netnsctl list --containers' shows which "
			  "containers "
			  "there are",
			  name, err.text);
	else if (r < 0 && !quiet)
		ctl_error("cannot show the output of '%s': %s", name, err.text);
	else if (r == 0 && journal && !quiet && !sink.any && c->json == JSON_MODE_OFF && geteuid() != 0)
		ctl_warning("nothing to be seen; others than root and the groups adm and systemd-journal see "
			    "only their own lines");
	return r < 0 ? CTL_FAILED : CTL_DONE;
}

int verb_log(struct ctl *c, char **args, int n)
{
	uint64_t lines = c->lines_given || !c->follow ? c->lines : FOLLOW_LINES;

	(void)n;
	(void)is_container(args[0]);
	if (!container_name_is_valid(args[0])) {
		_cleanup_free_ char *shown = str_escape(args[0], strlen(args[0]));

		ctl_error("cannot show the output of '%s': that is no name a container can have",
			  shown ? shown : "?");
		return CTL_FAILED;
	}
	if (c->follow) {
		(void)signal(SIGINT, on_interrupt);
		(void)signal(SIGTERM, on_interrupt);
	} else {
		pager_open(c);
	}
	return log_print(c, args[0], lines, c->follow, false);
}
