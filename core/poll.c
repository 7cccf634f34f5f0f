/* SPDX-License-Identifier: MIT
 *
 * poll.c - a poll: file what arrived, bring up what is due, sweep, trim.
 *
 * Each kind of work is counted in steps, and has as many of them as the
 * caller's budget says: looking at what an earlier poll deferred; the inbox
 * (turning an entry round, filing one); what is due (pouring an entry of a
 * wheel's slot, sorting, a look at an entry that has come up); and sweeping, or
 * giving memory back, which have their own bound. So neither a flood of resets by other threads nor a
 * herd that is due keeps the other waiting. Work that is left is gone on with
 * by the next poll.
 *
 * Timers armed during a poll do not fire in it, nor in one that is under way
 * beside it (where an adopter polls while a callback blocks, poll_seq is that of
 * the poll that began last): what comes up with a rank
 * after poll_seq is deferred, and looked at again by the next one. Where a poll
 * leaves what is due, what its callbacks have armed for the past is deferred
 * too, and is not brought back by two polls on end: its deadlines are before
 * those that have been left. (What a
 * `released` arms before poll_seq is taken is staged to the end of the poll;
 * a callback that asks what is next brings it in.)
 *
 * An entry that comes up is where the timer was once filed; its word says
 * when it is due by now. They are brought together here: fire, file again,
 * or drop the zombie.
 */
#include "core/trace.h"

#include <string.h>

/* A sweep begins when zombies are more than a half of the entries and this
 * many (arbitrary: below that not worth a walk). Go 1.23 has a quarter; why
 * that is dear here: docs/decisions/0006. */
#define SWEEP_LEAST 64
/* Looks of one poll's sweep, whatever its budget: some 20 us of a wheel, 50 of
 * a heap. Sweeping does not hurry: the room that zombies take was made when
 * their timers were initialised. */
#define SWEEP_SLICE 512

struct poll {
	struct rota_shard *s;
	uint64_t now;
	uint64_t budget; /* steps for each kind of work */
	uint64_t left;   /* of the kind under way */
	enum shard_role role;
	bool lost_lock;  /* another thread took hold during a callback */
	bool undeferred; /* what earlier polls deferred is being looked at */
	bool walked;     /* a sweep came to its end */
	struct rota_timer **out; /* NULL: call */
	unsigned room, given;
};

/* Bring the structure in line with the word of @t, which the inbox or the
 * stage is letting go. What was to be done: unless it is DRAIN_INSERT or
 * DRAIN_MOVE @t may be gone. */
rota_inline enum state_drain
file(
    struct rota_shard *s, struct rota_timer *t, const enum rota_backend backend)
{
	struct rota_kind *k = kind_unchecked(t);
	enum state_drain how;
	void (*released)(struct rota_timer *);
	uint64_t is, d, when;

	if (object_lost(s, t))
		return DRAIN_NONE;
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
		if (rota_unlikely(when < s->heed)) /* no poll: then it is 0 */
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
		released = k->released; /* the kind may go with its last */
		rota__shard_free(s, k, t);
		shard_freed(s);
		if (released)
			released(t);
		break;
	case DRAIN_BUSY:
		t->r_link = s->deferred_releases;
		s->deferred_releases = t;
		break;
	}
	return how;
}

/* Those that were released while their callback ran: is it over? */
rota_inline void
leave(struct rota_shard *s, const enum rota_backend backend)
{
	struct rota_timer *t = s->deferred_releases, *next;

	s->deferred_releases = NULL;
	for (; t; t = next) {
		next = t->r_link;
		file(s, t, backend);
	}
}

/* The stage, filed. Its timers were touched a moment ago. Those whose entry
 * has to move wait until what the backend will touch is fetched for all of
 * them. Worked on as a copy: a `released` callback may stage more. */
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
				file(s, t, backend);
		}
		for (uint64_t i = 0; i < wait; i++)
			backend_fetch_on(
			    &s->queue, backend, &batch[i]->r_place);
		for (uint64_t i = 0; i < wait; i++)
			file(s, batch[i], backend);
	}
}

