/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the text behind '=' by the row of its key, and says what was expected when it does not
 * fit. The value is read aside first: a field is changed whole or not at all. */
#include "key.h"

#include "cleanup.h"
#include "key_field.h"
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENUM_WORDS_MAX 64

int key_find(const struct conf_key *table, const char *name)
{
	for (int i = 0; table && table[i].name; i++)
		if (!strcmp(table[i].name, name))
			return i;
	return -ENOENT;
}

const struct conf_key *key_table_missing(const struct conf_key *table, uint64_t set)
{
	for (unsigned i = 0; table && table[i].name && i < 64; i++)
		if ((table[i].flags & NETNSD_KEY_REQUIRED) && !(set >> i & 1))
			return &table[i];
	return NULL;
}

void key_table_free(const struct conf_key *table, void *config)
{
	for (; table && table->name; table++)
		field_free(table, (char *)config + table->offset);
}

bool key_equal(const struct conf_key *key, const void *a, const void *b)
{
	return field_equal(key, (const char *)a + key->offset, (const char *)b + key->offset);
}

void key_print(const struct conf_key *key, const void *config, struct strbuf *out)
{
	field_print(key, (const char *)config + key->offset, out);
}

/* "expected WHAT, not "VALUE""; the value shortened, so that the sentence keeps its end. */
static int refuse(struct error *err, const char *value, const char *what)
{
	int cut = strlen(value) > 48 ? 40 : 48;

	return error_set(err, -EINVAL, "expected %s, not \"%.*s%s\"", what, cut, value,
			 cut < 48 ? "..." : "");
}

/* "none or inherit": the words of the table. */
static void words_print(const struct netnsd_enum_name *names, struct strbuf *out)
{
	for (size_t i = 0; names && names[i].name && i < ENUM_WORDS_MAX; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : names[i + 1].name ? ", " : " or ", names[i].name);
}

/* With the word that was probably meant, where there is one. */
static int refuse_word(const struct conf_key *key, const char *value, struct strbuf *what, struct error *err)
{
	const char *words[ENUM_WORDS_MAX + 1] = {0}, *nearest;
	struct error plain;
	int r = what->failed ? -ENOMEM : refuse(err, value, what->data);

	strbuf_free(what);
	for (size_t i = 0; key->names && key->names[i].name && i < ENUM_WORDS_MAX; i++)
		words[i] = key->names[i].name;
	nearest = str_nearest(value, words);
	if (r == -ENOMEM || !nearest || !err)
		return r;
	plain = *err;
	return error_set(err, r, "%s; did you mean %s?", plain.text, nearest);
}

/* `what`, or one of the words that the key takes besides. */
static int refuse_number(const struct conf_key *key, const char *value, const char *what, struct error *err)
{
	struct strbuf text = {0};

	strbuf_puts(&text, what);
	if (key->names) {
		strbuf_puts(&text, ", or ");
		words_print(key->names, &text);
	}
	return refuse_word(key, value, &text, err);
}

/* "a number from 1 to 4094", with the bounds as the type writes them. */
static int refuse_range(const struct conf_key *key, const char *value, const char *noun, struct error *err)
{
	struct key_bounds bounds = key_bounds_of(key);
	struct conf_key bare = *key; /* bounds are numbers, also where a word stands for one */
	struct strbuf text = {0};
	union key_value low = {0}, high = {0};
	int r;

	bare.names = NULL;
	field_store(key, &low, (uint64_t)bounds.min);
	field_store(key, &high, bounds.max);
	strbuf_printf(&text, "%s from ", noun);
	field_print(&bare, &low, &text);
	strbuf_puts(&text, " to ");
	field_print(&bare, &high, &text);
	r = text.failed ? -ENOMEM : refuse_number(key, value, text.data, err);
	strbuf_free(&text);
	return r;
}

static bool in_bounds(const struct conf_key *key, uint64_t number)
{
	struct key_bounds b = key_bounds_of(key);

	if (b.is_signed)
		return (int64_t)number >= b.min && (int64_t)number <= (int64_t)b.max;
	return number >= (uint64_t)b.min && number <= b.max;
}

