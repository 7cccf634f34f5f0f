/* SPDX-License-Identifier: MIT
 *
 * heap.h - 4-ary min-heap of {when, seq, id}.
 *
 * The shape is that of the Go runtime's timer heap, with two differences. An
 * entry names its item by a 32-bit id, so sifting touches entries and a 4-byte
 * back index, never an item. The back index makes an earlier deadline an exact
 * decrease-key instead of a scan. Memory comes in blocks that never move:
 * growing copies nothing, so no operation costs more than O(log4 n) lines.
 *
 * Entry i stands at position i + 3. Its children, 4i+1 to 4i+4, are then four
 * entries of 16 bytes that start at a multiple of 64.
 *
 * Beside the heap there is a bag of deferred items, which come up only after
 * heap_unbag() took them out. An item in the bag has an id but no heap_entry;
 * where[id] is its position in the bag, with HEAP_BAGGED on. Old items, those
 * that were in the bag when heap_unbag() last found no old item, stand before
 * the others. There is no other order.
 *
 * Invariant  no entry is before its parent, in the order of (when, seq);
 *            heap_at(where[id])->id == id. rota__heap_check() checks both.
 *
 * Threads    one at a time; the heap has no lock. Only rota__heap_grow() may
 *            run beside the others, but not beside rota__heap_shrink().
 */
#ifndef ROTA_HEAP_HEAP_H
#define ROTA_HEAP_HEAP_H

#include <stdbool.h>

#include "core/sys/compiler.h"
#include "core/sys/numbers.h"

/* Entries in a block: 2^14, which take 512 KB with their ids. The hostile build
 * takes a new block every 16 entries. */
#ifdef ROTA_HOSTILE
#define HEAP_BLOCK_BITS 4
#else
#define HEAP_BLOCK_BITS 14
#endif
#define HEAP_BLOCK ((uint32_t)1 << HEAP_BLOCK_BITS)
#define HEAP_BLOCK_MASK (HEAP_BLOCK - 1)
#define HEAP_PAD 3

/* A heap of fewer entries stays in the cache: fetching for many moves at once
 * gains nothing. */
#ifdef ROTA_HOSTILE
#define HEAP_SMALL 8
#else
#define HEAP_SMALL ((uint32_t)1 << 16)
#endif

/* With more entries than this taking one out is expensive, with four times as
 * many more so: some 1 us at 1e6 entries, 0.4 us with fewer than this. */
#ifdef ROTA_HOSTILE
#define HEAP_DEAR 4096
#else
#define HEAP_DEAR ((uint32_t)1 << 16)
#endif

/* The place of an item in a heap: its id with this bit on. */
#define HEAP_PLACE ((uint32_t)1 << 31)
#define HEAP_NONE UINT32_MAX
/* where[id] of an item in the bag: its position there, with this bit on. */
#define HEAP_BAGGED ((uint32_t)1 << 31)

struct heap_entry {
	uint64_t when;
	uint32_t seq; /* order among equal whens: seq_before() */
	uint32_t id;
};
_Static_assert(sizeof(struct heap_entry) == 16, "four children in a line");

struct heap_block {
	struct heap_entry *entry; /* HEAP_BLOCK of them, line-aligned */
	uint32_t **item;          /* by id: the item of the entry */
	/* By id: index in the heap; position in the bag, with HEAP_BAGGED; or
	 * next free id. */
	uint32_t *where;
	uint32_t *bag; /* the ids in the bag */
};

struct heap {
	uint32_t len;
	uint32_t bag;      /* items in the bag */
	uint32_t old;      /* how many of them are old */
	uint32_t free_id;  /* head of the list of free ids */
	uint32_t fresh_id; /* ids from here on were never used */
	struct heap_block *block;
	uint32_t blocks;     /* in the table; written by rota__heap_grow()
			      * and rota__heap_shrink() */
	uint32_t max_blocks; /* length of the table */
};

/* rota__heap_init - make an empty heap for up to @max items. 0 or -ENOMEM. */
int rota__heap_init(struct heap *h, uint64_t max, const struct rota_mem *mem);
void rota__heap_destroy(struct heap *h, const struct rota_mem *mem);
/* rota__heap_grow - make room for @n items. 0, or -ENOMEM: the heap works as
 * before. One thread at a time, beside any other call but
 * rota__heap_shrink(). */
