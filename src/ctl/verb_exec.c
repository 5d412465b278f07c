/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl exec: enter a namespace as `ip netns exec` does, with a /sys that shows it and the files
 * of /etc/netns/NAME over those of /etc, and become the command. Works without the daemon, for
 * anybody's names. Where ip goes on without a file it could not put in place, and so asks the host's
 * name servers, this refuses. Whatever fails here exits 125, as with env(1). */
#include "ctl.h"
#include "netns.h"
#include "parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/mount.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define NETNS_ETC "/etc/netns"

/* --- whom to run as -------------------------------------------------------------------------- */

struct account {
	uid_t uid;
	gid_t gid;
	char *name, *home, *shell;
};

static void account_done(struct account *a)
{
	free(a->name);
	free(a->home);
	free(a->shell);
}

/* Looked up before anything is entered: afterwards the user database may be another one. */
static int account_find(const char *user, struct account *ret)
{
	struct passwd *pw;
	uint64_t uid;

	errno = 0;
	pw = getpwnam(user);
	if (!pw && parse_u64(user, &uid) == 0 && uid < UINT32_MAX)
		pw = getpwuid((uid_t)uid);
	if (!pw) {
		ctl_error("--user=%s: there is no such user%s%s", user, errno ? ": " : "",
			  errno ? strerror(errno) : "");
		return EXEC_FAILED;
	}
	*ret = (struct account){.uid = pw->pw_uid, .gid = pw->pw_gid};
	ret->name = strdup(pw->pw_name);
	ret->home = strdup(pw->pw_dir);
	ret->shell = strdup(pw->pw_shell);
	if (ret->name && ret->home && ret->shell)
		return 0;
	(void)ctl_no_memory();
	return EXEC_FAILED;
}

static int account_become(const struct account *a)
{
	if (initgroups(a->name, a->gid) < 0 || setgid(a->gid) < 0 || setuid(a->uid) < 0) {
		ctl_error("cannot become user '%s': %m", a->name);
		return EXEC_FAILED;
	}
	if (setenv("HOME", a->home, 1) < 0 || setenv("USER", a->name, 1) < 0 ||
	    setenv("LOGNAME", a->name, 1) < 0 || setenv("SHELL", a->shell, 1) < 0) {
		(void)ctl_no_memory();
		return EXEC_FAILED;
	}
	return 0;
}

/* --- /sys ------------------------------------------------------------------------------------ */

/* What is mounted below /sys and is not a matter of the network: taken along. */
static const char *const sys_mounts[] = {
	"/sys/fs/cgroup",
	"/sys/fs/bpf",
	"/sys/fs/pstore",
	"/sys/kernel/security",
	"/sys/kernel/tracing",
	"/sys/kernel/config",
	"/sys/firmware/efi/efivars",
};
#define N_SYS_MOUNTS (sizeof(sys_mounts) / sizeof(sys_mounts[0]))

static void clone_mounts(int fds[N_SYS_MOUNTS])
{
	struct stat sys, st;

	for (size_t i = 0; i < N_SYS_MOUNTS; i++) {
		fds[i] = -1;
		if (stat("/sys", &sys) < 0 || stat(sys_mounts[i], &st) < 0 || st.st_dev == sys.st_dev)
			continue;
		fds[i] = (int)syscall(SYS_open_tree, AT_FDCWD, sys_mounts[i],
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	}
}

/* Best effort but for the cgroups: software in the namespace breaks without them. */
static int move_mounts(int fds[N_SYS_MOUNTS])
{
	int r = 0;

	for (size_t i = 0; i < N_SYS_MOUNTS; i++) {
		if (fds[i] < 0)
			continue;
		if (syscall(SYS_move_mount, fds[i], "", AT_FDCWD, sys_mounts[i], MOVE_MOUNT_F_EMPTY_PATH) <
			    0 &&
		    i == 0) {
			ctl_error("cannot keep %s: %m", sys_mounts[i]);
			r = EXEC_FAILED;
		}
		(void)close(fds[i]);
	}
	return r;
}

static int mount_sys(const char *name)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int fds[N_SYS_MOUNTS];
	struct statvfs st;

	if (statvfs("/sys", &st) == 0 && (st.f_flag & ST_RDONLY))
		flags |= MS_RDONLY;
	clone_mounts(fds);
	if (mount(name, "/sys", "sysfs", flags, NULL) < 0) {
		ctl_error("cannot mount a /sys that shows the links of '%s': %m", name);
		return EXEC_FAILED;
	}
	return move_mounts(fds);
}

/* --- /etc/netns/NAME ------------------------------------------------------------------------- */

static int refuse(const char *source, const char *target, const char *why, const char *advice)
{
	ctl_error("%s cannot be put over %s: %s; %s", source, target, why, advice);
	return EXEC_FAILED;
}

