/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Service] of a *.container file: the keys of systemd.service(5), systemd.exec(5) and
 * systemd.resource-control(5) that netnsd has, and its own health checks. */
#include "config_container.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#define CREDENTIAL_ID_MAX 255
#define MEMORY_MIN	  4096

/* --- restart ---------------------------------------------------------------------------------------- */

static int set_restart(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	enum restart_when *when = conf_field_of(r, f);
	const char *names[RESTART_WHEN_COUNT + 1] = {NULL};
	const struct conf_field words = {.words = names};
	const char *word;

	for (int i = 0; i < RESTART_WHEN_COUNT; i++)
		names[i] = restart_when_to_string((enum restart_when)i);
	if (!a->value[0])
		*when = RESTART_NO;
	else if (conf_parse_word(r, a, &words, &word))
		(void)restart_when_from_string(word, when);
	return 0;
}

/* Adds to the default, which an empty value takes away, as systemd has it. */
static int set_exit_set(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	struct exit_set *set = conf_field_of(r, f);
	int e = conf_split_words(r, a, &words);

	if (e < 0)
		return e == -ENOMEM ? e : 0;
	if (!a->value[0])
		*set = (struct exit_set){.signals = 0};
	for (char **w = words; w && *w; w++)
		if (exit_set_add(set, *w) < 0)
			conf_error(r->c, r->o, r->s, a,
				   "expected exit statuses from 0 to 255, their names such as TEMPFAIL, and "
				   "signals "
				   "such as SIGKILL, not \"%.48s\"",
				   *w);
	return 0;
}

static int set_timeout(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	struct conf_field one = *f;
	int e;

	one.flags = CONF_ZERO_IS_INFINITY;
	one.offset = offsetof(struct container_settings, timeout_start);
	e = conf_set_span(r, a, &one);
	/* The same sentence twice helps nobody: it is wrong for both or for none. */
	if (e == 0)
		conf_builder(r)->settings->timeout_stop = conf_builder(r)->settings->timeout_start;
	return e;
}

/* --- credentials --------------------------------------------------------------------------------------- */

/* A file name that is printable ASCII without ':'. */
static bool credential_id_is_valid(const char *id)
{
	size_t length = strlen(id);

	if (length == 0 || length > CREDENTIAL_ID_MAX || str_equal(id, ".") || str_equal(id, ".."))
		return false;
	for (; *id; id++)
		if (*id < ' ' || *id > '~' || *id == ':' || *id == '/')
			return false;
	return true;
}

static void drop_credential(struct container_settings *c, size_t i)
{
	free(c->credentials[i].id);
	free(c->credentials[i].path);
	free(c->credentials[i].value);
	c->n_credentials--;
	memmove(&c->credentials[i], &c->credentials[i + 1], (c->n_credentials - i) * sizeof(*c->credentials));
}

/* Those that this key gave. */
static void drop_credentials(struct container_settings *c, bool loaded)
{
	for (size_t i = c->n_credentials; i > 0; i--)
		if ((c->credentials[i - 1].path != NULL) == loaded)
			drop_credential(c, i - 1);
}

/* Takes over what `new` owns. A later one with the same name replaces. */
static int add_credential(struct conf_reader *r, const struct conf_assign *a, struct credential *new)
{
	struct container_settings *c = conf_builder(r)->settings;
	struct credential *grown;

	for (size_t i = 0; i < c->n_credentials; i++) {
		if (!str_equal(c->credentials[i].id, new->id))
			continue;
		if (!c->credentials[i].path != !new->path) {
			conf_error(
				r->c, r->o, r->s, a,
				"the credential '%s' is in both LoadCredential= and SetCredential=; keep one",
				new->id);
			return 0;
		}
		drop_credential(c, i);
		break;
	}
	if (c->n_credentials >= CONF_CREDENTIALS_MAX) {
		conf_error(r->c, r->o, r->s, a, "more than %d credentials", CONF_CREDENTIALS_MAX);
		return 0;
	}
	grown = conf_grow(c->credentials, c->n_credentials, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->credentials = grown;
	grown[c->n_credentials++] = *new;
	*new = (struct credential){.id = NULL};
	return 0;
}

static void credential_clear(struct credential *c)
{
	free(c->id);
	free(c->path);
	free(c->value);
}

/* "ID:REST"; 0 with id NULL after telling that it is none. */
static int credential_id(struct conf_reader *r, const struct conf_assign *a, const char *form,
			 struct credential *ret, const char **ret_rest)
{
	const char *colon = strchr(a->value, ':');

	ret->id = colon ? strndup(a->value, (size_t)(colon - a->value)) : NULL;
	if (colon && !ret->id)
		return -ENOMEM;
	if (ret->id && credential_id_is_valid(ret->id)) {
		*ret_rest = colon + 1;
		return 0;
	}
	conf_error(
		r->c, r->o, r->s, a,
		"expected %s with a name of at most %d printable ASCII characters without ':' and '/', not "
		"\"%.64s\"",
		form, CREDENTIAL_ID_MAX, a->value);
	free(ret->id);
	ret->id = NULL;
	return 0;
}

static int set_load_credential(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(credential_clear) struct credential new = {.id = NULL};
	const char *path = NULL;
	int e;

	(void)f;
	if (!a->value[0]) {
		drop_credentials(conf_builder(r)->settings, true);
		return 0;
	}
	e = credential_id(r, a, "ID:PATH", &new, &path);
	if (e < 0 || !new.id)
		return e;
	if (!conf_path_is_valid(path)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected ID:PATH with an absolute path without \".\" and \"..\" in it, not "
			   "\"%.200s\"",
			   a->value);
		return 0;
	}
	new.path = conf_path_simplify(path);
	return new.path ? add_credential(r, a, &new) : -ENOMEM;
}

