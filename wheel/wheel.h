/* SPDX-License-Identifier: MIT
 *
 * wheel.h - hierarchical timing wheel of chunked slots.
 *
 *   level   slots   a slot holds        the level spans
 *     0      256    2^20 ns = 1.05 ms   268 ms
 *     1      256    268 ms              68.7 s
 *     2      256    68.7 s              4.9 h
 *     3      256    4.9 h               52 d
 *     4      256    52 d                36 y
 *
 * A tick t belongs on the level of the highest digit in which it differs
 * from pos, the tick the wheel has come to (Varghese and Lauck's hierarchy,
 * filed by xor as tokio and seastar do), in the slot that digit names. A
 * bitmap per level finds the next slot in use, so that a jump of a year costs
 * what a jump of a second costs.
 *
 * A slot is not a list of items but a chain of chunks of 64 pointers. A drain
 * therefore knows the next addresses and has their lines fetched ahead,
 * where a linked list would wait for each. An item's place is its chunk and
 * its index there; taking one out moves the slot's last pointer into the gap.
 * So all chunks of a slot but the head are full, which bounds the memory.
 *
 * Invariant  an item's slot begins at or before its tick; on level k > 0 its
 *            digit is above pos's, unless that slot is being drained; a bit
 *            is on exactly if the slot is not empty. rota__wheel_check().
 *
 * Threads    none of its own: one at a time. Only rota__wheel_grow() may run
 *            beside the others.
 */
#ifndef ROTA_WHEEL_WHEEL_H
#define ROTA_WHEEL_WHEEL_H

#include <stdbool.h>
#include <string.h>

#include "core/compiler.h"

/* 8 bits a level: the 4 KB of slots that a level has stay in the first-level
 * cache; 4-slot levels and chunks of 4 in the hostile build, where everything
 * cascades. */
#ifdef ROTA_HOSTILE
#define WHEEL_BITS 2
#define WHEEL_CHUNK_BITS 2
#define WHEEL_SLAB_BITS 2
#else
#define WHEEL_BITS 8
#define WHEEL_CHUNK_BITS 6
#define WHEEL_SLAB_BITS 7 /* 128 chunks of 512 bytes: 64 KB */
#endif
#define WHEEL_TICK_BITS 20 /* ns: 1.05 ms, below what epoll_wait sleeps */
#define WHEEL_LEVELS (40 / WHEEL_BITS) /* 60 bits of ns in all */
#define WHEEL_SLOTS ((uint32_t)1 << WHEEL_BITS)
#define WHEEL_DIGIT (WHEEL_SLOTS - 1)
#define WHEEL_CHUNK ((uint32_t)1 << WHEEL_CHUNK_BITS)
#define WHEEL_SLAB ((uint32_t)1 << WHEEL_SLAB_BITS)
#define WHEEL_WORDS ((WHEEL_SLOTS + 63) / 64)
#define WHEEL_NONE UINT32_MAX
#define WHEEL_END UINT64_MAX /* no tick: nothing is filed */
/* Two slots more, of no tick: one gets what is deferred until it is asked for,
 * the other may be drained meanwhile. */
#define WHEEL_LATER (WHEEL_LEVELS * WHEEL_SLOTS)

/* Items ahead that a drain fetches. Of 1e6 timers, 12 / 24 / 40: a coarse fire
 * takes 25.4, 20.6, 19.6 ns, an exact one 30.4, 25.2, 24.1; of fewer the same. */
#define WHEEL_AHEAD (WHEEL_CHUNK / 2)

_Static_assert(WHEEL_LEVELS *WHEEL_BITS == 40, "levels cover 60 bits of ns");

/* Where the next item goes. At the start of a chunk there is no room: the
 * chunk before it is full, or there is none. */
struct wheel_slot {
	uint32_t **fill; /* NULL: the slot is empty */
	uint32_t place;  /* the same as a place */
};

/* What is known of a chunk, apart from its pointers: stays in the cache. */
struct wheel_chunk {
	uint64_t start; /* first tick of its slot */
	uint32_t next;  /* next in its slot, or next free one */
	uint32_t slot;  /* level * WHEEL_SLOTS + digit; WHEEL_NONE: free */
};

struct wheel_slab {
	uint32_t **item; /* WHEEL_SLAB chunks, line-aligned */
	struct wheel_chunk *chunk;
};

struct wheel {
	uint64_t pos;      /* tick: all before it were drained */
	uint64_t event;    /* tick to drain next; WHEEL_END */
	uint32_t draining; /* slot under way, or WHEEL_NONE */
	uint32_t len;
	uint32_t free_chunk;
	uint32_t fresh_chunk; /* chunks from here on were never used */
	uint32_t later; /* WHEEL_LATER or the next: what gets the deferred */
	uint64_t used[WHEEL_LEVELS + 1][WHEEL_WORDS];
	struct wheel_slot slot[WHEEL_LATER + 2];
	struct wheel_slab *slab;
	uint32_t slabs;     /* grown so far; written by rota__wheel_grow() */
	uint32_t max_slabs; /* length of the table */
};

