/* SPDX-License-Identifier: MIT
 *
 * timer.c - the operations on a timer and its kind: who is calling, which
 * edge of the state machine, what follows from it.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#define ROTA_NO_INLINE          /* they are defined here */
#include <rota/timer.h>

#include <errno.h>
#include <time.h>

#include "core/engine.h"
#include "core/misuse.h"
#include "core/trace.h"

int
rota_kind_init_site(struct rota_kind *k, struct rota_shard *s,
    const struct rota_kind_config *c, const char *site)
{
	struct rota_kind *old;

	if (!k || !s || !c)
		return -EINVAL;
	if (c->flags & ~(ROTA_CONFINED | ROTA_BATCH))
		return rota__misuse_kind_config(s, c, site, "config.flags",
		    "has more than ROTA_CONFINED and ROTA_BATCH");
	if (c->slack < 0)
		return rota__misuse_kind_config(
		    s, c, site, "config.slack", "is below 0");
	if (!c->fire == !(c->flags & ROTA_BATCH))
		return rota__misuse_kind_config(s, c, site, "config.fire",
		    c->fire ? "is set, and config.flags has ROTA_BATCH"
			    : "is NULL, and config.flags has no ROTA_BATCH");
	if (c->flags & ROTA_CONFINED && s->adoptable)
		return rota__misuse_kind_config(s, c, site, "config.flags",
		    "has ROTA_CONFINED, and the engine has ROTA_ADOPT");
	if (shard_forked(s))
		return -ECHILD;
	lock_take(&s->lock, LOCK_SHARD);
	if (word_load(&s->target, relaxed)) { /* stored under the lock */
		lock_give(&s->lock);
		return rota__misuse_kind_config(
		    s, c, site, "is for a shard", "that has retired");
	}
	for (old = s->kinds; old && old != k; old = old->r_next)
		;
	if (old) {
		lock_give(&s->lock);
		rota__misuse_kind_config(s, c, site, "it",
		    "is initialised already: rota_kind_release() it first");
		return -EBUSY;
	}
	object_kind(k);
	*k = (struct rota_kind){
		.fire = c->fire,
		.released = c->released,
		.slack = c->slack,
		.name = c->name,
		.site = site,
		.flags = c->flags,
		.r_magic = s->config->trace    ? KIND_TRACED
		    : c->flags & ROTA_CONFINED ? KIND_CONFINED
					       : KIND_SHARED,
		.r_shard = s,
		.r_hot = &s->hot,
		.r_next = s->kinds,
		.r_prev = &s->kinds,
	};
	if (s->kinds)
		s->kinds->r_prev = &k->r_next;
	s->kinds = k;
	lock_give(&s->lock);
	return 0;
}

int
rota_kind_release(struct rota_kind *k)
{
	struct rota_shard *s;

	if (!k || !kind_any(k))
		return -EINVAL;
	s = shard_of(k);
	if (shard_forked(s))
		return -ECHILD;
	if (word_load(&k->r_timers, acquire)) /* rota__shard_free */
		return rota__misuse_kind(
		    k, MISUSE_KIND_IN_USE, -EBUSY, __func__);
	s = rota__shard_lock(k);
	*k->r_prev = k->r_next;
	if (k->r_next)
		k->r_next->r_prev = k->r_prev;
	k->r_magic = 0;
	lock_give(&s->lock);
	return 0;
}

/* Take back the count of a timer on @s, or where it has moved by now: with the
 * rest of a shard that retires, which has none then. */
static void
timer_uncount(struct rota_shard *s)
{
	for (;;) { /* never below 0: another would take that for its own */
		uint64_t n = word_load(&s->timers, seq_cst);

		while (n && !word_cas(&s->timers, &n, n - 1, seq_cst, seq_cst))
			; /* [C1] */
		if (n)
			return;
		s = word_load(&s->closing, seq_cst); /* [C1] */
	}
}

/* Count a timer on the shard of @k, or, while that retires, on its heir. Nobody
 * files it meanwhile: who arms it pushes it, and the push is passed on. */
