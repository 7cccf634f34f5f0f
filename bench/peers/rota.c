/* SPDX-License-Identifier: MIT
 *
 * rota.c - rota itself, all three engines. Compiled twice: confined timers
 * stand beside libraries that are not thread-safe, shared ones
 * (ROTA_PEER_SHARED) beside those that are.
 */
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

#ifdef ROTA_PEER_SHARED
#define PEER_SAFE
#define FLAGS 0
#define NAME "rota-shared"
#else
#define FLAGS ROTA_CONFINED
#define NAME "rota"
#endif

static const struct peer_info peer_info = {
	.name = NAME,
	.version = "0.1.0",
	.variants = "wheel heap coarse",
	.late = 1100000, /* of the coarse wheel's slot; the others: none */
};

static struct peer *open_peer; /* a callback's; one for each thread */

static void
fire(struct rota_timer *t, rota_time now)
{
	(void)now;
	peer_fired(open_peer, rota_container_of(t, struct peer_timer, t));
}

static void
peer_home(struct peer *p, unsigned shard)
{
	p->shard = rota_engine_shard(p->engine, shard);
	if (rota_kind_init(&p->own, p->shard,
		&(struct rota_kind_config){
		    .fire = fire, .name = "peer", .flags = FLAGS }))
		peer_die("rota_kind_init");
	p->kind = &p->own;
}

static void
peer_enter(struct peer *p)
{
	if (rota_shard_attach(p->shard))
		peer_die("rota_shard_attach");
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	struct rota_config config = {
		.size = sizeof(config),
		.shards = 2,
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
static void
peer_second(struct peer *second, struct peer *first)
{
	second->engine = first->engine;
	peer_home(second, 1);
}
#endif

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	if (rota_timer_init(&t->t, p->kind))
		peer_die("rota_timer_init");
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	(void)p;
	rota_timer_reset_at(&t->t, (rota_time)when);
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	(void)p;
	rota_timer_reset_at(&t->t, (rota_time)when);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	rota_timer_stop(&t->t);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	while (rota_shard_poll(p->shard, (rota_time)now, 0) > 0)
		;
}

#include "bench/peers/drive.h"
