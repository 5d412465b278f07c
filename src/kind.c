/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registry of link kinds and address sources: who brings the section [Veth], who reads Address=.
 * Plugins are borrowed: their data live as long as the program.
 */
#include "kind.h"

#include "key.h"
#include "kind_check.h"
#include "str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct link_kind *registry_kind(const struct registry *r, const char *section)
{
	size_t low = 0, high = r->n_kinds;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(section, r->kinds[middle]->section);

		if (c == 0)
			return r->kinds[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct link_kind *registry_kind_by_name(const struct registry *r, const char *kernel_name)
{
	for (size_t i = 0; i < r->n_kinds; i++)
		if (str_equal(r->kinds[i]->name, kernel_name))
			return r->kinds[i];
	return NULL;
}

const struct address_source *registry_source(const struct registry *r, const char *key)
{
	for (size_t i = 0; i < r->n_sources; i++)
		if (str_equal(r->sources[i]->key, key))
			return r->sources[i];
	return NULL;
}

static int reserve(void *array, size_t count)
{
	void **field = array, *bigger = reallocarray(*field, count, sizeof(void *));

	if (!bigger)
		return -ENOMEM;
	*field = bigger;
	return 0;
}

static void insert_kind(struct registry *r, const struct link_kind *kind)
{
	size_t at = r->n_kinds;

	for (; at > 0 && strcmp(r->kinds[at - 1]->section, kind->section) > 0; at--)
		r->kinds[at] = r->kinds[at - 1];
	r->kinds[at] = kind;
	r->n_kinds++;
}

int registry_add(struct registry *r, const struct netnsd_plugin *plugin, const char *file, struct error *err)
{
	size_t n_kinds, n_sources;
	int e;

	e = kind_check_plugin(r, plugin, file, &n_kinds, &n_sources, err);
	if (e < 0)
		return e;
	if (reserve(&r->kinds, r->n_kinds + n_kinds + 1) < 0 ||
	    reserve(&r->sources, r->n_sources + n_sources + 1) < 0 ||
	    reserve(&r->plugins, r->n_plugins + 1) < 0)
		return error_set(err, -ENOMEM, "%s: out of memory", file);
	for (size_t i = 0; i < n_kinds; i++)
		insert_kind(r, plugin->kinds[i]);
	for (size_t i = 0; i < n_sources; i++)
		r->sources[r->n_sources++] = plugin->address_sources[i];
	r->plugins[r->n_plugins++] = plugin;
	return 0;
}

uint64_t kind_read(const struct link_kind *kind, uint64_t wanted, const struct nlattr *data, void *config)
{
	uint64_t set = 0;

	if (!data || !config)
		return 0;
	if (kind->read)
		set = kind->read(data, config);
	for (unsigned i = 0; kind->keys && kind->keys[i].name && i < 64; i++)
		if (kind->keys[i].wire != NETNSD_WIRE_NONE &&
		    key_from_attr(&kind->keys[i], config, data) == 0)
			set |= UINT64_C(1) << i;
	return set & wanted;
}

void registry_free(struct registry *r)
{
	free(r->kinds);
	free(r->sources);
	free(r->plugins);
	*r = (struct registry){.kinds = NULL};
}
