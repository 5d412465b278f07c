/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All files to one desired tree, in rounds.
 *
 * A round builds the tree of all objects that are still in and looks for errors. An object with an
 * error falls back to its last good configuration where there is one, else it is left out; then
 * the next round begins, because what is left out may be what another object needs. Most runs have
 * one round. Errors are told in the round that finds them, warnings in the last one only.
 */
#include "config_internal.h"

#include "cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024

const char *const config_default_directories[] = {"/etc/netnsd", CONFIG_TRANSIENT_DIRECTORY,
						  "/usr/local/lib/netnsd", "/usr/lib/netnsd", NULL};

/* Split once, by the first caller, on the main thread; lives as long as the process. */
const char *const *config_directories(void)
{
	static char **split;
	const char *path = getenv("NETNSD_CONFIG_PATH");
	_cleanup_free_ char *copy = NULL;

	if (!path || !*path)
		return config_default_directories;
	copy = strdup(path);
	strv_free(split);
	split = NULL;
	for (char *rest = copy, *one; copy && (one = strsep(&rest, ":"));)
		if (*one && strv_push(&split, one) < 0)
			break;
	return split ? (const char *const *)split : config_default_directories;
}

/* --- memory --------------------------------------------------------------------------------------- */

#define ARENA_BLOCK 4096

struct arena_block {
	struct arena_block *next;
	_Alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b;
	void *p;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!a->blocks || a->capacity - a->used < size) {
		size_t capacity = size > ARENA_BLOCK ? size : ARENA_BLOCK;

		b = calloc(1, sizeof(*b) + capacity);
		if (!b)
			return NULL;
		b->next = a->blocks;
		a->blocks = b;
		a->used = 0;
		a->capacity = capacity;
	}
	p = a->blocks->data + a->used;
	a->used += size;
	return p;
}

char *arena_strdup(struct arena *a, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(a, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	*a = (struct arena){0};
}

void *conf_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0) /* full at 0, 1, 2, 4, ... only */
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

/* --- errors ----------------------------------------------------------------------------------------- */

struct place {
	const char *file, *section, *key;
	unsigned line;
};

/* Values that are quoted may hold anything (a word "\\xff"), or be cut inside a character, and the
 * message goes into JSON. */
static void make_clean(char *text)
{
	for (size_t n; *text; text += n) {
		n = utf8_decode(text, strlen(text), NULL);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
	}
}

__attribute__((format(printf, 5, 0))) static void tell(struct conf_loader *c, struct conf_object *o,
						       enum diag_severity severity, const struct place *p,
						       const char *format, va_list args)
{
	char message[MESSAGE_MAX];

	if (severity == DIAG_WARNING && o->state == CONF_RUNNING)
		return; /* told when it was applied */
	vsnprintf(message, sizeof(message), format, args);
	make_clean(message);
	if (severity == DIAG_WARNING) {
		diags_add(&c->warnings, severity, o->display, p->file, p->line, p->section, p->key, "%s",
			  message);
		return;
	}
	o->errors++;
	/* The stand-in is not what the administrator wrote: its errors are a remark. */
	if (o->state == CONF_FALLBACK)
		diags_add(c->diags, DIAG_WARNING, o->display, NULL, 0, p->section, p->key,
			  "the last good configuration cannot be used either: %s", message);
	else
		diags_add(c->diags, severity, o->display, p->file, p->line, p->section, p->key, "%s",
			  message);
}

static struct place place_of(const struct conf_object *o, const struct conf_section *s,
			     const struct conf_assign *a)
{
	return (struct place){.file = a	  ? a->file
				      : s ? s->file
					  : o->path,
			      .line = a	  ? a->line
				      : s ? s->line
					  : 0,
			      .section = s ? s->label : NULL,
			      .key = a ? a->key : NULL};
}

