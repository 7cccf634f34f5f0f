/* SPDX-License-Identifier: MIT
 *
 * confined.h - the reset of a confined timer, as in api/rota/inline.h, but for
 * every instant.
 *
 * Invariant  only the owner touches a confined timer, so no operation on its
 *            word is atomic.
 * Threads    the owner.
 */
#ifndef ROTA_CORE_CONFINED_H
#define ROTA_CORE_CONFINED_H

#include "core/arming.h"

rota_inline int
confined_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d,
    struct rota_kind *k, bool push)
{
	uint64_t old = t->r_word;

	if (push && !(old & ST_ARMED))
		return -EINVAL;
	if ((old & ~ST_ARMED & ST_FLAGS) != ST_LINKED || d < t->r_key)
		return rota_timer_reset_unfiled(t, (rota_time)d, k);
	t->r_word = d << ST_SHIFT | ST_ARMED | ST_LINKED;
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	return (int)(old & ST_ARMED);
}

#endif
