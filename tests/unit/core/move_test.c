/* SPDX-License-Identifier: MIT
 *
 * move_test.c - rota_timer_move(): a timer goes to another kind.
 * Claims: what is armed keeps its deadline and fires there, once, wherever it
 * was filed; what is not armed can be armed there; the owner there is woken in
 * time; the figures balance, of shards and of kinds, and a kind that was left
 * can be released; without room nothing has changed; who may not, or not yet,
 * is told so; a shard that retires passes on what is moved to it.
 */
#define _POSIX_C_SOURCE 200809L /* pthread_barrier_t */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"
#include "tests/support/world.h"

#define TWO(name, which, flag)                              \
	static const struct world_row name = {              \
		.backend = which, .shards = 3, .kind = flag \
	}
TWO(two_heap, ROTA_HEAP, 0);
TWO(two_wheel, ROTA_WHEEL, 0);
TWO(two_coarse, ROTA_WHEEL_COARSE, 0);
TWO(two_heap_confined, ROTA_HEAP, ROTA_CONFINED);
TWO(two_wheel_confined, ROTA_WHEEL, ROTA_CONFINED);
TWO(two_coarse_confined, ROTA_WHEEL_COARSE, ROTA_CONFINED);
static const struct world_row adopt_heap = { .backend = ROTA_HEAP,
	.shards = 3,
	.flags = ROTA_ADOPT };
static const struct world_row adopt_wheel = { .backend = ROTA_WHEEL,
	.shards = 3,
	.flags = ROTA_ADOPT };

/* Another shard, and a kind on it as that of the world. */
struct other {
	struct rota_shard *s;
	struct rota_kind kind;
	int r[2]; /* what moves in a callback answered */
};

static void
other_kind(struct world *w, struct other *o, unsigned shard, uint32_t flags)
{
	o->s = rota_engine_shard(w->engine, shard);
	assert_int_equal(rota_kind_init(&o->kind, o->s,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "other",
				 .flags = flags }),
	    0);
}

/* The same, and the shard is ours. */
static void
other_open(struct world *w, struct other *o)
{
	other_kind(w, o, 1, w->row->kind);
	assert_int_equal(rota_shard_attach(o->s), 0);
}

static void
poll_all(struct rota_shard *s, rota_time now)
{
	while (rota_shard_poll(s, now, 0) == 1)
		;
	assert_int_equal(rota_shard_check(s), 0);
}

static void
balanced(struct world *w)
{
	struct rota_stats s = world_stat(w);

	assert_int_equal(s.starts, s.fires + s.stops + s.live);
}

enum { MANY = 300 };

