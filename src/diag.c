/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what is wrong with files. Adding never fails, and which object has an error is known
 * even of entries that were dropped: a bad object must never be taken for a good one. */
#include "diag.h"

#include "str.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define DIAG_MESSAGE_MAX 1024

struct diag_object {
	char *name; /* "": no object */
	size_t entries;
	bool failed;
	UT_hash_handle hh;
};

static struct diag_object *diags_object(struct diags *d, const char *name)
{
	struct diag_object *o;

	HASH_FIND_STR(d->objects, name, o);
	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->name = strdup(name);
	if (o->name)
		HASH_ADD_KEYPTR(hh, d->objects, o->name, strlen(o->name), o);
	if (!o->name || !o->hh.tbl) { /* uthash leaves tbl NULL when it found no memory */
		free(o->name);
		free(o);
		return NULL;
	}
	return o;
}

static void diag_clear(struct diag *g)
{
	free(g->object);
	free(g->file);
	free(g->section);
	free(g->key);
	free(g->message);
}

/* `from` borrows its strings, *ret owns copies. */
static bool diag_copy(struct diag *ret, const struct diag *from)
{
	*ret = (struct diag){.severity = from->severity, .line = from->line};
	if (str_replace(&ret->object, from->object) < 0 || str_replace(&ret->file, from->file) < 0 ||
	    str_replace(&ret->section, from->section) < 0 || str_replace(&ret->key, from->key) < 0 ||
	    str_replace(&ret->message, from->message) < 0) {
		diag_clear(ret);
		return false;
	}
	return true;
}

static bool diags_push(struct diags *d, const struct diag *g)
{
	if ((d->count & (d->count - 1)) == 0) { /* full at 0, 1, 2, 4, ...: double */
		struct diag *items = realloc(d->items, (d->count ? d->count * 2 : 1) * sizeof(*items));

		if (!items)
			return false;
		d->items = items;
	}
	if (!diag_copy(&d->items[d->count], g))
		return false;
	d->count++;
	return true;
}

void diags_add(struct diags *d, enum diag_severity severity, const char *object, const char *file,
	       unsigned line, const char *section, const char *key, const char *format, ...)
{
	struct diag_object *o = diags_object(d, object ? object : "");
	char message[DIAG_MESSAGE_MAX];
	/* Borrowed: diags_push() copies. */
	const struct diag g = {severity,	(char *)object, (char *)file, line,
			       (char *)section, (char *)key,	message};
	va_list args;

	va_start(args, format);
	(void)str_vformat(message, sizeof(message), format, args);
	va_end(args);
	if (severity == DIAG_ERROR) {
		d->errors++;
		if (o)
			o->failed = true;
		else
			d->objects_lost = true;
	}
	if (!o || o->entries >= DIAG_OBJECT_MAX || d->count >= DIAG_MAX || !diags_push(d, &g))
		d->dropped++;
	else
		o->entries++;
}

bool diags_object_failed(const struct diags *d, const char *object)
{
	struct diag_object *o;

	HASH_FIND_STR(d->objects, object, o);
	return d->objects_lost || (o && o->failed);
}

char *diag_to_string(const struct diag *d)
{
	struct strbuf b = {0};

	if (d->file)
		strbuf_puts(&b, d->file);
	else if (d->object)
		strbuf_puts(&b, d->object);
	if (d->file && d->line > 0)
		strbuf_printf(&b, ":%u", d->line);
	if (d->file || d->object)
		strbuf_puts(&b, ": ");
	if (d->section)
		strbuf_printf(&b, "[%s]%s", d->section, d->key ? " " : "");
	if (d->key)
		strbuf_puts(&b, d->key);
	if (d->section || d->key)
		strbuf_puts(&b, ": ");
	strbuf_puts(&b, d->message);
	return strbuf_finish(&b);
}

void diags_free(struct diags *d)
{
	struct diag_object *o, *next;

	HASH_ITER (hh, d->objects, o, next) {
		HASH_DEL(d->objects, o);
		free(o->name);
		free(o);
	}
	for (size_t i = 0; i < d->count; i++)
		diag_clear(&d->items[i]);
	free(d->items);
	*d = (struct diags){0};
}
