/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lib_config.h. */
#include "lib_config.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- kinds and sources ------------------------------------------------------------------------ */

struct bridge_config {
	uint32_t stp, ageing;
};

static const struct conf_key bridge_keys[] = {
	{.name = "STP", .type = NETNSD_KEY_BOOL, .offset = offsetof(struct bridge_config, stp)},
	{.name = "AgeingTimeSec",
	 .type = NETNSD_KEY_SEC,
	 .offset = offsetof(struct bridge_config, ageing),
	 .max = 1000000},
	{.name = NULL},
};

struct macvlan_config {
	uint32_t mode;
	char *note;
};

static const struct netnsd_enum_name modes[] = {{"private", 1}, {"bridge", 4}, {NULL, 0}};

static const struct conf_key macvlan_keys[] = {
	{.name = "Mode",
	 .type = NETNSD_KEY_ENUM,
	 .names = modes,
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "how its links talk to one another",
	 .offset = offsetof(struct macvlan_config, mode)},
	{.name = "Note", .type = NETNSD_KEY_STRING, .offset = offsetof(struct macvlan_config, note)},
	{.name = NULL},
};

static int macvlan_verify(const struct netnsd_link *link, struct netnsd_error *err)
{
	const struct macvlan_config *c = link->config;

	if (!c->note || strcmp(c->note, "refuse") != 0)
		return 0;
	snprintf(err->text, sizeof(err->text), "the kind refuses its keys");
	return -EINVAL;
}

static const struct link_kind kinds[] = {
	{.name = "bridge",
	 .section = "Bridge",
	 .flags = NETNSD_KIND_MASTER,
	 .max_ports = 1023,
	 .config_size = sizeof(struct bridge_config),
	 .keys = bridge_keys},
	{.name = "macvlan",
	 .section = "MACVLAN",
	 .flags = NETNSD_KIND_PARENT | NETNSD_KIND_NEEDS_PARENT,
	 .config_size = sizeof(struct macvlan_config),
	 .keys = macvlan_keys,
	 .verify = macvlan_verify},
	{.name = "vrf", .section = "VRF", .flags = NETNSD_KIND_MASTER},
	{.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR},
};

static int parse_address(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err)
{
	if (parse_prefix(value, ret) == 0)
		return 0;
	snprintf(err->text, sizeof(err->text), "expected an address, not \"%.64s\"", value);
	return -EINVAL;
}

static bool is_taken(const struct netnsd_ip *ip, const struct netnsd_ip *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_equal(ip, &taken[i]))
			return true;
	return false;
}

/* .2, .3, ... of an IPv4 /24 or longer; "before" is kept. */
static int assign_pool(struct netnsd_address_request *requests, size_t n, const struct netnsd_ip *taken,
		       size_t n_taken, struct netnsd_error *err)
{
	for (size_t i = 0; i < n; i++) {
		unsigned last = (1U << (32 - requests[i].pool.length)) - 2, host = 1;
		bool used = true;

		requests[i].result = requests[i].pool;
		if (requests[i].before.ip.family) {
			requests[i].result = requests[i].before;
			continue;
		}
		while (used && ++host <= last) {
			requests[i].result.ip.bytes[3] = (uint8_t)(requests[i].pool.ip.bytes[3] + host);
			used = is_taken(&requests[i].result.ip, taken, n_taken);
			for (size_t k = 0; k < i && !used; k++)
				used = ip_equal(&requests[k].result.ip, &requests[i].result.ip);
		}
		if (used) {
			snprintf(err->text, sizeof(err->text), "the pool is exhausted");
			return -ENOSPC;
		}
	}
	return 0;
}

static const struct address_source sources[] = {
	{.name = "static", .key = "Address", .parse = parse_address},
	{.name = "pool", .key = "AddressPool", .parse = parse_address, .assign = assign_pool},
};

struct registry *config_test_registry(void)
{
	static const struct link_kind *kind_list[] = {&kinds[0], &kinds[1], &kinds[2], &kinds[3]};
	static const struct address_source *source_list[] = {&sources[0], &sources[1]};
	static struct registry registry;

