/* SPDX-License-Identifier: MIT
 *
 * fire.c - let N timers fire, deadlines uniform over 10 s, by polls of 1 ms.
 *
 * The time of all polls, those that find nothing included, for each timer
 * that fires: at N = 1e3 that is ten polls. Arming is not in it.
 */
#include "bench/micro/micro.h"

#define SPREAD (10 * ROTA_SECOND)

/* Two more than 10 s has: a coarse wheel is up to 1.05 ms late. */
#define POLLS 10002

static void
fire(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_arm(&r, 0, SPREAD);
	rig_clear(&r);
	rig_begin(&r);
	rig_fired = 0;
	BENCH_LOOP(b, c->n)
	{
		uint64_t start;

		rig_arm(&r, 0, SPREAD);
		if (rig_sabotage)
			rota_timer_stop(&r.timers[0]);
		start = bench_now();
		for (uint32_t i = 0; i < POLLS; i++)
			rig_poll(&r, ROTA_MILLISECOND);
		bench_time(b, bench_now() - start);
		ops += c->n;
	}
	why = rig_end(&r, &(struct rota_stats){ .starts = ops, .fires = ops });
	if (why)
		bench_fail(b, why);
	else if (rig_fired != ops)
		bench_fail(b, "callbacks are missing");
	rig_close(&r);
}

const struct micro_op micro_fire[] = {
	{ "fire", fire, 0, 1000000, 0, MICRO_ROUNDS },
	{ NULL, NULL, 0, 0, 0, 0 },
};
