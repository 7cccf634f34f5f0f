/* SPDX-License-Identifier: MIT
 *
 * wheel.c - a wheel's memory, its bitmaps searched, its invariants asked. The
 * operations are in wheel/wheel.h.
 */
#include "wheel/wheel.h"

#include <string.h>

#define ITEM_BYTES (WHEEL_SLAB * WHEEL_CHUNK * sizeof(uint32_t *))
#define SLAB_BYTES (ITEM_BYTES + WHEEL_SLAB * sizeof(struct wheel_chunk))

/* Chunks that @n items may need: the full ones, and in every slot in use one
 * that is not. */
static uint64_t
chunks_for(uint64_t n)
{
	uint64_t partly = n < WHEEL_LATER + 2 ? n : WHEEL_LATER + 2;

	return n / WHEEL_CHUNK + partly;
}

static uint64_t
slabs_for(uint64_t n)
{
	return (chunks_for(n) + WHEEL_SLAB - 1) / WHEEL_SLAB;
}

int
rota__wheel_init(
    struct wheel *w, uint64_t max, uint64_t pos, const struct rota_mem *mem)
{
	memset(w, 0, sizeof(*w));
	w->pos = pos;
	w->event = WHEEL_END;
	w->draining = WHEEL_NONE;
	w->later = WHEEL_LATER;
	w->free_chunk = WHEEL_NONE;
	w->max_slabs = (uint32_t)slabs_for(max);
	w->slab = mem->alloc(
	    mem->arg, w->max_slabs * sizeof(*w->slab), ROTA_LINE);
	return w->slab ? 0 : -1;
}

void
rota__wheel_destroy(struct wheel *w, const struct rota_mem *mem)
{
	for (uint32_t i = 0; i < w->slabs; i++)
		mem->free(mem->arg, w->slab[i].item, SLAB_BYTES);
	if (w->slab)
		mem->free(mem->arg, w->slab, w->max_slabs * sizeof(*w->slab));
	memset(w, 0, sizeof(*w));
}

/* Why the table needs no atomics: see rota__heap_grow(). */
int
rota__wheel_grow(struct wheel *w, uint64_t n, const struct rota_mem *mem)
{
	uint64_t need = slabs_for(n);

	while (w->slabs < need) {
		char *block;

		if (w->slabs == w->max_slabs)
			return -1;
		block = mem->alloc(mem->arg, SLAB_BYTES, ROTA_LINE);
		if (!block)
			return -1;
		w->slab[w->slabs] = (struct wheel_slab){
			.item = (void *)block,
			.chunk = (void *)(block + ITEM_BYTES),
		};
		rota_in_order(); /* a child frees what is counted */
		w->slabs++;
	}
	return 0;
}

/* The first digit in use on @level that is @digit or more; WHEEL_SLOTS if
 * there is none. */
static uint32_t
first_used(const struct wheel *w, uint32_t level, uint32_t digit)
{
	uint32_t word = digit >> 6;
	uint64_t bits = w->used[level][word] & ~(uint64_t)0 << (digit & 63);

	while (!bits) {
		if (++word == WHEEL_WORDS)
			return WHEEL_SLOTS;
		bits = w->used[level][word];
	}
	return word << 6 | low_bit(bits);
}

/* All of a level lies before the next slot of the level above: the lowest
 * level in use has the event. */
uint64_t
rota__wheel_event(const struct wheel *w)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint32_t digit = (uint32_t)(w->pos >> level * WHEEL_BITS) &
		    WHEEL_DIGIT;
		uint32_t d = first_used(w, level, digit);

		if (d < WHEEL_SLOTS)
			return wheel_start(w, level * WHEEL_SLOTS + d);
	}
	return WHEEL_END;
}

/* How many items of @chunk are in use; 0 if it is free. */
static uint32_t
chunk_count(const struct wheel *w, uint32_t chunk)
{
	uint32_t slot = wheel_chunk(w, chunk)->slot;
	const struct wheel_slot *s;

	if (slot == WHEEL_NONE)
		return 0;
	s = &w->slot[slot];
	return wheel_head(s) == chunk ? wheel_count(s) : WHEEL_CHUNK;
}

uint32_t *
rota__wheel_visit(const struct wheel *w, uint32_t *cursor)
{
	uint32_t chunk = *cursor >> WHEEL_CHUNK_BITS;

	while (chunk < w->fresh_chunk) {
		uint32_t i = *cursor & (WHEEL_CHUNK - 1);

		if (i < chunk_count(w, chunk)) {
			++*cursor;
			return wheel_pointers(w, chunk)[i];
		}
		*cursor = ++chunk << WHEEL_CHUNK_BITS;
	}
	return NULL;
}

static int
slot_check(
    const struct wheel *w, uint32_t slot, uint64_t *items, uint64_t *chunks)
{
	const struct wheel_slot *s = &w->slot[slot];
	uint32_t level = slot / WHEEL_SLOTS, digit = slot & WHEEL_DIGIT;
	uint32_t at = (uint32_t)(w->pos >> level * WHEEL_BITS) & WHEEL_DIGIT;
	bool used = w->used[level][digit >> 6] >> (digit & 63) & 1;

	if (used != (s->fill != NULL))
		return __LINE__;
	if (!used)
		return s->place == 0 ? 0 : __LINE__;
	if (wheel_head(s) >= w->fresh_chunk ||
	    wheel_pointers(w, wheel_head(s)) + wheel_count(s) != s->fill)
		return __LINE__;
	if (slot < WHEEL_LATER && slot != w->draining &&
	    (level ? digit <= at : digit < at))
		return __LINE__;
	for (uint32_t c = wheel_head(s); c != WHEEL_NONE;
	     c = wheel_chunk(w, c)->next) {
		if (c >= w->fresh_chunk || wheel_chunk(w, c)->slot != slot ||
		    wheel_chunk(w, c)->start != wheel_start(w, slot))
			return __LINE__;
		for (uint32_t i = 0; i < chunk_count(w, c); i++) {
			if (*wheel_pointers(w, c)[i] !=
			    (c << WHEEL_CHUNK_BITS | i))
				return __LINE__;
		}
		*items += chunk_count(w, c);
		++*chunks;
	}
	return 0;
}

int
rota__wheel_check(const struct wheel *w)
{
	uint64_t items = 0, chunks = 0;

	for (uint32_t slot = 0; slot < WHEEL_LATER + 2; slot++) {
		int line = slot_check(w, slot, &items, &chunks);

		if (line)
			return line;
	}
	for (uint32_t c = w->free_chunk; c != WHEEL_NONE;
	     c = wheel_chunk(w, c)->next) {
		if (++chunks > w->fresh_chunk)
			return __LINE__;
	}
	if (items != w->len || chunks != w->fresh_chunk ||
	    w->fresh_chunk > (uint64_t)w->slabs * WHEEL_SLAB)
		return __LINE__;
	if (w->draining == WHEEL_NONE && w->event != rota__wheel_event(w))
		return __LINE__;
	return 0;
}
