/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists: one reply a namespace or container. The names are taken at once, the rest is looked up when it is
 * sent, a handful in a loop turn and never faster than the client reads: ten thousand namespaces hold up
 * nobody. And io.netnsd.Namespace.List itself. */
#include "api_internal.h"
#include "cleanup.h"
#include "netns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_PER_TURN 32

struct api_listing {
	struct api *api;
	const struct api_listing_kind *kind;
	char **names; /* the daemon's own by name, then others */
	size_t n, size, n_own, next;
	json_t *held; /* not sent yet, because it may be the last one */
};

void api_listing_free(struct api_listing *l)
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

int api_listing_add(struct api_listing *l, const char *name)
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

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int api_listing_new(struct api *a, const struct api_listing_kind *kind, struct api_listing **ret)
{
	struct api_listing *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->api = a;
	l->kind = kind;
	*ret = l;
	return 0;
}

void api_listing_own_end(struct api_listing *l)
{
	l->n_own = l->n;
}

/* --- sending --------------------------------------------------------------------------------------- */

/* The next one that is still there. 0, -ENOENT (no more), -ENOMEM. */
static int listing_next(struct api_listing *l, json_t **ret)
{
	while (l->next < l->n) {
		const bool own = l->next < l->n_own;
		const char *name = l->names[l->next++];
		int r = l->kind->entry(l->api, name, own, ret);

		if (r != -ESTALE)
			return r;
	}
	return -ENOENT;
}

/* A stream must end with an entry; without any, this is the only way to say so. */
static void listing_end(struct varlink_call *call, struct api_listing *l, int r)
{
	json_t *last = steal_pointer(l->held);
	const char *none = l->kind->none;

	api_listing_free(l);
	if (r == -ENOENT && last != NULL) {
		varlink_reply(call, last);
		return;
	}
	json_decref(last);
	if (r == -ENOENT)
		api_fail(call, none, json_pack("{s:s}", "name", ""));
	else
		api_no_memory(call);
}

static void listing_send(struct varlink_call *call)
{
	struct api_listing *l = varlink_call_userdata(call);
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
	api_listing_free(varlink_call_userdata(call));
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

void api_listing_send(struct varlink_call *call, struct api_listing *l)
{
	if (l->n > 0) {
		qsort(l->names, l->n_own, sizeof(*l->names), by_name);
		qsort(l->names + l->n_own, l->n - l->n_own, sizeof(*l->names), by_name);
	}
	varlink_call_set_userdata(call, l, listing_gone);
	varlink_call_set_writable(call, listing_send);
}

/* --- namespaces ------------------------------------------------------------------------------------- */

static int add_foreign(const char *name, void *data)
{
	struct api_listing *l = data;

	return manager_find_unit(l->api->manager, name) == NULL ? api_listing_add(l, name) : 0;
}

/* Foreign names come as they are in /run/netns. */
static int namespace_entry(struct api *a, const char *name, bool own, json_t **ret)
{
	const struct unit *u = manager_find_unit(a->manager, name);
	_cleanup_free_ char *printable = NULL;

	if (u == NULL && own)
		return -ESTALE;
	printable = u == NULL ? str_escape(name, strlen(name)) : NULL;
	*ret = u != NULL || printable != NULL ? api_unit_entry(u, u != NULL ? name : printable, false) : NULL;
	return *ret != NULL ? 0 : -ENOMEM;
}

static int namespaces_new(struct api *a, struct api_listing **ret)
{
	static const struct api_listing_kind kind = {namespace_entry, "io.netnsd.Namespace.NoSuchNamespace"};
	struct api_listing *l;
	struct unit *u, *next;
	int r = api_listing_new(a, &kind, &l);

	if (r < 0)
		return r;
	HASH_ITER (hh, a->manager->units, u, next)
		if (r == 0)
			r = api_listing_add(l, u->name);
	api_listing_own_end(l);
	if (r == 0)
		r = netns_list(add_foreign, l, NULL);
	if (r < 0)
		api_listing_free(l);
	else
		*ret = l;
	return r;
}

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
	struct api_listing *l;

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
	if (namespaces_new(data, &l) < 0) {
		api_no_memory(call);
		return;
	}
	api_listing_send(call, l);
}
