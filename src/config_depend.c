/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container needs besides its own file: the namespace it lives in, and the containers that After= and
 * Requires= name. Both orders must be without circles; they are two, as in systemd: what requires another and
 * goes before it is no contradiction.
 */
#include "config_container.h"

#include "cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct conf_assign *find(const struct conf_object *o, const char *section, const char *key,
				      const struct conf_section **ret)
{
	*ret = conf_find_section(o, section);
	return *ret ? conf_find_assign(*ret, key) : NULL;
}

/* "check FILE...": what lies elsewhere is not known, and that is no error of these. */
static bool may_be_elsewhere(const struct conf_loader *c, enum conf_type type, const char *name)
{
	return c->request->files && !conf_find_object(c, type, name);
}

/* --- the namespace ------------------------------------------------------------------------------------- */

static void check_private_users(struct conf_loader *c, struct conf_object *o, const struct netns *n)
{
	const struct conf_section *s;
	const struct conf_assign *a = find(o, "Exec", "PrivateUsers", &s);

	if ((n && n->host) || !conf_private_users_wanted(o))
		return;
	conf_error(c, o, s, a,
		   "systemd-nspawn cannot give a user namespace to a container in a network namespace that "
		   "was made "
		   "before it, as '%s' is: it would not own it, and mounting /sys fails (systemd issue "
		   "36363); set "
		   "PrivateUsers=no",
		   n ? n->name : o->container->netns);
}

static int check_namespace(struct conf_loader *c, struct conf_object *o)
{
	struct container_settings *s = o->container;
	const struct conf_section *section;
	const struct conf_assign *a = find(o, "Container", "Namespace", &section);
	const struct netns *n;

	/* With errors in the file its default may not be what was meant, and a bad name is told already. */
	if (o->tainted && (!a || !netns_name_is_valid(a->value)))
		return 0;
	n = desired_find(c->desired, s->netns);
	if (!n && !str_equal(s->netns, HOST_DEFAULT_NAME) && may_be_elsewhere(c, CONF_NETNS, s->netns)) {
		conf_warning(c, o, section, a, "the namespace '%s' is in none of these files", s->netns);
		check_private_users(c, o, NULL);
		return 0;
	}
	if (!n && !a && !str_equal(s->netns, HOST_DEFAULT_NAME) &&
	    !conf_find_object(c, CONF_NETNS, s->netns)) {
		conf_error(c, o, section, NULL,
			   "nobody declares the namespace '%s', in which it lives by its name; make "
			   "%s.netns, or "
			   "name another one with Namespace=",
			   s->netns, s->netns);
		return 0;
	}
	n = conf_named_netns(c, o, section, a, s->netns);
	if (!n)
		return 0;
	check_private_users(c, o, n);
	return str_replace(&s->netns, n->name);
}

/* --- other containers -------------------------------------------------------------------------------------
 */

static void tell_missing(struct conf_loader *c, struct conf_object *o, const char *key, const char *name)
{
	const struct conf_section *s;
	const struct conf_assign *a = find(o, "Service", key, &s);
	const char *names[200] = {NULL};
	char hint[280];
	size_t n = 0;

	for (size_t i = 0; i < c->n_objects && n < 199; i++)
		if (c->objects[i]->type == CONF_CONTAINER && c->objects[i] != o)
			names[n++] = c->objects[i]->name;
	conf_error(c, o, s, a, "nobody declares the container '%s'%s", name,
		   conf_hint(name, names, hint, sizeof(hint)));
}

/* Whether `name` can be named by `key`; *ret_forget: there is such a file, but the container is out. */
static void check_other(struct conf_loader *c, struct conf_object *o, const char *key, const char *name,
			bool *ret_forget)
{
	const struct conf_object *other = conf_find_object(c, CONF_CONTAINER, name);
	const struct conf_section *s;
	const struct conf_assign *a = find(o, "Service", key, &s);

	if (other == o) {
		conf_error(c, o, s, a, "the container names itself");
	} else if (other && other->container) {
		return;
	} else if (conf_is_out(other)) {
		*ret_forget = str_equal(key, "After");
		if (*ret_forget)
			conf_warning(c, o, s, a, "nothing to wait for: the container '%s' is not used: %s",
				     name, conf_why_out(other));
		else
			conf_error(c, o, s, a, "the container '%s' cannot be used: %s", name,
				   conf_why_out(other));
	} else if (may_be_elsewhere(c, CONF_CONTAINER, name)) {
		conf_warning(c, o, s, a, "the container '%s' is in none of these files", name);
	} else {
		tell_missing(c, o, key, name);
	}
}

static void check_others(struct conf_loader *c, struct conf_object *o, const char *key, char **names)
{
	char **keep = names;

	for (char **n = names; n && *n; n++) {
		bool forget = false;

		check_other(c, o, key, *n, &forget);
		if (forget)
			free(*n);
		else
			*keep++ = *n;
	}
	if (keep)
		*keep = NULL;
}

