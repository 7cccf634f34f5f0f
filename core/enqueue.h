/* SPDX-License-Identifier: MIT
 *
 * enqueue.h - the structure is brought in line with the words of timers: of
 * those that were staged, that came in the inbox, that a poll has deferred, and
 * that are released.
 *
 * Inline, so that the backend is a constant in each function.
 *
 * Invariant  a timer that was drained is LINKED and has an entry that comes up
 *            in time for its deadline, or it has neither.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_ENQUEUE_H
#define ROTA_CORE_ENQUEUE_H

#include <string.h>

#include "core/steps.h"
#include "core/zombie.h"

/* rota__send_on - @t came to the inbox of @s, but is on another shard: a reset
 * or a release by a thread that had read the former kind began before a move.
 * Send @t there. If such a thread kicked, it kicked @s. */
void rota__send_on(struct rota_shard *s, struct rota_timer *t);

/* Apply the word of @t, which leaves the inbox or the staging buffer, to the
 * structure: insert, move or remove its entry, or end its release. Returns what
 * was to be done: unless that is DRAIN_INSERT or DRAIN_MOVE, @t may be gone. */
rota_inline enum state_drain
apply_word(
    struct rota_shard *s, struct rota_timer *t, const enum rota_backend backend)
{
	struct rota_kind *k;
	enum state_drain how;
	rota_released_fn *released;
	uint64_t is, d, when;

	if (object_lost(s, t))
		return DRAIN_NONE;
	k = kind_unchecked(t);
	object_spare(s, t);
	how = state_drain(&t->r_word, kind_confined(k), true, &is);
	if (rota_unlikely(how == DRAIN_BUSY) && !running_at_all(s, t))
		how = state_drain(&t->r_word, kind_confined(k), false, &is);
	d = ST_DEADLINE(is);
	switch (how) {
	case DRAIN_INSERT:
		trace(s, k, t, ROTA_TRACE_FILE, is);
		when = backend_insert(&s->queue, backend, &t->r_place, d,
		    t->r_seq, (uint64_t)k->slack);
		shard_set_key(k, t, d, when);
		count_add(&s->count.inserts, 1);
		if (rota_unlikely(when < s->heed)) /* not in a poll: 0 then */
			rota__shard_came(s, t, d);
		break;
	case DRAIN_MOVE:
		trace(s, k, t, ROTA_TRACE_FILE, is);
		when = backend_move_earlier(&s->queue, backend, &t->r_place, d,
		    t->r_seq, (uint64_t)k->slack);
		shard_set_key(k, t, d, when);
		count_add(&s->count.moves, 1);
		if (rota_unlikely(when < s->heed))
			rota__shard_came(s, t, d);
		break;
	case DRAIN_REMOVE:
		trace(s, k, t, ROTA_TRACE_DROP, is);
		object_linked(t, false);
		backend_remove(&s->queue, backend, &t->r_place);
		count_add(&s->count.dropped, 1);
		break;
	case DRAIN_NONE:
		trace(s, k, t, ROTA_TRACE_DROP, is);
		break;
	case DRAIN_FREE_REMOVE:
		backend_remove(&s->queue, backend, &t->r_place);
		/* fall through */
	case DRAIN_FREE:
		trace(s, k, t, ROTA_TRACE_RELEASED, is);
		released = k->released; /* @k may go with its last timer */
		rota__shard_free(s, k, t);
		shard_freed(s);
		if (released)
			rota__shard_tell_released(s, released, t);
		break;
	case DRAIN_BUSY:
		t->r_link = s->deferred_releases;
		s->deferred_releases = t;
		break;
	}
	return how;
}

/* Retry the releases that were deferred because a callback was running. */
rota_inline void
retry_releases(struct rota_shard *s, const enum rota_backend backend)
{
	struct rota_timer *t = s->deferred_releases, *next;

	s->deferred_releases = NULL;
	for (; t; t = next) {
		next = t->r_link;
		apply_word(s, t, backend);
	}
}

/* Enqueue what is staged. The timers were touched a moment ago. Those whose
 * entry has to move wait until what the backend will touch is fetched for all
 * of them. The loop works on a copy: a `released` callback may stage more. */
