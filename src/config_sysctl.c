/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sysctl= of [Namespace]: the notation of sysctl.d(5) to a path below /proc/sys.
 *
 * The path is opened by a process that may write anything, so it is checked piece by piece here,
 * and only net/ is let through: the rest does not belong to a network namespace.
 */
#include "config_internal.h"

#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYSCTLS_MAX	1024
#define SYSCTL_PATH_MAX 255

/* sysctl.d(5): the first separator decides. After a dot, dots and slashes change places, so that
 * net.ipv4.conf.eth0/100.forwarding means the link eth0.100. */
static void normalize(char *path)
{
	const char *first = strpbrk(path, "./");

	if (!first || *first == '/')
		return;
	for (; *path; path++)
		*path = *path == '.' ? '/' : *path == '/' ? '.' : *path;
}

static bool piece_is_valid(const char *piece)
{
	if (!*piece || str_equal(piece, ".") || str_equal(piece, ".."))
		return false;
	for (; *piece; piece++)
		if ((unsigned char)*piece <= ' ' || strchr("*?[]\\", *piece))
			return false;
	return true;
}

static bool path_is_valid(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy, *piece;
	size_t pieces = 0;

	if (!copy || strlen(path) > SYSCTL_PATH_MAX)
		return false;
	while ((piece = strsep(&rest, "/"))) {
		if (!piece_is_valid(piece) || (pieces == 0 && !str_equal(piece, "net")))
			return false;
		pieces++;
	}
	return pieces > 1;
}

/* Two names of one switch. */
static const char *canonical(const char *path)
{
	return str_equal(path, "net/ipv4/conf/all/forwarding") ? "net/ipv4/ip_forward" : path;
}

static struct sysctl *find_sysctl(const struct netns *n, const char *path)
{
	for (size_t i = 0; i < n->n_sysctls; i++)
		if (str_equal(canonical(n->sysctls[i].path), canonical(path)))
			return &n->sysctls[i];
	return NULL;
}

static void remove_sysctl(struct netns *n, struct sysctl *s)
{
	free(s->path);
	free(s->value);
	n->n_sysctls--;
	memmove(s, s + 1, (size_t)(n->sysctls + n->n_sysctls - s) * sizeof(*s));
}

int conf_build_sysctl(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		      const struct conf_assign *a, const char *path, const char *value)
{
	struct netns *n = o->netns;
	struct sysctl *grown, new;
	int r;

	if (n->n_sysctls >= SYSCTLS_MAX) {
		conf_error(c, o, s, a, "more than %d sysctls", SYSCTLS_MAX);
		return 0;
	}
	r = conf_origin(c, a->file, a->line, &new.origin);
	if (r < 0)
		return r;
	grown = reallocarray(n->sysctls, n->n_sysctls + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->sysctls = grown;
	new.path = strdup(path);
	new.value = strdup(value);
	if (!new.path || !new.value) {
		free(new.path);
		free(new.value);
		return -ENOMEM;
	}
	n->sysctls[n->n_sysctls++] = new;
	return 0;
}

/* IPv4Forwarding=yes and Sysctl=net.ipv4.ip_forward=0 in one file. */
static bool contradicts(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
			const struct conf_assign *a, const char *path, const char *value)
{
	static const char *const keys[][2] = {{"IPv4Forwarding", "net/ipv4/ip_forward"},
					      {"IPv6Forwarding", "net/ipv6/conf/all/forwarding"}};

	for (size_t i = 0; i < 2; i++) {
		const struct conf_assign *key = conf_find_assign(s, keys[i][0]);
		const struct sysctl *other = find_sysctl(o->netns, path);

		if (!str_equal(canonical(path), keys[i][1]) || !key || !key->value[0] || !other ||
		    str_equal(other->value, value))
			continue;
		conf_error(c, o, s, a, "the value %s contradicts %s=%s in %s:%u; keep one of them", value,
			   keys[i][0], key->value, key->file, key->line);
		return true;
	}
	return false;
}

int conf_read_sysctl(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		     const struct conf_assign *a)
{
	_cleanup_free_ char *path = NULL;
	const char *equals = strchr(a->value, '='), *value;
	struct sysctl *other;
	size_t length;

	length = equals ? (size_t)(equals - a->value) : 0;
	while (length > 0 && strchr(" \t", a->value[length - 1]))
		length--;
	path = strndup(a->value, length);
	if (!path)
		return -ENOMEM;
	value = equals ? equals + 1 + strspn(equals + 1, " \t") : "";
	normalize(path);
	if (!path_is_valid(path) || !*value) {
		conf_error(c, o, s, a,
			   "expected KEY=VALUE with a key below net, such as net.ipv4.ip_forward=1, not "
			   "\"%.64s\"",
			   a->value);
		return 0;
	}
	if (contradicts(c, o, s, a, path, value))
		return 0;
	other = find_sysctl(o->netns, path);
	if (other)
		remove_sysctl(o->netns, other);
	return conf_build_sysctl(c, o, s, a, path, value);
}
