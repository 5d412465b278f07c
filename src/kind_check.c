/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a plugin brings is checked here once and as a whole, so that the rest of the program can
 * rely on it: a table that is not sound, or a name that somebody else has, is found when the plugin
 * is loaded and not when a link is made.
 */
#include "kind_check.h"

#include "key.h"
#include "str.h"

#include <errno.h>
#include <string.h>

#define KINDS_MAX	64 /* of one plugin */
#define CONFIG_SIZE_MAX 65536

enum {
	KIND_FLAGS = NETNSD_KIND_PAIR | NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT | NETNSD_KIND_MASTER |
		     NETNSD_KIND_PARENT_IN_DATA
};

/* clang-format off */
/* Sections of *.netns and *.container that are no links. */
static const char *const core_sections[] = {
	"Namespace", "Address", "Route", "RoutingPolicyRule", "Neighbor",
	"Container", "Exec", "Files", "Service", NULL,
};

/* Keys that every link has, or (Peer...) every pair. */
static const char *const link_keys[] = {
	"Address", "AddressPool", "Gateway", "MACAddress", "MTUBytes", "Bridge", "VRF", "Parent", "Alias",
	"AlternativeName", "ActivationPolicy", "LinkLocalAddressing", "IPv6AcceptRA", "PeerName",
	"PeerNamespace", "PeerBridge", "PeerAddress", "PeerMACAddress", "PeerMTUBytes", NULL,
};

/* Those among them that a source may bring. */
static const char *const source_keys[] = {"Address", "AddressPool", NULL};
/* clang-format on */

static bool list_contains(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (str_equal(*list, word))
			return true;
	return false;
}

/* Letters and digits (and `more`), beginning with a letter, shorter than `max`. */
static bool word_is_valid(const char *word, const char *more, size_t max)
{
	size_t n = word ? strnlen(word, max) : 0;

	if (n == 0 || n == max)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool letter = (word[i] >= 'a' && word[i] <= 'z') || (word[i] >= 'A' && word[i] <= 'Z');
		bool digit = word[i] >= '0' && word[i] <= '9';

		if (!letter && (i == 0 || (!digit && !strchr(more, word[i]))))
			return false;
	}
	return true;
}

/* What a refusal needs to name: the file, and whose turn it is. */
struct check {
	const struct registry *registry;
	const struct netnsd_plugin *plugin;
	const char *file;
	struct error *err;
};

/* Name of the registered plugin that has this kind or source; for messages. */
static const char *owner_of(const struct registry *r, const void *object)
{
	for (size_t i = 0; i < r->n_plugins; i++) {
		const struct netnsd_plugin *p = r->plugins[i];

		for (size_t k = 0; p->kinds && p->kinds[k]; k++)
			if (p->kinds[k] == object)
				return p->name;
		for (size_t k = 0; p->address_sources && p->address_sources[k]; k++)
			if (p->address_sources[k] == object)
				return p->name;
	}
	return "another";
}

static int check_key_name(const struct check *c, const struct link_kind *kind, const char *key)
{
	const struct address_source *source = registry_source(c->registry, key);

	if (!word_is_valid(key, "", 64))
		return error_set(c->err, -EINVAL, "%s: [%s] has a key that is no word of letters and digits",
				 c->file, kind->section);
	if (list_contains(link_keys, key) ||
	    ((kind->flags & NETNSD_KIND_PAIR) && str_starts_with(key, "Peer")))
		return error_set(c->err, -EEXIST, "%s: [%s] brings the key %s, which every link has already",
				 c->file, kind->section, key);
	if (source)
		return error_set(c->err, -EEXIST,
				 "%s: [%s] brings the key %s, which plugin %s adds to every link", c->file,
				 kind->section, key, owner_of(c->registry, source));
	return 0;
}

static int check_keys(const struct check *c, const struct link_kind *kind)
{
	bool plain = true;
	int r;

	if (!kind->keys)
		return 0;
	r = key_table_verify(kind->keys, kind->config_size, c->err);
	if (r < 0)
		return error_prefix(c->err, r, "%s: [%s]", c->file, kind->section);
	for (const struct conf_key *key = kind->keys; key->name; key++) {
		r = check_key_name(c, kind, key->name);
		if (r < 0)
			return r;
		plain = plain && key->wire != NETNSD_WIRE_NONE;
	}
	if (!plain && !kind->create && (!kind->fill || !kind->compare))
		return error_set(c->err, -EINVAL,
				 "%s: [%s] has keys without a wire form, so it needs fill() and compare()",
				 c->file, kind->section);
	return 0;
}

static int check_callbacks(const struct check *c, const struct link_kind *kind)
{
	const char *wrong = NULL;

	if (!kind->create != !kind->remove)
		wrong = "has only one of create() and remove()";
	else if ((kind->flags & NETNSD_KIND_PAIR) && !kind->fill && !kind->create)
		wrong = "is a pair, so it needs fill() to make the other end";
	else if ((kind->flags & NETNSD_KIND_PARENT_IN_DATA) && !kind->fill)
		wrong = "says that fill() deals with Parent=, but has none";
	else if (kind->flags & ~(uint32_t)KIND_FLAGS)
		wrong = "has flags that this netnsd does not know";
	else if (kind->config_size > CONFIG_SIZE_MAX)
		wrong = "has a config of more than 64 KiB";
	if (wrong)
		return error_set(c->err, -EINVAL, "%s: [%s] %s", c->file, kind->section, wrong);
	return 0;
}

