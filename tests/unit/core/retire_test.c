/* SPDX-License-Identifier: MIT
 *
 * retire_test.c - rota_shard_retire(): a shard's timers move to an heir.
 * Claims: they stay valid, keep deadlines and order, and fire there, once;
 * what waits in the inbox, is staged, stopped or being released moves too;
 * handles stay valid; the figures of the engine still balance; the shard
 * takes nothing new, and what is done to a timer finds the heir.
 * Rows     G14
 */
#define _POSIX_C_SOURCE 200809L /* pthread_barrier_t */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/shard.h"
#include "tests/support/world.h"

static const struct world_row pair_heap = { .backend = ROTA_HEAP, .shards = 3 };
static const struct world_row pair_wheel = { .backend = ROTA_WHEEL,
	.shards = 3 };
static const struct world_row pair_coarse = { .backend = ROTA_WHEEL_COARSE,
	.shards = 3 };

/* The first shard retires, to the second; both are ours. */
static struct rota_shard *
target_of(struct world *w)
{
	struct rota_shard *target = rota_engine_shard(w->engine, 1);

	assert_int_equal(rota_shard_attach(target), 0);
	return target;
}

static void
poll_target(struct rota_shard *target, rota_time now)
{
	assert_int_equal(rota_shard_poll(target, now, 0), 0);
	assert_int_equal(rota_shard_check(target), 0);
}

static void
timers_fire_on_the_heir_at_their_deadlines(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 500);

	for (unsigned i = 0; i < 500; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i * 7 % 50) * TICK);
	world_poll(w, 10 * TICK);
	w->fired = 0;
	for (unsigned i = 0; i < 500; i += 5)
		rota_timer_stop(&p[i].timer);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	assert_int_equal(rota_shard_poll(w->shard, 99 * TICK, 0), 0);
	expect_nothing(w);
	for (unsigned i = 0; i < 500; i++) {
		bool gone = i % 5 == 0 || 1 + i * 7 % 50 <= 10;

		assert_int_equal(rota_timer_pending(&p[i].timer), !gone);
		assert_int_equal(
		    rota_timer_deadline(&p[i].timer), (1 + i * 7 % 50) * TICK);
		p[i].fires = 0;
	}
	for (unsigned n = 11; n <= 50; n++) {
		poll_target(target, n * TICK);
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(p[i].fires,
			    i % 5 && 1 + i * 7 % 50 > 10 &&
				1 + i * 7 % 50 <= n);
	}
	w->fired = 0;
}

enum { GOING = 500 }; /* timers on each: to take a while */

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

/* Two at once. */
static void
retire_two(struct going *a, struct going *b)
{
	pthread_barrier_t start;
	pthread_t thread;

	pthread_barrier_init(&start, NULL, 2);
	a->start = b->start = &start;
	assert_int_equal(pthread_create(&thread, NULL, go, a), 0);
	go(b);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&start);
}

/* A shard does not go to one that goes itself. */
static void
two_at_once_do_not_lose_each_other(void **state)
{
	struct world *w = *state;
	struct probe *p = calloc(3 * GOING, sizeof(*p));

	assert_non_null(p);
	for (unsigned round = 0; round < 100; round++) {
		struct rota_config c = world_config(w);
		struct rota_shard *s[3];
		struct rota_engine *e;
		struct rota_kind k[3];
		struct going a, b;

		c.shards = 3;
		assert_int_equal(rota_engine_create(&e, &c), 0);
		for (unsigned i = 0; i < 3; i++) {
			s[i] = rota_engine_shard(e, i);
			assert_int_equal(
			    rota_kind_init(&k[i], s[i],
				&(struct rota_kind_config){
				    .fire = probe_fire, .name = "k" }),
			    0);
		}
		for (unsigned i = 0; i < 3 * GOING; i++) {
			p[i] = (struct probe){ .world = w, .id = i };
			assert_int_equal(
			    rota_timer_init(&p[i].timer, &k[i % 3]), 0);
			rota_timer_reset_at(&p[i].timer, TICK);
		}
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(rota_shard_attach(s[i]), 0);
			assert_int_equal(rota_shard_poll(s[i], 0, 0), 0);
			assert_int_equal(rota_shard_detach(s[i]), 0);
		}
		a = (struct going){ .from = s[0], .to = s[1] };
		/* To each other, or one behind the other. */
		b = (struct going){ .from = s[1], .to = s[round % 2 * 2] };
		retire_two(&a, &b);
		assert_true(a.r == 0 || a.r == -EINVAL);
		assert_true(b.r == 0 || b.r == -EINVAL);
		if (b.to == s[0])
			assert_true((a.r == 0) != (b.r == 0));
		else
			assert_int_equal(b.r, 0);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(rota_shard_attach(s[i]), 0);
			assert_int_equal(rota_shard_poll(s[i], TICK, 0), 0);
		}
		for (unsigned i = 0; i < 3 * GOING; i++) {
			assert_int_equal(p[i].fires, 1);
			/* At once: its owner is here, and knows it. */
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
		}
		assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
		w->fired = 0;
	}
	free(p);
}

