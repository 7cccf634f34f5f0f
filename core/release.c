/* SPDX-License-Identifier: MIT
 *
 * release.c - a timer is given back to its user.
 *
 * The lock owner does so at once. If another thread is in the callback, or is
 * pushing the timer, or if the caller is not the lock owner, then the timer
 * goes through the inbox, and `released` tells the user when it is free.
 *
 * Invariant  a released timer is freed once it has no entry, is on no inbox,
 *            and no other thread is in its callback.
 * Threads    the owner; any where the kind has a `released`.
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/trace.h"

/* @t is released, maybe inside its own callback, and no other thread is in
 * that. A stop of the next timer at this address must not take the callback for
 * its own. */
rota_inline void
running_no_more(struct rota_shard *s, const struct rota_timer *t)
{
	for (int role = 0; role < ROLES; role++)
		if (word_load(&s->running[role], relaxed) == t) /* its own */
			word_store(&s->running[role], running_released(t),
			    release); /* [R1] */
}

/* Report a release that left @how; the word was @was. */
rota_inline void
tell(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum state_release how, uint64_t was)
{
	if (how == RELEASE_GONE || how == RELEASE_BUSY)
		return;
	PROBE_RELEASE(t);
	if (!k)
		return;
	if (how == RELEASE_FREE)
		rota__trace(
		    s, k, t, ROTA_TRACE_RELEASED, was >> ST_SHIFT << ST_SHIFT);
	else
		rota__trace(s, k, t, ROTA_TRACE_RELEASE,
		    (was & ~ST_ARMED) | ST_QUEUED | ST_RELEASE);
}

/* A release by the lock owner. */
static int
release_owner(struct rota_shard *s, struct rota_kind *k, struct rota_timer *t)
{
	enum state_release how;
	uint64_t was = 0;

	if (word_load(&t->r_word, relaxed) & ST_QUEUED)
		rota__shard_flush_staging(s); /* it may be only staged */
	how = state_release(
	    &t->r_word, true, kind_confined(k), k->released != NULL, &was);
	tell(s, kind_traced(k) ? k : NULL, t, how, was);
	if (was & ST_ARMED)
		count_add(&s->hot.stops, 1);
	switch (how) {
	case RELEASE_GONE:
		return rota__misuse_kind(
		    k, MISUSE_WAITS, -EINVAL, "rota_timer_release");
	case RELEASE_BUSY:
		return -EAGAIN;
	case RELEASE_FREE:
		if (was & ST_LINKED) {
			shard_remove(s, t);
			shard_busy(s); /* the next poll publishes the entries */
		}
		running_no_more(s, t);
		rota__shard_free(s, k, t);
		shard_freed(s);
		return 0;
	case RELEASE_WAIT:
		/* The thread that is pushing it may do so for a later deadline.
		 * [K2] */
		word_add(&s->remote.kick, (uint64_t)1, seq_cst);
		break;
	case RELEASE_POST:
		break;
	}
	return 1;
}

/* A release by way of the inbox. The timer and @k may be gone once it is
 * pushed. */
static int
release_remote(struct rota_shard *s, struct rota_kind *k, struct rota_timer *t)
{
	const struct rota_kind *traced = kind_traced(k) ? k : NULL;
	uint64_t was = 0, wake = 0;
	enum state_release how;

	how = remote_release(
	    &s->remote, &s->park, &t->r_word, t, &t->r_link, &was, &wake);
	tell(s, traced, t, how, was);
	if (how != RELEASE_GONE)
		rota__shard_pushed(s, wake);
	if (was & ST_ARMED)
		word_add(&s->stops, (uint64_t)1, relaxed); /* figure */
	return how == RELEASE_GONE
	    ? rota__misuse_kind(k, MISUSE_WAITS, -EINVAL, "rota_timer_release")
	    : 1;
}

int
rota_timer_release(struct rota_timer *t)
{
	struct rota_kind *k;
	struct rota_shard *s;
	bool owner, unlock;
	int r;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t);
	if (!k)
		return -EINVAL;
	s = shard_of(k);
	if (shard_forked(s))
		return -ECHILD;
	if (!object_owned(t, k, s, __func__))
		return -EPERM;
	owner = shard_trylock(s, &unlock);
	if (owner && !running_elsewhere(s, t)) {
		r = release_owner(s, k, t);
	} else if (k->released) {
		if (unlock) /* it is in a callback: it goes through the inbox */
			shard_unlock(s);
		return release_remote(s, k, t);
	} else if (word_load(&s->attached, relaxed) == self_id()) {
		r = -EAGAIN; /* an adopter polls, or is in the callback */
	} else {             /* only this thread stores its identity */
		r = rota__misuse_kind(k, MISUSE_NO_RELEASED, -EINVAL, __func__);
	}
	if (unlock)
		shard_unlock(s);
	return r;
}
