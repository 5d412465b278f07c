/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which files there are: search path, masks, drop-ins, templates and their instances.
 *
 * Every directory is read once. A name is looked at only as far as its suffix asks for; nothing
 * is opened here.
 */
#include "config_internal.h"

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *const suffixes[CONF_TYPES] = {[CONF_NETNS] = ".netns", [CONF_CONTAINER] = ".container"};

int conf_object_new(const char *name, const char *suffix, struct conf_object **ret)
{
	struct conf_object *o = calloc(1, sizeof(*o));
	const char *at = strchr(name, '@');

	if (!o)
		return -ENOMEM;
	o->name = strdup(name);
	if (!o->name || asprintf(&o->display, "%s%s", name, suffix) < 0) {
		free(o->name);
		free(o);
		return -ENOMEM;
	}
	o->instance = at ? o->name + (at - name) + 1 : "";
	*ret = o;
	return 0;
}

void conf_object_free(struct conf_object *o)
{
	if (!o)
		return;
	conf_unbuild(o);
	conf_forget_sections(o);
	for (size_t i = 0; i < o->n_dropins; i++) {
		free(o->dropins[i].name);
		free(o->dropins[i].path);
	}
	free(o->dropins);
	free(o->path);
	free(o->display);
	free(o->name);
	free(o);
}

int conf_object_compare(const void *a, const void *b)
{
	const struct conf_object *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name) ?: (int)(*x)->type - (int)(*y)->type;
}

int conf_get_object(struct conf_loader *c, enum conf_type type, const char *name, struct conf_object **ret)
{
	struct conf_object *o = conf_find_object(c, type, name);
	int r;

	if (!o) {
		r = conf_object_new(name, suffixes[type], &o);
		if (r < 0)
			return r;
		o->type = type;
		HASH_ADD_KEYPTR(hh, c->by_name[type], o->name, strlen(o->name), o);
		if (!o->hh.tbl) {
			conf_object_free(o);
			return -ENOMEM;
		}
	}
	*ret = o;
	return 0;
}

/* --- directories ------------------------------------------------------------------------------ */

/* A link to /dev/null, or the device itself. */
static bool is_mask(int dirfd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type == DT_REG || e->d_type == DT_DIR)
		return false;
	return fstatat(dirfd, e->d_name, &st, 0) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static char *join_path(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* One more file; false when there are too many, which is told once. */
static bool count_file(struct conf_loader *c, const char *directory)
{
	if (c->n_files == CONFIG_FILES_MAX)
		diags_add(c->diags, DIAG_ERROR, NULL, directory, 0, NULL, NULL,
			  "there are more than %d configuration files; the rest is not read",
			  CONFIG_FILES_MAX);
	c->n_files++;
	return c->n_files <= CONFIG_FILES_MAX;
}

typedef int entry_fn(struct conf_loader *c, struct conf_object *o, const char *directory, int fd,
		     const struct dirent *e);

/* What is not read must not be taken for what is not there. */
static int directory_failed(struct conf_loader *c, struct conf_object *o, const char *directory, int code)
{
	if (code == ENOMEM)
		return -ENOMEM;
	diags_add(c->diags, DIAG_ERROR, o ? o->display : NULL, directory, 0, NULL, NULL,
		  "the directory cannot be read: %s", strerror(code));
	if (o)
		o->errors++;
	else
		c->diags->incomplete = true;
	return 0;
}

/* Calls fn for each entry that is not hidden. */
static int read_directory(struct conf_loader *c, struct conf_object *o, const char *directory, entry_fn *fn)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : directory_failed(c, o, directory, errno);
	for (;;) {
		errno = 0;
		e = r == 0 ? readdir(d) : NULL;
		if (!e)
			break;
		if (e->d_name[0] != '.')
			r = fn(c, o, directory, dirfd(d), e);
	}
	if (r == 0 && errno != 0)
		r = directory_failed(c, o, directory, errno);
	closedir(d);
	return r;
}

static bool has_dropin(const struct conf_object *o, const char *name)
{
	for (size_t i = 0; i < o->n_dropins; i++)
		if (str_equal(o->dropins[i].name, name))
			return true;
	return false;
}

static int add_dropin(struct conf_object *o, const char *name, const char *path)
{
	struct conf_dropin *grown = conf_grow(o->dropins, o->n_dropins, sizeof(*grown)), *d;

	if (!grown)
		return -ENOMEM;
	o->dropins = grown;
	d = &grown[o->n_dropins];
	*d = (struct conf_dropin){.name = strdup(name), .path = path ? strdup(path) : NULL};
	if (!d->name || (path && !d->path)) {
		free(d->name);
		free(d->path);
		return -ENOMEM;
	}
	o->n_dropins++;
	return 0;
}

