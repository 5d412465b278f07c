/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of *.container files that become arguments of systemd-nspawn, in order of the file. */
#include "config_container.h"

#include "cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct container_builder *b)
{
	struct container_settings *c = b->settings;
	struct nspawn_argument *arguments = conf_grow(c->arguments, c->n_arguments, sizeof(*arguments));
	const struct conf_assign **assigns;

	if (!arguments)
		return false;
	c->arguments = arguments;
	assigns = conf_grow(b->assigns, c->n_arguments, sizeof(*assigns));
	if (!assigns)
		return false;
	b->assigns = assigns;
	return true;
}

int conf_add_argument(struct conf_reader *r, const struct conf_assign *a, const char *option,
		      const char *value)
{
	size_t size = strlen(option) + (value ? strlen(value) + 1 : 0) + 1;
	struct container_builder *b = conf_builder(r);
	struct container_settings *c = b->settings;
	char *text;

	if (c->n_arguments >= CONF_ARGUMENTS_MAX || b->argument_bytes + size > CONF_ARGUMENT_BYTES_MAX) {
		conf_error(r->c, r->o, r->s, a,
			   "a container takes at most %d settings for systemd-nspawn, of %d bytes together",
			   CONF_ARGUMENTS_MAX, CONF_ARGUMENT_BYTES_MAX);
		return 0;
	}
	if (!make_room(b))
		return -ENOMEM;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	(void)snprintf(text, size, "%s%s%s", option, value ? "=" : "", value ?: "");
	b->assigns[c->n_arguments] = a;
	c->arguments[c->n_arguments++] = (struct nspawn_argument){.argument = text, .option = option};
	b->argument_bytes += size;
	return 0;
}

void conf_drop_arguments(struct conf_reader *r, const char *key)
{
	struct container_builder *b = conf_builder(r);
	struct container_settings *c = b->settings;
	struct nspawn_argument *left = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_arguments; i++) {
		left = &c->arguments[i];
		if (str_equal(b->assigns[i]->key, key)) {
			b->argument_bytes -= strlen(left->argument) + 1;
			free(left->argument);
			free(left->optional_source);
			continue;
		}
		b->assigns[n] = b->assigns[i];
		c->arguments[n++] = *left;
	}
	c->n_arguments = n;
}

const char *conf_last_argument(const struct conf_reader *r, const char *key)
{
	const struct container_builder *b = conf_builder(r);

	for (size_t i = b->settings->n_arguments; i > 0; i--)
		if (str_equal(b->assigns[i - 1]->key, key))
			return b->settings->arguments[i - 1].argument;
	return NULL;
}

/* --- values of one argument: a later one replaces it ------------------------------------------------ */

/* --as-pid2: there or not. */
int conf_argument_flag(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	bool flag = false;

	if (a->value[0] && !conf_parse_yes_no(r, a, &flag))
		return 0;
	conf_drop_arguments(r, a->key);
	return flag ? conf_add_argument(r, a, f->option, NULL) : 0;
}

int conf_argument_bool(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	bool flag = false;

	if (a->value[0] && !conf_parse_yes_no(r, a, &flag))
		return 0;
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, flag ? "yes" : "no") : 0;
}

int conf_argument_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	const char *word = NULL;

	if (a->value[0] && !conf_parse_word(r, a, f, &word))
		return 0;
	conf_drop_arguments(r, a->key);
	return word ? conf_add_argument(r, a, f->option, word) : 0;
}

bool conf_parse_inside_path(struct conf_reader *r, const struct conf_assign *a)
{
	if (conf_path_is_valid(a->value))
		return true;
	conf_error(r->c, r->o, r->s, a,
		   "expected an absolute path inside the container without \".\" and \"..\" in it, not "
		   "\"%.200s\"",
		   a->value);
	return false;
}

int conf_argument_path(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	if (a->value[0] && !conf_parse_inside_path(r, a))
		return 0;
	conf_drop_arguments(r, a->key);
	return a->value[0] ? conf_add_argument(r, a, f->option, a->value) : 0;
}

/* --- lists with colons ------------------------------------------------------------------------------- */

int conf_split_colons(const char *text, char ***ret)
{
	_cleanup_(strv_freep) char **pieces = NULL;
	bool more = true;

	for (size_t n = 0; more; n++) {
		struct strbuf piece = {0};
		_cleanup_free_ char *done = NULL;
		int e;

		for (; *text && *text != ':'; text++) {
			if (*text == '\\' && text[1])
				text++;
			strbuf_append(&piece, text, 1);
		}
		more = *text == ':';
		text += more;
		done = strbuf_finish(&piece);
		e = !done ? -ENOMEM : n < CONF_PIECES_MAX ? strv_push(&pieces, done) : -E2BIG;
		if (e < 0)
			return e;
	}
	*ret = steal_pointer(pieces);
	return 0;
}
