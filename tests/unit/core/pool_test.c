/* SPDX-License-Identifier: MIT
 *
 * pool_test.c - core/pool.c: pooled timers and their handles.
 * Claims: a function runs once, on its shard; once it has run or was stopped
 * the handle is stale for ever, whatever became of its node; what never was
 * a handle is refused; a node whose generations are used up is not used
 * again; a cap or refused memory leaves nothing half done.
 * Rows     G3 G21
 */
#define _POSIX_C_SOURCE 200809L /* pthread_barrier_t */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/shard.h"
#include "tests/support/world.h"

struct call {
	struct world *w;
	rota_handle h;
	unsigned ran;
	int r[4];
};

static void
ran(void *arg)
{
	struct call *c = arg;

	c->ran++;
}

static void
a_function_runs_once_at_its_instant(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	assert_int_equal(
	    rota_shard_after_func(w->shard, 3 * TICK, ran, &c, &c.h), 0);
	assert_true(c.h != 0);
	assert_int_equal(rota_handle_pending(w->engine, c.h), 1);
	world_poll(w, 3 * TICK - 1);
	assert_int_equal(c.ran, 0);
	world_poll(w, 3 * TICK);
	assert_int_equal(c.ran, 1);
	world_poll(w, 9 * TICK);
	assert_int_equal(c.ran, 1);
}

static void
after_counts_from_now_on_the_shard_that_the_caller_owns(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_engine_advance(w->engine, 5 * TICK);
	assert_int_equal(
	    rota_after_func(w->engine, 2 * TICK, ran, &c, NULL), 0);
	assert_int_equal(rota_after_func(w->engine, -1, ran, &c, NULL), 0);
	world_poll(w, 5 * TICK);
	assert_int_equal(c.ran, 1);
	world_poll(w, 7 * TICK);
	assert_int_equal(c.ran, 2);
}

static void
a_stop_prevents_and_makes_the_handle_stale(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_shard_after_func(w->shard, 3 * TICK, ran, &c, &c.h);
	assert_int_equal(rota_handle_stop(w->engine, c.h), ROTA_PREVENTED);
	assert_int_equal(rota_handle_stop(w->engine, c.h), -ESTALE);
	assert_int_equal(rota_handle_reset_at(w->engine, c.h, TICK), -ESTALE);
	assert_int_equal(rota_handle_pending(w->engine, c.h), -ESTALE);
	world_poll(w, 9 * TICK);
	assert_int_equal(c.ran, 0);
}

static void
after_it_ran_the_handle_is_stale(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_shard_after_func(w->shard, TICK, ran, &c, &c.h);
	world_poll(w, TICK);
	assert_int_equal(rota_handle_stop(w->engine, c.h), -ESTALE);
	assert_int_equal(rota_handle_reset_at(w->engine, c.h, TICK), -ESTALE);
	assert_int_equal(rota_handle_pending(w->engine, c.h), -ESTALE);
}

static void
a_reset_moves_it_while_it_is_pending(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_shard_after_func(w->shard, 5 * TICK, ran, &c, &c.h);
	assert_int_equal(rota_handle_reset_at(w->engine, c.h, 9 * TICK), 1);
	world_poll(w, 6 * TICK);
	assert_int_equal(c.ran, 0);
	assert_int_equal(rota_handle_reset_at(w->engine, c.h, 7 * TICK), 1);
	world_poll(w, 7 * TICK);
	assert_int_equal(c.ran, 1);
}

static void
ask_all(void *arg)
{
	struct call *c = arg;

	c->ran++;
	c->r[0] = rota_handle_stop(c->w->engine, c->h);
	c->r[1] = rota_handle_reset_at(c->w->engine, c->h, 0);
	c->r[2] = rota_handle_pending(c->w->engine, c->h);
	c->r[3] = rota_shard_after_func(c->w->shard, 0, ran, c, NULL);
}

static void
in_its_own_function_it_is_running(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_shard_after_func(w->shard, TICK, ask_all, &c, &c.h);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 1);
	assert_int_equal(c.r[0], ROTA_RUNNING);
	assert_int_equal(c.r[1], -ESTALE);
	assert_int_equal(c.r[2], -ESTALE);
	assert_int_equal(c.r[3], 0); /* it waits for the next poll */
	world_poll(w, TICK);
	assert_int_equal(c.ran, 2);
}