static int set_set_credential(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(credential_clear) struct credential new = {.id = NULL};
	const char *text = NULL;
	int e;

	(void)f;
	if (!a->value[0]) {
		drop_credentials(conf_builder(r)->settings, false);
		return 0;
	}
	e = credential_id(r, a, "ID:VALUE", &new, &text);
	if (e < 0 || !new.id)
		return e;
	e = parse_escaped(text, &new.value, &new.length);
	if (e == -EINVAL) {
		conf_error(r->c, r->o, r->s, a,
			   "the value of the credential '%s' has a backslash with nothing known behind it; "
			   "C-style "
			   "escapes are taken, and a backslash is written twice",
			   new.id);
		return 0;
	}
	return e < 0 ? e : add_credential(r, a, &new);
}

/* --- resources ------------------------------------------------------------------------------------------ */

/* "50%" or "12.5%" to hundredths of a percent; false: none. */
static bool parse_percent(const char *text, uint64_t max, uint64_t *ret)
{
	size_t whole = strspn(text, "0123456789"), fraction = 0;
	uint64_t number = 0;

	if (whole == 0 || whole > 9)
		return false;
	for (size_t i = 0; i < whole; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	number *= 100;
	text += whole;
	if (*text == '.') {
		fraction = strspn(text + 1, "0123456789");
		if (fraction == 0 || fraction > 2)
			return false;
		number += (uint64_t)(text[1] - '0') * 10 + (fraction > 1 ? (uint64_t)(text[2] - '0') : 0);
		text += 1 + fraction;
	}
	if (!str_equal(text, "%") || number > max)
		return false;
	*ret = number;
	return true;
}

static int set_memory_max(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	uint64_t *field = conf_field_of(r, f), bytes = 0, percent;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (!a->value[0])
		bytes = 0;
	else if (str_equal(a->value, "infinity"))
		bytes = UINT64_MAX;
	else if (pages > 0 && page > 0 && parse_percent(a->value, 10000, &percent))
		bytes = (uint64_t)pages * percent / 10000 * (uint64_t)page;
	else if (parse_size(a->value, &bytes) < 0)
		bytes = 0;
	if (a->value[0] && bytes < MEMORY_MIN) {
		conf_error(r->c, r->o, r->s, a,
			   "expected a size such as 512M of at least %d bytes, a percentage of the memory of "
			   "the "
			   "machine, or infinity, not \"%.48s\"",
			   MEMORY_MIN, a->value);
		return 0;
	}
	*field = bytes;
	return 0;
}

static int set_tasks_max(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	uint64_t *field = conf_field_of(r, f), number = 0;

	if (str_equal(a->value, "infinity"))
		number = UINT64_MAX;
	else if (a->value[0] && (parse_u64(a->value, &number) < 0 || number < 1 || number == UINT64_MAX)) {
		conf_error(r->c, r->o, r->s, a, "expected a number from 1, or infinity, not \"%.48s\"%s",
			   a->value, str_ends_with(a->value, "%") ? "; percentages are not taken here" : "");
		return 0;
	}
	*field = number;
	return 0;
}

static int set_cpu_quota(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	uint64_t *field = conf_field_of(r, f), percent = 0;

	/* 4096 CPUs and more than that are nobody's. */
	if (a->value[0] && (!parse_percent(a->value, 4096 * UINT64_C(10000), &percent) || percent == 0))
		conf_error(r->c, r->o, r->s, a,
			   "expected a percentage of one processor above 0%%, such as 50%% or 200%%, not "
			   "\"%.48s\"",
			   a->value);
	else
		*field = percent * 100; /* a hundredth of a percent of a second is 100 usec */
	return 0;
}

/* "/dev/net/tun", "char-pts", "block-*": what systemd takes. */
static bool device_is_valid(const char *device)
{
	if (str_starts_with(device, "/dev/"))
		return conf_path_is_valid(device) && !str_ends_with(device, "/");
	return (str_starts_with(device, "char-") && device[5]) ||
	       (str_starts_with(device, "block-") && device[6]);
}

static int set_device_allow(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	_cleanup_free_ char *text = NULL;
	char ***field = conf_field_of(r, f);
	size_t n;
	int e = conf_split_words(r, a, &words);

	if (e < 0)
		return e == -ENOMEM ? e : 0;
	if (!a->value[0]) {
		strv_free(*field);
		*field = NULL;
		return 0;
	}
	n = strv_length(words);
	if (n < 1 || n > 2 || !device_is_valid(words[0]) ||
	    (n == 2 && (!words[1][0] || strlen(words[1]) > 3 || words[1][strspn(words[1], "rwm")]))) {
		conf_error(r->c, r->o, r->s, a,
			   "expected a device such as /dev/net/tun, char-NAME or block-NAME, and which of r, "
			   "w and "
			   "m (make) is allowed, not \"%.64s\"",
			   a->value);
		return 0;
	}
	if (strv_length(*field) >= CONF_DEVICES_MAX) {
		conf_error(r->c, r->o, r->s, a, "more than %d devices", CONF_DEVICES_MAX);
		return 0;
	}
	if (asprintf(&text, "%s %s", words[0], n == 2 ? words[1] : "rwm") < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return strv_push(field, text);
}

/* "machine.slice", "machine-lab.slice": dashes are the way down the tree. */
static bool slice_is_valid(const char *name)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\-";
	size_t length = strlen(name);

	if (length > 255 || !str_ends_with(name, ".slice") || strspn(name, known) != length)
		return false;
	length -= strlen(".slice");
	if (length == 1 && name[0] == '-')
		return true;
	return length > 0 && name[0] != '-' && name[length - 1] != '-' && !strstr(name, "--");
}

static int set_slice(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !slice_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected the name of a slice such as machine.slice or machine-lab.slice, not "
			   "\"%.64s\"",
			   a->value);
		return 0;
	}
	return str_replace(conf_field_of(r, f), a->value[0] ? a->value : NULL);
}

