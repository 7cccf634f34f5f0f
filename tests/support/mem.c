/* SPDX-License-Identifier: MIT
 *
 * mem.c - tests/support/mem.h. A label stands right before each block and
 * says what it is.
 */
#include "tests/support/mem.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_MAGIC UINT64_C(0x6d656d206c61626c) /* arbitrary */
#define FILL 0xa5                                /* arbitrary, not zero */

struct label {
	uint64_t magic;
	uint64_t size;
	uint64_t shard;
	void *block; /* what free() wants */
};

void
mem_fail(struct mem *m, uint64_t n)
{
	uint64_t calls = word_load(&m->calls, relaxed); /* one thread here */

	word_store(&m->fail_at, n ? calls + n : 0, relaxed);
}

bool
mem_failed(const struct mem *m)
{
	uint64_t at = word_load(&m->fail_at, relaxed); /* after the fact */

	return at && word_load(&m->calls, relaxed) >= at;
}

static void *
mem_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	struct mem *m = arg;
	uint64_t call = word_add(&m->calls, (uint64_t)1, relaxed) + 1;
	size_t head = align > sizeof(struct label) ? align
						   : sizeof(struct label);
	struct label label = { LABEL_MAGIC, size, shard, NULL };
	char *block;

	if (word_load(&m->sealed, relaxed) ||
	    word_load(&m->fail_at, relaxed) == call)
		return NULL;
	block = aligned_alloc(head, (head + size + head - 1) / head * head);
	if (!block)
		abort(); /* of the machine's memory no test makes use */
	label.block = block;
	memcpy(block + head - sizeof(label), &label, sizeof(label));
	memset(block + head, FILL, size);
	word_add(&m->blocks, (uint64_t)1, relaxed);
	word_add(&m->bytes, (uint64_t)size, relaxed);
	return block + head;
}

static void
mem_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	struct mem *m = arg;
	struct label label;
	char *at = ptr;

	memcpy(&label, at - sizeof(label), sizeof(label));
	word_add(&m->frees, (uint64_t)1, relaxed);
	if (label.magic != LABEL_MAGIC || label.size != size ||
	    label.shard != shard) {
		word_add(&m->wrong, (uint64_t)1, relaxed);
		return;
	}
	memset(at - sizeof(label), 0, sizeof(label));
	memset(at, FILL, size);
	word_add(&m->blocks, (uint64_t)0 - 1, relaxed);
	word_add(&m->bytes, (uint64_t)0 - size, relaxed);
	free(label.block);
}

struct rota_allocator
mem_allocator(struct mem *m)
{
	return (struct rota_allocator){ mem_alloc, mem_free, m };
}

static void *
backend_alloc(void *arg, size_t size, size_t align)
{
	return mem_alloc(arg, 0, size, align);
}

static void
backend_free(void *arg, void *ptr, size_t size)
{
	mem_free(arg, 0, ptr, size);
}

struct rota_mem
mem_backend(struct mem *m)
{
	return (struct rota_mem){ backend_alloc, backend_free, m };
}