/* The same node over and over: every former handle stays stale. */
static void
a_stale_handle_never_means_the_next_user_of_its_node(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	rota_handle old[300];
	rota_time now = 0;

	for (unsigned n = 0; n < 300; n++) {
		assert_int_equal(rota_shard_after_func(
				     w->shard, now + TICK, ran, &c, &old[n]),
		    0);
		for (unsigned k = 0; k < n; k++) {
			assert_true(old[k] != old[n]);
			assert_int_equal(
			    rota_handle_stop(w->engine, old[k]), -ESTALE);
		}
		assert_int_equal(rota_handle_pending(w->engine, old[n]), 1);
		if (n % 2) {
			now += TICK;
			world_poll(w, now);
		} else {
			rota_handle_stop(w->engine, old[n]);
		}
	}
	assert_int_equal(c.ran, 150);
}

static void
what_never_was_a_handle_is_refused(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	uint64_t x = 0x243f6a8885a308d3u;
	rota_handle h;

	/* before there is a pool at all */
	assert_int_equal(rota_handle_stop(w->engine, 0), -EINVAL);
	assert_int_equal(rota_handle_stop(w->engine, 1), -EINVAL);
	assert_int_equal(rota_handle_stop(w->engine, UINT64_MAX), -EINVAL);
	rota_shard_after_func(w->shard, 5 * TICK, ran, &c, &h);
	for (int i = 0; i < 20000; i++) {
		rota_handle forged = random_next(&x) >> (random_next(&x) % 48);

		if (forged == h)
			continue;
		assert_true(rota_handle_stop(w->engine, forged) < 0);
		assert_true(rota_handle_reset_at(w->engine, forged, 0) < 0);
		assert_true(rota_handle_pending(w->engine, forged) < 0);
	}
	for (unsigned bit = 0; bit < 64; bit++)
		assert_true(
		    rota_handle_stop(w->engine, h ^ UINT64_C(1) << bit) < 0);
	/* a generation of the node that is still to come */
	assert_int_equal(
	    rota_handle_stop(w->engine, h + (UINT64_C(1) << 32)), -EINVAL);
	/* a node that was not handed out yet */
	assert_int_equal(rota_handle_stop(w->engine, h - 1), -EINVAL);
	assert_int_equal(rota_handle_stop(w->engine, 0), -EINVAL);
	assert_int_equal(rota_handle_pending(w->engine, h), 1);
}

static void
nobody_needs_to_keep_the_handle(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(rota_shard_after_func(w->shard,
				     (1 + i % 50) * TICK, ran, &c, NULL),
		    0);
	assert_int_equal(world_stat(w).live, 3000);
	world_poll(w, 50 * TICK);
	assert_int_equal(c.ran, 3000);
	assert_int_equal(world_stat(w).live, 0);
}

static void
nodes_are_used_again(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	rota_time now = 0;
	uint64_t calls = 0;

	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 2000; i++)
			rota_shard_after_func(
			    w->shard, now + TICK, ran, &c, NULL);
		now += TICK;
		world_poll(w, now);
		if (round == 0)
			calls = w->mem.calls;
	}
	assert_int_equal(c.ran, 50 * 2000);
	assert_int_equal(w->mem.calls, calls);
}

/* A node is a timer with its pin word right behind: the generation is the
 * pin's upper half. White box, since 2^32 uses of a node take too long. */
static rota_word *
pin_of_the_only_entry(struct world *w)
{
	struct backend_cursor cursor = { 0 };
	uint32_t *item = backend_visit(&w->shard->queue, &cursor);

	assert_non_null(item);
	return (rota_word *)(timer_of(item) + 1);
}

static void
a_node_whose_generations_are_used_up_retires(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	rota_handle last, h[40];
	rota_word *pin;

	rota_shard_after_func(w->shard, TICK, ran, &c, &last);
	world_poll(w, 0); /* filed */
	pin = pin_of_the_only_entry(w);
	assert_int_equal(*pin >> 32, last >> 32);
	/* as if it had been used four thousand million times */
	*pin = (UINT64_C(0xfffffffe) << 32) | (uint32_t)*pin;
	last = (UINT64_C(0xfffffffe) << 32) | (uint32_t)last;
	assert_int_equal(rota_handle_pending(w->engine, last), 1);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 1);
	assert_int_equal(rota_handle_stop(w->engine, last), -ESTALE);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(
		    rota_shard_after_func(w->shard, 5 * TICK, ran, &c, &h[i]),
		    0);
		assert_true((uint32_t)h[i] != (uint32_t)last);
	}
	assert_int_equal(rota_handle_stop(w->engine, last), -ESTALE);
	world_poll(w, 5 * TICK);
	assert_int_equal(c.ran, 41);
}

