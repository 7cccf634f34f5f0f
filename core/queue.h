/* SPDX-License-Identifier: MIT
 *
 * queue.h - the contract of core/backend.h, kept by heap and wheel.
 *
 * A heap shard has the heap alone. A coarse wheel has the wheel alone: a slot
 * that is due is emptied in no order. An exact wheel has all three: a slot that
 * is due is cascaded to the run and sorted. An item goes to the heap if it is
 * armed for the tick under way or the run has no room. The earlier of run and
 * heap comes up first. So the heap of a wheel is small and stays in the cache.
 *
 * What each backend_ function does: core/backend.h.
 *
 * Invariant  all in the run is before anything in the wheel.
 * Threads    the lock owner; rota__backend_grow() may run beside the others.
 */
#ifndef ROTA_CORE_QUEUE_H
#define ROTA_CORE_QUEUE_H

#include "core/due.h"
#include "heap/heap.h"
#include "wheel/run.h"
#include "wheel/wheel.h"

struct queue {
	struct heap heap; /* all items, or what the run did not get */
	struct run run;   /* the tick under way, of an exact wheel */
	struct wheel wheel;
};

/* The state of giving memory back. */
struct backend_lower {
	struct lower heap, wheel;
};

rota_inline void
backend_lower_ask(struct backend_lower *l,
    bool (*gone)(void *arg, const uint32_t *item), void *arg)
{
	l->heap.gone = l->wheel.gone = gone;
	l->heap.gone_arg = l->wheel.gone_arg = arg;
}

/* The last tick that a deadline can have, and the last instant before that. */
#define BACKEND_LAST_TICK (((uint64_t)1 << 40) - 1)
#define BACKEND_LAST ((BACKEND_LAST_TICK << WHEEL_TICK_BITS) - 1)

/* backend_tick: the tick at which an item of deadline @d comes up. Exact: the
 * tick that @d lies in. Coarse: the first tick that begins at or after @d, or
 * one up to @slack ns later if that spares the item cascades: a multiple of the
 * ticks of a slot on some level. */
rota_inline uint64_t
backend_tick(enum rota_backend backend, uint64_t d, uint64_t slack)
{
	uint64_t tick = d >> WHEEL_TICK_BITS;

	if (backend == ROTA_WHEEL_COARSE) {
		uint64_t spare = slack >> WHEEL_TICK_BITS, step = 1;

		tick += (d & (((uint64_t)1 << WHEEL_TICK_BITS) - 1)) != 0;
		while (step << WHEEL_BITS <= spare)
			step <<= WHEEL_BITS;
		tick = (tick + step - 1) & ~(step - 1);
		if (tick > BACKEND_LAST_TICK)
			tick = BACKEND_LAST_TICK;
	}
	return tick;
}

rota_inline uint64_t
backend_instant(enum rota_backend backend, uint64_t d, uint64_t slack)
{
	if (backend != ROTA_WHEEL_COARSE)
		return d;
	return backend_tick(backend, d, slack) << WHEEL_TICK_BITS;
}

rota_inline bool
backend_later(
    enum rota_backend backend, uint64_t d, uint64_t slack, uint64_t now)
{
	if (backend == ROTA_HEAP)
		return d > now;
	return backend_tick(backend, d, slack) > now >> WHEEL_TICK_BITS;
}

rota_inline bool
backend_try_insert(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack, uint64_t *when)
{
	uint64_t start;
	uint32_t slot;

	if (backend == ROTA_HEAP) {
		heap_insert(&b->heap, item, d, seq);
		*when = d;
		return true;
	}
	slot = wheel_slot_of(
	    &b->wheel, backend_tick(backend, d, slack), &start);
	if (rota_unlikely(wheel_at_chunk_edge(&b->wheel.slot[slot])))
		return false;
	wheel_put(&b->wheel, item, slot, start);
	*when = start << WHEEL_TICK_BITS;
	return true;
}

rota_inline uint64_t
backend_insert(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack)
{
	uint64_t tick = backend_tick(backend, d, slack);

	if (backend != ROTA_HEAP && rota_likely(tick > b->wheel.pos))
		return wheel_insert(&b->wheel, item, tick) << WHEEL_TICK_BITS;
	if (backend == ROTA_WHEEL_COARSE)
		return wheel_insert(&b->wheel, item, b->wheel.pos)
		    << WHEEL_TICK_BITS;
	heap_insert(&b->heap, item, d, seq);
	return d;
}

