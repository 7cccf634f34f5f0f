/* SPDX-License-Identifier: MIT
 *
 * move.c - a timer goes to another kind, if on another shard.
 *
 * As what retiring does to all of a shard, to one: its entry is taken out here,
 * and if it is armed it is pushed on the inbox of its new shard. Nobody else
 * calls anything on it meanwhile: else who read its former kind would push it
 * here, poke the owner here, or look here for its callback.
 *
 * What is in the inbox of its former shard still has that link, so it is not
 * moved before a poll has let go of it. Nor is one whose callback runs: who
 * waits for the end of that looks for it on the shard of the kind.
 *
 * Threads  the owner of the former shard. The other may be retiring: the count
 *          goes where rota_timer_init() would count, the push is passed on, and
 *          the figures change under the lock under which it hands over its own.
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/misuse.h"
#include "core/trace.h"

/* Lock the shard of @to, which is its shard until that is given. */
static struct rota_shard *
lock_shard_of(struct rota_kind *to)
{
	struct rota_shard *s;

	for (;;) { /* a retirement stores it under this lock */
		s = shard_of(to);
		lock_take(&s->lock, LOCK_SHARD);
		if (rota_likely(shard_of(to) == s))
			return s;
		lock_give(&s->lock);
	}
}

/* Push @t, which is armed, where @to is: that shard. *@wake gets what
 * park_wakes() says. */
static struct rota_shard *
arm_there(struct rota_shard *s, struct rota_timer *t, struct rota_kind *to,
    uint64_t d, uint64_t *wake)
{
	struct rota_shard *there = lock_shard_of(to);
	uint64_t poke = word_load(&there->remote.poke, relaxed); /* [K2] */

	/* figures */
	word_add(&s->inherited, (uint64_t)0 - 1, relaxed);
	word_add(&there->inherited, (uint64_t)1, relaxed);
	*wake = remote_post(
	    &there->remote, &there->park, t, &t->r_link, d, poke);
	lock_give(&there->lock);
	return there;
}

/* By the holder of @s. */
static int
move(struct rota_shard *s, struct rota_timer *t, struct rota_kind *k,
    struct rota_kind *to, struct rota_shard **there, uint64_t *wake)
{
	uint64_t was = word_load(&t->r_word, relaxed), is;
	bool push, same = shard_of(to) == s; /* which does not retire now */
	int r;

	if (ST_WAITS(was))
		return rota__misuse_kind(
		    k, MISUSE_WAITS, -EINVAL, "rota_timer_move");
	if (k == to)
		return (int)(was & ST_ARMED);
	if (running_elsewhere(s, t))
		return -EBUSY;
	if (was & ST_QUEUED) { /* it may be no more than staged */
		rota__shard_unstage(s);
		was = word_load(&t->r_word, relaxed);
	}
	if (was & ST_QUEUED)
		return -EAGAIN;
	if (same) {
		word_add(&to->r_timers, (uint64_t)1, relaxed); /* a count */
	} else {
		r = rota__timer_room(to, "rota_timer_move");
		if (r)
			return r;
		word_add(&s->timers, (uint64_t)0 - 1, relaxed); /* a count */
	}
	if (was & ST_LINKED) {
		shard_remove(s, t);
		shard_busy(s); /* the next poll shows it */
	}
	push = state_evict(&t->r_word, &is);
	if (was & ST_LINKED)
		trace(s, k, t, push ? ROTA_TRACE_EVICT : ROTA_TRACE_DROP, is);
	object_moved(t, to);
	word_store(&t->r_kind, kind_mixed(t, to), relaxed); /* kind_of */
	if (push)
		*there = arm_there(s, t, to, ST_DEADLINE(is), wake);
	word_add(&k->r_timers, (uint64_t)0 - 1, release); /* kind_release */
	return push;
}

int
rota_timer_move(struct rota_timer *t, struct rota_kind *to)
{
	struct rota_shard *s, *there = NULL;
	struct rota_kind *k;
	uint64_t wake = 0;
	bool release;
	int r;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t);
	if (!k || !to || !kind_any(to))
		return -EINVAL;
	s = shard_of(k);
	if (s->engine != shard_of(to)->engine)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	/* Only this thread stores its identity. */
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_kind(
		    k, MISUSE_MOVE_OWNER, -EPERM, __func__);
	if (running_here(t))
		return rota__misuse_kind(
		    k, MISUSE_MOVE_INSIDE, -EDEADLK, __func__);
	if (!shard_hold(s, &release))
		return -EBUSY;
	r = move(s, t, k, to, &there, &wake);
	if (release)
		shard_unhold(s);
	if (there)
		rota__shard_posted(there, wake);
	return r;
}
