/* SPDX-License-Identifier: MIT
 *
 * mem.h - an allocator that counts, that can refuse, and that notices when
 * what is given back is not what was given.
 *
 * What it gives is filled with a pattern, so that nobody takes it for zeros.
 * Any thread.
 */
#ifndef TESTS_SUPPORT_MEM_H
#define TESTS_SUPPORT_MEM_H

#include <rota/rota.h>

#include "core/sys/atomic.h"
#include "core/sys/compiler.h"

struct mem {
	rota_word calls; /* of alloc, refused ones too */
	rota_word frees;
	rota_word blocks;  /* out now */
	rota_word bytes;   /* out now */
	rota_word wrong;   /* frees of another size or shard, or twice */
	rota_word fail_at; /* the call with this number is refused; 0: none */
	rota_word sealed;  /* 1: every call of alloc is refused */
};

/* mem_fail - refuse the @n-th call of alloc from now on, from 1; 0: none. */
void mem_fail(struct mem *m, uint64_t n);
/* mem_failed - was one refused since mem_fail()? */
bool mem_failed(const struct mem *m);
/* mem_allocator - for rota_config.allocator. */
struct rota_allocator mem_allocator(struct mem *m);
/* mem_backend - for a heap or a wheel without an engine. */
struct rota_mem mem_backend(struct mem *m);

#endif