static void
equal_deadlines_keep_their_order(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 200);

	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i % 2) * TICK);
	world_poll(w, 0);
	for (unsigned i = 0; i < 200; i += 4) /* ranks anew, behind */
		rota_timer_reset_at(&p[i].timer, 6 * TICK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 5 * TICK);
	assert_int_equal(w->fired, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(w->order[i], 2 + 4 * i);
	poll_target(target, 6 * TICK);
	assert_int_equal(w->fired, 200);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(w->order[50 + i], 1 + 2 * i);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(w->order[150 + i], 4 * i);
	w->fired = 0;
}

enum { MANY = 3000 };

/* Armed at random, most of them more than once. */
static void
many_equal_deadlines_keep_their_order(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, MANY);
	unsigned *latest = calloc(MANY, sizeof(*latest)), n;
	uint64_t x = 1;

	assert_non_null(latest);
	for (n = 1; n <= 5 * MANY; n++) {
		unsigned i = n <= MANY ? n - 1
				       : (unsigned)(random_next(&x) % MANY);

		rota_timer_reset_at(&p[i].timer, 5 * TICK);
		latest[i] = n;
	}
	world_poll(w, 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 5 * TICK);
	assert_int_equal(w->fired, MANY);
	for (unsigned i = 1; i < MANY; i++)
		assert_true(latest[w->order[i - 1]] < latest[w->order[i]]);
	w->fired = 0;
	free(latest);
}

static void
what_waits_in_the_inbox_moves_in_order(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 9);

	for (unsigned i = 0; i < 6; i++)
		elsewhere_reset_at(&p[i].timer, 5 * TICK);
	/* some were taken from it already */
	assert_int_equal(rota_shard_poll(w->shard, TICK, 3), 1);
	for (unsigned i = 6; i < 9; i++)
		elsewhere_reset_at(&p[i].timer, 5 * TICK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 5 * TICK);
	expect_fired(w, 0, 1, 2, 3, 4, 5, 6, 7, 8);
}

/* A poll that its budget ended in the middle of a slot. */
static void
what_was_half_brought_up_moves_in_order(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 40);

	for (unsigned i = 0; i < 40; i++)
		rota_timer_reset_at(&p[i].timer, 5 * TICK + i / 4);
	world_poll(w, TICK);
	while (w->fired < 7) /* then some are in their exact order already */
		assert_int_equal(rota_shard_poll(w->shard, 6 * TICK, 3), 1);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 6 * TICK);
	assert_int_equal(w->fired, 40);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(w->order[i], i);
	w->fired = 0;
}

static void
a_release_that_waits_moves_and_ends_there(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	world_poll(w, 0);
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	assert_int_equal(elsewhere_release(&p[2].timer), 1);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	assert_int_equal(w->freed, 0);
	poll_target(target, 0);
	assert_int_equal(w->freed, 2);
	assert_int_equal(rota_timer_release(&p[1].timer), 0);
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
}

