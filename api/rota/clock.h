/* SPDX-License-Identifier: MIT
 *
 * rota/clock.h - instants, spans, and where an engine's time comes from.
 *
 * An instant is a count of ns on the clock of one engine, since that engine
 * began; it is not a value of CLOCK_MONOTONIC, nor a date. A span is a count of
 * ns. An engine's clock never steps back: if its source does, the clock stands
 * still.
 */
#ifndef ROTA_CLOCK_H
#define ROTA_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int64_t rota_time; /* instant, ns since the engine began */
typedef int64_t rota_span; /* ns */

#define ROTA_NANOSECOND ((rota_span)1)
#define ROTA_MICROSECOND (1000 * ROTA_NANOSECOND)
#define ROTA_MILLISECOND (1000 * ROTA_MICROSECOND)
#define ROTA_SECOND (1000 * ROTA_MILLISECOND)
#define ROTA_MINUTE (60 * ROTA_SECOND)
#define ROTA_HOUR (60 * ROTA_MINUTE)

/* The instant that never comes: 2^60 - 1 ns, 36 years. Every later instant
 * counts as this one. A timer armed for it is pending and does not fire. */
#define ROTA_NEVER ((rota_time)((UINT64_C(1) << 60) - 1))

enum rota_clock {
	ROTA_CLOCK_MONOTONIC, /* stands still while the machine is suspended */
	ROTA_CLOCK_BOOTTIME,  /* goes on while the machine is suspended */
	ROTA_CLOCK_VIRTUAL,   /* moves by rota_engine_advance() alone */
	ROTA_CLOCK_CALLER     /* config.now(config.now_arg) */
};

/* rota_when - the instant @span after @now.
 *
 * Saturates: with a span of zero or less it is @now (due at once); a sum that
 * would be ROTA_NEVER or later, overflow included, is ROTA_NEVER.
 * Source   when() in Go's runtime/time.go.
 */
static inline rota_time
rota_when(rota_time now, rota_span span)
{
	if (span <= 0)
		return now;
	if (span >= ROTA_NEVER || now >= ROTA_NEVER - span)
		return ROTA_NEVER;
	return now + span;
}

#ifdef __cplusplus
}
#endif
#endif
