/* SPDX-License-Identifier: MIT
 *
 * engine.h - the shards, their clock, their drivers.
 */
#ifndef ROTA_CORE_ENGINE_H
#define ROTA_CORE_ENGINE_H

#include <pthread.h>

#include <rota/rota.h>

#include "core/clock.h"
#include "core/shard.h"

struct pool; /* core/pool.c */

/* The thread of one shard. */
struct driver {
	struct rota_engine *engine;
	struct rota_shard *shard;
	pthread_t thread;
	uint64_t owner; /* of the shard, while a destroy holds it */
};

struct rota_engine {
	struct rota_config config;
	struct clock clock;
	rota_word stopping; /* drivers shall end */
	rota_word *alive;   /* a page that a fork wipes: 1, in a child 0 */
	unsigned shards;
	unsigned drivers; /* threads that were started */
	struct rota_shard *shard;
	struct driver *driver;
	struct pool *pool; /* one for each shard; made by its first use */
	void (*pool_end)(struct rota_engine *e); /* gives that back; or NULL */
	struct rota_layer *layer; /* what is built on it, or NULL */
	uint64_t number;          /* no other engine ever has it */
	rota_word turns; /* threads that were given a shard to arm on */
	pthread_mutex_t lock;
	pthread_mutex_t retiring; /* core/shard.h */
};

/* engine_forked: is this the child of a fork? */
rota_inline bool
engine_forked(const struct rota_engine *e)
{
	return rota_unlikely(!word_load(e->alive, relaxed)); /* own process */
}

/* rota__engine_alloc - memory from the engine's allocator, or NULL. */
void *rota__engine_alloc(
    struct rota_engine *e, unsigned shard, size_t size, size_t align);
void rota__engine_free(
    struct rota_engine *e, unsigned shard, void *ptr, size_t size);
/* rota__engine_of - whose shard it is. */
struct rota_engine *rota__engine_of(struct rota_shard *s);

#endif