rota_inline uint64_t
timer_count(struct rota_kind *k, struct rota_shard **s)
{
	struct timespec nap = { 0, 50000 }; /* room is being made */
	struct rota_shard *to;
	uint64_t n;

	for (*s = shard_of(k);; *s = to) {
		/* [C1] and [X1] */
		n = word_add(&(*s)->timers, (uint64_t)1, seq_cst);
		to = word_load(&(*s)->closing, seq_cst); /* [C1] */
		if (rota_likely(!to))
			return n + 1;
		timer_uncount(*s);
		if (to == *s)
			nanosleep(&nap, NULL);
	}
}

/* Count a timer of @k where there is room for it, for @fn. */
rota_inline int
make_room(struct rota_kind *k, const char *fn)
{
	struct rota_shard *s;
	uint64_t n;
	int r;

	for (;;) {
		n = timer_count(k, &s);
		/* acquire: the blocks that make the room; [X1] */
		if (rota_likely(n <= word_load(&s->room, seq_cst)))
			break;
		r = rota__shard_grow(s, n);
		if (!r)
			break;
		timer_uncount(s);
		if (r != -ENOSPC)
			return r;
		if (!rota__pool_release(s))
			return rota__misuse_kind(k, MISUSE_FULL, r, fn);
	}
	if (rota_unlikely(!shard_slack_is(s, (uint64_t)k->slack)))
		rota__shard_slack(k);
	word_add(&k->r_timers, (uint64_t)1, relaxed); /* a count */
	return 0;
}

int
rota__timer_room(struct rota_kind *k, const char *fn)
{
	return make_room(k, fn);
}

/* rota_timer_init(), called by the line @site, or near @caller. */
rota_inline int
init(struct rota_timer *t, struct rota_kind *k, const char *site,
    const void *caller)
{
	int r;

	if (!t || !k || !kind_any(k)) {
		if (t && k)
			object_no_kind(k);
		return -EINVAL;
	}
	r = object_may_init(t, k); /* asks whether @k's engine is there */
	if (r)
		return r;
	if (shard_forked(shard_of(k)))
		return -ECHILD;
	r = make_room(k, "rota_timer_init");
	if (r)
		return r;
	*t = (struct rota_timer){ .r_kind = kind_mixed(t, k) };
	object_born(t, k, site, caller);
	return 0;
}

#undef rota_timer_init
int
rota_timer_init(struct rota_timer *t, struct rota_kind *k)
{
	return init(t, k, NULL, __builtin_return_address(0));
}

int
rota_timer_init_site(
    struct rota_timer *t, struct rota_kind *k, const char *site)
{
	return init(t, k, site, __builtin_return_address(0));
}

/* Why a reset changed nothing. A push says so of what it finds not armed. */
static rota_noinline int
reset_lost(struct rota_kind *k, bool push)
{
	return push
	    ? -EINVAL
	    : rota__misuse_kind(k, MISUSE_WAITS, -EINVAL, "rota_timer_reset");
}

/* Does the owner sleep beyond @d? */
rota_inline bool
sleeps_beyond(const struct rota_shard *s, uint64_t d)
{
	return d < word_load(&s->alarm, relaxed); /* its own, or a hint */
}

/* After an arming of @t by the holder for @d: file what is staged, once that is
 * much; wake the owner, if it sleeps until @t is later than its slack. (An
 * adopter's poll does so at its end: the alarm is the owner's to end.) Seldom,
 * so that what is mostly done calls nothing. */
static rota_noinline int
armed_rarely(
    struct rota_shard *s, const struct rota_timer *t, uint64_t d, int answer)
{
	uint64_t latest = kind_latest(kind_unchecked(t), d); /* @t may go */

	if (s->staging_len == SHARD_STAGE)
		rota__shard_flush_staging(s);
	if (sleeps_beyond(s, latest) &&
	    word_load(&s->attached, relaxed) == self_id())
		rota__shard_alarm(s);
	return answer;
}

/* The holder arms; @told is the kind, if it is traced, else NULL. An entry
 * filed late enough stays; else @t is staged, to be filed with others. No
 * branch depends on which it is. */
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
	staged += ST_POSTS(was, is) / ST_QUEUED;
	s->staging_len = staged;
	if (!confined && rota_unlikely(was & ST_QUEUED) && ST_POKES(was, is))
		/* Another thread may be just pushing it for later. [K2] */
		word_add(&s->remote.kick, (uint64_t)1, seq_cst);
	if (rota_unlikely(staged == SHARD_STAGE || sleeps_beyond(s, d)))
		return armed_rarely(s, t, d, (int)(was & ST_ARMED));
	return (int)(was & ST_ARMED);
}

