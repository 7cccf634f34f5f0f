/* SPDX-License-Identifier: MIT
 *
 * poll.c - a poll: file what arrived, bring up what is due, sweep, trim.
 *
 * Each kind of work is counted in steps, and has as many of them as the
 * caller's budget says: looking at what an earlier poll deferred; the inbox
 * (turning an entry round, filing one); what is due (pouring an entry of a
 * wheel's slot, sorting, a look at an entry that has come up); and sweeping, or
 * giving memory back, which have their own bound. So neither a flood of resets by other threads nor a
 * herd that is due keeps the other waiting. Work that is left is gone on with
 * by the next poll.
 *
 * Timers armed during a poll do not fire in it, nor in one that is under way
 * beside it (where an adopter polls while a callback blocks, poll_seq is that of
 * the poll that began last): what comes up with a rank
 * after poll_seq is deferred, and looked at again by the next one. Where a poll
 * leaves what is due, what its callbacks have armed for the past is deferred
 * too, and is not brought back by two polls on end: its deadlines are before
 * those that have been left. (What a
 * `released` arms before poll_seq is taken is staged to the end of the poll;
 * a callback that asks what is next brings it in.)
 *
 * An entry that comes up is where the timer was once filed; its word says
 * when it is due by now. They are brought together here: fire, file again,
 * or drop the zombie.
 */
#include "core/expire_coarse.h"
#include "core/expire_exact.h"
#include "core/expire_heap.h"

rota_inline bool
expire(struct poll *p, const enum rota_backend backend)
{
	switch (backend) {
	case ROTA_HEAP:
		return expire_heap(p);
	case ROTA_WHEEL:
		return expire_exact(p);
	case ROTA_WHEEL_COARSE:
		return expire_coarse(p);
	}
	return true;
}

rota_inline bool
poll(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	uint64_t steps, undeferred;
	bool done, expired;

	flush_staging(s, backend);
	leave(s, backend);
	p->left = p->budget;
	done = undefer_all(p, backend);
	undeferred = steps = p->budget - p->left;
	p->left = p->budget;
	done &= drain(p, backend);
	steps += p->budget - p->left;
	s->poll_seq = word_load(&s->hot.seq, relaxed); /* its own */
	p->left = p->budget;
	expired = expire(p, backend);
	if (p->lost_lock) /* the counts are another thread's, too */
		return false;
	count_add(&s->count.steps, steps + p->budget - p->left);
	if (rota_unlikely(!expired)) {
		if (backend != ROTA_WHEEL_COARSE)
			s->others = undeferred;
		rota__defer_staged(s);
	}
	if (rota_unlikely(p->now >= s->lead)) {
		p->left = p->budget;
		rota__cascade_early(p);
		count_add(&s->count.steps, p->budget - p->left);
	}
	leave(s, backend); /* this poll's callback may have been waited for */
	flush_staging(s, backend); /* last: what a `released` armed, too */
	shard_publish_entries(s);
	rota__sweep(p);
	return done && expired;
}

int
rota__shard_poll(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	struct poll p = {
		.s = s,
		.now = shard_advance(s, now),
		.budget = budget ? budget : UINT64_MAX,
		.role = role,
		.out = out,
		.room = out ? *n : 0,
	};
	struct rota_self *outer = &s->outer[role];
	bool done = false;
	uint64_t next, stops = shard_stops(s);

	*outer = rota__self;
	rota__self = (struct rota_self){ s, role, outer };
	s->idle_until = s->heed = 0;
	SHARD_SWITCH(s, done = poll(&p, BACKEND));
	if (out)
		*n = p.given;
	rota__self = *outer;
	if (p.lost_lock)
		return 1;
	next = (uint64_t)rota__shard_next(s);
	PROBE_POLL(s->index, p.now, !done);
	shard_publish_next(s, next);
	/* A sweep that ended may be owed another: behind it there may have
	 * been stops. */
	s->idle_until = done && !s->chores && !p.walked &&
		!s->deferred_releases && next > p.now
	    ? next
	    : 0;
	s->heed = s->idle_until;
	s->idle_stops = stops;
	return !done;
}
