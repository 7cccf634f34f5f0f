/* SPDX-License-Identifier: MIT
 *
 * expire_heap.h - bring up what is due in a heap.
 *
 * Invariant  entries come up in the order of their keys, and of equal keys in
 *            that of their sequence numbers.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_EXPIRE_HEAP_H
#define ROTA_CORE_EXPIRE_HEAP_H

#include "core/expire.h"

/* Bring up all that is due. False: no_more(), or another thread has the
 * lock. */
rota_inline bool
expire_heap(struct poll *p)
{
	struct heap *h = &p->s->queue.heap;

	for (;;) {
		if (!h->len || heap_first(h)->when > p->now)
			return true;
		if (no_more(p))
			return false;
		spend(h, &p->left);
		if (step_heap(p, ROTA_HEAP))
			p->left -= rota__shard_rekey_due(
			    p->s, p->now, p->now, p->left);
		if (p->lost_lock)
			return false;
	}
}

#endif
