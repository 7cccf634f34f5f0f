/* SPDX-License-Identifier: MIT
 *
 * burst.h - what comes all at once: of many timers nine in ten are stopped, and
 * the rest comes due one by one; then all are due in one instant.
 *
 * Time is the caller's and moves by 1 ms from poll to poll. A poll may take 4096
 * steps, as a server would have it; one that leaves something due is followed by
 * another at the same instant.
 */
#ifndef ROTA_TOOLS_BURST_H
#define ROTA_TOOLS_BURST_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hist.h"

#include <rota/rota.h>

struct burst_config {
	enum rota_backend backend;
	uint64_t timers;
	uint64_t seed;
	bool confined;
};

struct burst_result {
	double stop_ns;       /* processor time for each stop */
	struct hist after_ns; /* processor time of each poll after them */
	double herd_ns;       /* processor time for each timer of the instant */
	struct hist herd_poll_ns;
	const char *broken; /* NULL: all fired that had to, none early */
};

/* burst_measure - once, with an engine of its own; for turn_run().
 *
 * Returns  0 and *@result; -errno: the engine could not be made. */
int burst_measure(const void *config, void *result);

#endif
