/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What netns@.service and netns-container@.service run, see netns@.service(8). Their instance names may be
 * escaped, and a unit's NetworkNamespacePath= cannot undo that, so that it goes through a link, named as the
 * instance. */
#include "ctl.h"
#include "netns.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_DIRECTORY "/run/netnsd/units"
#define WHAT_MAX       300
#define PATH_SIZE      (sizeof(LINK_DIRECTORY) + 256) /* a unit's name has at most 255 characters */

static int failed(const char *what, int code)
{
	ctl_error("cannot %s: %s", what, strerror(-code));
	return CTL_FAILED;
}

/* Under another name first: whoever looks meanwhile finds one or the other. */
static int make_link(const char *instance, const char *name)
{
	char path[PATH_SIZE], temporary[PATH_SIZE + 16], target[sizeof(NETNS_DIRECTORY) + 256];

	if (str_format(path, sizeof(path), LINK_DIRECTORY "/%s", instance) !=
	    strlen(LINK_DIRECTORY) + 1 + strlen(instance))
		return -ENAMETOOLONG;
	(void)snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	(void)snprintf(target, sizeof(target), NETNS_DIRECTORY "/%s", name);
	if (mkdir(LINK_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (symlink(target, temporary) < 0)
		return -errno;
	if (rename(temporary, path) < 0) {
		int r = -errno;

		(void)unlink(temporary);
		return r;
	}
	return 0;
}

static void remove_link(const char *instance)
{
	char path[PATH_SIZE];

	(void)str_format(path, sizeof(path), LINK_DIRECTORY "/%s", instance);
	(void)unlink(path);
}

/* *ret_unknown: there is nothing of this name, which is not an error here. ret may be NULL. */
static int call(struct ctl *c, const char *what, const char *method, const char *name, bool *ret_unknown,
		struct reply *ret)
{
	struct request q = {.what = what, .method = method, .parameters = json_pack("{s:s}", "name", name)};
	struct reply reply = {0};
	int r = client_request(c, &q, &reply);

	*ret_unknown = !r && (str_equal(reply.error, NAMESPACE_INTERFACE ".NoSuchNamespace") ||
			      str_equal(reply.error, CONTAINER_INTERFACE ".NoSuchContainer"));
	if (!r && reply.error && !*ret_unknown)
		r = client_report(what, &reply);
	if (!r && ret)
		*ret = reply;
	else
		reply_done(&reply);
	return r;
}

/* One that no file declares is made: a start of netns@NAME always did. */
static int up(struct ctl *c, const char *instance, const char *name)
{
	char what[WHAT_MAX];
	bool unknown;
	int r;

	(void)snprintf(what, sizeof(what), "bring up '%s'", name);
	r = call(c, what, NAMESPACE_INTERFACE ".Up", name, &unknown, NULL);
	if (!r && unknown)
		r = client_call(c, what, NAMESPACE_INTERFACE ".Add",
				json_pack("{s:s, s:[]}", "name", name, "settings"), NULL);
	if (r)
		return r;
	r = make_link(instance, name);
	return r < 0 ? failed(what, r) : CTL_DONE;
}

/* What a file declares stays down, anything else goes. */
static int down(struct ctl *c, const char *instance, const char *name)
{
	char what[WHAT_MAX];
	bool unknown;

	(void)snprintf(what, sizeof(what), "take down '%s'", name);
	remove_link(instance);
	return call(c, what, NAMESPACE_INTERFACE ".Delete", name, &unknown, NULL);
}

static int run(struct ctl *c, const char *instance, const char *name)
{
	(void)instance;
	return container_attend(c, name);
}

/* Fails when it had to be killed: the unit has failed then as well. */
static int stop(struct ctl *c, const char *instance, const char *name)
{
	struct reply reply = {0};
	char what[WHAT_MAX];
	bool unknown;
	int r;

	(void)instance;
	(void)snprintf(what, sizeof(what), "stop '%s'", name);
	r = call(c, what, CONTAINER_INTERFACE ".Stop", name, &unknown, &reply);
	if (!r && str_equal(json_text(reply.parameters, "state"), "failed"))
		r = CTL_FAILED;
	reply_done(&reply);
	return r;
}

int verb_unit(struct ctl *c, char **args, int n)
{
	static const struct {
		const char *word;
		int (*function)(struct ctl *c, const char *instance, const char *name);
	} words[] = {{"up", up}, {"down", down}, {"run", run}, {"stop", stop}};
	_cleanup_free_ char *name = NULL;
	int r;

	(void)n;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, args[0]) != 0)
			continue;
		r = unit_instance_unescape(args[1], &name);
		if (r == -ENOMEM)
			return ctl_no_memory();
		if (r < 0 || !netns_name_is_valid(name))
			return ctl_usage_error(
				c, "'%s' is no instance name that stands for a namespace or container",
				args[1]);
		return words[i].function(c, args[1], name);
	}
	return ctl_usage_error(c, "unknown word '%s', expected up, down, run or stop", args[0]);
}