/* --- conditions and order --------------------------------------------------------------------------------
 */

static int set_condition(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	struct container_settings *c = conf_builder(r)->settings;
	bool negated = a->value[0] == '!';
	const char *word = a->value + negated;
	uint64_t bits;

	(void)f;
	if (!a->value[0]) {
		c->capabilities = c->capabilities_not = 0;
		return 0;
	}
	if (a->value[0] == '|') {
		conf_error(r->c, r->o, r->s, a,
			   "conditions of which one is enough (with '|') are not taken; all must be met");
		return 0;
	}
	if (conf_parse_capability(r, a, word + strspn(word, " \t"), false, &bits))
		*(negated ? &c->capabilities_not : &c->capabilities) |= bits;
	return 0;
}

/* After=, Requires=: "db" or "db.container". Whether they are there is looked at later. */
static int set_others(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	char ***field = conf_field_of(r, f);
	int e = conf_split_words(r, a, &words);

	if (!a->value[0]) {
		strv_free(*field);
		*field = NULL;
	}
	for (char **w = words; e == 0 && w && *w; w++) {
		if (str_ends_with(*w, ".container"))
			(*w)[strlen(*w) - strlen(".container")] = '\0';
		if (!container_name_is_valid(*w))
			conf_error(r->c, r->o, r->s, a, "expected names of containers, not \"%.80s\"", *w);
		else if (strv_length(*field) >= CONF_WORDS_MAX)
			conf_error(r->c, r->o, r->s, a, "more than %d containers", CONF_WORDS_MAX);
		else if (!strv_contains(*field, *w))
			e = strv_push(field, *w);
	}
	return e == -ENOMEM ? e : 0;
}

/* --- health -----------------------------------------------------------------------------------------------
 */

