/* SPDX-License-Identifier: MIT
 *
 * rota/ticker.h - channels that bring a value each period.
 *
 * A ticker is a channel (rota/channel.h) and is received from, stopped and
 * given back as one. Its ticks stay on the grid of its start however late
 * they are received. A receiver that is slow finds one tick waiting; what
 * came meanwhile is dropped, and counted.
 *
 * One that has a descriptor, or is asynchronous, keeps its timer as long as it
 * ticks, and so goes on whatever others take.
 *
 * Threads  any.
 * Source   Go's time.Ticker; the policies are tokio's MissedTickBehavior.
 */
#ifndef ROTA_TICKER_H
#define ROTA_TICKER_H

#include <rota/channel.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What becomes of ticks that are missed. */
enum rota_missed {
	ROTA_MISSED_SKIP,  /* dropped; the next is the next on the grid */
	ROTA_MISSED_BURST, /* all are brought, as fast as they are received */
	ROTA_MISSED_DELAY  /* the next is a period after this one is received:
			    * another grid */
};

/* rota_ticker_create - a synchronous channel that ticks each @period, first
 * one @period from now; Go's NewTicker.
 *
 * Owns     *@c: one reference, yours.
 * Returns  0; -EINVAL, also for @period <= 0, where Go panics; -ENOMEM.
 */
int rota_ticker_create(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed);
/* The same in another mode. */
int rota_ticker_create_mode(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed, enum rota_channel_mode mode);
/* The same, first one at the instant @first; before 0 is 0. One that has
 * passed is due at once, and what came since is missed. */
int rota_ticker_create_at(struct rota_channel **c, struct rota_engine *e,
    rota_time first, rota_span period, enum rota_missed missed,
    enum rota_channel_mode mode);

/* rota_ticker_reset - tick each @period from now on, first one @period from
 * now; nothing from before is received. Starts a stopped ticker.
 * Returns  as rota_channel_reset(); -EINVAL also for @period <= 0 and of what
 *          is no ticker.
 */
int rota_ticker_reset(struct rota_channel *c, rota_span period);
/* The same, first one at the instant @first, as rota_ticker_create_at(). */
int rota_ticker_reset_at(
    struct rota_channel *c, rota_time first, rota_span period);

/* rota_ticker_missed - ticks since it was made whose instant has come and that
 * nobody received nor will: dropped because one was waiting, or because of a
 * stop or a reset. Never less than before; the same in every mode, but that a
 * stop leaves what is in a buffer. */
int64_t rota_ticker_missed(struct rota_channel *c);

/* rota_tick - a ticker for those that never end; NULL for @period <= 0, or
 * without memory. Go's Tick. */
struct rota_channel *rota_tick(struct rota_engine *e, rota_span period);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