rota_inline void
flush_staging(struct rota_shard *s, const enum rota_backend backend)
{
	struct rota_timer *batch[SHARD_STAGE];

	while (s->staging_len) {
		uint64_t n = s->staging_len, wait = 0;

		memcpy(batch, s->staging, n * sizeof(*batch));
		s->staging_len = 0;
		for (uint64_t i = 0; i < n; i++) {
			struct rota_timer *t = batch[i];
			uint64_t w;

			if (object_lost(s, t))
				continue;
			w = word_load(&t->r_word, relaxed); /* a guess */
			if (w & ST_LINKED &&
			    backend_fetch(&s->queue, backend, &t->r_place,
				ST_DEADLINE(w),
				(uint64_t)kind_unchecked(t)->slack))
				batch[wait++] = t;
			else
				apply_word(s, t, backend);
		}
		for (uint64_t i = 0; i < wait; i++)
			backend_fetch_on(
			    &s->queue, backend, &batch[i]->r_place);
		for (uint64_t i = 0; i < wait; i++)
			apply_word(s, batch[i], backend);
	}
}

/* @t was deferred: its entry comes up in the next poll, whatever the deadline
 * is by then. */
rota_inline void
set_deferred_key(struct rota_kind *k, struct rota_timer *t)
{
	shard_set_key(k, t, 0, 0);
}

rota_inline void
defer(
    struct rota_shard *s, struct rota_timer *t, const enum rota_backend backend)
{
	enum state_drain how = apply_word(s, t, backend);

	if (how != DRAIN_INSERT && how != DRAIN_MOVE)
		return;
	shard_remove(s, t);
	backend_defer(&s->queue, backend, &t->r_place);
	set_deferred_key(kind_unchecked(t), t);
	trace(s, kind_unchecked(t), t, ROTA_TRACE_DEFER,
	    word_load(&t->r_word, relaxed));
}

/* @t has left its place in the structure. True: enqueue it again, by its
 * deadline *@d. False: it was stopped, and gets no entry. */
rota_inline bool
keep(struct rota_shard *s, struct rota_timer *t, uint64_t *d)
{
	struct rota_kind *k;
	uint64_t is;

	if (object_lost(s, t))
		return false;
	k = kind_unchecked(t);
	if (!state_keep(&t->r_word, kind_confined(k), &is)) {
		drop_zombie(s, k, t, is);
		return false;
	}
	*d = ST_DEADLINE(is);
	trace(s, k, t, ROTA_TRACE_FILE, is);
	count_add(&s->count.moves, 1);
	return true;
}

/* Enqueue @t, which an earlier poll deferred. */
rota_inline void
undefer(
    struct rota_shard *s, struct rota_timer *t, const enum rota_backend backend)
{
	struct rota_kind *k;
	uint64_t d;

	if (!keep(s, t, &d))
		return;
	k = kind_unchecked(t);
	shard_set_key(k, t, d,
	    backend_insert(&s->queue, backend, &t->r_place, d, t->r_seq,
		(uint64_t)k->slack));
}

/* Bring back what earlier polls deferred. False: no steps are left, or the due
 * timers that the latest poll left go first. */
rota_inline bool
undefer_all(struct poll *p, const enum rota_backend backend)
{
	uint32_t *item;

	if (!backend_deferred(&p->s->queue, backend))
		return true;
	if (rota_unlikely(p->s->deferred_had_turn) && p->budget < UINT64_MAX) {
		p->s->deferred_had_turn = false;
		return false;
	}
	for (; p->left; p->left--) {
		item = backend_undefer(&p->s->queue, backend);
		if (!item)
			return true;
		undefer(p->s, timer_of(item), backend);
	}
	return !backend_deferred(&p->s->queue, backend);
}

/* Drain what is in the inbox now. False: no steps are left. */
rota_inline bool
drain(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	bool asked = false;

	for (;; p->left--) {
		struct rota_timer *t;

		(void)object_cut(s, &s->taken);
		(void)object_cut(s, &s->backlog);
		if (!s->taken && !s->backlog) {
			if (asked || inbox_empty(&s->remote.inbox))
				return true;
			s->taken = inbox_take(&s->remote.inbox);
			asked = true;
			if (object_cut(s, &s->taken))
				return true;
		}
		if (!p->left)
			return false;
		if ((t = s->taken)) {
			s->taken = t->r_link;
			t->r_link = s->backlog;
			s->backlog = t;
			rota_prefetch(s->taken);
		} else {
			t = s->backlog;
			s->backlog = t->r_link;
			rota_prefetch(s->backlog);
			if (rota_unlikely(shard_of(kind_unchecked(t)) != s)) {
				rota__send_on(s, t);
				continue;
			}
			count_add(&s->count.drained, 1);
			shard_assign_seq(s, t); /* in the order of the pushes */
			apply_word(s, t, backend);
		}
	}
}

#endif
