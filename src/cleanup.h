/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scope-bound release of memory and descriptors. Layer 0. */
#ifndef NETNSD_CLEANUP_H
#define NETNSD_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define _cleanup_(f)	 __attribute__((cleanup(f)))
#define _cleanup_free_	 _cleanup_(cleanup_free)
#define _cleanup_close_	 _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Hands a pointer or descriptor on and leaves NULL or -1 behind. */
#define steal_pointer(p)                                                                                     \
	({                                                                                                   \
		__typeof__(p) *_p = &(p);                                                                    \
		__typeof__(p) _v = *_p;                                                                      \
		*_p = NULL;                                                                                  \
		_v;                                                                                          \
	})
#define steal_fd(fd)                                                                                         \
	({                                                                                                   \
		int *_f = &(fd);                                                                             \
		int _v = *_f;                                                                                \
		*_f = -1;                                                                                    \
		_v;                                                                                          \
	})

#endif