/* rota__wheel_init - an empty wheel for up to @max items, come to @pos. */
int rota__wheel_init(
    struct wheel *w, uint64_t max, uint64_t pos, const struct rota_mem *mem);
void rota__wheel_destroy(struct wheel *w, const struct rota_mem *mem);
/* rota__wheel_grow - see that @n items fit. 0, or -1 and nothing changed that
 * matters. One thread at a time; may run beside everything else. */
int rota__wheel_grow(struct wheel *w, uint64_t n, const struct rota_mem *mem);
/* rota__wheel_event - the next tick with something to drain, asked from the
 * bitmaps. */
uint64_t rota__wheel_event(const struct wheel *w);
/* rota__wheel_check - 0, or the line of the check that failed. */
int rota__wheel_check(const struct wheel *w);

rota_inline struct wheel_chunk *
wheel_chunk(const struct wheel *w, uint32_t chunk)
{
	return &w->slab[chunk >> WHEEL_SLAB_BITS]
		    .chunk[chunk & (WHEEL_SLAB - 1)];
}

/* The pointer at @place: a chunk, and an index there. */
rota_inline uint32_t **
wheel_pointer(const struct wheel *w, uint32_t place)
{
	uint32_t slab = place >> (WHEEL_CHUNK_BITS + WHEEL_SLAB_BITS);

	return &w->slab[slab].item[place & (WHEEL_SLAB * WHEEL_CHUNK - 1)];
}

/* The first pointer of @chunk. */
rota_inline uint32_t **
wheel_pointers(const struct wheel *w, uint32_t chunk)
{
	return wheel_pointer(w, chunk << WHEEL_CHUNK_BITS);
}

/* wheel_level: the level of the highest digit in which @tick and @pos
 * differ. */
rota_inline uint32_t
wheel_level(uint64_t pos, uint64_t tick)
{
	return high_bit((pos ^ tick) | 1) / WHEEL_BITS;
}

/* wheel_start: the first tick of a slot. Above pos's digit, or being drained:
 * the digits higher up are pos's. What is deferred is looked at next: 0. */
rota_inline uint64_t
wheel_start(const struct wheel *w, uint32_t slot)
{
	uint32_t shift = slot / WHEEL_SLOTS * WHEEL_BITS;
	uint64_t higher = ~(uint64_t)0 << shift << WHEEL_BITS;

	if (rota_unlikely(slot >= WHEEL_LATER))
		return 0;
	return (w->pos & higher) | (uint64_t)(slot & WHEEL_DIGIT) << shift;
}

rota_inline void
wheel_mark(struct wheel *w, uint32_t slot)
{
	uint32_t digit = slot & WHEEL_DIGIT;

	w->used[slot / WHEEL_SLOTS][digit >> 6] |= (uint64_t)1 << (digit & 63);
}

rota_inline void
wheel_unmark(struct wheel *w, uint32_t slot)
{
	uint32_t digit = slot & WHEEL_DIGIT;

	w->used[slot / WHEEL_SLOTS][digit >> 6] &= ~(
	    (uint64_t)1 << (digit & 63));
}

/* Is @s without room for one more? */
rota_inline bool
wheel_full(const struct wheel_slot *s)
{
	return (s->place & (WHEEL_CHUNK - 1)) == 0;
}

/* The chunk that @s, which is not empty, fills; how many pointers are in it. */
rota_inline uint32_t
wheel_head(const struct wheel_slot *s)
{
	return (s->place - 1) >> WHEEL_CHUNK_BITS;
}

rota_inline uint32_t
wheel_count(const struct wheel_slot *s)
{
	return ((s->place - 1) & (WHEEL_CHUNK - 1)) + 1;
}

/* wheel_open: a new head chunk for @slot, which has no room. */
static rota_noinline void
wheel_open(struct wheel *w, uint32_t slot)
{
	struct wheel_slot *s = &w->slot[slot];
	uint32_t chunk = w->free_chunk, before = WHEEL_NONE;

	if (chunk == WHEEL_NONE)
		chunk = w->fresh_chunk++;
	else
		w->free_chunk = wheel_chunk(w, chunk)->next;
	if (!s->fill)
		wheel_mark(w, slot);
	else
		before = wheel_head(s);
	*wheel_chunk(w, chunk) = (struct wheel_chunk){ wheel_start(w, slot),
		before, slot };
	*s = (struct wheel_slot){ wheel_pointers(w, chunk),
		chunk << WHEEL_CHUNK_BITS };
}