static int parse_integer(const struct conf_key *key, const char *value, uint64_t *ret, struct error *err)
{
	int64_t number;
	int r;

	if (key->type == NETNSD_KEY_INT) {
		r = parse_s64(value, &number);
		if (r == 0)
			*ret = (uint64_t)number;
	} else {
		r = parse_u64(value, ret);
	}
	if (r < 0 || !in_bounds(key, *ret))
		return refuse_range(key, value, "a number", err);
	return 0;
}

static int parse_bytes(const struct conf_key *key, const char *value, uint64_t *ret, struct error *err)
{
	int r = parse_size(value, ret);

	if (r == -EINVAL)
		return refuse_number(key, value, "a size in bytes such as 4096, 64K or 1.5M", err);
	if (r < 0 || !in_bounds(key, *ret))
		return refuse_range(key, value, "a size", err);
	return 0;
}

static int parse_span(const struct conf_key *key, const char *value, uint64_t *ret, struct error *err)
{
	uint64_t unit = key->type == NETNSD_KEY_SEC ? 1000000 : 10000, usec = 0, infinity;
	int r = parse_usec(value, &usec);

	if (r == -EINVAL)
		return refuse_number(key, value, "a time span such as 30, 90s or 1min 30s", err);
	if (r == 0 && usec == USEC_INFINITY && key_has_infinity(key, &infinity)) {
		*ret = infinity;
		return 0;
	}
	if (r < 0 || usec == USEC_INFINITY || !in_bounds(key, usec / unit))
		return refuse_range(key, value, "a time span", err);
	if (usec % unit != 0)
		return refuse(err, value,
			      unit == 10000 ? "a whole number of 1/100 seconds"
					    : "a whole number of seconds");
	*ret = usec / unit;
	return 0;
}

static bool find_word(const struct conf_key *key, const char *value, uint64_t *ret)
{
	for (const struct netnsd_enum_name *n = key->names; n && n->name; n++)
		if (!strcmp(n->name, value)) {
			*ret = (uint64_t)n->value;
			return true;
		}
	return false;
}

static int parse_number(const struct conf_key *key, const char *value, uint64_t *ret, struct error *err)
{
	struct strbuf words = {0};
	bool flag;

	if (find_word(key, value, ret))
		return 0;
	switch (key->type) {
	case NETNSD_KEY_BOOL:
		if (parse_bool(value, &flag) < 0)
			return refuse(err, value, "yes or no");
		*ret = flag;
		return 0;
	case NETNSD_KEY_SIZE: return parse_bytes(key, value, ret, err);
	case NETNSD_KEY_SEC:
	case NETNSD_KEY_CSEC: return parse_span(key, value, ret, err);
	case NETNSD_KEY_ENUM: words_print(key->names, &words); return refuse_word(key, value, &words, err);
	default: return parse_integer(key, value, ret, err);
	}
}

static int parse_family(const struct conf_key *key, const char *value, const struct netnsd_ip *ip,
			struct error *err)
{
	if ((key->flags & NETNSD_KEY_IPV4_ONLY) && ip->family != 2)
		return refuse(err, value, "an IPv4 address");
	if ((key->flags & NETNSD_KEY_IPV6_ONLY) && ip->family != 10)
		return refuse(err, value, "an IPv6 address");
	return 0;
}

/* An odd backslash at the end would swallow the next line once the value is in a file. */
static int check_text(const char *value, struct error *err)
{
	size_t length = strlen(value), n = 0;

	while (n < length && value[length - 1 - n] == '\\')
		n++;
	if (!text_is_clean(value, length))
		return refuse(err, value, "UTF-8 text without control characters");
	if (n % 2 != 0)
		return refuse(err, value, "text that does not end in a single backslash");
	return 0;
}

