/* SPDX-License-Identifier: MIT
 *
 * inbox.h - a stack that many threads push on and the lock owner empties.
 *
 * The link is in the timer, and QUEUED in the timer's word ensures that the
 * timer is on at most one inbox, once. A push is one compare-and-swap, emptying
 * the stack is one exchange. It is Treiber's stack without a pop, so without
 * its ABA problem. A drain reverses what it took: timers are inserted in the
 * order in which they were armed.
 *
 * Invariant  a timer that is on an inbox is QUEUED.
 * Threads    any pushes; the lock owner takes, and once the shard has retired
 *            any that pushed.
 *
 * [I1] push -> take   the lock owner sees the link, and what was written
 *                     before.
 * [I2] push -> park   with core/park.h: either the pusher sees the owner
 *                     parked, or the parking owner sees the push. Both
 *                     sides are seq_cst: a store, then a load of the other.
 * [I3] take -> push   a push after the last take of a shard that retires reads
 *                     what the take wrote, so the pusher sees what was stored
 *                     before the take: the target.
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

/* inbox_take: take out all that was pushed. The latest push comes first. */
rota_inline void *
inbox_take(rota_link *head)
{
	return word_swap(head, NULL, acq_rel); /* [I1] [I3] */
}

/* inbox_empty: the last check of an owner that parks. */
rota_inline bool
inbox_empty(rota_link *head)
{
	return word_load(head, seq_cst) == NULL; /* [I2] */
}

#endif
