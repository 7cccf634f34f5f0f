/* SPDX-License-Identifier: MIT
 *
 * run.h - the items of the tick that is due in an exact wheel, in order.
 *
 * Each item has its instant and its sequence number in one 64-bit key. Items
 * are collected, sorted once, and taken from the front: less work and fewer
 * mispredicted branches than a heap, and memory is read sequentially. Removing
 * an item from the middle leaves a gap.
 *
 * Invariant  keys of a sorted run do not decrease; an item's place is its
 *            index, with RUN_PLACE on; the item of a gap is NULL.
 *            rota__run_check() checks all three.
 *
 * Threads    one at a time; the run has no lock.
 */
#ifndef ROTA_WHEEL_RUN_H
#define ROTA_WHEEL_RUN_H

#include <stdbool.h>

#include "core/sys/compiler.h"

/* Room for entries, unless the wheel has fewer items: enough for fifteen
 * million timers a second. The rest goes to the heap, at five times the cost.
 * Unused memory is not touched. The hostile build overflows at once. */
#ifdef ROTA_HOSTILE
#define RUN_MOST 3
#else
#define RUN_MOST 16384
#endif

/* The place of an item in a run: its index with these bits on. */
#define RUN_PLACE ((uint32_t)3 << 30)
#define RUN_BITS 20 /* bits of an instant within its tick */

struct run_entry {
	uint64_t key;   /* ns within the tick, then seq counted from `base` */
	uint32_t *item; /* NULL: a gap */
};

struct run {
	uint64_t start; /* ns, of the tick */
	uint32_t base;  /* the sequence number that counts as 0 */
	uint32_t first; /* all before it were taken */
	uint32_t end;
	uint32_t live;           /* items, not counting gaps */
	bool sorted;             /* false: items are being collected */
	uint32_t most;           /* room for entries */
	struct run_entry *entry; /* `most` of them */
	struct run_entry *spare; /* as many, to sort with */
	struct run_entry *block; /* the memory of both */
};

/* rota__run_init - make an empty run for @max items, but at most RUN_MOST. 0 or
 * -ENOMEM. */
int rota__run_init(struct run *r, uint64_t max, const struct rota_mem *mem);
void rota__run_destroy(struct run *r, const struct rota_mem *mem);
/* rota__run_sort - sort the collected items. */
void rota__run_sort(struct run *r);
/* rota__run_check - 0, or the line of the check that failed. */
int rota__run_check(const struct run *r);

/* run_open: begin to collect the items of the tick that starts at @start. The
 * run is empty. Its sequence numbers count from half their range before @seq.
 */
rota_inline void
run_open(struct run *r, uint64_t start, uint32_t seq)
{
	r->start = start;
	r->base = seq - ((uint32_t)1 << (SEQ_BITS - 1));
	r->first = r->end = 0;
	r->sorted = false;
}

/* run_add: collect @item. False: the run is full. */
rota_inline bool
run_add(struct run *r, uint32_t *item, uint64_t when, uint32_t seq)
{
	if (rota_unlikely(r->end == r->most))
		return false;
	*item = RUN_PLACE | r->end;
	r->entry[r->end++] = (struct run_entry){
		(when - r->start) << 32 | seq_after(seq, r->base), item
	};
	r->live++;
	return true;
}

/* run_first: the first entry. NULL: there is none, or the run is unsorted. */
rota_inline struct run_entry *
run_first(struct run *r)
{
	if (!r->live || !r->sorted)
		return NULL;
	while (!r->entry[r->first].item)
		r->first++;
	return &r->entry[r->first];
}

rota_inline uint64_t
run_when(const struct run *r, const struct run_entry *e)
{
	return r->start + (e->key >> 32);
}

rota_inline uint32_t
run_seq(const struct run *r, const struct run_entry *e)
{
	return (uint32_t)e->key + r->base;
}

/* run_uncollect: remove and return the item collected last. NULL: none was
 * left, and the run is now sorted and empty. */
rota_inline uint32_t *
run_uncollect(struct run *r, uint64_t *when, uint32_t *seq)
{
	while (r->end > 0) {
		const struct run_entry *e = &r->entry[--r->end];

		if (!e->item)
			continue;
		r->live--;
		*when = run_when(r, e);
		*seq = run_seq(r, e);
		return e->item;
	}
	r->sorted = true;
	return NULL;
}

rota_inline struct run_entry *
run_entry(const struct run *r, const uint32_t *item)
{
	return &r->entry[*item & ~RUN_PLACE];
}

rota_inline void
run_remove(struct run *r, const uint32_t *item)
{
	run_entry(r, item)->item = NULL;
	r->live--;
}

/* run_take: remove @e, the first entry. */
rota_inline void
run_take(struct run *r, struct run_entry *e)
{
	e->item = NULL;
	r->first++;
	r->live--;
}

/* run_visit: as heap_visit(), but removing the returned item needs no step back
 * of *@cursor. */
rota_inline uint32_t *
run_visit(const struct run *r, uint32_t *cursor)
{
	while (r->live && *cursor < r->end) {
		uint32_t *item = r->entry[(*cursor)++].item;

		if (item && (*cursor > r->first || !r->sorted))
			return item;
	}
	return NULL;
}

#endif
