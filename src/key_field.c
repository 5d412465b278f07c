/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed fields: load, store, compare, print, free. */
#include "key_field.h"

#include "parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define USEC_PER_SEC  1000000ULL
#define USEC_PER_CSEC 10000ULL

static size_t wire_width(const struct conf_key *key)
{
	switch (key->wire) {
	case NETNSD_WIRE_U8: return 1;
	case NETNSD_WIRE_U16:
	case NETNSD_WIRE_BE16: return 2;
	case NETNSD_WIRE_U64: return 8;
	default: return 4;
	}
}

size_t field_size(const struct conf_key *key)
{
	switch (key->type) {
	case NETNSD_KEY_STRING: return sizeof(char *);
	case NETNSD_KEY_IFNAME: return IFNAMSIZ;
	case NETNSD_KEY_MAC: return sizeof(struct netnsd_mac);
	case NETNSD_KEY_IP: return sizeof(struct netnsd_ip);
	case NETNSD_KEY_PREFIX: return sizeof(struct netnsd_prefix);
	case NETNSD_KEY_STRV:
	case NETNSD_KEY_LINES: return sizeof(char **);
	default: return wire_width(key);
	}
}

/* By memcpy: a plugin's structure may be packed. */
uint64_t field_load(const struct conf_key *key, const void *field)
{
	size_t width = field_size(key);
	uint64_t number = 0;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	switch (width) {
	case 1:
		memcpy(&u8, field, 1);
		number = u8;
		break;
	case 2:
		memcpy(&u16, field, 2);
		number = u16;
		break;
	case 4:
		memcpy(&u32, field, 4);
		number = u32;
		break;
	default: memcpy(&number, field, 8);
	}
	if (key->type == NETNSD_KEY_BOOL)
		return number != 0;
	if (key->type == NETNSD_KEY_INT && width < 8 && number >> (8 * width - 1))
		number |= UINT64_MAX << (8 * width);
	return number;
}

void field_store(const struct conf_key *key, void *field, uint64_t number)
{
	uint8_t u8 = (uint8_t)number;
	uint16_t u16 = (uint16_t)number;
	uint32_t u32 = (uint32_t)number;

	switch (field_size(key)) {
	case 1: memcpy(field, &u8, 1); break;
	case 2: memcpy(field, &u16, 2); break;
	case 4: memcpy(field, &u32, 4); break;
	default: memcpy(field, &number, 8);
	}
}

static void *pointer_load(const void *field)
{
	void *p;

	memcpy(&p, field, sizeof(p));
	return p;
}

bool field_equal(const struct conf_key *key, const void *a, const void *b)
{
	struct netnsd_prefix pa, pb;
	struct netnsd_ip ia, ib;

	switch (key->type) {
	case NETNSD_KEY_STRING: return str_equal(pointer_load(a), pointer_load(b));
	case NETNSD_KEY_IFNAME: return !strncmp(a, b, IFNAMSIZ);
	case NETNSD_KEY_MAC: return !memcmp(a, b, sizeof(struct netnsd_mac));
	case NETNSD_KEY_IP:
		memcpy(&ia, a, sizeof(ia));
		memcpy(&ib, b, sizeof(ib));
		return ip_equal(&ia, &ib);
	case NETNSD_KEY_PREFIX:
		memcpy(&pa, a, sizeof(pa));
		memcpy(&pb, b, sizeof(pb));
		return prefix_equal(&pa, &pb);
	case NETNSD_KEY_STRV:
	case NETNSD_KEY_LINES: return strv_equal(pointer_load(a), pointer_load(b));
	default: return field_load(key, a) == field_load(key, b);
	}
}

const char *key_word_of(const struct conf_key *key, uint64_t number)
{
	uint64_t mask = UINT64_MAX >> (64 - 8 * field_size(key));

	for (const struct netnsd_enum_name *n = key->names; n && n->name; n++)
		if (((uint64_t)n->value & mask) == (number & mask))
			return n->name;
	return NULL;
}

/* Quotes and escapes only where parse_words() would not give the same word back without. */
static void word_print(const char *word, struct strbuf *out)
{
	bool quote = !*word || strpbrk(word, " \"'");

	if (quote)
		strbuf_puts(out, "\"");
	for (size_t length = strlen(word); length > 0;) {
		uint32_t c;
		size_t n = utf8_decode(word, length, &c);

		if (n == 0 || !text_is_clean(word, n) || *word == '\t') {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				strbuf_printf(out, "\\x%02x", (unsigned char)word[i]);
		} else {
			if (*word == '"' || *word == '\\')
				strbuf_puts(out, "\\");
			strbuf_append(out, word, n);
		}
		word += n;
		length -= n;
	}
	if (quote)
		strbuf_puts(out, "\"");
}

