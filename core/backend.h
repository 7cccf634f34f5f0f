/* SPDX-License-Identifier: MIT
 *
 * backend.h - the contract of heap and wheel, and the choice between them.
 *
 * A backend keeps items, each with a deadline, and brings up those that are
 * due. An item is the address of its 4-byte place, which the backend writes.
 *
 *   operation   does                                    heap     wheel
 *   backend_    file an item; it was not filed;         O(log4)  slot line,
 *     insert    room was made by rota__backend_grow              pointer line
 *   _put        the same, if its slot has room; not     O(log4)  as insert
 *               what a poll under way would look at
 *   _file_by    see that an item is looked at by its    O(log4)  as remove +
 *               deadline; what is filed earlier stays            insert
 *               both return when it will be looked at
 *   _remove     take an item out                        O(log4)  four lines
 *   _defer      keep an item, in no order, until        O(1)     O(1)
 *   _undefer    this gives it back
 *   _next       no deadline is before this instant      O(1)     O(1)
 *   _visit      walk the items, in no order             O(1)     O(1)
 *
 * Equal deadlines come up in the order of seq, except from a coarse wheel.
 *
 * @which is a constant at every call: each function is compiled three times
 * into its callers and no pointer is called. A shard switches once per batch
 * or operation, with a literal in each case (core/shard.h).
 *
 * The exact wheel keeps its order so: a slot that comes due is poured into a
 * run and sorted; what is armed for the tick under way, or has no room in the
 * run, goes to the heap; the earlier of the two comes up first. So the heap of
 * a wheel is small and stays in the cache.
 */
#ifndef ROTA_CORE_BACKEND_H
#define ROTA_CORE_BACKEND_H

#include <rota/engine.h>

#include "core/sys/compiler.h"
#include "heap/heap.h"
#include "wheel/run.h"
#include "wheel/wheel.h"

struct queue {
	struct heap heap; /* all of it, or what is late to an exact wheel */
	struct run run;   /* the tick under way of an exact wheel */
	struct wheel wheel;
};

/* rota__backend_init - for up to @max items, at instant @now. 0 or -1. */
int rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem);
void rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem);
/* rota__backend_grow - see that @n items fit. 0 or -1. */
int rota__backend_grow(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem);
/* Giving memory back: as in heap/heap.h, for all that there is. rota__backend_
 * shrink gives back one block, or slab, of each. */
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

/* backend_tick: the tick at which a deadline is looked at. Exact: the one it
 * lies in. Coarse: the first that begins at or after it, or one up to @slack
 * ns later if that spares the item its moves down: a multiple of the ticks
 * of a slot on some level. */
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

/* backend_later: is @d looked at after @now, so by no poll under way? */
rota_inline bool
backend_later(
    enum rota_backend backend, uint64_t d, uint64_t slack, uint64_t now)
{
	if (backend == ROTA_HEAP)
		return d > now;
	return backend_tick(backend, d, slack) > now >> WHEEL_TICK_BITS;
}

/* backend_try_insert: backend_insert() of what is looked at later, where it takes few
 * instructions; *@when gets the instant. False: not done. */
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

/* Where an item is, told by its place: an exact wheel has three rooms. */
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

/* backend_key: when @item is looked at; what is deferred at once: 0. */
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

/* backend_fetch: is @item's entry to be moved to be looked at by @d? If so
 * what that will touch first is fetched. A guess is good enough: heaps say
 * yes. backend_fetch_on, once that has had time to arrive: what will be
 * touched next. */
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

/* backend_defer: @item, which is not filed, is kept until backend_undefer(). */
rota_inline void
backend_defer(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	if (backend == ROTA_WHEEL_COARSE)
		wheel_defer(&b->wheel, item);
	else
		heap_bag(&b->heap, item);
}

/* backend_undefer: a deferred item that is filed no more; NULL: there is none.
 * A coarse wheel gives them out as a slot instead: wheel_begin_later(). */
rota_inline uint32_t *
backend_undefer(struct queue *b, enum rota_backend backend)
{
	return backend == ROTA_WHEEL_COARSE ? NULL : heap_unbag(&b->heap);
}

/* backend_next: 0 if something is to be looked at now. */
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

/* backend_visit_step: the next item. NULL: none was met in a bounded step, or,
 * if *@end, there are no more. Before removing what was returned call
 * backend_unvisit(): another takes its place. */
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

/* backend_visit_prefetch: fetch what a walk at @c returns some steps from now. */
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
