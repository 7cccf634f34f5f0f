/* SPDX-License-Identifier: MIT
 *
 * stat.c - the counts of a shard, which any thread may read at any time.
 *
 * Invariant  each count has one writer, or is added to atomically; a call in
 *            between may be in one count and not yet in another.
 * Threads    any.
 */
#include "core/lock_owner.h"
#include "core/misuse.h"

#include <errno.h>

/* Armed timers, with what calls that a retirement overtook have counted on the
 * former shard. Exact when no call is under way. */
static uint64_t
live_exact(struct rota_shard *s)
{
	uint64_t live = 0;

	if (word_load(&s->target, acquire)) /* rota__shard_pushed */
		return 0;
	for (struct rota_shard *f = s; f; f = shard_former(s, f))
		live += rota__shard_own_live(f);
	return (int64_t)live > 0 ? live : 0;
}

/* Postponements by the lock owner: of the @ranked sequence numbers that it
 * gave, those that went neither to starts nor to timers that it drained. If
 * more of these two have come since, the difference is too small: then the
 * largest that was told before. */
static uint64_t
told_pushes(struct rota_shard *s, uint64_t ranked)
{
	uint64_t traced = word_load(&s->told, relaxed); /* the CAS checks it */
	uint64_t n = ranked - word_load(&s->count.drained, relaxed) -
	    word_load(&s->hot.starts, relaxed); /* [F1]: as many, or more */

	while ((int64_t)(n - traced) > 0 &&
	    !word_cas(&s->told, &traced, n, relaxed, relaxed)) /* a figure */
		;
	return (int64_t)(n - traced) > 0 ? n : traced;
}

int
rota_shard_stat(struct rota_shard *s, struct rota_stats *out)
{
	struct shard_count *c;
	uint64_t ranked;
	bool unlock;

	if (!s)
		return -EINVAL;
	if (!out)
		return rota__misuse_once(s, MISUSE_STAT,
		    "rota_shard_stat(): shard %u: @out is NULL", s->index);
	if (shard_forked(s))
		return -ECHILD;
	if (shard_trylock(s, &unlock)) {
		shard_publish_entries(s);
		if (unlock)
			shard_unlock(s);
	}
	c = &s->count;
	ranked = word_load(&s->hot.seq, acquire); /* [F1] */
#define FIGURE(p) word_load((p), relaxed)         /* a snapshot */
	*out = (struct rota_stats){
		.starts = FIGURE(&s->hot.starts) + FIGURE(&s->starts),
		.pushes = told_pushes(s, ranked) + FIGURE(&s->pushes),
		.stops = FIGURE(&s->hot.stops) + FIGURE(&s->stops),
		.fires = FIGURE(&s->count.fires),
		.live = live_exact(s),
		.timers = FIGURE(&s->timers),
		.entries = FIGURE(&s->entries),
		.inserts = FIGURE(&c->inserts),
		.moves = FIGURE(&c->moves),
		.dropped = FIGURE(&c->dropped),
		.swept = FIGURE(&c->swept),
		.drained = FIGURE(&s->count.drained),
		.polls = FIGURE(&c->polls),
		.steps = FIGURE(&c->steps),
		.adopted = FIGURE(&s->adopted),
		.wakes = FIGURE(&s->wakes),
		.late_max = FIGURE(&c->late_max),
		.late_sum = FIGURE(&c->late_sum),
		.bytes = FIGURE(&s->bytes),
	};
#undef FIGURE
	out->zombies = out->entries > out->live ? out->entries - out->live : 0;
	return 0;
}