/* @t is looked at by the next poll, whatever its deadline is by then. */
rota_inline void
deferred(struct rota_kind *k, struct rota_timer *t)
{
	shard_set_key(k, t, 0, 0);
}

rota_inline void
defer(
    struct rota_shard *s, struct rota_timer *t, const enum rota_backend backend)
{
	enum state_drain how = file(s, t, backend);

	if (how != DRAIN_INSERT && how != DRAIN_MOVE)
		return;
	shard_remove(s, t);
	backend_defer(&s->queue, backend, &t->r_place);
	deferred(kind_unchecked(t), t);
	trace(s, kind_unchecked(t), t, ROTA_TRACE_DEFER,
	    word_load(&t->r_word, relaxed));
}

/* What callbacks of a poll have staged for instants that had come, while more
 * is due than the poll may bring up: filed, it would come before that, for
 * ever if each callback does so again. */
static rota_noinline void
defer_staged(struct rota_shard *s)
{
	struct rota_timer *batch[SHARD_STAGE];
	uint64_t n = s->staging_len, due = 0, w;

	s->staging_len = 0;
	for (uint64_t i = 0; i < n; i++) {
		struct rota_timer *t = s->staging[i];

		if (object_lost(s, t))
			continue;
		w = word_load(&t->r_word, relaxed); /* a guess */
		if (w & ST_ARMED && ST_DEADLINE(w) <= s->now)
			batch[due++] = t;
		else
			s->staging[s->staging_len++] = t;
	}
	for (uint64_t i = 0; i < due; i++)
		SHARD_SWITCH(s, defer(s, batch[i], BACKEND));
}

/* Outside of a poll: what a `released` calls meanwhile is in a callback. False:
 * so it is already. *@fires: in that of a timer. */
static bool
guard(struct rota_shard *s, bool *fires)
{
	const struct rota_self *me;

	*fires = false;
	for (me = &rota__self; me && me->shard; me = me->before)
		if (me->shard == s) {
			*fires = word_load(
			    &s->running[me->role], relaxed); /* own seat */
			return false;
		}
	s->outer[ROLE_OWNER] = rota__self;
	rota__self = (struct rota_self){ s, ROLE_OWNER, &s->outer[ROLE_OWNER] };
	return true;
}

/* A function of its own: what it needs to know stays in registers. */
static rota_noinline void
flush_staging_any(struct rota_shard *s)
{
	SHARD_SWITCH(s, flush_staging(s, BACKEND));
}

void
rota__shard_flush_staging(struct rota_shard *s)
{
	bool fires, guarded = guard(s, &fires);

	if (fires)
		defer_staged(s);
	flush_staging_any(s);
	if (guarded)
		rota__self = s->outer[ROLE_OWNER];
}

void
rota__shard_flush(struct rota_shard *s)
{
	bool fires, guarded;

	if (!s->staging_len && !s->deferred_releases)
		return;
	guarded = guard(s, &fires);
	SHARD_SWITCH(s, leave(s, BACKEND));
	rota__shard_flush_staging(s); /* last: what a `released` armed, too */
	if (guarded)
		rota__self = s->outer[ROLE_OWNER];
}

/* @t has left its place in the structure, to be filed again by the word's
 * deadline, *@d. False: it was stopped, and is not. */
rota_inline bool
keep(struct rota_shard *s, struct rota_timer *t, uint64_t *d)
{
	struct rota_kind *k;
	uint64_t is;

	if (object_lost(s, t))
		return false;
	k = kind_unchecked(t);
	if (!state_keep(&t->r_word, kind_confined(k), &is)) {
		object_linked(t, false);
		trace(s, k, t, ROTA_TRACE_DROP, is);
		count_add(&s->count.dropped, 1);
		return false;
	}
	*d = ST_DEADLINE(is);
	trace(s, k, t, ROTA_TRACE_FILE, is);
	count_add(&s->count.moves, 1);
	return true;
}

/* File @t, which was deferred by an earlier poll. */
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

