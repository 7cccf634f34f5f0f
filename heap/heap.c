/* SPDX-License-Identifier: MIT
 *
 * heap.c - the memory of a heap, and the check of its invariants. The
 * operations are in heap/heap.h.
 */
#include "heap/heap.h"

#include <errno.h>
#include <string.h>

#define ENTRY_BYTES (HEAP_BLOCK * sizeof(struct heap_entry))
#define ITEM_BYTES (HEAP_BLOCK * sizeof(uint32_t *))
#define WHERE_BYTES (HEAP_BLOCK * sizeof(uint32_t))
#define BLOCK_BYTES (ENTRY_BYTES + ITEM_BYTES + 2 * WHERE_BYTES)

int
rota__heap_init(struct heap *h, uint64_t max, const struct rota_mem *mem)
{
	uint64_t blocks = (max + HEAP_PAD + HEAP_BLOCK - 1) >> HEAP_BLOCK_BITS;

	memset(h, 0, sizeof(*h));
	h->free_id = HEAP_NONE;
	h->max_blocks = (uint32_t)blocks;
	h->block = mem->alloc(mem->arg, blocks * sizeof(*h->block), ROTA_LINE);
	return h->block ? 0 : -ENOMEM;
}

void
rota__heap_destroy(struct heap *h, const struct rota_mem *mem)
{
	for (uint32_t i = 0; i < h->blocks; i++)
		mem->free(mem->arg, h->block[i].entry, BLOCK_BYTES);
	if (h->block)
		mem->free(
		    mem->arg, h->block, h->max_blocks * sizeof(*h->block));
	memset(h, 0, sizeof(*h));
}

/* The table of blocks needs no atomics: the owner reads block[i] only when the
 * heap has more items than fit in the blocks before it. One of those items
 * caused the call that made block[i], and reached the owner after that call. */
int
rota__heap_grow(struct heap *h, uint64_t n, const struct rota_mem *mem)
{
	while (((uint64_t)h->blocks << HEAP_BLOCK_BITS) < n + HEAP_PAD) {
		char *block;

		if (h->blocks == h->max_blocks)
			return -ENOMEM;
		block = mem->alloc(mem->arg, BLOCK_BYTES, ROTA_LINE);
		if (!block)
			return -ENOMEM;
		h->block[h->blocks] = (struct heap_block){
			.entry = (void *)block,
			.item = (void *)(block + ENTRY_BYTES),
			.where = (void *)(block + ENTRY_BYTES + ITEM_BYTES),
			.bag = (void *)(block + BLOCK_BYTES - WHERE_BYTES),
		};
		rota_in_order(); /* a forked child frees by this count */
		h->blocks++;
	}
	return 0;
}

/* The number of blocks that @n items need. */
static uint32_t
blocks_for(uint64_t n)
{
	n += HEAP_PAD + HEAP_BLOCK - 1;
	return n < HEAP_PAD + HEAP_BLOCK ? 0 : (uint32_t)(n >> HEAP_BLOCK_BITS);
}

static uint32_t *
id_next(void *heap, uint32_t id)
{
	return heap_where(heap, id);
}

static bool
id_last(void *heap, uint32_t id)
{
	return *heap_where(heap, id) == HEAP_NONE; /* never a position */
}

static struct numbers
ids_of(struct heap *h)
{
	return (
	    struct numbers){ h, &h->free_id, h->fresh_id, id_next, id_last };
}

static uint32_t
ids_free(const struct heap *h)
{
	return h->fresh_id - h->len - h->bag;
}

void
rota__heap_lower_begin(const struct heap *h, uint64_t n, struct lower *l)
{
	uint32_t limit = blocks_for(n) << HEAP_BLOCK_BITS;

	*l = (struct lower){ .limit = limit,
		.low_end = NUMBER_NONE,
		.end = NUMBER_NONE,
		.turn = ids_free(h),
		.at = limit };
}

