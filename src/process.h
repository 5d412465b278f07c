/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Child processes: started in two steps, so that they are in their cgroup before the first instruction of the
 * program, and watched by pidfd. Layer 1. Loop thread only. */
#ifndef NETNSD_PROCESS_H
#define NETNSD_PROCESS_H

#include "error.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

struct process;
/* It has ended and is reaped. code, status: as siginfo has them (CLD_EXITED, CLD_KILLED, CLD_DUMPED). Not
 * called after process_free(). */
typedef void process_exited_fn(struct process *p, int code, int status, void *data);

struct process_spec {
	char *const *argv; /* argv[0]: absolute path */
	char *const *environment;
	int keep[8]; /* descriptors the program gets as 3, 4, ... in this order; n_keep of them */
	size_t n_keep;
	int output; /* stdout and stderr; -1: see journal, else /dev/null. stdin is /dev/null */
	int cgroup; /* a directory of the v2 hierarchy that it is born in (0: ours): moving it there later
		       would hold up the loop for as long as all processors take to agree, 15 ms and more
		       (Linux 6.18) */
	const char *journal_identifier; /* with output -1: the child connects to the journal itself, after the
					   move into its cgroup, so that its lines carry the scope's unit;
					   NULL: no */
};

/* Forks; the child is blocked until process_release(), with signals at their defaults, no descriptor of ours,
 * a session of its own. If the daemon dies first, the child ends. -errno with err. */
int process_spawn(struct ev_loop *loop, const struct process_spec *spec, process_exited_fn *exited,
		  void *data, struct process **ret, struct error *err);
/* Lets it exec. What fails in the child is told through exited(), with systemd's statuses: 203 the exec, 202
 * descriptors, and so on; process_failure() says what it was. -ESRCH: it has ended already, exited() comes;
 * -EALREADY. */
int process_release(struct process *p);
/* In exited(): "cannot execute /usr/bin/x: No such file or directory", which its output says too. NULL: what
 * has ended was the program, or the child was killed. */
const char *process_failure(const struct process *p);
pid_t process_pid(const struct process *p);
int process_pidfd(const struct process *p);
int process_signal(const struct process *p, int signal); /* by pidfd: never a stranger. -ESRCH: has ended */
/* One that somebody else started, e.g. the daemon before this one: exited() comes with code 0 when its status
 * cannot be known (before Linux 6.15, or when it is a zombie that nobody reaps). The pidfd is duplicated. */
int process_adopt(struct ev_loop *loop, int pidfd, pid_t pid, process_exited_fn *exited, void *data,
		  struct process **ret);
/* Stops watching and frees; does not end it, apart from one that was never released. A child that runs on
 * will be a zombie until the daemon ends: free only what has ended, or at the end. NULL is fine. */
void process_free(struct process *p);
/* Those of its first thread, at most `max`: their number, or -errno. While some of them end the kernel may
 * leave others out (Linux 6.18): ask again. */
int process_children(pid_t pid, pid_t *children, size_t max);
const char *exit_code_to_string(int code, int status, char *buffer,
				size_t size); /* "exited, status=7", "killed, signal=TERM" */

#endif
