/* SPDX-License-Identifier: MIT
 *
 * trace.c - reporting a change of a timer's word, with its state in Go's
 * letters.
 */
#include "core/trace.h"

#include <errno.h>

void
rota__trace(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum rota_trace_op op, uint64_t word)
{
	bool zombie = (word & (ST_LINKED | ST_ARMED)) == ST_LINKED;
	/* The reset left the entry at its old key: core/state.h. */
	bool stays = op == ROTA_TRACE_RESET && word & ST_LINKED;
	struct rota_trace e = {
		.op = op,
		.shard = s->index,
		.deadline = (rota_time)ST_DEADLINE(word),
		.timer = t,
		.kind = k,
	};
	int saved = errno; /* the callback may change it */

	if (word & ST_LINKED)
		e.state |= ROTA_TRACE_HEAPED;
	if (word & ST_QUEUED || stays || zombie)
		e.state |= ROTA_TRACE_MODIFIED;
	if (zombie)
		e.state |= ROTA_TRACE_ZOMBIE;
	s->config->trace(s->config->trace_arg, &e);
	errno = saved;
}