/* Bring back what earlier polls deferred. False: out of steps, or what the
 * latest has left goes first. */
rota_inline bool
undefer_all(struct poll *p, const enum rota_backend backend)
{
	uint32_t *item;

	if (backend == ROTA_WHEEL_COARSE)
		return true; /* expire_coarse() does */
	if (!p->s->queue.heap.bag)
		return true;
	if (rota_unlikely(p->s->others) && p->budget < UINT64_MAX) {
		p->s->others = false;
		return false;
	}
	for (; p->left; p->left--) {
		item = backend_undefer(&p->s->queue, backend);
		if (!item)
			return true;
		undefer(p->s, timer_of(item), backend);
	}
	return !p->s->queue.heap.bag;
}

/* @t came here, and is another shard's: a reset or a release, by who had read
 * its former kind, began before a move. Whoever poked did so here. */
static rota_noinline void
send_on(struct rota_shard *s, struct rota_timer *t)
{
	uint64_t is = word_load(&t->r_word, relaxed), wake; /* a figure */
	struct rota_shard *there;

	there = rota__shard_send(
	    s, t, kind_unchecked(t), is & (ST_ARMED | ST_LINKED), &wake);
	rota__shard_pushed(there, wake);
}

/* Empty the inbox as it stands. False: out of steps. */
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
				send_on(s, t);
				continue;
			}
			count_add(&s->count.drained, 1);
			shard_assign_seq(s, t); /* as it came in */
			file(s, t, backend);
		}
	}
}

/* called: is @t of a confined kind, and its callback to be called? Nobody else
 * asks for it then, and a poll goes a short way, compiled apart: @plain. */
rota_inline bool
fast_path(const struct poll *p, const struct rota_kind *k)
{
	return kind_confined(k) && !p->out;
}

/* @t was claimed, which left the word @is: call its callback, or hand it out. */
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
		/* It may block: others must know what is next, and that
		 * what a `released` armed. */
		if (rota_unlikely(s->staging_len))
			rota__shard_flush_staging(s);
		rota__shard_publish_next(s, (uint64_t)rota__shard_next(s));
		shard_unlock(s);
		k->fire(t, (rota_time)p->now);
		p->lost_lock = !claim_word(&s->lock_owner);
		if (!p->lost_lock)
			p->now = s->now; /* an adopter's, if later */
	} else {
		k->fire(t, (rota_time)p->now);
	}
	word_store(&s->ended[p->role],
	    word_load(&s->ended[p->role], relaxed) + 1, release); /* [R2] */
	word_store(&s->running[p->role], NULL, release);          /* [R1] */
	if (!confined && rota_unlikely(p->lost_lock))
		rota_shard_wake(s); /* who has hold may wait for this end */
}

