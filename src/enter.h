/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into a running container: all namespaces, root and cgroup of its init. For netnsctl shell, and for what the
 * daemon runs inside (HealthCmd=) through a child of its own program. Layer 1; an effect. Only for processes
 * with one thread. */
#ifndef NETNSD_ENTER_H
#define NETNSD_ENTER_H

#include "error.h"

#include <sys/types.h>

/* Executes this program anew, with the same arguments, from a copy in memory; returns when it is that copy.
 * First thing before enter_container(): else the container could get at the program's file by /proc and
 * change it. Descriptors that are to stay must not be CLOEXEC by then. -errno with err. */
int enter_seal(char **argv, struct error *err);
/* Moves this process into the cgroup (if that can be) of the process that the pidfd is of, into mount, pid
 * (of children to come), net, uts, ipc, cgroup and, if it has one of its own, user namespace of it, and into
 * its root directory, which is the working directory then. It becomes root there, with the capabilities of
 * that process' bounding set and no_new_privs as that has it, and gets a new environment: PATH, LANG and
 * container* from there, HOME, USER, LOGNAME, its own TERM. It cannot be dumped nor traced from then on.
 * -errno with err: -ESRCH: it has ended. After a failure the process may be anywhere and has to exit;
 * afterwards by _exit(): sanitizers cannot do their last work inside. */
int enter_container(int pidfd, pid_t pid, struct error *err);
/* The argument of the daemon's own program that makes it a helper: netnsd --enter-container PIDFD PID REPORT
 * COMMAND ARGUMENT... enters, forks (for the PID namespace), executes, and exits as the command does; 125,
 * 126, 127 for what fails before, as env(1). The command may exit with these too, so REPORT, a descriptor,
 * tells them apart: a NUL byte when all is done but the exec; before that one sentence without a line's end:
 * what failed; or nothing. Everything it needs comes as arguments; PATH is searched inside. */
#define ENTER_OPTION "--enter-container"
int enter_main(int argc, char **argv); /* the exit status */

#endif
