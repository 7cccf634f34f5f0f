/* SPDX-License-Identifier: MIT
 *
 * periodic.c - the next instant of a periodic timer.
 *
 * Invariant  the grid is counted from the deadline, not from the instant of the
 *            call: so no error adds up from period to period. All arithmetic
 *            stays in the range of instants: rota_when() saturates, and the
 *            steps before it only divide.
 * Threads    as of rota_timer_reset_at().
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/misuse.h"

/* The answer to a period of 0 or less. */
static rota_noinline int
no_period(const struct rota_timer *t, const char *fn)
{
	struct rota_kind *k = object_call(t, fn) ? kind_of(t) : NULL;

	return k ? rota__misuse_kind(k, MISUSE_PERIOD, -EINVAL, fn) : -EINVAL;
}

int
rota_timer_forward(
    struct rota_timer *t, rota_time now, rota_span period, uint64_t *missed)
{
	rota_time next;
	uint64_t n = 0;
	int r;

	if (period <= 0)
		return no_period(t, __func__);
	next = rota_timer_deadline(t);
	if (next < 0)
		return (int)next;
	if (now > ROTA_NEVER)
		now = ROTA_NEVER;
	if (next <= now && next < ROTA_NEVER) {
		n = (uint64_t)((now - next) / period);
		next = rota_when(now - (now - next) % period, period);
	}
	r = rota_timer_reset_at(t, next);
	if (r >= 0 && missed)
		*missed = n;
	return r;
}
