/* SPDX-License-Identifier: MIT
 *
 * rota_go.c - the benchmarks of Go's time package, by name, on rota.
 *
 * What each does is said by its name and by Go's documentation; the set-up is
 * Go's: 32,768 timers of an hour lie about on every shard, one thread for each
 * processor does the work at once, and the time is that of all divided by the
 * iterations of all. Where Go's goroutine works on its own P, the thread owns
 * its shard (Stop, StartStop, Reset); where it waits, the engine drives itself.
 *
 *	rota_go [--backend heap|wheel|coarse] [--time MS] [--procs N] [--json FILE]
 *	    [name...]
 *
 * prints lines as `go test -bench` does, for bench/go/run.sh to join.
 * Rows     G20
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rota/rota.h>

#include "tools/common/clock.h"
#include "tools/common/options.h"
#include "tools/common/results.h"

enum { GARBAGE = 1 << 15, MANY = 1000, PROCS_MAX = 256 };

static struct {
	enum rota_backend backend;
	unsigned procs;
	const char *json;
	uint64_t ms; /* a measurement takes at least so long */
} options = { .backend = ROTA_WHEEL, .ms = 500 };

static void
die(const char *what)
{
	fprintf(stderr, "rota_go: %s\n", what);
	exit(1);
}

/* Go's WaitGroup. */
struct group {
	pthread_mutex_t lock;
	pthread_cond_t none;
	unsigned left;
};

static void
group_init(struct group *g, unsigned n)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->none, NULL);
	g->left = n;
}

static void
group_done(void *arg)
{
	struct group *g = arg;

	pthread_mutex_lock(&g->lock);
	if (--g->left == 0)
		pthread_cond_signal(&g->none);
	pthread_mutex_unlock(&g->lock);
}

static void
group_wait(struct group *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->left)
		pthread_cond_wait(&g->none, &g->lock);
	pthread_mutex_unlock(&g->lock);
	pthread_cond_destroy(&g->none);
	pthread_mutex_destroy(&g->lock);
}

/* One of the threads that do the work. */
struct side {
	struct rota_engine *engine;
	unsigned index;
	uint64_t n; /* iterations */
	void (*run)(struct side *s);
	bool owner;
	pthread_barrier_t *start;
	pthread_t thread;
	/* Of the latency benchmarks: */
	uint64_t count, late_sum, late_max;
};

static void
arm(struct side *s, rota_span span, rota_func *fn, void *arg, rota_handle *h)
{
	if (rota_after_func(s->engine, span, fn, arg, h))
		die("rota_after_func");
}

struct chain {
	struct side *side;
	struct group over;
	int left;
};

static void
chain_link(void *arg)
{
	struct chain *c = arg;

	if (--c->left >= 0)
		arm(c->side, 0, chain_link, c, NULL);
	else
		group_done(&c->over);
}

static void
after_func(struct side *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct chain c = { .side = s, .left = MANY };

		group_init(&c.over, 1);
		arm(s, 0, chain_link, &c, NULL);
		group_wait(&c.over);
	}
}

static void
after(struct side *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct rota_channel *c = rota_after(s->engine, 1);

		if (!c || rota_channel_receive(c, NULL) != 1)
			die("rota_after");
		rota_channel_unref(c);
	}
}

static void
stop(struct side *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct rota_channel *c;

		if (rota_channel_create(
			&c, s->engine, ROTA_SECOND, ROTA_CHANNEL_SYNC) ||
		    rota_channel_stop(c) != 1)
			die("rota_channel_stop");
		rota_channel_unref(c);
	}
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
stop_func(struct side *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		rota_handle h;

		arm(s, ROTA_SECOND, nothing, NULL, &h);
		if (rota_handle_stop(s->engine, h) != ROTA_PREVENTED)
			die("rota_handle_stop");
	}
}

static void
reset_func(struct side *s)
{
	rota_handle h;

	arm(s, ROTA_HOUR, nothing, NULL, &h);
	for (uint64_t i = 0; i < s->n; i++)
		if (rota_handle_reset_at(s->engine, h,
			rota_when(rota_engine_now(s->engine), ROTA_HOUR)) != 1)
			die("rota_handle_reset_at");
	rota_handle_stop(s->engine, h);
}

/* SimultaneousAfterFunc, and Sleep, which in Go is a goroutine each. */
static void
simultaneous(struct side *s, rota_span span)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct group g;

		group_init(&g, MANY);
		for (int k = 0; k < MANY; k++)
			arm(s, span, group_done, &g, NULL);
		group_wait(&g);
	}
}

static void
simultaneous_after_func(struct side *s)
{
	simultaneous(s, 0);
}

static void
sleep_many(struct side *s)
{
	simultaneous(s, ROTA_NANOSECOND);
}

static void
start_stop(struct side *s)
{
	rota_handle h[MANY];

	for (uint64_t i = 0; i < s->n; i++) {
		for (int k = 0; k < MANY; k++)
			arm(s, ROTA_HOUR, nothing, NULL, &h[k]);
		for (int k = 0; k < MANY; k++)
			if (rota_handle_stop(s->engine, h[k]) != ROTA_PREVENTED)
				die("rota_handle_stop");
	}
}

