/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: what may be one, how a long one becomes an interface name, which one was meant. */
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST_WORD_MAX       64
#define NEAREST_CANDIDATES_MAX 200

/* By hand: isalnum() and tolower() follow the locale. */
static bool char_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static char char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool netns_name_is_valid(const char *name)
{
	size_t n = 0;

	if (name[0] == '.' || name[0] == '-')
		return false;
	for (; name[n]; n++)
		if (n >= 200 || (!char_is_alnum(name[n]) && !strchr("-_.:+@", name[n])))
			return false;
	return n > 0;
}

static int hex_digit(char c)
{
	c = char_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int unit_instance_unescape(const char *instance, char **ret)
{
	char *name = malloc(strlen(instance) + 1), *to = name;
	const char *from = instance;

	if (!name)
		return -ENOMEM;
	while (*from) {
		int high = 0, low = 0;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (from[1] != 'x' || (high = hex_digit(from[2])) < 0 || (low = hex_digit(from[3])) < 0 ||
		    (high == 0 && low == 0)) {
			free(name);
			return -EINVAL;
		}
		*to++ = (char)(high << 4 | low);
		from += 4;
	}
	*to = '\0';
	*ret = name;
	return 0;
}

/* 0xa0: the kernel's isspace() is that of Latin-1, so it refuses some UTF-8 characters. */
static bool ifname_char_is_valid(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u != 0x7f && u != 0xa0 && c != '/' && c != ':' && c != '%';
}

bool ifname_is_valid(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (n >= IFNAMSIZ - 1 || !ifname_char_is_valid(name[n]))
			return false;
	/* /proc/sys/net/ipv4/conf has these two already, the kernel refuses such a link. */
	if (!strcmp(name, "all") || !strcmp(name, "default"))
		return false;
	return n > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void ifname_shorten(const char *wanted, char ret[IFNAMSIZ])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t hash = str_hash(wanted);
	size_t n = 0;

	hash ^= hash >> 29; /* the last letters of a name reach the low bits least */
	if (ifname_is_valid(wanted)) {
		(void)snprintf(ret, IFNAMSIZ, "%s", wanted);
		return;
	}
	/* 7 characters of the name, '-', 35 bits of hash. */
	for (; n < 7 && wanted[n]; n++)
		ret[n] = wanted[n] > 0 && ifname_char_is_valid(wanted[n]) ? wanted[n] : '_';
	if (n > 0)
		ret[n++] = '-';
	for (size_t i = 0; i < 7; i++, hash >>= 5)
		ret[n++] = digits[hash & 31];
	ret[n] = '\0';
}

uint64_t hash_more(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return hash;
}

uint64_t str_hash(const char *text)
{
	return hash_more(HASH_START, text, strlen(text));
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. Both at most
 * NEAREST_WORD_MAX long. */
static unsigned word_distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][NEAREST_WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++) {
		before[j] = 0;
		above[j] = (unsigned)j;
	}
	for (size_t i = 1; i <= n; i++) {
		unsigned *next = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			char x = char_lower(a[i - 1]), y = char_lower(b[j - 1]);

			row[j] = min3(row[j - 1] + 1, above[j] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == char_lower(b[j - 2]) && char_lower(a[i - 2]) == y &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = next;
	}
	return above[m];
}

const char *str_nearest(const char *word, const char *const *candidates)
{
	size_t length = strnlen(word, NEAREST_WORD_MAX + 1);
	const char *nearest = NULL;
	unsigned limit, best;

	if (length == 0 || length > NEAREST_WORD_MAX || !candidates)
		return NULL;
	limit = length < 6 ? 1 : (unsigned)length / 3;
	best = limit + 1;
	for (size_t i = 0; i < NEAREST_CANDIDATES_MAX && candidates[i]; i++) {
		size_t m = strnlen(candidates[i], NEAREST_WORD_MAX + 1);
		unsigned distance;

		if (m == 0 || m > NEAREST_WORD_MAX)
			continue;
		distance = word_distance(word, length, candidates[i], m);
		/* Where every letter would change, nothing points to that word. */
		if (distance < best && distance < length) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}
