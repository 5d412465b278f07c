/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What .container files declare: who owns what, the defaults, and when a running container is still the
 * one that is declared.
 */
#include "desired_container.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INTERVAL (30 * UINT64_C(1000000))
#define DEFAULT_RETRIES	 3

static const char *const action_names[] = {
	[HEALTH_RESTART] = "restart", [HEALTH_STOP] = "stop", [HEALTH_REPORT] = "report"};

const char *health_action_to_string(enum health_action a)
{
	return (unsigned)a <= HEALTH_REPORT ? action_names[a] : "unknown";
}

int health_action_from_string(const char *text, enum health_action *ret)
{
	for (unsigned i = 0; i <= HEALTH_REPORT; i++)
		if (str_equal(text, action_names[i])) {
			*ret = (enum health_action)i;
			return 0;
		}
	return -EINVAL;
}

/* systemd's hostname_is_valid(): nspawn takes no other machine name. */
bool container_name_is_valid(const char *name)
{
	char before = '.';

	if (strlen(name) > CONTAINER_NAME_MAX)
		return false;
	for (; *name; before = *name++) {
		bool separator = *name == '.' || *name == '-';

		if (!separator && !(*name >= '0' && *name <= '9') && !(*name >= 'A' && *name <= 'Z') &&
		    !(*name >= 'a' && *name <= 'z'))
			return false;
		/* A label neither begins nor ends with '-', and none is empty. */
		if ((*name == '.' && (before == '.' || before == '-')) || (*name == '-' && before == '.'))
			return false;
	}
	return before != '.' && before != '-';
}

/* --- one container ------------------------------------------------------------------------- */

void container_settings_defaults(struct container_settings *ret)
{
	*ret = (struct container_settings){
		.restart = restart_policy_default,
		.timeout_start = CONTAINER_TIMEOUT_DEFAULT,
		.timeout_stop = CONTAINER_TIMEOUT_DEFAULT,
		.health_interval = DEFAULT_INTERVAL,
		.health_retries = DEFAULT_RETRIES,
		.health_action = HEALTH_RESTART,
	};
}

static void free_lists(struct container_settings *c)
{
	for (size_t i = 0; i < c->n_directories; i++) {
		free(c->directories[i].path);
		free(c->directories[i].user);
		free(c->directories[i].group);
	}
	free(c->directories);
	for (size_t i = 0; i < c->n_arguments; i++) {
		free(c->arguments[i].argument);
		free(c->arguments[i].optional_source);
	}
	free(c->arguments);
	for (size_t i = 0; i < c->n_credentials; i++) {
		free(c->credentials[i].id);
		free(c->credentials[i].path);
		free(c->credentials[i].value);
	}
	free(c->credentials);
	strv_free(c->parameters);
	strv_free(c->device_allow);
	strv_free(c->after);
	strv_free(c->requires);
	strv_free(c->health_cmd);
}

static void container_settings_free(struct container_settings *c)
{
	if (!c)
		return;
	free_lists(c);
	free(c->name);
	free(c->description);
	free(c->text);
	free(c->netns);
	free(c->directory);
	free(c->image);
	free(c->template);
	free(c->machine_id);
	free(c->settings_mode);
	free(c->kill_signal);
	free(c->resolv_conf);
	free(c->device_policy);
	free(c->slice);
	free(c->health_tcp);
	free(c);
}

/* --- in the tree ----------------------------------------------------------------------------- */

static int container_compare(const struct container_settings *a, const struct container_settings *b)
{
	return strcmp(a->name, b->name);
}

int desired_add_container(struct desired *d, const char *name, struct container_settings **ret)
{
	struct container_settings *c, *before;

	if (desired_find_container(d, name))
		return -EEXIST;
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	container_settings_defaults(c);
	c->name = strdup(name);
	c->netns = strdup(name);
	c->settings_mode = strdup("no");
	if (c->name && c->netns && c->settings_mode)
		HASH_ADD_KEYPTR(hh, d->containers, c->name, strlen(c->name), c);
	if (!c->hh.tbl) {
		container_settings_free(c);
		return -ENOMEM;
	}
	/* The table iterates in order of insertion, which has to be the order of names. */
	before = c->hh.prev;
	if (before && strcmp(before->name, name) > 0)
		HASH_SRT(hh, d->containers, container_compare);
	*ret = c;
	return 0;
}

struct container_settings *desired_find_container(const struct desired *d, const char *name)
{
	struct container_settings *c = NULL;

	HASH_FIND_STR(d->containers, name, c);
	return c;
}

void desired_remove_container(struct desired *d, struct container_settings *c)
{
	HASH_DEL(d->containers, c);
	container_settings_free(c);
}

/* --- the same run ---------------------------------------------------------------------------- */

static bool directories_equal(const struct container_settings *a, const struct container_settings *b)
{
	if (a->n_directories != b->n_directories)
		return false;
	for (size_t i = 0; i < a->n_directories; i++) {
		const struct create_directory *x = &a->directories[i], *y = &b->directories[i];

		if (!str_equal(x->path, y->path) || x->mode != y->mode || !str_equal(x->user, y->user) ||
		    !str_equal(x->group, y->group))
			return false;
	}
	return true;
}

static bool arguments_equal(const struct container_settings *a, const struct container_settings *b)
{
	if (a->n_arguments != b->n_arguments)
		return false;
	for (size_t i = 0; i < a->n_arguments; i++)
		if (!str_equal(a->arguments[i].argument, b->arguments[i].argument) ||
		    !str_equal(a->arguments[i].option, b->arguments[i].option) ||
		    !str_equal(a->arguments[i].optional_source, b->arguments[i].optional_source))
			return false;
	return true;
}

static bool credentials_equal(const struct container_settings *a, const struct container_settings *b)
{
	if (a->n_credentials != b->n_credentials)
		return false;
	for (size_t i = 0; i < a->n_credentials; i++) {
		const struct credential *x = &a->credentials[i], *y = &b->credentials[i];

		if (!str_equal(x->id, y->id) || !str_equal(x->path, y->path) || x->length != y->length ||
		    !x->value != !y->value || (x->value && memcmp(x->value, y->value, x->length) != 0))
			return false;
	}
	return true;
}

static bool roots_equal(const struct container_settings *a, const struct container_settings *b)
{
	return str_equal(a->directory, b->directory) && str_equal(a->image, b->image) &&
	       str_equal(a->template, b->template) && a->root_size_max == b->root_size_max &&
	       a->ephemeral == b->ephemeral && directories_equal(a, b);
}

static bool limits_equal(const struct container_settings *a, const struct container_settings *b)
{
	return a->memory_max == b->memory_max && a->tasks_max == b->tasks_max &&
	       a->cpu_quota == b->cpu_quota && str_equal(a->device_policy, b->device_policy) &&
	       strv_equal(a->device_allow, b->device_allow) && str_equal(a->slice, b->slice);
}

bool container_settings_same_run(const struct container_settings *a, const struct container_settings *b)
{
	return str_equal(a->name, b->name) && str_equal(a->netns, b->netns) && roots_equal(a, b) &&
	       str_equal(a->machine_id, b->machine_id) && a->registration == b->registration &&
	       str_equal(a->settings_mode, b->settings_mode) && a->boot == b->boot &&
	       a->notify_ready == b->notify_ready && strv_equal(a->parameters, b->parameters) &&
	       str_equal(a->kill_signal, b->kill_signal) && str_equal(a->resolv_conf, b->resolv_conf) &&
	       arguments_equal(a, b) && a->watchdog == b->watchdog && credentials_equal(a, b) &&
	       limits_equal(a, b);
}
