/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the API share. Layer 4. */
#ifndef NETNSD_API_INTERNAL_H
#define NETNSD_API_INTERNAL_H

#include "api.h"
#include "container.h"
#include "varlink.h"

/* Privilege classes (struct varlink_method.privilege). */
enum privilege {
	PRIVILEGE_READ,	   /* whoever can connect */
	PRIVILEGE_OPERATE, /* root, and the group of netnsd.conf's SocketGroup= */
	PRIVILEGE_ADMIN	   /* root */
};

struct subscription;

struct api {
	struct manager *manager;
	struct varlink_server *server;
	uint64_t started_at; /* CLOCK_REALTIME, usec */
	char *socket_path;   /* for the registry; NULL: another one made the socket */
	/* api_subscribe.c's own: */
	struct subscription *waiting; /* for others' looks at a namespace to end */
	unsigned looks;		      /* under way */
	size_t queued;		      /* bytes that subscribers have not taken yet */
	struct api_message *last;     /* of the last notice, for all who are told; NULL: none */
	uint64_t last_sequence;
	struct varlink_call *reexec; /* whoever asked another program to take over; NULL: nobody */
};

/* --- values to JSON (api_json.c) ----------------------------------------------------------------
 * The put functions return 0, or -1 without memory, so that a caller can collect them with |= and ask
 * once. NULL texts and vectors are left out: absent is Varlink's null. Text that is no UTF-8 is escaped. */
json_t *api_text(const char *text);
int api_put(json_t *object, const char *key, json_t *value); /* steals; NULL is an error */
int api_put_text(json_t *object, const char *key, const char *text);
int api_put_bool(json_t *object, const char *key, bool value);
int api_put_int(json_t *object, const char *key, json_int_t value);
int api_put_texts(json_t *object, const char *key, char *const *texts);
/* The object when failed is 0, else NULL: the end of every builder. */
json_t *api_built(json_t *object, int failed);

json_t *api_diagnostics(const struct diags *d);
json_t *api_actions(const struct operation_result *r);
json_t *api_failures(const struct operation_result *r);
json_t *api_holders(const struct operation_result *r);
const char *api_errno_name(const struct error *e); /* "EEXIST", or NULL */

/* --- namespaces to JSON (api_unit.c, api_link.c) ---------------------------------------------- */

/* One reply of List. u NULL: a foreign name. The text of the file is for root only: the file may be
 * closed to others. */
json_t *api_unit_entry(const struct unit *u, const char *name, bool with_text);
/* One reply of Describe. */
json_t *api_unit_description(const struct unit *u, const char *name, const struct operation_result *r,
			     bool with_text);
/* host: what the daemon's own namespace is called; NULL: unknown. */
json_t *api_links(const struct netns *declared, const struct actual *actual, const char *host);

/* --- containers to JSON (api_container_json.c) ---------------------------------------------------- */

/* One reply of List or Describe. */
json_t *api_container_entry(const struct container *c, bool with_text, bool with_memory);
/* Those of its file, else those it runs with; NULL: neither. */
const struct container_settings *api_container_settings(const struct container *c);
int api_put_container_counts(json_t *o, struct manager *m);
void api_container_no_such(struct varlink_call *call, const char *name); /* api_container_operation.c */

/* --- what happens to JSON (api_event.c) ---------------------------------------------------------- */

/* A reply as bytes, made once and shared by all who get it. */
struct api_message {
	unsigned references;
	size_t length;
	char text[];
};
struct api_message *api_message_new(json_t *parameters); /* steals; NULL: no memory */
struct api_message *api_message_ref(struct api_message *m);
void api_message_unref(struct api_message *m); /* NULL is fine */

struct api_message *api_notice(const struct notice *n);
/* The namespace itself; 0 or -ENOMEM. And each thing in it, from 0; -ENOENT: there are fewer. */
int api_present_unit(const struct unit *u, struct api_message **ret);
int api_present_container(const struct container *c, struct api_message **ret);
int api_present_thing(const char *netns, const struct actual *a, size_t at, struct api_message **ret);

/* --- lists of one reply an entry (api_list.c) ------------------------------------------------------- */

struct api_listing_kind {
	/* own: one of the daemon's, as they were when the list began. 0; -ESTALE: it has gone meanwhile;
	 * -ENOMEM. */
	int (*entry)(struct api *a, const char *name, bool own, json_t **ret);
	const char *none; /* the error that says that there are none; its parameter is an empty name */
};
struct api_listing;
int api_listing_new(struct api *a, const struct api_listing_kind *kind, struct api_listing **ret);
int api_listing_add(struct api_listing *l, const char *name); /* -ENOMEM */
void api_listing_own_end(struct api_listing *l); /* what is added from here on is not the daemon's */
void api_listing_send(struct varlink_call *call, struct api_listing *l); /* takes it over */
void api_listing_free(struct api_listing *l);

/* --- answers (api_operation.c) ------------------------------------------------------------------ */

/* Answers with what a builder returned; NULL is "no memory". */
void api_reply(struct varlink_call *call, json_t *built);
void api_fail(struct varlink_call *call, const char *error, json_t *built);
void api_no_memory(struct varlink_call *call);

/* Answers a call with the result of its operation. `name` is the request's, or NULL. */
typedef void api_answer_fn(struct api *a, struct varlink_call *call, const char *name,
			   const struct operation_result *result);
/* Starts the operation and answers when it is done; progress goes out when the caller wants more. */
void api_operate(struct api *a, struct varlink_call *call, const struct operation_request *request,
		 api_answer_fn *answer);

/* --- methods ------------------------------------------------------------------------------------- */

varlink_method_fn api_manager_describe, api_manager_plan, api_manager_apply, api_manager_confirm;
varlink_method_fn api_manager_subscribe;
varlink_method_fn api_namespace_list, api_namespace_describe, api_namespace_add, api_namespace_delete;
varlink_method_fn api_namespace_up, api_namespace_down, api_namespace_wait;
varlink_method_fn api_container_list, api_container_describe, api_container_wait;
varlink_method_fn api_container_start, api_container_stop, api_container_restart, api_container_kill;
varlink_method_fn api_container_reset_failed;
varlink_method_fn api_service_ping, api_service_reload, api_service_set_log_level, api_service_get_log_level;
varlink_method_fn api_service_get_environment;

/* Answers of Manager.Apply when it failed; also Reload's. */
void api_manager_fail(struct api *a, struct varlink_call *call, const struct operation_result *r);

/* --- /run/varlink/registry (api_registry.c) ------------------------------------------------------ */

void api_registry_add(const char *socket_path);
void api_registry_remove(const char *socket_path);

/* --- another program takes over (api_reexec.c) ---------------------------------------------------- */
void api_manager_reexec(struct varlink_call *call, json_t *parameters, void *data);
bool api_socket_is_ours(void);	   /* what was handed over as the control socket was made by netnsd */
void api_take_over(struct api *a); /* the clients of the program before this one */

#endif
