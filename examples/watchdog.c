/* SPDX-License-Identifier: MIT
 *
 * watchdog.c - a worker must show signs of life every 100 ms.
 *
 * Each sign pushes the deadline later: one store, whatever the number of
 * watchdogs. Nothing is ever stopped or searched for.
 */
#include "examples/check.h"

#include <rota/rota.h>

#define PATIENCE (100 * ROTA_MILLISECOND)

struct job {
	const char *name;
	struct rota_timer watchdog;
	rota_time bitten; /* 0: not */
};

static void
on_silence(struct rota_timer *t, rota_time now)
{
	struct job *j = rota_container_of(t, struct job, watchdog);

	printf(
	    "%3d ms: no sign of %s\n", (int)(now / ROTA_MILLISECOND), j->name);
	j->bitten = now;
}

int
main(void)
{
	struct rota_config config = {
		.size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL, /* ours to move: no waiting */
	};
	struct job good = { .name = "good" }, hung = { .name = "hung" };
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind = { 0 };

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&kind, s,
		  &(struct rota_kind_config){ .fire = on_silence,
		      .name = "watchdog",
		      .flags = ROTA_CONFINED }) == 0);
	CHECK(rota_timer_init(&good.watchdog, &kind) == 0);
	CHECK(rota_timer_init(&hung.watchdog, &kind) == 0);

	rota_timer_reset(&good.watchdog, PATIENCE);
	rota_timer_reset(&hung.watchdog, PATIENCE);
	for (int ms = 10; ms <= 1000; ms += 10) {
		rota_engine_advance(e, 10 * ROTA_MILLISECOND);
		/* First what came, then what did not. */
		CHECK(rota_timer_reset(&good.watchdog, PATIENCE) == 1);
		if (ms <= 500) /* then it hangs */
			rota_timer_reset(&hung.watchdog, PATIENCE);
		rota_shard_poll(s, rota_engine_now(e), 0);
	}
	CHECK(good.bitten == 0);
	CHECK(hung.bitten == 600 * ROTA_MILLISECOND);

	CHECK(rota_timer_stop(&good.watchdog) == ROTA_PREVENTED);
	CHECK(rota_timer_release(&good.watchdog) == 0);
	CHECK(rota_timer_release(&hung.watchdog) == 0);
	CHECK(rota_kind_release(&kind) == 0);
	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