/* wheel_close: the head chunk of @slot is empty; back to the free ones. */
static rota_noinline void
wheel_close(struct wheel *w, uint32_t slot)
{
	struct wheel_slot *s = &w->slot[slot];
	uint32_t chunk = s->place >> WHEEL_CHUNK_BITS;
	struct wheel_chunk *c = wheel_chunk(w, chunk);
	uint32_t before = c->next;

	*c = (struct wheel_chunk){ 0, w->free_chunk, WHEEL_NONE };
	w->free_chunk = chunk;
	if (before != WHEEL_NONE) {
		*s = (struct wheel_slot){ wheel_pointers(w, before) +
			    WHEEL_CHUNK,
			(before + 1) << WHEEL_CHUNK_BITS };
		return;
	}
	*s = (struct wheel_slot){ NULL, 0 };
	wheel_unmark(w, slot);
	if (w->draining == slot)
		w->draining = WHEEL_NONE;
	else if (wheel_start(w, slot) != w->event)
		return;
	w->event = rota__wheel_event(w);
}

/* wheel_slot_of: where @tick, at or after pos, is filed; *@start gets the
 * first tick of that slot. */
rota_inline uint32_t
wheel_slot_of(const struct wheel *w, uint64_t tick, uint64_t *start)
{
	uint32_t level = wheel_level(w->pos, tick);
	uint32_t shift = level * WHEEL_BITS;

	*start = tick >> shift << shift;
	return level * WHEEL_SLOTS + ((uint32_t)(tick >> shift) & WHEEL_DIGIT);
}

/* wheel_put: @item goes into @slot, which has room. */
rota_inline void
wheel_put(struct wheel *w, uint32_t *item, uint32_t slot, uint64_t start)
{
	struct wheel_slot *s = &w->slot[slot];

	*item = s->place++;
	*s->fill++ = item;
	w->len++;
	if (rota_unlikely(start < w->event) && w->draining == WHEEL_NONE)
		w->event = start;
}

/* wheel_insert: file @item at @tick, at or after pos. Room was made by
 * rota__wheel_grow(). Returns the first tick of its slot, when it is looked
 * at. */
rota_inline uint64_t
wheel_insert(struct wheel *w, uint32_t *item, uint64_t tick)
{
	uint64_t start;
	uint32_t slot = wheel_slot_of(w, tick, &start);

	if (rota_unlikely(wheel_full(&w->slot[slot])))
		wheel_open(w, slot);
	wheel_put(w, item, slot, start);
	return start;
}

/* wheel_defer: @item is to be looked at after wheel_begin_later(). */
rota_inline void
wheel_defer(struct wheel *w, uint32_t *item)
{
	struct wheel_slot *s = &w->slot[w->later];

	if (rota_unlikely(wheel_full(s)))
		wheel_open(w, w->later);
	*item = s->place++;
	*s->fill++ = item;
	w->len++;
}

/* wheel_later: is anything deferred? */
rota_inline bool
wheel_later(const struct wheel *w)
{
	return w->slot[w->later].fill != NULL;
}

/* wheel_begin_later: begin to drain what was deferred until now, if no slot is
 * being drained. False: one is, or nothing was deferred. */
rota_inline bool
wheel_begin_later(struct wheel *w)
{
	if (w->draining != WHEEL_NONE || !wheel_later(w))
		return false;
	w->draining = w->later;
	w->later ^= 1; /* WHEEL_LATER is even */
	return true;
}

/* wheel_ready: @item was inserted; if its chunk is a slot's second or later
 * one, and new, more will come: fetch all of it. */
rota_inline void
wheel_ready(const struct wheel *w, const uint32_t *item)
{
	uint32_t chunk = *item >> WHEEL_CHUNK_BITS;

	if (wheel_chunk(w, chunk)->next == WHEEL_NONE)
		return;
	for (uint32_t i = 0; i < WHEEL_CHUNK;
	     i += ROTA_LINE / sizeof(uint32_t *))
		rota_prefetch(wheel_pointers(w, chunk) + i);
}

/* wheel_remove: take @item out; the slot's last pointer fills the gap. */
rota_inline void
wheel_remove(struct wheel *w, uint32_t *item)
{
	uint32_t place = *item;
	uint32_t chunk = place >> WHEEL_CHUNK_BITS;
	uint32_t slot = wheel_chunk(w, chunk)->slot;
	struct wheel_slot *s = &w->slot[slot];
	uint32_t *last = *--s->fill;

	s->place--;
	*wheel_pointer(w, place) = last;
	*last = place;
	w->len--;
	if (rota_unlikely(wheel_full(s)))
		wheel_close(w, slot);
}