static void
whatever_is_done_afterwards_finds_the_heir(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 6), more;

	for (unsigned i = 0; i < 6; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	/* before the heir has filed them */
	assert_int_equal(rota_timer_stop(&p[0].timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 20 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[2].timer, 2 * TICK), 1);
	poll_target(target, 2 * TICK);
	expect_fired(w, 2);
	/* and after */
	assert_int_equal(rota_timer_stop(&p[3].timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset_at(&p[4].timer, 3 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[5].timer, 30 * TICK), 1);
	probe_init(w, &more, 6); /* its kind has moved */
	rota_timer_reset_at(&more.timer, 4 * TICK);
	poll_target(target, 3 * TICK);
	expect_fired(w, 4);
	poll_target(target, 4 * TICK);
	expect_fired(w, 6);
	poll_target(target, 20 * TICK);
	expect_fired(w, 1);
	poll_target(target, 30 * TICK);
	expect_fired(w, 5);
	assert_int_equal(rota_timer_release(&more.timer), 0);
}

static void
the_figures_still_balance(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 40);
	struct rota_stats s, a, b;

	for (unsigned i = 0; i < 40; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	for (unsigned i = 0; i < 10; i++)
		rota_timer_stop(&p[i].timer);
	elsewhere_reset_at(&p[0].timer, 7 * TICK);
	rota_timer_reset_at(&p[39].timer, 90 * TICK); /* a push */
	s = world_stat(w);
	assert_int_equal(s.live, 31);
	assert_int_equal(s.pushes, 1);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	rota_shard_stat(w->shard, &a);
	rota_shard_stat(target, &b);
	assert_int_equal(a.live, 0);
	assert_int_equal(a.timers, 0);
	assert_int_equal(a.entries, 0);
	assert_int_equal(b.live, 31);
	assert_int_equal(b.timers, 40);
	poll_target(target, 50 * TICK);
	s = world_stat(w);
	assert_int_equal(s.starts, 41);
	assert_int_equal(s.pushes, 1);
	assert_int_equal(s.stops, 10);
	assert_int_equal(s.fires, 30);
	assert_int_equal(s.live, 1);
	assert_int_equal(s.starts, s.fires + s.stops + s.live);
	w->fired = 0;
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(rota_timer_stop(&p[39].timer), ROTA_PREVENTED);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
an_heir_can_retire_in_turn(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w), *last;
	struct probe *p = world_probes(w, 20);

	last = rota_engine_shard(w->engine, 2);
	assert_int_equal(rota_shard_attach(last), 0);
	for (unsigned i = 0; i < 20; i++)
		rota_timer_reset_at(&p[i].timer, (5 + i) * TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	/* not even polled in between */
	assert_int_equal(rota_shard_retire(target, last), 0);
	elsewhere_reset_at(&p[0].timer, 2 * TICK);
	poll_target(last, 24 * TICK);
	assert_int_equal(w->fired, 20);
	w->fired = 0;
	assert_int_equal(world_stat(w).live, 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
a_parked_heir_is_woken(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(target) == ROTA_NEVER);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	assert_int_equal(w->wakes, 1);
	assert_true(rota_shard_next(target) <= 5 * TICK);
	poll_target(target, 5 * TICK);
	expect_fired(w, 0);
}

static void
a_shard_without_an_owner_is_retired_by_anyone(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, 5 * TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 5 * TICK);
	expect_fired(w, 0);
}

struct attempt {
	struct rota_shard *s, *target;
	int r;
};

static void
retire(void *arg)
{
	struct attempt *a = arg;

	a->r = rota_shard_retire(a->s, a->target);
}

static void
retire_inside(struct probe *p, rota_time now)
{
	struct attempt *a = p->arg;

	(void)now;
	retire(a);
}

static void
what_cannot_be_is_refused(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct attempt a = { w->shard, target, 0 };
	struct probe *p = world_probes(w, 1);
	struct rota_kind k;

	assert_int_equal(rota_shard_retire(w->shard, NULL), -EINVAL);
	assert_int_equal(rota_shard_retire(NULL, target), -EINVAL);
	assert_int_equal(rota_shard_retire(w->shard, w->shard), -EINVAL);
	elsewhere(retire, &a); /* it has an owner, who is not that */
	assert_int_equal(a.r, -EPERM);
	p->then = retire_inside;
	p->arg = &a;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	assert_int_equal(a.r, -EDEADLK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	assert_int_equal(rota_shard_retire(w->shard, target), -EINVAL);
	assert_int_equal(rota_shard_retire(target, w->shard), -EINVAL);
	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "new" }),
	    -EINVAL);
	assert_int_equal(rota_kind_init(&k, target,
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "new" }),
	    0);
	assert_int_equal(rota_kind_release(&k), 0);
}

/* An heir that has no room: nothing has moved, all goes on. */
static void
without_room_nothing_moves(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *target;
	struct probe *p;

	world_destroy(w, ROTA_REFUSE);
	c.max_timers = 5;
	world_open(w, &c);
	target = target_of(w);
	p = world_probes(w, 3);
	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, 5 * TICK);
	for (unsigned n = 0; n < 3; n++) { /* three there already */
		static struct rota_kind k;
		static struct rota_timer t[3];

		if (!n)
			rota_kind_init(&k, target,
			    &(struct rota_kind_config){
				.fire = probe_fire, .name = "k" });
		assert_int_equal(rota_timer_init(&t[n], &k), 0);
	}
	assert_int_equal(rota_shard_retire(w->shard, target), -ENOSPC);
	world_poll(w, 5 * TICK);
	assert_int_equal(w->fired, 3);
	w->fired = 0;
}