int rota__heap_grow(struct heap *h, uint64_t n, const struct rota_mem *mem);
/* rota__heap_lower_begin - prepare *@l to move all ids into the blocks that @n
 * items need. Until rota__heap_cut() the heap must not get more than @n items.
 * rota__heap_lower - move ids, in at most *@left steps, which are subtracted
 * from *@left. True: all ids are there, and stay there.
 * rota__heap_cut - after that: the ids above become as if never used.
 * rota__heap_shrink - free the highest block that @n items do not need. Returns
 * its bytes, or 0 if there is no such block. */
void rota__heap_lower_begin(const struct heap *h, uint64_t n, struct lower *l);
bool rota__heap_lower(struct heap *h, struct lower *l, uint64_t *left);
void rota__heap_cut(struct heap *h, const struct lower *l);
uint64_t rota__heap_shrink(
    struct heap *h, uint64_t n, const struct rota_mem *mem);
/* rota__heap_check - 0, or the line of the check that failed. */
int rota__heap_check(const struct heap *h);

rota_inline struct heap_entry *
heap_at(const struct heap *h, uint32_t i)
{
	uint32_t p = i + HEAP_PAD;

	return &h->block[p >> HEAP_BLOCK_BITS].entry[p & HEAP_BLOCK_MASK];
}

rota_inline uint32_t *
heap_where(const struct heap *h, uint32_t id)
{
	return &h->block[id >> HEAP_BLOCK_BITS].where[id & HEAP_BLOCK_MASK];
}

rota_inline uint32_t **
heap_item(const struct heap *h, uint32_t id)
{
	return &h->block[id >> HEAP_BLOCK_BITS].item[id & HEAP_BLOCK_MASK];
}

rota_inline bool
heap_before(uint64_t when, uint32_t seq, const struct heap_entry *e)
{
	return when < e->when ||
	    (rota_unlikely(when == e->when) && seq_before(seq, e->seq));
}

rota_inline void
heap_put(struct heap *h, uint32_t i, struct heap_entry e)
{
	*heap_at(h, i) = e;
	*heap_where(h, e.id) = i;
}

/* heap_up: @e belongs at @i or above it. */
rota_inline void
heap_up(struct heap *h, uint32_t i, struct heap_entry e)
{
	while (i > 0) {
		uint32_t up = (i - 1) >> 2;
		struct heap_entry *p = heap_at(h, up);

		if (!heap_before(e.when, e.seq, p))
			break;
		heap_put(h, i, *p);
		i = up;
	}
	heap_put(h, i, e);
}

/* heap_least: the index of the first of the four children at @c. Their keys are
 * compared without a branch: the outcome is unpredictable, and a misprediction
 * costs more than all the comparisons. */
rota_inline uint32_t
heap_least(const struct heap_entry *c)
{
	uint64_t low = c[1].when < c[0].when ? c[1].when : c[0].when;
	uint64_t high = c[3].when < c[2].when ? c[3].when : c[2].when;
	uint64_t least = high < low ? high : low;
	uint32_t best = high < low ? 2 + (c[3].when < c[2].when)
				   : (uint32_t)(c[1].when < c[0].when);

	if (rota_unlikely((c[0].when == least) + (c[1].when == least) +
		    (c[2].when == least) + (c[3].when == least) >
		1)) {
		for (uint32_t k = 0; k < 4; k++)
			if (heap_before(c[k].when, c[k].seq, &c[best]))
				best = k;
	}
	return best;
}

/* heap_sink: move the hole for @e, at *@i, one level down. False: @e belongs in
 * the hole. */
rota_inline bool
heap_sink(struct heap *h, uint32_t *i, const struct heap_entry *e)
{
	uint32_t c = 4 * *i + 1, best = 0;
	const struct heap_entry *line;

	if (c >= h->len)
		return false;
	line = heap_at(h, c);
	if (rota_likely(c + 4 <= h->len)) {
		best = heap_least(line);
	} else {
		for (uint32_t k = 1; c + k < h->len; k++)
			if (heap_before(line[k].when, line[k].seq, &line[best]))
				best = k;
	}
	if (!heap_before(line[best].when, line[best].seq, e))
		return false;
	heap_put(h, *i, line[best]);
	*i = c + best;
	return true;
}

