/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files in and out: the desired tree, the last good copies in /run/netnsd, transient namespaces. */
#include "manager_internal.h"

#include "cleanup.h"
#include "container.h"
#include "file.h"
#include "log.h"
#include "nspawn.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT_SUFFIX	 ".netns"
#define CONTAINER_SUFFIX ".container"

/* --- where pool addresses were ----------------------------------------------------------------- */

struct pool_memory {
	char *key; /* "NETNS/LINK" */
	struct netnsd_prefix prefix;
	UT_hash_handle hh;
};

static void memory_free(struct pool_memory **memory)
{
	struct pool_memory *e, *tmp;

	HASH_ITER (hh, *memory, e, tmp) {
		HASH_DEL(*memory, e);
		free(e->key);
		free(e);
	}
}

void manager_memory_free(struct manager *m)
{
	memory_free(&m->p->memory);
}

static void memory_add(struct pool_memory **memory, const char *key, const char *text)
{
	struct pool_memory *e;
	struct netnsd_prefix prefix;

	if (parse_prefix(text, &prefix) < 0)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->key = strdup(key);
	e->prefix = prefix;
	if (e->key)
		HASH_ADD_KEYPTR(hh, *memory, e->key, strlen(e->key), e);
	if (!e->hh.tbl) {
		free(e->key);
		free(e);
	}
}

/* A hint: whatever is wrong with the file, pools then choose as they would without it. */
static void memory_read(struct pool_memory **memory, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[512];

	for (unsigned n = 0; f && n < 1000000 && fgets(line, sizeof(line), f); n++) {
		char *space = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!space)
			continue;
		*space = '\0';
		memory_add(memory, line, space + 1);
	}
}

int manager_memory_read(struct manager *m)
{
	memory_read(&m->p->memory, ADDRESSES_FILE);
	return 0;
}

static bool in_pool(const struct netnsd_prefix *pool, const struct netnsd_prefix *p)
{
	return p->length == pool->length && prefix_contains(pool, &p->ip);
}

/* What runs knows best, then the file. */
struct before {
	const struct desired *desired;
	struct pool_memory *memory;
};

static bool address_before(const char *netns, const char *ifname, const struct netnsd_prefix *pool,
			   struct netnsd_prefix *ret, void *data)
{
	const struct before *b = data;
	const struct netns *n = b->desired ? desired_find(b->desired, netns) : NULL;
	const struct link *l = n ? netns_find_link(n, ifname) : NULL;
	struct pool_memory *e;
	char key[320];

	for (size_t i = 0; l && i < l->n_addresses; i++)
		if (in_pool(pool, &l->addresses[i].prefix)) {
			*ret = l->addresses[i].prefix;
			return true;
		}
	(void)snprintf(key, sizeof(key), "%s/%s", netns, ifname);
	HASH_FIND_STR(b->memory, key, e);
	if (!e || !in_pool(pool, &e->prefix))
		return false;
	*ret = e->prefix;
	return true;
}

/* --- reading ----------------------------------------------------------------------------------- */

/* An object whose files are bad has the copy of the daemon before this one. */
static char *fallback(const char *object, void *data)
{
	char path[512], *copy;
	size_t length;

	(void)data;
	(void)snprintf(path, sizeof(path), LAST_GOOD_DIRECTORY "/%s", object);
	return file_read(path, CONFIG_FILE_MAX, &copy, &length) < 0 ? NULL : copy;
}

/* nspawn is asked what it knows only where there are containers. At the start nobody is served yet, and there
 * are no workers: then its answer is waited for. */
static int load_with_nspawn(struct manager *m, bool strict, struct config_request *request,
			    struct desired **ret, struct diags *diags)
{
	struct error err = {0};
	int r = config_load(request, ret, diags), e;

	if (r < 0 || !(*ret)->containers)
		return r;
	e = m->workers ? nspawn_kept(&request->nspawn, &err) : nspawn_probe(&request->nspawn, &err);
	if (e == -EAGAIN && strict)
		e = manager_ask_nspawn(m) == 0 ? -EAGAIN : -ENOENT;
	if (e < 0 && (e != -EAGAIN || !strict))
		return r; /* a start says what is wrong with it */
	desired_unref(*ret);
	diags_free(diags);
	return e < 0 ? e : config_load(request, ret, diags);
}

int manager_load(struct manager *m, bool strict, struct diags *diags, struct desired **ret)
{
	struct before before = {m->desired, m->p->memory};
	struct config_request request = {
		.registry = &m->registry,
		.directories = config_directories(),
		.before = address_before,
		.before_data = &before,
		.fallback = strict ? NULL : fallback,
	};
	struct desired *d;
	int r = load_with_nspawn(m, strict, &request, &d, diags);

	if (r < 0)
		return r;
	/* What is not known to be declared would be removed, or forgotten. */
	if (diags->incomplete || (strict && diags->errors > 0)) {
		desired_unref(d);
		return strict ? -EBADMSG : -EIO;
	}
	*ret = d;
	return 0;
}

