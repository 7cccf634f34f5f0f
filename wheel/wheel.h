/* SPDX-License-Identifier: MIT
 *
 * wheel.h - hierarchical timing wheel of chunked slots.
 *
 *   level   a slot spans        256 of them
 *     0     2^20 ns = 1.05 ms   268 ms
 *     1     268 ms              68.7 s
 *     2     68.7 s              4.9 h
 *     3     4.9 h               52 d
 *     4     52 d                36 y
 *
 * An item of tick t goes on the level of the highest digit, of 8 bits, in which
 * t differs from pos, the tick that the wheel has come to (Varghese and Lauck's
 * hierarchy, with the xor of tokio and seastar). The slots of a level are a
 * ring of 512: 256 for those items, and 256 more, into which the next slot of
 * the level above fits. If that slot is large it is cascaded early: evenly
 * before it starts, as far as the steps of polls allow: rota__wheel_early(). A
 * bitmap per level finds the next slot in use, so a jump of a year costs what a
 * jump of a second costs.
 *
 * A slot is a chain of chunks of 64 pointers, not a list of items. The loop
 * that empties it therefore knows the next addresses and fetches their lines,
 * where a linked list would wait for each line. An item's place is its chunk
 * and its index there. Removing an item moves the slot's last pointer into the
 * gap. So all chunks of a slot but the head are full, which bounds the memory.
 *
 * Invariant  an item's slot starts at or before the item's tick, and at or
 *            after pos, less than a ring ahead; a bit is on exactly if its slot
 *            is not empty. rota__wheel_check() checks both.
 *
 * Threads    one at a time; the wheel has no lock. Only rota__wheel_grow() may
 *            run beside the others, but not beside rota__wheel_shrink().
 */
#ifndef ROTA_WHEEL_WHEEL_H
#define ROTA_WHEEL_WHEEL_H

#include <stdbool.h>
#include <string.h>

#include "core/sys/compiler.h"
#include "core/sys/numbers.h"

/* 8 bits a level: the slots of a level take 8 KB and stay in the first-level
 * cache. The hostile build, where everything cascades, has rings of 8 slots and
 * chunks of 4 items. */
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
#define WHEEL_SPAN ((uint32_t)1 << WHEEL_BITS)
#define WHEEL_RING (2 * WHEEL_SPAN) /* slots of a level */
#define WHEEL_DIGIT (WHEEL_RING - 1)
#define WHEEL_CHUNK ((uint32_t)1 << WHEEL_CHUNK_BITS)
#define WHEEL_SLAB ((uint32_t)1 << WHEEL_SLAB_BITS)
#define WHEEL_WORDS ((WHEEL_RING + 63) / 64)
#define WHEEL_NONE UINT32_MAX
#define WHEEL_END UINT64_MAX /* no tick: the wheel is empty */
/* Two more slots, of no tick: one takes deferred items, the other may be
 * emptied meanwhile. */
#define WHEEL_LATER (WHEEL_LEVELS * WHEEL_RING)
#define WHEEL_SLOTS (WHEEL_LATER + 2)

/* Chunks that a slot must have to be cascaded early: 1024 items take some 50
 * us, or up to 100 if they are cold. */
#define WHEEL_EARLY_CHUNKS 16

/* How many items ahead the loop that empties a slot fetches. With 1e6 timers
 * and 12 / 24 / 40 items ahead a coarse fire takes 25.4, 20.6, 19.6 ns, an
 * exact one 30.4, 25.2, 24.1. With fewer timers the three are equal. */
#define WHEEL_PREFETCH (WHEEL_CHUNK / 2)

_Static_assert(WHEEL_LEVELS *WHEEL_BITS == 40, "levels cover 60 bits of ns");
_Static_assert(WHEEL_WORDS <= 8, "a byte has a bit for each");

/* Where the next item of a slot goes. At the start of a chunk there is no room:
 * the chunk before it is full, or there is none. */
