/* SPDX-License-Identifier: MIT
 *
 * poll.c - a poll: drain what arrived, bring up what is due, sweep, trim.
 *
 * Each kind of work is counted in steps, and has as many of them as the
 * caller's budget says:
 * - the timers that an earlier poll deferred;
 * - the inbox: an entry of the list is reversed, or drained;
 * - what is due: an entry of a wheel's slot cascades, is sorted, or comes up;
 * - sweeping, or giving memory back, which have their own bound.
 *
 * So neither a flood of resets by other threads nor a herd that is due keeps
 * the other waiting. The next poll goes on with the work that is left.
 *
 * An entry comes up at its key. The timer's word says when the timer is due by
 * now. The poll compares the two: it fires the timer, moves the entry, or drops
 * the zombie.
 *
 * Invariant  a timer armed during a poll does not fire in that poll, nor in one
 *            that is under way beside it. (Where an adopter polls while a
 *            callback blocks, poll_seq is that of the poll that began last.) An
 *            entry with a sequence number after poll_seq is deferred, and comes
 *            up in the next poll. If due timers are left, what callbacks armed
 *            for instants that had come is deferred: enqueued, it would come up
 *            before the timers left. Two polls in a row never bring deferred
 *            timers back while due ones are left, so these get their turn.
 *            (What a `released` arms before poll_seq is taken is staged to the
 *            end of the poll; a callback that asks what is next brings it in,
 *            and so does a poll beside this one.)
 * Threads    the lock owner, in the role of owner or adopter.
 */
#include "core/expire.h"

rota_inline bool
poll(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	uint64_t steps, undeferred;
	bool done, expired;

	flush_staging(s, backend);
	retry_releases(s, backend);
	p->left = p->budget;
	done = undefer_all(p, backend);
	undeferred = steps = p->budget - p->left;
	p->left = p->budget;
	done &= drain(p, backend);
	steps += p->budget - p->left;
	s->poll_seq = word_load(&s->hot.seq, relaxed); /* the lock owner's */
	p->left = p->budget;
	expired = expire(p, backend);
	if (p->lost_lock) /* and so the counts */
		return false;
	count_add(&s->count.steps, steps + p->budget - p->left);
	if (rota_unlikely(!expired)) {
		if (backend != ROTA_WHEEL_COARSE)
			s->deferred_had_turn = undeferred;
		rota__defer_staged(s);
	}
	if (rota_unlikely(p->now >= s->early_from)) {
		p->left = p->budget;
		rota__cascade_early(p);
		count_add(&s->count.steps, p->budget - p->left);
	}
	/* A release may have waited for a callback of this poll. */
	retry_releases(s, backend);
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
	/* Timers that were stopped behind a sweep that ended may already be
	 * enough for another. */
	s->idle_until = done && !s->chores && !p.walked &&
		!s->deferred_releases && next > p.now
	    ? next
	    : 0;
	s->heed = s->idle_until;
	s->idle_stops = stops;
	return !done;
}
