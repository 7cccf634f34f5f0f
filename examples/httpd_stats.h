/* SPDX-License-Identifier: MIT
 *
 * httpd_stats.h - what httpd.c counts, and how it is told.
 *
 * Threads  each worker has its own struct counters and alone writes it;
 *          counters_json() reads all of them from any thread, a snapshot.
 */
#ifndef EXAMPLES_HTTPD_STATS_H
#define EXAMPLES_HTTPD_STATS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <rota/rota.h>

enum timeout { HEADER, IDLE, WRITE, TOTAL, TIMEOUTS };

extern const char *const timeout_names[TIMEOUTS];

/* Lateness in us, log-linear: 32 buckets for each power of two, so within
 * 3 percent; up to 2^32 us. */
enum { LATE_BITS = 5, LATE_BUCKETS = (32 - LATE_BITS + 1) << LATE_BITS };

struct counters {
	alignas(64) _Atomic uint64_t connections; /* a line shared by none */
	_Atomic uint64_t requests;
	_Atomic uint64_t refused; /* answered with 4xx or 5xx and closed */
	_Atomic uint64_t pauses;  /* of accepting */
	_Atomic uint64_t lingers; /* peers that did not close, after us */
	_Atomic uint64_t early;   /* timeouts before their deadline: a bug */
	_Atomic uint64_t timeouts[TIMEOUTS];
	_Atomic uint64_t late[LATE_BUCKETS];
	_Atomic uint64_t late_max; /* us */
};

/* Relaxed: the only writer is the caller, and readers ask for a snapshot. */
static inline void
count(_Atomic uint64_t *c)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* A timeout of @kind closed a connection @late after its deadline. */
void count_timeout(struct counters *c, enum timeout kind, rota_span late);

/* The sum of @n counters and the figures of @e, as one line of JSON without
 * its end. Returns its length. */
size_t counters_json(char *buf, size_t size, const struct counters *c,
    unsigned n, const char *backend, unsigned open, struct rota_engine *e);

#endif