static void
what_is_armed_fires_there_at_its_deadline_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);
	struct other o;

	other_open(w, &o);
	for (unsigned i = 0; i < MANY; i++) {
		rota_timer_reset_at(&p[i].timer, (1 + i % 50) * TICK);
		if (i == MANY / 2) /* so that the rest is staged */
			poll_all(w->shard, 0);
	}
	for (unsigned i = 0; i < MANY; i += 5)
		rota_timer_stop(&p[i].timer);
	for (unsigned i = 1; i < MANY; i += 5) /* its entry says another */
		rota_timer_reset_at(&p[i].timer, (2 + i % 50) * TICK);
	for (unsigned i = 0; i < MANY; i += 2) {
		rota_time d = rota_timer_deadline(&p[i].timer);

		assert_int_equal(
		    rota_timer_move(&p[i].timer, &o.kind), i % 5 != 0);
		assert_int_equal(rota_timer_pending(&p[i].timer), i % 5 != 0);
		assert_true(rota_timer_deadline(&p[i].timer) == d);
	}
	balanced(w);
	assert_int_equal(rota_shard_check(w->shard), 0);
	for (unsigned n = 1; n <= 51; n++) {
		rota_time now = n * TICK;

		poll_all(w->shard, now);
		for (unsigned i = 0; i < MANY; i += 2)
			assert_int_equal(p[i].fires,
			    i % 5 && rota_timer_deadline(&p[i].timer) < now);
		poll_all(o.s, now);
		for (unsigned i = 0; i < MANY; i++)
			assert_int_equal(p[i].fires,
			    i % 5 && rota_timer_deadline(&p[i].timer) <= now);
	}
	w->fired = 0;
	balanced(w);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_int_equal(rota_kind_release(&o.kind), 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
what_is_done_to_it_afterwards_is_done_there(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 8);
	struct other o;

	other_open(w, &o);
	for (unsigned i = 0; i < 7; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	poll_all(w->shard, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rota_timer_move(&p[i].timer, &o.kind), i < 7);
	/* before it is filed there */
	assert_int_equal(rota_timer_stop(&p[0].timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 2 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p[2].timer, 20 * TICK), 1);
	assert_int_equal(rota_timer_release(&p[3].timer), 1);
	assert_int_equal(rota_timer_reset_at(&p[7].timer, 3 * TICK), 0);
	poll_all(o.s, 2 * TICK);
	expect_fired(w, 1);
	assert_int_equal(w->freed, 1);
	poll_all(o.s, 3 * TICK);
	expect_fired(w, 7);
	/* and after */
	assert_int_equal(rota_timer_stop(&p[4].timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset_at(&p[5].timer, 4 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p[6].timer, 30 * TICK), 1);
	poll_all(o.s, 4 * TICK);
	expect_fired(w, 5);
	assert_int_equal(rota_timer_release(&p[6].timer), 0);
	poll_all(o.s, 20 * TICK);
	expect_fired(w, 2);
	/* and back */
	assert_int_equal(rota_timer_reset_at(&p[2].timer, 25 * TICK), 0);
	assert_int_equal(rota_timer_move(&p[2].timer, &w->kind), 1);
	poll_all(o.s, 30 * TICK);
	expect_nothing(w);
	poll_all(w->shard, 25 * TICK);
	expect_fired(w, 2);
	balanced(w);
}

static void
the_figures_move_with_it(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10);
	struct rota_stats a, b;
	struct other o;

	other_open(w, &o);
	for (unsigned i = 0; i < 6; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	poll_all(w->shard, 0);
	for (unsigned i = 4; i < 8; i++)
		assert_true(rota_timer_move(&p[i].timer, &o.kind) >= 0);
	rota_shard_stat(w->shard, &a);
	rota_shard_stat(o.s, &b);
	assert_int_equal(a.timers, 6);
	assert_int_equal(b.timers, 4);
	assert_int_equal(a.live, 4);
	assert_int_equal(b.live, 2);
	assert_int_equal(a.entries, 4);
	assert_int_equal(w->kind.r_timers, 6);
	assert_int_equal(o.kind.r_timers, 4);
	poll_all(o.s, 10 * TICK);
	poll_all(w->shard, 6 * TICK);
	w->fired = 0;
	rota_shard_stat(w->shard, &a);
	rota_shard_stat(o.s, &b);
	assert_int_equal(a.live, 2);
	assert_int_equal(a.fires, 2);
	assert_int_equal(b.live, 0);
	assert_int_equal(b.fires, 2);
	assert_int_equal(b.pushes, 0);
	assert_int_equal(world_stat(w).starts, 6);
	balanced(w);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	balanced(w);
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

/* A poll before anything is due, which would be idle. What it tells other
 * threads is looked at: the owner's own question would count anew. */
static void
the_next_poll_counts_its_entry_no_more(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct other o;

	other_open(w, &o);
	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 9 * TICK);
	poll_all(w->shard, 0);
	assert_int_equal(word_load(&w->shard->entries, relaxed), 2);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), 1);
	poll_all(w->shard, 1);
	assert_int_equal(word_load(&w->shard->entries, relaxed), 1);
	poll_all(o.s, 1);
	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	assert_int_equal(rota_timer_release(&p[1].timer), 0);
	assert_int_equal(rota_kind_release(&o.kind), 0);
}

