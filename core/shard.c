/* SPDX-License-Identifier: MIT
 *
 * shard.c - a shard's memory, its owners, its parking, its retirement, its
 * figures. Polling is in core/poll.c, the timers' operations in core/timer.c.
 */
#include "core/misuse.h"
#include "core/trace.h"

#include <errno.h>
#include <string.h>

_Thread_local struct rota_self rota__self
    __attribute__((tls_model("initial-exec")));

/* Growing asks for this many timers at a time beyond what was asked for
 * (arbitrary), so that few calls of rota_timer_init() come here. */
#define GROW_STEP 1024

static void *
shard_alloc(void *arg, size_t size, size_t align)
{
	struct rota_shard *s = arg;
	const struct rota_allocator *a = &s->config->allocator;
	void *p = a->alloc(a->arg, s->index, size, align);

	if (p)
		word_add(&s->bytes, size, relaxed); /* a figure */
	return p;
}

static void
shard_free(void *arg, void *ptr, size_t size)
{
	struct rota_shard *s = arg;
	const struct rota_allocator *a = &s->config->allocator;

	word_add(&s->bytes, (uint64_t)0 - size, relaxed); /* a figure */
	a->free(a->arg, s->index, ptr, size);
}

int
rota__shard_init(struct rota_shard *s)
{
	s->backend = s->config->backend;
	s->adoptable = s->config->flags & ROTA_ADOPT;
	s->now = (uint64_t)s->config->start;
	s->next = ST_NEVER;
	s->lead = s->backend == ROTA_HEAP ? UINT64_MAX : 0;
	s->slack_least = INT64_MAX;
	s->bytes = sizeof(*s);
	s->mem = (struct rota_mem){ shard_alloc, shard_free, s };
	if (rota__backend_init(
		&s->queue, s->backend, s->config->max_timers, s->now, &s->mem))
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	return 0;
}

void
rota__shard_destroy(struct rota_shard *s)
{
	rota__backend_destroy(&s->queue, s->backend, &s->mem);
	rota__wake_close(&s->wake);
	if (shard_forked(s)) {
		rota__life_bury(s->life);
		return;
	}
	rota__life_put(s->life);
	pthread_mutex_destroy(&s->lock);
}

/* Room for @n timers, which stays by itself for @reserved. */
static int
grow(struct rota_shard *s, uint64_t n, uint64_t reserved)
{
	uint64_t max = s->config->max_timers;
	int r = 0;

	if (n > max)
		return -ENOSPC;
	lock_take(&s->lock, LOCK_SHARD);
	if (n > word_load(&s->room, relaxed)) { /* written under the lock */
		n = n + GROW_STEP < max ? n + GROW_STEP : max;
		if (rota__backend_grow(&s->queue, s->backend, n, &s->mem))
			r = -ENOMEM;
		else
			word_store(&s->room, rota__shard_call_off(s, n),
			    release); /* rota_timer_init */
	}
	if (!r && reserved > s->reserved)
		s->reserved = reserved;
	rota__shard_below(s);
	lock_give(&s->lock);
	return r;
}

struct rota_shard *
rota__shard_lock(struct rota_kind *k)
{
	struct rota_shard *s;

	for (;;) { /* a retirement stores it under this lock */
		s = shard_of(k);
		lock_take(&s->lock, LOCK_SHARD);
		if (rota_likely(shard_of(k) == s))
			return s;
		lock_give(&s->lock);
	}
}

void
rota__shard_slack(struct rota_kind *k)
{
	struct rota_shard *s = rota__shard_lock(k);

	shard_slack(s, (uint64_t)k->slack);
	lock_give(&s->lock);
}

int
rota__shard_grow(struct rota_shard *s, uint64_t n)
{
	return grow(s, n, 0);
}

int
rota_shard_reserve(struct rota_shard *s, uint64_t n)
{
	uint64_t had;
	int r;

	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	had = word_load(&s->timers, relaxed); /* a snapshot */
	r = n > s->config->max_timers ? -ENOSPC : grow(s, n + had, n + had);
	if (r == -ENOSPC)
		rota__misuse_once(s, MISUSE_RESERVE,
		    "rota_shard_reserve(): shard %u has %llu timers and room "
		    "for config.max_timers, %llu: raise that",
		    s->index, (unsigned long long)had,
		    (unsigned long long)s->config->max_timers);
	return r;
}

/* What an inbox gave, last come first, turned round. */
static struct rota_timer *
reversed(struct rota_timer *t)
{
	struct rota_timer *first = NULL, *next;

	for (; t; t = next) {
		next = t->r_link;
		t->r_link = first;
		first = t;
	}
	return first;
}

