/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Exec] of a *.container file: the keys of systemd.nspawn(5), to fields and to arguments. */
#include "config_container.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#define ENVIRONMENT_NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* --- lists ---------------------------------------------------------------------------------------- */

static int set_environment(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	int e = conf_split_words(r, a, &words);

	if (!a->value[0])
		conf_drop_arguments(r, a->key);
	for (char **w = words; e == 0 && w && *w; w++) {
		size_t n = strspn(*w, ENVIRONMENT_NAME);

		if (n == 0 || (*w)[n] != '=' || ((*w)[0] >= '0' && (*w)[0] <= '9'))
			conf_error(r->c, r->o, r->s, a,
				   "expected NAME=VALUE with a name of letters, digits and '_', not "
				   "\"%.64s\"; a "
				   "value with blanks is written \"NAME=VALUE\", in quotes",
				   *w);
		else
			e = conf_add_argument(r, a, f->option, *w);
	}
	return e == -ENOMEM ? e : 0;
}

static int set_user(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !conf_user_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a, "expected the name or number of a user, not \"%.48s\"",
			   a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, a->value) : 0;
}

/* Bits to "CAP_CHOWN,CAP_KILL". */
static char *capability_names(uint64_t bits)
{
	struct strbuf out = {0};

	if (bits == UINT64_MAX)
		strbuf_puts(&out, "all");
	for (cap_value_t n = 0; bits != UINT64_MAX && n < 64; n++) {
		char *name = bits >> n & 1 ? cap_to_name(n) : NULL;

		if (!name)
			continue;
		for (char *p = name; *p; p++)
			*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
		strbuf_printf(&out, "%s%s", out.length > 0 ? "," : "", name);
		cap_free(name);
	}
	return strbuf_finish(&out);
}

/* All lines of a key become one argument. */
static int set_capability(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	struct container_builder *b = conf_builder(r);
	uint64_t *bits = str_equal(a->key, "Capability")       ? &b->added
			 : str_equal(a->key, "DropCapability") ? &b->dropped
							       : &b->ambient;
	_cleanup_(strv_freep) char **words = NULL;
	_cleanup_free_ char *names = NULL;
	int e = conf_split_words(r, a, &words);

	if (e < 0)
		return e == -ENOMEM ? e : 0;
	if (!a->value[0])
		*bits = 0;
	for (char **w = words; w && *w; w++) {
		uint64_t one;

		if (bits == &b->ambient && str_equal(*w, "all"))
			conf_error(r->c, r->o, r->s, a, "AmbientCapability= does not take all; name them");
		else if (conf_parse_capability(r, a, *w, bits != &b->ambient, &one))
			*bits |= one;
	}
	conf_drop_arguments(r, a->key);
	if (*bits == 0)
		return 0;
	names = capability_names(*bits);
	return names ? conf_add_argument(r, a, f->option, names) : -ENOMEM;
}

/* Words of these characters, the first with a '~' that negates the list; one argument a line. */
static int add_filter(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f,
		      const char *characters, const char *expected)
{
	_cleanup_(strv_freep) char **words = NULL;
	_cleanup_free_ char *list = NULL;
	int e = conf_split_words(r, a, &words);

	if (!a->value[0])
		conf_drop_arguments(r, a->key);
	if (e < 0 || !words)
		return e == -ENOMEM ? e : 0;
	for (char **w = words; *w; w++) {
		const char *name = *w + (w == words && (*w)[0] == '~');

		/* "@mount": a group. */
		name += *name == '@';
		if (*name && strlen(name) <= 64 && strspn(name, characters) == strlen(name))
			continue;
		conf_error(r->c, r->o, r->s, a,
			   "expected %s, the first with a '~' before it to forbid them, not "
			   "\"%.64s\"",
			   expected, *w);
		return 0;
	}
	list = strv_join(words, " ");
	return list ? conf_add_argument(r, a, f->option, list) : -ENOMEM;
}

/* Which there are depends on the installed nspawn. */
static int set_syscall_filter(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	return add_filter(r, a, f, "abcdefghijklmnopqrstuvwxyz0123456789_-",
			  "names of system calls or groups of them such as @mount");
}

