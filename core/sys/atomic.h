/* SPDX-License-Identifier: MIT
 *
 * atomic.h - every atomic access of rota goes through these macros.
 *
 * The words are plain integers and pointers, so that a public struct carries
 * no _Atomic and the headers are C++ too; the accesses are the compiler's
 * __atomic builtins. An order is written as a bare name: relaxed, acquire,
 * release, acq_rel, seq_cst. There is no fence here and there must not be:
 * thread sanitizers report false races on fences.
 *
 * Four builds replace the accesses:
 *  - ROTA_RELACY, the name of a header of the tests: there the words are
 *    rl::atomic, and relacy explores them.
 *  - ROTA_HOSTILE: one compare-and-swap in four fails for no reason.
 *  - ROTA_CHAOS: the thread yields at random before each read-modify-write.
 *  - ROTA_GATE: a test hears of each access before it happens, and may stop the
 *    thread there: tests/gate/gate.h. The two above are off in this build, for
 *    they would change how often a word is accessed.
 */
#ifndef ROTA_CORE_SYS_ATOMIC_H
#define ROTA_CORE_SYS_ATOMIC_H

#ifdef ROTA_RELACY
#include ROTA_RELACY
#else

#include <stdbool.h>
#include <stdint.h>

#include "core/sys/compiler.h"

typedef uint64_t rota_word; /* a word that threads race on */
typedef void *rota_link;    /* a pointer that threads race on */
typedef void *rota_slot;    /* a pointer that one thread passes to the next */

#define ROTA_ORDER_relaxed __ATOMIC_RELAXED
#define ROTA_ORDER_acquire __ATOMIC_ACQUIRE
#define ROTA_ORDER_release __ATOMIC_RELEASE
#define ROTA_ORDER_acq_rel __ATOMIC_ACQ_REL
#define ROTA_ORDER_seq_cst __ATOMIC_SEQ_CST

#ifdef ROTA_GATE
/* The access that is about to happen; the last two are for core/sys/lock.h and
 * for tests. */
enum atomic_kind {
	ATOMIC_LOAD = 1,
	ATOMIC_STORE = 2,
	ATOMIC_SWAP = 4,
	ATOMIC_ADD = 8,
	ATOMIC_AND = 16,
	ATOMIC_CAS = 32,
	ATOMIC_LOCK = 64,
	ATOMIC_POINT = 128
};
/* In tests/gate/gate.c. True: the compare-and-swap must fail. */
bool rota__gate(enum atomic_kind kind, const volatile void *word,
    const char *file, int line);
#define atomic_gate(kind, p) \
	((void)rota__gate(ATOMIC_##kind, (p), __FILE__, __LINE__))
#define atomic_chaos() ((void)0)
#define atomic_refuses(p) rota__gate(ATOMIC_CAS, (p), __FILE__, __LINE__)
#else
#define atomic_gate(kind, p) ((void)0)

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
/* Yield once in 16 (arbitrary: often enough to reorder, seldom enough to make
 * progress). */
#define atomic_chaos() ((void)((atomic_dice() & 15) == 0 && sched_yield()))
#else
#define atomic_chaos() ((void)0)
#endif

#ifdef ROTA_HOSTILE
#define atomic_refuses(p) ((atomic_dice() & 3) == 0)
#else
#define atomic_refuses(p) 0
#endif
#endif

#define word_load(p, order) \
	(atomic_gate(LOAD, p), __atomic_load_n((p), ROTA_ORDER_##order))
#define word_store(p, v, order) \
	(atomic_gate(STORE, p), __atomic_store_n((p), (v), ROTA_ORDER_##order))
#define word_swap(p, v, order)                 \
	(atomic_gate(SWAP, p), atomic_chaos(), \
	    __atomic_exchange_n((p), (v), ROTA_ORDER_##order))
#define word_add(p, v, order)                 \
	(atomic_gate(ADD, p), atomic_chaos(), \
	    __atomic_fetch_add((p), (v), ROTA_ORDER_##order))
#define word_and(p, v, order)                 \
	(atomic_gate(AND, p), atomic_chaos(), \
	    __atomic_fetch_and((p), (v), ROTA_ORDER_##order))

/* Weak: may fail with *@old unchanged. On failure *@old gets the present word,
 * read with order @fail. */
#define word_cas(p, old, new, order, fail)                        \
	(atomic_chaos(),                                          \
	    !atomic_refuses(p) &&                                 \
		__atomic_compare_exchange_n((p), (old), (new), 1, \
		    ROTA_ORDER_##order, ROTA_ORDER_##fail))

/* For a counter with one writer: no read-modify-write. Any thread may read. */
#define count_add(p, v) word_store((p), word_load((p), relaxed) + (v), relaxed)

#endif
#endif
