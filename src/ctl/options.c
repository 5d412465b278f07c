/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of netnsctl. They may stand anywhere on the line, but what follows the COMMAND of exec and
 * shell is the command's own; one that means nothing to the verb is refused rather than ignored. */
#include "ctl.h"
#include "parse.h"

#include <getopt.h>
#include <string.h>

#define CONFIRM_MIN 1000000ULL		     /* usec */
#define CONFIRM_MAX (24 * 3600 * 1000000ULL) /* a day; more is refused by the daemon */

static enum json_mode json_default(void)
{
	return isatty(STDOUT_FILENO) ? JSON_MODE_PRETTY : JSON_MODE_SHORT;
}

static int parse_json_mode(struct ctl *c, const char *text)
{
	if (!text)
		c->json = json_default();
	else if (strcmp(text, "pretty") == 0)
		c->json = JSON_MODE_PRETTY;
	else if (strcmp(text, "short") == 0)
		c->json = JSON_MODE_SHORT;
	else if (strcmp(text, "off") == 0)
		c->json = JSON_MODE_OFF;
	else
		return ctl_usage_error(c, "--json=%s: expected pretty, short or off", text);
	return 0;
}

/* getopt found an option it does not know, or a value where none belongs, or none where one does. */
static int bad_option(struct ctl *c, int code, char **argv)
{
	const char *names[N_OPTIONS_MAX] = {NULL};
	const char *word = argv[optind - 1], *nearest = NULL;

	for (size_t i = 0; option_table[i].name; i++)
		names[i] = option_table[i].name;
	if (code == ':')
		return ctl_usage_error(c, "%s needs a value", word);
	if (optopt && option_by_code(optopt))
		return ctl_usage_error(c, "%.*s takes no value", (int)strcspn(word, "="), word);
	if (optopt)
		return ctl_usage_error(c, "unknown option '-%c'; 'netnsctl --help' lists all", optopt);
	if (str_starts_with(word, "--")) {
		_cleanup_free_ char *name = strndup(word + 2, strcspn(word + 2, "="));

		nearest = name ? str_nearest(name, names) : NULL;
	}
	if (nearest)
		return ctl_usage_error(c, "unknown option '%s'; did you mean '--%s'?", word, nearest);
	return ctl_usage_error(c, "unknown option '%s'; 'netnsctl --help' lists all", word);
}

/* Which of the words, separated by a blank, or -1. */
static int word_index(const char *words, const char *word)
{
	size_t length;

	for (int i = 0; *words; i++, words += length + (words[length] == ' ')) {
		length = strcspn(words, " ");
		if (strlen(word) == length && memcmp(words, word, length) == 0)
			return i;
	}
	return -1;
}

/* Those with a value that is checked. 0, or the exit code. */
static int take_value(struct ctl *c, int code)
{
	int number;

	switch (code) {
	case ARG_CONFIRM:
		if (parse_usec(optarg, &c->confirm) >= 0 && c->confirm >= CONFIRM_MIN &&
		    c->confirm <= CONFIRM_MAX)
			return 0;
		return ctl_usage_error(c, "--confirm=%s: expected a time span from 1s to 1day, such as 30s",
				       optarg);
	case ARG_TIMEOUT:
		if (parse_usec(optarg, &c->timeout) >= 0)
			return 0;
		return ctl_usage_error(c, "--timeout=%s: expected a time span such as 30s or 2min", optarg);
	case 'n':
		c->lines_given = true;
		if (strcmp(optarg, "all") == 0 || parse_u64(optarg, &c->lines) >= 0)
			return 0;
		return ctl_usage_error(c, "--lines=%s: expected a number, or all", optarg);
	case 's':
		c->signal = optarg;
		if (parse_signal(optarg, &number) >= 0)
			return 0;
		return ctl_usage_error(
			c, "--signal=%s: expected a signal, such as TERM, SIGHUP, RTMIN+3 or 9", optarg);
	case ARG_FORMAT:
		number = word_index(option_by_code(code)->words, optarg);
		if (number < 0)
			return ctl_usage_error(c, "--format=%s: expected dot, mermaid or svg", optarg);
		c->format = (enum graph_format)number;
		return 0;
	default:
		c->kill_whom = optarg;
		if (word_index(option_by_code(code)->words, optarg) >= 0)
			return 0;
		return ctl_usage_error(c, "--kill-whom=%s: expected leader, supervisor or all", optarg);
	}
}

