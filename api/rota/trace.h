/* SPDX-License-Identifier: MIT
 *
 * rota/trace.h - a callback for each change of a timer's state, as it happens.
 *
 *	static void
 *	tell(void *arg, const struct rota_trace *e)
 *	{
 *		char line[ROTA_TRACE_LINE];
 *
 *		rota_trace_format(e, line, sizeof(line));
 *		fprintf(arg, "%p %s\n", (void *)e->timer, line);
 *	}
 *
 *	config.trace = tell;
 *	config.trace_arg = stderr;
 *
 * Use it to find out what a program does with its timers, not to count. An
 * engine with a trace callback treats each confined timer as a shared one. An
 * engine without one pays a branch, on a cache line that it reads anyway, where
 * a timer is polled or released, and nothing where a timer is stopped or reset.
 *
 * Threads  the thread that made the change calls the callback after it: in a
 *          poll, or in a stop or reset. Changes by one thread are reported in
 *          their order; changes by two threads may be reported in another order
 *          than they happened in. The callback must call no function of rota,
 *          and it must return.
 * Source   the letters are those of Go's runtime/time.go (timerHeaped,
 *          timerModified, timerZombie).
 */
#ifndef ROTA_TRACE_H
#define ROTA_TRACE_H

#include <stddef.h>

#include <rota/timer.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum rota_trace_op {
	ROTA_TRACE_RESET, /* armed, or moved to another deadline */
	ROTA_TRACE_STOP,  /* a stop prevented */
	ROTA_TRACE_FILE,  /* its entry was made or moved */
	ROTA_TRACE_FIRE,  /* claimed: its callback is next, or a batch poll
			   * hands it out */
	ROTA_TRACE_DEFER, /* due, but armed in this poll: it waits for the
			   * next */
	ROTA_TRACE_DROP, /* its entry was taken out: it was stopped, or is being
			  * reset */
	ROTA_TRACE_EVICT,   /* it leaves its shard: that retires, or
			     * rota_timer_move() */
	ROTA_TRACE_RELEASE, /* given back, but the owner still has to drop it;
			     * no STOP is reported, though it may count as a
			     * stop */
	ROTA_TRACE_RELEASED /* its memory is the user's again */
};

/* The timer's state after the change. */
#define ROTA_TRACE_HEAPED 1u   /* h: the heap or wheel has an entry for it */
#define ROTA_TRACE_MODIFIED 2u /* m: the entry does not have its deadline yet */
#define ROTA_TRACE_ZOMBIE 4u   /* z: it is stopped, the entry is left */

struct rota_trace {
	enum rota_trace_op op;
	unsigned state;
	unsigned shard;                 /* its number */
	rota_time deadline;             /* the latest: it stays after a stop */
	const struct rota_timer *timer; /* its memory may be gone */
	const struct rota_kind *kind; /* may be gone if another thread released
				       * @timer and @kind */
};

/* rota_trace_format - "reset h m", as Go's runtime would print it; at most @n
 * bytes, ended by a zero.
 * Returns the length of the whole line without the zero, less than
 * ROTA_TRACE_LINE; -EINVAL. */
#define ROTA_TRACE_LINE 24
int rota_trace_format(const struct rota_trace *e, char *line, size_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
