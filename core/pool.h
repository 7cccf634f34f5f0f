/* SPDX-License-Identifier: MIT
 *
 * pool.h - pooled timers for the rest of the library, and what the wait layer
 * logs. Channels keep some of the timers; those that are not in use make room
 * for others.
 *
 * Threads    any.
 */
#ifndef ROTA_CORE_POOL_H
#define ROTA_CORE_POOL_H

#include <rota/handle.h>

/* rota__node_take - a pooled timer that is kept, in *@t: not armed; it runs
 * @fn(@arg) whenever it fires. 0, -ENOMEM, -ENOSPC; arming it cannot fail.
 * rota__node_give - it goes back: it is not armed, and its function, if that
 * runs, has no more use for it. */
int rota__node_take(
    struct rota_engine *e, rota_func *fn, void *arg, struct rota_timer **t);
void rota__node_give(struct rota_timer *t);

/* rota__node_shard - the shard of @t, a timer of rota__node_take(). */
struct rota_shard *rota__node_shard(const struct rota_timer *t);
/* rota__pool_undriven - the caller of @fn is about to sleep until a pooled
 * timer of @s fires: if nobody polls @s that is logged, once. Without a lock
 * of rota. */
void rota__pool_undriven(struct rota_shard *s, const char *fn);
/* rota__layer_left - from now on an rota_engine_destroy() of @e that refuses
 * calls @left with the layer of @e, to log what was not given back: the armed
 * timers may be those of the pool. */
void rota__layer_left(
    struct rota_engine *e, void (*left)(struct rota_layer *l));

/* rota__timer_push - core/reset.c. As rota_timer_reset_at(), but -EINVAL and
 * nothing changed if the timer is not armed. */
int rota__timer_push(struct rota_timer *t, rota_time when);

/* rota__pool_release - @s has no room; a pooled timer that is not
 * in use shall make some. True: there is one place more. False: none now; the
 * owner may have been asked for some, which are there after its next poll.
 * Any thread; calls no function of anybody's. */
bool rota__pool_release(struct rota_shard *s);

#endif
