/* SPDX-License-Identifier: MIT
 *
 * hold.h - which thread may touch a shard's structure, and which thread is in
 * which callback.
 *
 * A shard's lock is a word with the identity of the thread that has it
 * (core/self.h); nobody waits for it. An owner that attached has it all the
 * time. On a shard that others may adopt it is taken for one operation, or for
 * the part of a poll between two callbacks.
 *
 * The owner and an adopter may each be in a callback: `running[role]` is the
 * timer whose callback it is, or a tagged pointer to it.
 */
#ifndef ROTA_CORE_HOLD_H
#define ROTA_CORE_HOLD_H

#include "core/kind.h"
#include "core/shard.h"

/* running_claiming: what `running` says while the owner tries to claim @t. Who
 * finds it asks the word: if LINKED is still on the claim was not made. */
rota_inline void *
running_claiming(const struct rota_timer *t)
{
	return (char *)t + 1;
}

/* running_released: a callback still runs, but its timer was released; of a pooled
 * timer: its node was given back, or is about to be. */
rota_inline void *
running_released(const struct rota_timer *t)
{
	return (char *)t + 2;
}

/* running_elsewhere: is another thread in @t's callback? The holder, for whom
 * it can only turn false meanwhile. */
rota_inline bool
running_elsewhere(struct rota_shard *s, const struct rota_timer *t)
{
	if (rota_likely(!s->adoptable))
		return false;
	/* Its own callback, if through others, is the caller's: who sits on a
	 * seat stored that itself. */
	if (word_load(&s->running[ROLE_OWNER], acquire) == t && /* [R1] */
	    word_load(&s->attached, relaxed) != self_id())
		return true;
	return word_load(&s->running[ROLE_ADOPTER], acquire) == t && /* [R1] */
	    word_load(&s->adopter, relaxed) != self_id();
}

/* running_at_all: is any thread, the caller too, in @t's callback? The holder,
 * for whom it can only turn false meanwhile. */
rota_inline bool
running_at_all(struct rota_shard *s, const struct rota_timer *t)
{
	return word_load(&s->running[ROLE_OWNER], acquire) == t || /* [R1] */
	    (s->adoptable &&
		word_load(&s->running[ROLE_ADOPTER], acquire) == t); /* [R1] */
}

/* running_here: is the caller in @t's callback, if through those of others? */
rota_inline bool
running_here(const struct rota_timer *t)
{
	const struct rota_self *me;

	for (me = &rota__self; me && me->shard; me = me->before)
		if (word_load(&me->shard->running[me->role], relaxed) == t)
			return true; /* its own seat */
	return false;
}

/* self_inside: is the caller in a poll of @s, if through callbacks of others? */
rota_inline bool
self_inside(const struct rota_shard *s)
{
	const struct rota_self *me;

	for (me = &rota__self; me && rota_unlikely(me->shard != NULL);
	     me = me->before)
		if (me->shard == s)
			return true;
	return false;
}

/* claim_word: store the caller's identity in @seat: one of `lock_owner`,
 * `attached` and `adopter`. False: there is another's. */
rota_inline bool
claim_word(rota_word *role)
{
	uint64_t none = 0;

	while (!word_cas(role, &none, self_id(), acquire, relaxed)) { /* [H1] */
		if (none) /* else it failed for no reason */
			return false;
	}
	return true;
}

/* shard_trylock: may the caller act as the owner? @release gets whether it must
 * shard_unlock() afterwards. */
rota_inline bool
shard_trylock(struct rota_shard *s, bool *release)
{
	uint64_t self = self_id();

	*release = false;
	if (rota_likely(word_load(&s->lock_owner, relaxed) == self))
		return true; /* only this thread stores its identity */
	if (rota_likely(!s->adoptable) ||
	    word_load(&s->attached, relaxed) != self)
		return false;
	*release = claim_word(&s->lock_owner);
	return *release;
}

rota_inline void
shard_unlock(struct rota_shard *s)
{
	word_store(&s->lock_owner, (uint64_t)0, release); /* [H1] */
}

#endif