/* What was looked at does not fire; its word is @is. */
rota_inline void
trace_not_fired(const struct rota_shard *s, const struct rota_kind *k,
    const struct rota_timer *t, enum state_expire how, uint64_t is)
{
	if (kind_traced(k))
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

/* Look at @t, whose entry says (@when, @seq). That may be before what its
 * word says by now: the deadline was pushed, or it was armed anew for the
 * same instant and ranks behind others. */
rota_inline enum state_expire
expire_entry(struct poll *p, struct rota_kind *k, struct rota_timer *t,
    uint64_t when, uint32_t seq, uint64_t *is, const bool confined)
{
	bool behind = seq_before(seq, t->r_seq);

	return expire_one(p, k, t, when + !behind, is, confined);
}

/* The first of the heap is due, by its place. True: not by its word. */
rota_inline bool
step_heap(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	struct heap *h = &s->queue.heap;
	struct heap_entry first = *heap_first(h);
	struct rota_timer *t = timer_of(*heap_item(h, first.id));
	struct rota_kind *k;
	enum state_expire how;
	uint64_t is, d, when;

	if (object_lost(s, t)) {
		heap_take(h, 0);
		return false;
	}
	k = kind_unchecked(t);
	/* The way through the heap outweighs what a short way would spare. */
	how = expire_entry(p, k, t, first.when, first.seq, &is, false);
	d = ST_DEADLINE(is);
	switch (how) {
	case EXPIRE_FIRE:
		heap_take(h, 0);
		fire(p, k, t, is, false);
		return false;
	case EXPIRE_DROP:
		heap_take(h, 0);
		break;
	case EXPIRE_DEFER:
		heap_take(h, 0);
		heap_bag(h, &t->r_place);
		deferred(k, t);
		break;
	case EXPIRE_REFILE:
		when = d;
		if (backend == ROTA_HEAP) {
			heap_rekey(h, 0, d, t->r_seq);
		} else {
			heap_take(h, 0);
			when = backend_insert(
			    &s->queue, backend, &t->r_place, d, t->r_seq, 0);
		}
		shard_set_key(k, t, d, when);
		break;
	}
	trace_not_fired(s, k, t, how, is);
	return how == EXPIRE_REFILE;
}

/* The first of the run is due. */
rota_inline void
step_run(struct poll *p, struct run_entry *e, struct rota_kind *k,
    const bool confined)
{
	struct rota_shard *s = p->s;
	struct run *r = &s->queue.run;
	struct rota_timer *t = timer_of(e->item);
	enum state_expire how;
	uint64_t is, d;

	how = expire_entry(
	    p, k, t, run_when(r, e), run_seq(r, e), &is, confined);
	d = ST_DEADLINE(is);
	run_take(r, e);
	switch (how) {
	case EXPIRE_FIRE:
		fire(p, k, t, is, confined);
		return;
	case EXPIRE_DROP:
		break;
	case EXPIRE_DEFER:
		backend_defer(&s->queue, ROTA_WHEEL, &t->r_place);
		deferred(k, t);
		break;
	case EXPIRE_REFILE:
		shard_set_key(k, t, d,
		    backend_insert(
			&s->queue, ROTA_WHEEL, &t->r_place, d, t->r_seq, 0));
		break;
	}
	if (!confined)
		trace_not_fired(s, k, t, how, is);
}

/* One item of a slot of a coarse wheel. */
rota_inline void
step_coarse(struct poll *p, struct rota_timer *t, struct rota_kind *k,
    const bool confined)
{
	enum state_expire how;
	uint64_t is, d;

	how = expire_one(p, k, t, p->now + 1, &is, confined);
	d = ST_DEADLINE(is);
	switch (how) {
	case EXPIRE_FIRE:
		fire(p, k, t, is, confined);
		return;
	case EXPIRE_DROP:
		break;
	case EXPIRE_DEFER:
		backend_defer(&p->s->queue, ROTA_WHEEL_COARSE, &t->r_place);
		deferred(k, t);
		break;
	case EXPIRE_REFILE:
		shard_set_key(k, t, d,
		    backend_insert(&p->s->queue, ROTA_WHEEL_COARSE, &t->r_place,
			d, t->r_seq, (uint64_t)k->slack));
		break;
	}
	if (!confined)
		trace_not_fired(p->s, k, t, how, is);
}

/* File @t, which came out of the slot that @s drains. */
rota_inline void
cascade_one(struct rota_shard *s, struct rota_timer *t)
{
	struct wheel *w = &s->queue.wheel;
	struct run *r = &s->queue.run;
	struct rota_kind *k;
	uint64_t d;

	if (!keep(s, t, &d))
		return;
	k = kind_unchecked(t);
	if (d >> WHEEL_TICK_BITS > w->pos) {
		shard_set_key(k, t, d,
		    wheel_insert(w, &t->r_place, d >> WHEEL_TICK_BITS)
			<< WHEEL_TICK_BITS);
		return;
	}
	shard_set_key(k, t, d, d);
	if (d < r->start || !run_add(r, &t->r_place, d, t->r_seq))
		heap_insert(&s->queue.heap, &t->r_place, d, t->r_seq);
}

/* An entry goes into @h at the top or comes out: a step, two or three by how dear
 * that is; what is left of a poll is enough for one. */
rota_inline void
spend(const struct heap *h, uint64_t *left)
{
	--*left;
	if (rota_unlikely(h->len > HEAP_DEAR)) {
		uint64_t more = 1 + (h->len > 4 * HEAP_DEAR);

		*left -= more < *left ? more : *left;
	}
}

/* Entries that are sorted in one step. Of 16,384 of one instant, in no order,
 * eight take 270 ns. */
#define SORT_STEP 8

/* Put what was poured in order. Sorting all at once is cheapest; where a poll's
 * budget does not allow for that they go to the heap one by one. False: out of
 * steps. */
static rota_noinline bool
run_ready(struct poll *p)
{
	struct queue *b = &p->s->queue;
	uint64_t cost = b->run.end / SORT_STEP, when;
	uint32_t *item, seq;

	if (cost <= p->budget) {
		if (cost > p->left)
			return false;
		p->left -= cost;
		rota__run_sort(&b->run);
		return true;
	}
	while (p->left) {
		item = run_uncollect(&b->run, &when, &seq);
		if (!item)
			return true;
		spend(&b->heap, &p->left); /* it goes all the way up */
		heap_insert(&b->heap, item, when, seq);
	}
	return false;
}

/* Empty the slots that start at pos, from the highest level down: what is due
 * in that tick goes to the run, the rest further down the wheel, or later. Then
 * sort the run. False: out of steps. */
static rota_noinline bool
cascade(struct poll *p)
{
	struct rota_shard *s = p->s;
	struct wheel *w = &s->queue.wheel;
	struct run *r = &s->queue.run;
	uint32_t *item[WHEEL_CHUNK];

	if (r->sorted)
		run_open(r, w->pos << WHEEL_TICK_BITS, (uint32_t)s->hot.seq);
	while (w->draining != WHEEL_NONE || w->next_expiry == w->pos) {
		uint32_t n;

		if (!p->left)
			return false;
		if (w->draining == WHEEL_NONE)
			wheel_begin(w, w->pos);
		n = wheel_take_many(w, w->draining, item, p->left);
		p->left -= n;
		while (n-- > 0) {
			if (n >= WHEEL_PREFETCH)
				rota_prefetch(item[n - WHEEL_PREFETCH]);
			cascade_one(s, timer_of(item[n]));
		}
	}
	return run_ready(p);
}

/* File @t, which came out of the slot of @level that starts next, at tick
 * @start: below that level, unless it is due behind that slot by now. */
rota_inline void
cascade_early_one(struct rota_shard *s, struct rota_timer *t, uint32_t level,
    uint64_t start, const enum rota_backend backend)
{
	struct rota_kind *k;
	uint64_t d, tick, when;

	if (!keep(s, t, &d))
		return;
	k = kind_unchecked(t);
	tick = backend_tick(backend, d, (uint64_t)k->slack);
	if (rota_likely(wheel_first(tick, level) == start))
		when = wheel_insert_at(
			   &s->queue.wheel, &t->r_place, tick, level - 1)
		    << WHEEL_TICK_BITS;
	else /* reset: for later, or for earlier and in the inbox */
		when = backend_insert(&s->queue, backend, &t->r_place, d,
		    t->r_seq, (uint64_t)k->slack);
	shard_set_key(k, t, d, when);
}

/* Pour what slots above the lowest level have before they start: then little
 * is left when they do, and what is due waits for no slot that holds much. */
rota_inline void
cascade_early(struct poll *p, const enum rota_backend backend)
{
	struct wheel *w = &p->s->queue.wheel;
	uint32_t *item[WHEEL_CHUNK], level = 0, slot;
	uint64_t n;

	while ((n = rota__wheel_early(w, &level, &slot))) {
		uint64_t start =
		    wheel_chunk(w, wheel_head(&w->slot[slot]))->start;

		while (n > 0 && wheel_used(w, slot)) {
			uint32_t most;

			if (!p->left)
				return;
			most = wheel_take_many(
			    w, slot, item, n < p->left ? n : p->left);
			n -= most;
			p->left -= most;
			while (most-- > 0) {
				if (most >= WHEEL_PREFETCH)
					rota_prefetch(
					    item[most - WHEEL_PREFETCH]);
				cascade_early_one(p->s, timer_of(item[most]),
				    level, start, backend);
			}
		}
	}
	w->led = w->pos;
}

static rota_noinline void
ahead(struct poll *p)
{
	struct rota_shard *s = p->s;

	if (s->backend == ROTA_WHEEL)
		cascade_early(p, ROTA_WHEEL);
	else
		cascade_early(p, ROTA_WHEEL_COARSE);
	s->lead = rota__wheel_early_from(&s->queue.wheel) << WHEEL_TICK_BITS;
}

uint64_t
rota__shard_rekey_due(
    struct rota_shard *s, uint64_t upto, uint64_t now, uint64_t most)
{
	struct heap *h = &s->queue.heap;
	uint32_t at[HEAP_MANY], n = heap_due(h, upto, at), pushed = 0;

	for (uint32_t i = 0; i < n; i++)
		rota_prefetch(*heap_item(h, heap_at(h, at[i])->id));
	for (uint32_t i = 0; i < n && pushed < most; i++) {
		struct heap_entry *e = heap_at(h, at[i]);
		struct rota_timer *t = timer_of(*heap_item(h, e->id));
		uint64_t due = now < e->when ? e->when : now;
		uint64_t w;

		if (object_lost(s, t))
			continue;
		/* As state_expire(): only a later place. */
		w = word_load(&t->r_word, relaxed);
		if (!(w & ST_ARMED) || ST_DEADLINE(w) <= due)
			continue;
		e->when = ST_DEADLINE(w);
		e->seq = t->r_seq;
		trace(s, kind_unchecked(t), t, ROTA_TRACE_FILE, w);
		shard_set_key(kind_unchecked(t), t, e->when, e->when);
		at[pushed++] = at[i];
	}
	count_add(&s->count.moves, pushed);
	heap_settle(h, at, pushed);
	return pushed;
}

/* Out of steps, or of room in @out. */
rota_inline bool
no_more(const struct poll *p)
{
	return !p->left || (p->out && p->given == p->room);
}

/* Bring up all that is due. False: no_more(), or another thread has hold. */
rota_inline bool
expire_heap(struct poll *p)
{
	struct heap *h = &p->s->queue.heap;

	for (;;) {
		if (!h->len || heap_first(h)->when > p->now)
			return true;
		if (no_more(p))
			return false;
		spend(h, &p->left);
		if (step_heap(p, ROTA_HEAP))
			p->left -= rota__shard_rekey_due(
			    p->s, p->now, p->now, p->left);
		if (p->lost_lock)
			return false;
	}
}

/* Of a coarse wheel: what was deferred is a slot, after which one that is due
 * has its turn. */
static rota_noinline void
turn(struct poll *p)
{
	struct wheel *w = &p->s->queue.wheel;

	if (p->s->others && w->next_expiry <= p->now >> WHEEL_TICK_BITS) {
		p->s->others = p->undeferred = false;
	} else {
		p->s->others = true;
		wheel_begin_later(w);
	}
}

rota_inline bool
expire_coarse(struct poll *p)
{
	struct wheel *w = &p->s->queue.wheel;

	for (;;) {
		if (!p->undeferred && w->draining == WHEEL_NONE) {
			p->undeferred = true;
			if (rota_unlikely(wheel_later(w)))
				turn(p);
		}
		if (!wheel_begin(w, p->now >> WHEEL_TICK_BITS))
			return true;
		do {
			struct rota_timer *t;
			struct rota_kind *k;

			if (no_more(p))
				return false;
			p->left--;
			t = timer_of(wheel_take(w));
			if (object_lost(p->s, t))
				continue;
			k = kind_unchecked(t);
			if (fast_path(p, k))
				step_coarse(p, t, k, true);
			else
				step_coarse(p, t, k, false);
			if (p->lost_lock)
				return false;
		} while (w->draining != WHEEL_NONE);
	}
}

/* The run as far as it is due and before the first of the heap. False: as
 * expire(), or *@done: no more is due. */
rota_inline bool
expire_run(struct poll *p, struct run_entry **first, bool *done)
{
	struct queue *b = &p->s->queue;
	struct run_entry *e;

	while ((e = run_first(&b->run)) &&
	    (!b->heap.len ||
		heap_before(run_when(&b->run, e), run_seq(&b->run, e),
		    heap_first(&b->heap)))) {
		struct rota_kind *k;

		if (object_lost(p->s, timer_of(e->item))) {
			run_take(&b->run, e);
			continue;
		}
		k = kind_unchecked(timer_of(e->item));
		*done = run_when(&b->run, e) > p->now;
		if (*done || no_more(p))
			return false;
		p->left--;
		if (fast_path(p, k))
			step_run(p, e, k, true);
		else
			step_run(p, e, k, false);
		if (p->lost_lock)
			return false;
	}
	*first = e;
	return true;
}

/* All in the run is before anything in the wheel. */
rota_inline bool
expire_exact(struct poll *p)
{
	struct queue *b = &p->s->queue;

	while (!p->lost_lock) {
		const struct heap_entry *h;
		struct run_entry *e;
		uint64_t upto = p->now;
		bool done = false;

		/* A poll ended there, or what was to be poured was taken out. */
		if (rota_unlikely(!b->run.sorted) && !cascade(p))
			return false;
		if (!expire_run(p, &e, &done))
			return done;
		/* An adopter, during a callback, came to the next slot. */
		if (rota_unlikely(!b->run.sorted))
			continue;
		h = b->heap.len ? heap_first(&b->heap) : NULL;
		if (h && h->when < upto)
			upto = h->when;
		if (!e && wheel_begin(&b->wheel, upto >> WHEEL_TICK_BITS)) {
			if (!cascade(p))
				return false;
			continue;
		}
		if (!h || h->when > p->now)
			return true;
		if (no_more(p))
			return false;
		spend(&b->heap, &p->left);
		step_heap(p, ROTA_WHEEL);
	}
	return false;
}

rota_inline bool
expire(struct poll *p, const enum rota_backend backend)
{
	switch (backend) {
	case ROTA_HEAP:
		return expire_heap(p);
	case ROTA_WHEEL:
		return expire_exact(p);
	case ROTA_WHEEL_COARSE:
		return expire_coarse(p);
	}
	return true;
}

/* Of @entries, with @live timers armed: is a sweep worth its while? It begins. */
rota_inline bool
sweep_begins(struct rota_shard *s, uint64_t entries, uint64_t live)
{
	if (entries <= live || entries - live <= entries / 2 ||
	    entries - live <= SWEEP_LEAST)
		return false;
	s->chores |= SHARD_SWEEPS;
	s->sweep = (struct backend_cursor){ 0, 0, 0 };
	return true;
}

/* There is a chore: is it a sweep, if one that begins? Else memory goes back, or
 * it is found that there is no more to give. */
static rota_noinline bool
chore(struct poll *p, uint64_t entries, uint64_t live)
{
	struct rota_shard *s = p->s;

	if (s->chores & SHARD_SWEEPS || sweep_begins(s, entries, live))
		return true;
	if (no_more(p)) /* there is something better to do */
		return false;
	count_add(&s->count.steps, rota__shard_trim(s, p->budget));
	if (!shard_trims(s))
		s->chores &= ~(unsigned)SHARD_TRIMS;
	return false;
}

/* Take zombies out once they are many; a walk goes on from poll to poll. */
static void
sweep(struct poll *p)
{
	struct rota_shard *s = p->s;
	uint64_t entries = backend_len(&s->queue);
	uint64_t live = rota__shard_live(s);
	uint64_t most = p->budget < SWEEP_SLICE ? p->budget : SWEEP_SLICE;
	uint64_t left = most;
	uint32_t *item;
	bool end;

	if (rota_likely(!s->chores)) {
		if (!sweep_begins(s, entries, live))
			return;
	} else if (!chore(p, entries, live)) {
		return;
	}
	for (; left; left--) {
		struct rota_timer *t;
		uint64_t is;

		backend_visit_prefetch(&s->queue, &s->sweep);
		item = backend_visit_step(&s->queue, &s->sweep, &end);
		if (end) {
			s->chores &= ~(unsigned)SHARD_SWEEPS;
			p->walked = true;
			break;
		}
		if (!item)
			continue;
		t = timer_of(item);
		if (object_lost(s, t) ||
		    state_keep(
			&t->r_word, kind_confined(kind_unchecked(t)), &is))
			continue;
		backend_unvisit(&s->sweep, item);
		trace(s, kind_unchecked(t), t, ROTA_TRACE_DROP, is);
		if (s->queue.heap.len > HEAP_DEAR && left > 2)
			left -= 2;
		shard_remove(s, t);
		count_add(&s->count.swept, 1);
	}
	count_add(&s->count.steps, most - left);
	word_store(&s->entries, backend_len(&s->queue), relaxed);
}

rota_inline bool
poll(struct poll *p, const enum rota_backend backend)
{
	struct rota_shard *s = p->s;
	uint64_t steps, undeferred;
	bool done, expired;

	flush_staging(s, backend);
	leave(s, backend);
	p->left = p->budget;
	done = undefer_all(p, backend);
	undeferred = steps = p->budget - p->left;
	p->left = p->budget;
	done &= drain(p, backend);
	steps += p->budget - p->left;
	s->poll_seq = word_load(&s->hot.seq, relaxed); /* its own */
	p->left = p->budget;
	expired = expire(p, backend);
	count_add(&s->count.steps, steps + p->budget - p->left);
	if (p->lost_lock)
		return false;
	if (rota_unlikely(!expired)) {
		if (backend != ROTA_WHEEL_COARSE)
			s->others = undeferred;
		defer_staged(s);
	}
	if (rota_unlikely(p->now >= s->lead)) {
		p->left = p->budget;
		ahead(p);
		count_add(&s->count.steps, p->budget - p->left);
	}
	leave(s, backend); /* this poll's callback may have been waited for */
	flush_staging(s, backend); /* last: what a `released` armed, too */
	shard_publish_entries(s);
	sweep(p);
	return done && expired;
}

void
rota__shard_drain(struct rota_shard *s)
{
	struct poll p = { .s = s, .left = UINT64_MAX };
	struct rota_self *outer = &s->outer[ROLE_OWNER];

	*outer = rota__self;
	rota__self = (struct rota_self){ s, ROLE_OWNER, outer };
	rota__shard_flush_staging(s);
	SHARD_SWITCH(s, leave(s, BACKEND));
	SHARD_SWITCH(s, drain(&p, BACKEND));
	rota__shard_flush_staging(s); /* what a `released` armed */
	shard_publish_entries(s);
	shard_busy(s);
	rota__self = *outer;
}

int
rota__shard_poll(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n)
{
	struct poll p = {
		.s = s,
		.now = shard_advance(s, now),
		.budget = budget ? budget : UINT64_MAX,
		.role = role,
		.out = out,
		.room = out ? *n : 0,
	};
	struct rota_self *outer = &s->outer[role];
	bool done = false;
	uint64_t next, stops = shard_stops(s);

	*outer = rota__self;
	rota__self = (struct rota_self){ s, role, outer };
	s->idle_until = s->heed = 0;
	SHARD_SWITCH(s, done = poll(&p, BACKEND));
	if (out)
		*n = p.given;
	rota__self = *outer;
	if (p.lost_lock)
		return 1;
	next = (uint64_t)rota__shard_next(s);
	PROBE_POLL(s->index, p.now, !done);
	shard_publish_next(s, next);
	/* A sweep that ended may be owed another: behind it there may have
	 * been stops. */
	s->idle_until = done && !s->chores && !p.walked &&
		!s->deferred_releases && next > p.now
	    ? next
	    : 0;
	s->heed = s->idle_until;
	s->idle_stops = stops;
	return !done;
}
