/* SPDX-License-Identifier: MIT
 *
 * poll.c - the longest single rota_shard_poll(), in processor time of its
 * thread.
 *
 * The clock is virtual and each run does the same, so the k-th poll of one run
 * has the work of the k-th of another. Two figures: `worst`, the worst poll of
 * a run, least of all runs; and `steady`, the worst of all polls where each
 * counts as its least over the runs. An interrupt that the kernel books to the
 * thread is in the first if every run meets one, which a run of a million
 * polls does; in the second only if the same poll meets one in each run.
 */
#include "bench/limits/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/random.h"

/* Of a wheel, ns; rota/engine.h has it for the coarse one. */
#define TICK (INT64_C(1) << 20)

/* What a step may cost, us, and a poll besides; and one in which nothing is due
 * and no budget is given. */
#define STEP_US 0.5
#define POLL_US 20
#define IDLE_US 500

enum what { ONE_TICK, ONE_SECOND, HALF_STOPPED, WHATS };

static const char *const what_name[] = { "one-tick", "one-second",
	"half-stopped" };

struct rig {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind;
	struct rota_timer *timers;
	uint64_t n;
	rota_time begin; /* deadlines are from here on */
	uint32_t *least; /* ns, of each poll over the runs */
	size_t polls, room;
	bool good;
};

static uint64_t fired;

static void
on_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	fired++;
}

/* One poll at @now; its ns. */
static uint64_t
timed(struct rig *r, rota_time now, unsigned budget, int *left)
{
	uint64_t begin = clock_cpu();

	*left = rota_shard_poll(r->s, now, budget);
	return clock_cpu() - begin;
}

static void
note(struct rig *r, size_t k, uint64_t ns, uint64_t *worst)
{
	uint32_t v = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;

	if (k >= r->room)
		die("more polls than there is room for");
	if (k >= r->polls) {
		r->least[k] = v;
		r->polls = k + 1;
	} else if (v < r->least[k]) {
		r->least[k] = v;
	}
	if (ns > *worst)
		*worst = ns;
}

static void
run_begin(struct rig *r, enum rota_backend b, bool confined, enum what what)
{
	uint64_t rng = RANDOM_SEED;
	int left;

	r->e = engine_make(b, ROTA_CLOCK_VIRTUAL, 0);
	r->s = rota_engine_shard(r->e, 0);
	if (rota_kind_init(&r->kind, r->s,
		&(struct rota_kind_config){ .fire = on_fire,
		    .name = "mass",
		    .flags = confined ? ROTA_CONFINED : 0 }) ||
	    rota_shard_reserve(r->s, r->n))
		die("rota_kind_init or rota_shard_reserve");
	for (uint64_t i = 0; i < r->n; i++)
		if (rota_timer_init(&r->timers[i], &r->kind))
			die("rota_timer_init");
	/* What polls run is in the caches of instructions, and some fires. */
	for (int i = 0; i < 64; i++) {
		rota_timer_reset_at(&r->timers[i], (i + 1) * TICK);
		if (rota_engine_advance(r->e, 2 * TICK))
			die("rota_engine_advance");
		(void)timed(r, rota_engine_now(r->e), 0, &left);
	}
	r->begin = what == HALF_STOPPED ? ROTA_HOUR : 4096 * TICK;
	for (uint64_t i = 0; i < r->n; i++) {
		struct pick p = pick_make(&rng, (uint32_t)r->n);

		rota_timer_reset_at(&r->timers[i],
		    r->begin +
			pick_span(p, 0,
			    what == ONE_TICK         ? TICK
				: what == ONE_SECOND ? ROTA_SECOND
						     : ROTA_MINUTE));
	}
	for (int i = 0; i < 8; i++) { /* nothing is due */
		if (rota_engine_advance(r->e, 1000))
			die("rota_engine_advance");
		(void)timed(r, rota_engine_now(r->e), 0, &left);
	}
	fired = 0;
}

/* Poll at @now until nothing due is left. */
static void
poll_out(
    struct rig *r, rota_time now, unsigned budget, size_t *k, uint64_t *worst)
{
	int left;

	do {
		uint64_t before = fired, ns = timed(r, now, budget, &left);

		note(r, (*k)++, ns, worst);
		/* Deferred ones have steps of their own; here are none. */
		if (budget && fired - before > budget && r->good)
			r->good = broken("a poll of budget %u fired %llu",
			    budget, (unsigned long long)(fired - before));
	} while (left > 0);
	if (left < 0)
		die("rota_shard_poll");
}

static void
run_due(struct rig *r, enum what what, unsigned budget, uint64_t *worst)
{
	/* A coarse wheel has a slot more. */
	rota_time end = r->begin + 2 * TICK +
	    (what == ONE_SECOND ? ROTA_SECOND : 0),
		  step = what == ONE_SECOND ? ROTA_MILLISECOND : 2 * TICK,
		  now = r->begin;
	size_t k = 0;

	if (rota_engine_advance(r->e, now - rota_engine_now(r->e)))
		die("rota_engine_advance");
	while (now < end) {
		now = now + step < end ? now + step : end;
		poll_out(r, now, budget, &k, worst);
	}
	if (fired != r->n && r->good)
		r->good = broken("%llu of %llu fired",
		    (unsigned long long)fired, (unsigned long long)r->n);
}

