/* SPDX-License-Identifier: MIT
 *
 * arming.h - what all resets by the lock owner of a shard share.
 *
 * Invariant  after a reset the timer's entry comes up in time for the deadline,
 *            or the timer is QUEUED.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_ARMING_H
#define ROTA_CORE_ARMING_H

#include <errno.h>

#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/trace.h"

/* rota__armed_rarely - the lock owner armed @t for @d, and the staging buffer
 * is full, or the owner sleeps past @d: flush the buffer; wake the owner, if @t
 * would be later than its slack by then. (An adopter leaves that to the end of
 * its poll: only the owner ends its alarm.) A function of its own, so that the
 * common case calls nothing. Returns @answer. */
int rota__armed_rarely(
    struct rota_shard *s, const struct rota_timer *t, uint64_t d, int answer);
/* rota__filed_first - @t was enqueued for @d with a key before `heed`: it may
 * come up before all other entries, or before the owner wakes. Returns
 * @answer. */
int rota__filed_first(
    struct rota_shard *s, struct rota_timer *t, uint64_t d, int answer);

/* Why a reset changed nothing: with @push, the timer is not armed; else its
 * release is under way. */
static rota_noinline int
reset_lost(struct rota_kind *k, bool push)
{
	return push
	    ? -EINVAL
	    : rota__misuse_kind(k, MISUSE_WAITS, -EINVAL, "rota_timer_reset");
}

/* Does the owner sleep past @d? */
rota_inline bool
sleeps_beyond(const struct rota_shard *s, uint64_t d)
{
	return d < word_load(&s->alarm, relaxed); /* its own, or a hint */
}

/* The lock owner arms @t; @traced is the kind if it is traced, else NULL. If @d
 * is not before the former deadline an entry stays where it is; else @t goes to
 * the staging buffer. No branch depends on which. */
rota_inline int
owner_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d, bool push,
    bool confined, const struct rota_kind *traced)
{
	uint64_t was, is, staged = s->staging_len;

	if (rota_unlikely(
		!state_reset(&t->r_word, d, push, confined, &was, &is)))
		return reset_lost(kind_unchecked(t), push);
	PROBE_RESET(t, d);
	if (traced)
		rota__trace(s, traced, t, ROTA_TRACE_RESET, is);
	count_add(&s->hot.starts, ~was & ST_ARMED);
	shard_assign_seq(s, t);
	s->staging[staged] = t;
	staged += state_must_push(was, is);
	s->staging_len = staged;
	if (!confined && rota_unlikely(was & ST_QUEUED) &&
	    state_must_kick(was, is))
		/* Another thread may be just pushing it for later. [K2] */
		word_add(&s->remote.kick, (uint64_t)1, seq_cst);
	if (rota_unlikely(staged == SHARD_STAGE || sleeps_beyond(s, d)))
		return rota__armed_rarely(s, t, d, (int)(was & ST_ARMED));
	return (int)(was & ST_ARMED);
}

#endif
