/* SPDX-License-Identifier: MIT
 *
 * reset.c - a timer is armed, or its deadline moved, by any thread.
 *
 * The lock owner leaves the entry where it is if the deadline is later
 * (owner_push), makes an entry if there is none (owner_arm), and stages the
 * timer otherwise (owner_reset). Another thread pushes the timer on the inbox
 * (far_reset).
 *
 * Invariant  that of core/arming.h.
 * Threads    any; of a confined timer the owner.
 */
#define ROTA_NO_INLINE /* rota_timer_reset_at() is defined here */
#include <rota/timer.h>

#include "core/confined.h"
#include "core/pool.h"

static int
far_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d, bool push,
    struct rota_kind *k)
{
	/* @t and its kind may be gone after remote_reset(). */
	const struct rota_kind *traced = kind_traced(k) ? k : NULL;
	uint64_t was, wake, by = kind_latest(k, d);

	if (!remote_reset(&s->remote, &s->park, &t->r_word, t, &t->r_link, d,
		by, push, &was, &wake))
		return reset_lost(k, push);
	PROBE_RESET(t, d);
	if (traced)
		rota__trace(
		    s, traced, t, ROTA_TRACE_RESET, state_armed(was, d));
	word_add(was & ST_ARMED ? &s->pushes : &s->starts, (uint64_t)1,
	    relaxed); /* a figure */
	rota__shard_pushed(s, wake);
	return (int)(was & ST_ARMED);
}

/* A reset by any thread, of a timer that is not confined. */
static rota_noinline int
shared_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d, bool push,
    struct rota_kind *k)
{
	const struct rota_kind *traced = kind_traced(k) ? k : NULL;
	bool unlock;
	int r;

	if (!shard_trylock(s, &unlock))
		return far_reset(s, t, d, push, k);
	r = owner_reset(s, t, d, push, false, traced);
	if (unlock) {
		/* Outside of polls: adopters must find @t enqueued, and read of
		 * it in `next`. */
		rota__shard_flush_staging(s);
		if (d < word_load(&s->next, relaxed))
			word_store(&s->next, d, relaxed); /* a hint */
		shard_unlock(s);
	}
	return r;
}

static rota_noinline int
reset(struct rota_timer *t, struct rota_kind *k, rota_time when, bool push)
{
	uint64_t d = deadline_of(when);
	struct rota_shard *s = shard_of(k);

	if (!object_owned(t, k, s, "rota_timer_reset"))
		return -EPERM;
	if (kind_confined(k))
		return confined_reset(s, t, d, k, push);
	return shared_reset(s, t, d, push, k);
}

/* owner_reset() of an armed timer whose entry stays, to a later deadline, in
 * few instructions. False: @t or the deadline is not so. */
rota_inline bool
owner_push(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	uint64_t old = word_load(&t->r_word, relaxed); /* the CAS checks it */
	uint64_t later = d << ST_SHIFT;

	if ((old & (ST_ARMED | ST_LINKED | ST_RELEASE)) !=
		(ST_ARMED | ST_LINKED) ||
	    (later | ST_FLAGS) < old ||
	    !word_cas(&t->r_word, &old, later | (old & ST_FLAGS), acq_rel,
		relaxed)) /* as state_reset() */
		return false;
	PROBE_RESET(t, d);
	shard_assign_seq(s, t);
	return true;
}

static rota_noinline int
owner_other(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	return owner_reset(s, t, d, false, false, NULL);
}

/* owner_arm() into a slot that needs another chunk. */
static rota_noinline uint64_t
arm_chunk(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, uint64_t slack)
{
	uint64_t when = d;

	SHARD_SWITCH(s,
	    when = backend_insert(&s->queue, BACKEND, &t->r_place, d,
		(uint32_t)s->hot.seq, slack));
	backend_ready(&s->queue, s->backend, &t->r_place);
	return when;
}

/* owner_reset() of a shared timer that gets its entry at once, with one
 * compare-and-swap: it has no entry and is not QUEUED, its callback does not
 * run (a release would have to wait for that), and no poll under way comes to
 * it. */
rota_inline int
owner_arm(struct rota_timer *t, uint64_t d, struct rota_shard *s,
    struct rota_kind *k, const enum rota_backend backend)
{
	uint64_t slack = backend == ROTA_WHEEL_COARSE ? (uint64_t)k->slack : 0;
	uint64_t when;

	if (rota_unlikely(!backend_later(backend, d, slack, s->now)) ||
	    running_at_all(s, t) || !state_arm(&t->r_word, d))
		return owner_other(s, t, d);
	PROBE_RESET(t, d);
	object_linked(t, true);
	count_add(&s->hot.starts, 1);
	count_add(&s->count.inserts, 1);
	shard_assign_seq(s, t);
	if (rota_unlikely(!backend_try_insert(&s->queue, backend, &t->r_place,
		d, (uint32_t)s->hot.seq, slack, &when)))
		when = arm_chunk(t, d, s, slack);
	if (rota_unlikely(when < s->heed))
		return rota__filed_first(s, t, d, 0);
	return 0;
}

static rota_noinline int
arm_heap(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return owner_arm(t, d, s, k, ROTA_HEAP);
}

static rota_noinline int
arm_wheel(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return owner_arm(t, d, s, k, ROTA_WHEEL);
}

static rota_noinline int
arm_coarse(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return owner_arm(t, d, s, k, ROTA_WHEEL_COARSE);
}

/* Reset @t, of kind @k. */
rota_inline int
reset_of(struct rota_timer *t, struct rota_kind *k, rota_time when)
{
	struct rota_shard *s;

	if (rota_unlikely((uint64_t)when > ST_NEVER || !kind_shared(k)))
		return reset(t, k, when, false);
	s = shard_of(k);
	if (rota_unlikely(word_load(&s->lock_owner, relaxed) != self_id()))
		return reset(t, k, when, false);
	if (owner_push(s, t, (uint64_t)when))
		return 1;
	if (s->backend == ROTA_WHEEL)
		return arm_wheel(t, (uint64_t)when, s, k);
	if (s->backend == ROTA_HEAP)
		return arm_heap(t, (uint64_t)when, s, k);
	return arm_coarse(t, (uint64_t)when, s, k);
}

int
rota_timer_reset_slow(struct rota_timer *t, rota_time when)
{
	struct rota_kind *k;

	if (!object_call(t, "rota_timer_reset_at"))
		return -EINVAL;
	object_when(t, when);
	k = kind_of(t);
	return rota_likely(k != NULL) ? reset_of(t, k, when) : -EINVAL;
}

int
rota_timer_reset_at(struct rota_timer *t, rota_time when)
{
	return rota_timer_reset_slow(t, when);
}

int
rota__timer_push(struct rota_timer *t, rota_time when)
{
	struct rota_kind *k = kind_of(t);

	return k ? reset(t, k, when, true) : -EINVAL;
}

int
rota_timer_reset(struct rota_timer *t, rota_span span)
{
	struct rota_kind *k;

	if (!object_call(t, "rota_timer_reset"))
		return -EINVAL;
	object_span(t, span);
	k = kind_of(t);
	if (rota_unlikely(!k))
		return -EINVAL;
	return reset_of(
	    t, k, rota_when(rota__clock_read(shard_of(k)->clock), span));
}
