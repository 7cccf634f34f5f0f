/* SPDX-License-Identifier: MIT
 *
 * poll.c - a poll: file what arrived, bring up what is due, sweep.
 *
 * Every step is counted against a budget: turning an inbox entry round,
 * filing one, pouring an entry of a wheel's slot, a look at an entry that is
 * due, a look by the sweeper. When it is used up the poll ends between two
 * steps and the next one goes on from there.
 *
 * Timers armed during a poll do not fire in it: what comes up with a rank
 * after poll_seq goes to the inbox.
 *
 * An entry that comes up is where the timer was once filed; its word says
 * when it is due by now. They are brought together here: fire, file again,
 * or drop the zombie.
 */
#include "core/shard.h"

/* A sweep begins when zombies are more than a quarter of the entries (Go
 * 1.23's rule) and this many (arbitrary: below that not worth a walk). */
#define SWEEP_LEAST 64

struct poll {
	struct rota_shard *s;
	uint64_t now;
	uint64_t left; /* steps */
	enum shard_seat seat;
	bool lost;     /* another thread took hold during a callback */
	struct rota_timer **out; /* NULL: call */
	unsigned room, given;
};

/* The decoded kind of a timer that is known to be one. */
rota_inline struct rota_kind *
kind_known(const struct rota_timer *t)
{
	return (struct rota_kind *)(t->r_kind ^ (uintptr_t)t ^ KIND_MIX);
}

/* Bring the structure in line with the word of @t, fresh from the inbox. */
static void
file(struct rota_shard *s, struct rota_timer *t)
{
	struct rota_kind *k = kind_known(t);
	uint64_t old = state_unqueue(&t->r_word), d;

	count_add(&s->count.drained, 1);
	if (rota_unlikely(old & ST_RELEASE)) {
		if (old & ST_LINKED)
			shard_remove(s, t);
		rota__shard_free(s, k, t);
		if (k->released)
			k->released(t);
		return;
	}
	if (old & ST_ARMED)
		t->r_seq = ++s->seq;
	switch (state_file(&t->r_word, &d)) {
	case FILE_INSERT:
		shard_insert(s, t, d, (uint64_t)k->slack);
		break;
	case FILE_BY:
		shard_file_by(s, t, d, (uint64_t)k->slack);
		break;
	case FILE_REMOVE:
		shard_remove(s, t);
		count_add(&s->count.dropped, 1);
		break;
	case FILE_NONE:
		break;
	}
}

/* Empty the inbox as it stands. False: out of steps. */
static bool
drain(struct poll *p)
{
	struct rota_shard *s = p->s;
	bool asked = false;

	for (;; p->left--) {
		struct rota_timer *t;

		if (!s->taken && !s->backlog) {
			if (asked || inbox_empty(&s->remote.inbox))
				return true;
			s->taken = inbox_take(&s->remote.inbox);
			asked = true;
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
			file(s, t);
		}
	}
}

/* @t was claimed: call its callback, or hand it out. */
rota_inline void
fire(struct poll *p, struct rota_timer *t, uint64_t d)
{
	struct rota_shard *s = p->s;
	rota_fire_fn *call = kind_known(t)->fire;
	uint64_t late = p->now - d, none = 0;

	count_add(&s->count.fires, 1);
	count_add(&s->count.late_sum, late);
	if (late > s->count.late_max)
		word_store(&s->count.late_max, late, relaxed); /* a figure */
	if (p->out) {
		p->out[p->given++] = t;
		return;
	}
	if (call) {
		if (s->adoptable)
			shard_unhold(s);
		call(t, (rota_time)p->now);
		if (s->adoptable &&
		    !word_cas(&s->holder, &none, self_id(), acquire,
		        relaxed)) /* [H1] */
			p->lost = true;
	}
	word_store(&s->running[p->seat], NULL, release); /* [R1] */
}

rota_inline enum state_look
look(struct poll *p, struct rota_timer *t, uint64_t before, uint64_t *d)
{
	struct rota_shard *s = p->s;
	struct state_claim c = {
		.before = before,
		.fresh = (int32_t)(t->r_seq - s->poll_seq) > 0,
		.batch = p->out != NULL,
		.running = &s->running[p->seat],
		.self = t,
	};
	bool plain = kind_known(t)->flags & ROTA_CONFINED;
	enum state_look how = state_look(&t->r_word, c, plain, d);

	if (how != LOOK_FIRE && !c.batch)
		word_store(c.running, NULL, relaxed); /* nothing ran */
	if (how == LOOK_DROP)
		count_add(&s->count.dropped, 1);
	else if (how == LOOK_FILE)
		count_add(&s->count.moves, 1);
	return how;
}

/* Push on the own inbox, for the next poll. */
rota_inline void
defer(struct rota_shard *s, struct rota_timer *t)
{
	inbox_push(&s->remote.inbox, t, &t->r_link);
}

/* The first of the heap is due. Its key may be before what the word says by
 * now: the deadline was pushed, or it was armed anew for the same instant
 * and ranks behind others. */
