/* SPDX-License-Identifier: MIT
 *
 * wheel.c - the memory of a wheel, the search of its bitmaps, and the check of
 * its invariants. The operations are in wheel/wheel.h.
 */
#include "wheel/wheel.h"

#include <errno.h>
#include <string.h>

#define ITEM_BYTES (WHEEL_SLAB * WHEEL_CHUNK * sizeof(uint32_t *))
/* Chunks that one step of a walk reads: some 1 us if all are free. */
#define VISIT_CHUNKS 256
#define SLAB_BYTES (ITEM_BYTES + WHEEL_SLAB * sizeof(struct wheel_chunk))

/* Chunks that @n items may need: the full chunks, and in each slot in use one
 * chunk that is not full. */
static uint64_t
chunks_for(uint64_t n)
{
	uint64_t partly = n < WHEEL_SLOTS ? n : WHEEL_SLOTS;

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
	w->pos = w->led = pos;
	w->next_expiry = WHEEL_END;
	w->draining = WHEEL_NONE;
	w->later = WHEEL_LATER;
	w->free_chunk = WHEEL_NONE;
	w->max_slabs = (uint32_t)slabs_for(max);
	w->slab = mem->alloc(
	    mem->arg, w->max_slabs * sizeof(*w->slab), ROTA_LINE);
	return w->slab ? 0 : -ENOMEM;
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

/* rota__heap_grow() says why the table needs no atomics. */
int
rota__wheel_grow(struct wheel *w, uint64_t n, const struct rota_mem *mem)
{
	uint64_t need = slabs_for(n);

	while (w->slabs < need) {
		char *block;

		if (w->slabs == w->max_slabs)
			return -ENOMEM;
		block = mem->alloc(mem->arg, SLAB_BYTES, ROTA_LINE);
		if (!block)
			return -ENOMEM;
		w->slab[w->slabs] = (struct wheel_slab){
			.item = (void *)block,
			.chunk = (void *)(block + ITEM_BYTES),
		};
		rota_in_order(); /* a forked child frees by this count */
		w->slabs++;
	}
	return 0;
}

/* How far after @digit, around the ring, the first slot in use on @level is.
 * There is one. */
rota_inline uint32_t
first_used(const struct wheel *w, uint32_t level, uint32_t digit)
{
	uint32_t word = digit >> 6, words = w->words[level];
	uint64_t bits = w->used[level][word] & ~(uint64_t)0 << (digit & 63);

	if (!bits) { /* the next word with a bit on */
		uint32_t later = words & ~(uint32_t)0 << word << 1;

		word = low_bit(later ? later : words);
		bits = w->used[level][word];
	}
	return ((word << 6 | low_bit(bits)) - digit) & WHEEL_DIGIT;
}

/* rota__wheel_next() for one level. */
rota_inline uint64_t
level_next(const struct wheel *w, uint32_t level, uint64_t from)
{
	uint32_t shift = level * WHEEL_BITS;
	uint64_t most = (w->pos >> shift) + WHEEL_RING;
	uint64_t at = (from + ((uint64_t)1 << shift) - 1) >> shift;

	if (!w->words[level] || at >= most)
		return WHEEL_END;
	at += first_used(w, level, (uint32_t)at & WHEEL_DIGIT);
	return at < most ? at << shift : WHEEL_END;
}

uint64_t
rota__wheel_next(const struct wheel *w, uint64_t from)
{
	uint64_t next = level_next(w, 0, from), start;

	/* No slot of an upper level starts before this. */
	if (next <= ((from + WHEEL_SPAN - 1) & ~(uint64_t)(WHEEL_SPAN - 1)))
		return next;
	for (uint32_t level = 1; level < WHEEL_LEVELS; level++) {
		start = level_next(w, level, from);
		next = start < next ? start : next;
	}
	return next;
}

/* The slot of @level that starts next, if it is so large that timers due after
 * its start would wait for its cascade; else WHEEL_NONE. */
static uint32_t
large_next_slot(const struct wheel *w, uint32_t level)
{
	uint64_t span = (uint64_t)1 << level * WHEEL_BITS;
	uint32_t slot = wheel_at(w->pos + span, level);

	return w->slot[slot].chunks >= WHEEL_EARLY_CHUNKS ? slot : WHEEL_NONE;
}

uint64_t
rota__wheel_early(const struct wheel *w, uint32_t *level, uint32_t *slot)
{
	while (++*level < WHEEL_LEVELS) {
		uint64_t span = (uint64_t)1 << *level * WHEEL_BITS;
		uint64_t came = w->pos & (span - 1), left = span - came;
		uint64_t since = w->pos - w->led;

		*slot = large_next_slot(w, *level);
		if (*slot == WHEEL_NONE)
			continue;
		if (since > came + 1) /* next only since this slot began */
			since = came + 1;
		/* No overflow: up to 2^27 times 2^32. */
		return (uint64_t)w->slot[*slot].chunks * WHEEL_CHUNK * since /
		    (left + since) +
		    1;
	}
	return 0;
}

uint64_t
rota__wheel_early_from(const struct wheel *w)
{
	/* Items inserted meanwhile are noticed a little later. */
	uint64_t step = WHEEL_SPAN / 16 + 1;

	for (uint32_t level = 1; level < WHEEL_LEVELS; level++) {
		uint64_t span = (uint64_t)1 << level * WHEEL_BITS;
		uint32_t slot = large_next_slot(w, level);
		uint64_t each; /* ticks for each chunk */

		if (slot == WHEEL_NONE)
			continue;
		each = (span - (w->pos & (span - 1))) / w->slot[slot].chunks;
		step = each < step ? each : step;
	}
	return w->pos + (step ? step : 1);
}

/* How many items @chunk has; 0 if it is free. */
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

	for (uint32_t n = 0; chunk < w->fresh_chunk && n < VISIT_CHUNKS; n++) {
		uint32_t i = *cursor & (WHEEL_CHUNK - 1);

		if (i < chunk_count(w, chunk)) {
			++*cursor;
			return wheel_pointers(w, chunk)[i];
		}
		*cursor = ++chunk << WHEEL_CHUNK_BITS;
	}
	return NULL;
}

