/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One method call: finding the method, the checks before it, its answers, its parameters. A call
 * outlives its connection when the client hangs up, so that whoever works on it needs to know
 * nothing of that; its answers go nowhere then. */
#include "varlink_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- answers --------------------------------------------------------------------------------- */

/* Ends the call; its connection goes on with the next one. */
static void call_finish(struct varlink_call *call)
{
	struct varlink_connection *c = call->connection;

	if (c != NULL) {
		c->call = NULL;
		varlink_connection_schedule(c);
	}
	free(call);
}

/* NULL: no memory. Steals parameters. */
static json_t *reply_new(const char *error, json_t *parameters, bool continues)
{
	json_t *reply = json_object();
	int r = 0;

	if (error != NULL)
		r |= json_object_set_new(reply, "error", json_string(error));
	if (parameters != NULL)
		r |= json_object_set_new(reply, "parameters", parameters);
	if (continues)
		r |= json_object_set_new(reply, "continues", json_true());
	if (r == 0)
		return reply;
	json_decref(reply);
	return NULL;
}

/* A reader that leaves more than VARLINK_OUTPUT_MAX unread when there is more for it is cut off: it sees
 * the end of the stream, never a gap in it. */
static bool connection_keeps_up(struct varlink_connection *c)
{
	if (c->out.length > VARLINK_OUTPUT_MAX)
		varlink_connection_flush(c);
	return c->out.length <= VARLINK_OUTPUT_MAX;
}

/* A reply as JSON, or as bytes; without either there was no memory for it. */
static int connection_send(struct varlink_connection *c, const json_t *reply, const char *text)
{
	int r;

	if (c->dead || c->deaf)
		return -EPIPE;
	if (reply == NULL && text == NULL)
		r = -ENOMEM;
	else if (!connection_keeps_up(c))
		r = -EPIPE;
	else if (text != NULL)
		r = varlink_buffer_append(&c->out, text, strlen(text) + 1);
	else
		r = varlink_buffer_append_json(&c->out, reply);
	if (r < 0)
		c->dead = true;
	varlink_connection_schedule(c);
	return r;
}

static int call_send(struct varlink_call *call, const char *error, json_t *parameters, bool continues)
{
	json_t *reply;
	int r;

	if (call->connection == NULL) {
		json_decref(parameters);
		return -EPIPE;
	}
	if (call->oneway) {
		json_decref(parameters);
		return 0;
	}
	reply = reply_new(error, parameters, continues);
	r = connection_send(call->connection, reply, NULL);
	json_decref(reply);
	return r;
}

int varlink_reply(struct varlink_call *call, json_t *parameters)
{
	int r = call_send(call, NULL, parameters, false);

	call_finish(call);
	return r;
}

int varlink_notify(struct varlink_call *call, json_t *parameters)
{
	if (!call->more) {
		json_decref(parameters);
		return -EINVAL;
	}
	return call_send(call, NULL, parameters, true);
}

char *varlink_notification(json_t *parameters)
{
	json_t *reply = parameters ? reply_new(NULL, parameters, true) : NULL;
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	json_decref(reply);
	return text;
}

int varlink_notify_text(struct varlink_call *call, const char *notification)
{
	if (!call->more)
		return -EINVAL;
	return call->connection ? connection_send(call->connection, NULL, notification) : -EPIPE;
}

void varlink_call_hang_up(struct varlink_call *call)
{
	if (call->connection == NULL)
		return;
	call->connection->dead = true;
	varlink_connection_schedule(call->connection);
}

int varlink_error(struct varlink_call *call, const char *error, json_t *parameters)
{
	int r = call_send(call, error, parameters, false);

	call_finish(call);
	return r;
}

int varlink_error_invalid_parameter(struct varlink_call *call, const char *parameter)
{
	return varlink_error(call, VARLINK_INVALID_PARAMETER, json_pack("{s:s}", "parameter", parameter));
}

/* --- what methods ask ------------------------------------------------------------------------ */

bool varlink_call_wants_more(const struct varlink_call *call)
{
	return call->more;
}

const struct varlink_peer *varlink_call_peer(const struct varlink_call *call)
{
	return &call->peer;
}

const char *varlink_call_method(const struct varlink_call *call)
{
	return call->method->name;
}

void varlink_call_set_userdata(struct varlink_call *call, void *userdata,
			       void (*gone)(struct varlink_call *call))
{
	call->userdata = userdata;
	call->gone = gone;
}

void *varlink_call_userdata(const struct varlink_call *call)
{
	return call->userdata;
}

void varlink_call_set_writable(struct varlink_call *call, void (*writable)(struct varlink_call *call))
{
	call->writable = writable;
	if (call->connection != NULL)
		varlink_connection_schedule(call->connection);
}

/* --- parameters ------------------------------------------------------------------------------ */