static int
far_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d, bool push,
    struct rota_kind *k)
{
	/* The kind may be gone afterwards. */
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

/* From any thread, in any way but confined. */
static rota_noinline int
shared_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d, bool push,
    struct rota_kind *k)
{
	const struct rota_kind *traced = kind_traced(k) ? k : NULL;
	bool release;
	int r;

	if (!shard_trylock(s, &release))
		return far_reset(s, t, d, push, k);
	r = owner_reset(s, t, d, push, false, traced);
	if (release) {
		/* Between polls: adopters must find it filed, and hear of it. */
		rota__shard_flush_staging(s);
		if (d < word_load(&s->next, relaxed))
			word_store(&s->next, d, relaxed); /* a hint */
		shard_unlock(s);
	}
	return r;
}

/* The owner arms a confined timer: as rota/inline.h, for every instant. */
rota_inline int
confined_reset(struct rota_shard *s, struct rota_timer *t, uint64_t d,
    struct rota_kind *k, bool push)
{
	uint64_t old = t->r_word;

	if (push && !(old & ST_ARMED))
		return -EINVAL;
	if ((old & ~ST_ARMED & 15) != ST_LINKED || d < t->r_key)
		return rota_timer_reset_unfiled(t, (rota_time)d, k);
	t->r_word = d << ST_SHIFT | ST_ARMED | ST_LINKED;
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	return (int)(old & ST_ARMED);
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

/* owner_reset() of what is armed and filed, to a later deadline, in few
 * instructions; false: not so. */
rota_inline bool
owner_push(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	uint64_t old = word_load(&t->r_word, relaxed); /* the CAS checks it */
	uint64_t later = d << ST_SHIFT;

	if ((old & (ST_ARMED | ST_LINKED | ST_RELEASE)) !=
		(ST_ARMED | ST_LINKED) ||
	    (later | 15) < old ||
	    !word_cas(&t->r_word, &old, later | (old & 15), acq_rel,
		relaxed)) /* as state_reset() */
		return false;
	PROBE_RESET(t, d);
	shard_assign_seq(s, t);
	return true;
}

/* owner_reset() of a confined timer, but the stage is the only way. */
static rota_noinline int
stage_reset(struct rota_timer *t, uint64_t d, struct rota_shard *s)
{
	uint64_t old = t->r_word;

	if (rota_unlikely(old & (ST_QUEUED | ST_RELEASE)))
		return owner_reset(s, t, d, false, true, NULL);
	t->r_word = d << ST_SHIFT | ST_ARMED | ST_QUEUED | (old & ST_LINKED);
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	s->staging[s->staging_len++] = t;
	if (rota_unlikely(s->staging_len == SHARD_STAGE || sleeps_beyond(s, d)))
		return armed_rarely(s, t, d, (int)(old & ST_ARMED));
	return (int)(old & ST_ARMED);
}

/* It may come up before all that is filed, or before the owner wakes. */
static rota_noinline int
filed_first(struct rota_shard *s, struct rota_timer *t, uint64_t d, int answer)
{
	rota__shard_came(s, t, d);
	answer = armed_rarely(s, t, d, answer);
	shard_set_heed(s); /* the owner may be awake by now */
	return answer;
}

/* The end of a reset that files a confined timer itself: @t is looked at at
 * @when. As a reset and a drain in one; nobody else looks. */
rota_inline int
enqueued(struct rota_shard *s, struct rota_timer *t, uint64_t d, uint64_t when)
{
	uint64_t old = t->r_word;

	t->r_word = d << ST_SHIFT | ST_ARMED | ST_LINKED;
	t->r_key = when < d ? when : d;
	object_linked(t, true);
	count_add(&s->hot.starts, ~old & ST_ARMED);
	shard_assign_seq(s, t);
	if (rota_unlikely(when < s->heed))
		return filed_first(s, t, d, (int)(old & ST_ARMED));
	return (int)(old & ST_ARMED);
}

/* fresh_reset() into a slot that needs a chunk. Chunks are fetched here, and not whenever
 * a chunk is opened: 1e6 armed in turn 13.0 to 8.4 ns each, but moves, which
 * open and close them at random, pay 4. */
static rota_noinline int
fresh_chunk(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	uint64_t when = d;

	SHARD_SWITCH(s,
	    when = backend_insert(&s->queue, BACKEND, &t->r_place, d,
		(uint32_t)s->hot.seq + 1, (uint64_t)k->slack));
	if (s->backend != ROTA_HEAP)
		wheel_ready(&s->queue.wheel, &t->r_place);
	count_add(&s->count.inserts, 1);
	return enqueued(s, t, d, when);
}

/* One that is neither filed nor staged: what filing it touches the caller has
 * touched. What may be due is staged, for the next poll. */
rota_inline int
fresh_reset(struct rota_timer *t, uint64_t d, struct rota_shard *s,
    struct rota_kind *k, const enum rota_backend backend)
{
	uint64_t slack = backend == ROTA_WHEEL_COARSE ? (uint64_t)k->slack : 0;
	uint64_t when;

