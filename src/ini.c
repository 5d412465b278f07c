/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of systemd.syntax(7): physical lines to logical lines to sections and assignments.
 * Where the manual is silent it does as systemd's config_parse(): comment lines inside a
 * continuation are skipped, "\\" at the end of a line is no continuation, the last line of a file
 * may end in a backslash. Stricter in one thing: what is no text is refused, not warned about. */
#include "ini.h"

#include "str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define WHITESPACE " \t"

struct ini {
	const struct ini_callbacks *callbacks;
	void *data;
	struct strbuf line; /* the logical line so far */
	unsigned start;	    /* where it began; 0: none is open */
	bool too_long;	    /* reported; the rest of it is skipped */
	/* A header came, good or bad. Keys behind a bad one are nobody's: silence, its header is
	 * the error. */
	bool in_section, section_good;
};

static void ini_error(const struct ini *ini, const char *message)
{
	ini->callbacks->error(ini->start, message, ini->data);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* In place; returns the first character that is not blank. */
static char *strip(char *text)
{
	size_t length;

	text += strspn(text, WHITESPACE);
	length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

static const char *section_check(const char *line, const char *close)
{
	if (!close)
		return "a section header must end with ']'";
	if (close[1])
		return "nothing may follow the ']' of a section header";
	if (strchr(line + 1, '[') || strchr(line, ']') != close)
		return "a section header has one '[' and one ']', at its ends";
	if (line + 1 + strspn(line + 1, WHITESPACE) == close)
		return "a section header needs a name, such as [Namespace]";
	return NULL;
}

static void ini_section(struct ini *ini, char *line)
{
	char *close = strrchr(line, ']'), *title;
	const char *wrong = section_check(line, close);

	ini->in_section = true;
	ini->section_good = !wrong;
	if (wrong) {
		ini_error(ini, wrong);
		return;
	}
	*close = '\0';
	line = strip(line + 1);
	title = line + strcspn(line, WHITESPACE);
	if (*title)
		*title++ = '\0';
	title += strspn(title, WHITESPACE);
	ini->callbacks->section(line, *title ? title : NULL, ini->start, ini->data);
}

static void ini_assign(struct ini *ini, char *line)
{
	char *equals = strchr(line, '=');

	if (!equals)
		ini_error(ini, "expected KEY=VALUE, a [Section], or a comment that begins with '#' or ';'");
	else if (equals == line)
		ini_error(ini, "there is no key before '='");
	else if (!ini->in_section)
		ini_error(ini, "an assignment must stand below a section header, such as [Namespace]");
	else if (ini->section_good) {
		*equals = '\0';
		ini->callbacks->assign(strip(line), strip(equals + 1), ini->start, ini->data);
	}
}

static void ini_logical_line(struct ini *ini)
{
	char *line = ini->line.data;
	size_t length = ini->line.length;

	if (ini->too_long || length == 0)
		return;
	if (memchr(line, '\0', length)) {
		ini_error(ini, "the line contains a NUL byte: this is no text file");
		return;
	}
	if (!text_is_clean(line, length)) {
		ini_error(ini, "the line contains control characters or bytes that are not UTF-8");
		return;
	}
	line = strip(line);
	if (*line == '[')
		ini_section(ini, line);
	else if (*line)
		ini_assign(ini, line);
}

static void ini_close_line(struct ini *ini)
{
	if (ini->start > 0)
		ini_logical_line(ini);
	ini->line.length = 0;
	ini->start = 0;
	ini->too_long = false;
}

/* Whether the line ends in a backslash that is not itself escaped. */
static bool is_continued(const char *text, size_t length)
{
	bool escaped = false;

	for (size_t i = 0; i < length; i++)
		escaped = !escaped && text[i] == '\\';
	return escaped;
}

/* One physical line, without its line end. */
static void ini_physical_line(struct ini *ini, const char *text, size_t length, unsigned number)
{
	bool continued;

	while (length > 0 && is_blank(*text)) {
		text++;
		length--;
	}
	if (length > 0 && (*text == '#' || *text == ';'))
		return; /* inside a continuation too */
	if (ini->start == 0)
		ini->start = number;
	if (!ini->too_long && ini->line.length + length > INI_LINE_MAX) {
		ini_error(ini, "the line is longer than 65536 bytes");
		ini->too_long = true;
	}
	if (ini->too_long) {
		if (!is_continued(text, length))
			ini_close_line(ini);
		return;
	}
	strbuf_append(&ini->line, text, length);
	continued = !ini->line.failed && is_continued(text, length);
	if (continued)
		ini->line.data[ini->line.length - 1] = ' ';
	else if (!ini->line.failed)
		ini_close_line(ini);
}

int ini_parse(const char *text, size_t length, const struct ini_callbacks *callbacks, void *data)
{
	struct ini ini = {.callbacks = callbacks, .data = data};
	unsigned number = 0;
	int r;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		length -= 3;
	}
	while (length > 0 && !ini.line.failed) {
		const char *end = memchr(text, '\n', length);
		size_t n = end ? (size_t)(end - text) : length;

		ini_physical_line(&ini, text, n > 0 && text[n - 1] == '\r' ? n - 1 : n, ++number);
		n += end != NULL;
		text += n;
		length -= n;
	}
	r = ini.line.failed ? -ENOMEM : 0;
	if (r == 0)
		ini_close_line(&ini); /* the file ended within a continuation */
	strbuf_free(&ini.line);
	return r;
}
