/* SPDX-License-Identifier: MIT
 *
 * trim.c - timers made, armed and released by two threads, in peaks, while the
 * owner of their shard polls and trims: D34.
 * Claims: no timer lacks its room, none fires early or is lost, and at the end
 * all memory that was taken has gone back.
 *
 * usage: race_trim seconds
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rota/rota.h>

#include "core/sys/atomic.h"

#ifdef ROTA_HOSTILE
enum { PEAK = 1500 };
#else
enum { PEAK = 60000 };
#endif
enum { MAKERS = 2 };

struct item {
	struct rota_timer timer;
	uint64_t payload; /* plain: who arms it writes, the callback reads */
	rota_word fired;
};

static struct {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind;
	rota_word done, made, freed, wrong;
} R;

_Noreturn static void
fail(const char *what, long r)
{
	fprintf(stderr, "race_trim: %s: %ld\n", what, r);
	exit(1);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fire(struct rota_timer *t, rota_time now)
{
	struct item *i = rota_container_of(t, struct item, timer);

	if (now < rota_timer_deadline(t) || i->payload != (uintptr_t)i)
		word_add(&R.wrong, (uint64_t)1, relaxed);
	word_store(&i->fired, (uint64_t)1, relaxed);
}

static void
released(struct rota_timer *t)
{
	free(rota_container_of(t, struct item, timer));
	word_add(&R.freed, (uint64_t)1, relaxed);
}

/* Peaks of another size each, and few in between. */
static void *
maker(void *arg)
{
	static struct item *mine[MAKERS][PEAK];
	struct item **all = mine[(uintptr_t)arg];
	uint64_t x = 88172645463325252u + (uintptr_t)arg;

	while (!word_load(&R.done, relaxed)) {
		unsigned n;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		n = (unsigned)(x % (x >> 60 & 1 ? PEAK : PEAK / 50)) + 1;
		for (unsigned i = 0; i < n; i++) {
			int r;

			all[i] = calloc(1, sizeof(*all[i]));
			if (!all[i])
				fail("memory", 0);
			r = rota_timer_init(&all[i]->timer, &R.kind);
			if (r)
				fail("init", r);
			all[i]->payload = (uintptr_t)all[i];
			if (i % 3)
				rota_timer_reset(
				    &all[i]->timer, (rota_span)(x >> 32) + i);
		}
		for (unsigned i = 0; i < n; i++) {
			int r = rota_timer_release(&all[i]->timer);

			if (r < 0)
				fail("release", r);
		}
		word_add(&R.made, (uint64_t)n, relaxed);
		/* The owner may be behind, and max_timers is a bound. */
		while (
		    word_load(&R.made, relaxed) - word_load(&R.freed, relaxed) >
			2 * PEAK &&
		    !word_load(&R.done, relaxed))
			sched_yield();
	}
	return NULL;
}

static void
poll_once(uint64_t n)
{
	int r;

	rota_engine_advance(R.e, ROTA_MILLISECOND);
	r = rota_shard_poll(
	    R.s, rota_engine_now(R.e), n % 3 ? 0 : (unsigned)(n % 97));
	if (r < 0)
		fail("poll", r);
	(void)rota_shard_park(R.s);
	if (n % 64 == 0) {
		int64_t bytes = rota_shard_trim(R.s);

		if (bytes < 0)
			fail("trim", (long)bytes);
	}
	if (n % 256 == 0 && (r = rota_shard_check(R.s)))
		fail("check", r);
}

static void
round_of(enum rota_backend backend, double end)
{
	struct rota_config c = { .size = sizeof(c),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = 1 << 19 };
	struct rota_kind_config k = {
		.fire = fire, .released = released, .name = "item"
	};
	pthread_t t[MAKERS];
	struct rota_stats before, after;
	uint64_t n = 0;

	R.done = R.made = R.freed = 0;
	if (rota_engine_create(&R.e, &c))
		fail("create", 0);
	R.s = rota_engine_shard(R.e, 0);
	rota_shard_attach(R.s);
	rota_shard_stat(R.s, &before);
	if (rota_kind_init(&R.kind, R.s, &k))
		fail("kind", 0);
	for (uintptr_t i = 0; i < MAKERS; i++)
		if (pthread_create(&t[i], NULL, maker, (void *)i))
			fail("thread", 0);
	while (seconds() < end)
		poll_once(n++);
	word_store(&R.done, (uint64_t)1, relaxed);
	for (unsigned i = 0; i < MAKERS; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < 8; i++)
		poll_once(64);
	rota_shard_stat(R.s, &after);
	if (R.wrong || R.made != R.freed || after.timers)
		fail("wrong, or not released", (long)R.wrong);
	if (after.bytes != before.bytes)
		fail("bytes left", (long)(after.bytes - before.bytes));
	if (rota_engine_destroy(R.e, ROTA_REFUSE))
		fail("destroy", 0);
	printf("race_trim: backend %d, %lu polls, %lu timers\n", (int)backend,
	    (unsigned long)n, (unsigned long)R.made);
}

int
main(int argc, char **argv)
{
	double each = (argc > 1 ? atof(argv[1]) : 3) / 3;

	round_of(ROTA_HEAP, seconds() + each);
	round_of(ROTA_WHEEL, seconds() + each);
	round_of(ROTA_WHEEL_COARSE, seconds() + each);
	return 0;
}