static uint32_t *
chunk_next(void *wheel, uint32_t chunk)
{
	return &wheel_chunk(wheel, chunk)->next;
}

static bool
chunk_last(void *wheel, uint32_t chunk)
{
	const struct wheel_chunk *c = wheel_chunk(wheel, chunk);

	return c->slot == WHEEL_NONE && c->next == WHEEL_NONE;
}

static struct numbers
chunks_of(struct wheel *w)
{
	return (struct numbers){ w, &w->free_chunk, w->fresh_chunk, chunk_next,
		chunk_last };
}

/* What core/sys/numbers.h requires: fewer chunks are in use than the slabs for
 * @n items have. If @n items can fill a chunk they need at least one chunk less
 * than chunks_for() says; fewer items need fewer chunks than a slab has. */
_Static_assert(WHEEL_SLAB >= WHEEL_CHUNK && WHEEL_SLOTS >= WHEEL_CHUNK,
    "so many chunks are never in use");

void
rota__wheel_lower_begin(const struct wheel *w, uint64_t n, struct lower *l)
{
	*l = (struct lower){ .limit = (uint32_t)slabs_for(n) * WHEEL_SLAB,
		.low_end = NUMBER_NONE,
		.end = NUMBER_NONE,
		.turn = w->fresh_chunk,
		.before = WHEEL_NONE };
}

/* Move @chunk, which stands after @before in @slot, to the free chunk @to.
 * @before is WHEEL_NONE if @chunk is the head. */
static void
chunk_move(struct wheel *w, const struct lower *l, uint32_t slot,
    uint32_t before, uint32_t chunk, uint32_t to)
{
	uint32_t **from = wheel_pointers(w, chunk),
		 **at = wheel_pointers(w, to);
	struct wheel_slot *s = &w->slot[slot];
	uint32_t n = chunk_count(w, chunk);

	for (uint32_t i = 0; i < n; i++) {
		at[i] = from[i];
		if (!l->gone || !l->gone(l->gone_arg, at[i]))
			*at[i] = to << WHEEL_CHUNK_BITS | i;
	}
	*wheel_chunk(w, to) = *wheel_chunk(w, chunk);
	if (before == WHEEL_NONE) {
		s->fill = at + n;
		s->place = (to << WHEEL_CHUNK_BITS) + n;
	} else {
		wheel_chunk(w, before)->next = to;
	}
	wheel_chunk(w, chunk)->slot = WHEEL_NONE;
}

/* Move the next chunk of slot l->at, if it is not below the limit. This chunk
 * is the one after l->before, if the slot still has that, else the head. False:
 * there was no free chunk below the limit. */
static bool
slot_lower(
    struct wheel *w, const struct numbers *n, struct lower *l, uint64_t *left)
{
	const struct wheel_slot *s = &w->slot[l->at];
	uint32_t chunk = WHEEL_NONE, to;

