/* SPDX-License-Identifier: MIT
 *
 * flood.c - how late a timer is that has nothing to do with it, while other
 * threads reset a million timers of the same shard at random, earlier and
 * later. The engine drives itself. What the machine does to it is measured the
 * same way: as many threads add to as much memory at random, without rota: the
 * driver sleeps most of the time then. And once more, but with a timer that is
 * always due, so that the driver never sleeps: how late a thread is that has
 * work all the time, on processors that it has to share (not on a coarse wheel,
 * which sleeps between ticks). The sides take turns.
 *
 * The timer is due on a grid of 1 ms. Where it comes so late that instants of
 * the grid have passed, each of them counts as one that was late as well: a
 * stall is not one sample.
 *
 * How late says as much of the machine as of rota. So there is also the time
 * of the processor that the driver has used from one call of the timer to the
 * next, `own`, and the polls: for so long other work went first.
 */
#define _POSIX_C_SOURCE 200809L
#include "bench/limits/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/common/random.h"

#define GRID ROTA_MILLISECOND

enum { THREADS = 64, AT_ONCE = 64 };

struct samples {
	uint64_t *ns;
	size_t n, room;
	uint64_t *own; /* ns, of each call; as much room */
	size_t fires;
	uint64_t polls; /* the most from one call to the next */
};

struct probe {
	struct rota_timer t;
	struct rota_engine *e;
	struct samples *to;
	uint64_t cpu, polls; /* at the latest call */
	atomic_bool begun;   /* record */
	atomic_bool over;    /* arm no more */
	atomic_uint calls;
};

struct side {
	struct rota_engine *e; /* NULL: burn */
	struct rota_kind *kind;
	struct rota_timer *timers;
	_Atomic uint64_t *memory; /* burn: as large as the timers */
	uint64_t n;
	atomic_bool over;
	uint64_t done[THREADS];
	uint64_t cpu[THREADS]; /* ns */
};

struct thread {
	struct side *side;
	unsigned index;
	pthread_t id;
};

static void
sample(struct samples *s, uint64_t late)
{
	if (s->n < s->room)
		s->ns[s->n++] = late;
}

static struct rota_stats
stat_of(struct rota_engine *e)
{
	struct rota_stats s;

	if (rota_engine_stat(e, &s))
		die("rota_engine_stat");
	return s;
}

/* The driver's thread, in a call of the timer. */
static void
own(struct probe *p, bool begun)
{
	struct samples *to = p->to;
	uint64_t cpu = clock_cpu(), polls = stat_of(p->e).polls;

	if (begun && p->cpu && to->fires < to->room) {
		to->own[to->fires++] = cpu - p->cpu;
		if (polls - p->polls > to->polls)
			to->polls = polls - p->polls;
	}
	p->cpu = cpu;
	p->polls = polls;
}

static void
on_probe(struct rota_timer *t, rota_time now)
{
	struct probe *p = rota_container_of(t, struct probe, t);
	rota_time due = rota_timer_deadline(t);
	bool begun = atomic_load(&p->begun);

	now = rota_engine_now(p->e); /* not the poll's: it may have begun long
				      * ago */
	atomic_fetch_add(&p->calls, 1);
	own(p, begun);
	for (; due <= now; due += GRID)
		if (begun)
			sample(p->to, (uint64_t)(now - due));
	if (!atomic_load(&p->over))
		rota_timer_reset_at(t, due);
}

static void
nothing(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
}

static void *
thread_main(void *arg)
{
	struct thread *self = arg;
	struct side *s = self->side;
	uint64_t rng = RANDOM_SEED + self->index, done = 0;
	uint32_t n = (uint32_t)s->n;

	while (!atomic_load_explicit(&s->over, memory_order_relaxed)) {
		/* Of the grid of a clock that is read now and then. */
		rota_time now = s->e ? rota_engine_now(s->e) : 0;

		for (int i = 0; i < AT_ONCE; i++, done++) {
			struct pick p = pick_make(&rng, n);
			rota_time when = now +
			    pick_span(p, ROTA_SECOND, 10 * ROTA_SECOND);

			if (s->e)
				rota_timer_reset_at(&s->timers[p.index], when);
			else /* a word of a timer */
				atomic_fetch_add(
				    &s->memory[4 * (size_t)p.index],
				    (uint64_t)when);
		}
	}
	s->done[self->index] = done;
	s->cpu[self->index] = clock_cpu();
	return NULL;
}

