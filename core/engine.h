/* SPDX-License-Identifier: MIT
 *
 * engine.h - an engine: its shards, their clock, their drivers.
 *
 * Invariant  shards, clock and config stay as rota_engine_create() made them.
 * Threads    any, but create and destroy.
 */
#ifndef ROTA_CORE_ENGINE_H
#define ROTA_CORE_ENGINE_H

#include <pthread.h>

#include <rota/rota.h>

#include "core/clock.h"
#include "core/shard.h"

struct pool; /* core/pool.c */

/* The thread that drives one shard. */
struct driver {
	struct rota_engine *engine;
	struct rota_shard *shard;
	pthread_t thread;
	uint64_t owner; /* the shard's, before destroy took it */
};

struct rota_engine {
	struct rota_config config;
	struct clock clock;
	rota_word stopping; /* 1: drivers shall end */
	rota_word *alive;   /* a page that a fork clears: 1, in a child 0 */
	unsigned shards;
	unsigned drivers; /* threads that were started */
	struct rota_shard *shard;
	struct driver *driver;
	struct pool *pool; /* one for each shard; made by its first use */
	void (*pool_end)(struct rota_engine *e); /* frees the pool; or NULL */
	struct rota_layer *layer; /* what ends with it, or NULL */
	/* Logs what of the layer was not given back; or NULL. */
	void (*layer_left)(struct rota_layer *l);
	uint64_t number; /* no other engine ever has it */
	rota_word turns; /* threads that got a shard to arm on */
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
/* rota__engine_of - the engine of @s. */
struct rota_engine *rota__engine_of(struct rota_shard *s);

/* Make @id the owner of @s, in place of any other. */
rota_inline void
shard_own(struct rota_shard *s, uint64_t id)
{
	word_store(&s->lock_owner, s->adoptable ? 0 : id, relaxed);
	word_store(&s->attached, id, release); /* [H1] */
}

/* rota__config_check - is @c valid? Fills in the defaults. 0 or -EINVAL,
 * logged. */
int rota__config_check(struct rota_config *c);
/* rota__drivers_start - a driver for each shard, if the config asks for them. 0
 * or -errno: none is left then. rota__drivers_stop - each ends, and is
 * joined. */
int rota__drivers_start(struct rota_engine *e);
void rota__drivers_stop(struct rota_engine *e);

#endif