/* An item's place tells in which structure it is: an exact wheel has three. */
rota_inline bool
backend_in_heap(enum rota_backend backend, const uint32_t *item)
{
	return backend == ROTA_HEAP ||
	    (backend == ROTA_WHEEL && (*item & RUN_PLACE) == HEAP_PLACE);
}

rota_inline bool
backend_in_run(enum rota_backend backend, const uint32_t *item)
{
	return backend == ROTA_WHEEL && (*item & RUN_PLACE) == RUN_PLACE;
}

rota_inline void
backend_remove(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	if (backend_in_heap(backend, item))
		heap_remove(&b->heap, item);
	else if (backend_in_run(backend, item))
		run_remove(&b->run, item);
	else
		wheel_remove(&b->wheel, item);
}

rota_inline uint32_t *
backend_last(const struct queue *b, enum rota_backend backend, uint32_t *item)
{
	const struct wheel *w = &b->wheel;

	if (backend_in_heap(backend, item) || backend_in_run(backend, item))
		return item;
	return w->slot[wheel_chunk(w, *item >> WHEEL_CHUNK_BITS)->slot]
	    .fill[-1];
}

rota_inline void
backend_drop_last(struct queue *b, const uint32_t *item)
{
	struct wheel *w = &b->wheel;
	uint32_t slot = wheel_chunk(w, *item >> WHEEL_CHUNK_BITS)->slot;
	struct wheel_slot *in = &w->slot[slot];

	in->fill--;
	in->place--;
	w->len--;
	if (wheel_at_chunk_edge(in))
		wheel_close(w, slot);
}

rota_inline uint64_t
backend_key(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	if (backend_in_heap(backend, item)) {
		uint32_t i = heap_index(&b->heap, item);

		return i & HEAP_BAGGED ? 0 : heap_at(&b->heap, i)->when;
	}
	if (backend_in_run(backend, item))
		return run_when(&b->run, run_entry(&b->run, item));
	return wheel_key(&b->wheel, item) << WHEEL_TICK_BITS;
}

rota_inline uint64_t
backend_move_earlier(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack)
{
	if (backend_in_heap(backend, item)) {
		uint32_t i = heap_index(&b->heap, item);

		if (rota_unlikely(i & HEAP_BAGGED))
			return 0;
		if (heap_before(d, seq, heap_at(&b->heap, i)))
			heap_rekey(&b->heap, i, d, seq);
		else
			d = heap_at(&b->heap, i)->when;
		return d;
	}
	if (backend_in_run(backend, item)) {
		if (d >= backend_key(b, backend, item))
			return backend_key(b, backend, item);
		run_remove(&b->run, item);
	} else {
		if (wheel_key(&b->wheel, item) <=
		    backend_tick(backend, d, slack))
			return backend_key(b, backend, item);
		wheel_remove(&b->wheel, item);
	}
	return backend_insert(b, backend, item, d, seq, slack);
}

/* Where that takes few instructions: in a heap that stays in the cache. */
rota_inline bool
backend_try_rise(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq)
{
	if (backend != ROTA_HEAP || b->heap.len >= HEAP_SMALL)
		return false;
	heap_up(&b->heap, heap_index(&b->heap, item),
	    (struct heap_entry){ d, seq, *item & ~HEAP_PLACE });
	return true;
}

rota_inline void
backend_ready(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	if (backend != ROTA_HEAP)
		wheel_ready(&b->wheel, item);
}

/* A heap always says yes. */
rota_inline bool
backend_fetch(const struct queue *b, enum rota_backend backend,
    const uint32_t *item, uint64_t d, uint64_t slack)
{
	if (backend_in_heap(backend, item)) {
		rota_prefetch(heap_where(&b->heap, *item & ~HEAP_PLACE));
		return true;
	}
	if (backend_in_run(backend, item) ||
	    wheel_key(&b->wheel, item) <= backend_tick(backend, d, slack))
		return false;
	rota_prefetch(wheel_pointer(&b->wheel, *item));
	return true;
}

