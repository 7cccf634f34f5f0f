/* SPDX-License-Identifier: MIT
 *
 * backend.c - making, growing, shrinking and checking whichever backend it is.
 * The operations are in core/backend.h.
 */
#include "core/backend.h"

#include <string.h>

int
rota__backend_init(struct backend *b, enum rota_backend which, uint64_t max,
    uint64_t now, const struct rota_mem *mem)
{
	memset(b, 0, sizeof(*b));
	if (which != ROTA_WHEEL_COARSE && rota__heap_init(&b->heap, max, mem))
		goto fail;
	if (which != ROTA_HEAP &&
	    rota__wheel_init(&b->wheel, max, now >> WHEEL_TICK_BITS, mem))
		goto fail;
	if (which == ROTA_WHEEL && rota__run_init(&b->run, max, mem))
		goto fail;
	return 0;
fail:
	rota__backend_destroy(b, which, mem);
	return -1;
}

void
rota__backend_destroy(
    struct backend *b, enum rota_backend which, const struct rota_mem *mem)
{
	if (which != ROTA_WHEEL_COARSE)
		rota__heap_destroy(&b->heap, mem);
	if (which != ROTA_HEAP)
		rota__wheel_destroy(&b->wheel, mem);
	rota__run_destroy(&b->run, mem);
}

/* The heap of an exact wheel has room for all: they may all be due in one
 * millisecond. Memory that is not used is not touched. */
int
rota__backend_grow(struct backend *b, enum rota_backend which, uint64_t n,
    const struct rota_mem *mem)
{
	if (which != ROTA_WHEEL_COARSE && rota__heap_grow(&b->heap, n, mem))
		return -1;
	if (which != ROTA_HEAP && rota__wheel_grow(&b->wheel, n, mem))
		return -1;
	return 0;
}

void
rota__backend_lower_begin(const struct backend *b, enum rota_backend which,
    uint64_t n, struct backend_lower *l)
{
	if (which != ROTA_WHEEL_COARSE)
		rota__heap_lower_begin(&b->heap, n, &l->heap);
	if (which != ROTA_HEAP)
		rota__wheel_lower_begin(&b->wheel, n, &l->wheel);
}

bool
rota__backend_lower(struct backend *b, enum rota_backend which,
    struct backend_lower *l, uint64_t *left)
{
	return (which == ROTA_WHEEL_COARSE ||
		   rota__heap_lower(&b->heap, &l->heap, left)) &&
	    (which == ROTA_HEAP ||
		rota__wheel_lower(&b->wheel, &l->wheel, left));
}

void
rota__backend_cut(
    struct backend *b, enum rota_backend which, const struct backend_lower *l)
{
	if (which != ROTA_WHEEL_COARSE)
		rota__heap_cut(&b->heap, &l->heap);
	if (which != ROTA_HEAP)
		rota__wheel_cut(&b->wheel, &l->wheel);
}

uint64_t
rota__backend_shrink(struct backend *b, enum rota_backend which, uint64_t n,
    const struct rota_mem *mem)
{
	uint64_t bytes = 0;

	if (which != ROTA_WHEEL_COARSE)
		bytes = rota__heap_shrink(&b->heap, n, mem);
	if (which != ROTA_HEAP)
		bytes += rota__wheel_shrink(&b->wheel, n, mem);
	return bytes;
}

int
rota__backend_check(const struct backend *b, enum rota_backend which)
{
	int line = 0;

	if (which != ROTA_WHEEL_COARSE)
		line = rota__heap_check(&b->heap);
	if (!line && which != ROTA_HEAP)
		line = rota__wheel_check(&b->wheel);
	if (!line && which == ROTA_WHEEL)
		line = rota__run_check(&b->run);
	return line;
}