rota_inline void
step_first(struct poll *p, const enum rota_backend which)
{
	struct rota_shard *s = p->s;
	struct heap *h = &s->backend.heap;
	struct heap_entry first = *heap_first(h);
	struct rota_timer *t = timer_of(*heap_item(h, first.id));
	bool behind = heap_before(first.when, first.seq,
	    &(struct heap_entry){ first.when, t->r_seq, 0 });
	uint64_t d;

	switch (look(p, t, first.when + !behind, &d)) {
	case LOOK_FIRE:
		heap_take(h, 0);
		fire(p, t, d);
		break;
	case LOOK_DROP:
		heap_take(h, 0);
		break;
	case LOOK_DEFER:
		heap_take(h, 0);
		defer(s, t);
		break;
	case LOOK_FILE:
		if (which == ROTA_HEAP ||
		    backend_tick(which, d, 0) <= s->backend.wheel.pos) {
			heap_move(h, &t->r_place, d, t->r_seq);
		} else {
			heap_take(h, 0);
			wheel_insert(&s->backend.wheel, &t->r_place,
			    backend_tick(which, d, 0));
		}
		break;
	}
}

/* One item of a slot of an exact wheel: to the heap, a lower level, or later. */
rota_inline void
step_pour(struct poll *p, uint32_t *item)
{
	struct rota_timer *t = timer_of(item);
	struct rota_kind *k = kind_known(t);
	uint64_t d;

	if (state_keep(&t->r_word, k->flags & ROTA_CONFINED, &d)) {
		backend_insert(&p->s->backend, ROTA_WHEEL, item, d, t->r_seq,
		    0);
		count_add(&p->s->count.moves, 1);
	} else {
		count_add(&p->s->count.dropped, 1);
	}
}

/* One item of a slot of a coarse wheel. */
rota_inline void
step_coarse(struct poll *p, uint32_t *item)
{
	struct rota_timer *t = timer_of(item);
	uint64_t d;

	switch (look(p, t, p->now + 1, &d)) {
	case LOOK_FIRE:
		fire(p, t, d);
		break;
	case LOOK_DROP:
		break;
	case LOOK_DEFER:
		defer(p->s, t);
		break;
	case LOOK_FILE:
		backend_insert(&p->s->backend, ROTA_WHEEL_COARSE, item, d,
		    t->r_seq, (uint64_t)kind_known(t)->slack);
		break;
	}
}

/* Bring up all that is due. False: out of steps, or of room in @out. */
rota_inline bool
expire(struct poll *p, const enum rota_backend which)
{
	struct backend *b = &p->s->backend;

	for (; p->left && !p->lost; p->left--) {
		bool due = b->heap.len && heap_first(&b->heap)->when <= p->now;

		if (which != ROTA_HEAP) {
			uint64_t upto = due ? heap_first(&b->heap)->when :
			    p->now;
			uint32_t *item;

			if (p->out && p->given == p->room &&
			    which == ROTA_WHEEL_COARSE)
				return false;
			item = wheel_pull(&b->wheel, upto >> WHEEL_TICK_BITS);
			if (item && which == ROTA_WHEEL_COARSE)
				step_coarse(p, item);
			else if (item)
				step_pour(p, item);
			if (item)
				continue;
		}
		if (!due)
			return true;
		if (p->out && p->given == p->room)
			return false;
		step_first(p, which);
	}
	return false;
}

/* Take zombies out once they are many; a walk goes on from poll to poll. */
static void
sweep(struct poll *p)
{
	struct rota_shard *s = p->s;
	uint64_t entries = backend_len(&s->backend);
	uint64_t live = rota__shard_live(s);
	uint32_t *item;

	if (!s->sweeping) {
		if (entries <= live || entries - live <= entries / 4 ||
		    entries - live <= SWEEP_LEAST)
			return;
		s->sweeping = true;
		s->sweep = (struct backend_cursor){ 0, 0 };
	}
	for (; p->left; p->left--) {
		struct rota_timer *t;
		uint64_t d;

		item = backend_visit(&s->backend, &s->sweep);
		if (!item) {
			s->sweeping = false;
			return;
		}
		t = timer_of(item);
		if (state_keep(&t->r_word,
		        kind_known(t)->flags & ROTA_CONFINED, &d))
			continue;
		backend_unvisit(&s->sweep, item);
		shard_remove(s, t);
		count_add(&s->count.swept, 1);
	}
}

void
rota__shard_drain(struct rota_shard *s)
{
	struct poll p = { .s = s, .left = UINT64_MAX };
	struct rota_self before = rota__self;

	rota__self = (struct rota_self){ s, SEAT_OWNER };
	drain(&p);
	rota__self = before;
}

int
rota__shard_poll(struct rota_shard *s, enum shard_seat seat, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	struct poll p = {
		.s = s,
		.now = s->now, /* never back */
		.left = budget ? budget : UINT64_MAX,
		.seat = seat,
		.out = out,
		.room = out ? *n : 0,
	};
	struct rota_self before = rota__self;
	bool done;

	if (now > (rota_time)p.now)
		p.now = (uint64_t)now < SHARD_LAST ? (uint64_t)now : SHARD_LAST;
	word_store(&s->now, p.now, relaxed); /* a snapshot to others */
	count_add(&s->count.polls, 1);
	rota__self = (struct rota_self){ s, seat };
	done = drain(&p);
	s->poll_seq = s->seq;
	if (done) {
		SHARD_SWITCH(s, done = expire(&p, (enum rota_backend)WHICH));
		if (done && !p.lost)
			sweep(&p);
	}
	if (out)
		*n = p.given;
	rota__self = before;
	if (p.lost)
		return 1;
	if (seat == SEAT_OWNER || s->adoptable)
		word_store(&s->next, rota__shard_next(s), relaxed); /* a hint */
	return !done;
}
