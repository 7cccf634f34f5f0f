/* SPDX-License-Identifier: MIT
 *
 * rekey.c - stale entries of a heap that are due get their timers' deadlines as
 * keys, many at a time.
 *
 * Invariant  an entry gets a later key here, never an earlier one.
 * Threads    the lock owner.
 */
#include "core/enqueue.h"

uint64_t
rota__shard_rekey_due(
    struct rota_shard *s, uint64_t upto, uint64_t now, uint64_t most)
{
	struct heap *h = &s->queue.heap;
	uint32_t at[HEAP_MANY], n = heap_due(h, upto, at), pushed = 0;

	for (uint32_t i = 0; i < n; i++)
		rota_prefetch(*heap_item(h, heap_at(h, at[i])->id));
	for (uint32_t i = 0; i < n && pushed < most; i++) {
		struct heap_entry *e = heap_at(h, at[i]);
		struct rota_timer *t = timer_of(*heap_item(h, e->id));
		uint64_t due = now < e->when ? e->when : now;
		uint64_t w;

		if (object_lost(s, t))
			continue;
		/* As in state_expire(): a stale word is harmless, since a reset
		 * to before its deadline is QUEUED. */
		w = word_load(&t->r_word, relaxed);
		if (!(w & ST_ARMED) || ST_DEADLINE(w) <= due)
			continue;
		e->when = ST_DEADLINE(w);
		e->seq = t->r_seq;
		trace(s, kind_unchecked(t), t, ROTA_TRACE_FILE, w);
		shard_set_key(kind_unchecked(t), t, e->when, e->when);
		at[pushed++] = at[i];
	}
	count_add(&s->count.moves, pushed);
	heap_settle(h, at, pushed);
	return pushed;
}
