/* SPDX-License-Identifier: MIT
 *
 * executor.c - a bounded pool of threads for functions that are due.
 *
 * All jobs are made at the start, so that nothing can fail once a job is armed.
 * A job is free, armed, queued or running. A timer's callback that could not be
 * prevented any more is a stray: it will find that it no longer belongs to the
 * job. Until the stray has run the next user cannot have this job. The job's
 * room is free at once: there are enough spare jobs for all callbacks that can
 * be under way.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <rota/after.h>
#include <rota/bubble.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "api/wait/wait.h"

enum job_state { FREE, ARMED, DROPPED, QUEUED, RUNNING };

struct job {
	uint64_t generation; /* of the next user; never 0 */
	struct rota_executor *x;
	rota_func *fn;
	void *arg;
	rota_handle timer;
	enum job_state state;
	unsigned strays;          /* callbacks to come that are no longer its
				   * own */
	struct job *next, **prev; /* in the list of its state; prev: only if
				   * queued */
};

struct worker {
	struct rota_executor *x;
	pthread_t thread;
	pthread_t former; /* ended by a job, and not joined yet */
	bool follows;     /* there is a former */
	struct job *job;  /* it runs this job */
};

struct rota_executor {
	struct wait_layer *layer;
	pthread_mutex_t lock;
	bool closing;
	unsigned threads;
	uint32_t capacity, jobs; /* jobs in use at most; jobs made */
	uint32_t used;
	unsigned index_bits; /* bits of the index in a rota_job; the rest is the
			      * generation */
	unsigned busy; /* workers that have not ended, and strays: the executor
		        * must stay until 0 */
	struct job *job, *free;
	struct job *first, **last; /* queued */
	struct wait_list idle;     /* workers */
	struct wait_list closers;  /* rota_executor_destroy */
	struct rota_executor_stats stat;
	struct worker worker[];
};

/* The executor that the thread is a worker of. */
static _Thread_local struct rota_executor *own_executor;

/* Free the job for its next user, unless its generations are used up. Under the
 * lock, like all functions up to rota_executor_create(). */
static void
job_put(struct job *j)
{
	struct rota_executor *x = j->x;

	j->state = FREE;
	if (j->generation == UINT64_MAX >> x->index_bits)
		return;
	j->generation++;
	j->next = x->free;
	x->free = j;
}

/* Tell the bubble that @more jobs (modulo 2^64) have come, or that a job was
 * moved: its clock may have to move. */
static void
tell_bubble(struct rota_executor *x, uint64_t more)
{
	if (x->layer->bubble)
		rota__bubble_jobs(x->layer->bubble, more);
}

/* Give the job's room back. */
static void
job_free(struct job *j)
{
	j->x->used--;
	tell_bubble(j->x, (uint64_t)0 - 1);
	if (j->strays)
		j->state = DROPPED;
	else
		job_put(j);
}

static void
queue_add(struct rota_executor *x, struct job *j)
{
	struct waiter *w;

	j->state = QUEUED;
	j->next = NULL;
	j->prev = x->last;
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
	*j->prev = j->next;
	if (j->next)
		j->next->prev = j->prev;
	else
		x->last = j->prev;
	x->stat.queued--;
}

/* The callback of the job's timer waits for the lock: it must find nothing to
 * do. */
static void
stray(struct rota_executor *x, struct job *j)
{
	j->strays++;
	x->busy++;
}

/* The job shall not run. False: it runs. */
static bool
drop(struct rota_executor *x, struct job *j)
{
	switch (j->state) {
	case ARMED:
		if (rota_handle_stop(x->layer->engine, j->timer) !=
		    ROTA_PREVENTED)
			stray(x, j);
		break;
	case QUEUED:
		queue_remove(x, j);
		break;
	default:
		return false;
	}
	job_free(j);
	x->stat.prevented++;
	return true;
}

/* A worker has ended, or a stray has run. */
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
	if (j->strays) {
		if (--j->strays == 0 && j->state == DROPPED)
			job_put(j);
		less_busy(x);
	} else {
		queue_add(x, j);
	}
	lock_give(&x->lock);
}

