/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One object's files to its sections: read, check that it is a text file of somebody we trust,
 * merge drop-ins, expand specifiers.
 */
#include "config_internal.h"

#include "cleanup.h"
#include "ini.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
	struct conf_loader *c;
	struct conf_object *o;
	const char *file;	      /* in the object's arena */
	struct conf_section *section; /* NULL: none, or a bad one */
	bool failed;		      /* no memory */
	bool no_lines;		      /* text that was merged of several files */
};

/* --- sections ---------------------------------------------------------------------------------- */

static void add_error(struct reading *r, unsigned line, const char *section, const char *key,
		      const char *text)
{
	conf_error_at(r->c, r->o, r->file, line, section, key, "%s", text);
}

/* %i, %n and %% as in systemd.unit(5); NULL without r->failed: told. */
static const char *expand(struct reading *r, const char *raw, unsigned line, const char *key)
{
	const char *label = r->section ? r->section->label : NULL, *result;
	struct strbuf out = {0};

	if (!strchr(raw, '%'))
		return raw;
	for (; *raw; raw++) {
		if (*raw != '%') {
			strbuf_append(&out, raw, 1);
			continue;
		}
		raw++;
		if (*raw == 'i')
			strbuf_puts(&out, r->o->instance);
		else if (*raw == 'n')
			strbuf_puts(&out, r->o->name);
		else if (*raw == '%')
			strbuf_puts(&out, "%");
		else {
			conf_error_at(r->c, r->o, r->file, line, label, key,
				      "unknown specifier '%%%.*s'; expected %%i (instance), %%n (name) or "
				      "%%%% (a percent sign)",
				      (int)utf8_decode(raw, strlen(raw), NULL), raw);
			strbuf_free(&out);
			return NULL;
		}
	}
	result = out.failed ? NULL : arena_strdup(&r->o->arena, out.data ?: "");
	strbuf_free(&out);
	r->failed |= !result;
	return result;
}

struct conf_section *conf_find_section(const struct conf_object *o, const char *label)
{
	struct conf_section *s = NULL;

	HASH_FIND_STR(o->by_label, label, s);
	return s;
}

static const char *make_label(struct reading *r, const char *name, const char *title)
{
	size_t length = strlen(name), more = title ? strlen(title) + 1 : 0;
	char *label = arena_alloc(&r->o->arena, length + more + 1);

	if (!label) {
		r->failed = true;
		return NULL;
	}
	memcpy(label, name, length);
	if (title) {
		label[length] = ' ';
		memcpy(label + length + 1, title, more);
	}
	return label;
}

static struct conf_section *add_section(struct reading *r, const char *name, const char *raw_title,
					const char *title, const char *label)
{
	struct conf_section *s = arena_alloc(&r->o->arena, sizeof(*s));

	if (s)
		s->name = arena_strdup(&r->o->arena, name);
	if (!s || !s->name) {
		r->failed = true;
		return NULL;
	}
	s->raw_title = raw_title;
	s->title = title;
	s->label = label;
	HASH_ADD_KEYPTR(hh, r->o->by_label, s->label, strlen(s->label), s);
	if (!s->hh.tbl) {
		r->failed = true;
		return NULL;
	}
	if (r->o->last_section)
		r->o->last_section->next = s;
	else
		r->o->sections = s;
	r->o->last_section = s;
	return s;
}

static void on_section(const char *name, const char *raw_title, unsigned line, void *data)
{
	struct reading *r = data;
	const char *title = NULL, *label;
	struct conf_section *s;

	line = r->no_lines ? 0 : line;
	r->section = NULL;
	if (r->failed)
		return;
	if (raw_title) {
		raw_title = arena_strdup(&r->o->arena, raw_title);
		r->failed |= !raw_title;
		title = raw_title ? expand(r, raw_title, line, NULL) : NULL;
		if (!title)
			return;
	}
	label = make_label(r, name, title);
	if (!label)
		return;
	s = conf_find_section(r->o, label);
	if (s && s->file == r->file)
		conf_error_at(r->c, r->o, r->file, line, label, NULL,
			      "the section is in this file twice, first in line %u; write it once", s->line);
	if (!s)
		s = add_section(r, name, raw_title, title, label);
	if (!s)
		return;
	/* After a double header go on with the same section: its keys may have errors too. */
	if (s->file != r->file) {
		s->file = r->file;
		s->line = line;
	}
	r->section = s;
}

/* "CPUQuota=50%" of a container: nobody of systemd's users would write "50%%". */
static bool is_percentage(const struct conf_object *o, const char *value)
{
	size_t length = strspn(value, "0123456789.");

	return o->type == CONF_CONTAINER && length > 0 && str_equal(value + length, "%");
}

/* "x\ ": a backslash that blanks kept from being a continuation. Written down again, as the
 * effective text is, it would swallow the next line. */
static bool ends_in_backslash(const char *value)
{
	size_t length = strlen(value), n = 0;

	while (n < length && value[length - 1 - n] == '\\')
		n++;
	return n % 2 != 0;
}

