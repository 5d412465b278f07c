/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl complete WORD...: what may stand in the place of the last word, for the completions of the shells
 * in conf/completions, which know nothing themselves. The first line says what follows: "words", each with a
 * tab and a remark; or that it is for the shell to know: "files", "commands", "users". Never a word on
 * standard error. */
#include "complete.h"

#include <string.h>

#define SECONDS_MAX 2 /* nobody waits longer for a completion */

struct line {
	const struct verb *verb;
	int n;				 /* words after the verb that are no options */
	const struct option_row *option; /* whose value comes next */
	bool no_options;		 /* after "--" */
	bool unknown;			 /* no such verb */
};

/* Of "-fn" the n, if a value is to follow. */
static const struct option_row *short_option(const char *word)
{
	const struct option_row *o = NULL;

	for (const char *p = word + 1; *p; p++) {
		o = option_by_code(*p);
		if (o && o->value)
			return p[1] ? NULL : o;
	}
	return NULL;
}

static void take_option(struct line *l, const char *word)
{
	if (strcmp(word, "--") == 0) {
		l->no_options = true;
		return;
	}
	if (!str_starts_with(word, "--")) {
		l->option = short_option(word);
		return;
	}
	l->option = option_by_name(word + 2, strlen(word + 2));
	if (l->option && (!l->option->value || l->option->optional))
		l->option = NULL;
}

/* What follows a command is the command's own. */
static bool in_command(const struct line *l)
{
	return l->verb && l->n >= 2 &&
	       (l->verb->complete == COMPLETE_NAME_COMMAND ||
		l->verb->complete == COMPLETE_CONTAINER_COMMAND);
}

static void take_word(struct line *l, const char *word)
{
	if (l->option)
		l->option = NULL;
	else if (word[0] == '-' && word[1] && !l->no_options && !in_command(l))
		take_option(l, word);
	else if (l->verb)
		l->n++;
	else if (!(l->verb = verb_find(word)))
		l->unknown = true;
}

static void complete_options(const struct line *l)
{
	printf("words\n");
	for (const struct option_row *o = option_table; o->name; o++)
		if (!o->bit || !l->verb || (o->bit & l->verb->options))
			printf("--%s%s\t%s\n", o->name, o->value ? "=" : "", o->doc);
}

static void complete_verbs(void)
{
	const struct verb *v;

	printf("words\n");
	for (size_t i = 0; (v = verb_at(i)); i++)
		printf("%s\t%s\n", v->name, v->doc);
}

static void print_names(struct ctl *c, enum complete what, const char *prefix)
{
	puts(what == COMPLETE_FILES ? "files" : what == COMPLETE_USERS ? "users" : "words");
	complete_names(c, what, prefix);
}

static void complete_argument(struct ctl *c, const struct line *l, const char *word)
{
	const bool any = l->verb->max < 0 || l->n < l->verb->max;

	switch (l->verb->complete) {
	case COMPLETE_VERBS:
		if (any)
			complete_verbs();
		return;
	case COMPLETE_NAME_COMMAND:
	case COMPLETE_CONTAINER_COMMAND:
		if (l->n == 0)
			print_names(c,
				    l->verb->complete == COMPLETE_NAME_COMMAND ? COMPLETE_NAMES
									       : COMPLETE_CONTAINERS,
				    "");
		else
			puts(l->n == 1 ? "commands" : "files");
		return;
	case COMPLETE_SETTINGS:
		puts("words");
		if (l->n > 0)
			complete_setting(c, word);
		return;
	default:
		if (any)
			print_names(c, l->verb->complete, "");
	}
}

/* "--json=pr", or "pr" after an option whose value is a word of its own. */
static void complete_value(struct ctl *c, const struct option_row *o, const char *prefix)
{
	const char *word = o->words;
	size_t length;

	if (o->complete != COMPLETE_WORDS) {
		print_names(c, o->complete, prefix);
		return;
	}
	printf("words\n");
	for (; *word; word += length + (word[length] == ' ')) {
		length = strcspn(word, " ");
		printf("%s%.*s\n", prefix, (int)length, word);
	}
}

static void complete_word(struct ctl *c, const struct line *l, const char *word)
{
	const char *equal = strchr(word, '=');
	const struct option_row *o = NULL;
	char prefix[64];

	if (l->option) {
		complete_value(c, l->option, "");
	} else if (word[0] == '-' && !l->no_options && !in_command(l)) {
		if (str_starts_with(word, "--") && equal)
			o = option_by_name(word + 2, (size_t)(equal - word) - 2);
		if (!equal)
			complete_options(l);
		if (!o || !o->value)
			return;
		(void)snprintf(prefix, sizeof(prefix), "--%s=", o->name);
		complete_value(c, o, prefix);
	} else if (!l->verb) {
		complete_verbs();
	} else {
		complete_argument(c, l, word);
	}
}

int verb_complete(struct ctl *c, char **args, int n)
{
	struct line l = {0};

	for (int i = 0; i + 1 < n; i++)
		take_word(&l, args[i]);
	c->timeout = SECONDS_MAX * 1000000ULL;
	if (!l.unknown)
		complete_word(c, &l, n > 0 ? args[n - 1] : "");
	return CTL_DONE;
}
