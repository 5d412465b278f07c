/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an exit means: sets of exit statuses and signals, and their names as systemd.exec(5) has them. */
#include "parse.h"
#include "restart.h"
#include "str.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	int status;
} status_names[] = {
	{"SUCCESS", 0},
	{"FAILURE", 1},
	{"INVALIDARGUMENT", 2},
	{"NOTIMPLEMENTED", 3},
	{"NOPERMISSION", 4},
	{"NOTINSTALLED", 5},
	{"NOTCONFIGURED", 6},
	{"NOTRUNNING", 7},
	{"USAGE", EX_USAGE},
	{"DATAERR", EX_DATAERR},
	{"NOINPUT", EX_NOINPUT},
	{"NOUSER", EX_NOUSER},
	{"NOHOST", EX_NOHOST},
	{"UNAVAILABLE", EX_UNAVAILABLE},
	{"SOFTWARE", EX_SOFTWARE},
	{"OSERR", EX_OSERR},
	{"OSFILE", EX_OSFILE},
	{"CANTCREAT", EX_CANTCREAT},
	{"IOERR", EX_IOERR},
	{"TEMPFAIL", EX_TEMPFAIL},
	{"PROTOCOL", EX_PROTOCOL},
	{"NOPERM", EX_NOPERM},
	{"CONFIG", EX_CONFIG},
	{"EXCEPTION", 255},
};

static int status_from_name(const char *word)
{
	if (str_starts_with(word, "EX_"))
		word += strlen("EX_");
	for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++)
		if (str_equal(word, status_names[i].name))
			return status_names[i].status;
	return -EINVAL;
}

int exit_set_add(struct exit_set *set, const char *word)
{
	uint64_t number;
	int status, signal;

	if (parse_u64(word, &number) < 0) {
		status = status_from_name(word);
		if (status < 0) {
			if (parse_signal(word, &signal) < 0)
				return -EINVAL;
			set->signals |= UINT64_C(1) << (signal - 1);
			return 0;
		}
		number = (uint64_t)status;
	}
	if (number > 255)
		return -EINVAL;
	set->status[number / 64] |= UINT64_C(1) << number % 64;
	return 0;
}

bool exit_set_has(const struct exit_set *set, int code, int status)
{
	if (code == CLD_EXITED)
		return status >= 0 && status <= 255 && (set->status[status / 64] >> status % 64 & 1);
	if (code == CLD_KILLED || code == CLD_DUMPED)
		return status >= 1 && status <= 64 && (set->signals >> (status - 1) & 1);
	return false;
}

static bool is_clean_signal(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGPIPE;
}

enum run_result restart_classify(const struct restart_policy *p, int code, int status)
{
	/* As systemd has it, a core dump is never a success. */
	if (code == CLD_DUMPED)
		return RESULT_CORE_DUMP;
	if (code == CLD_EXITED && (status == 0 || exit_set_has(&p->success, code, status)))
		return RESULT_SUCCESS;
	if (code == CLD_KILLED && (is_clean_signal(status) || exit_set_has(&p->success, code, status)))
		return RESULT_SUCCESS;
	/* One whose status nobody could read (adopted, and reaped by another): not known to be well. */
	return code == CLD_KILLED ? RESULT_SIGNAL : RESULT_EXIT_CODE;
}
