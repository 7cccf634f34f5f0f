/* SPDX-License-Identifier: MIT
 *
 * stop_start.c - stop a random timer and start it again.
 *
 * N timers armed, deadlines uniform over 1 to 60 s. An operation is a pair: a
 * stop, and a reset to a new random deadline. `stop_start` with the clock
 * still, as in the measurements of the peers. That flatters a lazy engine in
 * long runs: each timer ends up filed at the earliest deadline it ever had,
 * and is never looked at there. So `stop_start_moving` is the same with a
 * clock that moves 1 ms in 1000 pairs, polls included, measured after 10 s
 * of it. `stop_start_many` stops RIG_MANY in a call and starts them in
 * another; gathering them is timed. The counter `moves` says how many entries
 * were moved per pair.
 */
#include "bench/micro/micro.h"

#define LO (1 * ROTA_SECOND)
#define HI (60 * ROTA_SECOND)

/* Blocks before the measurement: 10 s. */
#define WARM 10000

enum { STILL, MOVING, MANY };

static void
stop_start_many(struct rig *r, uint64_t *stopped, uint64_t *pending)
{
	struct rota_timer *t[RIG_MANY];
	rota_time when[RIG_MANY];

	for (uint32_t i = 0; i < r->todo;) {
		uint32_t n = 0;

		for (; n < RIG_MANY && i < r->todo; n++, i++) {
			t[n] = &r->timers[r->picks[i].index];
			when[n] = r->now + pick_span(r->picks[i], LO, HI);
		}
		*stopped += (uint64_t)rota_timer_stop_many(t, n);
		*pending += (uint64_t)rota_timer_reset_many(t, when, n);
	}
}

static void
stop_start_block(struct rig *r, uint64_t *stopped, uint64_t *pending)
{
	for (uint32_t i = 0; i < r->todo; i++) {
		struct pick p = r->picks[i];
		struct rota_timer *t = &r->timers[p.index];

		*stopped += rota_timer_stop(t) == ROTA_PREVENTED;
		*pending += (uint64_t)rota_timer_reset_at(
		    t, r->now + pick_span(p, LO, HI));
	}
	if (r->c->variant == MOVING)
		rig_poll(r, ROTA_MILLISECOND);
}

static void
stop_start(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, stopped = 0, pending = 0;
	uint32_t warm = rig_smoke ? 100 : WARM;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_arm(&r, LO, HI);
	for (uint32_t i = 0; c->variant == MOVING && i < warm; i++) {
		rig_pick(&r);
		stop_start_block(&r, &stopped, &pending);
	}
	rig_begin(&r);
	stopped = pending = rig_fired = 0;
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start;

		rig_pick(&r);
		start = bench_now();
		if (c->variant == MANY)
			stop_start_many(&r, &stopped, &pending);
		else
			stop_start_block(&r, &stopped, &pending);
		bench_time(b, bench_now() - start);
		ops += RIG_BLOCK;
	}
	/* With a moving clock some fire, and are not pending at the stop;
	 * in one call a timer may be stopped twice, then pushed. */
	why = rig_end(&r,
	    &(struct rota_stats){ .stops = stopped,
		.starts = ops - pending,
		.pushes = pending,
		.fires = rig_fired });
	if (why)
		bench_fail(b, why);
	else if (stopped + rig_fired + pending < ops ||
	    (pending && c->variant != MANY))
		bench_fail(b, "stops are missing");
	bench_counter(
	    b, "moves", (double)rig_moves(&r) / (double)(ops ? ops : 1));
	rig_close(&r);
}

const struct micro_op micro_stop_start[] = {
	{ "stop_start", stop_start, STILL, 4000000, 0, 0 },
	{ "stop_start_many", stop_start, MANY, 4000000, 0, 0 },
	{ "stop_start_moving", stop_start, MOVING, 4000000, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
