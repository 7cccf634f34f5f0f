/* SPDX-License-Identifier: MIT
 *
 * park_walk.c - the walk through heap and wheel before the owner sleeps.
 *
 * The walk goes by an entry's key, not by its timer's deadline. A timer that is
 * armed for an instant not before the key keeps its entry, and wakes no thread.
 *
 * The first entry of a heap, and those of a wheel's next slot, may be zombies,
 * or stale. To wake for them is to wake for nothing. So the walk drops zombies
 * and moves stale entries, up to a bound. Each entry examined is one that the
 * wake would have examined.
 *
 * Of a wheel's slot that was examined the earliest deadline is known, and the
 * owner sleeps until that, not until the slot begins.
 *
 * A coarse wheel has spent slack on the tick of an entry already. The entry may
 * come up as late as that tick, or as its deadline and slack, if that is later:
 * not at both together.
 *
 * Invariant  an entry gets a later key here, never an earlier one.
 * Threads    the owner, of a shard that may not be adopted.
 */
#include "core/park_walk.h"

/* Entries of a heap that are passed by count as one examined: they are adjacent
 * in memory. */
#define FRONT_PASS 4
/* A stale first entry of a heap is moved together with those up to 8 ms behind
 * it: these are likely stale too, and their cache misses overlap. */
#define FRONT_AHEAD ((uint64_t)8 << WHEEL_TICK_BITS)

void
rota__park_first(struct rota_shard *s)
{
	struct heap *h = &s->queue.heap;
	uint64_t left = FRONT_LOOKS, d;

	while (left > 0 && h->len) {
		struct rota_timer *t = timer_of(
		    *heap_item(h, heap_first(h)->id));
		uint64_t when = heap_first(h)->when, n;

		left--;
		if (object_lost(s, t) || !front_look(s, t, &d)) {
			heap_take(h, 0);
			continue;
		}
		if (d <= when)
			return;
		n = rota__shard_rekey_due(s, when + FRONT_AHEAD, 0, left + 1);
		left -= n > left ? left : n;
	}
}

/* The entry of @t, of deadline @d, comes up at @when now. */
rota_inline void
walk_refiled(
    struct rota_shard *s, struct rota_timer *t, uint64_t d, uint64_t when)
{
	struct rota_kind *k = kind_unchecked(t);

	shard_set_key(k, t, d, when);
	trace(s, k, t, ROTA_TRACE_FILE, word_load(&t->r_word, relaxed));
	count_add(&s->count.moves, 1);
}

/* @t, whose entry was taken out, gets one that comes up for @d. */
rota_inline void
walk_refile(struct rota_shard *s, struct rota_timer *t, uint64_t d,
    const enum rota_backend backend)
{
	uint64_t slack = (uint64_t)kind_unchecked(t)->slack;

	walk_refiled(s, t, d,
	    backend_insert(
		&s->queue, backend, &t->r_place, d, t->r_seq, slack));
}

/* The end of the level of a heap that index @i is on. */
rota_inline uint32_t
level_end(uint32_t i)
{
	uint32_t end = 1;

	while (end <= i)
		end = 4 * end + 1;
	return end;
}

/* Take the entry at @i out. Returns where the walk goes on: the last entry,
 * which takes the place, may have risen above it. */
rota_inline uint32_t
walk_take(struct heap *h, uint32_t i)
{
	uint32_t last = heap_at(h, h->len - 1)->id, at;

	heap_take(h, i);
	if (i == h->len)
		return i;
	at = *heap_where(h, last);
	return at < i ? at : i;
}

/* The walk ends at @i: each entry from there on is one of these, or below
 * one. */
rota_inline void
walk_rest(struct rota_shard *s, struct front *f, uint32_t i)
{
	const struct heap *h = &s->queue.heap;

	for (uint32_t k = i; k <= 4 * i && k < h->len; k++)
		front_rest(s, f, heap_at(h, k)->when);
}

/* Examine the entries of the heap that count, level by level, until none on a
 * level does. */
static rota_noinline void
heap_walk(
    struct rota_shard *s, struct front *f, const enum rota_backend backend)
{
	struct heap *h = &s->queue.heap;
	uint32_t i = 0, end = 1, pass = 0;
	bool any = false;

	while (i < h->len) {
		const struct heap_entry *e = heap_at(h, i);
		struct rota_timer *t;
		uint64_t when = e->when, d;

		if (i == end) {
			if (!any)
				return;
			any = false;
			end = level_end(i);
		}
		if (!f->looks) {
			walk_rest(s, f, i);
			return;
		}
		if (!front_counts(f, when)) {
			i++;
			f->looks -= ++pass % FRONT_PASS == 0;
			continue;
		}
		f->looks--;
		any = true;
		heap_visit_prefetch(h, i);
		t = timer_of(*heap_item(h, e->id));
		if (object_lost(s, t) || !front_look(s, t, &d)) {
			i = walk_take(h, i);
			end = level_end(i);
		} else if (d <= when) {
			front_found(
			    f, when, kind_latest(kind_unchecked(t), when));
			i++;
		} else if (backend == ROTA_HEAP) {
			heap_rekey(h, i, d, t->r_seq);
			walk_refiled(s, t, d, d);
		} else {
			/* It may go into the heap again, before @i. */
			front_found(f, d, kind_latest(kind_unchecked(t), d));
			i = walk_take(h, i);
			end = level_end(i);
			walk_refile(s, t, d, ROTA_WHEEL);
		}
	}
}

