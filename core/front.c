/* SPDX-License-Identifier: MIT
 *
 * front.c - before the owner sleeps: is what comes up first due then?
 *
 * The first entry of a heap, and those of a wheel's next slot, may be of timers
 * that were stopped, or moved later, since they were filed. To wake for them is
 * to wake for nothing. So a thread that is about to sleep looks at them, up to
 * a bound, and files them where their timers' words say. Each look is one that
 * the wake would have cost.
 *
 * A wheel's slot is looked at once: then the earliest deadline in it is known,
 * and the owner sleeps until that, not until the slot begins.
 */
#include "core/objects.h"
#include "core/trace.h"

/* Looks of one park: of a heap some 300 us, of a wheel 100. */
#define FRONT_LOOKS 4096
/* A stale first entry of a heap is filed again together with those up to 8 ms
 * behind it: they are likely stale too, and their misses overlap. */
#define FRONT_AHEAD ((uint64_t)8 << WHEEL_TICK_BITS)

/* @t is looked at, whose entry comes up first. False: it was stopped, and is no
 * longer linked. @d gets its deadline. */
rota_inline bool
front_look(struct rota_shard *s, struct rota_timer *t, uint64_t *d)
{
	struct rota_kind *k = kind_known(t);
	uint64_t is = word_load(
	    &t->r_word, relaxed); /* a later place at most */

	if (rota_unlikely(!(is & ST_ARMED)) &&
	    !state_keep(&t->r_word, kind_plain(k), &is)) {
		object_filed(t, false);
		trace(s, k, t, ROTA_TRACE_DROP, is);
		count_add(&s->count.dropped, 1);
		return false;
	}
	*d = ST_DEADLINE(is);
	return true;
}

static rota_noinline void
heap_front(struct rota_shard *s)
{
	struct heap *h = &s->backend.heap;
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
		n = rota__shard_refile(s, when + FRONT_AHEAD, 0, left + 1);
		left -= n > left ? left : n;
	}
}

/* Look at all in @slot; *@first gets the earliest instant at which one of them
 * is due. False: more than *@left. */
rota_inline bool
slot_front(struct rota_shard *s, uint32_t slot, uint64_t *left, uint64_t *first,
    const enum rota_backend which)
{
	struct wheel *w = &s->backend.wheel;
	uint32_t chunk = wheel_head(&w->slot[slot]);
	uint32_t n = wheel_count(&w->slot[slot]);
	uint32_t level = slot / WHEEL_RING;
	uint64_t begin = wheel_chunk(w, chunk)->start;

	/* From the slot's last to its first: what takes the place of one that
	 * leaves was looked at before. */
	while (chunk != WHEEL_NONE) {
		uint32_t next = wheel_chunk(w, chunk)->next;
		uint32_t **item = wheel_pointers(w, chunk);

		while (n-- > 0) {
			struct rota_timer *t = timer_of(item[n]);
			struct rota_kind *k;
			uint64_t d, tick;

			if (!*left || object_lost(s, t))
				return false;
			--*left;
			k = kind_known(t);
			if (n >= WHEEL_AHEAD)
				rota_prefetch(item[n - WHEEL_AHEAD]);
			object_spare(s, t);
			if (!front_look(s, t, &d)) {
				wheel_remove(w, &t->r_place);
				continue;
			}
			tick = backend_tick(which, d, (uint64_t)k->slack);
			if (wheel_first(tick, level) != begin) {
				wheel_remove(w, &t->r_place);
				shard_note(k, t, d,
				    wheel_insert(w, &t->r_place, tick)
					<< WHEEL_TICK_BITS);
				trace(s, k, t, ROTA_TRACE_FILE,
				    word_load(&t->r_word, relaxed));
				count_add(&s->count.moves, 1);
				continue;
			}
			if (kind_plain(k)) /* as in shard_comes() */
				t->r_filed = d;
			if (which != ROTA_WHEEL)
				d = tick << WHEEL_TICK_BITS;
			if (d < *first)
				*first = d;
		}
		chunk = next;
		n = WHEEL_CHUNK;
	}
	return true;
}

