/* SPDX-License-Identifier: MIT
 *
 * backend.c - making, growing, shrinking and checking a shard's structure. The
 * operations are in core/backend.h.
 */
#include "core/backend.h"

#include <errno.h>
#include <string.h>

int
rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem)
{
	memset(b, 0, sizeof(*b));
	if (backend != ROTA_WHEEL_COARSE && rota__heap_init(&b->heap, max, mem))
		goto fail;
	if (backend != ROTA_HEAP &&
	    rota__wheel_init(&b->wheel, max, now >> WHEEL_TICK_BITS, mem))
		goto fail;
	if (backend == ROTA_WHEEL && rota__run_init(&b->run, max, mem))
		goto fail;
	return 0;
fail:
	rota__backend_destroy(b, backend, mem);
	return -ENOMEM;
}

void
rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem)
{
	if (backend != ROTA_WHEEL_COARSE)
		rota__heap_destroy(&b->heap, mem);
	if (backend != ROTA_HEAP)
		rota__wheel_destroy(&b->wheel, mem);
	rota__run_destroy(&b->run, mem);
}

/* The heap of an exact wheel has room for all items: all may be due in one
 * millisecond. Unused memory is not touched. */
int
rota__backend_grow(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem)
{
	if (backend != ROTA_WHEEL_COARSE && rota__heap_grow(&b->heap, n, mem))
		return -ENOMEM;
	if (backend != ROTA_HEAP && rota__wheel_grow(&b->wheel, n, mem))
		return -ENOMEM;
	return 0;
}

void
rota__backend_lower_begin(const struct queue *b, enum rota_backend backend,
    uint64_t n, struct backend_lower *l)
{
	if (backend != ROTA_WHEEL_COARSE)
		rota__heap_lower_begin(&b->heap, n, &l->heap);
	if (backend != ROTA_HEAP)
		rota__wheel_lower_begin(&b->wheel, n, &l->wheel);
}

bool
rota__backend_lower(struct queue *b, enum rota_backend backend,
    struct backend_lower *l, uint64_t *left)
{
	return (backend == ROTA_WHEEL_COARSE ||
		   rota__heap_lower(&b->heap, &l->heap, left)) &&
	    (backend == ROTA_HEAP ||
		rota__wheel_lower(&b->wheel, &l->wheel, left));
}

void
rota__backend_cut(
    struct queue *b, enum rota_backend backend, const struct backend_lower *l)
{
	if (backend != ROTA_WHEEL_COARSE)
		rota__heap_cut(&b->heap, &l->heap);
	if (backend != ROTA_HEAP)
		rota__wheel_cut(&b->wheel, &l->wheel);
}

uint64_t
rota__backend_shrink(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem)
{
	uint64_t bytes = 0;

	if (backend != ROTA_WHEEL_COARSE)
		bytes = rota__heap_shrink(&b->heap, n, mem);
	if (backend != ROTA_HEAP)
		bytes += rota__wheel_shrink(&b->wheel, n, mem);
	return bytes;
}

int
rota__backend_check(const struct queue *b, enum rota_backend backend)
{
	int line = 0;

	if (backend != ROTA_WHEEL_COARSE)
		line = rota__heap_check(&b->heap);
	if (!line && backend != ROTA_HEAP)
		line = rota__wheel_check(&b->wheel);
	if (!line && backend == ROTA_WHEEL)
		line = rota__run_check(&b->run);
	return line;
}
