/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Container: List and Describe. */
#include "api_internal.h"

#include <errno.h>

static int container_entry(struct api *a, const char *name, bool own, json_t **ret)
{
	const struct container *c = manager_find_container(a->manager, name);

	(void)own;
	if (c == NULL)
		return -ESTALE;
	*ret = api_container_entry(c, false, false);
	return *ret != NULL ? 0 : -ENOMEM;
}

static int containers_new(struct api *a, struct api_listing **ret)
{
	static const struct api_listing_kind kind = {container_entry, "io.netnsd.Container.NoSuchContainer"};
	struct container *c, *next;
	struct api_listing *l;
	int r = api_listing_new(a, &kind, &l);

	if (r < 0)
		return r;
	HASH_ITER (hh, a->manager->containers, c, next)
		if (r == 0)
			r = api_listing_add(l, c->name);
	api_listing_own_end(l);
	if (r < 0)
		api_listing_free(l);
	else
		*ret = l;
	return r;
}

static void reply_one(struct api *a, struct varlink_call *call, const char *name, bool with_memory)
{
	const struct container *c = manager_find_container(a->manager, name);

	if (c != NULL)
		api_reply(call, api_container_entry(c, varlink_call_peer(call)->uid == 0, with_memory));
	else
		api_container_no_such(call, name);
}

void api_container_list(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"name", VARLINK_STRING, false}, {0}};
	const char *name = json_string_value(json_object_get(parameters, "name"));
	struct api_listing *l;

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (name != NULL)
		reply_one(data, call, name, false);
	else if (!varlink_call_wants_more(call))
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
	else if (containers_new(data, &l) < 0)
		api_no_memory(call);
	else
		api_listing_send(call, l);
}

void api_container_describe(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"name", VARLINK_STRING, true}, {0}};

	if (varlink_check_parameters(call, parameters, spec))
		reply_one(data, call, json_string_value(json_object_get(parameters, "name")), true);
}
