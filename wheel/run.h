/* SPDX-License-Identifier: MIT
 *
 * run.h - the slot of a wheel that is due, in exact order.
 *
 * The items of one tick, each with its instant and its rank in one 64-bit
 * key. They are collected, sorted once, and leave from the front: less work
 * and fewer mispredicted branches than a heap, and the memory is read in a
 * row. What is taken out of the middle leaves a gap.
 *
 * Invariant  when sorted, keys do not decrease; an item's place is its index,
 *            with RUN_PLACE on; a gap is NULL. rota__run_check() asks them.
 *
 * Threads    none of its own: one at a time.
 */
#ifndef ROTA_WHEEL_RUN_H
#define ROTA_WHEEL_RUN_H

#include <stdbool.h>

#include "core/sys/compiler.h"

/* Room, if there can be so many: fifteen million timers a second come due. What
 * is more goes elsewhere, at five times the cost. Memory that is not used is
 * not touched. The hostile build overflows at once. */
#ifdef ROTA_HOSTILE
#define RUN_MOST 3
#else
#define RUN_MOST 16384
#endif

/* An item's place while it is in a run: its index with these bits on. */
#define RUN_PLACE ((uint32_t)3 << 30)
#define RUN_BITS 20 /* of an instant within its tick */

struct run_entry {
	uint64_t key;   /* ns within the tick, then rank from `base` on */
	uint32_t *item; /* NULL: a gap */
};

struct run {
	uint64_t start; /* ns: of the tick */
	uint32_t base;  /* the rank that counts as 0 */
	uint32_t first; /* all before it have left */
	uint32_t end;
	uint32_t live;           /* items, gaps not counted */
	bool sorted;             /* false: being collected */
	uint32_t most;           /* room */
	struct run_entry *entry; /* as many */
	struct run_entry *spare; /* as many, to sort with */
	struct run_entry *block; /* the memory of both */
};

/* rota__run_init - an empty run for up to @max items, and RUN_MOST; 0 or -1. */
int rota__run_init(struct run *r, uint64_t max, const struct rota_mem *mem);
void rota__run_destroy(struct run *r, const struct rota_mem *mem);
/* rota__run_sort - put what was collected in order. */
void rota__run_sort(struct run *r);
/* rota__run_check - 0, or the line of the check that failed. */
int rota__run_check(const struct run *r);

/* run_open: collect the items of the tick that starts at @start. Ranks count
 * from half of their range before @rank. The run is empty. */
rota_inline void
run_open(struct run *r, uint64_t start, uint32_t rank)
{
	r->start = start;
	r->base = rank - ((uint32_t)1 << (RANK_BITS - 1));
	r->first = r->end = 0;
	r->sorted = false;
}

/* run_add: collect @item; false: full. */
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

/* run_first: the first entry, or NULL. */
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

/* run_uncollect: what was collected last leaves; NULL: nothing is left, and
 * the run is sorted, and empty. */
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

/* run_take: the first entry, @e, leaves. */
rota_inline void
run_take(struct run *r, struct run_entry *e)
{
	e->item = NULL;
	r->first++;
	r->live--;
}

/* run_visit: as heap_visit(), but what was returned may be removed without
 * further ado. */
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