static int parse_fixed(const struct conf_key *key, const char *value, union key_value *v, struct error *err)
{
	static const struct netnsd_mac zero;
	int r;

	switch (key->type) {
	case NETNSD_KEY_IFNAME:
		if (!ifname_is_valid(value) || !text_is_clean(value, strlen(value)))
			return refuse(
				err, value,
				"an interface name of 1 to 15 characters without '/', ':', '%' and blanks");
		memcpy(v->ifname, value, strlen(value) + 1);
		return 0;
	case NETNSD_KEY_MAC:
		if (parse_mac(value, &v->mac) < 0)
			return refuse(err, value, "a MAC address such as 02:00:00:00:00:01");
		if ((v->mac.bytes[0] & 1) || !memcmp(&v->mac, &zero, sizeof(zero)))
			return refuse(err, value,
				      "the MAC address of one station (no multicast, not all zero)");
		return 0;
	case NETNSD_KEY_IP:
		if (parse_ip(value, &v->ip) < 0)
			return refuse(err, value, "an IP address such as 10.0.0.1 or fd00::1");
		return parse_family(key, value, &v->ip, err);
	default:
		r = parse_prefix(value, &v->prefix);
		if (r == -ERANGE)
			return refuse(err, value, "a prefix length of at most 32 (IPv4) or 128 (IPv6)");
		if (r < 0)
			return refuse(err, value,
				      "an IP address with prefix length such as 10.0.0.1/24 or fd00::1/64");
		return parse_family(key, value, &v->prefix.ip, err);
	}
}

/* Moves what `more` owns to the end of the field. */
static int list_append(const struct conf_key *key, void *field, char **more, struct error *err)
{
	size_t n, m = strv_length(more);
	char **v, **grown;

	memcpy(&v, field, sizeof(v));
	n = strv_length(v);
	if (n + m > KEY_ELEMENTS_MAX)
		return error_set(err, -EINVAL, "%s has more than %d elements", key->name, KEY_ELEMENTS_MAX);
	grown = realloc(v, (n + m + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memcpy(grown + n, more, m * sizeof(*grown));
	grown[n + m] = NULL;
	memcpy(field, &grown, sizeof(grown));
	return 0;
}

static int parse_list(const struct conf_key *key, void *field, const char *value, struct error *err)
{
	char **more = NULL;
	int r;

	if (key->type == NETNSD_KEY_LINES) {
		r = check_text(value, err);
		if (r == 0)
			r = strv_push(&more, value);
	} else {
		r = parse_words(value, &more);
		if (r == -EINVAL)
			(void)refuse(err, value, "words with balanced quotes and known escapes");
		for (char **w = more; r == 0 && w && *w; w++) {
			size_t length = strlen(*w);

			for (size_t i = 0, c; r == 0 && i < length; i += c) {
				c = utf8_decode(*w + i, length - i, NULL);
				if (c == 0)
					r = refuse(err, value, "words that are UTF-8 text");
			}
		}
	}
	if (r == 0 && more)
		r = list_append(key, field, more, err);
	if (r == 0)
		free(more); /* the strings have moved */
	else
		strv_free(more);
	return r;
}

static int parse_string(void *field, const char *value, struct error *err)
{
	char *old, *copy;
	int r = check_text(value, err);

	if (r < 0)
		return r;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	memcpy(&old, field, sizeof(old));
	free(old);
	memcpy(field, &copy, sizeof(copy));
	return 0;
}

int key_parse(const struct conf_key *key, void *config, const char *value, struct error *err)
{
	void *field = (char *)config + key->offset;
	union key_value v = {0};
	int r;

	if (!*value) {
		field_free(key, field);
		memset(field, 0, field_size(key));
		return 1;
	}
	if (key->type == NETNSD_KEY_STRING) {
		r = parse_string(field, value, err);
	} else if (key_is_list(key)) {
		r = parse_list(key, field, value, err);
	} else if (key_is_number(key)) {
		uint64_t number = 0;

		r = parse_number(key, value, &number, err);
		if (r == 0)
			field_store(key, field, number);
	} else {
		r = parse_fixed(key, value, &v, err);
		if (r == 0)
			memcpy(field, &v, field_size(key));
	}
	return r == -ENOMEM ? error_set(err, r, "out of memory") : r;
}
