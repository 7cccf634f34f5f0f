/* SPDX-License-Identifier: MIT
 *
 * atomic.h - every atomic access of rota goes through these macros.
 *
 * The words are plain integers and pointers, so that a public struct carries
 * no _Atomic and the headers are C++ too; the accesses are the compiler's
 * __atomic builtins. An order is written as a bare name: relaxed, acquire,
 * release, acq_rel, seq_cst. There is no fence here and there must not be:
 * thread sanitizers report false races on them.
 *
 * Three builds replace the accesses:
 *  - ROTA_RELACY: the words become rl::atomic and relacy explores them.
 *  - ROTA_HOSTILE: one compare-and-swap in four fails for no reason.
 *  - ROTA_CHAOS: the thread yields at random before each read-modify-write.
 */
#ifndef ROTA_CORE_ATOMIC_H
#define ROTA_CORE_ATOMIC_H

#ifdef ROTA_RELACY
#include "tests/model/relacy_atomic.h"
#else

#include <stdbool.h>
#include <stdint.h>

#include "core/compiler.h"

typedef uint64_t rota_word; /* a word that threads race on */
typedef void *rota_link;    /* a pointer that threads race on */
typedef void *rota_slot;    /* a pointer that they hand over, one by one */

#define ROTA_ORDER_relaxed __ATOMIC_RELAXED
#define ROTA_ORDER_acquire __ATOMIC_ACQUIRE
#define ROTA_ORDER_release __ATOMIC_RELEASE
#define ROTA_ORDER_acq_rel __ATOMIC_ACQ_REL
#define ROTA_ORDER_seq_cst __ATOMIC_SEQ_CST

#if defined(ROTA_HOSTILE) || defined(ROTA_CHAOS)
#include <sched.h>
/* A small generator per thread: xorshift, Marsaglia 2003. */
rota_inline uint32_t
atomic_dice(void)
{
	static _Thread_local uint32_t dice = 2463534242u;

	dice ^= dice << 13;
	dice ^= dice >> 17;
	dice ^= dice << 5;
	return dice;
}
#endif

#ifdef ROTA_CHAOS
/* Yield once in 16 (arbitrary: often enough to reorder, seldom enough to
 * get somewhere). */
#define atomic_chaos() ((void)((atomic_dice() & 15) == 0 && sched_yield()))
#else
#define atomic_chaos() ((void)0)
#endif

#ifdef ROTA_HOSTILE
#define atomic_refuses() ((atomic_dice() & 3) == 0)
#else
#define atomic_refuses() 0
#endif

#define word_load(p, order) __atomic_load_n((p), ROTA_ORDER_##order)
#define word_store(p, v, order) __atomic_store_n((p), (v), ROTA_ORDER_##order)
#define word_swap(p, v, order) \
	(atomic_chaos(), __atomic_exchange_n((p), (v), ROTA_ORDER_##order))
#define word_add(p, v, order) \
	(atomic_chaos(), __atomic_fetch_add((p), (v), ROTA_ORDER_##order))
#define word_and(p, v, order) \
	(atomic_chaos(), __atomic_fetch_and((p), (v), ROTA_ORDER_##order))

/* Weak: may fail with *@old unchanged. On failure *@old is the word as it
 * is now, read with @fail. */
#define word_cas(p, old, new, order, fail)                        \
	(atomic_chaos(),                                          \
	    !atomic_refuses() &&                                  \
		__atomic_compare_exchange_n((p), (old), (new), 1, \
		    ROTA_ORDER_##order, ROTA_ORDER_##fail))

/* A counter with one writer: no read-modify-write, readable by anyone. */
#define count_add(p, v) word_store((p), word_load((p), relaxed) + (v), relaxed)

#endif
#endif