/* Push the list @t on @heir's inbox, in its order. */
static void
forward_inbox(struct rota_timer *t, struct rota_shard *target)
{
	struct rota_timer *next;

	for (; t; t = next) {
		next = t->r_link;
		inbox_push(&target->remote.inbox, t, &t->r_link);
	}
}

struct rota_shard *
rota__shard_send(struct rota_shard *s, struct rota_timer *t,
    struct rota_kind *to, uint64_t is, uint64_t *wake)
{
	struct rota_shard *there = rota__shard_lock(to);
	uint64_t poke;

	if ((is & (ST_ARMED | ST_LINKED)) == ST_ARMED) { /* figures */
		word_add(&s->inherited, (uint64_t)0 - 1, relaxed);
		word_add(&there->inherited, (uint64_t)1, relaxed);
	}
	poke = word_load(&there->remote.kick, relaxed); /* [K2] */
	*wake = remote_post(&there->remote, &there->park, t, &t->r_link,
	    is & ST_ARMED ? kind_latest(to, ST_DEADLINE(is)) : 0, poke);
	lock_give(&there->lock);
	return there;
}

/* park_wakes() has said @wake. */
static void
shard_wake(struct rota_shard *s, uint64_t wake)
{
	word_add(&s->wakes, (uint64_t)1, relaxed); /* a figure */
	rota_shard_wake(s);
	park_woken(&s->park, wake);
}

/* A push that comes after retire's exchange of the inbox reads what the
 * exchange wrote, so it sees the heir, which was stored before. The poke is for
 * who pushes on the heir's inbox what the caller found QUEUED here. [K2] */
void
rota__shard_pushed(struct rota_shard *s, uint64_t wake)
{
	struct rota_shard *target = word_load(&s->target, acquire);

	if (rota_unlikely(target != NULL)) {
		forward_inbox(reversed(inbox_take(&s->remote.inbox)), target);
		word_add(&target->remote.kick, (uint64_t)1, seq_cst); /* [K2] */
		rota__shard_pushed(target, park_wakes(&target->park, 0));
		return;
	}
	if (wake)
		shard_wake(s, wake);
}

void
rota__shard_came(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	const struct rota_kind *k = kind_unchecked(t);

	if (kind_confined(k))
		t->r_key = d;
	if (s->backend == ROTA_WHEEL_COARSE)
		d = backend_tick(s->backend, d, (uint64_t)k->slack)
		    << WHEEL_TICK_BITS;
	if (d < s->idle_until) {
		s->idle_until = d > s->now ? d : 0;
		shard_set_heed(s);
	}
}

void
rota__shard_alarm(struct rota_shard *s)
{
	uint64_t alarm = word_load(&s->alarm, relaxed); /* its own */
	uint64_t wake = park_wakes(&s->park, alarm - 1);

	word_store(&s->alarm, (uint64_t)0, relaxed);
	if (wake) /* else another thread was first */
		shard_wake(s, wake);
}

void
rota__shard_publish_next(struct rota_shard *s, uint64_t next)
{
	uint64_t wake;

	if (!next) /* a slot half drained: due, that is all */
		next = word_load(&s->now, relaxed);
	word_store(&s->next, next, seq_cst); /* [K3] */
	wake = park_wakes(&s->park, next);
	if (rota_unlikely(wake))
		shard_wake(s, wake);
}

void
rota__shard_free(
    struct rota_shard *s, struct rota_kind *k, struct rota_timer *t)
{
	object_free(t);
	word_store(&t->r_kind, (uintptr_t)0, relaxed);    /* kind_of */
	word_add(&s->timers, (uint64_t)0 - 1, relaxed);   /* a count */
	word_add(&k->r_timers, (uint64_t)0 - 1, release); /* kind_release */
}

/* Modulo: it may be below 0. */
static uint64_t
own_live(const struct rota_shard *s)
{
	/* A snapshot of figures: what lowers it first. */
	uint64_t gone = word_load(&s->stops, relaxed) +
	    word_load(&s->hot.stops, relaxed) +
	    word_load(&s->count.fires, relaxed);
	uint64_t came = word_load(&s->starts, relaxed) +
	    word_load(&s->hot.starts, relaxed) +
	    word_load(&s->inherited, relaxed);

	return came - gone;
}

uint64_t
rota__shard_live(const struct rota_shard *s)
{
	uint64_t live = own_live(s);

	return (int64_t)live > 0 ? live : 0;
}

/* With what calls that a retirement overtook have counted where the timers had
 * been. Exact when no call is under way. */