static const struct world_row ten_heap = { .backend = ROTA_HEAP,
	.max_timers = 10 };
static const struct world_row ten_wheel = { .backend = ROTA_WHEEL,
	.max_timers = 10 };
static const struct world_row ten_coarse = { .backend = ROTA_WHEEL_COARSE,
	.max_timers = 10 };
static const struct world_row two_shards = { .backend = ROTA_WHEEL,
	.max_timers = 10,
	.shards = 2 };
static const struct world_row driven_few = { .backend = ROTA_WHEEL,
	.max_timers = 4,
	.flags = ROTA_DRIVERS,
	.clock = ROTA_CLOCK_MONOTONIC,
	.timed = true };

struct arm {
	struct rota_shard *s;
	struct call *c;
	rota_time when;
	rota_handle h;
	int r;
};

static void
arm_far(void *arg)
{
	struct arm *a = arg;

	a->r = rota_shard_after_func(a->s, a->when, ran, a->c, &a->h);
}

/* Who fires and who arms are different threads. */
static void
what_has_fired_can_be_armed_again_by_anybody(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct arm a = { .s = w->shard, .c = &c };

	for (unsigned i = 0; i < 40; i++) {
		a.when = (rota_time)i * TICK;
		elsewhere(arm_far, &a);
		assert_int_equal(a.r, 0);
		world_poll(w, a.when);
		assert_int_equal(c.ran, i + 1);
	}
	/* one thread's, and then nobody's */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, 0, ran, &c, NULL), 0);
	world_poll(w, 40 * TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, 0, ran, &c, NULL), 0);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 0, ran, &c, NULL), -ENOSPC);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 41 * TICK);
	assert_int_equal(c.ran, 60);
}

static void
a_driver_gives_back_what_it_fired(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(rota_sleep(w->engine, 1, NULL), 0);
}

static void
one_pooled_timer_counts_as_one(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct rota_timer t[10];

	rota_shard_after_func(w->shard, TICK, ran, &c, NULL);
	assert_int_equal(world_stat(w).timers, 1);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(rota_timer_init(&t[i], &w->kind), 0);
	assert_int_equal(rota_timer_init(&t[9], &w->kind), -ENOSPC);
	world_poll(w, TICK);
	/* it has fired: its place is anybody's */
	assert_int_equal(rota_timer_init(&t[9], &w->kind), 0);
	assert_int_equal(world_stat(w).timers, 10);
	assert_int_equal(
	    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), -ENOSPC);
	assert_int_equal(rota_timer_release(&t[3]), 0);
	assert_int_equal(
	    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), 0);
	world_poll(w, 2 * TICK);
	assert_int_equal(c.ran, 2);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

struct init_far {
	struct world *w;
	struct rota_timer t;
	int r;
};

static void
init_far(void *arg)
{
	struct init_far *f = arg;

	f->r = rota_timer_init(&f->t, &f->w->kind);
}

