/* SPDX-License-Identifier: MIT
 *
 * shard.c - a shard's memory, its counts, and what wakes its owner.
 *
 * Invariant  the blocks for `room` timers are there. `room` grows under the
 *            shard's lock, and is stored once they are.
 * Threads    any may make room, push and wake; the rest is the lock owner's.
 */
#include "core/shard.h"

#include <errno.h>
#include <string.h>

/* Growing makes room for this many timers more than were asked for (arbitrary),
 * so that few calls of rota_timer_init() come here. */
#ifndef GROW_STEP /* else relacy leaves no room to spare */
#define GROW_STEP 1024
#endif

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
	s->early_from = s->backend == ROTA_HEAP ? UINT64_MAX : 0;
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

int
rota__shard_reserve(struct rota_shard *s, uint64_t n, uint64_t reserved)
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

	for (;;) { /* a retirement changes it under this lock */
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
	return rota__shard_reserve(s, n, 0);
}

struct rota_shard *
rota__shard_send(struct rota_shard *s, struct rota_timer *t,
    struct rota_kind *to, uint64_t is, uint64_t *wake)
{
	struct rota_shard *there = rota__shard_lock(to);
	uint64_t kicks;

	if ((is & (ST_ARMED | ST_LINKED)) == ST_ARMED) { /* figures */
		word_add(&s->inherited, (uint64_t)0 - 1, relaxed);
		word_add(&there->inherited, (uint64_t)1, relaxed);
	}
	kicks = word_load(&there->remote.kick, relaxed); /* [K2] */
	*wake = remote_post(&there->remote, &there->park, t, &t->r_link,
	    is & ST_ARMED ? kind_latest(to, ST_DEADLINE(is)) : 0, kicks);
	lock_give(&there->lock);
	return there;
}

/* Wake the owner from sleep @wake, which park_wakes() returned. */
static void
shard_wake(struct rota_shard *s, uint64_t wake)
{
	word_add(&s->wakes, (uint64_t)1, relaxed); /* a figure */
	rota_shard_wake(s);
	park_woken(&s->park, wake);
}

/* A push that comes after retire's exchange of the inbox reads what the
 * exchange wrote, so it sees the target, which was stored before. */
void
rota__shard_pushed(struct rota_shard *s, uint64_t wake)
{
	struct rota_shard *target = word_load(&s->target, acquire);

	if (rota_unlikely(target != NULL)) {
		rota__shard_forward(s, target);
		return;
	}
	if (wake)
		shard_wake(s, wake);
}

void
rota__shard_came(struct rota_shard *s, struct rota_timer *t, uint64_t d)
{
	const struct rota_kind *k = kind_unchecked(t);

	/* A heap's entry may be before @d, and its key has to say so. */
	if (kind_confined(k) && s->backend != ROTA_HEAP)
		t->r_key = d;
	d = backend_instant(s->backend, d, (uint64_t)k->slack);
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

	/* A slot is half drained, or a `released` armed what is still staged,
	 * and a poll enqueues that: due, at no known instant. (The caller may
	 * have claimed a timer: nothing is enqueued here, or another `released`
	 * might run, and release that timer.) */
	if (!next || s->staging_len)
		next = word_load(&s->now, relaxed);
	wake = park_publish(&s->park, &s->next, next);
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

void
rota__shard_uninit(struct rota_kind *k, struct rota_timer *t)
{
	/* A shard that retires hands its counts over under the lock. */
	struct rota_shard *s = rota__shard_lock(k);

	rota__shard_free(s, k, t);
	lock_give(&s->lock);
}

uint64_t
rota__shard_own_live(const struct rota_shard *s)
{
	/* A snapshot. What lowers the result is read first. */
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
	uint64_t live = rota__shard_own_live(s);

	return (int64_t)live > 0 ? live : 0;
}

/* No other thread uses the shard. */
uint64_t
rota__shard_drop(struct rota_shard *s, uint64_t *lost)
{
	const struct rota_config *c = s->config;
	struct backend_cursor cursor = { 0 };
	uint64_t dropped = 0;
	uint32_t *item;
	int pending;

	while ((item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);

		if (object_lost(s, t)) /* object_lost() logged that */
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
	/* A wheel's slot may begin before its timers are due:
	 * core/park_until.c. */
	if (s->backend != ROTA_HEAP && s->idle_until > s->now)
		next = s->idle_until;
	else
		SHARD_SWITCH(s,
		    next = backend_next(&s->queue, (enum rota_backend)BACKEND));
	return next <= SHARD_LAST ? (rota_time)next : ROTA_NEVER;
}
