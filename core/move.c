/* SPDX-License-Identifier: MIT
 *
 * move.c - a timer gets another kind, maybe one of another shard.
 *
 * What retiring does to all timers of a shard this does to one: its entry is
 * taken out here, and if it is armed it is pushed on the inbox of its new
 * shard. No other call on the timer may run beside that: a thread that has read
 * the former kind kicks the owner here, finds the callback here, and is counted
 * here. If such a thread pushes the timer here all the same, the drain sends it
 * on, or it would get an entry in the wrong structure.
 *
 * A timer that is in the inbox of its former shard has its link there, so it is
 * not moved before a poll has drained it. Nor is a timer moved whose callback
 * runs: a stop_sync waits for the end of that on the shard of the kind.
 *
 * Invariant  a timer has an entry only on the shard of its kind.
 * Threads    the owner of the former shard. The new shard may be retiring: the
 *            count goes where rota_timer_init() would count, the push is
 *            forwarded, and `inherited` changes under the lock under which that
 *            shard hands over its own.
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/trace.h"

/* Move @t, of @k, from @s to @to. The lock owner of @s. */
static int
move(struct rota_shard *s, struct rota_timer *t, struct rota_kind *k,
    struct rota_kind *to, struct rota_shard **there, uint64_t *wake)
{
	uint64_t was = word_load(&t->r_word, relaxed), is;
	bool push, same = shard_of(to) == s; /* which does not retire now */
	int r;

	if (state_releasing(was))
		return rota__misuse_kind(
		    k, MISUSE_WAITS, -EINVAL, "rota_timer_move");
	if (k == to)
		return (int)(was & ST_ARMED);
	if (running_elsewhere(s, t))
		return -EBUSY;
	if (was & ST_QUEUED) { /* it may be only staged */
		rota__shard_flush_staging(s);
		was = word_load(&t->r_word, relaxed);
	}
	if (was & ST_QUEUED)
		return -EAGAIN;
	if (same) {
		if (!shard_slack_is(s, (uint64_t)to->slack))
			rota__shard_slack(to);
		word_add(&to->r_timers, (uint64_t)1, relaxed); /* a count */
	} else {
		r = rota__timer_room(to, "rota_timer_move");
		if (r)
			return r;
		word_add(&s->timers, (uint64_t)0 - 1, relaxed); /* a count */
		shard_freed(s);
	}
	if (was & ST_LINKED) {
		shard_remove(s, t);
		shard_busy(s); /* the next poll publishes the entries */
	}
	push = state_migrate(&t->r_word, &is);
	if (was & ST_LINKED)
		trace(s, k, t,
		    is & ST_ARMED ? ROTA_TRACE_EVICT : ROTA_TRACE_DROP, is);
	object_moved(t, to);
	word_store(&t->r_kind, kind_mixed(t, to), relaxed); /* kind_of */
	if (push)
		*there = rota__shard_send(s, t, to, is, wake);
	word_add(&k->r_timers, (uint64_t)0 - 1, release); /* kind_release */
	return (int)(is & ST_ARMED);
}

int
rota_timer_move(struct rota_timer *t, struct rota_kind *to)
{
	struct rota_shard *s, *there = NULL;
	struct rota_kind *k;
	uint64_t wake = 0;
	bool unlock;
	int r;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t);
	if (!k)
		return -EINVAL;
	if (!to || !kind_any(to))
		return rota__misuse_kind(k, MISUSE_MOVE_TO, -EINVAL, __func__);
	s = shard_of(k);
	if (s->engine != shard_of(to)->engine)
		return rota__misuse_kind(
		    k, MISUSE_MOVE_ENGINE, -EINVAL, __func__);
	if (shard_forked(s))
		return -ECHILD;
	/* Only this thread stores its identity. */
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_kind(
		    k, MISUSE_MOVE_OWNER, -EPERM, __func__);
	if (running_here(t))
		return rota__misuse_kind(
		    k, MISUSE_MOVE_INSIDE, -EDEADLK, __func__);
	if (!shard_trylock(s, &unlock))
		return -EBUSY;
	r = move(s, t, k, to, &there, &wake);
	if (unlock)
		shard_unlock(s);
	if (there)
		rota__shard_pushed(there, wake);
	return r;
}
