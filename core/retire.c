/* SPDX-License-Identifier: MIT
 *
 * retire.c - a shard gives all its timers to another shard, its target, and
 * ends.
 *
 * The timers go to the target's inbox, in the order of their arming. Pushes
 * that come to the retired shard afterwards are forwarded.
 *
 * Invariant  no entry is left here when another thread can learn of the target:
 *            else the target's owner would take a timer that is LINKED here for
 *            one of its own structure.
 * Threads    the owner of the shard that retires, or any if it has none. In an
 *            engine one shard retires at a time.
 */
#include "core/owner.h"
#include "core/trace.h"

/* The list @t, which an inbox gave latest first, in the order of the pushes. */
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

/* Push the list @t on the inbox of @target, in its order. */
static void
forward_inbox(struct rota_timer *t, struct rota_shard *target)
{
	struct rota_timer *next;

	for (; t; t = next) {
		next = t->r_link;
		inbox_push(&target->remote.inbox, t, &t->r_link);
	}
}

void
rota__shard_forward(struct rota_shard *s, struct rota_shard *target)
{
	forward_inbox(reversed(inbox_take(&s->remote.inbox)), target);
	word_add(&target->remote.kick, (uint64_t)1, seq_cst); /* [K2] */
	rota__shard_pushed(target, park_wakes(&target->park, 0));
}

/* Take the first @n timers off *@list and sort them by their sequence
 * numbers. */
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

/* Rooms for timers by how many armings ago they were armed: one for each of the
 * first 128, then 64 for each power of two. So the sort of a room stays in the
 * cache, and a retirement of 1e6 timers takes half as long. */
enum { SEQ_FINE = 6, SEQ_ROOMS = (32 - SEQ_FINE + 1) << SEQ_FINE };
struct seq_room {
	struct rota_timer *list;
	uint64_t n;
};

static unsigned
seq_room(uint32_t ago)
{
	unsigned e = ago >> SEQ_FINE ? high_bit(ago) - SEQ_FINE : 0;

	return (e << SEQ_FINE) + (ago >> e);
}

