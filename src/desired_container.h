/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a .container file declares. Owned by struct desired, read-only once built. Layer 2; pure. */
#ifndef NETNSD_DESIRED_CONTAINER_H
#define NETNSD_DESIRED_CONTAINER_H

#include "desired.h"
#include "restart.h"

#define CONTAINER_TIMEOUT_DEFAULT (90 * UINT64_C(1000000)) /* usec */
#define CONTAINER_NAME_MAX	  64			   /* the host-name rule of machine names */

enum health_action { HEALTH_RESTART, HEALTH_STOP, HEALTH_REPORT };
const char *health_action_to_string(enum health_action a);
int health_action_from_string(const char *text, enum health_action *ret);
enum container_register { REGISTER_AUTO, REGISTER_NO, REGISTER_YES };

struct credential {
	char *id;
	char *path;  /* LoadCredential=: absolute; NULL: */
	char *value; /* SetCredential=, as bytes with NUL behind them */
	size_t length;
};
struct create_directory { /* CreateDirectory=PATH[:MODE[:USER[:GROUP]]] */
	char *path;
	mode_t mode;	    /* default 0755 */
	char *user, *group; /* NULL: root */
};

/* One key of [Exec] or [Files] that becomes nspawn arguments as it is, in order of the file. */
struct nspawn_argument {
	char *argument;	    /* "--bind-ro=/srv/data" */
	const char *option; /* "--bind-ro", interned: what the installed nspawn must know */
	/* "BindReadOnly=-/srv/data": the path on the host. When nothing is there at the start, the argument
	 * is left out; it has no '-' itself, for nspawn knows no such thing. NULL: always passed. */
	char *optional_source;
};

struct container_settings {
	UT_hash_handle hh; /* desired->containers, by name */
	char *name;
	char *description; /* NULL: none */
	struct origin origin;
	char *text; /* effective text, as struct netns has it */

	/* [Container] */
	char *netns; /* Namespace=, default: the name; the object's name, "host" (or as it is called) for the
			host's */
	char *directory, *image, *template; /* at most one; all NULL: a root of its own with nothing in it */
	bool autostart, after_network, reset_on_restart;
	uint64_t root_size_max; /* RootSizeMax=, bytes; 0: not set (a tmpfs' default: half of the memory) */
	struct create_directory *directories;
	size_t n_directories;
	char *machine_id; /* 32 hex digits of a fixed or stable one; NULL: random */
	enum container_register registration;
	char *settings_mode; /* Settings=, nspawn's --settings=; default "no" */

	/* [Exec], [Files] */
	bool boot, ephemeral, notify_ready;
	char **parameters; /* Parameters= in words; with Boot= arguments of init */
	char *kill_signal; /* "SIGRTMIN+3"; NULL: by the kind of payload */
	char *resolv_conf; /* ResolvConf=; NULL: ours */
	struct nspawn_argument *arguments;
	size_t n_arguments;

	/* [Service] */
	struct restart_policy restart;
	uint64_t timeout_start, timeout_stop; /* usec; USEC_INFINITY: none; default 90 s */
	uint64_t watchdog;		      /* 0: none */
	struct credential *credentials;
	size_t n_credentials;
	uint64_t memory_max;   /* bytes; UINT64_MAX: infinity; 0: not set */
	uint64_t tasks_max;    /* likewise */
	uint64_t cpu_quota;    /* CPUQuota= in usec of processor time a second; 0: not set */
	char *device_policy;   /* auto, closed, strict; NULL: not set */
	char **device_allow;   /* "/dev/net/tun rwm", one an element */
	char *slice;	       /* NULL: machine.slice */
	uint64_t capabilities; /* ConditionCapability=: bits, all needed; bits that are negated in
				  capabilities_not */
	uint64_t capabilities_not;
	char **after, **requires; /* names of containers (without suffix) */
	char **health_cmd;	  /* words; NULL: none */
	char *health_tcp;	  /* "[ADDRESS:]PORT", verified; NULL: none */
	uint64_t health_interval; /* usec; default 30 s */
	uint64_t health_timeout;  /* usec; 0: by the interval, see health.h */
	unsigned health_retries;  /* default 3 */
	enum health_action health_action;
};

/* Labels of letters, digits and '-' with dots between them, at most CONTAINER_NAME_MAX characters: what
 * nspawn takes as the name of a machine and as a host name. */
bool container_name_is_valid(const char *name);
/* What a file that sets nothing gets, but for what is owned (name, netns, settings_mode). */
void container_settings_defaults(struct container_settings *ret);
int desired_add_container(struct desired *d, const char *name,
			  struct container_settings **ret); /* -EEXIST, -ENOMEM; with defaults */
struct container_settings *desired_find_container(const struct desired *d, const char *name);
void desired_remove_container(struct desired *d, struct container_settings *c);
/* Whether a running one would have to be started anew for it: all but Description, AutoStart, AfterNetwork,
 * ResetOnRestart, ConditionCapability, Restart and its like, timeouts, After, Requires and health, which take
 * effect at once or at its next start. */
bool container_settings_same_run(const struct container_settings *a, const struct container_settings *b);

#endif
