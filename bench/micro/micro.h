/* SPDX-License-Identifier: MIT
 *
 * micro.h - the rows of the table of operations.
 *
 * A file for each sort of operation, with its rows; micro.c registers every row
 * with every backend, confined and shared, at every N, under the name
 * `row/backend/mode/N`. Their times are ns for one operation.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include "bench/micro/rig.h"
#include "bench/micro/shim.h"

enum {
	MICRO_LIMIT = 1,  /* no engine in it: one column, `limit` */
	MICRO_SHARED = 2, /* several threads: not for confined timers */
	MICRO_ROUNDS = 4  /* makes its operations in rounds of N */
};

struct micro_op {
	const char *name; /* NULL ends a file's rows */
	void (*run)(struct bench *b, const struct micro_case *c);
	int variant;
	uint64_t ops; /* in a run, about: whole rounds or blocks are made */
	uint32_t n;   /* only with this many timers; 0: 1e3, 1e5, 1e6 */
	unsigned flags;
};

/* What is measured first stands first. */
extern const struct micro_op micro_touch[];
extern const struct micro_op micro_works[];
extern const struct micro_op micro_remote[];
extern const struct micro_op micro_jump[];

#endif
