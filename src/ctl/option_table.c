/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of netnsctl, once: getopt, the help, the check whether an option means something to a verb, and
 * the completions of the shells are made of this table. */
#include "ctl.h"

#include <string.h>

const struct option_row option_table[] = {
	{"help", 'h', NULL, false, 0, COMPLETE_NOTHING, NULL, "Print this text"},
	{"version", ARG_VERSION, NULL, false, 0, COMPLETE_NOTHING, NULL, "Print the version of netnsctl"},
	{"json", ARG_JSON, "MODE", true, 0, COMPLETE_WORDS, "pretty short off",
	 "Write JSON: pretty, short or off; without a mode, and as -j, pretty on a terminal, else short"},
	{"no-pager", ARG_NO_PAGER, NULL, false, 0, COMPLETE_NOTHING, NULL,
	 "Do not send output through a pager"},
	{"no-legend", ARG_NO_LEGEND, NULL, false, 0, COMPLETE_NOTHING, NULL, "No heading and no last line"},
	{"no-block", ARG_NO_BLOCK, NULL, false, OPTION_NO_BLOCK, COMPLETE_NOTHING, NULL,
	 "Do not wait for the result"},
	{"full", 'l', NULL, false, OPTION_FULL, COMPLETE_NOTHING, NULL, "Do not wrap or cut long lines"},
	{"containers", ARG_CONTAINERS, NULL, false, OPTION_CONTAINERS, COMPLETE_NOTHING, NULL,
	 "Only containers"},
	{"follow", 'f', NULL, false, OPTION_FOLLOW, COMPLETE_NOTHING, NULL, "Go on with what comes"},
	{"lines", 'n', "LINES", false, OPTION_LINES, COMPLETE_WORDS, "all 10 100 1000", "Only the last ones"},
	{"signal", 's', "SIGNAL", false, OPTION_SIGNAL, COMPLETE_SIGNALS, NULL,
	 "Which signal, for example HUP; default TERM"},
	{"kill-whom", ARG_WHOM, "WHOM", false, OPTION_WHOM, COMPLETE_WORDS, "leader supervisor all",
	 "leader, supervisor or all, the default"},
	{"restart", ARG_RESTART, NULL, false, OPTION_RESTART, COMPLETE_NOTHING, NULL,
	 "Restart containers whose settings have changed"},
	{"user", ARG_USER, "USER", false, OPTION_USER, COMPLETE_USERS, NULL, "Run the command as this user"},
	{"timeout", ARG_TIMEOUT, "SPAN", false, OPTION_TIMEOUT, COMPLETE_WORDS, "10s 30s 1min 5min",
	 "Wait no longer than this, for example 30s"},
	{"atomic", ARG_ATOMIC, NULL, false, OPTION_ATOMIC, COMPLETE_NOTHING, NULL,
	 "All or nothing: put everything back when a step fails"},
	{"confirm", ARG_CONFIRM, "SPAN", false, OPTION_CONFIRM, COMPLETE_WORDS, "30s 1min 5min",
	 "Put everything back after this time, for example 30s, unless 'netnsctl confirm' is run"},
	{"all", 'a', NULL, false, OPTION_ALL, COMPLETE_NOTHING, NULL, "All namespaces or containers"},
	{"state", ARG_STATE, NULL, false, OPTION_STATE, COMPLETE_NOTHING, NULL,
	 "Begin with the present state"},
	{"format", ARG_FORMAT, "FORMAT", false, OPTION_FORMAT, COMPLETE_WORDS, "dot mermaid svg",
	 "dot, the default, mermaid or svg"},
	{NULL, 0, NULL, false, 0, COMPLETE_NOTHING, NULL, NULL},
};
_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= N_OPTIONS_MAX, "N_OPTIONS_MAX is too small");

const struct option_row *option_by_code(int code)
{
	for (const struct option_row *o = option_table; o->name; o++)
		if (o->code == code)
			return o;
	return NULL;
}

const struct option_row *option_by_name(const char *name, size_t length)
{
	for (const struct option_row *o = option_table; o->name; o++)
		if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
			return o;
	return NULL;
}

/* --- help ---------------------------------------------------------------------------------------------- */

#define HELP_INDENT 24
#define HELP_WIDTH  80

static char *help_text(const struct option_row *o)
{
	struct strbuf b = {0};
	const struct verb *v;
	bool first = true;

	strbuf_puts(&b, o->doc);
	for (size_t i = 0; o->bit && (v = verb_at(i)); i++) {
		if (!(v->options & o->bit))
			continue;
		strbuf_printf(&b, "%s%s", first ? " (" : ", ", v->name);
		first = false;
	}
	strbuf_puts(&b, first ? "" : ")");
	return strbuf_finish(&b);
}

/* Words into lines that begin below each other. */
static void print_wrapped(const char *text)
{
	size_t column = HELP_INDENT, length;

	for (; *text; text += length + (text[length] == ' ')) {
		length = strcspn(text, " ");
		if (column + length + 1 > HELP_WIDTH) {
			printf("\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		}
		printf("%s%.*s", column > HELP_INDENT ? " " : "", (int)length, text);
		column += length + (column > HELP_INDENT);
	}
	putchar('\n');
}

void options_print_help(void)
{
	printf("\nOptions:\n");
	for (const struct option_row *o = option_table; o->name; o++) {
		_cleanup_free_ char *text = help_text(o);
		char head[HELP_INDENT] = "    ";

		(void)snprintf(head, sizeof(head), "--%s%s%s", o->name, o->value ? "=" : "",
			       o->value ? o->value : "");
		if (o->code < ARG_VERSION)
			printf("  -%c %-19s", o->code, head);
		else
			printf("     %-19s", head);
		print_wrapped(text ? text : "");
	}
	printf("\nSee netnsctl(1) for more.\n");
}
