/* SPDX-License-Identifier: MIT
 *
 * exhaustive.c - every offset at every tick of a small wheel, on each engine,
 * in virtual time. After h2o's t/00unit/lib/common/timerwheel.c.
 *
 *	exhaustive
 *
 * For each tick to start from, timers are armed for every tick of the turns
 * that follow, at its first, second and last ns; then the clock goes on, in
 * one of three strides: tick by tick, to the last ns of a tick and the first
 * of the next, or to where rota_shard_next() says. Each timer must fire in
 * the first poll that may fire it, and in no other.
 *
 * The hostile build's wheel of 4 slots a level is complete up to 3 levels.
 * With 256 slots a level is complete by itself; the upper ones are tried
 * around every border: from just before, at and after it, for every sum of
 * a border and a small offset.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rota/rota.h>

#include "core/shard.h"

#define TICK (UINT64_C(1) << WHEEL_TICK_BITS) /* ns */
#define TURN ((uint64_t)WHEEL_SPAN)           /* ticks of level 0 */
#define MOST 8192                             /* timers at a time */

enum stride { BY_TICK, BY_NS, BY_NEXT, STRIDES };

struct item {
	struct rota_timer timer;
	uint64_t when;
	bool armed;
};

static struct item item[MOST];
static uint64_t sorted[MOST];
static unsigned items;
static uint64_t poll_now, fires, latest;
static enum rota_backend backend;
static const char *const names[] = { "heap", "wheel", "coarse" };
static uint64_t from; /* where the clock started, for a failure's report */

static _Noreturn void
fail(const char *what, uint64_t when)
{
	fprintf(stderr,
	    "exhaustive: %s: %s: deadline %" PRIu64 " (tick %" PRIu64
	    " + %" PRIu64 " ns), poll at %" PRIu64 ", started at %" PRIu64 "\n",
	    names[backend], what, when, when / TICK, when % TICK, poll_now,
	    from);
	exit(1);
}

static void
on_fire(struct rota_timer *t, rota_time now)
{
	struct item *i = rota_container_of(t, struct item, timer);

	if (!i->armed)
		fail("fired twice", i->when);
	if ((uint64_t)now != poll_now || i->when > poll_now)
		fail("fired early", i->when);
	if (i->when < latest && backend != ROTA_WHEEL_COARSE)
		fail("fired after a later one", i->when);
	latest = i->when;
	i->armed = false;
	fires++;
}