	/* By section, as registry_add() sorts them. */
	kind_list[2] = &kinds[2], kind_list[3] = &kinds[3];
	registry =
		(struct registry){.kinds = kind_list, .n_kinds = 4, .sources = source_list, .n_sources = 2};
	return &registry;
}

/* --- files ------------------------------------------------------------------------------------- */

int scene_setup(void **state)
{
	static const char *const names[] = {"etc", "run/transient", "local", "lib"};
	struct scene *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	snprintf(s->root, sizeof(s->root), "%s/netnsd-test-XXXXXX", "/tmp");
	if (!mkdtemp(s->root))
		return -1;
	for (size_t i = 0; i < 4; i++) {
		snprintf(s->directories_text[i], sizeof(s->directories_text[i]), "%s/%s", s->root, names[i]);
		s->directories[i] = s->directories_text[i];
	}
	s->request =
		(struct config_request){.registry = config_test_registry(), .directories = s->directories};
	*state = s;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int scene_teardown(void **state)
{
	struct scene *s = *state;

	desired_unref(s->desired);
	diags_free(&s->diags);
	(void)nftw(s->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

const char *scene_path(const struct scene *s, const char *path)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s/%s", s->root, path);
	return text;
}

static void make_parents(const struct scene *s, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s", scene_path(s, path));
	for (char *slash = strchr(full + strlen(s->root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
}

void scene_write(struct scene *s, const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd;

	make_parents(s, path);
	fd = open(scene_path(s, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	/* Whatever the umask of who runs the test. */
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

void scene_link(struct scene *s, const char *target, const char *path)
{
	make_parents(s, path);
	assert_int_equal(symlink(target, scene_path(s, path)), 0);
}

/* --- loading -------------------------------------------------------------------------------------- */

static void print_diags(const struct diags *d)
{
	for (size_t i = 0; i < d->count; i++) {
		_cleanup_free_ char *text = diag_to_string(&d->items[i]);

		fprintf(stderr, "  %s %s\n",
			d->items[i].severity == DIAG_ERROR ? "error:" : "warning:", text);
	}
}

void scene_load(struct scene *s)
{
	desired_unref(s->desired);
	s->desired = NULL;
	diags_free(&s->diags);
	assert_int_equal(config_load(&s->request, &s->desired, &s->diags), 0);
	assert_non_null(s->desired);
	assert_non_null(s->desired->host);
}

void scene_load_good(struct scene *s)
{
	scene_load(s);
	if (s->diags.errors > 0)
		print_diags(&s->diags);
	assert_int_equal(s->diags.errors, 0);
}

struct netns *scene_netns(struct scene *s, const char *name)
{
	struct netns *n = desired_find(s->desired, name);

	assert_non_null(n);
	return n;
}

struct link *scene_find_link(struct scene *s, const char *netns, const char *name)
{
	struct link *l = netns_find_link(scene_netns(s, netns), name);

	assert_non_null(l);
	return l;
}

static bool holds_all(const char *text, va_list args)
{
	const char *word;

	while ((word = va_arg(args, const char *)))
		if (!strstr(text, word))
			return false;
	return true;
}

void scene_expect(const struct scene *s, enum diag_severity severity, ...)
{
	va_list args;

	for (size_t i = 0; i < s->diags.count; i++) {
		_cleanup_free_ char *text = diag_to_string(&s->diags.items[i]);
		bool found;

		va_start(args, severity);
		found = s->diags.items[i].severity == severity && holds_all(text, args);
		va_end(args);
		if (found)
			return;
	}
	print_diags(&s->diags);
	va_start(args, severity);
	fail_msg("nothing was told about \"%s\"", va_arg(args, const char *));
	va_end(args);
}

void scene_expect_count(const struct scene *s, size_t errors)
{
	if (s->diags.errors != errors)
		print_diags(&s->diags);
	assert_int_equal(s->diags.errors, errors);
}
