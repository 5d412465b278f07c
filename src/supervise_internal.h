/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What supervise.c and supervise_text.c share. */
#ifndef NETNSD_SUPERVISE_INTERNAL_H
#define NETNSD_SUPERVISE_INTERNAL_H

#include "str.h"
#include "supervise.h"

#include <limits.h>

struct step {
	struct supervision *s;
	const struct supervise_policy *p;
	const struct supervise_input *in;
};

#define SAY(x, ...) ((void)str_format((x)->s->reason, sizeof((x)->s->reason), __VA_ARGS__))

/* Each says why, before the state changes. */
void supervise_say_exit(const struct step *x, enum run_result result);
void supervise_say_late(const struct step *x);	  /* not ready in time */
void supervise_say_overdue(const struct step *x); /* does not end in time */
void supervise_say_silent(const struct step *x);
void supervise_say_stopped(const struct step *x);
void supervise_say_limit(const struct step *x);
void supervise_say_decision(const struct step *x, const struct restart_decision *d);

#endif
