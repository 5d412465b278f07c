/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Varlink server of a few test methods on a loop of its own, and the raw other end of its
 * connections: what the tests of varlink*.c share. One thread; pump() runs the loop. */
#ifndef TEST_LIB_VARLINK_H
#define TEST_LIB_VARLINK_H

#include "varlink_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
	struct ev_loop *loop;
	struct varlink_server *server;
	struct varlink_call *held; /* test.Hold, not yet answered */
	unsigned calls;		   /* of any test method */
	unsigned gone;
	unsigned streamed; /* replies test.Stream has sent */
	char order[64];	   /* what test.Mark was given, one letter a call */
};

/* Methods of interface "test":
 *   Echo      answers with its parameters
 *   Mark      text: string; notes it in `order`, answers nothing
 *   Hold      stays open until the test answers f->held
 *   Count     to: int; with more, 1..to in one go
 *   Stream    to: int; with more, 1..to, 1 KiB each, as the client keeps up
 *   Operate, Admin   privilege 1 and 2; allowed to uid 0 (Operate: to in_operator_group too) */
struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);
void pump(struct fixture *f); /* until nothing more happens by itself */

int fixture_connect(struct fixture *f); /* our end of a socketpair, non-blocking */
int fixture_connect_as(struct fixture *f, const struct varlink_peer *peer);
void say(int fd, const char *text);			  /* text and a NUL */
void say_bytes(int fd, const char *bytes, size_t length); /* as much as fits; all of it, or fails */
void expect(struct fixture *f, int fd, const char *text); /* pumps; the next reply, exactly */
void expect_silence(struct fixture *f, int fd);		  /* pumps; open, and nothing to read */
void expect_closed(struct fixture *f, int fd);		  /* pumps; nothing to read, and closed */
/* Pumps, asks for test.Echo on a new connection: the server is alive and well. */
void expect_alive(struct fixture *f);

#endif
