/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of *.container files that go into a field as they are: booleans, words, paths, spans. */
#include "config_container.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#define CAPABILITY_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

/* --- what is valid --------------------------------------------------------------------------------- */

bool conf_path_is_valid(const char *path)
{
	if (path[0] != '/' || strlen(path) > CONF_PATH_MAX)
		return false;
	for (const char *p = path; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.') || n > 255)
			return false;
		p += n;
	}
	return true;
}

char *conf_path_simplify(const char *path)
{
	char *copy = strdup(path), *to = copy;

	for (const char *from = path; copy && *from; from++)
		if (*from != '/' || to == copy || to[-1] != '/')
			*to++ = *from;
	if (!copy)
		return NULL;
	if (to > copy + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return copy;
}

/* What systemd takes with a warning (its "relaxed" rule), and numbers. */
bool conf_user_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > 255 || !text_is_clean(name, length) || strpbrk(name, " \t:/"))
		return false;
	return name[0] != '-' && !str_equal(name, ".") && !str_equal(name, "..");
}

bool conf_parse_yes_no(struct conf_reader *r, const struct conf_assign *a, bool *ret)
{
	if (parse_bool(a->value, ret) == 0)
		return true;
	conf_error(r->c, r->o, r->s, a, "expected yes or no, not \"%.48s\"", a->value);
	return false;
}

/* "a, b or c" */
static void list_words(const char *const *words, struct strbuf *out)
{
	for (size_t i = 0; words[i]; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

bool conf_parse_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f,
		     const char **ret)
{
	struct strbuf expected = {0};
	char hint[160];
	bool flag;

	for (const char *const *w = f->words; *w; w++)
		if (str_equal(*w, a->value)) {
			*ret = *w;
			return true;
		}
	if ((f->flags & CONF_BOOLEAN_TOO) && parse_bool(a->value, &flag) == 0) {
		*ret = flag ? "yes" : "no";
		return true;
	}
	list_words(f->words, &expected);
	conf_error(r->c, r->o, r->s, a, "expected %s, not \"%.48s\"%s", expected.data ?: "another word",
		   a->value, conf_hint(a->value, f->words, hint, sizeof(hint)));
	strbuf_free(&expected);
	return false;
}

int conf_split_words(struct conf_reader *r, const struct conf_assign *a, char ***ret)
{
	_cleanup_(strv_freep) char **words = NULL;
	int e = parse_words(a->value, &words);

	if (e == -ENOMEM)
		return e;
	if (e < 0) {
		conf_error(r->c, r->o, r->s, a,
			   "expected words with balanced quotes and known escapes, not \"%.64s\"", a->value);
		return -EINVAL;
	}
	if (strv_length(words) > CONF_WORDS_MAX) {
		conf_error(r->c, r->o, r->s, a, "more than %d words", CONF_WORDS_MAX);
		return -EINVAL;
	}
	for (char **w = words; w && *w; w++)
		for (size_t i = 0, n, length = strlen(*w); i < length; i += n) {
			n = utf8_decode(*w + i, length - i, NULL);
			if (n > 0)
				continue;
			conf_error(r->c, r->o, r->s, a, "expected words that are UTF-8 text, not \"%.64s\"",
				   a->value);
			return -EINVAL;
		}
	*ret = steal_pointer(words);
	return 0;
}

bool conf_parse_capability(struct conf_reader *r, const struct conf_assign *a, const char *word, bool all,
			   uint64_t *ret)
{
	cap_value_t number;

	if (all && str_equal(word, "all")) {
		*ret = UINT64_MAX;
		return true;
	}
	/* libcap takes numbers too, also such that no kernel has, and reads no further than a comma. */
	if ((str_starts_with(word, "CAP_") || str_starts_with(word, "cap_")) &&
	    strspn(word, CAPABILITY_CHARACTERS) == strlen(word) && cap_from_name(word, &number) == 0 &&
	    number >= 0 && number < 64) {
		*ret = UINT64_C(1) << number;
		return true;
	}
	conf_error(r->c, r->o, r->s, a,
		   "expected the name of a capability such as CAP_NET_ADMIN%s, not \"%.48s\"%s",
		   all ? ", or all" : "", word,
		   str_starts_with(word, "cap_") || str_starts_with(word, "CAP_")
			   ? ""
			   : "; the names begin with CAP_");
	return false;
}

/* --- fields ----------------------------------------------------------------------------------------- */

int conf_set_bool(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	bool *field = conf_field_of(r, f);

	if (!a->value[0])
		*field = *(const bool *)conf_default_of(r, f);
	else
		(void)conf_parse_yes_no(r, a, field);
	return 0;
}

int conf_set_text(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	return str_replace(conf_field_of(r, f), a->value[0] ? a->value : NULL);
}

int conf_set_path(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	char **field = conf_field_of(r, f), *path;

	if (!a->value[0])
		return str_replace(field, NULL);
	if (!conf_path_is_valid(a->value)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected an absolute path without \".\" and \"..\" in it, not \"%.200s\"",
			   a->value);
		return 0;
	}
	path = conf_path_simplify(a->value);
	if (!path)
		return -ENOMEM;
	free(*field);
	*field = path;
	return 0;
}

