/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What nspawn says of itself to a sorted list of options. Pure. The text is another program's: bounded, and
 * nothing in it is trusted beyond its spelling.
 */
#include "nspawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSPAWN_OPTIONS_MAX 1024
#define NSPAWN_OPTION_MAX  64 /* characters; 257's longest has 27 */
#define NSPAWN_VERSION_MAX 100000

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool nspawn_knows(const struct nspawn_features *f, const char *option)
{
	size_t n = strv_length(f->options);

	return option && n > 0 && bsearch(&option, f->options, n, sizeof(*f->options), compare) != NULL;
}

void nspawn_features_clear(struct nspawn_features *f)
{
	strv_free(f->options);
	free(f->path);
	*f = (struct nspawn_features){0};
}

/* "systemd 252 (252.39-1~deb12u2)" and what follows; 0: it is something else. */
static unsigned parse_version(const char *text)
{
	unsigned version = 0;

	if (!str_starts_with(text, "systemd "))
		return 0;
	text += strlen("systemd ");
	for (; *text >= '0' && *text <= '9' && version < NSPAWN_VERSION_MAX; text++)
		version = version * 10 + (unsigned)(*text - '0');
	if (version >= NSPAWN_VERSION_MAX || (*text && !strchr(" .~-\n", *text)))
		return 0;
	return version;
}

static bool is_option_char(char c)
{
	return c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The first "--word" of a line that begins with an option: "  -D --directory=PATH   Root ...". */
static int parse_line(const char *line, size_t length, char ***options)
{
	char word[NSPAWN_OPTION_MAX + 1];
	const char *end = line + length, *p = line;
	size_t n = 0;

	while (p < end && *p == ' ')
		p++;
	if (p == end || *p != '-')
		return 0;
	p = memmem(p, (size_t)(end - p), "--", 2);
	if (!p || (p > line && p[-1] != ' '))
		return 0;
	for (; p + n < end && n < NSPAWN_OPTION_MAX && is_option_char(p[n]); n++)
		word[n] = p[n];
	word[n] = '\0';
	if (n <= 2 || n == NSPAWN_OPTION_MAX || strv_contains(*options, word))
		return 0;
	return strv_push(options, word);
}

static int parse_help(const char *help, char ***options)
{
	int e = 0;

	while (*help && e == 0 && strv_length(*options) < NSPAWN_OPTIONS_MAX) {
		const char *end = strchrnul(help, '\n');

		e = parse_line(help, (size_t)(end - help), options);
		help = *end ? end + 1 : end;
	}
	return e;
}

int nspawn_parse_features(const char *version, const char *help, struct nspawn_features *ret,
			  struct error *err)
{
	struct nspawn_features f = {.version = parse_version(version)};
	int e;

	if (f.version == 0)
		return error_set(err, -EINVAL,
				 "its --version does not begin with \"systemd NUMBER\" but with \"%.40s\"",
				 version);
	e = parse_help(help, &f.options);
	if (e == 0 && !strv_contains(f.options, "--machine"))
		e = error_set(err, -EINVAL, "its --help does not list --machine but begins with \"%.40s\"",
			      help);
	else if (e < 0)
		e = error_set(err, e, "no memory for its options");
	if (e < 0) {
		nspawn_features_clear(&f);
		return e;
	}
	qsort(f.options, strv_length(f.options), sizeof(*f.options), compare);
	*ret = f;
	return 0;
}
