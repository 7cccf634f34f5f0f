/* SPDX-License-Identifier: MIT
 *
 * micro.c - registers every row and runs them.
 *
 * usage: rota_micro [--json FILE] [--full] [--smoke] [--sabotage]
 *            [google-benchmark's]
 *
 *   --json FILE every time of every row, with machine, command, commit and load
 *               (tools/common/results.h), which bench/micro/micro_table reads
 *   --full      N = 1e7 as well: 2 GB, and some minutes
 *   --smoke     tiny runs at one small N, each checked: a test
 *   --sabotage  every row leaves out part of its work; succeeds only if
 *               every one was caught: a test of that test
 *
 * For figures: repetitions in random order, so that a slow minute of the
 * machine falls on all rows alike:
 *
 *	rota_micro --benchmark_enable_random_interleaving=true \
 *	    --benchmark_repetitions=5 --json micro.json
 */
#include "bench/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/micro/head.h"
#include "tools/common/options.h"

#define CASES_MAX 1024

/* The smallest of the measured sizes, where a timer is drawn again soonest;
 * blocks of each row. */
#define SMOKE_N 1000
#define SMOKE_BLOCKS 10

static const struct micro_op *const files[] = {
	micro_touch,
	micro_works,
	micro_remote,
	micro_jump,
};

struct entry {
	const struct micro_op *op;
	struct micro_case c;
	char name[64];
	struct series ns; /* for an operation, of each run */
};

static struct entry entries[CASES_MAX];
static unsigned entries_len;
static struct results results;

/* The column that it stands in. */
static const char *
subject(const struct entry *e)
{
	return e->op->flags & MICRO_LIMIT ? "limit"
					  : rig_backends[e->c.backend];
}

static const char *
how(const struct entry *e)
{
	return e->c.confined ? "confined" : "shared";
}

static void
run(struct bench *b, void *arg)
{
	struct entry *e = arg;

	e->op->run(b, &e->c);
	if (bench_run.failed)
		results_note(&results, e->name, "failed", bench_run.failed);
	else
		series_insert(
		    &e->ns, (double)bench_run.ns / (double)bench_run.ops);
}

static int
write_results(const char *path, int argc, char **argv)
{
	unsigned ns = results_metric(&results, "ns", "ns", -1);
	int err;

	for (const struct entry *e = entries; e < entries + entries_len; e++)
		if (e->ns.n)
			results_add(&results, subject(e), e->op->name, how(e),
			    e->c.n, ns, &e->ns);
	err = results_write(&results, path, argc, argv);
	if (err)
		fprintf(stderr, "rota_micro: %s: %s\n", path, strerror(-err));
	return err != 0;
}

static void
add(const struct micro_op *op, int backend, bool confined, uint32_t n)
{
	uint64_t round = op->flags & MICRO_ROUNDS ? n : RIG_BLOCK;
	uint64_t ops = rig_smoke ? SMOKE_BLOCKS * round : op->ops;
	struct entry *e = &entries[entries_len++];

	if (entries_len > CASES_MAX)
		peer_die("too many rows");
	e->op = op;
	e->c = (struct micro_case){
		.backend = (enum rota_backend)backend,
		.confined = confined,
		.n = n,
		.variant = op->variant,
	};
	snprintf(e->name, sizeof(e->name), "%s/%s/%s/%" PRIu32, op->name,
	    subject(e), how(e), n);
	if (op->flags & MICRO_ROUNDS)
		ops = (ops + round - 1) / round * round;
	bench_register(e->name, run, e, ops);
}

static void
add_modes(const struct micro_op *op, uint32_t n)
{
	for (int shared = 0; shared < 2; shared++) {
		if (!shared && (op->flags & MICRO_SHARED))
			continue;
		add(op, ROTA_HEAP, !shared, n);
		if (op->flags & MICRO_LIMIT)
			continue;
		add(op, ROTA_WHEEL, !shared, n);
		add(op, ROTA_WHEEL_COARSE, !shared, n);
	}
}

static void
add_sizes(const struct micro_op *op, bool full)
{
	static const uint32_t sizes[] = { 1000, 100000, 1000000, 10000000 };

	if (op->n || rig_smoke) {
		add_modes(op,
		    !op->n || (rig_smoke && op->n > SMOKE_N) ? SMOKE_N : op->n);
		return;
	}
	for (unsigned i = 0; i < (full ? 4 : 3); i++)
		add_modes(op, sizes[i]);
}

int
main(int argc, char **argv)
{
	bool full = false;
	const char *json = NULL;
	const struct option_row rows[] = {
		{ .name = "json", "FILE", .text = &json },
		{ .name = "full", .flag = &full },
		{ .name = "smoke", .flag = &rig_smoke },
		{ .name = "sabotage", .flag = &rig_sabotage },
		{ .name = NULL },
	};
	char *command[64]; /* google-benchmark takes its words out of argv */
	const int words = argc < 64 ? argc : 64;
	int status;

	memcpy(command, argv, (size_t)words * sizeof(*command));
	bench_init(&argc, argv);
	if (options_parse("rota_micro", rows, false, argc, argv) < 0)
		return 2;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (const struct micro_op *op = files[i]; op->name; op++)
			add_sizes(op, full);
	snprintf(results.program, sizeof(results.program), "rota_micro");
	snprintf(results.version, sizeof(results.version), "%s",
	    rota_version_string());
	machine_stat(&results.machine);
	head_command(&results, words, command);
	head_print(&results);
	status = bench_main();
	if (json && write_results(json, words, command))
		status = 1;
	if (!rig_sabotage)
		return status;
	printf("%u of %u sabotaged runs were caught\n", bench_failures(),
	    bench_runs());
	return !bench_runs() || bench_failures() != bench_runs();
}