/* Their entries may still be filed. */
static void
places_of_stopped_ones_are_found_again(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct init_far f = { .w = w };
	struct rota_timer t[6];
	rota_handle h[10];

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rota_shard_after_func(
				     w->shard, (5 + i) * TICK, ran, &c, &h[i]),
		    0);
	world_poll(w, TICK); /* filed */
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(
		    rota_handle_stop(w->engine, h[i]), ROTA_PREVENTED);
	/* the owner takes them out at once */
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(rota_timer_init(&t[i], &w->kind), 0);
	/* another asks the owner to, and has it after the next poll */
	elsewhere(init_far, &f);
	if (f.r) {
		assert_int_equal(f.r, -ENOSPC);
		world_poll(w, TICK);
		elsewhere(init_far, &f);
	}
	assert_int_equal(f.r, 0);
	elsewhere(init_far, &f);
	assert_int_equal(f.r, -ENOSPC);
	world_poll(w, 20 * TICK);
	assert_int_equal(c.ran, 3);
	elsewhere(init_far, &f);
	assert_int_equal(f.r, 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

/* Nine timers of a user's, and a pooled one that has an entry. Another thread
 * arms all ten, the pooled one for an earlier instant. Polls of one step bring
 * its entry up, and it fires, before the inbox has let go of it. */
struct on_its_way {
	struct world *w;
	struct call c;
	struct probe *p;
};

static void
earlier_far(void *arg)
{
	struct on_its_way *o = arg;

	for (unsigned i = 0; i < 9; i++) {
		rota_timer_reset_at(&o->p[i].timer, (10 + i) * TICK);
		if (i == 4)
			o->c.r[0] = rota_handle_reset_at(
			    o->w->engine, o->c.h, 9 * TICK);
	}
}

static void
fires_on_its_way(struct on_its_way *o, struct world *w, bool used_up)
{
	unsigned polls = 0;
	rota_word *pin;

	*o = (struct on_its_way){ .w = w, .c = { .w = w } };
	o->p = world_probes(w, 9);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 20 * TICK, ran, &o->c, &o->c.h), 0);
	world_poll(w, 0);
	if (used_up) {
		pin = pin_of_the_only_entry(w);
		*pin = (UINT64_C(0xfffffffe) << 32) | (uint32_t)*pin;
		o->c.h = (UINT64_C(0xfffffffe) << 32) | (uint32_t)o->c.h;
	}
	elsewhere(earlier_far, o);
	assert_int_equal(o->c.r[0], 1);
	while (
	    !o->c.ran && polls++ < 10) /* as many as are to be turned round */
		assert_int_equal(rota_shard_poll(w->shard, 30 * TICK, 1), 1);
	assert_int_equal(o->c.ran, 1);
}

static void
all_nine_fire(struct world *w)
{
	while (rota_shard_poll(w->shard, 30 * TICK, 1) > 0)
		assert_int_equal(rota_shard_check(w->shard), 0);
	expect_fired(w, 0, 1, 2, 3, 4, 5, 6, 7, 8);
}

/* Asked by its owner, or by another thread. */
static void
a_place_is_free_once_the_inbox_lets_go(void **state, bool far)
{
	struct world *w = *state;
	struct init_far f = { .w = w };
	struct on_its_way o;

	fires_on_its_way(&o, w, false);
	for (unsigned i = 0; i < 2; i++) {
		if (far)
			elsewhere(init_far, &f);
		else
			init_far(&f);
		assert_int_equal(f.r, -ENOSPC);
	}
	all_nine_fire(w);
	init_far(&f);
	assert_int_equal(f.r, 0);
	assert_int_equal(world_stat(w).timers, 10);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 0, ran, &o.c, NULL), -ENOSPC);
	assert_int_equal(rota_timer_release(&f.t), 0);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 0, ran, &o.c, NULL), 0);
	world_poll(w, 30 * TICK);
	assert_int_equal(o.c.ran, 2);
}

static void
what_fires_on_its_way_is_the_inboxs_for_its_owner(void **state)
{
	a_place_is_free_once_the_inbox_lets_go(state, false);
}

static void
what_fires_on_its_way_is_the_inboxs_for_others(void **state)
{
	a_place_is_free_once_the_inbox_lets_go(state, true);
}

/* It is armed anew there. */
static void
what_fires_on_its_way_can_be_used_again(void **state)
{
	struct world *w = *state;
	struct init_far f = { .w = w };
	struct on_its_way o;
	rota_handle h;

	fires_on_its_way(&o, w, false);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 30 * TICK, ran, &o.c, &h), 0);
	assert_int_equal((uint32_t)h, (uint32_t)o.c.h); /* the same node */
	init_far(&f);
	assert_int_equal(f.r, -ENOSPC);
	all_nine_fire(w);
	assert_int_equal(o.c.ran, 2);
	init_far(&f);
	assert_int_equal(f.r, 0);
	assert_int_equal(rota_timer_release(&f.t), 0);
}

