/* SPDX-License-Identifier: MIT
 *
 * trace.h - who looks at the engine from outside: its hook, and probes.
 *
 * trace() tells of each change of a timer's word. The short ways have none: on
 * an engine with a hook no timer takes them, see KIND_TRACED.
 *
 * PROBE_* are instructions that do nothing until a tracer puts a trap there:
 * bpftrace -p PID -e 'usdt:librota.so:rota:fire { @[arg3] = hist(arg2) }'
 * They are in the library where sys/sdt.h was found. What rota/inline.h does
 * is in no library: of confined timers they see what fires; and of polls those
 * that had something to do.
 */
#ifndef ROTA_CORE_TRACE_H
#define ROTA_CORE_TRACE_H

#include <rota/trace.h>

#include "core/shard.h"

#ifdef ROTA_PROBES
#include <sys/sdt.h>
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

/* trace - @op made the word of @t, of kind @k, what it is, @word. Where @k may
 * be gone the mark is looked at before. */
rota_inline void
trace(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum rota_trace_op op, uint64_t word)
{
	if (kind_traced(k))
		rota__trace(s, k, t, op, word);
}

#endif