/* "80", "10.0.0.1:80", "[fd00::1]:80" */
static bool tcp_is_valid(const char *text)
{
	const char *port = strrchr(text, ':');
	struct netnsd_ip ip;
	char address[64];
	uint64_t number;
	size_t length;

	if (port) {
		bool brackets = text[0] == '[' && port > text && port[-1] == ']';

		length = (size_t)(port - text) - (brackets ? 2 : 0);
		if (length >= sizeof(address))
			return false;
		(void)snprintf(address, sizeof(address), "%.*s", (int)length, text + brackets);
		if (parse_ip(address, &ip) < 0 || (ip.family == 10) != brackets)
			return false;
	}
	port = port ? port + 1 : text;
	return *port && !port[strspn(port, "0123456789")] && parse_u64(port, &number) == 0 &&
	       port[0] != '0' && number <= 65535;
}

static int set_health_tcp(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !tcp_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected PORT, ADDRESS:PORT or [ADDRESS6]:PORT, a port from 1 to 65535, not "
			   "\"%.64s\"",
			   a->value);
		return 0;
	}
	return str_replace(conf_field_of(r, f), a->value[0] ? a->value : NULL);
}

static int set_health_action(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	enum health_action *action = conf_field_of(r, f);
	const char *word;

	if (!a->value[0])
		*action = conf_builder(r)->defaults.health_action;
	else if (conf_parse_word(r, a, f, &word))
		(void)health_action_from_string(word, action);
	return 0;
}

/* --- the table
 * ----------------------------------------------------------------------------------------------- */

static const char *const device_policies[] = {"auto", "closed", "strict", NULL};
static const char *const health_actions[] = {"restart", "stop", "report", NULL};

#define AT(field) offsetof(struct container_settings, field)
const struct conf_field conf_service_fields[] = {
	{"Restart", set_restart, AT(restart.when), NULL, NULL, 0},
	{"RestartSec", conf_set_span, AT(restart.delay), NULL, NULL, 0},
	{"RestartSteps", conf_set_unsigned, AT(restart.steps), NULL, NULL, 0},
	{"RestartMaxDelaySec", conf_set_span, AT(restart.max_delay), NULL, NULL, CONF_NOT_ZERO},
	{"RestartForceExitStatus", set_exit_set, AT(restart.force), NULL, NULL, 0},
	{"RestartPreventExitStatus", set_exit_set, AT(restart.prevent), NULL, NULL, 0},
	{"SuccessExitStatus", set_exit_set, AT(restart.success), NULL, NULL, 0},
	{"StartLimitIntervalSec", conf_set_span, AT(restart.limit_interval), NULL, NULL, 0},
	{"StartLimitBurst", conf_set_unsigned, AT(restart.limit_burst), NULL, NULL, 0},
	{"TimeoutStartSec", conf_set_span, AT(timeout_start), NULL, NULL, CONF_ZERO_IS_INFINITY},
	{"TimeoutStopSec", conf_set_span, AT(timeout_stop), NULL, NULL, CONF_ZERO_IS_INFINITY},
	{"TimeoutSec", set_timeout, 0, NULL, NULL, 0},
	{"KillSignal", conf_set_signal, AT(kill_signal), NULL, NULL, 0},
	{"WatchdogSec", conf_set_span, AT(watchdog), NULL, NULL, CONF_INFINITY_IS_ZERO},
	{"LoadCredential", set_load_credential, 0, NULL, NULL, 0},
	{"SetCredential", set_set_credential, 0, NULL, NULL, 0},
	{"MemoryMax", set_memory_max, AT(memory_max), NULL, NULL, 0},
	{"TasksMax", set_tasks_max, AT(tasks_max), NULL, NULL, 0},
	{"CPUQuota", set_cpu_quota, AT(cpu_quota), NULL, NULL, 0},
	{"DevicePolicy", conf_set_word, AT(device_policy), NULL, device_policies, 0},
	{"DeviceAllow", set_device_allow, AT(device_allow), NULL, NULL, 0},
	{"Slice", set_slice, AT(slice), NULL, NULL, 0},
	{"ConditionCapability", set_condition, 0, NULL, NULL, 0},
	{"After", set_others, AT(after), NULL, NULL, 0},
	{"Requires", set_others, AT(requires), NULL, NULL, 0},
	{"HealthCmd", conf_set_words, AT(health_cmd), NULL, NULL, 0},
	{"HealthTcp", set_health_tcp, AT(health_tcp), NULL, NULL, 0},
	{"HealthIntervalSec", conf_set_span, AT(health_interval), NULL, NULL, CONF_NOT_ZERO},
	{"HealthTimeoutSec", conf_set_span, AT(health_timeout), NULL, NULL, CONF_NOT_ZERO},
	{"HealthRetries", conf_set_unsigned, AT(health_retries), NULL, NULL, CONF_NOT_ZERO},
	{"HealthAction", set_health_action, AT(health_action), NULL, health_actions, 0},
	{NULL, NULL, 0, NULL, NULL, 0},
};
