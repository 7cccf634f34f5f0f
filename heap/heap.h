/* SPDX-License-Identifier: MIT
 *
 * heap.h - 4-ary min-heap of {when, seq, id}.
 *
 * Shape of the Go runtime's timer heap, with two differences. An entry names
 * its item by a 32-bit id, so that sifting touches entries and a 4-byte back
 * index, never an item; and the back index makes an earlier deadline an exact
 * decrease-key instead of a scan. Memory comes in blocks that never move:
 * growing copies nothing, so no operation costs more than O(log4 n) lines.
 *
 * Entry i stands at position i + 3: the children of i, 4i+1 to 4i+4, are
 * then four entries of 16 bytes that start at a multiple of 64.
 *
 * Beside the heap there is a bag of items, which nothing brings up before
 * heap_unbag() does. They have an id but no entry; where[id] is the position in
 * the bag, with HEAP_BAGGED on. In it come first the old ones, those that were
 * there when heap_unbag() last found none, then the others; in no order
 * otherwise.
 *
 * Invariant  no entry is before its parent, in the order of (when, seq);
 *            heap_at(where[id])->id == id. rota__heap_check() asks both.
 *
 * Threads    none of its own: one at a time. Only rota__heap_grow() may run
 *            beside the others, but not beside rota__heap_shrink().
 */
#ifndef ROTA_HEAP_HEAP_H
#define ROTA_HEAP_HEAP_H

#include <stdbool.h>

#include "core/sys/compiler.h"
#include "core/sys/numbers.h"

/* Entries in a block: 2^14, 512 KB with ids; the hostile build takes a new
 * block every 16. */
#ifdef ROTA_HOSTILE
#define HEAP_BLOCK_BITS 4
#else
#define HEAP_BLOCK_BITS 14
#endif
#define HEAP_BLOCK ((uint32_t)1 << HEAP_BLOCK_BITS)
#define HEAP_BLOCK_MASK (HEAP_BLOCK - 1)
#define HEAP_PAD 3

/* A heap of fewer entries stays in the cache: nothing is won by fetching for
 * many moves at once. */
#ifdef ROTA_HOSTILE
#define HEAP_SMALL 8
#else
#define HEAP_SMALL ((uint32_t)1 << 16)
#endif

/* To take an entry out of a heap of more is dear, of four times as many dearer
 * still: some 1 us at 1e6, of fewer 0.4. */
#ifdef ROTA_HOSTILE
#define HEAP_DEAR 4096
#else
#define HEAP_DEAR ((uint32_t)1 << 16)
#endif

/* An item's place while it is in a heap: its id with this bit on. */
#define HEAP_PLACE ((uint32_t)1 << 31)
#define HEAP_NONE UINT32_MAX
/* where[id] of an item in the bag: its position there with this bit on. */
#define HEAP_BAGGED ((uint32_t)1 << 31)

struct heap_entry {
	uint64_t when;
	uint32_t seq; /* rank among equal whens: seq_before() */
	uint32_t id;
};
_Static_assert(sizeof(struct heap_entry) == 16, "four children in a line");

struct heap_block {
	struct heap_entry *entry; /* HEAP_BLOCK of them, line-aligned */
	uint32_t **item;          /* by id: what the entry stands for */
	uint32_t *where;          /* by id: index in the heap, or next free */
	uint32_t *bag;            /* the ids in the bag */
};

struct heap {
	uint32_t len;
	uint32_t bag;      /* items in the bag */
	uint32_t old;      /* so many of them are old */
	uint32_t free_id;  /* head of the list of ids given back */
	uint32_t fresh_id; /* ids from here on were never used */
	struct heap_block *block;
	uint32_t blocks;     /* there now; written by rota__heap_grow() and
			      * rota__heap_shrink() */
	uint32_t max_blocks; /* length of the table */
};

/* rota__heap_init - an empty heap for up to @max items. 0 or -1. */
int rota__heap_init(struct heap *h, uint64_t max, const struct rota_mem *mem);
void rota__heap_destroy(struct heap *h, const struct rota_mem *mem);
/* rota__heap_grow - see that @n items fit. 0, or -1 and nothing changed that
 * matters. One thread at a time; may run beside everything else. */
int rota__heap_grow(struct heap *h, uint64_t n, const struct rota_mem *mem);
/* rota__heap_lower_begin - prepare *@l for bringing all ids into the blocks that
 * @n items need. From here until rota__heap_cut() there are never more.
 * rota__heap_lower - do so, in at most *@left looks, which are taken off. True:
 * it is done, and stays so. rota__heap_cut - then: ids above are as if they had
 * never been used. rota__heap_shrink - give back the highest block that @n
 * items do not need: its bytes, or 0 if there is none. */
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

