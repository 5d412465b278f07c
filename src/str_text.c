/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that may come from anywhere: UTF-8, control characters, printable forms. What we print can
 * reach a terminal or a log, so bytes of others never get there as they are. */
#include "str.h"

#include <stdio.h>
#include <string.h>

size_t utf8_decode(const char *text, size_t length, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = length > 0 ? (unsigned char)text[0] : 0;
	size_t n = first < 0x80	  ? 1
		   : first < 0xc0 ? 0
		   : first < 0xe0 ? 2
		   : first < 0xf0 ? 3
		   : first < 0xf8 ? 4
				  : 0;
	uint32_t c;

	if (n == 0 || n > length)
		return 0;
	c = n == 1 ? first : first & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (ret)
		*ret = c;
	return n;
}

static bool char_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

bool text_is_clean(const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t n = utf8_decode(text + i, length - i, &c);

		if (n == 0 || (char_is_control(c) && c != '\t'))
			return false;
		i += n;
	}
	return true;
}

/* Where to cut so that no UTF-8 character is halved. */
static size_t text_cut(const char *text, size_t at)
{
	size_t back = at;

	while (back > 0 && at - back < 4 && ((unsigned char)text[back] & 0xc0) == 0x80)
		back--;
	return ((unsigned char)text[back] & 0xc0) == 0x80 ? at : back;
}

size_t str_vformat(char *buffer, size_t size, const char *format, va_list args)
{
	int wanted = vsnprintf(buffer, size, format, args);
	size_t length;

	if (wanted < 0) /* bad conversion or no memory: the bare format says more than nothing */
		wanted = snprintf(buffer, size, "%s", format);
	length = (size_t)wanted;
	if (length >= size) {
		length = text_cut(buffer, size - 4);
		memcpy(buffer + length, "...", 4);
		length += 3;
	}
	for (size_t i = 0; i < length;) {
		uint32_t c = 0;
		size_t n = utf8_decode(buffer + i, length - i, &c);

		if (n == 0)
			n = 1;
		if (c > 0 && char_is_control(c))
			memset(buffer + i, '?', n);
		i += n;
	}
	return length;
}

size_t str_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = str_vformat(buffer, size, format, args);
	va_end(args);
	return length;
}

char *str_escape(const char *text, size_t length)
{
	static const char from[] = "\a\b\f\n\r\t\v\\", to[] = "abfnrtv\\";
	struct strbuf b = {0};

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *special = c ? strchr(from, c) : NULL;

		if (special)
			strbuf_printf(&b, "\\%c", to[special - from]);
		else if (c >= 0x20 && c < 0x7f)
			strbuf_append(&b, text + i, 1);
		else
			strbuf_printf(&b, "\\x%02x", c);
	}
	return strbuf_finish(&b);
}
