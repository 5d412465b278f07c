/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of methods with their privilege, who is allowed what, and the server's life. */
#include "api_internal.h"
#include "clock.h"
#include "idl.h"
#include "log.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

/* All users but root together. Each connection may hold a descriptor and 64 KiB of input. */
#define CONNECTIONS_MAX 1024

static const struct varlink_interface interfaces[] = {
	{"io.netnsd.Manager", io_netnsd_Manager_varlink},
	{"io.netnsd.Namespace", io_netnsd_Namespace_varlink},
	{"io.netnsd.Container", io_netnsd_Container_varlink},
	{"io.systemd.service", io_systemd_service_varlink},
	{0},
};

/* Plan changes nothing, but reads files and quotes them: those who may read them are root. */
static const struct varlink_method methods[] = {
	{"io.netnsd.Manager.Describe", api_manager_describe, PRIVILEGE_READ},
	{"io.netnsd.Manager.Subscribe", api_manager_subscribe, PRIVILEGE_READ},
	{"io.netnsd.Manager.Plan", api_manager_plan, PRIVILEGE_ADMIN},
	{"io.netnsd.Manager.Apply", api_manager_apply, PRIVILEGE_ADMIN},
	{"io.netnsd.Manager.Confirm", api_manager_confirm, PRIVILEGE_ADMIN},
	{"io.netnsd.Manager.Reexec", api_manager_reexec, PRIVILEGE_ADMIN},
	{"io.netnsd.Namespace.List", api_namespace_list, PRIVILEGE_READ},
	{"io.netnsd.Namespace.Describe", api_namespace_describe, PRIVILEGE_READ},
	{"io.netnsd.Namespace.Wait", api_namespace_wait, PRIVILEGE_READ},
	{"io.netnsd.Namespace.Add", api_namespace_add, PRIVILEGE_ADMIN},
	{"io.netnsd.Namespace.Delete", api_namespace_delete, PRIVILEGE_ADMIN},
	{"io.netnsd.Namespace.Up", api_namespace_up, PRIVILEGE_ADMIN},
	{"io.netnsd.Namespace.Down", api_namespace_down, PRIVILEGE_ADMIN},
	{"io.netnsd.Container.List", api_container_list, PRIVILEGE_READ},
	{"io.netnsd.Container.Describe", api_container_describe, PRIVILEGE_READ},
	{"io.netnsd.Container.Wait", api_container_wait, PRIVILEGE_READ},
	{"io.netnsd.Container.Start", api_container_start, PRIVILEGE_OPERATE},
	{"io.netnsd.Container.Stop", api_container_stop, PRIVILEGE_OPERATE},
	{"io.netnsd.Container.Restart", api_container_restart, PRIVILEGE_OPERATE},
	{"io.netnsd.Container.Kill", api_container_kill, PRIVILEGE_OPERATE},
	{"io.netnsd.Container.ResetFailed", api_container_reset_failed, PRIVILEGE_OPERATE},
	{"io.systemd.service.Ping", api_service_ping, PRIVILEGE_READ},
	{"io.systemd.service.GetLogLevel", api_service_get_log_level, PRIVILEGE_READ},
	{"io.systemd.service.SetLogLevel", api_service_set_log_level, PRIVILEGE_ADMIN},
	{"io.systemd.service.GetEnvironment", api_service_get_environment, PRIVILEGE_ADMIN},
	{"io.systemd.service.Reload", api_service_reload, PRIVILEGE_ADMIN},
	{0},
};

static bool allow(const struct varlink_peer *peer, unsigned privilege, void *data)
{
	(void)data;
	switch ((enum privilege)privilege) {
	case PRIVILEGE_READ: return true;
	case PRIVILEGE_OPERATE: return peer->uid == 0 || peer->in_operator_group;
	case PRIVILEGE_ADMIN: return peer->uid == 0;
	}
	return false;
}

/* (gid_t)-1 when there is no such group: nobody is in it then. */
static gid_t find_group(const char *name)
{
	const struct group *g = name != NULL && name[0] != '\0' ? getgrnam(name) : NULL;

	if (g == NULL && name != NULL && name[0] != '\0')
		log_debug("There is no group '%s'; only root may operate", name);
	return g != NULL ? g->gr_gid : (gid_t)-1;
}

static int server_new(struct api *a)
{
	const struct daemon_settings *settings = &a->manager->settings;
	struct varlink_options options = {
		.vendor = "netnsd",
		.product = "netnsd",
		.version = NETNSD_VERSION,
		.url = "man:netnsd(8)",
		.interfaces = interfaces,
		.methods = methods,
		.allow = allow,
		.data = a,
		.operator_gid = find_group(settings->socket_group),
		.connections_per_user = settings->connections_max,
		.connections_max = CONNECTIONS_MAX,
	};

	return varlink_server_new(a->manager->loop, &options, &a->server);
}

static void on_looked(void *data)
{
	struct api *a = data;

	varlink_server_hold(a->server, false);
}

/* A container that runs on is "dead" until its record was read, and whoever waits for its end believes it. */
static void hold_until_looked(struct api *a)
{
	if (!a->manager->looking)
		return;
	varlink_server_hold(a->server, true);
	a->manager->looked = on_looked;
	a->manager->looked_data = a;
}

int api_start(struct manager *m, const char *socket_path, mode_t mode, int fd, struct error *err,
	      struct api **ret)
{
	struct api *a = calloc(1, sizeof(*a));
	bool ours = true; /* the path, to be removed at the end */
	int r;

	if (a == NULL)
		return error_set(err, -ENOMEM, "No memory for the control socket");
	a->manager = m;
	a->started_at = clock_realtime();
	r = server_new(a);
	if (r < 0)
		r = error_set(err, r, "Cannot prepare the control socket: %s", strerror(-r));
	else
		r = varlink_server_listen(a->server, socket_path, mode, fd, err);
	if (r == 0 && fd >= 0 && api_socket_is_ours()) /* of the program before this one */
		r = varlink_server_own(a->server, socket_path, err);
	else
		ours = fd < 0;
	if (r == 0 && ours && (a->socket_path = strdup(socket_path)) == NULL)
		r = error_set(err, -ENOMEM, "No memory for the control socket");
	if (r < 0) {
		api_free(a);
		return r;
	}
	/* One elsewhere is a test's, and nobody else's business. */
	if (a->socket_path != NULL && str_starts_with(a->socket_path, "/run/"))
		api_registry_add(a->socket_path);
	hold_until_looked(a);
	api_take_over(a);
	*ret = a;
	return 0;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	if (a->manager->looked_data == a)
		a->manager->looked = NULL;
	if (a->socket_path != NULL)
		api_registry_remove(a->socket_path);
	varlink_server_free(a->server);
	api_message_unref(a->last);
	free(a->socket_path);
	free(a);
}
