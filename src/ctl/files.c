/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files behind a namespace or container, for cat, edit and check: which they are, reading them, and the
 * plugins that say what they may contain. Needs no daemon. */
#include "config_load.h"
#include "ctl.h"
#include "desired_container.h"
#include "nspawn.h"
#include "plugin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#ifndef NETNSD_PLUGIN_DIR
#define NETNSD_PLUGIN_DIR "/usr/lib/netnsd/plugins"
#endif

int ctl_read_file(const char *path, char **ret, size_t *ret_length, struct error *err)
{
	/* O_NONBLOCK: a pipe under that name must not make us wait. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	_cleanup_free_ char *data = NULL;
	struct stat st;
	size_t n;

	if (!f)
		return error_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is no plain file", path);
	data = malloc(CONFIG_FILE_MAX + 2);
	if (!data)
		return error_set(err, -ENOMEM, "cannot read %s: out of memory", path);
	n = fread(data, 1, CONFIG_FILE_MAX + 1, f);
	if (ferror(f))
		return error_set(err, -EIO, "cannot read %s: %s", path, strerror(errno));
	if (n > CONFIG_FILE_MAX)
		return error_set(err, -EFBIG, "%s is larger than %d KiB", path, CONFIG_FILE_MAX / 1024);
	data[n] = '\0';
	*ret_length = n;
	*ret = steal_pointer(data);
	return 0;
}

/* --- which files ----------------------------------------------------------------------------- */

/* A link to /dev/null (or an empty file in its place, as systemd has it, is no mask here). */
static bool is_mask(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

/* 0 and the path, -ENOENT, -ENOMEM; -ERFKILL when it is masked. */
static int find_main(const char *const *directories, const char *object, char **ret)
{
	for (size_t i = 0; directories[i]; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", directories[i], object) < 0)
			return -ENOMEM;
		if (access(path, F_OK) == 0 && !is_mask(path)) {
			*ret = path;
			return 0;
		}
		if (is_mask(path)) {
			*ret = path;
			return -ERFKILL;
		}
		free(path);
	}
	return -ENOENT;
}

struct dropin {
	char *name, *path;
};
struct dropins {
	struct dropin *items;
	size_t n;
};

static void dropins_done(struct dropins *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].name);
		free(d->items[i].path);
	}
	free(d->items);
}

static int dropins_add(struct dropins *d, const char *directory, const char *name)
{
	struct dropin *grown;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->items[i].name, name) == 0)
			return 0; /* a stronger directory has it */
	grown = reallocarray(d->items, d->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	d->items = grown;
	grown[d->n] = (struct dropin){.name = strdup(name)};
	if (asprintf(&grown[d->n].path, "%s/%s", directory, name) < 0)
		grown[d->n].path = NULL;
	d->n++;
	return grown[d->n - 1].name && grown[d->n - 1].path ? 0 : -ENOMEM;
}

