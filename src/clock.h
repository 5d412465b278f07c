/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What time it is, in microseconds. Layer 0. */
#ifndef NETNSD_CLOCK_H
#define NETNSD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* For people: since the epoch. */
static inline uint64_t clock_realtime(void)
{
	return clock_usec(CLOCK_REALTIME);
}

/* For deadlines: goes on while the machine sleeps. */
static inline uint64_t clock_boottime(void)
{
	return clock_usec(CLOCK_BOOTTIME);
}

/* For spans: does not jump, and stands still while the machine sleeps. */
static inline uint64_t clock_monotonic(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

#endif
