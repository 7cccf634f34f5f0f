/* SPDX-License-Identifier: MIT
 *
 * push_later.c - the idle timeout of a server.
 *
 * Every timer has a timeout of 30 s; a random one is pushed to 30 s from now;
 * the clock moves 1 ms in 1000 pushes and the shard is polled each ms, polls
 * included in the time. A lazy engine looks at a timer once in 30 s and not
 * at every push: the rig is aged, so that this share is in every run,
 * however short, as it is after hours. `push_later_many` pushes RIG_MANY in
 * a call, as a server after one epoll_wait() can; gathering them is timed.
 */
#include "bench/micro/micro.h"

#define IDLE (30 * ROTA_SECOND)

enum { SINGLE, MANY };

static uint64_t
push_block(struct rig *r)
{
	uint64_t pending = 0;

	for (uint32_t i = 0; i < r->todo; i++) {
		struct rota_timer *t = &r->timers[r->picks[i].index];

		pending += (uint64_t)rota_timer_reset_at(t, r->now + IDLE);
	}
	return pending;
}

static uint64_t
push_block_many(struct rig *r)
{
	struct rota_timer *t[RIG_MANY];
	rota_time when[RIG_MANY];
	uint64_t pending = 0;

	for (uint32_t i = 0; i < r->todo;) {
		uint32_t n = 0;

		for (; n < RIG_MANY && i < r->todo; n++, i++) {
			t[n] = &r->timers[r->picks[i].index];
			when[n] = r->now + IDLE;
		}
		pending += (uint64_t)rota_timer_reset_many(t, when, n);
	}
	return pending;
}

static void
push_later(struct bench *b, const struct micro_case *c)
{
	struct rig r;
	uint64_t ops = 0, pending = 0;
	const char *why;

	rig_open(&r, c, rig_fire);
	rig_age(&r, IDLE);
	rig_begin(&r);
	rig_fired = 0;
	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start;

		rig_pick(&r);
		start = bench_now();
		pending += c->variant == MANY ? push_block_many(&r)
					      : push_block(&r);
		rig_poll(&r, ROTA_MILLISECOND);
		bench_time(b, bench_now() - start);
		ops += RIG_BLOCK;
	}
	/* At 1e7 some are not picked for 30 s: they fire, a push starts
	 * them. */
	why = rig_end(&r,
	    &(struct rota_stats){ .pushes = pending,
		.starts = ops - pending,
		.fires = rig_fired });
	if (why)
		bench_fail(b, why);
	else if (c->n <= 1000000 && rig_fired)
		bench_fail(b, "a timer fired that was pushed");
	bench_counter(
	    b, "moves", (double)rig_moves(&r) / (double)(ops ? ops : 1));
	rig_close(&r);
}

const struct micro_op micro_push_later[] = {
	{ "push_later", push_later, SINGLE, 4000000, 0, 0 },
	{ "push_later_many", push_later, MANY, 4000000, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