/* All timers in @room as a list, by their sequence numbers. */
static struct rota_timer *
by_rooms(struct seq_room *room)
{
	struct rota_timer *all = NULL, *first, *t;

	for (unsigned i = 0; i < SEQ_ROOMS; i++) {
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

/* Take all entries out. Returns a list of the armed timers, in the order of
 * their arming, each QUEUED. The caller is the lock owner of @s, and no other
 * thread knows of the target yet. */
static struct rota_timer *
unlink_all(struct rota_shard *s)
{
	struct backend_cursor cursor = { 0 };
	struct seq_room room[SEQ_ROOMS] = { { NULL, 0 } }, *r;
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

/* Count @moving timers more on @target, which then has *@n. 0; or -ENOSPC, and
 * none was counted: not even for a while, or inits there would be refused. */
static int
count_moving(struct rota_shard *target, uint64_t moving, uint64_t *n)
{
	/* The CAS checks it. */
	uint64_t had = word_load(&target->timers, relaxed);

	do {
		*n = had + moving;
		if (*n > target->config->max_timers)
			return -ENOSPC;
	} while (
	    !word_cas(&target->timers, &had, *n, seq_cst, relaxed)); /* [X1] */
	return 0;
}

/* Close @s to inits, count its timers on @target, too, *@moving of them, and
 * make room there. 0; or -ENOMEM, -ENOSPC, and all is as before. */
static int
claim_room(struct rota_shard *s, struct rota_shard *target, uint64_t *moving)
{
	uint64_t n;
	int r;

	word_store(&s->closing, s, seq_cst);      /* [C1] */
	*moving = word_load(&s->timers, seq_cst); /* [C1] */
	/* Counted before there is room, or an init takes the room. */
	r = count_moving(target, *moving, &n);
	/* As in rota__timer_room(). [X1] */
	if (!r && n > word_load(&target->room, seq_cst)) {
		r = rota__shard_grow(target, n);
		if (r)
			word_add(
			    &target->timers, (uint64_t)0 - *moving, relaxed);
	}
	if (r)
		word_store(&s->closing, NULL, relaxed); /* as it was */
	else
		word_store(
		    &s->closing, target, relaxed); /* move_counts(): CAS [C1] */
	return r;
}

/* The kinds of @s are kinds of @target. Under the locks of both. */
static void
relink_kinds(struct rota_shard *s, struct rota_shard *target)
{
	struct rota_kind *k, **end;

	/* First: the target's owner may arm a timer of a kind that is its own,
	 * and sleep, before this function ends. */
	if (word_load(&s->slack_least, relaxed) <=
	    word_load(&s->slack_most, relaxed)) { /* it had a timer */
		shard_slack(target, word_load(&s->slack_least, relaxed));
		shard_slack(target, word_load(&s->slack_most, relaxed));
	}
	object_kinds(s);
	object_kinds(target);
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
}

/* What @s counts, and the bounds of its slack, go to @target, which has counted
 * @moving timers already. Under the locks of both. */
static void
move_counts(struct rota_shard *s, struct rota_shard *target, uint64_t moving)
{
	uint64_t live, n;

	/* Some of these counts belong to inits that will take them back. Add to
	 * the target first, then clear @s: an init that finds its count gone
	 * from @s takes one from the target, and were its own not there yet,
	 * that one would be a timer's. */
	n = word_load(&s->timers, relaxed); /* the CAS checks it */
	do {
		word_add(&target->timers, n - moving, relaxed);
		moving = n;
	} while (!word_cas(
	    &s->timers, &n, (uint64_t)0, release, relaxed)); /* [C1] */
	live = rota__shard_own_live(s);
	word_add(&target->inherited, live, relaxed); /* figures */
	word_add(&s->inherited, (uint64_t)0 - live, relaxed);
}

/* Give @target all that @s has, except for *@list: the caller has to push that
 * on the target's inbox. The caller is the lock owner of @s, which is flushed;
 * no other shard of the engine retires meanwhile. */
static int
hand_over(
    struct rota_shard *s, struct rota_shard *target, struct rota_timer **list)
{
	uint64_t moving;
	int r;

	/* Stored under `lock`. */
	if (word_load(&s->target, relaxed) ||
	    word_load(&target->target, relaxed))
		return -EINVAL;
	r = claim_room(s, target, &moving);
	if (r)
		return r;
	*list = unlink_all(s);
	lock_take(&s->lock, LOCK_SHARD);
	lock_take(&target->lock, LOCK_SHARD);
	/* Written under `retiring`. */
	word_store(&s->sibling, word_load(&target->former, relaxed), relaxed);
	word_store(&s->target, target, release); /* rota__shard_pushed */
	word_store(&target->former, s, release); /* shard_former */
	rota__shard_below(s);
	relink_kinds(s, target);
	move_counts(s, target, moving);
	lock_give(&target->lock);
	lock_give(&s->lock);
	return 0;
}

/* The owner of @s retires it, by the lock, in no callback of @s. */
static int
retire(struct rota_shard *s, struct rota_shard *target)
{
	struct rota_timer *list;
	int r;

	/* A stop asks the target from here on, so what an adopter's callback
	 * wrote must come before that. */
	if (word_load(&s->running[ROLE_ADOPTER], acquire)) /* [R1] */
		return -EBUSY;
	rota__shard_flush(s); /* it may call `released`: without a mutex */
	lock_take(s->retiring, LOCK_RETIRING);
	r = hand_over(s, target, &list);
	lock_give(s->retiring);
	if (r)
		return r;
	/* The target numbers timers as they arrive. What is still in `taken`
	 * came before what is in `backlog`. */
	forward_inbox(list, target);
	forward_inbox(reversed(s->taken), target);
	forward_inbox(s->backlog, target);
	s->backlog = s->taken = NULL;
	rota__shard_pushed(s, 0);
	shard_publish_entries(s);
	word_store(&s->next, ST_NEVER, relaxed);
	return 0;
}

int
rota_shard_retire(struct rota_shard *s, struct rota_shard *target)
{
	bool mine;
	int r;

	if (!s)
		return -EINVAL;
	if (!target)
		return rota__misuse_once(s, MISUSE_TARGET,
		    "rota_shard_retire(): shard %u: @target is NULL", s->index);
	if (s->engine != target->engine)
		return rota__misuse_once(s, MISUSE_RETIRE,
		    "rota_shard_retire(): shard %u to shard %u of another "
		    "engine: these are shards of two engines, and timers stay "
		    "on their engine's",
		    s->index, target->index);
	if (s == target || word_load(&s->target, relaxed) ||
	    word_load(&target->target, relaxed)) /* hand_over() checks again */
		return rota__misuse_once(s, MISUSE_RETIRE,
		    "rota_shard_retire(): shard %u to shard %u: two shards of "
		    "one engine are needed, none of which has retired",
		    s->index, target->index);
	/* Before it attaches: an owner in a callback could not detach. */
	if (!shard_forked(s) && self_in(s))
		return rota__misuse_shard(s, -EDEADLK, __func__);
	mine = word_load(&s->attached, relaxed) == self_id();
	r = mine ? owner_check(s, __func__) : rota__shard_attach(s);
	if (r == -EBUSY)
		return rota__misuse_shard(s, -EPERM, __func__);
	if (r)
		return r;
	r = poll_begin(s);
	if (!r) {
		r = retire(s, target);
		if (s->adoptable)
			shard_unlock(s);
	}
	if (!mine)
		rota__shard_leave(s);
	return r;
}
