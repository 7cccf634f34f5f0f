/* SPDX-License-Identifier: MIT
 *
 * owner.c - what the owner of a shard may ask of it: polls, and what is next.
 *
 * Each call checks which thread calls it, and takes the lock of a shard that
 * may be adopted. What a poll does is in core/poll.c, how an owner sleeps in
 * core/sleep.c.
 *
 * Invariant  of a shard that may be adopted no thread keeps the lock when its
 *            call returns.
 * Threads    the owner; any may reserve, adopt, and ask what is overdue or
 *            which instant it is.
 */
#include "core/owner.h"
#include "core/zombie.h"

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
	r = n > s->config->max_timers
	    ? -ENOSPC
	    : rota__shard_reserve(s, n + had, n + had);
	if (r == -ENOSPC)
		rota__misuse_once(s, MISUSE_RESERVE,
		    "rota_shard_reserve(): shard %u has %llu timers and room "
		    "for config.max_timers, %llu: raise that",
		    s->index, (unsigned long long)had,
		    (unsigned long long)s->config->max_timers);
	return r;
}

/* A poll of a shard that has retired: it has no entries any more. A push that
 * began before may have left a timer in the inbox, which is the target's. */
static rota_noinline int
poll_retired(struct rota_shard *s, unsigned *n)
{
	if (n)
		*n = 0;
	if (!inbox_empty(&s->remote.inbox))
		rota__shard_pushed(s, 0);
	/* A poll that lost the lock before may have stored a hint. */
	word_store(&s->next, ST_NEVER, relaxed);
	return 0;
}

/* A poll by the lock owner. */
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
poll_adoptable(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	int r = poll_begin(s);

	if (r)
		return r;
	shard_freed(s); /* inits may have backed out */
	r = poll_held(s, role, now, budget, out, n);
	if (word_load(&s->lock_owner, relaxed) == self_id())
		shard_unlock(s);
	else /* it lost the lock and knows only that work may be left */
		word_store(&s->next, word_load(&s->now, relaxed),
		    relaxed); /* a hint */
	return r;
}

/* A poll that has nothing to do but to move the clock on to @now. */
rota_inline void
poll_idle(struct rota_shard *s, rota_time now)
{
	backend_advance(&s->queue, s->backend, shard_advance(s, now));
}

static rota_noinline int
poll_owned(struct rota_shard *s, rota_time now, unsigned budget,
    struct rota_timer **out, unsigned *n)
{
	const char *fn = out ? "rota_shard_poll_batch" : "rota_shard_poll";
	int r = owner_check(s, fn);

	if (r)
		return r;
	object_now(s, now, fn);
	shard_unpark(s);
	wake_clear(&s->wake);
	if (s->adoptable)
		return poll_adoptable(s, ROLE_OWNER, now, budget, out, n);
	if (shard_idle(s, now)) {
		poll_idle(s, now);
		if (n)
			*n = 0;
		return 0;
	}
	return poll_held(s, ROLE_OWNER, now, budget, out, n);
}

/* No check that the caller is outside of callbacks: during a poll `idle_until`
 * is 0, so the shard is not idle. */
int
rota_shard_poll(struct rota_shard *s, rota_time now, unsigned budget)
{
	if (rota_unlikely(!s || s->adoptable || shard_forked(s) ||
		word_load(&s->attached, relaxed) != self_id() ||
		!shard_idle(s, now) || wake_raised(&s->wake)))
		return poll_owned(s, now, budget, NULL, NULL);
	object_now(s, now, __func__);
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
		return s ? rota__misuse_once(s, MISUSE_BATCH,
			       "rota_shard_poll_batch(): shard %u: @out is "
			       "NULL or @n is 0",
			       s->index)
			 : -EINVAL;
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
	if (self_in(s))
		return rota__misuse_shard(s, -EDEADLK, __func__);
	r = rota__self_watch();
	if (r)
		return r;
	object_now(s, now, __func__);
	if (!take_role(&s->adopter))
		return -EBUSY;
	r = poll_adoptable(s, ROLE_ADOPTER, now, budget, NULL, NULL);
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
		/* Another thread may have the lock. What the last poll stored
		 * is true until something arrives, and that is in the inbox. */
		if (!inbox_empty(&s->remote.inbox))
			return rota_shard_now(s);
		return (rota_time)word_load(&s->next, relaxed);
	}
	rota__shard_flush(s);
	shard_freed(s); /* inits may have backed out */
	return rota__shard_next(s);
}

/* Is a timer armed for before @before? The walk takes zombies out. An entry
 * that rises into the place of one taken out may be passed over: *@again. */
static bool
armed_before(struct rota_shard *s, uint64_t before, bool *again)
{
	struct backend_cursor cursor = { 0 };
	uint32_t *item;

	*again = false;
	while ((item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);
		uint64_t is;

		if (object_lost(s, t))
			continue;
		if (state_keep(
			&t->r_word, kind_confined(kind_unchecked(t)), &is)) {
			if (ST_DEADLINE(is) < before)
				return true;
			continue;
		}
		sweep_zombie(s, &cursor, t, is);
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
	/* An adopter, and the owner when it parks, know what came out of the
	 * inbox only from `next`. */
	shard_publish_next(s, (uint64_t)rota__shard_next(s));
	if (s->adoptable)
		shard_unlock(s);
}

int
rota_shard_armed(struct rota_shard *s, rota_time before)
{
	bool found = false, again = false;
	int r = rota__shard_enter(s, __func__);

	if (r)
		return r;
	do /* at most log2 walks: each passes over no more than it takes out */
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

static int
check(struct rota_shard *s)
{
	struct backend_cursor cursor = { 0 };
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
		/* rise() of core/confined.c moves an entry up. */
		if (kind_confined(kind_of(t)) && s->backend == ROTA_HEAP &&
		    t->r_key > backend_key(&s->queue, s->backend, item))
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
