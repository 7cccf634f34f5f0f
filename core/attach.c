/* SPDX-License-Identifier: MIT
 *
 * attach.c - a thread becomes the owner of a shard, gives it up, or ends.
 *
 * Invariant  `attached` and `life` change under the shard's lock. A shard has
 *            no owner, or an owner whose thread lives, or one whose end its
 *            `life` tells.
 * Threads    any attaches; the owner detaches.
 */
#include "core/owner.h"

_Thread_local struct rota_self rota__self
    __attribute__((tls_model("initial-exec")));

/* The thread in @role ends in a callback, which will not return. A `fire` is
 * called between two steps of a poll, and the next poll goes on from there. A
 * walk (core/each.c) has changed nothing, but has the lock. A `released` is
 * called in the middle of enqueueing: in a poll, or in a call that a `fire` or
 * a walk has made. The shard is abandoned, and its lock never given back. */
static void
self_ended(struct rota_shard *s, enum shard_role role)
{
	void *running = word_load(&s->running[role], relaxed); /* its own */
	bool abandoned = !running ||
	    (word_load(&s->lock_owner, relaxed) == self_id() && s->releasing);

	if (abandoned)
		word_store(&s->abandoned, (uint64_t)1, release); /* attach */
	if (running) {
		word_store(&s->running[role], NULL, release); /* [R1] */
		word_store(&s->ended[role],
		    word_load(&s->ended[role], relaxed) + 1,
		    release); /* [R2] */
	}
	if (running == s && !abandoned)
		rota__shard_exit(s);
	if (role == ROLE_ADOPTER)
		word_store(&s->adopter, (uint64_t)0, release); /* [H1] */
	if (s->adoptable)
		rota_shard_wake(s); /* a polling thread may wait for this end */
}

void
rota__shard_ended(void)
{
	struct rota_self me = rota__self, before;

	rota__self.shard = NULL;
	for (; me.shard; me = before) {
		before = *me.before; /* another thread may take the role
				      * afterwards */
		self_ended(me.shard, me.role);
	}
}

/* The caller becomes the owner. The former owner has ended, or there was none;
 * no callback runs in its role: rota__shard_ended(), rota__shard_leave(). Under
 * `lock`. */
static void
take(struct rota_shard *s)
{
	struct near *n = near_find(s->number);

	shard_unpark(s);
	if (!s->adoptable)
		word_store(
		    &s->lock_owner, self_id(), relaxed); /* read by itself */
	word_store(&s->attached, self_id(), relaxed); /* the lock orders it */
	if (n && !n->owned++)
		n->own = s->index;
}

int
rota__shard_attach(struct rota_shard *s)
{
	struct life *life, *before;
	int r;

	if (shard_forked(s))
		return -ECHILD;
	r = rota__life_take(&life);
	if (r)
		return r;
	lock_take(&s->lock, LOCK_SHARD);
	if (word_load(&s->abandoned, acquire)) { /* rota__shard_ended */
		r = -ENOTRECOVERABLE;
	} else if (word_load(&s->attached, acquire) && /* [H1] */
	    !rota__life_over(s->life)) {
		r = -EBUSY;
	} else {
		before = s->life;
		s->life = life;
		life = before;
		take(s);
	}
	lock_give(&s->lock);
	rota__life_put(life);
	if (!r)
		object_home(s);
	return r;
}

int
rota_shard_attach(struct rota_shard *s)
{
	int r;

	if (!s)
		return -EINVAL;
	r = rota__shard_attach(s);
	return r ? rota__misuse_shard(s, r, __func__) : 0;
}

void
rota__shard_leave(struct rota_shard *s)
{
	struct near *n = near_find(s->number);
	struct life *life;

	shard_unpark(s);
	lock_take(&s->lock, LOCK_SHARD);
	if (!s->adoptable)
		word_store(
		    &s->lock_owner, (uint64_t)0, relaxed); /* as attached */
	life = s->life;
	s->life = NULL;
	word_store(&s->attached, (uint64_t)0, release); /* [H1] */
	lock_give(&s->lock);
	rota__life_put(life);
	if (n && --n->owned && n->own == s->index)
		n->engine = 0; /* then it searches for another */
}

int
rota_shard_detach(struct rota_shard *s)
{
	int r = owner_check(s, __func__);

	if (!r)
		rota__shard_leave(s);
	return r;
}