static void
refused_memory_moves_nothing(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 3000);

	for (unsigned i = 0; i < 3000; i++)
		rota_timer_reset_at(&p[i].timer, 5 * TICK);
	w->mem.sealed = 1;
	assert_int_equal(rota_shard_retire(w->shard, target), -ENOMEM);
	w->mem.sealed = 0;
	world_poll(w, 4 * TICK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 5 * TICK);
	assert_int_equal(w->fired, 3000);
	w->fired = 0;
}

static void
count(void *arg)
{
	++*(unsigned *)arg;
}

/* G14: handles stay valid. */
static void
handles_stay_valid(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	rota_handle h[50];
	unsigned ran = 0;

	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(rota_shard_after_func(w->shard,
				     (5 + i % 5) * TICK, count, &ran, &h[i]),
		    0);
	world_poll(w, TICK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(rota_handle_pending(w->engine, h[i]), 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
		    rota_handle_stop(w->engine, h[i]), ROTA_PREVENTED);
	assert_int_equal(rota_handle_reset_at(w->engine, h[10], 3 * TICK), 1);
	poll_target(target, 3 * TICK);
	assert_int_equal(ran, 1);
	poll_target(target, 9 * TICK);
	assert_int_equal(ran, 40);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(rota_handle_stop(w->engine, h[i]), -ESTALE);
	/* and new ones asked of the shard that is gone go to the heir */
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(rota_shard_after_func(
				     w->shard, 10 * TICK, count, &ran, NULL),
		    0);
	poll_target(target, 10 * TICK);
	assert_int_equal(ran, 3040);
}

/* clang-format off */
#define PAIR(f, row)                                          \
	{ #f " [" #row "]", f, world_setup, world_teardown,   \
		(void *)(uintptr_t)&pair_##row }
/* clang-format on */
#define PAIR_EXACT(f) PAIR(f, heap), PAIR(f, wheel)
static struct probe *late;

static void
arm_the_next(struct probe *p, rota_time now)
{
	(void)now;
	rota_timer_reset_at(&p[1].timer, 2 * TICK); /* due: deferred */
}

static void
released_and_arms(struct rota_timer *t)
{
	probe_released(t);
	rota_timer_reset_at(&late->timer, 20 * TICK);
}

/* The deferred one is released from outside; parking, or retiring, files it. */
static void
deferred(struct world *w, struct probe *p)
{
	p[0].then = arm_the_next;
	late = &p[2];
	w->kind.released = released_and_arms;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, TICK);
	assert_int_equal(rota_shard_poll(w->shard, 3 * TICK, 0), 0);
	elsewhere_release(&p[1].timer);
}

static void
what_a_release_arms_while_an_owner_parks_is_known_to_it(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	rota_time until;

	deferred(w, p);
	until = rota_shard_park(w->shard);
	if (until == 0) /* it has still to be drained */
		rota_shard_poll(w->shard, 3 * TICK, 0);
	assert_int_equal(w->freed, 1);
	until = rota_shard_park(w->shard);
	assert_true(until > 0 && until <= 20 * TICK);
	w->kind.released = probe_released;
	world_poll(w, 21 * TICK);
	assert_int_equal(p[2].fires, 1);
	w->fired = 0;
}

static void
what_a_release_arms_while_its_shard_retires_fires_on_the_heir(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 3);

	deferred(w, p);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 3 * TICK);
	assert_int_equal(w->freed, 1);
	w->kind.released = probe_released;
	poll_target(target, 21 * TICK);
	assert_int_equal(p[2].fires, 1);
	w->fired = 0;
}

/* Who read the shard before it retired pushes on its inbox; before that is
 * passed on, the owner asks what is armed. */
static void
a_late_push_is_passed_on_by_who_asks_what_is_armed(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 1);
	struct rota_shard *s = w->shard;
	uint64_t was, wake;

	assert_int_equal(rota_shard_retire(s, target), 0);
	poll_target(target, 0);
	assert_true(
	    remote_reset(&s->remote, &s->park, &p->timer.r_word, &p->timer,
		&p->timer.r_link, 5 * TICK, 5 * TICK, false, &was, &wake));
	word_add(&s->starts, (uint64_t)1, relaxed); /* as who pushes does */
	assert_int_equal(rota_shard_armed(s, ROTA_NEVER), 0);
	assert_int_equal(rota_shard_armed(target, ROTA_NEVER), 1);
	poll_target(target, 5 * TICK);
	expect_fired(w, 0);
}

