/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Files] of a *.container file: what is mounted where, as systemd.nspawn(5) has it. */
#include "config_container.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "+/srv": inside the container's root; "": a temporary directory. */
static bool source_is_valid(const char *path)
{
	return !path[0] || conf_path_is_valid(path + (path[0] == '+'));
}

static bool bind_options_are_valid(const char *text)
{
	static const char *const known[] = {"rbind",	 "norbind",    "idmap", "noidmap",
					    "rootidmap", "owneridmap", NULL};
	size_t n;

	for (;; text += n + 1) {
		bool found = false;

		n = strcspn(text, ",");
		for (const char *const *k = known; *k; k++)
			found |= strlen(*k) == n && memcmp(text, *k, n) == 0;
		if (!found || !text[n])
			return found;
	}
}

static bool bind_is_valid(char *const *pieces)
{
	size_t n = strv_length(pieces);

	if (n > 3 || !source_is_valid(pieces[0]) || (n == 1 && !pieces[0][0]))
		return false;
	return (n < 2 || conf_path_is_valid(pieces[1])) && (n < 3 || bind_options_are_valid(pieces[2]));
}

/* 1: text, the value or the end of it, is in pieces; 0: there is nothing to add, as said. */
static int take_pieces(struct conf_reader *r, const struct conf_assign *a, const char *text,
		       bool (*is_valid)(char *const *pieces), const char *expected, char ***ret)
{
	int e;

	if (!a->value[0]) {
		conf_drop_arguments(r, a->key);
		return 0;
	}
	e = conf_split_colons(text, ret);
	if (e == -ENOMEM)
		return e;
	if (e == 0 && is_valid(*ret))
		return 1;
	conf_error(r->c, r->o, r->s, a, "expected %s, not \"%.200s\"", expected, a->value);
	return 0;
}

static int set_bind(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	struct container_settings *c = conf_builder(r)->settings;
	_cleanup_(strv_freep) char **pieces = NULL;
	/* As systemd.exec(5) has it: nothing there, nothing done. */
	bool optional = a->value[0] == '-';
	size_t before = c->n_arguments;
	int e = take_pieces(r, a, a->value + optional, bind_is_valid,
			    "SOURCE, SOURCE:TARGET or SOURCE:TARGET:OPTIONS, with absolute paths without "
			    "\".\" and \"..\" in them and options out of rbind, norbind, idmap, noidmap, "
			    "rootidmap and owneridmap",
			    &pieces);

	if (e <= 0)
		return e;
	if (optional && pieces[0][0] != '/') {
		conf_error(
			r->c, r->o, r->s, a,
			"a '-' (nothing is bound when the source is missing) goes before an absolute path on "
			"the host only, not \"%.200s\"",
			a->value);
		return 0;
	}
	e = conf_add_argument(r, a, f->option, a->value + optional);
	if (e < 0 || !optional || c->n_arguments == before)
		return e;
	c->arguments[before].optional_source = strdup(pieces[0]);
	return c->arguments[before].optional_source ? 0 : -ENOMEM;
}

static bool tmpfs_is_valid(char *const *pieces)
{
	return conf_path_is_valid(pieces[0]) && !(pieces[1] && strpbrk(pieces[1], " \t"));
}

static int set_tmpfs(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **pieces = NULL;
	int e = take_pieces(r, a, a->value, tmpfs_is_valid,
			    "PATH or PATH:OPTIONS, an absolute path and mount options such as "
			    "mode=0755,size=64M",
			    &pieces);

	return e <= 0 ? e : conf_add_argument(r, a, f->option, a->value);
}

static int set_inaccessible(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (!a->value[0]) {
		conf_drop_arguments(r, a->key);
		return 0;
	}
	return conf_parse_inside_path(r, a) ? conf_add_argument(r, a, f->option, a->value) : 0;
}

/* LOWER:...:UPPER:TARGET, or BOTH:TARGET; an empty UPPER is a temporary directory. */
static bool overlay_is_valid(char *const *pieces)
{
	size_t n = strv_length(pieces);

	if (n < 2 || !conf_path_is_valid(pieces[n - 1]))
		return false;
	for (size_t i = 0; i < n - 1; i++)
		if (!source_is_valid(pieces[i]) || (!pieces[i][0] && (i != n - 2 || n < 3)))
			return false;
	return true;
}

static int set_overlay(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **pieces = NULL;
	int e = take_pieces(r, a, a->value, overlay_is_valid,
			    "at least two absolute paths with ':' between them, the last one the target in "
			    "the container (the one before it may be empty)",
			    &pieces);

	return e <= 0 ? e : conf_add_argument(r, a, f->option, a->value);
}

static int set_bind_user(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	int e = conf_split_words(r, a, &words);

	if (!a->value[0])
		conf_drop_arguments(r, a->key);
	for (char **w = words; e == 0 && w && *w; w++) {
		if (conf_user_is_valid(*w))
			e = conf_add_argument(r, a, f->option, *w);
		else
			conf_error(r->c, r->o, r->s, a, "expected names of users of the host, not \"%.48s\"",
				   *w);
	}
	return e == -ENOMEM ? e : 0;
}

static const char *const volatile_modes[] = {"no", "yes", "state", "overlay", NULL};
static const char *const ownership_modes[] = {"off", "chown", "map", "auto", NULL};

const struct conf_field conf_files_fields[] = {
	{"ReadOnly", conf_argument_flag, 0, "--read-only", NULL, 0},
	{"Volatile", conf_argument_word, 0, "--volatile", volatile_modes, CONF_BOOLEAN_TOO},
	{"Bind", set_bind, 0, "--bind", NULL, 0},
	{"BindReadOnly", set_bind, 0, "--bind-ro", NULL, 0},
	{"BindUser", set_bind_user, 0, "--bind-user", NULL, 0},
	{"TemporaryFileSystem", set_tmpfs, 0, "--tmpfs", NULL, 0},
	{"Inaccessible", set_inaccessible, 0, "--inaccessible", NULL, 0},
	{"Overlay", set_overlay, 0, "--overlay", NULL, 0},
	{"OverlayReadOnly", set_overlay, 0, "--overlay-ro", NULL, 0},
	{"PrivateUsersOwnership", conf_argument_word, 0, "--private-users-ownership", ownership_modes, 0},
	{NULL, NULL, 0, NULL, NULL, 0},
};
