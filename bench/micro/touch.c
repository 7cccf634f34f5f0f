/* SPDX-License-Identifier: MIT
 *
 * touch.c - the limit: a read-modify-write of the word of one random timer.
 *
 * That touches one random line of the memory that an operation has, an array of
 * N timers; the addresses are independent of each other, so the processor
 * overlaps the misses. Confined: a load and a store. Shared: a load and a locked
 * compare-and-swap. `walk` is the loop without the access, `random` the making
 * of a pick, which no other row contains.
 */
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "core/sys/atomic.h"
#include "core/state.h"

#define ONE ((uint64_t)1 << ST_SHIFT)

/* touch_block: @plain is a constant at every call. */
rota_inline uint64_t
touch_block(struct work *w, bool plain)
{
	const uint32_t todo = WORK_TODO;
	uint64_t start = peer_clock();

	for (uint32_t i = 0; i < todo; i++) {
		rota_word *word = &work_timer(w, w->picks[i].index)->t.r_word;
		uint64_t old = word_load(word, relaxed); /* the CAS checks */

		if (plain) {
			word_store(word, old + ONE, relaxed); /* one thread */
			continue;
		}
		while (!word_cas(word, &old, old + ONE, acq_rel, relaxed))
			;
	}
	return peer_clock() - start;
}

static void
touch_run(struct bench *b, const struct micro_case *c)
{
	struct work w = { .n = c->n, .random = RANDOM_SEED };
	uint64_t blocks = 0, sum = 0;

	w.array = (char *)peer_array(c->n * WORK_STRIDE(&w));

	BENCH_LOOP(b, RIG_BLOCK)
	{
		work_picks(&w);
		bench_time(b,
		    c->confined ? touch_block(&w, true)
				: touch_block(&w, false));
		blocks++;
	}
	for (uint32_t i = 0; i < c->n; i++)
		sum += work_timer(&w, i)->t.r_word;
	if (sum != blocks * RIG_BLOCK * ONE)
		bench_fail(b, "touches are missing");
	free(w.array);
}

static void
walk_run(struct bench *b, const struct micro_case *c)
{
	struct work w = { .n = c->n, .random = RANDOM_SEED };
	const uint32_t todo = WORK_TODO;
	uint64_t sum = 0, want = 0;

	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start;

		work_picks(&w);
		start = peer_clock();
		for (uint32_t i = 0; i < todo; i++) {
			sum += w.picks[i].index + 1;
			bench_keep(sum);
		}
		bench_time(b, peer_clock() - start);
		for (uint32_t i = 0; i < RIG_BLOCK; i++)
			want += w.picks[i].index + 1;
	}
	if (sum != want)
		bench_fail(b, "picks were not read");
}

/* Besides its time: the mean of the coins must be near the middle. A thousand
 * have a standard error of 0.9 %; a block in error by 7 % comes once in 10^13.
 */
static void
random_run(struct bench *b, const struct micro_case *c)
{
	struct work w = { .n = c->n, .random = RANDOM_SEED };
	uint64_t sum = 0;

	BENCH_LOOP(b, RIG_BLOCK)
	{
		uint64_t start = peer_clock();

		if (!rig_sabotage)
			work_picks(&w);
		bench_time(b, peer_clock() - start);
		bench_keep(w.picks[0].coin);
	}
	for (uint32_t i = 0; i < RIG_BLOCK; i++)
		sum += w.picks[i].coin;
	if (sum / RIG_BLOCK < UINT32_MAX / 100 * 43u ||
	    sum / RIG_BLOCK > UINT32_MAX / 100 * 57u)
		bench_fail(b, "the generator is not uniform");
}

const struct micro_op micro_touch[] = {
	{ "touch", touch_run, 0, 4000000, 0, MICRO_LIMIT },
	{ "walk", walk_run, 0, 20000000, 0, MICRO_LIMIT },
	{ "random", random_run, 0, 20000000, 0, MICRO_LIMIT },
	{ NULL, NULL, 0, 0, 0, 0 },
};
