/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line and the environment of nspawn. Pure: what the installed one knows comes in, a vector goes
 * out. One function builds the vector, and `check` builds and drops it, so that both say the same.
 */
#include "nspawn.h"
#include "cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a shell on Debian has as root. The seed gave the host's own (S39); Environment= says otherwise. */
#define NSPAWN_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct builder {
	const struct nspawn_features *features;
	const struct container_settings *settings;
	char **argv;
	int error; /* the first; all that comes later does nothing */
	struct error *err;
};

static void builder_no_memory(struct builder *b)
{
	if (b->error == 0)
		b->error = error_set(b->err, -ENOMEM, "container %s: no memory for nspawn's command line",
				     b->settings->name);
}

static void builder_push(struct builder *b, const char *word)
{
	if (b->error == 0 && strv_push(&b->argv, word) < 0)
		builder_no_memory(b);
}

/* `key`: as it is written in the file; NULL: netnsd passes the option to all. */
static bool builder_may(struct builder *b, const char *option, const char *key)
{
	const struct nspawn_features *f = b->features;

	if (b->error < 0)
		return false;
	if (nspawn_knows(f, option))
		return true;
	if (key)
		b->error = error_set(b->err, -EOPNOTSUPP,
				     "container %s: %s= needs %s, which %s of systemd %u does not have; "
				     "install a newer systemd-nspawn or remove the key",
				     b->settings->name, key, option, f->path ? f->path : "systemd-nspawn",
				     f->version);
	else
		b->error = error_set(b->err, -EOPNOTSUPP,
				     "container %s: netnsd needs %s, which %s of systemd %u does not have; "
				     "install a newer systemd-nspawn",
				     b->settings->name, option, f->path ? f->path : "systemd-nspawn",
				     f->version);
	return false;
}

/* "--option", or "--option=value". */
static void builder_add(struct builder *b, const char *key, const char *option, const char *value)
{
	struct strbuf word = {0};
	_cleanup_free_ char *text = NULL;

	if (!builder_may(b, option, key))
		return;
	strbuf_puts(&word, option);
	if (value)
		strbuf_printf(&word, "=%s", value);
	text = strbuf_finish(&word);
	if (text)
		builder_push(b, text);
	else
		builder_no_memory(b);
}

static bool has_option(const struct container_settings *c, const char *option)
{
	for (size_t i = 0; i < c->n_arguments; i++)
		if (str_equal(c->arguments[i].option, option))
			return true;
	return false;
}

bool nspawn_has_stub(const struct container_settings *c)
{
	return has_option(c, "--as-pid2");
}

bool nspawn_is_init(const struct container_settings *c)
{
	const char *program = c->parameters ? c->parameters[0] : NULL, *name;

	if (c->boot || nspawn_has_stub(c))
		return true;
	if (!program)
		return false;
	name = strrchr(program, '/');
	name = name ? name + 1 : program;
	return str_equal(name, "init") || str_equal(name, "systemd");
}

