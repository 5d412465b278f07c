/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl: the table of verbs, and the sentences for wrong usage. Every verb lives in a file of its
 * group; adding one is a row here and a function there. */
#include "ctl.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#ifndef NETNSD_VERSION
#define NETNSD_VERSION "development"
#endif
#define DEFAULT_SOCKET "/run/netnsd/io.netnsd"

static const struct verb verbs[] = {
	{"list", "[--containers]", "List namespaces and containers", 0, 0, OPTION_CONTAINERS,
	 COMPLETE_NOTHING, verb_list},
	{"status", "[-l] [NAME...]", "Show the daemon, namespaces, or a NAME.container", 0, -1, OPTION_FULL,
	 COMPLETE_OBJECTS, verb_status},
	{"show", "NAME...", "Show the same as KEY=value lines", 1, -1, 0, COMPLETE_OBJECTS, verb_show},
	{"add", "NAME [SECTION.KEY=VALUE...]", "Make a namespace that lives until del or reboot", 1, -1,
	 OPTION_NO_BLOCK, COMPLETE_SETTINGS, verb_add},
	{"del", "NAME...", "Remove namespaces", 1, -1, OPTION_NO_BLOCK, COMPLETE_NAMESPACES, verb_del},
	{"up", "NAME...", "Bring up namespaces that are down", 1, -1, OPTION_NO_BLOCK, COMPLETE_NAMESPACES,
	 verb_up},
	{"down", "NAME...|--all", "Take namespaces down", 0, -1, OPTION_NO_BLOCK | OPTION_ALL,
	 COMPLETE_NAMESPACES, verb_down},
	{"wait", "[NAME...]", "Wait until namespaces are set up, or containers run", 0, -1, OPTION_TIMEOUT,
	 COMPLETE_OBJECTS, verb_wait},
	{"monitor", "[NAME...]", "Print what happens in namespaces, as it happens", 0, -1, OPTION_STATE,
	 COMPLETE_NAMESPACES, verb_monitor},
	{"exec", "[--user=USER] NAME COMMAND [ARGUMENT...]", "Run a command in a namespace", 2, -1,
	 OPTION_USER, COMPLETE_NAME_COMMAND, verb_exec},
	{"start", "CONTAINER...", "Start containers", 1, -1, OPTION_NO_BLOCK, COMPLETE_CONTAINERS,
	 verb_start},
	{"stop", "CONTAINER...|--all", "Stop containers", 0, -1, OPTION_NO_BLOCK | OPTION_ALL,
	 COMPLETE_CONTAINERS, verb_stop},
	{"restart", "CONTAINER...", "Stop containers if they run, and start them", 1, -1, OPTION_NO_BLOCK,
	 COMPLETE_CONTAINERS, verb_restart},
	{"kill", "[--signal=SIGNAL] [--kill-whom=WHOM] CONTAINER...", "Send a signal to containers", 1, -1,
	 OPTION_SIGNAL | OPTION_WHOM, COMPLETE_CONTAINERS, verb_kill},
	{"reset-failed", "CONTAINER...", "Forget that containers failed, and how often", 1, -1, 0,
	 COMPLETE_CONTAINERS, verb_reset_failed},
	{"shell", "CONTAINER [COMMAND [ARGUMENT...]]", "Run a shell or a command in a container", 1, -1, 0,
	 COMPLETE_CONTAINER_COMMAND, verb_shell},
	{"log", "[-f] [-n LINES] CONTAINER", "Show what a container printed", 1, 1,
	 OPTION_FOLLOW | OPTION_LINES, COMPLETE_CONTAINERS, verb_log},
	{"graph", "[--format=FORMAT] [NAME...]", "Draw namespaces, links and containers", 0, -1,
	 OPTION_FORMAT, COMPLETE_NAMESPACES, verb_graph},
	{"identify", "[PID]", "Print the names of a process's namespace", 0, 1, 0, COMPLETE_PROCESSES,
	 verb_identify},
	{"pids", "NAME", "Print the processes in a namespace", 1, 1, 0, COMPLETE_NAMES, verb_pids},
	{"check", "[FILE...]", "Check the files; needs no daemon", 0, -1, 0, COMPLETE_FILES, verb_check},
	{"cat", "NAME...", "Print the files that declare an object", 1, -1, 0, COMPLETE_DECLARED, verb_cat},
	{"edit", "NAME", "Edit the file that declares an object", 1, 1, 0, COMPLETE_DECLARED, verb_edit},
	{"plan", "", "Show what apply would do", 0, 0, 0, COMPLETE_NOTHING, verb_plan},
	{"apply", "[--atomic] [--confirm=SPAN]", "Read the files again and do what they say", 0, 0,
	 OPTION_NO_BLOCK | OPTION_ATOMIC | OPTION_CONFIRM, COMPLETE_NOTHING, verb_apply},
	{"confirm", "", "Keep what apply --confirm has done", 0, 0, 0, COMPLETE_NOTHING, verb_confirm},
	{"reload", "[--restart]", "As apply, without a word when all is well", 0, 0,
	 OPTION_NO_BLOCK | OPTION_RESTART, COMPLETE_NOTHING, verb_reload},
	{"reexec", "", "Execute the daemon's program anew; all that runs stays", 0, 0, 0, COMPLETE_NOTHING,
	 verb_reexec},
	{"log-level", "[LEVEL]", "Show or set how much the daemon logs", 0, 1, 0, COMPLETE_LEVELS,
	 verb_log_level},
	{"unit", "up|down|run|stop INSTANCE", "What the units of netns@.service(8) run", 2, 2, 0,
	 COMPLETE_NOTHING, verb_unit},
	{"version", "", "Print the versions of client and daemon", 0, 0, 0, COMPLETE_NOTHING, verb_version},
	{"help", "[VERB]", "Print this text, or how a verb is used", 0, 1, 0, COMPLETE_VERBS, verb_help},
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* For the shells only, which nobody has to read about. */
static const struct verb complete = {
	"complete",	  "[WORD...]",	"Print what may complete the last word", 0, -1, 0,
	COMPLETE_NOTHING, verb_complete};

static void __attribute__((format(printf, 2, 0)))
write_stderr(const char *color, const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL, *safe = NULL;
	bool colored;

	/* First of all: %m is about now. */
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	/* A name or a reason in it may be anybody's. */
	safe = text ? text_safe(text, false) : NULL;
	colored = colors_wanted(STDERR_FILENO);
	(void)fflush(stdout);
	(void)fprintf(stderr, "%snetnsctl: %s%s\n", colored ? color : "", safe ? safe : "out of memory",
		      colored ? "\033[0m" : "");
}

void ctl_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_stderr("\033[0;1;31m", format, ap);
	va_end(ap);
}