static void
reset(struct side *s)
{
	struct rota_channel *c;

	if (rota_channel_create(&c, s->engine, ROTA_HOUR, ROTA_CHANNEL_SYNC))
		die("rota_channel_create");
	for (uint64_t i = 0; i < s->n; i++)
		if (rota_channel_reset(c, ROTA_HOUR) != 1)
			die("rota_channel_reset");
	rota_channel_unref(c);
}

struct shot {
	struct side *side;
	uint64_t expected;
	struct group over;
};

static void
shot_fired(void *arg)
{
	struct shot *t = arg;
	uint64_t now = clock_wall(),
		 late = now > t->expected ? now - t->expected : 0;

	t->side->count++;
	t->side->late_sum += late;
	if (late > t->side->late_max)
		t->side->late_max = late;
	group_done(&t->over);
}

static void
busy(uint64_t ns)
{
	uint64_t end = clock_wall() + ns;

	while (clock_wall() < end)
		;
}

/* A function of a millisecond, again and again, with the processor busy for
 * another one in between. */
static void
parallel_timer_latency(struct side *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct shot t = { .side = s };

		group_init(&t.over, 1);
		t.expected = clock_wall() + ROTA_MILLISECOND;
		arm(s, ROTA_MILLISECOND, shot_fired, &t, NULL);
		group_wait(&t.over);
		busy(ROTA_MILLISECOND);
	}
}

/* Of Go's the one with the most to do: a tick each 3 ms on each thread, 2 ms of
 * work for each. As there, lateness is against a schedule that goes on by 3 ms
 * with each tick received: one that was missed makes all after it 3 ms late. */
static void
staggered_ticker_latency(struct side *s)
{
	const rota_span period = 3 * ROTA_MILLISECOND;
	struct rota_channel *c;
	rota_time value, expected;

	busy((uint64_t)period / options.procs * s->index);
	expected = rota_engine_now(s->engine) + period;
	if (rota_ticker_create(&c, s->engine, period, ROTA_MISSED_SKIP))
		die("rota_ticker_create");
	for (uint64_t i = 0; i < s->n; i++) {
		rota_span late;

		if (rota_channel_receive(c, &value) != 1)
			die("rota_channel_receive");
		late = rota_engine_now(s->engine) - expected;
		late = late > 0 ? late : 0;
		s->count++;
		s->late_sum += (uint64_t)late;
		if ((uint64_t)late > s->late_max)
			s->late_max = (uint64_t)late;
		expected += period;
		busy(2 * ROTA_MILLISECOND);
	}
	rota_channel_unref(c);
}

static const struct bench {
	const char *name;
	void (*run)(struct side *s);
	bool owner;     /* the threads own the shards */
	unsigned spare; /* processors that are left alone */
	bool latency;
} benches[] = {
	{ "AfterFunc1000", after_func, false, 0, false },
	{ "After", after, false, 0, false },
	{ "Stop/impl=chan", stop, true, 0, false },
	{ "Stop/impl=func", stop_func, true, 0, false },
	{ "SimultaneousAfterFunc1000", simultaneous_after_func, false, 0,
	    false },
	{ "StartStop1000", start_stop, true, 0, false },
	{ "Reset/impl=chan", reset, true, 0, false },
	{ "Reset/impl=func", reset_func, true, 0, false },
	{ "Sleep1000", sleep_many, false, 0, false },
	{ "ParallelTimerLatency", parallel_timer_latency, false, 1, true },
	{ "StaggeredTickerLatency", staggered_ticker_latency, false, 0, true },
};

static void *
side_main(void *arg)
{
	struct side *s = arg;
	struct rota_shard *shard = rota_engine_shard(s->engine, s->index);

	if (s->owner && rota_shard_attach(shard))
		die("rota_shard_attach");
	pthread_barrier_wait(s->start);
	s->run(s);
	if (s->owner)
		rota_shard_detach(shard);
	return NULL;
}

/* The ns that @procs threads take for @n iterations together. */
static uint64_t
measure(const struct bench *b, struct rota_engine *e, unsigned procs,
    uint64_t n, struct side *sum)
{
	static struct side side[PROCS_MAX];
	pthread_barrier_t start;
	uint64_t begin;

	memset(sum, 0, sizeof(*sum));
	pthread_barrier_init(&start, NULL, procs + 1);
	for (unsigned i = 0; i < procs; i++) {
		side[i] = (struct side){ .engine = e,
			.index = i,
			.n = (n + procs - 1 - i) / procs,
			.run = b->run,
			.owner = b->owner,
			.start = &start };
		if (pthread_create(&side[i].thread, NULL, side_main, &side[i]))
			die("pthread_create");
	}
	pthread_barrier_wait(&start);
	begin = clock_wall();
	for (unsigned i = 0; i < procs; i++) {
		pthread_join(side[i].thread, NULL);
		sum->count += side[i].count;
		sum->late_sum += side[i].late_sum;
		if (side[i].late_max > sum->late_max)
			sum->late_max = side[i].late_max;
	}
	begin = clock_wall() - begin;
	pthread_barrier_destroy(&start);
	return begin;
}

