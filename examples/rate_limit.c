/* SPDX-License-Identifier: MIT
 *
 * rate_limit.c - a bucket of 5 tokens that gets one back each 200 ms.
 *
 * The timer is armed only while the bucket is not full: an idle client costs
 * nothing. The next token is reckoned from the last one's deadline and not
 * from the poll that found it, so that late polls do not cost the client
 * any: the rate does not drift.
 */
#include "examples/check.h"

#include <stdbool.h>

#include <rota/rota.h>

enum { SIZE = 5 };
#define PERIOD (200 * ROTA_MILLISECOND)

struct bucket {
	int tokens;
	struct rota_timer refill;
};

static void
on_refill(struct rota_timer *t, rota_time now)
{
	struct bucket *b = rota_container_of(t, struct bucket, refill);

	(void)now;
	if (++b->tokens < SIZE)
		rota_timer_reset_at(t, rota_timer_deadline(t) + PERIOD);
}

static bool
bucket_take(struct bucket *b)
{
	if (b->tokens == 0)
		return false;
	if (b->tokens-- == SIZE)
		rota_timer_reset(&b->refill, PERIOD);
	return true;
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };
	struct bucket b = { .tokens = SIZE };
	struct rota_kind kind = { 0 };
	struct rota_engine *e;
	struct rota_shard *s;
	int passed = 0;

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&kind, s,
		  &(struct rota_kind_config){ .fire = on_refill,
		      .name = "refill",
		      .flags = ROTA_CONFINED }) == 0);
	CHECK(rota_timer_init(&b.refill, &kind) == 0);

	/* A greedy client: a request each 7 ms for 10 s. */
	for (int ms = 0; ms < 10000; ms += 7) {
		passed += bucket_take(&b);
		rota_shard_poll(s, rota_engine_now(e), 0);
		rota_engine_advance(e, 7 * ROTA_MILLISECOND);
	}
	/* 5 at once and one for each of the 49 periods that ended. */
	CHECK(passed == SIZE + 49);
	printf("%d of %d requests passed\n", passed, 10000 / 7 + 1);

	/* A pause fills the bucket, and the timer comes to rest. */
	for (int i = 0; i < 10; i++) {
		rota_engine_advance(e, PERIOD);
		rota_shard_poll(s, rota_engine_now(e), 0);
	}
	CHECK(b.tokens == SIZE);
	CHECK(rota_timer_pending(&b.refill) == 0);

	CHECK(rota_timer_release(&b.refill) == 0);
	CHECK(rota_kind_release(&kind) == 0);
	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
