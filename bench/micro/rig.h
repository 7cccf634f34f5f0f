/* SPDX-License-Identifier: MIT
 *
 * rig.h - what the micro benches stand on: an engine with one shard, N timers
 * in one array, a clock that the bench moves, and random numbers.
 *
 * No clock of the machine is read by what is measured: the engine's clock is
 * virtual, polls get their instant from the bench, deadlines are set with
 * rota_timer_reset_at().
 *
 * Random numbers cost nothing in what is measured: rig_pick() makes a block
 * of a thousand outside the timed stretch, and an operation reads 8 bytes of
 * it in order. Touch, the limit, reads the same block in the same way. The
 * rows `random` (making a pick) and `walk` (reading one, with the loop and
 * its two readings of the clock) say how much that is.
 *
 * A bench says what the engine must have counted (rig_end). One that leaves
 * out work fails: rig_sabotage makes every bench do so, for the test of it.
 */
#ifndef BENCH_MICRO_RIG_H
#define BENCH_MICRO_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <rota/rota.h>

#include "core/sys/compiler.h"
#include "tools/common/random.h"

/* One cell of the table: an operation's row, a backend's column. */
struct micro_case {
	enum rota_backend backend;
	bool confined;
	uint32_t n;  /* timers */
	int variant; /* the operation's own */
};

/* Operations between two readings of the machine's clock, which so cost some
 * 0.03 ns each; and in a ms of the virtual clock, as the peers' workloads
 * have it. Every N of the rows that go through all timers in blocks is a
 * multiple of it. */
#define RIG_BLOCK 1000u

/* Timers in one call of rota_timer_reset_many(): an epoll_wait() of a server
 * under load has about so many. */
#define RIG_MANY 64u

struct rig {
	const struct micro_case *c;
	struct rota_engine *engine;
	struct rota_shard *shard; /* the first, attached by rig_open */
	struct rota_kind kind;
	struct rota_timer *timers;
	rota_time now;
	uint64_t random;
	uint32_t todo; /* RIG_BLOCK; one less under sabotage */
	struct pick picks[RIG_BLOCK];
	struct rota_stats before;
};

/* Leave out one operation in each block. */
extern bool rig_sabotage;
/* Tiny runs, for their counts and not for their times. */
extern bool rig_smoke;
/* Callbacks run: rig_fire is what the rig's timers call. One thread's. */
extern uint64_t rig_fired;
void rig_fire(struct rota_timer *t, rota_time now);

/* rig_open - make @r as @c says, all timers initialised, none armed. Ends
 * the program if the machine has not enough. */
void rig_open(struct rig *r, const struct micro_case *c, rota_fire_fn *fire);
void rig_close(struct rig *r);

/* rig_array - zeroed memory for @n timers of @size bytes, as rig_open gets
 * it: aligned to a cache line and paged in. */
void *rig_array(uint64_t n, uint64_t size);

/* rig_pick - new random picks for the next stretch. */
void rig_pick(struct rig *r);
/* rig_pick_in_order - the same, with the indices from @first on. */
void rig_pick_in_order(struct rig *r, uint32_t first);

/* rig_arm - reset every timer, in the order of the array, to a deadline
 * uniform in [@lo, @hi) from now. Not measured. */
void rig_arm(struct rig *r, rota_span lo, rota_span hi);
/* rig_age - as if every timer had a timeout of @idle and had been pushed at
 * random for long: entries filed uniformly over the time to come, deadlines
 * at @idle from now. Not measured. */
void rig_age(struct rig *r, rota_span idle);
/* rig_clear - let the clock pass everything; nothing is armed or filed. */
void rig_clear(struct rig *r);

/* rig_begin, rig_end - around what is counted. @want: how many starts,
 * pushes, stops and fires there must have been between the two. Returns
 * NULL, or in words what is wrong; good until the next one. */
void rig_begin(struct rig *r);
const char *rig_end(struct rig *r, const struct rota_stats *want);
/* rig_moves - entries moved since rig_begin(). */
uint64_t rig_moves(struct rig *r);

/* Ends the program with a message. */
_Noreturn void rig_die(const char *what, int error);

/* rig_poll - move the clock by @span and poll until nothing due is left. */
rota_inline void
rig_poll(struct rig *r, rota_span span)
{
	r->now += span;
	while (rota_shard_poll(r->shard, r->now, 0) > 0)
		;
}

#endif
