/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the keys of one *.container file must not say together: mostly what systemd-nspawn would refuse at the
 * start, told when the files are read. */
#include "config_container.h"

#include "parse.h"

#include <string.h>
#include <sys/capability.h>

struct check {
	struct conf_loader *c;
	struct conf_object *o;
	const struct container_builder *b;
	const struct container_settings *s;
};

/* Where the key was written; the last one counts. */
static const struct conf_assign *find(const struct check *k, const char *section, const char *key,
				      const struct conf_section **ret)
{
	*ret = conf_find_section(k->o, section);
	return *ret ? conf_find_assign(*ret, key) : NULL;
}

__attribute__((format(printf, 4, 5))) static void refuse(const struct check *k, const char *section,
							 const char *key, const char *format, ...)
{
	const struct conf_section *s;
	const struct conf_assign *a = find(k, section, key, &s);
	char message[512];
	va_list args;

	va_start(args, format);
	(void)str_vformat(message, sizeof(message), format, args);
	va_end(args);
	conf_error(k->c, k->o, s, a, "%s", message);
}

static void warn(const struct check *k, const char *section, const char *key, const char *message)
{
	const struct conf_section *s;
	const struct conf_assign *a = find(k, section, key, &s);

	conf_warning(k->c, k->o, s, a, "%s", message);
}

static bool is_set(const struct check *k, const char *section, const char *key)
{
	const struct conf_section *s;
	const struct conf_assign *a = find(k, section, key, &s);

	return a && a->value[0];
}

/* "--volatile=yes" is one of the arguments. */
static bool has_argument(const struct check *k, const char *argument)
{
	for (size_t i = 0; i < k->s->n_arguments; i++)
		if (str_equal(k->s->arguments[i].argument, argument))
			return true;
	return false;
}

static bool has_option(const struct check *k, const char *option)
{
	for (size_t i = 0; i < k->s->n_arguments; i++)
		if (str_equal(k->s->arguments[i].option, option))
			return true;
	return false;
}

/* --- the root ---------------------------------------------------------------------------------------- */

static void check_root(const struct check *k)
{
	const struct container_settings *s = k->s;
	const char *second = s->template ? "Template" : "Image";

	if (!!s->directory + !!s->image + !!s->template > 1) {
		refuse(k, "Container", second,
		       "there is one root: of Directory=, Image= and Template= give one, not two");
		return;
	}
	if (str_equal(s->directory, "/") && !s->ephemeral)
		refuse(k, "Container", "Directory",
		       "the host's own root is taken only with Ephemeral=yes, so that nothing in it is "
		       "changed");
	if (s->root_size_max && (s->image || ((s->directory || s->template) && !s->ephemeral)))
		refuse(k, "Container", "RootSizeMax",
		       "only a root in memory can be limited: with Ephemeral=yes that of Directory= or "
		       "Template=, or "
		       "one without Directory=, Image= and Template=");
}

/* --- the payload --------------------------------------------------------------------------------------- */

static void check_payload(const struct check *k)
{
	const struct container_settings *s = k->s;

	/* Settings= may bring it. */
	if (!s->boot && !s->parameters && str_equal(s->settings_mode, "no"))
		refuse(k, "Exec", "Boot", "there is nothing to run: set Boot=yes or Parameters= in [Exec]");
	if (!s->boot)
		return;
	if (has_argument(k, "--as-pid2"))
		refuse(k, "Exec", "ProcessTwo", "Boot=yes runs the init as process 1; remove one of them");
	if (has_option(k, "--ambient-capability"))
		refuse(k, "Exec", "AmbientCapability",
		       "an init (Boot=yes) has all it may have; remove the line");
}

