/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `netnsctl add` takes, for completions: sections and keys from the tables that the files are read by,
 * kinds from the plugins; links of the host and namespaces where a key wants their names. */
#include "complete.h"
#include "config_internal.h"

#include <net/if.h>
#include <string.h>

/* "Veth eth0" and what comes after the dot; a title has none, for no link's name has. */
static bool split(const char *word, char section[64], const char **ret_key)
{
	const char *dot = strchr(word, '.');

	if (!dot || dot - word >= 64)
		return false;
	(void)snprintf(section, 64, "%.*s", (int)(dot - word), word);
	*ret_key = dot + 1;
	return true;
}

static void print_keys(const char *section, const struct conf_key *keys)
{
	for (const struct conf_key *k = keys; k && k->name; k++)
		printf("%s.%s=\n", section, k->name);
}

static void print_link_keys(const char *section, const struct link_kind *kind)
{
	const bool pair = kind->flags & NETNSD_KIND_PAIR;

	/* Those that are no row of a table. */
	printf("%s.Address=\n%s.Gateway=\n%s.LinkLocalAddressing=\n", section, section, section);
	print_keys(section, conf_link_keys);
	print_keys(section, kind->keys);
	if (kind->flags & (NETNSD_KIND_PARENT | NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT_IN_DATA))
		print_keys(section, conf_parent_keys);
	if (!pair)
		return;
	printf("%s.PeerAddress=\n", section);
	print_keys(section, conf_peer_keys);
}

static const struct conf_key *find_key(const struct link_kind *kind, const char *name)
{
	const struct conf_key *const tables[] = {kind ? conf_link_keys : conf_netns_keys,
						 kind ? kind->keys : NULL};

	for (size_t i = 0; i < 2; i++)
		for (const struct conf_key *k = tables[i]; k && k->name; k++)
			if (strcmp(k->name, name) == 0)
				return k;
	return NULL;
}

static void print_links(const char *start)
{
	struct if_nameindex *links = if_nameindex();

	for (size_t i = 0; links && links[i].if_name; i++)
		printf("%s%s\n", start, links[i].if_name);
	if_freenameindex(links);
}

/* `start`: all up to the "=". */
static void print_values(struct ctl *c, const struct link_kind *kind, const char *start, const char *name)
{
	static const char *const of_links[] = {"Bridge", "VRF", "Parent", "PeerBridge", NULL};
	const struct conf_key *key = find_key(kind, name);

	if (strcmp(name, "PeerNamespace") == 0)
		complete_names(c, COMPLETE_NAMESPACES, start);
	else if (strv_contains((char *const *)of_links, name))
		print_links(start);
	else if (key && key->type == NETNSD_KEY_BOOL)
		printf("%syes\n%sno\n", start, start);
	else if (key && key->names)
		for (const struct netnsd_enum_name *e = key->names; e->name; e++)
			printf("%s%s\n", start, e->name);
}

static void complete_key(struct ctl *c, const struct registry *registry, const char *word)
{
	char section[64], name[64], start[256];
	const struct link_kind *kind;
	const char *key, *equal;

	if (!split(word, section, &key)) {
		printf("Namespace.\n");
		for (size_t i = 0; i < registry->n_kinds; i++)
			printf("%s eth0.\n", registry->kinds[i]->section);
		return;
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(section, " "), section);
	kind = registry_kind(registry, name);
	equal = strchr(key, '=');
	if (equal) {
		(void)snprintf(start, sizeof(start), "%.*s", (int)(equal + 1 - word), word);
		(void)snprintf(name, sizeof(name), "%.*s", (int)(equal - key), key);
		print_values(c, kind, start, name);
	} else if (kind) {
		print_link_keys(section, kind);
	} else if (strcmp(section, "Namespace") == 0) {
		print_keys(section, conf_netns_keys);
		printf("Namespace.DNS=\nNamespace.Domains=\nNamespace.OnDrift=\nNamespace.Sysctl=\n");
	}
}

void complete_setting(struct ctl *c, const char *word)
{
	struct registry registry = {0};
	struct diags diags = {0};

	(void)registry_load(&registry, config_directories(), &diags, NULL);
	complete_key(c, &registry, word);
	diags_free(&diags);
	registry_free(&registry);
}
