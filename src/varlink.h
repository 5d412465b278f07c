/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Varlink (UAPI.20) over UNIX sockets: server with limits, and a small blocking client. Layer 1.
 * No netnsd knowledge. One ev_io a connection; nothing here ever blocks the loop. */
#ifndef NETNSD_VARLINK_H
#define NETNSD_VARLINK_H

#include "error.h"

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VARLINK_MESSAGE_MAX (64 * 1024)	      /* one request, server side */
#define VARLINK_OUTPUT_MAX  (4 * 1024 * 1024) /* unread replies; a reader past it is cut off */

/* Errors of org.varlink.service a method may want to answer with itself. */
#define VARLINK_EXPECTED_MORE	  "org.varlink.service.ExpectedMore"
#define VARLINK_INVALID_PARAMETER "org.varlink.service.InvalidParameter"
#define VARLINK_PERMISSION_DENIED "org.varlink.service.PermissionDenied"

struct varlink_server;
struct varlink_call; /* one method call that has not been answered finally */

struct varlink_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* for log lines only: pids are recycled */
	bool in_operator_group; /* gid or SO_PEERGROUPS has varlink_options.operator_gid */
};

/* A method function must answer once, now or later: varlink_reply(), varlink_error(), or, when the
 * caller asked for more, any number of varlink_notify() first. `parameters` is an object, never NULL,
 * borrowed until the function returns. After the final answer the call is gone. */
typedef void varlink_method_fn(struct varlink_call *call, json_t *parameters, void *data);

struct varlink_method {
	const char *name; /* "io.netnsd.Namespace.List" */
	varlink_method_fn *call;
	unsigned privilege; /* caller's meaning; see allow() */
};

struct varlink_interface {
	const char *name;
	const char *description; /* the interface text */
};

/* Copied; what it points to must outlive the server. */
struct varlink_options {
	const char *vendor, *product, *version, *url; /* GetInfo */
	const struct varlink_interface *interfaces; /* ends with name NULL; org.varlink.service is built in */
	const struct varlink_method *methods;	    /* ends with name NULL */
	/* false: answers org.varlink.service.PermissionDenied. NULL: all are allowed. */
	bool (*allow)(const struct varlink_peer *peer, unsigned privilege, void *data);
	void *data;		       /* for methods and allow */
	gid_t operator_gid;	       /* (gid_t)-1: none */
	unsigned connections_per_user; /* root is exempt */
	unsigned connections_max;      /* all users together without root */
};

int varlink_server_new(struct ev_loop *loop, const struct varlink_options *options,
		       struct varlink_server **ret);
/* Binds path with the mode set before anybody can connect; replaces a socket nobody answers on, refuses
 * (-EADDRINUSE) a living one. Adopts fd instead when fd >= 0 (socket activation). */
int varlink_server_listen(struct varlink_server *s, const char *path, mode_t mode, int fd, struct error *err);
void varlink_server_free(struct varlink_server *s); /* flushes what it can without waiting; NULL is fine */
unsigned varlink_server_connections(const struct varlink_server *s);

/* No call is taken any more, nobody accepted, no earlier answer sent, until it is released; calls that are
 * open go on. */
void varlink_server_hold(struct varlink_server *s, bool hold);

/* --- another program takes our place: connections go on ------------------------------------------- */
/* Each connection: `in` is what the heir is to read, beginning with the call that is open, which it runs
 * anew; `out` what the client has not read. Not 0: ends with that. */
typedef int varlink_save_fn(int fd, const char *in, size_t in_length, const char *out, size_t out_length,
			    void *data);
int varlink_server_save(struct varlink_server *s, varlink_save_fn *save, void *data);
int varlink_server_restore(struct varlink_server *s, int fd, const char *in, size_t in_length,
			   const char *out, size_t out_length); /* takes fd, also on failure */
/* The path is ours after all: to be unlinked at the end. */
int varlink_server_own(struct varlink_server *s, const char *path, struct error *err);
int varlink_server_fd(const struct varlink_server *s); /* the one that listens */
/* A call that the heir is not to run anew: it sends this reply instead ("{}"); not copied. */
void varlink_call_leave_reply(struct varlink_call *call, const char *reply);

/* Answers. parameters are stolen (also on failure); NULL: none. -ENOMEM or -EPIPE are for information: the
 * connection is closed then. A call whose client has gone swallows all of it. */
int varlink_reply(struct varlink_call *call, json_t *parameters);
int varlink_notify(struct varlink_call *call, json_t *parameters); /* continues: true; only when wants_more */
/* The same as bytes, which are made once and given to many. varlink_notification() steals parameters; owned,
 * with its NUL; NULL: no memory. */
char *varlink_notification(json_t *parameters);
int varlink_notify_text(struct varlink_call *call, const char *notification);
/* Closes the connection of a call that can go on no more: the client sees the end of the stream. `gone` is
 * called from the loop, not from here. */
void varlink_call_hang_up(struct varlink_call *call);
int varlink_error(struct varlink_call *call, const char *error, json_t *parameters);
int varlink_error_invalid_parameter(struct varlink_call *call, const char *parameter);

/* For long streams: `writable` is called once a loop turn as long as the call is open and the client keeps
 * up, to send a handful of replies and, in the end, the answer. Nothing piles up for a slow reader. */
void varlink_call_set_writable(struct varlink_call *call, void (*writable)(struct varlink_call *call));

bool varlink_call_wants_more(const struct varlink_call *call);
const struct varlink_peer *varlink_call_peer(const struct varlink_call *call);
const char *varlink_call_method(const struct varlink_call *call);
/* Keeps own data with the call; `gone` is called when the client hangs up before the final answer, or the
 * server is freed (the call pointer is still valid until it is answered, which `gone` may do at once;
 * answers are swallowed). */
void varlink_call_set_userdata(struct varlink_call *call, void *userdata,
			       void (*gone)(struct varlink_call *call));
void *varlink_call_userdata(const struct varlink_call *call);

/* Refuses unknown parameters by name and wrong types: `spec` rows end with name NULL. Returns false after it
 * has answered with InvalidParameter. */
enum varlink_type {
	VARLINK_STRING,
	VARLINK_BOOL,
	VARLINK_INT,
	VARLINK_OBJECT,
	VARLINK_STRINGS,
	VARLINK_OBJECTS
};
struct varlink_parameter {
	const char *name;
	enum varlink_type type;
	bool required;
};
bool varlink_check_parameters(struct varlink_call *call, json_t *parameters,
			      const struct varlink_parameter *spec);

/* --- client (blocking; netnsctl and tests) --------------------------------------------------- */
struct varlink_client;
int varlink_client_connect(const char *path, struct varlink_client **ret, struct error *err);
/* Sends a call; parameters are stolen. */
int varlink_client_send(struct varlink_client *c, const char *method, json_t *parameters, bool more,
			struct error *err);
/* Next reply. *ret_parameters owned (an object, never NULL), *ret_error owned or NULL, *ret_continues whether
 * more follow. timeout_ms -1: for ever. -ETIMEDOUT, -ECONNRESET, -EBADMSG. */
int varlink_client_receive(struct varlink_client *c, int timeout_ms, json_t **ret_parameters,
			   char **ret_error, bool *ret_continues, struct error *err);
void varlink_client_free(struct varlink_client *c);

#endif
