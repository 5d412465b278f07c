/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Booleans, numbers, sizes and time spans, read and printed as systemd does. All arithmetic is in
 * integers: what is printed reads back as the same value. */
#include "parse.h"

#include "str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WHITESPACE " \t\n\r"

static bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
	static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcasecmp(text, yes[i]))
			*ret = true;
		else if (!strcasecmp(text, no[i]))
			*ret = false;
		else
			continue;
		return 0;
	}
	return -EINVAL;
}

static unsigned digit_value(char c)
{
	if (char_is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

int parse_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned base = 10;
	bool overflow = false;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	} else if (text[0] == '0' && text[1]) {
		base = 8;
		text++;
	}
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, base, &value);
		overflow |= __builtin_add_overflow(value, digit, &value);
	}
	if (overflow)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_s64(const char *text, int64_t *ret)
{
	bool negative = text[0] == '-';
	uint64_t value;
	int r;

	r = parse_u64(text + (text[0] == '-' || text[0] == '+'), &value);
	if (r < 0)
		return r;
	if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

/* Reads "12", "12.5" or ".5" (the whole part, and where the digits after the point are). Returns
 * behind it, or NULL. Past 64 bits `*overflow` is set and reading goes on, so that the unit is
 * still checked. */
static const char *scan_decimal(const char *p, uint64_t *ret_whole, const char **ret_fraction,
				size_t *ret_n_fraction, bool *overflow)
{
	const char *start = p;

	*ret_whole = 0;
	*ret_n_fraction = 0;
	for (; char_is_digit(*p); p++) {
		*overflow |= __builtin_mul_overflow(*ret_whole, 10, ret_whole);
		*overflow |= __builtin_add_overflow(*ret_whole, (unsigned)(*p - '0'), ret_whole);
	}
	if (*p != '.')
		return p > start ? p : NULL;
	*ret_fraction = ++p;
	while (char_is_digit(*p))
		p++;
	*ret_n_fraction = (size_t)(p - *ret_fraction);
	return *ret_n_fraction > 0 ? p : NULL;
}

/* sum += (whole + 0.fraction) * factor, the fraction of a unit cut off. Going through the digits
 * from the last to the first and cutting each time gives the exact quotient. factor < 2^60.6. */
static bool add_decimal(uint64_t *sum, uint64_t whole, const char *fraction, size_t n_fraction,
			uint64_t factor)
{
	uint64_t part = 0, product;

	for (size_t i = n_fraction; i > 0; i--)
		part = ((uint64_t)(fraction[i - 1] - '0') * factor + part) / 10;
	return !__builtin_mul_overflow(whole, factor, &product) &&
	       !__builtin_add_overflow(product, part, &product) &&
	       !__builtin_add_overflow(*sum, product, sum);
}

int parse_size(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "EPTGMKB"; /* in this order when there is more than one: "1G 512M" */
	const char *p = text + strspn(text, WHITESPACE), *fraction = NULL;
	bool overflow = false;
	uint64_t sum = 0;
	size_t at = 0;

	do {
		size_t n_fraction, unit = sizeof(suffixes) - 1;
		const char *suffix;
		uint64_t whole;

		p = scan_decimal(p, &whole, &fraction, &n_fraction, &overflow);
		if (!p || at > sizeof(suffixes) - 1)
			return -EINVAL;
		p += strspn(p, WHITESPACE);
		suffix = *p ? strchr(suffixes, *p) : NULL;
		if (suffix) {
			unit = (size_t)(suffix - suffixes);
			p++;
		}
		if (unit < at)
			return -EINVAL;
		at = unit + 1;
		overflow |= !add_decimal(&sum, whole, fraction, n_fraction,
					 unit >= 6 ? 1 : 1ULL << (10 * (6 - unit)));
		p += strspn(p, WHITESPACE);
	} while (*p);
	if (overflow)
		return -ERANGE;
	*ret = sum;
	return 0;
}

#define USEC_PER_MSEC  1000ULL
#define USEC_PER_SEC   1000000ULL
#define USEC_PER_MIN   (60 * USEC_PER_SEC)
#define USEC_PER_HOUR  (60 * USEC_PER_MIN)
#define USEC_PER_DAY   (24 * USEC_PER_HOUR)
#define USEC_PER_WEEK  (7 * USEC_PER_DAY)
#define USEC_PER_MONTH (2629800 * USEC_PER_SEC)
#define USEC_PER_YEAR  (31557600 * USEC_PER_SEC)

/* systemd.time(7). M is month, m is minute. */
static const struct {
	const char *name;
	uint64_t usec;
} time_units[] = {
	{"usec", 1},
	{"us", 1},
	{"\xc2\xb5s", 1}, /* micro sign */
	{"\xce\xbcs", 1}, /* Greek mu */
	{"msec", USEC_PER_MSEC},
	{"ms", USEC_PER_MSEC},
	{"seconds", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"s", USEC_PER_SEC},
	{"minutes", USEC_PER_MIN},
	{"minute", USEC_PER_MIN},
	{"min", USEC_PER_MIN},
	{"m", USEC_PER_MIN},
	{"hours", USEC_PER_HOUR},
	{"hour", USEC_PER_HOUR},
	{"hr", USEC_PER_HOUR},
	{"h", USEC_PER_HOUR},
	{"days", USEC_PER_DAY},
	{"day", USEC_PER_DAY},
	{"d", USEC_PER_DAY},
	{"weeks", USEC_PER_WEEK},
	{"week", USEC_PER_WEEK},
	{"w", USEC_PER_WEEK},
	{"months", USEC_PER_MONTH},
	{"month", USEC_PER_MONTH},
	{"M", USEC_PER_MONTH},
	{"years", USEC_PER_YEAR},
	{"year", USEC_PER_YEAR},
	{"y", USEC_PER_YEAR},
};

/* The unit is what stands before the next number, blank or end. No unit: seconds. 0: unknown. */
static uint64_t scan_unit(const char **p)
{
	size_t length = strcspn(*p, WHITESPACE "0123456789.");

	if (length == 0)
		return USEC_PER_SEC;
	for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++)
		if (strlen(time_units[i].name) == length && !memcmp(*p, time_units[i].name, length)) {
			*p += length;
			return time_units[i].usec;
		}
	return 0;
}

