/* SPDX-License-Identifier: MIT
 *
 * rota/trace.h - each change of a timer's state, told as it happens.
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
 * For finding out what a program does with its timers, not for counting: an
 * engine with a hook knows no confined timers, each of theirs is treated as a
 * shared one. An engine without one pays a branch, on a line that it reads
 * anyway, where a timer is polled or released; none where it is stopped or
 * reset.
 *
 * Threads  the hook is called by whoever made the change, after it: by a poll,
 *          or by the thread that stops or resets. Those of one thread come in
 *          their order; those of two may be told in another than they happened
 *          in. It must call nothing of rota's, and it must return.
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
	ROTA_TRACE_FILE,  /* its entry was made, or put right */
	ROTA_TRACE_FIRE,  /* claimed: its callback is next, or it is handed
			     * out */
	ROTA_TRACE_DEFER, /* due, but armed in this poll: in the next one */
	ROTA_TRACE_DROP, /* its entry was taken out: it was stopped, or is being
			     * reset */
	ROTA_TRACE_EVICT,   /* its shard retires: it goes to the heir */
	ROTA_TRACE_RELEASE, /* given back, but the owner must let go of it; no
			     * stop is told, though it may count as one */
	ROTA_TRACE_RELEASED /* its memory is the user's again */
};

/* What it is after the change. */
#define ROTA_TRACE_HEAPED 1u   /* h: the heap or wheel has an entry for it */
#define ROTA_TRACE_MODIFIED 2u /* m: which does not say yet what it is */
#define ROTA_TRACE_ZOMBIE 4u   /* z: and that is stopped */

struct rota_trace {
	enum rota_trace_op op;
	unsigned state;
	unsigned shard;                 /* its number */
	rota_time deadline;             /* the latest: it stays after a stop */
	const struct rota_timer *timer; /* which; it may be gone by now */
	const struct rota_kind *kind; /* as long as @timer, it may be gone when
				       * another thread let go of both */
};

/* rota_trace_format - "reset h m", as Go's runtime would print it; at most @n
 * bytes, ended by a zero.
 * Returns how many it would take without the zero, less than ROTA_TRACE_LINE;
 * -EINVAL. */
#define ROTA_TRACE_LINE 24
int rota_trace_format(const struct rota_trace *e, char *line, size_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
