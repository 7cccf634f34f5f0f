/* SPDX-License-Identifier: MIT
 *
 * churn.h - the timers of a server with very many connections and no
 * network: what an engine does when it does nothing else.
 *
 * A connection has two timers, an idle one that every packet pushes later
 * and one for the request under way. For 108 operations on timers:
 *
 *   90  pushes of the idle timer of a random connection, to I from now
 *    8  starts of a request's timer, due in I/3 to I, and
 *    8  stops of one: it was answered
 *    2  starts of one due in I/600 to I/10 that nobody stops, so it fires
 *
 * I is 30 s, and a connection has a packet every 3 s, so of ten pushes one
 * finds the timer's entry at its place and has it filed again. Time is the
 * caller's (ROTA_CLOCK_CALLER) and moves with the packets: each 54 operations
 * the shard is polled and asked what is next, as a loop does after each wait.
 *
 * The idle deadlines are one of three shapes: constant, I; uniform, I/2 to 3/2
 * I, so that every other push is to an earlier instant; bimodal, I, but one in
 * ten a tenth of it.
 *
 * The work is counted, not timed: an engine runs until the longest deadline has
 * come due (with a packet every 15 s, or that would take too long), warms up
 * with what is measured, then does a fixed number of operations. They are chosen
 * before, some thousands at a time, outside what is timed.
 */
#ifndef ROTA_TOOLS_CHURN_H
#define ROTA_TOOLS_CHURN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hist.h"

#include <rota/rota.h>

enum churn_op { CHURN_START, CHURN_PUSH, CHURN_STOP, CHURN_OPS };
enum churn_shape { CHURN_CONSTANT, CHURN_UNIFORM, CHURN_BIMODAL, CHURN_SHAPES };

struct churn_config {
	enum rota_backend backend;
	enum churn_shape shape;
	uint64_t timers; /* two for each connection; at least 100 */
	uint64_t seed;
	bool confined; /* timers that only the owner touches */
	bool alone;    /* measure single calls and polls as well */
};

struct churn_result {
	/* Of what is measured as a whole. */
	uint64_t done[CHURN_OPS]; /* operations that did what they are for */
	uint64_t fired;
	double op_ns; /* processor time for each operation, polls included */
	/* Of single calls, each timed by the wall clock, and of polls, by
	 * processor time. A clock's own cost is in what it measures. */
	struct hist call_ns[CHURN_OPS], poll_ns;
	/* Since the engine began. */
	uint64_t early; /* fires before their deadline: there must be none */
	struct rota_stats stats;
	double resident;    /* bytes for each timer, the struct included */
	const char *broken; /* what does not add up; NULL: all does */
};

/* churn_measure - once, with an engine of its own; for turn_run(). The struct
 * is the caller's and large.
 *
 * Returns  0 and *@result, also if something in it does not add up; -errno: the
 *          engine could not be made. */
int churn_measure(const void *config, void *result);

#endif