static uint64_t
live_exact(struct rota_shard *s)
{
	uint64_t live = 0;

	if (word_load(&s->target, acquire)) /* rota__shard_pushed */
		return 0;
	for (struct rota_shard *f = s; f; f = shard_former(s, f))
		live += own_live(f);
	return (int64_t)live > 0 ? live : 0;
}

/* Walks everything; the caller has the shard for itself. */
uint64_t
rota__shard_drop(struct rota_shard *s, uint64_t *lost)
{
	const struct rota_config *c = s->config;
	struct backend_cursor cursor = { 0, 0, 0 };
	uint64_t dropped = 0;
	uint32_t *item;
	int pending;

	while ((item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);

		if (object_lost(s, t)) /* it told of that */
			continue;
		pending = rota_timer_pending(t);
		*lost += pending < 0;
		if (pending <= 0)
			continue;
		dropped++;
		if (c->leak)
			c->leak(
			    c->leak_arg, kind_of(t), t, rota_timer_deadline(t));
	}
	return dropped;
}

rota_time
rota__shard_next(struct rota_shard *s)
{
	uint64_t next = ST_NEVER;

	if (s->taken || s->backlog || !inbox_empty(&s->remote.inbox))
		return (rota_time)word_load(&s->now, relaxed);
	/* A wheel's slot may begin before what is in it is due: core/front.c. */
	if (s->backend != ROTA_HEAP && s->idle_until > s->now)
		next = s->idle_until;
	else
		SHARD_SWITCH(s,
		    next = backend_next(&s->queue, (enum rota_backend)BACKEND));
	return next <= SHARD_LAST ? (rota_time)next : ROTA_NEVER;
}

/* 0 if the caller, in @fn, is the owner and may go on. */
rota_inline int
owner_check(const struct rota_shard *s, const char *fn)
{
	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return rota__misuse_shard(s, -ECHILD, fn);
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_shard(
		    s, -EPERM, fn); /* only this thread stores its identity */
	/* running: through a callback of another shard as well */
	if (rota__self.shard == s ||
	    word_load(&s->running[ROLE_OWNER], relaxed)) /* by this thread */
		return rota__misuse_shard(s, -EDEADLK, fn);
	object_home((struct rota_shard *)s);
	return 0;
}

/* The thread that was called on @seat has ended in its callback. */
static void
callback_over(struct rota_shard *s, enum shard_role role)
{
	if (!word_load(&s->running[role], relaxed)) /* by that thread */
		return;
	word_store(&s->ended[role], word_load(&s->ended[role], relaxed) + 1,
	    release);                                 /* [R2] */
	word_store(&s->running[role], NULL, release); /* [R1] */
}

/* A `fire` is called between two steps of a poll, and the next poll goes on
 * from there. A walk (core/each.c) has changed nothing, but has hold. A `released`
 * is called in the middle of a poll. */
static void
self_ended(struct rota_shard *s, enum shard_role role)
{
	void *running = word_load(&s->running[role], relaxed); /* its own */

	if (!running)
		word_store(&s->abandoned, (uint64_t)1, release); /* attach */
	callback_over(s, role);
	if (running == s)
		rota__shard_exit(s);
	if (role == ROLE_ADOPTER)
		word_store(&s->adopter, (uint64_t)0, release); /* [H1] */
	if (s->adoptable)
		rota_shard_wake(s); /* who polls may wait for this end */
}

void
rota__shard_ended(void)
{
	struct rota_self me = rota__self, before;

	rota__self.shard = NULL;
	for (; me.shard; me = before) {
		before = *me.before; /* the seat may be taken afterwards */
		self_ended(me.shard, me.role);
	}
}

/* The caller becomes the owner, after one that has ended, or none. Under the
 * lock. */
static void
take(struct rota_shard *s)
{
	struct near *n = near_find(s->number);

	callback_over(s, ROLE_OWNER);
	shard_unpark(s);
	if (!s->adoptable)
		word_store(
		    &s->lock_owner, self_id(), relaxed); /* read by itself */
	word_store(&s->attached, self_id(), relaxed); /* the lock orders it */
	if (n && !n->owned++)
		n->own = s->index;
}

/* As rota_shard_attach(), but nothing is said. */
static int
attach(struct rota_shard *s)
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
	r = attach(s);
	return r ? rota__misuse_shard(s, r, __func__) : 0;
}

void
rota__shard_leave(struct rota_shard *s)
{
	struct near *n = near_find(s->number);
	struct life *life;

	callback_over(s, ROLE_OWNER);
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
		n->engine = 0; /* it will look for another */
}

int
rota_shard_detach(struct rota_shard *s)
{
	int r = owner_check(s, __func__);

	if (!r)
		rota__shard_leave(s);
	return r;
}