	if (rota_unlikely(!backend_later(backend, d, slack, s->now)))
		return stage_reset(t, d, s);
	if (rota_unlikely(!backend_try_insert(&s->queue, backend, &t->r_place,
		d, (uint32_t)s->hot.seq + 1, slack, &when)))
		return fresh_chunk(t, d, s, k);
	count_add(&s->count.inserts, 1);
	return enqueued(s, t, d, when);
}

static rota_noinline int
fresh_heap(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return fresh_reset(t, d, s, k, ROTA_HEAP);
}

/* One that is filed, in a small heap, to before its entry. */
static rota_noinline int
heap_earlier(struct rota_timer *t, uint64_t d, struct rota_shard *s)
{
	struct heap *h = &s->queue.heap;

	if (rota_unlikely(d <= s->now))
		return stage_reset(t, d, s);
	heap_up(h, heap_index(h, &t->r_place),
	    (struct heap_entry){
		d, (uint32_t)s->hot.seq + 1, t->r_place & ~HEAP_PLACE });
	count_add(&s->count.moves, 1);
	return enqueued(s, t, d, d);
}

static rota_noinline int
fresh_coarse(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, struct rota_kind *k)
{
	return fresh_reset(t, d, s, k, ROTA_WHEEL_COARSE);
}

/* owner_reset() of what rota/inline.h could not leave where it is. Each way
 * is a function of its own: few registers to save. */
int
rota_timer_reset_unfiled(
    struct rota_timer *t, rota_time when, struct rota_kind *k)
{
	struct rota_shard *s = rota_container_of(
	    k->r_hot, struct rota_shard, hot);

	if (s->backend == ROTA_HEAP && (t->r_word & 14) == ST_LINKED &&
	    s->queue.heap.len < HEAP_SMALL)
		return heap_earlier(t, (uint64_t)when, s);
	if (t->r_word & 15)
		return stage_reset(t, (uint64_t)when, s);
	if (s->backend == ROTA_WHEEL)
		return fresh_reset(t, (uint64_t)when, s, k, ROTA_WHEEL);
	if (s->backend == ROTA_HEAP)
		return fresh_heap(t, (uint64_t)when, s, k);
	return fresh_coarse(t, (uint64_t)when, s, k);
}

static rota_noinline int
owner_other(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	return owner_reset(s, t, d, false, false, NULL);
}

/* owner_arm() into a slot that needs a chunk. */
static rota_noinline uint64_t
arm_chunk(
    struct rota_timer *t, uint64_t d, struct rota_shard *s, uint64_t slack)
{
	uint64_t when = d;