rota_inline void
backend_fetch_on(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	if (backend == ROTA_HEAP)
		rota_prefetch(heap_at(
		    &b->heap, heap_index(&b->heap, item) & ~HEAP_BAGGED));
}

rota_inline void
backend_defer(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	if (backend == ROTA_WHEEL_COARSE)
		wheel_defer(&b->wheel, item);
	else
		heap_bag(&b->heap, item);
}

/* A coarse wheel hands its deferred items out as a slot:
 * wheel_begin_later(). */
rota_inline uint32_t *
backend_undefer(struct queue *b, enum rota_backend backend)
{
	return backend == ROTA_WHEEL_COARSE ? NULL : heap_unbag(&b->heap);
}

rota_inline uint32_t
backend_deferred(const struct queue *b, enum rota_backend backend)
{
	return backend == ROTA_WHEEL_COARSE ? 0 : b->heap.bag;
}

/* The deferred items of a coarse wheel are a slot of their own. After it a slot
 * that is due has its turn. */
static rota_noinline void
queue_turn(struct queue *b, uint64_t now, struct backend_turn *turn)
{
	if (*turn->had_turn && b->wheel.next_expiry <= now >> WHEEL_TICK_BITS) {
		*turn->had_turn = turn->undeferred = false;
	} else {
		*turn->had_turn = true;
		wheel_begin_later(&b->wheel);
	}
}

rota_inline enum backend_due
queue_due_heap(const struct queue *b, uint64_t now, struct backend_entry *e)
{
	const struct heap_entry *first;

	if (!b->heap.len || (first = heap_first(&b->heap))->when > now)
		return BACKEND_DUE_NONE;
	*e = (struct backend_entry){ *heap_item(&b->heap, first->id),
		first->when, first->seq, true };
	return BACKEND_DUE_ENTRY;
}

/* The earlier of run and heap; but first the slots that start before both. */
rota_inline enum backend_due
queue_due_exact(struct queue *b, uint64_t now, struct backend_entry *e)
{
	const struct heap_entry *h = b->heap.len ? heap_first(&b->heap) : NULL;
	const struct run_entry *r;
	uint64_t upto = now;

	/* A poll ended in the middle of a cascade, an adopter began the next
	 * slot, or what was left of the slot was taken out meanwhile. */
	if (rota_unlikely(!b->run.sorted))
		return BACKEND_DUE_CASCADE;
	r = run_first(&b->run);
	if (r &&
	    (!h || heap_before(run_when(&b->run, r), run_seq(&b->run, r), h))) {
		*e = (struct backend_entry){ r->item, run_when(&b->run, r),
			run_seq(&b->run, r), false };
		return e->when > now ? BACKEND_DUE_NONE : BACKEND_DUE_ENTRY;
	}
	if (h && h->when < upto)
		upto = h->when;
	if (!r && wheel_begin(&b->wheel, upto >> WHEEL_TICK_BITS))
		return BACKEND_DUE_CASCADE;
	return queue_due_heap(b, now, e);
}

rota_inline enum backend_due
queue_due_coarse(struct queue *b, uint64_t now, struct backend_turn *turn,
    bool full, struct backend_entry *e)
{
	struct wheel *w = &b->wheel;

	if (!turn->undeferred && w->draining == WHEEL_NONE) {
		turn->undeferred = true;
		if (rota_unlikely(wheel_later(w)))
			queue_turn(b, now, turn);
	}
	if (!wheel_begin(w, now >> WHEEL_TICK_BITS))
		return BACKEND_DUE_NONE;
	if (!full)
		e->item = wheel_take(w); /* nothing is gained by waiting */
	e->in_heap = false;
	return BACKEND_DUE_ENTRY;
}

rota_inline enum backend_due
backend_due(struct queue *b, enum rota_backend backend, uint64_t now,
    struct backend_turn *turn, bool full, struct backend_entry *e)
{
	if (backend == ROTA_HEAP)
		return queue_due_heap(b, now, e);
	if (backend == ROTA_WHEEL)
		return queue_due_exact(b, now, e);
	return queue_due_coarse(b, now, turn, full, e);
}