/* Of a shard that has retired: nothing is filed here any more. What a push
 * that began before has left in the inbox is the heir's. */
static rota_noinline int
poll_retired(struct rota_shard *s, unsigned *n)
{
	if (n)
		*n = 0;
	if (!inbox_empty(&s->remote.inbox))
		rota__shard_pushed(s, 0);
	/* A poll that lost hold before may have stored a hint. */
	word_store(&s->next, ST_NEVER, relaxed);
	return 0;
}

/* Take hold for a poll; shard_trylock()'s release is not optional here. */
static int
poll_begin(struct rota_shard *s)
{
	if (!s->adoptable || claim_word(&s->lock_owner))
		return 0;
	/* For good, then. */
	return word_load(&s->abandoned, relaxed) ? -ENOTRECOVERABLE : -EBUSY;
}

/* A poll by the holder. */
rota_inline int
poll_held(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	if (rota_unlikely(word_load(&s->target, acquire) != NULL))
		return poll_retired(s, n);
	return rota__shard_poll(s, role, now, budget, out, n);
}

/* A poll of a shard that others may adopt. */
static rota_noinline int
poll_on(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	int r = poll_begin(s);

	if (r)
		return r;
	shard_freed(s); /* others may have taken counts back */
	r = poll_held(s, role, now, budget, out, n);
	if (word_load(&s->lock_owner, relaxed) == self_id())
		shard_unlock(s);
	else /* it lost hold and knows only that something may be left */
		word_store(&s->next, word_load(&s->now, relaxed),
		    relaxed); /* a hint */
	return r;
}

/* A poll that has nothing to do but to come to @now. */
rota_inline void
poll_idle(struct rota_shard *s, rota_time now)
{
	uint64_t tick = shard_advance(s, now) >> WHEEL_TICK_BITS;

	struct wheel *w = &s->queue.wheel;

	/* A slot that has begun may be quiet: core/front.c. */
	if (s->backend != ROTA_HEAP)
		wheel_advance(
		    w, tick < w->next_expiry ? tick : w->next_expiry - 1);
}

static rota_noinline int
poll_owned(struct rota_shard *s, rota_time now, unsigned budget,
    struct rota_timer **out, unsigned *n)
{
	int r = owner_check(
	    s, out ? "rota_shard_poll_batch" : "rota_shard_poll");

	if (r)
		return r;
	object_now(s, now);
	shard_unpark(s);
	wake_clear(&s->wake);
	if (s->adoptable)
		return poll_on(s, ROLE_OWNER, now, budget, out, n);
	if (shard_idle(s, now)) {
		poll_idle(s, now);
		if (n)
			*n = 0;
		return 0;
	}
	return poll_held(s, ROLE_OWNER, now, budget, out, n);
}

/* A quiet shard is the owner's outside of polls: `idle_until` is 0 during one. */
int
rota_shard_poll(struct rota_shard *s, rota_time now, unsigned budget)
{
	if (rota_unlikely(!s || s->adoptable || shard_forked(s) ||
		word_load(&s->attached, relaxed) != self_id() ||
		!shard_idle(s, now) || wake_raised(&s->wake)))
		return poll_owned(s, now, budget, NULL, NULL);
	shard_unpark(s);
	poll_idle(s, now);
	return 0;
}

int
rota_shard_poll_batch(struct rota_shard *s, rota_time now, unsigned budget,
    struct rota_timer **out, unsigned n)
{
	int r;

	if (!out || !n)
		return -EINVAL;
	r = poll_owned(s, now, budget, out, &n);
	return r < 0 ? r : (int)n;
}

int
rota_shard_adopt(struct rota_shard *s, rota_time now, unsigned budget)
{
	int r;

	if (!s)
		return -EINVAL;
	if (!s->adoptable)
		return rota__misuse_shard(s, -EOPNOTSUPP, __func__);
	if (shard_forked(s))
		return rota__misuse_shard(s, -ECHILD, __func__);
	if (rota__self.shard == s)
		return rota__misuse_shard(s, -EDEADLK, __func__);
	r = rota__self_watch();
	if (r)
		return r;
	if (!claim_word(&s->adopter))
		return -EBUSY;
	r = poll_on(s, ROLE_ADOPTER, now, budget, NULL, NULL);
	if (r >= 0)
		word_add(&s->adopted, (uint64_t)1, relaxed); /* a figure */
	word_store(&s->adopter, (uint64_t)0, release);       /* [H1] */
	return r;
}