struct wheel_slot {
	uint32_t **fill; /* the next pointer; NULL: the slot is empty */
	uint32_t place;  /* the same, as a place */
	uint32_t chunks;
};

/* The rest of a chunk, apart from its pointers so that it stays in the
 * cache. */
struct wheel_chunk {
	uint64_t start; /* first tick of its slot */
	uint32_t next;  /* next in its slot, or next free one */
	uint32_t slot;  /* level * WHEEL_RING + digit; WHEEL_NONE: free */
};

struct wheel_slab {
	uint32_t **item; /* WHEEL_SLAB chunks, line-aligned */
	struct wheel_chunk *chunk;
};

struct wheel {
	uint64_t pos;         /* tick: all slots before it were emptied */
	uint64_t next_expiry; /* tick: the next start of a slot; WHEEL_END */
	uint64_t led;         /* pos at the latest early cascade */
	uint32_t draining;    /* slot that is being emptied, or WHEEL_NONE */
	uint32_t len;
	uint32_t free_chunk;
	uint32_t fresh_chunk; /* chunks from here on were never used */
	uint32_t later; /* slot for deferred items: WHEEL_LATER or the next */
	uint64_t used[WHEEL_LEVELS + 1][WHEEL_WORDS];
	uint8_t words[WHEEL_LEVELS + 1]; /* a bit for each that is not zero */
	struct wheel_slot slot[WHEEL_SLOTS];
	struct wheel_slab *slab;
	uint32_t slabs;     /* in the table; written by rota__wheel_grow() and
			     * rota__wheel_shrink() */
	uint32_t max_slabs; /* length of the table */
};

/* rota__wheel_init - make an empty wheel for up to @max items, which has come
 * to tick @pos. 0 or -ENOMEM. */
int rota__wheel_init(
    struct wheel *w, uint64_t max, uint64_t pos, const struct rota_mem *mem);
void rota__wheel_destroy(struct wheel *w, const struct rota_mem *mem);
/* rota__wheel_grow - make room for @n items. 0, or -ENOMEM: the wheel works as
 * before. One thread at a time, beside any other call except
 * rota__wheel_shrink(). */
int rota__wheel_grow(struct wheel *w, uint64_t n, const struct rota_mem *mem);
/* As rota__heap_lower() and its like, with chunks in place of ids. Moving a
 * chunk counts as many steps as a chunk may have items. */
void rota__wheel_lower_begin(
    const struct wheel *w, uint64_t n, struct lower *l);
bool rota__wheel_lower(struct wheel *w, struct lower *l, uint64_t *left);
void rota__wheel_cut(struct wheel *w, const struct lower *l);
uint64_t rota__wheel_shrink(
    struct wheel *w, uint64_t n, const struct rota_mem *mem);
/* rota__wheel_next - the first tick at or after @from at which a slot in use
 * starts; WHEEL_END: none. Found in the bitmaps. @from is not before pos. */
uint64_t rota__wheel_next(const struct wheel *w, uint64_t from);
/* rota__wheel_early - how many items to cascade early now. *@level moves up to
 * the next level, above 0, that has a slot to cascade; *@slot gets that slot.
 * Returns 0 if there is no such level. The next slot of each level, if it is
 * large, is cascaded evenly while pos comes to it: the number follows from the
 * ticks since `led`. */
uint64_t rota__wheel_early(
    const struct wheel *w, uint32_t *level, uint32_t *slot);
/* rota__wheel_early_from - the tick from which there may be more to cascade
 * early. */
uint64_t rota__wheel_early_from(const struct wheel *w);
/* rota__wheel_check - 0, or the line of the check that failed. */
int rota__wheel_check(const struct wheel *w);

rota_inline struct wheel_chunk *
wheel_chunk(const struct wheel *w, uint32_t chunk)
{
	return &w->slab[chunk >> WHEEL_SLAB_BITS]
		    .chunk[chunk & (WHEEL_SLAB - 1)];
}

