/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the varlink_*.c files share, and what unit tests and fuzzers reach into. Layer 1.
 *
 * Who frees what: the server owns its connections; a connection owns its buffers and knows the one
 * call that is open on it; the call belongs to whoever must answer it and lives until then. A
 * connection is freed by its own watchers and by varlink_server_free() only: everything else marks
 * it `dead`, so that no method function ever loses its connection under its feet. */
#ifndef NETNSD_VARLINK_INTERNAL_H
#define NETNSD_VARLINK_INTERNAL_H

#include "varlink.h"

#include <stddef.h>

#define VARLINK_DEPTH_MAX     64	   /* nesting of one message; jansson's own limit is 2048 */
#define VARLINK_PARTS_MAX     1024	   /* arrays, objects and members in one call */
#define VARLINK_OUTPUT_HIGH   (128 * 1024) /* unread replies past which no further call is taken */
#define VARLINK_TURN_MESSAGES 16	   /* calls of one connection in one turn of the loop */
#define VARLINK_TURN_ACCEPTS  16	   /* new connections in one turn of the loop */

/* --- messages (varlink_message.c; pure) ------------------------------------------------------ */

struct varlink_message {
	json_t *root; /* owned; method and parameters point into it */
	const char *method;
	json_t *parameters; /* NULL: none */
	bool oneway, more, upgrade;
};

/* One call without its NUL. 0; -EBADMSG with why the connection must be closed; -ENOMEM. */
int varlink_message_parse(const char *bytes, size_t length, struct varlink_message *ret, struct error *err);
void varlink_message_clear(struct varlink_message *m);

/* A reply as the client reads it. */
struct varlink_answer {
	json_t *root;
	json_t *parameters; /* NULL: none */
	const char *error;  /* NULL: none */
	bool continues;
};
int varlink_answer_parse(const char *bytes, size_t length, struct varlink_answer *ret, struct error *err);

/* Bytes in both directions: [start, start + length) of data is in use. */
struct varlink_buffer {
	char *data;
	size_t start, length, capacity;
};
int varlink_buffer_reserve(struct varlink_buffer *b, size_t more); /* room for `more` bytes at the end */
void varlink_buffer_consume(struct varlink_buffer *b, size_t n);
void varlink_buffer_free(struct varlink_buffer *b);

int varlink_buffer_append(struct varlink_buffer *b, const char *bytes, size_t length);
/* Appends value and a NUL; nothing is left behind on failure. */
int varlink_buffer_append_json(struct varlink_buffer *b, const json_t *value);

/* --- server ------------------------------------------------------------------------------------ */

struct varlink_connection {
	struct varlink_connection *prev, *next;
	struct varlink_server *server;
	struct varlink_peer peer;
	ev_io io;
	ev_idle resume;	  /* goes on next turn: more input is buffered, a call was answered, or it is dead */
	ev_timer absence; /* looks for a hang-up while `io` cannot: there is nothing to read or write */
	struct varlink_buffer in, out;
	size_t scanned;		    /* bytes of `in` known to hold no NUL */
	size_t complete;	    /* length of the first complete message with its NUL; 0: none yet */
	struct varlink_call *call;  /* open; NULL: none */
	struct varlink_buffer open; /* the message of it, for a program that takes our place */
	bool eof;		    /* the client sends no more */
	bool deaf;		    /* the client reads no more: replies are thrown away */
	bool dead;		    /* to be freed by the next watcher that runs */
	bool in_step;		    /* connection_step() is at work and will see all changes */
};

struct varlink_server {
	struct ev_loop *loop;
	struct varlink_options options;
	struct varlink_connection *connections;
	unsigned n_connections;
	ev_io listener; /* fd -1: does not listen */
	ev_timer pause; /* accepting is suspended: no descriptors even with the reserve */
	int reserve;	/* a descriptor to give up when there are no others */
	char *path;	/* bound by us, to be unlinked; NULL: none */
	uint64_t device, inode;
	bool holding; /* no call is taken, nobody is accepted */
};

struct varlink_call {
	struct varlink_connection *connection; /* NULL: the client has gone */
	const struct varlink_method *method;
	struct varlink_peer peer;
	bool oneway, more;
	void *userdata;
	void (*gone)(struct varlink_call *call);
	void (*writable)(struct varlink_call *call);
	const char *heir_reply; /* see varlink_call_leave_reply(); NULL: the heir answers it itself */
};

/* Takes a connected socket over (closes it on failure). Also for tests, with socketpair(). */
int varlink_connection_new(struct varlink_server *s, int fd, const struct varlink_peer *peer);
void varlink_connection_free(struct varlink_connection *c);
void varlink_connection_flush(struct varlink_connection *c); /* as much as goes without waiting */
void varlink_connection_schedule(struct varlink_connection *c);
void varlink_connection_scan(struct varlink_connection *c); /* looks for the end of the first message */
int varlink_peer_read(int fd, gid_t operator_gid, struct varlink_peer *ret);

/* Runs the message: finds the method, checks privilege, calls it. */
void varlink_dispatch(struct varlink_connection *c, const struct varlink_message *m);

/* org.varlink.service (varlink_service.c). */
extern const struct varlink_method varlink_service_methods[];
extern const struct varlink_interface varlink_service_interface;

#endif