static void on_assign(const char *key, const char *value, unsigned line, void *data)
{
	struct reading *r = data;
	struct conf_assign *a;

	if (!r->section || r->failed)
		return;
	line = r->no_lines ? 0 : line;
	if (ends_in_backslash(value)) {
		add_error(r, line, r->section->label, key,
			  "the value ends in a single backslash; write two, or nothing behind it to "
			  "continue the line");
		return;
	}
	a = arena_alloc(&r->o->arena, sizeof(*a));
	if (a) {
		a->key = arena_strdup(&r->o->arena, key);
		a->raw = arena_strdup(&r->o->arena, value);
	}
	if (!a || !a->key || !a->raw) {
		r->failed = true;
		return;
	}
	a->file = r->file;
	a->line = line;
	a->value = is_percentage(r->o, a->raw) ? a->raw : expand(r, a->raw, line, a->key);
	if (!a->value)
		return;
	if (r->section->last_assign)
		r->section->last_assign->next = a;
	else
		r->section->assigns = a;
	r->section->last_assign = a;
}

static void on_error(unsigned line, const char *message, void *data)
{
	struct reading *r = data;

	add_error(r, line, NULL, NULL, message);
}

int conf_read_text(struct conf_loader *c, struct conf_object *o, const char *text, size_t length,
		   const char *file)
{
	static const struct ini_callbacks callbacks = {on_section, on_assign, on_error};
	struct reading reading = {
		.c = c, .o = o, .file = arena_strdup(&o->arena, file), .no_lines = o->state == CONF_RUNNING};
	int r;

	if (!reading.file)
		return -ENOMEM;
	r = ini_parse(text, length, &callbacks, &reading);
	return reading.failed ? -ENOMEM : r;
}

void conf_forget_sections(struct conf_object *o)
{
	HASH_CLEAR(hh, o->by_label);
	o->sections = o->last_section = NULL;
	arena_free(&o->arena);
}

char *conf_sections_to_text(const struct conf_object *o)
{
	struct strbuf out = {0};

	for (const struct conf_section *s = o->sections; s; s = s->next) {
		strbuf_printf(&out, "%s[%s%s%s]\n", s == o->sections ? "" : "\n", s->name,
			      s->raw_title ? " " : "", s->raw_title ?: "");
		for (const struct conf_assign *a = s->assigns; a; a = a->next)
			strbuf_printf(&out, "%s=%s\n", a->key, a->raw);
	}
	return strbuf_finish(&out);
}

/* --- files ---------------------------------------------------------------------------------------- */

static const char *wrong_type(mode_t mode)
{
	if (S_ISREG(mode))
		return NULL;
	return S_ISDIR(mode)	? "is a directory"
	       : S_ISFIFO(mode) ? "is a named pipe"
	       : S_ISSOCK(mode) ? "is a socket"
				: "is a device";
}

/* False after telling what is wrong with the file itself. */
static bool check_file(struct conf_loader *c, struct conf_object *o, const char *path, const struct stat *st)
{
	const char *wrong = wrong_type(st->st_mode);

	if (wrong)
		conf_error_at(c, o, path, 0, NULL, NULL, "%s; expected a plain text file", wrong);
	else if (st->st_size > CONFIG_FILE_MAX)
		conf_error_at(c, o, path, 0, NULL, NULL,
			      "is %lld bytes long; a configuration file has at most %d",
			      (long long)st->st_size, CONFIG_FILE_MAX);
	else if (c->check_owner && (st->st_mode & (S_IWGRP | S_IWOTH)))
		conf_error_at(c, o, path, 0, NULL, NULL,
			      "may be written by others than its owner (mode %04o); "
			      "use chmod go-w",
			      (unsigned)st->st_mode & 07777);
	else if (c->check_owner && st->st_uid != 0 && st->st_uid != geteuid())
		conf_error_at(c, o, path, 0, NULL, NULL, "belongs to user %u; expected root",
			      (unsigned)st->st_uid);
	else
		return true;
	return false;
}

/* Reads at most one byte more than is allowed: a file can grow after fstat(). */
static int read_all(int fd, char **ret, size_t *ret_length)
{
	_cleanup_free_ char *data = NULL;
	size_t length = 0, capacity = 0;
	int interrupted = 0;

	for (;;) {
		ssize_t n;

		if (length == capacity) {
			char *grown = realloc(data, capacity = capacity ? capacity * 2 : 4096);

			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		do
			n = read(fd, data + length, capacity - length);
		while (n < 0 && errno == EINTR && ++interrupted < EINTR_TRIES);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > CONFIG_FILE_MAX)
			return -EFBIG;
	}
	*ret = steal_pointer(data);
	*ret_length = length;
	return 0;
}

static unsigned line_of(const char *text, const char *at)
{
	unsigned line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static int read_file(struct conf_loader *c, struct conf_object *o, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	const char *binary;
	struct stat st;
	size_t length = 0;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		conf_error_at(c, o, path, 0, NULL, NULL, "cannot be opened: %s", strerror(errno));
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	if (!check_file(c, o, path, &st))
		return 0;
	r = read_all(fd, &text, &length);
	if (r < 0) {
		conf_error_at(c, o, path, 0, NULL, NULL, "cannot be read: %s", strerror(-r));
		return r == -ENOMEM ? r : 0;
	}
	binary = memchr(text, '\0', length);
	if (binary) {
		conf_error_at(c, o, path, line_of(text, binary), NULL, NULL,
			      "is a binary file (it holds a NUL byte); expected text");
		return 0;
	}
	return conf_read_text(c, o, text, length, path);
}

int conf_read_object(struct conf_loader *c, struct conf_object *o)
{
	int r;

	if (o->state == CONF_RUNNING)
		return conf_read_text(c, o, o->running, strlen(o->running), o->path);
	r = o->path ? read_file(c, o, o->path) : 0;
	for (size_t i = 0; r == 0 && i < o->n_dropins; i++)
		if (o->dropins[i].path)
			r = read_file(c, o, o->dropins[i].path);
	return r;
}
