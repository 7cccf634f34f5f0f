/* SPDX-License-Identifier: MIT
 *
 * rig.h - what the micro benches stand on: the works of bench/work with rota as
 * the peer, an engine of one shard, a clock that the bench moves; and what the
 * engine must have counted.
 *
 * No clock of the machine is read by what is measured: the engine's clock is
 * virtual, polls get their instant from the bench, deadlines are set with
 * rota_timer_reset_at().
 *
 * Random numbers cost nothing in what is measured: work_picks() makes a block
 * of a thousand outside the timed stretch, and an operation reads 8 bytes of
 * it in order. Touch, the limit, reads the same block in the same way. The
 * rows `random` (making a pick) and `walk` (reading one, with the loop and
 * its two readings of the clock) say how much that is.
 *
 * A bench says what the engine must have counted (rig_end). One that leaves
 * out work fails: rig_sabotage makes every bench do so, for the test of it.
 *
 * `work` and the tallies are the including file's own.
 */
#ifndef BENCH_MICRO_RIG_H
#define BENCH_MICRO_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <rota/rota.h>

#include "core/state.h"

/* One cell of the table: an operation's row, a backend's column. */
struct micro_case {
	enum rota_backend backend;
	bool confined;
	uint32_t n;  /* timers */
	int variant; /* the operation's own */
};

/* Leave out one operation in each block. */
extern bool rig_sabotage;
/* Tiny runs, for their counts and not for their times. */
extern bool rig_smoke;

extern const char *const rig_backends[];

/* Of resets how many found the timer pending, of stops how many prevented. */
#ifndef RIG_TALLY /* several threads: one each */
#define RIG_TALLY static
#endif
RIG_TALLY uint64_t rig_pending, rig_stopped;
static unsigned rig_flags;

/* A block has RIG_BLOCK operations between two readings of the machine's clock,
 * which so cost some 0.03 ns each. Every N of the rows that go through all
 * timers in blocks is a multiple of it. */
#define RIG_BLOCK WORK_BLOCK

#define PEER_NAME "micro"
#define PEER_FLAGS rig_flags
#ifndef PEER_SHARDS
#define PEER_SHARDS 1
#endif
#define PEER_STARTED(answer) (rig_pending += (uint64_t)(answer))
#define PEER_STOPPED(answer) (rig_stopped += (answer) == ROTA_PREVENTED)
#define WORK_STRIDE(w) sizeof(struct peer_timer)
#define WORK_TODO (WORK_BLOCK - rig_sabotage)
#include "bench/work/rota.h"

/* The deadline is in the line that a reset needs anyhow; a call to ask for it
 * would be a second operation. */
#define PEER_DEADLINE
rota_inline uint64_t
peer_deadline(const struct peer_timer *t)
{
	return ST_DEADLINE(t->t.r_word);
}

#include "bench/work/work.h"

/* Callbacks run: what the rig's timers call, if nothing else. */
static inline void
rig_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	work.fired++;
}

/* rig_open - make `work` as @c says, all timers initialised (@halves: the first
 * half of them), none armed. Ends
 * the program if the machine has not enough. */
static inline void
rig_open(const struct micro_case *c, rota_fire_fn *fire, bool halves)
{
	memset(&work, 0, sizeof(work));
	rig_flags = c->confined ? ROTA_CONFINED : 0;
	open_fire = fire;
	work.variant = rig_backends[c->backend];
	work.n = c->n;
	work.halves = halves;
	work.most = work.budget = UINT64_MAX / 8;
	work_open(&work);
}

static inline void
rig_close(void)
{
	if (rota_engine_destroy(work.peer->engine, ROTA_DROP) < 0)
		peer_die("destroy");
	free(work.array);
}

/* rig_begin, rig_end - around what is counted. @want: how many starts,
 * pushes, stops and fires there must have been between the two; @before: what
 * rig_begin answered. Returns NULL, or in words what is wrong; good until the
 * next one. */
struct rota_stats rig_begin(struct rota_engine *e);
const char *rig_end(struct rota_engine *e, const struct rota_stats *before,
    const struct rota_stats *want);

#endif
