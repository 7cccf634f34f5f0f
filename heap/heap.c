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
#define BLOCK_BYTES (ENTRY_BYTES + ITEM_BYTES + 2 * WHERE_BYTES)

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
		h->block[h->blocks] = (struct heap_block){
			.entry = (void *)block,
			.item = (void *)(block + ENTRY_BYTES),
			.where = (void *)(block + ENTRY_BYTES + ITEM_BYTES),
			.bag = (void *)(block + BLOCK_BYTES - WHERE_BYTES),
		};
		rota_in_order(); /* a child frees what is counted */
		h->blocks++;
	}
	return 0;
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