/* wheel_filed: the tick at which @item is looked at. */
rota_inline uint64_t
wheel_filed(const struct wheel *w, const uint32_t *item)
{
	return wheel_chunk(w, *item >> WHEEL_CHUNK_BITS)->start;
}

/* wheel_due: the slot that starts at the event; of all that do, the one on
 * the lowest level in use. */
rota_inline uint32_t
wheel_due(const struct wheel *w)
{
	for (uint32_t level = 0;; level++) {
		uint32_t d = (uint32_t)(w->event >> level * WHEEL_BITS) &
		    WHEEL_DIGIT;

		if (w->used[level][d >> 6] >> (d & 63) & 1)
			return level * WHEEL_SLOTS + d;
	}
}

/* wheel_ahead: fetch the item that a drain of @s, whose last item is out but
 * whose head is still open, comes to WHEEL_AHEAD pulls from now. */
rota_inline void
wheel_ahead(const struct wheel *w, const struct wheel_slot *s)
{
	uint32_t i = s->place & (WHEEL_CHUNK - 1), chunk;

	if (rota_likely(i >= WHEEL_AHEAD)) {
		rota_prefetch(s->fill[-(int)WHEEL_AHEAD]);
		return;
	}
	chunk = wheel_chunk(w, s->place >> WHEEL_CHUNK_BITS)->next;
	i += WHEEL_CHUNK;
	if (chunk != WHEEL_NONE && i >= WHEEL_AHEAD)
		rota_prefetch(wheel_pointers(w, chunk)[i - WHEEL_AHEAD]);
}

/* wheel_come: to @tick; nothing is to be drained until then. */
rota_inline void
wheel_come(struct wheel *w, uint64_t tick)
{
	if (w->pos < tick)
		w->pos = tick;
}

/* wheel_begin: begin to drain the next slot, if it starts at or before @tick
 * and none is being drained; else come to @tick. False: nothing to drain. */
rota_inline bool
wheel_begin(struct wheel *w, uint64_t tick)
{
	struct wheel_slot *s;
	uint32_t n;

	if (w->draining != WHEEL_NONE)
		return true;
	if (w->event > tick) {
		wheel_come(w, tick);
		return false;
	}
	w->draining = wheel_due(w);
	w->pos = w->event;
	s = &w->slot[w->draining];
	n = wheel_count(s) < WHEEL_AHEAD ? wheel_count(s) : WHEEL_AHEAD;
	for (uint32_t i = 1; i <= n; i++)
		rota_prefetch(s->fill[-(int)i]);
	return true;
}

/* wheel_take: an item of the slot being drained, which ends with its last. */
rota_inline uint32_t *
wheel_take(struct wheel *w)
{
	struct wheel_slot *s = &w->slot[w->draining];
	uint32_t *item = *--s->fill;

	s->place--;
	wheel_ahead(w, s);
	w->len--;
	if (rota_unlikely(wheel_full(s)))
		wheel_close(w, w->draining);
	return item;
}

/* wheel_take_many: up to @most items, at least one, of the slot being drained;
 * to be worked on from the last in @out, which has room for a chunk, to the
 * first. Fetches what the next call will return first. */
rota_inline uint32_t
wheel_take_many(struct wheel *w, uint32_t **out, uint64_t most)
{
	struct wheel_slot *s = &w->slot[w->draining];
	uint32_t n = wheel_count(s) < most ? wheel_count(s) : (uint32_t)most;
	uint32_t next = wheel_chunk(w, wheel_head(s))->next;

	s->fill -= n;
	s->place -= n;
	w->len -= n;
	memcpy(out, s->fill, n * sizeof(*out));
	if (next != WHEEL_NONE)
		for (uint32_t i = WHEEL_CHUNK;
		     i > 0 && i + WHEEL_AHEAD > WHEEL_CHUNK; i--)
			rota_prefetch(wheel_pointers(w, next)[i - 1]);
	if (wheel_full(s))
		wheel_close(w, w->draining);
	return n;
}

/* rota__wheel_visit - any item at or after *@cursor, a place, which moves on
 * past it; NULL at the end. To remove what was returned step *@cursor back
 * by one: another item took its place. In no order. */
uint32_t *rota__wheel_visit(const struct wheel *w, uint32_t *cursor);

/* wheel_visit_ahead: fetch the item that a walk at @cursor comes to 16 steps
 * ahead. What stands behind the last item of a chunk is stale, and harmless. */
rota_inline void
wheel_visit_ahead(const struct wheel *w, uint32_t cursor)
{
	uint32_t place = cursor + 16;

	if (place >> WHEEL_CHUNK_BITS < w->fresh_chunk)
		rota_prefetch(*wheel_pointer(w, place));
}

#endif
