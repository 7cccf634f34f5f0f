/* SPDX-License-Identifier: MIT
 *
 * inbox.h - a stack that many threads push on and the owner empties.
 *
 * Intrusive: the link is in the timer, and QUEUED in its word sees to it that
 * it is on at most one inbox, once. A push is one compare-and-swap, emptying
 * is one exchange. Treiber's stack without a pop, so without its ABA.
 *
 * [I1] push -> take   the owner sees the link, and what was written before.
 * [I2] push -> park   with core/park.h: either the pusher sees the owner
 *                     parked, or the parking owner sees the push. Both
 *                     sides are seq_cst: a store, then a load of the other.
 * [I3] take -> push   a push that comes after the last take of a shard that
 *                     retires reads what the take wrote, so the pusher sees
 *                     what was stored before it: the heir.
 */
#ifndef ROTA_CORE_INBOX_H
#define ROTA_CORE_INBOX_H

#include "core/sys/atomic.h"

/* inbox_push: put @node, whose link is @link, on top. Any thread. */
rota_inline void
inbox_push(rota_link *head, void *node, rota_slot *link)
{
	void *top = word_load(head, relaxed); /* the CAS checks it */

	do {
		*link = top;
	} while (
	    !word_cas(head, &top, node, seq_cst, relaxed)); /* [I1] [I2] [I3] */
}

/* inbox_take: all that was pushed, the last one first. */
rota_inline void *
inbox_take(rota_link *head)
{
	return word_swap(head, NULL, acq_rel); /* [I1] [I3] */
}

/* inbox_empty: a parking owner's second look. */
rota_inline bool
inbox_empty(rota_link *head)
{
	return word_load(head, seq_cst) == NULL; /* [I2] */
}

#endif