	SHARD_SWITCH(s,
	    when = backend_insert(&s->queue, BACKEND, &t->r_place, d,
		(uint32_t)s->hot.seq, slack));
	if (s->backend != ROTA_HEAP)
		wheel_ready(&s->queue.wheel, &t->r_place);
	return when;
}

/* owner_reset() of a shared timer: filed at once, with one compare-and-swap, if
 * it is neither filed nor queued, nor in a callback (then a release has to wait),
 * and is looked at by no poll under way. */
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
		return filed_first(s, t, d, 0);
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

/* A reset of @t, of kind @k. */
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

/* Why a stop that found @word did not prevent. False: look again. */
static rota_noinline bool
stop_lost(struct rota_shard *s, const struct rota_timer *t, uint64_t word,
    int *verdict)
{
	bool claimed = false;

	*verdict = ROTA_RUNNING;
	/* All seats: one may be claiming it, another still be in what it was
	 * armed for before. */
	for (int role = 0; role < ROLES; role++) {
		void *is = word_load(&s->running[role], acquire); /* [R1] */

		if (is == t)
			return true;
		claimed |= is == running_claiming(t);
	}
	/* About to be claimed, or just claimed: the word knows which. */
	if (claimed && !(word & ST_LINKED))
		return word_load(&t->r_word, acquire) == word; /* [P3] */
	*verdict = ROTA_NOT_PENDING;
	return true;
}

rota_inline int
stop(struct rota_timer *t, struct rota_kind *k, const bool traced)
{
	struct rota_shard *s;
	uint64_t was;
	int verdict;

	if (!object_owned(t, k, shard_of(k), "rota_timer_stop"))
		return -EPERM;
	do {
		was = state_stop(&t->r_word, kind_confined(k));
		/* Not before: who ended its arming is asked there. [P3] */
		s = shard_of(k);
		if (rota_likely(was & ST_ARMED)) {
			PROBE_STOP(t);
			if (traced)
				rota__trace(
				    s, k, t, ROTA_TRACE_STOP, was & ~ST_ARMED);
			if (rota_likely(word_load(&s->lock_owner, relaxed) ==
				self_id()))
				count_add(&s->hot.stops, 1);
			else
				word_add(&s->stops, (uint64_t)1,
				    relaxed); /* a figure */
			return ROTA_PREVENTED;
		}
	} while (!stop_lost(s, t, was, &verdict));
	return verdict;
}

static rota_noinline int
stop_unusual(struct rota_timer *t)
{
	struct rota_kind *k = kind_of(t);

	return k ? stop(t, k, true) : -EINVAL;
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

/* What a seat showed before a stop. */
struct seen {
	uint64_t ended;
	void *running;
};

static struct seen
role_seen(struct rota_shard *s, int role)
{
	struct seen now;

	/* In this order: what is seen to run had not ended by then. */
	now.ended = word_load(&s->ended[role], acquire);     /* [R2] */
	now.running = word_load(&s->running[role], acquire); /* [R1] */
	return now;
}

/* After a stop of @t: wait for the end of its callback on @seat, if one had
 * begun. It may give @t back meanwhile; @before, from before the stop, knows
 * the callback that did so to a former timer at that place. Once it is over the
 * seat may be taken by another, or by @t's next one. */
static void
role_wait(struct rota_shard *s, const struct rota_timer *t, int role,
    const struct seen *before)
{
	struct timespec nap = { 0, 1000 };
	struct seen first = role_seen(s, role);
	void *running = first.running;

	if (first.running == running_released(t) &&
	    first.running == before->running && first.ended == before->ended)
		return;
	while (running == t || running == running_claiming(t) ||
	    running == running_released(t)) {
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 1000000)
			nap.tv_nsec *= 2;
		running = word_load(&s->running[role], acquire); /* [R1] */
		if (word_load(&s->ended[role], acquire) !=
		    first.ended) /* [R2] */
			break;
	}
}

int
rota_timer_stop_sync(struct rota_timer *t)
{
	struct rota_kind *k;
	struct seen before[ROLES];
	struct rota_shard *s;
	int r, role;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t); /* its callback may release @t */
	if (!k)
		return -EINVAL;
	if (shard_forked(shard_of(k)))
		return -ECHILD; /* who runs it is the parent's */
	if (running_here(t))
		return rota__misuse_kind(
		    k, MISUSE_SYNC_INSIDE, -EDEADLK, __func__);
	s = shard_of(k);
	for (role = 0; role < ROLES; role++)
		before[role] = role_seen(s, role);
	r = rota_timer_stop_slow(t);
	if (r < 0)
		return r;
	if (rota_unlikely(shard_of(k) != s)) {
		/* No callback has stayed behind on a shard that retires. */
		s = shard_of(k);
		for (role = 0; role < ROLES; role++)
			before[role] = role_seen(s, role);
	}
	for (role = 0; role < ROLES; role++)
		role_wait(s, t, role, &before[role]);
	return r == ROTA_PREVENTED ? r : ROTA_NOT_PENDING;
}

