/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object is read from its files while all others stay as they run: what an administrator has written of
 * them meanwhile waits for an apply. */
#include "config_internal.h"

#include "desired_container.h"

#include <errno.h>
#include <stdlib.h>

static bool is_the_one(const struct conf_loader *c, const struct conf_object *o)
{
	return str_equal(o->display, c->request->only);
}

/* What was found in the directories: the one stays, the others are not looked at. */
static size_t keep_the_one(struct conf_loader *c)
{
	struct conf_object *one = NULL;

	for (size_t i = 0; i < c->n_objects; i++) {
		if (is_the_one(c, c->objects[i]))
			one = c->objects[i];
		else
			c->objects[i]->state = CONF_LATER;
	}
	c->objects[0] = one;
	return one ? 1 : 0;
}

static int keep(struct conf_loader *c, enum conf_type type, const char *name, const char *text,
		const char *file, bool transient)
{
	struct conf_object *o;
	int r = conf_get_object(c, type, name, &o);

	if (r < 0 || is_the_one(c, o))
		return r;
	o->state = CONF_RUNNING;
	o->running = text;
	o->transient = transient;
	o->errors = 0; /* of finding its files */
	c->objects[c->n_objects++] = o;
	return str_replace(&o->path, file);
}

int conf_keep_running(struct conf_loader *c)
{
	const struct desired *d = c->request->running;
	size_t n = HASH_COUNT(d->namespaces) + HASH_COUNT(d->containers) + c->n_objects + 1;
	struct conf_object **grown = reallocarray(c->objects, n, sizeof(struct conf_object *));
	const struct container_settings *s, *stmp;
	const struct netns *netns, *ntmp;
	int r = 0;

	if (!grown)
		return -ENOMEM;
	c->objects = grown;
	c->n_objects = keep_the_one(c);
	HASH_ITER (hh, d->namespaces, netns, ntmp)
		if (r == 0 && !netns->implicit)
			r = keep(c, CONF_NETNS, netns->name, netns->text, netns->origin.file,
				 netns->transient);
	HASH_ITER (hh, d->containers, s, stmp)
		if (r == 0)
			r = keep(c, CONF_CONTAINER, s->name, s->text, s->origin.file, false);
	qsort(c->objects, c->n_objects, sizeof(struct conf_object *), conf_object_compare);
	return r;
}
