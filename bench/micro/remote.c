/* SPDX-License-Identifier: MIT
 *
 * remote.c - two threads, each the owner of a shard with half of N timers.
 *
 *   remote_own     pairs of stop and start, each on timers of its own
 *   remote_common  the same, each on timers of both
 *   remote_other   the same, each on the other's alone
 *   remote_push    pushes to 30 s from now, each on timers of both
 *
 * Stop and start as in stop_start.c, the clock still; push as in
 * push_later.c, the first thread moving the clock 1 ms in 1000 pushes of its
 * own. Each polls its shard after 1000 operations, which takes in what the
 * other has sent. ns for an operation of one thread, the mean of the two. A
 * thread that has made its share goes on, unmeasured, until the other has:
 * neither is alone at the end. On one processor, or pinned to one (taskset),
 * the two only take turns: the row then fails instead of showing a figure.
 */
#define _GNU_SOURCE /* CPU_COUNT, pthread_barrier_t */
#include "bench/micro/micro.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "core/sys/atomic.h"

#define LO (1 * ROTA_SECOND)
#define HI (60 * ROTA_SECOND)
#define IDLE (30 * ROTA_SECOND)

/* Operations of a thread between a start and an end. */
#define SHARE 1000000

enum { OWN, COMMON, OTHER, PUSH };

struct pair;

struct side {
	_Alignas(ROTA_LINE) struct pair *pair;
	struct rota_shard *shard;
	struct rota_kind kind;
	uint32_t own;       /* index of the first timer it owns */
	uint32_t from, len; /* of the timers it works on */
	uint64_t random;
	uint64_t ns;  /* measured */
	uint64_t ops; /* all, measured or not */
	uint64_t stopped, pending, fired;
	pthread_t thread;
	struct pick picks[RIG_BLOCK];
};

struct pair {
	struct side side[2];
	struct rota_engine *engine;
	struct rota_timer *timers;
	pthread_barrier_t barrier;
	uint64_t blocks; /* each side's share */
	int variant;
	_Alignas(ROTA_LINE) rota_word now;
	rota_word done; /* sides that have made their share */
};

static _Thread_local uint64_t fired;

static void
count_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	fired++;
}

static void
side_block(struct side *s)
{
	struct pair *pair = s->pair;
	rota_time now = (rota_time)word_load(&pair->now, relaxed); /* ours or
					* the other's ms: either will do */
	uint32_t todo = RIG_BLOCK - rig_sabotage;

	for (uint32_t i = 0; i < todo; i++) {
		struct pick p = s->picks[i];
		struct rota_timer *t = &pair->timers[s->from + p.index];
		rota_time when = now + IDLE;

		if (pair->variant != PUSH) {
			s->stopped += rota_timer_stop(t) == ROTA_PREVENTED;
			when = now + pick_span(p, LO, HI);
		}
		s->pending += (uint64_t)rota_timer_reset_at(t, when);
	}
	if (pair->variant == PUSH && s == pair->side) {
		now += ROTA_MILLISECOND;
		word_store(&pair->now, (uint64_t)now, relaxed); /* the same */
	}
	while (rota_shard_poll(s->shard, now, 0) > 0)
		;
	s->ops += RIG_BLOCK;
}

static void
side_arm(struct side *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct pick p = pick_make(&s->random, 1);
		struct rota_timer *t = &s->pair->timers[s->own + i];

		if (s->pair->variant == PUSH) {
			/* As rig_age() does it. */
			rota_timer_reset_at(
			    t, pick_span(p, ROTA_MILLISECOND, IDLE));
			rota_timer_reset_at(t, IDLE);
		} else {
			rota_timer_reset_at(t, pick_span(p, LO, HI));
		}
	}
}

static void *
side_main(void *arg)
{
	struct side *s = arg;
	struct pair *pair = s->pair;
	int err = rota_shard_attach(s->shard);

	if (err)
		peer_die("attach");
	side_arm(s, pair->side[1].own);
	pthread_barrier_wait(&pair->barrier);
	/* The main thread takes the figures of before. */
	pthread_barrier_wait(&pair->barrier);
	for (uint64_t block = 0;; block++) {
		uint64_t start;

		if (block == pair->blocks)
			word_add(&pair->done, (uint64_t)1, relaxed);
		if (block >= pair->blocks &&
		    word_load(&pair->done, relaxed) == 2) /* a hint */
			break;
		for (uint32_t i = 0; i < RIG_BLOCK; i++)
			s->picks[i] = pick_make(&s->random, s->len);
		start = peer_clock();
		side_block(s);
		if (block < pair->blocks)
			s->ns += peer_clock() - start;
	}
	/* Nobody sends any more; take in what is left. */
	pthread_barrier_wait(&pair->barrier);
	while (rota_shard_poll(s->shard, rota_shard_now(s->shard), 0) > 0)
		;
	s->fired = fired;
	err = rig_smoke ? rota_shard_check(s->shard) : 0;
	if (err)
		peer_die("shard check");
	rota_shard_detach(s->shard);
	return NULL;
}