/* Whether `d` has all that runs but the namespace of this name. */
static bool has_the_others(const struct desired *d, const struct desired *running, const char *name)
{
	const struct container_settings *c, *ctmp;
	const struct netns *n, *ntmp;

	HASH_ITER (hh, running->namespaces, n, ntmp)
		if (!str_equal(n->name, name) && !desired_find(d, n->name))
			return false;
	HASH_ITER (hh, running->containers, c, ctmp)
		if (!desired_find_container(d, c->name))
			return false;
	return true;
}

int manager_load_one(struct manager *m, const char *name, struct diags *diags, struct desired **ret)
{
	struct before before = {m->desired, m->p->memory};
	char object[256];
	struct config_request request = {
		.registry = &m->registry,
		.directories = config_directories(),
		.before = address_before,
		.before_data = &before,
		.running = m->desired,
		.only = object,
	};
	struct desired *d;
	int r;

	(void)snprintf(object, sizeof(object), "%s" OBJECT_SUFFIX, name);
	r = config_load(&request, &d, diags);
	if (r < 0)
		return r;
	if (diags->incomplete || diags_object_failed(diags, object) || !has_the_others(d, m->desired, name)) {
		desired_unref(d);
		return diags->incomplete ? -EIO : -EBADMSG;
	}
	*ret = d;
	return 0;
}

int manager_load_from(struct manager *m, const char *const *directories, const char *addresses,
		      struct diags *diags, struct desired **ret)
{
	struct before before = {0};
	struct config_request request = {
		.registry = &m->registry,
		.directories = directories,
		.before = address_before,
		.before_data = &before,
	};
	struct desired *d;
	int r;

	memory_read(&before.memory, addresses);
	r = config_load(&request, &d, diags);
	memory_free(&before.memory);
	if (r == 0 && diags->errors > 0) {
		desired_unref(d);
		return -EBADMSG;
	}
	if (r == 0)
		*ret = d;
	return r;
}

/* Those files may not fit together any more: whatever has errors is not known. */
void manager_load_applied(struct manager *m)
{
	static const char *const directories[] = {LAST_GOOD_DIRECTORY, NULL};
	struct before before = {.memory = m->p->memory};
	struct config_request request = {.registry = &m->registry,
					 .directories = directories,
					 .before = address_before,
					 .before_data = &before};
	struct diags ignored = {0};
	struct desired *d;
	struct unit *u, *tmp;

	if (config_load(&request, &d, &ignored) == 0) {
		HASH_ITER (hh, m->units, u, tmp)
			if (desired_find(d, u->name))
				unit_set_applied(u, d);
		m->p->was_applied = d;
	}
	diags_free(&ignored);
}

/* --- writing ----------------------------------------------------------------------------------- */

struct save_job {
	struct job job;
	struct manager *manager;
	struct save_file {
		char *path, *text; /* text NULL: remove */
	} * files;
	size_t n;
	int result;
};

static void save_free(struct save_job *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->files[i].path);
		free(s->files[i].text);
	}
	free(s->files);
	free(s);
}

static void save_run(struct job *job, void *thread)
{
	struct save_job *s = (struct save_job *)job;

	(void)thread;
	for (size_t i = 0; i < s->n; i++) {
		int r = 0;

		if (!s->files[i].text)
			(void)unlink(s->files[i].path);
		else
			r = file_write_atomically(s->files[i].path, s->files[i].text);
		if (r < 0)
			s->result = r;
	}
}

static void save_done(struct job *job)
{
	struct save_job *s = (struct save_job *)job;

	if (s->result < 0)
		log_warning("could not write the last good configuration to %s: %s; the next start reads the "
			    "files alone",
			    LAST_GOOD_DIRECTORY, strerror(-s->result));
	s->manager->p->saves--;
	save_free(s);
}

static int save_add(struct save_job *s, char *path, char *text)
{
	struct save_file *grown = path ? reallocarray(s->files, s->n + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(path);
		free(text);
		return -ENOMEM;
	}
	s->files = grown;
	grown[s->n++] = (struct save_file){path, text};
	return 0;
}

/* Every address; which of them a pool gave is decided by its prefix when they are read back. */
static char *addresses_text(const struct desired *d)
{
	struct strbuf text = {0};
	const struct netns *n, *tmp;
	const struct link *l;
	char buffer[FORMAT_MAX];

	HASH_ITER (hh, d->namespaces, n, tmp)
		DL_FOREACH (n->links, l)
			for (size_t i = 0; i < l->n_addresses; i++)
				strbuf_printf(&text, "%s/%s %s\n", n->name, l->name,
					      format_prefix(&l->addresses[i].prefix, buffer));
	return strbuf_finish(&text);
}

static char *last_good_path(const char *name, const char *suffix)
{
	char *path;

	return asprintf(&path, LAST_GOOD_DIRECTORY "/%s%s", name, suffix) < 0 ? NULL : path;
}

