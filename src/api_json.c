/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values, diagnostics and results of operations as JSON. */
#include "api_internal.h"
#include "cleanup.h"

#include <stdio.h>
#include <string.h>

json_t *api_text(const char *text)
{
	_cleanup_free_ char *escaped = NULL;
	json_t *value = json_string(text);

	if (value != NULL)
		return value;
	/* A kernel's alias, a process's name, a foreign file's: any bytes. */
	escaped = str_escape(text, strlen(text));
	return escaped ? json_string(escaped) : NULL;
}

int api_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

int api_put_text(json_t *object, const char *key, const char *text)
{
	return text != NULL ? api_put(object, key, api_text(text)) : 0;
}

int api_put_bool(json_t *object, const char *key, bool value)
{
	return api_put(object, key, json_boolean(value));
}

int api_put_int(json_t *object, const char *key, json_int_t value)
{
	return api_put(object, key, json_integer(value));
}

int api_put_texts(json_t *object, const char *key, char *const *texts)
{
	json_t *array;
	int r = 0;

	if (texts == NULL)
		return 0;
	array = json_array();
	for (; *texts != NULL; texts++)
		r |= json_array_append_new(array, api_text(*texts));
	return r | api_put(object, key, array);
}

json_t *api_built(json_t *object, int failed)
{
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

/* --- diagnostics ------------------------------------------------------------------------------ */

static json_t *diagnostic(const struct diag *d)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "severity", d->severity == DIAG_WARNING ? "warning" : "error");
	r |= api_put_text(o, "object", d->object);
	r |= api_put_text(o, "file", d->file);
	if (d->line > 0)
		r |= api_put_int(o, "line", d->line);
	r |= api_put_text(o, "section", d->section);
	r |= api_put_text(o, "key", d->key);
	r |= api_put_text(o, "message", d->message ? d->message : "");
	return api_built(o, r);
}

json_t *api_diagnostics(const struct diags *d)
{
	json_t *array = json_array();
	char message[80];
	int r = 0;

	for (size_t i = 0; i < d->count; i++)
		r |= json_array_append_new(array, diagnostic(&d->items[i]));
	if (d->dropped > 0) {
		(void)snprintf(message, sizeof(message), "There are %zu more errors and warnings",
			       d->dropped);
		r |= json_array_append_new(array,
					   json_pack("{s:s, s:s}", "severity", "error", "message", message));
	}
	return api_built(array, r);
}

/* --- results ----------------------------------------------------------------------------------- */

static const char *sign_to_string(enum operation_sign sign)
{
	switch (sign) {
	case SIGN_CREATE: return "create";
	case SIGN_CHANGE: return "change";
	case SIGN_REMOVE: return "remove";
	}
	return "change";
}

json_t *api_actions(const struct operation_result *result)
{
	json_t *array = json_array(), *o;
	int r = 0;

	for (size_t i = 0; i < result->n_lines; i++) {
		const struct operation_line *line = &result->lines[i];

		o = json_object();
		r |= api_put_text(o, "operation", sign_to_string(line->sign));
		r |= api_put_text(o, "namespace", line->netns ? line->netns : "");
		r |= api_put_text(o, "text", line->text ? line->text : "");
		r |= api_put_text(o, "reason", line->reason);
		r |= json_array_append_new(array, o);
	}
	return api_built(array, r);
}

const char *api_errno_name(const struct error *e)
{
	return e->code < 0 ? strerrorname_np(-e->code) : NULL;
}

static json_t *failure(const char *netns, const char *action, const struct error *e)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_text(o, "namespace", netns ? netns : "");
	r |= api_put_text(o, "action", action);
	r |= api_put_text(o, "errnoName", api_errno_name(e));
	r |= api_put_text(o, "message", e->text);
	return api_built(o, r);
}

json_t *api_failures(const struct operation_result *result)
{
	json_t *array = json_array();
	int r = 0;

	for (size_t i = 0; i < result->n_failed; i++) {
		const struct operation_failed *f = &result->failed[i];

		r |= json_array_append_new(array, failure(f->netns, f->action, &f->error));
	}
	/* It failed before it came to any namespace. */
	if (result->n_failed == 0 && result->error.code != 0)
		r |= json_array_append_new(array, failure(NULL, NULL, &result->error));
	return api_built(array, r);
}

/* --- holders ------------------------------------------------------------------------------------ */

/* The name of a process, without the line's end; false when it has gone. */
static bool read_comm(pid_t pid, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(ret, (int)size, f) == NULL)
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

json_t *api_holders(const struct operation_result *result)
{
	json_t *array = json_array(), *o;
	char comm[64];
	int r = 0;

	for (size_t i = 0; i < result->n_holders; i++) {
		o = json_object();
		r |= api_put_int(o, "pid", result->holders[i]);
		if (read_comm(result->holders[i], comm, sizeof(comm)))
			r |= api_put_text(o, "command", comm);
		r |= json_array_append_new(array, o);
	}
	return api_built(array, r);
}
