/* SPDX-License-Identifier: MIT
 *
 * short_rpc.c - timeouts that never come: calls answered long before.
 *
 * 64 calls outstanding; an operation stops the timer of the oldest and starts
 * one of 5 s. The clock moves 1 ms in 1000 calls and the shard is polled each
 * ms, polls included. Everything is in the first-level cache: this is the
 * bare cost of the instructions.
 */
#include "bench/micro/micro.h"

#define OUTSTANDING 64u
#define TIMEOUT (5 * ROTA_SECOND)

_Static_assert((OUTSTANDING & (OUTSTANDING - 1)) == 0, "used as a mask");

static void
short_rpc(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, call = 0, stopped = 0, pending = 0;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_arm(&r, TIMEOUT, TIMEOUT + ROTA_SECOND);
	rig_begin(&r);
	rig_fired = 0;
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start = bench_now();

		for (uint32_t i = 0; i < r.todo; i++) {
			struct rota_timer *t =
			    &r.timers[call++ & (OUTSTANDING - 1)];

			stopped += rota_timer_stop(t) == ROTA_PREVENTED;
			pending += (uint64_t)rota_timer_reset_at(
			    t, r.now + TIMEOUT);
		}
		rig_poll(&r, ROTA_MILLISECOND);
		bench_time(b, bench_now() - start);
		ops += RIG_BLOCK;
	}
	why = rig_end(&r, &(struct rota_stats){ .stops = ops, .starts = ops });
	if (why)
		bench_fail(b, why);
	else if (stopped != ops || pending || rig_fired)
		bench_fail(b, "verdicts are wrong");
	rig_close(&r);
}

const struct micro_op micro_short_rpc[] = {
	{ "short_rpc", short_rpc, 0, 20000000, OUTSTANDING, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
