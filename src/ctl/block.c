/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blocks of `netnsctl status` in the width there is: a line that is too long goes on below, a word that
 * is longer than a line is cut in its middle, as systemctl cuts paths. What is printed between block_begin()
 * and block_end() is held back until its lines are known. */
#include "ctl.h"

#include <string.h>
#include <wchar.h>

#define WIDTH_PIPE 80
#define HANG	   4 /* more than an address below its link */

static FILE *real_stdout, *held;
static char *held_text;
static size_t held_length;

void block_begin(const struct ctl *c)
{
	if (c->full || c->json != JSON_MODE_OFF)
		return;
	held = open_memstream(&held_text, &held_length);
	if (!held)
		return; /* then as it comes */
	real_stdout = stdout;
	stdout = held;
}

/* The bytes that belong together at `text`, and the columns they take: a character, or a sequence for
 * colours. */
static size_t next(const char *text, unsigned *ret_columns)
{
	uint32_t c = 0;
	size_t n;
	int columns;

	*ret_columns = 0;
	if (text[0] == '\033' && text[1] == '[') {
		n = 2 + strspn(text + 2, "0123456789;");
		return text[n] ? n + 1 : n;
	}
	n = utf8_decode(text, strlen(text), &c);
	columns = n > 1 ? wcwidth((wchar_t)c) : 1; /* C locale: -1 */
	*ret_columns = columns < 0 ? 1 : (unsigned)columns;
	return n ? n : 1;
}

static unsigned columns_of(const char *text, size_t length)
{
	unsigned sum = 0, columns;

	for (size_t i = 0; i < length; sum += columns)
		i += next(text + i, &columns);
	return sum;
}

/* Its first columns, or, with skip, what comes after so many. */
static void put_columns(const char *text, size_t length, unsigned skip, unsigned limit)
{
	unsigned at = 0, columns;

	for (size_t i = 0, n; i < length; i += n, at += columns) {
		n = next(text + i, &columns);
		/* Colours are always told: what begins one may be cut away, what ends it must not be. */
		if (columns == 0 || (at >= skip && at + columns <= limit))
			(void)fwrite(text + i, 1, n, stdout);
	}
}

/* In the place of what is cut, and how many columns it takes. */
static const char *ellipsis(const struct ctl *c, unsigned *ret_columns)
{
	*ret_columns = c->utf8 ? 1 : 3;
	return c->utf8 ? "\342\200\246" : "...";
}

static void put_word(const struct ctl *c, const char *word, size_t length, unsigned room)
{
	const unsigned total = columns_of(word, length);
	unsigned mark;
	const char *dots = ellipsis(c, &mark);
	unsigned head;

	if (total <= room || room < mark + 2) {
		(void)fwrite(word, 1, length, stdout);
		return;
	}
	head = (room - mark) / 2;
	put_columns(word, length, 0, head);
	(void)fputs(dots, stdout);
	put_columns(word, length, total - (room - mark - head), total);
}

/* Where the content begins: behind a label, or behind the dot. */
static unsigned content_at(const char *line, size_t length)
{
	size_t n = line[0] == ' ' ? STATUS_LABEL_WIDTH + 2 : 0;

	while (n < length && line[n] == ' ')
		n++;
	return n < length ? (unsigned)n : 0;
}

static void put_line(const struct ctl *c, const char *line, size_t length, unsigned width)
{
	unsigned at = content_at(line, length), indent = at + HANG, column = at;
	size_t n, gap;

	if (columns_of(line, length) <= width || indent + 20 > width) {
		(void)fwrite(line, 1, length, stdout);
		return;
	}
	(void)fwrite(line, 1, at, stdout);
	for (size_t i = at; i < length; i += n + gap) {
		const bool first = column == at && i == at;
		unsigned columns;

		for (n = 0; i + n < length && line[i + n] != ' '; n++)
			;
		for (gap = 0; i + n + gap < length && line[i + n + gap] == ' '; gap++)
			;
		columns = columns_of(line + i, n);
		if (!first && column + 1 + columns > width) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		put_word(c, line + i, n, width - column);
		column += columns;
	}
}

static unsigned block_width(const struct ctl *c)
{
	return c->terminal || getenv("COLUMNS") ? terminal_width() : WIDTH_PIPE;
}

static void put_cut(const struct ctl *c, const char *line, size_t length, unsigned width)
{
	unsigned mark;
	const char *dots = ellipsis(c, &mark);

	if (columns_of(line, length) <= width) {
		(void)fwrite(line, 1, length, stdout);
		return;
	}
	put_columns(line, length, 0, width - mark);
	(void)fputs(dots, stdout);
}

static void finish(const struct ctl *c,
		   void (*put)(const struct ctl *c, const char *line, size_t length, unsigned width))
{
	const unsigned width = block_width(c);
	const char *line, *end;

	if (!held)
		return;
	stdout = real_stdout;
	(void)fclose(held); /* the text is there from now on */
	held = NULL;
	for (line = held_text; line && *line; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		put(c, line, (size_t)(end - line), width);
		if (*end)
			putchar('\n');
	}
	free(held_text);
	held_text = NULL;
}

void block_end(const struct ctl *c)
{
	finish(c, put_line);
}

void block_end_cut(const struct ctl *c)
{
	finish(c, put_cut);
}
