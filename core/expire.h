/* SPDX-License-Identifier: MIT
 *
 * expire.h - an entry has come up: its timer is claimed and fires, or not.
 *
 * What the three loops share: core/expire_heap.h, expire_exact.h, and
 * expire_coarse.h. (The exact wheel has a heap, too: step_heap().)
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
 * out. */
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
	if (!k->fire) {
		;
	} else if (!confined && s->adoptable) {
		/* The callback may block. Other threads must know what is next,
		 * also of what a `released` armed. */
		if (rota_unlikely(s->staging_len))
			rota__shard_flush_staging(s);
		rota__shard_publish_next(s, (uint64_t)rota__shard_next(s));
		shard_unlock(s);
		k->fire(t, (rota_time)p->now);
		p->lost_lock = !claim_word(&s->lock_owner);
		if (!p->lost_lock)
			p->now = s->now; /* an adopter's poll may be later */
	} else {
		k->fire(t, (rota_time)p->now);
	}
	word_store(&s->ended[p->role],
	    word_load(&s->ended[p->role], relaxed) + 1, release); /* [R2] */
	word_store(&s->running[p->role], NULL, release);          /* [R1] */
	if (!confined && rota_unlikely(p->lost_lock))
		rota_shard_wake(s); /* the lock owner may wait for this end */
}

/* @t came up, its entry is out, and it does not fire: it goes where its word, @is,
 * says. */
rota_inline void
not_fired(struct poll *p, struct rota_kind *k, struct rota_timer *t,
    enum state_expire how, uint64_t is, const enum rota_backend backend,
    const bool confined)
{
	struct rota_shard *s = p->s;
	uint64_t d = ST_DEADLINE(is);

	if (how == EXPIRE_DEFER) {
		backend_defer(&s->queue, backend, &t->r_place);
		deferred(k, t);
	} else if (how == EXPIRE_REFILE) {
		shard_set_key(k, t, d,
		    backend_insert(&s->queue, backend, &t->r_place, d, t->r_seq,
			(uint64_t)k->slack));
	}
	if (!confined && kind_traced(k))
		rota__trace(s, k, t,
		    how == EXPIRE_REFILE      ? ROTA_TRACE_FILE
			: how == EXPIRE_DEFER ? ROTA_TRACE_DEFER
					      : ROTA_TRACE_DROP,
		    is);
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

/* The entry (@when, @seq) of @t has come up. @t may be due later by now: its
 * deadline was moved, or it was armed again for the same instant, with a later
 * sequence number. */
rota_inline enum state_expire
expire_entry(struct poll *p, struct rota_kind *k, struct rota_timer *t,
    uint64_t when, uint32_t seq, uint64_t *is, const bool confined)
{
	bool behind = seq_before(seq, t->r_seq);

	return expire_one(p, k, t, when + !behind, is, confined);
}

/* The first entry of the heap has come up. True: its timer is due later. */
rota_inline bool
step_heap(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	struct heap *h = &s->queue.heap;
	struct heap_entry first = *heap_first(h);
	struct rota_timer *t = timer_of(*heap_item(h, first.id));
	struct rota_kind *k;
	enum state_expire how;
	uint64_t is;

	if (object_lost(s, t)) {
		heap_take(h, 0);
		return false;
	}
	k = kind_unchecked(t);
	/* The way through the heap outweighs what a fast path would save. */
	how = expire_entry(p, k, t, first.when, first.seq, &is, false);
	if (how == EXPIRE_REFILE && backend == ROTA_HEAP) {
		heap_rekey(h, 0, ST_DEADLINE(is), t->r_seq); /* in its place */
		shard_set_key(k, t, ST_DEADLINE(is), ST_DEADLINE(is));
		trace(s, k, t, ROTA_TRACE_FILE, is);
		return true;
	}
	heap_take(h, 0);
	if (how == EXPIRE_FIRE)
		fire(p, k, t, is, false);
	else
		not_fired(p, k, t, how, is, backend, false);
	return how == EXPIRE_REFILE;
}

/* An entry goes into @h at the top, or comes out. That is one step, or two or
 * three where it is expensive; a poll that has fewer left may do it all the
 * same. */
rota_inline void
spend(const struct heap *h, uint64_t *left)
{
	--*left;
	if (rota_unlikely(h->len > HEAP_DEAR)) {
		uint64_t more = 1 + (h->len > 4 * HEAP_DEAR);

		*left -= more < *left ? more : *left;
	}
}

#endif
