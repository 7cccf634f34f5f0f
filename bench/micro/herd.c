/* SPDX-License-Identifier: MIT
 *
 * herd.c - N timers due at one and the same instant fire in one poll.
 *
 * Equal deadlines must come up in the order of arming (not from a coarse
 * wheel); the callback checks it by the addresses, since they are armed in
 * the order of the array: one compare, on every backend.
 */
#include "bench/micro/micro.h"

/* When they are due; and a poll that a coarse wheel is not too late for. */
#define DUE ROTA_SECOND
#define POLL (DUE + 3 * ROTA_MILLISECOND)

static const struct rota_timer *last;
static uint64_t disorder;

static void
fire_in_order(struct rota_timer *t, rota_time now)
{
	(void)now;
	disorder += t < last;
	last = t;
	rig_fired++;
}

static void
herd(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, wrong = 0;
	const char *why;

	rig_open(&r, c, fire_in_order);
	rig_arm(&r, DUE, DUE);
	rig_clear(&r);
	rig_begin(&r);
	rig_fired = 0;
	BENCH_LOOP(b, c->n)
	{
		uint64_t start;

		rig_arm(&r, DUE, DUE);
		if (rig_sabotage)
			rota_timer_stop(&r.timers[0]);
		last = NULL;
		disorder = 0;
		start = bench_now();
		rig_poll(&r, POLL);
		bench_time(b, bench_now() - start);
		ops += c->n;
		wrong += disorder;
	}
	why = rig_end(&r, &(struct rota_stats){ .starts = ops, .fires = ops });
	if (why)
		bench_fail(b, why);
	else if (rig_fired != ops)
		bench_fail(b, "callbacks are missing");
	else if (wrong && c->backend != ROTA_WHEEL_COARSE)
		bench_fail(b, "equal deadlines fired out of order");
	rig_close(&r);
}

const struct micro_op micro_herd[] = {
	{ "herd", herd, 0, 1000000, 0, MICRO_ROUNDS },
	{ NULL, NULL, 0, 0, 0, 0 },
};
