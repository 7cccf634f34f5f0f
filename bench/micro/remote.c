/* SPDX-License-Identifier: MIT
 *
 * remote.c - two threads, each the owner of a shard with half of N timers.
 *
 *   remote_own     pairs of stop and start, each on timers of its own
 *   remote_common  the same, each on timers of both
 *   remote_other   the same, each on the other's alone
 *   remote_push    pushes to 30 s from now, each on timers of both
 *
 * Stop and start with the clock still; push with the first thread moving it
 * 1 ms in 1000 pushes of its own. Each arms its own half first. Each polls its
 * shard after 1000 operations, which takes in what the other has sent. ns for
 * an operation of one thread, the mean of the two. On one processor, or pinned
 * to one (taskset), the two only take turns: the row then fails instead of
 * showing a figure.
 */
#define _GNU_SOURCE /* CPU_COUNT, pthread_barrier_t */
#define PEER_SAFE
#define PEER_SHARDS 2
#define RIG_TALLY static _Thread_local
#include "bench/micro/micro.h"
#include "bench/micro/rig.h"

#include <sched.h>

#include "bench/work/sides.h"

/* Operations of a thread between a start and an end. */
#define SHARE 1000000

enum { OWN, COMMON, OTHER, PUSH };

static _Thread_local uint64_t fired;

/* Of both sides together: what the engine must count. */
static struct rota_stats tally, before;
static pthread_mutex_t tally_lock = PTHREAD_MUTEX_INITIALIZER;

static void
count_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	fired++;
}

static void
arm_own(struct side *s)
{
	uint32_t half = s->w->n / 2;

	if (s->peer != s->w->peer)
		peer_enter(s->peer);
	for (uint32_t i = 0; i < half; i++) {
		struct pick p = pick_make(&s->random, 1);
		struct peer_timer *t = work_timer(
		    s->w, i + (s->peer == s->w->peer ? 0 : half));

		if (s->what == SIDE_PUSH) { /* as work_age() does it */
			peer_start(s->peer, t,
			    work_ahead(s->w, p, PEER_MS, WORK_IDLE));
			peer_push(s->peer, t, s->w->now + WORK_IDLE);
		} else {
			peer_start(s->peer, t,
			    work_ahead(s->w, p, PEER_S, 60 * PEER_S));
		}
	}
	rig_pending = rig_stopped = fired = 0;
}

static void
stat_before(struct side *s)
{
	before = rig_begin(s->w->peer->engine);
}

/* Nobody sends any more; take in what is left. */
static void
add_up(struct side *s)
{
	peer_poll(s->peer, (uint64_t)rota_shard_now(s->peer->shard));
	if (rig_smoke && rota_shard_check(s->peer->shard))
		peer_die("rota_shard_check");
	pthread_mutex_lock(&tally_lock);
	tally.pushes += rig_pending;
	tally.starts += s->ops - rig_pending;
	tally.stops += rig_stopped;
	tally.fires += fired;
	if (s->what == SIDE_RESTART && rig_stopped < s->ops / 2)
		tally.stops = UINT64_MAX; /* stops are missing */
	pthread_mutex_unlock(&tally_lock);
	if (s->peer != s->w->peer)
		rota_shard_detach(s->peer->shard);
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
		struct peer second = { 0 };
		struct side s[2];

		rig_open(c, count_fire, true);
		sides_open(&work, s, &second);
		for (uint32_t k = 0; k < 2; k++) {
			uint32_t half = c->n / 2;

			s[k].what = c->variant == PUSH ? SIDE_PUSH
						       : SIDE_RESTART;
			s[k].ahead = WORK_IDLE;
			s[k].random = RANDOM_SEED + k;
			s[k].share = batch;
			s[k].ready = arm_own;
			s[k].done = add_up;
			s[k].n = c->variant == OWN || c->variant == OTHER
			    ? half
			    : 2 * half;
			s[k].first = c->variant == OWN ? k * half
			    : c->variant == OTHER      ? half - k * half
						       : 0;
		}
		s[0].moves = c->variant == PUSH;
		s[0].begun = stat_before;
		memset(&tally, 0, sizeof(tally));
		sides_run(s);
		bench_time(b, (s[0].spent + s[1].spent) / 2);
		if (!why)
			why = rig_end(work.peer->engine, &before, &tally);
		rig_close();
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
