/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The actual tree as a value: look up and free.
 */
#include "actual.h"

#include <stdlib.h>
#include <string.h>

void actual_free(struct actual *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_links; i++)
		actual_link_clear(&a->links[i]);
	for (size_t i = 0; i < a->n_routes; i++)
		actual_route_clear(&a->routes[i]);
	for (size_t i = 0; i < a->n_sysctls; i++)
		free(a->sysctls[i]);
	free(a->links);
	free(a->addresses);
	free(a->routes);
	free(a->rules);
	free(a->neighbors);
	free(a->sysctls);
	free(a->resolv);
	free(a);
}

const struct actual_link *actual_find_link(const struct actual *a, const char *name)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (strcmp(a->links[i].name, name) == 0)
			return &a->links[i];
	/* The kernel keeps both sorts of names in one table, so at most one link has it. */
	for (size_t i = 0; i < a->n_links; i++)
		if (strv_contains(a->links[i].altnames, name))
			return &a->links[i];
	return NULL;
}

static int compare_index(const void *key, const void *element)
{
	const int index = *(const int *)key;
	const struct actual_link *l = element;

	return (index > l->ifindex) - (index < l->ifindex);
}

const struct actual_link *actual_link_by_index(const struct actual *a, int ifindex)
{
	if (a->n_links == 0)
		return NULL;
	return bsearch(&ifindex, a->links, a->n_links, sizeof(*a->links), compare_index);
}
