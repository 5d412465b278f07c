/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker pool: every job runs once, off the loop's thread, with signals blocked, and comes
 * back on the loop; start failures, drain, free and the life of the loop. Also what the thread
 * sanitizer watches. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

struct count {
	struct job job;
	struct worker_pool *pool;
	pthread_t ran_on;
	char thread_name[16];
	bool signals_blocked;
	void *thread_data;
	unsigned runs, dones;
	struct count *then; /* submitted by done() */
};

static unsigned finished;
static atomic_bool wakeups_fail;

/* What libev calls to wake the loop: 8 bytes into an eventfd. */
ssize_t write(int fd, const void *data, size_t length)
{
	if (wakeups_fail && length == sizeof(uint64_t)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_write, fd, data, length);
}

static void count_run(struct job *job, void *thread_data)
{
	struct count *c = (struct count *)job;
	sigset_t set;

	c->runs++;
	c->ran_on = pthread_self();
	c->thread_data = thread_data;
	pthread_getname_np(pthread_self(), c->thread_name, sizeof(c->thread_name));
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	c->signals_blocked =
		sigismember(&set, SIGTERM) && sigismember(&set, SIGCHLD) && sigismember(&set, SIGUSR1);
}

static void count_done(struct job *job)
{
	struct count *c = (struct count *)job;

	c->dones++;
	finished++;
	if (c->then)
		worker_pool_submit(c->pool, &c->then->job);
}

static struct worker_pool *pool(struct ev_loop *loop, unsigned threads)
{
	struct worker_setup setup = {.threads = threads};
	struct worker_pool *p = NULL;

	assert_int_equal(worker_pool_new(loop, &setup, &p), 0);
	finished = 0;
	return p;
}

static void count_init(struct count *c, struct worker_pool *p)
{
	*c = (struct count){.job = {.run = count_run, .done = count_done}, .pool = p};
}

static void test_jobs_run_once_on_other_threads(void **state)
{
	static struct count c[200];
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = pool(loop, 4);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		count_init(&c[i], p);
		worker_pool_submit(p, &c[i].job);
	}
	assert_int_equal(worker_pool_pending(p), 200);
	assert_int_equal(finished, 0); /* done() is never called by submit */
	ev_run(loop, 0);	       /* ends by itself: nothing is pending any more */
	assert_int_equal(worker_pool_pending(p), 0);
	assert_int_equal(finished, 200);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(c[i].runs, 1);
		assert_int_equal(c[i].dones, 1);
		assert_false(pthread_equal(c[i].ran_on, pthread_self()));
		assert_true(c[i].signals_blocked);
	}
	assert_string_equal(c[0].thread_name, "netnsd-worker");
	worker_pool_free(p);
	ev_loop_destroy(loop);
}

struct gate {
	struct job job;
	pthread_mutex_t closed;
};

static void gate_run(struct job *job, void *thread_data)
{
	struct gate *g = (struct gate *)job;

	(void)thread_data;
	pthread_mutex_lock(&g->closed);
	pthread_mutex_unlock(&g->closed);
}

static void gate_done(struct job *job)
{
	(void)job;
}

static char order[8];

static void order_done(struct job *job)
{
	const struct count *c = (struct count *)job;
	size_t n = strlen(order);

	assert_true(n + 1 < sizeof(order));
	order[n] = c->thread_name[0];
}

static void order_run(struct job *job, void *thread_data)
{
	(void)job;
	(void)thread_data;
}

/* Urgent ones come first, and of two jobs in a row one is not urgent. */
static void test_urgent_jobs_take_turns(void **state)
{
	static const char names[] = "abcxyz";
	static struct count c[6];
	struct gate g = {.job = {.run = gate_run, .done = gate_done}, .closed = PTHREAD_MUTEX_INITIALIZER};
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = pool(loop, 1);

	(void)state;
	order[0] = '\0';
	pthread_mutex_lock(&g.closed);
	worker_pool_submit_urgent(p, &g.job); /* the thread is busy until all are there, or begins with it */
	for (unsigned i = 0; i < 6; i++) {
		c[i] = (struct count){.job = {.run = order_run, .done = order_done},
				      .thread_name = {names[i]}};
		if (names[i] < 'x')
			worker_pool_submit(p, &c[i].job);
		else
			worker_pool_submit_urgent(p, &c[i].job);
	}
	pthread_mutex_unlock(&g.closed);
	worker_pool_drain(p);
	assert_string_equal(order, "axbycz");
	worker_pool_free(p);
	ev_loop_destroy(loop);
}