void conf_error(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		const struct conf_assign *a, const char *format, ...)
{
	struct place p = place_of(o, s, a);
	va_list args;

	va_start(args, format);
	tell(c, o, DIAG_ERROR, &p, format, args);
	va_end(args);
}

void conf_warning(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		  const struct conf_assign *a, const char *format, ...)
{
	struct place p = place_of(o, s, a);
	va_list args;

	va_start(args, format);
	tell(c, o, DIAG_WARNING, &p, format, args);
	va_end(args);
}

void conf_error_at(struct conf_loader *c, struct conf_object *o, const char *file, unsigned line,
		   const char *section, const char *key, const char *format, ...)
{
	struct place p = {file, section, key, line};
	va_list args;

	va_start(args, format);
	tell(c, o, DIAG_ERROR, &p, format, args);
	va_end(args);
}

struct conf_object *conf_find_object(const struct conf_loader *c, enum conf_type type, const char *name)
{
	struct conf_object *o = NULL;

	HASH_FIND_STR(c->by_name[type], name, o);
	return o;
}

struct conf_object *conf_object_of(const struct conf_loader *c, const struct netns *n)
{
	struct conf_object *o = conf_find_object(c, CONF_NETNS, n->name);

	return o && o->netns == n ? o : NULL;
}

const struct conf_assign *conf_find_assign(const struct conf_section *s, const char *key)
{
	const struct conf_assign *last = NULL;

	for (const struct conf_assign *a = s->assigns; a; a = a->next)
		if (str_equal(a->key, key))
			last = a;
	return last;
}

int conf_origin(struct conf_loader *c, const char *file, unsigned line, struct origin *ret)
{
	const char *interned = desired_intern(c->desired, file);

	if (!interned)
		return -ENOMEM;
	*ret = (struct origin){interned, line};
	return 0;
}

const char *conf_origin_to_string(const struct origin *o, char *text, size_t size)
{
	if (o->line)
		(void)snprintf(text, size, "%s:%u", o->file, o->line);
	else
		(void)snprintf(text, size, "%s", o->file);
	return text;
}

bool conf_is_out(const struct conf_object *o)
{
	return o && (o->state == CONF_DROPPED || o->state == CONF_LATER);
}

const char *conf_why_out(const struct conf_object *o)
{
	return o->state == CONF_LATER ? "its file has not been applied yet (netnsctl apply)"
				      : "its file has errors";
}

/* --- rounds ------------------------------------------------------------------------------------------ */

