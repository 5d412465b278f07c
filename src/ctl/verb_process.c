/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* identify and pids: which namespace a process is in, and which processes a namespace has. Both read
 * /run/netns and /proc themselves, so that they work without the daemon and for anybody's names. */
#include "ctl.h"
#include "netns.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

struct match {
	int fd;
	char **names;
};

static int match_name(const char *name, void *data)
{
	enum netns_name_state state;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *shown = NULL;
	struct match *m = data;

	/* A name that cannot be looked at is not the one: ip does the same. */
	if (netns_probe(name, &state, &fd, NULL) < 0 || fd < 0 || !netns_same(fd, m->fd))
		return 0;
	shown = str_escape(name, strlen(name));
	return shown ? strv_push(&m->names, shown) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int open_process(const struct ctl *c, const char *text, int *ret_fd)
{
	char path[64] = "/proc/self/ns/net";
	uint64_t pid = 0;

	if (text && (parse_u64(text, &pid) < 0 || pid < 1 || pid > INT_MAX))
		return ctl_usage_error(c, "'%s' is no process id", text);
	if (text)
		(void)snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)pid);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ESRCH)
		ctl_error("cannot identify the namespace of process %s: there is no such process",
			  text ? text : "self");
	else
		ctl_error("cannot identify the namespace of process %s: %m%s", text ? text : "self",
			  errno == EACCES || errno == EPERM ? "; run it as root" : "");
	return CTL_FAILED;
}

static json_t *names_to_json(char *const *names)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < strv_length(names); i++)
		(void)json_array_append_new(array, json_string(names[i]));
	return array;
}

int verb_identify(struct ctl *c, char **args, int n)
{
	_cleanup_(strv_freep) char **names = NULL;
	_cleanup_close_ int fd = -1;
	struct match match = {.fd = -1};
	struct error err = {0};
	int r;

	r = open_process(c, n > 0 ? args[0] : NULL, &fd);
	if (r)
		return r;
	match.fd = fd;
	r = netns_list(match_name, &match, &err);
	names = match.names;
	if (r < 0) {
		ctl_error("cannot read the names in " NETNS_DIRECTORY ": %s",
			  err.text[0] ? err.text : strerror(-r));
		return CTL_FAILED;
	}
	if (names)
		qsort(names, strv_length(names), sizeof(*names), compare_names);
	if (c->json != JSON_MODE_OFF)
		return output_json(c, names_to_json(names));
	for (size_t i = 0; i < strv_length(names); i++)
		printf("%s\n", names[i]);
	return CTL_DONE;
}

/* --- pids ------------------------------------------------------------------------------------ */

static int holders(int fd, pid_t **ret, size_t *ret_n)
{
	size_t room = 1024, found = 0;

	for (;;) {
		pid_t *pids = calloc(room, sizeof(*pids));
		int r = pids ? netns_holders(fd, pids, room, &found) : -ENOMEM;

		/* Full to the brim: there may be more. */
		if (r >= 0 && (found < room || room > (1u << 22))) {
			*ret = pids;
			*ret_n = found;
			return 0;
		}
		free(pids);
		if (r < 0)
			return r;
		room *= 4;
	}
}

static int print_pids(const struct ctl *c, const pid_t *pids, size_t n)
{
	json_t *array;

	if (c->json == JSON_MODE_OFF) {
		for (size_t i = 0; i < n; i++)
			printf("%d\n", pids[i]);
		return CTL_DONE;
	}
	array = json_array();
	for (size_t i = 0; array && i < n; i++)
		(void)json_array_append_new(array, json_integer(pids[i]));
	return output_json(c, array);
}

int verb_pids(struct ctl *c, char **args, int n)
{
	enum netns_name_state state = NETNS_NAME_ABSENT;
	_cleanup_free_ char *shown = str_escape(args[0], strlen(args[0]));
	_cleanup_free_ pid_t *pids = NULL;
	_cleanup_close_ int fd = -1;
	struct error err = {0};
	size_t found = 0;
	int r = -EINVAL;

	(void)n;
	if (*args[0] && !strchr(args[0], '/'))
		r = netns_probe(args[0], &state, &fd, &err);
	if (r < 0 || state != NETNS_NAME_NAMESPACE) {
		ctl_error("cannot list the processes of '%s': %s", shown ? shown : "?",
			  r < 0 && err.text[0]
				  ? err.text
				  : "there is no network namespace of that name in " NETNS_DIRECTORY);
		return CTL_FAILED;
	}
	r = holders(fd, &pids, &found);
	if (r < 0) {
		ctl_error("cannot list the processes of '%s': %s", shown ? shown : "?", strerror(-r));
		return CTL_FAILED;
	}
	return print_pids(c, pids, found);
}
