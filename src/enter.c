/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Into a running container. Everything about its init is read first, by one descriptor of /proc/PID, for
 * afterwards /proc is the container's own, and nothing in there is to be believed. Who has entered has no
 * more privileges than the init: a process with the daemon's capabilities that others in the container can
 * trace would be a way out of it.
 */
#include "enter.h"

#include "cgroup.h"
#include "cleanup.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define CGROUP_TRIES	8	     /* an init that moves meanwhile, as systemd does when it begins */
#define ENVIRONMENT_MAX (128 * 1024) /* of init's, bytes; what is beyond is not looked at */
#define PATH_DEFAULT	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What was found about the init. */
struct init {
	int proc, root;
	bool own_users;	   /* its user namespace is another one than ours */
	bool no_new_privs; /* likewise for those who enter */
	uint64_t bounding; /* capabilities */
	char *environment; /* NUL-terminated strings, and one NUL more */
};

static void init_clear(struct init *i)
{
	if (i->proc >= 0)
		(void)close(i->proc);
	if (i->root >= 0)
		(void)close(i->root);
	free(i->environment);
}

/* Calls fn for each line; the kernel's own files, so they have an end. A line that is longer than what one
 * has to know comes in pieces. */
static int each_line(int dir, const char *name, bool (*fn)(const char *line, void *data), void *data)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char line[256];

	if (!f) {
		int e = errno;

		if (fd >= 0)
			(void)close(fd);
		return -e;
	}
	while (fgets(line, sizeof(line), f))
		if (!fn(line, data))
			return 0;
	return ferror(f) ? -EIO : 0;
}

static bool take_pid(const char *line, void *data)
{
	return sscanf(line, "Pid: %d", (int *)data) != 1; /* NOLINT(cert-err34-c): the kernel's */
}

/* The number is still that process's own: it has not been reaped. So what was opened by the number before is
 * of that process too. */
static int check_pid(int pidfd, pid_t pid, struct error *err)
{
	char path[64];
	int found = -1, r;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	r = each_line(AT_FDCWD, path, take_pid, &found);
	if (r < 0)
		return error_set(err, r, "cannot read %s: %s; /proc has to be mounted", path, strerror(-r));
	if (found != pid)
		return error_set(err, -ESRCH, "process %d, the container's init, has ended", (int)pid);
	return 0;
}

static bool take_status(const char *line, void *data)
{
	struct init *i = data;

	if (str_starts_with(line, "NoNewPrivs:"))
		i->no_new_privs = strchr(line, '1') != NULL;
	else
		(void)sscanf(line, "CapBnd: %" SCNx64, &i->bounding); /* NOLINT(cert-err34-c) */
	return true;
}

