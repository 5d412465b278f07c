/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Into a container. What a command that is run inside finds there, has and has not, how its end is told, and
 * that it never outlives who started it.
 */
#include "cgroup.h"
#include "cleanup.h"
#include "enter.h"
#include "lib_box.h"
#include "lib_kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEADLINE_MS 30000

/* --- one command ------------------------------------------------------------------------------ */

struct command {
	pid_t helper;
	int output; /* its end comes when nobody is left who could write there */
	int report;
};

static struct command begin_words(pid_t pid, int pidfd, const char *const *words)
{
	struct command c;
	char number[16];
	char *argv[12] = {"netnsd", ENTER_OPTION, "3", number, "4"};
	int ends[2], report[2], high;

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	for (size_t i = 0; words[i]; i++)
		argv[5 + i] = (char *)(uintptr_t)words[i];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	c.helper = fork();
	assert_true(c.helper >= 0);
	if (c.helper == 0) {
		INSIDE(dup2(ends[1], STDOUT_FILENO) >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
		high = fcntl(report[1], F_DUPFD_CLOEXEC, 5); /* out of the way */
		INSIDE(pidfd == 3 ? fcntl(3, F_SETFD, 0) == 0 : dup2(pidfd, 3) == 3);
		INSIDE(dup2(high, 4) == 4);
		INSIDE(setenv("TERM", "vt52", 1) == 0 && setenv("OURS", "1", 1) == 0);
		(void)execv("/proc/self/exe", argv); /* main() of this file knows it */
		_exit(1);
	}
	(void)close(ends[1]);
	(void)close(report[1]);
	c.output = ends[0];
	c.report = report[0];
	return c;
}

static struct command begin(const struct box *c, const char *script)
{
	return begin_words(c->pid, c->pidfd, (const char *[]){"sh", "-c", script, NULL});
}

/* Reads until the first line is complete, or (all) to the end. */
static const char *read_output(struct command *c, bool all)
{
	static char text[8192];
	struct pollfd poll_for = {.fd = c->output, .events = POLLIN};
	size_t length = 0;
	ssize_t n;

	do {
		assert_int_equal(poll(&poll_for, 1, DEADLINE_MS), 1);
		n = read(c->output, text + length, sizeof(text) - 1 - length);
		assert_true(n >= 0);
		length += (size_t)n;
		text[length] = '\0';
	} while (n > 0 && (all || !strchr(text, '\n')));
	return text;
}

/* All of it; NULL: the command was begun. */
static const char *read_report(const struct command *c)
{
	static char text[512];
	ssize_t n = read(c->report, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	return n > 0 && text[0] == '\0' ? NULL : text;
}

static int end(struct command *c)
{
	int status;

	assert_int_equal(waitpid(c->helper, &status, 0), c->helper);
	(void)close(c->output);
	(void)close(c->report);
	return status;
}

static const char *run(const struct box *c, const char *script, int *ret_status)
{
	struct command command = begin(c, script);
	const char *text = read_output(&command, true);
	int status = end(&command);

	if (ret_status)
		*ret_status = status;
	else if (status != 0)
		fail_msg("%s: status 0x%x: %s", script, (unsigned)status, text);
	return text;
}

/* --- what it finds ---------------------------------------------------------------------------- */

static void test_place(void **state)
{
	static const struct {
		const char *script, *output;
	} rows[] = {
		{"hostname", "inside\n"},
		{"pwd", "/\n"},
		{"cd /; echo *", "applets bin dev proc root\n"},
		{"id -u; id -G", "0\n0\n"},
		{"[ $$ -gt 1 ] && cat /proc/1/comm", "busybox\n"}, /* its init is our PID 1 */
		{"cat /proc/$$/comm; :", "sh\n"},		   /* in its own PID namespace */
		{"for n in net mnt uts ipc cgroup pid user; do"
		 " [ $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) ] || echo $n; done",
		 ""},
		{"env | grep -v -e PWD= -e SHLVL= -e _= | sort",
		 "HOME=/root\nLANG=C.UTF-8\nLOGNAME=root\nPATH=/"
		 "applets\nTERM=vt52\nUSER=root\ncontainer=test\n"},
		{"ls /proc/$$/fd; :", "0\n1\n2\n"},
		{"b=$(grep CapBnd /proc/1/status); grep -c ${b#*:} /proc/$$/status",
		 "3\n"}, /* Prm, Eff, Bnd */
		{"grep -e CapInh -e CapAmb -e NoNewPrivs /proc/$$/status",
		 "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n"},
		{"grep SigBlk /proc/$$/status", "SigBlk:\t0000000000000000\n"},
	};
	struct box c = box_start(BOX_PLAIN);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *output = run(&c, rows[i].script, NULL);

		if (strcmp(output, rows[i].output) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", rows[i].script, output, rows[i].output);
	}
	box_stop(&c);
}

/* What the init dropped is gone, and what it kept is there: the row above would be content with nothing. */
static void test_capabilities(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	unsigned long long inside = 0;

	(void)state;
	assert_int_equal(sscanf(run(&c, "grep CapEff /proc/$$/status", NULL), "CapEff: %llx", &inside), 1);
	assert_false(inside >> CAP_SYS_TIME & 1);
	assert_false(inside >> CAP_SYS_MODULE & 1);
	assert_true(inside >> CAP_NET_ADMIN & 1);
	assert_true(inside >> CAP_KILL & 1);
	box_stop(&c);
}

static void test_no_new_privileges(void **state)
{
	struct box c = box_start(BOX_NO_NEW_PRIVS);

	(void)state;
	assert_string_equal(run(&c, "grep NoNewPrivs /proc/$$/status", NULL), "NoNewPrivs:\t1\n");
	box_stop(&c);
}

static void test_users_of_its_own(void **state)
{
	struct box c = box_start(BOX_OWN_USERS);
	unsigned long long inside = 0;
	char path[64];
	struct stat st;

	(void)state;
	assert_string_equal(run(&c, "touch /root/made; id -u; id -g; id -G; hostname", NULL),
			    "0\n0\n0\ninside\n");
	(void)snprintf(path, sizeof(path), "/proc/%d/root/root/made", (int)c.pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, BOX_USERS_FIRST);
	assert_int_equal(st.st_gid, BOX_USERS_FIRST);
	/* All that a new user namespace gives are limited as well. */
	assert_int_equal(sscanf(run(&c, "grep CapEff /proc/$$/status", NULL), "CapEff: %llx", &inside), 1);
	assert_false(inside >> CAP_SYS_TIME & 1);
	assert_true(inside >> CAP_KILL & 1);
	box_stop(&c);
}

/* Who entered is killed, and limited, with the container. */
static void test_cgroup(void **state)
{
	_cleanup_free_ char *path = NULL, *of_init = NULL, *of_helper = NULL;
	struct cgroup_layout layout;
	struct error err = {0};
	struct command command;
	struct box c;

	(void)state;
	if (cgroup_find_layout(&layout, &err) < 0 ||
	    asprintf(&path, "%s/netnsd-test-enter-%d", layout.mount, (int)getpid()) < 0 ||
	    mkdir(path, 0755) < 0) {
		path = NULL;
		print_message("no cgroup can be made here: %s\n", err.code ? err.text : strerror(errno));
		skip();
	}
	c = box_start(BOX_PLAIN);
	assert_ok(cgroup_attach(path, c.pid, &err), &err);
	command = begin(&c, "echo begun; exec sleep 10000");
	assert_string_equal(read_output(&command, false), "begun\n");
	assert_int_equal(cgroup_of_pid(c.pid, &of_init), 0);
	assert_int_equal(cgroup_of_pid(command.helper, &of_helper), 0);
	assert_non_null(strstr(of_helper, "/netnsd-test-enter-"));
	assert_string_equal(of_helper, of_init);
	box_stop(&c);
	assert_string_equal(read_output(&command, true), "");
	assert_int_equal(end(&command), SIGKILL);
	assert_int_equal(rmdir(path), 0); /* it was the only one */
}

/* What /proc/PID/exe is of whoever enters: not the file that is installed. */
static void test_program_is_a_copy(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	struct command command = begin(&c, "echo begun; exec sleep 10000");
	char path[64], program[256] = "";

	(void)state;
	assert_string_equal(read_output(&command, false), "begun\n");
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)command.helper);
	assert_true(readlink(path, program, sizeof(program) - 1) > 0);
	assert_non_null(strstr(program, "/memfd:netnsd"));
	box_stop(&c);
	assert_int_equal(end(&command), SIGKILL);
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void test_statuses(void **state)
{
	static const struct {
		const char *words[4];
		int status, signal;
		const char *output;
	} rows[] = {
		{{"sh", "-c", "exit 0"}, 0, 0, ""},
		{{"sh", "-c", "exit 7"}, 7, 0, ""},
		{{"sh", "-c", "kill -9 $$"}, 0, SIGKILL, ""},
		{{"sh", "-c", "kill -15 $$"}, 0, SIGTERM, ""},
		{{"sh", "-c", "kill -11 $$"}, 0, SIGSEGV, ""},
		{{"/bin/busybox", "id", "-u"}, 0, 0, "0\n"},
		{{"nothing-like-it"},
		 127,
		 0,
		 "netnsd: cannot execute nothing-like-it: No such file or directory\n"},
		{{"/applets/not-executable"},
		 126,
		 0,
		 "netnsd: cannot execute /applets/not-executable: Permission denied\n"},
		{{"sh", "-c", "exit 125"}, 125, 0, ""}, /* not the helper's own */
		{{NULL}, 125, 0, "netnsd: expected --enter-container PIDFD PID REPORT COMMAND...\n"},
	};
	struct box c = box_start(BOX_PLAIN);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct command command = begin_words(c.pid, c.pidfd, rows[i].words);

		assert_string_equal(read_output(&command, true), rows[i].output);
		if (rows[i].words[0])
			assert_null(read_report(&command));
		else
			assert_string_equal(read_report(&command), "");
		assert_int_equal(end(&command), rows[i].status << 8 | rows[i].signal);
	}
	box_stop(&c);
}

