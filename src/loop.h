/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs libev's loop. Layer 0.
 *
 * A descriptor that is closed here stays in libev's epoll as long as a child that was just forked has a copy
 * of it. When the kernel tells of it meanwhile, libev (4.33) takes the number out, which may be a worker's by
 * then, gets EBADF or ENOENT, and makes its epoll anew: well for us, but a race for ThreadSanitizer, and one
 * that its report (clang 14) crashes of. So libev's own calls are none of its business; callbacks are. */
#ifndef NETNSD_LOOP_H
#define NETNSD_LOOP_H

#include <ev.h>

#if defined(__SANITIZE_THREAD__)
#define LOOP_UNDER_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LOOP_UNDER_TSAN
#endif
#endif

#ifdef LOOP_UNDER_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);

static inline void loop_invoke_pending(struct ev_loop *loop)
{
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	ev_invoke_pending(loop);
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
}

static inline void loop_run(struct ev_loop *loop)
{
	ev_set_invoke_pending_cb(loop, loop_invoke_pending);
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	(void)ev_run(loop, 0);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
#else
static inline void loop_run(struct ev_loop *loop)
{
	(void)ev_run(loop, 0);
}
#endif

#endif
