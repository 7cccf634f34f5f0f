/* SPDX-License-Identifier: MIT
 *
 * race.h - what the stress tests share: workers, what they count, and what
 * must hold once they have stopped.
 *
 * Counters that threads share are relaxed: they order nothing, so that a
 * thread sanitizer sees no edge but the library's own. The payload that a
 * timer carries from who arms it to who has it next is plain memory: each
 * edge that is missing is a data race.
 */
#ifndef TESTS_RACE_RACE_H
#define TESTS_RACE_RACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rota/rota.h>

#include "core/sys/atomic.h"
#include "tests/conformance/source.h"

#define RACE_WORKERS 4

/* What came out of it; added up over all rounds. */
struct tally {
	uint64_t ops; /* calls on a timer or a handle */
	uint64_t starts, stops, fires;
	uint64_t early, twice, lost, torn;
};

struct race_options {
	uint64_t ops;   /* calls in all; 0: until `seconds` */
	double seconds; /* real time; 0: until `ops` */
	uint64_t seed;
	unsigned workers; /* 2 or 3 */
};

/* A thing that is held by one thread at a time, or by a timer. */
struct thing {
	uint64_t payload; /* 0: held; else the arming's number. Plain */
	uint64_t twin;    /* ~payload. Plain */
	rota_word starts, stops, fires; /* relaxed */
};

struct worker {
	struct source source;
	pthread_t thread;
	unsigned index;
	void **held; /* things, a stack */
	unsigned holds;
	uint64_t ops, armings;
};

/* The worker of the calling thread; NULL: a driver. */
extern _Thread_local struct worker *race_self;
extern struct tally race_tally; /* added to with race_count() */

#define race_count(field, n) \
	((void)__atomic_fetch_add(&race_tally.field, (n), __ATOMIC_RELAXED))

/* race_fail - print what is wrong, the seed and the round; the end. */
_Noreturn void race_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* race_begin - a round, for race_fail(). */
void race_begin(const char *name, uint64_t seed);

/* thing_load - @th gets its payload, before it is armed. Its holder. */
void thing_load(struct thing *th, struct worker *w);
/* thing_unload - @th was got back: by a callback, or a stop. */
void thing_unload(struct thing *th, bool fired);
/* thing_check - once nothing moves any more: each arming had one end.
 * @armed: the last one has had none yet. */
void thing_check(const struct thing *th, bool armed);

/* race_run - @body in @n threads, each with its worker. */
void race_run(struct worker *workers, unsigned n, void *(*body)(void *));

double race_seconds(void);

/* A scenario: one round of about @ops calls. */
typedef void race_round(
    const struct race_options *o, uint64_t seed, uint64_t ops);
race_round items_polled, items_adopted, items_retired, items_driven,
    handles_polled, handles_driven, handles_retired, wakes_round;

#endif
