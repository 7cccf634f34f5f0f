/* SPDX-License-Identifier: MIT
 *
 * stop.c - a timer is stopped; and what a stop that came too late answers.
 *
 * Invariant  a stop that turns ARMED off prevents the timer from firing. For
 *            any other, shard->running says whether the callback runs.
 * Threads    any. Only rota_timer_stop_sync() waits.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#define ROTA_NO_INLINE          /* rota_timer_stop() is defined here */
#include <rota/timer.h>

#include <errno.h>
#include <time.h>

#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/trace.h"

/* Why a stop that found @word did not prevent: *@verdict. False: the word has
 * changed, stop again. */
rota_inline bool
stop_lost(struct rota_shard *s, const struct rota_timer *t, uint64_t word,
    int *verdict)
{
	bool claimed = false;

	*verdict = ROTA_RUNNING;
	/* Both roles: one may be claiming @t, and the other still run the
	 * callback of an earlier arming. */
	for (int role = 0; role < ROLES; role++) {
		void *is = word_load(&s->running[role], acquire); /* [R1] */

		if (is == t)
			return true;
		claimed |= is == running_claiming(t);
	}
	/* @t is about to be claimed, or just was: the word tells which. */
	if (claimed && !(word & ST_LINKED))
		return word_load(&t->r_word, acquire) == word; /* [P3] */
	*verdict = ROTA_NOT_PENDING;
	return true;
}

/* A stop found the word @was, and turned ARMED off. */
rota_inline int
stop_prevented(
    struct rota_timer *t, struct rota_kind *k, uint64_t was, const bool traced)
{
	struct rota_shard *s = shard_of(k); /* after the word [P3] */

	PROBE_STOP(t);
	if (traced)
		rota__trace(s, k, t, ROTA_TRACE_STOP, was & ~ST_ARMED);
	if (rota_likely(word_load(&s->lock_owner, relaxed) == self_id()))
		count_add(&s->hot.stops, 1);
	else
		word_add(&s->stops, (uint64_t)1, relaxed); /* a figure */
	return ROTA_PREVENTED;
}

/* A stop found the word @was, which is not ARMED. A function of its own, so
 * that the common case has no loop and saves no register. */
static rota_noinline int
stop_late(struct rota_timer *t, struct rota_kind *k, uint64_t was, bool traced)
{
	int verdict;

	/* The shard is read after the word: it is the one that ended the
	 * arming, and is asked for the callback. [P3] */
	while (!stop_lost(shard_of(k), t, was, &verdict)) {
		was = state_stop(&t->r_word, kind_confined(k));
		if (was & ST_ARMED)
			return stop_prevented(t, k, was, traced);
	}
	return verdict;
}

rota_inline int
stop(struct rota_timer *t, struct rota_kind *k, const bool traced)
{
	uint64_t was;

	if (!object_owned(t, k, shard_of(k), "rota_timer_stop"))
		return -EPERM;
	was = state_stop(&t->r_word, kind_confined(k));
	if (rota_likely(was & ST_ARMED))
		return stop_prevented(t, k, was, traced);
	return stop_late(t, k, was, traced);
}

/* Stop @t, of kind @k, traced or not. */
static rota_noinline int
stop_any(struct rota_timer *t, struct rota_kind *k)
{
	return stop(t, k, kind_traced(k));
}

static rota_noinline int
stop_unusual(struct rota_timer *t)
{
	struct rota_kind *k = kind_of(t);

	return k ? stop_any(t, k) : -EINVAL;
}

int
rota_timer_stop_slow(struct rota_timer *t)
{
	struct rota_kind *k;

	if (!object_call(t, "rota_timer_stop"))
		return -EINVAL;
	k = kind_untraced(t);
	return rota_likely(k != NULL) ? stop(t, k, false) : stop_unusual(t);
}

int
rota_timer_stop(struct rota_timer *t)
{
	return rota_timer_stop_slow(t);
}

/* Is the caller in a callback of @s, in @role? */
static bool
role_here(const struct rota_shard *s, int role)
{
	const struct rota_self *me = self_in(s);

	return me && me->role == (enum shard_role)role;
}

/* After a stop of @t: wait for the end of its callback in @role, if that had
 * begun. running_released(t) counts, too: the callback may have released @t
 * since; or it is that of a former timer at this address, which looks the same
 * (and is seen only if it is one of @s). The caller waits for that callback
 * unless it is itself in it. Once the callback is over, another callback may
 * run in @role, or @t's next one. */
static void
role_wait(struct rota_shard *s, const struct rota_timer *t, int role)
{
	struct timespec nap = { 0, 1000 };
	/* First, as a callback first leaves `running`, then counts as ended:
	 * the one that runs has not been counted. */
	uint64_t ended = word_load(&s->ended[role], acquire);
	void *running = word_load(&s->running[role], acquire); /* [R1] */

	if (running == running_released(t) && role_here(s, role))
		return;
	while (running == t || running == running_claiming(t) ||
	    running == running_released(t)) {
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 1000000)
			nap.tv_nsec *= 2;
		running = word_load(&s->running[role], acquire);  /* [R1] */
		if (word_load(&s->ended[role], acquire) != ended) /* [R2] */
			break;
	}
}

int
rota_timer_stop_sync(struct rota_timer *t)
{
	struct rota_kind *k;
	struct rota_shard *s;
	int r;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t); /* the callback may release @t */
	if (!k)
		return -EINVAL;
	if (shard_forked(shard_of(k)))
		return -ECHILD; /* the thread in it is the parent's */
	if (running_here(t))
		return rota__misuse_kind(
		    k, MISUSE_SYNC_INSIDE, -EDEADLK, __func__);
	r = stop_any(t, k); /* @t may have been released meanwhile */
	if (r < 0)
		return r;
	s = shard_of(k); /* no callback runs on one that has retired */
	for (int role = 0; role < ROLES; role++)
		role_wait(s, t, role);
	return r == ROTA_PREVENTED ? r : ROTA_NOT_PENDING;
}