/* It is armed anew there, and stopped. */
static void
what_fires_on_its_way_can_be_used_and_stopped(void **state)
{
	struct world *w = *state;
	struct init_far f = { .w = w };
	struct on_its_way o;
	rota_handle h;

	fires_on_its_way(&o, w, false);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 30 * TICK, ran, &o.c, &h), 0);
	assert_int_equal(rota_handle_stop(w->engine, h), ROTA_PREVENTED);
	init_far(&f);
	assert_int_equal(f.r, -ENOSPC);
	all_nine_fire(w);
	assert_int_equal(o.c.ran, 1);
	init_far(&f);
	assert_int_equal(f.r, 0);
	assert_int_equal(rota_timer_release(&f.t), 0);
}

/* Nor is a node whose generations are used up given back before. */
static void
what_fires_on_its_way_may_be_used_up(void **state)
{
	struct world *w = *state;
	struct init_far f = { .w = w };
	struct on_its_way o;

	fires_on_its_way(&o, w, true);
	assert_int_equal(world_stat(w).timers, 10); /* it waits */
	all_nine_fire(w);
	assert_int_equal(world_stat(w).timers, 9);
	init_far(&f);
	assert_int_equal(f.r, 0);
	assert_int_equal(rota_timer_release(&f.t), 0);
}

static void
the_bytes_are_all_that_was_allocated(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	assert_int_equal(world_stat(w).bytes, w->mem.bytes);
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), 0);
	assert_int_equal(world_stat(w).bytes, w->mem.bytes);
	world_poll(w, TICK);
	assert_int_equal(rota_sleep(w->engine, 0, NULL), 0);
	assert_int_equal(world_stat(w).bytes, w->mem.bytes);
}

/* What ten nodes take beyond the first one's slab. A node takes 64 bytes; in
 * the hostile build a slab has two nodes. */
#ifdef ROTA_HOSTILE
#define MORE_SLABS (4 * 2 * 64)
#else
#define MORE_SLABS 0
#endif

/* Each place that a user's timer leaves is taken by a pooled one. */
static void
places_that_come_one_by_one_take_no_slab_each(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct rota_timer t[10];
	uint64_t bytes;

	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(rota_timer_init(&t[i], &w->kind), 0);
	assert_int_equal(
	    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), 0);
	bytes = w->mem.bytes;
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(
		    rota_shard_after_func(w->shard, TICK, ran, &c, NULL),
		    -ENOSPC);
		assert_int_equal(rota_timer_release(&t[i]), 0);
		assert_int_equal(
		    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), 0);
	}
	assert_int_equal(w->mem.bytes, bytes + MORE_SLABS);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 10);
}

struct crowd {
	struct world *w;
	struct call *c;
	pthread_barrier_t barrier;
	unsigned failed;
	rota_word over;
};

static void *
first_call(void *arg)
{
	struct crowd *m = arg;

	pthread_barrier_wait(&m->barrier);
	if (rota_shard_after_func(m->w->shard, TICK, ran, m->c, NULL))
		__atomic_fetch_add(&m->failed, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void
a_crowd_makes_no_more_than_it_uses(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct crowd m = { .w = w, .c = &c };
	pthread_t thread[32];

	pthread_barrier_init(&m.barrier, NULL, 32);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, first_call, &m), 0);
	for (unsigned i = 0; i < 32; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&m.barrier);
	assert_int_equal(m.failed, 0);
	assert_int_equal(world_stat(w).timers, 32);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 32);
}

static void
a_retired_shards_free_ones_are_the_targets(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct rota_shard *old = w->shard;
	struct rota_timer t;

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
		    rota_shard_after_func(old, TICK, ran, &c, NULL), 0);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 10);
	w->shard = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_retire(old, w->shard), 0);
	for (unsigned round = 2; round < 5; round++) {
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(
			    rota_shard_after_func(i % 2 ? old : w->shard,
				(int)round * TICK, ran, &c, NULL),
			    0);
		assert_int_equal(
		    rota_shard_after_func(old, 0, ran, &c, NULL), -ENOSPC);
		world_poll(w, (int)round * TICK);
	}
	assert_int_equal(c.ran, 40);
	assert_int_equal(rota_timer_init(&t, &w->kind), 0);
	assert_int_equal(rota_timer_release(&t), 0);
}

