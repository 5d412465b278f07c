/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the API share: a manager that is played by the test (the functions of manager.h and
 * container.h that the API calls, and what looks at the system), and one client. Defines them: for one file
 * of a program only. */
#ifndef TEST_FAKE_MANAGER_H
#define TEST_FAKE_MANAGER_H

#include "api_internal.h"
#include "cgroup.h"
#include "netns.h"
#include "varlink_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the manager, played ---------------------------------------------------------------------- */

static struct manager m;
static struct api *api;
static char directory[] = "/tmp/test_api.XXXXXX", path[64];
static const char *const *foreign;

static struct played {
	struct operation_request request;
	char *name, *settings;
	operation_done_fn *done;
	operation_progress_fn *progress;
	void *data;
	unsigned started, forgotten;
	int refuse;				/* what the start returns, with nothing done */
	const struct operation_result *at_once; /* done() within the start */
} played;

int manager_start_operation(struct manager *manager, const struct operation_request *request,
			    operation_done_fn *done, operation_progress_fn *progress, void *data,
			    struct operation **ret)
{
	assert_ptr_equal(manager, &m);
	if (played.refuse < 0)
		return played.refuse;
	played.started++;
	played.request = *request;
	free(played.name);
	free(played.settings);
	played.name = request->name ? strdup(request->name) : NULL;
	played.settings = request->settings ? strv_join((char *const *)request->settings, "|") : NULL;
	played.done = done;
	played.progress = progress;
	played.data = data;
	if (played.at_once)
		done(played.at_once, data);
	else
		*ret = (struct operation *)&played;
	return 0;
}

void operation_forget(struct operation *op)
{
	assert_ptr_equal(op, &played);
	played.forgotten++;
}

/* What Reexec finds: 0, or an error; then it can be refused later. */
static int reexec_result;
static void (*reexec_refused)(const struct error *err, void *data);
static void *reexec_data;

int manager_reexec(struct manager *manager, void (*refused)(const struct error *err, void *data), void *data,
		   struct error *err)
{
	assert_ptr_equal(manager, &m);
	reexec_refused = refused;
	reexec_data = data;
	return reexec_result < 0 ? error_set(err, reexec_result, "not executed") : 0;
}

/* What Confirm finds: 0, or an error. */
static int confirm_result;

int manager_confirm(struct manager *manager, struct error *err)
{
	assert_ptr_equal(manager, &m);
	return confirm_result < 0 ? error_set(err, confirm_result, "not now") : 0;
}

struct unit *manager_find_unit(struct manager *manager, const char *name)
{
	struct unit *u;

	HASH_FIND_STR(manager->units, name, u);
	return u;
}

const char *manager_state_to_string(enum manager_state s)
{
	return s == MANAGER_RUNNING ? "running" : "stopping";
}

const char *netns_state_to_string(enum netns_state s)
{
	static const char *const names[] = {"pending", "configuring", "configured", "degraded",
					    "failed",  "removing",    "down"};

	return names[s];
}

int netns_list(int (*fn)(const char *name, void *data), void *data, struct error *err)
{
	int r = 0;

	(void)err;
	for (const char *const *n = foreign; r == 0 && n && *n; n++)
		r = fn(*n, data);
	return r;
}

__attribute__((unused)) static struct unit *add_unit(const char *name, enum netns_state state)
{
	struct unit *u = calloc(1, sizeof(*u));

	u->name = strdup(name);
	u->manager = &m;
	u->state = state;
	u->nsid = -1;
	HASH_ADD_KEYPTR(hh, m.units, u->name, strlen(u->name), u);
	return u;
}

/* --- containers, played --------------------------------------------------------------------------- */

static struct asked {
	struct container_request request;
	char name[80];
	container_done_fn *done;
	container_changed_fn *changed;
	void *data;
	unsigned started, forgotten;
	const struct container_outcome *at_once; /* done() within the question */
} asked;

void container_ask(struct manager *manager, const struct container_request *request, container_done_fn *done,
		   container_changed_fn *changed, void *data, struct container_waiter **ret)
{
	assert_ptr_equal(manager, &m);
	asked.started++;
	asked.request = *request;
	snprintf(asked.name, sizeof(asked.name), "%s", request->name);
	asked.done = done;
	asked.changed = changed;
	asked.data = data;
	if (asked.at_once)
		done(asked.at_once, data);
	else
		*ret = (struct container_waiter *)&asked;
}

void container_waiter_forget(struct container_waiter *w)
{
	assert_ptr_equal(w, &asked);
	asked.forgotten++;
}

struct container *manager_find_container(struct manager *manager, const char *name)
{
	struct container *c;

	HASH_FIND_STR(manager->containers, name, c);
	return c;
}

static const struct container *comes_back;

bool container_comes_back(const struct container *c)
{
	return c == comes_back;
}

const char *health_state_to_string(enum health_state h)
{
	return h == HEALTH_HEALTHY ? "healthy" : h == HEALTH_UNHEALTHY ? "unhealthy" : "unknown";
}

int cgroup_memory_current(const char *cgroup, uint64_t *ret)
{
	if (strcmp(cgroup, "/counted") != 0)
		return -ENOENT;
	*ret = 4096;
	return 0;
}

__attribute__((unused)) static struct container *add_container(const char *name, enum container_state state)
{
	struct container *c = calloc(1, sizeof(*c));

	c->name = strdup(name);
	c->manager = &m;
	c->s.state = state;
	HASH_ADD_KEYPTR(hh, m.containers, c->name, strlen(c->name), c);
	return c;
}

static void remove_container(struct container *c)
{
	HASH_DEL(m.containers, c);
	free(c->name);
	free(c);
}

/* --- one client ----------------------------------------------------------------------------------- */

static const struct varlink_peer root = {.uid = 0}, user = {.uid = 1000};
static int client;

static int connect_as(const struct varlink_peer *peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(varlink_connection_new(api->server, fds[0], peer), 0);
	return fds[1];
}

static int setup(void **state)
{
	struct error err = {0};

	(void)state;
	m = (struct manager){
		.loop = ev_loop_new(0), .state = MANAGER_RUNNING, .settings.connections_max = 10};
	played = (struct played){0};
	asked = (struct asked){0};
	foreign = NULL;
	if (api_start(&m, path, 0600, -1, &err, &api) < 0)
		return -1;
	client = connect_as(&root);
	return 0;
}

static int teardown(void **state)
{
	struct container *c, *next_container;
	struct unit *u, *next;

	(void)state;
	close(client);
	api_free(api);
	HASH_ITER (hh, m.units, u, next) {
		HASH_DEL(m.units, u);
		free(u->name);
		free(u);
	}
	HASH_ITER (hh, m.containers, c, next_container)
		remove_container(c);
	ev_loop_destroy(m.loop);
	free(played.name);
	free(played.settings);
	return access(path, F_OK) == 0 ? -1 : 0;
}

static void pump(void)
{
	for (unsigned i = 0; i < 10; i++)
		ev_run(m.loop, EVRUN_NOWAIT);
}

static void say(const char *text)
{
	assert_int_equal(send(client, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
	pump();
}

static void expect(const char *text)
{
	char buffer[8192] = "";
	size_t n = 0;

	pump();
	while (n < sizeof(buffer) - 1 && recv(client, buffer + n, 1, 0) == 1 && buffer[n] != '\0')
		n++;
	assert_string_equal(buffer, text);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
