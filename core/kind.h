/* SPDX-License-Identifier: MIT
 *
 * kind.h - how a timer names its kind, and the mode of a kind.
 *
 * A timer's `r_kind` is the address of its kind mixed with the timer's own
 * address, so that memory that was copied or cleared is no timer. Bit 0 of the
 * kind's address says that the kind is confined: api/rota/inline.h asks only
 * that.
 *
 * Invariant  `r_magic` of an initialised kind is one of the three modes; memory
 *            with any other value is no kind.
 * Threads    any. A kind's mode never changes. Its shard changes when that
 *            shard retires.
 */
#ifndef ROTA_CORE_KIND_H
#define ROTA_CORE_KIND_H

#include <rota/engine.h>

#include "core/state.h"

/* The modes, arbitrary numbers. One comparison tells a fast path both that this
 * is a kind, and that the fast path may take its timers. */
#define KIND_SHARED 0x726f7461u
#define KIND_CONFINED (KIND_SHARED + 1)
/* Any kind on an engine with a trace callback, core/trace.h. Fast paths, which
 * report nothing, take only the two modes above. */
#define KIND_TRACED (KIND_SHARED + 2)

rota_inline uint64_t
deadline_of(rota_time when)
{
	if (rota_likely((uint64_t)when < ST_NEVER))
		return (uint64_t)when;
	return when < 0 ? 0 : ST_NEVER;
}

/* kind_mixed: r_kind of a timer at @t of kind @k. In a debug build no timer
 * looks confined to rota/inline.h: so each call reaches the library, which
 * checks that the owner makes it. */
rota_inline uintptr_t
kind_mixed(const struct rota_timer *t, const struct rota_kind *k)
{
	uintptr_t p = (uintptr_t)k;

#ifndef ROTA_DEBUG_OBJECTS
	p += k->r_magic == KIND_CONFINED;
#endif
	return p ^ (uintptr_t)((uintptr_t)t * ROTA_KIND_MIX);
}

/* kind_unchecked: the kind of @t, which is known to be a timer. A word: it was
 * stored beside a release that came to the caller by the inbox, if @t had just
 * been moved. */
rota_inline struct rota_kind *
kind_unchecked(const struct rota_timer *t)
{
	uintptr_t mixed = word_load(&t->r_kind, relaxed);

	return (struct rota_kind *)(ROTA_KIND_MIXED(t, mixed) & ~(uintptr_t)1);
}

rota_inline bool
kind_confined(const struct rota_kind *k)
{
	return k->r_magic == KIND_CONFINED;
}

rota_inline bool
kind_shared(const struct rota_kind *k)
{
	return k->r_magic == KIND_SHARED;
}

rota_inline bool
kind_traced(const struct rota_kind *k)
{
	return rota_unlikely(k->r_magic == KIND_TRACED);
}

rota_inline bool
kind_any(const struct rota_kind *k)
{
	return rota_likely(kind_shared(k) || kind_confined(k)) ||
	    kind_traced(k);
}

/* kind_latest: the last instant that the slack of @k allows for deadline @d. */
rota_inline uint64_t
kind_latest(const struct rota_kind *k, uint64_t d)
{
	return d + (uint64_t)k->slack; /* below 2^60 and 2^63 */
}

/* kind_decode: decode the r_kind of @t into *@k. False: the bits cannot be a
 * kind's address. Does not read the kind. */
rota_inline bool
kind_decode(const struct rota_timer *t, struct rota_kind **k)
{
	uintptr_t mixed;

	if (rota_unlikely(!t))
		return false;
	/* Atomic: a stop_sync may run beside the release. */
	mixed = word_load(&t->r_kind, relaxed);
	*k = (struct rota_kind *)(ROTA_KIND_MIXED(t, mixed) & ~(uintptr_t)1);
	return rota_likely(
	    mixed && (ROTA_KIND_MIXED(t, mixed) & ROTA_KIND_BITS) <= 1);
}

/* kind_of: the kind of @t, or NULL if @t is not a timer. */
rota_inline struct rota_kind *
kind_of(const struct rota_timer *t)
{
	struct rota_kind *k;

	return kind_decode(t, &k) && kind_any(k) ? k : NULL;
}

/* kind_untraced: the same, but NULL also for a traced kind. */
rota_inline struct rota_kind *
kind_untraced(const struct rota_timer *t)
{
	struct rota_kind *k;

	return kind_decode(t, &k) &&
		rota_likely(kind_shared(k) || kind_confined(k))
	    ? k
	    : NULL;
}

rota_inline struct rota_shard *
shard_of(struct rota_kind *k)
{
	return word_load(&k->r_shard, acquire); /* rota_shard_retire */
}

/* rota__kind_add - core/kind_init.c. Initialise @k, a kind of @s as @c says,
 * which is not checked, made at @site. Logs nothing. 0; -EINVAL @s has retired;
 * -EBUSY @k is in its list already. Any thread, which may hold the engine's
 * lock; takes the shard's. */
int rota__kind_add(struct rota_kind *k, struct rota_shard *s,
    const struct rota_kind_config *c, const char *site);

rota_inline struct rota_timer *
timer_of(uint32_t *item)
{
	return rota_container_of_(item, struct rota_timer, r_place);
}

#endif