static int dropins_scan(struct dropins *d, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return 0;
	while (r >= 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.' && str_ends_with(e->d_name, ".conf"))
			r = dropins_add(d, directory, e->d_name);
	(void)closedir(dir);
	return r;
}

static int by_file_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

static int collect_dropins(const char *const *directories, const char *object, struct dropins *d)
{
	for (size_t i = 0; directories[i]; i++) {
		_cleanup_free_ char *path = NULL;
		int r = asprintf(&path, "%s/%s.d", directories[i], object);

		if (r < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = dropins_scan(d, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int append_dropins(const char *const *directories, const char *object, const char *template,
			  char ***files)
{
	_cleanup_(dropins_done) struct dropins d = {0};
	int r;

	/* Those of the instance are stronger than those of the template. */
	r = collect_dropins(directories, object, &d);
	if (r >= 0 && template)
		r = collect_dropins(directories, template, &d);
	if (r < 0)
		return r;
	if (d.n > 0)
		qsort(d.items, d.n, sizeof(*d.items), by_file_name);
	for (size_t i = 0; i < d.n; i++) {
		r = is_mask(d.items[i].path) ? 0 : strv_push(files, d.items[i].path);
		if (r < 0)
			return r;
	}
	return 0;
}

bool object_parse(const char *text, struct object_name *ret)
{
	size_t length = strlen(text);

	*ret = (struct object_name){.container = str_ends_with(text, ".container")};
	if (ret->container)
		length -= strlen(".container");
	else if (str_ends_with(text, ".netns"))
		length -= strlen(".netns");
	if (length >= sizeof(ret->name))
		return false;
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)length, text);
	(void)snprintf(ret->file, sizeof(ret->file), "%s%s", ret->name,
		       ret->container ? ".container" : ".netns");
	return ret->container ? container_name_is_valid(ret->name) : netns_name_is_valid(ret->name);
}

int files_of_object(const char *const *directories, const struct object_name *object, char ***ret,
		    struct error *err)
{
	_cleanup_(strv_freep) char **files = NULL;
	_cleanup_free_ char *template = NULL, *path = NULL;
	const char *at = object->container ? NULL : strchr(object->name, '@');
	int r;

	if (at && asprintf(&template, "%.*s@.netns", (int)(at - object->name), object->name) < 0) {
		template = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	r = find_main(directories, object->file, &path);
	if (r == -ENOENT && template)
		r = find_main(directories, template, &path);
	if (r == -ERFKILL)
		return error_set(err, r, "'%s' is masked by %s; remove that link to unmask it", object->name,
				 path);
	if (r == -ENOENT)
		return error_set(err, r,
				 "no file declares '%s': there is no %s in %s or the directories after it; "
				 "'netnsctl edit %s' makes one",
				 object->name, object->file,
				 directories[0] ? directories[0] : "any directory",
				 object->container ? object->file : object->name);
	if (r >= 0)
		r = strv_push(&files, path);
	if (r >= 0)
		r = append_dropins(directories, object->file, template, &files);
	if (r < 0)
		return error_set(err, r, "out of memory");
	*ret = steal_pointer(files);
	return 0;
}

/* --- plugins --------------------------------------------------------------------------------- */

static void report_plugin(const struct error *err, void *data)
{
	diags_add(data, DIAG_WARNING, NULL, NULL, 0, NULL, NULL, "%s", err->text);
}

int registry_load(struct registry *r, const char *const *directories, struct diags *diags, struct error *err)
{
	const char *path = getenv("NETNSD_PLUGIN_PATH");
	struct daemon_settings settings = {0};
	int code;

	code = daemon_settings_load(directories, &settings, diags);
	if (code < 0)
		return error_set(err, code, "cannot read netnsd.conf: %s", strerror(-code));
	if (!path || !*path)
		path = settings.plugin_directory ? settings.plugin_directory : NETNSD_PLUGIN_DIR;
	code = plugins_load(r, path, true, report_plugin, diags);
	if (code < 0)
		code = error_set(err, code, "cannot load plugins from %s: %s", path, strerror(-code));
	daemon_settings_free(&settings);
	return code < 0 ? code : 0;
}

/* --- all files --------------------------------------------------------------------------------- */

static int load(const struct config_request *request, struct diags *diags, bool *ret_containers)
{
	struct desired *desired = NULL;
	int r = config_load(request, &desired, diags);

	*ret_containers = r >= 0 && desired->containers;
	desired_unref(desired);
	return r;
}

int files_load(const struct registry *registry, const char *const *directories, const char *const *files,
	       struct diags *diags)
{
	struct config_request request = {.registry = registry, .directories = directories, .files = files};
	struct error err = {0};
	struct diags plain = {0};
	bool containers = false;
	int r = load(&request, &plain, &containers);

	/* Only who has containers need have an nspawn, and is made to wait for its answer. */
	if (r >= 0 && containers && nspawn_probe(&request.nspawn, &err) >= 0) {
		r = load(&request, diags, &containers);
	} else if (r >= 0) {
		if (containers)
			diags_add(diags, DIAG_WARNING, NULL, NULL, 0, NULL, NULL,
				  "what containers need of systemd-nspawn is not checked: %s", err.text);
		for (size_t i = 0; i < plain.count; i++) {
			const struct diag *d = &plain.items[i];

			diags_add(diags, d->severity, d->object, d->file, d->line, d->section, d->key, "%s",
				  d->message);
		}
		diags->dropped += plain.dropped;
	}
	nspawn_probe_forget();
	diags_free(&plain);
	return r;
}
