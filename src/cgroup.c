/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where cgroups are, and making one for a container: OWN/containers/NAME, beside OWN/daemon, which the daemon
 * moves into when controllers are to be passed on (a cgroup that does so must have no processes itself).
 * Where v1 owns the controllers (hybrid), v2 cgroups still group, kill and restrict devices; limits are
 * reported as missing.
 */
#include "cgroup_internal.h"
#include "cleanup.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define DAEMON_LEAF	   "daemon"
#define CONTAINERS	   "containers"
#define PROC_CGROUP_MAX	   (64 * 1024) /* a line for each v1 hierarchy, each with a path */
#define CPU_PERIOD	   100000      /* usec, the kernel's default */
#define CPU_PERIOD_MAX	   1000000     /* the kernel's bounds */
#define CPU_QUOTA_MIN	   1000
#define USEC_PER_SEC	   1000000
#define CGROUP_NAME_MAX	   200
#define CGROUP_DESCENDANTS "4096" /* so that removing what a payload made stays quick */
#define CGROUP_DEPTH	   "32"	  /* likewise; see REMOVE_DEPTH */

int cgroup_open(const char *path, const char *file, int flags)
{
	_cleanup_free_ char *full = NULL;
	int fd;

	if (asprintf(&full, "%s/%s", path, file) < 0) {
		full = NULL;
		return -ENOMEM;
	}
	fd = open(full, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

ssize_t cgroup_read(const char *path, const char *file, char *buffer, size_t size)
{
	_cleanup_close_ int fd = cgroup_open(path, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd == -ENOTDIR ? -ENOENT : fd;
	n = read(fd, buffer, size - 1);
	if (n < 0) /* ENODEV: removed since it was opened */
		return errno == ENODEV ? -ENOENT : -errno;
	buffer[n] = '\0';
	return n;
}

int cgroup_write(const char *path, const char *file, const char *text)
{
	_cleanup_close_ int fd = cgroup_open(path, file, O_WRONLY);

	if (fd < 0)
		return fd == -ENOTDIR ? -ENOENT : fd;
	if (write(fd, text, strlen(text)) < 0)
		return errno == ENODEV ? -ENOENT : -errno;
	return 0;
}

/* --- which there are ------------------------------------------------------------------------ */

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* /proc/PID/cgroup: "0::PATH" is v2's line, "N:controllers:PATH" v1's, "N:name=x:PATH" one of v1 without
 * controllers. The path is what follows up to the line's end, whatever bytes it has. */
static int parse_proc_cgroup(char *text, char **ret_path, bool *ret_v1)
{
	char *path = NULL;
	bool v1 = false;

	for (char *line = text, *next; line && *line; line = next) {
		char *colon = strchr(line, ':');

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (str_starts_with(line, "0::/"))
			path = line + strlen("0::");
		else if (colon && colon[1] != ':' && !str_starts_with(colon + 1, "name="))
			v1 = true;
	}
	if (!path || str_ends_with(path, " (deleted)"))
		return -ENOENT;
	*ret_path = path;
	*ret_v1 = v1;
	return 0;
}

static int read_proc_cgroup(pid_t pid, char *buffer, size_t size)
{
	_cleanup_close_ int fd = -1;
	size_t length = 0;
	char name[48];
	ssize_t n;

	if (pid < 0)
		return -ESRCH;
	if (pid == 0)
		(void)snprintf(name, sizeof(name), "/proc/self/cgroup");
	else
		(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (length < size - 1 && (n = read(fd, buffer + length, size - 1 - length)) != 0) {
		if (n < 0)
			return -errno;
		length += (size_t)n;
	}
	if (length == size - 1)
		return -E2BIG;
	buffer[length] = '\0';
	return 0;
}

int cgroup_of_pid(pid_t pid, char **ret)
{
	_cleanup_free_ char *buffer = malloc(PROC_CGROUP_MAX);
	char *path;
	bool v1;
	int e;

	if (!buffer)
		return -ENOMEM;
	e = read_proc_cgroup(pid, buffer, PROC_CGROUP_MAX);
	if (e == 0)
		e = parse_proc_cgroup(buffer, &path, &v1);
	if (e < 0)
		return e;
	path = strdup(path);
	if (!path)
		return -ENOMEM;
	*ret = path;
	return 0;
}

/* A daemon that was executed anew is still in the leaf that it made. */
static void strip_leaf(const char *mount, char *own)
{
	_cleanup_free_ char *sibling = NULL;
	struct stat st;
	char *slash;

	if (!str_ends_with(own, "/" DAEMON_LEAF))
		return;
	slash = strrchr(own, '/');
	if (asprintf(&sibling, "%s%.*s/" CONTAINERS, mount, (int)(slash - own), own) < 0) {
		sibling = NULL;
		return;
	}
	if (stat(sibling, &st) == 0)
		slash[slash == own] = '\0';
}

int cgroup_find_layout(struct cgroup_layout *ret, struct error *err)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	_cleanup_free_ char *buffer = malloc(PROC_CGROUP_MAX);
	struct cgroup_layout l = {0};
	char *own;
	int e;

	if (!buffer)
		return error_set(err, -ENOMEM, "cannot look for the cgroup of this process: out of memory");
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts) && !l.mount[0]; i++)
		if (is_cgroup2(mounts[i]))
			(void)snprintf(l.mount, sizeof(l.mount), "%s", mounts[i]);
	if (!l.mount[0])
		return error_set(err, -ENOENT,
				 "there is no cgroup v2 hierarchy at %s or %s: mount it (mount -t cgroup2 "
				 "cgroup2 DIRECTORY)",
				 mounts[0], mounts[1]);
	e = read_proc_cgroup(0, buffer, PROC_CGROUP_MAX);
	if (e == 0)
		e = parse_proc_cgroup(buffer, &own, &l.hybrid);
	if (e < 0) {
		errno = -e;
		return error_set(err, e, "cannot find the cgroup of this process in /proc/self/cgroup: %m");
	}
	if (str_starts_with(own, "/.."))
		return error_set(
			err, -ENOENT,
			"the cgroup of this process, %s, is outside of the hierarchy that is mounted "
			"at %s",
			own, l.mount);
	if (strlen(own) >= sizeof(l.own))
		return error_set(err, -ENAMETOOLONG, "the path of this process's cgroup is too long: %s",
				 own);
	(void)snprintf(l.own, sizeof(l.own), "%s", own);
	strip_leaf(l.mount, l.own);
	*ret = l;
	return 0;
}

/* --- making --------------------------------------------------------------------------------- */

static const char *const wanted_controllers[] = {"cpu", "memory", "pids"};
#define N_CONTROLLERS (sizeof(wanted_controllers) / sizeof(*wanted_controllers))

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += length)
		if ((p == text || p[-1] == ' ') && (!p[length] || strchr(" \n", p[length])))
			return true;
	return false;
}