static int check_target(const char *source, const char *target, const struct stat *from)
{
	char link[PATH_MAX], why[PATH_MAX + 64];
	struct stat to;
	ssize_t n;

	if (stat(target, &to) == 0) {
		if (S_ISDIR(from->st_mode) == S_ISDIR(to.st_mode))
			return 0;
		return refuse(source, target, "one of them is a directory and the other is not",
			      "make both the same, or remove the first");
	}
	if (errno != ENOENT)
		return refuse(source, target, strerror(errno),
			      "make the second accessible, or remove the first");
	n = readlink(target, link, sizeof(link) - 1);
	if (n < 0)
		return refuse(source, target, "the second does not exist",
			      "create it (an empty file will do), or remove the first");
	link[n] = '\0';
	(void)snprintf(why, sizeof(why), "the second is a symbolic link to '%s', which does not exist", link);
	return refuse(source, target, why, "create that file, or make the second a plain file");
}

static int bind_file(const char *name, const char *entry)
{
	_cleanup_free_ char *source = NULL, *target = NULL;
	struct stat st;
	int r;

	if (asprintf(&source, NETNS_ETC "/%s/%s", name, entry) < 0 ||
	    asprintf(&target, "/etc/%s", entry) < 0) {
		source = target = NULL;
		(void)ctl_no_memory();
		return EXEC_FAILED;
	}
	if (stat(source, &st) < 0)
		return refuse(source, target,
			      errno == ENOENT ? "the first is a dangling symbolic link" : strerror(errno),
			      "repair or remove it");
	r = check_target(source, target, &st);
	if (r)
		return r;
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return refuse(source, target, strerror(errno), "remove the first if it is not needed");
	return 0;
}

static int is_entry(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int bind_files(const char *name)
{
	_cleanup_free_ char *directory = NULL;
	struct dirent **entries = NULL;
	int n, r = 0;

	if (asprintf(&directory, NETNS_ETC "/%s", name) < 0) {
		directory = NULL;
		(void)ctl_no_memory();
		return EXEC_FAILED;
	}
	n = scandir(directory, &entries, is_entry, alphasort);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0) {
		ctl_error("cannot read %s: %m; it should be a directory of files to put over those of /etc, "
			  "or not "
			  "exist",
			  directory);
		return EXEC_FAILED;
	}
	for (int i = 0; i < n; i++) {
		if (!r)
			r = bind_file(name, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* --- the verb -------------------------------------------------------------------------------- */

static int open_netns(const char *name, int *ret_fd)
{
	static const char *const why[] = {
		[NETNS_NAME_ABSENT] =
			"there is no such name in " NETNS_DIRECTORY "; 'netnsctl list' shows which there are",
		[NETNS_NAME_LEFTOVER] =
			"the file in " NETNS_DIRECTORY
			" has no namespace: it is a leftover, or its mount is not visible here; "
			"'netnsctl up' or 'ip netns del' repairs it",
		[NETNS_NAME_FOREIGN] =
			"what lies in " NETNS_DIRECTORY " under that name is no network namespace",
	};
	enum netns_name_state state = NETNS_NAME_ABSENT;
	_cleanup_free_ char *shown = str_escape(name, strlen(name));
	struct error err = {0};
	int r;

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		ctl_error("cannot enter '%s': expected a name in " NETNS_DIRECTORY ", without '/'",
			  shown ? shown : "?");
		return EXEC_FAILED;
	}
	r = netns_probe(name, &state, ret_fd, &err);
	if (r < 0)
		ctl_error("cannot enter '%s': %s", shown ? shown : "?",
			  err.text[0] ? err.text : strerror(-r));
	else if (state != NETNS_NAME_NAMESPACE)
		ctl_error("cannot enter '%s': %s", shown ? shown : "?", why[state]);
	return r < 0 || state != NETNS_NAME_NAMESPACE ? EXEC_FAILED : 0;
}

static int enter(int fd, const char *name)
{
	struct error err = {0};
	int r;

	r = netns_enter(fd, &err);
	if (r < 0) {
		ctl_error("cannot enter '%s': %s", name, err.text[0] ? err.text : strerror(-r));
		return EXEC_FAILED;
	}
	/* The command's view only: slave, so that it still sees what the host mounts later. */
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_SLAVE | MS_REC, NULL) < 0) {
		ctl_error("cannot make a mount namespace of its own for the command: %m");
		return EXEC_FAILED;
	}
	r = mount_sys(name);
	return r ? r : bind_files(name);
}

static int become(char **command)
{
	int code;

	(void)fflush(NULL);
	(void)execvp(command[0], command);
	code = errno;
	ctl_error("cannot run '%s': %s", command[0], strerror(code));
	return code == ENOENT ? EXEC_NOT_FOUND : EXEC_NOT_EXECUTABLE;
}

int verb_exec(struct ctl *c, char **args, int n)
{
	_cleanup_(account_done) struct account account = {0};
	_cleanup_close_ int fd = -1;
	int r = 0;

	(void)n;
	if (geteuid() != 0) {
		ctl_error("exec enters the namespace itself and needs root; run it as root");
		return EXEC_FAILED;
	}
	if (c->user)
		r = account_find(c->user, &account);
	if (!r)
		r = open_netns(args[0], &fd);
	if (!r)
		r = enter(fd, args[0]);
	if (!r && c->user)
		r = account_become(&account);
	return r ? r : become(args + 1);
}
