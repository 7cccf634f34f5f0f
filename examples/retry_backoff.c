/* SPDX-License-Identifier: MIT
 *
 * retry_backoff.c - try again after 100, 200, 400, ... ms, at most 2 s, and
 * give up a minute after the first attempt.
 *
 * A callback re-arms its own timer and stops its neighbour's.
 */
#include "examples/check.h"

#include <stdbool.h>

#include <rota/rota.h>

struct call {
	struct rota_timer retry, give_up;
	rota_span pause;
	int attempts, succeed_at; /* 0: never */
	bool done, failed;
	rota_time end;
};

static void
call_attempt(struct call *c, rota_time now)
{
	if (++c->attempts == c->succeed_at) {
		c->done = true;
		c->end = now;
		CHECK(rota_timer_stop(&c->give_up) == ROTA_PREVENTED);
		return;
	}
	rota_timer_reset_at(&c->retry, rota_when(now, c->pause));
	c->pause *= 2;
	if (c->pause > 2 * ROTA_SECOND)
		c->pause = 2 * ROTA_SECOND;
}

static void
on_retry(struct rota_timer *t, rota_time now)
{
	call_attempt(rota_container_of(t, struct call, retry), now);
}

static void
on_give_up(struct rota_timer *t, rota_time now)
{
	struct call *c = rota_container_of(t, struct call, give_up);

	rota_timer_stop(&c->retry); /* never runs after this */
	c->failed = true;
	c->end = now;
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_HEAP,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };
	struct call call[] = { { .succeed_at = 6 }, { .succeed_at = 0 } };
	struct rota_kind retry = { 0 }, give_up = { 0 };
	struct rota_engine *e;
	struct rota_shard *s;
	rota_time next;

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&retry, s,
		  &(struct rota_kind_config){
		      .fire = on_retry, .name = "retry" }) == 0);
	CHECK(rota_kind_init(&give_up, s,
		  &(struct rota_kind_config){
		      .fire = on_give_up, .name = "give up" }) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(rota_timer_init(&call[i].retry, &retry) == 0);
		CHECK(rota_timer_init(&call[i].give_up, &give_up) == 0);
		call[i].pause = 100 * ROTA_MILLISECOND;
		rota_timer_reset(&call[i].give_up, ROTA_MINUTE);
		call_attempt(&call[i], rota_engine_now(e));
	}
	/* Time passes at once: from each deadline to the next. */
	while ((next = rota_shard_next(s)) < ROTA_NEVER) {
		rota_engine_advance(e, next - rota_engine_now(e));
		rota_shard_poll(s, rota_engine_now(e), 0);
	}
	CHECK(call[0].done && call[0].attempts == 6);
	CHECK(call[0].end == (100 + 200 + 400 + 800 + 1600) * ROTA_MILLISECOND);
	CHECK(call[1].failed && call[1].end == ROTA_MINUTE);
	/* 3.1 s for six attempts, then one each 2 s, the last at 59.1 s. */
	CHECK(call[1].attempts == 6 + 28);
	printf("%d attempts, then an answer; %d, and none\n", call[0].attempts,
	    call[1].attempts);

	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