static int set_address_families(struct conf_reader *r, const struct conf_assign *a,
				const struct conf_field *f)
{
	const char *name = a->value + (a->value[0] == '~');

	if (a->value[0] && !str_equal(name, "none") && !str_starts_with(name, "AF_")) {
		conf_error(r->c, r->o, r->s, a,
			   "expected none or names such as AF_INET, the first with a '~' before it to forbid "
			   "them, "
			   "not \"%.64s\"",
			   a->value);
		return 0;
	}
	return add_filter(r, a, f, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_none", "names such as AF_INET");
}

/* --- limits ----------------------------------------------------------------------------------------- */

enum limit_unit { LIMIT_NUMBER, LIMIT_BYTES, LIMIT_SECONDS, LIMIT_USEC, LIMIT_NICE };

static const struct limit {
	const char *name;
	enum limit_unit unit;
} limits[] = {
	{"CPU", LIMIT_SECONDS},	   {"FSIZE", LIMIT_BYTES},  {"DATA", LIMIT_BYTES},
	{"STACK", LIMIT_BYTES},	   {"CORE", LIMIT_BYTES},   {"RSS", LIMIT_BYTES},
	{"NOFILE", LIMIT_NUMBER},  {"AS", LIMIT_BYTES},	    {"NPROC", LIMIT_NUMBER},
	{"MEMLOCK", LIMIT_BYTES},  {"LOCKS", LIMIT_NUMBER}, {"SIGPENDING", LIMIT_NUMBER},
	{"MSGQUEUE", LIMIT_BYTES}, {"NICE", LIMIT_NICE},    {"RTPRIO", LIMIT_NUMBER},
	{"RTTIME", LIMIT_USEC},
};

/* "+5" and "-5" are nice levels, a number is the limit as the kernel has it: 20 minus the level. */
static bool parse_nice(const char *text, uint64_t *ret)
{
	int64_t level;

	if (text[0] != '+' && text[0] != '-')
		return parse_u64(text, ret) == 0 && *ret <= 40;
	if (parse_s64(text, &level) < 0 || level < -20 || level > 19)
		return false;
	*ret = (uint64_t)(20 - level);
	return true;
}

static bool parse_limit_value(enum limit_unit unit, const char *text, uint64_t *ret)
{
	if (str_equal(text, "infinity")) {
		*ret = UINT64_MAX;
		return true;
	}
	switch (unit) {
	case LIMIT_BYTES: return parse_size(text, ret) == 0 && *ret < UINT64_MAX;
	case LIMIT_SECONDS: return parse_usec(text, ret) == 0;
	/* Without a unit they are microseconds: systemd's reader takes them so. */
	case LIMIT_USEC: return parse_u64(text, ret) == 0 || parse_usec(text, ret) == 0;
	case LIMIT_NICE: return parse_nice(text, ret);
	default: return parse_u64(text, ret) == 0 && *ret < UINT64_MAX;
	}
}

static const char *limit_expectation(enum limit_unit unit)
{
	static const char *const texts[] = {
		[LIMIT_NUMBER] = "a number",
		[LIMIT_BYTES] = "a size such as 64M",
		[LIMIT_SECONDS] = "a time span such as 30s",
		[LIMIT_USEC] = "a time span such as 50ms",
		[LIMIT_NICE] = "a nice level with its sign, from -20 to +19, or a number from 0 to 40",
	};

	return texts[unit];
}

/* "SOFT:HARD", or one for both. */
static bool limit_is_valid(const struct limit *l, const char *value)
{
	uint64_t soft, hard;
	const char *colon = strchr(value, ':');
	char first[128];

	if (!colon)
		return parse_limit_value(l->unit, value, &soft);
	if ((size_t)(colon - value) >= sizeof(first))
		return false;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(colon - value), value);
	return parse_limit_value(l->unit, first, &soft) && parse_limit_value(l->unit, colon + 1, &hard) &&
	       soft <= hard;
}

