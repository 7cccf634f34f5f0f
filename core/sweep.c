/* SPDX-License-Identifier: MIT
 *
 * sweep.c - what polls do when nothing is due: take zombies out of the
 * structure once they are many, and give memory back.
 *
 * Invariant  once zombies are too many, each poll does a part of a sweep, until
 *            the sweep has seen all entries.
 * Threads    the lock owner, at the end of a poll.
 */
#include "core/steps.h"
#include "core/zombie.h"

/* A sweep begins when zombies are more than half of the entries, and more than
 * this many (arbitrary: fewer are not worth a walk). In Go 1.23 it is a
 * quarter; why that is expensive here: docs/decisions/0006. */
#define SWEEP_LEAST 64
/* Steps of one poll's sweep, whatever the budget: some 20 us of a wheel, 50 of
 * a heap. Sweeping does not hurry: the room that zombies take was made when
 * their timers were initialised. */
#define SWEEP_SLICE 512

/* Begin a sweep, if it is worth its while: there are @entries, and @live timers
 * are armed. */
rota_inline bool
sweep_begins(struct rota_shard *s, uint64_t entries, uint64_t live)
{
	if (entries <= live || entries - live <= entries / 2 ||
	    entries - live <= SWEEP_LEAST)
		return false;
	s->chores |= SHARD_SWEEPS;
	s->sweep = (struct backend_cursor){ 0 };
	return true;
}

/* There is a chore. True: it is a sweep, maybe one that begins now. False:
 * memory has gone back, or there is no more to give. */
static rota_noinline bool
chore(struct poll *p, uint64_t entries, uint64_t live)
{
	struct rota_shard *s = p->s;

	if (s->chores & SHARD_SWEEPS || sweep_begins(s, entries, live))
		return true;
	if (no_more(p)) /* there is more urgent work */
		return false;
	count_add(&s->count.steps, rota__shard_trim(s, p->budget));
	if (!shard_trims(s))
		s->chores &= ~(unsigned)SHARD_TRIMS;
	return false;
}

void
rota__sweep(struct poll *p)
{
	struct rota_shard *s = p->s;
	uint64_t entries = backend_len(&s->queue);
	uint64_t live = rota__shard_live(s);
	uint64_t most = p->budget < SWEEP_SLICE ? p->budget : SWEEP_SLICE;
	uint64_t left = most;
	uint32_t *item;
	bool end;

	if (rota_likely(!s->chores)) {
		if (!sweep_begins(s, entries, live))
			return;
	} else if (!chore(p, entries, live)) {
		return;
	}
	for (; left; left--) {
		struct rota_timer *t;
		uint64_t is;

		backend_visit_prefetch(&s->queue, &s->sweep);
		item = backend_visit_step(&s->queue, &s->sweep, &end);
		if (end) {
			s->chores &= ~(unsigned)SHARD_SWEEPS;
			p->walked = true;
			break;
		}
		if (!item)
			continue;
		t = timer_of(item);
		if (object_lost(s, t) ||
		    state_keep(
			&t->r_word, kind_confined(kind_unchecked(t)), &is))
			continue;
		if (rota_unlikely(backend_dear(&s->queue)) && left > 2)
			left -= 2;
		sweep_zombie(s, &s->sweep, t, is);
	}
	count_add(&s->count.steps, most - left);
	word_store(&s->entries, backend_len(&s->queue), relaxed);
}
