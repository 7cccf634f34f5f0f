/* SPDX-License-Identifier: MIT
 *
 * pool.h - pooled timers for the rest of the library. Channels keep some; the
 * pooled timers that are not in use make room for others.
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

/* rota__timer_push - core/reset.c. As rota_timer_reset_at(), but -EINVAL and
 * nothing changed if the timer is not armed. */
int rota__timer_push(struct rota_timer *t, rota_time when);

/* rota__pool_release - @s has no room; a pooled timer that is not
 * in use shall make some. True: there is one place more. False: none now; the
 * owner may have been asked for some, which are there after its next poll.
 * Any thread; calls no function of anybody's. */
bool rota__pool_release(struct rota_shard *s);

#endif
