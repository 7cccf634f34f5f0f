/* SPDX-License-Identifier: MIT
 *
 * rota/ticker.h - channels that bring a value each period.
 *
 * A ticker is a channel (rota/channel.h): receive from it, stop it and give it
 * back as a channel. Its ticks stay on the grid of its start however late they
 * are received. A slow receiver finds one tick waiting; later ticks are
 * dropped, and counted.
 *
 * A ticker that has a descriptor, or is asynchronous, keeps its timer as long
 * as it ticks: so it goes on even when the shard has no timer left for others.
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

/* What happens to missed ticks. */
enum rota_missed {
	ROTA_MISSED_SKIP,  /* dropped; the next tick is the next on the grid */
	ROTA_MISSED_BURST, /* all are brought, as fast as they are received */
	ROTA_MISSED_DELAY  /* the next tick is a period after this one is
			    * received: another grid */
};

/* rota_ticker_create - a synchronous channel that ticks each @period, first
 * @period from now; Go's NewTicker.
 *
 * Owns     *@c: one reference, yours.
 * Returns  0; -EINVAL, also for @period <= 0, where Go panics; -ENOMEM.
 */
int rota_ticker_create(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed);
/* The same in the given mode. */
int rota_ticker_create_mode(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed, enum rota_channel_mode mode);
/* The same, first at the instant @first; before 0 is 0. If @first has passed
 * the first tick is due at once, and the ticks since then are missed. */
int rota_ticker_create_at(struct rota_channel **c, struct rota_engine *e,
    rota_time first, rota_span period, enum rota_missed missed,
    enum rota_channel_mode mode);

/* rota_ticker_reset - tick each @period from now on, first @period from now; no
 * earlier value is received. Starts a stopped ticker.
 * Returns  as rota_channel_reset(); -EINVAL also for @period <= 0 and for a
 *          channel that is no ticker.
 */
int rota_ticker_reset(struct rota_channel *c, rota_span period);
/* The same, first at the instant @first, as rota_ticker_create_at(). */
int rota_ticker_reset_at(
    struct rota_channel *c, rota_time first, rota_span period);

/* rota_ticker_missed - how many ticks since the ticker was made have come, were
 * not received and never will be: dropped because another tick waited, or
 * because of a stop or a reset. Never decreases. The same in every mode, except
 * that a stop leaves a value in a buffer. */
int64_t rota_ticker_missed(struct rota_channel *c);

/* rota_tick - a ticker that is never stopped; NULL for @period <= 0, or without
 * memory. Go's Tick. */
struct rota_channel *rota_tick(struct rota_engine *e, rota_span period);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