static void
sleep_for(double seconds)
{
	struct timespec t = { (time_t)seconds,
		(long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&t, NULL);
}

/* All are filed, so that what is measured is no start. */
static void
timers_begin(struct side *s, struct rota_shard *shard)
{
	rota_time now = rota_engine_now(s->e);
	uint64_t rng = RANDOM_SEED;

	if (rota_shard_reserve(shard, s->n))
		die("rota_shard_reserve");
	for (uint64_t i = 0; i < s->n; i++) {
		struct pick p = pick_make(&rng, (uint32_t)s->n);

		if (rota_timer_init(&s->timers[i], s->kind))
			die("rota_timer_init");
		rota_timer_reset_at(&s->timers[i],
		    now + pick_span(p, 2 * ROTA_SECOND, 10 * ROTA_SECOND));
	}
	do
		sleep_for(0.001);
	while (stat_of(s->e).inserts < s->n);
}

static void
probe_begin(struct probe *p, struct rota_kind *kind)
{
	if (rota_timer_init(&p->t, kind))
		die("rota_timer_init");
	atomic_store(&p->begun, false);
	atomic_store(&p->over, false);
	rota_timer_reset_at(&p->t, rota_engine_now(p->e) + GRID);
}

/* What is late when it ends counts too. */
static void
probe_end(struct probe *p)
{
	rota_time now = rota_engine_now(p->e);

	atomic_store(&p->over, true);
	while (rota_timer_stop_sync(&p->t) == ROTA_PREVENTED)
		for (rota_time due = rota_timer_deadline(&p->t); due <= now;
		     due += GRID)
			sample(p->to, (uint64_t)(now - due));
}

enum what { QUIET, BURN, FLOOD, BUSY, WHATS };

static const char *const what_name[] = { "quiet", "burn", "flood", "busy" };

struct memory {
	struct rota_timer *timers;
	void *burned;
	uint64_t n;
};

/* What a round comes to besides its samples. */
struct figures {
	double ops;       /* of all threads together, a second */
	double driver;    /* processors that the driver got */
	double polls;     /* a second */
	double steps, us; /* of one poll; of the processor */
};

/* Keeps the driver from sleeping: each poll has something due. */
struct busy {
	struct rota_timer t;
	atomic_bool over;
};

static void
on_busy(struct rota_timer *t, rota_time now)
{
	struct busy *b = rota_container_of(t, struct busy, t);

	if (!atomic_load(&b->over))
		rota_timer_reset_at(t, now);
}

static void
busy_end(struct busy *b)
{
	atomic_store(&b->over, true);
	rota_timer_stop_sync(&b->t); /* it may have armed itself once more */
	rota_timer_stop_sync(&b->t);
}

/* One round of one side; what comes out is added to @to and @f. */
static bool
round_run(enum rota_backend b, enum what what, const struct memory *m,
    double seconds, struct samples *to, struct figures *f)
{
	struct rota_engine *e = engine_make(
	    b, ROTA_CLOCK_MONOTONIC, ROTA_DRIVERS);
	struct rota_shard *shard = rota_engine_shard(e, 0);
	struct rota_kind other, own, driven;
	struct probe probe = { .e = e, .to = to };
	struct busy busy = { .over = false };
	struct side side = { .e = what == FLOOD ? e : NULL,
		.kind = &other,
		.timers = m->timers,
		.memory = m->burned,
		.n = m->n };
	struct thread thread[THREADS];
	unsigned threads = what == QUIET ? 0 : options.threads;
	struct rota_stats before, after;
	uint64_t begin, cpu;
	double wall, polls;
	bool good = true;

	if (rota_kind_init(&other, shard,
		&(struct rota_kind_config){
		    .fire = nothing, .name = "other" }) ||
	    rota_kind_init(&own, shard,
		&(struct rota_kind_config){
		    .fire = on_probe, .name = "probe" }) ||
	    rota_kind_init(&driven, shard,
		&(struct rota_kind_config){ .fire = on_busy, .name = "busy" }))
		die("rota_kind_init");
	if (what == FLOOD)
		timers_begin(&side, shard);
	if (what == BUSY) {
		if (rota_timer_init(&busy.t, &driven))
			die("rota_timer_init");
		rota_timer_reset_at(&busy.t, rota_engine_now(e));
	}
	probe_begin(&probe, &own);
	before = stat_of(e);
	begin = clock_wall();
	cpu = clock_process();
	for (unsigned i = 0; i < threads; i++) {
		thread[i] = (struct thread){ .side = &side, .index = i };
		if (pthread_create(
			&thread[i].id, NULL, thread_main, &thread[i]))
			die("pthread_create");
	}
	sleep_for(seconds / 10);
	atomic_store(&probe.begun, true);
	sleep_for(seconds);
	/* However busy the machine is, some time it fires. */
	for (int i = 0; i < 30000 && atomic_load(&probe.calls) < 2; i++)
		sleep_for(0.001);
	probe_end(&probe);
	if (what == BUSY)
		busy_end(&busy);
	atomic_store(&side.over, true);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i].id, NULL);
	wall = (double)(clock_wall() - begin);
	cpu = clock_process() - cpu;
	after = stat_of(e);
	for (unsigned i = 0; i < threads; i++) {
		f->ops += (double)side.done[i] / wall * 1e9;
		cpu -= side.cpu[i];
	}
	polls = (double)(after.polls - before.polls);
	f->driver = (double)cpu / wall;
	f->polls = polls / wall * 1e9;
	f->steps = (double)(after.steps - before.steps) / polls;
	f->us = (double)cpu / 1e3 / polls;
	if (atomic_load(&probe.calls) < 2)
		good = broken("the timer of 1 ms did not fire twice in 30 s");
	if (what == FLOOD && options.smoke) {
		/* The driver may be about to count what it fires. */
		for (int i = 0; i < 100; i++) {
			after = stat_of(e);
			if (after.starts ==
			    after.fires + after.stops + after.live)
				break;
			sleep_for(0.001);
		}
		good &= engine_adds_up(e);
	}
	engine_end(e);
	return good;
}

