/* SPDX-License-Identifier: MIT
 *
 * limits.h - what the modes of rota_limits have in common.
 *
 * A mode prints plain lines and returns whether its invariants held. A bound
 * of time that is missed is printed, not failed: it says as much of the machine
 * as of rota.
 */
#ifndef BENCH_LIMITS_LIMITS_H
#define BENCH_LIMITS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <rota/rota.h>

#include "tools/common/clock.h"

struct options {
	unsigned backends; /* bits: 1 << enum rota_backend */
	unsigned kinds;    /* bits: KIND_x; 0: the mode's own */
	uint64_t armings;
	uint64_t timers; /* 0: the mode's own; also below */
	double seconds;
	unsigned rounds, runs, threads;
	int only;         /* of the cases of mode poll; -1: all */
	int64_t budget;   /* of mode poll; -1: its three */
	rota_span idle;   /* the deadline of the mode idle, ns */
	rota_span spread; /* of the deadlines of one of its batches, ns */
	bool smoke;
	const char *json;
};

enum { KIND_CONFINED = 1, KIND_SHARED = 2 };

extern struct options options;

bool armings_run(enum rota_backend b, bool confined);
bool flood_run(enum rota_backend b);
bool poll_run(enum rota_backend b, bool confined);
/* A case of it by its name; -1. */
int poll_case(const char *name);
bool idle_run(enum rota_backend b, bool confined);
/* The work of the mode idle on libevent, if there is one to load. */
void idle_libevent(void);

/* Ends the program: what cannot be measured without. */
_Noreturn void die(const char *what);
/* broken: print what does not hold; false. */
bool broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *backend_name(enum rota_backend b);
const char *kind_name(bool confined);

/* A line of output, which is a result, too, where --json is given: its mode,
 * who does it (a backend) and of which kind; in what case; and figures of it,
 * each with its name, @better as of results.h. */
void line_begin(const char *mode, const char *who, const char *kind);
void line_case(const char *format, ...) __attribute__((format(printf, 1, 2)));
void line_figure(const char *name, const char *format, double v, int better);

struct rota_engine *engine_make(
    enum rota_backend b, enum rota_clock clock, unsigned flags);
/* What was started has fired, was stopped or is armed, and no more. Of an
 * engine that nobody uses meanwhile. */
bool engine_adds_up(struct rota_engine *e);
/* Ends @e and drops what is armed. */
void engine_end(struct rota_engine *e);
/* @size bytes, all of them touched. */
void *memory_make(size_t size);

#endif