static void
to_another_kind_of_the_same_shard(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct other o;

	other_kind(w, &o, 0, w->row->kind);
	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), 1);
	assert_int_equal(rota_timer_move(&p[1].timer, &w->kind), 1); /* as is */
	assert_int_equal(rota_timer_move(&p[2].timer, &o.kind), 0);
	assert_int_equal(o.kind.r_timers, 2);
	assert_int_equal(w->kind.r_timers, 1);
	assert_int_equal(world_stat(w).timers, 3);
	assert_true(rota_shard_next(w->shard) <= 3 * TICK);
	poll_all(w->shard, 3 * TICK);
	expect_fired(w, 1);
	poll_all(w->shard, 5 * TICK);
	expect_fired(w, 0);
	balanced(w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_int_equal(rota_kind_release(&o.kind), 0);
}

/* A confined one becomes anybody's, and the other way round. */
static void
the_rules_are_those_of_the_new_kind(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct other free, own;

	other_kind(w, &free, 1, 0);
	other_kind(w, &own, 1, ROTA_CONFINED);
	assert_int_equal(rota_shard_attach(free.s), 0);
	for (unsigned i = 0; i < 2; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	poll_all(w->shard, 0);
	assert_int_equal(rota_timer_move(&p[0].timer, &free.kind), 1);
	assert_int_equal(rota_timer_move(&p[1].timer, &own.kind), 1);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 9 * TICK), 1);
	poll_all(free.s, TICK);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 7 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 8 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 6 * TICK), 1);
	poll_all(free.s, 6 * TICK);
	expect_fired(w, 1);
	poll_all(free.s, 7 * TICK);
	expect_fired(w, 0);
	balanced(w);
}

static void
a_parked_owner_is_woken_for_an_earlier_one_only(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct other o;

	other_open(w, &o);
	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, (5 + 10 * i) * TICK);
	poll_all(w->shard, 0);
	assert_int_equal(rota_timer_move(&p[1].timer, &o.kind), 1);
	poll_all(o.s, 0);
	assert_true(rota_shard_park(o.s) > 5 * TICK);
	w->wakes = 0;
	assert_int_equal(rota_timer_move(&p[2].timer, &o.kind), 1);
	assert_int_equal(w->wakes, 0);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), 1);
	assert_int_equal(w->wakes, 1);
	assert_true(rota_shard_next(o.s) <= 5 * TICK);
	poll_all(o.s, 5 * TICK);
	expect_fired(w, 0);
	poll_all(o.s, 25 * TICK);
	expect_fired(w, 1, 2);
}

/* In the callback of one the other is moved, which is due as well. */
static void
moves(struct probe *p, rota_time now)
{
	struct other *o = p->arg;

	(void)now;
	o->r[0] = rota_timer_move(&p[1].timer, &o->kind);
	o->r[1] = rota_timer_move(&p[2].timer, &o->kind);
}

static void
what_is_due_is_moved_in_the_callback_of_another(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);
	struct other o;

	other_open(w, &o);
	p->then = moves;
	p->arg = &o;
	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 5 * TICK + 1);
	rota_timer_reset_at(&p[2].timer, 50 * TICK);
	rota_timer_reset_at(&p[3].timer, 5 * TICK + 2);
	poll_all(w->shard, 0);
	if (w->row->backend == ROTA_WHEEL_COARSE) /* or it may be first */
		rota_timer_reset_at(&p[1].timer, 7 * TICK);
	poll_all(w->shard, 6 * TICK);
	assert_int_equal(o.r[0], 1);
	assert_int_equal(o.r[1], 1);
	assert_int_equal(w->fired, 2); /* a coarse wheel tells no order */
	assert_int_equal(p[0].fires + p[3].fires, 2);
	w->fired = 0;
	poll_all(o.s, 7 * TICK);
	expect_fired(w, 1);
	poll_all(o.s, 50 * TICK);
	expect_fired(w, 2);
	balanced(w);
}

