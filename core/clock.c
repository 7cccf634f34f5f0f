/* SPDX-License-Identifier: MIT
 *
 * clock.c - core/clock.h on POSIX clocks.
 */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include "core/clock.h"

#include <time.h>

static rota_time
posix_now(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts);
	return (rota_time)ts.tv_sec * ROTA_SECOND + ts.tv_nsec;
}

static rota_time
source_now(struct clock *c)
{
	switch (c->source) {
	case ROTA_CLOCK_MONOTONIC:
		return posix_now(CLOCK_MONOTONIC);
	case ROTA_CLOCK_BOOTTIME:
		return posix_now(CLOCK_BOOTTIME);
	case ROTA_CLOCK_VIRTUAL:
		/* acquire: who sees the clock moved sees why */
		return (rota_time)word_load(&c->ticks, acquire);
	case ROTA_CLOCK_CALLER:
		return c->now(c->now_arg);
	}
	return 0;
}

void
rota__clock_init(struct clock *c, const struct rota_config *config)
{
	*c = (struct clock){
		.source = config->clock,
		.now = config->now,
		.now_arg = config->now_arg,
	};
	if (c->source == ROTA_CLOCK_VIRTUAL)
		c->ticks = (uint64_t)config->start;
	else if (c->source != ROTA_CLOCK_CALLER)
		c->origin = source_now(c) - config->start;
}

rota_time
rota__clock_read(struct clock *c)
{
	return source_now(c) - c->origin;
}

void
rota__clock_advance(struct clock *c, rota_span span)
{
	uint64_t old = word_load(&c->ticks, relaxed); /* the CAS checks it */

	while (!word_cas(&c->ticks, &old,
	    (uint64_t)rota_when((rota_time)old, span), acq_rel, relaxed))
		;
}
