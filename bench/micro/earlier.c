/* SPDX-License-Identifier: MIT
 *
 * earlier.c - a storm of resets to an earlier deadline, the dear kind.
 *
 * N timers due in 30 to 60 s; an operation halves, or less, what a random one
 * has left: its deadline moves to between a half of that and all of it. So
 * every single reset is to an earlier deadline and the owner has to move the
 * entry (or, in a wheel, to find that it stays in its slot). The clock stands
 * still. After N of them, once for each timer on average, all are stopped,
 * the clock passes them, and they are armed anew, which is not measured.
 */
#include "bench/micro/micro.h"

#include "core/state.h"

#define LO (30 * ROTA_SECOND)
#define HI (60 * ROTA_SECOND)

static void
earlier(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, rounds = 1, pending = 0;
	uint32_t done = 0;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_arm(&r, LO, HI);
	rig_clear(&r);
	rig_begin(&r);
	rig_arm(&r, LO, HI);
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start;

		if (done == c->n) {
			rig_clear(&r);
			rig_arm(&r, LO, HI);
			rounds++;
			done = 0;
		}
		rig_pick(&r);
		start = bench_now();
		for (uint32_t i = 0; i < r.todo; i++) {
			struct pick p = r.picks[i];
			struct rota_timer *t = &r.timers[p.index];
			/* The deadline is in the line that the reset needs
			 * anyhow; a call to ask for it would be a second
			 * operation. */
			rota_span left = (rota_span)ST_DEADLINE(t->r_word) -
			    r.now;

			pending += (uint64_t)rota_timer_reset_at(
			    t, r.now + pick_span(p, left / 2, left));
		}
		bench_time(b, bench_now() - start);
		done += RIG_BLOCK;
		ops += RIG_BLOCK;
	}
	bench_counter(
	    b, "moves", (double)rig_moves(&r) / (double)(ops ? ops : 1));
	rig_clear(&r);
	why = rig_end(&r,
	    &(struct rota_stats){ .starts = rounds * c->n,
		.stops = rounds * c->n,
		.pushes = ops });
	if (why)
		bench_fail(b, why);
	else if (pending != ops)
		bench_fail(b, "a timer was not pending");
	rig_close(&r);
}

const struct micro_op micro_earlier[] = {
	{ "earlier", earlier, 0, 1000000, 0, MICRO_ROUNDS },
	{ NULL, NULL, 0, 0, 0, 0 },
};