/* Sleep until there is work, or until the executor closes. Under the lock,
 * given up meanwhile. */
static void
rest(struct rota_executor *x)
{
	struct wait_node node;
	struct waiter w;

	if (rota__waiter_init(&w, x->layer, NULL)) {
		/* A job made its thread an owner, which must not wait: check
		 * again and again. */
		const struct timespec nap = { 0, 1000000 };

		lock_give(&x->lock);
		nanosleep(&nap, NULL);
		lock_take(&x->lock, LOCK_SOURCE);
		return;
	}
	w.idle = true;
	rota__wait_list_add(&x->idle, &node, &w, WAIT_SELF);
	lock_give(&x->lock);
	(void)rota__waiter_wait(&w, ROTA_NEVER, __func__); /* arms nothing */
	lock_take(&x->lock, LOCK_SOURCE);
	rota__wait_list_remove(&x->idle, &node);
	rota__waiter_destroy(&w);
}

/* The job that @w ran is over. */
static void
job_end(struct rota_executor *x, struct worker *w)
{
	x->stat.running--;
	x->stat.ran++;
	job_free(w->job);
	w->job = NULL;
}

/* A worker's life. */
static void
serve(struct rota_executor *x, struct worker *w)
{
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
		w->job = j;
		lock_give(&x->lock);
		j->fn(j->arg);
		lock_take(&x->lock, LOCK_SOURCE);
		job_end(x, w);
	}
	less_busy(x);
	lock_give(&x->lock);
}

static int worker_start(struct rota_executor *x, struct worker *w);