static void
arms_for_the_past(struct probe *p, rota_time now)
{
	(void)now;
	rota_timer_reset_at(&p[1].timer, 0);
}

static void
what_is_deferred_is_moved(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct other o;

	other_open(w, &o);
	p->then = arms_for_the_past;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, TICK + 1);
	rota_shard_poll(w->shard, 3 * TICK, 0);
	w->fired = 0;
	if (rota_timer_pending(&p[1].timer)) {
		assert_int_equal(rota_timer_move(&p[1].timer, &o.kind), 1);
		poll_all(w->shard, 4 * TICK);
		expect_nothing(w);
		poll_all(o.s, 0);
		expect_fired(w, 1);
	}
	balanced(w);
}

static void
moves_itself(struct probe *p, rota_time now)
{
	struct other *o = p->arg;

	(void)now;
	o->r[0] = rota_timer_move(&p->timer, &o->kind);
	rota_timer_reset_at(&p->timer, 9 * TICK);
	o->r[1] = rota_timer_move(&p->timer, &o->kind);
}

struct far {
	struct rota_timer *t;
	struct rota_kind *to;
	int r;
};

static void
move_there(void *arg)
{
	struct far *f = arg;

	f->r = rota_timer_move(f->t, f->to);
}

static void
who_may_not_is_told_so(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct rota_timer none = { 0 };
	struct rota_kind no_kind = { 0 };
	struct rota_engine *e;
	struct rota_config c = world_config(w);
	struct rota_kind foreign;
	struct other o;
	struct far f = { &p[1].timer, &o.kind, 1 };

	other_open(w, &o);
	assert_int_equal(rota_timer_move(NULL, &o.kind), -EINVAL);
	assert_int_equal(rota_timer_move(&none, &o.kind), -EINVAL);
	assert_int_equal(rota_timer_move(&p->timer, NULL), -EINVAL);
	assert_int_equal(rota_timer_move(&p->timer, &no_kind), -EINVAL);
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_kind_init(&foreign, rota_engine_shard(e, 0),
			     &(struct rota_kind_config){ .fire = probe_fire }),
	    0);
	assert_int_equal(rota_timer_move(&p->timer, &foreign), -EINVAL);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	p->then = moves_itself;
	p->arg = &o;
	w->logs = 0;
	rota_timer_reset_at(&p->timer, TICK);
	poll_all(w->shard, TICK);
	expect_fired(w, 0);
	assert_int_equal(o.r[0], -EDEADLK);
	assert_int_equal(o.r[1], -EDEADLK);
	assert_int_equal(w->logs, 1);
	assert_non_null(strstr(w->log, "rota_timer_move"));
	p->then = NULL;
	poll_all(w->shard, 9 * TICK);
	expect_fired(w, 0);
	elsewhere(move_there, &f);
	assert_int_equal(f.r, -EPERM);
	assert_int_equal(w->logs, 2);
	assert_int_equal(o.kind.r_timers, 0);
	/* moved once it has returned */
	assert_int_equal(rota_timer_move(&p->timer, &o.kind), 0);
	balanced(w);
}

/* In the inbox, and in what a poll took from it. */
static void
what_others_have_armed_is_polled_first(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);
	struct other o;

	other_open(w, &o);
	for (unsigned i = 0; i < 3; i++)
		elsewhere_reset_at(&p[i].timer, 5 * TICK);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), -EAGAIN);
	assert_int_equal(rota_shard_poll(w->shard, 0, 1), 1);
	assert_int_equal(rota_timer_move(&p[2].timer, &o.kind), -EAGAIN);
	assert_int_equal(o.kind.r_timers, 0);
	poll_all(w->shard, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rota_timer_move(&p[i].timer, &o.kind), 1);
	assert_int_equal(elsewhere_release(&p[3].timer), 1);
	assert_int_equal(rota_timer_move(&p[3].timer, &o.kind), -EINVAL);
	poll_all(w->shard, 9 * TICK);
	expect_nothing(w);
	assert_int_equal(w->freed, 1);
	poll_all(o.s, 5 * TICK);
	assert_int_equal(w->fired, 3);
	w->fired = 0;
	balanced(w);
}