static void check_kill_signal(const struct check *k)
{
	const struct conf_section *exec, *service;
	const struct conf_assign *a = find(k, "Exec", "KillSignal", &exec);
	const struct conf_assign *b = find(k, "Service", "KillSignal", &service);
	int first, second;

	if (!a || !b || parse_signal(a->value, &first) < 0 || parse_signal(b->value, &second) < 0 ||
	    first == second)
		return;
	conf_error(k->c, k->o, service, b, "KillSignal= in [Exec] says %.32s (%s:%u); keep one of them",
		   a->value, a->file, a->line);
}

#define BIT(n) (UINT64_C(1) << (n))
/* systemd-nspawn(1), "--capability=", with CAP_NET_ADMIN of --private-network. */
static const uint64_t nspawn_capabilities =
	BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) |
	BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_IPC_OWNER) | BIT(CAP_KILL) |
	BIT(CAP_LEASE) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_NET_BIND_SERVICE) |
	BIT(CAP_NET_BROADCAST) | BIT(CAP_NET_RAW) | BIT(CAP_NET_ADMIN) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) |
	BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_CHROOT) |
	BIT(CAP_SYS_NICE) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_SYS_TTY_CONFIG);

static void check_capabilities(const struct check *k)
{
	const struct container_builder *b = k->b;
	uint64_t allowed = (nspawn_capabilities | b->added) & ~b->dropped, lacking = b->ambient & ~allowed;

	for (cap_value_t n = 0; lacking && n < 64; n++) {
		char *name = lacking >> n & 1 ? cap_to_name(n) : NULL;

		if (!name)
			continue;
		refuse(k, "Exec", "AmbientCapability",
		       "the container itself does not have %s: it is neither one of systemd-nspawn's own nor "
		       "in "
		       "Capability=, or it is in DropCapability=",
		       name);
		cap_free(name);
	}
}

static void check_users(const struct check *k)
{
	if (has_option(k, "--bind-user") && !conf_private_users_wanted(k->o))
		refuse(k, "Files", "BindUser",
		       "users of the host are mapped into a user namespace, which needs PrivateUsers=");
	/* An image with Ephemeral=yes is read-only under nspawn's own overlay. */
	if (has_argument(k, "--private-users-ownership=chown") &&
	    (has_option(k, "--read-only") || (k->s->image && k->s->ephemeral) ||
	     (has_option(k, "--volatile") && !has_argument(k, "--volatile=no"))))
		refuse(k, "Files", "PrivateUsersOwnership",
		       "nothing can be given another owner in a root that is read-only (ReadOnly=, "
		       "Volatile=)");
}

/* --- the service --------------------------------------------------------------------------------------- */

static void check_restart(const struct check *k)
{
	const struct restart_policy *p = &k->s->restart;

	if (p->steps > 0 && p->max_delay == USEC_INFINITY)
		warn(k, "Service", "RestartSteps", "it has no effect without RestartMaxDelaySec=");
	else if (p->max_delay != USEC_INFINITY && p->steps == 0)
		warn(k, "Service", "RestartMaxDelaySec", "it has no effect without RestartSteps=");
	else if (p->max_delay < p->delay)
		warn(k, "Service", "RestartMaxDelaySec",
		     "it is shorter than RestartSec=, which is used then");
}

static void check_health(const struct check *k)
{
	static const char *const keys[] = {"HealthIntervalSec", "HealthTimeoutSec", "HealthRetries",
					   "HealthAction", NULL};

	if (k->s->health_cmd || k->s->health_tcp)
		return;
	for (const char *const *key = keys; *key; key++)
		if (is_set(k, "Service", *key))
			warn(k, "Service", *key, "it has no effect without HealthCmd= or HealthTcp=");
}

void conf_check_container(struct conf_loader *c, struct conf_object *o, const struct container_builder *b)
{
	const struct check k = {.c = c, .o = o, .b = b, .s = b->settings};

	check_root(&k);
	check_payload(&k);
	check_kill_signal(&k);
	check_capabilities(&k);
	check_users(&k);
	check_restart(&k);
	check_health(&k);
}
