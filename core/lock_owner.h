/* SPDX-License-Identifier: MIT
 *
 * lock_owner.h - which thread may touch a shard's structure, and which thread
 * is in which callback.
 *
 * Invariant  `lock_owner` is the identity (core/self.h) of the one thread that
 *            may touch the structure, or 0. An owner that attached is the lock
 *            owner all the time. On a shard that may be adopted the lock is
 *            taken for one operation, or for the part of a poll between two
 *            callbacks. No thread waits for the lock.
 *
 * The owner and an adopter may each be in a callback. `running[role]` is the
 * timer whose callback runs; a tagged pointer to it, see below; the shard
 * itself, while rota_shard_each() walks; or NULL.
 *
 * Threads    any, but where a comment names the lock owner.
 */
#ifndef ROTA_CORE_LOCK_OWNER_H
#define ROTA_CORE_LOCK_OWNER_H

#include "core/kind.h"
#include "core/shard.h"

/* running_claiming: in `running` while a poll tries to claim @t. A thread
 * that finds it reads the timer's word: if LINKED is still on, @t was not
 * claimed. */
rota_inline void *
running_claiming(const struct rota_timer *t)
{
	return (char *)t + 1;
}

/* running_released: in `running` when @t was released and its callback still
 * runs; of a pooled timer: its node was given back, or is about to be. */
rota_inline void *
running_released(const struct rota_timer *t)
{
	return (char *)t + 2;
}

/* running_elsewhere: is a thread other than the caller in @t's callback? The
 * lock owner, for which the answer can only turn false meanwhile. */
rota_inline bool
running_elsewhere(struct rota_shard *s, const struct rota_timer *t)
{
	if (rota_likely(!s->adoptable))
		return false;
	/* The caller's own callback, even an outer one, does not count. A
	 * thread stores its identity in its role itself, so the caller reads
	 * its own with relaxed loads. (The caller may be an adopter, which has
	 * the lock in a `released`: then the owner's callback counts.) */
	if (word_load(&s->running[ROLE_OWNER], acquire) == t && /* [R1] */
	    word_load(&s->attached, relaxed) != self_id())
		return true;
	return word_load(&s->running[ROLE_ADOPTER], acquire) == t && /* [R1] */
	    word_load(&s->adopter, relaxed) != self_id();
}

/* running_at_all: is any thread, the caller included, in @t's callback? The
 * lock owner, for which the answer can only turn false meanwhile. */
rota_inline bool
running_at_all(struct rota_shard *s, const struct rota_timer *t)
{
	return word_load(&s->running[ROLE_OWNER], acquire) == t || /* [R1] */
	    (s->adoptable &&
		word_load(&s->running[ROLE_ADOPTER], acquire) == t); /* [R1] */
}

/* running_here: is the caller in @t's callback, even an outer one? */
rota_inline bool
running_here(const struct rota_timer *t)
{
	const struct rota_self *me;

	for (me = &rota__self; me && me->shard; me = me->before)
		if (word_load(&me->shard->running[me->role], relaxed) == t)
			return true; /* its own role */
	return false;
}

/* self_in: the caller's callback of @s, even if callbacks of other shards run
 * inside it; NULL: it is in none. */
rota_inline const struct rota_self *
self_in(const struct rota_shard *s)
{
	const struct rota_self *me;

	for (me = &rota__self; me && rota_unlikely(me->shard != NULL);
	     me = me->before)
		if (me->shard == s)
			return me;
	return NULL;
}

/* take_role: store the caller's identity in @role: `lock_owner` or `adopter`.
 * False: another thread's is there. */
rota_inline bool
take_role(rota_word *role)
{
	uint64_t none = 0;

	while (!word_cas(role, &none, self_id(), acquire, relaxed)) { /* [H1] */
		if (none) /* else the CAS failed for no reason */
			return false;
	}
	return true;
}

/* shard_trylock: may the caller act as the owner? *@unlock gets whether the
 * caller must shard_unlock() afterwards. */
rota_inline bool
shard_trylock(struct rota_shard *s, bool *unlock)
{
	uint64_t self = self_id();

	*unlock = false;
	if (rota_likely(word_load(&s->lock_owner, relaxed) == self))
		return true; /* only this thread stores its identity */
	if (rota_likely(!s->adoptable) ||
	    word_load(&s->attached, relaxed) != self)
		return false;
	*unlock = take_role(&s->lock_owner);
	return *unlock;
}

rota_inline void
shard_unlock(struct rota_shard *s)
{
	word_store(&s->lock_owner, (uint64_t)0, release); /* [H1] */
}

#endif
