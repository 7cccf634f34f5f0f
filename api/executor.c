/* SPDX-License-Identifier: MIT
 *
 * executor.c - a bounded pool of threads for functions that are due.
 *
 * All the jobs there can be are made at the start, so that nothing can fail
 * once a job is armed. A job is free, armed, queued or running; a ring that
 * comes for one which was stopped meanwhile finds it dropped and frees it.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <rota/after.h>
#include <rota/bubble.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "api/wait.h"

enum job_state { FREE, ARMED, DROPPED, QUEUED, RUNNING };

struct job {
	struct rota_executor *x;
	rota_func *fn;
	void *arg;
	rota_handle timer;
	enum job_state state;
	uint32_t generation; /* of the next to have it */
	struct job *next;    /* in the list of its state */
};

struct rota_executor {
	struct facade *facade;
	pthread_mutex_t lock;
	bool closing;
	unsigned threads, capacity;
	unsigned busy; /* workers that have not ended, rings to come for what
			* was dropped: until then it must stay */
	struct job *job, *free;
	struct job *first, **last; /* queued */
	struct wait_list idle;     /* workers */
	struct wait_list closers;  /* rota_executor_destroy */
	struct rota_executor_stats stat;
	pthread_t thread[];
};

static _Thread_local struct rota_executor *mine; /* a worker's */

/* Under the lock, as all up to rota_executor_create(). */
static void
job_free(struct job *j)
{
	j->state = FREE;
	if (++j->generation == 0) /* a job that is 0 is none */
		j->generation = 1;
	j->next = j->x->free;
	j->x->free = j;
}

static void
queue_add(struct rota_executor *x, struct job *j)
{
	struct waiter *w;

	j->state = QUEUED;
	j->next = NULL;
	*x->last = j;
	x->last = &j->next;
	if (++x->stat.queued > x->stat.queued_max)
		x->stat.queued_max = x->stat.queued;
	w = rota__wait_list_claim(&x->idle);
	if (w)
		rota__waiter_wake(w);
}

static void
queue_remove(struct rota_executor *x, struct job *j)
{
	struct job **at = &x->first;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (!j->next)
		x->last = at;
	x->stat.queued--;
}

/* It shall not run. False: it does. */
static bool
drop(struct rota_executor *x, struct job *j)
{
	switch (j->state) {
	case ARMED:
		if (rota_handle_stop(x->facade->engine, j->timer) ==
		    ROTA_PREVENTED) {
			job_free(j);
		} else { /* the ring waits for the lock */
			j->state = DROPPED;
			x->busy++;
		}
		break;
	case QUEUED:
		queue_remove(x, j);
		job_free(j);
		break;
	default:
		return false;
	}
	x->stat.prevented++;
	return true;
}

/* A worker has ended, or a ring that was to come has. */
static void
less_busy(struct rota_executor *x)
{
	struct waiter *w = --x->busy ? NULL
				     : rota__wait_list_claim(&x->closers);

	if (w)
		rota__waiter_wake(w);
}

static void
ring(void *arg)
{
	struct job *j = arg;
	struct rota_executor *x = j->x;

	lock_take(&x->lock, LOCK_SOURCE);
	if (j->state == DROPPED) {
		job_free(j);
		less_busy(x);
	} else {
		queue_add(x, j);
	}
	lock_give(&x->lock);
}

/* Sleep until there is work, or the end. Under the lock, which it gives up. */
static void
rest(struct rota_executor *x)
{
	struct wait_node node;
	struct waiter w;

	if (rota__waiter_init(&w, x->facade)) {
		/* A job made its thread an owner: ask again and again. */
		const struct timespec nap = { 0, 1000000 };

		lock_give(&x->lock);
		nanosleep(&nap, NULL);
		lock_take(&x->lock, LOCK_SOURCE);
		return;
	}
	w.idle = true;
	rota__wait_list_add(&x->idle, &node, &w, WAIT_SELF);
	lock_give(&x->lock);
	(void)rota__waiter_wait(&w, ROTA_NEVER); /* arms nothing */
	lock_take(&x->lock, LOCK_SOURCE);
	rota__wait_list_remove(&x->idle, &node);
	rota__waiter_destroy(&w);
}

static void *
work(void *arg)
{
	struct rota_executor *x = arg;

	mine = x;
	lock_take(&x->lock, LOCK_SOURCE);
	while (!x->closing) {
		struct job *j = x->first;

		if (!j) {
			rest(x);
			continue;
		}
		queue_remove(x, j);
		j->state = RUNNING;
		x->stat.running++;
		lock_give(&x->lock);
		j->fn(j->arg);
		lock_take(&x->lock, LOCK_SOURCE);
		x->stat.running--;
		x->stat.ran++;
		job_free(j);
	}
	less_busy(x);
	lock_give(&x->lock);
	return NULL;
}

static size_t
executor_bytes(unsigned threads)
{
	return sizeof(struct rota_executor) + threads * sizeof(pthread_t);
}

/* Nobody uses it any more. */
static void
unmake(struct rota_executor *x)
{
	struct rota_engine *e = x->facade->engine;

	pthread_mutex_destroy(&x->lock);
	if (x->job)
		rota_engine_free(e, x->job, x->capacity * sizeof(*x->job));
	rota_engine_free(e, x, executor_bytes(x->threads));
}