/* One by one: a kernel that refuses one of several refuses all. */
static void enable_controllers(const char *path)
{
	char there[1024], enabled[1024], word[16];

	if (cgroup_read(path, "cgroup.controllers", there, sizeof(there)) <= 0 ||
	    cgroup_read(path, "cgroup.subtree_control", enabled, sizeof(enabled)) < 0)
		return;
	for (size_t i = 0; i < N_CONTROLLERS; i++) {
		const char *c = wanted_controllers[i];

		if (!has_word(there, c) || has_word(enabled, c))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", c);
		(void)cgroup_write(path, "cgroup.subtree_control", word);
	}
}

static bool has_controllers(const char *path)
{
	char there[1024];

	if (cgroup_read(path, "cgroup.controllers", there, sizeof(there)) <= 0)
		return false;
	for (size_t i = 0; i < N_CONTROLLERS; i++)
		if (has_word(there, wanted_controllers[i]))
			return true;
	return false;
}

static int make_directory(const char *path, struct error *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return error_set(err, -errno, "cannot make the cgroup %s: %m%s", path,
			 errno == EROFS ? "; the hierarchy is mounted read-only" : "");
}

/* What fails here costs limits, no container: cgroup_make() says which. The root has no such rule. */
static void move_daemon(const char *base)
{
	_cleanup_free_ char *leaf = NULL;

	if (asprintf(&leaf, "%s/" DAEMON_LEAF, base) < 0) {
		leaf = NULL;
		return;
	}
	if (make_directory(leaf, NULL) == 0)
		(void)cgroup_write(leaf, "cgroup.procs", "0");
}

/* Without the slash of a root. */
static int own_path(const struct cgroup_layout *l, const char *below, char **ret)
{
	char *path;

	if (asprintf(&path, "%s%s%s", l->mount, str_equal(l->own, "/") ? "" : l->own, below) < 0)
		return -ENOMEM;
	*ret = path;
	return 0;
}

int cgroup_prepare(struct cgroup_layout *layout, struct error *err)
{
	_cleanup_free_ char *base = NULL, *containers = NULL;
	int e;

	if (own_path(layout, "", &base) < 0 || own_path(layout, "/" CONTAINERS, &containers) < 0)
		return error_set(err, -ENOMEM, "cannot prepare the cgroup of the containers: out of memory");
	e = make_directory(containers, err);
	if (e < 0)
		return e;
	if (!str_equal(layout->own, "/") && has_controllers(base))
		move_daemon(base);
	enable_controllers(base);
	enable_controllers(containers);
	return 0;
}

/* A name with a dot could be that of a file the kernel has in each cgroup ("memory.max"); machine names
 * never begin with '_'. systemd escapes units the same way. */