/* Only what changed since the last time: *saved is the hash of the text that lies there; 0: none. */
static void save_text(struct save_job *s, const char *name, const char *suffix, const char *text,
		      uint64_t *saved)
{
	if (text ? *saved == str_hash(text) : *saved == 0)
		return;
	if (save_add(s, last_good_path(name, suffix), text ? strdup(text) : NULL) == 0)
		*saved = text ? str_hash(text) : 0;
}

static void save_unit(struct save_job *s, struct unit *u)
{
	const char *text = u->netns && !u->netns->implicit ? u->netns->text : NULL;

	if (u->config_failed || (text && u->state != NETNS_CONFIGURED && u->state != NETNS_PENDING))
		return;
	save_text(s, u->name, OBJECT_SUFFIX, text, &u->saved);
}

static void save_container(struct save_job *s, struct container *c)
{
	if (!c->config_failed)
		save_text(s, c->name, CONTAINER_SUFFIX, c->settings ? c->settings->text : NULL, &c->saved);
}

void manager_save(struct manager *m)
{
	struct save_job *s = calloc(1, sizeof(*s));
	struct container *c, *ctmp;
	struct unit *u, *tmp;
	char *addresses;

	if (!s)
		return;
	s->manager = m;
	s->job.run = save_run;
	s->job.done = save_done;
	HASH_ITER (hh, m->units, u, tmp)
		save_unit(s, u);
	HASH_ITER (hh, m->containers, c, ctmp)
		save_container(s, c);
	if (s->n == 0) {
		save_free(s);
		return;
	}
	addresses = addresses_text(m->desired);
	if (addresses)
		(void)save_add(s, strdup(ADDRESSES_FILE), addresses);
	m->p->saves++;
	worker_pool_submit(m->workers, &s->job);
}

/* --- transient namespaces ---------------------------------------------------------------------- */

#define TRANSIENT_FILE	 CONFIG_TRANSIENT_DIRECTORY "/%s" OBJECT_SUFFIX
#define TRANSIENT_DROPIN TRANSIENT_FILE ".d/add.conf"

/* Length of the section in "SECTION.KEY=VALUE": up to the last dot before the '=', for a title may
 * have dots itself. 0: not of that form. */
static size_t section_length(const char *setting)
{
	const char *equals = strchr(setting, '='), *dot = NULL;

	for (const char *s = setting; equals && s < equals; s++)
		if (*s == '.')
			dot = s;
	if (!dot || dot + 1 == equals || strpbrk(setting, "\n\r"))
		return 0;
	return (size_t)(dot - setting);
}

static bool same_section(const char *a, const char *b)
{
	size_t length = section_length(a);

	return length == section_length(b) && strncmp(a, b, length) == 0;
}

/* A section may stand in a file once: the first setting of each brings the others with it. */
static void append_section(struct strbuf *text, char *const *settings, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_section(settings[k], settings[i]))
			return;
	strbuf_printf(text, "[%.*s]\n", (int)section_length(settings[i]), settings[i]);
	for (size_t k = i; settings[k]; k++)
		if (same_section(settings[k], settings[i]))
			strbuf_printf(text, "%s\n", settings[k] + section_length(settings[k]) + 1);
}

/* lab@.netns is the form of lab@x. That there is one is said by a drop-in, which the next daemon finds
 * too; what "add" says of it stands there. */
bool transient_has_template(const char *name)
{
	const char *at = strchr(name, '@');

	for (const char *const *d = config_directories(); at && at[1] && *d; d++) {
		char path[1024];

		(void)snprintf(path, sizeof(path), "%s/%.*s" OBJECT_SUFFIX, *d, (int)(at + 1 - name), name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void make_parent(const char *path)
{
	char parent[512];

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	(void)mkdir(parent, 0755); /* writing says what is wrong */
}

static void remove_dropin(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), TRANSIENT_DROPIN, name);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
}

int transient_write(const char *name, char *const *settings, struct error *err)
{
	_cleanup_(strbuf_free) struct strbuf text = {0};
	_cleanup_free_ char *path = NULL;
	bool instance;
	int r;

	strbuf_puts(&text, "# Made by netnsctl; lives until netnsctl del or the next boot.\n");
	for (size_t i = 0; settings && settings[i]; i++) {
		if (section_length(settings[i]) == 0)
			return error_set(err, -EINVAL,
					 "\"%s\" is not SECTION.KEY=VALUE, for example \"Veth "
					 "eth0.Address=10.0.0.2/24\"",
					 settings[i]);
		append_section(&text, settings, i);
	}
	instance = transient_has_template(name);
	if (text.failed || asprintf(&path, instance ? TRANSIENT_DROPIN : TRANSIENT_FILE, name) < 0)
		return -ENOMEM;
	if (instance)
		make_parent(path);
	r = file_write_atomically(path, text.data);
	return r < 0 ? error_set(err, r, "could not write %s: %s", path, strerror(-r)) : 0;
}

int transient_remove(const char *name, struct error *err)
{
	_cleanup_free_ char *path = NULL;

	remove_dropin(name);
	if (asprintf(&path, TRANSIENT_FILE, name) < 0)
		return -ENOMEM;
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, -errno, "could not remove %s: %s", path, strerror(errno));
	return 0;
}
