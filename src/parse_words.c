/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splits a value into words as systemd.syntax(7) and systemd.service(5) describe it: what
 * systemd's own reader takes and refuses, so that a line copied from a unit means the same here. */
#include "parse.h"

#include "str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WHITESPACE " \t\n\r"

static int digit_of(char c, unsigned base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : 99;

	return value < (int)base ? value : -1;
}

/* Exactly `n` digits; -EINVAL otherwise. */
static int scan_digits(const char **p, unsigned n, unsigned base, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < n; i++) {
		int digit = digit_of(**p, base);

		if (digit < 0)
			return -EINVAL;
		value = value * base + (uint32_t)digit;
		(*p)++;
	}
	*ret = value;
	return 0;
}

static int append_utf8(struct strbuf *word, uint32_t c)
{
	char bytes[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -EINVAL;
	for (size_t i = n; i > 1; i--, c >>= 6)
		bytes[i - 1] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(n == 1 ? c : (0xf00U >> n & 0xff) | c);
	strbuf_append(word, bytes, n);
	return 0;
}

/* Behind the backslash. A NUL cannot be in a word, whichever way it is written; in bytes it can. */
static int scan_escape(const char **p, bool nul, struct strbuf *word)
{
	static const char from[] = "abfnrtv\\\"'s", to[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *special = **p ? strchr(from, **p) : NULL;
	bool byte = false; /* \x and octal name a byte, \u and \U a character */
	uint32_t c;
	int r;

	if (special) {
		(*p)++;
		strbuf_append(word, to + (special - from), 1);
		return 0;
	}
	if (**p == 'u' || **p == 'U') {
		unsigned digits = *(*p)++ == 'u' ? 4 : 8;

		r = scan_digits(p, digits, 16, &c);
	} else if (**p == 'x') {
		byte = true;
		(*p)++;
		r = scan_digits(p, 2, 16, &c);
	} else {
		byte = true;
		r = scan_digits(p, 3, 8, &c);
	}
	if (r < 0 || (c == 0 && !nul) || (byte && c > 0xff))
		return -EINVAL;
	if (!byte)
		return append_utf8(word, c);
	strbuf_append(word, &(char){(char)c}, 1);
	return 0;
}

/* One word from *p, which stands on its first character; leaves *p behind it. */
static int scan_word(const char **p, struct strbuf *word)
{
	char quote = '\0';
	int r;

	for (;;) {
		char c = **p;

		if (c == '\0')
			return quote ? -EINVAL : 0;
		if (!quote && strchr(WHITESPACE, c))
			return 0;
		(*p)++;
		if (c == '\\') {
			r = scan_escape(p, false, word);
			if (r < 0)
				return r;
		} else if (quote ? c == quote : (c == '"' || c == '\'')) {
			quote = quote ? '\0' : c;
		} else {
			strbuf_append(word, &c, 1);
		}
	}
}

int parse_words(const char *text, char ***words)
{
	const char *p = text + strspn(text, WHITESPACE);
	char **split = NULL, **grown;
	size_t n = 0, had = strv_length(*words);
	int r = 0;

	while (*p && r == 0) {
		struct strbuf word = {0};
		char *done;

		r = scan_word(&p, &word);
		done = strbuf_finish(&word);
		if (r == 0 && !done)
			r = -ENOMEM;
		if (r == 0 && (n & (n + 1)) == 0) { /* room doubles when n + 1 is a power of two */
			grown = realloc(split, (2 * n + 2) * sizeof(*split));
			if (grown)
				split = grown;
			else
				r = -ENOMEM;
		}
		if (r < 0) {
			free(done);
			break;
		}
		split[n++] = done;
		p += strspn(p, WHITESPACE);
	}
	if (r == 0 && n > 0) {
		grown = realloc(*words, (had + n + 1) * sizeof(*grown));
		if (grown) {
			memcpy(grown + had, split, n * sizeof(*split));
			grown[had + n] = NULL;
			*words = grown;
			n = 0;
		} else {
			r = -ENOMEM;
		}
	}
	while (n > 0)
		free(split[--n]);
	free(split);
	return r;
}

int parse_escaped(const char *text, char **ret, size_t *ret_length)
{
	struct strbuf out = {0};
	size_t length;
	char *done;
	int r = 0;

	while (r == 0 && *text) {
		char c = *text++;

		if (c == '\\')
			r = scan_escape(&text, true, &out);
		else
			strbuf_append(&out, &c, 1);
	}
	length = out.length;
	done = strbuf_finish(&out);
	if (r == 0 && !done)
		r = -ENOMEM;
	if (r < 0) {
		free(done);
		return r;
	}
	*ret = done;
	*ret_length = length;
	return 0;
}
