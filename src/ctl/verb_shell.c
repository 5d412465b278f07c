/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl shell: a shell, or one command, in a running container. This process stays outside; a child of it
 * enters the container, makes a terminal there and hands it out, and has the command as its own child, since
 * only a child is in the PID namespace. Whatever fails here exits 125, as with exec. */
#include "ctl.h"
#include "enter.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PASSWD_MAX 65536 /* bytes of the container's /etc/passwd that are looked at */

struct shell {
	const char *name;
	char **command; /* NULL: root's shell */
	int pidfd;	/* of the container's init */
	pid_t leader;
	int wires[3];  /* what is put in the place of the caller's stdin, stdout, stderr; -1: those themselves
			*/
	bool terminal; /* the command gets one of its own */
	int socket;    /* over which it comes out */
	sigset_t mask;
};

static int fail(const struct shell *s, const char *why)
{
	ctl_error("cannot enter '%s': %s", s->name, why);
	return EXEC_FAILED;
}

/* --- whom to enter ---------------------------------------------------------------------------------------
 */

static int ask(struct ctl *c, const struct shell *s, pid_t *ret_pid, pid_t *ret_leader)
{
	struct reply reply = {0};
	const json_t *runtime;
	const char *state;
	char what[300];

	(void)snprintf(what, sizeof(what), "enter '%s'", s->name);
	if (client_call(c, what, CONTAINER_INTERFACE ".Describe", json_pack("{s:s}", "name", s->name),
			&reply))
		return EXEC_FAILED;
	runtime = json_object_get(reply.parameters, "runtime");
	*ret_pid = (pid_t)json_number(runtime, "pid");
	*ret_leader = (pid_t)json_number(runtime, "leader");
	state = json_text(runtime, "state");
	if (*ret_leader <= 0)
		ctl_error("cannot enter '%s': it does not run (%s); 'netnsctl start %s' starts it", s->name,
			  state ? state : "in no state", s->name);
	reply_done(&reply);
	return *ret_leader > 0 ? 0 : EXEC_FAILED;
}

/* The first process of a PID namespace, and a child of nspawn. */
static bool is_leader_of(pid_t leader, pid_t supervisor)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	int parent = -1;
	bool first = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)leader);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (str_starts_with(line, "PPid:"))
			parent = (int)strtol(line + strlen("PPid:"), NULL, 10);
		if (str_starts_with(line, "NSpid:"))
			first = str_ends_with(line, "\t1");
	}
	return first && (supervisor <= 0 || parent == supervisor);
}

/* A number may be another process's by now. Once it is held it cannot become one any more, and then it is
 * looked at: only if it is the one, and is the daemon's still, it is entered. */
static int find(struct ctl *c, struct shell *s)
{
	pid_t pid, leader, again;
	int r;

	r = ask(c, s, &pid, &leader);
	if (r)
		return r;
	s->pidfd = pidfd_open(leader, 0);
	if (s->pidfd < 0 && errno != ESRCH)
		return fail(s, strerror(errno));
	if (s->pidfd >= 0)
		r = ask(c, s, &pid, &again);
	if (r)
		return r;
	if (s->pidfd < 0 || again != leader || !is_leader_of(leader, pid) ||
	    pidfd_send_signal(s->pidfd, 0, NULL, 0) < 0)
		return fail(s, "it has just ended, or was started anew; try again");
	s->leader = leader;
	return 0;
}

/* --- inside ------------------------------------------------------------------------------------------------
 */

/* The last field of root's line. Not by getpwnam(): that would load the container's libraries. */
static char *root_shell(void)
{
	_cleanup_close_ int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = calloc(1, PASSWD_MAX + 1);
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && text && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, PASSWD_MAX);
	for (char *line = text; n > 0 && line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		char *end = line + strcspn(line, "\n"), *shell;

		if (!str_starts_with(line, "root:"))
			continue;
		for (shell = end; shell > line && shell[-1] != ':';)
			shell--;
		return *shell == '/' ? strndup(shell, (size_t)(end - shell)) : NULL;
	}
	return NULL;
}

static void run_login_shell(void)
{
	_cleanup_free_ char *found = root_shell(), *login = NULL;
	const char *paths[] = {found && access(found, X_OK) == 0 ? found : "/bin/sh", "/bin/sh"};

	for (size_t i = 0; i < 2; i++) {
		(void)setenv("SHELL", paths[i], 1);
		if (asprintf(&login, "-%s", strrchr(paths[i], '/') + 1) < 0)
			return;
		(void)execl(paths[i], login, (char *)NULL);
		free(steal_pointer(login));
	}
}

static void run_command(const struct shell *s, int pty) __attribute__((noreturn));
static void run_command(const struct shell *s, int pty)
{
	const char *what = s->command ? s->command[0] : "/bin/sh";
	int code;

	(void)setsid();
	if (pty >= 0)
		(void)ioctl(pty, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++) {
		int wire = pty >= 0 ? pty : s->wires[fd];

		if (wire >= 0 && dup2(wire, fd) < 0)
			_exit(EXEC_FAILED);
	}
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(EXEC_FAILED);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (chdir("/root") < 0)
		(void)!chdir("/");
	if (s->command)
		(void)execvp(s->command[0], s->command);
	else
		run_login_shell();
	code = errno;
	ctl_error("cannot run '%s' in '%s': %s", what, s->name, strerror(code));
	_exit(code == ENOENT ? EXEC_NOT_FOUND : EXEC_NOT_EXECUTABLE);
}