/* Names that this plugin's earlier kinds have. */
static const struct link_kind *earlier_kind(const struct check *c, size_t index)
{
	const struct link_kind *kind = c->plugin->kinds[index];

	for (size_t i = 0; i < index; i++)
		if (str_equal(c->plugin->kinds[i]->name, kind->name) ||
		    str_equal(c->plugin->kinds[i]->section, kind->section))
			return c->plugin->kinds[i];
	return NULL;
}

static int check_kind_names(const struct check *c, size_t index)
{
	const struct link_kind *kind = c->plugin->kinds[index], *other;

	if (!word_is_valid(kind->name, "-_", 32))
		return error_set(c->err, -EINVAL,
				 "%s: kind %zu has no name as in IFLA_INFO_KIND, 1 to 31 letters and digits",
				 c->file, index + 1);
	if (!word_is_valid(kind->section, "", 32))
		return error_set(c->err, -EINVAL,
				 "%s: kind %s has no section name of 1 to 31 letters and digits", c->file,
				 kind->name);
	if (list_contains(core_sections, kind->section))
		return error_set(c->err, -EEXIST, "%s: kind %s: the section [%s] is netnsd's own", c->file,
				 kind->name, kind->section);
	other = registry_kind(c->registry, kind->section);
	if (other)
		return error_set(c->err, -EEXIST, "%s: kind %s: plugin %s has the section [%s] already",
				 c->file, kind->name, owner_of(c->registry, other), kind->section);
	other = registry_kind_by_name(c->registry, kind->name);
	if (other)
		return error_set(c->err, -EEXIST, "%s: plugin %s has the kind %s already, as [%s]", c->file,
				 owner_of(c->registry, other), kind->name, other->section);
	if (earlier_kind(c, index))
		return error_set(c->err, -EEXIST, "%s: kind %s, [%s], is there twice", c->file, kind->name,
				 kind->section);
	return 0;
}

static int check_source(const struct check *c, size_t index)
{
	const struct address_source *source = c->plugin->address_sources[index], *other;

	if (!word_is_valid(source->name, "-_", 32) || !word_is_valid(source->key, "", 64) || !source->parse)
		return error_set(c->err, -EINVAL, "%s: address source %zu lacks its name, key or parse()",
				 c->file, index + 1);
	if (list_contains(link_keys, source->key) && !list_contains(source_keys, source->key))
		return error_set(c->err, -EEXIST, "%s: address source %s: %s is a key of netnsd's own",
				 c->file, source->name, source->key);
	other = registry_source(c->registry, source->key);
	if (other)
		return error_set(c->err, -EEXIST, "%s: address source %s: plugin %s has the key %s already",
				 c->file, source->name, owner_of(c->registry, other), source->key);
	for (size_t i = 0; i < index; i++)
		if (str_equal(c->plugin->address_sources[i]->key, source->key))
			return error_set(c->err, -EEXIST, "%s: the address source for %s is there twice",
					 c->file, source->key);
	for (size_t i = 0; i < c->registry->n_kinds; i++)
		if (key_find(c->registry->kinds[i]->keys, source->key) >= 0)
			return error_set(c->err, -EEXIST,
					 "%s: address source %s: [%s] of plugin %s has a key %s", c->file,
					 source->name, c->registry->kinds[i]->section,
					 owner_of(c->registry, c->registry->kinds[i]), source->key);
	return 0;
}

static int check_kinds(const struct check *c, size_t *ret)
{
	const struct link_kind *const *kinds = c->plugin->kinds;
	size_t n = 0;
	int r = 0;

	for (; kinds && kinds[n] && r == 0; n++) {
		if (n == KINDS_MAX)
			return error_set(c->err, -EINVAL, "%s: more than %d kinds, or no NULL after the last",
					 c->file, KINDS_MAX);
		r = check_kind_names(c, n);
		if (r == 0)
			r = check_callbacks(c, kinds[n]);
		if (r == 0)
			r = check_keys(c, kinds[n]);
	}
	*ret = n;
	return r;
}

static int check_sources(const struct check *c, size_t *ret)
{
	const struct address_source *const *sources = c->plugin->address_sources;
	size_t n = 0;
	int r = 0;

	for (; sources && sources[n] && r == 0; n++) {
		if (n == KINDS_MAX)
			return error_set(c->err, -EINVAL,
					 "%s: more than %d address sources, or no NULL after the last",
					 c->file, KINDS_MAX);
		r = check_source(c, n);
	}
	*ret = n;
	return r;
}

int kind_check_plugin(const struct registry *registry, const struct netnsd_plugin *plugin, const char *file,
		      size_t *ret_kinds, size_t *ret_sources, struct error *err)
{
	struct check check = {.registry = registry, .plugin = plugin, .file = file, .err = err}, *c = &check;
	size_t n_kinds = 0, n_sources = 0;
	int r;

	/* The number first: with another one the rest may be laid out differently. */
	if (plugin->api != NETNSD_PLUGIN_API)
		return error_set(err, -EPROTO,
				 "%s: is made for plugin API %u, this netnsd has %d; build it anew", file,
				 plugin->api, NETNSD_PLUGIN_API);
	if (!word_is_valid(plugin->name, "-_.", 64))
		return error_set(err, -EINVAL, "%s: the plugin has no name of 1 to 63 letters and digits",
				 file);
	r = check_kinds(c, &n_kinds);
	if (r == 0)
		r = check_sources(c, &n_sources);
	if (r < 0)
		return r;
	if (n_kinds + n_sources == 0)
		return error_set(err, -EINVAL, "%s: has neither a link kind nor an address source", file);
	*ret_kinds = n_kinds;
	*ret_sources = n_sources;
	return 0;
}