/* The item whose id is @from gets the free id @to. */
static void
rename_id(struct heap *h, const struct lower *l, uint32_t from, uint32_t to)
{
	uint32_t *item = *heap_item(h, from), at = *heap_where(h, from);

	*heap_item(h, to) = item;
	*heap_where(h, to) = at;
	if (at & HEAP_BAGGED)
		*heap_bagged(h, at & ~HEAP_BAGGED) = to;
	else
		heap_at(h, at)->id = to;
	*heap_item(h, from) = NULL;
	if (!l->gone || !l->gone(l->gone_arg, item))
		*item = to | HEAP_PLACE;
}

/* Ids that one step checks: their item pointers share a cache line. */
#define LOWER_ROW 8

/* A round is a turn of the free list, then a search for ids in use. An id that
 * was freed or taken during a round may be missed; the next round finds it. */
bool
rota__heap_lower(struct heap *h, struct lower *l, uint64_t *left)
{
	struct numbers n;
	uint32_t to;

	if (ids_free(h) == h->fresh_id) {
		h->free_id = HEAP_NONE;
		h->fresh_id = 0;
	}
	n = ids_of(h);
	if (n.fresh <= l->limit)
		return true;
	if (!l->limit || !rota__numbers_end(&n, l, left))
		return false;
	for (unsigned rounds = 0; *left && !numbers_done(&n, l);) {
		if (l->turn) {
			rota__numbers_turn(&n, l, left);
		} else if (l->at == n.fresh) {
			if (++rounds == 2)
				break;
			l->at = l->limit;
			l->turn = ids_free(h);
		} else {
			if (l->at % LOWER_ROW == 0)
				numbers_look(left, 1);
			if (*heap_item(h, l->at)) {
				to = rota__numbers_take(&n, l);
				if (to == NUMBER_NONE)
					return false;
				rename_id(h, l, l->at, to);
				rota__numbers_behind(&n, l, l->at);
				numbers_look(left, 1);
			}
			l->at++;
		}
	}
	return numbers_done(&n, l);
}

void
rota__heap_cut(struct heap *h, const struct lower *l)
{
	if (h->fresh_id <= l->limit)
		return;
	*heap_where(h, l->low_end) = HEAP_NONE;
	h->fresh_id = l->limit;
}

uint64_t
rota__heap_shrink(struct heap *h, uint64_t n, const struct rota_mem *mem)
{
	if (h->blocks <= blocks_for(n))
		return 0;
	h->blocks--;
	rota_in_order(); /* a forked child frees by this count */
	mem->free(mem->arg, h->block[h->blocks].entry, BLOCK_BYTES);
	return BLOCK_BYTES;
}

int
rota__heap_check(const struct heap *h)
{
	uint32_t free = 0;

	if ((uint64_t)h->len + HEAP_PAD >
		((uint64_t)h->blocks << HEAP_BLOCK_BITS) &&
	    h->len)
		return __LINE__;
	for (uint32_t i = 0; i < h->len; i++) {
		const struct heap_entry *e = heap_at(h, i);

		if (e->id >= h->fresh_id || *heap_where(h, e->id) != i)
			return __LINE__;
		if (**heap_item(h, e->id) != (e->id | HEAP_PLACE))
			return __LINE__;
		if (i > 0 &&
		    heap_before(e->when, e->seq, heap_at(h, (i - 1) >> 2)))
			return __LINE__;
	}
	for (uint32_t i = 0; i < h->bag; i++) {
		uint32_t id = *heap_bagged(h, i);

		if (id >= h->fresh_id ||
		    *heap_where(h, id) != (i | HEAP_BAGGED) ||
		    **heap_item(h, id) != (id | HEAP_PLACE))
			return __LINE__;
	}
	for (uint32_t id = h->free_id; id != HEAP_NONE;
	     id = *heap_where(h, id)) {
		if (++free > h->fresh_id || *heap_item(h, id))
			return __LINE__;
	}
	if (h->old > h->bag)
		return __LINE__;
	return h->len + h->bag + free == h->fresh_id ? 0 : __LINE__;
}