int cgroup_path(const struct cgroup_layout *layout, const char *name, char **ret)
{
	_cleanup_free_ char *below = NULL;

	if (!*name || strchr(name, '/') || str_equal(name, ".") || str_equal(name, "..") ||
	    strlen(name) > CGROUP_NAME_MAX)
		return -EINVAL;
	if (asprintf(&below, "/" CONTAINERS "/%s%s", *name == '_' || strchr(name, '.') ? "_" : "", name) <
	    0) {
		below = NULL;
		return -ENOMEM;
	}
	return own_path(layout, below, ret);
}

static void format_limit(uint64_t value, char *text, size_t size)
{
	if (value == UINT64_MAX)
		(void)snprintf(text, size, "max");
	else
		(void)snprintf(text, size, "%" PRIu64, value);
}

/* "QUOTA PERIOD" with the kernel's bounds: a small share needs a longer period. */
static void format_cpu(uint64_t quota, char *text, size_t size)
{
	uint64_t period = CPU_PERIOD, part;

	if (quota == UINT64_MAX) {
		(void)snprintf(text, size, "max %d", CPU_PERIOD);
		return;
	}
	if (quota / (USEC_PER_SEC / CPU_PERIOD) < CPU_QUOTA_MIN)
		period = CPU_PERIOD_MAX;
	part = quota / (USEC_PER_SEC / period);
	if (part < CPU_QUOTA_MIN)
		part = CPU_QUOTA_MIN;
	(void)snprintf(text, size, "%" PRIu64 " %" PRIu64, part, period);
}

static int set_limits(const char *path, const struct cgroup_limits *l, struct strbuf *missing,
		      struct error *err)
{
	struct {
		const char *controller, *file;
		uint64_t value;
		char text[64];
	} rows[] = {{"memory", "memory.max", l->memory_max, ""},
		    {"pids", "pids.max", l->tasks_max, ""},
		    {"cpu", "cpu.max", l->cpu_quota, ""}};

	format_limit(l->memory_max, rows[0].text, sizeof(rows[0].text));
	format_limit(l->tasks_max, rows[1].text, sizeof(rows[1].text));
	format_cpu(l->cpu_quota, rows[2].text, sizeof(rows[2].text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int e = rows[i].value ? cgroup_write(path, rows[i].file, rows[i].text) : 0;

		if (e == -ENOENT) {
			strbuf_printf(missing, "%s%s", missing->length ? ", " : "", rows[i].controller);
		} else if (e < 0) {
			errno = -e;
			return error_set(err, e, "cannot write \"%s\" to %s/%s: %m", rows[i].text, path,
					 rows[i].file);
		}
	}
	return 0;
}

/* Of the directory that holds it: it may have been removed by somebody who found it empty. */
static int prepare_parent(const char *path, struct error *err)
{
	_cleanup_free_ char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	int e;

	if (!parent)
		return error_set(err, -ENOMEM, "cannot make the cgroup %s: out of memory", path);
	if (!slash || slash == parent)
		return error_set(err, -EINVAL, "%s is not the path of a cgroup", path);
	*slash = '\0';
	e = make_directory(parent, err);
	if (e == 0)
		enable_controllers(parent);
	return e;
}

static int make_new(const char *path, struct error *err)
{
	int e = cgroup_remove(path);

	if (e == -EBUSY)
		return error_set(err, e,
				 "the cgroup %s still has processes (what runs there is in its cgroup.procs "
				 "and in those below)",
				 path);
	if (e < 0) {
		errno = -e;
		return error_set(err, e, "cannot remove the old cgroup %s: %m", path);
	}
	e = prepare_parent(path, err);
	return e < 0 ? e : make_directory(path, err);
}

int cgroup_make(const char *path, const struct cgroup_limits *limits, char *missing, size_t size,
		struct error *err)
{
	struct strbuf names = {0};
	int e;

	if (size > 0)
		*missing = '\0';
	e = make_new(path, err);
	if (e < 0)
		return e;
	/* Bounds for cgroup_remove(); without them it is bounded all the same. */
	(void)cgroup_write(path, "cgroup.max.descendants", CGROUP_DESCENDANTS);
	(void)cgroup_write(path, "cgroup.max.depth", CGROUP_DEPTH);
	e = limits ? set_limits(path, limits, &names, err) : 0;
	if (e == 0 && names.failed)
		e = error_set(err, -ENOMEM, "cannot make the cgroup %s: out of memory", path);
	if (e < 0)
		(void)cgroup_remove(path);
	else if (names.length && size > 0)
		(void)snprintf(missing, size, "%s", names.data);
	strbuf_free(&names);
	return e;
}

int cgroup_attach(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	int e;

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	e = cgroup_write(path, "cgroup.procs", text);
	if (e == 0)
		return 0;
	errno = -e;
	return error_set(err, e, "cannot move process %d into the cgroup %s: %m%s", (int)pid, path,
			 e == -EBUSY ? "; it passes controllers on to cgroups below, so it can have no "
				       "processes itself"
				     : "");
}

int cgroup_memory_current(const char *path, uint64_t *ret)
{
	char text[32];
	ssize_t n = cgroup_read(path, "memory.current", text, sizeof(text));

	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, ret);
}
