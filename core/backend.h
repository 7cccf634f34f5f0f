/* SPDX-License-Identifier: MIT
 *
 * backend.h - the contract of heap and wheel, and the choice between them.
 *
 * A backend keeps items, each with a deadline, and brings up those that are
 * due. An item is the address of its 4-byte place, which the backend writes.
 *
 *   operation      does                                  heap     wheel
 *   backend_       insert an item that has no entry;     O(log4)  slot line,
 *     insert       rota__backend_grow() made room                 pointer line
 *   _try_insert    the same, if its slot has room; not   O(log4)  as insert
 *                  what the poll under way brings up
 *   _move_earlier  see that an item comes up by its      O(log4)  as remove +
 *                  deadline; an earlier key stays                 insert
 *                  these three tell the item's key
 *   _remove        remove an item                        O(log4)  four lines
 *   _defer         keep an item, in no order             O(1)     O(1)
 *   _undefer       take out a deferred item              O(1)     O(1)
 *   _next          no key is before this instant         O(1)     O(1)
 *   _visit         walk the items, in no order           O(1)     O(1)
 *
 * Equal deadlines come up in the order of seq, except from a coarse wheel.
 *
 * @backend is a constant at every call: each function is compiled three times
 * into its callers, and no pointer is called. A shard switches once per batch
 * or operation, with a literal in each case (core/shard.h).
 *
 * The exact wheel keeps the order of deadlines so: a slot that is due is
 * cascaded to a run and sorted. An item goes to the heap if it is armed for the
 * tick under way or the run has no room. The earlier of run and heap comes up
 * first. So the heap of a wheel is small and stays in the cache.
 */
#ifndef ROTA_CORE_BACKEND_H
#define ROTA_CORE_BACKEND_H

#include <rota/engine.h>

#include "core/sys/compiler.h"
#include "heap/heap.h"
#include "wheel/run.h"
#include "wheel/wheel.h"

struct queue {
	struct heap heap; /* all items, or what the run did not get */
	struct run run;   /* the tick under way, of an exact wheel */
	struct wheel wheel;
};

/* rota__backend_init - make an empty structure for up to @max items, at instant
 * @now. 0 or -1. */
int rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem);
void rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem);
/* rota__backend_grow - make room for @n items. 0 or -1. */
int rota__backend_grow(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem);
/* Giving memory back: as in heap/heap.h, for heap and wheel. A call of
 * rota__backend_shrink() frees one block, or slab, of each. */
struct backend_lower {
	struct lower heap, wheel;
};
void rota__backend_lower_begin(const struct queue *b, enum rota_backend backend,
    uint64_t n, struct backend_lower *l);
bool rota__backend_lower(struct queue *b, enum rota_backend backend,
    struct backend_lower *l, uint64_t *left);
void rota__backend_cut(
    struct queue *b, enum rota_backend backend, const struct backend_lower *l);
uint64_t rota__backend_shrink(struct queue *b, enum rota_backend backend,
    uint64_t n, const struct rota_mem *mem);
int rota__backend_check(const struct queue *b, enum rota_backend backend);

/* The last tick that a deadline can have. */
#define BACKEND_LAST_TICK (((uint64_t)1 << 40) - 1)

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

/* backend_later: does an item of deadline @d come up after @now, so in no poll
 * under way? */
rota_inline bool
backend_later(
    enum rota_backend backend, uint64_t d, uint64_t slack, uint64_t now)
{
	if (backend == ROTA_HEAP)
		return d > now;
	return backend_tick(backend, d, slack) > now >> WHEEL_TICK_BITS;
}

/* backend_try_insert: backend_insert() of an item that backend_later() is true
 * of, where that takes few instructions; *@when gets the key. False: not
 * done. */
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

/* backend_key: the instant at which @item comes up; 0 if it is deferred. */
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

/* backend_fetch: must the entry of @item move to come up by @d? If so fetch
 * what the move touches first. A guess is good enough: heaps say yes.
 * backend_fetch_on: when that has had time to arrive, fetch what the move
 * touches next. */
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

/* backend_defer: keep @item, which has no entry, until backend_undefer(). */
rota_inline void
backend_defer(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	if (backend == ROTA_WHEEL_COARSE)
		wheel_defer(&b->wheel, item);
	else
		heap_bag(&b->heap, item);
}

/* backend_undefer: take out and return a deferred item; NULL: there is none. A
 * coarse wheel hands its deferred items out as a slot: wheel_begin_later(). */
rota_inline uint32_t *
backend_undefer(struct queue *b, enum rota_backend backend)
{
	return backend == ROTA_WHEEL_COARSE ? NULL : heap_unbag(&b->heap);
}

/* backend_next: the earliest key; 0 if there is something to do now. */
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
backend_len(const struct queue *b)
{
	return (uint64_t)b->heap.len + b->heap.bag + b->wheel.len + b->run.live;
}

/* Cursor of a walk; zero at its start. */
struct backend_cursor {
	uint32_t heap, run, wheel;
};

/* backend_visit_step: the next item. NULL: a bounded step met none, or, if
 * *@end, there are no more. Before you remove the returned item call
 * backend_unvisit(): another item takes its place. */
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

/* backend_visit: the same, but NULL only at the end. */
rota_inline uint32_t *
backend_visit(const struct queue *b, struct backend_cursor *c)
{
	uint32_t *item;
	bool end;

	do
		item = backend_visit_step(b, c, &end);
	while (!item && !end);
	return item;
}

/* backend_visit_prefetch: fetch an item that a walk at @c returns some steps
 * from now. */
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
