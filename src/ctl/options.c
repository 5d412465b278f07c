/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of netnsctl. They may stand anywhere on the line, but what follows the COMMAND of exec and
 * shell is the command's own; one that means nothing to the verb is refused rather than ignored. */
#include "ctl.h"
#include "parse.h"

#include <getopt.h>
#include <string.h>

enum {
	ARG_VERSION = 0x100,
	ARG_JSON,
	ARG_NO_PAGER,
	ARG_NO_LEGEND,
	ARG_NO_BLOCK,
	ARG_USER,
	ARG_TIMEOUT,
	ARG_STATE,
	ARG_ATOMIC,
	ARG_CONFIRM,
	ARG_CONTAINERS,
	ARG_RESTART,
	ARG_WHOM
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, ARG_VERSION},
	{"json", optional_argument, NULL, ARG_JSON},
	{"no-pager", no_argument, NULL, ARG_NO_PAGER},
	{"no-legend", no_argument, NULL, ARG_NO_LEGEND},
	{"no-block", no_argument, NULL, ARG_NO_BLOCK},
	{"user", required_argument, NULL, ARG_USER},
	{"timeout", required_argument, NULL, ARG_TIMEOUT},
	{"atomic", no_argument, NULL, ARG_ATOMIC},
	{"confirm", required_argument, NULL, ARG_CONFIRM},
	{"all", no_argument, NULL, 'a'},
	{"state", no_argument, NULL, ARG_STATE},
	{"containers", no_argument, NULL, ARG_CONTAINERS},
	{"restart", no_argument, NULL, ARG_RESTART},
	{"follow", no_argument, NULL, 'f'},
	{"lines", required_argument, NULL, 'n'},
	{"signal", required_argument, NULL, 's'},
	{"kill-whom", required_argument, NULL, ARG_WHOM},
	{NULL, 0, NULL, 0},
};
#define N_LONG (sizeof(long_options) / sizeof(long_options[0]) - 1)

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
	const char *names[N_LONG + 1] = {NULL};
	const char *word = argv[optind - 1], *nearest = NULL;

	for (size_t i = 0; i < N_LONG; i++)
		names[i] = long_options[i].name;
	if (code == ':')
		return ctl_usage_error(c, "%s needs a value", word);
	if (optopt >= ARG_VERSION || optopt == 'a' || optopt == 'h' || optopt == 'f')
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

/* What each option is called where it means nothing. */
static const struct {
	int code;
	enum verb_option bit;
	const char *name;
} verb_options[] = {
	{ARG_NO_BLOCK, OPTION_NO_BLOCK, "no-block"},
	{ARG_USER, OPTION_USER, "user"},
	{ARG_TIMEOUT, OPTION_TIMEOUT, "timeout"},
	{ARG_STATE, OPTION_STATE, "state"},
	{ARG_ATOMIC, OPTION_ATOMIC, "atomic"},
	{ARG_CONFIRM, OPTION_CONFIRM, "confirm"},
	{'a', OPTION_ALL, "all"},
	{ARG_CONTAINERS, OPTION_CONTAINERS, "containers"},
	{ARG_RESTART, OPTION_RESTART, "restart"},
	{'f', OPTION_FOLLOW, "follow"},
	{'n', OPTION_LINES, "lines"},
	{'s', OPTION_SIGNAL, "signal"},
	{ARG_WHOM, OPTION_WHOM, "kill-whom"},
};
#define N_VERB_OPTIONS (sizeof(verb_options) / sizeof(verb_options[0]))

static unsigned option_bit(int code)
{
	for (size_t i = 0; i < N_VERB_OPTIONS; i++)
		if (verb_options[i].code == code)
			return verb_options[i].bit;
	return 0;
}

static const char *option_name(unsigned bits)
{
	for (size_t i = 0; i < N_VERB_OPTIONS; i++)
		if (bits & verb_options[i].bit)
			return verb_options[i].name;
	return "?";
}

/* Those with a value that is checked. 0, or the exit code. */
static int take_value(struct ctl *c, int code)
{
	static const char *const whom[] = {"leader", "supervisor", "all"};
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
	default:
		c->kill_whom = optarg;
		for (size_t i = 0; i < sizeof(whom) / sizeof(whom[0]); i++)
			if (strcmp(whom[i], optarg) == 0)
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
	case ARG_CONFIRM:
	case ARG_TIMEOUT:
	case ARG_WHOM:
	case 'n':
	case 's': *ret = take_value(c, code); return *ret ? -1 : 0;
	default: *ret = bad_option(c, code, argv); return -1;
	}
}

int parse_arguments(struct ctl *c, int argc, char **argv, char **args, int *ret_n, int *ret)
{
	unsigned options = 0;
	int n = 0, code;

	opterr = 0;
	while ((code = getopt_long(argc, argv, "-:hjafn:s:", long_options, NULL)) != -1) {
		if (code == 1) {
			args[n++] = optarg;
			if (n == 1)
				c->verb = verb_find(args[0]);
			if (n == 3 && c->verb && (c->verb->run == verb_exec || c->verb->run == verb_shell))
				break;
			continue;
		}
		options |= option_bit(code);
		if (take_option(c, code, argv, ret) < 0)
			return -1;
	}
	while (optind < argc)
		args[n++] = argv[optind++];
	if (n > 0)
		c->verb = verb_find(args[0]);
	*ret_n = n;
	if (n == 0)
		*ret = ctl_usage_error(c, "expected a verb; 'netnsctl --help' lists all");
	else if (!c->verb)
		*ret = verb_unknown(args[0]);
	else if (options & ~c->verb->options)
		*ret = ctl_usage_error(c, "--%s means nothing here",
				       option_name(options & ~c->verb->options));
	else
		return 0;
	return -1;
}