static int read_all_objects(struct conf_loader *c)
{
	for (size_t i = 0; i < c->n_objects; i++) {
		int r = conf_read_object(c, c->objects[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Everything of one round, as far as memory goes. */
static int build_round(struct conf_loader *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_objects; i++)
		if (c->objects[i]->state != CONF_DROPPED)
			r = conf_build(c, c->objects[i]);
	/* The host is there even when nobody declares it: peer ends go there. */
	if (r == 0 && !c->desired->host) {
		struct netns *host = desired_find(c->desired, HOST_DEFAULT_NAME);

		if (!host)
			r = desired_add(c->desired, HOST_DEFAULT_NAME, &host);
		if (r == 0) {
			host->host = host->implicit = true;
			c->desired->host = host;
		}
	}
	for (size_t i = 0; r == 0 && i < c->n_objects; i++)
		c->objects[i]->tainted = c->objects[i]->errors > 0;
	if (r == 0)
		r = conf_place_peers(c);
	if (r == 0)
		r = conf_place_loose(c);
	if (r == 0)
		r = conf_assign_pools(c);
	return r < 0 ? r : conf_verify(c);
}

/* The stand-in for an object with errors: true when there is one. */
static int fall_back(struct conf_loader *c, struct conf_object *o)
{
	_cleanup_free_ char *text = NULL;

	conf_unbuild(o);
	conf_forget_sections(o);
	o->errors = 0;
	if (o->state == CONF_FILES && c->request->fallback)
		text = c->request->fallback(o->display, c->request->fallback_data);
	o->state = text ? CONF_FALLBACK : CONF_DROPPED;
	if (!text)
		return 0;
	return conf_read_text(c, o, text, strlen(text), "(last good configuration)");
}

/* Objects that put a peer end into one that is out are out as well, and so are containers that live in it. */
static bool fail_dependants(struct conf_loader *c)
{
	bool found = false;

	for (size_t i = 0; i < c->n_objects; i++) {
		struct conf_object *o = c->objects[i], *needed;

		if (o->state == CONF_DROPPED || o->errors > 0)
			continue;
		found |= conf_fail_container(c, o);
		for (const struct conf_link *l = o->links; l; l = l->next) {
			if (!l->values->peer_namespace)
				continue;
			needed = conf_find_object(c, CONF_NETNS, l->values->peer_namespace);
			if (!conf_is_out(needed))
				continue;
			conf_error(c, o, l->section, conf_find_assign(l->section, "PeerNamespace"),
				   "the namespace '%s' cannot be used: %s", needed->name,
				   conf_why_out(needed));
			found = true;
		}
	}
	return found;
}

/* Takes objects with errors out; *ret_again when there were any. */
static int drop_failed(struct conf_loader *c, bool *ret_again)
{
	bool again = false;

	do {
		for (size_t i = 0; i < c->n_objects; i++) {
			struct conf_object *o = c->objects[i];
			int r;

			if (o->errors == 0 || o->state == CONF_DROPPED)
				continue;
			again = true;
			r = fall_back(c, o);
			if (r < 0)
				return r;
			/* Still wrong before it was even built: out at once. */
			if (o->errors > 0) {
				conf_forget_sections(o);
				o->errors = 0;
				o->state = CONF_DROPPED;
			}
		}
	} while (again && fail_dependants(c));
	*ret_again = again;
	return 0;
}

static void begin_round(struct conf_loader *c)
{
	for (size_t i = 0; i < c->n_objects; i++)
		conf_unbuild(c->objects[i]);
	desired_unref(c->desired);
	c->desired = NULL;
	diags_free(&c->warnings);
}

static int load_rounds(struct conf_loader *c)
{
	bool again = true;
	int r = read_all_objects(c);

	while (r == 0 && again) {
		begin_round(c);
		r = desired_new(&c->desired);
		if (r == 0)
			r = build_round(c);
		if (r == 0)
			r = drop_failed(c, &again);
	}
	return r;
}

static void keep_warnings(struct conf_loader *c)
{
	for (size_t i = 0; i < c->warnings.count; i++) {
		const struct diag *d = &c->warnings.items[i];

		diags_add(c->diags, DIAG_WARNING, d->object, d->file, d->line, d->section, d->key, "%s",
			  d->message);
	}
	c->diags->dropped += c->warnings.dropped;
}

static void loader_clear(struct conf_loader *c)
{
	struct conf_object *o, *next;

	for (unsigned type = 0; type < CONF_TYPES; type++)
		HASH_ITER (hh, c->by_name[type], o, next) {
			HASH_DEL(c->by_name[type], o);
			conf_object_free(o);
		}
	free(c->objects);
	desired_unref(c->desired);
	diags_free(&c->warnings);
}

int config_load(const struct config_request *request, struct desired **ret, struct diags *diags)
{
	struct conf_loader c = {.request = request,
				.registry = request->registry,
				.diags = diags,
				.check_owner = !request->files};
	int r;

	if (request->files)
		r = conf_find_given(&c, request->files);
	else
		r = conf_find_objects(&c, request->directories);
	if (r == 0 && request->running)
		r = conf_keep_running(&c);
	if (r == 0)
		r = load_rounds(&c);
	if (r == 0) {
		keep_warnings(&c);
		*ret = steal_pointer(c.desired);
	}
	loader_clear(&c);
	return r;
}