/* On the target, and armed, a timer of @k; on the shard that retires a probe.
 * Until when does the target's owner park? */
static rota_time
parked_with(struct world *w, struct rota_shard *target, struct rota_timer *t,
    struct rota_kind *k, struct probe *p, rota_time when)
{
	rota_time until;

	assert_int_equal(rota_timer_init(t, k), 0);
	rota_timer_reset_at(t, 100 * TICK);
	rota_timer_reset_at(&p->timer, when);
	world_poll(w, 0);
	poll_target(target, 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, 0);
	until = rota_shard_park(target);
	assert_int_equal(rota_timer_release(t), 0);
	assert_int_equal(rota_kind_release(k), 0);
	return until;
}

/* All of the target's own have the same slack. */
static void
timers_with_less_slack_than_the_heirs_are_in_time_there(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct probe *p = world_probes(w, 1);
	struct rota_timer t;
	struct rota_kind k;

	assert_int_equal(
	    rota_kind_init(&k, target,
		&(struct rota_kind_config){
		    .fire = probe_fire, .name = "slack", .slack = 20 * TICK }),
	    0);
	/* a coarse wheel adds a slot */
	assert_in_range(
	    parked_with(w, target, &t, &k, p, 105 * TICK), 1, 106 * TICK);
	poll_target(target, 106 * TICK);
	expect_fired(w, 0);
}

#define PAIR_EVERY(f) PAIR_EXACT(f), PAIR(f, coarse)

/* The shard that retires has timers of two kinds: one may be late, like all of
 * the heir's, and the other not. */
static void
of_two_kinds_the_one_with_less_slack_is_in_time_there(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = target_of(w);
	struct rota_kind_config config = {
		.fire = probe_fire, .slack = 100 * TICK, .name = "late"
	};
	struct rota_timer own, other;
	struct rota_kind there, here;
	struct probe *p = world_probes(w, 1);
	rota_time until;

	assert_int_equal(rota_kind_init(&there, target, &config), 0);
	assert_int_equal(rota_kind_init(&here, w->shard, &config), 0);
	assert_int_equal(rota_timer_init(&own, &there), 0);
	assert_int_equal(rota_timer_init(&other, &here), 0);
	rota_timer_reset_at(&own, 10 * TICK);
	rota_timer_reset_at(&p->timer, 20 * TICK);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	poll_target(target, TICK);
	until = rota_shard_park(target);
	if (!until) /* there was something to do first */
		until = rota_shard_park(target);
	assert_in_range(until, 1, 20 * TICK);
	assert_int_equal(rota_timer_release(&own), 0);
	assert_int_equal(rota_timer_release(&other), 0);
	assert_int_equal(rota_kind_release(&there), 0);
	assert_int_equal(rota_kind_release(&here), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR_EVERY(timers_fire_on_the_heir_at_their_deadlines),
		ON(two_at_once_do_not_lose_each_other, heap),
		PAIR_EXACT(equal_deadlines_keep_their_order),
		PAIR_EXACT(many_equal_deadlines_keep_their_order),
		PAIR_EXACT(what_waits_in_the_inbox_moves_in_order),
		PAIR_EXACT(what_was_half_brought_up_moves_in_order),
		PAIR_EVERY(a_release_that_waits_moves_and_ends_there),
		PAIR_EVERY(whatever_is_done_afterwards_finds_the_heir),
		PAIR_EVERY(the_figures_still_balance),
		PAIR_EVERY(an_heir_can_retire_in_turn),
		PAIR_EVERY(a_parked_heir_is_woken),
		PAIR_EVERY(a_shard_without_an_owner_is_retired_by_anyone),
		PAIR_EVERY(what_cannot_be_is_refused),
		PAIR_EVERY(without_room_nothing_moves),
		PAIR_EVERY(refused_memory_moves_nothing),
		PAIR_EVERY(handles_stay_valid),
		PAIR_EVERY(a_late_push_is_passed_on_by_who_asks_what_is_armed),
		PAIR_EVERY(
		    what_a_release_arms_while_an_owner_parks_is_known_to_it),
		PAIR_EVERY(
		    what_a_release_arms_while_its_shard_retires_fires_on_the_heir),
		PAIR_EVERY(
		    timers_with_less_slack_than_the_heirs_are_in_time_there),
		PAIR_EVERY(
		    of_two_kinds_the_one_with_less_slack_is_in_time_there),
	};

	return cmocka_run_group_tests_name("retire", tests, NULL, NULL);
}