static void
without_room_nothing_has_changed(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct other o;
	struct probe *filler;
	unsigned n = 0, max = 1 << 18;
	struct rota_stats b;

	other_open(w, &o);
	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	poll_all(w->shard, 0);
	w->mem.sealed = 1;
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), -ENOMEM);
	w->mem.sealed = 0;
	filler = calloc(max, sizeof(*filler));
	assert_non_null(filler);
	for (n = 0; n < max; n++)
		assert_int_equal(rota_timer_init(&filler[n].timer, &o.kind), 0);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), -ENOSPC);
	assert_non_null(strstr(w->log, "rota_timer_move"));
	assert_int_equal(rota_timer_move(&p[1].timer, &o.kind), -ENOSPC);
	rota_shard_stat(o.s, &b);
	assert_int_equal(b.timers, max);
	assert_int_equal(o.kind.r_timers, max);
	assert_int_equal(w->kind.r_timers, 2);
	assert_int_equal(rota_timer_release(&filler[0].timer), 0);
	assert_int_equal(rota_timer_move(&p[1].timer, &o.kind), 0);
	poll_all(w->shard, 5 * TICK);
	expect_fired(w, 0);
	for (n = 1; n < max; n++)
		assert_int_equal(rota_timer_release(&filler[n].timer), 0);
	free(filler);
	balanced(w);
}

static void
a_shard_that_retired_passes_it_on(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct rota_shard *target = rota_engine_shard(w->engine, 2);
	struct other o;

	other_open(w, &o);
	assert_int_equal(rota_shard_attach(target), 0);
	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), 1);
	assert_int_equal(rota_shard_retire(o.s, target), 0);
	assert_int_equal(rota_timer_move(&p[1].timer, &o.kind), 1);
	poll_all(o.s, 9 * TICK);
	expect_nothing(w);
	poll_all(target, 9 * TICK);
	assert_int_equal(w->fired, 2);
	/* and from the heir, which is where the kind is by now */
	rota_timer_reset_at(&p[0].timer, 12 * TICK);
	assert_int_equal(rota_timer_move(&p[0].timer, &w->kind), 1);
	poll_all(w->shard, 12 * TICK);
	assert_int_equal(w->fired, 4);
	w->fired = 0;
	balanced(w);
}

/* Between two threads, each the owner of a shard: what fires on one is sent to
 * the other, until all have gone to and fro. Nobody else calls. */
enum { BALLS = 64, ROUNDS = 200 };

struct ball {
	struct rota_timer timer;
	rota_link next; /* of what its player has to send */
	struct player *at;
	unsigned hops;
};

struct player {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind;
	struct player *other;
	rota_word *left, *clock; /* both theirs */
	struct ball *fired;
	unsigned wrong; /* answers */
	pthread_barrier_t *start;
};

static void
hits(struct rota_timer *t, rota_time now)
{
	struct ball *b = rota_container_of(t, struct ball, timer);
	struct player *me = b->at;

	(void)now;
	b->hops++;
	b->next = me->fired;
	me->fired = b;
}

static void *
play(void *arg)
{
	struct player *me = arg;
	rota_time now;
	struct ball *b;

	me->wrong += rota_shard_attach(me->s) != 0;
	pthread_barrier_wait(me->start);
	while (word_load(me->left, acquire)) {
		now = (rota_time)word_add(me->clock, (uint64_t)TICK, relaxed);
		while (rota_shard_poll(me->s, now, 0) == 1)
			;
		while ((b = me->fired)) {
			me->fired = b->next;
			if (b->hops == ROUNDS) {
				word_add(me->left, (uint64_t)0 - 1, release);
				continue;
			}
			b->at = me->other;
			me->wrong += rota_timer_reset_at(
					 &b->timer, now + TICK / 2) != 0;
			me->wrong += rota_timer_move(
					 &b->timer, &me->other->kind) != 1;
		}
		if (!me->fired)
			sched_yield();
	}
	rota_shard_detach(me->s);
	return NULL;
}