rota_span
rota_shard_overdue(struct rota_shard *s, rota_time now)
{
	rota_time next;

	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	next = (rota_time)word_load(&s->next, relaxed); /* a hint */
	if (!inbox_empty(&s->remote.inbox) &&
	    (rota_time)word_load(&s->now, relaxed) < next)
		next = (rota_time)word_load(&s->now, relaxed);
	return next < now ? now - next : 0;
}

rota_time
rota_shard_next(struct rota_shard *s)
{
	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_shard(s, -EPERM, __func__);
	if (s->adoptable) {
		/* Another may hold it; what the last poll left is true until
		 * something arrives, and what arrives is in the inbox. */
		if (!inbox_empty(&s->remote.inbox))
			return rota_shard_now(s);
		return (rota_time)word_load(&s->next, relaxed);
	}
	rota__shard_flush(s);
	shard_freed(s); /* others may have taken counts back */
	return rota__shard_next(s);
}

/* Is a timer armed for before @before? Entries of stopped ones are taken out up
 * to there. What rises above one that goes has been passed over: @again. */
static bool
armed_before(struct rota_shard *s, uint64_t before, bool *again)
{
	struct backend_cursor cursor = { 0, 0, 0 };
	uint32_t *item;

	*again = false;
	while ((item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);
		struct rota_kind *k = kind_unchecked(t);
		uint64_t is;

		if (state_keep(&t->r_word, kind_confined(k), &is)) {
			if (ST_DEADLINE(is) < before)
				return true;
			continue;
		}
		backend_unvisit(&cursor, item);
		trace(s, k, t, ROTA_TRACE_DROP, is);
		shard_remove(s, t);
		count_add(&s->count.swept, 1);
		*again = true;
	}
	return false;
}

int
rota__shard_enter(struct rota_shard *s, const char *fn)
{
	int r = owner_check(s, fn);

	if (!r)
		r = poll_begin(s);
	if (r)
		return r;
	if (rota_unlikely(word_load(&s->target, acquire) != NULL))
		return poll_retired(s, NULL);
	rota__shard_drain(s);
	rota__shard_flush(s);
	return 0;
}

void
rota__shard_exit(struct rota_shard *s)
{
	shard_publish_entries(s);
	/* Of what came out of the inbox no adopter hears otherwise, nor the
	 * owner when it parks. */
	shard_publish_next(s, (uint64_t)rota__shard_next(s));
	if (s->adoptable)
		shard_unlock(s);
}

int
rota_shard_armed(struct rota_shard *s, rota_time before)
{
	bool found, again = false;
	int r = rota__shard_enter(s, __func__);

	if (r)
		return r;
	do /* a walk passes over no more than it takes out: at most log2 */
		found = before > 0 &&
		    armed_before(s,
			(uint64_t)before <= SHARD_LAST ? (uint64_t)before
						       : SHARD_LAST + 1,
			&again);
	while (!found && again);
	rota__shard_exit(s);
	return found;
}

rota_time
rota_shard_now(const struct rota_shard *s)
{
	return s ? (rota_time)word_load(&s->now, relaxed) : -EINVAL;
}

/* @next as an instant that a sleep may end at. */
rota_inline uint64_t
instant(rota_time next)
{
	return (uint64_t)next <= SHARD_LAST ? (uint64_t)next : SHARD_LAST + 1;
}

/* rota_shard_park(), in @fn. */
static rota_time
park(struct rota_shard *s, const char *fn)
{
	rota_time next, first;
	uint64_t alarm, quiet;
	int r = owner_check(s, fn);

	if (r)
		return r;
	next = first = rota_shard_next(s); /* it files what is staged */
	if (!s->adoptable)
		next = rota__shard_front(s, &first);
	/* What is armed for never wakes nobody. */
	alarm = instant(next);
	quiet = instant(first);
	word_store(&s->alarm, alarm, relaxed); /* its own */
	if (!s->adoptable && s->idle_until < quiet) {
		if (!s->idle_until)
			shard_busy(s); /* a poll may have work all the same */
		s->idle_until = quiet;
	}
	if (!s->adoptable) /* else an adopter may be at it */
		shard_set_heed(s);
	park_enter(&s->park, alarm);
	if (inbox_empty(&s->remote.inbox) &&
	    next > (rota_time)word_load(&s->now, relaxed) && !shard_trims(s) &&
	    !(s->adoptable &&
		(rota_time)word_load(&s->next, seq_cst) < next)) { /* [K3] */
		PROBE_PARK(s->index, next);
		return next;
	}
	shard_unpark(s);
	return 0;
}

rota_time
rota_shard_park(struct rota_shard *s)
{
	return park(s, __func__);
}

