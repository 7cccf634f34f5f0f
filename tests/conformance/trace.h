/* SPDX-License-Identifier: MIT
 *
 * trace.h - a random life of some timers, told to an engine and to a naive
 * model at once.
 *
 * The model is two arrays, deadline and rank of arming, that are searched
 * from end to end; nothing in it is shared with the library. It holds the
 * library to the semantics sheet of the public headers, call by call and
 * callback by callback:
 *  - each verdict of reset, stop, release, pending, deadline;
 *  - each fire: armed, not early, not armed in this very poll; from a heap
 *    or an exact wheel the very one whose turn it is, equal deadlines in the
 *    order of their arming;
 *  - after a poll that says that nothing is left: nothing is (coarse: what
 *    is late by a tick and its slack);
 *  - fires of a budgeted poll, the next instant, the counters, memory that
 *    was given back stays untouched.
 *
 * A mismatch prints what it was and the latest calls, and aborts.
 */
#ifndef TESTS_CONFORMANCE_TRACE_H
#define TESTS_CONFORMANCE_TRACE_H

#include <rota/rota.h>

#include "tests/conformance/source.h"

#define TRACE_TIMERS 4096 /* at most */

struct trace_config {
	enum rota_backend backend;
	unsigned timers;
	uint64_t ops;     /* calls to make; a source may run dry before */
	const char *name; /* how to run it again, for a failure's report */
};

struct trace_result {
	uint64_t ops; /* calls of the library that were compared */
	uint64_t fires;
	uint64_t digest; /* of all verdicts and fires in their order */
	bool exact;      /* heap and exact wheel must have the same digest */
};

/* trace_run - make an engine, lead the life that @source tells, end it. */
void trace_run(const struct trace_config *config, struct source source,
    struct trace_result *result);

/* trace_backend - its name. */
const char *trace_backend(enum rota_backend backend);

#endif
