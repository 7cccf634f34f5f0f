/* SPDX-License-Identifier: MIT
 *
 * idle.h - the work of the mode idle, for rota and for libevent.
 */
#ifndef BENCH_LIMITS_IDLE_H
#define BENCH_LIMITS_IDLE_H

#include "bench/limits/limits.h"

struct idle_plan {
	uint64_t batch;   /* timers that are pushed at once */
	uint64_t n;       /* all timers */
	unsigned batches; /* in which all are */
	unsigned stops;   /* that a batch starts and stops besides */
	/* ns: */
	rota_span span;   /* of a deadline */
	rota_span period; /* from batch to batch */
	rota_span spread; /* of the deadlines of a batch */
	rota_span warm, measure;
};

struct idle_result {
	uint64_t ns, cpu;  /* wall, of the thread */
	uint64_t switches; /* times that the thread blocked */
	uint64_t wakeups;  /* returns from the wait */
	uint64_t batches, fires;
};

/* As the options say. */
void idle_plan(struct idle_plan *p);
/* How often the calling thread has blocked. */
uint64_t idle_switches(void);
void idle_print(const char *mode, const char *who, const char *kind,
    const struct idle_plan *p, bool stops, const struct idle_result *r);

#endif
