/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for completions: what the daemon lists with its state, or, when it does not run, what has a file. */
#include "complete.h"
#include "config_load.h"
#include "log.h"
#include "netns.h"
#include "parse.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

/* A line is a word, so a name that would be two is left out; so is what nobody could type. */
static void print_name(const char *prefix, const char *name, const char *suffix, const char *remark)
{
	if (!text_is_clean(name, strlen(name)) || strchr(name, '\t'))
		return;
	printf("%s%s%s%s%s\n", prefix, name, suffix, remark && *remark ? "\t" : "", remark ? remark : "");
}

/* --- without the daemon ------------------------------------------------------------------------------------
 */

static int collect(char ***names, const char *name)
{
	return strv_contains(*names, name) ? 0 : strv_push(names, name);
}

static void collect_files(const char *directory, const char *suffix, bool keep, char ***names)
{
	DIR *d = opendir(directory);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		_cleanup_free_ char *name = NULL;
		size_t length = strlen(entry->d_name);

		if (!str_ends_with(entry->d_name, suffix) || entry->d_name[0] == '.')
			continue;
		name = strndup(entry->d_name, keep ? length : length - strlen(suffix));
		if (name)
			(void)collect(names, name);
	}
	if (d)
		(void)closedir(d);
}

static void print_declared(const char *prefix, const char *suffix, bool keep)
{
	_cleanup_(strv_freep) char **names = NULL;
	const char *const *directories = config_directories();

	for (size_t i = 0; directories[i]; i++)
		collect_files(directories[i], suffix, keep, &names);
	for (size_t i = 0; names && names[i]; i++)
		print_name(prefix, names[i], "", NULL);
}

static int print_any(const char *name, void *data)
{
	(void)data;
	print_name("", name, "", NULL);
	return 0;
}

/* --- from the daemon ---------------------------------------------------------------------------------------
 */

static void print_entries(const json_t *entries, const char *prefix, const char *suffix)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		const char *state = json_text(json_object_get(entry, "runtime"), "state");
		const char *text = json_text(json_object_get(entry, "context"), "description");
		char remark[200];

		(void)str_format(remark, sizeof(remark), "%s%s%s", state ? state : "",
				 state && text && *text ? ", " : "", text ? text : "");
		print_name(prefix, json_text(entry, "name"), suffix, remark);
	}
}

static void print_listed(struct ctl *c, bool containers, const char *prefix, const char *suffix)
{
	json_t *entries = NULL;
	int r = client_probe(c);

	if (!r)
		r = containers ? list_containers(c, NULL, &entries) : list_fetch(c, &entries);
	if (!r)
		print_entries(entries, prefix, suffix);
	else
		print_declared(prefix, containers ? ".container" : ".netns", *suffix);
	json_decref(entries);
}

/* --- what the system knows
 * ---------------------------------------------------------------------------------- */

static void print_processes(void)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char path[300], name[64] = "";
		FILE *f;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		if (f)
			(void)fclose(f);
		print_name("", entry->d_name, "", name);
	}
	if (d)
		(void)closedir(d);
}

static void print_signals(const char *prefix)
{
	for (int i = 1; i < SIGRTMIN; i++) {
		char text[FORMAT_MAX];

		if (str_starts_with(format_signal(i, text), "SIG"))
			printf("%s%s\n", prefix, text);
	}
	printf("%sSIGRTMIN+3\tpower off\n%sSIGRTMIN+4\tpower off at once\n", prefix, prefix);
}

static void print_levels(void)
{
	for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
		puts(log_level_to_string(level));
}

void complete_names(struct ctl *c, enum complete what, const char *prefix)
{
	switch (what) {
	case COMPLETE_NAMESPACES: print_listed(c, false, prefix, ""); return;
	case COMPLETE_CONTAINERS: print_listed(c, true, prefix, ""); return;
	case COMPLETE_OBJECTS:
		print_listed(c, false, prefix, "");
		print_listed(c, true, prefix, CONTAINER_SUFFIX);
		return;
	case COMPLETE_NAMES: (void)netns_list(print_any, NULL, NULL); return;
	case COMPLETE_DECLARED:
		print_declared(prefix, ".netns", false);
		print_declared(prefix, ".container", true);
		return;
	case COMPLETE_PROCESSES: print_processes(); return;
	case COMPLETE_SIGNALS: print_signals(prefix); return;
	case COMPLETE_LEVELS: print_levels(); return;
	default: return;
	}
}
