/* SPDX-License-Identifier: MIT
 *
 * rota/after.h - once, later: Go's Sleep and After; and AfterFunc on a pool of
 * threads. AfterFunc on the thread that owns a shard is in rota/handle.h.
 *
 * Threads  any; for calls that wait as in rota/channel.h.
 */
#ifndef ROTA_AFTER_H
#define ROTA_AFTER_H

#include <rota/channel.h>
#include <rota/context.h>
#include <rota/handle.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* rota_sleep - sleep for at least @span; with <= 0 return at once. @c, if not
 * NULL, ends the sleep early.
 *
 * Returns  0 slept; -ECANCELED, -ETIME the context is done, also if it was done
 *          before; -EDEADLK, -EPERM, -ENOMEM, -ENOSPC as
 *          rota_channel_receive(); -EINVAL, also for another engine's context.
 */
int rota_sleep(struct rota_engine *e, rota_span span, struct rota_context *c);

/* rota_after - a synchronous channel that brings a value @span from now. Give
 * it back; it need not be stopped. NULL: no memory. */
struct rota_channel *rota_after(struct rota_engine *e, rota_span span);

/* A bounded pool of threads, for functions that may wait or take long. (Go
 * starts a goroutine for each.) */
struct rota_executor;

/* A function to be run; never 0. */
typedef uint64_t rota_job;

/* rota_executor_create - @threads workers, with room for @capacity functions
 * that are armed, queued or running. In a bubble the workers are its threads. A
 * function may end its thread by pthread_exit(): another thread takes its
 * place. A worker cannot be cancelled.
 *
 * Owns     *@x until rota_executor_destroy(), before the engine's end. The
 *          engine's end reports executors that are left to config.log: their
 *          threads sleep on, and no call on them may follow.
 * Returns  0; -EINVAL NULL, no thread or no room asked for; -ENOMEM, -EAGAIN.
 */
int rota_executor_create(struct rota_executor **x, struct rota_engine *e,
    unsigned threads, unsigned capacity);

/* rota_executor_destroy - wait for the functions that run; drop the others.
 * Returns  how many were dropped; -EDEADLK from one of its workers, or as
 *          rota_sleep(); -EINVAL.
 */
int rota_executor_destroy(struct rota_executor *x);

/* rota_executor_after_func - run @fn(@arg) on a worker, @span from now; Go's
 * AfterFunc. The thread that fires the timer only queues the function.
 *
 * Returns  0 and the job in *@job (may be NULL); -EAGAIN capacity exhausted:
 *          reported to the caller that arms, never at expiry, and counted in
 *          `refused`; -ECANCELED the executor is being destroyed; -EINVAL;
 *          -ENOMEM, -ENOSPC.
 * Cost     a lock, and the arming.
 */
int rota_executor_after_func(struct rota_executor *x, rota_span span,
    rota_func *fn, void *arg, rota_job *job);

/* rota_executor_stop - the job shall not run.
 * Returns  ROTA_PREVENTED the job does not run: its instant may have come, but
 *          no worker had begun it; ROTA_RUNNING; -ESTALE it ran or was stopped;
 *          -EINVAL.
 * Cost     a lock, however many jobs are queued; the job's room is free at
 *          once. */
int rota_executor_stop(struct rota_executor *x, rota_job job);

/* rota_executor_reset - the job runs @span from now instead, if it has not
 * begun; a job that is queued leaves the queue and waits anew.
 * Returns  1; -ESTALE it runs, ran or was stopped; -EINVAL; -ENOMEM, -ENOSPC
 *          its instant had come: it runs as if it had not been reset.
 * Cost     as rota_executor_after_func(). */
int rota_executor_reset(struct rota_executor *x, rota_job job, rota_span span);

struct rota_executor_stats {
	uint64_t ran, prevented;
	uint64_t refused;    /* for want of room */
	uint64_t queued;     /* now: due, and no worker is free */
	uint64_t queued_max; /* most at once */
	uint64_t running;    /* now */
};
int rota_executor_stat(
    struct rota_executor *x, struct rota_executor_stats *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
