/* SPDX-License-Identifier: MIT
 *
 * expire.h - an entry has come up: its timer is claimed and fires, or not.
 *
 * One loop for all backends, over the contract of core/backend.h.
 *
 * Invariant  `running` names a timer that fires by callback before another
 *            thread can see the claim, until the callback has returned or
 *            released the timer. [P3] [R1]
 * Threads    the lock owner. While a callback runs on a shard that may be
 *            adopted, another thread may have the lock.
 */
#ifndef ROTA_CORE_EXPIRE_H
#define ROTA_CORE_EXPIRE_H

#include "core/enqueue.h"

/* fast_path: is @k confined, and are its timers fired by callback? No other
 * thread reads the claim then, so a poll compiles the fast path apart, without
 * atomics: @confined. */
rota_inline bool
fast_path(const struct poll *p, const struct rota_kind *k)
{
	return kind_confined(k) && !p->out;
}

/* @t was claimed, which left @is in its word: call its callback, or hand it
 * out. No `released` runs between the two. */
rota_inline void
fire(struct poll *p, struct rota_kind *k, struct rota_timer *t, uint64_t is,
    const bool confined)
{
	struct rota_shard *s = p->s;
	uint64_t late = p->now - ST_DEADLINE(is);

	PROBE_FIRE(t, ST_DEADLINE(is), late, k);
	if (!confined)
		trace(s, k, t, ROTA_TRACE_FIRE, is);
	count_add(&s->count.fires, 1);
	count_add(&s->count.late_sum, late);
	if (late > s->count.late_max)
		word_store(&s->count.late_max, late, relaxed); /* a figure */
	if (!confined && p->out) {
		p->out[p->given++] = t;
		return;
	}
	if (k->fire && !confined && s->adoptable) {
		/* The callback may block. Other threads must know what is
		 * next. */
		rota__shard_publish_next(s, (uint64_t)rota__shard_next(s));
		shard_unlock(s);
		k->fire(t, (rota_time)p->now);
		p->lost_lock = !take_role(&s->lock_owner);
		if (!p->lost_lock)
			p->now = s->now; /* an adopter's poll may be later */
	} else if (k->fire) {
		k->fire(t, (rota_time)p->now);
	}
	word_store(&s->running[p->role], NULL, release); /* [R1] */
	word_store(&s->ended[p->role],
	    word_load(&s->ended[p->role], relaxed) + 1, release); /* [R2] */
	if (!confined && rota_unlikely(p->lost_lock))
		rota_shard_wake(s); /* the lock owner may wait for this end */
}

rota_inline enum state_expire
expire_one(struct poll *p, struct rota_kind *k, struct rota_timer *t,
    uint64_t before, uint64_t *is, const bool confined)
{
	struct rota_shard *s = p->s;
	bool batch = !confined && p->out;
	struct state_claim c = {
		.before = before,
		.fresh = shard_fresh(s, t),
		.running = batch ? NULL : &s->running[p->role],
		.self = running_claiming(t),
	};
	enum state_expire how;

	how = state_expire(&t->r_word, c, confined || kind_confined(k), is);
	if (!batch &&
	    (!confined || how == EXPIRE_FIRE)) /* the claim is settled */
		word_store(c.running, how == EXPIRE_FIRE ? t : NULL,
		    release); /* [R1] */
	object_linked(t, how == EXPIRE_REFILE);
	if (how == EXPIRE_DROP)
		count_add(&s->count.dropped, 1);
	else if (how == EXPIRE_REFILE)
		count_add(&s->count.moves, 1);
	return how;
}

/* Entry @e of @t has come up. */
rota_inline void
bring_up(struct poll *p, const struct backend_entry *e, struct rota_timer *t,
    struct rota_kind *k, const enum rota_backend backend, const bool in_heap,
    const bool confined)
{
	struct rota_shard *s = p->s;
	struct queue *b = &s->queue;
	enum rota_trace_op op = ROTA_TRACE_DROP;
	enum state_expire how;
	uint64_t is, d;

	how = expire_one(p, k, t, backend_before(backend, e, p->now, t->r_seq),
	    &is, confined);
	d = ST_DEADLINE(is);
	if (how == EXPIRE_REFILE) {
		shard_set_key(k, t, d,
		    backend_refile(
			b, backend, e, d, t->r_seq, (uint64_t)k->slack));
		op = ROTA_TRACE_FILE;
	} else {
		backend_take(b, backend, e, in_heap);
		if (how == EXPIRE_FIRE) {
			fire(p, k, t, is, confined);
			return;
		}
	}
	if (how == EXPIRE_DEFER) {
		backend_defer(b, backend, &t->r_place);
		set_deferred_key(k, t);
		op = ROTA_TRACE_DEFER;
	}
	if (!confined && kind_traced(k))
		rota__trace(s, k, t, op, is);
	if (how == EXPIRE_REFILE && backend_rekeys(backend))
		p->left -= rota__shard_rekey_due(s, p->now, p->now, p->left);
}

/* Bring up all that is due. False: no_more(), or another thread has the
 * lock. */
rota_inline bool
expire(struct poll *p, const enum rota_backend backend)
{
	struct queue *b = &p->s->queue;
	struct backend_turn turn = { .had_turn = &p->s->deferred_had_turn };
	struct backend_entry e;

	for (;;) {
		struct rota_timer *t;
		struct rota_kind *k;
		bool full = no_more(p);

		switch (backend_due(b, backend, p->now, &turn, full, &e)) {
		case BACKEND_DUE_NONE:
			return true;
		case BACKEND_DUE_CASCADE:
			if (!rota__cascade(p))
				return false;
			continue;
		case BACKEND_DUE_ENTRY:
			break;
		}
		if (full)
			return false;
		spend(p, e.in_heap);
		t = timer_of(e.item);
		if (object_lost(p->s, t)) {
			backend_take(b, backend, &e, e.in_heap);
			continue;
		}
		k = kind_unchecked(t);
		/* The way through a heap outweighs what a fast path would
		 * save. */
		if (!e.in_heap && fast_path(p, k))
			bring_up(p, &e, t, k, backend, false, true);
		else
			bring_up(p, &e, t, k, backend, e.in_heap, false);
		if (p->lost_lock)
			return false;
	}
}

#endif