/* Which makes the pool, also for the shard that has retired. */
static void
the_first_use_after_a_retirement_says_nothing(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct rota_shard *old = w->shard;

	w->shard = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_retire(old, w->shard), 0);
	assert_int_equal(
	    rota_shard_after_func(w->shard, TICK, ran, &c, NULL), 0);
	assert_int_equal(rota_shard_after_func(old, TICK, ran, &c, NULL), 0);
	assert_int_equal(w->logs, 0);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 2);
}

/* Not even its place is lost. */
static void
a_node_that_retires_gives_its_place_back(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	rota_handle last, h;
	rota_word *pin;

	for (unsigned round = 1; round < 30; round++) {
		rota_time now = (int)round * TICK;

		assert_int_equal(
		    rota_shard_after_func(w->shard, now, ran, &c, &last), 0);
		world_poll(w, now - TICK);
		pin = pin_of_the_only_entry(w);
		*pin = (UINT64_C(0xfffffffe) << 32) | (uint32_t)*pin;
		last = (UINT64_C(0xfffffffe) << 32) | (uint32_t)last;
		if (round % 2) {
			assert_int_equal(
			    rota_handle_stop(w->engine, last), ROTA_PREVENTED);
			assert_int_equal(
			    rota_shard_after_func(w->shard, now, ran, &c, &h),
			    0);
			assert_true((uint32_t)h != (uint32_t)last);
		}
		world_poll(w, now);
		assert_int_equal(c.ran, round);
		assert_in_range(world_stat(w).timers, 0, 2);
	}
}

/* C4: timer cap, no partial state. */
static void
the_cap_counts_pooled_timers(void **state)
{
	static const struct world_row capped = { .max_timers = 10 };
	struct world *w;
	struct call c;
	rota_handle h[12];

	*state = (void *)(uintptr_t)&capped;
	world_setup(state);
	w = *state;
	c = (struct call){ .w = w };
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, TICK, ran, &c, &h[i]), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, TICK, ran, &c, NULL),
		    -ENOSPC);
	assert_int_equal(world_stat(w).timers, 10);
	assert_int_equal(rota_handle_stop(w->engine, h[3]), ROTA_PREVENTED);
	assert_int_equal(
	    rota_shard_after_func(w->shard, TICK, ran, &c, &h[3]), 0);
	world_poll(w, TICK);
	assert_int_equal(c.ran, 10);
}

static void
refused_memory_at_every_call_leaves_it_usable(void **state)
{
	struct world *w = *state;
	uint64_t n;

	for (n = 1;; n++) {
		struct rota_config config = world_config(w);
		struct call c = { .w = w };
		struct rota_engine *e;
		bool failed;
		int r;

		assert_int_equal(rota_engine_create(&e, &config), 0);
		assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
		mem_fail(&w->mem, n);
		r = rota_after_func(e, 0, ran, &c, NULL);
		failed = mem_failed(&w->mem);
		mem_fail(&w->mem, 0);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(rota_after_func(e, 0, ran, &c, NULL), 0);
		assert_int_equal(
		    rota_shard_poll(rota_engine_shard(e, 0), TICK, 0), 0);
		assert_int_equal(c.ran, failed ? 1 : 2);
		assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
		assert_int_equal(w->mem.wrong, 0);
		if (!failed)
			break;
	}
	assert_true(n >= 4); /* pool, table, nodes and room for them */
}

struct far {
	struct world *w;
	struct call *c;
	rota_handle h[100];
	unsigned prevented;
};

static void
start_far(void *arg)
{
	struct far *f = arg;

	for (unsigned i = 0; i < 100; i++)
		if (rota_after_func(f->w->engine, TICK, ran, f->c, &f->h[i]))
			f->h[i] = 0;
}

static void
stop_far(void *arg)
{
	struct far *f = arg;

	for (unsigned i = 0; i < 100; i += 2)
		f->prevented += rota_handle_stop(f->w->engine, f->h[i]) ==
		    ROTA_PREVENTED;
}

static void
any_thread_may_start_and_stop(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct far f = { .w = w, .c = &c };

	for (unsigned round = 1; round < 30; round++) {
		f.prevented = c.ran = 0;
		elsewhere(start_far, &f);
		assert_int_equal(rota_handle_pending(w->engine, f.h[99]), 1);
		elsewhere(stop_far, &f);
		rota_engine_advance(w->engine, TICK);
		world_poll(w, rota_engine_now(w->engine));
		assert_int_equal(f.prevented, 50);
		assert_int_equal(c.ran, 50);
	}
}

