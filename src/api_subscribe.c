/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Manager.Subscribe: the present state, ready, then every change.
 *
 * The state is taken in passes, one look of a worker at one namespace after the other, and sent no faster
 * than the client reads. What happens while a look is under way is held back until its result is queued,
 * because the result may be older: so whatever is told last of an object is how it is. All that waits for
 * a slow reader is bounded; past the bound it is cut off, and so sees that it knows nothing more. */
#include "api_internal.h"
#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define REPLIES_PER_TURN 64
#define LOOKS_MAX	 4		    /* under way for all subscribers: workers have other work */
#define BEHIND_MAX	 VARLINK_OUTPUT_MAX /* bytes of changes that wait behind the state */
#define QUEUED_MAX	 (64 * 1024 * 1024) /* of all subscribers together; root is exempt */

struct queue {
	struct api_message **items;
	size_t head, n, size;
};

struct subscription {
	struct subscription *prev, *next; /* api->waiting */
	struct api *api;
	struct varlink_call *call;
	struct subscriber subscriber;
	char **only; /* sorted; NULL: all namespaces */
	size_t n_only;
	bool with_state;
	char **names; /* of the pass under way, sorted */
	size_t n_names, next_name;
	struct operation *look; /* NULL also while it is being started */
	bool looking, waiting;	/* for the worker; for others' looks to end */
	bool passing;		/* ready is still to be sent */
	bool again;		/* changes were lost: another pass after what is queued */
	bool cut;
	struct error failure; /* why a namespace could not be looked at; code 0: none */
	struct actual
		*actual; /* the result of the last look, as far as it is still to be sent; may be NULL */
	size_t next_thing;
	struct queue queue;  /* to be sent */
	struct queue behind; /* to be sent after the result of the look */
	size_t n_behind;     /* bytes of changes in both */
};

static void pump(struct varlink_call *call);

/* --- queues ------------------------------------------------------------------------------------------ */

/* Takes the message over, also on failure. */
static int queue_push(struct queue *q, struct api_message *m)
{
	struct api_message **grown;

	if (q->n == q->size) {
		grown = reallocarray(q->items, q->size * 2 + 16, sizeof(*grown));
		if (grown == NULL) {
			api_message_unref(m);
			return -ENOMEM;
		}
		q->items = grown;
		q->size = q->size * 2 + 16;
	}
	q->items[q->n++] = m;
	return 0;
}

static struct api_message *queue_pop(struct queue *q)
{
	return q->head < q->n ? q->items[q->head++] : NULL;
}

static void queue_clear(struct queue *q)
{
	while (q->head < q->n)
		api_message_unref(q->items[q->head++]);
	free(q->items);
	*q = (struct queue){0};
}

static bool queue_is_empty(const struct queue *q)
{
	return q->head == q->n;
}

/* --- the end ------------------------------------------------------------------------------------------ */

static void names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* It is told nothing more; the rest goes with the connection. */
static void cut(struct subscription *s)
{
	if (s->cut)
		return;
	s->cut = true;
	notice_unsubscribe(&s->api->manager->notices, &s->subscriber);
	varlink_call_hang_up(s->call);
}

static void look_is_over(struct subscription *s)
{
	struct subscription *next = s->api->waiting;

	s->looking = false;
	s->look = NULL;
	s->api->looks--;
	if (next == NULL)
		return;
	DL_DELETE(s->api->waiting, next);
	next->waiting = false;
	varlink_call_set_writable(next->call, pump);
}

/* About what it takes: the rest is small or rare. */
static size_t actual_bytes(const struct actual *a)
{
	return a == NULL ? 0
			 : a->n_links * sizeof(*a->links) + a->n_addresses * sizeof(*a->addresses) +
				   a->n_routes * sizeof(*a->routes) + a->n_rules * sizeof(*a->rules) +
				   a->n_neighbors * sizeof(*a->neighbors);
}

static void drop_actual(struct subscription *s)
{
	s->api->queued -= actual_bytes(s->actual);
	actual_free(s->actual);
	s->actual = NULL;
}

static size_t queue_bytes(const struct queue *q)
{
	size_t bytes = 0;

	for (size_t i = q->head; i < q->n; i++)
		bytes += q->items[i]->length;
	return bytes;
}

static void subscription_free(struct subscription *s)
{
	if (!s->cut)
		notice_unsubscribe(&s->api->manager->notices, &s->subscriber);
	if (s->look != NULL)
		operation_forget(s->look);
	if (s->looking)
		look_is_over(s);
	if (s->waiting)
		DL_DELETE(s->api->waiting, s);
	s->api->queued -= queue_bytes(&s->queue) + queue_bytes(&s->behind);
	queue_clear(&s->queue);
	queue_clear(&s->behind);
	drop_actual(s);
	names_free(s->only, s->n_only);
	names_free(s->names, s->n_names);
	free(s);
}