/* Directories come strongest first, so a name that is there already wins. */
static int dropin_entry(struct conf_loader *c, struct conf_object *o, const char *directory, int fd,
			const struct dirent *e)
{
	_cleanup_free_ char *path = NULL;

	if (!str_ends_with(e->d_name, ".conf") || has_dropin(o, e->d_name) || !count_file(c, directory))
		return 0;
	if (!text_is_clean(e->d_name, strlen(e->d_name))) {
		conf_error_at(c, o, directory, 0, NULL, NULL,
			      "a drop-in has a name that is not UTF-8 text; rename it");
		return 0;
	}
	if (is_mask(fd, e))
		return add_dropin(o, e->d_name, NULL);
	path = join_path(directory, e->d_name);
	if (!path)
		return -ENOMEM;
	return add_dropin(o, e->d_name, path);
}

static int set_main_file(struct conf_object *o, const char *directory, const char *file, bool masked)
{
	if (o->path || o->masked)
		return 0;
	o->masked = masked;
	if (masked)
		return 0;
	o->path = join_path(directory, file);
	o->transient = str_ends_with(directory, "/transient");
	return o->path ? 0 : -ENOMEM;
}

/* Which sort of object a file or directory name is about; false: none. */
static bool type_of(const char *file, const char *more, enum conf_type *ret_type)
{
	char suffix[32];

	for (unsigned type = 0; type < CONF_TYPES; type++) {
		(void)snprintf(suffix, sizeof(suffix), "%s%s", suffixes[type], more);
		if (str_ends_with(file, suffix)) {
			*ret_type = (enum conf_type)type;
			return true;
		}
	}
	return false;
}

static void refuse_name(struct conf_loader *c, enum conf_type type, const char *directory, const char *file,
			const char *stem)
{
	_cleanup_free_ char *shown = str_escape(file, strlen(file));
	const char *why = "expected 1 to 200 letters, digits and -_.:+@, not beginning with '.' or '-'";

	if (type == CONF_CONTAINER && strchr(stem, '@'))
		why = "there are no templates of containers, since systemd-nspawn takes no '@' in the name "
		      "of a machine; write one file for each";
	else if (type == CONF_CONTAINER)
		why = "expected 1 to 64 letters, digits, '-' and '.', as in a host name: beginning and "
		      "ending "
		      "with a letter or digit, and so on both sides of a '.'";
	diags_add(c->diags, DIAG_ERROR, shown, directory, 0, NULL, NULL,
		  "the file %s gives no name for a %s: %s", shown ?: "?",
		  type == CONF_CONTAINER ? "container" : "namespace", why);
}

/* The name without its suffix; NULL after telling that it is none. */
static int object_name(struct conf_loader *c, enum conf_type type, const char *directory, const char *file,
		       const char *more, char **ret)
{
	_cleanup_free_ char *stem = strndup(file, strlen(file) - strlen(suffixes[type]) - strlen(more));
	bool valid;

	if (!stem)
		return -ENOMEM;
	valid = type == CONF_CONTAINER ? container_name_is_valid(stem) : netns_name_is_valid(stem);
	if (!valid)
		refuse_name(c, type, directory, file, stem);
	*ret = valid ? steal_pointer(stem) : NULL;
	return 0;
}

static int main_entry(struct conf_loader *c, struct conf_object *unused, const char *directory, int fd,
		      const struct dirent *e)
{
	_cleanup_free_ char *name = NULL, *path = NULL;
	enum conf_type type = CONF_NETNS;
	bool dropins = type_of(e->d_name, ".d", &type);
	struct conf_object *o;
	int r;

	(void)unused;
	if ((!dropins && !type_of(e->d_name, "", &type)) || !count_file(c, directory))
		return 0;
	r = object_name(c, type, directory, e->d_name, dropins ? ".d" : "", &name);
	if (r < 0 || !name)
		return r;
	r = conf_get_object(c, type, name, &o);
	if (r < 0)
		return r;
	if (!dropins)
		return set_main_file(o, directory, e->d_name, is_mask(fd, e));
	path = join_path(directory, e->d_name);
	if (!path)
		return -ENOMEM;
	return read_directory(c, o, path, dropin_entry);
}

/* --- templates -------------------------------------------------------------------------------- */

static bool is_template(const struct conf_object *o)
{
	return str_ends_with(o->name, "@");
}

/* lab@ for lab@x. */
static struct conf_object *find_template(const struct conf_loader *c, const struct conf_object *o)
{
	_cleanup_free_ char *name = NULL;

	if (!o->instance[0])
		return NULL;
	name = strndup(o->name, (size_t)(o->instance - o->name));
	return name ? conf_find_object(c, o->type, name) : NULL;
}

