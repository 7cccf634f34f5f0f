/* SPDX-License-Identifier: MIT
 *
 * clock.h - where an engine's instants come from.
 *
 * Monotonic and boottime readings count from the engine's creation, plus
 * config.start. Never back: a reading of the caller's clock is held at the
 * largest one before it, an instant that is polled with at the latest poll's
 * (core/poll.c).
 */
#ifndef ROTA_CORE_CLOCK_H
#define ROTA_CORE_CLOCK_H

#include <rota/clock.h>
#include <rota/engine.h>

#include "core/sys/atomic.h"

struct clock {
	enum rota_clock source;
	rota_time origin; /* the source's reading at instant 0 */
	rota_word ticks;  /* a virtual clock's instant; a caller's largest */
	rota_time (*now)(void *arg);
	void *now_arg;
};

void rota__clock_init(struct clock *c, const struct rota_config *config);
/* rota__clock_read - the instant now. Any thread. */
rota_time rota__clock_read(struct clock *c);
/* rota__clock_at - what the source will say at @when, if that is not never. */
rota_time rota__clock_at(const struct clock *c, rota_time when);
/* rota__clock_advance - move a virtual clock; stops short of ROTA_NEVER. */
void rota__clock_advance(struct clock *c, rota_span span);

#endif
