/* SPDX-License-Identifier: MIT
 *
 * clock.h - where an engine's instants come from.
 *
 * Monotonic and boottime readings count from the engine's creation, plus
 * config.start. Time never goes back: a reading of the caller's clock counts as
 * the largest reading so far if it is below that, and the instant of a poll as
 * that of the latest poll (core/poll.c).
 *
 * Threads    any.
 */
#ifndef ROTA_CORE_CLOCK_H
#define ROTA_CORE_CLOCK_H

#include <rota/clock.h>
#include <rota/engine.h>

#include "core/sys/atomic.h"

struct clock {
	enum rota_clock source;
	rota_time origin; /* the source's reading at instant 0 */
	rota_word ticks; /* a virtual clock's instant, or the largest reading */
	rota_time (*now)(void *arg);
	void *now_arg;
};

void rota__clock_init(struct clock *c, const struct rota_config *config);
/* rota__clock_read - the instant now. Any thread. */
rota_time rota__clock_read(struct clock *c);
/* rota__clock_at - the source's reading at instant @when, if not ROTA_NEVER. */
rota_time rota__clock_at(const struct clock *c, rota_time when);
/* rota__clock_advance - move a virtual clock by @span, but not to
 * ROTA_NEVER. */
void rota__clock_advance(struct clock *c, rota_span span);

#endif