/* heap_prefetch: an entry has moved up to @i. At a child of the root fetch its
 * item, one level below that the pointer to its item. */
rota_inline void
heap_prefetch(const struct heap *h, uint32_t i)
{
	uint32_t id;

	if (rota_likely(i > 20))
		return;
	id = heap_at(h, i)->id;
	if (i > 4)
		rota_prefetch(heap_item(h, id));
	else
		rota_prefetch(*heap_item(h, id));
}

/* heap_down: @e belongs at @i or below it. */
rota_inline void
heap_down(struct heap *h, uint32_t i, struct heap_entry e)
{
	for (uint32_t from = i;; heap_prefetch(h, from), from = i) {
		/* Two levels down one of these four adjacent lines is read. */
		if (16 * i + 20 < h->len) {
			const struct heap_entry *below = heap_at(h, 16 * i + 5);

			for (uint32_t k = 0; k < 4; k++)
				rota_prefetch(below + 4 * k);
		}
		if (!heap_sink(h, &i, &e))
			break;
	}
	heap_put(h, i, e);
}

/* heap_name: give @item an id and write its place. rota__heap_grow() has made
 * room. */
rota_inline uint32_t
heap_name(struct heap *h, uint32_t *item)
{
	uint32_t id = h->free_id;

	if (id == HEAP_NONE)
		id = h->fresh_id++;
	else
		h->free_id = *heap_where(h, id);
	*heap_item(h, id) = item;
	*item = id | HEAP_PLACE;
	return id;
}

/* heap_unname: free @id, whose entry goes. Returns its item. */
rota_inline uint32_t *
heap_unname(struct heap *h, uint32_t id)
{
	uint32_t *item = *heap_item(h, id);

	*heap_item(h, id) = NULL;
	*heap_where(h, id) = h->free_id;
	h->free_id = id;
	return item;
}

/* heap_insert: insert @item and write its place. rota__heap_grow() has made
 * room. */
rota_inline void
heap_insert(struct heap *h, uint32_t *item, uint64_t when, uint32_t seq)
{
	uint32_t id = heap_name(h, item);

	heap_up(h, h->len++, (struct heap_entry){ when, seq, id });
}

/* heap_take: remove the entry at @i. Returns its item. It is called, not copied
 * to each place that removes an entry: the copies were a third of the code of a
 * poll. */
static inline uint32_t *
heap_take(struct heap *h, uint32_t i)
{
	uint32_t *item = heap_unname(h, heap_at(h, i)->id);
	struct heap_entry last = *heap_at(h, --h->len);

	if (i == h->len)
		return item;
	if (i > 0 && heap_before(last.when, last.seq, heap_at(h, (i - 1) >> 2)))
		heap_up(h, i, last);
	else
		heap_down(h, i, last);
	return item;
}

rota_inline uint32_t *
heap_bagged(const struct heap *h, uint32_t i)
{
	return &h->block[i >> HEAP_BLOCK_BITS].bag[i & HEAP_BLOCK_MASK];
}

/* heap_bag_put: @id gets position @i of the bag. */
rota_inline void
heap_bag_put(struct heap *h, uint32_t i, uint32_t id)
{
	*heap_bagged(h, i) = id;
	*heap_where(h, id) = i | HEAP_BAGGED;
}

/* heap_bag: put @item in the bag. */
rota_inline void
heap_bag(struct heap *h, uint32_t *item)
{
	heap_bag_put(h, h->bag++, heap_name(h, item));
}

/* heap_bag_take: remove and return the item at position @i of the bag. The last
 * old item fills the gap of an old one; the last item of all fills the gap that
 * is left. */
rota_inline uint32_t *
heap_bag_take(struct heap *h, uint32_t i)
{
	uint32_t *item = heap_unname(h, *heap_bagged(h, i));

	if (i < h->old) {
		if (i != --h->old)
			heap_bag_put(h, i, *heap_bagged(h, h->old));
		i = h->old;
	}
	if (i != --h->bag)
		heap_bag_put(h, i, *heap_bagged(h, h->bag));
	return item;
}

/* heap_unbag: take an item out of the bag, an old one while there is one. NULL:
 * the bag is empty. */
rota_inline uint32_t *
heap_unbag(struct heap *h)
{
	if (rota_likely(!h->bag))
		return NULL;
	if (!h->old)
		h->old = h->bag;
	return heap_bag_take(h, h->old - 1);
}

