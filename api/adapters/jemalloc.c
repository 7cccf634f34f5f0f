/* SPDX-License-Identifier: MIT
 *
 * jemalloc.c - rota/jemalloc.h. No thread caches: shards allocate seldom and in
 * blocks, and the figures must say exactly what an arena has in use.
 */
#include <rota/jemalloc.h>

#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <stdio.h>

struct rota_jemalloc {
	unsigned shards;
	unsigned arena[];
};

static int
flags_of(const struct rota_jemalloc *j, unsigned shard)
{
	return (int)(MALLOCX_ARENA(j->arena[shard % j->shards]) |
	    MALLOCX_TCACHE_NONE);
}

static void *
arena_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	return mallocx(size, flags_of(arg, shard) | MALLOCX_ALIGN(align));
}

static void
arena_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	(void)size;
	dallocx(ptr, flags_of(arg, shard));
}

int
rota_jemalloc_create(struct rota_jemalloc **out, unsigned shards)
{
	struct rota_jemalloc *j;
	size_t bytes = sizeof(*j) + shards * sizeof(*j->arena);

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!shards)
		return -EINVAL;
	j = mallocx(bytes, 0);
	if (!j)
		return -ENOMEM;
	for (j->shards = 0; j->shards < shards; j->shards++) {
		size_t size = sizeof(*j->arena);

		if (mallctl("arenas.create", &j->arena[j->shards], &size, NULL,
			0)) {
			rota_jemalloc_destroy(j);
			return -EAGAIN;
		}
	}
	*out = j;
	return 0;
}

void
rota_jemalloc_destroy(struct rota_jemalloc *j)
{
	char name[64];

	if (!j)
		return;
	for (unsigned i = 0; i < j->shards; i++) {
		snprintf(name, sizeof(name), "arena.%u.destroy", j->arena[i]);
		mallctl(name, NULL, NULL, NULL, 0);
	}
	dallocx(j, 0);
}

struct rota_allocator
rota_jemalloc_allocator(struct rota_jemalloc *j)
{
	return (struct rota_allocator){ arena_alloc, arena_free, j };
}

static int
figure(unsigned arena, const char *what, uint64_t *out)
{
	char name[64];
	size_t value, size = sizeof(value);

	snprintf(name, sizeof(name), "stats.arenas.%u.%s", arena, what);
	if (mallctl(name, &value, &size, NULL, 0))
		return -EOPNOTSUPP;
	*out += value;
	return 0;
}

int
rota_jemalloc_stat(
    struct rota_jemalloc *j, unsigned shard, struct rota_jemalloc_stats *out)
{
	uint64_t epoch = 1, pages = 0;
	size_t size = sizeof(epoch);
	unsigned a;
	int r;

	if (!j || !out || shard >= j->shards)
		return -EINVAL;
	a = j->arena[shard];
	*out = (struct rota_jemalloc_stats){ 0, 0, 0 };
	/* Writing the epoch makes jemalloc bring its figures up to date. */
	if (mallctl("epoch", &epoch, &size, &epoch, size))
		return -EOPNOTSUPP;
	r = figure(a, "small.allocated", &out->allocated);
	if (!r)
		r = figure(a, "large.allocated", &out->allocated);
	if (!r)
		r = figure(a, "pactive", &pages);
	if (!r)
		r = figure(a, "resident", &out->resident);
	size = sizeof(epoch);
	if (!r && !mallctl("arenas.page", &epoch, &size, NULL, 0))
		out->active = pages * epoch;
	return r;
}
