/* SPDX-License-Identifier: MIT
 *
 * relacy_atomic.h - core/sys/atomic.h for relacy: the words become rl::atomic.
 *
 * The headers of core/ compile unchanged as C++. A word tells the model of
 * each change at the instant of the change, and what was last seen in it; a
 * slot, plain memory in the library, is checked for data races.
 *
 * What relacy does not show, so no test here can need it:
 *  - A load never returns what is stored after it (load buffering).
 *  - A read-modify-write, and a compare-and-swap that fails, always see the
 *    latest value; C11 lets a failed one read an older one.
 *  - A load sees the latest value or the one before it, with the random
 *    scheduler the last three.
 *  - A later store by the same thread continues a release sequence, as in
 *    C11 and C17; C23 has dropped that.
 *  - A weak compare-and-swap fails for no reason once for each word, with the
 *    random scheduler one time in four; not at all where that is too much,
 *    see relacy_weak.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_ATOMIC_H
#define ROTA_TESTS_MODEL_RELACY_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sys/compiler.h"

#include <relacy/relacy.hpp>
/* relacy's macros for code that allocates; none of ours does. */
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free

static bool relacy_weak = true;

template <typename T> struct racy {
	rl::atomic<T> value;
	T seen;                        /* by the latest access, whoever's */
	void (*changed)(racy *, T, T); /* from, to; or NULL */

	racy() : seen(), changed()
	{
	}

	T
	load(rl::memory_order order, rl::debug_info_param at)
	{
		return seen = value.load(order, at);
	}

	void
	store(T v, rl::memory_order order, rl::debug_info_param at)
	{
		value.store(v, order, at);
	}

	T
	swap(T v, rl::memory_order order, rl::debug_info_param at)
	{
		return seen = value.exchange(v, order, at);
	}

	T
	add(T v, rl::memory_order order, rl::debug_info_param at)
	{
		return seen = value.fetch_add(v, order, at);
	}

	T
	mask(T v, rl::memory_order order, rl::debug_info_param at)
	{
		seen = value.fetch_and(v, order, at);
		if (changed)
			changed(this, seen, seen & v);
		return seen;
	}

	bool
	cas(T *old, T next, rl::memory_order order, rl::memory_order fail,
	    rl::debug_info_param at)
	{
		bool done = relacy_weak ? value.compare_exchange_weak(
					      *old, next, order, at, fail, at)
					: value.compare_exchange_strong(
					      *old, next, order, at, fail, at);

		seen = *old;
		if (done && changed)
			changed(this, *old, next);
		/* relacy takes a failure after `release` for relaxed. */
		if (!done && order == rl::mo_release && fail == rl::mo_acquire)
			rl::atomic_thread_fence(rl::mo_acquire, at);
		return done;
	}
};

typedef racy<uint64_t> rota_word;
typedef racy<void *> rota_link;

struct rota_slot {
	rl::var<void *> value;

	void
	operator=(void *p)
	{
		value($) = p;
	}
	operator void *()
	{
		return value($);
	}
};

#define word_load(p, order) (p)->load(rl::mo_##order, RL_INFO)
#define word_store(p, v, order) (p)->store((v), rl::mo_##order, RL_INFO)
#define word_swap(p, v, order) (p)->swap((v), rl::mo_##order, RL_INFO)
#define word_add(p, v, order) (p)->add((v), rl::mo_##order, RL_INFO)
#define word_and(p, v, order) (p)->mask((v), rl::mo_##order, RL_INFO)
#define word_cas(p, old, next, order, fail) \
	(p)->cas((old), (next), rl::mo_##order, rl::mo_##fail, RL_INFO)
#define count_add(p, v) word_store((p), word_load((p), relaxed) + (v), relaxed)

#endif