/* The same for all slots that start at tick @at. */
rota_inline bool
slots_front(struct rota_shard *s, uint64_t at, uint64_t *left, uint64_t *first,
    const enum rota_backend which)
{
	const struct wheel *w = &s->backend.wheel;

	for (uint32_t level = 0; level < WHEEL_LEVELS &&
	     wheel_first(at, level) == at; level++)
		if (wheel_used(w, wheel_at(at, level)) &&
		    !slot_front(s, wheel_at(at, level), left, first, which))
			return false;
	return true;
}

/* When the first of the wheel is due, as far as looks reach. What is filed in a
 * slot may be due after what is in a later one. */
rota_inline uint64_t
wheel_front(struct rota_shard *s, const enum rota_backend which)
{
	struct wheel *w = &s->backend.wheel;
	uint64_t left = FRONT_LOOKS, first = UINT64_MAX, at = w->event;

	if (at == WHEEL_END)
		return first;
	if (at == s->fronted)
		return at << WHEEL_TICK_BITS;
	while (at != WHEEL_END && at << WHEEL_TICK_BITS < first) {
		if (!slots_front(s, at, &left, &first, which)) {
			if (at << WHEEL_TICK_BITS < first)
				first = at << WHEEL_TICK_BITS;
			break;
		}
		/* What was filed again may be in a slot before. */
		at = w->event < at ? w->event : rota__wheel_next(w, at + 1);
	}
	s->fronted = w->event;
	return first;
}

/* @t left the run or the heap of an exact wheel, to come up at @d. */
rota_inline void
late_again(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	struct rota_kind *k = kind_known(t);

	shard_note(k, t, d,
	    backend_insert(
		&s->backend, ROTA_WHEEL, &t->r_place, d, t->r_seq, 0));
	trace(s, k, t, ROTA_TRACE_FILE, word_load(&t->r_word, relaxed));
	count_add(&s->count.moves, 1);
}

/* What is late in an exact wheel, in its run or its heap, is before all in its
 * slots. */
static rota_noinline uint64_t
exact_front(struct rota_shard *s)
{
	struct run *r = &s->backend.run;
	struct heap *h = &s->backend.heap;
	uint64_t left = FRONT_LOOKS, first = UINT64_MAX, when, d;
	struct run_entry *e;
	struct rota_timer *t;

	for (; left > 0 && (e = run_first(r)); left--) {
		t = timer_of(e->item);
		when = run_when(r, e);
		if (object_lost(s, t) || !front_look(s, t, &d)) {
			run_take(r, e);
		} else if (d > when) {
			run_take(r, e);
			late_again(s, t, d);
		} else {
			break;
		}
	}
	for (; left > 0 && h->len; left--) {
		t = timer_of(*heap_item(h, heap_first(h)->id));
		when = heap_first(h)->when;
		if (object_lost(s, t) || !front_look(s, t, &d)) {
			heap_take(h, 0);
		} else if (d > when) {
			heap_take(h, 0);
			late_again(s, t, d);
		} else {
			break;
		}
	}
	if ((e = run_first(r)))
		first = run_when(r, e);
	if (h->len && heap_first(h)->when < first)
		first = heap_first(h)->when;
	return first < UINT64_MAX ? first : wheel_front(s, ROTA_WHEEL);
}

static rota_noinline uint64_t
coarse_front(struct rota_shard *s)
{
	return wheel_front(s, ROTA_WHEEL_COARSE);
}

rota_time
rota__shard_front(struct rota_shard *s)
{
	rota_time next = rota__shard_next(s);
	uint64_t first;

	if (next <= (rota_time)s->now || next == ROTA_NEVER || s->adoptable)
		return next;
	if (s->which == ROTA_HEAP) {
		heap_front(s);
		return rota__shard_next(s);
	}
	/* It is known by now. */
	if (s->quiet > s->backend.wheel.event << WHEEL_TICK_BITS)
		return next;
	first = s->which == ROTA_WHEEL ? exact_front(s) : coarse_front(s);
	return first <= SHARD_LAST ? (rota_time)first : ROTA_NEVER;
}
