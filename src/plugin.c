/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds, checks and opens plugins. A plugin is code that runs as root, and some of it may run
 * inside dlopen() already; so who could have written it is checked first, on a descriptor, and that
 * what was opened is what was checked is verified afterwards. It is opened by its real path: glibc
 * remembers objects by name, and a /proc/self/fd/N whose number was used before gives the old one.
 */
#include "plugin.h"

#include "cleanup.h"
#include "str.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGINS_MAX 1024 /* files in one directory */

struct loader {
	struct registry *registry;
	const char *directory; /* as the caller wrote it; for messages */
	char *real;	       /* without links */
	int fd;
	bool trust_caller;
	void (*report)(const struct error *err, void *data);
	void *data;
};

static void report(const struct loader *l, const struct error *err)
{
	if (l->report)
		l->report(err, l->data);
}

static bool is_trusted_owner(const struct loader *l, const struct stat *st)
{
	return st->st_uid == 0 || (l->trust_caller && st->st_uid == geteuid());
}

/* Owner and mode of a file or directory that decides which code runs. */
static int check_access(const struct loader *l, const char *path, const struct stat *st, struct error *err)
{
	if (!is_trusted_owner(l, st))
		return error_set(err, -EPERM, "%s: belongs to user %u; plugins are taken from root only",
				 path, st->st_uid);
	if (st->st_mode & 022)
		return error_set(
			err, -EPERM,
			"%s: is writable by its group or by everybody (mode %04o); expected at most 0755",
			path, st->st_mode & 07777);
	return 0;
}

/* Whoever can write a directory above can put another one in our place between the check and
 * dlopen(). A sticky directory (/tmp) does not let others do that. */
static int check_parents(const struct loader *l, struct error *err)
{
	char path[PATH_MAX];
	char *slash;

	if (l->trust_caller)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s", l->real) >= sizeof(path))
		return error_set(err, -ENAMETOOLONG, "%s: the path is too long", l->directory);
	while ((slash = strrchr(path, '/')) && path[1]) {
		struct stat st;
		int r;

		slash[slash == path] = '\0';
		if (stat(path, &st) < 0)
			return error_set(err, -errno, "%s: cannot look at %s: %m", l->directory, path);
		if (st.st_uid == 0 && st.st_mode & S_ISVTX)
			continue;
		r = check_access(l, path, &st, err);
		if (r < 0)
			return error_prefix(err, r, "%s", l->directory);
	}
	return 0;
}

static int open_directory(struct loader *l, struct error *err)
{
	struct stat st;
	int r;

	l->real = realpath(l->directory, NULL);
	if (!l->real)
		return error_set(err, -errno, "%s: cannot open the directory of plugins: %m", l->directory);
	l->fd = open(l->real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return error_set(err, -errno, "%s: cannot open the directory of plugins: %m", l->directory);
	r = check_access(l, l->directory, &st, err);
	return r < 0 ? r : check_parents(l, err);
}

static int is_plugin_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends_with(entry->d_name, ".so");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Opens the file without following a link, and looks at what it is. */
static int check_file(const struct loader *l, const char *name, const char *path, struct stat *ret,
		      struct error *err)
{
	_cleanup_close_ int fd = openat(l->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ELOOP)
		return error_set(err, -ELOOP, "%s: is a symbolic link; expected the plugin itself", path);
	if (fd < 0 || fstat(fd, ret) < 0)
		return error_set(err, -errno, "%s: cannot open: %m", path);
	if (!S_ISREG(ret->st_mode))
		return error_set(err, -EINVAL, "%s: is not a regular file", path);
	return check_access(l, path, ret, err);
}

/* What dlopen() took may be another file than the one that was checked. */
static int check_object(void *handle, const char *path, const struct stat *checked, struct error *err)
{
	struct link_map *map;
	struct stat st;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0)
		return error_set(err, -EINVAL, "%s: %s", path, dlerror());
	if (stat(map->l_name, &st) < 0)
		return error_set(err, -errno, "%s: cannot look at %s: %m", path, map->l_name);
	if (st.st_dev != checked->st_dev || st.st_ino != checked->st_ino)
		return error_set(err, -ESTALE, "%s: was replaced while it was being opened", path);
	return 0;
}