static int read_environment(struct init *i)
{
	_cleanup_close_ int fd = openat(i->proc, "environ", O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	i->environment = calloc(1, ENVIRONMENT_MAX + 2);
	if (!i->environment)
		return -ENOMEM;
	while (length < ENVIRONMENT_MAX &&
	       (n = read(fd, i->environment + length, ENVIRONMENT_MAX - length)) != 0) {
		if (n < 0)
			return -errno;
		length += (size_t)n;
	}
	return 0;
}

static int compare_users(struct init *i)
{
	struct stat ours, its;

	if (stat("/proc/self/ns/user", &ours) < 0 || fstatat(i->proc, "ns/user", &its, 0) < 0)
		return -errno;
	i->own_users = ours.st_ino != its.st_ino || ours.st_dev != its.st_dev;
	return 0;
}

static int look_at(int pidfd, pid_t pid, struct init *i, struct error *err)
{
	char path[32];
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	i->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (i->proc < 0 && errno != ENOENT)
		return error_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	r = check_pid(pidfd, pid, err);
	if (r < 0)
		return r;
	i->root = openat(i->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (i->root < 0)
		r = -errno;
	if (r == 0)
		r = each_line(i->proc, "status", take_status, i);
	if (r == 0)
		r = read_environment(i);
	if (r == 0)
		r = compare_users(i);
	if (r < 0)
		return error_set(err, r, "cannot look at process %d, the container's init: %s", (int)pid,
				 strerror(-r));
	return 0;
}

/* That of its init, which can have processes; the one above it, that the daemon made, cannot any more when
 * nspawn has passed on controllers. Its limits and its end are then the container's too. As far as possible:
 * without a hierarchy there is none, and what the payload makes of its own (threaded ones) must not keep
 * anybody out. */
static void change_cgroup(pid_t pid)
{
	struct cgroup_layout layout;
	int r = cgroup_find_layout(&layout, NULL) < 0 ? 0 : -EBUSY;

	for (int i = 0; i < CGROUP_TRIES && (r == -EBUSY || r == -ENOENT); i++) {
		_cleanup_free_ char *its = NULL, *path = NULL;

		if (cgroup_of_pid(pid, &its) < 0 ||
		    str_starts_with(its, "/..")) /* not below what is mounted */
			return;
		if (asprintf(&path, "%s%s", layout.mount, its) < 0) {
			path = NULL;
			return;
		}
		r = cgroup_attach(path, getpid(), NULL);
	}
}

static int change_namespaces(int pidfd, const struct init *i, struct error *err)
{
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;

	/* Into one's own the kernel lets nobody. */
	if (i->own_users)
		flags |= CLONE_NEWUSER;
	if (setns(pidfd, flags) == 0)
		return 0;
	if (errno == EINVAL)
		return error_set(err, -EINVAL,
				 "cannot enter the container's namespaces: %s; it needs Linux 5.8 and a "
				 "process with one thread",
				 strerror(errno));
	return error_set(err, -errno, "cannot enter the container's namespaces: %s", strerror(errno));
}

/* Root of the container, in either kind of user namespace, in no other group. */
static int change_identity(const struct init *i, struct error *err)
{
	if (fchdir(i->root) < 0 || chroot(".") < 0)
		return error_set(err, -errno, "cannot enter the container's root directory: %s",
				 strerror(errno));
	if (setgroups(0, NULL) < 0 &&
	    (errno != EPERM || !i->own_users)) /* inside it may be forbidden to all */
		return error_set(err, -errno, "cannot leave all groups: %s", strerror(errno));
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_set(err, -errno, "cannot become root of the container: %s", strerror(errno));
	return 0;
}

static int limit_sets(uint64_t bounding)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (capget(&header, data) < 0)
		return -errno;
	for (unsigned n = 0; n < _LINUX_CAPABILITY_U32S_3; n++) {
		data[n].permitted &= (uint32_t)(bounding >> (32 * n));
		data[n].effective = data[n].permitted;
		data[n].inheritable = 0; /* root's exec would add them */
	}
	return capset(&header, data) < 0 ? -errno : 0;
}

/* No more than init could have. Also what this process has now, not only what is left after its exec. */
static int limit_capabilities(const struct init *i, struct error *err)
{
	int r = 0;

	for (int c = 0; c < 64 && r == 0; c++) {
		int has = prctl(PR_CAPBSET_READ, c);

		if (has < 0 && errno == EINVAL) /* beyond the last one that this kernel knows */
			break;
		if (has < 0 || (!(i->bounding >> c & 1) && prctl(PR_CAPBSET_DROP, c) < 0))
			r = -errno;
	}
	if (r == 0)
		r = limit_sets(i->bounding);
	if (r == 0 && i->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r < 0)
		return error_set(err, r, "cannot drop what the container's init has not: %s", strerror(-r));
	return 0;
}

/* The value that init has, or a default; NULL: none. The container may have written anything there, but those
 * who enter are its own too. */
static int set_variable(const struct init *i, const char *name, const char *value)
{
	size_t length = strlen(name);

	for (const char *e = i->environment; *e != '\0'; e += strlen(e) + 1)
		if (strncmp(e, name, length) == 0 && e[length] == '=')
			value = e + length + 1;
	return value && setenv(name, value, 1) < 0 ? -errno : 0;
}

static int change_environment(const struct init *i, struct error *err)
{
	static const struct {
		const char *name, *value;
	} variables[] = {{"PATH", PATH_DEFAULT},
			 {"container", "systemd-nspawn"},
			 {"container_uuid", NULL},
			 {"LANG", NULL}};
	const char *own_term = getenv("TERM");
	_cleanup_free_ char *term = strdup(own_term ? own_term : "dumb");
	int r = term && clearenv() == 0 ? 0 : -ENOMEM;

	for (size_t n = 0; n < sizeof(variables) / sizeof(*variables) && r == 0; n++)
		r = set_variable(i, variables[n].name, variables[n].value);
	if (r == 0 && (setenv("TERM", term, 1) < 0 || setenv("HOME", "/root", 1) < 0 ||
		       setenv("USER", "root", 1) < 0 || setenv("LOGNAME", "root", 1) < 0))
		r = -errno;
	return r < 0 ? error_set(err, r, "cannot make an environment: %s", strerror(-r)) : 0;
}

int enter_container(int pidfd, pid_t pid, struct error *err)
{
	struct init init = {.proc = -1, .root = -1};
	int r = look_at(pidfd, pid, &init, err);

	/* Not to be traced, nor its program to be opened by way of /proc, from inside. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = error_set(err, -errno, "cannot protect itself from the container: %s", strerror(errno));
	if (r == 0)
		change_cgroup(pid);
	if (r == 0)
		r = change_namespaces(pidfd, &init, err);
	if (r == 0)
		r = change_identity(&init, err);
	if (r == 0)
		r = limit_capabilities(&init, err);
	if (r == 0)
		r = change_environment(&init, err);
	init_clear(&init);
	return r;
}