rota_inline uint64_t
backend_before(enum rota_backend backend, const struct backend_entry *e,
    uint64_t now, uint32_t seq)
{
	if (backend == ROTA_WHEEL_COARSE)
		return now + 1;
	return e->when + !seq_before(e->seq, seq);
}

rota_inline bool
backend_dear(const struct queue *b)
{
	return b->heap.len > HEAP_DEAR;
}

rota_inline uint64_t
backend_cost(const struct queue *b)
{
	return 2 + (b->heap.len > 4 * HEAP_DEAR);
}

rota_inline void
backend_take(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, const bool in_heap)
{
	if (backend == ROTA_HEAP || in_heap)
		heap_take(&b->heap, 0);
	else if (backend == ROTA_WHEEL)
		run_take(&b->run, &b->run.entry[b->run.first]);
	(void)e;
}

rota_inline uint64_t
backend_refile(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, uint64_t d, uint32_t seq, uint64_t slack)
{
	if (backend == ROTA_HEAP) {
		heap_rekey(&b->heap, 0, d, seq);
		return d;
	}
	backend_take(b, backend, e, e->in_heap);
	return backend_insert(b, backend, e->item, d, seq, slack);
}

rota_inline bool
backend_rekeys(enum rota_backend backend)
{
	return backend == ROTA_HEAP;
}

rota_inline void
backend_advance(struct queue *b, enum rota_backend backend, uint64_t now)
{
	uint64_t tick = now >> WHEEL_TICK_BITS;

	/* A slot may start before its timers are due: core/park_until.c. */
	if (backend != ROTA_HEAP)
		wheel_advance(&b->wheel,
		    tick < b->wheel.next_expiry ? tick
						: b->wheel.next_expiry - 1);
}

rota_inline uint64_t
backend_next(struct queue *b, enum rota_backend backend)
{
	uint64_t next = UINT64_MAX;

	if (backend != ROTA_HEAP) {
		const struct run_entry *e = run_first(&b->run);

		if (b->wheel.draining != WHEEL_NONE ||
		    (backend == ROTA_WHEEL_COARSE && wheel_later(&b->wheel)) ||
		    (backend == ROTA_WHEEL && !b->run.sorted))
			return 0;
		if (b->wheel.next_expiry != WHEEL_END)
			next = b->wheel.next_expiry << WHEEL_TICK_BITS;
		if (e && run_when(&b->run, e) < next)
			next = run_when(&b->run, e);
	}
	if (rota_unlikely(b->heap.bag))
		return 0;
	if (b->heap.len && heap_first(&b->heap)->when < next)
		next = heap_first(&b->heap)->when;
	return next;
}

rota_inline uint64_t
backend_begins(const struct queue *b)
{
	return b->wheel.next_expiry << WHEEL_TICK_BITS;
}

rota_inline uint64_t
backend_len(const struct queue *b)
{
	return (uint64_t)b->heap.len + b->heap.bag + b->wheel.len + b->run.live;
}

/* Cursor of a walk; zero at its start. */
struct backend_cursor {
	uint32_t heap, run, wheel;
};

rota_inline uint32_t *
backend_visit_step(const struct queue *b, struct backend_cursor *c, bool *end)
{
	uint32_t *item = heap_visit(&b->heap, &c->heap);

	*end = false;
	if (!item)
		item = run_visit(&b->run, &c->run);
	if (!item && b->wheel.len)
		item = rota__wheel_visit(&b->wheel, &c->wheel);
	if (!item)
		*end = !b->wheel.len || wheel_visited(&b->wheel, c->wheel);
	return item;
}

rota_inline void
backend_visit_prefetch(const struct queue *b, const struct backend_cursor *c)
{
	if (c->heap < b->heap.len)
		heap_visit_prefetch(&b->heap, c->heap);
	else if (b->wheel.len)
		wheel_visit_prefetch(&b->wheel, c->wheel);
}

rota_inline void
backend_unvisit(struct backend_cursor *c, const uint32_t *item)
{
	switch (*item & RUN_PLACE) {
	case HEAP_PLACE:
		c->heap--;
		break;
	case RUN_PLACE:
		break;
	default:
		c->wheel--;
	}
}

#endif