static bool is_array_of(const json_t *value, json_type type)
{
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (json_typeof(json_array_get(value, i)) != type)
			return false;
	return true;
}

static bool has_type(const json_t *value, enum varlink_type type)
{
	switch (type) {
	case VARLINK_STRING: return json_is_string(value);
	case VARLINK_BOOL: return json_is_boolean(value);
	case VARLINK_INT: return json_is_integer(value);
	case VARLINK_OBJECT: return json_is_object(value);
	case VARLINK_STRINGS: return is_array_of(value, JSON_STRING);
	case VARLINK_OBJECTS: return is_array_of(value, JSON_OBJECT);
	}
	return false;
}

static const struct varlink_parameter *find_parameter(const struct varlink_parameter *spec, const char *name)
{
	for (; spec->name != NULL; spec++)
		if (strcmp(spec->name, name) == 0)
			return spec;
	return NULL;
}

/* The name of the first parameter that is wrong, or NULL. Absent and null are the same. */
static const char *wrong_parameter(json_t *parameters, const struct varlink_parameter *spec)
{
	const struct varlink_parameter *p;
	const char *name;
	json_t *value;

	json_object_foreach(parameters, name, value)
	{
		p = find_parameter(spec, name);
		if (p == NULL || (!json_is_null(value) && !has_type(value, p->type)))
			return name;
	}
	for (p = spec; p->name != NULL; p++) {
		value = json_object_get(parameters, p->name);
		if (p->required && (value == NULL || json_is_null(value)))
			return p->name;
	}
	return NULL;
}

bool varlink_check_parameters(struct varlink_call *call, json_t *parameters,
			      const struct varlink_parameter *spec)
{
	const char *wrong = wrong_parameter(parameters, spec);

	if (wrong == NULL)
		return true;
	varlink_error_invalid_parameter(call, wrong);
	return false;
}

/* --- dispatch -------------------------------------------------------------------------------- */

static const struct varlink_method *find_method(const struct varlink_server *s, const char *name)
{
	const struct varlink_method *tables[] = {varlink_service_methods, s->options.methods};

	for (size_t i = 0; i < 2; i++)
		for (const struct varlink_method *m = tables[i]; m != NULL && m->name != NULL; m++)
			if (strcmp(m->name, name) == 0)
				return m;
	return NULL;
}

static bool has_interface(const struct varlink_server *s, const char *name, size_t length)
{
	const struct varlink_interface *i = s->options.interfaces;

	if (strlen(varlink_service_interface.name) == length &&
	    strncmp(varlink_service_interface.name, name, length) == 0)
		return true;
	for (; i != NULL && i->name != NULL; i++)
		if (strlen(i->name) == length && strncmp(i->name, name, length) == 0)
			return true;
	return false;
}

static void refuse_unknown(struct varlink_call *call, const struct varlink_server *s, const char *method)
{
	const char *dot = strrchr(method, '.');

	if (dot == NULL)
		varlink_error_invalid_parameter(call, "method");
	else if (has_interface(s, method, (size_t)(dot - method)))
		varlink_error(call, "org.varlink.service.MethodNotFound",
			      json_pack("{s:s}", "method", method));
	else
		varlink_error(call, "org.varlink.service.InterfaceNotFound",
			      json_pack("{s:s%}", "interface", method, (size_t)(dot - method)));
}

static bool call_is_allowed(const struct varlink_call *call, const struct varlink_options *o)
{
	const struct varlink_method *m = call->method;

	for (const struct varlink_method *own = varlink_service_methods; own->name != NULL; own++)
		if (m == own)
			return true;
	return o->allow == NULL || o->allow(&call->peer, m->privilege, o->data);
}

static void call_run(struct varlink_call *call, const struct varlink_server *s,
		     const struct varlink_message *m)
{
	json_t *parameters = m->parameters ? json_incref(m->parameters) : json_object();

	if (parameters == NULL) {
		call->connection->dead = true;
		call_finish(call);
		return;
	}
	if (call->method == NULL)
		refuse_unknown(call, s, m->method);
	else if (m->upgrade)
		varlink_error(call, "org.varlink.service.MethodNotImplemented",
			      json_pack("{s:s}", "method", m->method));
	else if (!call_is_allowed(call, &s->options))
		varlink_error(call, VARLINK_PERMISSION_DENIED, NULL);
	else
		call->method->call(call, parameters, s->options.data);
	json_decref(parameters);
}

void varlink_dispatch(struct varlink_connection *c, const struct varlink_message *m)
{
	struct varlink_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		c->dead = true;
		return;
	}
	call->connection = c;
	call->method = find_method(c->server, m->method);
	call->peer = c->peer;
	call->oneway = m->oneway;
	call->more = m->more;
	c->call = call;
	call_run(call, c->server, m);
}
