/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks a key table before anything is read through it. A plugin may be built by anybody: a wrong
 * offset would write outside the config, a wrong wire form would be the kernel's EINVAL later. */
#include "key.h"

#include "key_field.h"

#include <errno.h>
#include <string.h>

#define KEY_ROWS_MAX  64
#define KEY_NAMES_MAX 256

static bool wire_fits(const struct conf_key *key)
{
	switch (key->type) {
	case NETNSD_KEY_STRING:
	case NETNSD_KEY_IFNAME: return key->wire == NETNSD_WIRE_NONE || key->wire == NETNSD_WIRE_STRING;
	case NETNSD_KEY_MAC:
	case NETNSD_KEY_IP: return key->wire == NETNSD_WIRE_NONE || key->wire == NETNSD_WIRE_BYTES;
	case NETNSD_KEY_PREFIX:
	case NETNSD_KEY_STRV:
	case NETNSD_KEY_LINES: return key->wire == NETNSD_WIRE_NONE;
	default: return key->wire >= NETNSD_WIRE_NONE && key->wire <= NETNSD_WIRE_BE32;
	}
}

static bool name_is_word(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

	return n > 0 && n <= 64 && !name[n];
}

static bool fits_width(const struct conf_key *key, int64_t value)
{
	struct conf_key bare = *key;
	struct key_bounds width;

	bare.min = bare.max = 0;
	width = key_bounds_of(&bare);
	return value >= width.min && (value < 0 || (uint64_t)value <= width.max);
}

static const char *names_wrong(const struct conf_key *key)
{
	size_t n = 0;

	if (key->type == NETNSD_KEY_ENUM && (!key->names || !key->names[0].name))
		return "an enum needs names";
	if (!key->names)
		return NULL;
	if (!key_is_number(key) || key->type == NETNSD_KEY_BOOL)
		return "only numbers have names";
	for (; key->names[n].name; n++) {
		if (n >= KEY_NAMES_MAX)
			return "the table of names has no end";
		if (!key->names[n].name[0])
			return "one of the names is empty";
		if (!fits_width(key, key->names[n].value))
			return "the value of a name does not fit the field";
	}
	return NULL;
}

static const char *row_wrong(const struct conf_key *key, size_t config_size)
{
	const uint16_t families = NETNSD_KEY_IPV4_ONLY | NETNSD_KEY_IPV6_ONLY;

	if (!name_is_word(key->name))
		return "a name is 1 to 64 letters and digits";
	if ((unsigned)key->type > NETNSD_KEY_LINES)
		return "unknown type";
	if (!wire_fits(key))
		return "the wire form does not fit the type";
	if ((key->attr != 0) != (key->wire != NETNSD_WIRE_NONE))
		return "a wire form needs an attribute, and the other way round";
	if (field_size(key) > config_size || key->offset > config_size - field_size(key))
		return "the field lies outside the config";
	if (key->flags & ~(NETNSD_KEY_REQUIRED | NETNSD_KEY_FIXED | families))
		return "unknown flag";
	if ((key->flags & families) == families)
		return "IPV4_ONLY and IPV6_ONLY exclude each other";
	if ((key->flags & families) && key->type != NETNSD_KEY_IP && key->type != NETNSD_KEY_PREFIX)
		return "IPV4_ONLY and IPV6_ONLY are for addresses";
	if (key->min > key->max)
		return "min is greater than max";
	if (key_is_number(key) && (!fits_width(key, key->min) || !fits_width(key, key->max)))
		return "min or max does not fit the field";
	return names_wrong(key);
}

int key_table_verify(const struct conf_key *table, size_t config_size, struct error *err)
{
	for (int i = 0; table && table[i].name; i++) {
		const char *wrong =
			i >= KEY_ROWS_MAX ? "a table has at most 64 rows" : row_wrong(&table[i], config_size);

		if (!wrong && key_find(table, table[i].name) != i)
			wrong = "the name is there twice";
		if (wrong)
			return error_set(err, -EINVAL, "key %.64s (row %d): %s", table[i].name, i + 1, wrong);
	}
	return 0;
}
