/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables for people, by libsmartcols: as wide as the terminal, without padding at the end of a line. */
#include "ctl.h"

#include <libsmartcols.h>
#include <string.h>

/* Foreign names may have blanks, and the first word of a line is to be the name. */
static int set_name(struct libscols_line *line, const char *name)
{
	struct strbuf b = {0};

	for (; *name; name++) {
		if (*name == ' ')
			strbuf_puts(&b, "\\x20");
		else
			strbuf_append(&b, name, 1);
	}
	if (b.failed || scols_line_set_data(line, 0, b.data ? b.data : "") < 0) {
		strbuf_free(&b);
		return -1;
	}
	strbuf_free(&b);
	return 0;
}

struct libscols_line *table_row(struct libscols_table *table, const char *name)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	return line && set_name(line, name) == 0 ? line : NULL;
}

int table_color(const struct ctl *c, struct libscols_line *line, size_t column, enum color color)
{
	if (!c->colors || color == COLOR_NONE)
		return 0;
	return scols_cell_set_color(scols_line_get_cell(line, column), color_sequence(color));
}

static int set_up(const struct ctl *c, struct libscols_table *table, const struct table_column *columns)
{
	for (const struct table_column *k = columns; k->name; k++)
		if (!scols_table_new_column(table, k->name, k->width,
					    (k->right ? SCOLS_FL_RIGHT : 0) | (k->cut ? SCOLS_FL_TRUNC : 0)))
			return -1;
	scols_table_enable_noheadings(table, c->no_legend);
	scols_table_enable_colors(table, c->colors);
	if (c->terminal) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, terminal_width());
	} else {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	}
	return 0;
}

/* libsmartcols escapes the backslashes of our escapes once more. The first word of a line is the name
 * and is padded to where it was; what follows it in the last column needs no padding. */
static void print_text(const char *text)
{
	static const char escaped[] = "\\x5cx";
	size_t missing = 0;
	bool name = true;

	for (const char *p = text; *p; p++) {
		if (str_starts_with(p, escaped)) {
			missing += name ? strlen(escaped) - 2 : 0;
			p += strlen(escaped) - 1; /* at its last byte */
			(void)fputs("\\x", stdout);
			continue;
		}
		if (*p == ' ' && name) {
			printf("%*s", (int)missing, "");
			name = false;
		}
		if (*p == '\n') {
			name = true;
			missing = 0;
		}
		putchar(*p);
	}
}

int table_print(struct ctl *c, const struct table_column *columns, json_t *entries,
		int (*add)(const struct ctl *c, struct libscols_table *table, const json_t *entry))
{
	struct libscols_table *table = scols_new_table();
	_cleanup_free_ char *text = NULL;
	int r = table ? set_up(c, table, columns) : -1;
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry) if (r == 0) r = add(c, table, entry);
	if (r == 0 && scols_print_table_to_string(table, &text) < 0)
		r = -1;
	scols_unref_table(table);
	if (r < 0)
		return ctl_no_memory();
	pager_open(c);
	print_text(text);
	putchar('\n');
	return CTL_DONE;
}
