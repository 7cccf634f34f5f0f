/* SPDX-License-Identifier: MIT
 *
 * server_mix.c - what a server does to its timers, in one stream.
 *
 * Every timer has a timeout of 30 s. Each operation draws a random one:
 *   90 %  it is pushed to 30 s from now;
 *    8 %  it is stopped, and started again 1 to 60 s from now;
 *    2 %  it fires and is armed again: it is reset to now, which is an
 *         earlier deadline, fires in the next poll, and its callback resets
 *         it to 30 s from now.
 * The clock moves 1 ms in 1000 operations and the shard is polled each ms,
 * polls included. The rig is aged as in push_later.c.
 *
 * A timer of the 2 % that is drawn again before the poll is pushed and does
 * not fire: 2.0 % fire at N = 1e6, 1.2 % at 1e3, where 1000 draws between
 * two polls hit 1 - 1/e of the timers. The counter `fires` has the share.
 */
#include "bench/micro/micro.h"

#define IDLE (30 * ROTA_SECOND)
#define LO (1 * ROTA_SECOND)
#define HI (60 * ROTA_SECOND)

/* Of 2^8: the top bits of the coin; the rest is left for the deadline. */
#define PUSH 230u    /* 89.8 % */
#define RESTART 251u /* 8.2 %, the remaining 2.0 % fire */

static uint64_t rearmed; /* callbacks whose timer was not pending */

/* How many timers of the block were last reset to now: an exact engine fires
 * these and no others. Only for the smoke run: it walks the block again. */
static uint64_t
due_of(const struct rig *r)
{
	uint64_t due = 0;

	for (uint32_t i = 0; i < RIG_BLOCK; i++) {
		uint32_t k = i + 1;

		if (r->picks[i].coin >> 24 < RESTART)
			continue;
		while (k < RIG_BLOCK && r->picks[k].index != r->picks[i].index)
			k++;
		due += k == RIG_BLOCK;
	}
	return due;
}

static void
fire_and_rearm(struct rota_timer *t, rota_time now)
{
	rig_fired++;
	rearmed += !rota_timer_reset_at(t, now + IDLE);
}

static void
server_mix(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, resets = 0, pending = 0, stopped = 0, due = 0;
	const char *why;

	rig_open(&r, c, fire_and_rearm);
	rig_age(&r, IDLE);
	rig_begin(&r);
	rig_fired = rearmed = 0;
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start, restarts = 0;

		rig_pick(&r);
		start = bench_now();
		for (uint32_t i = 0; i < r.todo; i++) {
			struct pick p = r.picks[i];
			struct rota_timer *t = &r.timers[p.index];
			uint32_t dice = p.coin >> 24;
			rota_time when = r.now + IDLE;

			if (dice >= PUSH) {
				p.coin <<= 8;
				if (dice < RESTART) {
					stopped += rota_timer_stop(t) ==
					    ROTA_PREVENTED;
					restarts++;
					when = r.now + pick_span(p, LO, HI);
				} else {
					when = r.now;
				}
			}
			pending += (uint64_t)rota_timer_reset_at(t, when);
		}
		rig_poll(&r, ROTA_MILLISECOND);
		bench_time(b, bench_now() - start);
		ops += RIG_BLOCK;
		resets += restarts;
		if (rig_smoke)
			due += due_of(&r);
	}
	/* All timers are pending at any time: only restarts and callbacks
	 * start one. A coarse wheel still owes the last ones their fire. */
	why = rig_end(&r,
	    &(struct rota_stats){ .pushes = ops - resets,
		.starts = resets + rearmed,
		.stops = resets,
		.fires = rig_fired });
	if (why)
		bench_fail(b, why);
	else if (pending != ops - resets || stopped != resets ||
	    rearmed != rig_fired || rig_fired * 100 < ops)
		bench_fail(b, "verdicts or fires are missing");
	else if (rig_smoke && c->backend != ROTA_WHEEL_COARSE &&
	    rig_fired != due)
		bench_fail(b, "others fired than were due");
	bench_counter(
	    b, "moves", (double)rig_moves(&r) / (double)(ops ? ops : 1));
	bench_counter(b, "fires", (double)rig_fired / (double)(ops ? ops : 1));
	rig_close(&r);
}

const struct micro_op micro_server_mix[] = {
	{ "server_mix", server_mix, 0, 4000000, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
