/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every plugin must do, whoever wrote it: `conformance DIRECTORY` (or NETNSD_PLUGIN_PATH)
 * opens each .so there and treats it as the core would, and worse. */
#include "lib_plugin.h"

#include "key.h"
#include "key_field.h"
#include "kind.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGINS_MAX 256

static const struct netnsd_plugin *plugins[PLUGINS_MAX];
static size_t n_plugins;

static int is_so(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 3 && !strcmp(e->d_name + n - 3, ".so");
}

/* plugin_open() compares the name with the file's, and the API number. */
static void test_open(void **state)
{
	struct dirent **entries;
	int n = scandir(plugin_directory(), &entries, is_so, alphasort);

	(void)state;
	if (n <= 0 || n > PLUGINS_MAX)
		fail_msg("%s: expected plugins, found %d", plugin_directory(), n);
	for (int i = 0; i < n; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - 3] = '\0';
		plugins[n_plugins++] = plugin_open(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	print_message("%d plugins in %s\n", n, plugin_directory());
}

/* All of them fit together and into netnsd. */
static void test_register(void **state)
{
	struct registry r = {.kinds = NULL};

	(void)state;
	for (size_t i = 0; i < n_plugins; i++) {
		struct error err = {.code = 0};

		if (registry_add(&r, plugins[i], plugins[i]->name, &err) != 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(r.n_plugins, n_plugins);
	registry_free(&r);
}

static void for_each_kind(void (*fn)(const struct link_kind *kind))
{
	for (size_t i = 0; i < n_plugins; i++)
		for (size_t k = 0; plugins[i]->kinds && plugins[i]->kinds[k]; k++) {
			print_message("%s: [%s]\n", plugins[i]->name, plugins[i]->kinds[k]->section);
			fn(plugins[i]->kinds[k]);
		}
}

static void documents(const struct link_kind *kind)
{
	for (const struct conf_key *key = kind->keys; key && key->name; key++)
		if (!key->doc || !*key->doc || key->doc[strlen(key->doc) - 1] == '.')
			fail_msg("%s: expected half a sentence about it, without a final stop", key->name);
}

/* The table says how wide a field is; a config that says otherwise would be written across. */
static void keeps_apart(const struct link_kind *kind)
{
	for (const struct conf_key *a = kind->keys; a && a->name; a++)
		for (const struct conf_key *b = a + 1; b->name; b++)
			if (a->offset < b->offset + field_size(b) && b->offset < a->offset + field_size(a))
				fail_msg("the fields of %s and %s overlap", a->name, b->name);
}

static void test_fields(void **state)
{
	(void)state;
	for_each_kind(keeps_apart);
}

static void test_documented(void **state)
{
	(void)state;
	for_each_kind(documents);
}

/* Some text that the key takes; NULL: none of what can be guessed. */
static const char *guess(const struct conf_key *key, unsigned choice)
{
	static const char *const words[] = {"yes",	   "no",	 "1",	     "2",
					    "10",	   "4000",	 "10.0.0.1", "fd00::1",
					    "10.0.0.1/24", "fd00::1/64", "eth0",     "02:00:00:00:00:01",
					    "5-9",	   "word"};
	struct netnsd_prefix space[64] = {{.length = 0}}; /* room for any field, aligned */
	struct conf_key moved = *key;

	if (key->type == NETNSD_KEY_ENUM)
		return choice == 0 ? key->names[0].name : choice == 1 ? key->names[1].name : NULL;
	moved.offset = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int r = key_parse(&moved, space, words[i], NULL);

		if (r == 0)
			(void)key_parse(&moved, space, "", NULL); /* frees it */
		if (r == 0 && choice-- == 0)
			return words[i];
	}
	return NULL;
}

/* Each key alone: set, printed and set again it is equal; sent and reported it is the same. */
static void survives(const struct link_kind *kind, const struct conf_key *key, const char *value)
{
	struct sample *a = sample_new(kind), *b = sample_new(kind);
	struct netnsd_error err = {""};
	struct strbuf text = {0};

	sample_set(a, key->name, value);
	key_print(key, a->config, &text);
	assert_false(text.failed);
	sample_set(b, key->name, text.data);
	if (!key_equal(key, a->config, b->config))
		fail_msg("%s: '%s' is printed as '%s'", key->name, value, text.data);
	strbuf_free(&text);
	if (!kind->verify || kind->verify(&a->link, &err) == 0)
		sample_is_stable(a);
	else if (!err.text[0])
		fail_msg("%s=%s: refused without a reason", key->name, value);
	if (key->wire != NETNSD_WIRE_NONE)
		sample_compares_nothing(a, key->flags & NETNSD_KEY_FIXED ? VERDICT_RECREATE : VERDICT_CHANGE);
	sample_free(a);
	sample_free(b);
}

static void sets_keys(const struct link_kind *kind)
{
	for (const struct conf_key *key = kind->keys; key && key->name; key++) {
		const char *value = guess(key, 0);

		if (!value)
			print_message("%s: no value known to try\n", key->name);
		for (unsigned i = 1; value; i++) {
			survives(kind, key, value);
			value = guess(key, i);
		}
	}
}

static void test_keys(void **state)
{
	(void)state;
	for_each_kind(sets_keys);
}

static void set_all(struct sample *s, unsigned choice)
{
	for (const struct conf_key *key = s->kind->keys; key && key->name; key++) {
		const char *value = guess(key, choice);

		if (value)
			sample_set(s, key->name, value);
	}
}

/* A message that is full is an error of one kind, wherever it is noticed. */
static void fills_up(const struct link_kind *kind)
{
	struct netnsd_peer peer = {.ifname = "peer0", .netns_fd = 3, .group = 1, .mtu = 1500};
	struct sample *s = sample_new(kind);

	set_all(s, 0);
	s->link.peer = kind->flags & NETNSD_KIND_PAIR ? &peer : NULL;
	s->link.parent_ifindex = kind->flags & NETNSD_KIND_PARENT_IN_DATA ? 2 : 0;
	for (size_t size = NLMSG_HDRLEN; kind->fill && size < 1024; size += 4) {
		struct nl_msg *msg = nlmsg_alloc_size(size);
		int r;

		assert_non_null(msg);
		r = kind->fill(&s->link, false, msg);
		if (r != 0 && r != -EMSGSIZE)
			fail_msg("%zu bytes: expected 0 or -EMSGSIZE, got %d", size, r);
		if (size > 1000)
			assert_int_equal(r, 0);
		nlmsg_free(msg);
	}
	sample_free(s);
}

static void test_full(void **state)
{
	(void)state;
	for_each_kind(fills_up);
}

/* What a kernel, or a fuzzer, may say: attributes of any length and content. */
static void takes_noise(const struct link_kind *kind)
{
	struct sample *s = sample_new(kind);
	uint32_t seed = 1;

	set_all(s, 1);
	s->link.parent_ifindex = 2;
	for (unsigned round = 0; round < 2000; round++) {
		struct nl_msg *msg = data_begin();
		struct netnsd_error err = {""};
		struct data d;
		enum verdict v;

		for (unsigned type = 1; type < 64; type++) {
			uint8_t noise[20];
			int length = (int)((seed = seed * 1664525 + 1013904223) >> 24) % 21;

			for (int i = 0; i < length; i++)
				noise[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
			if (seed >> 31)
				assert_int_equal(nla_put(msg, (int)type, length, noise), 0);
		}
		d = data_end(msg);
		v = kind->compare ? kind->compare(&s->link, d.nest, &err) : VERDICT_SAME;
		assert_true(v == VERDICT_SAME || v == VERDICT_CHANGE || v == VERDICT_RECREATE);
		if (v != VERDICT_SAME && !err.text[0])
			fail_msg("differs without a reason");
		data_free(&d);
	}
	sample_free(s);
}

static void test_noise(void **state)
{
	(void)state;
	for_each_kind(takes_noise);
}

static void refuses_nonsense(const struct address_source *source)
{
	static const char *const values[] = {
		"", " ", "x", "/", "1/2/3", "::::", "10.0.0.1/-1", "[10.0.0.1]/24", "\xff\xfe"};
	char longest[5000];

	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(values) / sizeof(values[0]); i++) {
		const char *value = i < sizeof(values) / sizeof(values[0]) ? values[i] : longest;
		struct netnsd_prefix p = {.length = 99};
		struct netnsd_error err;
		size_t n;

		memset(&err, 'x', sizeof(err));
		err.text[0] = '\0';
		assert_int_equal(source->parse(value, &p, &err), -EINVAL);
		assert_int_equal(p.length, 99);
		n = strnlen(err.text, sizeof(err.text));
		if (n == 0 || n == sizeof(err.text) || err.text[n - 1] == '.')
			fail_msg("'%.20s': expected a sentence without a final stop", value);
	}
	if (source->assign) {
		struct netnsd_error err = {""};

		assert_int_equal(source->assign(NULL, 0, NULL, 0, &err), 0);
	}
}

static void test_sources(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_plugins; i++)
		for (size_t k = 0; plugins[i]->address_sources && plugins[i]->address_sources[k]; k++) {
			print_message("%s: %s=\n", plugins[i]->name, plugins[i]->address_sources[k]->key);
			refuses_nonsense(plugins[i]->address_sources[k]);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),   cmocka_unit_test(test_register),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_documented),
		cmocka_unit_test(test_keys),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_noise),  cmocka_unit_test(test_sources),
	};

	if (argc > 1)
		setenv("NETNSD_PLUGIN_PATH", argv[1], 1);
	return cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
}
