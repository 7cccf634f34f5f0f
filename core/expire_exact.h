/* SPDX-License-Identifier: MIT
 *
 * expire_exact.h - bring up what is due in an exact wheel, in order.
 *
 * The entries of a slot that starts are sorted in the run. An entry that has no
 * room there, or arrives later, goes to the heap.
 *
 * Invariant  all in the run is before anything in the wheel; the earlier of run
 *            and heap comes up first.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_EXPIRE_EXACT_H
#define ROTA_CORE_EXPIRE_EXACT_H

#include "core/expire.h"

/* The first entry of the run has come up. */
rota_inline void
step_run(struct poll *p, struct run_entry *e, struct rota_kind *k,
    const bool confined)
{
	struct run *r = &p->s->queue.run;
	struct rota_timer *t = timer_of(e->item);
	enum state_expire how;
	uint64_t is;

	how = expire_entry(
	    p, k, t, run_when(r, e), run_seq(r, e), &is, confined);
	run_take(r, e);
	if (how == EXPIRE_FIRE)
		fire(p, k, t, is, confined);
	else
		not_fired(p, k, t, how, is, ROTA_WHEEL, confined);
}

/* Bring up the run as far as it is due and before the first of the heap. False:
 * as expire(), or *@done: no more is due. */
rota_inline bool
expire_run(struct poll *p, struct run_entry **first, bool *done)
{
	struct queue *b = &p->s->queue;
	struct run_entry *e;

	while ((e = run_first(&b->run)) &&
	    (!b->heap.len ||
		heap_before(run_when(&b->run, e), run_seq(&b->run, e),
		    heap_first(&b->heap)))) {
		struct rota_kind *k;

		if (object_lost(p->s, timer_of(e->item))) {
			run_take(&b->run, e);
			continue;
		}
		k = kind_unchecked(timer_of(e->item));
		*done = run_when(&b->run, e) > p->now;
		if (*done || no_more(p))
			return false;
		p->left--;
		if (fast_path(p, k))
			step_run(p, e, k, true);
		else
			step_run(p, e, k, false);
		if (p->lost_lock)
			return false;
	}
	*first = e;
	return true;
}

rota_inline bool
expire_exact(struct poll *p)
{
	struct queue *b = &p->s->queue;

	while (!p->lost_lock) {
		const struct heap_entry *h;
		struct run_entry *e;
		uint64_t upto = p->now;
		bool done = false;

		/* A poll ended in the middle of a cascade, or what was left of
		 * the slot was taken out meanwhile. */
		if (rota_unlikely(!b->run.sorted) && !rota__cascade(p))
			return false;
		if (!expire_run(p, &e, &done))
			return done;
		/* During a callback an adopter began the next slot. */
		if (rota_unlikely(!b->run.sorted))
			continue;
		h = b->heap.len ? heap_first(&b->heap) : NULL;
		if (h && h->when < upto)
			upto = h->when;
		if (!e && wheel_begin(&b->wheel, upto >> WHEEL_TICK_BITS)) {
			if (!rota__cascade(p))
				return false;
			continue;
		}
		if (!h || h->when > p->now)
			return true;
		if (no_more(p))
			return false;
		spend(&b->heap, &p->left);
		step_heap(p, ROTA_WHEEL);
	}
	return false;
}

#endif
