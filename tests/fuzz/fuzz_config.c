/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any text as *.netns and *.container files. "### NAME" begins the file of a namespace, "### NAME.container"
 * that of a container; what stands before the first is namespace "a". The text goes in the way the last good
 * configuration does, so nothing touches the disk. What comes out must hold together, and the effective text
 * of each namespace, read again, must give the same tree: what runs would otherwise change at the next start
 * of the daemon. */
#include "config_load.h"
#include "desired_container.h"
#include "require.h"
#include "str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 16
#define INPUT_MAX   65536

/* --- kinds ---------------------------------------------------------------------------------------- */

struct config {
	uint32_t number;
	char *word;
	char **words, **lines;
};

#define AT(field) offsetof(struct config, field)
static const struct conf_key keys[] = {
	{.name = "Number", .type = NETNSD_KEY_UINT, .offset = AT(number), .max = 100},
	{.name = "Word", .type = NETNSD_KEY_STRING, .offset = AT(word)},
	{.name = "Words", .type = NETNSD_KEY_STRV, .offset = AT(words)},
	{.name = "Lines", .type = NETNSD_KEY_LINES, .offset = AT(lines)},
	{.name = NULL},
};

static const struct link_kind kind_bridge = {.name = "bridge",
					     .section = "Bridge",
					     .flags = NETNSD_KIND_MASTER,
					     .max_ports = 3,
					     .config_size = sizeof(struct config),
					     .keys = keys};
static const struct link_kind kind_macvlan = {
	.name = "macvlan", .section = "MACVLAN", .flags = NETNSD_KIND_NEEDS_PARENT};
static const struct link_kind kind_veth = {.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR};
static const struct link_kind *kinds[] = {&kind_bridge, &kind_macvlan, &kind_veth};

static int parse_pool(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err)
{
	if (strcmp(value, "pool") != 0) {
		snprintf(err->text, sizeof(err->text), "expected pool");
		return -22;
	}
	*ret = (struct netnsd_prefix){.ip = {.family = 2, .bytes = {10}}, .length = 8};
	return 0;
}

static int assign_pool(struct netnsd_address_request *requests, size_t n, const struct netnsd_ip *taken,
		       size_t n_taken, struct netnsd_error *err)
{
	REQUIRE(n > 0 && (taken || n_taken == 0) && err);
	for (size_t i = 0; i < n; i++) {
		requests[i].result = requests[i].pool;
		requests[i].result.ip.bytes[1] = 77;
		requests[i].result.ip.bytes[2] = (uint8_t)(i / 200);
		requests[i].result.ip.bytes[3] = (uint8_t)(i % 200 + 1);
	}
	return n > 1000 ? -28 : 0;
}

static const struct address_source pool = {
	.name = "pool", .key = "AddressPool", .parse = parse_pool, .assign = assign_pool};
static const struct address_source *sources[] = {&pool};

/* --- input ---------------------------------------------------------------------------------------- */

struct input {
	char names[OBJECTS_MAX][64]; /* "/nonexistent/NAME.netns" */
	const char *files[OBJECTS_MAX + 1];
	char *texts[OBJECTS_MAX];
	size_t n;
	const struct desired *tree; /* the second time: its effective texts */
};

static char *give_text(const char *object, void *data)
{
	bool container = str_ends_with(object, ".container");
	const struct input *in = data;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(strrchr(object, '.') - object), object);
	if (in->tree && container) {
		const struct container_settings *c = desired_find_container(in->tree, name);

		return c && c->text ? strdup(c->text) : NULL;
	}
	if (in->tree) {
		const struct netns *n = desired_find(in->tree, name);

		return n && n->text ? strdup(n->text) : NULL;
	}
	for (size_t i = 0; i < in->n; i++) {
		const char *base = in->names[i] + strlen("/nonexistent/");

		if (strcmp(base, object) == 0)
			return strdup(in->texts[i]);
	}
	return NULL;
}

