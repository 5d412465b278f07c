/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few threads that run jobs which may block, so that the loop never does. One mutex guards both
 * queues; an ev_async wakes the loop. All signals are blocked on the threads: they belong to the
 * loop. The async watcher keeps the loop alive only while jobs are under way, so that a loop with
 * nothing else to do ends. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define WORKER_THREADS_MAX 16
#define WORKER_DONE_TURN   64	/* done() calls in one turn of the loop; other watchers come in between */
#define LOST_INTERVAL	   0.25 /* s */

struct job_queue {
	struct job *head, **tail;
};

struct worker_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;	 /* a job is queued, or the pool stops */
	pthread_cond_t finished; /* a job is finished, or a thread has started */
	struct job_queue urgent, queued, completed;
	bool urgent_was_last;
	unsigned started; /* threads whose start() has returned */
	int start_result; /* first failure of a start() */
	bool stopping;

	/* The loop's own, not guarded. */
	struct worker_setup setup;
	pthread_t threads[WORKER_THREADS_MAX];
	unsigned n_threads;
	unsigned pending;
	struct ev_loop *loop;
	ev_async async;
	ev_timer lost; /* while jobs are under way: for a wakeup that was lost */
};

static void queue_init(struct job_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_push(struct job_queue *q, struct job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct job *queue_pop(struct job_queue *q)
{
	struct job *job = q->head;

	if (job == NULL)
		return NULL;
	q->head = job->next;
	if (q->head == NULL)
		q->tail = &q->head;
	job->next = NULL;
	return job;
}

/* --- the threads ---------------------------------------------------------------------------- */

static int worker_report_start(struct worker_pool *p, void **ret_thread_data)
{
	int r = 0;

	if (p->setup.start != NULL)
		r = p->setup.start(p->setup.data, ret_thread_data);

	pthread_mutex_lock(&p->lock);
	p->started++;
	if (r < 0 && p->start_result == 0)
		p->start_result = r;
	pthread_cond_broadcast(&p->finished);
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* Whoever asks many urgent ones gets half of the threads' time, not all of it. */
static struct job *pop_next(struct worker_pool *p)
{
	struct job *job = p->urgent_was_last ? queue_pop(&p->queued) : NULL;

	p->urgent_was_last = false;
	if (job == NULL) {
		job = queue_pop(&p->urgent);
		p->urgent_was_last = job != NULL;
	}
	return job != NULL ? job : queue_pop(&p->queued);
}

static struct job *worker_next_job(struct worker_pool *p)
{
	struct job *job;

	pthread_mutex_lock(&p->lock);
	while ((job = pop_next(p)) == NULL && !p->stopping)
		pthread_cond_wait(&p->work, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return job;
}

static void *worker_main(void *data)
{
	struct worker_pool *p = data;
	void *thread_data = NULL;
	struct job *job;

	if (worker_report_start(p, &thread_data) < 0)
		return NULL;

	while ((job = worker_next_job(p)) != NULL) {
		job->run(job, thread_data);
		pthread_mutex_lock(&p->lock);
		queue_push(&p->completed, job);
		pthread_cond_broadcast(&p->finished);
		pthread_mutex_unlock(&p->lock);
		ev_async_send(p->loop, &p->async);
	}
	if (p->setup.stop != NULL)
		p->setup.stop(thread_data);
	return NULL;
}

/* --- the loop's side ------------------------------------------------------------------------ */

static struct job *pool_take_completed(struct worker_pool *p, bool wait)
{
	struct job *job;

	pthread_mutex_lock(&p->lock);
	while ((job = queue_pop(&p->completed)) == NULL && wait)
		pthread_cond_wait(&p->finished, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return job;
}

static void pool_finish(struct worker_pool *p, struct job *job)
{
	if (--p->pending == 0)
		ev_timer_stop(p->loop, &p->lost);
	job->done(job); /* the job's memory is its owner's again: not touched any more */
}

static bool finish_some(struct worker_pool *p)
{
	for (unsigned i = 0; i < WORKER_DONE_TURN; i++) {
		struct job *job = pool_take_completed(p, false);

		if (job == NULL)
			return false;
		pool_finish(p, job);
	}
	return true;
}

static void on_async(struct ev_loop *loop, ev_async *w, int revents)
{
	(void)revents;
	if (finish_some(w->data))
		ev_async_send(loop, w);
}

/* libev does not look at what its write to the eventfd says, and does not write again before it was read:
 * a call that fails would leave us asleep for ever. */
static void on_lost(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct worker_pool *p = w->data;

	(void)revents;
	if (finish_some(p))
		ev_async_send(loop, &p->async);
}

static int pool_start_threads(struct worker_pool *p)
{
	sigset_t all, old;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* inherited by the threads */
	while (p->n_threads < p->setup.threads) {
		r = -pthread_create(&p->threads[p->n_threads], NULL, worker_main, p);
		if (r < 0)
			break;
		(void)pthread_setname_np(p->threads[p->n_threads], "netnsd-worker");
		p->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	pthread_mutex_lock(&p->lock);
	while (p->started < p->n_threads)
		pthread_cond_wait(&p->finished, &p->lock);
	if (r == 0)
		r = p->start_result;
	pthread_mutex_unlock(&p->lock);
	return r;
}

int worker_pool_new(struct ev_loop *loop, const struct worker_setup *setup, struct worker_pool **ret)
{
	struct worker_pool *p;
	int r;

	if (setup->threads < 1 || setup->threads > WORKER_THREADS_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->setup = *setup;
	p->loop = loop;
	queue_init(&p->urgent);
	queue_init(&p->queued);
	queue_init(&p->completed);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->finished, NULL);
	ev_async_init(&p->async, on_async);
	p->async.data = p;
	ev_async_start(loop, &p->async);
	ev_init(&p->lost, on_lost);
	p->lost.repeat = LOST_INTERVAL;
	p->lost.data = p;
	ev_unref(loop);

	r = pool_start_threads(p);
	if (r < 0) {
		worker_pool_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void submit(struct worker_pool *p, struct job_queue *queue, struct job *job)
{
	if (p->pending++ == 0) /* it also keeps the loop running */
		ev_timer_again(p->loop, &p->lost);
	pthread_mutex_lock(&p->lock);
	queue_push(queue, job);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

void worker_pool_submit(struct worker_pool *p, struct job *job)
{
	submit(p, &p->queued, job);
}

void worker_pool_submit_urgent(struct worker_pool *p, struct job *job)
{
	submit(p, &p->urgent, job);
}

unsigned worker_pool_pending(const struct worker_pool *p)
{
	return p->pending;
}

void worker_pool_drain(struct worker_pool *p)
{
	while (p->pending > 0)
		pool_finish(p, pool_take_completed(p, true));
}

void worker_pool_free(struct worker_pool *p)
{
	if (p == NULL)
		return;
	worker_pool_drain(p);

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);

	ev_ref(p->loop);
	ev_async_stop(p->loop, &p->async);
	pthread_cond_destroy(&p->finished);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
