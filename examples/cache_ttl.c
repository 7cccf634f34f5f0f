/* SPDX-License-Identifier: MIT
 *
 * cache_ttl.c - a cache whose entries live 60 s after their last use.
 *
 * Expiry by arrays, not callbacks: rota_shard_poll_batch() hands out what is
 * due, a bounded number for each call, so that a million entries that expire
 * together do not stop the program.
 */
#include "examples/check.h"

#include <rota/rota.h>

enum { ENTRIES = 10000, BATCH = 64 };
#define TTL (60 * ROTA_SECOND)

struct entry {
	int key;
	struct rota_timer ttl;
};

static struct entry entries[ENTRIES];

/* Evict what is due at one instant, however long that takes: what is used
 * meanwhile has its new deadline before it is looked at again. Returns how
 * many. */
static int
cache_evict(struct rota_engine *e, struct rota_shard *s)
{
	struct rota_timer *due[BATCH];
	rota_time now = rota_engine_now(e);
	int n, sum = 0;

	do {
		n = rota_shard_poll_batch(s, now, 1000, due, BATCH);
		CHECK(n >= 0 && n <= BATCH);
		for (int i = 0; i < n; i++) {
			struct entry *x = rota_container_of(
			    due[i], struct entry, ttl);

			CHECK(x->key >= 0); /* each is handed out once */
			x->key = -1;
		}
		sum += n;
	} while (rota_shard_next(s) <= now);
	return sum;
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };
	struct rota_kind kind = { 0 };
	struct rota_engine *e;
	struct rota_shard *s;
	int evicted;

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&kind, s,
		  &(struct rota_kind_config){ .name = "ttl",
		      .flags = ROTA_BATCH | ROTA_CONFINED }) == 0);
	for (int i = 0; i < ENTRIES; i++) {
		entries[i].key = i;
		CHECK(rota_timer_init(&entries[i].ttl, &kind) == 0);
		rota_timer_reset(&entries[i].ttl, TTL);
	}
	/* Half a life later every tenth is used. */
	rota_engine_advance(e, TTL / 2);
	CHECK(cache_evict(e, s) == 0);
	for (int i = 0; i < ENTRIES; i += 10)
		CHECK(rota_timer_reset(&entries[i].ttl, TTL) == 1);

	rota_engine_advance(e, TTL / 2);
	evicted = cache_evict(e, s);
	CHECK(evicted == ENTRIES - ENTRIES / 10);
	for (int i = 0; i < ENTRIES; i++)
		CHECK((entries[i].key == i) == (i % 10 == 0));
	rota_engine_advance(e, TTL / 2);
	CHECK(cache_evict(e, s) == ENTRIES / 10);
	printf(
	    "%d evicted, %d used and evicted later\n", evicted, ENTRIES / 10);

	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
