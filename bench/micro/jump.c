/* SPDX-License-Identifier: MIT
 *
 * jump.c - one poll after the clock has jumped.
 *
 * By 1 s or by a year, with nothing armed or with N timers that are due
 * years after the last jump. An operation is one poll; nothing fires. 16 jumps
 * are timed together, so that reading the machine's clock adds 3 ns at most,
 * and then the shard is made anew, since a clock of 36 years is soon used up.
 */
#include "bench/micro/micro.h"

#define YEAR (365 * 24 * ROTA_HOUR)
#define JUMPS 16u

/* Far timers: from here on, in 64 bunches of 4 h, 33 days apart. They end
 * after less than six years, before the clock does. */
#define FAR (30 * YEAR)
#define BUNCHES 64
#define APART (33 * 24 * ROTA_HOUR)

enum { SECOND_EMPTY, YEAR_EMPTY, SECOND_FAR, YEAR_FAR };

static void
arm_far(struct work *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct pick p = pick_make(&w->random, BUNCHES);

		rota_timer_reset_at(&work_timer(w, i)->t,
		    FAR + p.index * APART + pick_span(p, 0, 4 * ROTA_HOUR));
	}
}

static void
jump(struct bench *b, const struct micro_case *c)
{
	bool far = c->variant == SECOND_FAR || c->variant == YEAR_FAR;
	rota_span span = c->variant == SECOND_EMPTY || c->variant == SECOND_FAR
	    ? ROTA_SECOND
	    : YEAR;
	const char *why = NULL;

	BENCH_LOOP(b, JUMPS)
	{
		struct rota_stats before, after;
		struct rota_engine *e;
		uint64_t start;

		rig_open(c, rig_fire, false);
		e = work.peer->engine;
		if (far)
			arm_far(&work);
		before = rig_begin(e);
		start = peer_clock();
		for (unsigned i = rig_sabotage; i < JUMPS; i++)
			work_poll(&work, (uint64_t)span);
		bench_time(b, peer_clock() - start);
		if (!why)
			why = rig_end(e, &before, &(struct rota_stats){ 0 });
		after = rig_begin(e);
		if (after.polls - before.polls != JUMPS ||
		    after.live != (far ? c->n : 0))
			why = "polls or timers are missing";
		rig_close();
	}
	if (why)
		bench_fail(b, why);
}

const struct micro_op micro_jump[] = {
	{ "jump_second", jump, SECOND_EMPTY, 1600, 1000, 0 },
	{ "jump_year", jump, YEAR_EMPTY, 1600, 1000, 0 },
	{ "jump_second_far", jump, SECOND_FAR, 1600, 100000, 0 },
	{ "jump_year_far", jump, YEAR_FAR, 1600, 100000, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