static void gone(struct varlink_call *call)
{
	subscription_free(varlink_call_userdata(call));
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

/* --- what happens ------------------------------------------------------------------------------------- */

static void queued(struct subscription *s, size_t bytes)
{
	s->api->queued += bytes;
	if (s->api->queued > QUEUED_MAX && varlink_call_peer(s->call)->uid != 0)
		cut(s);
}

static void enqueue(struct subscription *s, struct queue *q, struct api_message *m)
{
	const size_t length = m != NULL ? m->length : 0;

	if (m == NULL || queue_push(q, m) < 0)
		cut(s);
	else
		queued(s, length);
}

/* A change, or the mark that some were lost; the caller's reference is taken over. */
static void tell(struct subscription *s, struct api_message *m)
{
	const bool behind = s->looking || s->actual != NULL;

	if (m != NULL && !behind && !s->passing && !s->again && queue_is_empty(&s->queue)) {
		if (varlink_notify_text(s->call, m->text) < 0)
			cut(s);
		api_message_unref(m);
		return;
	}
	s->n_behind += m != NULL ? m->length : 0;
	if (s->n_behind > BEHIND_MAX) {
		api_message_unref(m);
		cut(s);
		return;
	}
	enqueue(s, behind ? &s->behind : &s->queue, m);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool wants(const struct subscription *s, const char *name)
{
	return s->only == NULL || name == NULL ||
	       bsearch(&name, s->only, s->n_only, sizeof(*s->only), compare_names) != NULL;
}

static void on_notice(const struct notice *n, void *data)
{
	struct subscription *s = data;
	struct api *a = s->api;

	if (!wants(s, n->netns))
		return;
	if (a->last == NULL || a->last_sequence != n->sequence) {
		api_message_unref(a->last);
		a->last = api_notice(n);
		a->last_sequence = n->sequence;
	}
	tell(s, a->last != NULL ? api_message_ref(a->last) : NULL);
}

static void on_resync(uint64_t sequence, void *data)
{
	struct subscription *s = data;

	tell(s, api_message_new(json_pack("{s:b, s:I}", "resync", 1, "sequence", (json_int_t)sequence)));
	s->again = true;
	if (!s->cut && !s->looking && !s->waiting)
		varlink_call_set_writable(s->call, pump);
}

/* --- the state ------------------------------------------------------------------------------------------ */

static int add_name(char ***names, size_t *n, const char *name)
{
	char **grown = *n % 64 == 0 ? reallocarray(*names, *n + 64, sizeof(*grown)) : *names;

	if (grown == NULL)
		return -ENOMEM;
	*names = grown;
	grown[*n] = strdup(name);
	if (grown[*n] == NULL)
		return -ENOMEM;
	(*n)++;
	return 0;
}

/* From here on everything of these names is told; others come with their changes. */
static int pass_begin(struct subscription *s)
{
	struct unit *u, *next;
	int r = 0;

	names_free(s->names, s->n_names);
	s->names = NULL;
	s->n_names = s->next_name = 0;
	s->passing = true;
	s->again = false;
	if (!s->with_state)
		return 0;
	HASH_ITER (hh, s->api->manager->units, u, next)
		if (r == 0 && wants(s, u->name))
			r = add_name(&s->names, &s->n_names, u->name);
	if (r == 0 && s->n_names > 0)
		qsort(s->names, s->n_names, sizeof(*s->names), compare_names);
	return r;
}

static void take_unit(struct subscription *s, const struct unit *u)
{
	struct api_message *m = NULL;

	(void)api_present_unit(u, &m);
	enqueue(s, &s->queue, m);
}

/* After the namespaces: they are few, and what is told of one is known here and now. */
static void take_containers(struct subscription *s)
{
	struct container *c, *next;

	if (!s->with_state)
		return;
	HASH_ITER (hh, s->api->manager->containers, c, next) {
		const struct container_settings *settings = api_container_settings(c);
		struct api_message *m = NULL;

		if (s->cut || settings == NULL || !wants(s, settings->netns))
			continue;
		(void)api_present_container(c, &m);
		enqueue(s, &s->queue, m);
	}
}

/* Things are made into replies only when they can be sent: there may be a million routes. */
static void take_result(struct subscription *s, const struct unit *u, const struct operation_result *result)
{
	take_unit(s, u);
	if (result->take == NULL)
		return;
	s->actual = steal_pointer(*result->take);
	s->next_thing = 0;
	queued(s, actual_bytes(s->actual));
}

/* All of the result is on its way: now what happened meanwhile. */
static void end_result(struct subscription *s)
{
	struct api_message *m;

	drop_actual(s);
	while (!s->cut && (m = queue_pop(&s->behind)) != NULL) {
		s->api->queued -= m->length;
		enqueue(s, &s->queue, m);
	}
	if (!s->cut)
		queue_clear(&s->behind);
}

static void on_looked(const struct operation_result *result, void *data)
{
	struct subscription *s = data;
	const struct unit *u = manager_find_unit(s->api->manager, s->names[s->next_name - 1]);

	look_is_over(s);
	if (u != NULL && result->failure != FAILURE_NONE && result->failure != FAILURE_NO_SUCH_NAMESPACE)
		(void)error_set(&s->failure, -EIO, "%s", result->error.text);
	else if (u != NULL)
		take_result(s, u, result);
	if (s->actual == NULL)
		end_result(s);
	varlink_call_set_writable(s->call, pump);
}

static void look(struct subscription *s, const struct unit *u)
{
	const struct operation_request request = {.type = OPERATION_DESCRIBE, .name = u->name, .quick = true};
	struct operation *operation = NULL;
	int r;

	varlink_call_set_writable(s->call, NULL); /* the end of the look goes on */
	if (s->api->looks >= LOOKS_MAX) {
		s->next_name--;
		s->waiting = true;
		DL_APPEND(s->api->waiting, s);
		return;
	}
	s->looking = true;
	s->api->looks++;
	r = manager_start_operation(s->api->manager, &request, on_looked, NULL, s, &operation);
	if (r == 0) {
		s->look = s->looking ? operation : NULL;
		return;
	}
	look_is_over(s);
	(void)error_set(&s->failure, r, "%s", r == -ESHUTDOWN ? "The daemon is stopping" : strerror(-r));
	varlink_call_set_writable(s->call, pump);
}

/* A state with a hole in it would pass for the truth. */
static void fail(struct varlink_call *call)
{
	struct subscription *s = varlink_call_userdata(call);
	const char *name = s->names[s->next_name - 1];
	json_t *parameters = json_object();
	int r = 0;

	r |= api_put_text(parameters, "name", name);
	r |= api_put_text(parameters, "message", s->failure.text);
	subscription_free(s);
	api_fail(call, "io.netnsd.Manager.StateUnknown", api_built(parameters, r));
}

static void pass_step(struct subscription *s)
{
	struct manager *m = s->api->manager;
	const struct unit *u = NULL;

	while (u == NULL && s->next_name < s->n_names)
		u = manager_find_unit(m, s->names[s->next_name++]);
	if (u == NULL) {
		take_containers(s);
		s->passing = false;
		if (queue_is_empty(&s->queue))
			varlink_call_set_writable(s->call,
						  NULL); /* from now on changes go out as they come */
		tell(s, api_message_new(json_pack("{s:b, s:I}", "ready", 1, "sequence",
						  (json_int_t)m->notices.sequence)));
	} else if (u->fd < 0 && !(u->netns != NULL && u->netns->host)) {
		take_unit(s, u); /* it does not exist */
	} else {
		look(s, u);
	}
}

/* The next reply, or NULL: nothing is left, or no memory. */
static struct api_message *next_message(struct subscription *s)
{
	struct api_message *m = queue_pop(&s->queue);
	int r;

	if (m == NULL && s->actual != NULL) {
		r = api_present_thing(s->names[s->next_name - 1], s->actual, s->next_thing++, &m);
		if (r == 0)
			return m;
		if (r == -ENOENT)
			end_result(s);
		else
			cut(s);
		m = queue_pop(&s->queue);
	}
	if (m != NULL)
		s->api->queued -= m->length;
	return m;
}

/* Called once a loop turn while the client keeps up. */
static void pump(struct varlink_call *call)
{
	struct subscription *s = varlink_call_userdata(call);
	struct api_message *m;

	if (s->failure.code != 0) {
		fail(call);
		return;
	}
	for (unsigned i = 0; i < REPLIES_PER_TURN && (m = next_message(s)) != NULL; i++) {
		if (varlink_notify_text(call, m->text) < 0)
			cut(s);
		api_message_unref(m);
	}
	if (s->cut || s->actual != NULL || !queue_is_empty(&s->queue))
		return;
	queue_clear(&s->queue);
	s->n_behind = 0;
	if (s->again && pass_begin(s) < 0)
		cut(s);
	else if (s->passing)
		pass_step(s);
	else
		varlink_call_set_writable(call, NULL);
}

/* --- the method ------------------------------------------------------------------------------------------
 */

static int subscription_new(struct api *a, struct varlink_call *call, json_t *parameters,
			    struct subscription **ret)
{
	struct subscription *s = calloc(1, sizeof(*s));
	json_t *names = json_object_get(parameters, "names"), *name;
	size_t i;
	int r = 0;

	if (s == NULL)
		return -ENOMEM;
	s->api = a;
	s->call = call;
	s->with_state = !json_is_false(json_object_get(parameters, "state"));
	s->subscriber = (struct subscriber){.notice = on_notice, .resync = on_resync, .data = s};
	notice_subscribe(&a->manager->notices, &s->subscriber);
	json_array_foreach(names, i, name) if (r == 0) r =
		add_name(&s->only, &s->n_only, json_string_value(name));
	if (r == 0 && s->n_only > 0)
		qsort(s->only, s->n_only, sizeof(*s->only), compare_names);
	if (r == 0)
		r = pass_begin(s);
	if (r < 0) {
		subscription_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void api_manager_subscribe(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"names", VARLINK_STRINGS, false}, {"state", VARLINK_BOOL, false}, {0}};
	struct subscription *s;

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (!varlink_call_wants_more(call)) {
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
		return;
	}
	if (subscription_new(data, call, parameters, &s) < 0) {
		api_no_memory(call);
		return;
	}
	varlink_call_set_userdata(call, s, gone);
	varlink_call_set_writable(call, pump);
}