/* The exported symbol: a datum of this very object (not of a library it needs), and large enough. */
static int find_symbol(void *handle, const char *path, const struct netnsd_plugin **ret, struct error *err)
{
	const struct netnsd_plugin *plugin = dlsym(handle, "netnsd_plugin");
	struct link_map *map = NULL, *owner = NULL;
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!plugin || dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0 ||
	    !dladdr1(plugin, &info, (void **)&owner, RTLD_DL_LINKMAP) || owner != map)
		return error_set(err, -ENOENT, "%s: does not export the symbol netnsd_plugin", path);
	if (!dladdr1(plugin, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
	    ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_size < sizeof(plugin->api))
		return error_set(err, -EINVAL, "%s: netnsd_plugin is not a struct netnsd_plugin", path);
	if (plugin->api == NETNSD_PLUGIN_API && symbol->st_size < sizeof(*plugin))
		return error_set(err, -EINVAL, "%s: netnsd_plugin is not a struct netnsd_plugin", path);
	*ret = plugin;
	return 0;
}

static int register_plugin(const struct loader *l, const struct netnsd_plugin *plugin, const char *name,
			   const char *path, struct error *err)
{
	size_t length = strlen(name) - strlen(".so");

	/* Only a plugin of this API has its name where we look for it; registry_add() refuses others. */
	if (plugin->api == NETNSD_PLUGIN_API && plugin->name &&
	    (strlen(plugin->name) != length || strncmp(plugin->name, name, length) != 0))
		return error_set(err, -EINVAL, "%s: calls itself %s; expected the name of the file, %.*s",
				 path, plugin->name, (int)length, name);
	return registry_add(l->registry, plugin, path, err);
}

/* A refused plugin is closed again: nothing points to it. Others stay open for ever. */
static int open_plugin(const struct loader *l, const struct stat *checked, const char *name, const char *path,
		       struct error *err)
{
	const struct netnsd_plugin *plugin = NULL;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int r;

	if (!handle)
		return error_set(err, -ELIBBAD, "%s: cannot be loaded: %s", path, dlerror());
	r = check_object(handle, path, checked, err);
	if (r == 0)
		r = find_symbol(handle, path, &plugin, err);
	if (r == 0)
		r = register_plugin(l, plugin, name, path, err);
	if (r < 0)
		(void)dlclose(handle);
	return r;
}

static void load_one(const struct loader *l, const char *name)
{
	struct error err = {.code = 0};
	char path[PATH_MAX];
	struct stat st;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", l->real, name) >= sizeof(path))
		r = error_set(&err, -ENAMETOOLONG, "%s: the path is too long", name);
	else
		r = check_file(l, name, path, &st, &err);
	if (r == 0)
		r = open_plugin(l, &st, name, path, &err);
	if (r < 0)
		report(l, &err);
}

static int load_all(const struct loader *l, struct error *err)
{
	struct dirent **entries = NULL;
	int n = scandirat(l->fd, ".", &entries, is_plugin_name, by_name), r = 0;

	if (n < 0)
		return error_set(err, -errno, "%s: cannot read the directory of plugins: %m", l->directory);
	if (n > PLUGINS_MAX)
		r = error_set(err, -E2BIG, "%s: has %d plugins; at most %d are taken", l->directory, n,
			      PLUGINS_MAX);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			load_one(l, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int plugins_load(struct registry *r, const char *directory, bool trust_caller,
		 void (*report_fn)(const struct error *err, void *data), void *data)
{
	struct loader l = {.registry = r,
			   .directory = directory,
			   .fd = -1,
			   .trust_caller = trust_caller,
			   .report = report_fn,
			   .data = data};
	struct error err = {.code = 0};
	int e;

	e = open_directory(&l, &err);
	if (e == 0)
		e = load_all(&l, &err);
	if (e < 0)
		report(&l, &err);
	cleanup_close(&l.fd);
	free(l.real);
	return e;
}
