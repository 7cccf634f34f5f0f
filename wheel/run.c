/* SPDX-License-Identifier: MIT
 *
 * run.c - sorting a run, and its invariants asked. The operations are in
 * wheel/run.h.
 */
#include "wheel/run.h"

#include <string.h>

/* Keys are dealt to 256 buckets by the highest bits within the tick, 4 us
 * each; a bucket has one or two then. */
#define BUCKET_BITS 8
#define BUCKETS (1u << BUCKET_BITS)
#define BUCKET_SHIFT (32 + RUN_BITS - BUCKET_BITS)
/* Up to this many are sorted by insertion, more are merged: arbitrary. */
#define INSERT_MOST 12

static void
insertion_sort(struct run_entry *e, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct run_entry x = e[i];
		uint32_t j = i;

		for (; j > 0 && x.key < e[j - 1].key; j--)
			e[j] = e[j - 1];
		e[j] = x;
	}
}

/* Sort @e with room for as many in @spare: for the herd of one instant. */
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
	memmove(spare, e, half * sizeof(*e));
	while (i < half && j < n)
		e[k++] = e[j].key < spare[i].key ? e[j++] : spare[i++];
	memmove(e + k, spare + i, (half - i) * sizeof(*e));
}

/* The first half of the memory has what was collected; dealt to the second,
 * sorted there bucket by bucket, and back. */
void
rota__run_sort(struct run *r)
{
	struct run_entry *e = r->entry, *to = r->entry + RUN_MOST;
	uint16_t start[BUCKETS + 1];
	uint32_t n = 0;

	/* Gaps go: their place is asked for by nobody. */
	for (uint32_t i = 0; i < r->end; i++)
		if (e[i].item)
			e[n++] = e[i];
	r->end = n;
	r->sorted = true;
	if (n <= INSERT_MOST) {
		insertion_sort(e, n);
	} else {
		memset(start, 0, sizeof(start));
		for (uint32_t i = 0; i < n; i++)
			start[(e[i].key >> BUCKET_SHIFT) + 1]++;
		for (uint32_t b = 0; b < BUCKETS; b++)
			start[b + 1] = (uint16_t)(start[b + 1] + start[b]);
		for (uint32_t i = 0; i < n; i++)
			to[start[e[i].key >> BUCKET_SHIFT]++] = e[i];
		/* Now start[b] is where bucket b ends. */
		for (uint32_t b = 0, from = 0; b < BUCKETS; from = start[b++]) {
			uint32_t many = start[b] - from;

			if (many > 1)
				merge_sort(to + from, e, many);
		}
		memmove(e, to, n * sizeof(*e));
	}
	for (uint32_t i = 0; i < n; i++)
		*e[i].item = RUN_PLACE | i;
}

int
rota__run_check(const struct run *r)
{
	uint32_t live = 0;

	if (r->end > RUN_MOST || (r->sorted && r->first > r->end))
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