/* Its output ends: nothing of it is left, although nobody asked the second one to go. */
static void test_end_from_outside(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	struct command command = begin(&c, "sleep 10000 & echo begun; wait");

	(void)state;
	assert_string_equal(read_output(&command, false), "begun\n");
	assert_int_equal(kill(command.helper, SIGTERM), 0);
	assert_string_equal(read_output(&command, true), "");
	assert_int_equal(end(&command), SIGKILL);
	assert_int_equal(waitpid(c.pid, NULL, WNOHANG), 0);
	box_stop(&c);
}

static void test_helper_killed(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	struct command command = begin(&c, "echo begun; exec sleep 10000");

	(void)state;
	assert_string_equal(read_output(&command, false), "begun\n");
	assert_int_equal(kill(command.helper, SIGKILL), 0);
	assert_string_equal(read_output(&command, true), "");
	assert_int_equal(end(&command), SIGKILL);
	box_stop(&c);
}

static void test_container_killed(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	struct command command = begin(&c, "sleep 10000 & echo begun; wait");

	(void)state;
	assert_string_equal(read_output(&command, false), "begun\n");
	box_stop(&c);
	assert_string_equal(read_output(&command, true), "");
	assert_int_equal(end(&command), SIGKILL);
}

/* --- where it must not go --------------------------------------------------------------------- */

