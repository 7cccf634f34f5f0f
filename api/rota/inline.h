/* SPDX-License-Identifier: MIT
 *
 * rota/inline.h - the fast paths, compiled into the caller.
 *
 * Only the owner touches a timer of a confined kind: stopping it, and moving
 * its deadline later, take a handful of plain instructions. How many matters: a
 * processor overlaps the cache misses of as many calls as fit its window. The
 * library handles all other cases, and has these functions too.
 *
 * A shared timer keeps its entry if the new deadline is not before the last
 * one: its word says no more. A confined timer also stores its entry's key
 * (r_key), and keeps its entry for every deadline from that key on.
 *
 * Included by rota/timer.h. Use nothing here by name.
 */
#ifndef ROTA_INLINE_H
#define ROTA_INLINE_H

#include <rota/timer.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What the lock owner of a shard counts. */
struct rota_hot {
	uint64_t seq; /* sequence number of the latest arming */
	uint64_t starts;
	uint64_t stops;
};

/* Arm a timer of the confined kind @k for @when, in range. */
int rota_timer_reset_unfiled(
    struct rota_timer *t, rota_time when, struct rota_kind *k);
/* The same for any timer, and for memory that is no timer. */
int rota_timer_reset_slow(struct rota_timer *t, rota_time when);
int rota_timer_stop_slow(struct rota_timer *t);

/* r_kind is the kind's address (plus 1 if the kind is confined) XORed with the
 * timer's own address times this factor (odd, arbitrary). In memory that is no
 * timer, and in a copy of a timer, the result has bits set that no address
 * has. */
#define ROTA_KIND_MIX UINT64_C(0xa5c3964be17d2f05)
#define ROTA_KIND_BITS (UINT64_C(0xffff) << 48 | 7)
#define ROTA_KIND_MIXED(t, kind) \
	((kind) ^ (uintptr_t)((uintptr_t)(t)*ROTA_KIND_MIX))
#define ROTA_KIND_OF(t) ROTA_KIND_MIXED(t, (t)->r_kind)

/* core/state.h defines the bits of the word; these are ARMED and LINKED. */
#define ROTA_WORD_FLAGS 15
#define ROTA_WORD_ARMED 1
#define ROTA_WORD_LINKED 2

#if defined(__GNUC__) && !defined(ROTA_NO_INLINE)

/* One writer, read by any thread: no locked instruction. */
#define ROTA_COUNT(p) __atomic_store_n((p), *(p) + 1, __ATOMIC_RELAXED)

extern inline __attribute__((__gnu_inline__)) int
rota_timer_reset_at(struct rota_timer *t, rota_time when)
{
	uintptr_t k;
	struct rota_hot *hot;
	uint64_t flags, seq;
	int armed = 1;

	if (!t)
		return rota_timer_reset_slow(t, when);
	k = ROTA_KIND_OF(t);
	if (__builtin_expect(
		(k & ROTA_KIND_BITS) != 1 || (uint64_t)when >> 60, 0))
		return rota_timer_reset_slow(t, when);
	/* The word need not be atomic here: no other thread touches it. The
	 * code below depends on the timer's cache line by branches, not by
	 * data: while the line is loaded the processor predicts them and goes
	 * on. */
	hot = ((struct rota_kind *)(k - 1))->r_hot;
	if ((uint64_t)when < t->r_key)
		return rota_timer_reset_unfiled(
		    t, when, (struct rota_kind *)(k - 1));
	flags = t->r_word & ROTA_WORD_FLAGS;
	if (flags != (ROTA_WORD_ARMED | ROTA_WORD_LINKED)) {
		if (flags != ROTA_WORD_LINKED)
			return rota_timer_reset_unfiled(
			    t, when, (struct rota_kind *)(k - 1));
		ROTA_COUNT(&hot->starts);
		armed = 0;
	}
	t->r_word = (uint64_t)when << 4 | ROTA_WORD_ARMED | ROTA_WORD_LINKED;
	seq = hot->seq + 1;
	/* A reader of this count reads the counts above too: core/shard.h
	 * [F1] */
	__atomic_store_n(&hot->seq, seq, __ATOMIC_RELEASE);
	t->r_seq = (uint32_t)seq;
	return armed;
}

extern inline __attribute__((__gnu_inline__)) int
rota_timer_stop(struct rota_timer *t)
{
	struct rota_hot *hot;
	uintptr_t k;
	uint64_t old;

	if (!t)
		return rota_timer_stop_slow(t);
	k = ROTA_KIND_OF(t);
	if (__builtin_expect((k & ROTA_KIND_BITS) != 1, 0))
		return rota_timer_stop_slow(t);
	old = t->r_word;
	if (__builtin_expect(!(old & ROTA_WORD_ARMED), 0))
		return rota_timer_stop_slow(t);
	t->r_word = old & ~(uint64_t)ROTA_WORD_ARMED;
	hot = ((struct rota_kind *)(k - 1))->r_hot;
	ROTA_COUNT(&hot->stops);
	return ROTA_PREVENTED;
}

#undef ROTA_COUNT
#endif

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