/* A job has ended the thread of its worker: another thread follows. */
static void
ended(void *arg)
{
	struct worker *w = arg;
	struct rota_executor *x = w->x;
	int r = 0;

	lock_take(&x->lock, LOCK_SOURCE);
	job_end(x, w);
	if (x->closing) {
		less_busy(x);
	} else {
		w->former = pthread_self();
		w->follows = true;
		r = worker_start(x, w);
		if (r)
			w->follows = false;
	}
	lock_give(&x->lock);
	if (r) /* no other thread to be had: this thread goes on */
		serve(x, w);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct rota_executor *x = w->x;
	pthread_t former;
	bool follows;
	int old_state;

	own_executor = x;
	/* A job may end its thread, but a wait of rota must not be
	 * cancelled. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old_state);
	lock_take(&x->lock, LOCK_SOURCE);
	follows = w->follows;
	former = w->former;
	w->follows = false;
	lock_give(&x->lock);
	if (follows)
		pthread_join(former, NULL);
	pthread_cleanup_push(ended, w);
	serve(x, w);
	pthread_cleanup_pop(0);
	return NULL;
}

static size_t
executor_bytes(unsigned threads)
{
	return sizeof(struct rota_executor) + threads * sizeof(struct worker);
}

/* No thread uses @x any more. */
static void
unmake(struct rota_executor *x)
{
	struct rota_engine *e = x->layer->engine;

	pthread_mutex_destroy(&x->lock);
	if (x->job)
		rota_engine_free(e, x->job, x->jobs * sizeof(*x->job));
	rota_engine_free(e, x, executor_bytes(x->threads));
}

/* On error w->thread stays: destroy joins it. */
static int
worker_start(struct rota_executor *x, struct worker *w)
{
	pthread_t thread; /* of no meaning if there is none: POSIX */
	int r;

	w->x = x;
	r = x->layer->bubble
	    ? rota_bubble_thread(x->layer->bubble, &thread, work, w)
	    : -pthread_create(&thread, NULL, work, w);
	if (!r)
		w->thread = thread;
	return r;
}

/* Make the workers end. Under the lock. */
static void
close_down(struct rota_executor *x)
{
	struct waiter *w;

	x->closing = true;
	while ((w = rota__wait_list_claim(&x->idle)))
		rota__waiter_wake(w);
}

/* Join the workers: they have ended, or will end without waiting for the
 * clock. */
static void
join(struct rota_executor *x, unsigned started)
{
	for (unsigned i = 0; i < started; i++)
		pthread_join(x->worker[i].thread, NULL);
	unmake(x);
}

int
rota_executor_create(struct rota_executor **out, struct rota_engine *e,
    unsigned threads, unsigned capacity)
{
	struct rota_executor *x;
	unsigned started = 0;
	struct wait_layer *layer;
	int r = 0;

	if (out)
		*out = NULL;
	if (!e)
		return -EINVAL;
	if (!out)
		return rota__wait_misuse(e, WAIT_MISUSE_NULL, -EINVAL,
		    "rota_executor_create(): @x is NULL");
	if (!threads || !capacity || threads > 65536 || capacity > INT32_MAX)
		return rota__wait_misuse(e, WAIT_MISUSE_ROOM, -EINVAL,
		    "rota_executor_create(): %u threads with room for %u: 1 to "
		    "65536 threads and 1 to 2147483647 functions there may be",
		    threads, capacity);
	if (rota_engine_forked(e))
		return -ECHILD;
	x = rota__layer_alloc(e, executor_bytes(threads), &layer);
	if (!x)
		return -ENOMEM;
	pthread_mutex_init(&x->lock, NULL);
	rota__wait_list_init(&x->idle);
	rota__wait_list_init(&x->closers);
	x->layer = layer;
	x->threads = threads;
	x->capacity = capacity;
	x->last = &x->first;
	/* A thread that polls a shard has one callback under way, and a shard
	 * has two: its owner and an adopter. */
	x->jobs = capacity + 2 * rota_engine_shards(e);
	while (x->jobs >> x->index_bits)
		x->index_bits++;
	x->job = rota_engine_alloc(e, x->jobs * sizeof(*x->job));
	if (!x->job) {
		unmake(x);
		return -ENOMEM;
	}
	for (uint32_t i = x->jobs; i-- > 0;) {
		x->job[i] = (struct job){ .x = x };
		job_put(&x->job[i]);
	}
	x->busy = threads;
	while (started < threads && !r) {
		r = worker_start(x, &x->worker[started]);
		started += !r;
	}
	if (r) {
		lock_take(&x->lock, LOCK_SOURCE);
		close_down(x);
		lock_give(&x->lock);
		join(x, started);
		return r;
	}
	word_add(&layer->executors, (uint64_t)1, relaxed); /* a count */
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
	if (layer_forked(x->layer))
		return -ECHILD;
	if (own_executor == x)
		return rota__wait_misuse(x->layer->engine, WAIT_MISUSE_WORKER,
		    -EDEADLK,
		    "rota_executor_destroy(): called on one of its workers, "
		    "whose end it would wait for: call it on another thread");
	r = rota__waiter_init(&w, x->layer, __func__);
	if (r)
		return r;
	lock_take(&x->lock, LOCK_SOURCE);
	close_down(x);
	for (uint32_t i = 0; i < x->jobs; i++)
		dropped += drop(x, &x->job[i]);
	rota__wait_list_add(&x->closers, &node, &w, WAIT_SELF);
	lock_give(&x->lock);
	/* In a bubble a job that runs may wait for the clock. */
	(void)rota__waiter_wait(&w, ROTA_NEVER, __func__); /* arms nothing */
	lock_take(&x->lock, LOCK_SOURCE);
	rota__wait_list_remove(&x->closers, &node);
	while (x->busy) { /* the bubble is dead: all waits end */
		lock_give(&x->lock);
		sched_yield();
		lock_take(&x->lock, LOCK_SOURCE);
	}
	lock_give(&x->lock);
	rota__waiter_destroy(&w);
	word_add(&x->layer->executors, (uint64_t)0 - 1, relaxed); /* a count */
	join(x, x->threads);
	return dropped;
}

/* Under the lock. */
static int
arm(struct rota_executor *x, struct job *j, rota_time when)
{
	rota_handle h;
	int r = rota_shard_after_func(
	    rota_engine_local_shard(x->layer->engine), when, ring, j, &h);

	if (r)
		return r;
	j->timer = h;
	return 0;
}

int
rota_executor_after_func(struct rota_executor *x, rota_span span, rota_func *fn,
    void *arg, rota_job *job)
{
	struct job *j;
	rota_time when;
	int r;

	if (!x)
		return -EINVAL;
	if (!fn)
		return rota__wait_misuse(x->layer->engine, WAIT_MISUSE_FUNC,
		    -EINVAL, "rota_executor_after_func(): @fn is NULL");
	if (layer_forked(x->layer))
		return -ECHILD;
	when = rota_when(rota_engine_now(x->layer->engine), span);
	lock_take(&x->lock, LOCK_SOURCE);
	j = x->closing || x->used == x->capacity ? NULL : x->free;
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
	r = arm(x, j, when);
	if (r) {
		job_put(j);
		lock_give(&x->lock);
		return r;
	}
	x->used++;
	tell_bubble(x, 1);
	if (job)
		*job = j->generation << x->index_bits | (uint64_t)(j - x->job);
	lock_give(&x->lock);
	return r;
}

/* The struct that @job names, which another job may have by now; NULL: it names
 * none. */
static struct job *
job_at(struct rota_executor *x, rota_job job)
{
	uint64_t index;

	if (!x)
		return NULL;
	index = job & (((uint64_t)1 << x->index_bits) - 1);
	return job >> x->index_bits && index < x->jobs ? &x->job[index] : NULL;
}

/* @fn was called with @job, which @x never had. */
static int
no_job(struct rota_executor *x, rota_job job, const char *fn)
{
	/* 0 is the job of a caller who has none. */
	return !x || !job
	    ? -EINVAL
	    : rota__wait_misuse(x->layer->engine, WAIT_MISUSE_JOB, -EINVAL,
		  "%s(): 0x%llx is no job of this executor", fn,
		  (unsigned long long)job);
}

/* Does @j still belong to @job? Under the lock. */
static bool
job_is(const struct job *j, rota_job job)
{
	return j->generation == job >> j->x->index_bits && j->state != FREE &&
	    j->state != DROPPED;
}

int
rota_executor_stop(struct rota_executor *x, rota_job job)
{
	struct job *j = job_at(x, job);
	int r;

	if (!j)
		return no_job(x, job, __func__);
	if (layer_forked(x->layer))
		return -ECHILD;
	lock_take(&x->lock, LOCK_SOURCE);
	if (!job_is(j, job))
		r = -ESTALE;
	else
		r = drop(x, j) ? ROTA_PREVENTED : ROTA_RUNNING;
	lock_give(&x->lock);
	return r;
}

int
rota_executor_reset(struct rota_executor *x, rota_job job, rota_span span)
{
	struct job *j = job_at(x, job);
	rota_time when;
	int r;

	if (!j)
		return no_job(x, job, __func__);
	if (layer_forked(x->layer))
		return -ECHILD;
	when = rota_when(rota_engine_now(x->layer->engine), span);
	lock_take(&x->lock, LOCK_SOURCE);
	if (!job_is(j, job) || j->state == RUNNING) {
		r = -ESTALE;
	} else if (j->state == ARMED &&
	    rota_handle_reset_at(x->layer->engine, j->timer, when) == 1) {
		r = 1;
	} else {
		r = arm(x, j, when); /* if that fails the job stays as it is */
		if (!r && j->state == ARMED)
			stray(x, j);
		else if (!r)
			queue_remove(x, j);
		if (!r) {
			j->state = ARMED;
			r = 1;
		}
	}
	if (r == 1)
		tell_bubble(x, 0);
	lock_give(&x->lock);
	return r;
}

int
rota_executor_stat(struct rota_executor *x, struct rota_executor_stats *out)
{
	if (!x)
		return -EINVAL;
	if (!out)
		return rota__wait_misuse(x->layer->engine, WAIT_MISUSE_NULL,
		    -EINVAL, "rota_executor_stat(): @out is NULL");
	if (layer_forked(x->layer))
		return -ECHILD;
	lock_take(&x->lock, LOCK_SOURCE);
	*out = x->stat;
	lock_give(&x->lock);
	return 0;
}