static int set_limit(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	const char *name = a->key + strlen("Limit");
	const struct limit *l = limits;
	char text[256];

	while (!str_equal(l->name, name))
		l++;
	if (a->value[0] && (strlen(a->value) > 200 || !limit_is_valid(l, a->value))) {
		conf_error(
			r->c, r->o, r->s, a,
			"expected %s, infinity, or two of them as SOFT:HARD, the first not above the second, "
			"not \"%.64s\"",
			limit_expectation(l->unit), a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	(void)snprintf(text, sizeof(text), "%s=%s", name, a->value);
	return a->value[0] ? conf_add_argument(r, a, f->option, text) : 0;
}

static int set_oom(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	int64_t number = 0;
	char text[32];

	if (a->value[0] && (parse_s64(a->value, &number) < 0 || number < -1000 || number > 1000)) {
		conf_error(r->c, r->o, r->s, a, "expected a number from -1000 to 1000, not \"%.48s\"",
			   a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	(void)snprintf(text, sizeof(text), "%d", (int)number);
	return a->value[0] ? conf_add_argument(r, a, f->option, text) : 0;
}

/* --- CPUs ------------------------------------------------------------------------------------------- */

static bool parse_cpu_range(const char *word, uint64_t *low, uint64_t *high)
{
	const char *dash = strchr(word, '-');
	char first[16];

	if (!dash)
		return parse_u64(word, low) == 0 && (*high = *low) < CPU_SETSIZE;
	if ((size_t)(dash - word) >= sizeof(first))
		return false;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(dash - word), word);
	return parse_u64(first, low) == 0 && parse_u64(dash + 1, high) == 0 && *low <= *high &&
	       *high < CPU_SETSIZE;
}

/* Of several arguments nspawn takes the last, so that all lines must become one. */
static int set_cpu_affinity(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	const char *before = conf_last_argument(r, a->key);
	_cleanup_free_ char *copy = strdup(a->value), *list = NULL;
	struct strbuf out = {0};
	int e;

	if (!copy)
		return -ENOMEM;
	if (before && a->value[0])
		strbuf_puts(&out, before + strlen(f->option) + 1);
	for (char *rest = copy, *word; (word = strsep(&rest, " \t,"));) {
		uint64_t low, high;

		if (!*word)
			continue;
		if (!parse_cpu_range(word, &low, &high) || out.length > 16384) {
			conf_error(r->c, r->o, r->s, a,
				   "expected CPUs and ranges of them such as 0-3 7, below %d, not \"%.48s\"",
				   CPU_SETSIZE, word);
			strbuf_free(&out);
			return 0;
		}
		strbuf_printf(&out, "%s%s", out.length > 0 ? "," : "", word);
	}
	list = strbuf_finish(&out);
	if (!list)
		return -ENOMEM;
	conf_drop_arguments(r, a->key);
	e = list[0] ? conf_add_argument(r, a, f->option, list) : 0;
	return e;
}

/* --- one value -------------------------------------------------------------------------------------- */

static int set_hostname(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !container_name_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected a host name of letters, digits, '-' and '.', at most %d characters, not "
			   "\"%.80s\"",
			   CONTAINER_NAME_MAX, a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, a->value) : 0;
}

static int set_pivot_root(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **pieces = NULL;
	int e = a->value[0] ? conf_split_colons(a->value, &pieces) : 0;
	bool valid = e == 0 && strv_length(pieces) <= 2;

	if (e == -ENOMEM)
		return e;
	for (char **p = pieces; valid && p && *p; p++)
		valid = conf_path_is_valid(*p);
	if (!valid) {
		conf_error(r->c, r->o, r->s, a,
			   "expected NEW or NEW:OLD, absolute paths inside the container, not \"%.200s\"",
			   a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, a->value) : 0;
}

/* nspawn's: a boolean, pick, identity, managed (257), or FIRST[:COUNT]. */
static bool private_users_is_valid(const char *value)
{
	static const char *const words[] = {"pick", "identity", "managed", NULL};
	const char *colon = strchr(value, ':');
	uint64_t first, count = 65536;
	char text[32];
	bool flag;

	for (const char *const *w = words; *w; w++)
		if (str_equal(*w, value))
			return true;
	if (parse_bool(value, &flag) == 0 && !str_equal(value, "0") && !str_equal(value, "1"))
		return true;
	(void)snprintf(text, sizeof(text), "%.*s", (int)(colon ? colon - value : 31), value);
	if ((colon && colon - value > 20) || parse_u64(text, &first) < 0 ||
	    (colon && parse_u64(colon + 1, &count) < 0))
		return false;
	return count > 0 && first < UINT32_MAX && count < UINT32_MAX && first + count < UINT32_MAX;
}

static int set_private_users(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !private_users_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected yes, no, pick, identity, managed or FIRST[:COUNT], not \"%.48s\"",
			   a->value);
		return 0;
	}
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, a->value) : 0;
}

bool conf_private_users_wanted(const struct conf_object *o)
{
	const struct conf_section *s = conf_find_section(o, "Exec");
	const struct conf_assign *a = s ? conf_find_assign(s, "PrivateUsers") : NULL;
	bool flag;

	if (!a || !a->value[0])
		return false;
	/* To nspawn a 0 is the first user of a range. */
	return str_equal(a->value, "0") || parse_bool(a->value, &flag) < 0 || flag;
}