int parse_usec(const char *text, uint64_t *ret)
{
	const char *p = text + strspn(text, WHITESPACE), *fraction = NULL;
	bool overflow = false;
	uint64_t sum = 0;

	if (str_starts_with(p, "infinity") && !p[8 + strspn(p + 8, WHITESPACE)]) {
		*ret = USEC_INFINITY;
		return 0;
	}
	do {
		size_t n_fraction;
		const char *behind;
		uint64_t whole, unit;

		p = behind = scan_decimal(p, &whole, &fraction, &n_fraction, &overflow);
		if (!p)
			return -EINVAL;
		p += strspn(p, WHITESPACE);
		unit = scan_unit(&p);
		if (unit == 0 || (p == behind && *p)) /* "12.34.56" is nothing, "12.34 .56" is */
			return -EINVAL;
		overflow |= !add_decimal(&sum, whole, fraction, n_fraction, unit);
		p += strspn(p, WHITESPACE);
	} while (*p);
	if (overflow || sum == USEC_INFINITY)
		return -ERANGE;
	*ret = sum;
	return 0;
}

char *format_usec(uint64_t usec, char *ret)
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {
		{"y", USEC_PER_YEAR}, {"month", USEC_PER_MONTH}, {"w", USEC_PER_WEEK},
		{"d", USEC_PER_DAY},  {"h", USEC_PER_HOUR},	 {"min", USEC_PER_MIN},
		{"s", USEC_PER_SEC},  {"ms", USEC_PER_MSEC},	 {"us", 1},
	};
	size_t n = 0;

	if (usec == USEC_INFINITY || usec == 0) {
		(void)snprintf(ret, FORMAT_MAX, "%s", usec ? "infinity" : "0");
		return ret;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && usec > 0; i++) {
		if (usec < units[i].usec)
			continue;
		n += (size_t)snprintf(ret + n, FORMAT_MAX - n, "%s%" PRIu64 "%s", n > 0 ? " " : "",
				      usec / units[i].usec, units[i].name);
		usec %= units[i].usec;
	}
	return ret;
}

char *format_size(uint64_t bytes, char *ret)
{
	static const char suffixes[] = "KMGTPE";
	size_t i = 0;

	while (bytes > 0 && bytes % 1024 == 0 && suffixes[i]) {
		bytes /= 1024;
		i++;
	}
	(void)snprintf(ret, FORMAT_MAX, "%" PRIu64 "%.1s", bytes, i > 0 ? suffixes + i - 1 : "");
	return ret;
}
