/* SPDX-License-Identifier: MIT
 *
 * micro.c - registers every row and runs them.
 *
 * usage: rota_micro [--full] [--smoke] [--sabotage] [google-benchmark's]
 *
 *   --full      N = 1e7 as well: 2 GB, and some minutes
 *   --smoke     tiny runs at one small N, each checked: a test
 *   --sabotage  every row leaves out part of its work; succeeds only if
 *               every one was caught: a test of that test
 *
 * For figures: repetitions in random order, so that a slow minute of the
 * machine falls on all rows alike; then bench/micro/micro_table reads the
 * file:
 *
 *	rota_micro --benchmark_enable_random_interleaving=true \
 *	    --benchmark_repetitions=5 --benchmark_out=micro.json
 */
#include "bench/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/machine.h"
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
};

static struct entry entries[CASES_MAX];
static unsigned entries_len;

static void
run(struct bench *b, const void *arg)
{
	const struct entry *e = arg;

	e->op->run(b, &e->c);
}

static void
add(const struct micro_op *op, int backend, bool confined, uint32_t n)
{
	bool limit = op->flags & MICRO_LIMIT;
	uint64_t round = op->flags & MICRO_ROUNDS ? n : RIG_BLOCK;
	uint64_t ops = rig_smoke ? SMOKE_BLOCKS * round : op->ops;
	struct entry *e = &entries[entries_len++];
	char name[128];

	if (entries_len > CASES_MAX)
		peer_die("too many rows");
	e->op = op;
	e->c = (struct micro_case){
		.backend = (enum rota_backend)backend,
		.confined = confined,
		.n = n,
		.variant = op->variant,
	};
	snprintf(name, sizeof(name), "%s/%s/%s/%" PRIu32, op->name,
	    limit ? "limit" : rig_backends[backend],
	    confined ? "confined" : "shared", n);
	if (op->flags & MICRO_ROUNDS)
		ops = (ops + round - 1) / round * round;
	bench_register(name, run, e, ops,
	    op->flags & MICRO_REAL ? BENCH_REAL : BENCH_MANUAL);
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
		add_modes(op, op->n ? op->n : SMOKE_N);
		return;
	}
	for (unsigned i = 0; i < (full ? 4 : 3); i++)
		add_modes(op, sizes[i]);
}

int
main(int argc, char **argv)
{
	bool full = false;
	const struct option_row rows[] = {
		{ .name = "full", .flag = &full },
		{ .name = "smoke", .flag = &rig_smoke },
		{ .name = "sabotage", .flag = &rig_sabotage },
		{ .name = NULL },
	};
	struct machine m;
	int status;

	bench_init(&argc, argv);
	if (options_parse("rota_micro", rows, false, argc, argv) < 0)
		return 2;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (const struct micro_op *op = files[i]; op->name; op++)
			add_sizes(op, full);
	machine_stat(&m);
	bench_context("commit", m.commit);
	status = bench_main();
	if (!rig_sabotage)
		return status;
	printf("%u of %u sabotaged runs were caught\n", bench_failures(),
	    bench_runs());
	return !bench_runs() || bench_failures() != bench_runs();
}