static void test_another_process(void **state)
{
	struct box a = box_start(BOX_PLAIN), b = box_start(BOX_PLAIN);
	struct command command = begin_words(a.pid, b.pidfd, (const char *[]){"hostname", NULL});
	char text[128];

	(void)state;
	(void)snprintf(text, sizeof(text), "process %d, the container's init, has ended", (int)a.pid);
	assert_string_equal(read_output(&command, true), "");
	assert_string_equal(read_report(&command), text);
	assert_int_equal(end(&command), 125 << 8);
	box_stop(&a);
	box_stop(&b);
}

static int enter(pid_t pid, int pidfd, char *text, size_t size)
{
	struct error err = {0};
	int r, ends[2], status;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		r = enter_container(pidfd, pid, &err);
		INSIDE(write(ends[1], err.text, strlen(err.text) + 1) > 0);
		_exit(-r);
	}
	(void)close(ends[1]);
	assert_true(read(ends[0], text, size) > 0);
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void test_errors(void **state)
{
	struct box c = box_start(BOX_PLAIN);
	char text[512];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(enter(c.pid, 12345, text, sizeof(text)), -ENOENT);
	assert_non_null(strstr(text, "/proc/self/fdinfo/12345"));
	assert_int_equal(enter(c.pid, null, text, sizeof(text)), -ESRCH); /* not a pidfd at all */
	(void)close(null);
	/* Dead, but not reaped: the number is still its own, there is nothing to enter. */
	(void)kill(c.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_true(enter(c.pid, c.pidfd, text, sizeof(text)) < 0);
	assert_non_null(strstr(text, "the container's init"));
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	assert_int_equal(enter(c.pid, c.pidfd, text, sizeof(text)), -ESRCH);
	assert_non_null(strstr(text, "has ended"));
	(void)close(c.pidfd);
}

static int teardown(void **state)
{
	(void)state;
	box_stop_all();
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1; /* nothing is left */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_place, teardown),
		cmocka_unit_test_teardown(test_capabilities, teardown),
		cmocka_unit_test_teardown(test_no_new_privileges, teardown),
		cmocka_unit_test_teardown(test_users_of_its_own, teardown),
		cmocka_unit_test_teardown(test_cgroup, teardown),
		cmocka_unit_test_teardown(test_program_is_a_copy, teardown),
		cmocka_unit_test_teardown(test_statuses, teardown),
		cmocka_unit_test_teardown(test_end_from_outside, teardown),
		cmocka_unit_test_teardown(test_helper_killed, teardown),
		cmocka_unit_test_teardown(test_container_killed, teardown),
		cmocka_unit_test_teardown(test_another_process, teardown),
		cmocka_unit_test_teardown(test_errors, teardown),
	};

	if (argc > 1 && strcmp(argv[1], ENTER_OPTION) == 0)
		return enter_main(argc, argv);
	sandbox_enter();
	box_prepare();
	return cmocka_run_group_tests_name("enter", tests, NULL, NULL);
}