static struct results results;

static void
figure(const struct bench *b, const char *name, double ns)
{
	static const char *const backends[] = { [ROTA_HEAP] = "heap",
		[ROTA_WHEEL] = "wheel",
		[ROTA_WHEEL_COARSE] = "coarse" };
	struct series s = { .n = 1, .v = { ns } };

	results_add(&results, backends[options.backend], b->name, "", 0,
	    results_metric(&results, name, "ns", -1), &s);
}

static void
bench_run(const struct bench *b)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = options.backend,
		.shards = options.procs,
		.flags = b->owner ? 0 : ROTA_DRIVERS,
	};
	unsigned procs = options.procs > b->spare ? options.procs - b->spare
						  : 1;
	struct rota_engine *e;
	struct side sum;
	uint64_t n = 1, ns, least_ns = options.ms * 1000000;

	if (rota_engine_create(&e, &config))
		die("rota_engine_create");
	for (unsigned i = 0; i < options.procs; i++)
		for (unsigned k = 0; k < GARBAGE; k++)
			if (rota_shard_after_func(rota_engine_shard(e, i),
				rota_when(rota_engine_now(e), ROTA_HOUR),
				nothing, NULL, NULL))
				die("rota_shard_after_func");
	/* As testing.B: until it has taken long enough. */
	while ((ns = measure(b, e, procs, n, &sum)) < least_ns) {
		uint64_t more = ns ? n * least_ns / ns * 6 / 5 : n * 100;

		n = more > 100 * n ? 100 * n : more > n ? more : n + 1;
	}
	printf("Benchmark%s-%u\t%llu\t%.1f ns/op", b->name, options.procs,
	    (unsigned long long)n, (double)ns / (double)n);
	if (b->latency)
		printf("\t%.0f avg-late-ns\t%llu max-late-ns",
		    (double)sum.late_sum / (double)sum.count,
		    (unsigned long long)sum.late_max);
	printf("\n");
	fflush(stdout);
	figure(b, "ns_per_op", (double)ns / (double)n);
	if (b->latency) {
		figure(
		    b, "avg_late_ns", (double)sum.late_sum / (double)sum.count);
		figure(b, "max_late_ns", (double)sum.late_max);
	}
	if (rota_engine_destroy(e, ROTA_DROP) < 0)
		die("rota_engine_destroy");
}

static const struct bench *
find(const char *name)
{
	for (unsigned i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		if (strcmp(benches[i].name, name) == 0)
			return &benches[i];
	return NULL;
}

static bool
take_backend(const char *s)
{
	if (strcmp(s, "heap") == 0)
		options.backend = ROTA_HEAP;
	else if (strcmp(s, "wheel") == 0)
		options.backend = ROTA_WHEEL;
	else if (strcmp(s, "coarse") == 0)
		options.backend = ROTA_WHEEL_COARSE;
	else
		return options_wrong(
		    "--backend: heap, wheel or coarse, not '%s'", s);
	return true;
}

/* clang-format off */
static const struct option_row rows[] = {
	{ "backend", "NAME", "heap, wheel or coarse; default wheel",
	    .take = take_backend },
	{ "time", "MS", "at least so long for each; default 500",
	    .number = &options.ms, .least = 1, .most = 3600000 },
	{ "json", "FILE", "every figure, besides (needs jansson)",
	    .text = &options.json },
	{ "procs", "N", "threads; default: the processors",
	    .count = &options.procs, .least = 1, .most = PROCS_MAX },
	{ .name = NULL },
};
/* clang-format on */

static int
usage(void)
{
	fputs("usage: rota_go [option...] [name...]\n", stderr);
	options_help(rows, stderr);
	fputs("names:", stderr);
	for (unsigned i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		fprintf(stderr, " %s", benches[i].name);
	fputc('\n', stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int first;

	options.procs = cpus < 1 ? 1
	    : cpus > PROCS_MAX   ? PROCS_MAX
				 : (unsigned)cpus;
	first = options_parse("rota_go", rows, true, argc, argv);
	if (first < 0)
		return usage();
	for (int i = first; i < argc; i++)
		if (!find(argv[i]))
			return usage();
	for (unsigned i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
		bool asked = first == argc;

		for (int k = first; k < argc; k++)
			asked |= find(argv[k]) == &benches[i];
		if (asked)
			bench_run(&benches[i]);
	}
	if (options.json) {
		int err;

		snprintf(results.program, sizeof(results.program), "rota_go");
		snprintf(results.version, sizeof(results.version), "%s",
		    rota_version_string());
		results_option(&results, "procs", options.procs);
		results_option(&results, "time_ms", (double)options.ms);
		machine_stat(&results.machine);
		err = results_write(&results, options.json, argc, argv);
		if (err) {
			fprintf(stderr, "rota_go: %s: %s\n", options.json,
			    strerror(-err));
			return 1;
		}
	}
	results_release(&results);
	return 0;
}
