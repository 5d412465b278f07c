/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Namespace: the methods that look into one namespace or change it. */
#include "api_internal.h"
#include "cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACE "io.netnsd.Namespace."

/* --- failures ----------------------------------------------------------------------------------------- */

static void fail_named(struct varlink_call *call, const char *error, const char *name, const char *message)
{
	json_t *o = json_object();
	int r = api_put_text(o, "name", name);

	if (message != NULL && message[0] != '\0')
		r |= api_put_text(o, "message", message);
	api_fail(call, error, api_built(o, r));
}

static void fail_state(struct api *a, struct varlink_call *call, const char *name,
		       const struct operation_result *result)
{
	const struct unit *u = manager_find_unit(a->manager, name);
	bool running = a->manager->state == MANAGER_RUNNING || a->manager->state == MANAGER_RELOADING;
	json_t *o = json_object();
	int r = api_put_text(o, "name", name);

	r |= api_put_text(o, "state",
			  u != NULL && running ? netns_state_to_string(u->state)
					       : manager_state_to_string(a->manager->state));
	if (result->error.text[0] != '\0')
		r |= api_put_text(o, "message", result->error.text);
	api_fail(call, INTERFACE "BadState", api_built(o, r));
}

static const struct diag *first_error(const struct diags *diags, const char *object)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		if (d->severity == DIAG_ERROR && (object == NULL || str_equal(d->object, object)))
			return d;
	}
	return NULL;
}

/* Names of files that are none are told of with everything that reads directories. */
static void fail_configuration(struct varlink_call *call, const char *name,
			       const struct operation_result *result)
{
	char object[256];
	const struct diag *d;
	json_t *o = json_object();
	int r = 0;

	(void)snprintf(object, sizeof(object), "%s.netns", name);
	d = first_error(&result->diags, object);
	if (d == NULL)
		d = first_error(&result->diags, NULL);
	if (d != NULL) {
		r |= api_put_text(o, "file", d->file);
		if (d->line > 0)
			r |= api_put_int(o, "line", d->line);
		r |= api_put_text(o, "key", d->key);
	}
	r |= api_put_text(o, "message", d != NULL && d->message != NULL ? d->message : result->error.text);
	api_fail(call, INTERFACE "BadConfiguration", api_built(o, r));
}

static void fail_action(struct varlink_call *call, const char *name, const struct operation_result *result)
{
	const struct operation_failed *f = result->n_failed > 0 ? &result->failed[0] : NULL;
	const struct error *e = f != NULL ? &f->error : &result->error;
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "name", f != NULL && f->netns != NULL ? f->netns : name);
	r |= api_put_text(o, "action", f != NULL ? f->action : NULL);
	r |= api_put_text(o, "errnoName", api_errno_name(e));
	r |= api_put_text(o, "message", e->text);
	api_fail(call, INTERFACE "ActionFailed", api_built(o, r));
}

/* `name`: what was asked for; the result knows better where several names were. */
static void fail(struct api *a, struct varlink_call *call, const char *name,
		 const struct operation_result *result)
{
	if (result->name != NULL)
		name = result->name;
	if (name == NULL)
		name = "";
	switch (result->failure) {
	case FAILURE_NO_SUCH_NAMESPACE: fail_named(call, INTERFACE "NoSuchNamespace", name, NULL); break;
	case FAILURE_EXISTS: fail_named(call, INTERFACE "NamespaceExists", name, result->error.text); break;
	case FAILURE_NOT_OURS: fail_named(call, INTERFACE "NotOurs", name, result->error.text); break;
	case FAILURE_BAD_STATE: fail_state(a, call, name, result); break;
	case FAILURE_BAD_CONFIGURATION: fail_configuration(call, name, result); break;
	case FAILURE_NONE:
	case FAILURE_APPLY: fail_action(call, name, result); break;
	}
}

/* --- answers -------------------------------------------------------------------------------------------- */

static void answer_done(struct api *a, struct varlink_call *call, const char *name,
			const struct operation_result *result)
{
	if (result->failure != FAILURE_NONE)
		fail(a, call, name, result);
	else
		varlink_reply(call, NULL);
}

static void answer_holders(struct api *a, struct varlink_call *call, const char *name,
			   const struct operation_result *result)
{
	json_t *o;
	int r;

	if (result->failure != FAILURE_NONE || result->n_holders == 0) {
		answer_done(a, call, name, result);
		return;
	}
	o = json_object();
	r = api_put(o, "holders", api_holders(result));
	api_reply(call, api_built(o, r));
}

