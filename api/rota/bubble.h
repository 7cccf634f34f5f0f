/* SPDX-License-Identifier: MIT
 *
 * rota/bubble.h - virtual time for threads that wait.
 *
 * A bubble has an engine whose clock stands still while any of its threads
 * runs. Once every one of them is blocked in a wait of rota (a sleep, a
 * channel, a select, a context) the clock jumps to the next deadline and its
 * timers fire. So a test of an hour's timeouts takes microseconds, and takes
 * the same course every time.
 *
 *	rota_bubble_create(&b, ROTA_WHEEL);
 *	rota_bubble_join(b);
 *	rota_sleep(rota_bubble_engine(b), ROTA_HOUR, NULL);
 *	rota_bubble_leave(b);
 *	rota_bubble_destroy(b);
 *
 * If all are blocked and nothing is armed no clock can help: that deadlock is
 * reported, and every wait of the bubble answers -EDEADLK from then on.
 *
 * A thread that waits for anything else, a mutex or a descriptor, counts as
 * running: the clock waits for it. Callbacks run on whichever of the threads
 * was the last to block: also those that are due at once.
 *
 * The clock moves to what is armed, and to nothing else; for as long as
 * something is, whoever has left: a ticker that nobody stops goes on for ever.
 * Where there are only workers of executors, without work, it moves for jobs,
 * which any thread may arm.
 *
 * Source  Go's testing/synctest.
 */
#ifndef ROTA_BUBBLE_H
#define ROTA_BUBBLE_H

#include <pthread.h>

#include <rota/engine.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_bubble;

/* rota_bubble_create - a bubble without threads, its clock at 0, in *@b. Its
 * engine has one shard, which is the bubble's to poll.
 *
 * Owns     *@b until rota_bubble_destroy().
 * Returns  0; -EINVAL @b NULL, @backend unknown; -ENOMEM; -EAGAIN the process
 *          has all the pthread keys that it may: a bubble takes one.
 */
int rota_bubble_create(struct rota_bubble **b, enum rota_backend backend);

/* rota_bubble_destroy - end of @b and its engine.
 * Returns  how many timers were still armed; -EBUSY it has threads, those of
 *          executors too; -EINVAL.
 */
int rota_bubble_destroy(struct rota_bubble *b);

/* rota_bubble_engine - its engine, for everything that takes one. */
struct rota_engine *rota_bubble_engine(struct rota_bubble *b);

/* rota_bubble_join - the calling thread is one of @b's; rota_bubble_leave - it
 * is not any more. The end of a thread that has not left is one of these, too.
 *
 * Returns  0; -EBUSY it is in a bubble already; -EPERM it is not in this one;
 *          -EDEADLK it leaves in a callback; -EINVAL; -ENOMEM.
 */
int rota_bubble_join(struct rota_bubble *b);
int rota_bubble_leave(struct rota_bubble *b);

/* rota_bubble_thread - start a thread that is @b's from the beginning, so that
 * the clock does not move before it runs, and until it returns.
 *
 * Returns  0 and the thread to join in *@thread; -EINVAL; -EAGAIN, -ENOMEM.
 */
int rota_bubble_thread(struct rota_bubble *b, pthread_t *thread,
    void *(*run)(void *arg), void *arg);

/* rota_bubble_wait - sleep until every other thread of @b is blocked, at this
 * instant of the clock.
 *
 * Returns  0; -EDEADLK all are, for ever; -EPERM the caller is not of @b;
 *          -EINVAL.
 */
int rota_bubble_wait(struct rota_bubble *b);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
