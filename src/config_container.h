/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the readers of *.container files share. Layer 3.
 *
 * A key is a row of a table: its name, the function that reads its value, and the field of struct
 * container_settings it goes to or the option of systemd-nspawn it becomes. All set functions return 0 or
 * -ENOMEM, tell what is wrong with a value with conf_error(), and take an empty value for "as if it had never
 * been there".
 */
#ifndef NETNSD_CONFIG_CONTAINER_H
#define NETNSD_CONFIG_CONTAINER_H

#include "config_internal.h"

#include "desired_container.h"

#define CONF_ARGUMENTS_MAX	4096	      /* of one container */
#define CONF_ARGUMENT_BYTES_MAX (1024 * 1024) /* together: the kernel takes 2 MiB with the environment */
#define CONF_WORDS_MAX		4096	      /* of Parameters= and the like */
#define CONF_CREDENTIALS_MAX	256	      /* as many as root.c hands over */
#define CONF_DIRECTORIES_MAX	256
#define CONF_DEVICES_MAX	256
#define CONF_PIECES_MAX		512 /* between colons; an overlay has at most 500 layers */
#define CONF_FIELDS_MAX		64  /* rows of one table */
#define CONF_PATH_MAX		4095

struct conf_field {
	const char *name;
	int (*set)(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
	size_t offset;		  /* in struct container_settings */
	const char *option;	  /* of systemd-nspawn */
	const char *const *words; /* all that it takes; NULL-terminated */
	unsigned flags;		  /* enum conf_field_flags */
};
enum conf_field_flags {
	CONF_ZERO_IS_INFINITY = 1 << 0, /* spans, as systemd has it for timeouts */
	CONF_INFINITY_IS_ZERO = 1 << 1, /* spans whose 0 turns them off */
	CONF_NOT_ZERO = 1 << 2,
	CONF_BOOLEAN_TOO = 1 << 3, /* words: "true" is yes */
};
/* The tables, ended by a row without name. */
extern const struct conf_field conf_container_fields[], conf_exec_fields[], conf_files_fields[],
	conf_service_fields[];

/* What is known of a container while its file is read. conf_reader.data. */
struct container_builder {
	struct container_settings *settings;
	struct container_settings defaults;
	const struct conf_field *fields;    /* of the section that is being read */
	const struct conf_assign **assigns; /* where each of settings->arguments was written */
	size_t argument_bytes;
	uint64_t added, dropped, ambient; /* Capability=, DropCapability=, AmbientCapability= */
};

static inline struct container_builder *conf_builder(const struct conf_reader *r)
{
	return r->data;
}
static inline void *conf_field_of(const struct conf_reader *r, const struct conf_field *f)
{
	return (char *)conf_builder(r)->settings + f->offset;
}
static inline const void *conf_default_of(const struct conf_reader *r, const struct conf_field *f)
{
	return (const char *)&conf_builder(r)->defaults + f->offset;
}

/* --- config_field.c: values of fields -------------------------------------------------------------- */
/* Absolute, without "." and ".." in it, not too long. */
bool conf_path_is_valid(const char *path);
bool conf_user_is_valid(const char *name);
/* A copy without double and trailing slashes; NULL: no memory. */
char *conf_path_simplify(const char *path);
/* The words of a value, each valid UTF-8 and not more than CONF_WORDS_MAX: 0, -ENOMEM, or -EINVAL when it
 * was told that they cannot be had. */
int conf_split_words(struct conf_reader *r, const struct conf_assign *a, char ***ret);
bool conf_parse_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f,
		     const char **ret);
/* A path inside the container; false: it is none, as said. */
bool conf_parse_inside_path(struct conf_reader *r, const struct conf_assign *a);
bool conf_parse_yes_no(struct conf_reader *r, const struct conf_assign *a, bool *ret);
/* Capability names to bits, "all" if `all` allows it. */
bool conf_parse_capability(struct conf_reader *r, const struct conf_assign *a, const char *word, bool all,
			   uint64_t *ret);

int conf_set_bool(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_text(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_path(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_words(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_span(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_unsigned(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_set_signal(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);

/* --- config_argument.c: values that become arguments of systemd-nspawn ------------------------------ */
/* "OPTION=VALUE", or OPTION alone when value is NULL. */
int conf_add_argument(struct conf_reader *r, const struct conf_assign *a, const char *option,
		      const char *value);
/* Forgets what the key gave so far: an empty value, or one that replaces it. */
void conf_drop_arguments(struct conf_reader *r, const char *key);
/* The last argument that this key gave, "OPTION=VALUE"; NULL: none. */
const char *conf_last_argument(const struct conf_reader *r, const char *key);
int conf_argument_flag(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_argument_bool(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_argument_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
int conf_argument_path(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f);
/* "A:B\:C" to "A" and "B:C". 0, -ENOMEM, -E2BIG: more than CONF_PIECES_MAX. */
int conf_split_colons(const char *text, char ***ret);

/* --- config_contradict.c ---------------------------------------------------------------------------- */
/* A file without errors so far: what its keys must not say together. */
void conf_check_container(struct conf_loader *c, struct conf_object *o, const struct container_builder *b);

/* Whether PrivateUsers= asks for a user namespace. */
bool conf_private_users_wanted(const struct conf_object *o);

#endif