/* 0, or -1 to go on with the exit code in *ret: an error, or all is done (--help). */
static int take_option(struct ctl *c, int code, char **argv, int *ret)
{
	switch (code) {
	case 'h':
		*ret = c->verb && c->verb->run != verb_help
			       ? verb_help(c, (char *[]){(char *)c->verb->name}, 1)
			       : verb_help(c, NULL, 0);
		return -1;
	case ARG_VERSION:
		printf("netnsctl %s\n", netnsd_version());
		*ret = CTL_DONE;
		return -1;
	case 'j': c->json = json_default(); return 0;
	case ARG_JSON: *ret = parse_json_mode(c, optarg); return *ret ? -1 : 0;
	case ARG_NO_PAGER: c->no_pager = true; return 0;
	case ARG_NO_LEGEND: c->no_legend = true; return 0;
	case ARG_NO_BLOCK: c->no_block = true; return 0;
	case ARG_USER: c->user = optarg; return 0;
	case 'a': c->all = true; return 0;
	case ARG_STATE: c->state = true; return 0;
	case ARG_ATOMIC: c->atomic = true; return 0;
	case ARG_CONTAINERS: c->containers = true; return 0;
	case ARG_RESTART: c->restart = true; return 0;
	case 'f': c->follow = true; return 0;
	case 'l': c->full = true; return 0;
	case ARG_CONFIRM:
	case ARG_TIMEOUT:
	case ARG_WHOM:
	case ARG_FORMAT:
	case 'n':
	case 's': *ret = take_value(c, code); return *ret ? -1 : 0;
	default: *ret = bad_option(c, code, argv); return -1;
	}
}

static const struct option *long_options(struct option *ret)
{
	for (size_t i = 0; option_table[i].name; i++) {
		const struct option_row *o = &option_table[i];

		ret[i] = (struct option){.name = o->name, .val = o->code};
		ret[i].has_arg = !o->value     ? no_argument
				 : o->optional ? optional_argument
					       : required_argument;
	}
	return ret;
}

/* "-": in order, other words too; ":": what lacks its value is told from what is unknown. */
static const char *short_options(char *ret)
{
	char *p = stpcpy(ret, "-:j");

	for (size_t i = 0; option_table[i].name; i++)
		if (option_table[i].code < ARG_VERSION) {
			*p++ = (char)option_table[i].code;
			if (option_table[i].value)
				*p++ = ':';
		}
	*p = '\0';
	return ret;
}

/* What comes after these words is not for us to read. */
static bool is_the_rest(const struct ctl *c, int n)
{
	if (!c->verb)
		return false;
	return c->verb->run == verb_complete
		       ? n == 1
		       : n == 3 && (c->verb->run == verb_exec || c->verb->run == verb_shell);
}

static int finish_arguments(struct ctl *c, char **args, int n, unsigned options)
{
	if (n == 0)
		return ctl_usage_error(c, "expected a verb; 'netnsctl --help' lists all");
	c->verb = verb_find(args[0]);
	if (!c->verb)
		return verb_unknown(args[0]);
	for (size_t i = 0; option_table[i].name; i++)
		if (options & option_table[i].bit & ~c->verb->options)
			return ctl_usage_error(c, "--%s means nothing here", option_table[i].name);
	return 0;
}

int parse_arguments(struct ctl *c, int argc, char **argv, char **args, int *ret_n, int *ret)
{
	struct option longs[N_OPTIONS_MAX] = {{NULL, 0, NULL, 0}};
	char shorts[2 * N_OPTIONS_MAX + 4];
	unsigned options = 0;
	int n = 0, code;

	opterr = 0;
	while ((code = getopt_long(argc, argv, short_options(shorts), long_options(longs), NULL)) != -1) {
		const struct option_row *row = code == 1 ? NULL : option_by_code(code);

		if (code != 1) {
			options |= row ? row->bit : 0;
			if (take_option(c, code, argv, ret) < 0)
				return -1;
			continue;
		}
		args[n++] = optarg;
		if (n == 1)
			c->verb = verb_find(args[0]);
		if (is_the_rest(c, n))
			break;
	}
	while (optind < argc)
		args[n++] = argv[optind++];
	*ret_n = n;
	*ret = finish_arguments(c, args, n, options);
	return *ret ? -1 : 0;
}