/* wheel_pointer: the pointer at @place, which is a chunk and an index there. */
rota_inline uint32_t **
wheel_pointer(const struct wheel *w, uint32_t place)
{
	uint32_t slab = place >> (WHEEL_CHUNK_BITS + WHEEL_SLAB_BITS);

	return &w->slab[slab].item[place & (WHEEL_SLAB * WHEEL_CHUNK - 1)];
}

/* wheel_pointers: the first pointer of @chunk. */
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

/* wheel_at: the slot of @level that @tick lies in. */
rota_inline uint32_t
wheel_at(uint64_t tick, uint32_t level)
{
	return level * WHEEL_RING +
	    ((uint32_t)(tick >> level * WHEEL_BITS) & WHEEL_DIGIT);
}

/* wheel_first: the first tick of that same slot. */
rota_inline uint64_t
wheel_first(uint64_t tick, uint32_t level)
{
	return tick >> level * WHEEL_BITS << level * WHEEL_BITS;
}

rota_inline bool
wheel_used(const struct wheel *w, uint32_t slot)
{
	return w->slot[slot].fill != NULL;
}

rota_inline void
wheel_mark(struct wheel *w, uint32_t slot)
{
	uint32_t level = slot / WHEEL_RING, digit = slot & WHEEL_DIGIT;

	w->used[level][digit >> 6] |= (uint64_t)1 << (digit & 63);
	w->words[level] |= (uint8_t)(1 << (digit >> 6));
}

rota_inline void
wheel_unmark(struct wheel *w, uint32_t slot)
{
	uint32_t level = slot / WHEEL_RING, digit = slot & WHEEL_DIGIT;

	w->used[level][digit >> 6] &= ~((uint64_t)1 << (digit & 63));
	if (!w->used[level][digit >> 6])
		w->words[level] &= (uint8_t) ~(1 << (digit >> 6));
}

/* wheel_at_chunk_edge: has @s no room for another item? */
rota_inline bool
wheel_at_chunk_edge(const struct wheel_slot *s)
{
	return (s->place & (WHEEL_CHUNK - 1)) == 0;
}

/* wheel_head: the chunk that @s, which is not empty, is filling. wheel_count:
 * how many pointers that chunk has. */
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

/* wheel_open: give @slot, which has no room and starts at @start, a new head
 * chunk. */
static rota_noinline void
wheel_open(struct wheel *w, uint32_t slot, uint64_t start)
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
	*wheel_chunk(w, chunk) = (struct wheel_chunk){ start, before, slot };
	*s = (struct wheel_slot){ wheel_pointers(w, chunk),
		chunk << WHEEL_CHUNK_BITS, s->chunks + 1 };
}

/* wheel_close: free the head chunk of @slot, which is empty. */
static rota_noinline void
wheel_close(struct wheel *w, uint32_t slot)
{
	struct wheel_slot *s = &w->slot[slot];
	uint32_t chunk = s->place >> WHEEL_CHUNK_BITS;
	struct wheel_chunk *c = wheel_chunk(w, chunk);
	uint64_t start = c->start;
	uint32_t before = c->next;

	*c = (struct wheel_chunk){ 0, w->free_chunk, WHEEL_NONE };
	w->free_chunk = chunk;
	if (before != WHEEL_NONE) {
		*s = (struct wheel_slot){ wheel_pointers(w, before) +
			    WHEEL_CHUNK,
			(before + 1) << WHEEL_CHUNK_BITS, s->chunks - 1 };
		return;
	}
	*s = (struct wheel_slot){ NULL, 0, 0 };
	wheel_unmark(w, slot);
	if (w->draining == slot)
		w->draining = WHEEL_NONE;
	else if (start != w->next_expiry)
		return;
	w->next_expiry = rota__wheel_next(w, w->pos);
}

/* wheel_slot_of: the slot for @tick, which is at or after pos; *@start gets the
 * slot's first tick. */