	numbers_look(left, 1);
	if (l->before != WHEEL_NONE && wheel_chunk(w, l->before)->slot != l->at)
		l->before = WHEEL_NONE;
	if (l->before != WHEEL_NONE)
		chunk = wheel_chunk(w, l->before)->next;
	else if (s->fill)
		chunk = wheel_head(s);
	if (chunk == WHEEL_NONE) {
		l->at++;
		l->before = WHEEL_NONE;
		return true;
	}
	if (chunk >= l->limit) {
		to = rota__numbers_take(n, l);
		if (to == NUMBER_NONE)
			return false;
		chunk_move(w, l, l->at, l->before, chunk, to);
		rota__numbers_behind(n, l, chunk);
		numbers_look(left, WHEEL_CHUNK);
		chunk = to;
	}
	l->before = chunk;
	return true;
}

bool
rota__wheel_lower(struct wheel *w, struct lower *l, uint64_t *left)
{
	struct numbers n;

	if (!w->len) { /* then no slot has a chunk */
		w->free_chunk = WHEEL_NONE;
		w->fresh_chunk = 0;
	}
	n = chunks_of(w);
	if (n.fresh <= l->limit)
		return true;
	if (!l->limit || !rota__numbers_end(&n, l, left))
		return false;
	for (unsigned rounds = 0; *left && !numbers_done(&n, l);) {
		if (l->turn) {
			rota__numbers_turn(&n, l, left);
		} else if (l->at == WHEEL_SLOTS) {
			if (++rounds == 2)
				break;
			l->at = 0;
			l->before = WHEEL_NONE;
			l->turn = n.fresh;
		} else if (!slot_lower(w, &n, l, left)) {
			return false;
		}
	}
	return numbers_done(&n, l);
}

void
rota__wheel_cut(struct wheel *w, const struct lower *l)
{
	if (w->fresh_chunk <= l->limit)
		return;
	wheel_chunk(w, l->low_end)->next = WHEEL_NONE;
	w->fresh_chunk = l->limit;
}

uint64_t
rota__wheel_shrink(struct wheel *w, uint64_t n, const struct rota_mem *mem)
{
	if (w->slabs <= slabs_for(n))
		return 0;
	w->slabs--;
	rota_in_order(); /* a forked child frees by this count */
	mem->free(mem->arg, w->slab[w->slabs].item, SLAB_BYTES);
	return SLAB_BYTES;
}

/* May @slot, which is in use, start at tick @start? */
static bool
starts(const struct wheel *w, uint32_t slot, uint64_t start)
{
	uint32_t level = slot / WHEEL_RING, shift = level * WHEEL_BITS;

	if (slot >= WHEEL_LATER)
		return start == 0;
	return start == wheel_first(start, level) &&
	    wheel_at(start, level) == slot && start >= w->pos &&
	    (start >> shift) - (w->pos >> shift) < WHEEL_RING;
}

static int
slot_check(
    const struct wheel *w, uint32_t slot, uint64_t *items, uint64_t *chunks)
{
	const struct wheel_slot *s = &w->slot[slot];
	uint32_t level = slot / WHEEL_RING, digit = slot & WHEEL_DIGIT;
	bool used = w->used[level][digit >> 6] >> (digit & 63) & 1;
	uint64_t before = *chunks;

	if (used != (s->fill != NULL))
		return __LINE__;
	if (used && !(w->words[level] >> (digit >> 6) & 1))
		return __LINE__;
	if (!used)
		return s->place == 0 && s->chunks == 0 ? 0 : __LINE__;
	if (wheel_head(s) >= w->fresh_chunk ||
	    wheel_pointers(w, wheel_head(s)) + wheel_count(s) != s->fill)
		return __LINE__;
	for (uint32_t c = wheel_head(s); c != WHEEL_NONE;
	     c = wheel_chunk(w, c)->next) {
		if (c >= w->fresh_chunk || wheel_chunk(w, c)->slot != slot ||
		    !starts(w, slot, wheel_chunk(w, c)->start))
			return __LINE__;
		for (uint32_t i = 0; i < chunk_count(w, c); i++) {
			if (*wheel_pointers(w, c)[i] !=
			    (c << WHEEL_CHUNK_BITS | i))
				return __LINE__;
		}
		*items += chunk_count(w, c);
		++*chunks;
	}
	return *chunks - before == s->chunks ? 0 : __LINE__;
}

int
rota__wheel_check(const struct wheel *w)
{
	uint64_t items = 0, chunks = 0;

	for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++) {
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
	if (w->draining == WHEEL_NONE &&
	    w->next_expiry != rota__wheel_next(w, w->pos))
		return __LINE__;
	return 0;
}