static int
order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* us; the @n of @ns are sorted. */
static double
percentile(const uint64_t *ns, size_t n, double p)
{
	size_t i = (size_t)((double)n * p);

	return n ? (double)ns[i < n ? i : n - 1] / 1e3 : 0;
}

static void
samples_print(
    enum rota_backend b, enum what what, const char *round, struct samples *s)
{
	qsort(s->ns, s->n, sizeof(*s->ns), order);
	qsort(s->own, s->fires, sizeof(*s->own), order);
	line_begin("flood", backend_name(b), "shared");
	line_case("%-5s round %-3s ", what_name[what], round);
	line_figure("p50_us", "%.1f", percentile(s->ns, s->n, 0.5), -1);
	line_figure("p99_us", "%.1f", percentile(s->ns, s->n, 0.99), -1);
	line_figure("p99.9_us", "%.1f", percentile(s->ns, s->n, 0.999), -1);
	line_figure("max_us", "%.1f", percentile(s->ns, s->n, 1), -1);
	line_figure("instants", "%.0f", (double)s->n, 0);
	line_figure(
	    "own_p50_us", "%.1f", percentile(s->own, s->fires, 0.5), -1);
	line_figure(
	    "own_p99_us", "%.1f", percentile(s->own, s->fires, 0.99), -1);
	line_figure("own_max_us", "%.1f", percentile(s->own, s->fires, 1), -1);
	line_figure("polls_max", "%.0f", (double)s->polls, 0);
	line_figure("fires", "%.0f", (double)s->fires, 0);
}

static void
figures_print(const struct figures *f)
{
	line_figure("ops_per_s", "%.3g", f->ops, 1);
	line_figure("driver_cpus", "%.3f", f->driver, 0);
	line_figure("polls_per_s", "%.0f", f->polls, 0);
	line_figure("steps_per_poll", "%.0f", f->steps, 0);
	line_figure("cpu_us_per_poll", "%.1f", f->us, -1);
	putchar('\n');
	fflush(stdout);
}

bool
flood_run(enum rota_backend b)
{
	double seconds = options.seconds > 0 ? options.seconds : 10;
	double each = seconds / options.rounds;
	struct memory m = { .n = options.timers ? options.timers : 1000000 };
	struct samples all[WHATS] = { { 0 } };
	/* A stall at the end may be as long as the round. */
	size_t room = (size_t)(each * 2000) + 10000;
	bool good = true;

	m.timers = memory_make(m.n * sizeof(*m.timers));
	m.burned = memory_make(m.n * sizeof(*m.timers));
	for (int w = 0; w < WHATS; w++) {
		all[w].room = room * options.rounds;
		all[w].ns = memory_make(all[w].room * sizeof(uint64_t));
		all[w].own = memory_make(all[w].room * sizeof(uint64_t));
	}
	for (unsigned r = 0; r < options.rounds; r++) {
		/* Who is first changes. */
		for (int i = 0; i < WHATS; i++) {
			enum what w = r % 2 && i ? WHATS - i : i;
			struct samples *a = &all[w];
			struct samples one = { .ns = a->ns + a->n,
				.own = a->own + a->fires,
				.room = room };
			struct figures f = { 0 };
			char name[16];

			snprintf(name, sizeof(name), "%u", r + 1);
			/* The quiet one is short: nothing happens. */
			if (w == QUIET && r)
				continue;
			/* A coarse wheel sleeps until the next tick. */
			if (w == BUSY && b == ROTA_WHEEL_COARSE)
				continue;
			good &= round_run(b, w, &m, each, &one, &f);
			if (!one.n)
				continue;
			if (one.n == one.room)
				good = broken("too many samples");
			samples_print(b, w, name, &one);
			figures_print(&f);
			a->n += one.n;
			a->fires += one.fires;
			if (one.polls > a->polls)
				a->polls = one.polls;
		}
	}
	for (int w = BURN; w < WHATS; w++) {
		if (!all[w].n)
			continue;
		samples_print(b, w, "all", &all[w]);
		putchar('\n');
	}
	for (int w = BURN; w < WHATS; w++) {
		if (w == FLOOD || !all[w].n || !all[FLOOD].n)
			continue;
		line_begin("flood", backend_name(b), "shared");
		printf("p99 of flood / p99 of %s: %.3f\n", what_name[w],
		    percentile(all[FLOOD].ns, all[FLOOD].n, 0.99) /
			percentile(all[w].ns, all[w].n, 0.99));
	}
	for (int w = 0; w < WHATS; w++)
		free(all[w].ns), free(all[w].own);
	free(m.burned);
	free(m.timers);
	return good;
}
