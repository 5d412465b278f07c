/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lib_plugin.h. Everything here fails the running test by itself. */
#include "lib_plugin.h"

#include "key.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *plugin_directory(void)
{
	const char *d = getenv("NETNSD_PLUGIN_PATH");

	if (!d || !*d)
		fail_msg("NETNSD_PLUGIN_PATH does not say where the plugins are");
	return d;
}

/* Never closed: what is returned lives as long as the program. */
const struct netnsd_plugin *plugin_open(const char *name)
{
	const struct netnsd_plugin *p;
	char path[PATH_MAX];
	void *handle;

	snprintf(path, sizeof(path), "%s/%s.so", plugin_directory(), name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fail_msg("%s", dlerror());
	p = dlsym(handle, "netnsd_plugin");
	assert_non_null(p);
	assert_int_equal(p->api, NETNSD_PLUGIN_API);
	assert_string_equal(p->name, name);
	return p;
}

const struct link_kind *plugin_kind(const char *name)
{
	const struct netnsd_plugin *p = plugin_open(name);

	assert_non_null(p->kinds);
	assert_non_null(p->kinds[0]);
	assert_null(p->kinds[1]);
	return p->kinds[0];
}

const struct address_source *plugin_source(const char *name)
{
	const struct netnsd_plugin *p = plugin_open(name);

	assert_non_null(p->address_sources);
	assert_non_null(p->address_sources[0]);
	assert_null(p->address_sources[1]);
	return p->address_sources[0];
}

/* --- a link as declared --- */

struct sample *sample_new(const struct link_kind *kind)
{
	struct sample *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->kind = kind;
	s->config = calloc(1, kind->config_size + 1);
	assert_non_null(s->config);
	s->link = (struct netnsd_link){.ifname = "link0", .config = s->config};
	if (kind->init)
		assert_int_equal(kind->init(s->config), 0);
	return s;
}

void sample_free(struct sample *s)
{
	if (!s)
		return;
	if (s->kind->done)
		s->kind->done(s->config);
	key_table_free(s->kind->keys, s->config);
	free(s->config);
	free(s);
}

static int set(struct sample *s, const char *key, const char *value, struct error *err)
{
	int i = key_find(s->kind->keys, key), r;

	if (i < 0)
		fail_msg("[%s] has no key %s", s->kind->section, key);
	r = key_parse(&s->kind->keys[i], s->config, value, err);
	if (r == 0)
		s->link.set |= UINT64_C(1) << i;
	else if (r == 1)
		s->link.set &= ~(UINT64_C(1) << i);
	return r;
}

void sample_set(struct sample *s, const char *key, const char *value)
{
	struct error err = {.code = 0};

	if (set(s, key, value, &err) < 0)
		fail_msg("%s=%s: %s", key, value, err.text);
}

void sample_refuses(struct sample *s, const char *key, const char *value, const char *part)
{
	struct error err = {.code = 0};
	int r = set(s, key, value, &err);

	if (r != -EINVAL)
		fail_msg("%s=%s: expected a refusal, got %d", key, value, r);
	if (!strstr(err.text, part))
		fail_msg("%s=%s: expected '%s' in '%s'", key, value, part, err.text);
}

void sample_verifies(struct sample *s)
{
	struct netnsd_error err = {""};

	if (s->kind->verify && s->kind->verify(&s->link, &err) != 0)
		fail_msg("refused: %s", err.text);
}

void sample_verify_refuses(struct sample *s, const char *part)
{
	struct netnsd_error err = {""};

	assert_non_null(s->kind->verify);
	assert_int_equal(s->kind->verify(&s->link, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("expected '%s' in '%s'", part, err.text);
}

/* --- messages --- */

struct nl_msg *data_begin(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(msg);
	assert_non_null(nla_nest_start(msg, IFLA_INFO_DATA));
	return msg;
}

struct data data_end(struct nl_msg *msg)
{
	struct nlattr *nest = nlmsg_data(nlmsg_hdr(msg));

	/* Not nla_nest_end(): it takes an empty nest away. */
	nest->nla_len = (uint16_t)nlmsg_datalen(nlmsg_hdr(msg));
	return (struct data){.msg = msg, .nest = nest};
}

static uint64_t without_fixed(const struct sample *s)
{
	uint64_t set = s->link.set;

	for (unsigned i = 0; s->kind->keys && s->kind->keys[i].name; i++)
		if (s->kind->keys[i].flags & NETNSD_KEY_FIXED)
			set &= ~(UINT64_C(1) << i);
	return set;
}

struct data sample_data(const struct sample *s, bool change)
{
	struct nl_msg *msg = data_begin();

	assert_int_equal(
		key_table_put(s->kind->keys, s->config, change ? without_fixed(s) : s->link.set, msg), 0);
	if (s->kind->fill)
		assert_int_equal(s->kind->fill(&s->link, change, msg), 0);
	return data_end(msg);
}

void data_free(struct data *d)
{
	nlmsg_free(d->msg);
	*d = (struct data){.msg = NULL};
}

const struct nlattr *data_find(const struct data *d, int type)
{
	return nla_find(nla_data(d->nest), nla_len(d->nest), type);
}

unsigned data_count(const struct data *d)
{
	struct nlattr *a;
	unsigned n = 0;
	int rest;

	nla_for_each_nested(a, d->nest, rest) n++;
	return n;
}

void data_has_bytes(const struct data *d, int type, const void *bytes, size_t length)
{
	const struct nlattr *a = data_find(d, type);

	if (!a)
		fail_msg("attribute %d is not in the message", type);
	assert_int_equal(nla_len(a), length);
	assert_memory_equal(nla_data(a), bytes, length);
}

void data_has_u8(const struct data *d, int type, uint8_t value)
{
	data_has_bytes(d, type, &value, sizeof(value));
}

void data_has_u16(const struct data *d, int type, uint16_t value)
{
	data_has_bytes(d, type, &value, sizeof(value));
}

void data_has_u32(const struct data *d, int type, uint32_t value)
{
	data_has_bytes(d, type, &value, sizeof(value));
}

/* --- verdicts --- */

static void compares(const struct sample *s, const struct nlattr *nest, enum verdict expected,
		     const char *part)
{
	struct error reason = {.code = 0};
	struct netnsd_error text = {""};
	enum verdict v = key_table_compare(s->kind->keys, s->config, s->link.set, nest, &reason);
	enum verdict own = s->kind->compare ? s->kind->compare(&s->link, nest, &text) : VERDICT_SAME;
	const char *why = own > v ? text.text : reason.text;

	v = own > v ? own : v;
	if (v != expected)
		fail_msg("expected verdict %d, got %d (%s)", expected, v, why);
	if (v != VERDICT_SAME && !*why)
		fail_msg("verdict %d without a reason", v);
	if (part && !strstr(why, part))
		fail_msg("expected '%s' in '%s'", part, why);
}

void sample_compares(const struct sample *s, struct data d, enum verdict expected, const char *part)
{
	compares(s, d.nest, expected, part);
	data_free(&d);
}

void sample_compares_nothing(const struct sample *s, enum verdict expected)
{
	compares(s, NULL, expected, NULL);
}

void sample_is_stable(const struct sample *s)
{
	sample_compares(s, sample_data(s, false), VERDICT_SAME, NULL);
}