/* heap_index: the position of @item; HEAP_BAGGED is on if it is in the bag. */
rota_inline uint32_t
heap_index(const struct heap *h, const uint32_t *item)
{
	return *heap_where(h, *item & ~HEAP_PLACE);
}

rota_inline void
heap_remove(struct heap *h, uint32_t *item)
{
	uint32_t i = heap_index(h, item);

	if (rota_likely(!(i & HEAP_BAGGED)))
		heap_take(h, i);
	else
		heap_bag_take(h, i & ~HEAP_BAGGED);
}

/* heap_rekey: give the entry at @i another key, earlier or later. */
rota_inline void
heap_rekey(struct heap *h, uint32_t i, uint64_t when, uint32_t seq)
{
	struct heap_entry e = { when, seq, heap_at(h, i)->id };

	if (heap_before(when, seq, heap_at(h, i)))
		heap_up(h, i, e);
	else
		heap_down(h, i, e);
}

/* Entries that are moved together: their cache misses overlap. */
#define HEAP_MANY 64

/* heap_due: write to @at the positions of the entries that are due at @now, at
 * most HEAP_MANY, parents before children, and fetch the pointers to their
 * items. Returns how many. */
rota_inline uint32_t
heap_due(const struct heap *h, uint64_t now, uint32_t *at)
{
	uint32_t n = 0;

	if (h->len && heap_at(h, 0)->when <= now)
		at[n++] = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t c = 4 * at[k] + 1;

		rota_prefetch(heap_item(h, heap_at(h, at[k])->id));
		for (uint32_t i = c; i < c + 4 && i < h->len; i++)
			if (n < HEAP_MANY && heap_at(h, i)->when <= now)
				at[n++] = i;
	}
	return n;
}

/* heap_settle: restore the order after the keys of the @n entries at @at were
 * raised in place. @at is in the order of heap_due(), @n at most HEAP_MANY. The
 * entries of the lowest level sink first. The subtrees below two entries of one
 * level are disjoint, so their sinks are interleaved and their cache misses
 * overlap. */
rota_inline void
heap_settle(struct heap *h, const uint32_t *at, uint32_t n)
{
	struct {
		uint32_t i;
		struct heap_entry e;
	} way[HEAP_MANY];

	while (n > 0) {
		uint32_t level = 0, ways = 0;

		while (4 * level + 1 <= at[n - 1])
			level = 4 * level + 1; /* its first position */
		for (; n > 0 && at[n - 1] >= level; ways++) {
			way[ways].i = at[--n];
			way[ways].e = *heap_at(h, at[n]);
		}
		while (ways > 0)
			for (uint32_t k = 0; k < ways;) {
				if (heap_sink(h, &way[k].i, &way[k].e)) {
					uint32_t c = 4 * way[k].i + 1;

					if (c < h->len)
						rota_prefetch(heap_at(h, c));
					k++;
					continue;
				}
				heap_put(h, way[k].i, way[k].e);
				way[k] = way[--ways];
			}
	}
}

/* heap_first: the earliest entry. The heap is not empty. */
rota_inline const struct heap_entry *
heap_first(const struct heap *h)
{
	return heap_at(h, 0);
}

/* heap_visit: an item at or after *@cursor, which moves past it; NULL at the
 * end. In no order. To remove the returned item step *@cursor back by one, for
 * another entry takes its position. That entry may rise above the cursor and
 * be missed; the next walk finds it. */
rota_inline uint32_t *
heap_visit(const struct heap *h, uint32_t *cursor)
{
	uint32_t i = *cursor;

	if (i >= h->len + h->bag)
		return NULL;
	++*cursor;
	return *heap_item(
	    h, i < h->len ? heap_at(h, i)->id : *heap_bagged(h, i - h->len));
}

/* heap_visit_prefetch: fetch the item that is 16 positions ahead of a walk at
 * @cursor, and the pointer to the item 32 ahead. */
rota_inline void
heap_visit_prefetch(const struct heap *h, uint32_t cursor)
{
	if (cursor + 32 < h->len)
		rota_prefetch(heap_item(h, heap_at(h, cursor + 32)->id));
	if (cursor + 16 < h->len)
		rota_prefetch(*heap_item(h, heap_at(h, cursor + 16)->id));
}

#endif