static void answer_description(struct api *a, struct varlink_call *call, const char *name,
			       const struct operation_result *result)
{
	const struct unit *u;

	if (result->failure != FAILURE_NONE) {
		fail(a, call, name, result);
		return;
	}
	u = manager_find_unit(a->manager, name);
	api_reply(call, api_unit_description(u, name, result, varlink_call_peer(call)->uid == 0));
}

/* --- methods with a name ---------------------------------------------------------------------------------
 */

static const struct varlink_parameter one_name[] = {
	{"name", VARLINK_STRING, true},
	{"allowInteractiveAuthentication", VARLINK_BOOL, false},
	{0},
};

static void operate_on_name(struct api *a, struct varlink_call *call, json_t *parameters,
			    enum operation_type type, api_answer_fn *answer)
{
	struct operation_request request = {.type = type};

	request.name = json_string_value(json_object_get(parameters, "name"));
	api_operate(a, call, &request, answer);
}

void api_namespace_describe(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"name", VARLINK_STRING, true}, {0}};

	if (varlink_check_parameters(call, parameters, spec))
		operate_on_name(data, call, parameters, OPERATION_DESCRIBE, answer_description);
}

void api_namespace_delete(struct varlink_call *call, json_t *parameters, void *data)
{
	if (varlink_check_parameters(call, parameters, one_name))
		operate_on_name(data, call, parameters, OPERATION_DELETE, answer_holders);
}

void api_namespace_up(struct varlink_call *call, json_t *parameters, void *data)
{
	if (varlink_check_parameters(call, parameters, one_name))
		operate_on_name(data, call, parameters, OPERATION_UP, answer_done);
}

void api_namespace_down(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"name", VARLINK_STRING, false},
		{"all", VARLINK_BOOL, false},
		{"allowInteractiveAuthentication", VARLINK_BOOL, false},
		{0},
	};
	bool all = json_is_true(json_object_get(parameters, "all"));
	bool named = json_is_string(json_object_get(parameters, "name"));

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (all == named) /* neither, or both: what is meant is not guessed */
		varlink_error_invalid_parameter(call, all ? "all" : "name");
	else
		operate_on_name(data, call, parameters, OPERATION_DOWN, answer_holders);
}

/* --- methods with lists ------------------------------------------------------------------------------------
 */

/* The array's texts, borrowed; NULL without memory. */
static const char **texts_of(const json_t *array)
{
	size_t n = json_array_size(array);
	const char **texts = calloc(n + 1, sizeof(*texts));

	for (size_t i = 0; texts != NULL && i < n; i++)
		texts[i] = json_string_value(json_array_get(array, i));
	return texts;
}

void api_namespace_add(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"name", VARLINK_STRING, true},
		{"settings", VARLINK_STRINGS, false},
		{"allowInteractiveAuthentication", VARLINK_BOOL, false},
		{0},
	};
	struct operation_request request = {.type = OPERATION_ADD};
	_cleanup_free_ const char **settings = NULL;
	struct operation_result refused = {.failure = FAILURE_BAD_CONFIGURATION};

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	request.name = json_string_value(json_object_get(parameters, "name"));
	if (!netns_name_is_valid(request.name)) {
		error_set(&refused.error, -EINVAL,
			  "'%.200s' cannot be the name of a namespace: expected 1 to 200 letters, digits and "
			  "-_.:+@, the first of them neither . nor -",
			  request.name);
		fail(data, call, request.name, &refused);
		return;
	}
	settings = texts_of(json_object_get(parameters, "settings"));
	if (settings == NULL) {
		api_no_memory(call);
		return;
	}
	request.settings = settings;
	api_operate(data, call, &request, answer_done);
}

void api_namespace_wait(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"names", VARLINK_STRINGS, false}, {0}};
	struct operation_request request = {.type = OPERATION_WAIT};
	_cleanup_free_ const char **names = NULL;
	const json_t *array = json_object_get(parameters, "names");

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	names = texts_of(array);
	if (names == NULL) {
		api_no_memory(call);
		return;
	}
	request.names = json_is_array(array) ? names : NULL; /* none given: all */
	api_operate(data, call, &request, answer_done);
}