int
rota_shard_wait(struct rota_shard *s, rota_time limit)
{
	if (!s)
		return -EINVAL;
	if (s->config->clock != ROTA_CLOCK_MONOTONIC &&
	    s->config->clock != ROTA_CLOCK_BOOTTIME)
		return rota__misuse_shard(s, -EOPNOTSUPP, __func__);
	return rota__shard_wait(s, limit);
}

int
rota__shard_open(struct rota_shard *s)
{
	int r = rota__wake_open(&s->wake);

	if (r >= 0 && s->config->clock == ROTA_CLOCK_BOOTTIME)
		r = rota__wake_alarm(&s->wake);
	return r < 0 ? r : 0;
}

/* Until @until, which is not past. */
static int
sleep_on(struct rota_shard *s, rota_time until, rota_time now)
{
	enum rota_clock clock = s->config->clock;

	if (until >= ROTA_NEVER || clock == ROTA_CLOCK_VIRTUAL)
		return rota__wake_sleep(&s->wake, -1);
	if (clock == ROTA_CLOCK_BOOTTIME)
		return rota__wake_sleep_until(
		    &s->wake, rota__clock_at(s->clock, until));
	return rota__wake_sleep(&s->wake, until - now);
}

int
rota__shard_wait(struct rota_shard *s, rota_time limit)
{
	rota_time until, now;
	int r;

	if (shard_forked(s))
		return -ECHILD;
	r = rota__shard_open(s);
	if (r)
		return r;
	until = park(s, "rota_shard_wait");
	if (until <= 0)
		return (int)until;
	if (limit < until)
		until = limit;
	now = rota__clock_read(s->clock);
	r = until > now ? sleep_on(s, until, now) : 0;
	shard_unpark(s);
	return r;
}

int
rota_shard_fd(struct rota_shard *s)
{
	if (!s)
		return -EINVAL;
	return shard_forked(s) ? -ECHILD : rota__wake_open(&s->wake);
}

int
rota_shard_wake(struct rota_shard *s)
{
	const struct rota_config *c;

	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD; /* the descriptor is the parent's, too */
	PROBE_WAKE(s->index);
	c = s->config;
	if (c->wake)
		c->wake(c->wake_arg, s);
	rota__wake_signal(&s->wake);
	return 0;
}

/* The first @n of *@list, which moves on past them, in the order of their
 * ranks. */
static struct rota_timer *
by_seq(struct rota_timer **list, uint64_t n)
{
	struct rota_timer *a, *b, *t;
	void *first = NULL, **end = &first;

	if (n < 2) {
		a = *list;
		if (a) {
			*list = a->r_link;
			a->r_link = NULL;
		}
		return a;
	}
	a = by_seq(list, n / 2);
	b = by_seq(list, n - n / 2);
	while (a && b) {
		t = seq_before(b->r_seq, a->r_seq) ? b : a;
		if (t == a)
			a = t->r_link;
		else
			b = t->r_link;
		*end = t;
		end = &t->r_link;
	}
	*end = a ? a : b;
	return first;
}

/* Timers by how many armings ago they were armed: one for each of the first
 * 128, then 64 for each power of two. So the sort of each stays in the cache,
 * and a retirement of 1e6 takes half as long. */
enum { RANK_FINE = 6, RANK_ROOMS = (32 - RANK_FINE + 1) << RANK_FINE };
struct seq_room {
	struct rota_timer *list;
	uint64_t n;
};

static unsigned
seq_room(uint32_t ago)
{
	unsigned e = ago >> RANK_FINE ? high_bit(ago) - RANK_FINE : 0;

	return (e << RANK_FINE) + (ago >> e);
}

/* All in @room, a list in the order of their ranks. */
static struct rota_timer *
by_rooms(struct seq_room *room)
{
	struct rota_timer *all = NULL, *first, *t;

	for (unsigned i = 0; i < RANK_ROOMS; i++) {
		if (!room[i].n)
			continue;
		first = by_seq(&room[i].list, room[i].n);
		for (t = first; t->r_link; t = t->r_link)
			;
		t->r_link = all;
		all = first;
	}
	return all;
}

/* Take out all that is filed: a list of what is armed, in the order of its
 * arming, each QUEUED. The caller holds @s. Before anybody hears of the heir:
 * it would look for what is still LINKED here in its own structure. */
