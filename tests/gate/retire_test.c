/* SPDX-License-Identifier: MIT
 *
 * retire_test.c - calls that a retirement overtakes.
 * Claims: they lose nothing, wake who has to wake, and are told the truth.
 */
#include <errno.h>

#include "tests/gate/acts.h"

static const struct world_row world_pair_heap = { .backend = ROTA_HEAP,
	.shards = 3 };
static const struct world_row world_pair_wheel = { .backend = ROTA_WHEEL,
	.shards = 3 };
static const struct world_row world_pair_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.shards = 3
};
#define PAIR_EVERY(test) \
	ON(test, pair_heap), ON(test, pair_wheel), ON(test, pair_coarse)

/* The first shard's timers may go to the second; both are ours. */
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

/* The push is on the inbox of the shard that has retired when that is
 * polled. */
static void
a_push_that_a_retirement_overtook_fires_on_the_heir(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct probe *p = world_probes(w, 2);
	struct act a = { .t = &p[0].timer, .when = 5 * TICK };
	struct gated *g = gate_open(act_reset, &a);

	rota_timer_reset_at(&p[1].timer, 7 * TICK);
	world_poll(w, 0);
	assert_true(gate_to(g, &s->remote.inbox, ATOMIC_CAS, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	assert_true(gate_to(g, &s->target, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_poll(s, TICK, 0), 0);
	gate_end(g);
	expect_nothing(w);
	assert_int_equal(rota_shard_check(s), 0);
	poll_target(target, 5 * TICK);
	expect_fired(w, 0);
	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	poll_target(target, 7 * TICK);
	expect_fired(w, 1);
}

static void
a_stop_that_a_retirement_overtook_knows_who_runs(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct probe *p = world_probes(w, 1);
	struct act stopper = { .t = &p->timer },
		   owner = { .shard = target, .when = TICK };
	struct gated *g, *o;

	p->then = through_the_gate;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 0);
	g = gate_open(act_stop, &stopper);
	assert_true(gate_to(g, &p->timer.r_word, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	assert_int_equal(rota_shard_detach(target), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_RUNNING);
	gate_end(o);
	assert_int_equal(answered(&owner), 0);
	expect_fired(w, 0);
}

/* One thread resets and has not yet pushed, on the heir; another finds it so,
 * but takes the old shard for the timer's. */
static void
who_missed_a_retirement_wakes_the_heir_behind_the_push(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct probe *p = world_probes(w, 2);
	struct act early = { .t = &p[0].timer, .when = TICK },
		   late = { .t = &p[0].timer, .when = 100 * TICK };
	struct gated *e, *l;
	rota_time until;

	rota_timer_reset_at(&p[1].timer, 50 * TICK);
	world_poll(w, 0);
	e = gate_open(act_reset, &early);
	assert_true(gate_to(e, &p[0].timer.r_word, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	poll_target(target, 0);
	l = gate_open(act_reset, &late);
	assert_true(gate_to(l, &target->remote.inbox, ATOMIC_CAS, 1));
	assert_true(rota_shard_park(target) > TICK);
	gate_end(e);
	assert_int_equal(answered(&early), 1);
	assert_int_equal(w->wakes, 1);
	poll_target(target, 0);
	until = rota_shard_park(target);
	assert_true(until > TICK); /* it cannot know */
	gate_end(l);
	assert_int_equal(w->wakes, 2);
	poll_target(target, TICK);
	expect_fired(w, 0);
}

/* Room for eight: five move, three are there. */
static void
an_init_does_not_take_the_room_of_what_moves(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *target;
	struct rota_kind k;
	struct rota_timer t[4];
	struct act r;
	struct gated *g;
	struct probe *p;
	struct rota_stats stats;

	world_destroy(w, ROTA_REFUSE);
	c.max_timers = 8;
	world_open(w, &c);
	target = target_of(w);
	p = world_probes(w, 5);
	simple_kind(&k, target);
	for (unsigned i = 0; i < 5; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_timer_init(&t[i], &k), 0);
		rota_timer_reset_at(&t[i], 2 * TICK);
	}
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	r = (struct act){ .shard = w->shard, .target = target };
	g = gate_open(act_retire, &r);
	assert_true(gate_to(g, &p[2].timer.r_word, ATOMIC_CAS, 1));
	assert_int_equal(rota_timer_init(&t[3], &k), -ENOSPC);
	assert_int_equal(rota_timer_release(&t[2]), 0);
	assert_int_equal(rota_timer_init(&t[3], &k), 0);
	rota_timer_reset_at(&t[3], 2 * TICK);
	gate_end(g);
	assert_int_equal(answered(&r), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 8);
	poll_target(target, TICK);
	assert_int_equal(w->fired, 5);
	w->fired = 0;
	rota_shard_stat(w->shard, &stats);
	assert_int_equal(stats.timers, 0);
	for (unsigned i = 0; i < 4; i++)
		if (i != 2)
			assert_int_equal(rota_timer_release(&t[i]), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 0);
	assert_int_equal(rota_kind_release(&k), 0);
}

/* A walk over all timers takes a while. */
static void
an_init_does_not_wait_for_what_moves(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct probe *p = world_probes(w, 3), more = { .world = w, .id = 3 };
	struct act r = { .shard = s, .target = target },
		   init = { .t = &more.timer, .kind = &w->kind };
	struct gated *g, *i;
	struct rota_stats stats;

	for (unsigned n = 0; n < 3; n++)
		rota_timer_reset_at(&p[n].timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	g = gate_open(act_retire, &r);
	assert_true(gate_to(g, &p[1].timer.r_word, ATOMIC_CAS, 1));
	i = gate_open(act_init, &init);
	assert_false(gate_to(i, &s->closing, ATOMIC_LOAD, 9));
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	assert_int_equal(rota_timer_reset_at(&more.timer, TICK), 0);
	gate_end(g);
	assert_int_equal(answered(&r), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 4);
	poll_target(target, TICK);
	assert_int_equal(w->fired, 4);
	w->fired = 0;
	assert_int_equal(rota_timer_release(&more.timer), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(rota_timer_release(&p[n].timer), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 0);
	rota_shard_stat(s, &stats);
	assert_int_equal(stats.timers, 0);
}

/* It has counted its timer, and not yet asked whether the shard retires. */
static void
an_init_that_a_retirement_overtook_counts_on_the_heir(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct probe *p = world_probes(w, 3);
	struct rota_timer more;
	struct act init = { .t = &more, .kind = &w->kind };
	struct gated *i = gate_open(act_init, &init);
	struct rota_stats stats;

	assert_true(gate_to(i, &s->closing, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	rota_shard_stat(s, &stats);
	assert_int_equal(stats.timers, 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 4);
	assert_int_equal(rota_timer_release(&more), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(rota_timer_release(&p[n].timer), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 0);
}

/* What it found no room for goes on, its inits too. */
static void
a_retirement_that_failed_lets_inits_go_on(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *target;
	struct rota_kind k;
	struct rota_timer t[5];
	struct act init;
	struct gated *g;

	world_destroy(w, ROTA_REFUSE);
	c.max_timers = 5;
	world_open(w, &c);
	target = target_of(w);
	simple_kind(&k, target);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
		    rota_timer_init(&t[i], i < 3 ? &k : &w->kind), 0);
	world_probes(w, 1);
	assert_int_equal(rota_shard_retire(w->shard, target), -ENOSPC);
	assert_int_equal(rota_timer_release(&t[4]), 0);
	init = (struct act){ .t = &t[4], .kind = &w->kind };
	g = gate_open(act_init, &init);
	gate_end(g);
	assert_int_equal(answered(&init), 0);
	/* Nor has it left its count there. */
	assert_int_equal(rota_timer_release(&t[4]), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct rota_timer more[2];

		assert_int_equal(rota_timer_init(&more[0], &k), 0);
		assert_int_equal(rota_timer_init(&more[1], &k), 0);
		assert_int_equal(rota_timer_release(&more[0]), 0);
		assert_int_equal(rota_timer_release(&more[1]), 0);
	}
}

/* It has counted its six on the heir, and not taken them back; if it counts
 * at all. */
static void
a_retirement_that_fails_takes_no_room_meanwhile(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *target;
	struct rota_kind k;
	struct rota_timer t[4];
	struct act r;
	struct gated *g;

	world_destroy(w, ROTA_REFUSE);
	c.max_timers = 8;
	world_open(w, &c);
	target = target_of(w);
	world_probes(w, 6);
	simple_kind(&k, target);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rota_timer_init(&t[i], &k), 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	r = (struct act){ .shard = w->shard, .target = target };
	g = gate_open(act_retire, &r);
	(void)gate_to(g, &target->timers, ATOMIC_ADD, 2);
	assert_int_equal(rota_timer_init(&t[3], &k), 0);
	gate_end(g);
	assert_int_equal(answered(&r), -ENOSPC);
	assert_int_equal(w->logs, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rota_timer_release(&t[i]), 0);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

static uint64_t
live_of(struct rota_shard *s)
{
	struct rota_stats stats;

	assert_int_equal(rota_shard_stat(s, &stats), 0);
	return stats.live;
}

/* One is about to count a start, one a stop, on a shard that retires, and whose
 * heir retires as well. */
static void
a_count_that_a_retirement_overtook_is_no_timers(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct rota_shard *last = rota_engine_shard(w->engine, 2);
	struct probe *p = world_probes(w, 4);
	struct act start = { .t = &p[0].timer, .when = 5 * TICK },
		   stop = { .t = &p[1].timer };
	struct gated *a, *b;
	struct rota_stats sum;

	assert_int_equal(rota_shard_attach(last), 0);
	for (unsigned i = 1; i < 4; i++)
		rota_timer_reset_at(&p[i].timer, 7 * TICK);
	world_poll(w, 0);
	a = gate_open(act_reset, &start);
	assert_true(gate_to(a, &s->starts, ATOMIC_ADD, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	gate_end(a);
	assert_int_equal(live_of(s), 0);
	assert_int_equal(live_of(target), 4);
	poll_target(target, 0);
	b = gate_open(act_stop, &stop);
	assert_true(gate_to(b, &target->stops, ATOMIC_ADD, 1));
	assert_int_equal(rota_shard_retire(target, last), 0);
	gate_end(b);
	poll_target(last, 5 * TICK);
	expect_fired(w, 0);
	assert_int_equal(live_of(s), 0);
	assert_int_equal(live_of(target), 0);
	assert_int_equal(live_of(last), 2);
	assert_int_equal(rota_engine_stat(w->engine, &sum), 0);
	assert_int_equal(sum.live, 2);
	poll_target(last, 7 * TICK);
	assert_int_equal(live_of(last), 0);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
act_after_func(void *arg)
{
	struct act *a = arg;

	word_store(&a->r,
	    (uint64_t)rota_shard_after_func(
		a->shard, a->when, nothing, NULL, NULL),
	    relaxed);
}

/* Where no pooled timer is free one is taken that was of a shard that has
 * retired there; others are not asked whether they have. */
static void
an_arming_looks_at_no_shard_that_has_not_retired_there(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct rota_shard *last = rota_engine_shard(w->engine, 2);
	struct act a = { .shard = target, .when = TICK };
	uint64_t bytes;
	struct gated *g;

	assert_int_equal(rota_shard_attach(last), 0);
	assert_int_equal(
	    rota_shard_after_func(s, TICK, nothing, NULL, NULL), 0);
	world_poll(w, TICK);
	g = gate_open(act_after_func, &a);
	assert_false(gate_to(g, &last->target, ATOMIC_LOAD, 1));
	gate_end(g);
	assert_int_equal(answered(&a), 0);
	assert_int_equal(rota_shard_retire(s, target), 0);
	assert_int_equal(rota_shard_retire(target, last), 0);
	bytes = w->mem.bytes;
	g = gate_open(act_after_func, &a);
	gate_end(g);
	assert_int_equal(answered(&a), 0);
	assert_int_equal(w->mem.bytes, bytes);
	poll_target(last, TICK);
	assert_int_equal(live_of(last), 0);
}

static void
a_kind_leaves_the_list_it_is_in_under_its_lock(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target = target_of(w);
	struct rota_kind k, other;
	struct act a = { .kind = &k };
	struct gated *g;

	simple_kind(&k, s);
	simple_kind(&other, target);
	g = gate_open(act_kind_release, &a);
	assert_true(gate_to(g, &s->lock, ATOMIC_LOCK, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	assert_true(gate_to(g, &target->lock, ATOMIC_LOCK, 1));
	assert_int_equal(rota_kind_release(&other), 0);
	gate_end(g);
	assert_int_equal(answered(&a), 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
	assert_null(target->kinds);
}

struct sleeper {
	struct rota_shard *s;
	struct rota_timer *own, *other;
	rota_word until;
};

static void
arms_and_parks(void *arg)
{
	struct sleeper *o = arg;

	rota_shard_attach(o->s);
	rota_timer_reset_at(o->own, 10 * TICK);
	rota_shard_poll(o->s, TICK, 0);
	gate_point(&inside);
	rota_timer_reset_at(o->other, 20 * TICK);
	word_store(&o->until, (uint64_t)rota_shard_park(o->s), relaxed);
	rota_shard_detach(o->s);
}

/* The target has a timer that may be late. A kind without slack comes to it, and
 * the target's owner arms a timer of that kind and parks, before the one that
 * retires goes on. */
static void
a_kind_that_moves_keeps_its_slack(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = rota_engine_shard(w->engine, 1);
	struct probe *p = world_probes(w, 1);
	struct act r = { .shard = w->shard, .target = target };
	struct rota_kind late;
	struct rota_timer own;
	struct sleeper o = { target, &own, &p->timer, 0 };
	struct gated *retires, *sleeps;

	assert_int_equal(
	    rota_kind_init(&late, target,
		&(struct rota_kind_config){
		    .fire = probe_fire, .slack = 100 * TICK, .name = "late" }),
	    0);
	assert_int_equal(rota_timer_init(&own, &late), 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	sleeps = gate_open(arms_and_parks, &o);
	assert_true(gate_to(sleeps, &inside, ATOMIC_POINT, 1));
	retires = gate_open(act_retire, &r);
	assert_true(gate_to(retires, &w->shard->slack_least, ATOMIC_LOAD, 1));
	assert_true(
	    gate_to(sleeps, &target->park.sleep_until, ATOMIC_STORE, 1));
	gate_end(retires);
	assert_int_equal(answered(&r), 0);
	gate_end(sleeps);
	assert_true((rota_time)word_load(&o.until, relaxed) <= 20 * TICK ||
	    w->wakes > 0);
	assert_int_equal(rota_shard_attach(target), 0);
	rota_timer_release(&own);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR_EVERY(a_push_that_a_retirement_overtook_fires_on_the_heir),
		PAIR_EVERY(a_kind_that_moves_keeps_its_slack),
		PAIR_EVERY(a_stop_that_a_retirement_overtook_knows_who_runs),
		PAIR_EVERY(
		    who_missed_a_retirement_wakes_the_heir_behind_the_push),
		PAIR_EVERY(an_init_does_not_take_the_room_of_what_moves),
		PAIR_EVERY(an_init_does_not_wait_for_what_moves),
		PAIR_EVERY(
		    an_init_that_a_retirement_overtook_counts_on_the_heir),
		PAIR_EVERY(a_retirement_that_failed_lets_inits_go_on),
		PAIR_EVERY(a_retirement_that_fails_takes_no_room_meanwhile),
		PAIR_EVERY(a_count_that_a_retirement_overtook_is_no_timers),
		PAIR_EVERY(
		    an_arming_looks_at_no_shard_that_has_not_retired_there),
		PAIR_EVERY(a_kind_leaves_the_list_it_is_in_under_its_lock),
	};

	return cmocka_run_group_tests_name("gate_retire", tests, NULL, NULL);
}