static void list_print(const struct conf_key *key, char *const *v, struct strbuf *out)
{
	for (size_t i = 0; v && v[i]; i++) {
		if (i > 0)
			strbuf_puts(out, " ");
		if (key->type == NETNSD_KEY_STRV)
			word_print(v[i], out);
		else
			strbuf_puts(out, v[i]);
	}
}

/* A span the table counts in `usec` microseconds. */
static void span_print(const struct conf_key *key, uint64_t number, uint64_t usec, struct strbuf *out)
{
	char text[FORMAT_MAX];
	uint64_t infinity, span;

	if (key_has_infinity(key, &infinity) && number == infinity)
		strbuf_puts(out, "infinity");
	else if (__builtin_mul_overflow(number, usec, &span) || span == USEC_INFINITY)
		strbuf_printf(out, "%" PRIu64 "s", number); /* only a kernel could say that */
	else
		strbuf_puts(out, format_usec(span, text));
}

static void number_print(const struct conf_key *key, uint64_t number, struct strbuf *out)
{
	const char *word = key_word_of(key, number);
	char text[FORMAT_MAX];

	if (word) {
		strbuf_puts(out, word);
		return;
	}
	switch (key->type) {
	case NETNSD_KEY_BOOL: strbuf_puts(out, number ? "yes" : "no"); return;
	case NETNSD_KEY_INT: strbuf_printf(out, "%" PRId64, (int64_t)number); return;
	case NETNSD_KEY_SIZE: strbuf_puts(out, format_size(number, text)); return;
	case NETNSD_KEY_SEC: span_print(key, number, USEC_PER_SEC, out); return;
	case NETNSD_KEY_CSEC: span_print(key, number, USEC_PER_CSEC, out); return;
	default: strbuf_printf(out, "%" PRIu64, number); /* also an enum of a newer kernel */
	}
}

void field_print(const struct conf_key *key, const void *field, struct strbuf *out)
{
	char text[FORMAT_MAX];
	struct netnsd_prefix prefix;
	struct netnsd_mac mac;
	struct netnsd_ip ip;

	switch (key->type) {
	case NETNSD_KEY_STRING:
		if (pointer_load(field))
			strbuf_puts(out, pointer_load(field));
		return;
	case NETNSD_KEY_IFNAME: strbuf_append(out, field, strnlen(field, IFNAMSIZ)); return;
	case NETNSD_KEY_MAC:
		memcpy(&mac, field, sizeof(mac));
		strbuf_puts(out, format_mac(&mac, text));
		return;
	case NETNSD_KEY_IP:
		memcpy(&ip, field, sizeof(ip));
		strbuf_puts(out, format_ip(&ip, text));
		return;
	case NETNSD_KEY_PREFIX:
		memcpy(&prefix, field, sizeof(prefix));
		strbuf_puts(out, format_prefix(&prefix, text));
		return;
	case NETNSD_KEY_STRV:
	case NETNSD_KEY_LINES: list_print(key, pointer_load(field), out); return;
	default: number_print(key, field_load(key, field), out);
	}
}

void field_free(const struct conf_key *key, void *field)
{
	void *const none = NULL;

	if (key->type == NETNSD_KEY_STRING)
		free(pointer_load(field));
	else if (key_is_list(key))
		strv_free(pointer_load(field));
	else
		return;
	memcpy(field, &none, sizeof(none));
}

struct key_bounds key_bounds_of(const struct conf_key *key)
{
	unsigned bits = (unsigned)field_size(key) * 8;
	struct key_bounds b = {.is_signed = key->type == NETNSD_KEY_INT};

	if (key->min != 0 || key->max != 0) {
		b.min = key->min;
		b.max = (uint64_t)key->max;
	} else if (b.is_signed) {
		b.max = (uint64_t)INT64_MAX >> (64 - bits);
		b.min = -(int64_t)b.max - 1;
	} else {
		b.max = UINT64_MAX >> (64 - bits);
	}
	return b;
}

bool key_has_infinity(const struct conf_key *key, uint64_t *ret)
{
	uint64_t widest = UINT64_MAX >> (64 - field_size(key) * 8);

	if (key->type != NETNSD_KEY_SEC || key_bounds_of(key).max != widest)
		return false;
	*ret = widest;
	return true;
}
