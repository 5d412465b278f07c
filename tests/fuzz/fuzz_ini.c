/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes through the reader of systemd.syntax(7). What it reports must be clean text with line
 * numbers that rise, and, written down again, be read as the same: that is how the last good
 * configuration of an object is kept. */
#include "ini.h"
#include "require.h"
#include "str.h"

#include <stdint.h>
#include <string.h>

struct events {
	struct strbuf text; /* the file, written down again */
	unsigned line, errors;
	bool in_section;
};

static void check_text(struct events *e, const char *text, unsigned line)
{
	REQUIRE(text_is_clean(text, strlen(text)));
	REQUIRE(strlen(text) <= INI_LINE_MAX);
	REQUIRE(line > e->line);
	e->line = line;
}

static void check_trimmed(const char *text)
{
	size_t length = strlen(text);

	REQUIRE(length == 0 || (text[0] != ' ' && text[0] != '\t'));
	REQUIRE(length == 0 || (text[length - 1] != ' ' && text[length - 1] != '\t'));
}

static void on_section(const char *section, const char *title, unsigned line, void *data)
{
	struct events *e = data;

	check_text(e, section, line);
	check_trimmed(section);
	REQUIRE(section[0] && !strpbrk(section, " \t[]"));
	if (title) {
		check_trimmed(title);
		REQUIRE(title[0] && !strpbrk(title, "[]"));
	}
	e->in_section = true;
	strbuf_printf(&e->text, "[%s%s%s]\n", section, title ? " " : "", title ? title : "");
}

static void on_assign(const char *key, const char *value, unsigned line, void *data)
{
	struct events *e = data;
	size_t length = strlen(value), n = 0;

	check_text(e, value, line);
	check_trimmed(key);
	check_trimmed(value);
	REQUIRE(e->in_section && key[0] && !strchr(key, '='));
	/* "x\" with blanks behind it: would continue when written without them. No key takes it. */
	while (n < length && value[length - 1 - n] == '\\')
		n++;
	strbuf_printf(&e->text, "%s=%s%s\n", key, value, n > 0 ? "." : "");
}

static void on_error(unsigned line, const char *message, void *data)
{
	struct events *e = data;

	check_text(e, message, line);
	REQUIRE(message[0]);
	e->errors++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ini_callbacks callbacks = {on_section, on_assign, on_error};
	struct events first = {0}, second = {0};

	REQUIRE(ini_parse((const char *)data, size, &callbacks, &first) == 0);
	strbuf_puts(&first.text, "");
	/* "=value" may have become one character too long. */
	REQUIRE(ini_parse(first.text.data, first.text.length, &callbacks, &second) == 0);
	strbuf_puts(&second.text, "");
	if (second.errors == 0)
		REQUIRE(!strcmp(first.text.data, second.text.data));
	else
		REQUIRE(first.text.length > INI_LINE_MAX);
	strbuf_free(&first.text);
	strbuf_free(&second.text);
	return 0;
}