/* The same of the run, which is sorted. */
rota_inline void
run_walk(struct rota_shard *s, struct front *f)
{
	struct run *r = &s->queue.run;

	for (uint32_t i = r->first; r->live && i < r->end; i++) {
		struct run_entry *e = &r->entry[i];
		uint64_t when = run_when(r, e), d;
		struct rota_timer *t;

		if (!e->item)
			continue;
		if (!front_counts(f, when))
			return;
		if (!f->looks) {
			front_rest(s, f, when);
			return;
		}
		f->looks--;
		t = timer_of(e->item);
		d = 0;
		if (!object_lost(s, t) && front_look(s, t, &d) && d <= when) {
			front_found(
			    f, when, kind_latest(kind_unchecked(t), when));
			continue;
		}
		e->item = NULL; /* as run_remove(), but it may be lost */
		r->live--;
		if (d > when)
			walk_refile(s, t, d, ROTA_WHEEL);
	}
}

/* Examine all entries in @slot. False: there are more than may be examined. */
rota_inline bool
slot_walk(struct rota_shard *s, struct front *f, uint32_t slot,
    const enum rota_backend backend)
{
	struct wheel *w = &s->queue.wheel;
	uint32_t chunk = wheel_head(&w->slot[slot]);
	uint32_t n = wheel_count(&w->slot[slot]);
	uint32_t level = slot / WHEEL_RING;
	uint64_t begin = wheel_chunk(w, chunk)->start;

	/* From the slot's last entry to its first: the one that takes the place
	 * of an entry taken out was examined before. */
	while (chunk != WHEEL_NONE) {
		uint32_t next = wheel_chunk(w, chunk)->next;
		uint32_t **item = wheel_pointers(w, chunk);

		while (n-- > 0) {
			struct rota_timer *t = timer_of(item[n]);
			struct rota_kind *k;
			uint64_t d, tick, when, latest;

			if (!f->looks || object_lost(s, t))
				return false;
			f->looks--;
			k = kind_unchecked(t);
			if (n >= WHEEL_PREFETCH)
				rota_prefetch(item[n - WHEEL_PREFETCH]);
			object_spare(s, t);
			if (!front_look(s, t, &d)) {
				wheel_remove(w, &t->r_place);
				continue;
			}
			tick = backend_tick(backend, d, (uint64_t)k->slack);
			latest = kind_latest(k, d);
			when = backend == ROTA_WHEEL ? d
						     : tick << WHEEL_TICK_BITS;
			front_found(f, when, when < latest ? latest : when);
			if (wheel_first(tick, level) == begin) {
				/* As in rota__shard_came(). */
				if (kind_confined(k))
					t->r_key = d;
				continue;
			}
			wheel_remove(w, &t->r_place);
			/* @d may be before the wheel's tick: a reset to there
			 * may be on its way. */
			walk_refile(s, t, d, backend);
		}
		chunk = next;
		n = WHEEL_CHUNK;
	}
	return true;
}

/* Examine all slots that start at tick @at. */
rota_inline bool
slots_walk(struct rota_shard *s, struct front *f, uint64_t at,
    const enum rota_backend backend)
{
	const struct wheel *w = &s->queue.wheel;

	for (uint32_t level = 0;
	     level < WHEEL_LEVELS && wheel_first(at, level) == at; level++)
		if (wheel_used(w, wheel_at(at, level)) &&
		    !slot_walk(s, f, wheel_at(at, level), backend))
			return false;
	return true;
}

/* Examine the entries of the wheel that count, by the starts of slots. An entry
 * in a slot may be due after one in a later slot. */
rota_inline void
wheel_walk(
    struct rota_shard *s, struct front *f, const enum rota_backend backend)
{
	struct wheel *w = &s->queue.wheel;
	uint64_t at = w->next_expiry;

	while (at != WHEEL_END) {
		uint64_t start = at << WHEEL_TICK_BITS;

		if (!front_counts(f, start))
			break;
		if (!slots_walk(s, f, at, backend)) {
			front_rest(s, f, start);
			break;
		}
		at = rota__wheel_next(w, at + 1);
	}
}

static rota_noinline void
exact_walk(struct rota_shard *s, struct front *f)
{
	if (s->queue.run.sorted)
		run_walk(s, f);
	heap_walk(s, f, ROTA_WHEEL);
	wheel_walk(s, f, ROTA_WHEEL);
}

static rota_noinline void
coarse_walk(struct rota_shard *s, struct front *f)
{
	wheel_walk(s, f, ROTA_WHEEL_COARSE);
}

void
rota__park_walk(struct rota_shard *s, struct front *f)
{
	switch (s->backend) {
	case ROTA_HEAP:
		heap_walk(s, f, ROTA_HEAP);
		break;
	case ROTA_WHEEL:
		exact_walk(s, f);
		break;
	case ROTA_WHEEL_COARSE:
		coarse_walk(s, f);
		break;
	}
}
