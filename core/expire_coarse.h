/* SPDX-License-Identifier: MIT
 *
 * expire_coarse.h - bring up what is due in a coarse wheel, slot by slot.
 *
 * Invariant  the entries of a slot come up in no order; none before the slot
 *            starts.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_EXPIRE_COARSE_H
#define ROTA_CORE_EXPIRE_COARSE_H

#include "core/expire.h"

/* An entry of the slot that is drained has come up. */
rota_inline void
step_coarse(struct poll *p, struct rota_timer *t, struct rota_kind *k,
    const bool confined)
{
	enum state_expire how;
	uint64_t is;

	how = expire_one(p, k, t, p->now + 1, &is, confined);
	if (how == EXPIRE_FIRE)
		fire(p, k, t, is, confined);
	else
		not_fired(p, k, t, how, is, ROTA_WHEEL_COARSE, confined);
}

/* What earlier polls deferred is a slot of its own. After it a slot that is due
 * has its turn. */
static rota_noinline void
turn(struct poll *p)
{
	struct wheel *w = &p->s->queue.wheel;

	if (p->s->others && w->next_expiry <= p->now >> WHEEL_TICK_BITS) {
		p->s->others = p->undeferred = false;
	} else {
		p->s->others = true;
		wheel_begin_later(w);
	}
}

rota_inline bool
expire_coarse(struct poll *p)
{
	struct wheel *w = &p->s->queue.wheel;

	for (;;) {
		if (!p->undeferred && w->draining == WHEEL_NONE) {
			p->undeferred = true;
			if (rota_unlikely(wheel_later(w)))
				turn(p);
		}
		if (!wheel_begin(w, p->now >> WHEEL_TICK_BITS))
			return true;
		do {
			struct rota_timer *t;
			struct rota_kind *k;

			if (no_more(p))
				return false;
			p->left--;
			t = timer_of(wheel_take(w));
			if (object_lost(p->s, t))
				continue;
			k = kind_unchecked(t);
			if (fast_path(p, k))
				step_coarse(p, t, k, true);
			else
				step_coarse(p, t, k, false);
			if (p->lost_lock)
				return false;
		} while (w->draining != WHEEL_NONE);
	}
}

#endif