static void
pair_open(struct pair *pair, const struct micro_case *c)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = c->backend,
		.shards = 2,
		.clock = ROTA_CLOCK_VIRTUAL,
	};
	uint32_t half = c->n / 2;
	int err = rota_engine_create(&pair->engine, &config);

	if (err)
		peer_die("engine");
	pair->timers = peer_array(c->n * sizeof(*pair->timers));
	pthread_barrier_init(&pair->barrier, NULL, 3);
	for (uint32_t i = 0; i < 2 && !err; i++) {
		struct side *s = &pair->side[i];

		s->pair = pair;
		s->random = RANDOM_SEED + i;
		s->shard = rota_engine_shard(pair->engine, i);
		s->own = i * half;
		s->from = pair->variant == OWN ? s->own
		    : pair->variant == OTHER   ? half - s->own
					       : 0;
		s->len = pair->variant == OWN || pair->variant == OTHER
		    ? half
		    : 2 * half;
		err = rota_kind_init(&s->kind, s->shard,
		    &(struct rota_kind_config){
			.fire = count_fire, .name = "side" });
		for (uint32_t k = 0; k < half && !err; k++)
			err = rota_timer_init(
			    &pair->timers[s->own + k], &s->kind);
	}
	if (err)
		peer_die("timers");
}

static void
pair_close(struct pair *pair)
{
	rota_engine_destroy(pair->engine, ROTA_DROP);
	pthread_barrier_destroy(&pair->barrier);
	free(pair->timers);
	free(pair);
}

static const char *
pair_verify(const struct pair *pair, const struct rota_stats *before)
{
	const struct side *a = &pair->side[0], *b = &pair->side[1];
	uint64_t ops = a->ops + b->ops, pending = a->pending + b->pending;
	struct rota_stats after;

	rota_engine_stat(pair->engine, &after);
	if (after.starts - before->starts + after.pushes - before->pushes !=
	    ops)
		return "resets are missing";
	if (after.pushes - before->pushes != pending)
		return "verdicts of resets are wrong";
	if (after.stops - before->stops != a->stopped + b->stopped)
		return "verdicts of stops are wrong";
	if (after.fires != a->fired + b->fired)
		return "callbacks are missing";
	if (pair->variant != PUSH &&
	    (a->stopped < a->ops / 2 || b->stopped < b->ops / 2))
		return "stops are missing";
	return NULL;
}

/* How many processors the program may use. */
static int
processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 0 : CPU_COUNT(&set);
}

static void
remote(struct bench *b, const struct micro_case *c)
{
	const char *why = NULL;
	uint64_t batch = rig_smoke ? RIG_BLOCK : SHARE;

	BENCH_LOOP(b, batch)
	{
		struct pair *pair = peer_array(sizeof(*pair));
		struct rota_stats before;
		int err = 0;

		pair->blocks = batch / RIG_BLOCK;
		pair->variant = c->variant;
		pair_open(pair, c);
		for (int i = 0; i < 2 && !err; i++)
			err = pthread_create(&pair->side[i].thread, NULL,
			    side_main, &pair->side[i]);
		if (err)
			peer_die("threads");
		pthread_barrier_wait(&pair->barrier);
		rota_engine_stat(pair->engine, &before);
		pthread_barrier_wait(&pair->barrier);
		pthread_barrier_wait(&pair->barrier);
		for (int i = 0; i < 2; i++)
			pthread_join(pair->side[i].thread, NULL);
		bench_time(b, (pair->side[0].ns + pair->side[1].ns) / 2);
		if (!why)
			why = pair_verify(pair, &before);
		pair_close(pair);
	}
	if (!why && !rig_smoke && processors() < 2)
		why = "two threads on one processor";
	if (why)
		bench_fail(b, why);
}

const struct micro_op micro_remote[] = {
	{ "remote_own", remote, OWN, SHARE, 0, MICRO_SHARED },
	{ "remote_common", remote, COMMON, SHARE, 0, MICRO_SHARED },
	{ "remote_other", remote, OTHER, SHARE, 0, MICRO_SHARED },
	{ "remote_push", remote, PUSH, 2 * SHARE, 0, MICRO_SHARED },
	{ NULL, NULL, 0, 0, 0, 0 },
};
