/* SPDX-License-Identifier: MIT
 *
 * handle_test.c - core/pool.c: what becomes of the node of a pooled timer that
 * has fired, while others are still at it.
 * Claims: a place is not given away before the push of its timer, nor before
 * the drain that lets go of it is done; the next user is not told of the former
 * one's function.
 * Rows     G21
 */
#include <errno.h>

#include <rota/handle.h>

#include "api/wait/wait.h"
#include "tests/gate/acts.h"

/* One timer and no more: each arming has the same node. */
static const struct world_row world_one_heap = { .backend = ROTA_HEAP,
	.max_timers = 1 };
static const struct world_row world_one_wheel = { .backend = ROTA_WHEEL,
	.max_timers = 1 };
static const struct world_row world_one_coarse = { .backend = ROTA_WHEEL_COARSE,
	.max_timers = 1 };
#define ONE_EVERY(test) \
	ON(test, one_heap), ON(test, one_wheel), ON(test, one_coarse)

/* What a gated thread does with a handle. */
struct hand {
	struct world *w;
	rota_time when;
	rota_handle h;
	rota_word r;
};

static rota_word calls; /* of functions; read while others stand */

static void
called(void *arg)
{
	(void)arg;
	word_add(&calls, (uint64_t)1, relaxed);
}

static void
act_after_func(void *arg)
{
	struct hand *a = arg;

	word_store(&a->r,
	    (uint64_t)(int64_t)rota_shard_after_func(
		a->w->shard, a->when, called, NULL, NULL),
	    relaxed);
}

static void
act_reset_handle(void *arg)
{
	struct hand *a = arg;

	word_store(&a->r,
	    (uint64_t)(int64_t)rota_handle_reset_at(
		a->w->engine, a->h, a->when),
	    relaxed);
}

/* It fires at the place that its former user has left. */
static void
a_place_is_not_given_away_before_the_push(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct hand armer = { .w = w, .when = 4 * TICK };
	struct rota_timer t;
	rota_handle h;
	struct gated *g;

	word_store(&calls, (uint64_t)0, relaxed);
	assert_int_equal(
	    rota_shard_after_func(s, 5 * TICK, called, NULL, &h), 0);
	world_poll(w, 0); /* filed */
	assert_int_equal(rota_handle_stop(w->engine, h), ROTA_PREVENTED);
	g = gate_open(act_after_func, &armer);
	assert_true(gate_to(g, &s->remote.inbox, ATOMIC_CAS, 1));
	world_poll(w, 6 * TICK);
	assert_int_equal(word_load(&calls, relaxed), 1);
	assert_int_equal(rota_timer_init(&t, &w->kind), -ENOSPC);
	gate_end(g);
	assert_int_equal(word_load(&armer.r, relaxed), 0);
	assert_int_equal(rota_timer_init(&t, &w->kind), -ENOSPC);
	world_poll(w, 6 * TICK);
	assert_int_equal(rota_timer_init(&t, &w->kind), 0);
	assert_int_equal(rota_timer_release(&t), 0);
	assert_int_equal(rota_shard_check(s), 0);
}

/* Who takes the place writes what the drain has read and written: a thread
 * sanitizer says whether it is done with that. */
static void
a_place_is_given_away_after_the_drain(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct hand resetter = { .w = w, .when = 4 * TICK };
	struct act polls = { .shard = s, .when = 6 * TICK, .polls = 2 };
	struct gated *g, *o;
	struct rota_timer t;

	word_store(&calls, (uint64_t)0, relaxed);
	assert_int_equal(
	    rota_shard_after_func(s, 5 * TICK, called, NULL, &resetter.h), 0);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &polls);
	/* It has drained. */
	assert_true(gate_to(o, &s->hot.seq, ATOMIC_LOAD, 1));
	g = gate_open(act_reset_handle, &resetter);
	gate_end(g);
	assert_int_equal(word_load(&resetter.r, relaxed), 1);
	assert_true(gate_to(o, &s->next, ATOMIC_STORE, 1)); /* it has fired */
	assert_int_equal(rota_handle_pending(w->engine, resetter.h), -ESTALE);
	assert_true(gate_to(o, &s->next, ATOMIC_STORE, 1)); /* and drained */
	assert_int_equal(rota_timer_init(&t, &w->kind), 0);
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_timer_release(&t), 0);
	assert_int_equal(
	    rota_shard_after_func(s, 9 * TICK, called, NULL, NULL), 0);
	world_poll(w, 9 * TICK);
	assert_int_equal(word_load(&calls, relaxed), 2);
}

