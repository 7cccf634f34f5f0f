/* SPDX-License-Identifier: MIT
 *
 * stress.c - real threads on real timers, and the books balanced after.
 *
 *	stress [--ops N] [--seconds S] [--seed S] [--workers 2|3] [scenario...]
 *
 * Every arming must have exactly one end: it fires, or a stop prevents it; at
 * the deadline or later. --ops counts calls on timers over all scenarios.
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/race/race.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND_OPS 40000 /* calls in a round; arbitrary */

_Thread_local struct worker *race_self;
struct tally race_tally;

static const struct {
	const char *name;
	race_round *round;
	unsigned share; /* of the calls; the others are slower */
} scenarios[] = {
	{ "polled", items_polled, 8 },
	{ "adopted", items_adopted, 4 },
	{ "retired", items_retired, 4 },
	{ "driven", items_driven, 2 },
	{ "handles", handles_polled, 4 },
	{ "handles-driven", handles_driven, 2 },
	{ "handles-retired", handles_retired, 2 },
	{ "wakes", wakes_round, 0 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

static const char *round_name = "?";
static uint64_t round_seed;

void
race_begin(const char *name, uint64_t seed)
{
	round_name = name;
	round_seed = seed;
}

void
race_fail(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "stress: %s, seed of the round %" PRIu64 ": ",
	    round_name, round_seed);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

double
race_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
thing_load(struct thing *th, struct worker *w)
{
	if (th->payload)
		race_count(torn, 1);
	th->payload = ++w->armings << 8 | w->index | 128;
	th->twin = ~th->payload;
	word_add(&th->starts, (uint64_t)1, relaxed);
}

void
thing_unload(struct thing *th, bool fired)
{
	if (!th->payload || th->twin != ~th->payload)
		race_count(torn, 1);
	th->payload = 0;
	word_add(fired ? &th->fires : &th->stops, (uint64_t)1, relaxed);
}

void
thing_check(const struct thing *th, bool armed)
{
	uint64_t starts = word_load(&th->starts, relaxed);
	uint64_t ends = word_load(&th->stops, relaxed) +
	    word_load(&th->fires, relaxed) + armed;

	race_count(starts, starts);
	race_count(stops, word_load(&th->stops, relaxed));
	race_count(fires, word_load(&th->fires, relaxed));
	if (ends > starts)
		race_count(twice, ends - starts);
	if (ends < starts)
		race_count(lost, starts - ends);
}

void
race_run(struct worker *workers, unsigned n, void *(*body)(void *))
{
	for (unsigned i = 0; i < n; i++) {
		workers[i].index = i;
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]))
			race_fail("pthread_create");
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		race_count(ops, workers[i].ops);
	}
}

static double
number(const char *s)
{
	char *rest;
	double x = strtod(s, &rest); /* 5e7 */

	if (rest == s || *rest || x < 0) {
		fprintf(stderr, "stress: no number: %s\n", s);
		exit(2);
	}
	return x;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr,
	    "usage: stress [--ops N] [--seconds S] [--seed S] "
	    "[--workers 2|3] [scenario...]\nscenarios:");
	for (size_t i = 0; i < SCENARIOS; i++)
		fprintf(stderr, " %s", scenarios[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

/* Marks the scenarios that are named; all if none is. */
static struct race_options
options_read(int argc, char **argv, bool wanted[SCENARIOS])
{
	struct race_options o = { .seed = 1, .workers = 2 };
	bool named = false;

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		if (argv[i][0] == '-' && i + 1 == argc)
			usage();
		if (!strcmp(argv[i], "--ops")) {
			o.ops = (uint64_t)number(argv[++i]);
		} else if (!strcmp(argv[i], "--seconds")) {
			o.seconds = number(argv[++i]);
		} else if (!strcmp(argv[i], "--seed")) {
			o.seed = (uint64_t)number(argv[++i]);
		} else if (!strcmp(argv[i], "--workers")) {
			o.workers = (unsigned)number(argv[++i]);
		} else {
			while (
			    k < SCENARIOS && strcmp(argv[i], scenarios[k].name))
				k++;
			if (k == SCENARIOS)
				usage();
			named = wanted[k] = true;
		}
	}
	if (o.workers < 2 || o.workers > 3)
		usage();
	for (size_t k = 0; !named && k < SCENARIOS; k++)
		wanted[k] = true;
	if (!o.ops && o.seconds <= 0)
		o.seconds = 2;
	return o;
}

static void
judge(const char *name)
{
	const struct tally *t = &race_tally;

	if (t->early || t->twice || t->lost || t->torn)
		race_fail("%s: early %" PRIu64 " double %" PRIu64
			  " lost %" PRIu64 " torn %" PRIu64,
		    name, t->early, t->twice, t->lost, t->torn);
}

/* Rounds until @ops calls or @seconds have passed. */
static void
scenario_run(
    size_t k, const struct race_options *o, uint64_t ops, double seconds)
{
	double from = race_seconds();
	uint64_t before = race_tally.ops, done = 0;

	for (uint64_t round = 0;; round++) {
		uint64_t seed = source_mix(o->seed + source_mix(round + 1));

		race_begin(scenarios[k].name, seed);
		scenarios[k].round(o, seed, ROUND_OPS);
		judge(scenarios[k].name);
		done = race_tally.ops - before;
		if (o->ops && done >= ops)
			break;
		if (!o->ops && race_seconds() - from >= seconds)
			break;
	}
	printf("stress: %-15s ops %" PRIu64 " in %.1f s\n", scenarios[k].name,
	    done, race_seconds() - from);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	bool wanted[SCENARIOS] = { false };
	struct race_options o = options_read(argc, argv, wanted);
	unsigned shares = 0, many = 0;
	double from = race_seconds();

	for (size_t k = 0; k < SCENARIOS; k++) {
		shares += wanted[k] ? scenarios[k].share : 0;
		many += wanted[k];
	}
	for (size_t k = 0; k < SCENARIOS; k++)
		if (wanted[k])
			scenario_run(k, &o,
			    shares ? o.ops * scenarios[k].share / shares
				   : o.ops,
			    o.seconds / many);
	printf("stress: seed %" PRIu64 ", %u workers, %.1f s, starts %" PRIu64
	       " fires %" PRIu64 " stops %" PRIu64 "\nops %" PRIu64
	       " early %" PRIu64 " double %" PRIu64 " lost %" PRIu64 "\n",
	    o.seed, o.workers, race_seconds() - from, race_tally.starts,
	    race_tally.fires, race_tally.stops, race_tally.ops,
	    race_tally.early, race_tally.twice, race_tally.lost);
	return 0;
}