/* The first instant at which a poll must fire what is due at @when. */
static uint64_t
must_by(uint64_t when)
{
	return backend == ROTA_WHEEL_COARSE ? (when + TICK - 1) / TICK * TICK
					    : when;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Poll at @now; all that had to fire by then must have. @due counts them. */
static void
poll_at(struct rota_shard *s, uint64_t now, unsigned *due)
{
	poll_now = now;
	latest = 0;
	if (rota_shard_poll(s, (rota_time)now, 0))
		fail("a poll without limit is not done", 0);
	while (*due < items && must_by(sorted[*due]) <= now)
		++*due;
	/* None is early, so as many as must have are the right ones. */
	if (fires < *due)
		for (unsigned i = 0; i < items; i++)
			if (item[i].armed && must_by(item[i].when) <= now)
				fail("not fired", item[i].when);
}

static void
walk(struct rota_shard *s, uint64_t start, enum stride stride)
{
	uint64_t last = must_by(sorted[items - 1]), now = start, next;
	unsigned due = 0, polls = 0;

	while (fires < items) {
		switch (stride) {
		case BY_TICK:
			now = (now / TICK + 1) * TICK;
			break;
		case BY_NS:
			now = now % TICK == TICK - 1
			    ? now + 1
			    : now / TICK * TICK + TICK - 1;
			break;
		case BY_NEXT:
		case STRIDES:
			next = (uint64_t)rota_shard_next(s);
			if (polls && next <= now)
				fail("next does not move on", next);
			if (next > now && next > must_by(sorted[due]))
				fail("next is too late", sorted[due]);
			now = next > now ? next : now;
			break;
		}
		poll_at(s, now, &due);
		if (now > last && fires < items)
			fail("never fired", sorted[items - 1]);
		/* A timer costs a look on each level at most. */
		if (stride == BY_NEXT && ++polls > items * (WHEEL_LEVELS + 1))
			fail("more polls than looks", 0);
	}
}

/* Arm all of item[].when at once, from a clock at @start, and let them fire. */
static void
run(uint64_t start, enum stride stride)
{
	struct rota_config c = {
		.size = sizeof(c),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.start = (rota_time)start,
		.max_timers = MOST,
	};
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind k;
	int line;

	from = start;
	fires = poll_now = 0;
	if (!items || rota_engine_create(&e, &c))
		fail("create", 0);
	s = rota_engine_shard(e, 0);
	if (rota_shard_attach(s) ||
	    rota_kind_init(&k, s,
		&(struct rota_kind_config){
		    .fire = on_fire, .name = "exhaustive" }))
		fail("attach", 0);
	for (unsigned i = 0; i < items; i++) {
		if (rota_timer_init(&item[i].timer, &k) ||
		    rota_timer_reset_at(
			&item[i].timer, (rota_time)item[i].when))
			fail("arm", item[i].when);
		item[i].armed = true;
		sorted[i] = item[i].when;
	}
	qsort(sorted, items, sizeof(*sorted), by_value);
	line = rota_shard_check(s);
	if (line)
		fail("rota_shard_check", (uint64_t)line);
	walk(s, start, stride);
	line = rota_shard_check(s);
	if (line || rota_engine_destroy(e, ROTA_REFUSE))
		fail("the end", (uint64_t)line);
}

static void
add(uint64_t when)
{
	if (items == MOST || when >= ((UINT64_C(1) << 40) - 2) * TICK)
		return;
	item[items++].when = when;
}

/* Each tick of the @ticks after each of the @starts from @base. */
static void
complete(uint64_t base, uint64_t starts, uint64_t ticks, enum stride stride)
{
	for (uint64_t t = base; t < base + starts; t++) {
		items = 0;
		for (uint64_t o = 0; o < ticks; o++) {
			add((t + o) * TICK);
			add((t + o) * TICK + 1);
			add((t + o) * TICK + TICK - 1);
		}
		run(t * TICK + t % 3 * (TICK / 3), stride);
	}
}

/* From around every border of every level, to around every border. */
static void
borders(enum stride stride)
{
	for (unsigned level = 1; level < WHEEL_LEVELS; level++) {
		for (uint64_t digit = 1; digit < TURN; digit += TURN / 4) {
			uint64_t border = digit << level * WHEEL_BITS;

			for (uint64_t t = border - 2; t <= border + 2; t++) {
				items = 0;
				for (unsigned l = 0; l < WHEEL_LEVELS; l++)
					for (uint64_t o = 0; o < 5; o++)
						add((t +
							((uint64_t)1
							    << l * WHEEL_BITS) +
							o - 2) *
							TICK +
						    o);
				run(t * TICK, stride);
			}
		}
	}
}

int
main(void)
{
	/* Hostile: a level has 4 slots, three have 64 ticks. */
	uint64_t three = (uint64_t)1 << 3 * WHEEL_BITS, starts = 2 * TURN;
	uint64_t ticks = 2 * TURN, runs = 0;

	if (three <= 4096)
		starts = ticks = 2 * three;
	for (unsigned b = 0; b < 3; b++) {
		backend = (enum rota_backend)b;
		for (unsigned s = 0; s < STRIDES; s++) {
			complete(0, starts, ticks, (enum stride)s);
			/* Up to a border of the top level, and over it. */
			complete(((uint64_t)1 << 39) - TURN, 2 * TURN, ticks,
			    (enum stride)s);
			runs += starts + 2 * TURN;
		}
		borders(BY_NEXT);
	}
	printf("exhaustive: %u levels of %" PRIu64
	       " slots, every offset of %" PRIu64
	       " ticks from every one of %" PRIu64 ", %" PRIu64
	       " runs, all on time\n",
	    WHEEL_LEVELS, TURN, ticks, starts, runs);
	return 0;
}
