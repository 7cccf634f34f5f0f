/* SPDX-License-Identifier: MIT
 *
 * differential.c - heap, exact wheel and coarse wheel against the naive
 * model, and heap and exact wheel against a sorted list, in virtual time.
 *
 *	differential [--ops N] [--seed S] [--timers N] [--round R] [--shrink]
 *
 * The same traces are told to each of the three, and to an engine that has a
 * sorted list in their place (tests/list/list.h); each trace has an engine of
 * its own, of other features, reaches and instants. --ops counts the calls
 * made to each. A failure prints how to repeat its trace alone; --shrink
 * looks for a short trace of few timers that fails as well.
 * Rows     G1 G2 G10
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/conformance/trace.h"

#define ROUND_OPS 20000 /* calls in a trace; arbitrary */
#define SHRINK_OPS 60
#define SHRINK_SEEDS 20000

struct options {
	uint64_t ops, seed, round;
	unsigned timers;
	bool one; /* round alone */
	bool shrink;
};

static const enum rota_backend backends[] = { ROTA_HEAP, ROTA_WHEEL,
	ROTA_WHEEL_COARSE };
#define BACKENDS (sizeof(backends) / sizeof(*backends))

static uint64_t
number(const char *s)
{
	char *rest;
	double x = strtod(s, &rest); /* 1e8 */

	if (rest == s || *rest || x < 0 || x > 1e18) {
		fprintf(stderr, "differential: no number: %s\n", s);
		exit(2);
	}
	return strchr(s, 'e') ? (uint64_t)x : strtoull(s, NULL, 0);
}

static struct options
options_read(int argc, char **argv)
{
	struct options o = { .ops = 1000000, .seed = 1, .timers = 200 };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--shrink")) {
			o.shrink = true;
			continue;
		}
		if (i + 1 == argc)
			goto usage;
		if (!strcmp(argv[i], "--ops")) {
			o.ops = number(argv[++i]);
		} else if (!strcmp(argv[i], "--seed")) {
			o.seed = number(argv[++i]);
		} else if (!strcmp(argv[i], "--timers")) {
			o.timers = (unsigned)number(argv[++i]);
		} else if (!strcmp(argv[i], "--round")) {
			o.round = number(argv[++i]);
			o.one = true;
		} else {
			goto usage;
		}
	}
	if (o.timers && o.timers <= TRACE_TIMERS)
		return o;
usage:
	fprintf(stderr,
	    "usage: differential [--ops N] [--seed S] "
	    "[--timers 1..%d] [--round R] [--shrink]\n",
	    TRACE_TIMERS);
	exit(2);
}

/* trace_run() over a sorted list. */
void trace_run_list(const struct trace_config *config, struct source source,
    struct trace_result *result);

static void
compare(const char *what, const struct trace_result *a,
    const struct trace_result *b, const char *name)
{
	if (a->digest == b->digest && a->fires == b->fires)
		return;
	fprintf(stderr,
	    "%s, each right by itself, differ (%" PRIu64 " and %" PRIu64
	    " calls)\nagain: %s\n",
	    what, a->ops, b->ops, name);
	abort();
}

/* Add what one trace on each backend did to @sum. */
static void
round_run(const struct options *o, uint64_t round, uint64_t ops,
    struct trace_result sum[BACKENDS])
{
	uint64_t seed = source_mix(o->seed + source_mix(round + 1));
	struct trace_result r[BACKENDS], list = { 0 };
	char name[128];

	snprintf(name, sizeof(name),
	    "differential --seed %" PRIu64 " --timers %u --ops %" PRIu64
	    " --round %" PRIu64,
	    o->seed, o->timers, ops, round);
	for (size_t i = 0; i < BACKENDS; i++) {
		struct trace_config c = { backends[i], o->timers, ops, name };

		r[i] = (struct trace_result){ 0 };
		trace_run(&c, source_seed(seed), &r[i]);
		sum[i].ops += r[i].ops;
		sum[i].fires += r[i].fires;
	}
	trace_run_list(
	    &(struct trace_config){ ROTA_HEAP, o->timers, ops, name },
	    source_seed(seed), &list);
	if (r[0].exact) {
		compare("heap and sorted list", &r[0], &list, name);
		compare("wheel and sorted list", &r[1], &list, name);
	}
}

static void
shrink(struct options o)
{
	static const unsigned sizes[] = { 1, 2, 3, 4, 6, 8, 16 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		o.timers = sizes[i];
		for (uint64_t round = 0; round < SHRINK_SEEDS; round += 500) {
			int status;
			pid_t child = fork();

			if (!child) {
				struct trace_result sum[BACKENDS] = { 0 };

				for (uint64_t k = 0; k < 500; k++)
					round_run(
					    &o, round + k, SHRINK_OPS, sum);
				_exit(0);
			}
			waitpid(child, &status, 0);
			if (status)
				return;
		}
	}
	fprintf(stderr, "nothing that small fails\n");
}

int
main(int argc, char **argv)
{
	struct options o = options_read(argc, argv);
	struct trace_result sum[BACKENDS] = { 0 };
	struct timespec from, to;
	uint64_t rounds = 0, total = 0, fires = 0;
	double s;

	if (o.shrink) {
		shrink(o);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (o.one) {
		round_run(&o, o.round, o.ops, sum);
		rounds = 1;
	} else {
		/* The backends' traces differ a little in length. */
		while (sum[0].ops < o.ops || sum[1].ops < o.ops ||
		    sum[2].ops < o.ops)
			round_run(&o, rounds++, ROUND_OPS, sum);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	s = (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	for (size_t i = 0; i < BACKENDS; i++) {
		total += sum[i].ops;
		fires += sum[i].fires;
	}
	printf("differential: seed %" PRIu64 ", %u timers, %" PRIu64
	       " traces, ops %" PRIu64 " on each of %zu engines, fires %" PRIu64
	       ", %.1f s, %.2e ops/s, no difference\n",
	    o.seed, o.timers, rounds, total / BACKENDS, BACKENDS, fires, s,
	    (double)total / s);
	return 0;
}
