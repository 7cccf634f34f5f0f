/* SPDX-License-Identifier: MIT
 *
 * cascade.c - entries go down the wheel.
 *
 * What a slot of the exact wheel holds goes to the run when the slot starts, or
 * down the wheel. What an upper slot of either wheel holds goes down before the
 * slot starts (docs/decisions/0012).
 *
 * Invariant  a slot of the exact wheel is empty before anything behind its
 *            start comes up.
 * Threads    the lock owner, in a poll.
 */
#include "core/enqueue.h"

/* Enqueue @t, which came out of the slot that is drained. */
rota_inline void
cascade_one(struct rota_shard *s, struct rota_timer *t)
{
	struct wheel *w = &s->queue.wheel;
	struct run *r = &s->queue.run;
	struct rota_kind *k;
	uint64_t d;

	if (!keep(s, t, &d))
		return;
	k = kind_unchecked(t);
	if (d >> WHEEL_TICK_BITS > w->pos) {
		shard_set_key(k, t, d,
		    wheel_insert(w, &t->r_place, d >> WHEEL_TICK_BITS)
			<< WHEEL_TICK_BITS);
		return;
	}
	shard_set_key(k, t, d, d);
	if (d < r->start || !run_add(r, &t->r_place, d, t->r_seq))
		heap_insert(&s->queue.heap, &t->r_place, d, t->r_seq);
}

/* Entries that are sorted in one step. Of 16,384 of one instant, in no order,
 * eight take 270 ns. */
#define SORT_STEP 8

/* Sort the run. To sort all of it at once is cheapest; where the poll's budget
 * does not allow for that, the entries go to the heap one by one. False: no
 * steps are left. */
static rota_noinline bool
run_ready(struct poll *p)
{
	struct queue *b = &p->s->queue;
	uint64_t cost = b->run.end / SORT_STEP, when;
	uint32_t *item, seq;

	if (cost <= p->budget) {
		if (cost > p->left)
			return false;
		p->left -= cost;
		rota__run_sort(&b->run);
		return true;
	}
	while (p->left) {
		item = run_uncollect(&b->run, &when, &seq);
		if (!item)
			return true;
		spend(p, true); /* it goes all the way up */
		heap_insert(&b->heap, item, when, seq);
	}
	return false;
}

rota_noinline bool
rota__cascade(struct poll *p)
{
	struct rota_shard *s = p->s;
	struct wheel *w = &s->queue.wheel;
	struct run *r = &s->queue.run;
	uint32_t *item[WHEEL_CHUNK];

	if (r->sorted)
		run_open(r, w->pos << WHEEL_TICK_BITS, (uint32_t)s->hot.seq);
	while (w->draining != WHEEL_NONE || w->next_expiry == w->pos) {
		uint32_t n;

		if (!p->left)
			return false;
		if (w->draining == WHEEL_NONE)
			wheel_begin(w, w->pos);
		n = wheel_take_many(w, w->draining, item, p->left);
		p->left -= n;
		while (n-- > 0) {
			if (n >= WHEEL_PREFETCH)
				rota_prefetch(item[n - WHEEL_PREFETCH]);
			cascade_one(s, timer_of(item[n]));
		}
	}
	return run_ready(p);
}

/* Enqueue @t, which came out of the slot of @level that starts next, at tick
 * @start: below that level, unless @t is due behind that slot by now. */
rota_inline void
cascade_early_one(struct rota_shard *s, struct rota_timer *t, uint32_t level,
    uint64_t start, const enum rota_backend backend)
{
	struct rota_kind *k;
	uint64_t d, tick, when;

	if (!keep(s, t, &d))
		return;
	k = kind_unchecked(t);
	tick = backend_tick(backend, d, (uint64_t)k->slack);
	if (rota_likely(wheel_first(tick, level) == start))
		when = wheel_insert_at(
			   &s->queue.wheel, &t->r_place, tick, level - 1)
		    << WHEEL_TICK_BITS;
	else /* @t was reset: for later, or for earlier and is in the inbox */
		when = backend_insert(&s->queue, backend, &t->r_place, d,
		    t->r_seq, (uint64_t)k->slack);
	shard_set_key(k, t, d, when);
}

/* Cascade slots above the lowest level before they start. Then they hold little
 * when they start, and what is due waits for no slot that holds much. False: no
 * steps are left. */
rota_inline bool
cascade_early(struct poll *p, const enum rota_backend backend)
{
	struct wheel *w = &p->s->queue.wheel;
	uint32_t *item[WHEEL_CHUNK], level = 0, slot;
	uint64_t n;

	while ((n = rota__wheel_early(w, &level, &slot))) {
		uint64_t start =
		    wheel_chunk(w, wheel_head(&w->slot[slot]))->start;

		while (n > 0 && wheel_used(w, slot)) {
			uint32_t most;

			if (!p->left)
				return false;
			most = wheel_take_many(
			    w, slot, item, n < p->left ? n : p->left);
			n -= most;
			p->left -= most;
			while (most-- > 0) {
				if (most >= WHEEL_PREFETCH)
					rota_prefetch(
					    item[most - WHEEL_PREFETCH]);
				cascade_early_one(p->s, timer_of(item[most]),
				    level, start, backend);
			}
		}
	}
	w->led = w->pos;
	return true;
}

rota_noinline void
rota__cascade_early(struct poll *p)
{
	struct rota_shard *s = p->s;
	bool done = s->backend == ROTA_WHEEL
	    ? cascade_early(p, ROTA_WHEEL)
	    : cascade_early(p, ROTA_WHEEL_COARSE);

	/* A poll that comes late has more to do than its budget allows for: the
	 * next one goes on, though no tick has passed. */
	s->early_from = done
	    ? rota__wheel_early_from(&s->queue.wheel) << WHEEL_TICK_BITS
	    : 0;
}