static void test_done_may_submit(void **state)
{
	struct count c[3];
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = pool(loop, 1);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		count_init(&c[i], p);
	c[0].then = &c[1];
	c[1].then = &c[2];
	worker_pool_submit(p, &c[0].job);
	ev_run(loop, 0);
	assert_int_equal(finished, 3);
	worker_pool_free(p);
	ev_loop_destroy(loop);
}

static void test_drain_and_free_finish_everything(void **state)
{
	struct count c[4];
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = pool(loop, 2);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		count_init(&c[i], p);
	c[0].then = &c[1];
	worker_pool_submit(p, &c[0].job);
	worker_pool_drain(p);
	assert_int_equal(finished, 2);
	assert_int_equal(worker_pool_pending(p), 0);
	worker_pool_drain(p); /* nothing to do: returns */

	worker_pool_submit(p, &c[2].job);
	worker_pool_submit(p, &c[3].job);
	worker_pool_free(p);
	assert_int_equal(finished, 4);
	worker_pool_free(NULL);
	ev_loop_destroy(loop);
}

/* --- start and stop ------------------------------------------------------------------------- */

struct starts {
	pthread_mutex_t lock;
	int starts, stops, fail_at;
};

static int start(void *data, void **ret_thread_data)
{
	struct starts *s = data;
	int n;

	pthread_mutex_lock(&s->lock);
	n = ++s->starts;
	pthread_mutex_unlock(&s->lock);
	if (n == s->fail_at)
		return -EPERM;
	*ret_thread_data = s;
	return 0;
}

static void stop(void *thread_data)
{
	struct starts *s = thread_data;

	pthread_mutex_lock(&s->lock);
	s->stops++;
	pthread_mutex_unlock(&s->lock);
}

static void test_thread_data(void **state)
{
	struct starts s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct worker_setup setup = {.threads = 3, .start = start, .stop = stop, .data = &s};
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = NULL;
	struct count c;

	(void)state;
	assert_int_equal(worker_pool_new(loop, &setup, &p), 0);
	assert_int_equal(s.starts, 3);
	count_init(&c, p);
	worker_pool_submit(p, &c.job);
	worker_pool_drain(p);
	assert_ptr_equal(c.thread_data, &s);
	worker_pool_free(p);
	assert_int_equal(s.stops, 3);
	ev_loop_destroy(loop);
}

static void test_lost_wakeup(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = pool(loop, 1);
	struct count c = {.job.run = count_run, .job.done = count_done};

	(void)state;
	wakeups_fail = true;
	worker_pool_submit(p, &c.job);
	ev_run(loop, 0);
	wakeups_fail = false;
	assert_int_equal(c.dones, 1);
	worker_pool_free(p);
	ev_loop_destroy(loop);
}

static void test_start_failure(void **state)
{
	struct starts s = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = 2};
	struct worker_setup setup = {.threads = 3, .start = start, .stop = stop, .data = &s};
	struct ev_loop *loop = ev_loop_new(0);
	struct worker_pool *p = (void *)(uintptr_t)1;

	(void)state;
	assert_int_equal(worker_pool_new(loop, &setup, &p), -EPERM);
	assert_ptr_equal(p, (void *)(uintptr_t)1); /* untouched */
	assert_int_equal(s.stops, 2);		   /* those that had started */
	setup.threads = 0;
	assert_int_equal(worker_pool_new(loop, &setup, &p), -EINVAL);
	setup.threads = 17;
	assert_int_equal(worker_pool_new(loop, &setup, &p), -EINVAL);
	ev_run(loop, 0); /* nothing was left behind that keeps it alive */
	ev_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_run_once_on_other_threads),
		cmocka_unit_test(test_urgent_jobs_take_turns),
		cmocka_unit_test(test_done_may_submit),
		cmocka_unit_test(test_drain_and_free_finish_everything),
		cmocka_unit_test(test_thread_data),
		cmocka_unit_test(test_lost_wakeup),
		cmocka_unit_test(test_start_failure),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
