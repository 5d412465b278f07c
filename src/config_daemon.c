/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * netnsd.conf and its drop-ins: the settings of the daemon itself. The same reader and the same
 * tables as for *.netns files; what has an error keeps its default, since a daemon that does not
 * start helps nobody.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "log.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_START 60000000 /* usec */
#define DEFAULT_AUDIT	      1000000  /* usec */
#define DEFAULT_BUFFER	      (UINT64_C(64) << 20)
#define DEFAULT_SOCKET_GROUP  "netnsd"

struct manager_values {
	uint32_t workers, connections_max, parallel_starts;
	char *plugin_directory, *socket_group;
	/* What the specials found. */
	int log_level;
	uint64_t timeout_start, audit, receive_buffer;
	uint32_t socket_mode;
};

#define AT(field) offsetof(struct manager_values, field)
static const struct conf_key manager_keys[] = {
	{.name = "Workers", .type = NETNSD_KEY_UINT, .offset = AT(workers), .min = 1, .max = 16},
	{.name = "ConnectionsMaxPerUser",
	 .type = NETNSD_KEY_UINT,
	 .offset = AT(connections_max),
	 .min = 1,
	 .max = 4096},
	{.name = "ParallelStarts",
	 .type = NETNSD_KEY_UINT,
	 .offset = AT(parallel_starts),
	 .min = 1,
	 .max = 1000},
	{.name = "PluginDirectory", .type = NETNSD_KEY_STRING, .offset = AT(plugin_directory)},
	{.name = "SocketGroup", .type = NETNSD_KEY_STRING, .offset = AT(socket_group)},
	{.name = NULL},
};
#undef AT

static int set_log_level(struct conf_reader *r, const struct conf_assign *a)
{
	struct manager_values *v = r->data;

	if (!a->value[0])
		v->log_level = LOG_INFO;
	else if (log_level_from_string(a->value, &v->log_level) < 0)
		conf_error(r->c, r->o, r->s, a, "expected err, warning, notice, info or debug, not \"%.32s\"",
			   a->value);
	return 0;
}

static int set_timeout_start(struct conf_reader *r, const struct conf_assign *a)
{
	struct manager_values *v = r->data;
	uint64_t usec = DEFAULT_TIMEOUT_START;

	if (a->value[0] && parse_usec(a->value, &usec) < 0)
		conf_error(r->c, r->o, r->s, a, "expected a time span such as 90s or 1min 30s, not \"%.48s\"",
			   a->value);
	else
		v->timeout_start = usec > 0 ? usec : USEC_INFINITY; /* 0 turns it off, as in systemd */
	return 0;
}

static int set_audit(struct conf_reader *r, const struct conf_assign *a)
{
	struct manager_values *v = r->data;
	uint64_t usec = DEFAULT_AUDIT;

	if (a->value[0] && parse_usec(a->value, &usec) < 0)
		conf_error(r->c, r->o, r->s, a,
			   "expected a time span such as 1s or 500ms, or 0, not \"%.48s\"", a->value);
	else if (usec > 0 && usec < 10000)
		conf_error(r->c, r->o, r->s, a, "expected 0 (no audit) or at least 10ms, not \"%.48s\"",
			   a->value);
	else
		v->audit = usec == USEC_INFINITY ? 0 : usec;
	return 0;
}

static int set_receive_buffer(struct conf_reader *r, const struct conf_assign *a)
{
	struct manager_values *v = r->data;
	uint64_t bytes = DEFAULT_BUFFER;

	if (a->value[0] && (parse_size(a->value, &bytes) < 0 || bytes < 4096 || bytes > UINT64_C(1) << 30))
		conf_error(r->c, r->o, r->s, a, "expected a size from 4K to 1G such as 64M, not \"%.48s\"",
			   a->value);
	else
		v->receive_buffer = bytes;
	return 0;
}