static void
two_threads_send_timers_to_each_other(void **state)
{
	struct world *w = *state;
	struct player p[2];
	struct ball *ball = calloc(BALLS, sizeof(*ball));
	pthread_barrier_t start;
	pthread_t thread[2];
	rota_word left = BALLS, clock = 0;

	assert_non_null(ball);
	pthread_barrier_init(&start, NULL, 2);
	for (unsigned i = 0; i < 2; i++) {
		p[i] = (struct player){ .e = w->engine,
			.s = rota_engine_shard(w->engine, 1 + i),
			.other = &p[!i],
			.left = &left,
			.clock = &clock,
			.start = &start };
		assert_int_equal(rota_kind_init(&p[i].kind, p[i].s,
				     &(struct rota_kind_config){
					 .fire = hits, .flags = w->row->kind }),
		    0);
		assert_int_equal(rota_shard_attach(p[i].s), 0);
	}
	for (unsigned i = 0; i < BALLS; i++) {
		ball[i].at = &p[i % 2];
		assert_int_equal(
		    rota_timer_init(&ball[i].timer, &p[i % 2].kind), 0);
		rota_timer_reset_at(&ball[i].timer, 100 + i);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_shard_detach(p[i].s), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, play, &p[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&start);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rota_shard_attach(p[i].s), 0);
		assert_int_equal(rota_shard_check(p[i].s), 0);
		assert_int_equal(p[i].wrong, 0);
	}
	balanced(w);
	assert_int_equal(world_stat(w).live, 0);
	for (unsigned i = 0; i < BALLS; i++) {
		assert_int_equal(ball[i].hops, ROUNDS);
		assert_int_equal(rota_timer_release(&ball[i].timer), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_kind_release(&p[i].kind), 0);
	assert_int_equal(world_stat(w).timers, 0);
	free(ball);
}

/* What is moved to a shard while that retires is there or at its heir. */
struct going {
	struct rota_shard *from, *to;
	pthread_barrier_t *start;
	int r;
};

static void *
go(void *arg)
{
	struct going *g = arg;

	pthread_barrier_wait(g->start);
	g->r = rota_shard_retire(g->from, g->to);
	return NULL;
}

static void
a_shard_that_retires_meanwhile_loses_none(void **state)
{
	struct world *w = *state;
	struct probe *p = calloc(MANY, sizeof(*p));

	assert_non_null(p);
	for (unsigned round = 0; round < 100; round++) {
		struct rota_config c = world_config(w);
		struct rota_kind from, to;
		struct rota_engine *e;
		struct rota_stats s;
		struct going g;
		pthread_barrier_t start;
		pthread_t thread;

		assert_int_equal(rota_engine_create(&e, &c), 0);
		g = (struct going){ .from = rota_engine_shard(e, 1),
			.to = rota_engine_shard(e, 2),
			.start = &start };
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(
			    rota_kind_init(i ? &to : &from,
				rota_engine_shard(e, i),
				&(struct rota_kind_config){ .fire = probe_fire,
				    .flags = w->row->kind }),
			    0);
		assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
		for (unsigned i = 0; i < MANY; i++) {
			p[i] = (struct probe){ .world = w, .id = i };
			assert_int_equal(
			    rota_timer_init(&p[i].timer, &from), 0);
			if (i % 4)
				rota_timer_reset_at(&p[i].timer, TICK);
		}
		pthread_barrier_init(&start, NULL, 2);
		assert_int_equal(pthread_create(&thread, NULL, go, &g), 0);
		pthread_barrier_wait(&start);
		for (unsigned i = 0; i < MANY; i++)
			assert_int_equal(
			    rota_timer_move(&p[i].timer, &to), i % 4 != 0);
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&start);
		assert_int_equal(g.r, 0);
		assert_int_equal(rota_kind_release(&from), 0);
		rota_shard_stat(g.from, &s);
		assert_int_equal(s.live, 0);
		assert_int_equal(s.timers, 0);
		rota_shard_stat(g.to, &s);
		assert_int_equal(s.live, MANY - MANY / 4);
		assert_int_equal(s.timers, MANY);
		assert_int_equal(rota_shard_attach(g.to), 0);
		poll_all(g.to, TICK);
		rota_shard_stat(g.to, &s);
		assert_int_equal(s.live, 0);
		for (unsigned i = 0; i < MANY; i++) {
			assert_int_equal(p[i].fires, i % 4 != 0);
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
		}
		assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
		w->fired = 0;
	}
	free(p);
}

