/* SPDX-License-Identifier: MIT
 *
 * sleep.c - the owner sleeps until a timer is due, or another thread wakes it.
 *
 * Invariant  before it sleeps the owner says until when, and then checks the
 *            inbox once more: core/park.h. So no push is slept past.
 * Threads    the owner; any may ask for the descriptor and wake the owner.
 */
#include "core/owner.h"
#include "core/trace.h"

/* @next as an instant at which a sleep may end. */
rota_inline uint64_t
instant(rota_time next)
{
	return (uint64_t)next <= SHARD_LAST ? (uint64_t)next : SHARD_LAST + 1;
}

/* rota_shard_park(), for @fn. */
static rota_time
park(struct rota_shard *s, const char *fn)
{
	rota_time next, first;
	uint64_t alarm, quiet;
	int r = owner_check(s, fn);

	if (r)
		return r;
	next = first = rota_shard_next(s); /* it flushes */
	if (!s->adoptable)
		next = rota__shard_front(s, &first);
	/* A timer that is armed for ROTA_NEVER wakes no thread. */
	alarm = instant(next);
	quiet = instant(first);
	word_store(&s->alarm, alarm, relaxed); /* its own */
	if (!s->adoptable && s->idle_until < quiet) {
		if (!s->idle_until)
			shard_busy(s); /* a poll may have work all the same */
		s->idle_until = quiet;
	}
	if (!s->adoptable) /* else an adopter may be polling */
		shard_set_heed(s);
	park_enter(&s->park, alarm);
	if (inbox_empty(&s->remote.inbox) &&
	    next > (rota_time)word_load(&s->now, relaxed) && !shard_trims(s) &&
	    !(s->adoptable && park_oversleeps(&s->next, (uint64_t)next))) {
		PROBE_PARK(s->index, next);
		return next;
	}
	shard_unpark(s);
	return 0;
}

rota_time
rota_shard_park(struct rota_shard *s)
{
	return park(s, __func__);
}

int
rota_shard_wait(struct rota_shard *s, rota_time limit)
{
	if (!s)
		return -EINVAL;
	if (s->config->clock != ROTA_CLOCK_MONOTONIC &&
	    s->config->clock != ROTA_CLOCK_BOOTTIME)
		return rota__misuse_shard(s, -EOPNOTSUPP, __func__);
	return rota__shard_wait(s, limit);
}

/* The descriptor. There may have been wakes that found none. */
static int
open_wake(struct rota_shard *s)
{
	bool had = wake_made(&s->wake);
	int fd = rota__wake_open(&s->wake);

	if (fd >= 0 && !had)
		rota__wake_signal(&s->wake);
	return fd;
}

int
rota__shard_open(struct rota_shard *s)
{
	int r = open_wake(s);

	if (r >= 0 && s->config->clock == ROTA_CLOCK_BOOTTIME)
		r = rota__wake_alarm(&s->wake);
	return r < 0 ? r : 0;
}

/* Sleep until @until, which is not past. */
static int
sleep_on(struct rota_shard *s, rota_time until, rota_time now)
{
	enum rota_clock clock = s->config->clock;

	if (until >= ROTA_NEVER || clock == ROTA_CLOCK_VIRTUAL)
		return rota__wake_sleep(&s->wake, -1);
	if (clock == ROTA_CLOCK_BOOTTIME)
		return rota__wake_sleep_until(
		    &s->wake, rota__clock_at(s->clock, until));
	return rota__wake_sleep(&s->wake, until - now);
}

int
rota__shard_wait(struct rota_shard *s, rota_time limit)
{
	rota_time until, now;
	int r;

	if (shard_forked(s))
		return -ECHILD;
	r = rota__shard_open(s);
	if (r)
		return r;
	until = park(s, "rota_shard_wait");
	if (until <= 0)
		return (int)until;
	if (limit < until)
		until = limit;
	now = rota__clock_read(s->clock);
	r = until > now ? sleep_on(s, until, now) : 0;
	shard_unpark(s);
	return r;
}

int
rota_shard_fd(struct rota_shard *s)
{
	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	return open_wake(s);
}

int
rota_shard_wake(struct rota_shard *s)
{
	const struct rota_config *c;

	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD; /* the descriptor is the parent's, too */
	PROBE_WAKE(s->index);
	c = s->config;
	if (c->wake)
		c->wake(c->wake_arg, s);
	rota__wake_signal(&s->wake);
	return 0;
}
