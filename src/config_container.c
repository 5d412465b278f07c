/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One *.container file's sections to struct container_settings: [Container] itself, who reads which of the
 * others, and what the keys of one file must not say together.
 */
#include "config_container.h"

#include "cleanup.h"
#include "nspawn.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <systemd/sd-id128.h>

#define ROOT_SIZE_MIN (64 * 1024)

/* --- [Container] ------------------------------------------------------------------------------------- */

static int set_namespace(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	char **field = conf_field_of(r, f);

	if (!a->value[0])
		return str_replace(field, r->o->name);
	if (netns_name_is_valid(a->value))
		return str_replace(field, a->value);
	conf_error(r->c, r->o, r->s, a,
		   "expected the name of a namespace, letters, digits and -_.:+@, not \"%.64s\"", a->value);
	return 0;
}

static int set_root_size(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	uint64_t *field = conf_field_of(r, f), bytes = 0;

	if (a->value[0] && (parse_size(a->value, &bytes) < 0 || bytes < ROOT_SIZE_MIN || bytes > INT64_MAX))
		conf_error(r->c, r->o, r->s, a, "expected a size such as 512M, at least 64K, not \"%.48s\"",
			   a->value);
	else
		*field = bytes;
	return 0;
}

static bool parse_mode(const char *text, mode_t *ret)
{
	size_t length = strlen(text);

	if (length < 1 || length > 4 || strspn(text, "01234567") != length)
		return false;
	*ret = (mode_t)strtoul(text, NULL, 8);
	return true;
}

/* The pieces of PATH[:MODE[:USER[:GROUP]]] into *ret: false when they are none, or without memory. */
static bool parse_directory(char *const *pieces, struct create_directory *ret, bool *no_memory)
{
	size_t n = strv_length(pieces);

	if (n > 4 || !conf_path_is_valid(pieces[0]) ||
	    (n > 1 && pieces[1][0] && !parse_mode(pieces[1], &ret->mode)) ||
	    (n > 2 && pieces[2][0] && !conf_user_is_valid(pieces[2])) ||
	    (n > 3 && pieces[3][0] && !conf_user_is_valid(pieces[3])))
		return false;
	ret->path = conf_path_simplify(pieces[0]);
	*no_memory = !ret->path || (n > 2 && pieces[2][0] && str_replace(&ret->user, pieces[2]) < 0) ||
		     (n > 3 && pieces[3][0] && str_replace(&ret->group, pieces[3]) < 0);
	return !*no_memory;
}

static void drop_directories(struct container_settings *c)
{
	for (size_t i = 0; i < c->n_directories; i++) {
		free(c->directories[i].path);
		free(c->directories[i].user);
		free(c->directories[i].group);
	}
	c->n_directories = 0;
}

static int set_create_directory(struct conf_reader *r, const struct conf_assign *a,
				const struct conf_field *f)
{
	struct container_settings *c = conf_builder(r)->settings;
	_cleanup_(strv_freep) char **pieces = NULL;
	struct create_directory new = {.mode = 0755}, *grown;
	bool no_memory = false;
	int e;

	(void)f;
	if (!a->value[0]) {
		drop_directories(c);
		return 0;
	}
	e = conf_split_colons(a->value, &pieces);
	if (e == -ENOMEM)
		return e;
	if (c->n_directories >= CONF_DIRECTORIES_MAX) {
		conf_error(r->c, r->o, r->s, a, "more than %d directories", CONF_DIRECTORIES_MAX);
		return 0;
	}
	grown = conf_grow(c->directories, c->n_directories, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->directories = grown;
	if (e == 0 && parse_directory(pieces, &new, &no_memory)) {
		grown[c->n_directories++] = new;
		return 0;
	}
	free(new.path);
	free(new.user);
	free(new.group);
	if (no_memory)
		return -ENOMEM;
	conf_error(
		r->c, r->o, r->s, a,
		"expected PATH[:MODE[:USER[:GROUP]]] with an absolute path and a mode in octal such as 0755, "
		"not \"%.200s\"",
		a->value);
	return 0;
}

/* One that this name always gets on this host, and that does not tell the host's own. */
static void stable_id(const char *name, sd_id128_t *ret)
{
	uint64_t first = hash_more(str_hash("netnsd container"), name, strlen(name));
	uint64_t second = hash_more(first, name, strlen(name) + 1);
	sd_id128_t of_name = {.qwords = {first, second}};

	if (sd_id128_get_machine_app_specific(of_name, ret) >= 0)
		return;
	/* A host without an id. As systemd makes them: random by its form. */
	*ret = of_name;
	ret->bytes[6] = (ret->bytes[6] & 0x0F) | 0x40;
	ret->bytes[8] = (ret->bytes[8] & 0x3F) | 0x80;
}

static int set_machine_id(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	char **field = conf_field_of(r, f), text[SD_ID128_STRING_MAX];
	sd_id128_t id;

	if (!a->value[0] || str_equal(a->value, "random"))
		return str_replace(field, NULL);
	if (str_equal(a->value, "stable"))
		stable_id(r->o->name, &id);
	else if (sd_id128_from_string(a->value, &id) < 0 || sd_id128_is_null(id)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected random, stable or 32 hexadecimal digits, not all 0, not \"%.48s\"",
			   a->value);
		return 0;
	}
	return str_replace(field, sd_id128_to_string(id, text));
}

