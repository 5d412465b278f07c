/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Namespace.List: one reply a namespace. The names are taken at once, the rest is looked up
 * when it is sent, a handful in a loop turn and never faster than the client reads: ten thousand
 * namespaces hold up nobody. */
#include "api_internal.h"
#include "cleanup.h"
#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_PER_TURN 32

struct listing {
	struct api *api;
	char **names; /* units by name, then foreign ones; as they are in /run/netns */
	size_t n, size, n_units, next;
	json_t *held; /* not sent yet, because it may be the last one */
};

static void listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	json_decref(l->held);
	free(l);
}

/* --- names ---------------------------------------------------------------------------------------- */

static int listing_add(struct listing *l, const char *name)
{
	char **grown;

	if (l->n == l->size) {
		grown = reallocarray(l->names, l->size * 2 + 64, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		l->names = grown;
		l->size = l->size * 2 + 64;
	}
	l->names[l->n] = strdup(name);
	if (l->names[l->n] == NULL)
		return -ENOMEM;
	l->n++;
	return 0;
}

static int add_foreign(const char *name, void *data)
{
	struct listing *l = data;

	return manager_find_unit(l->api->manager, name) == NULL ? listing_add(l, name) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int listing_new(struct api *a, struct listing **ret)
{
	struct listing *l = calloc(1, sizeof(*l));
	struct unit *u, *next;
	int r = l != NULL ? 0 : -ENOMEM;

	if (r == 0)
		l->api = a;
	HASH_ITER (hh, a->manager->units, u, next)
		if (r == 0)
			r = listing_add(l, u->name);
	if (r == 0) {
		l->n_units = l->n;
		r = netns_list(add_foreign, l, NULL);
	}
	if (r < 0) {
		listing_free(l);
		return r;
	}
	if (l->n > 0) {
		qsort(l->names, l->n_units, sizeof(*l->names), by_name);
		qsort(l->names + l->n_units, l->n - l->n_units, sizeof(*l->names), by_name);
	}
	*ret = l;
	return 0;
}

/* --- sending --------------------------------------------------------------------------------------- */

static json_t *foreign_entry(const char *name)
{
	_cleanup_free_ char *printable = str_escape(name, strlen(name));

	return printable != NULL ? api_unit_entry(NULL, printable, false) : NULL;
}

/* The next namespace that is still there. 0, -ENOENT (no more), -ENOMEM. */
static int listing_next(struct listing *l, json_t **ret)
{
	while (l->next < l->n) {
		const char *name = l->names[l->next++];
		const struct unit *u = manager_find_unit(l->api->manager, name);

		if (u == NULL && l->next <= l->n_units)
			continue; /* gone meanwhile */
		*ret = u != NULL ? api_unit_entry(u, name, false) : foreign_entry(name);
		return *ret != NULL ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* A stream must end with an entry; without any, this is the only way to say so. */
static void listing_end(struct varlink_call *call, struct listing *l, int r)
{
	json_t *last = steal_pointer(l->held);

	listing_free(l);
	if (r == -ENOENT && last != NULL) {
		varlink_reply(call, last);
		return;
	}
	json_decref(last);
	if (r == -ENOENT)
		api_fail(call, "io.netnsd.Namespace.NoSuchNamespace", json_pack("{s:s}", "name", ""));
	else
		api_no_memory(call);
}

static void listing_send(struct varlink_call *call)
{
	struct listing *l = varlink_call_userdata(call);
	json_t *entry;
	int r;

	for (unsigned i = 0; i < ENTRIES_PER_TURN; i++) {
		r = listing_next(l, &entry);
		if (r < 0) {
			listing_end(call, l, r);
			return;
		}
		if (l->held != NULL)
			(void)varlink_notify(call, steal_pointer(l->held));
		l->held = entry;
	}
}

static void listing_gone(struct varlink_call *call)
{
	listing_free(varlink_call_userdata(call));
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

/* --- the method ------------------------------------------------------------------------------------- */

struct search {
	const char *name;
	bool found;
};

static int compare_foreign(const char *name, void *data)
{
	_cleanup_free_ char *printable = str_escape(name, strlen(name));
	struct search *s = data;

	s->found = s->found || (printable != NULL && strcmp(printable, s->name) == 0);
	return 0;
}

static void list_one(struct api *a, struct varlink_call *call, const char *name)
{
	const struct unit *u = manager_find_unit(a->manager, name);
	struct search search = {.name = name};

	if (u == NULL)
		(void)netns_list(compare_foreign, &search, NULL);
	if (u != NULL)
		api_reply(call, api_unit_entry(u, name, varlink_call_peer(call)->uid == 0));
	else if (search.found)
		api_reply(call, api_unit_entry(NULL, name, false));
	else
		api_fail(call, "io.netnsd.Namespace.NoSuchNamespace", json_pack("{s:s}", "name", name));
}

void api_namespace_list(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"name", VARLINK_STRING, false}, {0}};
	const char *name = json_string_value(json_object_get(parameters, "name"));
	struct listing *l;

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (name != NULL) {
		list_one(data, call, name);
		return;
	}
	if (!varlink_call_wants_more(call)) {
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
		return;
	}
	if (listing_new(data, &l) < 0) {
		api_no_memory(call);
		return;
	}
	varlink_call_set_userdata(call, l, listing_gone);
	varlink_call_set_writable(call, listing_send);
}