rota_inline uint32_t
wheel_slot_of(const struct wheel *w, uint64_t tick, uint64_t *start)
{
	uint32_t level = wheel_level(w->pos, tick);

	*start = wheel_first(tick, level);
	return wheel_at(tick, level);
}

/* wheel_put: insert @item into @slot, which has room and starts at @start. */
rota_inline void
wheel_put(struct wheel *w, uint32_t *item, uint32_t slot, uint64_t start)
{
	struct wheel_slot *s = &w->slot[slot];

	*item = s->place++;
	*s->fill++ = item;
	w->len++;
	if (rota_unlikely(start < w->next_expiry) && w->draining == WHEEL_NONE)
		w->next_expiry = start;
}

/* wheel_insert_at: insert @item at @tick, on @level. rota__wheel_grow() has
 * made room. Returns the item's key: the first tick of its slot. */
rota_inline uint64_t
wheel_insert_at(struct wheel *w, uint32_t *item, uint64_t tick, uint32_t level)
{
	uint64_t start = wheel_first(tick, level);
	uint32_t slot = wheel_at(tick, level);

	if (rota_unlikely(wheel_at_chunk_edge(&w->slot[slot])))
		wheel_open(w, slot, start);
	wheel_put(w, item, slot, start);
	return start;
}

/* wheel_insert: the same for a @tick at or after pos, on the level of @tick. */
rota_inline uint64_t
wheel_insert(struct wheel *w, uint32_t *item, uint64_t tick)
{
	return wheel_insert_at(w, item, tick, wheel_level(w->pos, tick));
}

/* wheel_defer: keep @item until wheel_begin_later(). */
rota_inline void
wheel_defer(struct wheel *w, uint32_t *item)
{
	struct wheel_slot *s = &w->slot[w->later];

	if (rota_unlikely(wheel_at_chunk_edge(s)))
		wheel_open(w, w->later, 0); /* key 0: at once */
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

/* wheel_begin_later: begin to empty the slot of items deferred until now.
 * False: another slot is being emptied, or no item was deferred. */
rota_inline bool
wheel_begin_later(struct wheel *w)
{
	if (w->draining != WHEEL_NONE || !wheel_later(w))
		return false;
	w->draining = w->later;
	w->later ^= 1; /* WHEEL_LATER is even */
	return true;
}

/* wheel_ready: @item was inserted into a new chunk. If the slot had chunks
 * before expect more items: fetch the whole chunk. */
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

/* wheel_remove: remove @item; the slot's last pointer fills the gap. */
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
	if (rota_unlikely(wheel_at_chunk_edge(s)))
		wheel_close(w, slot);
}

/* wheel_key: the tick at which @item comes up. */
rota_inline uint64_t
wheel_key(const struct wheel *w, const uint32_t *item)
{
	return wheel_chunk(w, *item >> WHEEL_CHUNK_BITS)->start;
}

/* wheel_due: of the slots in use that start at next_expiry the one on the
 * highest level, since the others may get items of that slot. */
rota_inline uint32_t
wheel_due(const struct wheel *w)
{
	uint32_t level = w->next_expiry ? low_bit(w->next_expiry) / WHEEL_BITS
					: 0;

	if (rota_unlikely(!w->next_expiry || level >= WHEEL_LEVELS))
		level = WHEEL_LEVELS - 1;
	while (!wheel_used(w, wheel_at(w->next_expiry, level)))
		level--;
	return wheel_at(w->next_expiry, level);
}

/* wheel_prefetch: fetch the item that is taken from @s WHEEL_PREFETCH calls
 * from now. The last item of @s is out, but its head chunk is still open. */
rota_inline void
wheel_prefetch(const struct wheel *w, const struct wheel_slot *s)
{
	uint32_t i = s->place & (WHEEL_CHUNK - 1), chunk;

	if (rota_likely(i >= WHEEL_PREFETCH)) {
		rota_prefetch(s->fill[-(int)WHEEL_PREFETCH]);
		return;
	}
	chunk = wheel_chunk(w, s->place >> WHEEL_CHUNK_BITS)->next;
	i += WHEEL_CHUNK;
	if (chunk != WHEEL_NONE && i >= WHEEL_PREFETCH)
		rota_prefetch(wheel_pointers(w, chunk)[i - WHEEL_PREFETCH]);
}

