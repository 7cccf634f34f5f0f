/* SPDX-License-Identifier: MIT
 *
 * trace.h - observing an engine: the trace callback and static (USDT) probes.
 *
 * trace() reports each change of a timer's word. The fast paths do not call it:
 * with a trace callback set no timer takes a fast path, see KIND_TRACED.
 *
 * PROBE_* are instructions that do nothing until a tracer puts a trap there:
 * bpftrace -p PID -e 'usdt:librota.so:rota:fire { @[arg3] = hist(arg2) }'
 * They are in the library if sys/sdt.h was found. The code of rota/inline.h is
 * in no library, so of confined timers probes see only what fires, and of polls
 * only those that had something to do.
 *
 * Threads    any; the trace callback is called by the thread that made the
 *            change.
 */
#ifndef ROTA_CORE_TRACE_H
#define ROTA_CORE_TRACE_H

#include <rota/trace.h>

#include "core/shard.h"

#ifdef ROTA_PROBES
#include <sys/sdt.h>
#ifdef __clang__ /* its macros have a ... that gets nothing */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#else
#define DTRACE_PROBE1(...) ((void)0)
#define DTRACE_PROBE2(...) ((void)0)
#define DTRACE_PROBE3(...) ((void)0)
#define DTRACE_PROBE4(...) ((void)0)
#endif

#define PROBE_RESET(t, deadline) DTRACE_PROBE2(rota, reset, t, deadline)
#define PROBE_STOP(t) DTRACE_PROBE1(rota, stop, t)
#define PROBE_RELEASE(t) DTRACE_PROBE1(rota, release, t)
#define PROBE_FIRE(t, deadline, late, kind) \
	DTRACE_PROBE4(rota, fire, t, deadline, late, kind)
#define PROBE_POLL(shard, now, more) DTRACE_PROBE3(rota, poll, shard, now, more)
#define PROBE_PARK(shard, until) DTRACE_PROBE2(rota, park, shard, until)
#define PROBE_WAKE(shard) DTRACE_PROBE1(rota, wake, shard)

void rota__trace(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum rota_trace_op op, uint64_t word);

/* trace - report that @op made @word the word of @t, of kind @k. A caller whose
 * @k may be gone asks kind_traced() before @op. */
rota_inline void
trace(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum rota_trace_op op, uint64_t word)
{
	if (kind_traced(k))
		rota__trace(s, k, t, op, word);
}

#endif
