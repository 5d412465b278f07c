/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests against the real kernel share: a sandbox of their own, and short words for asking.
 * Each program runs in its own mount and network namespace with an empty /run and /etc, so that
 * nothing of the machine is touched and all can run side by side. */
#ifndef NETNSD_LIB_KERNEL_H
#define NETNSD_LIB_KERNEL_H

#include "actual.h"
#include "desired.h"
#include "error.h"
#include "netns.h"
#include "parse.h"
#include "request.h"
#include "rtnl.h"

#include <errno.h>
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Enters the sandbox, or ends the program with 77 and the reason. First thing in main(). */
void sandbox_enter(void);
/* Ends the program with 77. */
void skip_all(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Shows the sentence when a call failed. */
#define assert_ok(e, err)                                                                                    \
	do {                                                                                                 \
		int _e = (e);                                                                                \
		if (_e < 0)                                                                                  \
			fail_msg("%s: %d: %s", #e, _e, (err)->text);                                         \
	} while (0)

struct netnsd_ip ip(const char *text);
struct netnsd_prefix prefix(const char *text);

/* A new, empty namespace: its descriptor, and a socket inside. The thread stays in it. */
struct space {
	int fd;
	struct rtnl *rtnl;
};
struct space space_new(void);
void space_close(struct space *s);

/* Sends a request that request_*() made (`made` is what it returned) and frees it. */
int ask(struct space *s, int made, struct nl_msg *msg, struct error *err);
#define ASK(space, err, function, ...)                                                                       \
	({                                                                                                   \
		struct nl_msg *_msg = NULL;                                                                  \
		int _made = function(__VA_ARGS__, &_msg);                                                    \
		ask((space), _made, _msg, (err));                                                            \
	})

struct actual *look(struct space *s, unsigned what);
int index_of(struct space *s, const char *name); /* 0: there is none */

/* A tiny copy of plugins/veth.c, and a bridge without keys. */
extern const struct link_kind kernel_veth, kernel_bridge;
/* Both ends of a pair, ready for request_link_create(). */
void pair_init(struct link *a, const char *name, struct link *b, const char *peer_name);
void pair_create(struct space *here, const struct link *l, int peer_fd);
void bridge_create(struct space *s, const char *name);
void link_up(struct space *s, int ifindex);

/* Turns of the loop for as long as go_on() says so; the test fails when nothing comes of it in DEADLINE. */
#define DEADLINE 60.							      /* s */
void run_until(struct ev_loop *loop, const unsigned *count, unsigned wanted); /* or until *count is that */
void run_while(struct ev_loop *loop, bool (*go_on)(void));

size_t count_fds(void);
/* Lines of /proc/self/mountinfo that contain both texts. */
size_t count_mounts(const char *a, const char *b);
double now_us(void);

#endif