/* wheel_advance: move pos to @tick. No slot in use starts before @tick. */
rota_inline void
wheel_advance(struct wheel *w, uint64_t tick)
{
	if (w->pos < tick)
		w->pos = tick;
}

/* wheel_begin: if no slot is being emptied, begin to empty the next slot in
 * use, or, if that slot starts after @tick, advance to @tick. False: no slot is
 * being emptied. */
rota_inline bool
wheel_begin(struct wheel *w, uint64_t tick)
{
	struct wheel_slot *s;
	uint32_t n;

	if (w->draining != WHEEL_NONE)
		return true;
	if (w->next_expiry > tick) {
		wheel_advance(w, tick);
		return false;
	}
	w->draining = wheel_due(w);
	w->pos = w->next_expiry;
	s = &w->slot[w->draining];
	n = wheel_count(s) < WHEEL_PREFETCH ? wheel_count(s) : WHEEL_PREFETCH;
	for (uint32_t i = 1; i <= n; i++)
		rota_prefetch(s->fill[-(int)i]);
	return true;
}

/* wheel_take: remove and return an item of the slot that is being emptied. With
 * its last item the slot is done. */
rota_inline uint32_t *
wheel_take(struct wheel *w)
{
	struct wheel_slot *s = &w->slot[w->draining];
	uint32_t *item = *--s->fill;

	s->place--;
	wheel_prefetch(w, s);
	w->len--;
	if (rota_unlikely(wheel_at_chunk_edge(s)))
		wheel_close(w, w->draining);
	return item;
}

/* wheel_take_many: remove up to @most items of @slot, at least one, and write
 * them to @out, which has room for a chunk. Returns how many. Handle them from
 * the last in @out to the first. Fetches the first items of the next call. */
rota_inline uint32_t
wheel_take_many(struct wheel *w, uint32_t slot, uint32_t **out, uint64_t most)
{
	struct wheel_slot *s = &w->slot[slot];
	uint32_t n = wheel_count(s) < most ? wheel_count(s) : (uint32_t)most;
	uint32_t next = wheel_chunk(w, wheel_head(s))->next;

	s->fill -= n;
	s->place -= n;
	w->len -= n;
	memcpy(out, s->fill, n * sizeof(*out));
	if (next != WHEEL_NONE)
		for (uint32_t i = WHEEL_CHUNK;
		     i > 0 && i + WHEEL_PREFETCH > WHEEL_CHUNK; i--)
			rota_prefetch(wheel_pointers(w, next)[i - 1]);
	if (wheel_at_chunk_edge(s))
		wheel_close(w, slot);
	return n;
}

/* rota__wheel_visit - an item at or after *@cursor, a place, which moves past
 * it; NULL: a bounded stretch had none. In no order. To remove the returned
 * item step *@cursor back by one, for another item takes its place. */
uint32_t *rota__wheel_visit(const struct wheel *w, uint32_t *cursor);

/* wheel_visited: is a walk at @cursor at its end? */
rota_inline bool
wheel_visited(const struct wheel *w, uint32_t cursor)
{
	return cursor >> WHEEL_CHUNK_BITS >= w->fresh_chunk;
}

/* wheel_visit_prefetch: fetch the item 16 places ahead of a walk at @cursor.
 * The pointers after the last item of a chunk are old ones; fetching them does
 * no harm. */
rota_inline void
wheel_visit_prefetch(const struct wheel *w, uint32_t cursor)
{
	uint32_t place = cursor + 16;

	if (place >> WHEEL_CHUNK_BITS < w->fresh_chunk)
		rota_prefetch(*wheel_pointer(w, place));
}

#endif