static int set_register(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	enum container_register *field = conf_field_of(r, f);
	const char *word = NULL;

	if (!a->value[0])
		*field = REGISTER_AUTO;
	else if (conf_parse_word(r, a, f, &word))
		*field = str_equal(word, "auto")  ? REGISTER_AUTO
			 : str_equal(word, "yes") ? REGISTER_YES
						  : REGISTER_NO;
	return 0;
}

static int set_settings(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	const char *word = "no";

	if (a->value[0] && !conf_parse_word(r, a, f, &word))
		return 0;
	return str_replace(conf_field_of(r, f), word);
}

static const char *const register_words[] = {"auto", "yes", "no", NULL};
static const char *const settings_words[] = {"no", "yes", "override", "trusted", NULL};

#define AT(field) offsetof(struct container_settings, field)
const struct conf_field conf_container_fields[] = {
	{"Namespace", set_namespace, AT(netns), NULL, NULL, 0},
	{"Directory", conf_set_path, AT(directory), NULL, NULL, 0},
	{"Image", conf_set_path, AT(image), NULL, NULL, 0},
	{"Template", conf_set_path, AT(template), NULL, NULL, 0},
	{"Description", conf_set_text, AT(description), NULL, NULL, 0},
	{"AutoStart", conf_set_bool, AT(autostart), NULL, NULL, 0},
	{"RootSizeMax", set_root_size, AT(root_size_max), NULL, NULL, 0},
	{"CreateDirectory", set_create_directory, 0, NULL, NULL, 0},
	{"MachineID", set_machine_id, AT(machine_id), NULL, NULL, 0},
	{"Register", set_register, AT(registration), NULL, register_words, CONF_BOOLEAN_TOO},
	{"Settings", set_settings, AT(settings_mode), NULL, settings_words, CONF_BOOLEAN_TOO},
	{"ResetOnRestart", conf_set_bool, AT(reset_on_restart), NULL, NULL, 0},
	{"AfterNetwork", conf_set_bool, AT(after_network), NULL, NULL, 0},
	{NULL, NULL, 0, NULL, NULL, 0},
};
#undef AT

/* --- sections ------------------------------------------------------------------------------------------- */

static const struct conf_refusal container_refusals[] = {
	{"AutoDelete", "AutoDelete= belongs into [Namespace] of the *.netns file"},
	{NULL, NULL},
};
static const struct conf_refusal exec_refusals[] = {
	{"MachineID", "use MachineID= in [Container], which also takes random and stable"},
	{NULL, NULL},
};
static const struct conf_refusal files_refusals[] = {
	{"PrivateUsersChown", "use PrivateUsersOwnership=chown"},
	{NULL, NULL},
};
#define IS_NSPAWN "what is run is systemd-nspawn; Parameters= in [Exec] says what it runs"
static const struct conf_refusal service_refusals[] = {
	{"ExecStart", IS_NSPAWN},
	{"ExecStartPre", IS_NSPAWN},
	{"ExecStartPost", IS_NSPAWN},
	{"ExecStop", IS_NSPAWN},
	{"ExecStopPost", IS_NSPAWN},
	{"ExecReload", IS_NSPAWN},
	{"Type", "NotifyReady= in [Exec] says whether a start waits for the payload"},
	{"NotifyAccess", "NotifyReady= in [Exec] says whether a start waits for the payload"},
	{"KillMode",
	 "it is always mixed: the stop signal goes to systemd-nspawn, and SIGKILL to all that is left"},
	{"Delegate", "the cgroup of a container is always its own"},
	{"Before", "write After= into the file of the other container"},
	{"BindsTo", "use Requires= and After="},
	{"Wants", "start the other container by AutoStart= of its own, or use Requires="},
	{"Environment", "Environment= belongs into [Exec]"},
	{NULL, NULL},
};

static const struct container_section {
	const char *name;
	const struct conf_field *fields;
	const struct conf_refusal *refusals;
	const char *elsewhere; /* said of its keys in other sections */
} sections[] = {
	{"Container", conf_container_fields, container_refusals, "the key belongs into [Container]"},
	{"Exec", conf_exec_fields, exec_refusals, "the key belongs into [Exec]"},
	{"Files", conf_files_fields, files_refusals, "the key belongs into [Files]"},
	{"Service", conf_service_fields, service_refusals, "the key belongs into [Service]"},
};
#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

#define IN_NETNS "links and addresses belong into the *.netns file of its namespace"
static const struct conf_refusal foreign_sections[] = {
	{"Network", IN_NETNS},
	{"Namespace", "it belongs into the *.netns file; Namespace= in [Container] says which that is"},
	{"Address", IN_NETNS},
	{"Route", IN_NETNS},
	{"RoutingPolicyRule", IN_NETNS},
	{"Neighbor", IN_NETNS},
	{"Unit", "After= and Requires= belong into [Service], Description= into [Container]"},
	{"Install", "AutoStart= in [Container] says whether it is started with the daemon"},
	{NULL, NULL},
};