/* --- the table ----------------------------------------------------------------------------------------- */

/* What this machine can be told to be: what the kernel runs besides its own. */
static const char *const personalities[] = {
#if defined(__x86_64__)
	"x86-64", "x86",
#elif defined(__aarch64__)
	"arm64", "arm",
#elif defined(__s390x__)
	"s390x", "s390",
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	"ppc64-le", "ppc-le",
#elif defined(__powerpc64__)
	"ppc64", "ppc",
#elif defined(__i386__)
	"x86",
#elif defined(__riscv) && __riscv_xlen == 64
	"riscv64",
#else
	"native",
#endif
	NULL};
static const char *const resolv_modes[] = {"off",	   "copy-host",	   "copy-static",    "copy-uplink",
					   "copy-stub",	   "replace-host", "replace-static", "replace-uplink",
					   "replace-stub", "bind-host",	   "bind-static",    "bind-uplink",
					   "bind-stub",	   "delete",	   "auto",	     NULL};
static const char *const timezone_modes[] = {"off", "copy", "bind", "symlink", "delete", "auto", NULL};
static const char *const journal_modes[] = {"no", "host", "try-host", "guest", "try-guest", "auto", NULL};

#define AT(field) offsetof(struct container_settings, field)
#define LIMIT(name)                                                                                          \
	{                                                                                                    \
		"Limit" name, set_limit, 0, "--rlimit", NULL, 0                                              \
	}
const struct conf_field conf_exec_fields[] = {
	{"Boot", conf_set_bool, AT(boot), NULL, NULL, 0},
	{"Ephemeral", conf_set_bool, AT(ephemeral), NULL, NULL, 0},
	{"NotifyReady", conf_set_bool, AT(notify_ready), NULL, NULL, 0},
	{"Parameters", conf_set_words, AT(parameters), NULL, NULL, 0},
	{"KillSignal", conf_set_signal, AT(kill_signal), NULL, NULL, 0},
	{"ResolvConf", conf_set_word, AT(resolv_conf), NULL, resolv_modes, 0},
	{"ProcessTwo", conf_argument_flag, 0, "--as-pid2", NULL, 0},
	{"Environment", set_environment, 0, "--setenv", NULL, 0},
	{"User", set_user, 0, "--user", NULL, 0},
	{"WorkingDirectory", conf_argument_path, 0, "--chdir", NULL, 0},
	{"PivotRoot", set_pivot_root, 0, "--pivot-root", NULL, 0},
	{"Capability", set_capability, 0, "--capability", NULL, 0},
	{"DropCapability", set_capability, 0, "--drop-capability", NULL, 0},
	{"AmbientCapability", set_capability, 0, "--ambient-capability", NULL, 0},
	{"NoNewPrivileges", conf_argument_bool, 0, "--no-new-privileges", NULL, 0},
	{"Personality", conf_argument_word, 0, "--personality", personalities, 0},
	{"PrivateUsers", set_private_users, 0, "--private-users", NULL, 0},
	{"SystemCallFilter", set_syscall_filter, 0, "--system-call-filter", NULL, 0},
	{"RestrictAddressFamilies", set_address_families, 0, "--restrict-address-families", NULL, 0},
	LIMIT("CPU"),
	LIMIT("FSIZE"),
	LIMIT("DATA"),
	LIMIT("STACK"),
	LIMIT("CORE"),
	LIMIT("RSS"),
	LIMIT("NOFILE"),
	LIMIT("AS"),
	LIMIT("NPROC"),
	LIMIT("MEMLOCK"),
	LIMIT("LOCKS"),
	LIMIT("SIGPENDING"),
	LIMIT("MSGQUEUE"),
	LIMIT("NICE"),
	LIMIT("RTPRIO"),
	LIMIT("RTTIME"),
	{"OOMScoreAdjust", set_oom, 0, "--oom-score-adjust", NULL, 0},
	{"CPUAffinity", set_cpu_affinity, 0, "--cpu-affinity", NULL, 0},
	{"Hostname", set_hostname, 0, "--hostname", NULL, 0},
	{"Timezone", conf_argument_word, 0, "--timezone", timezone_modes, 0},
	{"LinkJournal", conf_argument_word, 0, "--link-journal", journal_modes, 0},
	{"SuppressSync", conf_argument_bool, 0, "--suppress-sync", NULL, 0},
	{NULL, NULL, 0, NULL, NULL, 0},
};