/* An empty value clears it: what stands for none is the reader's of the field. */
int conf_set_word(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	const char *word = NULL;

	if (a->value[0] && !conf_parse_word(r, a, f, &word))
		return 0;
	return str_replace(conf_field_of(r, f), word);
}

int conf_set_words(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	_cleanup_(strv_freep) char **words = NULL;
	char ***field = conf_field_of(r, f);
	int e = conf_split_words(r, a, &words);

	if (e < 0)
		return e == -ENOMEM ? e : 0;
	if (!a->value[0]) {
		strv_free(*field);
		*field = NULL;
	}
	if (strv_length(*field) + strv_length(words) > CONF_WORDS_MAX) {
		conf_error(r->c, r->o, r->s, a, "more than %d words", CONF_WORDS_MAX);
		return 0;
	}
	for (char **w = words; e == 0 && w && *w; w++)
		e = strv_push(field, *w);
	return e;
}

int conf_set_span(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	uint64_t *field = conf_field_of(r, f), usec = 0;

	if (!a->value[0]) {
		*field = *(const uint64_t *)conf_default_of(r, f);
		return 0;
	}
	if (parse_usec(a->value, &usec) < 0 || ((f->flags & CONF_NOT_ZERO) && usec == 0)) {
		conf_error(r->c, r->o, r->s, a,
			   "expected a time span such as 90s or 1min 30s%s, not \"%.48s\"",
			   f->flags & CONF_NOT_ZERO ? ", more than 0" : "", a->value);
		return 0;
	}
	if ((f->flags & CONF_ZERO_IS_INFINITY) && usec == 0)
		usec = USEC_INFINITY;
	else if ((f->flags & CONF_INFINITY_IS_ZERO) && usec == USEC_INFINITY)
		usec = 0;
	*field = usec;
	return 0;
}

int conf_set_unsigned(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	unsigned *field = conf_field_of(r, f), low = f->flags & CONF_NOT_ZERO ? 1 : 0;
	uint64_t number;

	if (!a->value[0])
		*field = *(const unsigned *)conf_default_of(r, f);
	else if (parse_u64(a->value, &number) < 0 || number < low || number > INT32_MAX)
		conf_error(r->c, r->o, r->s, a, "expected a number from %u to %d, not \"%.48s\"", low,
			   INT32_MAX, a->value);
	else
		*field = (unsigned)number;
	return 0;
}

int conf_set_signal(struct conf_reader *r, const struct conf_assign *a, const struct conf_field *f)
{
	char text[FORMAT_MAX];
	int signal;

	if (!a->value[0])
		return str_replace(conf_field_of(r, f), NULL);
	if (parse_signal(a->value, &signal) < 0) {
		conf_error(r->c, r->o, r->s, a,
			   "expected a signal such as SIGTERM, SIGRTMIN+3 or 15, not \"%.48s\"", a->value);
		return 0;
	}
	return str_replace(conf_field_of(r, f), format_signal(signal, text));
}