static int set_field(struct conf_reader *r, const struct conf_assign *a)
{
	const struct conf_field *f = conf_builder(r)->fields;

	while (!str_equal(f->name, a->key))
		f++;
	return f->set(r, a, f);
}

#define REFUSALS_MAX (N_SECTIONS * CONF_FIELDS_MAX)

/* Its own refusals, then what the other sections have. */
static void collect_refusals(const struct container_section *of, struct conf_refusal *ret)
{
	size_t n = 0;

	for (const struct conf_refusal *x = of->refusals; x->name; x++)
		ret[n++] = *x;
	for (size_t i = 0; i < N_SECTIONS; i++)
		for (const struct conf_field *f = sections[i].fields; &sections[i] != of && f->name; f++)
			ret[n++] = (struct conf_refusal){f->name, sections[i].elsewhere};
	ret[n] = (struct conf_refusal){NULL, NULL};
}

static int read_fields(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		       const struct container_section *section, struct container_builder *b)
{
	struct conf_special specials[CONF_FIELDS_MAX + 1] = {{NULL, NULL}};
	struct conf_refusal refusals[REFUSALS_MAX + 1];
	struct conf_reader r = {
		.c = c, .o = o, .s = s, .specials = specials, .refusals = refusals, .data = b};

	for (size_t n = 0; section->fields[n].name && n < CONF_FIELDS_MAX; n++)
		specials[n] = (struct conf_special){section->fields[n].name, set_field};
	collect_refusals(section, refusals);
	b->fields = section->fields;
	return conf_read_section(&r);
}

static void refuse_section(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	const char *names[N_SECTIONS + 1] = {NULL};
	char hint[160];

	for (const struct conf_refusal *f = foreign_sections; f->name; f++)
		if (str_equal(f->name, s->name)) {
			conf_error(c, o, s, NULL, "no section [%s] in *.container files: %s", s->name,
				   f->why);
			return;
		}
	if (registry_kind(c->registry, s->name)) {
		conf_error(c, o, s, NULL, "no section [%s] in *.container files: " IN_NETNS, s->name);
		return;
	}
	for (size_t i = 0; i < N_SECTIONS; i++)
		names[i] = sections[i].name;
	conf_error(c, o, s, NULL,
		   "unknown section '%s'; expected [Container], [Exec], [Files] or [Service]%s", s->name,
		   conf_hint(s->name, names, hint, sizeof(hint)));
}

static int read_section(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
			struct container_builder *b)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (!str_equal(sections[i].name, s->name))
			continue;
		if (!s->title)
			return read_fields(c, o, s, &sections[i], b);
		conf_error(c, o, s, NULL, "[%s] takes no title: a file declares one container", s->name);
		return 0;
	}
	refuse_section(c, o, s);
	return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------
 */

/* What the installed nspawn lacks, at the line that wants it. */
static void check_options(struct conf_loader *c, struct conf_object *o, const struct container_builder *b)
{
	const struct nspawn_features *features = c->request->nspawn;
	struct error err = {0};
	size_t before = o->errors;

	for (size_t i = 0; i < b->settings->n_arguments; i++) {
		const char *option = b->settings->arguments[i].option;
		const struct conf_section *s;

		if (nspawn_knows(features, option))
			continue;
		s = conf_find_section(o, "Exec");
		if (!s || !conf_find_assign(s, b->assigns[i]->key))
			s = conf_find_section(o, "Files");
		conf_error(c, o, s, b->assigns[i],
			   "the installed systemd-nspawn (version %u) does not know %s; remove the line, or "
			   "install a later version",
			   features->version, option);
	}
	if (o->errors == before && nspawn_check(b->settings, features, &err) < 0)
		conf_error(c, o, NULL, NULL, "%s", err.text);
}

static int build_sections(struct conf_loader *c, struct conf_object *o, struct container_builder *b)
{
	struct container_settings *settings = b->settings;
	const struct conf_section *own = conf_find_section(o, "Container");
	int r = conf_origin(c, own ? own->file : o->path ?: "(last good configuration)", own ? own->line : 1,
			    &settings->origin);

	for (const struct conf_section *s = o->sections; r == 0 && s; s = s->next)
		r = read_section(c, o, s, b);
	if (r < 0)
		return r;
	settings->text = conf_sections_to_text(o);
	if (!settings->text)
		return -ENOMEM;
	/* A file with errors is not told what it lacks: the missing line may be the bad one. */
	if (o->errors == 0)
		conf_check_container(c, o, b);
	if (o->errors == 0 && c->request->nspawn)
		check_options(c, o, b);
	return 0;
}

int conf_build_container(struct conf_loader *c, struct conf_object *o)
{
	struct container_builder b = {.settings = NULL};
	int r = desired_add_container(c->desired, o->name, &o->container);

	if (r < 0)
		return r;
	b.settings = o->container;
	container_settings_defaults(&b.defaults);
	r = build_sections(c, o, &b);
	free(b.assigns);
	return r;
}
