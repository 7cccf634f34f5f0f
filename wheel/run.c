/* SPDX-License-Identifier: MIT
 *
 * run.c - the memory of a run, its sort, and the check of its invariants. The
 * operations are in wheel/run.h.
 */
#include "wheel/run.h"

#include <errno.h>
#include <string.h>

/* Entries are dealt to 256 buckets of 4 us by the highest bits of their keys. A
 * bucket then has one or two entries. */
#define BUCKET_BITS 8
#define BUCKETS (1u << BUCKET_BITS)
#define BUCKET_SHIFT (32 + RUN_BITS - BUCKET_BITS)
/* Up to this many entries are sorted by insertion without buckets: dealing
 * walks all buckets, some 1000 instructions. With ten entries a tick each fire
 * takes 387 instructions instead of 436. */
#define SMALL_MOST 24
/* A bucket of up to this many entries is sorted by insertion, a larger one by
 * merging: arbitrary. */
#define INSERT_MOST 12

/* A test defines this to count the entries that sorting moves, and includes
 * this source. */
#ifndef RUN_MOVES
#define RUN_MOVES(n) ((void)0)
#endif

/* Bytes of both halves. */
static size_t
run_bytes(const struct run *r)
{
	return 2 * (size_t)r->most * sizeof(struct run_entry);
}

int
rota__run_init(struct run *r, uint64_t max, const struct rota_mem *mem)
{
	memset(r, 0, sizeof(*r));
	r->sorted = true;
	r->most = max < RUN_MOST ? (uint32_t)max : RUN_MOST;
	r->block = mem->alloc(mem->arg, run_bytes(r), ROTA_LINE);
	if (!r->block)
		return -ENOMEM;
	r->entry = r->block;
	r->spare = r->entry + r->most;
	return 0;
}

/* The block is freed, not `entry`: sorting swaps the halves, and the child of a
 * fork may find the run in the middle of a swap. */
void
rota__run_destroy(struct run *r, const struct rota_mem *mem)
{
	if (r->block)
		mem->free(mem->arg, r->block, run_bytes(r));
	memset(r, 0, sizeof(*r));
}

static void
insertion_sort(struct run_entry *e, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct run_entry x = e[i];
		uint32_t j = i;

		for (; j > 0 && x.key < e[j - 1].key; j--)
			e[j] = e[j - 1];
		e[j] = x;
		RUN_MOVES(i - j + 1);
	}
}

/* Sort @e, with room for @n entries in @spare. This is for a herd: many entries
 * of one instant. */
static void
merge_sort(struct run_entry *e, struct run_entry *spare, uint32_t n)
{
	uint32_t half = n / 2, i = 0, j = half, k = 0;

	if (n <= INSERT_MOST) {
		insertion_sort(e, n);
		return;
	}
	merge_sort(e, spare, half);
	merge_sort(e + half, spare, n - half);
	if (e[half - 1].key <= e[half].key)
		return;
	memmove(spare, e, half * sizeof(*e));
	while (i < half && j < n)
		e[k++] = e[j].key < spare[i].key ? e[j++] : spare[i++];
	memmove(e + k, spare + i, (half - i) * sizeof(*e));
	RUN_MOVES(half + n);
}

/* A herd arrives in the order of arming or reversed: each cascade from a level
 * to the next reverses it. Reverse @e if it descends. True: it is sorted
 * now. */
static bool
in_order(struct run_entry *e, uint32_t n)
{
	uint32_t up = 1, down = 1;

	while (up < n && e[up - 1].key <= e[up].key)
		up++;
	while (down < n && e[down - 1].key > e[down].key)
		down++;
	if (up >= n || down < n)
		return up >= n;
	for (uint32_t i = 0, j = n - 1; i < j; i++, j--) {
		struct run_entry x = e[i];

		e[i] = e[j];
		e[j] = x;
	}
	return true;
}

/* Deal the entries to the spare half by the highest bits of their keys, which
 * nearly sorts them, then sort each bucket there. */
void
rota__run_sort(struct run *r)
{
	struct run_entry *e = r->entry, *to = r->spare;
	uint16_t start[BUCKETS + 1];
	uint32_t n = r->end, most = 0;

	if (rota_unlikely(r->live != n)) { /* close the gaps */
		n = 0;
		for (uint32_t i = 0; i < r->end; i++)
			if (e[i].item)
				e[n++] = e[i];
		r->end = n;
	}
	r->sorted = true;
	if (n > SMALL_MOST && !in_order(e, n)) {
		memset(start, 0, sizeof(start));
		for (uint32_t i = 0; i < n; i++)
			start[(e[i].key >> BUCKET_SHIFT) + 1]++;
		for (uint32_t b = 0; b < BUCKETS; b++) {
			most = start[b + 1] > most ? start[b + 1] : most;
			start[b + 1] = (uint16_t)(start[b + 1] + start[b]);
		}
		for (uint32_t i = 0; i < n; i++)
			to[start[e[i].key >> BUCKET_SHIFT]++] = e[i];
		RUN_MOVES(n);
		r->entry = to;
		r->spare = e;
	}
	if (most <= INSERT_MOST)
		insertion_sort(r->entry, n);
	else /* now start[b] is where bucket b ends */
		for (uint32_t b = 0, from = 0; b < BUCKETS; from = start[b++])
			merge_sort(to + from, e, start[b] - from);
	e = r->entry;
	for (uint32_t i = 0; i < n; i++) /* no gaps: NOLINTNEXTLINE */
		*e[i].item = RUN_PLACE | i;
}

int
rota__run_check(const struct run *r)
{
	uint32_t live = 0;

	if (r->end > r->most || (r->sorted && r->first > r->end))
		return __LINE__;
	for (uint32_t i = r->sorted ? r->first : 0; i < r->end; i++) {
		const struct run_entry *e = &r->entry[i];

		if (r->sorted && i > r->first && e->key < e[-1].key)
			return __LINE__;
		if (!e->item)
			continue;
		if (*e->item != (RUN_PLACE | i))
			return __LINE__;
		live++;
	}
	return live == r->live ? 0 : __LINE__;
}