/* @t is given back, maybe inside its own callback, and nobody else is in it:
 * a stop of the next timer at that place must not find this one running. */
rota_inline void
running_no_more(struct rota_shard *s, const struct rota_timer *t)
{
	for (int role = 0; role < ROLES; role++)
		if (word_load(&s->running[role], relaxed) == t) /* its own */
			word_store(&s->running[role], running_released(t),
			    release); /* [R1] */
}

int
rota_timer_release(struct rota_timer *t)
{
	struct rota_kind *k;
	const struct rota_kind *traced;
	struct rota_shard *s;
	bool owner, release, confined;
	enum state_release how;
	uint64_t was = 0, wake = 0;

	if (!object_call(t, __func__))
		return -EINVAL;
	k = kind_of(t);
	if (!k)
		return -EINVAL;
	traced = kind_traced(k) ? k : NULL; /* it may be gone afterwards */
	s = shard_of(k);
	if (shard_forked(s))
		return -ECHILD;
	if (!object_owned(t, k, s, __func__))
		return -EPERM;
	confined = kind_confined(k);
	owner = shard_trylock(s, &release);
	if (owner &&
	    running_elsewhere(s, t)) { /* then the inbox waits for it */
		if (release)
			shard_unlock(s);
		owner = release = false;
	}
	if (!owner && !k->released) /* an adopter keeps its owner waiting */
		return word_load(&s->attached, relaxed) == self_id()
		    ? -EAGAIN
		    : rota__misuse_kind(k, MISUSE_NO_RELEASED, -EINVAL,
			  __func__); /* only this thread stores it */
	if (owner && word_load(&t->r_word, relaxed) & ST_QUEUED)
		rota__shard_flush_staging(
		    s); /* it may be no more than staged */
	if (owner)
		how = state_release(
		    &t->r_word, true, confined, k->released != NULL, &was);
	else
		how = remote_release(&s->remote, &s->park, &t->r_word, t,
		    &t->r_link, &was, &wake);
	if (how != RELEASE_GONE && how != RELEASE_BUSY)
		PROBE_RELEASE(t);
	if (traced && how == RELEASE_FREE)
		rota__trace(s, traced, t, ROTA_TRACE_RELEASED,
		    was >> ST_SHIFT << ST_SHIFT);
	else if (traced && (how == RELEASE_WAIT || how == RELEASE_POST))
		rota__trace(s, traced, t, ROTA_TRACE_RELEASE,
		    (was & ~ST_ARMED) | ST_QUEUED | ST_RELEASE);
	if (how == RELEASE_FREE) {
		if (was & ST_LINKED) {
			shard_remove(s, t);
			shard_busy(s); /* the next poll shows it */
		}
		running_no_more(s, t);
		rota__shard_free(s, k, t);
		shard_freed(s);
	} else if (owner && how == RELEASE_WAIT) {
		/* Whoever is pushing it may do so for a later deadline. [K2] */
		word_add(&s->remote.kick, (uint64_t)1, seq_cst);
	} else if (!owner && how != RELEASE_GONE) {
		rota__shard_pushed(s, wake);
	}
	if (was & ST_ARMED) {
		if (owner)
			count_add(&s->hot.stops, 1);
		else
			word_add(&s->stops, (uint64_t)1, relaxed); /* figure */
	}
	if (release)
		shard_unlock(s);
	switch (how) {
	case RELEASE_GONE:
		return rota__misuse_kind(k, MISUSE_WAITS, -EINVAL, __func__);
	case RELEASE_BUSY:
		return -EAGAIN;
	case RELEASE_FREE:
		return 0;
	case RELEASE_WAIT:
	case RELEASE_POST:
		break;
	}
	return 1;
}

int
rota_timer_pending(const struct rota_timer *t)
{
	if (!object_call(t, __func__) || !kind_of(t))
		return -EINVAL;
	return (int)(word_load(&t->r_word, relaxed) & ST_ARMED);
}

rota_time
rota_timer_deadline(const struct rota_timer *t)
{
	uint64_t d;

	if (!object_call(t, __func__) || !kind_of(t))
		return -EINVAL;
	d = ST_DEADLINE(word_load(&t->r_word, relaxed));
	return d <= SHARD_LAST ? (rota_time)d : ROTA_NEVER;
}