static int set_socket_mode(struct conf_reader *r, const struct conf_assign *a)
{
	struct manager_values *v = r->data;
	size_t length = strlen(a->value);
	unsigned long mode = strtoul(a->value, NULL, 8);

	if (!length)
		v->socket_mode = 0666;
	else if (length > 4 || strspn(a->value, "01234567") != length || mode > 0777)
		conf_error(r->c, r->o, r->s, a,
			   "expected an access mode in octal such as 0666, not \"%.32s\"", a->value);
	else
		v->socket_mode = (uint32_t)mode;
	return 0;
}

static const struct conf_special manager_specials[] = {
	{"LogLevel", set_log_level},
	{"TimeoutStartSec", set_timeout_start},
	{"SocketMode", set_socket_mode},
	{"AuditSec", set_audit},
	{"ReceiveBufferSize", set_receive_buffer},
	{NULL, NULL},
};

static int read_manager(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
			struct manager_values *v, struct daemon_settings *ret)
{
	struct conf_reader r = {.c = c,
				.o = o,
				.s = s,
				.tables = {{.keys = manager_keys, .values = v}},
				.n_tables = 1,
				.specials = manager_specials,
				.data = v};
	int e;

	if (s->title) {
		conf_error(c, o, s, NULL, "[Manager] takes no title");
		return 0;
	}
	e = conf_read_section(&r);
	if (conf_has(&r.tables[0], "Workers"))
		ret->workers = v->workers;
	if (conf_has(&r.tables[0], "ConnectionsMaxPerUser"))
		ret->connections_max = v->connections_max;
	if (conf_has(&r.tables[0], "ParallelStarts"))
		ret->parallel_starts = v->parallel_starts;
	if (v->plugin_directory && v->plugin_directory[0] != '/')
		conf_error(c, o, s, conf_find_assign(s, "PluginDirectory"),
			   "expected an absolute path, not \"%.200s\"", v->plugin_directory);
	else if (e == 0 && v->plugin_directory)
		e = str_replace(&ret->plugin_directory, v->plugin_directory);
	if (e == 0 && v->socket_group)
		e = str_replace(&ret->socket_group, v->socket_group);
	return e;
}

static int read_settings(struct conf_loader *c, struct conf_object *o, struct daemon_settings *ret)
{
	static const char *const names[] = {"Manager", NULL};
	struct manager_values v = {.log_level = LOG_INFO,
				   .timeout_start = DEFAULT_TIMEOUT_START,
				   .socket_mode = 0666,
				   .audit = DEFAULT_AUDIT,
				   .receive_buffer = DEFAULT_BUFFER};
	char hint[64];
	int r = conf_read_object(c, o);

	for (const struct conf_section *s = o->sections; r == 0 && s; s = s->next)
		if (str_equal(s->name, "Manager"))
			r = read_manager(c, o, s, &v, ret);
		else
			conf_error(c, o, s, NULL, "unknown section '%s'; expected [Manager]%s", s->name,
				   conf_hint(s->name, names, hint, sizeof(hint)));
	ret->log_level = v.log_level;
	ret->timeout_start = v.timeout_start;
	ret->socket_mode = v.socket_mode;
	ret->audit = v.audit;
	ret->receive_buffer = v.receive_buffer;
	key_table_free(manager_keys, &v);
	return r;
}

int daemon_settings_load(const char *const *directories, struct daemon_settings *ret, struct diags *diags)
{
	static const struct registry no_registry;
	struct conf_loader c = {.registry = &no_registry, .diags = diags, .check_owner = true};
	struct daemon_settings settings = {.workers = 2, .connections_max = 128, .parallel_starts = 16};
	struct conf_object *o = NULL;
	int r = str_replace(&settings.socket_group, DEFAULT_SOCKET_GROUP);

	if (r == 0)
		r = conf_find_single(&c, directories, "netnsd.conf", &o);
	if (r == 0)
		r = read_settings(&c, o, &settings);
	conf_object_free(o);
	if (r < 0)
		daemon_settings_free(&settings);
	else
		*ret = settings;
	return r;
}

void daemon_settings_free(struct daemon_settings *s)
{
	free(s->plugin_directory);
	free(s->socket_group);
	s->plugin_directory = s->socket_group = NULL;
}