static void add_object(struct input *in, const char *name, char *text)
{
	bool container = str_ends_with(name, ".container");
	size_t length = strlen(name) - (container ? strlen(".container") : 0);
	char file[64], stem[64];

	if (in->n == OBJECTS_MAX || length > 40)
		return;
	snprintf(stem, sizeof(stem), "%.*s", (int)length, name);
	if (container ? !container_name_is_valid(stem)
		      : !netns_name_is_valid(stem) || str_ends_with(stem, "@"))
		return;
	snprintf(file, sizeof(file), "/nonexistent/%.40s.%s", stem, container ? "container" : "netns");
	for (size_t i = 0; i < in->n; i++)
		if (strcmp(in->names[i], file) == 0)
			return;
	memcpy(in->names[in->n], file, sizeof(file));
	in->files[in->n] = in->names[in->n];
	in->texts[in->n++] = text;
}

/* Cuts `text` in place. */
static void split(struct input *in, char *text)
{
	char *name = "a", *next;

	for (; text; text = next) {
		char *line = strncmp(text, "### ", 4) == 0 ? text : strstr(text, "\n### ");

		next = NULL;
		if (line) {
			char *header = line + (*line == '\n') + 4;

			*line = '\0';
			next = strchr(header, '\n');
			if (next)
				*next++ = '\0';
			add_object(in, name, text);
			name = header;
			continue;
		}
		add_object(in, name, text);
	}
}

/* --- checks ------------------------------------------------------------------------------------------ */

static void check_link(const struct desired *d, const struct netns *n, const struct link *l)
{
	REQUIRE(ifname_is_valid(l->name) && strcmp(l->name, "lo") != 0);
	REQUIRE(netns_find_link(n, l->name) == l);
	REQUIRE(l->netns == n && desired_find(d, l->owner->name) == l->owner);
	REQUIRE(!l->full_name || strv_contains(l->altnames, l->full_name));
	REQUIRE(!l->is_peer || (l->peer && l->peer->peer == l && l->owner == l->peer->netns));
	REQUIRE(l->is_peer || (l->owner == n && l->config));
	REQUIRE(!(l->kind->flags & NETNSD_KIND_PAIR) || l->peer);
	REQUIRE(!l->mtu_set || (l->mtu >= 68 && l->mtu <= 65535));
	REQUIRE((l->master[0] != '\0') == (l->master_key != NULL));
	for (size_t i = 0; i < l->n_addresses; i++)
		REQUIRE(l->addresses[i].prefix.ip.family && l->addresses[i].origin.file);
}

static void check_tree(const struct desired *d)
{
	const char *before = "";

	REQUIRE(d->host && d->host->host);
	for (const struct netns *n = d->namespaces; n; n = n->hh.next) {
		REQUIRE(strcmp(before, n->name) < 0);
		before = n->name;
		REQUIRE(n->host == (n == d->host));
		REQUIRE(n->implicit || n->text);
		for (const struct link *l = n->links; l; l = l->next)
			check_link(d, n, l);
		for (size_t i = 0; i < n->n_routes; i++) {
			char *text = route_to_string(&n->routes[i]);

			REQUIRE(n->routes[i].family && n->routes[i].table && n->routes[i].label && text);
			free(text);
		}
		for (size_t i = 0; i < n->n_rules; i++)
			REQUIRE(n->rules[i].priority > 0 && n->rules[i].family);
		for (size_t i = 0; i < n->n_sysctls; i++)
			REQUIRE(str_starts_with(n->sysctls[i].path, "net/") &&
				!strstr(n->sysctls[i].path, "/../") && n->sysctls[i].value[0]);
	}
}

static bool holds_argument(const struct container_settings *c, size_t i)
{
	const struct nspawn_argument *a = &c->arguments[i];
	size_t length = strlen(a->option);

	return a->argument && str_starts_with(a->option, "--") && str_starts_with(a->argument, a->option) &&
	       (!a->argument[length] || a->argument[length] == '=');
}

