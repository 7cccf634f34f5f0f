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

/* What the header above defines, inline. @item is an item, @d its deadline,
 * @seq its sequence number, @slack that of its kind; instants are in ns on the
 * engine's clock. The lock owner. */

/* backend_lower_ask: is the memory of an item gone? As numbers.h says. */
rota_inline void backend_lower_ask(struct backend_lower *l,
    bool (*gone)(void *arg, const uint32_t *item), void *arg);
/* backend_instant: the instant at which an item of deadline @d comes up. */
rota_inline uint64_t backend_instant(
    enum rota_backend backend, uint64_t d, uint64_t slack);
/* backend_later: does an item of deadline @d come up after @now, so in no poll
 * under way? */
rota_inline bool backend_later(
    enum rota_backend backend, uint64_t d, uint64_t slack, uint64_t now);
/* backend_insert: insert an item that has no entry. Returns the key. */
rota_inline uint64_t backend_insert(struct queue *b, enum rota_backend backend,
    uint32_t *item, uint64_t d, uint32_t seq, uint64_t slack);
/* backend_try_insert: backend_insert() of an item that backend_later() is true
 * of, where that takes few instructions; *@when gets the key. False: not
 * done. */
rota_inline bool backend_try_insert(struct queue *b, enum rota_backend backend,
    uint32_t *item, uint64_t d, uint32_t seq, uint64_t slack, uint64_t *when);
/* backend_remove: remove an item that has an entry or is deferred. */
rota_inline void backend_remove(
    struct queue *b, enum rota_backend backend, uint32_t *item);
/* backend_last: the item that takes the place of @item if @item is removed, and
 * whose place backend_remove() writes then; @item itself if there is none.
 * backend_drop_last: remove that other item, without a write to its place. For
 * items whose memory may be gone. */
rota_inline uint32_t *backend_last(
    const struct queue *b, enum rota_backend backend, uint32_t *item);
rota_inline void backend_drop_last(struct queue *b, const uint32_t *item);
/* backend_key: the instant at which @item comes up; 0 if it is deferred. */
rota_inline uint64_t backend_key(
    const struct queue *b, enum rota_backend backend, const uint32_t *item);
/* backend_move_earlier: see that @item comes up by @d: an earlier key stays,
 * and a deferred item stays deferred. Returns the key, as backend_key(). */
rota_inline uint64_t backend_move_earlier(struct queue *b,
    enum rota_backend backend, uint32_t *item, uint64_t d, uint32_t seq,
    uint64_t slack);
/* backend_try_rise: backend_move_earlier() of @item, whose key is after @d,
 * where that takes few instructions. False: not done. */
rota_inline bool backend_try_rise(struct queue *b, enum rota_backend backend,
    uint32_t *item, uint64_t d, uint32_t seq);
/* backend_ready: @item was just inserted. If more are likely to follow it to
 * the same place, fetch that. */
rota_inline void backend_ready(
    const struct queue *b, enum rota_backend backend, const uint32_t *item);
/* backend_fetch: must the entry of @item move to come up by @d? If so fetch
 * what the move touches first. A guess is good enough.
 * backend_fetch_on: when that has had time to arrive, fetch what the move
 * touches next. */
rota_inline bool backend_fetch(const struct queue *b, enum rota_backend backend,
    const uint32_t *item, uint64_t d, uint64_t slack);
rota_inline void backend_fetch_on(
    const struct queue *b, enum rota_backend backend, const uint32_t *item);
/* backend_defer: keep @item, which has no entry, until backend_undefer(). */
rota_inline void backend_defer(
    struct queue *b, enum rota_backend backend, uint32_t *item);
/* backend_undefer: take out and return a deferred item; NULL: there is none, or
 * the backend brings its deferred items up in backend_due(). */
rota_inline uint32_t *backend_undefer(
    struct queue *b, enum rota_backend backend);
/* backend_deferred: how many items backend_undefer() has to take out. */
rota_inline uint32_t backend_deferred(
    const struct queue *b, enum rota_backend backend);
/* backend_due: what comes up next in a poll at @now, in *@e. If the poll is
 * @full only the answer counts; *@e may be half written. */
rota_inline enum backend_due backend_due(struct queue *b,
    enum rota_backend backend, uint64_t now, struct backend_turn *turn,
    bool full, struct backend_entry *e);
/* backend_before: a timer of @e, armed as number @seq of its shard, fires if
 * its deadline is before this. It may be due later by now: its deadline was
 * moved, or it was armed again for the same instant, with a later number. */
rota_inline uint64_t backend_before(enum rota_backend backend,
    const struct backend_entry *e, uint64_t now, uint32_t seq);
/* backend_dear: is taking out an entry expensive? */
rota_inline bool backend_dear(const struct queue *b);
/* backend_cost: the steps that taking an entry out counts as, where
 * backend_dear(). */
rota_inline uint64_t backend_cost(const struct queue *b);
/* backend_take: take @e out; @in_heap is that of @e, where it is known. */
rota_inline void backend_take(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, const bool in_heap);
/* backend_refile: @e gets a later key. Returns that. */
rota_inline uint64_t backend_refile(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, uint64_t d, uint32_t seq, uint64_t slack);
/* backend_rekeys: where one entry was stale, is it worth while to look for
 * more? */
rota_inline bool backend_rekeys(enum rota_backend backend);
/* backend_advance: time has come to @now, and nothing is due. */
rota_inline void backend_advance(
    struct queue *b, enum rota_backend backend, uint64_t now);
/* backend_next: the earliest key; 0 if there is something to do now; UINT64_MAX
 * if there is no entry. */
rota_inline uint64_t backend_next(struct queue *b, enum rota_backend backend);
/* backend_begins: the first slot of a wheel starts at this instant, and may
 * hold what is due later. */
rota_inline uint64_t backend_begins(const struct queue *b);
/* backend_len: how many items there are, deferred ones included. */
rota_inline uint64_t backend_len(const struct queue *b);
/* backend_visit_step: the next item of a walk at @c, which is zero at its
 * start. NULL: a bounded step met none, or, if *@end, there are no more. Before
 * you remove the returned item call backend_unvisit(): another item may take
 * its place. */
rota_inline uint32_t *backend_visit_step(
    const struct queue *b, struct backend_cursor *c, bool *end);
rota_inline void backend_unvisit(
    struct backend_cursor *c, const uint32_t *item);
/* backend_visit_prefetch: fetch an item that a walk at @c returns some steps
 * from now. */
rota_inline void backend_visit_prefetch(
    const struct queue *b, const struct backend_cursor *c);

/* rota__backend_init - make an empty structure for up to @max items, at instant
 * @now. 0 or -ENOMEM. */
int rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem);
void rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem);
/* rota__backend_grow - make room for @n items. 0 or -ENOMEM. */
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
