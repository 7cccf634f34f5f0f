/* SPDX-License-Identifier: MIT
 *
 * rota/handle.h - pooled timers behind handles that are safe when stale.
 *
 * For callers who do not want to embed a timer: the engine keeps it. A handle
 * names one timer and its generation. Once that timer has fired or was stopped
 * every call on the handle answers -ESTALE, even if the memory has another use.
 *
 * A pooled timer counts towards config.max_timers of its shard. Once it has
 * fired or was stopped any thread can arm it again, under another handle. If
 * the shard is full, its room is free for any new timer too. That is so at
 * once, or after the owner's next poll in two cases: the timer was stopped by a
 * caller that does not own the shard, or an arming of it has not come to the
 * owner yet.
 *
 * Threads  any, unless a line says otherwise.
 * Order    hand a handle on to another thread as you would a pointer, with
 *          release and acquire. If not, a call may answer as before the timer
 *          was armed or made: -ESTALE or -EINVAL, or for one of
 *          rota_handle_init() that it is not pending. It does no other harm.
 */
#ifndef ROTA_HANDLE_H
#define ROTA_HANDLE_H

#include <rota/engine.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef uint64_t rota_handle; /* never 0 */

/* Must return: if it ends its thread instead, its pooled timer counts towards
 * config.max_timers for as long as the engine lives. */
typedef void rota_func(void *arg);

/* rota_after_func - run @fn(@arg) on a shard's owner, @span from now.
 *
 * Reads the clock once. The shard is rota_engine_local_shard(): the caller's
 * own, or one that the thread was given by turns, of all shards of the engine.
 * If no driver or owner polls that shard, @fn stays armed and does not run:
 * give each shard an owner, or name the shard by rota_shard_after_func().
 * Returns  0 and the handle in *@h (may be NULL: nobody will stop it); -EINVAL;
 *          -ENOMEM; -ENOSPC.
 * Cost     one locked operation and the reset; a lock when the pool of the
 *          shard has to grow.
 */
int rota_after_func(struct rota_engine *e, rota_span span, rota_func *fn,
    void *arg, rota_handle *h);

/* rota_shard_after_func - the same on a given shard, at an instant. */
int rota_shard_after_func(struct rota_shard *s, rota_time when, rota_func *fn,
    void *arg, rota_handle *h);

/* rota_handle_stop - the function shall not run. The handle is stale
 * afterwards.
 * Returns ROTA_PREVENTED; ROTA_RUNNING too late, the function is running;
 * -ESTALE fired or stopped before; -EINVAL never a handle. */
int rota_handle_stop(struct rota_engine *e, rota_handle h);

/* rota_handle_reset_at - set another deadline, if the timer is pending.
 * Returns 1; -ESTALE it has fired, is running or was stopped; -EINVAL. */
int rota_handle_reset_at(struct rota_engine *e, rota_handle h, rota_time when);

/* rota_handle_init - a pooled timer on @s that can be armed again and again, as
 * Go's AfterFunc timers can: rota_handle_reset_at() arms it, and its handle is
 * not stale before its release. The calls on this handle answer as for a timer
 * of your own: reset_at 1 it was pending, 0 it was not; stop also
 * ROTA_NOT_PENDING; pending 1 or 0. If it is reset while its function runs, the
 * function runs again when that deadline comes.
 * Returns 0 and the handle in *@h; -EINVAL; -ENOMEM; -ENOSPC. */
int rota_handle_init(
    struct rota_shard *s, rota_func *fn, void *arg, rota_handle *h);

/* rota_handle_release - stop a timer of rota_handle_init() for good. @h is
 * stale afterwards. Allowed in the timer's own function, too.
 * Threads  any; no reset of @h may be under way.
 * Returns  as rota_timer_stop(): after ROTA_RUNNING the function may go on;
 *          -ESTALE released before; -EINVAL not of rota_handle_init(). */
int rota_handle_release(struct rota_engine *e, rota_handle h);

/* rota_handle_pending - 1, or -ESTALE, or -EINVAL. A snapshot. */
int rota_handle_pending(struct rota_engine *e, rota_handle h);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
