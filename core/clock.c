/* SPDX-License-Identifier: MIT
 *
 * clock.c - the functions of core/clock.h, on POSIX clocks.
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

/* The caller's clock, kept from stepping back and from going past ROTA_NEVER:
 * returns the largest reading so far. relaxed: `ticks` is not below this
 * thread's own readings, nor below those that happened before. */
static rota_time
caller_now(struct clock *c)
{
	rota_time now = c->now(c->now_arg);
	uint64_t held = word_load(&c->ticks, relaxed);

	if (now > ROTA_NEVER)
		now = ROTA_NEVER;
	while (now > (rota_time)held) {
		if (word_cas(&c->ticks, &held, (uint64_t)now, relaxed,
			relaxed)) /* see above */
			return now;
	}
	return (rota_time)held;
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
		/* acquire: sees what came before the clock moved */
		return (rota_time)word_load(&c->ticks, acquire);
	case ROTA_CLOCK_CALLER:
		return caller_now(c);
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
	if (c->source == ROTA_CLOCK_VIRTUAL || c->source == ROTA_CLOCK_CALLER)
		c->ticks = (uint64_t)config->start;
	else
		c->origin = source_now(c) - config->start;
}

rota_time
rota__clock_read(struct clock *c)
{
	return source_now(c) - c->origin;
}

rota_time
rota__clock_at(const struct clock *c, rota_time when)
{
	return when + c->origin;
}

void
rota__clock_advance(struct clock *c, rota_span span)
{
	uint64_t old = word_load(&c->ticks, relaxed); /* the CAS checks it */

	while (!word_cas(&c->ticks, &old,
	    (uint64_t)rota_when((rota_time)old, span), acq_rel, relaxed))
		;
}
