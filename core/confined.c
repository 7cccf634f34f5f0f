/* SPDX-License-Identifier: MIT
 *
 * confined.c - the slow half of api/rota/inline.h: the entry of a confined
 * timer has to be made, or to get an earlier key.
 *
 * Invariant  that of core/confined.h.
 * Threads    the owner.
 */
#include "core/confined.h"

_Static_assert(ROTA_WORD_ARMED == ST_ARMED && ROTA_WORD_LINKED == ST_LINKED &&
	ROTA_WORD_FLAGS == ST_FLAGS,
    "api/rota/inline.h knows the bits of the word");

/* owner_reset() of a confined timer that is staged in any case. */
static rota_noinline int
stage_reset(struct rota_timer *t, uint64_t d, struct rota_shard *s)
{
	uint64_t old = t->r_word;

	if (rota_unlikely(old & (ST_QUEUED | ST_RELEASE)))
		return owner_reset(s, t, d, false, true, NULL);
	t->r_word = d << ST_SHIFT | ST_ARMED | ST_QUEUED | (old & ST_LINKED);
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	s->staging[s->staging_len++] = t;
	if (rota_unlikely(s->staging_len == SHARD_STAGE || sleeps_beyond(s, d)))
		return rota__armed_rarely(s, t, d, (int)(old & ST_ARMED));
	return (int)(old & ST_ARMED);
}

/* The end of a reset that has enqueued a confined timer, whose entry comes
 * up at @when: a reset and a drain in one, since no other thread reads the
 * word. */
rota_inline int
enqueued(struct rota_shard *s, struct rota_timer *t, uint64_t d, uint64_t when)
{
	uint64_t old = t->r_word;

	t->r_word = d << ST_SHIFT | ST_ARMED | ST_LINKED;
	t->r_key = when < d ? when : d;
	object_linked(t, true);
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	if (rota_unlikely(when < s->heed))
		return rota__filed_first(s, t, d, (int)(old & ST_ARMED));
	return (int)(old & ST_ARMED);
}

/* fresh_reset() into a slot that needs another chunk. backend_ready() fetches
 * the chunk here, and not wherever a chunk is opened: 1e6 timers armed in turn
 * went from 13.0 to 8.4 ns each, but moves, which open and close chunks at
 * random, would pay 4 ns. */
static rota_noinline int
fresh_chunk(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	uint64_t when = d;

	SHARD_SWITCH(s,
	    when = backend_insert(&s->queue, BACKEND, &t->r_place, d,
		(uint32_t)s->hot.seq + 1, (uint64_t)k->slack));
	backend_ready(&s->queue, s->backend, &t->r_place);
	count_add(&s->count.inserts, 1);
	return enqueued(s, t, d, when);
}

/* Reset a timer that has no entry and is not staged: enqueueing it touches of
 * it only what the caller has touched. A timer that may be due is staged, for
 * the next poll. */
rota_inline int
fresh_reset(struct rota_timer *t, uint64_t d, struct rota_shard *s,
    struct rota_kind *k, const enum rota_backend backend)
{
	uint64_t slack = backend == ROTA_WHEEL_COARSE ? (uint64_t)k->slack : 0;
	uint64_t when;

	if (rota_unlikely(!backend_later(backend, d, slack, s->now)))
		return stage_reset(t, d, s);
	if (rota_unlikely(!backend_try_insert(&s->queue, backend, &t->r_place,
		d, (uint32_t)s->hot.seq + 1, slack, &when)))
		return fresh_chunk(t, d, s, k);
	count_add(&s->count.inserts, 1);
	return enqueued(s, t, d, when);
}

static rota_noinline int
fresh_heap(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return fresh_reset(t, d, s, k, ROTA_HEAP);
}

/* Reset a timer to before the key of its entry, where that takes few
 * instructions. */
static rota_noinline int
rise(struct rota_timer *t, uint64_t d, struct rota_shard *s)
{
	if (rota_unlikely(d <= s->now) ||
	    !backend_try_rise(
		&s->queue, ROTA_HEAP, &t->r_place, d, (uint32_t)s->hot.seq + 1))
		return stage_reset(t, d, s);
	count_add(&s->count.moves, 1);
	return enqueued(s, t, d, d);
}

static rota_noinline int
fresh_coarse(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return fresh_reset(t, d, s, k, ROTA_WHEEL_COARSE);
}

/* owner_reset() of a timer whose entry rota/inline.h could not leave where it
 * is. Each way is a function of its own: few registers to save. */
int
rota_timer_reset_unfiled(
    struct rota_timer *t, rota_time when, struct rota_kind *k)
{
	struct rota_shard *s = rota_container_of(
	    k->r_hot, struct rota_shard, hot);

	if (s->backend == ROTA_HEAP &&
	    (t->r_word & ST_FLAGS & ~ST_ARMED) == ST_LINKED)
		return rise(t, (uint64_t)when, s);
	if (t->r_word & ST_FLAGS)
		return stage_reset(t, (uint64_t)when, s);
	if (s->backend == ROTA_WHEEL)
		return fresh_reset(t, (uint64_t)when, s, k, ROTA_WHEEL);
	if (s->backend == ROTA_HEAP)
		return fresh_heap(t, (uint64_t)when, s, k);
	return fresh_coarse(t, (uint64_t)when, s, k);
}
