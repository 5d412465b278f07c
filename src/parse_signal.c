/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by name and number, as systemd and kill(1) take and print them. */
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* "RTMIN+3", "RTMAX-1", "RTMIN": libc keeps the first ones for itself, so the ends are known at run time
 * only. */
static int parse_realtime(const char *name, int *ret)
{
	bool minimum = str_starts_with(name, "RTMIN");
	uint64_t distance = 0;

	if (!minimum && !str_starts_with(name, "RTMAX"))
		return -EINVAL;
	name += strlen("RTMIN");
	if (*name != '\0' && (*name != (minimum ? '+' : '-') || parse_u64(name + 1, &distance) < 0))
		return -EINVAL;
	if (distance > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return -EINVAL;
	*ret = minimum ? SIGRTMIN + (int)distance : SIGRTMAX - (int)distance;
	return 0;
}

int parse_signal(const char *text, int *ret)
{
	static const struct {
		const char *name;
		int signal;
	} others[] = {{"IOT", SIGIOT}, {"CLD", SIGCHLD}, {"IO", SIGIO}};
	uint64_t number;

	if (parse_u64(text, &number) == 0) {
		if (number < 1 || number > (uint64_t)SIGRTMAX)
			return -ERANGE;
		*ret = (int)number;
		return 0;
	}
	if (str_starts_with(text, "SIG"))
		text += strlen("SIG");
	for (int n = 1; n < SIGRTMIN; n++)
		if (str_equal(text, sigabbrev_np(n))) {
			*ret = n;
			return 0;
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (str_equal(text, others[i].name)) {
			*ret = others[i].signal;
			return 0;
		}
	return parse_realtime(text, ret);
}

char *format_signal(int signal, char *ret)
{
	const char *name = sigabbrev_np(signal);

	if (name)
		snprintf(ret, FORMAT_MAX, "SIG%s", name);
	else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
		snprintf(ret, FORMAT_MAX, "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		snprintf(ret, FORMAT_MAX, "%d", signal);
	return ret;
}
