/* SPDX-License-Identifier: MIT
 *
 * arm.c - start N timers that were idle, deadlines uniform over 10 s.
 *
 * In the order of the array, as a server takes them up; none has an entry
 * from before. A first round is not measured: it pages in the memory that
 * the engine reserved.
 */
#include "bench/micro/micro.h"

#define SPREAD (10 * ROTA_SECOND)

static void
arm(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, pending = 0;
	uint32_t next = 0;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_arm(&r, 0, SPREAD);
	rig_clear(&r);
	rig_begin(&r);
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start;

		if (next == c->n) {
			rig_clear(&r);
			next = 0;
		}
		rig_pick_in_order(&r, next);
		start = bench_now();
		for (uint32_t i = 0; i < r.todo; i++)
			pending += (uint64_t)rota_timer_reset_at(
			    &r.timers[r.picks[i].index],
			    r.now + pick_span(r.picks[i], 0, SPREAD));
		bench_time(b, bench_now() - start);
		next += RIG_BLOCK;
		ops += RIG_BLOCK;
	}
	rig_clear(&r);
	why = rig_end(&r, &(struct rota_stats){ .starts = ops, .stops = ops });
	if (why)
		bench_fail(b, why);
	else if (pending)
		bench_fail(b, "a timer was armed before");
	rig_close(&r);
}

const struct micro_op micro_arm[] = {
	{ "arm", arm, 0, 1000000, 0, MICRO_ROUNDS },
	{ NULL, NULL, 0, 0, 0, 0 },
};