static void
one_that_is_kept_can_be_armed_after_it_fired(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct rota_engine *e = w->engine;

	assert_int_equal(rota_handle_init(w->shard, ran, &c, &c.h), 0);
	assert_int_equal(rota_handle_pending(e, c.h), 0);
	assert_int_equal(rota_handle_stop(e, c.h), ROTA_NOT_PENDING);
	for (unsigned i = 1; i < 20; i++) {
		rota_time at = 3 * (int)i * TICK;

		assert_int_equal(rota_handle_reset_at(e, c.h, at + TICK), 0);
		assert_int_equal(rota_handle_pending(e, c.h), 1);
		assert_int_equal(rota_handle_reset_at(e, c.h, at), 1);
		world_poll(w, at);
		assert_int_equal(c.ran, i);
		assert_int_equal(rota_handle_pending(e, c.h), 0);
		assert_int_equal(rota_handle_reset_at(e, c.h, at + TICK), 0);
		assert_int_equal(rota_handle_stop(e, c.h), ROTA_PREVENTED);
		assert_int_equal(rota_handle_stop(e, c.h), ROTA_NOT_PENDING);
		world_poll(w, at + 2 * TICK);
		assert_int_equal(c.ran, i);
	}
	assert_int_equal(world_stat(w).timers, 1);
	assert_int_equal(rota_handle_reset_at(e, c.h, 99 * TICK), 0);
	assert_int_equal(rota_handle_release(e, c.h), ROTA_PREVENTED);
	assert_int_equal(rota_handle_release(e, c.h), -ESTALE);
	assert_int_equal(rota_handle_reset_at(e, c.h, 0), -ESTALE);
	assert_int_equal(rota_handle_stop(e, c.h), -ESTALE);
	assert_int_equal(rota_handle_pending(e, c.h), -ESTALE);
	world_poll(w, 100 * TICK);
	assert_int_equal(c.ran, 19);
	/* its node is another's now, which is not kept */
	assert_int_equal(
	    rota_shard_after_func(w->shard, 101 * TICK, ran, &c, &c.h), 0);
	assert_int_equal(world_stat(w).timers, 1);
	assert_int_equal(rota_handle_release(e, c.h), -EINVAL);
	world_poll(w, 101 * TICK);
	assert_int_equal(c.ran, 20);
	assert_int_equal(rota_handle_stop(e, c.h), -ESTALE);
	assert_int_equal(rota_handle_init(NULL, ran, &c, &c.h), -EINVAL);
	assert_int_equal(rota_handle_init(w->shard, NULL, &c, &c.h), -EINVAL);
	assert_int_equal(rota_handle_init(w->shard, ran, &c, NULL), -EINVAL);
	assert_int_equal(rota_handle_release(e, 0), -EINVAL);
}

static void
again_and_out(void *arg)
{
	struct call *c = arg;
	struct rota_engine *e = c->w->engine;

	c->r[0] = rota_handle_reset_at(e, c->h, 0);
	if (++c->ran < 3)
		return;
	c->r[1] = rota_handle_stop(e, c->h);
	c->r[2] = rota_handle_release(e, c->h);
	/* its own node is not free yet */
	c->r[3] = rota_shard_after_func(c->w->shard, 0, ran, c, NULL);
}

static void
one_that_is_kept_may_go_in_its_function(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	assert_int_equal(
	    rota_handle_init(w->shard, again_and_out, &c, &c.h), 0);
	assert_int_equal(rota_handle_reset_at(w->engine, c.h, TICK), 0);
	for (unsigned i = 1; i < 4; i++) {
		world_poll(w, TICK);
		assert_int_equal(c.ran, i);
		assert_int_equal(c.r[0], 0);
	}
	assert_int_equal(c.r[1], ROTA_PREVENTED);
	assert_int_equal(c.r[2], ROTA_RUNNING);
	assert_int_equal(c.r[3], 0);
	assert_int_equal(rota_handle_pending(w->engine, c.h), -ESTALE);
	assert_int_equal(world_stat(w).timers, 2);
	world_poll(w, 2 * TICK);
	assert_int_equal(c.ran, 4);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    rota_shard_after_func(w->shard, 0, ran, &c, NULL), 0);
	assert_int_equal(world_stat(w).timers, 2);
}