static struct rota_timer *
unlink_all(struct rota_shard *s)
{
	struct backend_cursor cursor = { 0, 0, 0 };
	struct seq_room room[RANK_ROOMS] = { { NULL, 0 } }, *r;
	uint32_t *item, now = (uint32_t)word_load(&s->hot.seq, relaxed);
	struct rota_timer *t;
	uint64_t is;
	bool push;

	while ((item = backend_visit(&s->queue, &cursor))) {
		t = timer_of(item);
		if (object_lost(s, t))
			continue;
		backend_unvisit(&cursor, item);
		shard_remove(s, t);
		push = state_migrate(&t->r_word, &is);
		trace(s, kind_unchecked(t), t,
		    is & ST_ARMED ? ROTA_TRACE_EVICT : ROTA_TRACE_DROP, is);
		if (!push)
			continue;
		r = &room[seq_room(seq_after(now, t->r_seq))];
		t->r_link = r->list;
		r->list = t;
		r->n++;
	}
	return by_rooms(room);
}

/* Give all that @s has to @heir, but what has to be pushed on that one's inbox:
 * *@list. The caller holds @s, which is settled; no other shard of the engine
 * retires meanwhile. */
static int
hand_over(
    struct rota_shard *s, struct rota_shard *target, struct rota_timer **list)
{
	struct rota_kind *k, **end;
	uint64_t live, moving, n;
	int r;

	/* Stored under the lock. */
	if (word_load(&s->target, relaxed) ||
	    word_load(&target->target, relaxed))
		return -EINVAL;
	word_store(&s->closing, s, seq_cst);     /* [C1] */
	moving = word_load(&s->timers, seq_cst); /* [C1] */
	/* Counted there before there is room, or an init takes that. */
	n = word_add(&target->timers, moving, seq_cst) + moving; /* [X1] */
	/* As in rota_timer_init(). [X1] */
	r = n > word_load(&target->room, seq_cst) ? rota__shard_grow(target, n)
						  : 0;
	if (r) {
		word_add(&target->timers, (uint64_t)0 - moving, relaxed);
		word_store(&s->closing, NULL, relaxed); /* as it was */
		return r;
	}
	word_store(&s->closing, target, seq_cst); /* [C1] */
	*list = unlink_all(s);
	lock_take(&s->lock, LOCK_SHARD);
	lock_take(&target->lock, LOCK_SHARD);
	/* Under the engine's lock. */
	word_store(&s->sibling, word_load(&target->former, relaxed), relaxed);
	word_store(&s->target, target, release); /* rota__shard_pushed */
	word_store(&target->former, s, release); /* shard_former */
	rota__shard_below(s);
	for (k = s->kinds; k; k = k->r_next) {
		k->r_hot = &target->hot;
		word_store(&k->r_shard, target, release); /* shard_of */
	}
	for (end = &target->kinds; *end; end = &(*end)->r_next)
		;
	*end = s->kinds;
	if (s->kinds)
		s->kinds->r_prev = end;
	s->kinds = NULL;
	if (word_load(&s->slack_least, relaxed) <=
	    word_load(&s->slack_most, relaxed)) { /* it had a timer */
		shard_slack(target, word_load(&s->slack_least, relaxed));
		shard_slack(target, word_load(&s->slack_most, relaxed));
	}
	/* With an init's that will take its own back. */
	word_add(&target->timers,
	    word_swap(&s->timers, (uint64_t)0, seq_cst) - moving, /* [C1] */
	    relaxed);
	live = own_live(s);
	word_add(&target->inherited, live, relaxed); /* figures */
	word_add(&s->inherited, (uint64_t)0 - live, relaxed);
	lock_give(&target->lock);
	lock_give(&s->lock);
	return 0;
}

int
rota_shard_retire(struct rota_shard *s, struct rota_shard *target)
{
	struct rota_timer *list;
	bool mine;
	int r;

	if (!s || !target)
		return -EINVAL;
	if (s == target || s->engine != target->engine ||
	    word_load(&s->target, relaxed) ||
	    word_load(&target->target, relaxed)) {
		rota__misuse_once(s, MISUSE_RETIRE,
		    "rota_shard_retire(): shard %u to shard %u: two shards of "
		    "one engine are needed, none of which has retired",
		    s->index, target->index);
		return -EINVAL; /* hand_over() asks again */
	}
	mine = word_load(&s->attached, relaxed) == self_id();
	r = mine ? owner_check(s, __func__) : attach(s);
	if (r == -EBUSY)
		return rota__misuse_shard(s, -EPERM, __func__);
	if (r)
		return r;
	r = poll_begin(s);
	if (r)
		goto out;
	if (word_load(&s->running[ROLE_ADOPTER], acquire)) { /* [R1] */
		r = -EBUSY;
		goto out;
	}
	rota__shard_flush(s); /* it may call `released`: without a mutex */
	lock_take(s->retiring, LOCK_RETIRING);
	r = hand_over(s, target, &list);
	lock_give(s->retiring);
	if (r)
		goto out;
	/* It ranks them as they come; what is not turned round yet came before
	 * what is. */
	forward_inbox(list, target);
	forward_inbox(reversed(s->taken), target);
	forward_inbox(s->backlog, target);
	s->backlog = s->taken = NULL;
	rota__shard_pushed(s, 0);
	shard_publish_entries(s);
	word_store(&s->next, ST_NEVER, relaxed);
out:
	if (s->adoptable && word_load(&s->lock_owner, relaxed) == self_id())
		shard_unlock(s);
	if (!mine)
		rota_shard_detach(s);
	return r;
}

