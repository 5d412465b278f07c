/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* *.netns and *.container files and drop-ins to a new desired tree. Layer 3. (Named config_load because
 * config.h is autoconf's.) Reads files, touches nothing else; netnsctl check uses it without a daemon. */
#ifndef NETNSD_CONFIG_LOAD_H
#define NETNSD_CONFIG_LOAD_H

#include "desired.h"
#include "diag.h"
#include "kind.h"

/* Bounds on what the outside can make us read. */
#define CONFIG_FILE_MAX	 (1024 * 1024) /* bytes in one file */
#define CONFIG_FILES_MAX 65536	       /* files in one run */

struct nspawn_features; /* nspawn.h */

struct config_paths {
	const char *const *directories; /* NULL-terminated, strongest first */
};

/* /etc/netnsd, /run/netnsd/transient, /usr/local/lib/netnsd, /usr/lib/netnsd; NETNSD_CONFIG_PATH
 * (colon-separated) replaces all of them, for tests. */
extern const char *const config_default_directories[];
const char *const *config_directories(void);
#define CONFIG_TRANSIENT_DIRECTORY "/run/netnsd/transient"

/* Where an address of a pool was before, so that it stays: called for each request; returns false
 * when nothing is known. */
typedef bool config_before_fn(const char *netns, const char *ifname, const struct netnsd_prefix *pool,
			      struct netnsd_prefix *ret, void *data);

struct config_request {
	const struct registry *registry;
	const char *const *directories;
	/* check FILE...: only these files instead of a search; NULL otherwise */
	const char *const *files;
	config_before_fn *before; /* may be NULL */
	void *before_data;
	/* Of `running` everything is taken as it stands there, whatever its files say by now, but the object
	 * `only` ("lab.netns"), which is read from its files and left out where there are none. NULL: all are
	 * read. */
	const struct desired *running;
	const char *only;
	/* For the start only: text that stands in for an object ("upstream.netns") whose files are bad ("last
	 * good configuration", struct netns.text); returns an owned string or NULL. May be NULL. */
	char *(*fallback)(const char *object, void *data);
	void *fallback_data;
	/* What the installed nspawn knows: what a container needs of it and it lacks is an error. NULL:
	 * unknown, nothing is said. */
	const struct nspawn_features *nspawn;
};

/* Masked objects (a link to /dev/null) are not there at all.
 * Always builds a tree of all objects without error, verified together; objects with errors are
 * left out (an object that needs one that is left out has an error itself). The caller decides
 * whether diags->errors refuses the whole (reload) or only those objects (start), or whether one is
 * missing (`only`). Returns 0 also when there are errors in diags; -ENOMEM otherwise. */
int config_load(const struct config_request *request, struct desired **ret, struct diags *diags);

/* The daemon's own settings: netnsd.conf, and NAME.conf in netnsd.conf.d, of the same directories. */
struct daemon_settings {
	int log_level;		  /* LogLevel= */
	uint64_t timeout_start;	  /* TimeoutStartSec=, usec */
	unsigned workers;	  /* Workers=, 1..16; default 2 */
	char *plugin_directory;	  /* PluginDirectory=; NULL: not set */
	char *socket_group;	  /* SocketGroup=, default "netnsd"; who may operate */
	uint32_t socket_mode;	  /* SocketMode=, default 0666 */
	uint64_t audit;		  /* AuditSec=, usec between two namespaces; 0: none; default 1 s */
	uint64_t receive_buffer;  /* ReceiveBufferSize=, bytes; default 64 MiB */
	unsigned connections_max; /* ConnectionsMaxPerUser=, default 128 */
	unsigned parallel_starts; /* ParallelStarts=, containers that start at a time, 1..1000; default 16 */
};
/* 0 (defaults stand in for what has errors) or -ENOMEM. The object of its diags is "netnsd.conf". */
int daemon_settings_load(const char *const *directories, struct daemon_settings *ret, struct diags *diags);
void daemon_settings_free(struct daemon_settings *s); /* contents only */

#endif
