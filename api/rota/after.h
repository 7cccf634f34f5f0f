/* SPDX-License-Identifier: MIT
 *
 * rota/after.h - once, later: Go's Sleep and After. AfterFunc, on the thread
 * that owns a shard, is in rota/handle.h; on threads of its own here.
 *
 * Threads  any; those that wait as in rota/channel.h.
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

/* rota_sleep - sleep for at least @span; <= 0 returns at once. @c, if not
 * NULL, ends it early.
 *
 * Returns  0 slept; -ECANCELED, -ETIME the context is done, also if it was
 *          before; -EDEADLK, -EPERM, -ENOMEM, -ENOSPC as
 *          rota_channel_receive(); -EINVAL, also of another engine's context.
 */
int rota_sleep(struct rota_engine *e, rota_span span, struct rota_context *c);

/* rota_after - a synchronous channel that brings a value @span from now. It
 * need not be stopped: give it back. NULL: no memory. */
struct rota_channel *rota_after(struct rota_engine *e, rota_span span);

/* A bounded pool of threads, for functions that may wait or take long: where
 * Go starts a goroutine for each. */
struct rota_executor;

/* A function to be run; 0 is never one. */
typedef uint64_t rota_job;

/* rota_executor_create - @threads workers, with room for @capacity functions
 * that are armed, queued or running. In a bubble they are of it. A function may
 * end its thread by pthread_exit(): another takes its place. A worker can't be
 * cancelled.
 *
 * Owns     *@x until rota_executor_destroy(), before the engine's end, which
 *          tells config.log of those that are left: their threads sleep on, and
 *          no call on them may follow.
 * Returns  0; -EINVAL NULL, no thread or no room asked for; -ENOMEM, -EAGAIN.
 */
int rota_executor_create(struct rota_executor **x, struct rota_engine *e,
    unsigned threads, unsigned capacity);

/* rota_executor_destroy - wait for what is running; what is not is dropped.
 * Returns  how many were dropped; -EDEADLK from one of its workers, or as
 *          rota_sleep(); -EINVAL.
 */
int rota_executor_destroy(struct rota_executor *x);

/* rota_executor_after_func - run @fn(@arg) on a worker, @span from now; Go's
 * AfterFunc. The timer's own thread only queues it.
 *
 * Returns  0 and the job in *@job (may be NULL); -EAGAIN there is no room, so
 *          that who arms too much is told, and not who fires: counted;
 *          -ECANCELED the executor is being destroyed; -EINVAL; -ENOMEM,
 *          -ENOSPC.
 * Cost     a lock, and the arming.
 */
int rota_executor_after_func(struct rota_executor *x, rota_span span,
    rota_func *fn, void *arg, rota_job *job);

/* rota_executor_stop - it shall not run.
 * Returns  ROTA_PREVENTED it does not, also if its instant had come but no
 *          worker; ROTA_RUNNING; -ESTALE it ran or was stopped; -EINVAL.
 * Cost     a lock, whatever is queued; the room is another's at once. */
int rota_executor_stop(struct rota_executor *x, rota_job job);

/* rota_executor_reset - it runs @span from now instead, as long as it has not
 * begun; one whose instant had come but no worker waits anew.
 * Returns  1; -ESTALE it runs, ran or was stopped; -EINVAL; -ENOMEM, -ENOSPC
 *          it had come: it runs as if it had not been reset.
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