static int
worker_start(struct rota_executor *x, pthread_t *thread)
{
	if (x->facade->bubble)
		return rota_bubble_thread(x->facade->bubble, thread, work, x);
	return -pthread_create(thread, NULL, work, x);
}

/* Under the lock: its workers shall end. */
static void
close_down(struct rota_executor *x)
{
	struct waiter *w;

	x->closing = true;
	while ((w = rota__wait_list_claim(&x->idle)))
		rota__waiter_wake(w);
}

/* They have ended, or will without waiting for the clock. */
static void
join(struct rota_executor *x, unsigned started)
{
	for (unsigned i = 0; i < started; i++)
		pthread_join(x->thread[i], NULL);
	unmake(x);
}

int
rota_executor_create(struct rota_executor **out, struct rota_engine *e,
    unsigned threads, unsigned capacity)
{
	struct rota_executor *x;
	unsigned started = 0;
	struct facade *f;
	int r = 0;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!e || !threads || !capacity || threads > 65536 ||
	    capacity > INT32_MAX)
		return -EINVAL;
	x = rota__facade_alloc(e, executor_bytes(threads), &f);
	if (!x)
		return -ENOMEM;
	pthread_mutex_init(&x->lock, NULL);
	rota__wait_list_init(&x->idle);
	rota__wait_list_init(&x->closers);
	x->facade = f;
	x->threads = threads;
	x->capacity = capacity;
	x->last = &x->first;
	x->job = rota_engine_alloc(e, capacity * sizeof(*x->job));
	if (!x->job) {
		unmake(x);
		return -ENOMEM;
	}
	for (unsigned i = capacity; i-- > 0;) {
		x->job[i] = (struct job){ .x = x };
		job_free(&x->job[i]);
	}
	x->busy = threads;
	while (started < threads && !r) {
		r = worker_start(x, &x->thread[started]);
		started += !r;
	}
	if (r) {
		lock_take(&x->lock, LOCK_SOURCE);
		close_down(x);
		lock_give(&x->lock);
		join(x, started);
		return r;
	}
	*out = x;
	return 0;
}

int
rota_executor_destroy(struct rota_executor *x)
{
	struct wait_node node;
	struct waiter w;
	int dropped = 0, r;

	if (!x)
		return -EINVAL;
	if (mine == x)
		return -EDEADLK;
	r = rota__waiter_init(&w, x->facade);
	if (r)
		return r;
	lock_take(&x->lock, LOCK_SOURCE);
	close_down(x);
	for (unsigned i = 0; i < x->capacity; i++)
		dropped += drop(x, &x->job[i]);
	rota__wait_list_add(&x->closers, &node, &w, WAIT_SELF);
	lock_give(&x->lock);
	/* In a bubble what is running may wait for the clock. */
	(void)rota__waiter_wait(&w, ROTA_NEVER); /* arms nothing */
	lock_take(&x->lock, LOCK_SOURCE);
	rota__wait_list_remove(&x->closers, &node);
	while (x->busy) { /* the bubble is dead: all waits end */
		lock_give(&x->lock);
		sched_yield();
		lock_take(&x->lock, LOCK_SOURCE);
	}
	lock_give(&x->lock);
	rota__waiter_destroy(&w);
	join(x, x->threads);
	return dropped;
}

int
rota_executor_after_func(struct rota_executor *x, rota_span span, rota_func *fn,
    void *arg, rota_job *job)
{
	struct job *j;
	rota_time when;
	int r;

	if (!x || !fn)
		return -EINVAL;
	when = rota_when(rota_engine_now(x->facade->engine), span);
	lock_take(&x->lock, LOCK_SOURCE);
	j = x->closing ? NULL : x->free;
	if (!j) {
		x->stat.refused += !x->closing;
		r = x->closing ? -ECANCELED : -EAGAIN;
		lock_give(&x->lock);
		return r;
	}
	x->free = j->next;
	j->fn = fn;
	j->arg = arg;
	j->state = ARMED;
	r = rota_shard_after_func(
	    rota_engine_near(x->facade->engine), when, ring, j, &j->timer);
	if (r)
		job_free(j);
	else if (job)
		*job = (uint64_t)j->generation << 32 | (uint32_t)(j - x->job);
	lock_give(&x->lock);
	return r;
}

int
rota_executor_stop(struct rota_executor *x, rota_job job)
{
	uint32_t generation = (uint32_t)(job >> 32);
	struct job *j;
	int r;

	if (!x || !generation || (uint32_t)job >= x->capacity)
		return -EINVAL;
	j = &x->job[(uint32_t)job];
	lock_take(&x->lock, LOCK_SOURCE);
	if (j->generation != generation || j->state == FREE ||
	    j->state == DROPPED)
		r = -ESTALE;
	else
		r = drop(x, j) ? ROTA_PREVENTED : ROTA_RUNNING;
	lock_give(&x->lock);
	return r;
}

int
rota_executor_stat(struct rota_executor *x, struct rota_executor_stats *out)
{
	if (!x || !out)
		return -EINVAL;
	lock_take(&x->lock, LOCK_SOURCE);
	*out = x->stat;
	lock_give(&x->lock);
	return 0;
}