/* Requires= alone starts both at once, which is seldom meant. */
static void check_order(struct conf_loader *c, struct conf_object *o)
{
	const struct container_settings *s = o->container;
	const struct conf_section *section;
	const struct conf_assign *a = find(o, "Service", "Requires", &section);

	for (char **n = s->requires; n && *n; n++) {
		const struct conf_object *other = conf_find_object(c, CONF_CONTAINER, *n);

		if (other == o || strv_contains(s->after, *n) ||
		    (other && other->container && strv_contains(other->container->after, s->name)))
			continue;
		conf_warning(c, o, section, a,
			     "'%s' is started at the same time; add After=%s to start only when it is ready",
			     *n, *n);
	}
}

/* --- circles
 * ------------------------------------------------------------------------------------------------ */

static char **edges(const struct conf_object *o, bool requires)
{
	return requires ? o->container->requires : o->container->after;
}

/* From `last` back to `first` by the way that was come. */
static int tell_circle(struct conf_loader *c, struct conf_object *first, const struct conf_object *last,
		       bool requires)
{
	const char *key = requires ? "Requires" : "After", *verb = requires ? "requires" : "after";
	_cleanup_free_ const struct conf_object **way = NULL;
	const struct conf_section *s;
	const struct conf_assign *a = find(first, "Service", key, &s);
	struct strbuf text = {0};
	size_t n = 0;

	for (const struct conf_object *o = last; o != first; o = o->walk.from)
		n++;
	way = calloc(n + 1, sizeof(*way));
	if (!way)
		return -ENOMEM;
	n = 0;
	for (const struct conf_object *o = last; o != first; o = o->walk.from)
		way[n++] = o;
	strbuf_puts(&text, first->name);
	for (; n > 0; n--)
		strbuf_printf(&text, " %s %s", verb, way[n - 1]->name);
	conf_error(c, first, s, a, "%s= runs in a circle: %.800s %s %s", key, text.data ?: "?", verb,
		   first->name);
	strbuf_free(&text);
	return 0;
}

/* Depth first, without recursion: a chain may be as long as there are containers. */
static int walk(struct conf_loader *c, struct conf_object *start, bool requires)
{
	struct conf_object *at = start;

	start->walk = (struct conf_walk){.state = CONF_WALK_OPEN};
	while (at) {
		char **names = edges(at, requires);
		const char *name = names ? names[at->walk.next] : NULL;
		struct conf_object *to;

		if (!name) {
			at->walk.state = CONF_WALK_DONE;
			at = at->walk.from;
			continue;
		}
		at->walk.next++;
		to = conf_find_object(c, CONF_CONTAINER, name);
		if (!to || !to->container || to == at)
			continue;
		if (to->walk.state == CONF_WALK_OPEN) {
			int r = tell_circle(c, to, at, requires);

			if (r < 0)
				return r;
		} else if (to->walk.state == CONF_WALK_NEW) {
			to->walk = (struct conf_walk){.state = CONF_WALK_OPEN, .from = at};
			at = to;
		}
	}
	return 0;
}

static int check_circles(struct conf_loader *c, bool requires)
{
	int r = 0;

	for (size_t i = 0; i < c->n_objects; i++)
		c->objects[i]->walk = (struct conf_walk){.state = CONF_WALK_NEW};
	for (size_t i = 0; r == 0 && i < c->n_objects; i++)
		if (c->objects[i]->container && c->objects[i]->walk.state == CONF_WALK_NEW)
			r = walk(c, c->objects[i], requires);
	return r;
}

/* --- all
 * ------------------------------------------------------------------------------------------------------ */

int conf_verify_containers(struct conf_loader *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_objects; i++) {
		struct conf_object *o = c->objects[i];

		if (!o->container)
			continue;
		r = check_namespace(c, o);
		check_others(c, o, "After", o->container->after);
		check_others(c, o, "Requires", o->container->requires);
	}
	for (size_t i = 0; r == 0 && i < c->n_objects; i++)
		if (c->objects[i]->container)
			check_order(c, c->objects[i]);
	if (r == 0)
		r = check_circles(c, false);
	return r < 0 ? r : check_circles(c, true);
}

bool conf_fail_container(struct conf_loader *c, struct conf_object *o)
{
	const struct container_settings *s = o->container;
	const struct conf_object *needed;
	const struct conf_section *section;
	const struct conf_assign *a;

	if (!s)
		return false;
	needed = conf_find_object(c, CONF_NETNS, s->netns);
	if (conf_is_out(needed)) {
		a = find(o, "Container", "Namespace", &section);
		conf_error(c, o, section, a, "the namespace '%s' cannot be used: %s", s->netns,
			   conf_why_out(needed));
		return true;
	}
	for (char **n = s->requires; n && *n; n++) {
		needed = conf_find_object(c, CONF_CONTAINER, *n);
		if (!conf_is_out(needed))
			continue;
		a = find(o, "Service", "Requires", &section);
		conf_error(c, o, section, a, "the container '%s' cannot be used: %s", *n,
			   conf_why_out(needed));
		return true;
	}
	return false;
}
