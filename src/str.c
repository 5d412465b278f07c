/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* String builder, vectors of strings, small comparisons. Nothing here aborts without memory:
 * the builder remembers the failure, the vectors return it. */
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and a NUL. */
static bool strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t capacity = b->capacity ? b->capacity : 64;
	char *data;

	if (b->failed)
		return false;
	if (more >= SIZE_MAX / 2 - b->length) {
		b->failed = true;
		return false;
	}
	while (capacity < b->length + more + 1)
		capacity *= 2;
	if (capacity == b->capacity)
		return true;
	data = realloc(b->data, capacity);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->capacity = capacity;
	return true;
}

void strbuf_append(struct strbuf *b, const char *text, size_t length)
{
	if (!strbuf_reserve(b, length))
		return;
	if (length)
		memcpy(b->data + b->length, text, length);
	b->length += length;
	b->data[b->length] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *text)
{
	strbuf_append(b, text, strlen(text));
}

void strbuf_printf(struct strbuf *b, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		b->failed = true;
		return;
	}
	if (!strbuf_reserve(b, (size_t)length))
		return;
	va_start(args, format);
	(void)vsnprintf(b->data + b->length, (size_t)length + 1, format, args);
	va_end(args);
	b->length += (size_t)length;
}

char *strbuf_finish(struct strbuf *b)
{
	char *data;

	strbuf_append(b, "", 0);
	if (b->failed) {
		strbuf_free(b);
		return NULL;
	}
	data = b->data;
	*b = (struct strbuf){0};
	return data;
}

void strbuf_free(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf){0};
}

size_t strv_length(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

int strv_push(char ***v, const char *text)
{
	size_t n = strv_length(*v);
	char *copy = strdup(text);
	char **grown;

	if (!copy)
		return -ENOMEM;
	grown = realloc(*v, (n + 2) * sizeof(*grown));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[n] = copy;
	grown[n + 1] = NULL;
	*v = grown;
	return 0;
}

bool strv_contains(char *const *v, const char *text)
{
	for (; v && *v; v++)
		if (!strcmp(*v, text))
			return true;
	return false;
}

bool strv_equal(char *const *a, char *const *b)
{
	size_t n = strv_length(a);

	if (n != strv_length(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

int strv_copy(char *const *v, char ***ret)
{
	size_t n = strv_length(v);
	char **copy = NULL;

	if (n > 0) {
		copy = calloc(n + 1, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		copy[i] = strdup(v[i]);
		if (!copy[i]) {
			strv_free(copy);
			return -ENOMEM;
		}
	}
	*ret = copy;
	return 0;
}

char *strv_join(char *const *v, const char *separator)
{
	struct strbuf b = {0};

	for (size_t i = 0; v && v[i]; i++) {
		if (i > 0)
			strbuf_puts(&b, separator);
		strbuf_puts(&b, v[i]);
	}
	return strbuf_finish(&b);
}

void strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

void strv_freep(char ***v)
{
	strv_free(*v);
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool str_starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool str_ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && !strcmp(text + length - tail, suffix);
}

int str_replace(char **field, const char *value)
{
	char *copy = NULL;

	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}
