/* SPDX-License-Identifier: MIT
 *
 * sleeper.h - an owner that sleeps whenever its shard allows it, by the real
 * clock: how late it fires, and how often it wakes for nothing.
 *
 * First a timer is due each ms or so, at random. Then nothing is: 10,000
 * deadlines of a second are pushed, a twentieth each 25 ms, and what the owner
 * wakes for besides these batches is for nothing.
 */
#ifndef ROTA_TOOLS_SLEEPER_H
#define ROTA_TOOLS_SLEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hist.h"

#include <rota/rota.h>

/* How long one takes. */
#define SLEEPER_SPAN (700 * ROTA_MILLISECOND)

struct sleeper_config {
	enum rota_backend backend;
	uint64_t seed;
	bool confined;
};

struct sleeper_result {
	struct hist late_ns;
	double wakeups;     /* for each that was needed */
	const char *broken; /* NULL: none fired early or too often */
};

/* sleeper_measure - once, with an engine of its own; for turn_run().
 *
 * Returns  0 and *@result; -errno: the engine could not be made. */
int sleeper_measure(const void *config, void *result);

#endif