/* Key of the file for an option, for the text of an error. */
static const char *key_of(const char *option)
{
	static const char *const rows[][2] = {
		{"--ambient-capability", "AmbientCapability"},
		{"--as-pid2", "ProcessTwo"},
		{"--bind", "Bind"},
		{"--bind-ro", "BindReadOnly"},
		{"--bind-user", "BindUser"},
		{"--capability", "Capability"},
		{"--chdir", "WorkingDirectory"},
		{"--cpu-affinity", "CPUAffinity"},
		{"--drop-capability", "DropCapability"},
		{"--hostname", "Hostname"},
		{"--inaccessible", "Inaccessible"},
		{"--link-journal", "LinkJournal"},
		{"--no-new-privileges", "NoNewPrivileges"},
		{"--oom-score-adjust", "OOMScoreAdjust"},
		{"--overlay", "Overlay"},
		{"--overlay-ro", "OverlayReadOnly"},
		{"--personality", "Personality"},
		{"--pivot-root", "PivotRoot"},
		{"--private-users", "PrivateUsers"},
		{"--private-users-ownership", "PrivateUsersOwnership"},
		{"--read-only", "ReadOnly"},
		{"--restrict-address-families", "RestrictAddressFamilies"},
		{"--rlimit", "Limit..."},
		{"--setenv", "Environment"},
		{"--suppress-sync", "SuppressSync"},
		{"--system-call-filter", "SystemCallFilter"},
		{"--timezone", "Timezone"},
		{"--tmpfs", "TemporaryFileSystem"},
		{"--user", "User"},
		{"--volatile", "Volatile"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_equal(rows[i][0], option))
			return rows[i][1];
	return NULL;
}

static void add_identity(struct builder *b, const struct nspawn_run *run)
{
	const struct container_settings *c = b->settings;

	builder_add(b, NULL, "--quiet", NULL);
	builder_add(b, NULL, "--keep-unit", NULL);
	builder_add(b, NULL, "--register", run->registered ? "yes" : "no");
	builder_add(b, NULL, "--machine", c->name);
	builder_add(b, NULL, "--settings", c->settings_mode ? c->settings_mode : "no");
	/* Not a pipe nor a pty that the container could die of (FACTS 3.4). */
	builder_add(b, NULL, "--console", "read-only");
	if (c->machine_id)
		builder_add(b, "MachineID", "--uuid", c->machine_id);
}

/* Not --ephemeral: that copies. A directory comes as an overlay made by root.c; an image gets nspawn's own
 * overlay, and read-only, so that several can run from one image (the lock is a shared one then). */
static void add_root(struct builder *b, const struct nspawn_run *run)
{
	const struct container_settings *c = b->settings;

	if (run->root) {
		builder_add(b, NULL, "--directory", run->root);
		return;
	}
	builder_add(b, "Image", "--image", c->image ? c->image : "");
	if (!c->ephemeral || has_option(c, "--volatile"))
		return;
	builder_add(b, "Ephemeral", "--volatile", "overlay");
	if (!has_option(c, "--read-only"))
		builder_add(b, "Ephemeral", "--read-only", NULL);
}

/* Both, although the manual says they exclude each other: the path alone leaves the payload the host's
 * /sys/class/net, a read-only /proc/sys/net and no CAP_NET_ADMIN (A2). */
static void add_network(struct builder *b, const struct nspawn_run *run)
{
	if (run->netns_path) {
		builder_add(b, "Namespace", "--private-network", NULL);
		builder_add(b, "Namespace", "--network-namespace-path", run->netns_path);
	}
	/* 261 warns that it will leave IP and UNIX alone by default: no netlink, no DHCP (A3). */
	if (nspawn_knows(b->features, "--restrict-address-families") &&
	    !has_option(b->settings, "--restrict-address-families"))
		builder_add(b, NULL, "--restrict-address-families", "");
}

/* nspawn splits at ":" and takes "\" as an escape. */
static char *escape_path(const char *path)
{
	struct strbuf b = {0};

	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			strbuf_append(&b, "\\", 1);
		strbuf_append(&b, path, 1);
	}
	return strbuf_finish(&b);
}

static void add_pair(struct builder *b, const char *key, const char *option, const char *first,
		     const char *second, const char *second_name)
{
	_cleanup_free_ char *a = escape_path(first), *word = NULL;
	struct strbuf value = {0};

	if (a)
		strbuf_printf(&value, "%s:%s%s%s", a, second, second_name ? "/" : "",
			      second_name ? second_name : "");
	word = a ? strbuf_finish(&value) : NULL;
	if (word)
		builder_add(b, key, option, word);
	else
		builder_no_memory(b);
}

/* Its own when the namespace has one; never the host's, whose servers are out of reach in there, unless the
 * container lives in the host's namespace. */
static void add_resolv_conf(struct builder *b, const struct nspawn_run *run)
{
	const struct container_settings *c = b->settings;

	if (c->resolv_conf) {
		builder_add(b, "ResolvConf", "--resolv-conf", c->resolv_conf);
		return;
	}
	builder_add(b, NULL, "--resolv-conf", run->netns_path || run->resolv_conf ? "off" : "auto");
	if (run->resolv_conf)
		add_pair(b, NULL, "--bind-ro", run->resolv_conf, "/etc/resolv.conf", NULL);
}