/* heap_least: which of the four children at @c comes first. Without a branch
 * on their keys: which it is cannot be foretold, and a wrong guess costs more
 * than all the comparisons. */
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

/* heap_sink: one step down for @e, whose hole is at *@i. False: it belongs
 * there. */
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

/* heap_prefetch: an entry has come up to @i: fetch its item, once it is a child
 * of the first, and the pointer to that one level before. */
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
		/* One of these four lines is looked at next but one; they
		 * stand in a row. */
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

/* An id for @item, which learns its place. Room was made by
 * rota__heap_grow(). */
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

/* The id of an entry that leaves; its item is returned. */
rota_inline uint32_t *
heap_unname(struct heap *h, uint32_t id)
{
	uint32_t *item = *heap_item(h, id);

	*heap_item(h, id) = NULL;
	*heap_where(h, id) = h->free_id;
	h->free_id = id;
	return item;
}

/* heap_insert: add @item and write its place. Room was made by
 * rota__heap_grow(). */
rota_inline void
heap_insert(struct heap *h, uint32_t *item, uint64_t when, uint32_t seq)
{
	uint32_t id = heap_name(h, item);

	heap_up(h, h->len++, (struct heap_entry){ when, seq, id });
}

/* heap_take: the entry at @i leaves; its item is returned. */
rota_inline uint32_t *
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

/* The id of another comes to position @i of the bag. */
rota_inline void
heap_bag_put(struct heap *h, uint32_t i, uint32_t id)
{
	*heap_bagged(h, i) = id;
	*heap_where(h, id) = i | HEAP_BAGGED;
}

/* heap_bag: @item joins the bag. */
rota_inline void
heap_bag(struct heap *h, uint32_t *item)
{
	heap_bag_put(h, h->bag++, heap_name(h, item));
}

/* heap_bag_take: the item at position @i leaves the bag. The last of its part
 * fills the gap, and the last of all that one's. */
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

/* heap_unbag: an item leaves the bag, an old one while there is one. NULL: the
 * bag is empty. */
rota_inline uint32_t *
heap_unbag(struct heap *h)
{
	if (rota_likely(!h->bag))
		return NULL;
	if (!h->old)
		h->old = h->bag;
	return heap_bag_take(h, h->old - 1);
}

/* heap_index: where @item stands now; HEAP_BAGGED is on if in the bag. */
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

/* heap_rekey: give the entry at @i of the heap another key, either way. */
rota_inline void
heap_rekey(struct heap *h, uint32_t i, uint64_t when, uint32_t seq)
{
	struct heap_entry e = { when, seq, heap_at(h, i)->id };

	if (heap_before(when, seq, heap_at(h, i)))
		heap_up(h, i, e);
	else
		heap_down(h, i, e);
}

/* Entries that are brought in order together: their misses overlap. */
#define HEAP_MANY 64

/* heap_due: where the entries stand that are due at @now, at most HEAP_MANY of
 * them, in @at, parents before their children. Fetches the pointers to their
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

/* heap_settle: the keys of the @n entries at @at, up to HEAP_MANY, in the
 * order of heap_due(), were raised in place. Those of the lowest level go
 * down first; what is below two of one level is disjoint, so they go in turn,
 * and nobody waits for a miss. */
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
			level = 4 * level + 1; /* its first */
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

/* heap_first: the earliest entry; the heap is not empty. */
rota_inline const struct heap_entry *
heap_first(const struct heap *h)
{
	return heap_at(h, 0);
}

/* heap_visit: any item at or after *@cursor, which moves on; NULL at the end.
 * To remove what was returned step *@cursor back by one: another entry took
 * its place. In no order. The one that took the place may rise above the
 * cursor and be missed; the next walk has it. */
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

/* heap_visit_prefetch: fetch what a walk at @cursor comes to: the item 16 steps
 * ahead, and the pointer to that of 32. */
rota_inline void
heap_visit_prefetch(const struct heap *h, uint32_t cursor)
{
	if (cursor + 32 < h->len)
		rota_prefetch(heap_item(h, heap_at(h, cursor + 32)->id));
	if (cursor + 16 < h->len)
		rota_prefetch(*heap_item(h, heap_at(h, cursor + 16)->id));
}

#endif