/* Armed, stopped and given back by one thread, fired by another. */
static void *
keep_and_go(void *arg)
{
	struct crowd *m = arg;

	for (unsigned i = 0; i < 2000; i++) {
		rota_handle h;

		if (rota_handle_init(m->w->shard, ran, m->c, &h)) {
			m->failed++;
			break;
		}
		for (unsigned k = 0; k < i % 5; k++) {
			m->failed += rota_handle_reset_at(m->w->engine, h, 0) <
			    0;
			if (k % 2)
				m->failed += rota_handle_stop(m->w->engine, h) <
				    0;
		}
		m->failed += rota_handle_release(m->w->engine, h) < 0;
	}
	word_store(&m->over, (uint64_t)1, release); /* the test */
	return NULL;
}

static void
those_that_are_kept_come_back(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };
	struct crowd m = { .w = w, .c = &c };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, keep_and_go, &m), 0);
	while (!word_load(&m.over, acquire))
		rota_shard_poll(w->shard, 0, 0);
	pthread_join(thread, NULL);
	world_poll(w, TICK);
	assert_int_equal(m.failed, 0);
	assert_int_equal(world_stat(w).live, 0);
	assert_in_range(world_stat(w).timers, 1, 3);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

static void
one_left_at_the_end_is_reported_as_what_it_is(void **state)
{
	struct world *w = *state;
	struct call c = { .w = w };

	rota_shard_after_func(w->shard, 7 * TICK, ran, &c, NULL);
	assert_int_equal(world_destroy(w, ROTA_DROP), 1);
	assert_int_equal(w->leaks, 1);
	assert_int_equal(w->leak[0].deadline, 7 * TICK);
	assert_int_equal(c.ran, 0);
}

#define ALONE(test, row)                                  \
	{                                                 \
#test, test, world_setup, world_teardown, \
		    (void *)(uintptr_t) & (row)           \
	}
/* Of ten timers at most. */
#define TEN(test) \
	ALONE(test, ten_heap), ALONE(test, ten_wheel), ALONE(test, ten_coarse)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(a_function_runs_once_at_its_instant),
		EVERY(after_counts_from_now_on_the_shard_that_the_caller_owns),
		EVERY(a_stop_prevents_and_makes_the_handle_stale),
		EVERY(after_it_ran_the_handle_is_stale),
		EVERY(a_reset_moves_it_while_it_is_pending),
		EVERY(in_its_own_function_it_is_running),
		EVERY(a_stale_handle_never_means_the_next_user_of_its_node),
		EVERY(what_never_was_a_handle_is_refused),
		EVERY(nobody_needs_to_keep_the_handle),
		EVERY(nodes_are_used_again),
		EVERY(a_node_whose_generations_are_used_up_retires),
		TEN(what_has_fired_can_be_armed_again_by_anybody),
		ALONE(a_driver_gives_back_what_it_fired, driven_few),
		TEN(one_pooled_timer_counts_as_one),
		TEN(places_of_stopped_ones_are_found_again),
		TEN(what_fires_on_its_way_is_the_inboxs_for_its_owner),
		TEN(what_fires_on_its_way_is_the_inboxs_for_others),
		TEN(what_fires_on_its_way_can_be_used_again),
		TEN(what_fires_on_its_way_can_be_used_and_stopped),
		TEN(what_fires_on_its_way_may_be_used_up),
		EVERY(the_bytes_are_all_that_was_allocated),
		TEN(places_that_come_one_by_one_take_no_slab_each),
		EVERY(a_crowd_makes_no_more_than_it_uses),
		ALONE(a_retired_shards_free_ones_are_the_targets, two_shards),
		ALONE(
		    the_first_use_after_a_retirement_says_nothing, two_shards),
		TEN(a_node_that_retires_gives_its_place_back),
		cmocka_unit_test_teardown(
		    the_cap_counts_pooled_timers, world_teardown),
		EVERY(refused_memory_at_every_call_leaves_it_usable),
		EVERY(any_thread_may_start_and_stop),
		EVERY(one_that_is_kept_can_be_armed_after_it_fired),
		EVERY(one_that_is_kept_may_go_in_its_function),
		EVERY(those_that_are_kept_come_back),
		EVERY(one_left_at_the_end_is_reported_as_what_it_is),
	};

	return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