/* As files: what is on a command line everybody can read. */
static void add_credentials(struct builder *b, const struct nspawn_run *run)
{
	const struct container_settings *c = b->settings;

	if (!run->credentials_directory)
		return;
	if (run->credential_ids) {
		for (char *const *id = run->credential_ids; *id; id++)
			add_pair(b, "LoadCredential", "--load-credential", *id, run->credentials_directory,
				 *id);
		return;
	}
	for (size_t i = 0; i < c->n_credentials; i++)
		add_pair(b, "LoadCredential", "--load-credential", c->credentials[i].id,
			 run->credentials_directory, c->credentials[i].id);
}

const char *nspawn_kill_signal(const struct container_settings *c)
{
	return c->kill_signal ? c->kill_signal : nspawn_is_init(c) ? "SIGRTMIN+3" : "SIGTERM";
}

static void add_settings(struct builder *b, const struct nspawn_run *run)
{
	const struct container_settings *c = b->settings;

	/* Without one, SIGTERM to nspawn is SIGKILL for the payload (A4). */
	builder_add(b, NULL, "--kill-signal", nspawn_kill_signal(c));
	builder_add(b, NULL, "--notify-ready", c->notify_ready ? "yes" : "no");
	if (!has_option(c, "--link-journal"))
		builder_add(b, NULL, "--link-journal", "no");
	if (c->boot)
		builder_add(b, "Boot", "--boot", NULL);
	for (size_t i = 0; i < c->n_arguments; i++) {
		const struct nspawn_argument *a = &c->arguments[i];

		if (a->optional_source && run->exists && !run->exists(a->optional_source))
			continue;
		if (builder_may(b, a->option, key_of(a->option)))
			builder_push(b, a->argument);
	}
}

int nspawn_argv(const struct container_settings *c, const struct nspawn_run *run, char ***ret,
		struct error *err)
{
	struct builder b = {.features = run->features, .settings = c, .err = err};

	builder_push(&b, run->features->path ? run->features->path : "systemd-nspawn");
	add_identity(&b, run);
	add_root(&b, run);
	add_network(&b, run);
	add_resolv_conf(&b, run);
	add_settings(&b, run);
	add_credentials(&b, run);
	if (c->parameters && c->parameters[0])
		builder_push(&b, "--");
	for (char *const *p = c->parameters; p && *p; p++)
		builder_push(&b, *p);
	if (b.error < 0) {
		strv_free(b.argv);
		return b.error;
	}
	*ret = b.argv;
	return 0;
}

int nspawn_check(const struct container_settings *c, const struct nspawn_features *f, struct error *err)
{
	const struct nspawn_run run = {.features = f,
				       .root = c->image ? NULL : "/",
				       .netns_path = "/proc/self/fd/3",
				       .credentials_directory = "/"};
	char **argv;
	int e = nspawn_argv(c, &run, &argv, err);

	if (e < 0)
		return e;
	strv_free(argv);
	return 0;
}

/* SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: left alone, nspawn looks for a systemd of 230 or later below /usr/lib of
 * the root, and mounts a v1 hierarchy without controllers into every payload where it finds none (busybox,
 * NixOS), also on hosts that have nothing but v2. Tried with 252 on a hybrid host and on pure v2; 258 and
 * later know nothing else. No WATCHDOG_PID: with it nspawn would have to be that process. */
int nspawn_environment(const struct container_settings *c, const char *notify, char ***ret)
{
	struct strbuf text = {0};
	char **env = NULL;
	int e;

	e = strv_push(&env, NSPAWN_PATH);
	if (e == 0)
		e = strv_push(&env, "LANG=C.UTF-8");
	if (e == 0)
		e = strv_push(&env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1");
	if (e == 0) {
		strbuf_printf(&text, "NOTIFY_SOCKET=%s", notify);
		e = text.failed ? -ENOMEM : strv_push(&env, text.data);
	}
	if (e == 0 && c->watchdog != 0) {
		text.length = 0;
		strbuf_printf(&text, "WATCHDOG_USEC=%" PRIu64, c->watchdog);
		e = text.failed ? -ENOMEM : strv_push(&env, text.data);
	}
	strbuf_free(&text);
	if (e < 0) {
		strv_free(env);
		return e;
	}
	*ret = env;
	return 0;
}