static void check_container(const struct desired *d, const struct container_settings *c)
{
	REQUIRE(container_name_is_valid(c->name) && c->text && c->settings_mode && c->origin.file);
	REQUIRE(!!c->directory + !!c->image + !!c->template <= 1);
	REQUIRE(!c->directory || c->directory[0] == '/');
	REQUIRE(c->timeout_start > 0 && c->timeout_stop > 0 && c->health_interval > 0 &&
		c->health_retries > 0);
	REQUIRE(!c->machine_id || strlen(c->machine_id) == 32);
	REQUIRE(c->n_arguments <= 4096 && c->n_credentials <= 256);
	for (size_t i = 0; i < c->n_arguments; i++) {
		REQUIRE(holds_argument(c, i));
		REQUIRE(!c->arguments[i].optional_source || c->arguments[i].optional_source[0] == '/');
	}
	for (size_t i = 0; i < c->n_credentials; i++) {
		const struct credential *k = &c->credentials[i];

		REQUIRE(k->id && !strchr(k->id, '/') && !k->path != !k->value);
		REQUIRE(!k->value || k->value[k->length] == '\0');
	}
	for (char **o = c->requires; o && *o; o++)
		REQUIRE(strcmp(*o, c->name) != 0);
	/* One that is in none of the files may be elsewhere. */
	REQUIRE(c->netns && netns_name_is_valid(c->netns));
	REQUIRE(strcmp(c->netns, HOST_DEFAULT_NAME) != 0 || d->host->implicit);
}

static struct desired *load(struct input *in)
{
	static const struct registry registry = {
		.kinds = kinds, .n_kinds = 3, .sources = sources, .n_sources = 1};
	const struct config_request request = {
		.registry = &registry, .files = in->files, .fallback = give_text, .fallback_data = in};
	struct diags diags = {0};
	struct desired *d = NULL;

	REQUIRE(config_load(&request, &d, &diags) == 0);
	/* No file can be opened: one error each, and what the text says is a remark. */
	REQUIRE(diags.errors >= in->n);
	for (size_t i = 0; i < diags.count; i++) {
		REQUIRE(diags.items[i].message[0]);
		REQUIRE(text_is_clean(diags.items[i].message, strlen(diags.items[i].message)));
	}
	diags_free(&diags);
	check_tree(d);
	for (const struct container_settings *c = d->containers; c; c = c->hh.next)
		check_container(d, c);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.n = 0};
	struct desired *first, *second;
	char *text;

	if (size > INPUT_MAX)
		return 0;
	text = malloc(size + 1);
	REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	split(&in, text);
	first = load(&in);
	in.tree = first;
	second = load(&in);
	REQUIRE(HASH_COUNT(first->namespaces) == HASH_COUNT(second->namespaces));
	for (const struct netns *n = first->namespaces; n; n = n->hh.next) {
		const struct netns *again = desired_find(second, n->name);

		REQUIRE(again && netns_equal(n, again));
		REQUIRE(n->n_routes == again->n_routes && n->n_rules == again->n_rules &&
			n->n_neighbors == again->n_neighbors && n->n_sysctls == again->n_sysctls);
		for (size_t i = 0; i < n->n_routes; i++)
			REQUIRE(route_equal(&n->routes[i], &again->routes[i]));
	}
	REQUIRE(HASH_COUNT(first->containers) == HASH_COUNT(second->containers));
	for (const struct container_settings *c = first->containers; c; c = c->hh.next) {
		const struct container_settings *again = desired_find_container(second, c->name);

		REQUIRE(again && container_settings_same_run(c, again));
		REQUIRE(strcmp(c->text, again->text) == 0);
		REQUIRE(c->restart.when == again->restart.when && c->restart.delay == again->restart.delay &&
			c->restart.steps == again->restart.steps &&
			c->restart.max_delay == again->restart.max_delay);
		REQUIRE(strv_equal(c->after, again->after) && strv_equal(c->requires, again->requires) &&
			strv_equal(c->health_cmd, again->health_cmd));
	}
	desired_unref(first);
	desired_unref(second);
	free(text);
	return 0;
}