/* The container's /dev/ptmx may be anything: what is no pty is not taken for one. */
static int make_terminal(int *ret_master, int *ret_slave)
{
	_cleanup_close_ int master = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int unlock = 0, slave;
	unsigned number;

	if (master < 0 || ioctl(master, TIOCGPTN, &number) < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	*ret_slave = slave;
	*ret_master = steal_fd(master);
	return 0;
}

static int send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (char[]){'t'}, .iov_len = 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	return sendmsg(socket, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h;
	int fd = -1;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(h), sizeof(int));
	return fd;
}

/* Waits for signals rather than handling them: a handler needs a global, and comes late under the thread
 * sanitizer. What is to end us goes to the command and all it started in its session. */
static int wait_for_command(pid_t pid)
{
	static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	sigset_t set;
	int status, number;
	pid_t r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		(void)sigaddset(&set, passed[i]);
	/* Blocked first, then looked at: an end in between is told by the signal. */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	while ((r = waitpid(pid, &status, WNOHANG)) <= 0) {
		if (r < 0 && errno != EINTR)
			return EXEC_FAILED;
		number = sigwaitinfo(&set, NULL);
		if (number > 0 && number != SIGCHLD)
			(void)kill(-pid, number);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_inside(const struct shell *s, pid_t parent) __attribute__((noreturn));
static void run_inside(const struct shell *s, pid_t parent)
{
	int master = -1, slave = -1, r;
	struct error err = {0};
	pid_t pid;

	if (enter_container(s->pidfd, s->leader, &err) < 0)
		_exit(fail(s, err.text));
	/* Not before: whoever changes who it is loses this. */
	if (prctl(PR_SET_PDEATHSIG, SIGHUP) < 0 || getppid() != parent)
		_exit(EXEC_FAILED);
	if (s->terminal) {
		r = make_terminal(&master, &slave);
		if (r == 0)
			r = send_fd(s->socket, master);
		if (r < 0) {
			ctl_error("cannot make a terminal in '%s' (/dev/ptmx): %s", s->name, strerror(-r));
			_exit(EXEC_FAILED);
		}
	}
	pid = fork();
	if (pid == 0)
		run_command(s, slave);
	if (pid < 0)
		_exit(fail(s, strerror(errno)));
	/* The terminal is over when the command and what it started have closed it. */
	if (master >= 0)
		(void)close(master);
	if (slave >= 0)
		(void)close(slave);
	_exit(wait_for_command(pid));
}

/* --- outside
 * ------------------------------------------------------------------------------------------------- */

/* Without a terminal the command gets the caller's descriptors, but never one that is a terminal. */
static int make_wires(struct shell *s, struct relay *r)
{
	int fds[2];

	if (isatty(STDIN_FILENO) && (s->wires[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
		return -errno;
	for (int fd = 1; fd < 3; fd++) {
		if (!isatty(fd))
			continue;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return -errno;
		s->wires[fd] = fds[1];
		r->channels[fd - 1].from = fds[0];
		r->channels[fd - 1].to = fd;
	}
	return 0;
}

static void close_wires(struct shell *s)
{
	for (int fd = 0; fd < 3; fd++)
		if (s->wires[fd] >= 0)
			(void)close(s->wires[fd]);
}

static int exit_code(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXEC_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXEC_FAILED;
}

/* A signal ends the command as far as it lets that happen, and this program at any rate. */
static int attend(struct shell *s, struct relay *r, pid_t pid, int socket)
{
	int number;

	if (s->terminal) {
		r->terminal = receive_fd(socket);
		if (r->terminal < 0)
			return exit_code(pid); /* it has said why */
		r->channels[0].from = STDIN_FILENO;
		r->channels[0].to = r->channels[1].from = r->terminal;
		r->channels[1].to = STDOUT_FILENO;
	}
	r->child = pidfd_open(pid, 0);
	if (r->child < 0)
		return fail(s, strerror(errno));
	number = relay_run(r);
	if (number == 0)
		return exit_code(pid);
	if (r->terminal >= 0)
		(void)close(r->terminal);
	(void)kill(pid, r->terminal >= 0 ? SIGHUP : number);
	return 128 + number;
}

static int run(struct shell *s)
{
	struct relay relay = {.terminal = -1, .child = -1, .signals = -1};
	int sockets[2], r;
	pid_t pid, self = getpid();

	for (size_t i = 0; i < RELAY_CHANNELS; i++)
		relay.channels[i] = (struct relay_channel){.from = -1, .to = -1};
	(void)sigprocmask(SIG_SETMASK, NULL, &s->mask);
	relay.signals = relay_signals();
	if (relay.signals < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return fail(s, strerror(errno));
	r = s->terminal ? 0 : make_wires(s, &relay);
	if (r < 0)
		return fail(s, strerror(-r));
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(s, strerror(errno));
	if (pid == 0) {
		s->socket = sockets[1];
		(void)close(sockets[0]);
		run_inside(s, self);
	}
	(void)close(sockets[1]);
	close_wires(s);
	return attend(s, &relay, pid, sockets[0]);
}

int verb_shell(struct ctl *c, char **args, int n)
{
	struct shell s = {.name = args[0],
			  .command = n > 1 ? args + 1 : NULL,
			  .pidfd = -1,
			  .wires = {-1, -1, -1},
			  .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
	struct error err = {0};
	int r;

	if (geteuid() != 0) {
		ctl_error("shell enters the container itself and needs root; run it as root");
		return EXEC_FAILED;
	}
	/* What is inside could write to the file of this program otherwise. */
	if (enter_seal(c->argv, &err) < 0) {
		ctl_error("cannot enter '%s': %s", s.name, err.text);
		return EXEC_FAILED;
	}
	(void)is_container(args[0]);
	r = find(c, &s);
	client_done(c);
	return r ? r : run(&s);
}
