/* SPDX-License-Identifier: MIT
 *
 * park_walk.h - what the owner examines before it sleeps: a part of the
 * contract of core/backend.h.
 *
 * Threads    the owner, of a shard that may not be adopted.
 */
#ifndef ROTA_CORE_PARK_WALK_H
#define ROTA_CORE_PARK_WALK_H

#include "core/zombie.h"

/* Entries that one park examines: some 300 us of a heap, 100 us of a wheel. */
#define FRONT_LOOKS 4096

/* What a walk may do, and what it has found. */
struct front {
	uint64_t looks;  /* so many entries more */
	uint64_t least;  /* no timer has less slack than this */
	uint64_t first;  /* no timer is due before this */
	uint64_t latest; /* no timer is later than its slack before this */
};

/* rota__park_first - take zombies out, and give stale entries later keys, until
 * the first entry in order is neither; or FRONT_LOOKS entries were examined.
 * For a structure in order; a wheel is left to rota__park_walk(). */
void rota__park_first(struct rota_shard *s);
/* rota__park_walk - examine the entries that may change the answer, f->looks of
 * them at most, and report to @f what is found, and where the walk ended. On
 * the way zombies are taken out, and stale entries get later keys. */
void rota__park_walk(struct rota_shard *s, struct front *f);
/* front_counts: may an entry that comes up at @when, or behind that, change the
 * answer? */
rota_inline bool
front_counts(const struct front *f, uint64_t when)
{
	return when + f->least < f->latest;
}

/* An entry comes up at @when, and may do so as late as @latest. */
rota_inline void
front_found(struct front *f, uint64_t when, uint64_t latest)
{
	if (when < f->first)
		f->first = when;
	if (latest < f->latest)
		f->latest = latest;
}

/* front_rest: the walk ends here. What was not examined comes up at @when or
 * behind that, and may be anything. */
rota_inline void
front_rest(const struct rota_shard *s, struct front *f, uint64_t when)
{
	if (when < s->idle_until)
		when = s->idle_until;
	front_found(
	    f, when, s->backend == ROTA_WHEEL_COARSE ? when : when + f->least);
}

/* front_look: examine @t, whose entry comes up first. *@d gets its deadline.
 * False: it was stopped, and is no longer LINKED. */
rota_inline bool
front_look(struct rota_shard *s, struct rota_timer *t, uint64_t *d)
{
	struct rota_kind *k = kind_unchecked(t);
	uint64_t is = word_load(&t->r_word, relaxed); /* a later key at most */

	if (rota_unlikely(!(is & ST_ARMED)) &&
	    !state_keep(&t->r_word, kind_confined(k), &is)) {
		drop_zombie(s, k, t, is);
		return false;
	}
	*d = ST_DEADLINE(is);
	return true;
}

#endif