/* A few more than half: from there on a poll sweeps. Until a sweep of what was
 * stopped has come to its end, or nothing is swept. */
static void
run_stopped(struct rig *r, unsigned budget, uint64_t *worst)
{
	rota_time now = rota_engine_now(r->e);
	struct rota_stats s;
	uint64_t swept = 0;
	size_t k = 0;
	int left;

	for (uint64_t i = 0; i < r->n; i++)
		if ((i % 2 || i % 50 == 0) &&
		    rota_timer_stop(&r->timers[i]) != ROTA_PREVENTED)
			die("rota_timer_stop");
	for (;;) {
		for (int i = 0; i < 4096; i++) {
			uint64_t ns = timed(r, ++now, budget, &left);

			note(r, k++, ns, worst);
			if (left && r->good)
				r->good = broken("nothing is due, but a poll "
						 "answered %d",
				    left);
		}
		if (rota_shard_stat(r->s, &s))
			die("rota_shard_stat");
		if (s.swept == swept)
			break;
		swept = s.swept;
	}
	if (fired && r->good)
		r->good = broken(
		    "%llu fired that were not due", (unsigned long long)fired);
	if (s.zombies > s.entries / 2 + 64 && r->good)
		r->good = broken("%llu of %llu entries are left to sweep",
		    (unsigned long long)s.zombies,
		    (unsigned long long)s.entries);
}

static bool
case_run(struct rig *r, enum rota_backend b, bool confined, enum what what,
    unsigned budget)
{
	uint64_t worst = UINT64_MAX, steady = 0;
	size_t slowest = 0;
	double bound = budget      ? budget * STEP_US + POLL_US
	    : what == HALF_STOPPED ? IDLE_US
				   : 0;

	r->polls = 0;
	r->good = true;
	for (unsigned run = 0; run < options.runs; run++) {
		uint64_t of_run = 0;

		run_begin(r, b, confined, what);
		if (what == HALF_STOPPED)
			run_stopped(r, budget, &of_run);
		else
			run_due(r, what, budget, &of_run);
		if (rota_shard_check(r->s) && r->good)
			r->good = broken(
			    "rota_shard_check() is %d", rota_shard_check(r->s));
		r->good &= engine_adds_up(r->e);
		engine_end(r->e);
		if (of_run < worst)
			worst = of_run;
	}
	for (size_t k = 0; k < r->polls; k++)
		if (r->least[k] > steady)
			steady = r->least[k], slowest = k;
	line_begin("poll", backend_name(b), kind_name(confined));
	line_case("%-12s budget %-4u ", what_name[what], budget);
	line_figure("worst_us", "%.1f", (double)worst / 1e3, -1);
	line_figure("steady_us", "%.1f", (double)steady / 1e3, -1);
	printf("at %zu of %zu ", slowest, r->polls);
	if (bound > 0)
		printf("bound_us %.1f %s\n", bound,
		    (double)worst / 1e3 <= bound        ? "within"
			: (double)steady / 1e3 <= bound ? "OVER, steady within"
							: "OVER");
	else
		printf("bound_us none\n");
	fflush(stdout);
	return r->good;
}

static void
clock_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t begin = clock_cpu(), ns = clock_cpu() - begin;

		if (ns < least)
			least = ns;
	}
	printf("poll    the clock itself: %.2f us, in every figure\n",
	    (double)least / 1e3);
}

int
poll_case(const char *name)
{
	int w = WHATS - 1;

	while (w >= 0 && strcmp(what_name[w], name) != 0)
		w--;
	return w;
}

bool
poll_run(enum rota_backend b, bool confined)
{
	static const unsigned budgets[] = { 1, 1000, 0 };
	static bool told;
	struct rig r = { .n = options.timers ? options.timers : 1000000 };
	bool good = true;

	if (!told)
		clock_cost();
	told = true;
	r.timers = memory_make(r.n * sizeof(*r.timers));
	/* With a budget of 1 each timer is poured, sorted and fired by a poll
	 * each, down some levels of a wheel. */
	r.room = r.n * 8 + 16384;
	r.least = memory_make(r.room * sizeof(*r.least));
	for (int w = 0; w < WHATS; w++) {
		if (options.only >= 0 && options.only != w)
			continue;
		if (options.budget >= 0) {
			good &= case_run(
			    &r, b, confined, w, (unsigned)options.budget);
			continue;
		}
		for (unsigned i = 0; i < 3; i++)
			good &= case_run(&r, b, confined, w, budgets[i]);
	}
	free(r.least);
	free(r.timers);
	return good;
}
