/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the key_*.c files share: where a field is, how wide, what fits in. Not for others; they
 * include key.h. Layer 1; pure. */
#ifndef NETNSD_KEY_FIELD_H
#define NETNSD_KEY_FIELD_H

#include "key.h"

/* Most elements of one STRV or LINES field. */
#define KEY_ELEMENTS_MAX 1024

/* BOOL to ENUM: kept as a number. */
static inline bool key_is_number(const struct conf_key *key)
{
	return key->type <= NETNSD_KEY_ENUM;
}

static inline bool key_is_list(const struct conf_key *key)
{
	return key->type == NETNSD_KEY_STRV || key->type == NETNSD_KEY_LINES;
}

/* A value of any type, for reading one aside before it goes to its field. */
union key_value {
	uint64_t number; /* as field_load() returns it */
	char ifname[IFNAMSIZ];
	struct netnsd_mac mac;
	struct netnsd_ip ip;
	struct netnsd_prefix prefix;
	char *string;
	char **strv;
};

/* Bytes of the field; also of the attribute, for numbers with a wire form. */
size_t field_size(const struct conf_key *key);
/* Numbers: INT is sign-extended to 64 bits, and BOOL is 0 or 1. */
uint64_t field_load(const struct conf_key *key, const void *field);
void field_store(const struct conf_key *key, void *field, uint64_t number);
bool field_equal(const struct conf_key *key, const void *a, const void *b);
void field_print(const struct conf_key *key, const void *field, struct strbuf *out);
void field_free(const struct conf_key *key, void *field);

/* The word of key->names for a number, or NULL. The width decides: -1 in 32 bits is 0xffffffff. */
const char *key_word_of(const struct conf_key *key, uint64_t number);

/* The bounds that hold: the row's, or the width's own. Signed for INT, else unsigned. */
struct key_bounds {
	bool is_signed;
	int64_t min;
	uint64_t max; /* never above INT64_MAX when is_signed */
};
struct key_bounds key_bounds_of(const struct conf_key *key);
/* SEC only: the number that stands for "infinity", when the bounds let it in. */
bool key_has_infinity(const struct conf_key *key, uint64_t *ret);

#endif
