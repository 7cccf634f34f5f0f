/* SPDX-License-Identifier: MIT
 *
 * idle.c - a thread that sleeps most of the time. It has 100,000 deadlines of
 * 15 s, as of connections, each of which it pushes every 10 s, in batches, 10 a
 * second; none is met. It has to wake for its batches and for what fires. In
 * the second variant it also starts and stops 100 others a second.
 *
 * Deadlines are spread: a batch pushes to 15 s after an activity of the last
 * 100 ms. All scales with --idle-ms.
 */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "bench/limits/limits.h"
#include "bench/limits/idle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

enum { BATCHES = 100 /* in which all are pushed */, STOPS = 10 };

uint64_t
idle_switches(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_THREAD, &u))
		die("getrusage");
	return (uint64_t)u.ru_nvcsw;
}

void
idle_plan(struct idle_plan *p)
{
	uint64_t n = options.timers ? options.timers : 100000;
	double seconds = options.seconds > 0 ? options.seconds : 20;

	*p = (struct idle_plan){
		.batch = n / BATCHES,
		.n = n / BATCHES * BATCHES,
		.batches = BATCHES,
		.stops = STOPS,
		.span = options.idle,
		.period = options.idle * 2 / 3 / BATCHES,
		.measure = (rota_span)(seconds * 1e9),
	};
	p->warm = p->span + p->span / 3;
	p->spread = options.spread < 0 ? p->period : options.spread;
}

void
idle_print(const char *mode, const char *who, const char *kind,
    const struct idle_plan *p, bool stops, const struct idle_result *r)
{
	double s = (double)r->ns / 1e9;
	double needed = (double)(r->batches + r->fires) / s;

	line_begin(mode, who, kind);
	line_case("%-5s ", stops ? "stops" : "plain");
	printf("spread_us %lld: ", (long long)(p->spread / ROTA_MICROSECOND));
	line_figure("wakeups_per_s", "%.1f", (double)r->wakeups / s, -1);
	printf("(of the kernel: %.1f) needed %.1f ", (double)r->switches / s,
	    needed);
	line_figure("ratio", "%.2f", (double)r->wakeups / s / needed, -1);
	line_figure("cpu_ms_per_s", "%.2f", (double)r->cpu / 1e6 / s, -1);
	line_figure("fires", "%.0f", (double)r->fires, 0);
	putchar('\n');
	fflush(stdout);
}

static uint64_t fires, wrong;

static void
on_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	fires++;
}

static void
on_stopped(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	wrong++;
}

struct rig {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_timer *timers, *stopped;
	struct idle_plan plan;
	unsigned next, next_stopped, stopped_n;
	bool stops;
};

/* Of the batch after those before @now. */
static void
batch(struct rig *r, rota_time now)
{
	struct rota_timer *t = &r->timers[r->next * r->plan.batch];
	rota_span each = r->plan.spread / (rota_span)r->plan.batch;
	rota_time when = now + r->plan.span - r->plan.spread;

	for (uint64_t i = 0; i < r->plan.batch; i++)
		if (rota_timer_reset_at(&t[i], when += each) < 0)
			die("rota_timer_reset_at");
	if (++r->next == r->plan.batches)
		r->next = 0;
	for (unsigned i = 0; r->stops && i < r->plan.stops; i++) {
		t = &r->stopped[r->next_stopped++ % r->stopped_n];
		if (rota_timer_reset_at(t, now + r->plan.span) < 0 ||
		    rota_timer_stop(t) != ROTA_PREVENTED)
			die("rota_timer_stop");
	}
}

static void
work(struct rig *r, struct idle_result *out)
{
	rota_time begin = rota_engine_now(r->e), now = begin, next = begin;
	rota_time warm = begin + r->plan.warm, end = warm + r->plan.measure;
	uint64_t wakeups = 0, batches = 0;
	bool measured = false;

	for (;;) {
		if (now >= next) {
			batch(r, now);
			batches++;
			next += r->plan.period;
		}
		while (rota_shard_poll(r->s, now, 1000) > 0)
			;
		if (!measured && now >= warm) {
			measured = true;
			*out = (struct idle_result){ .ns = clock_wall(),
				.cpu = clock_cpu(),
				.switches = idle_switches(),
				.wakeups = wakeups,
				.batches = batches,
				.fires = fires };
		}
		if (now >= end)
			break;
		if (rota_shard_wait(r->s, next))
			die("rota_shard_wait");
		wakeups++;
		now = rota_engine_now(r->e);
	}
	out->ns = clock_wall() - out->ns;
	out->cpu = clock_cpu() - out->cpu;
	out->switches = idle_switches() - out->switches;
	out->wakeups = wakeups - out->wakeups;
	out->batches = batches - out->batches;
	out->fires = fires - out->fires;
}

static bool
variant(enum rota_backend b, bool confined, bool stops)
{
	unsigned flags = confined ? ROTA_CONFINED : 0;
	struct rota_kind kind, stopped;
	struct rig r = { .stops = stops };
	struct idle_result result;
	bool good = true;

	idle_plan(&r.plan);
	/* As many as are started in the time of one deadline: each stands for
	 * a connection that came and went. */
	r.stopped_n = (unsigned)(r.plan.span / r.plan.period + 1) *
	    r.plan.stops;
	r.timers = memory_make(r.plan.n * sizeof(*r.timers));
	r.stopped = memory_make(r.stopped_n * sizeof(*r.stopped));
	r.e = engine_make(b, ROTA_CLOCK_MONOTONIC, 0);
	r.s = rota_engine_shard(r.e, 0);
	if (rota_kind_init(&kind, r.s,
		&(struct rota_kind_config){
		    .fire = on_fire, .name = "idle", .flags = flags }) ||
	    rota_kind_init(&stopped, r.s,
		&(struct rota_kind_config){
		    .fire = on_stopped, .name = "stopped", .flags = flags }))
		die("rota_kind_init");
	for (uint64_t i = 0; i < r.plan.n; i++)
		if (rota_timer_init(&r.timers[i], &kind))
			die("rota_timer_init");
	for (unsigned i = 0; i < r.stopped_n; i++)
		if (rota_timer_init(&r.stopped[i], &stopped))
			die("rota_timer_init");
	fires = wrong = 0;
	work(&r, &result);
	idle_print("idle", backend_name(b), kind_name(confined), &r.plan, stops,
	    &result);
	if (wrong)
		good = broken("%llu timers fired that were stopped",
		    (unsigned long long)wrong);
	if (rota_shard_check(r.s))
		good = broken(
		    "rota_shard_check() is %d", rota_shard_check(r.s));
	good &= engine_adds_up(r.e);
	engine_end(r.e);
	free(r.stopped);
	free(r.timers);
	return good;
}

bool
idle_run(enum rota_backend b, bool confined)
{
	/* A smoke has no time for both. */
	bool good = options.smoke || variant(b, confined, false);

	return variant(b, confined, true) && good;
}
