/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What others have a copy of is in no epoll of ours any more once it is closed here: /proc/self/fdinfo tells
 * what is in there.
 */
#include "lib_kernel.h"
#include "nested.h"
#include "notify.h"
#include "process.h"

#include <dirent.h>
#include <ev.h>
#include <fcntl.h>
#include <sys/wait.h>

static struct ev_loop *loop;
static unsigned told;

/* Descriptors in all epolls of this process. */
static size_t count_polled(void)
{
	DIR *d = opendir("/proc/self/fdinfo");
	char path[300], line[256];
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			n += strncmp(line, "tfd:", 4) == 0;
		if (f)
			(void)fclose(f);
	}
	(void)closedir(d);
	return n;
}

static int setup(void **state)
{
	(void)state;
	told = 0;
	loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!loop)
		return -1;
	(void)ev_run(loop, EVRUN_NOWAIT); /* whatever it watches for itself */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ev_loop_destroy(loop);
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : -1;
}

static void exited(struct process *p, int code, int status, void *data)
{
	(void)p;
	(void)code;
	(void)status;
	(void)data;
	told++;
	ev_break(loop, EVBREAK_ONE);
}

static void test_process(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL}, *environment[] = {NULL};
	struct process_spec spec = {.argv = argv, .environment = environment, .output = -1};
	size_t polled = count_polled();
	struct process *p = NULL;
	struct error err = {0};
	int copy;

	(void)state;
	assert_ok(process_spawn(loop, &spec, exited, NULL, &p, &err), &err);
	copy = dup(process_pidfd(p));
	assert_true(copy >= 0);
	assert_int_equal(process_release(p), 0);
	run_until(loop, &told, 1);
	assert_true(count_polled() > polled);
	process_free(p);
	assert_int_equal(count_polled(), polled);
	(void)close(copy);
}

static void received(const struct notify_message *message, void *data)
{
	(void)message;
	(void)data;
}

static void test_notify(void **state)
{
	size_t polled = count_polled();
	struct notify_socket *s = NULL;
	struct error err = {0};
	int copy;

	(void)state;
	assert_ok(notify_socket_new(loop, "/run/notify", received, NULL, &s, &err), &err);
	copy = dup(notify_socket_fd(s));
	assert_true(copy >= 0);
	(void)ev_run(loop, EVRUN_NOWAIT);
	assert_true(count_polled() > polled);
	notify_socket_free(s);
	assert_int_equal(count_polled(), polled);
	(void)close(copy);
}

static void test_what_cannot_be_polled(void **state)
{
	size_t fds = count_fds();
	int file = open("/run/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(nested_epoll(-1), -EBADF);
	assert_int_equal(nested_epoll(file), -EPERM);
	(void)close(file);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_polled, setup, teardown),
	};

	sandbox_enter();
	return cmocka_run_group_tests_name("nested", tests, NULL, NULL);
}
