/* SPDX-License-Identifier: MIT
 *
 * park_until.c - the owner is about to sleep: until when may it?
 *
 * Until the first timer would be later than its slack: the earliest sum of
 * deadline and slack of all armed timers. So one wake serves the deadlines of
 * many. To find that instant a walk examines the entries that come up before
 * it, and stops where even a timer of the least slack could not change the
 * answer: where all kinds have the same slack, after the first entry. The
 * entries that one park examines are bounded, and those of all parks by the
 * time that passes. Where the walk ends, the owner does not sleep past the
 * entries that were not examined. The walk itself is core/park_walk.c.
 *
 * Invariant  no timer that is armed when the walk begins is later than its
 *            slack because of the sleep.
 * Threads    the owner, of a shard that may not be adopted.
 */
#include "core/park_walk.h"

/* ns. One entry may be examined in so much time, and up to those of one park at
 * once: some 1 % of a processor at most. */
#define FRONT_PACE 4096

/* Walk, with as many entries to examine as there are by now. */
static void
walk_paced(struct rota_shard *s, struct front *f)
{
	uint64_t had;

	if (s->owed < s->now)
		s->owed = s->now;
	had = f->looks - (s->owed - s->now) / FRONT_PACE;
	f->looks = had;
	rota__park_walk(s, f);
	s->owed += (had - f->looks) * FRONT_PACE;
}

rota_inline rota_time
front_answer(uint64_t at)
{
	return at <= SHARD_LAST ? (rota_time)at : ROTA_NEVER;
}

/* Something is due at @first, and may be as late as @latest. Where that is
 * behind the last instant, but before never: the last. */
rota_inline rota_time
front_latest(uint64_t first, uint64_t latest)
{
	return front_answer(
	    first <= SHARD_LAST && latest > SHARD_LAST && latest < ST_NEVER
		? SHARD_LAST
		: latest);
}

rota_time
rota__shard_front(struct rota_shard *s, rota_time *first)
{
	rota_time next = *first = rota__shard_next(s);
	struct front f = {
		.looks = FRONT_LOOKS, .first = UINT64_MAX, .latest = UINT64_MAX
	};
	bool slack = word_load(&s->slack_most, relaxed) != 0;

	if (next <= (rota_time)s->now || next == ROTA_NEVER || s->adoptable)
		return next;
	if (s->backend == ROTA_HEAP) {
		rota__park_first(s);
		next = *first = rota__shard_next(s);
		if (!slack || next == ROTA_NEVER)
			return next;
	} else if (!slack && s->idle_until == s->fronted &&
	    s->idle_stops == shard_stops(s) &&
	    s->idle_until > backend_begins(&s->queue)) {
		return next; /* nothing came before it, and none was stopped */
	}
	if (slack) {
		f.least = word_load(&s->slack_least, relaxed);
		/* A tick may have spent the slack. Then only equal slacks keep
		 * the order of the ticks. */
		if (s->backend == ROTA_WHEEL_COARSE &&
		    f.least != word_load(&s->slack_most, relaxed))
			f.least = 0;
	}
	walk_paced(s, &f);
	/* The walk may have moved the first entry of a heap. */
	*first = s->backend == ROTA_HEAP ? rota__shard_next(s)
					 : front_answer(f.first);
	s->fronted = f.first;
	return front_latest(f.first, f.latest);
}
