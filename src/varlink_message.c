/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes to Varlink messages and back; pure, and fuzzed, because the bytes come from anybody.
 * Depth and number of parts are bounded before jansson sees them, size by the caller. */
#include "varlink_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- buffer ---------------------------------------------------------------------------------- */

int varlink_buffer_reserve(struct varlink_buffer *b, size_t more)
{
	size_t capacity = b->capacity ? b->capacity : 1024;
	char *data;

	if (b->start > 0 && b->start + b->length + more > b->capacity) {
		memmove(b->data, b->data + b->start, b->length);
		b->start = 0;
	}
	if (b->length + more <= b->capacity - b->start)
		return 0;
	while (capacity < b->length + more)
		capacity *= 2;
	data = realloc(b->data, capacity);
	if (data == NULL)
		return -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

void varlink_buffer_consume(struct varlink_buffer *b, size_t n)
{
	b->start += n;
	b->length -= n;
	if (b->length > 0)
		return;
	b->start = 0;
	if (b->capacity > 4096) /* an idle connection costs little */
		varlink_buffer_free(b);
}

void varlink_buffer_free(struct varlink_buffer *b)
{
	free(b->data);
	*b = (struct varlink_buffer){0};
}

static int append(const char *bytes, size_t length, void *data)
{
	struct varlink_buffer *b = data;

	if (varlink_buffer_reserve(b, length) < 0)
		return -1;
	memcpy(b->data + b->start + b->length, bytes, length);
	b->length += length;
	return 0;
}

int varlink_buffer_append(struct varlink_buffer *b, const char *bytes, size_t length)
{
	return length > 0 && append(bytes, length, b) < 0 ? -ENOMEM : 0;
}

int varlink_buffer_append_json(struct varlink_buffer *b, const json_t *value)
{
	size_t before = b->length;

	if (json_dump_callback(value, append, b, JSON_COMPACT) < 0 || append("", 1, b) < 0) {
		b->length = before;
		return -ENOMEM;
	}
	return 0;
}

/* --- parsing --------------------------------------------------------------------------------- */

/* Counts what is outside of strings before jansson allocates for it: 64 KiB of "{}," would cost 5 MiB and
 * the loop 10 ms, and so would 7000 members. Whether they match is jansson's to say. NULL, or what is wrong.
 */
static const char *shape_is_wrong(const char *bytes, size_t length, unsigned parts_max)
{
	unsigned depth = 0, parts = 0;
	bool string = false;

	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '[' || c == '{' || c == ':') {
			if (c != ':' && ++depth > VARLINK_DEPTH_MAX)
				return "nests too deep";
			if (++parts > parts_max)
				return "has too many arrays, objects and members";
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return NULL;
}

static int parse_object(const char *bytes, size_t length, unsigned parts_max, json_t **ret, struct error *err)
{
	const char *wrong = shape_is_wrong(bytes, length, parts_max);
	json_error_t e;
	json_t *root;

	if (wrong != NULL)
		return error_set(err, -EBADMSG, "The message %s", wrong);
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &e);
	if (root == NULL && json_error_code(&e) == json_error_out_of_memory)
		return error_set(err, -ENOMEM, "No memory for a message");
	if (root == NULL)
		return error_set(err, -EBADMSG, "The message is no JSON: %s at byte %d", e.text, e.position);
	if (!json_is_object(root)) {
		json_decref(root);
		return error_set(err, -EBADMSG, "The message is no JSON object");
	}
	*ret = root;
	return 0;
}

static int read_flag(const char *key, json_t *value, bool *ret, struct error *err)
{
	if (json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return error_set(err, -EBADMSG, "Member '%s' of the message is no boolean", key);
	*ret = json_is_true(value);
	return 0;
}

static int read_object(const char *key, json_t *value, json_t **ret, struct error *err)
{
	if (json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return error_set(err, -EBADMSG, "Member '%s' of the message is no object", key);
	*ret = value;
	return 0;
}

/* Vendor members ("org.example.tracing") are to be ignored; anything else that is unknown means
 * that the two sides speak different protocols. */
static int read_other(const char *key, struct error *err)
{
	if (strchr(key, '.') != NULL)
		return 0;
	return error_set(err, -EBADMSG, "The message has an unknown member '%.64s'", key);
}

static int call_member(struct varlink_message *m, const char *key, json_t *value, struct error *err)
{
	if (strcmp(key, "method") == 0) {
		m->method = json_string_value(value);
		return m->method ? 0
				 : error_set(err, -EBADMSG, "Member 'method' of the message is no string");
	}
	if (strcmp(key, "parameters") == 0)
		return read_object(key, value, &m->parameters, err);
	if (strcmp(key, "oneway") == 0)
		return read_flag(key, value, &m->oneway, err);
	if (strcmp(key, "more") == 0)
		return read_flag(key, value, &m->more, err);
	if (strcmp(key, "upgrade") == 0)
		return read_flag(key, value, &m->upgrade, err);
	return read_other(key, err);
}

int varlink_message_parse(const char *bytes, size_t length, struct varlink_message *ret, struct error *err)
{
	struct varlink_message m = {0};
	const char *key;
	json_t *value;
	int r;

	r = parse_object(bytes, length, VARLINK_PARTS_MAX, &m.root, err);
	if (r < 0)
		return r;
	json_object_foreach(m.root, key, value)
	{
		r = call_member(&m, key, value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && m.method == NULL)
		r = error_set(err, -EBADMSG, "The message has no member 'method'");
	if (r == 0 && m.oneway + m.more + m.upgrade > 1)
		r = error_set(err, -EBADMSG, "The message has more than one of oneway, more and upgrade");
	if (r < 0) {
		varlink_message_clear(&m);
		return r;
	}
	*ret = m;
	return 0;
}

void varlink_message_clear(struct varlink_message *m)
{
	json_decref(m->root);
	*m = (struct varlink_message){0};
}

static int answer_member(struct varlink_answer *a, const char *key, json_t *value, struct error *err)
{
	if (strcmp(key, "parameters") == 0)
		return read_object(key, value, &a->parameters, err);
	if (strcmp(key, "continues") == 0)
		return read_flag(key, value, &a->continues, err);
	if (strcmp(key, "error") == 0) {
		a->error = json_string_value(value);
		if (a->error != NULL || json_is_null(value))
			return 0;
		return error_set(err, -EBADMSG, "Member 'error' of the message is no string");
	}
	return read_other(key, err);
}

int varlink_answer_parse(const char *bytes, size_t length, struct varlink_answer *ret, struct error *err)
{
	struct varlink_answer a = {0};
	const char *key;
	json_t *value;
	int r;

	r = parse_object(bytes, length, UINT_MAX, &a.root, err);
	if (r < 0)
		return r;
	json_object_foreach(a.root, key, value)
	{
		r = answer_member(&a, key, value, err);
		if (r < 0)
			break;
	}
	if (r == 0 && a.error != NULL && a.continues)
		r = error_set(err, -EBADMSG, "The message is an error and yet continues");
	if (r < 0) {
		json_decref(a.root);
		return r;
	}
	*ret = a;
	return 0;
}
