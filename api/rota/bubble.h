/* SPDX-License-Identifier: MIT
 *
 * rota/bubble.h - virtual time for threads that wait.
 *
 * A bubble has an engine whose clock stands still while any of the bubble's
 * threads runs. Once every one of them is blocked in a wait of rota (a sleep, a
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
 * If all threads are blocked and nothing is armed, that is a deadlock: every
 * wait of the bubble answers -EDEADLK from then on.
 *
 * A thread that waits for anything else, a mutex or a descriptor, counts as
 * running: the clock waits for it. Callbacks, those due at once included, run
 * on the thread that blocked last, whose own wait is still under way: so a
 * callback in a bubble must return. If it ends its thread the others of the
 * bubble wait for ever.
 *
 * The clock moves only to instants for which something is armed. It does so for
 * as long as something is armed, even after threads have left: a ticker that
 * nobody stops goes on for ever. If the only threads are workers of executors,
 * all without work, the clock moves for jobs alone, which any thread may arm.
 *
 * Source   Go's testing/synctest.
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
 * engine has one shard, which the bubble polls.
 *
 * Owns     *@b until rota_bubble_destroy().
 * Returns  0; -EINVAL @b NULL, @backend unknown; -ENOMEM; -EAGAIN the process
 *          has no pthread key left: a bubble takes one.
 */
int rota_bubble_create(struct rota_bubble **b, enum rota_backend backend);

/* rota_bubble_destroy - end of @b and its engine.
 * Returns  how many timers were still armed; -EBUSY it has threads, perhaps
 *          workers of executors; -EINVAL.
 */
int rota_bubble_destroy(struct rota_bubble *b);

/* rota_bubble_engine - the bubble's engine, for every call that takes one. */
struct rota_engine *rota_bubble_engine(struct rota_bubble *b);

/* rota_bubble_join - the calling thread joins @b; rota_bubble_leave - it leaves
 * @b. A thread that ends leaves, too.
 *
 * Returns  0; -EBUSY the thread is in a bubble already; -EPERM it is not in
 *          this one; -EDEADLK it leaves in a callback; -EINVAL; -ENOMEM.
 */
int rota_bubble_join(struct rota_bubble *b);
int rota_bubble_leave(struct rota_bubble *b);

/* rota_bubble_thread - start a thread that is in @b from the beginning: the
 * clock does not move before the thread runs, and the thread leaves @b when it
 * returns.
 *
 * Returns  0 and the thread to join in *@thread; -EINVAL; -EAGAIN, -ENOMEM.
 */
int rota_bubble_thread(struct rota_bubble *b, pthread_t *thread,
    void *(*run)(void *arg), void *arg);

/* rota_bubble_wait - sleep until every other thread of @b is blocked, at this
 * instant of the clock, and all that is due has fired: timers, and what they
 * arm for this instant. (A function that arms itself for now without an end
 * keeps this call for ever.) Several threads may wait so at once.
 *
 * Returns  0; -EDEADLK all are blocked, for ever; -EPERM the caller is not in
 *          @b; -EINVAL.
 */
int rota_bubble_wait(struct rota_bubble *b);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
