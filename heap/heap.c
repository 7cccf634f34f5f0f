/* SPDX-License-Identifier: MIT
 *
 * heap.c - a heap's memory, and its invariants asked. The operations are in
 * heap/heap.h.
 */
#include "heap/heap.h"

#include <string.h>

#define ENTRY_BYTES (HEAP_BLOCK * sizeof(struct heap_entry))
#define ITEM_BYTES (HEAP_BLOCK * sizeof(uint32_t *))
#define WHERE_BYTES (HEAP_BLOCK * sizeof(uint32_t))
#define BLOCK_BYTES (ENTRY_BYTES + ITEM_BYTES + WHERE_BYTES)

int
rota__heap_init(struct heap *h, uint64_t max, const struct rota_mem *mem)
{
	uint64_t blocks = (max + HEAP_PAD + HEAP_BLOCK - 1) >> HEAP_BLOCK_BITS;

	memset(h, 0, sizeof(*h));
	h->free_id = HEAP_NONE;
	h->max_blocks = (uint32_t)blocks;
	h->block = mem->alloc(mem->arg, blocks * sizeof(*h->block), ROTA_LINE);
	return h->block ? 0 : -1;
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

/* The owner reads block[i] only once it holds more items than the blocks
 * before it have room for; the item that made this call is one of them, and
 * reached the owner after the call. So the table needs no atomics. */
int
rota__heap_grow(struct heap *h, uint64_t n, const struct rota_mem *mem)
{
	while (((uint64_t)h->blocks << HEAP_BLOCK_BITS) < n + HEAP_PAD) {
		char *block;

		if (h->blocks == h->max_blocks)
			return -1;
		block = mem->alloc(mem->arg, BLOCK_BYTES, ROTA_LINE);
		if (!block)
			return -1;
		h->block[h->blocks++] = (struct heap_block){
			.entry = (void *)block,
			.item = (void *)(block + ENTRY_BYTES),
			.where = (void *)(block + ENTRY_BYTES + ITEM_BYTES),
		};
	}
	return 0;
}

/* One entry of each part goes from the part's front to its end. */
void
rota__heap_yield(struct heap *h)
{
	uint32_t end = h->len + h->bag, old = h->len + h->old;

	if (old < end)
		heap_put(h, end, *heap_at(h, old));
	if (h->old)
		heap_put(h, old, *heap_at(h, h->len));
}

/* One entry of each part goes from the part's end to the gap before it. The
 * counts are those without the entry that left. */
void
rota__heap_fill(struct heap *h, uint32_t i)
{
	uint32_t end = h->len + h->bag, old = h->len + h->old;

	if (i < old) {
		heap_put(h, i, *heap_at(h, old));
		i = old;
	}
	if (i < end)
		heap_put(h, i, *heap_at(h, end));
}

void
rota__heap_unbag_at(struct heap *h, uint32_t i)
{
	heap_unname(h, heap_at(h, i)->id);
	h->old -= i < h->len + h->old;
	h->bag--;
	rota__heap_fill(h, i);
}

int
rota__heap_check(const struct heap *h)
{
	uint32_t free = 0;

	if ((uint64_t)h->len + h->bag + HEAP_PAD >
		((uint64_t)h->blocks << HEAP_BLOCK_BITS) &&
	    h->len + h->bag)
		return __LINE__;
	for (uint32_t i = 0; i < h->len + h->bag; i++) {
		const struct heap_entry *e = heap_at(h, i);

		if (e->id >= h->fresh_id || *heap_where(h, e->id) != i)
			return __LINE__;
		if (**heap_item(h, e->id) != (e->id | HEAP_PLACE))
			return __LINE__;
		if (i >= h->len && (e->when || e->seq))
			return __LINE__;
		if (i > 0 && i < h->len &&
		    heap_before(e->when, e->seq, heap_at(h, (i - 1) >> 2)))
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