static void
act_stop_handle(void *arg)
{
	struct hand *a = arg;

	word_store(&a->r,
	    (uint64_t)(int64_t)rota_handle_stop(a->w->engine, a->h), relaxed);
}

/* The former function is over, or its user has given the node back, and the
 * owner stands before its next step. The next arming of the node is stopped by
 * two at once. */
static void
the_second_stop_is_told_of_the_first(struct world *w)
{
	struct rota_shard *s = w->shard;
	struct hand stopper = { .w = w };
	struct gated *g;

	assert_int_equal(word_load(&calls, relaxed), 1);
	assert_int_equal(
	    rota_shard_after_func(s, 1000 * TICK, called, NULL, &stopper.h), 0);
	g = gate_open(act_stop_handle, &stopper);
	assert_true(gate_to(g, &s->stops, ATOMIC_ADD, 1)); /* it prevented */
	assert_int_equal(rota_handle_stop(w->engine, stopper.h), -ESTALE);
	gate_end(g);
	assert_int_equal(
	    (int)(int64_t)word_load(&stopper.r, relaxed), ROTA_PREVENTED);
}

static void
a_stop_is_not_told_of_the_nodes_former_function(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct act owner = { .shard = s, .when = TICK };
	struct gated *o;
	rota_handle h;

	word_store(&calls, (uint64_t)0, relaxed);
	assert_int_equal(rota_shard_after_func(s, TICK, called, NULL, &h), 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	/* About to claim it; has it; its function is over. */
	assert_true(gate_to(o, &s->running[ROLE_OWNER], ATOMIC_STORE, 3));
	assert_int_equal(word_load(&calls, relaxed), 1);
	assert_int_equal(rota_handle_stop(w->engine, h), ROTA_RUNNING);
	assert_int_equal(
	    rota_shard_after_func(s, TICK, called, NULL, NULL), -ENOSPC);
	assert_true(gate_to(o, &s->ended[ROLE_OWNER], ATOMIC_STORE, 1));
	assert_int_equal(rota_handle_stop(w->engine, h), -ESTALE);
	the_second_stop_is_told_of_the_first(w);
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(word_load(&calls, relaxed), 1);
}

static struct hand self_kept;

static void
called_and_released(void *arg)
{
	called(arg);
	assert_int_equal(
	    rota_handle_stop(self_kept.w->engine, self_kept.h), ROTA_RUNNING);
	assert_int_equal(rota_handle_release(self_kept.w->engine, self_kept.h),
	    ROTA_RUNNING);
}

static void
nor_of_that_of_one_that_was_kept(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct act owner = { .shard = s, .when = TICK };
	struct gated *o;

	word_store(&calls, (uint64_t)0, relaxed);
	self_kept = (struct hand){ .w = w };
	assert_int_equal(
	    rota_handle_init(s, called_and_released, NULL, &self_kept.h), 0);
	assert_int_equal(rota_handle_reset_at(w->engine, self_kept.h, TICK), 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &s->ended[ROLE_OWNER], ATOMIC_STORE, 1));
	the_second_stop_is_told_of_the_first(w);
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
}

static struct rota_timer *held;

static void
called_and_given(void *arg)
{
	called(arg);
	rota__node_give(held);
	gate_point(&inside);
}

/* Its function goes on. */
static void
nor_of_that_of_one_that_was_held(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct act owner = { .shard = s, .when = TICK };
	struct gated *o;

	word_store(&calls, (uint64_t)0, relaxed);
	assert_int_equal(
	    rota__node_take(w->engine, called_and_given, NULL, &held), 0);
	assert_int_equal(rota_timer_reset_at(held, TICK), 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	the_second_stop_is_told_of_the_first(w);
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ONE_EVERY(a_place_is_not_given_away_before_the_push),
		ONE_EVERY(a_place_is_given_away_after_the_drain),
		ONE_EVERY(a_stop_is_not_told_of_the_nodes_former_function),
		ONE_EVERY(nor_of_that_of_one_that_was_kept),
		ONE_EVERY(nor_of_that_of_one_that_was_held),
	};

	return cmocka_run_group_tests_name("gate_handle", tests, NULL, NULL);
}
