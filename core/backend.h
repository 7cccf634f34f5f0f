/* SPDX-License-Identifier: MIT
 *
 * backend.h - the contract of a backend, and which one is compiled.
 *
 * A backend keeps items, each with a deadline, and brings up those that are
 * due. An item is the address of its 4-byte place, which the backend writes.
 *
 *   operation      does                                  heap     wheel
 *   backend_       insert an item that has no entry;     O(log4)  slot line,
 *     insert       rota__backend_grow() made room                 pointer line
 *   _try_insert    the same, if its slot has room; not   O(log4)  as insert
 *                  what the poll under way brings up
 *   _move_earlier  see that an item comes up by its      O(log4)  as remove +
 *                  deadline; an earlier key stays                 insert
 *                  these three tell the item's key
 *   _try_rise      the same, where that takes few        O(log4)  never
 *                  instructions
 *   _remove        remove an item                        O(log4)  four lines
 *   _due           what comes up next in this poll       O(1)     O(1)
 *   _take          remove the entry that came up         O(log4)  O(1)
 *   _refile        give it a later key instead           O(log4)  as insert
 *   _defer         keep an item, in no order             O(1)     O(1)
 *   _undefer       take out a deferred item              O(1)     O(1)
 *   _next          no key is before this instant         O(1)     O(1)
 *   _advance       nothing comes up before this instant  -        O(1)
 *   _visit         walk the items, in no order           O(1)     O(1)
 *   rota__backend_ init, destroy, grow, lower, cut,      not on a hot path
 *                  shrink, check
 *
 * Equal deadlines come up in the order of seq, except from a coarse wheel.
 *
 * A backend knows items, not timers. What has to ask the timers of many entries
 * is in core/, in a file for each question, and is a part of the contract, too:
 *
 *   rota__cascade()           BACKEND_DUE_CASCADE: entries have to move before
 *                             one can come up (core/cascade.c)
 *   rota__cascade_early()     the same, before it is urgent
 *   rota__shard_rekey_due()   an entry that came up was stale: more may be
 *                             (core/rekey.c)
 *   rota__park_first(),       the owner is about to sleep: until when may it
 *   rota__park_walk()         (core/park_walk.c)
 *
 * The poll is one loop over this (core/expire.h). @backend is a constant at
 * every call: each function is compiled three times into its callers, and no
 * pointer is called. A shard switches once per batch or operation, with a
 * literal in each case (core/shard.h).
 *
 * core/queue.h keeps the contract for heap and wheel. tests/list/list.h does so
 * with a sorted list, and is compiled in its place where ROTA_BACKEND names it.
 */
#ifndef ROTA_CORE_BACKEND_H
#define ROTA_CORE_BACKEND_H

#ifdef ROTA_BACKEND
#include ROTA_BACKEND
#else
#include "core/queue.h"
#endif

/* rota__backend_init - make an empty structure for up to @max items, at instant
 * @now. 0 or -1. */
int rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem);
void rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem);
/* rota__backend_grow - make room for @n items. 0 or -1. */
int rota__backend_grow(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem);
/* Giving memory back: as in heap/heap.h, for heap and wheel. A call of
 * rota__backend_shrink() frees one block, or slab, of each. */
void rota__backend_lower_begin(const struct queue *b, enum rota_backend backend,
    uint64_t n, struct backend_lower *l);
bool rota__backend_lower(struct queue *b, enum rota_backend backend,
    struct backend_lower *l, uint64_t *left);
void rota__backend_cut(
    struct queue *b, enum rota_backend backend, const struct backend_lower *l);
uint64_t rota__backend_shrink(struct queue *b, enum rota_backend backend,
    uint64_t n, const struct rota_mem *mem);
/* rota__backend_check - 0, or the line of the check that failed. */
int rota__backend_check(const struct queue *b, enum rota_backend backend);

/* backend_visit: as backend_visit_step(), but NULL only at the end. */
rota_inline uint32_t *
backend_visit(const struct queue *b, struct backend_cursor *c)
{
	uint32_t *item;
	bool end;

	do
		item = backend_visit_step(b, c, &end);
	while (!item && !end);
	return item;
}

#endif