/* The holder ranks its own resets and what it drains: the rest of what it
 * @ranked were pushes. Others may have come since that are none: then these are
 * too few, and as many as were told before. */
static uint64_t
told_pushes(struct rota_shard *s, uint64_t ranked)
{
	uint64_t traced = word_load(&s->told, relaxed); /* the CAS checks it */
	uint64_t n = ranked - word_load(&s->count.drained, relaxed) -
	    word_load(&s->hot.starts, relaxed); /* [F1]: at most too many */

	while ((int64_t)(n - traced) > 0 &&
	    !word_cas(&s->told, &traced, n, relaxed, relaxed)) /* a figure */
		;
	return (int64_t)(n - traced) > 0 ? n : traced;
}

int
rota_shard_stat(struct rota_shard *s, struct rota_stats *out)
{
	struct shard_count *c;
	uint64_t ranked;
	bool release;

	if (!s || !out)
		return -EINVAL;
	if (shard_forked(s))
		return -ECHILD;
	if (shard_trylock(s, &release)) {
		shard_publish_entries(s);
		if (release)
			shard_unlock(s);
	}
	c = &s->count;
	ranked = word_load(&s->hot.seq, acquire); /* [F1] */
#define FIGURE(p) word_load((p), relaxed)         /* a snapshot */
	*out = (struct rota_stats){
		.starts = FIGURE(&s->hot.starts) + FIGURE(&s->starts),
		.pushes = told_pushes(s, ranked) + FIGURE(&s->pushes),
		.stops = FIGURE(&s->hot.stops) + FIGURE(&s->stops),
		.fires = FIGURE(&s->count.fires),
		.live = live_exact(s),
		.timers = FIGURE(&s->timers),
		.entries = FIGURE(&s->entries),
		.inserts = FIGURE(&c->inserts),
		.moves = FIGURE(&c->moves),
		.dropped = FIGURE(&c->dropped),
		.swept = FIGURE(&c->swept),
		.drained = FIGURE(&s->count.drained),
		.polls = FIGURE(&c->polls),
		.steps = FIGURE(&c->steps),
		.adopted = FIGURE(&s->adopted),
		.wakes = FIGURE(&s->wakes),
		.late_max = FIGURE(&c->late_max),
		.late_sum = FIGURE(&c->late_sum),
		.bytes = FIGURE(&s->bytes),
	};
#undef FIGURE
	out->zombies = out->entries > out->live ? out->entries - out->live : 0;
	return 0;
}

static int
check(struct rota_shard *s)
{
	struct backend_cursor cursor = { 0, 0, 0 };
	uint32_t *item;
	int line;

	rota__shard_flush(s);
	lock_take(&s->lock, LOCK_SHARD); /* an init may make room */
	line = rota__backend_check(&s->queue, s->backend);
	lock_give(&s->lock);
	while (!line && (item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);
		uint64_t w;

		if (!object_there(t))
			return __LINE__;
		if (!kind_of(t) || shard_of(kind_of(t)) != s)
			return __LINE__;
		w = word_load(&t->r_word, relaxed);
		if (!(w & ST_LINKED))
			return __LINE__;
		if (kind_confined(kind_of(t)) &&
		    s->backend != ROTA_WHEEL_COARSE &&
		    t->r_key < backend_key(&s->queue, s->backend, item))
			return __LINE__;
		if (kind_confined(kind_of(t)) &&
		    (w & (ST_ARMED | ST_QUEUED)) == ST_ARMED &&
		    t->r_key > ST_DEADLINE(w))
			return __LINE__;
	}
	return line;
}

int
rota_shard_check(struct rota_shard *s)
{
	bool held;
	int line = owner_check(s, __func__);

	if (line && line != -EDEADLK)
		return line;
	held = word_load(&s->lock_owner, relaxed) == self_id(); /* its own */
	line = held ? 0 : poll_begin(s);
	if (line)
		return line;
	line = check(s);
	if (!held)
		shard_unlock(s);
	return line;
}
