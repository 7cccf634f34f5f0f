/* SPDX-License-Identifier: MIT
 *
 * churn.h - the timers of a server with very many connections and no
 * network: what an engine does when it does nothing else.
 *
 * A connection has two timers, an idle one that every packet pushes later
 * and one for the request under way. For 110 operations on timers:
 *
 *   90  pushes of the idle timer of a random connection, to I from now
 *    8  starts of a request's timer, due in I to 3 I, and
 *    8  stops of one: it was answered
 *    2  starts of one due in 1 to 50 ms that nobody stops, so it fires
 *
 * I is 1 s for up to 200,000 timers and grows with their number from there,
 * so that at any size some 100,000 entries a second come to their place and
 * are filed again: at these rates of pushes one in some hundreds, as on a
 * server with an idle timeout of 30 s that a packet reaches each 0.1 s. The
 * entries are spread evenly over I from the beginning.
 *
 * The same code runs each engine, in real time, on one thread that owns the
 * one shard. Timers may be touched by other threads, as is rota's default.
 * A round chooses its timers first, outside what is timed, then runs them in
 * batches of one sort, back to back; the clock is read between batches.
 */
#ifndef ROTA_TOOLS_CHURN_H
#define ROTA_TOOLS_CHURN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hist.h"

#include <rota/rota.h>

/* Operations that are timed together: the clock costs some 25 ns, so less
 * than 1 ns of an operation's figure is the clock. */
enum { CHURN_BATCH = 32 };

enum churn_op { CHURN_START, CHURN_PUSH, CHURN_STOP, CHURN_OPS };

struct churn_config {
	enum rota_backend backend;
	uint64_t timers; /* two for each connection */
	uint64_t seed;
	rota_span length;   /* of what is measured */
	bool confined;      /* timers that only the owner touches */
	bool (*tick)(void); /* called now and then; false: give up. Or NULL */
};

struct churn_result {
	/* In the measured time. */
	uint64_t done[CHURN_OPS]; /* operations that did what they are for */
	uint64_t fired;
	uint64_t early;  /* fires before their deadline: there must be none */
	rota_span spent; /* processor time in operations and polls */
	struct hist op_ps[CHURN_OPS]; /* ps for each operation of a batch */
	struct hist late_ns;          /* of fires, the clock in the callback */
	/* Since the engine began. */
	struct rota_stats stats;
	double bytes;       /* for each timer, the struct included */
	const char *broken; /* what does not add up; NULL: all does */
};

/* churn_run - once, with an engine of its own.
 *
 * Returns  0 and *@out, also if something in it does not add up; -EINTR:
 *          @tick said to give up; -errno: the engine could not be made.
 */
int churn_run(const struct churn_config *config, struct churn_result *out);

#endif