/* With ROTA_ADOPT a callback of the owner's has let go of the shard. */
static pthread_barrier_t met;

static void
waits(struct probe *p, rota_time now)
{
	(void)p;
	(void)now;
	pthread_barrier_wait(&met);
	pthread_barrier_wait(&met);
}

static void *
adopts(void *arg)
{
	struct rota_shard *s = arg;
	int r;

	do {
		r = rota_shard_adopt(s, 5 * TICK, 0);
	} while (r == 1 || r == -EBUSY);
	return NULL;
}

static void
one_that_an_adopter_runs_is_moved_later(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct other o;
	pthread_t thread;
	int r;

	other_open(w, &o);
	pthread_barrier_init(&met, NULL, 2);
	p->then = waits;
	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 6 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	assert_int_equal(pthread_create(&thread, NULL, adopts, w->shard), 0);
	pthread_barrier_wait(&met);
	do { /* in the hostile build it may not get hold at once */
		r = rota_timer_move(&p[1].timer, &o.kind);
	} while (r == -EBUSY);
	assert_int_equal(r, 1);
	assert_int_equal(rota_timer_move(&p[0].timer, &o.kind), -EBUSY);
	pthread_barrier_wait(&met);
	pthread_join(thread, NULL);
	expect_fired(w, 0);
	do {
		r = rota_timer_move(&p[0].timer, &o.kind);
	} while (r == -EBUSY);
	assert_int_equal(r, 0);
	while (rota_shard_poll(o.s, 6 * TICK, 0))
		;
	expect_fired(w, 1);
	pthread_barrier_destroy(&met);
	balanced(w);
}

/* clang-format off: a # that begins a line */
#define ROW(f, row)                                               \
	{                                                         \
#f " [" #row "]", f, world_setup, world_teardown, \
		    (void *)(uintptr_t)&row                       \
	}
/* clang-format on */
#define SHARED(f) ROW(f, two_heap), ROW(f, two_wheel), ROW(f, two_coarse)
#define ALL(f)                                                            \
	SHARED(f), ROW(f, two_heap_confined), ROW(f, two_wheel_confined), \
	    ROW(f, two_coarse_confined)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ALL(what_is_armed_fires_there_at_its_deadline_once),
		ALL(what_is_done_to_it_afterwards_is_done_there),
		ALL(the_figures_move_with_it),
		ALL(the_next_poll_counts_its_entry_no_more),
		ALL(to_another_kind_of_the_same_shard),
		ALL(the_rules_are_those_of_the_new_kind),
		ALL(a_parked_owner_is_woken_for_an_earlier_one_only),
		ALL(what_is_due_is_moved_in_the_callback_of_another),
		ALL(what_is_deferred_is_moved),
		ALL(who_may_not_is_told_so),
		SHARED(what_others_have_armed_is_polled_first),
		ALL(without_room_nothing_has_changed),
		ALL(a_shard_that_retired_passes_it_on),
		ALL(two_threads_send_timers_to_each_other),
		ROW(a_shard_that_retires_meanwhile_loses_none, two_heap),
		ROW(a_shard_that_retires_meanwhile_loses_none, two_wheel),
		ROW(one_that_an_adopter_runs_is_moved_later, adopt_heap),
		ROW(one_that_an_adopter_runs_is_moved_later, adopt_wheel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
