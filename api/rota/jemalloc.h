/* SPDX-License-Identifier: MIT
 *
 * rota/jemalloc.h - an arena of jemalloc for each shard.
 *
 * A separate library, librota_jemalloc; librota does not depend on it.
 *
 *	struct rota_jemalloc *j;
 *	rota_jemalloc_create(&j, 4);
 *	struct rota_config c = { .size = sizeof(c), .shards = 4,
 *	    .allocator = rota_jemalloc_allocator(j) };
 *
 * Threads  any.
 * Errors   0 or -errno.
 */
#ifndef ROTA_JEMALLOC_H
#define ROTA_JEMALLOC_H

#include <rota/engine.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_jemalloc;

/* rota_jemalloc_create - @shards arenas. Yours until rota_jemalloc_destroy().
 * Returns 0; -EINVAL; -ENOMEM; -EAGAIN jemalloc has no more arenas. */
int rota_jemalloc_create(struct rota_jemalloc **j, unsigned shards);

/* rota_jemalloc_destroy - give the arenas back, and all memory in them. Call it
 * after the engine's end. */
void rota_jemalloc_destroy(struct rota_jemalloc *j);

/* rota_jemalloc_allocator - the table to put in rota_config.allocator. */
struct rota_allocator rota_jemalloc_allocator(struct rota_jemalloc *j);

struct rota_jemalloc_stats {
	uint64_t allocated; /* bytes in use by the shard */
	uint64_t active;    /* bytes of the pages that hold them */
	uint64_t resident;  /* physical bytes, jemalloc's own included */
};

/* rota_jemalloc_stat - the figures of one shard's arena.
 * Returns 0; -EINVAL; -EOPNOTSUPP jemalloc was built without statistics. */
int rota_jemalloc_stat(
    struct rota_jemalloc *j, unsigned shard, struct rota_jemalloc_stats *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
