/* SPDX-License-Identifier: MIT
 *
 * rota.h - rota itself behind peer.h, all three engines: for bench/peers/rota.c
 * and for bench/micro/rig.h, which define first, if not as here:
 *
 *   PEER_FLAGS     of the kind: ROTA_CONFINED or 0
 *   PEER_SHARDS    of the engine
 *   PEER_STARTED(answer), PEER_STOPPED(answer)
 *                  what is done with the answers of resets and stops
 */
#ifndef BENCH_WORK_ROTA_H
#define BENCH_WORK_ROTA_H

#include <string.h>

#include <rota/rota.h>

#include "bench/work/peer.h"

struct peer {
	struct rota_engine *engine;
	struct rota_shard *shard;
	struct rota_kind *kind;
	struct rota_kind own;
};

struct peer_timer {
	struct rota_timer t;
};

#ifndef PEER_SHARDS
#define PEER_SHARDS 2
#endif
#ifndef PEER_STARTED
#define PEER_STARTED(answer) ((void)(answer))
#define PEER_STOPPED(answer) ((void)(answer))
#endif

static const struct peer_info peer_info = {
	.name = PEER_NAME,
	.version = ROTA_STRING(ROTA_VERSION_MAJOR) "." ROTA_STRING(
	    ROTA_VERSION_MINOR) "." ROTA_STRING(ROTA_VERSION_PATCH),
	.variants = "wheel heap coarse",
	.late = 1100000, /* of the coarse wheel's slot; the others: none */
};

static struct peer *open_peer; /* the latest; all callbacks count there */

static inline void
peer_fire(struct rota_timer *t, rota_time now)
{
	(void)now;
	peer_fired(open_peer, rota_container_of(t, struct peer_timer, t));
}

/* Of the timers of the peer that is opened next. */
static rota_fire_fn *open_fire = peer_fire;

static inline void
peer_home(struct peer *p, unsigned shard)
{
	p->shard = rota_engine_shard(p->engine, shard);
	if (rota_kind_init(&p->own, p->shard,
		&(struct rota_kind_config){
		    .fire = open_fire, .name = "peer", .flags = PEER_FLAGS }))
		peer_die("rota_kind_init");
	p->kind = &p->own;
}

static inline void
peer_enter(struct peer *p)
{
	if (rota_shard_attach(p->shard))
		peer_die("rota_shard_attach");
}

static inline void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	struct rota_config config = {
		.size = sizeof(config),
		.shards = PEER_SHARDS,
		.clock = ROTA_CLOCK_VIRTUAL,
		.backend = strcmp(variant, "heap") == 0 ? ROTA_HEAP
		    : strcmp(variant, "coarse") == 0    ? ROTA_WHEEL_COARSE
							: ROTA_WHEEL,
	};

	if (rota_engine_create(&p->engine, &config))
		peer_die("rota_engine_create");
	open_peer = p;
	peer_home(p, 0);
	peer_enter(p);
	if (rota_shard_reserve(p->shard, n))
		peer_die("rota_shard_reserve");
}

#ifdef PEER_SAFE
static inline void
peer_second(struct peer *second, struct peer *first)
{
	second->engine = first->engine;
	peer_home(second, 1);
}
#endif

static inline void
peer_init(struct peer *p, struct peer_timer *t)
{
	if (rota_timer_init(&t->t, p->kind))
		peer_die("rota_timer_init");
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	(void)p;
	PEER_STARTED(rota_timer_reset_at(&t->t, (rota_time)when));
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	(void)p;
	PEER_STARTED(rota_timer_reset_at(&t->t, (rota_time)when));
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	PEER_STOPPED(rota_timer_stop(&t->t));
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	while (rota_shard_poll(p->shard, (rota_time)now, 0) > 0)
		;
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	rota_time next;

	peer_poll(p, now);
	next = rota_shard_next(p->shard);
	return next == ROTA_NEVER ? UINT64_MAX : (uint64_t)next;
}

#endif
