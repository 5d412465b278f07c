/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links in /run/varlink/registry, by which tools find the socket of an interface. A convenience:
 * where they cannot be made, the daemon runs all the same. Somebody else's link is left alone. */
#include "api_internal.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGISTRY "/run/varlink/registry"

/* The generic io.systemd.service is nobody's to register. */
static const char *const registered[] = {"io.netnsd.Manager", "io.netnsd.Namespace", "io.netnsd.Container"};

static void link_path(char *ret, size_t size, const char *interface)
{
	(void)snprintf(ret, size, "%s/%s", REGISTRY, interface);
}

static bool is_ours(const char *path, const char *socket_path)
{
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, socket_path) == 0;
}

void api_registry_add(const char *socket_path)
{
	char path[128];

	if ((mkdir("/run/varlink", 0755) < 0 && errno != EEXIST) ||
	    (mkdir(REGISTRY, 0755) < 0 && errno != EEXIST)) {
		log_debug("Cannot make %s: %s", REGISTRY, strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof(registered) / sizeof(*registered); i++) {
		link_path(path, sizeof(path), registered[i]);
		if (symlink(socket_path, path) < 0 && !(errno == EEXIST && is_ours(path, socket_path)))
			log_debug("Cannot make the link %s: %s", path, strerror(errno));
	}
}

void api_registry_remove(const char *socket_path)
{
	char path[128];

	for (size_t i = 0; i < sizeof(registered) / sizeof(*registered); i++) {
		link_path(path, sizeof(path), registered[i]);
		if (is_ours(path, socket_path))
			(void)unlink(path);
	}
}