static int apply_template(struct conf_object *o, const struct conf_object *template)
{
	int r;

	if (template->masked)
		return 0;
	if (!o->path) {
		if (!template->path)
			return 0;
		r = str_replace(&o->path, template->path);
		if (r < 0)
			return r;
		/* "netnsctl add" of an instance leaves a drop-in. */
		for (size_t i = 0; i < o->n_dropins; i++)
			if (str_starts_with(o->dropins[i].path ?: "", CONFIG_TRANSIENT_DIRECTORY "/"))
				o->transient = true;
	}
	/* The instance's own are there already and win. */
	for (size_t i = 0; i < template->n_dropins; i++) {
		const struct conf_dropin *d = &template->dropins[i];

		if (has_dropin(o, d->name))
			continue;
		r = add_dropin(o, d->name, d->path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_dropins(const void *a, const void *b)
{
	return strcmp(((const struct conf_dropin *)a)->name, ((const struct conf_dropin *)b)->name);
}

static void warn_dropins_alone(struct conf_loader *c, const struct conf_object *o)
{
	for (size_t i = 0; i < o->n_dropins; i++)
		if (o->dropins[i].path &&
		    !str_starts_with(o->dropins[i].path, CONFIG_TRANSIENT_DIRECTORY "/")) {
			diags_add(c->diags, DIAG_WARNING, o->display, o->dropins[i].path, 0, NULL, NULL,
				  "the drop-in has no effect: there is no %s", o->display);
			return;
		}
}

static int select_object(struct conf_loader *c, struct conf_object *o)
{
	const struct conf_object *template;
	int r;

	if (is_template(o) || o->masked)
		return 0;
	template = find_template(c, o);
	r = template ? apply_template(o, template) : 0;
	if (r < 0)
		return r;
	if (!o->path) {
		warn_dropins_alone(c, o);
		return 0;
	}
	if (o->n_dropins > 1)
		qsort(o->dropins, o->n_dropins, sizeof(*o->dropins), compare_dropins);
	c->objects[c->n_objects++] = o;
	return 0;
}

/* From what was found to what is to be loaded, by name. */
static int select_objects(struct conf_loader *c)
{
	struct conf_object *o, *next;
	size_t n = 1;
	int r;

	for (unsigned type = 0; type < CONF_TYPES; type++)
		n += HASH_COUNT(c->by_name[type]);
	c->objects = calloc(n, sizeof(struct conf_object *));
	if (!c->objects)
		return -ENOMEM;
	for (unsigned type = 0; type < CONF_TYPES; type++)
		HASH_ITER (hh, c->by_name[type], o, next) {
			r = select_object(c, o);
			if (r < 0)
				return r;
		}
	qsort(c->objects, c->n_objects, sizeof(struct conf_object *), conf_object_compare);
	return 0;
}

int conf_find_objects(struct conf_loader *c, const char *const *directories)
{
	int r;

	for (; *directories; directories++) {
		r = read_directory(c, NULL, *directories, main_entry);
		if (r < 0)
			return r;
	}
	return select_objects(c);
}

/* --- files named one by one --------------------------------------------------------------------- */

static int given_file(struct conf_loader *c, const char *path)
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	_cleanup_free_ char *stem = NULL, *name = NULL;
	enum conf_type type = CONF_NETNS;
	struct conf_object *o;
	int r;

	if (!type_of(file, "", &type)) {
		diags_add(c->diags, DIAG_ERROR, file, path, 0, NULL, NULL,
			  "expected a file whose name ends in .netns or .container");
		return 0;
	}
	r = object_name(c, type, path, file, "", &stem);
	if (r < 0 || !stem)
		return r;
	/* A template is looked at as its instance "1", which does for names and for numbers. */
	if (asprintf(&name, "%s%s", stem, str_ends_with(stem, "@") ? "1" : "") < 0) {
		name = NULL;
		return -ENOMEM;
	}
	r = conf_get_object(c, type, name, &o);
	if (r < 0)
		return r;
	if (o->path) {
		diags_add(c->diags, DIAG_ERROR, o->display, path, 0, NULL, NULL,
			  "the object %s is also in %s", o->display, o->path);
		o->errors++;
		return 0;
	}
	return str_replace(&o->path, path);
}

int conf_find_given(struct conf_loader *c, const char *const *files)
{
	int r;

	for (; *files; files++) {
		r = count_file(c, *files) ? given_file(c, *files) : 0;
		if (r < 0)
			return r;
	}
	return select_objects(c);
}

/* --- the daemon's own file ---------------------------------------------------------------------- */

static int find_single_in(struct conf_loader *c, struct conf_object *o, const char *directory)
{
	_cleanup_free_ char *path = join_path(directory, o->display), *dropins = NULL;
	struct stat st;
	int r;

	if (!path || asprintf(&dropins, "%s.d", path) < 0) {
		dropins = NULL;
		return -ENOMEM;
	}
	if (!o->path && !o->masked && lstat(path, &st) == 0) {
		o->masked = stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
		r = o->masked ? 0 : str_replace(&o->path, path);
		if (r < 0)
			return r;
	}
	return read_directory(c, o, dropins, dropin_entry);
}

int conf_find_single(struct conf_loader *c, const char *const *directories, const char *file,
		     struct conf_object **ret)
{
	struct conf_object *o = NULL;
	int r = conf_object_new(file, "", &o);

	for (; r == 0 && *directories; directories++)
		r = find_single_in(c, o, *directories);
	if (r < 0) {
		conf_object_free(o);
		return r;
	}
	if (o->n_dropins > 1)
		qsort(o->dropins, o->n_dropins, sizeof(*o->dropins), compare_dropins);
	*ret = o;
	return 0;
}
