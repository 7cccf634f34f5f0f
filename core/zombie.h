/* SPDX-License-Identifier: MIT
 *
 * zombie.h - the end of a zombie: what is noted when its entry goes.
 *
 * Invariant  state_keep() has turned LINKED off: @is is the word after.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_ZOMBIE_H
#define ROTA_CORE_ZOMBIE_H

#include "core/trace.h"

/* drop_zombie: @t was stopped, and its entry came up or is examined. The caller
 * takes the entry out, or has done so. */
rota_inline void
drop_zombie(struct rota_shard *s, struct rota_kind *k, struct rota_timer *t,
    uint64_t is)
{
	object_linked(t, false);
	trace(s, k, t, ROTA_TRACE_DROP, is);
	count_add(&s->count.dropped, 1);
}

/* sweep_zombie: a walk at @c met @t, which was stopped: take its entry out. */
rota_inline void
sweep_zombie(struct rota_shard *s, struct backend_cursor *c,
    struct rota_timer *t, uint64_t is)
{
	backend_unvisit(c, &t->r_place);
	trace(s, kind_unchecked(t), t, ROTA_TRACE_DROP, is);
	shard_remove(s, t);
	count_add(&s->count.swept, 1);
}

#endif