void ctl_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_stderr("\033[0;1;33m", format, ap);
	va_end(ap);
}

int ctl_no_memory(void)
{
	ctl_error("out of memory");
	return CTL_FAILED;
}

const char *netnsd_version(void)
{
	return NETNSD_VERSION;
}

/* What exec's own failures exit with must not look like the command's. */
static int usage_exit(const struct ctl *c)
{
	bool command = c->verb && (c->verb->run == verb_exec || c->verb->run == verb_shell);

	return command ? EXEC_FAILED : CTL_USAGE;
}

int ctl_usage_error(const struct ctl *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (c->verb)
		ctl_error("%s: %s; usage: netnsctl %s%s%s", c->verb->name, text, c->verb->name,
			  c->verb->arguments[0] ? " " : "", c->verb->arguments);
	else
		ctl_error("%s", text);
	return usage_exit(c);
}

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return strcmp(complete.name, name) == 0 ? &complete : NULL;
}

const struct verb *verb_at(size_t i)
{
	return i < N_VERBS ? &verbs[i] : NULL;
}

int verb_unknown(const char *name)
{
	const char *names[N_VERBS + 1] = {NULL};
	const char *nearest;
	_cleanup_free_ char *shown = str_escape(name, strlen(name));

	for (size_t i = 0; i < N_VERBS; i++)
		names[i] = verbs[i].name;
	nearest = str_nearest(name, names);
	if (nearest)
		ctl_error("unknown verb '%s'; did you mean '%s'? 'netnsctl --help' lists all",
			  shown ? shown : "?", nearest);
	else
		ctl_error("unknown verb '%s'; 'netnsctl --help' lists all", shown ? shown : "?");
	return CTL_USAGE;
}

static void print_help(void)
{
	printf("netnsctl [OPTIONS...] VERB [ARGUMENTS...]\n\n"
	       "Query and control the network namespaces and containers of netnsd.\n\nVerbs:\n");
	for (size_t i = 0; i < N_VERBS; i++) {
		char head[96];
		const struct verb *v = &verbs[i];

		(void)snprintf(head, sizeof(head), "%s %s", v->name, v->arguments);
		if (strlen(head) > 20)
			printf("  %s\n  %-21s %s\n", head, "", v->doc);
		else
			printf("  %-21s %s\n", head, v->doc);
	}
	options_print_help();
}

int verb_help(struct ctl *c, char **args, int n)
{
	const struct verb *v;

	(void)c;
	if (n == 0) {
		print_help();
		return CTL_DONE;
	}
	v = verb_find(args[0]);
	if (!v)
		return verb_unknown(args[0]);
	printf("netnsctl %s%s%s\n\n%s.\n", v->name, v->arguments[0] ? " " : "", v->arguments, v->doc);
	return CTL_DONE;
}

static int run_verb(struct ctl *c, char **args, int n)
{
	const struct verb *v = c->verb;

	if (n < v->min)
		return ctl_usage_error(c, v->run == verb_exec ? "expected a namespace and a command"
					  : str_starts_with(v->arguments, "NAME")
						  ? "expected the name of a namespace"
						  : "expected the name of a container");
	if (v->max >= 0 && n > v->max)
		return ctl_usage_error(c, v->max == 0 ? "expected no argument"
						      : "expected one argument at most");
	return v->run(c, args, n);
}

int main(int argc, char **argv)
{
	const char *socket = getenv("NETNSD_SOCKET");
	struct ctl c = {.socket = socket && *socket ? socket : DEFAULT_SOCKET,
			.timeout = UINT64_MAX,
			.lines = UINT64_MAX,
			.argv = argv};
	_cleanup_free_ char **args = calloc((size_t)argc + 1, sizeof(char *));
	int n = 0, r = CTL_DONE;

	(void)setlocale(LC_ALL, "");
	c.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	c.terminal = isatty(STDOUT_FILENO);
	c.colors = colors_wanted(STDOUT_FILENO);
	if (!args)
		return ctl_no_memory();
	if (parse_arguments(&c, argc, argv, args, &n, &r) == 0)
		r = run_verb(&c, args + 1, n - 1);
	client_done(&c);
	return output_close() < 0 && r == CTL_DONE ? CTL_FAILED : r;
}
